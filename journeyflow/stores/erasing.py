"""What both databases do alike where the personal data of forgotten customers is removed (R86)."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from journeyflow.records.forgetting import PERSONAL, without_error
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input
from journeyflow.stores.rows import INPUT_ROW, read_input

INPUTS = f"SELECT {INPUT_ROW}, outcome FROM inputs"
"""Begins the queries whose rows the functions of this module read."""


def emptied(rows: Mapping[str, str]) -> tuple[str, ...]:
    """Return the statements that remove what is personal from tables, each with the condition of its rows.

    >>> emptied({table: "customer = 7" for table in PERSONAL})[-1]
    'UPDATE last_refusals SET seen = NULL WHERE customer = 7'
    """
    return tuple(f"UPDATE {table} SET {_bare(bare)} WHERE {rows[table]}" for table, bare in PERSONAL.items())


def _bare(columns: Mapping[str, Any]) -> str:
    """Return what is set in the columns of a table."""
    return ", ".join(
        f"{column} = {repr(value) if isinstance(value, str) else 'NULL'}" for column, value in columns.items()
    )


def read_told(rows: Iterable[Any], later: Container[int] = ()) -> list[tuple[Input, str]]:
    """Return inputs with their outcomes, but those whose numbers are excepted."""
    return [(item, outcome) for *row, outcome in rows if (item := read_input(row)).seq not in later]


def hushed(nacks: Iterable[Any], inbox: Mapping[int, bool]) -> list[Input]:
    """Return the nacks of some runs without their errors; of a run whose inbox stays, only those that are handled."""
    found = list[Input]()
    for item, outcome in read_told(nacks):
        serial, _ = message_key(item.id) or (0, 0)
        if inbox.get(serial) or (serial in inbox and outcome):
            found.append(without_error(item))
    return found
