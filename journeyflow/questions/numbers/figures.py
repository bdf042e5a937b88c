"""The figures that statistics consist of (R81 to R83, F150 to F189).

A figure is a count, or None if it is unknown; it is never a 0 that only means "not known here".
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows

if TYPE_CHECKING:
    from journeyflow.definition.drawings import StepCounts
    from journeyflow.definition.shape import Definition
    from journeyflow.drawing.charts import Diagram


@frozen
class Count:
    """How often something happened: in total, and to how many messages."""

    total: int = 0
    unique: int = 0


NONE = Count()

SHOWN = ("sent", "delivered", "opened", "clicked", "bounced", "unsubscribed")
"""What a notebook shows of the messages of a step."""

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
"""The rates of messages."""


def ratio(part: int | None, whole: int | None) -> float | None:
    """Return a quotient; None if there is nothing to divide by, or a figure is unknown (R83).

    >>> ratio(1, 4), ratio(1, 0), ratio(None, 4)
    (0.25, None, None)
    """
    return part / whole if whole and part is not None else None


def rate(part: int, whole: int) -> float | None:
    """Return a share of messages; None if there is nothing to divide by, or if it would be more than the whole (R83).

    A part larger than its whole shows that not all of the whole was reported: clicks in mails whose images were not
    loaded, or openings within a window of messages that were sent before it.

    >>> rate(1, 4), rate(4, 4), rate(3, 1), rate(0, 0)
    (0.25, 1.0, None, None)
    """
    return ratio(part, whole) if part <= whole else None


@frozen
class MessageStats(Rows):
    """What became of messages (F153, F154); `revenue` is in minor units (F161).

    `queued` counts the messages that joined the outbox; it is None for a mailbox domain, because the domain of a
    message is not known yet when it is queued. The others count message events, in total and by message. Rates are sums
    over sums, of messages and not of events; a rate is None if nothing was sent, or if it would be above 1 (R83).
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
        """Delivered messages by sent ones; None if more were opened or clicked: then deliveries are not reported."""
        told = self.delivered.unique >= max(self.opened.unique, self.clicked.unique)
        return rate(self.delivered.unique, self.sent.unique) if told else None

    @property
    def open_rate(self) -> float | None:
        """Opened messages by sent ones; None if more were clicked: then openings are not reported."""
        return rate(self.opened.unique, self.sent.unique) if self.opened.unique >= self.clicked.unique else None

    @property
    def click_rate(self) -> float | None:
        """Clicked messages by sent ones."""
        return rate(self.clicked.unique, self.sent.unique)

    @property
    def click_to_open_rate(self) -> float | None:
        """Clicked messages by opened ones."""
        return rate(self.clicked.unique, self.opened.unique)

    @property
    def conversion_rate(self) -> float | None:
        """Messages with a conversion by sent ones."""
        return rate(self.converted.unique, self.sent.unique)

    @property
    def bounce_rate(self) -> float | None:
        """Bounced messages by sent ones."""
        return rate(self.bounced.unique, self.sent.unique)

    @property
    def unsubscribe_rate(self) -> float | None:
        """Messages with an unsubscription by sent ones."""
        return rate(self.unsubscribed.unique, self.sent.unique)

    @property
    def complaint_rate(self) -> float | None:
        """Messages with a complaint by sent ones."""
        return rate(self.complained.unique, self.sent.unique)


EMPTY_DAY, EMPTY_DAY_UNQUEUED = MessageStats(0), MessageStats(None)
"""For days on which nothing was counted: there are so many of these that each object is made once."""


@frozen
class PeopleStats(Rows):
    """How many people came and how they left: enrollments of a journey, or visits of a step (R81, F150, F151).

    total = active + completed + skipped + exited + failed. `lifetime` counts distinct customers (F166), `holdout` the
    enrollments in the holdout, which are in no other number, `converted` those that reached the goal. What is not known
    of a step is None.
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
class DayStats(Rows):
    """One day in the journey's zone: who came and left, and what became of messages (F156, F159, F179)."""

    date: date
    entered: int | None
    completed: int | None
    skipped: int | None
    exited: int | None
    failed: int | None
    converted: int | None
    messages: MessageStats | None


@frozen
class StepStats(Rows):
    """One step of a journey (F177 to F183): who rests there now, and what happened there within the window.

    `number` is its place in the newest version, from 1, and None if it is not there. `active` is not of the window, nor
    are `people`, its visits, and `lifetime`, its messages: both are of all time. `outcomes` counts visits by outcome:
    branches of a Condition and arms of a Split, also those that no customer took; why a Send sent nothing. `messages`,
    `by_channel` with the same figures by channel, and `lifetime` are None unless the step is a Send, or was one in an
    older version.
    """

    step: str
    kind: str
    number: int | None
    active: int | None
    visited: int | None
    outcomes: Mapping[str, int] | None
    messages: MessageStats | None
    daily: tuple[DayStats, ...] = field(repr=False)
    by_channel: Mapping[str, MessageStats] | None = field(default=None, repr=False)
    people: PeopleStats | None = field(default=None, repr=False)
    lifetime: MessageStats | None = field(default=None, repr=False)

    @property
    def passed(self) -> int | None:
        """How many visits ended within the window and went on; None if that is not known."""
        return self._ended("completed", "skipped")

    @property
    def left(self) -> int | None:
        """How many left the journey at this step within the window, by an exit or a failure; None if not known."""
        return self._ended("exited", "failed")

    def _ended(self, *ways: str) -> int | None:
        found = [getattr(day, way) for day in self.daily for way in ways]
        return None if None in found else sum(found)


