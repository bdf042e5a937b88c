"""What several tests of the file share."""

from datetime import timedelta
from pathlib import Path

import pytest

from journeyflow import Engine
from journeyflow.stores.sqlite import SQLiteStore
from tests.stores.scenes import START, live, tick_and_claim


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of a file in the middle of its life."""
    path = tmp_path_factory.mktemp("healthy") / "journeys.db"
    with Engine(SQLiteStore(path, nonce="x"), grace=None, max_jump=None) as engine:
        live(engine, 40)
        tick_and_claim(engine, START + timedelta(days=2))
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path, healthy: bytes) -> Path:
    """Give a file in the middle of its life."""
    path = tmp_path / "journeys.db"
    path.write_bytes(healthy)
    return path
