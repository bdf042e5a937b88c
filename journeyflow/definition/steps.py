"""The six kinds of step, as frozen data without behaviour (R30 to R40). What they do is in `machine/behaviours.py`.

In Python a branch may be a list of steps; `Journey` flattens lists into the graph, so that a step inside a journey
names every continuation by the id of a step.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard, Union, cast

from attrs import evolve, fields_dict, frozen
from attrs import field as option

from journeyflow.basics.hours import Until, Window
from journeyflow.basics.moments import Duration
from journeyflow.definition.options import (
    Shown,
    as_data,
    as_duration,
    as_instant,
    as_parts,
    as_percentage,
    as_until,
    hundredths,
)
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import Rule

Target = Union[str, Sequence["Step"], None]  # noqa: UP007 a name that is defined below cannot be joined with |
"""A continuation: the id of a step, a list of steps, or None for the step that follows."""


def _target(value: object) -> Target:
    return cast("Target", as_parts(value))


# --- the kinds --------------------------------------------------------------------------------------------------------


@frozen(repr=False)
class Send(Shown):
    """Send one message through a channel, at once or when its window is open (R31).

    `data` goes to the channel with the message; its texts may hold templates, rendered at the instant of sending.
    `transactional` sends ignore consent. `expires` is how long after sending the message may still be handed out.
    `on_failure` says what a message that was given up means for a run that is still going on: "continue", or "fail"
    (R43).
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
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)


@frozen(repr=False)
class Wait(Shown):
    """Rest for one of: a duration, `until` a local opening, `at` an instant, a date `field`, an `event` (R32).

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
    every: str | None = option(kw_only=True, default=None)
    event: str | None = option(kw_only=True, default=None)
    where: Rule | None = option(kw_only=True, default=None)
    any_message: bool = option(kw_only=True, default=False)
    timeout: Duration | None = option(kw_only=True, default=None, converter=as_duration)
    window: Window | None = option(kw_only=True, default=None)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)
    on_event: Target = option(kw_only=True, default=None, converter=_target)
    on_timeout: Target = option(kw_only=True, default=None, converter=_target)
    on_missing: Target = option(kw_only=True, default=None, converter=_target)
    on_past: Target = option(kw_only=True, default=None, converter=_target)


@frozen(repr=False)
class Branch(Shown):
    """One way on from a Condition: the rule that opens it, where it leads, its label."""

    when: Rule | None = None
    next: Target = option(default=None, converter=_target)
    label: str = ""


@frozen(repr=False, init=False)
class Condition(Shown):
    """Go on by the first branch whose rule is true, else by `otherwise` (R37).

    One branch is written `Condition(id, rule, yes=..., no=...)`, several `Condition(id, branches=[...],
    otherwise=...)`; mixing the two raises TypeError. Labels default to "yes" and "no", or to "1", "2", ... and "else".
    """

    id: str
    branches: tuple[Branch, ...] = option(kw_only=True)
    otherwise: Target = option(kw_only=True, default=None, converter=_target)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
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
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        if _mixed(when, yes, no, branches, otherwise):
            msg = f"condition {id!r}: say either a rule with yes= and no=, or branches= with otherwise="
            raise TypeError(msg)
        ways = (Branch(when, yes),) if branches is None else as_parts(branches)
        otherwise = no if otherwise is None else otherwise
        self.__attrs_init__(id, branches=_labelled(ways), otherwise=otherwise, name=name, notes=notes, next=next)

    @property
    def else_label(self) -> str:
        """The outcome when no branch is true."""
        return "no" if len(self.branches) == 1 else "else"


def _mixed(when: object, yes: object, no: object, branches: object, otherwise: object) -> bool:
    """Tell whether both ways of writing a Condition were used at once; `otherwise` may stand in for `no`."""
    short = when is not None or yes is not None or no is not None
    return (branches is not None and short) or (no is not None and otherwise is not None)


def _labelled(branches: Any) -> Any:  # noqa: ANN401 what is no list is told about later
    """Give every branch a label: "yes" to a single one, else its position."""
    if not isinstance(branches, tuple):
        return branches
    labels = ["yes"] if len(branches) == 1 else [str(n + 1) for n in range(len(branches))]
    return tuple(map(_with_label, branches, labels))


def _with_label(part: Any, label: str) -> Any:  # noqa: ANN401 a branch or an arm, or what is told about later
    return evolve(part, label=label) if isinstance(part, Branch | Arm) and part.label == "" else part


def branch(when: Rule, then: Target = None, label: str = "") -> Branch:
    """Write one branch of a Condition.

    >>> from journeyflow.definition.rules.changes import field
    >>> branch(field("plan").eq("paid"), "done").next
    'done'
    """
    return Branch(when, then, label)


@frozen(repr=False)
class Arm(Shown):
    """One arm of a Split: its share in percent (at most two decimals), where it leads, its label."""

    percentage: float = option(converter=as_percentage)
    next: Target = option(default=None, converter=_target)
    label: str = ""

    @property
    def buckets(self) -> int | None:
        """The share in hundredths of a percent; None where it has more decimals or is no number."""
        return hundredths(self.percentage)


@frozen(repr=False, init=False)
class Split(Shown):
    """Split people by chance that never changes its mind: the same person always takes the same arm (R38)."""

    id: str
    arms: tuple[Arm, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)

    def __init__(
        self,
        id: str,  # noqa: A002 the field's own word
        *arms: Arm,
        name: str = "",
        notes: str = "",
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        labelled = tuple(_with_label(each, letters(n)) for n, each in enumerate(arms))
        self.__attrs_init__(id, labelled, name=name, notes=notes, next=next)


def letters(number: int) -> str:
    """Name the arm at a position: A, B, ... Z, AA, AB, ...

    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    word = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        word, number = chr(ord("A") + rest) + word, number - 1
    return word


