"""Waits: for a duration, an opening, an instant, a date, an event (R32 to R36)."""

from typing import Any

import pytest

from journeyflow import (
    Condition,
    End,
    Update,
    Wait,
    Window,
    field,
)
from tests.samples import START, after, mail, utc


@pytest.mark.parametrize(
    ("duration", "end"),
    [
        ("90 seconds", utc("2026-01-05 08:01:30")),
        ("30 minutes", utc("2026-01-05 08:30")),
        ("3 days", utc("2026-01-08 08:00")),
        ("1 week", utc("2026-01-12 08:00")),
        ("1 month", utc("2026-02-05 08:00")),
        ("P1DT12H", utc("2026-01-06 20:00")),
    ],
)
@pytest.mark.rows(66, 68)
def test_a_duration_ends_at_its_instant_however_late_the_tick(host, duration, end):
    """A wait for a duration is left at its end, "elapsed" (R4, R32, R33)."""
    host.deploy(Wait("rest", duration))
    host.say("go")
    assert host.engine.next_due() == end
    host.tick("90 days")
    assert host.left("rest") == end
    assert host.path() == ["rest elapsed", "end"]


@pytest.mark.rows(16)
def test_durations_count_in_the_journeys_zone(quick):
    """Days are calendar days of the journey's timezone (R33): 28 to 29 March 2026 in Paris has 23 hours."""
    quick.deploy(Wait("rest", "1 day"), timezone="Europe/Paris")
    quick.say("go", utc("2026-03-28 08:00"))
    quick.tick(utc("2026-03-30 00:00"))
    assert quick.left("rest") == utc("2026-03-29 07:00")


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("Europe/Paris", utc("2026-03-29 07:00")),
        ("nowhere", utc("2026-03-29 08:00")),
        (None, utc("2026-03-29 08:00")),
        (["Europe/Paris"], utc("2026-03-29 08:00")),
    ],
)
def test_the_customers_zone_counts_where_it_is_one(quick, zone, end):
    """With customer_timezone the customer's timezone attribute goes first, when valid (R33)."""
    quick.put(utc("2026-03-28 07:00"), timezone=zone)
    quick.deploy(Wait("rest", "1 day"), customer_timezone=True)
    quick.say("go", utc("2026-03-28 08:00"))
    quick.tick(utc("2026-03-30 00:00"))
    assert quick.left("rest") == end


def test_an_update_of_the_zone_counts_at_once(quick):
    """The zone is asked after each change of the customer (R33, R39)."""
    quick.deploy(Update("move", field("timezone").set("Europe/Paris")), Wait("rest", "1 day"), customer_timezone=True)
    quick.say("go", utc("2026-03-28 08:00"))
    assert quick.engine.next_due() == utc("2026-03-29 07:00")


@pytest.mark.rows(210)
def test_a_window_binds_the_end_of_a_duration(host):
    """A window binds elapsed (R32): the end moves to the next opening."""
    host.deploy(Wait("rest", "1 day", window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go")
    host.tick("9 days")
    assert host.left("rest") == utc("2026-01-06 09:00")


# --- Wait: until, at ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("09:00", utc("2026-01-05 09:00")),
        ("07:59", utc("2026-01-06 07:59")),
        ("08:00", START),
        ("SAT", utc("2026-01-10 00:00")),
        ("MON", START),
        ("TUE-FRI 09:00", utc("2026-01-06 09:00")),
        ("MON 07:00", utc("2026-01-12 07:00")),
    ],
)
def test_until_waits_for_the_next_opening(host, until, end):
    """The next local time and/or weekday; one that is now is not a wait (R32, R35)."""
    host.deploy(Wait("open", until=until))
    host.say("go")
    host.tick("8 days")
    assert host.left("open") == end
    assert host.path() == ["open elapsed", "end"]


