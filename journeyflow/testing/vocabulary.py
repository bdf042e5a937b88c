"""The words of lives: what journeys listen to, and the values that their rules, waits, templates and changes name."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from journeyflow.basics.moments import to_micros
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.conditions import CountRule, FactRule, Rule
from journeyflow.definition.rules.rule_parts import comparisons, paths_of
from journeyflow.definition.rules.templates import template_reads
from journeyflow.definition.steps import Condition, Send, Update, Wait
from journeyflow.testing.drawn_steps import DATES
from journeyflow.testing.host_calls import START
from journeyflow.testing.solving import DATED, lists_around

KEYS = ("a", 1, "1", 1.0, 2)


@frozen
class Vocabulary:
    """What some journeys listen to: event types, and the values that their rules distinguish."""

    types: Sequence[str]
    data: Mapping[str, Sequence[object]]
    attributes: Mapping[str, Sequence[object]]
    tags: Sequence[str]
    lists: Sequence[str]
    channels: Sequence[str]


def vocabulary(journeys: Sequence[Journey]) -> Vocabulary:
    """Return the vocabulary of journeys, from their rules, waits, templates and changes."""
    data: dict[str, list[object]] = {}
    attributes: dict[str, list[object]] = {}
    for path, values in (pair for journey in journeys for pair in _named(journey)):
        root, _, rest = path.partition(".")
        if root == "wait":
            root, (_, _, rest) = "event", rest.partition(".")
        if root in {"event", "trigger"} or root not in {"customer", "message", "enrollment"}:
            data.setdefault(rest if root in {"event", "trigger"} else path, []).extend(values)
        if root not in {"event", "trigger", "message", "enrollment"}:
            attributes.setdefault(rest if root == "customer" else path, []).extend(values)
    types = dict.fromkeys(kind for journey in journeys for kind in _listened(journey) if not _is_built_in(kind))
    members = {name: [each for each in attributes.pop(name, []) if isinstance(each, str)] for name in ("tags", "lists")}
    plain = {
        name: values
        for name, values in attributes.items()
        if name.partition(".")[0] not in {"consent", "tags", "lists"}
    }
    channels = dict.fromkeys(step.channel for journey in journeys for step in journey.steps if isinstance(step, Send))
    return Vocabulary(
        [*types] or ["event"],
        {name: _distinct(values) for name, values in data.items() if name.partition(".")[0] not in members},
        {name: _distinct(values) for name, values in plain.items()},
        [*dict.fromkeys(members["tags"])] or ["tag"],
        [*dict.fromkeys(members["lists"])] or ["list"],
        [*channels],
    )


def _distinct(values: Sequence[object]) -> list[object]:
    """Return values without those that equal an earlier one; some are lists, which have no hash."""
    return [each for place, each in enumerate(values) if each not in values[:place]]


def _is_built_in(kind: str) -> bool:
    return kind.startswith(("message.", "list.", "tag.", "field.", "journey."))


def _listened(journey: Journey) -> Iterator[str]:
    waits = [step.event for step in journey.steps if isinstance(step, Wait)]
    goals = [journey.goal.event] if journey.goal else []
    yield from (
        kind for kind in (journey.trigger.event, *waits, *(each.event for each in journey.exits), *goals) if kind
    )


def _rules(journey: Journey) -> Iterator[Rule | None]:
    yield from (journey.trigger.where, journey.run_criteria, None if journey.goal is None else journey.goal.where)
    yield from (rule for each in journey.exits for rule in (each.where, each.when))
    for step in journey.steps:
        if isinstance(step, Wait):
            yield from (step.where, step.when)
        elif isinstance(step, Condition):
            yield from (each.when for each in step.branches)


def _named(journey: Journey) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield every path that a journey reads or writes, with values that make a difference there."""
    yield from _named_at_the_door(journey)
    for rule in _rules(journey):
        for part in comparisons(rule):
            yield from ((path, _telling(part)) for path in paths_of(part))
    for step in journey.steps:
        if isinstance(step, Wait) and step.field:
            yield step.field, DATES
        elif isinstance(step, Update):
            yield from ((each.field, _around(each.value)) for each in step.changes if isinstance(each, Change))
        elif isinstance(step, Send):
            yield from ((path, ("a", 1)) for path in template_reads(step.data))


def _named_at_the_door(journey: Journey) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield the key of parallel runs, and the list from which a journey pulls customers in."""
    if journey.reentry.key:
        yield journey.reentry.key, KEYS
    if journey.trigger.pull is not None and journey.trigger.pull.list is not None:
        yield "lists", (journey.trigger.pull.list,)


def _telling(part: FactRule) -> Sequence[object]:
    """Return values on both sides of a comparison."""
    if isinstance(part, CountRule):
        return [*lists_around([part], to_micros(START))]
    if part.op in DATED:
        return DATES
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    return [near for value in values for near in _around(value)]


def _around(value: object) -> Sequence[object]:
    """Return a value and its neighbors.

    >>> _around(2), _around("paid"), _around(None)
    ((1, 2, 3, '2'), ('paid', 'other'), (0, 1, 'other'))
    """
    if isinstance(value, str):
        return (value, "other")
    if isinstance(value, bool):
        return (value, not value)
    if isinstance(value, int):
        return (value - 1, value, value + 1, str(value))
    return (value, value + 0.5) if isinstance(value, float) else (0, 1, "other")
