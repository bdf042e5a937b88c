"""The six kinds of step, as frozen data without behavior (R30 to R40). Their behavior is in `machine/behaviours.py`.

In Python a branch may be a list of steps. `Journey` flattens these lists into the graph, so that every continuation of
a step inside a journey is the id of a step.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeGuard, Union, cast

from attrs import evolve, frozen
from attrs import field as option

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until, Window
from journeyflow.definition.options import (
    Shown,
    as_data,
    as_duration,
    as_every,
    as_instant,
    as_parts,
    as_percentage,
    as_until,
    hundredths,
)
from journeyflow.definition.retry import Retry
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import Rule

Target = Union[str, Sequence["Step"], None]  # noqa: UP007 a name that is defined below cannot be joined with |
"""A continuation: the id of a step, a list of steps, or None for the step that follows."""


def _target(value: object) -> Target:
    return cast("Target", as_parts(value))


NOTHING_KEPT: Mapping[str, object] = MappingProxyType({})
"""The default of `meta`."""

# --- the kinds --------------------------------------------------------------------------------------------------------


@frozen(repr=False)
class Send(Shown):
    """Send one message through a channel, at once or when its window opens (R31).

    `channel` is the name of the channel that delivers the message, without a dot, and `template` the name of the
    template that the channel fills in. `data` is passed to the channel with the message; its texts may contain
    templates such as `{{ name }}`, rendered at the instant of the Send. `window` holds the Send until the window is
    open. Before a message is queued, quiet hours, consent and frequency caps are checked as well; `transactional=True`
    ignores these three, but not the window.

    `cancel_on_exit` is whether a message still queued is cancelled when the run is exited from outside. `expires` is a
    duration after the Send: a message that has not been handed out by then expires. `on_failure` is what happens to a
    run that is still active when its message is given up: "continue" leaves it alone, "fail" fails it (R43). `retry` is
    when the message is tried again after a failed attempt; without it, the tenant's policies decide by channel (R71).
    """

    id: str
    channel: str = option(kw_only=True)
    template: str = option(kw_only=True)
    data: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    window: Window | None = option(kw_only=True, default=None)
    transactional: bool = option(kw_only=True, default=False)
    cancel_on_exit: bool = option(kw_only=True, default=True)
    expires: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    on_failure: str = option(kw_only=True, default="continue")
    retry: Retry | None = option(kw_only=True, default=None)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    next: str | None = option(kw_only=True, default=None)


@frozen(repr=False)
class Wait(Shown):
    """Wait for a time, a date, an event or a condition (R32).

    Exactly one of these is given:

    - `duration`: a length of time such as "3 days" or "30 minutes". Days and longer units are calendar arithmetic in
      the journey's zone (R33).
    - `until`: the next local time, weekday or both, such as "09:00" or "MON-FRI 09:00".
    - `at`: an instant, as a datetime with a zone or as ISO text with an offset.
    - `field`: the name of an attribute that holds a date or an instant; `offset` is added to it (it may be negative),
      `every="year"` waits for its next anniversary, and another length such as `every="1 month"` for the next of the
      dates that follow it at that distance. `on_missing` is where the run continues when the date is
      missing or unreadable, `on_past` when it has gone by (R37).
    - `event`: the type of an event, which must also match the rule `where`. `timeout` is how long to wait for it;
      `on_event` and `on_timeout` are the continuations. An event about a message counts only if the message is this
      run's own, unless `any_message` is true (R36).
    - `when`: a rule. The wait is over at once if it is true, or else as soon as a change of what it reads or the clock
      makes it true, such as `field("trialEnds").within_next("3 days")`; continuations and `timeout` are those of an
      event (R37).
    - `every`: a length of time such as "1 month", in a loop: the wait ends at the first of the instants that follow the
      run's first arrival here at that distance, so that a 31st stays the last day of the month. With `at` they are
      counted from that instant.

    `window` delays the end of a wait until the window is open; it delays no event and no condition. A continuation that
    is not given is `next`.

    >>> Wait("breathe", "3 days")
    Wait('breathe', '3 days')
    >>> Wait("reply", event="message.clicked", timeout="2 days")
    Wait('reply', event='message.clicked', timeout='2 days')
    """

    id: str
    duration: Duration | None = option(default=None, converter=as_duration)
    until: Until | None = option(kw_only=True, default=None, converter=as_until)
    at: datetime | None = option(kw_only=True, default=None, converter=as_instant)
    field: str | None = option(kw_only=True, default=None)
    offset: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    every: str | None = option(kw_only=True, default=None, converter=as_every)
    event: str | None = option(kw_only=True, default=None)
    where: Rule | None = option(kw_only=True, default=None)
    when: Rule | None = option(kw_only=True, default=None)
    any_message: bool = option(kw_only=True, default=False)
    timeout: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    window: Window | None = option(kw_only=True, default=None)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    next: str | None = option(kw_only=True, default=None)
    on_event: Target = option(kw_only=True, default=None, converter=_target)
    on_timeout: Target = option(kw_only=True, default=None, converter=_target)
    on_missing: Target = option(kw_only=True, default=None, converter=_target)
    on_past: Target = option(kw_only=True, default=None, converter=_target)

    @property
    def has_event(self) -> bool:
        """Whether it ends with an event, or a condition that becomes true, and may have a timeout."""
        return self.event is not None or self.when is not None


@frozen(repr=False)
class Branch(Shown):
    """One branch of a Condition: the rule `when`, the continuation `next` and the label, which names the outcome."""

    when: Rule | None = None
    next: Target = option(default=None, converter=_target)
    label: str = ""


@frozen(repr=False, init=False)
class Condition(Shown):
    """Take the first branch whose rule is true, or `otherwise` if none is (R37).

    A single branch is written `Condition(id, rule, yes=..., no=...)`, several branches `Condition(id, branches=[...],
    otherwise=...)`; mixing the two raises TypeError. Labels default to "yes" and "no" for a single branch, and to "1",
    "2", ... and "else" for several. A continuation that is not given is the step where the branches rejoin.
    """

    id: str
    branches: tuple[Branch, ...] = option(kw_only=True)
    otherwise: Target = option(kw_only=True, default=None, converter=_target)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    next: str | None = option(kw_only=True, default=None)

    def __init__(
        self,
        id: str,  # noqa: A002 the field's own word
        when: Rule | None = None,
        *,
        yes: Target = None,
        no: Target = None,
        branches: Sequence[Branch] | None = None,
        otherwise: Target = None,
        name: str = "",
        notes: str = "",
        meta: Mapping[str, object] = NOTHING_KEPT,
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        if _mixed(when, yes, no, branches, otherwise):
            msg = f"condition {id!r}: say either a rule with yes= and no=, or branches= with otherwise="
            raise TypeError(msg)
        ways = (Branch(when, yes),) if branches is None else as_parts(branches)
        otherwise = no if otherwise is None else otherwise
        self.__attrs_init__(
            id, branches=_labelled(ways), otherwise=otherwise, name=name, notes=notes, meta=meta, next=next
        )

    @property
    def else_label(self) -> str:
        """The outcome when no branch is true."""
        return "no" if len(self.branches) == 1 else "else"


def _mixed(when: object, yes: object, no: object, branches: object, otherwise: object) -> bool:
    """Return whether both ways of writing a Condition were mixed; `otherwise` may stand in for `no`."""
    short = when is not None or yes is not None or no is not None
    return (branches is not None and short) or (no is not None and otherwise is not None)


def _labelled(branches: Any) -> Any:  # noqa: ANN401 validation reports a value that is not a list
    """Return the branches with a label each: "yes" for a single one, otherwise the position."""
    if not isinstance(branches, tuple):
        return branches
    labels = ["yes"] if len(branches) == 1 else [str(n + 1) for n in range(len(branches))]
    return tuple(map(_with_label, branches, labels))


def _with_label(part: Any, label: str) -> Any:  # noqa: ANN401 a branch, an arm, or a value that validation reports
    return evolve(part, label=label) if isinstance(part, Branch | Arm) and part.label == "" else part


def branch(when: Rule, then: Target = None, label: str = "") -> Branch:
    """Return one branch of a Condition: its rule, where it leads, and its label (by default its position).

    >>> from journeyflow.definition.rules.attribute_changes import field
    >>> branch(field("plan").eq("paid"), "done").next
    'done'
    """
    return Branch(when, then, label)


@frozen(repr=False)
class Arm(Shown):
    """One arm of a Split: its share in percent (at most two decimals), the continuation `next` and its label."""

    percentage: float = option(converter=as_percentage)
    next: Target = option(default=None, converter=_target)
    label: str = ""

    @property
    def buckets(self) -> int | None:
        """The share in hundredths of a percent; None if it has more than two decimals or is not a percentage."""
        return hundredths(self.percentage)


@frozen(repr=False, init=False)
class Split(Shown):
    """Split customers at random, by a fixed hash: the same customer always takes the same arm (R38).

    The percentages of the arms must add up to exactly 100. Labels default to "A", "B", "C" and so on. The hash covers
    the tenant, the journey, the step and the customer, so that neither a new run nor a new version changes the arm.
    """

    id: str
    arms: tuple[Arm, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    next: str | None = option(kw_only=True, default=None)

    def __init__(
        self,
        id: str,  # noqa: A002 the field's own word
        *arms: Arm,
        name: str = "",
        notes: str = "",
        meta: Mapping[str, object] = NOTHING_KEPT,
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        labelled = tuple(_with_label(each, letters(n)) for n, each in enumerate(arms))
        self.__attrs_init__(id, labelled, name=name, notes=notes, meta=meta, next=next)


def letters(number: int) -> str:
    """Return the default label of the arm at a position: A, B, ... Z, AA, AB, ...

    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    word = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        word, number = chr(ord("A") + rest) + word, number - 1
    return word


