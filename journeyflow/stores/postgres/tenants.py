"""Whose turn it is: the row of a tenant, which is its lock, counts its numbers and says when it has work (R92).

A transaction that works for one tenant locks that row, and nothing else that anybody waits for; one that works for all
locks the table against all of them. Each takes one such lock, before anything else, so nobody waits in a circle.

A number of a customer, an enrollment and so on consists of a range and a count within it. Each tenant has its own
range, so numbers are unique over all tenants, and none waits for another to get one. The first tenant has range 0: its
numbers are 1, 2, 3. What is done for all tenants at once counts in the lowest range, except for inputs, which have the
numbers of their tenants, so that the order in which a tenant's came is theirs.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from attrs import define, evolve, field
from psycopg import Connection, RawCursor

from journeyflow.stores.postgres.asking import BoundStatement, FoundRows, run_statement
from journeyflow.stores.postgres.schema import DUE, NUMBERED, RANGE
from journeyflow.stores.rows import Row

NO_TENANT = ""
"""The name of no tenant."""

_COLUMNS = f"tenant, range, due, last_tick, {', '.join(NUMBERED)}"

WIDTH = _COLUMNS.count(",") + 1

IDLE, IDLE_SECONDS = "idle_in_transaction_session_timeout", 20
"""After how many seconds the server ends a transaction whose process says nothing, unless it is set otherwise: the
process may be stopped, or its machine gone, while it holds the lock of a tenant."""

LOCKING, LOCKING_SECONDS = "lock_timeout", 60
"""After how many seconds of waiting for a lock a transaction gives up, unless it is set otherwise, as on a file."""


def unless_set(name: str, seconds: int) -> str:
    """Return the SQL expression for a setting that has some seconds unless somebody has set it.

    >>> unless_set("lock_timeout", 60)
    "coalesce(nullif(current_setting('lock_timeout'), '0'), '60s')"
    """
    return f"coalesce(nullif(current_setting('{name}'), '0'), '{seconds}s')"


PATIENT: Final = f"SELECT set_config('{LOCKING}', {unless_set(LOCKING, LOCKING_SECONDS)}, TRUE)"
"""What bounds the time that a transaction waits for a lock."""

WITHIN = {
    "search_path": "%(path)s",
    "plan_cache_mode": "'force_generic_plan'",
    "enable_seqscan": "'off'",
    "cpu_index_tuple_cost": "'1'",
    "max_parallel_workers_per_gather": "'0'",
    "jit": "'off'",
    IDLE: unless_set(IDLE, IDLE_SECONDS),
}
"""What holds within a transaction of the engine, whose statements look up rows by key: so their plans are made once,
also those of tables that are still empty then, and several answers of one statement stay in their order. To read an
index costs much, or a plan for a small table would find the rows of a tenant in it, at the end of each key, and compare
them all."""

_WHOSE = {
    "one": "WHERE tenant = %(tenant)s",
    "free": "WHERE due <= %(now)s OR tenant IN (SELECT m.tenant FROM {schema}.messages m"
    " WHERE m.lease_until <= %(now)s) ORDER BY due, tenant LIMIT 1",
    "first": "ORDER BY range LIMIT 1",
}
"""Whose row a transaction begins with: that of its tenant, of the one who has waited longest, or of the first, in whose
range is counted what is done for all."""


@lru_cache(maxsize=100)
def _opening(schema: str, whose: str, lock: str) -> str:
    """Return the statement that sets what holds within a transaction and locks and reads a row of `tenants`.

    It has one row, also if no tenant is found. How long it waits for the lock is set before it waits. What it reads
    beside the row may be older than the lock, if it has waited for that; a change of the catalog has locked the table,
    which is waited for before anything is read.
    """
    settings = ", ".join(f"set_config('{name}', {value}, TRUE)" for name, value in WITHIN.items())
    return f"""
