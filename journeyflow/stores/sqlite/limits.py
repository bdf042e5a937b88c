"""Entry limits in a SQLite file: slots, queues and timers of journeys (R23)."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from journeyflow.basics.values import dumps
from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.batch import JOURNEY, DueKey, LimitRequest, LimitsLoaded, listed_by
from journeyflow.stores.rows import DEFERRED_ROW, question_marks, read_deferred

if TYPE_CHECKING:  # a host with a store in memory does not need sqlite3
    from sqlite3 import Connection


def due_timers(connection: "Connection", now: int, limit: int) -> list[DueKey]:
    """Return the first due timers of journeys; a journey has one for its queue and one for its pulls at most."""
    rows = connection.execute(
        "SELECT due, journey, which FROM journey_timers WHERE due <= ? ORDER BY due, journey, which LIMIT ?",
        (now, limit),
    ).fetchall()
    return [(due, JOURNEY, journey, which) for due, journey, which in rows]


def queue_heads(connection: "Connection", request: LimitRequest) -> dict[int, list[Deferred]]:
    """Return the beginnings of queues: a seek for each."""
    sql = f"SELECT {DEFERRED_ROW} FROM deferred WHERE journey = ? ORDER BY at, number LIMIT ?"
    return {
        journey: [read_deferred(row) for row in connection.execute(sql, (journey, request.ahead)).fetchall()]
        for journey in sorted(request.queues)
    }


def load_limits(
    connection: "Connection",
    request: LimitRequest,
    heads: dict[int, list[Deferred]],
    customers: Collection[int],
    next_number: int,
) -> LimitsLoaded:
    """Return the `LimitsLoaded` of a request."""
    rows = connection.execute(
        f"SELECT {DEFERRED_ROW} FROM deferred WHERE customer IN (SELECT value FROM json_each(?)) ORDER BY number",
        (dumps(sorted(customers)),),
    ).fetchall()
    single = [read_deferred(row) for row in rows]
    timers = connection.execute(
        "SELECT journey, which, due FROM journey_timers WHERE journey IN (SELECT value FROM json_each(?))"
        " ORDER BY journey, which",
        (dumps(sorted(request.journeys)),),
    ).fetchall()
    return LimitsLoaded(
        {journey: _newest(connection, journey, since, count) for journey, since, count in request.slots},
        heads,
        single,
        {(journey, which): due for journey, which, due in timers},
        next_number,
        {journey: _waiting(connection, journey, listed + 1) for journey, listed in listed_by(heads, single).items()},
    )


def _waiting(connection: "Connection", journey: int, most: int) -> int:
    """Return how many entries wait in a queue, counted up to a number."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM deferred WHERE journey = ? LIMIT ?)"
    ((count,),) = connection.execute(sql, (journey, most)).fetchall()
    return int(count)


def _newest(connection: "Connection", journey: int, since: int, count: int) -> list[int]:
    """Return the newest slots later than an instant, up to a number, ascending."""
    sql = "SELECT at, count FROM slots WHERE journey = ? AND at > ? ORDER BY at DESC LIMIT ?"
    rows = connection.execute(sql, (journey, since, count)).fetchall()
    slots = (at for at, times in rows for _ in range(times))
    return list(islice(slots, count))[::-1]


def write_limits(connection: "Connection", changes: LimitChanges) -> None:
    """Write the changes of entry limits."""
    for sql, rows in _statements(changes):
        if rows:
            connection.executemany(sql, rows)


def _statements(changes: LimitChanges) -> Iterable[tuple[str, Collection[tuple[Any, ...]]]]:
    yield "INSERT INTO slots VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", changes.slots
    yield "DELETE FROM deferred WHERE number = ?", [(number,) for number in changes.gone]
    yield f"INSERT INTO deferred ({DEFERRED_ROW}) VALUES ({question_marks(DEFERRED_ROW)})", changes.joined
    yield "INSERT OR REPLACE INTO journey_timers VALUES (?, ?, ?)", changes.timers
    yield "DELETE FROM journey_timers WHERE journey = ? AND which = ?", changes.stopped
    emptied = [(journey,) for journey in changes.emptied]
    yield "DELETE FROM deferred WHERE journey = ?", emptied
    yield "DELETE FROM journey_timers WHERE journey = ?", emptied
