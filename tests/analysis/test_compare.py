"""Two versions, or two policies, compared by the same people: simulated ones, or those of the past."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Condition,
    Event,
    Goal,
    Journey,
    Policies,
    Reentry,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.analysis import compare
from journeyflow.answers import Interval
from journeyflow.simulation import Arrivals, Backtest, Behavior, Population, simulate

START = datetime(2026, 3, 2, tzinfo=UTC)


def welcome(days="2 days", template="hello", limit=10):
    """Make a version of the journey."""
    return Journey(
        id="welcome",
        trigger=Trigger("joined"),
        goal=Goal("order.placed"),
        reentry=Reentry("always"),
        steps=[
            Send("hello", channel="EMAIL", template=template),
            Wait("breathe", days),
            Condition(
                "opened",
                field("message.hello.opened").eq(True),
                yes=[
                    Split(
                        "test",
                        arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                        arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                    )
                ],
                no=[
                    Condition(
                        "big", field("trigger.amount").gte(limit), yes=[Send("nudge", channel="SMS", template="n")]
                    )
                ],
            ),
        ],
    )


PEOPLE = Population(size=40, arrivals=Arrivals.evenly("3 days"))
BEHAVIOR = Behavior(opened=0.5, converted=0.2)


def joined(customer, at):
    """Enter with an amount that is not chance."""
    return [Event("joined", customer=customer, at=at, data={"amount": int(customer[-2:])})]


def impact(before=None, after=None, **options):
    """Compare by simulation over ten days."""
    usual = {"population": PEOPLE, "start": START, "until": "10 days", "behavior": BEHAVIOR, "entering": joined}
    return compare(before or welcome(), after or welcome(), **{**usual, **options})


def figure(found, *key):
    """Return one figure."""
    return next(each for each in found.figures if each[:2] == key)


def step(found, name):
    """Return what becomes of one step."""
    return next(each for each in found.steps if each.step == name)


def test_the_same_on_both_sides_changes_nothing():
    """Everybody has the same luck, so that not one message, branch or instant differs."""
    found = impact(replications=2)
    assert (found.changed, found.share_changed, found.customers) == ((), 0.0, (40, 40, 40))
    assert all((each.difference, each.change) == (0, (0, 0, 0)) for each in found.figures)
    assert {(each.only_before.high, each.only_after.high, each.other.high) for each in found.steps} == {(0, 0, 0)}
    assert {each.later for each in found.steps} == {0.0}
    assert all(each.before == each.after for each in found.branches)
    assert found.before.tallies == found.after.tallies == impact().before.tallies + impact(seed=2).before.tallies
    assert "the same" in str(found)


def test_a_longer_wait_makes_messages_later():
    """By exactly as much, for everybody who gets them in both; those who open in between take the other branch."""
    found = impact(after=welcome("3 days"))
    assert (step(found, "hello").later, step(found, "tips").later) == (0.0, 1_440.0)
    assert step(found, "offer").interval == Interval(1_440.0, 1_440.0)
    assert found.share_changed == 1.0
    assert "24.0 hours later on average" in str(found)
    assert "24.0 hours earlier on average" in str(impact(before=welcome("3 days")))


def test_who_gets_something_else_is_told_by_branch_and_by_step():
    """A rule that lets fewer through: those below it lose a message, and nothing else differs."""
    found = impact(after=welcome(limit=25))
    lost = step(found, "nudge").only_before.median
    assert lost > 0
    assert step(found, "nudge").only_after.median == 0
    assert len(found.changed) == lost
    assert all(10 <= int(each[-2:]) < 25 for each in found.changed)
    moved = {each[:4]: each.customers.median for each in found.branches if each.before != each.after}
    assert moved == {("welcome", "big", "yes", "no"): lost, ("welcome", "nudge", "queued", ""): lost}
    assert figure(found, "messages", "SMS").change.median == -lost
    assert figure(found, "messages", "").difference == pytest.approx(-lost / 40)
    assert f"welcome/big: yes -> no, customers {lost}" in str(found)
    assert repr(found).startswith(f"Impact(40 customers, {lost / 40:.1%} changed; messages -{lost}")


def test_the_same_message_with_another_template_is_something_else():
    """Content counts as well as time."""
    found = impact(after=welcome(template="hi"), behavior=Behavior())
    assert (step(found, "hello").both.median, step(found, "hello").other.median) == (40, 40)
    assert "with other content 40" in str(found)


def test_policies_are_compared_with_the_same_journeys():
    """Either side may have policies of its own; what a cap leaves out is a branch too."""
    cap = Policies(caps=[Cap(1, per="week")])
    found = compare(
        Policies(), cap, journeys=[welcome()], population=PEOPLE, start=START, until="10 days", behavior=BEHAVIOR,
        entering=joined,
    )  # fmt: skip
    assert figure(found, "messages", "").after.median == 40
    gone = sum(each.customers.median for each in found.branches if each[2:4] == ("queued", "cap"))
    assert figure(found, "messages", "").change.median == -gone < 0
    assert impact(after=[welcome(), cap]).tallies == found.tallies
    assert impact(policies=cap).changed == ()


def test_figures_are_those_of_the_two_simulations():
    """Counted person by person, they come to what each side counts by itself."""
    found = impact(after=welcome("1 hour"), replications=3)
    options: dict[str, Any] = {
        "population": PEOPLE, "start": START, "until": "10 days", "behavior": BEHAVIOR, "entering": joined,
    }  # fmt: skip
    for side, alone in (
        ("before", simulate(welcome(), replications=3, **options)),
        ("after", simulate(welcome("1 hour"), replications=3, **options)),
    ):
        assert getattr(found, side) == alone
        assert getattr(figure(found, "entered", "welcome"), side) == alone.entered("welcome")
        assert getattr(figure(found, "converted", "welcome"), side) == alone.converted("welcome")
        assert getattr(figure(found, "messages", ""), side) == alone.figure("messages")
    assert figure(found, "messages", "").change.low < figure(found, "messages", "").change.high
    assert "3 seeds" in str(found)


def test_an_executor_changes_nothing():
    """Sides and replications run side by side, in processes or threads."""
    options = {"after": welcome("3 days"), "replications": 2, "entering": None, "population": evolve(PEOPLE, size=12)}
    alone = impact(**options)
    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
        for executor in (processes, threads):
            assert impact(**options, executor=executor) == alone


def test_progress_counts_the_runs():
    """Two for each replication."""
    told: list[tuple[int, int]] = []
    impact(population=2, replications=2, progress=lambda *said: told.append(said))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_comparison_is_rows():
    """One for each figure, step and branch, of plain values."""
    rows = impact(after=welcome("3 days")).to_dicts()
    assert json.loads(json.dumps(rows)) == rows
    assert {row["what"] for row in rows} == {"figure", "messages", "branch"}
    assert rows[0]["before_low"] <= rows[0]["before"] <= rows[0]["before_high"]
    assert rows[0]["low"] <= rows[0]["difference"] <= rows[0]["high"]


def test_one_customer_has_no_interval():
    """One value has no spread; a step that only one side has is never later."""
    short = evolve(welcome(), steps=[Wait("breathe", "1 day")])
    found = impact(after=short, population=1)
    assert figure(found, "messages", "").interval is None
    assert (step(found, "hello").later, step(found, "hello").interval) == (None, None)
    assert step(found, "hello").only_before.median == 1
    assert "messages -1" in repr(found)
    assert "messages: 1 -> 0, -1 (-1.000 a customer)" in str(found)
    assert "no messages" in repr(impact(before=short, after=short))


def with_holdout(percentage):
    """Make a version that keeps some people out; everybody orders whatever they get."""
    goal = Goal("order.placed", within="7 days")
    return Journey(
        id="welcome",
        trigger=Trigger("joined"),
        holdout=percentage,
        goal=goal,
        steps=[Send("hello", channel="EMAIL", template="hello")],
    )


def test_another_holdout_is_a_difference():
    """R25, R81: who is kept out has neither entered nor converted, and is a figure of its own, as in each outcome."""
    events = [
        Event(kind, customer=f"c{n}", at=START + timedelta(minutes=after))
        for n in range(100)
        for kind, after in (("joined", n), ("order.placed", 200 + n))
    ]
    past = compare(with_holdout(50), with_holdout(10), events=events, until=START + timedelta(days=1))
    assert isinstance(past.before, Backtest)
    for each in ("before", "after"):
        side: Any = getattr(past, each)
        people = side.stats[0].people
        told = [getattr(figure(past, name, "welcome"), each).median for name in ("entered", "held out", "converted")]
        assert told == [side.entered, people.holdout, people.converted]
        assert told == [side.messages, 100 - side.messages, side.messages]
    assert figure(past, "entered", "welcome").change.median > 0
    assert "entered welcome: " in str(past)
    assert "the same" not in str(past)
    made = impact(before=with_holdout(50), after=with_holdout(10), entering=None)
    for each in ("before", "after"):
        side = getattr(made, each)
        for name, known in (("entered", side.entered), ("held out", side.held_out), ("converted", side.converted)):
            assert getattr(figure(made, name, "welcome"), each) == known("welcome")
    assert figure(made, "entered", "welcome").change == figure(made, "messages", "").change
    assert figure(made, "held out", "welcome").change.median == -figure(made, "entered", "welcome").change.median < 0


def test_without_a_holdout_there_is_no_such_figure():
    """A journey that keeps everybody out has still been entered by nobody."""
    assert "held out" not in {each.figure for each in impact().figures}
    closed = impact(before=with_holdout(100), after=with_holdout(100), entering=None)
    assert figure(closed, "entered", "welcome").before.median == 0
    assert figure(closed, "held out", "welcome").before.median == 40


EVENTS = [
    Event("joined", customer="ann", at=START, data={"amount": 5}),
    Event("joined", customer="bob", at=START + timedelta(hours=1), data={"amount": 15}),
    Event("joined", customer="eve", at=START + timedelta(hours=2), data={"amount": 30}),
    Event("joined", customer="bob", at=START + timedelta(days=4), data={"amount": 30}),
    Event("order.placed", customer="eve", at=START + timedelta(days=5)),
]


def test_the_events_of_the_past_are_played_on_both_sides(tmp_path):
    """From events, a file or a stream, which is read once; the answer names who would have got something else."""
    lines = [f"{each.at.isoformat()},{each.type},{each.customer},{each.data.get('amount', '')}\n" for each in EVENTS]
    text = "at,type,customer,amount\n" + "".join(lines)
    path = tmp_path / "events.csv"
    path.write_text(text)
    people = b"customer,plan\nann,pro\nsue,free\n"
    end, told = START + timedelta(days=9), list[tuple[int, int]]()
    for events in (iter(EVENTS), path, str(path), BytesIO(text.encode())):
        found = compare(
            welcome(), welcome(limit=25), events=events, customers=BytesIO(people), until=end,
            progress=lambda *said: told.append(said),
        )  # fmt: skip
        assert found.changed == ("bob",)
        assert found.customers.median == 4
        assert step(found, "nudge")[2:5] == ((2, 2, 2), (1, 1, 1), (0, 0, 0))
        assert isinstance(found.before, Backtest)
        assert found.before.messages == 7
        assert figure(found, "messages", "").change.median == -1
        assert figure(found, "converted", "welcome").before.median == 1
    assert told[:2] == [(1, 2), (2, 2)]
    renamed = BytesIO(text.replace("customer", "who").encode())
    assert compare(welcome(), welcome(), events=renamed, columns={"who": "customer"}).changed == ()


def test_a_back_test_of_policies():
    """The cap holds bob's second message of the week back, and eve's."""
    found = compare(Policies(), Policies(caps=[Cap(1, per="week")]), journeys=[welcome()], events=EVENTS)
    assert set(found.changed) == {"bob", "eve"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give either population="),
        ({"population": 1, "events": EVENTS}, "give either population="),
        ({"population": 1}, "needs population=, start= and until="),
        ({"events": EVENTS, "until": "3 days"}, "a back-test ends at an instant"),
        ({"before": Policies(), "after": Policies(), "events": EVENTS}, "give one at least"),
        ({"before": [Policies(), Policies()], "events": EVENTS}, "one Policies at most"),
        ({"events": EVENTS, "confidence": 1}, "confidence lies between 0 and 1"),
        ({"population": 1, "start": START, "until": "1 day", "replications": 0}, "replications must be 1 to 100,000"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, words):
    """The message names the remedy."""
    with pytest.raises(ValueError, match=words):
        compare(**{"before": welcome(), "after": welcome(), **given})
