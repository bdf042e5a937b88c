"""The native journey file: JSON, strict, versioned (format 1).

Writing is cattrs' work: what equals its default is left out. Reading, which collects every fault before it gives up, is
in `reading`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from journeyflow.basics.hours import Until, Window, write_clock, write_weekdays
from journeyflow.basics.moments import Duration, iso, to_micros
from journeyflow.basics.values import thaw
from journeyflow.definition.entry import Exit, Goal, Pull, Reentry, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import AllOf, AnyOf, Comparison, NotRule, Rule
from journeyflow.definition.steps import Arm, Branch, Condition, End, Send, Split, Update, Wait, kind
from journeyflow.formats.native_reading import FORMAT, from_dict, loads_journey

__all__ = ["FORMAT", "dumps_journey", "fingerprint", "from_dict", "loads_journey", "to_dict"]


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
    return written if len(until.weekdays) == len("1234567") else {**written, "weekdays": _days(until.weekdays)}


def _window_to_json(window: Window) -> dict[str, Any]:
    start, end = write_clock(window.start), write_clock(window.end)
    written = {"weekdays": _days(window.weekdays), "start": start, "end": end}
    return written if window.timezone is None else {**written, "timezone": window.timezone}


def _days(weekdays: frozenset[int]) -> list[str]:
    return list(write_weekdays(weekdays))


def _reentry_keys(reentry: Reentry) -> Iterator[tuple[str, Any]]:
    """Yield the two keys of a journey that say who may come again."""
    if reentry.policy != "never":
        yield "reentry", {"after": str(reentry.period)} if reentry.policy == "after" else reentry.policy
    if reentry.key is not None:
        yield "reentry_key", reentry.key


def _condition_to_json(step: Condition) -> dict[str, Any]:
    branches = [_branch_to_json(each) for each in step.branches]
    written: dict[str, Any] = {"id": step.id, "branches": branches, "else": step.otherwise}
    return {**written, **{name: value for name in ("name", "notes", "next") if (value := getattr(step, name))}}


def _branch_to_json(each: Branch) -> dict[str, Any]:
    return {"when": _rule_to_json(cast("Rule", each.when)), "next": each.next, "label": each.label}


def _arm_to_json(each: Arm) -> dict[str, Any]:
    return {"percentage": each.percentage, "next": each.next, "label": each.label}


_BY_HAND: Mapping[type, Any] = {
    Duration: str,
    Until: _until_to_json,
    Window: _window_to_json,
    datetime: lambda at: iso(to_micros(at)),
    Condition: _condition_to_json,
    Arm: _arm_to_json,
    **dict.fromkeys((Comparison, AllOf, AnyOf, NotRule), _rule_to_json),
}

_BY_FIELDS: tuple[type, ...] = (
    Change,
    Chain,
    Send,
    Wait,
    Update,
    End,
    Split,
    Pull,
    Trigger,
    Exit,
    Goal,
)  # parts before wholes


def _make_converter() -> Converter:
    """Make the converter that writes: defaults left out, lengths of time and rules as files have them."""
    converter = Converter(omit_if_default=True)
    for of, write in _BY_HAND.items():
        converter.register_unstructure_hook(of, write)
    kept: dict[str, Any] = {"id": override(omit_if_default=False)}
    kept.update(dict.fromkeys(("data", "value"), override(unstruct_hook=thaw)))  # any JSON, null inside it too
    for of in _BY_FIELDS:
        names = {each.name for each in of.__attrs_attrs__}  # type: ignore[attr-defined]  # all made by attrs
        said = {name: how for name, how in kept.items() if name in names}
        plain: Any = make_dict_unstructure_fn(of, converter, _cattrs_omit_if_default=True, **said)
        converter.register_unstructure_hook(of, plain)
    return converter


_CONVERTER = _make_converter()

_KEYS = (
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
    "holdout",
    "limits",
    "consent",
    "max_visits",
)
"""The keys of a journey in the order they are written, between `id` and `steps`."""

_DEFAULT = Journey(id="default", steps=())


def to_dict(journey: Journey) -> dict[str, Any]:
    """Write a journey as the JSON object of a native file.

    >>> to_dict(Journey(id="j", steps=[Wait("w", "3 days")]))["steps"]
    [{'kind': 'wait', 'id': 'w', 'duration': '3 days', 'next': 'end'}, {'kind': 'end', 'id': 'end'}]
    """
    written: dict[str, Any] = {"format": FORMAT, "id": journey.id}
    for name in _KEYS:
        value = getattr(journey, name)
        if name == "reentry":
            written.update(_reentry_keys(value))
        elif name == "trigger" or value != getattr(_DEFAULT, name):
            written[name] = _write(value)
    written["steps"] = [{"kind": kind(step), **_write(step)} for step in journey.steps]
    return written


def _write(value: object) -> Any:  # noqa: ANN401 any JSON
    """Write a part; what is null at its top, or at the top of its parts, is left out."""
    return _present(_CONVERTER.unstructure(value))


def _present(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Make lists of tuples and leave out absent continuations."""
    if isinstance(value, list | tuple):
        return [_present(inner) for inner in value]
    return {key: inner for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value


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
