"""What journeys read as dates or time zones, and what is neither, as it stands now (R61)."""

import json
from collections.abc import Collection, Iterator, Mapping

from journeyflow.basics.values import dumps
from journeyflow.questions.customers import all_customers
from journeyflow.questions.paging import Page, Slice, read_cursor
from journeyflow.records.public import Unreadable
from journeyflow.stores.contract import SqlReader
from journeyflow.work.unreadable import unreadable_in

_NEWEST = """
SELECT customer, type, data FROM (
    SELECT customer, type, data, row_number() OVER (PARTITION BY customer, type ORDER BY at DESC, seq DESC) AS place
    FROM inputs WHERE tenant = ? AND kind = 'event' AND type IN (SELECT value FROM json_each(?))
      AND outcome NOT IN ('duplicate', 'conflicting', 'error'))
WHERE place = 1 AND data IS NOT NULL
"""
"""The newest event of each customer and type that was handled and is known by itself (R9, R26)."""


def page(
    reader: SqlReader, tenant: str, paths: Collection[str], events: Mapping[str, Collection[str]], part: Slice
) -> Page[Unreadable]:
    """Return a page of what no journey can read as a date or time zone, by customer, then by name.

    It is looked for under some paths in the attributes of customers, and in their newest event of each type under the
    paths of that type.
    """
    found = sorted(
        [*_in_attributes(reader, tenant, paths), *_in_events(reader, tenant, events)],
        key=lambda each: (each.customer, each.attribute),
    )
    after = read_unreadable_cursor(part.after)
    rest = [(each,) for each in found if after is None or (each.customer, each.attribute) > after][part.skip :]
    return part.page(rest, len(found), lambda row: row[0], lambda row: dumps([row[0].customer, row[0].attribute]))


def _in_attributes(reader: SqlReader, tenant: str, paths: Collection[str]) -> Iterator[Unreadable]:
    for name, attributes in all_customers(reader, tenant) if paths else ():
        yield from unreadable_in(paths, tenant, name, attributes)


def _in_events(reader: SqlReader, tenant: str, events: Mapping[str, Collection[str]]) -> Iterator[Unreadable]:
    for name, kind, text in reader.rows(_NEWEST, (tenant, dumps(sorted(events)))) if events else ():
        yield from unreadable_in(events[kind], tenant, name, json.loads(text), f"{kind}.")


def read_unreadable_cursor(cursor: object) -> tuple[str, str] | None:
    """Return the customer and the attribute that a cursor of such a page names; None if it is not such a cursor.

    >>> read_unreadable_cursor('["ann","birthday"]'), read_unreadable_cursor('["ann"]'), read_unreadable_cursor("[")
    (('ann', 'birthday'), None, None)
    """
    match read_cursor(cursor):
        case [str(customer), str(attribute)]:
            return customer, attribute
    return None
