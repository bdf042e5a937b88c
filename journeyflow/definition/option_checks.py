"""Checks of single options of a journey and its steps: ids, texts, lengths of time, windows (R13)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Window
from journeyflow.basics.values import describe, id_fault, text_fault, value_faults
from journeyflow.errors import ERROR, Problem


def id_problems(what: str, value: object, where: str) -> Iterator[Problem]:
    """Yield a problem for what is not an id; `what` names it in the sentence."""
    if fault := id_fault(value):
        yield Problem("id", ERROR, where, f"{what} {fault}")


def name_problems(name: object, taken: set[str], where: str) -> Iterator[Problem]:
    """Yield the problems of the label of a branch or an arm, or of the name of an exit: it must be a unique id."""
    if fault := id_fault(name):
        yield Problem("label", ERROR, where, f"the {where.rpartition('.')[2]} {fault}")
    elif name in taken:
        yield Problem("duplicate", ERROR, where, f"the {where.rpartition('.')[2]} {name!r} is there twice")
    else:
        taken.add(str(name))


def text_problems(holder: object, names: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield a problem for each of these attributes that is not text."""
    for name in names:
        value = getattr(holder, name)
        fault = text_fault(value) if isinstance(value, str) else f"must be text, not {describe(value)}"
        if fault:
            yield Problem("text", ERROR, f"{where}{name}", f"the {name} {fault}")


def boolean_problems(holder: object, names: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield a problem for each of these attributes that is neither true nor false."""
    for name in names:
        value = getattr(holder, name)
        if not isinstance(value, bool):
            yield Problem("boolean", ERROR, f"{where}{name}", f"expected true or false, not {describe(value)}")


def read_problems(code: str, value: object, where: str, read: Callable[[Any], object]) -> Iterator[Problem]:
    """Yield the error that reading a value raises, as a problem."""
    try:
        read(value)
    except (TypeError, ValueError) as error:
        yield Problem(code, ERROR, where, str(error))


def duration_problems(length: object, where: str) -> Iterator[Problem]:
    """Yield a problem for what is not a length of time; None is none."""
    if length is not None:
        yield from read_problems("duration", length, where, Duration.parse)


def forward_problems(length: object, where: str) -> Iterator[Problem]:
    """Yield a problem for a length of time that is none, or that does not lead forward."""
    yield from duration_problems(length, where)
    if isinstance(length, Duration) and (length.sign <= 0 or length.mixed):
        yield Problem("duration", ERROR, where, f"the duration '{length}' does not lead forward")


def window_problems(window: object, where: str) -> Iterator[Problem]:
    """Yield a problem for what is not a Window; None is none."""
    if window is not None and not isinstance(window, Window):
        sentence = f"expected a Window such as Window('MON-FRI', '09:00', '17:00'), not {describe(window)}"
        yield Problem("window", ERROR, where, sentence)


def meta_problems(value: object, path: str) -> Iterator[Problem]:
    """Yield a problem for what a host cannot keep with a journey or a step."""
    if not isinstance(value, Mapping):
        yield Problem("meta", ERROR, path, f"expected an object, not {describe(value)}")
    yield from (Problem("meta", ERROR, path, fault) for fault in value_faults(value, "meta"))
