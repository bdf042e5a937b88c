"""Showing instants to people: in which zone, and how. The values of answers stay in UTC, whatever is shown."""

from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHOWN_IN: ContextVar[ZoneInfo | None] = ContextVar("shown_in", default=None)
"""The zone in which texts show instants, None for UTC; the command line sets it for one command."""


def local(at: datetime) -> datetime:
    """Return an instant in the zone in which instants are shown; in UTC where the calendar of that zone ends.

    >>> local(datetime(2026, 1, 5, 9, tzinfo=UTC)).isoformat()
    '2026-01-05T09:00:00+00:00'
    """
    try:
        return at.astimezone(SHOWN_IN.get() or UTC)
    except OverflowError:
        return at


def shown_at(at: datetime) -> str:
    """Return an instant for people, to the second, in the zone in which instants are shown.

    >>> shown_at(datetime(2026, 1, 5, 9, tzinfo=UTC))
    '2026-01-05 09:00:00'
    """
    return local(at).strftime("%Y-%m-%d %H:%M:%S")
