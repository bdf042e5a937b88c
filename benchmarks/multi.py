"""Two and four processes at work on one file, against one process that does the same work alone.

Each process has customers of its own: it feeds their sign-ups, ticks, claims and acks, and asks again where the file is
locked. Their clocks go alike, so that no lease ends before its ack. The sum counts: one writer at a time is the
promise, so more processes should not make the work slower. Wall clock. Argument: number of customers (default 12,000).
"""

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

from _common import START, WELCOME, count_from_arguments, quotients, report, seconds

from journeyflow import Engine, Event
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 3
EACH = 100
"""Sign-ups of a cycle."""


def work(path: str, begin: int, end: int) -> int:
    """Sign up customers, a hundred a cycle; return how many messages this process handed out."""
    done = 0
    with Engine(SQLiteStore(path), grace=None) as engine:
        for first in range(begin, end, EACH):
            now = START + timedelta(seconds=(first - begin) // EACH)
            names = [f"c{n:06d}" for n in range(first, min(first + EACH, end))]
            engine.put_customers(((name, {"membershipTier": "Gold"}) for name in names), at=START)
            engine.feed(Event("member.created", customer=name, at=START) for name in names)
            engine.tick(now)
            while messages := engine.claim(f"worker {os.getpid()}", at=now, limit=1_000):
                engine.ack(messages, at=now)
                done += len(messages)
    return done


def together(executor: ProcessPoolExecutor, path: Path, processes: int, count: int) -> None:
    """Do the work with so many processes."""
    with Engine(SQLiteStore(path), grace=None) as engine:
        engine.deploy(WELCOME, at=START)
    share = count // processes
    jobs = [executor.submit(work, str(path), n * share, (n + 1) * share) for n in range(processes)]
    assert sum(job.result() for job in jobs) == share * processes


def main() -> None:
    """Run them in turn and print the medians."""
    count = count_from_arguments(12_000)
    times: dict[int, list[float]] = {1: [], 2: [], 4: []}
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(4, mp_context=get_context("spawn")) as executor:
        for _ in executor.map(work, [f"{folder}/warm{n}.db" for n in range(4)], [0] * 4, [0] * 4):
            pass
        for number in range(ROUNDS):
            for processes, taken in times.items():
                path = Path(folder) / f"{processes}-{number}.db"
                taken.append(seconds(lambda path=path, processes=processes: together(executor, path, processes, count)))  # type: ignore[misc]  # defaults bind the loop
    for processes in (2, 4):
        report("multi", f"{processes} processes", [count / each for each in times[processes]], "customers/s", n=count,
               against="one process", ratio=quotients(times[1], times[processes]))  # fmt: skip


if __name__ == "__main__":
    main()
