"""How long a step can take: intervals from the shortest to the longest time, in microseconds.

An interval never excludes a time that the engine can take, given `ASSUMED`; where no bound is known, there is none.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until, Window
from journeyflow.basics.moments import DAY, HOUR, SECOND, zone
from journeyflow.basics.showing import in_words

WEEK = 7 * DAY

SINCE, CYCLE = 2012, 4_800
"""The year from which clock changes are looked at, and the months after which the calendar repeats."""

ANY_ZONE = 3 * HOUR
"""By how much any zone has changed its clocks since `SINCE`: the bound where each customer has a zone."""


@frozen
class Span:
    """A length of time between two bounds, in microseconds; `most` is None where no bound is known.

    >>> str(Span(DAY, 3 * DAY)), str(Span(0)), str(Span(2 * HOUR, 2 * HOUR)), str(Span(DAY, None))
    ('1 day to 3 days', 'no time', '2 hours', '1 day or longer')
    """

    least: int = 0
    most: int | None = 0

    def __add__(self, other: "Span") -> "Span":
        """Return the length of both, one after the other."""
        most = None if self.most is None or other.most is None else self.most + other.most
        return Span(self.least + other.least, most)

    @property
    def shortest(self) -> timedelta:
        """The least time it takes."""
        return timedelta(microseconds=self.least)

    @property
    def longest(self) -> timedelta | None:
        """The most time it takes; None if that is not known."""
        return None if self.most is None else timedelta(microseconds=self.most)

    def holds(self, length: timedelta) -> bool:
        """Return whether a length of time lies between the bounds, both included."""
        return self.shortest <= length and (self.longest is None or length <= self.longest)

    def __str__(self) -> str:
        """Return the bounds in words, with days of 24 hours."""
        if self.most is None:
            return f"{in_words(self.least)} or longer" if self.least else "an unknown time"
        if self.least == self.most:
            return in_words(self.least)
        return f"{in_words(self.least)} to {in_words(self.most)}"


AT_ONCE, UNKNOWN_SPAN = Span(), Span(0, None)

# --- clocks -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def clock_change(name: str) -> int:
    """Return by how much the clocks of a zone differ over the years, in microseconds, from `SINCE` on.

    >>> clock_change("UTC"), clock_change("Europe/Paris") // HOUR
    (0, 1)
    """
    start, where = datetime(SINCE, 1, 1, tzinfo=UTC), zone(name)
    offsets = [_offset(start + timedelta(days=2 * days), where) for days in range(365 * 20)]
    return (max(offsets) - min(offsets)) // timedelta(microseconds=1)


def _offset(at: datetime, where: ZoneInfo) -> timedelta:
    return at.astimezone(where).utcoffset() or timedelta()


def length_of(duration: Duration, change: int) -> Span:
    """Return how long a duration can be, where clocks change by so much (R33).

    >>> str(length_of(Duration.parse("1 month"), 0)), str(length_of(Duration.parse("2 days"), HOUR))
    ('28 days to 31 days', '1 day 23 hours to 2 days 1 hour')
    """
    fewest, most = _days(duration.months)
    near = change if duration.months or duration.days else 0
    exact = duration.days * DAY + duration.micros
    return Span(max(0, fewest * DAY + exact - near), most * DAY + exact + near)


@lru_cache(maxsize=1024)
def _days(months: int) -> tuple[int, int]:
    """Return the fewest and the most days that a number of months can have; month ends clip."""
    if not months:
        return 0, 0
    lengths = [monthrange(2000 + n // 12, n % 12 + 1)[1] for n in range(CYCLE)]
    sums = [0, *accumulate(lengths)]
    rounds, over = divmod(months, CYCLE)

    def days(start: int) -> int:
        end = start + over
        return rounds * sums[CYCLE] + sums[end % CYCLE] + end // CYCLE * sums[CYCLE] - sums[start]

    clipped = (days(n) - max(0, lengths[n] - lengths[(n + over) % CYCLE]) for n in range(CYCLE))
    return min(clipped), max(map(days, range(CYCLE)))


# --- hours ------------------------------------------------------------------------------------------------------------


def closed_for(window: Window | None, change: int) -> int:
    """Return the longest time for which a window is closed.

    >>> closed_for(Window("MON-FRI", "09:00", "17:00"), 0) // HOUR, closed_for(None, 0)
    (64, 0)
    """
    if window is None:
        return 0
    change = change if window.timezone is None else clock_change(window.timezone)
    length = (window.end - window.start) % (DAY // SECOND) * SECOND or DAY
    starts = [day * DAY + window.start * SECOND for day in sorted(window.weekdays)]
    gap = _farthest(starts) - length
    if not gap:
        return 0
    skipped = gap + length if length <= change else 0  # a clock change may leave such an opening out
    return gap + skipped + change


def opens_within(until: Until, change: int, *, again: bool) -> int:
    """Return how long it takes at most until an opening; with `again` a wait may begin at one and end at the next.

    >>> opens_within(Until("09:00"), 0, again=False) // HOUR, opens_within(Until(None, "SAT"), 0, again=False) // HOUR
    (24, 144)
    """
    starts = [day * DAY for day in sorted(until.weekdays)]
    apart = _farthest(starts)
    return (apart if again or until.time is not None else max(0, apart - DAY)) + change


def _farthest(starts: list[int]) -> int:
    """Return the longest time from one start in the week to the next."""
    return max(after - before for before, after in zip(starts, [*starts[1:], starts[0] + WEEK], strict=True))
