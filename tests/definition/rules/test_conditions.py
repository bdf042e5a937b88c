"""Rules: operators, combinations, what they read, how they are explained and refused (R59 to R63)."""

import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyflow.basics import patterns
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import FIRST, LAST, parse_instant
from journeyflow.basics.values import MAX_DEPTH
from journeyflow.definition.rules.asking import Sample, compile_rule, explain, holds
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule, all_of, any_of, field, not_
from journeyflow.definition.rules.operators import ALIASES, OPERATORS, as_number, equal
from journeyflow.definition.rules.parts import reads, walk
from journeyflow.definition.rules.paths import path_fault
from journeyflow.definition.rules.rule_checks import rule_problems

NOW = parse_instant("2026-06-15T12:00:00Z")
PARIS = ZoneInfo("Europe/Paris")
MISSING = object()

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
interesting = st.sampled_from(
    [
        "",
        "5",
        "5.0",
        "-5",
        "05",
        "1e3",
        " 5",
        "abc",
        "ABC",
        "true",
        "null",
        "2026-06-15",
        "2026-06-15T12:00:00Z",
        "30 days",
        "(",
        "a+",
    ]
)
scalars = (
    st.none() | st.booleans() | st.integers(-10, 10) | st.integers(-(2**63), 2**63 - 1) | interesting | texts
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
names = st.sampled_from(["a", "b", "c"])
operands = {
    "scalar": st.booleans() | st.integers(-10, 10) | st.floats(-10, 10) | interesting | texts,
    "ordered": st.integers(-10, 10) | st.floats(-10, 10) | interesting | texts,
}
operand_of = {
    **dict.fromkeys(["eq", "ne", "contains", "notContains"], operands["scalar"]),
    **dict.fromkeys(["gt", "gte", "lt", "lte"], operands["ordered"]),
    **dict.fromkeys(["in", "notIn"], st.lists(operands["scalar"], min_size=1, max_size=3)),
    **dict.fromkeys(["startsWith", "endsWith"], texts | interesting),
    **dict.fromkeys(["matches", "notMatches"], st.sampled_from(["a", "^$", "(?i)B+", "."])),
    **dict.fromkeys(["isNull", "isNotNull"], st.none()),
    "between": st.tuples(operands["ordered"], operands["ordered"]),
    **dict.fromkeys(["before", "after"], st.sampled_from(["2026-06-15", "2026-06-15T12:00:00Z", "1999-12-31T23:59"])),
    **dict.fromkeys(["withinLast", "withinNext"], st.sampled_from(["30 days", "1 month", "PT1S", "1000 years"])),
}
pairs = st.sampled_from(sorted(operand_of)).flatmap(lambda op: st.builds(FieldRule, names, st.just(op), operand_of[op]))
to_fields = st.builds(
    FieldRule,
    names,
    st.sampled_from(sorted(operand_of.keys() - {"isNull", "isNotNull", "matches", "notMatches"})),
    st.none(),
    names,
)
rules = st.recursive(
    pairs | to_fields,
    lambda inner: (
        st.builds(AllOf, st.lists(inner, max_size=3))
        | st.builds(AnyOf, st.lists(inner, max_size=3))
        | st.builds(NotRule, inner)
    ),
    max_leaves=8,
)
samples = st.builds(
    Sample,
    st.dictionaries(names, json_values),
    st.integers(FIRST, LAST) | st.just(NOW),
    st.sampled_from([ZoneInfo("UTC"), PARIS, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Kiritimati")]),
)


@frozen
class Recorder:
    """Facts that note which paths were asked for."""

    sample: Sample
    asked: set[str]
    at: int = NOW
    zone: ZoneInfo = PARIS

    def value(self, path):
        """Note the path, and answer."""
        self.asked.add(path)
        return self.sample.value(path)


def ask(op, actual, expected=None, *, at=NOW, zone=PARIS):
    """Ask one comparison about one value, which may be missing."""
    facts = {} if actual is MISSING else {"a": actual}
    return holds(FieldRule("a", op, expected), Sample(facts, at, zone))


def anything(value):
    """Pass a value of the wrong type where a checker of types would stop it."""
    return value


def problems(rule):
    """List the problems of a rule as (code, path, message)."""
    return [(problem.code, problem.path, problem.message) for problem in rule_problems(rule, "where")]


# --- truth tables -----------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("op", "actual", "expected", "answer"), [(op, *row) for op, rows in POSITIVE.items() for row in rows]
)
@pytest.mark.rows(78)
@pytest.mark.regex
def test_a_positive_operator_by_example(op, actual, expected, answer):
    """R60, R62: type by type, with the local date in Paris and the instant of the question at 14:00 there."""
    assert ask(op, actual, expected) is answer


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


# --- combinations -----------------------------------------------------------------------------------------------------


@given(rules, samples)
@pytest.mark.regex
def test_a_valid_rule_never_raises(rule, sample):
    """R61: any valid rule, any JSON facts, any instant and zone; nor does explaining it or writing it."""
    assert problems(rule) == []
    assert holds(rule, sample) in (True, False)
    assert explain(rule, sample)
    assert str(rule)


@given(st.lists(rules, max_size=3), samples)
@pytest.mark.rows(46, 77)
@pytest.mark.regex
def test_all_any_and_not_are_logic(parts, sample):
    """R60: true for all of none, false for any of none."""
    answers = [holds(part, sample) for part in parts]
    assert holds(all_of(*parts), sample) == all(answers)
    assert holds(any_of(*parts), sample) == any(answers)
    assert [holds(not_(part), sample) for part in parts] == [not answer for answer in answers]


@given(rules, rules, samples)
@pytest.mark.rows(46, 80)
@pytest.mark.regex
def test_rules_are_combined_with_operators_of_python(one, other, sample):
    """R60: `&`, `|` and `~`."""
    assert one & other == all_of(one, other)
    assert one | other == any_of(one, other)
    assert ~one == not_(one)
    assert holds(~(one & other), sample) == holds(~one | ~other, sample)


@given(rules, samples)
@pytest.mark.regex
def test_a_rule_reads_exactly_what_it_names(rule, sample):
    """R85: every part is asked, also where the answer is already clear, so that `explain` can tell all of it."""
    recorder = Recorder(sample, set())
    compile_rule(rule)(recorder)
    assert recorder.asked == reads(rule)


def test_no_rule_reads_nothing():
    """R59: a journey without criteria needs no attributes."""
    assert reads(None) == frozenset()
    assert list(walk(None)) == []
    assert list(rule_problems(None, "where")) == []


def test_a_rule_that_was_not_validated_yet_reads_what_it_can():
    """R13: a field that is no text is told by `rule_problems`, and read by nobody."""
    assert reads(FieldRule(anything(5), "eq", 1, anything(["b"])) & field("a").eq(1)) == {"a"}


# --- writing rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "op"),
    [
        ("eq", "eq"),
        ("ne", "ne"),
        ("gt", "gt"),
        ("gte", "gte"),
        ("lt", "lt"),
        ("lte", "lte"),
        ("in_", "in"),
        ("not_in", "notIn"),
        ("contains", "contains"),
        ("not_contains", "notContains"),
        ("starts_with", "startsWith"),
        ("ends_with", "endsWith"),
        ("matches", "matches"),
        ("not_matches", "notMatches"),
        ("before", "before"),
        ("after", "after"),
        ("within_last", "withinLast"),
        ("within_next", "withinNext"),
    ],
)
def test_a_field_has_a_method_for_every_operator(method, op):
    """R59, R60: with a value, or with another field."""
    assert getattr(field("a"), method)("x") == FieldRule("a", op, "x")
    assert getattr(field("a"), method)(field("b")) == FieldRule("a", op, None, "b")


def test_a_field_has_methods_for_the_operators_without_a_value():
    """R60: null, not null, between."""
    assert field("a").is_null() == FieldRule("a", "isNull")
    assert field("a").is_not_null() == FieldRule("a", "isNotNull")
    assert field("a").between(1, 2) == FieldRule("a", "between", (1, 2))


@pytest.mark.parametrize(
    ("alias", "op"),
    [
        ("equals", "eq"),
        ("doesn't equal", "ne"),
        ("contains", "contains"),
        ("doesn't contain", "notContains"),
        ("matches regex", "matches"),
        ("doesn't match regex", "notMatches"),
        ("greater than", "gt"),
        ("less than", "lt"),
        ("is set", "isNotNull"),
        ("is not set", "isNull"),
    ],
)
@pytest.mark.rows(43)
def test_the_ten_names_of_octeth_are_aliases(alias, op):
    """R60, F43: the rule is kept under our name."""
    assert FieldRule("a", alias).op == op
    assert ALIASES.get(alias, alias) == op


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (field("a").eq("x"), "a = 'x'"),
        (field("a").ne(5), "a is not 5"),
        (field("a").gte(1.5), "a >= 1.5"),
        (field("a").not_in(["x", 1]), "a not in ['x', 1]"),
        (field("a").not_contains("x"), "a not contains 'x'"),
        (field("a").not_matches("x"), "a not matches 'x'"),
        (field("a").starts_with("x"), "a starts with 'x'"),
        (field("a").is_null(), "a is null"),
        (field("a").is_not_null(), "a is not null"),
        (field("a").between(1, 2), "a between [1, 2]"),
        (field("a").gt(field("b")), "a > b"),
        (field("a").within_last("3 days"), "a within the last '3 days'"),
        (~(field("a").eq(1) & field("b").eq(2) | field("c").is_null()), "not ((a = 1 and b = 2) or c is null)"),
        (FieldRule("a", "like", 1), "a like ?"),
        (FieldRule("a", anything(["eq"]), 1), "a ['eq'] ?"),
    ],
)
def test_a_rule_is_written_in_words(rule, text):
    """R85: also one with an operator that does not exist."""
    assert str(rule) == text


