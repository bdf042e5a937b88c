"""Forgetting people, and giving space back (R86)."""

from datetime import timedelta
from pathlib import Path

import pytest

from journeyflow import (
    ClockJump,
    Engine,
    Event,
    Goal,
    InvalidInput,
    Limits,
    NotFound,
    Reentry,
    Send,
    StorageError,
    Trigger,
    Update,
    Wait,
    field,
)
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, Host, after, open_engine

ENGINE = {"grace": None, "max_jump": None}


def letter(step="hello", **options):
    """Write a Send with data of the customer."""
    return Send(step, **{"channel": "EMAIL", "template": step, "data": {"name": "{{ name }}"}, **options})


def enter(host, *customers, **data):
    """Tell of customers and enter them into journey "j"."""
    for customer in customers:
        host.put(START, customer, name=f"Mr {customer}", email=f"{customer}@example.com")
        host.engine.feed(Event("go", customer=customer, at=START, id=f"go-{customer}", data={"note": customer, **data}))
    host.tick()


def everything(host):
    """Give every text that the store keeps of people, as one."""
    tables = ("customers", "inputs", "enrollments", "moves", "messages", "last_refusals", "deferred")
    return "\n".join(str(row) for table in tables for row in host.rows(f"SELECT * FROM {table}"))


# --- forgetting -----------------------------------------------------------------------------------------------------


@pytest.mark.rows(213)
def test_a_forgotten_customer_leaves_rows_without_a_person(host):
    """Enrollments stay, EXITED "forgotten", under an anonymous number; nothing personal stays anywhere (R86)."""
    host.deploy(letter(), Wait("rest", "3 days"), run_criteria=field("name").ne("x"))
    enter(host, "ann", "bob")
    host.feed("go", "1 hour", "ann", note="again, ann")
    host.feed("later", "9 days", "ann", note="ann waits")
    assert host.engine.forget("ann", at=after("1 day")) == 1
    assert "ann" not in everything(host)
    assert [(each.run, each.status, each.reason) for each in host.engine.enrollments().items] == [
        (1, "EXITED", "forgotten"),
        (1, "ACTIVE", ""),
    ]
    (gone, _) = host.engine.enrollments().items
    assert host.rows("SELECT n, step, status FROM visits WHERE enrollment = ? ORDER BY n", [gone.serial]) == [
        (1, "hello", "COMPLETED"),
        (2, "rest", "EXITED"),
    ]
    assert host.outcomes() == ["handled"] * 5 + ["forgotten"]
    assert (gone.ended_at, host.engine.find_customer("ann")) == (after("1 day"), None)
    assert host.engine.customer("bob").attributes["name"] == "Mr bob"
    assert host.engine.audit() == []


def test_work_before_is_done_first(host):
    """What was due before the instant is done before anybody is forgotten, as for an archive (R11)."""
    host.deploy(letter("a"), Wait("rest", "1 day"), letter("b"))
    enter(host, "ann")
    assert host.engine.forget("ann", at=after("2 days")) == 0
    assert host.messages() == ["a CANCELLED", "b CANCELLED"]
    assert host.rows("SELECT status FROM enrollments") == [("COMPLETED",)]


def test_an_instant_too_far_ahead_is_a_slip():
    """ClockJump as for a tick, unless it is allowed (R3, R11)."""
    with open_engine("memory", max_jump="30 days") as engine:
        strict = Host(engine)
        strict.deploy(Wait("rest", "1 day"))
        enter(strict, "ann")
        with pytest.raises(ClockJump):
            engine.forget("ann", at=after("90 days"))
        assert engine.forget("ann", at=after("90 days"), allow_jump=True) == 0


def test_later_events_make_a_new_person(host):
    """The id is free again: the next event makes somebody without a past, who enters as for the first time (R86)."""
    host.deploy(letter(), Wait("rest", "1 day"))
    enter(host, "ann")
    host.engine.forget("ann", at=after("1 hour"))
    host.say("go", "2 hours", "ann")
    assert host.engine.customer("ann").attributes == {}
    assert host.engine.enrollment("j", "ann").run == 1
    assert host.refused() == {}
    assert host.engine.forget("ann", at=after("3 hours")) == 1
    assert len(set(host.rows("SELECT id FROM customers"))) == 2
    assert host.engine.audit() == []


