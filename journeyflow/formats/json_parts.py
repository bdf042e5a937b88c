"""Reading the parts of a JSON file strictly: every fault is noted with its place, and readable parts are kept.

The readers of all dialects are built from this: tables of keys, each with the function that reads it.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, ClassVar

from journeyflow.basics.values import MAX_DEPTH, describe
from journeyflow.errors import ERROR, InvalidJourney, Problem, quoted, shortened, suggestions

MAX_FILE_DEPTH = 4 * MAX_DEPTH
"""How many levels of JSON a file may have: a rule takes two for each of its own levels, its operand some more."""

UNREAD, UNNAMED = "(unread)", "(without id)"
"""Placeholders for the id of a journey in a file that cannot be read, or has no id."""

TOO_DEEP = Problem("depth", ERROR, "", f"the file is nested deeper than {MAX_FILE_DEPTH} levels")

JsonObject = dict[str, Any]
"""An object of a file."""

# --- JSON -------------------------------------------------------------------------------------------------------------


class _Doubled(dict[str, Any]):
    """A JSON object with duplicate keys, which `twice` names."""

    twice: tuple[str, ...] = ()


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) == len(items):
        return found
    doubled = _Doubled(found)
    counts = Counter(key for key, _ in items)
    doubled.twice = tuple(key for key in found if counts[key] > 1)
    return doubled


def too_deep(value: object) -> bool:
    """Return whether lists and objects are nested deeper than MAX_FILE_DEPTH, without recursion."""
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, dict | list):
            if depth > MAX_FILE_DEPTH:
                return True
            stack.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return False


def parse(text: str) -> Any:  # noqa: ANN401 any JSON
    """Parse the JSON of a file of any kind; ValueError says in a sentence why it is none.

    >>> parse('{"id": "j"}')
    {'id': 'j'}
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(TOO_DEEP.message) from None
    except (ValueError, TypeError) as error:
        path = isinstance(text, str) and text.endswith(".json") and "\n" not in text
        hint = "; give the text of the file, not its path" if path else ""
        msg = f"this is not JSON: {_beginning(text) or _place(error, text)}{hint}"
        raise ValueError(msg) from None


def _beginning(text: object) -> str | None:
    """Return why a file is not JSON at all, by how it begins; None if it begins as JSON, or is not text."""
    if not isinstance(text, str):
        return None
    begin = text.lstrip()[:1]
    if not begin:
        return "it is empty"
    return None if begin in "{[" else f"it begins with {quoted(text.lstrip().splitlines()[0])}, not with {{ or ["


_EXPECTED = {
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Expecting ':' delimiter": "expected a colon after the key",
    "Expecting ',' delimiter": "expected a comma",
    "Extra data": "expected nothing after the end",
}
"""What a reader of JSON expected, by the message of Python's."""


def expected(error: Exception) -> str:
    """Return what was expected of a text that is not JSON, or what is wrong with it.

    >>> try:
    ...     json.loads('{"id" 5}')
    ... except ValueError as error:
    ...     print(expected(error))
    expected a colon after the key
    """
    message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return _EXPECTED.get(message, message)


