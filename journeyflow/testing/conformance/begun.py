"""The base of every part of the contract: each test begins with a new store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journeyflow.stores.contract import Store
from journeyflow.testing.conformance.helpers import write
from journeyflow.testing.conformance.samples import CATALOG, PEOPLE


class Begun:
    """A new store for each test."""

    def make_store(self, tmp_path: Path) -> Store:
        """Return a new, empty store; `tmp_path` is an empty directory."""
        raise NotImplementedError

    @contextmanager
    def begun(self, tmp_path: Path) -> Iterator[Store]:
        """Yield a store with the journeys and the customers of `samples`, and close it at the end."""
        store = self.make_store(tmp_path)
        try:
            write(store, CATALOG, PEOPLE)
            yield store
        finally:
            store.close()
