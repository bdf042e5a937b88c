"""Questions about journeys, enrollments, visits, messages and customers, in SQL that every store answers (R80, R84)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen

from journeyflow.errors import NotFound
from journeyflow.moments import from_micros
from journeyflow.records import Customer, Enrollment, Message, Visit
from journeyflow.store import Reader
from journeyflow.stores.schema import VISITS

Item = TypeVar("Item")

MAX_TAKE = 10_000
"""Rows in one page: enough for any screen, and a bound on what one question may hold in memory."""


@frozen
class Page(Generic[Item]):
    """A page of results: its items, the total without paging, what was asked for, the cursor of the next page (R84)."""

    items: tuple[Item, ...]
    total: int
    skip: int
    take: int
    cursor: int | None = None


@frozen
class JourneyInfo:
    """A journey as it stands: its newest version, its state, when it came there, how many people it has seen (R11)."""

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
    activated_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    archived_at: datetime | None
    published_at: datetime = field(repr=False)


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


_JOURNEYS = """
SELECT j.tenant, j.id, v.definition, v.version, v.published_at, j.number
FROM journeys j
JOIN versions v ON v.number = (
    SELECT number FROM versions w WHERE w.journey = j.number ORDER BY published_at DESC, version DESC LIMIT 1)
WHERE j.tenant = ? AND (?2 IS NULL OR j.id = ?2)
ORDER BY j.id
"""


def journeys(
    reader: Reader, tenant: str, *, journey: str | None = None, status: str | None = None, trigger: str | None = None
) -> tuple[JourneyInfo, ...]:
    """List journeys by id, with their counts: a fixed number of statements, however many there are (F88 to F91)."""
    counts: dict[int, dict[str, int]] = {}
    sql = "SELECT journey, status, count(*) FROM enrollments WHERE ?1 IS NULL OR journey = ?1 GROUP BY journey, status"
    numbers = (
        reader.rows("SELECT number FROM journeys WHERE tenant = ? AND id = ?", (tenant, journey)) if journey else []
    )
    if journey is None or numbers:
        for number, state, count in reader.rows(sql, (numbers[0][0] if numbers else None,)):
            counts.setdefault(number, {})[state] = count
    history: dict[int, list[tuple[int, str]]] = {}
    for number, at, state in reader.rows("SELECT journey, at, state FROM transitions ORDER BY journey, n"):
        history.setdefault(number, []).append((at, state))
    found = (
        _journey(row, history.get(row[5], []), counts.get(row[5], {}))
        for row in reader.rows(_JOURNEYS, (tenant, journey))
    )
    return tuple(each for each in found if status in {None, each.status} and trigger in {None, each.trigger})


def _journey(row: tuple[Any, ...], history: Sequence[tuple[int, str]], counts: Mapping[str, int]) -> JourneyInfo:
    tenant, journey, text, version, published_at, _ = row
    definition = json.loads(text)
    active = [at for at, state in history if state == "ACTIVE"]
    last = {state: at for at, state in history}
    return JourneyInfo(
        tenant,
        journey,
        definition.get("name", ""),
        history[-1][1] if history else "DRAFT",
        definition["trigger"].get("event"),
        version,
        len(definition["steps"]),
        sum(counts.values()),
        counts.get("ACTIVE", 0),
        counts.get("COMPLETED", 0),
        counts.get("EXITED", 0),
        counts.get("FAILED", 0),
        activated_at=_when(active[0] if active else None),
        paused_at=_when(last.get("PAUSED")),
        resumed_at=_when(active[-1] if len(active) > 1 else None),
        archived_at=_when(last.get("ARCHIVED")),
        published_at=from_micros(published_at),
    )


_ENROLLMENTS = """
SELECT c.tenant, j.id, v.version, c.id, e.run, e.serial, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END,
       e.step, e.due, e.awaits
FROM enrollments e
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = e.version
"""
_FILTER = """
WHERE c.tenant = :tenant AND (:journey IS NULL OR j.id = :journey) AND (:status IS NULL OR e.status = :status)
  AND (:customer IS NULL OR c.id = :customer)
