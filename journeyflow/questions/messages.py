"""Questions about messages, and about inputs that named none (R70, R84)."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.soundness import sound
from journeyflow.basics.words import (
    CANCELLED,
    CLAIMED,
    EXPIRED,
    FAILED,
    QUEUED,
    SENT,
    SET_ASIDE,
    SUPPRESSED,
)
from journeyflow.errors import brief
from journeyflow.questions.enrollments import OF_TENANT, RUN_CONDITIONS, where_clause
from journeyflow.questions.paging import Page, Slice, instant_or_none
from journeyflow.records.message_ids import message_key
from journeyflow.records.public import Engagement, Event, Message
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.views import MESSAGE_ID

One = TypeVar("One")

MESSAGE_STATUSES = (QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED, FAILED)
"""The statuses of a message (R70)."""


@frozen
class Answer(Rows):
    """A worker's answer about a message: `type` is "ack", or "nack" with its error (R71).

    `message` is the id that the worker named, `at` the instant of the answer in UTC.
    """

    type: str
    message: str
    at: datetime
    error: str = field(default="", repr=brief)


@frozen
class SetAside(Rows):
    """An input that was set aside, because handling it raised an exception (R9); `retry` takes it up again.

    `number` is its place among all inputs, `kind` what the host called ("event", "put", "enroll", "exit", "retry",
    "ack", "nack" or "requeue"), `name` the event's type or the journey, `id` the event's or the message's id. `at` is
    in UTC.
    """

    number: int
    tenant: str
    kind: str
    name: str
    customer: str
    at: datetime
    id: str | None = None
    data: Mapping[str, object] = field(factory=dict, repr=brief)


MESSAGES = f"""
SELECT {MESSAGE_ID}, c.tenant, j.id, c.id, e.run,
       m.n, m.step, m.channel, m.template, m.data, m.at, m.status, m.attempts, m.token, m.lease_until, m.flags, m.error
FROM messages m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
"""
"""The query whose rows `read_message` reads."""


def read_message(row: tuple[Any, ...]) -> Message:
    """Read a message from a row of `MESSAGES`."""
    data, at, status, attempts, token, lease, flags, error = row[9:]
    told = json.loads(flags).items() if flags else ()
    return sound(
        Message(
            *row[:9],  # type: ignore[call-arg]  # the first nine columns, of any type
            json.loads(data) if data else {},
            from_micros(at),
            status,
            attempts,
            token,
            instant_or_none(lease),
            {kind: Engagement(from_micros(first), total) for kind, (first, total) in told},
            error,
        )
    )


_MESSAGE_CONDITIONS = {
    **{name: RUN_CONDITIONS[name] for name in ("journey", "customer", "run")},
    "status": "m.status IN (SELECT value FROM json_each(:status))",
    "step": "m.step = :step",
    "channel": "m.channel = :channel",
    "error": "instr(m.error, :error)",
}


def became(status: str, attempts: int, error: str) -> str:
    """Return what has become of a message, in words.

    >>> became("QUEUED", 0, ""), became("FAILED", 2, "no route"), became("SENT", 1, "")
    ('QUEUED', "FAILED after 2 attempts, last error 'no route'", 'SENT after 1 attempt')
    """
    tried = f" after {attempts} attempt{'s' if attempts > 1 else ''}" if attempts else ""
    return f"{status}{tried}" + (f", last error {error!r}" if error else "")


def messages(
    reader: SqlReader, tenant: str, asked: Mapping[str, object], part: Slice, after: tuple[int, int]
) -> Page[Message]:
    """Return a page of messages by enrollment and visit that match some filters; its cursor is its last id (R84)."""
    parameters: dict[str, object] = {**asked, "tenant": tenant}
    where = where_clause(asked, _MESSAGE_CONDITIONS)
    counted = where_clause(asked, _MESSAGE_CONDITIONS, OF_TENANT)
    from_ = "FROM messages m JOIN enrollments e ON e.serial = m.enrollment"
    total = reader.rows(f"SELECT count(*) {from_} WHERE {counted}", parameters)[0][0]
    rows = reader.rows(
        # by e.serial, not by m.enrollment: SQLite then sees that a journey's enrollments come in this order already
        f"{MESSAGES} WHERE {where} AND (e.serial, m.n) > (:serial, :n) ORDER BY e.serial, m.n LIMIT :take OFFSET :skip",
        {**parameters, **part.bounds, "serial": after[0], "n": after[1]},
    )
    return part.page(rows, total, read_message, lambda row: str(row[0]))


def find_message(reader: SqlReader, tenant: str, name: str) -> Message | None:
    """Return a message by its id; None if there is none (R84)."""
    rows = reader.rows(
        f"{MESSAGES} WHERE c.tenant = ? AND (m.enrollment, m.n) = (?, ?)", (tenant, *(message_key(name) or (0, 0)))
    )
    found = read_message(rows[0]) if rows else None
    return found if found is not None and found.id == name else None


def unmatched(reader: SqlReader, tenant: str, part: Slice) -> Page[Event | Answer]:
    """Return a page of inputs that named no message of their customer or tenant, in order of arrival (R52, R71)."""
    return _page_of_inputs(reader, tenant, "outcome = 'unmatched'", _told, part)


def set_aside(reader: SqlReader, tenant: str, part: Slice) -> Page[SetAside]:
    """Return a page of the inputs that were set aside, in order of arrival (R9)."""
    return _page_of_inputs(reader, tenant, f"outcome = '{SET_ASIDE}'", partial(_aside, tenant), part)


NAMED = "ifnull(unicode(customer), 0) <> 31"
"""Leaves out what is about forgotten customers: it names nobody any more (R86)."""


def _page_of_inputs(
    reader: SqlReader, tenant: str, condition: str, read: Callable[[tuple[Any, ...]], One], part: Slice
) -> Page[One]:
    """Return a page of a tenant's inputs under a condition that has an index, in order of arrival."""
    where = f"FROM inputs WHERE {condition} AND tenant = :tenant AND {NAMED}"
    asked = {"tenant": tenant, "after": int(part.after or 0), **part.bounds}
    total = reader.rows(f"SELECT count(*) {where}", {"tenant": tenant})[0][0]
    rows = reader.rows(
        f"SELECT seq, kind, type, customer, at, id, data {where} AND seq > :after"
        " ORDER BY seq LIMIT :take OFFSET :skip",
        asked,
    )
    return part.page(rows, total, read, lambda row: int(row[0]))


def _aside(tenant: str, row: tuple[Any, ...]) -> SetAside:
    number, kind, name, customer, at, known_as, text = row
    return SetAside(number, tenant, kind, name, customer, from_micros(at), known_as, json.loads(text) if text else {})


def _told(row: tuple[Any, ...]) -> Event | Answer:
    """Return an input as what it was: an event, or the answer of a worker."""
    _, kind, event, customer, at, name, text = row
    data = json.loads(text) if text else {}
    if kind == "event":
        return Event(event, customer=customer, at=from_micros(at), id=name, data=data)
    return Answer(kind, name, from_micros(at), data.get("error", ""))
