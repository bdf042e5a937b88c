"""What a host gives: the inbox, and what a block puts into it in one commit (R10)."""

import threading
from enum import Enum

import pytest

from journeyflow import (
    Event,
    InvalidInput,
    NotFound,
    Send,
    Wait,
)
from journeyflow.engine import input_calls as engine_module
from tests.samples import START, after, mail


def test_calls_only_join_the_inbox(host):
    """feed, put_customer, enroll and exit only join the inbox, in call order; ticks handle them (R10)."""
    host.deploy(Wait("rest", "1 day"))
    host.put(START, name="Ann")
    host.feed("go")
    host.engine.enroll("j", "c2", at=START)
    host.engine.exit("j", "c2", at=START)
    assert host.engine.find_customer("c1") is None
    assert host.engine.enrollments().total == 0
    assert host.rows("SELECT kind FROM inputs ORDER BY seq") == [("put",), ("event",), ("enroll",), ("exit",)]
    result = host.tick()
    assert (result.inputs, result.entered, result.moves, result.messages, result.refused) == (4, 2, 3, 0, 0)


def test_pending_adds_what_waits(host):
    """Reading a customer shows what ticks have handled; pending=True adds what waits (R10)."""
    host.put(START, a=1, b=1, tags=["x"])
    host.tick()
    host.put("1 hour", b=2, c=2)
    host.engine.put_customer("c1", {"d": 3}, at=after("2 hours"), replace=True)
    host.put("3 hours", d=None, e=4)
    host.put("3 hours", "c2", new=True)
    assert host.attributes() == {"a": 1, "b": 1, "tags": ["x"]}
    assert host.engine.customer("c1", pending=True).attributes == {"tags": ["x"], "e": 4}
    assert host.engine.customer("c2", pending=True).attributes == {"new": True}
    with pytest.raises(NotFound, match="no customer 'c2'"):
        host.engine.customer("c2")
    assert host.engine.find_customer("c3", pending=True) is None
    assert host.engine.customer("c1", pending=True).id == "c1"


def test_all_calls_take_one_or_many(host):
    """All take one or many (R10)."""
    host.engine.put_customers({"c1": {"n": 1}, "c2": {"n": 2}}, at=START)
    host.engine.put_customers(((f"c{n}", {"n": n}) for n in (3, 4)), at=START)
    host.engine.feed(Event("x", customer=f"c{n}", at=START) for n in range(5))
    host.engine.feed([])
    assert host.tick().inputs == 9
    assert host.attributes("c4") == {"n": 4}


def test_every_fault_is_told_and_nothing_of_the_chunk_is_stored(host):
    """The call raises what it can know by itself, all faults at once, with their places (R10)."""
    with pytest.raises(InvalidInput) as caught:
        host.engine.put_customers(
            [("c1", {"ok": 1}), ("", {}), ("c2", {"n": float("nan"), "tags": "x"}), ("c3", ["no"])], at=START
        )
    assert caught.value.accepted == 0
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "[1] customer ''",
        *["[2] customer 'c2'"] * 2,
        "[3] customer 'c3'",
    ]
    assert host.outcomes() == []
    with pytest.raises(InvalidInput, match=r"\[0\] expected an Event, not str 'go'"):
        host.engine.feed(["go"])
    with pytest.raises(InvalidInput, match=r"\[0\] expected a pair of a customer and attributes, not str 'c1'"):
        host.engine.put_customers(["c1"], at=START)
    with pytest.raises(InvalidInput, match=r"(?s)type: must not be empty.*customer: must be text") as caught:
        Event("", customer=5, at=START)  # type: ignore[arg-type]  # what a host may do wrong
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("customer", ["", 5, "a\x1fb", "x" * 201, "a\x00b", "\ud800"])
def test_ids_are_checked_at_every_door(host, customer):
    """Ids are text of 1 to 200 characters without U+001F (R38)."""
    host.deploy(mail())
    calls = [
        lambda: host.engine.put_customer(customer, {}, at=START),
        lambda: host.engine.enroll("j", [customer], at=START),
        lambda: host.engine.exit("j", [customer], at=START),
        lambda: Event("go", customer=customer, at=START),
    ]
    for call in calls:
        with pytest.raises(InvalidInput, match="customer"):
            call()
    assert host.outcomes() == []


