"""A cycle comes to what the separate calls come to: inputs, a tick and a claim (R75)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Engine, Event, Journey, MemoryStore, Message, TickResult
from journeyflow.records.public import Enroll, Put
from journeyflow.stores.contract import Store
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Life, journeys, lives, policies
from journeyflow.testing.host_calls import Ack, Call, Leave, RetryRun
from journeyflow.testing.running import _Player
from tests.cases import cases
from tests.played import script
from tests.stateful.journeys import dump

MANY, FEW = cases(60), cases(24)

SOME = st.integers(1, 3).flatmap(
    lambda count: st.tuples(*(journeys(id=f"j{number}") for number in range(1, count + 1)))
)

STORES: dict[str, Callable[[], Store]] = {
    "memory": lambda: MemoryStore(nonce="m"),
    "sqlite": lambda: SQLiteStore(":memory:", nonce="m"),
}

INPUTS = Event | Put | Enroll | Leave | RetryRun | Ack
"""The calls that only join the inbox; what else a host calls may do work at once."""

Script = Sequence[Call | datetime]


@frozen
class Habits:
    """What a host does beside the calls of a life: how it claims, and which messages it acks or nacks."""

    limit: int
    channels: tuple[str, ...] | None
    lease: str
    answers: tuple[str, ...]
    grace: str | None

    def answer(self, engine: Engine, messages: Sequence[Message], at: datetime) -> None:
        """Answer for messages, each in its way."""
        for place, message in enumerate(messages):
            match self.answers[place % len(self.answers)]:
                case "ack":
                    engine.ack(message, at=at)
                case "nack":
                    engine.nack(message, at=at, error="no", permanent=place == 1)


HABITS = st.builds(
    Habits,
    st.sampled_from([1, 2, 100]),
    st.sampled_from([None, None, ("EMAIL",)]),
    st.sampled_from(["5 minutes", "2 days"]),
    st.lists(st.sampled_from(["ack", "ack", "nack", "nothing"]), min_size=1, max_size=3).map(tuple),
    st.sampled_from([None, "1 hour"]),
)


def rounds(script: Script) -> Iterator[tuple[list[Call], list[Call], datetime]]:
    """Yield the calls before each tick, those that only join the inbox at last apart, and its instant."""
    calls = list[Call]()
    for each in script:
        if not isinstance(each, datetime):
            calls.append(each)
            continue
        apart = next((n for n in range(len(calls), 0, -1) if not isinstance(calls[n - 1], INPUTS)), 0)
        yield calls[:apart], calls[apart:], each
        calls = []


def separately(player: _Player, inputs: list[Call], claimed: Sequence[Message], now: datetime, habits: Habits):
    """Make every call by itself."""
    engine = player.engine
    for call in inputs:
        player.make(call)
    habits.answer(engine, claimed, now)
    result = engine.tick(now)
    return result, engine.claim("w", at=now, channels=habits.channels, limit=habits.limit, lease=habits.lease)


def together(player: _Player, inputs: list[Call], claimed: Sequence[Message], now: datetime, habits: Habits):
    """Make them all in a cycle."""
    engine, limit, lease = player.engine, habits.limit, habits.lease
    with engine.cycle(now, worker="w", channels=habits.channels, limit=limit, lease=lease) as cycle:
        for call in inputs:
            player.make(call)
        habits.answer(engine, claimed, now)
    return cycle.result, cycle.messages


Way = Callable[[_Player, list[Call], Sequence[Message], datetime, Habits], tuple[TickResult, Sequence[Message]]]


def live(way: Way, store: Store, chosen: Sequence[Journey], script: Script, habits: Habits, *, size: int = 2_000):
    """Live through a script in one way; return what every round came to, and all that is kept."""
    found = list[object]()
    with Engine(store, grace=habits.grace, max_jump=None, scrub=False, batch_size=size) as engine:
        for journey in chosen:
            engine.deploy(journey, at=START)
        player = _Player(engine, [])
        claimed: Sequence[Message] = ()
        for calls, inputs, now in rounds(script):
            for call in calls:
                player.make(call)
            player.script = [*inputs]  # from which calls that are refused are taken
            result, claimed = way(player, inputs, claimed, now, habits)
            found.append((evolve(result, next_due=None, more=False), claimed))
            found.append(engine.next_due())
        assert engine.audit() == []
        return found, dump(store), last_tick(store)


def last_tick(store: Store):
    """Return the instant of the last tick that did anything, as it is kept (R3)."""
    with store.reader() as reader:
        return reader.rows("SELECT value FROM meta WHERE name = 'last tick'")


@pytest.mark.unmeasured
@pytest.mark.parametrize("store", STORES)
def test_a_cycle_comes_to_what_the_separate_calls_come_to(store):
    """Everything that is kept is the same, row by row, and so is what each round returned."""

    @(MANY if store == "memory" else FEW)
    @given(st.data())
    def agree(data):
        chosen = data.draw(SOME)
        life = data.draw(lives(*chosen, policies=policies()))
        habits, size = data.draw(HABITS), data.draw(st.sampled_from([1, 3, 2_000, 2_000]))
        calls = [each for each in life.calls if not isinstance(each, Ack)]
        ticks = None if data.draw(st.booleans()) else sorted({call.at for call in calls if call.at <= life.end})[::3]
        told = script(chosen, Life(calls, life.end), ticks)
        plain = live(separately, STORES[store](), chosen, told, habits)
        cycled = live(together, STORES[store](), chosen, told, habits, size=size)
        for ours, theirs in zip(cycled, plain, strict=True):
            assert ours == theirs

    agree()
