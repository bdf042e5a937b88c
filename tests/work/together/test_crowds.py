"""Crowds: who is handled together with others, who is left to the plain way, and that both come to the same (R7)."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from attrs import evolve, frozen
from attrs import field as attribute

from journeyflow import (
    Cap,
    Chain,
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Journey,
    Limits,
    MemoryStore,
    Policies,
    Pull,
    QuietHours,
    Reentry,
    Send,
    Trigger,
    Update,
    Wait,
    Window,
    field,
    tag,
)
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Ack, Life, Lifecycle, Put, SetPolicies, SetPublished
from journeyflow.work.together.crowds import Crowds
from tests.alone import everybody_alone, together_where_possible
from tests.played import played, tables_of

MANY = [f"c{n:02d}" for n in range(30)]
REST = 29
"""So many follow the first at a place, who walks alone and is noted."""

NOON = START + timedelta(hours=12)
"""When everybody joins."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICKS = [NOON - HOUR, NOON + HOUR]
ALL = (REST, REST)


def welcome(name="welcome", **more):
    """Make a journey that everybody enters by joining, and rests in for a day."""
    steps = [
        Send("hello", channel="EMAIL", template="hello"),
        Wait("breathe", "1 day"),
        Update("tagged", tag.add("seen")),
        Send("tips", channel="EMAIL", template="tips", data={"text": "{{ n }}"}),
        End("done"),
    ]
    return Journey(id=name, **{"trigger": Trigger("joined"), "steps": steps, **more})


def joins(*people, **more):
    """Say that people join."""
    return [Event("joined", customer=each, **{"at": NOON, **more}) for each in people]


def known(**attributes):
    """Say before what is known of everybody."""
    return [Put(each, attributes, at=START) for each in MANY]


@frozen
class Case:
    """Journeys, what is said, and how many inputs and timers are handled together."""

    together: tuple[int, int]
    journeys: list[Journey] = attribute(factory=lambda: [welcome()])
    calls: list[Any] = attribute(factory=lambda: joins(*MANY))
    more: dict[str, Any] = attribute(factory=dict)


HELLO = Send("hello", channel="EMAIL", template="hello")
QUIET: list[Any] = [Wait("breathe", "1 day"), End("done")]
WATCHING = Journey(
    id="watching", trigger=Trigger("x"), exits=[Exit("seen", when=field("tags").contains("seen"))], steps=[*QUIET]
)
HEARD = Journey(id="heard", trigger=Trigger("tag.added"), steps=[End("done")])
CHOICE: list[Any] = [
    Wait("breathe", "1 day"),
    Condition("one", field("n").eq(1), yes=[Send("first", channel="SMS", template="t")], no=[]),
    End("done"),
]

TWICE, AGAIN = ([Update(f"{each}{n}", tag.add(f"{each}{n}")) for n in range(2)] for each in ("first", "then"))
REMEMBERING: list[Any] = [
    Wait("paid", event="paid", timeout="150 minutes"),
    Wait("then", "1 day"),
    Condition("much", field("wait.paid.n").gt(1), yes=[Send("first", channel="SMS", template="t")], no=[]),
    End("done"),
]
DELIVERED: list[Any] = [
    Send("hello", channel="EMAIL", template="hello"),
    Wait("then", "1 day"),
    Condition("out", field("message.hello.sent").eq(True), yes=[Send("first", channel="SMS", template="t")], no=[]),
    End("done"),
]
BRIEF: list[Any] = [Wait("a", "1 minute"), Wait("b", "1 minute"), End("done")]

