"""What other processes do to a file, while the tests watch or kill them."""

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from journeyflow import Engine
from journeyflow.stores.sqlite import SQLiteStore
from tests.stateful.journeys import dump
from tests.stores.scenes import START

INSTANTS = [START + timedelta(hours=hours) for hours in (1, 5, 14, 30, 49, 60, 80, 120, 200)]
"""When the file is ticked: before, between and after what is due."""

AFTERWARDS = [START + timedelta(days=days) for days in (45, 46, 47)]
"""When the leases of all workers have ended, and what was left by dead ones is delivered."""

LEASE = "30 days"
"""Longer than the instants lie apart: a worker may be days behind another."""

AHEAD = 4
"""Words after which a worker waits until they have been heard."""

GRAIN = 50
"""Instructions of SQLite's machine between two points at which a process may be killed."""

TAKEN = 5
"""Messages that a worker takes at once."""

KILLED = 9
"""How a process ends that is killed at a chosen point."""


def open_engine(path: Path) -> Engine:
    """Open a file that is shared: small batches, no grace, so that it does not matter who comes when (R4)."""
    return Engine(SQLiteStore(path, synchronous="NORMAL", nonce="x"), grace=None, max_jump=None, batch_size=20)


def tell(pipe: Connection, work: Callable[[], object]) -> None:
    """Do some work and tell what came of it, or what was raised."""
    try:
        pipe.send(work())
    except Exception as error:  # noqa: BLE001 whatever it is, the test wants to see it
        pipe.send(f"{type(error).__name__}: {error}")


def opener(pipe: Connection) -> None:
    """Open and close every file that is named."""
    for path in iter(pipe.recv, None):
        tell(pipe, partial(open_and_close, path))


def open_and_close(path: Path) -> None:
    """Open a store and close it again."""
    SQLiteStore(path).close()


def worker(path: Path, name: str, pipe: Connection) -> None:
    """Tick and deliver until nothing is left, at each instant in turn; tell each message before it is acked.

    It runs ahead of who listens by a few words only, so that whoever kills it kills it at work.
    """
    words = count(1)

    def send(word: object) -> None:
        pipe.send(word)
        if next(words) % AHEAD == 0:
            pipe.recv()

    tell(pipe, lambda: deliver_everything(path, name, send))


def deliver_everything(path: Path, name: str, send: Callable[[object], None]) -> str:
    """Work through the instants; `send` is told ("tick", moves) and ("sent", ids)."""
    with open_engine(path) as engine:
        for now in INSTANTS:
            deliver_until(engine, now, name, send)
    return "done"


def deliver_until(engine: Engine, now: datetime, name: str, send: Callable[[object], None]) -> None:
    """Tick and deliver until nothing is left that is due at an instant."""
    left = True
    while left:
        result = engine.tick(now, limit=20)
        send(("tick", result.moves))
        messages = engine.claim(name, at=now, limit=TAKEN, lease=LEASE)
        send(("sent", [message.id for message in messages]))
        engine.ack(messages, at=now)
        left = result.more or bool(messages)


def killed_at_statement(path: Path, number: int) -> None:
    """Tick, and die just before the statement with a number."""
    engine, left = open_engine(path), number

    def step(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)

    connection(engine).set_trace_callback(step)
    engine.tick(INSTANTS[-1])


def killed_in_statement(path: Path, number: int) -> None:
    """Tick, and die within a statement, after so many times GRAIN instructions of SQLite's machine."""
    engine, left = open_engine(path), number

    def step() -> int:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)
        return 0

    connection(engine).set_progress_handler(step, GRAIN)
    engine.tick(INSTANTS[-1])


def connection(engine: Engine) -> sqlite3.Connection:
    """Give SQLite's connection of an engine."""
    return engine.store.connection  # type: ignore[attr-defined, no-any-return]  # the store is a SQLiteStore


def forked(path: Path, pipe: Connection) -> None:
    """Open a file, fork, use the store on both sides; tell what the child met and whether the parent's store works."""
    with open_engine(path) as engine:
        before = dump(engine.store)
        theirs, ours = os.pipe()
        if os.fork() == 0:
            try:
                engine.tick(INSTANTS[-1])
            except Exception as error:  # noqa: BLE001 whatever it is, the test wants to see it
                os.write(ours, f"{type(error).__name__}: {error}".encode())
            engine.close()
            os._exit(0)
        os.wait()
        pipe.send((os.read(theirs, 10_000).decode(), dump(engine.store) == before, engine.tick(INSTANTS[-1]).moves > 0))
