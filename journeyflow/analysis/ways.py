"""The ways through a journey: from each step, by each outcome, to the next step, with the time it takes.

There is a way wherever a run may go, and perhaps some where it cannot: what Conditions have found out of a customer is
known as long as no time passes and no step changes anything, and no longer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import field, frozen

from journeyflow.analysis.satisfiability import possible
from journeyflow.analysis.spans import (
    ANY_ZONE,
    AT_ONCE,
    UNKNOWN_SPAN,
    Span,
    clock_change,
    closed_for,
    length_of,
    opens_within,
)
from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY
from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.definition.graph import in_cycles, ways_on
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait

if TYPE_CHECKING:
    from journeyflow.testing.solving import Demand

YEARLY = 370 * DAY
"""The longest time from one return of a yearly date to the next, with what month ends move."""


@frozen
class Passage:
    """One way out of a step: by which outcome, to which step, after how long; `message` is whether it may send one.

    `to` is None where the run ends. The outcome of a Send is "queued", although it may also be skipped.
    """

    step: str
    outcome: str
    to: str | None
    time: Span = AT_ONCE
    message: bool = False

    def __str__(self) -> str:
        """Return the step, with the outcome where there are several."""
        return f"{self.step}={self.outcome}" if self.outcome not in {"", "queued", "elapsed"} else self.step


@frozen
class DeadEnd:
    """A way that no run takes: the step, the outcome, and the reason."""

    step: str
    outcome: str
    reason: str


@frozen(eq=False)
class Chart:
    """Every way through a journey that a run may take, by step, and those that none takes."""

    journey: Journey
    ways: Mapping[str, Sequence[Passage]]
    dead: Sequence[DeadEnd]

    @property
    def start(self) -> str:
        """The id of the first step."""
        return self.journey.steps[0].id

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The position of each step by its id."""
        return self.journey.index

    def step(self, name: str) -> Step:
        """Return the step with this id."""
        return self.journey.steps[self.order[name]]

    @cached_property
    def groups(self) -> Sequence[frozenset[str]]:
        """The reached steps in groups: one step, or all steps of a loop; a group comes after those that it leads to."""
        return components(self.start, {name: self.next_of(name) for name in self.ways})

    @cached_property
    def group(self) -> Mapping[str, frozenset[str]]:
        """The group of each step that is reached."""
        return {name: group for group in self.groups for name in group}

    def next_of(self, step: str) -> list[str]:
        """Return the steps that follow one."""
        return [way.to for way in self.ways[step] if way.to is not None]

    def loops(self, group: frozenset[str]) -> bool:
        """Return whether a group is a loop."""
        return any(way.to in group for name in group for way in self.ways[name])

    def reached(self) -> Iterator[Passage]:
        """Yield every way of every step that is reached, steps in the order written."""
        for step in self.journey.steps:
            if step.id in self.group:
                yield from self.ways[step.id]


def chart_of(journey: Journey) -> Chart:
    """Return the ways through a journey."""
    making = _Making(journey, ANY_ZONE if journey.customer_timezone else clock_change(journey.timezone))
    ways: dict[str, Sequence[Passage]] = {}
    dead: list[DeadEnd] = []
    for step in journey.steps:
        found = list(_WAYS[type(step)](step, making))
        ways[step.id] = [each for each in found if isinstance(each, Passage)]
        dead += [each for each in found if isinstance(each, DeadEnd)]
    return Chart(journey, ways, dead)


Answered = tuple["Demand", ...]
"""What is known of a customer who comes to a step: the answers of rules."""

NOTHING: Final[Sequence[Answered]] = ((),)
"""That a customer may be anybody."""

MOST_KNOWN: Final = 16
"""How many ways to a step are distinguished, each with what is known on it; with more, nothing is known."""


@frozen(eq=False)
class _Making:
    """What the builders read besides the step: the journey, and by how much clocks change."""

    journey: Journey
    change: int
    _known: dict[str, Sequence[Answered]] = field(factory=dict, init=False)

    @property
    def looping(self) -> frozenset[str]:
        return in_cycles(self.journey.steps)

    @cached_property
    def before(self) -> Mapping[str, Sequence[Step]]:
        """The steps that lead to each step."""
        found: dict[str, list[Step]] = {}
        for step in self.journey.steps:
            for name in dict.fromkeys(ways_on(step)):
                found.setdefault(name, []).append(step)
        return found

    def known(self, name: str) -> Sequence[Answered]:
        """Return what is known of the customers who come to a step, once for each way that takes no time."""
        if name not in self._known:
            self._known[name] = NOTHING  # a way round knows nothing
            steps = self.before.get(name, ()) if name != self.journey.steps[0].id else ()
            found = [each for step in steps for each in self._led(step, name)]
            self._known[name] = found if found and () not in found and len(found) <= MOST_KNOWN else NOTHING
        return self._known[name]

    def _led(self, step: Step, name: str) -> Iterator[Answered]:
        """Yield what is known of customers whom a step leads to another one."""
        if isinstance(step, Condition):
            found = ((*known, *asked) for asked, _, to in _answers(step) if to == name for known in self.known(step.id))
            yield from (each for each in found if possible(each))
        elif isinstance(step, Split):
            yield from self.known(step.id)
        else:
            yield ()


