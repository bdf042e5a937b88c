"""Work of some customers that is done before everybody else's leads to where one tick would have led (R74)."""

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Engine, Event, MemoryStore
from journeyflow.basics.moments import to_micros
from journeyflow.engine import working
from journeyflow.engine.ticking import do_work_of
from journeyflow.stores.contract import Store
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Call, Life, Reaction, journeys, lives, policies, run
from journeyflow.testing.host_calls import Ack, Forget
from journeyflow.testing.running import _Player
from tests.cases import cases
from tests.played import script

MANY, FEW = cases(75), cases(24)

SOME = st.integers(1, 3).flatmap(
    lambda count: st.tuples(*(journeys(id=f"j{number}") for number in range(1, count + 1)))
)

STORES: dict[str, Callable[[], Store]] = {
    "memory": lambda: MemoryStore(nonce="m"),
    "sqlite": lambda: SQLiteStore(":memory:", nonce="m"),
}


def picture(played):
    """Picture everything that is left, without the numbers of customers, enrollments and messages."""
    names = {number: name for number, _, name, _ in played.tables["customers"]}
    left = {name: sorted(played.tables[name]) for name in ("refusals", "counters", "timers of journeys", "slots")}
    return {
        **left,
        "inputs": [(*row[:6], row[8]) for row in played.tables["inputs"]],
        "pulls": played.tables["pulls"],
        "waiting": sorted((names[row[2]], row[1], *row[3:]) for row in played.tables["deferred"]),
        "refused last": sorted((names[row[1]], row[0], *row[2:]) for row in played.tables["last_refusals"]),
        "suppressed": len(played.tables["suppressions"]),
        "customers": sorted((name, repr(each.attributes)) for name, each in played.customers.items()),
        "runs": sorted(
            (
                *(each.customer, each.journey, each.run, each.key, each.status, each.reason, each.version),
                *map(str, (each.entered_at, each.ended_at, each.converted_at, each.due)),
                str(each.visits),
            )
            for each in played.enrollments
        ),
        "messages": sorted(
            (m.customer, m.journey, m.step, m.channel, m.template, repr(dict(m.data)), str(m.at), m.status)
            for m in played.sent
        ),
    }


def place(message):
    """Name a message by what does not depend on the order in which people came."""
    return message.customer, message.journey, message.run, message.id.rpartition("-")[2]


def replay(chosen, script, store, some, *, known, grace):
    """Make the calls of a script, and settle some before each tick; events find their messages again."""
    with Engine(store, grace=grace, max_jump=None, scrub=False) as engine:
        for journey in chosen:
            engine.deploy(journey, at=START)
        player = _Player(engine, [])
        for each in script:
            if not isinstance(each, Call):
                for name in some:
                    do_work_of(working.HostCall(engine._core, to_micros(each), of={("default", name)}))
                player.tick(each)
            else:
                player.make(renamed(each, engine, known))
        return player.outcome(chosen, Life([], script[-1]))


def renamed(call, engine, known):
    """Return a call about a message with the id that the message has in this engine."""
    ids = {place(message): message.id for message in engine.messages(take=None)}
    if isinstance(call, Ack):
        return evolve(call, message=ids[known[call.message]])
    if isinstance(call, Event) and call.data.get("message") in known:
        return evolve(call, data={**call.data, "message": ids[known[call.data["message"]]]})
    return call


@pytest.mark.unmeasured
@pytest.mark.parametrize("grace", [None, "1 hour"])
@pytest.mark.parametrize("store", STORES)
def test_settling_some_before_a_tick_changes_nothing(store, grace):
    """Whoever is settled first, and in whatever order: runs, visits, messages, counters, refusals, queues, outcomes."""

    @(MANY if store == "memory" else FEW)
    @given(st.data())
    def agree(data):
        chosen = data.draw(SOME)
        life = data.draw(lives(*chosen, policies=policies()))
        calls = [each for each in life.calls if not isinstance(each, Forget)]
        plain = run(chosen, Life(calls, life.end), store=STORES[store](), grace=grace)
        people = sorted({each.customer for each in calls if hasattr(each, "customer")}) or ["ann"]
        some = data.draw(st.lists(st.sampled_from(people), min_size=1, unique=True))
        known = {message.id: place(message) for message in plain.sent}
        settled = replay(chosen, plain.script, STORES[store](), some, known=known, grace=grace)
        assert settled.audit == []
        expected = picture(plain)
        for part, found in picture(settled).items():
            assert found == expected[part], part

    agree()


@MANY
@given(st.data())
def test_customers_who_are_settled_all_the_time_come_to_what_one_late_tick_would_bring(data):
    """R4: some are settled at every instant at which anything is told, the others wait for the last tick."""
    chosen = data.draw(SOME)
    life = data.draw(lives(*chosen, policies=policies()))
    calls = [each for each in life.calls if not isinstance(each, Forget | Reaction)]
    dense = script(chosen, Life(calls, life.end))
    plain = run(chosen, Life(calls, life.end), ticks=[])
    people = sorted({each.customer for each in calls if hasattr(each, "customer")}) or ["ann"]
    some = {("default", name) for name in data.draw(st.lists(st.sampled_from(people), min_size=1, unique=True))}
    with Engine(MemoryStore(), grace=None, max_jump=None, scrub=False) as engine:
        for journey in chosen:
            engine.deploy(journey, at=START)
        player = _Player(engine, [])
        for each in dense[:-1]:
            if isinstance(each, Call):
                player.make(each)
            else:
                do_work_of(working.HostCall(engine._core, to_micros(each), of=some))
        player.tick(life.end)
        settled = player.outcome(chosen, life)
    assert settled.audit == []
    expected = picture(plain)
    for part, found in picture(settled).items():
        assert found == expected[part], part
