"""The loyalty platform's Journeys API: each request that its document prints, and each answer."""

import re
from datetime import timedelta

import pytest

from journeyflow import End, Event, Goal, Journey, Reentry, Trigger, update_journey
from journeyflow.services.loyalty.calls import _CALLS
from journeyflow.services.loyalty.table import CODES, OPERATIONS
from journeyflow.services.operations import HttpRequest
from tests.samples import START, after
from tests.services.loyalty.client import CREATE, TYPES, refused
from tests.services.loyalty.printed import OPENED, WAIT
from tests.services.loyalty.printed import SEND as WELCOME

# --- journeys ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(85, 21, 252, 14, 15, 16, 17)
def test_a_journey_is_created_as_a_draft(client):
    """POST /journeys: 201, with everything that GET tells."""
    status, made = client.ask("POST", "/journeys", CREATE)
    assert status == 201
    assert made == {
        "id": "journey_123",
        **CREATE,
        "status": "DRAFT",
        "totalEnrolled": 0,
        "totalCompleted": 0,
        "totalExited": 0,
        "activeEnrollments": 0,
        "createdBy": "user_123",
        "createdAt": "2026-01-05T08:00:00Z",
        "updatedAt": "2026-01-05T08:00:00Z",
    }
    assert client.ask("GET", "/journeys/journey_123") == (200, made)
    assert client.ok("GET", "/journeys/journey_123/steps") == {"data": []}


@pytest.mark.rows(86, 87, 151, 138, 252)
def test_a_journey_is_got_with_what_is_included(client):
    """GET /journeys/:id: the keys that the document prints; steps and enrollments on demand."""
    path = client.create(WELCOME, WAIT)
    client.ok("POST", f"{path}/enrollments", {"customerId": "customer_1"})
    found = client.ok("GET", path)
    assert found.keys() == {
        *(
            "id",
            "tenantId",
            "name",
            "description",
            "status",
            "triggerType",
            "triggerConfig",
            "allowReentry",
            "timezone",
        ),
        *("totalEnrolled", "totalCompleted", "totalExited", "activeEnrollments"),
        *("activatedAt", "createdBy", "createdAt", "updatedAt"),
    }
    assert (found["totalEnrolled"], found["activeEnrollments"], found["status"]) == (1, 1, "ACTIVE")
    both = client.ok("GET", path, include="steps, enrollments")
    assert both["steps"] == client.ok("GET", f"{path}/steps")["data"]
    assert both["enrollments"] == client.ok("GET", f"{path}/enrollments")["data"]
    assert refused(client.ask("GET", path, include="stepz"), 422, "INVALID") == [("invalid", "include")]


@pytest.mark.rows(18, 88, 89, 90, 91, 252)
def test_journeys_are_listed(client):
    """GET /journeys: the keys of a row, filtered by status and trigger."""
    path = client.create(WELCOME, WAIT)
    client.create(active=False, triggerType="order.placed", name="Orders")
    client.ok("POST", f"{path}/enrollments", {"customerId": "customer_1"})
    assert client.ok("GET", "/journeys", tenantId="tenant_123", status="ACTIVE") == {
        "data": [
            {
                "id": "journey_123",
                "name": "New Member Onboarding",
                "status": "ACTIVE",
                "triggerType": "scl.member.created",
                "totalEnrolled": 1,
                "totalCompleted": 0,
                "totalExited": 0,
                "stepsCount": 2,
                "activatedAt": "2026-01-05T08:00:00Z",
            }
        ]
    }
    found = client.ok("GET", "/journeys", tenantId="tenant_123", triggerType="order.placed")["data"]
    assert [(each["name"], each["stepsCount"]) for each in found] == [("Orders", 0)]
    assert len(client.ok("GET", "/journeys", tenantId="tenant_123")["data"]) == 2


