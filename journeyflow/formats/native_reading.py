"""Reading native journey files: strictly, with every fault reported at once, with its place in the file.

A part that cannot be read is reported as a fault and left out. The rest is still validated (`validation`); problems
that only follow from a part left out are dropped.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from journeyflow.definition.entry import Limits, Reentry, Trigger
from journeyflow.definition.graph import flatten
from journeyflow.definition.journey import Journey
from journeyflow.definition.validation import problems as find_problems
from journeyflow.errors import ERROR, InvalidJourney, Problem
from journeyflow.formats.json_parts import (
    TOO_DEEP,
    UNNAMED,
    UNREAD,
    ancestors,
    parse_json,
    too_deep,
)
from journeyflow.formats.options import CUT, FORMAT, NativeReader

if TYPE_CHECKING:
    from journeyflow.definition.shape import Definition

# --- journeys ---------------------------------------------------------------------------------------------------------


def loads_journey(text: str) -> Journey:
    """Read a journey from the text of a native file. Raises InvalidJourney with every fault, each with its path.

    >>> loads_journey('{"format": 1, "id": "j", "steps": [{"kind": "sent", "id": "a"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidJourney: journey 'j' has 2 problems:
      - trigger: missing; write {"event": "..."}, {"pull": {"every": "..."}} or {"manual": true} [missing]
      - steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]
    """
    return from_dict(parse_json(text))


def from_dict(value: object) -> Journey:
    """Read a journey from the JSON object of a native file. Raises InvalidJourney with every fault.

    >>> from_dict({"format": 1, "id": "j", "trigger": {"manual": True}, "steps": []})
    Journey('j', manual, 0 steps: none)
    """
    if too_deep(value):
        raise InvalidJourney(UNREAD, [TOO_DEEP])
    reader = NativeReader()
    options = reader.journey(value)
    faults = reader.faults
    if _another_format(value):  # keys may have another meaning there, so no other fault is reported
        raise InvalidJourney(options.get("id", UNNAMED), [each for each in faults if each.path == "format"])
    if faults:
        follows = _following(faults)
        faults += [problem for problem in _validated(options) if not follows(problem)]
        raise InvalidJourney(options.get("id", UNNAMED), [_as_written(each, reader.short) for each in faults])
    try:
        return Journey(**options)
    except InvalidJourney as error:
        raise InvalidJourney(error.journey, [_as_written(each, reader.short) for each in error.problems]) from None


def _another_format(value: object) -> bool:
    """Return whether a file declares another format number."""
    number = value.get("format") if isinstance(value, dict) else None
    return type(number) is int and number != FORMAT


def _validated(options: dict[str, Any]) -> list[Problem]:
    """Return the problems that validation finds in the parts that could be read."""
    absent = {
        "id": "-",
        "steps": (),
        "trigger": Trigger(manual=True),
        "reentry": Reentry(),
        "limits": Limits(),
        "meta": {},
    }
    plain = {each.name: each.default for each in Journey.__attrs_attrs__ if each.name not in absent}
    draft = SimpleNamespace(**{**plain, **absent, **options})
    draft.steps, draft.exits = flatten(draft.steps), tuple(draft.exits)
    return [
        each for each in find_problems(cast("Definition", draft)) if each.severity == ERROR and each.code != "no-steps"
    ]


def _following(faults: Iterable[Problem]) -> Callable[[Problem], bool]:
    """Return whether a problem may only follow from a part that could not be read, as a function."""
    broken = {fault.path for fault in faults}
    around = {outer for path in broken for outer in ancestors(path)}
    cut = tuple(path.removesuffix(CUT) for path in broken if path.endswith(CUT))
    any_step = any(map(_UNKNOWN_STEP.fullmatch, broken))
    in_steps = any(path.startswith("steps") for path in broken)

    def follows(problem: Problem) -> bool:
        path = problem.path
        return (
            (problem.code == "reference" and any_step)
            or (problem.code == "zero-time-cycle" and in_steps)
            or (path.endswith(".on_timeout") and path.replace(".on_timeout", ".timeout") in broken)
            or path in around
            or not broken.isdisjoint(ancestors(path))
            or path.startswith(cut)
            or (path.endswith(CUT) and any(each.startswith(path.removesuffix(CUT)) for each in broken))
        )

    return follows


_UNKNOWN_STEP = re.compile(r"steps(\[\d+\](\.(id|kind|event))?)?")


_SHORT = re.compile(r"(steps\[\d+\])\.(branches\[0\]\.when|branches\[0\]\.next|else)(\..*)?")

_WORDS = {"branches[0].when": "when", "branches[0].next": "yes", "else": "no"}


def _as_written(problem: Problem, short: Mapping[str, Container[str]]) -> Problem:
    """Return a problem with its path in terms of `when`, `yes` and `no`, if that is how the condition is written."""
    match = _SHORT.fullmatch(problem.path)
    keys = short.get(match[1]) if match else None
    if match is None or keys is None or (match[2] == "else" and "no" not in keys):
        return problem
    return evolve(problem, path=f"{match[1]}.{_WORDS[match[2]]}{match[3] or ''}")
