"""The six kinds of step, as frozen data without behaviour (R30 to R40). What they do is in `machine.py`.

In Python a branch may be a list of steps; `Journey` flattens lists into the graph, so that a step inside a journey
names every continuation by the id of a step.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Union

from attrs import Attribute, evolve, fields, frozen
from attrs import field as option

from journeyflow.changes import Change
from journeyflow.moments import Duration, Until, Window, from_micros, parse_instant, to_micros
from journeyflow.rules import Rule
from journeyflow.values import freeze

Target = Union[str, Sequence["Step"], None]
"""A continuation: the id of a step, a list of steps, or None for the step that follows."""


def _duration(value: object) -> Duration | None:
    return None if value is None else Duration.parse(value)


def _until(value: object) -> Until | None:
    return None if value is None else Until.parse(value)


def _instant(value: object) -> datetime | None:
    """Keep an instant as a datetime in UTC; ISO text with an offset is read."""
    if value is None:
        return None
    return from_micros(parse_instant(value) if isinstance(value, str) else to_micros(value))  # type: ignore[arg-type]


def _target(value: object) -> Target:
    return value if value is None or isinstance(value, str) else tuple(value)  # type: ignore[arg-type]  # steps


def _text(value: object) -> object:
    """Show a length of time as it is written."""
    return str(value) if isinstance(value, Duration | Until) else value


class Shown:
    """A repr that names what was said and leaves out every default."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show positional options first, then those that differ from their default."""
        parts = []
        for each in fields(type(self)):
            value = getattr(self, each.name)
            if not each.kw_only and (each.default is not None or value is not None):
                parts.append(repr(_text(value)))
            elif value != _default(each):
                parts.append(f"{each.name}={_text(value)!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _default(each: "Attribute[object]") -> object:
    return each.default.factory() if hasattr(each.default, "factory") else each.default


@frozen(repr=False)
class Send(Shown):
    """Send one message through a channel, at once or when its window is open (R31).

    `data` goes to the channel with the message; its texts may hold templates, rendered at the instant of sending.
    `transactional` sends ignore consent. `expires` is how long after sending the message may still be handed out.
    """

    id: str
    channel: str = option(kw_only=True)
    template: str = option(kw_only=True)
    data: Mapping[str, object] = option(kw_only=True, factory=dict, converter=freeze)
    window: Window | None = option(kw_only=True, default=None)
    transactional: bool = option(kw_only=True, default=False)
    cancel_on_exit: bool = option(kw_only=True, default=True)
    expires: Duration | None = option(kw_only=True, default=None, converter=_duration)
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
    duration: Duration | None = option(default=None, converter=_duration)
    until: Until | None = option(kw_only=True, default=None, converter=_until)
    at: datetime | None = option(kw_only=True, default=None, converter=_instant)
    field: str | None = option(kw_only=True, default=None)
    offset: Duration | None = option(kw_only=True, default=None, converter=_duration)
    every: str | None = option(kw_only=True, default=None)
    event: str | None = option(kw_only=True, default=None)
    where: Rule | None = option(kw_only=True, default=None)
    any_message: bool = option(kw_only=True, default=False)
    timeout: Duration | None = option(kw_only=True, default=None, converter=_duration)
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

    One branch is written `Condition(id, rule, yes=..., no=...)`, several `Condition(id, branches=[...], otherwise=...)`.
    Labels default to "yes" and "no", or to "1", "2", ... and "else".
    """

    id: str
    branches: tuple[Branch, ...] = option(kw_only=True)
    otherwise: Target = option(kw_only=True, default=None, converter=_target)
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)

    def __init__(  # noqa: D107 the class says it
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
        if branches is None:
            branches, otherwise = (Branch(when, yes),), no if otherwise is None else otherwise
        elif when is not None or yes is not None or no is not None:
            msg = f"condition {id!r}: say either a rule with yes= and no=, or branches= with otherwise="
            raise TypeError(msg)
        attributes = {"otherwise": otherwise, "name": name, "notes": notes, "next": next}
        self.__attrs_init__(id, branches=_labelled_branches(branches), **attributes)  # type: ignore[attr-defined]

    @property
    def else_label(self) -> str:
        """The outcome when no branch is true."""
        return "no" if len(self.branches) == 1 else "else"


def _labelled_branches(branches: Sequence[Branch]) -> tuple[Branch, ...]:
    """Give every branch a label: "yes" to a single one, else its position."""
    default = (lambda _: "yes") if len(branches) == 1 else (lambda n: str(n + 1))
    return tuple(
        Branch(each.when, each.next, each.label or default(n)) if isinstance(each, Branch) else each
        for n, each in enumerate(branches)
    )


def branch(when: Rule, then: Target = None, label: str = "") -> Branch:
    """Write one branch of a Condition.

    >>> from journeyflow.changes import field
    >>> branch(field("plan").eq("paid"), "done").next
    'done'
    """
    return Branch(when, then, label)


@frozen(repr=False)
class Arm(Shown):
    """One arm of a Split: its share in percent (at most two decimals), where it leads, its label."""

    percentage: float
    next: Target = option(default=None, converter=_target)
    label: str = ""

    @property
    def buckets(self) -> int | None:
        """The share in hundredths of a percent; None where it has more decimals or is no number."""
        return hundredths(self.percentage)


def hundredths(percentage: object) -> int | None:
    """Read a percentage of at most two decimals from 0 to 100 as a whole number of hundredths, else None.

    >>> hundredths(12.5), hundredths(33.333), hundredths(True)
    (1250, None, None)
    """
    if isinstance(percentage, bool) or not isinstance(percentage, int | float | Decimal):
        return None
    try:
        exact = Decimal(str(percentage)) * 100
        whole = int(exact) if exact == exact.to_integral_value() else -1
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return whole if 0 <= whole <= 10_000 else None  # noqa: PLR2004 a hundred percent


@frozen(repr=False)
class Split(Shown):
    """Split people by chance that never changes its mind: the same person always takes the same arm (R38)."""

    id: str
    arms: tuple[Arm, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)

    def __init__(  # noqa: D107 the class says it
        self,
        id: str,  # noqa: A002 the field's own word
        *arms: Arm,
        name: str = "",
        notes: str = "",
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        labelled = tuple(
            Arm(each.percentage, each.next, each.label or letters(n)) if isinstance(each, Arm) else each
            for n, each in enumerate(arms)
        )
        self.__attrs_init__(id, labelled, name=name, notes=notes, next=next)  # type: ignore[attr-defined]


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


@frozen(repr=False)
class Update(Shown):
    """Change the customer: `Update("onboarded", tag.add("onboarded"), field("plan").set("trial"))` (R39)."""

    id: str
    changes: tuple[Change, ...] = ()
    name: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    next: str | None = option(kw_only=True, default=None)

    def __init__(  # noqa: D107 the class says it
        self,
        id: str,  # noqa: A002 the field's own word
        *changes: Change,
        name: str = "",
        notes: str = "",
        next: str | None = None,  # noqa: A002 the word of the graph
    ) -> None:
        self.__attrs_init__(id, changes, name=name, notes=notes, next=next)  # type: ignore[attr-defined]


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


def kind(step: Step) -> str:
    """Name the kind of a step as a journey file does.

    >>> kind(End("done"))
    'end'
    """
    return type(step).__name__.lower()


WAIT_FORMS = ("duration", "until", "at", "field", "event")
"""The forms of a Wait; exactly one is given (R32)."""


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
        edges += [(f"branches[{n}].next", each.next) for n, each in enumerate(step.branches)]
        edges.append(("else", step.otherwise))
    elif isinstance(step, Split):
        edges += [(f"arms[{n}].next", each.next) for n, each in enumerate(step.arms)]
    return edges


def with_targets(step: Step, place: Mapping[str, Target]) -> Step:
    """Return a step with some continuations replaced, by their places as `targets` names them.

    >>> with_targets(Split("s", arm(100, "a")), {"arms[0].next": "b", "next": "c"})
    Split('s', (Arm(100, 'b', 'A'),), next='c')
    """
    if isinstance(step, End):
        return step
    next_ = place.get("next", step.next)
    if isinstance(step, Condition):
        branches = [
            Branch(each.when, place.get(f"branches[{n}].next", each.next), each.label)
            for n, each in enumerate(step.branches)
        ]
        otherwise = place.get("else", step.otherwise)
        return Condition(step.id, branches=branches, otherwise=otherwise, name=step.name, notes=step.notes, next=next_)
    if isinstance(step, Split):
        arms = [
            Arm(each.percentage, place.get(f"arms[{n}].next", each.next), each.label)
            for n, each in enumerate(step.arms)
        ]
        return Split(step.id, *arms, name=step.name, notes=step.notes, next=next_)
    if isinstance(step, Update):
        return Update(step.id, *step.changes, name=step.name, notes=step.notes, next=next_)
    return evolve(step, **{key.replace(".", "_"): target for key, target in place.items()})
