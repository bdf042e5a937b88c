"""Attributes that journeys read as dates or time zones, and that are neither, as they stand now (R61)."""

import json
from collections.abc import Collection

from journeyflow.basics.values import dumps, faults
from journeyflow.questions.customers import all_customers
from journeyflow.questions.paging import Page, Slice
from journeyflow.records.public import Unreadable
from journeyflow.stores.contract import SqlReader
from journeyflow.work.unreadable import unreadable_in


def page(reader: SqlReader, tenant: str, paths: Collection[str], part: Slice) -> Page[Unreadable]:
    """Return a page of what customers have under some paths and no journey can read, by customer, then by path."""
    people = all_customers(reader, tenant) if paths else []
    found = [each for name, attributes in people for each in unreadable_in(paths, tenant, name, attributes)]
    after = place_in(part.after)
    rest = [(each,) for each in found if after is None or (each.customer, each.attribute) > after][part.skip :]
    return part.page(rest, len(found), lambda row: row[0], lambda row: dumps([row[0].customer, row[0].attribute]))


def place_in(cursor: object) -> tuple[str, str] | None:
    """Return the customer and the attribute that a cursor of such a page names; None if it is no such cursor.

    >>> place_in('["ann","birthday"]'), place_in('["ann"]'), place_in("[")
    (('ann', 'birthday'), None, None)
    """
    try:
        place = json.loads(cursor) if isinstance(cursor, str) else None
    except (ValueError, RecursionError):
        return None
    match place:
        case [str(customer), str(attribute)] if not any(faults(place)):
            return customer, attribute
    return None
