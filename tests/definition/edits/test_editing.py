"""Editing journeys as pure functions: what each edit gives, and everything it refuses."""

from collections.abc import Callable
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings

from journeyflow import (
    Condition,
    End,
    Goal,
    InvalidJourney,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    add_step,
    arm,
    branch,
    field,
    remove_step,
    rename_step,
    reorder_steps,
    replace_step,
    replace_steps,
    tag,
    update_journey,
    update_step,
)
from journeyflow.definition.continuations import targets
from journeyflow.definition.steps import Step
from journeyflow.testing import journeys

PAID, RICH = field("plan").eq("paid"), field("spent").gt(100)


def send(name: str, next: str | None = None) -> Send:  # noqa: A002 the word of the graph
    """Make a Send of which only the id matters."""
    return Send(name, channel="EMAIL", template="t", next=next)


def line(*names: str) -> Journey:
    """Make a journey of Sends, one after the other, and an End."""
    return Journey(id="j", steps=[*map(send, names), End("done")])


def choice(**options: Any) -> Journey:
    """Make a journey with a choice in the middle: a, then yes (y, z) or no (n), then b."""
    picks = Condition("pick", PAID, yes=[send("y"), send("z")], no=[send("n")])
    return Journey(**{"id": "j", "steps": [send("a"), picks, send("b"), End("done")], **options})


def ways(journey: Journey) -> list[str]:
    """Write every step with where it leads, in order."""
    return [
        f"{step.id}: {' '.join(str(target) for _, target in targets(step) if target is not None)}".strip()
        for step in journey.steps
    ]


def refused(edit: Callable[[], object]) -> list[str]:
    """Give the problems that an edit is refused with."""
    with pytest.raises(InvalidJourney) as caught:
        edit()
    return [str(problem) for problem in caught.value.problems]


# --- adding -----------------------------------------------------------------------------------------------------------


@pytest.mark.rows(119, 62)
def test_a_step_is_added_after_another():
    """R12: the journey at hand stays as it is, the new one has the step in between."""
    before = line("a", "b")
    assert ways(add_step(before, send("x"), after="a")) == ["a: x", "x: b", "b: done", "done:"]
    assert ways(before) == ["a: b", "b: done", "done:"]


@pytest.mark.rows(62)
def test_without_a_place_a_step_comes_last():
    """The default of `afterStepId`: the last of the main path, before its End."""
    assert ways(add_step(line("a"), send("x"))) == ["a: x", "x: done", "done:"]
    assert ways(add_step(choice(), send("x")))[-3:] == ["b: x", "x: done", "done:"]
    assert ways(add_step(Journey(id="j", steps=[End("done")]), send("x"))) == ["x: done", "done:"]
    assert ways(add_step(Journey(id="j", steps=[]), send("x"))) == ["x: end", "end:"]


def test_a_step_is_added_before_another():
    """On every way there, also as the first one."""
    assert ways(add_step(line("a"), send("x"), before="a")) == ["x: a", "a: done", "done:"]
    made = add_step(choice(), send("x"), before="b")
    assert ways(made) == ["a: pick", "pick: x y n", "y: z", "z: x", "n: x", "x: b", "b: done", "done:"]


@pytest.mark.rows(62)
def test_after_a_choice_is_after_its_branches_have_rejoined():
    """Everybody passes there, whichever way they took."""
    made = add_step(choice(), send("x"), after="pick")
    assert ways(made) == ["a: pick", "pick: x y n", "y: z", "z: x", "n: x", "x: b", "b: done", "done:"]


@pytest.mark.rows(62)
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("yes", ["pick: b x n", "x: y", "y: z", "z: b", "n: b"]),
        ("no", ["pick: b y x", "y: z", "z: b", "x: n", "n: b"]),
    ],
)
def test_a_way_names_the_branch_to_begin_with_the_step(way, expected):
    """By its label."""
    assert ways(add_step(choice(), send("x"), after="pick", way=way))[1:-2] == expected


