"""Fitting: the rates, delays and arrivals of a simulation come back from its history, within their intervals."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from journeyflow import Engine, Event, InvalidInput, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.questions.history import MessageHistory
from journeyflow.simulation import (
    Arrivals,
    Background,
    Behavior,
    Beta,
    Chance,
    Choice,
    Delay,
    Enroll,
    Population,
    Put,
    Uniform,
    When,
)
from journeyflow.simulation.behavior import USUAL_DELAYS
from journeyflow.simulation.draws import Draws, micros_of
from journeyflow.simulation.fitting import rates_of
from journeyflow.simulation.host import Replication, SimulatedHost
from journeyflow.simulation.posteriors import beta_quantile, share_below
from journeyflow.stores.sqlite import SQLiteStore

START = datetime(2026, 3, 2, tzinfo=UTC)
MICROS = int(START.timestamp()) * 1_000_000

JOURNEY = Journey(
    id="welcome",
    trigger=Trigger("member.created"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("breathe", "2 days"),
        Send("offer", channel="EMAIL", template="offer"),
        Wait("again", "2 days"),
        Send("nudge", channel="SMS", template="nudge"),
    ],
)

PLANTED = Behavior(
    bounced=0.04,
    opened=0.4,
    clicked=Chance(0.15, Delay.exponential("1 hour")),
    unsubscribed=0.02,
    when=[
        When(channel="EMAIL", delivered=0.95),
        When(channel="SMS", opened=0.8, clicked=0.3),
        When(template="offer", opened=0.6),
    ],
    background=[Background("order.placed", every="10 days", data={"amount": Uniform(5, 9, whole=True)})],
)

PEOPLE = Population(
    size=900,
    attributes={
        "plan": Choice({"free": 3, "pro": 1}),
        "seats": lambda person, _: 1 if person["plan"] == "free" else 20,
    },
    arrivals=Arrivals.poisson(60, weekdays=[2, 2, 2, 2, 2, 1, 1], hours=[0] * 12 + [1] * 12),
)


def lived(store, behavior=PLANTED, people=PEOPLE, days=21, record=None):
    """Return an engine that has gone through a simulation."""
    engine = Engine(store, grace=None, max_jump=None)
    plan = Replication((JOURNEY,), people, behavior, MICROS, MICROS + micros_of(f"{days} days"), 11)
    host = SimulatedHost(plan, engine, record)
    host.begin()
    host.live(None)
    return engine


def known(fit, kind, **place):
    """Return a rate that is there."""
    found = fit.rate(kind, **place)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def history():
    """Simulate once; return the engine and the events that it was fed."""
    record: list[Event | Put | Enroll] = []
    with lived(MemoryStore(), record=record) as engine:
        yield engine, [each for each in record if isinstance(each, Event)]


@pytest.fixture(scope="module")
def fit(history):
    """Fit once, for all who only read what was found."""
    return Behavior.fit(history[0])


def test_fitted_rates_recover_planted_ones(fit):
    """Each planted probability is near, by the width of the interval, which is wider where less was sent."""
    for kind, place, planted in (
        ("bounced", {}, 0.04),
        ("delivered", {"channel": "EMAIL"}, 0.95),
        ("opened", {"template": "hello"}, 0.4),
        ("opened", {"template": "offer"}, 0.6),
        ("opened", {"channel": "SMS"}, 0.8),
        ("clicked", {"channel": "EMAIL"}, 0.15),
        ("clicked", {"step": "nudge"}, 0.3),
        ("unsubscribed", {}, 0.02),
    ):
        rate = known(fit, kind, **place)
        assert abs(rate.mean - planted) < rate.high - rate.low, (kind, place, rate)
        assert rate.low < rate.mean < rate.high
    assert fit.rate("complained") is None
    assert fit.rate("delivered", channel="SMS") is None, "nobody reports deliveries of this channel"
    wide, narrow = known(fit, "opened", step="nudge"), known(fit, "opened")
    assert narrow.high - narrow.low < wide.high - wide.low


def test_fitted_delays_recover_planted_ones(fit):
    """The median of the observed delays is that of the planted distribution, within a fifth."""
    for kind, planted in (("opened", USUAL_DELAYS["opened"]), ("clicked", Delay.exponential("1 hour"))):
        found = known(fit, kind, channel="EMAIL").delay
        assert found is not None
        assert found.kind == "among"
        assert abs(found.value(0.5) / planted.value(0.5) - 1) < 0.2


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 300 fits of 100 messages each, between 92 and 98 % of the intervals hold the planted rate."""
    held = 0
    for seed in range(300):
        draws = Draws(seed, "coverage")
        messages = [
            MessageHistory("EMAIL", "t", "j", "s", n, {"opened": n + 1} if draws.unit(str(n)) < 0.3 else {})
            for n in range(100)
        ]
        rate = next(each for each in rates_of(messages) if each.kind == "opened" and each.step == "s")
        held += rate.low <= 0.3 <= rate.high
    assert 0.92 <= held / 300 <= 0.98


