"""A schema to which another store is copied, and what a copy of a schema has to know."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from journeyflow.errors import StorageError
from journeyflow.stores.contract import LAST_TICK, SqlReader
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.opening import connect, explained, mark, owner, prepare, sql_name, version_of
from journeyflow.stores.postgres.reader import PostgresReader
from journeyflow.stores.postgres.schema import COPYING, MARK, NUMBERED, RANGE, TABLE_NAMES
from journeyflow.stores.postgres.sets import SetWriter
from journeyflow.stores.postgres.store import PostgresStore
from journeyflow.stores.postgres.tenants import TenantNumbers, keep
from journeyflow.stores.receiving import MOVED, NOTE, TAKEN, Used, refuse_rows
from journeyflow.stores.rows import Row
from journeyflow.stores.schema import columns_of, primary_key

DEFAULT = "default"
"""The tenant of the first range where nobody has rows."""

_HIGHEST = f"SELECT max({{key}}) FROM {{table}} GROUP BY {{key}} >> {RANGE}"


def used(reader: SqlReader) -> Used:
    """Return which numbers a schema has given."""
    rows = reader.rows(f"SELECT tenant, range, last_tick, {', '.join(NUMBERED)} FROM tenants ORDER BY range")
    ((journeys, versions),) = reader.rows("SELECT journeys, versions FROM layout")
    given = [(kind, last) for row in rows for kind, last in zip(NUMBERED, row[3:], strict=True)]
    tenants = {tenant: (place, last_tick) for tenant, place, last_tick, *_ in rows}
    return Used([("journeys", journeys), ("versions", versions), *given], tenants)


def source(address: str) -> PostgresStore:
    """Open a schema to copy from. Raises StorageError for one that is missing, which would be made."""
    where = Address.of(address)
    with closing(connect(where)) as connection:
        with explained(where):
            is_there = version_of(connection, where) > 0
        if not is_there:
            raise StorageError(where.shown, "there is nothing to copy here", "name the schema of a store")
    return PostgresStore(address)


class PostgresReceiver:
    """A schema that is filled from another store; it is made if it is missing."""

    def __init__(self, address: str) -> None:
        """Connect to the server."""
        self._address = Address.of(address)
        self.path = self._address.shown
        self._connection = connect(self._address)
        try:
            with explained(self._address):
                is_unfinished = owner(self._connection, self._address) == COPYING
            if not is_unfinished:
                prepare(self._connection, self._address, None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _block(self) -> Iterator[SetWriter]:
        """Work in a transaction of the database that writes for all tenants."""
        with explained(self._address), self._connection.transaction():
            self._connection.execute(f"SET LOCAL search_path TO {sql_name(self._address.schema)}")
            sets = SetWriter(self._connection, None)
            yield sets
            sets.flush()

    @contextmanager
    def reader(self) -> Iterator[PostgresReader]:
        """Open a consistent view for queries."""
        with self._block() as sets:
            sets.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield PostgresReader(self._connection)

    def settings(self) -> Mapping[str, str]:
        """Return the settings, with the note of an unfinished copy."""
        with self._block() as sets:
            return dict(sets.ask("SELECT name, value FROM settings"))

    def begin(self, note: str) -> None:
        """Mark the schema as an unfinished copy. Raises StorageError as `refuse_rows` does."""
        with self._block() as sets:
            sets.run("LOCK TABLE tenants IN EXCLUSIVE MODE")
            refuse_rows(PostgresReader(self._connection), self.path)
            mark(self._connection, self._address, COPYING)
            sets.add("settings", "name, value", [(NOTE, note)])

    def add(self, table: str, rows: Sequence[Row], note: str, later: str) -> None:
        """Add rows, and replace the note. Raises StorageError if another process has replaced it."""
        with self._block() as sets:
            replace = "UPDATE settings SET value = %(later)s WHERE name = %(name)s AND value = %(note)s RETURNING name"
            if not sets.ask(replace, {"later": later, "name": NOTE, "note": note}):
                raise StorageError(self.path, *TAKEN)
            sets.add(table, columns_of(table), rows)

    def settle(self, settings: Mapping[str, str], used: Used) -> None:
        """Replace the settings, give each tenant a range, and count on in each from the highest of its numbers."""
        kept = [pair for pair in settings.items() if pair[0] != LAST_TICK]
        with self._block() as sets:
            sets.run("DELETE FROM settings WHERE name <> %(name)s", {"name": NOTE})
            sets.add("settings", "name, value", kept)
            last = _last(sets, used.numbers)
            highest = max((place for _, place in last), default=0)
            first = highest + 1 if highest else 0  # a tenant's next numbers are above those that it has (R10)
            tenants = _tenants(sets, used, int(settings[LAST_TICK]) if LAST_TICK in settings else None, first)
            rows = [
                (tenant, place, tick, *(max(place << RANGE, last.get((kind, place), 0)) for kind in NUMBERED))
                for tenant, (place, tick) in tenants.items()
            ]
            sets.run("DELETE FROM tenants")
            sets.add("tenants", f"tenant, range, last_tick, {', '.join(NUMBERED)}", rows)
            ranges = 1 + max([*(place for place, _ in tenants.values()), *(place for _, place in last)])
            most = {kind: last.get((kind, 0), 0) for kind in ("journeys", "versions")}
            sets.run(
                "UPDATE layout SET ranges = %(ranges)s, journeys = %(journeys)s, versions = %(versions)s",
                {"ranges": ranges, **most},
            )
            sets.flush()
            keep(self._connection, TenantNumbers(last={kind: last.get((kind, 0), 0) for kind in NUMBERED}))
            sets.run(f"ANALYZE {', '.join(TABLE_NAMES)}")

    def finish(self) -> None:
        """Make a store of the schema that can be opened."""
        with self._block() as sets:
            sets.run("DELETE FROM settings WHERE name = %(name)s", {"name": NOTE})
            mark(self._connection, self._address, MARK)


def _last(sets: SetWriter, given: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
    """Return the last number of each table in each range, of those that are there and of those given before."""
    last = dict[tuple[str, int], int]()
    there = [
        (table, number)
        for table in ("journeys", "versions", *NUMBERED)
        for (number,) in sets.ask(_HIGHEST.format(table=table, key=primary_key(table)))
    ]
    for table, number in (*given, *there):
        key = table, number >> RANGE
        last[key] = max(last.get(key, 0), number)
    return last


def _tenants(sets: SetWriter, used: Used, last_tick: int | None, first: int) -> Mapping[str, tuple[int, int | None]]:
    """Return the range of each tenant and its last tick; those of a file get the ranges from the first free one on."""
    if used.tenants:
        return used.tenants
    owning = " UNION ".join(
        f"SELECT tenant FROM {table}" for table in MOVED if "tenant" in columns_of(table).split(", ")
    )
    found = sorted(tenant for (tenant,) in sets.ask(owning)) or [DEFAULT]
    return {tenant: (place, last_tick) for place, tenant in enumerate(found, first)}
