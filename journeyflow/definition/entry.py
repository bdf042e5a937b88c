"""The entry rules of a journey (trigger, re-entry, limits), its exits and its goal (R20 to R27, R42)."""

from collections.abc import Mapping, Sequence

from attrs import field as option
from attrs import frozen

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Window
from journeyflow.basics.moments import MINUTE
from journeyflow.basics.words import JOURNEY_COMPLETED, MESSAGE, MESSAGE_KINDS, WEBSITE_KINDS
from journeyflow.definition.options import Shown, as_duration
from journeyflow.definition.rules.conditions import AllOf, FieldRule, Rule, all_of
from journeyflow.errors import did_you_mean


def _as_size(value: object) -> object:
    """Return a list as a tuple; any other value stays as it is."""
    return tuple(value) if isinstance(value, list) else value


@frozen(repr=False)
class Pull(Shown):
    """A schedule on which a journey enters customers by itself (R27).

    `every` is the time from one pull to the next, at least a minute, counted from the activation. `list` is the list
    whose members are pulled; without it, all customers of the tenant are. `size` is how many customers enter per pull:
    a number, or a pair (least, most) from which each pull draws a number by a fixed hash; without it, all who may enter
    does. `window` is the hours in which pulls take place: a pull outside it waits until it opens. A customer who has
    entered the journey `times` times within the length of time `within` is passed over; the two are given together.

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
        """The least and the most customers per pull; None for no bound."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def __str__(self) -> str:
        """Return in words who is pulled, and how often."""
        whom = "everybody" if self.list is None else f"list {self.list!r}"
        if self.sizes is not None:
            least, most = self.sizes
            whom = f"{most if least == most else f'{least} to {most}'} of {whom}"
        return f"{whom} every {self.every}"


MIN_EVERY = MINUTE
"""The shortest time from one pull to the next, in microseconds (F226). Anything more frequent should be an event."""


