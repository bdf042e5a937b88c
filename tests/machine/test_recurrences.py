"""Waits that recur: the n-th is anchor + n x every, in loops and whatever happens to one of them (R32, R35, R37)."""

from datetime import timedelta

from journeyflow import End, Journey, Trigger, Wait, Window
from tests.samples import START, after, utc

ENGINE = {"grace": "1 hour"}
AUDITED = True


def lefts(host, step="month"):
    """List the days and hours at which the run left a step."""
    visits = host.engine.enrollment("j", "c1").visits
    return [visit.left_at.strftime("%m-%d %H:%M") for visit in visits if visit.step == step and visit.left_at]


def ticks(host, until):
    """Tick whenever something is due."""
    while (due := host.engine.next_due()) is not None and due <= until:
        host.tick(due)


def loop(host, when="2026-01-31 09:00", **options):
    """Let a customer into a loop over a wait that recurs every month."""
    host.deploy(Wait("month", next="month", **{"every": "1 month", **options}), when=utc(when), max_visits=50)
    host.feed("go", utc(when))
    host.tick(utc(when))


def test_a_loop_keeps_the_day_of_the_month_at_which_it_began(host):
    """R33: a plain duration of a month would stay at the 28th."""
    loop(host)
    ticks(host, utc("2026-06-30 12:00"))
    assert lefts(host) == ["02-28 09:00", "03-31 09:00", "04-30 09:00", "05-31 09:00", "06-30 09:00"]


def test_an_outage_a_window_and_other_waits_move_one_return_only(host):
    """R5, R34: the next is the first of the count after the one that was moved."""
    host.deploy(
        Wait("day", every="1 day", window=Window("MON-FRI")), Wait("rest", "30 hours", next="day"), max_visits=50
    )
    host.say("go")
    host.tick("1 day 10 hours")
    ticks(host, after("9 days"))
    assert lefts(host, "day") == ["01-06 18:00", "01-08 08:00", "01-12 00:00", "01-13 08:00"]


def test_a_return_may_be_counted_from_an_instant(host):
    """R37: also from one to come, and who comes exactly then goes on at once."""
    loop(host, "2026-02-28 09:00", at=utc("2025-08-31 09:00"))
    ticks(host, utc("2026-05-31 09:00"))
    assert lefts(host) == ["02-28 09:00", "03-31 09:00", "04-30 09:00", "05-31 09:00"]


def test_a_return_may_be_counted_from_a_date_of_the_customer(host):
    """R37: a day of the month, from the date on; one that is missing is missing, and none is past."""
    host.deploy(Wait("month", field="since", offset="9 hours", every="1 month", on_missing=[End("none")], next="month"))
    host.put(START, since="2025-10-31")
    host.say("go")
    host.say("go", START, "c2")
    ticks(host, utc("2026-03-01 00:00"))
    host.put(utc("2026-03-02 00:00"), since="2026-04-15")
    host.tick(utc("2026-03-02 00:00"))
    ticks(host, utc("2026-05-20 00:00"))
    assert lefts(host) == ["01-31 09:00", "02-28 09:00", "04-15 09:00", "05-15 09:00"]
    assert host.path("c2") == ["month missing", "none"]


def test_a_return_that_came_in_a_pause_is_over_at_the_resume_or_waited_for_again(host):
    """R16: as every wait, and with a shift as a yearly date."""
    for overdue, expected in (("run", ["01-07 20:00", "01-08 08:00"]), ("shift", ["01-08 08:00"])):
        name = f"{overdue}-j"
        host.deploy(Wait("month", every="1 day", next="month"), id=name)
        host.engine.enroll(name, "c1", at=START)
        host.tick()
        host.engine.pause(name, at=after("20 hours"))
        host.tick("30 hours")
        host.engine.resume(name, at=after("2 days 12 hours"), overdue=overdue)
        host.tick("2 days 12 hours")
        host.tick("3 days")
        visits = host.engine.enrollment(name, "c1").visits
        assert [visit.left_at.strftime("%m-%d %H:%M") for visit in visits if visit.left_at] == expected


def test_a_migration_keeps_the_count_under_the_new_name(host):
    """R14: from the run's first arrival, or from that at the wait that is replaced."""
    loop(host)
    ticks(host, utc("2026-02-28 09:00"))
    again = Journey(id="j", trigger=Trigger("go"), steps=[Wait("moon", every="1 month", next="moon")], max_visits=50)
    host.engine.publish(again, at=utc("2026-03-01 00:00"))
    host.engine.migrate("j", 2, {"month": "moon"}, at=utc("2026-03-01 00:00"))
    ticks(host, utc("2026-05-01 00:00"))
    assert lefts(host, "moon") == ["03-31 09:00", "04-30 09:00"]


def test_a_wait_that_recurs_may_replace_a_plain_one(host):
    """R14: it counts from the instant from which that one counted."""
    host.deploy(Wait("rest", "1 week"), when=utc("2026-01-31 09:00"))
    host.say("go", utc("2026-01-31 09:00"))
    host.engine.publish(
        Journey(id="j", trigger=Trigger("go"), steps=[Wait("rest", every="1 month", next="rest")]),
        at=utc("2026-02-01 00:00"),
    )
    host.engine.migrate("j", 2, at=utc("2026-02-01 00:00"))
    ticks(host, utc("2026-04-01 00:00"))
    assert lefts(host, "rest")[1:] == ["02-28 09:00", "03-31 09:00"]


def test_a_wait_that_recurs_is_a_day_like_others_outside_a_loop(host):
    """R32: its first return is one `every` after the arrival."""
    host.deploy(Wait("month", every="P1M"), End("done"))
    host.say("go")
    host.tick("31 days")
    assert (host.path(), host.left("month")) == (["month elapsed", "done"], START + timedelta(days=31))
