"""Operators: truth tables, numbers, instants (R60, R61)."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import DAY, FIRST, LAST
from journeyflow.definition.rules import clock_turns
from journeyflow.definition.rules.conditions import FieldRule, field
from journeyflow.definition.rules.evaluation import Sample, holds
from journeyflow.definition.rules.operators import (
    OPERATORS,
    _operand_duration,
    _operand_instant,
    as_number,
    equal,
    telling,
)
from tests.definition.rules.test_conditions import (
    MISSING,
    NOW,
    PARIS,
    ask,
    json_values,
    names,
    operand_of,
    operands,
    samples,
)

POSITIVE: dict[str, list[tuple[object, object, bool]]] = {
    "eq": [
        ("x", "x", True),
        ("x", "X", False),
        ("x ", "x", False),
        (5, 5, True),
        (5, 5.0, True),
        (5, "5", True),
        ("5", 5, True),
        ("5.0", 5, True),
        ("5e0", 5, True),
        ("-0", 0, True),
        ("5", "5.0", False),
        ("05", 5, True),
        (" 5", 5, False),
        ("+5", 5, False),
        (".5", 0.5, False),
        ("5.", 5, False),
        ("1_0", 10, False),
        ("\u0665", 5, False),
        ("inf", 5, False),
        (True, True, True),
        (True, False, False),
        (True, 1, False),
        (1, True, False),
        (True, "true", False),
        (0, False, False),
        ([5], 5, False),
        ({"x": 5}, 5, False),
        (2**53, 2**53 + 1, False),
        (str(2**53), 2**53 + 1, False),
    ],
    "gt": [
        (6, 5, True),
        (5, 5, False),
        (4, 5, False),
        ("b", "a", True),
        ("10", "9", True),
        ("10", "9a", False),
        (2**53 + 1, str(2**53), True),
    ],
    "gte": [(6, 5, True), (5, 5, True), (4, 5, False), ("5", 5.0, True), ("a", "b", False)],
    "lt": [(4, 5, True), (5, 5, False), ("9", "10", True), ("9", 10, True), ("a", "B", False)],
    "lte": [(5, 5, True), (6, 5, False), ("5", "5.0", True), ("-1", "1e-1", True)],
    "in": [
        ("x", ["y", "x"], True),
        ("x", ["X"], False),
        (5, ["5"], True),
        ("5", [4, 5], True),
        (True, [1], False),
        (["x"], ["x"], False),
    ],
    "contains": [
        ("abc", "b", True),
        ("abc", "B", False),
        ("abc", "", True),
        ("a5", 5, False),
        (["x", "y"], "y", True),
        (["xy"], "x", False),
        ([5, True], "5", True),
        ([True], 1, False),
        (55, 5, False),
        ({"x": 1}, "x", False),
        ([], "x", False),
    ],
    "startsWith": [
        ("abc", "ab", True),
        ("abc", "b", False),
        ("Abc", "a", False),
        (["ab"], "ab", False),
        (55, "5", False),
    ],
    "endsWith": [("abc", "bc", True), ("abc", "b", False), ("abC", "c", False), (["bc"], "bc", False)],
    "matches": [("abc", "b", True), ("abc", "^b", False), ("ABC", "(?i)b", True), (5, "5", False), (["b"], "b", False)],
    "between": [
        (5, [5, 7], True),
        (7, [5, 7], True),
        (8, [5, 7], False),
        ("6", [5, "7"], True),
        ("b", ["a", "c"], True),
        (5, [5], False),  # as another field may hold it
        (5, [5, 6, 7], False),
        (5, "57", False),
    ],
    "before": [
        ("2026-06-14", "2026-06-15", True),
        ("2026-06-15", "2026-06-15", False),
        ("2026-06-15T01:59:59+02:00", "2026-06-15T00:00:00Z", True),
        ("2026-06-14T22:00:00Z", "2026-06-15", False),
        ("soon", "2026-06-15", False),
        (20260614, "2026-06-15", False),
    ],
    "after": [
        ("2026-06-16", "2026-06-15", True),
        ("2026-06-15", "2026-06-15", False),
        ("2026-06-14T22:00:01Z", "2026-06-15", True),
        ("soon", "2026-06-15", False),
    ],
    "withinLast": [
        ("2026-06-15T12:00:00Z", "1 hour", True),
        ("2026-06-15T11:00:00Z", "1 hour", True),
        ("2026-06-15T10:59:59.999999Z", "1 hour", False),
        ("2026-06-15T12:00:00.000001Z", "1 hour", False),
        ("2026-05-15T14:00", "1 month", True),
        ("2026-05-15T13:59", "1 month", False),
        ("soon", "1 hour", False),
        (5, "1 hour", False),
    ],
    "withinNext": [
        ("2026-06-15T12:00:00Z", "1 hour", True),
        ("2026-06-15T13:00:00Z", "1 hour", True),
        ("2026-06-15T13:00:00.000001Z", "1 hour", False),
        ("2026-06-15T11:59:59.999999Z", "1 hour", False),
        ("2026-07-15T14:00", "1 month", True),
        ("2026-07-15T14:01", "1 month", False),
        ("2026-06-16", "1 day", True),
        ("soon", "1 hour", False),
        (5, "1 hour", False),
    ],
}

NEGATIONS = {"ne": "eq", "notIn": "in", "notContains": "contains", "notMatches": "matches", "isNotNull": "isNull"}


def test_every_operator_is_in_a_table_of_this_file():
    """R60: twenty operators; a new one needs a row here."""
    assert OPERATORS.keys() == POSITIVE.keys() | NEGATIONS.keys() | {"isNull"} == operand_of.keys()
    assert {name for name, operator in OPERATORS.items() if operator.negated} == NEGATIONS.keys()
    assert all(operator.summary for operator in OPERATORS.values())
    of_dates = {name for name, each in OPERATORS.items() if each.operand in {_operand_instant, _operand_duration}}
    assert telling("date") == of_dates


@pytest.mark.parametrize(
    ("op", "actual", "expected", "answer"), [(op, *row) for op, rows in POSITIVE.items() for row in rows]
)
@pytest.mark.rows(78)
@pytest.mark.regex
def test_a_positive_operator_by_example(op, actual, expected, answer):
    """R60, R62: type by type, with the local date in Paris and the instant of the question at 14:00 there."""
    assert ask(op, actual, expected) is answer


SOME_VALUES = [
    *(None, True, False, (), (1,), ("a",), {"a": 1}, ""),
    *(-1, 0, 0.5, 1, 1.5, 2, 3, 10, "-1", "0", "1", "1.0", "1e0", "2", "7"),
    *("A", "a", "a1", "ab", "b", "c", "2026-06-15", "2026-07-15", "~"),
]
CONSTANTS: dict[str, Sequence[object]] = {
    "scalar": [1, "a", True, "1"],
    "ordered": [1, 2, "a", "b"],
    "list": [(1, "a"), (2,)],
    "none": [None],
}
CONSTANTS["pair"] = [(1, 2), ("a", "b"), (1, "b")]


def side(value: object, constants: Sequence[object]) -> tuple[bool, ...]:
    """Return where a value is among constants: which it equals, and which are less, among numbers or among texts."""
    number, is_text = as_number(value), isinstance(value, str)
    numbers = [as_number(each) for each in constants]
    less = [number is not None and each is not None and each < number for each in numbers]
    before = [is_text and isinstance(each, str) and each < str(value) for each in constants]
    return (value is None, number is None, is_text, *less, *before, *(equal(value, each) for each in constants))


@pytest.mark.parametrize("op", sorted(telling("equal", "order")))
def test_an_operator_that_tells_where_a_value_is_tells_nothing_else(op):
    """Values on the same side of all constants have the same answer, whatever they are: proofs rest on that."""
    operator = OPERATORS[op]
    for operand in CONSTANTS[operator.operand.__name__.removeprefix("_operand_")]:
        constants = operand if isinstance(operand, tuple) else (operand,)
        answers: dict[object, set[bool]] = {}
        for value in SOME_VALUES:
            same = side(value, constants)
            if operator.tells == "equal":  # which side makes no difference
                same = (value is None, *same[-len(constants) :])
            answers.setdefault(same, set()).add(operator.ask(value, operand, Sample({}, NOW)))
        assert all(len(found) == 1 for found in answers.values()), (operand, answers)


@pytest.mark.parametrize("op", sorted(telling("date")))
def test_an_operator_that_tells_of_a_date_is_false_for_anything_else(op):
    """And what has a date has an answer that changes with the date."""
    operator = OPERATORS[op]
    operand = "2026-07-01" if op in {"before", "after"} else "30 days"
    dates = ["2026-06-20", "2026-06-16", "2026-06-10", "2026-07-10"]
    others = [value for value in SOME_VALUES if not str(value).startswith("2026")]
    assert {operator.ask(value, operand, Sample({}, NOW)) for value in others} == {False}
    assert {operator.ask(value, operand, Sample({}, NOW)) for value in dates} == {True, False}


@pytest.mark.parametrize("op", sorted(OPERATORS))
def test_an_operator_that_reads_the_clock_is_one_that_the_clock_turns(op):
    """R37: a Wait for a condition is woken at the instants that `clock_turns` finds, for these operators alone."""
    values = ["2026-06-15", "2026-06-20", "2026-07-15", "2026-08-15"]
    operand = {"in": ("x",), "notIn": ("x",), "between": ("2026-06-16", "2026-07-16")}.get(op, "2026-07-01")
    if op in clock_turns._WITHIN:
        operand = "30 days"
    instants = [NOW + days * DAY for days in (0, 20, 60)]
    asked = [[OPERATORS[op].ask(value, operand, Sample({}, at)) for value in values] for at in instants]
    assert (asked[0] != asked[1] or asked[1] != asked[2]) is (op in clock_turns._WITHIN)


@pytest.mark.parametrize("op", sorted(POSITIVE))
@pytest.mark.parametrize("actual", [MISSING, None, [], {}, [None], True])
def test_missing_and_wrongly_typed_is_false(op, actual):
    """R61: every positive operator, with an operand that a value of the right type could satisfy."""
    assert ask(op, actual, POSITIVE[op][0][1]) is False


@pytest.mark.parametrize(
    ("actual", "answer"), [(MISSING, True), (None, True), ("", False), (0, False), (False, False), ([], False)]
)
def test_null_is_missing_or_null_and_nothing_else(actual, answer):
    """R61: an empty text, zero, false and an empty list are values."""
    assert ask("isNull", actual) is answer
    assert ask("isNotNull", actual) is not answer


@given(st.sampled_from(sorted(NEGATIONS)), st.data())
@pytest.mark.regex
def test_a_negation_is_exact(op, data):
    """R61: whatever the JSON value, missing included, the negated operator says the opposite of the positive one."""
    actual = data.draw(json_values | st.just(MISSING))
    expected = data.draw(operand_of[op])
    assert ask(op, actual, expected) is not ask(NEGATIONS[op], actual, expected)


@given(names, st.sampled_from(sorted(NEGATIONS.keys() - {"isNotNull", "notMatches"})), names, samples)
def test_a_negation_is_exact_also_between_fields(name, op, other, sample):
    """R59, R61: with `value_of`, and whatever stands in the other field."""
    assert holds(FieldRule(name, op, None, other), sample) is not holds(
        FieldRule(name, NEGATIONS[op], None, other), sample
    )


@given(json_values | st.just(MISSING), operands["ordered"], operands["ordered"])
def test_between_is_both_bounds(actual, lower, upper):
    """R60: from a lower to an upper bound, both included."""
    assert ask("between", actual, (lower, upper)) == (ask("gte", actual, lower) and ask("lte", actual, upper))


@given(json_values, operands["ordered"])
def test_values_that_can_be_ordered_are_less_equal_or_greater(actual, expected):
    """R62: exactly one of the three for two numbers (numeric text counts) or two texts, none for anything else."""
    answers = [
        ask("lt", actual, expected),
        ask("gt", actual, expected),
        ask("gte", actual, expected) and ask("lte", actual, expected),
    ]
    left, right = as_number(actual), as_number(expected)
    comparable = (left is not None and right is not None) or (isinstance(actual, str) and isinstance(expected, str))
    assert sum(answers) == comparable


@given(json_values, st.lists(operands["scalar"], min_size=1, max_size=4))
def test_in_is_equal_to_one_of_the_list(actual, members):
    """R60: `in` and `eq` agree."""
    assert ask("in", actual, members) == any(ask("eq", actual, member) for member in members)


# --- numbers ----------------------------------------------------------------------------------------------------------


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_and_its_text_are_equal_exactly(number):
    """R62: no rounding through floating point."""
    assert as_number(str(number)) == number
    assert equal(str(number), number)
    assert not equal(str(number), number + 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_and_its_text_are_equal(number):
    """R62: also in the form with an exponent that JSON writes."""
    assert equal(number, repr(number))
    assert equal(repr(number), number)
    assert not equal(repr(number), repr(number) + "0" if "." in repr(number) else repr(number) + ".0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+1",
        "1.",
        ".1",
        "1e",
        "1e+",
        "--1",
        "1 ",
        " 1",
        "1\n",
        "0x10",
        "1_000",
        "1,5",
        "inf",
        "nan",
        "NaN",
        "Infinity",
        "\u0661",
        "²",
        "1e999",
        "9" * 401,
    ],
)
def test_what_is_no_plain_decimal_number_is_text(text):
    """R62: -?digits[.digits][e..] and nothing else; nor what no double holds."""
    assert as_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-0.50", -0.5), ("007", 7), ("1E+2", 100.0), ("1.5e-1", 0.15)])
def test_plain_decimal_numbers(text, number):
    """R62: leading zeros, signs and exponents."""
    assert as_number(text) == number


@pytest.mark.parametrize("value", [None, True, False, [], {}, [1]])
def test_what_is_no_number(value):
    """R62: booleans are not numbers."""
    assert as_number(value) is None


@given(json_values, json_values)
def test_equality_is_symmetric_and_agrees_on_types(left, right):
    """R62: text with text is exact, booleans only with booleans, missing with nothing."""
    assert equal(left, right) == equal(right, left)
    if equal(left, right):
        assert isinstance(left, bool) == isinstance(right, bool)
        assert as_number(left) == as_number(right) is not None or left == right


# --- instants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["withinLast", "withinNext"])
@pytest.mark.parametrize("expected", [None, 5, "", "soon", "0 days", "-1 day", ["1 day"], True])
def test_within_a_length_that_is_none_is_false(op, expected):
    """R61: a field may hold anything."""
    rule = FieldRule("a", op, None, "b")
    assert not holds(rule, Sample({"a": "2026-06-15T12:00:00Z", "b": expected}, NOW))


@given(st.integers(FIRST, LAST), st.sampled_from(["1 day", "1 month", "36 hours"]), samples)
def test_within_last_is_the_calendar_of_moments(at, length, sample):
    """R33, R60: the length is counted back from the instant of the question in its zone."""
    rule = field("a").within_last(length)
    duration = Duration.parse(length)
    start = add(at, Duration(-duration.months, -duration.days, -duration.micros), sample.zone)
    text = f"{datetime(2026, 6, 15, 12, tzinfo=UTC).isoformat()}"
    assert holds(rule, Sample({"a": text}, at, sample.zone)) == (start <= NOW <= at)


def test_a_datetime_operand_is_kept_as_text():
    """R60: `before` and `after` take datetimes; a naive one is refused."""
    rule = field("a").after(datetime(2026, 6, 15, 14, tzinfo=PARIS))
    assert rule == FieldRule("a", "after", "2026-06-15T12:00:00+00:00")
    with pytest.raises(ValueError, match="value is the naive datetime"):
        field("a").after(datetime(2026, 6, 15))  # noqa: DTZ001 naive on purpose
