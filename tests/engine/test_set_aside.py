"""One item that cannot be handled never stops the others (R9): it is set aside, named, and taken up again."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import Engine, Event, InvalidInput, Journey, Limits, MemoryStore, Send, Trigger, Wait
from journeyflow.engine import working
from journeyflow.machine import behaviours
from journeyflow.stores.batch import LimitsLoaded
from journeyflow.stores.memory.transaction import MemoryTransaction
from journeyflow.stores.sqlite.transaction import SQLiteTransaction
from journeyflow.work import (
    batch_messages,
    entries,
    intake,
    outbox,
    pulls,
    scheduler,
    setting_aside,
    stages,
    working_set,
)
from journeyflow.work.happenings import Tally
from journeyflow.work.together import crowds
from tests.samples import STORES, open_engine

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + timedelta(minutes=1)
BAD = "bad"
STEPS = (Wait("w", "1 hour"), Send("s", channel="EMAIL", template="t"))
PEOPLE = ("ann", BAD, "cyd")


@pytest.fixture(params=STORES)
def engine(request):
    """Give an engine on each store."""
    with open_engine(request.param, grace=None) as opened:
        yield opened


def welcome(engine, **options):
    """Deploy a journey that everybody enters by an event, with a wait and a message, and know everybody."""
    engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=STEPS, **options), at=START)
    engine.put_customers({who: {"name": who} for who in PEOPLE}, at=START)
    engine.tick(START)


def go(engine, apart=timedelta(seconds=1)):
    """Let everybody do what the journey listens to, one after another."""
    engine.feed(
        [Event("go", customer=who, at=START + n * apart, id=f"go-{who}", data={"n": n}) for n, who in enumerate(PEOPLE)]
    )


def is_bad(person):
    """Return whether somebody is the customer "bad"."""
    return getattr(person, "id", None) == BAD


def is_of_bad(event):
    """Return whether an event on its way is about the customer "bad"."""
    return is_bad(getattr(event, "person", None))


def plant(monkeypatch, place, name, wanted):
    """Let a function raise whenever one of its arguments is wanted."""
    real = getattr(place, name)

    def poisoned(*args, **options):
        if any(wanted(each) for each in (*args, *options.values())):
            msg = "planted"
            raise RuntimeError(msg)
        return real(*args, **options)

    monkeypatch.setattr(place, name, poisoned)


def statuses(engine):
    """Return the status, reason and number of visits of everybody's run."""
    found = engine.enrollments(journey="j").items
    return {each.customer: (each.status, each.reason, each.entered_at) for each in found}


def outcomes(engine):
    """Return the outcome of everybody's event "go"."""
    with engine.store.reader() as reader:
        return dict(reader.rows("SELECT customer, outcome FROM inputs WHERE type = 'go'"))


def names_bad(due):
    """Return whether the event of "bad" is due."""
    return any(item.customer == BAD for item in getattr(due, "inputs", {}).values())


def is_number_of_bad(value):
    """Return whether a value is the number of the customer "bad", or that of a run of theirs."""
    return value == 2 and type(value) is int


def values(found):
    """Return the values of a dict; of anything else none."""
    return found.values() if isinstance(found, dict) else ()


STAGES_OF_AN_INPUT = {
    "plan": (scheduler, "plan", names_bad),
    "load": (None, "load", lambda request: ("default", BAD) in getattr(request, "names", ())),
    "lay out": (scheduler, "lay_out", names_bad),
    "take": (scheduler, "take_input", lambda item: getattr(item, "customer", None) == BAD),
    "handle": (intake, "handle", is_of_bad),
    "enter": (stages, "enter", is_of_bad),
    "advance": (working_set.Work, "advance", lambda run: getattr(run, "customer", None) == 2),
    "count": (working_set, "count", lambda runs: 2 in [getattr(run, "customer", 0) for run in values(runs)]),
    "commit": (None, "commit", lambda changes: 2 in [run.customer for run in getattr(changes, "runs", ())]),
}


