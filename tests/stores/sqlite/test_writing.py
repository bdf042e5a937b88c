"""Rows that are alike are written at once; what comes out is what writing them one by one gives."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Engine, Event, Journey, Trigger, Wait
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.statements import ROWS_AT_ONCE, Statement, adding, insert, update
from journeyflow.stores.sqlite.writing import ALIKE, Writer
from tests.samples import START

rests = st.tuples(st.sampled_from([None, 1, "x"]), st.sampled_from([0, 2.5]))
keys = st.one_of(
    st.integers(1, 200).map(lambda first: list(range(first, first + 20))),
    st.lists(st.integers(1, 200), unique=True, min_size=1, max_size=60),
    st.lists(
        st.tuples(st.integers(1, 200), st.integers(1, 20)), unique_by=lambda pair: pair[0], min_size=1, max_size=60
    ),
)
"""A number of its own for each new row, or that and another."""


@contextmanager
def opened(key: str) -> Iterator[sqlite3.Connection]:
    """Make a table with one key column or two."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"CREATE TABLE t (a, b, {key}, PRIMARY KEY ({key})) WITHOUT ROWID")
        yield connection


def write(connection: sqlite3.Connection, statement: Statement, rows, alike: int) -> tuple[int, list[str]]:
    """Write rows where `alike` of a kind are worth a statement; give the count and the statements.

    Every other group of neighbors that are alike comes as one, as crowds do.
    """
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    writer = Writer(connection, {}, {}, Kept(), lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("journeyflow.stores.sqlite.writing.ALIKE", alike)
        groups = [(rest, [key for _, key in each]) for rest, each in groupby(rows, itemgetter(0))]
        single = [(*rest, *(key if isinstance(key, tuple) else (key,))) for rest, each in groups[::2] for key in each]
        count = writer._add(statement, single, groups[1::2])
    connection.set_trace_callback(None)
    return count, statements


def flat(row) -> tuple[object, ...]:
    """Return values and their key as one row."""
    rest, key = row
    return (*rest, *key) if isinstance(key, tuple) else (*rest, key)


@given(st.data(), keys)
def test_writing_at_once_is_writing_one_by_one(data: st.DataObject, keys):
    """R90: rows in any mixture, added and then changed, whatever number is worth a statement."""
    key = "k, l" if isinstance(keys[0], tuple) else "k"
    added = [(data.draw(rests), each) for each in keys]
    changed = [(data.draw(rests), each) for each in data.draw(st.lists(st.sampled_from(keys), unique=True))]
    tables, column, usual = (
        [],
        data.draw(st.sampled_from(["", "a", "b"])),
        data.draw(st.sampled_from(["", "a", "a, b"])),
    )
    for alike in (1, 3, 10**9):
        with opened(key) as connection:
            inserted = insert("t", "a, b", key, alike=column, usual=usual)
            assert write(connection, inserted, added, alike)[0] == len(added)
            if key == "k, l":  # neighbours that nobody means: the first number is theirs too
                connection.execute("INSERT INTO t SELECT 'other', 0, k, l + 100 FROM t")
            updated = update("t", "a, b", key, alike=column, usual=usual)
            assert write(connection, updated, changed, alike)[0] == len(changed)
            tables.append(connection.execute(f"SELECT * FROM t ORDER BY {key}").fetchall())
    assert tables[0] == tables[1] == tables[2]
    found = {(row[2] if len(row) == 3 else row[2:]): row[:2] for row in tables[0] if row[0] != "other"}
    assert len(tables[0]) == len(keys) * (2 if key == "k, l" else 1)
    assert found == {each: rest for rest, each in (*added, *changed)}


@pytest.mark.parametrize("key", ["k", "k, l"])
def test_thousands_who_move_together_are_one_statement(key: str):
    """What is alike in all but its key is said once; a few are not worth it, and are one statement with own values."""
    many = [((1, "x"), n if key == "k" else (n, n)) for n in range(1, 5_001)]
    few = [((2, "y"), n if key == "k" else (n, n)) for n in range(6_000, 6_000 + ALIKE - 1)]
    with opened(key) as connection:
        count, statements = write(connection, insert("t", "a, b", key), many + few, ALIKE)
        assert count == len(many) + len(few)
        assert len(statements) == 2
        count, statements = write(connection, update("t", "a, b", key), [((3, None), each) for _, each in many], ALIKE)
        assert (count, len(statements)) == (5_000, 1)


@pytest.mark.parametrize("key", ["k", "k, l"])
@pytest.mark.parametrize("own", [(True, True), (True, False), (False, True)], ids=["both", "the first", "the second"])
def test_rows_with_own_values_are_written_several_at_once(key: str, own: tuple[bool, bool]):
    """What all of them have in common is given once; the last few are one statement more."""
    rows = [((n * own[0], f"{n * own[1]}"), n if key == "k" else (n, 7)) for n in range(1, 2 * ROWS_AT_ONCE + 6)]
    later = [((n * own[0], f"{n * own[1]} later"), each) for n, (_, each) in enumerate(rows, 10)]
    with opened(key) as connection:
        count, statements = write(connection, insert("t", "a, b", key), rows, 10**9)
        assert (count, len(statements)) == (len(rows), 3)
        assert connection.execute(f"SELECT * FROM t ORDER BY {key}").fetchall() == [*map(flat, rows)]
        count, statements = write(connection, update("t", "a, b", key), later, 10**9)
        assert (count, len(statements)) == (len(rows), 3)
        assert connection.execute(f"SELECT * FROM t ORDER BY {key}").fetchall() == [*map(flat, later)]


@pytest.mark.parametrize(("last", "bound"), [("x", 1 + 2 * 5), ("y", 3 * 5)], ids=["the same", "one differs"])
def test_few_rows_give_once_what_they_usually_have_in_common(last, bound):
    """Only where it is the same in all of them, and only in those columns: other choices are not statements."""
    rows, given = [*((7, "x", n) for n in range(4)), (7, last, 4)], []

    class Noting:
        def execute(self, text, values):
            given.append(len(values))
            return connection.execute(text, values)

    with opened("k") as connection:
        writer = Writer(Noting(), {}, {}, Kept(), lambda _: None)  # type: ignore[arg-type]  # all that is asked of it
        assert writer._write_each(adding("t", "a, b, k", usual="b"), rows) == len(rows)
        assert given == [bound]
        assert connection.execute("SELECT * FROM t ORDER BY k").fetchall() == rows


def test_rows_that_are_there_already_are_summed_up_several_at_once():
    """Counters of a batch are added to those that are kept."""
    each = adding("t", "k, a, b", "ON CONFLICT DO UPDATE SET a = a + excluded.a")
    rows = [(n, 3, n) for n in range(ROWS_AT_ONCE)]
    with opened("k") as connection:
        writer = Writer(connection, {}, {}, Kept(), lambda _: None)
        for _ in range(2):
            assert writer._write_each(each, rows) == len(rows)
        assert connection.execute("SELECT k, a, b FROM t ORDER BY k").fetchall() == [
            (n, 6, n) for n in range(ROWS_AT_ONCE)
        ]


@pytest.mark.parametrize("serials", [range(3, 13), [3, 5, *range(7, 15)]], ids=["a span", "a list"])
def test_what_belongs_to_runs_is_written_for_those_runs(serials):
    """Runs without a gap are named by the first and the last; the statement still counts those that are there."""
    news = [((1, 2), serial) for serial in serials]
    with opened("enrollment") as connection:
        connection.execute("CREATE TABLE enrollments (serial INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO enrollments VALUES (?)", [(serial,) for serial in range(20)])
        count, statements = write(connection, insert("t", "a, b", "enrollment"), news, ALIKE)
        assert (count, len(statements)) == (len(news), 1)
        assert connection.execute("SELECT * FROM t ORDER BY enrollment").fetchall() == [
            (1, 2, each) for each in serials
        ]
        connection.execute("DELETE FROM t")
        connection.execute("DELETE FROM enrollments WHERE serial = 7")
        count, _ = write(connection, insert("t", "a, b", "enrollment"), news, ALIKE)
        assert count == len(news) - isinstance(serials, range)  # a list is held to its runs by the foreign key


@pytest.mark.parametrize("pairs", [[(n, 50 - n) for n in range(9, 19)], [(n, n) for n in (*range(9), 20)]])
@pytest.mark.parametrize("turned", [False, True])
def test_new_rows_keep_whom_they_are_about(pairs, turned):
    """R20: whether their numbers have gaps or not, and in whatever order they come."""
    with opened("k, l") as connection:
        rows = [((1, 2), pair) for pair in (reversed(pairs) if turned else pairs)]
        assert write(connection, insert("t", "a, b", "k, l"), rows, ALIKE)[0] == len(pairs)
        assert connection.execute("SELECT k, l FROM t ORDER BY k").fetchall() == pairs


def test_what_is_not_there_is_not_counted():
    """The caller learns that an index named rows which its table does not have."""
    with opened("k") as connection:
        assert write(connection, update("t", "a, b", "k"), [((1, 2), n) for n in range(100)], ALIKE)[0] == 0
        assert write(connection, update("t", "a, b", "k"), [((n, 2), n) for n in range(100)], ALIKE)[0] == 0


def test_a_purge_deletes_from_no_table_that_only_the_file_names(tmp_path: Path) -> None:
    """The names of tables and columns in a file are not SQL: a table called `inputs --` does not empty the inputs."""
    path = tmp_path / "x.db"
    with Engine(path) as engine:
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", "1 day")]), at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START)
        engine.archive("j", at=START)
        with closing(sqlite3.connect(path)) as connection:
            for name in ("inputs --", "inputs WHERE 1 --", "a;b", '"', "customers"):
                quoted = name.replace('"', '""')
                connection.execute(f'CREATE TABLE IF NOT EXISTS "{quoted}" ("journey) OR 1 --" REFERENCES enrollments)')
        engine.purge("j")
        with engine.store.reader() as reader:
            assert reader.rows("SELECT count(*) FROM inputs") == [(1,)]
            assert reader.rows("SELECT count(*) FROM enrollments") == [(0,)]
