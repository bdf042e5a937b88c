"""Each printed example once more, over a socket: a server on loopback, a client, and the bytes between them."""

from collections.abc import Iterator

import pytest

from tests.services.loopback import Loopback, serving
from tests.services.octeth.test_seeds import EXAMPLES, Example, check, prepared
from tests.services.octeth.world import running


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    """Give a server."""
    with serving() as found:
        yield found


@pytest.mark.rows(208, 209)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.version} {each.name}")
def test_each_printed_example_is_answered_over_http(loopback, example: Example):
    """As in process: the printed status, names and types."""
    world, request = prepared(example)
    loopback.serve(world, version=world.service.version)
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
    loopback.serve(world, version=world.service.version)
    reply = loopback.client.get(
        "/api/v1/journey.export", params={"ExportID": number, "download": 1}, headers={"APIKey": world.key}
    )
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == f'attachment; filename="journey-export-{number}.csv"'
    assert reply.text.startswith("tenant,journey")