def arm(percentage: float, then: Target = None, label: str = "") -> Arm:
    """Return one arm of a Split: its share in percent, where it leads, and its label (by default a letter).

    >>> arm(50, "offer").buckets
    5000
    """
    return Arm(percentage, then, label)


@frozen(repr=False, init=False)
class Update(Shown):
    """Change the customer: `Update("onboarded", tag.add("onboarded"), field("plan").set("trial"))` (R39).

    The changes are made in the order written, all or none: if one of them does not fit the value that it meets, nothing
    changes and the outcome is "type". A `Chain` among the changes enrolls the customer in journeys or ends runs, after
    the attributes have changed: `Update("next", Chain.enroll("loyal"))`.
    """

    id: str
    changes: tuple[Change | Chain, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
    next: str | None = option(kw_only=True, default=None)

    def __init__(
        self,
        id: str,  # noqa: A002 the field's own word
        *changes: Change | Chain,
        name: str = "",
        notes: str = "",
        meta: Mapping[str, object] = NOTHING_KEPT,
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        self.__attrs_init__(id, changes, name=name, notes=notes, meta=meta, next=next)


@frozen(repr=False)
class End(Shown):
    """End the run: it is COMPLETED, with an optional outcome (R40)."""

    id: str
    outcome: str = ""
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)


Step = Send | Wait | Condition | Split | Update | End

STEP_KINDS: dict[str, type[Step]] = {
    "send": Send,
    "wait": Wait,
    "condition": Condition,
    "split": Split,
    "update": Update,
    "end": End,
}
"""The word for each kind of step in a journey file."""

_WORDS: dict[type, str] = {of: word for word, of in STEP_KINDS.items()}


def is_step(value: object) -> TypeGuard[Step]:
    """Return whether a value is a step of one of the six kinds; an instance of a subclass is not.

    >>> is_step(End("done")), is_step("done")
    (True, False)
    """
    return type(value) in _WORDS


def kind(step: Step) -> str:
    """Return the kind of a step, by its word in a journey file.

    >>> kind(End("done"))
    'end'
    """
    return _WORDS[type(step)]


WAIT_FORMS = ("duration", "until", "at", "field", "event", "when", "every")
"""The forms of a Wait; exactly one of them is given, but `every` may go with `at` and `field` (R32)."""

ON_FAILURE = ("continue", "fail")
"""The values of a Send's `on_failure`: what happens to the run when the message is given up (R43)."""
