"""The JSON Schema of the native file: written from the code, and checked against the reader in both directions.

`python -m tests.formats.test_schema` writes the shipped file anew; its diff is then the change of the format.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

import journeyflow
from journeyflow import InvalidJourney, Journey, Wait
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.formats.native import to_dict
from journeyflow.formats.native_reading import from_dict
from journeyflow.formats.schema import _OPERANDS, BEYOND, dumps_schema, schema
from journeyflow.testing.strategies import journeys
from tests.cases import cases

pytestmark = pytest.mark.unmeasured

SHIPPED = Path(journeyflow.__file__).parent / "journey.schema.json"
ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").glob("*.json"), *(ROOT / "tests" / "golden").glob("*.json")])

STRUCTURAL = {
    "unknown-key",
    "missing",
    "type",
    "kind",
    "unsupported",
    "format",
    "condition",
    "trigger",
    "exit",
    "consent",
}
"""Codes of faults that lie in the structure alone: a schema finds every one of them."""


@cache
def validator() -> Draft202012Validator:
    """Give the validator of the shipped file."""
    return Draft202012Validator(json.loads(SHIPPED.read_text(encoding="ascii")))


def codes(value: object) -> set[str]:
    """Read a file, and give the codes of its faults."""
    try:
        from_dict(value)
    except InvalidJourney as error:
        return {problem.code for problem in error.problems}
    return set()


def load(path: Path) -> Any:
    """Parse a file."""
    return json.loads(path.read_text(encoding="utf-8"))


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_shipped_schema_is_the_one_of_the_code():
    """Whoever changes a definition changes the file with it."""
    assert SHIPPED.read_text(encoding="ascii") == dumps_schema()


def test_the_schema_is_a_schema():
    """It is sound by its own draft, and every name it refers to is there, and used."""
    Draft202012Validator.check_schema(schema())
    text = json.dumps(schema())
    assert {name for name in schema()["$defs"] if f'"#/$defs/{name}"' not in text} == set()
    assert "$ref" in text


def test_every_operand_is_described():
    """A new way to check an operand cannot be forgotten."""
    assert {operator.operand.__name__ for operator in OPERATORS.values()} == set(_OPERANDS)


def test_what_is_beyond_a_schema_is_not_structure():
    """Control: the two lists of codes that the tests below go by have nothing in common."""
    assert not STRUCTURAL & set(BEYOND)
    assert BEYOND.keys() & {"dangling", "zero-time-cycle", "percentage", "reference", "duplicate", "zone", "duration"}


# --- what the reader takes, the schema takes --------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_ours_are_valid(path):
    """Every example and every golden file."""
    assert codes(load(path)) == set()
    assert list(validator().iter_errors(load(path))) == []


def test_there_are_files_of_ours():
    """Control: they were found."""
    assert {path.stem for path in FILES} >= {"welcome", "every-option", "empty-draft"}


@given(journeys())
def test_what_is_written_is_valid(journey):
    """Any journey at all."""
    assert list(validator().iter_errors(to_dict(journey))) == []


SHORT: dict[str, Any] = {
    "format": 1,
    "id": "j",
    "trigger": {"event": "go", "manual": False},
    "steps": [
        {"kind": "condition", "id": "a", "when": {"all": []}, "yes": "c", "else": "end"},
        {"kind": "condition", "id": "b", "when": {"not": {"any": []}}, "no": "c", "next": "c"},
        {"kind": "wait", "id": "c", "until": {"weekdays": "SAT-SUN,MON"}},
        {"kind": "wait", "id": "d", "duration": "1 day 2 hours", "window": {"end": "24:00"}},
        {"kind": "wait", "id": "e", "duration": "P1DT2H30M", "window": {}},
        {"kind": "wait", "id": "f", "at": "2026-12-24T09:00:00+01:00"},
        {"kind": "split", "id": "g", "arms": [{"percentage": 100, "label": ""}]},
        {"kind": "end", "id": "end"},
    ],
    "exits": [{"name": "x", "event": "y", "where": {"field": "a", "op": "doesn't equal", "value_of": "b"}}],
    "reentry": {"after": " 1.5 Hours "},
    "reentry_key": "event.cart.id",
    "holdout": 12.5,
    "limits": {"per_hour": 0, "per_day": 5, "over": "drop"},
    "goal": {"event": "y", "within": "1 week"},
}


def test_other_ways_to_write_are_valid():
    """Short conditions, ranges of weekdays, ISO 8601, aliases of operators: what is never written is read as well."""
    assert codes(SHORT) == set()
    assert list(validator().iter_errors(SHORT)) == []


# --- what the reader refuses for its structure, the schema refuses ----------------------------------------------------


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List every place in a file, but for the free values of data and changes."""
    yield way
    if way and way[-1] in {"data", "value"}:
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*way, key))


