"""What a host gives and gets: events, customers, enrollments, visits, messages."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from attrs import field, frozen

from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe, faults, freeze, id_fault
from journeyflow.basics.words import REVENUE
from journeyflow.errors import InvalidInput

MAX_REVENUE = 1_000_000_000_000
"""Minor units in one event: ten billions of any currency, and millions of such events may still be summed up."""

# --- what a host gives ----------------------------------------------------------------------------------------------


def _mapping(value: object) -> Mapping[str, object]:
    return MappingProxyType(dict(freeze(value))) if isinstance(value, Mapping) else value  # type: ignore[call-overload, return-value]  # what is no mapping is told later


@frozen
class Event:
    """Something that happened to a customer: its type, the customer's id, when, an optional id, its data (R20, R26).

    `at` is timezone-aware. Raises InvalidInput with every fault at once.

    >>> from datetime import UTC, datetime
    >>> Event("purchase", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC), data={"amount": 5}).data["amount"]
    5
    """

    type: str
    customer: str = field(kw_only=True)
    at: datetime = field(kw_only=True)
    id: str | None = field(kw_only=True, default=None)
    data: Mapping[str, object] = field(kw_only=True, factory=dict, converter=_mapping, hash=False)

    def __attrs_post_init__(self) -> None:
        """Check at the door, so that nothing later has to."""
        found = list(event_faults(self))
        if found:
            raise InvalidInput(found)


def event_faults(event: Event) -> list[str]:
    """List what is wrong with an event, each fault with the field it is in."""
    named = (("type", event.type), ("customer", event.customer), ("id", event.id))
    found = [
        f"{name}: {fault}"
        for name, value in named
        if (name != "id" or value is not None) and (fault := id_fault(value))
    ]
    try:
        to_micros(event.at)
    except (TypeError, ValueError) as error:
        found.append(f"at: {error}")
    if isinstance(event.data, Mapping):
        found += faults(event.data, "data")
    else:
        found.append(f"data: must be an object, not {describe(event.data)}")
    if event.type == REVENUE and isinstance(event.data, Mapping):
        found += _revenue_faults(event.data.get("amount"))
    return found


def _revenue_faults(amount: object) -> list[str]:
    """Say why something is no amount of revenue (R83)."""
    if type(amount) is int and abs(amount) <= MAX_REVENUE:
        return []
    msg = f"must be a whole number of minor units such as 1999 for 19.99, up to {MAX_REVENUE:,}, not {describe(amount)}"
    return [f"data.amount: {msg}"]


# --- what a host gets -----------------------------------------------------------------------------------------------


@frozen
class Customer:
    """A person: tenant, id and attributes, as ticks have left them (R10)."""

    tenant: str
    id: str
    attributes: Mapping[str, object] = field(hash=False)


@frozen
class Visit:
    """One stay at a step: its number within the run, when it was entered and left, status and outcome (R44)."""

    n: int
    step: str
    status: str
    outcome: str
    entered_at: datetime
    left_at: datetime | None


@frozen
class Enrollment:
    """One run of one customer through one version of a journey, as it stands; a list gives it without visits.

    `key` tells parallel runs of one customer apart; it is empty in a journey without a key (R22).
    """

    tenant: str
    journey: str
    version: int
    customer: str
    run: int
    serial: int
    status: str
    reason: str
    entered_at: datetime
    ended_at: datetime | None
    converted_at: datetime | None
    step: str | None
    step_number: int | None
    due: datetime | None
    awaits: str | None
    key: str = ""
    visits: tuple[Visit, ...] = field(default=(), repr=False)
    fields: Mapping[str, object] = field(factory=dict, repr=False)
    """Attributes of the customer that were asked for beside it (F124)."""


@frozen
class Engagement:
    """What was told of a message, or of all messages of a step to one customer: when first, how often in all (R52)."""

    first_at: datetime
    total: int


@frozen
class DeferredEntry:
    """Somebody who waits for a slot of a journey's entry limits: since when, and the data of the trigger (R23)."""

    tenant: str
    journey: str
    customer: str
    key: str
    at: datetime
    data: Mapping[str, object]


@frozen
class Message:
    """What a Send produced. `id` is the idempotency key: every delivery of the same visit carries the same (R70).

    `engagement` has an entry for each kind of message event that was told: sent, opened, clicked, ... (R52).
    """

    id: str
    tenant: str
    journey: str
    customer: str
    run: int
    n: int
    step: str
    channel: str
    template: str
    data: Mapping[str, object] = field(hash=False)
    at: datetime
    status: str
    attempts: int = 0
    token: str | None = None
    lease_until: datetime | None = None
    engagement: Mapping[str, Engagement] = field(factory=dict, hash=False, repr=False)


@frozen
class PruneResult:
    """What a prune has taken out, in rows, or with `dry_run` would take out (R86).

    `enrollments` are gone; `emptied` ones stay as bare rows, for something may still be asked of them. `moves`,
    `messages` and `inputs` are gone.
    """

    enrollments: int = 0
    emptied: int = 0
    moves: int = 0
    messages: int = 0
    inputs: int = 0
    dry_run: bool = False
