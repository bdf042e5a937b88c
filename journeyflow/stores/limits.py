"""Entry limits as both stores keep them: slots, queues and timers of journeys (R23)."""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from journeyflow.batch import JOURNEY, Key, LimitRequest, LimitsLoaded
from journeyflow.records import Deferred, LimitChanges
from journeyflow.values import dumps

if TYPE_CHECKING:  # a host in memory needs no SQLite at all
    from sqlite3 import Connection

DEFERRED_COLUMNS = "number, journey, customer, key, at, trigger_data"


# --- in memory --------------------------------------------------------------------------------------------------------


class KeptLimits:
    """What a `MemoryStore` keeps of entry limits."""

    def __init__(self) -> None:
        """Begin empty."""
        self.slots: dict[int, list[int]] = {}
        self.deferred: dict[int, Deferred] = {}
        self.queues: dict[int, list[tuple[int, int]]] = {}
        self.of_customer: dict[int, set[int]] = {}
        self.timers: dict[tuple[int, int], int | None] = {}
        self.next_number = 1

    def take(self, changes: LimitChanges) -> Iterable[Key]:
        """Take over what a commit writes; give the places of timers that are to be looked at."""
        for journey, at in changes.slots:
            insort(self.slots.setdefault(journey, []), at)
        for entry in changes.joined:
            self.deferred[entry.number] = entry
            insort(self.queues.setdefault(entry.journey, []), (entry.at, entry.number))
            self.of_customer.setdefault(entry.customer, set()).add(entry.number)
            self.next_number = max(self.next_number, entry.number + 1)
        for number in changes.gone:
            self._drop(self.deferred[number])
        for journey, which, due in changes.timers:
            self.timers[journey, which] = due
        for key in changes.stopped:
            self.timers.pop(key, None)
        for journey in changes.emptied:
            for _, number in list(self.queues.get(journey, ())):
                self._drop(self.deferred[number])
            self.timers = {key: due for key, due in self.timers.items() if key[0] != journey}
        return [place for journey, which, due in changes.timers if (place := timer_place(journey, which, due))]

    def purge(self, journey: int) -> None:
        """Take away all that is kept of a journey (R15)."""
        self.take(LimitChanges(emptied=(journey,)))
        self.slots.pop(journey, None)

    def forget(self, customer: int) -> None:
        """Drop what a customer waits for (R86)."""
        for number in sorted(self.of_customer.get(customer, ())):
            self._drop(self.deferred[number])

    def _drop(self, entry: Deferred) -> None:
        del self.deferred[entry.number]
        self.queues[entry.journey].remove((entry.at, entry.number))
        self.of_customer[entry.customer].discard(entry.number)

    def release(self, journey: int, at: int) -> Iterable[Key]:
        """Give timers that a pause holds their instant; give their places."""
        held = [key for key, due in self.timers.items() if key[0] == journey and due is None]
        self.timers.update(dict.fromkeys(held, at))
        return [(at, JOURNEY, *key) for key in held]

    def heads(self, request: LimitRequest) -> dict[int, list[Deferred]]:
        """Give the beginnings of queues."""
        return {
            journey: [self.deferred[number] for _, number in islice(self.queues.get(journey, ()), request.ahead)]
            for journey in sorted(request.queues)
        }

    def load(self, request: LimitRequest, heads: dict[int, list[Deferred]], customers: Collection[int]) -> LimitsLoaded:
        """Give what is known of a request."""
        numbers = sorted(number for customer in customers for number in self.of_customer.get(customer, ()))
        return LimitsLoaded(
            {journey: self._newest(journey, since, count) for journey, since, count in request.slots},
            heads,
            [self.deferred[number] for number in numbers],
            {
                key: due
                for key, due in sorted(self.timers.items(), key=lambda each: each[0])
                if key[0] in request.journeys
            },
            self.next_number,
        )

    def _newest(self, journey: int, since: int, count: int) -> list[int]:
        slots = self.slots.get(journey, [])
        return slots[max(bisect_right(slots, since), len(slots) - count) :]

    def snapshot(self) -> LimitChanges:
        """Give everything that is kept as one value."""
        slots = tuple((journey, at) for journey, instants in self.slots.items() for at in instants)
        timers = tuple((journey, which, due) for (journey, which), due in self.timers.items())
        return LimitChanges(slots, tuple(self.deferred.values()), timers=timers)


