"""Pure time: instants, zones and local time. Nothing here reads a clock.

Inside journeyflow an instant is a whole number of microseconds since 1970-01-01T00:00:00 UTC (R2). A local wall time in
an IANA zone is converted to an instant and back (R33).
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from journeyflow.basics.values import describe
from journeyflow.errors import quoted

SECOND = 1_000_000

MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 local wall time is naive on purpose

FIRST = -62_135_596_800 * SECOND
"""The first instant a datetime can hold: 0001-01-01T00:00:00Z."""

LAST = 253_402_300_799 * SECOND + 999_999
"""The last instant a datetime can hold: 9999-12-31T23:59:59.999999Z."""

CACHED = 65_536
"""How many results each calendar function caches: more than the distinct instants of any one batch."""

_SAMPLED = 3
"""Hours between two samples of a zone's offset: no clock is changed and changed back within that time."""

_ZONE_NAME = re.compile(r"(?!(?:right|posix)/)[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")

NO_ZONE = "is not an IANA time zone"
"""What the error about an unknown time zone says of it."""

_MACHINE_ZONES = frozenset({"localtime", "posixrules", "Factory"})

_HOUR_24 = re.compile(r"(\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?\d)?).24", re.ASCII | re.DOTALL)

# --- instants ---------------------------------------------------------------------------------------------------


