"""Requests before they are a call: which operation is asked for, and whether its parameters are what they may be."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from journeyflow.basics.values import describe, id_fault
from journeyflow.errors import ERROR, Problem, brief, did_you_mean
from journeyflow.formats.json_parts import JsonObject
from journeyflow.services import parameters
from journeyflow.services.loyalty.shapes import error_shown
from journeyflow.services.loyalty.table import (
    CODES,
    INCLUDED,
    INVALID,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OPERATIONS,
    PLATFORM_STATES,
    STATUSES,
    STEP_TYPES,
    Endpoint,
    pattern_of,
)
from journeyflow.services.operations import HttpReply, HttpRequest, body_of
from journeyflow.services.parameters import Kind, Parameter


class Rejected(Exception):
    """An answer that is an error: its code, a sentence, and the faults that it consists of."""

    def __init__(self, code: str, message: str, faults: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.reply = HttpReply(CODES[code][0], error_shown(code, message, list(map(_detail, faults))))


def invalid(faults: Sequence[Problem]) -> Rejected:
    """Return the answer to a request that is not valid."""
    return Rejected(INVALID, "the request is not valid", faults)


def _detail(problem: Problem) -> Mapping[str, object]:
    return {"code": problem.code, "path": problem.path, "message": problem.message}


@frozen
class Admitted:
    """A request that the table has let through: its variables and parameters, when it came and from whom."""

    path: Mapping[str, str]
    query: JsonObject
    body: JsonObject
    at: datetime
    user: str | None


def admitted(request: HttpRequest, at: datetime, user: str | None) -> tuple[Endpoint, Admitted]:
    """Return the operation that a request asks for, and the request. Raises Rejected with every fault."""
    operation, path = _operation(request)
    query, faults = _read(operation.query, request.query)
    if faults:
        raise invalid(faults)
    return operation, Admitted(path, query, _body(operation, request), at, user)


def _operation(request: HttpRequest) -> tuple[Endpoint, Mapping[str, str]]:
    """Return the operation that a request asks for, with the variables of its path."""
    matching = [
        (operation, match.groupdict())
        for operation in OPERATIONS
        if (match := pattern_of(operation.path).fullmatch(request.path.rstrip("/")))
    ]
    if not matching or any(id_fault(name) for _, variables in matching for name in variables.values()):
        raise Rejected(NOT_FOUND, f"there is no path {brief(request.path)}")
    for operation, variables in matching:
        if operation.method == request.method.upper():
            return operation, variables
    known = ", ".join(sorted({operation.method for operation, _ in matching}))
    raise Rejected(METHOD_NOT_ALLOWED, f"{request.path!r} takes {known}, not {request.method}")


def _body(operation: Endpoint, request: HttpRequest) -> JsonObject:
    """Return the parameters of the body, null for what is to be removed; an operation without any does not look."""
    if not operation.body:
        return {}
    try:
        given = body_of(request)
    except ValueError as error:
        raise Rejected(MALFORMED, str(error)) from error
    found, faults = _read(operation.body, given)
    known = {each.name for each in operation.body}
    strange = [
        Problem("unknown", ERROR, name, f"there is no {name!r} in the body{did_you_mean(name, known)}")
        for name in given
        if name not in known
    ]
    if strange or faults:
        raise invalid([*strange, *faults])
    return {**{name: None for name, value in given.items() if value is None}, **found}


def _read(listed: Sequence[Parameter[str]], given: Mapping[str, object]) -> tuple[JsonObject, list[Problem]]:
    found, faults = parameters.read(listed, given, PARAMETER_KINDS)
    return found, [Problem(each.code, ERROR, each.name, each.sentence) for each in faults]


# --- kinds of values --------------------------------------------------------------------------------------------------


def _instance(of: type, words: str) -> Callable[[object], Any]:
    """Return a reader of values of a type; true and false are not texts."""

    def read(value: object) -> object:
        if not isinstance(value, of):
            msg = f"must be {words}, not {describe(value)}"
            raise ValueError(msg)  # noqa: TRY004 the fault of a value, whatever its type
        return value

    return read


def _text(value: object) -> object:
    """Read a text that says something."""
    if _instance(str, "a text")(value) == "":
        msg = "must not be empty"
        raise ValueError(msg)
    return value


def _texts(value: object) -> list[object]:
    """Read a list of texts."""
    return [_text(each) for each in _instance(list, "a list")(value)]


def _one_of(*words: str) -> Kind:
    """Return the kind of a word out of several."""
    text = _instance(str, "a text")

    def read(value: object) -> object:
        if text(value) not in words:
            hint = did_you_mean(value, words) or f"; it may be {', '.join(words)}"
            msg = f"there is no {value!r}{hint}"
            raise ValueError(msg)
        return value

    return Kind(read, {"type": "string", "enum": list(words)})


def _whole(least: int, most: int) -> Kind:
    """Return the kind of a whole number within bounds, which may be text, as in a query."""

    def read(value: object) -> object:
        number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII) else value
        if type(number) is not int or not least <= number <= most:
            msg = f"must be a whole number from {least} to {most}, not {describe(value)}"
            raise ValueError(msg)
        return number

    return Kind(read, {"type": "integer"})


def _words(value: object) -> list[str]:
    """Read words with commas between them."""
    text = str(_instance(str, "a text")(value))
    found = [word.strip() for word in text.split(",") if word.strip()]
    for word in found:
        if word not in INCLUDED:
            msg = f"cannot include {word!r}{did_you_mean(word, INCLUDED)}"
            raise ValueError(msg)
    return found


PARAMETER_KINDS: parameters.Kinds = {
    "text": Kind(_text, {"type": "string"}, empty=True),
    "prose": Kind(_instance(str, "a text"), {"type": "string"}, empty=True),
    "flag": Kind(_instance(bool, "true or false"), {"type": "boolean"}),
    "object": Kind(_instance(dict, "an object"), {"type": "object"}),
    "list": Kind(_instance(list, "a list"), {"type": "array"}),
    "texts": Kind(_texts, {"type": "array", "items": {"type": "string"}}),
    "skip": _whole(0, 10**9),
    "take": _whole(1, 10_000),
    "words": Kind(_words, {"type": "string"}),
    "state": _one_of(*PLATFORM_STATES),
    "status": _one_of(*STATUSES),
    "type": _one_of(*STEP_TYPES),
}
"""Every kind of parameter."""
