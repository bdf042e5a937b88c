"""Questions about journeys, enrollments, visits, messages and customers, in SQL that every store answers (R80, R84)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from journeyflow.changes import read_path
from journeyflow.entry import Pull
from journeyflow.errors import NotFound
from journeyflow.moments import from_micros
from journeyflow.paging import Page, Slice, cursor_of, keyset
from journeyflow.records import (
    ACTIVE,
    CANCELLED,
    CLAIMED,
    COMPLETED,
    EXITED,
    EXPIRED,
    FAILED,
    HOLDOUT,
    QUEUED,
    SENT,
    SUPPRESSED,
    Customer,
    DeferredEntry,
    Engagement,
    Enrollment,
    Event,
    Message,
    Visit,
)
from journeyflow.store import Reader
from journeyflow.stores.schema import LATER, MESSAGE_ID, VISITS
from journeyflow.values import dumps, faults

Item = TypeVar("Item")

ENROLLMENT_STATUSES = (ACTIVE, COMPLETED, EXITED, FAILED, HOLDOUT)
"""What an enrollment can be (R44)."""

MESSAGE_STATUSES = (QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED, FAILED)
"""What a message can be (R70)."""

STATES: Mapping[str, tuple[str, ...]] = {"Enabled": ("ACTIVE",), "Disabled": ("DRAFT", "PAUSED")}
"""Octeth's words for the states of a journey (R11)."""

JOURNEY_STATES = ("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED", *STATES)
"""What journeys may be asked for by."""


@frozen
class Answer:
    """What a worker told of a message: an "ack", or a "nack" with its error (R71)."""

    type: str
    message: str
    at: datetime
    error: str = ""


@frozen
class JourneyInfo:
    """A journey as it stands: its newest version, its state, when it came there, how many people it has seen (R11).

    `enrolled` is the sum of active, completed, exited and failed; whoever is kept out is counted apart (R25, R81).
    """

    tenant: str
    id: str
    name: str
    status: str
    trigger: str | None
    version: int
    steps: int
    enrolled: int
    active: int
    completed: int
    exited: int
    failed: int
    holdout: int
    activated_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    archived_at: datetime | None
    published_at: datetime = field(repr=False)
    created_at: datetime = field(repr=False)
    updated_at: datetime = field(repr=False)
    description: str = field(repr=False)
    notes: str = field(repr=False)
    schedule: str | None = field(default=None, repr=False)
    """Whom it pulls in on its own, and when, in words (R27)."""

    @property
    def enabled(self) -> bool:
        """Octeth's view of the state: Enabled is ACTIVE; Disabled is DRAFT, and PAUSED once it was activated (R11)."""
        return self.status == "ACTIVE"


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


_CREATED = "(SELECT p.at FROM publications p WHERE p.journey = j.number ORDER BY p.n LIMIT 1)"

JOURNEY_ORDERS = {"id": "j.id", "name": "ifnull(v.definition ->> '$.name', '')", "created": _CREATED}
"""How journeys can be sorted; their numbers break ties."""

EVERYTHING = -1
"""So many rows are all there are."""

_JOURNEYS = f"""
SELECT j.tenant, j.id, v.definition, v.version, v.published_at, j.number, {_CREATED},
       (SELECT max(max(p.at), ifnull(max(w.edited_at), max(p.at))) FROM publications p
        JOIN versions w ON w.number = p.version WHERE p.journey = j.number)
"""
_OF_JOURNEYS = """
FROM journeys j
JOIN versions v ON v.number = (
    SELECT p.version FROM publications p WHERE p.journey = j.number ORDER BY p.n DESC LIMIT 1)
WHERE j.tenant = :tenant AND (:journey IS NULL OR j.id = :journey)
  AND (:trigger IS NULL OR v.definition ->> '$.trigger.event' = :trigger)
  AND (:states IS NULL OR ifnull(
    (SELECT t.state FROM transitions t WHERE t.journey = j.number ORDER BY t.n DESC LIMIT 1), 'DRAFT'
  ) IN (SELECT value FROM json_each(:states)))
"""
_COUNTS = """
SELECT journey, what, total FROM counters
WHERE journey IN (SELECT value FROM json_each(?)) AND day = '*' AND domain = '*' AND step = ''
"""
"""What the whole of each journey has counted over all days (R80): its cost is that of the journeys, not of people."""

