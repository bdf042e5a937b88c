"""Answers at once: what a block gives is handled when it ends, apart from everybody else's work (R74)."""

from contextlib import suppress
from datetime import datetime

import pytest

from journeyflow import (
    Chain,
    ClockJump,
    End,
    Engine,
    Event,
    Forbidden,
    Journey,
    Limits,
    MemoryStore,
    Send,
    Trigger,
    Update,
    Wait,
    field,
)
from journeyflow.work import intake
from tests.samples import START, STORES, Host, after, open_engine

ENGINE = {"grace": None}


def hello():
    """Write a Send."""
    return Send("hello", channel="EMAIL", template="t")


def rest():
    """Write a Wait."""
    return Wait("rest", "1 day")


def told(settled):
    """Give what came of each input."""
    return [(each.kind, each.about, each.customer, each.outcome) for each in settled.outcomes]


@pytest.mark.rows(129, 131)
def test_an_enrollment_is_there_when_the_block_ends(host):
    """F129: where it rests, on which step; a second one is refused with the reason."""
    host.deploy(hello(), rest())
    with host.engine.settle(START) as settled:
        assert settled.entered == ()
        host.engine.enroll("j", "ann", at=START)
    assert told(settled) == [("enroll", "j", "ann", "handled")]
    [entered] = settled.entered
    assert (entered.customer, entered.status, entered.step, entered.step_number) == ("ann", "ACTIVE", "rest", 2)
    assert settled.ended == ()
    assert repr(settled) == "Settling(1 handled, 1 entered, 0 ended)"
    assert host.engine.enrollment(serial=entered.serial).visits
    with host.engine.settle(START) as again:
        host.engine.enroll("j", "ann", at=START)
    assert (again.entered, again.outcomes[0].outcome) == ((), "refused: already inside")
    assert (again.outcomes[0].refusal, settled.outcomes[0].refusal) == ("already inside", None)
    host.engine.pause("j", at=START)
    with pytest.raises(Forbidden), host.engine.settle(START):
        host.engine.enroll("j", "bob", at=START)


def test_what_is_not_due_yet_is_left_for_later(host):
    """An input of a later instant than the block's waits for the tick of its own (R74)."""
    with host.engine.settle(START) as settled:
        host.engine.put_customer("ann", {"plan": "pro"}, at=after("1 hour"))
    assert (settled.entered, settled.ended) == ((), ())
    assert host.engine.find_customer("ann") is None
    host.tick("1 hour")
    assert host.attributes("ann") == {"plan": "pro"}


@pytest.mark.rows(132, 133)
def test_an_exit_says_what_it_has_ended(host):
    """F133: nothing, for who is not inside."""
    host.deploy(hello(), rest())
    host.say("go", START, "ann")
    with host.engine.settle(after("1 hour")) as settled:
        host.engine.exit("j", ["ann", "bob"], at=after("1 hour"), reason="asked")
    assert [each.outcome for each in settled.outcomes] == ["handled", "not inside"]
    assert [(each.customer, each.status, each.reason) for each in settled.ended] == [("ann", "EXITED", "asked")]
    assert settled.entered == ()


def test_who_enters_and_is_through_at_once_has_entered(host):
    """Of a restart both runs are told."""
    host.deploy(hello())
    host.deploy(rest(), id="k", reentry="restart")
    host.engine.enroll("k", "ann", at=START)
    host.tick()
    with host.engine.settle(START) as settled:
        host.engine.enroll("j", "ann", at=START)
        host.engine.enroll("k", "ann", at=START)
    entered = [(each.journey, each.run, each.status) for each in settled.entered]
    assert entered == [("j", 1, "COMPLETED"), ("k", 2, "ACTIVE")]
    assert [(each.journey, each.run, each.reason) for each in settled.ended] == [("k", 1, "restarted")]


def test_everything_due_of_these_customers_is_done_and_nothing_of_others(host):
    """R7: what waited for them, their rests and leases, in order; nothing is delivered, and the others wait."""
    host.deploy(rest(), hello())
    host.deploy(rest(), id="k", trigger=Trigger("message.sent"))
    for name in ("ann", "bob"):
        host.feed("go", START, name)
    host.tick()
    host.feed("go", "1 hour", "carl")
    host.put("2 hours", "ann", plan="gold")
    host.put("2 hours", "bob", plan="gold")
    with host.engine.settle(after("2 days")) as settled:
        host.feed("asked", "2 days", "ann")
    assert told(settled) == [("event", "asked", "ann", "handled")]
    assert [(each.journey, each.status) for each in settled.ended] == [("j", "COMPLETED")]
    assert host.attributes("ann") == {"plan": "gold"}
    assert host.attributes("bob") == {}
    assert host.engine.find_customer("carl") is None
    assert [(each.customer, each.status) for each in host.engine.messages()] == [("ann", "QUEUED")]
    [message] = host.claim("2 days")
    host.engine.ack(message, at=after("2 days"))
    with host.engine.settle(after("2 days")) as settled:
        host.feed("asked", "2 days", "ann")
    assert [each.journey for each in settled.entered] == ["k"]  # the ack that waited was about her message
    assert host.tick("2 days").moves > 0
    assert not host.engine.audit()


