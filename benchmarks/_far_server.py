"""A PostgreSQL server that is some way off: that of the tests behind a relay, which waits and counts.

The relay is a process of its own between two sockets in folders. It waits once for each turn of the conversation, so a
pipeline of statements waits once as well; and it counts turns, which are round trips, and the statements in them.
"""

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for the launcher of the tests

CHUNK = 2**20

NAME = ".s.PGSQL.5432"

SERVER = "JOURNEYFLOW_BENCH_SERVER"
"""The variable of the environment with the folder of the socket of a server, for processes that are started later."""

SYNCED = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""Settings with which a commit is on the disk, as a file of this engine has it."""

_SPAWN = get_context("spawn")


def missing() -> str | None:
    """Return why there is no server, or None."""
    from tests.stores.postgres import server  # noqa: PLC0415 after the path is set

    return server.missing()


@contextmanager
def served(**settings: str) -> Iterator[str]:
    """Yield the folder of the socket of a new server, with settings other than those of the tests."""
    from tests.stores.postgres.server import Server  # noqa: PLC0415 after the path is set

    server = Server.begin(**settings)
    try:
        yield str(server.folder)
    finally:
        server.end()


def address_in(folder: str, schema: str) -> str:
    """Return the address of a schema of the server whose socket is in a folder."""
    return f"postgresql://postgres@/postgres?host={folder}&schema={schema}"


@define
class Relay:
    """A relay: the folder of its socket, and what it has counted since it began."""

    folder: str
    trips: "Synchronized[int]" = field(factory=lambda: _SPAWN.Value("q", 0))
    statements: "Synchronized[int]" = field(factory=lambda: _SPAWN.Value("q", 0))

    def counted(self, work: Callable[[], object]) -> tuple[int, int]:
        """Return the round trips and the statements of a piece of work."""
        trips, statements = self.trips.value, self.statements.value
        work()
        return self.trips.value - trips, self.statements.value - statements


@contextmanager
def away(server: str, seconds: float = 0.0) -> Iterator[Relay]:
    """Yield a relay to the server whose socket is in a folder, with a round trip of so many seconds more."""
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(folder)
        ready = _SPAWN.Event()
        arguments = (str(Path(server) / NAME), relay, seconds, ready)
        process = _SPAWN.Process(target=_listen, args=arguments, daemon=True)
        process.start()
        ready.wait()
        try:
            yield relay
        finally:
            process.terminate()
            process.join()


def _listen(server: str, relay: Relay, seconds: float, ready: threading.Event) -> None:
    """Take connections, and pass on what they say in two threads each."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(relay.folder) / NAME))
        listening.listen()
        ready.set()
        while True:
            client, _ = listening.accept()
            other = socket.socket(socket.AF_UNIX)
            other.connect(server)
            talk = _Conversation(client, other, seconds, relay)
            for passing in (talk.ask, talk.answer):
                threading.Thread(target=passing, daemon=True).start()


@define
class _Conversation:
    """The two ends of a connection; `asking` is whether the client spoke last."""

    client: socket.socket
    server: socket.socket
    seconds: float
    relay: Relay
    asking: bool = False
    unread: bytes = b"Q"
    """What is not a whole message yet; the first has no type, and is counted as one statement."""

    def ask(self) -> None:
        """Pass on what the client says; where it speaks after the server, a round trip begins."""
        with suppress(OSError):
            while data := self.client.recv(CHUNK):
                if not self.asking:
                    self.asking = True
                    self.relay.trips.value += 1
                    time.sleep(self.seconds)
                self._count(data)
                self.server.sendall(data)
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)

    def answer(self) -> None:
        """Pass on what the server says."""
        with suppress(OSError):
            while data := self.server.recv(CHUNK):
                self.asking = False
                self.client.sendall(data)
        with suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)

    def _count(self, data: bytes) -> None:
        """Count messages that execute a statement: a type of one byte, the length of the rest, the rest."""
        self.unread += data
        place = 0
        while place + 5 <= len(self.unread):
            (length,) = unpack("!i", self.unread[place + 1 : place + 5])
            if place + 1 + length > len(self.unread):
                break
            self.relay.statements.value += self.unread[place : place + 1] in {b"Q", b"E"}
            place += 1 + length
        self.unread = self.unread[place:]
