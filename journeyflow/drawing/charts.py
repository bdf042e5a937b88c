"""Charts as static SVG: bars, columns by day, bands, and intervals; each with the same numbers as a table."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10

from attrs import frozen

from journeyflow.drawing.svg import FONT, SERIES, SMALL, number, picture, tag, words
from journeyflow.drawing.text import cut, visible, width

MARGIN = 16
ROW = 26
"""The height of a bar with the space below it, in pixels."""

WIDE, HIGH = 640, 220
"""The size of the area that a chart draws its values in."""

LONGEST = 200
"""How wide a label beside a bar may be."""


@frozen
class Diagram:
    """A picture of figures, and the same figures as a table: a header and rows of cells, each as text."""

    title: str
    svg: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def _repr_svg_(self) -> str:
        """Return the picture, for a notebook."""
        return self.svg

    def to_dicts(self) -> list[dict[str, str]]:
        """Return the rows of the table, each as a dictionary by header."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]


@frozen
class BarRow:
    """A bar: its label, its length, and what stands at its end."""

    label: str
    value: float
    text: str


@frozen
class IntervalRow:
    """An estimate with the interval that holds it, and what is said of it; None for what is not known."""

    label: str
    low: float
    middle: float
    high: float
    text: str


def bars(title: str, header: tuple[str, str], rows: Sequence[BarRow]) -> Diagram:
    """Return a chart of bars from left to right, one below the other, all from zero.

    >>> bars("Steps", ("step", "people"), [BarRow("hello", 3, "3")]).to_dicts()
    [{'step': 'hello', 'people': '3'}]
    """
    labels = [cut(visible(row.label), LONGEST, FONT) for row in rows]
    left = MARGIN + max((width(label, FONT) for label in labels), default=0) + 10
    most = max((row.value for row in rows), default=0) or 1
    room = WIDE - max((width(row.text, SMALL) for row in rows), default=0) - 10
    parts = []
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y, long = MARGIN + place * ROW, row.value / most * room
        parts += [
            words(label, left - 10, y + ROW / 2 + 1, anchor="end"),
            tag("rect", x=left, y=y + 2, width=long, height=ROW - 8, class_="series0"),
            words(row.text, left + long + 6, y + ROW / 2 + 1, anchor="start", class_="soft"),
        ]
    svg = picture(
        parts, left + WIDE + MARGIN, 2 * MARGIN + len(rows) * ROW, title=title, description=_told(header, rows)
    )
    return Diagram(title, svg, header, tuple((row.label, row.text) for row in rows))


def columns(title: str, places: Sequence[str], series: Mapping[str, Sequence[float]]) -> Diagram:
    """Return a chart of columns from below, one for each place (such as a day), with the series on top of one another.

    >>> columns("Messages", ["Mon", "Tue"], {"EMAIL": [2, 3], "SMS": [0, 1]}).to_dicts()
    [{'': 'Mon', 'EMAIL': '2', 'SMS': '0'}, {'': 'Tue', 'EMAIL': '3', 'SMS': '1'}]
    """
    sums = [sum(values) for values in zip(*series.values(), strict=True)] or [0]
    scale = _Scale(0, max(sums))
    left = MARGIN + scale.margin
    step = WIDE / max(len(places), 1)
    parts = [*_legend(list(series), left), *_lines(scale, left)]
    base = [0.0] * len(places)
    for color, values in enumerate(series.values()):
        for place, value in enumerate(values):
            low, high = scale.y(base[place]), scale.y(base[place] + value)
            if value:
                x, wide = left + place * step + step * 0.1, max(step * 0.8, 0.5)
                parts.append(tag("rect", x=x, y=high, width=wide, height=low - high, class_=_color(color)))
            base[place] += value
    parts += _axis(places, left, step)
    header = ("", *series)
    svg = picture(parts, left + WIDE + MARGIN, HIGH + 4 * MARGIN + 20, title=title, description=_told(header, places))
    rows = zip(places, *([number(value) for value in values] for values in series.values()), strict=True)
    return Diagram(title, svg, header, tuple(rows))


def bands(
    title: str, places: Sequence[str], found: Sequence[tuple[float, float, float]], truth: Sequence[float] | None = None
) -> Diagram:
    """Return a chart of what is expected at each place: a band from low to high with the middle, and what happened.

    `found` has (low, middle, high) for each place; `truth`, if given, is drawn over it, and may be shorter.

    >>> bands("Sent", ["Mon"], [(1, 2, 4)], [3]).to_dicts()
    [{'': 'Mon', 'low': '1', 'middle': '2', 'high': '4', 'what happened': '3'}]
    """
    scale = _Scale(0, max([*(high for *_, high in found), *(truth or ()), 0]))
    left = MARGIN + scale.margin
    step = WIDE / max(len(places), 1)

    def line(values: Sequence[float]) -> list[str]:
        return [f"{number(left + (place + 0.5) * step)},{number(scale.y(value))}" for place, value in enumerate(values)]

    lows, middles, highs = ([row[place] for row in found] for place in range(3))
    names = ["expected, with its band", *(["what happened"] if truth is not None else [])]
    parts = [*_legend(names, left), *_lines(scale, left)]
    parts.append(tag("polygon", points=" ".join([*line(highs), *reversed(line(lows))]), class_="series0 faint"))
    parts.append(tag("polyline", points=" ".join(line(middles)), class_="curve0"))
    if truth is not None:
        parts.append(tag("polyline", points=" ".join(line(truth)), class_="curve1"))
    parts += _axis(places, left, step)
    header = ("", "low", "middle", "high", *(["what happened"] if truth is not None else []))
    told = [[number(value)] for value in truth or ()] + [[""]] * (len(places) - len(truth or ()))
    rows = tuple(
        (place, *map(number, row), *(said if truth is not None else []))
        for place, row, said in zip(places, found, told, strict=True)
    )
    svg = picture(parts, left + WIDE + MARGIN, HIGH + 4 * MARGIN + 20, title=title, description=_told(header, places))
    return Diagram(title, svg, header, rows)


