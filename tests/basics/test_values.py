"""What may be kept: JSON that both stores hold unchanged, and a sentence for everything else."""

import json
from collections.abc import ItemsView, Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.values import (
    INTEGER_MAX,
    INTEGER_MIN,
    MAX_DEPTH,
    MAX_ID,
    describe,
    dumps,
    freeze,
    id_fault,
    loads,
    loads_each,
    text_fault,
    thaw,
    value_faults,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(INTEGER_MIN, INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
good_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.binary(max_size=3)
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=10,
)


def nested(levels, make):
    """Nest an empty text into so many containers."""
    value = ""
    for _ in range(levels):
        value = make(value)
    return value


def same(left, right):
    """Tell whether two JSON values are equal, types included, so that 1, 1.0 and true differ."""
    return type(left) is type(right) and repr(left) == repr(right)


def parts(value):
    """Yield a value and everything inside it."""
    yield value
    if isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from parts(inner)


class Pairs(Mapping[str, object]):
    """A mapping that offers no more than the interface: its items cannot be reversed."""

    def __init__(self, **values):
        self.values_ = values

    def __getitem__(self, key):
        return self.values_[key]

    def __iter__(self):
        return iter(self.values_)

    def __len__(self):
        return len(self.values_)


@given(good_json)
def test_what_passes_is_read_back_equal(value):
    """Good JSON has no fault and survives the way to text and back, types included."""
    assert list(value_faults(value)) == []
    assert same(json.loads(dumps(value)), value)


@given(anything)
def test_whatever_has_no_fault_can_be_written_and_read_back(value):
    """Nothing that passes `value_faults` fails to be encoded as UTF-8 JSON, or changes on the way."""
    if not list(value_faults(value)):
        assert same(json.loads(dumps(thaw(value)).encode("utf-8")), thaw(value))


@given(anything)
def test_faults_are_sentences_that_can_be_shown(value):
    """A fault never holds what it complains about in a form that no terminal or log takes."""
    for fault in value_faults(value, "data"):
        assert fault.startswith("data")
        assert ": " in fault
        assert "\x00" not in fault
        fault.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (float("nan"), "v: nan is not a finite number"),
        (float("inf"), "v: inf is not a finite number"),
        (float("-inf"), "v: -inf is not a finite number"),
        (2**63, "v: the integer needs more than 64 bits"),
        (-(2**63) - 1, "v: the integer needs more than 64 bits"),
        ("a\x00b", "v: contains a NUL character"),
        ("a\ud800b", "v: contains a lone surrogate, which is not valid text (a file must be UTF-8)"),
        ("\udfff", "v: contains a lone surrogate, which is not valid text (a file must be UTF-8)"),
        ({1: 2}, "v: key must be text, not int 1"),
        ({None: 2}, "v: key must be text, not null"),
        ({"a\x00": 2}, "v: key str 'a\\x00' contains a NUL character"),
        (
            {"\ud800": 2},
            "v: key str '\\ud800' contains a lone surrogate, which is not valid text (a file must be UTF-8)",
        ),
        (b"x", "v: must be JSON (text, number, true, false, null, list or object), not bytes b'x'"),
        ({1, 2}, "v: must be JSON (text, number, true, false, null, list or object), not set {1, 2}"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_with_the_reason(value, sentence):
    """NaN, infinities, integers of more than 64 bits, broken text, keys that are not text, and what is not JSON."""
    assert list(value_faults(value, "v")) == [sentence]
    assert list(value_faults(value)) == [sentence.replace("v:", "value:", 1)]


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), 0, -0.0, 5e-324, 1.7976931348623157e308, "\ud7ff\ue000\U0010ffff"]
)
def test_the_ends_of_the_ranges_pass(value):
    """The largest and smallest integers and numbers, and the characters beside the surrogates, can be kept."""
    assert list(value_faults(value)) == []


def test_every_fault_is_told_with_its_path_in_the_order_of_the_value():
    """All faults at once; a path names objects by key and lists by position."""
    value = {"a": [1, float("nan"), {"b": "\x00"}], "c\x00": float("inf"), 3: (b"",), "d": {"e": [[2**64]]}}
    assert list(value_faults(value, "data")) == [
        "data: key str 'c\\x00' contains a NUL character",
        "data: key must be text, not int 3",
        "data.a[1]: nan is not a finite number",
        "data.a[2].b: contains a NUL character",
        "data.str 'c\\x00': inf is not a finite number",
        "data.int 3[0]: must be JSON (text, number, true, false, null, list or object), not bytes b''",
        "data.d.e[0][0]: the integer needs more than 64 bits",
    ]


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "objects"])
def test_nesting_has_a_bound(make):
    """64 levels pass, 65 do not; far more raise nothing."""
    assert list(value_faults(nested(MAX_DEPTH, make))) == []
    (fault,) = value_faults(nested(MAX_DEPTH + 1, make))
    assert fault.endswith("nested deeper than 64 levels")
    assert len(list(value_faults(nested(100_000, make)))) == 1


