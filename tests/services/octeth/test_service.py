"""Requests before they are a call: who sends them, where to, in which form; and the document of all calls."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from journeyflow import Engine, MemoryStore
from journeyflow.services.forms import FORM, MULTIPART
from journeyflow.services.octeth import OPERATIONS, VERSIONS, Octeth, openapi
from journeyflow.services.octeth.codes import ENVELOPES
from journeyflow.services.octeth.openapi import TRANSPORT
from journeyflow.services.octeth.table import ROUTES
from journeyflow.services.operations import JSON, HttpRequest
from tests.services.octeth.world import MAIL, NOW, WAIT, World, running


def errors(code: int, message: str) -> dict[str, Any]:
    """Return the usual envelope with one fault."""
    return {"Errors": [{"Code": code, "Message": message}]}


UNKNOWN = errors(99998, "Authentication failure or session expired")


@pytest.mark.rows(206, 257)
def test_a_key_or_a_session_in_any_place_says_who_calls():
    """In the body, in the query, in a header of any case; an empty one is none."""
    world = World()
    path = "/api/v1/journeys"
    for said in ({"APIKey": world.key}, {"SessionID": world.session}, {"sessionid": world.session, "APIKEY": ""}):
        assert world.send("GET", path, said)[0] == 200
        assert world.send("GET", path, query=said)[0] == 200
        assert world.send("GET", path, headers={name.upper(): value for name, value in said.items() if value})[0] == 200
    assert world.send("GET", path, {"APIKey": ""}, headers={"APIKey": world.key})[0] == 200
    for wrong in (
        {},
        {"APIKey": "guess"},
        {"APIKey": world.session},
        {"APIKey": world.admin},
        {"APIKey": 5},
        {"AdminAPIKey": world.admin},
    ):
        assert world.send("GET", path, wrong) == (401, UNKNOWN)


@pytest.mark.rows(206)
def test_who_may_do_what():
    """Copies for another user are for administrators alone; deleting many has a permission of its own."""
    world = World()
    maker = world.directory.add_secret("key", user=1, permissions=["Campaign.Create"])
    assert world.call("journey.list", key=maker)[0] == 200
    forbidden = {"Success": False, "ErrorCode": [99999]}
    assert world.call("journeys.delete", key=maker, Journeys="1") == (403, forbidden)
    for said in ({"APIKey": world.key}, {"AdminAPIKey": world.key}):
        status, body = world.send("POST", "/api/v1/journey.copytouser", {"JourneyID": 1, **said})
        assert (status, body) == (401, {"Success": False, **UNKNOWN})


def test_nothing_is_said_before_it_is_known_who_asks():
    """A fault of parameters is told to callers alone."""
    world = World()
    assert world.send("GET", "/api/v1/journey", {"JourneyID": "x"}) == (401, UNKNOWN)


@pytest.mark.rows(208, 209, 257)
def test_a_call_is_made_by_path_or_by_command_in_any_form():
    """JSON, a form, the query; the body goes before the query."""
    world = World()
    number = world.journey()
    key = {"APIKey": world.key}
    told = world.done("journey.get", JourneyID=number)
    asked = {"Command": "Journey.Get", "JourneyID": str(number), **key}
    form = "&".join(f"{name}={value}" for name, value in asked.items()).encode()
    head = '\r\n--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}'
    parts = "".join(head.format(*each) for each in asked.items()) + "\r\n--x--"
    in_parts = {"Content-Type": "multipart/form-data; boundary=x"}
    for request in (
        HttpRequest("POST", "/api.php", body=form),
        HttpRequest("POST", "/api.php", headers=in_parts, body=parts.encode()),
        HttpRequest("GET", "/api.php", query=asked),
        HttpRequest("POST", "/api.php", body=json.dumps(asked).encode()),
        HttpRequest("GET", "/api/v1/journey", query={"journeyid": str(number)}, headers=key),
        HttpRequest("GET", "/api/v1/journey", query={"JourneyID": "999"}, body={"JourneyID": number, **key}),
    ):
        assert world.service.handle(request, NOW).body == told
    nested = f"APIKey={world.key}&JourneyID={number}&Actions[0][Action]=ExitThisJourney&Actions[0][Published]=true"
    status, answer = world.send("PATCH", "/api/v1/journey.actions", nested.encode())
    assert (status, answer["Actions"][0]["Action"]) == (200, "ExitThisJourney")
    asked = {"JourneyID": str(number), "Actions[0][Action]": "ExitAllJourneys"}
    status, answer = world.send("PATCH", "/api/v1/journey.actions", query={**asked, **key})
    assert (status, answer["Actions"][0]["Action"]) == (200, "ExitAllJourneys")
    listed = f'APIKey={world.key}&JourneyID={number}&Actions=[{{"Action":"ExitAllJourneys"}}]'
    assert (
        world.send("PATCH", "/api/v1/journey.actions", listed.encode())[1]["Actions"][0]["Action"] == "ExitAllJourneys"
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/journey.sing", None, 404),
        ("GET", "/somewhere", None, 404),
        ("GET", "/api/v1/", None, 404),
        ("DELETE", "/api/v1/journey", None, 405),
        ("PUT", "/api.php", None, 405),
        ("POST", "/api.php", {"Command": "journey.sing"}, 404),
        ("POST", "/api.php", {"Command": 5}, 404),
        ("POST", "/api.php", None, 404),
        ("POST", "/api/v1/journey", b"{", 400),
        ("POST", "/api/v1/journey", b"\xff", 400),
    ],
)
def test_what_is_no_call(method, path, body, status):
    """The code is the HTTP status, in the usual envelope."""
    found, answer = World().send(method, path, body)
    assert found == status
    assert answer["Errors"][0]["Code"] == status
    assert answer["Errors"][0]["Message"]


def test_a_version_is_one_of_four():
    """Any other is refused at once."""
    world = World()
    with pytest.raises(ValueError, match="expected one of 2023, 2024, 2025, 2026"):
        Octeth(Engine(MemoryStore()), world.directory, version="6.0")


@pytest.mark.parametrize("command", OPERATIONS)
def test_a_call_answers_in_json(command):
    """Whatever is given: every answer of every version can be written as JSON, and no request raises."""
    for version in VERSIONS:
        world = World(version)
        number = world.journey()
        values: list[Any] = [0, '{"a":1}']
        for value in (*values, number, "x", [], {}, None, True, -1, 10**30, "\ud800", [[]], 1.5, "9" * 40):
            names = [each.name for each in OPERATIONS[command].parameters]
            for said in (dict.fromkeys(names, value), {**dict.fromkeys(names, value), "JourneyID": number}):
                status, body = world.call(command, **said)
                assert 200 <= status < 500
                json.dumps(body)


VALUES: tuple[Any, ...] = (
    *(
        0,
        1,
        -1,
        2**62,
        10**30,
        1.5,
        True,
        None,
        "",
        "x",
        "1",
        "0",
        "a..b",
        "\0",
        "9" * 40,
        "a" * 500,
        "2026-01-01",
        "0001-01-01",
    ),
    *(
        [],
        {},
        [[]],
        [1],
        [{}],
        [{"Property": "a", "Operator": "matches regex", "Value": "("}],
        ["opened"],
        '["opened"]',
        "{",
    ),
    *("Tag", "RevenueHit", "WebsiteEvent_pageView", "and", "ASC", "all", "gmail.com", "1,2,3"),
    [{"ActionID": 1, "Published": 1, "Action": "Wait", "WaitUnit": "days", "WaitAmount": 10**9}],
    [{"Action": "SendEmail", "EmailID": "{{ List:Name }}", "From": {"Name": "{{ List:Name }}"}}],
)


@pytest.mark.parametrize("name", [b"NaN", b"Infinity", b"true", b"[]"])
def test_a_name_is_a_text_or_a_number(name):
    """What Python reads as a number that is none is no name."""
    world = World()
    body = b'{"Name": %b, "APIKey": "%b"}' % (name, world.key.encode())
    assert world.send("POST", "/api/v1/journey", body) == (422, errors(1, "Missing Name parameter"))
    assert world.done("journey.create", Name=2026.5)["Journey"]["JourneyName"] == "2026.5"


@pytest.mark.parametrize("version", ["2024", "2026"])
def test_no_request_raises(version):
    """Parameters drawn at random, in calls about things that are there, are answered as a call or refused as one.

    Each answer has a status and a body that the OpenAPI document describes for the call.
    """
    world, number = running(version)
    described = validators(version)
    draw = random.Random(version)  # as good as any
    actions = [1, 2]
    for each in list(OPERATIONS.values()) * 25:
        said = {one.name: draw.choice(VALUES) for one in each.parameters if draw.random() < 0.7}
        there = {
            "JourneyID": number,
            "ActionID": draw.choice(actions),
            "ListID": 26,
            "SubscriberID": 1,
            "SourceUserID": 1,
            "TargetUserID": 2,
        }
        said |= {name: value for name, value in there.items() if draw.random() < 0.8}
        if each.command in {"journey.delete", "journeys.delete"}:
            said = {}
        status, body = world.call(each.command, **said)
        assert 200 <= status < 500, (each.command, said)
        assert status in described[each.command], (each.command, said)
        if isinstance(body, str):
            assert each.command == "journey.export.get"
        else:
            described[each.command][status].validate(json.loads(json.dumps(body)))
    assert world.engine.audit() == []


def validators(version: str) -> dict[str, dict[int, Draft202012Validator]]:
    """Return what the OpenAPI document says of the JSON of each status, by command; without a path, of /api.php."""
    paths = openapi(version)["paths"]
    said = {
        each.command: paths[f"/api/v1/{each.path}"][each.methods[0].lower()] if each.path else paths["/api.php"]["post"]
        for each in OPERATIONS.values()
    }
    return {
        command: {
            int(status): Draft202012Validator(told["content"][JSON]["schema"])
            for status, told in operation["responses"].items()
        }
        for command, operation in said.items()
    }


def test_what_the_engine_finds_wrong_has_the_status_as_its_code():
    """There is no code for it in the documents."""
    world, number = running()
    status, body = world.call("journey.get", JourneyID=number, StartDate="1900-01-01")
    assert (status, body["Errors"][0]["Code"]) == (422, 422)
    assert "ask for fewer" in body["Errors"][0]["Message"]


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_agrees_with_itself():
    """Codes of parameters come before those of the call; every envelope is one of the four; routes lead to calls."""
    assert len(OPERATIONS) == 25
    for each in OPERATIONS.values():
        assert {each.envelope(version) for version in VERSIONS} <= set(ENVELOPES)
        assert all(code.number > 0 for code in each.all_codes)
        assert each.path is None or all(ROUTES[method, each.path] is each for method in each.methods)
        assert set(each.seeds) <= set(VERSIONS)
        for code in each.all_codes:
            assert code.message


@pytest.mark.parametrize("version", VERSIONS)
def test_the_openapi_document_has_every_call(version):
    """With its parameters and every status that it answers, in the words of the version."""
    document = openapi(version)
    json.dumps(document)
    assert document["info"]["version"] == version
    for each in OPERATIONS.values():
        for method in each.methods if each.path else ():
            told = document["paths"][f"/api/v1/{each.path}"][method.lower()]
            statuses = {str(code.status) for code in each.all_codes} | {"200", "401", "403", *map(str, TRANSPORT)}
            assert set(told["responses"]) == statuses
            names = {name["name"] for name in told.get("parameters", ())}
            needed = {one.name for one in each.parameters if one.missing is not None}
            assert {name["name"] for name in told.get("parameters", ()) if name["required"]} == (
                needed if method == "GET" else set()
            )
            bodies = told.get("requestBody", {}).get("content", {})
            assert set(bodies) == (set() if method == "GET" else {JSON, FORM, MULTIPART})
            body = bodies.get(JSON, {}).get("schema", {})
            assert names | set(body.get("properties", {})) == {one.name for one in each.parameters}
            assert set(body.get("required", ())) == (set() if method == "GET" else needed)
    assert "405" in document["paths"]["/api.php"]["post"]["responses"]


def test_many_threads_make_calls_at_once(tmp_path):
    """Over one file and one directory, as a server does: every journey and every action has a number of its own."""
    world = World()
    world.service = Octeth(Engine(tmp_path / "run.db"), world.directory)

    def work(_: int) -> tuple[int, list[int]]:
        number = world.journey(MAIL, WAIT, enabled=True)
        for subscriber in (1, 2):
            world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=subscriber)
        return number, world.actions(number)

    with world.service.engine as engine, ThreadPoolExecutor(4) as pool:
        made = list(pool.map(work, range(8)))
        assert len({number for number, _ in made}) == 8
        assert len({action for _, actions in made for action in actions}) == 16
        assert [each.enrolled for each in engine.tenant("acme").journeys()] == [2] * 8
        assert engine.audit() == []
