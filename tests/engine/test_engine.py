"""The engine: what its calls take and refuse (R10), push delivery (R71), threads (R72), the next work (R73), tenants.

The instants of work are in `work/test_scheduler.py`, what becomes of inputs in `work/test_intake.py`.
"""

import gc
import logging
import pickle
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from journeyflow import (
    Conflict,
    End,
    Engine,
    Event,
    InvalidInput,
    InvalidJourney,
    Journey,
    MemoryStore,
    NotFound,
    Send,
    StorageError,
    TickResult,
    Trigger,
    Wait,
    field,
)
from journeyflow.answers import PublishedVersion
from journeyflow.records.changes import CatalogChanges, Changes
from tests.samples import START, STORES, Host, after, mail, open_engine


def pushing(store, handler, **options):
    """Give a host whose messages go to a handler."""
    return Host(open_engine(store, channels={"EMAIL": handler}, **options))


# --- opening and closing --------------------------------------------------------------------------------------------


def test_a_path_is_a_file_that_stays(tmp_path):
    """An engine on a path keeps everything in that file."""
    with Engine(tmp_path / "j.db") as engine:
        Host(engine).deploy(mail())
        Host(engine).say("go")
    with Engine(str(tmp_path / "j.db")) as engine:
        assert Host(engine).path() == ["hello queued", "end"]
        assert repr(engine) == f"Engine(SQLiteStore({str(tmp_path / 'j.db')!r}), tenant='default')"


def test_a_closed_engine_says_so(host):
    """Closing twice is closing once; afterwards every call tells that the store is closed."""
    host.engine.close()
    host.engine.close()
    with pytest.raises(StorageError, match="closed"):
        host.tick()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be 1 or more, not int 0"),
        ({"batch_size": True}, ValueError, "batch_size"),
        ({"dedup_days": -1}, ValueError, "dedup_days must be 0 or more"),
        ({"dedup_days": "90"}, ValueError, "dedup_days must be 0 or more, not str '90'"),
        ({"max_jump": "soon"}, ValueError, "max_jump: 'soon' is not a duration"),
        ({"max_jump": "-1 day"}, ValueError, "max_jump must lead forward"),
        ({"grace": "soon"}, ValueError, "grace: 'soon' is not a duration"),
        ({"grace": "-1 hour"}, ValueError, "grace must lead forward"),
        ({"channels": {"EMAIL": "mail"}}, TypeError, "channel 'EMAIL': the handler must be a function"),
    ],
)
def test_options_that_cannot_be_are_refused(options, error, words):
    """Each option says what it takes."""
    with pytest.raises(error, match=words):
        Engine(MemoryStore(), **options)


@pytest.mark.parametrize("store", [5, None, object()])
def test_what_is_no_store_is_refused(store):
    """A path or a Store, and a sentence that says so."""
    with pytest.raises(TypeError, match=r"store: expected the path of a file or a Store such as MemoryStore\(\), not"):
        Engine(store)


async def deliver(message):
    """Be a handler that is async."""
    raise AssertionError(message)


class AsyncCallable:
    """Be an object whose call is async."""

    async def __call__(self, message):
        """Deliver nothing."""
        raise AssertionError(message)


@pytest.mark.parametrize("handler", [deliver, AsyncCallable()])
def test_async_handlers_are_refused_at_construction(handler):
    """`async def` handlers are refused at construction (R71): their coroutine would never run."""
    with pytest.raises(TypeError, match="the handler is async; pass a plain function"):
        Engine(MemoryStore(), channels={"EMAIL": handler})


# --- ticks ----------------------------------------------------------------------------------------------------------


def test_a_tick_tells_what_it_did(host):
    """TickResult: inputs, entered, moves, messages, refused, late, next_due, more (R73)."""
    host.deploy(mail(), Wait("rest", "1 day"))
    host.feed("go")
    host.feed("go", "1 hour")
    expected = TickResult(inputs=2, entered=1, moves=1, messages=1, refused=1, next_due=after("1 day"), more=False)
    assert host.tick("1 hour") == expected
    assert host.tick("1 hour") == TickResult(next_due=after("1 day"))
    assert host.tick("2 days") == TickResult(moves=1)


