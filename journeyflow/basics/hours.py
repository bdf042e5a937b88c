"""Hours, weekdays and the calendar: windows, local openings, periods (R31, R32, R34). Nothing here reads a clock."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, islice
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import CACHED, DAY, LAST, SECOND, local_instant, to_local, zone
from journeyflow.errors import quoted

DAYS_BACK = 2
"""Where the search for an opening begins: yesterday's overnight window may be open, and some islands have skipped a
day."""

MAX_DAYS_AHEAD = 400
"""How many days ahead an opening is searched: every weekly window opens within a week, apart from clock changes."""

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

PERIODS = {"day": 1, "week": 7, "month": 31}
"""The calendar periods in which messages are counted, with the largest number of days each may have."""

_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def parse_clock(value: object) -> int:
    """Return a local time "HH:MM" or "HH:MM:SS" as seconds of the day; "24:00" is the end of the day.

    Raise ValueError for anything else.

    >>> parse_clock("09:30")
    34200
    """
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0) if match else DAY
    if seconds > DAY // SECOND:
        msg = f"{quoted(value)} is not a local time such as '09:00' or '17:30:00'"
        raise ValueError(msg)
    return seconds


def write_clock(seconds: int) -> str:
    """Return seconds of the day as "HH:MM", with ":SS" if there are seconds.

    >>> write_clock(34_200), write_clock(86_400)
    ('09:30', '24:00')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")


def _clock(value: object) -> int:
    """Return a local time, given as text or as seconds of the day, in seconds."""
    return value if type(value) is int and 0 <= value <= DAY // SECOND else parse_clock(value)


def _clock_or_none(value: object) -> int | None:
    """Return a local time in seconds of the day, or None."""
    return None if value is None else _clock(value)


def parse_weekdays(value: object) -> frozenset[int]:
    """Return weekdays as numbers, Monday is 0: from "MON-FRI", "SAT,SUN" or a list of names; None means all.

    Raise ValueError for anything else.

    >>> sorted(parse_weekdays("FRI-MON"))
    [0, 4, 5, 6]
    """
    if value is None:
        return frozenset(range(7))
    if isinstance(value, frozenset) and value <= frozenset(range(7)) and value:
        return value
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    days: set[int] = set()
    if isinstance(names, list | tuple):
        for name in names:
            first, dash, last = name.partition("-") if isinstance(name, str) else ("", "", "")
            if first.upper() not in WEEKDAYS or (dash and last.upper() not in WEEKDAYS):
                msg = (
                    f"{quoted(name)} is not a weekday; use MON, TUE, WED, THU, FRI, SAT, SUN or a range such as MON-FRI"
                )
                raise ValueError(msg)
            start = WEEKDAYS.index(first.upper())
            length = (WEEKDAYS.index(last.upper()) - start) % 7 if dash else 0
            days.update((start + step) % 7 for step in range(length + 1))
    if not days:
        msg = f"{quoted(value)} names no weekday; use for example 'MON-FRI' or ['SAT', 'SUN']"
        raise ValueError(msg)
    return frozenset(days)


def write_weekdays(days: frozenset[int]) -> tuple[str, ...]:
    """Return the names of weekdays, Monday first.

    >>> write_weekdays(frozenset({4, 0}))
    ('MON', 'FRI')
    """
    return tuple(WEEKDAYS[day] for day in sorted(days))


def weekdays_in_words(days: frozenset[int]) -> str:
    """Return weekdays as people write them: three or more in a row as a range.

    >>> weekdays_in_words(frozenset(range(5))), weekdays_in_words(frozenset({0, 5, 6}))
    ('MON-FRI', 'MON,SAT,SUN')
    """
    rows = [list(row) for _, row in groupby(enumerate(sorted(days)), key=lambda each: each[1] - each[0])]
    names = [[WEEKDAYS[day] for _, day in row] for row in rows]
    return ",".join(f"{row[0]}-{row[-1]}" if len(row) > 2 else ",".join(row) for row in names)  # noqa: PLR2004 two are a list


