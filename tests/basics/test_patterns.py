"""Regular expressions of users: a linear-time engine, or a refusal that names the extra (R63)."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics import patterns
from journeyflow.errors import MissingExtra


@pytest.fixture
def without_the_extra(monkeypatch):
    """Hide the engine, as in an installation without the extra."""
    monkeypatch.setitem(sys.modules, "re2", None)
    patterns.searcher.cache_clear()
    yield
    patterns.searcher.cache_clear()


@pytest.mark.regex
def test_a_pattern_is_searched_for_anywhere():
    """R63: found, not matched as a whole; anchors and flags are the pattern's."""
    assert patterns.searcher("b+")("abbbc")
    assert not patterns.searcher("^b+$")("abbbc")
    assert patterns.searcher("(?i)ZOË")("zoë")
    assert patterns.searcher("^$")("")


@pytest.mark.regex
def test_the_engine_says_whether_it_is_there():
    """R63: with the extra."""
    assert patterns.available()


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_a_pattern_is_refused_with_the_line_to_install():
    """R63: never run on another engine."""
    assert not patterns.available()
    with pytest.raises(MissingExtra, match=r"pip install 'journeyflow\[regex\]'"):
        patterns.searcher("a")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)b", "invalid perl operator: (?="),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(", "missing ): ("),
        ("a{100000}", "invalid repetition size: {100000}"),
    ],
)
@pytest.mark.regex
def test_a_pattern_that_cannot_be_compiled_is_refused_with_the_reason(pattern, reason, capfd):
    """R63: look-around, back-references and mistakes; nothing is printed."""
    with pytest.raises(ValueError, match="cannot be used") as caught:
        patterns.searcher(pattern)
    assert reason in str(caught.value)
    assert repr(pattern) in str(caught.value)
    assert capfd.readouterr() == ("", "")


@given(st.text(st.characters(), max_size=12), st.text(st.characters(exclude_categories=["Cs"])))
@pytest.mark.regex
def test_any_pattern_is_a_search_or_a_value_error(pattern, text):
    """R61, R63: what compiles never raises on text."""
    try:
        found = patterns.searcher(pattern)
    except ValueError:
        return
    assert found(text) in (True, False)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(a|a?)+$"])
@pytest.mark.regex
def test_time_is_linear(pattern):
    """R63: patterns that take other engines years take milliseconds over a million letters."""
    search = patterns.searcher(pattern)
    started = time.process_time()
    search("a" * 1_000_000 + "!")
    assert time.process_time() - started < 2
