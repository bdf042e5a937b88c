"""What pages of the site are made of: the frame, its style sheet, links, tables, and instants in two zones."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime
from hashlib import sha256
from urllib.parse import quote
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.markup import ELLIPSIS, element, escaped
from journeyflow.drawing.svg import DARK, LIGHT, SERIES, STYLE

LONGEST = 1_000
"""How many characters of a text are shown: an error is not longer."""

HEADING = 200
"""How many characters of a name a heading shows."""

SHORT = 80
"""How many characters of a name are shown where it is a link or a heading among others."""


class Markup(str):
    """Text that is markup already: whatever is a plain `str` is escaped."""

    __slots__ = ()


class Figure(Markup):
    """Markup that stands in a column of numbers."""

    __slots__ = ()


Content = object
"""What a cell of a table holds: `Markup` as it is, numbers with separators, None as a dash, anything else as text."""

NOTHING = Markup("\N{EN DASH}")


def _colors(colors: Mapping[str, str]) -> str:
    named = {"paper": "paper", "ink": "ink", "soft": "soft", "panel": "panel", "line": "end", "good": "added"}
    named |= {"bad": "removed", "doubt": "changed"}
    return "".join(f"--{name}:{colors[key]};" for name, key in named.items())


LAYOUT = "".join(
    (
        f":root{{color-scheme:light dark;{_colors(LIGHT)}--link:#1d4ed8}}",
        f"@media(prefers-color-scheme:dark){{:root{{{_colors(DARK)}--link:#93c5fd}}}}",
        "*{box-sizing:border-box}body{margin:0;font:.9rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}",
        "body{color:var(--ink);background:var(--paper)}",
        "a{color:var(--link)}:focus-visible{outline:2px solid var(--link);outline-offset:2px}",
        ".skip{position:absolute;left:-99rem}.skip:focus{left:.5rem;top:.5rem;background:var(--paper);padding:.5rem}",
        "header{background:var(--panel);border-bottom:1px solid var(--line);padding:.5rem 1rem}",
        "header{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:center}header form{margin-left:auto}",
        "header .brand{font-weight:600;color:var(--ink);text-decoration:none}",
        "form{display:flex;gap:.4rem;align-items:center;flex-wrap:wrap}",
        "input,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft)}",
        "input,button{border-radius:.3rem;padding:.25rem .5rem;max-width:100%}button{background:var(--panel)}",
        "main{padding:.75rem 1rem 3rem;max-width:86rem;margin:0 auto}",
        "h1{font-size:1.35rem;line-height:1.3;margin:.4rem 0 .3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}",
        "p{margin:.3rem 0}.soft{color:var(--soft)}.wide{max-width:60rem}",
        ".trail{font-size:.85rem;color:var(--soft)}.trail a{color:inherit}",
        ".scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;font-size:.85rem;min-width:min(100%,30rem)}",
        "th{font-weight:600;color:var(--soft);white-space:nowrap}",
        "th,td{padding:.22rem .9rem .22rem 0;text-align:right;vertical-align:top}td{border-top:1px solid var(--line)}",
        "tbody tr:hover{background:var(--panel)}td:not(.text){white-space:nowrap}",
        ".text{text-align:left;min-width:5rem}td.text{max-width:34rem;overflow-wrap:break-word}",
        "td ul{margin:0;padding-left:1.1rem}",
        "time,.badge{white-space:nowrap}.badge{font-weight:600}",
        ".good{color:var(--good)}.bad{color:var(--bad)}.doubt{color:var(--doubt)}",
        ".notice{border-left:4px solid var(--doubt);background:var(--panel);padding:.5rem .8rem;margin:.6rem 0}",
        "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.5rem;margin:.7rem 0}",
        "dl div{background:var(--panel);border-radius:.3rem;padding:.4rem .7rem}dt{color:var(--soft);font-size:.8rem}",
        "dd{margin:0;font-size:1.15rem;font-weight:600}",
        "figure{margin:.4rem 0;overflow-x:auto;max-width:100%}figure>svg{height:auto}",
        ".beside{display:flex;flex-wrap:wrap;gap:0 2rem;align-items:flex-start}",
        ".beside>div{flex:1 1 36rem;min-width:0}section h2:first-child{margin-top:1.2rem}",
        ".figure{display:inline-block;min-width:4rem}.long{min-width:14rem}",
        f".spark{{vertical-align:middle;fill:{SERIES[0]}}}",
        "code{font-family:ui-monospace,monospace;font-size:.95em;white-space:pre-wrap}",
        ".more{margin:.5rem 0}",
        "@media print{header form,.more{display:none}}",
    )
)

_STYLES = (LAYOUT, STYLE)
_HASHES = " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in _STYLES)

HEADERS: Mapping[str, str] = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        f"default-src 'none'; style-src {_HASHES}; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every page: nothing runs, nothing is loaded, kept or framed, and no address leads out with a link."""

_HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
)


@frozen
class SitePage:
    """A page: its title, the way to it as (words, address), and what it shows, as markup."""

    title: str
    parts: Sequence[str]
    trail: Sequence[tuple[str, str]] = ()
    status: int = 200


