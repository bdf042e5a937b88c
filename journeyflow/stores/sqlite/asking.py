"""Asking a SQLite file about many rows at once: by what a JSON list holds, or by all numbers between two."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from journeyflow.basics.values import dumps
from journeyflow.stores.rows import Row
from journeyflow.stores.sqlite.alike import SAMPLE, Selection, rows_alike


class Lookup(NamedTuple):
    """The same question about all numbers that are in a JSON list, and about all between two.

    What was reported, or entered, together has numbers without a gap; then no list has to be written, read and looked
    up one by one.
    """

    many: Selection
    span: Selection


def lookup(columns: Sequence[str], tables: str, key: str, tail: str = "") -> Lookup:
    """Write a question about rows by their key.

    A list is gone through, and each of its numbers sought: for an `IN`, SQLite would make a table of them first.

    >>> lookup(["a"], "t", "k").span.text
    'SELECT a FROM t WHERE k BETWEEN :first AND :last'
    >>> lookup(["a"], "t", "k").many.text
    'SELECT a FROM (SELECT value AS wanted FROM json_each(:each)) CROSS JOIN t WHERE k = wanted'
    """
    each = f"(SELECT value AS wanted FROM json_each(:each)) CROSS JOIN {tables}"
    return Lookup(
        Selection(tuple(columns), f"FROM {each} WHERE {key} = wanted{tail}"),
        Selection(tuple(columns), f"FROM {tables} WHERE {key} BETWEEN :first AND :last{tail}"),
    )


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

    def of(self, asked: Lookup, numbers: Collection[int], **parameters: object) -> list[Row]:
        """Ask about each of some numbers, no two the same, in order; nobody is asked about none."""
        if not numbers:
            return []
        question, about = _about(asked, sorted(numbers))
        return self.rows(question.text, {**about, **parameters})

    def of_alike(self, asked: Lookup, numbers: Collection[int], **parameters: object) -> list[Row]:
        """Ask as `of` does, for rows of which most columns are alike if there are many."""
        each = sorted(numbers)
        sample = self.of(asked, each[:SAMPLE], **parameters)
        if not sample or len(each) <= SAMPLE:
            return sample + self.of(asked, each[SAMPLE:], **parameters)
        question, about = _about(asked, each[SAMPLE:])
        return sample + rows_alike(self.connection, question, {**about, **parameters}, sample)

    def first_alike(self, question: Selection, limit: int, parameters: Mapping[str, object]) -> list[Row]:
        """Ask for the first rows, up to a number, of which most columns are alike if there are many."""
        sample = self.rows(question.text, {**parameters, "limit": min(limit, SAMPLE), "behind": 0})
        if len(sample) < SAMPLE or limit <= SAMPLE:
            return sample
        return sample + rows_alike(
            self.connection, question, {**parameters, "limit": limit - SAMPLE, "behind": SAMPLE}, sample
        )


def _about(asked: Lookup, each: Sequence[int]) -> tuple[Selection, Mapping[str, object]]:
    """Return the question about some numbers in order, and what it is asked with."""
    first, last = each[0], each[-1]
    if last - first + 1 == len(each):
        return asked.span, {"first": first, "last": last}
    return asked.many, {"each": dumps(each)}
