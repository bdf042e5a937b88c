"""Exit conditions of the platform: who matches one of them leaves, and so does everybody at an event (R42).

A condition is a comparison, a group `{"combinator", "rules"}` of them, or an event `{"eventType", "conditions"}`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attrs import evolve

from journeyflow.basics.values import describe
from journeyflow.definition.entry import Exit
from journeyflow.definition.rules.conditions import AllOf, AnyOf
from journeyflow.formats.json_parts import JsonObject, PartReader
from journeyflow.formats.loyalty.keys import COMBINED, COMPARISON, CONDITIONS, TEXT
from journeyflow.formats.loyalty.rules import flat, grouped, rule_lost, sayable
from journeyflow.formats.loyalty.step_rows import joined
from journeyflow.formats.port import Loss


class ReadExit(NamedTuple):
    """One exit condition that was read: the exit, its place, and the place of the list of its comparisons, if any."""

    exit: Exit
    path: str
    rules: str | None = None


def read_exits(reader: PartReader, value: object, path: str) -> list[ReadExit] | None:
    """Read exit conditions: a list of them, or one. Exits are named `exit_1`, `exit_2` and so on."""
    if not isinstance(value, list | dict):
        reader.fault("type", path, f"expected a list of conditions, not {describe(value)}")
        return None
    places = [(value, path)] if isinstance(value, dict) else [(each, f"{path}[{n}]") for n, each in enumerate(value)]
    found = [_read(reader, each, where) for each, where in places]
    return [each._replace(exit=evolve(each.exit, name=f"exit_{n}")) for n, each in enumerate(found, 1)]


def _read(reader: PartReader, value: object, path: str) -> ReadExit:
    keys = value.keys() if isinstance(value, dict) else ()
    if "eventType" in keys:
        said = reader.fields(value, path, {"eventType": TEXT, "conditions": CONDITIONS}, "eventType")
        where = joined(said.get("conditions", ()), AllOf)
        return ReadExit(Exit("-", event=said.get("eventType"), where=where), path, f"{path}.conditions")
    if "rules" in keys:
        said = reader.fields(value, path, COMBINED, "rules")
        return ReadExit(
            Exit("-", when=joined(said.get("rules", ()), AnyOf if said.get("combinator") == "OR" else AllOf)),
            *(path, f"{path}.rules"),
        )
    return ReadExit(Exit("-", when=COMPARISON(reader, value, path)), path)


_EXIT = re.compile(r"exits\[(\d+)\](\.(event|when|where))?(\.(all|any))?(.*)")


def exit_place(path: str, exits: Sequence[ReadExit]) -> str | None:
    """Return the path in a file of the platform for one of an exit in the native file; None for any other path."""
    match = _EXIT.fullmatch(path)
    if match is None:
        return None
    found = exits[int(match[1])]
    if match[3] == "event":
        return f"{found.path}.eventType"
    rest = re.sub(r"\.op$", ".operator", match[6])
    if found.rules is None or match[3] is None:
        return f"{found.path}{rest}"
    return f"{found.rules}[0]{rest}" if rest.startswith(".") else f"{found.rules}{rest}"


def write_exits(exits: Sequence[Exit]) -> list[JsonObject]:
    """Write the exits that the platform can express."""
    return [_write(each) for each in exits if _sayable(each)]


def _write(each: Exit) -> JsonObject:
    if each.event is not None:
        return {"eventType": each.event, **({} if each.where is None else {"conditions": flat(each.where)})}
    return flat(each.when)[0] if not isinstance(each.when, AllOf | AnyOf) else grouped(each.when)


def _sayable(each: Exit) -> bool:
    if each.event is not None:
        return each.where is None or sayable(each.where, AllOf)
    return sayable(each.when, AllOf, AnyOf)


def exits_lost(exits: Sequence[Exit]) -> Iterator[Loss]:
    """Yield what the platform cannot express of exits."""
    for n, each in enumerate(exits):
        yield from rule_lost(each.where, f"exits[{n}].where", AllOf)
        yield from rule_lost(each.when, f"exits[{n}].when", AllOf, AnyOf)
        if each.name != f"exit_{n + 1}":
            yield Loss(f"exits[{n}].name", "an exit has no name")
        if each.any_message:
            yield Loss(f"exits[{n}].any_message", "events about messages of other journeys are not distinguished")