WITH mine AS MATERIALIZED (SELECT {_COLUMNS} FROM {schema}.tenants {_WHOSE[whose].format(schema=schema)} {lock})
SELECT mine.*, (SELECT min(o.due) FROM {schema}.tenants o WHERE o.tenant IS DISTINCT FROM mine.tenant),
       (SELECT min(m.lease_until) FROM {schema}.messages m WHERE m.tenant = mine.tenant AND m.lease_until IS NOT NULL),
       (SELECT min(m.lease_until) FROM {schema}.messages m WHERE m.lease_until IS NOT NULL),
       (SELECT value FROM {schema}.settings WHERE name = 'revision'), {settings}
FROM ({PATIENT if lock else "SELECT"}) one LEFT JOIN mine ON TRUE
"""


_KEEP = f"""
UPDATE tenants t SET due = {DUE}, last_tick = coalesce(%(last_tick)s, last_tick),
       {", ".join(f"{kind} = %({kind})s" for kind in NUMBERED)}
WHERE t.tenant = %(tenant)s
RETURNING due, (SELECT min(o.due) FROM tenants o WHERE o.tenant <> t.tenant),
          (SELECT min(m.lease_until) FROM messages m WHERE m.lease_until IS NOT NULL)
"""

_KEEP_ALL = f"UPDATE tenants t SET due = {DUE}, last_tick = coalesce(%(last_tick)s, last_tick)"

_KEEP_COUNTS = f"UPDATE tenants SET {', '.join(f'{kind} = %({kind})s' for kind in NUMBERED)} WHERE range = %(range)s"


@define
class TenantNumbers:
    """The last numbers that were given, by kind, as a transaction goes on; `range` is that of its tenant.

    `due` is when there is work, `lease` when the first lease of a message ends, `others` when other tenants have work,
    and `revision` that of the catalog, all as the transaction begins.
    """

    tenant: str | None = None
    range: int = 0
    due: int | None = None
    last_tick: int | None = None
    last: dict[str, int] = field(factory=lambda: dict.fromkeys(NUMBERED, 0))
    revision: int = 0
    lease: int | None = None
    others: int | None = None

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "TenantNumbers":
        """Return those of a row of the table, or of one that begins with it."""
        tenant, number, due, last_tick, *last = row[:WIDTH]
        return cls(tenant, number, due, last_tick, dict(zip(NUMBERED, last, strict=True)))

    def next(self, kind: str) -> int:
        """Return the number that the next one of a kind gets."""
        return self.last[kind] + 1

    def take(self, kind: str, count: int) -> int:
        """Take some numbers of a kind, and return the first."""
        first = self.last[kind] + 1
        self.last[kind] += count
        return first

    def note(self, kind: str, written: Iterable[int]) -> None:
        """Note numbers that were given elsewhere; those of other ranges are other tenants' concern."""
        mine = [number for number in written if number >> RANGE == self.range]
        self.last[kind] = max(self.last[kind], max(mine, default=0))


def seeing(schema: str, tenant: str | None) -> tuple[BoundStatement, ...]:
    """Return what a transaction that reads begins with: the numbers of a tenant, or of all."""
    return ((_opening(schema, "first" if tenant is None else "one", ""), {"tenant": tenant, "path": schema}),)


def locking(schema: str, tenant: str | None, due_at: int | None) -> tuple[BoundStatement, ...]:
    """Return what a transaction that writes begins with: as `seeing`, of the tenant, a free one with due work, or all.

    No numbers are found for a tenant who is not known yet, and where no tenant is free with due work.
    """
    if tenant is not None:
        return ((_opening(schema, "one", "FOR UPDATE"), {"tenant": tenant, "path": schema}),)
    if due_at is not None:
        return ((_opening(schema, "free", "FOR UPDATE SKIP LOCKED"), {"now": due_at, "path": schema}),)
    return (PATIENT, {}), (f"LOCK TABLE {schema}.tenants IN EXCLUSIVE MODE", {}), *seeing(schema, None)


