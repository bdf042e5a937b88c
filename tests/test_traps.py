"""Mistakes that open-source journey engines have made, each as a test that this one does not make it."""

from datetime import timedelta

import pytest

from journeyflow import (
    Cap,
    Condition,
    End,
    Engine,
    Event,
    Exit,
    InvalidJourney,
    Journey,
    MemoryStore,
    Policies,
    QuietHours,
    Reentry,
    Update,
    Wait,
    Window,
    field,
    tag,
)
from journeyflow.definition.continuations import with_targets
from tests.samples import START, STORES, Host, after, mail, open_engine, utc

# --- time -----------------------------------------------------------------------------------------------------------


def test_weekdays_are_those_of_the_customers_zone(host):
    """Friday evening in Sydney with "MON-FRI 09:00" is Monday (R33, R34), though it is still Friday in UTC."""
    host.put(START, timezone="Australia/Sydney")
    host.deploy(Wait("morning", until="MON-FRI 09:00"), customer_timezone=True)
    host.say("go", utc("2026-01-09 07:00"))
    assert host.engine.next_due() == utc("2026-01-11 22:00")


def test_a_window_on_weekdays_is_tested_on_the_local_day(host):
    """Saturday 08:00 in Sydney is Friday in UTC: the window of the working days is closed (R34)."""
    host.put(START, timezone="Australia/Sydney")
    host.deploy(mail(window=Window("MON-FRI", "08:00", "20:00")), customer_timezone=True)
    host.say("go", utc("2026-01-09 21:30"))
    assert host.engine.next_due() == utc("2026-01-11 21:00")


def test_nine_stays_nine_over_the_spring_change(host):
    """09:00 stays 09:00 over the Paris spring change (R33): not 10:00."""
    host.deploy(Wait("nine", until="09:00"), mail("news", next="nine"), timezone="Europe/Paris")
    host.say("go", utc("2026-03-27 12:00"))
    host.tick(utc("2026-03-31 00:00"))
    assert [each.at for each in host.engine.messages("j").items] == [
        utc("2026-03-28 08:00"),
        utc("2026-03-29 07:00"),
        utc("2026-03-30 07:00"),
    ]


def test_a_day_does_not_drift_by_an_hour(host):
    """A loop of "+1 day" keeps the local time of day over both clock changes (R33)."""
    host.deploy(mail("a"), Wait("day", "1 day", next="a"), timezone="Europe/Paris")
    host.say("go", utc("2026-03-27 08:00"))
    host.tick(utc("2026-11-05 00:00"))
    messages = host.engine.messages("j", take=1_000).items
    hours = {each.at.hour for each in messages}
    assert hours == {7, 8}
    assert messages[-1].at == utc("2026-11-04 08:00")


def test_a_time_that_does_not_exist_moves_forward_by_the_gap(host):
    """02:30 on the night of the change is 03:30, and the next night 02:30 again (R33)."""
    host.deploy(Wait("night", until="02:30"), mail("a", next="night"), timezone="Europe/Paris")
    host.say("go", utc("2026-03-28 12:00"))
    host.tick(utc("2026-03-30 12:00"))
    assert [each.at for each in host.engine.messages("j").items] == [utc("2026-03-29 01:30"), utc("2026-03-30 00:30")]


def test_overnight_windows_are_not_swapped(host):
    """22:00 to 06:00 is the night, not the day; the weekday is that of the opening (R34)."""
    host.deploy(mail(window=Window("FRI", "22:00", "06:00")))
    for customer, when in (
        ("noon", utc("2026-01-09 12:00")),
        ("night", utc("2026-01-10 03:00")),
        ("morning", utc("2026-01-10 06:00")),
        ("early", utc("2026-01-09 03:00")),
    ):
        host.feed("go", when, customer)
    host.tick(utc("2026-01-20 00:00"))
    assert host.left("hello", "noon") == utc("2026-01-09 22:00")
    assert host.left("hello", "night") == utc("2026-01-10 03:00")
    assert host.left("hello", "morning") == utc("2026-01-16 22:00")
    assert host.left("hello", "early") == utc("2026-01-09 22:00")


def test_month_ends_clip_and_do_not_run_over(host):
    """31 January + 1 month = 28 February (R33), not 3 March."""
    host.deploy(Wait("month", "1 month"))
    host.say("go", utc("2026-01-31 09:00"))
    assert host.engine.next_due() == utc("2026-02-28 09:00")


