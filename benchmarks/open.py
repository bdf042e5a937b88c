"""Opening a file, deploying nothing new, and the first tick, against opening the bare file and one question to it.

Argument: number of people who wait in it (default 100,000).
"""

import sqlite3
import tempfile
from functools import partial
from pathlib import Path

from _common import START, count_from_arguments, in_turn, report_cost
from idle import waiting

from journeyflow import Engine
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 21
SMALL = 1_000


def opened(path: Path) -> None:
    """Open the file as a host does, and tick."""
    with Engine(SQLiteStore(path), grace=None) as engine:
        engine.tick(START)


def bare(path: Path) -> None:
    """Open the file with `sqlite3` alone, and ask something."""
    connection = sqlite3.connect(path)
    connection.execute("SELECT serial FROM enrollments WHERE due IS NOT NULL LIMIT 1").fetchall()
    connection.close()


def main() -> None:
    """Open in turn and print the medians."""
    large = count_from_arguments(100_000)
    with tempfile.TemporaryDirectory() as folder:
        paths = {count: Path(folder) / f"{count}.db" for count in (large, SMALL)}
        for count, path in paths.items():
            waiting(path, count).close()
        works = [partial(opened, paths[large]), partial(opened, paths[SMALL]), partial(bare, paths[large])]
        ours, *rivals = in_turn(ROUNDS, *works)
    for others, against in zip(
        rivals, (f"a file in which {SMALL} wait", "sqlite3.connect and one question"), strict=True
    ):
        report_cost("open", "open, tick, close", ours, others=others, against=against, n=large)


if __name__ == "__main__":
    main()
