"""What a client learns who has no key, or that of another tenant: nothing, by answer, by size or by work (R91).

Time is not measured: it depends on the work, and the work is the statements that are asked of both files. They are
compared by their text, in which numbers and quoted words count as the same.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from journeyflow import Engine
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.loyalty import Loyalty
from journeyflow.services.loyalty.table import OPERATIONS
from journeyflow.services.octeth import OPERATIONS as CALLS
from journeyflow.services.octeth import Octeth
from journeyflow.services.octeth.codes import ADMIN
from journeyflow.services.operations import HttpRequest
from journeyflow.services.site import PageService
from journeyflow.stores.sqlite import SQLiteStore
from tests.services.loyalty.platform import Platform
from tests.services.loyalty.printed import SEND
from tests.services.loyalty.printed import WAIT as REST
from tests.services.octeth.world import MAIL, NOW, WAIT, World

HIDDEN = re.compile(r"'[^']*'|\d+")


class Traced:
    """An engine and a directory whose statements are noted."""

    def __init__(self, engine: Engine, directory: SQLiteDirectory) -> None:
        """Begin with nothing noted."""
        assert isinstance(engine.store, SQLiteStore)
        self._connections = {"engine": engine.store.connection, "directory": directory._file.connection}

    @contextmanager
    def noted(self) -> Iterator[list[tuple[str, str]]]:
        """Note what is asked meanwhile: of which file, and the statement without numbers and words."""
        found: list[tuple[str, str]] = []
        for name, connection in self._connections.items():
            assert connection is not None
            connection.set_trace_callback(partial(_note, found, name))
        yield found
        for connection in self._connections.values():
            assert connection is not None
            connection.set_trace_callback(None)


def _note(found: list[tuple[str, str]], of: str, sql: str) -> None:
    found.append((of, HIDDEN.sub("?", sql)))


def told(reply: Any, *names: str) -> tuple[int, str, int]:
    """Return status, body and size of an answer, in which some names count as the same."""
    text = json.dumps([reply.body, dict(reply.headers)])
    size = len(text)
    for name in names:
        text = re.sub(rf"\b{re.escape(name)}\b", "?", text)
    return reply.status, text, size


# --- Octeth -----------------------------------------------------------------------------------------------------------

THEIRS, NONE = 1, 7
"""A number that another tenant has, and one that nobody has."""

FOREIGN: dict[str, Any] = {
    **dict.fromkeys(("JourneyID", "EmailID", "ActionID", "ExportID"), "{}"),
    "ListID": "2{}",
    "SubscriberID": "{}",
    "JourneyIDs": "{}",
    "Journeys": "{}",
    "Actions": [{"ActionID": "{}", "Published": True}],
    "Name": "n",
    "NewJourneyName": "n",
    "Trigger": "ListSubscription",
    "Trigger_ListID": "2{}",
}
"""Parameters that name something of another tenant; `{}` is the number. List 21 is another tenant's, 27 nobody's."""


NAMING = {*FOREIGN} - {"Name", "NewJourneyName", "Trigger"}


def octeth() -> tuple[World, Traced]:
    """Return a world on files, in which user 1 has one of everything, and user 2 asks."""
    world = World()
    world.engine = Engine(SQLiteStore(":memory:"), grace=None, max_jump=None)
    world.service = Octeth(world.engine, world.directory)
    world.directory.put_resource("list", 21, "acme", "list 21")
    world.directory.put_subscriber(21, THEIRS, "acme", "ann@gmail.com")
    number = world.journey(MAIL, WAIT, enabled=True)
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=21, SubscriberID=THEIRS)
    world.done("journey.export.submit")
    world.tick(minutes=1)
    assert (number, world.actions(number)[0]) == (THEIRS, THEIRS)
    return world, Traced(world.engine, world.directory)


@pytest.fixture(scope="module")
def foreign() -> tuple[World, Traced]:
    """Give the world once: no call of a stranger changes it."""
    return octeth()


@pytest.mark.parametrize(
    "call",
    [
        each
        for each in CALLS.values()
        if each.permission != ADMIN and {one.name for one in each.parameters} & {*FOREIGN}
    ],
    ids=lambda each: each.command,
)
def test_a_number_of_another_tenant_is_one_that_nobody_has(foreign, call):
    """The same answer, of the same size, by the same statements; asked twice, so that nothing is new to anybody."""
    world, traced = foreign
    before = world.engine.tenant("acme").journeys()
    found = []
    for number in (THEIRS, NONE, THEIRS, NONE):
        given = json.dumps({one.name: FOREIGN[one.name] for one in call.parameters if one.name in FOREIGN})
        body = {**json.loads(given.replace("{}", str(number))), "Command": call.command, "APIKey": world.stranger}
        with traced.noted() as asked:
            reply = world.service.handle(HttpRequest("POST", "/api.php", body=body), world.now)
        found.append((told(reply, "1", "7", "21", "27"), asked))
    assert found[2] == found[3]
    assert found[0][0] == found[1][0]
    assert world.engine.tenant("acme").journeys() == before


@pytest.mark.parametrize("key", [None, "wrong"])
@pytest.mark.parametrize("command", CALLS)
def test_who_has_no_key_of_octeth_asks_nothing_of_the_engine(foreign, command, key):
    """Whatever is named: one answer, one question at most about the key, and none about anything else."""
    world, traced = foreign
    found = []
    for number in (THEIRS, NONE):
        body = {"Command": command, "JourneyID": number, "ListID": f"2{number}", "APIKey": key, "AdminAPIKey": key}
        with traced.noted() as asked:
            reply = world.service.handle(HttpRequest("POST", "/api.php", body=body), world.now)
        found.append((told(reply), asked))
    assert found[0] == found[1]
    assert found[0][0][0] == 401
    assert [of for of, _ in found[0][1]] == ["directory"] * bool(key)


# --- the loyalty platform ---------------------------------------------------------------------------------------------


def two_tenants() -> tuple[Platform, Traced]:
    """Return a platform on files, in which tenant_123 has a journey with somebody inside, and tenant_9 has one too."""
    platform = Platform()
    platform.engine = Engine(SQLiteStore(":memory:"), grace=None, max_jump=None)
    for tenant, names in (("tenant_9", ["journey_900"]), ("tenant_123", ["journey_123"])):
        platform.ours, platform.names = platform.engine.tenant(tenant), iter(names)
        platform.service = Loyalty(platform.ours, tenant, new_id=lambda: next(platform.names))
        path = platform.journey(SEND, REST, active=True, tenantId=tenant)
        platform.enroll(path, f"customer_of_{tenant}")
    platform.service = Loyalty(platform.engine.tenant("tenant_9"), "tenant_9")
    return platform, Traced(platform.engine, platform.directory)


@pytest.fixture(scope="module")
def members() -> tuple[Platform, Traced]:
    """Give the platform to those who call, whose inputs are kept."""
    return two_tenants()


@pytest.fixture(scope="module")
def looked_at() -> tuple[Platform, Traced]:
    """Give the platform to those who look."""
    return two_tenants()


BODIES: dict[str, Any] = {
    "update_journey": {"name": "n"},
    "add_step": REST,
    "update_step": {"name": "n"},
    "reorder_steps": {"stepIds": ["step_1"]},
    "enroll": {"customerId": "customer_of_tenant_123"},
}


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if ":id" in each.path], ids=lambda each: each.name)
def test_a_journey_of_another_tenant_is_one_that_there_is_not(members, operation):
    """The same answer, of the same size, by the same statements."""
    platform, traced = members
    found = []
    for name in ("journey_123", "journey_777") * 2:
        path = operation.path.replace(":id", name).replace(":stepId", "step_1")
        path = path.replace(":enrollmentId", "enrollment_2").replace(":customerId", "customer_of_tenant_123")
        request = HttpRequest(operation.method, path, body=BODIES.get(operation.name))
        with traced.noted() as asked:
            reply = platform.service.answer(request, at=platform.now)
        found.append((told(reply, "journey_123", "journey_777"), asked))
    assert found[2] == found[3]
    assert found[0][0] == found[1][0]
    assert found[0][0][0] == 404


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "/journeys/journey_900/enrollments/{}", ("enrollment_2", "enrollment_7")),
        ("DELETE", "/journeys/journey_900/enrollments/{}", ("customer_of_tenant_123", "customer_of_tenant_777")),
    ],
)
def test_people_of_another_tenant_are_nobody(members, method, path, names):
    """Serials of enrollments are counted over all tenants, and customers may be called alike; neither is found."""
    platform, traced = members
    found = []
    for name in names * 2:
        with traced.noted() as asked:
            reply = platform.service.answer(HttpRequest(method, path.format(name)), at=platform.now)
        found.append((told(reply, *names), asked))
    assert found[2] == found[3]
    assert found[0][0] == found[1][0]
    assert found[0][0][0] == 404


@pytest.mark.parametrize("key", [None, "wrong"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_who_has_no_key_of_the_platform_asks_nothing_of_the_engine(members, operation, key):
    """One answer for all of them, whatever is named."""
    platform, traced = members
    asgi = pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")
    service = asgi.Members(platform.engine, platform.directory)
    found = []
    for name in ("journey_123", "journey_777"):
        path = operation.path.replace(":id", name)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with traced.noted() as asked, pytest.raises(asgi.RequestRefused) as caught:
            service.answer(HttpRequest(operation.method, path, headers=headers, body=b"{"), platform.now)
        found.append((caught.value.status, str(caught.value), caught.value.headers, asked))
    assert found[0] == found[1]
    assert found[0][0] == 401
    assert [of for of, _ in found[0][-1]] == ["directory"] * bool(key)


def test_an_expired_key_is_one_that_nobody_has(foreign):
    """By answer and by work."""
    world, traced = foreign
    expired = world.directory.add_secret("key", user=1, expires_at=1)
    found = []
    for key in (expired, "x" * len(expired)):
        with traced.noted() as asked:
            reply = world.service.handle(HttpRequest("GET", "/api/v1/journeys", {"APIKey": key}), world.now)
        found.append((told(reply), asked))
    assert found[0] == found[1]


# --- the site, and what needs no key ----------------------------------------------------------------------------------

CUSTOMERS = ("customer_of_tenant_123", "customer_of_tenant_777")

JOURNEYS = ("journey_123", "journey_777")


@pytest.mark.parametrize(
    ("page", "names", "asked"),
    [
        ("journey", JOURNEYS, {"id": "{}"}),
        ("journey", JOURNEYS, {"id": "{}", "until": "2025-12-14"}),
        ("people", JOURNEYS, {"journey": "{}", "step": "step_1"}),
        ("messages", JOURNEYS, {"journey": "{}"}),
        ("messages", JOURNEYS, {"journey": "{}", "failed": "yes"}),
        ("customer", JOURNEYS, {"id": "customer_of_tenant_9", "journey": "{}"}),
        ("customer", CUSTOMERS, {"id": "{}"}),
        ("run", JOURNEYS, {"journey": "{}", "customer": "customer_of_tenant_9", "run": "1"}),
        ("run", CUSTOMERS, {"journey": "journey_900", "customer": "{}", "run": "1"}),
    ],
)
def test_a_page_about_another_tenant_is_one_about_nobody(looked_at, page, names, asked):
    """The same page, of the same size, by the same statements."""
    platform, traced = looked_at
    pages = PageService(platform.engine, platform.directory)
    found = []
    for name in names * 2:
        query = {key: value.format(name) for key, value in asked.items()}
        request = HttpRequest("GET", f"/site/{page}", query, {"X-API-Key": platform.stranger})
        with traced.noted() as statements:
            reply = pages.answer(request, platform.now)
        found.append((told(reply, *names), statements))
    assert found[2] == found[3]
    assert found[0][0] == found[1][0]
    assert found[0][0][0] == 404


@pytest.mark.parametrize("path", ["/health", "/openapi/octeth.json", "/openapi/loyalty.json", "/nowhere", "/ready"])
def test_what_needs_no_key_says_the_same_to_everybody(path):
    """Of an engine that has everything as of one that has nothing, with any key or without one."""
    asgi = pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")
    client = pytest.importorskip("starlette.testclient", reason="needs httpx").TestClient
    full, empty, replies = World(), World(), []
    full.done("subscriber.journey.trigger", JourneyID=full.journey(WAIT, enabled=True), ListID=26, SubscriberID=1)
    for world in (full, empty):
        app = client(asgi.application(world.engine, world.directory, clock=lambda: NOW))
        keys: tuple[dict[str, str], ...] = (
            {},
            {"APIKey": "wrong"},
            {"APIKey": world.key},
            {"X-API-Key": world.stranger},
        )
        replies += [app.get(path, headers=headers) for headers in keys]
    assert len({(reply.status_code, reply.content) for reply in replies}) == 1