def test_pending_adds_what_events_say_of_the_customer(host):
    """Tags, lists and fields that were fed count, in their order; what hangs on a message does not (R10, R50)."""
    host.put(START, tags=["old"], plan="free")
    host.tick()
    host.feed("tag.added", "1 hour", tag="new")
    host.feed("list.subscribed", "1 hour", list="news")
    host.feed("tag.removed", "2 hours", tag="old")
    host.feed("field.changed", "3 hours", field="address.city", new="Durban")
    host.put("4 hours", plan=None)
    for wrong in ({"tag": 5}, {}):
        host.feed("tag.added", "5 hours", **wrong)
    host.feed("field.changed", "5 hours", field="tags", new=1)
    host.feed("field.changed", "5 hours", field="address.city.part", new=1)
    host.feed("message.unsubscribed", "6 hours", message="x")
    foreseen = host.engine.customer("c1", pending=True)
    assert foreseen.attributes == {"tags": ["new"], "lists": ["news"], "address": {"city": "Durban"}}
    host.feed("anything", START, "c2")
    host.feed("message.sent", START, "c3")
    assert host.engine.customer("c2", pending=True).attributes == {}
    assert host.engine.find_customer("c3", pending=True) is None
    host.tick("1 day")
    assert host.engine.customer("c1") == foreseen


def test_a_limit_bounds_a_tick(host):
    """tick(now, limit=) handles so many items, `more` tells whether some are left (R73)."""
    for n in range(5):
        host.feed("x", f"{n} hours")
    results = [host.tick("1 day", limit=2) for _ in range(3)]
    assert [(result.inputs, result.more) for result in results] == [(2, True), (2, True), (1, False)]
    assert results[0].next_due == after("2 hours")


def test_a_limit_counts_what_a_tick_causes_too(host):
    """A run whose next instants are due as well takes a place of the limit for each of them (R4, R73)."""
    host.deploy(*(Wait(f"w{n}", "1 hour") for n in range(6)), mail())
    host.feed("go")
    results = [host.tick("1 day", limit=2) for _ in range(4)]
    assert [(result.inputs, result.moves, result.more) for result in results] == [
        (1, 2, True), (0, 2, True), (0, 2, True), (0, 1, False),
    ]  # fmt: skip
    assert host.engine.messages().items[0].at == after("6 hours")


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", True])
def test_a_limit_is_one_or_more(host, limit):
    """Anything else is refused."""
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        host.tick(limit=limit)


def test_the_next_work_is_told(host):
    """engine.next_due() over timers, inputs and leases of all tenants (R73)."""
    assert host.engine.next_due() is None
    host.deploy(mail(), Wait("rest", "1 day"))
    host.engine.tenant("other").feed(Event("x", customer="c1", at=after("2 days")))
    assert host.engine.next_due() == after("2 days")
    host.say("go")
    assert host.engine.next_due() == after("1 day")
    host.claim(lease="1 hour")
    assert host.engine.next_due() == after("1 hour")


@pytest.mark.parametrize("enabled", [True, False])
def test_a_tick_leaves_the_garbage_collector_as_it_was(host, enabled):
    """A tick may switch it off for its batches; afterwards all is as before."""
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        host.deploy(mail())
        host.say("go")
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was else gc.disable)()


# --- push -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_handlers_get_messages_after_the_commit(store):
    """Push = claim + handler + ack by the engine after the commit (R71)."""
    got = []

    def handler(message):
        got.append((message.customer, message.status, message.attempts))
        assert pushed.path() == ["hello queued", "end"]

    pushed = pushing(store, handler)
    pushed.deploy(mail())
    result = pushed.say("go")
    assert got == [("c1", "CLAIMED", 1)]
    assert (result.delivered, result.failed, result.more) == (1, 0, True)
    pushed.tick()
    assert pushed.messages() == ["hello SENT"]


