"""Large faulty files: reading them does an amount of work that grows with the file, not with its square."""

import json
import sys
from collections.abc import Callable
from functools import partial

import pytest

from journeyflow import InvalidInput, InvalidJourney
from journeyflow.errors import ERROR, Problem
from journeyflow.formats import loads_any, loads_policies
from journeyflow.formats.json_parts import ancestors
from journeyflow.formats.native_reading import _following

TRIGGER = {"id": "t", "type": "TRIGGER", "config": {"eventType": "go"}, "nextStepId": "s1"}


def native(steps: object) -> str:
    """Write a journey file."""
    return json.dumps({"format": 1, "id": "j", "trigger": {"event": "go"}, "steps": steps})


def loyalty(steps: list[object]) -> str:
    """Write a journey of the loyalty platform."""
    return json.dumps({"id": "j", "name": "n", "steps": [TRIGGER, *steps]})


def doubled(count: int) -> str:
    """Write a journey file with many keys twice."""
    return native([])[:-1] + "".join(f',"k{n}":1,"k{n}":2' for n in range(count)) + "}"


FILES: dict[str, Callable[[int], str]] = {
    "unknown targets": lambda n: native(
        [{"kind": "wait", "id": f"w{i}", "duration": "1 day", "next": f"x{i}"} for i in range(n)]
    ),
    "nulls": lambda n: native([None] * n),
    "objects without keys": lambda n: native([{}] * n),
    "durations": lambda n: native([{"kind": "wait", "id": f"w{i}", "duration": f"{i} dayz"} for i in range(n)]),
    "keys twice": doubled,
    "a long key around a list": lambda n: native(
        [{"kind": "send", "id": "s", "channel": "E", "template": "t", "data": {"k" * n * 50: [2**70] * n}}]
    ),
    "loyalty: one id": lambda n: loyalty([{"id": "s1", "type": "WAIT", "config": {"duration": "1 day"}}] * n),
    "loyalty: pointers": lambda n: loyalty(
        [{"id": f"s{i}", "type": "WAIT", "config": {"duration": "1 day"}, "nextStepId": f"x{i}"} for i in range(n)]
    ),
}  # fmt: skip


def work(read: Callable[[], object]) -> int:
    """Count the calls of functions of this package, and of comprehensions and generators among them."""
    count = 0

    def noted(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(noted)
    try:
        read()
    except (InvalidJourney, InvalidInput):
        pass
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", FILES)
def test_twice_the_file_is_twice_the_work(name):
    """Not four times: no fault is compared with all others."""
    small, large = (work(partial(loads_any, FILES[name](n))) for n in (200, 400))
    assert large < 2.5 * small + 10_000


def test_the_parts_around_a_part_are_few_whatever_dots_a_key_has():
    """A key of a file is not a path."""
    assert ancestors("steps[0].branches[1].when") == [
        "", "steps", "steps[0]", "steps[0].branches", "steps[0].branches[1]", "steps[0].branches[1].when",
    ]  # fmt: skip
    assert len(ancestors("." * 100_000)) < 1_000


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("steps[1].id", True),
        ("steps[1]", True),
        ("steps", True),
        ("", True),
        ("steps[10]", False),
        ("exits[0].when.all[0]", True),
    ],
)
def test_what_lies_in_or_around_an_unread_part_is_not_told_again(path, hidden):
    """A part that was cut short counts by its beginning."""
    follows = _following([Problem("type", ERROR, "steps[1]", "x"), Problem("depth", ERROR, "exits[0].when.al...", "x")])
    assert follows(Problem("id", ERROR, path, "x")) == hidden


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_deep_nesting_is_a_fault(text):
    """Never a RecursionError."""
    with pytest.raises(InvalidJourney, match="nested deeper than 256 levels"):
        loads_any(text)
    with pytest.raises(InvalidInput, match="nested deeper than 256 levels"):
        loads_policies(text)