def at(value: Any, way: tuple[Any, ...]) -> Any:
    """Go to a place."""
    for key in way:
        value = value[key]
    return value


Fault = tuple[tuple[Any, ...], Any]
"""A place, and what is put there; `...` takes away what is."""


def breakages(value: Any) -> Iterator[Fault]:
    """Break a file in every place: a key too many, each key away, each value of another type."""
    for way in places(value):
        here = at(value, way)
        if isinstance(here, dict):
            yield (*way, "nmae"), "x"
            yield from (((*way, key), ...) for key in here)
        if way:
            yield way, 7 if isinstance(here, str | list) else "?"


def confusions(value: Any) -> Iterator[Fault]:
    """Break a file in ways that are harder to see: keys of other objects, values of other kinds."""
    for way in places(value):
        if isinstance(at(value, way), dict):
            yield from (((*way, word), "a") for word in ("event", "when", "next", "duration", "value"))
            yield from (((*way, word), 10) for word in ("holdout", "reentry_key"))
        if way:
            others: tuple[Any, ...] = (7, True, "?", [], {}, {"x": "?"})
            yield from ((way, other) for other in others)
        if way and way[-1] == "kind":
            yield from ((way, word) for word in ("send", "wait", "condition", "split", "update", "end"))


def broken(value: Any, fault: Fault) -> Any:
    """Return a copy with a fault, which shares with the original all that is not on the way to the fault."""
    (first, *rest), new = fault
    copy = value.copy()
    if rest:
        copy[first] = broken(value[first], (tuple(rest), new))
    elif new is ...:
        del copy[first]
    else:
        copy[first] = new
    return copy


