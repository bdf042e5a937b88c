"""Each printed example and each code of the loyalty platform's interface, over a socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyflow.services.loyalty.table import CODES, METHOD_NOT_ALLOWED, OPERATIONS
from tests.services.loopback import Loopback, serving
from tests.services.loyalty.described import is_described
from tests.services.loyalty.platform import Platform
from tests.services.loyalty.printed import EXAMPLES, Example, check
from tests.services.loyalty.provoked import CASES, METHODS, TOO_LARGE, TOO_MANY_REQUESTS, UNAUTHORIZED, Case
from tests.services.loyalty.rulings import RULINGS
from tests.services.ruled import names_of_tests

STATUSES = {UNAUTHORIZED: 401, TOO_LARGE: 413, TOO_MANY_REQUESTS: 429, **{code: CODES[code][0] for code in CODES}}


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    """Give a server."""
    with serving() as found:
        yield found


def asked(loopback, platform, method, path, body=None, *, key=None):
    """Send a request as tenant_123, or with another key; return the reply."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {platform.key if key is None else key}", "Content-Type": "application/json"}
    return loopback.client.request(method, path, content=content, headers=headers)


@pytest.mark.rows(252, 253, 254, 255)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_each_printed_example_is_answered_as_it_is_printed(loopback, example: Example):
    """Every printed value, but for those that contradict others; what was deleted is not there any more."""
    platform = Platform()
    example.prepare(platform)
    loopback.serve(platform)
    body = None if example.body is None else example.body.encode()
    reply = asked(loopback, platform, example.method, example.path, body)
    answer = json.loads(reply.content) if reply.content else None
    check(example, reply.status_code, answer)
    is_described(example.endpoint, reply.status_code, answer)
    if example.method == "DELETE":
        assert asked(loopback, platform, "DELETE", example.path).status_code == 404
    assert "content-type" not in reply.headers or reply.headers["content-type"] == "application/json"


def provoke(loopback, case: Case):
    """Send the request of a case; return the status, the code, and the details."""
    platform = Platform()
    case.prepare(platform)
    loopback.serve(platform)
    operation = next(each for each in OPERATIONS if each.name == case.operation)
    path = operation.path if ":id" not in operation.path else "/journeys/journey_123"
    reply = asked(loopback, platform, case.method or operation.method, path + case.path, case.body)
    is_described(operation, reply.status_code, reply.json())
    error = reply.json()["error"]
    assert error.keys() == {"code", "message", "details"}
    assert error["message"]
    return reply.status_code, error["code"], tuple((each["code"], each["path"]) for each in error["details"])


@pytest.mark.parametrize("case", CASES, ids=lambda each: f"{each.operation} {each.code}")
def test_each_code_of_each_call_is_provoked(loopback, case: Case):
    """With its status, its envelope, and what is wrong where."""
    assert provoke(loopback, case) == (STATUSES[case.code], case.code, case.details)


@pytest.mark.parametrize("case", METHODS, ids=lambda each: each.operation)
def test_each_path_has_methods_that_it_does_not_take(loopback, case: Case):
    """405, and the message names those that it takes."""
    assert provoke(loopback, case) == (405, METHOD_NOT_ALLOWED, ())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_call_has_the_codes_of_the_transport(loopback, operation):
    """Without a key, with too large a body, and one time too often."""
    platform = Platform()
    loopback.serve(platform, most=1)
    path = operation.path.replace(":id", "journey_123")
    found = [
        asked(loopback, platform, operation.method, path, key="wrong"),
        asked(loopback, platform, operation.method, path, b"x" * 1_000_001),
        asked(loopback, platform, operation.method, path, {}),
        asked(loopback, platform, operation.method, path, {}),
    ]
    codes = [(reply.status_code, reply.json()["error"]["code"]) for reply in (*found[:2], found[-1])]
    assert codes == [(STATUSES[code], code) for code in (UNAUTHORIZED, TOO_LARGE, TOO_MANY_REQUESTS)]
    assert found[2].status_code not in {401, 413, 429}


def test_every_call_has_its_examples_its_codes_and_its_rulings():
    """No row of docs/conformance.md is empty, and every code that the table lists is provoked; no other is."""
    for operation in OPERATIONS:
        assert [each for each in EXAMPLES if each.operation == operation.name], operation.name
        assert {each.code for each in CASES if each.operation == operation.name} == {*operation.errors}
        assert RULINGS[operation.name]
    assert RULINGS.keys() == {each.name for each in OPERATIONS}


def test_every_ruling_is_shown_by_a_test():
    """Each names one in this folder."""
    tests = names_of_tests(Path(__file__).parent.glob("test_*.py"))
    assert {each.shown for rulings in RULINGS.values() for each in rulings} <= tests
