"""The operations of the loyalty platform's Journeys API, as one table: it drives routing, checks and documentation."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from attrs import frozen

from journeyflow.basics.words import ACTIVE, COMPLETED, EXITED, FAILED
from journeyflow.errors import MISSING, WRONG
from journeyflow.services.parameters import Parameter

PLATFORM_STATES: Final = ("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED")

STATUSES: Final = (ACTIVE, COMPLETED, EXITED, FAILED)
"""The statuses of an enrollment that the platform has; customers in the holdout are in no list."""

INCLUDED: Final = ("steps", "enrollments")
"""What `include` may name."""

STEP_TYPES: Final = ("TRIGGER", "SEND", "WAIT", "CONDITION", "SPLIT", "UPDATE", "END")

MALFORMED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED = "MALFORMED", "FORBIDDEN", "NOT_FOUND", "METHOD_NOT_ALLOWED"

CONFLICT, REFUSED, INVALID = "CONFLICT", "REFUSED", "INVALID"

CODES: Mapping[str, tuple[int, str]] = {
    MALFORMED: (400, "the body is not a JSON object"),
    FORBIDDEN: (403, "the tenant is not the one that the key belongs to"),
    NOT_FOUND: (404, "there is no such path, journey, step or enrollment"),
    METHOD_NOT_ALLOWED: (405, "the path has no such method"),
    CONFLICT: (409, "the state of the journey does not allow it"),
    REFUSED: (409, "the customer may not enter the journey; the details have the reason"),
    INVALID: (422, "parameters are missing or invalid, or the journey is not valid; the details have every fault"),
}
"""The codes of errors, each with its HTTP status and what it says."""


def _may(name: str, kind: str = "text", default: object = None) -> Parameter[str]:
    """Return a parameter that may be absent."""
    return Parameter(name, kind, invalid=WRONG, default=default)


def _must(name: str, kind: str = "text") -> Parameter[str]:
    """Return a required parameter."""
    return Parameter(name, kind, MISSING, WRONG)


@frozen
class Endpoint:
    """One operation: its name, method and path, parameters of query and body, the status of success, and its errors.

    Parameters are of the kinds in `requests.PARAMETER_KINDS`; their codes stand in the details. The keys of a journey
    and of a step are read by the dialect of files.
    """

    name: str
    method: str
    path: str
    summary: str
    query: Sequence[Parameter[str]] = ()
    body: Sequence[Parameter[str]] = ()
    status: int = 200
    errors: Sequence[str] = ()


@cache
def pattern_of(path: str) -> re.Pattern[str]:
    """Return the pattern of a path; each variable is a group of its name.

    >>> pattern_of("/journeys/:id/steps").fullmatch("/journeys/journey_123/steps")["id"]
    'journey_123'
    """
    return re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path))


_JOURNEY = (
    _may("name"),
    _may("description", "prose"),
    _may("triggerType"),
    _may("triggerConfig", "object"),
    _may("segmentId"),
    _may("exitConditions", "list"),
    _may("allowReentry", "flag"),
    _may("timezone"),
)

_NEW_JOURNEY = (_must("tenantId"), _must("name"), _JOURNEY[1], _must("triggerType"), *_JOURNEY[3:])

_STEP = (
    _may("name"),
    _may("config", "object"),
    _may("nextStepId"),
    _may("nextStepYesId"),
    _may("nextStepNoId"),
)

_NEW_STEP = (_may("id"), _must("type", "type"), *_STEP, _may("afterStepId"))

_PAGE = (_may("skip", "skip", 0), _may("take", "take", 25))

OPERATIONS: Sequence[Endpoint] = (
    Endpoint(
        "list_journeys", "GET", "/journeys", "List the journeys of a tenant.",
        query=(_must("tenantId"), _may("status", "state"), _may("triggerType")),
        errors=(FORBIDDEN, INVALID),
    ),
    Endpoint(
        "create_journey", "POST", "/journeys", "Create a journey as a DRAFT without steps.",
        body=_NEW_JOURNEY, status=201, errors=(MALFORMED, FORBIDDEN, INVALID),
    ),
    Endpoint(
        "get_journey", "GET", "/journeys/:id", "Get a journey, with its steps and enrollments if they are included.",
        query=(_may("include", "words"),), errors=(NOT_FOUND, INVALID),
    ),
    Endpoint(
        "update_journey", "PATCH", "/journeys/:id",
        "Update a journey: name and description in every state but ARCHIVED, the rest unless it is ACTIVE.",
        body=_JOURNEY, errors=(MALFORMED, NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "delete_journey", "DELETE", "/journeys/:id", "Delete a DRAFT.", status=204, errors=(NOT_FOUND, CONFLICT)
    ),
    Endpoint(
        "activate_journey", "POST", "/journeys/:id/activate", "Activate a DRAFT that has a step.",
        errors=(NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "pause_journey", "POST", "/journeys/:id/pause", "Pause an ACTIVE journey.", errors=(NOT_FOUND, CONFLICT)
    ),
    Endpoint(
        "resume_journey", "POST", "/journeys/:id/resume", "Resume a PAUSED journey.", errors=(NOT_FOUND, CONFLICT)
    ),
    Endpoint(
        "archive_journey", "POST", "/journeys/:id/archive", "Archive a journey: all customers inside leave it.",
        errors=(NOT_FOUND, CONFLICT),
    ),
    Endpoint("list_steps", "GET", "/journeys/:id/steps", "List the steps of a journey.", errors=(NOT_FOUND,)),
    Endpoint(
        "add_step", "POST", "/journeys/:id/steps", "Add a step, after another one or at the end.",
        body=_NEW_STEP, status=201, errors=(MALFORMED, NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "reorder_steps", "POST", "/journeys/:id/steps/reorder", "Put the steps into another order.",
        body=(_must("stepIds", "texts"),), errors=(MALFORMED, NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "update_step", "PATCH", "/journeys/:id/steps/:stepId", "Update a step.",
        body=_STEP, errors=(MALFORMED, NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "delete_step", "DELETE", "/journeys/:id/steps/:stepId", "Delete a step; what led to it leads where it led.",
        status=204, errors=(NOT_FOUND, CONFLICT, INVALID),
    ),
    Endpoint(
        "list_enrollments", "GET", "/journeys/:id/enrollments", "List the enrollments of a journey.",
        query=(_may("status", "status"), *_PAGE), errors=(NOT_FOUND, INVALID),
    ),
    Endpoint(
        "enroll", "POST", "/journeys/:id/enrollments", "Enroll a customer by hand.",
        body=(_must("customerId"),), status=201, errors=(MALFORMED, NOT_FOUND, CONFLICT, REFUSED, INVALID),
    ),
    Endpoint(
        "get_enrollment", "GET", "/journeys/:id/enrollments/:enrollmentId", "Get an enrollment with its steps so far.",
        errors=(NOT_FOUND,),
    ),
    Endpoint(
        "exit_enrollment", "DELETE", "/journeys/:id/enrollments/:customerId", "End a customer's enrollments.",
        status=204, errors=(NOT_FOUND,),
    ),
)  # fmt: skip
"""Every operation of the API."""
