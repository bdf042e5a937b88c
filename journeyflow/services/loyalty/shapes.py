"""The answers of the loyalty platform: journeys, steps and enrollments in its shapes, instants as it writes them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from journeyflow import Enrollment
from journeyflow.answers import JourneyInfo
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.loyalty.keys import POINTERS
from journeyflow.formats.loyalty.rules import present
from journeyflow.services.loyalty.documents import ENTRY, LIMITED, Document

ENROLLMENT = "enrollment_"
"""How the id of an enrollment begins; its serial follows."""

CUSTOMER = ("name", "firstName", "lastName", "email")
"""The attributes of a customer that rows of enrollments show."""

StepNames = Callable[[int, str], str]
"""A function from the number of a version and the id of a step to the step's name."""


def instant(at: datetime | None) -> str | None:
    """Write an instant in UTC, in whole seconds as the document prints them.

    >>> instant(datetime(2025, 12, 14, 10, 0, 5, 999_999, tzinfo=UTC)), instant(None)
    ('2025-12-14T10:00:05Z', None)
    """
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def journey_row(info: JourneyInfo, document: Document) -> JsonObject:
    """Return a journey as a row of the list (F91); a TRIGGER is not a step of it."""
    return present(
        {
            "id": info.id,
            "name": info.name,
            "status": info.status,
            "triggerType": document.keys.get("triggerType"),
            "totalEnrolled": info.enrolled,
            "totalCompleted": info.completed,
            "totalExited": info.exited,
            "stepsCount": len(document.inside),
            "activatedAt": instant(info.activated_at),
        }
    )


def journey_shown(info: JourneyInfo, document: Document) -> JsonObject:
    """Return a journey with everything but its steps and enrollments."""
    return present(
        {
            "id": info.id,
            "tenantId": info.tenant,
            "name": info.name,
            "description": info.description or None,
            "status": info.status,
            **{key: document.keys.get(key) for key in LIMITED},
            "totalEnrolled": info.enrolled,
            "totalCompleted": info.completed,
            "totalExited": info.exited,
            "activeEnrollments": info.active,
            "activatedAt": instant(info.activated_at),
            "pausedAt": instant(info.paused_at),
            "resumedAt": instant(info.resumed_at),
            "archivedAt": instant(info.archived_at),
            "createdBy": document.created_by,
            "createdAt": instant(info.created_at),
            "updatedAt": instant(info.updated_at),
        }
    )


def step_shown(document: Document, step: JsonObject) -> JsonObject:
    """Return a step with its number; the TRIGGER has none."""
    number = None if step["type"] == ENTRY else document.number(step["id"])
    told = {"id": step["id"], "stepNumber": number, "type": step["type"], "name": step.get("name")}
    return present({**told, "config": step.get("config"), **{name: step.get(name) for name in POINTERS}})


def enrollment_id(serial: int) -> str:
    """Return the id of an enrollment.

    >>> enrollment_id(123), read_serial("enrollment_123"), read_serial("enrollment_0123"), read_serial("123")
    ('enrollment_123', 123, None, None)
    """
    return f"{ENROLLMENT}{serial}"


def read_serial(name: str) -> int | None:
    """Return the serial in the id of an enrollment, or None for what is not such an id."""
    digits = name.removeprefix(ENROLLMENT)
    known = name.startswith(ENROLLMENT) and digits.isascii() and digits.isdigit() and digits[0] != "0"
    return int(digits) if known and len(digits) < len(str(2**63)) else None


def enrollment_row(each: Enrollment, name_of: StepNames) -> JsonObject:
    """Return an enrollment as a row of a list (F123, F124)."""
    texts = {key: value for key, value in each.fields.items() if isinstance(value, str)}
    name = texts.get("name") or " ".join(part for key in ("firstName", "lastName") if (part := texts.get(key)))
    return present(
        {
            "id": enrollment_id(each.serial),
            "customerId": each.customer,
            "customerName": name or None,
            "customerEmail": texts.get("email"),
            "status": each.status,
            "currentStepNumber": each.step_number,
            "currentStepName": None if each.step is None else name_of(each.version, each.step),
            "waitingUntil": instant(each.due),
            "enrolledAt": instant(each.entered_at),
        }
    )


def enrollment_shown(each: Enrollment) -> JsonObject:
    """Return an enrollment by itself."""
    return present(
        {
            "id": enrollment_id(each.serial),
            "journeyId": each.journey,
            "customerId": each.customer,
            "status": each.status,
            "currentStepNumber": each.step_number,
            "enrolledAt": instant(each.entered_at),
        }
    )


def visits_shown(each: Enrollment, name_of: StepNames) -> list[JsonObject]:
    """Return the steps that an enrollment has been at, in order (F127)."""
    return [
        present(
            {
                "stepId": visit.step,
                "stepName": name_of(each.version, visit.step),
                "status": visit.status,
                "startedAt": instant(visit.entered_at),
                "completedAt": instant(visit.left_at),
            }
        )
        for visit in each.visits
    ]


def error_shown(code: str, message: str, details: "list[Mapping[str, object]] | None" = None) -> JsonObject:
    """Return an error in the one envelope that all calls share."""
    return {"error": {"code": code, "message": message, "details": details or []}}
