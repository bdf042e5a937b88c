"""Commands that say what will come of a database."""

from datetime import datetime
from pathlib import Path

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.reports import html, reported
from journeyflow.cli.shared import Bar, Database, Instant, Whole, as_json, numbers_checked, show, tenant
from journeyflow.cli.simulations import workers_of, workers_option


class InstantOrLength(click.ParamType[datetime | str]):
    """An instant, or a length of time from the beginning."""

    name = "instant|length"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | str:
        """Return an instant as such, and any other text as it is: the library reads lengths of time."""
        if not isinstance(value, datetime) and value[:4].isdigit() and "-" in value:
            return Instant().convert(value, param, ctx)
        return value


@click.command()
@database
@click.option(
    "--until", required=True, type=InstantOrLength(), help='The end: an instant, or a length of time such as "7 days".'
)
@click.option("--at", type=Instant(), show_default="the last tick", help="The instant at which it begins, ISO 8601.")
@click.option("--since", type=Instant(), help="Fit to the history from this instant on; default: all of it.")
@click.option("--people", type=int, help="How many come, all at once; default: as many as the history says.")
@click.option("--seed", default=1, show_default=True, help="The seed of the first replication.")
@click.option("--replications", default=20, show_default=True, help="How often the future is played.")
@workers_option
@tenant
@html
@as_json
def forecast(  # noqa: PLR0917 click passes them by name
    db: Database,
    until: datetime | str,
    at: datetime | None,
    since: datetime | None,
    people: int | None,
    seed: int,
    replications: int,
    workers: int,
    tenant: str,
    *,
    html: Path | None,
    as_json: bool,
) -> None:
    """Forecast a database: messages a day, people per step, entries and ends, each with its band.

    The database is read and not changed. What people do, and how many come, is fitted to its history.
    """
    from journeyflow.analysis import forecast as run  # noqa: PLC0415 needed here alone

    bar = Bar()
    with numbers_checked(), workers_of(workers) as executor, opened_database(db, tenant) as engine:
        found = run(
            engine,
            until=until,
            at=at,
            since=since,
            population=people,
            seed=seed,
            replications=replications,
            tenant=tenant,
            executor=executor,
            progress=lambda done, of: bar("forecast", done, of),
        )
    bar.close()
    show(found.to_dicts(), reported(found, html), as_json=as_json)


@click.command()
@database
@click.option("--times", type=Whole(1), default=4, show_default=True, help="How many past spans are forecast.")
@click.option("--span", default="7 days", show_default=True, help="How long each of them is.")
@click.option("--until", type=Instant(), show_default="the newest input", help="The end of the last span, ISO 8601.")
@click.option("--since", type=Instant(), help="Fit to the history from this instant on; default: all of it.")
@click.option("--seed", default=1, show_default=True, help="The seed of the first replication.")
@click.option("--replications", default=20, show_default=True, help="How often each span is played.")
@workers_option
@tenant
@html
@as_json
def calibrate(  # noqa: PLR0917 click passes them by name
    db: Database,
    times: int,
    span: str,
    until: datetime | None,
    since: datetime | None,
    seed: int,
    replications: int,
    workers: int,
    tenant: str,
    *,
    html: Path | None,
    as_json: bool,
) -> None:
    """Forecast past weeks of a database from what was known then, and show how often the truth lay in the bands.

    The database is read and not changed. Four of five figures should lie in their band.
    """
    from journeyflow.analysis import calibration  # noqa: PLC0415 needed here alone

    bar = Bar()
    with numbers_checked(), workers_of(workers) as executor, opened_database(db, tenant) as engine:
        found = calibration(
            engine,
            times=times,
            span=span,
            until=until,
            since=since,
            seed=seed,
            replications=replications,
            tenant=tenant,
            executor=executor,
            progress=lambda done, of: bar("calibrate", done, of),
        )
    bar.close()
    show(found.to_dicts(), reported(found, html), as_json=as_json)


COMMANDS = (forecast, calibrate)