@pytest.mark.parametrize("store", STORES)
def test_a_handler_that_raises_is_a_failed_attempt(store):
    """An exception is a nack: again at 1, 4, 16, 64 minutes, then given up (R71)."""
    calls = []

    def handler(message):
        calls.append(message.attempts)
        msg = "no route"
        raise OSError(msg)

    host = pushing(store, handler)
    host.deploy(mail())
    host.feed("go")
    failed = sum(host.tick(f"{minute} minutes").failed for minute in range(100))
    assert (failed, calls) == (5, [1, 2, 3, 4, 5])
    assert host.messages() == ["hello FAILED"]
    (error,) = {row[0] for row in host.rows("SELECT data ->> 'error' FROM inputs WHERE kind = 'nack'")}
    assert error == "OSError: no route"


class Unspeakable(Exception):
    """Be an error that cannot even be shown."""

    def __str__(self):
        """Fail."""
        raise ValueError


@pytest.mark.parametrize(
    "error", [Unspeakable(), OSError("caf\udce9.txt"), ValueError("x" * 100_000), KeyError("\x00")]
)
@pytest.mark.parametrize("store", STORES)
def test_a_handler_may_raise_anything(store, error, caplog):
    """Whatever a handler raises is a failed attempt of its own message, and loses no other answer (R71)."""
    caplog.set_level(logging.CRITICAL, "journeyflow")  # a report of this test cannot hold a lone surrogate

    def handler(message):
        if message.customer == "c1":
            raise error

    host = pushing(store, handler)
    host.deploy(mail())
    for n in range(3):
        host.feed("go", START, f"c{n}")
    result = host.tick()
    assert (result.delivered, result.failed) == (2, 1)
    host.tick()
    assert host.messages() == ["hello SENT", "hello QUEUED", "hello SENT"]


def test_handlers_serve_all_tenants_and_their_channels_only():
    """Tick serves all tenants (R91); what has no handler stays for a worker."""
    got = []
    host = pushing("memory", lambda message: got.append((message.tenant, message.channel)))
    host.deploy(mail(), Send("sms", channel="SMS", template="t"))
    other = Host(host.engine.tenant("other"))
    other.deploy(mail())
    other.feed("go")
    host.say("go")
    assert sorted(got) == [("default", "EMAIL"), ("other", "EMAIL")]
    assert [message.channel for message in host.claim()] == ["SMS"]
    host.tick()
    assert other.messages() == ["hello SENT"]


def test_a_handler_may_tell_the_engine_things():
    """A handler runs outside of every transaction: it may feed events (R71, R72)."""

    def handler(message):
        pushed.feed("message.opened", START, message.customer, message=message.id)

    pushed = pushing("memory", handler)
    pushed.deploy(mail(), Wait("reply", event="message.opened"))
    pushed.say("go")
    pushed.tick()
    assert pushed.path() == ["hello queued", "reply event", "end"]


def test_answers_need_a_message(host):
    """Ack takes messages and ids, nack claimed messages only (R71)."""
    for call, thing in ((host.engine.ack, 5), (host.engine.nack, "memory-1-1"), (host.engine.ack, "")):
        with pytest.raises(InvalidInput, match="expected a claimed Message"):
            call([thing], at=START)


def test_an_error_text_is_kept_with_the_nack(host):
    """What a worker tells of an error is kept with its input, whatever text it is (R71)."""
    host.deploy(mail())
    host.say("go")
    host.engine.nack(host.claim(), at=START, error="caf\udce9 " + "x" * 5_000)
    host.tick()
    ((error,),) = host.rows("SELECT data ->> 'error' FROM inputs WHERE kind = 'nack'")
    assert error.startswith("caf? xxx")
    assert len(error) == 1_000