def test_a_weekly_loop_is_weekly(host):
    """An `until` entered at the instant at which this run last left that step takes the next opening (R35)."""
    host.deploy(Wait("monday", until="MON 09:00"), mail("news", next="monday"))
    host.say("go")
    host.tick("21 days")
    assert [each.at for each in host.engine.messages("j").items] == [
        utc("2026-01-05 09:00"),
        utc("2026-01-12 09:00"),
        utc("2026-01-19 09:00"),
    ]


def test_a_loop_that_starts_at_the_opening_begins_at_once(quick):
    """The exception of R35 is for the second stay only: the first at 08:00 exactly is left at once."""
    quick.deploy(Wait("eight", until="08:00"), mail("news", next="eight"))
    quick.say("go")
    quick.tick("1 day")
    assert [each.at for each in quick.engine.messages("j").items] == [START, after("1 day")]


def test_an_until_in_a_loop_entered_later_takes_the_opening_of_the_day(quick):
    """The exception counts for the very instant only (R35)."""
    quick.deploy(Wait("weekday", until="MON-FRI"), mail("news"), Wait("rest", "1 hour", next="weekday"))
    quick.say("go")
    quick.tick("2 hours")
    assert [each.at for each in quick.engine.messages("j").items] == [START, after("1 hour"), after("2 hours")]


@pytest.mark.parametrize(("at", "left"), [("1 day", after("1 day")), ("-1 day", START), ("0 seconds", START)])
def test_an_instant_is_waited_for_unless_it_is_past(host, at, left):
    """A wait whose end is not after its start is left at once, "elapsed" (R32, R35)."""
    host.deploy(Wait("launch", at=after(at)))
    host.say("go")
    host.tick("2 days")
    assert host.left("launch") == left
    assert host.path() == ["launch elapsed", "end"]


def test_a_window_holds_also_a_wait_that_is_over_at_once(quick):
    """A past instant, but the window is closed: the end is the opening (R32, R35)."""
    quick.deploy(Wait("launch", at=after("-1 day"), window=Window("MON-FRI", "09:00", "17:00")))
    quick.say("go")
    quick.tick("2 days")
    assert quick.left("launch") == utc("2026-01-05 09:00")


# --- Wait: a date field ---------------------------------------------------------------------------------------------
WAYS: Any = {"on_missing": [End("without")], "on_past": [End("too-late")]}


@pytest.mark.parametrize(
    ("value", "path", "left"),
    [
        ("2026-01-10", ["soon elapsed", "reached"], utc("2026-01-08 00:00")),
        ("2026-01-10T15:30", ["soon elapsed", "reached"], utc("2026-01-08 15:30")),
        ("2026-01-10T15:30:00+02:00", ["soon elapsed", "reached"], utc("2026-01-08 13:30")),
        ("2026-01-07T08:00:00Z", ["soon elapsed", "reached"], START),
        ("2026-01-07T07:59:59Z", ["soon past", "too-late"], START),
        ("soon", ["soon missing", "without"], START),
        (None, ["soon missing", "without"], START),
        (20260110, ["soon missing", "without"], START),
        ({"day": 1}, ["soon missing", "without"], START),
    ],
)
def test_a_field_wait_ends_at_its_date_or_says_why_not(host, value, path, left):
    """An attribute date with offset; missing or unreadable is "missing", before now "past" (R32, R37)."""
    host.put(START, renews=value)
    host.deploy(Wait("soon", field="renews", offset="-2 days", **WAYS), End("reached"))
    host.say("go")
    host.tick("30 days")
    assert host.path() == path
    assert host.left("soon") == left


def test_missing_and_past_go_on_as_elapsed_by_default(host):
    """on_missing and on_past default to the way of elapsed (R37)."""
    host.deploy(Wait("soon", field="renews"), mail())
    host.put(START, "late", renews="2020-01-01")
    host.feed("go", START, "none")
    host.feed("go", START, "late")
    host.tick()
    assert host.path("none") == ["soon missing", "hello queued", "end"]
    assert host.path("late") == ["soon past", "hello queued", "end"]


