"""Entry limits: how many entries an hour and a day, and the queue of entries that wait for a slot (R23).

A slot is the own instant of an entry. The windows roll: a slot is free at an instant while fewer entries than the limit
have slots within the window that ends there. An entry that finds no free slot waits in the journey's queue, whose timer
is the instant at which the next slot opens. This module decides, and records the slots that are taken; the conditions
of an entry are checked in `entries.py`.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush
from typing import Final

from journeyflow.basics.moments import DAY, bounded
from journeyflow.basics.words import EMITTED
from journeyflow.catalog.catalog import Catalog
from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.batch import JOURNEY, PULL, QUEUE, Due, DueKey, LimitRequest, LimitsLoaded

AHEAD: Final = 1_000
"""How many deferred entries of a journey are loaded for a batch: half of a batch's items."""


def next_slot_opens(slots: Sequence[int], limits: Iterable[tuple[int, int]], at: int) -> int | None:
    """Return the instant at which the next slot opens; None if one is free at `at` (R23).

    `slots` are in ascending order; `limits` are pairs of a window in microseconds and the number of entries that fit
    into it.

    >>> full = ([10, 20, 30], [(100, 3)])
    >>> next_slot_opens(*full, 40), next_slot_opens(*full, 110), next_slot_opens([10], [(100, 2)], 40)
    (110, None, None)
    """
    opens = at
    for window, count in limits:
        if len(slots) >= count and slots[-count] > at - window:
            opens = max(opens, bounded(slots[-count] + window))
    return None if opens == at else opens


def plan_limits(due: Due, catalog: Catalog) -> LimitRequest | None:
    """Return what a batch must load about entry limits; None if no journey has any."""
    if not catalog.limited or not due.keys:
        return None
    types = {(item.tenant, item.type) for item in due.by_kind.get("event", ())}
    timers = [(number, which) for _, rank, number, which in due.keys if rank == JOURNEY]
    queues = frozenset(number for number, which in timers if which == QUEUE)
    pulled = {number for number, which in timers if which == PULL and number in catalog.limited}
    entered = {
        record.number
        for (tenant, kind), records in catalog.triggered.items()
        if kind in EMITTED or (tenant, kind) in types
        for record in records
        if record.number in catalog.limited
    }
    since = due.keys[0][0] - DAY
    slots = tuple((number, since, catalog.limited[number]) for number in sorted(entered | queues | pulled))
    return LimitRequest(frozenset(catalog.limited), slots, queues, AHEAD + 1)


class Slots:
    """The slots, queues and timers of journeys while a batch is handled, and how they have changed."""

    def __init__(self) -> None:
        """Start empty."""
        self.taken: Mapping[int, list[int]] = {}
        self.queues: dict[int, list[Deferred]] = {}
        self.partial: set[int] = set()
        """The journeys whose queue is loaded only in part, from its beginning."""
        self.held: dict[tuple[int, int, str], Deferred] = {}
        self.timers: dict[tuple[int, int], int | None] = {}
        self.sizes: dict[int, int] = {}
        """How many entries wait in each queue; at least that many where others than those at hand wait."""
        self.next_number = 1
        # the output of the batch
        self.new: list[tuple[int, int]] = []
        self.joined: dict[int, Deferred] = {}
        self.gone: list[int] = []
        self.touched: dict[tuple[int, int], None] = {}
        self.count = 0

    def lay_out(self, loaded: LimitsLoaded) -> None:
        """Take over what was loaded."""
        self.taken = {journey: sorted(instants) for journey, instants in loaded.slots.items()}
        self.timers = dict(loaded.timers)
        self.next_number = loaded.next_number
        self.sizes = {**{journey: 1 for journey, which in self.timers if which == QUEUE}, **loaded.waiting}
        for journey, entries in loaded.queues.items():
            if len(entries) > AHEAD:
                self.partial.add(journey)
            self.queues[journey] = list(entries[:AHEAD])
        for entry in (*loaded.deferred, *(each for entries in loaded.queues.values() for each in entries)):
            self.held[entry.journey, entry.customer, entry.key] = entry

    def waiting(self, journey: int) -> bool:
        """Return whether any entry of a journey waits for a slot."""
        return (journey, QUEUE) in self.timers

    def take(self, journey: int, at: int) -> None:
        """Record the slot of an entry."""
        self.new.append((journey, at))
        slots = self.taken.get(journey)
        if slots is not None:
            insort(slots, at)

    def join(self, entry: Deferred) -> None:
        """Add an entry to the queue. It replaces an earlier entry of the same customer and key."""
        key = (entry.journey, entry.customer, entry.key)
        before = self.held.get(key)
        if before is not None:
            self._remove(before)
        self.held[key] = self.joined[entry.number] = entry
        self.next_number = entry.number + 1
        self.count += 1
        self.sizes[entry.journey] = self.sizes.get(entry.journey, 0) + 1
        if entry.journey not in self.queues and self.waiting(entry.journey):
            return  # its queue is not due in this batch
        queue = self.queues.setdefault(entry.journey, [])
        if entry.journey not in self.partial or (queue and _place(entry) < _place(queue[-1])):
            insort(queue, entry, key=_place)

    def leave(self, entry: Deferred) -> None:
        """Remove an entry from the queue, and the timer of the queue if nobody waits any more."""
        self._remove(entry)
        if not self.sizes[entry.journey]:
            self.stop_timer(entry.journey, QUEUE)

    def _remove(self, entry: Deferred) -> None:
        self.sizes[entry.journey] -= 1
        del self.held[entry.journey, entry.customer, entry.key]
        if self.joined.pop(entry.number, None) is None:
            self.gone.append(entry.number)
        queue = self.queues.get(entry.journey, [])
        position = bisect_left(queue, _place(entry), key=_place)
        if position < len(queue) and queue[position].number == entry.number:
            del queue[position]

    def first(self, journey: int) -> Deferred | None:
        """Return the first loaded entry of a journey's queue, or None."""
        return next(iter(self.queues.get(journey, ())), None)

    def set_timer(self, journey: int, kind: int, due: int | None) -> None:
        """Set a timer of a journey; None holds it until a resume."""
        self.timers[journey, kind] = due
        self.touched[journey, kind] = None

    def stop_timer(self, journey: int, kind: int) -> None:
        """Remove a timer of a journey."""
        self.timers.pop((journey, kind), None)
        self.touched[journey, kind] = None

    def push(self, heap: list[DueKey], horizon: DueKey, journey: int, kind: int) -> None:
        """Add a timer to the current batch, unless its place is beyond the horizon."""
        due = self.timers.get((journey, kind))
        if due is not None and (due, JOURNEY, journey, kind) <= horizon:
            heappush(heap, (due, JOURNEY, journey, kind))

    def changes(self) -> LimitChanges:
        """Return the changes to commit."""
        rings = tuple([(*key, self.timers[key]) for key in self.touched if key in self.timers])
        stopped = tuple([key for key in self.touched if key not in self.timers])
        return LimitChanges(tuple(self.new), tuple(self.joined.values()), tuple(self.gone), rings, stopped)


def _place(entry: Deferred) -> tuple[int, int]:
    """Return an entry's place in its queue: by the instant of its trigger (R23)."""
    return (entry.at, entry.number)
