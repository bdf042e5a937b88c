"""The welcome journey on what a user would pick instead, each as its documentation proposes, against this engine.

Everybody signs up, gets a mail, and three days later a text message, because nobody opened. Peers that survive the
death of their process are held against the engine on a file, the others against the engine in memory. Where a peer
knows only the clock on the wall, its host says when three days are over, or the wait has no length. CPU seconds of the
whole process, threads included. Argument: number of customers (default 500).
"""

import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from _common import LATER, START, WELCOME, apart, count_from_arguments, cpu, customers, quotients, report, signups
from _durable_peers import DURABLE
from _peers import IN_MEMORY

from journeyflow import Engine, MemoryStore
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 3


def engine_in_memory(_: Path, count: int) -> int:
    """Run the engine in memory."""
    return engine_on(MemoryStore(), count)


def engine_on_file(folder: Path, count: int) -> int:
    """Run the engine on a file, every commit synced."""
    return engine_on(SQLiteStore(folder / "engine.db"), count)


def engine_on(store: MemoryStore | SQLiteStore, count: int) -> int:
    """Run the engine."""
    with Engine(store, grace=None) as engine:
        engine.deploy(WELCOME, at=START)
        engine.put_customers(customers(count), at=START)
        engine.tick(START)
        engine.feed(signups(count))
        engine.tick(START)
        engine.tick(LATER)
        return engine.messages(take=1).total


def named(peer: str) -> str:
    """Return a peer with its version, if it is a package."""
    try:
        return f"{peer} {version(peer)}"
    except PackageNotFoundError:
        return peer


def measured(work: Callable[[Path, int], int], count: int) -> float:
    """Return the CPU seconds of a piece of work; run it once with few customers first, for what is imported late."""
    logging.disable(logging.ERROR)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stdout(nothing):
        for some in (3, count):
            with tempfile.TemporaryDirectory() as folder:
                taken = cpu(partial(checked, work, Path(folder), some))
    return taken


def checked(work: Callable[[Path, int], int], folder: Path, count: int) -> None:
    """Do it, and see that everybody got both messages."""
    assert work(folder, count) == 2 * count


def main() -> None:
    """Run each peer and the engine in turn, each in a process of its own, and print the medians."""
    count = count_from_arguments(500)
    for ours, kind, peers in ((engine_in_memory, "in memory", IN_MEMORY), (engine_on_file, "durable", DURABLE)):
        for name, work in peers.items():
            pairs = [(apart(measured, work, count), apart(measured, ours, count)) for _ in range(ROUNDS)]
            its, mine = ([pair[side] for pair in pairs] for side in (0, 1))
            report("peers", kind, [1e6 * each / count for each in mine], "us CPU a customer", n=count,
                   against=named(name), ratio=quotients(its, mine))  # fmt: skip


if __name__ == "__main__":
    main()
