"""Coverage: which ways through journeys a store, a simulation, or several of these have taken."""

from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Condition,
    End,
    Event,
    Exit,
    Goal,
    InvalidInput,
    Journey,
    Limits,
    Policies,
    Pull,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
    tag,
)
from journeyflow.analysis import coverage
from journeyflow.analysis.coverage import Coverage, ways
from journeyflow.simulation import Behavior, simulate
from tests.samples import open_engine

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)

SALE = Journey(
    "sale",
    trigger=Trigger("go"),
    run_criteria=field("age").gt(17),
    exits=[Exit("left", event="left")],
    goal=Goal("order.placed", within="7 days", exit=True),
    steps=[
        Send("offer", channel="EMAIL", template="t"),
        Wait("answer", event="message.clicked", timeout="1 day", on_timeout=[End("silent")]),
        Condition("gold", field("tier").eq("gold"), yes=[Update("mark", tag.add("x"))]),
        Split("test", arm(100, label="A"), arm(0, label="B")),
    ],
)


def names(found):
    """Return ways as texts."""
    return [str(way) for way in found]


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    """Open an engine on either store, in which the sale is on."""
    where = "memory" if request.param == "memory" else tmp_path / "sale.db"
    engine = open_engine(where, grace=None)
    engine.deploy(SALE, at=START)
    return engine


def test_what_can_happen_is_read_from_the_definition():
    """Every step with its outcomes, exits, goal, and the refusals that concern the journey; no arm of nobody."""
    assert names(ways(SALE)) == [
        "step offer", "not sent offer consent", "step answer", "outcome answer event", "outcome answer timeout",
        "step silent", "step gold", "branch gold yes", "branch gold no", "step mark", "step test", "arm test A",
        "step end", "exit left", "goal", "exit goal", "refusal run criteria", "refusal already inside",
        "refusal re-entry",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({"limits": Limits(per_day=1)}, "refusal already deferred"),
        ({"limits": Limits(per_day=1, over="drop")}, "refusal entry limit"),
        ({"reentry": Reentry.always(key="event.cart")}, "refusal key missing"),
        ({"reentry": "always", "consent": "required"}, "refusal consent"),
        ({"reentry": Reentry.restart()}, "exit restarted"),
        ({"exits": [Exit("x", when=field("a").eq(1))]}, "refusal exit rule"),
        ({"trigger": Trigger.tag_added("vip")}, "refusal event loop"),
        ({"goal": Goal("x", within="1 day"), "holdout": 10}, "holdout"),
    ],
)
def test_refusals_and_exits_are_those_that_concern_the_journey(options, there):
    """A journey that has no such rule cannot refuse for it (R21)."""
    send = Send("s", channel="EMAIL", template="t")
    plain = Journey("j", trigger=Trigger("go"), steps=[send])
    assert there in names(ways(evolve(plain, **options)))
    assert there not in names(ways(plain))


def test_caps_dates_and_pulls():
    """A cap counts where the policies have one, a date can be missing or past, and a pull refuses nobody (R27)."""
    journey = Journey(
        "j",
        trigger=Trigger(pull=Pull("1 day")),
        steps=[
            Send("s", channel="SMS", template="t"),
            Wait("d", field="day", on_missing=[End("e")], on_past=[End("f")]),
        ],
    )
    assert names(ways(journey, Policies(caps=[Cap(1, per="day", channel="SMS")])))[:6] == [
        "step s", "not sent s consent", "not sent s cap", "step d", "outcome d elapsed", "outcome d missing"
    ]  # fmt: skip
    assert "not sent s cap" not in names(ways(journey, Policies(caps=[Cap(1, per="day", channel="EMAIL")])))
    assert not any(way.kind == "refusal" for way in ways(journey))


def test_a_store_answers_what_was_taken(engine):
    """Steps, outcomes, reasons, exits, goals and refusals count how often each happened; the rest was missed."""
    for name, age in (("ann", 20), ("bob", 9), ("eve", 30)):
        engine.put_customer(name, {"age": age, "consent": {"EMAIL": name != "eve"}}, at=START)
        engine.feed(Event("go", customer=name, at=START))
    engine.feed(Event("order.placed", customer="ann", at=START + DAY / 2))
    engine.feed(Event("go", customer="ann", at=START + DAY))
    engine.tick(START + 3 * DAY)
    found = coverage(engine)
    times = {str(way): way.times for way in found.ways}
    assert {name: n for name, n in times.items() if n} == {
        "step offer": 2, "not sent offer consent": 1, "step answer": 2, "outcome answer timeout": 1, "step silent": 1,
        "goal": 1, "exit goal": 1, "refusal run criteria": 1, "refusal re-entry": 1,
    }  # fmt: skip
    assert repr(found) == "Coverage(9 of 19 ways taken, 47%)"
    assert str(found).splitlines()[:2] == ["sale: 9 of 19 ways taken, 47%", "  never: outcome answer event"]
    assert found.to_dicts()[0] == {"journey": "sale", "kind": "step", "step": "offer", "label": "", "times": 2}


def test_days_bound_what_is_counted(engine):
    """A month of real life: steps, outcomes and refusals of its days, in the journey's zone."""
    engine.put_customer("ann", {"age": 20}, at=START)
    engine.feed(Event("go", customer="ann", at=START))
    engine.tick(START + 3 * DAY)
    first = coverage(engine, until=date(2026, 3, 2))
    later = coverage(engine, since=date(2026, 3, 3))
    assert "step silent" in names(first.missed)
    assert names(way for way in later.ways if way.times) == ["outcome answer timeout", "step silent"]
    with pytest.raises(InvalidInput, match="until"):
        coverage(engine, since=date(2026, 3, 3), until=date(2026, 3, 2))


def test_a_simulation_answers_too_and_several_add_up(engine):
    """What one did not take another may have."""
    outcome = simulate(SALE, population=20, start=START, until="5 days", behavior=Behavior(clicked=0.5), replications=2)
    simulated = coverage(outcome)
    assert simulated.ways[0].times == 0
    assert {str(way) for way in simulated.ways if way.times} == {"refusal run criteria"}
    engine.put_customer("ann", {"age": 20}, at=START)
    engine.feed(Event("go", customer="ann", at=START))
    engine.tick(START)
    both = coverage([engine, outcome, Coverage(())])
    assert both.taken == simulated.taken + coverage(engine).taken
    assert len(both.ways) == len(simulated.ways)


def test_other_definitions_can_be_asked_about(engine):
    """`journeys` says whose ways count, such as the files of a folder; nothing to take is taken whole."""
    other = Journey("other", trigger=Trigger("x"), steps=[End("done")])
    assert {way.journey for way in coverage(engine, journeys=[other]).ways} == {"other"}
    assert coverage(engine, journeys=[]).share == 1
