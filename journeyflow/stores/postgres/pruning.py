"""Loading and removing finished history in a PostgreSQL schema (R86)."""

from collections.abc import Sequence

from journeyflow.records.changes import Pruned
from journeyflow.records.rows import Input, Post
from journeyflow.stores.erasing import INPUTS, read_told
from journeyflow.stores.inquiries import Finished, PastRequest, PruneRequest, told_twice
from journeyflow.stores.postgres.asking import Asker
from journeyflow.stores.postgres.sets import SetWriter
from journeyflow.stores.pruning import ACKS, ANSWERED, acks_of, finished_of
from journeyflow.stores.rows import (
    INPUT_FORM,
    POST_ROW,
    RUN_ROW,
    read_post,
    text_or_none,
)

SUPERSEDED = """EXISTS (SELECT FROM enrollments n WHERE n.customer = e.customer AND n.journey = e.journey
    AND n.key = e.key AND n.run > e.run)"""
"""The SQL for whether the same customer has a newer run under the same key."""

FINISHED = f"""
SELECT {RUN_ROW}, {SUPERSEDED} FROM enrollments e
WHERE serial > %(after)s AND ended_at < %(before)s AND journey = ANY(%(keys)s::bigint[])
  AND (trigger_data IS NOT NULL OR memory IS NOT NULL OR (run > 1 AND {SUPERSEDED})
       OR EXISTS (SELECT FROM moves m WHERE m.enrollment = e.serial))
ORDER BY serial LIMIT %(limit)s
"""
"""The query for runs that ended before an instant, of which something is left to prune."""

MOVES = """
SELECT m.enrollment, m.visit, m.at, coalesce(m.steps, p.steps) FROM moves m LEFT JOIN paths p ON p.number = m.path
WHERE m.enrollment = ANY(%(keys)s::bigint[]) ORDER BY m.enrollment, m.visit
"""

MESSAGES = f"SELECT {POST_ROW} FROM messages WHERE enrollment = ANY(%(keys)s::bigint[]) ORDER BY enrollment, n"

TOLD = f"""
SELECT DISTINCT ON (i.seq) {INPUT_FORM.names(table="i.")}, i.outcome
FROM enrollments e JOIN customers c ON c.number = e.customer JOIN inputs i ON i.customer = c.id AND i.tenant = c.tenant
WHERE e.serial = ANY(%(keys)s::bigint[]) AND i.kind = 'event'
  AND (i.data ->> 'message' IS NOT NULL OR i.outcome LIKE 'attributed to %')
ORDER BY i.seq
"""
"""The query for events of the customers of some runs that may be about their messages."""


def load_finished(asking: Asker, request: PruneRequest) -> Finished:
    """Return the first runs that ended before an instant, with all that belongs to them."""
    limits = {"after": request.after, "before": request.before, "limit": request.limit}
    rows = asking.of(FINISHED, request.journeys, **limits)
    serials = [serial for serial, *_ in rows]
    posts = list(map(read_post, asking.of(MESSAGES + asking.lock, serials)))
    moves, told = asking.of(MOVES, serials), _told(asking, posts)
    return finished_of(rows, moves, posts, told, asking.rows(ANSWERED + asking.mine()) if posts else ())


def _told(asking: Asker, posts: Sequence[Post]) -> list[tuple[Input, str]]:
    """Return the reports about some messages: acks, which name no customer, only where events report `sent` too."""
    if not posts:
        return []
    events = read_told(asking.of(TOLD, {post.serial for post in posts}))
    twice = told_twice(posts)
    return [*events, *acks_of(asking.rows(f"{ACKS}{asking.mine()} ORDER BY seq"), twice)] if twice else events


def load_past(asking: Asker, request: PastRequest) -> tuple[tuple[Input, str], ...]:
    """Return the first handled inputs from before an instant, with their outcomes."""
    wanted = "" if request.tenant is None else " AND tenant = %(wanted)s"
    rows = asking.rows(
        f"{INPUTS} WHERE seq > %(after)s AND at < %(before)s AND outcome IS NOT NULL{wanted}"
        " ORDER BY seq LIMIT %(limit)s",
        {"after": request.after, "before": request.before, "wanted": request.tenant, "limit": request.limit},
    )
    return tuple(read_told(rows))


def prune(sets: SetWriter, pruned: Pruned) -> None:
    """Remove finished history."""
    emptied = [(serial,) for serial in (*pruned.gone, *(run.serial for run in pruned.bared))]
    for table in ("moves", "messages"):
        sets.remove(table, "enrollment", emptied)
    sets.remove("enrollments", "serial", [(serial,) for serial in pruned.gone])
    bared = [(run.serial, run.trigger, text_or_none(run.memory)) for run in pruned.bared]
    sets.change("enrollments", "serial", "trigger_data, memory", bared)
    sets.add("arms", "enrollment, version, step, label", sorted(set(pruned.arms)), "DO NOTHING")
    sets.remove("inputs", "seq", [(seq,) for seq in pruned.inputs])
