"""All three stores are driven alike and stay equal; `tests/stateful` has the rules."""

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine
from journeyflow.stores.postgres.store import PostgresStore
from tests.cases import share
from tests.stateful.test_agreement import Agreement
from tests.stores.postgres.schemas import Schemas


class OneTenant(Engine):
    """An engine where everything is that tenant's: numbers of others differ, as each counts its own (R92)."""

    def tenant(self, name):
        """Return the engine as it is."""
        del name
        return self


class AgreementWithPostgres(Agreement):
    """The machine with PostgreSQL beside memory and the file."""

    engine = OneTenant
    schemas: Schemas

    def __init__(self):
        """Begin with nothing lent."""
        super().__init__()
        self.stack = ExitStack()

    def stores(self):
        """Return three empty stores."""
        return *super().stores(), PostgresStore(self.stack.enter_context(self.schemas.lent()))

    def teardown(self):
        """Close everything, and give the schema back."""
        with self.stack:
            super().teardown()


class TestAgreement(AgreementWithPostgres.TestCase):  # type: ignore[valid-type, misc]  # made by hypothesis
    """The machine, on the server of the tests."""

    settings = settings(
        max_examples=share(9), stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    @pytest.fixture(autouse=True)
    def _schemas(self, schemas):
        AgreementWithPostgres.schemas = schemas
