"""Forecasts from a store as it stands: it is not touched, and what is certain comes out exactly."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyflow import (
    Chain,
    Condition,
    Engine,
    Event,
    Goal,
    InvalidInput,
    Journey,
    Limits,
    MemoryStore,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    field,
    tag,
)
from journeyflow.analysis import forecast, propagate
from journeyflow.simulation import Arrivals, Background, Behavior, Population, When, simulate
from journeyflow.simulation.host import Replication, SimulatedHost
from journeyflow.stores.sqlite import SQLiteStore

START = datetime(2026, 3, 2, tzinfo=UTC)
MICROS = int(START.timestamp()) * 1_000_000
DAY = 86_400_000_000

JOURNEY = Journey(
    id="welcome",
    trigger=Trigger("member.created"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("answer", event="message.clicked", timeout="3 days", on_event=[Update("keen", tag.add("keen"))]),
        Wait("week", "7 days"),
        Send("bye", channel="SMS", template="bye"),
    ],
)

LIVED = Behavior(
    delivered=0.95,
    opened=0.5,
    clicked=0.25,
    when=[When(channel="SMS", opened=0.8)],
    background=[Background("order.placed", every="12 days")],
)


def lived(store, days=20, seed=5):
    """Return an engine that real people would have lived with: ten a day come."""
    engine = Engine(store, grace=None, max_jump=None)
    people = Population(arrivals=Arrivals.poisson(10), attributes={"plan": "free"})
    plan = Replication((JOURNEY,), people, LIVED, MICROS, MICROS + days * DAY, seed)
    host = SimulatedHost(plan, engine)
    host.begin()
    host.live(None)
    return engine


@pytest.fixture(scope="module")
def engine():
    """Live once for all tests that only look."""
    with lived(MemoryStore()) as engine:
        yield engine


def test_the_store_is_not_touched(tmp_path):
    """Byte for byte the file is what it was, and so is what SQL shows of it."""
    path = tmp_path / "live.db"
    lived(SQLiteStore(path, synchronous="NORMAL", nonce="n"), days=4).close()
    before = path.read_bytes()
    store = SQLiteStore(path)
    with Engine(store) as engine:
        dump = [*store.use().iterdump()]
        expected = forecast(engine, until="3 days", replications=2)
        assert [*store.use().iterdump()] == dump
    store.close()
    assert path.read_bytes() == before
    memory = MemoryStore(nonce="n")
    with lived(memory, days=4) as engine:
        snapshot = memory.snapshot()
        assert forecast(engine, until="3 days", replications=2).outcome.tallies == expected.outcome.tallies
        assert memory.snapshot() == snapshot


def test_the_truth_lies_near_the_median_of_what_was_expected(engine):
    """Ten come a day, each gets one message at once and one after a week and some days."""
    expected = forecast(engine, until="7 days", replications=6)
    assert START + timedelta(days=19) < expected.at <= START + timedelta(days=20)
    assert 40 < expected.entered("welcome").median < 100
    email, sms = expected.messages["EMAIL"], expected.messages["SMS"]
    assert email == expected.entered("welcome")
    assert 40 < sms.median < 100
    assert expected.ends("welcome")["COMPLETED"] == expected.ended("welcome") == sms
    orders, people = expected.outcome.background("order.placed")
    assert 60 < orders.median < 170
    assert people.low <= people.median < orders.median
    now, later = expected.resting("welcome")["week"]
    assert now == sum(each.step == "week" for each in engine.enrollments(take=None))
    days = expected.outcome.occupancy("welcome")
    assert days[f"{expected.until:%Y-%m-%d}", "week"] == later, "those who were inside count from the beginning on"
    assert later.low < later.median < later.high
    assert sum(found.median for (_, channel), found in expected.messages_per_day().items() if channel == "SMS") > 40


def test_people_still_react_to_messages_that_were_sent_before():
    """Who has not opened yet may open after the beginning; who has done so does not open again."""
    with lived(MemoryStore(), days=1) as engine:
        late = forecast(engine, until="20 days", population=0, replications=5, behavior=LIVED)
        opened = late.outcome.groups("reactions", 2, 4)["hello", "opened"]
        already = sum("opened" in each.engagement for each in engine.messages(step="hello", take=None))
        sent = len(engine.messages(step="hello", take=None))
        assert 0 < already < sent
        assert 0 < opened.median <= sent - already
        assert late.outcome.customers == (0, 0, 0)
        assert (
            forecast(engine, until="20 days", population=0, replications=1, behavior=Behavior()).outcome.groups(
                "reactions", 2, 4
            )
            == {}
        )


def test_messages_that_wait_are_sent_and_answered():
    """What the live store had queued is handed out first, and people react to it."""
    with Engine(MemoryStore(), grace=None) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.feed([Event("member.created", customer=f"c{n}", at=START) for n in range(20)])
        engine.tick(START)
        expected = forecast(engine, until="1 day", population=0, behavior=Behavior(opened=1.0), replications=1)
    assert expected.outcome.groups("reactions", 2, 4)["hello", "opened"].median > 15
    assert expected.messages == {}, "they were made before"


def test_the_same_seed_gives_the_same_forecast(engine):
    """And another seed another one; progress is told for each replication."""
    told = []
    one = forecast(engine, until="2 days", replications=2, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    assert one.outcome.tallies == forecast(engine, until="2 days", replications=2).outcome.tallies
    assert one.outcome.tallies != forecast(engine, until="2 days", replications=2, seed=9).outcome.tallies


def test_an_executor_changes_no_forecast():
    """Processes get what stands in the store, also messages that nobody has taken yet, and give the same bytes."""
    engine = lived(MemoryStore(), days=4)
    engine.feed(Event("member.created", customer="new", at=START + timedelta(days=4)))
    engine.tick(START + timedelta(days=4))
    told = list[int]()
    foreseen = partial(forecast, engine, until="3 days", replications=3, seed=2)
    with ProcessPoolExecutor(2) as processes:
        side_by_side = foreseen(executor=processes, progress=lambda done, _: told.append(done))
    assert side_by_side.to_dicts() == foreseen().to_dicts()
    assert told == [1, 2, 3]


def test_a_given_population_enters_by_the_triggers(engine):
    """A number of people, or a population, comes instead of the fitted one."""
    assert forecast(engine, until="2 days", population=7, replications=1).entered("welcome").median == 7
    given = Population(size=3, arrivals=Arrivals.evenly())
    expected = forecast(engine, until=START + timedelta(days=22), population=given, replications=1)
    assert expected.entered("welcome").median == 3
    assert expected.population is None
    assert expected.behavior is not None


def test_another_tenant_is_another_forecast():
    """What is not the tenant's does not count."""
    with lived(MemoryStore(), days=2) as engine:
        engine.tenant("other").put_customer("c", {"a": 1}, at=START + timedelta(days=2))
        engine.tick(START + timedelta(days=2))
        expected = forecast(engine, at=START + timedelta(days=3), until="2 days", tenant="other", replications=1)
    assert (dict(expected.journeys), dict(expected.messages), expected.inside) == ({}, {}, {})


