"""The native journey file: JSON, strict, versioned (format 1).

Reading collects every fault before it gives up: wrong shapes, unknown keys (with a suggestion), and all that
`validation` finds in the parts that could be read. Writing is cattrs' work: what equals its default is left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from journeyflow.changes import Change
from journeyflow.entry import Exit, Goal, Reentry, Trigger
from journeyflow.errors import ERROR, InvalidJourney, Problem, did_you_mean
from journeyflow.graph import flatten
from journeyflow.journey import Journey
from journeyflow.moments import Duration, Until, Window, iso, parse_instant, to_micros, write_clock, write_weekdays
from journeyflow.rules import ALIASES, OPERATORS, AllOf, AnyOf, Comparison, NotRule, Rule
from journeyflow.steps import KINDS, Arm, Branch, Condition, End, Send, Split, Step, Update, Wait, kind
from journeyflow.validation import problems as find_problems
from journeyflow.values import MAX_DEPTH, describe, thaw

FORMAT = 1

NOT_YET = {
    "journey": frozenset({"holdout", "limits", "reentry_key", "caps", "quiet_hours"}),
    "send": frozenset({"on_failure"}),
}
"""Keys of the format that this version of journeyflow refuses by name instead of ignoring them."""


# --- writing ------------------------------------------------------------------------------------------------------


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, Comparison):
        written: dict[str, Any] = {"field": rule.field, "op": rule.op}
        if rule.value is not None:
            written["value"] = thaw(rule.value)
        return written if rule.value_of is None else {**written, "value_of": rule.value_of}
    if isinstance(rule, NotRule):
        return {"not": _rule_to_json(rule.rule)}
    return {"all" if isinstance(rule, AllOf) else "any": [_rule_to_json(part) for part in rule.rules]}


def _until_to_json(until: Until) -> dict[str, Any]:
    written: dict[str, Any] = {} if until.time is None else {"time": write_clock(until.time)}
    return written if len(until.weekdays) == len("1234567") else {**written, "weekdays": write_weekdays(until.weekdays)}


def _window_to_json(window: Window) -> dict[str, Any]:
    days, clock = list(write_weekdays(window.weekdays)), (write_clock(window.start), write_clock(window.end))
    return {"weekdays": days, "start": clock[0], "end": clock[1]}


def _reentry_to_json(reentry: Reentry) -> object:
    return {"after": str(reentry.period)} if reentry.policy == "after" else reentry.policy


def _condition_to_json(step: Condition) -> dict[str, Any]:
    branches = [
        {"when": _rule_to_json(each.when), "next": each.next, "label": each.label}  # type: ignore[arg-type]  # valid
        for each in step.branches
    ]
    written: dict[str, Any] = {"id": step.id, "branches": branches, "else": step.otherwise}
    return {**written, **{name: value for name in ("name", "notes", "next") if (value := getattr(step, name))}}


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _make_converter() -> Converter:
    """Make the converter that writes: defaults left out, lengths of time and rules as files have them."""
    converter = Converter(omit_if_default=True)
    for of, write in (
        (Duration, str),
        (Until, _until_to_json),
        (Window, _window_to_json),
        (Reentry, _reentry_to_json),
        (datetime, lambda at: iso(to_micros(at))),
    ):
        converter.register_unstructure_hook(of, write)
    converter.register_unstructure_hook_func(lambda of: of in {Comparison, AllOf, AnyOf, NotRule}, _rule_to_json)
    converter.register_unstructure_hook(Condition, _condition_to_json)
    converter.register_unstructure_hook(
        Arm, lambda each: {"percentage": _whole(each.percentage), "next": each.next, "label": each.label}
    )
    for of in (Send, Wait, Update, End, Split, Change, Trigger, Exit, Goal):
        plain = make_dict_unstructure_fn(
            of, converter, _cattrs_omit_if_default=True, id=override(omit_if_default=False)
        )
        converter.register_unstructure_hook(of, plain)
    return converter


_CONVERTER = _make_converter()
_JOURNEY_KEYS = (
    "id",
    "name",
    "description",
    "notes",
    "tenant",
    "timezone",
    "customer_timezone",
    "trigger",
    "run_criteria",
    "reentry",
    "exits",
    "goal",
    "consent",
    "max_visits",
)


def to_dict(journey: Journey) -> dict[str, Any]:
    """Write a journey as the JSON object of a native file.

    >>> to_dict(Journey(id="j", steps=[Wait("w", "3 days")]))["steps"]
    [{'kind': 'wait', 'id': 'w', 'duration': '3 days', 'next': 'end'}, {'kind': 'end', 'id': 'end'}]
    """
    defaults = {each.name: each.default for each in Journey.__attrs_attrs__}
    written: dict[str, Any] = {"format": FORMAT}
    for name in _JOURNEY_KEYS:
        value = getattr(journey, name)
        if name in {"id", "trigger"} or (value != defaults[name] and value not in {None, ()} and value != Reentry()):
            written[name] = _plain(_CONVERTER.unstructure(value))
    written["steps"] = [{"kind": kind(step), **_plain(_CONVERTER.unstructure(step))} for step in journey.steps]
    return written


def _plain(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Make plain lists of tuples and leave out what is null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def dumps_journey(journey: Journey, *, indent: int | None = 2) -> str:
    """Write a journey as the text of a native file; `loads_journey` reads an equal journey back.

    >>> loads_journey(dumps_journey(Journey(id="j", steps=[End("done")]))).id
    'j'
    """
    return json.dumps(to_dict(journey), ensure_ascii=False, indent=indent)


def fingerprint(journey: Journey) -> str:
    """Give what makes a version another version: all but names, descriptions, notes and tenant, as a hash (R12).

    >>> a, b = (Journey(id="j", name=name, steps=[End("done", name=name)]) for name in "ab")
    >>> fingerprint(a) == fingerprint(b)
    True
    """
    content = to_dict(journey)
    for name in ("name", "description", "notes", "tenant"):
        content.pop(name, None)
    for step in content["steps"]:
        step.pop("name", None)
        step.pop("notes", None)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


# --- reading ------------------------------------------------------------------------------------------------------


def loads_journey(text: str) -> Journey:
    """Read a native journey file; raises InvalidJourney with every fault, each with its path.

    >>> loads_journey('{"format": 1, "id": "j", "steps": [{"kind": "sent", "id": "a"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidJourney: journey 'j' has 2 problems:
      - trigger: missing; write {"event": "..."} or {"manual": true} [missing]
      - steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]
    """
    faults: list[Problem] = []
    value = parse_json(text, faults)
    if faults:
        raise InvalidJourney("(unread)", faults)
    return from_dict(value)


def parse_json(text: str, faults: list[Problem]) -> Any:  # noqa: ANN401 any JSON
    """Parse JSON strictly: no duplicate keys, no NaN or Infinity, no nesting beyond the bound."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                faults.append(Problem("duplicate-key", ERROR, "", f"the key {key!r} stands twice in one object"))
            found[key] = value
        return found

    def constant(name: str) -> None:
        faults.append(Problem("number", ERROR, "", f"{name} is no JSON number"))

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except RecursionError:
        faults.append(Problem("depth", ERROR, "", f"nested deeper than {MAX_DEPTH} levels"))
    except ValueError as error:
        faults.append(Problem("json", ERROR, "", f"this is no JSON: {error}"))
    return None


