"""Simulation: the real engine over made-up people, the same for the same seed, however it is run."""

import gc
import json
import logging
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Condition,
    Engine,
    Event,
    Goal,
    InvalidInput,
    Journey,
    Limits,
    MemoryStore,
    Policies,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
    tag,
)
from journeyflow.errors import MissingExtra
from journeyflow.questions.numbers.totals import totals
from journeyflow.simulation import (
    Arrivals,
    Background,
    Behavior,
    Chance,
    Choice,
    Dates,
    Delay,
    Draws,
    Lift,
    LogNormal,
    Normal,
    Population,
    Submitted,
    Uniform,
    When,
    simulate,
)
from journeyflow.simulation.backtest import Recorded, replay
from journeyflow.simulation.draws import micros_of
from tests.samples import open_engine

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

WELCOME = Journey(
    id="welcome",
    trigger=Trigger("member.created"),
    goal=Goal("order.placed", within="30 days"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("breathe", "2 days"),
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
            no=[Send("nudge", channel="SMS", template="nudge")],
        ),
        Wait("answer", event="message.clicked", timeout="3 days", on_event=[Update("keen", tag.add("keen"))]),
    ],
)

BEHAVIOR = Behavior(
    bounced=0.02,
    delivered=0.97,
    opened=0.5,
    clicked=Chance(0.2, Delay.exponential("1 hour")),
    converted=0.05,
    unsubscribed=0.01,
    revenue=LogNormal(2_000, 0.5),
    when=[When(channel="SMS", opened=0.9), When(arm=("test", "B"), clicked=0.6)],
    background=[Background("page.viewed", every="6 days", lifts=[Lift(3, "2 days", channel="EMAIL")])],
    soonest="1 hour",
)

PEOPLE = Population(
    size=60,
    attributes={"plan": Choice({"free": 3, "pro": 1}), "age": Normal(40, 12, low=18, whole=True)},
    arrivals=Arrivals.evenly("5 days"),
)

FEW = evolve(PEOPLE, size=20)
"""Enough for four parts."""


def run(journeys=WELCOME, **options):
    """Simulate two weeks."""
    usual = {"population": PEOPLE, "start": START, "until": "14 days", "behavior": BEHAVIOR, "seed": 7}
    return simulate(journeys, **{**usual, **options})


def events_of(record):
    """Return the events of what a simulated host has submitted."""
    return [each for each in record if isinstance(each, Event)]


def written(outcome):
    """Write everything that was counted as text."""
    return json.dumps([[[list(key), count] for key, count in tally.items()] for tally in outcome.tallies])


def test_the_same_seed_gives_the_same_outcome_and_another_gives_another():
    """Byte by byte: whatever happens depends on the seed, the customer and the purpose alone."""
    once = run()
    assert written(once) == written(run())
    assert once.tallies != run(seed=8).tallies
    assert once.customers == (60, 60, 60)


def test_an_executor_changes_nothing():
    """People are cut for one replication, replications otherwise; processes and threads give the same bytes."""
    alone, thrice = run(population=FEW), run(population=FEW, replications=3)
    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
        for executor in (processes, threads):
            assert written(run(population=FEW, executor=executor)) == written(alone)
        assert written(run(population=FEW, replications=3, executor=processes)) == written(thrice)
    assert thrice.tallies[0] == alone.tallies[0]
    assert thrice.tallies[1] == run(population=FEW, seed=8).tallies[0]


class Counting(ThreadPoolExecutor):
    """An executor that counts what it is given."""

    submitted = 0

    def submit(self, *given, **named):
        """Count."""
        self.submitted += 1
        return super().submit(*given, **named)


def test_people_are_cut_unless_they_share_something():
    """An entry limit counts everybody, and a pull of a given size too, so one replication stays whole (R23, R27)."""
    steps = [Wait("w", "1 day")]
    free = Journey(id="j", trigger=Trigger("go"), steps=steps)
    limited = Journey(id="j", trigger=Trigger("go"), limits=Limits(per_hour=1), steps=steps)
    pulled = Journey(id="j", trigger=Trigger.every("1 day", size=5), steps=steps)
    for journey, parts in ((free, 4), (limited, 1), (pulled, 1)):
        with Counting(2) as threads:
            assert written(run(journey, population=FEW, executor=threads)) == written(run(journey, population=FEW))
            assert threads.submitted == parts
    assert run(limited).entered("j").median <= 14 * 24


