"""Each code of each call of the loyalty platform's interface, with a request that provokes it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from journeyflow.services.loyalty.table import (
    CONFLICT,
    FORBIDDEN,
    INVALID,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OPERATIONS,
    REFUSED,
)
from tests.services.loyalty.platform import Platform
from tests.services.loyalty.printed import WAIT, draft, empty, member, straight, tenant, waiting

UNAUTHORIZED, TOO_LARGE, TOO_MANY_REQUESTS = "UNAUTHORIZED", "TOO_LARGE", "TOO_MANY_REQUESTS"
"""The codes of the transport, which every call has."""


class Case(NamedTuple):
    """A request that provokes a code: the operation, what differs from a good request, and the world.

    `path` follows "/journeys/journey_123"; a body of bytes is sent as it is. `details` are the codes and paths in the
    details of the answer.
    """

    operation: str
    code: str
    prepare: Callable[[Platform], object]
    path: str = ""
    body: Any = None
    details: tuple[tuple[str, str], ...] = ()
    method: str | None = None


def archived(platform: Platform) -> None:
    """Prepare journey_123, ARCHIVED."""
    waiting(platform)
    platform.done("POST", "/journeys/journey_123/archive")


NEW = {"tenantId": "tenant_123", "name": "n", "triggerType": "t"}

CASES = [
    Case("list_journeys", FORBIDDEN, tenant, "?tenantId=tenant_9"),
    Case("list_journeys", INVALID, tenant, "?status=active", details=(("missing", "tenantId"), ("invalid", "status"))),
    Case("create_journey", MALFORMED, tenant, body=b"{"),
    Case("create_journey", FORBIDDEN, tenant, body={**NEW, "tenantId": "tenant_9"}),
    Case("create_journey", INVALID, tenant, body={**NEW, "timezone": "Mars/Base"}, details=(("zone", "timezone"),)),
    Case("get_journey", NOT_FOUND, tenant),
    Case("get_journey", INVALID, empty, "?include=stepz", details=(("invalid", "include"),)),
    Case("update_journey", MALFORMED, empty, body=b"[]"),
    Case("update_journey", NOT_FOUND, tenant, body={"name": "n"}),
    Case("update_journey", CONFLICT, waiting, body={"timezone": "UTC"}, details=(("not-editable", "timezone"),)),
    Case("update_journey", INVALID, empty, body={"name": 7}, details=(("invalid", "name"),)),
    Case("delete_journey", NOT_FOUND, tenant),
    Case("delete_journey", CONFLICT, waiting),
    Case("activate_journey", NOT_FOUND, tenant, "/activate"),
    Case("activate_journey", CONFLICT, waiting, "/activate"),
    Case("activate_journey", INVALID, empty, "/activate", details=(("no-steps", "steps"),)),
    Case("pause_journey", NOT_FOUND, tenant, "/pause"),
    Case("pause_journey", CONFLICT, empty, "/pause"),
    Case("resume_journey", NOT_FOUND, tenant, "/resume"),
    Case("resume_journey", CONFLICT, waiting, "/resume"),
    Case("archive_journey", NOT_FOUND, tenant, "/archive"),
    Case("archive_journey", CONFLICT, empty, "/archive"),
    Case("list_steps", NOT_FOUND, tenant, "/steps"),
    Case("add_step", MALFORMED, empty, "/steps", b"{"),
    Case("add_step", NOT_FOUND, tenant, "/steps", WAIT),
    Case("add_step", CONFLICT, archived, "/steps", WAIT),
    Case(
        *("add_step", INVALID, empty, "/steps", {"type": "SEND", "config": {"channel": "EMAIL"}}),
        details=(("missing", "steps[0].config.templateId"),),
    ),
    Case("reorder_steps", MALFORMED, straight, "/steps/reorder", b"{"),
    Case("reorder_steps", NOT_FOUND, tenant, "/steps/reorder", {"stepIds": ["step_1"]}),
    Case("reorder_steps", CONFLICT, archived, "/steps/reorder", {"stepIds": ["step_1"]}),
    Case("reorder_steps", INVALID, straight, "/steps/reorder", {}, details=(("missing", "stepIds"),)),
    Case("update_step", MALFORMED, straight, "/steps/step_1", b"{"),
    Case("update_step", NOT_FOUND, straight, "/steps/step_9", {"name": "n"}),
    Case("update_step", CONFLICT, archived, "/steps/step_1", {"name": "n"}),
    Case("update_step", INVALID, straight, "/steps/step_1", {"nmae": "n"}, details=(("unknown", "nmae"),)),
    Case("delete_step", NOT_FOUND, straight, "/steps/step_9"),
    Case("delete_step", CONFLICT, archived, "/steps/step_1"),
    Case("delete_step", INVALID, waiting, "/steps/step_1", details=(("no-steps", "steps"),)),
    Case("list_enrollments", NOT_FOUND, tenant, "/enrollments"),
    Case("list_enrollments", INVALID, waiting, "/enrollments?take=0", details=(("invalid", "take"),)),
    Case("enroll", MALFORMED, waiting, "/enrollments", b"{"),
    Case("enroll", NOT_FOUND, tenant, "/enrollments", {"customerId": "c"}),
    Case("enroll", CONFLICT, draft, "/enrollments", {"customerId": "c"}),
    Case(
        *("enroll", REFUSED, member, "/enrollments", {"customerId": "customer_123"}),
        details=(("already inside", "customerId"),),
    ),
    Case("enroll", INVALID, waiting, "/enrollments", {}, details=(("missing", "customerId"),)),
    Case("get_enrollment", NOT_FOUND, waiting, "/enrollments/enrollment_1"),
    Case("exit_enrollment", NOT_FOUND, waiting, "/enrollments/customer_123"),
]

METHODS = [
    Case(each.name, METHOD_NOT_ALLOWED, tenant, each.path.removeprefix("/journeys/:id"), method="PUT")
    for each in OPERATIONS
]
"""Every path has methods that it does not take."""

PROVOKED: dict[str, list[str]] = {
    each.name: [case.code for case in CASES if case.operation == each.name] for each in OPERATIONS
}
"""The codes that are provoked, by operation; those of the transport are provoked for each."""
