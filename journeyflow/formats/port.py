"""The interface of a dialect: from the journey JSON of another system to a Journey and back, with a list of losses.

A dialect reads as strictly as the native format: every fault at once, each with its place in the given file. Parts of a
file that a Journey cannot keep, and parts of a Journey that the dialect cannot write, are listed as losses.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import NOTHING, evolve, fields, frozen

from journeyflow.basics.durations import Duration
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import STEP_KINDS
from journeyflow.errors import InvalidJourney, Problem
from journeyflow.formats.json_parts import ancestors

DRAFT = "draft"
"""The name in `Journey.meta` under which a `Draft` keeps its file."""


@frozen
class Loss:
    """One thing that the other format cannot express, or gives another meaning: its place in the input, and a sentence.

    >>> print(Loss("steps[0].window", "there are no windows"))
    steps[0].window: there are no windows
    """

    path: str
    sentence: str

    def __str__(self) -> str:
        """Return the loss as one line."""
        return f"{self.path}: {self.sentence}"


ReadJourney = Callable[[object], tuple[Journey, list[Loss]]]
"""A function that reads a JSON value. Raises InvalidJourney with every fault; the paths of losses are in that value."""

WriteJourney = Callable[[Journey], tuple[dict[str, Any], list[Loss]]]
"""A function that writes any valid journey, leaving out what it cannot express. Losses have native-file paths."""


@frozen
class Dialect:
    """One way to write journeys as JSON: its name, how it is recognized by its shape, its reader and its writer."""

    name: str
    recognise: Callable[[Any], bool]
    read: ReadJourney
    write: WriteJourney
    is_draft: Callable[[object], bool] = lambda _: False
    """Whether a document says of its journey that it does not run: `journeyflow deploy` then does not activate it."""
    named: Callable[[str], Mapping[str, object]] = lambda name: {"id": name}
    """The keys by which a document says what it is, and which journey."""
    steps: str = "steps"
    """The key of its steps."""


def has_steps_with(value: Mapping[str, object], key: str) -> bool:
    """Return whether any step of a file has a key.

    >>> has_steps_with({"steps": [{"kind": "end"}]}, "kind"), has_steps_with({"steps": "none"}, "kind")
    (True, False)
    """
    steps = value.get("steps")
    steps = steps.get("data") if isinstance(steps, Mapping) else steps
    return isinstance(steps, list) and any(isinstance(step, Mapping) and key in step for step in steps)


def in_one_unit(duration: Duration | None, units: Iterable[tuple[str, str, int]]) -> tuple[int, str] | None:
    """Return a length of time as a whole number of one of some units; None if it needs another unit, or two.

    A unit is its name, the part of a `Duration` that it counts, and how much of that one of it is.

    >>> in_one_unit(Duration.parse("14 days"), [("week", "days", 7)]), in_one_unit(None, [])
    ((2, 'week'), None)
    """
    if duration is None or duration.months or (duration.days and duration.micros):
        return None
    for unit, part, size in units:
        count, rest = divmod(getattr(duration, part), size)
        if count and not rest:
            return count, unit
    return None


def _plain(of: type[Any]) -> Any:  # noqa: ANN401 a step of this kind
    """Return a step that says no more than it must."""
    return of(**{each.name: "-" for each in fields(of) if each.default is NOTHING})


PLAIN: Mapping[type, Any] = {
    Journey: Journey(id="-", steps=()),
    **{of: _plain(of) for of in STEP_KINDS.values()},
}
"""A journey and a step of each kind whose options all have their defaults."""


def options_lost(thing: Any, where: str, said: Collection[str], why: Mapping[str, str]) -> Iterator[Loss]:  # noqa: ANN401 a journey or a step
    """Yield a loss for each option of a journey or a step that differs from its default and is not among those said.

    `why` has the reason for each option, by its name.

    >>> from journeyflow.definition.steps import End
    >>> [str(loss) for loss in options_lost(End("done", "won"), "steps[0].", ["id"], {"outcome": "no outcomes"})]
    ['steps[0].outcome: no outcomes']
    """
    for option in fields(type(thing)):
        name = option.name
        if name not in said and getattr(thing, name) != getattr(PLAIN[type(thing)], name):
            yield Loss(f"{where}{name}", why[name])


def make_journey(
    name: str, options: Mapping[str, Any], faults: Iterable[Problem], place: Callable[[str], str]
) -> Journey:
    """Return a journey made of the options that could be read from a file.

    `place` turns a path of a native file into one of this file. Raises InvalidJourney with the faults of the file and
    the problems that validation finds in the rest.
    """
    told = list(faults)
    try:
        journey = Journey(**options)
    except InvalidJourney as error:
        found = [evolve(each, path=place(each.path)) for each in error.problems]
        follows = _following(told)
        told += [each for each in found if not follows(each)]
    else:
        if not told:
            return journey
    raise InvalidJourney(name, told) from None


_HIDDEN = {
    "dangling": re.compile(r"steps(\[\d+\](\.id)?)?"),
    **dict.fromkeys(("reference", "zero-time-cycle"), re.compile(r"steps(\[\d+\](\.(id|type))?)?")),
}
"""Problems of the graph by code, with the places where an unreadable part may have caused them."""


def _following(faults: Sequence[Problem]) -> Callable[[Problem], bool]:
    """Return whether a problem may only follow from a part that could not be read, as a function."""
    broken = {fault.path for fault in faults}
    around = {outer for path in broken for outer in ancestors(path)}
    unread = [fault.path for fault in faults if fault.code in {"type", "kind"}]
    hidden = {code for code, places in _HIDDEN.items() if any(map(places.fullmatch, unread))}
    return lambda problem: (
        problem.code in hidden or problem.path in around or not broken.isdisjoint(ancestors(problem.path))
    )
