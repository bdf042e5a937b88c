"""The attributes that a journey reads as dates or as a time zone (R33, R37)."""

from collections.abc import Iterable, Iterator

from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import NOW, FieldRule, Rule, walk
from journeyflow.definition.steps import Condition, Wait

TIMEZONE = "timezone"
"""The attribute that names a customer's time zone."""

_DATED = frozenset({"before", "after", "withinLast", "withinNext"})
"""The operators that compare dates."""

_OTHER_ROOTS = ("event.", "trigger.", "wait.", "message.", "enrollment.")


def dated_attributes(journey: Journey) -> frozenset[str]:
    """Return the paths of the customer's attributes that a journey reads as dates, and "timezone" if it reads that.

    >>> from journeyflow.definition.rules.conditions import field
    >>> from journeyflow.definition.entry import Exit
    >>> late = Exit("late", when=field("customer.ends").before(field("now")))
    >>> sorted(dated_attributes(Journey(id="j", steps=[Wait("day", field="birthday")], exits=[late])))
    ['birthday', 'ends']
    """
    parts = (part for rule in _rules(journey) for part, _ in walk(rule))
    dated = [part for part in parts if isinstance(part, FieldRule) and part.op in _DATED]
    compared = [part.value_of for part in dated if part.value_of and not part.op.startswith("within")]
    paths = [step.field for step in journey.steps if isinstance(step, Wait) and step.field]
    paths += [*(part.field for part in dated), *compared, *([TIMEZONE] if journey.customer_timezone else [])]
    return frozenset(_of_the_customer(paths))


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


def _rules(journey: Journey) -> Iterator[Rule | None]:
    yield from (journey.trigger.where, journey.run_criteria, None if journey.goal is None else journey.goal.where)
    yield from (rule for each in journey.exits for rule in (each.where, each.when))
    for step in journey.steps:
        yield from (step.where, step.when) if isinstance(step, Wait) else []
        yield from [each.when for each in step.branches] if isinstance(step, Condition) else []