def test_an_empty_branch_gets_its_first_step():
    """And rejoins after it."""
    journey = Journey(id="j", steps=[Condition("pick", PAID, yes=[send("y")]), send("b"), End("done")])
    made = add_step(journey, send("x"), after="pick", way="no")
    assert ways(made) == ["pick: b y x", "y: b", "x: b", "b: done", "done:"]


def test_a_branch_that_leads_elsewhere_does_so_after_its_first_step_too():
    """A jump is not a list of its own: the new step stands before it."""
    journey = Journey(id="j", steps=[Wait("w", "1 day"), Condition("pick", PAID, yes="w"), send("b"), End("done")])
    made = add_step(journey, send("x"), after="pick", way="yes")
    assert ways(made) == ["w: pick", "pick: b x b", "x: w", "b: done", "done:"]


def test_a_step_in_a_branch_is_followed_inside_it():
    """What comes after the last step of a branch still rejoins."""
    made = add_step(choice(), send("x"), after="z")
    assert ways(made)[2:6] == ["y: z", "z: x", "x: b", "n: b"]


@pytest.mark.parametrize(
    ("step", "way"),
    [
        (Wait("w", event="x", timeout="1 day"), "event"),
        (Wait("w", event="x", timeout="1 day"), "timeout"),
        (Wait("w", when=PAID, timeout="1 day"), "event"),
        (Wait("w", when=PAID, timeout="1 day"), "timeout"),
        (Wait("w", field="birthday"), "missing"),
        (Wait("w", field="birthday"), "past"),
        (Split("w", arm(50), arm(50)), "B"),
        (Condition("w", branches=[branch(PAID), branch(RICH)]), "2"),
        (Condition("w", branches=[branch(PAID), branch(RICH)]), "else"),
    ],
)
def test_every_way_of_every_kind_can_be_named(step, way):
    """By the outcome of R44."""
    made = add_step(Journey(id="j", steps=[step, End("done")]), send("x"), after="w", way=way)
    assert dict(targets(made.step("x")))["next"] == "done"
    assert [target for _, target in targets(made.step("w"))].count("x") == 1


def test_a_step_brings_its_own_branches_along():
    """Nested lists are as good as in a new journey; where they rejoin is where the step was added."""
    made = add_step(line("a", "b"), Condition("pick", PAID, yes=[send("y")]), after="a")
    assert ways(made) == ["a: pick", "pick: b y b", "y: b", "b: done", "done:"]


def test_a_step_that_says_where_it_leads_is_believed():
    """A jump, or ways of its own."""
    made = add_step(line("a", "b"), send("x", next="done"), after="a")
    assert ways(made)[:2] == ["a: x", "x: done"]
    made = add_step(line("a", "b"), Condition("x", PAID, yes="b", no="done"), after="a")
    assert ways(made)[:2] == ["a: x", "x: b done"]


def test_a_jump_still_leads_where_it_led():
    """The weekly loop goes on after the new step."""
    journey = Journey(id="j", steps=[Wait("week", "1 week"), send("a", next="week")])
    assert ways(add_step(journey, send("x"), after="a")) == ["week: a", "a: x", "x: week"]


def test_what_stands_against_a_new_step_is_told_at_once():
    """R13: the id, the place, and what cannot go together."""
    assert refused(lambda: add_step(line("a"), send("a"), after="b", before="c")) == [
        "step.id: there is a step 'a' already [duplicate]",
        "after: there is no step 'b' [unknown-step]",
        "before: there is no step 'c' [unknown-step]",
        "before: say either after or before [place]",
    ]
    assert refused(lambda: add_step(line("a"), "b", way="yes")) == [  # type: ignore[arg-type]  # wrong on purpose
        "step: expected a step such as Send(...), not str 'b' [step]",
        "way: a way goes with after, the step it leads from [place]",
    ]
    assert refused(lambda: add_step(choice(), send("x"), after="pick", way="perhaps")) == [
        "way: step 'pick' has no way 'perhaps'; it has 'yes', 'no' [place]"
    ]
    assert refused(lambda: add_step(line("a"), send("x"), after="a", way="yes")) == [
        "way: step 'a' has no way 'yes'; it has none [place]"
    ]
    assert refused(lambda: add_step(line("a"), send("x"), after="done")) == [
        "after: step 'done' is an End: nothing comes after it [place]"
    ]


