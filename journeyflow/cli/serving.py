"""The command that serves the interfaces of other systems over HTTP."""

import logging
import re
import signal
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyflow.basics.durations import Duration
from journeyflow.cli.output import echo
from journeyflow.cli.shared import NEW_DATABASE, Database, Whole, now
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.engine.engine import Engine
from journeyflow.errors import MissingExtra

if TYPE_CHECKING:
    from journeyflow.services.directory import SQLiteDirectory

SECOND = 1_000_000

OCTETH = ("2023", "2024", "2025", "2026")

_SHORT = {"s": "seconds", "m": "minutes", "h": "hours"}


class Seconds(click.ParamType[float]):
    """A length of time, read as seconds: "10s", "5m", "1 minute"."""

    name = "length"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; fail for what is not a length of exact time."""
        if isinstance(value, float):
            return value
        try:
            text = re.sub(r"^(\d+)\s*([smh])$", lambda match: f"{match[1]} {_SHORT[match[2]]}", str(value).strip())
            length = Duration.parse(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if length.micros < SECOND or length.days or length.months:
            self.fail(f"{value!r} is not a length of at least a second, such as 10s or 5m", param, ctx)
        return length.micros / SECOND


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone; a name is looked up nowhere.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_of_this_run(directory: "SQLiteDirectory") -> str:
    """Let one user in, and return the key."""
    return directory.add_secret("key", user=directory.put_user(1, DEFAULT_TENANT).id)


@click.command()
@click.argument("db", type=NEW_DATABASE)
@click.option(
    "--directory", "known", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file of users, keys and lists, made by `journeyflow directory`; default: one key for this run.",
)  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=Whole(0, 65535), default=8000, show_default=True, help="The port; 0 is any free.")
@click.option("--tick", type=Seconds(), help="Also tick in this process, every so long, such as 10s; default: never.")
@click.option("--limit", type=Whole(1), default=100, show_default=True, help="Requests per key in 60 seconds.")
@click.option(
    "--octeth", "version", type=click.Choice(OCTETH), default=OCTETH[-1], show_default=True,
    help="The version of Octeth's documents whose shapes its answers have.",
)  # fmt: skip
@click.option(
    "--site/--no-site", default=None, help="Whether /site/ has pages to look at; default: on a loopback address only.",
)  # fmt: skip
def serve(  # noqa: PLR0917 click passes them by name
    db: Database,
    known: Path | None,
    host: str,
    port: int,
    tick: float | None,
    limit: int,
    version: str,
    *,
    site: bool | None,
) -> None:
    """Serve Octeth's Journeys API, the loyalty platform's, and pages to look at, over HTTP, until it is stopped.

    Octeth's calls are at /api/v1/... and /api.php, the loyalty platform's at /journeys, the pages at /site/: a browser
    asks for a name, which may be any, and for a password, which is a key. Requests are logged on standard error. Makes
    a missing database. Without --tick, run `journeyflow tick` elsewhere, such as in cron.

    Without --directory, a key for the tenant "default" is drawn and printed, which is good until the process stops: to
    look at a file on this machine. Such a process listens on loopback addresses alone.
    """
    if known is None and not is_loopback(host):
        msg = f"--host {host} is reached from elsewhere: name a --directory with the keys of those who may call"
        raise click.UsageError(msg)
    try:
        import uvicorn  # noqa: PLC0415 optional

        from journeyflow.services.asgi import BODY_PATIENCE, application  # noqa: PLC0415 optional
    except ImportError:
        what = "serve"
        raise MissingExtra(what, "http") from None
    from journeyflow.services.directory import SQLiteDirectory  # noqa: PLC0415 needed here alone

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with Engine(db) as engine:
        directory = SQLiteDirectory(known or ":memory:")
        try:
            shown = is_loopback(host) if site is None else site
            password = "a key" if known else _key_of_this_run(directory)
            if shown:
                where = f"http://{f'[{host}]' if ':' in host else host}:{port or 'PORT'}/site/"
                echo(f"open {where} in a browser; the name may be any, the password is {password}", err=True)
            elif known is None:
                echo(f"the key of this run is {password}", err=True)
            app = application(engine, directory, clock=now, tick=tick, most=limit, version=version, site=shown)
            signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn stops in order, then raises the signal once more
            uvicorn.run(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=round(BODY_PATIENCE),
            )
        finally:
            directory.close()


COMMANDS = (serve,)
