"""Graphs as pictures: boxes with lines of text, arrows between them, and what is said above."""

from collections.abc import Callable, Sequence

from attrs import frozen

from journeyflow.basics.markup import element, escaped, px, visible
from journeyflow.drawing.layers import Connector, Point, layout
from journeyflow.drawing.svg import FONT, SMALL, text_line, upright, whole_picture
from journeyflow.drawing.text import broken, cut_to_width, width

MARGIN = 20
PADDING = 14
LINE = 18
"""The height of a line of text, in pixels."""

WIDEST = 250
"""How wide the text of a box, or of a label, may be."""

NARROWEST = 100


@frozen
class Box:
    """A box: its shape, a word above, a name, what it does, figures below, and its tone: added, removed or changed."""

    shape: str
    word: str
    name: str
    text: str = ""
    figures: str = ""
    tone: str = ""


@frozen
class Fact:
    """A line of the panel above a graph: a word, a text, and its tone."""

    word: str
    text: str
    tone: str = ""


@frozen
class Arrow:
    """An arrow from one box to another, by their positions, with its label and its tone."""

    start: int
    end: int
    label: str = ""
    tone: str = ""


SIGNS = {"added": "+ ", "removed": "\N{MINUS SIGN} ", "changed": "± "}
"""What stands before a word of each tone, for whom its color says nothing."""


def graph(boxes: Sequence[Box], arrows: Sequence[Arrow], facts: Sequence[Fact], *, title: str, description: str) -> str:
    """Return a graph as SVG, from top to bottom, with facts in a panel above."""
    texts = [_lines(box) for box in boxes]
    sizes = [_size(box, lines) for box, lines in zip(boxes, texts, strict=True)]
    labels = [cut_to_width(visible(arrow.label), WIDEST, SMALL) for arrow in arrows]
    links = [
        Connector(arrow.start, arrow.end, width(label, SMALL) + 8 if label else 0, LINE if label else 0)
        for arrow, label in zip(arrows, labels, strict=True)
    ]
    found = layout(sizes, links)
    wide = max(found.width, 320)
    panel, high = _panel(facts, wide)
    left, top = MARGIN + (wide - found.width) / 2, MARGIN + high

    def moved(point: Point) -> Point:
        return (point[0] + left, point[1] + top)

    parts = [panel]
    parts += [_arrow(arrow, [moved(p) for p in route]) for arrow, route in zip(arrows, found.routes, strict=True)]
    parts += [
        _box(box, lines, moved(middle), size)
        for box, lines, middle, size in zip(boxes, texts, found.boxes, sizes, strict=True)
    ]
    parts += [
        _label(label, moved(middle), link, arrow.tone)
        for label, middle, link, arrow in zip(labels, found.labels, links, arrows, strict=True)
        if middle
    ]
    return whole_picture(
        parts, wide + 2 * MARGIN, found.height + high + 2 * MARGIN, title=title, description=description
    )


# --- boxes ------------------------------------------------------------------------------------------------------------

TextLine = tuple[str, str, int]
"""A line of a box: its text, its class and the size of its font."""


def _lines(box: Box) -> list[TextLine]:
    lines = [(SIGNS.get(box.tone, "") + box.word, f"soft {box.tone}".strip(), SMALL)]
    lines += [(line, "strong", FONT) for line in broken(visible(box.name), WIDEST, FONT, 2)]
    lines += [(line, "", FONT) for line in broken(visible(box.text), WIDEST, FONT, 3) if line]
    lines += [(line, "soft", SMALL) for line in broken(visible(box.figures), WIDEST, SMALL, 2, " · ") if line]
    return lines


def _size(box: Box, lines: Sequence[TextLine]) -> tuple[float, float]:
    text = max(width(line, size) for line, _, size in lines) * 1.05
    _, sides = _SHAPES[box.shape]
    return max(text, NARROWEST) + 2 * (PADDING + sides), len(lines) * LINE + PADDING


def _box(box: Box, lines: Sequence[TextLine], middle: Point, size: tuple[float, float]) -> str:
    x, y = middle
    wide, high = size
    shape, _ = _SHAPES[box.shape]
    drawn = shape(x - wide / 2, y - high / 2, wide, high, f"box {box.shape} {box.tone}".strip())
    first = y - (len(lines) - 1) * LINE / 2 + FONT / 3
    rows = [text_line(text, x, first + LINE * row, class_=style) for row, (text, style, _) in enumerate(lines)]
    whole = " · ".join(each for each in (box.word, box.name, box.text, box.figures) if each)
    return element("g", element("title", escaped(cut_to_width(visible(whole), 4 * WIDEST, FONT))), drawn, *rows)


