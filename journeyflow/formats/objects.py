"""JSON files as rows: one object in each line (NDJSON), or one array of objects, read as a stream."""

import json
import re
from collections.abc import Iterator
from typing import TextIO

from journeyflow.basics.values import describe
from journeyflow.formats.files import Bad, BadLine, LineCells, Opened
from journeyflow.formats.json_parts import expected

CHUNK = 8_192
"""How many characters of an array are read at a time; an object that is longer doubles them."""

MARGIN = 300
"""Characters at the end of what was read in which a fault may come from the cut, and not from the file."""

_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")


def json_rows(file: Opened, bad: Bad) -> Iterator[tuple[int, LineCells]]:
    """Yield (line number, object) of a file that begins with { or [; what is none is passed to `bad`."""
    values = _array(file.text, bad) if file.start == "[" else _lines(file.text, bad)
    for number, text, value in values:
        if fault := file.undecoded(text):
            bad(BadLine(number, fault))
        elif isinstance(value, dict):
            yield number, value
        else:
            bad(BadLine(number, f"expected an object, not {describe(value)}"))


def _unique(pairs: list[tuple[str, object]]) -> LineCells:
    row = dict(pairs)
    if len(row) != len(pairs):
        seen = set[str]()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # None
        msg = f"the key {twice!r} stands twice"
        raise ValueError(msg)
    return row


def _no_constant(name: str) -> None:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _lines(text: TextIO, bad: Bad) -> Iterator[tuple[int, str, object]]:
    """Yield (line number, text, value) of each line that is JSON and not blank."""
    for number, line in enumerate(text, 1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        try:
            value = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            bad(BadLine(number, f"this is not JSON: {_reason(error)}"))
        else:
            yield number, line, value


def _reason(error: Exception) -> str:
    """Return what is wrong with a text; its place is that of the line."""
    return "it is nested too deep" if isinstance(error, RecursionError) else expected(error)


class _Window:
    """The part of a long text that is being read, and the number of the line where it begins."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.part = ""
        self.at = 0
        self.line = 1
        self.ended = False

    def more(self) -> bool:
        """Read at least as much again as is left; return whether there was anything."""
        left = self.part[self.at :]
        new = self.text.read(max(CHUNK, len(left)))
        self.part, self.at, self.ended = left + new, 0, not new
        return bool(new)

    def advance(self, to: int) -> None:
        """Go on to a place in the part, and count the lines up to there."""
        self.line += len(_LINE_END.findall(self.part, self.at, to))
        self.at = to

    def next_sign(self) -> str:
        """Return the next character that is not a blank, and stop at it; empty at the end."""
        while True:
            self.advance(_BLANKS.match(self.part, self.at).end())  # type: ignore[union-attr]  # matches always
            if self.at < len(self.part) or not self.more():
                return self.part[self.at : self.at + 1]

    def value(self) -> tuple[str, object]:
        """Return the JSON value that begins here, with its text, and stop after it; ValueError if there is none."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.part, self.at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.part) - MARGIN
                if not (cut and self.more()):
                    raise
            else:
                if end < len(self.part) or not self.more():
                    text = self.part[self.at : end]
                    self.advance(end)
                    return text, value

    def skip_to(self, sign: re.Pattern[str]) -> bool:
        """Stop at the last character of the next place that matches; return whether there is one."""
        while not (found := sign.search(self.part, self.at)):
            self.advance(max(self.at, len(self.part) - MARGIN))
            if not self.more():
                self.advance(len(self.part))
                return False
        self.advance(found.end() - 1)
        return True


def _array(text: TextIO, bad: Bad) -> Iterator[tuple[int, str, object]]:
    """Yield (line number, text, value) of each element of an array.

    After a fault it goes on at the next line that begins as the first element does.
    """
    window = _Window(text)
    window.next_sign()
    window.advance(window.at + 1)
    sign = window.next_sign()
    before = _LINE_END.split(window.part[: window.at])[-1]
    indent = before if not before.strip() and len(before) < MARGIN // 2 else ""
    element = re.compile(rf"[\r\n]{indent}(,[ \t]*)?\{{")
    while sign != "]":
        line = window.line
        try:
            inner, value = window.value()
            yield line, inner, value
            sign = window.next_sign()
            if sign not in {",", "]"}:
                line = window.line
                msg = "expected , or ] after an object"
                raise ValueError(msg)  # noqa: TRY301 the one place for faults follows
            if sign == ",":
                window.advance(window.at + 1)
                window.next_sign()
        except (ValueError, RecursionError) as error:
            found = window.skip_to(element)
            lines = max(1, window.line - line + (not found))
            bad(BadLine(line, f"this is not JSON: {_reason(error)}", lines))
            if not found:
                return
    window.advance(window.at + 1)
    if window.next_sign():
        bad(BadLine(window.line, "this is not JSON: text stands after the end of the array"))
