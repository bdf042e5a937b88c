"""Many processes and threads on one file, some of which are killed: nobody is lost, nothing is decided twice (R72)."""

import json
import multiprocessing
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from journeyflow import Engine, MemoryStore
from tests.stateful.journeys import dump
from tests.stores import workers
from tests.stores.scenes import START, live
from tests.stores.workers import AFTERWARDS, AHEAD, GRAIN, INSTANTS, KILLED, TAKEN, deliver_until, open_engine

PEOPLE = 45

pytestmark = [
    pytest.mark.unmeasured,
    pytest.mark.skipif(
        "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs processes that begin by a fork"
    ),
]

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Give the means to start processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([workers.__name__])
    return context


def said(path: Path, people: int) -> bytes:
    """Return the bytes of a file in which everything has been said and nothing been done."""
    with open_engine(path) as engine:
        live(engine, people)
    return path.read_bytes()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of such a file."""
    return said(tmp_path_factory.mktemp("begun") / "journeys.db", PEOPLE)


@pytest.fixture
def file(tmp_path: Path, begun: bytes) -> Path:
    """Give a file in which everything has been said and nothing been done."""
    path = tmp_path / "journeys.db"
    path.write_bytes(begun)
    return path


def start(context: ForkServerContext, target: Any, *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    """Start a process that tells what it does through a pipe."""
    here, there = context.Pipe()
    process = context.Process(target=target, args=(*arguments, there), daemon=True)
    process.start()
    there.close()
    return process, here


def told(pipe: Connection) -> Iterator[Any]:
    """Give what a process has told and still tells, until its end."""
    while True:
        try:
            yield pipe.recv()
        except (EOFError, OSError):
            return


def history(engine: Engine) -> dict[str, list[Row]]:
    """Give what became of every customer, leaving out when which message was delivered, and by which attempt."""
    found = dump(engine.store, "enrollments", "visits", "seen", "rests", "refusals", "last refusals")
    with engine.store.reader() as reader:
        found["messages"] = reader.rows("SELECT id, step, channel, template, data, at FROM messages_view ORDER BY 1")
        people = reader.rows("SELECT tenant, id, attributes FROM customers ORDER BY 1, 2")
        found["outcomes"] = reader.rows("SELECT seq, outcome FROM inputs WHERE kind NOT IN ('ack', 'nack') ORDER BY 1")
    found["customers"] = [(tenant, name, lasting(json.loads(text))) for tenant, name, text in people]
    return found


def lasting(attributes: dict[str, object]) -> dict[str, object]:
    """Leave out the instants at which messages went out (R52)."""
    return {name: value for name, value in attributes.items() if not name.endswith("SentAt")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, begun: bytes) -> dict[str, list[Row]]:
    """Give the history of one process that nobody disturbs."""
    path = tmp_path_factory.mktemp("undisturbed") / "journeys.db"
    path.write_bytes(begun)
    workers.deliver_everything(path, "w", ignore)
    with open_engine(path) as engine:
        deliver_rest(engine, ignore)
        found = history(engine)
    assert len(found["visits"]) > 5 * PEOPLE
    assert len(found["messages"]) > PEOPLE
    return found


def ignore(_: object) -> None:
    """Listen to nothing."""


def deliver_rest(engine: Engine, send: Callable[[object], None]) -> None:
    """Deliver what was left behind, when every lease has ended."""
    for now in AFTERWARDS:
        deliver_until(engine, now, "last", send)


# --- processes --------------------------------------------------------------------------------------------------------


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path, processes: ForkServerContext) -> None:
    """Eight processes open a file that is not there yet: it is made once, and nobody meets an error (P2)."""
    crowd = [start(processes, workers.opener) for _ in range(8)]
    met: list[object] = []
    for number in range(25):
        for _, pipe in crowd:
            pipe.send(tmp_path / f"{number}.db")
        met += [pipe.recv() for _, pipe in crowd]
    for process, pipe in crowd:
        pipe.send(None)
        process.join()
        pipe.close()
    assert Counter(met) == {None: 200}


class Crowd:
    """Workers on one file, of whom some are killed in the middle of their work and replaced."""

    def __init__(self, context: ForkServerContext, file: Path, kills: int) -> None:
        """Begin with four."""
        self.context, self.file, self.kills = context, file, kills
        self.draw = random.Random(72)
        self.processes: dict[Connection, ForkServerProcess] = {}
        self.heard: dict[Connection, int] = {}
        self.lives: dict[Connection, int] = {}
        self.sent = Counter[str]()
        self.ends: list[int | None] = []
        for n in range(4):
            self.hire(f"w{n}")

    def hire(self, name: str) -> None:
        """Start a worker, who is to be killed after some words; it says two at each instant at the least."""
        process, pipe = start(self.context, workers.worker, self.file, name)
        self.processes[pipe], self.heard[pipe] = process, 0
        self.lives[pipe] = self.draw.randint(1, 2 * len(INSTANTS) - AHEAD)

    def watch(self) -> None:
        """Listen to all until the last has done its work."""
        while self.processes:
            for pipe in wait(list(self.processes)):
                assert isinstance(pipe, Connection)
                self.listen(pipe)

    def listen(self, pipe: Connection) -> None:
        """Hear one word; then it may be time to die, or to go home."""
        word = next(told(pipe), "done")
        self.note(word)
        self.heard[pipe] += 1
        if word == "done":
            self.dismiss(pipe)
        elif self.kills and self.heard[pipe] == self.lives[pipe]:
            self.kills -= 1
            self.processes[pipe].kill()
            for last in told(pipe):
                self.note(last)
            self.dismiss(pipe)
            self.hire(f"again {self.kills}")
        elif self.heard[pipe] % AHEAD == 0:
            pipe.send("heard")

    def dismiss(self, pipe: Connection) -> None:
        """See a worker's end."""
        process = self.processes.pop(pipe)
        process.join()
        pipe.close()
        self.ends.append(process.exitcode)

    def note(self, word: Any) -> None:
        """Note what a worker has told: messages that it delivers, never an error."""
        assert word == "done" or isinstance(word, tuple), word
        if word != "done" and word[0] == "sent":
            self.sent.update(word[1])


