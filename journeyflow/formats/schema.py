"""The JSON Schema of the native journey file (draft 2020-12), generated from the definition classes.

The package ships it as `journey.schema.json`, for editors and for checking files without Python; a test compares the
file with this module. `BEYOND` lists what the schema cannot check. In a few spellings it is stricter than the reader:
it accepts no null for an absent key, weekdays in capitals only, and no list that contains a range of weekdays.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import fields

from journeyflow.basics.hours import WEEKDAYS, Until, Window
from journeyflow.basics.values import INTEGER_MAX, MAX_DEPTH, MAX_ID
from journeyflow.definition.entry import OVER_POLICIES, REENTRY_POLICIES, Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.definition.graph import END
from journeyflow.definition.journey import Journey
from journeyflow.definition.retry import MAX_DELAYS, Retry
from journeyflow.definition.rules.attribute_changes import ACTIONS, Change
from journeyflow.definition.rules.chains import CHAINS, NAMING, Chain
from journeyflow.definition.rules.conditions import CountRule, FieldRule
from journeyflow.definition.rules.operators import ALIASES, OPERATORS
from journeyflow.definition.step_checks import RESERVED, WAIT_OPTIONS
from journeyflow.definition.steps import ON_FAILURE, STEP_KINDS, WAIT_FORMS, Arm, Branch
from journeyflow.formats.options import FORMAT, FORMS, WRITTEN, Schema, needed_of, ref

BEYOND: Mapping[str, str] = {
    "count": "the least number of a count is not above its most",
    "consent-channel": "a journey that requires consent has a send",
    "dangling": "a continuation names a step of the file, or the appended end",
    "data": "an integer of the data of a send has 64 bits at most",
    "depth": f"rules are nested {MAX_DEPTH} levels deep at most",
    "duplicate": "ids of steps, labels of branches and arms, and names of exits are there once",
    "duplicate-key": "no key stands twice in an object",
    "duration": "a length of time is text that can be read, and leads forward",
    "holdout": "a holdout has a goal with a within",
    "meta": "an integer of what a host keeps has 64 bits at most",
    "operand": "an operand that is a date, a length of time or a pattern can be read; an integer has 64 bits at most",
    "percentage": "percentages have two decimals at most and sum to 100",
    "pull-key": "a journey that pulls people in has no re-entry by key",
    "pull-size": "the least that a pull gets is not more than the most",
    "reference": "names in rules and templates refer to something that is available there",
    "template": "tokens of templates are closed and hold a path",
    "time": "an instant can be read; an opening names something",
    "value": "the value of a change can be kept",
    "retry": "the delays between attempts lead forward",
    "window": "a window does not end at the time at which it starts",
    "zero-time-cycle": "a loop goes through a wait that takes time",
    "zone": "a time zone is one of IANA's",
}
"""Problems of a file that the schema cannot find, by code, with the statement that is true of a valid file."""

# --- texts ------------------------------------------------------------------------------------------------------------


def _matching(pattern: str, **more: object) -> Schema:
    return {"type": "string", "pattern": pattern, **more}


_DAY = "|".join(WEEKDAYS)

_DAYS = rf"({_DAY})(-({_DAY}))?"

_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"

_WORDS = r"([+-]?[0-9]{1,12}(\.[0-9]{1,6})?\s*[A-Za-z]+\s*)+"

_ISO = r"[+-]?P[0-9YMWDTHS.]+"

_NAME = r"[^.\u0000]+"

_TEXTS: dict[str, Schema] = {
    "text": _matching(r"^[^\u0000]*$"),
    "id": _matching(r"^[^\u0000\u001f]+$", maxLength=MAX_ID),
    "label": _matching(r"^[^\u0000\u001f]*$", maxLength=MAX_ID),
    "channel": _matching(r"^[^.\u0000\u001f]+$", maxLength=MAX_ID),
    "stepId": _matching(r"^[^.\u0000\u001f]+$", maxLength=MAX_ID, **{"not": {"enum": sorted(RESERVED)}}),
    "path": _matching(rf"^{_NAME}(\.{_NAME}){{0,{MAX_DEPTH - 1}}}$", examples=["event.amount", "membershipTier"]),
    "key": _matching(rf"^event(\.{_NAME}){{1,{MAX_DEPTH - 1}}}$", examples=["event.cart"]),
    "duration": _matching(rf"^\s*({_WORDS}|{_ISO}\s*)$", examples=["30 minutes", "3 days", "1 month", "P3DT12H"]),
    "instant": {"type": "string", "format": "date-time", "examples": ["2026-12-24T09:00:00+01:00"]},
    "time": _matching(rf"^{_HOUR}$", examples=["09:00"]),
    "endTime": _matching(rf"^({_HOUR}|24:00(:00)?)$", examples=["17:00", "24:00"]),
    "weekdays": {
        "anyOf": [
            {"type": "array", "items": {"enum": list(WEEKDAYS)}, "minItems": 1},
            _matching(rf"^{_DAYS}(,{_DAYS})*$", examples=["MON-FRI", "SAT,SUN"]),
        ]
    },
}

# --- objects ----------------------------------------------------------------------------------------------------------

_BY_NAME: Mapping[str, Schema] = {
    **dict.fromkeys(("id", "next", "else", "on_event", "on_timeout", "on_missing", "on_past"), ref("stepId")),
    "channel": ref("channel"),
    "template": ref("id"),
    "event": ref("id"),
    "label": ref("label"),
    "field": ref("path"),
    "value_of": ref("path"),
    **{name: {"type": "number", "minimum": 0, "maximum": 100} for name in ("percentage", "holdout")},
    "every": {"anyOf": [{"const": "year"}, ref("duration")]},
    "on_failure": {"enum": list(ON_FAILURE)},
    "data": {"type": "object"},
    **{
        name: {"type": "array", "items": ref(of), "minItems": 1}
        for name, of in (("branches", "branch"), ("arms", "arm"), ("changes", "change"))
    },
}

_COUNT = {"type": "integer", "minimum": 0, "maximum": INTEGER_MAX}

_FROM_ONE = {**_COUNT, "minimum": 1}


def _closed(properties: Schema, required: Iterable[str] = (), about: str = "", **more: object) -> Schema:
    """Return the schema of an object without other keys."""
    said = {"description": about} if about else {}
    needs = {"required": list(required)} if required else {}
    return {"type": "object", **said, "properties": properties, **needs, "additionalProperties": False, **more}


def _part(of: type, *, keys: Mapping[str, Schema] | None = None, **more: object) -> Schema:
    """Return the schema of a part of a definition, from the names and types of its options and the needed ones."""
    properties = {}
    for option in fields(of):
        name = WRITTEN.get(option.name, option.name)
        properties[name] = (keys or {}).get(name) or _BY_NAME.get(name) or FORMS[option.type].schema
    needed = needed_of(of)
    return _closed(properties, [name for name in properties if name in needed], _about(of), **more)


def _about(of: type) -> str:
    """Return the first line of a docstring, without rule numbers."""
    return re.sub(r"\s*\(R[\dRto, ]+\)", "", str(of.__doc__).partition("\n")[0])


def _one_of(*names: str) -> list[Schema]:
    return [{"required": [name]} for name in names]


def _without(*names: str) -> Schema:
    return {"not": {"anyOf": _one_of(*names)}}


# --- rules ------------------------------------------------------------------------------------------------------------

_SCALAR: Schema = {"anyOf": [ref("text"), {"type": ["number", "boolean"]}]}

_ORDERED: Schema = {"anyOf": [ref("text"), {"type": "number"}]}

_OPERANDS: Mapping[str, Schema | None] = {
    "_operand_scalar": _SCALAR,
    "_operand_ordered": _ORDERED,
    "_operand_list": {"type": "array", "items": _SCALAR, "minItems": 1},
    "_operand_pair": {"type": "array", "items": _ORDERED, "minItems": 2, "maxItems": 2},
    "_operand_text": ref("text"),
    "_operand_instant": {"type": "string", "examples": ["2026-01-31", "2026-01-31T09:00:00Z"]},
    "_operand_duration": ref("duration"),
    "_operand_pattern": ref("text"),
    "_operand_none": None,
}
"""The schema of a comparison's operand, by the name of the function that checks it."""


