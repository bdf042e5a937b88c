"""Grace: work that is done later than it allows takes effect now (R5)."""

from journeyflow import (
    End,
    Engine,
    Exit,
    Wait,
    Window,
    field,
)
from tests.samples import START, Host, after, mail, utc


def test_memory_knows_no_lateness(host):
    """Grace: None = no limit for memory (R5)."""
    host.deploy(mail(), Wait("rest", "1 day"), mail("later"))
    host.say("go")
    assert host.tick("30 days").late == 0
    assert host.left("rest") == after("1 day")


def test_work_later_than_grace_takes_effect_now(strict):
    """Work found later than grace takes effect at `now`; TickResult.late counts it (R5)."""
    strict.deploy(Wait("first", "1 day"), mail(), Wait("second", "1 day"))
    strict.say("go")
    result = strict.tick("3 days")
    assert result.late == 1
    assert strict.left("first") == after("3 days")
    assert strict.engine.messages("j").items[0].at == after("3 days")
    assert strict.engine.next_due() == after("4 days")


def test_work_within_grace_keeps_its_instant(strict):
    """Exactly as late as grace is not later than grace (R5)."""
    strict.deploy(Wait("first", "1 day"), Wait("second", "1 day"))
    strict.say("go")
    assert strict.tick("25 hours").late == 0
    assert strict.left("first") == after("1 day")


def test_an_outage_does_not_send_its_messages_in_one_burst(strict):
    """An outage of three days does not send three days of messages at once (R5)."""
    strict.deploy(mail("d0"), Wait("w1", "1 day"), mail("d1"), Wait("w2", "1 day"), mail("d2"), Wait("w3", "1 day"))
    strict.say("go")
    assert strict.tick("4 days").messages == 1
    assert strict.tick("4 days 23 hours").messages == 0
    assert strict.tick("5 days").messages == 1


def test_late_events_enter_now(strict):
    """A run that enters late starts at the effective instant (R5)."""
    strict.deploy(Wait("rest", "1 day"))
    strict.feed("go", "1 day")
    result = strict.tick("3 days")
    assert (result.late, result.entered) == (1, 1)
    assert strict.engine.enrollment("j", "c1").entered_at == after("3 days")


def test_the_order_is_that_of_own_instants_all_the_same(strict):
    """Which of event and timeout wins is always decided by own instants (R5)."""
    wait = Wait("reply", event="order", timeout="1 day", on_event=[End("won")], on_timeout=[End("lost")])
    strict.deploy(wait)
    strict.feed("go", START, "early")
    strict.feed("go", START, "late")
    strict.tick()
    strict.feed("order", "23 hours", "early")
    strict.feed("order", "25 hours", "late")
    strict.tick("9 days")
    assert strict.path("early") == ["reply event", "won"]
    assert strict.path("late") == ["reply timeout", "lost"]
    assert strict.left("reply", "early") == strict.left("reply", "late") == after("9 days")


def test_a_late_wait_asks_its_window_again(strict):
    """A wait's window is asked again at the effective instant (R5): it opened and has closed."""
    strict.deploy(Wait("rest", "1 hour", window=Window("MON-SUN", "08:00", "17:00")), mail())
    strict.say("go")
    strict.tick(utc("2026-01-05 20:00"))
    assert strict.path() == ["rest ACTIVE"]
    assert strict.engine.next_due() == utc("2026-01-06 08:00")
    strict.tick(utc("2026-01-06 08:10"))
    assert strict.left("rest") == utc("2026-01-06 08:00")


def test_a_late_opening_is_asked_again(strict):
    """An `until` opening is asked again at the effective instant (R5): nine in the morning is not two at night."""
    strict.deploy(Wait("nine", until="09:00"), mail())
    strict.say("go")
    strict.tick(utc("2026-01-06 02:00"))
    assert strict.path() == ["nine ACTIVE"]
    strict.tick(utc("2026-01-06 09:30"))
    assert strict.left("nine") == utc("2026-01-06 09:00")


def test_a_late_send_asks_its_gates_again(strict):
    """A Send's gates are asked again at the effective instant (R5)."""
    strict.deploy(mail(window=Window("MON-SUN", "09:00", "10:00")))
    strict.say("go")
    strict.tick(utc("2026-01-05 12:00"))
    assert strict.path() == ["hello ACTIVE"]
    strict.tick(utc("2026-01-06 09:00"))
    assert strict.left("hello") == utc("2026-01-06 09:00")


def test_a_late_timeout_asks_its_window_and_hears_no_later_event(strict):
    """Held by the window after the timeout, the wait listens only to events up to then (R5, R32)."""
    strict.deploy(Wait("reply", event="order", timeout="1 hour", window=Window("MON-SUN", "08:00", "17:00")))
    strict.say("go")
    strict.tick(utc("2026-01-05 20:00"))
    strict.say("order", utc("2026-01-05 21:00"))
    strict.tick(utc("2026-01-06 08:00"))
    assert strict.path() == ["reply timeout", "end"]