class Name(str, Enum):  # noqa: UP042 which str() would show as "Name.JOURNEY"
    """What a host may have instead of literal texts."""

    JOURNEY, EVENT, ANN, BOB, MESSAGE = "j", "go", "ann", "bob", "memory-1-1"


class Unhashable(str):
    """Text that fails where it is used as it is."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # what makes it fail as a key


def test_a_text_of_any_class_is_kept_as_plain_text(host):
    """The texts of an enum are what they say, at every door and on both stores (R10, R90)."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day"))
    host.engine.put_customer(Name.ANN, {"n": Name.BOB}, at=START)
    host.engine.enroll(Name.JOURNEY, [Name.BOB], at=START)
    host.engine.feed(Event(Name.EVENT, customer=Unhashable("ann"), at=START, id=Unhashable("e1")))
    host.engine.ack(Name.MESSAGE, at=START)
    host.engine.exit(Name.JOURNEY, Name.ANN, at=after("1 hour"))
    host.engine.tenant(Name.BOB).put_customer(Name.ANN, {}, at=START)
    assert host.tick("2 hours").errors == 0
    found = host.engine.enrollments("j").items
    assert [(each.customer, each.status) for each in found] == [("bob", "ACTIVE"), ("ann", "EXITED")]
    assert {type(each.customer) for each in found} == {str}
    assert host.engine.messages("j").items[0].status == "SENT"
    assert host.engine.customer("ann").attributes["n"] == host.engine.why_not(Name.JOURNEY, Name.BOB).customer == "bob"
    assert host.engine.tenant("bob").customer("ann").tenant == "bob"
    assert host.engine.audit() == []


def test_consent_in_a_dotted_name_is_refused(host):
    """Consent is an object of channels (R54): "consent.EMAIL" as a name would look like consent and be none."""
    with pytest.raises(InvalidInput, match=r"consent\.EMAIL"):
        host.put(START, **{"consent.EMAIL": False})


def test_one_commit_per_chunk(host, monkeypatch):
    """One commit per chunk: what came before a fault's chunk is stored, and counted (R10)."""
    monkeypatch.setattr(engine_module, "CHUNK", 3)
    people = [(f"c{n}", {"n": n} if n != 7 else {"n": object()}) for n in range(10)]
    with pytest.raises(InvalidInput, match=r"\[7\].*\(6 before it were stored\)") as caught:
        host.engine.put_customers(people, at=START)
    assert caught.value.accepted == 6
    assert host.tick().inputs == 6


def test_chunks_are_stored_while_the_rest_still_comes(host, monkeypatch):
    """A host may give more than fits into memory (R10)."""
    monkeypatch.setattr(engine_module, "CHUNK", 2)
    stored = []

    def events():
        for n in range(5):
            stored.append(len(host.outcomes()))
            yield Event("x", customer=f"c{n}", at=START)

    host.engine.feed(events())
    assert stored == [0, 0, 2, 2, 4]
    assert host.tick().inputs == 5


def test_a_batch_groups_calls_into_one_commit(host):
    """`with engine.batch():` groups calls into one commit (R10)."""
    with host.engine.batch():
        host.put(START, a=1)
        host.feed("x")
        assert host.outcomes() == []
    assert host.outcomes() == [None, None]
    with host.engine.batch():
        pass


def test_an_exception_drops_the_whole_batch(host):
    """One commit or none (R10)."""
    with pytest.raises(InvalidInput), host.engine.batch():  # noqa: PT012 the batch is what is left by the error
        host.put(START, a=1)
        host.put(START, "", a=1)
    assert host.outcomes() == []
    host.put(START, a=2)
    assert host.outcomes() == [None]


def test_batches_do_not_nest(host):
    """A second one in the same thread is a mistake; the first one goes on."""
    with host.engine.batch():
        host.put(START, a=1)
        with pytest.raises(RuntimeError, match="batches do not nest"), host.engine.batch():
            pass
    assert host.outcomes() == [None]


def test_a_batch_belongs_to_its_thread(host):
    """Another thread's calls are not held back by this one's batch (R72)."""
    with host.engine.batch():
        host.put(START, a=1)
        thread = threading.Thread(target=host.put, args=(START, "c2"))
        thread.start()
        thread.join()
        assert host.outcomes() == [None]
    assert host.outcomes() == [None, None]
