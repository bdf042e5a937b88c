"""Turns: one block of work on a store at a time, and none that an interrupt or a fork leaves open (R72).

Ctrl-C, a signal handler that raises and a debugger can end any function between any two of its instructions, even one
that cleans up. So the end of a block is not taken for granted: the next thread that wants the turn checks whether the
`with` statement that holds it is still running, and ends the block if it is not.
"""

import os
import sys
import threading
from contextlib import suppress
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import FrameType
from typing import Any, Final
from weakref import WeakSet

from journeyflow.basics.collector import undisturbed
from journeyflow.errors import StorageError

NESTED = ("a transaction is open in this thread already", "leave it first: they do not nest")

TURN_PATIENCE = 0.05
"""Seconds after which one who waits for a turn looks whether its holder is still there."""

FORK_SECONDS = 10.0
"""How many seconds a fork waits for the blocks of other threads: longer than any batch."""

SUSPENDED: Final = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR

HOLDER: Final = "holder"


class Open:
    """What is open as long as a `with` statement runs."""

    frame: FrameType
    thread: int

    def mark(self) -> None:
        """Note the `with` statement and its thread, when an `__enter__` calls this."""
        self.thread, self.frame = threading.get_ident(), _of_with(sys._getframe(1))  # noqa: SLF001 documented

    def is_left(self) -> bool:
        """Return whether the `with` statement is over without having closed this, as after an interrupt."""
        return not _runs(self.frame, _newest_frame(self.thread))


def _newest_frame(thread: int) -> FrameType | None:
    """Return the frame in which a thread is, None if it is over.

    The cycle collector rests meanwhile: Python 3.11 looks at all threads under a lock, for which what it collects then
    may wait forever (CPython issue 106883).
    """
    if thread == threading.get_ident():
        return sys._getframe(1)  # noqa: SLF001 documented
    return undisturbed(sys._current_frames).get(thread)  # noqa: SLF001 documented


def _runs(frame: FrameType, top: FrameType | None) -> bool:
    """Return whether a function is on a stack, given by its newest frame, or may go on later: a generator, say.

    What `contextlib` enters is left by somebody else, and where there are greenlets any function may go on.
    """
    if (
        frame.f_code.co_flags & SUSPENDED
        or frame.f_globals.get("__name__") == "contextlib"
        or "greenlet" in sys.modules
    ):
        return True
    while top is not None and top is not frame:
        top = top.f_back
    return top is not None


def _of_with(frame: FrameType) -> FrameType:
    """Return the frame of the `with` statement; that of an `__enter__` is over before it."""
    while frame.f_code.co_name == "__enter__" and frame.f_back is not None:
        frame = frame.f_back
    return frame


