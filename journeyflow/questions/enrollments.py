"""Questions about enrollments and their visits, in SQL that every store answers (R80, R84)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from journeyflow.basics.moments import from_micros
from journeyflow.basics.soundness import sound
from journeyflow.basics.values import dumps
from journeyflow.basics.words import ACTIVE, COMPLETED, EXITED, FAILED, HOLDOUT
from journeyflow.questions.customers import some_fields
from journeyflow.questions.paging import Page, Slice, cursor_of, instant_or_none, keyset
from journeyflow.records.public import Enrollment, Visit
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.schema import LATER
from journeyflow.stores.views import VISITS

ENROLLMENT_STATUSES = (ACTIVE, COMPLETED, EXITED, FAILED, HOLDOUT)
"""The statuses of an enrollment (R44)."""

ENROLLMENTS = """
SELECT c.tenant, j.id, v.version, c.id, e.run, e.serial, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END,
       e.step, e.due, e.awaits, e.key
"""

JOINS = """
FROM enrollments e
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = e.version
"""
"""The query, with its joins, whose rows `read_enrollment` reads."""

RUN_CONDITIONS = {
    "journey": "e.journey = (SELECT number FROM journeys WHERE tenant = :tenant AND id = :journey)",
    "customer": "e.customer = (SELECT number FROM customers WHERE tenant = :tenant AND id = :customer)",
    "status": "e.status IN (SELECT value FROM json_each(:status))",
    "version": "e.version IN (SELECT number FROM versions WHERE version = :version)",
    "run": "e.run = :run",
    "serial": "e.serial = :serial",
    "by": "e.entered_at <= :by",
    "key": "e.key = :key",
    "step": "(e.version, e.step) IN (SELECT w.number, CAST(s.key AS INTEGER) FROM versions w"
    " JOIN json_each(w.definition, '$.steps') s ON TRUE WHERE s.value ->> 'id' = :step)",
}
"""The condition of each filter in SQL; only those of the filters that are given become part of the query."""

ENROLLMENT_ORDERS = {
    "entered": "e.serial",
    "customer": "c.id",
    "due": f"ifnull(e.due, {LATER})",
    "ended": f"ifnull(e.ended_at, {LATER})",
}
"""What enrollments can be sorted by, in SQL; those without such an instant come last. Serials, given in order of
entry, break ties."""


def where_clause(asked: Mapping[str, object], conditions: Mapping[str, str], whose: str = "c.tenant = :tenant") -> str:
    """Write the conditions of the filters that are given, after the one of the tenant.

    A customer has few runs, a journey has those of all customers: with a customer, no index by journey is used (`+`).
    """
    given = {name: condition for name, condition in conditions.items() if asked.get(name) is not None}
    if {"customer", "journey"} <= given.keys():
        given["journey"] = f"+{given['journey']}"
    return " AND ".join([whose, *given.values()])


OF_TENANT = "e.journey IN (SELECT number FROM journeys WHERE tenant = :tenant)"
"""Whose an enrollment is, without a look at its customer: what counts millions of them asks this."""


def read_enrollment(row: Sequence[Any], fields: Mapping[str, object] | None = None) -> Enrollment:
    """Read an enrollment from a row of `ENROLLMENTS`, with attributes of its customer."""
    entered_at, ended_at, converted_at, step, position, due, awaits, key = row[8:16]
    return sound(
        Enrollment(
            *row[:8],  # type: ignore[call-arg]  # the first eight columns, of any type
            from_micros(entered_at),
            instant_or_none(ended_at),
            instant_or_none(converted_at),
            step,
            None if position < 0 else position + 1,
            instant_or_none(due),
            awaits,
            key,
            (),
            fields or {},
        )
    )


def enrollments(
    reader: SqlReader, tenant: str, asked: Mapping[str, object], part: Slice, names: Sequence[str] = ()
) -> Page[Enrollment]:
    """Return a page of enrollments that match some filters, with some attributes of the customers (R84, F124, F128)."""
    parameters: dict[str, object] = {**asked, "tenant": tenant}
    where, value = where_clause(asked, RUN_CONDITIONS), ENROLLMENT_ORDERS[part.order]
    beyond, order, of_part = keyset(part, value, "e.serial")
    counted = where_clause(asked, RUN_CONDITIONS, OF_TENANT)
    total = reader.rows(f"SELECT count(*) FROM enrollments e WHERE {counted}", parameters)[0][0]
    rows = reader.rows(
        f"{ENROLLMENTS}, {value}, {'c.attributes' if names else 'NULL'} {JOINS} WHERE {where} AND {beyond}"
        f" ORDER BY {order} LIMIT :take OFFSET :skip",
        {**parameters, **of_part},
    )
    return part.page(
        rows,
        total,
        lambda row: read_enrollment(row, some_fields(row[17], names) if names else None),
        lambda row: cursor_of(row[16], row[5], plain=value == "e.serial"),
    )


def inside_of(reader: SqlReader, customers: Iterable[tuple[str, str]]) -> tuple[int, set[int]]:
    """Return the newest serial of all, and the serials of the active runs of some customers (tenant, id)."""
    rows = reader.rows(
        "SELECT e.serial FROM json_each(?) k"
        " CROSS JOIN customers c ON c.tenant = k.value ->> 0 AND c.id = k.value ->> 1"
        " JOIN enrollments e ON e.customer = c.number WHERE e.status = 'ACTIVE'",
        (dumps(sorted(customers)),),
    )
    newest = reader.rows("SELECT ifnull(max(serial), 0) FROM enrollments")[0][0]
    return newest, {serial for (serial,) in rows}


def newer_than(
    reader: SqlReader, customers: Iterable[tuple[str, str]], newest: int, inside: Iterable[int]
) -> tuple[tuple[Enrollment, ...], tuple[Enrollment, ...]]:
    """Return the runs of some customers that are newer than a serial, and those that were `inside` and have ended."""
    rows = reader.rows(
        f"{ENROLLMENTS} {JOINS} WHERE e.serial > ? AND (c.tenant, c.id) IN"
        " (SELECT value ->> 0, value ->> 1 FROM json_each(?)) ORDER BY e.serial",
        (newest, dumps(sorted(customers))),
    )
    over = reader.rows(
        f"{ENROLLMENTS} {JOINS} WHERE e.status <> 'ACTIVE'"
        " AND e.serial IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY e.serial",
        (dumps(sorted(inside)),),
    )
    return tuple(map(read_enrollment, rows)), tuple(map(read_enrollment, over))


def find_enrollment(reader: SqlReader, tenant: str, asked: Mapping[str, object]) -> Enrollment | None:
    """Return one run of a customer with its visits, the newest unless one is named; None if there is none (R84)."""
    found = find_run(reader, tenant, asked)
    return None if found is None else evolve(found, visits=visits(reader, found.serial))


def find_run(reader: SqlReader, tenant: str, asked: Mapping[str, object]) -> Enrollment | None:
    """Return the newest run that matches some filters, without its visits; None if there is none."""
    rows = reader.rows(
        f"{ENROLLMENTS} {JOINS} WHERE {where_clause(asked, RUN_CONDITIONS)} ORDER BY e.run DESC LIMIT 1",
        {**asked, "tenant": tenant},
    )
    return read_enrollment(rows[0]) if rows else None


def visits(reader: SqlReader, serial: int) -> tuple[Visit, ...]:
    """Return the visits of an enrollment in order."""
    rows = reader.rows(
        f'SELECT n, step, status, outcome, entered, "left" FROM ({VISITS}) w WHERE enrollment = ? ORDER BY n', (serial,)
    )
    return tuple(
        sound(Visit(n, step, status, outcome, from_micros(entered), instant_or_none(left)))
        for n, step, status, outcome, entered, left in rows
    )
