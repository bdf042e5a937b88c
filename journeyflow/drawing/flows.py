"""Flows as pictures (Sankey diagrams): how many go from one box to the next, as ribbons of that width.

Boxes stand in layers from top to bottom, as in the picture of a graph; a ribbon that leads back has a color of its own.
"""

from collections.abc import Iterator, Sequence

from attrs import frozen

from journeyflow.basics.markup import element, escaped, px, visible
from journeyflow.drawing.axes import (
    MARGIN,
    NARROWEST,
    TOP,
    WIDEST_LABEL,
    LegendKey,
    axis_number,
    heading,
    legend,
    nothing,
)
from journeyflow.drawing.charts import Diagram
from journeyflow.drawing.layers import Connector, Point, layout
from journeyflow.drawing.svg import FONT, SMALL, text_line, upright, whole_picture
from journeyflow.drawing.text import cut_to_width, width
from journeyflow.errors import shortened

WIDEST = 340
"""How wide the box is that most go through."""

HEIGHT = 26
"""The height of a box; its label stands inside, or reaches over its sides."""

EDGE = 5
"""The height of the edge of a box that shows how many were lost there."""

LOOP = 6
"""How thick a way is that leads back to its own box: its number is beside it, and its width would hide the picture."""

HEADER = ("from", "to", "how many")


@frozen
class FlowBox:
    """What many go through: its shape (the kind of a step), its name, how many came, and how many went no further."""

    shape: str
    name: str
    value: float
    lost: float = 0


@frozen
class Flow:
    """How many go from one box to another, by their positions, and what the way is called."""

    start: int
    end: int
    value: float
    label: str = ""


def flow(title: str, boxes: Sequence[FlowBox], flows: Sequence[Flow], lost: str = "left here") -> Diagram:
    """Return a flow from top to bottom. Ways that nobody took, and boxes that nobody came to, are in the table alone.

    >>> flow("Flow", [FlowBox("send", "hi", 3), FlowBox("end", "end", 2)], [Flow(0, 1, 2)]).to_dicts()
    [{'from': 'hi', 'to': 'end', 'how many': '2'}]
    """
    kept = [place for place, box in enumerate(boxes) if box.value]
    places = {place: found for found, place in enumerate(kept)}
    taken = [each for each in flows if each.value and each.start in places and each.end in places]
    drawn = _Drawn.of([boxes[place] for place in kept], taken, places)
    back = any(ribbon.back for ribbon in drawn.ribbons)
    keys = [LegendKey("how many go on", "flow")] if taken else []
    keys += [LegendKey("once more", "again")] if back else []
    keys += [LegendKey(lost, "lost")] if any(box.lost for box in boxes) else []
    wide = max(drawn.width, NARROWEST) + 2 * MARGIN
    parts, top = legend(keys, MARGIN, wide - MARGIN, TOP)
    parts += drawn.parts((wide - drawn.width) / 2, top, lost)
    rows = tuple(
        (" · ".join(filter(None, (boxes[each.start].name, each.label))), boxes[each.end].name, axis_number(each.value))
        for each in flows
    )
    size = (wide, top + drawn.height + MARGIN)
    if not kept:
        parts, size = nothing()
    described = f"{len(rows)} ways between {len(boxes)} boxes, and how many took each; a table says the same."
    svg = whole_picture([heading(title, size[0]), *parts], *size, title=title, description=described)
    return Diagram(title, svg, HEADER, rows)


@frozen
class _Ribbon:
    """A way as it is drawn: the points of its middle, how thick it is, whether it leads back, and its label."""

    points: Sequence[Point]
    thickness: float
    back: bool
    label: str
    middle: Point | None
    told: str


