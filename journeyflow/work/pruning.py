"""Pruning: what finished history is reduced to, opening balances and what later work may still look up (R86).

Everything here is pure. A store has loaded runs that ended long ago with everything that belongs to them, and the
inputs of that time. This module decides what is deleted, what stays as a bare row, and which sums replace the rest.
Nothing is deleted that a later input or timer could find: `tests/properties/test_pruning.py` shows that pruning changes
no decision.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from journeyflow.basics.words import (
    ANSWER_KINDS,
    ATTRIBUTED,
    CLAIMED,
    COMPLETED,
    FAILED,
    QUEUED,
    REVENUE,
    UNKNOWN_AFTER,
)
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.steps import Split
from journeyflow.records.changes import Changes, Pruned
from journeyflow.records.counting import COUNTED_EVENTS, Note, count, note_of
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Counter, Input, Move, Post, Run, last_visit, version_at
from journeyflow.stores.inquiries import Finished
from journeyflow.work.delivery import GIVEN_UP
from journeyflow.work.intake import ATTRIBUTION

MessageKey = tuple[int, int]

InputWithOutcome = tuple[Input, str | None]
"""An input with its outcome, None while it waits."""

SENT: Final = "message.sent"

ABOUT_MESSAGES: Final = frozenset({*COUNTED_EVENTS, "message.failed", REVENUE})
"""The events that may name a message."""

LASTING: Final = ("versions", "renamed")
"""What a run that stays as a row remembers: which versions it went through (R14)."""


@frozen
class Share:
    """What becomes of finished runs: which are deleted, which stay as bare rows, and the sums for their history."""

    gone: tuple[Run, ...] = ()
    bared: tuple[Run, ...] = ()
    moves: tuple[Move, ...] = ()
    posts: tuple[Post, ...] = ()
    openings: tuple[Counter, ...] = ()
    arms: tuple[tuple[int, int, str, str], ...] = ()

    @property
    def changes(self) -> Changes:
        """The changes to commit; empty if nothing is deleted."""
        if not self.gone and not self.bared:
            return Changes()
        gone = tuple(run.serial for run in self.gone)
        return Changes(pruned=Pruned(gone, self.bared, self.arms, openings=self.openings))


def settle(finished: Finished, catalog: Catalog, before: int) -> Share:
    """Decide what becomes of runs that ended before an instant (R86).

    These stay as rows: a customer's newest run under each key, which re-entry, goals and run numbers look up (R22,
    R42); and the customer's first run and those that converted, which experiments count (R87).
    """
    posts, by_message = _by_serial(finished.posts), _by_message(finished.told)
    pending = {key for key, told in by_message.items() if any(outcome is None for _, outcome in told)}
    settled = _Settled(catalog, before, finished.current, pending | finished.answered)
    over = [run for run in finished.runs if not settled.goes_on(run, posts.get(run.serial, ()))]
    gone = {run.serial: run for run in over if not settled.stays(run)}
    bare = {run.serial: settled.bare(run) for run in over if run.serial not in gone}
    serials = gone.keys() | bare.keys()
    moves = tuple(move for move in finished.moves if move.serial in serials)
    left = tuple(post for post in finished.posts if post.serial in serials)
    emptied = serials & {*(move.serial for move in moves), *posts}
    runs = {run.serial: run for run in finished.runs}
    return Share(
        tuple(gone.values()),
        tuple(run for serial, run in bare.items() if serial in emptied or run != runs[serial]),
        moves,
        left,
        count(moves, runs, _notes(left, runs, by_message), catalog.zones, posts=left),
        tuple(dict.fromkeys(_arms(moves, bare, runs, catalog))),
    )


def _by_serial(posts: Iterable[Post]) -> dict[int, list[Post]]:
    found: dict[int, list[Post]] = {}
    for post in posts:
        found.setdefault(post.serial, []).append(post)
    return found


def _by_message(inputs: Iterable[InputWithOutcome]) -> dict[MessageKey, list[InputWithOutcome]]:
    """Group the inputs about messages by message."""
    found: dict[MessageKey, list[InputWithOutcome]] = {}
    for item, outcome in inputs:
        key = message_of(item, outcome)
        if key is not None:
            found.setdefault(key, []).append((item, outcome))
    return found


@frozen
class _Settled:
    """What decides about every run that has ended."""

    catalog: Catalog
    before: int
    current: Collection[int]
    """The serials of the newest run of each customer, journey and key."""
    pending: Collection[MessageKey]
    """The messages that an input in the inbox is about."""

    def stays(self, run: Run) -> bool:
        """Return whether a run stays as a row: the newest, or counted by experiments (R87) or pulls (R27)."""
        counted = run.number == 1 or run.converted_at is not None
        return counted or run.serial in self.current or run.journey in self.catalog.pulling

    def goes_on(self, run: Run, posts: Sequence[Post]) -> bool:
        """Return whether anything may still happen to a run that has ended; if so, all of it stays."""
        if run.serial in self.current and run.status == FAILED and run.reason != GIVEN_UP:
            return True  # it can be retried (R43)
        if posts and self.may_convert(run) and self.catalog.programs[run.version].reads_posts:
            return True  # the goal may read messages
        since = self.before - max(ATTRIBUTION, self._reach(run))
        return any(self._is_alive(post, since) for post in posts)

    def _reach(self, run: Run) -> int:
        """Return how far back, in microseconds, the caps look that count a run's messages (R31)."""
        timeline = self.catalog.policies.get(self.catalog.programs[run.version].tenant)
        return (timeline.reach or 0) if timeline is not None else 0

    def _is_alive(self, post: Post, since: int) -> bool:
        """Return whether a message is still to be sent, or has had an event since an instant."""
        if post.status in {QUEUED, CLAIMED} or post.at >= since or (post.serial, post.n) in self.pending:
            return True
        return any(first >= since for first, _ in post.flags.values())

    def may_convert(self, run: Run) -> bool:
        """Return whether a run may still reach its goal (R42)."""
        waits = run.converted_at is None and self.catalog.programs[run.version].goal is not None
        return waits and run.serial in self.current

    def bare(self, run: Run) -> Run:
        """Return a run without what nothing will read any more. The goal may still read the run's memory."""
        if self.may_convert(run):
            return run
        lasting = {name: value for name, value in (run.memory or {}).items() if name in LASTING}
        return run._replace(trigger=None, memory=lasting or None)


