"""Turns of a store: who waits, whose turn is ended for them, and what a fork leaves."""

import gc
import sys
import threading
from types import FrameType, ModuleType

import pytest

from journeyflow import MemoryStore, StorageError
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores import turns
from journeyflow.stores.turns import Block, Open, StoreTurn
from journeyflow.testing import conformance


@pytest.fixture(autouse=True)
def no_greenlets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget that another test has imported greenlet: where there are greenlets, no function is certainly over."""
    monkeypatch.delitem(sys.modules, "greenlet", raising=False)


class Noted(Block):
    """A block that notes that it was dropped."""

    dropped = 0

    def drop(self) -> None:
        """Count."""
        self.dropped += 1


LEFT = """
def enter(block):
    block.__enter__()

def enter_and_go_on(block):
    block.__enter__()
    yield
"""


@pytest.fixture
def package() -> ModuleType:
    """Return a module that seems to be one of the package."""
    module = ModuleType("journeyflow.made_up")
    exec(LEFT, module.__dict__)  # noqa: S102 our own
    return module


def test_a_block_whose_function_is_over_is_ended_by_the_next(package: ModuleType) -> None:
    """As after an interrupt that fell into its end; once, whoever comes."""
    turn = StoreTurn("x")
    left = Noted(turn)
    package.enter(left)
    with Noted(turn) as value:
        assert value is None
    assert left.dropped == 1
    turn._end(left)
    assert left.dropped == 1, "another thread has ended it already"
    turn.give_back(left)


def test_a_turn_is_had_by_one_block() -> None:
    """From the beginning of the block to its end, and by no other block of the same thread."""
    turn = StoreTurn("x")
    block, other = Noted(turn), Noted(turn)
    assert not turn.is_had_by(block)
    with block:
        assert (turn.is_had_by(block), turn.is_had_by(other)) == (True, False)
    assert not turn.is_had_by(block)


@pytest.mark.parametrize("keep", ["generator", "host", "contextlib", "greenlet"])
def test_a_block_that_may_go_on_is_not_ended(keep: str, package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator goes on, a host's function may pass the block on, and so may greenlets."""
    turn = StoreTurn("x")
    block = Noted(turn)
    if keep == "generator":
        generator = package.enter_and_go_on(block)
        next(generator)
    else:
        package.__dict__["__name__"] = {"host": "shop", "contextlib": "contextlib"}.get(keep, "journeyflow.made_up")
        package.enter(block)
    if keep == "greenlet":
        monkeypatch.setitem(sys.modules, "greenlet", ModuleType("greenlet"))
    with pytest.raises(StorageError, match="x: a transaction is open in this thread already"):
        Noted(turn).__enter__()
    assert not block.dropped


@pytest.mark.parametrize("enabled", [True, False])
def test_threads_are_looked_at_while_the_collector_rests(enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is collected then may wait forever in Python 3.11; a thread looks at no other one for its own block."""
    seen, left, frames = list[bool](), list[bool](), sys._current_frames

    def noted() -> dict[int, FrameType]:
        seen.append(gc.isenabled())
        return frames()

    monkeypatch.setattr(sys, "_current_frames", noted)
    (gc.enable if enabled else gc.disable)()
    try:
        block = Noted(StoreTurn("x"))
        with block:
            assert not Open.is_left(block)
            assert seen == []
            other = threading.Thread(target=lambda: left.append(Open.is_left(block)))
            other.start()
            other.join()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert (seen, left) == ([False], [False])


def test_who_waits_is_woken() -> None:
    """Threads have their turns one after the other, also where several wait."""
    turn, order = StoreTurn("x"), list[int]()

    def work(number: int) -> None:
        for _ in range(20):
            with Block(turn):
                order.append(number)
                order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(order) == 160
    assert order[::2] == order[1::2]


def test_a_fork_waits_for_other_threads_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a fork, nobody has a turn but the thread that forked: others are not in the child."""
    monkeypatch.setattr(turns, "FORK_SECONDS", 0.1)
    mine, theirs, free = StoreTurn("mine"), StoreTurn("theirs"), StoreTurn("free")
    monkeypatch.setattr(turns, "TURNS", [mine, theirs, free])
    inside, over = threading.Event(), threading.Event()

    def work() -> None:
        with Block(theirs):
            inside.set()
            over.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    with Block(mine):
        forks = turns._Forks()
        forks.before()
        forks.after_in_child()
        with Block(free), Block(theirs):
            pass
        with pytest.raises(StorageError, match="mine"):
            Block(mine).__enter__()
    over.set()
    thread.join()


# --- commits to memory ------------------------------------------------------------------------------------------------


PARTS = (conformance.CATALOG, Changes(limits=LimitChanges(slots=((1, 5), (1, 6)))))


def commit(store: MemoryStore) -> None:
    """Commit two changes in one transaction."""
    with store.transaction() as transaction:
        for changes in PARTS:
            transaction.commit(changes)


@pytest.mark.parametrize("step", ["limits", "inputs"])
def test_a_commit_that_an_interrupt_cut_short_is_finished(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uses the store next finds all of it, each thing once."""
    store, whole = MemoryStore(), MemoryStore()
    commit(whole)
    part, name = {"limits": (store.limits, "take"), "inputs": (store, "_take_inputs")}[step]
    done = getattr(part, name)

    def interrupted(*arguments: object) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(part, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            commit(store)
    with store.reader() as reader:
        assert reader.rows("SELECT sum(count) FROM slots") == [(2,)]
    assert store.snapshot() == whole.snapshot()


def test_queues_and_ids_of_events_are_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the same commit was put in place before: who waits, who does not any more, which events are known."""
    first, second = (Deferred(number, 1, 1, "", number, None) for number in (1, 2))
    before = Changes(limits=LimitChanges(joined=(first,)))
    event = conformance.event()._replace(id="e", customer="ann")
    news = Changes(inputs=(event,), handled=((1, "handled"),), limits=LimitChanges(joined=(second,), gone=(1,)))
    stores = MemoryStore(), MemoryStore()
    for store in stores:
        conformance.write(store, conformance.CATALOG, conformance.PEOPLE, before)
    whole, store = stores
    conformance.write(whole, news)
    take = store.limits.take

    def interrupted(changes: LimitChanges) -> None:
        take(changes)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store.limits, "take", interrupted)
        with pytest.raises(KeyboardInterrupt):
            conformance.write(store, news)
    store.use()
    assert vars(store.limits) == vars(whole.limits)
    assert store.known == whole.known
