"""What journeys read as dates or as a time zone, and what is neither: reported when it comes, and counted (R61)."""

from collections.abc import Collection, Iterator, Mapping

from journeyflow.basics.moments import UTC_ZONE, read_instant, zone
from journeyflow.definition.dates import TIMEZONE
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.records.public import Unreadable
from journeyflow.stores.batch import CustomerInHand


def newly_unreadable(paths: Collection[str], person: CustomerInHand, after: Mapping[str, object]) -> list[Unreadable]:
    """Return what a customer's new attributes have under some paths, and could be read or was missing before.

    >>> ann = CustomerInHand(1, "default", "ann", {"ends": 5})
    >>> [each.attribute for each in newly_unreadable({"born", "ends"}, ann, {"ends": 6, "born": 1767225600})]
    ['born']
    """
    before, changed = person.attributes, list[str]()
    for path in paths:
        if read_path(after, path) is not read_path(before, path):
            changed.append(path)
    if not changed:
        return []
    found = unreadable_in(changed, person.tenant, person.id, after)
    return [each for each in found if _is_readable(each.attribute, read_path(before, each.attribute))]


def unreadable_in(
    paths: Collection[str], tenant: str, customer: str, values: Mapping[str, object], root: str = ""
) -> Iterator[Unreadable]:
    """Yield each value under some paths that should be a date or a time zone and is not, in order of the paths.

    >>> list(unreadable_in({"day"}, "default", "ann", {"day": "soon"}, "booked."))
    [Unreadable(tenant='default', customer='ann', attribute='booked.day', value='soon')]
    """
    for path in sorted(paths):
        value = read_path(values, path)
        if not _is_readable(path if not root else "", value):
            yield Unreadable(tenant, customer, f"{root}{path}", value)


def _is_readable(path: str, value: object) -> bool:
    """Return whether a value is missing, or what is read under its path."""
    if value is None:
        return True
    if path != TIMEZONE:
        return read_instant(value, UTC_ZONE) is not None
    try:
        return bool(zone(value))
    except (TypeError, ValueError):
        return False
