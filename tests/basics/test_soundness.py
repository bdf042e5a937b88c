"""Records that were read from a store: a field of another type than it is declared with is damage."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import pytest
from attrs import frozen

from journeyflow.basics.soundness import sound


@frozen
class Row:
    """A record with fields of each kind of declaration."""

    name: str
    count: int
    status: Literal["A", "B"]
    at: datetime | None = None
    data: Mapping[str, object] = {}
    anything: object = None


def test_a_record_of_its_types_is_returned():
    """Twice the same, since types that were sound once are remembered; a bool is a whole number."""
    row = Row("a", 1, "A", datetime(2026, 1, 1, tzinfo=UTC), {"b": b"c"}, b"d")
    assert sound(row) is row
    assert sound(row) is row
    assert sound(Row("a", count=True, status="A")).at is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": 7}, "name of Row is int, not str"),
        ({"count": ""}, "count of Row is str, not int"),
        ({"status": b"A"}, "status of Row is bytes, not str"),
        ({"at": 7}, "at of Row is int, not NoneType or datetime"),
        ({"count": None}, "count of Row is NoneType, not int"),
    ],
)
def test_another_type_is_told_with_its_field(wrong, words):
    """What is declared as an object may be anything."""
    fields = {"name": "a", "count": 1, "status": "A"} | wrong
    with pytest.raises(TypeError, match=words):
        sound(Row(**fields))


@frozen
class Alone:
    """A record with one field."""

    name: str


def test_a_record_of_one_field_is_looked_at_too():
    """As one of many."""
    assert sound(Alone("a")).name == "a"
    with pytest.raises(TypeError, match="name of Alone is int, not str"):
        sound(Alone(7))  # type: ignore[arg-type]  # that is the damage


def test_what_is_no_record_is_left_alone():
    """Tuples and texts have no fields."""
    assert (sound("a"), sound((1,))) == ("a", (1,))
