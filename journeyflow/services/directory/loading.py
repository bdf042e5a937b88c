"""Filling a directory from a JSON document: users, resources and subscribers, all of it or nothing."""

from collections.abc import Callable, Iterator, Mapping

from journeyflow.basics.values import describe
from journeyflow.errors import InvalidInput, NotFound
from journeyflow.formats.json_parts import JsonObject
from journeyflow.services.directory.records import KINDS
from journeyflow.services.directory.sqlite import SQLiteDirectory

SECTIONS = ("users", *(f"{kind}s" for kind in KINDS), "subscribers")
"""The names of the document, in the order in which they are read: subscribers need their list."""


def load_directory(directory: SQLiteDirectory, document: object) -> dict[str, int]:
    """Add everything in a document, or change what is there, and return how many rows of each section there were.

    A document has lists of objects: "users" with "id", "tenant" and "name"; "lists", "tags", "fields", "emails",
    "domains" and "exports" with "id", "tenant" and "name"; "subscribers" with "list", "id", "tenant" and "email". What
    else an object holds is kept with it. Raises InvalidInput with every fault and its place; nothing is stored then.

    >>> load_directory(
    ...     SQLiteDirectory(), {"users": [{"id": 1, "tenant": "acme"}], "lists": [{"id": 10, "tenant": "acme"}]}
    ... )
    {'users': 1, 'lists': 1}
    """
    found: list[str] = []
    counts: dict[str, int] = {}
    with directory.together():
        for section, place, row in _rows(document, found):
            try:
                _ADD[section](directory, row)
            except (InvalidInput, NotFound, KeyError, TypeError) as error:
                found.append(f"{place}: {_words(error)}")
            else:
                counts[section] = counts.get(section, 0) + 1
        if found:
            raise InvalidInput(found)
    return counts


def _rows(document: object, found: list[str]) -> Iterator[tuple[str, str, JsonObject]]:
    """Yield the objects of a document with section and place; note what is none."""
    if not isinstance(document, Mapping):
        found.append(f"expected an object with {', '.join(SECTIONS)}, not {describe(document)}")
        return
    found += [f"{name}: unknown; known are {', '.join(SECTIONS)}" for name in document if name not in SECTIONS]
    for section in SECTIONS:
        rows = document.get(section, [])
        if not isinstance(rows, list):
            found.append(f"{section}: expected a list, not {describe(rows)}")
            continue
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                yield section, f"{section}[{number}]", dict(row)
            else:
                found.append(f"{section}[{number}]: expected an object, not {describe(row)}")


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return "; ".join(error.faults) if isinstance(error, InvalidInput) else str(error)


def _user(directory: SQLiteDirectory, row: JsonObject) -> None:
    directory.put_user(row.pop("id"), row.pop("tenant"), row.pop("name", ""))


def _resource(kind: str) -> Callable[[SQLiteDirectory, JsonObject], None]:
    def add(directory: SQLiteDirectory, row: JsonObject) -> None:
        directory.put_resource(kind, row.pop("id"), row.pop("tenant"), row.pop("name", ""), row)

    return add


def _subscriber(directory: SQLiteDirectory, row: JsonObject) -> None:
    directory.put_subscriber(row.pop("list"), row.pop("id"), row.pop("tenant"), row.pop("email", ""), row)


_ADD: Mapping[str, Callable[[SQLiteDirectory, JsonObject], None]] = {
    "users": _user,
    **{f"{kind}s": _resource(kind) for kind in KINDS},
    "subscribers": _subscriber,
}
