"""Writing the native journey file: strict, versioned JSON (format 1).

Options that equal their default are left out. Reading is in `native_reading.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

from attrs import Attribute, fields, has

from journeyflow.basics.durations import Duration
from journeyflow.basics.expecting import MAX_INDENT, expect_between, expect_with
from journeyflow.basics.hours import Until, Window, write_clock, write_weekdays
from journeyflow.basics.moments import iso, to_micros
from journeyflow.basics.values import thaw
from journeyflow.definition.entry import Reentry
from journeyflow.definition.journey import Journey
from journeyflow.definition.options import default_of
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.definition.steps import Arm, Branch, Condition, kind
from journeyflow.formats.native_reading import from_dict, loads_journey
from journeyflow.formats.options import FORMAT

__all__ = ["FORMAT", "dumps_journey", "fingerprint", "from_dict", "loads_journey", "to_dict"]


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, FieldRule):
        written: dict[str, Any] = {"field": rule.field, "op": rule.op}
        if rule.value is not None:
            written["value"] = thaw(rule.value)
        return written if rule.value_of is None else {**written, "value_of": rule.value_of}
    if isinstance(rule, CountRule):
        where = {} if rule.where is None else {"where": _rule_to_json(rule.where)}
        bounds = {"at_least": rule.at_least, "at_most": rule.at_most}
        return {"count": rule.field, **where, **{name: each for name, each in bounds.items() if each is not None}}
    if isinstance(rule, NotRule):
        return {"not": _rule_to_json(rule.rule)}
    return {"all" if isinstance(rule, AllOf) else "any": [_rule_to_json(part) for part in rule.rules]}


def _until_to_json(until: Until) -> dict[str, Any]:
    written: dict[str, Any] = {} if until.time is None else {"time": write_clock(until.time)}
    return written if len(until.weekdays) == len("1234567") else {**written, "weekdays": _days(until.weekdays)}


def _window_to_json(window: Window) -> dict[str, Any]:
    start, end = write_clock(window.start), write_clock(window.end)
    written = {"weekdays": _days(window.weekdays), "start": start, "end": end}
    return written if window.timezone is None else {**written, "timezone": window.timezone}


def _days(weekdays: frozenset[int]) -> list[str]:
    return list(write_weekdays(weekdays))


def _reentry_keys(reentry: Reentry) -> Iterator[tuple[str, Any]]:
    """Yield the two keys of a journey for the re-entry policy, without those that equal their default."""
    if reentry.policy != "never":
        yield "reentry", {"after": str(reentry.period)} if reentry.policy == "after" else reentry.policy
    if reentry.key is not None:
        yield "reentry_key", reentry.key


def _condition_to_json(step: Condition) -> dict[str, Any]:
    branches = [_branch_to_json(each) for each in step.branches]
    written: dict[str, Any] = {"id": step.id, "branches": branches, "else": step.otherwise}
    return {
        **written,
        **{name: value for name in ("name", "notes", "meta", "next") if (value := thaw(getattr(step, name)))},
    }


def _branch_to_json(each: Branch) -> dict[str, Any]:
    return {"when": _rule_to_json(cast("Rule", each.when)), "next": each.next, "label": each.label}


def _arm_to_json(each: Arm) -> dict[str, Any]:
    return {"percentage": each.percentage, "next": each.next, "label": each.label}


_BY_HAND: Mapping[type, Callable[[Any], Any]] = {
    Duration: str,
    Until: _until_to_json,
    Window: _window_to_json,
    datetime: lambda at: iso(to_micros(at)),
    Condition: _condition_to_json,
    Branch: _branch_to_json,
    Arm: _arm_to_json,
    **dict.fromkeys((FieldRule, CountRule, AllOf, AnyOf, NotRule), _rule_to_json),
}
"""The writers of types that are not written option by option."""

_PLAIN = frozenset({"data", "meta", "value"})
"""Options that hold any JSON, including null inside it."""


def _write(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a part as JSON: option by option, without those that equal their default."""
    if (by_hand := _BY_HAND.get(type(value))) is not None:
        return by_hand(value)
    if isinstance(value, tuple):
        return [_write(each) for each in value]
    if not has(type(value)):
        return value
    said = ((each.name, getattr(value, each.name)) for each in fields(type(value)) if not _is_default(each, value))
    return {name: thaw(each) if name in _PLAIN else _write(each) for name, each in said if each is not None}


def _is_default(option: "Attribute[Any]", part: object) -> bool:
    return option.name != "id" and getattr(part, option.name) == default_of(option)


_KEYS = (
    "name",
    "description",
    "notes",
    "meta",
    "tenant",
    "timezone",
    "customer_timezone",
    "trigger",
    "run_criteria",
    "reentry",
    "exits",
    "goal",
    "holdout",
    "limits",
    "consent",
    "max_visits",
)
"""The keys of a journey between `id` and `steps`, in the order in which they are written."""

_DEFAULT = Journey(id="default", steps=())


def to_dict(journey: Journey) -> dict[str, Any]:
    """Return a journey as the JSON object of a native file.

    >>> from journeyflow.definition.steps import Wait
    >>> to_dict(Journey(id="j", steps=[Wait("w", "3 days")]))["steps"]
    [{'kind': 'wait', 'id': 'w', 'duration': '3 days', 'next': 'end'}, {'kind': 'end', 'id': 'end'}]
    """
    expect_with("steps", "a Journey", journey=journey)
    written: dict[str, Any] = {"format": FORMAT, "id": journey.id}
    for name in _KEYS:
        value = getattr(journey, name)
        if name == "reentry":
            written.update(_reentry_keys(value))
        elif name == "trigger" or value != getattr(_DEFAULT, name):
            written[name] = _write(value)
    written["steps"] = [{"kind": kind(step), **_write(step)} for step in journey.steps]
    return written


def dumps_journey(journey: Journey, *, indent: int | None = 2) -> str:
    """Return a journey as the text of a native file, from which `loads_journey` reads an equal journey back.

    `indent` is the number of spaces per level; None writes everything on one line.

    >>> from journeyflow.definition.steps import End
    >>> loads_journey(dumps_journey(Journey(id="j", steps=[End("done")]))).id
    'j'
    """
    expect_between(0, MAX_INDENT, indent=indent)
    return json.dumps(to_dict(journey), ensure_ascii=False, indent=indent)


def fingerprint(journey: Journey) -> str:
    """Return a hash of what distinguishes versions: everything but names, texts, meta and the tenant (R12).

    Two journeys with the same fingerprint are the same version. The hash is 32 hexadecimal digits.

    >>> from journeyflow.definition.steps import End
    >>> a, b = (Journey(id="j", name=name, steps=[End("done", name=name)]) for name in "ab")
    >>> fingerprint(a) == fingerprint(b)
    True
    """
    return digest(content(journey))


def content(journey: Journey) -> dict[str, Any]:
    """Return what distinguishes versions, as `to_dict` writes it."""
    written = to_dict(journey)
    for name in ("name", "description", "notes", "meta", "tenant"):
        written.pop(name, None)
    for step in written["steps"]:
        for name in ("name", "notes", "meta"):
            step.pop(name, None)
    return written


def digest(value: object) -> str:
    """Return a hash of a JSON value, as 32 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
