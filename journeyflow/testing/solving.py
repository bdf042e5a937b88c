"""Values by path with which rules have given answers: a search over the values that their comparisons tell apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from attrs import frozen

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import UTC_ZONE, from_micros
from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FactRule, FieldRule, NotRule, Rule
from journeyflow.definition.rules.evaluation import Sample, compile_rule
from journeyflow.definition.rules.operators import SEVERAL, as_number, telling
from journeyflow.definition.rules.rule_parts import comparisons, paths_of
from journeyflow.definition.rules.value_paths import ITEM, NOW

MAX_TRIED = 20_000
"""How many values are tried in one search: beyond that, the answer is not known."""

MAX_MEMBERS = 100
"""How many members a list has that is tried: whoever counts more is not searched for."""

ORDERED, EXACT, DATED = telling("order"), telling("equal", "order"), telling("date")
"""The operators that compare with constants alone; ORDERED compare numbers with numbers, and texts with texts; DATED
compare dates."""

Demand = tuple[Rule, bool]
"""A rule, and whether it is to be true."""

Naming = Callable[[str], str]
"""Returns the one name of a path, where several name the same value."""


class TooManyValues(Exception):
    """A search was given up."""


def plain(path: str) -> str:
    """Return the name of an attribute without "customer."."""
    return path.removeprefix("customer.") if path != "customer.id" else path


@frozen
class Renamed:
    """Returns the one name of a path, where `event.` is one of the other roots."""

    root: str

    def __call__(self, path: str) -> str:
        """Return the name of a path."""
        return f"{self.root}{path[6:]}" if path.startswith("event.") else plain(path)


GIVEN = ("trigger.", "wait.", "message.", "enrollment.")
"""The roots of paths that are not attributes."""


def below(values: Mapping[str, object], root: str = "") -> dict[str, object]:
    """Return the values below a root by their paths from there, without those that are missing; attributes by default.

    >>> below({"a": 1, "b": None, "trigger.n": 3}), below({"a": 1, "trigger.n": 3}, "trigger.")
    ({'a': 1}, {'n': 3})
    """
    return {
        path.removeprefix(root): value
        for path, value in values.items()
        if value is not None and path.startswith(root) and (root or not path.startswith(GIVEN))
    }


def as_objects(flat: Mapping[str, object]) -> dict[str, object]:
    """Return values by path as the objects that they stand in.

    >>> as_objects({"a": 1, "b.c": 2})
    {'a': 1, 'b': {'c': 2}}
    """
    whole: dict[str, object] = {}
    for path, value in flat.items():
        *outer, name = path.split(".")
        inner = whole
        for each in outer:
            found = inner.get(each)
            inner[each] = inner = found if isinstance(found, dict) else {}
        inner[name] = value
    return whole


# --- the search -------------------------------------------------------------------------------------------------------


@frozen
class Constraint:
    """What must hold of some variables."""

    names: frozenset[object]
    test: Callable[[Mapping[object, object]], bool]


def search(
    choices: Mapping[object, Sequence[object]], constraints: Sequence[Constraint], tries: int = MAX_TRIED
) -> dict[object, object] | None:
    """Return values that meet all constraints, the first in the order of the choices; None if there are none.

    Raise TooManyValues after that many tries.
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
            if tried > tries:
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


# --- of which values --------------------------------------------------------------------------------------------------


def solve(
    demands: Iterable[Demand], fixed: Mapping[str, object], at: int, named: Naming, *, tries: int = MAX_TRIED
) -> dict[str, object] | None:
    """Return values by path with which rules have these answers at an instant, few of them; None if none are found.

    `fixed` are values that are given. Every value found is one that a customer can have. After that many `tries` the
    search is given up.
    """
    asked = [part for demand in demands for part in _taken_apart(*demand)]
    paths: dict[str, list[FactRule]] = {}
    for rule, _ in asked:
        for part in comparisons(rule):
            for path in _paths(part):
                paths.setdefault(named(path), []).append(part)
    choices: dict[object, Sequence[object]] = {
        path: [fixed[path]] if path in fixed else _candidates(path, parts, at) for path, parts in paths.items()
    }
    constraints = [
        Constraint(
            frozenset(named(path) for part in comparisons(rule) for path in _paths(part)),
            _asked(rule, wanted=wanted, at=at, named=named),
        )
        for rule, wanted in asked
    ]
    try:
        found = search(choices, constraints, tries)
    except TooManyValues:
        return None
    return None if found is None else {str(path): value for path, value in found.items()}


