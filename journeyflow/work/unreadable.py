"""Attributes that journeys read as dates or as a time zone, and that are neither: told once for each customer (R61)."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from journeyflow.basics.moments import read_instant, zone
from journeyflow.definition.dates import TIMEZONE
from journeyflow.definition.rules.changes import read_path

UTC = zone("UTC")


class Unreadable(NamedTuple):
    """An attribute of a customer that came as no date, or no time zone, where journeys read one."""

    tenant: str
    customer: str
    attribute: str
    value: object


def newly_unreadable(
    paths: Collection[str], before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[tuple[str, object]]:
    """Yield (path, value) for values that cannot be read and were readable, or missing, before.

    >>> (
    ...     list(newly_unreadable({"ends"}, {}, {"ends": 1767225600})),
    ...     list(newly_unreadable({"ends"}, {"ends": 5}, {"ends": 6})),
    ... )
    ([('ends', 1767225600)], [])
    """
    for path in sorted(paths):
        value = read_path(after, path)
        if not _is_readable(path, value) and _is_readable(path, read_path(before, path)):
            yield path, value


def _is_readable(path: str, value: object) -> bool:
    """Return whether a value is missing, or what is read under its path."""
    if value is None:
        return True
    if path != TIMEZONE:
        return read_instant(value, UTC) is not None
    try:
        return bool(zone(value))
    except (TypeError, ValueError):
        return False
