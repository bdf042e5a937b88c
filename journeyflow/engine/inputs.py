"""Checks of what a host gives: each thing becomes an `Input`, or a list of its faults (R10)."""

from collections.abc import Iterable, Mapping
from typing import Any

from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY, to_micros
from journeyflow.basics.values import BINARY, INTEGER_MAX, describe, dumps, id_fault, id_faults, plain_text, thaw
from journeyflow.basics.words import FAILED
from journeyflow.definition.rules.attribute_checks import attribute_faults
from journeyflow.errors import InvalidInput, quoted
from journeyflow.questions.messages import SetAside
from journeyflow.questions.paging import name_faults, refuse, word_list
from journeyflow.records.changes import Changes
from journeyflow.records.public import Enrollment, Event, Message
from journeyflow.records.rows import Input, make_input
from journeyflow.work.delivery import GIVEN_UP
from journeyflow.work.outbox import Claimant

Checked = Input | list[str]

MAX_ERROR = 1_000
"""Characters of a worker's error that are kept: a sentence and half a traceback."""


def one_or_many(value: object, of: type | tuple[type, ...], what: str) -> Iterable[Any]:
    """Return one thing or many as an iterable; raises TypeError for what is neither (R10).

    >>> list(one_or_many("ann", str, "customers")), list(one_or_many(["ann", "bob"], str, "customers"))
    (['ann'], ['ann', 'bob'])
    """
    if isinstance(value, of):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, (str, *BINARY)):
        return value
    msg = f"{what}: give one or many, not {describe(value)}"
    raise TypeError(msg)


def pairs_of(customers: object) -> Iterable[Any]:
    """Return (customer, attributes) pairs of a mapping or an iterable; raises TypeError for what is neither (R10)."""
    return customers.items() if isinstance(customers, Mapping) else one_or_many(customers, (), "customers")


def pair_input(tenant: str, pair: object, at: int, how: str) -> Checked:
    """Check a pair of a customer and attributes (R50)."""
    if isinstance(pair, tuple | list) and len(pair) == 2:  # noqa: PLR2004 a pair
        return put_input(tenant, pair[0], pair[1], at, how)
    return [f"expected a pair of a customer and attributes, not {describe(pair)}"]


def put_input(tenant: str, customer: object, attributes: object, at: int, how: str) -> Checked:
    """Check the attributes of a customer, which are put, replaced, or put where they are missing (R50)."""
    found = [fault] if (fault := id_fault(customer)) else []
    if isinstance(attributes, Mapping):
        found += attribute_faults(attributes)
    else:
        found.append(f"attributes: must be an object, not {describe(attributes)}")
    if found:
        return [f"customer {quoted(customer)}: {fault}" for fault in found]
    return Input(0, tenant, plain_text(customer), "put", how, at, None, dumps(thaw(attributes)))


def event_input(tenant: str, event: object) -> Checked:
    """Return the input of an event, which checked itself when it was made (R20)."""
    if not isinstance(event, Event):
        return [f"expected an Event, not {describe(event)}"]
    text = dumps(event.data.copy()) if event.data else None  # type: ignore[attr-defined]  # a proxy of a dict
    id = None if event.id is None else plain_text(event.id)  # noqa: A001 the field's word
    customer, kind = plain_text(event.customer), plain_text(event.type)
    return make_input((0, tenant, customer, "event", kind, to_micros(event.at), id, text))


def journey_input(
    tenant: str, kind: str, journey: object, customer: object, at: int, *, data: Mapping[str, object]
) -> Checked:
    """Check a customer who is to be enrolled in a journey by hand, or to leave it (R24)."""
    if found := id_faults(journey=journey, customer=customer):
        return found
    return Input(0, tenant, plain_text(customer), kind, plain_text(journey), at, None, dumps(data) if data else None)


def retry_input(tenant: str, enrollment: object, at: int) -> Checked:
    """Check a run that is to be put back: an enrollment that has failed, or a pair (journey, customer) (R43)."""
    if isinstance(enrollment, Enrollment):
        journey, customer, data = enrollment.journey, enrollment.customer, {"run": enrollment.run}
        return _retry_faults(tenant, enrollment) or journey_input(tenant, "retry", journey, customer, at, data=data)
    if isinstance(enrollment, tuple) and len(enrollment) == len(("journey", "customer")):
        return journey_input(tenant, "retry", enrollment[0], enrollment[1], at, data={})
    return [f"expected an Enrollment or (journey, customer), not {describe(enrollment)}"]


def _retry_faults(tenant: str, enrollment: Enrollment) -> list[str]:
    """Return why an enrollment cannot be put back; a host may have made or changed it itself."""
    names = id_faults(journey=enrollment.journey, customer=enrollment.customer)
    if found := [*names, *name_faults("run", run=enrollment.run)]:
        return found
    named = f"{enrollment.journey}/{enrollment.customer}"
    if enrollment.tenant != tenant:
        return [f"{named}: no enrollment of this tenant"]
    if enrollment.status != FAILED:
        return [f"{named}: run {enrollment.run} is {enrollment.status}; only a FAILED one can be retried"]
    if enrollment.reason == GIVEN_UP:
        return [f"{named}: its message was given up; enroll the customer again"]
    return []


