"""A server for all tests of this folder, and a schema of its own for each test."""

import os
from itertools import count

import pytest

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Yield the address of a server, the same one in all processes of the tests."""
    pytest.importorskip("fcntl", reason="needs a system with sockets in folders")
    from tests.stores.postgres.server import missing, shared  # noqa: PLC0415 not every system has what it imports

    if (reason := missing()) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.getbasetemp()
    with shared(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as address:
        yield address


@pytest.fixture
def addresses(server):
    """Yield a function that makes addresses, each with a new schema; all are dropped at the end."""
    import psycopg  # noqa: PLC0415 not everybody has it

    made = list[str]()

    def address() -> str:
        made.append(f"jf_{os.getpid()}_{next(NUMBERS)}")
        return f"{server}{'&' if '?' in server else '?'}schema={made[-1]}"

    yield address
    with psycopg.connect(server, autocommit=True) as connection:
        for schema in made:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture
def address(addresses):
    """Return an address with a new schema."""
    return addresses()
