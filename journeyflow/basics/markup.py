"""Elements of HTML and SVG, and texts in them of which nothing is read as markup."""

import unicodedata
from html import escape

ELLIPSIS = "…"

_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""What joins the parts of an emoji and of letters in some scripts."""


def visible(text: str) -> str:
    r"""Return a text without what has no shape of its own: control characters, direction marks, lone surrogates.

    Such characters can reorder or hide the text beside them; each run of them becomes a space.

    >>> visible("a\nb\u202ec")
    'a b c'
    """
    if text.isprintable():
        return " ".join(text.split())
    shown = (" " if unicodedata.category(each) in _SHAPELESS and each not in _JOINERS else each for each in text)
    return " ".join("".join(shown).split())


def escaped(text: str) -> str:
    """Return a text in which nothing is read as markup, in an element or in an attribute.

    >>> escaped('<b onclick="x">&')
    '&lt;b onclick=&quot;x&quot;&gt;&amp;'
    """
    return escape(visible(text))


def px(value: float) -> str:
    """Return a number as SVG writes it, with at most one decimal.

    >>> px(3.0), px(2.25), px(-0.01)
    ('3', '2.2', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, *inside: str, **attributes: object) -> str:
    """Return an element; what is inside is markup already, attributes are escaped. `class_` is written `class`.

    >>> element("circle", cx=1.5, cy=2, class_="head")
    '<circle cx="1.5" cy="2" class="head"/>'
    """
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inside)}</{name}>" if inside else f"<{name}{said}/>"


def _attribute(value: object) -> str:
    return px(value) if isinstance(value, int | float) else escaped(str(value))