def answered(answers: Sequence[FoundRows], *, of_all: bool) -> TenantNumbers:
    """Return the numbers that a beginning has found, of a tenant or of all; those of tenant "" if it found none."""
    (row,) = answers[-1]
    others, lease, leases, revision = row[WIDTH : WIDTH + 4]
    numbers = TenantNumbers(NO_TENANT, lease=leases) if row[0] is None else evolve(TenantNumbers.of(row), lease=lease)
    numbers.others, numbers.revision = soonest(others, leases), int(revision)
    if of_all:
        numbers.tenant, numbers.others, numbers.due = None, None, soonest(numbers.due, others, leases)
    return numbers


def add_tenants(connection: Connection, tenants: Iterable[str]) -> None:
    """Add a row, with a range of numbers, for each unknown tenant; lock the table first, and then `layout`."""
    if not (names := sorted(set(tenants))):
        return
    known = {name for (name,) in connection.execute("SELECT tenant FROM tenants WHERE tenant = ANY(%s)", (names,))}
    if not (new := [name for name in names if name not in known]):
        return
    connection.execute("LOCK TABLE tenants IN ROW EXCLUSIVE MODE")
    updated = connection.execute("UPDATE layout SET ranges = ranges + %s RETURNING ranges", (len(new),)).fetchall()
    begin = updated[0][0] - len(new)
    rows = [(name, begin + place, *[(begin + place) << RANGE] * len(NUMBERED)) for place, name in enumerate(new)]
    marks = ", ".join(["%s"] * (2 + len(NUMBERED)))
    connection.cursor().executemany(
        f"INSERT INTO tenants (tenant, range, {', '.join(NUMBERED)}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows
    )


_LAST_INPUTS = "SELECT tenant, inputs FROM tenants WHERE tenant = ANY(%(names)s::text[])"

_NOTE_INPUTS = f"""
UPDATE tenants t SET inputs = greatest(t.inputs, u.last)
FROM unnest(%(names)s::text[], %(lasts)s::bigint[]) u (tenant, last)
WHERE t.tenant = u.tenant AND u.last >> {RANGE} = t.range
"""


def input_numbers(connection: Connection, numbers: TenantNumbers, owners: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers that the next inputs get, each in the range of its tenant, also where all are locked (R10)."""
    if numbers.tenant is not None:
        first = numbers.next("inputs")
        return tuple(range(first, first + len(owners)))
    add_tenants(connection, owners)
    last: dict[str, int] = dict(run_statement(connection, _LAST_INPUTS, {"names": sorted({*owners})}).fetchall())
    given = list[int]()
    for owner in owners:
        last[owner] += 1
        given.append(last[owner])
    return tuple(given)


def note_inputs(connection: Connection, numbers: TenantNumbers, written: Sequence[tuple[str, int]]) -> None:
    """Note the numbers that inputs have been given, each with its tenant."""
    numbers.note("inputs", (number for _, number in written))
    if numbers.tenant is None:
        last = {owner: number for number, owner in sorted((number, owner) for owner, number in written)}
        run_statement(connection, _NOTE_INPUTS, {"names": [*last], "lasts": [*last.values()]})


def keep(connection: Connection, numbers: TenantNumbers) -> RawCursor[Row]:
    """Write at the end of a transaction what the next one has to know.

    For one tenant, the answer is when that tenant has work, when others have some, and when the first lease ends.
    """
    if numbers.tenant is not None:
        return run_statement(
            connection, _KEEP, {"tenant": numbers.tenant, "last_tick": numbers.last_tick, **numbers.last}
        )
    run_statement(connection, _KEEP_ALL, {"last_tick": numbers.last_tick})
    return run_statement(connection, _KEEP_COUNTS, {"range": numbers.range, **numbers.last})


def soonest(*instants: int | None) -> int | None:
    """Return the first of some instants, None if there is none.

    >>> soonest(5, None, 3), soonest(None)
    (3, None)
    """
    return min((each for each in instants if each is not None), default=None)