def timer_place(journey: int, which: int, due: int | None) -> Key | None:
    """Give the place of a journey's timer in the total order, none while a pause holds it."""
    return None if due is None else (due, JOURNEY, journey, which)


# --- in SQLite --------------------------------------------------------------------------------------------------------


def due_timers(connection: "Connection", now: int, limit: int) -> list[Key]:
    """Give the first timers of journeys that are due: there are as many rows as journeys whose people wait."""
    rows = connection.execute(
        "SELECT due, journey, which FROM journey_timers WHERE due <= ? ORDER BY due, journey, which LIMIT ?",
        (now, limit),
    ).fetchall()
    return [(due, JOURNEY, journey, which) for due, journey, which in rows]


def queue_heads(connection: "Connection", request: LimitRequest) -> dict[int, list[Deferred]]:
    """Give the beginnings of queues: a seek for each."""
    sql = f"SELECT {DEFERRED_COLUMNS} FROM deferred WHERE journey = ? ORDER BY at, number LIMIT ?"
    return {
        journey: [Deferred._make(row) for row in connection.execute(sql, (journey, request.ahead))]
        for journey in sorted(request.queues)
    }


def load_limits(
    connection: "Connection",
    request: LimitRequest,
    heads: dict[int, list[Deferred]],
    customers: Collection[int],
    next_number: int,
) -> LimitsLoaded:
    """Give what is known of a request."""
    single = connection.execute(
        f"SELECT {DEFERRED_COLUMNS} FROM deferred WHERE customer IN (SELECT value FROM json_each(?)) ORDER BY number",
        (dumps(sorted(customers)),),
    )
    timers = connection.execute(
        "SELECT journey, which, due FROM journey_timers WHERE journey IN (SELECT value FROM json_each(?))"
        " ORDER BY journey, which",
        (dumps(sorted(request.journeys)),),
    )
    return LimitsLoaded(
        {journey: _newest(connection, journey, since, count) for journey, since, count in request.slots},
        heads,
        [Deferred._make(row) for row in single],
        {(journey, which): due for journey, which, due in timers},
        next_number,
    )


def _newest(connection: "Connection", journey: int, since: int, count: int) -> list[int]:
    """Give the newest slots later than an instant, so many at most, ascending."""
    sql = "SELECT at, count FROM slots WHERE journey = ? AND at > ? ORDER BY at DESC LIMIT ?"
    rows = connection.execute(sql, (journey, since, count))
    slots = (at for at, times in rows for _ in range(times))
    return list(islice(slots, count))[::-1]


def write_limits(connection: "Connection", changes: LimitChanges) -> None:
    """Write what a commit says about entry limits."""
    for sql, rows in _statements(changes):
        if rows:
            connection.executemany(sql, rows)


def _statements(changes: LimitChanges) -> Iterable[tuple[str, Collection[tuple[Any, ...]]]]:
    yield "INSERT INTO slots VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", changes.slots
    yield "DELETE FROM deferred WHERE number = ?", [(number,) for number in changes.gone]
    yield f"INSERT INTO deferred ({DEFERRED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", changes.joined
    yield "INSERT OR REPLACE INTO journey_timers VALUES (?, ?, ?)", changes.timers
    yield "DELETE FROM journey_timers WHERE journey = ? AND which = ?", changes.stopped
    emptied = [(journey,) for journey in changes.emptied]
    yield "DELETE FROM deferred WHERE journey = ?", emptied
    yield "DELETE FROM journey_timers WHERE journey = ?", emptied
