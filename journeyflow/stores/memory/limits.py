"""Entry limits in the store in memory: slots, queues and timers of journeys (R23)."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable
from itertools import islice

from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.batch import JOURNEY, DueKey, LimitRequest, LimitsLoaded, listed_by


class KeptLimits:
    """The part of a `MemoryStore` about entry limits."""

    def __init__(self) -> None:
        """Start without slots, queues and timers."""
        self.slots: dict[int, list[int]] = {}
        self.deferred: dict[int, Deferred] = {}
        self.queues: dict[int, list[tuple[int, int]]] = {}
        self.of_customer: dict[int, set[int]] = {}
        self.timers: dict[tuple[int, int], int | None] = {}
        self.next_number = 1

    def take(self, changes: LimitChanges) -> Iterable[DueKey]:
        """Apply what a commit writes; return the places of timers that are to be looked at."""
        for journey, at in changes.slots:
            insort(self.slots.setdefault(journey, []), at)
        for entry in changes.joined:
            self.deferred[entry.number] = entry
            queue, waits = self.queues.setdefault(entry.journey, []), (entry.at, entry.number)
            if waits not in queue[bisect_left(queue, waits) :][:1]:
                insort(queue, waits)
            self.of_customer.setdefault(entry.customer, set()).add(entry.number)
            self.next_number = max(self.next_number, entry.number + 1)
        for number in changes.gone:
            self._drop(number)
        for journey, which, due in changes.timers:
            self.timers[journey, which] = due
        for key in changes.stopped:
            self.timers.pop(key, None)
        for journey in changes.emptied:
            for _, number in list(self.queues.get(journey, ())):
                self._drop(number)
            self.timers = {key: due for key, due in self.timers.items() if key[0] != journey}
        return [place for journey, which, due in changes.timers if (place := timer_place(journey, which, due))]

    def purge(self, journey: int) -> None:
        """Remove everything that is stored for a journey (R15)."""
        self.take(LimitChanges(emptied=(journey,)))
        self.slots.pop(journey, None)

    def forget(self, customer: int) -> None:
        """Remove the entries of a customer that wait for a slot (R86)."""
        for number in sorted(self.of_customer.get(customer, ())):
            self._drop(number)

    def _drop(self, number: int) -> None:
        """Remove an entry, wherever it still stands."""
        entry = self.deferred.get(number)
        if entry is None:  # pragma: no cover - by interrupts
            return
        if (place := (entry.at, number)) in (queue := self.queues[entry.journey]):  # pragma: no branch - interrupts
            queue.remove(place)
        self.of_customer[entry.customer].discard(number)
        del self.deferred[number]

    def release(self, journey: int, at: int) -> Iterable[DueKey]:
        """Set the instant of timers that a pause holds; return their places."""
        held = [key for key, due in self.timers.items() if key[0] == journey and due is None]
        self.timers.update(dict.fromkeys(held, at))
        return [(at, JOURNEY, *key) for key in held]

    def places(self) -> Iterable[DueKey]:
        """Return the places of all timers."""
        found = (timer_place(*key, due) for key, due in self.timers.items())
        return [place for place in found if place is not None]

    def heads(self, request: LimitRequest) -> dict[int, list[Deferred]]:
        """Return the beginnings of queues."""
        return {
            journey: [self.deferred[number] for _, number in islice(self.queues.get(journey, ()), request.ahead)]
            for journey in sorted(request.queues)
        }

    def load(self, request: LimitRequest, heads: dict[int, list[Deferred]], customers: Collection[int]) -> LimitsLoaded:
        """Return the `LimitsLoaded` of a request."""
        numbers = sorted(number for customer in customers for number in self.of_customer.get(customer, ()))
        single = [self.deferred[number] for number in numbers]
        return LimitsLoaded(
            {journey: self._newest(journey, since, count) for journey, since, count in request.slots},
            heads,
            single,
            {
                key: due
                for key, due in sorted(self.timers.items(), key=lambda each: each[0])
                if key[0] in request.journeys
            },
            self.next_number,
            {
                journey: min(len(self.queues[journey]), listed + 1)
                for journey, listed in listed_by(heads, single).items()
            },
        )

    def _newest(self, journey: int, since: int, count: int) -> list[int]:
        slots = self.slots.get(journey, [])
        return slots[max(bisect_right(slots, since), len(slots) - count) :]

    def snapshot(self) -> LimitChanges:
        """Return everything that is kept as one value."""
        slots = tuple((journey, at) for journey, instants in self.slots.items() for at in instants)
        timers = tuple((journey, which, due) for (journey, which), due in self.timers.items())
        return LimitChanges(slots, tuple(self.deferred.values()), timers=timers)


def timer_place(journey: int, which: int, due: int | None) -> DueKey | None:
    """Return the place of a journey's timer in the total order, none while a pause holds it."""
    return None if due is None else (due, JOURNEY, journey, which)
