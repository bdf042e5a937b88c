"""Each request and answer that the loyalty platform's document prints, and the world that they are about."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from journeyflow.services.loyalty.table import OPERATIONS, Endpoint, pattern_of
from tests.services.loyalty.platform import Platform


class Example(NamedTuple):
    """A printed request, the printed status, and the printed answer, None where none is printed.

    `prepare` makes the world of the document. `ours` maps places in the answer to what is answered there instead of
    what is printed; each is explained in `rulings.RULINGS`.
    """

    name: str
    method: str
    path: str
    body: str | None
    status: int
    answer: str | None
    prepare: Callable[[Platform], object]
    ours: Mapping[tuple[str | int, ...], object] = {}

    @property
    def endpoint(self) -> Endpoint:
        """The operation that is asked for."""
        path = self.path.partition("?")[0]
        found = [each for each in OPERATIONS if each.method == self.method and pattern_of(each.path).fullmatch(path)]
        return found[0]

    @property
    def operation(self) -> str:
        """The name of the operation that is asked for."""
        return self.endpoint.name


# --- what is printed --------------------------------------------------------------------------------------------------

CREATE = """{"tenantId": "tenant_123", "name": "New Member Onboarding",
    "description": "Welcome sequence for new members", "triggerType": "scl.member.created",
    "triggerConfig": {"conditions": [
        {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}]},
    "allowReentry": false, "timezone": "Africa/Johannesburg"}"""

JOURNEY = """{"id": "journey_123", "tenantId": "tenant_123", "name": "New Member Onboarding",
    "description": "Welcome sequence for new members", "status": "ACTIVE", "triggerType": "scl.member.created",
    "triggerConfig": {"conditions": [
        {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}]},
    "allowReentry": false, "timezone": "Africa/Johannesburg", "totalEnrolled": 150, "totalCompleted": 120,
    "totalExited": 10, "activeEnrollments": 20, "activatedAt": "2025-11-01T00:00:00Z", "createdBy": "user_123",
    "createdAt": "2025-10-15T00:00:00Z", "updatedAt": "2025-12-14T10:00:00Z"}"""

ROW = """{"data": [{"id": "journey_123", "name": "New Member Onboarding", "status": "ACTIVE",
    "triggerType": "scl.member.created", "totalEnrolled": 150, "totalCompleted": 120, "totalExited": 10,
    "stepsCount": 5, "activatedAt": "2025-11-01T00:00:00Z"}]}"""

UPDATE = '{"name": "Updated Journey Name", "description": "Updated description"}'

ACTIVATED = '{"id": "journey_123", "status": "ACTIVE", "activatedAt": "2025-12-14T10:00:00Z"}'
PAUSED = """{"id": "journey_123", "status": "PAUSED", "pausedAt": "2025-12-14T10:00:00Z",
    "activeEnrollments": 20}"""
RESUMED = '{"id": "journey_123", "status": "ACTIVE", "resumedAt": "2025-12-14T10:00:00Z"}'
ARCHIVED = """{"id": "journey_123", "status": "ARCHIVED", "archivedAt": "2025-12-14T10:00:00Z",
    "exitedEnrollments": 20}"""

STEPS = """{"data": [
    {"id": "step_1", "stepNumber": 1, "type": "SEND", "name": "Welcome Email",
     "config": {"channel": "EMAIL", "templateId": "welcome_email"}, "nextStepId": "step_2"},
    {"id": "step_2", "stepNumber": 2, "type": "WAIT", "name": "Wait 3 days",
     "config": {"duration": "3 days"}, "nextStepId": "step_3"},
    {"id": "step_3", "stepNumber": 3, "type": "CONDITION", "name": "Check if opened",
     "config": {"rules": [{"field": "lastEmailOpenAt", "operator": "isNotNull"}]},
     "nextStepYesId": "step_4", "nextStepNoId": "step_5"}]}"""

ADD = """{"type": "SEND", "name": "Follow-up Email", "config": {"channel": "EMAIL", "templateId": "followup_email"},
    "afterStepId": "step_2"}"""

CHANGE = '{"name": "Updated Step Name", "config": {"channel": "EMAIL", "templateId": "new_template"}}'

ORDER = '{"stepIds": ["step_1", "step_3", "step_2", "step_4"]}'

TYPES: Mapping[str, str] = {
    "TRIGGER": """{"type": "TRIGGER", "name": "Member Created", "config": {"eventType": "scl.member.created",
        "conditions": [{"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}]}}""",
    "SEND": """{"type": "SEND", "name": "Welcome Email",
        "config": {"channel": "EMAIL", "templateId": "welcome_email"}}""",
    "WAIT": '{"type": "WAIT", "name": "Wait 3 days", "config": {"duration": "3 days"}}',
    "CONDITION": """{"type": "CONDITION", "name": "Check Engagement", "config": {"combinator": "AND", "rules": [
        {"field": "engagementScore", "operator": "gte", "value": 70},
        {"field": "emailOptIn", "operator": "eq", "value": true}]},
        "nextStepYesId": "step_engaged", "nextStepNoId": "step_not_engaged"}""",
    "SPLIT": """{"type": "SPLIT", "name": "A/B Test", "config": {"splits": [
        {"percentage": 50, "nextStepId": "step_variant_a"}, {"percentage": 50, "nextStepId": "step_variant_b"}]}}""",
    "UPDATE": """{"type": "UPDATE", "name": "Tag as Onboarded",
        "config": {"updates": [{"field": "tags", "action": "add", "value": "onboarded"}]}}""",
    "END": '{"type": "END", "name": "Journey Complete"}',
}

PAGE = """{"data": [{"id": "enrollment_123", "customerId": "customer_456", "customerName": "John Smith",
    "customerEmail": "john@example.com", "status": "ACTIVE", "currentStepNumber": 3,
    "currentStepName": "Wait 3 days", "waitingUntil": "2025-12-17T09:00:00Z", "enrolledAt": "2025-12-14T09:00:00Z"}],
    "meta": {"total": 150, "skip": 0, "take": 25}}"""

ENROLL = '{"customerId": "customer_123"}'

ENROLLED = """{"id": "enrollment_456", "journeyId": "journey_123", "customerId": "customer_123", "status": "ACTIVE",
    "currentStepNumber": 1, "enrolledAt": "2025-12-14T10:00:00Z"}"""

DETAILS = """{"id": "enrollment_123", "journeyId": "journey_456", "customerId": "customer_789", "status": "ACTIVE",
    "currentStepNumber": 3, "enrolledAt": "2025-12-14T09:00:00Z", "steps": [
    {"stepId": "step_1", "stepName": "Welcome Email", "status": "COMPLETED", "startedAt": "2025-12-14T09:00:00Z",
     "completedAt": "2025-12-14T09:00:05Z"},
    {"stepId": "step_2", "stepName": "Wait 3 days", "status": "COMPLETED", "startedAt": "2025-12-14T09:00:05Z",
     "completedAt": "2025-12-17T09:00:00Z"},
    {"stepId": "step_3", "stepName": "Check if opened", "status": "ACTIVE", "startedAt": "2025-12-17T09:00:00Z"}]}"""

# --- the world of the document ----------------------------------------------------------------------------------------

SEND, WAIT, CONDITION = (json.loads(TYPES[of]) for of in ("SEND", "WAIT", "CONDITION"))

OPENED = {key: value for key, value in json.loads(STEPS)["data"][2].items() if key not in {"id", "stepNumber"}}


def tenant(_: Platform) -> None:
    """Prepare a tenant without journeys."""


def draft(platform: Platform) -> None:
    """Prepare journey_123 as a DRAFT with the printed steps."""
    platform.journey(SEND, WAIT, OPENED)


def straight(platform: Platform) -> None:
    """Prepare journey_123 as a DRAFT of four steps, one after the other."""
    platform.journey(SEND, WAIT, json.loads(TYPES["UPDATE"]), json.loads(TYPES["END"]))


def empty(platform: Platform) -> None:
    """Prepare journey_123 as a DRAFT without steps."""
    platform.journey()


def waiting(platform: Platform) -> None:
    """Prepare journey_123, which is ACTIVE and begins with a wait."""
    platform.journey(WAIT, active=True)


def member(platform: Platform) -> None:
    """Prepare customer_123 inside journey_123."""
    waiting(platform)
    platform.enroll("/journeys/journey_123", "customer_123")


def onboarding(platform: Platform) -> None:
    """Prepare journey_123 with the printed history: 120 have completed it, 10 were taken out, 20 are inside."""
    platform.at("2025-10-15T00:00:00Z")
    platform.done("POST", "/journeys", {**json.loads(CREATE), "description": "Welcome"})
    path = "/journeys/journey_123"
    ends = ({"id": name, "type": "END"} for name in ("step_4", "step_5"))
    for step in (SEND, WAIT, OPENED, *ends):
        platform.done("POST", f"{path}/steps", step)
    platform.at("2025-11-01T00:00:00Z")
    platform.done("POST", f"{path}/activate")
    platform.enroll(path, *(f"early_{number}" for number in range(130)))
    for number in range(10):
        platform.done("DELETE", f"{path}/enrollments/early_{number}")
    platform.at("2025-12-14T09:00:00Z")
    platform.enroll(path, *(f"late_{number}" for number in range(20)))
    platform.at("2025-12-14T10:00:00Z")
    platform.done("PATCH", path, {"description": json.loads(CREATE)["description"]})


def paused(platform: Platform) -> None:
    """Prepare the same, PAUSED."""
    onboarding(platform)
    platform.done("POST", "/journeys/journey_123/pause")


def crowd(platform: Platform) -> None:
    """Prepare journey_123 with 150 people who wait, John Smith before all others."""
    platform.at("2025-12-14T09:00:00Z")
    platform.journey(SEND, WAIT, active=True)
    platform.ours.put_customer("customer_456", {"name": "John Smith", "email": "john@example.com"}, at=platform.now)
    others = (f"other_{number}" for number in range(149))
    platform.enroll("/journeys/journey_123", "customer_456", *others)


def three_steps(platform: Platform) -> None:
    """Prepare journey_456, whose third step customer_789 has come to."""
    platform.names = iter(["journey_456"])
    platform.at("2025-12-14T09:00:00Z")
    path = platform.journey(SEND, WAIT, {**WAIT, "name": "Check if opened"}, active=True)
    platform.enroll(path, "customer_789")
    platform.at("2025-12-17T09:00:00Z")


STATUS_ALONE = None
"""The answer where the document prints the status alone."""

LISTED = "/journeys?tenantId=tenant_123"
DETAILED = "/journeys/journey_456/enrollments/enrollment_1"

EXAMPLES = [
    Example("list", "GET", LISTED, None, 200, ROW, onboarding),
    Example("list ACTIVE", "GET", f"{LISTED}&status=ACTIVE", None, 200, ROW, onboarding),
    Example("list of a trigger", "GET", f"{LISTED}&triggerType=scl.member.created", None, 200, ROW, onboarding),
    Example("get", "GET", "/journeys/journey_123", None, 200, JOURNEY, onboarding),
    Example("create", "POST", "/journeys", CREATE, 201, STATUS_ALONE, tenant),
    Example("update", "PATCH", "/journeys/journey_123", UPDATE, 200, STATUS_ALONE, onboarding),
    Example("delete", "DELETE", "/journeys/journey_123", None, 204, STATUS_ALONE, draft),
    Example("activate", "POST", "/journeys/journey_123/activate", None, 200, ACTIVATED, straight),
    Example("pause", "POST", "/journeys/journey_123/pause", None, 200, PAUSED, onboarding),
    Example("resume", "POST", "/journeys/journey_123/resume", None, 200, RESUMED, paused),
    Example("archive", "POST", "/journeys/journey_123/archive", None, 200, ARCHIVED, onboarding),
    Example("list steps", "GET", "/journeys/journey_123/steps", None, 200, STEPS, draft),
    Example("add a step", "POST", "/journeys/journey_123/steps", ADD, 201, STATUS_ALONE, straight),
    *(
        Example(f"add a {of}", "POST", "/journeys/journey_123/steps", body, 201, STATUS_ALONE, empty)
        for of, body in TYPES.items()
    ),
    Example("update a step", "PATCH", "/journeys/journey_123/steps/step_1", CHANGE, 200, STATUS_ALONE, straight),
    Example("delete a step", "DELETE", "/journeys/journey_123/steps/step_2", None, 204, STATUS_ALONE, straight),
    Example("reorder", "POST", "/journeys/journey_123/steps/reorder", ORDER, 200, STATUS_ALONE, straight),
    Example(
        *("list enrollments", "GET", "/journeys/journey_123/enrollments", None, 200, PAGE, crowd),
        ours={("data", 0, "currentStepNumber"): 2, ("data", 0, "id"): "enrollment_1"},
    ),
    Example(
        *("enroll", "POST", "/journeys/journey_123/enrollments", ENROLL, 201, ENROLLED, waiting),
        ours={("id",): "enrollment_1"},
    ),
    Example(
        "exit", "DELETE", "/journeys/journey_123/enrollments/customer_123", None, 204, STATUS_ALONE, member
    ),
    Example(
        "get an enrollment", "GET", DETAILED, None, 200, DETAILS, three_steps,
        ours={
            ("id",): "enrollment_1",
            ("steps", 0, "completedAt"): "2025-12-14T09:00:00Z",
            ("steps", 1, "startedAt"): "2025-12-14T09:00:00Z",
        },
    ),
]  # fmt: skip
"""Every example of the document, in its order."""


def expected(example: Example) -> Any:
    """Return the answer: what is printed, but for what is answered instead."""
    answer = json.loads(example.answer or "null")
    for way, value in example.ours.items():
        inside = answer
        for key in way[:-1]:
            inside = inside[key]
        assert inside[way[-1]] != value
        inside[way[-1]] = value
    return answer


def check(example: Example, status: int, answer: Any) -> None:
    """Compare an answer with what is printed: every value of it; of a list of many, the rows that are printed."""
    assert status == example.status
    if example.answer is not STATUS_ALONE:
        if isinstance(answer.get("data"), list):
            answer = {**answer, "data": answer["data"][: len(expected(example)["data"])]}
        assert answer == expected(example)
    elif example.status == 204:
        assert answer is None
    elif example.name == "reorder":
        order = json.loads(ORDER)["stepIds"]
        assert [(each["id"], each.get("nextStepId")) for each in answer["data"]] == [
            *zip(order, [*order[1:], None], strict=True)
        ]
    elif example.body is not None:
        said = {key: value for key, value in json.loads(example.body).items() if key != "afterStepId"}
        assert answer.items() >= said.items()
