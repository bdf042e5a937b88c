"""Loading finished history from the store in memory (R86)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from journeyflow.basics.words import ANSWER_KINDS
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input, Move, Post, Run
from journeyflow.stores.inquiries import Finished, PastRequest, PruneRequest, told_twice


class KeptRows(Protocol):
    """The parts of a `MemoryStore` that are read here."""

    runs: dict[int, Run]
    moves: list[Move]
    posts: dict[tuple[int, int], Post]
    customers: dict[int, tuple[str, str, dict[str, object]]]
    pending: dict[int, Input]
    outcomes: dict[int, str]

    def told(self) -> Iterator[Input]:
        """Yield all inputs, waiting or handled."""


def finished_in(store: KeptRows, request: PruneRequest) -> Finished:
    """Return the first runs of a store that ended before an instant, with all that belongs to them."""
    moved = {move.serial for move in store.moves}
    newest: dict[tuple[int, int, str], int] = {}
    for run in store.runs.values():
        place = (run.customer, run.journey, run.key)
        newest[place] = max(newest.get(place, 0), run.number)

    def is_current(run: Run) -> bool:
        return newest[run.customer, run.journey, run.key] == run.number

    def is_wanted(run: Run) -> bool:
        over = run.serial > request.after and run.ended_at is not None and run.ended_at < request.before
        left = run.serial in moved or run.trigger is not None or run.memory is not None
        return over and run.journey in request.journeys and (left or (run.number > 1 and not is_current(run)))

    runs = tuple(islice((run for _, run in sorted(store.runs.items()) if is_wanted(run)), request.limit))
    serials = {run.serial for run in runs}
    posts = tuple(post for key, post in sorted(store.posts.items()) if key[0] in serials)
    return Finished(
        runs,
        frozenset(run.serial for run in runs if is_current(run)),
        tuple(
            move._replace(seen={})
            for move in sorted(store.moves, key=lambda move: (move.serial, move.visit))
            if move.serial in serials
        ),
        posts,
        tuple(_told_in(store, posts)),
        frozenset(_answered_in(store)) if posts else frozenset(),
    )


def _told_in(store: KeptRows, posts: Sequence[Post]) -> Iterable[tuple[Input, str | None]]:
    """Return what was reported about some messages."""
    people = {store.customers[store.runs[post.serial].customer][:2] for post in posts}
    twice = told_twice(posts)
    for item in store.told():
        outcome = store.outcomes.get(item.seq)
        of_customer = item.kind == "event" and (item.tenant, item.customer) in people
        if of_customer or (item.kind == "ack" and outcome == "handled" and message_key(item.id) in twice):
            yield item, outcome


def _answered_in(store: KeptRows) -> Iterable[tuple[int, int]]:
    """Return the messages of all answers that wait."""
    keys = (message_key(item.id) for item in store.pending.values() if item.kind in ANSWER_KINDS)
    return (key for key in keys if key is not None)


def past_in(store: KeptRows, request: PastRequest) -> tuple[tuple[Input, str], ...]:
    """Return the first handled inputs from before an instant, with their outcomes."""
    found = (
        (item, store.outcomes[item.seq])
        for item in store.told()
        if item.seq > request.after and item.seq in store.outcomes and item.at < request.before
        if request.tenant in {None, item.tenant}
    )
    return tuple(islice(found, request.limit))