def _answers(step: Condition) -> Iterator[tuple[Answered, str, str | None]]:
    """Yield for each branch of a Condition what its rules say of those who take it, its label, and the next step."""
    above: list[Demand] = []
    for each in step.branches:
        rule = cast("Any", each.when)
        yield (*above, (rule, True)), each.label, cast("str | None", each.next)
        above.append((rule, False))
    yield tuple(above), step.else_label, cast("str | None", step.otherwise)


Passages = Iterator[Passage | DeadEnd]


def _send(step: Send, made: _Making) -> Passages:
    held = Span(0, closed_for(step.window, made.change))
    yield Passage(step.id, "queued", step.next, held, message=True)


def _wait(step: Wait, made: _Making) -> Passages:
    behind = step.next
    wait = Span(0, closed_for(step.window, made.change))
    if step.has_event:
        timeout = UNKNOWN_SPAN if step.timeout is None else length_of(step.timeout, made.change) + wait
        yield Passage(step.id, "event", cast("str | None", step.on_event or behind), Span(0, timeout.most))
        if step.timeout is not None:
            yield Passage(step.id, "timeout", cast("str | None", step.on_timeout or behind), timeout)
        return
    yield Passage(step.id, "elapsed", behind, _length(step, made) + wait)
    if step.field is not None:
        yield Passage(step.id, "missing", cast("str | None", step.on_missing or behind), UNKNOWN_SPAN)
        if step.every is None:
            yield Passage(step.id, "past", cast("str | None", step.on_past or behind), UNKNOWN_SPAN)


def _length(step: Wait, made: _Making) -> Span:
    """Return how long a wait for no event takes; a date may be anywhere, and an attribute may change."""
    if step.duration is not None:
        return length_of(step.duration, made.change)
    if step.until is not None:
        return Span(0, opens_within(step.until, made.change, again=step.id in made.looping))
    if step.field is not None and not step.field.startswith("trigger."):
        return UNKNOWN_SPAN
    if step.every is None or step.at is not None or (step.field is not None and step.every != "year"):
        return UNKNOWN_SPAN
    return Span(0, YEARLY + made.change) if step.every == "year" else Span(0, _apart(step.every, made.change))


def _apart(every: str, change: int) -> int:
    """Return the longest time from one recurring instant to the next: month ends clip each by up to three days."""
    length = Duration.parse(every)
    return (length_of(length, change).most or 0) + (3 * DAY if length.months else 0)


def _condition(step: Condition, made: _Making) -> Passages:
    rules = {each.label: cast("Any", each.when) for each in step.branches}
    for asked, label, to in _answers(step):
        if any(possible((*known, *asked)) for known in made.known(step.id)):
            yield Passage(step.id, label, to)
        else:
            yield DeadEnd(step.id, label, _why_dead(asked, rules.get(label)))


def _why_dead(asked: Answered, rule: Any | None) -> str:  # noqa: ANN401 a rule that is whole
    """Return why no customer takes a branch: by its rule alone, by those above it, or by the Conditions before."""
    after = f" ({rule})" if rule is not None else ""
    if possible(asked):
        return f"no customer who comes here matches{after or ' none of the branches'}"
    alone = rule is not None and not possible([(rule, True)])
    return f"{'no customer matches its rule' if alone else 'the branches above take all'}{after}"


def _split(step: Split, _: _Making) -> Passages:
    for each in step.arms:
        if each.buckets:
            yield Passage(step.id, each.label, cast("str | None", each.next))
        else:
            yield DeadEnd(step.id, each.label, "its share is 0%")


def _update(step: Update, made: _Making) -> Passages:
    chains = [each for each in step.changes if isinstance(each, Chain)]
    if not any(each.leaves(made.journey.id) for each in chains):
        yield Passage(step.id, "", step.next)
        return
    yield Passage(step.id, "", None)
    if any(_may_not_fit(each) for each in step.changes if isinstance(each, Change)):
        yield Passage(step.id, "type", step.next)


def _may_not_fit(change: Change) -> bool:
    """Return whether a change may meet a value of a wrong type (R39)."""
    plain = "." not in change.field and change.field not in {CONSENT, *MEMBERS}
    return not (
        plain and change.action in {"set", "unset"} and not isinstance(change.value, list | tuple | Mapping | str)
    )


def _end(step: End, _: _Making) -> Passages:
    yield Passage(step.id, step.outcome, None)


_WAYS: Mapping[type[Step], Callable[[Any, _Making], Passages]] = {
    Send: _send,
    Wait: _wait,
    Condition: _condition,
    Split: _split,
    Update: _update,
    End: _end,
}

# --- graphs -----------------------------------------------------------------------------------------------------------


def components(start: str, ways: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    """Return the strongly connected components that can be reached from a node, each after those it leads to (Tarjan).

    >>> [sorted(each) for each in components("a", {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []})]
    [['d'], ['b', 'c'], ['a']]
    """
    found: list[frozenset[str]] = []
    number: dict[str, int] = {start: 0}
    low: dict[str, int] = {start: 0}
    held: dict[str, None] = {start: None}
    stack = [(start, iter(ways[start]))]
    while stack:
        name, ahead = stack[-1]
        for other in ahead:
            if other not in number:
                number[other] = low[other] = len(number)
                held[other] = None
                stack.append((other, iter(ways[other])))
                break
            if other in held:
                low[name] = min(low[name], number[other])
        else:
            stack.pop()
            if stack:
                low[stack[-1][0]] = min(low[stack[-1][0]], low[name])
            if low[name] == number[name]:
                group = set()
                while name not in group:
                    group.add(held.popitem()[0])
                found.append(frozenset(group))
    return found