def arm(percentage: float, then: Target = None, label: str = "") -> Arm:
    """Write one arm of a Split.

    >>> arm(50, "offer").buckets
    5000
    """
    return Arm(percentage, then, label)


@frozen(repr=False, init=False)
class Update(Shown):
    """Change the customer: `Update("onboarded", tag.add("onboarded"), field("plan").set("trial"))` (R39).

    A `Chain` among the changes enrolls the customer in journeys or ends runs: `Update("next", Chain.enroll("loyal"))`.
    """

    id: str
    changes: tuple[Change | Chain, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)

    def __init__(
        self,
        id: str,  # noqa: A002 the field's own word
        *changes: Change | Chain,
        name: str = "",
        notes: str = "",
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        self.__attrs_init__(id, changes, name=name, notes=notes, next=next)


@frozen(repr=False)
class End(Shown):
    """The end of a path: the run is COMPLETED, with an optional outcome (R40)."""

    id: str
    outcome: str = ""
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")


Step = Send | Wait | Condition | Split | Update | End

KINDS: dict[str, type[Step]] = {
    "send": Send,
    "wait": Wait,
    "condition": Condition,
    "split": Split,
    "update": Update,
    "end": End,
}
"""The word of each kind in a journey file."""

_WORDS: dict[type, str] = {of: word for word, of in KINDS.items()}


def is_step(value: object) -> TypeGuard[Step]:
    """Tell whether a value is a step of one of the six kinds; a class derived from one is another kind, and unknown.

    >>> is_step(End("done")), is_step("done")
    (True, False)
    """
    return type(value) in _WORDS


def kind(step: Step) -> str:
    """Name the kind of a step as a journey file does.

    >>> kind(End("done"))
    'end'
    """
    return _WORDS[type(step)]


WAIT_FORMS = ("duration", "until", "at", "field", "event")
"""The forms of a Wait; exactly one is given (R32)."""

ON_FAILURE = ("continue", "fail")
"""What a Send may do when its message was given up (R43)."""


def with_options(step: Step, options: Mapping[str, Any]) -> Step:
    """Make a step again with some options changed, by their names.

    >>> with_options(Split("s", arm(100)), {"name": "Test"})
    Split('s', Arm(100, None, 'A'), name='Test')
    """
    said = {name: options.get(name, getattr(step, name)) for name in fields_dict(type(step))}
    if isinstance(step, Split):
        return Split(said.pop("id"), *said.pop("arms"), **said)
    if isinstance(step, Update):
        return Update(said.pop("id"), *said.pop("changes"), **said)
    return type(step)(**said)


# --- continuations ----------------------------------------------------------------------------------------------------


def targets(step: Step) -> list[tuple[str, Target]]:
    """List the continuations of a step with their places in a journey file, `next` first where it has one.

    >>> targets(Wait("w", event="x", next="a", on_timeout="b"))
    [('next', 'a'), ('on_event', None), ('on_timeout', 'b'), ('on_missing', None), ('on_past', None)]
    """
    if isinstance(step, End):
        return []
    edges: list[tuple[str, Target]] = [("next", step.next)]
    if isinstance(step, Wait):
        edges += [(name, getattr(step, name)) for name in ("on_event", "on_timeout", "on_missing", "on_past")]
    elif isinstance(step, Condition):
        edges += [*_of_parts("branches", step.branches), ("else", step.otherwise)]
    elif isinstance(step, Split):
        edges += _of_parts("arms", step.arms)
    return edges


def _of_parts(word: str, parts: object) -> list[tuple[str, Target]]:
    """List where branches or arms lead; what is neither leads nowhere."""
    found = enumerate(parts if isinstance(parts, tuple) else ())
    return [(f"{word}[{n}].next", each.next) for n, each in found if isinstance(each, Branch | Arm)]


def with_targets(step: Step, place: Mapping[str, Target]) -> Step:
    """Return a step with some continuations replaced, by their places as `targets` names them.

    >>> with_targets(Split("s", arm(100, "a")), {"arms[0].next": "b", "next": "c"})
    Split('s', Arm(100, 'b', 'A'), next='c')
    """
    if isinstance(step, End) or not place:
        return step
    if isinstance(step, Send | Wait):
        return evolve(step, **place)  # type: ignore[arg-type]  # the places are names of options
    said: dict[str, Any] = {"name": step.name, "notes": step.notes, "next": place.get("next", step.next)}
    if isinstance(step, Condition):
        branches = _moved("branches", step.branches, place)
        return Condition(step.id, branches=branches, otherwise=place.get("else", step.otherwise), **said)
    if isinstance(step, Split):
        return Split(step.id, *_moved("arms", step.arms, place), **said)
    return Update(step.id, *step.changes, **said)


def _moved(word: str, parts: Any, place: Mapping[str, Target]) -> Any:  # noqa: ANN401 branches or arms
    """Give branches or arms their new continuations; what is neither stays as it is."""
    if not isinstance(parts, tuple):
        return parts
    return tuple(
        evolve(each, next=place.get(f"{word}[{n}].next", each.next)) if isinstance(each, Branch | Arm) else each
        for n, each in enumerate(parts)
    )
