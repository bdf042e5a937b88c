"""Reading native journey files: strict, and every fault at once with its place in the file.

A part that cannot be read is noted as a fault and left out; what is left is validated all the same (`validation`), and
of what validation finds, everything that only follows from a part left out is dropped.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from journeyflow.basics.hours import Until, Window, parse_clock, parse_weekdays
from journeyflow.basics.moments import Duration
from journeyflow.basics.values import MAX_DEPTH, describe
from journeyflow.definition.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.definition.graph import flatten
from journeyflow.definition.journey import Journey
from journeyflow.definition.options import read_at
from journeyflow.definition.rules.chains import CHAINS, Chain
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import AllOf, AnyOf, Comparison, NotRule
from journeyflow.definition.steps import KINDS, Arm, Branch, Condition, End, Step
from journeyflow.definition.validation import problems as find_problems
from journeyflow.errors import ERROR, InvalidJourney, Problem, did_you_mean, shown
from journeyflow.formats.parts import (
    TOO_DEEP,
    UNNAMED,
    UNREAD,
    PartReader,
    ReadPart,
    list_of,
    parse_json,
    parsed_by,
    part_of,
    too_deep,
)

if TYPE_CHECKING:
    from journeyflow.definition.shape import Definition

FORMAT = 1

_TRIGGERS = '{"event": "..."}, {"pull": {"every": "..."}} or {"manual": true}'

CUT = "..."
"""Ends a path of which only the beginning is shown."""

# --- journeys ---------------------------------------------------------------------------------------------------------


def loads_journey(text: str) -> Journey:
    """Read a native journey file; raises InvalidJourney with every fault, each with its path.

    >>> loads_journey('{"format": 1, "id": "j", "steps": [{"kind": "sent", "id": "a"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidJourney: journey 'j' has 2 problems:
      - trigger: missing; write {"event": "..."}, {"pull": {"every": "..."}} or {"manual": true} [missing]
      - steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]
    """
    return from_dict(parse_json(text))


def from_dict(value: object) -> Journey:
    """Read a journey from the JSON object of a native file; raises InvalidJourney with every fault.

    >>> from_dict({"format": 1, "id": "j", "trigger": {"manual": True}, "steps": []})
    Journey('j', manual, 0 steps: none)
    """
    if too_deep(value):
        raise InvalidJourney(UNREAD, [TOO_DEEP])
    reader = _Reader()
    options = reader.journey(value)
    faults = reader.faults
    if _another_format(value):  # its keys may mean other things, so nothing else is a fault
        raise InvalidJourney(options.get("id", UNNAMED), [each for each in faults if each.path == "format"])
    if faults:
        faults += [problem for problem in _validated(options) if not _follows(problem, faults)]
        raise InvalidJourney(options.get("id", UNNAMED), [_as_written(each, reader.short) for each in faults])
    try:
        return Journey(**options)
    except InvalidJourney as error:
        raise InvalidJourney(error.journey, [_as_written(each, reader.short) for each in error.problems]) from None


def _another_format(value: object) -> bool:
    """Tell whether a file says that it is of a format with another number."""
    number = value.get("format") if isinstance(value, dict) else None
    return type(number) is int and number != FORMAT


def _validated(options: dict[str, Any]) -> list[Problem]:
    """Validate what could be read, as far as it could be read."""
    absent = {"id": "-", "steps": (), "trigger": Trigger(manual=True), "reentry": Reentry(), "limits": Limits()}
    plain = {each.name: each.default for each in Journey.__attrs_attrs__ if each.name not in absent}
    draft = SimpleNamespace(**{**plain, **absent, **options})
    draft.steps, draft.exits = flatten(draft.steps), tuple(draft.exits)
    return [
        each for each in find_problems(cast("Definition", draft)) if each.severity == ERROR and each.code != "no-steps"
    ]


def _follows(problem: Problem, faults: Iterable[Problem]) -> bool:
    """Tell whether a problem may only follow from a part that could not be read."""
    broken = [fault.path for fault in faults]
    if problem.code == "reference" and any(_UNKNOWN_STEP.fullmatch(path) for path in broken):
        return True
    if problem.code == "zero-time-cycle" and any(path.startswith("steps") for path in broken):
        return True
    if problem.path.endswith(".on_timeout") and problem.path.replace(".on_timeout", ".timeout") in broken:
        return True
    return any(_inside(problem.path, path) or _inside(path, problem.path) for path in broken)


_UNKNOWN_STEP = re.compile(r"steps(\[\d+\](\.(id|kind|event))?)?")


def _inside(path: str, outer: str) -> bool:
    """Tell whether a path is another one, or inside it; the path to what is nested too deep is cut short."""
    if outer.endswith(CUT):
        return path.startswith(outer.removesuffix(CUT))
    return not outer or path == outer or path.startswith((f"{outer}.", f"{outer}["))


_SHORT = re.compile(r"(steps\[\d+\])\.(branches\[0\]\.when|branches\[0\]\.next|else)(\..*)?")

_WORDS = {"branches[0].when": "when", "branches[0].next": "yes", "else": "no"}


def _as_written(problem: Problem, short: Mapping[str, Container[str]]) -> Problem:
    """Give the place of a problem in the words of a condition written with `when`, `yes` and `no`."""
    match = _SHORT.fullmatch(problem.path)
    keys = short.get(match[1]) if match else None
    if match is None or keys is None or (match[2] == "else" and "no" not in keys):
        return problem
    return evolve(problem, path=f"{match[1]}.{_WORDS[match[2]]}{match[3] or ''}")


# --- parts ------------------------------------------------------------------------------------------------------------


class _Reader(PartReader):
    """Reads the parts of one native file. `short` is the keys of conditions in the short form."""

    hints = {"trigger": f"; write {_TRIGGERS}", "format": f"; write {FORMAT}"}  # noqa: RUF012 typed above it

    def __init__(self) -> None:
        super().__init__()
        self.short: dict[str, Container[str]] = {}

    def format(self, value: object, path: str) -> None:
        """Check the number of the format."""
        if type(value) is not int or value != FORMAT:
            newer = "; a newer journeyflow may read it" if type(value) is int and value > FORMAT else ""
            self.fault("format", path, f"expected {FORMAT}, not {describe(value)}{newer}")

    # --- parts --------------------------------------------------------------------------------------------------------

    def rule(self, value: object, path: str, depth: int = 1) -> object:
        """Read a rule."""
        if depth > MAX_DEPTH:
            self.fault("depth", f"{path[:60]}{CUT}", f"the rule is nested deeper than {MAX_DEPTH} levels")
            return None

        def inner(reader: "_Reader", part: object, where: str) -> object:
            return reader.rule(part, where, depth + 1)

        for word, (make, read) in _COMBINED.items():
            if isinstance(value, dict) and word in value:
                got = self.fields(value, path, {word: read(inner)}, word)[word]
                return None if got is None else make(got)
        return _COMPARISON(self, value, path)

    def reentry(self, value: object, path: str) -> object:
        """Read a re-entry policy."""
        if isinstance(value, dict):
            return Reentry.after(self.fields(value, path, {"after": _LENGTH}, "after")["after"])
        policy = self.text(value, path)
        return None if policy is None else Reentry(policy)

    def change(self, value: object, path: str) -> object:
        """Read a change of an attribute, or one that is about journeys."""
        action = value.get("action") if isinstance(value, dict) else None
        about_journeys = isinstance(action, str) and action in CHAINS
        return (_CHAIN if about_journeys else _CHANGE)(self, value, path)

    def step(self, value: object, path: str) -> Step | None:
        """Read a step by its kind; one of unknown kind is kept as an End, so that others may lead there."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return None
        name = value.get("kind")
        if not isinstance(name, str) or name not in KINDS:
            hint = did_you_mean(name, KINDS) or f"; known are {', '.join(KINDS)}"
            self.fault(
                "kind", f"{path}.kind", f"missing{hint}" if name is None else f"unknown kind {shown(name)}{hint}"
            )
            return End(self.fields({key: value[key] for key in value if key == "id"}, path, {"id": _TEXT}, "id")["id"])
        read = self.fields(value, path, _STEPS[name], "id", *_NEEDED.get(name, ()))
        if name == "condition" and "branches" not in read:
            self.short[path] = frozenset(read)
        try:
            return _step(name, dict(read))
        except TypeError as error:  # a condition written in both forms
            self.fault("condition", path, str(error))
            return End(read["id"])

    def journey(self, value: object) -> dict[str, Any]:
        """Read the whole file into the options of a Journey."""
        read = self.fields(value, "", _JOURNEY, "id", "format", "trigger", "steps")
        key = read.pop("reentry_key", None)
        if key is not None:
            read["reentry"] = evolve(read.get("reentry") or Reentry(), key=key)
        return {name: got for name, got in read.items() if got is not None and name not in {"format", "$schema"}}


