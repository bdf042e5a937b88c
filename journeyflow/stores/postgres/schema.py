"""The tables of journeyflow in PostgreSQL: those of `stores/schema.py`, with the tenant in every key.

Primary keys, unique indexes and foreign keys contain the tenant, so all tables can be distributed by its hash as they
are; `layout` and `settings` are small and the same for everybody. The tenant comes last in a key: numbers are unique
over all tenants, so a row is found without it too, and the questions need not name it.

Text is compared byte by byte (collation C), whatever the database does elsewhere: as SQLite does, and as Python does.
"""

import re

from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.schema import LATER

MARK = "journeyflow"
"""The comment on a schema that says whose it is."""

COPYING = "journeyflow: unfinished copy"
"""The comment on a schema that another store is being copied to."""

RANGE = 40
"""Of a number, how many bits count within the range of a tenant: a million millions; the others name the range."""

_TABLES = f"""
CREATE TABLE layout (
    version INTEGER NOT NULL, ranges INTEGER NOT NULL, journeys INTEGER NOT NULL, versions INTEGER NOT NULL
);

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY, range INTEGER NOT NULL, due INTEGER, last_tick INTEGER,
    customers INTEGER NOT NULL, enrollments INTEGER NOT NULL, inputs INTEGER NOT NULL, deferred INTEGER NOT NULL,
    exports INTEGER NOT NULL, paths INTEGER NOT NULL
);

CREATE TABLE journeys (
    number INTEGER NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (number, tenant), UNIQUE (tenant, id)
);

CREATE TABLE versions (
    tenant TEXT NOT NULL, number INTEGER NOT NULL, journey INTEGER NOT NULL, version INTEGER NOT NULL,
    published_at INTEGER NOT NULL, fingerprint TEXT NOT NULL, definition TEXT NOT NULL, edited_at INTEGER,
    PRIMARY KEY (number, tenant), UNIQUE (journey, version, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE publications (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (journey, n, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant),
    FOREIGN KEY (version, tenant) REFERENCES versions (number, tenant)
);

CREATE TABLE transitions (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (journey, n, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE policies (
    tenant TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (tenant, n)
);

CREATE TABLE flags (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, step TEXT NOT NULL,
    published INTEGER NOT NULL,
    PRIMARY KEY (journey, n, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE holds (
    tenant TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, channel TEXT NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (tenant, n)
);

CREATE TABLE customers (
    number INTEGER NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (number, tenant), UNIQUE (tenant, id)
);

CREATE TABLE suppressions (
    hash TEXT NOT NULL, tenant TEXT NOT NULL, kind TEXT NOT NULL, before INTEGER NOT NULL, PRIMARY KEY (hash, tenant)
);

CREATE TABLE inputs (
    seq INTEGER NOT NULL, tenant TEXT NOT NULL, customer TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL,
    at INTEGER NOT NULL, id TEXT, data TEXT, outcome TEXT, PRIMARY KEY (seq, tenant)
);
CREATE INDEX inbox ON inputs (tenant, at, seq) WHERE outcome IS NULL;
CREATE INDEX inputs_by_customer ON inputs (customer);
CREATE INDEX unmatched ON inputs (tenant, seq) WHERE outcome = 'unmatched';
CREATE INDEX set_aside ON inputs (tenant, seq) WHERE outcome = 'error';
CREATE INDEX nacks ON inputs (id) WHERE kind = 'nack' AND data IS NOT NULL;
CREATE INDEX events_by_id ON inputs (id, type, tenant) WHERE kind = 'event' AND id IS NOT NULL;

CREATE TABLE enrollments (
    tenant TEXT NOT NULL, serial INTEGER NOT NULL, customer INTEGER NOT NULL, journey INTEGER NOT NULL,
    version INTEGER NOT NULL, run INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    entered_at INTEGER NOT NULL, last_at INTEGER NOT NULL, ended_at INTEGER, converted_at INTEGER,
    visit INTEGER NOT NULL, step INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER, held INTEGER, awaits TEXT,
    softened INTEGER NOT NULL, trigger_data TEXT, key TEXT NOT NULL, memory TEXT,
    PRIMARY KEY (serial, tenant),
    FOREIGN KEY (customer, tenant) REFERENCES customers (number, tenant),
    FOREIGN KEY (version, tenant) REFERENCES versions (number, tenant)
);
CREATE INDEX enrollments_due ON enrollments (tenant, due, coalesce(held, {LATER}), serial) WHERE due IS NOT NULL;
CREATE INDEX enrollments_held ON enrollments (journey) WHERE held IS NOT NULL AND due IS NULL;
CREATE UNIQUE INDEX enrollments_by_customer ON enrollments (customer, journey, key, run, tenant);
CREATE INDEX enrollments_by_journey ON enrollments (journey);
CREATE INDEX enrollments_failed ON enrollments (journey) WHERE status = 'FAILED';
CREATE INDEX enrollments_at_step ON enrollments (version, step) WHERE status = 'ACTIVE';

CREATE TABLE paths (
    tenant TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL, steps TEXT NOT NULL,
    PRIMARY KEY (number, tenant), FOREIGN KEY (version, tenant) REFERENCES versions (number, tenant)
);
CREATE INDEX paths_by_version ON paths (version);

CREATE TABLE moves (
    tenant TEXT NOT NULL, enrollment INTEGER NOT NULL, visit INTEGER NOT NULL, at INTEGER NOT NULL,
    path INTEGER, steps TEXT, seen TEXT,
    PRIMARY KEY (enrollment, visit, tenant),
    FOREIGN KEY (enrollment, tenant) REFERENCES enrollments (serial, tenant)
);

CREATE TABLE messages (
    tenant TEXT NOT NULL, enrollment INTEGER NOT NULL, n INTEGER NOT NULL, step TEXT NOT NULL, channel TEXT NOT NULL,
    template TEXT NOT NULL, data TEXT, at INTEGER NOT NULL, expires_at INTEGER, cancel_on_exit INTEGER NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, available_at INTEGER NOT NULL, lease_until INTEGER, token TEXT,
    flags TEXT, domain TEXT, nonce INTEGER NOT NULL, error TEXT NOT NULL, forgiven INTEGER NOT NULL,
    PRIMARY KEY (enrollment, n, tenant),
    FOREIGN KEY (enrollment, tenant) REFERENCES enrollments (serial, tenant)
);
CREATE INDEX outbox ON messages (tenant, available_at, enrollment, n) WHERE status = 'QUEUED';
CREATE INDEX leases ON messages (tenant, lease_until, enrollment, n) WHERE lease_until IS NOT NULL;
CREATE INDEX leases_of_all ON messages (lease_until, tenant) WHERE lease_until IS NOT NULL;
CREATE INDEX messages_failed ON messages (enrollment, n) WHERE status = 'FAILED';

CREATE TABLE journey_timers (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, which INTEGER NOT NULL, due INTEGER,
    PRIMARY KEY (journey, which, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE slots (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (journey, at, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE deferred (
    tenant TEXT NOT NULL, number INTEGER NOT NULL, journey INTEGER NOT NULL, customer INTEGER NOT NULL,
    key TEXT NOT NULL, at INTEGER NOT NULL, trigger_data TEXT,
    PRIMARY KEY (number, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant),
    FOREIGN KEY (customer, tenant) REFERENCES customers (number, tenant)
);
CREATE INDEX deferred_by_trigger ON deferred (journey, at, number);
CREATE UNIQUE INDEX deferred_by_customer ON deferred (customer, journey, key, tenant);

CREATE TABLE list_members (
    tenant TEXT NOT NULL, list TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (tenant, list, customer)
);

CREATE TABLE pulls (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, at INTEGER, after TEXT NOT NULL, origin TEXT, remaining INTEGER,
    softened INTEGER NOT NULL, anchor INTEGER, version INTEGER,
    PRIMARY KEY (journey, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE refusals (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, day TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (journey, day, reason, tenant), FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE last_refusals (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, customer INTEGER NOT NULL, reason TEXT NOT NULL,
    at INTEGER NOT NULL, seen TEXT,
    PRIMARY KEY (customer, journey, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant),
    FOREIGN KEY (customer, tenant) REFERENCES customers (number, tenant)
);

CREATE TABLE exports (
    number INTEGER NOT NULL, tenant TEXT NOT NULL, module TEXT NOT NULL, status TEXT NOT NULL, options TEXT NOT NULL,
    submitted_at INTEGER NOT NULL, started_at INTEGER, updated_at INTEGER NOT NULL, finished_at INTEGER,
    expires_at INTEGER NOT NULL, error TEXT NOT NULL, content TEXT, PRIMARY KEY (number, tenant)
);
CREATE INDEX exports_waiting ON exports (number) WHERE finished_at IS NULL;

CREATE TABLE counters (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, day TEXT NOT NULL, domain TEXT NOT NULL, step TEXT NOT NULL,
    what TEXT NOT NULL, label TEXT NOT NULL, total INTEGER NOT NULL, uniques INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (journey, day, domain, step, what, label, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE openings (
    tenant TEXT NOT NULL, journey INTEGER NOT NULL, day TEXT NOT NULL, domain TEXT NOT NULL, step TEXT NOT NULL,
    what TEXT NOT NULL, label TEXT NOT NULL, total INTEGER NOT NULL, uniques INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (journey, day, domain, step, what, label, tenant),
    FOREIGN KEY (journey, tenant) REFERENCES journeys (number, tenant)
);

CREATE TABLE arms (
    tenant TEXT NOT NULL, enrollment INTEGER NOT NULL, version INTEGER NOT NULL, step TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (enrollment, version, step, label, tenant),
    FOREIGN KEY (enrollment, tenant) REFERENCES enrollments (serial, tenant),
    FOREIGN KEY (version, tenant) REFERENCES versions (number, tenant)
);
"""

