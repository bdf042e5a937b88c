"""Entry limits in a PostgreSQL schema: slots, queues and timers of journeys (R23)."""

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import islice

from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.batch import LimitRequest, LimitsLoaded, listed_by
from journeyflow.stores.postgres.asking import Asker
from journeyflow.stores.postgres.sets import SetWriter

DEFERRED_ROW = "number, journey, customer, key, at, trigger_data"


def unless_held(paused: Mapping[int, int]) -> str:
    """Return a condition that leaves out what a pause will hold: of these journeys from an instant each (R16).

    >>> unless_held({3: 50})
    ' AND NOT (journey = 3 AND due >= 50)'
    """
    return "".join(f" AND NOT (journey = {journey:d} AND due >= {since:d})" for journey, since in paused.items())


def queue_heads(asking: Asker, request: LimitRequest) -> dict[int, list[Deferred]]:
    """Return the beginnings of queues: a seek for each."""
    sql = f"SELECT {DEFERRED_ROW} FROM deferred WHERE journey = %(journey)s ORDER BY at, number LIMIT %(ahead)s"
    return {
        journey: list(map(Deferred._make, asking.rows(sql, {"journey": journey, "ahead": request.ahead})))
        for journey in sorted(request.queues)
    }


def load_limits(
    asking: Asker,
    request: LimitRequest,
    heads: dict[int, list[Deferred]],
    customers: Collection[int],
    next_number: int,
) -> LimitsLoaded:
    """Return what is known for a request."""
    sql = f"SELECT {DEFERRED_ROW} FROM deferred WHERE customer = ANY(%(keys)s::bigint[]) ORDER BY number"
    single = list(map(Deferred._make, asking.of(sql, customers)))
    timers = asking.of(
        "SELECT journey, which, due FROM journey_timers WHERE journey = ANY(%(keys)s::bigint[])"
        " ORDER BY journey, which",
        request.journeys,
    )
    return LimitsLoaded(
        {journey: _newest(asking, journey, since, count) for journey, since, count in request.slots},
        heads,
        single,
        {(journey, which): due for journey, which, due in timers},
        next_number,
        {journey: _waiting(asking, journey, listed + 1) for journey, listed in listed_by(heads, single).items()},
    )


def _waiting(asking: Asker, journey: int, most: int) -> int:
    """Return how many entries wait in a queue, so many at most."""
    sql = "SELECT count(*) FROM (SELECT FROM deferred WHERE journey = %(journey)s LIMIT %(most)s) d"
    ((count,),) = asking.rows(sql, {"journey": journey, "most": most})
    return int(count)


def _newest(asking: Asker, journey: int, since: int, count: int) -> list[int]:
    """Return the newest slots later than an instant, so many at most, ascending."""
    sql = "SELECT at, count FROM slots WHERE journey = %(journey)s AND at > %(since)s ORDER BY at DESC LIMIT %(most)s"
    rows = asking.rows(sql, {"journey": journey, "since": since, "most": count})
    slots = (at for at, times in rows for _ in range(times))
    return list(islice(slots, count))[::-1]


def write_limits(sets: SetWriter, changes: LimitChanges) -> None:
    """Write the changes of entry limits."""
    slots = [(journey, at, count) for (journey, at), count in Counter(changes.slots).items()]
    sets.add(
        "slots", "journey, at, count", slots, "(journey, at, tenant) DO UPDATE SET count = slots.count + excluded.count"
    )
    sets.remove("deferred", "number", [(number,) for number in changes.gone])
    sets.add("deferred", DEFERRED_ROW, changes.joined)
    timers = {(journey, which): due for journey, which, due in changes.timers}
    sets.put("journey_timers", "journey, which", "due", [(*key, due) for key, due in timers.items()])
    sets.remove("journey_timers", "journey, which", changes.stopped)
    emptied = [(journey,) for journey in changes.emptied]
    for table in ("deferred", "journey_timers"):
        sets.remove(table, "journey", emptied)
