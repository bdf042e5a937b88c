"""Who takes part in a simulation, and when they come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from journeyflow import (
    Event,
    InvalidInput,
    Journey,
    Trigger,
    Wait,
)
from journeyflow.errors import MissingExtra
from journeyflow.simulation import (
    Arrivals,
    Behavior,
    Choice,
    Dates,
    LogNormal,
    Population,
)
from journeyflow.simulation.draws import micros_of
from tests.samples import open_engine
from tests.simulation.welcome import START, run


def test_people_come_with_the_attributes_and_at_the_times_of_their_population():
    """Attributes may depend on one another; a record stays as it is."""
    people = Population(
        size=1_000,
        attributes={
            "plan": Choice({"free": 0.8, "pro": 0.2}),
            "seats": lambda person, draws: (
                1 if person["plan"] == "free" else int(LogNormal(10).value(draws.unit("seats")))
            ),
            "born": Dates(date(1960, 1, 1), date(2005, 12, 31)),
            "country": "FR",
        },
        arrivals=Arrivals.evenly(),
    )
    found = list(people.participants(seed=1, start=0, end=1_000_000))
    assert [each.at for each in found] == list(range(0, 1_000_000, 1_000))
    assert {each.attributes["seats"] for each in found if each.attributes["plan"] == "free"} == {1}
    assert 150 < sum(each.attributes["plan"] == "pro" for each in found) < 250
    assert all("1960-01-01" <= str(each.attributes["born"]) <= "2005-12-31" for each in found)
    assert len({each.id for each in found}) == 1_000


def test_arrivals_by_chance_follow_weekdays_and_hours():
    """On average as many a day as said, in the proportions of the weights."""
    weights = [1, 1, 1, 1, 1, 0, 0]
    arrivals = Arrivals.poisson(100, weekdays=weights, hours=[0] * 8 + [1] * 10 + [0] * 6)
    start = int(START.timestamp() * 1_000_000)
    found = list(arrivals.instants(3, 1, start, start + micros_of("28 days")))
    assert found == sorted(found)
    assert abs(len(found) - 2_800) < 4 * 2_800**0.5
    when = [START + timedelta(microseconds=each - start) for each in found]
    assert {each.weekday() for each in when} == {0, 1, 2, 3, 4}
    assert {each.hour for each in when} == set(range(8, 18))
    assert list(Arrivals.at_once("1 hour").instants(1, 2, 0, 10**12)) == [3_600_000_000] * 2


NINE_TO_FIVE = [0] * 9 + [1] * 8 + [0] * 7


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Asia/Kathmandu"])
def test_arrivals_follow_the_clock_of_a_zone(zone):
    """Office hours are those of the zone, also where it is half an hour off and where clocks change (8 March)."""
    arrivals = Arrivals.poisson(60, weekdays=[1, 1, 1, 1, 1, 0, 0], hours=NINE_TO_FIVE, timezone=zone)
    start = int(START.timestamp() * 1_000_000)
    found = list(arrivals.instants(3, 1, start, start + micros_of("14 days")))
    assert found == sorted(found)
    assert abs(len(found) - 840) < 5 * 840**0.5
    when = [(START + timedelta(microseconds=each - start)).astimezone(ZoneInfo(zone)) for each in found]
    assert {each.weekday() for each in when} == {0, 1, 2, 3, 4}
    assert {each.hour for each in when} == set(range(9, 17))
    assert {each.hour for each in when if each.day > 8} == set(range(9, 17))


def test_everybody_may_come_at_hours_of_their_own_zone():
    """The attribute `timezone` decides, else the zone of all; nobody is lost at the ends, and parts change nothing."""
    zones = ["Asia/Tokyo", "America/New_York", None]
    arrivals = Arrivals.poisson(90, hours=NINE_TO_FIVE, timezone="Europe/Paris", customer_timezone=True)
    people = Population(attributes={"timezone": Choice(zones)}, arrivals=arrivals)
    start = int(START.timestamp() * 1_000_000)
    span = {"start": start, "end": start + micros_of("7 days")}
    found = list(people.participants(seed=4, **span))
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert abs(len(found) - 630) < 5 * 630**0.5
    for name in zones:
        those = [each for each in found if each.attributes["timezone"] == name]
        clock = ZoneInfo(name or "Europe/Paris")
        hours = {(START + timedelta(microseconds=each.at - start)).astimezone(clock).hour for each in those}
        assert hours == set(range(9, 17)), name
        assert abs(len(those) - 210) < 5 * 210**0.5
    cut = [each for part in range(3) for each in people.participants(seed=4, **span, part=part, parts=3)]
    assert sorted(each.id for each in cut) == sorted(each.id for each in found)
    options = {"population": people, "until": "7 days", "behavior": Behavior(soonest="1 hour")}
    with ThreadPoolExecutor(2) as threads:
        assert run(executor=threads, **options).tallies == run(**options).tallies


def test_given_people_come_at_hours_of_their_own_zone_too():
    """Nobody is lost to an arrival that lies before the start where they are; parts together are the whole."""
    zones = ["Asia/Tokyo", "America/New_York", "Europe/Paris"]
    records = [(f"c{n}", {"timezone": zones[n % 3]}) for n in range(30)]
    people = Population.of(records, Arrivals.poisson(90, hours=NINE_TO_FIVE, customer_timezone=True))
    start = int(START.timestamp() * 1_000_000)
    span = {"seed": 3, "start": start, "end": start + micros_of("3 days")}
    come = list(people.participants(**span))
    assert sorted(each.id for each in come) == sorted(name for name, _ in records)
    for each in come:
        there = ZoneInfo(str(each.attributes["timezone"]))
        assert 9 <= (START + timedelta(microseconds=each.at - start)).astimezone(there).hour < 17
    cut = [each for part in range(4) for each in people.participants(**span, part=part, parts=4)]
    assert sorted(cut, key=lambda each: each.id) == sorted(come, key=lambda each: each.id)
    few = people.participants(**{**span, "end": start + micros_of("2 hours")})
    assert len(list(few)) < 30, "there is no time for all"


def test_given_people_take_part(tmp_path):
    """From pairs, mappings, a file, an engine and a data frame."""
    records = [{"customer": "ann", "plan": "pro"}, {"customer": "bob", "plan": "free"}]
    path = tmp_path / "people.csv"
    path.write_text("customer,plan\nann,pro\nbob,free\n")
    with open_engine("memory") as engine:
        engine.put_customers({"ann": {"plan": "pro"}, "bob": {"plan": "free"}}, at=START)
        engine.tick(START)
        found = [
            Population.of(records),
            Population.of([("ann", {"plan": "pro"}), ("bob", {"plan": "free"})]),
            Population.from_file(path),
            Population.from_engine(engine),
        ]
    for people in found:
        assert [each[:2] for each in people.participants(seed=1, start=0, end=10)] == [
            ("ann", {"plan": "pro"}),
            ("bob", {"plan": "free"}),
        ]
    path.write_text("customer,plan\n\x00,pro\n")
    with pytest.raises(InvalidInput):
        Population.from_file(path)
    with pytest.raises(InvalidInput, match="there are no customers"):
        Population.of([])
    with pytest.raises(InvalidInput, match="has no 'customer'"):
        Population.of([{"plan": "pro"}])


def test_rows_of_a_data_frame_take_part():
    """Missing cells are not attributes; figures can be had as a frame too."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"customer": ["ann", "bob"], "age": [30.0, None]})
    found = list(Population.from_pandas(frame).participants(seed=1, start=0, end=10))
    assert [each[:2] for each in found] == [("ann", {"age": 30.0}), ("bob", {})]
    outcome = run()
    assert len(outcome.to_pandas()) == len(outcome.to_dicts())


def test_without_pandas_a_frame_is_refused_with_the_remedy(monkeypatch):
    """The error names what to install."""
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"journeyflow\[pandas\]"):
        run(until="1 day").to_pandas()


def test_the_host_may_say_how_people_enter():
    """By its own events, or by hand where the trigger is manual."""
    manual = Journey(id="m", trigger=Trigger(manual=True), steps=[Wait("w", "1 day")])
    assert run(manual).entered("m").median == 60
    by_tag = Journey(id="t", trigger=Trigger.tag_added("vip"), steps=[Wait("w", "1 day")])
    assert run(by_tag).entered("t").median == 0

    def entering(customer, at):
        return [Event("tag.added", customer=customer, at=at, data={"tag": "vip"})]

    assert run(by_tag, entering=entering).entered("t").median == 60


def test_what_no_engine_would_take_is_refused():
    """Attributes and events of those who come are checked as those of a host are."""
    with pytest.raises(InvalidInput, match="tags: must be a list of texts, not str 'vip'"):
        run(population=Population(size=1, attributes={"tags": "vip"}))
    with pytest.raises(InvalidInput, match="expected an Event, not str 'bought'"):
        run(population=1, entering=lambda _, __: ["bought"])
