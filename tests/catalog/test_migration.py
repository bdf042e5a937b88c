"""People inside are moved on: to another version (R14), and past a pause that prolongs what they wait for (R16)."""

from datetime import UTC, datetime

import pytest

from journeyflow import (
    CannotMigrate,
    Condition,
    Conflict,
    End,
    InvalidInput,
    InvalidJourney,
    Journey,
    NotFound,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    field,
    tag,
)
from journeyflow.answers import Moved
from journeyflow.records.rows import name_of
from journeyflow.testing import conformance
from tests.samples import START, after, mail

ENGINE = {"grace": None, "max_jump": None, "batch_size": 2}


def publish(host, *steps, when="1 hour", **options):
    """Publish another version of "j"."""
    made = Journey(id="j", steps=steps, **{"trigger": Trigger("go"), **options})
    return host.engine.publish(made, at=after(when))


def due(host, customer="c1"):
    """Give the instant that a customer waits for in "j"."""
    return host.engine.enrollment("j", customer).due


def contents(host):
    """Give every row of every table."""
    names = [name for (name,) in host.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return {name: sorted(map(repr, host.rows(f"SELECT * FROM {name}"))) for name in names}


# --- to another version -----------------------------------------------------------------------------------------------


@pytest.mark.rows(63)
def test_people_go_on_in_the_new_version(host):
    """R14: the visit at hand ends as EXITED, the target is entered at the instant; waits count on."""
    host.deploy(mail("hello"), Wait("rest", "3 days"), mail("bye"))
    for name in ("ann", "bob", "cid"):
        host.feed("go", START, name)
    host.tick()
    assert publish(host, Wait("pause", "5 days"), mail("later")) == 2
    done = host.engine.migrate("j", 2, {"rest": "pause"}, at=after("1 day"))
    assert done.moves == (Moved(1, "rest", "pause", 3),)
    assert (done.journey, done.version, done.people, done.dry_run) == ("j", 2, 3, False)
    assert host.path("ann") == ["hello queued", "rest EXITED", "pause ACTIVE"]
    found = host.engine.enrollment("j", "ann")
    assert (found.version, found.step, found.due, found.status) == (2, "pause", after("5 days"), "ACTIVE")
    assert [visit.entered_at for visit in found.visits][1:] == [START, after("1 day")]
    host.tick("5 days")
    assert host.path("bob") == ["hello queued", "rest EXITED", "pause elapsed", "later queued", "end"]
    assert host.left("rest", "bob") == after("1 day")
    assert [(each.version, each.active) for each in host.engine.versions("j")] == [(1, 0), (2, 0)]
    before = host.engine.at("j", "bob", instant=after("1 hour"))
    assert (before.version, before.step, before.step_number) == (1, "rest", 2)
    assert host.engine.at("j", "bob", instant=after("2 days")).version == 2
    told = [each.text for each in host.engine.timeline("bob").moments]
    assert told[1] == "enters, version 1"
    assert ("rest: exited, migrated" in told, "pause: waits" in told) == (True, True)
    lines = str(host.engine.explain("j", "bob")).splitlines()
    assert lines[3].startswith("  2. 2026-01-05 08:00:00 rest: exited, left ")
    assert lines[4] == "       moved on by a migration"
    assert host.engine.audit() == []


def test_a_step_that_is_there_needs_no_mapping(host):
    """R14: under its own id; who is in that version already stays as they are."""
    host.deploy(Wait("rest", "3 days"))
    host.say("go", START, "ann")
    publish(host, Wait("rest", "6 days"), mail("more"))
    host.say("go", "2 hours", "bob")
    done = host.engine.migrate("j", 2, at=after("1 day"))
    assert done.moves == (Moved(1, "rest", "rest", 1),)
    assert (due(host, "ann"), due(host, "bob")) == (after("6 days"), after("6 days 2 hours"))
    assert host.path("bob") == ["rest ACTIVE"]
    assert host.engine.migrate("j", 2, at=after("2 days")).people == 0
    assert host.engine.migrate("j", 1, at=after("2 days")).people == 2, "there is a way back too"
    assert due(host, "ann") == after("3 days")


def test_nobody_is_left_without_a_place(host):
    """R14, ruling 6: the error lists every step with its people, and nothing changes."""
    host.deploy(Condition("vip", field("vip").eq(True), yes=[Wait("long", "9 days")], no=[Wait("short", "8 days")]))
    for name in ("ann", "bob", "cid"):
        host.put(START, name, vip=name == "ann")
        host.feed("go", START, name)
    host.tick()
    publish(host, Wait("rest", "1 day"))
    before = contents(host)
    with pytest.raises(CannotMigrate) as caught:
        host.engine.migrate("j", 2, at=after("2 hours"))
    assert caught.value.people == {"long": ("ann",), "short": ("bob", "cid")}
    assert str(caught.value) == (
        "journey 'j' cannot migrate to version 2, which does not have a place for every customer;"
        " map these steps to steps of it, or to None for exit:"
        "\n  - step 'long' holds 1 (ann)\n  - step 'short' holds 2 (bob, cid)"
    )
    with pytest.raises(CannotMigrate, match=r"step 'short' holds 2 \(bob, cid\)"):
        host.engine.migrate("j", 2, {"long": "rest"}, at=after("2 hours"))
    with pytest.raises(CannotMigrate):
        host.engine.migrate("j", 2, {"long": "rest"}, at=after("2 hours"), dry_run=True)
    assert contents(host) == before


def test_a_dry_run_tells_and_changes_nothing(host):
    """R14: not even the work that is due is done."""
    host.deploy(Wait("rest", "1 day"), Wait("more", "1 day"))
    host.feed("go", START, "ann")
    host.tick()
    publish(host, Wait("other", "1 day"))
    before = contents(host)
    told = host.engine.migrate("j", 2, {"rest": "other", "more": None}, at=after("30 hours"), dry_run=True)
    assert (told.moves, told.dry_run) == ((Moved(1, "rest", "other", 1),), True)
    assert contents(host) == before
    done = host.engine.migrate("j", 2, {"rest": "other", "more": None}, at=after("30 hours"))
    assert done.moves == (Moved(1, "more", None, 1),), "what was due before has been done first"


def test_people_may_be_led_out(host):
    """R14: EXITED, "migrated", at the instant; their messages are cancelled like those of any exit."""
    host.deploy(mail("hello"), Wait("rest", "3 days"))
    host.feed("go")
    host.tick()
    publish(host, mail("other"))
    assert host.engine.migrate("j", 2, {"rest": None}, at=after("1 day")).moves == (Moved(1, "rest", None, 1),)
    assert host.status() == ("EXITED", "migrated")
    assert host.engine.enrollment("j", "c1").ended_at == after("1 day")
    assert host.claim("1 day") == ()
    assert host.messages() == ["hello CANCELLED"]
    assert host.engine.audit() == []


@pytest.mark.parametrize(
    ("step", "path"),
    [
        (mail("to"), ["to queued", "end"]),
        (Condition("to", field("vip").eq(True), yes=[mail("yes")], no=[mail("no")]), ["to yes", "yes queued", "end"]),
        (Split("to", arm(100, [mail("a")])), ["to A", "a queued", "end"]),
        (Update("to", tag.add("moved")), ["to", "end"]),
        (End("to", "won"), ["to won"]),
    ],
)
def test_any_step_can_be_a_target(host, step, path):
    """R14, R4: it is entered at the instant, and the next tick goes on from there at that same instant."""
    host.deploy(Wait("rest", "3 days"))
    host.put(START, vip=True)
    host.feed("go")
    host.tick()
    publish(host, Wait("first", "1 day"), step)
    host.engine.migrate("j", 2, {"rest": "to"}, at=after("1 day"))
    assert host.path() == ["rest EXITED", "to ACTIVE"]
    host.tick("9 days")
    assert host.path() == ["rest EXITED", *path]
    assert host.engine.enrollment("j", "c1").ended_at == after("1 day")
    assert host.engine.audit() == []


@pytest.mark.parametrize(
    ("wait", "expected", "outcome", "left"),
    [
        (Wait("to", "2 hours"), "1 day", "elapsed", "1 day"),
        (Wait("to", "2 days"), "2 days", "elapsed", "2 days"),
        (Wait("to", at=after("2 hours")), "1 day", "elapsed", "1 day"),
        (Wait("to", at=after("2 days")), "2 days", "elapsed", "2 days"),
        (Wait("to", until="10:00"), "1 day", "elapsed", "26 hours"),
        (Wait("to", until="WED 10:00"), "50 hours", "elapsed", "50 hours"),
        (Wait("to", field="soon"), "2 days", "elapsed", "2 days"),
        (Wait("to", field="gone"), "1 day", "past", "1 day"),
        (Wait("to", field="nothing"), "1 day", "missing", "1 day"),
        (Wait("to", event="x", timeout="2 hours"), "1 day", "timeout", "1 day"),
        (Wait("to", event="x", timeout="4 days"), "4 days", "event", "3 days"),
        (Wait("to", event="x"), None, "event", "3 days"),
    ],
)
def test_a_wait_goes_on_from_the_instant_waited_from(host, wait, expected, outcome, left):
    """R14: the end is counted anew from there; what is over by then is left at the instant of the migration."""
    host.deploy(Wait("rest", "9 days"))
    host.put(START, soon=after("2 days").isoformat(), gone="2020-01-01")
    host.feed("go")
    host.tick()
    publish(host, wait)
    host.engine.migrate("j", 2, {"rest": "to"}, at=after("1 day"))
    assert due(host) == (None if expected is None else after(expected))
    host.tick("70 hours")
    host.say("x", "3 days")
    host.tick("9 days")
    assert host.path() == ["rest EXITED", f"to {outcome}", "end"]
    assert host.left("to") == after(left)


def test_what_was_sent_and_waited_for_is_found_under_its_new_name(host):
    """R14, R59: rules of the new version read the messages and events of the old one, mapped or not."""
    host.deploy(mail("hello"), Wait("reply", event="order"), Wait("rest", "9 days"))
    host.feed("go")
    host.tick()
    host.say("order", "1 hour", "c1", amount=7)
    first = Condition("opened", field("message.greeting.opened").eq(True), yes=[mail("thanks")])
    publish(
        host,
        mail("greeting"),
        Wait("answer", event="order"),
        Wait("rest", "1 day"),
        first,
        Update("note", field("amount").set("{{ wait.answer.amount }}"), field("id").set("{{ message.greeting.id }}")),
        when="2 hours",
    )
    mapping = {"hello": "greeting", "reply": "answer"}
    host.engine.migrate("j", 2, mapping, at=after("3 hours"))
    host.say("message.opened", "4 hours", "c1", message="memory-1-1")
    host.tick("2 days")
    assert host.path() == [
        *("hello queued", "reply event", "rest EXITED", "rest elapsed", "opened yes", "thanks queued", "note", "end"),
    ]
    assert (host.attributes()["amount"], host.attributes()["id"]) == (7, "memory-1-1")
    assert host.engine.audit() == []


def test_messages_of_the_old_version_are_handed_out(host):
    """R71: a claim asks by the version that made them; explain tells each visit by its own."""
    host.deploy(mail("hello", transactional=True), Split("test", arm(100, [Wait("rest", "9 days")])))
    host.put(START, consent={"EMAIL": False})
    host.feed("go")
    host.tick()
    publish(host, Wait("other", "1 day"))
    host.engine.migrate("j", 2, {"rest": "other"}, at=after("1 day"))
    assert [message.step for message in host.claim("1 day")] == ["hello"]
    told = str(host.engine.explain("j", "c1"))
    assert "test: completed A" in told
    assert "arm A, 100% of people" in told
    assert "rest: exited" in told
    assert "now waiting at other" in told


def test_a_migration_of_a_paused_journey_waits_for_the_resume(host):
    """R14, R16: the target is entered, but nothing goes on from there before."""
    host.deploy(Wait("rest", "2 days"))
    host.feed("go")
    host.tick()
    publish(host, mail("to"))
    host.engine.pause("j", at=after("1 day"))
    host.engine.migrate("j", 2, {"rest": "to"}, at=after("3 days"))
    host.tick("4 days")
    assert host.path() == ["rest EXITED", "to ACTIVE"]
    host.engine.resume("j", at=after("5 days"))
    host.tick("6 days")
    assert host.left("to") == after("5 days")
    assert host.engine.audit() == []


def test_an_unpublished_target_is_passed_through(host):
    """R14, R17: to the next step that is published."""
    host.deploy(Wait("rest", "2 days"))
    host.feed("go")
    host.tick()
    publish(host, Wait("a", "1 day"), mail("b"), Wait("c", "1 day"))
    host.engine.set_published("j", {"a": False, "b": False}, at=after("2 hours"))
    host.engine.migrate("j", 2, {"rest": "a"}, at=after("1 day"))
    assert host.path() == ["rest EXITED", "a SKIPPED", "b SKIPPED", "c ACTIVE"]
    assert due(host) == after("2 days")
    assert host.engine.audit() == []


def test_parallel_runs_are_all_moved(host):
    """R14, R22: every run of a customer, however the batches fall; archive ends them all too."""
    from journeyflow import Reentry  # noqa: PLC0415 for this test alone

    options = {"reentry": Reentry("always", key="event.cart")}
    host.deploy(Wait("rest", "9 days"), **options)
    for cart in ("x", "y", "z"):
        for name in ("ann", "bob"):
            host.feed("go", START, name, cart=cart)
    host.tick()
    publish(host, Wait("other", "9 days"), **options)
    assert host.engine.migrate("j", 2, {"rest": "other"}, at=after("1 day")).people == 6
    assert {each.version for each in host.engine.enrollments("j").items} == {2}
    assert host.engine.archive("j", at=after("2 days")) == 6
    assert {each.status for each in host.engine.enrollments("j").items} == {"EXITED"}
    assert host.engine.audit() == []


def test_what_cannot_be_migrated(host):
    """R11, R84: unknown journeys and versions, states in which nobody is inside, mappings that name nothing."""
    engine = host.engine
    engine.publish(Journey(id="j", steps=[Wait("rest", "1 day"), End("done")]), at=START)
    with pytest.raises(Conflict, match="journey 'j' is DRAFT and cannot become migrated; no customer is inside"):
        engine.migrate("j", 1, at=START)
    engine.activate("j", at=START)
    with pytest.raises(NotFound, match="no version 2 of journey 'j'"):
        engine.migrate("j", 2, at=START)
    with pytest.raises(NotFound, match="no journey 'k'"):
        engine.migrate("k", 1, at=START)
    with pytest.raises(InvalidInput) as caught:
        engine.migrate("j", 1, {"rust": "done", "rest": "dune", "done": 5}, at=START)
    assert caught.value.faults == (
        "mapping: no version of 'j' has a step 'rust' (did you mean 'rest'?)",
        "mapping['rest']: version 1 has no step 'dune' (did you mean 'done'?)",
        "mapping['done']: expected the id of a step, or None for exit, not int 5",
    )
    engine.archive("j", at=START)
    with pytest.raises(Conflict, match="ARCHIVED"):
        engine.migrate("j", 1, at=START)


def test_a_version_that_flags_do_not_allow_takes_nobody(host):
    """R14, R17: it would be walked in zero time for ever."""
    host.deploy(Wait("week", "1 week"), mail("hello", next="week"))
    publish(host, mail("hello"))
    host.engine.set_published("j", {"week": False}, at=after("2 hours"))
    with pytest.raises(InvalidJourney, match="without 'week'"):
        host.engine.migrate("j", 1, at=after("3 hours"))


# --- past a pause -----------------------------------------------------------------------------------------------------


def shift(host, pause="12 hours", resume="36 hours"):
    """Pause "j" for a day, and resume it so that waits are prolonged."""
    host.engine.pause("j", at=after(pause))
    host.tick(resume)
    info = host.engine.resume("j", at=after(resume), overdue="shift")
    assert info.status == "ACTIVE"


@pytest.mark.parametrize(
    ("wait", "run", "shifted"),
    [
        (Wait("rest", "1 day"), "36 hours", "2 days"),
        (Wait("rest", "4 days"), "4 days", "5 days"),
        (Wait("rest", event="x", timeout="1 day"), "36 hours", "2 days"),
        (Wait("rest", event="x"), None, None),
        (Wait("rest", "1 day", window=Window("MON-FRI", "09:00", "10:00")), "49 hours", "73 hours"),
        (Wait("rest", until="09:00"), "49 hours", "49 hours"),
        (Wait("rest", at=after("1 day")), "36 hours", "36 hours"),
        (Wait("rest", at=after("3 days")), "3 days", "3 days"),
        (Wait("rest", field="soon"), "36 hours", "36 hours"),
        (Wait("rest", field="soon", every="year"), "36 hours", "366 days"),
        (mail("rest", window=Window("MON-FRI", "09:00", "10:00")), "49 hours", "49 hours"),
    ],
)
def test_a_resume_may_shift_what_is_waited_for(host, wait, run, shifted):
    """R16, ruling 5: durations and timeouts are prolonged by the pause, other waits take their next opening."""
    host.put(START, soon=after("1 day").isoformat())
    for name, policy, expected in (("j", "run", run), ("k", "shift", shifted)):
        host.deploy(wait, id=name, trigger=Trigger(f"go {name}"))
        host.say(f"go {name}")
        host.engine.pause(name, at=after("25 minutes" if wait.window or getattr(wait, "until", None) else "12 hours"))
        host.tick("35 hours")
        host.engine.resume(name, at=after("36 hours"), overdue=policy)
        host.tick("400 days")
        assert host.engine.enrollment(name, "c1").status == ("COMPLETED" if expected else "ACTIVE")
        assert expected is None or host.left("rest", "c1", name) == after(expected), policy
    assert host.engine.audit() == []


def test_pauses_add_up(host):
    """R16: each prolongs the rest by the part of it that was spent there, and a migration keeps that."""
    host.deploy(Wait("rest", "3 days"))
    host.say("go")
    shift(host)
    assert due(host) == after("4 days")
    shift(host, "2 days", "4 days")
    assert due(host) == after("6 days")
    host.say("go", "4 days", "late")
    publish(host, Wait("other", "4 days"), when="4 days")
    host.engine.migrate("j", 2, {"rest": "other"}, at=after("5 days"))
    assert due(host) == after("7 days")
    shift(host, "5 days", "6 days")
    assert (due(host), due(host, "late")) == (after("8 days"), after("9 days"))
    host.tick("8 days")
    assert host.left("other") == after("8 days")
    assert host.engine.audit() == []


def test_the_next_rest_is_not_prolonged(host):
    """R16: what a pause adds belongs to the rest that it hit."""
    host.deploy(Wait("rest", "1 day"), Wait("more", "1 day"))
    host.say("go")
    shift(host)
    host.tick("2 days")
    shift(host, "50 hours", "51 hours")
    host.tick("9 days")
    assert (host.left("rest"), host.left("more")) == (after("2 days"), after("73 hours"))


def test_an_event_still_ends_a_prolonged_wait(host):
    """R16, R36: the timeout moved, the event did not."""
    host.deploy(Wait("rest", event="x", timeout="1 day"))
    host.say("go")
    shift(host)
    host.say("x", "40 hours")
    assert host.path() == ["rest event", "end"]


def test_a_shifting_resume_does_what_came_before_first(host):
    """R11: work of other journeys too; and only a PAUSED journey is resumed."""
    host.deploy(Wait("rest", "3 days"))
    host.deploy(Wait("brief", "1 day"), id="k", trigger=Trigger("other"))
    host.feed("go")
    host.feed("other")
    host.engine.pause("j", at=after("1 hour"))
    host.engine.resume("j", at=after("2 days"), overdue="shift")
    assert host.engine.enrollment("k", "c1").status == "COMPLETED"
    assert due(host) == after("3 days 47 hours")
    with pytest.raises(Conflict):
        host.engine.resume("j", at=after("2 days"), overdue="shift")
    with pytest.raises(ValueError, match="overdue: expected 'run' or 'shift', not str 'later'"):
        host.engine.resume("j", at=after("2 days"), overdue="later")


def test_calendar_days_are_prolonged_by_the_exact_pause(host):
    """R16, R33: the end is the calendar's, then the length of the pause is added, also over a clock change."""
    paris = {"timezone": "Europe/Paris"}
    host.deploy(Wait("rest", "1 month"), when=datetime(2026, 3, 1, 8, tzinfo=UTC), **paris)
    host.say("go", datetime(2026, 3, 1, 8, tzinfo=UTC))
    host.engine.pause("j", at=datetime(2026, 3, 10, tzinfo=UTC))
    host.engine.resume("j", at=datetime(2026, 3, 12, tzinfo=UTC), overdue="shift")
    assert due(host) == datetime(2026, 4, 3, 7, tzinfo=UTC)


def test_a_message_is_found_by_the_name_of_the_version_of_its_run():
    """R14: each migration renames what was sent before it, and nothing later."""
    renamed = [[2, {"hello": "hi"}], [4, {"hi": "welcome"}]]
    moved = conformance.run(1, 1, memory={"renamed": renamed})
    assert [name_of(moved, conformance.post(1, n)) for n in (1, 3, 5)] == ["welcome", "hello", "hello"]
    assert name_of(conformance.run(1, 1), conformance.post(1, 1)) == "hello"
