"""The header of a CSV file: the sign that separates its cells, and the names of its columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from journeyflow.basics.values import PADDING
from journeyflow.errors import did_you_mean, quoted, suggestions
from journeyflow.formats.files import OTHER_ENCODING, FileOptions, Opened

SIGNS = ",;\t|"
"""The signs that are looked for where the caller names none; of those that fit equally the first."""

_STATED = re.compile(r'"?sep=([^"\r\n\0])"?.*', re.DOTALL)
"""A line for spreadsheets alone, before the header, that says what separates the cells."""

_FAR = 100
"""How many lines are read in search of the end of a header."""


def stripped(text: str) -> str:
    """Return a cell without blanks around it."""
    return text.strip(PADDING)


def whole(text: str) -> str:
    """Return a cell; ValueError for one with blanks around it."""
    if text != text.strip(PADDING):
        msg = f"{quoted(text)} begins or ends with blanks; remove them, or read with trim=True (--trim in the shell)"
        raise ValueError(msg)
    return text


def first_lines(lines: Iterator[str]) -> list[str]:
    """Return the lines up to the end of the first record: blank ones, and those of a quoted cell."""
    found: list[str] = []
    quotes = 0
    for line in lines:
        found.append(line)
        quotes += line.count('"')
        if (line.strip("\r\n") and quotes % 2 == 0) or len(found) == _FAR:
            break
    return found


def sign_of(head: Iterable[str], needed: tuple[str, ...], options: FileOptions) -> str:
    """Return the sign that a first record states, or else with which it has the columns that are needed.

    If it has them with none, the sign is that of most cells.
    """
    lines = [line for line in head if line.strip("\r\n")]
    if lines and (stated := _STATED.fullmatch(lines[0])):
        return stated[1]

    def fit(sign: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader(lines, delimiter=sign), [])
        except csv.Error:
            cells = []
        names = set(names_of(cells, options))
        return names.issuperset(needed), len(cells)

    return max(SIGNS, key=fit)


def names_of(cells: Iterable[str], options: FileOptions) -> list[str]:
    """Return the names that columns are given here."""
    bared = map(stripped, cells) if options.trim else cells
    return [options.columns.get(cell, cell) for cell in bared]


def header_faults(cells: list[str], header: list[str], needed: tuple[str, ...], mapped: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the names of columns."""
    missing, suggest, there = [name for name in needed if name not in header], suggestions(), set(cells)
    twice = sorted(name for name, count in Counter(header).items() if count > 1 and name)
    for name in missing:
        hint = did_you_mean(name, header)
        if not hint and len(missing) == 1 and not twice and cells:
            hint = f"; if another column has it, map that: columns={{'X': {name!r}}} (--map X={name} in the shell)"
        yield f"the header has no column {name!r}{hint}"
    yield from (f"the header has the column {name!r} twice" for name in twice)
    yield from (
        f"the header has no column {name!r} to map{suggest(name, cells)}" for name in mapped if name not in there
    )
    for cell in header:
        try:
            whole(cell)
        except ValueError as error:
            yield f"the header: {error}"


def other_sign(
    cells: list[str], head: Iterable[str], file: Opened, needed: tuple[str, ...], options: FileOptions
) -> str | None:
    """Return how a header is separated that is one cell, with the options that read such a file, or None."""
    found = sign_of(head, needed, options)
    if len(cells) != 1 or found == options.delimiter or found not in cells[0]:
        return None
    name = {"\t": "tab"}.get(found, found)
    encoding = ", and it is not UTF-8" + OTHER_ENCODING if file.misread else ""
    return (
        f"the cells are separated by {found!r}; name the sign: delimiter={found!r} "
        f"(--delimiter '{name}' in the shell){encoding}"
    )