TABLES = re.sub(r"\bINTEGER\b", "bigint", re.sub(r"\bTEXT\b", 'text COLLATE "C"', _TABLES))
"""The tables, in PostgreSQL's names for the types of SQLite."""

TABLE_NAMES: tuple[str, ...] = tuple(re.findall(r"CREATE TABLE (\w+)", TABLES))

OF_JOURNEY: dict[str, dict[str, tuple[str, ...]]] = {
    "enrollments": {"enrollment": ("moves", "messages", "arms")},
    "versions": {"version": ("arms", "paths", "publications")},
    "journeys": {
        "journey": (
            *("publications", "transitions", "flags", "journey_timers", "slots", "deferred", "pulls", "refusals"),
            *("last_refusals", "counters", "openings"),
        )
    },
}
"""What refers to the parts of a journey: by part, the column, and the tables with it."""

META = f"""
CREATE VIEW meta AS
SELECT name, value FROM settings UNION ALL
SELECT '{LAST_TICK}', max(last_tick)::text FROM tenants HAVING max(last_tick) IS NOT NULL;
"""
"""The settings with the instant of the last tick that did anything, which each tenant keeps for itself (R3)."""

NUMBERED = ("customers", "enrollments", "inputs", "deferred", "exports", "paths")
"""What each tenant counts: the columns of `tenants` with the last number of each, named like its table."""

DUE = """least(
    (SELECT min(at) FROM inputs i WHERE i.tenant = t.tenant AND i.outcome IS NULL),
    (SELECT min(due) FROM enrollments e WHERE e.tenant = t.tenant AND e.due IS NOT NULL),
    (SELECT min(due) FROM journey_timers j WHERE j.tenant = t.tenant))"""
"""The instant of the earliest work of a tenant t, but for the ends of leases: claims do not lock its row."""

OWNED_BY: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(("moves", "messages", "arms"), ("enrollment", "enrollments", "serial")),
    **dict.fromkeys(("enrollments", "deferred", "last_refusals"), ("customer", "customers", "number")),
    **dict.fromkeys(("paths",), ("version", "versions", "number")),
    **dict.fromkeys(
        (
            *("versions", "publications", "transitions", "flags", "journey_timers", "slots", "pulls", "refusals"),
            *("counters", "openings"),
        ),
        ("journey", "journeys", "number"),
    ),
}
"""What says whose a row is: its column, and the table and column that this names."""
