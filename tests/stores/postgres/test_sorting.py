"""People are sorted by an attribute in one order by every store: numbers as numbers, then texts byte by byte."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, Event, Journey, MemoryStore, Send, Trigger
from journeyflow.basics.values import INTEGER_MAX
from journeyflow.stores.postgres import PostgresStore
from journeyflow.stores.sqlite import SQLiteStore
from tests.cases import cases

START = datetime(2026, 1, 5, tzinfo=UTC)

NAMES = [f"c{number:02}" for number in range(12)]

TEXTS = [
    "",
    "a",
    "B",
    "b",
    "é",
    "e\u0301",
    "Z",
    "_",
    "-",
    "10",
    "9",
    "\U0001f600",
    "\uffff",
    "\\u0000",
    '"',
    "true",
    "{}",
]

NUMBERS = [
    *(0, 1, -1, True, False, 0.1, 0.1 + 0.2, 0.3, 1.0, -0.0, 9, 10, 1e-300, 1e300, -1e300, 5e-324),
    *(2**53, 2**53 + 1, float(2**53), 2**60, float(2**60), 2**60 + 14, 2**60 - 1, INTEGER_MAX, -INTEGER_MAX, 2.0**63),
]

values = st.one_of(
    st.sampled_from([*TEXTS, *NUMBERS]),
    st.integers(-INTEGER_MAX, INTEGER_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
    st.none(),
    st.lists(st.sampled_from([1, 0.5, "x", None]), max_size=2),
    st.dictionaries(st.sampled_from(["x", "é"]), st.sampled_from([1, 0.5, "x"]), max_size=2),
)


@pytest.fixture(scope="module")
def engines(schemas):
    """Return an engine on each store, all with the same customers at a step."""
    with ExitStack() as opened:
        stores = MemoryStore(), SQLiteStore(":memory:"), PostgresStore(schemas.new())
        engines = [opened.enter_context(Engine(store)) for store in stores]
        for engine in engines:
            engine.deploy(Journey("j", trigger=Trigger("go"), steps=[Send("s", channel="SMS", template="t")]), at=START)
            engine.feed([Event("go", customer=name, at=START) for name in NAMES])
            engine.tick(START)
        yield engines


def paged(engine, **asked):
    """Return the names of everybody, who come in pages of five."""
    found, cursor = [], None
    while True:
        page = engine.people("j", "s", order="v", take=5, after=cursor, **asked)
        found += [each.customer for each in page.items]
        if (cursor := page.cursor) is None:
            return found


@cases(30)
@given(st.lists(values, min_size=len(NAMES), max_size=len(NAMES)))
@example(TEXTS[: len(NAMES)])
@example(TEXTS[-len(NAMES) :])
@example(NUMBERS[: len(NAMES)])
@example(NUMBERS[-len(NAMES) :])
@example([None, 1, "1", 1.5, "", [], {}, True, "true", 2, [1], {"x": 1}])
def test_all_stores_have_one_order(engines, drawn):
    """Of numbers, texts of any script, what is missing, lists and objects; also from page to page and backward."""
    told = {name: {"v": value} for name, value in zip(NAMES, drawn, strict=True)}
    found = []
    for engine in engines:
        now = max(START, engine.next_due() or START) + timedelta(seconds=1)
        engine.put_customers({name: dict(each) for name, each in told.items()}, at=now)
        engine.tick(now)
        found.append((paged(engine), paged(engine, descending=True)))
    assert found[0] == found[1] == found[2], told
    assert found[0][1] == found[0][0][::-1]


def test_numbers_are_sorted_as_numbers(engines):
    """Those with a point too, before every text; true is 1."""
    order = [-5, False, 0.5, True, 2, 10, 100.5, "", "10", "Z", "a", "é"]
    now = START + timedelta(days=1)
    for engine in engines:
        engine.put_customers({name: {"v": value} for name, value in zip(NAMES[::-1], order, strict=True)}, at=now)
        engine.tick(now)
        assert paged(engine) == NAMES[::-1]
