"""Tables as charts: bars of text for a terminal, or a picture in a file."""

from collections.abc import Sequence
from pathlib import Path

import click

from journeyflow.cli.output import as_cell, writing
from journeyflow.definition.counted import LEFT
from journeyflow.drawing.charts import BarRow, Diagram, bars

FULL, EMPTY, LOST = "█", "·", "▒"
"""What a bar of text is made of: what it is long, what is lost of it, and how long the longest is."""

LONG = 32
"""How many characters the longest bar has."""

chart = click.option("--chart", is_flag=True, help="Draw the table as bars; with -o as an SVG picture in a file.")

picture = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --chart: where the picture is written.",
)


def as_bars(header: Sequence[str], rows: Sequence[BarRow]) -> str:
    """Return bars as text: the label, the bar, the number at its end, and the columns beside it.

    >>> print(as_bars(("step", "visits"), [BarRow("hello", 4, "4"), BarRow("end", 2, "2", lost=1)]))
    step                                     visits
    hello  ████████████████████████████████       4
    end    ████████▒▒▒▒▒▒▒▒················       2
    """
    most = max((row.value for row in rows), default=0) or 1
    texts = [
        (as_cell(header[0]), " " * LONG, *header[1:]),
        *((as_cell(row.label), _bar(row, most), row.text, *row.more) for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(wide) if place < 2 else text.rjust(wide)  # noqa: PLR2004 the label and the bar
            for place, (text, wide) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in texts
    )


def _bar(row: BarRow, most: float) -> str:
    long, gone = round(row.value / most * LONG), round(min(row.lost, row.value) / most * LONG)
    return FULL * (long - gone) + LOST * gone + EMPTY * (LONG - long)


def drawn(title: str, header: Sequence[str], rows: Sequence[BarRow]) -> Diagram:
    """Return the same bars as a picture."""
    return bars(title, header, rows, LEFT)


def write_svg(path: Path, diagram: Diagram) -> str:
    """Write a picture into a file, and say so. Raises Unwritten if that fails, a usage error for another suffix."""
    if path.suffix != ".svg":
        msg = f"{path}: a picture has a name such as {path.stem}.svg"
        raise click.UsageError(msg)
    with writing(path):
        path.write_text(diagram.svg + "\n", encoding="utf-8")
    return f"wrote {path}: open it in a browser"