def test_branches_that_never_rejoin_have_no_after():
    """Which of them is meant has to be said."""
    journey = Journey(id="j", steps=[Condition("pick", PAID, yes=[End("y")], no=[End("n")])])
    assert refused(lambda: add_step(journey, send("x"), after="pick")) == [
        "after: the branches of step 'pick' never rejoin; say with way= which of them is meant: 'yes', 'no' [place]"
    ]
    assert ways(add_step(journey, send("x"), after="pick", way="no")) == ["pick: y x", "y:", "x: n", "n:"]


def test_the_new_journey_is_checked_like_any_other():
    """R13: every problem of it."""
    step = Wait("x", "-1 day", window="never")  # type: ignore[arg-type]  # wrong on purpose
    assert [problem.split(":")[0] for problem in refused(lambda: add_step(line("a"), step))] == [
        "steps[1].duration",
        "steps[1].window",
    ]


# --- changing ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(120, 55, 56)
@pytest.mark.parametrize(
    ("step", "options"),
    [
        (send("s"), {"template": "u", "name": "Hello", "notes": "!"}),
        (Wait("s", "1 day"), {"duration": "2 days"}),
        (Condition("s", PAID), {"branches": [branch(RICH)]}),
        (Split("s", arm(50), arm(50)), {"arms": [arm(40), arm(60)], "name": "Test"}),
        (Update("s", tag.add("x")), {"changes": (tag.add("y"),)}),
        (End("s"), {"outcome": "won"}),
    ],
)
def test_options_of_a_step_are_changed(step, options):
    """What is not named stays, of every kind of step."""
    before = Journey(id="j", steps=[step])
    made = update_step(before, "s", **options)
    expected = type(step)("s", **options) if isinstance(step, End | Wait) else None
    assert expected is None or made == replace_step(before, expected)
    assert made != before
    assert [each.id for each in made.steps] == [each.id for each in before.steps]
    for name, value in options.items():
        assert name in {"arms", "branches", "duration"} or getattr(made.step("s"), name) == value


def test_unknown_options_are_told_with_the_nearest():
    """R13: all at once; an id is not an option."""
    assert refused(lambda: update_step(line("a"), "a", chanel="SMS", id="b")) == [
        "chanel: a send has no option 'chanel' (did you mean 'channel'?) [option]",
        "id: a step keeps its id; rename_step gives it another one [option]",
    ]
    assert refused(lambda: update_step(line("first"), "frist")) == [
        "step_id: there is no step 'frist' (did you mean 'first'?) [unknown-step]"
    ]


def test_a_changed_step_is_checked():
    """R13: with the rest of the journey."""
    assert refused(lambda: update_step(line("a"), "a", next="nowhere")) == [
        "steps[0].next: step 'a' continues at unknown step 'nowhere' [dangling]"
    ]


@pytest.mark.rows(120)
def test_a_step_is_replaced_by_another_kind():
    """It leads where the old one led, unless it says otherwise."""
    assert ways(replace_step(line("a", "b"), Wait("a", "1 day"))) == ["a: b", "b: done", "done:"]
    assert ways(replace_step(line("a", "b"), Wait("a", "1 day", next="done")))[0] == "a: done"
    assert ways(replace_step(line("a", "b"), End("a")))[0] == "a:"
    assert refused(lambda: replace_step(line("a"), send("x"))) == ["step: there is no step 'x' [unknown-step]"]
    assert refused(lambda: replace_step(line("a"), None)) == [  # type: ignore[arg-type]  # wrong on purpose
        "step: expected a step such as Send(...), not null [step]"
    ]