def _step(name: str, read: dict[str, Any]) -> Step:
    """Make a step of what was read."""
    read.pop("kind", None)
    identity = read.pop("id", None)
    if name == "condition":
        return Condition(identity, otherwise=read.pop("else", None), **read)
    parts = read.pop(_PARTS[name], None) if name in _PARTS else None
    return KINDS[name](identity, *(parts or ()), **read)


# --- readers ----------------------------------------------------------------------------------------------------------


def _one_or_many(reader: _Reader, value: object, path: str) -> list[Any] | None:
    """Read a text, or a list of texts."""
    return [value] if isinstance(value, str) else list_of(_Reader.text)(reader, value, path)


def _number_or_pair(reader: _Reader, value: object, path: str) -> object:
    """Read a number, or a list of numbers."""
    return list_of(_Reader.number)(reader, value, path) if isinstance(value, list) else reader.number(value, path)


def _hours(make: Callable[..., Any], known: Mapping[str, ReadPart], code: str) -> ReadPart:
    """Make a reader of a window or an opening, which is read as a whole or not at all."""

    def hours(reader: _Reader, value: object, path: str) -> object:
        before = len(reader.faults)
        read = reader.fields(value, path, known)
        return (
            parsed_by(lambda options: make(**options), code)(reader, read, path)
            if len(reader.faults) == before
            else None
        )

    return hours


