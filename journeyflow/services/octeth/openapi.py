"""The OpenAPI document of Octeth's calls, drawn from their table."""

from collections.abc import Iterator, Mapping
from typing import Any

from journeyflow.services.forms import FORM, MULTIPART
from journeyflow.services.octeth.checks import PARAMETER_KINDS
from journeyflow.services.octeth.codes import ADMIN, VERSIONS, Code, Operation, errors
from journeyflow.services.octeth.service import ADMIN_KEY, LEGACY, NOT_PERMITTED, ROOT, UNKNOWN_CALLER
from journeyflow.services.octeth.table import OPERATIONS
from journeyflow.services.operations import CSV, JSON
from journeyflow.services.parameters import described, in_query


def openapi(version: str = VERSIONS[-1]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a version.

    >>> sorted(openapi()["paths"]["/api/v1/journey"])
    ['get', 'patch', 'post']
    """
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS.values():
        for method in each.methods if each.path else ():
            paths.setdefault(f"{ROOT}{each.path}", {})[method.lower()] = _operation(each, version, method)
    paths[LEGACY] = {"post": _legacy(version)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Octeth Journeys API", "version": version},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "APIKey": {"type": "apiKey", "in": "header", "name": "APIKey"},
                "SessionID": {"type": "apiKey", "in": "header", "name": "SessionID"},
                "AdminAPIKey": {"type": "apiKey", "in": "header", "name": ADMIN_KEY},
            },
        },
    }


def _operation(operation: Operation, version: str, method: str) -> dict[str, Any]:
    schema = described(operation.parameters, PARAMETER_KINDS)
    said: dict[str, Any] = {
        "operationId": f"{operation.command}.{method.lower()}",
        "summary": operation.summary,
        "description": f"Command {operation.command}; documented in {', '.join(operation.seeds)}.",
        "security": [{"AdminAPIKey": []}] if operation.permission == ADMIN else [{"APIKey": []}, {"SessionID": []}],
        "responses": _responses([operation], version),
    }
    if method == "GET":
        said["parameters"] = in_query(operation.parameters, PARAMETER_KINDS)
    else:
        said["requestBody"] = {"content": {name: {"schema": schema} for name in _BODIES}}
    return said


_BODIES = (JSON, FORM, MULTIPART)


def _legacy(version: str) -> dict[str, Any]:
    """Return the path that takes any call by its command."""
    variants = [
        {
            "allOf": [
                {"properties": {"Command": {"const": each.command}}, "required": ["Command"]},
                described(each.parameters, PARAMETER_KINDS),
            ]
        }
        for each in OPERATIONS.values()
    ]
    return {
        "operationId": "command",
        "summary": "Make any call by its command",
        "security": [{"APIKey": []}, {"SessionID": []}, {"AdminAPIKey": []}],
        "requestBody": {"content": {name: {"schema": {"oneOf": variants}} for name in _BODIES}},
        "responses": _responses(list(OPERATIONS.values()), version),
    }


TRANSPORT: Mapping[int, str] = {
    **dict.fromkeys((400, 404, 405), "what is not a call"),
    408: "the body did not come in time",
    413: "the body is too large",
    429: "the key has called too often",
    500: "an error that is in the log",
}
"""What is answered before a call, or by the transport, by status, which is the code too."""


def _responses(operations: list[Operation], version: str) -> dict[str, Any]:
    """Return the answers by status, the faults with their codes and messages."""
    by_status = {status: {f"{status}: {words}"} for status, words in TRANSPORT.items()}
    for code in _codes(operations):
        by_status.setdefault(code.status, set()).add(f"{code.number}: {code.words(version)}")
    files = any(each.command == "journey.export.get" for each in operations)
    answer = {JSON: {"schema": {"type": "object"}}, **({CSV: {"schema": {"type": "string"}}} if files else {})}
    fault = {JSON: {"schema": _faulty(operations, version)}}
    faults = {
        str(status): {"description": "; ".join(sorted(words)), "content": fault}
        for status, words in sorted(by_status.items())
    }
    return {"200": {"description": "done", "content": answer}, **faults}


_FAULT = {
    "type": "object",
    "required": ["Code", "Message"],
    "properties": {
        "Code": {"type": "integer"},
        "Message": {"type": "string"},
        "Details": {"type": "array", "items": {"type": "string"}},
    },
}

_KEYS: Mapping[type, Mapping[str, Any]] = {bool: {"const": False}, int: {"type": "integer"}, dict: _FAULT}
"""What stands in an envelope, by its type."""


def _faulty(operations: list[Operation], version: str) -> dict[str, Any]:
    """Return the schema of a fault: the envelope of each call, or the usual one for what is not a call."""
    envelopes = dict.fromkeys([errors, *(each.envelope(version) for each in operations)])
    schemas = []
    for envelope in envelopes:
        shown = envelope([{"Code": 1, "Message": ""}])
        properties = {
            key: {"type": "array", "items": _KEYS[type(value[0])]} if isinstance(value, list) else _KEYS[type(value)]
            for key, value in shown.items()
        }
        schemas.append({"type": "object", "required": list(shown), "properties": properties})
    return {"anyOf": schemas}


def _codes(operations: list[Operation]) -> Iterator[Code]:
    for each in operations:
        yield from (UNKNOWN_CALLER, NOT_PERMITTED, *each.all_codes)
