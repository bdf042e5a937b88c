"""Ctrl-C, wherever it falls: all or nothing in both stores, and everybody goes on, also while the exception is held."""

import _thread
import gc
import random
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from journeyflow import Engine, Event, Journey, Limits, MemoryStore, Send, StorageError, Trigger, Wait
from journeyflow.engine import core
from journeyflow.records.changes import Changes
from journeyflow.stores import turns
from journeyflow.stores.sqlite import SQLiteStore
from tests.cases import long
from tests.samples import STORES, open_engine
from tests.stateful.journeys import dump
from tests.stores.scenes import START, live, tick_and_claim

pytestmark = pytest.mark.unmeasured

PACKAGE = str(Path(turns.__file__).parents[1])

Interrupt = Callable[[], object]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whoever waits look soon whether the turn was left: these tests leave it hundreds of times."""
    for module in (turns, core):
        monkeypatch.setattr(module, "TURN_PATIENCE", 0.003)


@pytest.fixture(autouse=True)
def no_greenlets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget that another test has imported greenlet: where there are greenlets, no function is certainly over."""
    monkeypatch.delitem(sys.modules, "greenlet", raising=False)


def at_once() -> None:
    """Raise, as a debugger or an exception set from another thread does."""
    raise KeyboardInterrupt


INTERRUPTS: dict[str, Interrupt] = {"at once": at_once, "by signal": _thread.interrupt_main}
"""How an interrupt comes: at this very instruction, or where Python next looks whether a signal has come."""


@contextmanager
def interrupting(number: int, interrupt: Interrupt, within: str = "", *, opcodes: bool = False) -> Iterator[list[int]]:
    """Interrupt at the n-th line or instruction of modules of the package; yield the list of those not reached."""
    left, place = [number], PACKAGE + within

    def enter(frame: FrameType, *_: object) -> Any:
        if not frame.f_code.co_filename.startswith(place):
            return None
        frame.f_trace_opcodes = opcodes
        return trace(frame)

    def trace(_frame: FrameType, *_: object) -> Any:
        left[0] -= 1
        if left[0] == 0:
            sys.settrace(None)
            interrupt()
        return trace

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.settrace(enter)
    try:
        yield left
    finally:
        sys.settrace(None)
        signal.signal(signal.SIGINT, before)


def held(work: Callable[[], object], number: int, interrupt: Interrupt, **options: Any) -> BaseException | None:
    """Do some work and interrupt it; return the exception with all its frames, None if the work came first."""
    try:
        with interrupting(number, interrupt, **options) as left:
            work()
            for _ in range(100):  # Python looks for signals where it jumps back
                pass
    except KeyboardInterrupt as error:
        return error
    assert left[0] > 0, "an interrupt that nobody heard"
    return None


def in_thread(work: Callable[[], object]) -> Any:
    """Return what another thread comes to; it has to come to its end."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(20)
    assert found, "another thread hangs, or failed"
    return found[0]


# --- engines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", INTERRUPTS)
@pytest.mark.parametrize("kind", STORES)
def test_an_interrupted_tick_is_finished_by_anybody(kind: str, how: str) -> None:
    """With the exception held, another thread's tick finishes the work: the history is that of a quiet run (R72)."""
    now = START + timedelta(days=9)

    def begun() -> Engine:
        engine = open_engine(kind, grace=None, max_jump=None, batch_size=20)
        live(engine, 4)
        return engine

    quiet = begun()
    with interrupting(10**9, at_once, opcodes=True) as left:
        quiet.tick(now)
    wanted, length = dump(quiet.store), 10**9 - left[0]
    draw, met = random.Random(7), 0
    for number in sorted(draw.sample(range(1, length), 16)):
        engine = begun()
        error = held(partial(engine.tick, now), number, INTERRUPTS[how], opcodes=True)
        met += error is not None
        assert gc.isenabled()
        in_thread(partial(engine.tick, now))
        assert engine.tick(now).moves == 0
        assert dump(engine.store) == wanted, number
        assert engine.audit() == []
    assert met > 12


@pytest.mark.parametrize("how", INTERRUPTS)
@pytest.mark.parametrize("kind", STORES)
def test_an_interrupted_cycle_is_done_or_not(kind: str, how: str) -> None:
    """R75: inputs, work and leases are all there, or nothing is; what was not done can be done again."""
    now = START + timedelta(hours=1)
    hello = Journey(id="hello", trigger=Trigger("go"), steps=[Send("hi", channel="EMAIL", template="t")])

    def begun() -> Engine:
        engine = open_engine(kind, grace=None)
        engine.deploy(hello, at=START)
        cycle(engine, START)
        return engine

    def cycle(engine: Engine, at: datetime) -> None:
        with engine.cycle(at, worker="w", lease="9 days"):
            engine.feed(Event("go", customer=name, at=at) for name in ("ann", "bob"))

    quiet = begun()
    before = dump(quiet.store)
    with interrupting(10**9, at_once, opcodes=True) as left:
        cycle(quiet, now)
    after, length = dump(quiet.store), 10**9 - left[0]
    draw, kept = random.Random(7), set[bool]()
    for number in sorted(draw.sample(range(1, length), 24)):
        engine = begun()
        error = held(partial(cycle, engine, now), number, INTERRUPTS[how], opcodes=True)
        found = in_thread(partial(dump, engine.store))
        if error is not None:
            kept.add(found == after)
        if found == before:
            in_thread(partial(cycle, engine, now))
        assert dump(engine.store) == after, number
    assert False in kept


