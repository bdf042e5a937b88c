"""Whether a record that was read from a store has the types with which it is declared: damage may leave others."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cache
from operator import attrgetter
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
    fields, values_of = _fields(of)  # type: ignore[arg-type]  # a class can be hashed
    types = (of, *map(type, values_of(record)))
    if types not in _SOUND:
        for (name, known), found in zip(fields.items(), types[1:], strict=True):
            if not issubclass(found, tuple(known)):
                wanted = " or ".join(sorted(each.__name__ for each in known))
                msg = f"{name} of {of.__name__} is {found.__name__}, not {wanted}"
                raise TypeError(msg)
        _SOUND.add(types)
    return record


@cache
def _fields(of: type) -> tuple[dict[str, frozenset[type]], Callable[[object], Iterable[object]]]:
    """Return the plain types of each field of a class that has no others, and what returns the values of these."""
    hints = get_type_hints(of) if attrs.has(of) else {}
    found = {field.name: frozenset(_types(hints[field.name])) for field in attrs.fields(of)} if hints else {}
    plain = {name: types for name, types in found.items() if types <= PLAIN}
    if len(plain) > 1:
        return plain, attrgetter(*plain)
    return plain, lambda record: [getattr(record, name) for name in plain]  # a getter of one value makes no tuple


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
