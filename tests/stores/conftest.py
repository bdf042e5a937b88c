"""A store with a past, for tests of moving it."""

from contextlib import closing

import pytest

from journeyflow.stores.sqlite.store import SQLiteStore
from tests.stores.lived import live, opened


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return a file with a past."""
    path = tmp_path_factory.mktemp("original") / "journeys.db"
    with closing(SQLiteStore(path, synchronous="NORMAL", nonce="x")) as store:
        live(opened(store))
    return path


@pytest.fixture
def file(original, tmp_path):
    """Return a file with a past that may be changed."""
    path = tmp_path / "journeys.db"
    path.write_bytes(original.read_bytes())
    return path