def test_the_ids_of_events_are_known_as_those_of_somebody_forgotten(host):
    """An event that comes again brings nobody back (R86); of others it is known as before (R26)."""
    host.deploy(Wait("rest", "1 day"))
    enter(host, "ann", "bob")
    host.engine.forget("ann", at=after("1 hour"))
    for customer in ("ann", "bob"):
        host.engine.feed(Event("go", customer=customer, at=after("2 hours"), id=f"go-{customer}"))
    host.tick("2 hours")
    assert host.outcomes()[-2:] == ["forgotten", "conflicting"]


def test_nothing_is_sent_any_more(host):
    """Unclaimed messages are cancelled, also of runs that have ended and with cancel_on_exit=False (R86)."""
    host.deploy(letter("a", cancel_on_exit=False), letter("b", transactional=True))
    enter(host, "ann", "bob")
    host.engine.forget("ann", at=after("1 hour"))
    assert [message.customer for message in host.claim("2 hours")] == ["bob", "bob"]
    assert host.messages()[:2] == ["a CANCELLED", "b CANCELLED"]


def test_what_a_worker_has_is_acked_without_a_person(host):
    """The ack makes it SENT, and tells nobody: no event, no entry, no attribute (R52, R71, R86)."""
    host.deploy(letter())
    host.deploy(Wait("rest", "1 day"), id="heard", trigger=Trigger("message.sent"))
    enter(host, "ann")
    (message,) = host.claim("1 hour")
    host.engine.forget("ann", at=after("1 hour"))
    host.engine.ack(message, at=after("2 hours"))
    host.engine.feed(Event("message.opened", customer="ann", at=after("2 hours"), data={"message": message.id}))
    host.tick("2 hours")
    assert host.messages() == ["hello SENT"]
    assert host.outcomes()[-2:] == ["forgotten", "unmatched"]
    assert host.rows("SELECT count(*) FROM enrollments") == [(1,)]
    assert host.rows("SELECT attributes FROM customers") == [("{}",)]
    assert host.engine.audit() == []


@pytest.mark.parametrize("given_back", [True, False])
def test_what_a_worker_could_not_deliver_is_cancelled(host, given_back):
    """Neither a nack nor the end of a lease brings the message back (R71, R86)."""
    host.deploy(letter())
    enter(host, "ann")
    (message,) = host.claim("1 hour", lease="1 hour")
    host.engine.forget("ann", at=after("1 hour"))
    if given_back:
        host.engine.nack(message, at=after("90 minutes"), error="no mailbox ann@example.com")
    host.tick("1 day")
    assert host.messages() == ["hello CANCELLED"]
    assert host.engine.claim("w", at=after("2 days")) == ()


def test_what_channels_said_is_taken_out(host):
    """The error of a nack may name the mailbox; of others it stays (R86)."""
    host.deploy(letter())
    enter(host, "ann", "bob")
    for message in host.claim("1 hour"):
        host.engine.nack(message, at=after("1 hour"), error=f"no mailbox {message.customer}")
    host.tick("1 hour")
    told = host.claim("2 hours")
    host.engine.nack(told[0], at=after("9 days"), error="ann again")
    host.engine.forget("ann", at=after("3 hours"))
    assert "ann" not in everything(host)
    assert "no mailbox bob" in everything(host)
    host.tick("10 days")
    assert host.engine.audit() == []