def test_a_forecast_can_be_read(engine):
    """Text, rows and repr; steps that only earlier versions have are there too."""
    expected = forecast(engine, until="2 days", replications=2)
    assert repr(expected).startswith("Forecast(2026-03-21 to 2026-03-23; ")
    text = str(expected)
    assert "Journey welcome" in text
    assert "inside now, then" in text
    figures = Counter(row["figure"] for row in expected.to_dicts())
    assert {"inside", "messages", "resting", "ended", "enrollments"} <= figures.keys()


def test_a_holdout_is_foretold_apart():
    """R25, R81: who is held out neither enters nor ends."""
    engine = Engine(MemoryStore())
    steps = [Send("hello", channel="EMAIL", template="hello")]
    goal = Goal("order.placed", within="7 days")
    engine.deploy(Journey(id="w", trigger=Trigger("joined"), steps=steps, goal=goal, holdout=50), at=START)
    found = forecast(engine, at=START, until="2 days", behavior=Behavior(), population=40, replications=2)
    entered, held_out = found.entered("w"), found.outcome.held_out("w")
    assert found.ended("w") == entered
    assert entered.median + held_out.median == 40
    assert f"Journey w: {entered} will enter, {held_out} will be in the holdout; " in str(found)
    assert found.ends("w") == {"COMPLETED": entered}


def test_faults_name_the_remedy():
    """A store that has never ticked, an end before the beginning, and a count that is none."""
    with Engine(MemoryStore()) as engine:
        with pytest.raises(InvalidInput, match="say when the forecast begins"):
            forecast(engine, until="1 day")
        with pytest.raises(InvalidInput, match="must lie after"):
            forecast(engine, at=START, until=START)
        with pytest.raises(ValueError, match="replications must be 1 to 100,000"):
            forecast(engine, at=START, until="1 day", replications=0)


# --- propagation ------------------------------------------------------------------------------------------------------

