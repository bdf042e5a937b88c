"""What is wrong with a rule, all at once, and what now means in one (R13, R59, R60, R63)."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyflow.basics import patterns
from journeyflow.basics.values import MAX_DEPTH
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, all_of, any_of, field, not_
from journeyflow.definition.rules.evaluation import Sample, compile_rule, explain_rule, holds
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.definition.rules.rule_parts import reads
from journeyflow.definition.rules.value_paths import path_fault
from tests.definition.rules.test_conditions import NOW, PARIS, anything, pairs, problems, samples

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
    said = explain_rule(field("a").before(field("now")), Sample({"a": "2026-06-16"}, NOW))
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
    assert explain_rule(rule, Sample({"a": 1})) == "a 1 = 1"
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
