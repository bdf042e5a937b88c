"""What a host passes in and gets back: events, customers, enrollments, visits, messages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Self

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe, freeze, id_fault, is_blank, value_faults
from journeyflow.basics.words import MEMBERS, MESSAGE, PERMANENT, REVENUE
from journeyflow.errors import InvalidInput, brief

MAX_REVENUE = 1_000_000_000_000
"""The largest amount in one revenue event, in minor units: ten billion of any currency. Sums over millions of such
events still fit."""

# --- what a host passes in ------------------------------------------------------------------------------------------


def _mapping(value: object) -> Mapping[str, object]:
    return MappingProxyType(freeze(value)) if isinstance(value, Mapping) else value  # type: ignore[return-value, arg-type]  # what is not a mapping is reported later


@frozen
class Event:
    """Something that happened to a customer: type, customer id, instant, optional id, data (R20, R26).

    `at` is timezone-aware. The optional `id` identifies repeated submissions of the same event. `data` is a JSON
    object; it is copied. Raise InvalidInput with all faults at once.

    >>> from datetime import UTC, datetime
    >>> Event("purchase", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC), data={"amount": 5}).data["amount"]
    5
    """

    type: str
    customer: str = field(kw_only=True)
    at: datetime = field(kw_only=True)
    id: str | None = field(kw_only=True, default=None)
    data: Mapping[str, object] = field(kw_only=True, factory=dict, converter=_mapping, hash=False, repr=brief)

    def __attrs_post_init__(self) -> None:
        """Check the event on creation, so that nothing later has to."""
        found = list(event_faults(self))
        if found:
            raise InvalidInput(found)


def event_faults(event: Event) -> list[str]:
    """Return a sentence for each fault of an event, with the field it is in."""
    found = [f"type: {fault}"] if (fault := id_fault(event.type)) else []
    found += [f"customer: {fault}"] if (fault := id_fault(event.customer)) else []
    found += [f"id: {fault}"] if event.id is not None and (fault := id_fault(event.id)) else []
    try:
        to_micros(event.at)
    except (TypeError, ValueError) as error:
        found.append(f"at: {error}")
    data = event.data
    if not isinstance(data, MappingProxyType):  # as which a mapping is kept
        return [*found, f"data: must be an object, not {describe(data)}"]
    found += value_faults(data, "data")
    if isinstance(event.type, str) and event.type in _MORE:
        found += _MORE[event.type](data)
    return found


def _name_faults(member: str, data: Mapping[str, object]) -> list[str]:
    """Return a sentence if what an event adds to an attribute of the customer has a blank name, else an empty list."""
    name = data.get(member)
    return [f"data.{member}: must not be blank"] if isinstance(name, str) and is_blank(name) else []


def _bounce_faults(data: Mapping[str, object]) -> list[str]:
    """Return a sentence unless a bounce says with true or false whether it is permanent (R52), else an empty list."""
    permanent = data.get(PERMANENT, False)
    if isinstance(permanent, bool):
        return []
    return [f"data.{PERMANENT}: must be true or false, not {describe(permanent)}"]


def _revenue_faults(data: Mapping[str, object]) -> list[str]:
    """Return a sentence if the amount of an event is not an amount of revenue (R83), else an empty list."""
    amount = data.get("amount")
    if type(amount) is int and abs(amount) <= MAX_REVENUE:
        return []
    msg = f"must be a whole number of minor units such as 1999 for 19.99, up to {MAX_REVENUE:,}, not {describe(amount)}"
    return [f"data.amount: {msg}"]


_MORE: Mapping[str, Callable[[Mapping[str, object]], list[str]]] = {
    REVENUE: _revenue_faults,
    f"{MESSAGE}bounced": _bounce_faults,
    **{added: partial(_name_faults, member) for added, _, member in MEMBERS.values()},
}
"""The checks of the data of some events, by type."""


@frozen
class Put:
    """The host sets attributes of a customer: `Engine.put_customer`."""

    customer: str
    attributes: Mapping[str, object] = field(hash=False, repr=brief)
    at: datetime = field(kw_only=True)
    replace: bool = field(kw_only=True, default=False)
    only_missing: bool = field(kw_only=True, default=False)


@frozen
class Enroll:
    """The host enrolls a customer by hand: `Engine.enroll`. Lives skip it if the journey is not ACTIVE (R24)."""

    journey: str
    customer: str
    at: datetime = field(kw_only=True)
    force: bool = field(kw_only=True, default=False)
    key: str | None = field(kw_only=True, default=None)


# --- what a host gets back ------------------------------------------------------------------------------------------


@frozen
class Customer(Rows):
    """A customer: tenant, id and attributes, as of the last tick (R10)."""

    tenant: str
    id: str
    attributes: Mapping[str, object] = field(hash=False, repr=brief)


@frozen
class Visit(Rows):
    """One stay at a step: number within the run, when it was entered and left, status and outcome (R44).

    Datetimes are in UTC; `left_at` is None while the run rests there.
    """

    n: int
    step: str
    status: str
    outcome: str
    entered_at: datetime
    left_at: datetime | None


class PublishedVersion(int):
    """The number of the version that a published definition is (R12).

    `newest` is whether new enrollments enter it. It is False for content that was published before and is an older
    version now: then nothing was changed.

    >>> PublishedVersion(2), PublishedVersion(1, newest=False).newest
    (2, False)
    """

    newest: bool

    def __new__(cls, number: int, *, newest: bool = True) -> Self:
        """Make a number that knows whether it is the newest."""
        made = super().__new__(cls, number)
        made.newest = newest
        return made


@frozen
class Enrollment(Rows):
    """One run of one customer through one version of a journey, in its current state.

    `run` numbers a customer's runs in the journey from 1; `serial` numbers all enrollments of the database. `key` tells
    parallel runs of one customer apart; it is empty in a journey without a key (R22). `step` is the id of the step
    where the run rests and `step_number` its place in the journey, from 1; both are None once the run has ended. `due`
    is until when it rests, `awaits` the event type it waits for, or "condition". Datetimes are in UTC. Lists of
    enrollments leave `visits` empty.
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
    """Attributes of the customer that were requested with it (F124)."""