def test_a_date_without_time_is_local_midnight(quick):
    """00:00 in the journey's zone, or in the customer's (R33, R37)."""
    quick.put(START, renews="2026-01-10", timezone="America/New_York")
    quick.deploy(Wait("soon", field="renews"), timezone="Europe/Paris")
    quick.deploy(Wait("soon", field="renews"), id="own", timezone="Europe/Paris", customer_timezone=True)
    quick.say("go")
    quick.tick("30 days")
    assert quick.left("soon") == utc("2026-01-09 23:00")
    assert quick.left("soon", journey="own") == utc("2026-01-10 05:00")


def test_a_field_wait_may_look_into_objects_and_at_the_run(quick):
    """Dots go into nested objects; trigger.x is a field too (R59)."""
    quick.put(START, plan={"ends": "2026-01-06T08:00:00Z"})
    quick.deploy(Wait("plan", field="plan.ends"), Wait("visit", field="trigger.when"))
    quick.say("go", START, when="2026-01-07T08:00:00Z")
    quick.tick("3 days")
    assert (quick.left("plan"), quick.left("visit")) == (after("1 day"), after("2 days"))


def test_a_field_wait_is_rearmed_when_the_attribute_changes(host):
    """Another date moves the wake-up, later and earlier (R37)."""
    host.put(START, renews="2026-01-10")
    host.deploy(Wait("soon", field="renews", **WAYS), End("reached"))
    host.say("go")
    host.put("1 hour", renews="2026-01-20")
    host.tick("1 hour")
    assert host.engine.enrollment("j", "c1").due == utc("2026-01-20 00:00")
    host.put("2 hours", renews="2026-01-08")
    host.tick("20 days")
    assert host.left("soon") == utc("2026-01-08 00:00")
    assert host.path() == ["soon elapsed", "reached"]


@pytest.mark.parametrize(
    ("value", "path"), [("2026-01-01", ["soon past", "too-late"]), (None, ["soon missing", "without"])]
)
def test_a_rearmed_date_may_be_past_or_gone(host, value, path):
    """Re-armed is asked as if entered now (R37)."""
    host.put(START, renews="2026-01-10")
    host.deploy(Wait("soon", field="renews", **WAYS), End("reached"))
    host.say("go")
    host.put("1 day", renews=value)
    host.tick("20 days")
    assert host.path() == path
    assert host.left("soon") == after("1 day")


def test_another_attribute_does_not_rearm_a_field_wait(host):
    """Only when the attribute itself changes is it looked at again (R37): a window that is closed stays a wait."""
    host.put(START, renews="2026-01-06T01:00:00Z")
    host.deploy(Wait("soon", field="renews", window=Window("MON-FRI", "09:00", "17:00"), **WAYS), End("reached"))
    host.say("go")
    host.put("23 hours", mood="fine")
    host.tick("2 days")
    assert host.path() == ["soon elapsed", "reached"]
    assert host.left("soon") == utc("2026-01-06 09:00")


def test_another_attribute_does_not_lose_a_birthday(host):
    """The same with every="year": a change between the date and the window does not cost a year (R37)."""
    host.put(START, birthday="1990-01-06")
    host.deploy(Wait("day", field="birthday", every="year", window=Window("MON-SUN", "09:00", "17:00")), mail("cake"))
    host.say("go")
    host.put("23 hours", mood="fine")
    host.tick("3 days")
    assert host.left("day") == utc("2026-01-06 09:00")


def test_a_field_wait_asks_the_date_again_when_due(quick):
    """Also a change that tells nobody counts when the wait is due (R37): the last opening moves by itself."""
    quick.deploy(
        mail(),
        Wait("sent", event="message.sent"),
        Wait("quiet", field="lastEmailOpenAt", offset="1 day", on_missing=[End("unread")]),
        End("read"),
    )
    quick.say("go")
    (message,) = quick.claim()
    quick.say("message.opened", "1 minute", message=message.id)
    quick.engine.ack(message, at=after("2 minutes"))
    quick.tick("2 minutes")
    quick.say("message.opened", "12 hours", message=message.id)
    quick.tick("5 days")
    assert quick.left("quiet") == after("1 day 12 hours")


