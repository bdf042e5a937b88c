"""Requests a second of a served process: journey.get of a journey with 100,000 enrollments, alone and during a tick.

The server is `journeyflow serve` in a process of its own, asked by one client over connections that stay open, one
request after the other. The second time it is asked only while a tick of a hundred thousand people who are due goes on.
By the wall clock; on Linux the CPU time of the server beside it, and everywhere its peak memory.
Argument: number of customers (default 100,000).
"""

import http.client
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import clock_gettime, perf_counter, sleep

from _common import WELCOME, count_from_arguments, customers, peak_memory, report

from journeyflow import Engine, Event
from journeyflow.services.directory import SQLiteDirectory

SECONDS = 10

TICK = re.compile(r"tick: \d+ inputs, (\d+) moves, \d+ messages, ([0-9.]+) s")
"""What the server logs of a tick."""

START_AGO = timedelta(days=3) - timedelta(seconds=90)
"""The people's waits of three days end a minute and a half after the file is begun."""


def prepared(folder: Path, count: int) -> tuple[str, int, datetime]:
    """Make a file in which so many people rest, due soon; return a key, the journey's number and when they are due."""
    began = datetime.now(UTC) - START_AGO
    with Engine(folder / "run.db", grace=None) as engine, SQLiteDirectory(folder / "people.db") as directory:
        directory.put_user(1, "default")
        key = directory.add_secret("key", user=1)
        engine.deploy(WELCOME, at=began)
        engine.put_customers(customers(count), at=began)
        engine.feed(Event("member.created", customer=name, at=began) for name, _ in customers(count))
        engine.tick(began)
        number = engine.journey(WELCOME.id).number
    return key, number, began + timedelta(days=3)


def wait_for(address: str) -> None:
    """Return as soon as the server answers."""
    while True:
        try:
            http.client.HTTPConnection(address, timeout=5).request("GET", "/health")
        except ConnectionError:
            sleep(0.05)
        else:
            return


def asked(address: str, key: str, number: int, over: Callable[[], object]) -> list[tuple[float, float]]:
    """Ask for the journey until it is over; return when each request was made and how long it took, in seconds."""
    connection = http.client.HTTPConnection(address, timeout=60)
    body = json.dumps({"Command": "journey.get", "APIKey": key, "JourneyID": number})
    taken = []
    while not over():
        begun = perf_counter()
        connection.request("POST", "/api.php", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
        assert reply.status == http.client.OK, text
        taken.append((begun, perf_counter() - begun))
    return taken


def during_tick(address: str, key: str, number: int, log: Path, count: int) -> list[float]:
    """Ask until the log says that everybody has moved; return how long what was asked meanwhile took."""
    ticks: list[float] = []
    with log.open(encoding="utf-8") as lines:
        lines.seek(0, os.SEEK_END)

        def ticked() -> bool:
            found = filter(None, map(TICK.search, lines))
            ticks.extend(float(each[2]) for each in found if int(each[1]) >= count // 2)
            return bool(ticks)

        taken = asked(address, key, number, ticked)
    began = perf_counter() - ticks[0]
    return [length for begun, length in taken if begun >= began]


def cpu_of(process: int) -> float | None:
    """Return the CPU seconds of another process; only Linux has a clock for them."""
    return clock_gettime(~process << 3 | 2) if sys.platform == "linux" else None


def figures(name: str, taken: list[float], count: int) -> None:
    """Print requests a second, and the ninetieth percentile."""
    report("http", f"{name}, requests", len(taken) / sum(taken), "1/s", n=count)
    report("http", f"{name}, ninetieth percentile", 1_000 * sorted(taken)[int(0.9 * len(taken))], "ms", n=count)


def main() -> None:
    """Ask, and ask again while everybody is due."""
    count = count_from_arguments(100_000)
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
            try:
                wait_for(address)
                until = perf_counter() + SECONDS
                before = cpu_of(server.pid)
                alone = [length for _, length in asked(address, key, number, lambda: perf_counter() >= until)]
                after = cpu_of(server.pid)
                figures("alone", alone, count)
                if before is not None and after is not None:
                    report(
                        "http",
                        "alone, a request, ticks included",
                        1e3 * (after - before) / len(alone),
                        "ms CPU",
                        n=count,
                    )
                sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
                figures("during a tick", during_tick(address, key, number, log, count), count)
            finally:
                server.terminate()
    report("http", "peak memory of the server", peak_memory(of=resource.RUSAGE_CHILDREN), "MB", n=count)


if __name__ == "__main__":
    main()