def test_a_reason_is_text_that_can_be_kept(host):
    """The reason of an exit by hand is checked at the door (R10)."""
    host.deploy(Wait("rest", "1 day"))
    for reason in ("", 5, "\ud800", "a\x00"):
        with pytest.raises(InvalidInput, match="reason"):
            host.engine.exit("j", "c1", at=START, reason=reason)
    assert host.outcomes() == []


# --- journeys -------------------------------------------------------------------------------------------------------


@pytest.mark.rows(85)
def test_deploy_is_a_restart_that_changes_nothing(host):
    """Deploy = publish, and activate if DRAFT; PAUSED stays PAUSED, ARCHIVED raises (R12)."""
    journey = host.deploy(mail())
    assert host.engine.deploy(journey, at=after("1 hour")) == 1
    host.engine.pause("j", at=after("2 hours"))
    assert host.engine.deploy(journey, at=after("3 hours")) == 1
    info = host.engine.journey("j")
    assert (info.status, info.version, info.activated_at) == ("PAUSED", 1, START)
    host.engine.archive("j", at=after("4 hours"))
    with pytest.raises(Conflict, match="'j' is ARCHIVED"):
        host.engine.deploy(journey, at=after("5 hours"))


def test_a_deploy_of_an_older_version_says_that_it_changes_nothing(host, caplog):
    """R12: the answer is that version and not the newest, the log has a warning; a rollback makes it the newest."""
    engine, journey = host.engine, host.deploy(mail())
    assert engine.deploy(evolve(journey, max_visits=50), at=after("1 hour")).newest
    assert not caplog.records
    old = engine.deploy(journey, at=after("2 hours"))
    assert (old, old.newest, engine.journey("j").version) == (1, False, 2)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("journeyflow", "WARNING")
    assert record.getMessage().startswith("journey 'j' of tenant 'default': what was published is version 1, which is")
    again = engine.deploy(journey, at=after("3 hours"), rollback=True)
    assert (again, again.newest, engine.journey("j").version) == (1, True, 1)
    assert engine.definition("j", version=again) == journey
    assert len(caplog.records) == 1


def test_the_number_of_a_version_is_a_number(host):
    """R12: it takes part in sums, and survives a pickle with what it knows."""
    copied = pickle.loads(pickle.dumps(host.engine.publish(Journey(id="j", steps=[]), at=START)))  # noqa: S301 our own
    assert (copied + 1, copied.newest, str(copied), type(copied)) == (2, True, "1", PublishedVersion)


@pytest.mark.rows(85, 99)
def test_publishing_and_activating_by_itself(host):
    """Publish makes a DRAFT, activate starts it; a draft is replaced (R11, R12)."""
    journey = Journey(id="j", trigger=Trigger("go"), steps=[])
    assert host.engine.publish(journey, at=START) == 1
    with pytest.raises(InvalidJourney, match="no steps"):
        host.engine.activate("j", at=START)
    assert host.engine.publish(Journey(id="j", trigger=Trigger("go"), steps=[End("e")]), at=START) == 1
    assert host.engine.journey("j").status == "DRAFT"
    info = host.engine.activate("j", at=after("1 hour"))
    assert (info.status, info.version, info.activated_at) == ("ACTIVE", 1, after("1 hour"))


@pytest.mark.parametrize("call", ["activate", "pause", "resume", "archive"])
@pytest.mark.rows(86, 204)
def test_unknown_journeys_are_not_found(host, call):
    """Raises NotFound, with a suggestion (R84)."""
    host.deploy(mail(), id="welcome")
    with pytest.raises(NotFound, match=r"no journey 'welcom'.*did you mean 'welcome'"):
        getattr(host.engine, call)("welcom", at=START)


def test_what_is_overdue_is_run_or_shifted(host):
    """R16: any other word is refused."""
    host.deploy(mail())
    host.engine.pause("j", at=START)
    with pytest.raises(ValueError, match="overdue: expected 'run' or 'shift', not str 'skip'"):
        host.engine.resume("j", at=START, overdue="skip")
    assert host.engine.resume("j", at=START, overdue="run").status == "ACTIVE"


