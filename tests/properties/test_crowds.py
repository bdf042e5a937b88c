"""People who are handled together come to what each would come to alone (R7)."""

import random
from collections import Counter
from datetime import timedelta
from unittest.mock import patch

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Cap,
    Condition,
    End,
    Event,
    Journey,
    Policies,
    QuietHours,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.machine import behaviours as machine
from journeyflow.testing import START, Call, Life, Put, SetPolicies, SetPublished, journeys, lives, policies, run
from journeyflow.work.together import crowds, walks
from tests.alone import everybody_alone, together_where_possible
from tests.cases import cases
from tests.played import said, tables

SOME = cases(40)

PAIRS = st.tuples(journeys(id="a"), journeys(id="b"))
NAMESAKES = 5
MANY = 48
"""How many people walk into a trap: some give each of the answers, and others give it after them."""


def crowd(life):
    """Say everything of five namesakes of each customer; but what is known of each is not known of all."""
    return Life(list(_calls(life)), life.end)


def _calls(life):
    for place, call in enumerate(life.calls):
        if not hasattr(call, "customer"):
            yield call
            continue
        for n in range(NAMESAKES):
            if not isinstance(call, Put) or (place + n) % 3:
                told = {"id": f"{call.id}{n}"} if isinstance(call, Event) and call.id else {}
                yield evolve(call, customer=f"{call.customer}{n}", **told)


@SOME
@given(st.data())
def test_walking_together_is_walking_alone(data):
    """A crowd that is moved together leaves the dump that it leaves when everybody is moved alone."""
    chosen = data.draw(PAIRS)
    life = crowd(said(chosen, data.draw(lives(*chosen, policies=policies()))))
    with together_where_possible():
        together = tables(chosen, life, ticks=[])
    with everybody_alone():
        alone = tables(chosen, life, ticks=[])
    assert together == alone


def journey(name, *steps, **more):
    """Make a journey that everybody enters by joining."""
    return Journey(id=name, trigger=Trigger("joined"), steps=[*steps, End("done")], **more)


TRAPS = [
    journey(
        "own-change",
        Update("count", field("n").increment(1)),
        Condition("much", field("n").gte(2), yes=[Send("much-mail", channel="EMAIL", template="much")]),
    ),
    journey("own-data", Update("up", tag.add("b")), Send("s", channel="EMAIL", template="t", data={"x": "{{ tags }}"})),
    journey(
        "own-message",
        Send("s", channel="EMAIL", template="t"),
        Condition("sent", field("message.s.at").is_not_null(), yes=[Send("yes", channel="SMS", template="y")]),
    ),
    journey(
        "own-consent",
        Update("ask", field("consent").set({"EMAIL": True})),
        Send("s", channel="EMAIL", template="t"),
    ),
    journey(
        "own-zone",
        Update("move", field("timezone").set("America/New_York")),
        Send("s", channel="EMAIL", template="t"),
        Wait("morning", until="09:00"),
        customer_timezone=True,
    ),
    journey(
        "own-morning",
        Update("move", field("timezone").set("America/New_York")),
        Wait("morning", until="09:00"),
        customer_timezone=True,
    ),
    journey("template", Update("copy", field("copy").set("{{ n }} of {{ customer.id }}"))),
    journey("dotted", Update("in", field("plan.n").set(2)), Update("out", field("plan.n").increment(1))),
    journey("lists", Update("all", field("all").set([1, 2]))),
    journey("again", Update("twice", field("n").unset(), field("n").set(5))),
    journey("zones", Wait("morning", until="MON-FRI 09:00"), Wait("nine", "1 day"), customer_timezone=True),
    journey("members", Update("up", tag.add("a")), Update("more", tag.add("c"), tag.remove("b"))),
    journey("types", Update("up", field("n").increment(1)), Update("set", field("m").set(True))),
    journey("loop", *[Update(each, *[field(f"{each}{n}").set(n) for n in range(60)]) for each in ("a", "b")]),
    *[
        journey(
            name,
            Condition(
                "one",
                field("n").eq(1),
                yes=[Send("first", channel="EMAIL", template="t")],
                no=[Update("none", tag.add("x"))],
            ),
            Wait("hour", "1 hour"),
            *[Send(f"s{n}", channel="EMAIL", template="t") for n in range(3)],
        )
        for name in ("caps", "caps-later")
    ],
    journey(
        "branches",
        Condition(
            "which",
            branches=[
                branch(field("n").eq(1), [Send("one", channel="EMAIL", template="t")], label="one"),
                branch(field("tags").contains("b"), [Send("b", channel="EMAIL", template="t")], label="b"),
            ],
            otherwise=[Update("none", tag.add("none"))],
        ),
    ),
    journey("remembered", Wait("paid", event="paid", timeout="1 day"), Wait("then", "1 day"),
            Condition("much", field("wait.paid.n").gt(1), yes=[Update("rich", tag.add("rich"))])),
    journey("gone", Update("none", field("n").unset(), field("m").set(2)), Wait("then", "1 day")),
    journey("expiring", Send("s", channel="EMAIL", template="t", expires="1 day")),
    journey("flagged", Send("s", channel="EMAIL", template="t"), Wait("then", "1 day")),
    journey("late", Send("s", channel="EMAIL", template="t", expires="1 month", data={"x": "{{ n }}"})),
    journey("held", Send("s", channel="EMAIL", template="t", window=Window("MON-FRI", "09:00", "17:00"))),
    journey("dated", Wait("day", field="born", every="year", offset="-1 day")),
]  # fmt: skip
"""Journeys in which a walk may hang on more than it seems to, each for what a noted walk must not get wrong."""

