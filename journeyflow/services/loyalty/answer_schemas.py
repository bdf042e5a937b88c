"""What the answers of the loyalty platform hold, as JSON Schema: the shapes that `shapes` writes, for its OpenAPI."""

from collections.abc import Mapping
from typing import Any

from journeyflow.services.loyalty.table import PLATFORM_STATES, STATUSES, STEP_TYPES

Described = Mapping[str, Any]

_TEXT: Described = {"type": "string"}
_OBJECT: Described = {"type": "object"}
_COUNT: Described = {"type": "integer", "minimum": 0}
_INSTANT: Described = {"type": "string", "format": "date-time", "description": "in UTC"}

_KEYS: Mapping[str, Described] = {
    **dict.fromkeys(("id", "tenantId", "journeyId", "customerId", "stepId", "segmentId", "createdBy"), _TEXT),
    **dict.fromkeys(("name", "description", "stepName", "customerName", "customerEmail", "currentStepName"), _TEXT),
    **dict.fromkeys(("triggerType", "timezone", "nextStepId", "nextStepYesId", "nextStepNoId"), _TEXT),
    **dict.fromkeys(
        ("totalEnrolled", "totalCompleted", "totalExited", "activeEnrollments", "exitedEnrollments"), _COUNT
    ),
    **dict.fromkeys(("stepsCount", "stepNumber", "currentStepNumber", "total", "skip", "take"), _COUNT),
    **dict.fromkeys(("createdAt", "updatedAt", "activatedAt", "pausedAt", "resumedAt", "archivedAt"), _INSTANT),
    **dict.fromkeys(("enrolledAt", "waitingUntil", "startedAt", "completedAt"), _INSTANT),
    **dict.fromkeys(("triggerConfig", "config"), _OBJECT),
    "exitConditions": {"type": "array"},
    "allowReentry": {"type": "boolean"},
    "type": {"type": "string", "enum": list(STEP_TYPES)},
}
"""The keys of answers that have one type wherever they stand."""


def _object(required: str, optional: str = "", **more: Described) -> Described:
    """Return an object of keys that are always there, and of keys that are there if there is something to say."""
    known = {**_KEYS, **more}
    needed, names = required.split(), (*required.split(), *optional.split())
    properties = {name: known[name] for name in names}
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _list(row: Described) -> Described:
    return {"type": "array", "items": row}


_STATE: Described = {"type": "string", "enum": list(PLATFORM_STATES)}
_STATUS: Described = {"type": "string", "enum": list(STATUSES)}

_STEP = _object("id type", "stepNumber name config nextStepId nextStepYesId nextStepNoId")

_ROW = _object(
    "id customerId status enrolledAt",
    "customerName customerEmail currentStepNumber currentStepName waitingUntil",
    status=_STATUS,
)

_JOURNEY = _object(
    "id tenantId name status totalEnrolled totalCompleted totalExited activeEnrollments createdAt updatedAt",
    "description triggerType triggerConfig segmentId exitConditions allowReentry timezone activatedAt pausedAt"
    " resumedAt archivedAt createdBy steps enrollments",
    status=_STATE,
    steps=_list(_STEP),
    enrollments=_list(_ROW),
)

_JOURNEY_ROW = _object(
    "id name status totalEnrolled totalCompleted totalExited stepsCount", "triggerType activatedAt", status=_STATE
)

_VISIT = _object("stepId stepName status startedAt", "completedAt", status=_TEXT)

_ENROLLMENT = "id journeyId customerId status enrolledAt"

ANSWER_SCHEMAS: Mapping[str, Described] = {
    "list_journeys": _object("data", data=_list(_JOURNEY_ROW)),
    **dict.fromkeys(("create_journey", "get_journey", "update_journey"), _JOURNEY),
    "activate_journey": _object("id status activatedAt", status=_STATE),
    "pause_journey": _object("id status pausedAt activeEnrollments", status=_STATE),
    "resume_journey": _object("id status resumedAt", status=_STATE),
    "archive_journey": _object("id status archivedAt exitedEnrollments", status=_STATE),
    **dict.fromkeys(("list_steps", "reorder_steps"), _object("data", data=_list(_STEP))),
    **dict.fromkeys(("add_step", "update_step"), _STEP),
    "list_enrollments": _object("data meta", data=_list(_ROW), meta=_object("total skip take")),
    "enroll": _object(_ENROLLMENT, "currentStepNumber", status=_STATUS),
    "get_enrollment": _object(f"{_ENROLLMENT} steps", "currentStepNumber", status=_STATUS, steps=_list(_VISIT)),
}
"""The answer of each operation that has one."""
