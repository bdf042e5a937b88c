"""The store in PostgreSQL keeps the contract of `stores/contract.py`."""

from contextlib import ExitStack

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow.stores.postgres.store import PostgresStore
from journeyflow.testing import StoreConformance


class TestPostgres(StoreConformance):
    """The store in a schema of its own."""

    @pytest.fixture(autouse=True)
    def _schemas(self, schemas):
        with ExitStack() as self.stack:
            self.schemas = schemas
            yield

    def make_store(self, tmp_path):
        """Return a store on an empty schema."""
        del tmp_path
        return PostgresStore(self.stack.enter_context(self.schemas.lent("k")))
