"""Writing SVG: elements, whole pictures, and the one style sheet of all pictures, for light and dark surroundings."""

from collections.abc import Iterable, Sequence

from journeyflow.basics.markup import element, escaped, px
from journeyflow.errors import shortened

FONT = 13
"""The size of the text in pictures, in pixels."""

SMALL = 11

LONGEST = 4_000
"""How many characters a description may have: a screen reader reads for minutes."""

FILLS = {
    "start": ("#ffffff", "#16191d"),
    "send": ("#dbeafe", "#1e3a5f"),
    "wait": ("#fef3c7", "#54420f"),
    "condition": ("#ede9fe", "#3d3166"),
    "split": ("#fce7f3", "#5c2347"),
    "update": ("#d1fae5", "#1c4a38"),
    "end": ("#e4e7eb", "#343c46"),
}
"""The color of each kind of box, on a light page and on a dark one."""

LIGHT = {
    "paper": "#ffffff", "ink": "#1f2933", "soft": "#52606d", "line": "#7b8794", "panel": "#f5f7fa",
    **{kind: light for kind, (light, _) in FILLS.items()},
    "added": "#15803d", "removed": "#b91c1c", "changed": "#b45309", "flow": "#bcd3ec", "again": "#f2cfa9",
}  # fmt: skip
DARK = {
    "paper": "#16191d", "ink": "#f0f4f8", "soft": "#b8c4ce", "line": "#8c9aa8", "panel": "#22272e",
    **{kind: dark for kind, (_, dark) in FILLS.items()},
    "added": "#4ade80", "removed": "#f87171", "changed": "#fbbf24", "flow": "#28466b", "again": "#6b4318",
}  # fmt: skip

SERIES = ("#3270b8", "#b4540a", "#2a7d4f", "#7a4fb5", "#b8406e", "#5b6770")
"""The colors of series in charts: each stands out from white and from black by three to one."""

TONES = ("added", "removed", "changed")


def _variables(colors: dict[str, str]) -> str:
    return ";".join(f"--jf-{name}:{color}" for name, color in colors.items())


STYLE = "".join(
    (
        f".jf{{{_variables(LIGHT)};font-family:system-ui,sans-serif;font-size:{FONT}px}}",
        f"@media (prefers-color-scheme:dark){{.jf{{{_variables(DARK)}}}}}",
        ".jf text{fill:var(--jf-ink)}.jf .paper{fill:var(--jf-paper)}.jf .panel{fill:var(--jf-panel)}",
        f".jf .soft{{fill:var(--jf-soft);font-size:{SMALL}px}}.jf .strong{{font-weight:600}}",
        ".jf .link{fill:none;stroke:var(--jf-line);stroke-width:1.5}.jf .head{fill:var(--jf-line)}",
        ".jf .box{stroke:var(--jf-line);stroke-width:1.2}",
        *(f".jf .{kind}{{fill:var(--jf-{kind})}}" for kind in FILLS),
        *(f".jf .box.{tone},.jf .link.{tone}{{stroke:var(--jf-{tone});stroke-width:2.5}}" for tone in TONES),
        *(f".jf .head.{tone},.jf text.{tone}{{fill:var(--jf-{tone})}}" for tone in TONES),
        *(f".jf .series{n}{{fill:{color}}}" for n, color in enumerate(SERIES)),
        *(f".jf .curve{n}{{fill:none;stroke:{color};stroke-width:2.5}}" for n, color in enumerate(SERIES[:2])),
        ".jf .faint{opacity:.3}.jf .grid{opacity:.3}.jf .zero{stroke-dasharray:3 3}.jf .doubtful{stroke-dasharray:5 4}",
        ".jf .lost{fill:var(--jf-removed)}",
        *(f".jf .{way}{{fill:var(--jf-{way});stroke:var(--jf-{way})}}" for way in ("flow", "again")),
        ".jf .over{paint-order:stroke;stroke:var(--jf-paper);stroke-width:3px;stroke-linejoin:round}",
        f".jf .loop{{fill:none;stroke:var(--jf-again)}}.jf .hollow{{fill:var(--jf-paper);stroke:{SERIES[0]}}}",
        ".jf .hollow{stroke-width:2.5}",
        *(f".jf .line.series{n}{{stroke:{color};stroke-width:2.5}}" for n, color in enumerate(SERIES)),
        ".jf .ring{fill:var(--jf-paper)}",
        ".jf rect[class^=series]{stroke:var(--jf-paper);stroke-width:.5}",
        ".jf .removed{stroke-dasharray:5 4}.jf text.removed{stroke-dasharray:none}",
    )
)
"""What every picture looks like. Its names begin with `jf`, so that a page that holds a picture stays as it is."""


def upright(points: Sequence[tuple[float, float]]) -> str:
    """Return a path through points, in curves that leave and meet each upright, straight between two that are in line.

    >>> upright([(0, 0), (0, 8), (4, 16)])
    '0 0L0 8C0 12 4 12 4 16'
    """
    (x, y), *rest = points
    path = f"{px(x)} {px(y)}"
    for end_x, end_y in rest:
        middle = (y + end_y) / 2
        curve = f"C{px(x)} {px(middle)} {px(end_x)} {px(middle)} {px(end_x)} {px(end_y)}"
        path += f"L{px(end_x)} {px(end_y)}" if end_x == x or end_y == y else curve
        x, y = end_x, end_y
    return path


def text_line(text: str, x: float, y: float, *, anchor: str = "middle", class_: str = "") -> str:
    """Return a line of text whose middle, start or end is at a place."""
    style = {"class_": class_} if class_ else {}
    return element("text", escaped(text), x=x, y=y, text_anchor=anchor, **style)


def whole_picture(parts: Iterable[str], width: float, height: float, *, title: str, description: str) -> str:
    """Return a whole picture, as an `svg` element that can stand in a file or inside a page.

    `title` and `description` are read to who cannot see it; very long ones are shortened.
    """
    return element(
        "svg",
        element("title", escaped(shortened(title))),
        element("desc", escaped(shortened(description, LONGEST))),
        element("style", STYLE),
        element("rect", width=width, height=height, class_="paper"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {px(width)} {px(height)}",
        width=width,
        height=height,
        class_="jf",
        role="img",
    )
