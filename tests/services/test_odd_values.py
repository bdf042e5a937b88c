"""Whatever a client sends to a call that is described, the answer is one that is described, and no error of the server.

`test_described.py` sends more, with schemathesis, where the dependency group `fuzz` is installed.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from journeyflow.services.forms import FORM
from journeyflow.services.loyalty.openapi import openapi as of_loyalty
from journeyflow.services.octeth import VERSIONS
from journeyflow.services.octeth.openapi import openapi as of_octeth
from journeyflow.services.operations import JSON, HttpRequest
from tests.cases import cases
from tests.services.loyalty.platform import Platform
from tests.services.octeth.world import MAIL, WAIT, World

ODD: list[Any] = [
    *("", "0", "1", "-1", " 1", "1.0", "1e3", "x", "ENABLED", "true", "é\u0301", "a\0b", "ǅ", "2026-05-17"),
    *("2026-02-30", "9" * 400, "<&>", "1,2,x", "[]", "{}", "null", "%00", "-0", "٣", "Manual", "26", "'; --"),
    *(0, 1, -1, 1.5, 10**30, -(2**63), 1e308, True, False, None),
    *([], {}, [[]], [1], [None], {"a": {}}, [{"ActionID": []}]),
    [{"Action": "Decision", "Criteria": [{"type": "campaign-events", "operator": "opened", "value": {"a": []}}]}],
    [{"Action": "Wait", "WaitUnit": "days", "WaitAmount": 10**30}],
]
"""Values that are seldom right anywhere."""

Described = tuple[str, str, Mapping[str, Any]]
"""A method, a path and what the document says of it."""


@cache
def operations(system: str) -> list[Described]:
    """Return the operations that an OpenAPI document describes."""
    document = of_loyalty() if system == "loyalty" else of_octeth(system)
    return [
        (method.upper(), path, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in {"get", "post", "patch", "delete", "put"}
    ]


def names_of(said: Mapping[str, Any], place: str) -> list[str]:
    """Return the names of the parameters in the query or the path, or of the keys of the body."""
    if place != "body":
        return [each["name"] for each in said.get("parameters", ()) if each["in"] == place]
    content = said.get("requestBody", {}).get("content", {})
    schema = content.get(JSON, {}).get("schema", {})
    variants = [part for each in (schema, *schema.get("oneOf", ())) for part in (each, *each.get("allOf", ()))]
    return sorted({name for each in variants for name in each.get("properties", {})})


def requests(system: str) -> st.SearchStrategy[tuple[Described, HttpRequest]]:
    """Return requests for all operations of a system, each parameter with an odd value, a usual one, or none."""

    @st.composite
    def one(draw: st.DrawFn) -> tuple[Described, HttpRequest]:
        described = draw(st.sampled_from(operations(system)))
        method, path, said = described
        odd, usual = st.sampled_from(ODD), {"JourneyID": 1, "ListID": 26, "SubscriberID": 1, "ActionID": 1}
        given = {
            name: draw(odd) if draw(st.integers(0, 2)) == 0 else usual.get(name, "1")
            for place in ("query", "body")
            for name in names_of(said, place)
            if draw(st.booleans()) or (name in usual and draw(st.booleans()))
        }
        for name in names_of(said, "path"):
            value = draw(st.sampled_from(["journey_123", "step_1", "ann", "", "0", "é", "x" * 300]))
            path = path.replace(f"{{{name}}}", value)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        if "requestBody" not in said:
            return described, HttpRequest(method, path, query=texts)
        if system != "loyalty" and draw(st.booleans()):
            form = urlencode(texts).encode()
            return described, HttpRequest(method, path, headers={"Content-Type": FORM}, body=form)
        return described, HttpRequest(method, path, headers={"Content-Type": JSON}, body=json.dumps(given).encode())

    return one()


@cache
def world(version: str) -> World:
    """Return a world of a version with a journey that runs."""
    made = World(version)
    made.journey(WAIT, MAIL, enabled=True)
    return made


def check(described: Described, status: int, body: Any) -> None:
    """Check that an answer is one of those that are described."""
    answers = {int(each): said for each, said in described[2]["responses"].items()}
    assert status in answers, (status, body)
    assert status < 500
    content = answers[status].get("content", {}).get(JSON)
    if content is not None and not isinstance(body, str | bytes):
        Draft202012Validator(content["schema"]).validate(json.loads(json.dumps(body)))


@pytest.mark.parametrize("version", VERSIONS)
def test_octeth_answers_odd_values_as_it_is_described(version):
    """By path and by command, in the query, in a form and in JSON."""
    made = world(version)

    @cases(300)
    @given(requests(version))
    def holds(asked: tuple[Described, HttpRequest]) -> None:
        described, request = asked
        secrets = {"APIKey": made.key, "AdminAPIKey": made.admin}
        signed = HttpRequest(request.method, request.path, request.query, {**request.headers, **secrets}, request.body)
        reply = made.service.handle(signed, made.now)
        check(described, reply.status, reply.body)

    holds()


def test_the_loyalty_platform_answers_odd_values_as_it_is_described():
    """In paths, in the query and in JSON."""
    platform = Platform()
    platform.journey({"type": "WAIT", "name": "Wait", "config": {"duration": "3 days"}}, active=True)

    @cases(300)
    @given(requests("loyalty"))
    def holds(asked: tuple[Described, HttpRequest]) -> None:
        described, request = asked
        reply = platform.service.answer(request, at=platform.now, user="user_123")
        check(described, reply.status, reply.body)

    holds()