def _place(error: Exception, text: str) -> str:
    """Return where a text stops being JSON, and what was expected there."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    found = text[error.pos : error.pos + 1]
    found = f", not {found!r}" if found.strip() and error.msg in _EXPECTED else ", where it ends" if not found else ""
    return f"line {error.lineno}, column {error.colno}: {expected(error)}{found}"


def parse_json(text: str) -> Any:  # noqa: ANN401 any JSON
    """Parse the JSON of a journey file of any dialect; raises InvalidJourney where it is none."""
    try:
        return parse(text)
    except ValueError as error:
        deep = str(error) == TOO_DEEP.message
        raise InvalidJourney(UNREAD, [TOO_DEEP if deep else Problem("json", ERROR, "", str(error))]) from None


# --- parts ------------------------------------------------------------------------------------------------------------

ReadPart = Callable[[Any, Any, str], Any]
"""A function (reader, value, path) that reads a part; it returns None if nothing of the part can be read."""


class PartReader:
    """A reader of the parts of one file; `faults` collects the faults, `hints` is what to write for a missing key."""

    hints: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.faults: list[Problem] = []
        self.suggest = suggestions()

    def fault(self, code: str, path: str, message: str) -> None:
        """Note a fault."""
        self.faults.append(Problem(code, ERROR, path, message))

    def fields(self, value: object, path: str, known: Mapping[str, ReadPart], *needed: str) -> dict[str, Any]:
        """Read the keys of an object, each by its reader; null counts as absent, and a missing needed key is None."""
        if not isinstance(value, dict):
            self.fault("type", path, f"expected an object, not {describe(value)}")
            return {}
        self.doubled(value, path)
        read: dict[str, Any] = dict.fromkeys(needed)
        for name in needed:
            if value.get(name) is None:
                self.fault("missing", joined(path, name), f"missing{self.hints.get(name, '')}")
        for key, inner in value.items():
            if key not in known:
                hint = self.suggest(key, known) or f"; known are {', '.join(sorted(known))}"
                self.fault("unknown-key", joined(path, key), f"unknown key {key!r}{hint}")
            elif inner is not None and (got := known[key](self, inner, joined(path, key))) is not None:
                read[key] = got
        return read

    def doubled(self, value: object, path: str) -> None:
        """Note a fault for each duplicate key of an object."""
        for key in value.twice if isinstance(value, _Doubled) else ():
            self.fault("duplicate-key", joined(path, key), f"the key {key!r} stands twice in one object")

    # --- values -------------------------------------------------------------------------------------------------------

    def text(self, value: object, path: str) -> str | None:
        """Read a text."""
        if isinstance(value, str):
            return value
        self.fault("type", path, f"expected text, not {describe(value)}")
        return None

    def boolean(self, value: object, path: str) -> bool | None:
        """Read true or false."""
        if isinstance(value, bool):
            return value
        self.fault("type", path, f"expected true or false, not {describe(value)}")
        return None

    def number(self, value: object, path: str) -> float | None:
        """Read a number."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        self.fault("type", path, f"expected a number, not {describe(value)}")
        return None

    def anything(self, value: object, path: str) -> object:
        """Read any JSON, checking for duplicate keys only; validation checks the rest."""
        stack = [(value, path)]
        while stack:
            item, where = stack.pop()
            self.doubled(item, where)
            if isinstance(item, dict):
                stack.extend((inner, joined(where, key)) for key, inner in item.items())
            elif isinstance(item, list):
                stack.extend((inner, f"{where}[{position}]") for position, inner in enumerate(item))
        return value


def joined(path: str, key: object) -> str:
    """Return the path of a key, cut if it is long; characters that cannot be encoded are escaped."""
    name = shortened(str(key)).encode("utf-8", "backslashreplace").decode()
    return f"{path}.{name}" if path else name


MAX_ANCESTORS = 2 * MAX_FILE_DEPTH
"""How many parts around a part are looked at: a key of a file may have any number of dots in it."""


def ancestors(path: str) -> list[str]:
    """Return the paths of a part and of all parts that it is inside of, from the whole file on.

    >>> ancestors("steps[0].id")
    ['', 'steps', 'steps[0]', 'steps[0].id']
    """
    ends = islice(_PART_END.finditer(path), MAX_ANCESTORS)
    return ["", *(path[: found.start()] for found in ends), path]


_PART_END = re.compile(r"(?!^)[.\[]")


# --- making readers --------------------------------------------------------------------------------------------------


def list_of(read: ReadPart) -> ReadPart:
    """Return a reader of lists; a member that cannot be read becomes None."""

    def members(reader: PartReader, value: object, path: str) -> list[Any] | None:
        if isinstance(value, list):
            return [read(reader, inner, f"{path}[{position}]") for position, inner in enumerate(value)]
        reader.fault("type", path, f"expected a list, not {describe(value)}")
        return None

    return members


def parsed_by(parse: Callable[[Any], Any], code: str) -> ReadPart:
    """Return a reader that parses a value, noting a ValueError or TypeError as a fault with this code."""

    def parsed(reader: PartReader, value: object, path: str) -> object:
        try:
            return parse(value)
        except (ValueError, TypeError) as error:
            reader.fault(code, path, str(error))
        return None

    return parsed


def format_number(known: int) -> ReadPart:
    """Return a reader of the number of a file's format, which has to be the known one."""

    def number(reader: PartReader, value: object, path: str) -> None:
        if type(value) is not int or value != known:
            newer = "; a newer journeyflow may read it" if type(value) is int and value > known else ""
            reader.fault("format", path, f"expected {known}, not {describe(value)}{newer}")

    return number


def part_of(make: Callable[..., Any], known: Mapping[str, ReadPart], *needed: str) -> ReadPart:
    """Return a reader of objects with known keys, which calls `make` with those that could be read."""

    def part(reader: PartReader, value: object, path: str) -> object:
        return make(**{**dict.fromkeys(needed), **reader.fields(value, path, known, *needed)})

    return part