@frozen
class _Drawn:
    """The boxes and ribbons with their places, from (0, 0) on."""

    boxes: Sequence[FlowBox]
    middles: Sequence[Point]
    widths: Sequence[float]
    labels: Sequence[str]
    ribbons: Sequence[_Ribbon]
    width: float
    height: float

    @classmethod
    def of(cls, boxes: Sequence[FlowBox], flows: Sequence[Flow], places: dict[int, int]) -> "_Drawn":
        ends = [(places[each.start], places[each.end]) for each in flows]
        out = [
            sum(each.value for each, (start, _) in zip(flows, ends, strict=True) if start == n)
            for n in range(len(boxes))
        ]
        into = [
            sum(each.value for each, (_, end) in zip(flows, ends, strict=True) if end == n) for n in range(len(boxes))
        ]
        values = [max(box.value, *both) for box, *both in zip(boxes, out, into, strict=True)]
        scale = WIDEST / max(values, default=1)
        widths = [max(value * scale, 2) for value in values]
        labels = [f"{cut_to_width(visible(box.name), WIDEST_LABEL, FONT)} · {axis_number(box.value)}" for box in boxes]
        ways = [_way(each) for each in flows]
        thick = [min(max(each.value * scale, 1), LOOP if each.start == each.end else WIDEST) for each in flows]
        links = [
            Connector(*both, width(way, SMALL) + 8 if way else 0, 16 if way else 0, thickness)
            for both, way, thickness in zip(ends, ways, thick, strict=True)
        ]
        sizes = [(max(wide, width(label, FONT) + 8), HEIGHT) for wide, label in zip(widths, labels, strict=True)]
        found = layout(sizes, links)
        routes = _ported(found.boxes, widths, links, found.routes)
        ribbons = [
            _Ribbon(points, link.thickness, _leads_back(found.boxes, link), way, middle, told)
            for points, link, way, middle, told in zip(
                routes, links, ways, found.labels, [_told(boxes, places, each) for each in flows], strict=True
            )
        ]
        return cls(boxes, found.boxes, widths, labels, ribbons, found.width, found.height)

    def parts(self, left: float, top: float, lost: str) -> Iterator[str]:
        """Yield everything that is drawn, moved so far; labels come last, above all ribbons."""
        for each in sorted(self.ribbons, key=lambda ribbon: ribbon.back):
            yield element(
                "g",
                element("title", escaped(shortened(each.told))),
                _ribbon([(x + left, y + top) for x, y in each.points], each),
            )
        for box, (x, y), wide in zip(self.boxes, self.middles, self.widths, strict=True):
            at = {"x": x + left - wide / 2, "y": y + top - HEIGHT / 2}
            gone = min(box.lost / (box.value or 1), 1) * wide
            told = f"{box.name}: {axis_number(box.value)}" + (f", {axis_number(box.lost)} {lost}" if box.lost else "")
            edge = {"x": x + left + wide / 2 - gone, "y": y + top + HEIGHT / 2 - EDGE}
            yield element(
                "g",
                element("title", escaped(shortened(told))),
                element("rect", **at, width=wide, height=HEIGHT, class_=f"box {box.shape}"),
                element("rect", **edge, width=max(gone, 1), height=EDGE, class_="lost") if gone else "",
            )
        for label, (x, y), wide in zip(self.labels, self.middles, self.widths, strict=True):
            yield text_line(label, x + left, y + top + FONT / 3 - 1, class_=_over(label, FONT, wide))
        for each in self.ribbons:
            if each.middle is not None:
                x, y = each.middle
                yield text_line(
                    each.label, x + left, y + top + SMALL / 3, class_=_over(each.label, SMALL, each.thickness)
                )


def _way(each: Flow) -> str:
    """Return what a way is called, with its number; a way back to its own box has its number without a name too."""
    if not each.label and each.start != each.end:
        return ""
    return " · ".join(filter(None, (cut_to_width(visible(each.label), WIDEST_LABEL, SMALL), axis_number(each.value))))


def _over(label: str, size: float, room: float) -> str:
    """Return the class of a label: one that reaches over the sides of what it names is set off from them."""
    return "over" if width(label, size) > room else ""


def _told(boxes: Sequence[FlowBox], places: dict[int, int], each: Flow) -> str:
    way = f" ({each.label})" if each.label else ""
    return f"{boxes[places[each.start]].name} to {boxes[places[each.end]].name}{way}: {axis_number(each.value)}"


def _leads_back(middles: Sequence[Point], link: Connector) -> bool:
    return middles[link.end][1] <= middles[link.start][1]


def _ported(
    middles: Sequence[Point], widths: Sequence[float], links: Sequence[Connector], routes: Sequence[Sequence[Point]]
) -> list[list[Point]]:
    """Return the routes with their ends moved: at each side of a box, ribbons lie beside one another from the left."""
    found = [list(route) for route in routes]
    for box, ((x, _), wide) in enumerate(zip(middles, widths, strict=True)):
        for above in (True, False):
            ends = [
                (route, end)
                for route, link in enumerate(links)
                if link.start != link.end
                for end, at in ((0, link.start), (-1, link.end))
                if at == box and (_leads_back(middles, link) == (end == 0)) == above
            ]
            place = x - wide / 2
            for route, end in sorted(ends, key=lambda each: found[each[0]][1 if each[1] == 0 else -2][0]):
                thickness = links[route].thickness
                inside = max(x + (wide - thickness) / 2, x)  # more may come back to a box than went on from it
                found[route][end] = (min(place + thickness / 2, inside), found[route][end][1])
                place += thickness
    return found


def _ribbon(points: Sequence[Point], ribbon: _Ribbon) -> str:
    """Draw a ribbon: down, or up, between two boxes; or around the side of one."""
    (x, y), *rest = points
    if points[0][0] == points[-1][0] and points[0][1] != points[-1][1] and points[1][1] == y:
        path = f"M{px(x)} {px(y)}" + "".join(f"L{px(a)} {px(b)}" for a, b in rest)
        return element("path", d=path, class_="loop", stroke_width=ribbon.thickness)
    half = ribbon.thickness / 2
    sides = [upright([(a - half, b) for a, b in points]), upright([(a + half, b) for a, b in reversed(points)])]
    return element("path", d=f"M{sides[0]}L{sides[1]}Z", class_="again" if ribbon.back else "flow")
