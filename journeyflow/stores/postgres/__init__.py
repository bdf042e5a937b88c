"""The store in a schema of a PostgreSQL database, which many machines share; it needs the extra `postgres`."""

from journeyflow.errors import MissingExtra

try:
    import psycopg as _psycopg  # noqa: F401 for the modules of this package
except ImportError as error:
    what = "a store in PostgreSQL"
    raise MissingExtra(what, "postgres") from error

from journeyflow.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