@pytest.mark.parametrize("stage", STAGES_OF_AN_INPUT)
@pytest.mark.unmeasured
def test_an_input_that_cannot_be_handled_is_set_aside(engine, stage, monkeypatch, caplog):
    """R9: the others are handled as if it were not there, and `retry` takes it up again."""
    welcome(engine)
    place, name, wanted = STAGES_OF_AN_INPUT[stage]
    go(engine)
    with monkeypatch.context() as planted, caplog.at_level(logging.ERROR, "journeyflow"):
        for where in [place] if place else [MemoryTransaction, SQLiteTransaction]:
            plant(planted, where, name, wanted)
        result = engine.tick(NOW)
    assert (result.errors, result.inputs, result.entered) == (1, 3, 2)
    assert outcomes(engine) == {"ann": "handled", BAD: "error", "cyd": "handled"}
    assert "planted" in caplog.text
    assert "customer 'bad'" in caplog.text
    assert "Traceback" in caplog.text
    (named,) = engine.audit()
    assert "input 5, event 'go' of customer 'bad', tenant 'default', was set aside" in named
    (aside,) = engine.set_aside().items
    assert (aside.number, aside.kind, aside.name, aside.customer, aside.id) == (5, "event", "go", BAD, "go-bad")
    assert aside.data == {"n": 1}
    engine.retry(aside, at=NOW + HOUR)
    assert engine.set_aside().items == ()
    assert engine.tick(NOW + HOUR).errors == 0
    assert outcomes(engine) == dict.fromkeys(PEOPLE, "handled")
    entered = {who: START + timedelta(seconds=n) for n, who in enumerate(PEOPLE)}
    assert statuses(engine) == {who: ("COMPLETED", "", at) for who, at in entered.items()}
    assert engine.audit() == []


@pytest.mark.parametrize("stage", STAGES_OF_AN_INPUT)
@pytest.mark.unmeasured
def test_an_input_of_a_cycle_that_cannot_be_handled_is_set_aside(engine, stage, monkeypatch):
    """R75: the other inputs of the same block are handled, and the messages of the others are claimed."""
    welcome(engine)
    place, name, wanted = STAGES_OF_AN_INPUT[stage]
    with monkeypatch.context() as planted:
        for where in [place] if place else [MemoryTransaction, SQLiteTransaction]:
            plant(planted, where, name, wanted)
        with engine.cycle(NOW + HOUR, worker="w") as cycle:
            go(engine)
    assert (cycle.result.errors, cycle.result.inputs, cycle.result.entered) == (1, 3, 2)
    assert [message.customer for message in cycle.messages] == ["ann", "cyd"]
    assert outcomes(engine) == {"ann": "handled", BAD: "error", "cyd": "handled"}
    engine.retry(engine.set_aside().items, at=NOW + HOUR)
    with engine.cycle(NOW + 2 * HOUR, worker="w") as cycle:
        pass
    assert [message.customer for message in cycle.messages] == ["bad", "ann", "cyd"]  # two leases have ended
    assert engine.audit() == []


def is_run_of_bad(run):
    """Return whether a value is the run of the customer "bad"."""
    return getattr(run, "serial", None) == 2


STAGES_OF_A_TIMER = {
    "plan": (scheduler, "plan", lambda due: 2 in getattr(due, "runs", ())),
    "load": (None, "load", lambda request: 2 in getattr(request, "at_hand", ())),
    "wake": (scheduler, "_wake", is_number_of_bad),
    "advance": (working_set.Work, "advance", is_run_of_bad),
    "take over": (
        batch_messages.Messages,
        "add",
        lambda posts: isinstance(posts, Sequence) and any(map(is_run_of_bad, posts)),
    ),
    "walk": (behaviours, "Walk", is_run_of_bad),
    "count": (working_set, "count", lambda runs: isinstance(runs, dict) and 2 in runs),
}


@pytest.mark.parametrize("stage", STAGES_OF_A_TIMER)
def test_a_run_that_cannot_be_moved_has_failed(engine, stage, monkeypatch):
    """R43: it is FAILED with "internal error" where it rested; the error stands in its history; `retry` moves it on."""
    welcome(engine)
    go(engine)
    engine.tick(NOW)
    place, name, wanted = STAGES_OF_A_TIMER[stage]
    with monkeypatch.context() as planted:
        for where in [place] if place else [MemoryTransaction, SQLiteTransaction]:
            plant(planted, where, name, wanted)
        result = engine.tick(NOW + HOUR)
    assert (result.errors, result.messages) == (1, 2)
    ended = {who: values[:2] for who, values in statuses(engine).items()}
    assert ended == {"ann": ("COMPLETED", ""), BAD: ("FAILED", "internal error"), "cyd": ("COMPLETED", "")}
    named = engine.audit()
    assert "customer 'bad' in journey 'j' of tenant 'default', was set aside" in named[-1]
    if stage in {"walk", "count"}:  # the end of a run is a walk too: no visit could be written
        assert len(named) > 1
        return
    assert len(named) == 1
    assert "RuntimeError: planted" in str(engine.explain("j", BAD))
    engine.retry(("j", BAD), at=NOW + 2 * HOUR)
    assert engine.tick(NOW + 2 * HOUR).messages == 1
    assert engine.audit() == []


