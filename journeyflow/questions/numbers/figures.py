"""Figures: what statistics come to (R81 to R83, F150 to F189).

A figure is a count of what was told, or None where it is unknown; it is never a 0 that only means "not known here".
"""

from collections.abc import Mapping
from datetime import date, datetime

from attrs import field, frozen


@frozen
class Count:
    """How often something happened: in all, and once for each message it happened to."""

    total: int = 0
    unique: int = 0


NONE = Count()

RATES = (
    "delivery",
    "open",
    "click",
    "click_to_open",
    "conversion",
    "bounce",
    "unsubscribe",
    "complaint",
)
"""The rates that messages have."""


def ratio(part: int | None, whole: int | None) -> float | None:
    """Divide; None where nothing is there to divide by, or something is unknown (R83).

    >>> ratio(1, 4), ratio(1, 0), ratio(None, 4)
    (0.25, None, None)
    """
    return part / whole if whole and part is not None else None


def rate(part: int, whole: int) -> float | None:
    """Give the share of messages; None where there is nothing to divide by, or more than the whole (R83).

    A part that is more than its whole says that the whole was not told: clicks on mails whose opening no picture told,
    openings within a window of what was sent before it.

    >>> rate(1, 4), rate(4, 4), rate(3, 1), rate(0, 0)
    (0.25, 1.0, None, None)
    """
    return ratio(part, whole) if part <= whole else None


@frozen
class MessageStats:
    """What became of messages (F153, F154); `revenue` is in minor units (F161).

    `queued` counts those that joined the outbox; it is None for one mailbox domain, which is known later. Rates are
    sums over sums, of messages and not of how often they were told of; None where nothing was sent, or where more than
    all would have (R83).
    """

    queued: int | None = None
    sent: Count = NONE
    delivered: Count = NONE
    opened: Count = NONE
    clicked: Count = NONE
    converted: Count = NONE
    browser_viewed: Count = NONE
    forwarded: Count = NONE
    unsubscribed: Count = NONE
    bounced: Count = NONE
    complained: Count = NONE
    revenue: int = 0

    @property
    def rates(self) -> Mapping[str, float | None]:
        """Every rate by its name (F184)."""
        return {name: getattr(self, f"{name}_rate") for name in RATES}

    @property
    def delivery_rate(self) -> float | None:
        """Delivered messages by those sent; None where more was opened or clicked: then deliveries are not told."""
        told = self.delivered.unique >= max(self.opened.unique, self.clicked.unique)
        return rate(self.delivered.unique, self.sent.unique) if told else None

    @property
    def open_rate(self) -> float | None:
        """Opened messages by those sent; None where more was clicked: then openings are not told."""
        return rate(self.opened.unique, self.sent.unique) if self.opened.unique >= self.clicked.unique else None

    @property
    def click_rate(self) -> float | None:
        """Clicked messages by those sent."""
        return rate(self.clicked.unique, self.sent.unique)

    @property
    def click_to_open_rate(self) -> float | None:
        """Clicked messages by those opened."""
        return rate(self.clicked.unique, self.opened.unique)

    @property
    def conversion_rate(self) -> float | None:
        """Messages with a conversion by those sent."""
        return rate(self.converted.unique, self.sent.unique)

    @property
    def bounce_rate(self) -> float | None:
        """Bounced messages by those sent."""
        return rate(self.bounced.unique, self.sent.unique)

    @property
    def unsubscribe_rate(self) -> float | None:
        """Messages that made somebody unsubscribe by those sent."""
        return rate(self.unsubscribed.unique, self.sent.unique)

    @property
    def complaint_rate(self) -> float | None:
        """Messages complained of by those sent."""
        return rate(self.complained.unique, self.sent.unique)


NOTHING, UNKNOWN = MessageStats(0), MessageStats(None)
"""Of a day on which nothing was told: they are so many that each is made once."""


@frozen
class PeopleStats:
    """How many came and how they left: enrollments of a journey, or visits of a step (R81, F150, F151).

    total = active + completed + skipped + exited + failed. `lifetime` counts distinct customers (F166), `holdout` the
    enrollments that were kept out, who are in no other number, `converted` those that reached the goal. What is not
    known of a step is None.
    """

    total: int
    active: int
    completed: int
    skipped: int
    exited: int
    failed: int
    lifetime: int | None = None
    holdout: int | None = None
    converted: int | None = None


@frozen
class DayStats:
    """One day, in the journey's zone: who came and left on it, and what became of messages (F156, F159, F179)."""

    date: date
    entered: int | None
    completed: int | None
    skipped: int | None
    exited: int | None
    failed: int | None
    converted: int | None
    messages: MessageStats | None


@frozen
class StepStats:
    """A step (F177 to F183): who rests there now, and what happened there within the window.

    `number` is its place in the newest version, None where it is gone. `outcomes` are visits of the window by their
    outcome: branches of a Condition and arms of a Split, taken or not; why a Send sent nothing. `messages` are None for
    what is no Send.
    """

    step: str
    kind: str
    number: int | None
    active: int | None
    visited: int | None
    outcomes: Mapping[str, int] | None
    messages: MessageStats | None
    daily: tuple[DayStats, ...] = field(repr=False)


@frozen
class JourneyStats:
    """A journey, or one step of it, or one mailbox domain, or one step by domain (F150 to F183).

    `people` and `messages` are of all time, `window`, `daily` and `by_step` of the days from `since` to `until`, both
    included, in `timezone` (R82). `people` is None for a mailbox domain: people have none. `messages` is None for a
    step that is no Send. `last_triggered_at` is the newest entry, `last_activity_at` the newest thing counted; None for
    never.
    """

    tenant: str
    journey: str
    step: str | None
    domain: str | None
    since: date
    until: date
    timezone: str
    people: PeopleStats | None
    messages: MessageStats | None
    window: MessageStats | None
    last_triggered_at: datetime | None
    last_activity_at: datetime | None
    daily: tuple[DayStats, ...] = field(repr=False)
    by_step: Mapping[str, StepStats] = field(repr=False)


@frozen
class Benchmark:
    """All journeys of an account that sent something in the window, weighted by what they sent (F184 to F188).

    `journeys` counts them, `enrolled` all their enrollments so far; rates of `messages` are sums over sums.
    """

    tenant: str
    since: date
    until: date
    journeys: int
    enrolled: int
    messages: MessageStats

    @property
    def revenue_per_subscriber(self) -> float | None:
        """Minor units of revenue in the window by enrollments so far; None where nobody was enrolled."""
        return ratio(self.messages.revenue, self.enrolled)
