"""The calls of a host as values, and lives, which are made of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from attrs import field, frozen

from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.records.public import Enroll, Event, Put

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When a life begins and its journeys are activated: a Thursday, at midnight UTC."""


@frozen
class Leave:
    """The host ends a customer's runs in a journey: `Engine.exit`."""

    journey: str
    customer: str
    at: datetime = field(kw_only=True)
    reason: str = field(kw_only=True, default="manual")
    key: str | None = field(kw_only=True, default=None)


@frozen
class RetryRun:
    """The host retries a customer's newest run in a journey from where it failed: `Engine.retry` (R43)."""

    journey: str
    customer: str
    at: datetime = field(kw_only=True)


@frozen
class Lifecycle:
    """The host pauses, resumes or archives a journey (R11); `overdue` is for a resume (R16)."""

    journey: str
    action: Literal["pause", "resume", "archive"]
    at: datetime = field(kw_only=True)
    overdue: Literal["run", "shift"] = field(kw_only=True, default="run")


@frozen
class Migrate:
    """The host publishes a version as the newest, and moves all active runs to it (R12, R14)."""

    version: Journey
    mapping: Mapping[str, str | None]
    at: datetime = field(kw_only=True)

    @property
    def journey(self) -> str:
        """The journey's id."""
        return self.version.id


@frozen
class SetPublished:
    """The host publishes or unpublishes a step: `Engine.set_published` (R17)."""

    journey: str
    step: str
    published: bool
    at: datetime = field(kw_only=True)


@frozen
class Forget:
    """The host forgets a customer: `Engine.forget`. Skipped if the customer is unknown (R86)."""

    customer: str
    at: datetime = field(kw_only=True)


@frozen
class Prune:
    """The host prunes what was finished before an instant: `Engine.prune` (R86)."""

    before: datetime
    at: datetime = field(kw_only=True)


FOR_GOOD = " for good"
"""The end of the kind of a Reaction that is a permanent bounce."""


@frozen
class Reaction:
    """Something happens to a message: `kind` is opened, clicked, ..., or acknowledged for the channel's `Engine.ack`.

    The kind `revenue` is money that names the message; the amount grows with `nth`. "bounced for good" is a permanent
    bounce.

    `nth` picks the message among those queued so far, in order of enrollment and visit, starting over after the last.
    While there are none, nothing happens.
    """

    kind: str
    nth: int
    at: datetime = field(kw_only=True)


@frozen
class Ack:
    """The channel reports that a message was sent: `Engine.ack`. A Reaction "acknowledged" becomes this call."""

    message: str
    at: datetime = field(kw_only=True)


@frozen
class SetPolicies:
    """The host sets caps and quiet hours: `Engine.set_policies`."""

    policies: Policies
    at: datetime = field(kw_only=True)


Call = (
    Event
    | Put
    | Enroll
    | Leave
    | RetryRun
    | Lifecycle
    | Migrate
    | SetPublished
    | Forget
    | Prune
    | Reaction
    | Ack
    | SetPolicies
)
"""One call of a host to the engine."""


def _calls(calls: Iterable[Call]) -> Sequence[Call]:
    return tuple(calls)


@frozen(repr=False)
class Life:
    """What happens from `START` to `end`: the calls of a host, in the order in which it makes them.

    `as_code` writes a life as Python; its repr counts its calls.
    """

    calls: Sequence[Call] = field(converter=_calls)
    end: datetime

    def __repr__(self) -> str:
        """Return how many calls there are, and when the life ends."""
        return f"Life({len(self.calls)} calls until {self.end.isoformat()}; see as_code)"
