"""What an argument has to be: errors about types name the argument, and come before anything is done."""

from collections.abc import Iterable
from typing import Any

from journeyflow.basics.values import BINARY, describe

MAX_INDENT = 100
"""The most spaces by which JSON is indented for a level."""


def expect(*kinds: type, **arguments: object) -> None:
    """Raise TypeError for the first argument that is of none of these types; None belongs to NoneType.

    >>> expect(int, type(None), seed=None)
    >>> expect(int, type(None), seed="7")
    Traceback (most recent call last):
    TypeError: seed: expected int or None, not str '7'
    """
    for name, value in arguments.items():
        if not isinstance(value, kinds):
            raise _wrong(name, " or ".join(map(_called, kinds)), value)


def expect_with(attribute: str, what: str, *, optional: bool = False, **arguments: object) -> None:
    """Raise TypeError for the first argument without an attribute; `what` is what is expected, in words.

    None is one, unless what is expected is `optional`.

    >>> expect_with("submit", "an executor", executor=3)
    Traceback (most recent call last):
    TypeError: executor: expected an executor, not int 3
    """
    for name, value in arguments.items():
        if not hasattr(value, attribute) and not (optional and value is None):
            raise _wrong(name, what, value)


def expect_between(least: int, most: int, **arguments: int | None) -> None:
    """Raise TypeError for an argument that is not an integer, ValueError for one out of bounds; None is not checked.

    >>> expect_between(0, 100, indent=1_000)
    Traceback (most recent call last):
    ValueError: indent: expected 0 to 100, not int 1000
    """
    expect(int, type(None), **arguments)
    for name, value in arguments.items():
        if value is not None and not least <= value <= most:
            msg = f"{name}: expected {least} to {most}, not {describe(value)}"
            raise ValueError(msg)


def tuple_of(kind: type | tuple[type, ...], what: str, name: str, value: object) -> tuple[Any, ...]:
    """Return one thing or many as a tuple; raises TypeError for what is neither, and for others among them.

    >>> tuple_of(int, "numbers", "sizes", 3), tuple_of(int, "numbers", "sizes", [1, 2])
    ((3,), (1, 2))
    >>> tuple_of(int, "numbers", "sizes", [1, "2"])
    Traceback (most recent call last):
    TypeError: sizes: expected numbers, not str '2' (number 2 of them)
    """
    if isinstance(value, kind):
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, (str, *BINARY)):
        raise _wrong(name, what, value)
    many = tuple(value)
    for number, each in enumerate(many, 1):
        if not isinstance(each, kind):
            raise _wrong(name, what, each, f" (number {number} of them)")
    return many


def _called(kind: type) -> str:
    return "None" if kind is type(None) else kind.__name__


def _wrong(name: str, what: str, value: object, where: str = "") -> TypeError:
    return TypeError(f"{name}: expected {what}, not {describe(value)}{where}")
