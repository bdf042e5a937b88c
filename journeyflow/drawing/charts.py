"""Charts as static SVG: bars, columns by day, bands, and intervals; each with the same numbers as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from journeyflow.basics.frames import frame_of
from journeyflow.basics.markup import element, px, visible
from journeyflow.basics.showing import counted
from journeyflow.drawing.axes import (
    HIGH,
    LINE,
    MARGIN,
    TOP,
    WIDE,
    WIDEST_LABEL,
    LegendKey,
    Scale,
    alt_text,
    axis_number,
    color,
    heading,
    legend,
    names_below,
    nothing,
    ticks,
)
from journeyflow.drawing.svg import FONT, SMALL, text_line, whole_picture
from journeyflow.drawing.text import broken, cut_to_width, width

ROW = 26
"""The height of a bar with the space below it, in pixels."""

GAP = 22
"""The space before a column of numbers beside bars."""

BARS = 330
"""How wide the longest bar is, with the number at its end."""

FEW = 16
"""Up to how many places have a box each instead of one band across."""

HAPPENED = "what happened"


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

    def __repr__(self) -> str:
        """Return the title, and how many rows there are."""
        return f"Diagram({visible(self.title)[:WIDEST_LABEL]!r}, {counted(len(self.rows), 'row')})"

    def to_dicts(self) -> list[dict[str, str]]:
        """Return the rows of the table, each as a dictionary by header."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]

    def to_pandas(self) -> Any:  # noqa: ANN401 pandas is not a dependency
        """Return the table as a data frame of text; raises MissingExtra without pandas."""
        return frame_of(self.to_dicts())


@frozen
class BarRow:
    """A bar: its label, its length, what stands at its end, and further columns of text beside it.

    `lost` is the part of the length that is drawn as lost.
    """

    label: str
    value: float
    text: str
    more: tuple[str, ...] = ()
    lost: float = 0


@frozen
class IntervalRow:
    """An estimate with the interval that holds it, and what is said of it; a doubtful one is drawn hollow."""

    label: str
    low: float
    middle: float
    high: float
    text: str
    doubtful: bool = False


def bars(title: str, header: Sequence[str], rows: Sequence[BarRow], lost: str = "lost") -> Diagram:
    """Return a chart of bars from left to right, one below the other, all from zero.

    `header` names the labels, the numbers at the ends of the bars, and the columns beside them. `lost` is what the
    lost parts are called, if there are any.

    >>> bars("Steps", ("step", "people"), [BarRow("hello", 3, "3")]).to_dicts()
    [{'step': 'hello', 'people': '3'}]
    """
    labels = [cut_to_width(visible(row.label), WIDEST_LABEL, FONT) for row in rows]
    left = MARGIN + max((width(label, FONT) for label in labels), default=0) + 10
    ends = _ends(left + BARS, header, rows)
    most = max((row.value for row in rows), default=0) or 1
    room = BARS - max((width(row.text, SMALL) for row in rows), default=0) - 8
    keys = [LegendKey(header[1], "series0"), LegendKey(lost, "lost")] if any(row.lost for row in rows) else []
    wide = max([left + BARS, *ends]) + MARGIN
    parts, top = legend(keys, left, wide, TOP)
    if ends:
        parts += [
            text_line(name, end, top, anchor="end", class_="soft") for name, end in zip(header[2:], ends, strict=True)
        ]
        top += LINE / 2
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y, long = top + place * ROW, row.value / most * room
        gone = min(row.lost / most * room, long)
        parts += [
            text_line(label, left - 10, y + ROW / 2 + 1, anchor="end"),
            element("rect", x=left, y=y + 2, width=long, height=ROW - 8, class_="series0"),
            element("rect", x=left + long - gone, y=y + 2, width=gone, height=ROW - 8, class_="lost") if gone else "",
            text_line(row.text, left + long + 6, y + ROW / 2 + 1, anchor="start", class_="soft"),
        ]
        parts += [
            text_line(text, end, y + ROW / 2 + 1, anchor="end", class_="soft")
            for text, end in zip(row.more, ends, strict=True)
        ]
    return _diagram(
        title, parts, (wide, top + len(rows) * ROW + MARGIN), header, [(row.label, row.text, *row.more) for row in rows]
    )


