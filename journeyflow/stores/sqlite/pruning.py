"""Loading and removing finished history in a SQLite file (R86)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from journeyflow.basics.values import dumps
from journeyflow.records.changes import Pruned
from journeyflow.records.rows import Input, Post
from journeyflow.stores.erasing import INPUTS, read_told
from journeyflow.stores.inquiries import Finished, PastRequest, PruneRequest, told_twice
from journeyflow.stores.pruning import ACKS, ANSWERED, acks_of, finished_of
from journeyflow.stores.rows import (
    INPUT_FORM,
    POST_ROW,
    RUN_ROW,
    read_post,
    text_or_none,
)

if TYPE_CHECKING:  # a host with a store in memory does not need sqlite3
    from sqlite3 import Connection

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

PAST = f"""
{INPUTS} WHERE seq > ? AND at < ? AND outcome IS NOT NULL AND ifnull(?, tenant) = tenant
ORDER BY seq LIMIT ?
"""


def load_finished(connection: "Connection", request: PruneRequest) -> Finished:
    """Return the first runs that ended before an instant, with all that belongs to them."""
    asked = {"after": request.after, "before": request.before, "limit": request.limit}
    rows = connection.execute(FINISHED, {**asked, "journeys": dumps(sorted(request.journeys))}).fetchall()
    serials = dumps([serial for serial, *_ in rows])
    posts = [
        read_post(row)
        for row in connection.execute(
            f"SELECT {POST_ROW} FROM messages WHERE enrollment IN (SELECT value FROM json_each(?))"
            " ORDER BY enrollment, n",
            (serials,),
        ).fetchall()
    ]
    moves = connection.execute(MOVES, (serials,)).fetchall()
    answers = connection.execute(ANSWERED).fetchall() if posts else ()
    return finished_of(rows, moves, posts, _told(connection, posts), answers)


def _told(connection: "Connection", posts: Sequence[Post]) -> list[tuple[Input, str]]:
    """Return the reports about some messages: acks, which name no customer, only where events report `sent` too."""
    if not posts:
        return []
    events = read_told(connection.execute(TOLD, (dumps(sorted({post.serial for post in posts})),)).fetchall())
    twice = told_twice(posts)
    return [*events, *acks_of(connection.execute(f"{ACKS} ORDER BY seq").fetchall(), twice)] if twice else events


def load_past(connection: "Connection", request: PastRequest) -> tuple[tuple[Input, str], ...]:
    """Return the first handled inputs from before an instant, with their outcomes."""
    rows = connection.execute(PAST, (request.after, request.before, request.tenant, request.limit)).fetchall()
    return tuple(read_told(rows))


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
