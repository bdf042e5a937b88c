"""The versions of the schema in PostgreSQL."""

from journeyflow.stores.postgres.dialect import translated
from journeyflow.stores.postgres.integrity import CHECKS
from journeyflow.stores.postgres.schema import META, TABLES
from journeyflow.stores.views import VIEWS

MIGRATIONS: tuple[str, ...] = (TABLES + META + translated(VIEWS) + CHECKS,)
"""The scripts that make each version of the schema of the one before, oldest first; a released one never changes."""