@pytest.mark.parametrize(
    ("rule", "facts", "text"),
    [
        (field("a").eq("x"), {"a": "x"}, "a 'x' = 'x'"),
        (field("a").eq("x"), {"a": "y"}, "a 'y' is not 'x'"),
        (field("a").eq("x"), {}, "a (missing) is not 'x'"),
        (field("a").ne("x"), {"a": "x"}, "a 'x' = 'x'"),
        (field("a").ne("x"), {"a": "y"}, "a 'y' is not 'x'"),
        (field("a").gt(5), {"a": 4}, "a 4 not > 5"),
        (field("a").gte(5), {"a": "5"}, "a '5' >= 5"),
        (field("a").lt(5), {"a": 4}, "a 4 < 5"),
        (field("a").lte(5), {"a": 6}, "a 6 not <= 5"),
        (field("a").in_(["x"]), {"a": "x"}, "a 'x' in ['x']"),
        (field("a").not_in(["x"]), {"a": "y"}, "a 'y' not in ['x']"),
        (field("a").contains("x"), {"a": ["x"]}, "a ['x'] contains 'x'"),
        (field("a").contains("x"), {"a": ("y",)}, "a ['y'] not contains 'x'"),
        (field("a").not_contains("x"), {"a": "y"}, "a 'y' not contains 'x'"),
        (field("a").starts_with("x"), {"a": "xy"}, "a 'xy' starts with 'x'"),
        (field("a").ends_with("x"), {"a": "xy"}, "a 'xy' not ends with 'x'"),
        (field("a").matches("x+"), {"a": "xx"}, "a 'xx' matches 'x+'"),
        (field("a").not_matches("x+"), {"a": "y"}, "a 'y' not matches 'x+'"),
        (field("a").is_null(), {}, "a is null"),
        (field("a").is_null(), {"a": 1}, "a is not null"),
        (field("a").is_not_null(), {"a": 1}, "a is not null"),
        (field("a").between(1, 3), {"a": 2}, "a 2 between [1, 3]"),
        (field("a").before("2026-01-01"), {"a": "2025-01-01"}, "a '2025-01-01' before '2026-01-01'"),
        (field("a").after("2026-01-01"), {"a": "2025-01-01"}, "a '2025-01-01' not after '2026-01-01'"),
        (field("a").within_last("1 day"), {"a": "soon"}, "a 'soon' not within the last '1 day'"),
        (field("a").eq(field("b")), {"a": 1, "b": 2}, "a 1 is not b 2"),
        (field("a").gt(field("b")), {"a": 1}, "a 1 not > b (missing)"),
        (field("a").in_(field("b")), {"a": "x", "b": ["x"]}, "a 'x' in b ['x']"),
        (field("a").in_(field("b")), {"a": "x", "b": "x"}, "a 'x' not in b 'x'"),
    ],
)
@pytest.mark.regex
def test_an_explanation_says_how_a_comparison_came_out(rule, facts, text):
    """R85: the value found, the operator or its opposite, the value wanted."""
    assert explain(rule, Sample(facts, NOW)) == text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (field("a").eq(1) & field("b").eq(2), "a 1 = 1 and b 2 = 2"),
        (field("a").eq(1) & field("b").eq(3), "b 2 is not 3"),
        (field("a").eq(2) & field("b").eq(3), "a 1 is not 2; b 2 is not 3"),
        (field("a").eq(1) | field("b").eq(3), "a 1 = 1"),
        (field("a").eq(1) | field("b").eq(2), "a 1 = 1; b 2 = 2"),
        (field("a").eq(2) | field("b").eq(3), "a 1 is not 2 and b 2 is not 3"),
        (~field("a").eq(1), "a 1 = 1"),
        (~(field("a").eq(2) | field("b").eq(3)), "a 1 is not 2 and b 2 is not 3"),
        (all_of(), "no rules given"),
        (any_of(), "no rules given"),
    ],
)
def test_an_explanation_names_what_decided(rule, text):
    """R85: all of a true "all", what failed of a false one; what held of a true "any", all of a false one."""
    assert explain(rule, Sample({"a": 1, "b": 2})) == text


