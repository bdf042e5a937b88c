"""What a handler of messages has to be, and which of its answers show that it delivered nothing (R71)."""

from collections.abc import Callable, Iterable, Mapping
from inspect import isasyncgenfunction, iscoroutine, iscoroutinefunction, isgeneratorfunction
from typing import Final

from journeyflow.basics.values import describe, id_faults
from journeyflow.questions.paging import refuse

PLAIN: Final = "pass a plain function, such as one that asyncio.run()s it"
"""The remedy for a handler that returns before it has delivered anything."""

LAZY_FUNCTIONS: Final[dict[Callable[[object], bool], str]] = {
    iscoroutinefunction: "is async",
    isasyncgenfunction: "is async",
    isgeneratorfunction: "is a generator function, whose body would never run",
}
"""The kinds of function whose call delivers nothing, and what an error says of them."""

TO_BE_DONE: Final = {
    "__await__": f"nobody awaits; {PLAIN}",
    "__aiter__": f"nobody iterates over; {PLAIN}",
    "__next__": "nobody iterates over; iterate over it in the handler",
    "add_done_callback": "nobody waits for; wait for it in the handler",
    "wait": "nobody waits for; wait for it in the handler",
    "ready": "nobody waits for; wait for it in the handler",
    "is_alive": "nobody waits for; start it and wait for it in the handler",
    "__call__": "nobody calls; call it in the handler",
}
"""The methods by which work is done or waited for, with what an error says of a handler that returns such work."""

FETCHED: Final = ("read", "fetchone")
"""The methods of iterators that are answers: files, such as the response of a server, and cursors of a database."""

MOCKED: Final = "assert_called"
"""The method of a mock, whose answers are mocks: somebody's test asks whether the handler was called, and no more."""


def check_handlers(channels: object) -> None:
    """Raise TypeError unless `channels` maps names to plain functions of a message; InvalidInput for names (R71)."""
    if not isinstance(channels, Mapping):
        msg = f"channels: give a function for each channel, such as {{'EMAIL': send}}, not {describe(channels)}"
        raise TypeError(msg)
    refuse([fault for name in channels for fault in id_faults(channels=name)])
    for name, handler in channels.items():
        for is_one, what in LAZY_FUNCTIONS.items():
            if is_one(handler) or is_one(getattr(handler, "__call__", None)):  # noqa: B004 of what kind is it?
                msg = f"channel {name!r}: the handler {what}; {PLAIN}"
                raise TypeError(msg)
        if not callable(handler):
            msg = f"channel {name!r}: the handler must be a function of a message, not {describe(handler)}"
            raise TypeError(msg)


def answer_fault(answer: object) -> BaseException | None:
    """Return why an answer shows that nothing was delivered, or None: it is, or holds, an error or work to be done.

    The error counts as raised.
    """
    for part in (answer, *_members(answer)):
        if isinstance(part, BaseException):
            return part
        left = _left_to_do(type(part))
        if left is not None:
            if iscoroutine(part):
                part.close()  # else Python warns that it was never awaited
            return TypeError(f"the handler returned {describe(part)}, which {left}")
    return None


def _members(answer: object) -> Iterable[object]:
    """Return what a collection holds, such as the coroutines of a list; nothing of other values."""
    if isinstance(answer, dict):
        return answer.values()
    return answer if isinstance(answer, list | tuple | set | frozenset) else ()


def _left_to_do(kind: type) -> str | None:
    """Return what is left to do with a value of a type, or None if it is not work.

    The type decides, and not the state: whether a future is done when its handler returns would be a matter of chance.
    """
    names = set[str]().union(*map(vars, kind.__mro__))
    if MOCKED in names:
        return None
    if not names.isdisjoint(FETCHED):
        names.discard("__next__")
    return next((said for name, said in TO_BE_DONE.items() if name in names), None)