@pytest.mark.rows(92, 93, 252)
def test_a_journey_is_updated(client):
    """PATCH /journeys/:id: name and description while it runs; the rest while it does not."""
    path = client.create(WELCOME, WAIT)
    said = {"name": "Updated Journey Name", "description": "Updated description"}
    client.at = after("1 hour")
    found = client.ok("PATCH", path, said)
    assert (found["name"], found["description"]) == tuple(said.values())
    assert (found["updatedAt"], client.engine.journey("journey_123").version) == ("2026-01-05T09:00:00Z", 1)
    wrong = client.ask("PATCH", path, {"triggerType": "x", "timezone": "UTC"})
    assert refused(wrong, 409, "CONFLICT") == [("not-editable", "triggerType"), ("not-editable", "timezone")]
    client.ok("POST", f"{path}/pause")
    found = client.ok("PATCH", path, {"triggerType": "order.placed", "triggerConfig": None, "allowReentry": True})
    assert (found["triggerType"], found["allowReentry"], "triggerConfig" in found) == ("order.placed", True, False)
    assert client.engine.definition("journey_123").trigger == Trigger("order.placed")
    assert client.ok("PATCH", path, {"description": None}).get("description") is None
    assert refused(client.ask("PATCH", path, {"timezone": "Mars/Base"}), 422, "INVALID") == [("zone", "timezone")]


def test_a_journey_for_a_segment_that_customers_leave(client):
    """Keys of a real export that the document does not print: taken, answered as they were given, and acted upon."""
    conditions = [{"field": "plan", "operator": "eq", "value": "paid"}]
    more = {"segmentId": "vip", "exitConditions": conditions, "triggerConfig": {"source": "pos"}}
    path = client.create(WAIT, **more)
    shown = client.ok("GET", path)
    assert {key: shown[key] for key in more} == more
    client.engine.put_customer("ann", {"segments": ["vip"]}, at=START)
    client.ok("POST", f"{path}/enrollments", {"customerId": "ann"})
    client.engine.put_customer("ann", {"plan": "paid"}, at=START)
    client.engine.tick(START)
    assert client.ok("GET", f"{path}/enrollments")["data"][0]["status"] == "EXITED"
    wrong = client.ask("PATCH", path, {"segmentId": "b", "exitConditions": []})
    assert refused(wrong, 409, "CONFLICT") == [("not-editable", "segmentId"), ("not-editable", "exitConditions")]
    client.ok("POST", f"{path}/pause")
    shown = client.ok("PATCH", path, {"segmentId": None, "exitConditions": None})
    assert (shown["triggerConfig"], shown.keys() & {"segmentId", "exitConditions"}) == ({"source": "pos"}, set())
    assert client.engine.definition("journey_123").exits == ()


@pytest.mark.rows(95, 252)
def test_only_a_draft_is_deleted(client):
    """DELETE /journeys/:id: 204; another state is a conflict."""
    path = client.create(active=False)
    assert client.ask("DELETE", path) == (204, None)
    assert refused(client.ask("GET", path), 404, "NOT_FOUND") == []
    path = client.create(WELCOME)
    answer = client.ask("DELETE", path)
    assert refused(answer, 409, "CONFLICT") == []
    sentence = "journey 'journey_124' is ACTIVE; only a DRAFT can be deleted, others are archived"
    assert answer[1]["error"]["message"] == sentence


@pytest.mark.rows(13, 99, 100, 101, 102, 136, 253)
def test_a_journey_goes_through_its_states(client):
    """Activate, pause, resume, archive: each answers with its instant, and with its count."""
    path = client.create(WAIT, active=False)
    client.at = after("1 hour")
    at = {"id": "journey_123", "status": "ACTIVE"}
    assert client.ask("POST", f"{path}/activate") == (200, {**at, "activatedAt": "2026-01-05T09:00:00Z"})
    client.ok("POST", f"{path}/enrollments", {"customerId": "customer_1"})
    client.at = after("2 hours")
    paused = {"id": "journey_123", "status": "PAUSED", "pausedAt": "2026-01-05T10:00:00Z", "activeEnrollments": 1}
    assert client.ask("POST", f"{path}/pause") == (200, paused)
    assert refused(client.ask("POST", f"{path}/enrollments", {"customerId": "c2"}), 409, "CONFLICT") == []
    client.at = after("3 hours")
    assert client.ask("POST", f"{path}/resume") == (200, {**at, "resumedAt": "2026-01-05T11:00:00Z"})
    assert refused(client.ask("POST", f"{path}/resume"), 409, "CONFLICT") == []
    client.at = after("4 hours")
    archived = {"id": "journey_123", "status": "ARCHIVED", "archivedAt": "2026-01-05T12:00:00Z", "exitedEnrollments": 1}
    assert client.ask("POST", f"{path}/archive") == (200, archived)
    for call in ("activate", "pause", "resume", "archive"):
        assert refused(client.ask("POST", f"{path}/{call}"), 409, "CONFLICT") == []
    assert refused(client.ask("POST", f"{path}/steps", WAIT), 409, "CONFLICT") == []
    row = client.ok("GET", f"{path}/enrollments")["data"][0]
    assert row["status"] == "EXITED"


