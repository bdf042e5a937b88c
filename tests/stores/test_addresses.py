"""Where a store is: the path of a file, or an address."""

import sys

import pytest

from journeyflow.errors import MissingExtra
from journeyflow.stores.addresses import is_address, open_store, size_of_file
from journeyflow.stores.sqlite import SQLiteStore


def test_a_path_opens_a_file(tmp_path):
    """It is made if it is missing."""
    place = tmp_path / "journeys.db"
    store = open_store(place)
    assert isinstance(store, SQLiteStore)
    store.close()
    assert size_of_file(place) == place.stat().st_size > 0


@pytest.mark.parametrize("place", ["postgresql://db/shop", "postgres://db/shop"])
def test_an_address_needs_the_extra(place, monkeypatch):
    """Without it, the error has the line to install."""
    for name in [name for name in sys.modules if name.startswith("journeyflow.stores.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert is_address(place)
    assert size_of_file(place) is None
    with pytest.raises(MissingExtra, match=r"journeyflow\[postgres\]"):
        open_store(place)
