"""A server for all tests of this folder, and schemas on it."""

import os

import pytest


@pytest.fixture(scope="session")
def server(pytestconfig, tmp_path_factory):
    """Yield the address of a server, the same one in all processes of the tests."""
    pytest.importorskip("fcntl", reason="needs a system with sockets in folders")
    from tests.stores.postgres.server import missing, shared  # noqa: PLC0415 not every system has what it imports

    if (reason := missing()) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.getbasetemp()
    of_workers = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with shared(pytestconfig.getoption("shared", of_workers)) as address:
        yield address


@pytest.fixture(scope="session")
def schemas(server):
    """Yield the schemas of this process, which are dropped at the end."""
    from tests.stores.postgres.schemas import Schemas  # noqa: PLC0415 not everybody has the driver

    with Schemas(server) as schemas:
        yield schemas


@pytest.fixture
def addresses(schemas):
    """Return a function that makes addresses, each with a schema that is not there yet."""
    return schemas.new


@pytest.fixture
def address(schemas):
    """Yield an address with an empty schema."""
    with schemas.lent() as address:
        yield address


@pytest.fixture(autouse=True)
def _unwarned(caplog):
    """Fail a test in which the driver warns of anything: an error that it ignores has not come to whoever it is for."""
    yield
    said = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    assert [record.getMessage() for record in said if record.name.startswith("psycopg")] == []
