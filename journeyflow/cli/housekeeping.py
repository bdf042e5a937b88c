"""Rarely needed commands on a database: copy, export, forget customers, prune history, give space back."""

from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.output import writing
from journeyflow.cli.shared import (
    NEW_DATABASE,
    Bar,
    Database,
    Instant,
    as_json,
    jump,
    now_option,
    show,
    tenant,
    text_table,
)
from journeyflow.engine.engine import Engine
from journeyflow.stores.addresses import size_of_file

TABLES = ("enrollments", "visits", "messages")


@click.command()
@database
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Write a file per table into this folder.")
@click.option("--table", "tables", type=click.Choice(TABLES), multiple=True, help="Only this table; repeatable.")
@click.option("--format", "kind", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True)
@click.option("--exact", is_flag=True, help="Do not escape cells that a spreadsheet may take for formulas.")
@click.option("--customer", help="Print everything that is kept about one customer, as JSON.")
@tenant
@as_json
def export(  # noqa: PLR0917 click passes them by name
    db: Database,
    to: Path | None,
    tables: tuple[str, ...],
    kind: Literal["csv", "ndjson"],
    customer: str | None,
    tenant: str,
    *,
    exact: bool,
    as_json: bool,
) -> None:
    """Write enrollments, visits and messages into CSV or NDJSON files, or print everything about one customer."""
    if to is not None and customer is None:
        _export_tables(db, to, tables or TABLES, kind, tenant, exact=exact, as_json=as_json)
    elif customer is not None and to is None:
        with opened_database(db, tenant) as engine:
            show(engine.export_customer(customer), "", as_json=True)
    else:
        what = "give either --to FOLDER or --customer ID"
        raise click.UsageError(what)


def _export_tables(
    db: Database,
    to: Path,
    tables: tuple[str, ...],
    kind: Literal["csv", "ndjson"],
    tenant: str,
    *,
    exact: bool,
    as_json: bool,
) -> None:
    from journeyflow.reporting import export_tables  # noqa: PLC0415 seldom needed

    with Engine(db) as engine, closing(Bar()) as bar:
        progress = partial(bar, "export")
        with writing(to):
            counts = export_tables(engine.store, to, progress, tables=tables, format=kind, tenant=tenant, exact=exact)
    show(counts, f"{text_table(list(counts.items()), ('table', 'rows'))}\nFiles are in {to}", as_json=as_json)


@click.command()
@database
@click.argument("customers", nargs=-1, required=True)
@now_option()
@click.option("--keep-free-space", is_flag=True, help="Leave traces in the file's free space until the next vacuum.")
@jump
@tenant
@as_json
def forget(
    db: Database,
    customers: tuple[str, ...],
    at: datetime,
    tenant: str,
    *,
    keep_free_space: bool,
    allow_jump: bool,
    as_json: bool,
) -> None:
    """Remove everything personal of customers, after the work that was due before; no trace of it is left."""
    with opened_database(db, tenant) as engine:
        ended = engine.forget(customers, at=at, scrub=not keep_free_space, allow_jump=allow_jump)
    text = f"{len(set(customers))} forgotten; enrollments that ended: {ended}"
    show({"forgotten": len(set(customers)), "ended": ended}, text, as_json=as_json)


@click.command()
@database
@as_json
def vacuum(db: Database, *, as_json: bool) -> None:
    """Rebuild the file without its free space, so that nothing of what was deleted is left in it."""
    before = size_of_file(db)
    with opened_database(db, "default") as engine:
        engine.vacuum()
    sizes = {"before": before, "after": size_of_file(db)}
    said = "vacuumed" if before is None else f"{before:,} bytes before, {sizes['after']:,} after"
    show(sizes, said, as_json=as_json)


@click.command("renew-nonce")
@database
@click.option("--nonce", help="What the ids of new messages begin with; default: drawn at random.")
@as_json
def renew_nonce(db: Database, nonce: str | None, *, as_json: bool) -> None:
    """Begin new message ids with another nonce: run it on a restored backup, before the first tick.

    Run it too on a copy that is to work beside its original. No id is then used again for another message.
    """
    with opened_database(db, "default") as engine:
        renewed = engine.renew_nonce(nonce)
    show({"nonce": renewed}, f"the ids of new messages begin with {renewed}", as_json=as_json)


@click.command()
@database
@click.option("--before", type=Instant(), required=True, help="Prune what had ended before this instant, ISO 8601.")
@click.option("--journey", help="Only this journey.")
@click.option("--all-tenants", is_flag=True, help="Prune all tenants.")
@click.option("--dry-run", is_flag=True, help="Count the rows that would go, and change nothing.")
@tenant
@as_json
def prune(
    db: Database,
    before: datetime,
    journey: str | None,
    tenant: str,
    *,
    all_tenants: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Turn finished history into opening balances: statistics stay, but single runs can no longer be explained."""
    with opened_database(db, tenant) as engine, closing(Bar()) as bar:
        result = engine.prune(
            before, journey=journey, all_tenants=all_tenants, dry_run=dry_run, progress=partial(bar, "prune")
        )
    rows = [(name, getattr(result, name)) for name in ("enrollments", "emptied", "moves", "messages", "inputs")]
    said = "nothing was changed" if dry_run else "journeyflow vacuum gives the space back"
    show(result, f"{text_table(rows, ('rows', 'count'))}\n{said}", as_json=as_json)


@click.command()
@database
@click.argument("destination", type=NEW_DATABASE)
@as_json
def copy(db: Database, destination: Database, *, as_json: bool) -> None:
    """Copy everything to another file or server, and check that both are equal. Run it again after an interruption.

    Stop everything that works on the database first: what happens meanwhile is not copied. Both have the same message
    ids and go on with the same ones, so let only one of them work from then on, or run renew-nonce on the other.
    """
    from journeyflow.stores.moving import copy_store  # noqa: PLC0415 seldom needed

    with closing(Bar()) as bar:
        copied = copy_store(db, destination, bar)
    rows = [(name, count) for name, count in copied.rows.items() if count]
    said = f"{sum(copied.rows.values()):,} rows, equal in both; both audits found nothing"
    said += "; an interrupted copy was resumed" if copied.resumed else ""
    show(copied, f"{text_table(rows, ('table', 'rows'))}\n{said}", as_json=as_json)


COMMANDS = (copy, export, forget, prune, vacuum, renew_nonce)