def _taken_apart(rule: Rule, wanted: bool) -> Iterator[Demand]:
    """Yield demands that must all be met for one to be: small ones, which a search can check early."""
    if isinstance(rule, NotRule):
        yield from _taken_apart(rule.rule, not wanted)
    elif isinstance(rule, AllOf if wanted else AnyOf):
        for part in rule.rules:
            yield from _taken_apart(part, wanted)
    else:
        yield rule, wanted


def _paths(part: FactRule) -> list[str]:
    """Return the paths that a comparison reads, other than the instant at which it is asked."""
    return [path for path in paths_of(part) if path != NOW]


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


def _candidates(path: str, parts: Sequence[FactRule], at: int) -> list[object]:
    """Return values worth trying where a path is compared so: missing first, then those around each constant."""
    found: list[object] = [None, *lists_around([part for part in parts if isinstance(part, CountRule)], at)]
    members: list[object] = []
    for part in (each for each in parts if isinstance(each, FieldRule)):
        for value in part.value if isinstance(part.value, SEVERAL) else (part.value,):
            found += _around(part.op, value, at)
            if part.op in {"contains", "notContains"} and value not in members:
                members.append(value)
    found += [[each] for each in members] + ([members] if len(members) > 1 else [])
    return [
        each
        for n, each in enumerate(found)
        if _fits(path, each) and not any(each is other or _same(each, other) for other in found[:n])
    ]


def lists_around(counts: Sequence[CountRule], at: int) -> Iterator[list[object]]:
    """Yield lists on both sides of each bound of some counts of one list, and one with the least of each of them.

    >>> from journeyflow.definition.rules.conditions import field
    >>> [*lists_around([field("visits").count(field("item.page").eq("home"), at_least=2)], 0)]
    [[{'page': 'home'}], [{'page': 'home'}, {'page': 'home'}], [{'page': 'home'}, {'page': 'home'}]]
    """
    least = list[object]()
    for each in counts:
        solved = solve([] if each.where is None else [(each.where, True)], {}, at, str)
        member = as_objects(solved or {}).get(ITEM, 1)
        below = [each.at_least - 1, each.at_least] if each.at_least else []
        above = [] if each.at_most is None else [each.at_most, each.at_most + 1]
        yield from ([member] * number for number in below + above if number <= MAX_MEMBERS)
        least += [member] * min(each.at_least or 0, MAX_MEMBERS)
    yield least


def _fits(path: str, value: object) -> bool:
    """Return whether an attribute can have a value: tags and lists have members, and consent is given or not (R50)."""
    if value is None or path.partition(".")[0] not in {*MEMBERS, CONSENT}:
        return True
    return isinstance(value, list if path in MEMBERS else bool)


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _around(op: str, value: object, at: int) -> list[object]:
    number = as_number(value)
    if op in DATED or value is None:
        instants: list[object] = ["2000-01-01", "2100-01-01"]
        near: list[object] = [from_micros(at).isoformat()] if op == "withinLast" else []
        if op == "withinNext" and isinstance(value, str):
            near = [from_micros((at + add(at, Duration.parse(value), UTC_ZONE)) // 2).isoformat()]
        return [*instants, *(near or (1, 2, "a", "b", True))]
    if number is not None and not isinstance(value, str):
        return [value, number + 1, number - 1]
    if isinstance(value, str):
        return [value, "other"] if op in EXACT - ORDERED else [value, f"{value}a", "", "~"]
    return [value, not value] if isinstance(value, bool) else [value]
