"""Reading native journey files: strict, and every fault at once with its place in the file.

A part that cannot be read is noted as a fault and left out; what is left is validated all the same (`validation`), and
of what validation finds, everything that only follows from a part left out is dropped.
"""

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from attrs import evolve

from journeyflow.changes import Change
from journeyflow.entry import Exit, Goal, Reentry, Trigger
from journeyflow.errors import ERROR, InvalidJourney, Problem, did_you_mean
from journeyflow.graph import flatten
from journeyflow.journey import Journey
from journeyflow.moments import Duration, Until, Window, parse_clock, parse_weekdays
from journeyflow.options import read_at
from journeyflow.rules import AllOf, AnyOf, Comparison, NotRule
from journeyflow.steps import KINDS, Arm, Branch, Condition, End, Step
from journeyflow.validation import NOT_YET_ACTIONS
from journeyflow.validation import problems as find_problems
from journeyflow.values import MAX_DEPTH, describe

FORMAT = 1

MAX_FILE_DEPTH = 4 * MAX_DEPTH
"""Levels of JSON in a file: a rule nested to its own bound takes two of them for each level, its operand some more."""

CUT = "..."
"""Ends a path of which only the beginning is shown."""

UNREAD, UNNAMED = "(unread)", "(without id)"
"""What stands for the id of a journey in a file that cannot be read, or does not say it."""


_TOO_DEEP = Problem("depth", ERROR, "", f"the file is nested deeper than {MAX_FILE_DEPTH} levels")


# --- JSON -------------------------------------------------------------------------------------------------------------


class _Doubled(dict[str, Any]):
    """A JSON object in which keys stood twice."""

    twice: tuple[str, ...] = ()


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) == len(items):
        return found
    doubled = _Doubled(found)
    keys = [key for key, _ in items]
    doubled.twice = tuple(key for key in found if keys.count(key) > 1)
    return doubled


def _too_deep(value: object) -> bool:
    """Tell whether lists and objects are nested beyond the bound; no recursion."""
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, dict | list):
            if depth > MAX_FILE_DEPTH:
                return True
            stack.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return False


# --- journeys ---------------------------------------------------------------------------------------------------------


def loads_journey(text: str) -> Journey:
    """Read a native journey file; raises InvalidJourney with every fault, each with its path.

    >>> loads_journey('{"format": 1, "id": "j", "steps": [{"kind": "sent", "id": "a"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidJourney: journey 'j' has 2 problems:
      - trigger: missing; write {"event": "..."} or {"manual": true} [missing]
      - steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]
    """
    return from_dict(parse_json(text))


