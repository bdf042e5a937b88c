"""The three journeys of the mixed month as plain data, which hosts of other libraries go through.

A step does something, waits, or asks which way to go on. Where it leads stands here, so that a peer with states, nodes
or tasks of its own builds them from this; what a step does is a function of the run and the instant.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from journeyflow.basics.chance import bucket, draw

HALF = 5_000
"""Half of the ten thousand buckets of a split."""

RICH = 100
"""The total of a cart above which somebody calls."""

SENDS = {
    "hello": ("EMAIL", "hello"), "tips": ("EMAIL", "tips"), "offer": ("EMAIL", "offer"), "nudge": ("SMS", "nudge"),
    "reminder": ("EMAIL", "cart"), "call": ("SMS", "call"), "miss": ("EMAIL", "miss"),
}  # fmt: skip
"""The channel and the template of each step that sends."""

ZONES = {name: ZoneInfo(name) for name in (
    "Europe/Paris", "America/New_York", "Asia/Tokyo", "Africa/Johannesburg", "America/Sao_Paulo", "Asia/Kolkata"
)}  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DONE = "done"
"""The end of each journey."""


def micros(at: datetime | None) -> int | None:
    """Return an instant in microseconds."""
    if at is None:
        return None
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def later_there(at: datetime, zone: str, span: timedelta) -> datetime:
    """Return the instant when clocks in a zone show so much more."""
    return (at.astimezone(ZONES[zone]) + span).astimezone(UTC)


def nine_there(at: datetime, zone: str) -> datetime:
    """Return the next instant when it is nine in the morning in a zone."""
    local = at.astimezone(ZONES[zone])
    nine = local.replace(hour=9, minute=0, second=0, microsecond=0)
    return (nine if nine >= local else nine + timedelta(days=1)).astimezone(UTC)


def greeting(customer: str, number: int, name: str) -> str:
    """Return the text of the first message, one of two greetings by chance."""
    word = ("Hi", "Hello")[draw(2, "default", "welcome", customer, str(number), "1", "Hi", "Hello")]
    return f"{word} {name}"


def arm_of(customer: str) -> str:
    """Return the arm of the split that a customer falls in."""
    return "tips" if bucket("default", "welcome", "test", customer) < HALF else "offer"


class Run:
    """One customer's way through one journey; `handle` is what a peer keeps for it."""

    def __init__(self, serial: int, customer: str, person: dict[str, Any], journey: str, number: int) -> None:
        """Begin active."""
        self.serial, self.customer, self.person, self.journey, self.number = serial, customer, person, journey, number
        self.status, self.step, self.total = "ACTIVE", "", 0
        self.entered = EPOCH
        self.converted: datetime | None = None
        self.due: datetime | None = None
        self.sent = 0
        self.opened: set[str] = set()
        self.handle: Any = None

    @property
    def name(self) -> str:
        """The first name of the customer."""
        return str(self.person.get("firstName", ""))

    @property
    def zone(self) -> str:
        """The time zone of the customer."""
        return str(self.person["timezone"])


class Step(NamedTuple):
    """What a step is, where it leads by outcome, and its work.

    The work is, by what it is: for "send" the data of the message, for "choice" the outcome, for "tag" the tag, each of
    a run; for "wait" the instant until which a run waits, of the run and the instant. `event` is what else ends a wait.
    """

    kind: str
    ways: dict[str, str]
    work: Callable[..., Any]
    event: str = ""


def send(data: Callable[[Run], dict[str, object]], then: str) -> Step:
    """Return a step that sends a message."""
    return Step("send", {"queued": then}, data)


def wait(until: Callable[[Run, datetime], datetime], then: str, event: str = "") -> Step:
    """Return a step that waits until an instant, or for an event about a message of the run."""
    return Step("wait", {"elapsed": then}, until, event)


def choice(ask: Callable[[Run], str], ways: dict[str, str]) -> Step:
    """Return a step that asks which way to go on."""
    return Step("choice", ways, ask)


def tag(name: str, then: str) -> Step:
    """Return a step that tags the customer."""
    return Step("tag", {"tagged": then}, lambda _: name)


class Plan(NamedTuple):
    """A journey: its trigger, its steps in order, who may enter again, and what ends a run or is its goal."""

    trigger: str
    steps: dict[str, Step]
    again: timedelta | None = None
    """How long after one entry the next may follow, once the run has ended; None is never."""
    restart: bool = False
    """Whether an entry ends the run before, and is always allowed."""
    exit: str = ""
    goal: str = ""
    within: timedelta = timedelta(0)

    @property
    def first(self) -> str:
        """The name of the first step."""
        return next(iter(self.steps))

    def admits(self, last: Run | None, at: datetime) -> bool:
        """Return whether one whose last run this is may enter."""
        if last is None or self.restart:
            return True
        return self.again is not None and last.status != "ACTIVE" and at >= last.entered + self.again


JOURNEYS = {
    "welcome": Plan("signup", {
        "hello": send(lambda run: {"text": greeting(run.customer, run.number, run.name)}, "breathe"),
        "breathe": wait(lambda run, at: later_there(at, run.zone, timedelta(days=2)), "read"),
        "read": choice(lambda run: "yes" if "hello" in run.opened else "no", {"yes": "test", "no": "nudge"}),
        "test": choice(lambda run: arm_of(run.customer), {"tips": "tips", "offer": "offer"}),
        "tips": send(lambda run: {"name": run.name}, "onboarded"),
        "offer": send(lambda _: {}, "onboarded"),
        "nudge": send(lambda _: {}, "onboarded"),
        "onboarded": tag("onboarded", DONE),
    }),
    "cart": Plan("cart.updated", {
        "hour": wait(lambda _, at: at + timedelta(hours=1), "reminder"),
        "reminder": send(lambda run: {"total": run.total}, "click"),
        "click": wait(lambda _, at: at + timedelta(days=1), "rich", event="message.clicked"),
        "rich": choice(lambda run: "yes" if run.total > RICH else "no", {"yes": "call", "no": DONE}),
        "call": send(lambda _: {}, DONE),
    }, again=timedelta(days=1), exit="purchase", goal="purchase", within=timedelta(days=3)),
    "win-back": Plan("purchase", {
        "quiet": wait(lambda run, at: later_there(at, run.zone, timedelta(days=9)), "morning"),
        "morning": wait(lambda run, at: nine_there(at, run.zone), "miss"),
        "miss": send(lambda run: {"name": run.name}, DONE),
    }, restart=True),
}  # fmt: skip
