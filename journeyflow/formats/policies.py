"""The policy file: the policies of a tenant as strict JSON; every fault is reported at once with its place (R31)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from journeyflow.basics.hours import WEEKDAYS, write_clock, write_weekdays
from journeyflow.basics.values import describe
from journeyflow.definition.policies import Cap, Policies, QuietHours, part_faults
from journeyflow.errors import InvalidInput, did_you_mean

FORMAT = 1
"""The format number of policy files."""

Part = Cap | QuietHours

# --- writing ----------------------------------------------------------------------------------------------------------


def policies_to_dict(policies: Policies) -> dict[str, Any]:
    """Return policies as a JSON object, without options that equal their default.

    >>> policies_to_dict(Policies(caps=[Cap(2, within="1 day", over="defer")]))
    {'format': 1, 'caps': [{'count': 2, 'within': '1 day', 'over': 'defer'}]}
    """
    written: dict[str, Any] = {"format": FORMAT}
    if policies.timezone is not None:
        written["timezone"] = policies.timezone
    if policies.caps:
        written["caps"] = [_cap_to_dict(cap) for cap in policies.caps]
    if policies.quiet:
        written["quiet"] = [_quiet_to_dict(each) for each in policies.quiet]
    return written


def _cap_to_dict(cap: Cap) -> dict[str, Any]:
    said = {"per": cap.per, "within": cap.within and str(cap.within), "channel": cap.channel}
    written = {"count": cap.count, **{name: value for name, value in said.items() if value is not None}}
    return written if cap.over == "skip" else {**written, "over": cap.over}


def _quiet_to_dict(quiet: QuietHours) -> dict[str, Any]:
    hours = quiet.hours
    written: dict[str, Any] = {"start": write_clock(hours.start), "end": write_clock(hours.end)}
    if len(hours.weekdays) < len(WEEKDAYS):
        written["weekdays"] = list(write_weekdays(hours.weekdays))
    return written if quiet.channel is None else {**written, "channel": quiet.channel}


def dumps_policies(policies: Policies, *, indent: int | None = 2) -> str:
    """Return policies as the text of a policy file, from which `loads_policies` reads equal ones back.

    `indent` is the number of spaces per level; None writes everything on one line.

    >>> dumps_policies(Policies(), indent=None)
    '{"format": 1}'
    """
    return json.dumps(policies_to_dict(policies), ensure_ascii=False, indent=indent)


# --- reading ----------------------------------------------------------------------------------------------------------


def loads_policies(text: str) -> Policies:
    """Read policies from the text of a policy file. Raises InvalidInput with every fault, each with its place.

    >>> loads_policies('{"format": 1, "caps": [{"count": 2, "per": "day", "ovr": "defer"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidInput: invalid input: caps[0].ovr: unknown key (did you mean 'over'?)
    """
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput([f"this is no JSON of a policy file: {error}"]) from None
    found: list[str] = []
    whole = _fields(value, "", ("format", "timezone", "caps", "quiet"), ("format",), found)
    number = whole.get("format", FORMAT)
    if type(number) is not int or number != FORMAT:
        found.append(f"format: expected {FORMAT}, not {describe(number)}")
    if type(number) is int and number != FORMAT:  # keys may have another meaning there
        raise InvalidInput(found[-1:])
    parts: dict[str, Any] = {name: _parts(whole.get(name, []), name, found) for name in _PARTS}
    try:
        policies = Policies(timezone=whole.get("timezone"), **parts)
    except InvalidInput as error:
        raise InvalidInput([*found, *error.faults]) from None
    if found:
        raise InvalidInput(found)
    return policies


def _once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError for a duplicate key."""
    found = dict(items)
    if len(found) < len(items):
        msg = f"a key stands twice in the object with the keys {', '.join(map(repr, found))}"
        raise ValueError(msg)
    return found


def _fields(value: object, where: str, known: Sequence[str], needed: Sequence[str], found: list[str]) -> dict[str, Any]:
    """Return the known keys of an object, noting faults in `found`; null counts as absent, except for a needed key."""
    if not isinstance(value, dict):
        found.append(f"{where or 'the file'}: expected an object, not {describe(value)}")
        return {}
    for key in value:
        if key not in known:
            hint = did_you_mean(key, known) or f"; known are {', '.join(known)}"
            found.append(f"{_join(where, key)}: unknown key{hint}")
    found += [f"{_join(where, key)}: missing" for key in needed if key not in value]
    return {key: inner for key, inner in value.items() if key in known and (inner is not None or key in needed)}


def _join(where: str, key: str) -> str:
    """Return the path of a key; characters that cannot be encoded are escaped."""
    name = key.encode("utf-8", "backslashreplace").decode()
    return f"{where}.{name}" if where else name


def _parts(value: object, name: str, found: list[str]) -> list[Part]:
    """Read a list of caps or of quiet hours, without the parts that cannot be read."""
    if not isinstance(value, list):
        found.append(f"{name}: expected a list, not {describe(value)}")
        return []
    read = [_part(each, f"{name}[{position}]", name, found) for position, each in enumerate(value)]
    return [part for part in read if part is not None]


def _part(value: object, where: str, name: str, found: list[str]) -> Part | None:
    """Read one part; None, with its faults noted, if it is invalid."""
    known, needed, make = _PARTS[name]
    before = len(found)
    said = _fields(value, where, known, needed, found)
    if len(found) > before:
        return None
    try:
        part = make(said)
    except (TypeError, ValueError) as error:
        found.append(f"{where}: {error}")
        return None
    found += part_faults(part, where)
    return None if len(found) > before else part


def _make_cap(said: Mapping[str, Any]) -> Cap:
    return Cap(**said)


def _make_quiet(said: Mapping[str, Any]) -> QuietHours:
    return QuietHours(**said)


_PARTS: dict[str, tuple[Sequence[str], Sequence[str], Callable[[Mapping[str, Any]], Part]]] = {
    "caps": (("count", "per", "within", "channel", "over"), ("count",), _make_cap),
    "quiet": (("start", "end", "weekdays", "channel"), ("start", "end"), _make_quiet),
}
"""The two lists of a policy file: the keys of each part, the needed ones, and the function that makes the part."""
