"""The journeys on this engine, in memory, in a file, and on PostgreSQL, in the same way as on its peers."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from _common import LATER, START, WELCOME, customers, signups
from _far_server import SERVER, address_in
from _lived import Lived, lived
from mixed import Told, deployed, sent_by

from journeyflow import Engine, MemoryStore
from journeyflow.stores.contract import Store

ENDED = """SELECT j.id, e.status, e.converted_at IS NOT NULL, count(*) FROM enrollments e
JOIN journeys j ON j.number = e.journey GROUP BY 1, 2, 3"""

PLACES: dict[str, Callable[[Path], Store | str]] = {
    "memory": lambda _: MemoryStore(),
    "file": lambda folder: str(folder / "engine.db"),
    "PostgreSQL": lambda folder: address_in(os.environ[SERVER], folder.name),
}
"""Where it keeps its rows, given a folder of its own."""


def welcome(place: str, folder: Path, count: int) -> int:
    """Run the welcome."""
    with Engine(PLACES[place](folder), grace=None) as engine:
        engine.deploy(WELCOME, at=START)
        engine.put_customers(customers(count), at=START)
        engine.tick(START)
        engine.feed(signups(count))
        engine.tick(START)
        engine.tick(LATER)
        return engine.messages(take=1).total


def month(place: str, folder: Path, told: list[Told]) -> Lived:
    """Live through the month."""
    with deployed(PLACES[place](folder)) as engine:
        spent = lived(engine, told)
        with engine.store.reader() as reader:
            ended = Counter({(journey, status, bool(met)): n for journey, status, met, n in reader.rows(ENDED)})
        return spent.of(sent_by(engine), ended)