def parse_json(text: str) -> Any:  # noqa: ANN401 any JSON
    """Parse the JSON of a file of any dialect; raises InvalidJourney where it is none.

    >>> parse_json('{"id": "j"}')
    {'id': 'j'}
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise InvalidJourney(UNREAD, [_TOO_DEEP]) from None
    except (ValueError, TypeError) as error:
        raise InvalidJourney(UNREAD, [Problem("json", ERROR, "", f"this is no JSON: {error}")]) from None


def from_dict(value: object) -> Journey:
    """Read a journey from the JSON object of a native file; raises InvalidJourney with every fault.

    >>> from_dict({"format": 1, "id": "j", "trigger": {"manual": True}, "steps": []})
    Journey('j', manual, 0 steps: none)
    """
    if _too_deep(value):
        raise InvalidJourney(UNREAD, [_TOO_DEEP])
    reader = _Reader()
    options = reader.journey(value)
    faults = reader.faults
    if faults:
        faults += [problem for problem in _validated(options) if not _follows(problem, faults)]
        raise InvalidJourney(options.get("id", UNNAMED), [_as_written(each, reader.short) for each in faults])
    try:
        return Journey(**options)
    except InvalidJourney as error:
        raise InvalidJourney(error.journey, [_as_written(each, reader.short) for each in error.problems]) from None


def _validated(options: dict[str, Any]) -> list[Problem]:
    """Validate what could be read, as far as it could be read."""
    absent = {"id": "-", "steps": (), "trigger": Trigger(manual=True), "reentry": Reentry()}
    plain = {each.name: each.default for each in Journey.__attrs_attrs__ if each.name not in absent}
    draft = SimpleNamespace(**{**plain, **absent, **options})
    draft.steps, draft.exits = flatten(draft.steps), tuple(draft.exits)
    return [each for each in find_problems(draft) if each.severity == ERROR and each.code != "no-steps"]  # type: ignore[arg-type]  # looks like one


def _follows(problem: Problem, faults: Iterable[Problem]) -> bool:
    """Tell whether a problem may only follow from a part that could not be read."""
    broken = [fault.path for fault in faults]
    if problem.code == "reference" and any(_UNKNOWN_STEP.fullmatch(path) for path in broken):
        return True
    if problem.code == "zero-time-cycle" and any(path.startswith("steps") for path in broken):
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

Read = Callable[["_Reader", Any, str], Any]
"""Reads a part at a path; None where nothing of it can be read."""


class _Reader:
    """Reads the parts of one file. `faults` is what is wrong, `short` the keys of conditions in the short form."""

    def __init__(self) -> None:
        self.faults: list[Problem] = []
        self.short: dict[str, Container[str]] = {}

    def fault(self, code: str, path: str, message: str) -> None:
        """Note a fault."""
        self.faults.append(Problem(code, ERROR, path, message))

    def fields(self, value: object, path: str, known: Mapping[str, Read], *needed: str) -> dict[str, Any]:
        """Read the keys of an object, each by its reader; null counts as absent, what is needed is None at least."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return {}
        self.doubled(value, path)
        read: dict[str, Any] = dict.fromkeys(needed)
        for name in needed:
            if value.get(name) is None:
                self.fault("missing", _join(path, name), f"missing{_HINTS.get(name, '')}")
        for key, inner in value.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"; known are {', '.join(sorted(known))}"
                self.fault("unknown-key", _join(path, key), f"unknown key {key!r}{hint}")
            elif inner is not None and (got := known[key](self, inner, _join(path, key))) is not None:
                read[key] = got
        return read

    def doubled(self, value: object, path: str) -> None:
        """Note the keys that stand twice in an object."""
        for key in value.twice if isinstance(value, _Doubled) else ():
            self.fault("duplicate-key", _join(path, key), f"the key {key!r} stands twice in one object")

    # --- values -------------------------------------------------------------------------------------------------------

    def text(self, value: object, path: str) -> str | None:
        """Read a text."""
        if isinstance(value, str):
            return value
        self.fault("type", path, f"expected text, not {describe(value)}")
        return None

    def boolean(self, value: object, path: str) -> bool | None:
        """Read true or false."""
        if isinstance(value, bool):
            return value
        self.fault("type", path, f"expected true or false, not {describe(value)}")
        return None

    def number(self, value: object, path: str) -> float | None:
        """Read a number."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        self.fault("type", path, f"expected a number, not {describe(value)}")
        return None

    def anything(self, value: object, path: str) -> object:
        """Take any JSON; validation looks into it."""
        stack = [(value, path)]
        while stack:
            item, where = stack.pop()
            self.doubled(item, where)
            if isinstance(item, dict):
                stack.extend((inner, _join(where, key)) for key, inner in item.items())
            elif isinstance(item, list):
                stack.extend((inner, f"{where}[{position}]") for position, inner in enumerate(item))
        return value

    def format(self, value: object, path: str) -> None:
        """Check the number of the format."""
        if type(value) is not int or value != FORMAT:
            newer = "; a newer journeyflow may read it" if type(value) is int and value > FORMAT else ""
            self.fault("format", path, f"expected {FORMAT}, not {describe(value)}{newer}")

    def unsupported(self, _: object, path: str) -> None:
        """Refuse a key of the format that comes with a later version."""
        self.fault("unsupported", path, f"{path.rpartition('.')[2]!r} is not supported by this version of journeyflow")

    # --- parts --------------------------------------------------------------------------------------------------------

    def rule(self, value: object, path: str, depth: int = 1) -> object:
        """Read a rule."""
        if depth > MAX_DEPTH:
            self.fault("depth", f"{path[:60]}{CUT}", f"the rule is nested deeper than {MAX_DEPTH} levels")
            return None

        def inner(reader: "_Reader", part: object, where: str) -> object:
            return reader.rule(part, where, depth + 1)

        for word, (make, each) in _COMBINED.items():
            if isinstance(value, dict) and word in value:
                got = self.fields(value, path, {word: each(inner)}, word)[word]
                return None if got is None else make(got)
        return _COMPARISON(self, value, path)

    def reentry(self, value: object, path: str) -> object:
        """Read a re-entry policy."""
        if isinstance(value, dict):
            return Reentry.after(self.fields(value, path, {"after": _LENGTH}, "after")["after"])
        policy = self.text(value, path)
        return None if policy is None else Reentry(policy)

    def change(self, value: object, path: str) -> object:
        """Read a change; one that comes with a later version is left to validation, which refuses it by name."""
        action = value.get("action") if isinstance(value, dict) else None
        later = isinstance(action, str) and action in NOT_YET_ACTIONS
        return Change("-", str(action)) if later else _CHANGE(self, value, path)

    def step(self, value: object, path: str) -> Step | None:
        """Read a step by its kind; one of unknown kind is kept as an End, so that others may lead there."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return None
        name = value.get("kind")
        if not isinstance(name, str) or name not in KINDS:
            hint = did_you_mean(name, KINDS) or f"; known are {', '.join(KINDS)}"
            self.fault("kind", f"{path}.kind", f"missing{hint}" if name is None else f"unknown kind {name!r}{hint}")
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
        return {name: got for name, got in read.items() if got is not None and name != "format"}