"""


def _enrollment(row: tuple[Any, ...]) -> Enrollment:
    entered_at, ended_at, converted_at, step, position, due, awaits = row[8:]
    return Enrollment(
        *row[:8],  # type: ignore[call-arg]  # the first eight columns, of any type
        from_micros(entered_at),
        _when(ended_at),
        _when(converted_at),
        step,
        None if position < 0 else position + 1,
        _when(due),
        awaits,
    )


def enrollments(
    reader: Reader,
    tenant: str,
    *,
    journey: str | None,
    status: str | None,
    customer: str | None,
    skip: int,
    take: int,
    after: int | None,
) -> Page[Enrollment]:
    """List enrollments by serial, that is in order of entry; page by skip and take, or after a cursor (R84, F128)."""
    asked = {"tenant": tenant, "journey": journey, "status": status, "customer": customer}
    joins = _ENROLLMENTS[_ENROLLMENTS.index("FROM") :]
    total = reader.rows(f"SELECT count(*) {joins} {_FILTER}", asked)[0][0]
    rows = reader.rows(
        f"{_ENROLLMENTS} {_FILTER} AND e.serial > :after ORDER BY e.serial LIMIT :take OFFSET :skip",
        {**asked, "after": after or 0, "take": take, "skip": skip},
    )
    items = tuple(_enrollment(row) for row in rows)
    return Page(items, total, skip, take, items[-1].serial if len(items) == take else None)


def find_enrollment(reader: Reader, tenant: str, journey: str, customer: str, run: int | None) -> Enrollment | None:
    """Give a run of a customer with its visits, the newest unless one is named; None where there is none (R84)."""
    rows = reader.rows(
        f"{_ENROLLMENTS} {_FILTER} AND (:run IS NULL OR e.run = :run) ORDER BY e.run DESC LIMIT 1",
        {"tenant": tenant, "journey": journey, "status": None, "customer": customer, "run": run},
    )
    if not rows:
        return None
    found = _enrollment(rows[0])
    return evolve(found, visits=visits(reader, found.serial))


def visits(reader: Reader, serial: int) -> tuple[Visit, ...]:
    """Give the visits of an enrollment in order."""
    rows = reader.rows(
        f"SELECT n, step, status, outcome, entered, left FROM ({VISITS}) WHERE enrollment = ? ORDER BY n", (serial,)
    )
    return tuple(
        Visit(n, step, status, outcome, from_micros(entered), _when(left))
        for n, step, status, outcome, entered, left in rows
    )


_MESSAGES = """
SELECT (SELECT value FROM meta WHERE name = 'nonce') || '-' || m.enrollment || '-' || m.n, c.tenant, j.id, c.id, e.run,
       m.n, m.step, m.channel, m.template, m.data, m.at, m.status, m.attempts, m.token, m.lease_until
FROM messages m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
"""


def read_message(row: tuple[Any, ...]) -> Message:
    """Read a message from a row of the query above."""
    data, at, status, attempts, token, lease = row[9:]
    values = json.loads(data) if data else {}
    return Message(*row[:9], values, from_micros(at), status, attempts, token, _when(lease))  # type: ignore[call-arg]  # nine of any type


def messages(
    reader: Reader,
    tenant: str,
    *,
    journey: str | None,
    customer: str | None,
    status: str | None,
    skip: int,
    take: int,
) -> Page[Message]:
    """List messages by enrollment and visit."""
    asked = {"tenant": tenant, "journey": journey, "status": status, "customer": customer}
    condition = _FILTER.replace("e.status", "m.status")
    total = reader.rows(f"SELECT count(*) {_MESSAGES[_MESSAGES.index('FROM messages') :]} {condition}", asked)[0][0]
    rows = reader.rows(
        f"{_MESSAGES} {condition} ORDER BY m.enrollment, m.n LIMIT :take OFFSET :skip",
        {**asked, "take": take, "skip": skip},
    )
    return Page(tuple(read_message(row) for row in rows), total, skip, take)


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


def pending_puts(reader: Reader, tenant: str, customer: str) -> list[tuple[str, dict[str, object]]]:
    """Give what was put for a customer and not handled yet, in order: ("put" or "replace", attributes)."""
    rows = reader.rows(
        "SELECT type, data FROM inputs WHERE outcome IS NULL AND tenant = ? AND customer = ? AND kind = 'put'"
        " ORDER BY at, seq",
        (tenant, customer),
    )
    return [(kind, json.loads(text) if text else {}) for kind, text in rows]


def required(found: Item | None, kind: str, name: object) -> Item:
    """Give what was found, or raise NotFound."""
    if found is None:
        raise NotFound(kind, name)
    return found
