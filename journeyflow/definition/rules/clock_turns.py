"""When the clock alone makes a rule true: the instants at which its comparisons with the clock turn (R37)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.durations import add
from journeyflow.basics.moments import DAY, LAST, bounded, iso, local_instant, read_instant, to_local
from journeyflow.definition.rules.conditions import CountRule, FactRule, FieldRule, Rule
from journeyflow.definition.rules.evaluation import Question, items_of
from journeyflow.definition.rules.operators import Known, length_of_time
from journeyflow.definition.rules.rule_parts import comparisons, walk
from journeyflow.definition.rules.value_paths import NOW
from journeyflow.errors import ERROR, Problem

_COMPARED = frozenset({"before", "after"})
"""The operators that compare two instants, one of which may be now."""

_WITHIN = {"withinLast": 1, "withinNext": -1}
"""The operators that compare a date with a span that ends, or begins, now; and the way from the date to its far end."""

_REACH = 5
"""How many days around a date plus or minus a length may see a comparison turn: month ends clip by up to three."""


@frozen
class AsOf:
    """Facts as they stand, asked at another instant."""

    facts: Known
    at: int

    @property
    def zone(self) -> ZoneInfo:
        """The zone of local dates."""
        return self.facts.zone

    def value(self, path: str) -> object:
        """Return the value at a path; None if it is missing or null."""
        return iso(self.at) if path == NOW else self.facts.value(path)


def clocked(rule: Rule | None) -> tuple[FactRule, ...]:
    """Return the comparisons and counts of a rule that the clock can turn.

    >>> from journeyflow.definition.rules.conditions import field
    >>> [part.field for part in clocked(field("plan").eq("paid") | field("ends").within_next("3 days"))]
    ['ends']
    """
    return tuple(filter(_is_clocked, comparisons(rule)))


def _is_clocked(part: FactRule) -> bool:
    if isinstance(part, CountRule):
        return bool(clocked(part.where))
    return part.op in _WITHIN or NOW in {part.field, part.value_of}


def clock_problems(rule: Rule | None, path: str) -> Iterator[Problem]:
    """Yield a problem for each comparison with now of which nobody can say when it turns (R37)."""
    for part, where in walk(rule, path, items=True):
        if isinstance(part, FieldRule) and NOW in {part.field, part.value_of} and part.op not in _COMPARED:
            yield Problem("clock", ERROR, where, "a wait for a condition compares now by before and after only")


def true_from(question: Question, parts: Sequence[FactRule], facts: Known, at: int) -> int | None:
    """Return the first instant, from `at` on, at which a rule is true if only the clock changes; None if there is none.

    `parts` are the comparisons and counts of the rule that the clock can turn.
    """
    if question(AsOf(facts, at)):
        return at
    turns = sorted({turn for part in parts for turn in _turns(part, facts) if at < turn <= LAST})
    return next((turn for turn in turns if question(AsOf(facts, turn))), None)


def _turns(part: FactRule, facts: Known) -> Iterator[int]:
    """Yield every instant at which a comparison turns, or one about a member of a counted list, and perhaps others."""
    if isinstance(part, CountRule):
        inner = clocked(part.where)
        yield from (turn for item in items_of(facts, part.field) for each in inner for turn in _turns(each, item))
        return
    expected = facts.value(part.value_of) if part.value_of else part.value
    date = read_instant(expected if part.field == NOW else facts.value(part.field), facts.zone)
    if date is None:
        return
    yield from (date, date + 1)
    length = length_of_time(expected) if part.op in _WITHIN and isinstance(expected, str) else None
    if length is not None:
        span = length if part.op == "withinNext" else -length
        yield from _around(lambda at: add(at, span, facts.zone) >= date, add(date, -span, facts.zone), facts.zone)


def _around(reaches: Callable[[int], bool], middle: int, zone: ZoneInfo) -> Iterator[int]:
    """Yield the instants near one at which a calendar length begins to reach, or no longer reaches, a date.

    A month that is too short, or a clock change, moves them by up to some days from where they seem to be; within one
    local day the length reaches farther the later it begins.
    """
    yield from (middle, middle + 1)
    days = [bounded(middle + n * DAY) for n in range(-_REACH, _REACH + 1)]
    midnights = [
        local_instant(to_local(day, zone).replace(hour=0, minute=0, second=0, microsecond=0), zone) for day in days
    ]
    yield from midnights
    for start, end in pairwise(midnights):
        if start < end - 1 and reaches(start) is not reaches(end - 1):
            first = _first(reaches, start, end - 1)
            yield from (first, first + 1)


def _first(reaches: Callable[[int], bool], start: int, end: int) -> int:
    """Return the first instant after `start` at which the answer is that at `end`, by halving."""
    before = reaches(start)
    while end - start > 1:
        middle = (start + end) // 2
        start, end = (middle, end) if reaches(middle) is before else (start, middle)
    return end