CASES = {
    "everybody joins": Case(ALL),
    "everybody is known": Case(ALL, calls=[*known(n=1), *joins(*MANY)]),
    "one after the other": Case(
        ALL, calls=[Event("joined", customer=each, at=NOON + n * timedelta(seconds=1)) for n, each in enumerate(MANY)]
    ),
    "before and after others wake": Case(
        (9 + 9 + 9, 8),  # whoever stands where a stretch ends is handled alone
        journeys=[welcome(steps=[Wait("long", "2 days"), End("done")])],
        calls=[
            *joins(*MANY[:10]),
            *joins(*MANY[10:20], at=NOON + 2 * DAY - HOUR),
            *joins(*MANY[20:], at=NOON + 2 * DAY + HOUR),
        ],
    ),
    "told late": Case(ALL, more={"grace": "10 minutes"}),
    "each with data of their own": Case(
        ALL, calls=[Event("joined", customer=each, at=NOON, data={"n": n}) for n, each in enumerate(MANY)]
    ),
    "each with an id": Case(
        (REST + 1, REST),
        calls=[
            *(Event("joined", customer=each, at=NOON, id=each) for each in MANY),
            *joins("another", id="c07"),
        ],
    ),
    "matched by the data of their own": Case(
        (REST, 9),
        journeys=[welcome(trigger=Trigger("joined", where=field("trigger.n").eq(1)))],
        calls=[Event("joined", customer=each, at=NOON, data={"n": n % 3}) for n, each in enumerate(MANY)],
    ),
    "an exit asks of the customer alone": Case(
        ALL,
        journeys=[welcome(exits=[Exit("one", when=field("n").eq(1))])],
        calls=[Event("joined", customer=each, at=NOON, data={"n": 1}) for each in MANY],
    ),
    "a step asks of the customer alone": Case(
        (REST - 1, REST - 1),
        journeys=[welcome(steps=[CHOICE[1], *QUIET])],
        calls=[
            *(Put(each, {"n": n % 2}, at=START) for n, each in enumerate(MANY)),
            *(Event("joined", customer=each, at=NOON, data={"n": 1}) for each in MANY),
        ],
    ),
    "a date that is found late": Case(
        ALL,
        journeys=[welcome(steps=[Wait("day", field="day"), End("done")])],
        calls=[*known(day=(NOON + DAY).isoformat()), *joins(*MANY)],
        more={"grace": "10 minutes"},
    ),
    "criteria about data of their own": Case(
        (9, 9),
        journeys=[welcome(run_criteria=field("trigger.n").eq(1))],
        calls=[Event("joined", customer=each, at=NOON, data={"n": (n + 1) % 3}) for n, each in enumerate(MANY)],
    ),
    "twice at once": Case((0, REST), calls=[*joins(*MANY), *joins(*MANY)]),
    "strangers twice": Case((REST, REST + 2), calls=joins(*MANY, *"aaabbb")),
    "strangers twice, at first for nothing": Case(
        (0, REST),
        journeys=[welcome(trigger=Trigger("joined", where=field("event.n").eq(1)))],
        calls=[Event("joined", customer=each, at=NOON, data={"n": n}) for n in range(3) for each in MANY],
    ),
    "nobody listens": Case((0, 0), journeys=[welcome(trigger=Trigger("x"))]),
    "listened once": Case(ALL, journeys=[welcome(), welcome("other", trigger=Trigger("x"))]),
    "not all match": Case(
        (30, 0),
        journeys=[welcome(trigger=Trigger("joined", where=field("n").eq(2)))],
        calls=[*known(n=1), *joins(*MANY)],
    ),
    "criteria": Case(
        (14, 14),
        journeys=[welcome(run_criteria=field("n").eq(1))],
        calls=[*(Put(each, {"n": 1 + n % 2}, at=START) for n, each in enumerate(MANY[:-1])), *joins(*MANY)][:-1],
    ),
    "consent": Case(
        (0, 0), journeys=[welcome(consent="required")], calls=[*known(consent={"EMAIL": False}), *joins(*MANY)]
    ),
    "unknown consent": Case((0, 0), journeys=[welcome(consent="required")]),
    "consent taken back by some": Case(
        (14, REST - 1),
        journeys=[welcome(consent="required")],
        calls=[
            *known(consent={"EMAIL": True}),
            *joins(*MANY),
            *(Put(each, {"consent": {"EMAIL": None}}, at=NOON + HOUR / 2) for each in MANY[15:]),
        ],
    ),
    "hours of a step, without policies": Case(
        (REST - 1, 14),
        journeys=[
            welcome(steps=[Send("s", channel="EMAIL", template="t", window=Window(None, "08:00", "12:20")), *QUIET])
        ],
        calls=[*joins(*MANY[:15]), *joins(*MANY[15:], at=NOON + HOUR / 2)],
    ),
    "nobody's consent is asked": Case(
        ALL,
        journeys=[welcome(steps=[Send("s", channel="EMAIL", template="t", transactional=True), *QUIET])],
        calls=[*known(consent={"EMAIL": False}), *joins(*MANY)],
    ),
    "customers' own zones": Case(
        ALL, journeys=[welcome(customer_timezone=True)], calls=[*known(timezone="Asia/Tokyo"), *joins(*MANY)]
    ),
    "parallel runs": Case(
        (13, 13),
        journeys=[welcome(reentry=Reentry("always", key="event.cart"))],
        calls=[
            Event("joined", customer=each, at=NOON, data={"cart": n} if n % 2 else {}) for n, each in enumerate(MANY)
        ][:-2],
    ),
    "heard": Case((REST, 0), journeys=[welcome(), HEARD]),
    "limited": Case((0, REST), journeys=[welcome(limits=Limits(per_hour=50))]),
    "waiting for a slot": Case(
        (0, 0),
        journeys=[
            Journey(id="quiet", trigger=Trigger("joined"), steps=QUIET),
            welcome(trigger=Trigger("joined"), limits=Limits(per_day=10)),
        ],
    ),
    "paused": Case((0, 0), calls=[Lifecycle("welcome", "pause", at=START + HOUR), *joins(*MANY)]),
    "paused meanwhile": Case((REST, 0), calls=[*joins(*MANY), Lifecycle("welcome", "pause", at=NOON + 2 * HOUR)]),
    "paused before": Case(
        ALL,
        calls=[
            Lifecycle("welcome", "pause", at=START + HOUR),
            Lifecycle("welcome", "resume", at=START + 2 * HOUR),
            *joins(*MANY),
        ],
    ),
    "a step is unpublished": Case(
        ALL, calls=[SetPublished("welcome", "tips", published=False, at=START + HOUR), *joins(*MANY)]
    ),
    "a step is unpublished later": Case(
        (REST, 0), calls=[*joins(*MANY), SetPublished("welcome", "tips", published=False, at=START + 2 * DAY)]
    ),
    "policies are others later": Case(
        (REST, 0),
        calls=[
            SetPolicies(Policies(), at=START),
            *joins(*MANY),
            SetPolicies(Policies(caps=[Cap(0, per="day")]), at=START + 2 * DAY),
        ],
    ),
    "paused as they wake": Case(
        (REST, 9),
        calls=[
            SetPolicies(Policies(), at=START),
            *(Event("joined", customer=each, at=NOON + n * MINUTE) for n, each in enumerate(MANY)),
            Lifecycle("welcome", "pause", at=NOON + DAY + 10 * MINUTE),
            Lifecycle("welcome", "resume", at=NOON + DAY + 20 * MINUTE),
        ],
    ),
    "awake when the tick is": Case(
        (0, REST),
        journeys=[welcome(steps=BRIEF)],
        calls=joins(*MANY, at=NOON + HOUR - MINUTE),
        more={"grace": "9 minutes"},
    ),
    "awake again when the tick is": Case(
        ALL,
        journeys=[welcome(steps=[Wait("two", "119 minutes"), *BRIEF])],
        calls=joins(*MANY, at=NOON - HOUR),
        more={"grace": "9 minutes"},
    ),
    "some remember": Case(
        (REST, 38),
        journeys=[welcome(steps=REMEMBERING)],
        calls=[
            *joins(*MANY[:20], at=NOON - 2 * HOUR),
            *joins(*MANY[20:], at=NOON - HOUR),
            *(Event("paid", customer=each, at=NOON + 45 * MINUTE, data={"n": 5}) for each in MANY[20:]),
        ],
    ),
    "told what was told": Case(
        ALL,
        journeys=[welcome(steps=[Send("told", channel="SMS", template="t", data={"n": "{{ trigger.n }}"}), *QUIET])],
        calls=[Event("joined", customer=each, at=NOON, data={"n": n % 3}) for n, each in enumerate(MANY)],
    ),
    "one journey asks what another does": Case(
        (14, 14),
        journeys=[
            welcome(
                "a",
                trigger=Trigger("joined", where=field("event.n").eq(1)),
                steps=[Update("new", tag.add("new")), *QUIET],
            ),
            welcome("b", steps=[Condition("new", tag.contains("new"), yes=[Wait("more", "2 days")], no=[]), *QUIET]),
        ],
        calls=[Event("joined", customer=each, at=NOON, data={"n": n // 15}) for n, each in enumerate(MANY)],
    ),
    "by what changes them": Case(
        (0, REST),
        journeys=[welcome(trigger=Trigger("tag.added"), steps=QUIET)],
        calls=[Event("tag.added", customer=each, at=NOON, data={"tag": "new"}) for each in MANY],
    ),
    "born where they are": Case(
        (REST, 14),
        journeys=[
            welcome(
                trigger=Trigger("joined", where=field("born").before("2000-01-02T00:00:00")), customer_timezone=True
            )
        ],
        calls=[
            *(
                Put(each, {"born": "2000-01-01T20:00:00Z", "timezone": ("Asia/Tokyo", "UTC")[n % 2]}, at=START)
                for n, each in enumerate(MANY)
            ),
            *joins(*MANY),
        ],
    ),
    "each until the morning where they are": Case(
        ALL,
        journeys=[welcome(steps=[Wait("morning", until="09:00"), End("done")], customer_timezone=True)],
        calls=[
            *(Put(each, {"timezone": ("Asia/Tokyo", "UTC")[n % 2]}, at=START) for n, each in enumerate(MANY)),
            *joins(*MANY),
        ],
    ),
    "come again": Case((REST + 1, 31), calls=[*joins(*MANY, at=NOON - 2 * HOUR), *joins("x", "y"), *joins(*MANY)]),
    "delivered to some": Case(
        (0, REST - 1),
        journeys=[welcome(steps=DELIVERED)],
        calls=[*joins(*MANY), *(Ack(f"memory-{n}-1", at=NOON + HOUR / 2) for n in range(10, 20))],
    ),
    "pulled when they have joined": Case(
        (0, 0),
        journeys=[
            welcome(steps=[Update("new", tag.add("new")), *QUIET]),
            Journey(
                id="pulled", trigger=Trigger(pull=Pull(every="1 hour")), run_criteria=tag.contains("new"), steps=QUIET
            ),
        ],
        calls=joins(*MANY, at=NOON - MINUTE),
    ),
    "moved before it is sent": Case(
        (0, 0),
        journeys=[welcome(steps=[Update("move", field("timezone").set("America/New_York")), *DELIVERED[:1], *QUIET])],
        calls=[
            SetPolicies(Policies(quiet=[QuietHours("01:00", "23:00")]), at=START),
            *known(timezone="Asia/Tokyo"),
            *joins(*MANY),
        ],
    ),
    "taken away and set again": Case(
        (REST, REST),
        journeys=[welcome(steps=[Update("away", field("n").unset()), Update("again", field("n").set(2)), *QUIET])],
        calls=[*known(n=1, m=1), *joins(*MANY)],
    ),
    "found late again": Case(
        ALL,
        journeys=[welcome(steps=[Wait("w", "30 minutes", window=Window(None, "22:00", "12:00")), End("done")])],
        calls=joins(*MANY, at=NOON - HOUR - 5 * MINUTE),
        more={"grace": "10 minutes"},
    ),
    "caps": Case(ALL, calls=[SetPolicies(Policies(caps=[Cap(1, within="2 days")]), at=START), *joins(*MANY)]),
    "caps count what was sent on the way": Case(
        ALL,
        journeys=[welcome(steps=[HELLO, evolve(HELLO, id="more"), evolve(HELLO, id="capped"), *QUIET])],
        calls=[SetPolicies(Policies(caps=[Cap(2, within="2 days")]), at=START), *joins(*MANY)],
    ),
    "two journeys, told late": Case((0, 0), journeys=[welcome(), welcome("other")], more={"grace": "10 minutes"}),
    "watched, nobody else inside": Case((REST, REST), journeys=[welcome(), WATCHING]),
    "watched from inside": Case(
        (0, 0),
        journeys=[welcome(), evolve(WATCHING, trigger=Trigger("joined"))],
    ),
    "watched from inside another journey": Case(
        (REST, 0),
        journeys=[welcome(), evolve(WATCHING, steps=[Wait("long", "9 days"), End("done")])],
        calls=[*(Event("x", customer=each, at=NOON - 2 * HOUR) for each in MANY), *joins(*MANY)],
    ),
    "watched on the way in": Case(
        (0, REST), journeys=[welcome(steps=[Update("seen", tag.add("seen")), *QUIET]), WATCHING]
    ),
    "watched by oneself": Case(
        (REST, 0),
        journeys=[
            welcome(
                steps=[Wait("breathe", "1 day"), Update("tagged", tag.add("seen")), Wait("w", "1 day"), End("e")],
                exits=[Exit("seen", when=field("tags").contains("seen"))],
            )
        ],
    ),
    "forgotten by a step": Case(
        (REST, 0),
        journeys=[
            Journey(id="gone", trigger=Trigger("joined"), steps=[QUIET[0], Update("forget", Chain.forget()), End("e")])
        ],
    ),
    "two journeys": Case((0, 0), journeys=[welcome(), welcome("other")]),
    "two quiet journeys": Case(
        (REST - 1, 0),
        journeys=[Journey(id=each, trigger=Trigger("joined"), steps=QUIET) for each in ("a", "b")],
    ),
    "several ways": Case(
        (REST, REST - 1),
        journeys=[Journey(id="choice", trigger=Trigger("joined"), steps=CHOICE)],
        calls=[*(Put(each, {"n": n % 3}, at=START) for n, each in enumerate(MANY)), *joins(*MANY)],
    ),
    "changed on the way in": Case(ALL, journeys=[welcome(steps=[Update("new", tag.add("new")), *QUIET])]),
    "on a list on the way in, and on another later": Case(
        ALL,
        journeys=[
            welcome(steps=[Update("a", field("lists").add("a")), QUIET[0], Update("b", field("lists").add("b"))])
        ],
    ),
    "changed twice": Case(ALL, journeys=[welcome(steps=[*TWICE, Wait("breathe", "1 day"), *AGAIN, End("done")])]),
    "changed inside an object": Case(
        (REST, 0), journeys=[welcome(steps=[QUIET[0], Update("in", field("plan.n").set(2)), End("done")])]
    ),
    "changed and asked": Case(
        (REST, 0), journeys=[welcome(steps=[QUIET[0], Update("n", field("n").set(1)), *CHOICE[1:]])]
    ),
    "changed, each otherwise": Case(
        (REST + 20, 0),
        journeys=[welcome(steps=[QUIET[0], Update("n", field("n").increment(1)), End("done")])],
        calls=[
            *(Put(f"p{n}", {"n": n}, at=START) for n in range(50)),
            *joins(*(f"p{n}" for n in range(50))),
        ],
    ),
    "heard on the way in": Case((0, REST), journeys=[welcome(steps=[Update("new", tag.add("new")), *QUIET]), HEARD]),
    "answered under a foreign id": Case(ALL, calls=[*joins(*MANY), Ack("foreign", at=NOON)]),
    "awake at once": Case((0, 0), journeys=[welcome(steps=BRIEF)]),
    "answered": Case(
        (REST, REST - 1), calls=[*joins(*MANY), *(Ack(f"memory-{n}-1", at=NOON + DAY / 2) for n in (7, 7))]
    ),
    "answered beforehand": Case((0, REST), calls=[*joins(*MANY), Ack("memory-7-1", at=NOON)]),
}


@contextmanager
def lived(case, store):
    """Play a case, with a tick soon after everybody has joined and one at the end."""
    with played(case.journeys, Life(case.calls, START + 3 * DAY), ticks=TICKS, store=store, **case.more) as player:
        yield player


@contextmanager
def together(case, store):
    """Play a case, and count who is handled together at the first tick and at the second."""
    taken: Counter[int] = Counter()

    class Counted(Crowds):
        """Counts whom it takes."""

        def take(self, position, end):
            """Take whom `Crowds` takes."""
            number = super().take(position, end)
            taken.update(key[1] for key in self._keys[position : position + number])
            return number

    with (
        patch("journeyflow.work.together.crowds.Crowds", Counted),
        together_where_possible(),
        lived(case, store) as player,
    ):
        yield player, (taken[1], taken[2])


@cache
def in_memory(name):
    """Play a case in memory, once for both tests of it.

    Return the tables, how many are late, how many are handled together, and what is wrong with the books.
    """
    with together(CASES[name], MemoryStore()) as (player, count):
        return tables_of(player), player.late, count, player.engine.audit()


@pytest.mark.parametrize("name", CASES)
def test_as_many_are_handled_together_as_can_be(name):
    """How many at the first tick and at the second walk with somebody else; the books are right (R80)."""
    _, _, count, wrong = in_memory(name)
    assert count == CASES[name].together
    assert wrong == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", CASES)
def test_a_crowd_comes_to_what_each_would_come_to_alone(name):
    """Whoever is handled together leaves what is left when everybody is handled alone, in both stores (R7, R90)."""
    left, late, _, _ = in_memory(name)
    with everybody_alone(), lived(CASES[name], MemoryStore()) as player:
        assert tables_of(player) == left
        assert player.late == late
    with together(CASES[name], SQLiteStore(":memory:", nonce="memory")) as (player, _):
        assert tables_of(player) == left


def test_the_tally_counts_everybody_in_a_crowd():
    """Entered, moves and messages of a tick are those of all, however they were handled (R73)."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(welcome(), at=START)
        engine.feed(joins(*MANY))
        entered = engine.tick(NOON)
        woken = engine.tick(NOON + DAY)
    assert (entered.inputs, entered.entered, entered.moves, entered.messages) == (30, 30, 30, 30)
    assert (woken.entered, woken.moves, woken.messages) == (0, 30, 30)


def test_a_lease_that_ends_is_about_its_customer():
    """Whose lease ends in the batch in which they wake is left to the plain way (R71)."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(welcome(), at=START)
        engine.feed(joins(*MANY))
        engine.tick(NOON)
        claimed = engine.claim("w", at=NOON, limit=3, lease="1 hour")
        result = engine.tick(NOON + DAY)
        assert len(claimed) == 3
        assert (result.moves, engine.audit()) == (30, [])
        assert sum(message.attempts == 1 for message in engine.claim("w", at=NOON + DAY)) == 57


@pytest.mark.parametrize(("apart", "together"), [(0, True), (1, False)])
def test_crowds_are_formed_where_instants_are_shared(apart, together):
    """A batch in which everybody has an instant of their own takes the plain way: asking together would not pay."""
    taken = Counter[str]()

    class Counted(Crowds):
        """Counts how often it is asked."""

        def take(self, position, end):
            """Take whom `Crowds` takes."""
            taken["asked"] += 1
            return super().take(position, end)

    with patch("journeyflow.work.together.crowds.Crowds", Counted), Engine(MemoryStore()) as engine:
        engine.deploy(welcome(), at=START)
        engine.feed(Event("joined", customer=each, at=NOON + n * apart * MINUTE) for n, each in enumerate(MANY))
        assert engine.tick(NOON + HOUR).entered == len(MANY)
    assert bool(taken) is together