def test_killed_workers_lose_nothing(
    file: Path, processes: ForkServerContext, undisturbed: dict[str, list[Row]]
) -> None:
    """Four processes tick and deliver, twenty are killed at it: the history is that of a quiet run (C4, P1).

    Every message that is SENT was handed to the channel, and none more often than workers died with it (R71).
    """
    crowd = Crowd(processes, file, kills=20)
    crowd.watch()
    assert Counter(crowd.ends) == {-signal.SIGKILL: 20, 0: 4}
    with open_engine(file) as engine:
        deliver_rest(engine, crowd.note)
        assert history(engine) == undisturbed
        assert engine.audit() == []
        with engine.store.reader() as reader:
            statuses = reader.rows("SELECT id, status FROM messages_view")
    assert {status for _, status in statuses} <= {"SENT", "EXPIRED", "CANCELLED", "SUPPRESSED"}
    assert crowd.sent.keys() >= {name for name, status in statuses if status == "SENT"}
    assert sum(crowd.sent.values()) - len(crowd.sent) <= 20 * TAKEN


def test_a_tick_killed_anywhere_is_done_again(tmp_path: Path, processes: ForkServerContext) -> None:
    """A process that dies before or within any statement of a tick leaves what the next tick finishes.

    The dump is that of a tick that nobody disturbed: inputs, history, messages, serials (R70, R90).
    """
    begun = said(tmp_path / "begun.db", 20)
    quiet, statements, grains = quiet_tick(tmp_path / "quiet.db", begun)
    draw = random.Random(70)
    points: list[tuple[Callable[[Path, int], None], int]] = [
        (workers.killed_at_statement, number) for number in draw.sample(range(1, statements), 16)
    ]
    points += [(workers.killed_in_statement, number) for number in draw.sample(range(1, grains), 10)]
    crowd = []
    for place, (target, number) in enumerate(points):
        path = tmp_path / f"{place}.db"
        path.write_bytes(begun)
        process = processes.Process(target=target, args=(path, number), daemon=True)
        process.start()
        crowd.append((process, path))
    unfinished = 0
    for process, path in crowd:
        process.join()
        assert process.exitcode == KILLED
        with open_engine(path) as engine:
            unfinished += engine.tick(INSTANTS[-1]).moves > 0
            assert dump(engine.store) == quiet
    assert unfinished > len(points) // 2


def quiet_tick(path: Path, begun: bytes) -> tuple[dict[str, list[Row]], int, int]:
    """Tick undisturbed: give the dump, and how many statements and grains of work SQLite was given."""
    path.write_bytes(begun)
    counts = Counter[str]()

    def count() -> int:
        counts["grains"] += 1
        return 0

    with open_engine(path) as engine:
        connection = workers.connection(engine)
        connection.set_trace_callback(lambda _: counts.update(["statements"]))
        connection.set_progress_handler(count, GRAIN)
        engine.tick(INSTANTS[-1])
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 0)
        assert engine.audit() == []
        return dump(engine.store), counts["statements"], counts["grains"]


def test_a_forked_store_is_refused(file: Path, processes: ForkServerContext) -> None:
    """A child that came by a fork is told to open the file itself; the parent's store goes on (P3)."""
    process, pipe = start(processes, workers.forked, file)
    (words, *fine), *_ = told(pipe)
    process.join()
    pipe.close()
    assert words.startswith("StorageError: ")
    assert "before a fork; SQLite forbids sharing it; open the file after the fork: close it in the parent" in words
    assert fine == [True, True]


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_threads_share_an_engine(kind: str, file: Path, undisturbed: dict[str, list[Row]]) -> None:
    """Four threads tick, deliver and ask through one engine: the history is that of one, nothing goes out twice."""
    engine = open_engine(file) if kind == "file" else Engine(MemoryStore(nonce="x"), max_jump=None, batch_size=7)
    told: list[Any] = []
    raised: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for now in INSTANTS:
                deliver_until(engine, now, name, told.append)
                engine.enrollments("welcome", take=5)
        except BaseException as error:  # noqa: BLE001 a thread's errors would be lost
            raised.append(error)

    with engine:
        if kind == "memory":
            live(engine, PEOPLE)
        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert raised == []
        deliver_rest(engine, told.append)
        assert history(engine) == undisturbed
        sent = Counter(name for word, names in told if word == "sent" for name in names)
        assert set(sent.values()) == {1}
        with engine.store.reader() as reader:
            assert set(sent) == {name for (name,) in reader.rows("SELECT id FROM messages_view WHERE status = 'SENT'")}


def test_threads_write_into_batches_of_their_own(file: Path) -> None:
    """What one thread has in a batch is its own until the batch ends (R10)."""
    with open_engine(file) as engine:
        engine.tick(START)
        before = len(dump(engine.store, "inputs")["inputs"])
        seen: list[int] = []

        def look() -> None:
            engine.put_customer("mine", {"a": 1}, at=START)
            seen.append(len(dump(engine.store, "inputs")["inputs"]))

        with engine.batch():
            engine.put_customer("theirs", {"a": 1}, at=START)
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
        assert seen == [before + 1]
        assert len(dump(engine.store, "inputs")["inputs"]) == before + 2