# --- problems -----------------------------------------------------------------------------------------------------

REFUSED_OPERANDS: dict[str, list[object]] = {
    **{op: [None, ["x"], {"x": 1}, []] for op in ["eq", "ne", "contains", "notContains"]},
    **{op: [None, True, ["x"], {}] for op in ["gt", "gte", "lt", "lte"]},
    **{op: [None, [], "x", {"x": 1}, ["x", None], [["x"]]] for op in ["in", "notIn"]},
    **{op: [None, 5, True, ["x"]] for op in ["startsWith", "endsWith"]},
    **{op: [None, 5, "(", "(?=x)", ["x"]] for op in ["matches", "notMatches"]},
    **{op: [True, 0, "", []] for op in ["isNull", "isNotNull"]},
    "between": [None, [1], [1, 2, 3], "12", [1, True], [None, 1]],
    **{op: [None, "soon", 5, ["2026-01-01"]] for op in ["before", "after"]},
    **{op: [None, "soon", 5, "0 days", "-1 day", ["1 day"]] for op in ["withinLast", "withinNext"]},
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (field("a").before(field("now")), True),
        (field("b").before(field("now")), False),
        (field("b").after(field("now")), False),
        (field("now").after("2026-06-15T11:59:59Z"), True),
        (field("now").between("2026-06-15", "2026-06-16"), True),
        (field("customer.now").eq("x"), True),
        (field("now").eq("x"), False),
    ],
)
def test_now_is_the_instant_of_the_question(rule, expected):
    """R59: as a field and as what another is compared with; an attribute of that name is customer.now."""
    values = {"a": "2026-06-15T11:59:59Z", "b": "2026-06-15T12:00:00Z", "now": "x", "customer.now": "x"}
    assert holds(rule, Sample(values, NOW, PARIS)) is expected


