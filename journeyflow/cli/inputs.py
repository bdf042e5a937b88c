"""Commands that put something into the inbox: events, customers, enrollments, exits."""

from datetime import datetime
from pathlib import Path
from typing import Unpack

import click

from journeyflow.basics.showing import counted
from journeyflow.cli.database import database, opened_database
from journeyflow.cli.shared import (
    A_FILE,
    Bar,
    Database,
    as_json,
    now_option,
    reading,
    show,
    show_skipped,
    source_of,
    tenant,
)
from journeyflow.formats.events import customers_of, events_of
from journeyflow.formats.file_tally import FileTally, customer_key, event_key
from journeyflow.formats.files import BytesRead, FileKeywords, Source, file_options, size_of


@click.command()
@database
@click.argument("events", type=A_FILE)
@reading
@tenant
@as_json
def feed(db: Database, events: Path, tenant: str, *, as_json: bool, **options: Unpack[FileKeywords]) -> None:
    """Feed an event file (CSV, NDJSON or a JSON array); the next tick handles what is due of it.

    The file is - for standard input. Exit status 1 if not one line could be taken.
    """
    source, tally, progress = _begin(events, "events")
    with opened_database(db, tenant) as engine:
        found = events_of(source, file_options(options), tally.refuse, progress)
        engine.feed(tally.counted(found, event_key))
    _say_taken(tally, "event", as_json=as_json)


@click.command("put-customers")
@database
@click.argument("customers", type=A_FILE)
@now_option()
@reading
@tenant
@as_json
def put_customers(
    db: Database, customers: Path, at: datetime, tenant: str, *, as_json: bool, **options: Unpack[FileKeywords]
) -> None:
    """Put the customers of a file (CSV, NDJSON or a JSON array); the next tick handles them.

    The file is - for standard input. Exit status 1 if not one line could be taken.
    """
    source, tally, progress = _begin(customers, "customers")
    with opened_database(db, tenant) as engine:
        found = customers_of(source, file_options(options), tally.refuse, progress)
        engine.put_customers(tally.counted(found, customer_key), at=at)
    _say_taken(tally, "customer", as_json=as_json)


def _begin(path: Path, what: str) -> tuple[Source, FileTally, BytesRead]:
    """Begin to read a file into the inbox."""
    source, bar = source_of(path), Bar()
    size = size_of(source)
    click.get_current_context().call_on_close(bar.close)
    return source, FileTally(source), lambda done: bar(what, done, size)


def _say_taken(tally: FileTally, what: str, *, as_json: bool) -> None:
    """Print how many rows of a file were taken and which were not; exit status 1 if none was of use."""
    show_skipped(tally.name, tally.lines, tally.bad)
    said = f"{counted(tally.taken, what)} taken, {counted(tally.bad, 'line')} skipped"
    said += f"; {tally.duplicate} came a second time" if tally.duplicate else ""
    figures = {"taken": tally.taken, "bad": tally.bad, "duplicate": tally.duplicate, "lines": tally.lines}
    show(figures, said, as_json=as_json)
    if tally.counts().useless:
        raise SystemExit(1)


@click.command()
@database
@click.argument("journey")
@click.argument("customers", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Skip run criteria, consent and re-entry.")
@click.option("--key", help="The key, in a journey with parallel runs.")
@now_option()
@tenant
@as_json
def enroll(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    customers: tuple[str, ...],
    key: str | None,
    at: datetime,
    tenant: str,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Enroll customers by hand; the next tick decides who enters."""
    with opened_database(db, tenant) as engine:
        engine.enroll(journey, customers, at=at, force=force, key=key)
    said = f"noted for {counted(len(customers), 'customer')}; the next tick decides who enters"
    show({"taken": len(customers)}, said, as_json=as_json)


@click.command("exit")
@database
@click.argument("journey")
@click.argument("customers", nargs=-1, required=True)
@click.option("--reason", default="manual", show_default=True, help="The reason to record.")
@click.option("--key", help="Only the run with this key.")
@now_option()
@tenant
@as_json
def exit_customers(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    customers: tuple[str, ...],
    reason: str,
    key: str | None,
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Take customers out of a journey; the next tick does it."""
    with opened_database(db, tenant) as engine:
        engine.exit(journey, customers, at=at, reason=reason, key=key)
    said = f"noted for {counted(len(customers), 'customer')}; the next tick takes out who is inside then"
    show({"taken": len(customers)}, said, as_json=as_json)


COMMANDS = (feed, put_customers, enroll, exit_customers)