def test_intervals_hold_the_truth_of_each_template_too():
    """Four templates with rates of their own, of one step each: the step's rate does not count its messages twice."""
    held = []
    for seed in range(200):
        chance = Random(seed)
        truth = [chance.betavariate(6, 14) for _ in range(4)]
        messages = [
            MessageHistory("EMAIL", f"t{n}", "j", f"s{n}", at, {"opened": at + 1} if chance.random() < rate else {})
            for n, rate in enumerate(truth)
            for at in range(20)
        ]
        rates = [each for each in rates_of(messages) if each.kind == "opened" and each.step is not None]
        held += [rate.low <= planted <= rate.high for rate, planted in zip(rates, truth, strict=True)]
    assert 0.92 <= sum(held) / len(held) <= 0.98


def test_where_few_were_sent_the_rate_stays_near_that_of_all():
    """Three messages of three opened say little: the rate is near the channel's, not 1."""
    few = Journey(id="few", trigger=Trigger("go"), steps=[Send("rare", channel="EMAIL", template="rare")])
    with lived(MemoryStore(), Behavior(opened=0.2), Population(size=300)) as engine:
        engine.deploy(few, at=START + timedelta(days=21))
        at = START + timedelta(days=21, seconds=1)
        engine.feed([Event("go", customer=f"x{n}", at=at) for n in range(3)])
        engine.tick(at)
        messages = engine.claim("w", at=at, limit=10)
        engine.ack(messages, at=at)
        engine.feed(
            [Event("message.opened", customer=each.customer, at=at, data={"message": each.id}) for each in messages]
        )
        engine.tick(at)
        rate = known(Behavior.fit(engine, settle="0 days"), "opened", template="rare")
    assert (rate.count, rate.of) == (3, 3)
    assert 0.2 < rate.mean < 0.45
    assert rate.high < 0.7


def test_background_events_have_their_rate_and_their_data(history, fit):
    """From an engine and from its events alone: the planted distance lies within the interval."""
    engine, events = history
    for source in (engine, events):
        (found,) = Behavior.fit(source, background=["order.placed"]).frequencies
        assert found.low <= 10 <= found.high
        assert found.spread < 0.1
        amounts = found.data["amount"]
        assert isinstance(amounts, Choice)
        assert {value for value, _ in amounts.weights} == {5, 6, 7, 8, 9}
    assert Behavior.fit(events).rates == ()
    assert len(fit.frequencies) == 1, "how people come is not what they do by themselves"


def test_rates_that_differ_between_people_come_back():
    """A planted spread is found again, and who did more than others in the past goes on doing so."""
    people = Population(size=400)
    planted = Behavior(background=[Background("order.placed", every="5 days", spread=1.0)])
    events: list[Event | Put | Enroll] = []
    lived(MemoryStore(), planted, people, 40, events).close()
    fitted = Behavior.fit(events, background=["order.placed"])
    (found,), (background,) = fitted.frequencies, fitted.behavior.background
    assert 0.7 < found.spread < 1.4
    assert found.dropout == Beta(0), "nobody leaves"
    busy = max(found.seen, key=lambda name: found.seen[name][0])
    mean = sum(background.pace(busy, Draws(seed, busy)) for seed in range(50)) / 50
    assert mean > 2
    assert abs(sum(background.pace("new", Draws(seed, "new")) for seed in range(400)) / 400 - 1) < 0.25
    steady = Background("a", every="1 day")
    assert (steady.pace("c", Draws(1, "c")), steady.leaving("c", Draws(1, "c"))) == (1, 0)
    with pytest.raises(ValueError, match="spread must be 0 or more"):
        Background("a", every="1 day", spread=-1)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_the_span_counts_alone(store):
    """Messages of the last days, and what happened later, are left out; both stores say the same."""
    kept = SQLiteStore(":memory:") if store == "sqlite" else MemoryStore()
    with lived(kept, people=Population(size=40, arrivals=Arrivals.evenly("5 days"))) as engine:
        whole = Behavior.fit(engine)
        early = Behavior.fit(engine, until=START + timedelta(days=4), settle="1 day")
        late = Behavior.fit(engine, since=START + timedelta(days=4))
    assert 0 < early.messages < whole.messages
    assert 0 < late.messages < whole.messages
    assert early.until == START + timedelta(days=4)
    assert known(early, "bounced").of == early.messages
    assert whole.messages == 40 * 3


