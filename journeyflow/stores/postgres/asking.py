"""Asker a PostgreSQL connection within a transaction of one tenant, or of all."""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import Connection


class Asker:
    """Questions of the store itself; `tenant` is whose rows it looks at, None for those of all."""

    def __init__(self, connection: Connection, tenant: str | None) -> None:
        """Ask a connection."""
        self._connection, self._tenant = connection, tenant

    def mine(self, table: str = "") -> str:
        """Return the condition that a row of a table is the tenant's."""
        return "" if self._tenant is None else f" AND {table}tenant = %(tenant)s"

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a question."""
        found: list[tuple[Any, ...]]
        found = self._connection.execute(sql, {"tenant": self._tenant, **(parameters or {})}).fetchall()
        return found

    def of(self, sql: str, keys: Collection[Any], **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a question about some keys; nobody is asked about none."""
        return self.rows(sql, {"keys": sorted(keys), **parameters}) if keys else []
