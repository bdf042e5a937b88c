"""Commits of the store in memory: all of one or nothing, wherever an interrupt falls.

What a transaction came to is noted by one assignment, and counts from then on. Then it is put in place by steps that
may be repeated. Whoever has the turn next and finds a commit still noted takes the steps again that cannot be told from
the outside: lists are cut to their length before, sums were made aside.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from attrs import frozen

from journeyflow.records.changes import Changes
from journeyflow.records.rows import Counter, make_counter

LISTS: Final = ("journeys", "publications", "transitions", "flags", "policies", "moves", "refusals")
"""The lists of a store that commits add to."""

CounterKey = tuple[Any, ...]
"""What a counter counts: all its fields but the sums."""

CounterSums = dict[CounterKey, tuple[int, int, int]]
"""The sums of counters: the total, the uniques, the last instant."""


class KeptSlots(Protocol):
    """The part of a `MemoryStore` about entry limits, as far as it is read here."""

    slots: dict[int, list[int]]


class KeptLists(Protocol):
    """The parts of a `MemoryStore` that are read and cut here."""

    meta: dict[str, str]
    counters: CounterSums
    openings: CounterSums

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
    counters: CounterSums
    openings: CounterSums


def unfinished(store: KeptLists, left: tuple[Changes, ...]) -> Unfinished | None:
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


def take_back(store: KeptLists, before: Unfinished) -> None:
    """Take back the steps of a commit that would do something else the second time."""
    store.meta["revision"] = before.revision
    for name, length in before.lengths.items():
        rows: list[Any] = getattr(store, name)
        del rows[length:]
    for journey, at in before.left[0].limits.slots:  # in the order in which they were added
        if len(kept := store.limits.slots.get(journey, [])) > before.slots[journey]:  # pragma: no branch - interrupts
            kept.remove(at)


def counters_of(totals: CounterSums) -> tuple[Counter, ...]:
    """Return sums as counters."""
    return tuple(make_counter(key + sums) for key, sums in totals.items())


def _sums(kept: CounterSums, counters: Iterable[Counter]) -> CounterSums:
    """Return the new values of the counters that are added to."""
    found: CounterSums = {}
    for added in counters:
        key, sums = added[:6], added[6:]
        if before := found.get(key) or kept.get(key):
            (total, uniques, last), (more, others, at) = before, sums
            sums = total + more, uniques + others, last if last >= at else at  # noqa: FURB136 eight times as fast
        found[key] = sums
    return found
