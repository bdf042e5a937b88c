"""All that a host does in one go: what a block gives, a tick and a claim, in one commit (R75)."""

import gc
import logging
import sqlite3
import weakref
from contextlib import suppress
from datetime import timedelta

import pytest

from journeyflow import (
    Chain,
    ClockJump,
    Engine,
    Event,
    InvalidInput,
    Journey,
    MemoryStore,
    Message,
    Send,
    StorageError,
    TickResult,
    Trigger,
    Update,
    Wait,
    field,
    tag,
)
from journeyflow.stores.memory.transaction import MemoryTransaction
from journeyflow.stores.sqlite.transaction import SQLiteTransaction
from journeyflow.work import outbox, scheduler
from tests.samples import START, STORES, Host, after, open_engine
from tests.stateful.journeys import dump

FULL = ("x", "the disk is full", "make room")


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store, where everybody who does "go" gets a message at once and another a day later."""
    with open_engine(request.param, grace=None) as engine:
        found = Host(engine)
        found.deploy(hello(), Wait("rest", "1 day"), hello("bye"))
        yield found


def hello(name="hello"):
    """Write a Send."""
    return Send(name, channel="EMAIL", template="t")


def people(messages):
    """Return whom messages go to."""
    return [message.customer for message in messages]


def commits(host):
    """Count the commits of a store from now on, which `len` tells later."""
    counted = []
    for each in (MemoryTransaction, SQLiteTransaction):
        real = each.commit

        def commit(self, changes, real=real):
            counted.append(changes)
            real(self, changes)

        host.setattr(each, "commit", commit)
    return counted


def test_a_cycle_answers_handles_and_claims(host, monkeypatch):
    """R75: in one commit; the messages that this very work has queued are among those claimed."""
    counted = commits(monkeypatch)
    with host.engine.cycle(START, worker="w") as cycle:
        assert (cycle.result, cycle.messages) == (TickResult(), ())
        host.feed_all("go", START, ["ann", "bob"])
    assert len(counted) == 1
    assert (cycle.result.inputs, cycle.result.entered, cycle.result.messages) == (2, 2, 2)
    assert cycle.result.next_due == after("5 minutes")  # when the leases end
    assert [(each.customer, each.status, each.token) for each in cycle.messages] == [
        ("ann", "CLAIMED", "w.1"),
        ("bob", "CLAIMED", "w.1"),
    ]
    assert repr(cycle) == "Cycling(2 handled, 2 claimed)"
    counted.clear()
    first, second = cycle.messages
    with host.engine.cycle(after("1 minute"), worker="w") as cycle:
        host.engine.ack(first, at=after("1 minute"))
        host.engine.nack(second, at=after("1 minute"), error="no mailbox")
    assert (len(counted), cycle.result.inputs, cycle.messages) == (1, 2, ())
    assert host.messages() == ["hello SENT", "hello QUEUED"]
    with host.engine.cycle(after("3 minutes"), worker="w", lease="1 hour") as cycle:
        pass
    assert [(each.customer, each.attempts, each.lease_until) for each in cycle.messages] == [
        ("bob", 2, after("1 hour 3 minutes"))
    ]
    assert host.outcomes() == ["handled"] * 4
    assert host.engine.audit() == []


def test_a_crowd_that_was_changed_on_its_way_is_claimed_as_it_is_now(host):
    """R71, R75: consent that an Update withdraws holds the message that comes after it, also of many at once."""
    refused = Update("out", field("consent").set({"SMS": False}))
    host.deploy(refused, hello("mail"), Send("text", channel="SMS", template="t"), id="crowd", trigger=Trigger("come"))
    everybody = [f"c{number:02}" for number in range(30)]
    with host.engine.cycle(START, worker="w") as cycle:
        host.engine.put_customers({each: {"n": 1} for each in everybody}, at=START)
        host.feed_all("come", START, everybody)
    assert [(each.customer, each.step) for each in cycle.messages] == [(each, "mail") for each in everybody]
    assert host.engine.customer("c29").attributes == {"n": 1, "consent": {"SMS": False}}
    assert host.engine.audit() == []


def test_an_idle_cycle_writes_nothing(host, monkeypatch):
    """R3: nothing was given, nothing is due, and nothing can be claimed."""
    counted = commits(monkeypatch)
    with host.engine.cycle(START, worker="w") as cycle:
        pass
    assert (counted, cycle.result, cycle.messages) == ([], TickResult(), ())


def test_without_a_worker_nothing_is_claimed(host):
    """The rest is the same; the next cycle of a worker claims."""
    with host.engine.cycle(START) as cycle:
        host.feed("go")
    assert (cycle.result.messages, cycle.messages, host.messages()) == (1, (), ["hello QUEUED"])
    with host.engine.cycle(START, worker="w") as cycle:
        pass
    assert len(cycle.messages) == 1


def test_what_is_not_due_yet_waits(host):
    """R8: an input of a later instant is stored, and handled by the tick or cycle that reaches it."""
    with host.engine.cycle(START, worker="w") as cycle:
        host.feed("go", after("1 hour"))
    assert (cycle.result, host.outcomes()) == (TickResult(next_due=after("1 hour")), [None])
    with host.engine.cycle(after("1 hour"), worker="w") as cycle:
        pass
    assert people(cycle.messages) == ["c1"]


def test_a_claim_is_that_of_the_worker(host):
    """R71: its limit, its channels, its tenant; the oldest first, whether they were there or are new."""
    other = host.engine.tenant("other")
    other.deploy(Journey(id="j", trigger=Trigger("go"), steps=[hello()]), at=START)
    other.feed(Event("go", customer="zoe", at=START))
    host.deploy(Send("text", channel="SMS", template="t"), id="k")
    host.say("go", START, "ann")
    with host.engine.cycle(after("1 minute"), worker="w", limit=3) as cycle:
        host.feed("go", "1 minute", "bob")
    assert [(each.customer, each.step) for each in cycle.messages] == [
        ("ann", "hello"),
        ("ann", "text"),
        ("bob", "hello"),
    ]
    with other.cycle(after("1 minute"), worker="w", channels="SMS") as cycle:
        other.feed(Event("go", customer="zoe", at=after("1 minute")))
    assert cycle.messages == ()
    with other.cycle(after("1 minute"), worker="w", channels=["EMAIL"]) as cycle:
        pass
    assert people(cycle.messages) == ["zoe"]


def test_messages_that_must_not_be_sent_make_room_for_others(host):
    """R71: they do not count toward the limit, in whichever commit they are met."""
    for name in ("ann", "bob", "cyd"):
        host.say("go", START, name)
    with host.engine.cycle(START, worker="w", limit=2) as cycle:
        host.put(START, "ann", consent={"EMAIL": False})
        host.engine.exit("j", "bob", at=START)
    assert people(cycle.messages) == ["cyd"]
    assert host.messages() == ["hello SUPPRESSED", "hello CANCELLED", "hello CLAIMED"]


def test_a_message_whose_customer_had_an_unhandled_input_is_claimed_when_it_is_handled(host):
    """R71: the very work of the cycle handles it."""
    host.say("go")
    host.feed("asked")
    assert host.claim() == ()
    with host.engine.cycle(START, worker="w") as cycle:
        pass
    assert people(cycle.messages) == ["c1"]


def test_many_who_do_the_same_are_claimed_in_one_commit(host, monkeypatch):
    """R75: also those who are handled as one crowd, as the crowd leaves them."""
    host.deploy(Update("mark", tag.add("met")), hello("k"), id="k", trigger=Trigger("meet"))
    with host.engine.cycle(START, worker="w") as cycle:
        host.feed_all("meet", START, [f"m{n}" for n in range(10)])
    assert people(cycle.messages) == [f"m{n}" for n in range(10)]
    assert host.attributes("m9")["tags"] == ["met"]
    host.engine.ack(cycle.messages, at=START)
    host.tick()
    names = [f"c{n}" for n in range(30)]
    counted = commits(monkeypatch)
    with host.engine.cycle(START, worker="w", limit=20) as cycle:
        host.feed_all("go", START, names)
    assert len(counted) == 1
    assert counted[0].crowds
    assert people(cycle.messages) == names[:20]
    assert host.messages().count("hello CLAIMED") == 20
    with host.engine.cycle(after("1 day"), worker="w") as following:
        host.engine.ack(cycle.messages, at=START)
    assert len(following.messages) == 40  # those of the day before that were not claimed, and the second of everybody
    assert host.engine.audit() == []


def test_more_than_a_batch_takes_more_commits(host, monkeypatch):
    """R75: what is given is stored in the first, all of it; messages are claimed in the last."""
    with Engine(host.engine.store, grace=None, batch_size=2) as engine:
        counted = commits(monkeypatch)
        with engine.cycle(START, worker="w") as cycle:
            engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(5))
        assert [(len(each.inputs), len(each.handled), bool(each.posts)) for each in counted[:2]] == [
            (5, 0, False),
            (0, 2, False),
        ]
        assert len(counted) == 4
        assert len(cycle.messages) == cycle.result.inputs == 5
        counted.clear()
        now = after("1 minute")
        engine.feed(Event("go", customer=f"d{n}", at=now) for n in range(5))
        with engine.cycle(now, worker="w") as cycle:
            engine.feed(Event("go", customer="e", at=START))
            engine.feed(Event("go", customer="f", at=now))
        assert [(len(each.inputs), len(each.handled)) for each in counted] == [(5, 0), (2, 3), (0, 2), (0, 2)]
        assert people(cycle.messages) == ["e", *(f"d{n}" for n in range(5)), "f"]


def test_nothing_is_kept_of_a_block_that_raises(host):
    """R10: neither is anything done that was due."""
    host.feed("go")
    with suppress(ZeroDivisionError), host.engine.cycle(START, worker="w"):
        host.feed("go", START, "ann")
        raise ZeroDivisionError
    assert (host.outcomes(), host.messages()) == ([None], [])


def test_a_block_with_a_name_keeps_nothing():
    """Once the block is over, no cycle of references keeps the engine and its store until the collector comes."""

    def one_round():
        engine = Engine(MemoryStore())
        with engine.cycle(START) as cycle:
            pass
        assert cycle.result.inputs == 0
        return weakref.ref(engine.store)

    was = gc.isenabled()
    gc.disable()
    try:
        assert one_round()() is None
    finally:
        (gc.enable if was else gc.disable)()


def test_blocks_do_not_nest(host):
    """R10: a cycle is a batch of its thread."""
    with host.engine.cycle(START), pytest.raises(RuntimeError, match="do not nest"), host.engine.batch():
        pass


def test_what_cannot_be_is_refused_before_the_block(host):
    """The arguments are those of `tick` and `claim`."""
    for options in ({"limit": 0}, {"lease": "-1 day"}):
        with pytest.raises(ValueError, match=r"limit|lease"):
            host.engine.cycle(START, worker="w", **options)
    with pytest.raises(InvalidInput, match="worker"):
        host.engine.cycle(START, worker="")
    with pytest.raises(ValueError, match="naive"):
        host.engine.cycle(START.replace(tzinfo=None))
    with pytest.raises(InvalidInput, match="allow_jump"):
        host.engine.cycle(START, allow_jump="yes")


def test_a_clock_that_jumps_leaves_the_inputs_in_the_inbox(host):
    """R3: as the separate calls would."""
    host.say("go")
    later = START + timedelta(days=500)
    with pytest.raises(ClockJump), host.engine.cycle(later, worker="w"):
        host.feed("go", later, "ann")
    assert host.outcomes() == ["handled", None]
    with host.engine.cycle(later, worker="w", allow_jump=True) as cycle:
        pass
    assert people(cycle.messages) == ["c1", "c1", "ann"]


def test_a_clock_that_has_jumped_before_is_right(host):
    """R3: the last tick was not long ago, although what is due is."""
    host.feed_all("go", START, ["ann", "bob"])
    host.tick()
    later = START + timedelta(days=500)
    host.tick(later, limit=1, allow_jump=True)
    with host.engine.cycle(later, worker="w") as cycle:
        host.feed("go", later, "cyd")
    assert people(cycle.messages) == ["ann", "bob", "ann", "bob", "cyd"]


def test_inputs_of_any_age_are_no_jump(host):
    """R3: there may have been no tick before."""
    with host.engine.cycle(START + timedelta(days=900), worker="w") as cycle:
        host.feed("go")
    assert people(cycle.messages) == ["c1", "c1"]


def test_handlers_have_their_messages_first(host):
    """R71: the channels of the engine are served before a worker claims."""
    told = list[Message]()
    with Engine(host.engine.store, channels={"EMAIL": told.append}) as engine:
        engine.deploy(Journey(id="k", trigger=Trigger("go"), steps=[Send("t", channel="SMS", template="t")]), at=START)
        with engine.cycle(START, worker="w") as cycle:
            engine.feed(Event("go", customer="ann", at=START))
        assert people(told) == ["ann"]
        assert [each.channel for each in cycle.messages] == ["SMS"]
        assert (cycle.result.delivered, cycle.result.more) == (1, True)  # the ack of the handler waits


def test_a_customer_whom_the_work_forgets_has_no_message_to_claim(host, monkeypatch):
    """R86: the claim comes in a commit of its own, to which the message is CANCELLED."""
    host.deploy(hello(), Update("erase", Chain.forget()), id="k", trigger=Trigger("leave"))
    host.say("go")
    counted = commits(monkeypatch)
    with host.engine.cycle(START, worker="w") as cycle:
        host.feed("leave")
        host.feed("go", START, "ann")
    assert (cycle.result.forgotten, people(cycle.messages)) == (1, ["ann"])
    assert [bool(each.posts) for each in counted if each.inputs or each.posts] == [False, True]
    assert host.messages("k") == ["hello CANCELLED"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_exception_is_not_laid_to_the_charge_of_a_claim(host, monkeypatch, caplog):
    """R9: a message that cannot be handed out is set aside; the others and the inputs are as they would be."""
    real = outbox._leased

    def leased(post, *rest):
        if post.serial == 2:
            msg = "planted"
            raise RuntimeError(msg)
        return real(post, *rest)

    monkeypatch.setattr(outbox, "_leased", leased)
    with caplog.at_level(logging.ERROR, "journeyflow"), host.engine.cycle(START, worker="w") as cycle:
        host.feed_all("go", START, ["ann", "bob", "cyd"])
    assert people(cycle.messages) == ["ann", "cyd"]
    assert host.messages() == ["hello CLAIMED", "hello FAILED", "hello CLAIMED"]
    assert host.outcomes() == ["handled"] * 3
    assert "planted" in caplog.text


def test_a_claim_that_fails_as_a_whole_undoes_no_work(host, monkeypatch):
    """R75: it is made once more, by itself, and then raises; what was given is handled."""
    asked = []

    def broken(*_args, **_options):
        asked.append(1)
        msg = "planted"
        raise RuntimeError(msg)

    with monkeypatch.context() as planted:
        planted.setattr(outbox, "claim_request", broken)
        with pytest.raises(RuntimeError, match="planted"), host.engine.cycle(START, worker="w"):
            host.feed("go")
    assert (len(asked), host.outcomes(), host.messages()) == (2, ["handled"], ["hello QUEUED"])


def test_a_store_that_fails_keeps_nothing(host, monkeypatch):
    """R9: what keeps the store from working stops the cycle; nothing that was given is stored."""
    before = dump(host.engine.store)

    def broken(*_args, **_options):
        raise StorageError(*FULL)

    with monkeypatch.context() as planted:
        planted.setattr(scheduler, "plan", broken)
        with pytest.raises(StorageError), host.engine.cycle(START, worker="w"):
            host.feed("go")
    assert dump(host.engine.store) == before


class Cut(sqlite3.Connection):
    """A connection that breaks at its n-th statement."""

    left = 10**9

    def _count(self):
        Cut.left -= 1
        if Cut.left == 0:
            msg = "disk I/O error"
            raise sqlite3.OperationalError(msg)

    def execute(self, *args):
        """Execute a statement, unless it is the one that breaks."""
        self._count()
        return super().execute(*args)

    def executemany(self, *args):
        """Execute a statement for many rows, unless it is the one that breaks."""
        self._count()
        return super().executemany(*args)


def test_a_cycle_is_all_or_nothing_wherever_its_file_breaks(monkeypatch):
    """R75: at each of its statements, the file keeps what it had before, or all of the cycle."""
    real, kept = sqlite3.connect, []
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **said: real(*args, **{"factory": Cut, **said}))
    for number in range(1, 99):
        monkeypatch.setattr(Cut, "left", 10**9)
        engine = open_engine("sqlite", grace=None)
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[hello(), Wait("rest", "1 day")]), at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START)
        before = dump(engine.store, *LEFT)
        monkeypatch.setattr(Cut, "left", number)
        try:
            going(engine)
        except StorageError:
            monkeypatch.setattr(Cut, "left", 10**9)
            kept.append(dump(engine.store, *LEFT) != before)
            if not kept[-1]:
                assert people(going(engine)) == ["ann", "bob", "cyd"]
        else:
            monkeypatch.setattr(Cut, "left", 10**9)
            assert engine.audit() == []
            break
    assert not any(kept)  # the commit is the last statement
    assert len(kept) > 15


LEFT = ("inputs", "customers", "enrollments", "messages", "leases")
"""The tables that show what a cycle has left."""


def going(engine):
    """Go round once; return what was claimed."""
    with engine.cycle(after("1 minute"), worker="w") as cycle:
        engine.feed(Event("go", customer=name, at=after("1 minute")) for name in ("bob", "cyd"))
    return cycle.messages


def test_inputs_are_stored_once_when_a_batch_has_to_be_cut(host, monkeypatch):
    """R9: an exception that no item is the reason of alone stores what was given, and tries again."""
    real, broken = scheduler.run, [1]

    def run(due, *args, **options):
        if broken:
            broken.pop()
            msg = "planted"
            raise RuntimeError(msg)
        return real(due, *args, **options)

    monkeypatch.setattr(scheduler, "run", run)
    with host.engine.cycle(START, worker="w") as cycle:
        host.feed_all("go", START, ["ann", "bob"])
    assert (cycle.result.errors, cycle.result.inputs) == (0, 2)
    assert people(cycle.messages) == ["ann", "bob"]
    assert host.outcomes() == ["handled", "handled"]


def test_the_store_may_be_one_that_others_use(tmp_path):
    """R72: two engines on one file claim no message twice."""
    path = tmp_path / "x.db"
    with Engine(path) as one, Engine(path) as other:
        one.deploy(Journey(id="j", trigger=Trigger("go"), steps=[hello()]), at=START)
        with one.cycle(START, worker="one", limit=1) as first:
            one.feed(Event("go", customer=name, at=START) for name in ("ann", "bob"))
        with other.cycle(START, worker="other") as second:
            pass
        assert (people(first.messages), people(second.messages)) == (["ann"], ["bob"])