@pytest.mark.rows(12, 13)
def test_instants_have_whole_seconds(client):
    """As the document prints them, whatever the clock of the host says."""
    client.at = START + timedelta(microseconds=999_999)
    shown = client.ok("GET", client.create(WAIT))
    assert shown["createdAt"] == shown["updatedAt"] == shown["activatedAt"] == "2026-01-05T08:00:00Z"


@pytest.mark.rows(13)
def test_a_journey_knows_when_each_state_was_reached(client):
    """Each instant is that of the last time: activatedAt stays after a resume, and so does pausedAt."""
    path = client.create(WAIT)
    for hours, call in ((1, "pause"), (2, "resume"), (3, "pause")):
        client.at = after(f"{hours} hours")
        client.ok("POST", f"{path}/{call}")
    shown = client.ok("GET", path)
    assert {key: shown[key] for key in ("activatedAt", "pausedAt", "resumedAt")} == {
        "activatedAt": "2026-01-05T08:00:00Z",
        "pausedAt": "2026-01-05T11:00:00Z",
        "resumedAt": "2026-01-05T10:00:00Z",
    }


@pytest.mark.rows(99)
def test_activation_needs_a_step_and_a_journey_that_is_whole(client):
    """422, with what is wrong and where."""
    path = client.create(active=False)
    assert refused(client.ask("POST", f"{path}/activate"), 422, "INVALID") == [("no-steps", "steps")]
    client.ok("POST", f"{path}/steps", OPENED)
    found = refused(client.ask("POST", f"{path}/activate"), 422, "INVALID")
    assert found == [("dangling", "steps[0].nextStepYesId"), ("dangling", "steps[0].nextStepNoId")]
    assert client.ok("GET", path)["status"] == "DRAFT"


# --- enrollments ------------------------------------------------------------------------------------------------------


@pytest.mark.rows(123, 124, 126, 128, 255)
def test_enrollments_are_listed(client):
    """GET: the keys of a row as printed, by status, in pages."""
    path = client.create(WELCOME, WAIT)
    client.engine.put_customer("customer_456", {"name": "John Smith", "email": "john@example.com"}, at=START)
    client.engine.put_customer("customer_2", {"firstName": "Ann", "lastName": "Lee"}, at=START)
    for name in ("customer_456", "customer_2", "customer_3"):
        client.ok("POST", f"{path}/enrollments", {"customerId": name})
    found = client.ok("GET", f"{path}/enrollments")
    assert found["meta"] == {"total": 3, "skip": 0, "take": 25}
    assert found["data"][0] == {
        "id": "enrollment_1",
        "customerId": "customer_456",
        "customerName": "John Smith",
        "customerEmail": "john@example.com",
        "status": "ACTIVE",
        "currentStepNumber": 2,
        "currentStepName": "Wait 3 days",
        "waitingUntil": "2026-01-08T08:00:00Z",
        "enrolledAt": "2026-01-05T08:00:00Z",
    }
    assert [each.get("customerName") for each in found["data"]] == ["John Smith", "Ann Lee", None]
    client.ok("DELETE", f"{path}/enrollments/customer_2")
    assert client.ok("GET", f"{path}/enrollments", status="EXITED")["meta"]["total"] == 1
    page = client.ok("GET", f"{path}/enrollments", skip=1, take=1)
    assert ([each["customerId"] for each in page["data"]], page["meta"]) == (
        ["customer_2"],
        {"total": 3, "skip": 1, "take": 1},
    )
    wrong = client.ask("GET", f"{path}/enrollments", status="GONE", skip=-1, take=0)
    assert refused(wrong, 422, "INVALID") == [("invalid", "status"), ("invalid", "skip"), ("invalid", "take")]


