"""What the audit asks of a PostgreSQL schema by itself, under the names of SQLite's pragmas.

These are the references of rows to others, which hold as long as nobody drops a constraint, and what the tables
`tenants` and `layout` say of the others: when there is work, and which numbers are taken.
"""

import re

from journeyflow.basics.moments import FIRST, LAST
from journeyflow.stores.postgres.schema import DUE, NUMBERED, RANGE, TABLE_NAMES, TABLES
from journeyflow.stores.schema import primary_key

_BODIES = dict(re.findall(r"CREATE TABLE (\w+) \((.*?)\n?\);", TABLES, re.DOTALL))

REFERENCES: tuple[tuple[str, str, str, str], ...] = tuple(
    (table, *reference)
    for table, body in _BODIES.items()
    for reference in re.findall(r"FOREIGN KEY \((\w+), tenant\) REFERENCES (\w+) \((\w+), tenant\)", body)
)
"""The foreign keys: the table, its column, and the table and column that this names, of the same tenant."""

_OWNED = tuple(name for name in TABLE_NAMES if name != "tenants" and re.search(r"\btenant text", _BODIES[name]))
"""The tables whose rows are a tenant's."""


def _dangling(table: str, column: str, parent: str, key: str) -> str:
    """Return the question for the rows of a table whose reference is gone, each by its key."""
    row = " || ', ' || ".join(f"r.{name}::text" for name in primary_key(table).split(", "))
    return (
        f"SELECT '{table}' AS \"table\", {row} AS rowid FROM {table} r WHERE NOT EXISTS ("
        f"SELECT FROM {parent} p WHERE p.{key} = r.{column} AND p.tenant = r.tenant)"
    )


_HIGHEST = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, {key} >> {RANGE} AS range, max({key}) AS last FROM {kind} GROUP BY 1, 2"
    for kind, key in ((kind, primary_key(kind)) for kind in NUMBERED)
)
"""The highest number of each kind in each range."""

_GIVEN = "LATERAL (VALUES " + ", ".join(f"('{kind}', t.{kind})" for kind in NUMBERED) + ") g (kind, last)"
"""The last number of each kind that a tenant t has given."""

_ROWS = " UNION ".join(f"SELECT tenant, '{table}' AS name FROM {table}" for table in _OWNED)

_FAULTS = f"""
SELECT format('tenant %L has work from %s on, and table tenants says %s',
              t.tenant, coalesce(w.due::text, 'no instant'), coalesce(t.due::text, 'no instant'))
FROM tenants t, LATERAL (SELECT {DUE} AS due) w WHERE w.due IS DISTINCT FROM t.due
UNION ALL
SELECT format('tenant %L ticked at %s, which is in no calendar', tenant, last_tick)
FROM tenants WHERE last_tick NOT BETWEEN {FIRST} AND {LAST}
UNION ALL
SELECT format('tenants %L and %L have the same range of numbers, %s', min(tenant), max(tenant), range)
FROM tenants GROUP BY range HAVING count(*) > 1
UNION ALL
SELECT format('tenant %L counts %s in another range than its own, %s', t.tenant, g.kind, t.range)
FROM tenants t, {_GIVEN} WHERE g.last >> {RANGE} <> t.range
UNION ALL
SELECT format('tenant %L has given number %s to its %s at most, and there is %s', t.tenant, g.last, g.kind, h.last)
FROM tenants t, {_GIVEN} JOIN ({_HIGHEST}) h USING (kind) WHERE h.range = t.range AND h.last > g.last
UNION ALL
SELECT format('tenant %L has rows in table %s, and none in table tenants', r.tenant, r.name)
FROM ({_ROWS}) r WHERE r.tenant NOT IN (SELECT tenant FROM tenants)
UNION ALL
SELECT format('table layout has %s rows', n) FROM (SELECT count(*) AS n FROM layout) l WHERE n <> 1
UNION ALL
SELECT format('table layout counts %s ranges of numbers, and there is range %s', l.ranges, r.range)
FROM layout l, (SELECT max(range) AS range FROM (SELECT range FROM tenants UNION SELECT range FROM ({_HIGHEST}) h) a) r
WHERE r.range >= l.ranges
UNION ALL
SELECT format('table layout counts %s journeys and %s versions, and there are numbers %s and %s',
              l.journeys, l.versions, n.journey, n.version)
FROM layout l, (SELECT coalesce((SELECT max(number) FROM journeys), 0) AS journey,
                       coalesce((SELECT max(number) FROM versions), 0) AS version) n
WHERE l.journeys < n.journey OR l.versions < n.version
"""

CHECKS = f"""
CREATE VIEW pragma_integrity_check AS SELECT format AS integrity_check FROM ({_FAULTS}) f (format);

CREATE VIEW pragma_foreign_key_check AS {" UNION ALL ".join(_dangling(*each) for each in REFERENCES)};
"""