def test_a_window_needs_nobody_who_polls_it(host):
    """A Send held by its window, by quiet hours or by a cap has an instant to wake at, and goes then (R31)."""
    host.engine.set_policies(
        Policies(caps=[Cap(1, per="day", channel="SMS", over="defer")], quiet=[QuietHours("22:00", "07:00")]), at=START
    )
    host.deploy(
        mail("quiet"),
        mail("window", window=Window("MON-FRI", "09:00", "17:00")),
        mail("cap", channel="SMS"),
        mail("capped", channel="SMS"),
    )
    host.say("go", utc("2026-01-05 23:00"))
    for due, step in (
        ("2026-01-06 07:00", "quiet"),
        ("2026-01-06 09:00", "window"),
        ("2026-01-07 00:00", None),
        ("2026-01-07 07:00", "capped"),
    ):
        assert host.engine.next_due() == utc(due)
        assert host.tick(utc(due) - timedelta(microseconds=1)).moves == 0
        assert host.engine.audit() == []
        host.tick(utc(due))
        assert step is None or host.left(step) == utc(due)
    assert host.engine.next_due() is None


@pytest.mark.parametrize("ticked", ["daily", "late"])
def test_a_window_passed_by_a_host_that_ticks_elsewhen(host, ticked):
    """A host that ticks once a day outside the window, or once at the end, sends inside it all the same (R4)."""
    host.deploy(mail(window=Window("TUE", "09:00", "10:00")), mail("next", window=Window("WED", "09:00", "10:00")))
    host.feed("go", utc("2026-01-05 23:00"))
    for day in range(6, 13):
        if ticked == "daily":
            host.tick(utc(f"2026-01-{day:02d} 23:00"))
    host.tick("9 days")
    assert [host.left(step) for step in ("hello", "next")] == [utc("2026-01-06 09:00"), utc("2026-01-07 09:00")]


# --- paths ----------------------------------------------------------------------------------------------------------


def test_a_missing_date_does_not_look_like_a_completed_run(host):
    """A missing date has an outcome and a way of its own (R37)."""
    host.deploy(Wait("soon", field="renewsAt", on_missing=[End("stop", "no date")]), mail("offer"), End("done", "ok"))
    host.say("go")
    assert host.path() == ["soon missing", "stop no date"]
    assert host.messages() == []


@pytest.mark.parametrize("option", ["next", "on_timeout", "on_event"])
def test_a_missing_target_is_refused_and_no_end(option):
    """A continuation that leads nowhere never looks like a completed run: the journey cannot be made (R13)."""
    with pytest.raises(InvalidJourney, match="unknown step 'gone'"):
        Journey("j", steps=[with_targets(Wait("w", event="order", timeout="1 day"), {option: "gone"}), mail()])


def test_only_one_branch_is_taken(host):
    """First true branch wins (R37): a rule and its opposite are never both walked, also when the value changes."""
    host.deploy(
        Condition("vip", tag.contains("vip"), yes=[Update("u", tag.remove("vip")), mail("a")], no=[mail("b")]),
        Wait("rest", "1 day"),
        mail("c"),
    )
    host.put(START, tags=["vip"])
    host.say("go")
    host.tick("2 days")
    assert host.path() == ["vip yes", "u", "a queued", "rest elapsed", "c queued", "end"]


def test_an_event_and_its_timeout_are_never_both_taken(host):
    """Which of event and timeout wins is decided once (R5, R36)."""
    wait = Wait("reply", event="order", timeout="1 day", on_event=[mail("thanks")], on_timeout=[mail("coupon")])
    host.deploy(wait)
    host.say("go")
    host.feed("order", "1 day")
    host.feed("order", "1 day 1 second")
    host.tick("9 days")
    assert host.path() == ["reply event", "thanks queued", "end"]
    assert host.messages() == ["thanks QUEUED"]


def test_an_early_event_is_not_lost(host):
    """An event at the very instant of the entry, told after the trigger, ends the wait (R7, R36)."""
    host.deploy(Wait("reply", event="order", timeout="1 day"))
    host.feed("go")
    host.feed("order")
    host.tick()
    assert host.path() == ["reply event", "end"]


def test_an_event_told_before_its_instant_is_not_lost(host):
    """An input of the future waits for its instant (R8)."""
    host.feed("order", "2 hours")
    host.deploy(Wait("rest", "1 hour"), Wait("reply", event="order", timeout="1 day"))
    host.feed("go")
    host.tick("3 hours")
    assert host.path() == ["rest elapsed", "reply event", "end"]


