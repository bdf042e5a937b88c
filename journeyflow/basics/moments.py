"""Pure time: instants, zones, durations. Nothing here reads a clock.

Inside journeyflow an instant is a whole number of microseconds since 1970-01-01T00:00:00 UTC (R2). Calendar arithmetic
is done on local wall time in an IANA zone, and the result is converted back to an instant (R33).
"""

import re
from bisect import bisect_right
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen
from dateutil.relativedelta import relativedelta

from journeyflow.basics.values import describe
from journeyflow.errors import shown

SECOND = 1_000_000

MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 local wall time is naive on purpose

FIRST = -62_135_596_800 * SECOND
"""The first instant a datetime can hold: 0001-01-01T00:00:00Z."""

LAST = 253_402_300_799 * SECOND + 999_999
"""The last instant a datetime can hold: 9999-12-31T23:59:59.999999Z."""

YEARS_AROUND = 2
"""How many years around the expected one are searched for an anniversary: month ends and leap years move it by days
only."""

CACHED = 65_536
"""How many results each calendar function caches: more than the distinct instants of any one batch."""

_SAMPLED = 3
"""Hours between two samples of a zone's offset: no clock is changed and changed back within that time."""

_ZONE_NAME = re.compile(r"(?!(?:right|posix)/)[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")

NO_ZONE = "is no IANA time zone"
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
        return _micros(at - EPOCH)
    if not isinstance(at, datetime):
        msg = f"{what} must be a timezone-aware datetime, not {describe(at)}"
        raise TypeError(msg)
    if at.tzinfo is None or at.utcoffset() is None:
        msg = f"{what} is the naive datetime {shown(at)}; give it a zone, for example tzinfo=UTC"
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
    """Return the date and time so many seconds after 1970; what is reported together shares its second."""
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
        msg = f"{shown(text)} is no ISO 8601 instant such as 2026-01-31T09:00:00Z"
        raise ValueError(msg) from None
    if at.tzinfo is None:
        msg = f"{shown(text)} has no offset; write 2026-01-31T09:00:00Z or 2026-01-31T09:00:00+02:00"
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
    return max(FIRST, min(LAST, instant))


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
    msg = f"{shown(name)} {NO_ZONE} such as 'Europe/Paris'"
    raise ValueError(msg)


