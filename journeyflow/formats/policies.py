"""The policy file: the policies of a tenant as strict JSON; every fault is reported at once with its place (R31)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from journeyflow.basics.expecting import MAX_INDENT, expect, expect_between
from journeyflow.basics.hours import WEEKDAYS, write_clock, write_weekdays
from journeyflow.definition.policies import Cap, Policies, QuietHours, part_faults
from journeyflow.definition.retry import Retry, retry_faults
from journeyflow.errors import InvalidInput
from journeyflow.formats.json_parts import PartReader, ReadPart, format_number, joined, list_of, parse, part_of

FORMAT = 1
"""The format number of policy files."""

CapOrHours = Cap | QuietHours

# --- writing ----------------------------------------------------------------------------------------------------------


def policies_to_dict(policies: Policies) -> dict[str, Any]:
    """Return policies as a JSON object, without options that equal their default.

    >>> policies_to_dict(Policies(caps=[Cap(2, within="1 day", over="defer")]))
    {'format': 1, 'caps': [{'count': 2, 'within': '1 day', 'over': 'defer'}]}
    """
    expect(Policies, policies=policies)
    written: dict[str, Any] = {"format": FORMAT}
    if policies.timezone is not None:
        written["timezone"] = policies.timezone
    if policies.caps:
        written["caps"] = [_cap_to_dict(cap) for cap in policies.caps]
    if policies.quiet:
        written["quiet"] = [_quiet_to_dict(each) for each in policies.quiet]
    if policies.retries:
        delays = {channel: [*map(str, retry.delays)] for channel, retry in policies.retries.items()}
        written["retries"] = {channel: {"delays": each} for channel, each in delays.items()}
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
    expect_between(0, MAX_INDENT, indent=indent)
    return json.dumps(policies_to_dict(policies), ensure_ascii=False, indent=indent)


# --- reading ----------------------------------------------------------------------------------------------------------


def loads_policies(text: str) -> Policies:
    """Read policies from the text of a policy file. Raises InvalidInput with every fault, each with its place.

    >>> loads_policies('{"format": 1, "caps": [{"count": 2, "per": "day", "ovr": "defer"}]}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidInput: invalid input: caps[0].ovr: unknown key 'ovr' (did you mean 'over'?)
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise InvalidInput([str(error)]) from None
    reader = PartReader()
    said = reader.fields(value, "", _FILE, "format")
    number = value.get("format") if isinstance(value, dict) else None
    other = type(number) is int and number != FORMAT  # its keys may mean other things, so nothing else is a fault
    faults = [fault for fault in reader.faults if not other or fault.path == "format"]
    found = [f"{fault.path or 'the file'}: {fault.message}" for fault in faults]
    if other:
        raise InvalidInput(found)
    parts = {name: [each for each in said.get(name, ()) if each is not None] for name in ("caps", "quiet")}
    try:
        policies = Policies(timezone=said.get("timezone"), retries=said.get("retries", {}), **parts)
    except InvalidInput as error:
        raise InvalidInput([*found, *error.faults]) from None
    if found:
        raise InvalidInput(found)
    return policies


def _read_by(make: Callable[..., CapOrHours], known: Mapping[str, ReadPart], *needed: str) -> ReadPart:
    """Make a reader of a cap or of quiet hours, which is read as a whole or not at all."""

    def part(reader: PartReader, value: object, path: str) -> CapOrHours | None:
        before = len(reader.faults)
        said = reader.fields(value, path, known)
        for name in needed:  # null is a value here: a cap that is off
            if isinstance(value, dict) and name not in value:
                reader.fault("missing", joined(path, name), "missing")
        if len(reader.faults) > before:
            return None
        try:
            made = make(**{**dict.fromkeys(needed), **said})
        except (TypeError, ValueError) as error:
            reader.fault("part", path, str(error))
            return None
        for fault in part_faults(made, ""):
            where, _, sentence = fault.partition(": ")
            reader.fault("part", f"{path}{where}", sentence)
        return made if len(reader.faults) == before else None

    return part


def _retries(reader: PartReader, value: object, path: str) -> dict[str, Retry]:
    """Read the Retry of each channel; one with a fault is left out."""
    channels = dict.fromkeys(value, _retry) if isinstance(value, dict) else {}
    return reader.fields(value, path, channels)


def _retry(reader: PartReader, value: object, path: str) -> Retry | None:
    before = len(reader.faults)
    made = part_of(Retry, {"delays": list_of(_ANY)}, "delays")(reader, value, path)
    if len(reader.faults) == before:
        for place, sentence in retry_faults(made):
            reader.fault("retry", f"{path}{place}", sentence)
    return made if len(reader.faults) == before else None


_ANY = PartReader.anything
_FILE: Mapping[str, ReadPart] = {
    "format": format_number(FORMAT),
    "timezone": _ANY,
    "retries": _retries,
    "caps": list_of(_read_by(Cap, dict.fromkeys(("count", "per", "within", "channel", "over"), _ANY), "count")),
    "quiet": list_of(
        _read_by(QuietHours, dict.fromkeys(("start", "end", "weekdays", "channel"), _ANY), "start", "end")
    ),
}
"""The keys of a policy file, each with what reads it. What a cap or quiet hours may be they say themselves."""