def test_the_store_of_a_part_is_gone_with_it():
    """Nothing waits for the cycle collector, which rests meanwhile: otherwise each part would stay in memory."""
    was = gc.isenabled()
    gc.disable()
    try:
        before = stores()
        simulate(WELCOME, population=5, start=START, until="10 days", behavior=Behavior(delivered=1))
        assert stores() <= before
    finally:
        (gc.enable if was else gc.disable)()


def stores() -> int:
    """Count the stores in memory that are alive."""
    return sum(type(each) is MemoryStore for each in gc.get_objects())


def test_the_engine_fed_the_same_events_does_the_same():
    """A simulation is the engine fed with what people do: all of it told beforehand leads to the same."""
    record: list[Submitted] = []
    outcome = run(record=record)
    with Engine(MemoryStore(), grace=None, max_jump=None) as engine:
        replay(engine, [WELCOME], Recorded(record, until=START + timedelta(days=14)))
        with engine.store.reader() as reader:
            again = totals(reader)
    assert len(events_of(record)) > 300
    for kind in ("enrollments", "converted", "minutes", "visits", "outcomes", "refusals", "revenue", "reactions"):
        counts = {key: count for key, count in outcome.tallies[0].items() if key[0] == kind}
        assert counts == {key: count for key, count in again.items() if key[0] == kind}, kind


def test_variants_share_their_luck():
    """Who opens the first message does so in both variants; the other numbers differ by what was changed alone."""
    steps = (Send("hello", channel="EMAIL", template="hello"), Wait("breathe", "5 days"))
    shorter = Journey(id="welcome", trigger=Trigger("member.created"), steps=steps)
    alike = Behavior(bounced=0.1, opened=0.5, clicked=0.3)
    before, after = run(behavior=alike), run(shorter, behavior=alike)
    for kind in ("opened", "clicked", "bounced"):
        found = [
            {
                key: n
                for key, n in each.tallies[0].items()
                if key[0] == "reactions" and key[2] == "hello" and key[4] == kind
            }
            for each in (before, after)
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("behavior", "kind", "step", "share"),
    [
        (Behavior(opened=0.5), "opened", "hello", 0.5),
        (Behavior(clicked=0.25), "opened", "hello", 0.25),
        (Behavior(clicked=0.25), "clicked", "hello", 0.25),
        (Behavior(bounced=0.5, opened=1), "opened", "hello", 0.5),
        (Behavior(delivered=0.5, opened=1), "opened", "hello", 0.5),
        (Behavior(opened=0.1, when=[When(template="hello", opened=0.9)]), "opened", "hello", 0.9),
        (Behavior(opened=0.1, when=[When(channel="SMS", opened=0.9)]), "opened", "hello", 0.1),
        (Behavior(opened=0.1, when=[When(step="hello", opened=0.8), When(opened=0.3)]), "opened", "hello", 0.3),
        (Behavior(opened=0.0, when=[When(who=field("plan").eq("pro"), opened=1)]), "opened", "hello", 0.25),
        (Behavior(opened=0.0, when=[When(arm=("test", "B"), opened=1)]), "opened", "hello", 0.0),
        (
            Behavior(when=[When(template="hello", opened=1), When(arm=("test", "B"), opened=1)]),
            "opened",
            "offer",
            0.5,
        ),
        (Behavior(opened=0.4, clicked=0.3), "opened", "hello", 0.4),
        (Behavior(opened=0.4, clicked=0.3), "clicked", "hello", 0.3),
        (Behavior(opened=0.0, when=[When(arm=("other", "B"), opened=1)]), "opened", "hello", 0.0),
        (Behavior(opened=0.2, when=[When(journey="other", opened=1)]), "opened", "hello", 0.2),
        (Behavior(complained=0.3), "complained", "hello", 0.3),
        (Behavior(unsubscribed=0.3), "unsubscribed", "hello", 0.3),
        (Behavior(converted=0.3), "converted", "hello", 0.3),
    ],
)
def test_people_do_what_the_behavior_says(behavior, kind, step, share):
    """The share of 300 people lies within four standard deviations of the probability."""
    people = Population(size=300, attributes=PEOPLE.attributes)
    outcome = run(behavior=evolve(behavior, soonest="1 hour"), population=people, until="6 days")
    found = outcome.figure("reactions", "welcome", step)
    count = sum(
        n for key, n in outcome.tallies[0].items() if key[:3] == ("reactions", "welcome", step) and key[4] == kind
    )
    assert abs(count / 300 - share) <= 4 * (share * (1 - share) / 300) ** 0.5
    assert found.median >= count


