"""Processes work on one schema while they are killed, their connections cut and the server restarted.

Nobody is lost, nothing is done twice, and the work goes on. With `JOURNEYFLOW_CHAOS=1` there are eight processes and
forty tenants, for some minutes; otherwise there are fewer, and the server is restarted once.
"""

import os
import random
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")
pytest.importorskip("fcntl", reason="needs a system with sockets in folders")

import psycopg

from journeyflow import Engine
from tests.stores.postgres.server import GIVEN, Server
from tests.stores.postgres.workers import DAY, LETTER, NOW, begun, signup, work_without_end

LARGE = os.environ.get("JOURNEYFLOW_CHAOS") == "1"

WORKERS, TENANTS, CUSTOMERS = (8, 40, 100) if LARGE else (3, 5, 20)

CUTS, KILLS, RESTARTS = (200, 40, 8) if LARGE else (12, 3, 1)
"""How often a backend is ended, a process is killed and the server is stopped as if it had lost its power."""

PAUSE = 0.3 if LARGE else 0.03
"""The seconds between two of these."""

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'chaos' AND state IN ('active', 'idle in transaction') ORDER BY random() LIMIT 1
"""

TENANT_NAMES = [f"t{number}" for number in range(TENANTS)]

NAMES = [f"c{number}" for number in range(CUSTOMERS)]


@pytest.fixture
def own_server(server):
    """Yield a server that may be stopped."""
    if GIVEN in os.environ:
        pytest.skip(f"stops a server, which is not done to that of {GIVEN}")
    del server  # which says by now whether there can be one
    own = Server.begin(synchronous_commit="on")
    yield own
    own.end()


def test_nobody_is_lost_and_nothing_is_done_twice(own_server, tmp_path):
    """Whoever is killed, whichever connection is cut, and when the server stops: what was confirmed is there."""
    address, notes = own_server.address, tmp_path / "notes"
    with Engine(address, grace=None) as engine:
        for tenant in TENANT_NAMES:
            engine.tenant(tenant).deploy(LETTER, at=NOW)
    with at_work(f"{address}&application_name=chaos", notes) as workers:
        for number in range(RESTARTS):
            harm(address, workers, random.Random(number))
            own_server.stop()
            own_server.start()
            wait_for_more(notes)
        assert [worker.exitcode for worker in workers.values()] == [None] * WORKERS, "no error but the library's own"
    said = noted(notes)
    errors = Counter(said["error"])
    assert errors.total() >= CUTS // 2, "control: what was cut was at work"
    assert [error for error in errors if "deadlock" in error or "serialize" in error] == []
    assert max(Counter(said["claimed"]).values()) == 1, "no message was handed out twice"
    with Engine(address, grace=None) as engine:
        check(engine, said)
    print({kind: len(every) for kind, every in said.items()}, *errors.most_common(9), sep="\n")  # noqa: T201 seen with -s


def check(engine, said):
    """Compare the schema with what was confirmed, then let everybody come in who has not, and compare it with that."""
    mine = {tenant: engine.tenant(tenant) for tenant in TENANT_NAMES}
    with engine.store.reader() as reader:
        inside = {f"{tenant} {name}" for tenant, name in reader.rows("SELECT DISTINCT tenant, customer FROM inputs")}
    assert {*said["fed"]} <= inside
    for tenant in TENANT_NAMES:
        mine[tenant].feed([signup(tenant, name) for name in NAMES])
    engine.tick(NOW)
    engine.tick(NOW + DAY)
    assert engine.audit() == []
    sent = {message.id for each in mine.values() for message in each.messages(take=None) if message.status == "SENT"}
    assert sent >= {*said["acked"]} > set()
    for each in mine.values():
        assert Counter(run.customer for run in each.enrollments(take=None)) == dict.fromkeys(NAMES, 1)
        letters = Counter((message.customer, message.step) for message in each.messages(take=None))
        assert letters == dict.fromkeys([(name, step) for name in NAMES for step in ("hello", "again")], 1)


class Workers(dict[int, BaseProcess]):
    """Processes at work, by number."""

    def __init__(self, address, notes):
        """Note what they work on, and where they say what was done."""
        super().__init__()
        self._of_all = (TENANT_NAMES, NAMES, str(notes))
        self._address = address

    def begin(self, number):
        """Begin one, in the place of the last with this number."""
        self[number] = begun(work_without_end, self._address, number, *self._of_all)

    def kill(self, number):
        """End one at once."""
        self[number].kill()
        self[number].join()


@contextmanager
def at_work(address, notes):
    """Yield processes at work."""
    workers = Workers(address, notes)
    try:
        for number in range(WORKERS):
            workers.begin(number)
        yield workers
    finally:
        for number in workers:
            workers.kill(number)


def harm(address, workers, some):
    """Cut connections that are at work, and kill workers in between, each of which begins anew."""
    hits, every = CUTS // RESTARTS, CUTS // KILLS
    with psycopg.connect(address, autocommit=True) as beside:
        hit = 0
        while hit < hits:
            time.sleep(PAUSE)
            if beside.execute(CUT).fetchall():
                hit += 1
                if hit % every == 0:
                    number = some.randrange(WORKERS)
                    workers.kill(number)
                    workers.begin(number)


def noted(notes):
    """Return what workers have noted, by its first word."""
    said = defaultdict(list)
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.exists() else ():
        kind, _, what = line.partition(" ")
        said[kind].append(what)
    return said


def wait_for_more(notes):
    """Wait until work was done that was not done before, of each kind at least once."""
    before, until = len(noted(notes)["fed"]), time.monotonic() + 60
    while len((said := noted(notes))["fed"]) <= before + WORKERS or not said["acked"]:
        assert time.monotonic() < until, "work goes on when the server is back"
        time.sleep(0.05)
