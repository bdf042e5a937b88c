"""Asking a PostgreSQL connection within a transaction of one tenant, or of all."""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import Connection

from journeyflow.stores.rows import Row

BoundStatement = tuple[str, Mapping[str, object]]
"""A statement and its parameters."""

FoundRows = list[Row]


def about(sql: str, keys: Collection[Any], **parameters: object) -> BoundStatement | None:
    """Return a question about some keys; None, which is not asked, about none."""
    return (sql, {"keys": sorted(keys), **parameters}) if keys else None


def at_once(connection: Connection, *questions: BoundStatement | None) -> list[FoundRows]:
    """Return the rows of some questions, in one round trip; none for what is not asked or has no rows."""
    with connection.pipeline():
        cursors = [None if each is None else connection.execute(*each) for each in questions]
    return [[] if each is None or each.description is None else each.fetchall() for each in cursors]


class Asker:
    """Questions of the store itself; `tenant` is whose rows it looks at, None for those of all."""

    def __init__(self, connection: Connection, tenant: str | None) -> None:
        """Ask a connection."""
        self._connection, self._tenant = connection, tenant

    def mine(self, table: str = "") -> str:
        """Return the condition that a row of a table is the tenant's."""
        return "" if self._tenant is None else f" AND {table}tenant = %(tenant)s"

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> FoundRows:
        """Return the rows of a question."""
        found: FoundRows = self._connection.execute(sql, {"tenant": self._tenant, **(parameters or {})}).fetchall()
        return found

    def of(self, sql: str, keys: Collection[Any], **parameters: object) -> FoundRows:
        """Return the rows of a question about some keys; nobody is asked about none."""
        return self.rows(sql, {"keys": sorted(keys), **parameters}) if keys else []

    def together(self, *questions: BoundStatement | None) -> list[FoundRows]:
        """Return the rows of questions of which none needs the answer of another, in one round trip."""
        if not any(questions):
            return [[] for _ in questions]
        whole = [None if each is None else (each[0], {"tenant": self._tenant, **each[1]}) for each in questions]
        return at_once(self._connection, *whole)