def to_micros(at: datetime, what: str = "at") -> int:
    """Return a timezone-aware datetime as microseconds since 1970 in UTC (R2).

    Raise TypeError for anything but a datetime, and ValueError for a naive one; both say what to write. A datetime
    beyond the first or last instant in UTC becomes that instant.

    >>> to_micros(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    if isinstance(at, datetime) and at.tzinfo is UTC:  # most of all; none of them is out of bounds
        span = at - EPOCH
        return span.days * DAY + span.seconds * SECOND + span.microseconds
    if not isinstance(at, datetime):
        msg = f"{what} must be a timezone-aware datetime, not {describe(at)}"
        raise TypeError(msg)
    if at.tzinfo is None or at.utcoffset() is None:
        msg = f"{what} is the naive datetime {quoted(at)}; give it a zone, for example tzinfo=UTC"
        raise ValueError(msg)
    return _instant(at)


def from_micros(instant: int) -> datetime:
    """Return microseconds since 1970 as a datetime in UTC.

    >>> from_micros(86_400_000_000)
    datetime.datetime(1970, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return EPOCH + _span(instant)


def iso(instant: int) -> str:
    """Return an instant as ISO 8601 text in UTC with six decimals, so that text order is time order.

    >>> iso(0)
    '1970-01-01T00:00:00.000000Z'
    """
    return f"{_second_text(instant // SECOND)}.{instant % SECOND:06d}Z"


@lru_cache(maxsize=CACHED)
def _second_text(second: int) -> str:
    """Return the date and time a number of seconds after 1970; what is reported together shares its second."""
    return (NAIVE_EPOCH + timedelta(0, second)).isoformat()


def _span(micros: int) -> timedelta:
    """Return a span: the same as `timedelta(microseconds=micros)`, in half the time."""
    return timedelta(0, micros // SECOND, micros % SECOND)


def parse_instant(text: str) -> int:
    """Return the instant that an ISO 8601 text with an offset names. Raise ValueError, saying what is wrong.

    >>> parse_instant("1970-01-01T01:00:00+01:00")
    0
    """
    try:
        at = _from_iso(text)
    except ValueError:
        msg = f"{quoted(text)} is not an ISO 8601 instant such as 2026-01-31T09:00:00Z"
        raise ValueError(msg) from None
    if at.tzinfo is None:
        msg = f"{quoted(text)} has no offset; write 2026-01-31T09:00:00Z or 2026-01-31T09:00:00+02:00"
        raise ValueError(msg)
    return _instant(at)


def read_instant(value: object, zone: ZoneInfo) -> int | None:
    """Return an attribute as an instant: ISO text with or without offset, or a date (00:00 local), else None (R37).

    >>> iso(read_instant("2026-03-01", ZoneInfo("Europe/Paris")))
    '2026-02-28T23:00:00.000000Z'
    >>> read_instant("soon", ZoneInfo("UTC")) is None
    True
    """
    at = _read_datetime(value)
    if at is None:
        return None
    return local_instant(at, zone) if at.tzinfo is None else _instant(at)


def read_wall(value: object, zone: ZoneInfo) -> datetime | None:
    """Return a local wall time as it is written, or that of an instant; None if the value is not a date.

    >>> read_wall("2026-03-01T00:00:00Z", ZoneInfo("America/New_York"))
    datetime.datetime(2026, 2, 28, 19, 0)
    """
    at = _read_datetime(value)
    return at if at is None or at.tzinfo is None else to_local(_instant(at), zone)


def _read_datetime(value: object) -> datetime | None:
    """Return the datetime in ISO text with or without offset, else None; a date is its 00:00."""
    try:
        return _from_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _from_iso(text: str) -> datetime:
    """Read ISO 8601 alike on every Python: the hour 24, which 3.14 and later accept, is refused (R90)."""
    at = datetime.fromisoformat(text)
    if not at.hour and _HOUR_24.match(text):
        msg = "the hour is 24"
        raise ValueError(msg)
    return at


def _instant(at: datetime) -> int:
    """Return a datetime that has an offset as microseconds UTC."""
    return bounded(_micros(at - EPOCH))


def _micros(span: timedelta) -> int:
    """Return the microseconds of a span: the same as `//`, in a third of the time."""
    return span.days * DAY + span.seconds * SECOND + span.microseconds


def bounded(instant: int) -> int:
    """Return an instant limited to what a datetime can hold, so that the far ends of time do not fail a run (R2).

    >>> bounded(LAST + 1) == LAST, bounded(0)
    (True, 0)
    """
    if FIRST <= instant <= LAST:  # the usual case, at a tenth of what `max` and `min` cost
        return instant
    return LAST if instant > LAST else FIRST


# --- zones ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return an IANA time zone by name.

    Raise ValueError for unknown names, paths, and names that differ between machines.

    >>> zone("Africa/Johannesburg")
    zoneinfo.ZoneInfo(key='Africa/Johannesburg')
    """
    if isinstance(name, str) and _ZONE_NAME.fullmatch(name) and name not in _MACHINE_ZONES:
        try:
            return ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            pass
    msg = f"{quoted(name)} {NO_ZONE} such as 'Europe/Paris'"
    raise ValueError(msg)


UTC_ZONE = zone("UTC")
"""UTC as a zone, where local time may be that of any zone."""


def zone_or(name: object, other: ZoneInfo) -> ZoneInfo:
    """Return the time zone that a customer names, or `other` if that name is not a zone (R33).

    >>> zone_or("/etc/passwd", ZoneInfo("UTC"))
    zoneinfo.ZoneInfo(key='UTC')
    """
    if not isinstance(name, str):
        return other
    try:
        return zone(name)
    except ValueError:
        return other


@lru_cache(maxsize=CACHED)
def steady_offset(day: int, where: ZoneInfo) -> int | None:
    """Return the UTC offset of a zone, in microseconds, if it is the same all day and on the days before and after.

    `day` counts from 1970-01-01. Where the offset is steady, an instant of that day in UTC and a wall time of that day
    differ by exactly the offset, without gap or ambiguity, because the neighboring days are farther away than any
    offset. Return None where the clocks change, and at the far ends of time.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> steady_offset(0, paris), steady_offset(parse_instant("2026-03-29T01:00:00Z") // DAY, paris)
    (3600000000, None)
    """
    hours = range(24 * (day - 1), 24 * (day + 2) + 1, _SAMPLED)
    try:
        offsets = {(EPOCH + timedelta(hours=hour)).astimezone(where).utcoffset() for hour in hours}
    except OverflowError:
        return None
    offset = offsets.pop()
    return None if offsets or offset is None else _micros(offset)


def to_local(instant: int, where: ZoneInfo) -> datetime:
    """Return the wall time of an instant in a zone, as a naive datetime, limited to the range of datetimes.

    >>> to_local(0, ZoneInfo("Europe/Paris"))
    datetime.datetime(1970, 1, 1, 1, 0)
    """
    offset = steady_offset(instant // DAY, where)
    if offset is not None:
        return NAIVE_EPOCH + timedelta(microseconds=instant + offset)
    at = from_micros(instant)
    try:
        return at.astimezone(where).replace(tzinfo=None, fold=0)
    except OverflowError:
        return at.replace(tzinfo=None)


def local_instant(wall: datetime, where: ZoneInfo) -> int:
    """Return the instant of a wall time: in a gap it moves forward by the gap; if ambiguous, the first (R33).

    >>> iso(local_instant(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Paris")))
    '2026-03-29T01:30:00.000000Z'
    >>> iso(local_instant(datetime(2026, 10, 25, 2, 30), ZoneInfo("Europe/Paris")))
    '2026-10-25T00:30:00.000000Z'
    """
    naive = _micros(wall.replace(tzinfo=None) - NAIVE_EPOCH)
    offset = steady_offset(naive // DAY, where)
    if offset is None:
        offset = _micros(wall.replace(tzinfo=where, fold=0).utcoffset() or timedelta())
    return bounded(naive - offset)


def local_day(instant: int, where: ZoneInfo) -> str:
    """Return the local day of an instant, as "YYYY-MM-DD".

    >>> local_day(0, ZoneInfo("America/New_York"))
    '1969-12-31'
    """
    offset = steady_offset(instant // DAY, where)
    return to_local(instant, where).date().isoformat() if offset is None else _day_text((instant + offset) // DAY)


@lru_cache(maxsize=CACHED)
def _day_text(day: int) -> str:
    """Return the date a number of days after 1970-01-01."""
    return (NAIVE_EPOCH + timedelta(days=day)).date().isoformat()


def local_day_span(instant: int, where: ZoneInfo) -> tuple[str, int]:
    """Return the local day of an instant, and an instant up to which the day is the same, at most the day's end.

    On a day on which the clocks change, it covers only the instant itself.

    >>> day, until = local_day_span(0, ZoneInfo("America/New_York"))
    >>> day, iso(until)
    ('1969-12-31', '1970-01-01T05:00:00.000000Z')
    """
    offset = steady_offset(instant // DAY, where)
    if offset is not None:
        day = (instant + offset) // DAY
        until = (day + 1) * DAY - offset
        if steady_offset((until - 1) // DAY, where) == offset:
            return _day_text(day), until
    local = to_local(instant, where)
    since = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
    until = min(instant + DAY - since // timedelta(microseconds=1), LAST + 1)
    steady = to_local(until - 1, where) - local == timedelta(microseconds=until - 1 - instant)
    return local.date().isoformat(), until if steady else instant + 1
