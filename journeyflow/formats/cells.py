"""Writing CSV files, safely for people who open them in a spreadsheet; all CSV output goes through here."""

import csv
from collections.abc import Iterable
from itertools import chain
from types import SimpleNamespace
from typing import Protocol

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of a cell that a spreadsheet may take for a formula: the last four are = + - @ in full width."""


class TextFile(Protocol):
    """An object that lines can be written to, such as a text file."""

    def write(self, text: str, /) -> object:
        """Write a line, including its line ending."""


def safe_cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell("-5"), safe_cell(-5), safe_cell("a=b")
    ("'=1+1", "'-5", -5, 'a=b')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def write_csv(
    file: TextFile, columns: Iterable[object], lines: Iterable[Iterable[object]], *, exact: bool = False
) -> int:
    """Write the column names and then the lines as CSV; return the number of lines, without the header.

    Lines end with a line feed, and None is an empty cell. A cell that a spreadsheet may take for a formula is prefixed
    with an apostrophe, unless `exact` is true.

    >>> import sys
    >>> write_csv(sys.stdout, ["id", "note"], [["c1", "=1+1"], ["c2", None]])
    id,note
    c1,'=1+1
    c2,
    2
    """
    # Python before 3.11.9 quotes a carriage return in a cell only if the line terminator contains one.
    writer = csv.writer(SimpleNamespace(write=lambda line: file.write(f"{line[:-2]}\n")), lineterminator="\r\n")
    count = -1
    for count, line in enumerate(chain([columns], lines)):  # noqa: B007 counted
        writer.writerow(line if exact else map(safe_cell, line))
    return count


def csv_text(columns: Iterable[object], lines: Iterable[Iterable[object]]) -> str:
    r"""Return lines as CSV text, as `write_csv` writes them.

    >>> csv_text(["n"], [[1], [None]])
    'n\n1\n""\n'
    """
    parts = list[str]()
    write_csv(SimpleNamespace(write=parts.append), columns, lines)
    return "".join(parts)
