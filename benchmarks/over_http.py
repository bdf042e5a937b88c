"""Requests a second of a served process: journey.get of a journey with 100,000 enrollments, alone and during a tick.

The server is `journeyflow serve` in a process of its own, asked by one client over connections that stay open, one
request after the other: for the journey, then for nothing (`/health`), which is what HTTP alone costs, and for the
journey again while a tick of a hundred thousand people who are due goes on. Three times, each with a new file and a new
server, all of it in some three minutes. By the wall clock; on Linux the CPU time of the server and its peak memory
beside it. Argument: number of customers (default 100,000).
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import clock_gettime, perf_counter, sleep
from typing import NamedTuple

from _common import WELCOME, count_from_arguments, customers, peak_memory, quotients, report

from journeyflow import Engine, Event
from journeyflow.services.directory import SQLiteDirectory

LINUX = sys.platform == "linux"
ROUNDS = 3
SECONDS = 4
"""How long the server is asked for the journey, and as long for nothing."""

TICK = re.compile(r"tick: \d+ inputs, (\d+) moves, \d+ messages, ([0-9.]+) s")
"""What the server logs of a tick."""


def prepared(folder: Path, count: int) -> tuple[str, int, datetime]:
    """Make a file in which so many people rest, due soon; return a key, the journey's number and when they are due.

    Until then the file has to be made, and the server to be asked.
    """
    due = datetime.now(UTC) + timedelta(seconds=15 + count / 3_000)
    began = due - timedelta(days=3)
    with Engine(folder / "run.db", grace=None) as engine, SQLiteDirectory(folder / "people.db") as directory:
        directory.put_user(1, "default")
        key = directory.add_secret("key", user=1)
        engine.deploy(WELCOME, at=began)
        engine.put_customers(customers(count), at=began)
        engine.feed(Event("member.created", customer=name, at=began) for name, _ in customers(count))
        engine.tick(began)
        number = engine.journey(WELCOME.id).number
    return key, number, due


class Asking(NamedTuple):
    """What is asked of a server, and the process of that."""

    server: subprocess.Popen[bytes]
    address: str
    method: str
    path: str
    body: str = ""

    def until(self, over: Callable[[], object]) -> list[tuple[float, float]]:
        """Ask until it is over; return when each request was made and how long it took, in seconds."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        taken = []
        while not over():
            begun = perf_counter()
            connection.request(self.method, self.path, self.body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
            assert reply.status == http.client.OK, text
            taken.append((begun, perf_counter() - begun))
        return taken

    def first_answer(self) -> None:
        """Return as soon as the server answers."""
        while self.server.poll() is None:
            try:
                http.client.HTTPConnection(self.address, timeout=5).request(self.method, self.path)
            except ConnectionError:
                sleep(0.05)
            else:
                return
        sys.exit("the server has ended")

    def for_a_while(self) -> "Asked":
        """Ask for some seconds."""
        before, end = cpu_of(self.server.pid), perf_counter() + SECONDS
        taken = [length for _, length in self.until(lambda: perf_counter() >= end)]
        return Asked.of(taken, (cpu_of(self.server.pid) - before) / len(taken))


class Asked(NamedTuple):
    """Requests a second, the ninetieth percentile in seconds, and the CPU seconds of the server for a request."""

    speed: float
    ninetieth: float
    cpu: float = 0.0

    @classmethod
    def of(cls, taken: list[float], cpu: float = 0.0) -> "Asked":
        """Return the figures of requests that took so long."""
        return cls(len(taken) / sum(taken), sorted(taken)[int(0.9 * len(taken))], cpu)


def during_tick(asking: Asking, log: Path, count: int) -> Asked:
    """Ask until the log says that everybody has moved; return the figures of what was asked meanwhile."""
    ticks: list[float] = []
    with log.open(encoding="utf-8") as lines:
        lines.seek(0, os.SEEK_END)

        def ticked() -> bool:
            found = filter(None, map(TICK.search, lines))
            ticks.extend(float(each[2]) for each in found if int(each[1]) >= count // 2)
            return bool(ticks)

        taken = asking.until(ticked)
    began = perf_counter() - ticks[0]
    return Asked.of([length for begun, length in taken if begun >= began])


def cpu_of(process: int) -> float:
    """Return the CPU seconds of another process; only Linux has a clock for them, elsewhere it is 0."""
    return clock_gettime(~process << 3 | 2) if LINUX else 0.0


class Round(NamedTuple):
    """What one server did; the peak of its memory is in MB, and 0 where it is not known."""

    alone: Asked
    nothing: Asked
    ticking: Asked
    peak: float


def served(count: int) -> Round:
    """Ask for the journey and for nothing, and for the journey again while everybody is due."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key, number, due = prepared(folder, count)
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, "-m", "journeyflow", "serve", "run.db", "--directory", "people.db"]
        options = ["--port", address.partition(":")[2], "--tick", "1s", "--limit", "100000000"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        log = folder / "log"
        with (
            log.open("wb") as told,
            subprocess.Popen([*command, *options], cwd=folder, env=environment, stderr=told) as server,  # noqa: S603 our own
        ):
            body = json.dumps({"Command": "journey.get", "APIKey": key, "JourneyID": number})
            journey = Asking(server, address, "POST", "/api.php", body)
            health = Asking(server, address, "GET", "/health")
            try:
                health.first_answer()
                alone, nothing = journey.for_a_while(), health.for_a_while()
                if (left := (due - datetime.now(UTC)).total_seconds()) < 0:
                    sys.exit(f"the people were due {-left:.0f} s too early for this machine")
                sleep(left)
                ticking = during_tick(journey, log, count)
                peak = peak_memory(server.pid) if LINUX else 0.0
            finally:
                server.terminate()
    return Round(alone, nothing, ticking, peak)


def tell_of(name: str, ours: Sequence[Asked], others: Sequence[Asked], against: str, n: int) -> None:
    """Print the figures of requests of one kind, against others."""
    say = partial(report, "http", n=n)
    mine, its = zip(*ours, strict=True), zip(*others, strict=True)
    (speed, ninetieth, cpu), (its_speed, its_ninetieth, its_cpu) = mine, its
    smaller = f"{against}; a smaller ratio is better"
    say(f"{name}, requests", speed, "1/s", against=against, ratio=quotients(speed, its_speed))
    say(f"{name}, ninetieth percentile", [1e3 * each for each in ninetieth], "ms", against=smaller,
        ratio=quotients(ninetieth, its_ninetieth))  # fmt: skip
    if all((*cpu, *its_cpu)):
        say(f"{name}, a request, ticks included", [1e3 * each for each in cpu], "ms CPU", against=smaller,
            ratio=quotients(cpu, its_cpu))  # fmt: skip


def main() -> None:
    """Serve three files, one after the other, and print the medians."""
    count = count_from_arguments(100_000)
    rounds = [served(count) for _ in range(ROUNDS)]
    alone, nothing, ticking, peaks = zip(*rounds, strict=True)
    tell_of("alone", alone, nothing, "a request for nothing", count)
    tell_of("during a tick", ticking, alone, "alone", count)
    if LINUX:
        report("http", "peak memory of the server", peaks, "MB", n=count)


if __name__ == "__main__":
    main()