@pytest.mark.rows(19, 86, 118)
def test_definitions_can_be_read_back(host):
    """The newest version or a named one (R12, R84)."""
    first, second = host.deploy(mail("a")), host.deploy(mail("b"), when="1 hour")
    assert host.engine.definition("j") == second
    assert host.engine.definition("j", version=1) == first
    with pytest.raises(NotFound, match="no version 3 of journey 'j'"):
        host.engine.definition("j", version=3)


@pytest.mark.rows(1, 19)
def test_a_journey_is_a_named_automation_of_one_tenant(host):
    """Its trigger and its steps come back in their order, beside its name, its state and its figures."""
    steps: list[Any] = [mail("hello"), Wait("rest", "1 day"), mail("bye")]
    acme = host.engine.tenant("acme")
    acme.deploy(Journey(id="j", name="Onboarding", trigger=Trigger("go"), steps=steps), at=START)
    acme.feed(Event("go", customer="ann", at=START))
    host.tick()
    info, definition = acme.journey("j"), acme.definition("j")
    assert (info.name, info.tenant, info.status, info.trigger) == ("Onboarding", "acme", "ACTIVE", "go")
    assert (info.enrolled, info.active, info.completed) == (1, 1, 0)
    assert [step.id for step in definition.steps] == ["hello", "rest", "bye", "end"]
    assert (definition.name, definition.trigger) == ("Onboarding", Trigger("go"))
    for ask in (host.engine.tenant("other").journey, host.engine.tenant("other").definition):
        with pytest.raises(NotFound):
            ask("j")


def test_all_definitions_can_be_read_at_once(host):
    """The newest one of each journey of the tenant, by id (R12, R84)."""
    host.deploy(mail("a"), id="b")
    newest = host.deploy(mail("b"), when="1 hour", id="b")
    draft = Journey(id="a", steps=[mail()])
    host.engine.publish(draft, at=START)
    host.engine.tenant("other").publish(draft, at=START)
    assert host.engine.definitions() == {"a": draft, "b": newest}
    assert list(host.engine.definitions()) == ["a", "b"]
    assert host.engine.tenant("nobody").definitions() == {}


# --- tenants --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(3, 15, 205)
def test_tenants_never_see_each_other(host):
    """A foreign id is "not found" (R91), whatever is asked."""
    host.deploy(mail(), Wait("rest", "1 day"))
    host.put(START, name="Ann")
    host.say("go")
    other = host.engine.tenant("other")
    assert repr(other).endswith("tenant='other')")
    asked = [
        lambda: other.journey("j"),
        lambda: other.definition("j"),
        lambda: other.customer("c1"),
        lambda: other.enrollment("j", "c1"),
        lambda: other.enrollments("j"),
        lambda: other.enroll("j", "c1", at=START),
        lambda: other.exit("j", "c1", at=START),
        lambda: other.pause("j", at=START),
    ]
    for ask in asked:
        with pytest.raises(NotFound):
            ask()
    assert [other.journeys().total, other.enrollments().total, other.messages().total] == [0, 0, 0]
    assert other.claim("w", at=after("1 day")) == ()
    assert other.find_customer("c1", pending=True) is None


def test_the_same_ids_in_two_tenants_are_two_things(host):
    """Journeys, customers and events of the same id live side by side; one tick serves them all (R91)."""
    other = Host(host.engine.tenant("other"))
    for each in (host, other):
        each.deploy(mail(data={"n": "{{ n }}"}), reentry="always")
    host.put(START, n=1)
    other.put(START, n=2)
    other.feed("go")
    host.tick()
    assert host.engine.enrollments().total == 0
    assert other.claim()[0].data == {"n": 2}
    assert host.attributes() == {"n": 1}


