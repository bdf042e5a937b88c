"""The due work of some customers in the store in memory (R74)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from itertools import chain

from journeyflow.basics.words import ANSWER_KINDS
from journeyflow.records.message_ids import message_id, nonces_of
from journeyflow.records.rows import Input, Post, Run
from journeyflow.stores.batch import INPUT, TIMER, DueKey, DueOfKind, Item, timer_key
from journeyflow.stores.memory.contents import MemoryRows


def due_of_customers(
    store: MemoryRows, now: int, of: AbstractSet[tuple[str, str]]
) -> tuple[DueOfKind[Input], DueOfKind[Run], DueOfKind[Post]]:
    """Return the inputs, runs and messages of some customers that are due, each kind in order."""
    numbers = {store.numbers[name] for name in of if name in store.numbers}
    serials = chain.from_iterable(store.newest.get(number, ()) for number in numbers)
    runs = [run for run in map(store.runs.__getitem__, serials) if run.due is not None and run.due <= now]
    keys = chain.from_iterable(store.by_customer().get(number, ()) for number in numbers)
    posts = list(map(store.posts.__getitem__, keys))
    leased = {(post.lease_until, TIMER, post.serial, post.n): post for post in posts if post.lease_until is not None}
    nonces = nonces_of(store.meta)
    messages = {message_id(nonces, post) for post in posts}
    return (
        _in_order({(item.at, INPUT, item.seq, 0): item for item in _inputs(store, now, of, messages)}),
        _in_order({timer_key(run): run for run in runs}),
        _in_order({key: post for key, post in leased.items() if key[0] <= now}),
    )


def _inputs(
    store: MemoryRows, now: int, of: AbstractSet[tuple[str, str]], messages: AbstractSet[str | None]
) -> list[Input]:
    """Return the waiting inputs of some customers, and the answers about their messages, which are given by id.

    The events of others that have the id of one of theirs too.
    """
    waiting = [item for item in store.pending.values() if item.at <= now]
    ids = {_identity(item) for item in waiting if item.id is not None and (item.tenant, item.customer) in of}
    return [
        item
        for item in waiting
        if (
            item.id in messages
            if item.kind in ANSWER_KINDS
            else (item.tenant, item.customer) in of or _identity(item) in ids
        )
    ]


def _identity(item: Input) -> tuple[str, str, str | None]:
    return item.tenant, item.type, item.id


def _in_order(found: Mapping[DueKey, Item]) -> DueOfKind[Item]:
    keys = sorted(found)
    return keys, [found[key] for key in keys]
