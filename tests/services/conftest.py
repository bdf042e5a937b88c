"""What several tests of the site share."""

import pytest

from journeyflow import (
    Engine,
)
from journeyflow.stores.sqlite import SQLiteStore
from tests.services.looking import Browser, filled


@pytest.fixture(scope="module")
def site():
    """Look at a file, where the store makes no difference."""
    with Engine(SQLiteStore(":memory:", nonce="memory")) as engine:
        found = Browser(filled(engine))
        yield found
        found.directory.close()
