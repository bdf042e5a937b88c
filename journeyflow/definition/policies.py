"""Policies of a tenant: how often and at what hours its journeys may send (R31), and when a channel retries (R71).

Policies apply to all journeys of a tenant. Each set is stored with the instant from which it holds, so that late work
uses the policies of its own instant, just as it uses the state of a journey at that instant (R11).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import cast
from zoneinfo import ZoneInfo

from attrs import field as option
from attrs import frozen

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.hours import PERIODS, WEEKDAYS, Window, calendar_period, weekdays_in_words, write_clock
from journeyflow.basics.moments import DAY, zone
from journeyflow.basics.values import describe, id_fault
from journeyflow.definition.options import Shown, as_data, as_duration, as_parts
from journeyflow.definition.retry import Retry, retry_faults
from journeyflow.errors import InvalidInput, did_you_mean

MAX_PARTS = 100
"""How many caps, and how many quiet hours, a tenant may have: each is checked at every Send."""

OVER = ("skip", "defer")
"""The values of a cap's `over`: what happens to a Send that the cap stops."""

MAX_CHANNELS = 4096
"""How many channels, over all tenants, have their caps and quiet hours cached."""

CLOCK_CHANGES = 2 * DAY
"""More, in microseconds, than any zone's offset from UTC or clock change."""


@frozen(repr=False)
class Cap(Shown):
    """At most `count` messages to one customer, over all journeys of the tenant (R31).

    Exactly one of `per` and `within` is given: `per` is a calendar "day", "week" (from Monday) or "month" in the
    customer's zone, `within` a rolling length of time such as "36 hours". With a `channel`, the cap counts and stops
    only the messages of that channel; without one, those of all channels. `over` is what happens to a Send above the
    cap: "skip" skips it, "defer" holds it until the cap opens again. A `count` of 0 always skips; None switches the
    cap off.

    >>> Cap(3, per="day"), Cap(1, within="36 hours", channel="SMS", over="defer")
    (Cap(3, per='day'), Cap(1, within='36 hours', channel='SMS', over='defer'))
    """

    count: int | None
    per: str | None = option(kw_only=True, default=None)
    within: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    channel: str | None = option(kw_only=True, default=None)
    over: str = option(kw_only=True, default="skip")

    def counts(self, channel: str) -> bool:
        """Return whether the messages of a channel count toward this cap.

        >>> Cap(1, per="day").counts("SMS"), Cap(1, per="day", channel="EMAIL").counts("SMS")
        (True, False)
        """
        return self.channel is None or self.channel == channel

    def opens(self, sent: Sequence[int], at: int, where: ZoneInfo) -> int:
        """Return the first instant, not before `at`, at which another message fits under the cap.

        Instants are microseconds UTC; `sent` holds those of the messages so far, and `where` is the zone of the
        calendar. A rolling cap counts messages sent less than its length earlier, and later ones too; a calendar cap
        counts messages of the same period. The cap's `count` must be 1 or more.

        >>> from journeyflow.basics.moments import HOUR
        >>> utc = ZoneInfo("UTC")
        >>> Cap(2, within="1 hour").opens([0, HOUR // 2], HOUR - 1, utc) == HOUR
        True
        >>> Cap(2, per="day").opens([0, HOUR], 5 * HOUR, utc) == 24 * HOUR
        True
        """
        count, ends = cast("int", self.count), self.ends(sent, at, where)
        return at if len(ends) < count else ends[-count]

    def ends(self, sent: Sequence[int], at: int, where: ZoneInfo) -> list[int]:
        """Return when each of the messages that count at an instant stops counting, in order; as `opens` takes them."""
        if self.per is not None:
            start, end = calendar_period(self.per, at, where)
            return [end] * sum(start <= each < end for each in sent)
        length = cast("Duration", self.within)
        return sorted(end for each in sent if (end := add(each, length, where)) > at)

    @property
    def words(self) -> str:
        """The cap in words: how many messages, of which channel, in which time.

        >>> Cap(1, per="day").words, Cap(3, within="36 hours", channel="SMS").words
        ('1 message per day', '3 SMS messages within 36 hours')
        """
        channel = "" if self.channel is None else f"{self.channel} "
        time = f"within {self.within}" if self.per is None else f"per {self.per}"
        return f"{self.count} {channel}message{'' if self.count == 1 else 's'} {time}"

    @property
    def reach(self) -> int:
        """An upper bound for how far back messages can count, in microseconds."""
        length = Duration(days=PERIODS[self.per]) if self.per is not None else cast("Duration", self.within)
        return (length.months * 31 + length.days) * DAY + length.micros + CLOCK_CHANGES


