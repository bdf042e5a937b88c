"""Operators: how a rule compares a value with an operand, in one table (R60 to R63).

An operator never raises and never reads a clock: for values that cannot be compared, the answer is false.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics import patterns
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import UTC_ZONE, read_instant
from journeyflow.basics.values import describe
from journeyflow.errors import MissingExtra

MAX_NUMBER_TEXT = 400
"""How many characters a numeric string may have to be read as a number: no double needs more."""


SEVERAL = (list, tuple)
"""The types that hold members, as a constant because isinstance is called for every comparison."""

_NUMERIC = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class Known(Protocol):
    """What a rule may look at: values by path, the instant of the question and the zone it is asked in."""

    @property
    def at(self) -> int:
        """The effective instant, in microseconds UTC."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of local dates."""

    def value(self, path: str) -> object:
        """Return the value at a path; None if it is missing or null."""


# --- what they ask --------------------------------------------------------------------------------------------------


def as_number(value: object) -> int | float | None:
    """Read a number, or a numeric string in plain decimal grammar (R62); None for anything else, booleans included.

    >>> as_number("-2.50"), as_number("1e3"), as_number(" 5"), as_number(True)
    (-2.5, 1000.0, None, None)
    """
    if isinstance(value, str):
        if len(value) > MAX_NUMBER_TEXT or not _NUMERIC.fullmatch(value):
            return None
        number = int(value) if value.lstrip("-").isdigit() else float(value)
        return number if abs(number) < float("inf") else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def equal(actual: object, expected: object, _: Known | None = None) -> bool:
    """Compare as R62 says: a number with a numeric string as numbers, else the same type and exact.

    >>> equal("5", 5.0), equal("5", "5.0"), equal(True, 1)
    (True, False, False)
    """
    if isinstance(actual, str) and isinstance(expected, str):
        return actual == expected
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    left, right = as_number(actual), as_number(expected)
    return left is not None and left == right


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, object, Known], bool]:
    """Make an ordering operator: numbers and numeric strings as numbers, other text as text."""

    def ask(actual: object, expected: object, _: Known) -> bool:
        left, right = as_number(actual), as_number(expected)
        if left is not None and right is not None:
            return compare(left, right)
        return isinstance(actual, str) and isinstance(expected, str) and compare(actual, expected)

    return ask


_gte = _ordered(ge)

_lte = _ordered(le)


def _has(actual: object, expected: object, _: Known) -> bool:
    if isinstance(actual, SEVERAL):
        return any(equal(member, expected) for member in actual)
    return isinstance(actual, str) and isinstance(expected, str) and expected in actual


def _instants(actual: object, expected: object, facts: Known) -> tuple[int, int] | None:
    left, right = read_instant(actual, facts.zone), read_instant(expected, facts.zone)
    return (left, right) if left is not None and right is not None else None


def _before(actual: object, expected: object, facts: Known) -> bool:
    pair = _instants(actual, expected, facts)
    return pair is not None and pair[0] < pair[1]


def _after(actual: object, expected: object, facts: Known) -> bool:
    pair = _instants(actual, expected, facts)
    return pair is not None and pair[0] > pair[1]


@lru_cache(maxsize=1024)
def length_of_time(text: str) -> Duration | None:
    """Read a length of time that leads forward; None for anything else."""
    try:
        length = Duration.parse(text)
    except ValueError:
        return None
    return length if length.sign > 0 else None


def _within_last(actual: object, expected: object, facts: Known) -> bool:
    moment = read_instant(actual, facts.zone)
    length = length_of_time(expected) if isinstance(expected, str) else None
    return moment is not None and length is not None and add(facts.at, -length, facts.zone) <= moment <= facts.at


def _within_next(actual: object, expected: object, facts: Known) -> bool:
    moment = read_instant(actual, facts.zone)
    length = length_of_time(expected) if isinstance(expected, str) else None
    return moment is not None and length is not None and facts.at <= moment <= add(facts.at, length, facts.zone)


def _matches(actual: object, expected: object, _: Known) -> bool:
    return isinstance(actual, str) and isinstance(expected, str) and patterns.searcher(expected)(actual)


def _both(actual: object, expected: object, facts: Known) -> bool:
    if not isinstance(expected, SEVERAL) or len(expected) != 2:  # noqa: PLR2004 lower and upper bound
        return False
    return _gte(actual, expected[0], facts) and _lte(actual, expected[1], facts)


# --- operands: what may stand on the right --------------------------------------------------------------------------


def _operand_scalar(value: object) -> str | None:
    return None if isinstance(value, str | int | float) else f"needs a text, number or boolean, not {describe(value)}"


def _operand_ordered(value: object) -> str | None:
    fits = isinstance(value, str | int | float) and not isinstance(value, bool)
    return None if fits else f"needs a number or text, not {describe(value)}"


def _operand_list(value: object) -> str | None:
    if not isinstance(value, SEVERAL) or not value:
        return f"needs a list with at least one member, not {describe(value)}"
    return next(filter(None, map(_operand_scalar, value)), None)


def _operand_pair(value: object) -> str | None:
    if not isinstance(value, SEVERAL) or len(value) != 2:  # noqa: PLR2004 lower and upper bound
        return f"needs a list of two, lower and upper bound, not {describe(value)}"
    return next(filter(None, map(_operand_ordered, value)), None)


