"""What a journey reads as dates or as a time zone: attributes of customers, and data of events (R33, R37)."""

from collections.abc import Iterable, Iterator, Mapping

from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import FieldRule, Rule
from journeyflow.definition.rules.operators import telling
from journeyflow.definition.rules.rule_parts import walk
from journeyflow.definition.rules.value_paths import NOW, is_of_item
from journeyflow.definition.steps import Condition, Wait

TIMEZONE = "timezone"
"""The attribute that names a customer's time zone."""

_DATED = telling("date")

_NO_DATA = frozenset({"customer", "message", "enrollment"})
"""The roots of paths that lead nowhere into the data of an event; a path without a root leads there first (R59)."""

_OTHER_ROOTS = ("event.", "trigger.", "wait.", "message.", "enrollment.")


def dated_attributes(journey: Journey) -> frozenset[str]:
    """Return the paths of the customer's attributes that a journey reads as dates, and "timezone" if it reads that.

    >>> from journeyflow.definition.rules.conditions import field
    >>> from journeyflow.definition.entry import Exit
    >>> late = Exit("late", when=field("customer.ends").before(field("now")))
    >>> sorted(dated_attributes(Journey(id="j", steps=[Wait("day", field="birthday")], exits=[late])))
    ['birthday', 'ends']
    """
    paths = [path for path, _ in _dated(journey)]
    return frozenset(_of_the_customer([*paths, *([TIMEZONE] if journey.customer_timezone else [])]))


def dated_events(journey: Journey) -> Mapping[str, frozenset[str]]:
    """Return the paths in the data of events that a journey reads as dates, by the type of the event.

    >>> from journeyflow.definition.entry import Trigger
    >>> booked = Journey(id="j", trigger=Trigger("booked"), steps=[Wait("day", field="trigger.arrival")])
    >>> dated_events(booked)
    {'booked': frozenset({'arrival'})}
    """
    awaited = {step.id: step.event for step in journey.steps if isinstance(step, Wait)}
    found: dict[str, set[str]] = {}
    for path, at_hand in _dated(journey):
        root, _, rest = path.partition(".")
        step, _, inner = rest.partition(".")
        kinds = {"trigger": (journey.trigger.event, rest), "event": (at_hand, rest), "wait": (awaited.get(step), inner)}
        kind, name = kinds.get(root, (None if root in _NO_DATA else at_hand, path))
        if kind and name and path != NOW:
            found.setdefault(kind, set()).add(name)
    return {kind: frozenset(names) for kind, names in found.items()}


def attributes_read(paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the customer's attributes among the paths that a rule reads.

    >>> sorted(attributes_read(["plan.name", "customer.day", "message.hi.opened", "now"]))
    ['day', 'plan']
    """
    return frozenset(path.partition(".")[0] for path in _of_the_customer(paths))


def _of_the_customer(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths that lead into the customer's attributes, as they stand there."""
    bare = (path.removeprefix("customer.") for path in paths if not path.startswith(_OTHER_ROOTS))
    return (path for path in bare if path != NOW)


def _dated(journey: Journey) -> Iterator[tuple[str, str | None]]:
    """Yield the paths that are read as dates, each with the type of the event at hand; None where there is none."""
    for rule, at_hand in _rules(journey):
        for part, where in walk(rule, items=True):
            if isinstance(part, FieldRule) and part.op in _DATED:
                other = None if part.op.startswith("within") else part.value_of
                found = (path for path in (part.field, other) if path)
                yield from ((path, at_hand) for path in found if not (".where" in where and is_of_item(path)))
    yield from ((step.field, None) for step in journey.steps if isinstance(step, Wait) and step.field)


def _rules(journey: Journey) -> Iterator[tuple[Rule | None, str | None]]:
    """Yield the rules of a journey, each with the type of the event that it is asked about."""
    yield from ((rule, journey.trigger.event) for rule in (journey.trigger.where, journey.run_criteria))
    if journey.goal is not None:
        yield journey.goal.where, journey.goal.event
    for each in journey.exits:
        yield from ((each.where, each.event), (each.when, None))
    for step in journey.steps:
        yield from [(step.where, step.event), (step.when, None)] if isinstance(step, Wait) else []
        yield from [(way.when, None) for way in step.branches] if isinstance(step, Condition) else []
