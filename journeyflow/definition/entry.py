"""Who enters a journey, who may come again, what ends a run early, what it is for (R20 to R27, R42)."""

from collections.abc import Sequence

from attrs import field as option
from attrs import frozen

from journeyflow.basics.hours import Window
from journeyflow.basics.moments import MINUTE, Duration
from journeyflow.basics.words import JOURNEY_COMPLETED, MESSAGE, MESSAGE_KINDS, WEBSITE_KINDS
from journeyflow.definition.options import Shown, as_duration
from journeyflow.definition.rules.conditions import FieldRule, Rule, all_of
from journeyflow.errors import did_you_mean


def _as_size(value: object) -> object:
    """Keep a pair as a tuple; what is no list stays as it is."""
    return tuple(value) if isinstance(value, list) else value


@frozen(repr=False)
class Pull(Shown):
    """A schedule on which a journey goes and gets people itself (R27).

    `every` is the time from one pull to the next, a minute at least; the first is at the activation. `list` says whose
    members are pulled, without it that is everybody of the tenant. `size` is how many come in at a time: a number, or a
    pair of which chance draws one each time; without it all who may. `window` is the hours in which pulls take place:
    one that falls outside waits for the opening. Nobody is pulled who has entered `times` times `within` a time.

    >>> Pull("1 hour", list="news", size=(10, 20), times=2, within="30 days")
    Pull('1 hour', list='news', size=(10, 20), times=2, within='30 days')
    >>> print(Pull("1 hour", list="news", size=(10, 20)), "|", Pull("1 day"))
    10 to 20 of list 'news' every 1 hour | everybody every 1 day
    """

    every: Duration = option(converter=as_duration)
    list: str | None = option(kw_only=True, default=None)
    size: int | tuple[int, int] | None = option(kw_only=True, default=None, converter=_as_size)
    window: Window | None = option(kw_only=True, default=None)
    times: int | None = option(kw_only=True, default=None)
    within: Duration | None = option(kw_only=True, default=None, converter=as_duration)

    @property
    def sizes(self) -> tuple[int, int] | None:
        """The least and the most that come in at a time; None for all who may."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def __str__(self) -> str:
        """Say whom it gets and when."""
        whom = "everybody" if self.list is None else f"list {self.list!r}"
        if self.sizes is not None:
            least, most = self.sizes
            whom = f"{most if least == most else f'{least} to {most}'} of {whom}"
        return f"{whom} every {self.every}"


MIN_EVERY = MINUTE
"""The shortest time from one pull to the next, in microseconds (F226): more often is a stream of events."""


@frozen(repr=False)
class Trigger(Shown):
    """What enters people: an event type with criteria, a schedule, or nothing but hand and host (`manual=True`) (R20).

    >>> Trigger("member.created")
    Trigger('member.created')
    """

    event: str | None = None
    where: Rule | None = option(kw_only=True, default=None)
    manual: bool = option(kw_only=True, default=False)
    pull: Pull | None = option(kw_only=True, default=None)

    @classmethod
    def every(
        cls,
        period: object,
        *,
        list: str | None = None,  # noqa: A002 the field's own word
        size: object = None,
        window: Window | None = None,
        times: int | None = None,
        within: object = None,
        where: Rule | None = None,
    ) -> "Trigger":
        """Pull people in on a schedule: the members of a list, or everybody whom `where` is true of (F226).

        What the schedule says is said of `Pull`; `where` asks about the customer.

        >>> Trigger.every("1 day", list="news", size=100).pull
        Pull('1 day', list='news', size=100)
        """
        said = Pull(period, list=list, size=size, window=window, times=times, within=within)
        return cls(where=where, pull=said)

    @classmethod
    def list_subscribed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter who joins a list, or any list (F23)."""
        return cls("list.subscribed", where=_narrowed(where, list=name))

    @classmethod
    def list_unsubscribed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter who leaves a list, or any list (F24)."""
        return cls("list.unsubscribed", where=_narrowed(where, list=name))

    @classmethod
    def tag_added(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter who is given a tag, or any tag (F32)."""
        return cls("tag.added", where=_narrowed(where, tag=name))

    @classmethod
    def tag_removed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter who loses a tag, or any tag (F33)."""
        return cls("tag.removed", where=_narrowed(where, tag=name))

    @classmethod
    def field_changed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter whose attribute changes, or any attribute; `event.new` and `event.old` are its values (F34).

        >>> Trigger.field_changed("plan", where=FieldRule("event.new", "eq", "paid")).event
        'field.changed'
        """
        return cls("field.changed", where=_narrowed(where, field=name))

    @classmethod
    def message(
        cls, kind: str, *, template: str | None = None, channel: str | None = None, where: Rule | None = None
    ) -> "Trigger":
        """Enter to whose message something happens: "opened", "clicked", "converted" and the like (F25 to F27).

        `template` and `channel` are those of the message; without them any message will do. Raises ValueError for a
        kind that there is not.

        >>> str(Trigger.message("opened", template="welcome").where)
        "event.template = 'welcome'"
        """
        _check_kind(kind, MESSAGE_KINDS)
        return cls(f"{MESSAGE}{kind}", where=_narrowed(where, template=template, channel=channel))

    @classmethod
    def website(cls, kind: str, *, where: Rule | None = None) -> "Trigger":
        """Enter who does something on the website: "pageView", "identify", "customEvent" or "conversion" (F28 to F31).

        Raises ValueError for a kind that there is not.
        """
        _check_kind(kind, WEBSITE_KINDS)
        return cls(f"website.{kind}", where=where)

    @classmethod
    def revenue(cls, at_least: int = 0, *, where: Rule | None = None) -> "Trigger":
        """Enter who brings a revenue of at least so many minor units at once (F35)."""
        hit = FieldRule("event.amount", "gte", at_least)
        return cls("revenue", where=hit if where is None else all_of(hit, where))

    @classmethod
    def journey_completed(cls, journey: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter who comes to the end of a journey, or of any journey (F36)."""
        return cls(JOURNEY_COMPLETED, where=_narrowed(where, journey=journey))


def _narrowed(where: Rule | None, **named: str | None) -> Rule | None:
    """Ask for values of the event's data too, where some are named; nothing named is any value (F38 to F40)."""
    asked: list[Rule] = [FieldRule(f"event.{name}", "eq", value) for name, value in named.items() if value is not None]
    asked += [] if where is None else [where]
    return all_of(*asked) if len(asked) > 1 else next(iter(asked), None)


def _check_kind(kind: object, known: Sequence[str]) -> None:
    """Refuse a kind of event that never comes."""
    if kind not in known:
        msg = f"unknown kind {kind!r}{did_you_mean(kind, known) or '; known are ' + ', '.join(known)}"
        raise ValueError(msg)


@frozen(repr=False)
class Reentry(Shown):
    """Who may come again: nobody, anybody, or after a time since the last entry; or every trigger begins anew (R22).

    `key` is a path into the trigger's data, such as "event.cart": a customer then has a run for each key at a time, and
    an event that carries the path reaches the run with its key alone.

    >>> Reentry.after("90 days"), Reentry.restart(key="event.cart"), Reentry.parse("always")
    (Reentry('after', '90 days'), Reentry('restart', key='event.cart'), Reentry('always'))
    """

    policy: str = "never"
    period: Duration | None = option(default=None, converter=as_duration)
    key: str | None = option(kw_only=True, default=None)

    @classmethod
    def never(cls, *, key: str | None = None) -> "Reentry":
        """Allow one run, with a key one for each key; the same as `Reentry()`."""
        return cls("never", key=key)

    @classmethod
    def always(cls, *, key: str | None = None) -> "Reentry":
        """Allow another run as soon as the one before has ended."""
        return cls("always", key=key)

    @classmethod
    def after(cls, period: object, *, key: str | None = None) -> "Reentry":
        """Allow another run when so much time has passed since the last entry; exactly then is allowed."""
        return cls("after", period, key=key)

    @classmethod
    def restart(cls, *, key: str | None = None) -> "Reentry":
        """Let every trigger begin anew: the present run ends, EXITED "restarted", when the new one enters."""
        return cls("restart", key=key)

    @classmethod
    def parse(cls, value: object) -> "Reentry":
        """Take "never", "always" or a Reentry."""
        return value if isinstance(value, Reentry) else cls(value)  # type: ignore[arg-type]  # checked as a problem


KEY_ROOT = "event."
"""A key is read from the data of the event at hand (R22)."""

REENTRY_POLICIES = ("never", "always", "after", "restart")


@frozen(repr=False)
class Limits(Shown):
    """How many may enter an hour and a day, in windows that roll; 0 is no limit (R23).

    Who comes when there is no slot waits for one ("defer"), or is refused ("drop").

    >>> Limits(per_hour=100, per_day=1_000)
    Limits(per_hour=100, per_day=1000)
    """

    per_hour: int = option(kw_only=True, default=0)
    per_day: int = option(kw_only=True, default=0)
    over: str = option(kw_only=True, default="defer")


OVER_POLICIES = ("defer", "drop")


@frozen(repr=False)
class Exit(Shown):
    """A way out of the whole journey: on an event, or when the customer comes to match a rule (R42).

    >>> Exit("bought", event="order.placed")
    Exit('bought', event='order.placed')
    """

    name: str
    event: str | None = option(kw_only=True, default=None)
    where: Rule | None = option(kw_only=True, default=None)
    when: Rule | None = option(kw_only=True, default=None)
    any_message: bool = option(kw_only=True, default=False)


@frozen(repr=False)
class Goal(Shown):
    """What the journey is for: an event, within a time from entry; with `exit` it also ends the run (R42).

    >>> Goal("order.placed", within="7 days")
    Goal('order.placed', within='7 days')
    """

    event: str
    where: Rule | None = option(kw_only=True, default=None)
    within: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    exit: bool = option(kw_only=True, default=False)
    any_message: bool = option(kw_only=True, default=False)
