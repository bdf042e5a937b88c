"""The outline of a journey: the lists in which its graph could have been written (F51, F59)."""

import pytest
from hypothesis import given, settings

from journeyflow import Condition, End, InvalidJourney, Journey, Send, Split, Wait, arm, field, outline, reorder_steps
from journeyflow.definition.edits.outline import follow_of, leading, ways_of
from journeyflow.testing import journeys


def mail(name, **options):
    """Write a Send with few words."""
    return Send(name, channel="EMAIL", template="t", **options)


def shown(rows):
    """Show lists as text: the number and id of each step, and its branches."""
    return [
        f"{each.number} {each.id}" if not each.branches else {f"{each.number} {each.id}": branches(each)}
        for each in rows
    ]


def branches(step):
    """Show the branches of a step."""
    return {way: shown(rows) for way, rows in step.branches.items()}


@pytest.mark.rows(51, 59)
def test_numbers_count_within_the_list_of_a_branch():
    """F51: they are not unique over the journey; branches may be nested, and a wait has them too."""
    inner = Split("test", arm(50, [mail("x")]), arm(50, [], "rest"))
    steps = [
        mail("hello"),
        Condition("paid", field("plan").eq("paid"), yes=[mail("a"), inner, mail("b")], no=[mail("c")]),
        Wait("reply", event="order.placed", timeout="1 day", on_timeout=[mail("nudge")]),
        End("done"),
    ]
    [main] = outline(Journey(id="j", steps=steps))
    assert shown(main) == [
        "1 hello",
        {"2 paid": {"yes": ["1 a", {"2 test": {"A": ["1 x"]}}, "3 b"], "no": ["1 c"]}},
        {"3 reply": {"timeout": ["1 nudge"]}},
        "4 done",
    ]


def test_what_others_only_jump_to_is_a_list_of_its_own():
    """Beside the main path, in the order of the definition; a journey without steps has no list."""
    steps = [mail("a", next="end"), End("end"), mail("b", next="c"), mail("c", next="a")]
    assert [shown(rows) for rows in outline(Journey(id="j", steps=steps))] == [["1 a", "2 end"], ["1 b", "2 c"]]
    assert outline(Journey(id="j", steps=[])) == ()


@settings(max_examples=60, deadline=None)
@given(journeys())
def test_every_step_is_in_exactly_one_list(journey):
    """Of any journey; numbers count from 1, and lists begin with the first step."""
    found: list[str] = []

    def walk(rows):
        assert [each.number for each in rows] == list(range(1, len(rows) + 1))
        for each in rows:
            found.append(each.id)
            for inner in each.branches.values():
                walk(inner)

    lists = outline(journey)
    for rows in lists:
        walk(rows)
    assert sorted(found) == sorted(journey.index)
    assert lists[0][0].id == journey.steps[0].id


def test_a_step_has_the_ways_of_its_kind():
    """A wait for a duration and an end have none; one for an event has a second way if its time can run out."""
    assert (ways_of(Wait("rest", "1 day")), ways_of(End("done"))) == ({}, {})
    assert ways_of(Wait("reply", event="x")) == {"event": "on_event"}
    assert ways_of(Wait("reply", event="x", timeout="1 day")) == {"event": "on_event", "timeout": "on_timeout"}


def test_a_choice_with_an_open_branch_leads_on():
    """Where a branch is a list of steps, those lead to what follows; where each branch names a step, nothing does."""
    asks = field("a").eq(1)
    assert follow_of(leading(Condition("c", asks, yes=[Wait("rest", "1 day")], no="x"), "z")) == "z"
    assert follow_of(leading(Condition("c", asks, yes="y", no="x"), "z")) is None


def test_a_step_that_cannot_leave_its_branch_is_told_which_that_is():
    """By the label that the branch has, also if it is not the first one (F122)."""
    asks = Condition("ask", field("a").eq(1), yes=[mail("y")], no=[mail("n1"), mail("n2")])
    journey = Journey(id="j", steps=[asks, End("done")])
    with pytest.raises(InvalidJourney, match=r"it stays in its list, branch 'no' of step 'ask'"):
        reorder_steps(journey, ["ask", "n1", "y", "n2", "done"])


def test_an_outline_of_what_is_no_journey_names_the_argument():
    """It says what it expected, before anything else."""
    with pytest.raises(TypeError, match=r"^journey: expected a Journey, not int 7"):
        outline(7)  # type: ignore[arg-type]  # what is wrong on purpose