def beside(whole: Any) -> Draft202012Validator:
    """Return the validator for broken copies of a valid file: it passes over the steps, arms and rules they share."""
    lists = (each for way in places(whole) if isinstance(each := at(whole, way), list))
    known = {id(item) for each in lists for item in each if isinstance(item, dict)}

    def items(of: Any, given: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        others = [item for item in instance if id(item) not in known] if isinstance(instance, list) else instance
        yield from Draft202012Validator.VALIDATORS["items"](of, given, others, schema)

    found: Draft202012Validator = extend(Draft202012Validator, {"items": items})(validator().schema)
    return found


def agree(value: Any, checked: Draft202012Validator | None = None) -> bool:
    """Check that both say the same of a file, as far as a schema can; tell whether they refused it."""
    found, valid = codes(value), (checked or validator()).is_valid(value)
    assert not (valid and found - set(BEYOND)), f"the schema takes what is refused for {found}: {json.dumps(value)}"
    assert valid or found, f"the schema refuses what is read: {json.dumps(value)}"
    return not valid


EVERY = next(path for path in FILES if path.stem == "every-option")


@pytest.mark.parametrize("value", [load(EVERY), SHORT], ids=["written", "other"])
def test_broken_files_are_refused_by_both(value):
    """A file with one fault: what the reader refuses for its structure the schema refuses, and the other way round."""
    checked = beside(value)
    refused = [agree(broken(value, fault), checked) for fault in breakages(value)]
    assert sum(refused) > len(refused) / 2


@given(st.sampled_from([*map(load, FILES), SHORT]), st.data())
def test_confused_files_are_refused_by_both(value, data):
    """Any file of ours with one fault of the other kinds."""
    agree(broken(value, data.draw(st.sampled_from(list(confusions(value))))))


WAIT_VALUES = {
    "duration": "1 day", "until": {"time": "09:00"}, "at": "2026-01-05T08:00:00Z", "field": "birthday",
    "event": "paid", "when": {"field": "paid", "op": "eq", "value": True}, "every": "1 day",
}  # fmt: skip


@pytest.mark.parametrize("forms", [*combinations(sorted(WAIT_VALUES), 3)], ids="-".join)
def test_three_forms_of_a_wait_are_refused_by_both(forms):
    """An `every` goes with one other form, not with two (R32)."""
    wait = {"kind": "wait", "id": "w", **{form: WAIT_VALUES[form] for form in forms}}
    assert agree({"format": 1, "id": "j", "trigger": {"event": "go"}, "steps": [wait]})


@cases(50)
@given(journeys(), st.data())
def test_broken_journeys_are_refused_by_both(journey, data):
    """The same for any journey, with two faults."""
    value = to_dict(journey)
    for faults in (breakages, confusions):
        value = broken(value, data.draw(st.sampled_from(list(faults(value)))))
    agree(value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "type"),
        ([], "type"),
        ({}, "missing"),
        ({"format": 1, "id": "j", "steps": []}, "missing"),
        ({"format": 2, "id": "j", "trigger": {"event": "x"}, "steps": []}, "format"),
        ({"format": 1, "id": "j", "trigger": {}, "steps": []}, "trigger"),
        ({"format": 1, "id": "j", "trigger": {"manual": True, "event": "x"}, "steps": []}, "trigger"),
        ({"format": 1, "id": "j", "trigger": {"event": "x"}, "steps": [], "max_visits": 0}, "max-visits"),
        ({"format": 1, "id": "j", "trigger": {"event": "x"}, "steps": [], "exits": [{"name": "x"}]}, "exit"),
        ({"format": 1, "id": "j", "trigger": {"event": "x"}, "steps": [], "limits": {"per_week": 1}}, "unknown-key"),
    ],
)
def test_both_refuse(value, code):
    """The structure of the whole file."""
    assert code in codes(value)
    assert not validator().is_valid(value)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "wait", "id": "w"},
        {"kind": "wait", "id": "w", "duration": "1 day", "event": "x"},
        {"kind": "wait", "id": "w", "duration": "1 day", "offset": "1 day"},
        {"kind": "wait", "id": "w", "event": "x", "on_timeout": "w"},
        {"kind": "wait", "id": "w", "until": {}},
        {"kind": "wait", "id": "w", "until": {"time": "24:00"}},
        {"kind": "wait", "id": "w", "until": {"time": "9:00"}},
        {"kind": "wait", "id": "w", "until": {"weekdays": []}},
        {"kind": "wait", "id": "w", "field": "a..b"},
        {"kind": "wait", "id": "w", "field": "a", "every": "month"},
        {"kind": "wait", "id": "a.b", "duration": "1 day"},
        {"kind": "wait", "id": "holdout", "duration": "1 day"},
        {"kind": "wait", "id": "end", "duration": "1 day"},
        {"kind": "send", "id": "s", "channel": "A.B", "template": "t"},
        {"kind": "send", "id": "s", "channel": "A"},
        {"kind": "condition", "id": "c"},
        {"kind": "condition", "id": "c", "branches": []},
        {"kind": "condition", "id": "c", "branches": [{"when": {"all": []}}], "yes": "c"},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "gteq", "value": 1}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "eq"}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "eq", "value": 1, "value_of": "b"}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "isNull", "value": 1}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "matches", "value_of": "b"}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "between", "value": [1]}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "in", "value": []}},
        {"kind": "condition", "id": "c", "when": {"field": "a", "op": "gt", "value": True}},
        {"kind": "split", "id": "s", "arms": [{"percentage": 101}]},
        {"kind": "split", "id": "s", "arms": []},
        {"kind": "update", "id": "u", "changes": []},
        {"kind": "update", "id": "u", "changes": [{"field": "a", "action": "set"}]},
        {"kind": "update", "id": "u", "changes": [{"field": "a", "action": "unset", "value": 1}]},
        {"kind": "update", "id": "u", "changes": [{"field": "a", "action": "enroll", "value": "j"}]},
        {"kind": "end", "id": "e", "next": "e"},
    ],
    ids=str,
)
@pytest.mark.rows(54)
def test_both_refuse_a_step(step):
    """What a step needs, what excludes what, and which words there are."""
    value = {"format": 1, "id": "j", "trigger": {"event": "go"}, "steps": [step]}
    assert codes(value)
    assert not validator().is_valid(value)


