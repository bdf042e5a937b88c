"""How an option is written in a native file, by its type in the definition: one row of a table for each type.

A key of a file is described once, by the option in `definition/`: its name, its type, its default. The function that
reads it and its JSON Schema are looked up here by that type, so that a new option of a step needs no code in this
package unless its type is new.
"""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from attrs import NOTHING, evolve, fields

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until, Window, parse_clock, parse_weekdays
from journeyflow.basics.values import MAX_DEPTH, describe
from journeyflow.definition.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.options import read_at
from journeyflow.definition.retry import Retry
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import CHAINS, Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.definition.steps import STEP_KINDS, Arm, Branch, Condition, End, Split, Step, Target, Update
from journeyflow.errors import quoted
from journeyflow.formats.json_parts import PartReader, ReadPart, format_number, list_of, parsed_by, part_of

FORMAT = 1
"""The format number of native journey files."""

CUT = "..."
"""The end of a path that is cut short."""

_TRIGGERS = '{"event": "..."}, {"pull": {"every": "..."}} or {"manual": true}'

WRITTEN = {"otherwise": "else"}
"""The options that have another name in a file, with that name."""

NEEDED: Mapping[type, tuple[str, ...]] = {Split: ("arms",), Update: ("changes",), Branch: ("when",)}
"""The options that are required in a file although they have a default in Python."""

SPARED: Mapping[type, tuple[str, ...]] = {Condition: ("branches",)}
"""The options that a file may omit although they have no default in Python: a condition has a short form."""


def needed_of(of: type) -> list[str]:
    """Return the keys that a file requires for a part.

    >>> needed_of(Split), needed_of(Condition)
    (['id', 'arms'], ['id'])
    """
    bare = [each.name for each in fields(of) if each.default is NOTHING and each.name not in SPARED.get(of, ())]
    return [WRITTEN.get(name, name) for name in (*bare, *(name for name in NEEDED.get(of, ()) if name not in bare))]


class NativeReader(PartReader):
    """A reader of the parts of one native file; `short` maps paths of short-form conditions to their keys."""

    hints = {"trigger": f"; write {_TRIGGERS}", "format": f"; write {FORMAT}"}  # noqa: RUF012 typed above it

    def __init__(self) -> None:
        super().__init__()
        self.short: dict[str, Container[str]] = {}

    # --- parts --------------------------------------------------------------------------------------------------------

    def rule(self, value: object, path: str, depth: int = 1) -> object:
        """Read a rule."""
        if depth > MAX_DEPTH:
            self.fault("depth", f"{path[:60]}{CUT}", f"the rule is nested deeper than {MAX_DEPTH} levels")
            return None

        def inner(reader: "NativeReader", part: object, where: str) -> object:
            return reader.rule(part, where, depth + 1)

        for word, (make, read) in _COMBINED.items():
            if isinstance(value, dict) and word in value:
                got = self.fields(value, path, {word: read(inner)}, word)[word]
                return None if got is None else make(got)
        if isinstance(value, dict) and "count" in value:
            return part_of(_count, {**_COUNT_KEYS, "where": inner}, "count")(self, value, path)
        return _COMPARISON(self, value, path)

    def reentry(self, value: object, path: str) -> object:
        """Read a re-entry policy."""
        if isinstance(value, dict):
            return Reentry.after(self.fields(value, path, {"after": _LENGTH}, "after")["after"])
        policy = self.text(value, path)
        return None if policy is None else Reentry(policy)

    def change(self, value: object, path: str) -> object:
        """Read a change of an attribute, or a change about journeys."""
        action = value.get("action") if isinstance(value, dict) else None
        about_journeys = isinstance(action, str) and action in CHAINS
        return (_CHAIN if about_journeys else _CHANGE)(self, value, path)

    def step(self, value: object, path: str) -> Step | None:
        """Read a step by its kind; a step of an unknown kind becomes an End, so that other steps may lead there."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return None
        name = value.get("kind")
        if not isinstance(name, str) or name not in STEP_KINDS:
            hint = self.suggest(name, STEP_KINDS) or f"; known are {', '.join(STEP_KINDS)}"
            self.fault(
                "kind", f"{path}.kind", f"missing{hint}" if name is None else f"unknown kind {quoted(name)}{hint}"
            )
            return End(self.fields({key: value[key] for key in value if key == "id"}, path, {"id": _TEXT}, "id")["id"])
        kind = STEP_KINDS[name]
        read = self.fields(value, path, STEP_KEYS[name], *needed_of(kind))
        if name == "condition" and "branches" not in read:
            self.short[path] = frozenset(read)
        try:
            return _step(name, dict(read))
        except TypeError as error:  # a condition written in both forms
            self.fault("condition", path, str(error))
            return End(read["id"])

    def journey(self, value: object) -> dict[str, Any]:
        """Read the whole file; return the options of a Journey."""
        read = self.fields(value, "", JOURNEY_KEYS, "id", "format", "trigger", "steps")
        key = read.pop("reentry_key", None)
        if key is not None:
            read["reentry"] = evolve(read.get("reentry") or Reentry(), key=key)
        return {name: got for name, got in read.items() if got is not None and name not in {"format", "$schema"}}


def _step(name: str, read: dict[str, Any]) -> Step:
    """Return a step made of the options that were read."""
    read.pop("kind", None)
    identity = read.pop("id", None)
    if name == "condition":
        return Condition(identity, otherwise=read.pop("else", None), **read)
    parts = read.pop(_PARTS[name], None) if name in _PARTS else None
    return STEP_KINDS[name](identity, *(parts or ()), **read)


_PARTS = {"split": "arms", "update": "changes"}
"""The options that are separate positional arguments in Python."""

# --- readers of single values -----------------------------------------------------------------------------------------


def _one_or_many(reader: NativeReader, value: object, path: str) -> list[Any] | None:
    """Read a text, or a list of texts."""
    return [value] if isinstance(value, str) else list_of(NativeReader.text)(reader, value, path)


def _number_or_pair(reader: NativeReader, value: object, path: str) -> object:
    """Read a number, or a list of numbers."""
    return list_of(NativeReader.number)(reader, value, path) if isinstance(value, list) else reader.number(value, path)


def _hours(make: Callable[..., Any], known: Mapping[str, ReadPart], code: str) -> ReadPart:
    """Return a reader of a window or an opening, which is read as a whole or not at all."""

    def hours(reader: NativeReader, value: object, path: str) -> object:
        before = len(reader.faults)
        read = reader.fields(value, path, known)
        whole = len(reader.faults) == before
        return parsed_by(lambda options: make(**options), code)(reader, read, path) if whole else None

    return hours


_TEXT, _LENGTH, _TIME = NativeReader.text, parsed_by(Duration.parse, "duration"), parsed_by(parse_clock, "time")
_DAYS = parsed_by(parse_weekdays, "weekdays")
_WINDOW = {"weekdays": _DAYS, "start": _TIME, "end": _TIME, "timezone": _TEXT}

# --- the table --------------------------------------------------------------------------------------------------------

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to a definition of the JSON Schema."""
    return {"$ref": f"#/$defs/{name}"}


