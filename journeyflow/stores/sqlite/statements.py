"""The statements that write rows to SQLite: for one row, for several new ones, and for all that differ in their key."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from journeyflow.records.rows import Counter, Export
from journeyflow.stores.rows import (
    INPUT_FORM,
    MOVE_COLUMNS,
    NOW_OF_POST,
    NOW_OF_RUN,
    OF_POST,
    OF_RUN,
    POST_FORM,
    RUN_FORM,
    question_marks,
)

ROWS_AT_ONCE: Final = 32
"""So many rows at most, whatever they have in common, are written by one statement: that saves a third of their time,
and every number of rows is a statement of its own."""

Common = tuple[int, ...]
"""The places of columns in which many rows hold the same values."""

KEPT: Final = 256
"""How many texts of statements are kept for each kind of row."""


class Each(NamedTuple):
    """The statements that write a number of rows: first the values in common, then the others of each row.

    `usual` are the places of columns in which the rows of a batch hold the same values as a rule. Few rows are written
    by what they have in common in these alone: every choice of columns, for every number of rows, is another statement.
    """

    text: Callable[[int, Common], str]
    usual: Common = ()

    def __call__(self, count: int, common: Common) -> str:
        """Return the statement for a number of rows with values in common in some columns."""
        return self.text(count, common)


class Statement(NamedTuple):
    """The same change in three forms: for rows with own values, for keys in a JSON list, and for keys between two.

    They take what is written first and the key, the list of keys, or the first and last key, last. What was reported or
    entered in one go has numbers without a gap: `span` needs no list of them.

    New rows may have two keys (`paired`), the first of which is their own. Those are in a JSON object, which SQLite
    reads in half the time of a list of pairs; without a gap it is the first own key and a list of the others.

    `width` is how many columns the key has, `place` that of a column by which rows that are not alike are told apart.
    """

    each: Each
    many: str
    span: str | None = None
    paired: bool = False
    width: int = 1
    place: int = 0


def adding(table: str, columns: str, clash: str = "", *, usual: str = "") -> Each:
    """Write the statements that add rows; `clash` says what is done where there is one already.

    `usual` are the columns in which rows hold the same values as a rule.

    >>> each = adding("t", "a, b, c", "ON CONFLICT DO NOTHING")
    >>> each(2, ())
    'INSERT INTO t (a, b, c) VALUES (?, ?, ?), (?, ?, ?) ON CONFLICT DO NOTHING'
    >>> each(2, (1,))
    'INSERT INTO t (b, a, c) SELECT ?, * FROM (VALUES (?, ?), (?, ?)) WHERE TRUE ON CONFLICT DO NOTHING'
    """
    names, end = columns.split(", "), f" {clash}" * bool(clash)

    def each(count: int, common: Common) -> str:
        apart = [name for place, name in enumerate(names) if place not in common]
        added, rows = ", ".join([*(names[place] for place in common), *apart]), _values(count, len(apart))
        rows = f"SELECT {'?, ' * len(common)}* FROM ({rows}) WHERE TRUE" if common else rows
        return f"INSERT INTO {table} ({added}) {rows}{end}"

    return Each(lru_cache(KEPT)(each), _places(columns, usual))


def _values(count: int, width: int) -> str:
    row = ", ".join("?" * width)
    return f"VALUES {', '.join([f'({row})'] * count)}"


def insert(table: str, columns: str, key: str, *, alike: str = "", usual: str = "") -> Statement:
    """Write the statement that adds rows; those that are alike are so in the column `alike`, whatever else there is.

    What belongs to an enrollment has a span: its runs are there already.

    >>> insert("t", "a", "enrollment").span
    'INSERT INTO t (a, enrollment) SELECT ?, serial FROM enrollments WHERE serial BETWEEN ? AND ?'
    >>> insert("t", "a, b", "k").each(1, ())
    'INSERT INTO t (a, b, k) VALUES (?, ?, ?)'
    >>> insert("t", "a", "k, l").many
    'INSERT INTO t (a, k, l) SELECT ?, CAST(key AS INTEGER), value FROM json_each(?)'
    """
    each = adding(table, f"{columns}, {key}", usual=usual)
    begin = f"INSERT INTO {table} ({columns}, {key}) SELECT {question_marks(columns)},"
    if "," in key:
        many, span = "CAST(key AS INTEGER), value FROM json_each(?)", "? + key, value FROM json_each(?)"
        found = Statement(each, f"{begin} {many}", f"{begin} {span}", paired=True, width=2)
    else:
        span = f"{begin} serial FROM enrollments WHERE serial BETWEEN ? AND ?"
        found = Statement(each, f"{begin} value FROM json_each(?)", span if key == "enrollment" else None)
    return found._replace(place=_place(columns, alike))


def _place(columns: str, column: str) -> int:
    return next(iter(_places(columns, column)), 0)


def _places(columns: str, some: str) -> Common:
    """Return the places of some columns, in order."""
    names = some.split(", ")
    return tuple(place for place, name in enumerate(columns.split(", ")) if name in names)


def update(table: str, columns: str, key: str, *, alike: str = "", usual: str = "") -> Statement:
    """Write the statement that changes rows; `alike` is as in `insert`.

    >>> update("t", "a, b", "k").each(1, ())
    'UPDATE t SET a = ?, b = ? WHERE k = ?'
    >>> update("t", "a, b", "k").each(2, (0,))
    'UPDATE t SET a = ?, b = column1 FROM (VALUES (?, ?), (?, ?)) WHERE k = column2'
    >>> update("t", "a", "k, l").many
    'UPDATE t SET a = ? WHERE (k, l) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))'
    """
    statement = changing(table, ", ".join(f"{column.strip()} = ?" for column in columns.split(",")), key)
    each = statement.each._replace(usual=_places(columns, usual))
    return statement._replace(place=_place(columns, alike), each=each)


def changing(table: str, news: str, key: str) -> Statement:
    """Write the statement that changes rows as SQL says.

    >>> changing("t", "a = a + ?", "k").span
    'UPDATE t SET a = a + ? WHERE k BETWEEN ? AND ?'
    """
    begin, keys = f"UPDATE {table} SET {news} WHERE", key.split(", ")

    def each(count: int, common: Common) -> str:
        places = [place for place in range(news.count("?") + len(keys)) if place not in common]
        values = {place: f"column{number}" for number, place in enumerate(places, 1)} if count > 1 else {}
        rows = f" FROM ({_values(count, len(places))})" if count > 1 else ""
        filled = iter([values.get(place, "?") for place in range(news.count("?") + len(keys))])
        changed = "".join(next(filled) if sign == "?" else sign for sign in news)
        where = " AND ".join(f"{part} = {next(filled)}" for part in keys)
        return f"UPDATE {table} SET {changed}{rows} WHERE {where}"

    if len(keys) == 1:
        many = f"{begin} {key} IN (SELECT value FROM json_each(?))"
        return Statement(Each(lru_cache(KEPT)(each)), many, f"{begin} {key} BETWEEN ? AND ?")
    many = f"{begin} ({key}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
    return Statement(Each(lru_cache(KEPT)(each)), many, width=2)


NEW_INPUTS = adding("inputs", INPUT_FORM.names(INPUT_FORM.without("seq")), usual="tenant, id")

NUMBERED_INPUTS = adding("inputs", f"outcome, {INPUT_FORM.names()}", usual="tenant, id")

HANDLED = update("inputs", "outcome", "seq")

_UNUSUAL_OF_RUN = "memory, converted_at, held, softened"

NEW_RUNS = insert("enrollments", RUN_FORM.names(OF_RUN), "serial, customer", alike="entered_at", usual=_UNUSUAL_OF_RUN)

RUNS = update("enrollments", RUN_FORM.names(NOW_OF_RUN), "serial", alike="last_at", usual=_UNUSUAL_OF_RUN)

MOVES = insert("moves", MOVE_COLUMNS, "enrollment", alike="at", usual="steps")

_HANDED_OUT = "status, attempts, lease_until, token, error, forgiven"

NEW_POSTS = insert(
    "messages",
    POST_FORM.names(OF_POST),
    "enrollment",
    alike="at",
    usual=f"{_HANDED_OUT}, flags, domain, nonce, expires_at, cancel_on_exit",
)

NEWS = changing("customers", "attributes = json_patch(attributes, ?)", "number")

NEW_CUSTOMERS = adding("customers", "number, tenant, id, attributes")

CUSTOMERS = update("customers", "attributes", "number")

POSTS = update("messages", POST_FORM.names(NOW_OF_POST), "enrollment, n", alike="available_at", usual=_HANDED_OUT)

TICKED = "INSERT OR REPLACE INTO meta VALUES (?, ?)"

PIN = "UPDATE enrollments SET version = ? WHERE serial = ?"

REOPEN = "UPDATE inputs SET outcome = NULL WHERE seq = ? AND outcome = ?"

EXPORT = f"INSERT OR REPLACE INTO exports VALUES ({', '.join('?' * len(Export._fields))})"
"""Writes a job as it is now."""

_SUMMED = """ON CONFLICT DO UPDATE SET
total = total + excluded.total, uniques = uniques + excluded.uniques, last_at = max(last_at, excluded.last_at)"""

COUNTERS, OPENINGS = (adding(table, ", ".join(Counter._fields), _SUMMED) for table in ("counters", "openings"))
"""Add to the kept counters, or to the opening balances."""