ENTERED_AND_LEFT = ("/stores/turns.py", "/stores/sqlite/blocks.py", "/stores/memory/commits.py", "/engine/core.py")


@pytest.mark.parametrize("how", INTERRUPTS)
@pytest.mark.parametrize("within", ENTERED_AND_LEFT)
@pytest.mark.parametrize("kind", STORES)
def test_no_instruction_around_a_block_is_the_wrong_one(kind: str, within: str, how: str) -> None:
    """Between a block's beginning and its end: the call is done or not, and other threads go on at once."""
    engine = open_engine(kind)
    engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[Send("a", channel="EMAIL", template="t")]), at=START)
    step = {"at once": 2, "by signal": 5}[how] if long() else {"at once": 5, "by signal": 11}[how]
    number, done, held_back = STORES.index(kind), 0, list[BaseException | None]()  # what both have is met at others
    while None not in held_back:
        number += step

        def work(number: int = number) -> None:
            engine.edit("j", at=START, name=f"name {number}")
            engine.put_customer(f"c{number}", {}, at=START)

        held_back.append(held(work, number, INTERRUPTS[how], within=within, opcodes=True))
        in_thread(partial(engine.put_customer, f"d{number}", {}, at=START))
        name = engine.journey("j").name
        assert in_thread(lambda: engine.journey("j").name) == name
        done += name == f"name {number}"
    assert rows(engine, "SELECT count(*) FROM inputs WHERE customer LIKE 'd%'") == [(len(held_back),)]
    engine.tick(START)
    assert engine.audit() == []
    assert done


def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    """Ask a store in SQL."""
    with engine.store.reader() as reader:
        return reader.rows(sql)


def test_an_interrupted_batch_keeps_nothing_to_itself() -> None:
    """What is given after a batch that an interrupt ended is stored, and another batch can be opened (R10)."""
    engine = open_engine("memory")

    def work() -> None:
        with engine.batch():
            engine.put_customer("a", {}, at=START)

    number, held_back = 0, list[BaseException | None]()
    while None not in held_back:
        number += 1
        held_back.append(held(work, number, at_once, within="/engine/batches.py", opcodes=True))
        engine.put_customer(f"b{number}", {}, at=START)
        with engine.batch():
            engine.put_customer(f"c{number}", {}, at=START)
    engine.tick(START)
    names = {name for (name,) in rows(engine, "SELECT id FROM customers")}
    assert names == {"a", *(f"{letter}{n + 1}" for letter in "bc" for n in range(number))}


# --- the store in memory ----------------------------------------------------------------------------------------------


def state(store: MemoryStore) -> dict[str, object]:
    """Return all that a store in memory keeps, and what it would do next."""
    with store.transaction(write=False) as transaction:
        due = transaction.due(2**60, 10_000).keys
    plain = {name: value for name, value in vars(store).items() if type(value) in {dict, list}}
    plain["newest"] = {customer: newest for customer, newest in store.newest.items() if newest}
    limits = {name: value for name, value in vars(store.limits).items() if name not in {"queues", "of_customer"}}
    queues = {journey: queue for journey, queue in store.limits.queues.items() if queue}
    waiting = {customer: numbers for customer, numbers in store.limits.of_customer.items() if numbers}
    listed = sorted(store.pulls.listed())
    return {**plain, "due": due, "limits": limits, "queues": queues, "waiting": waiting, "listed": listed} | {
        "rounds": store.pulls.rounds
    }


class Recorded(MemoryStore):
    """A store that notes what it was before each commit, and the commit."""

    def __init__(self) -> None:
        """Begin without commits."""
        super().__init__()
        self.noted: list[tuple[Changes, tuple[Changes, ...]]] = []

    def commit(self, committed: Any) -> None:
        """Note a commit before it is put in place."""
        committed = tuple(committed)
        if committed:
            self.noted.append((self.snapshot(), committed))
        super().commit(committed)