_TEXT, _FLAG, _ANY, _RULE = _Reader.text, _Reader.boolean, _Reader.anything, _Reader.rule

_LENGTH, _AT = parsed_by(Duration.parse, "duration"), parsed_by(read_at, "time")

_DAYS = parsed_by(parse_weekdays, "weekdays")

_WINDOW = _hours(
    Window,
    {"weekdays": _DAYS, **dict.fromkeys(("start", "end"), parsed_by(parse_clock, "time")), "timezone": _TEXT},
    "window",
)

_UNTIL = _hours(Until, {"time": parsed_by(parse_clock, "time"), "weekdays": _DAYS}, "time")

_COMPARISON = part_of(Comparison, {"field": _TEXT, "op": _TEXT, "value": _ANY, "value_of": _TEXT}, "field", "op")

_COMBINED: Mapping[str, tuple[Callable[[Any], Any], Callable[[ReadPart], ReadPart]]] = {
    "all": (AllOf, list_of),
    "any": (AnyOf, list_of),
    "not": (NotRule, lambda read: read),
}

_CHANGE = part_of(Change, {"field": _TEXT, "action": _TEXT, "value": _ANY}, "field", "action")

_CHAIN = part_of(Chain, {"action": _TEXT, "journeys": _one_or_many}, "action")

_PULL = part_of(
    Pull,
    {
        **dict.fromkeys(("every", "within"), _LENGTH),
        "list": _TEXT,
        "size": _number_or_pair,
        "window": _WINDOW,
        "times": _Reader.number,
    },
    "every",
)

_TRIGGER = part_of(Trigger, {"event": _TEXT, "where": _RULE, "manual": _FLAG, "pull": _PULL})

_LIMITS = part_of(Limits, {"per_hour": _Reader.number, "per_day": _Reader.number, "over": _TEXT})

_EXIT = part_of(Exit, {"name": _TEXT, "event": _TEXT, "where": _RULE, "when": _RULE, "any_message": _FLAG}, "name")

_GOAL = part_of(Goal, {"event": _TEXT, "where": _RULE, "within": _LENGTH, "exit": _FLAG, "any_message": _FLAG}, "event")

_BRANCH = part_of(Branch, {"when": _RULE, "next": _TEXT, "label": _TEXT}, "when")

_ARM = part_of(Arm, {"percentage": _Reader.number, "next": _TEXT, "label": _TEXT}, "percentage")

_COMMON: dict[str, ReadPart] = dict.fromkeys(("kind", "id", "name", "notes"), _TEXT)

_ONWARD: dict[str, ReadPart] = {**_COMMON, "next": _TEXT}

_STEPS: dict[str, dict[str, ReadPart]] = {
    "send": {
        **_ONWARD,
        **dict.fromkeys(("channel", "template"), _TEXT),
        **dict.fromkeys(("transactional", "cancel_on_exit"), _FLAG),
        "data": _ANY,
        "window": _WINDOW,
        "expires": _LENGTH,
        "on_failure": _TEXT,
    },
    "wait": {
        **_ONWARD,
        **dict.fromkeys(("duration", "offset", "timeout"), _LENGTH),
        **dict.fromkeys(("field", "every", "event", "on_event", "on_timeout", "on_missing", "on_past"), _TEXT),
        "until": _UNTIL,
        "at": _AT,
        "where": _RULE,
        "any_message": _FLAG,
        "window": _WINDOW,
    },
    "condition": {
        **_ONWARD,
        **dict.fromkeys(("else", "yes", "no"), _TEXT),
        "branches": list_of(_BRANCH),
        "when": _RULE,
    },
    "split": {**_ONWARD, "arms": list_of(_ARM)},
    "update": {**_ONWARD, "changes": list_of(_Reader.change)},
    "end": {**_COMMON, "outcome": _TEXT},
}
"""The keys of each kind of step."""

_JOURNEY: dict[str, ReadPart] = {
    "$schema": _TEXT,  # for editors: nothing of it is kept
    "format": _Reader.format,
    **dict.fromkeys(("id", "name", "description", "notes", "tenant", "timezone", "consent"), _TEXT),
    "customer_timezone": _FLAG,
    "trigger": _TRIGGER,
    "run_criteria": _RULE,
    "reentry": _Reader.reentry,
    "exits": list_of(_EXIT),
    "goal": _GOAL,
    "max_visits": _Reader.number,
    "steps": list_of(_Reader.step),
    "reentry_key": _TEXT,
    "holdout": _Reader.number,
    "limits": _LIMITS,
}
"""The keys of a journey."""

_NEEDED = {"send": ("channel", "template"), "split": ("arms",), "update": ("changes",)}

_PARTS = {"split": "arms", "update": "changes"}
