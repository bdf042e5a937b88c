"""Paths: names joined by dots that lead to a value inside objects and lists (R59)."""

import re
from collections.abc import Mapping

from journeyflow.basics.values import MAX_DEPTH, describe, text_fault

NOW = "now"
"""The path of the instant at which a rule is asked: the instant of the move (R59)."""

ITEM = "item"
"""The root of paths into the member of a list that is looked at."""

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
"""The number of a member of a list, as a name in a path."""


def path_fault(path: object) -> str | None:
    """Return why a value is not a path of names joined by dots; None if it is one.

    >>> path_fault("customer.address.city"), path_fault("a..b")
    (None, "path 'a..b' has an empty name between dots")
    """
    if not isinstance(path, str):
        return f"path must be text, not {describe(path)}"
    if not path:
        return "path must not be empty"
    if fault := text_fault(path):
        return f"path {fault}"
    names = path.split(".")
    if len(names) > MAX_DEPTH:
        return f"path {path[:60]!r}... has more than {MAX_DEPTH} names"
    return None if all(names) else f"path {path[:60]!r} has an empty name between dots"


def read_path(attributes: Mapping[str, object], path: str) -> object:
    """Return a value by its name, or by dotted names inside objects and lists; None if it is missing.

    An attribute whose own name contains the dot is found first. A member of a list is named by its number, from 0.

    >>> read_path({"address": {"city": "Durban"}}, "address.city"), read_path({"items": [{"n": 7}]}, "items.0.n")
    ('Durban', 7)
    """
    if path in attributes or "." not in path:
        return attributes.get(path)
    value: object = attributes
    while path:
        if isinstance(value, Mapping) and path in value:
            return value[path]
        name, _, path = path.partition(".")
        value = value.get(name) if isinstance(value, Mapping) else _member(value, name)
    return value


def _member(value: object, number: str) -> object:
    """Return a member of a list by its number; None if there is none."""
    if isinstance(value, list | tuple) and _NUMBER.fullmatch(number):
        return next(iter(value[int(number) : int(number) + 1]), None)
    return None


def is_of_item(path: str) -> bool:
    """Return whether a path in a rule about members of a list leads into the member."""
    return path == ITEM or path.startswith(f"{ITEM}.")
