"""What a run does at each kind of step (R30 to R41), seen from outside; a few walks are asked directly."""

from typing import Any

import pytest

from journeyflow import (
    Change,
    Condition,
    End,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.basics.chance import bucket
from journeyflow.basics.moments import DAY, to_micros
from journeyflow.basics.words import ACTIVE, COMPLETED, FAILED
from journeyflow.machine.behaviours import advance
from journeyflow.machine.gates import consents
from journeyflow.machine.notes import FRESH, Situation
from journeyflow.machine.program import compile_journey
from journeyflow.records.rows import Run
from tests.samples import START, after, mail, utc


# --- walks ----------------------------------------------------------------------------------------------------------
def test_a_run_walks_from_step_to_step_at_one_instant(host):
    """From entry a run goes on without time passing until it rests (R30)."""
    host.deploy(mail("a"), mail("b"), Wait("breathe", "3 days"), mail("c"))
    host.say("go")
    visits = host.engine.enrollment("j", "c1").visits
    assert [(v.n, v.step, v.status, v.outcome) for v in visits] == [
        (1, "a", COMPLETED, "queued"),
        (2, "b", COMPLETED, "queued"),
        (3, "breathe", ACTIVE, ""),
    ]
    assert {v.entered_at for v in visits} == {START}
    assert visits[-1].left_at is None


def test_a_path_without_an_end_gets_one_named_end(host):
    """Where a path has no End, one named "end" is appended; the run is COMPLETED (R40)."""
    host.deploy(mail())
    host.say("go")
    assert host.path() == ["hello queued", "end"]
    assert host.status() == (COMPLETED, "")
    assert host.engine.enrollment("j", "c1").ended_at == START


@pytest.mark.rows(83)
def test_an_end_keeps_its_label(host):
    """An End has an optional outcome (R40, R44)."""
    host.deploy(End("done", "won"))
    host.say("go")
    assert host.path() == ["done won"]


def test_the_end_tells_that_the_journey_is_completed(host):
    """A run that ends emits journey.completed with the journey's id (R50)."""
    host.deploy(End("done"))
    host.deploy(End("thanks"), id="next", trigger=Trigger("journey.completed", where=field("journey").eq("j")))
    host.say("go")
    assert host.status(journey="next") == (COMPLETED, "")


def test_no_stimulus_moves_a_run_that_has_ended(host):
    """Terminal states never change afterwards (R43)."""
    host.deploy(Wait("reply", event="x", timeout="1 day"))
    host.say("go")
    host.say("x", "1 hour")
    before = host.path()
    assert host.say("x", "2 days").moves == 0
    assert host.path() == before


# --- zero-time loops, visit limit -----------------------------------------------------------------------------------
def test_the_same_send_twice_at_one_root_item_fails_the_run(quick):
    """A run that would make the same Send twice while one root item is handled FAILs (R30)."""
    quick.deploy(
        Wait("reply", event="ping"),
        Update("touch", field("n").increment()),
        mail("again"),
        Wait("echo", event="field.changed", next="again"),
    )
    quick.say("go")
    quick.say("ping", "1 hour")
    assert quick.path()[-1] == "again FAILED"
    assert quick.status() == (FAILED, "zero-time loop")


def test_a_failed_move_queues_nothing_and_its_sends_are_skipped(quick):
    """A move that FAILs queues no messages; the Sends it passed are SKIPPED with outcome "failed" (R30)."""
    quick.deploy(
        mail("before"),
        Wait("pause", "1 day"),
        mail("lost"),
        Update("many", *(tag.add(f"t{n}") for n in range(101))),
    )
    quick.say("go")
    quick.tick("1 day")
    assert quick.path() == ["before queued", "pause elapsed", "lost SKIPPED failed", "many FAILED"]
    assert quick.status() == (FAILED, "event loop")
    assert quick.messages() == ["before QUEUED"]
    assert quick.engine.audit() == []


def test_a_failed_run_does_not_hurt_the_batch(host):
    """FAILED has a reason and the batch goes on (R43)."""
    host.deploy(Wait("soon", "1 second"), mail("a", next="soon"), max_visits=5)
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.tick("1 minute")
    assert host.status("c1") == host.status("c2") == (FAILED, "visit limit")


def test_the_visit_past_the_bound_fails_the_run(host):
    """One visit counter per run; past the journey's bound it FAILs, "visit limit" (R41)."""
    host.deploy(Wait("soon", "1 second"), mail("a", next="soon"), max_visits=5)
    host.say("go")
    host.tick("1 minute")
    assert host.path() == ["soon elapsed", "a queued", "soon elapsed", "a queued", "soon elapsed", "a FAILED"]
    assert host.messages() == ["a QUEUED", "a QUEUED"]
    assert host.engine.audit() == []


def test_exactly_the_bound_is_no_failure(host):
    """Visits up to the bound are allowed (R41)."""
    host.deploy(mail("a"), mail("b"), End("done"), max_visits=3)
    host.say("go")
    assert host.status() == (COMPLETED, "")


def test_a_loop_through_a_wait_that_takes_time_goes_round(host):
    """Loops are legal through a wait that takes time; visits are numbered on (R41)."""
    host.deploy(mail("a"), Wait("day", "1 day", next="a"))
    host.say("go")
    host.tick("3 days")
    assert host.path() == ["a queued", "day elapsed"] * 3 + ["a queued", "day ACTIVE"]
    assert [each.n for each in host.engine.messages("j").items] == [1, 3, 5, 7]


# --- Send -----------------------------------------------------------------------------------------------------------
@pytest.mark.rows(72)
def test_a_send_queues_a_message_with_everything_a_channel_needs(host):
    """The message joins the outbox in the commit of the move, with rendered data (R31, R39, R70)."""
    host.put(START, name="Ann", n=3)
    host.deploy(
        mail(data={"hi": "Hello {{ name }}!", "n": "{{ n }}", "gone": "[{{ nobody }}]", "list": ["{{ n }}", 1]})
    )
    host.say("go", START)
    (message,) = host.claim()
    assert (message.customer, message.channel, message.template, message.step) == ("c1", "EMAIL", "hello", "hello")
    assert message.data == {"hi": "Hello Ann!", "n": 3, "gone": "[]", "list": [3, 1]}
    assert message.at == START
    assert message.id == "memory-1-1"


def test_send_data_are_rendered_at_the_instant_of_the_send(host):
    """What is stored is what was true when the message was made (R39)."""
    host.put(START, name="Ann")
    host.deploy(mail(data={"hi": "{{ name }}"}))
    host.say("go")
    host.put("1 hour", name="Bea")
    host.tick("1 hour")
    assert host.claim("1 hour")[0].data == {"hi": "Ann"}


def test_plain_data_need_no_rendering(host):
    """Data without a template go as they are (R39)."""
    host.deploy(mail(data={"code": "WELCOME10", "deep": {"a": [1, None]}}), mail("bare"))
    host.say("go")
    assert [each.data for each in host.claim()] == [{"code": "WELCOME10", "deep": {"a": [1, None]}}, {}]


def test_a_window_holds_a_send_until_it_is_open(host):
    """A Send is held until its window opens, then sent at the opening (R31, R34)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go", "12 hours")
    assert host.path() == ["hello ACTIVE"]
    assert host.messages() == []
    assert host.engine.enrollment("j", "c1").due == utc("2026-01-06 09:00")
    host.tick("2 days")
    assert host.path() == ["hello queued", "end"]
    assert host.left("hello") == utc("2026-01-06 09:00")


def test_an_open_window_holds_nothing(host):
    """A window that is open lets the Send pass at once; its end is exclusive (R34)."""
    host.deploy(mail(window=Window("MON-SUN", "08:00", "17:00")))
    host.feed("go", START, "early")
    host.feed("go", utc("2026-01-05 16:59:59"), "last")
    host.feed("go", utc("2026-01-05 17:00"), "late")
    host.tick("1 day")
    lefts = [host.left("hello", customer) for customer in ("early", "last", "late")]
    assert lefts == [START, utc("2026-01-05 16:59:59"), utc("2026-01-06 08:00")]


def test_events_do_not_wake_a_held_send(host):
    """A held Send listens to its instant, and to exits (machine table)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go")
    host.put("10 minutes", name="Ann")
    host.say("go", "10 minutes")
    assert host.path() == ["hello ACTIVE"]
    host.engine.exit("j", "c1", at=after("20 minutes"))
    host.tick("1 day")
    assert host.path() == ["hello EXITED"]


def test_consent_is_asked_when_the_window_is_open_not_before(host):
    """First the window, then, at that instant, consent (R31)."""
    host.deploy(mail(window=Window("MON-FRI", "09:00", "17:00")))
    host.say("go")
    host.put("30 minutes", consent={"EMAIL": False})
    host.tick("1 day")
    assert host.path() == ["hello SKIPPED consent", "end"]


@pytest.mark.parametrize(
    ("consent", "required", "sent"),
    [
        (None, False, True),
        (None, True, False),
        ({}, True, False),
        ({"EMAIL": True}, True, True),
        ({"EMAIL": False}, False, False),
        ({"SMS": False}, False, True),
    ],
)
def test_a_missing_consent_is_allowed_unless_required(quick, consent, required, sent):
    """Reserved attribute consent.<CHANNEL>; missing = allowed unless the journey says consent="required" (R54)."""
    quick.put(START, consent={"SMS": True, **(consent or {})} if required else consent)
    quick.deploy(
        Send("note", channel="SMS", template="x", transactional=True),
        mail(),
        consent=("optional", "required")[required],
    )
    quick.say("go")
    assert quick.path()[1] == ("hello queued" if sent else "hello SKIPPED consent")


def test_a_transactional_send_ignores_consent(host):
    """transactional=True ignores consent (R31)."""
    host.put(START, consent={"EMAIL": False})
    host.deploy(mail("receipt", transactional=True), mail("advert"))
    host.say("go")
    assert host.path() == ["receipt queued", "advert SKIPPED consent", "end"]
    assert [each.step for each in host.claim()] == ["receipt"]


def test_consents_reads_only_booleans():
    """What is no yes and no no is as if it were missing (R54, R61)."""
    assert consents({"consent": {"EMAIL": "no"}}, "EMAIL", required=False)
    assert not consents({"consent": "everything"}, "EMAIL", required=True)


def test_a_window_that_never_opens_skips():
    """A gate that cannot open within 400 days skips, "window", and the run goes on (R31)."""

    class Never(Window):
        def next_open(self, instant, _where):
            return instant + 400 * DAY + 1

    never = Never("MON", "09:00", "10:00")
    program = compiled(mail(window=never), End("done"))
    result = advance(program, entering(), "ENTER", Situation("c1", {}), to_micros(START))
    assert result.move is not None
    assert result.move.path == (("hello", "SKIPPED", "window"), ("done", COMPLETED, ""))
    assert result.posts == []


def test_a_rule_sees_the_message_that_the_same_walk_made(quick):
    """message.<step>.x is there within the same walk (R59)."""
    quick.deploy(
        mail(),
        Condition("there", field("message.hello.id").eq("memory-1-1") & field("message.hello.opened").ne(True)),
        mail(
            "copy",
            data={"re": "{{ message.hello.id }}", "at": "{{ message.hello.at }}", "none": "{{ message.copy.id }}"},
        ),
    )
    quick.say("go")
    assert quick.path()[1] == "there yes"
    assert quick.claim()[1].data == {"re": "memory-1-1", "at": "2026-01-05T08:00:00.000000Z", "none": ""}


# --- Wait: a duration -----------------------------------------------------------------------------------------------
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
    """The next local time and/or weekday; one that is now is no wait (R32, R35)."""
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


# --- Condition ------------------------------------------------------------------------------------------------------
@pytest.mark.rows(61, 74, 77, 219)
def test_a_condition_takes_one_branch_and_only_one(host):
    """First true branch wins; with none true, the else branch (R37)."""
    host.deploy(
        Condition(
            "size",
            branches=[
                branch(field("n").gte(100), [mail("huge")]),
                branch(field("n").gte(10), [mail("big")]),
            ],
            otherwise=[mail("small")],
        ),
        mail("all"),
    )
    for customer, n in (("c1", 500), ("c2", 50), ("c3", 5)):
        host.put(START, customer, n=n)
        host.feed("go", START, customer)
    host.tick()
    assert host.path("c1") == ["size 1", "huge queued", "all queued", "end"]
    assert host.path("c2") == ["size 2", "big queued", "all queued", "end"]
    assert host.path("c3") == ["size else", "small queued", "all queued", "end"]


def test_a_condition_without_a_way_for_no_goes_on(host):
    """The outcomes of one branch are "yes" and "no"; what is not written continues (R37, R44)."""
    host.deploy(Condition("paid", field("plan").eq("paid"), yes=[mail()]), End("done"))
    host.put(START, "c2", plan="paid")
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.tick()
    assert host.path("c1") == ["paid no", "done"]
    assert host.path("c2") == ["paid yes", "hello queued", "done"]


# --- Split ----------------------------------------------------------------------------------------------------------
@pytest.mark.rows(81)
def test_a_split_takes_the_arm_of_the_bucket(quick):
    """Arms take consecutive ranges of buckets in written order (R38)."""
    quick.deploy(Split("test", arm(33.33, [End("a")]), arm(0, [End("b")]), arm(66.67, [End("c")])))
    customers = [f"c{n}" for n in range(60)]
    for customer in customers:
        quick.feed("go", START, customer)
    quick.tick()
    arms = [quick.path(customer)[0] for customer in customers]
    places = [bucket("default", "j", "test", customer) for customer in customers]
    assert arms == ["test A" if place < 3333 else "test C" for place in places]
    assert len(set(arms)) == 2


def test_the_same_person_takes_the_same_arm_in_every_run_and_version(host):
    """Same person, same split, same arm: whatever the run and version (R38)."""
    halves = (arm(50, [End("left")], "left"), arm(50, [End("right")], "right"))
    host.deploy(Split("test", *halves), reentry="always")
    host.say("go")
    host.deploy(mail(), Split("test", *halves), reentry="always", when="1 hour")
    host.say("go", "2 hours")
    assert host.path(run=1)[0] == host.path(run=2)[1]


# --- Update ---------------------------------------------------------------------------------------------------------
@pytest.mark.rows(82)
def test_an_update_makes_all_its_changes_in_order(host):
    """set, unset, add, remove, increment, append, in order (R39)."""
    host.put(START, old=1, tags=["a", "b"], log=["x"])
    host.deploy(
        Update(
            "u",
            field("plan").set("trial"),
            field("old").unset(),
            tag.add("c"),
            tag.add("a"),
            tag.remove("b"),
            field("n").increment(),
            field("n").increment(2.5),
            field("log").append("x"),
            field("address.city").set("Durban"),
            field("both").set({"a": [1]}),
        )
    )
    host.say("go")
    assert host.path() == ["u", "end"]
    assert host.attributes() == {
        "tags": ["a", "c"],
        "log": ["x", "x"],
        "plan": "trial",
        "n": 3.5,
        "address": {"city": "Durban"},
        "both": {"a": [1]},
    }


@pytest.mark.parametrize(
    "change",
    [
        field("name").increment(),
        field("name").add("x"),
        field("name").append("x"),
        field("name.first").set("Ann"),
        field("tags").set("vip"),
        field("consent").set("yes"),
        field("big").increment(1),
        field("n").increment("{{ name }}"),
    ],
)
def test_a_wrong_type_changes_nothing(quick, change):
    """A wrong type changes nothing, outcome "type" (R39): not even the changes that fit."""
    before = {"name": "Ann", "tags": ["a"], "big": 2**63 - 1, "n": 1}
    quick.put(START, **before)
    quick.deploy(Update("u", field("plan").set("paid"), change), mail())
    quick.say("go")
    assert quick.path() == ["u type", "hello queued", "end"]
    assert quick.attributes() == before


@pytest.mark.rows(211)
def test_updates_take_templates(host):
    """A value that is one token keeps its type; missing = "" (R39)."""
    host.put(START, n=3, tags=["a", "b"])
    host.deploy(
        Wait("reply", event="order"),
        Update(
            "u",
            field("copy").set("{{ n }}"),
            field("text").set("no. {{ n }} of {{ wait.reply.sku }}"),
            field("list").set("{{ tags }}"),
            field("none").set("{{ nobody }}"),
            tag.add("{{ wait.reply.sku }}"),
            field("n").increment("{{ wait.reply.amount }}"),
        ),
    )
    host.say("go")
    host.say("order", "1 hour", sku="s-1", amount=4)
    assert host.attributes() == {
        "n": 7,
        "tags": ["a", "b", "s-1"],
        "copy": 3,
        "text": "no. 3 of s-1",
        "list": ["a", "b"],
        "none": "",
    }


def test_an_update_tells_each_changed_attribute_as_one_event(host):
    """All changes are applied, then one event per changed attribute or member is emitted (R39, R50)."""
    host.put(START, same="x")
    host.deploy(
        Update(
            "u", field("n").increment(), field("n").increment(), field("same").set("x"), tag.add("vip"), tag.add("new")
        )
    )
    host.tick()
    host.deploy(
        mail(data={"f": "{{ trigger.field }}", "old": "{{ trigger.old }}", "new": "{{ trigger.new }}"}),
        id="fields",
        trigger=Trigger("field.changed"),
        reentry="always",
    )
    host.deploy(mail(data={"tag": "{{ trigger.tag }}"}), id="tags", trigger=Trigger("tag.added"), reentry="always")
    host.say("go")
    assert [each.data for each in host.engine.messages("fields").items] == [{"f": "n", "old": "", "new": 2}]
    assert [each.data for each in host.engine.messages("tags").items] == [{"tag": "vip"}, {"tag": "new"}]


def test_the_emitted_events_come_after_the_move(quick):
    """Events the engine emits wait in a queue until the root item has passed its stages (R7): both runs see both."""
    quick.deploy(Update("u", field("a").set(1), field("b").set(2)))
    quick.deploy(
        Condition("both", field("customer.a").eq(1) & field("customer.b").eq(2)),
        id="watch",
        trigger=Trigger("field.changed"),
    )
    quick.say("go")
    assert quick.path(journey="watch")[0] == "both yes"


def test_a_run_emits_at_most_a_hundred_events_per_root_item(quick):
    """The run FAILs at the visit that would go past 100, before emitting (R53)."""
    quick.deploy(
        Update("fifty", *(tag.add(f"a{n}") for n in range(50))),
        Update("more", *(tag.add(f"b{n}") for n in range(50))),
        Update("last", tag.add("c")),
    )
    quick.say("go")
    assert quick.path() == ["fifty", "more", "last FAILED"]
    assert quick.status() == (FAILED, "event loop")
    assert len(quick.attributes()["tags"]) == 100


def test_the_end_counts_among_the_events(quick):
    """journey.completed is an emitted event too (R53)."""
    quick.deploy(Update("hundred", *(tag.add(f"a{n}") for n in range(100))), End("done"))
    quick.say("go")
    assert quick.path() == ["hundred", "done FAILED"]
    assert quick.status() == (FAILED, "event loop")


def test_the_bound_of_events_counts_per_root_item(quick):
    """Another root item begins at 0 (R53)."""
    quick.deploy(
        Update("one", *(tag.add(f"a{n}") for n in range(60))),
        Wait("rest", "1 hour"),
        Update("two", *(tag.add(f"b{n}") for n in range(60))),
    )
    quick.say("go")
    quick.tick("1 day")
    assert quick.status() == (COMPLETED, "")


# --- names a rule may read ------------------------------------------------------------------------------------------
def test_the_names_of_a_run_can_be_read(host):
    """enrollment.x, trigger.x, customer.id and customer.x (R59)."""
    host.put(START, name="Ann", id="other")
    names = ("enrollment.tenant", "enrollment.journey", "enrollment.version", "enrollment.customer", "enrollment.run")
    paths = (*names, "enrollment.entered_at", "customer.id", "customer.name", "id", "trigger.plan.name", "trigger.gone")
    host.deploy(Wait("rest", "1 hour"), mail(data={path: f"{{{{ {path} }}}}" for path in paths}))
    host.say("go", START, plan={"name": "gold"})
    host.tick("1 day")
    assert host.claim("1 day")[0].data == {
        "enrollment.tenant": "default",
        "enrollment.journey": "j",
        "enrollment.version": 1,
        "enrollment.customer": "c1",
        "enrollment.run": 1,
        "enrollment.entered_at": "2026-01-05T08:00:00.000000Z",
        "customer.id": "c1",
        "customer.name": "Ann",
        "id": "other",
        "trigger.plan.name": "gold",
        "trigger.gone": "",
    }


def test_a_run_without_trigger_data_has_none(quick):
    """trigger.x of a manual enrollment is missing (R59)."""
    quick.deploy(Condition("any", field("trigger.x").is_null()), trigger=Trigger(manual=True))
    quick.engine.enroll("j", "c1", at=START)
    quick.tick()
    assert quick.path()[0] == "any yes"


@pytest.mark.rows(79)
def test_the_flags_of_a_message_can_be_read(host):
    """message.<step>.<flag> of the newest message of that step in this run, and when (R59)."""
    host.deploy(
        mail(),
        Wait("rest", "1 day"),
        Condition("read", field("message.hello.opened").eq(True)),
        mail(
            "tell",
            data={
                "at": "{{ message.hello.opened_at }}",
                "no": "{{ message.hello.clicked_at }}",
                "x": "{{ message.hello.clicked }}",
            },
        ),
    )
    host.say("go")
    (message,) = host.claim()
    host.say("message.opened", "1 hour", message=message.id)
    host.say("message.opened", "2 hours", message=message.id)
    host.tick("2 days")
    assert host.path()[2] == "read yes"
    assert host.claim("2 days")[-1].data == {"at": "2026-01-05T09:00:00.000000Z", "no": "", "x": False}


def test_the_flags_of_an_older_message_are_not_those_of_the_newest(host):
    """message.<step>.<flag> of the newest message of that step (R59): opening the first says nothing of the second."""
    host.deploy(
        mail(),
        Wait("reply", event="message.opened", timeout="1 day", any_message=True),
        Condition("read", field("message.hello.opened").eq(True)),
        Wait("rest", "1 hour", next="hello"),
    )
    host.say("go")
    first = host.claim()[0].id
    host.tick("1 day 1 hour")
    host.say("message.opened", "26 hours", message=first)
    assert host.path()[1:7] == ["reply timeout", "read no", "rest elapsed", "hello queued", "reply event", "read no"]


def test_a_message_may_be_opened_in_the_tick_that_made_it(host):
    """Whoever knows the id may tell of a message before the tick that makes it (R4, R70)."""
    host.deploy(
        mail(), Wait("reply", event="message.opened"), Condition("read", field("message.hello.opened").eq(True))
    )
    host.feed("go")
    host.feed("message.opened", "1 hour", message="memory-1-1")
    host.tick("2 hours")
    assert host.path() == ["hello queued", "reply event", "read yes", "end"]
    assert host.engine.audit() == []


def test_a_bare_name_with_a_dot_may_start_with_any_word(quick):
    """A name that is no source is an attribute, with dots into objects (R59)."""
    quick.put(START, customers={"x": 1}, customer="me")
    quick.deploy(Condition("c", field("customers.x").eq(1) & field("customer").eq("me")))
    quick.say("go")
    assert quick.path()[0] == "c yes"


# --- asked directly -------------------------------------------------------------------------------------------------
def compiled(*steps, **options):
    """Compile a journey of some steps."""
    return compile_journey(Journey(id="j", steps=steps, **options), number=1, journey_number=1, version=1, tenant="t")


def entering():
    """Make a run that begins at START."""
    at = to_micros(START)
    return Run(1, 1, 1, 1, 1, ACTIVE, "", at, at, None, None, 0, 0, at, None, None, None, False, None, "", None)


def test_advance_changes_nothing_in_place():
    """A walk is a function: the run and the attributes it got are as they were (theory of operation)."""
    program = compiled(Update("u", tag.add("vip")), Wait("rest", "1 day"))
    run = entering()
    attributes: dict[str, object] = {"tags": ["a"]}
    first = advance(program, run, "ENTER", Situation("c1", attributes), to_micros(START))
    again = advance(program, run, "ENTER", Situation("c1", attributes), to_micros(START))
    assert first == again
    assert attributes == {"tags": ["a"]}
    assert run == entering()
    assert first.attributes == {"tags": ["a", "vip"]}
    assert first.emitted == [("tag.added", {"tag": "vip"})]
    assert first.past[1] == 1


def test_advance_keeps_what_was_compared_before():
    """`asked` goes with the move, under "entry" or "exit" (R85)."""
    program = compiled(Wait("rest", "1 day"))
    entered = advance(
        program, entering(), "ENTER", Situation("c1", {}), to_micros(START), FRESH, asked={"tier": "Gold"}
    )
    assert entered.move is not None
    assert entered.move.seen == {"entry": {"tier": "Gold"}}
    left = advance(
        program, entered.run, "EXIT", Situation("c1", {}), to_micros(START), reason="paid", asked={"plan": 1}
    )
    assert left.move is not None
    assert (left.move.seen, left.run.status, left.run.reason) == ({"exit": {"plan": 1}}, "EXITED", "paid")


def test_a_move_keeps_the_values_its_rules_read():
    """A move keeps `seen`, by the place in its path; nothing where nothing was read (R85)."""
    program = compiled(mail(data={"x": "{{ name }}"}), Condition("c", field("a").eq(1), yes=[Wait("rest", "1 day")]))
    result = advance(program, entering(), "ENTER", Situation("c1", {"a": 1, "name": "n"}), to_micros(START))
    assert result.move is not None
    assert result.move.seen == {"1": {"a": 1}}


def test_a_rest_that_stays_writes_no_move():
    """An event that does not fit changes nothing: no move, the same run (R30)."""
    program = compiled(REPLY)
    run = advance(program, entering(), "ENTER", Situation("c1", {}), to_micros(START)).run
    result = advance(program, run, "EVENT", Situation("c1", {}, {"amount": 1}), to_micros(START) + DAY)
    assert result.move is None
    assert result.run is run


def test_changes_are_made_by_name_too(quick):
    """An Update takes any Change (R39)."""
    quick.deploy(Update("u", Change("n", "increment", 2)))
    quick.say("go")
    assert quick.attributes() == {"n": 2}
