"""A pooler between clients and a server, as pgbouncer is one in transaction mode.

Each transaction of a client goes to another one of its sessions, so whatever a transaction leaves in a session (a
prepared statement, a setting, a lock) is not there for the next. Like pgbouncer, it greets with a number of its own.
"""

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import cycle
from pathlib import Path
from select import select

NAME = ".s.PGSQL.5432"

SESSIONS = 3

GREETING, READY = b"K", b"Z"
"""The types of the messages of a server that name the session that answers, and that say that it is ready."""

ENDING = {b"Q", b"S"}
"""The types of the messages of a client behind which the server says that it is ready."""

IDLE = b"I"
"""How a server says that no transaction is open."""


@contextmanager
def pooled(server: str, *, own_number: bool = True) -> Iterator[str]:
    """Yield the folder of a socket behind which the server is whose socket is in a folder.

    Without a number of its own, it greets with that of its first session.
    """
    with tempfile.TemporaryDirectory() as folder, closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(Path(folder) / NAME))
        listening.listen()
        threading.Thread(target=_accept, args=(listening, str(Path(server) / NAME), own_number), daemon=True).start()
        yield folder
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, server: str, own_number: bool) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_serve, args=(_End(client), server, own_number), daemon=True).start()


def _serve(client: "_End", server: str, own_number: bool) -> None:
    """Serve one client: as long as a transaction goes on, by one session; then by the next."""
    sessions = [_End(socket.socket(socket.AF_UNIX)) for _ in range(SESSIONS)]
    number = struct.pack("!I", os.getpid() | 1 << 30)
    try:
        with suppress(OSError, EOFError):
            hello = client.socket.recv(10_000)
            greetings = [session.greeted(server, hello) for session in sessions]
            for kind, body in greetings[0]:
                client.say(kind, number + body[4:] if own_number and kind == GREETING else body)
            for session in cycle(sessions):
                _transaction(client, session)
    finally:
        for each in (client, *sessions):
            each.socket.close()


def _transaction(client: "_End", session: "_End") -> None:
    """Pass messages on until all is answered and no transaction is open."""
    unanswered, state = 0, b""
    while unanswered or state != IDLE:
        spoke, _, _ = select([client.socket, session.socket], [], [])
        if client.socket in spoke:
            for kind, body in client.heard():
                session.say(kind, body)
                unanswered += kind in ENDING
        if session.socket in spoke:
            for kind, body in session.heard():
                client.say(kind, body)
                if kind == READY:
                    unanswered, state = unanswered - 1, body


class _End:
    """One end of a conversation in messages, each with a type of one letter."""

    def __init__(self, end: socket.socket) -> None:
        """Speak and listen through a socket."""
        self.socket = end
        self._unread = b""

    def say(self, kind: bytes, body: bytes) -> None:
        """Send a message."""
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def heard(self) -> Iterator[tuple[bytes, bytes]]:
        """Wait until something comes, and yield the messages that are whole by then. Raises EOFError at the end."""
        if not (data := self.socket.recv(2**16)):
            raise EOFError
        self._unread += data
        while len(self._unread) > 4 and len(self._unread) > (size := struct.unpack("!I", self._unread[1:5])[0]):
            message, self._unread = self._unread[: size + 1], self._unread[size + 1 :]
            yield message[:1], message[5:]

    def greeted(self, server: str, hello: bytes) -> list[tuple[bytes, bytes]]:
        """Connect to a server, say hello, and return what it says until it is ready."""
        self.socket.connect(server)
        self.socket.sendall(hello)
        said = list[tuple[bytes, bytes]]()
        while not said or said[-1][0] != READY:
            said += self.heard()
        return said
