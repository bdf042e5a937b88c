"""Pages of HTML that stand alone: headings, sentences, pictures and tables, without script, font or network."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from attrs import Factory, frozen

from journeyflow.basics.html_tables import LONGEST_CELL, PlainTable, cell, html_table, plain_lines
from journeyflow.basics.markup import element, escaped, visible
from journeyflow.basics.showing import counted
from journeyflow.drawing.charts import Diagram
from journeyflow.drawing.svg import STYLE
from journeyflow.errors import shortened

GENERATED = '<meta name="generator" content="journeyflow">'
"""What says of a page that it was written here, and may be written anew."""

_LAYOUT = (
    "body{margin:0 auto;padding:1.5rem;max-width:72rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "body{color:#1f2933;background:#fff}"
    "h1{font-size:1.7rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2.2rem}a{color:#1d4ed8}"
    "figure{margin:1rem 0 1rem -1rem;overflow-x:auto}svg{height:auto}.scroll{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:.9rem;margin:.5rem 0 1rem}"
    "th,td{padding:.25rem .7rem;text-align:right;white-space:nowrap}td{border-top:1px solid #d5dbe1}"
    ".text{text-align:left}td.text{white-space:normal;max-width:34rem;overflow-wrap:break-word}details{margin-bottom:1rem}summary{cursor:pointer}"
    "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0}"
    "dl div{background:#f5f7fa;border-radius:.4rem;padding:.6rem .9rem}dt{color:#52606d;font-size:.85rem}"
    "dd{margin:0;font-size:1.35rem;font-weight:600;line-height:1.3}"
    "@media(min-width:48rem){svg{max-width:100%}}"
    "@media(prefers-color-scheme:dark){body{color:#f0f4f8;background:#16191d}a{color:#93c5fd}td{border-color:#3b444e}"
    "dl div{background:#22272e}dt{color:#b8c4ce}}"
    "@media print{body{max-width:none;padding:0}svg{max-width:100%}details::details-content{content-visibility:visible;"
    "display:block}h2{break-after:avoid}figure,tr,dl{break-inside:avoid}dl div{border:1px solid #d5dbe1}}"
)


@frozen
class Tiles:
    """The figures that matter most, each large, with its name."""

    figures: Mapping[str, object]

    @property
    def header(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self.figures)

    @property
    def rows(self) -> tuple[tuple[object, ...], ...]:
        """The figures, as the one row of a table."""
        return (tuple(self.figures.values()),)


@frozen
class Section:
    """A part of a page: a heading, sentences, and pictures and tables below them."""

    heading: str
    sentences: Sequence[str] = ()
    parts: Sequence[Diagram | PlainTable | Tiles | str] = Factory(tuple)
    """A string is a picture in SVG; all other text belongs into `sentences`, which are escaped."""


@frozen(repr=False)
class ReportPage:
    """A page: its title, sentences below it, and sections; printed as plain text, and in a notebook as itself."""

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    text: str = ""
    """The page as plain text, where that is more than its sentences and tables."""

    def to_html(self) -> str:
        """Return the page as HTML. Nothing in it runs or loads: its own policy forbids all but its style sheets."""
        styles = (_LAYOUT, STYLE)
        hashes = " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in styles)
        head = (
            element("meta", charset="utf-8").replace("/>", ">")
            + f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src {hashes}">'
            + GENERATED
            + '<meta name="viewport" content="width=device-width, initial-scale=1">'
            + element("title", escaped(shortened(self.title)))
            + element("style", _LAYOUT)
            + _STYLE
        )
        body: list[str] = [element("h1", escaped(shortened(self.title))), *_paragraphs(self.lead)]
        body += [
            element(
                "section", element("h2", escaped(shortened(each.heading))), *_paragraphs(each.sentences), *_parts(each)
            )
            for each in self.sections
        ]
        main = element("body", element("main", "\n", *(f"{part}\n" for part in body)))
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n{main}\n</html>\n'

    def __str__(self) -> str:
        """Return what the page says as plain text: its sentences, and its tables and charts in columns."""
        return self.text or "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from (visible(self.title), *map(visible, self.lead))
        for each in self.sections:
            yield from ("", visible(each.heading), *map(visible, each.sentences))
            for part in each.parts:
                if not isinstance(part, str):
                    yield from plain_lines(part.header, part.rows)

    def __repr__(self) -> str:
        """Return the title, and how many sections there are."""
        return f"ReportPage({visible(self.title)[:LONGEST_CELL]!r}, {counted(len(self.sections), 'section')})"

    def _repr_html_(self) -> str:
        """Return the page, in a frame of its own, for a notebook."""
        frame = {"width": "100%", "height": "600", "sandbox": "", "title": self.title[:LONGEST_CELL]}
        return element("iframe", srcdoc=self.to_html(), **frame).replace("/>", "></iframe>")

    def to_dict(self) -> dict[str, object]:
        """Return what the page says as plain values: its sentences, and its tables and charts as rows by header."""
        return {
            "title": self.title,
            "lead": list(self.lead),
            "sections": [
                {"heading": each.heading, "sentences": list(each.sentences), "tables": list(_tables(each))}
                for each in self.sections
            ],
        }


def _tables(section: Section) -> Iterator[list[dict[str, object]]]:
    for part in section.parts:
        if not isinstance(part, str):
            yield [dict(zip(part.header, row, strict=True)) for row in part.rows]


def _paragraphs(sentences: Sequence[str]) -> Iterator[str]:
    return (element("p", escaped(shortened(sentence))) for sentence in sentences)


def _parts(section: Section) -> Iterator[str]:
    for part in section.parts:
        if isinstance(part, PlainTable):
            yield html_table(part)
        elif isinstance(part, Tiles):
            yield _tiles(part)
        elif isinstance(part, Diagram):
            whole = PlainTable(part.header, part.rows)
            folded = element(
                "details", element("summary", escaped(f"{shortened(part.title)} as a table")), html_table(whole)
            )
            yield _figure(part.svg) + folded
        else:
            yield _figure(part)


_STYLE = element("style", STYLE)


def _figure(svg: str) -> str:
    """Return a picture, in a box that scrolls by itself; the style sheet of all pictures is that of the page."""
    return element("figure", svg.replace(_STYLE, ""), tabindex="0")


def _tiles(tiles: Tiles) -> str:
    return element(
        "dl",
        *(
            element("div", element("dt", escaped(name)), element("dd", cell(value)))
            for name, value in tiles.figures.items()
        ),
    )
