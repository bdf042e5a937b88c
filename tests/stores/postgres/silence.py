"""A proxy between clients and a server that can fall silent: it passes nothing on any more, and hangs up on nobody."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

from tests.stores.postgres.pooler import NAME


class Proxy:
    """Passes on what clients and the server say, up to a number of messages of one client."""

    def __init__(self, server: Path) -> None:
        """Stand before a server whose socket is there."""
        self._server = server
        self.left: int | None = None
        """How many times the next client that speaks is passed on; None is always."""
        self.deaf = False
        """Whether what clients say gets lost, and not only what they are to hear."""
        self.mute = False
        """Whether nobody is heard any more."""

    def serve(self, client: socket.socket) -> None:
        """Pass on what one client and the server say; fall silent for this client alone when its turn is over."""
        silent = False
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server))
            ends = [client, server]
            while True:
                spoke, _, _ = select(ends, [], [])
                for end, other in ((client, server), (server, client)):
                    if end not in spoke:
                        continue
                    if not (data := end.recv(2**16)):
                        if end is client or not silent:
                            return
                        ends.remove(server)  # it has hung up, and nobody hears of that either
                    if end is client and not silent and self.left is not None:
                        self.left -= 1
                        silent = self.left < 0
                        if silent:
                            self.left = None
                    if not self.mute and not (silent and (end is server or self.deaf)):
                        other.sendall(data)


@contextmanager
def proxied(server: str) -> Iterator[tuple[str, Proxy]]:
    """Yield the folder of a socket behind which the server is whose socket is in a folder, and the proxy."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(folder) / NAME))
        listening.listen()
        proxy = Proxy(Path(server) / NAME)
        threading.Thread(target=_accept, args=(listening, proxy), daemon=True).start()
        yield folder, proxy
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, proxy: Proxy) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()