@pytest.mark.rows(129, 255)
def test_a_customer_is_enrolled_by_hand(client):
    """POST: 201 with the enrollment, at once; one who may not enter is refused with the reason."""
    path = client.create(WAIT)
    status, made = client.ask("POST", f"{path}/enrollments", {"customerId": "customer_123"})
    assert (status, made) == (
        201,
        {
            "id": "enrollment_1",
            "journeyId": "journey_123",
            "customerId": "customer_123",
            "status": "ACTIVE",
            "currentStepNumber": 1,
            "enrolledAt": "2026-01-05T08:00:00Z",
        },
    )
    again = client.ask("POST", f"{path}/enrollments", {"customerId": "customer_123"})
    assert refused(again, 409, "REFUSED") == [("already inside", "customerId")]
    draft = client.create(WAIT, active=False)
    assert refused(client.ask("POST", f"{draft}/enrollments", {"customerId": "x"}), 409, "CONFLICT") == []
    done = client.create(TYPES[5])
    assert client.ok("POST", f"{done}/enrollments", {"customerId": "c"})["status"] == "COMPLETED"
    assert client.engine.customer("c").attributes["tags"] == ["onboarded"]
    wrong = client.ask("POST", f"{path}/enrollments", {"customerId": "a\x1fb"})
    assert refused(wrong, 422, "INVALID") == [("invalid", "[0].customer")]


@pytest.mark.rows(132, 255)
def test_a_customer_leaves(client):
    """DELETE: 204; who is not inside is not found."""
    path = client.create(WAIT)
    client.ok("POST", f"{path}/enrollments", {"customerId": "customer_1"})
    assert client.ask("DELETE", f"{path}/enrollments/customer_1") == (204, None)
    assert client.ok("GET", path)["totalExited"] == 1
    assert refused(client.ask("DELETE", f"{path}/enrollments/customer_1"), 404, "NOT_FOUND") == []


@pytest.mark.rows(125, 127, 135, 255)
def test_an_enrollment_is_got_with_its_steps(client):
    """GET: each step with name, status and instants; the one that lasts has no end."""
    path = client.create(WELCOME, WAIT, {**OPENED, "nextStepYesId": "step_4"}, WAIT, TYPES[6])
    made = client.ok("POST", f"{path}/enrollments", {"customerId": "customer_789"})
    client.engine.put_customer("customer_789", {"lastEmailOpenAt": "2026-01-06"}, at=after("1 day"))
    client.engine.tick(after("3 days"))
    client.at = after("3 days")
    found = client.ok("GET", f"{path}/enrollments/{made['id']}")
    steps = found.pop("steps")
    assert found == {**made, "currentStepNumber": 4}
    noon = {"startedAt": "2026-01-05T08:00:00Z", "completedAt": "2026-01-05T08:00:00Z"}
    then = "2026-01-08T08:00:00Z"
    assert steps == [
        {"stepId": "step_1", "stepName": "Welcome Email", "status": "COMPLETED", **noon},
        {"stepId": "step_2", "stepName": "Wait 3 days", "status": "COMPLETED", **noon, "completedAt": then},
        {
            "stepId": "step_3",
            "stepName": "Check if opened",
            "status": "COMPLETED",
            "startedAt": then,
            "completedAt": then,
        },
        {"stepId": "step_4", "stepName": "Wait 3 days", "status": "ACTIVE", "startedAt": then},
    ]
    other = client.create(WAIT)
    for wrong in (f"{other}/enrollments/{made['id']}", f"{path}/enrollments/enrollment_99", f"{path}/enrollments/x"):
        assert refused(client.ask("GET", wrong), 404, "NOT_FOUND") == []


@pytest.mark.rows(63, 120)
def test_whoever_is_inside_stays_in_the_version_that_was_entered(client):
    """R12: a changed step is for new enrollments; each is shown with the names of its own version."""
    path = client.create(WAIT, TYPES[6])
    client.ok("POST", f"{path}/enrollments", {"customerId": "old"})
    client.ok("PATCH", f"{path}/steps/step_1", {"name": "Wait a week", "config": {"duration": "1 week"}})
    client.ok("POST", f"{path}/enrollments", {"customerId": "new"})
    rows = client.ok("GET", f"{path}/enrollments")["data"]
    assert [(each["currentStepName"], each["waitingUntil"]) for each in rows] == [
        ("Wait 3 days", "2026-01-08T08:00:00Z"),
        ("Wait a week", "2026-01-12T08:00:00Z"),
    ]


@pytest.mark.rows(122)
def test_an_order_that_leaves_nobody_to_a_step_is_refused(client):
    """422: nothing leads on from a choice whose ways never rejoin; nothing is changed."""
    path = client.create(WELCOME, OPENED, {"id": "step_4", "type": "END"}, {"id": "step_5", "type": "END"})
    before = client.ok("GET", f"{path}/steps")
    wrong = client.ask("POST", f"{path}/steps/reorder", {"stepIds": ["step_2", "step_1", "step_4", "step_5"]})
    assert refused(wrong, 422, "INVALID") == [("order", "stepIds[1]")]
    assert client.ok("GET", f"{path}/steps") == before