@frozen(repr=False)
class Trigger(Shown):
    """What enters customers: an event type with criteria, a schedule, or only the host by hand (`manual=True`) (R20).

    `event` is the type of event that enters the customer it is about; `pull` is a schedule, best written with
    `Trigger.every`; exactly one of `event`, `pull` and `manual` is given. `where` is a rule that must be true: about
    the event and the customer, or for a schedule about the customer alone.

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
        """Enter customers on a schedule: the members of a list, or all customers, who match the rule `where` (F226).

        `period` is the time from one pull to the next; `Pull` describes the other options. `where` is a rule about the
        customer, since there is no event.

        >>> Trigger.every("1 day", list="news", size=100).pull
        Pull('1 day', list='news', size=100)
        """
        said = Pull(period, list=list, size=size, window=window, times=times, within=within)
        return cls(where=where, pull=said)

    @classmethod
    def list_subscribed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who join the list `name`, or any list (F23)."""
        return cls("list.subscribed", where=_narrowed(where, list=name))

    @classmethod
    def list_unsubscribed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who leave the list `name`, or any list (F24)."""
        return cls("list.unsubscribed", where=_narrowed(where, list=name))

    @classmethod
    def tag_added(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who get the tag `name`, or any tag (F32)."""
        return cls("tag.added", where=_narrowed(where, tag=name))

    @classmethod
    def tag_removed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who lose the tag `name`, or any tag (F33)."""
        return cls("tag.removed", where=_narrowed(where, tag=name))

    @classmethod
    def field_changed(cls, name: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers whose attribute `name`, or any attribute, changes (F34).

        In `where`, `event.old` and `event.new` are the values before and after the change.

        >>> Trigger.field_changed("plan", where=FieldRule("event.new", "eq", "paid")).event
        'field.changed'
        """
        return cls("field.changed", where=_narrowed(where, field=name))

    @classmethod
    def message(
        cls, kind: str, *, template: str | None = None, channel: str | None = None, where: Rule | None = None
    ) -> "Trigger":
        """Enter customers when something happens to one of their messages, such as "opened" or "clicked" (F25 to F27).

        `template` and `channel` restrict this to messages with that template or channel; without them, any message
        counts. Raises ValueError for an unknown kind.

        >>> str(Trigger.message("opened", template="welcome").where)
        "event.template = 'welcome'"
        """
        _check_kind(kind, MESSAGE_KINDS)
        return cls(f"{MESSAGE}{kind}", where=_narrowed(where, template=template, channel=channel))

    @classmethod
    def website(cls, kind: str, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who act on the website: "pageView", "identify", "customEvent" or "conversion" (F28 to F31).

        Raises ValueError for an unknown kind.
        """
        _check_kind(kind, WEBSITE_KINDS)
        return cls(f"website.{kind}", where=where)

    @classmethod
    def revenue(cls, at_least: int = 0, *, where: Rule | None = None) -> "Trigger":
        """Enter customers with one revenue event of at least this many minor units (F35)."""
        hit = FieldRule("event.amount", "gte", at_least)
        return cls("revenue", where=hit if where is None else all_of(hit, where))

    @classmethod
    def journey_completed(cls, journey: str | None = None, *, where: Rule | None = None) -> "Trigger":
        """Enter customers who complete the journey with the id `journey`, or any journey (F36)."""
        return cls(JOURNEY_COMPLETED, where=_narrowed(where, journey=journey))

    @property
    def family(self) -> str:
        """The name of the method that makes such a trigger, such as "list_subscribed" or "message".

        "event" is an event of the host's own type, "manual" enrollment by hand only, "every" a schedule (R51).
        """
        return self._read[0]

    @property
    def target(self) -> str | int | None:
        """What the trigger is about: the list, tag, attribute, template or journey that it names, or the least revenue.

        None if any matches, or if there is no target.
        """
        return self._read[1]

    @property
    def criteria(self) -> Rule | None:
        """What else must be true: the rule that was given as `where=` beside the target; None for nothing.

        >>> trigger = Trigger.list_subscribed("news", where=FieldRule("plan", "eq", "paid"))
        >>> trigger.family, trigger.target, str(trigger.criteria)
        ('list_subscribed', 'news', "plan = 'paid'")
        """
        return self._read[2]

    @property
    def _read(self) -> tuple[str, str | int | None, Rule | None]:
        """The family, the target and the criteria."""
        if self.event is None:
            return "manual" if self.pull is None else "every", None, self.where
        family, name, op = _FAMILIES.get(self.event) or _wider_family(self.event)
        first, *rest = self.where.rules if isinstance(self.where, AllOf) and self.where.rules else (self.where,)
        if not isinstance(first, FieldRule) or (first.field, first.op, first.value_of) != (f"event.{name}", op, None):
            return family, None, self.where
        if not isinstance(first.value, str | int):
            return family, None, self.where
        return family, first.value, all_of(*rest) if len(rest) > 1 else next(iter(rest), None)


_FAMILIES: Mapping[str, tuple[str, str, str]] = {
    "list.subscribed": ("list_subscribed", "list", "eq"),
    "list.unsubscribed": ("list_unsubscribed", "list", "eq"),
    "tag.added": ("tag_added", "tag", "eq"),
    "tag.removed": ("tag_removed", "tag", "eq"),
    "field.changed": ("field_changed", "field", "eq"),
    "revenue": ("revenue", "amount", "gte"),
    JOURNEY_COMPLETED: ("journey_completed", "journey", "eq"),
}
"""The family of triggers by the type of event, with the name in its data that the target is compared with, and how."""


def _wider_family(event: str) -> tuple[str, str, str]:
    """Return the family of an event that begins with its family's name, or is the host's own."""
    if event.startswith(MESSAGE) and event.removeprefix(MESSAGE) in MESSAGE_KINDS:
        return "message", "template", "eq"
    website = event.startswith("website.") and event.removeprefix("website.") in WEBSITE_KINDS
    return ("website" if website else "event"), "", "eq"


def _narrowed(where: Rule | None, **named: str | None) -> Rule | None:
    """Ask for values of the event's data too, where some are named; nothing named is any value (F38 to F40)."""
    asked: list[Rule] = [FieldRule(f"event.{name}", "eq", value) for name, value in named.items() if value is not None]
    asked += [] if where is None else [where]
    return all_of(*asked) if len(asked) > 1 else next(iter(asked), None)


def _check_kind(kind: object, known: Sequence[str]) -> None:
    """Raise ValueError for an unknown kind of event."""
    if kind not in known:
        msg = f"unknown kind {kind!r}{did_you_mean(kind, known) or '; known are ' + ', '.join(known)}"
        raise ValueError(msg)


@frozen(repr=False)
class Reentry(Shown):
    """Whether a customer may enter again: never, always, after a time since the last entry, or by a restart (R22).

    `policy` is "never", "always", "after" or "restart"; `period` is a length of time, given with "after" only. `key` is
    a path into the trigger's data, such as "event.cart": a customer can then have one run per key at the same time, and
    an event that carries a key reaches only the run with that key.

    >>> Reentry.after("90 days"), Reentry.restart(key="event.cart"), Reentry.parse("always")
    (Reentry('after', '90 days'), Reentry('restart', key='event.cart'), Reentry('always'))
    """

    policy: str = "never"
    period: Duration | None = option(default=None, converter=as_duration)
    key: str | None = option(kw_only=True, default=None)

    @property
    def key_name(self) -> str | None:
        """The key's path in the data of an event, None without a key.

        >>> Reentry.always(key="event.cart").key_name
        'cart'
        """
        return None if self.key is None else self.key.removeprefix(KEY_ROOT)

    @classmethod
    def never(cls, *, key: str | None = None) -> "Reentry":
        """Return a policy that allows one run, or with a key one run per key; without a key the same as `Reentry()`."""
        return cls("never", key=key)

    @classmethod
    def always(cls, *, key: str | None = None) -> "Reentry":
        """Return a policy that allows another run as soon as the previous one has ended."""
        return cls("always", key=key)

    @classmethod
    def after(cls, period: object, *, key: str | None = None) -> "Reentry":
        """Return a policy that allows another run once `period` has passed since the last entry.

        An entry exactly that long after the last one is allowed.
        """
        return cls("after", period, key=key)

    @classmethod
    def restart(cls, *, key: str | None = None) -> "Reentry":
        """Return a policy by which every trigger starts over: a new entry ends the current run, EXITED "restarted"."""
        return cls("restart", key=key)

    @classmethod
    def parse(cls, value: object) -> "Reentry":
        """Return a Reentry as it is, or make one from "never" or "always"."""
        return value if isinstance(value, Reentry) else cls(value)  # type: ignore[arg-type]  # checked as a problem


KEY_ROOT = "event."
"""The start of every key's path: a key is read from the data of the current event (R22)."""

REENTRY_POLICIES = ("never", "always", "after", "restart")


@frozen(repr=False)
class Limits(Shown):
    """How many customers may enter per hour and per day, in rolling windows; 0 is no limit (R23).

    `over` is what happens to a customer who finds no free slot: "defer" (the default) puts the entry into the journey's
    queue until a slot is free, "drop" refuses it.

    >>> Limits(per_hour=100, per_day=1_000)
    Limits(per_hour=100, per_day=1000)
    """

    per_hour: int = option(kw_only=True, default=0)
    per_day: int = option(kw_only=True, default=0)
    over: str = option(kw_only=True, default="defer")


OVER_POLICIES = ("defer", "drop")


@frozen(repr=False)
class Exit(Shown):
    """A rule that ends a run early: on an event, or as soon as the customer matches a condition (R42).

    `name` becomes the reason of the exit. Exactly one of `event` and `when` is given. `event` is the type of an event,
    which must also match the rule `where`; `any_message` includes events about messages of other runs. `when` is a rule
    about the customer, checked at entry (a customer who matches it is refused) and whenever the customer changes.

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
    """What the journey is meant to achieve: an event, within a length of time from entry (R42).

    `event` is the type of the event, which must also match the rule `where`. `within` bounds the time from entry,
    exactly then included; without it, the goal can be reached at any time, even after the run has ended. With `exit`,
    reaching the goal also ends an active run. `any_message` includes events about messages of other runs.

    >>> Goal("order.placed", within="7 days")
    Goal('order.placed', within='7 days')
    """

    event: str
    where: Rule | None = option(kw_only=True, default=None)
    within: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    exit: bool = option(kw_only=True, default=False)
    any_message: bool = option(kw_only=True, default=False)
