"""The store in PostgreSQL keeps the contract of `stores/contract.py`."""

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow.stores.postgres.store import PostgresStore
from journeyflow.testing import StoreConformance


class TestPostgres(StoreConformance):
    """The store in a schema of its own."""

    @pytest.fixture(autouse=True)
    def _addresses(self, addresses):
        self.addresses = addresses

    def make_store(self, tmp_path):
        """Make a new schema."""
        del tmp_path
        return PostgresStore(self.addresses(), nonce="k")
