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
    """Who may come again: nobody ("never"), anybody ("always"), or after a time since the last entry (R22).

    >>> Reentry.after("90 days"), Reentry.parse("always")
    (Reentry('after', '90 days'), Reentry('always'))
    """

    policy: str = "never"
    period: Duration | None = option(default=None, converter=as_duration)

    @classmethod
    def after(cls, period: object) -> "Reentry":
        """Allow another run when so much time has passed since the last entry; exactly then is allowed."""
        return cls("after", period)

    @classmethod
    def parse(cls, value: object) -> "Reentry":
        """Take "never", "always" or a Reentry."""
        return value if isinstance(value, Reentry) else cls(value)  # type: ignore[arg-type]  # checked as a problem


REENTRY_POLICIES = ("never", "always", "after")


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
