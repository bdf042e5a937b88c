"""Who enters a journey, who may come again, what ends a run early, what it is for (R20 to R24, R42)."""

from attrs import field as option
from attrs import frozen

from journeyflow.moments import Duration
from journeyflow.options import Shown, as_duration
from journeyflow.rules import Rule


@frozen(repr=False)
class Trigger(Shown):
    """What enters people: an event type with criteria, or nothing but hand and host (`Trigger(manual=True)`) (R20).

    >>> Trigger("member.created")
    Trigger('member.created')
    """

    event: str | None = None
    where: Rule | None = option(kw_only=True, default=None)
    manual: bool = option(kw_only=True, default=False)


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