POSSIBLE = {
    "n": (None, 1, 2, 1.0, True, "1"),
    "tags": (None, ["b"], ["a", "b"]),
    "timezone": (None, "Asia/Tokyo", "America/New_York"),
    "consent": (None, {"EMAIL": False}),
    "plan": (None, {"n": 1}, {"n": 2}),
    "born": (None, "2000-01-09", "2000-02-29"),
}


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.id)
@pytest.mark.parametrize(("grace", "apart"), [(None, 0), ("1 hour", 0), (None, 977)])
def test_no_trap_of_walking_together(trap, grace, apart):
    """Whoever may answer otherwise is asked, and what a walk has made itself is not asked of the next.

    It is so for people who come `apart`, so many seconds after one another.
    """
    some = random.Random(7)
    people = [f"c{n}" for n in range(MANY)]
    known = {
        each: {name: value for name, values in POSSIBLE.items() if (value := some.choice(values)) is not None}
        for each in people
    }
    bounds = Policies(caps=[Cap(3, per="day")], quiet=[QuietHours("06:00", "10:00")])
    noon = START.replace(hour=12)
    calls: list[Call] = [SetPolicies(bounds, at=noon if trap.id == "caps-later" else START)]
    calls += [Put(each, attributes, at=START) for each, attributes in known.items()]
    calls += [Event("joined", customer=each, at=START + n * timedelta(seconds=apart)) for n, each in enumerate(people)]
    calls += [
        Event("paid", customer=each, at=START.replace(day=2, hour=20), data={"n": len(each)}) for each in people[::2]
    ]
    if trap.id == "flagged":
        calls += [SetPublished(trap.id, "s", published=False, at=noon)]
    life = Life(sorted(calls, key=lambda call: call.at), START.replace(month=3))
    ticks = [START, START.replace(day=4), START.replace(day=9)]
    dumps = []
    for way in (together_where_possible, everybody_alone):
        with way():
            dumps.append(tables([trap], life, audited=True, ticks=ticks, grace=grace))
    assert dumps[0] == dumps[1]


def test_everybody_may_answer_otherwise():
    """A question with more answers than are noted is asked all the same, and each walks the own way."""
    counting = journey(
        "counting", Update("more", field("n").increment()), Wait("w", "1 day"), Update("u", tag.add("x"))
    )
    people = [f"c{n}" for n in range(3 * walks.MAX_WAYS)]
    calls: list[Call] = [Put(each, {"n": n}, at=START) for n, each in enumerate(people)]
    calls += [Event("joined", customer=each, at=START) for each in people]
    played = run([counting], Life(calls, START.replace(day=5)), ticks=[])
    assert played.audit == []
    attributes = [played.customer(each).attributes for each in people]
    assert attributes == [{"n": n + 1, "tags": ["x"]} for n in range(len(people))]


OFFER = Journey(
    id="offer",
    trigger=Trigger("joined", where=field("age").gt(17)),
    steps=[
        Send("hello", channel="EMAIL", template="hello", data={"text": "{{{Hi|Hello}}} {{ name }}, {{ age }}"}),
        Wait("breathe", "1 day"),
        Condition(
            "grown",
            field("age").gt(40),
            yes=[Update("older", tag.add("older")), Send("call", channel="SMS", template="call")],
            no=[Split("test", arm(50, [Send("tips", channel="EMAIL", template="tips")]), arm(50, []))],
        ),
        Update("told", tag.add("told")),
        End("done"),
    ],
)
"""Ages and names differ for everybody, the ways do not."""


def test_who_answers_alike_is_not_walked_through_again():
    """A hundred people of a hundred ages take the few ways there are: the machine walks a handful of times."""
    people = [f"c{n}" for n in range(100)]
    calls: list[Call] = [
        Put(each, {"age": 18 + n, "name": f"N {n}", "tags": ["x"]}, at=START) for n, each in enumerate(people)
    ]
    calls += [Event("joined", customer=each, at=START.replace(hour=12)) for each in people]
    walked: Counter[str] = Counter()

    def counted(*arguments, **named):
        walked["walks"] += 1
        return machine.go(*arguments, **named)

    with patch.object(crowds, "go", counted), patch.object(crowds, "advance", counted_plainly(walked)):
        played = run([OFFER], Life(calls, START.replace(day=5)), ticks=[START, START.replace(hour=13)])
    assert len(played.enrollments) == 100
    assert 4 <= walked["walks"] <= 8
    texts = {message.customer: str(message.data["text"]) for message in played.messages(template="hello")}
    assert {text.split(" ", 1)[1] for text in texts.values()} == {f"N {n}, {18 + n}" for n in range(100)}
    assert {text.split(" ", 1)[0] for text in texts.values()} == {"Hi", "Hello"}


def counted_plainly(walked):
    """Count walks that nobody notes."""

    def advance(*arguments, **named):
        walked["walks"] += 1
        return machine.advance(*arguments, **named)

    return advance