def _comparisons() -> list[Schema]:
    """Return the schemas of comparisons, grouped by the kind of operand."""
    groups: dict[str, list[str]] = {}
    for name, operator in OPERATORS.items():
        groups.setdefault(operator.operand.__name__, []).append(name)
    return [_comparison(check, names) for check, names in groups.items()]


def _comparison(check: str, names: list[str]) -> Schema:
    names = [*names, *(alias for alias, name in ALIASES.items() if name in names)]
    operand = _OPERANDS[check]
    keys: dict[str, Schema] = {"field": ref("path"), "op": {"enum": names}}
    if operand is None:
        return _closed(keys, ("field", "op"))
    keys["value"] = operand
    if check == "_operand_pattern":
        return _closed(keys, ("field", "op", "value"))
    return _closed({**keys, "value_of": ref("path")}, ("field", "op"), oneOf=_one_of("value", "value_of"))


_BOUNDS = ("at_least", "at_most")


def _rules() -> dict[str, Schema]:
    many = {"type": "array", "items": ref("rule")}
    counted = {"count": ref("path"), "where": ref("rule"), **dict.fromkeys(_BOUNDS, _COUNT)}
    counts = [_closed(counted, ("count", bound)) for bound in _BOUNDS]
    groups = [_closed({word: many}, (word,)) for word in ("all", "any")]
    choices = [ref("comparison"), ref("count"), *groups, _closed({"not": ref("rule")}, ("not",))]
    return {
        "comparison": {"description": _about(FieldRule), "anyOf": _comparisons()},
        "count": {"description": _about(CountRule), "anyOf": counts},
        "rule": {"description": "A comparison, a count, or rules joined by all, any or not.", "anyOf": choices},
    }


