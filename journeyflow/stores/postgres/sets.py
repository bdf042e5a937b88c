"""Writing rows set-wise: one statement for the rows of several tables, their values as one array for each column."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from psycopg import Connection

from journeyflow.stores.postgres.asking import Bindings, FoundRows, run_statement
from journeyflow.stores.postgres.columns import COLUMN_TYPES, columns_of
from journeyflow.stores.postgres.schema import OWNED_BY
from journeyflow.stores.rows import Row


class _Part(NamedTuple):
    """The rows of one table that are to be written: the statement, and the values of each column."""

    sql: str
    columns: Sequence[Sequence[object]]


class SetWriter:
    """Writes rows of one tenant, or of all: then each row says whose it is, by what it belongs to.

    The rows of several tables are written in one statement, whose parts do not see one another. So what touches a table
    again, or looks at one, comes after it: `flush` sends what waits, as `run` and `ask` do before they work.
    """

    def __init__(self, connection: Connection, tenant: str | None) -> None:
        """Write through a connection."""
        self.connection, self.tenant = connection, tenant
        self._parts = list[_Part]()
        self._touched = set[str]()

    def run(self, sql: str, parameters: Bindings | None = None) -> None:
        """Run a statement; what it says is not waited for."""
        self.flush()
        run_statement(self.connection, sql, {"tenant": self.tenant, **(parameters or {})})

    def ask(self, sql: str, parameters: Bindings | None = None) -> FoundRows:
        """Run a question, after all statements before it, and return its rows."""
        self.flush()
        found: FoundRows = run_statement(self.connection, sql, {"tenant": self.tenant, **(parameters or {})}).fetchall()
        return found

    def add(self, table: str, names: str, rows: Collection[Row], on_conflict: str = "") -> None:
        """Add rows; `on_conflict` says what is done about those that are there."""
        if not rows:
            return
        conflict = f" ON CONFLICT {on_conflict}" if on_conflict else ""
        named = columns_of(names)
        if "tenant" in named or "tenant" not in COLUMN_TYPES[table]:
            self._write(f"INSERT INTO {table} ({names}) SELECT * FROM {{}}{conflict}", table, named, rows)
        elif self.tenant is not None:
            form = f"INSERT INTO {table} (tenant, {names}) SELECT %(tenant)s, u.* FROM {{}}{conflict}"
            self._write(form, table, named, rows)
        else:
            column, parent, key = OWNED_BY[table]
            owner = f"(SELECT p.tenant FROM {parent} p WHERE p.{key} = u.{column})"
            form = f"INSERT INTO {table} (tenant, {names}) SELECT {owner}, u.* FROM {{}}{conflict}"
            self._write(form, table, named, rows, after={table, parent})

    def put(self, table: str, key: str, names: str, rows: Collection[Row]) -> None:
        """Add rows, or replace the values of those with the same key."""
        news = ", ".join(f"{name} = excluded.{name}" for name in columns_of(names))
        wanted = key if "tenant" in key or "tenant" not in COLUMN_TYPES[table] else f"{key}, tenant"
        self.add(table, f"{key}, {names}", rows, f"({wanted}) DO UPDATE SET {news}")

    def change(self, table: str, key: str, names: str, rows: Collection[Row], *, waits: bool = True) -> None:
        """Change rows that are there; each has its key first. `waits` is whether it has to see rows added before."""
        if rows:
            news = ", ".join(f"{name} = u.{name}" for name in columns_of(names))
            form = f"UPDATE {table} t SET {news} FROM {{}} WHERE {self._same(key)}"
            self._write(form, table, columns_of(f"{key}, {names}"), rows, after={table} if waits else set())

    def remove(self, table: str, key: str, rows: Collection[Row]) -> None:
        """Delete rows by key."""
        if rows:
            self._write(f"DELETE FROM {table} t USING {{}} WHERE {self._same(key)}", table, columns_of(key), rows)

    def _same(self, key: str) -> str:
        mine = "" if self.tenant is None else " AND t.tenant = %(tenant)s"
        return " AND ".join(f"t.{name} = u.{name}" for name in columns_of(key)) + mine

    def _write(
        self,
        form: str,
        table: str,
        names: Sequence[str],
        rows: Collection[Row],
        *,
        after: AbstractSet[str] | None = None,
    ) -> None:
        """Have rows written with those that wait, but after those of some tables, by default of the same one."""
        if self._touched & ({table} if after is None else after):
            self.flush()
        part = len(self._parts)
        arrays = (f"%(c{part}_{place})s::{COLUMN_TYPES[table][name]}[]" for place, name in enumerate(names))
        self._parts.append(
            _Part(form.format(f"unnest({', '.join(arrays)}) u ({', '.join(names)})"), [*zip(*rows, strict=True)])
        )
        self._touched.add(table)

    def flush(self) -> None:
        """Write the rows that wait."""
        if not self._parts:
            return
        parts, self._parts = self._parts, []
        self._touched.clear()
        before = ", ".join(f"p{number} AS ({part.sql})" for number, part in enumerate(parts[:-1]))
        columns = (
            (f"c{n}_{place}", column) for n, part in enumerate(parts) for place, column in enumerate(part.columns)
        )
        sql = f"WITH {before} {parts[-1].sql}" if before else parts[-1].sql
        run_statement(self.connection, sql, {"tenant": self.tenant, **{name: [*each] for name, each in columns}})
