"""Rows of cells as tables of HTML."""

from collections.abc import Sequence

from attrs import frozen

from journeyflow.drawing.svg import tag
from journeyflow.drawing.text import ELLIPSIS, escaped

LONGEST = 200
"""How many characters a cell shows."""


@frozen
class PlainTable:
    """Rows of cells below a header; numbers are written with separators, None as a dash."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


def table(of: PlainTable) -> str:
    r"""Return a table as HTML, in a box that scrolls by itself where the page is too narrow.

    >>> '<td class="text">hello</td><td>1,200</td>' in table(PlainTable(["step", "visits"], [["hello", 1200]]))
    True
    """
    texts = [any(isinstance(row[place], str) for row in of.rows) for place in range(len(of.header))]
    header = "".join(
        tag("th", escaped(name) or " ", scope="col", class_="text" if text else "number")
        for name, text in zip(of.header, texts, strict=True)
    )
    rows = (tag("tr", *map(_cell, row)) for row in of.rows)
    whole = tag("table", tag("thead", tag("tr", header)), tag("tbody", *rows))
    return tag("div", whole, class_="scroll", tabindex="0")


def _cell(value: object) -> str:
    if value is None:
        return tag("td", "\N{EN DASH}")
    if isinstance(value, int | float):
        return tag("td", f"{value:,}")
    return tag("td", escaped(_text(value)) or " ", class_="text")


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + ELLIPSIS
