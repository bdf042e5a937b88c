"""The command that records an enrollment as a cassette, for a test to play."""

from pathlib import Path

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.output import echo, writing
from journeyflow.cli.shared import NEW, Database, tenant


@click.command()
@database
@click.argument("journey")
@click.argument("customer")
@click.argument("file", type=NEW)
@click.option("--run", "number", type=int, help="The number of the run; default: the newest.")
@tenant
def record(db: Database, journey: str, customer: str, file: Path, tenant: str, *, number: int | None) -> None:
    """Record one enrollment under pseudonyms, as a file that a test plays with journeyflow.testing.

    The customer has another id, and texts that no rule reads are replaced; what rules read is kept.
    """
    from journeyflow import testing  # noqa: PLC0415 needed here alone

    with opened_database(db, tenant) as engine:
        cassette = testing.record(engine, journey, customer, run=number)
    with writing(file):
        cassette.save(file)
    calls, status = len(cassette.life.calls), cassette.recorded["status"]
    echo(f"{file}: run {cassette.run} of {journey}, {calls} calls, {status}")


COMMANDS = (record,)
