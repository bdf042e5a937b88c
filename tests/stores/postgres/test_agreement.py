"""The stores in memory and in PostgreSQL are driven alike and stay equal, as `tests/stateful` does with a file."""

import pytest
from hypothesis import HealthCheck, settings

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, MemoryStore
from journeyflow.stores.postgres.store import PostgresStore
from tests.stateful.test_agreement import Agreement


class OneTenant(Engine):
    """An engine where everything is that tenant's: numbers of others differ, as each counts its own (R92)."""

    def tenant(self, name):
        """Return the engine as it is."""
        del name
        return self


class AgreementWithPostgres(Agreement):
    """The machine with PostgreSQL in the place of the file."""

    engine = OneTenant
    addresses = staticmethod(str)

    def stores(self):
        """Make two empty stores."""
        return MemoryStore(nonce="x"), PostgresStore(self.addresses(), nonce="x")


class TestAgreement(AgreementWithPostgres.TestCase):  # type: ignore[valid-type, misc]  # made by hypothesis
    """The machine, on the server of the tests."""

    settings = settings(
        max_examples=5, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    @pytest.fixture(autouse=True)
    def _addresses(self, addresses):
        AgreementWithPostgres.addresses = staticmethod(addresses)
