"""Rows of cells as tables of HTML."""

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from journeyflow.basics.markup import ELLIPSIS, element, escaped, visible

LONGEST_CELL = 200
"""How many characters a cell shows."""


@frozen
class PlainTable:
    """Rows of cells below a header; numbers are written with separators, None as a dash."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]


def html_table(of: PlainTable) -> str:
    """Return a table as HTML, in a box that scrolls by itself where the page is too narrow.

    >>> '<td class="text">hello</td><td>1,200</td>' in html_table(PlainTable(["step", "visits"], [["hello", 1200]]))
    True
    """
    texts = _texts(of.header, of.rows)
    header = "".join(
        element("th", escaped(name) or " ", scope="col", class_="text" if text else "number")
        for name, text in zip(of.header, texts, strict=True)
    )
    rows = (
        element("tr", *(_cell(value, text=text) for value, text in zip(row, texts, strict=True))) for row in of.rows
    )
    whole = element("table", element("thead", element("tr", header)), element("tbody", *rows))
    return element("div", whole, class_="scroll", tabindex="0")


def _texts(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[bool]:
    """Return which columns hold words; the others, of numbers alone, stand at the right."""
    return [not all(map(_is_number, (row[place] for row in rows))) for place in range(len(header))]


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float) or bool(_NUMBER.fullmatch(str(value)))


_NUMBER = re.compile(r"[-+]?[\d,.]*%?( \([-+\d,.]+ to [-+\d,.]+\))?|\N{EN DASH}")
"""A number as it is written for people, with its sign, a percent sign, and its band; or the dash for an unknown one."""


def _cell(value: object, *, text: bool) -> str:
    said = {"class_": "text"} if text else {}
    return element("td", cell(value) or " ", **said)


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
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + ELLIPSIS


def plain_lines(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    r"""Yield a table as lines of text in columns, the header first; numbers stand at the right of theirs.

    >>> print(*plain_lines(["step", "visits"], [["hello", 1200], ["end", 7]]), sep="\n")
    step   visits
    hello   1,200
    end         7
    """
    texts = [[visible(name) for name in header], *([visible(_text(value)) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    words = _texts(header, rows)
    for line in texts:
        cells = zip(line, widths, words, strict=True)
        yield "  ".join(text.ljust(wide) if left else text.rjust(wide) for text, wide, left in cells).rstrip()
