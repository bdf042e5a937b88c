"""A step that forgets the customer (R39, R86)."""

from datetime import timedelta
from pathlib import Path

import pytest

from journeyflow import (
    Chain,
    End,
    Engine,
    Event,
    Journey,
    Limits,
    Reentry,
    Send,
    StorageError,
    Trigger,
    Update,
    Wait,
    field,
    tag,
)
from journeyflow.stores.sqlite import SQLiteStore
from tests.engine.test_housekeeping import bytes_of, everything, letter
from tests.samples import START, STORES, Host, after, open_engine

FORGET = Update("bye", Chain.forget())


ENGINE = {"grace": None, "max_jump": None}


def put(host, customer="ann", when=START):
    """Tell of somebody."""
    host.put(when, customer, name=f"Mr {customer}", email=f"{customer}@example.com")


def runs(host):
    """Give journey, customer, status and reason of every run."""
    found = host.engine.enrollments(take=50).items
    return [(each.journey, each.customer.replace("\x1f", ""), each.status, each.reason) for each in found]


@pytest.mark.rows(213)
def test_a_step_forgets_the_customer(host):
    """Every run ends "forgotten", later steps do not run, what nobody claimed is cancelled, nothing is left (R86)."""
    host.deploy(letter("other"), Wait("rest", "9 days"), id="other")
    host.deploy(letter(), Wait("breathe", "1 day"), FORGET, letter("never"))
    put(host)
    host.engine.feed(Event("go", customer="ann", at=START, id="go-ann", data={"note": "ann"}))
    host.tick()
    result = host.tick("2 days")
    assert (result.forgotten, result.moves) == (1, 2)
    assert runs(host) == [(name, "forgotten-1", "EXITED", "forgotten") for name in ("j", "other")]
    (run,) = host.engine.enrollments("j").items
    path = [(each.step, each.status) for each in host.engine.enrollment("j", run.customer).visits]
    assert path == [("hello", "COMPLETED"), ("breathe", "COMPLETED"), ("bye", "COMPLETED")]
    assert run.ended_at == after("1 day")
    assert host.messages() == ["hello CANCELLED", "other CANCELLED"]
    assert host.engine.find_customer("ann") is None
    assert "ann" not in everything(host)
    assert host.engine.audit() == []


def test_what_another_tenant_told_stays_known(host):
    """Ids of events belong to a tenant (R26, R91): somebody of the same name elsewhere is not forgotten with them."""
    host.deploy(FORGET)
    other = host.engine.tenant("other")
    for engine in (host.engine, other, other, host.engine):
        engine.feed(Event("go", customer="ann", at=START, id="go-ann"))
    assert host.tick().forgotten == 1
    assert host.outcomes() == ["handled", "handled", "duplicate", "forgotten"]
    assert other.find_customer("ann") is not None


@pytest.mark.parametrize("at_once", [True, False])
def test_call_and_step_leave_the_same(at_once):
    """What the call does at an instant the step does at that instant: the same rows, but for the runs' last visits."""
    left = []
    for steps in ([Wait("rest", "1 day"), FORGET], [Wait("rest", "1 day"), Wait("more", "1 day")]):
        with open_engine("memory", grace=None) as engine:
            host = Host(engine)
            host.deploy(letter(), *steps, run_criteria=field("name").ne("x"))
            host.deploy(letter(), Wait("long", "9 days"), id="other", trigger=Trigger("go"))
            put(host)
            host.say("go", START, "ann", note="ann")
            (message, _) = host.claim("1 hour")
            engine.nack(message, at=after("1 hour"), error="no mailbox ann")
            host.feed("said", "2 hours", "ann", word="ann")
            if not at_once:
                host.tick("3 hours")
            host.tick("1 day")
            if steps[-1] is not FORGET:
                engine.forget("ann", at=after("1 day"))
            left.append(
                {
                    table: host.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
                    for table in ("customers", "inputs", "messages")
                }
                | {"runs": runs(host), "values": host.rows("SELECT seen FROM moves")}
            )
    assert left[0]["values"][:3] == left[1]["values"][:3]
    assert [left[0][name] for name in ("customers", "inputs", "messages", "runs")] == [
        left[1][name] for name in ("customers", "inputs", "messages", "runs")
    ]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("store", STORES)
