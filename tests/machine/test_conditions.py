"""Waits for a condition: true already, or by a change, or by the clock through a date (R37)."""

from datetime import timedelta
from typing import Any

import pytest

from journeyflow import End, Journey, Send, Trigger, Update, Wait, Window, field, tag
from tests.samples import START, after, utc

PAID = field("plan").eq("paid")
WAYS: Any = {"on_event": [End("yes")], "on_timeout": [End("no")]}
TICK = timedelta(microseconds=1)


ENGINE = {"grace": "1 hour"}
AUDITED = True


def waiting(host, when=PAID, timeout="7 days", **options):
    """Deploy a wait for a condition, and let a customer come to it."""
    ways = WAYS if timeout else {"on_event": [End("yes")]}
    host.deploy(Wait("ready", when=when, timeout=timeout, **{**ways, **options}))
    host.say("go")


def due(host, customer="c1"):
    """Return until when the customer rests."""
    return host.engine.enrollment("j", customer).due


def test_a_condition_that_is_true_already_takes_no_time(host):
    """R35: as a date that has come."""
    host.put(START, plan="paid")
    waiting(host)
    assert (host.path(), host.left("ready")) == (["ready event", "yes"], START)


def test_a_change_of_what_it_reads_wakes_it(host):
    """Stage 3 (R9): other changes, and changes that do not make it true, leave it at rest."""
    waiting(host)
    assert host.engine.enrollment("j", "c1").awaits == "condition"
    host.put(after("1 hour"), plan="free", other="paid")
    host.tick("1 hour")
    assert host.path() == ["ready ACTIVE"]
    host.put(after("2 hours"), plan="paid")
    host.tick("2 hours")
    assert (host.path(), host.left("ready")) == (["ready event", "yes"], after("2 hours"))


def test_without_a_change_it_ends_with_the_timeout(host):
    """R32: at the instant itself."""
    waiting(host)
    assert due(host) == after("7 days")
    host.put(after("7 days"), plan="free")
    host.tick("7 days")
    assert (host.path(), host.left("ready")) == (["ready timeout", "no"], after("7 days"))


def test_a_change_exactly_at_the_timeout_is_in_time(host):
    """R7: as an event is."""
    waiting(host)
    host.put(after("7 days"), plan="paid")
    host.tick("7 days")
    assert host.path() == ["ready event", "yes"]


def test_own_instants_decide_between_a_change_and_the_timeout(host):
    """R5: however late the host ticks."""
    for customer, when, expected in (("c1", "6 days", "event"), ("c2", "8 days", "timeout")):
        host.deploy(Wait("ready", when=PAID, timeout="7 days"), id=customer)
        host.engine.enroll(customer, customer, at=START)
        host.tick()
        host.put(after(when), customer, plan="paid")
        host.tick("20 days")
        assert host.path(customer, customer)[0] == f"ready {expected}"
        assert host.left("ready", customer, customer) == after("20 days")


def test_a_change_by_a_step_of_the_same_or_another_run_wakes_it(host):
    """R50: whoever changes the customer."""
    host.deploy(Update("mark", tag.add("vip")), id="other", trigger=Trigger("buy"))
    waiting(host, tag.contains("vip"))
    host.say("buy", after("1 hour"))
    assert host.path() == ["ready event", "yes"]


def test_without_a_timeout_it_rests_until_a_change(host):
    """Nothing is due until then (R73)."""
    waiting(host, timeout=None)
    assert (due(host), host.engine.next_due()) == (None, None)
    host.put(after("100 days"), plan="paid")
    host.tick("100 days")
    assert host.path() == ["ready event", "yes"]


@pytest.mark.parametrize(
    ("rule", "date", "expected"),
    [
        (field("day").before(field("now")), "2026-01-07T08:00:00Z", utc("2026-01-07 08:00") + TICK),
        (field("now").after(field("day")), "2026-01-07T08:00:00Z", utc("2026-01-07 08:00") + TICK),
        (~field("day").after(field("now")), "2026-01-07", utc("2026-01-07 00:00")),
        (field("now").after("2026-01-07"), "", utc("2026-01-07 00:00") + TICK),
        (field("day").within_next("3 hours"), "2026-01-07T08:00:00Z", utc("2026-01-07 05:00")),
        (field("day").within_next("2 days"), "2026-01-08", utc("2026-01-06 00:00")),
        (field("customer.day").within_last("1 day"), "2026-01-07", utc("2026-01-07 00:00")),
        (~field("day").within_last("1 day"), "2026-01-05", utc("2026-01-06 00:00") + TICK),
        (~field("day").within_next("1 week"), "2026-01-06", utc("2026-01-06 00:00") + TICK),
        (field("day").within_next("1 week") & field("day").within_last("1 week"), "2026-01-07", utc("2026-01-07")),
        (field("day").within_next(field("lead")), "2026-01-09", utc("2026-01-08")),
        (field("day").within_next("1 month"), "2026-03-31", utc("2026-03-01")),
        (field("day").within_next("1 month"), "2026-02-28T11:00:00", utc("2026-01-28 11:00")),
        (field("day").within_next("1 month 1 day 1 hour"), "2026-03-31", utc("2026-03-01 00:00")),
    ],
)
def test_the_clock_makes_it_true_at_the_very_instant(host, rule, date, expected):
    """R33: also where a month is too short, a length is read from a field, or the rule is turned round."""
    host.put(START, day=date, lead="1 day")
    waiting(host, rule, timeout="1 year")
    assert due(host) == expected
    host.tick(expected - TICK)
    assert host.path() == ["ready ACTIVE"]
    host.tick(expected)
    assert (host.path(), host.left("ready")) == (["ready event", "yes"], expected)