def test_an_exception_about_no_message_is_a_warning(caplog):
    """A typo in its channel, template or step would silently change nothing; the nearest name is suggested."""
    journey = Journey("j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="welcome")])
    behavior = Behavior(opened=0.5, when=[When(template="welcme", opened=1.0), When(step="hello", opened=1.0)])
    with caplog.at_level(logging.WARNING, "journeyflow"):
        simulate(journey, population=2, start=START, until="1 day", behavior=behavior)
    assert caplog.messages == ["behavior: when[0].template: no message has 'welcme' (did you mean 'welcome'?)"]


def test_a_conversion_reaches_the_goal_and_brings_revenue():
    """The event of the goal is fed, with the amount; the message has the conversion and the revenue."""
    outcome = run(behavior=Behavior(converted=Chance(1, Delay.fixed("1 hour")), revenue=Uniform(500, 500)))
    assert outcome.goal_rate("welcome") == (1, 1, 1)
    messages = sum(n for key, n in outcome.tallies[0].items() if key[0] == "messages")
    assert outcome.revenue("welcome").median == outcome.revenue().median == 500 * messages


def test_a_goal_may_ask_something_of_its_event():
    """`conversion` is what the event says besides; a goal that is a message event is reached by that event."""
    steps = (Send("s", channel="EMAIL", template="t"), Wait("w", "9 days"))
    rich = Journey(id="j", trigger=Trigger("go"), steps=steps, goal=Goal("buy", where=field("event.amount").gte(10)))
    sure = Behavior(converted=Chance(1, Delay.fixed("1 hour")), conversion={"amount": Uniform(10, 20)})
    assert run(rich, behavior=sure).goal_rate("j") == (1, 1, 1)
    clicked = Journey(id="j", trigger=Trigger("go"), steps=steps, goal=Goal("message.clicked"))
    assert run(clicked, behavior=Behavior(converted=Chance(1, Delay.fixed("1 hour")))).goal_rate("j") == (1, 1, 1)


def test_background_events_come_at_their_rate_and_messages_change_it():
    """One in two days for 200 people, none of which is due to chance; a lift multiplies it for its time."""
    quiet = Journey(id="quiet", trigger=Trigger("go"), steps=[Wait("w", "20 days")])
    mailed = Journey(
        id="quiet", trigger=Trigger("go"), steps=[Send("s", channel="EMAIL", template="t"), Wait("w", "9 days")]
    )
    counts = []
    for journey, lifts in ((quiet, []), (mailed, [Lift(3, "4 days")]), (mailed, [Lift(0, "4 days", channel="EMAIL")])):
        record: list[Submitted] = []
        known = Background("page.viewed", every="2 days", data={"seconds": Uniform(1, 9), "site": "a"}, lifts=lifts)
        people = Population(size=200)
        run(journey, behavior=Behavior(background=[known]), population=people, until="8 days", record=record)
        counts.append(sum(each.type == "page.viewed" for each in events_of(record)))
        assert {each.data["site"] for each in events_of(record) if each.type == "page.viewed"} == {"a"}
    for count, expected in zip(counts, (800, 800 * (4 * 3 + 4) / 8, 400), strict=True):
        assert abs(count - expected) < 5 * expected**0.5


def test_the_host_may_say_what_people_do():
    """`react` gets the message, the customer as they came, and their draws; nothing comes too soon."""

    def react(message, attributes, draws):
        if message.step == "hello" and attributes["plan"] == "pro":
            yield "0 seconds", "survey.answered", {"score": int(draws.unit("score") * 10)}

    record: list[Submitted] = []
    run(
        behavior=Behavior(react=react),
        record=record,
        until="3 days",
        population=Population(size=50, attributes={"plan": Choice(["pro"])}),
    )
    answered = [each for each in events_of(record) if each.type == "survey.answered"]
    assert len(answered) == 50
    assert {each.at for each in answered} == {START + timedelta(minutes=5)}
    assert len({each.data["score"] for each in answered}) > 5


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
    with pytest.raises(InvalidInput, match="there is nobody"):
        Population.of([])
    with pytest.raises(InvalidInput, match="has no 'customer'"):
        Population.of([{"plan": "pro"}])


def test_rows_of_a_data_frame_take_part():
    """Missing cells are no attributes; figures can be had as a frame too."""
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


def test_policies_apply():
    """A cap of one message in a week leaves the second one out, with its reason."""
    outcome = run(policies=Policies(caps=[Cap(1, per="week")]), behavior=Behavior())
    assert outcome.skipped("welcome")["nudge", "cap"].median == 60


CAPPED = Policies(caps=[Cap(1, within="3 days", channel="SMS", over="defer"), Cap(2, per="week")])


def test_caps_are_figures_of_their_own():
    """How often each closed, and whether it skipped or held the message; the funnel and the report say so too."""
    texts = [Send(name, channel="SMS", template=name) for name in ("a", "b")]
    last = Send("c", channel="EMAIL", template="c")
    capped = Journey(
        id="j", trigger=Trigger("go"), steps=[texts[0], Wait("w", "1 day"), texts[1], Wait("v", "1 day"), last]
    )
    outcome = run(capped, policies=CAPPED, behavior=Behavior(), population=Population(size=10))
    expected = {
        ("1 SMS message within 3 days", "deferred"): (10, 10, 10),
        ("2 messages per week", "skipped"): (10,) * 3,
    }
    assert outcome.caps_hit() == outcome.caps_hit("j") == expected
    assert outcome.caps_hit("other") == {}
    assert outcome.funnel("j")[4].skipped == {"cap": (10, 10, 10)}
    assert "not sent: cap 10" in str(outcome)
    assert "Cap of 2 messages per week: skipped 10" in str(outcome)
    assert sum(row["figure"] == "caps" for row in outcome.to_dicts()) == 2


def test_who_rests_where_is_known_for_each_day():
    """At the end of each day of the journey's zone; the last one is what the store shows."""
    steps = [Wait("w", "36 hours"), Wait("v", "10 days")]
    journey = Journey(id="j", trigger=Trigger("go"), timezone="Asia/Tokyo", steps=steps)
    people = Population(size=4, arrivals=Arrivals.evenly("4 days"))
    outcome = run(journey, population=people, behavior=Behavior(), until="5 days")
    found = {key: count.median for key, count in outcome.occupancy("j").items()}
    assert [found.get((f"2026-03-0{day}", "w"), 0) for day in range(2, 8)] == [1, 1, 1, 1, 0, 0]
    assert [found.get((f"2026-03-0{day}", "v"), 0) for day in range(2, 8)] == [0, 1, 2, 3, 4, 4]
    assert {row["step"] for row in outcome.to_dicts() if row["figure"] == "occupancy"} == {"w", "v"}
    assert outcome.branches_per_day("j") == {
        (day, "w", "elapsed"): (1, 1, 1) for day in ("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
    }


def test_the_load_on_a_claim_queue_follows_from_what_was_handed_out():
    """By hour and channel; with too few workers a backlog grows, and shrinks after the last message."""
    outcome = run(population=Population(size=100), behavior=Behavior(), until="1 day")
    assert outcome.claimed_per_hour() == {("2026-03-02 00:00", "EMAIL"): (100, 100, 100)}
    hours = outcome.backlog(30)
    assert {hour: found.median for hour, found in hours.items()} == {
        "2026-03-02 00:00": 70,
        "2026-03-02 01:00": 40,
        "2026-03-02 02:00": 10,
    }
    assert outcome.backlog(100) == {}
    with pytest.raises(ValueError, match="per_hour must be above 0"):
        outcome.backlog(0)


def test_the_host_may_say_how_people_enter():
    """By its own events, or by hand where the trigger is manual."""
    manual = Journey(id="m", trigger=Trigger(manual=True), steps=[Wait("w", "1 day")])
    assert run(manual).entered("m").median == 60
    by_tag = Journey(id="t", trigger=Trigger.tag_added("vip"), steps=[Wait("w", "1 day")])
    assert run(by_tag).entered("t").median == 0

    def entering(customer, at):
        return [Event("tag.added", customer=customer, at=at, data={"tag": "vip"})]

    assert run(by_tag, entering=entering).entered("t").median == 60


def test_an_outcome_says_what_came_of_it():
    """Funnel, statuses, days, time to end, refusals; a row for every figure; text for people."""
    outcome = run(replications=3)
    steps = {row.step: row for row in outcome.funnel("welcome")}
    assert steps["hello"].share == 1.0
    assert set(steps["test"].outcomes) == {"A", "B"}
    assert steps["opened"].outcomes["yes"].low < steps["opened"].outcomes["yes"].high
    assert sum(band.median for band in outcome.statuses("welcome").values()) == pytest.approx(60, abs=2)
    assert {channel for _, channel in outcome.messages_per_day()} == {"EMAIL", "SMS"}
    assert ("2026-03-02", "hello") in outcome.visits_per_day("welcome")
    assert 2 * 1_440 <= outcome.time_to_end("welcome", 0.1) <= outcome.time_to_end("welcome") <= 5 * 1_440
    assert outcome.refusals("welcome") == {}
    assert repr(outcome).startswith("Outcome(60 customers, 2026-03-02 to 2026-03-16, 3 seeds; welcome: 60 entered")
    text = str(outcome)
    assert "Journey welcome: 60 entered" in text
    assert "reached the goal: " in text
    figures = {row["figure"] for row in outcome.to_dicts()}
    assert {"customers", "enrollments", "visits", "outcomes", "messages", "handed out", "minutes", "revenue"} <= figures


def test_one_is_one():
    """Nouns follow their counts, and nothing is over in no time."""
    hello = Journey(id="j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t")])
    outcome = run(hello, population=1)
    assert repr(outcome).startswith("Outcome(1 customer, ")
    assert str(outcome).startswith("1 customer, ")
    assert "half of those who ended did so within 1 minute\n" in str(outcome)
    assert "00:00 UTC, 1 message" in str(outcome)
    assert "1 messages" not in str(outcome)
    page = outcome.report().to_html()
    assert "A simulation of 1 customer from" in page
    assert "1 visit<" in page