@frozen
class JourneyStats(Rows):
    """The statistics of a journey, or of one step, one channel, one mailbox domain of it, or all these (F150 to F183).

    `people` and `messages` are of all time; `window`, `daily`, `by_step` and `by_channel` are of the days from `since`
    to `until`, both included, in `timezone` (R82). `people` is None for a mailbox domain and for a channel, which have
    none; `messages`, `window` and `by_channel` are None for a step that was never a Send. `last_triggered_at` is the
    newest entry and `last_activity_at` the newest thing counted, in UTC; None is never. `daily` has every day in
    ascending order.
    """

    tenant: str
    journey: str
    step: str | None
    domain: str | None
    channel: str | None
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
    by_channel: Mapping[str, MessageStats] | None = field(repr=False)

    def _rows(self) -> Iterator[object]:
        return iter(self.by_step.values())

    def funnel(self, journey: "Definition | None" = None) -> "Diagram":
        """Return how many visits each step had in the window, and how many left the journey there, as a chart.

        With the journey, each step has its share of the visits of the steps that lead to it, and of the first step's.
        """
        from journeyflow.definition.counted import funnel  # noqa: PLC0415 few look at pictures

        return funnel(self.counts, journey)

    def flow(self, journey: "Definition") -> "Diagram":
        """Return how many went from each step of the journey to the next in the window, as a chart."""
        from journeyflow.definition.counted import step_flow  # noqa: PLC0415 few look at pictures

        return step_flow(self.counts, journey, sum(day.entered or 0 for day in self.daily))

    def _told(self) -> list[dict[str, object]]:
        """Return a line for each step: who is there, came, went on and left there, and its messages of the window."""
        return [
            {
                "step": each.step, "kind": each.kind, "here now": each.active, "visits": each.visited,
                "passed": each.passed, "left here": each.left, "outcomes": each.outcomes,
                **{word: getattr(each.messages, word).unique for word in SHOWN if each.messages is not None},
            }
            for each in self.by_step.values()
        ]  # fmt: skip

    def _caption(self) -> str:
        only = [f"{name} {value}" for name in ("step", "channel", "domain") if (value := getattr(self, name))]
        of = ", ".join((self.journey, *only))
        return f"Statistics of journey {of}, {self.since} to {self.until} ({self.timezone})"

    def _pictures(self) -> "Iterator[Diagram]":
        yield self.funnel()

    @property
    def counts(self) -> "Mapping[str, StepCounts]":
        """The counts that a picture of the journey shows, by step id.

        Who rests at a step is as of now; its visits, how many went on or left the journey there, and its branches are
        of the window.
        """
        from journeyflow.definition.drawings import StepCounts  # noqa: PLC0415 few look at pictures

        return {
            name: StepCounts(each.active, each.visited, each.passed, each.left, outcomes=each.outcomes or {})
            for name, each in self.by_step.items()
        }


def sent_by_day(by: Mapping[str, JourneyStats], title: str = "Messages sent by day") -> "Diagram":
    """Return how many messages were sent on each day of the window, in colors by name: a channel, or a journey.

    Journeys in several zones have different days: one that a journey does not have is 0.
    """
    from journeyflow.drawing.charts import columns  # noqa: PLC0415 few look at pictures

    sent = {
        name: {day.date: day.messages.sent.unique for day in each.daily if day.messages is not None}
        for name, each in by.items()
    }
    days = sorted({day.date for each in by.values() for day in each.daily})
    return columns(title, list(map(str, days)), {name: [of.get(day, 0) for day in days] for name, of in sent.items()})


@frozen
class Benchmark(Rows):
    """The sums over all journeys of a tenant that sent something in the window, or did by one channel (F184 to F188).

    `journeys` counts those journeys and `enrolled` all their enrollments so far. `messages` has their figures within
    the window; its rates are sums over sums, so a journey weighs what it sent. `since` and `until` are its first and
    last day, both included: where journeys have several zones, the earliest and the latest of them.
    """

    tenant: str
    since: date
    until: date
    journeys: int
    enrolled: int
    messages: MessageStats
    channel: str | None = None

    @property
    def revenue_per_subscriber(self) -> float | None:
        """Revenue in the window, in minor units, by enrollments so far; None without enrollments."""
        return ratio(self.messages.revenue, self.enrolled)