@pytest.mark.parametrize("length", ["3 days", "1 month", "36 hours"])
@pytest.mark.parametrize("date", ["2026-03-30T12:00:00", "2026-10-26T12:00:00", "2026-03-31T01:30:00"])
def test_clock_changes_of_the_zone_are_looked_at(host, length, date):
    """R33: it turns at the first instant that is true, and no microsecond earlier."""
    rule = field("day").within_next(length)
    host.deploy(Wait("ready", when=rule), timezone="Europe/Paris", when=utc("2026-01-01 00:00"))
    host.put(utc("2026-01-01 00:00"), day=date)
    host.feed("go", utc("2026-01-01 00:00"))
    host.tick(utc("2026-01-01 00:00"))
    turn = due(host)
    host.deploy(Wait("ready", when=rule), id="k", trigger=Trigger("late"), timezone="Europe/Paris")
    for customer, when, path in (("a", turn - TICK, ["ready ACTIVE"]), ("b", turn, ["ready event", "end"])):
        host.put(utc("2026-01-01 00:00"), customer, day=date)
        host.say("late", when, customer)
        assert host.path(customer, "k") == path


def test_a_turn_that_is_found_late_counts_as_of_its_own_instant(host):
    """R5: the date was within reach when it was, though it has gone by when the tick finds it."""
    host.put(START, day="2026-01-07T08:00:00Z")
    waiting(host, field("day").within_next("1 hour"))
    host.tick("20 days")
    assert (host.path(), host.left("ready")) == (["ready event", "yes"], after("20 days"))


def test_a_turn_after_the_timeout_is_too_late_and_one_exactly_then_is_in_time(host):
    """R5, R7: to the microsecond."""
    host.put(START, "c1", day="2026-01-12T08:00:00Z")
    host.put(START, "c2", day="2026-01-12T08:00:00.000001Z")
    waiting(host, ~field("day").after(field("now")))
    host.say("go", START, "c2")
    host.tick("8 days")
    assert (host.path("c1")[0], host.path("c2")[0]) == ("ready event", "ready timeout")


def test_a_late_change_meets_the_turns_that_came_before_the_tick(host):
    """R4, R5: a tick after all of it comes to what ticks in between would have come to."""
    host.put(START, day="2026-01-06T12:00:00Z")
    waiting(host, PAID & field("day").within_last("1 hour"))
    host.put(after("1 day"), plan="paid")
    host.tick("5 days")
    assert (host.path(), host.left("ready")) == (["ready event", "yes"], after("5 days"))


def test_a_date_that_changes_moves_the_turn(host):
    """R37: also one that goes away."""
    host.put(START, day="2026-01-07")
    waiting(host, field("day").before(field("now")))
    host.put(after("1 hour"), day="2026-01-10")
    host.tick("1 hour")
    assert due(host) == utc("2026-01-10 00:00") + TICK
    host.put(after("2 hours"), day=None)
    host.tick("2 hours")
    assert due(host) == after("7 days")


def test_the_customers_zone_may_move_the_turn(host):
    """R33: a date without a time is 00:00 local."""
    host.put(START, day="2026-01-07")
    host.deploy(Wait("ready", when=field("day").before(field("now"))), customer_timezone=True)
    host.say("go")
    assert due(host) == utc("2026-01-07 00:00") + TICK
    host.put(after("1 hour"), timezone="America/New_York")
    host.tick("1 hour")
    assert due(host) == utc("2026-01-07 05:00") + TICK


