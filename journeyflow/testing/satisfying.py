"""Values under which rules hold, found by trying: what somebody must be, and bring, to come into a journey."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, product

from journeyflow.basics.moments import Duration, add, iso, to_micros, zone
from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.definition.rules.conditions import (
    NOW,
    AllOf,
    FieldRule,
    NotRule,
    Rule,
    Sample,
    holds,
    walk,
)
from journeyflow.testing.running import START

ValuesByPath = Mapping[str, object]
"""Values by path; None is a value that is missing."""

AskedRule = tuple[Rule, bool]
"""A rule, and whether it is to hold."""

TRIED, KEPT = 2_000, 6
"""How many comparisons are tried before the search gives up, and how many answers it keeps."""

ASKED_AT = START + timedelta(days=2)
"""The instant at which rules about time are asked: some time after the start."""

LATER = ("message", "enrollment", "wait")
"""The beginnings of paths whose values come about within a run, and cannot be brought along."""

DATES = tuple((ASKED_AT + timedelta(days=days)).isoformat() for days in (12, -12))
"""A date to come and one that is past, whichever comparison asks."""


def satisfying(asked: Sequence[AskedRule]) -> list[ValuesByPath]:
    """Return a few ways in which rules hold, or do not, all at once; the simplest first, and none if none is found.

    >>> from journeyflow.definition.rules.changes import field
    >>> satisfying([(field("n").gt(2) & ~field("plan").eq("paid"), True)])[0]
    {'n': 3, 'plan': 'other'}
    """
    candidates: dict[str, list[object]] = {}
    for rule, _ in asked:
        for part, _ in walk(rule):
            if isinstance(part, FieldRule):
                for path in _paths(part):
                    fitting = (value for value in _distinguished(part) if _fits(path, value))
                    candidates.setdefault(path, []).extend(fitting)
    tried = iter(range(TRIED))
    return list(islice(_solved(tuple(asked), {}, candidates, tried), KEPT))


def _solved(
    asked: tuple[AskedRule, ...],
    known: dict[str, object],
    candidates: Mapping[str, Sequence[object]],
    tried: Iterator[int],
) -> Iterator[ValuesByPath]:
    """Yield the values that make each rule hold or not, as asked; rules are taken apart one after the other."""
    if not asked:
        yield known
        return
    (rule, wanted), rest = asked[0], asked[1:]
    if isinstance(rule, NotRule):
        yield from _solved(((rule.rule, not wanted), *rest), known, candidates, tried)
    elif isinstance(rule, FieldRule):
        for more in _of_comparison(rule, known, candidates):
            if next(tried, None) is None:
                return
            found = {**known, **more}
            if any(path in LATER for path in _roots(rule)) or holds(rule, Sample(found, _AT)) is wanted:
                yield from _solved(rest, found, candidates, tried)
    elif isinstance(rule, AllOf) is wanted:  # all parts must be as wanted
        yield from _solved((*((each, wanted) for each in rule.rules), *rest), known, candidates, tried)
    else:
        for each in rule.rules:
            yield from _solved(((each, wanted), *rest), known, candidates, tried)


def _of_comparison(
    rule: FieldRule, known: ValuesByPath, candidates: Mapping[str, Sequence[object]]
) -> Iterator[dict[str, object]]:
    """Yield values for those paths of a comparison that have none yet."""
    free = [path for path in _paths(rule) if path not in known]
    for values in product(*(candidates[path] for path in free)):
        yield dict(zip(free, values, strict=True))


def _paths(rule: FieldRule) -> list[str]:
    """Return the paths of a comparison whose values can be brought along."""
    found = [path for path in (rule.field, rule.value_of) if path is not None and path != NOW]
    return [path for path in found if path.partition(".")[0] not in LATER]


def _roots(rule: FieldRule) -> list[str]:
    return [path.partition(".")[0] for path in (rule.field, rule.value_of or "")]


def _distinguished(rule: FieldRule) -> Iterator[object]:
    """Yield values that a comparison tells apart, those that stand in it first."""
    values = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    for value in values:
        if rule.op in {"before", "after", "withinLast", "withinNext"}:
            yield from _dates(value)
        elif "contains" in rule.op.lower() or rule.field.rpartition(".")[2] in {"tags", "lists"}:
            yield [value]
        yield from around(value)
    if rule.value_of is not None:
        yield from ("a", 1, *DATES)
    yield None


def _fits(path: str, value: object) -> bool:
    """Return whether a value can be put at a path: tags and lists have members, and consent is given or not (R50)."""
    name = path.removeprefix("customer.")
    if name in MEMBERS:
        return value is None or isinstance(value, list)
    return value is None or isinstance(value, bool) or name.partition(".")[0] != CONSENT


def _dates(value: object) -> Iterator[str]:
    """Yield dates on both sides of one, or of a length of time before and after the instant that is asked about."""
    if not isinstance(value, str):
        return
    try:
        length = Duration.parse(value)
    except ValueError:
        date = datetime.fromisoformat(value)
        yield from ((date + timedelta(days=days)).isoformat() for days in (1, -1))
    else:
        yield from (iso(add(_AT, length, zone("UTC"))), iso(2 * _AT - add(_AT, length, zone("UTC"))))
        yield from (iso(_AT + side * 3_600_000_000) for side in (1, -1))


_AT = to_micros(ASKED_AT)


def around(value: object) -> Sequence[object]:
    """Return a value and its neighbors.

    >>> around(2), around("paid"), around(None)
    ((2, 3, 1, '2'), ('paid', 'other'), (1, 0, 'other'))
    """
    if isinstance(value, str):
        return (value, "other")
    if isinstance(value, bool):
        return (value, not value)
    if isinstance(value, int):
        return (value, value + 1, value - 1, str(value))
    return (value, value + 0.5, value - 0.5) if isinstance(value, float) else (1, 0, "other")
