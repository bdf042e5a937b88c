"""CSV files that people open in a spreadsheet: the one place that writes them."""

import csv
from collections.abc import Iterable
from itertools import chain
from types import SimpleNamespace
from typing import Protocol

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may take for a formula."""


class TextFile(Protocol):
    """What lines are written to: a file, or a list behind `append`."""

    def write(self, text: str, /) -> object:
        """Write a line with its end."""


def cell(value: object) -> object:
    """Write a value so that no spreadsheet takes it for a formula; numbers stay numbers.

    >>> cell("=1+1"), cell("-5"), cell(-5), cell("a=b")
    ("'=1+1", "'-5", -5, 'a=b')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def write_csv(
    file: TextFile, columns: Iterable[object], lines: Iterable[Iterable[object]], *, exact: bool = False
) -> int:
    """Write lines as CSV below the names of their columns; return how many lines there were.

    Lines end with a line feed; None is an empty cell. A cell that a spreadsheet may take for a formula begins with an
    apostrophe, unless `exact`.

    >>> import sys
    >>> write_csv(sys.stdout, ["id", "note"], [["c1", "=1+1"], ["c2", None]])
    id,note
    c1,'=1+1
    c2,
    2
    """
    # Python before 3.11.9 quotes a carriage return only where it is part of the line's end: so it is one here.
    writer = csv.writer(SimpleNamespace(write=lambda line: file.write(f"{line[:-2]}\n")), lineterminator="\r\n")
    count = -1
    for count, line in enumerate(chain([columns], lines)):  # noqa: B007 counted
        writer.writerow(line if exact else map(cell, line))
    return count


def csv_text(columns: Iterable[object], lines: Iterable[Iterable[object]]) -> str:
    r"""Return lines as CSV text, as `write_csv` writes them.

    >>> csv_text(["n"], [[1], [None]])
    'n\n1\n""\n'
    """
    parts = list[str]()
    write_csv(SimpleNamespace(write=parts.append), columns, lines)
    return "".join(parts)
