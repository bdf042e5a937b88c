"""Commits of the store in memory: all of one or nothing, wherever an interrupt falls.

What a transaction came to is noted by one assignment, and counts from then on. Then it is put in place by steps that
may be repeated. Whoever has the turn next and finds a commit still noted takes the steps again that cannot be told from
the outside: lists are cut to their length before, sums were made aside.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from attrs import frozen

from journeyflow.records.changes import Changes
from journeyflow.records.rows import Counter

LISTS: Final = ("journeys", "publications", "transitions", "flags", "policies", "moves", "refusals")
"""The lists of a store that commits add to."""

NewTotals = Mapping[tuple[object, ...], Counter]


class KeptSlots(Protocol):
    """The part of a `MemoryStore` about entry limits, as far as it is read here."""

    slots: dict[int, list[int]]


class Kept(Protocol):
    """The parts of a `MemoryStore` that are read and cut here."""

    meta: dict[str, str]
    counters: dict[tuple[object, ...], Counter]
    openings: dict[tuple[object, ...], Counter]

    @property
    def limits(self) -> KeptSlots:
        """The entry limits."""


@frozen
class Unfinished:
    """A commit that is being put in place: what is left of it, and what cannot be made again once its first part is."""

    left: tuple[Changes, ...]
    revision: str
    lengths: Mapping[str, int]
    slots: Mapping[int, int]
    counters: NewTotals
    openings: NewTotals


def unfinished(store: Kept, left: tuple[Changes, ...]) -> Unfinished | None:
    """Return the rest of a commit with what the store is before it; None if nothing is left."""
    if not left:
        return None
    changes = left[0]
    limited = {journey for journey, _ in changes.limits.slots}
    return Unfinished(
        left,
        store.meta["revision"],
        {name: len(getattr(store, name)) for name in LISTS},
        {journey: len(store.limits.slots.get(journey, ())) for journey in limited},
        _sums(store.counters, changes.counters),
        _sums(store.openings, changes.pruned.openings),
    )


def cut(store: Kept, before: Unfinished) -> None:
    """Take back the steps of a commit that would do something else the second time."""
    store.meta["revision"] = before.revision
    for name, length in before.lengths.items():
        rows: list[Any] = getattr(store, name)
        del rows[length:]
    for journey, at in before.left[0].limits.slots:  # in the order in which they were added
        if len(kept := store.limits.slots.get(journey, [])) > before.slots[journey]:  # pragma: no branch - interrupts
            kept.remove(at)


def _sums(kept: NewTotals, counters: Iterable[Counter]) -> NewTotals:
    """Return the new values of the counters that are added to."""
    sums: dict[tuple[object, ...], Counter] = {}
    for added in counters:
        key = added[:6]
        before = sums.get(key) or kept.get(key)
        sums[key] = added if before is None else before.plus(added)
    return sums
