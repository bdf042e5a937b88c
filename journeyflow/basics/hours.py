"""Hours, weekdays and the calendar: windows, local openings, periods (R31, R32, R34). Nothing here reads a clock."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import CACHED, DAY, LAST, SECOND, local_instant, to_local, zone
from journeyflow.errors import shown

DAYS_BACK = 2
"""Where the search for an opening begins: yesterday's overnight window may be open, and islands have skipped a day."""

MAX_DAYS_AHEAD = 400
"""How far an opening is looked for: every weekly window opens within a week of local days, bar clock changes."""

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

PERIODS = {"day": 1, "week": 7, "month": 31}
"""The periods of the calendar that messages are counted in, with the most days each may have."""

_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def parse_clock(value: object) -> int:
    """Read a local time "HH:MM" or "HH:MM:SS" as seconds of the day; "24:00" is the end of the day.

    >>> parse_clock("09:30")
    34200
    """
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0) if match else DAY
    if seconds > DAY // SECOND:
        msg = f"{shown(value)} is no local time such as '09:00' or '17:30:00'"
        raise ValueError(msg)
    return seconds


def write_clock(seconds: int) -> str:
    """Write seconds of the day as "HH:MM", with ":SS" where there are seconds.

    >>> write_clock(34_200), write_clock(86_400)
    ('09:30', '24:00')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")


def _clock(value: object) -> int:
    """Take a local time as text, or as seconds of the day."""
    return value if type(value) is int and 0 <= value <= DAY // SECOND else parse_clock(value)


def _clock_or_none(value: object) -> int | None:
    """Take a local time, or none."""
    return None if value is None else _clock(value)


def parse_weekdays(value: object) -> frozenset[int]:
    """Read weekdays: "MON-FRI", "SAT,SUN", or a list of names; Monday is 0. None means all seven.

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
                msg = f"{shown(name)} is no weekday; use MON, TUE, WED, THU, FRI, SAT, SUN or a range such as MON-FRI"
                raise ValueError(msg)
            start = WEEKDAYS.index(first.upper())
            length = (WEEKDAYS.index(last.upper()) - start) % 7 if dash else 0
            days.update((start + step) % 7 for step in range(length + 1))
    if not days:
        msg = f"{shown(value)} names no weekday; use for example 'MON-FRI' or ['SAT', 'SUN']"
        raise ValueError(msg)
    return frozenset(days)


def write_weekdays(days: frozenset[int]) -> tuple[str, ...]:
    """List weekdays by name, Monday first.

    >>> write_weekdays(frozenset({4, 0}))
    ('MON', 'FRI')
    """
    return tuple(WEEKDAYS[day] for day in sorted(days))


