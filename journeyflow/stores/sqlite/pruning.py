"""Loading and removing finished history in a SQLite file (R86)."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from journeyflow.basics.values import dumps
from journeyflow.records.changes import Pruned
from journeyflow.records.message_ids import place_of
from journeyflow.records.rows import Input, Post
from journeyflow.stores.inquiries import Finished, PastRequest, PruneRequest, told_twice
from journeyflow.stores.rows import (
    INPUT_FORM,
    INPUT_ROW,
    POST_ROW,
    RUN_ROW,
    read_input,
    read_move,
    read_post,
    read_run,
    text_or_none,
)

if TYPE_CHECKING:  # a host with a store in memory does not need sqlite3
    from sqlite3 import Connection

INPUTS = f"{INPUT_ROW}, outcome"

SUPERSEDED = """EXISTS (SELECT 1 FROM enrollments n WHERE n.customer = e.customer AND n.journey = e.journey
    AND n.key = e.key AND n.run > e.run)"""
"""The SQL for whether the same customer has a newer run under the same key."""

FINISHED = f"""
SELECT {RUN_ROW}, {SUPERSEDED} FROM enrollments e
WHERE serial > :after AND ended_at < :before AND journey IN (SELECT value FROM json_each(:journeys))
  AND (trigger_data IS NOT NULL OR memory IS NOT NULL OR (run > 1 AND {SUPERSEDED})
       OR EXISTS (SELECT 1 FROM moves m WHERE m.enrollment = e.serial))
ORDER BY serial LIMIT :limit
"""
"""The query for runs that ended before an instant, of which something is left to prune."""

MOVES = """
SELECT m.enrollment, m.visit, m.at, ifnull(m.steps, p.steps) FROM moves m LEFT JOIN paths p ON p.number = m.path
WHERE m.enrollment IN (SELECT value FROM json_each(?)) ORDER BY m.enrollment, m.visit
"""

TOLD = f"""
SELECT {INPUT_FORM.names(table="i.")}, i.outcome
FROM enrollments e JOIN customers c ON c.number = e.customer JOIN inputs i ON i.customer = c.id AND i.tenant = c.tenant
WHERE e.serial IN (SELECT value FROM json_each(?)) AND i.kind = 'event'
  AND (i.data ->> 'message' IS NOT NULL OR i.outcome LIKE 'attributed to %')
GROUP BY i.seq ORDER BY i.seq
"""
"""The query for events of the customers of some runs that may be about their messages."""

ACKS = f"SELECT {INPUTS} FROM inputs WHERE customer = '' AND kind = 'ack' AND outcome = 'handled' ORDER BY seq"

ANSWERED = "SELECT id FROM inputs WHERE outcome IS NULL AND kind IN ('ack', 'nack', 'requeue')"

PAST = f"""
SELECT {INPUTS} FROM inputs WHERE seq > ? AND at < ? AND outcome IS NOT NULL AND ifnull(?, tenant) = tenant
ORDER BY seq LIMIT ?
"""


def load_finished(connection: "Connection", request: PruneRequest) -> Finished:
    """Return the first runs that ended before an instant, with all that belongs to them."""
    asked = {"after": request.after, "before": request.before, "limit": request.limit}
    rows = connection.execute(FINISHED, {**asked, "journeys": dumps(sorted(request.journeys))}).fetchall()
    runs = tuple(map(read_run, rows))
    serials = dumps([run.serial for run in runs])
    posts = [
        read_post(row)
        for row in connection.execute(
            f"SELECT {POST_ROW} FROM messages WHERE enrollment IN (SELECT value FROM json_each(?))"
            " ORDER BY enrollment, n",
            (serials,),
        )
    ]
    answered = (place_of(name) for (name,) in connection.execute(ANSWERED)) if posts else ()
    return Finished(
        runs,
        frozenset(row[0] for row in rows if not row[-1]),
        tuple(map(read_move, connection.execute(MOVES, (serials,)))),
        tuple(posts),
        tuple(_told(connection, posts)),
        frozenset(place for place in answered if place is not None),
    )


def _told(connection: "Connection", posts: Sequence[Post]) -> Iterable[tuple[Input, str | None]]:
    """Return what was told of some messages: acks, which name no customer, only where events tell of `sent` too."""
    if not posts:
        return
    rows = connection.execute(TOLD, (dumps(sorted({post.serial for post in posts})),)).fetchall()
    twice = told_twice(posts)
    yield from ((read_input(row), outcome) for *row, outcome in rows)
    for *row, outcome in connection.execute(ACKS).fetchall() if twice else ():
        item = read_input(row)
        if place_of(item.id) in twice:
            yield item, outcome


def load_past(connection: "Connection", request: PastRequest) -> tuple[tuple[Input, str], ...]:
    """Return the first handled inputs from before an instant, with their outcomes."""
    rows = connection.execute(PAST, (request.after, request.before, request.tenant, request.limit))
    return tuple((read_input(row), outcome) for *row, outcome in rows)


def prune(connection: "Connection", pruned: Pruned) -> None:
    """Remove finished history."""
    emptied = dumps([*pruned.gone, *(run.serial for run in pruned.bared)])
    for table in ("moves", "messages"):
        connection.execute(f"DELETE FROM {table} WHERE enrollment IN (SELECT value FROM json_each(?))", (emptied,))
    connection.execute(
        "DELETE FROM enrollments WHERE serial IN (SELECT value FROM json_each(?))", (dumps(pruned.gone),)
    )
    connection.executemany(
        "UPDATE enrollments SET trigger_data = ?, memory = ? WHERE serial = ?",
        [(run.trigger, text_or_none(run.memory), run.serial) for run in pruned.bared],
    )
    connection.executemany("INSERT OR IGNORE INTO arms VALUES (?, ?, ?, ?)", pruned.arms)
    connection.execute("DELETE FROM inputs WHERE seq IN (SELECT value FROM json_each(?))", (dumps(pruned.inputs),))