def test_an_answer_about_a_message_is_settled_with_its_customer(host):
    """An ack or a nack names no customer; one about no message is unmatched."""
    host.deploy(hello(), rest())
    host.say("go", START, "ann")
    [message] = host.claim()
    with host.engine.settle(START) as settled:
        host.engine.ack([message, "x-1-1"], at=START)
    assert told(settled) == [("ack", message.id, "", "handled"), ("ack", "x-1-1", "", None)]  # about nobody: it waits
    assert host.engine.message(message.id).status == "SENT"
    host.say("go", START, "bob")
    host.claim()
    host.feed("x", "1 day", "carl")
    with host.engine.settle(after("1 hour")) as settled:
        host.put("1 hour", "bob", plan="gold")
    assert told(settled) == [("put", "", "bob", "handled")]
    assert [each.status for each in host.engine.messages(customer="bob")] == ["QUEUED"]  # its lease has ended


def test_an_answer_about_a_message_that_is_gone_waits_for_the_tick(host):
    """R74: it is about no message, even where its run is still known; both stores agree."""
    host.deploy(hello(), rest())
    host.say("go", START, "ann")
    [message] = host.claim()
    host.engine.ack(message, at=START)
    host.tick("2 days")
    host.engine.prune(after("9 days"))
    with host.engine.settle(after("9 days")) as settled:
        host.engine.ack([message, f"{message.id}9"], at=after("9 days"))
    assert [each.outcome for each in settled.outcomes] == [None, None]
    assert host.tick("9 days").unmatched == 2


def test_the_future_waits_and_other_tenants_are_settled_too(host):
    """R8, R91: an engine bound to a tenant sees its own."""
    host.deploy(rest())
    other = host.engine.tenant("other")
    other.deploy(Journey(id="j", steps=[rest()]), at=START)
    with host.engine.settle(START) as settled:
        other.enroll("j", "ann", at=START)
        host.engine.enroll("j", "bob", at=after("1 hour"))
    assert [each.outcome for each in settled.outcomes] == ["handled", None]
    assert [(each.tenant, each.customer) for each in settled.entered] == [("other", "ann")]


def test_a_block_that_raises_or_gives_nothing_does_nothing(host):
    """As a batch does (R10); they do not nest."""
    host.deploy(rest())
    with suppress(ZeroDivisionError), host.engine.settle(START):
        host.engine.enroll("j", "ann", at=START)
        _ = 1 / 0
    host.feed("go", START, "bob")
    with host.engine.settle(START) as settled:
        pass
    assert (settled.outcomes, settled.entered, settled.ended) == ((), (), ())
    assert not host.engine.enrollments()
    with pytest.raises(RuntimeError, match="batches do not nest"), host.engine.batch(), host.engine.settle(START):
        pass
    with pytest.raises(ValueError, match="now"):
        host.engine.settle(datetime(2026, 1, 5))  # noqa: DTZ001 that is the fault


def test_a_clock_that_jumped_is_told(host):
    """R3: as a tick tells it; what was given waits in the inbox."""
    with Engine(host.engine.store, max_jump="30 days") as engine:
        host = Host(engine)
        host.deploy(rest())
        host.say("go", START, "ann")
        late = after("400 days")
        with pytest.raises(ClockJump), engine.settle(late):
            engine.enroll("j", "bob", at=late)
        with engine.settle(late, allow_jump=True) as settled:
            engine.exit("j", "bob", at=late)
        assert [(each.customer, each.reason) for each in settled.ended] == []
        assert [each.status for each in settled.entered] == ["EXITED"]


# --- where it may depend on others, all due work is done --------------------------------------------------------------


def same(store, deploy, *, give, ask):
    """Return what two engines hold: one settles `ask` before it ticks, the other ticks at once."""
    found = []
    for first in (True, False):
        with open_engine(store, grace=None) as engine:
            host = Host(engine)
            deploy(host)
            give(host)
            if first:
                with engine.settle(after("2 hours")):
                    ask(host)
            else:
                ask(host)
            host.tick("2 hours")
            found.append(
                (
                    sorted((each.journey, each.customer, each.status) for each in engine.enrollments(take=None)),
                    sorted((each.journey, each.reason, each.count) for each in engine.refusals()),
                    sorted(each.customer for each in engine.deferred()),
                    host.outcomes(),
                    [engine.customer(name).attributes for name in ("ann", "bob") if engine.find_customer(name)],
                )
            )
    return found


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("over", ["drop", "defer"])
def test_a_place_of_an_entry_limit_goes_to_who_came_first(store, over):
    """R23: the one who is asked about came later, and is refused or waits."""
    settled, ticked = same(
        store,
        lambda host: host.deploy(rest(), limits=Limits(per_day=1, over=over)),
        give=lambda host: host.feed("go", "1 hour", "ann"),
        ask=lambda host: host.feed("go", "2 hours", "bob"),
    )
    assert settled == ticked
    assert settled[0] == [("j", "ann", "ACTIVE")]