@pytest.mark.rows(213)
def test_sums_stay_what_they_were(host):
    """What happened to messages, revenue and conversions are counted as before (R80, R86)."""
    host.deploy(letter(), Wait("rest", "1 day"), goal=Goal("order", within="9 days"))
    enter(host, "ann", "bob")
    for message in host.claim("1 hour"):
        host.engine.ack(message, at=after("1 hour"))
        of_it = {"message": message.id, "amount": 500}
        for kind in ("message.opened", "message.clicked", "revenue"):
            host.engine.feed(
                Event(kind, customer=message.customer, at=after("2 hours"), data={**of_it, "x": message.customer})
            )
        host.feed("order", "3 hours", message.customer)
        host.feed("revenue", "3 hours", message.customer, amount=70, note=message.customer)
        host.feed("message.host-defined", "3 hours", message.customer, message=message.customer)
    host.tick("4 hours")
    kept = host.rows("SELECT * FROM counters ORDER BY 1, 2, 3, 4, 5, 6")
    host.engine.forget("ann", at=after("5 hours"))
    assert "ann" not in everything(host)
    again = host.rows("SELECT * FROM counters ORDER BY 1, 2, 3, 4, 5, 6")
    assert {row[:6]: row[6] for row in kept}.items() <= {row[:6]: row[6] for row in again}.items()
    assert host.engine.audit() == []


def test_parallel_runs_and_memories_go(host):
    """Keys of parallel runs and the data of awaited events are personal too; every active run is ended (R22, R36)."""
    host.deploy(
        Wait("reply", event="said", on_event=[Wait("long", "9 days")]),
        reentry=Reentry.always(key="event.cart"),
    )
    for cart in ("ann-1", "ann-2"):
        host.feed("go", START, "ann", cart=cart)
    host.feed("said", "1 hour", "ann", word="ann-word")
    host.tick("1 hour")
    assert host.engine.forget("ann", at=after("2 hours")) == 2
    assert "ann" not in everything(host)
    assert host.engine.audit() == []


def test_who_waits_for_a_slot_waits_no_longer(host):
    """An entry that was put off is dropped; the queue goes on with the next one (R23, R86)."""
    host.deploy(Wait("rest", "9 days"), limits=Limits(per_hour=1))
    enter(host, "bob", "ann", "cid")
    host.engine.forget("ann", at=after("1 minute"))
    assert "ann" not in everything(host)
    host.tick("1 day")
    assert [each.customer for each in host.engine.enrollments().items] == ["bob", "cid"]
    assert host.engine.audit() == []


def test_an_update_after_is_of_nobody(host):
    """Runs of others and later ticks go on as if nothing had been (R91)."""
    host.deploy(Wait("rest", "1 day"), Update("paid", field("plan").set("{{ name }}")))
    enter(host, "ann", "bob")
    host.engine.forget(["ann"], at=after("1 hour"))
    host.tick("2 days")
    assert host.attributes("bob")["plan"] == "Mr bob"
    assert "ann" not in everything(host)


def test_somebody_unknown_is_not_found(host):
    """Of whom nothing is known cannot be forgotten, and nothing is changed; a tenant's people are its own (R91)."""
    host.deploy(Wait("rest", "1 day"))
    enter(host, "ann")
    with pytest.raises(NotFound, match="customer 'eve'"):
        host.engine.forget(["ann", "eve"], at=after("1 hour"))
    with pytest.raises(NotFound):
        host.engine.tenant("other").forget("ann", at=after("1 hour"))
    with pytest.raises(InvalidInput, match="customer: must not be empty"):
        host.engine.forget("", at=after("1 hour"))
    assert host.status("ann") == ("ACTIVE", "")


def test_somebody_of_whom_only_inputs_tell_can_be_forgotten(host):
    """Whoever waits in the inbox, without ever having been handled, is taken out of it (R86)."""
    host.engine.feed(Event("go", customer="Eve", at=after("9 days"), data={"name": "Eve"}))
    assert host.engine.forget("Eve", at=START) == 0
    assert "Eve" not in everything(host)
    assert host.tick("10 days").inputs == 0


def test_an_update_of_the_file_is_not_read_again(host):
    """Forgetting nobody changes nothing."""
    assert host.engine.forget([], at=START) == 0


# --- the file ---------------------------------------------------------------------------------------------------------


SECRETS = ("ann-secret", "Mr ann-secret", "old-secret", "cart-secret", "word-secret", "go-ann-secret", "mailbox-secret")
"""Texts that stand in the file before, each of them somewhere else."""


