"""What every dialect offers: the journey JSON of another system to a Journey and back, with a list of what gets lost.

A dialect reads as strictly as the native file is read: every fault at once, each with its place in the file that was
given. What it can read but not keep, and what it can keep but not write, it lists as losses.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from journeyflow.definition.journey import Journey
from journeyflow.errors import InvalidJourney, Problem


@frozen
class Loss:
    """One thing that the other side cannot say, or means otherwise: its place in what was given, and a sentence.

    >>> print(Loss("steps[0].window", "there are no windows"))
    steps[0].window: there are no windows
    """

    path: str
    sentence: str

    def __str__(self) -> str:
        """Give the loss as one line."""
        return f"{self.path}: {self.sentence}"


ReadJourney = Callable[[object], tuple[Journey, list[Loss]]]
"""Reads a JSON value; raises InvalidJourney with every fault. Losses have their places in that value."""

WriteJourney = Callable[[Journey], tuple[dict[str, Any], list[Loss]]]
"""Writes any valid journey; what cannot be said is left out. Losses have their places in the native file."""


@frozen
class Dialect:
    """One way to write journeys as JSON: its name, by what shape it is known, how it is read and written."""

    name: str
    recognise: Callable[[Mapping[str, object]], bool]
    read: ReadJourney
    write: WriteJourney


def has_steps_with(value: Mapping[str, object], key: str) -> bool:
    """Tell whether any of the steps of a file has a key.

    >>> has_steps_with({"steps": [{"kind": "end"}]}, "kind"), has_steps_with({"steps": "none"}, "kind")
    (True, False)
    """
    steps = value.get("steps")
    return isinstance(steps, list) and any(isinstance(step, Mapping) and key in step for step in steps)


def make_journey(
    name: str, options: Mapping[str, Any], faults: Iterable[Problem], place: Callable[[str], str]
) -> Journey:
    """Make a journey of what could be read of a file.

    Raises InvalidJourney with the faults of the file and with what validation finds in the rest. `place` turns a path
    of a native file into one of this file.
    """
    told = list(faults)
    try:
        journey = Journey(**options)
    except InvalidJourney as error:
        found = [evolve(each, path=place(each.path)) for each in error.problems]
        told += [each for each in found if not _follows(each, told)]
    else:
        if not told:
            return journey
    raise InvalidJourney(name, told) from None


_HIDDEN = {
    "dangling": re.compile(r"steps(\[\d+\](\.id)?)?"),
    **dict.fromkeys(("reference", "zero-time-cycle"), re.compile(r"steps(\[\d+\](\.(id|type))?)?")),
}
"""Problems of the graph, with the places where what could not be read may be what is missed there."""


def _follows(problem: Problem, faults: Sequence[Problem]) -> bool:
    """Tell whether a problem may only follow from a part that could not be read."""
    hidden = _HIDDEN.get(problem.code)
    if hidden and any(fault.code in {"type", "kind"} and hidden.fullmatch(fault.path) for fault in faults):
        return True
    return any(_inside(problem.path, fault.path) or _inside(fault.path, problem.path) for fault in faults)


def _inside(path: str, outer: str) -> bool:
    """Tell whether a path is another one, or inside it."""
    return not outer or path == outer or path.startswith((f"{outer}.", f"{outer}["))