def test_a_page_says_that_nothing_was_sent():
    """An empty section would look like a fault."""
    quiet = Journey(id="j", trigger=Trigger("go"), steps=[Wait("pause", "1 day")])
    for seeds in (1, 2):
        assert "Messages by day</h2><p>None.</p>" in run(quiet, population=1, replications=seeds).report().to_html()


def test_those_held_out_are_counted_apart():
    """R25, R81: who entered is the sum of the statuses, and the text, the rows and the page name the others."""
    outcome = run(evolve(WELCOME, holdout=40), replications=2)
    held_out, entered = outcome.held_out("welcome"), outcome.entered("welcome")
    assert held_out.median + entered.median == 60
    assert 0 < held_out.median < entered.median
    for tally in outcome.tallies:
        alone = evolve(outcome, tallies=(tally,))
        assert sum(each.median for each in alone.statuses("welcome").values()) == alone.entered("welcome").median
    assert f"{entered} entered, {held_out} held out" in str(outcome)
    assert f"{entered} entered, {held_out} held out; at the end " in outcome.report().to_html()
    assert "holdout" not in str(outcome)
    rows = [row for row in outcome.to_dicts() if row["figure"] == "held out"]
    assert rows == [{"figure": "held out", "journey": "welcome", **held_out._asdict()}]
    assert "held out" not in str(run())
    assert "held out" not in {row["figure"] for row in run().to_dicts()}