def zone_or(name: object, other: ZoneInfo) -> ZoneInfo:
    """Return the time zone that a customer names, or `other` if that name is no zone (R33).

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
    """Return the date so many days after 1970-01-01."""
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


# --- durations --------------------------------------------------------------------------------------------------

_UNITS: dict[str, tuple[int, int, int]] = {
    "second": (0, 0, SECOND),
    "minute": (0, 0, MINUTE),
    "hour": (0, 0, HOUR),
    "day": (0, 1, 0),
    "week": (0, 7, 0),
    "month": (1, 0, 0),
    "year": (12, 0, 0),
}

_WHOLE, _DECIMALS = r"\d{1,12}", r"(?:\.\d{1,6})?"

_WORDS = re.compile(rf"\s*([+-]?{_WHOLE}{_DECIMALS})\s*([a-z]+?)s?(?=[\s\d]|$)", re.ASCII)

_ISO = re.compile(
    rf"(?P<sign>[+-]?)P(?:(?P<year>{_WHOLE})Y)?(?:(?P<month>{_WHOLE})M)?"
    rf"(?:(?P<week>{_WHOLE})W)?(?:(?P<day>{_WHOLE})D)?"
    rf"(?:T(?:(?P<hour>{_WHOLE}{_DECIMALS})H)?(?:(?P<minute>{_WHOLE}{_DECIMALS})M)?"
    rf"(?:(?P<second>{_WHOLE}{_DECIMALS})S)?)?",
    re.ASCII,
)

MAX_YEARS = 1_000
"""The longest duration, in years: a larger number is a typing error, not a plan."""


@frozen
class Duration:
    """A length of time: calendar months and days, and exact microseconds (R33).

    >>> Duration.parse("3 days"), Duration.parse("1 week"), Duration.parse("PT90M")
    (Duration('3 days'), Duration('7 days'), Duration('90 minutes'))
    """

    months: int = 0
    days: int = 0
    micros: int = 0

    @classmethod
    def parse(cls, value: object) -> "Duration":
        """Return a Duration from "30 minutes", "1 month 2 days", ISO 8601 ("P3DT12H"), a timedelta or a relativedelta.

        A timedelta is exact. Raise ValueError, with the accepted forms, for anything else.
        """
        if isinstance(value, Duration):
            return value
        if isinstance(value, timedelta):
            return _checked(cls(micros=value // timedelta(microseconds=1)), value)
        if isinstance(value, relativedelta):
            return _checked(_from_relativedelta(value), value)
        if isinstance(value, str) and (found := _of_text(value)) is not None:
            return found
        msg = f"{shown(value)} is no duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H'"
        raise ValueError(msg)

    def __neg__(self) -> "Duration":
        """Return the duration in the opposite direction."""
        return Duration(-self.months, -self.days, -self.micros)

    @property
    def sign(self) -> int:
        """The direction: 1 forward, -1 backward, 0 none; months and days count with their usual length."""
        total = self.months * 30 * DAY + self.days * DAY + self.micros
        return (total > 0) - (total < 0)

    @property
    def mixed(self) -> bool:
        """Whether some parts lead forward and others backward."""
        return min(self.months, self.days, self.micros) < 0 < max(self.months, self.days, self.micros)

    def __str__(self) -> str:
        """Return text that `parse` reads back; equal durations give equal text."""
        words = [_count(self.months, "month"), _count(self.days, "day"), *_exact_words(self.micros)]
        return " ".join(word for word in words if word) or "0 seconds"

    def __repr__(self) -> str:
        """Return the duration in words."""
        return f"Duration('{self}')"


def _parse_iso(text: str) -> list[tuple[int, int, int]]:
    """Return the parts of an ISO 8601 duration; an empty list if the text is none."""
    match = _ISO.fullmatch(text.strip())
    if not match or text.strip()[-1] in "PT":
        return []
    sign = "-" if match["sign"] == "-" else ""
    return [
        part for unit in _UNITS if match[unit] is not None and (part := _part(sign + match[unit], unit)) is not None
    ]


def _parse_words(text: str) -> list[tuple[int, int, int]]:
    """Return the parts of "1 day 2 hours"; an empty list if any part of the text is not understood."""
    parts, position, text = [], 0, text.strip().lower()
    while position < len(text):
        match = _WORDS.match(text, position)
        part = _part(match[1], match[2]) if match else None
        if not match or part is None:
            return []
        parts.append(part)
        position = match.end()
    return parts


def _part(number: str, unit: str) -> tuple[int, int, int] | None:
    """Return one number with its unit; None for unknown units and for fractions of days and longer units."""
    size = _UNITS.get(unit)
    if size is None or ("." in number and not size[2]):
        return None
    whole, _, decimals = number.partition(".")
    count = int(whole) * SECOND + int((decimals + "000000")[:6]) * (-1 if number.startswith("-") else 1)
    months, days, micros = size
    return months * count // SECOND, days * count // SECOND, micros * count // SECOND


def _from_relativedelta(value: relativedelta) -> Duration:
    """Return a relativedelta as a duration.

    Raise ValueError for one that sets fields (day=1) or has fractions of days.
    """
    fields = ("year", "month", "day", "weekday", "hour", "minute", "second", "microsecond")
    if any(getattr(value, name) is not None for name in fields) or value.leapdays:
        msg = f"{shown(value)} sets a field of the date; a duration only adds (days=, months=, ...)"
        raise ValueError(msg)
    exact = timedelta(hours=value.hours, minutes=value.minutes, seconds=value.seconds, microseconds=value.microseconds)
    days = int(value.days)
    if days != value.days:
        msg = f"{shown(value)} has a fraction of a day; a day may have 23 or 25 hours, so say hours instead"
        raise ValueError(msg)
    return Duration(value.years * 12 + value.months, days, exact // timedelta(microseconds=1))


@lru_cache(256)
def _of_text(text: str) -> Duration | None:
    """Return the length of time that a text names, None for another text; the same few come again and again."""
    parts = _parse_iso(text) or _parse_words(text)
    return _checked(Duration(*(sum(column) for column in zip(*parts, strict=True))), text) if parts else None


def _checked(duration: Duration, source: object) -> Duration:
    """Return a duration. Raise ValueError if it is longer than `MAX_YEARS`."""
    months = abs(duration.months) + abs(duration.days) // 28 + abs(duration.micros) // (28 * DAY)
    if months > MAX_YEARS * 12:
        msg = f"{shown(source)} is longer than {MAX_YEARS} years"
        raise ValueError(msg)
    return duration


def _count(number: int, unit: str) -> str:
    """Return a number with its unit, "" for zero."""
    return f"{number} {unit}{'' if abs(number) == 1 else 's'}" if number else ""


def _exact_words(micros: int) -> list[str]:
    """Return an exact length in the largest unit that divides it, else in seconds with decimals."""
    for unit, size in (("hour", HOUR), ("minute", MINUTE), ("second", SECOND)):
        if micros % size == 0:
            return [_count(micros // size, unit)]
    sign, rest = ("-" if micros < 0 else ""), abs(micros)
    return [f"{sign}{rest // SECOND}.{rest % SECOND:06d}".rstrip("0") + " seconds"]


def add(instant: int, duration: Duration, where: ZoneInfo) -> int:
    """Return an instant plus a duration: months, then days on the local calendar, then the exact part (R33).

    Instants are in microseconds; `where` is the time zone of the calendar. Month ends clip. The result is limited to
    what a datetime can hold.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> iso(add(parse_instant("2026-01-31T09:00:00+01:00"), Duration.parse("1 month"), paris))
    '2026-02-28T08:00:00.000000Z'
    >>> iso(add(parse_instant("2026-03-28T09:00:00+01:00"), Duration.parse("1 day"), paris))
    '2026-03-29T07:00:00.000000Z'
    """
    if duration.months:
        instant = _add_calendar(instant, duration.months, duration.days, where)
    elif duration.days:
        instant = _add_days(instant, duration.days, where)
    return bounded(instant + duration.micros)


def recurrence(anchor: int, every: Duration, after: int, where: ZoneInfo) -> int:
    """Return the first of the instants anchor, anchor + every, anchor + 2 x every, ... that is later than `after`.

    Instants are in microseconds; `where` is the time zone of the calendar; `every` leads forward. Each is counted from
    the anchor, so that neither a month that is too short nor a clock change moves those that follow (R27, R32).

    >>> paris, month = ZoneInfo("Europe/Paris"), Duration.parse("1 month")
    >>> start = parse_instant("2026-01-31T09:00:00+01:00")
    >>> iso(recurrence(start, month, start, paris))
    '2026-02-28T08:00:00.000000Z'
    >>> iso(recurrence(start, month, parse_instant("2026-02-28T08:00:00Z"), paris))
    '2026-03-31T07:00:00.000000Z'
    """

    def nth(n: int) -> int:
        return add(anchor, Duration(n * every.months, n * every.days, n * every.micros), where)

    shortest = every.months * 27 * DAY + every.days * DAY // 2 + every.micros
    numbers = range(max(0, (after - anchor) // shortest + 2))
    return nth(bisect_right(numbers, after, key=nth))


def _add_days(instant: int, days: int, where: ZoneInfo) -> int:
    """Add calendar days to a wall time, by integer arithmetic where the offset is steady at both ends."""
    offset = steady_offset(instant // DAY, where)
    if offset is not None:
        wall = instant + offset + days * DAY
        offset = steady_offset(wall // DAY, where)
        if offset is not None:
            return wall - offset
    return _add_calendar(instant, 0, days, where)


@lru_cache(maxsize=CACHED)
def _add_calendar(instant: int, months: int, days: int, where: ZoneInfo) -> int:
    """Add calendar months and days to a wall time; cached, because a batch asks the same again and again."""
    wall, leads = to_local(instant, where), months
    try:
        wall, leads = wall + relativedelta(months=months), days
        wall += timedelta(days=days)
    except (OverflowError, ValueError):
        return LAST if leads > 0 else FIRST
    return local_instant(wall, where)


def anniversary(value: object, offset: Duration, not_before: int, after: int | None, where: ZoneInfo) -> int | None:
    """Return the next yearly return of a date plus offset, not before one instant and after another (R37).

    Instants are in microseconds; `where` is the time zone. 29 February becomes the 28th in other years. Return None if
    the value is no date.

    >>> utc, start = ZoneInfo("UTC"), parse_instant("2026-01-01T00:00:00Z")
    >>> iso(anniversary("1988-02-29", Duration(), start, None, utc))
    '2026-02-28T00:00:00.000000Z'
    """
    at = _read_datetime(value)
    if at is None:
        return None
    wall = at if at.tzinfo is None else to_local(_instant(at), where)
    start = not_before if after is None else bounded(max(not_before, after + 1))
    near = to_local(add(start, -offset, where), where).year
    for year in range(max(near - YEARS_AROUND, MINYEAR), min(near + YEARS_AROUND, MAXYEAR) + 1):
        candidate = add(local_instant(wall + relativedelta(year=year), where), offset, where)
        if candidate >= start:
            return candidate
    return LAST