def test_what_happens_to_a_message_of_the_run_wakes_it(host):
    """R36: not what happens to another run's."""
    mail = Send("mail", channel="EMAIL", template="t")
    host.deploy(mail, Wait("ready", when=field("message.mail.opened").eq(True), on_event=[End("yes")]))
    host.say("go", START, "c1")
    host.say("go", START, "c2")
    first, second = sorted(host.engine.messages("j").items, key=lambda each: each.customer)
    host.feed("message.opened", after("1 hour"), "c2", message=second.id)
    host.tick("1 hour")
    assert (host.path("c1")[1], host.path("c2")[1]) == ("ready ACTIVE", "ready event")
    host.feed("message.opened", after("2 hours"), "c1", message=first.id)
    host.tick("2 hours")
    assert host.path("c1")[1] == "ready event"


def test_a_window_delays_the_timeout_alone(host):
    """R34: a change in closed hours wakes at once."""
    window = Window("MON-FRI", "09:00", "17:00")
    waiting(host, timeout="12 hours", window=window)
    host.say("go", START, "c2")
    assert due(host) == after("25 hours")
    host.put(after("14 hours"), plan="paid")
    host.tick("14 hours")
    host.tick("25 hours")
    assert (host.left("ready"), host.path()[0]) == (after("14 hours"), "ready event")
    assert (host.left("ready", "c2"), host.path("c2")[0]) == (after("25 hours"), "ready timeout")


def test_a_timeout_found_late_behind_a_closed_window_is_not_beaten_by_a_later_change(host):
    """R5: but by one exactly at the timeout that is told later."""
    waiting(host, timeout="2 hours", window=Window("MON-FRI", "09:00", "17:00"))
    host.say("go", START, "c2")
    host.tick("14 hours")
    host.put(after("15 hours"), "c1", plan="paid")
    host.put(after("2 hours"), "c2", plan="paid")
    host.tick("15 hours")
    assert (host.path("c1")[0], host.path("c2")[0]) == ("ready ACTIVE", "ready event")
    host.tick("25 hours")
    assert (host.path("c1")[0], host.left("ready", "c1")) == ("ready timeout", after("25 hours"))


def test_a_change_exactly_at_a_timeout_behind_a_window_that_makes_nothing_true_changes_nothing(host):
    """R5: the timeout is still the one that was found late."""
    waiting(host, timeout="2 hours", window=Window("MON-FRI", "09:00", "17:00"))
    host.tick("14 hours")
    host.put(after("2 hours"), plan="free")
    host.tick("15 hours")
    assert due(host) == after("25 hours")
    host.put(after("16 hours"), plan="paid")
    host.tick("16 hours")
    host.tick("25 hours")
    assert host.path()[0] == "ready timeout"


def test_a_pause_holds_it_and_the_customer_as_of_the_resume_decides(host):
    """R16: whichever came first by its own instant, the change or the timeout."""
    waiting(host, timeout="2 days")
    for customer in ("c2", "c3"):
        host.say("go", START, customer)
    host.engine.pause("j", at=after("1 hour"))
    host.put(after("1 day"), "c1", plan="paid")
    host.put(after("1 day"), "c2", plan="paid")
    host.put(after("3 days"), "c3", plan="paid")
    host.tick("3 days")
    host.put(after("3 days"), "c2", plan="free")
    host.tick("3 days")
    assert [host.path(each) for each in ("c1", "c2", "c3")] == [["ready ACTIVE"]] * 3
    host.engine.resume("j", at=after("4 days"))
    host.tick("4 days")
    assert [host.path(each)[0] for each in ("c1", "c2", "c3")] == ["ready event", "ready timeout", "ready timeout"]
    assert host.left("ready") == after("4 days")


def test_an_earlier_change_that_is_told_later_in_a_pause_comes_before_the_timeout(host):
    """R6: an input that is given late has its own instant."""
    waiting(host, timeout="2 days")
    host.engine.pause("j", at=after("1 hour"))
    host.tick("3 days")
    host.put(after("1 day"), plan="paid")
    host.tick("3 days")
    host.engine.resume("j", at=after("4 days"))
    host.tick("4 days")
    assert host.path()[0] == "ready event"


def test_a_turn_in_a_pause_counts_as_of_the_resume(host):
    """R16: the date has gone by at the resume, and nothing else makes it true."""
    host.put(START, "c1", day="2026-01-07T08:00:00Z")
    host.put(START, "c2", day="2026-01-07T08:00:00Z")
    waiting(host, field("day").within_last("1 day"), timeout=None)
    host.engine.pause("j", at=after("1 day"))
    host.tick("50 hours")
    host.engine.resume("j", at=after("4 days"))
    host.tick("4 days")
    assert (host.path(), due(host)) == (["ready ACTIVE"], None)


