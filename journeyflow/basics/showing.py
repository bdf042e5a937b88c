"""Showing instants, lengths of time and counts to people. The values of answers stay in UTC, whatever is shown."""

from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY

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


def shown_zone() -> str:
    """Return the name of the zone in which instants are shown.

    >>> shown_zone()
    'UTC'
    """
    where = SHOWN_IN.get()
    return "UTC" if where is None else where.key


def shown_at(at: datetime) -> str:
    """Return an instant for people, to the second, in the zone in which instants are shown.

    >>> shown_at(datetime(2026, 1, 5, 9, tzinfo=UTC))
    '2026-01-05 09:00:00'
    """
    return local(at).strftime("%Y-%m-%d %H:%M:%S")


def in_words(micros: int) -> str:
    """Return a length of time in words, with days of 24 hours.

    >>> in_words(2 * DAY + 5 * 3_600_000_000), in_words(0)
    ('2 days 5 hours', 'no time')
    """
    days, rest = divmod(micros, DAY)
    return str(Duration(days=days, micros=rest)) if micros else "no time"


def counted(count: object, word: str, words: str = "") -> str:
    """Return a count, or what is shown for it, with its noun; `words` is the plural of one that takes no s.

    >>> counted(1, "event"), counted("1,200", "line"), counted(2, "person", "people")
    ('1 event', '1,200 lines', '2 people')
    """
    return f"{count} {word if str(count) == '1' else words or f'{word}s'}"
