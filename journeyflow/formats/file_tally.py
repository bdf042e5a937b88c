"""The result of reading a file: how many rows were taken, how many lines were bad, how many rows came twice."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from attrs import frozen

from journeyflow.formats.files import BadLine, Source, source_name
from journeyflow.records.public import Event

Item = TypeVar("Item")

SHOWN = 20
"""How many bad lines of a file are shown; all of them are counted."""


@frozen
class FileCounts:
    """The result of reading a file.

    `taken` rows were given to the inbox; `duplicate` of them had come earlier in the file: an event with the type and
    id of another, a customer with an id. `bad` lines could not be read; `lines` are the first of them.
    """

    file: str
    taken: int
    bad: int
    duplicate: int
    lines: tuple[BadLine, ...]

    @property
    def useless(self) -> bool:
        """Whether there were lines, and not one could be taken: a wrong file, or a wrong column."""
        return self.bad > 0 and not self.taken


class FileTally:
    """Counts the rows and the bad lines of one file while it is read."""

    def __init__(self, source: Source) -> None:
        """Begin with nothing."""
        self.name = source_name(source)
        self.taken = self.bad = self.duplicate = 0
        self.lines: list[BadLine] = []

    def refuse(self, line: BadLine) -> None:
        """Count what could not be read."""
        self.bad += line.lines
        self.lines.append(line)

    def counted(self, items: Iterable[Item], key: Callable[[Item], object]) -> Iterator[Item]:
        """Yield items and count them; those with a key that came earlier are duplicates, unless it is None."""
        seen = set[int]()  # of hashes: a file has many keys
        for item in items:
            self.taken += 1
            if (name := key(item)) is not None:
                known = len(seen)
                seen.add(hash(name))
                self.duplicate += len(seen) == known
            yield item

    def counts(self) -> FileCounts:
        """Return what was counted so far."""
        return FileCounts(self.name, self.taken, self.bad, self.duplicate, tuple(self.lines[:SHOWN]))


def event_key(event: Event) -> object:
    """Return what makes an event the same as another one (R26), or None.

    >>> from datetime import UTC, datetime
    >>> event_key(Event("buy", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC)))
    """
    return None if event.id is None else (event.type, event.id)


def customer_key(pair: tuple[str, object]) -> object:
    """Return the customer of a pair.

    >>> customer_key(("c1", {}))
    'c1'
    """
    return pair[0]
