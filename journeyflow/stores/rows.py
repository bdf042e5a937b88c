"""Records to rows and back, for SQL."""

import json
from typing import Any

from journeyflow.records import NO_FLAGS, Move, Post, Run, make_post, make_run
from journeyflow.values import dumps

RUN_COLUMNS = (
    "serial, customer, journey, version, run, status, reason, entered_at, last_at, ended_at, converted_at, visit, step,"
    " since, due, held, awaits, softened, trigger_data, memory"
)
RUN_NOW_COLUMNS = (
    "status, reason, last_at, ended_at, converted_at, visit, step, since, due, held, awaits, softened, memory"
)

POST_COLUMNS = (
    "enrollment, n, step, channel, template, data, at, expires_at, cancel_on_exit, status, attempts, available_at,"
    " lease_until, token, flags"
)
POST_NOW_COLUMNS = "status, attempts, available_at, lease_until, token, flags"


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


def run_row(run: Run) -> tuple[Any, ...]:
    """Write a run as a row of RUN_COLUMNS."""
    return run if run.memory is None else (*run[:-1], dumps(run.memory))


def run_now_row(run: Run) -> tuple[Any, ...]:
    """Write what can change of a run as a row of RUN_NOW_COLUMNS, then its serial."""
    memory = None if run.memory is None else dumps(run.memory)
    return (*run[5:7], *run[8:18], memory, run.serial)


def read_run(row: tuple[Any, ...]) -> Run:
    """Read a run from a row of RUN_COLUMNS."""
    return make_run(row if row[19] is None else (*row[:19], json.loads(row[19])))


def post_row(post: Post) -> tuple[Any, ...]:
    """Write a message as a row of POST_COLUMNS."""
    return (*post[:-1], text_or_none(post.flags))


def post_now_row(post: Post) -> tuple[Any, ...]:
    """Write what can change of a message as a row of POST_NOW_COLUMNS, then its key."""
    return (*post[9:14], text_or_none(post.flags), post.serial, post.n)


def read_post(row: tuple[Any, ...]) -> Post:
    """Read a message from a row of POST_COLUMNS."""
    flags = {kind: (first, count) for kind, (first, count) in json.loads(row[14]).items()} if row[14] else NO_FLAGS
    return make_post((*row[:8], row[8] == 1, *row[9:14], flags))


def move_row(move: Move, path: int | None, steps: str | None) -> tuple[Any, ...]:
    """Write a move, whose path is either interned or spelled out, as a row of the table."""
    return (move.serial, move.visit, move.at, path, steps, text_or_none(move.seen))