@frozen
class Engagement:
    """The events of one kind about a message, or about a step's messages to one customer (R52).

    `first_at` is the instant of the first, in UTC; `total` is how many there were.
    """

    first_at: datetime
    total: int


@frozen
class DeferredEntry(Rows):
    """An entry that waits for a slot of a journey's entry limits: since when, and the trigger's data (R23)."""

    tenant: str
    journey: str
    customer: str
    key: str
    at: datetime
    data: Mapping[str, object] = field(repr=brief)


@frozen
class Unreadable(Rows):
    """A value that is not a date or time zone where journeys read one: whose it is, under which name (R61)."""

    tenant: str
    customer: str
    attribute: str
    value: object = field(hash=False, repr=brief)


@frozen
class Message(Rows):
    """A message that a Send produced. `id` is the idempotency key: every delivery of the same visit has the same (R70).

    `attempts` counts how often it was handed out, and `error` is what went wrong at the last attempt that failed: "" if
    none did, or nothing was said. `engagement` has an entry for each kind of message event so far: sent, opened,
    clicked, ... (R52). Datetimes are in UTC.
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
    data: Mapping[str, object] = field(hash=False, repr=brief)
    at: datetime
    status: str
    attempts: int = 0
    token: str | None = None
    lease_until: datetime | None = None
    engagement: Mapping[str, Engagement] = field(factory=dict, hash=False, repr=False)
    error: str = field(default="", repr=brief)


@frozen
class PruneResult(Rows):
    """What a prune deleted, or with `dry_run` would delete, in rows (R86).

    `enrollments`, `moves`, `messages` and `inputs` are deleted; `emptied` enrollments stay as bare rows, because
    something may still refer to them.
    """

    enrollments: int = 0
    emptied: int = 0
    moves: int = 0
    messages: int = 0
    inputs: int = 0
    dry_run: bool = False