_STATES = """
SELECT journey, at, state FROM transitions WHERE journey IN (SELECT value FROM json_each(?)) ORDER BY journey, n
"""


def journeys(
    reader: Reader,
    tenant: str,
    part: Slice,
    *,
    journey: str | None = None,
    status: str | None = None,
    trigger: str | None = None,
) -> Page[JourneyInfo]:
    """List journeys with their counts: a fixed number of statements, however many there are (F88 to F91, R84)."""
    states = None if status is None else json.dumps(STATES.get(status, (status,)))
    asked = {"tenant": tenant, "journey": journey, "trigger": trigger, "states": states}
    value = JOURNEY_ORDERS[part.order]
    beyond, order, of_part = keyset(part, value, "j.number")
    total = reader.rows(f"SELECT count(*) {_OF_JOURNEYS}", asked)[0][0]
    rows = reader.rows(
        f"{_JOURNEYS}, {value} {_OF_JOURNEYS} AND {beyond} ORDER BY {order} LIMIT :take OFFSET :skip",
        {**asked, **of_part},
    )
    numbers = json.dumps([row[5] for row in rows])
    counts: dict[int, dict[str, int]] = {}
    for number, what, count in reader.rows(_COUNTS, (numbers,)):
        counts.setdefault(number, {})[what] = count
    history: dict[int, list[tuple[int, str]]] = {}
    for number, at, state in reader.rows(_STATES, (numbers,)):
        history.setdefault(number, []).append((at, state))
    items = tuple(_journey(row[:8], history.get(row[5], []), counts.get(row[5], {})) for row in rows)
    cursor = cursor_of(rows[-1][8], rows[-1][5], plain=False) if len(rows) == part.take else None
    return Page(items, total, part.skip, part.take, cursor)