def bytes_of(path: Path) -> bytes:
    """Give all bytes of a database: the file and what lies beside it."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def live(engine: Engine) -> None:
    """Leave traces of a customer everywhere: in rows, in free space, in the log."""
    host = Host(engine)
    host.deploy(letter(), Wait("reply", event="said", timeout="20 days"), reentry=Reentry.always(key="event.cart"))
    for number in range(400):
        host.put(START, f"c{number}", name="somebody", text="x" * 50)
    engine.put_customer("ann-secret", {"name": "old-secret", "long": "old-secret " * 900}, at=START)
    host.tick()
    enter(host, "ann-secret", cart="cart-secret")
    enter(host, "bob", cart="cart")
    (message, _) = host.claim("1 minute", channels="EMAIL")
    engine.nack(message, at=after("1 minute"), error="mailbox-secret is full")
    host.feed("said", "1 hour", "ann-secret", cart="cart-secret", word="word-secret")
    host.tick("1 hour")
    for number in range(0, 400, 2):  # pages are rewritten, split and freed
        engine.put_customer(f"c{number}", {"text": "y" * 700}, at=after("2 hours"))
    engine.put_customer("ann-secret", {"long": None}, at=after("2 hours"))
    host.feed("later", "9 days", "ann-secret", word="word-secret")
    host.tick("3 hours")


@pytest.mark.unmeasured
def test_not_a_byte_is_left_in_the_file(tmp_path: Path) -> None:
    """The whole file is scanned, with free pages and the log: every secret was there, none is any more (R86)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None, max_jump=None) as engine:
        live(engine)
        assert [secret for secret in SECRETS if secret.encode() not in bytes_of(path)] == []
        engine.forget("ann-secret", at=after("1 day"))
        assert b"secret" not in bytes_of(path)
        assert engine.audit() == []
        assert engine.tick(after("30 days")).inputs == 0


@pytest.mark.unmeasured
def test_scrubbing_may_wait_for_vacuum(tmp_path: Path) -> None:
    """With scrub=False the rows are without a person, and traces stay in free space until `vacuum` (R86)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None, max_jump=None) as engine:
        live(engine)
        engine.forget("ann-secret", at=after("1 day"), scrub=False)
        assert b"old-secret" in bytes_of(path)
        size = len(bytes_of(path))
        engine.vacuum()
        assert b"secret" not in bytes_of(path)
        assert len(bytes_of(path)) < size
        assert engine.audit() == []


@pytest.mark.unmeasured
def test_a_reader_elsewhere_keeps_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody still reads what was there before it cannot go; the error says so, and vacuum does it later."""
    monkeypatch.setattr("journeyflow.stores.sqlite.opening.READER_SECONDS", 0.05)
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None, max_jump=None) as engine:
        live(engine)
        other = SQLiteStore(path)
        with other.reader() as reader:
            reader.rows("SELECT count(*) FROM customers")
            with pytest.raises(StorageError, match="vacuum again when it is done"):
                engine.forget("ann-secret", at=after("1 day"))
        other.close()
        assert b"old-secret" in bytes_of(path)
        engine.vacuum()
        assert b"old-secret" not in bytes_of(path)


def test_a_closed_or_missing_file_is_told(tmp_path: Path) -> None:
    """What SQLite cannot do comes out as StorageError (R86)."""
    engine = Engine(tmp_path / "journeys.db")
    engine.vacuum()
    engine.close()
    with pytest.raises(StorageError, match="closed"):
        engine.vacuum()


def test_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    """A file that cannot be built anew is named in the error."""
    path = tmp_path / "journeys.db"
    with Engine(path) as engine:
        path.rename(tmp_path / "elsewhere.db")
        path.mkdir()
        with pytest.raises(StorageError, match="another file is in its place"):
            engine.vacuum()


def test_memory_has_nothing_to_give_back(host):
    """On a store in memory vacuum changes nothing."""
    host.deploy(Wait("rest", "1 day"))
    enter(host, "ann")
    host.engine.vacuum()
    assert host.status("ann") == ("ACTIVE", "")
    assert host.tick(START + timedelta(days=2)).moves == 1
