"""Durations, and what calendars make of them: sums, recurrences, anniversaries.

Calendar arithmetic is done on local wall time in an IANA zone, and the result is converted back to an instant (R33).
"""

import re
from bisect import bisect_right
from datetime import MAXYEAR, MINYEAR, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen
from dateutil.relativedelta import relativedelta

from journeyflow.basics.moments import (
    CACHED,
    DAY,
    FIRST,
    HOUR,
    LAST,
    MINUTE,
    SECOND,
    bounded,
    local_instant,
    read_wall,
    steady_offset,
    to_local,
)
from journeyflow.errors import quoted

YEARS_AROUND = 2
"""How many years around the expected one are searched for an anniversary: month ends and leap years move it by days
only."""

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
        msg = f"{quoted(value)} is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H'"
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
        msg = f"{quoted(value)} sets a field of the date; a duration only adds (days=, months=, ...)"
        raise ValueError(msg)
    exact = timedelta(hours=value.hours, minutes=value.minutes, seconds=value.seconds, microseconds=value.microseconds)
    days = int(value.days)
    if days != value.days:
        msg = f"{quoted(value)} has a fraction of a day; a day may have 23 or 25 hours, so say hours instead"
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
        msg = f"{quoted(source)} is longer than {MAX_YEARS} years"
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

    >>> from journeyflow.basics.moments import iso, parse_instant
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

    >>> from journeyflow.basics.moments import iso, parse_instant
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
    the value is not a date.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> utc, start = ZoneInfo("UTC"), parse_instant("2026-01-01T00:00:00Z")
    >>> iso(anniversary("1988-02-29", Duration(), start, None, utc))
    '2026-02-28T00:00:00.000000Z'
    """
    wall = read_wall(value, where)
    if wall is None:
        return None
    start = not_before if after is None else bounded(max(not_before, after + 1))
    near = to_local(add(start, -offset, where), where).year
    for year in range(max(near - YEARS_AROUND, MINYEAR), min(near + YEARS_AROUND, MAXYEAR) + 1):
        candidate = add(local_instant(wall + relativedelta(year=year), where), offset, where)
        if candidate >= start:
            return candidate
    return LAST