def test_a_lease_whose_end_cannot_be_handled(engine, monkeypatch):
    """The message is FAILED; the leases of others end as usual (R71)."""
    welcome(engine)
    go(engine)
    engine.tick(NOW + HOUR)
    claimed = engine.claim("w", at=NOW + HOUR)
    assert len(claimed) == 3
    with monkeypatch.context() as planted:
        plant(planted, scheduler, "lease_ended", lambda value: value == (2, 2))
        assert engine.tick(NOW + 2 * HOUR).errors == 1
    assert [engine.message(each.id).status for each in claimed] == ["QUEUED", "FAILED", "QUEUED"]
    assert engine.message(claimed[1].id).error == "internal error: RuntimeError: planted"
    assert engine.audit()[0].startswith("message 2-2 was set aside")


def test_a_message_that_cannot_be_handed_out(engine, monkeypatch, caplog):
    """The others are handed out; it is FAILED with the error, and can be queued again (R71)."""
    welcome(engine)
    go(engine)
    engine.tick(NOW + HOUR)
    with monkeypatch.context() as planted:
        plant(planted, outbox, "_message", is_run_of_bad)
        assert [each.customer for each in engine.claim("w", at=NOW + HOUR)] == ["ann", "cyd"]
    assert "set aside message" in caplog.text
    (failed,) = engine.messages(status="FAILED").items
    assert (failed.customer, failed.error) == (BAD, "internal error: RuntimeError")
    assert "message 2-2 was set aside" in engine.audit()[0]
    assert engine.requeue(failed, at=NOW + HOUR) is not None
    engine.tick(NOW + HOUR)
    assert [each.customer for each in engine.claim("w", at=NOW + HOUR)] == [BAD]
    assert engine.audit() == []


def test_an_entry_that_waits_for_a_slot(engine, monkeypatch):
    """It is refused with "internal error", and the next in the queue enters (R23)."""
    welcome(engine, limits=Limits(per_hour=1))
    go(engine)
    assert engine.tick(NOW).deferred == 2
    with monkeypatch.context() as planted:
        plant(planted, entries, "enter", is_of_bad)
        result = engine.tick(NOW + HOUR)
    assert (result.errors, result.refused, result.entered) == (1, 1, 1)
    assert set(statuses(engine)) == {"ann", "cyd"}
    assert "customer 'bad' was refused by journey 'j'" in engine.audit()[0]


def test_a_customer_whom_a_pull_cannot_ask(engine, monkeypatch):
    """The pull goes on with the next (R27)."""
    trigger = Trigger.every("1 day", list="news")
    engine.deploy(Journey(id="j", trigger=trigger, steps=[Wait("w", "1 hour")]), at=START)
    engine.put_customers({who: {"lists": ["news"]} for who in PEOPLE}, at=START)
    with monkeypatch.context() as planted:
        plant(planted, pulls, "enter", is_of_bad)
        result = engine.tick(NOW)
    assert (result.errors, result.refused, result.entered) == (1, 1, 2)
    assert set(statuses(engine)) == {"ann", "cyd"}
    assert engine.tick(START + timedelta(days=1)).entered == 1  # who could not be asked is asked again
    assert engine.next_due() == START + timedelta(days=1, hours=1)


def test_a_timer_of_a_journey_that_cannot_be_handled_at_all_stops(engine, monkeypatch):
    """The others go on, and the audit says that nothing wakes the journey."""
    welcome(engine, limits=Limits(per_hour=1))
    go(engine)
    engine.tick(NOW)
    with monkeypatch.context() as planted:
        plant(planted, scheduler, "admit", lambda value: isinstance(value, int))
        plant(planted, setting_aside, "turn_away_first", lambda value: isinstance(value, int))
        assert engine.tick(NOW + HOUR).errors == 1
    assert engine.audit() == ["2 people wait for a slot of journey 'j' and nothing wakes them"]


@pytest.mark.unmeasured
@pytest.mark.parametrize("batch_size", [1, 2, 7, 2_000])
def test_many_bad_items_among_many(batch_size, monkeypatch):
    """Each costs itself alone, whatever the size of batches; what is due within the batch counts as well."""
    engine = Engine(MemoryStore(), batch_size=batch_size, grace=None)
    engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=STEPS), at=START)
    many = [f"c{n}" for n in range(60)]
    bad = set(many[5:60:7])
    engine.feed([Event("go", customer=who, at=START + n * timedelta(minutes=7)) for n, who in enumerate(many)])
    plant(monkeypatch, intake, "handle", lambda value: getattr(getattr(value, "person", None), "id", None) in bad)
    result = engine.tick(START + timedelta(days=1))
    assert (result.errors, result.inputs, result.entered, result.messages) == (len(bad), 60, 52, 52)
    assert {who for who, (status, *_) in all_statuses(engine).items() if status == "COMPLETED"} == set(many) - bad
    assert len(engine.audit()) == len(bad)


def all_statuses(engine):
    """Return the status of every run, by customer."""
    return {each.customer: (each.status,) for each in engine.enrollments(journey="j", take=100).items}


