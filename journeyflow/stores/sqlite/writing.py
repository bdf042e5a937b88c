"""Writing a commit to SQLite: one statement per kind of row, and one for all rows that differ in their key alone.

People who rest until the same instant, or were reported together, move together: what is written about them is alike in
all but whom it is about. Such rows are written set-wise, their keys as one JSON list; SQLite is then given the rest
once, and not once for each of thousands. Rows that have too few like them are written one by one.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from journeyflow.basics.values import dumps, loads
from journeyflow.basics.words import SET_ASIDE
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.records.rows import Input, Move, PathEntry, Run, last_visit, version_at
from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.rows import (
    MAX_INTERNED,
    MAX_PATHS,
    Row,
    changed_post,
    changed_run,
    new_post,
    new_run,
    text_or_none,
    unnumbered_input,
)
from journeyflow.stores.sqlite.erasing import forget, rename
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.limits import write_limits
from journeyflow.stores.sqlite.opening import references
from journeyflow.stores.sqlite.pruning import prune
from journeyflow.stores.sqlite.pulls import write_pulls
from journeyflow.stores.sqlite.statements import (
    COUNTERS,
    CUSTOMERS,
    EXPORT,
    HANDLED,
    MOVES,
    NEW_CUSTOMERS,
    NEW_INPUTS,
    NEW_POSTS,
    NEW_RUNS,
    NEWS,
    NUMBERED_INPUTS,
    OPENINGS,
    PIN,
    POSTS,
    REOPEN,
    ROWS_AT_ONCE,
    RUNS,
    TICKED,
    Common,
    Each,
    Statement,
)

ALIKE: Final = 8
"""So many rows that differ in their key alone are worth a statement of their own."""

SHARING: Final = 2
"""Rows are compared with one another if this many, on average, have the same instant: others are hardly alike."""

Paths = dict[int, dict[tuple[PathEntry, ...], int]]
"""The numbers of interned paths, by version."""

RowKey = int | tuple[int, int]

RowsAbout = tuple[Row, Sequence[RowKey]]
"""What is written about many, and whom it is about: of each a number, or two. A row about one ends with that key."""


class Writer:
    """Writes what a commit says through the connection of a transaction.

    `known` are interned paths, `added` takes those of this transaction. `kept` knows the numbers that new rows get.
    `expect` is called with whether the rows that were to change were there.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        known: Paths,
        added: Paths,
        kept: Kept,
        expect: Callable[[bool], None],
    ) -> None:
        """Write through a connection."""
        self._connection, self._known, self._added, self._expect = connection, known, added, expect
        self._kept = kept

    def write(self, changes: Changes) -> None:
        """Write everything a batch came to."""
        if changes.catalog:
            _write_catalog(self._connection, changes.catalog)
        if changes.erased.forgotten:
            rename(self._connection, changes.erased.forgotten)
        self._write_outcomes(self._write_inputs(changes.inputs, changes.handled))
        if changes.customers:
            self._write_customers(changes)
        news = [((dumps(each.news),), [*each.people.values()]) for each in changes.crowds if each.news]
        self._write(NEWS, [], news)
        self._write_runs(changes)
        self._each(PIN, [(version, serial) for serial, version in changes.repinned])
        self._write_moves(changes)
        alike = [(new_post(post)[:-1], [*crowd.people]) for crowd in changes.crowds for post in crowd.posts]
        self._write(NEW_POSTS, [*map(new_post, changes.new_posts)], alike)
        self._write(POSTS, [*map(changed_post, changes.posts)])
        if changes.refusals:
            _write_refusals(self._connection, changes)
        self._write_each(COUNTERS, changes.counters)
        if changes.released:
            self._write_releases(changes.released)
        if changes.limits:
            write_limits(self._connection, changes.limits)
        if changes.pulls or changes.limits.emptied:
            write_pulls(self._connection, changes.pulls, changes.limits.emptied)
        self._each(EXPORT, changes.exports)
        self._each(REOPEN, [(seq, SET_ASIDE) for seq in changes.reopened])
        self._each(TICKED, [] if changes.last_tick is None else [(LAST_TICK, str(changes.last_tick))])
        if changes.erased:
            forget(self._connection, changes.erased)
        if changes.pruned:
            self._write_each(OPENINGS, changes.pruned.openings)
            prune(self._connection, changes.pruned)
        self._kept.wrote(changes)

    def _each(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of some rows; SQLite is not asked about none."""
        if rows:
            self._connection.executemany(statement, rows)

    def _write_inputs(self, inputs: Sequence[Input], handled: Sequence[tuple[int, str]]) -> Iterable[tuple[int, str]]:
        """Write new inputs; what has its number comes with its outcome. Return the outcomes of all other inputs."""
        if not inputs:
            return handled
        if not inputs[0].seq:
            self._write_each(NEW_INPUTS, [*map(unnumbered_input, inputs)])
            return handled
        outcomes = dict(handled)
        rows = [(outcomes.pop(item.seq, None), *item) for item in inputs]
        self._write_each(NUMBERED_INPUTS, rows)
        return outcomes.items()

    def _write_releases(self, released: Sequence[tuple[int, int]]) -> None:
        """Set the instant of what a pause held (R16)."""
        rows = [(at, journey) for journey, at in released]
        self._connection.executemany(
            "UPDATE enrollments SET due = max(?, held) WHERE journey = ? AND held IS NOT NULL AND due IS NULL", rows
        )
        self._connection.executemany("UPDATE journey_timers SET due = ? WHERE journey = ? AND due IS NULL", rows)

    # --- rows that are alike --------------------------------------------------------------------------------------

    def _add(self, statement: Statement, rows: Sequence[Row], of_many: Iterable[RowsAbout]) -> int:
        """Write rows, those that are alike in all but their key at once; return how many were written."""
        alike: defaultdict[Row, list[RowKey]] = defaultdict(list)
        for rest, keys in of_many:
            alike[rest] += keys
        single = [*rows]
        if SHARING * len({row[statement.place] for row in rows}) <= len(rows):
            width, single = statement.width, []
            for row in rows:
                alike[row[:-width]].append(row[-1] if width == 1 else row[-width:])
        count = 0
        for rest, keys in alike.items():
            if len(keys) >= ALIKE:
                count += self._connection.execute(*_at_once(statement, rest, keys)).rowcount
            else:
                single += [(*rest, *key) if isinstance(key, tuple) else (*rest, key) for key in keys]
        return count + self._write_each(statement.each, single, statement.width)

    def _write_each(self, each: Each, rows: Sequence[Row], width: int = 1) -> int:
        """Write rows with own values; return how many were written. The last `width` columns are the key."""
        end = len(rows) - len(rows) % ROWS_AT_ONCE
        count, rest = 0, rows[end:]
        if end:
            columns = [*zip(*rows, strict=True)][:-width]
            common = tuple([place for place, values in enumerate(columns) if _are_same(values)])
            count = self._write_in_parts(each, rows[:end], ROWS_AT_ONCE, common)
        if rest:
            usual = len(rest) > 1 and bool(each.usual) and _are_same([*map(itemgetter(*each.usual), rest)])
            count += self._write_in_parts(each, rest, len(rest), each.usual if usual else ())
        return count

    def _write_in_parts(self, each: Each, rows: Sequence[Row], size: int, common: Common) -> int:
        """Write rows, `size` at a time, with the same values in some columns; return how many were written."""
        shared, count = [rows[0][place] for place in common], 0
        statement, own = each(size, common), rows
        if common:
            own = [*map(_picked([n for n in range(len(rows[0])) if n not in common]), rows)]
        for n in range(0, len(own), size):
            count += self._connection.execute(statement, [*shared, *chain.from_iterable(own[n : n + size])]).rowcount
        return count

    def _write(self, statement: Statement, rows: Sequence[Row], of_many: Sequence[RowsAbout] = ()) -> None:
        """Write rows, each of which has to come about: what is changed, or belongs to a run, is known to be there."""
        if not rows and not of_many:
            return
        if not of_many and len(rows) < ALIKE:  # too few for a statement of their own
            self._expect(self._write_each(statement.each, rows, statement.width) == len(rows))
            return
        expected = len(rows) + sum(len(keys) for _, keys in of_many)
        self._expect(self._add(statement, rows, of_many) == expected)

    # --- kinds of rows --------------------------------------------------------------------------------------------

    def _write_outcomes(self, handled: Iterable[tuple[int, str]]) -> None:
        by_outcome: defaultdict[str, list[RowKey]] = defaultdict(list)
        for seq, outcome in handled:
            by_outcome[outcome].append(seq)
        self._write(HANDLED, [], [((outcome,), seqs) for outcome, seqs in by_outcome.items()])

    def _write_customers(self, changes: Changes) -> None:
        first_new = self._kept.following("customers")
        new = [(number, *who, dumps(values)) for number, *who, values in changes.customers if number >= first_new]
        self._write_each(NEW_CUSTOMERS, new)
        # of those who were there hardly two are alike
        known = [(dumps(values), number) for number, _, _, values in changes.customers if number < first_new]
        if known:
            self._expect(self._write_each(CUSTOMERS.each, known) == len(known))

    def _write_runs(self, changes: Changes) -> None:
        if not changes.runs and not changes.crowds:
            return
        first_new = self._kept.following("enrollments")
        new = [new_run(run) for run in changes.runs if run.serial >= first_new]
        known = [changed_run(run) for run in changes.runs if run.serial < first_new]
        crowds = changes.crowds
        entering = [(new_run(crowd.run)[:-2], [*crowd.people.items()]) for crowd in crowds if crowd.entering]
        moving = [(changed_run(crowd.run)[:-1], [*crowd.people]) for crowd in crowds if not crowd.entering]
        self._write(NEW_RUNS, new, entering)
        self._write(RUNS, known, moving)

    def _write_moves(self, changes: Changes) -> None:
        runs = {run.serial: run for run in changes.runs}
        interned: defaultdict[int, dict[tuple[PathEntry, ...], int]] = defaultdict(dict)

        def written(move: Move, run: Run) -> Row:
            serial, visit, at, path, seen = move
            version = run.version if run.memory is None else version_at(run, last_visit(move))
            number = interned[version].get(path)
            if number is None and (number := self._intern(version, path)) is not None:
                interned[version][path] = number
            return visit, at, number, dumps(path) if number is None else None, text_or_none(seen), serial

        alike = [(written(crowd.move, crowd.run)[:-1], [*crowd.people]) for crowd in changes.crowds]
        self._write(MOVES, [written(move, runs[move.serial]) for move in changes.moves], alike)

    def _intern(self, version: int, path: tuple[PathEntry, ...]) -> int | None:
        """Return the number of a path of a version, stored if it is new; None for a path that is not interned."""
        known, added = self._known.get(version, {}), self._added.setdefault(version, {})
        number = known.get(path, added.get(path))
        if number is not None or len(path) > MAX_INTERNED or len(known) + len(added) >= MAX_PATHS:
            return number
        text = dumps(path)
        found = self._ask("SELECT number FROM paths WHERE version = ? AND steps = ?", (version, text))
        if found:
            number = int(found[0][0])
        elif self._ask("SELECT count(*) FROM paths WHERE version = ?", (version,))[0][0] >= MAX_PATHS:
            added.update(self._all_paths(version))  # from now on nothing needs to be asked
            return None
        else:
            insert = "INSERT INTO paths (version, steps) VALUES (?, ?)"
            number = int(self._connection.execute(insert, (version, text)).lastrowid or 0)
        added[path] = number
        return number

    def _all_paths(self, version: int) -> dict[tuple[PathEntry, ...], int]:
        rows = self._ask("SELECT number, steps FROM paths WHERE version = ?", (version,))
        return {tuple((step, status, outcome) for step, status, outcome in loads(text)): n for n, text in rows}

    def _ask(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()


def _are_same(values: Sequence[object]) -> bool:
    """Return whether values are all the same: as a rule, those that are not differ in the last."""
    return values[0] == values[-1] and values.count(values[0]) == len(values)


def _picked(places: Sequence[int]) -> Callable[[Row], Row]:
    """Return what takes some values from a row."""
    return itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)


def _at_once(statement: Statement, rest: Row, keys: Sequence[Any]) -> tuple[str, Row]:
    """Return the statement that writes rows with these distinct keys at once, and its parameters."""
    if statement.span is not None:
        own = [key for key, _ in keys] if statement.paired else keys
        first, last = min(own), max(own)
        if last - first + 1 == len(own):
            return statement.span, (*rest, first, dumps([it for _, it in sorted(keys)]) if statement.paired else last)
    return statement.many, (*rest, dumps(dict(keys) if statement.paired else keys))


def _write_catalog(connection: sqlite3.Connection, changes: CatalogChanges) -> None:
    """Write journeys, versions and transitions, and tell other processes that the catalog is a new one."""
    if changes.journeys:
        rows = [(journey.number, journey.tenant, journey.id) for journey in changes.journeys]
        connection.executemany("INSERT INTO journeys VALUES (?, ?, ?)", rows)
    if changes.versions:
        connection.executemany(
            "INSERT INTO versions (number, journey, version, published_at, fingerprint, definition)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (journey, version) DO UPDATE SET"
            " published_at = excluded.published_at, fingerprint = excluded.fingerprint,"
            " definition = excluded.definition",
            [(v.number, v.journey, v.version, v.published_at, v.fingerprint, v.text) for v in changes.versions],
        )
        connection.executemany(
            "INSERT INTO publications SELECT ?, 1 + (SELECT count(*) FROM publications WHERE journey = ?), ?, ?",
            [(v.journey, v.journey, v.published_at, v.number) for v in changes.versions],
        )
    if changes.described:
        texts = [(text, at, number) for number, text, at in changes.described]
        connection.executemany("UPDATE versions SET definition = ?, edited_at = ? WHERE number = ?", texts)
    if changes.transitions:
        connection.executemany(
            "INSERT INTO transitions SELECT ?, 1 + (SELECT count(*) FROM transitions WHERE journey = ?), ?, ?",
            [(t.journey, t.journey, t.at, t.state) for t in changes.transitions],
        )
    if changes.policies:
        connection.executemany(
            "INSERT INTO policies VALUES (?, 1 + (SELECT count(*) FROM policies WHERE tenant = ?), ?, ?)",
            [(each.tenant, each.tenant, each.at, each.text) for each in changes.policies],
        )
    connection.executemany(
        "INSERT INTO holds SELECT ?, 1 + (SELECT count(*) FROM holds WHERE tenant = ?), ?, ?, ?",
        [(hold.tenant, hold.tenant, hold.at, hold.channel, hold.held) for hold in changes.holds],
    )
    if changes.flags:
        connection.executemany(
            "INSERT INTO flags SELECT ?, 1 + (SELECT count(*) FROM flags WHERE journey = ?), ?, ?, ?",
            [(flag.journey, flag.journey, flag.at, flag.step, flag.published) for flag in changes.flags],
        )
    for journey in changes.purged:
        _purge(connection, journey)
    if changes.meta:
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", changes.meta)
    connection.execute("UPDATE meta SET value = CAST(value + 1 AS TEXT) WHERE name = 'revision'")


_OF_JOURNEY = {
    "enrollments": "SELECT serial FROM enrollments WHERE journey = :journey",
    "versions": "SELECT number FROM versions WHERE journey = :journey",
    "journeys": ":journey",
}
"""What a journey consists of, the parts before the whole, each as a query for its keys."""


def _purge(connection: sqlite3.Connection, journey: int) -> None:
    """Remove a journey with everything that refers to it, to its versions or to its enrollments (R15).

    The schema says what points where, so that a new table cannot be forgotten. The file is not asked: SQL is made of no
    names that somebody may have put into it.
    """
    for parent, keys in _OF_JOURNEY.items():
        for table, column in references(parent):
            if table not in _OF_JOURNEY:
                connection.execute(f"DELETE FROM {table} WHERE {column} IN ({keys})", {"journey": journey})
    for parent in _OF_JOURNEY:
        column = "number" if parent == "journeys" else "journey"
        connection.execute(f"DELETE FROM {parent} WHERE {column} = :journey", {"journey": journey})


def _write_refusals(connection: sqlite3.Connection, changes: Changes) -> None:
    """Count refusals by day and reason, and keep the last of each customer (R21)."""
    connection.executemany(
        "INSERT INTO refusals VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        [(r.journey, r.day, r.reason) for r in changes.refusals],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO last_refusals VALUES (?, ?, ?, ?, ?)",
        [(r.journey, r.customer, r.reason, r.at, text_or_none(r.seen)) for r in changes.refusals],
    )
