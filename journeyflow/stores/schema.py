"""The tables of a journeyflow database, designed to be read by people (with Datasette, sqlite-utils or SQL).

Instants are whole microseconds UTC; the views (`views.py`) show them as ISO 8601 text. A migration is a function on a
connection; migrations are applied in order in one immediate transaction, and `PRAGMA user_version` counts those
applied. (sqlite-utils' own migrations write the wall clock into the file, which would make equal runs differ: R1, R90.)

Foreign keys are enforced. Two columns are checked by the audit instead, because SQLite would open the other table for
each row of the hot path: the journey of an enrollment, which its version determines, and the path of a move, which is
found or created in the same transaction.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from journeyflow.stores.views import VIEWS

if TYPE_CHECKING:  # importing this module for its texts must not import sqlite3
    from sqlite3 import Connection

APPLICATION_ID = 0x4A466C77
"""The `PRAGMA application_id` of a journeyflow file: "JFlw"."""

COPYING_ID = 0x4A466370
"""The `PRAGMA application_id` of a file into which another store is being copied: "JFcp"."""

UNFINISHED = ("here is an unfinished copy of another store", "run journeyflow copy again, or remove the copy")
"""Why a place cannot be opened that another store is being copied to, and what to do."""

LATER = 9_223_372_036_854_775_807
"""A sort key that places timers after work that a pause held, at one instant (R16)."""

TABLES = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE journeys (
    number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (tenant, id)
) STRICT;

CREATE TABLE versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    journey INTEGER NOT NULL REFERENCES journeys, version INTEGER NOT NULL, published_at INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, definition TEXT NOT NULL, edited_at INTEGER, UNIQUE (journey, version)
) STRICT;

CREATE TABLE publications (
    journey INTEGER NOT NULL REFERENCES journeys, n INTEGER NOT NULL, at INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES versions, PRIMARY KEY (journey, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE transitions (
    journey INTEGER NOT NULL REFERENCES journeys, n INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (journey, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    tenant TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (tenant, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE flags (
    journey INTEGER NOT NULL REFERENCES journeys, n INTEGER NOT NULL, at INTEGER NOT NULL, step TEXT NOT NULL,
    published INTEGER NOT NULL, PRIMARY KEY (journey, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    tenant TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, channel TEXT NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (tenant, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL, attributes TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;

CREATE TABLE suppressions (
    hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, before INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inputs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, customer TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL,
    id TEXT, data TEXT, outcome TEXT
) STRICT;
CREATE INDEX inbox ON inputs (at, seq) WHERE outcome IS NULL;
CREATE INDEX inputs_by_customer ON inputs (customer);
CREATE INDEX unmatched ON inputs (tenant, seq) WHERE outcome = 'unmatched';
CREATE INDEX set_aside ON inputs (tenant, seq) WHERE outcome = 'error';
CREATE INDEX nacks ON inputs (id) WHERE kind = 'nack' AND data IS NOT NULL;
CREATE INDEX events_by_id ON inputs (id, type, tenant) WHERE kind = 'event' AND id IS NOT NULL;

CREATE TABLE enrollments (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    customer INTEGER NOT NULL REFERENCES customers, journey INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES versions, run INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    entered_at INTEGER NOT NULL, last_at INTEGER NOT NULL, ended_at INTEGER, converted_at INTEGER,
    visit INTEGER NOT NULL, step INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER, held INTEGER, awaits TEXT,
    softened INTEGER NOT NULL, trigger_data TEXT, key TEXT NOT NULL, memory TEXT
) STRICT;
CREATE INDEX enrollments_due ON enrollments (due, ifnull(held, {LATER}), serial) WHERE due IS NOT NULL;
CREATE INDEX enrollments_held ON enrollments (journey) WHERE held IS NOT NULL AND due IS NULL;
CREATE UNIQUE INDEX enrollments_by_customer ON enrollments (customer, journey, key, run);
CREATE INDEX enrollments_by_journey ON enrollments (journey);
CREATE INDEX enrollments_failed ON enrollments (journey) WHERE status = 'FAILED';
CREATE INDEX enrollments_at_step ON enrollments (version, step) WHERE status = 'ACTIVE';

CREATE TABLE paths (
    number INTEGER PRIMARY KEY, version INTEGER NOT NULL REFERENCES versions, steps TEXT NOT NULL,
    UNIQUE (version, steps)
) STRICT;

CREATE TABLE moves (
    enrollment INTEGER NOT NULL REFERENCES enrollments, visit INTEGER NOT NULL, at INTEGER NOT NULL,
    path INTEGER, steps TEXT, seen TEXT,
    PRIMARY KEY (enrollment, visit)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    enrollment INTEGER NOT NULL REFERENCES enrollments, n INTEGER NOT NULL, step TEXT NOT NULL, channel TEXT NOT NULL,
    template TEXT NOT NULL, data TEXT, at INTEGER NOT NULL, expires_at INTEGER, cancel_on_exit INTEGER NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, available_at INTEGER NOT NULL, lease_until INTEGER, token TEXT,
    flags TEXT, domain TEXT, nonce INTEGER NOT NULL, error TEXT NOT NULL, forgiven INTEGER NOT NULL,
    PRIMARY KEY (enrollment, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox ON messages (available_at, enrollment, n) WHERE status = 'QUEUED';
CREATE INDEX leases ON messages (lease_until, enrollment, n) WHERE lease_until IS NOT NULL;
CREATE INDEX messages_failed ON messages (enrollment, n) WHERE status = 'FAILED';

CREATE TABLE journey_timers (
    journey INTEGER NOT NULL REFERENCES journeys, which INTEGER NOT NULL, due INTEGER, PRIMARY KEY (journey, which)
) STRICT, WITHOUT ROWID;

CREATE TABLE slots (
    journey INTEGER NOT NULL REFERENCES journeys, at INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (journey, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE deferred (
    number INTEGER PRIMARY KEY AUTOINCREMENT, journey INTEGER NOT NULL REFERENCES journeys,
    customer INTEGER NOT NULL REFERENCES customers, key TEXT NOT NULL, at INTEGER NOT NULL, trigger_data TEXT
) STRICT;
CREATE INDEX deferred_by_trigger ON deferred (journey, at, number);
CREATE UNIQUE INDEX deferred_by_customer ON deferred (customer, journey, key);

CREATE TABLE list_members (
    tenant TEXT NOT NULL, list TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (tenant, list, customer)
) STRICT, WITHOUT ROWID;

CREATE TABLE pulls (
    journey INTEGER PRIMARY KEY REFERENCES journeys, at INTEGER, after TEXT NOT NULL, origin TEXT, remaining INTEGER,
    softened INTEGER NOT NULL, anchor INTEGER, version INTEGER
) STRICT;

CREATE TABLE refusals (
    journey INTEGER NOT NULL REFERENCES journeys, day TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (journey, day, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_refusals (
    journey INTEGER NOT NULL REFERENCES journeys, customer INTEGER NOT NULL REFERENCES customers,
    reason TEXT NOT NULL, at INTEGER NOT NULL, seen TEXT,
    PRIMARY KEY (customer, journey)
) STRICT, WITHOUT ROWID;

CREATE TABLE exports (
    number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, module TEXT NOT NULL, status TEXT NOT NULL,
    options TEXT NOT NULL, submitted_at INTEGER NOT NULL, started_at INTEGER, updated_at INTEGER NOT NULL,
    finished_at INTEGER, expires_at INTEGER NOT NULL, error TEXT NOT NULL, content TEXT
) STRICT;
CREATE INDEX exports_waiting ON exports (number) WHERE finished_at IS NULL;

CREATE TABLE counters (
    journey INTEGER NOT NULL REFERENCES journeys, day TEXT NOT NULL, domain TEXT NOT NULL, step TEXT NOT NULL,
    what TEXT NOT NULL, label TEXT NOT NULL,
    total INTEGER NOT NULL, uniques INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (journey, day, domain, step, what, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE openings (
    journey INTEGER NOT NULL REFERENCES journeys, day TEXT NOT NULL, domain TEXT NOT NULL, step TEXT NOT NULL,
    what TEXT NOT NULL, label TEXT NOT NULL,
    total INTEGER NOT NULL, uniques INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (journey, day, domain, step, what, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE arms (
    enrollment INTEGER NOT NULL REFERENCES enrollments, version INTEGER NOT NULL REFERENCES versions,
    step TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (enrollment, version, step, label)
) STRICT, WITHOUT ROWID;
"""