def test_an_outcome_without_anybody():
    """Nothing is divided by nobody."""
    nobody = run(Journey(id="t", trigger=Trigger.tag_added("vip"), steps=[Wait("w", "1 day")]), behavior=Behavior())
    assert (nobody.goal_rate("t"), nobody.time_to_end("t"), nobody.busiest_hour) == (None, None, None)
    assert nobody.funnel("t")[0].share is None
    assert "Journey t: 0 entered" in str(nobody)


def test_progress_is_told():
    """Of the time of one replication, and of the replications of several."""
    told: list[tuple[int, int]] = []
    run(progress=lambda *said: told.append(said), replications=2, until="2 days")
    assert told == [(1, 2), (2, 2)]
    run(progress=lambda *said: told.append(said), until="2 days")
    assert len(told) > 10
    with ThreadPoolExecutor(1) as threads:
        run(progress=lambda *said: told.append(said), replications=2, until="2 days", executor=threads)
    assert told[-1] == (2, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: run([]), "give one at least"),
        (lambda: run([WELCOME, WELCOME]), "the id 'welcome' is there 2 times"),
        (lambda: run(until=START), "it must lie after the start"),
        (lambda: run(replications=0), "replications must be 1 to 100,000"),
        (lambda: run(population=0), "size must be 1 to 100,000,000"),
        (lambda: Behavior(opened=1.5), "a probability is a number from 0 to 1"),
        (lambda: Behavior(opened="often"), "a probability is a number from 0 to 1"),
        (lambda: Behavior(soonest="0 seconds"), "soonest must be a second or more"),
        (lambda: Choice({}), "weights of a Choice"),
        (lambda: Choice({"a": -1}), "weights of a Choice"),
        (lambda: Delay.fixed("-1 hour"), "a delay must be"),
        (lambda: Lift(-1, "1 day"), "factor must be 0 or more"),
        (lambda: Background("a", every="1 second"), "every must be a minute or more"),
        (lambda: Arrivals.poisson(0), "per_day must be above 0"),
        (lambda: Arrivals.poisson(5, hours=[1]), "hours must be 24 weights"),
        (lambda: Arrivals.poisson(5, timezone="Mars"), "Mars"),
    ],
)
def test_what_cannot_be_simulated_is_refused(make, words):
    """The message says what was expected."""
    with pytest.raises(ValueError, match=words):
        make()