# --- steps ------------------------------------------------------------------------------------------------------------


def _steps() -> dict[str, Schema]:
    """Return the schema of each kind of step."""
    return {name: _with_kind(name, _STEPS.get(name, _part)(of)) for name, of in STEP_KINDS.items()}


def _with_kind(name: str, step: Schema) -> Schema:
    """Return the schema of a step with its `kind`; only an End may have the id of the appended End."""
    taken = {} if name == "end" else {"id": {"allOf": [ref("stepId"), {"not": {"const": END}}]}}
    properties = {"kind": {"const": name}, **step["properties"], **taken}
    return {**step, "properties": properties, "required": ["kind", *step["required"]]}


def _wait(of: type) -> Schema:
    """Return the schema of a wait: one form each, of which some may recur; recurring alone is a form too."""
    needs = {option: list(forms) for option, forms in WAIT_OPTIONS.items() if len(forms) == 1}
    forms = [form for form in WAIT_FORMS if form != "every"]
    alone = {"required": ["every"], **_without(*forms, *_unfit("every")), **_AT_A_DISTANCE}
    shaped = (
        {
            "required": [form],
            **_without(*(each for each in forms if each != form), *_unfit(form)),
            **_RECURRING.get(form, {}),
        }
        for form in forms
    )
    return _part(of, oneOf=[*shaped, alone], dependentRequired={**needs, "on_timeout": ["timeout"]})


def _unfit(form: str) -> list[str]:
    """Return the options that go with several forms of a wait, but not with this one."""
    return [option for option, forms in WAIT_OPTIONS.items() if len(forms) > 1 and form not in forms]


_AT_A_DISTANCE: Schema = {"properties": {"every": ref("duration")}}

_RECURRING: Mapping[str, Schema] = {"at": _AT_A_DISTANCE}
"""The forms of a wait that may recur at a distance only; anniversaries are of a field alone."""


def _condition(of: type) -> Schema:
    """Return the schema of a condition, in its long and its short form."""
    long = {"required": ["branches"], **_without("when", "yes", "no")}
    short = {"required": ["when"], "not": {"anyOf": [{"required": ["branches"]}, {"required": ["no", "else"]}]}}
    whole = _part(of, oneOf=[long, short])
    ways = {"when": ref("rule"), "yes": ref("stepId"), "no": ref("stepId")}
    return {**whole, "properties": {**whole["properties"], **ways}, "required": ["id"]}


_STEPS: Mapping[str, Any] = {
    "wait": _wait,
    "condition": _condition,
}

# --- the journey ------------------------------------------------------------------------------------------------------


