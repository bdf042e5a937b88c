"""What other processes do to a schema, while the tests watch, cut or kill them."""

import os
import random
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

from journeyflow import Engine, Event, Journey, Send, StorageError, Trigger, Wait
from journeyflow.basics.moments import to_micros
from journeyflow.records.changes import Changes

NOW = datetime(2026, 1, 5, tzinfo=UTC)

DAY = timedelta(days=1)

LETTER = Journey(
    id="letter",
    trigger=Trigger(event="signup"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("day", "1 day"),
        Send("again", channel="EMAIL", template="again"),
    ],
)


def begun(work, *arguments: object) -> BaseProcess:
    """Begin a process; what it imports is imported once for all of them."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "journeyflow.stores.postgres"])
    process = context.Process(target=work, args=arguments)
    process.start()
    return process


def feed_and_tick(address: str, tenant: str, count: int) -> None:
    """Feed and tick for a tenant."""
    with Engine(address, batch_size=3) as engine:
        mine = engine.tenant(tenant)
        for place in range(count):
            mine.feed(Event("signup", customer=f"c{place}", at=NOW))
            engine.tick(NOW)


def signup(tenant: str, name: str) -> Event:
    """Return the one event of a customer, under its id."""
    return Event("signup", customer=name, at=NOW, id=f"{tenant} {name}")


def work_without_end(address: str, number: int, tenants: list[str], names: list[str], notes: str) -> None:
    """Feed, tick and claim for all tenants, and note what was confirmed; after every error of the store, go on."""
    some = random.Random(f"{number} {os.getpid()}")
    with Path(notes).open("a", encoding="utf-8", buffering=1) as file:
        while True:
            try:
                with Engine(address, grace=None, batch_size=7) as engine:
                    for _ in range(20):
                        _work(engine, number, some.choice(tenants), some.choice(names), file)
                    some_of_each = [(tenant, some.choice(names)) for tenant in tenants]
                    with engine.batch():  # for all tenants at once, which waits for all
                        for tenant, name in some_of_each:
                            engine.tenant(tenant).feed(signup(tenant, name))
                    file.write("".join(f"fed {tenant} {name}\n" for tenant, name in some_of_each))
            except StorageError as error:
                file.write(f"error {' '.join(str(error).split())}\n")
                time.sleep(0.02)


def _work(engine: Engine, number: int, tenant: str, name: str, file: TextIO) -> None:
    mine = engine.tenant(tenant)
    mine.feed(signup(tenant, name))
    file.write(f"fed {tenant} {name}\n")
    engine.tick(NOW, limit=20)
    if claimed := mine.claim(f"w{number}", at=NOW, limit=3):
        file.write("".join(f"claimed {message.id}\n" for message in claimed))
        mine.ack(claimed, at=NOW)
        file.write("".join(f"acked {message.id}\n" for message in claimed))


def hold(address: str, tenant: str, pipe: Connection) -> None:
    """Look what a tenant has to do and keep it at hand until something comes; say what came of that."""
    try:
        with Engine(address) as engine, engine.store.transaction(tenant=tenant) as transaction:
            found = transaction.due(to_micros(NOW), 10)
            pipe.send("held")
            pipe.recv()
            transaction.commit(Changes(handled=tuple((seq, "handled") for seq in found.inputs)))
        pipe.send("written")
    except StorageError as error:
        pipe.send(str(error))
