"""Whether rules can be true together: a search over the values that the rules tell apart.

Comparisons with constants are decided exactly, by the operators themselves, on a set of values that represents all
others: below, at, between and above the constants, of every type. What such a set cannot represent (texts searched for
parts, dates, patterns, comparisons of two fields, counted members) is taken to be true or false at will: so `possible`
never calls rules impossible that some customer could make true.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from journeyflow.definition.rules.conditions import AllOf, CountRule, FactRule, FieldRule, NotRule, Rule
from journeyflow.definition.rules.operators import OPERATORS, SEVERAL, as_number
from journeyflow.definition.rules.rule_parts import comparisons
from journeyflow.testing.solving import EXACT, ORDERED, Constraint, Demand, TooManyValues, plain, search

MAX_EXACT = 2**50
"""The largest number whose neighbors are told apart by halves."""


def possible(literals: Sequence[Demand]) -> bool:
    """Return whether rules can all have these answers at once; True where that is not known.

    >>> from journeyflow.definition.rules.conditions import field
    >>> possible([(field("age").gt(5), True), (field("age").lt(5), True)])
    False
    >>> possible([(field("age").gte(5), True), (field("age").lte(5), True)])
    True
    """
    parts = [part for rule, _ in literals for part in comparisons(rule)]
    constants: dict[str, list[FieldRule]] = {}
    for each in parts:
        if isinstance(each, FieldRule):
            constants.setdefault(plain(each.field), []).append(each)
    values = {path: _representatives(some) for path, some in constants.items()}
    choices: dict[object, Sequence[object]] = {}
    for part in parts:
        decided = _is_decided(part, values)
        choices[plain(part.field) if decided else _atom(part)] = (
            cast("Sequence[object]", values[plain(part.field)]) if decided else (False, True)
        )
    constraints = [
        Constraint(
            frozenset(plain(part.field) if _is_decided(part, values) else _atom(part) for part in comparisons(rule)),
            lambda found, rule=rule, wanted=wanted: _truth(rule, found) is wanted,  # type: ignore[misc]  # a lambda's default
        )
        for rule, wanted in literals
    ]
    try:
        return search(choices, constraints) is not None
    except TooManyValues:
        return True


def _is_decided(part: FactRule, values: Mapping[str, Sequence[object] | None]) -> bool:
    if isinstance(part, CountRule):
        return False
    return part.op in EXACT and part.value_of is None and values[plain(part.field)] is not None


def _atom(part: FactRule) -> object:
    """Return what stands for a comparison that may be true or false at will: one variable for it and its opposite."""
    if isinstance(part, CountRule):
        return part
    operator = OPERATORS[part.op]
    return ("free", plain(part.field), operator.ask, operator.words, repr(part.value), part.value_of)


def _truth(rule: Rule, found: Mapping[object, object]) -> bool:
    if isinstance(rule, CountRule):
        return found[_atom(rule)] is True
    if isinstance(rule, FieldRule):
        operator, atom = OPERATORS[rule.op], _atom(rule)
        answer = found[atom] if atom in found else operator.ask(found[plain(rule.field)], rule.value, cast("Any", None))
        return answer is not operator.negated
    if isinstance(rule, NotRule):
        return not _truth(rule.rule, found)
    return (all if isinstance(rule, AllOf) else any)(_truth(part, found) for part in rule.rules)


def _operands(parts: Sequence[FieldRule]) -> list[object]:
    return [
        value
        for part in parts
        if part.op in EXACT and part.value_of is None and part.value is not None
        for value in (part.value if isinstance(part.value, SEVERAL) else (part.value,))
    ]


def _representatives(parts: Sequence[FieldRule]) -> Sequence[object] | None:
    """Return values that stand for all others where a path is compared so; None where there is no such set."""
    operands = _operands(parts)
    numbers = sorted({number for each in operands if (number := as_number(each)) is not None})
    texts = sorted({each for each in operands if isinstance(each, str) and as_number(each) is None})
    ordered = any(part.op in ORDERED for part in parts)
    written = any(isinstance(each, str) for each in operands)
    if (ordered and numbers and written) or any(abs(each) > MAX_EXACT or "e" in str(each) for each in numbers):
        return None
    found: list[object] = [None, True, False, ()]
    between = [low + (high - low) / 2 for low, high in pairwise(numbers)]
    places = [*numbers, *between, numbers[0] - 1, numbers[-1] + 1] if numbers else []
    for place in places:
        found += [place, str(place), f"{place}e0"]
    found += [each for each in operands if isinstance(each, str) and each not in found]
    return [*found, "", *(f"{text}\x00" for text in texts), "\x00"]
