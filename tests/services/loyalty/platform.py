"""What the tests of the loyalty platform's interface share: two tenants, a key of each, and how they are called."""

import json
from datetime import UTC, datetime
from typing import Any

from journeyflow import Engine, MemoryStore
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.loyalty import Loyalty
from journeyflow.services.operations import HttpRequest

SEED_DAY = datetime(2025, 12, 14, 10, tzinfo=UTC)
"""When most of what the document prints happens."""


class Platform:
    """An engine and a directory, and the service of tenant_123 as user_123 sees it, at an instant that tests move."""

    def __init__(self) -> None:
        """Begin with two tenants and no journeys."""
        self.now = SEED_DAY
        self.engine = Engine(MemoryStore(), grace=None, max_jump=None)
        self.directory = SQLiteDirectory()
        self.directory.put_user(123, "tenant_123")
        self.directory.put_user(9, "tenant_9")
        self.key, self.stranger = (self.directory.add_secret("key", user=number) for number in (123, 9))
        self.ours = self.engine.tenant("tenant_123")
        self.names = iter([f"journey_{number}" for number in range(123, 200)])
        self.service = Loyalty(self.ours, "tenant_123", new_id=lambda: next(self.names))

    def at(self, text: str) -> None:
        """Move the clock, and do what is due by then."""
        self.now = datetime.fromisoformat(text)
        self.engine.tick(self.now)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask in process; return status and body as they would come over HTTP."""
        text = None if body is None else json.dumps(body).encode()
        reply = self.service.answer(HttpRequest(method, path, body=text), at=self.now, user="user_123")
        return reply.status, json.loads(json.dumps(reply.body))

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for something that succeeds, and return the answer."""
        status, answer = self.ask(method, path, body)
        assert status < 300, answer
        return answer

    def journey(self, *steps: Any, active: bool = False, **keys: Any) -> str:
        """Create a journey step by step and return its path."""
        usual = {"tenantId": "tenant_123", "name": "New Member Onboarding", "triggerType": "scl.member.created"}
        path = f"/journeys/{self.done('POST', '/journeys', {**usual, **keys})['id']}"
        for step in steps:
            self.done("POST", f"{path}/steps", step)
        if active:
            self.done("POST", f"{path}/activate")
        return path

    def enroll(self, path: str, *customers: str) -> None:
        """Enroll customers as the host does: all at once, in their order."""
        self.ours.enroll(path.rpartition("/")[2], customers, at=self.now)
        self.engine.tick(self.now)
