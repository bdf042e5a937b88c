"""Records as plain tuples of numbers and texts, as the store in memory keeps most of them.

Python's cycle collector looks at each tuple that has a class of its own, or holds a dict, for as long as it lives, and
at a plain one of numbers and texts once.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from journeyflow.basics.values import dumps, loads
from journeyflow.records.rows import NO_FLAGS, Input, Move, Post, make_move, make_post

Plain = tuple[Any, ...]
"""A record as a plain tuple."""

input_row: Callable[[Input], Plain] = itemgetter(slice(None))
"""Return an input as a plain tuple, in half of the time of `tuple`."""

STATUS, AVAILABLE_AT, LEASE_UNTIL, FLAGS = map(Post._fields.index, ("status", "available_at", "lease_until", "flags"))


def post_row(post: Post) -> Plain:
    """Return a message as a plain tuple, with its flags as pairs."""
    row: Plain = post
    flags = row[FLAGS]
    return row[:FLAGS] + (tuple(flags.items()) if flags else (),) + row[FLAGS + 1 :]  # noqa: RUF005 twice as fast


def read_post(row: Plain) -> Post:
    """Return the message of a row."""
    pairs = row[FLAGS]
    return make_post(row[:FLAGS] + (dict(pairs) if pairs else NO_FLAGS,) + row[FLAGS + 1 :])  # noqa: RUF005 likewise


def move_row(move: Move) -> Plain:
    """Return a move as a plain tuple, with what was read as JSON text, None for nothing."""
    serial, visit, at, path, seen = move
    return serial, visit, at, path, dumps(seen) if seen else None


def read_move(row: Plain) -> Move:
    """Return the move of a row."""
    serial, visit, at, path, text = row
    return make_move((serial, visit, at, path, loads(text) if text else {}))