@frozen
class Window:
    """Hours in which something may go on: weekdays, local start and end (exclusive); overnight when end < start (R34).

    They are hours of the journey's zone, or of the customer's (R33), unless the window names a `timezone` of its own.

    >>> Window("MON-FRI", "09:00", "17:00")
    Window('MON,TUE,WED,THU,FRI', '09:00', '17:00')
    """

    weekdays: frozenset[int] = field(default=None, converter=parse_weekdays)
    start: int = field(default=0, converter=_clock)
    end: int = field(default=DAY // SECOND, converter=_clock)
    timezone: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a window without length, and one in no zone."""
        if self.timezone is not None:
            zone(self.timezone)
        if self.start == self.end:
            msg = f"the window starts and ends at {write_clock(self.start)}; say 00:00 to 24:00 for the whole day"
            raise ValueError(msg)
        if self.start == DAY // SECOND:
            msg = "a window cannot start at 24:00; say 00:00"
            raise ValueError(msg)

    def next_open(self, instant: int, where: ZoneInfo) -> int:
        """Give `instant` when the window is open then, else the next opening: never earlier, and minimal (R34).

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> office, utc = Window("MON-FRI", "09:00", "17:00"), ZoneInfo("UTC")
        >>> iso(office.next_open(parse_instant("2026-11-20T17:00:00Z"), utc))
        '2026-11-23T09:00:00.000000Z'
        """
        return _next_open(self, instant, where if self.timezone is None else zone(self.timezone))

    def closes(self, instant: int, where: ZoneInfo) -> int:
        """Give the instant at which the window closes that is open at `instant`, else `instant` itself (R34).

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> night, utc = Window(None, "22:00", "06:00"), ZoneInfo("UTC")
        >>> iso(night.closes(parse_instant("2026-11-20T23:00:00Z"), utc))
        '2026-11-21T06:00:00.000000Z'
        """
        return _closes(self, instant, where if self.timezone is None else zone(self.timezone))

    def __repr__(self) -> str:
        """Show the window as it is written."""
        days = ",".join(write_weekdays(self.weekdays))
        zoned = "" if self.timezone is None else f", {self.timezone!r}"
        return f"Window({days!r}, {write_clock(self.start)!r}, {write_clock(self.end)!r}{zoned})"


@lru_cache(maxsize=CACHED)
def _next_open(window: Window, instant: int, where: ZoneInfo) -> int:
    """Look through the local days; their windows open in the order of the days."""
    for opens, closes in _openings(window, instant, where):
        if instant < closes:
            return max(instant, opens)
    return LAST


@lru_cache(maxsize=CACHED)
def _closes(window: Window, instant: int, where: ZoneInfo) -> int:
    """Look for the latest end of an opening that the instant lies in; only those around it can hold it."""
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
    """Give the local day, week (from Monday) or month that an instant lies in: its first instant, and that of the next.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> utc = ZoneInfo("UTC")
    >>> [iso(each)[:10] for each in calendar_period("week", parse_instant("2026-11-21T12:00:00Z"), utc)]
    ['2026-11-16', '2026-11-23']
    >>> [iso(each)[:10] for each in calendar_period("month", parse_instant("2026-12-31T12:00:00Z"), utc)]
    ['2026-12-01', '2027-01-01']
    """
    start, end = _period_of(period, to_local(instant, where).date(), where)
    if end <= instant < LAST:  # a clock was set back over midnight: the day after has begun before
        start, end = _period_of(period, to_local(end, where).date(), where)
    return start, end


def _period_of(period: str, today: date, where: ZoneInfo) -> tuple[int, int]:
    """Give the first instants of the period that a local day lies in, and of the one after it."""
    first = today.replace(day=1) if period == "month" else today
    if period == "week":
        first = _day(today, -today.weekday()) or date.min
    days = monthrange(first.year, first.month)[1] if period == "month" else PERIODS[period]
    following = _day(first, days)
    return _at_clock(first, 0, where), LAST if following is None else _at_clock(following, 0, where)


def _day(today: date, ahead: int) -> date | None:
    """Give a day some days away, or None beyond the calendar."""
    try:
        return today + timedelta(days=ahead)
    except OverflowError:
        return None


def _at_clock(day: date, seconds: int, where: ZoneInfo) -> int:
    """Give the instant of a local time on a day; seconds beyond 86,400 belong to the day after."""
    try:
        wall = datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)  # noqa: DTZ001 wall time
    except OverflowError:
        return LAST
    return local_instant(wall, where)


@frozen
class Until:
    """The next local time, the next weekday, or both (R32).

    With a time it is a moment: that time on the next of the weekdays. Without one it is any moment of such a day.

    >>> Until.parse("09:00"), Until.parse("MON-FRI 09:00"), Until.parse("SAT")
    (Until('09:00'), Until('MON,TUE,WED,THU,FRI 09:00'), Until('SAT'))
    """

    time: int | None = field(default=None, converter=_clock_or_none)
    weekdays: frozenset[int] = field(default=None, converter=parse_weekdays)

    def __attrs_post_init__(self) -> None:
        """Refuse 24:00 and an opening that names nothing."""
        if self.time == DAY // SECOND:
            msg = "'24:00' is no moment to wait for; say 00:00"
            raise ValueError(msg)
        if self.time is None and len(self.weekdays) == len(WEEKDAYS):
            msg = "say a local time such as '09:00', or weekdays such as 'MON', or both"
            raise ValueError(msg)

    @classmethod
    def parse(cls, value: object) -> "Until":
        """Read "09:00", "MON-FRI", "MON-FRI 09:00", or take an Until as it is; ValueError otherwise."""
        if isinstance(value, Until):
            return value
        words = value.split() if isinstance(value, str) else []
        time = words.pop() if words and ":" in words[-1] else None
        if len(words) > 1 or (time is None and (not words or words[0][:1].isdigit())):
            msg = f"{shown(value)} is no opening such as '09:00', 'MON-FRI' or 'MON-FRI 09:00'"
            raise ValueError(msg)
        return cls(time, words[0] if words else None)

    def next_opening(self, instant: int, where: ZoneInfo, *, after: bool = False) -> int:
        """Give the first opening at or after an instant; strictly later than it with `after` (R35).

        >>> from journeyflow.basics.moments import iso, parse_instant
        >>> utc = ZoneInfo("UTC")
        >>> nine = parse_instant("2026-11-20T09:00:00Z")
        >>> iso(Until("09:00").next_opening(nine, utc)), iso(Until("09:00").next_opening(nine, utc, after=True))
        ('2026-11-20T09:00:00.000000Z', '2026-11-21T09:00:00.000000Z')
        """
        return _next_opening(self, instant, where, after)

    def __repr__(self) -> str:
        """Show the opening as it is written."""
        return f"Until('{self}')"

    def __str__(self) -> str:
        """Write the opening so that `parse` reads it back."""
        days = "" if len(self.weekdays) == len(WEEKDAYS) else ",".join(write_weekdays(self.weekdays))
        return f"{days} {write_clock(self.time) if self.time is not None else ''}".strip()


@lru_cache(maxsize=CACHED)
def _next_opening(until: Until, instant: int, where: ZoneInfo, after: bool) -> int:
    """Look through the local days; a time that a clock change moved past midnight belongs to the day before."""
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
