"""Policies of a tenant: how often and at what hours its journeys may write to one customer (R31).

A policy stands above all journeys of a tenant. Each is kept with the instant from which it holds, so that late work
sees the one of its own instant, as it does with the state of a journey (R11).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import inf
from typing import cast
from zoneinfo import ZoneInfo

from attrs import field as option
from attrs import frozen

from journeyflow.basics.hours import PERIODS, WEEKDAYS, Window, calendar_period, write_clock, write_weekdays
from journeyflow.basics.moments import DAY, Duration, add, zone
from journeyflow.basics.values import describe, id_fault
from journeyflow.definition.options import Shown, as_duration, as_parts
from journeyflow.errors import InvalidInput, did_you_mean

MAX_PARTS = 100
"""Caps, or quiet hours, of one tenant: each is asked at every Send, and nobody foresees what hundreds do together."""

OVER = ("skip", "defer")
"""What may become of a Send that a cap stops."""

MAX_CHANNELS = 4096
"""Channels, over all tenants, for which what binds them is kept ready."""

CLOCK_CHANGES = 2 * DAY
"""More than any zone is away from UTC, or moves its clocks."""


@frozen(repr=False)
class Cap(Shown):
    """At most `count` messages to one customer, over all journeys of the tenant (R31).

    `per` is a day, week (from Monday) or month of the calendar in the customer's zone, `within` a rolling length of
    time; exactly one is given. It counts and stops the messages of one `channel`, or of all. What is `over` it is
    skipped, or with "defer" held until the cap opens again. A count of 0 always skips, None is off.

    >>> Cap(3, per="day"), Cap(1, within="36 hours", channel="SMS", over="defer")
    (Cap(3, per='day'), Cap(1, within='36 hours', channel='SMS', over='defer'))
    """

    count: int | None
    per: str | None = option(kw_only=True, default=None)
    within: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    channel: str | None = option(kw_only=True, default=None)
    over: str = option(kw_only=True, default="skip")

    def counts(self, channel: str) -> bool:
        """Tell whether messages of a channel count.

        >>> Cap(1, per="day").counts("SMS"), Cap(1, per="day", channel="EMAIL").counts("SMS")
        (True, False)
        """
        return self.channel is None or self.channel == channel

    def opens(self, sent: Sequence[int], at: int, where: ZoneInfo) -> int:
        """Give the first instant from `at` on at which another message fits; `sent` are the instants of those before.

        A rolling cap counts what was sent less than its length before, and what was sent later too; one of the calendar
        what was sent in the same period. The count is 1 or more.

        >>> from journeyflow.basics.moments import HOUR
        >>> utc = ZoneInfo("UTC")
        >>> Cap(2, within="1 hour").opens([0, HOUR // 2], HOUR - 1, utc) == HOUR
        True
        >>> Cap(2, per="day").opens([0, HOUR], 5 * HOUR, utc) == 24 * HOUR
        True
        """
        count = cast("int", self.count)
        if self.per is not None:
            start, end = calendar_period(self.per, at, where)
            return at if sum(start <= each < end for each in sent) < count else end
        length = cast("Duration", self.within)
        ends = sorted(end for each in sent if (end := add(each, length, where)) > at)
        return at if len(ends) < count else ends[-count]

    @property
    def reach(self) -> int:
        """How far back messages may count, in microseconds, rather more than less."""
        length = Duration(days=PERIODS[self.per]) if self.per is not None else cast("Duration", self.within)
        return (length.months * 31 + length.days) * DAY + length.micros + CLOCK_CHANGES


@frozen(repr=False, init=False)
class QuietHours:
    """Hours in which no Send goes out, in the customer's zone; overnight when the end is before the start (R31, R34).

    They bind one `channel`, or all. The weekday of overnight hours is that of their beginning. Raises ValueError for
    hours that cannot be.

    >>> QuietHours("22:00", "08:00"), QuietHours("00:00", "24:00", weekdays="SUN", channel="SMS")
    (QuietHours('22:00', '08:00'), QuietHours('00:00', '24:00', weekdays='SUN', channel='SMS'))
    """

    hours: Window
    channel: str | None

    def __init__(self, start: str, end: str, *, weekdays: object = None, channel: str | None = None) -> None:
        self.__attrs_init__(Window(weekdays, start, end), channel)

    def __repr__(self) -> str:
        """Show what was said."""
        hours = self.hours
        parts = [repr(write_clock(hours.start)), repr(write_clock(hours.end))]
        if len(hours.weekdays) < len(WEEKDAYS):
            parts.append(f"weekdays={','.join(write_weekdays(hours.weekdays))!r}")
        if self.channel is not None:
            parts.append(f"channel={self.channel!r}")
        return f"QuietHours({', '.join(parts)})"


@frozen(repr=False)
class Policies(Shown):
    """The policies of a tenant: caps and quiet hours, which bind every Send but the transactional ones (R31).

    Hours and periods of the calendar are those of the customer's `timezone` attribute; where that names no zone, those
    of `timezone`; without it, of the journey that sends. `Policies()` is none. Raises InvalidInput with every fault.

    >>> Policies(caps=[Cap(3, per="day", channel="EMAIL")], quiet=[QuietHours("22:00", "08:00")])
    Policies(caps=(Cap(3, per='day', channel='EMAIL'),), quiet=(QuietHours('22:00', '08:00'),))
    """

    caps: tuple[Cap, ...] = option(kw_only=True, default=(), converter=as_parts)
    quiet: tuple[QuietHours, ...] = option(kw_only=True, default=(), converter=as_parts)
    timezone: str | None = option(kw_only=True, default=None)

    def __attrs_post_init__(self) -> None:
        """Refuse policies that cannot be, saying all that is wrong."""
        found = [*_part_faults("caps", self.caps, Cap), *_part_faults("quiet", self.quiet, QuietHours)]
        if self.timezone is not None:
            try:
                zone(self.timezone)
            except ValueError as error:
                found.append(f"timezone: {error}")
        if found:
            raise InvalidInput(found)


# --- what can be wrong ------------------------------------------------------------------------------------------------


def _part_faults(name: str, parts: object, kind: type) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with a list of caps or of quiet hours, with its place."""
    if not isinstance(parts, tuple):
        yield f"{name}: must be a list of {kind.__name__}, not {describe(parts)}"
        return
    if len(parts) > MAX_PARTS:
        yield f"{name}: {len(parts)} are too many; at most {MAX_PARTS}"
    for position, part in enumerate(parts):
        where = f"{name}[{position}]"
        if isinstance(part, Cap | QuietHours) and type(part) is kind:
            yield from part_faults(part, where)
        else:
            yield f"{where}: must be {kind.__name__}(...), not {describe(part)}"


def part_faults(part: Cap | QuietHours, where: str) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with a cap or with quiet hours.

    >>> list(part_faults(Cap(-1, per="year"), "caps[0]"))[0]
    'caps[0].count: must be 0 or more, or None for no cap, not int -1'
    """
    if part.channel is not None and (fault := id_fault(part.channel)):
        yield f"{where}.channel: {fault}"
    if isinstance(part, Cap):
        yield from (f"{where}{fault}" for fault in _cap_faults(part))


def _cap_faults(cap: Cap) -> Iterator[str]:
    """Yield what is wrong with a cap, each with its place inside it."""
    if cap.count is not None and (type(cap.count) is not int or cap.count < 0):
        yield f".count: must be 0 or more, or None for no cap, not {describe(cap.count)}"
    if (cap.per is None) == (cap.within is None):
        yield ": say either per='day', 'week' or 'month', or within= a length of time such as '7 days'"
    if cap.per is not None and not (isinstance(cap.per, str) and cap.per in PERIODS):
        yield f".per: must be 'day', 'week' or 'month', not {describe(cap.per)}{did_you_mean(cap.per, PERIODS)}"
    if cap.within is not None and not isinstance(cap.within, Duration):
        yield f".within: {describe(cap.within)} is no duration such as '24 hours' or '7 days'"
    elif cap.within is not None and (cap.within.sign <= 0 or cap.within.mixed):
        yield f".within: must lead forward, not '{cap.within}'"
    if not isinstance(cap.over, str) or cap.over not in OVER:
        yield f".over: must be 'skip' or 'defer', not {describe(cap.over)}{did_you_mean(cap.over, OVER)}"


# --- in force ---------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Terms:
    """Policies ready to be asked: what binds each channel, looked up once."""

    policies: Policies
    zone: ZoneInfo | None = option(init=False)

    @zone.default
    def _(self) -> ZoneInfo | None:
        name = self.policies.timezone
        return None if name is None else zone(name)

    def quiet(self, channel: str) -> tuple[Window, ...]:
        """Give the quiet hours that bind a channel."""
        return _quiet(self, channel)

    def caps(self, channel: str) -> tuple[Cap, ...]:
        """Give the caps that bind a channel, without those that are off."""
        return _caps(self, channel)

    def fewest(self, channel: str) -> float:
        """Give how many messages the narrowest of these caps lets through: who has had fewer may have another."""
        return _fewest(self, channel)


@lru_cache(maxsize=MAX_CHANNELS)
def _quiet(terms: Terms, channel: str) -> tuple[Window, ...]:
    return tuple(each.hours for each in terms.policies.quiet if each.channel in {None, channel})


@lru_cache(maxsize=MAX_CHANNELS)
def _caps(terms: Terms, channel: str) -> tuple[Cap, ...]:
    return tuple(each for each in terms.policies.caps if each.counts(channel) and each.count is not None)


@lru_cache(maxsize=MAX_CHANNELS)
def _fewest(terms: Terms, channel: str) -> float:
    return min((each.count or 0 for each in terms.caps(channel)), default=inf)


@frozen(eq=False)
class PolicyHistory:
    """The policies of a tenant over time (R11): each with the instant from which it holds, in order."""

    history: tuple[tuple[int, Terms], ...]
    reach: int | None = option(init=False)
    """How far back messages may count for any of the caps, in microseconds; None where nothing is counted."""

    @reach.default
    def _(self) -> int | None:
        caps = (cap for _, terms in self.history for cap in terms.policies.caps if cap.count)
        return max((cap.reach for cap in caps), default=None)

    def at(self, instant: int) -> Terms | None:
        """Give the terms in force at an instant; None before the first."""
        if instant >= self.history[-1][0]:  # nearly always; the search below says the same
            return self.history[-1][1]
        position = bisect_right(self.history, instant, key=lambda each: each[0])
        return self.history[position - 1][1] if position else None

    @property
    def newest(self) -> tuple[int, Policies]:
        """The policies that were set last, with their instant."""
        at, terms = self.history[-1]
        return at, terms.policies
