"""Two and four processes at work on one file, against one process that does the same work alone.

Each process has customers of its own: it feeds their sign-ups, ticks, claims and acks, and asks again where the file is
locked. Their clocks go alike, so that no lease ends before its ack. The sum counts: one writer at a time is the
promise, so more processes should not make the work slower. CPU time is that of all processes.
Argument: number of customers (default 12,000).
"""

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

from _common import START, WELCOME, Spent, count_from_arguments, report_speed

from journeyflow import Engine, Event
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 3
EACH = 100
"""Sign-ups of a cycle."""


def work(path: str, begin: int, end: int) -> tuple[int, float]:
    """Sign up customers, a hundred a cycle; return how many messages this process handed out, and its CPU seconds."""
    done, begun = 0, process_time()
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
    return done, process_time() - begun


def together(executor: ProcessPoolExecutor, path: Path, processes: int, count: int) -> Spent:
    """Do the work with so many processes; return what all of them spent."""
    with Engine(SQLiteStore(path), grace=None) as engine:
        engine.deploy(WELCOME, at=START)
    share, begun = count // processes, perf_counter()
    jobs = [executor.submit(work, str(path), n * share, (n + 1) * share) for n in range(processes)]
    messages, spent = zip(*(job.result() for job in jobs), strict=True)
    assert sum(messages) == share * processes
    return sum(spent), perf_counter() - begun


def main() -> None:
    """Run them in turn and print the medians."""
    count = count_from_arguments(12_000)
    times: dict[int, list[Spent]] = {1: [], 2: [], 4: []}
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(4, mp_context=get_context("spawn")) as executor:
        for _ in executor.map(work, [f"{folder}/warm{n}.db" for n in range(4)], [0] * 4, [0] * 4):
            pass
        for number in range(ROUNDS):
            for processes, taken in times.items():
                path = Path(folder) / f"{processes}-{number}.db"
                taken.append(together(executor, path, processes, count))
    for processes in (2, 4):
        ours, figure = times[processes], f"{processes} processes"
        report_speed("multi", figure, count, ours, others=times[1], against="one process", n=count, what="customers")


if __name__ == "__main__":
    main()
