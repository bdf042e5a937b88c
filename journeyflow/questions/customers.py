"""Questions about customers: attributes, what waits in the inbox, who waits for a slot."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from journeyflow.basics.moments import from_micros
from journeyflow.basics.values import dumps
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.questions.paging import Page, Slice, read_cursor
from journeyflow.records.public import Customer, DeferredEntry
from journeyflow.stores.contract import SqlReader


def some_fields(text: str, names: Sequence[str]) -> dict[str, object]:
    """Return the values of a customer's attributes under some names, None for missing ones; dots lead into objects.

    >>> some_fields('{"email": "a@example.com", "address": {"city": "Durban"}}', ["email", "address.city", "phone"])
    {'email': 'a@example.com', 'address.city': 'Durban', 'phone': None}
    """
    attributes = json.loads(text)
    return {name: read_path(attributes, name) for name in names}


def attribute_sql(attributes: str, path: str, what: str = "value") -> str:
    """Return the SQL of the value that `read_path` finds under a path, given the SQL of the attributes and of the path.

    `what` may be "type", for what JSON calls the value. No text of a host becomes part of a JSON path, in which some
    characters have a meaning and others no spelling.
    """
    return f"""(WITH RECURSIVE walk (object, path) AS (
        VALUES ({attributes}, {path})
        UNION ALL
        SELECT e.value, substr(w.path, instr(w.path, '.') + 1)
        FROM walk w, json_each(w.object) e
        WHERE e.type = 'object' AND e.key || '.' = substr(w.path, 1, instr(w.path, '.'))
          AND NOT EXISTS (SELECT 1 FROM json_each(w.object) f WHERE f.key = w.path)
    ) SELECT e.{what} FROM walk w, json_each(w.object) e WHERE e.key = w.path)"""


def all_customers(reader: SqlReader, tenant: str) -> list[tuple[str, dict[str, object]]]:
    """Return the id and the attributes of every customer of a tenant who is not forgotten, sorted by id (R86)."""
    rows = reader.rows(
        "SELECT id, attributes FROM customers WHERE tenant = ? AND unicode(id) <> 31 ORDER BY id", (tenant,)
    )
    return [(name, json.loads(text)) for name, text in rows]


_DEFERRED = """
FROM deferred d JOIN customers c ON c.number = d.customer JOIN journeys j ON j.number = d.journey
WHERE j.tenant = :tenant AND (:journey IS NULL OR j.id = :journey) AND (:customer IS NULL OR c.id = :customer)
"""


def deferred(
    reader: SqlReader, tenant: str, journey: str | None, customer: str | None, part: Slice
) -> Page[DeferredEntry]:
    """Return a page of those who wait for a slot, by journey, then in order of their triggers (R23)."""
    asked = {"tenant": tenant, "journey": journey, "customer": customer}
    total = reader.rows(f"SELECT count(*) {_DEFERRED}", asked)[0][0]
    beyond = dict(zip(("name", "at", "number"), read_deferred_cursor(part.after) or ("", 0, 0), strict=True))
    rows = reader.rows(
        f"SELECT c.tenant, j.id, c.id, d.key, d.at, d.trigger_data, d.number {_DEFERRED}"
        f" {'AND (j.id, d.at, d.number) > (:name, :at, :number)' if part.after else ''}"
        " ORDER BY j.id, d.at, d.number LIMIT :take OFFSET :skip",
        {**asked, **(beyond if part.after else {}), **part.bounds},
    )
    return part.page(rows, total, _deferred_entry, lambda row: dumps([row[1], row[4], row[6]]))


def _deferred_entry(row: tuple[Any, ...]) -> DeferredEntry:
    tenant, journey, customer, key, at, text, _ = row
    return DeferredEntry(tenant, journey, customer, key, from_micros(at), json.loads(text) if text else {})


def read_deferred_cursor(cursor: object) -> tuple[str, int, int] | None:
    """Read the cursor of such a page: journey, instant of the trigger, number; None if it is not such a cursor.

    >>> read_deferred_cursor('["calm",1767571200000000,7]'), read_deferred_cursor('["calm",7]'), read_deferred_cursor(7)
    (('calm', 1767571200000000, 7), None, None)
    """
    match read_cursor(cursor):
        case [str(journey), at, number] if type(at) is type(number) is int:
            return journey, at, number
    return None


def find_customer(reader: SqlReader, tenant: str, customer: str) -> Customer | None:
    """Return a customer as ticks have left it; None if there is none."""
    rows = reader.rows("SELECT attributes FROM customers WHERE tenant = ? AND id = ?", (tenant, customer))
    return Customer(tenant, customer, json.loads(rows[0][0])) if rows else None


LAST_CHARACTER = "\U0010ffff"
"""What sorts after every character that an id is likely to have."""


def ids_from(reader: SqlReader, tenant: str, starts: str, take: int | None) -> tuple[str, ...]:
    """Return the first ids of customers that begin with a text, sorted, or all of them: an index leads there."""
    sql = "SELECT id FROM customers WHERE tenant = ? AND id >= ? AND id < ? AND unicode(id) <> 31 ORDER BY id LIMIT ?"
    return tuple(
        name for (name,) in reader.rows(sql, (tenant, starts, starts + LAST_CHARACTER, -1 if take is None else take))
    )


def told_of(reader: SqlReader, tenant: str, customers: Collection[str]) -> set[str]:
    """Return those of the customers about whom there are inputs, whether or not the customers are known."""
    sql = "SELECT DISTINCT customer FROM inputs WHERE tenant = ? AND customer IN (SELECT value FROM json_each(?))"
    return {customer for (customer,) in reader.rows(sql, (tenant, dumps(sorted(customers))))}


def newest_numbers(reader: SqlReader) -> tuple[int, int]:
    """Return the largest serial of an enrollment and the largest number of an input, each 0 if there is none."""
    sql = "SELECT (SELECT ifnull(max(serial), 0) FROM enrollments), (SELECT ifnull(max(seq), 0) FROM inputs)"
    [(serial, number)] = reader.rows(sql)
    return serial, number


def outcomes_of(reader: SqlReader, numbers: Sequence[int]) -> list[str | None]:
    """Return the outcomes of inputs by number, in the order given; None for one that no tick has handled."""
    sql = "SELECT i.seq, i.outcome FROM json_each(?) k CROSS JOIN inputs i ON i.seq = CAST(k.value AS INTEGER)"
    outcomes = dict(reader.rows(sql, (dumps([*numbers]),)))
    return [outcomes[number] for number in numbers]


def pending_inputs(reader: SqlReader, tenant: str, customer: str) -> list[tuple[str, str, dict[str, object]]]:
    """Return what was put and fed for a customer and is not handled yet, in order: (kind, type, attributes or data)."""
    rows = reader.rows(
        "SELECT kind, type, data FROM inputs"
        " WHERE outcome IS NULL AND tenant = ? AND customer = ? AND kind IN ('put', 'event') ORDER BY at, seq",
        (tenant, customer),
    )
    return [(kind, name, json.loads(text) if text else {}) for kind, name, text in rows]