def test_what_comes_after_is_about_somebody_new(store, size):
    """Work of the same customer that stands after in the batch is another person's: nothing depends on its size (R7).

    An event that came before under its id does not come again, whenever that is (R86).
    """
    with open_engine(store, grace=None, batch_size=size) as engine:
        host = Host(engine)
        host.deploy(Wait("rest", "1 day"), id="long", reentry=Reentry.always())
        host.deploy(FORGET, id="j", trigger=Trigger("leave"))
        for day in range(3):
            put(host, when=after(f"{day} days"))
            engine.feed(Event("go", customer="ann", at=after(f"{day} days 1 hour"), id="same", data={"n": 1}))
            host.feed("leave", f"{day} days 2 hours", "ann")
        engine.tenant("other").feed(Event("go", customer="ann", at=after("3 days"), id="same"))
        host.put(after("3 days"), "ann", name="the last")
        assert host.tick("4 days").forgotten == 3
        assert [row[0] for row in host.rows("SELECT id FROM customers WHERE tenant = 'default' ORDER BY number")] == [
            "\x1fforgotten-1",
            "\x1fforgotten-2",
            "\x1fforgotten-3",
            "ann",
        ]
        new = ["handled"] * 3
        assert host.outcomes() == [*new, *["handled", "forgotten", "handled"] * 2, "handled", "handled"]
        assert host.rows("SELECT customer, data FROM inputs ORDER BY seq")[-1] == ("ann", '{"name":"the last"}')
        assert host.rows("SELECT count(*) FROM inputs WHERE data IS NOT NULL") == [(1,)]
        assert runs(host) == [
            (name, f"forgotten-{n}", "EXITED", "forgotten")
            for n, names in ((1, ("long", "j")), (2, ("j",)), (3, ("j",)))
            for name in names
        ]
        assert engine.audit() == []


@pytest.mark.parametrize("size", [1, 100])
def test_what_waits_in_the_inbox_is_about_somebody_new(host, size):
    """A host that ticks late must not lose what it told of later days: only what was handled is forgotten (R4)."""
    host.deploy(Wait("rest", "1 day"), FORGET)
    put(host)
    host.feed("go", START, "ann")
    host.put(after("2 days"), "ann", name="new ann")
    if size == 1:
        host.tick("1 day")
    host.tick("3 days")
    assert host.attributes("ann") == {"name": "new ann"}
    assert host.rows("SELECT count(*) FROM customers") == [(2,)]
    assert host.outcomes() == ["handled"] * 3


def test_an_update_says_everything_else_first(host):
    """Attributes and their events come first, then orders as written; what is ordered after is nobody's (R39)."""
    host.deploy(Wait("rest", "1 day"), id="tagged", trigger=Trigger("tag.added"))
    for name in ("before", "after"):
        host.deploy(Wait("rest", "1 day"), id=name, trigger=Trigger(manual=True))
    host.deploy(Update("bye", Chain.enroll("before"), Chain.forget(), Chain.enroll("after"), tag.add("gone")))
    put(host)
    host.say("go", START, "ann")
    assert runs(host) == [(name, "forgotten-1", "EXITED", "forgotten") for name in ("j", "tagged", "before")]
    assert host.engine.audit() == []


def test_what_others_said_in_the_same_breath_is_lost(host):
    """An event that still stands in the queue after the order is about nobody (R7, R86)."""
    host.deploy(FORGET, id="a", trigger=Trigger("tag.added"))
    host.deploy(Update("mark", tag.add("x"), field("n").set(1)), id="j")
    host.deploy(
        Update("late", field("m").set(1)), id="b", trigger=Trigger("field.changed", where=field("field").eq("n"))
    )
    host.deploy(End("e"), id="c", trigger=Trigger("field.changed", where=field("field").eq("m")))
    host.say("go", START, "ann")
    assert [name for name, *_ in runs(host)] == ["j", "a", "b"]
    assert host.engine.find_customer("ann") is None


def test_a_wrong_type_forgets_nobody(host):
    """An Update is all or nothing: with an impossible change nobody is forgotten and the run goes on (R39)."""
    host.deploy(Update("bye", field("name").increment(), Chain.forget()), End("done"))
    put(host)
    assert host.say("go", START, "ann").forgotten == 0
    assert host.path("ann") == ["bye type", "done"]


