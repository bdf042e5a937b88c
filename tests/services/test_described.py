"""What the OpenAPI documents describe is what is answered, whatever a client sends.

It needs the dependency group `fuzz`: `pip install --group fuzz`. `test_odd_values.py` needs none.
"""

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from journeyflow import Engine, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.services.directory import SQLiteDirectory
from tests.cases import cases, long
from tests.samples import START

schemathesis = pytest.importorskip("schemathesis", reason="needs the dependency group `fuzz`: schemathesis")
asgi = pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")

MANY = settings(cases(1), max_examples=60 if long() else 4)
"""How many cases are drawn of each operation: a few, the same ones in every run, or many in a long run."""

JOURNEY = Journey(
    id="j1", trigger=Trigger(manual=True), steps=[Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day")]
)


@pytest.mark.parametrize("name", ["loyalty", "octeth"])
def test_no_answer_is_undescribed_and_none_is_an_error_of_the_server(name):
    """Each operation of each system is sent what its description allows, and much that it does not."""
    with Engine(MemoryStore()) as engine, SQLiteDirectory() as directory:
        directory.put_user(1, "acme")
        key, admin = directory.add_secret("key", user=1), directory.add_secret("admin")
        engine.tenant("acme").deploy(JOURNEY, at=START)
        app = asgi.application(engine, directory, clock=lambda: START, most=10**9)
        headers = {"Authorization": f"Bearer {key}", "APIKey": key, "AdminAPIKey": admin}
        schema = schemathesis.openapi.from_asgi(f"/openapi/{name}.json", app)
        for operation in (found.ok() for found in schema.get_all_operations()):
            is_described(operation, headers)


def is_described(operation, headers):
    """Send an operation many cases; each answer has a status and a body that are described, and none is a fault."""
    described = {int(status): said for status, said in operation.definition.raw["responses"].items()}

    @MANY
    @given(case=operation.as_strategy())
    def check(case):
        reply = case.call(headers=headers)
        assert reply.status_code in described
        assert reply.status_code < 500
        content = described[reply.status_code].get("content", {})
        if reply.content and reply.headers["content-type"] == ["application/json"]:
            Draft202012Validator(content["application/json"]["schema"]).validate(reply.json())

    check()