def test_delays_have_the_distribution_they_say():
    """Each is sampled by its quantiles; a share within a length of time can be asked."""
    hour = micros_of("1 hour")
    assert Delay.fixed("1 hour").value(0.9) == hour
    assert Delay.exponential("1 hour").share_within("1 hour") == pytest.approx(0.632, abs=0.002)
    assert Delay.around("1 hour", 2).share_within("1 hour") == pytest.approx(0.5, abs=0.002)
    assert Delay.among(["1 hour", "3 hours", "2 hours"]).value(0.75) == int(2.5 * hour)
    assert {Draws(1, "a").unit("x", str(n)) < 0.5 for n in range(20)} == {True, False}


@pytest.mark.parametrize("population", [PEOPLE, Population.of([(f"c{n}", {}) for n in range(25)])])
def test_many_people_are_simulated_in_parts(monkeypatch, population):
    """A part after the other gives the same bytes, and progress goes on from one to the next."""
    whole, told, stores = run(population=population), list[int](), list[MemoryStore]()

    def opened():
        stores.append(MemoryStore())
        return stores[-1]

    monkeypatch.setattr("journeyflow.simulation.host.MemoryStore", opened)
    monkeypatch.setattr("journeyflow.simulation.run.PART", 10)
    parts = run(population=population, progress=lambda done, of: told.append(done * 100 // of))
    assert written(parts) == written(whole)
    within = [share for share in told if share < 100]
    assert within == sorted(within)
    assert len(stores) == whole.customers.median // 10


@pytest.mark.parametrize("replications", [1, 3])
def test_an_outcome_is_a_page_with_pictures(replications):
    """With the figures of its rows: for one seed columns by channel, for several bands for each channel."""
    journey = Journey(
        id="j",
        trigger=Trigger("go"),
        goal=Goal("order"),
        limits=Limits(per_day=30, over="drop"),
        steps=[Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day")],
    )
    outcome = simulate(
        journey,
        population=Population(size=40),
        behavior=Behavior(converted=0.5),
        policies=Policies(caps=[Cap(1, per="day")]),
        start=START,
        until="3 days",
        replications=replications,
    )
    text = outcome.report().to_html()
    assert f"{outcome.entered('j')} entered" in text
    assert "Half of those who ended did so within 1 day." in text
    assert "half of those who ended did so within 1 day\n" in str(outcome)
    assert ("Messages by EMAIL by day" in text) == (replications > 1)
    for reason in outcome.refusals("j"):
        assert reason in text