def test_who_is_held_out_is_in_no_list(client):
    """R25: a holdout is none of the platform's; who is kept out is neither listed nor found, and is told so."""
    path = client.create(WAIT)
    held = update_journey(client.engine.definition("journey_123"), holdout=100, goal=Goal("x", within="1 day"))
    client.engine.publish(held, at=START)
    wrong = client.ask("POST", f"{path}/enrollments", {"customerId": "ann"})
    assert refused(wrong, 409, "REFUSED") == [("held out", "customerId")]
    assert client.ok("GET", f"{path}/enrollments")["meta"]["total"] == 0
    assert client.ask("GET", f"{path}/enrollments/enrollment_1")[0] == 404
    assert client.engine.journey("journey_123").holdout == 1


@pytest.mark.rows(132)
def test_every_enrollment_of_a_customer_ends(client):
    """A journey with parallel runs may hold one customer several times."""
    path = client.create(WAIT)
    keyed = update_journey(client.engine.definition("journey_123"), reentry=Reentry("always", key="event.order"))
    client.engine.publish(keyed, at=START)
    for order in ("a", "b"):
        data = {"order": order, "membershipTier": "Gold"}
        client.engine.feed(Event("scl.member.created", customer="ann", at=START, data=data))
    client.engine.tick(START)
    assert client.ok("GET", path)["activeEnrollments"] == 2
    client.ok("DELETE", f"{path}/enrollments/ann")
    assert client.ok("GET", path)["totalExited"] == 2


# --- errors -----------------------------------------------------------------------------------------------------------


def test_paths_and_methods_that_there_are_not(client):
    """404 and 405, in the envelope of all errors."""
    assert refused(client.ask("GET", "/nothing"), 404, "NOT_FOUND") == []
    assert refused(client.ask("PUT", "/journeys"), 405, "METHOD_NOT_ALLOWED") == []
    assert client.ask("get", "/journeys/", tenantId="tenant_123")[0] == 200


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if ":id" in each.path], ids=lambda each: each.name)
def test_every_call_on_a_journey_that_there_is_not_finds_nothing(client, operation):
    """404, whatever else is asked; another tenant's journey is none either (R91)."""
    client.engine.tenant("other").publish(Journey(id="x", steps=[End("step_1")]), at=START)
    path = re.sub(r":\w+", "x", operation.path)
    named = {"enroll": {"customerId": "c"}, "reorder_steps": {"stepIds": ["a"]}, "add_step": WAIT}
    assert refused(client.ask(operation.method, path, named.get(operation.name, {})), 404, "NOT_FOUND") == []


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_every_body_is_an_object_of_known_keys(client, operation):
    """400 for what is none, 422 for what is missing, unknown or of a wrong type."""
    path = client.create(WELCOME, active=False)
    path = operation.path.replace("/journeys/:id", path).replace(":stepId", "step_1")
    broken = client.service.answer(HttpRequest(operation.method, path, body=b"{"), at=START)
    assert refused((broken.status, broken.body), 400, "MALFORMED") == []
    wrong = refused(client.ask(operation.method, path, {each.name: 7 for each in operation.body}), 422, "INVALID")
    assert wrong == [("invalid", each.name) for each in operation.body]
    unknown = refused(client.ask(operation.method, path, {"nmae": 1}), 422, "INVALID")
    assert unknown == [("unknown", "nmae"), *(("missing", each.name) for each in operation.body if each.required)]


def test_a_foreign_tenant_is_refused_whether_it_exists_or_not(client):
    """403: the key says whose the request is."""
    for tenant in ("tenant_9", "default"):
        assert refused(client.ask("GET", "/journeys", tenantId=tenant), 403, "FORBIDDEN") == []
        assert refused(client.ask("POST", "/journeys", {**CREATE, "tenantId": tenant}), 403, "FORBIDDEN") == []
    assert refused(client.ask("GET", "/journeys"), 422, "INVALID") == [("missing", "tenantId")]
    wrong = client.ask("GET", "/journeys", tenantId="tenant_123", status="active")
    assert refused(wrong, 422, "INVALID") == [("invalid", "status")]


def test_the_table_has_every_call_and_every_call_is_in_the_table():
    """It drives routing; codes of errors are those that there are."""
    assert {each.name for each in OPERATIONS} == _CALLS.keys()
    assert {code for each in OPERATIONS for code in each.errors} <= CODES.keys()
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS) == 18