@pytest.mark.parametrize("store", STORES)
def test_a_place_taken_by_hand_counts_after_those_before(store):
    """R23, R24: it needs no place, and takes one."""
    settled, ticked = same(
        store,
        lambda host: host.deploy(rest(), limits=Limits(per_day=1, over="drop")),
        give=lambda host: host.feed("go", "1 hour", "ann"),
        ask=lambda host: host.engine.enroll("j", "bob", at=after("2 hours")),
    )
    assert settled == ticked
    assert len(settled[0]) == 2


@pytest.mark.parametrize("store", STORES)
def test_a_pull_that_is_due_asks_people_as_they_were(store):
    """R27: an hour before she got the tag that it looks for."""
    settled, ticked = same(
        store,
        lambda host: host.deploy(rest(), trigger=Trigger.every("1 hour", list="news")),
        give=lambda host: host.put("0 hours", "ann", lists=["news"]),
        ask=lambda host: host.feed("list.unsubscribed", "2 hours", "ann", list="news"),
    )
    assert settled == ticked
    assert settled[0] == [("j", "ann", "ACTIVE")]


@pytest.mark.parametrize("store", STORES)
def test_the_id_of_an_event_belongs_to_who_was_told_of_first(store):
    """R26: the same id for another customer is conflicting."""

    def fed(host, when, customer):
        host.engine.feed(Event("go", customer=customer, at=after(when), id="e1"))

    settled, ticked = same(
        store,
        lambda host: host.deploy(rest(), trigger=Trigger("go", where=field("plan").eq("gold"))),
        give=lambda host: (host.put("30 minutes", "ann", plan="gold"), fed(host, "1 hour", "ann")),
        ask=lambda host: fed(host, "2 hours", "bob"),
    )
    assert settled == ticked
    assert settled[3][-2:] == ["handled", "conflicting"]
    assert settled[0] == [("j", "ann", "ACTIVE")]


@pytest.mark.parametrize("store", STORES)
def test_who_is_forgotten_before_leaves_the_address_on_the_list(store):
    """R86: who gets it afterwards has no consent with it."""
    settled, ticked = same(
        store,
        lambda host: host.deploy(Wait("soon", "30 minutes"), Update("out", Chain.forget())),
        give=lambda host: (host.put(START, "ann", email="a@example.com"), host.feed("go", START, "ann")),
        ask=lambda host: host.put("2 hours", "bob", email="a@example.com"),
    )
    assert settled == ticked
    assert settled[4] == [{"email": "a@example.com", "consent": {"EMAIL": False}}]


def test_only_runs_of_these_customers_are_named_though_all_work_was_done(host):
    """R74: a pull is due, so everybody is settled, in every tenant, also one of the same id."""
    other = Host(host.engine.tenant("other"))
    host.deploy(End("e"), id="pulling", trigger=Trigger.every("1 hour", list="news"))
    for each, names in ((host, ("ann", "bob")), (other, ("ann",))):
        each.deploy(rest())
        for name in names:
            each.feed("go", START, name)
    host.tick()
    with host.engine.settle(after("2 days")) as settled:
        host.feed("asked", "2 days", "ann")
    assert [(each.tenant, each.customer, each.status) for each in settled.ended] == [("default", "ann", "COMPLETED")]
    assert [each.enrollment("j", name).status for each, name in ((host.engine, "bob"), (other.engine, "ann"))] == [
        "COMPLETED", "COMPLETED",
    ]  # fmt: skip


def test_what_cannot_be_handled_is_set_aside(host, monkeypatch):
    """R9: it does not come out of the block."""

    def fail(*_):
        raise ZeroDivisionError

    host.deploy(rest())
    monkeypatch.setitem(intake._KINDS, "enroll", fail)
    with host.engine.settle(START) as settled:
        host.engine.enroll("j", "ann", at=START)
        host.put(START, "bob", plan="gold")
    assert [each.outcome for each in settled.outcomes] == ["error", "handled"]


def test_many_batches_of_one_customer_are_done(host):
    """As many as there are, of any size."""
    with Engine(host.engine.store, batch_size=2) as engine:
        host = Host(engine)
        host.deploy(rest(), reentry="always")
        with engine.settle(START) as settled:
            for _ in range(5):
                host.put(START, "ann", plan="gold")
                host.put(START, "ann", plan="lead")
    assert [each.outcome for each in settled.outcomes] == ["handled"] * 10


def test_unreadable_dates_are_told_in_the_log(caplog):
    """R61."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(Journey(id="j", steps=[Wait("day", field="born", on_missing="end")]), at=START)
        with engine.settle(START):
            engine.put_customer("ann", {"born": "soon"}, at=START)
    assert "born is not a date" in caplog.text
