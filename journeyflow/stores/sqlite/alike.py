"""Reading many rows that are alike in most columns: what they have in common is compared, and the rest read as lists.

Python's `sqlite3` gives up the lock of the interpreter for each column of each row. People who rest until the same
instant, or were reported together, have most columns in common; so the first rows show which, SQLite compares these
columns with the values that were found, and each of the others comes as one JSON list. A row that differs in another
column comes whole.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Final

from attrs import frozen

from journeyflow.basics.values import loads

if TYPE_CHECKING:
    from sqlite3 import Connection

    from journeyflow.stores.rows import Row

SAMPLE: Final = 64
"""So many rows show what most have in common; fewer are read as they are."""


@frozen
class Selection:
    """Columns and the rows that they are asked of, with parameters that have names.

    `lead` is the column without which rows have nothing in common, whatever the first ones have: events that one
    customer sends one after the other look alike until the next customer's come.
    """

    columns: tuple[str, ...]
    source: str
    lead: str | None = None

    @cached_property
    def text(self) -> str:
        """The question as SQL.

        >>> Selection(("a", "b"), "FROM t WHERE k > :k").text
        'SELECT a, b FROM t WHERE k > :k'
        """
        return f"SELECT {', '.join(self.columns)} {self.source}"


def rows_alike(
    connection: "Connection", question: Selection, parameters: Mapping[str, object], sample: Sequence["Row"]
) -> list["Row"]:
    """Return the rows that a question comes to, most of which have in common what the rows of a sample have."""
    common = {place: values[0] for place, values in enumerate(zip(*sample, strict=True)) if len({*values}) == 1}
    led = question.lead is None or question.columns.index(question.lead) in common
    if not led or 2 * len(common) < len(question.columns):
        return connection.execute(question.text, parameters).fetchall()
    names = {f"common{place}": value for place, value in common.items()}
    ((count, odd, *texts),) = connection.execute(_in_lists(question, common), {**parameters, **names}).fetchall()
    lists = iter(texts)
    columns = [
        repeat(common[place], count) if place in common else loads(next(lists))
        for place in range(len(question.columns))
    ]
    rows = list(zip(*columns, strict=True))
    if odd is None:
        return rows
    return [row if whole is None else tuple(whole) for row, whole in zip(rows, loads(odd), strict=True)]


def _in_lists(question: Selection, common: Collection[int]) -> str:
    """Return the question for the columns that are not `common` as lists, and for the rows that differ in others."""
    columns = question.columns
    same = " AND ".join(f"{columns[place]} IS :common{place}" for place in common)
    apart = [place for place in range(len(columns)) if place not in common]
    inner = "".join(f", {columns[place]} AS c{place}" for place in apart)
    outer = "".join(f", json_group_array(c{place})" for place in apart)
    odd = f"iif({same}, NULL, json_array({', '.join(columns)}))"
    return (
        f"SELECT count(*), iif(count(odd), json_group_array(json(odd)), NULL){outer}"
        f" FROM (SELECT {odd} AS odd{inner} {question.source})"
    )