def reopened(tenant: str, items: Iterable[SetAside]) -> Changes:
    """Return the changes that put inputs which were set aside back into the inbox; raises InvalidInput (R9)."""
    inputs = list(items)
    faults = [fault for each in inputs for fault in name_faults("number", number=each.number)]
    faults += [f"input {each.number}: it is not of this tenant" for each in inputs if each.tenant != tenant]
    if faults:
        raise InvalidInput(faults)
    return Changes(reopened=tuple(each.number for each in inputs))


def answer_input(
    tenant: str, kind: str, message: object, at: int, error: str = "", *, permanent: bool = False
) -> Checked:
    """Check a worker's answer: a claimed message can be acked or nacked, an id alone can only be acked (R71)."""
    fault = lease_fault(message) if kind == "nack" else _message_fault(message)
    if fault:
        return [fault]
    if isinstance(message, Message):
        if not isinstance(error, str):
            return [f"error: must be text, not {describe(error)}"]
        told = error[:MAX_ERROR].encode("utf-8", "replace").decode()  # file names may hold lone surrogates
        more = {"error": told, "permanent": permanent}
        data = {"token": message.token, **{name: value for name, value in more.items() if value}}
        return make_input((0, tenant, "", kind, "", at, message.id, dumps(data) if kind == "nack" else None))
    if isinstance(message, str) and not id_fault(message):
        return Input(0, tenant, "", kind, "", at, plain_text(message), None)
    return [f"expected a claimed Message, not {describe(message)}"]


def _message_fault(message: object) -> str | None:
    """Return what is wrong with a message that a host gives back, or None: it may have made or changed it itself."""
    if not isinstance(message, Message):
        return None
    fault = id_fault(message.id)
    if fault:
        return f"the id of a message {fault}"
    return next(iter(name_faults(token=message.token)), None) if id_fault(message.token) else None


def lease_fault(message: object) -> str | None:
    """Return what is wrong with something that should be a message under a lease, or None (R71)."""
    if not isinstance(message, Message):
        return f"expected a claimed Message, not {describe(message)}"
    if message.token is None:
        return f"message {quoted(message.id)} is {message.status}; give the one that claim gave, it has a token"
    return _message_fault(message)


def requeue_input(tenant: str, message: object, at: int) -> Checked:
    """Check a message that is to be queued again: one that was given up, or an id (R71)."""
    name = message.id if isinstance(message, Message) else message
    if isinstance(message, Message) and message.tenant != tenant:
        return [f"message {name!r}: no message of this tenant"]
    if isinstance(message, Message) and message.status != FAILED:
        return [f"message {name!r} is {message.status}; only a FAILED one can be queued again"]
    if isinstance(name, str) and not id_fault(name):
        return Input(0, tenant, "", "requeue", "", at, plain_text(name), None)
    return [f"expected a Message or the id of one, not {describe(message)}"]


def claim_of(  # noqa: PLR0917 what a claim depends on
    tenant: str, worker: str, at: int, channels: Iterable[str] | None, limit: int, lease: object
) -> Claimant:
    """Check what a worker asks for (R71)."""
    refuse(id_faults(worker=worker))
    check_limit(limit)
    length = positive_length(lease, "lease")
    names = None if channels is None else word_list(channels, "channels")
    refuse([fault for name in names or () for fault in name_faults("channels", channels=name)])
    return Claimant(tenant, worker, at, None if names is None else frozenset(names), min(limit, INTEGER_MAX), length)


def told_error(error: BaseException) -> str:
    """Return an error as one line, even if its own `__str__` fails.

    >>> told_error(OSError("no route"))
    'OSError: no route'
    """
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 an error that cannot be shown is still a failed attempt
        words = "(cannot be shown)"
    return f"{type(error).__name__}: {words}"


def forward(value: object, what: str) -> Duration:
    """Parse a length of time; raise ValueError unless it is positive."""
    try:
        length = Duration.parse(value)
    except (TypeError, ValueError) as error:
        msg = f"{what}: {error}"
        raise type(error)(msg) from None
    if length.sign <= 0:
        msg = f"{what} must lead forward, not {quoted(value)}"
        raise ValueError(msg)
    return length


def positive_length(value: object, what: str) -> int:
    """Return a positive length of time in microseconds; a day of it is 24 hours."""
    length = forward(value, what)
    return (length.months * 30 + length.days) * DAY + length.micros


def check_limit(limit: int) -> None:
    """Raise ValueError unless a limit is an integer of 1 or more."""
    if type(limit) is not int or limit < 1:
        msg = f"limit must be 1 or more, not {describe(limit)}"
        raise ValueError(msg)
