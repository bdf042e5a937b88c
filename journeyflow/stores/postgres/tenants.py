"""Whose turn it is: the row of a tenant, which is its lock, counts its numbers and says when it has work (R92).

A transaction that works for one tenant locks that row, and nothing else that anybody waits for; one that works for all
locks the table against all of them. Each takes one such lock, before anything else, so nobody waits in a circle.

A number of a customer, an enrollment and so on consists of a range and a count within it. Each tenant has its own
range, so numbers are unique over all tenants, and none waits for another to get one. The first tenant has range 0: its
numbers are 1, 2, 3. What is done for all tenants at once counts in that range too.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field
from psycopg import Connection

from journeyflow.stores.postgres.asking import BoundStatement, FoundRows
from journeyflow.stores.postgres.schema import DUE, KINDS, RANGE

NOBODY = ""
"""The name of no tenant."""

_COLUMNS = f"tenant, range, due, last_tick, {', '.join(KINDS)}"

_ONE = f"SELECT {_COLUMNS} FROM tenants WHERE tenant = %(tenant)s"

_FREE = f"""
SELECT {_COLUMNS} FROM tenants WHERE due <= %(now)s ORDER BY due, tenant LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_FIRST = f"""
SELECT tenant, range, (SELECT min(due) FROM tenants), last_tick, {", ".join(KINDS)} FROM tenants
ORDER BY range <> 0 LIMIT 1
"""
"""The numbers of what is done for all, who have work as soon as one of them has: those of the first range."""

_REVISION = "SELECT value FROM settings WHERE name = 'revision'"
"""A statement after that of the lock, as what it reads must not be older than the lock."""

_KEEP = f"""
UPDATE tenants t SET due = {DUE}, last_tick = coalesce(%(last_tick)s, last_tick),
       {", ".join(f"{kind} = %({kind})s" for kind in KINDS)}
WHERE t.tenant = %(tenant)s
"""

_KEEP_ALL = f"UPDATE tenants t SET due = {DUE}, last_tick = coalesce(%s, last_tick)"

_KEEP_COUNTS = f"UPDATE tenants SET {', '.join(f'{kind} = %({kind})s' for kind in KINDS)} WHERE range = 0"


@define
class TenantNumbers:
    """The last numbers that were given, by kind, as a transaction goes on; `range` is that of its tenant.

    `due` is when there is work, and `revision` that of the catalog, both as the transaction begins.
    """

    tenant: str | None = None
    range: int = 0
    due: int | None = None
    last_tick: int | None = None
    last: dict[str, int] = field(factory=lambda: dict.fromkeys(KINDS, 0))
    revision: int = 0

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "TenantNumbers":
        """Return those of a row of the table."""
        tenant, number, due, last_tick, *last = row
        return cls(tenant, number, due, last_tick, dict(zip(KINDS, last, strict=True)))

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


def seeing(tenant: str | None) -> tuple[BoundStatement, BoundStatement]:
    """Return what a transaction that reads asks first: the numbers of a tenant, or of all, and the revision."""
    return (_FIRST, {}) if tenant is None else (_ONE, {"tenant": tenant}), (_REVISION, {})


def locking(tenant: str | None, due_at: int | None) -> tuple[BoundStatement, ...]:
    """Return what a transaction that writes asks first: as `seeing`, of the tenant, a free one with due work, or all.

    No numbers are found for a tenant who is not known yet, and where no tenant is free with due work.
    """
    if tenant is not None:
        return (f"{_ONE} FOR UPDATE", {"tenant": tenant}), (_REVISION, {})
    if due_at is not None:
        return (_FREE, {"now": due_at}), (_REVISION, {})
    return ("LOCK TABLE tenants IN EXCLUSIVE MODE", {}), *seeing(None)


def answered(answers: Sequence[FoundRows], *, of_all: bool) -> TenantNumbers:
    """Return the numbers that questions have found, of a tenant or of all; those of tenant "" if they found none.

    Raises LookupError if there are tenants, and none has the first range.
    """
    *_, found, revision = answers
    numbers = TenantNumbers.of(found[0]) if found else TenantNumbers(NOBODY)
    if of_all:
        if numbers.range:
            raise LookupError(numbers.range)
        numbers.tenant = None
    numbers.revision = int(revision[0][0])
    return numbers


def add(connection: Connection, tenants: Iterable[str]) -> None:
    """Add a row, with a range of numbers, for each unknown tenant; lock the table first, and then `layout`."""
    names = sorted(set(tenants))
    known = {name for (name,) in connection.execute("SELECT tenant FROM tenants WHERE tenant = ANY(%s)", (names,))}
    if not (new := [name for name in names if name not in known]):
        return
    connection.execute("LOCK TABLE tenants IN ROW EXCLUSIVE MODE")
    updated = connection.execute("UPDATE layout SET ranges = ranges + %s RETURNING ranges", (len(new),)).fetchall()
    begin = updated[0][0] - len(new)
    rows = [(name, begin + place, *[(begin + place) << RANGE] * len(KINDS)) for place, name in enumerate(new)]
    marks = ", ".join(["%s"] * (2 + len(KINDS)))
    connection.cursor().executemany(
        f"INSERT INTO tenants (tenant, range, {', '.join(KINDS)}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows
    )


def keep(connection: Connection, numbers: TenantNumbers) -> None:
    """Write at the end of a transaction what the next one has to know."""
    if numbers.tenant is not None:
        connection.execute(_KEEP, {"tenant": numbers.tenant, "last_tick": numbers.last_tick, **numbers.last})
        return
    connection.execute(_KEEP_ALL, (numbers.last_tick,))
    connection.execute(_KEEP_COUNTS, numbers.last)
