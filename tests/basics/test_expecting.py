"""Tests of what arguments have to be."""

from typing import Any

import pytest

from journeyflow.basics.expecting import expect, expect_between, expect_with, tuple_of

HALF: Any = 1.5


def test_what_is_right_passes():
    """None only where it is one of the types, or optional."""
    expect(int, type(None), seed=None, size=3)
    expect_with("append", "a list", record=[])
    expect_with("append", "a list", optional=True, record=None)
    expect_between(0, 9, indent=None, width=9)
    assert tuple_of(int, "numbers", "sizes", 3) == (3,)
    assert tuple_of((int, str), "numbers or words", "sizes", iter([1, "b"])) == (1, "b")


@pytest.mark.parametrize(
    ("check", "kind", "sentence"),
    [
        (lambda: expect(int, type(None), seed="7"), TypeError, "seed: expected int or None, not str '7'"),
        (lambda: expect_with("append", "a list", record=None), TypeError, "record: expected a list, not null"),
        (lambda: expect_between(0, 9, indent=10), ValueError, "indent: expected 0 to 9, not int 10"),
        (lambda: expect_between(0, 9, indent=HALF), TypeError, "indent: expected int or None, not float 1.5"),
        (lambda: tuple_of(int, "numbers", "sizes", None), TypeError, "sizes: expected numbers, not null"),
        (lambda: tuple_of(int, "numbers", "sizes", "12"), TypeError, "sizes: expected numbers, not str '12'"),
        (
            lambda: tuple_of(int, "numbers", "sizes", [1, "2"]),
            TypeError,
            "sizes: expected numbers, not str '2' (number 2 of them)",
        ),
    ],
)
def test_what_is_wrong_is_named(check, kind, sentence):
    """The name of the argument, what is expected, what came."""
    with pytest.raises(kind) as error:
        check()
    assert str(error.value) == sentence
