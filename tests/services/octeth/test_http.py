"""Each printed example once more, over a socket: a server on loopback, a client, and the bytes between them."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.octeth.test_seeds import EXAMPLES, Example, check, prepared
from tests.services.octeth.world import World, running

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

    def serve(self, world: World) -> None:
        """Serve a world from now on."""
        self.app = asgi.application(
            world.engine, world.directory, clock=lambda: world.now, version=world.service.version
        )


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    """Give a server that runs in a thread; requests wait in the socket until it does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Loopback("http://{}:{}".format(*listening.getsockname()))
        server = uvicorn.Server(uvicorn.Config(found, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield found
        server.should_exit = True
        found.client.close()
        thread.join()


@pytest.mark.rows(207, 208, 209)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.version} {each.name}")
def test_each_printed_example_is_answered_over_http(loopback, example: Example):
    """As in process: the printed status, names and types."""
    world, request = prepared(example)
    loopback.serve(world)
    reply = loopback.client.request(
        request.method, request.path, content=request.body.encode(), params=request.query, headers=request.headers
    )
    assert reply.headers["content-type"].startswith("application/json")
    check(example, reply.status_code, reply.json())


@pytest.mark.rows(195)
def test_a_file_is_downloaded_over_http(loopback):
    """As CSV, with a name."""
    world, _ = running()
    number = world.done("journey.export.submit")["ExportID"]
    world.engine.work_exports(at=world.now)
    loopback.serve(world)
    reply = loopback.client.get(
        "/api/v1/journey.export", params={"ExportID": number, "download": 1}, headers={"APIKey": world.key}
    )
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == f'attachment; filename="journey-export-{number}.csv"'
    assert reply.text.startswith("tenant,journey")