def intervals(title: str, header: tuple[str, str], rows: Sequence[IntervalRow]) -> Diagram:
    """Return a chart of estimates with their intervals, one below the other, and a line at zero.

    >>> intervals("Lift", ("arm", "difference"), [IntervalRow("B", -1, 2, 5, "+2 (-1 to 5)")]).to_dicts()
    [{'arm': 'B', 'difference': '+2 (-1 to 5)'}]
    """
    labels = [cut(visible(row.label), LONGEST, FONT) for row in rows]
    left = MARGIN + max((width(label, FONT) for label in labels), default=0) + 10
    room = WIDE - max((width(row.text, SMALL) for row in rows), default=0) - 20
    low, high = min([0, *(row.low for row in rows)]), max([0, *(row.high for row in rows)])
    across = (high - low) or 1

    def x(value: float) -> float:
        return left + (value - low) / across * room

    bottom = MARGIN + len(rows) * ROW
    parts = [tag("path", d=f"M{number(x(0))} {number(MARGIN)}V{number(bottom)}", class_="link zero")]
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y = MARGIN + place * ROW + ROW / 2 - 4
        parts += [
            words(label, left - 10, y + 4, anchor="end"),
            tag("path", d=f"M{number(x(row.low))} {number(y)}H{number(x(row.high))}", class_="curve0"),
            tag("circle", cx=x(row.middle), cy=y, r=5, class_="series0"),
            words(row.text, left + room + 14, y + 4, anchor="start", class_="soft"),
        ]
    svg = picture(parts, left + WIDE + MARGIN, bottom + MARGIN, title=title, description=_told(header, rows))
    return Diagram(title, svg, header, tuple((row.label, row.text) for row in rows))


# --- what charts share ------------------------------------------------------------------------------------------------


def _told(header: Sequence[str], rows: Sequence[object]) -> str:
    return f"{len(rows)} rows of {', '.join(name for name in header if name)}; a table says the same."


class _Scale:
    """The values of a chart, from bottom to top, with lines at round numbers."""

    def __init__(self, low: float, high: float) -> None:
        self.step = _round_step((high - low) or 1)
        self.high = max(ceil(high / self.step), 1) * self.step
        self.margin = max(width(f"{value:,g}", SMALL) for value in self.values()) + 8

    def values(self) -> Iterator[float]:
        """Yield the round numbers from zero on."""
        return (place * self.step for place in range(round(self.high / self.step) + 1))

    def y(self, value: float) -> float:
        """Return how far down a value is drawn, in pixels."""
        return 2 * MARGIN + 12 + HIGH * (1 - value / self.high)


def _round_step(across: float) -> float:
    """Return a round number of which four to nine make up a length.

    >>> _round_step(10), _round_step(37), _round_step(0.4)
    (2, 5, 0.1)
    """
    power: float = 10 ** floor(log10(across / 4))
    return next(step * power for step in (5, 2, 1) if across / (step * power) >= 4)  # noqa: PLR2004


def _lines(scale: _Scale, left: float) -> Iterator[str]:
    for value in scale.values():
        y = scale.y(value)
        yield tag("path", d=f"M{number(left)} {number(y)}h{number(WIDE)}", class_="link grid")
        yield words(f"{value:,g}", left - 6, y + 4, anchor="end", class_="soft")


def _axis(places: Sequence[str], left: float, step: float) -> Iterator[str]:
    """Yield the names below the columns: as many as fit beside one another, the first among them."""
    widest = max((width(visible(place), SMALL) for place in places), default=0) + 10
    every = max(ceil(widest / step), 1)
    for place in range(0, len(places), every):
        yield words(places[place], left + (place + 0.5) * step, 2 * MARGIN + HIGH + 30, class_="soft")


def _legend(names: Sequence[str], left: float) -> Iterator[str]:
    x = left
    for color, name in enumerate(names):
        shown = cut(visible(name), LONGEST, SMALL)
        yield tag("rect", x=x, y=MARGIN - 4, width=12, height=12, class_=_color(color))
        yield words(shown, x + 17, MARGIN + 6, anchor="start", class_="soft")
        x += width(shown, SMALL) + 36


def _color(position: int) -> str:
    return f"series{position % len(SERIES)}"
