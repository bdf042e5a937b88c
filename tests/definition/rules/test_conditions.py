"""Rules: operators, combinations, what they read, how they are explained and refused (R59 to R63)."""

from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.moments import FIRST, LAST, parse_instant
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule, all_of, any_of, field, not_
from journeyflow.definition.rules.evaluation import Sample, compile_rule, explain_rule, holds
from journeyflow.definition.rules.operators import ALIASES
from journeyflow.definition.rules.rule_checks import rule_problems
from journeyflow.definition.rules.rule_parts import reads, walk

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


# --- combinations -----------------------------------------------------------------------------------------------------


@given(rules, samples)
@pytest.mark.regex
def test_a_valid_rule_never_raises(rule, sample):
    """R61: any valid rule, any JSON facts, any instant and zone; nor does explaining it or writing it."""
    assert problems(rule) == []
    assert holds(rule, sample) in (True, False)
    assert explain_rule(rule, sample)
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
    """R85: every part is asked, also where the answer is already clear, so that `explain_rule` can tell all of it."""
    recorder = Recorder(sample, set())
    compile_rule(rule)(recorder)
    assert recorder.asked == reads(rule)


def test_no_rule_reads_nothing():
    """R59: a journey without criteria needs no attributes."""
    assert reads(None) == frozenset()
    assert list(walk(None)) == []
    assert list(rule_problems(None, "where")) == []


def test_a_rule_that_was_not_validated_yet_reads_what_it_can():
    """R13: a field that is not text is told by `rule_problems`, and read by nobody."""
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
    assert explain_rule(rule, Sample(facts, NOW)) == text


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
    assert explain_rule(rule, Sample({"a": 1, "b": 2})) == text