def written(page: SitePage, tenant: str | None) -> str:
    """Return a page as HTML; without a tenant, it has no links."""
    head = f"{_HEAD}{element('title', escaped(f'{short(page.title)} - journeyflow'))}{element('style', LAYOUT)}"
    if any("<svg" in part for part in page.parts):
        head += element("style", STYLE)
    trail = " / ".join(element("a", escaped(short(words)), href=address) for words, address in page.trail)
    shown = [element("nav", trail, aria_label="Where you are", class_="trail")] if trail else []
    body = (
        element("a", "Skip to the content", href="#content", class_="skip"),
        "" if tenant is None else _header(tenant),
        element(
            "main", *shown, element("h1", escaped(cut(page.title, HEADING))), *page.parts, id="content", tabindex="-1"
        ),
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>{element("body", *body)}</html>\n'


def _header(tenant: str) -> str:
    search = (
        '<label for="find">Customer</label>'
        '<input id="find" name="id" type="search" required maxlength="200" autocomplete="off" size="22">'
        + element("button", "Find", type="submit")
    )
    links = ("./", "Journeys"), ("audit", "Audit")
    nav = element("nav", " ".join(element("a", words, href=address) for address, words in links), aria_label="Site")
    return element(
        "header",
        element("a", "journeyflow", href="./", class_="brand"),
        element("span", escaped(short(tenant)), class_="soft"),
        nav,
        element("form", search, action="customer", method="get", role="search"),
    )


# --- texts and links --------------------------------------------------------------------------------------------------


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text that is not too long, with an ellipsis where it was cut.

    >>> cut("welcome", 4), cut("hi", 4)
    ('wel…', 'hi')
    """
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS


def short(text: str) -> str:
    """Return a name that is not too long."""
    return cut(text, SHORT)


def address(page: str, **asked: object) -> str:
    """Return the address of a page of the site, from any other; parameters that are None are left out.

    >>> address("journey", id="a b/c", after=None)
    'journey?id=a%20b%2Fc'
    """
    given = [f"{name}={quote(str(value), safe='')}" for name, value in asked.items() if value is not None]
    return page + ("?" + "&".join(given) if given else "")


def link(words: str, page: str, **asked: object) -> Markup:
    """Return a link to a page of the site."""
    return Markup(element("a", escaped(short(words)) or "(no name)", href=address(page, **asked)))


def paragraph(*words: str, class_: str = "wide") -> Markup:
    """Return a paragraph; text that is not markup is escaped."""
    return Markup(element("p", *map(_spaced, words), class_=class_))


def _spaced(words: str) -> str:
    """Return a part of a sentence as markup, with the spaces at its ends."""
    if isinstance(words, Markup):
        return words
    return " " * words.startswith(" ") + escaped(cut(words)) + " " * words.endswith(" ")


def notice(*words: str) -> Markup:
    """Return a paragraph that stands out."""
    return paragraph(*words, class_="notice")


def beside(left: str, right: Iterable[str]) -> Markup:
    """Return a picture with what belongs beside it, if both have room; else below it."""
    return Markup(element("div", left, element("div", *right), class_="beside"))


def section(heading: str, *parts: str) -> Markup:
    """Return a part of a page."""
    return Markup(element("section", element("h2", escaped(heading)), *parts))


def as_markup(value: Content) -> Markup:
    """Return a value as markup: text escaped and cut, numbers with separators, None and no text as a dash.

    >>> as_markup(1200), as_markup("<b>"), as_markup(Markup("<b>x</b>")), as_markup(None) == NOTHING
    ('1,200', '&lt;b&gt;', '<b>x</b>', True)
    """
    if isinstance(value, Markup):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Markup(f"{value:,}")
    return Markup(escaped(cut(str(value)))) if value not in (None, "") else NOTHING


_TONES = {
    **dict.fromkeys(("ACTIVE", "SENT", "COMPLETED"), "good"),
    **dict.fromkeys(("FAILED",), "bad"),
    **dict.fromkeys(("PAUSED", "SUPPRESSED", "EXPIRED", "CANCELLED", "SKIPPED", "EXITED", "refused"), "doubt"),
}


def badge(status: str) -> Markup:
    """Return a status with its color."""
    return Markup(element("span", escaped(status), class_=f"badge {_TONES.get(status, '')}".strip()))


def listed(lines: Iterable[str]) -> Markup:
    """Return lines as a list; a single one as it is."""
    found = [as_markup(line) for line in lines]
    return Markup(element("ul", *(element("li", line) for line in found))) if len(found) > 1 else Markup("".join(found))


# --- instants ---------------------------------------------------------------------------------------------------------


def when(at: datetime | None, where: ZoneInfo | None = None) -> Markup:
    """Return an instant, to the second, in a zone, by default in UTC.

    >>> when(datetime(2026, 1, 5, 9, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))
    '<time datetime="2026-01-05T09:00:00+00:00">2026-01-05 18:00:00</time>'
    """
    if at is None:
        return NOTHING
    try:
        local = at.astimezone(where or UTC)
    except OverflowError:  # where the calendar of the zone ends
        local = at
    return Markup(element("time", local.strftime("%Y-%m-%d %H:%M:%S"), datetime=at.astimezone(UTC).isoformat()))


def with_offset(at: datetime | None, where: ZoneInfo | None) -> Markup:
    """Return an instant in a zone with the zone's distance from UTC then; a dash without a zone.

    >>> with_offset(datetime(2026, 1, 5, 9, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))[-34:]
    '>2026-01-05 18:00:00</time> +09:00'
    """
    if at is None or where is None:
        return NOTHING
    text = at.astimezone(where).strftime("%z") if at.year < MAXYEAR else "+0000"
    return Markup(f"{when(at, where)} {text[:3]}:{text[3:5]}")


def is_utc(where: ZoneInfo) -> bool:
    """Return whether a zone needs no column of its own beside UTC."""
    return where.key in {"UTC", "Etc/UTC"}


def time_names(name: str, where: ZoneInfo) -> tuple[str, ...]:
    """Return the headings of the cells of `times`.

    >>> time_names("made", ZoneInfo("Asia/Tokyo")), time_names("made", ZoneInfo("UTC"))
    (('made (Asia/Tokyo)', 'UTC'), ('made (UTC)',))
    """
    return (f"{name} (UTC)",) if is_utc(where) else (f"{name} ({where.key})", "UTC")


def times(at: datetime | None, where: ZoneInfo) -> tuple[Markup, ...]:
    """Return an instant as cells: in a zone, and in UTC beside it."""
    return (when(at),) if is_utc(where) else (when(at, where), when(at))


def both_times(at: datetime | None, where: ZoneInfo) -> Markup:
    """Return an instant in a zone, named, and in UTC, in one text."""
    if at is None or is_utc(where):
        return Markup(f"{when(at)} UTC") if at else NOTHING
    return Markup(f"{when(at, where)} {escaped(where.key)} ({when(at)} UTC)")


# --- tables, figures and bars -----------------------------------------------------------------------------------------


def _are_figures(cells: Iterable[Content]) -> bool:
    """Return whether a column has numbers, and nothing else where it has anything."""
    known = [each for each in cells if each is not None]
    return bool(known) and all(isinstance(each, int | float | Figure) for each in known)


LONG = frozenset({"why", "why not", "now", "last error", "what", "compared", "what it does"})
"""The columns that hold sentences."""


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[Content]], empty: str = "None.") -> Markup:
    """Return a table in a box that scrolls by itself; or a sentence, if it has no rows."""
    if not rows:
        return paragraph(empty, class_="soft")
    classes = [
        {} if _are_figures(row[place] for row in rows) else {"class_": "text long" if name in LONG else "text"}
        for place, name in enumerate(header)
    ]
    heads = (element("th", escaped(name), scope="col", **of) for name, of in zip(header, classes, strict=True))
    lines = (
        element("tr", *(element("td", as_markup(cell), **of) for cell, of in zip(row, classes, strict=True)))
        for row in rows
    )
    whole = element("table", element("thead", element("tr", *heads)), element("tbody", *lines))
    return Markup(element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=title))


def figures(found: Mapping[str, Content]) -> Markup:
    """Return the figures that matter most, each large, with its name."""
    tiles = (
        element("div", element("dt", escaped(name)), element("dd", as_markup(value))) for name, value in found.items()
    )
    return Markup(element("dl", *tiles))


def framed(svg: str, name: str) -> Markup:
    """Return a picture, in a box that scrolls by itself; the page has the style sheet of all pictures."""
    inside = svg.replace(element("style", STYLE), "")
    return Markup(element("figure", inside, tabindex="0", role="group", aria_label=name))


def bar(part: int, whole: int, wide: int = 120) -> Figure:
    """Return a number after a bar as long as its part of a whole."""
    long = max(round(wide * min(part / whole, 1), 1), 1 if part else 0) if whole else 0
    inside = element("rect", width=long, height=10)
    return Figure(
        element("svg", inside, class_="spark", width=wide, height=10, aria_hidden="true")
        + element("span", f"{part:,}", class_="figure")
    )


def sparkline(values: Sequence[int], name: str) -> Markup:
    """Return a row of columns, read out as its numbers."""
    wide, high, most = 6, 22, max(values, default=0) or 1
    columns = (
        element("rect", x=place * wide, y=high - tall, width=wide - 1, height=tall)
        for place, value in enumerate(values)
        if (tall := round(high * value / most, 1) or (1 if value else 0))
    )
    said = f"{name}: {', '.join(f'{value:,}' for value in values)}"
    base = element("rect", x=0, y=high, width=wide * len(values) - 1, height=1)
    size = {"width": wide * len(values), "height": high + 1}
    return Markup(element("svg", base, *columns, class_="spark", **size, role="img", aria_label=said))


def older(cursor: object, words: str, page: str, **asked: object) -> Iterator[Markup]:
    """Yield the link to the next part of a list, if it has one."""
    if cursor is not None:
        yield Markup(element("p", link(words, page, **asked, after=cursor), class_="more"))