def from_dict(value: object) -> Journey:
    """Read a journey from the JSON object of a native file; raises InvalidJourney with every fault."""
    reader = _Reader()
    options, steps = reader.journey(value)
    name = options.get("id", "(without id)")
    if not reader.faults:
        return Journey(**options, steps=steps)
    raise InvalidJourney(name, [*reader.faults, *_further(reader, options, steps)])


def _further(reader: "_Reader", options: dict[str, Any], steps: list[Step]) -> Iterator[Problem]:
    """Validate what could be read, and tell what lies outside the places that could not."""
    defaults = {
        each.name: each.default.factory() if hasattr(each.default, "factory") else each.default
        for each in Journey.__attrs_attrs__
        if each.name not in {"id", "steps"}
    }
    defaults["reentry"] = Reentry()
    if not all(isinstance(step, Step) for step in steps) or "id" not in options:
        return
    draft = SimpleNamespace(**{**defaults, **options, "steps": flatten(steps)})
    broken = {problem.path.split(".")[0] for problem in reader.faults}
    for problem in find_problems(draft):  # type: ignore[arg-type]  # it looks like a journey
        about_graph = problem.code in {"reference", "unreachable", "dangling", "no-steps", "zero-time-cycle"}
        hidden = about_graph and any(place.startswith("steps") for place in broken)
        if problem.path.split(".")[0] not in broken and not hidden and problem.severity == ERROR:
            yield problem


