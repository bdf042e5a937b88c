"""Writing rows set-wise: one statement for all rows of a kind, its values as one array for each column."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg import Connection

from journeyflow.stores.postgres.schema import OWNED_BY, TABLES
from journeyflow.stores.rows import Row


def _types() -> Mapping[str, Mapping[str, str]]:
    """Return the type of each column, by table."""
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n?\);", TABLES, re.DOTALL)
    return {table: dict(re.findall(r"(\w+) (bigint|text)\b", columns)) for table, columns in tables}


TYPES = _types()


def columns_of(names: str) -> list[str]:
    """Return columns that are named with commas between.

    >>> columns_of("a, b")
    ['a', 'b']
    """
    return [name.strip() for name in names.split(",")]


class SetWriter:
    """Writes rows of one tenant, or of all: then each row says whose it is, by what it belongs to."""

    def __init__(self, connection: Connection, tenant: str | None) -> None:
        """Write through a connection."""
        self.connection, self.tenant = connection, tenant

    def run(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement; what it says is not waited for."""
        self.connection.execute(sql, {"tenant": self.tenant, **(parameters or {})})

    def ask(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a question, after all statements before it, and return its rows."""
        found: list[tuple[Any, ...]]
        found = self.connection.execute(sql, {"tenant": self.tenant, **(parameters or {})}).fetchall()
        return found

    def add(self, table: str, names: str, rows: Collection[Row], on_conflict: str = "") -> None:
        """Add rows; `on_conflict` says what is done about those that are there."""
        if not rows:
            return
        conflict = f" ON CONFLICT {on_conflict}" if on_conflict else ""
        named = columns_of(names)
        if "tenant" in named or "tenant" not in TYPES[table]:
            self._run(f"INSERT INTO {table} ({names}) SELECT * FROM {{}}{conflict}", table, named, rows)
        else:
            owner = self._owner(table)
            self._run(
                f"INSERT INTO {table} (tenant, {names}) SELECT {owner}, u.* FROM {{}}{conflict}", table, named, rows
            )

    def put(self, table: str, key: str, names: str, rows: Collection[Row]) -> None:
        """Add rows, or replace the values of those with the same key."""
        news = ", ".join(f"{name} = excluded.{name}" for name in columns_of(names))
        wanted = key if "tenant" in key or "tenant" not in TYPES[table] else f"{key}, tenant"
        self.add(table, f"{key}, {names}", rows, f"({wanted}) DO UPDATE SET {news}")

    def change(self, table: str, key: str, names: str, rows: Collection[Row]) -> None:
        """Change rows that are there; each has its key first."""
        if rows:
            news = ", ".join(f"{name} = u.{name}" for name in columns_of(names))
            self._run(
                f"UPDATE {table} t SET {news} FROM {{}} WHERE {self._same(key)}",
                table,
                columns_of(f"{key}, {names}"),
                rows,
            )

    def remove(self, table: str, key: str, rows: Collection[Row]) -> None:
        """Delete rows by key."""
        if rows:
            self._run(f"DELETE FROM {table} t USING {{}} WHERE {self._same(key)}", table, columns_of(key), rows)

    def _same(self, key: str) -> str:
        mine = "" if self.tenant is None else " AND t.tenant = %(tenant)s"
        return " AND ".join(f"t.{name} = u.{name}" for name in columns_of(key)) + mine

    def _owner(self, table: str) -> str:
        """Return the SQL of whose a new row is."""
        if self.tenant is not None:
            return "%(tenant)s"
        column, parent, key = OWNED_BY[table]
        return f"(SELECT p.tenant FROM {parent} p WHERE p.{key} = u.{column})"

    def _run(self, form: str, table: str, names: Sequence[str], rows: Collection[Row]) -> None:
        arrays = {f"c{place}": [*column] for place, column in enumerate(zip(*rows, strict=True))}
        types = (f"%(c{place})s::{TYPES[table][name]}[]" for place, name in enumerate(names))
        self.run(form.format(f"unnest({', '.join(types)}) u ({', '.join(names)})"), arrays)
