"""Failing examples as Python that can be pasted, strategies by type, and reprs that stay short."""

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

import journeyflow
from journeyflow import Customer, Event, Journey, Policies, testing
from journeyflow.analysis import analyze
from journeyflow.testing import START, Life, Migrate, SetPolicies, as_code, journeys, lives, policies, run
from journeyflow.testing.as_python import imports
from journeyflow.testing.registering import register
from tests.testing.test_lives import ORDER

SOME = settings(
    max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
PASTED = {"timedelta": timedelta, **vars(testing)}
PASTED |= {name: getattr(journeyflow, name) for name in journeyflow.__all__}


def pasted(code):
    """Evaluate code where everything is imported that it may name."""
    return eval(code, dict(PASTED))  # noqa: S307 our own code


def equal(left, right):
    """Whether lives are equal; data, which is not compared by every value, included."""
    return left == right and repr(left.calls) == repr(right.calls)


@SOME
@given(journeys(), policies())
def test_journeys_and_policies_are_written_as_code(journey, bounds):
    """What the code evaluates to is equal, and it names nothing that hosts cannot import."""
    for value in (journey, bounds):
        code = as_code(value)
        assert pasted(code) == value
        exec(imports(code), {})  # noqa: S102 our own code
        assert "lambda" not in code
        assert "mappingproxy" not in code


@SOME
@given(st.tuples(journeys(), journeys()).flatmap(lambda two: lives(two[0], later=two[1:], policies=policies())))
def test_lives_are_written_as_code(life):
    """Every kind of call of a life is, versions to migrate to and policies included."""
    code = as_code(life)
    assert equal(pasted(code), life)
    assert code.count("\n") == len(life.calls) + 4
    for call in life.calls:
        if not isinstance(call, Migrate | SetPolicies):
            assert len(as_code(call)) < 500


def test_a_failing_example_is_printed_as_code():
    """Hypothesis prints a life in full as it is written, indented, and so the journeys and calls in a tuple."""

    @settings(SOME, print_blob=False, phases=[Phase.generate, Phase.shrink])
    @given(life=lives(ORDER))
    def nobody_enters(life):
        assert not run([ORDER], life).enrollments

    with pytest.raises(AssertionError) as caught:
        nobody_enters()
    (shown,) = [note for note in caught.value.__notes__ if "nobody_enters(" in note]
    code = shown[shown.index("life=Life(") + len("life=") : shown.rindex(",\n)")]
    assert run([ORDER], pasted(code)).enrollments
    event = Event("go", customer="c1", at=START, data={"a": 1})
    assert pretty((event,)) == '(Event("go", customer="c1", at=START, data={"a": 1}),)'
    assert pasted(pretty(ORDER)) == ORDER


def test_reprs_of_lives_and_of_what_came_of_them_are_short():
    """However many calls there are, and however many runs."""
    many = [Event("joined", customer=f"c{n}", at=START, data={"text": "x" * 100}) for n in range(500)]
    life = Life(many, START + timedelta(days=1))
    assert repr(life) == "Life(500 calls until 2026-01-02T00:00:00+00:00; see as_code)"
    assert repr(run([], life)) == f"Played(0 enrollments, 0 messages, 500 customers of {life!r})"


@pytest.mark.parametrize("kind", [Journey, Policies, Life, Event, Customer])
def test_strategies_are_found_by_type(kind):
    """`st.from_type` makes them, and `st.builds` and `@given(...)` by annotation."""
    register()
    drawn = find(st.from_type(kind), lambda _: True, settings=settings(SOME, phases=[Phase.generate]))
    assert isinstance(drawn, kind)


@pytest.mark.source
def test_hypothesis_finds_the_strategies_by_itself():
    """The entry point names the function that registers them."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["hypothesis"] == {"journeyflow": "journeyflow.testing.registering:register"}


def test_counterexamples_of_an_analysis_are_written_in_the_same_way():
    """Their code is that of the life, with the imports that it needs."""
    proof = analyze(ORDER).at_most(0)
    assert as_code(proof.counterexample) in proof.code
    assert proof.code.startswith(imports(proof.code))
