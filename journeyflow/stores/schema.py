"""The tables and views of a journeyflow database, designed to be read by people (with Datasette, sqlite-utils or SQL).

Instants are whole microseconds UTC; the views show them as ISO 8601 text. A migration is a function on a connection;
migrations are applied in order in one immediate transaction, and `PRAGMA user_version` counts those applied.
(sqlite-utils' own migrations write the wall clock into the file, which would make equal runs differ: R1, R90.)

Foreign keys are enforced. Two columns are checked by the audit instead, because SQLite would open the other table for
each row of the hot path: the journey of an enrollment, which its version determines, and the path of a move, which is
found or created in the same transaction.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

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


def columns(table: str) -> str:
    """Return the columns of a table, in order, as a question names them; another store may have more of its own.

    >>> columns("slots")
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


def _iso(column: str) -> str:
    """Return the SQL that shows a column of microseconds as ISO 8601 text."""
    whole = f"(({column}) - ((({column}) % 1000000) + 1000000) % 1000000)"
    return (
        f"strftime('%Y-%m-%dT%H:%M:%S', {whole} / 1000000, 'unixepoch')"
        f" || printf('.%06dZ', ((({column}) % 1000000) + 1000000) % 1000000)"
    )


MESSAGE_ID = """(SELECT value FROM meta WHERE name = 'nonce' || ifnull('.' || nullif(m.nonce, 0), ''))
       || '-' || m.enrollment || '-' || m.n"""
"""The SQL of the id of a message m (R70); a renewed nonce is stored beside the first one, under its number."""

VISITS = """SELECT m.enrollment, max(m.visit, 1) + CAST(s.key AS INTEGER) AS n, json_extract(s.value, '$[0]') AS step,
       json_extract(s.value, '$[1]') AS status, json_extract(s.value, '$[2]') AS outcome,
       CASE WHEN CAST(s.key AS INTEGER) = 0 AND m.visit > 0
            THEN (SELECT p.at FROM moves p WHERE p.enrollment = m.enrollment AND p.visit < m.visit
                  ORDER BY p.visit DESC LIMIT 1)
            ELSE m.at END AS entered,
       CASE WHEN json_extract(s.value, '$[1]') = 'ACTIVE' THEN NULL ELSE m.at END AS left
FROM moves m
JOIN enrollments e ON e.serial = m.enrollment
LEFT JOIN paths p ON p.number = m.path
JOIN json_each(ifnull(m.steps, p.steps)) s ON TRUE
WHERE json_extract(s.value, '$[1]') <> 'ACTIVE'
   OR (e.status = 'ACTIVE' AND e.visit = max(m.visit, 1) + CAST(s.key AS INTEGER))"""
"""The moves expanded to visits. With `trusted_schema` off, as it should be for files of unknown origin, SQLite runs no
JSON functions in a view of the file; so the engine includes this in its own queries."""

