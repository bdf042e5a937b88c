"""The command that writes a report: one page of HTML about a journey, or about all of them."""

import errno
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.numbers import as_of, newest, since, until
from journeyflow.cli.output import echo, writing
from journeyflow.cli.shared import Database, as_json, show, tenant

if TYPE_CHECKING:
    from journeyflow.reporting.html import ReportPage


def replaceable(path: Path) -> Path:
    """Return a path at which a page may be written: nothing is there, or an earlier page.

    Raises a usage error for another file, and Unwritten for a place where nothing can be written, before any work.
    """
    from journeyflow.reporting.html import GENERATED  # noqa: PLC0415 needed here alone

    with writing(path):
        path.parent.stat()
        if path.exists() and GENERATED not in path.read_text(encoding="utf-8", errors="replace"):
            msg = f"{path} exists and is not a page that journeyflow wrote; give another name, or move it away"
            raise click.UsageError(msg)
        for place in (path if path.exists() else path.parent, path.parent):
            if not os.access(place, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
    return path


def write_page(path: Path, page: str) -> None:
    """Write a page of HTML. Raises Unwritten if that fails."""
    with writing(path):
        path.write_text(page, encoding="utf-8")


def _replaceable(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    return None if path is None else replaceable(path)


html = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_replaceable,
    help="Also write a page with pictures there.",
)
"""The option of commands whose answer has a report: where it is written, checked before any work."""


class Reported(Protocol):
    """An answer that has a report."""

    def report(self) -> "ReportPage":
        """Return the report."""


def reported(found: Reported, path: Path | None, text: str = "") -> str:
    """Return an answer as text, its own or another one; write its report if a place for it was named."""
    if path is not None:
        write_page(path, found.report().to_html())
        echo(f"wrote {path}: open it in a browser", err=True)
    return text or str(found)


@click.command()
@database
@click.argument("journey", required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file; default: standard output."
)
@newest
@since
@until
@tenant
@as_json
def report(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str | None,
    output: Path | None,
    at: datetime | None,
    since: str | None,
    until: str | None,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Write a report as one page of HTML: about JOURNEY, or about all journeys.

    It holds pictures, figures, experiments, refusals and failures; it loads nothing and runs no script, and can be kept
    or mailed as it is.
    """
    page = None if output is None else replaceable(output)
    with opened_database(db, tenant) as engine:
        found = engine.report(journey, at=as_of(engine, at), since=since, until=until)
    if page is None or as_json:
        show(found.to_dict(), found.to_html(), as_json=as_json)
    else:
        write_page(page, found.to_html())
        echo(f"wrote {page}: open it in a browser")


COMMANDS = (report,)