@pytest.mark.rows(109, 63, 64)
def test_all_steps_are_replaced():
    """What is not among the new ones is gone; everything else of the journey stays."""
    before = Journey(id="j", name="J", steps=[send("a"), send("b")])
    made = replace_steps(before, [send("b"), send("c")])
    assert ways(made) == ["b: c", "c: end", "end:"]
    assert made.name == "J"
    assert refused(lambda: replace_steps(before, [send("a"), send("a")])) == [
        "steps[1].id: two steps are named 'a'; the other is steps[0] [duplicate]"
    ]


# --- removing ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(121)
def test_what_led_to_a_removed_step_leads_on():
    """The first, one in the middle, one before the End."""
    assert ways(remove_step(line("a", "b", "c"), "a")) == ["b: c", "c: done", "done:"]
    assert ways(remove_step(line("a", "b", "c"), "b")) == ["a: c", "c: done", "done:"]
    assert ways(remove_step(line("a", "b", "c"), "c")) == ["a: b", "b: done", "done:"]


@pytest.mark.rows(121)
def test_with_a_choice_go_its_branches():
    """The way goes on where they rejoined; what a jump still leads to stays."""
    assert ways(remove_step(choice(), "pick")) == ["a: b", "b: done", "done:"]
    kept = Journey(id="j", steps=[Condition("far", RICH, yes="y"), *choice().steps])
    assert ways(remove_step(kept, "pick")) == ["far: a y a", "a: b", "y: z", "z: b", "b: done", "done:"]


def test_a_removed_first_step_leaves_the_next_one_first():
    """Wherever that stands in the list."""
    journey = Journey(id="j", steps=[send("a", next="c"), send("b", next="done"), send("c", next="b"), End("done")])
    assert ways(remove_step(journey, "a")) == ["c: b", "b: done", "done:"]


def test_an_end_is_removed_for_another():
    """It leads nowhere: where those go who came there has to be said, unless nobody does."""
    journey = Journey(id="j", steps=[Condition("pick", PAID, yes=[End("y")], no=[End("n")])])
    assert ways(remove_step(journey, "y", to="n")) == ["pick: n n", "n:"]
    assert refused(lambda: remove_step(journey, "y")) == [
        "to: step 'y' leads nowhere else; say with to= where those go who came there [to]"
    ]
    assert ways(remove_step(Journey(id="j", steps=[End("a"), End("b")]), "b")) == ["a:"]
    assert refused(lambda: remove_step(Journey(id="j", steps=[send("a"), End("b")]), "b")) == [
        "to: step 'b' leads nowhere else; say with to= where those go who came there [to]"
    ]
    assert remove_step(Journey(id="j", steps=[End("a")]), "a").steps == ()


def test_a_step_that_leads_to_itself():
    """R41: its way on is not a way on."""
    journey = Journey(id="j", steps=[send("a"), Wait("w", "1 day", next="w"), End("done")])
    assert len(refused(lambda: remove_step(journey, "w"))) == 1
    assert ways(remove_step(journey, "w", to="done")) == ["a: done", "done:"]


def test_what_a_removed_step_left_behind_is_not_read_any_more():
    """R13, R59: a rule about its message is refused, with its place."""
    asks = Condition("pick", field("message.a.opened").eq(True), yes=[send("b")])
    journey = Journey(id="j", steps=[send("a"), asks])
    assert refused(lambda: remove_step(journey, "a")) == [
        "steps[0].branches[0].when: 'message.a.opened': there is no Send named 'a' [reference]"
    ]
    assert refused(lambda: remove_step(journey, "x", to="y")) == [
        "step_id: there is no step 'x' [unknown-step]",
        "to: there is no step 'y' [unknown-step]",
    ]


# --- reordering -------------------------------------------------------------------------------------------------------


@pytest.mark.rows(122, 51)
def test_steps_change_places():
    """The list leads from top to bottom again, and ends where it ended."""
    assert ways(reorder_steps(line("a", "b", "c"), ["c", "a", "b", "done"])) == ["c: a", "a: b", "b: done", "done:"]


