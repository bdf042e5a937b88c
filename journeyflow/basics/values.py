"""Which values can be stored: the JSON values that every store keeps without changing them.

Every value that comes from a host or a file is checked once by `value_faults`, on the way in. A value that passes is
written and read back equal by every store: text without lone surrogates or NUL, integers of 64 bits, finite numbers,
lists, and objects with text keys, nested at most `MAX_DEPTH` levels deep.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from math import isfinite
from types import MappingProxyType
from typing import Any, cast

from journeyflow.basics.chance import SEPARATOR
from journeyflow.errors import MISSING, WRONG, Fault, shortened

MAX_DEPTH = 64
"""The deepest nesting of a value or a rule: far deeper than people write, far below the interpreter's own limit."""

MAX_ID = 200
"""The longest id, in characters: enough for any UUID, e-mail address or path, short enough for an index."""

BINARY = (bytes, bytearray, memoryview)
"""What can be iterated and holds numbers, where a host means a text."""

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)

_make = getattr(json.encoder, "c_make_encoder", None)  # `encode` makes one each time; None without C

_chunks: Callable[[object, int], Iterable[str]] = (
    _make(None, _ENCODER.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    if _make
    else lambda value, _: (_ENCODER.encode(value),)
)

_join = "".join

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # `decode` without its search for whitespace


def dumps(value: object) -> str:
    """Return a value as compact JSON text, with keys in their own order.

    >>> dumps({"b": 1, "a": ["ö"]})
    '{"b":1,"a":["ö"]}'
    """
    return _join(_chunks(value, 0))


def loads(text: str) -> Any:  # noqa: ANN401 any JSON value
    """Return the value that `dumps` wrote, without surrounding whitespace. Raise ValueError for any other text.

    >>> loads('{"b":1,"a":["ö"]}')
    {'b': 1, 'a': ['ö']}
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        value, end = None, -1
    if end != len(text):
        msg = "malformed JSON"
        raise json.JSONDecodeError(msg, text, end)
    return value


def loads_each(texts: Sequence[str]) -> list[Any]:
    """Return the values of several texts that `dumps` wrote, parsed at once. Raise ValueError as `loads` does.

    Parsing them together makes each name that they share only once.

    >>> loads_each(['{"b":1}', '{"b":2}'])
    [{'b': 1}, {'b': 2}]
    """
    return loads_joined(",".join(texts), len(texts))


def loads_joined(text: str, count: int) -> list[Any]:
    """Return values whose texts were joined with commas, given how many they are. Raise ValueError as `loads` does.

    >>> loads_joined('{"b":1},{"b":2}', 2), loads_joined("", 0)
    ([{'b': 1}, {'b': 2}], [])
    """
    values: list[Any] = loads(f"[{text}]")
    if len(values) != count:
        msg = "malformed JSON: a value is more than one"
        raise ValueError(msg)
    return values


def text_fault(text: str) -> str | None:
    """Return what is wrong with a text, or None.

    >>> text_fault("fine"), text_fault("a" + chr(0))
    (None, 'contains a NUL character')
    """
    if "\x00" in text:
        return "contains a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "contains a lone surrogate, which is not valid text (a file must be UTF-8)"
    return None


plain_text: Callable[[object], str] = str.__str__
"""Return what is text of any class, such as a member of an enum of texts, as plain text: all that a file keeps."""

PADDING = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""What may stand around a text unseen: blanks, line ends and spaces of no width."""

_PLAIN_ID = re.compile(f"[!-~]{{1,{MAX_ID}}}")
"""What nearly all ids are: text of visible ASCII characters."""

_VISIBLE = re.compile(
    "[^\\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""A character that can be seen: no blank, no control, no mark without a shape or a width of its own."""


def is_blank(text: str) -> bool:
    """Return whether a text has no character that can be seen.

    >>> is_blank("a"), is_blank(""), is_blank(" " + chr(0x200B))
    (False, True, True)
    """
    return _VISIBLE.search(text) is None


def id_fault(value: object) -> str | None:
    """Return why a value cannot be an id, or None: an id is text of 1 to 200 characters without U+001F (R38).

    >>> id_fault("c1"), id_fault(""), id_fault(7)
    (None, 'must not be empty', 'must be text, not int 7')
    """
    if not isinstance(value, str):
        return f"must be text, not {describe(value)}"
    if _PLAIN_ID.fullmatch(value):
        return None
    if not value:
        return "must not be empty"
    if len(value) > MAX_ID:
        return f"has {len(value)} characters; at most {MAX_ID} are allowed"
    if SEPARATOR in value:
        return "contains U+001F, which is reserved"
    return text_fault(value) or (f"must not be blank: {value!a} has no visible character" if is_blank(value) else None)


def id_faults(**named: object) -> list[str]:
    """Return the faults of ids, each with the name of the argument.

    >>> id_faults(worker="w1", tenant=None, key=7)
    ['tenant: must be text, not null', 'key: must be text, not int 7']
    """
    found = ((name, id_fault(value), value) for name, value in named.items())
    return [Fault(name, fault, MISSING if value is None else WRONG) for name, fault, value in found if fault]


def describe(value: object) -> str:
    """Return a value with its type, shortened, for a message; a tuple is shown as the list it was made from.

    >>> describe("x"), describe(None), describe(True), describe((1, 2))
    ("str 'x'", 'null', 'bool True', 'list [1, 2]')
    """
    if value is None:
        return "null"
    kind = list if type(value) is tuple else type(value)
    try:
        shown = repr(thaw(value) if kind in {dict, list} else value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list of thousands of levels
        shown = "(too large to show)"
    except Exception:  # noqa: BLE001 a host's object is shown in an error about it
        shown = "(cannot be shown)"
    return f"{kind.__name__} {shown if len(shown) <= 60 else shown[:57] + '...'}"  # noqa: PLR2004 a line's width


_PLAIN = (bool, dict, list, tuple, MappingProxyType)
"""Types that need no look at their value, of those that come often; an abstract class is slow to ask."""

_LISTS = (list, tuple)

_SCALARS = (str, int, float, type(None))
"""What has no parts; of what passed as a value, all else is a list or an object."""

_OBJECTS = (dict, MappingProxyType, Mapping)
"""What an object may be, the usual types first: an abstract class is slow to ask."""


def value_faults(value: object, path: str = "") -> Iterator[str]:
    """Yield a sentence for everything in a value that cannot be stored, with its path.

    >>> list(value_faults({"a": [1, float("nan")]}, "data"))
    ['data.a[1]: nan is not a finite number']
    >>> list(value_faults({"ok": [1, 2.5, "x", True, None, {"y": "z"}]}))
    []
    """
    return iter(()) if is_sound(value) else _explained(value, path)


def is_sound(value: object) -> bool:
    """Return whether a value is one of the usual ones, and can be stored; another one may yet have no fault.

    >>> is_sound({"a": [1, None]}), is_sound({"a": float("nan")})
    (True, False)
    """
    return _is_sound(value, MAX_DEPTH)


def _is_sound(value: object, levels: int) -> bool:
    """Return whether a value is one of the usual ones, nested at most this many levels; others need a closer look."""
    kind = type(value)
    if kind in _IS_SOUND:
        return _IS_SOUND[kind](value)
    if not levels:
        return False
    if kind is dict or kind is MappingProxyType:
        for key, part in cast("Mapping[object, object]", value).items():  # `all` would make a generator for each object
            if type(key) is not str or text_fault(key) is not None or not _is_sound(part, levels - 1):
                return False
        return True
    return kind in _LISTS and all(_is_sound(part, levels - 1) for part in cast("Sequence[object]", value))


_IS_SOUND: dict[type, Callable[[Any], bool]] = {
    str: lambda text: text_fault(text) is None,
    int: lambda number: INTEGER_MIN <= number <= INTEGER_MAX,
    float: isfinite,
    bool: lambda _: True,
    type(None): lambda _: True,
}
"""Whether a scalar can be stored, by its type."""


def _explained(value: object, path: str) -> Iterator[str]:
    """Yield the faults of a value."""
    stack: list[tuple[object, str, int]] = [(value, path, 1)]
    while stack:
        item, where, depth = stack.pop()
        fault = _scalar_fault(item)
        if fault is not None:
            yield f"{where or 'value'}: {fault}"
        elif not isinstance(item, _SCALARS):
            if depth > MAX_DEPTH:
                yield f"{where[:60]}...: nested deeper than {MAX_DEPTH} levels"
            elif isinstance(item, _LISTS):
                stack.extend((item[n], f"{where}[{n}]", depth + 1) for n in reversed(range(len(item))))
            else:
                parts = cast("Mapping[object, object]", item)
                yield from (f"{where or 'value'}: key {problem}" for key in parts if (problem := _key_fault(key)))
                inner = [(part, _inside(where, key), depth + 1) for key, part in parts.items()]
                stack.extend(reversed(inner))


def _key_fault(key: object) -> str | None:
    """Return what is wrong with a key of an object, or None."""
    if not isinstance(key, str):
        return f"must be text, not {describe(key)}"
    fault = text_fault(key)
    return fault and f"{describe(key)} {fault}"


def _inside(where: str, key: object) -> str:
    """Return the path of a value in an object; a key that is not valid text is shown escaped, a long one cut."""
    name = shortened(key) if isinstance(key, str) and text_fault(key) is None else describe(key)
    return f"{where}.{name}" if where else name


def _scalar_fault(item: object) -> str | None:
    """Return what is wrong with a scalar value, or None; None also for lists and objects."""
    if isinstance(item, str):  # the most frequent first; an abstract class is asked last
        return text_fault(item)
    if item is None or isinstance(item, _PLAIN):
        return None
    if isinstance(item, int):
        return None if INTEGER_MIN <= item <= INTEGER_MAX else "the integer needs more than 64 bits"
    if isinstance(item, float):
        return None if isfinite(item) else f"{item} is not a finite number"
    if isinstance(item, Mapping):
        return None
    remedy = "; write .isoformat()" if isinstance(item, date | time) else ""
    return f"must be JSON (text, number, true, false, null, list or object), not {describe(item)}{remedy}"


def thaw(value: object) -> object:
    """Return a copy of a checked value in plain dicts and lists, ready for `dumps`.

    Values nested deeper than any file stay as they are.

    >>> thaw(({"a": (1, 2)},))
    [{'a': [1, 2]}]
    """
    return _thaw(value, 4 * MAX_DEPTH)


def _thaw(value: object, levels: int) -> object:
    """Copy this many levels and leave the rest."""
    if isinstance(value, _SCALARS) or not levels:  # the most frequent first
        return value
    if isinstance(value, _OBJECTS):
        return {key: _thaw(inner, levels - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_thaw(inner, levels - 1) for inner in value]
    return value


def freeze(value: object) -> object:
    """Return a copy of a value with tuples for lists; objects stay dicts, which callers must not change.

    Values nested too deep stay as they are: `value_faults` refuses them.

    >>> freeze({"a": [1, [2]]})
    {'a': (1, (2,))}
    """
    return _freeze(value, MAX_DEPTH)


def _freeze(value: object, levels: int) -> object:
    """Copy this many levels and leave the rest."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, _OBJECTS) and levels:
        return {key: inner if type(inner) in _IS_SOUND else _freeze(inner, levels - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple) and levels:
        return tuple(_freeze(inner, levels - 1) for inner in value)
    return value


Attributes = dict[str, object]
