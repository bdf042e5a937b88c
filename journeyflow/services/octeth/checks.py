"""Reading the parameters of a call by the table: every fault at once."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite
from typing import Any

from journeyflow.basics.values import text_fault
from journeyflow.formats.octeth.keys import is_true
from journeyflow.services import parameters
from journeyflow.services.octeth.codes import Code, Operation
from journeyflow.services.parameters import Kind

MAX_NUMBER = 2**62

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DOMAIN = re.compile(r"[a-zA-Z0-9.-]+")
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)


def _text(value: object) -> str:
    is_plain = isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))
    if isinstance(value, bool) or not is_plain or text_fault(str(value)):
        raise ValueError
    return str(value)


def _whole(value: object) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise ValueError
    return value


def _positive(value: object) -> int:
    number = _whole(value)
    if not number:
        raise ValueError
    return number


def _date(value: object) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError
    return date.fromisoformat(value)


def _list(value: object) -> list[Any]:
    """Read a list; also its JSON as text."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError  # noqa: TRY004 the fault of a value, whatever its type
    return found


def _numbers(value: object) -> list[int]:
    """Read numbers with commas between them; what is none is passed over (F107)."""
    parts = value if isinstance(value, list) else str(value).split(",")
    found = [int(part) for part in (str(each).strip() for each in parts) if _WHOLE.fullmatch(part) and int(part)]
    if not found:
        raise ValueError
    return list(dict.fromkeys(found))


def _domain(value: object) -> str:
    if not isinstance(value, str) or not _DOMAIN.fullmatch(value):
        raise ValueError
    return value


def _one_of(*words: str) -> Callable[[object], str]:
    known = {each.lower(): each for each in words}

    def read(value: object) -> str:
        found = known.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise ValueError
        return found

    return read


PARAMETER_KINDS: parameters.Kinds = {
    "text": Kind(_text, {"type": "string"}),
    "notes": Kind(_text, {"type": "string"}, empty=True),
    "any": Kind(lambda value: value, {}),
    "whole": Kind(_whole, {"type": "integer", "minimum": 0}),
    "id": Kind(_positive, {"type": "integer", "minimum": 1}),
    "flag": Kind(is_true, {"type": "boolean"}),
    "date": Kind(_date, {"type": "string", "format": "date"}),
    "list": Kind(_list, {"type": "array", "items": {}}),
    "ids": Kind(_numbers, {"type": "string", "description": "numbers with commas between them"}),
    "domain": Kind(_domain, {"type": "string", "pattern": "^[a-zA-Z0-9.-]+$"}),
    "status": Kind(_one_of("Enabled", "Disabled", "all"), {"type": "string", "enum": ["Enabled", "Disabled", "all"]}),
    "sorting": Kind(_one_of("ASC", "DESC"), {"type": "string", "enum": ["ASC", "DESC"]}),
}
"""Every kind of parameter. An empty text counts as absent, but for notes (F262)."""


def read(operation: Operation, given: Mapping[str, object]) -> tuple[dict[str, Any], list[Code]]:
    """Read the parameters of a call, `given` by lower-case name; return those that are there, and every fault."""
    named = {each.name: given.get(each.name.lower()) for each in operation.parameters}
    found, faults = parameters.read(operation.parameters, named, PARAMETER_KINDS)
    return found, sorted({each.code for each in faults}, key=lambda code: code.number)