LENGTHS = st.sampled_from(["1 hour", "36 hours", "1 day", "2 days", "1 week"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["EMAIL", "SMS"])),
        st.tuples(st.just("wait"), LENGTHS),
        st.tuples(st.just("event"), LENGTHS),
        st.tuples(st.just("update"), st.just("")),
    ),
    min_size=1,
    max_size=7,
)


def made(kinds, zone="UTC"):
    """Make a journey in which time alone decides."""

    def step(name: str, kind: str, value: str) -> Send | Wait | Update:
        if kind == "send":
            return Send(name, channel=value, template="t")
        if kind == "update":
            return Update(name, tag.add("seen"))
        return Wait(name, value) if kind == "wait" else Wait(name, event="reply", timeout=value)

    steps = [step(f"s{n}", kind, value) for n, (kind, value) in enumerate(kinds)]
    return Journey(id="static", trigger=Trigger("go"), timezone=zone, steps=steps)


def counted(expected):
    """Return the figures of a forecast as those of a propagation."""
    groups = expected.outcome.groups
    return (
        {(str(day), str(step)): int(found.median) for (day, step), found in groups("visits", 3, 2).items()},
        {key: int(found.median) for key, found in expected.messages_per_day().items()},
        {step: int(later.median) for step, (_, later) in expected.resting("static").items() if later.median},
        int(expected.ended("static").median),
    )


@settings(max_examples=25)
@given(STEPS, st.sampled_from(["UTC", "America/New_York"]), st.integers(0, 40), st.integers(1, 300))
def test_simulation_and_propagation_agree(kinds, zone, hours, later):
    """Where time alone decides, a forecast is what flows through the graph: by day, step and channel, to the last."""
    journey = made(kinds, zone)
    entries = [START + timedelta(hours=7 * n) for n in range(6)]
    at, until = START + timedelta(hours=hours), START + timedelta(hours=hours + later)
    with Engine(MemoryStore(), grace=None, max_jump=None) as engine:
        engine.deploy(journey, at=START)
        engine.feed([Event("go", customer=f"c{n}", at=each) for n, each in enumerate(entries)])
        engine.tick(at)
        expected = forecast(engine, at=at, until=until, behavior=Behavior(), population=0, replications=1)
        active = engine.enrollments(status="ACTIVE", take=None)
        inside = [(each.step, each.due) for each in active if each.step is not None and each.due is not None]
    flow = propagate(journey, entries=[each for each in entries if each > at], inside=inside, until=until)
    assert counted(expected) == (flow.visits, flow.messages, flow.resting, flow.ended)
    assert flow.entered == expected.entered("static").median


def test_a_split_divides_what_is_to_be_expected():
    """Both arms together are exact; each is within five standard deviations of its share."""
    journey = Journey(
        id="static",
        trigger=Trigger("go"),
        steps=[
            Split("test", arm(30, [Send("a", channel="EMAIL", template="a")]), arm(70, [Wait("b", "1 day")])),
            Send("all", channel="SMS", template="all"),
        ],
    )
    entries = [START] * 1_000
    flow = propagate(journey, entries=entries, until=START + timedelta(days=2))
    assert flow.visits["2026-03-02", "a"] == 300
    assert flow.visits["2026-03-02", "b"] == 700
    assert flow.messages == {("2026-03-02", "EMAIL"): 300, ("2026-03-02", "SMS"): 300, ("2026-03-03", "SMS"): 700}
    assert flow.entered == flow.ended == 1_000
    assert flow.resting == {}
    outcome = simulate(journey, population=1_000, start=START, until="2 days")
    for key, found in outcome.visits_per_day("static").items():
        assert abs(found.median - flow.visits[key]) <= 5 * 210**0.5


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"steps": [Condition("c", field("a").eq(1), yes=[Wait("w", "1 day")])]}, "condition 'c' \\(its rule\\)"),
        ({"steps": [Wait("w", "1 day", window=Window("MON-FRI", "09:00", "17:00"))]}, "its window"),
        ({"steps": [Wait("w", until="09:00")]}, "what it waits for"),
        ({"steps": [Wait("w", when=field("n").eq(1), timeout="1 day")]}, "what it waits for"),
        ({"steps": [Update("u", Chain.enroll("other"))]}, "its chain"),
        ({"steps": [Wait("w", "1 day")], "goal": Goal("bought", within="1 day"), "holdout": 10}, "holdout"),
        ({"steps": [Wait("w", "1 day")], "limits": Limits(per_day=1)}, "limits"),
    ],
)
def test_what_more_than_time_decides_is_not_propagated(options, what):
    """The error names each such step and option."""
    with pytest.raises(InvalidInput, match=what):
        propagate(Journey(id="j", trigger=Trigger("go"), **options), until=START)