@pytest.mark.rows(122, 59)
def test_a_choice_takes_its_branches_along():
    """They stay after it, each in its own order."""
    made = reorder_steps(choice(), ["b", "pick", "z", "y", "n", "a", "done"])
    assert ways(made) == ["b: pick", "pick: a z n", "z: y", "y: a", "n: a", "a: done", "done:"]


def test_a_loop_stays_a_loop():
    """The way back is the list's, not that of the step which was its last."""
    journey = Journey(id="j", steps=[Wait("soon", "1 day"), send("a"), send("b", next="soon")])
    assert ways(reorder_steps(journey, ["soon", "b", "a"])) == ["soon: b", "b: a", "a: soon"]


@pytest.mark.rows(122)
def test_no_step_comes_after_an_end():
    """F122, R40: nothing would lead there."""
    assert refused(lambda: reorder_steps(line("a"), ["done", "a"])) == [
        "order[1]: step 'a' cannot come here: nothing leads on from the End, or the choice, before it [order]"
    ]


def test_branches_that_never_rejoin_stay_so():
    """R37: a choice whose ways all end has nothing below it."""
    journey = Journey(id="j", steps=[send("a"), send("b"), Condition("pick", PAID, yes=[End("y")], no=[End("n")])])
    assert ways(reorder_steps(journey, ["b", "a", "pick", "y", "n"])) == ["b: a", "a: pick", "pick: y n", "y:", "n:"]


def test_a_branch_that_leads_elsewhere_still_does():
    """R37: a branch that goes back does not rejoin the others because steps have changed places."""
    back = Condition("pick", PAID, yes=[Wait("y", "1 day", next="a")], no=[send("n")])
    journey = Journey(id="j", steps=[send("a"), send("c"), back, send("b"), End("done")])
    made = reorder_steps(journey, ["c", "a", "pick", "y", "n", "b", "done"])
    assert ways(made) == ["c: a", "a: pick", "pick: b y n", "y: a", "n: b", "b: done", "done:"]


@pytest.mark.rows(122)
def test_an_order_is_a_permutation():
    """Every fault of the list of ids."""
    assert refused(lambda: reorder_steps(line("a", "b"), ["b", "b", "x", "done"])) == [
        "order[2]: there is no step 'x' [unknown-step]",
        "order[1]: the step 'b' is there twice [duplicate]",
        "order: the step 'a' is missing [missing]",
    ]


@pytest.mark.rows(122)
def test_a_step_stays_in_its_branch():
    """The error names the first one that cannot stand where it is wanted, and its home."""
    assert refused(lambda: reorder_steps(choice(), ["a", "y", "pick", "z", "n", "b", "done"])) == [
        (
            "order[1]: step 'y' cannot come here, where 'pick' must:"
            " it stays in its list, branch 'yes' of step 'pick' [order]"
        )
    ]
    assert refused(lambda: reorder_steps(choice(), ["a", "pick", "b", "y", "z", "n", "done"])) == [
        "order[2]: step 'b' cannot come here, where 'y' must: it stays in its list, the main path [order]"
    ]


@pytest.mark.rows(122)
def test_no_step_comes_after_a_choice_whose_branches_never_rejoin():
    """F122: nothing would lead there; of all orders, those remain in which the choice is the last of its list."""
    steps: list[Step] = [
        Send("a", channel="EMAIL", template="t", next="b"),
        Wait("b", "3 days", next="pick"),
        Condition("pick", field("x").is_not_null(), yes="y", no="n"),
        End("y"),
        End("n"),
    ]
    printed = Journey(id="j", steps=steps)
    assert refused(lambda: reorder_steps(printed, ["a", "pick", "y", "n", "b"])) == [
        "order[4]: step 'b' cannot come here: nothing leads on from the End, or the choice, before it [order]"
    ]
    assert reorder_steps(Journey(id="j", steps=[]), []).steps == ()
    accepted = []
    for order in permutations([step.id for step in steps]):
        with suppress(InvalidJourney):
            accepted.append([step.id for step in reorder_steps(printed, order).steps])
    assert accepted == [["a", "b", "pick", "y", "n"], ["b", "a", "pick", "y", "n"]]


