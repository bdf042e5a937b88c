"""A client of the loyalty platform's API, and what the examples of its document send."""

import json
from typing import Any

from journeyflow.services.loyalty import Loyalty
from journeyflow.services.loyalty.table import CODES
from journeyflow.services.operations import HttpRequest
from tests.samples import START
from tests.services.loyalty import printed

CREATE, FOLLOW_UP = json.loads(printed.CREATE), json.loads(printed.ADD)

STEPS: list[dict[str, Any]] = json.loads(printed.STEPS)["data"]

TYPES: list[dict[str, Any]] = [json.loads(each) for each in printed.TYPES.values()]
"""The examples of "Step Types", in the order of the document."""


class Client:
    """A client of one tenant, who asks at an instant."""

    def __init__(self, engine):
        self.engine = engine.tenant("tenant_123")
        names = iter(f"journey_{n}" for n in range(123, 200))
        self.service = Loyalty(self.engine, "tenant_123", new_id=lambda: next(names))
        self.at = START

    def ask(self, method, path, body=None, /, **query):
        """Return status and body, as they would come over HTTP."""
        text = None if body is None else json.dumps(body).encode()
        request = HttpRequest(method, path, {name: str(value) for name, value in query.items()}, body=text)
        reply = self.service.answer(request, at=self.at, user="user_123")
        return reply.status, json.loads(json.dumps(reply.body))

    def ok(self, method, path, body=None, /, **query):
        """Return the body of an answer that is not an error."""
        status, answer = self.ask(method, path, body, **query)
        assert status < 300, answer
        return answer

    def create(self, *steps, active=True, **more):
        """Create a journey step by step; return its path."""
        path = f"/journeys/{self.ok('POST', '/journeys', {**CREATE, **more})['id']}"
        for step in steps:
            self.ok("POST", f"{path}/steps", step)
        if active:
            self.ok("POST", f"{path}/activate")
        return path


def refused(answer, status, code):
    """Return the details of an error, having looked at its envelope."""
    assert answer[0] == status == CODES[code][0]
    assert (answer[1].keys(), answer[1]["error"].keys()) == ({"error"}, {"code", "message", "details"})
    assert answer[1]["error"]["code"] == code
    assert answer[1]["error"]["message"]
    return [(each["code"], each["path"]) for each in answer[1]["error"]["details"]]