VIEWS = f"""
CREATE VIEW enrollments_view AS
SELECT e.serial, c.tenant, j.id AS journey, v.version, c.id AS customer, e.key, e.run, e.status, e.reason,
       {_iso("e.entered_at")} AS entered_at, {_iso("e.ended_at")} AS ended_at, {_iso("e.converted_at")} AS converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END AS step,
       {_iso("e.due")} AS due, e.awaits, e.trigger_data
FROM enrollments e
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = e.version;

CREATE VIEW visits AS
{VISITS};

CREATE VIEW visits_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, w.n, w.step, w.status,
       {_iso("w.entered")} AS entered_at, {_iso("w.left")} AS left_at, w.outcome, e.key
FROM visits w
JOIN enrollments e ON e.serial = w.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW messages_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.n, m.step, m.channel, m.template,
       {_iso("m.at")} AS at, m.status, m.attempts, m.data,
       {MESSAGE_ID} AS id,
       e.key, m.domain, {_iso("m.available_at")} AS available_at, {_iso("m.lease_until")} AS lease_until,
       {_iso("m.expires_at")} AS expires_at, m.error
FROM messages m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW engagement_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.n, m.step, f.key AS kind,
       {_iso("CAST(json_extract(f.value, '$[0]') AS INTEGER)")} AS first_at,
       CAST(json_extract(f.value, '$[1]') AS INTEGER) AS count,
       m.channel
FROM messages m
JOIN json_each(m.flags) f ON TRUE
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey;

CREATE VIEW inputs_view AS
SELECT seq, tenant, customer, kind, type, {_iso("at")} AS at, id, data, ifnull(outcome, 'pending') AS outcome
FROM inputs;

CREATE VIEW policies_view AS
SELECT tenant, n, {_iso("at")} AS at, definition FROM policies;

CREATE VIEW journeys_view AS
SELECT j.tenant, j.id,
       ifnull((SELECT state FROM transitions t WHERE t.journey = j.number ORDER BY n DESC LIMIT 1), 'DRAFT') AS state,
       (SELECT v.version FROM publications p JOIN versions v ON v.number = p.version
        WHERE p.journey = j.number ORDER BY p.n DESC LIMIT 1) AS version,
       ifnull(e.enrolled, 0) AS enrolled, ifnull(e.active, 0) AS active, ifnull(e.completed, 0) AS completed,
       ifnull(e.exited, 0) AS exited, ifnull(e.failed, 0) AS failed, ifnull(e.holdout, 0) AS holdout
FROM journeys j
LEFT JOIN (
    SELECT journey, sum(total) FILTER (WHERE what = 'entered') AS enrolled,
           sum(CASE what WHEN 'entered' THEN total WHEN 'holdout' THEN 0 ELSE -total END) AS active,
           sum(total) FILTER (WHERE what = 'completed') AS completed,
           sum(total) FILTER (WHERE what = 'exited') AS exited,
           sum(total) FILTER (WHERE what = 'failed') AS failed,
           sum(total) FILTER (WHERE what = 'holdout') AS holdout
    FROM counters WHERE day = '*' AND domain = '*' AND step = ''
      AND what IN ('entered', 'completed', 'exited', 'failed', 'holdout') GROUP BY journey
) e ON e.journey = j.number;

CREATE VIEW versions_view AS
SELECT j.tenant, j.id AS journey, v.version, {_iso("v.published_at")} AS published_at,
       json_extract(v.definition, '$.name') AS name, json_extract(v.definition, '$.trigger.event') AS trigger,
       json_array_length(v.definition, '$.steps') AS steps, v.definition
FROM versions v
JOIN journeys j ON j.number = v.journey;

CREATE VIEW steps_view AS
SELECT j.tenant, j.id AS journey, v.version, CAST(s.key AS INTEGER) + 1 AS number,
       json_extract(s.value, '$.id') AS step, json_extract(s.value, '$.kind') AS kind,
       json_extract(s.value, '$.channel') AS channel, json_extract(s.value, '$.template') AS template,
       json_extract(s.value, '$.next') AS next, s.value AS definition
FROM versions v
JOIN journeys j ON j.number = v.journey
JOIN json_each(v.definition, '$.steps') s ON TRUE;

CREATE VIEW transitions_view AS
SELECT j.tenant, j.id AS journey, t.n, {_iso("t.at")} AS at, t.state
FROM transitions t
JOIN journeys j ON j.number = t.journey;

CREATE VIEW publications_view AS
SELECT j.tenant, j.id AS journey, p.n, {_iso("p.at")} AS at, v.version
FROM publications p
JOIN journeys j ON j.number = p.journey
JOIN versions v ON v.number = p.version;

CREATE VIEW flags_view AS
SELECT j.tenant, j.id AS journey, f.n, {_iso("f.at")} AS at, f.step, f.published
FROM flags f
JOIN journeys j ON j.number = f.journey;

CREATE VIEW holds_view AS
SELECT tenant, n, {_iso("at")} AS at, channel, held FROM holds;

CREATE VIEW suppressions_view AS
SELECT tenant, kind, {_iso("before")} AS before, hash FROM suppressions;

CREATE VIEW deferred_view AS
SELECT j.tenant, j.id AS journey, c.id AS customer, d.key, {_iso("d.at")} AS at, d.trigger_data
FROM deferred d
JOIN journeys j ON j.number = d.journey
JOIN customers c ON c.number = d.customer;

CREATE VIEW exports_view AS
SELECT tenant, number AS id, module, status, options, {_iso("submitted_at")} AS submitted_at,
       {_iso("started_at")} AS started_at, {_iso("finished_at")} AS finished_at, {_iso("expires_at")} AS expires_at,
       length(content) AS size, error
FROM exports;

CREATE VIEW customers_view AS
SELECT c.tenant, c.id, (SELECT count(*) FROM enrollments e WHERE e.customer = c.number) AS enrollments, c.attributes
FROM customers c;

CREATE VIEW list_members_view AS
SELECT m.tenant, m.list, m.customer, c.attributes
FROM list_members m
LEFT JOIN customers c ON c.tenant = m.tenant AND c.id = m.customer;

CREATE VIEW moves_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, m.visit, {_iso("m.at")} AS at,
       ifnull(m.steps, p.steps) AS steps, m.seen
FROM moves m
JOIN enrollments e ON e.serial = m.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
LEFT JOIN paths p ON p.number = m.path;

CREATE VIEW refusals_view AS
SELECT j.tenant, j.id AS journey, r.day, r.reason, r.count
FROM refusals r
JOIN journeys j ON j.number = r.journey;

CREATE VIEW last_refusals_view AS
SELECT j.tenant, j.id AS journey, c.id AS customer, r.reason, {_iso("r.at")} AS at, r.seen
FROM last_refusals r
JOIN customers c ON c.number = r.customer
JOIN journeys j ON j.number = r.journey;

CREATE VIEW pulls_view AS
SELECT j.tenant, j.id AS journey, {_iso("p.at")} AS last_at, p.after, {_iso("t.due")} AS next_at
FROM pulls p
JOIN journeys j ON j.number = p.journey
LEFT JOIN journey_timers t ON t.journey = p.journey AND t.which = 1;

CREATE VIEW counters_view AS
SELECT j.tenant, j.id AS journey, k.day, k.domain, k.step, k.what, k.label, k.total, k.uniques,
       {_iso("k.last_at")} AS last_at
FROM counters k
JOIN journeys j ON j.number = k.journey;

CREATE VIEW openings_view AS
SELECT j.tenant, j.id AS journey, k.day, k.domain, k.step, k.what, k.label, k.total, k.uniques,
       {_iso("k.last_at")} AS last_at
FROM openings k
JOIN journeys j ON j.number = k.journey;

CREATE VIEW arms_view AS
SELECT c.tenant, j.id AS journey, c.id AS customer, e.run, v.version, a.step, a.label
FROM arms a
JOIN enrollments e ON e.serial = a.enrollment
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = a.version;
"""


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