def _operand_text(value: object) -> str | None:
    return None if isinstance(value, str) else f"needs a text, not {describe(value)}"


def _operand_none(value: object) -> str | None:
    return None if value is None else f"takes no value, not {describe(value)}"


def _operand_instant(value: object) -> str | None:
    if read_instant(value, UTC_ZONE) is not None:
        return None
    remedy = '; the instant at which the rule is asked is field("now")' if value == "now" else ""
    return f"needs an ISO 8601 date or instant, not {describe(value)}{remedy}"


def _operand_duration(value: object) -> str | None:
    fits = isinstance(value, str) and length_of_time(value) is not None
    return None if fits else f"needs a duration such as '30 days', not {describe(value)}"


def _operand_pattern(value: object) -> str | None:
    if not isinstance(value, str):
        return f"needs a regular expression as text, not {describe(value)}"
    try:
        patterns.searcher(value)
    except (ValueError, MissingExtra) as error:
        return str(error)
    return None


Tells = Literal["equal", "order", "date", "content"]
"""What an operator tells of a value: whether it equals constants, or on which side of them it is, and nothing else; how
it is placed as a date; or something about its content. Proofs rest on the first two."""


@frozen
class Operator:
    """An operator: its positive question, the check of its operand, what it tells, its words, if it negates (R60)."""

    name: str
    ask: Callable[[object, object, Known], bool]
    operand: Callable[[object], str | None]
    tells: Tells
    words: str
    summary: str
    negated: bool = False

    @property
    def alone(self) -> bool:
        """Whether the operator takes no operand."""
        return self.operand is _operand_none

    @property
    def takes_field(self) -> bool:
        """Whether the operand may be read from a field; one that is compiled beforehand, a pattern, may not."""
        return self.operand not in {_operand_none, _operand_pattern}


def _in(actual: object, expected: object, _: Known) -> bool:
    if not isinstance(expected, SEVERAL):
        return False
    if isinstance(actual, str) and actual in expected:
        return True
    for member in expected:  # noqa: SIM110 a hot path: any() would create a generator each time
        if equal(actual, member):
            return True
    return False


def _is_null(actual: object, _expected: object, _: Known) -> bool:
    return actual is None


def _starts_with(actual: object, expected: object, _: Known) -> bool:
    return isinstance(actual, str) and isinstance(expected, str) and actual.startswith(expected)


def _ends_with(actual: object, expected: object, _: Known) -> bool:
    return isinstance(actual, str) and isinstance(expected, str) and actual.endswith(expected)


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("eq", equal, _operand_scalar, "equal", "=", "equal"),
        Operator("ne", equal, _operand_scalar, "equal", "=", "not equal, or missing", negated=True),
        Operator("gt", _ordered(gt), _operand_ordered, "order", ">", "greater"),
        Operator("gte", _gte, _operand_ordered, "order", ">=", "greater or equal"),
        Operator("lt", _ordered(lt), _operand_ordered, "order", "<", "less"),
        Operator("lte", _lte, _operand_ordered, "order", "<=", "less or equal"),
        Operator("in", _in, _operand_list, "equal", "in", "one of a list"),
        Operator("notIn", _in, _operand_list, "equal", "in", "none of a list, or missing", negated=True),
        Operator("contains", _has, _operand_scalar, "content", "contains", "has the text, or the member"),
        Operator("notContains", _has, _operand_scalar, "content", "contains", "has it not, or missing", negated=True),
        Operator("startsWith", _starts_with, _operand_text, "content", "starts with", "begins with the text"),
        Operator("endsWith", _ends_with, _operand_text, "content", "ends with", "ends with the text"),
        Operator("matches", _matches, _operand_pattern, "content", "matches", "the pattern is found (extra `regex`)"),
        Operator("notMatches", _matches, _operand_pattern, "content", "matches", "it is not, or missing", negated=True),
        Operator("isNull", _is_null, _operand_none, "equal", "is null", "missing or null"),
        Operator("isNotNull", _is_null, _operand_none, "equal", "is null", "there, and not null", negated=True),
        Operator("between", _both, _operand_pair, "order", "between", "from a lower to an upper bound, both included"),
        Operator("before", _before, _operand_instant, "date", "before", "an earlier date or instant"),
        Operator("after", _after, _operand_instant, "date", "after", "a later date or instant"),
        Operator("withinLast", _within_last, _operand_duration, "date", "within the last", "at most so long ago"),
        Operator("withinNext", _within_next, _operand_duration, "date", "within the next", "at most so long ahead"),
    )
}


def telling(*what: Tells) -> frozenset[str]:
    """Return the names of the operators that tell something of a value.

    >>> sorted(telling("date"))
    ['after', 'before', 'withinLast', 'withinNext']
    """
    return frozenset(name for name, operator in OPERATORS.items() if operator.tells in what)


ALIASES = {
    "equals": "eq",
    "doesn't equal": "ne",
    "doesn't contain": "notContains",
    "matches regex": "matches",
    "doesn't match regex": "notMatches",
    "greater than": "gt",
    "less than": "lt",
    "is set": "isNotNull",
    "is not set": "isNull",
}
"""Octeth's names for operators that are named differently here; `contains` has the same name in both (R60, F43)."""
