"""Questions about export jobs (F192)."""

from journeyflow.records.rows import Export
from journeyflow.stores.contract import SqlReader


def find_export(reader: SqlReader, tenant: str, module: str, number: int) -> Export | None:
    """Return a job of a tenant and module; None if there is none (F197)."""
    rows = reader.rows("SELECT * FROM exports WHERE tenant = ? AND module = ? AND number = ?", (tenant, module, number))
    return Export._make(rows[0]) if rows else None