def _outline(*points: tuple[float, float]) -> str:
    return " ".join(f"{px(x)},{px(y)}" for x, y in points)


def _rectangle(x: float, y: float, wide: float, high: float, style: str, *, round_: float = 4) -> str:
    return element("rect", x=x, y=y, width=wide, height=high, rx=round_, class_=style)


def _pill(x: float, y: float, wide: float, high: float, style: str) -> str:
    return _rectangle(x, y, wide, high, style, round_=min(high / 2, 24))


def _leaning(x: float, y: float, wide: float, high: float, style: str) -> str:
    points = _outline((x + 12, y), (x + wide, y), (x + wide - 12, y + high), (x, y + high))
    return element("polygon", points=points, class_=style)


def _pointed(x: float, y: float, wide: float, high: float, style: str) -> str:
    a, b = x + 18, x + wide - 18
    points = _outline((x, y + high / 2), (a, y), (b, y), (x + wide, y + high / 2), (b, y + high), (a, y + high))
    return element("polygon", points=points, class_=style)


def _spreading(x: float, y: float, wide: float, high: float, style: str) -> str:
    points = _outline((x + 16, y), (x + wide - 16, y), (x + wide, y + high), (x, y + high))
    return element("polygon", points=points, class_=style)


def _barred(x: float, y: float, wide: float, high: float, style: str) -> str:
    bars = [element("path", d=f"M{px(at)} {px(y)}v{px(high)}", class_="link") for at in (x + 6, x + wide - 6)]
    return _rectangle(x, y, wide, high, style, round_=0) + "".join(bars)


def _doubled(x: float, y: float, wide: float, high: float, style: str) -> str:
    return _pill(x, y, wide, high, style) + _pill(x + 3, y + 3, wide - 6, high - 6, style)


Shape = Callable[[float, float, float, float, str], str]

_SHAPES: dict[str, tuple[Shape, float]] = {
    "start": (_pill, 4),
    "send": (_leaning, 8),
    "wait": (_pill, 6),
    "condition": (_pointed, 12),
    "split": (_spreading, 12),
    "update": (_barred, 6),
    "end": (_doubled, 6),
}
"""How each shape is drawn, and how much of its width is no room for text, at each side."""


# --- arrows -----------------------------------------------------------------------------------------------------------


def _arrow(arrow: Arrow, points: Sequence[Point]) -> str:
    """Draw an arrow: curves that leave and meet each point upright, or around a box, and a head."""
    return element("path", d=f"M{upright(points)}", class_=f"link {arrow.tone}".strip()) + _head(points, arrow.tone)


def _head(points: Sequence[Point], tone: str) -> str:
    (_, from_y), (x, y) = points[-2:]
    if y == from_y:  # around the side of its own box
        tips = ((x, y), (x + 8, y - 5), (x + 8, y + 5))
    else:
        back = -8 if y > from_y else 8
        tips = ((x, y), (x - 5, y + back), (x + 5, y + back))
    return element("polygon", points=_outline(*tips), class_=f"head {tone}".strip())


def _label(text: str, middle: Point, link: Connector, tone: str) -> str:
    x, y = middle
    paper = element("rect", x=x - link.width / 2, y=y - LINE / 2, width=link.width, height=LINE, class_="paper")
    return paper + text_line(text, x, y + SMALL / 3, class_=f"soft {tone}".strip())


# --- the panel above --------------------------------------------------------------------------------------------------


def _panel(facts: Sequence[Fact], wide: float) -> tuple[str, float]:
    """Draw the facts above a graph, each from a line of its own on; return how high they are, with the space below."""
    said = [(SIGNS.get(fact.tone, "") + fact.word, fact) for fact in facts]
    column = max((width(word, SMALL) for word, _ in said), default=0) + PADDING
    rows: list[str] = []
    y = MARGIN + PADDING + FONT / 2
    for word, fact in said:
        rows.append(text_line(word, MARGIN + PADDING, y, anchor="start", class_=f"soft {fact.tone}".strip()))
        for line in broken(visible(fact.text), wide - column - 2 * PADDING, FONT, 3):
            rows.append(text_line(line, MARGIN + PADDING + column, y, anchor="start", class_=fact.tone))
            y += LINE
    high = y - MARGIN - FONT / 2
    return _rectangle(MARGIN, MARGIN, wide, high, "panel") + "".join(rows), high + PADDING