def _ends(left: float, header: Sequence[str], rows: Sequence[BarRow]) -> list[float]:
    """Return where each column beside the bars ends."""
    ends = list[float]()
    for place, name in enumerate(header[2:]):
        widest = max(width(text, SMALL) for text in (name, *(row.more[place] for row in rows)))
        ends.append((ends[-1] if ends else left) + GAP + widest)
    return ends


def columns(title: str, places: Sequence[str], series: Mapping[str, Sequence[float]]) -> Diagram:
    """Return a chart of columns from below, one for each place (such as a day), with the series on top of one another.

    >>> columns("Messages", ["Mon", "Tue"], {"EMAIL": [2, 3], "SMS": [0, 1]}).to_dicts()
    [{'': 'Mon', 'EMAIL': '2', 'SMS': '0'}, {'': 'Tue', 'EMAIL': '3', 'SMS': '1'}]
    """
    keys = [LegendKey(name, color(place)) for place, name in enumerate(series)]
    area = _Area.of([sum(values) for values in zip(*series.values(), strict=True)], places, keys)
    base = [0.0] * len(places)
    parts = list(area.parts)
    for position, values in enumerate(series.values()):
        for place, value in enumerate(values):
            low, high = area.scale.y(base[place]), area.scale.y(base[place] + value)
            if value:
                x, wide = area.x(place, 0.1), max(area.step * 0.8, 0.5)
                parts.append(element("rect", x=x, y=high, width=wide, height=low - high, class_=color(position)))
            base[place] += value
    rows = zip(places, *([axis_number(value) for value in values] for values in series.values()), strict=True)
    return _diagram(title, parts, area.size, ("", *series), list(rows))


def bands(
    title: str, places: Sequence[str], found: Sequence[tuple[float, float, float]], truth: Sequence[float] | None = None
) -> Diagram:
    """Return a chart of what is expected at each place: a band from low to high with the middle, and what happened.

    `found` has (low, middle, high) for each place; `truth`, if given, is drawn over it, and may be shorter. Few places
    have a box each.

    >>> bands("Sent", ["Mon"], [(1, 2, 4)], [3]).to_dicts()
    [{'': 'Mon', 'low': '1', 'middle': '2', 'high': '4', 'what happened': '3'}]
    """
    real = [] if truth is None else list(truth)
    told_of = [] if truth is None else [LegendKey(HAPPENED, "series1")]
    keys = [LegendKey("from low to high", "series0 faint"), LegendKey("middle", "series0"), *told_of]
    area = _Area.of([*(value for row in found for value in row), *real], places, keys)
    parts = [*area.parts, *(area.boxes(found) if len(places) <= FEW else area.band(found)), *area.dots(real)]
    header = ("", "low", "middle", "high", *([] if truth is None else [HAPPENED]))
    ends = [(axis_number(value),) for value in real] + [("",)] * (len(places) - len(real))
    rows = [
        (place, *map(axis_number, row), *(() if truth is None else end))
        for place, row, end in zip(places, found, ends, strict=True)
    ]
    return _diagram(title, parts, area.size, header, rows)


