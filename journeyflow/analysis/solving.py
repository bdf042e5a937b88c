"""Whether rules can be true together, and of which values: a search over the values that the rules tell apart.

Comparisons with constants are decided exactly, by the operators themselves, on a set of values that represents all
others: below, at, between and above the constants, of every type. What such a set cannot represent (texts searched for
parts, dates, patterns, comparisons of two fields) is taken to be true or false at will: so `possible` never calls
rules impossible that some customer could make true.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from attrs import frozen

from journeyflow.basics.moments import from_micros
from journeyflow.definition.rules.conditions import AllOf, FieldRule, NotRule, Rule, Sample, compile_rule, walk
from journeyflow.definition.rules.operators import OPERATORS, SEVERAL, as_number

MAX_TRIED = 20_000
"""How many values are tried in one search: beyond that, the answer is not known."""

MAX_EXACT = 2**50
"""The largest number whose neighbors are told apart by halves."""

ORDERED = frozenset({"gt", "gte", "lt", "lte", "between"})
EXACT = ORDERED | {"eq", "ne", "in", "notIn", "isNull", "isNotNull"}
"""The operators that are decided; ORDERED compare numbers with numbers, and texts with texts."""

Demand = tuple[Rule, bool]
"""A rule, and whether it is to be true."""

Naming = Callable[[str], str]
"""Returns the one name of a path, where several name the same value."""


class TooManyValues(Exception):
    """A search was given up."""


def plain(path: str) -> str:
    """Return the name of an attribute without "customer."."""
    return path.removeprefix("customer.") if path != "customer.id" else path


# --- the search -------------------------------------------------------------------------------------------------------


@frozen
class Constraint:
    """What must hold of some variables."""

    names: frozenset[object]
    test: Callable[[Mapping[object, object]], bool]


def search(
    choices: Mapping[object, Sequence[object]], constraints: Sequence[Constraint]
) -> dict[object, object] | None:
    """Return values that meet all constraints, the first in the order of the choices; None if there are none.

    Raise TooManyValues when the search takes too long.
    """
    names, tried = [*choices], 0
    ready: list[list[Constraint]] = [[] for _ in range(len(names) + 1)]
    for each in constraints:
        ready[max((names.index(name) + 1 for name in each.names), default=0)].append(each)
    found: dict[object, object] = {}
    if not all(each.test(found) for each in ready[0]):
        return None
    stack: list[Iterator[object]] = [iter(choices[names[0]])] if names else []
    while stack and len(found) <= len(names):
        name = names[len(stack) - 1]
        for value in stack[-1]:
            tried += 1
            if tried > MAX_TRIED:
                raise TooManyValues
            found[name] = value
            if all(each.test(found) for each in ready[len(stack)]):
                break
        else:
            found.pop(name, None)
            stack.pop()
            continue
        if len(stack) == len(names):
            return found
        stack.append(iter(choices[names[len(stack)]]))
    return None if names else found


# --- whether it is possible -------------------------------------------------------------------------------------------


def possible(literals: Sequence[Demand]) -> bool:
    """Return whether rules can all have these answers at once; True where that is not known.

    >>> from journeyflow.definition.rules.conditions import field
    >>> possible([(field("age").gt(5), True), (field("age").lt(5), True)])
    False
    >>> possible([(field("age").gte(5), True), (field("age").lte(5), True)])
    True
    """
    parts = [part for rule, _ in literals for part, _ in walk(rule) if isinstance(part, FieldRule)]
    constants: dict[str, list[FieldRule]] = {}
    for part in parts:
        constants.setdefault(plain(part.field), []).append(part)
    values = {path: _representatives(some) for path, some in constants.items()}
    choices: dict[object, Sequence[object]] = {}
    for part in parts:
        decided = _is_decided(part, values)
        choices[plain(part.field) if decided else _atom(part)] = (
            cast("Sequence[object]", values[plain(part.field)]) if decided else (False, True)
        )
    constraints = [
        Constraint(
            frozenset(
                plain(part.field) if _is_decided(part, values) else _atom(part)
                for part, _ in walk(rule)
                if isinstance(part, FieldRule)
            ),
            lambda found, rule=rule, wanted=wanted: _truth(rule, found) is wanted,  # type: ignore[misc]  # a lambda's default
        )
        for rule, wanted in literals
    ]
    try:
        return search(choices, constraints) is not None
    except TooManyValues:
        return True


def _is_decided(part: FieldRule, values: Mapping[str, Sequence[object] | None]) -> bool:
    return part.op in EXACT and part.value_of is None and values[plain(part.field)] is not None


def _atom(part: FieldRule) -> object:
    """Return what stands for a comparison that may be true or false at will: one variable for it and its opposite."""
    operator = OPERATORS[part.op]
    return ("free", plain(part.field), operator.ask, operator.words, repr(part.value), part.value_of)


def _truth(rule: Rule, found: Mapping[object, object]) -> bool:
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


# --- of which values --------------------------------------------------------------------------------------------------


def solve(literals: Sequence[Demand], fixed: Mapping[str, object], at: int, named: Naming) -> dict[str, object] | None:
    """Return values by path with which rules have these answers at an instant, few of them; None if none are found.

    `fixed` are values that are given. Every value found is one that a customer can have.
    """
    paths: dict[str, list[FieldRule]] = {}
    for rule, _ in literals:
        for part, _ in walk(rule):
            if isinstance(part, FieldRule):
                for path in (part.field, part.value_of):
                    if path is not None:
                        paths.setdefault(named(path), []).append(part)
    choices: dict[object, Sequence[object]] = {
        path: [fixed[path]] if path in fixed else _candidates(parts, at) for path, parts in paths.items()
    }
    constraints = [
        Constraint(
            frozenset(
                named(path)
                for part, _ in walk(rule)
                if isinstance(part, FieldRule)
                for path in (part.field, part.value_of)
                if path is not None
            ),
            _asked(rule, wanted=wanted, at=at, named=named),
        )
        for rule, wanted in literals
    ]
    try:
        found = search(choices, constraints)
    except TooManyValues:
        return None
    return None if found is None else {str(path): value for path, value in found.items()}


@frozen
class _Named:
    """Facts that look values up by their one name."""

    sample: Sample
    named: Naming

    @property
    def at(self) -> int:
        return self.sample.at

    @property
    def zone(self) -> Any:  # noqa: ANN401 as Sample's
        return self.sample.zone

    def value(self, path: str) -> object:
        return self.sample.value(self.named(path))


def _asked(rule: Rule, *, wanted: bool, at: int, named: Naming) -> Callable[[Mapping[object, object]], bool]:
    question = compile_rule(rule)

    def test(found: Mapping[object, object]) -> bool:
        return question(_Named(Sample(cast("Mapping[str, object]", found), at), named)) is wanted

    return test


def _candidates(parts: Sequence[FieldRule], at: int) -> list[object]:
    """Return values worth trying where a path is compared so: missing first, then those around each constant."""
    found: list[object] = [None]
    members: list[object] = []
    for part in parts:
        for value in part.value if isinstance(part.value, SEVERAL) else (part.value,):
            found += _around(part.op, value, at)
            if part.op in {"contains", "notContains"} and value not in members:
                members.append(value)
    found += [[each] for each in members] + ([members] if len(members) > 1 else [])
    return [each for n, each in enumerate(found) if not any(each is other or _same(each, other) for other in found[:n])]


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _around(op: str, value: object, at: int) -> list[object]:
    number = as_number(value)
    if op in {"before", "after", "withinLast", "withinNext"} or value is None:
        near = {"withinLast": 0, "withinNext": 1}.get(op)
        instants = ["2000-01-01", "2100-01-01"]
        return (
            [*instants, from_micros(at + near).isoformat()] if near is not None else [*instants, 1, 2, "a", "b", True]
        )
    if number is not None and not isinstance(value, str):
        return [value, number + 1, number - 1]
    if isinstance(value, str):
        return [value, "other"] if op in EXACT - ORDERED else [value, f"{value}a", "", "~"]
    return [value, not value] if isinstance(value, bool) else [value]