def test_a_shift_extends_the_timeout_and_asks_at_the_resume(host):
    """R16: exactly, also a second time."""
    waiting(host, timeout="2 days")
    host.say("go", START, "c2")
    for pause, resume in (("1 day", "4 days"), ("4 days 1 hour", "4 days 2 hours")):
        host.engine.pause("j", at=after(pause))
        host.tick(resume)
        host.engine.resume("j", at=after(resume), overdue="shift")
        host.tick(resume)
    assert due(host) == after("5 days 1 hour")
    host.engine.pause("j", at=after("4 days 3 hours"))
    host.put(after("4 days 4 hours"), plan="paid")
    host.tick("4 days 5 hours")
    host.engine.resume("j", at=after("4 days 5 hours"), overdue="shift")
    host.tick("4 days 5 hours")
    assert host.path()[0] == "ready event"
    host.tick("10 days")
    assert host.path("c2")[0] == "ready timeout"


def migrate(host, step, when, mapping=None):
    """Publish a version of one step, and move everybody into it."""
    host.engine.publish(Journey(id="j", trigger=Trigger("go"), steps=[step]), at=after(when))
    host.engine.migrate("j", 2, mapping or {}, at=after(when))


def test_a_migration_asks_at_once_and_keeps_the_count_of_the_timeout(host):
    """R14: the timeout counts from the instant from which that of the old wait counted."""
    waiting(host)
    host.put(START, "c2", plan="paid")
    host.deploy(Wait("ready", "30 days"), id="k", trigger=Trigger("long"))
    migrate(host, Wait("soon", when=PAID, timeout="3 days", **WAYS), "1 day", {"ready": "soon"})
    host.tick("1 day")
    assert due(host) == after("3 days")
    host.tick("3 days")
    assert host.path()[-2:] == ["soon timeout", "no"]


def test_a_migration_from_a_plain_wait_finds_the_condition_true(host):
    """R14: it goes on with the next tick."""
    host.put(START, plan="paid")
    host.deploy(Wait("ready", "30 days"))
    host.say("go")
    migrate(host, Wait("ready", when=PAID), "1 day")
    host.tick("1 day")
    assert (host.path()[-2:], host.left("ready")) == (["ready event", "end"], after("1 day"))


def test_a_migration_to_a_timeout_that_is_over_ends_it_then(host):
    """R14: it does not end before the migration."""
    waiting(host)
    migrate(host, Wait("ready", when=PAID, timeout="1 hour", **WAYS), "1 day")
    host.tick("1 day")
    assert (host.path()[-2:], host.left("ready")) == (["ready timeout", "no"], after("1 day"))


def failing(host):
    """Fail a run at a loop over a wait for a condition, with the visit limit."""
    host.deploy(
        Wait(
            "ready", when=PAID, timeout="1 day", on_event=[Wait("rest", "1 day", next="ready")], on_timeout=[End("no")]
        ),
        max_visits=1,
    )
    host.say("go")
    host.put(after("1 hour"), plan="paid")
    host.tick("1 hour")
    assert host.status() == ("FAILED", "visit limit")


def test_a_retry_asks_again(host):
    """R43: with the deadline as it was."""
    failing(host)
    host.put(after("2 hours"), plan="free")
    host.tick("2 hours")
    host.engine.retry(("j", "c1"), at=after("3 hours"))
    host.tick("3 hours")
    assert due(host) == after("1 day")
    host.tick("1 day")
    assert host.path()[-1] == "no FAILED"


def test_a_retry_after_the_timeout_ends_it_at_once(host):
    """R43: a time that was over is over at once."""
    failing(host)
    host.engine.retry(("j", "c1"), at=after("3 days"))
    host.tick("3 days")
    assert host.path()[-2:] == ["ready timeout", "no FAILED"]


def test_a_loop_asks_anew_each_time(host):
    """R41: each visit has its own timeout."""
    host.deploy(
        Wait("ready", when=PAID, timeout="1 day", on_event=[Wait("rest", "1 hour", next="ready")], on_timeout="ready"),
        max_visits=20,
    )
    host.say("go")
    host.tick("1 day")
    host.put(after("30 hours"), plan="paid")
    host.tick("30 hours")
    host.put(after("30 hours 30 minutes"), plan="free")
    for hours in (31, 54, 55):
        host.tick(f"{hours} hours")
    path = ["ready timeout", "ready event", "rest elapsed", "ready timeout", "ready ACTIVE"]
    assert host.path() == path


def test_it_is_explained_with_the_condition(host):
    """R85."""
    waiting(host)
    assert "now waiting at ready for plan = 'paid' until 2026-01-12" in str(host.engine.explain("j", "c1"))
    host.put(after("1 hour"), plan="paid")
    host.tick("1 hour")
    assert "plan 'paid' = 'paid'" in str(host.engine.explain("j", "c1"))