def test_an_exit_does_not_wait_out_a_long_delay(host):
    """EXITED while waiting, at the event's instant, not 30 days later (R42)."""
    host.deploy(Wait("month", "30 days"), mail(), exits=[Exit("bought", event="order")])
    host.say("go")
    host.say("order", "1 hour")
    assert host.engine.enrollment("j", "c1").ended_at == after("1 hour")
    assert host.engine.next_due() is None


# --- mail that should not go ----------------------------------------------------------------------------------------


def test_no_mail_after_unsubscribing(host):
    """Unsubscribed between the Send and the worker: suppressed; and later Sends say consent (R31, R52, R71)."""
    host.deploy(mail("first"), mail("second"), Wait("rest", "1 day"), mail("third"))
    host.say("go")
    first, second = host.claim()
    host.engine.ack(first, at=START)
    host.engine.nack(second, at=START)
    host.feed("message.unsubscribed", "30 seconds", message=first.id)
    host.tick("1 minute")
    assert host.claim("1 hour") == ()
    host.tick("2 days")
    assert host.claim("2 days") == ()
    assert host.messages() == ["first SENT", "second SUPPRESSED"]
    assert host.path()[-2:] == ["third SKIPPED consent", "end"]


def test_no_mail_after_unsubscribing_with_consent_in_an_export(host):
    """Consent that somebody keeps under a dotted name does not hide that it was taken back (R54)."""
    host.deploy(mail(), Wait("rest", "1 day"), mail("second"))
    host.say("go")
    (first,) = host.claim()
    host.feed("message.unsubscribed", "1 hour", message=first.id)
    host.tick("2 days")
    assert host.path()[-2:] == ["second SKIPPED consent", "end"]
    assert host.attributes()["consent"] == {"EMAIL": False}


def test_no_mail_after_the_exit(host):
    """Cancelled, though it was queued before the exit (R71)."""
    host.deploy(mail(), Wait("rest", "9 days"), exits=[Exit("bought", event="order")])
    host.say("go")
    host.feed("order", "1 minute")
    assert host.claim("2 minutes") == ()
    host.tick("2 minutes")
    assert host.claim("2 minutes") == ()
    assert host.messages() == ["hello CANCELLED"]


def test_no_second_mail_for_a_slow_worker(host):
    """An ack that comes after the lease has ended is final: the message does not go out again (R71)."""
    host.deploy(mail())
    host.say("go")
    (message,) = host.claim()
    host.tick("10 minutes")
    host.engine.ack(message, at=after("11 minutes"))
    host.tick("11 minutes")
    assert host.claim("1 day") == ()


def test_the_same_webhook_twice_is_one_entry(host):
    """De-duplication by id (R26)."""
    host.deploy(mail(), reentry="always")
    host.engine.feed([Event("go", customer="c1", at=START, id="evt")] * 3)
    host.tick()
    assert host.messages() == ["hello QUEUED"]


def test_a_restart_does_not_send_the_first_mail_again(host):
    """What a restarted run had queued is cancelled, also when its delivery was tried already (R22, R71)."""
    quiet, reply = Wait("quiet", "1 hour"), Wait("reply", "2 days")
    host.deploy(quiet, mail("reminder"), reply, reentry=Reentry.restart(key="event.cart"))
    host.say("go", "0 minutes", cart=7)
    host.say("go", "30 minutes", cart=7)
    host.tick("91 minutes")
    (first,) = host.claim("91 minutes")
    host.engine.nack(first, at=after("92 minutes"))
    host.say("go", "92 minutes", cart=7)
    host.tick("3 hours")
    (second,) = host.claim("3 hours")
    assert (first.run, second.run) == (2, 3)
    assert host.messages() == ["reminder CANCELLED", "reminder CLAIMED"]


def test_a_webhook_that_comes_twice_restarts_nothing(host):
    """The same id is the same event: the clock of the run goes on (R22, R26)."""
    host.deploy(mail("first"), Wait("rest", "1 hour"), mail("second"), reentry="restart")
    for minute in (0, 20, 40):
        host.engine.feed(Event("go", customer="c1", at=START, id="evt"))
        host.tick(f"{minute} minutes")
    host.tick("1 hour")
    assert host.messages() == ["first QUEUED", "second QUEUED"]


def test_no_mail_after_unsubscribing_while_it_was_held(host):
    """Consent is asked when the hours let a Send pass, not when it came there (R31)."""
    host.engine.set_policies(Policies(quiet=[QuietHours("22:00", "07:00")]), at=START)
    host.deploy(mail())
    host.say("go", utc("2026-01-05 23:00"))
    host.put(utc("2026-01-06 03:00"), consent={"EMAIL": False})
    host.tick("9 days")
    assert (host.path(), host.messages()) == (["hello SKIPPED consent", "end"], [])