def test_yearly_waits_return_on_the_anniversary(host):
    """The next anniversary not before the entry and after the last stay; 29 February comes on the 28th (R37)."""
    host.put(START, birthday="1988-02-29")
    host.deploy(Wait("day", field="birthday", every="year", on_missing=[End("none")]), mail("cake", next="day"))
    host.say("go")
    host.tick(utc("2029-01-01 00:00"), allow_jump=True)
    assert [each.at for each in host.engine.messages("j").items] == [
        utc("2026-02-28 00:00"),
        utc("2027-02-28 00:00"),
        utc("2028-02-29 00:00"),
    ]


def test_a_yearly_offset_before_the_entry_counts_from_the_next_year(quick):
    """Date plus offset is not before the entry into the step (R37)."""
    quick.put(START, birthday="1990-01-06")
    quick.deploy(Wait("day", field="birthday", offset="-3 days", every="year"))
    quick.say("go")
    assert quick.engine.next_due() == utc("2027-01-03 00:00")


def test_a_yearly_wait_on_the_day_itself_is_left_at_once(quick):
    """Not before the entry: exactly then counts, and is not taken twice (R37)."""
    quick.put(START, birthday="1990-01-05T08:00:00Z")
    quick.deploy(Wait("day", field="birthday", every="year", on_missing=[End("none")]), mail("cake", next="day"))
    quick.say("go")
    assert quick.path() == ["day elapsed", "cake queued", "day ACTIVE"]
    assert quick.engine.next_due() == utc("2027-01-05 08:00")


@pytest.mark.parametrize("value", [None, "someday", 5])
def test_a_yearly_wait_without_a_date_is_missing(quick, value):
    """Missing or unreadable -> "missing" (R37)."""
    quick.put(START, birthday=value)
    quick.deploy(Wait("day", field="birthday", every="year", on_missing=[End("no birthday")]))
    quick.say("go")
    assert quick.path() == ["day missing", "no birthday"]


def test_a_date_that_is_gone_when_due_is_missing(quick):
    """Asked again when due (R37): here the zone made the date later than the timer thought."""
    quick.put(START, renews="2026-01-06", timezone="Asia/Tokyo")
    quick.deploy(Wait("soon", field="renews"), customer_timezone=True)
    quick.say("go")
    assert quick.engine.next_due() == utc("2026-01-05 15:00")
    quick.put("1 hour", timezone="America/New_York")
    quick.tick("2 days")
    assert quick.left("soon") == utc("2026-01-06 05:00")


# --- Wait: an event -------------------------------------------------------------------------------------------------
REPLY = Wait(
    "reply",
    event="order",
    where=field("amount").gte(10),
    timeout="2 days",
    on_event=[End("won")],
    on_timeout=[End("lost")],
)


def test_an_event_ends_the_wait(host):
    """First match wins, "event", by its own way (R32, R36)."""
    host.deploy(REPLY)
    host.say("go")
    host.say("order", "1 day", amount=10)
    assert host.path() == ["reply event", "won"]
    assert host.left("reply") == after("1 day")


def test_an_event_that_does_not_fit_leaves_the_wait_as_it_is(host):
    """Criteria are asked of the event (R36)."""
    host.deploy(REPLY)
    host.say("go")
    host.say("order", "1 day", amount=9)
    assert host.path() == ["reply ACTIVE"]
    assert host.engine.next_due() == after("2 days")
    host.tick("3 days")
    assert host.path() == ["reply timeout", "lost"]
    assert host.left("reply") == after("2 days")


