"""Simulation: the real engine over made-up people, the same for the same seed, however it is run."""

import gc
import logging
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Engine,
    Goal,
    Journey,
    Limits,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.questions.numbers.totals import totals
from journeyflow.simulation import (
    Arrivals,
    Background,
    Behavior,
    Chance,
    Choice,
    Delay,
    Draws,
    Lift,
    Population,
    Submitted,
    Uniform,
    When,
    simulate,
)
from journeyflow.simulation.backtest import Recorded, replay
from journeyflow.simulation.draws import micros_of
from tests.simulation.welcome import FEW, PEOPLE, START, WELCOME, events_of, run, written


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


def test_policies_apply():
    """A cap of one message in a week leaves the second one out, with its reason."""
    outcome = run(policies=Policies(caps=[Cap(1, per="week")]), behavior=Behavior())
    assert outcome.skipped("welcome")["nudge", "cap"].median == 60


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