def _journey(row: tuple[Any, ...], history: Sequence[tuple[int, str]], counts: Mapping[str, int]) -> JourneyInfo:
    tenant, journey, text, version, published_at, _, created_at, updated_at = row
    definition = json.loads(text)
    active = [at for at, state in history if state == "ACTIVE"]
    last = {state: at for at, state in history}
    entered = counts.get("entered", 0)
    completed, exited, failed = (counts.get(word, 0) for word in ("completed", "exited", "failed"))
    return JourneyInfo(
        tenant,
        journey,
        definition.get("name", ""),
        history[-1][1] if history else "DRAFT",
        definition["trigger"].get("event"),
        version,
        len(definition["steps"]),
        entered,
        entered - completed - exited - failed,
        completed,
        exited,
        failed,
        counts.get("holdout", 0),
        activated_at=_when(active[0] if active else None),
        paused_at=_when(last.get("PAUSED")),
        resumed_at=_when(active[-1] if len(active) > 1 else None),
        archived_at=_when(last.get("ARCHIVED")),
        published_at=from_micros(published_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        description=definition.get("description", ""),
        notes=definition.get("notes", ""),
        schedule=_schedule(definition["trigger"].get("pull")),
    )


def _schedule(pull: Mapping[str, Any] | None) -> str | None:
    return None if pull is None else str(Pull(pull["every"], list=pull.get("list"), size=pull.get("size")))


_ENROLLMENTS = """
SELECT c.tenant, j.id, v.version, c.id, e.run, e.serial, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END,
       e.step, e.due, e.awaits, e.key
"""
_JOINS = """
FROM enrollments e
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = e.version
"""
_CONDITIONS = {
    "journey": "e.journey = (SELECT number FROM journeys WHERE tenant = :tenant AND id = :journey)",
    "customer": "e.customer = (SELECT number FROM customers WHERE tenant = :tenant AND id = :customer)",
    "status": "e.status IN (SELECT value FROM json_each(:status))",
    "version": "v.version = :version",
    "run": "e.run = :run",
    "by": "e.entered_at <= :by",
    "key": "e.key = :key",
    "step": "(e.version, e.step) IN (SELECT w.number, s.key FROM versions w JOIN json_each(w.definition, '$.steps') s"
    " WHERE s.value ->> 'id' = :step)",
}
"""What each filter asks of an enrollment, so that only what is asked for is looked at."""

ENROLLMENT_ORDERS = {
    "entered": "e.serial",
    "customer": "c.id",
    "due": f"ifnull(e.due, {LATER})",
    "ended": f"ifnull(e.ended_at, {LATER})",
}
"""What enrollments can be sorted by; who has no such instant comes last. Serials break ties and are given in order of
entry."""


def _where(asked: Mapping[str, object], conditions: Mapping[str, str]) -> str:
    """Write the conditions of those filters that were given."""
    given = [condition for name, condition in conditions.items() if asked.get(name) is not None]
    return " AND ".join(["c.tenant = :tenant", *given])


def _enrollment(row: Sequence[Any]) -> Enrollment:
    entered_at, ended_at, converted_at, step, position, due, awaits, key = row[8:16]
    return Enrollment(
        *row[:8],  # type: ignore[call-arg]  # the first eight columns, of any type
        from_micros(entered_at),
        _when(ended_at),
        _when(converted_at),
        step,
        None if position < 0 else position + 1,
        _when(due),
        awaits,
        key,
    )


def some_fields(text: str, names: Sequence[str]) -> dict[str, object]:
    """Give what a customer's attributes say under some names, dots leading into objects; None where they say nothing.

    >>> some_fields('{"email": "a@example.com", "address": {"city": "Durban"}}', ["email", "address.city", "phone"])
    {'email': 'a@example.com', 'address.city': 'Durban', 'phone': None}
    """
    attributes = json.loads(text)
    return {name: read_path(attributes, name) for name in names}


def enrollments(
    reader: Reader, tenant: str, asked: Mapping[str, object], part: Slice, names: Sequence[str] = ()
) -> Page[Enrollment]:
    """List enrollments, filtered by what was asked, each with some of its customer's attributes (R84, F124, F128)."""
    parameters: dict[str, object] = {**asked, "tenant": tenant}
    where, value = _where(asked, _CONDITIONS), ENROLLMENT_ORDERS[part.order]
    beyond, order, of_part = keyset(part, value, "e.serial")
    total = reader.rows(f"SELECT count(*) {_JOINS} WHERE {where}", parameters)[0][0]
    rows = reader.rows(
        f"{_ENROLLMENTS}, {value}, {'c.attributes' if names else 'NULL'} {_JOINS} WHERE {where} AND {beyond}"
        f" ORDER BY {order} LIMIT :take OFFSET :skip",
        {**parameters, **of_part},
    )
    items = tuple(_enrollment(row) for row in rows)
    if names:
        items = tuple(evolve(item, fields=some_fields(row[17], names)) for item, row in zip(items, rows, strict=True))
    cursor = cursor_of(rows[-1][16], items[-1].serial, plain=value == "e.serial") if len(rows) == part.take else None
    return Page(items, total, part.skip, part.take, cursor)


def find_enrollment(reader: Reader, tenant: str, asked: Mapping[str, object]) -> Enrollment | None:
    """Give a run of a customer with its visits, the newest unless one is named; None where there is none (R84)."""
    found = find_run(reader, tenant, asked)
    return None if found is None else evolve(found, visits=visits(reader, found.serial))


def find_run(reader: Reader, tenant: str, asked: Mapping[str, object]) -> Enrollment | None:
    """Give the newest run that fits, without its visits; None where there is none."""
    rows = reader.rows(
        f"{_ENROLLMENTS} {_JOINS} WHERE {_where(asked, _CONDITIONS)} ORDER BY e.run DESC LIMIT 1",
        {**asked, "tenant": tenant},
    )
    return _enrollment(rows[0]) if rows else None


def visits(reader: Reader, serial: int) -> tuple[Visit, ...]:
    """Give the visits of an enrollment in order."""
    rows = reader.rows(
        f"SELECT n, step, status, outcome, entered, left FROM ({VISITS}) WHERE enrollment = ? ORDER BY n", (serial,)
    )
    return tuple(
        Visit(n, step, status, outcome, from_micros(entered), _when(left))
        for n, step, status, outcome, entered, left in rows
    )


_DEFERRED = """
FROM deferred d JOIN customers c ON c.number = d.customer JOIN journeys j ON j.number = d.journey
WHERE j.tenant = :tenant AND (:journey IS NULL OR j.id = :journey) AND (:customer IS NULL OR c.id = :customer)
"""


def deferred(
    reader: Reader, tenant: str, journey: str | None, customer: str | None, part: Slice
) -> Page[DeferredEntry]:
    """List who waits for a slot, journey by journey in order of their triggers (R23)."""
    asked = {"tenant": tenant, "journey": journey, "customer": customer}
    total = reader.rows(f"SELECT count(*) {_DEFERRED}", asked)[0][0]
    beyond = dict(zip(("name", "at", "number"), deferred_place(part.after) or ("", 0, 0), strict=True))
    rows = reader.rows(
        f"SELECT c.tenant, j.id, c.id, d.key, d.at, d.trigger_data, d.number {_DEFERRED}"
        f" {'AND (j.id, d.at, d.number) > (:name, :at, :number)' if part.after else ''}"
        " ORDER BY j.id, d.at, d.number LIMIT :take OFFSET :skip",
        {**asked, **(beyond if part.after else {}), "take": part.take, "skip": part.skip},
    )
    items = tuple(
        DeferredEntry(tenant, name, person, key, from_micros(at), json.loads(text) if text else {})
        for tenant, name, person, key, at, text, _ in rows
    )
    last = dumps([rows[-1][1], rows[-1][4], rows[-1][6]]) if len(rows) == part.take else None
    return Page(items, total, part.skip, part.take, last)


def deferred_place(cursor: object) -> tuple[str, int, int] | None:
    """Read the cursor of such a page: journey, instant of the trigger, number; None for what is none.

    >>> deferred_place('["calm",1767571200000000,7]'), deferred_place('["calm",7]'), deferred_place(7)
    (('calm', 1767571200000000, 7), None, None)
    """
    try:
        place: Any = json.loads(cursor) if isinstance(cursor, str) else None
    except (ValueError, RecursionError):
        return None
    match place:
        case [str(journey), at, number] if type(at) is type(number) is int and not any(faults(place)):
            return journey, at, number
    return None


_MESSAGES = f"""
SELECT {MESSAGE_ID}, c.tenant, j.id, c.id, e.run,
       m.n, m.step, m.channel, m.template, m.data, m.at, m.status, m.attempts, m.token, m.lease_until, m.flags
FROM messages m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
"""


def read_message(row: tuple[Any, ...]) -> Message:
    """Read a message from a row of the query above."""
    data, at, status, attempts, token, lease, flags = row[9:]
    told = json.loads(flags).items() if flags else ()
    return Message(
        *row[:9],  # type: ignore[call-arg]  # nine of any type
        json.loads(data) if data else {},
        from_micros(at),
        status,
        attempts,
        token,
        _when(lease),
        {kind: Engagement(from_micros(first), total) for kind, (first, total) in told},
    )


_MESSAGE_CONDITIONS = {
    **{name: _CONDITIONS[name] for name in ("journey", "customer", "run")},
    "status": "m.status IN (SELECT value FROM json_each(:status))",
    "step": "m.step = :step",
    "channel": "m.channel = :channel",
}


def messages(
    reader: Reader, tenant: str, asked: Mapping[str, object], *, skip: int, take: int, after: tuple[int, int]
) -> Page[Message]:
    """List messages by enrollment and visit, filtered by what was asked; the cursor is the id of the last one (R84)."""
    parameters: dict[str, object] = {**asked, "tenant": tenant}
    where = _where(asked, _MESSAGE_CONDITIONS)
    counted = f"SELECT count(*) {_MESSAGES[_MESSAGES.index('FROM messages') :]} WHERE {where}"
    total = reader.rows(counted, parameters)[0][0]
    rows = reader.rows(
        f"{_MESSAGES} WHERE {where} AND (m.enrollment, m.n) > (:serial, :n)"
        " ORDER BY m.enrollment, m.n LIMIT :take OFFSET :skip",
        {**parameters, "take": take, "skip": skip, "serial": after[0], "n": after[1]},
    )
    items = tuple(map(read_message, rows))
    return Page(items, total, skip, take, items[-1].id if len(items) == take else None)


def message_place(name: object) -> tuple[int, int] | None:
    """Read the place of a message from its id, of whatever database; None for what is no id.

    >>> message_place("k3-17-2"), message_place("k3"), message_place(5)
    ((17, 2), None, None)
    """
    parts = name.rsplit("-", 2) if isinstance(name, str) else ()
    if len(parts) != len(("nonce", "serial", "n")) or not all(each.isascii() and each.isdigit() for each in parts[1:]):
        return None
    serial, n = (min(int(each), LATER) for each in parts[1:])
    return serial, n


def find_message(reader: Reader, tenant: str, name: str) -> Message | None:
    """Give a message by its id; None where there is none (R84)."""
    rows = reader.rows(
        f"{_MESSAGES} WHERE c.tenant = ? AND (m.enrollment, m.n) = (?, ?)", (tenant, *(message_place(name) or (0, 0)))
    )
    found = read_message(rows[0]) if rows else None
    return found if found is not None and found.id == name else None


def unmatched(reader: Reader, tenant: str, *, skip: int, take: int, after: int) -> Page[Event | Answer]:
    """List what named no message of its customer, or of its tenant, in the order in which it was told (R52, R71)."""
    where = "FROM inputs WHERE outcome = 'unmatched' AND tenant = :tenant"
    asked = {"tenant": tenant, "after": after, "take": take, "skip": skip}
    total = reader.rows(f"SELECT count(*) {where}", {"tenant": tenant})[0][0]
    rows = reader.rows(
        f"SELECT seq, kind, type, customer, at, id, data {where} AND seq > :after"
        " ORDER BY seq LIMIT :take OFFSET :skip",
        asked,
    )
    return Page(tuple(map(_told, rows)), total, skip, take, rows[-1][0] if len(rows) == take else None)


def _told(row: tuple[Any, ...]) -> Event | Answer:
    """Give what an input told: an event, or the answer of a worker."""
    _, kind, event, customer, at, name, text = row
    data = json.loads(text) if text else {}
    if kind == "event":
        return Event(event, customer=customer, at=from_micros(at), id=name, data=data)
    return Answer(kind, name, from_micros(at), data.get("error", ""))


def messages_by_place(reader: Reader, places: Sequence[tuple[int, int]]) -> list[Message]:
    """Give messages by (serial, n), in that order."""
    rows = reader.rows(
        f"{_MESSAGES} WHERE (m.enrollment, m.n) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        (json.dumps(places),),
    )
    found = {(int(row[0].split("-")[-2]), int(row[5])): read_message(row) for row in rows}
    return [found[place] for place in places]


def find_customer(reader: Reader, tenant: str, customer: str) -> Customer | None:
    """Give a customer as ticks have left it; None where there is none."""
    rows = reader.rows("SELECT attributes FROM customers WHERE tenant = ? AND id = ?", (tenant, customer))
    return Customer(tenant, customer, json.loads(rows[0][0])) if rows else None


def pending_inputs(reader: Reader, tenant: str, customer: str) -> list[tuple[str, str, dict[str, object]]]:
    """Give what was put and fed for a customer and not handled yet, in order: (kind, type, attributes or data)."""
    rows = reader.rows(
        "SELECT kind, type, data FROM inputs"
        " WHERE outcome IS NULL AND tenant = ? AND customer = ? AND kind IN ('put', 'event') ORDER BY at, seq",
        (tenant, customer),
    )
    return [(kind, name, json.loads(text) if text else {}) for kind, name, text in rows]


def required(found: Item | None, kind: str, name: object, *, of: str | None = None) -> Item:
    """Give what was found, or raise NotFound; `of` is the journey that it would belong to."""
    if found is None:
        raise NotFound(kind, name, journey=of)
    return found
