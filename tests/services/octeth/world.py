"""What the tests of Octeth's interface share: an account with everything in it, and how it is called."""

from datetime import UTC, datetime, timedelta
from typing import Any

from journeyflow import Engine, Event, MemoryStore
from journeyflow.services.directory import SQLiteDirectory
from journeyflow.services.octeth import Octeth
from journeyflow.services.operations import HttpRequest

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)

ROWS = {
    "list": (10, 26, 30, 123),
    "tag": (7,),
    "field": (10,),
    "domain": (101,),
}


class World:
    """An engine, a directory, and a service of a version, as user 1 of the tenant "acme" sees it."""

    def __init__(self, version: str = "2026") -> None:
        """Fill the directory."""
        self.now = NOW
        self.engine = Engine(MemoryStore())
        self.directory = SQLiteDirectory()
        for number, tenant in ((1, "acme"), (2, "other")):
            self.directory.put_user(number, tenant)
        for kind, numbers in ROWS.items():
            for number in numbers:
                self.directory.put_resource(kind, number, "acme", f"{kind} {number}")
        for number, name in ((129, "Day 1"), (123, "Day 3"), (95, "Welcome Email")):
            self.directory.put_resource("email", number, "acme", name, {"Subject": f"Subject of {name}"})
        self.directory.put_subscriber(26, 1, "acme", "ann@gmail.com", {"BounceType": "Hard"})
        self.directory.put_subscriber(26, 2, "acme", "bob@yahoo.com")
        self.key = self.directory.add_secret("key", user=1)
        self.session = self.directory.add_secret("session", user=1)
        self.admin = self.directory.add_secret("admin")
        self.stranger = self.directory.add_secret("key", user=2)
        self.service = Octeth(self.engine, self.directory, version=version)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Send a request; return the status and the body of the reply."""
        reply = self.service.handle(HttpRequest(method, path, body=body, **more), self.now)
        return reply.status, reply.body

    def call(self, command: str, *, key: str | None = None, **parameters: Any) -> tuple[int, Any]:
        """Make a call by its command."""
        secret = {"AdminAPIKey": self.admin} if command == "journey.copytouser" else {"APIKey": key or self.key}
        return self.send("POST", "/api.php", {"Command": command, **secret, **parameters})

    def done(self, command: str, **parameters: Any) -> Any:
        """Make a call that succeeds, and return its answer."""
        status, answer = self.call(command, **parameters)
        assert status == 200, answer
        return answer

    # --- what is there ------------------------------------------------------------------------------------------------

    def journey(self, *actions: Any, enabled: bool = False, **options: Any) -> int:
        """Create a journey with actions, all of them published."""
        number = int(self.done("journey.create", **{"Name": "Welcome Series", **options})["JourneyID"])
        if actions:
            shown = [{"Published": "true", **each} for each in actions]
            self.done("journey.actions.update", JourneyID=number, Actions=shown)
        if enabled:
            self.done("journey.enable", JourneyID=number)
        return number

    def actions(self, journey: int) -> list[int]:
        """Return the ActionIDs of a journey, those of the outer list."""
        return [int(each["ActionID"]) for each in self.done("journey.get", JourneyID=journey)["Actions"]]

    def tick(self, **length: float) -> None:
        """Let time pass and do what is due; every message is sent and reported."""
        self.now += timedelta(**length)
        self.engine.tick(self.now)
        acme = self.engine.tenant("acme")
        acme.ack(acme.claim("w", at=self.now, channels=["EMAIL"]), at=self.now)
        self.engine.tick(self.now)

    def report(self, kind: str, **data: Any) -> None:
        """Report that something happened to the newest message of everybody."""
        acme = self.engine.tenant("acme")
        for message in acme.messages(channel="EMAIL", take=None):
            acme.feed(
                Event(f"message.{kind}", customer=message.customer, at=self.now, data={"message": message.id, **data})
            )
        self.engine.tick(self.now)


MAIL = {"Action": "SendEmail", "EmailID": 95}
WAIT = {"Action": "Wait", "WaitUnit": "days", "WaitAmount": 3}


def running(version: str = "2026") -> tuple[World, int]:
    """Return a world with a journey that has sent an email to two subscribers, and the number of the journey."""
    world = World(version)
    number = world.journey(MAIL, WAIT, enabled=True)
    for subscriber in (1, 2):
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=subscriber)
    world.tick(minutes=1)
    return world, number