def test_a_foreign_message_cannot_be_answered(host):
    """A worker of another tenant answers for nothing here (R71, R91)."""
    host.deploy(mail())
    host.say("go")
    message = host.claim()[0]
    host.engine.tenant("other").ack(message, at=START)
    host.engine.tenant("other").nack(message, at=START)
    host.tick()
    assert host.messages() == ["hello CLAIMED"]


@pytest.mark.rows(3, 15)
def test_a_journey_may_name_its_tenant(host):
    """journey.tenant says where it goes; an engine bound to another tenant does not take it (R91)."""
    journey = Journey(id="j", tenant="acme", trigger=Trigger("go"), steps=[mail()])
    host.engine.deploy(journey, at=START)
    acme = host.engine.tenant("acme")
    assert acme.journey("j").tenant == "acme"
    acme.deploy(journey, at=START)
    with pytest.raises(InvalidInput, match="journey 'j' belongs to 'acme', this engine to 'other'"):
        host.engine.tenant("other").deploy(journey, at=START)
    with pytest.raises(NotFound):
        host.engine.journey("j")


@pytest.mark.parametrize("name", ["", 5, "a\x1fb"])
def test_a_tenant_has_a_name(host, name):
    """A tenant exists by being named, by an id (R20)."""
    with pytest.raises(InvalidInput, match="tenant"):
        host.engine.tenant(name)


# --- threads --------------------------------------------------------------------------------------------------------


def test_threads_may_share_an_engine(host):
    """The engine is thread-safe (R72): feeding, publishing, ticking and asking at once."""
    host.deploy(mail(), Wait("rest", "1 hour"), reentry="always")
    errors = []

    def work(number):
        try:
            for n in range(15):
                host.put(f"{n} minutes", f"c{number}", n=n)
                host.feed("go", f"{n} minutes", f"c{number}-{n}")
                host.tick(f"{n} minutes")
                host.engine.journeys()
                host.deploy(End("done"), id=f"k{number}", when=f"{n} minutes")
        except Exception as error:  # noqa: BLE001 told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    host.tick("1 day")
    assert errors == []
    assert host.engine.enrollments("j", status="COMPLETED").total == 60
    assert host.engine.audit() == []


def test_the_catalog_of_another_engine_is_seen(tmp_path):
    """A journey that another process published is there for the next tick (R72)."""
    with Engine(tmp_path / "j.db", grace=None) as one, Engine(tmp_path / "j.db") as two:
        Host(one).say("go")
        Host(two).deploy(mail(), run_criteria=field("x").is_null())
        assert Host(one).say("go", "1 hour").entered == 1


def test_an_engine_on_any_store_takes_its_word(host):
    """An engine is opened on any Store; a second one on it sees the same."""
    host.deploy(mail())
    second = Engine(host.engine.store)
    assert second.journeys() == host.engine.journeys()
    assert second.store is host.engine.store


def test_what_fails_in_a_transaction_changes_nothing(host):
    """State changes commit together or not at all (R70): a store that breaks leaves everything as it was."""
    host.deploy(mail())
    host.feed("go")
    with pytest.raises(ZeroDivisionError), host.engine.store.transaction() as transaction:  # noqa: PT012 left by the error
        transaction.commit(Changes(catalog=CatalogChanges(meta=(("grace", "5"),))))
        _ = 1 // 0
    assert host.outcomes() == [None]
    assert host.tick().entered == 1


def test_instants_at_the_ends_of_time_are_taken(host):
    """Far ends of time are instants too: nothing overflows (R2, R61)."""
    host.deploy(Wait("rest", "900 years"), mail(), when=datetime(1, 1, 1, tzinfo=UTC))
    host.say("go", datetime(9999, 12, 31, 23, tzinfo=UTC))
    host.say("go", datetime(1, 1, 1, tzinfo=UTC), "c2")
    assert host.path("c1") == ["rest ACTIVE"]
    assert host.tick(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), allow_jump=True).moves == 2