def test_now_is_shown_with_what_was_compared():
    """R85: a reason says at which instant the question was asked."""
    said = explain(field("a").before(field("now")), Sample({"a": "2026-06-16"}, NOW))
    assert said == "a '2026-06-16' not before now '2026-06-15T12:00:00.000000Z'"


@pytest.mark.parametrize(("op", "value"), [(op, value) for op, values in REFUSED_OPERANDS.items() for value in values])
def test_an_operand_of_the_wrong_type_is_a_problem(op, value):
    """R13, R60: one problem at the value, naming the operator."""
    ((code, path, message),) = problems(FieldRule("a", op, value))
    assert (code, path) == ("operand", "where.value")
    assert message.startswith(f"operator {op} ")


def test_every_operator_refuses_some_operands():
    """R13: the table above is complete."""
    assert REFUSED_OPERANDS.keys() == OPERATORS.keys()


@pytest.mark.parametrize("value", [float("nan"), 2**63, "\ud800", {"a": b""}])
def test_an_operand_that_cannot_be_kept_is_a_problem(value):
    """R13: whatever the operator, before its type is looked at."""
    ((code, path, _),) = problems(FieldRule("a", "eq", value))
    assert (code, path) == ("operand", "where.value")


def test_a_rule_far_too_deep_in_its_operand_is_a_problem():
    """B5: no exception, neither when it is made nor when it is checked."""
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    ((code, _, message),) = problems(FieldRule("a", "in", value))
    assert (code, message.endswith("nested deeper than 64 levels")) == ("operand", True)


def test_lists_are_shown_as_lists():
    """R13: a list is kept as a tuple, which is nobody's business."""
    ((_, _, message),) = problems(FieldRule("a", "gt", [1, (2,)]))
    assert message == "operator gt needs a number or text, not list [1, [2]]"


@pytest.mark.parametrize("of", [AllOf, AnyOf])
@pytest.mark.parametrize("parts", [5, "abc", b"", {"a": 1}, None])
def test_what_is_no_list_of_rules_is_one_bad_part(of, parts):
    """R13: nothing is raised while a rule is made; validation tells of it with everything else."""
    ((code, path, message),) = problems(of(parts))
    assert (code, path) == ("rule", f"where.{'all' if of is AllOf else 'any'}[0]")
    assert message.startswith("expected a rule such as")


