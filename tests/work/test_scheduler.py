"""The order of work and the time it takes effect (R3 to R9), and what a pause does to it (R11, R16)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from journeyflow import (
    ClockJump,
    Condition,
    Engine,
    Event,
    Exit,
    Goal,
    MemoryStore,
    Trigger,
    Update,
    Wait,
    field,
    tag,
)
from tests.samples import START, STORES, Host, after, mail, open_engine, utc
from tests.work.test_pauses import paused


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
