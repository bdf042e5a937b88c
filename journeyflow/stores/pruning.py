"""What both databases do alike where finished history is read, to be pruned (R86)."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from journeyflow.basics.words import ANSWER_KINDS
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input, Post
from journeyflow.stores.erasing import INPUTS, read_told
from journeyflow.stores.inquiries import Finished
from journeyflow.stores.rows import read_move, read_run

ACKS = f"{INPUTS} WHERE customer = '' AND kind = 'ack' AND outcome = 'handled'"
"""Begins the query for acks, which name no customer."""

ANSWERED = f"SELECT id FROM inputs WHERE outcome IS NULL AND kind IN {ANSWER_KINDS}"
"""Begins the query for the messages of all answers that wait."""


def finished_of(
    runs: Iterable[Any],
    moves: Iterable[Any],
    posts: Sequence[Post],
    told: Iterable[tuple[Input, str | None]],
    answers: Iterable[tuple[str]],
) -> Finished:
    """Return what belongs to some runs, from rows; the last column of a run is whether a later one took its place."""
    found = list(runs)
    return Finished(
        tuple(map(read_run, found)),
        frozenset(row[0] for row in found if not row[-1]),
        tuple(map(read_move, moves)),
        tuple(posts),
        tuple(told),
        frozenset(key for (name,) in answers if (key := message_key(name)) is not None),
    )


def acks_of(rows: Iterable[Any], messages: Collection[tuple[int, int]]) -> list[tuple[Input, str]]:
    """Return the acks of some messages, with their outcomes."""
    return [(item, outcome) for item, outcome in read_told(rows) if message_key(item.id) in messages]
