"""Files of hosts as they are: how they are written, opened and decoded, and the lines that cannot be read.

Everything that reads events or customers reads with the same `FileOptions`.
"""

import codecs
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypedDict
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import zone
from journeyflow.basics.values import describe
from journeyflow.errors import InvalidInput, did_you_mean, quoted

Source = str | PathLike[str] | BinaryIO
"""A file: its path, or a stream of bytes that is open for reading, such as `sys.stdin.buffer`."""

LineCells = dict[str, object]
"""The values of a row, by the names of their columns."""

# --- lines ------------------------------------------------------------------------------------------------------------


@frozen
class BadLine:
    """A line that could not be read: its number in the file, from 1, and the reason.

    A quote that is never closed takes more than one: `lines` counts them, and `number` is the first.
    """

    number: int
    reason: str
    lines: int = 1

    def __str__(self) -> str:
        """Return the number of the line, or the span, and the reason."""
        span = f"line {self.number}" if self.lines == 1 else f"lines {self.number} to {self.number + self.lines - 1}"
        return f"{span}: {self.reason}"


Bad = Callable[[BadLine], object]
"""Is called with each line that cannot be read."""

BytesRead = Callable[[int], object]
"""A function that is called with the number of bytes read from the file so far."""


def silent(_: int) -> None:
    """Show no progress."""


@frozen
class FileKind:
    """What a file of rows must have: the columns that are `needed`, and values that can be read.

    `unread` returns what will be wrong with values of a row once it is taken, so that a row with other faults says all.
    """

    needed: tuple[str, ...]
    unread: Callable[[LineCells], Iterable[str]]


# --- options ----------------------------------------------------------------------------------------------------------


class FileKeywords(TypedDict, total=False):
    """The fields of `FileOptions`, as keyword arguments."""

    delimiter: str | None
    encoding: str | None
    timezone: str | None
    columns: Mapping[str, str]
    list_separator: str | None
    decimal_comma: bool | None
    trim: bool


def _delimiter(value: object) -> object:
    return "\t" if value in ("tab", "\\t") else value


def _read_only(value: object) -> object:
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


@frozen
class FileOptions:
    """How a file of events or customers is written; nothing but the first line of a file is guessed.

    `delimiter` separates the cells of a CSV file, one character or "tab"; by default it is the one of a first line such
    as `sep=;`, or that of comma, semicolon, tab and "|" with which the header has the columns it must have. `encoding`
    is that of Python; by default UTF-8, or the UTF-16 or UTF-32 that the first bytes show. `timezone` is the IANA zone
    of instants without an offset, which are refused without it. `columns` maps names of columns, or of keys in JSON, to
    the names that they have here. `list_separator` separates the members in cells of `lists` and `tags`, and the
    channels in `consent`. `decimal_comma` is whether 0,5 is a number, and 1.200 is 1200; other points, as in 1.2, are
    then faults. By default, where semicolons or tabs separate cells, 0,5 and 0.5 are both numbers, and 1.200, which may
    be either, is a fault. `trim` removes blanks around cells, which are refused otherwise.

    Raises InvalidInput with every fault.
    """

    delimiter: str | None = field(default=None, converter=_delimiter)
    encoding: str | None = None
    timezone: str | None = None
    columns: Mapping[str, str] = field(factory=dict, converter=_read_only, hash=False)
    list_separator: str | None = None
    decimal_comma: bool | None = None
    trim: bool = False

    def __attrs_post_init__(self) -> None:
        """Check the options on creation."""
        if found := list(_option_faults(self)):
            raise InvalidInput(found)

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of instants without an offset."""
        return None if self.timezone is None else zone(self.timezone)


def _option_faults(options: FileOptions) -> Iterator[str]:
    """Yield what is wrong with options."""
    sign, separator = options.delimiter, options.list_separator
    if sign is not None and (not isinstance(sign, str) or len(sign) != 1 or sign in '"\r\n\0'):
        yield f"delimiter: must be one character such as ';', or 'tab', not {describe(sign)}"
    if separator is not None and (not isinstance(separator, str) or not separator):
        yield f"list_separator: must be text such as '|', not {describe(separator)}"
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=options.encoding)
    except (LookupError, ValueError, TypeError):
        yield f"encoding: {quoted(options.encoding)} is not an encoding of text such as 'utf-8', 'utf-16' or 'cp1252'"
    try:
        _ = options.zone
    except ValueError as error:
        yield f"timezone: {error}"
    if not isinstance(options.columns, Mapping) or not all(
        isinstance(name, str) for pair in options.columns.items() for name in pair
    ):
        yield f"columns: must map names of columns to names, not {describe(options.columns)}"
    for name, value in (("decimal_comma", options.decimal_comma), ("trim", options.trim)):
        if not isinstance(value, bool | None) or (name == "trim" and value is None):
            yield f"{name}: must be true or false, not {describe(value)}"


def file_options(keywords: FileKeywords) -> FileOptions:
    """Return options of keyword arguments; raises TypeError for one that there is not."""
    for name in keywords:
        if name not in FileKeywords.__annotations__:
            msg = f"unknown option {name!r}{did_you_mean(name, FileKeywords.__annotations__)}"
            raise TypeError(msg)
    return FileOptions(**keywords)


# --- opening ----------------------------------------------------------------------------------------------------------

LOOK = 8_192
"""How many bytes the first look at a file sees."""

FOREIGN = {
    b"PK\x03\x04": ("an Excel workbook or another zip archive", 'save it as "CSV UTF-8"'),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", 'save it as "CSV UTF-8"'),
    b"\x1f\x8b": ("compressed with gzip", "unpack it first (gunzip -c FILE, and - for standard input in the shell)"),
    b"PAR1": ("a Parquet file", "write CSV or NDJSON"),
    b"SQLite format 3\0": ("an SQLite database", "write CSV or NDJSON"),
}
"""The first bytes of files that people give instead of CSV, what they are, and what to do with them."""


MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",  # with which a mark of UTF-32 begins
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The byte order marks, and the encodings that they show."""