def test_no_mail_after_the_exit_while_it_was_held(host):
    """Who leaves in the night gets nothing in the morning (R42)."""
    host.engine.set_policies(Policies(caps=[Cap(1, per="day", over="defer")]), at=START)
    host.deploy(mail(), mail("second"), exits=[Exit("bought", event="order")])
    host.say("go")
    host.say("order", "1 hour")
    host.tick("9 days")
    assert host.messages() == ["hello QUEUED"]
    assert host.claim("9 days") == ()
    assert host.messages() == ["hello CANCELLED"]


def test_nothing_is_over_a_hundred_percent(host):
    """Three openings by one of two people are one of two (R52): people and messages count once, totals beside them."""
    host.deploy(mail())
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.tick()
    (first, second) = sorted(host.claim(), key=lambda each: each.customer)
    host.engine.ack([first, second, first], at=START)
    for minute in range(3):
        host.feed("message.opened", f"{minute} minutes", "c1", message=first.id)
    host.feed("message.opened", "1 minute", "c2", message=first.id)  # somebody else's
    host.tick("1 hour")
    assert host.rows("SELECT count(*), sum(flags LIKE '%opened%'), sum(flags LIKE '%sent%') FROM messages") == [
        (2, 1, 2)
    ]
    assert host.rows("SELECT flags ->> '$.opened[1]', flags ->> '$.sent[1]' FROM messages ORDER BY enrollment") == [
        (3, 1),
        (None, 1),
    ]


def test_no_rate_is_over_a_hundred_percent(host):
    """More clicks than openings, more openings than acks: the share is unknown, None, and no 300 % (R83)."""
    host.deploy(mail())
    for customer in ("c1", "c2", "c3"):
        host.feed("go", START, customer)
    host.tick()
    messages = host.claim()
    host.engine.ack(messages[0], at=START)
    for message in messages:
        host.feed("message.clicked", "1 hour", message.customer, message=message.id)
    host.feed("message.opened", "1 hour", messages[0].customer, message=messages[0].id)
    host.tick("1 hour")
    found = host.engine.stats("j", at=after("1 hour")).messages
    assert (found.sent.unique, found.opened.unique, found.clicked.unique) == (1, 1, 3)
    assert (found.open_rate, found.click_rate, found.click_to_open_rate) == (None, None, None)
    assert (found.delivery_rate, found.bounce_rate) == (None, 0.0)
    assert all(rate is None or rate <= 1 for rate in found.rates.values())


# --- one among many -------------------------------------------------------------------------------------------------