@frozen(repr=False, init=False)
class QuietHours:
    """Hours in which no message is sent, in the customer's zone; overnight if they end before they start (R31, R34).

    `start` and `end` are clock times such as "22:00"; the end is exclusive. `weekdays`, such as "SUN" or "MON-FRI",
    restricts them to those days; overnight hours belong to the weekday on which they start. With a `channel`, they
    apply to that channel only. Raises ValueError for invalid hours.

    >>> QuietHours("22:00", "08:00"), QuietHours("00:00", "24:00", weekdays="SUN", channel="SMS")
    (QuietHours('22:00', '08:00'), QuietHours('00:00', '24:00', weekdays='SUN', channel='SMS'))
    """

    hours: Window
    channel: str | None

    def __init__(self, start: str, end: str, *, weekdays: object = None, channel: str | None = None) -> None:
        self.__attrs_init__(Window(weekdays, start, end), channel)

    def __repr__(self) -> str:
        """Return the call that makes these quiet hours."""
        hours = self.hours
        parts = [repr(write_clock(hours.start)), repr(write_clock(hours.end))]
        if len(hours.weekdays) < len(WEEKDAYS):
            parts.append(f"weekdays={weekdays_in_words(hours.weekdays)!r}")
        if self.channel is not None:
            parts.append(f"channel={self.channel!r}")
        return f"QuietHours({', '.join(parts)})"


@frozen(repr=False)
class Policies(Shown):
    """The policies of a tenant: frequency caps, quiet hours, and when messages of a channel are tried again (R31, R71).

    Caps and quiet hours bind every Send that is not transactional. `retries` maps a channel to its `Retry`, which is
    used unless a Send has one of its own.

    Quiet hours and calendar periods are read in the zone of the customer's `timezone` attribute; where that names no
    zone, in `timezone`; without it, in the zone of the journey that sends. `Policies()` sets no policies. Raises
    InvalidInput with every fault.

    >>> Policies(caps=[Cap(3, per="day", channel="EMAIL")], quiet=[QuietHours("22:00", "08:00")])
    Policies(caps=(Cap(3, per='day', channel='EMAIL'),), quiet=(QuietHours('22:00', '08:00'),))
    """

    caps: tuple[Cap, ...] = option(kw_only=True, default=(), converter=as_parts)
    quiet: tuple[QuietHours, ...] = option(kw_only=True, default=(), converter=as_parts)
    timezone: str | None = option(kw_only=True, default=None)
    retries: Mapping[str, Retry] = option(kw_only=True, factory=dict, converter=as_data, hash=False)

    def __attrs_post_init__(self) -> None:
        """Raise InvalidInput with every fault of invalid policies."""
        found = [*_part_faults("caps", self.caps, Cap), *_part_faults("quiet", self.quiet, QuietHours)]
        if self.timezone is not None:
            try:
                zone(self.timezone)
            except ValueError as error:
                found.append(f"timezone: {error}")
        found += _retries_faults(self.retries)
        if found:
            raise InvalidInput(found)


# --- what can be wrong ------------------------------------------------------------------------------------------------


def _part_faults(name: str, parts: object, kind: type) -> Iterator[str]:
    """Yield a sentence, with its place, for every fault of a list of caps or of quiet hours."""
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