def test_people_and_arrivals_come_back(history):
    """As many a day, at the weekdays and hours, with attributes that still belong together."""
    engine, events = history
    fit = Population.fit(engine, since=START, until=START + timedelta(days=21))
    mean, low, high = fit.per_day
    assert low <= 60 <= high
    assert abs(fit.population.arrivals.per_day - mean) < 1e-9
    assert max(fit.population.arrivals.hours[:12]) < 0.3
    assert min(fit.population.arrivals.hours[12:]) > 1.5
    assert min(fit.population.arrivals.weekdays[:5]) > max(fit.population.arrivals.weekdays[5:])
    there = Population.fit(engine, since=START, until=START + timedelta(days=21), timezone="Asia/Tokyo").population
    assert there.arrivals.timezone == "Asia/Tokyo"
    assert max(there.arrivals.hours[9:21]) < 0.3, "noon in UTC is nine in the evening"
    made = list(fit.drawn(3).participants(seed=3, start=MICROS, end=MICROS + micros_of("10 days")))
    assert {(each.attributes["plan"], each.attributes["seats"]) for each in made} == {("free", 1), ("pro", 20)}
    assert all(not name.startswith("last") for each in made for name in each.attributes)
    assert abs(len(made) - 600) < 200
    (event,) = fit.entering(made[0].id, START)
    assert (event.type, event.customer) == ("member.created", made[0].id)
    alone = Population.fit([each for each in events if each.type == "member.created"], since=START)
    assert alone.arrived == fit.arrived


def test_nobody_comes_where_nobody_came():
    """A span without newcomers has none; the people are like those of before."""
    with lived(MemoryStore(), Behavior(), Population(size=5, attributes={"plan": "free"})) as engine:
        engine.tick(START + timedelta(days=10))
        fit = Population.fit(engine, since=START + timedelta(days=1), until=START + timedelta(days=9))
    assert fit.arrived == 0
    assert list(fit.drawn(1).participants(seed=1, start=0, end=10)) == []
    assert fit.population.like[0] == {"plan": "free"}


def test_a_fit_can_be_read_and_drawn(history, fit):
    """Rows, text and repr have the counts; another draw is another behavior, near the means."""
    assert fit.messages > 1_000
    rows = fit.to_dicts()
    assert {row["figure"] for row in rows} == {"rate", "frequency"}
    assert len(rows) == len(fit.rates) + len(fit.frequencies)
    assert "opened" in str(fit)
    assert "order.placed" in str(fit)
    assert repr(fit).startswith(f"Fit({fit.messages} messages and ")
    one, two = fit.drawn(1), fit.drawn(2)
    assert one == fit.drawn(1)
    opened = [each.said["opened"].probability for each in (one, two, fit.behavior)]
    assert opened[0] != opened[1]
    assert abs(opened[0] - opened[2]) < 0.1
    people = Population.fit(history[0])
    assert "a day" in str(people)
    assert len(people.to_dicts()) == 1 + 7 + 24
    assert repr(people).startswith("PopulationFit(")


def test_no_history_is_an_error():
    """Nothing can be fitted to an empty engine, to no events, or to a span before the first."""
    empty = Engine(MemoryStore())
    sources: tuple[Engine | list[Event], ...] = (empty, [])
    for source in sources:
        with pytest.raises(InvalidInput, match="there is no history"):
            Behavior.fit(source)
    with pytest.raises(InvalidInput, match="there is no history"):
        Behavior.fit([Event("a", customer="c", at=START)], until=START - timedelta(days=1))


def test_quantiles_of_beta_distributions():
    """Against closed forms: Beta(1, n) and Beta(n, 1), and by symmetry."""
    for n in (1, 5, 300):
        for share in (0.025, 0.5, 0.975):
            assert abs(beta_quantile(share, 1, n) - (1 - (1 - share) ** (1 / n))) < 1e-8
            assert abs(beta_quantile(share, n, 1) - share ** (1 / n)) < 1e-8
            assert abs(beta_quantile(share, n, n) + beta_quantile(1 - share, n, n) - 1) < 1e-8
    assert share_below(-1, 2, 2) == 0
    assert share_below(1, 2, 2) == 1