# --- what the schema takes, the reader takes --------------------------------------------------------------------------

LIKELY: dict[str, tuple[Any, ...]] = {
    "stepId": ("a", "b", "c", "end"),
    "duration": ("30 minutes", "1 month", "P3DT12H", "-1 day"),
    "instant": ("2026-12-24T09:00:00+01:00", "2026-12-24"),
    "path": ("n", "event.n", "trigger.n", "message.a.opened", "a.b"),
    "weekdays": (["MON"], ["SAT", "SUN"], "MON-FRI"),
    "time": ("09:00", "23:59:59"),
    "endTime": ("09:00", "24:00"),
    "text": ("", "UTC", "Africa/Johannesburg", "{{ n }}", "2026-01-01", "{{ . }}"),
    "id": ("go", "message.sent"),
    "label": ("", "A", "no"),
    "channel": ("EMAIL",),
    "key": ("event.cart", "event.a.b"),
}
"""Texts of drawn files: few, so that they meet each other; all of them are valid."""

FREE = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.sampled_from((0, 1.5, "{{ n }}", "a")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)
OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "number": st.sampled_from((0, 1, 33.3, 50, 66.7, 99.999, 100)),
    "integer": st.integers(1, 9),
    "array": st.lists(FREE, max_size=2),
    "object": st.dictionaries(st.sampled_from("ab"), FREE, max_size=2),
    "string": st.sampled_from(LIKELY["text"]),
}
PARTS = schema()["$defs"]


@st.composite
def drawn(draw, part):
    """Draw what a part of the schema takes; hypothesis-jsonschema cannot follow rules into themselves."""
    return grown(draw, part)


def grown(draw: st.DrawFn, part: dict[str, Any]) -> Any:
    """Draw a value by the first word of the schema that says something."""
    return next(grow for word, grow in GROWN.items() if word in part)(draw, part)


def referred(draw: st.DrawFn, part: dict[str, Any]) -> Any:
    """Draw a part by its name; every second rule is a comparison at once, so that rules come to an end."""
    name = part["$ref"].rpartition("/")[2]
    name = "comparison" if name == "rule" and draw(st.booleans()) else name
    return draw(st.sampled_from(LIKELY[name])) if name in LIKELY else grown(draw, PARTS[name])


def listed(draw: st.DrawFn, part: dict[str, Any]) -> Any:
    """Draw a list."""
    count = draw(st.integers(part.get("minItems", 0), part.get("maxItems", 3)))
    return [grown(draw, part["items"]) for _ in range(count)]


