"""Who was refused, by which journey and why: counts by reason, and the last refusal of each customer (R21)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.values import dumps
from journeyflow.questions.enrollments import where_clause
from journeyflow.questions.paging import Page, Slice, read_cursor
from journeyflow.stores.contract import SqlReader


@frozen
class RefusalCount(Rows):
    """How many entries a journey has refused for a reason, and of how many customers that is the last refusal (R21).

    `customers` is None where only entries were counted.
    """

    tenant: str
    journey: str
    reason: str
    count: int
    customers: int | None


@frozen
class RefusedEntry(Rows):
    """The last refusal of a customer by a journey: why, when, in UTC, and the values that were compared (R21)."""

    tenant: str
    journey: str
    customer: str
    reason: str
    at: datetime
    seen: Mapping[str, object] = field(repr=False)


_COUNTS = """
SELECT j.tenant, j.id, r.reason, sum(r.count), CASE WHEN :customers THEN
       (SELECT count(*) FROM last_refusals l WHERE l.journey = r.journey AND l.reason = r.reason) END
FROM refusals r JOIN journeys j ON j.number = r.journey
WHERE j.tenant = :tenant AND (:journey IS NULL OR j.id = :journey)
GROUP BY r.journey, j.tenant, j.id, r.reason ORDER BY j.id, 4 DESC, r.reason
"""


def refusal_counts(reader: SqlReader, tenant: str, journey: str | None, *, customers: bool) -> tuple[RefusalCount, ...]:
    """Return how many entries were refused, by journey, then the most frequent reason first."""
    asked = {"tenant": tenant, "journey": journey, "customers": customers}
    return tuple(RefusalCount(*row) for row in reader.rows(_COUNTS, asked))


_LAST = """
FROM last_refusals r JOIN customers c ON c.number = r.customer JOIN journeys j ON j.number = r.journey
"""

_CONDITIONS = {
    "journey": "r.journey = (SELECT number FROM journeys WHERE tenant = :tenant AND id = :journey)",
    "customer": "c.id = :customer",
    "reason": "r.reason = :reason",
}


def last_refusals(reader: SqlReader, tenant: str, asked: Mapping[str, object], part: Slice) -> Page[RefusedEntry]:
    """Return a page of last refusals that match some filters, the newest first; ties by customer, then by journey."""
    parameters: dict[str, object] = {**asked, "tenant": tenant}
    where = where_clause(asked, _CONDITIONS)
    total = reader.rows(f"SELECT count(*) {_LAST} WHERE {where}", parameters)[0][0]
    beyond = dict(zip(("at", "number", "journey_number"), read_refusal_cursor(part.after) or (0, 0, 0), strict=True))
    rows = reader.rows(
        f"SELECT j.tenant, j.id, c.id, r.reason, r.at, r.seen, r.customer, r.journey {_LAST} WHERE {where}"
        f" {'AND (-r.at, r.customer, r.journey) > (-:at, :number, :journey_number)' if part.after else ''}"
        " ORDER BY r.at DESC, r.customer, r.journey LIMIT :take OFFSET :skip",
        {**parameters, **(beyond if part.after else {}), **part.bounds},
    )
    return part.page(rows, total, _last_refusal, lambda row: dumps([row[4], row[6], row[7]]))


def _last_refusal(row: tuple[Any, ...]) -> RefusedEntry:
    tenant, journey, customer, reason, at, seen = row[:6]
    return RefusedEntry(tenant, journey, customer, reason, from_micros(at), json.loads(seen) if seen else {})


def read_refusal_cursor(cursor: object) -> tuple[int, int, int] | None:
    """Read the cursor of such a page: instant, numbers of customer and journey; None if it is not such a cursor.

    >>> read_refusal_cursor("[1767571200000000,7,1]"), read_refusal_cursor("[7,1]"), read_refusal_cursor(7)
    ((1767571200000000, 7, 1), None, None)
    """
    match read_cursor(cursor):
        case [at, customer, journey] if type(at) is type(customer) is type(journey) is int:
            return at, customer, journey
    return None
