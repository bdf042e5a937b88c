"""Whole numbers and lists of them or of texts, as the driver hands them to a statement.

A parameter has the same type whatever its value, so one text of a statement is one prepared statement: a list takes the
type that the statement names, and a number is a bigint, however small it is.
"""

from collections.abc import Sequence

from psycopg import Connection, DataError
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.types.numeric import Int8Dumper

NUL = "text in PostgreSQL cannot have a NUL character"


def array(values: Sequence[int | str | None]) -> str:
    r"""Return the literal of an array of numbers or of texts, or of an empty one.

    >>> array([1, None, True]), array(["a, b", None, 'c"\\d']), array([])
    ('{1,NULL,1}', '{"a, b",NULL,"c\\"\\\\d"}', '{}')
    """
    first = next((value for value in values if value is not None), 0)
    cell = _quoted if isinstance(first, str) else int.__repr__  # which writes booleans as numbers too
    if None in values:
        return f"{{{','.join(['NULL' if value is None else cell(value) for value in values])}}}"  # type: ignore[arg-type]  # of one type
    return f"{{{','.join(map(cell, values))}}}"  # type: ignore[arg-type]  # likewise


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class ListDumper(Dumper):
    """Writes a list as the literal of an array."""

    def dump(self, obj: list[int | str | None]) -> Buffer:
        """Return the literal. Raises DataError for a NUL character."""
        text = array(obj)
        if "\0" in text:
            raise DataError(NUL)
        return text.encode()


def adapt(connection: Connection) -> None:
    """Have a connection write numbers and lists like this."""
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(list, ListDumper)