def allowed(draw: st.DrawFn, part: dict[str, Any]) -> Any:
    """Draw an object, by one of the ways to choose among its keys: all that it needs, and some of the rest."""
    ways = part.get("oneOf", [{}])
    way = draw(st.sampled_from(ways))
    keys = part["properties"] | way.get("properties", {})
    needed = {*part.get("required", ()), *way.get("required", ())}
    others = {name for each in ways if each is not way for name in each["required"]}
    others |= {each["required"][-1] for each in way.get("not", {}).get("anyOf", ())}
    rest = [name for name in keys if name not in needed | others]
    chosen = needed | set(draw(st.lists(st.sampled_from(rest), unique=True, max_size=4)) if rest else ())
    chosen = chosen or set(rest[: part.get("minProperties", 0)])
    for name, needs in part.get("dependentRequired", {}).items():
        chosen -= set() if chosen.issuperset(needs) else {name}
    return {name: grown(draw, keys[name]) for name in keys if name in chosen}


GROWN: dict[str, Callable[[st.DrawFn, dict[str, Any]], Any]] = {
    "$ref": referred,
    "const": lambda _, part: part["const"],
    "enum": lambda draw, part: draw(st.sampled_from(part["enum"])),
    "properties": allowed,
    "allOf": lambda draw, _: draw(st.sampled_from("abc")),  # the id of a step that is not an End
    "prefixItems": lambda draw, part: [grown(draw, each) for each in part["prefixItems"]],
    "items": listed,
    "anyOf": lambda draw, part: grown(draw, draw(st.sampled_from(part["anyOf"]))),
    "oneOf": lambda draw, part: grown(draw, draw(st.sampled_from(part["oneOf"]))),
    "type": lambda draw, part: draw(st.one_of([OF_TYPE[of] for of in types(part["type"])])),
}
"""How a value is drawn, by the word of the schema that tells."""


def types(of: Any) -> list[str]:
    """Give one type or several as a list."""
    return of if isinstance(of, list) else [of]


@pytest.mark.parametrize("name", LIKELY)
def test_likely_texts_are_valid_texts(name):
    """Control: nothing is drawn that the schema would refuse."""
    part = {"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]}
    assert all(Draft202012Validator(part).is_valid(text) for text in LIKELY[name])


@cases(150)
@given(drawn(schema()))
def test_drawn_files_are_read_or_refused_beyond_the_schema(value):
    """Whatever the schema takes is read, or refused for a reason that it cannot say."""
    assert validator().is_valid(value)
    assert codes(value) <= set(BEYOND)


def test_reasons_beyond_the_schema_are_real():
    """Control: a valid file may be refused, for its graph, its numbers, its names, its zone."""
    steps = [
        {"kind": "split", "id": "a", "arms": [{"percentage": 40, "next": "b"}]},
        {"kind": "update", "id": "a", "changes": [{"field": "n", "action": "set", "value": 2**70}]},
        {"kind": "send", "id": "c", "channel": "E", "template": "t", "data": {"x": "{{ a..b }}"}},
        {"kind": "wait", "id": "d", "duration": "3 dayz"},
        {"kind": "wait", "id": "e", "at": "soon", "window": {"start": "09:00", "end": "09:00"}},
        {"kind": "condition", "id": "f", "when": {"field": "message.x.opened", "op": "before", "value": "soon"}},
    ]
    value = {"format": 1, "id": "j", "trigger": {"event": "go"}, "timezone": "Mars", "steps": steps}
    assert validator().is_valid(value)
    assert codes(value) == {"percentage", "dangling", "duplicate", "value", "template", "duration", "time", "window",
                            "reference", "operand", "zone"}  # fmt: skip
    loop = {**value, "timezone": "UTC", "steps": [{"kind": "update", "id": "a", "next": "a", "changes": [
        {"field": "n", "action": "set", "value": 1}]}]}  # fmt: skip
    assert validator().is_valid(loop)
    assert codes(loop) == {"zero-time-cycle"}


def test_a_journey_written_by_hand_is_valid():
    """Control: the schema is of the native file, and looks into it."""
    written = to_dict(Journey(id="j", steps=[Wait("w", "1 day")]))
    assert validator().is_valid(written)
    written["steps"][0]["duratoin"] = written["steps"][0].pop("duration")
    assert not validator().is_valid(written)


if __name__ == "__main__":
    SHIPPED.write_text(dumps_schema(), encoding="ascii")
