"""The tables that are written into files: their columns, and the rows of some enrollments."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from journeyflow.stores.contract import SqlReader
from journeyflow.stores.views import MESSAGE_ID, VISITS

EVERYBODY = "SELECT e.journey, e.serial FROM customers c CROSS JOIN enrollments e ON e.customer = c.number"
IN_ORDER = "ORDER BY c.tenant, c.id, e.run"
_ASKED = """
FROM json_each(?) s
CROSS JOIN enrollments e ON e.serial = CAST(s.value AS INTEGER)
JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
"""


@frozen
class Table:
    """A table that can be exported: its columns, those that are instants, and the query for some enrollments.

    The query takes serials as a JSON array and returns the rows in that order, each after the position of its serial.
    `added` are columns that the files of a back-test leave out, so that those always look alike.
    """

    columns: tuple[str, ...]
    added: tuple[str, ...]
    instants: tuple[str, ...]
    sql: str

    def shown(self, *, bare: bool) -> tuple[str, ...]:
        """Return the columns of a file."""
        return self.columns if bare else (*self.columns, *self.added)


EXPORT_TABLES: Mapping[str, Table] = {
    "enrollments": Table(
        ("tenant", "journey", "version", "customer", "run", "status", "reason", "entered_at", "ended_at"),
        ("key",),
        ("entered_at", "ended_at"),
        f"""SELECT CAST(s.key AS INTEGER), c.tenant, j.id, v.version, c.id, e.run, e.status, e.reason, e.entered_at,
               e.ended_at, e.key
        {_ASKED} JOIN versions v ON v.number = e.version ORDER BY 1""",
    ),
    "visits": Table(
        ("tenant", "journey", "customer", "run", "n", "step", "status", "entered_at", "left_at", "outcome"),
        ("key",),
        ("entered_at", "left_at"),
        f"""SELECT CAST(s.key AS INTEGER), c.tenant, j.id, c.id, e.run, w.n, w.step, w.status, w.entered,
               w."left", w.outcome, e.key
        {_ASKED} CROSS JOIN ({VISITS}) w ON w.enrollment = e.serial ORDER BY 1, w.n""",
    ),
    "messages": Table(
        ("tenant", "journey", "customer", "run", "n", "step", "channel", "template", "at", "status"),
        ("attempts", "error", "id", "key"),
        ("at",),
        f"""SELECT CAST(s.key AS INTEGER), c.tenant, j.id, c.id, e.run, m.n, m.step, m.channel, m.template, m.at,
               m.status, m.attempts, m.error, {MESSAGE_ID}, e.key
        {_ASKED} CROSS JOIN messages m ON m.enrollment = e.serial ORDER BY 1, m.n""",
    ),
}
"""Every table that can be exported, by name."""


def everybody(reader: SqlReader, tenant: str | None, *, in_order: bool = False) -> Iterator[tuple[int, int]]:
    """Yield (number of the journey, serial) of every enrollment of a tenant or of all; in order by customer and run."""
    where = "" if tenant is None else "WHERE c.tenant = :tenant"
    order = IN_ORDER if in_order else ""
    return reader.stream(f"{EVERYBODY} {where} {order}", {} if tenant is None else {"tenant": tenant})


def journeys_by_name(reader: SqlReader) -> list[int]:
    """Return the numbers of all journeys, by tenant and id."""
    return [number for (number,) in reader.rows("SELECT number FROM journeys ORDER BY tenant, id")]