def commits() -> list[tuple[Changes, tuple[Changes, ...]]]:
    """Return commits of all kinds."""
    store = Recorded()
    with Engine(store, grace=None, max_jump=None, batch_size=20) as engine:
        live(engine, 3)
        slow = Journey(
            id="slow", trigger=Trigger("member.created"), limits=Limits(per_hour=1), steps=[Wait("w", "9 days")]
        )
        pulled = Journey(
            id="pulled", trigger=Trigger.every("1 day", list="news"), steps=[Send("s", channel="EMAIL", template="t")]
        )
        engine.deploy(slow, at=START)
        engine.deploy(pulled, at=START)
        engine.put_customer("c0", {"lists": ["news"]}, at=START)
        for hours in (1, 30):
            messages = tick_and_claim(engine, START + timedelta(hours=hours))
            engine.ack(messages[1:], at=START + timedelta(hours=hours))
            engine.nack(messages[:1], at=START + timedelta(hours=hours), error="no mailbox")
        engine.put_customer("c0", {"lists": []}, at=START + timedelta(hours=31))
        engine.pause("welcome", at=START + timedelta(hours=31))
        engine.pause("slow", at=START + timedelta(hours=31))
        engine.tick(START + timedelta(days=4))
        engine.resume("welcome", at=START + timedelta(days=4))
        engine.resume("slow", at=START + timedelta(days=4), overdue="shift")
        engine.set_published("welcome", {"nudge": False}, at=START + timedelta(days=4))
        tick_and_claim(engine, START + timedelta(days=5))
        engine.forget("c1", at=START + timedelta(days=5))
        engine.tick(START + timedelta(days=60))
        engine.prune(START + timedelta(days=50))
        engine.archive("slow", at=START + timedelta(days=60))
        engine.purge("slow")
        engine.edit("welcome", at=START + timedelta(days=61), name="hello")
        engine.submit_export(at=START + timedelta(days=61))
        engine.work_exports(at=START + timedelta(days=61))
    return store.noted


def filled(before: Changes) -> MemoryStore:
    """Return a store with this content."""
    store = MemoryStore()
    store.commit([before])
    return store


def test_a_commit_to_memory_is_all_or_nothing() -> None:
    """Interrupted at any line, twice even, it is as if it had not begun, or as if nothing had come between."""
    together = 0
    for place, (before, committed) in enumerate(commits()):
        nothing, whole = state(filled(before)), filled(before)
        with interrupting(10**9, at_once, "/stores/memory") as left:
            whole.commit(committed)
        length, everything = 10**9 - left[0], state(whole)
        for number in range(1 + place % 5, length, max(length // 8, 1)):
            store = filled(before)
            assert held(partial(store.commit, committed), number, at_once, within="/stores/memory")
            if number % 3 == 0:
                held(partial(state, store), 1 + number // 2, at_once, within="/stores/memory")
            found = state(store)
            together += found == everything
            assert found in (nothing, everything), (place, number)
    assert together > 100


def test_a_question_to_memory_may_be_interrupted() -> None:
    """What is due, and the database for questions, are found again whole."""
    before = commits()[-1][0]

    def asked(store: MemoryStore) -> dict[str, Any]:
        store.posts_by_customer = None
        return {**state(store), **dump(store)}

    store, number, error = filled(before), 0, True
    wanted = asked(store)
    while error:
        number += 41
        store = filled(before)
        error = bool(held(partial(asked, store), number, at_once, within="/stores/memory"))
        assert asked(store) == wanted, number


# --- turns ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STORES)
def test_what_a_host_holds_is_never_taken_for_left(kind: str) -> None:
    """A view that is kept in an ExitStack, by hand or in a generator is open until it is closed."""
    engine = open_engine(kind)
    stack = ExitStack()
    reader = stack.enter_context(engine.store.reader())
    with pytest.raises(StorageError, match="they do not nest"):
        engine.tick(START)
    thread = threading.Thread(target=lambda: engine.put_customer("c", {}, at=START), daemon=True)
    thread.start()
    thread.join(40 * turns.TURN_PATIENCE)
    assert thread.is_alive()
    assert reader.rows("SELECT count(*) FROM inputs") == [(0,)]
    stack.close()
    thread.join()
    assert rows(engine, "SELECT count(*) FROM inputs") == [(1,)]

    def held_open() -> Generator[None, None, None]:
        with engine.store.reader():
            yield

    with closing(held_open()) as generator:
        next(generator)
        with pytest.raises(StorageError, match="they do not nest"):
            engine.tick(START)
    engine.tick(START)


def test_a_store_is_closed_within_its_own_transaction_only() -> None:
    """Another thread that closes a store waits for who works on it."""
    store = SQLiteStore(":memory:")
    thread = threading.Thread(target=store.close)
    with store.reader() as reader:
        thread.start()
        thread.join(40 * turns.TURN_PATIENCE)
        assert reader.rows("SELECT 1") == [(1,)]
    thread.join()
    with pytest.raises(StorageError, match="closed"):
        store.reader().__enter__()
