"""What an outage does, and what it does not do: grace softens the instant of late work, once a rest (R5)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import End, Engine, Event, Journey, MemoryStore, Send, Trigger, Wait, Window
from journeyflow.basics.moments import to_micros, zone
from journeyflow.testing import START, Life, Lifecycle, journeys, lives, run
from tests.cases import cases
from tests.played import played, said, tables, tables_of

SOME = cases(100)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = Window("MON-FRI", "09:00", "17:00")
JOINED = Event("joined", customer="ann", at=START)


def made(*steps):
    """Make the journey of somebody who joined; zone UTC."""
    return Journey("j", trigger=Trigger("joined"), steps=[*steps, End("done")])


def hours(first, last, every=1):
    """List instants, so many hours after the start."""
    return [START + hour * HOUR for hour in range(first, last + 1, every)]


def instants(played):
    """List the hours after the start at which messages were queued."""
    return [(message.at - START) / HOUR for message in played.sent]


@SOME
@given(st.data())
def test_work_found_within_grace_has_its_own_instant(data):
    """A host that ticks every hour with an hour of grace leaves what one without any bound leaves (R4, R5)."""
    chosen = data.draw(st.tuples(journeys(id="a"), journeys(id="b")))
    life = Life(said(chosen, data.draw(lives(*chosen, days=3))).calls, START + 5 * DAY)
    with played(chosen, life, ticks=hours(0, 120), grace="1 hour") as hourly:
        assert tables_of(hourly) == tables(chosen, life, ticks=[])
        assert hourly.late == 0


@SOME
@given(st.data())
def test_what_an_outage_delayed_happens_when_it_is_found(data):
    """Nothing is dated into an outage, but for the last hour of it, which is within the grace (R5)."""
    chosen = data.draw(st.tuples(journeys(id="a"), journeys(id="b")))
    calls = said(chosen, data.draw(lives(*chosen, days=6))).calls
    life = Life([call for call in calls if not isinstance(call, Lifecycle)], START + 8 * DAY)  # archiving is ticking
    before, after = START + 2 * DAY, START + 5 * DAY
    played = run(chosen, life, ticks=[*hours(0, 48), *hours(5 * 24, 8 * 24)], grace="1 hour")
    dated = [move.entered_at for run_ in played.enrollments for move in run_.visits]
    assert not [at for at in dated if before < at < after - HOUR]
    assert played.audit == []


def test_an_outage_makes_no_burst():
    """After three days without a tick the first message comes at once, the others a day apart (R5)."""
    daily = made(Send("a", channel="SMS", template="t"), Wait("1", "1 day"), Send("b", channel="SMS", template="t"),
                 Wait("2", "1 day"), Send("c", channel="SMS", template="t"))  # fmt: skip
    played = run([daily], Life([JOINED], START + 10 * DAY), ticks=hours(75, 240), grace="1 hour")
    assert instants(played) == [75, 99, 123]
    assert played.late == 1


def test_exactly_the_grace_is_in_time():
    """An hour late with an hour of grace is not late; a microsecond more is (R5)."""
    journey = made(Send("a", channel="SMS", template="t"))
    in_time = run([journey], Life([JOINED], START + HOUR), grace="1 hour")
    late = run([journey], Life([JOINED], START + HOUR + timedelta(microseconds=1)), grace="1 hour")
    assert (in_time.sent[0].at, in_time.late) == (START, 0)
    assert (late.sent[0].at, late.late) == (START + HOUR + timedelta(microseconds=1), 1)


def test_what_came_first_comes_first_however_late_it_is_found():
    """Which of event and timeout wins is decided by their own instants, not by when they are found (R5, R7)."""
    journey = made(Wait("w", event="bought", timeout="2 hours"))
    for hour, outcome in ((1, "event"), (2, "event"), (3, "timeout")):
        bought = Event("bought", customer="ann", at=START + hour * HOUR)
        played = run([journey], Life([JOINED, bought], START + DAY), ticks=[START], grace="1 hour")
        wait = played.enrollments[0].visits[0]
        assert (wait.outcome, wait.left_at) == (outcome, START + DAY)


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize(
    "steps",
    [
        [Wait("w", until="09:00"), Send("s", channel="SMS", template="t")],
        [Wait("w", until="MON-FRI 09:00"), Send("s", channel="SMS", template="t", window=OFFICE)],
        [Wait("w", "1 day", window=OFFICE), Send("s", channel="SMS", template="t")],
        [Send("s", channel="SMS", template="t", window=OFFICE)],
        [Wait("w", "1 day"), Send("s", channel="SMS", template="t", window=Window(None, "20:00", "20:30"))],
    ],
)
def test_a_host_that_ticks_once_a_day_starves_nobody(steps, hour):
    """A rest is softened once; late again it is left at its own instant, inside its window (R5)."""
    played = run([made(*steps)], Life([JOINED], START + 14 * DAY), ticks=hours(hour, 14 * 24, 24), grace="1 hour")
    assert [each.status for each in played.enrollments] == ["COMPLETED"]
    (message,) = played.sent
    windows = [step.window for step in steps if isinstance(step, Send) and step.window]
    at = to_micros(message.at)
    assert [window.next_open(at, zone("UTC")) for window in windows] == [at] * len(windows)


def test_late_work_is_counted_and_what_is_late_once_is_not_late_twice():
    """`TickResult.late` counts what was softened; the same rest, late again, is not softened again (R5)."""
    with Engine(MemoryStore(), grace="1 hour") as engine:
        engine.deploy(made(Wait("w", "1 hour", window=OFFICE)), at=START)
        engine.feed(JOINED)
        assert engine.tick(START).late == 0
        assert engine.tick(START + 18 * HOUR).late == 1  # due at nine, found after hours: held until tomorrow at nine
        assert engine.next_due() == START + 33 * HOUR
        result = engine.tick(START + 44 * HOUR)
        assert (result.late, result.moves) == (0, 1)
        assert engine.enrollment("j", "ann").ended_at == START + 33 * HOUR