def _retries_faults(retries: object) -> Iterator[str]:
    """Yield a sentence, with its place, for every fault of the retries of channels."""
    if not isinstance(retries, Mapping):
        yield f"retries: must be an object of a Retry for each channel, not {describe(retries)}"
        return
    for channel, retry in retries.items():
        if fault := id_fault(channel):
            yield f"retries: the channel {fault}"
        else:
            yield from (f"retries.{channel}{place}: {fault}" for place, fault in retry_faults(retry))


def part_faults(part: Cap | QuietHours, where: str) -> Iterator[str]:
    """Yield a sentence, with its place, for every fault of a cap or of quiet hours.

    >>> list(part_faults(Cap(-1, per="year"), "caps[0]"))[0]
    'caps[0].count: must be 0 or more, or None for no cap, not int -1'
    """
    if part.channel is not None and (fault := id_fault(part.channel)):
        yield f"{where}.channel: {fault}"
    if isinstance(part, Cap):
        yield from (f"{where}{fault}" for fault in _cap_faults(part))


def _cap_faults(cap: Cap) -> Iterator[str]:
    """Yield every fault of a cap, each with its place inside the cap."""
    if cap.count is not None and (type(cap.count) is not int or cap.count < 0):
        yield f".count: must be 0 or more, or None for no cap, not {describe(cap.count)}"
    if (cap.per is None) == (cap.within is None):
        yield ": say either per='day', 'week' or 'month', or within= a length of time such as '7 days'"
    if cap.per is not None and not (isinstance(cap.per, str) and cap.per in PERIODS):
        yield f".per: must be 'day', 'week' or 'month', not {describe(cap.per)}{did_you_mean(cap.per, PERIODS)}"
    if cap.within is not None and not isinstance(cap.within, Duration):
        yield f".within: {describe(cap.within)} is not a duration such as '24 hours' or '7 days'"
    elif cap.within is not None and (cap.within.sign <= 0 or cap.within.mixed):
        yield f".within: must lead forward, not '{cap.within}'"
    if not isinstance(cap.over, str) or cap.over not in OVER:
        yield f".over: must be 'skip' or 'defer', not {describe(cap.over)}{did_you_mean(cap.over, OVER)}"


# --- in force ---------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Terms:
    """Policies prepared for use: the caps and quiet hours of each channel are looked up once."""

    policies: Policies
    zone: ZoneInfo | None = option(init=False)

    @zone.default
    def _(self) -> ZoneInfo | None:
        name = self.policies.timezone
        return None if name is None else zone(name)

    def quiet(self, channel: str) -> tuple[Window, ...]:
        """Return the quiet hours that apply to a channel."""
        return _quiet(self, channel)

    def caps(self, channel: str) -> tuple[Cap, ...]:
        """Return the caps that apply to a channel, without those that are off."""
        return _caps(self, channel)

    def fewest(self, channel: str) -> float:
        """Return the lowest count of a channel's caps: a customer with fewer messages may get another."""
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
    """The policies of a tenant over time (R11): (instant from which they hold, policies), oldest first."""

    history: tuple[tuple[int, Terms], ...]
    reach: int | None = option(init=False)
    """How far back messages can count for any cap, in microseconds; None if no cap counts messages."""

    @reach.default
    def _(self) -> int | None:
        caps = (cap for _, terms in self.history for cap in terms.policies.caps if cap.count)
        return max((cap.reach for cap in caps), default=None)

    def at(self, instant: int) -> Terms | None:
        """Return the terms in force at an instant; None before the first."""
        if instant >= self.history[-1][0]:  # the usual case; the search below gives the same result
            return self.history[-1][1]
        position = bisect_right(self.history, instant, key=lambda each: each[0])
        return self.history[position - 1][1] if position else None

    @property
    def newest(self) -> tuple[int, Policies]:
        """The newest policies, with the instant from which they hold."""
        at, terms = self.history[-1]
        return at, terms.policies