def test_an_event_exactly_at_the_deadline_is_in_time(host):
    """Inputs go before timers at one instant (R7)."""
    host.deploy(REPLY)
    host.say("go")
    host.feed("order", "2 days", amount=10)
    host.tick("9 days")
    assert host.path() == ["reply event", "won"]


def test_without_a_timeout_only_the_event_ends_the_wait(host):
    """A wait for an event rests without a due instant (R32)."""
    host.deploy(Wait("reply", event="order"), End("won"))
    host.say("go")
    assert host.engine.next_due() is None
    host.tick("300 days")
    assert host.path() == ["reply ACTIVE"]
    host.say("order", "301 days")
    assert host.path() == ["reply event", "won"]


def test_a_window_binds_the_timeout_but_not_the_event(host):
    """R32: the timeout waits for the opening, the event does not."""
    window = Window("MON-FRI", "09:00", "17:00")
    host.deploy(Wait("reply", event="order", timeout="1 day", window=window))
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.feed("order", utc("2026-01-06 03:00"), "c2")
    host.tick("9 days")
    assert host.left("reply", "c1") == utc("2026-01-06 09:00")
    assert host.left("reply", "c2") == utc("2026-01-06 03:00")


def test_the_trigger_event_never_ends_a_wait(host):
    """An event handled after the step was entered, never the trigger (R36)."""
    host.deploy(Wait("reply", event="go", timeout="1 day"))
    host.say("go")
    assert host.path() == ["reply ACTIVE"]
    host.say("go")
    assert host.path() == ["reply event", "end"]


def test_one_event_releases_one_wait_only(host):
    """One event releases a given step of a run once; the next wait needs another (R36)."""
    host.deploy(Wait("first", event="order"), Wait("second", event="order"))
    host.say("go")
    host.say("order", "1 hour")
    assert host.path() == ["first event", "second ACTIVE"]
    host.say("order", "1 hour")
    assert host.path() == ["first event", "second event", "end"]


def test_the_data_of_the_event_stay_with_the_run(host):
    """wait.<step>.x keeps its data, within the same walk and later (R36, R59)."""
    host.deploy(
        Wait("reply", event="order"),
        Condition("big", field("wait.reply.amount").gte(100)),
        Wait("rest", "1 day"),
        mail(data={"sku": "{{ wait.reply.item.sku }}", "none": "{{ wait.other.sku }}"}),
        Wait("other", event="order"),
    )
    host.say("go")
    host.say("order", "1 hour", amount=250, item={"sku": "a-1"})
    host.tick("2 days")
    assert host.path()[:2] == ["reply event", "big yes"]
    assert host.claim("2 days")[0].data == {"sku": "a-1", "none": ""}


def test_an_event_without_data_leaves_none(quick):
    """wait.<step>.x of an event without data is missing (R59, R61)."""
    quick.deploy(Wait("reply", event="order"), Condition("none", field("wait.reply.amount").is_null()))
    quick.say("go")
    quick.say("order")
    assert quick.path()[1] == "none yes"


def test_the_data_of_a_loop_are_those_of_the_newest_event(quick):
    """wait.<step>.x of the event that ended that wait: the newest stay counts (R59)."""
    quick.deploy(Wait("reply", event="order"), mail(data={"n": "{{ wait.reply.n }}"}, next="reply"))
    quick.say("go")
    quick.say("order", "1 hour", n=1)
    quick.say("order", "2 hours", n=2)
    assert [each.data["n"] for each in quick.claim("1 day")] == [1, 2]


def test_a_bare_name_is_looked_up_in_the_event_first(quick):
    """Where an event is at hand its data are looked in first, else the customer (R59)."""
    quick.put(START, amount=5, vip=True)
    quick.deploy(Wait("reply", event="order", where=field("amount").eq(7) & field("vip").eq(True)))
    quick.say("go")
    quick.say("order", START, amount=5)
    quick.say("order", START)
    assert quick.path() == ["reply ACTIVE"]
    quick.say("order", START, amount=7)
    assert quick.path() == ["reply event", "end"]
