"""The order of work and the time it takes effect (R3 to R9), and what a pause does to it (R11, R16)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from journeyflow import (
    ClockJump,
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Goal,
    MemoryStore,
    Trigger,
    Update,
    Wait,
    Window,
    field,
    tag,
)
from tests.samples import START, STORES, Host, after, mail, open_engine, utc


@pytest.fixture(params=STORES)
def strict(request):
    """Give a host on each store with a grace of one hour."""
    with open_engine(request.param, grace="1 hour") as engine:
        yield Host(engine)


def history(host):
    """Give everything that was done, as rows, to compare two hosts."""
    tables = ("enrollments", "moves", "messages", "customers", "refusals", "last_refusals")
    rows = {table: host.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}
    paths = dict(host.rows("SELECT number, steps FROM paths"))
    rows["moves"] = [(*row[:3], paths.get(row[3]), *row[4:]) for row in rows["moves"]]
    return rows


# --- own instants, one tick or many ---------------------------------------------------------------------------------


@pytest.mark.rows(68)
def test_each_thing_happens_at_its_own_instant_however_late_the_tick(host):
    """A wait that ended at 09:00 and is ticked at 09:07 is left at 09:00, and the next counts from there (R4)."""
    host.deploy(Wait("first", "1 hour"), mail(), Wait("second", "1 hour"))
    host.say("go")
    host.tick("67 minutes")
    assert host.left("first") == after("1 hour")
    assert host.engine.messages("j").items[0].at == after("1 hour")
    assert host.engine.next_due() == after("2 hours")


STEPS = (
    mail(),
    Wait("reply", event="order", timeout="3 days", on_event=[Update("buyer", tag.add("buyer"))]),
    Condition("buyer?", field("tags").contains("buyer"), yes=[mail("thanks")], no=[mail("coupon")]),
    Wait("morning", until="MON-FRI 09:00"),
    Update("seen", field("seen").increment()),
)


def lived(host, ticks, batches=None):
    """Give every input up front, then tick at some instants; the ticks are all that differs."""
    host.deploy(*STEPS, reentry="always", exits=[Exit("left", event="bye")], goal=Goal("order", within="5 days"))
    host.deploy(mail("vip"), id="vips", trigger=Trigger("tag.added", where=field("tag").eq("buyer")))
    for n in range(20):
        host.feed("go", f"{n} hours", f"c{n}")
        if n % 3 == 0:
            host.feed("order", f"{n * 7} hours", f"c{n}", amount=n)
        if n % 5 == 0:
            host.feed("bye", f"{n * 5} hours", f"c{n}")
            host.feed("go", f"{n * 6} hours", f"c{n}")
    for when in ticks:
        more = True
        while more:
            more = host.tick(when, limit=batches).more
    return history(host)


def test_one_tick_equals_any_sequence_of_ticks():
    """One tick(t2) equals any sequence of ticks up to t2, on every store (R4)."""
    expected = lived(Host(open_engine("memory")), ["30 days"])
    hourly = [f"{hour} hours" for hour in range(0, 30 * 24 + 1, 5)]
    for store in STORES:
        assert lived(Host(open_engine(store)), hourly) == expected
    assert {row[5] for row in expected["enrollments"]} == {"COMPLETED", "EXITED"}
    assert len(expected["messages"]) > 40


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.unmeasured
def test_nothing_observable_depends_on_the_size_of_a_batch(store, size):
    """A batch is a prefix of the total order: any size, also by `limit`, does the same (R7)."""
    expected = lived(Host(open_engine("memory")), ["30 days"])
    assert lived(Host(open_engine(store, batch_size=size)), ["30 days"]) == expected
    assert lived(Host(open_engine(store)), ["30 days"], size) == expected


def test_a_tick_again_or_earlier_finds_nothing(host):
    """What was done is not due again; a tick with an earlier now finds nothing and harms nothing (R3)."""
    host.deploy(mail(), Wait("rest", "2 days"), mail("later"))
    host.feed("go", "1 day")
    host.tick("5 days")
    before = history(host)
    for when in ("5 days", "4 days", "0 seconds", utc("1999-01-01 00:00")):
        result = host.tick(when)
        assert (result.inputs, result.moves, result.more) == (0, 0, False)
    assert history(host) == before


def test_an_idle_tick_writes_nothing(tmp_path):
    """An idle tick takes no write lock and changes no byte of the file (R3)."""
    path = tmp_path / "idle.db"
    with Engine(path) as engine:
        host = Host(engine)
        host.deploy(mail(), Wait("rest", "2 days"))
        host.say("go")
        version = host.rows("SELECT total_changes()")
        for minute in range(60):
            host.tick(f"{minute} minutes")
        assert host.rows("SELECT total_changes()") == version


def test_inputs_of_the_future_wait(host):
    """An input with at > now stays in the inbox until a tick reaches it (R8)."""
    host.deploy(mail())
    host.feed("go", "2 days")
    assert host.tick("1 day").inputs == 0
    assert host.engine.find_enrollment("j", "c1") is None
    assert host.engine.next_due() == after("2 days")
    assert host.tick("2 days").entered == 1


def test_instants_are_the_same_in_every_zone(host):
    """Instants are instants: the zone in which one is written does not matter (R2)."""
    host.deploy(Wait("rest", "1 hour"))
    there = START.astimezone(timezone(timedelta(hours=9)))
    host.engine.feed(Event("go", customer="c1", at=there))
    host.engine.tick(there)
    assert host.engine.enrollment("j", "c1").entered_at == START


@pytest.mark.parametrize("call", ["tick", "put", "feed"])
def test_naive_instants_are_refused_saying_what_to_write(host, call):
    """A naive datetime is refused, saying what to write instead (R2)."""
    naive = START.replace(tzinfo=None)
    calls = {
        "tick": lambda: host.engine.tick(naive),
        "put": lambda: host.engine.put_customer("c1", {}, at=naive),
        "feed": lambda: host.engine.feed(Event("go", customer="c1", at=naive)),
    }
    with pytest.raises(ValueError, match=r"naive datetime.*give it a zone, for example tzinfo=UTC"):
        calls[call]()


# --- the total order ------------------------------------------------------------------------------------------------


def test_inputs_go_before_timers_at_one_instant(host):
    """Order at one instant: inputs before timers (R7)."""
    host.deploy(Wait("rest", "1 day"), Condition("ready", field("ready").eq(True)))
    host.say("go")
    host.put("1 day", ready=True)
    host.tick("1 day")
    assert host.path() == ["rest elapsed", "ready yes", "end"]


def test_inputs_at_one_instant_go_in_call_order(host):
    """Order at one instant: input sequence (R7, R10)."""
    host.deploy(mail(data={"n": "{{ n }}"}))
    host.put("1 hour", n=1)
    host.feed("go", "1 hour")
    host.put("1 hour", n=2)
    host.tick("1 hour")
    assert host.claim("1 hour")[0].data == {"n": 1}
    assert host.attributes() == {"n": 2}


def test_timers_at_one_instant_go_by_serial(host):
    """Order at one instant: enrollment serial (R7): the run that entered first moves first."""
    host.deploy(Wait("rest", "1 day"), mail(data={"place": "{{ place }}"}))
    host.deploy(Wait("rest", "1 day"), Update("first", field("place").set("taken")), id="i", trigger=Trigger("other"))
    host.feed("go")
    host.feed("other")
    host.feed("other", START, "c2")
    host.feed("go", START, "c2")
    host.tick("1 day")
    assert [(each.customer, each.data["place"]) for each in host.claim("1 day")] == [("c1", ""), ("c2", "taken")]


def test_inputs_are_handled_in_the_order_of_their_instants(host):
    """The order in which a host tells things of different instants does not matter (R7)."""
    host.deploy(mail(data={"n": "{{ n }}"}))
    host.feed("go", "2 hours")
    host.put("3 hours", n=3)
    host.put("1 hour", n=1)
    host.tick("1 day")
    assert host.claim("1 day")[0].data == {"n": 1}


def test_emitted_events_pass_before_the_next_item(host):
    """One queue, drained when the root item has passed its stages, before the next item (R7)."""
    host.deploy(mail(data={"tags": "{{ tags }}"}), id="a", trigger=Trigger("field.changed"))
    host.put(START, n=1)
    host.put(START, tags=["late"])
    host.tick()
    assert host.claim()[0].data == {"tags": ""}


def test_emitted_events_are_heard_in_the_order_of_their_causes(host):
    """First in, first out (R7): the event of the end comes after those of the update before it."""
    host.deploy(Update("u", tag.add("x"), field("a").set(1)))
    for number, event in enumerate(("journey.completed", "field.changed", "tag.added")):
        host.deploy(Update("note", field("log").append(event)), id=f"j{number}", trigger=Trigger(event), exits=[])
    host.say("go")
    assert host.attributes()["log"][:3] == ["tag.added", "field.changed", "journey.completed"]


def test_a_wake_up_that_an_event_made_void_wakes_nobody(host):
    """A timeout that the event was quicker than says nothing to the next rest (R7, R36)."""
    host.deploy(Wait("reply", event="order", timeout="1 day"), Wait("rest", "3 days"))
    host.say("go")
    host.feed("order", "12 hours")
    host.tick("2 days")
    assert host.path() == ["reply event", "rest ACTIVE"]
    assert host.engine.next_due() == after("3 days 12 hours")


# --- late inputs ----------------------------------------------------------------------------------------------------


def test_a_late_input_takes_effect_at_the_last_instant_of_the_run(host):
    """An enrollment's instants never run backwards; the event's own at stays in its data (R6)."""
    host.deploy(Wait("first", "1 day"), Wait("reply", event="order"), Wait("second", "1 day"))
    host.say("go")
    host.tick("1 day")
    host.feed("order", "1 hour")
    host.tick("1 day")
    assert host.path() == ["first elapsed", "reply event", "second ACTIVE"]
    assert host.left("reply") == after("1 day")
    assert host.engine.next_due() == after("2 days")


def test_a_late_exit_and_a_late_goal_take_effect_at_the_last_instant(host):
    """The same for goals and exits (R6, R42)."""
    host.deploy(Wait("first", "1 day"), Wait("second", "9 days"), goal=Goal("paid"), exits=[Exit("left", event="bye")])
    host.say("go")
    host.tick("1 day")
    host.feed("paid", "1 hour")
    host.feed("bye", "2 hours")
    host.tick("2 days")
    found = host.engine.enrollment("j", "c1")
    assert (found.status, found.reason) == ("EXITED", "left")
    assert found.converted_at == found.ended_at == after("1 day")


def test_a_late_trigger_enters_at_its_own_instant(host):
    """An input given later is handled in the next tick, at its own instant within grace (R4, R6)."""
    host.deploy(Wait("rest", "1 hour"), mail())
    host.tick("1 day")
    host.feed("go", "2 hours")
    host.tick("1 day")
    assert host.engine.enrollment("j", "c1").entered_at == after("2 hours")
    assert host.left("rest") == after("3 hours")


# --- grace ----------------------------------------------------------------------------------------------------------


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


# --- clock jumps ----------------------------------------------------------------------------------------------------


def test_a_tick_far_behind_the_earliest_work_is_a_clock_jump(host):
    """More than max_jump before now raises ClockJump, unless allow_jump=True (R3)."""
    host.deploy(Wait("rest", "1 day"))
    host.say("go")
    with pytest.raises(ClockJump, match=r"2026-01-06T08:00:00.*366 days.*allow_jump=True"):
        host.tick("368 days")
    assert host.path() == ["rest ACTIVE"]
    assert host.tick("367 days").moves == 1


def test_a_clock_jump_can_be_allowed(host):
    """allow_jump=True goes on (R3)."""
    host.deploy(Wait("rest", "1 day"))
    host.say("go")
    assert host.tick("3000 days", allow_jump=True).moves == 1


@pytest.mark.parametrize(("max_jump", "raises"), [(None, False), ("4000 days", False), ("10 days", True)])
def test_the_bound_of_a_jump_can_be_chosen(max_jump, raises):
    """max_jump bounds it, None knows none (R3)."""
    host = Host(Engine(MemoryStore(), max_jump=max_jump))
    host.deploy(Wait("rest", "1 day"))
    host.say("go")
    if raises:
        with pytest.raises(ClockJump):
            host.tick("3000 days")
    else:
        assert host.tick("3000 days").moves == 1


def test_nothing_due_nothing_raised(host):
    """A tick in the far future without due work is an idle tick (R3)."""
    host.deploy(Wait("rest", event="x"))
    host.say("go")
    assert host.tick(datetime(9000, 1, 1, tzinfo=UTC)).moves == 0


# --- state and version as of the instant ----------------------------------------------------------------------------


def test_work_sees_the_newest_version_as_of_its_own_instant(host):
    """A trigger told late enters the version that was newest when it happened (R11, R12)."""
    host.deploy(mail("one"), reentry="always")
    host.deploy(mail("two"), reentry="always", when="10 hours")
    host.feed("go", "1 hour", "c1")
    host.feed("go", "11 hours", "c2")
    host.feed("go", "10 hours", "c3")
    host.tick("1 day")
    assert [host.path(customer)[0] for customer in ("c1", "c2", "c3")] == ["one queued", "two queued", "two queued"]


@pytest.mark.rows(92)
def test_people_inside_stay_in_their_version(host):
    """People inside stay pinned to the version they entered (R12)."""
    host.deploy(Wait("rest", "1 day"), mail("one"))
    host.say("go")
    host.deploy(Wait("rest", "2 days"), mail("two"), when="1 hour")
    host.tick("3 days")
    assert host.path() == ["rest elapsed", "one queued", "end"]
    assert host.engine.enrollment("j", "c1").version == 1


def test_a_trigger_before_the_activation_enters_nobody(host):
    """Work sees the state as of its own instant: DRAFT listens to nothing, and records nothing (R11, R20)."""
    host.deploy(mail(), when="2 hours")
    host.feed("go", "1 hour", "early")
    host.feed("go", "2 hours", "exact")
    host.tick("1 day")
    assert host.engine.find_enrollment("j", "early") is None
    assert host.path("exact") == ["hello queued", "end"]
    assert host.refused() == {}


def test_an_entry_sees_the_state_again_at_its_effective_instant(strict):
    """As of its own instant, and again as of its effective instant (R11): a late trigger meets the pause of today."""
    strict.deploy(mail())
    strict.feed("go", "1 hour")
    strict.engine.pause("j", at=after("2 hours"))
    strict.tick("5 hours")
    assert strict.refused() == {"paused": 1}


def test_a_trigger_during_the_pause_stays_refused_after_the_resume(strict):
    """The state as of the own instant counts too (R11)."""
    strict.deploy(mail())
    strict.engine.pause("j", at=after("1 hour"))
    strict.feed("go", "90 minutes")
    strict.engine.resume("j", at=after("2 hours"))
    strict.tick("5 hours")
    assert strict.refused() == {"paused": 1}


# --- pause and resume -----------------------------------------------------------------------------------------------


def paused(host, *steps, **options):
    """Enter c1 at START and pause from 1 hour on."""
    host.deploy(*steps, **options)
    host.say("go")
    host.engine.pause("j", at=after("1 hour"))


@pytest.mark.rows(100, 224)
def test_a_pause_refuses_entries(host):
    """Entries are refused, "paused" (R16)."""
    paused(host, mail())
    assert host.say("go", "2 hours", "c2").refused == 1
    assert host.refused() == {"paused": 1}
    assert host.last_refusal("c2")[0] == "paused"


@pytest.mark.rows(100, 101, 224)
def test_a_pause_holds_timers_until_the_resume(host):
    """Nothing is released; resume runs held work at the resume instant (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    assert host.tick("1 day").moves == 0
    assert host.engine.next_due() is None
    assert host.engine.audit() == []
    host.engine.resume("j", at=after("2 days"))
    assert host.engine.next_due() == after("2 days")
    host.tick("3 days")
    assert host.path() == ["rest elapsed", "hello queued", "end"]
    assert host.left("rest") == after("2 days")


def test_a_timer_outside_the_pause_is_not_held(host):
    """A pause that is over when a timer is due does nothing to it (R16)."""
    paused(host, Wait("rest", "1 day"))
    host.engine.resume("j", at=after("2 hours"))
    host.tick("3 days")
    assert host.left("rest") == after("1 day")


def test_a_tick_that_comes_after_the_whole_pause_does_the_same(host):
    """One tick = many: a pause and its resume that no tick fell into hold work all the same (R4, R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.engine.resume("j", at=after("1 day"))
    host.tick("5 days")
    assert host.left("rest") == after("1 day")


def test_held_work_goes_first_in_order_of_own_instants(host):
    """Held work first, in order of own instants, before inputs of the resume instant (R16)."""
    steps = (
        Wait("rest", field="trigger.until"),
        Update("turn", field("log").append("{{ enrollment.journey }} {{ told }}")),
    )
    for journey, event in (("a", "go"), ("b", "go"), ("c", "second")):
        host.deploy(*steps, id=journey, trigger=Trigger(event))
    host.feed("go", START, until=after("5 hours").isoformat())
    host.say("second", START, until=after("3 hours").isoformat())
    for journey in "abc":
        host.engine.pause(journey, at=after("1 hour"))
    host.tick("6 hours")
    for journey in "abc":
        host.engine.resume(journey, at=after("8 hours"))
    host.put("8 hours", told="input")
    host.tick("8 hours")
    assert host.attributes()["log"] == ["c ", "a ", "b "]


def test_held_work_sees_the_customer_as_of_the_resume(host):
    """Changes of the customer act during the pause, and held work sees them (R16)."""
    paused(host, Wait("rest", "2 hours"), Condition("paid", field("plan").eq("paid")))
    host.put("3 hours", plan="paid")
    host.tick("4 hours")
    assert host.attributes() == {"plan": "paid"}
    host.engine.resume("j", at=after("5 hours"))
    host.tick("5 hours")
    assert host.path() == ["rest elapsed", "paid yes", "end"]


def test_lateness_of_held_work_counts_from_the_resume(strict):
    """R5's lateness counts from the resume instant (R16)."""
    paused(strict, Wait("rest", "2 hours"), mail())
    strict.tick("3 hours")
    strict.engine.resume("j", at=after("2 days"))
    assert strict.tick("2 days 30 minutes").late == 0
    assert strict.left("rest") == after("2 days")


def test_held_work_found_late_after_the_resume_is_softened(strict):
    """Later than grace after the resume: it takes effect now (R5, R16)."""
    paused(strict, Wait("rest", "2 hours"), mail())
    strict.engine.resume("j", at=after("2 days"))
    assert strict.tick("3 days").late == 1
    assert strict.left("rest") == after("3 days")


def test_a_late_timer_that_meets_a_pause_at_its_effective_instant_is_held(strict):
    """A pause that a tick only learns of afterwards: due before it, found during it (R11, R16)."""
    strict.deploy(Wait("rest", "1 hour"), mail())
    strict.say("go")
    strict.engine.pause("j", at=after("2 hours"))
    strict.tick("5 hours")
    assert strict.path() == ["rest ACTIVE"]
    strict.engine.resume("j", at=after("6 hours"))
    strict.tick("6 hours")
    assert strict.left("rest") == after("6 hours")


def test_a_second_pause_holds_what_the_first_one_held(host):
    """Held again: still in the order of the own instant, until the second resume (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.engine.resume("j", at=after("3 hours"))
    host.engine.pause("j", at=after("3 hours"))
    host.tick("4 hours")
    assert host.path() == ["rest ACTIVE"]
    host.engine.resume("j", at=after("5 hours"))
    host.tick("9 hours")
    assert host.left("rest") == after("5 hours")


def test_events_do_not_release_during_a_pause(host):
    """Nothing is released (R16): an event during the pause is gone for the wait, a later one counts."""
    paused(host, Wait("reply", event="order"))
    host.say("order", "2 hours")
    host.engine.resume("j", at=after("3 hours"))
    assert host.path() == ["reply ACTIVE"]
    host.say("order", "4 hours")
    assert host.path() == ["reply event", "end"]


def test_exits_and_goals_act_during_a_pause(host):
    """Exits and goals act during the pause (R16)."""
    paused(host, Wait("reply", event="order"), goal=Goal("paid"), exits=[Exit("left", event="bye")])
    host.say("paid", "2 hours")
    host.say("bye", "3 hours")
    found = host.engine.enrollment("j", "c1")
    assert (found.status, found.reason, found.converted_at) == ("EXITED", "left", after("2 hours"))


def test_exits_end_also_what_a_pause_holds(host):
    """A held run can be exited; the resume finds nothing of it (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.tick("3 hours")
    host.engine.exit("j", "c1", at=after("4 hours"))
    host.tick("4 hours")
    host.engine.resume("j", at=after("5 hours"))
    host.tick("9 hours")
    assert host.path() == ["rest EXITED"]
    assert host.engine.audit() == []


def test_a_pause_hands_out_nothing(host):
    """Nothing is claimed during a pause (R16, R71)."""
    paused(host, mail())
    assert host.claim("2 hours") == ()
    assert len(host.claim("59 minutes")) == 1


def test_messages_are_handed_out_after_the_resume(host):
    """They wait for the resume (R16)."""
    paused(host, mail())
    host.engine.resume("j", at=after("3 hours"))
    assert len(host.claim("3 hours")) == 1


def test_a_date_that_changes_during_a_pause_counts_afterwards(host):
    """Changes of the customer act during the pause (R16): an earlier date is not slept through (R37)."""
    host.put(START, renews="2026-01-30")
    paused(host, Wait("soon", field="renews"), mail())
    host.put("2 hours", renews="2026-01-20")
    host.tick("3 hours")
    host.engine.resume("j", at=after("2 days"))
    host.tick("60 days")
    assert host.left("soon") == utc("2026-01-20 00:00")


def test_a_date_that_comes_to_be_past_during_a_pause_is_left_at_the_resume(host):
    """A date moved into the pause is due at the resume (R16, R37)."""
    host.put(START, renews="2026-01-30")
    paused(host, Wait("soon", field="renews"), mail())
    host.put("2 hours", renews="2026-01-06")
    host.tick("3 hours")
    host.engine.resume("j", at=after("3 days"))
    host.tick("60 days")
    assert host.left("soon") == after("3 days")


def test_a_date_that_moves_away_during_a_pause_is_asked_again(host):
    """Held work is asked again at the resume: a later date is waited for (R16, R37)."""
    host.put(START, renews="2026-01-06")
    paused(host, Wait("soon", field="renews"), mail())
    host.tick("2 days")
    host.put("2 days", renews="2026-01-20")
    host.tick("2 days")
    host.engine.resume("j", at=after("3 days"))
    host.tick("60 days")
    assert host.left("soon") == utc("2026-01-20 00:00")


def test_held_openings_are_asked_again_at_the_resume(host):
    """The effective instant is the resume (R16): an opening at nine is nine, a window is asked again."""
    paused(host, Wait("nine", until="09:30"), mail(window=Window("MON-SUN", "09:00", "17:00")))
    host.engine.resume("j", at=utc("2026-01-06 03:00"))
    host.tick("9 days")
    assert host.left("nine") == utc("2026-01-06 09:30")


# --- archive --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(102, 136)
def test_archive_exits_everybody_and_counts(host):
    """Archive exits every active enrollment, EXITED "archived", and returns how many (R15)."""
    host.deploy(Wait("rest", "9 days"))
    for n in range(5):
        host.feed("go", START, f"c{n}")
    host.feed("go", "2 days", "late")
    host.tick()
    assert host.engine.archive("j", at=after("1 day")) == 5
    assert host.status("c3") == ("EXITED", "archived")
    assert host.engine.enrollment("j", "c3").ended_at == after("1 day")
    host.tick("30 days")
    assert host.engine.find_enrollment("j", "late") is None
    assert host.refused() == {}
    assert host.engine.audit() == []


def test_archive_leaves_other_journeys_and_other_ends_alone(host):
    """Only the active runs of that journey end (R15)."""
    host.deploy(Wait("rest", "1 day"), reentry="always")
    host.deploy(Wait("rest", "9 days"), id="k")
    host.say("go")
    host.tick("1 day")
    host.say("go", "2 days")
    assert host.engine.archive("j", at=after("50 hours")) == 1
    assert host.engine.enrollment("j", "c1", run=1).status == "COMPLETED"
    assert host.status(journey="k") == ("ACTIVE", "")


def test_archive_does_all_earlier_work_first(host):
    """All work with own instants before `at` is done first, for every journey, without deliveries (R11)."""
    host.deploy(Wait("rest", "1 day"), mail())
    host.deploy(Wait("rest", "1 day"), mail("other"), id="k")
    host.feed("go")
    assert host.engine.archive("j", at=after("2 days")) == 0
    assert host.path() == ["rest elapsed", "hello queued", "end"]
    assert host.path(journey="k") == ["rest elapsed", "other queued", "end"]


def test_work_at_the_instant_of_the_archive_is_not_done(host):
    """Before `at`, not at it (R11)."""
    host.deploy(Wait("rest", "1 day"), mail())
    host.say("go")
    assert host.engine.archive("j", at=after("1 day")) == 1
    assert host.path() == ["rest EXITED"]


def test_an_archive_that_means_a_later_instant_does_the_work_before_that(host):
    """An `at` before the journey's newest instant means that instant (R11): also for the work done first."""
    paused(host, Wait("rest", "3 days"), mail())
    host.engine.resume("j", at=after("6 days"))
    host.engine.archive("j", at=after("2 days"))
    assert host.engine.journey("j").archived_at == after("6 days")
    host.tick("9 days")
    assert host.status() == ("EXITED", "archived")
    assert host.engine.enrollment("j", "c1").ended_at == after("6 days")


def test_work_between_an_early_archive_and_the_instant_it_means_is_done(host):
    """The same, for work that no pause holds (R11)."""
    host.deploy(Wait("rest", "3 days"), mail())
    host.say("go")
    host.engine.pause("j", at=after("5 days"))
    host.engine.archive("j", at=after("1 day"))
    assert host.path() == ["rest elapsed", "hello queued", "end"]


def test_nobody_enters_an_archived_journey_not_even_late(host):
    """ARCHIVED is final and nobody is inside (R11, R15): a trigger told too late is refused."""
    host.deploy(Wait("rest", "9 days"))
    host.engine.archive("j", at=after("2 days"))
    host.feed("go", "1 day")
    host.tick("3 days")
    assert host.engine.find_enrollment("j", "c1") is None
    assert host.engine.journey("j").active == 0


def test_an_enrollment_told_before_the_archive_is_refused_after_it(host):
    """A manual enrollment that is handled after the archive is refused (R11, R24)."""
    host.deploy(Wait("rest", "9 days"))
    host.engine.enroll("j", "c1", at=after("2 days"))
    host.engine.archive("j", at=after("2 days"))
    host.tick("3 days")
    assert host.outcomes() == ["refused: archived"]
    assert host.last_refusal() == ("archived", {})


def test_an_archive_cancels_what_was_not_sent(host):
    """Messages of runs that the archive ended are not handed out (R71)."""
    host.deploy(mail(), Wait("rest", "9 days"))
    host.say("go")
    host.engine.archive("j", at=after("1 day"))
    assert host.claim("1 day") == ()
    assert host.messages() == ["hello CANCELLED"]


def test_archive_goes_through_everybody_in_batches(host):
    """However many are inside, a batch at a time (R15)."""
    engine = Engine(host.engine.store, batch_size=2)
    small = Host(engine)
    small.deploy(Wait("rest", "9 days"))
    for n in range(5):
        small.feed("go", START, f"c{n}")
    small.tick()
    assert engine.archive("j", at=after("1 day")) == 5
    assert engine.enrollments("j", status="EXITED").total == 5


def test_a_clock_jump_stops_an_archive_too():
    """The work that an archive does first is bounded as a tick's is (R3)."""
    host = Host(Engine(MemoryStore()))
    host.deploy(Wait("rest", "1 day"))
    host.say("go")
    with pytest.raises(ClockJump):
        host.engine.archive("j", at=after("3000 days"))
    assert host.engine.journey("j").status == "ACTIVE"