# --- opening balances -------------------------------------------------------------------------------------------------


def _notes(
    posts: Iterable[Post], runs: Mapping[int, Run], by_message: Mapping[MessageKey, list[InputWithOutcome]]
) -> Iterator[Note]:
    """Yield notes of the events of deleted messages: the first of each kind, and all of them."""
    for post in posts:
        run = runs[post.serial]
        for kind, (first, _) in post.flags.items():
            if f"message.{kind}" in COUNTED_EVENTS:
                yield note_of(run, post, f"message.{kind}", first, unique=True, amount=0)
        heard = [item for item, outcome in by_message.get((post.serial, post.n), ()) if _counts(item, outcome)]
        for item in heard:
            amount = json.loads(item.text)["amount"] if item.text and item.type == REVENUE else 1
            yield note_of(run, post, item.type or SENT, item.at, amount=amount)
        if not any(item.kind == "ack" for item in heard):
            yield from _acked(run, post, sum(item.type == SENT for item in heard))


def _counts(item: Input, outcome: str | None) -> bool:
    """Return whether an event is counted (see `recount`)."""
    return item.kind != "nack" and item.type != "message.failed" and (outcome or "").startswith(("handled", ATTRIBUTED))


def _acked(run: Run, post: Post, fed: int) -> Iterator[Note]:
    """Yield the ack of a message. An ack names no customer, so the message itself is read instead.

    If the host has also submitted `message.sent` events, the acks themselves were looked up.
    """
    first, count_ = post.flags.get("sent", (0, 0))
    if count_ > fed:
        yield note_of(run, post, SENT, first)


def _arms(
    moves: Iterable[Move], bare: Mapping[int, Run], runs: Mapping[int, Run], catalog: Catalog
) -> Iterator[tuple[int, int, str, str]]:
    """Yield the arms that first runs which stay have taken, because experiments count them (R87)."""
    for move in moves:
        run = runs[move.serial]
        if run.serial not in bare or run.number > 1:
            continue
        version = version_at(run, last_visit(move))
        journey = catalog.programs[version].journey
        for step, status, arm in move.path:
            if status == COMPLETED and step in journey.index and isinstance(journey.step(step), Split):
                yield run.serial, version, step, arm


# --- inputs about messages --------------------------------------------------------------------------------------------


def message_of(item: Input, outcome: str | None) -> MessageKey | None:
    """Return the message that an input is about, as (serial, n), or None.

    >>> message_of(Input(1, "t", "", "ack", "", 0, "k-17-2", None), "handled")
    (17, 2)
    """
    if item.kind in ANSWER_KINDS:
        return message_key(item.id)
    if outcome is not None and outcome.startswith(ATTRIBUTED):
        return message_key(outcome.removeprefix(ATTRIBUTED))
    if item.kind != "event" or item.type not in ABOUT_MESSAGES or item.text is None:
        return None
    return message_key(json.loads(item.text).get("message"))


def outlived(
    past: Iterable[InputWithOutcome], present: Collection[MessageKey], known_since: int, *, orphans_only: bool = False
) -> tuple[int, ...]:
    """Return the sequence numbers of inputs that nothing will look up any more.

    An input about a message in `present` stays, and so does an event with an id whose instant is `known_since` or later
    (R26). With `orphans_only` everything that is not about a message stays.
    """
    return tuple(item.seq for item, outcome in past if _is_over(item, outcome, present, known_since, orphans_only))


def _is_over(
    item: Input,
    outcome: str | None,
    present: Collection[MessageKey],
    known_since: int,
    orphans_only: bool,
) -> bool:
    key = message_of(item, outcome)
    if key in present or (key is None and orphans_only):
        return False
    is_known = item.kind == "event" and item.id is not None and outcome not in UNKNOWN_AFTER
    return not is_known or item.at < known_since
