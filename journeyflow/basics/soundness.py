"""Whether a record that was read from a store has the types with which it is declared: damage may leave others."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

Record = TypeVar("Record")

PLAIN = frozenset({str, int, bool, float, datetime, date, NoneType})
"""The types that are looked at; what is in a list, an object or another record is not."""

_SOUND = set[tuple[type, ...]]()
"""The types of records that were found sound: the type of the record, then those of its plain fields."""


def sound(record: Record) -> Record:
    """Return a record; raises TypeError if a field has another plain type than it is declared with.

    >>> from attrs import make_class, field
    >>> Named = make_class("Named", {"name": field(type=str), "age": field(type=int | None)})
    >>> sound(Named("Ann", None))
    Named(name='Ann', age=None)
    >>> sound(Named(7, None))
    Traceback (most recent call last):
    TypeError: name of Named is int, not str
    """
    of = type(record)
    fields = _fields(of)  # type: ignore[arg-type]  # a class can be hashed
    types = (of, *[type(getattr(record, name)) for name in fields])
    if types not in _SOUND:
        for (name, known), found in zip(fields.items(), types[1:], strict=True):
            if not issubclass(found, tuple(known)):
                wanted = " or ".join(sorted(each.__name__ for each in known))
                msg = f"{name} of {of.__name__} is {found.__name__}, not {wanted}"
                raise TypeError(msg)
        _SOUND.add(types)
    return record


@cache
def _fields(of: type) -> dict[str, frozenset[type]]:
    """Return the plain types of each field of a class that has no others."""
    if not attrs.has(of):
        return {}
    hints = get_type_hints(of)
    found = {field.name: frozenset(_types(hints[field.name])) for field in attrs.fields(of)}
    return {name: types for name, types in found.items() if types <= PLAIN}


def _types(hint: Any) -> Iterator[type]:  # noqa: ANN401 an annotation is anything
    """Yield the types that an annotation names."""
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        for each in get_args(hint):
            yield from _types(each)
    elif origin is Literal:
        yield from map(type, get_args(hint))
    else:
        yield hint if isinstance(hint, type) else object
