"""Entry limits in a PostgreSQL schema: slots, queues and timers of journeys (R23)."""

from collections import Counter
from collections.abc import Collection
from itertools import islice

from journeyflow.records.changes import LimitChanges
from journeyflow.records.rows import Deferred
from journeyflow.stores.batch import LimitRequest, LimitsLoaded, listed_by
from journeyflow.stores.postgres.asking import Asker, BoundQuestion, FoundRows, RowQuestion, about_keys, asking_for
from journeyflow.stores.postgres.sets import SetWriter
from journeyflow.stores.rows import DEFERRED_ROW, read_deferred

HEAD = asking_for("deferred", DEFERRED_ROW, "WHERE journey = %(journey)s ORDER BY at, number LIMIT %(ahead)s")

SINGLE = asking_for("deferred", DEFERRED_ROW, "WHERE customer = ANY(%(keys)s::bigint[]) ORDER BY number")

TIMERS = asking_for("journey_timers", "journey, which, due", "WHERE journey = ANY(%(keys)s::bigint[])")

NEWEST = asking_for(
    "slots", "at, count", "WHERE journey = %(journey)s AND at > %(since)s ORDER BY at DESC LIMIT %(most)s"
)

WAITING = RowQuestion("SELECT count(*) FROM (SELECT FROM deferred WHERE journey = %(journey)s LIMIT %(most)s) d", "n")


def heads_asked(request: LimitRequest | None) -> dict[int, BoundQuestion]:
    """Return the questions for the beginnings of queues, by journey."""
    if request is None:
        return {}
    return {journey: (HEAD, {"journey": journey, "ahead": request.ahead}) for journey in sorted(request.queues)}


def load_limits(
    asking: Asker,
    request: LimitRequest,
    heads: dict[int, list[Deferred]],
    customers: Collection[int],
    next_number: int,
) -> LimitsLoaded:
    """Return the `LimitsLoaded` of a request."""
    entries, timers, *newest = asking.together(
        about_keys(SINGLE, customers),
        about_keys(TIMERS, request.journeys),
        *((NEWEST, {"journey": journey, "since": since, "most": count}) for journey, since, count in request.slots),
    )
    single = list(map(read_deferred, entries))
    listed = listed_by(heads, single)
    waiting = asking.together(*((WAITING, {"journey": each, "most": times + 1}) for each, times in listed.items()))
    return LimitsLoaded(
        {journey: _slots(rows, count) for (journey, _, count), rows in zip(request.slots, newest, strict=True)},
        heads,
        single,
        {(journey, which): due for journey, which, due in timers},
        next_number,
        {journey: int(rows[0][0]) for journey, rows in zip(listed, waiting, strict=True)},
    )


def _slots(rows: FoundRows, count: int) -> list[int]:
    """Return the newest `count` slots, ascending, of those given newest first."""
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
