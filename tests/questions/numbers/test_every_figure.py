"""Every figure of messages in every answer, against a count of what was told: by day, step, channel and domain (R82).

Each kind of event has its own numbers, so that none can be left out of an answer, or taken for another, unseen.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import product
from operator import attrgetter
from typing import Any

import pytest
from attrs import frozen

from journeyflow import Engine, Event, MemoryStore, NotFound, Send, Wait
from journeyflow.questions.numbers.figures import Count, MessageStats
from journeyflow.records.counting import COUNTED_EVENTS
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, after

DAY = START.date()
NOW = after("12 days")
WHOLE = (DAY, DAY + timedelta(days=12))
WINDOWS = (WHOLE, (DAY, DAY), (DAY + timedelta(days=1), DAY + timedelta(days=2)), (DAY + timedelta(days=9),) * 2)


@frozen
class Told:
    """Something that was told of a message, or its queueing."""

    day: int
    journey: str
    step: str
    channel: str
    domain: str
    kind: str
    message: str
    amount: int = 1


@pytest.fixture(scope="module", params=STORES)
def told(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, list[Told]]]:
    """Return an engine with what was told of its messages: two journeys, three Sends, two channels, three domains."""
    store = MemoryStore() if request.param == "memory" else SQLiteStore(":memory:")
    with Engine(store, grace=None, max_jump=None) as engine:
        host = Host(engine)
        hello, text = Send("hello", channel="EMAIL", template="t"), Send("text", channel="SMS", template="t")
        host.deploy(hello, Wait("day", "1 day"), text, Wait("rest", "60 days"))
        host.deploy(Send("hello", channel="PUSH", template="t"), id="other")
        for n in range(40):
            host.put(START, f"c{n}", email=f"c{n}@{'abc'[n % 3]}.org")
            host.feed("go", START, f"c{n}")
        host.tick("1 day")
        messages = [*host.claim("1 day", limit=1_000)]
        domains = {f"c{n}": f"{'abc'[n % 3]}.org" for n in range(40)}
        found = list[Told]()
        for n, message in enumerate(messages):
            domain = domains[message.customer] if message.channel == "EMAIL" else ""
            about = (message.journey, message.step, message.channel, domain)
            found.append(Told(1 if message.step == "text" else 0, *about, "queued", message.id))
            engine.ack(message, at=after("1 day"))
            found.append(Told(1, *about, "sent", message.id))
            for number, kind in enumerate(COUNTED_EVENTS[1:], 2):
                for day in range(1, 4):
                    if n % (number + 2 * day) == day % 2:
                        data = {"message": message.id}
                        engine.feed(Event(kind, customer=message.customer, at=after(f"{day} days"), data=data))
                        found.append(Told(day, *about, kind.removeprefix("message."), message.id))
            for day, amount in ((1, 7), (2, -3), (9, 1_000 + n)):
                paid = {"message": message.id, "amount": amount}
                engine.feed(Event("revenue", customer=message.customer, at=after(f"{day} days"), data=paid))
                found.append(Told(day, *about, "revenue", message.id, amount))
        host.tick(NOW)
        yield engine, sorted(found, key=attrgetter("day"))
        assert engine.audit() == []


def count(
    found: Iterable[Told], window: tuple[date, date] | None = None, *, queued: bool = True, **where: str | None
) -> MessageStats:
    """Count what was told in a window, or ever: in total, and the first of each kind of a message.

    `found` is in the order of its days.
    """
    asked = {name: value for name, value in where.items() if value is not None}
    since, until = ((day - DAY).days for day in window or WHOLE)
    total, unique, seen, revenue = Counter[str](), Counter[str](), set[tuple[str, str]](), 0
    for each in found:
        if any(getattr(each, name) != value for name, value in asked.items()):
            continue
        first = (each.kind, each.message) not in seen
        seen.add((each.kind, each.message))
        if since <= each.day <= until:
            total[each.kind] += 1
            unique[each.kind] += first
            revenue += each.amount * (each.kind == "revenue")
    kinds = [kind.removeprefix("message.") for kind in COUNTED_EVENTS]
    return MessageStats(
        total["queued"] if queued else None,
        **{kind: Count(total[kind], unique[kind]) for kind in kinds},
        revenue=revenue,
    )


def days(window: tuple[date, date]) -> list[tuple[date, date]]:
    """Return the days of a window, each as one."""
    every = range((window[1] - window[0]).days + 1)
    return [(window[0] + timedelta(days=n),) * 2 for n in every]


def test_the_plan_tells_kinds_apart(told):
    """No two kinds have the same numbers, in total or by message, and every kind was told of every channel."""
    _, found = told
    stats = count(found)
    counts = [getattr(stats, kind.removeprefix("message.")) for kind in COUNTED_EVENTS]
    assert len({each.total for each in counts}) == len({each.unique for each in counts}) == len(COUNTED_EVENTS)
    for channel in ("EMAIL", "SMS", "PUSH"):
        assert {each.kind for each in found if each.channel == channel} > {
            kind.removeprefix("message.") for kind in COUNTED_EVENTS
        }


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("step", "domain", "channel"), [
    *product((None, "hello", "text"), (None, "a.org", ""), (None,)),
    *product((None, "hello", "text"), (None, "b.org"), ("EMAIL", "SMS")),
])  # fmt: skip
@pytest.mark.rows(153, 154, 156, 159, 169, 170, 171, 172, 177, 178, 179)
@pytest.mark.unmeasured
def test_every_figure_of_a_journey(told, window, step, domain, channel):
    """Of all time, of the window, by day, by step and its days, by channel: all kinds, whatever is asked for (R82)."""
    engine, found = told
    of = [each for each in found if each.journey == "j"]
    where = {"step": step, "domain": domain, "channel": channel}
    asked: dict[str, Any] = {"since": window[0], "until": window[1], "at": NOW}
    stats, queued = engine.stats("j", **asked, **where), domain is None
    assert stats.messages == count(of, queued=queued, **where)
    assert stats.window == count(of, window, queued=queued, **where)
    assert [day.messages for day in stats.daily] == [count(of, day, queued=queued, **where) for day in days(window)]
    for name, each in stats.by_step.items():
        here = {**where, "step": name}
        if name not in {"hello", "text"}:
            assert (each.messages, each.by_channel, each.lifetime) == (None, None, None)
            continue
        assert each.messages == count(of, window, queued=queued, **here)
        assert each.lifetime == count(of, queued=queued, **here)
        assert [day.messages for day in each.daily] == [count(of, day, queued=queued, **here) for day in days(window)]
        has = "EMAIL" if name == "hello" else "SMS"
        assert each.by_channel == {
            name: count(of, window, queued=queued, **{**here, "channel": name})
            for name in [has]
            if channel in {None, has}
        }
    channels = {"hello": ["EMAIL"], "text": ["SMS"], None: ["EMAIL", "SMS"]}[step]
    assert stats.by_channel == {
        name: count(of, window, queued=queued, **{**where, "channel": name})
        for name in channels
        if channel in {None, name}
    }
    assert (stats.people is None) == (domain is not None or channel is not None)
    there = [each for each in of if all(value in {None, getattr(each, name)} for name, value in where.items())]
    if domain is not None or channel is not None:
        assert stats.last_triggered_at is None
        assert (stats.last_activity_at is None) == (not there)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("channel", [None, "EMAIL", "PUSH"])
@pytest.mark.rows(167)
def test_every_figure_of_all_journeys(told, window, channel):
    """A list has the window that is asked for, not the usual one, and the channel (F251)."""
    engine, found = told
    stats = engine.all_stats(at=NOW, since=window[0], until=window[1], channel=channel)
    assert [(each.journey, each.since, each.until, each.channel) for each in stats] == [
        (name, *window, channel) for name in ("j", "other")
    ]
    for each in stats:
        assert each.window == count(found, window, journey=each.journey, channel=channel)
        assert each.messages == count(found, journey=each.journey, channel=channel)
        assert len(each.daily) == len(days(window))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("step", [None, "hello", "text"])
@pytest.mark.parametrize("channel", [None, "EMAIL", "SMS"])
@pytest.mark.rows(175)
@pytest.mark.unmeasured
def test_every_figure_of_mailbox_domains(told, window, step, channel):
    """Each domain has all kinds within the window, of one step or all, of one channel or all (F175)."""
    engine, found = told
    of = {"journey": "j", "step": step, "channel": channel}
    stats = engine.domain_stats("j", at=NOW, since=window[0], until=window[1], step=step, channel=channel)
    for domain, each in stats.items():
        assert each == count(found, window, queued=False, domain=domain, **of)
    nothing = MessageStats(None)
    wanted = {name for name in ("a.org", "b.org", "c.org", "")
              if count(found, window, queued=False, domain=name, **of) != nothing}  # fmt: skip
    assert set(stats) == wanted


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("channel", [None, "EMAIL", "SMS", "PUSH"])
@pytest.mark.rows(184, 185, 186, 187, 188)
def test_every_figure_of_the_benchmark(told, window, channel):
    """All kinds of what the journeys did that sent something in the window, by one channel or all (F184 to F188)."""
    engine, found = told
    of = [each for each in found if channel in {None, each.channel}]
    senders = {each.journey for each in of if each.kind == "sent" and window[0] <= DAY + timedelta(days=1) <= window[1]}
    stats = engine.benchmark(at=NOW, since=window[0], until=window[1], channel=channel)
    assert stats.messages == count([each for each in of if each.journey in senders], window)
    assert (stats.journeys, stats.enrolled, stats.channel) == (len(senders), 40 * len(senders), channel)
    assert (stats.since, stats.until) == window


@pytest.mark.parametrize("channel", [None, "SMS"])
@pytest.mark.rows(190, 191)
def test_every_figure_of_an_export(told, channel):
    """A line for a journey with all channels or the one asked for, and one for each Send and channel of it (F191)."""
    engine, found = told
    window = (DAY + timedelta(days=1), DAY + timedelta(days=2))
    job = engine.submit_export(at=NOW, since=window[0], until=window[1], include_steps=True, channel=channel)
    engine.work_exports(at=NOW)
    rows = list(csv.DictReader(engine.download_export(job.id).splitlines()))
    every = [
        ("j", "", ""),
        ("j", "hello", "EMAIL"),
        ("j", "text", "SMS"),
        ("other", "", ""),
        ("other", "hello", "PUSH"),
    ]
    of_sms = [("j", "", "SMS"), ("j", "text", "SMS"), ("other", "", "SMS")]
    assert [(row["journey"], row["step"], row["channel"]) for row in rows] == (of_sms if channel else every)
    for row in rows:
        where: dict[str, Any] = {
            "journey": row["journey"],
            "step": row["step"] or None,
            "channel": row["channel"] or None,
        }
        wanted = count(found, window, **where)
        singles = (
            "sent",
            "delivered",
            "opened",
            "clicked",
            *("browser_viewed", "forwarded", "unsubscribed", "bounced", "complained"),
        )
        assert {name: int(row[name]) for name in singles} == {name: getattr(wanted, name).total for name in singles}
        assert int(row["message_conversions"]) == wanted.converted.total
        assert [int(row[f"{name}_unique"]) for name in ("opened", "clicked")] == [
            wanted.opened.unique,
            wanted.clicked.unique,
        ]
        assert int(row["revenue"]) == wanted.revenue
        rates = ("open_rate", "click_rate", "click_to_open_rate", "bounce_rate", "unsubscribe_rate", "complaint_rate")
        shown = [getattr(wanted, name) for name in rates]
        assert [row[name] for name in rates] == ["" if rate is None else f"{rate:.4f}" for rate in shown]


def test_the_newest_thing_counted(told):
    """It is of this tenant, and None before anything was (R82)."""
    engine, _ = told
    assert engine.last_counted() == after("9 days")
    assert engine.tenant("nobody").last_counted() is None


def test_an_unknown_channel_is_not_found(told):
    """It is written exactly as in the Send; the nearest one is named (R54)."""
    engine, _ = told
    for ask in (engine.all_stats, engine.benchmark, lambda **asked: engine.stats("j", **asked),
                lambda **asked: engine.domain_stats("j", **asked)):  # fmt: skip
        with pytest.raises(NotFound, match=r"no channel 'email' \(did you mean 'EMAIL'\?\)"):
            ask(at=NOW, channel="email")
    with pytest.raises(NotFound, match="no channel 'PUSH'"):
        engine.stats("j", at=NOW, channel="PUSH")
    assert engine.tenant("nobody").benchmark(at=NOW, channel="EMAIL").journeys == 0
