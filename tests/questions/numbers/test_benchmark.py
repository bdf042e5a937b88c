"""Statistics of many journeys, and the benchmark of a tenant (R83)."""

from datetime import UTC, date, datetime
from time import process_time

import pytest
from attrs import evolve

from journeyflow import (
    Engine,
    InvalidInput,
    Journey,
    Trigger,
)
from journeyflow.formats.native import dumps_journey
from journeyflow.questions.numbers.figures import Count, MessageStats, ratio
from journeyflow.records.changes import CatalogChanges, Changes, NewJourney, NewVersion, Transition
from tests.questions.numbers.forty import HELLO, NOW
from tests.questions.numbers.test_statistics import there
from tests.samples import START, STORES, Host, after, open_engine, statements


class Counted:
    """A store that counts the questions it is asked."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        with engine.store.reader() as reader:
            of = type(reader)
        rows = of.rows

        def counting(reader, sql, parameters=()):
            self.asked.append(sql)
            return rows(reader, sql, parameters)

        monkeypatch.setattr(of, "rows", counting)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.rows(167, 251)
def test_statistics_of_all_journeys_are_one_question(store, monkeypatch):
    """However many there are it is one; without statistics there is none (F251, F167)."""
    with open_engine(store) as engine:
        asked = Counted(engine, monkeypatch).asked
        for count in (1, 30):
            for n in range(count):
                engine.publish(Journey(id=f"j{n}", steps=[HELLO]), at=START)
            asked.clear()
            found = engine.all_stats(at=NOW)
            assert [each.journey for each in found] == sorted(f"j{n}" for n in range(count))
            assert len(asked) == 1
        asked.clear()
        engine.journeys()
        assert not [sql for sql in asked if "day IN" in sql]


def publish_at_once(engine: Engine, count: int) -> None:
    """Publish and activate many small journeys in one commit."""
    names = {number: f"j{number:04}" for number in range(1, count + 1)}
    texts = {
        number: dumps_journey(Journey(id=name, trigger=Trigger("go"), steps=[HELLO])) for number, name in names.items()
    }
    with engine.store.transaction() as transaction:
        transaction.commit(
            Changes(
                catalog=CatalogChanges(
                    journeys=tuple(NewJourney(number, "default", name) for number, name in names.items()),
                    versions=tuple(
                        NewVersion(number, number, 1, 0, name, texts[number]) for number, name in names.items()
                    ),
                    transitions=tuple(Transition(number, 0, "ACTIVE") for number in names),
                )
            )
        )


@pytest.mark.unmeasured
@pytest.mark.rows(167)
def test_a_thousand_journeys_cost_as_many_statements_as_one():
    """SQLite is asked the same number of times, with statistics and without, and it is a matter of seconds (F251).

    Whoever lists without statistics does not touch the counters of any day.
    """
    asked: list[tuple[list[str], list[str]]] = []
    for count in (1, 1_000):
        with open_engine("sqlite", grace=None) as engine:
            publish_at_once(engine, count)
            Host(engine).say("go")
            assert len(engine.journeys()) == count
            began = process_time()
            with statements(engine) as with_them:
                found = engine.all_stats(at=NOW)
            assert process_time() - began < 10
            assert [there(each.messages).queued for each in found] == [1] * count
            with statements(engine) as without:
                listed = engine.journeys()
            assert [each.enrolled for each in listed] == [1] * count
            asked.append((with_them, without))
    one, thousand = asked
    assert list(map(len, one)) == list(map(len, thousand))
    assert [sum("day IN" in sql for sql in each) for each in thousand] == [1, 0]


def test_all_journeys_have_the_statistics_that_each_has(engine):
    """A list says what asking one by one says; each journey has its own zone and days (R82)."""
    host = Host(engine)
    host.deploy(HELLO, id="west", timezone="Pacific/Midway")
    host.say("go", "3 days", "far")
    late = datetime(2026, 1, 8, 9, tzinfo=UTC)
    found = engine.all_stats(at=late)
    assert found == tuple(engine.stats(each.journey, at=late) for each in found)
    assert [(each.journey, each.until) for each in found] == [("j", date(2026, 1, 8)), ("west", date(2026, 1, 7))]


@pytest.mark.rows(184, 185, 186, 187, 188)
def test_the_benchmark_weighs_by_what_was_sent(engine):
    """Sums over sums, of the journeys that sent something in the window (R83, F184 to F188)."""
    host = Host(engine)
    host.deploy(HELLO, id="other", trigger=Trigger("came"))
    host.deploy(HELLO, id="silent", trigger=Trigger("never"))
    host.say("came", START, "c1")
    engine.ack(host.claim("3 days", limit=1000), at=after("3 days"))
    host.tick("3 days")
    benchmark = engine.benchmark(at=NOW)
    each = [engine.stats(name, at=NOW) for name in ("j", "other")]
    sent = sum(stats.window.sent.unique for stats in each)
    assert (benchmark.journeys, benchmark.messages.sent.unique) == (2, sent)
    assert benchmark.messages.open_rate == 20 / sent
    assert benchmark.messages.click_to_open_rate == 5 / 20
    assert benchmark.enrolled == 41
    assert benchmark.revenue_per_subscriber == 1000 / 41
    before = engine.benchmark(at=NOW, since="2025-01-01", until="2025-01-02")
    assert (before.journeys, before.enrolled, before.messages) == (0, 0, MessageStats(queued=0))
    assert (before.revenue_per_subscriber, before.messages.open_rate) == (None, None)
    with pytest.raises(InvalidInput, match="since"):
        engine.benchmark(at=NOW, since="soon")


def test_rates_are_sums_over_sums():
    """Every rate is of messages, and None where nothing was sent (R83)."""
    stats = MessageStats(
        sent=Count(9, 8), delivered=Count(9, 6), opened=Count(9, 4), clicked=Count(9, 2), converted=Count(9, 1),
        unsubscribed=Count(1, 1), bounced=Count(2, 2), complained=Count(3, 3),
    )  # fmt: skip
    assert stats.rates == {
        "delivery": 6 / 8, "open": 4 / 8, "click": 2 / 8, "click_to_open": 2 / 4, "conversion": 1 / 8,
        "bounce": 2 / 8, "unsubscribe": 1 / 8, "complaint": 3 / 8,
    }  # fmt: skip
    assert set(MessageStats().rates.values()) == {None}
    assert (ratio(3, 0), ratio(None, 3), ratio(0, 3)) == (None, None, 0)


def test_what_a_host_does_not_report_has_no_rate():
    """As many openings as deliveries may be all of them; one more, and not all deliveries were reported (R83)."""
    told = MessageStats(sent=Count(9, 8), delivered=Count(4, 4), opened=Count(4, 4), clicked=Count(4, 4))
    assert (told.delivery_rate, told.open_rate, told.click_to_open_rate) == (4 / 8, 4 / 8, 1.0)
    opened = evolve(told, opened=Count(5, 5))
    assert (opened.delivery_rate, opened.open_rate) == (None, 5 / 8)
    clicked = evolve(told, clicked=Count(5, 5))
    assert (clicked.delivery_rate, clicked.open_rate, clicked.click_rate) == (None, None, 5 / 8)
