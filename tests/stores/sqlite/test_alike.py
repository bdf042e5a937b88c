"""Rows that are read by what they have in common are the rows that the file holds."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.stores.sqlite.alike import SAMPLE, Selection, rows_alike
from journeyflow.stores.sqlite.asking import SQLiteAsker, lookup

Row = tuple[Any, ...]

COLUMNS = ("number", "name", "at", "note", "flag")

TABLE = "CREATE TABLE t (number INTEGER PRIMARY KEY, name TEXT, at INTEGER, note TEXT, flag INTEGER) STRICT"

FIRST = Selection(COLUMNS, "FROM t WHERE number >= :least ORDER BY number LIMIT :limit OFFSET :behind")

EACH = lookup(COLUMNS, "t", "number")

MANY = 3 * SAMPLE


class Told:
    """How many rows a connection has returned."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Count from now on."""
        self.count = 0
        connection.row_factory = self._note

    def _note(self, _: sqlite3.Cursor, row: Row) -> Row:
        self.count += 1
        return row


def alike(count: int, first: int = 1) -> list[Row]:
    """Return rows that differ in their number alone."""
    return [(number, 'it\'s "so"', 2**62, None, 0) for number in range(first, first + count)]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open a database with a table."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute(TABLE)
        yield made


def fill(connection: sqlite3.Connection, rows: Sequence[Row]) -> SQLiteAsker:
    """Have these rows in the table, and no others."""
    connection.execute("DELETE FROM t")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    return SQLiteAsker(connection)


@pytest.mark.parametrize("count", [0, 1, SAMPLE - 1, SAMPLE, SAMPLE + 1, MANY])
def test_the_first_rows_come_in_order(connection: sqlite3.Connection, count: int) -> None:
    """Whatever their number, and that of the rows that are wanted."""
    rows = alike(count)
    asker = fill(connection, rows)
    for limit in (1, SAMPLE, SAMPLE + 1, MANY + 1):
        assert asker.first_alike(FIRST, limit, {"least": 1}) == rows[:limit]


@pytest.mark.parametrize("count", [1, SAMPLE, SAMPLE + 1, MANY])
@pytest.mark.parametrize("step", [1, 2], ids=["without a gap", "with gaps"])
def test_rows_by_number_come_in_order(connection: sqlite3.Connection, count: int, step: int) -> None:
    """By two numbers or by a list of them."""
    rows = alike(MANY)
    asker = fill(connection, rows)
    assert asker.of_alike(EACH, range(1, count + 1, step)) == rows[:count:step]


def test_none_are_asked_for(connection: sqlite3.Connection) -> None:
    """Nothing is asked about nobody."""
    assert fill(connection, alike(3)).of_alike(EACH, []) == []


def test_numbers_of_which_the_first_have_no_rows(connection: sqlite3.Connection) -> None:
    """A sample may be empty."""
    rows = alike(5, first=SAMPLE + 10)
    assert fill(connection, rows).of_alike(EACH, range(1, MANY)) == rows


def test_what_is_in_common_is_read_once(connection: sqlite3.Connection) -> None:
    """All rows after the sample are one row of lists."""
    asker, told = fill(connection, alike(MANY)), Told(connection)
    asker.first_alike(FIRST, MANY, {"least": 1})
    assert told.count == SAMPLE + 1


def test_rows_that_have_little_in_common_are_read_as_they_are(connection: sqlite3.Connection) -> None:
    """Lists would cost more than the rows."""
    rows = [(number, f"{number}", number, None, number) for number in range(MANY)]
    asker, told = fill(connection, rows), Told(connection)
    assert asker.first_alike(FIRST, MANY, {"least": 0}) == rows
    assert told.count == MANY


def test_rows_that_do_not_share_what_leads_are_read_as_they_are(connection: sqlite3.Connection) -> None:
    """The first of them may look alike in all else, as what one customer does one after the other."""
    rows = [(number, "first" if number <= SAMPLE else f"{number}", number, None, 0) for number in range(1, MANY)]
    asker = fill(connection, rows)
    led = Selection(COLUMNS, FIRST.source, lead="at")
    for question, count in ((led, len(rows)), (evolve(led, lead="note"), SAMPLE + 1)):
        told = Told(connection)
        assert asker.first_alike(question, MANY, {"least": 1}) == rows
        assert told.count == count


def test_a_row_that_differs_comes_whole_and_in_its_place(connection: sqlite3.Connection) -> None:
    """The sample is a guess."""
    rows = alike(MANY)
    rows[SAMPLE + 3] = (SAMPLE + 4, None, -5, 'a "note"\n', 0)
    rows[-1] = (MANY, 'it\'s "so"', 2**62, None, 1)
    asker = fill(connection, rows)
    assert asker.first_alike(FIRST, MANY, {"least": 1}) == rows
    assert asker.of_alike(EACH, range(1, MANY + 1)) == rows


VALUES = st.tuples(
    st.sampled_from(["", "a", 'é"\n\\', None]),
    st.sampled_from([0, 1, -(2**63)]),
    st.none() | st.text(),
    st.integers(0, 1),
)


@given(st.lists(VALUES, max_size=12), st.integers(1, 3), st.booleans())
def test_any_rows_are_those_that_the_table_holds(kinds: list[Row], sample: int, ascending: bool) -> None:
    """Whatever the sample."""
    rows = [(number, *kind) for number, kind in enumerate(kinds)]
    question = Selection(COLUMNS, f"FROM t ORDER BY number {'ASC' if ascending else 'DESC'}")
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TABLE)
        fill(connection, rows)
        expected = connection.execute(question.text).fetchall()
        if rows:
            assert rows_alike(connection, question, {}, expected[:sample]) == expected