class Block(Open):
    """One `with` block of one thread, which has the turn from its beginning to its end.

    Subclasses say what happens: `begin` makes the value of the `with` statement, `end` finishes the work, `drop` undoes
    it and may be called more than once, and `meaning` returns the error to raise instead of another.
    """

    joins = False
    """Whether the block may stand inside another one of its thread."""

    def __init__(self, turn: "StoreTurn") -> None:
        """Wait for a turn when the block is entered."""
        self.turn = turn

    def begin(self) -> Any:  # noqa: ANN401 what a `with` statement is to name
        """Return the value of the `with` statement."""

    def end(self) -> None:
        """Finish the work."""

    def drop(self) -> None:
        """Undo the work."""

    def meaning(self, error: BaseException) -> Exception | None:  # noqa: ARG002 for subclasses
        """Return the error to raise instead; None for the error itself."""
        return None

    def __enter__(self) -> Any:  # noqa: ANN401 as `begin`
        """Take the turn and begin. Raises StorageError inside another block of the same thread."""
        self.mark()
        if not self.turn.take(self) and not self.joins:
            raise StorageError(self.turn.name, *NESTED)
        try:
            return self.begin()
        except BaseException as error:
            self._fail(error)
            raise

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Finish or undo the work, and give the turn back."""
        if error is not None:
            self._fail(error)
            return
        try:
            self.end()
        except BaseException as failed:
            self._fail(failed)
            raise
        self.turn.give_back(self)

    def _fail(self, error: BaseException) -> None:
        try:
            self.drop()
            found = self.meaning(error)
        finally:
            self.turn.give_back(self)
        if found is not None:
            try:
                raise found from error
            finally:
                del found  # else the error would hold this frame and the frame the error, until the collector comes

    def is_left(self) -> bool:
        """Return whether the block was left; certain of the functions of this package, which pass no block on."""
        return str(self.frame.f_globals.get("__name__")).startswith("journeyflow.") and super().is_left()


class Joining(Block):
    """A block that may stand inside another one of its thread, as where a store is closed within a transaction."""

    joins = True


class StoreTurn:
    """The right to work on a store; `name` is what errors call the store.

    Taking it and noting whose it is are one step, the `setdefault` of a dict, between whose halves nothing can fall.
    The lock beside it only lets threads wait in order: if an interrupt leaves it locked, the next one waits a moment.
    `is_shared` is whether other processes work on the store too.
    """

    def __init__(self, name: str, *, is_shared: bool = False) -> None:
        """Begin with nobody's turn."""
        self.name, self.is_shared = name, is_shared
        self._held = dict[str, Block]()
        self._ending, self._queue = threading.Lock(), threading.Lock()
        TURNS.add(self)

    def is_of(self, *, mine: bool) -> bool:
        """Return whether this thread has the turn, or whether another one has it, as of now."""
        holder = self._held.get(HOLDER)
        return holder is not None and (holder.thread == threading.get_ident()) is mine

    def is_had_by(self, block: Block) -> bool:
        """Return whether a block has the turn."""
        return self._held.get(HOLDER) is block

    def take(self, block: Block, seconds: float = threading.TIMEOUT_MAX) -> bool:
        """Wait for the turn; return whether it was taken.

        It is not if this thread has it already, or if another one still has it after that many seconds.
        """
        while seconds > 0:
            holder = self._held.get(HOLDER)
            if holder is not None and holder.is_left():
                self._end(holder)
            elif holder is not None and holder.thread == block.thread:
                return False
            if not self._queue.acquire(timeout=TURN_PATIENCE):
                seconds -= TURN_PATIENCE
            if self._held.setdefault(HOLDER, block) is block:
                return True
        return False

    def give_back(self, block: Block) -> None:
        """End the turn of a block, and wake one of those who wait for it; nothing happens if the block has it not."""
        if self._held.get(HOLDER) is not block:
            return
        del self._held[HOLDER]
        if self._queue.locked():
            with suppress(RuntimeError):  # after an interrupt, another thread may have unlocked it meanwhile
                self._queue.release()

    def _end(self, left: Block) -> None:
        """Undo the work of a block that was left, unless another thread has done so."""
        with self._ending:
            if self._held.get(HOLDER) is left:
                left.drop()
                self.give_back(left)

    def settle(self) -> None:
        """Release, in a forked process, the turn of a thread that the fork left behind."""
        self._ending, self._queue = threading.Lock(), threading.Lock()
        holder = self._held.get(HOLDER)
        if holder is not None and holder.thread != threading.get_ident():
            if not self.is_shared:  # pragma: no branch - only in a forked process, which is not measured
                holder.drop()
            self.give_back(holder)


TURNS = WeakSet[StoreTurn]()
"""The turns of all stores of this process."""


class _Forks:
    """Takes all turns before a fork and gives them back after it.

    So the child copies no store half written, and no lock of SQLite that another thread holds.
    """

    def __init__(self) -> None:
        """Begin without turns."""
        self._blocks = list[Block]()

    def before(self) -> None:
        """Take the turns that this thread has not."""
        for turn in list(TURNS):
            block = Block(turn)
            block.thread, block.frame = threading.get_ident(), _bottom(sys._getframe())  # noqa: SLF001 documented
            self._blocks.append(block)
            turn.take(block, FORK_SECONDS)

    def after(self) -> None:
        """Release them."""
        while self._blocks:
            block = self._blocks.pop()
            block.turn.give_back(block)

    def after_in_child(self) -> None:
        """Release them, and also those of threads that are not in the child."""
        self.after()
        for turn in list(TURNS):
            turn.settle()


def _bottom(frame: FrameType) -> FrameType:
    """Return the frame of the first function of a thread, which outlives all others."""
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


FORKS = _Forks()

if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(before=FORKS.before, after_in_parent=FORKS.after, after_in_child=FORKS.after_in_child)
