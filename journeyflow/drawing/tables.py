"""Rows of cells as tables of HTML."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from journeyflow.drawing.svg import tag
from journeyflow.drawing.text import ELLIPSIS, escaped, visible

LONGEST = 200
"""How many characters a cell shows."""


@frozen
class PlainTable:
    """Rows of cells below a header; numbers are written with separators, None as a dash."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


def table(of: PlainTable) -> str:
    """Return a table as HTML, in a box that scrolls by itself where the page is too narrow.

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
    said = {} if value is None or isinstance(value, int | float) else {"class_": "text"}
    return tag("td", cell(value) or " ", **said)


def cell(value: object) -> str:
    """Return a value as a cell shows it, escaped.

    >>> cell(1200), cell("<b>"), cell(True)
    ('1,200', '&lt;b&gt;', 'True')
    """
    return escaped(_text(value))


def _text(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + ELLIPSIS


def plain_lines(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    r"""Yield a table as lines of text in columns, the header first; numbers stand at the right of theirs.

    >>> print(*plain_lines(["step", "visits"], [["hello", 1200], ["end", 7]]), sep="\n")
    step   visits
    hello   1,200
    end         7
    """
    texts = [[visible(name) for name in header], *([visible(_text(value)) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [not any(isinstance(row[place], str) for row in rows) for place in range(len(header))]
    for line in texts:
        cells = zip(line, widths, right, strict=True)
        yield "  ".join(text.rjust(wide) if end else text.ljust(wide) for text, wide, end in cells).rstrip()
