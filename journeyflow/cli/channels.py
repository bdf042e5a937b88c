"""Commands that stop and start the delivery of a channel."""

from collections.abc import Iterable
from datetime import datetime

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.output import echo
from journeyflow.cli.shared import Database, as_json, instant_text, now_option, show, tenant, text_table
from journeyflow.engine.engine import Engine
from journeyflow.errors import did_you_mean, quoted


def warn_of_channels(engine: Engine, channels: Iterable[str]) -> None:
    """Print on standard error which channels no journey sends through: each is perhaps a slip."""
    known = {each.channel for each in engine.sends(disabled=True, unpublished=True)}
    for channel in channels:
        if channel not in known:
            echo(f"no journey sends through {quoted(channel)}{did_you_mean(channel, known)}", err=True)


@click.command("hold-channel")
@database
@click.argument("channel")
@now_option()
@tenant
@as_json
def hold_channel(db: Database, channel: str, at: datetime, tenant: str, *, as_json: bool) -> None:
    """Hand out no message of a channel until it is released; no attempt is spent."""
    with opened_database(db, tenant) as engine:
        engine.hold_channel(channel, at=at)
        found = engine.held_channels()
        warn_of_channels(engine, [channel])  # still held: a journey may come to use it
    show(found, f"{channel} is held since {instant_text(found[channel])}", as_json=as_json)


@click.command("release-channel")
@database
@click.argument("channel")
@now_option()
@tenant
@as_json
def release_channel(db: Database, channel: str, at: datetime, tenant: str, *, as_json: bool) -> None:
    """Hand out the messages of a held channel again."""
    with opened_database(db, tenant) as engine:
        if channel not in (before := engine.held_channels()):
            echo(f"{quoted(channel)} was not held{did_you_mean(channel, before)}", err=True)
        engine.release_channel(channel, at=at)
        found = engine.held_channels()
    show(found, f"{channel} is not held", as_json=as_json)


@click.command("held-channels")
@database
@tenant
@as_json
def held_channels(db: Database, tenant: str, *, as_json: bool) -> None:
    """List the channels that are held, each with the instant since which it is."""
    with opened_database(db, tenant) as engine:
        found = engine.held_channels()
    rows = [(channel, instant_text(since)) for channel, since in found.items()]
    show(found, text_table(rows, ("channel", "held since")) if rows else "no channel is held", as_json=as_json)


COMMANDS = (hold_channel, release_channel, held_channels)