HOSTILE: list[dict[str, object]] = [
    {"timezone": "../../etc/passwd"},
    {"timezone": "Europe/Nowhere"},
    {"timezone": "localtime"},
    {"timezone": ""},
    {"timezone": 5},
    {"timezone": {"zone": ["Europe/Paris"]}},
    {"timezone": "posix/" * 40 + "UTC"},
    {"renewsAt": "9999-12-31T23:59:59.999999-23:59"},
    {"renewsAt": "0001-01-01T00:00:00+23:59"},
    {"renewsAt": "2026-02-30"},
    {"renewsAt": "x" * 100_000},
    {"renewsAt": -(2**63)},
    {"renewsAt": ["2026-01-06"]},
    {"birthday": "0001-01-01"},
    {"birthday": "9999-12-31"},
    {"birthday": "2024-02-29T23:59:59.999999+14:00"},
    {"n": 2**63 - 1},
    {"n": 1.7976931348623157e308},
    {"n": "1" * 399},
    {"n": "1" * 100_000},
    {"n": "1e999999"},
    {"n": None},
    {"n": True},
    {"n": {"deep": [{"er": [1, 2, 3]}] * 50}},
    {"tags": ["x"] * 5_000},
    {"text": "\u202e\u0000".replace("\x00", "") + "💥" * 10_000},
    {"customer": {"id": "other"}, "event": {"x": 1}, "trigger": [1]},
    {"": "nothing"},
    {"consent": {"EMAIL": False}},
]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.regex
def test_one_bad_customer_never_hurts_the_batch(store):
    """Rules never raise, wrong types change nothing: everybody else goes on, and so do they (R43, R61)."""
    host = Host(open_engine(store, grace="1 hour"))
    host.deploy(
        mail(data={"n": "{{ n }}", "all": "{{ customer.n }} {{ text }} {{ trigger }} {{ trigger.x }}"}),
        Condition(
            "big",
            field("n").gt(5)
            | field("n").matches("^1+$")
            | field("renewsAt").before("2026-01-01")
            | field("n").in_([1]),
        ),
        Wait("day", "1 day"),
        Wait("nine", until="MON-FRI 09:00", window=Window("MON-FRI", "09:00", "17:00")),
        Update("count", field("n").increment(1), tag.add("seen"), field("copy").set("{{ n }}")),
        Wait("soon", field="renewsAt", offset="-2 days"),
        Wait("born", field="birthday", every="year"),
        mail("last", window=Window("SAT", "22:00", "06:00")),
        customer_timezone=True,
        exits=[Exit("gone", when=field("n").within_last("1 day") | field("text").contains("gone"))],
    )
    accepted = 0
    for number, attributes in enumerate(HOSTILE):
        try:
            host.engine.put_customer(f"bad{number}", attributes, at=START)
        except ValueError:
            continue
        accepted += 1
        host.feed("go", "1 hour", f"bad{number}", x=attributes)
        host.put("1 hour", f"good{number}", n=1, renewsAt="2026-01-20", birthday="1990-02-20")
        host.feed("go", "1 hour", f"good{number}")
    for days in (0, 1, 2, 3, 20, 60, 62, 70):
        host.tick(f"{days} days 2 hours")
    assert accepted >= len(HOSTILE) - 1
    good = {
        host.status(f"good{number}") for number in range(len(HOSTILE)) if host.engine.find_customer(f"good{number}")
    }
    assert good == {("COMPLETED", "")}
    bad = {each.status for each in host.engine.enrollments(take=1_000).items}
    assert bad <= {"COMPLETED", "ACTIVE", "EXITED"}
    assert host.engine.enrollments("j").total == 2 * accepted
    assert host.engine.audit() == []


@pytest.mark.parametrize("store", STORES)
def test_a_handler_that_raises_does_not_hurt_the_batch(store):
    """One failing delivery is a failed attempt of one message; the others are sent (R71)."""
    sent = []

    def handler(message):
        if message.customer == "c1":
            msg = "boom"
            raise RuntimeError(msg)
        sent.append(message.customer)

    host = Host(open_engine(store, channels={"EMAIL": handler}))
    host.deploy(mail())
    for n in range(4):
        host.feed("go", START, f"c{n}")
    result = host.tick()
    assert (result.delivered, result.failed, sent) == (3, 1, ["c0", "c2", "c3"])
    host.tick()
    assert host.messages() == ["hello SENT", "hello QUEUED", "hello SENT", "hello SENT"]


def test_a_run_that_fails_does_not_hurt_the_batch(host):
    """FAILED is the run's own affair (R43)."""
    host.deploy(
        Condition("bad", field("bad").eq(True), yes=[Update("many", *(tag.add(f"t{n}") for n in range(101)))]),
        mail(),
    )
    host.put(START, "c1", bad=True)
    for n in range(3):
        host.feed("go", START, f"c{n}")
    host.tick()
    assert [host.status(f"c{n}")[0] for n in range(3)] == ["COMPLETED", "FAILED", "COMPLETED"]


def test_a_restart_loses_nothing_and_repeats_nothing(tmp_path):
    """What was committed is there, and is not done again (R3, R70)."""
    for when in ("0 days", "12 hours", "1 day", "1 day", "3 days"):
        with Engine(tmp_path / "j.db", grace=None) as engine:
            host = Host(engine)
            host.deploy(mail("a"), Wait("rest", "1 day"), mail("b"))
            engine.feed(Event("go", customer="c1", at=START, id="once"))
            host.tick(when)
    with Engine(tmp_path / "j.db") as engine:
        assert Host(engine).path() == ["a queued", "rest elapsed", "b queued", "end"]
        assert Host(engine).messages() == ["a QUEUED", "b QUEUED"]


def test_a_thousand_people_at_one_instant_move_together():
    """Work at one instant is many batches, in order, nobody twice (R7, R72)."""
    host = Host(Engine(MemoryStore(), batch_size=64))
    host.deploy(mail("a"), Wait("rest", "1 day"), mail("b"))
    with host.engine.batch():
        for n in range(1_000):
            host.feed("go", START, f"c{n}")
    result = host.tick("2 days")
    assert (result.entered, result.moves, result.messages) == (1_000, 2_000, 2_000)
