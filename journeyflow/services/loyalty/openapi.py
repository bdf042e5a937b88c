"""The OpenAPI document of the loyalty platform's calls, drawn from their table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from journeyflow.services.loyalty.answer_schemas import ANSWER_SCHEMAS
from journeyflow.services.loyalty.requests import PARAMETER_KINDS
from journeyflow.services.loyalty.table import CODES, OPERATIONS, Endpoint
from journeyflow.services.operations import JSON
from journeyflow.services.parameters import described, in_query

TRANSPORT: Mapping[int, str] = {
    401: "UNAUTHORIZED: a key is needed",
    408: "TIMEOUT: the body did not come in time",
    413: "TOO_LARGE: the body is too large",
    429: "TOO_MANY_REQUESTS: the key has called too often",
    500: "INTERNAL: an error that is in the log",
}
"""What a transport answers by itself, by status."""

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["code", "path", "message"],
                        "properties": {name: {"type": "string"} for name in ("code", "path", "message")},
                    },
                },
            },
        }
    },
}


def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    >>> sorted(openapi()["paths"]["/journeys/{id}"])
    ['delete', 'get', 'patch']
    """
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(_template(each.path), {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Loyalty platform Journeys API", "version": "1"},
        "paths": paths,
        "security": [{"Bearer": []}, {"Key": []}],
        "components": {
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _template(path: str) -> str:
    """Return a path with its variables in braces; the two names of one place are one."""
    return re.sub(r":(\w+)", lambda match: f"{{{_VARIABLES.get(match[1], match[1])}}}", path)


_VARIABLES = {"enrollmentId": "enrollment", "customerId": "enrollment"}
"""After `/enrollments/`, GET takes an enrollment and DELETE a customer: for OpenAPI it is one template."""


def _operation(operation: Endpoint) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _names(operation)
            ),
            *in_query(operation.query, PARAMETER_KINDS),
        ],
        "responses": dict(_responses(operation)),
    }
    if operation.body:
        said["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": described(operation.body, PARAMETER_KINDS)}},
        }
    return said


def _names(operation: Endpoint) -> list[str]:
    return re.findall(r"{(\w+)}", _template(operation.path))


def _responses(operation: Endpoint) -> Iterator[tuple[str, Any]]:
    """Yield the answers by status: that of success, and those of its errors and of the transport, with their codes."""
    answer = ANSWER_SCHEMAS.get(operation.name)
    content = {} if answer is None else {"content": {JSON: {"schema": answer}}}
    yield str(operation.status), {"description": "done", **content}
    words: dict[int, list[str]] = {status: [said] for status, said in TRANSPORT.items()}
    for code in ("MALFORMED", "NOT_FOUND", "METHOD_NOT_ALLOWED", *operation.errors):
        status, said = CODES[code]
        words.setdefault(status, []).append(f"{code}: {said}")
    for status in sorted(words):
        described = "; ".join(dict.fromkeys(words[status]))
        yield str(status), {"description": described, "content": {JSON: {"schema": _ERROR}}}