def test_a_single_rule_is_a_list_of_one():
    """Joining one rule is that rule."""
    assert AllOf(field("a").eq(1)) == AllOf([field("a").eq(1)])  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("gteq", "unknown operator 'gteq' (did you mean 'gte'?)"),
        ("equal", "unknown operator 'equal' (did you mean 'equals'?)"),
        ("~~", f"unknown operator '~~'; known are {', '.join(OPERATORS)}"),
        (None, "unknown operator None"),
        (["eq"], "unknown operator ['eq']"),
    ],
)
def test_an_unknown_operator_is_a_problem_with_a_suggestion(op, message):
    """R13, R60."""
    ((code, path, found),) = problems(FieldRule("a", op, 1))
    assert (code, path) == ("operator", "where.op")
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("a", None),
        ("a.b-c.d e", None),
        (".".join("a" * MAX_DEPTH), None),
        ("", "path must not be empty"),
        (".a", "path '.a' has an empty name between dots"),
        ("a.", "path 'a.' has an empty name between dots"),
        ("a..b", "path 'a..b' has an empty name between dots"),
        ("a\x00", "path contains a NUL character"),
        (5, "path must be text, not int 5"),
        (None, "path must be text, not null"),
        ("a." * MAX_DEPTH + "a", f"path '{'a.' * 30}'... has more than 64 names"),
    ],
)
def test_a_path_is_names_joined_by_dots(path, fault):
    """R13, R59: bounded, because a change makes an object for each name."""
    assert path_fault(path) == fault


def test_problems_of_both_fields_and_the_value_are_told_at_once():
    """R13: all at once, each with its place; `value` and `value_of` exclude each other."""
    assert problems(FieldRule("", "eq", 5, "b..c")) == [
        ("field", "where.field", "the field path must not be empty"),
        ("field", "where.value_of", "the field path 'b..c' has an empty name between dots"),
        ("operand", "where.value_of", "operator eq: value and value_of exclude each other"),
    ]


@pytest.mark.parametrize("op", ["isNull", "isNotNull", "matches", "notMatches"])
def test_some_operators_take_no_field_to_compare_with(op):
    """R63: a pattern from a customer cannot be checked beforehand; null has nothing to compare with."""
    assert problems(FieldRule("a", op, None, "b")) == [
        ("operand", "where.value_of", f"operator {op}: takes no value_of")
    ]


def test_problems_of_a_nest_have_the_paths_of_a_journey_file():
    """R13: in the order in which the rule is written."""
    bad = FieldRule("", "eq", 1)
    rule = all_of(bad, any_of(field("a").eq(1), not_(bad)), anything("a = 1"), not_(anything(None)))
    assert [(code, path) for code, path, _ in problems(rule)] == [
        ("field", "where.all[0].field"),
        ("field", "where.all[1].any[1].not.field"),
        ("rule", "where.all[2]"),
        ("rule", "where.all[3].not"),
    ]
    assert problems("a = 1") == [("rule", "where", "expected a rule such as field('age').gte(18), not str 'a = 1'")]


@pytest.mark.parametrize("wrap", [not_, all_of, any_of])
def test_rules_nest_64_levels_deep(wrap):
    """R60: 64 pass and can be asked, 65 are refused; far more raise nothing."""
    rule = field("a").eq(1)
    for _ in range(MAX_DEPTH):
        rule = wrap(rule)
    assert problems(rule) == []
    assert holds(rule, Sample({"a": 1}))
    assert explain(rule, Sample({"a": 1})) == "a 1 = 1"
    rule = wrap(rule)
    assert problems(rule) == [("depth", "where...", "the rule is nested deeper than 64 levels")]
    for _ in range(5_000):
        rule = wrap(rule)
    assert [code for code, _, _ in problems(rule)] == ["depth"]
    assert reads(rule) == {"a"}


def test_a_pattern_is_refused_without_the_extra(monkeypatch):
    """R63: with the line to install; other operators work."""
    monkeypatch.setitem(sys.modules, "re2", None)
    patterns.searcher.cache_clear()  # what was compiled before stays usable
    ((code, path, message),) = problems(field("a").matches("x"))
    assert (code, path) == ("operand", "where.value")
    assert "pip install 'journeyflow[regex]'" in message
    assert problems(field("a").eq("x")) == []


@settings(max_examples=50)
@given(st.lists(pairs, min_size=1, max_size=3), samples)
def test_a_compiled_rule_can_be_asked_again(parts, sample):
    """R61: asking changes nothing."""
    question = compile_rule(all_of(*parts))
    assert question(sample) == question(sample) == holds(all_of(*parts), sample)