def test_a_rest_is_softened_once_so_that_nobody_starves(strict):
    """Late again, a rest is left at its own instant: a host that ticks once a day starves nobody (R5)."""
    strict.deploy(Wait("nine", until="09:00"), mail(window=Window("MON-SUN", "09:00", "10:00")))
    strict.say("go")
    late = [strict.tick(utc(f"2026-01-{day:02} 02:00")).late for day in (6, 7, 8, 9, 10)]
    assert strict.path() == ["nine elapsed", "hello queued", "end"]
    assert strict.left("nine") == utc("2026-01-06 09:00")
    assert strict.left("hello") == utc("2026-01-06 09:00")
    assert late == [1, 0, 0, 0, 0]


def test_a_softened_field_wait_keeps_its_date(strict):
    """A date that is past at the effective instant is still what the wait waited for: elapsed, not past (R5, R37)."""
    strict.put(START, renews="2026-01-06", birthday="1990-01-06")
    strict.deploy(Wait("soon", field="renews", on_past=[End("too late")]), Wait("day", field="birthday", every="year"))
    strict.say("go")
    strict.tick("3 days")
    assert strict.path() == ["soon elapsed", "day ACTIVE"]
    assert strict.engine.next_due() == utc("2027-01-06 00:00")


def test_a_late_anniversary_is_not_skipped(strict):
    """Asked again from the entry into the step, not from the late tick (R5, R37)."""
    strict.put(START, birthday="1990-01-06")
    strict.deploy(Wait("day", field="birthday", every="year", on_missing=[End("none")]), mail("cake", next="day"))
    strict.say("go")
    strict.tick("3 days")
    assert strict.path() == ["day elapsed", "cake queued", "day ACTIVE"]


def test_late_counts_what_was_softened(strict):
    """TickResult.late counts inputs, timers and leases (R5)."""
    strict.deploy(mail(), Wait("rest", "1 day"))
    strict.say("go")
    strict.claim("1 hour")
    strict.put("2 hours", name="Ann")
    assert strict.tick("5 days").late == 3


def test_a_late_change_is_looked_at_as_of_now(strict):
    """Exits on the customer and dates are asked at the effective instant (R5, R37, R42)."""
    gone = Exit("gone", when=field("seen").is_not_null() & ~field("seen").within_last("2 hours"))
    strict.put(START, renews="2026-01-20")
    strict.deploy(Wait("soon", field="renews", on_past=[End("too late")]), reentry="always")
    strict.deploy(Wait("rest", "9 days"), id="k", exits=[gone])
    strict.say("go")
    strict.put("1 hour", renews=after("3 hours").isoformat(), seen=after("1 hour").isoformat())
    strict.tick("5 hours")
    assert strict.path() == ["soon past", "too late"]
    assert strict.status(journey="k") == ("EXITED", "gone")


def test_a_late_trigger_from_before_the_activation_enters_nobody(strict):
    """DRAFT as of its own instant, ACTIVE by now: nothing is entered, nothing recorded (R11)."""
    strict.deploy(mail(), when="2 hours")
    strict.feed("go", "1 hour")
    assert strict.tick("5 hours").entered == 0
    assert strict.refused() == {}


def test_a_late_refusal_is_recorded_as_of_now(strict):
    """What is refused late is refused now (R5, R21)."""
    strict.deploy(Wait("rest", "9 days"))
    strict.say("go")
    strict.feed("go", "1 hour")
    strict.tick("2 days")
    assert strict.rows("SELECT at FROM last_refusals") == [(int(after("2 days").timestamp() * 1_000_000),)]
    assert strict.rows("SELECT day FROM refusals") == [("2026-01-07",)]


def test_grace_is_kept_in_the_file(tmp_path):
    """Default grace 1 hour for a database file, kept in the file; Engine(grace=) changes it (R5)."""
    path = tmp_path / "grace.db"

    def late(when, **options):
        with Engine(path, **options) as engine:
            Host(engine).feed("x", START)
            return engine.tick(after(when)).late

    assert late("61 minutes") == 1
    assert late("60 minutes") == 0
    assert late("61 minutes", grace="2 hours") == 0
    assert late("61 minutes") == 0
    assert late("3 hours") == 1
    assert late("30 days", grace=None) == 0
    assert late("30 days") == 0
    assert late("30 days", grace="default") == 0


def test_a_changed_grace_counts_for_an_engine_that_is_open(tmp_path):
    """Two engines on one file see the same grace (R5, R72)."""
    path = tmp_path / "grace.db"
    with Engine(path) as one, Engine(path, grace="1 day"):
        Host(one).feed("x", START)
        assert one.tick(after("2 hours")).late == 0