def _step(name: str, read: dict[str, Any]) -> Step:
    """Make a step of what was read."""
    read.pop("kind", None)
    identity = read.pop("id", None)
    if name == "condition":
        return Condition(identity, otherwise=read.pop("else", None), **read)
    parts = read.pop(_PARTS[name], None) if name in _PARTS else None
    return KINDS[name](identity, *(parts or ()), **read)


def _join(path: str, key: object) -> str:
    """Name a key inside a path; what no terminal could print is escaped."""
    name = str(key).encode("utf-8", "backslashreplace").decode()
    return f"{path}.{name}" if path else name


# --- readers ----------------------------------------------------------------------------------------------------------


def _each(read: Read) -> Read:
    """Make a reader of lists; a member that cannot be read stays as None."""

    def members(reader: _Reader, value: object, path: str) -> list[Any] | None:
        if isinstance(value, list):
            return [read(reader, inner, f"{path}[{position}]") for position, inner in enumerate(value)]
        reader.fault("type", path, f"expected a list, not {describe(value)}")
        return None

    return members


def _parsed(parse: Callable[[Any], Any], code: str) -> Read:
    """Make a reader of a value that is parsed."""

    def parsed(reader: _Reader, value: object, path: str) -> object:
        try:
            return parse(value)
        except (ValueError, TypeError) as error:
            reader.fault(code, path, str(error))
        return None

    return parsed


def _part(make: Callable[..., Any], known: Mapping[str, Read], *needed: str) -> Read:
    """Make a reader of a part with keys; it is made of what could be read."""

    def part(reader: _Reader, value: object, path: str) -> object:
        return make(**{**dict.fromkeys(needed), **reader.fields(value, path, known, *needed)})

    return part