def test_who_waits_for_a_slot_waits_no_longer(host):
    """An entry that was put off is dropped with its customer (R23)."""
    host.deploy(Wait("rest", "9 days"), id="full", limits=Limits(per_day=1))
    host.deploy(FORGET, id="j", trigger=Trigger("leave"))
    for customer in ("bob", "ann", "cid"):
        host.feed("go", START, customer)
    host.feed("leave", "1 hour", "ann")
    host.tick("3 days")
    assert [each for each in runs(host) if each[0] == "full"] == [
        ("full", "bob", "ACTIVE", ""),
        ("full", "cid", "ACTIVE", ""),
    ]
    assert host.engine.audit() == []


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("store", STORES)
def test_workers_of_the_forgotten_are_answered(store, size):
    """An ack makes the message SENT and tells nobody; a nack cancels it, what the channel said is not kept (R71)."""
    with open_engine(store, grace=None, batch_size=size) as engine:
        host = Host(engine)
        host.deploy(letter(), letter("second"), Wait("rest", "1 day"), FORGET)
        put(host)
        host.say("go", START, "ann")
        first, second = host.claim("23 hours", lease="2 days")
        engine.nack(second, at=after("25 hours"), error="no mailbox ann")
        engine.ack(first, at=after("25 hours"))
        host.tick("26 hours")
        assert host.messages() == ["hello SENT", "second CANCELLED"]
        assert host.outcomes()[-2:] == ["handled", "forgotten"]
        assert "ann" not in everything(host)
        assert engine.audit() == []


def test_a_copy_for_another_tenant_keeps_it(host):
    """It names nothing of the tenant that it comes from (R18)."""
    journey = host.deploy(FORGET)
    host.engine.copy_to("elsewhere", "j", at=START)
    assert host.engine.tenant("elsewhere").definition("j").steps == journey.steps


# --- the file ---------------------------------------------------------------------------------------------------------


def leaving(engine: Engine) -> Host:
    """Let somebody come who is forgotten after a day."""
    host = Host(engine)
    host.deploy(Send("hello", channel="SMS", template="t", data={"to": "{{ phone }}"}), Wait("rest", "1 day"), FORGET)
    engine.put_customer("ann", {"phone": "secret-1", "long": "secret-2 " * 900}, at=START)
    host.tick()
    engine.put_customer("ann", {"long": None}, at=START)
    host.say("go", START, "ann", note="secret-3")
    return host


def test_a_tick_leaves_not_a_byte_in_the_file(tmp_path: Path) -> None:
    """A tick in which a step forgot somebody ends with a file built anew: free pages and log say nothing (R86)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None) as engine:
        host = leaving(engine)
        assert bytes_of(path).count(b"secret") > 3
        host.tick("2 days")
        assert b"secret" not in bytes_of(path)
        assert engine.audit() == []


def test_scrubbing_may_wait_for_vacuum(tmp_path: Path) -> None:
    """With scrub=False what is in free space waits for `vacuum`, or for an engine that does not wait (R86)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None, scrub=False) as engine:
        host = leaving(engine)
        host.tick("2 days")
        assert b"secret-2" in bytes_of(path)
        assert host.rows("SELECT value FROM meta WHERE name = 'traces'") == [("owed",)]
    with Engine(path) as engine:
        Host(engine).say("more", "3 days", "bob")
        assert b"secret" not in bytes_of(path)
        assert Host(engine).rows("SELECT value FROM meta WHERE name = 'traces'") == [("",)]


def test_a_reader_elsewhere_keeps_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, the work is done, and the next tick that has work tries again (R86)."""
    monkeypatch.setattr("journeyflow.stores.sqlite.opening.READER_SECONDS", 0.05)
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), grace=None) as engine:
        host = leaving(engine)
        other = SQLiteStore(path)
        with other.reader() as reader:
            reader.rows("SELECT count(*) FROM customers")
            with pytest.raises(StorageError, match="vacuum again when it is done"):
                host.tick("2 days")
        other.close()
        assert b"secret-2" in bytes_of(path)
        assert engine.find_customer("ann") is None
        host.say("more", "3 days", "bob")
        assert b"secret" not in bytes_of(path)


def test_what_is_long_ago_is_not_forgotten_twice(host):
    """Later ticks have nothing more to do about it (R3)."""
    host.engine.deploy(Journey("j", trigger=Trigger("go"), steps=[FORGET]), at=START)
    assert host.say("go", START, "ann").forgotten == 1
    assert host.engine.tick(START + timedelta(days=1)).forgotten == 0