class Form(NamedTuple):
    """How options of a type are written in a file: the function that reads them, and their JSON Schema."""

    read: ReadPart
    schema: Schema


_NUMBER = Form(NativeReader.number, {"type": "number"})

FORMS: dict[object, Form] = {
    str: Form(_TEXT, ref("text")),
    str | None: Form(_TEXT, ref("text")),
    bool: Form(NativeReader.boolean, {"type": "boolean"}),
    int: _NUMBER,
    int | None: _NUMBER,
    float: _NUMBER,
    int | tuple[int, int] | None: Form(_number_or_pair, {}),
    object: Form(NativeReader.anything, {}),
    Mapping[str, object]: Form(NativeReader.anything, {"type": "object"}),
    tuple[str, ...]: Form(_one_or_many, {}),
    Target: Form(_TEXT, ref("stepId")),
    Duration: Form(_LENGTH, ref("duration")),
    Duration | None: Form(_LENGTH, ref("duration")),
    tuple[Duration, ...]: Form(list_of(_LENGTH), {"type": "array", "items": ref("duration")}),
    datetime | None: Form(parsed_by(read_at, "time"), ref("instant")),
    Window | None: Form(_hours(Window, _WINDOW, "window"), ref("window")),
    Until | None: Form(_hours(Until, {"time": _TIME, "weekdays": _DAYS}, "time"), ref("until")),
    Rule | None: Form(NativeReader.rule, ref("rule")),
    Reentry: Form(NativeReader.reentry, ref("reentry")),
    tuple[Change | Chain, ...]: Form(list_of(NativeReader.change), {}),
    tuple[Step, ...]: Form(list_of(NativeReader.step), {}),
}
"""The form of each type of option; the forms of parts, which are made of options themselves, are added below."""


def keys_of(of: type) -> dict[str, ReadPart]:
    """Return the keys of a part in a file, each with the function that reads it.

    >>> sorted(keys_of(Limits))
    ['over', 'per_day', 'per_hour']
    """
    return {WRITTEN.get(each.name, each.name): FORMS[each.type].read for each in fields(of)}


def _part(of: type) -> ReadPart:
    return part_of(of, keys_of(of), *needed_of(of))


_COUNT_KEYS: Mapping[str, ReadPart] = {"count": _TEXT, "at_least": NativeReader.number, "at_most": NativeReader.number}


def _count(count: Any, **options: Any) -> CountRule:  # noqa: ANN401 as read
    """Return a rule that counts, whose list stands under another key than its name in Python."""
    return CountRule(count, **options)


_COMPARISON, _CHANGE, _CHAIN = _part(FieldRule), _part(Change), _part(Chain)
_COMBINED: Mapping[str, tuple[Callable[[Any], Any], Callable[[ReadPart], ReadPart]]] = {
    "all": (AllOf, list_of),
    "any": (AnyOf, list_of),
    "not": (NotRule, lambda read: read),
}

FORMS[Pull | None] = Form(_part(Pull), ref("pull"))
FORMS[Trigger] = Form(_part(Trigger), ref("trigger"))
FORMS[Retry | None] = Form(_part(Retry), ref("retry"))
FORMS[Limits] = Form(_part(Limits), ref("limits"))
FORMS[Goal | None] = Form(_part(Goal), ref("goal"))
FORMS[tuple[Exit, ...]] = Form(list_of(_part(Exit)), {"type": "array", "items": ref("exit")})
FORMS[tuple[Branch, ...]] = Form(list_of(_part(Branch)), {})
FORMS[tuple[Arm, ...]] = Form(list_of(_part(Arm)), {})

_SHORT: dict[str, ReadPart] = {"when": NativeReader.rule, "yes": _TEXT, "no": _TEXT}
"""The keys of a condition in its short form."""

STEP_KEYS: dict[str, dict[str, ReadPart]] = {
    name: {"kind": _TEXT, **keys_of(of), **(_SHORT if of is Condition else {})} for name, of in STEP_KINDS.items()
}
"""The keys of each kind of step, each with the function that reads it."""

JOURNEY_KEYS: dict[str, ReadPart] = {
    "$schema": _TEXT,  # for editors; ignored
    "format": format_number(FORMAT),
    **keys_of(Journey),
    "reentry_key": _TEXT,
}
"""The keys of a journey, each with the function that reads it."""