def _parts() -> dict[str, Schema]:
    """Return the schemas of the parts of journeys and steps."""
    name = {"name": ref("id")}
    by_event, by_hand = {"required": ["event"]}, {"required": ["manual"], **_without("event", "where", "pull")}
    by_schedule = {"required": ["pull"], **_without("event")}
    least_and_most = {"type": "array", "prefixItems": [_COUNT, _FROM_ONE], "minItems": 2, "maxItems": 2}
    manual = [{"properties": {"manual": {"const": flag}}} for flag in (False, True)]
    return {
        "window": _closed(
            {"weekdays": ref("weekdays"), "start": ref("time"), "end": ref("endTime"), "timezone": ref("text")},
            (),
            _about(Window),
        ),
        "until": _closed({"time": ref("time"), "weekdays": ref("weekdays")}, (), _about(Until), minProperties=1),
        "trigger": _part(
            Trigger,
            oneOf=[
                {**by_event, **_without("pull"), **manual[0]},
                {**by_schedule, **manual[0]},
                {**by_hand, **manual[1]},
            ],
        ),
        "pull": _part(
            Pull,
            keys={
                "every": ref("duration"),
                "list": ref("id"),
                "size": {"anyOf": [_FROM_ONE, least_and_most]},
                "times": _FROM_ONE,
            },
            dependentRequired={"times": ["within"], "within": ["times"]},
        ),
        "reentry": {"description": _about(Reentry), "anyOf": _reentries()},
        "limits": _part(
            Limits, keys={**dict.fromkeys(("per_hour", "per_day"), _COUNT), "over": {"enum": [*OVER_POLICIES]}}
        ),
        "exit": _part(
            Exit,
            keys=name,
            oneOf=[{**by_event, **_without("when")}, {"required": ["when"], **_without("event", "where")}],
        ),
        "goal": _part(Goal),
        "retry": _part(Retry, keys={"delays": {"type": "array", "items": ref("duration"), "maxItems": MAX_DELAYS}}),
        "branch": _part(Branch),
        "arm": _part(Arm),
        "change": {"description": _about(Change), "anyOf": _changes()},
    }


def _reentries() -> list[Schema]:
    words = [policy for policy in REENTRY_POLICIES if policy != "after"]
    return [{"enum": words}, _closed({"after": ref("duration")}, ("after",))]


def _changes() -> list[Schema]:
    """Return the schemas of changes: all but `unset` take a value; changes about journeys take journeys or nothing."""
    value = {"type": ["string", "number", "boolean", "array", "object"]}
    actions = [action for action in ACTIONS if action != "unset"]
    keys = {"field": ref("path"), "action": {"enum": actions}, "value": value}
    one = [ref("id"), {"const": ""}]
    chain = {"anyOf": [*one, {"type": "array", "items": {"anyOf": one}, "minItems": 1}]}
    naming = {"action": {"enum": [action for action in CHAINS if action in NAMING]}, "journeys": chain}
    plain = {"action": {"enum": [action for action in CHAINS if action not in NAMING]}}
    return [
        _closed(keys, keys),
        _closed({"field": ref("path"), "action": {"const": "unset"}}, ("field", "action")),
        _closed(naming, naming, _about(Chain)),
        _closed(plain, plain),
    ]


def schema() -> Schema:
    """Return the JSON Schema of the native journey file.

    >>> schema()["required"]
    ['format', 'id', 'trigger', 'steps']
    """
    keys: Schema = {
        "id": ref("id"),
        "tenant": ref("id"),
        "consent": {"enum": ["optional", "required"]},
        "max_visits": {"type": "integer", "minimum": 1},
        "exits": {"type": "array", "items": ref("exit")},
        "steps": {"type": "array", "items": {"oneOf": [ref(name) for name in STEP_KINDS]}},
    }
    whole = _part(Journey, keys=keys)
    beyond = "; ".join(BEYOND.values())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A journey file of journeyflow, format {FORMAT}",
        "$comment": f"Journeyflow asks more of a file than this can say: {beyond}.",
        **whole,
        "properties": {
            "$schema": {"type": "string"},
            "format": {"const": FORMAT},
            **whole["properties"],
            "reentry_key": ref("key"),
        },
        "required": ["format", "id", "trigger", "steps"],
        "$defs": {**_TEXTS, **_rules(), **_parts(), **_steps()},
    }


def dumps_schema() -> str:
    """Return the schema as the text of `journey.schema.json`: ASCII only, with a newline at the end."""
    return json.dumps(schema(), indent=2) + "\n"
