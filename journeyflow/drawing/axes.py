"""What charts share: round numbers along an axis, grids, the names below columns, legends, and titles."""

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10

from attrs import frozen

from journeyflow.basics.markup import element, px, visible
from journeyflow.basics.showing import counted
from journeyflow.drawing.svg import FONT, SERIES, SMALL, text_line
from journeyflow.drawing.text import cut_to_width, width

MARGIN = 16

TOP = 2 * MARGIN + 16
"""Where a chart begins below its title, in pixels."""

LINE = 20
"""The height of a line of a legend or a note."""

WIDE, HIGH = 640, 220
"""The size of the area that a chart draws its values in."""

NARROWEST = 320
"""How wide a picture is at least."""

WIDEST_LABEL = 200
"""How wide a label may be."""


@frozen
class LegendKey:
    """An entry of a legend: its name, and the class of the square before it."""

    name: str
    style: str


def color(position: int) -> str:
    """Return the class of a series, by its position.

    >>> color(0), color(7)
    ('series0', 'series1')
    """
    return f"series{position % len(SERIES)}"


def ticks(low: float, high: float, least: float = 0) -> list[float]:
    """Return round numbers from one at or below `low` to one at or above `high`: four to ten steps.

    No step is smaller than `least`, so that there are fewer.

    >>> ticks(0, 37)
    [0, 5, 10, 15, 20, 25, 30, 35, 40]
    >>> ticks(-3, 2.5)
    [-3, -2, -1, 0, 1, 2, 3]
    >>> ticks(0, 2, least=1)
    [0, 1, 2]
    """
    across = max(high - low, 4 * least) or 1
    power = floor(log10(across / 4))
    # powers below 1 divide, because 3 * 0.1 is not 0.3
    size = next(each for each in (5, 2, 1) if across / 4 >= each * 10.0**power)
    bounds = (low / 10.0**power, high / 10.0**power)
    first, last = floor(round(bounds[0] / size, 6)), ceil(round(bounds[1] / size, 6))
    found = [place * size for place in range(first, max(last, first + 1) + 1)]
    return [each * 10**power if power >= 0 else each / 10**-power for each in found]


def axis_number(value: float) -> str:
    """Return a number of an axis or a table, with separators and no more decimals than it has.

    >>> axis_number(1200), axis_number(0.25), axis_number(3.0)
    ('1,200', '0.25', '3')
    """
    return f"{value:,.10g}"


@frozen
class Scale:
    """The values of a chart, from its bottom to its top, with lines at round numbers; it always holds zero."""

    ticks: Sequence[float]
    top: float

    @classmethod
    def of(cls, values: Sequence[float], top: float) -> "Scale":
        """Return the scale of some values, in an area that begins at `top`; counts have no fractions on it."""
        whole = all(float(value).is_integer() for value in values)
        return cls(ticks(min([0, *values]), max([0, *values]), least=1 if whole else 0), top)

    @property
    def margin(self) -> float:
        """How wide the widest of its numbers is, with the space beside it."""
        return max(width(axis_number(value), SMALL) for value in self.ticks) + 8

    def y(self, value: float) -> float:
        """Return how far down a value is drawn."""
        return self.top + HIGH * (self.ticks[-1] - value) / (self.ticks[-1] - self.ticks[0])

    def lines(self, left: float) -> Iterator[str]:
        """Yield a line across the chart at each round number, and the number before it."""
        for value in self.ticks:
            yield element("path", d=f"M{px(left)} {px(self.y(value))}h{px(WIDE)}", class_="link grid")
            yield text_line(axis_number(value), left - 6, self.y(value) + 4, anchor="end", class_="soft")


def names_below(places: Sequence[str], left: float, y: float) -> Iterator[str]:
    """Yield the names of columns: as many as fit beside one another, the first among them, inside the chart."""
    step = WIDE / max(len(places), 1)
    widest = max((width(visible(place), SMALL) for place in places), default=0)
    every = max(ceil((widest + 10) / step), 1)
    for place in range(0, len(places), every):
        name = cut_to_width(visible(places[place]), WIDEST_LABEL, SMALL)
        reach = width(name, SMALL) / 2
        yield text_line(
            name, min(max(left + (place + 0.5) * step, reach), left + WIDE + MARGIN - reach), y, class_="soft"
        )


def legend(keys: Sequence[LegendKey], left: float, right: float, y: float) -> tuple[list[str], float]:
    """Return a legend in lines from `left` to `right`, and where it ends; nothing for no keys."""
    parts, x = list[str](), left
    for place, key in enumerate(keys):
        name = cut_to_width(visible(key.name), WIDEST_LABEL, SMALL)
        wide = width(name, SMALL) + 36
        if place and x + wide > right:
            x, y = left, y + LINE
        parts.append(element("rect", x=x, y=y - 10, width=12, height=12, class_=key.style))
        parts.append(text_line(name, x + 17, y, anchor="start", class_="soft"))
        x += wide
    return parts, y + LINE if keys else y


def heading(title: str, wide: float) -> str:
    """Return the title of a chart, at its top."""
    return text_line(
        cut_to_width(visible(title), wide - 2 * MARGIN, FONT), MARGIN, MARGIN + 14, anchor="start", class_="strong"
    )


def nothing() -> tuple[list[str], tuple[float, float]]:
    """Return what a chart of nothing shows below its title, and its size."""
    return [text_line("Nothing to show.", MARGIN, TOP + 4, anchor="start", class_="soft")], (NARROWEST, TOP + LINE + 4)


def alt_text(header: Sequence[str], rows: Sequence[object]) -> str:
    """Return what a chart holds, for who cannot see it."""
    return f"{counted(len(rows), 'row')} of {', '.join(name for name in header if name)}; a table says the same."