Read = Callable[["_Reader", object, str], Any]


class _Reader:
    """Reads parts of a file; what is wrong goes into `faults` and reads as None."""

    def __init__(self) -> None:
        self.faults: list[Problem] = []

    def fault(self, code: str, path: str, message: str) -> None:
        """Note a fault."""
        self.faults.append(Problem(code, ERROR, path, message))

    def fields(self, value: object, path: str, known: Mapping[str, Read], *, what: str = "") -> dict[str, Any]:
        """Read the keys of an object, each by its reader; null counts as absent."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return {}
        read = {}
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in NOT_YET.get(what, ()):
                self.fault("unsupported", where, f"{key!r} is not supported by this version of journeyflow")
            elif key not in known:
                hint = did_you_mean(key, known) or f"; known are {', '.join(sorted(known))}"
                self.fault("unknown-key", where, f"unknown key {key!r}{hint}")
            elif inner is not None:
                before = len(self.faults)
                got = known[key](self, inner, where)
                if len(self.faults) == before:
                    read[key] = got
        return read

    def require(self, value: object, path: str, *names: str) -> None:
        """Note the keys that an object must have and has not."""
        for name in names:
            if isinstance(value, dict) and value.get(name) is None:
                hint = _MISSING.get(name, "")
                self.fault("missing", f"{path}.{name}" if path else name, f"missing{hint}")

    # --- values ---------------------------------------------------------------------------------------------------

    def text(self, value: object, path: str) -> object:
        """Read a text."""
        if not isinstance(value, str):
            self.fault("type", path, f"expected text, not {describe(value)}")
        return value

    def boolean(self, value: object, path: str) -> object:
        """Read true or false."""
        if not isinstance(value, bool):
            self.fault("type", path, f"expected true or false, not {describe(value)}")
        return value

    def number(self, value: object, path: str) -> object:
        """Read a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault("type", path, f"expected a number, not {describe(value)}")
        return value

    def anything(self, value: object, _: str) -> object:
        """Take any JSON; validation looks into it."""
        return value

    def parsed(self, parse: Callable[[Any], Any]) -> Read:
        """Make a reader of a text that is parsed."""

        def read(reader: "_Reader", value: object, path: str) -> object:
            try:
                return parse(reader.text(value, path)) if isinstance(value, str) else reader.text(value, path)
            except ValueError as error:
                reader.fault("value", path, str(error))
            return None

        return read

    def members(self, value: object, path: str, read: Read) -> list[Any]:
        """Read a list, each member by a reader."""
        if not isinstance(value, list):
            self.fault("type", path, f"expected a list, not {describe(value)}")
            return []
        return [read(self, inner, f"{path}[{position}]") for position, inner in enumerate(value)]

    # --- parts ----------------------------------------------------------------------------------------------------

    def build(self, make: Callable[..., Any], path: str, options: dict[str, Any]) -> Any:  # noqa: ANN401 what it makes
        """Make a part from what was read, and tell why where that fails."""
        try:
            return make(**options)
        except (ValueError, TypeError) as error:
            if not any(problem.path.startswith(path) for problem in self.faults):
                self.fault("value", path, str(error))
        return None

    def window(self, value: object, path: str) -> object:
        """Read a window."""
        read = self.fields(value, path, {"weekdays": _Reader.anything, "start": _Reader.text, "end": _Reader.text})
        return self.build(Window, path, read)

    def until(self, value: object, path: str) -> object:
        """Read an opening."""
        read = self.fields(value, path, {"time": _Reader.text, "weekdays": _Reader.anything})
        return self.build(Until, path, read)

    def rule(self, value: object, path: str, depth: int = 1) -> object:
        """Read a rule."""
        if depth > MAX_DEPTH:
            self.fault("depth", path[:60] + "...", f"the rule is nested deeper than {MAX_DEPTH} levels")
            return None
        if isinstance(value, dict):
            for key, make in (("all", AllOf), ("any", AnyOf)):
                if key in value:
                    self.fields(value, path, {key: _Reader.anything})

                    def part(reader: "_Reader", inner: object, at: str) -> object:
                        return reader.rule(inner, at, depth + 1)

                    return make(self.members(value[key], f"{path}.{key}", part))
            if "not" in value:
                self.fields(value, path, {"not": _Reader.anything})
                return NotRule(self.rule(value["not"], f"{path}.not", depth + 1))  # type: ignore[arg-type]  # read
        read = self.fields(value, path, _RULE)
        self.require(value, path, "field", "op")
        if "op" in read and read["op"] not in {*OPERATORS, *ALIASES}:
            hint = did_you_mean(read["op"], {*OPERATORS, *ALIASES})
            self.fault("operator", f"{path}.op", f"unknown operator {read['op']!r}{hint}")
        return Comparison(**read) if {"field", "op"} <= read.keys() else None

    def trigger(self, value: object, path: str) -> object:
        """Read a trigger."""
        return Trigger(**self.fields(value, path, _TRIGGER))

    def reentry(self, value: object, path: str) -> object:
        """Read a re-entry policy."""
        if isinstance(value, dict):
            read = self.fields(value, path, {"after": self.parsed(Duration.parse)})
            self.require(value, path, "after")
            return Reentry("after", read.get("after"))
        return Reentry(str(self.text(value, path)))

    def exit(self, value: object, path: str) -> object:
        """Read an exit."""
        read = self.fields(value, path, _EXIT)
        self.require(value, path, "name")
        return Exit(**read) if "name" in read else None

    def goal(self, value: object, path: str) -> object:
        """Read a goal."""
        read = self.fields(value, path, _GOAL)
        self.require(value, path, "event")
        return Goal(**read) if "event" in read else None

    def branch(self, value: object, path: str) -> object:
        """Read a branch of a condition."""
        read = self.fields(value, path, {"when": _Reader.rule, "next": _Reader.text, "label": _Reader.text})
        self.require(value, path, "when")
        return Branch(**read)

    def arm(self, value: object, path: str) -> object:
        """Read an arm of a split."""
        read = self.fields(value, path, {"percentage": _Reader.number, "next": _Reader.text, "label": _Reader.text})
        self.require(value, path, "percentage")
        return Arm(**read) if "percentage" in read else None

    def change(self, value: object, path: str) -> object:
        """Read a change."""
        read = self.fields(value, path, {"field": _Reader.text, "action": _Reader.text, "value": _Reader.anything})
        self.require(value, path, "field", "action")
        return Change(**read) if {"field", "action"} <= read.keys() else None

    def step(self, value: object, path: str) -> object:
        """Read a step by its kind."""
        name = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(name, str) or name not in KINDS:
            what = f"expected an object, not {describe(value)}"
            if isinstance(value, dict):
                hint = did_you_mean(name, KINDS) if name else ""
                what = f"unknown kind {name!r}{hint or '; known are ' + ', '.join(KINDS)}"
            self.fault("kind", f"{path}.kind" if isinstance(value, dict) else path, what)
            return None
        read = self.fields({key: inner for key, inner in value.items() if key != "kind"}, path, _STEPS[name], what=name)
        self.require(value, path, *_REQUIRED[name])
        if not set(_REQUIRED[name]) <= read.keys():
            return None
        return self.build(_MAKE.get(name, KINDS[name]), path, read)

    def journey(self, value: object) -> tuple[dict[str, Any], list[Any]]:
        """Read the whole file: the options of a Journey, and its steps."""
        read = self.fields(value, "", _JOURNEY, what="journey")
        self.require(value, "", "format", "id", "trigger", "steps")
        version = read.pop("format", None)
        if version is not None and version != FORMAT:
            newer = "; a newer journeyflow may read it" if isinstance(version, int) and version > FORMAT else ""
            self.fault("format", "format", f"expected {FORMAT}, not {describe(version)}{newer}")
        steps = value.get("steps") if isinstance(value, dict) else None
        read.pop("steps", None)
        return read, self.members(steps, "steps", _Reader.step) if steps is not None else []