@frozen
class _Area:
    """The area of a chart of places from left to right: its scale, where it begins, and what is drawn first."""

    scale: Scale
    left: float
    step: float
    parts: Sequence[str]

    @classmethod
    def of(cls, values: Sequence[float], places: Sequence[str], keys: Sequence[LegendKey]) -> "_Area":
        left = MARGIN + Scale.of(values, 0).margin
        parts, top = legend(keys, left, left + WIDE, TOP)
        scale = Scale.of(values, top)
        parts += [*scale.lines(left), *names_below(places, left, top + HIGH + 18)]
        return cls(scale, left, WIDE / max(len(places), 1), parts)

    @property
    def size(self) -> tuple[float, float]:
        return self.left + WIDE + MARGIN, self.scale.top + HIGH + 18 + MARGIN

    def x(self, place: int, part: float = 0.5) -> float:
        return self.left + (place + part) * self.step

    def points(self, values: Sequence[float]) -> list[str]:
        return [f"{px(self.x(place))},{px(self.scale.y(value))}" for place, value in enumerate(values)]

    def band(self, found: Sequence[tuple[float, float, float]]) -> Iterator[str]:
        lows, middles, highs = zip(*found, strict=True)
        outline = " ".join([*self.points(highs), *reversed(self.points(lows))])
        yield element("polygon", points=outline, class_="series0 faint")
        yield element("polyline", points=" ".join(self.points(middles)), class_="curve0")

    def boxes(self, found: Sequence[tuple[float, float, float]]) -> Iterator[str]:
        wide = min(self.step * 0.5, 48)
        for place, row in enumerate(found):
            low, middle, high = map(self.scale.y, row)
            x = self.x(place) - wide / 2
            yield element("rect", x=x, y=high, width=wide, height=max(low - high, 1), class_="series0 faint")
            yield element("path", d=f"M{px(x)} {px(middle)}h{px(wide)}", class_="curve0")

    def dots(self, truth: Sequence[float]) -> Iterator[str]:
        if len(truth) > FEW:
            yield element("polyline", points=" ".join(self.points(truth)), class_="curve1")
        for place, value in enumerate(truth):
            yield element(
                "circle", cx=self.x(place), cy=self.scale.y(value), r=4 if len(truth) <= FEW else 2.5, class_="series1"
            )


def intervals(title: str, header: tuple[str, str], rows: Sequence[IntervalRow], note: str = "") -> Diagram:
    """Return a chart of estimates with their intervals (a forest plot): one below the other, and a line at zero.

    A `note` stands below the title, such as why groups must not be compared.

    >>> intervals("Lift", ("arm", "difference"), [IntervalRow("B", -1, 2, 5, "+2 (-1 to 5)")]).to_dicts()
    [{'arm': 'B', 'difference': '+2 (-1 to 5)'}]
    """
    labels = [cut_to_width(visible(row.label), WIDEST_LABEL, FONT) for row in rows]
    left = MARGIN + max((width(label, FONT) for label in labels), default=0) + 16
    room = BARS
    wide = left + room + GAP + max((width(row.text, SMALL) for row in rows), default=0) + MARGIN
    numbers = ticks(min([0, *(row.low for row in rows)]), max([0, *(row.high for row in rows)]))

    def x(value: float) -> float:
        return left + (value - numbers[0]) / (numbers[-1] - numbers[0]) * room

    lines = broken(visible(note), wide - 2 * MARGIN, SMALL, 3) if note else []
    parts = [
        text_line(line, MARGIN, TOP + place * LINE, anchor="start", class_="soft removed")
        for place, line in enumerate(lines)
    ]
    top = TOP - LINE / 2 + len(lines) * LINE
    bottom = top + len(rows) * ROW
    every = -(-max(width(axis_number(value), SMALL) + 8 for value in numbers) // (room / (len(numbers) - 1)))
    for place, value in enumerate(numbers):
        style = "link zero" if value == 0 else "link grid"
        parts.append(element("path", d=f"M{px(x(value))} {px(top)}V{px(bottom)}", class_=style))
        if place % every == 0:
            parts.append(text_line(axis_number(value), x(value), bottom + 16, class_="soft"))
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y = top + place * ROW + ROW / 2
        line, dot = ("curve0 doubtful", "hollow") if row.doubtful else ("curve0", "series0")
        parts += [
            text_line(label, left - 16, y + 4, anchor="end"),
            element("path", d=f"M{px(x(row.low))} {px(y)}H{px(x(row.high))}", class_=line),
            element("circle", cx=x(row.middle), cy=y, r=5, class_=dot),
            text_line(row.text, left + room + GAP, y + 4, anchor="start", class_="soft"),
        ]
    return _diagram(title, parts, (wide, bottom + 18 + MARGIN), header, [(row.label, row.text) for row in rows])


def _diagram(
    title: str,
    parts: Sequence[str],
    size: tuple[float, float],
    header: Sequence[str],
    rows: Sequence[tuple[str, ...]],
) -> Diagram:
    """Return a chart with its title at its top; one without rows says that there is nothing."""
    if not rows:
        parts, size = nothing()
    svg = whole_picture([heading(title, size[0]), *parts], *size, title=title, description=alt_text(header, rows))
    return Diagram(title, svg, tuple(header), tuple(rows))
