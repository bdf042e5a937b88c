"""Whatever a host calls things stays text: as a path into JSON, a cell, a picture; nothing of it is read as syntax."""

import csv
import io
import re
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journeyflow import Condition, End, Engine, Event, Journey, MemoryStore, Send, Split, Trigger, arm, field
from journeyflow.basics.values import is_blank
from journeyflow.definition.pictures import dot, mermaid
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.formats.cells import FORMULAS, csv_text
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START

SYNTAX = "\\\"'`.$[]{}()<>|&;#%:*?@=+-/~^,! \t\n\r\x01\x0b\x1b\x7f\x85\u200b\u2028\u2029\ufeff\uff1d\U0001f600aé0"
"""Characters that mean something in one of the languages that texts are written into, and a few that do not."""

TEXTS = st.text(st.sampled_from(SYNTAX), min_size=1, max_size=8)

PLACES: dict[str, Callable[[], MemoryStore | SQLiteStore]] = {
    "memory": MemoryStore,
    "sqlite": partial(SQLiteStore, ":memory:", nonce="memory"),
}


@st.composite
def named_attributes(draw):
    """Draw a dotted name, and attributes that hold values under it in one of the ways in which a name is found."""
    parts = draw(st.lists(TEXTS, min_size=1, max_size=3))
    name = ".".join(parts)
    ways = [lambda value: {name: value}, lambda value: {parts[0]: value}]
    ways += [partial(_nested, parts[:cut], ".".join(parts[cut:])) for cut in range(1, len(parts))]
    values = st.one_of(st.integers(-9, 9), st.sampled_from(["", "a", '{"b": 1}', "[", "é"]))
    people = draw(st.lists(st.tuples(st.sampled_from(ways), values), min_size=2, max_size=5))
    return name, [way(value) for way, value in people]


def _nested(parts, last, value):
    """Put a value into objects in objects."""
    inner = {last: value}
    for part in reversed(parts):
        inner = {part: inner}
    return inner


def sort_key(value):
    """Order values as R84 does: numbers, then texts; a missing one is like an empty text."""
    value = "" if value is None else value
    return (isinstance(value, str), value.encode() if isinstance(value, str) else value)


@pytest.mark.parametrize("store", PLACES)
@given(case=named_attributes())
@example(case=("a\\b", [{"a\\b": 3}, {"a\\b": 1}, {"a\\b": 2}]))
@example(case=("a.b", [{"a.b": 3}, {"a": {"b": 1}}, {"a.b": 2, "a": {"b": 9}}]))
@example(case=("a\x01", [{"a\x01": 2}, {"a\x01": 1}]))
@example(case=('a"b', [{'a"b': 2}, {'a"b': 1}]))
@example(case=("a.b.c", [{"a": {"b.c": 2, "b": {"c": 9}}}, {"a": {"b": {"c": 1}}}]))
@example(case=("a.b", [{"a": '{"b": 9}'}, {"a": {"b": 1}}]))
def test_people_are_sorted_by_an_attribute_of_any_name(store, case):
    """What a rule reads under a name is what people are sorted by, whatever characters the name holds (R84)."""
    name, people = case
    if name in {"customer", "entered", "left", "stays"} or name.startswith("customer."):
        return
    with Engine(PLACES[store]()) as engine:
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[End("e")]), at=START)
        engine.put_customers({f"c{n}": attributes for n, attributes in enumerate(people)}, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(len(people)))
        engine.tick(START)
        found = [read_path(each, name) for each in people]
        values = [value if isinstance(value, str | int) else None for value in found]
        if any(isinstance(value, dict) for value in found):
            return
        wanted = [f"c{n}" for n in sorted(range(len(people)), key=lambda n: (sort_key(values[n]), n))]
        assert [each.customer for each in engine.people("j", "e", order=name)] == wanted


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_cell_is_one_cell_and_no_formula(rows):
    """Every cell is read back as it was, but for an apostrophe before what a spreadsheet might compute."""
    header, *found = csv.reader(io.StringIO(csv_text(["a", "b"], rows), newline=""))
    assert header == ["a", "b"]
    assert [[each.removeprefix("'") for each in line] for line in found] == [
        [each.removeprefix("'") for each in row] for row in rows
    ]
    assert not any(each.startswith(FORMULAS) for line in found for each in line)


def drawn(text):
    """Return a journey that has a text wherever a picture shows one."""
    rule = field("plan").eq(text)
    return Journey(
        id="j",
        trigger=Trigger("go", where=rule),
        steps=[
            Condition("c", rule, yes=[Split("s", arm(40, label=text), arm(60, label=text + "x"))]),
            Send("m", channel="EMAIL", template="t", name=text),
        ],
    )


LABELS = TEXTS.filter(lambda text: text == text.strip() and not is_blank(text))


@given(LABELS)
@example("&lt;b&gt;")
@example('"]; x [label="')
@example("\\")
def test_a_text_stays_inside_its_label_in_dot(text):
    """A line of the file is a statement, its label one quoted text, and what Graphviz shows is the text."""
    plain, made = dot(drawn("a")), dot(drawn(text))
    assert len(made.splitlines()) == len(plain.splitlines())
    line = re.compile(r'    \w+(?: -> \w+)?(?: \[label="((?:[^"\\]|\\["\\n])*)"(?:, shape=\w+)?\])?;')
    inner = [line.fullmatch(each) for each in made.splitlines()[1:-1]]
    assert all(inner)
    labels = [found[1] for found in inner if found is not None and found[1]]
    shown = [re.sub(r'\\(["\\])', r"\1", label.replace("\\n", "\0")).replace("&amp;", "&") for label in labels]
    named = "".join(" " if not each.isprintable() and each not in "\u200b\ufeff" else each for each in text)
    assert any(label.split("\0")[0] == named for label in shown)


@given(LABELS)
def test_a_text_stays_inside_its_label_in_mermaid(text):
    """No line more, no quotation mark, tag or bracket of its own; entities are read back as the text."""
    plain, made = mermaid(drawn("a")), mermaid(drawn(text))
    assert len(made.splitlines()) == len(plain.splitlines())
    label = re.compile(r'"([^"<>`]*(?:<br/>[^"<>`]*)?)"')
    labels = [found for each in made.splitlines() for found in label.findall(each)]
    assert len(labels) == len(label.findall(plain))
    assert label.sub("", made) == label.sub("", plain)
    shown = [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), each.split("<br/>")[0]) for each in labels]
    assert text in shown