def _format(reader: _Reader, value: object, path: str) -> object:
    return reader.number(value, path)


def _make_condition(**read: Any) -> Condition:  # noqa: ANN401 the options read
    """Make a condition from its long or its short form."""
    otherwise = read.pop("else", None)
    return Condition(read.pop("id"), otherwise=otherwise, **read)


def _make_split(**read: Any) -> Split:  # noqa: ANN401 the options read
    return Split(read.pop("id"), *read.pop("arms"), **read)


def _make_update(**read: Any) -> Update:  # noqa: ANN401 the options read
    return Update(read.pop("id"), *read.pop("changes"), **read)


_MAKE: dict[str, Callable[..., Any]] = {"condition": _make_condition, "split": _make_split, "update": _make_update}


def _each(read: Read) -> Read:
    return lambda reader, value, path: reader.members(value, path, read)


def _tables() -> tuple[dict[str, Read], dict[str, dict[str, Read]]]:
    """Say which keys each kind of step has, and the journey itself."""
    text, boolean, rule = _Reader.text, _Reader.boolean, _Reader.rule
    length = _Reader().parsed(Duration.parse)
    common: dict[str, Read] = {"id": text, "name": text, "notes": text, "next": text}
    steps: dict[str, dict[str, Read]] = {
        "send": {
            **common,
            "channel": text,
            "template": text,
            "data": _Reader.anything,
            "window": _Reader.window,
            "transactional": boolean,
            "cancel_on_exit": boolean,
            "expires": length,
        },
        "wait": {
            **common,
            "duration": length,
            "until": _Reader.until,
            "at": _Reader().parsed(lambda value: iso(parse_instant(value))),
            "field": text,
            "offset": length,
            "every": text,
            "event": text,
            "where": rule,
            "any_message": boolean,
            "timeout": length,
            "window": _Reader.window,
            "on_event": text,
            "on_timeout": text,
            "on_missing": text,
            "on_past": text,
        },
        "condition": {
            **common,
            "branches": _each(_Reader.branch),
            "else": text,
            "when": rule,
            "yes": text,
            "no": text,
        },
        "split": {**common, "arms": _each(_Reader.arm)},
        "update": {**common, "changes": _each(_Reader.change)},
        "end": {"id": text, "name": text, "notes": text, "outcome": text},
    }
    journey: dict[str, Read] = {
        "format": _format,
        **dict.fromkeys(("id", "name", "description", "notes", "tenant", "timezone", "consent"), text),
        "customer_timezone": boolean,
        "trigger": _Reader.trigger,
        "run_criteria": rule,
        "reentry": _Reader.reentry,
        "exits": _each(_Reader.exit),
        "goal": _Reader.goal,
        "max_visits": _Reader.number,
        "steps": _Reader.anything,
    }
    return journey, steps


_JOURNEY, _STEPS = _tables()
_RULE: dict[str, Read] = {
    "field": _Reader.text,
    "op": _Reader.text,
    "value": _Reader.anything,
    "value_of": _Reader.text,
}
_TRIGGER: dict[str, Read] = {"event": _Reader.text, "where": _Reader.rule, "manual": _Reader.boolean}
_EXIT: dict[str, Read] = {
    "name": _Reader.text,
    "event": _Reader.text,
    "where": _Reader.rule,
    "when": _Reader.rule,
    "any_message": _Reader.boolean,
}
_GOAL: dict[str, Read] = {
    "event": _Reader.text,
    "where": _Reader.rule,
    "within": _Reader().parsed(Duration.parse),
    "exit": _Reader.boolean,
    "any_message": _Reader.boolean,
}
_REQUIRED = {
    "send": ("id", "channel", "template"),
    "wait": ("id",),
    "condition": ("id",),
    "split": ("id", "arms"),
    "update": ("id", "changes"),
    "end": ("id",),
}
_MISSING = {
    "trigger": '; write {"event": "..."} or {"manual": true}',
    "format": f"; write {FORMAT}",
}