def _hours(make: Callable[..., Any], known: Mapping[str, Read], code: str) -> Read:
    """Make a reader of a window or an opening, which is read as a whole or not at all."""

    def hours(reader: _Reader, value: object, path: str) -> object:
        before = len(reader.faults)
        read = reader.fields(value, path, known)
        return (
            _parsed(lambda options: make(**options), code)(reader, read, path) if len(reader.faults) == before else None
        )

    return hours


_TEXT, _FLAG, _ANY, _RULE, _LATER = _Reader.text, _Reader.boolean, _Reader.anything, _Reader.rule, _Reader.unsupported
_LENGTH, _AT = _parsed(Duration.parse, "duration"), _parsed(read_at, "time")
_DAYS = _parsed(parse_weekdays, "weekdays")
_WINDOW = _hours(
    Window,
    {"weekdays": _DAYS, "start": _parsed(parse_clock, "time"), "end": _parsed(parse_clock, "time")},
    "window",
)
_UNTIL = _hours(Until, {"time": _parsed(parse_clock, "time"), "weekdays": _DAYS}, "time")
_COMPARISON = _part(Comparison, {"field": _TEXT, "op": _TEXT, "value": _ANY, "value_of": _TEXT}, "field", "op")
_COMBINED: Mapping[str, tuple[Callable[[Any], Any], Callable[[Read], Read]]] = {
    "all": (AllOf, _each),
    "any": (AnyOf, _each),
    "not": (NotRule, lambda read: read),
}
_CHANGE = _part(Change, {"field": _TEXT, "action": _TEXT, "value": _ANY}, "field", "action")
_TRIGGER = _part(Trigger, {"event": _TEXT, "where": _RULE, "manual": _FLAG})
_EXIT = _part(Exit, {"name": _TEXT, "event": _TEXT, "where": _RULE, "when": _RULE, "any_message": _FLAG}, "name")
_GOAL = _part(Goal, {"event": _TEXT, "where": _RULE, "within": _LENGTH, "exit": _FLAG, "any_message": _FLAG}, "event")
_BRANCH = _part(Branch, {"when": _RULE, "next": _TEXT, "label": _TEXT}, "when")
_ARM = _part(Arm, {"percentage": _Reader.number, "next": _TEXT, "label": _TEXT}, "percentage")

_COMMON: dict[str, Read] = dict.fromkeys(("kind", "id", "name", "notes"), _TEXT)
_ONWARD: dict[str, Read] = {**_COMMON, "next": _TEXT}
_STEPS: dict[str, dict[str, Read]] = {
    "send": {
        **_ONWARD,
        **dict.fromkeys(("channel", "template"), _TEXT),
        **dict.fromkeys(("transactional", "cancel_on_exit"), _FLAG),
        "data": _ANY,
        "window": _WINDOW,
        "expires": _LENGTH,
        "on_failure": _LATER,
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
        "branches": _each(_BRANCH),
        "when": _RULE,
    },
    "split": {**_ONWARD, "arms": _each(_ARM)},
    "update": {**_ONWARD, "changes": _each(_Reader.change)},
    "end": {**_COMMON, "outcome": _TEXT},
}
"""The keys of each kind of step."""

_JOURNEY: dict[str, Read] = {
    "format": _Reader.format,
    **dict.fromkeys(("id", "name", "description", "notes", "tenant", "timezone", "consent"), _TEXT),
    "customer_timezone": _FLAG,
    "trigger": _TRIGGER,
    "run_criteria": _RULE,
    "reentry": _Reader.reentry,
    "exits": _each(_EXIT),
    "goal": _GOAL,
    "max_visits": _Reader.number,
    "steps": _each(_Reader.step),
    **dict.fromkeys(("holdout", "limits", "reentry_key", "caps", "quiet_hours"), _LATER),
}
"""The keys of a journey."""

_NEEDED = {"send": ("channel", "template"), "split": ("arms",), "update": ("changes",)}
_PARTS = {"split": "arms", "update": "changes"}
_HINTS = {"trigger": '; write {"event": "..."} or {"manual": true}', "format": f"; write {FORMAT}"}