def test_a_list_inside_itself_is_refused():
    """A circle is deeper than any bound."""
    circle: list[object] = []
    circle.append(circle)
    assert [fault.partition("...: ")[2] for fault in value_faults(circle)] == ["nested deeper than 64 levels"]


def test_any_mapping_is_an_object():
    """Read-only mappings and those that only keep the interface are looked into and copied."""
    assert not isinstance(Pairs(a=1).items(), type({}.items()))
    assert isinstance(Pairs(a=1).items(), ItemsView)
    for make in (Pairs, lambda **values: MappingProxyType(values)):
        assert list(value_faults(make(a=make(b=2**64)))) == ["a.b: the integer needs more than 64 bits"]
        assert thaw(make(a=make(b=1))) == {"a": {"b": 1}}
        assert freeze(make(a=[make(b=[1])])) == {"a": ({"b": (1,)},)}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("c1", None),
        ("x" * MAX_ID, None),
        ("Zoë 北京", None),
        ("", "must not be empty"),
        ("x" * (MAX_ID + 1), "has 201 characters; at most 200 are allowed"),
        ("a\x1fb", "contains U+001F, which is reserved"),
        ("a\x00b", "contains a NUL character"),
        ("\udc80", "contains a lone surrogate, which is not valid text (a file must be UTF-8)"),
        (7, "must be text, not int 7"),
        (None, "must be text, not null"),
        (b"c1", "must be text, not bytes b'c1'"),
    ],
)
@pytest.mark.rows(2)
def test_ids_are_short_text(value, fault):
    """R38: 1 to 200 characters without U+001F, NUL or lone surrogates."""
    assert id_fault(value) == fault


@given(st.text(st.characters()))
def test_a_text_is_good_exactly_when_it_is_utf8_without_nul(text):
    """What `text_fault` lets pass is what can be encoded, but for NUL, which SQLite would cut at."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        good = False
    else:
        good = "\x00" not in text
    assert (text_fault(text) is None) == good


def test_describe_is_short_and_never_fails():
    """A value is shown with its type in one short line, whatever it is."""
    assert describe(None) == "null"
    assert describe("x") == "str 'x'"
    assert describe("x" * 58) == f"str '{'x' * 58}'"
    assert describe("x" * 59) == f"str '{'x' * 56}..."
    assert describe(2**200).startswith("int 16069380")
    assert describe(10**10_000) == "int (too large to show)"
    assert describe([10**10_000]) == "list (too large to show)"
    assert describe(nested(100_000, lambda inner: [inner])) == "list (too large to show)"


@given(good_json)
def test_freezing_and_thawing_keep_the_value(value):
    """A frozen value has no list in it and thaws to an equal one, which shares no container with it."""
    frozen = freeze(value)
    assert not any(isinstance(part, list) for part in parts(frozen))
    assert same(thaw(frozen), value)
    assert same(thaw(value), value)
    if isinstance(value, list | dict):
        assert thaw(value) is not value
        assert freeze(value) is not value


def test_freezing_leaves_nothing_that_grows():
    """Lists become tuples at every level."""
    assert freeze([{"a": [1, [2]]}, (3, [4])]) == ({"a": (1, (2,))}, (3, (4,)))


def test_freezing_something_far_too_deep_raises_nothing():
    """Rules and changes freeze before they are validated; validation then refuses what is too deep."""
    deep = freeze(nested(100_000, lambda inner: [inner]))
    assert len(list(value_faults(deep))) == 1


def test_json_text_is_compact_and_keeps_order_and_characters():
    """R90: one text per value; keys stay in their order; text outside ASCII stays readable."""
    assert dumps({"b": [1, 2.5, None, True], "a": {"ö": "北"}}) == '{"b":[1,2.5,null,true],"a":{"ö":"北"}}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(float("nan"))


@pytest.mark.parametrize("text", ["", " {}", "{} ", "{}{}", "nothing"])
def test_only_what_was_written_is_read(text):
    """Kept text is one JSON value and nothing around it."""
    with pytest.raises(ValueError, match="JSON"):
        loads(text)


@given(st.lists(good_json, max_size=8))
def test_many_texts_are_read_as_each_of_them(values):
    """R10: what is read at once is what would be read one by one."""
    texts = [dumps(value) for value in values]
    assert same(loads_each(texts), [loads(text) for text in texts])


@pytest.mark.parametrize("texts", [["1,2"], ['{"a":1},{}', "{}"], ["", "1"], ["[", "1]"], ['{"a"']])
def test_a_text_that_is_more_or_less_than_a_value_is_noticed(texts):
    """A value never ends up with another customer than its own."""
    with pytest.raises(ValueError, match=r"malformed JSON|Expecting"):
        loads_each(texts)
