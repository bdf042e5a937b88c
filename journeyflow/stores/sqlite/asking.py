"""Asking a SQLite file about many rows at once: by what a JSON list holds, or by all numbers between two."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from journeyflow.basics.values import dumps


class Lookup(NamedTuple):
    """The same question about all numbers that are in a JSON list, and about all between two.

    What was told, or entered, in one go has numbers without a gap; then no list has to be written, read and looked up
    one by one.
    """

    many: str
    span: str


def lookup(asked: str, key: str, tail: str = "") -> Lookup:
    """Write a question about rows by their key.

    >>> lookup("SELECT a FROM t", "k").span
    'SELECT a FROM t WHERE k BETWEEN ? AND ?'
    """
    asked = f"{asked} WHERE {key}"
    return Lookup(f"{asked} IN (SELECT value FROM json_each(?)){tail}", f"{asked} BETWEEN ? AND ?{tail}")


class SQLiteAsker:
    """The questions of one transaction, on its connection."""

    __slots__ = ("connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Ask on a connection."""
        self.connection = connection

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a question comes to."""
        return self.connection.execute(sql, parameters).fetchall()

    def each_of(self, sql: str, wanted: Iterable[Any], *parameters: object) -> list[tuple[Any, ...]]:
        """Ask about each of some values, which come in order as the first parameter; nobody is asked about none."""
        each = sorted(wanted)
        return self.rows(sql, (dumps(each), *parameters)) if each else []

    def of(self, asked: Lookup, numbers: Collection[int], *parameters: object) -> list[tuple[Any, ...]]:
        """Ask about each of some numbers, no two the same, in order; nobody is asked about none."""
        if not numbers:
            return []
        each = sorted(numbers)
        first, last = each[0], each[-1]
        if last - first + 1 == len(each):
            return self.rows(asked.span, (first, last, *parameters))
        return self.rows(asked.many, (dumps(each), *parameters))


def columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    """Turn rows into so many columns.

    >>> columns([(1, "a"), (2, "b")], 2), columns([], 2)
    ([(1, 2), ('a', 'b')], [(), ()])
    """
    return list(zip(*rows, strict=True)) if rows else [()] * count
