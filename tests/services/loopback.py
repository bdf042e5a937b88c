"""A server on loopback, whose application tests change: real requests, and the bytes between them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

httpx = pytest.importorskip("httpx", reason="asks the server; python3 dev.py test installs it")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra `http`")
asgi = pytest.importorskip("journeyflow.services.asgi", reason="needs the extra `http`")


class Loopback:
    """A server on loopback, whose application is that of the world at hand."""

    def __init__(self, address: str) -> None:
        """Begin without a world."""
        self.client = httpx.Client(base_url=address)
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand what the server gets to the application."""
        await self.app(scope, receive, send)

    def serve(self, world: Any, **options: Any) -> None:
        """Serve a world, with an engine, a directory and a clock that stands, from now on."""
        self.app = asgi.application(world.engine, world.directory, clock=lambda: world.now, **options)


@contextmanager
def serving() -> Iterator[Loopback]:
    """Run a server in a thread; requests wait in the socket until it does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Loopback("http://{}:{}".format(*listening.getsockname()))
        server = uvicorn.Server(uvicorn.Config(found, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            found.client.close()
            thread.join()
