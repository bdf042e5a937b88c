"""Words in pictures: how wide they are, and where they are cut or broken.

A picture does not know which font shows it, so widths are those of a wide one (DejaVu Sans): no common font is wider.
"""

import unicodedata
from itertools import accumulate, takewhile

from journeyflow.basics.markup import ELLIPSIS

_CLASSES = {
    "ijlI.,:;'|!`": 0.36,
    ' ()[]{}/\\ftr"-·': 0.42,
    "mwMWQOG%@&": 0.99,
    "ABCDEFHKLNPRSTUVXYZ<>=+~#_": 0.78,
}
_WIDTHS = {character: width for characters, width in _CLASSES.items() for character in characters}
_LATIN, _OTHER, _WIDE = 0.64, 0.9, 1.4
"""Widths in parts of the size of the font: of other Latin letters, of other scripts, and of ideographs and emoji."""

_LAST_LATIN = "\u024f"


def _advance(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.combining(character):
        return 0
    if character <= _LAST_LATIN:
        return _LATIN
    return _WIDE if unicodedata.east_asian_width(character) in "WF" or character > "\uffff" else _OTHER


def width(text: str, size: float) -> float:
    """Return how wide a text is at most, in pixels, in a font of this size.

    >>> width("", 12), width("ill", 100)
    (0.0, 108.0)
    """
    return round(sum(map(_advance, text), 0.0) * size, 1)


def cut_to_width(text: str, room: float, size: float) -> str:
    """Return a text that fits into a number of pixels, with an ellipsis where it was cut.

    >>> cut_to_width("welcome", 40, 12), cut_to_width("hi", 40, 12)
    ('wel…', 'hi')
    """
    if len(text) * size * min(_WIDTHS.values()) <= room and width(text, size) <= room:
        return text
    ends = accumulate((_advance(each) * size for each in text), initial=_advance(ELLIPSIS) * size)
    fits = sum(1 for _ in takewhile(lambda end: end <= room, ends)) - 1
    return text[: max(fits, 0)].rstrip() + ELLIPSIS


def broken(text: str, room: float, size: float, lines: int, between: str = " ") -> list[str]:
    """Return a text in at most a number of lines, broken between words; the last one is cut if more would follow.

    `between` is what stands between what belongs together.

    >>> broken("wait for a click of the first message", 90, 12, 2)
    ['wait for a', 'click of the…']
    """
    words = (cut_to_width(word, room, size) for word in text.split(between))
    found = [next(words, "")]
    for word in words:
        longer = f"{found[-1]}{between}{word}"
        if width(longer, size) <= room:
            found[-1] = longer
        elif len(found) < lines:
            found.append(word)
        else:
            found[-1] = cut_to_width(f"{longer}{ELLIPSIS}", room, size).rstrip(ELLIPSIS).rstrip() + ELLIPSIS
            break
    return found