@frozen
class Window:
    """Hours in which something may happen: weekdays, local start and end (exclusive); overnight if end < start (R34).

    They apply in the journey's time zone, or the customer's (R33), unless the window names a `timezone` of its own.
    Raise ValueError for weekdays, times or a zone that are not valid, and for a window of no length.

    >>> Window("MON-FRI", "09:00", "17:00")
    Window('MON-FRI', '09:00', '17:00')
    """

    weekdays: frozenset[int] = field(default=None, converter=parse_weekdays)
    start: int = field(default=0, converter=_clock)
    end: int = field(default=DAY // SECOND, converter=_clock)
    timezone: str | None = None

    def __attrs_post_init__(self) -> None:
        """Raise ValueError for an unknown time zone or a window that is empty or starts at 24:00."""
        if self.timezone is not None:
            zone(self.timezone)
        if self.start == self.end:
            msg = f"the window starts and ends at {write_clock(self.start)}; say 00:00 to 24:00 for the whole day"
            raise ValueError(msg)
        if self.start == DAY // SECOND:
            msg = "a window cannot start at 24:00; say 00:00"
            raise ValueError(msg)

    def words(self, where: ZoneInfo) -> str:
        """Return the window in words, with the zone in which it applies.

        >>> Window(None, "22:00", "08:00").words(ZoneInfo("UTC"))
        '22:00 to 08:00, UTC'
        >>> Window("SAT,SUN", "09:00", "17:00", timezone="Europe/Paris").words(ZoneInfo("UTC"))
        'SAT,SUN 09:00 to 17:00, Europe/Paris'
        """
        days = f"{weekdays_in_words(self.weekdays)} " if len(self.weekdays) < len(WEEKDAYS) else ""
        return f"{days}{write_clock(self.start)} to {write_clock(self.end)}, {self.timezone or where.key}"

    def next_open(self, instant: int, where: ZoneInfo) -> int:
        """Return `instant` if the window is open then, else its next opening (R34).

        Both are in microseconds; `where` is the time zone unless the window names its own. The result is never earlier
        than `instant`, and minimal.

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> office, utc = Window("MON-FRI", "09:00", "17:00"), ZoneInfo("UTC")
        >>> iso(office.next_open(parse_instant("2026-11-20T17:00:00Z"), utc))
        '2026-11-23T09:00:00.000000Z'
        """
        return _next_open(self, instant, where if self.timezone is None else zone(self.timezone))

    def closes(self, instant: int, where: ZoneInfo) -> int:
        """Return the instant at which the window that is open at `instant` closes, else `instant` itself (R34).

        Both are in microseconds; `where` is the time zone unless the window names its own.

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> night, utc = Window(None, "22:00", "06:00"), ZoneInfo("UTC")
        >>> iso(night.closes(parse_instant("2026-11-20T23:00:00Z"), utc))
        '2026-11-21T06:00:00.000000Z'
        """
        return _closes(self, instant, where if self.timezone is None else zone(self.timezone))

    def __repr__(self) -> str:
        """Return the window as it is written in Python."""
        days = weekdays_in_words(self.weekdays)
        zoned = "" if self.timezone is None else f", {self.timezone!r}"
        return f"Window({days!r}, {write_clock(self.start)!r}, {write_clock(self.end)!r}{zoned})"


@lru_cache(maxsize=CACHED)
def _next_open(window: Window, instant: int, where: ZoneInfo) -> int:
    """Search the local days; their windows open in the order of the days."""
    for opens, closes in _openings(window, instant, where):
        if instant < closes:
            return max(instant, opens)
    return LAST


@lru_cache(maxsize=CACHED)
def _closes(window: Window, instant: int, where: ZoneInfo) -> int:
    """Return the latest end of an opening that holds the instant; only openings around it can."""
    around = islice(_openings(window, instant, where), 2 * DAYS_BACK)
    return max((closes for opens, closes in around if opens <= instant < closes), default=instant)


def _openings(window: Window, instant: int, where: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Yield the openings of a window with their ends, day by day from shortly before an instant."""
    today = to_local(instant, where).date()
    for ahead in range(-DAYS_BACK, MAX_DAYS_AHEAD):
        day = _day(today, ahead)
        if day is None or day.weekday() not in window.weekdays:
            continue
        opens = _at_clock(day, window.start, where)
        closes = _at_clock(day, window.end + (86_400 if window.end < window.start else 0), where)
        if opens < closes:
            yield opens, closes


@lru_cache(maxsize=CACHED)
def calendar_period(period: str, instant: int, where: ZoneInfo) -> tuple[int, int]:
    """Return the start of the local day, week (from Monday) or month at an instant, and of the next period.

    All are in microseconds; `where` is the time zone.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> utc = ZoneInfo("UTC")
    >>> [iso(each)[:10] for each in calendar_period("week", parse_instant("2026-11-21T12:00:00Z"), utc)]
    ['2026-11-16', '2026-11-23']
    >>> [iso(each)[:10] for each in calendar_period("month", parse_instant("2026-12-31T12:00:00Z"), utc)]
    ['2026-12-01', '2027-01-01']
    """
    start, end = _period_of(period, to_local(instant, where).date(), where)
    if end <= instant < LAST:  # a clock was set back over midnight: the next day had already begun
        start, end = _period_of(period, to_local(end, where).date(), where)
    return start, end


def _period_of(period: str, today: date, where: ZoneInfo) -> tuple[int, int]:
    """Return the first instants of the period that holds a local day, and of the period after it."""
    first = today.replace(day=1) if period == "month" else today
    if period == "week":
        first = _day(today, -today.weekday()) or date.min
    days = monthrange(first.year, first.month)[1] if period == "month" else PERIODS[period]
    following = _day(first, days)
    return _at_clock(first, 0, where), LAST if following is None else _at_clock(following, 0, where)


def _day(today: date, ahead: int) -> date | None:
    """Return the day some days away, or None beyond the calendar."""
    try:
        return today + timedelta(days=ahead)
    except OverflowError:
        return None


def _at_clock(day: date, seconds: int, where: ZoneInfo) -> int:
    """Return the instant of a local time on a day; seconds beyond 86,400 belong to the next day."""
    try:
        wall = datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)  # noqa: DTZ001 wall time
    except OverflowError:
        return LAST
    return local_instant(wall, where)


@frozen
class Until:
    """The next local time, the next weekday, or both (R32).

    With a time it is a moment: that time on the next of the weekdays. Without a time it is any moment of such a day.
    Raise ValueError for 24:00, and for all weekdays without a time.

    >>> Until.parse("09:00"), Until.parse("MON-FRI 09:00"), Until.parse("SAT")
    (Until('09:00'), Until('MON-FRI 09:00'), Until('SAT'))
    """

    time: int | None = field(default=None, converter=_clock_or_none)
    weekdays: frozenset[int] = field(default=None, converter=parse_weekdays)

    def __attrs_post_init__(self) -> None:
        """Raise ValueError for 24:00, and for an opening that names nothing."""
        if self.time == DAY // SECOND:
            msg = "'24:00' is not a moment to wait for; say 00:00"
            raise ValueError(msg)
        if self.time is None and len(self.weekdays) == len(WEEKDAYS):
            msg = "say a local time such as '09:00', or weekdays such as 'MON', or both"
            raise ValueError(msg)

    @classmethod
    def parse(cls, value: object) -> "Until":
        """Return an Until from "09:00", "MON-FRI" or "MON-FRI 09:00", or from an Until. Raise ValueError otherwise."""
        if isinstance(value, Until):
            return value
        words = value.split() if isinstance(value, str) else []
        time = words.pop() if words and ":" in words[-1] else None
        if len(words) > 1 or (time is None and (not words or words[0][:1].isdigit())):
            msg = f"{quoted(value)} is not an opening such as '09:00', 'MON-FRI' or 'MON-FRI 09:00'"
            raise ValueError(msg)
        return cls(time, words[0] if words else None)

    def next_opening(self, instant: int, where: ZoneInfo, *, after: bool = False) -> int:
        """Return the first opening at or after an instant; strictly after it with `after` (R35).

        Instants are in microseconds; `where` is the time zone.

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> utc = ZoneInfo("UTC")
        >>> nine = parse_instant("2026-11-20T09:00:00Z")
        >>> iso(Until("09:00").next_opening(nine, utc)), iso(Until("09:00").next_opening(nine, utc, after=True))
        ('2026-11-20T09:00:00.000000Z', '2026-11-21T09:00:00.000000Z')
        """
        return _next_opening(self, instant, where, after)

    def __repr__(self) -> str:
        """Return the opening as it is written in Python."""
        return f"Until('{self}')"

    def __str__(self) -> str:
        """Return text that `parse` reads back."""
        days = "" if len(self.weekdays) == len(WEEKDAYS) else weekdays_in_words(self.weekdays)
        return f"{days} {write_clock(self.time) if self.time is not None else ''}".strip()


@lru_cache(maxsize=CACHED)
def _next_opening(until: Until, instant: int, where: ZoneInfo, after: bool) -> int:
    """Search the local days; a time that a clock change moved past midnight belongs to the day before."""
    today = to_local(instant, where).date()
    for ahead in range(-DAYS_BACK, MAX_DAYS_AHEAD):
        day = _day(today, ahead)
        if day is None or day.weekday() not in until.weekdays:
            continue
        opens = _at_clock(day, until.time or 0, where)
        if until.time is None and ahead == 0 and not after:
            return instant
        if opens > instant or (opens == instant and not after):
            return opens
    return LAST


def moved_opening(until: Until, window: Window | None, instant: int, where: ZoneInfo) -> int:
    """Return the first instant, not before one, to which a window moves some opening (R32, R34).

    Instants are in microseconds; `where` is the time zone unless the window names its own. Without a window it is the
    next opening.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> nine, office, utc = Until("09:00"), Window("MON-FRI", "10:00", "17:00"), ZoneInfo("UTC")
    >>> iso(moved_opening(nine, office, parse_instant("2026-11-20T10:00:00Z"), utc))  # the 09:00 of this Friday
    '2026-11-20T10:00:00.000000Z'
    >>> iso(moved_opening(nine, office, parse_instant("2026-11-20T10:00:01Z"), utc))
    '2026-11-23T10:00:00.000000Z'
    """
    if window is None:
        return until.next_opening(instant, where)
    before = _last_opening(until, instant, where)
    if before is not None and (moved := window.next_open(before, where)) >= instant:
        return moved
    return window.next_open(until.next_opening(instant, where), where)


@lru_cache(maxsize=CACHED)
def _last_opening(until: Until, instant: int, where: ZoneInfo) -> int | None:
    """Search the local days backward: the last opening at or before an instant."""
    today = to_local(instant, where).date()
    for ahead in range(DAYS_BACK, -MAX_DAYS_AHEAD, -1):
        day = _day(today, ahead)
        if day is None or day.weekday() not in until.weekdays:
            continue
        opens = _at_clock(day, until.time or 0, where)
        if opens <= instant:
            return opens if until.time is not None else min(instant, _at_clock(day, DAY // SECOND, where) - 1)
    return None
