"""Records to rows and back, for SQL."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from journeyflow.basics.values import dumps, loads
from journeyflow.records.rows import NO_FLAGS, Post, Run, make_post, make_run

RUN_COLUMNS = (
    "journey, version, run, status, reason, entered_at, last_at, ended_at, converted_at, visit, step, since, due, held,"
    " awaits, softened, trigger_data, key, memory"
)

RUN_ROW = f"serial, customer, {RUN_COLUMNS}"
"""A run as a row; what stands in RUN_COLUMNS may be alike for many."""

RUN_NOW_COLUMNS = (
    "status, reason, last_at, ended_at, converted_at, visit, step, since, due, held, awaits, softened, memory"
)
"""What can change of a run."""

MOVE_COLUMNS = "visit, at, path, steps, seen"

POST_COLUMNS = (
    "n, step, channel, template, data, at, expires_at, cancel_on_exit, status, attempts, available_at, lease_until,"
    " token, flags, domain, nonce"
)

POST_ROW = f"enrollment, {POST_COLUMNS}"
"""A message as a row; what stands in POST_COLUMNS may be alike for many."""

POST_NOW_COLUMNS = "status, attempts, available_at, lease_until, token, flags, domain"
"""What can change of a message."""


def places(columns: str) -> str:
    """Write as many question marks as there are columns.

    >>> places("a, b, c")
    '?, ?, ?'
    """
    return ", ".join("?" * (columns.count(",") + 1))


def text_or_none(value: object) -> str | None:
    """Write a value as JSON text, nothing for an empty one.

    >>> text_or_none({}), text_or_none({"a": 1})
    (None, '{"a":1}')
    """
    return dumps(value) if value else None


def run_rest(run: Run) -> tuple[Any, ...]:
    """Write a run as RUN_COLUMNS: all but whom it is about."""
    return run[2:] if run.memory is None else (*run[2:-1], dumps(run.memory))


def run_now_rest(run: Run) -> tuple[Any, ...]:
    """Write what can change of a run as RUN_NOW_COLUMNS."""
    return (*run[5:7], *run[8:18], None if run.memory is None else dumps(run.memory))


def read_runs(rows: Iterable[tuple[Any, ...]]) -> list[Run]:
    """Read runs from rows that are, or begin with, a RUN_ROW."""
    return [make_run(row[:21] if row[20] is None else (*row[:20], loads(row[20]))) for row in rows]


def post_rest(post: Post) -> tuple[Any, ...]:
    """Write a message as POST_COLUMNS: all but whom it is about."""
    return (*post[1:14], text_or_none(post.flags), *post[15:])


def post_now_rest(post: Post) -> tuple[Any, ...]:
    """Write what can change of a message as POST_NOW_COLUMNS."""
    return (*post[9:14], text_or_none(post.flags), post.domain)


class Seen(NamedTuple):
    """What rules see of a message, as a row; what was told of it is read when it is asked for."""

    serial: int
    n: int
    step: str
    at: int
    nonce: int
    told: str | None

    @property
    def flags(self) -> Mapping[str, tuple[int, int]]:
        """What was told of it."""
        return read_flags(self.told) if self.told else NO_FLAGS


SEEN_ROW = "enrollment, n, step, at, nonce, flags"

read_seen: Callable[[tuple[Any, ...]], Seen] = partial(tuple.__new__, Seen)
"""Read what rules see of a message from a SEEN_ROW."""


def read_flags(text: str | None) -> Mapping[str, tuple[int, int]]:
    """Read what was told of a message.

    >>> dict(read_flags('{"opened":[5,2]}')), dict(read_flags(None))
    ({'opened': (5, 2)}, {})
    """
    return {kind: (first, count) for kind, (first, count) in loads(text).items()} if text else NO_FLAGS


def read_post(row: tuple[Any, ...]) -> Post:
    """Read a message from a POST_ROW."""
    return make_post((*row[:8], row[8] == 1, *row[9:14], read_flags(row[14]), *row[15:]))
