"""The command that says which ways through journeys have been taken."""

from datetime import datetime
from pathlib import Path

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.reports import html, reported
from journeyflow.cli.shared import A_FILE, Database, Faults, Number, as_json, load_journeys, show, tenant

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@database
@click.argument("journeys", nargs=-1, type=A_FILE)
@click.option("--since", type=DAY, help="First day, YYYY-MM-DD; default: all days.")
@click.option("--until", type=DAY, help="Last day, YYYY-MM-DD; default: all days.")
@click.option("--fail-under", type=Number(), default=0.0, help="Exit status 1 if fewer percent of the ways were taken.")
@tenant
@html
@as_json
def coverage(  # noqa: PLR0917 click passes them by name
    db: Database,
    journeys: tuple[Path, ...],
    since: datetime | None,
    until: datetime | None,
    fail_under: float,
    tenant: str,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show which steps, branches, arms, exits and refusals a database has seen, and which never.

    The journeys are those of the database, or the ones in files, under the ids that they have there.
    """
    from journeyflow.analysis import coverage as run  # noqa: PLC0415 needed here alone

    first, last = (None if day is None else day.date() for day in (since, until))
    known = load_journeys(journeys) if journeys else None
    with opened_database(db, tenant) as engine:
        found = run(engine, journeys=known, since=first, until=last, tenant=tenant)
    show(found.to_dicts(), reported(found, html), as_json=as_json)
    if 100 * found.share < fail_under:
        msg = f"{100 * found.share:.0f}% of the ways were taken, fewer than {fail_under:g}%"
        raise Faults(msg)


COMMANDS = (coverage,)
