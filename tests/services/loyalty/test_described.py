"""Each answer of the loyalty platform's interface has a status and a body that its OpenAPI document describes."""

import json
import random
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from jsonschema import Draft202012Validator

from journeyflow.services.loyalty.answer_schemas import ANSWER_SCHEMAS
from journeyflow.services.loyalty.table import OPERATIONS, Endpoint
from journeyflow.services.operations import HttpRequest
from tests.services.loyalty.described import is_described
from tests.services.loyalty.platform import Platform
from tests.services.loyalty.printed import CONDITION, SEND, TYPES, WAIT


def test_every_operation_with_an_answer_describes_it():
    """Those that answer 204 have none."""
    assert {*ANSWER_SCHEMAS} == {each.name for each in OPERATIONS if each.status != 204}
    for schema in ANSWER_SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


STEPS = [*map(json.loads, TYPES.values()), {**WAIT, "id": "step_engaged"}, {**SEND, "id": "step_x", "nextStepId": None}]

VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 10**30, 1.5, True, False, None, "", "x", "UTC", "a" * 500, "\0", "\ud800", [], {}, [[]], [1], [{}]),
    *("ACTIVE", "COMPLETED", "DRAFT", "steps,enrollments", "step_1", "step_2", "25", "customer_1", "tenant_123"),
    *({"duration": "1 week"}, {"channel": "EMAIL", "templateId": "t"}, {"conditions": [{"field": "a"}]}, "TRIGGER"),
    ["step_2", "step_1", "step_3", "step_4"],
)


GOOD: Mapping[str, Sequence[dict[str, Any]]] = {
    "create_journey": [{"tenantId": "tenant_123", "name": "n", "triggerType": "t"}],
    "update_journey": [{"name": "n"}, {"description": "d", "allowReentry": True}],
    "add_step": STEPS,
    "update_step": [{"name": "n"}],
    "reorder_steps": [{"stepIds": ["step_2", "step_1"]}],
    "enroll": [{"customerId": "customer_1"}, {"customerId": "customer_2"}],
}
"""Bodies that are often taken."""


def drawn(draw: random.Random, operation: Endpoint) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Draw path, query and body of an operation: mostly about what is there."""
    known = {
        "id": ["journey_123", "journey_124", "journey_125", "journey_126", "j" * 300],
        "stepId": ["step_1", "step_2", "step_3", "step_x", "nobody"],
        "enrollmentId": ["enrollment_1", "enrollment_2", "enrollment_0", "x"],
        "customerId": ["customer_1", "customer_2", "x" * 300],
    }
    path = operation.path
    for name, values in known.items():
        path = path.replace(f":{name}", draw.choice(values))
    query = {one.name: draw.choice(VALUES) for one in operation.query if draw.random() < 0.5}
    body = {one.name: draw.choice(VALUES) for one in operation.body if draw.random() < 0.4}
    if draw.random() < 0.6:
        query |= {"tenantId": "tenant_123"} if operation.path == "/journeys" else {}
        body = draw.choice(GOOD.get(operation.name, [body]))
    return path, query, body


def test_every_answer_is_one_that_is_described():
    """Requests drawn at random about journeys in every state: none raises, and each answer is as its document says."""
    draw, done = random.Random(2), set[str]()  # as good as any
    for _ in range(4):
        platform = Platform()
        platform.names = map("journey_{}".format, count(123))
        for customer, attributes in (("customer_1", {"name": 5, "email": ["x"]}), ("customer_2", {"firstName": "Ann"})):
            platform.ours.put_customer(customer, attributes, at=platform.now)
        platform.journey(SEND, WAIT, {"id": "step_3", **CONDITION})
        platform.journey(SEND, WAIT, active=True, allowReentry=True)
        platform.enroll(platform.journey(WAIT, active=True), "customer_1", "customer_2")
        platform.journey(SEND, WAIT)
        for operation in draw.choices(OPERATIONS, k=150):
            path, query, body = drawn(draw, operation)
            request = HttpRequest(operation.method, path, query, body=body if operation.body else None)
            reply = platform.service.answer(request, at=platform.now, user="user_123")
            is_described(operation, reply.status, json.loads(json.dumps(reply.body)))
            done |= {operation.name} if reply.status == operation.status else set()
        assert platform.engine.audit() == []
    assert done == {each.name for each in OPERATIONS}, "each of them was also answered"
