"""What happened, from top to bottom: a line for each moment, beside a track for each of the runs that it belongs to."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from journeyflow.basics.markup import element, px, visible
from journeyflow.basics.showing import counted
from journeyflow.drawing.axes import MARGIN, NARROWEST, TOP, color, heading, nothing
from journeyflow.drawing.charts import Diagram
from journeyflow.drawing.svg import FONT, SMALL, text_line, whole_picture
from journeyflow.drawing.text import cut_to_width, width

ROW = 22
"""The height of a line, in pixels."""

APART = 18
"""The space between two tracks."""

PLACE, TEXT = 170, 420
"""How wide the name of a track, and the text of a moment, may be."""

MARKS = {"square": 5.0, "ring": 5.0, "dot": 4.0}
"""How a moment is marked, and how large that is to each side."""

MOST = 12
"""How many tracks have a place of their own; later ones share the last."""


@frozen
class TrackRow:
    """A moment: when it was, on which track (None for none), how it is marked, and what is said of it.

    `place` names the track. `since` says how long after the moment above it was, where that is worth a word. `last` is
    whether the track ends here.
    """

    when: str
    track: int | None
    mark: str
    place: str
    text: str
    since: str = ""
    last: bool = False


def tracks(title: str, rows: Sequence[TrackRow], more: str = "") -> Diagram:
    """Return moments from top to bottom; `more` says above them what is left out.

    >>> tracks("ann", [TrackRow("2026-01-05 09:00", 0, "ring", "welcome #1", "enters")]).to_dicts()
    [{'when': '2026-01-05 09:00', 'where': 'welcome #1', 'what': 'enters'}]
    """
    many = min(max((row.track + 1 for row in rows if row.track is not None), default=0), MOST)
    texts = [cut_to_width(visible(row.text), TEXT, FONT) for row in rows]
    places = [cut_to_width(visible(row.place), PLACE, SMALL) for row in rows]
    clock = MARGIN + max((width(visible(text), SMALL) for row in rows for text in (row.when, row.since)), default=0)
    first = clock + APART
    named = first + many * APART
    said = named + max((width(place, SMALL) for place in places), default=0) + 14
    wide = max(said + max((width(text, FONT) for text in texts), default=0), NARROWEST) + MARGIN
    top = TOP
    parts = [heading(title, wide)]
    if more:
        parts.append(
            text_line(cut_to_width(visible(more), wide - 2 * MARGIN, SMALL), MARGIN, top, anchor="start", class_="soft")
        )
        top += ROW
    ys = list(_heights(rows, top))
    parts += _lines(rows, ys, first)
    for row, place, text, y in zip(rows, places, texts, ys, strict=True):
        if row.since:
            parts.append(text_line(row.since, clock, y - ROW + 4, anchor="end", class_="soft"))
        parts += [
            text_line(row.when, clock, y + 4, anchor="end", class_="soft"),
            _mark(row, _x(first, row.track or 0), y),
            text_line(place, named, y + 4, anchor="start", class_="soft"),
            text_line(text, said, y + 4, anchor="start"),
        ]
    empty, size = ([], (wide, ys[-1] + ROW / 2 + MARGIN)) if rows else nothing()
    described = f"{counted(len(rows), 'moment')}, oldest first; a table says the same."
    svg = whole_picture([*parts, *empty], *size, title=title, description=described)
    return Diagram(title, svg, ("when", "where", "what"), tuple((row.when, row.place, row.text) for row in rows))


def _heights(rows: Sequence[TrackRow], top: float) -> Iterator[float]:
    """Yield how far down each row is; one that says how long after the last it was has a line more."""
    y = top
    for row in rows:
        y += ROW if row.since else 0
        yield y
        y += ROW


def _x(first: float, track: int) -> float:
    return first + min(track, MOST - 1) * APART


def _lines(rows: Sequence[TrackRow], ys: Sequence[float], first: float) -> Iterator[str]:
    """Yield a line for each track, from its first moment to its last; one that goes on does so to the end."""
    for track in dict.fromkeys(row.track for row in rows if row.track is not None):
        own = [(y, row.last) for row, y in zip(rows, ys, strict=True) if row.track == track]
        end = own[-1][0] if any(last for _, last in own) else ys[-1] + ROW / 2
        path = f"M{px(_x(first, track))} {px(own[0][0])}V{px(end)}"
        yield element("path", d=path, class_=f"line {color(track)}")


def _mark(row: TrackRow, x: float, y: float) -> str:
    reach = MARKS[row.mark]
    style = "head" if row.track is None else color(row.track)
    if row.mark == "square":
        return element("rect", x=x - reach, y=y - reach, width=2 * reach, height=2 * reach, class_=style)
    return element("circle", cx=x, cy=y, r=reach, class_=f"line {style} ring" if row.mark == "ring" else style)
