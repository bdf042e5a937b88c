"""Damaged journey files: each is a journey or an invalid journey, and nothing else."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    InvalidJourney,
    Journey,
)
from journeyflow.formats.native import dumps_journey, to_dict
from journeyflow.formats.native_reading import from_dict, loads_journey
from tests.formats.test_native import (
    JOURNEYS,
    RULE,
    file,
    journeys,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every list and object with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def drop(_: Any, holder: Any, key: Any) -> None:
    """Take a part away."""
    del holder[key]


def rename(draw: Any, holder: Any, key: Any) -> None:
    """Give a part another name, or move it in its list."""
    part = holder.pop(key)
    if isinstance(holder, dict):
        holder[draw(KEYS)] = part
    else:
        holder.append(part)


def retype(draw: Any, holder: Any, key: Any) -> None:
    """Put something else in the place of a part."""
    holder[key] = copy.deepcopy(draw(OTHERS))


def double(draw: Any, holder: Any, key: Any) -> None:
    """Copy a part under another name, or once more into its list."""
    if isinstance(holder, dict):
        holder[draw(KEYS)] = copy.deepcopy(holder[key])
    else:
        holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[key]))


def wrap(draw: Any, holder: Any, key: Any) -> None:
    """Put a part into a list or an object, or take the first part out of it."""
    part = holder[key]
    inside = [part[inner] for inner in part] if isinstance(part, dict) else part if isinstance(part, list) else []
    holder[key] = draw(st.sampled_from([[part], {"not": part}, {"after": part}, *inside[:1]]))


KEYS = st.sampled_from(
    ["id", "next", "when", "all", "not", "op", "value", "value_of", "event", "arms", "kind", "x", ""]
)

OTHERS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 1.5, 10**30, float("nan"), "", "s0", "end", "3 days", "send", "restart", "enroll"]
) | st.sampled_from([[], {}, [[]], [None], {"a": 1}, RULE, {"all": []}, {"not": {}}, "\ud800", "{{ event.x }}", "a.b"])

MUTATIONS: list[Callable[[Any, Any, Any], None]] = [drop, rename, retype, double, wrap]


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """Draw a valid file and change one to four things in it; parts may be swapped too."""
    value = {"file": draw(st.sampled_from([to_dict(each) for each in JOURNEYS.values()]) | journeys().map(to_dict))}
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(value))[1:]
        if not found:
            break
        holder, key = draw(st.sampled_from(found))
        if draw(st.integers(0, 5)):
            draw(st.sampled_from(MUTATIONS))(draw, holder, key)
        else:
            other, place = draw(st.sampled_from(found))
            holder[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(holder[key])
    return value["file"]


def check(read: Callable[[], Journey]) -> None:
    """Read a file: a journey that can be written and read again, or an InvalidJourney that can be printed."""
    journey, found = None, "journey\n  - "
    try:
        journey = read()
    except InvalidJourney as error:
        found = str(error)
    assert "\n  - " in found
    assert found.encode()
    assert journey is None or loads_journey(dumps_journey(journey)) == journey


@given(mutants())
@pytest.mark.regex
def test_a_changed_file_is_a_journey_or_an_invalid_journey(value):
    """No file raises anything else, whatever was dropped, renamed, retyped, doubled, wrapped or swapped."""
    check(lambda: from_dict(value))
    check(lambda: loads_journey(json.dumps(value)))


@given(st.sampled_from([dumps_journey(each, indent=None) for each in JOURNEYS.values()]), st.data())
def test_a_damaged_text_is_a_journey_or_an_invalid_journey(text, data):
    """Characters lost, doubled or replaced."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = (
            text[:start]
            + data.draw(st.sampled_from(["", '"', "{", "]", ",", "0", "null", text[start:][:9]]))
            + text[start + length :]
        )
    check(lambda: loads_journey(text))


json_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(json_anything | st.builds(lambda extra: file(**extra), st.dictionaries(KEYS, json_anything, max_size=3)))
def test_any_json_is_a_journey_or_an_invalid_journey(value):
    """Also what never was a journey."""
    check(lambda: from_dict(value))