def test_a_limit_counts_what_is_set_aside(engine, monkeypatch):
    """R73: `limit` bounds the items of a call, also of a call in which some cannot be handled."""
    welcome(engine)
    go(engine)
    plant(monkeypatch, intake, "handle", is_of_bad)
    first, second = engine.tick(NOW, limit=2), engine.tick(NOW, limit=2)
    assert [(each.inputs, each.errors, each.more) for each in (first, second)] == [(2, 1, True), (1, 0, False)]


def test_an_event_without_data_is_set_aside_without_data(engine, monkeypatch):
    """There is nothing to show of it, and nothing that cannot be read."""
    welcome(engine)
    engine.feed(Event("go", customer=BAD, at=START))
    with monkeypatch.context() as planted:
        plant(planted, intake, "handle", is_of_bad)
        engine.tick(NOW)
    assert [(each.kind, each.id, each.data) for each in engine.set_aside()] == [("event", None, {})]


def test_an_id_of_an_input_that_was_set_aside_may_come_again(engine, monkeypatch):
    """R26: what was not handled is not known; the one that is taken up later is then the duplicate."""
    welcome(engine)
    go(engine)
    with monkeypatch.context() as planted:
        plant(planted, intake, "handle", is_of_bad)
        engine.tick(NOW)
    (aside,) = engine.set_aside().items
    engine.feed(Event("go", customer=BAD, at=START, id="go-bad", data={"n": 1}))
    assert engine.tick(NOW).entered == 1
    engine.retry([aside], at=START)
    assert engine.tick(NOW).entered == 0
    with engine.store.reader() as reader:
        rows = reader.rows("SELECT outcome FROM inputs WHERE customer = 'bad' AND type = 'go' ORDER BY seq")
    assert rows == [("duplicate",), ("handled",)]


def test_what_is_not_set_aside_is_not_taken_up_again(engine, monkeypatch):
    """Retrying an input twice, or one of another tenant, changes nothing."""
    welcome(engine)
    go(engine)
    with monkeypatch.context() as planted:
        plant(planted, intake, "handle", is_of_bad)
        engine.tick(NOW)
    (aside,) = engine.set_aside().items
    engine.retry(aside, at=START)
    assert engine.tick(NOW).inputs == 1
    engine.retry(aside, at=START)
    assert engine.tick(NOW).inputs == 0
    assert engine.tenant("other").set_aside().items == ()
    with pytest.raises(InvalidInput, match="input 5: it is not of this tenant"):
        engine.tenant("other").retry(aside, at=START)


def test_an_exception_without_any_item_is_raised(engine, monkeypatch):
    """What is wrong with the engine itself is not laid to an item's charge."""
    welcome(engine)
    go(engine)
    plant(monkeypatch, scheduler, "plan", lambda _: True)
    plant(monkeypatch, working, "_put_aside", lambda _: True)
    with pytest.raises(RuntimeError, match="planted"):
        engine.tick(NOW)


def test_an_item_that_another_process_handled_meanwhile(engine):
    """Nothing is set aside if the first due item is another one by then."""
    welcome(engine)
    go(engine)
    engine.tick(NOW)
    failure = working.Unhandled([(1, 1, 1, 0)], None)
    assert working._put_aside(working.HostCall(engine._core, 0), failure, "", setting_aside.set_aside) is None
    assert engine.audit() == []


def test_customers_who_would_move_together(engine, monkeypatch):
    """An exception among many who do the same at one instant is laid to the charge of one of them."""
    welcome(engine)
    go(engine, apart=timedelta(0))
    with monkeypatch.context() as planted:
        plant(planted, crowds.Crowds, "take", lambda value: isinstance(value, crowds.Crowds))
        plant(planted, intake, "handle", is_of_bad)
        result = engine.tick(NOW)
    assert (result.errors, result.entered) == (1, 2)
    assert outcomes(engine) == {"ann": "handled", BAD: "error", "cyd": "handled"}


def test_what_is_no_longer_due_is_not_counted(engine):
    """Another process has handled the item between the attempt and the setting aside."""
    welcome(engine)
    assert (
        working.set_first_aside(working.HostCall(engine._core, 0), working.Unhandled([(1, 1, 1, 0)], None)) == Tally()
    )


def test_a_queue_without_anybody_goes_on(engine):
    """There is nobody to turn away, and the timer of the queue stops."""
    welcome(engine, limits=Limits(per_hour=1))
    with engine.store.transaction(write=False) as transaction:
        catalog = engine._core.refresh(transaction)
    work = working_set.Work(catalog, 0, None, (0, 3, 1, 0))
    work.slots.lay_out(LimitsLoaded(slots={1: ()}, timers={(1, 0): 0}))
    entries.turn_away_first(work, 1, 0, {})
    assert work.changes().limits.stopped == ((1, 0),)
