"""A customer's newest run of each journey and key, found in three ways: it depends on how much there is to look at."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.stores.sqlite.asking import SQLiteAsker
from journeyflow.stores.sqlite.loading import FEW, NEWEST_RUNS_SOUGHT, SHORT, _newest_runs

RUNS = """
CREATE TABLE enrollments (serial INTEGER PRIMARY KEY, customer, journey, key, run);
CREATE UNIQUE INDEX enrollments_by_customer ON enrollments (customer, journey, key, run);
"""

Histories = dict[tuple[int, int, str], int]
"""How many runs a customer had in a journey, under a key."""

histories = st.dictionaries(
    st.tuples(st.integers(1, FEW + 2), st.integers(1, 2), st.sampled_from(["", "a"])),
    st.integers(1, SHORT + 2),
    max_size=6,
)


def asked(histories: Histories, customers: set[int]) -> tuple[list[set[tuple[int, int]]], set[tuple[int, int]]]:
    """Return (customer, serial) of the newest runs as each way finds them, and as they are."""
    rows = [(*group, run) for group, count in histories.items() for run in range(1, count + 1)]
    newest = {
        (customer, serial)
        for serial, (customer, journey, key, run) in enumerate(rows, 1)
        if customer in customers and run == histories[customer, journey, key]
    }
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(RUNS)
        connection.executemany("INSERT INTO enrollments (customer, journey, key, run) VALUES (?, ?, ?, ?)", rows)
        asker = SQLiteAsker(connection)
        ways = [{*_newest_runs(asker, customers)}, {*asker.each_of(NEWEST_RUNS_SOUGHT, customers)}]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("journeyflow.stores.sqlite.loading.FEW", 0)
            return [*ways, {*_newest_runs(asker, customers)}], newest


@given(histories, st.sets(st.integers(1, FEW + 2)))
def test_each_way_finds_the_same_runs(histories: Histories, customers: set[int]):
    """What many and few customers are asked comes to the same, however long their histories are."""
    ways, expected = asked(histories, customers)
    assert ways == [expected] * 3


@pytest.mark.parametrize("runs", [SHORT, SHORT + 1])
def test_a_short_history_is_looked_through_and_a_long_one_is_not(runs: int):
    """One more run than that, and the newest is sought: none of them may be missing."""
    ways, expected = asked({(1, 1, ""): runs, (1, 2, ""): 1, (2, 1, "a"): 3}, {1, 2})
    assert ways == [expected] * 3