# --- options of the journey -------------------------------------------------------------------------------------------


@pytest.mark.rows(92)
def test_options_of_a_journey_are_changed_by_name():
    """F92: those that are not named stay; steps may be changed in the same edit."""
    goal = Goal("order.paid", within="3 days")
    before = evolve(line("a", "b"), goal=goal)
    after = update_journey(before, trigger=Trigger("order.placed"), name="Orders", holdout=10, reentry="always")
    assert (after.trigger.event, after.name, after.holdout, after.reentry.policy) == (
        "order.placed",
        "Orders",
        10,
        "always",
    )
    assert (after.id, after.goal, after.steps, update_journey(after)) == (before.id, goal, before.steps, after)
    assert [step.id for step in update_journey(before, steps=[End("x")]).steps] == ["x"]


def test_unknown_options_of_a_journey_and_its_id_are_refused():
    """All problems at once, those of the result too."""
    assert refused(lambda: update_journey(line("a"), trigr=None, id="k")) == [
        "trigr: a journey has no option 'trigr' (did you mean 'trigger'?) [option]",
        "id: a journey keeps its id; clone it under another one [option]",
    ]
    assert refused(lambda: update_journey(line("a"), timezone="Nowhere/City"))


# --- any journey ------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(journeys())
def test_edits_of_any_journey_can_be_taken_back(journey):
    """The same order changes nothing; a step that is added anywhere and removed again leaves no trace."""
    assert reorder_steps(journey, [step.id for step in journey.steps]) == journey
    for step in journey.steps:
        rejoins = isinstance(step, End) or step.next is None
        if not rejoins:
            added = add_step(journey, Wait("added", "1 minute"), after=step.id)
            assert by_id(remove_step(added, "added")) == by_id(journey)
        before = add_step(journey, Wait("added", "1 minute"), before=step.id)
        assert by_id(remove_step(before, "added")) == by_id(journey)


def by_id(journey: Journey) -> dict[str, Step]:
    """Give the steps of a journey, whatever their order."""
    return {step.id: step for step in journey.steps}


def test_an_edit_of_what_is_no_journey_names_the_argument():
    """Each edit says what it expected, before anything else."""
    edits: dict[str, Callable[[Any], object]] = {
        "add_step": lambda odd: add_step(odd, End("x")),
        "update_step": lambda odd: update_step(odd, "x"),
        "replace_step": lambda odd: replace_step(odd, End("x")),
        "remove_step": lambda odd: remove_step(odd, "x"),
        "reorder_steps": lambda odd: reorder_steps(odd, []),
        "update_journey": update_journey,
        "replace_steps": lambda odd: replace_steps(odd, []),
        "rename_step": lambda odd: rename_step(odd, "x", "y"),
    }
    for edit in edits.values():
        for odd in ("j", None, {"id": "j"}):
            with pytest.raises(TypeError, match=r"^journey: expected Journey, not "):
                edit(odd)


def test_the_id_is_no_suggestion():
    """An option that is misspelled is like none that cannot be changed."""
    journey = Journey(id="j", steps=[End("done")])
    for edit in (lambda: update_journey(journey, idd="x"), lambda: update_step(journey, "done", idd="x")):
        with pytest.raises(InvalidJourney) as caught:
            edit()
        assert "did you mean" not in str(caught.value)


def test_the_first_step_is_needed_though_no_step_leads_to_it():
    """A choice at the entry whose branches never rejoin has no successor: the journey would begin nowhere (F121)."""
    choice = Condition("choice", field("n").eq(1), yes=[End("x")], no=[End("y")])
    journey = Journey(id="j", steps=[choice])
    with pytest.raises(InvalidJourney, match="leads nowhere else"):
        remove_step(journey, "choice")
    assert [step.id for step in remove_step(journey, "choice", to="y").steps] == ["y"]