def foreign(head: bytes) -> tuple[str, str] | None:
    """Return what a file is that begins so, and what to do with it; None if it may be text."""
    return next((told for magic, told in FOREIGN.items() if head.startswith(magic)), None)


class _Counted(io.RawIOBase):
    """A stream of bytes that counts what is read from it; it need not be able to seek."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, room: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        data = self.file.read(len(room))
        if not isinstance(data, bytes):
            msg = f"give a file that is open for reading bytes (mode 'rb'), not text: {describe(data)}"
            raise TypeError(msg)
        room[: len(data)] = data
        self.count += len(data)
        return len(data)


class Opened:
    """A file that is open: its name for messages, and its text.

    `start` is the first character that is not a blank; `misread` is whether the first bytes are none of the encoding.
    """

    def __init__(self, name: str, file: BinaryIO, encoding: str | None) -> None:
        """Look at the first bytes; raises InvalidInput for a file of another kind."""
        self.name = name
        self._bytes = _Counted(file)
        buffered = io.BufferedReader(self._bytes, LOOK)  # type: ignore[type-var]  # still a RawIOBase
        head = buffered.peek(LOOK)
        if told := foreign(head):
            raise InvalidInput([f"{name}: this is {'; '.join(told)}"])
        marked = next((known for mark, known in MARKS.items() if head.startswith(mark)), None)
        if marked and encoding is not None and not codecs.lookup(encoding).name.startswith(marked):
            msg = (
                f"{name}: its first bytes are the mark of {marked}, not {encoding}; leave the encoding out (--encoding)"
            )
            raise InvalidInput([msg])
        self.encoding = json.detect_encoding(head) if encoding is None or marked else encoding
        if codecs.lookup(self.encoding).name == "utf-8":
            self.encoding = "utf-8-sig"
        self.text = io.TextIOWrapper(buffered, encoding=self.encoding, errors="surrogateescape", newline="")
        try:
            seen = codecs.getincrementaldecoder(self.encoding)("surrogateescape").decode(head)
        except UnicodeError as error:
            raise InvalidInput([f"{name}: this is not {self.encoding} text: {error}"]) from error
        self.start = seen.lstrip()[:1]
        self.misread = self.undecoded(seen) is not None

    def bytes_read(self) -> int:
        """Return how many bytes were read so far."""
        return self._bytes.count

    def undecoded(self, text: str) -> str | None:
        """Return the fault of a text with bytes that the encoding does not have, or None."""
        if text.isascii() or not _UNDECODED.search(text):
            return None
        name = self.encoding.removesuffix("-sig")
        return f"contains a lone surrogate, which is not valid text: the file is not {name}{OTHER_ENCODING}"


_UNDECODED = re.compile("[\udc80-\udcff]")

OTHER_ENCODING = "; name its encoding, for Excel perhaps encoding='cp1252' (--encoding cp1252 in the shell)"


@contextmanager
def opened(source: Source, options: FileOptions) -> Iterator[Opened]:
    """Open a file, or use a stream, which is left open. Raises InvalidInput for a path at which no file can be read."""
    if isinstance(source, str | PathLike):
        with _opened(source) as file:
            yield Opened(fspath(source), file, options.encoding)
    else:
        yield Opened(source_name(source), source, options.encoding)


def _opened(path: str | PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # the latter for a path that no system knows
        why = getattr(error, "strerror", None) or error
        raise InvalidInput([f"{quoted(fspath(path))}: {why}; name a file that can be read"]) from error


def source_name(source: Source) -> str:
    """Return the name of a file for messages.

    >>> source_name("events.csv"), source_name(io.BytesIO())
    ('events.csv', 'the stream')
    """
    if isinstance(source, str | PathLike):
        return fspath(source)
    if source is getattr(sys.stdin, "buffer", None):
        return "standard input"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the stream"


def size_of(source: Source) -> int:
    """Return the size of a file in bytes, 0 if it is unknown."""
    if isinstance(source, str | PathLike):
        with suppress(OSError, ValueError):  # which opening it tells
            return Path(source).stat().st_size
    return 0