TABLE_NAMES: tuple[str, ...] = tuple(re.findall(r"CREATE TABLE (\w+)", TABLES))
"""The tables, each after those that it refers to."""


def columns_of(table: str) -> str:
    """Return the columns of a table, in order, as a question names them; another store may have more of its own.

    >>> columns_of("slots")
    'journey, at, count'
    """
    return ", ".join(re.findall(r"(?:^|,)\s*(\w+) (?:INTEGER|TEXT)\b", _body(table)))


def primary_key(table: str) -> str:
    """Return the columns of the primary key of a table, in order, as a question names them.

    >>> primary_key("slots"), primary_key("customers")
    ('journey, at', 'number')
    """
    [found] = re.findall(r"PRIMARY KEY \(([^)]*)\)|(\w+) \w+ PRIMARY KEY", _body(table))
    return "".join(found)


def _body(table: str) -> str:
    """Return what the script says of the columns and keys of a table."""
    return TABLES.split(f"CREATE TABLE {table} (", 1)[1].split("STRICT", 1)[0]


def _statements(script: str) -> list[str]:
    """Return the statements of a script; `executescript` would commit the current transaction."""
    return [statement for statement in script.split(";\n") if statement.strip()]


def _create(connection: "Connection") -> None:
    """Create the tables and views of version 1."""
    for statement in _statements(TABLES) + _statements(VIEWS):
        connection.execute(statement)


def make_own_views(connection: "Connection") -> None:
    """Create the views as temporary ones: these may run JSON functions, those of the file may not."""
    for statement in _statements(VIEWS):
        connection.execute(statement.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))


MIGRATIONS: tuple[Callable[["Connection"], None], ...] = (_create,)
"""The migrations of the schema, oldest first; a released one never changes."""
