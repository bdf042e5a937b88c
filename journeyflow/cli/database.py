"""Opening a database, and the commands that tick it and audit it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from journeyflow.basics.showing import counted, shown_zone
from journeyflow.cli.shared import (
    DATABASE,
    Database,
    Whole,
    as_json,
    instant_text,
    jump,
    now_option,
    show,
    text_table,
)
from journeyflow.engine.engine import Engine

database = click.argument("db", type=DATABASE)


@contextmanager
def opened_database(path: Database, tenant: str, *, scrub: bool = True) -> Iterator[Engine]:
    """Open a database for one tenant."""
    with Engine(path, scrub=scrub) as engine:
        yield engine.tenant(tenant)


@click.command()
@database
@now_option("--now", "--at")
@click.option("--limit", type=Whole(min=1), help="Handle at most this many items.")
@jump
@click.option(
    "--keep-free-space", is_flag=True, help="Keep traces of customers forgotten by a step until the next vacuum."
)
@as_json
def tick(
    db: Database, now: datetime, limit: int | None, *, allow_jump: bool, keep_free_space: bool, as_json: bool
) -> None:
    """Do what is due, for all tenants."""
    with opened_database(db, "default", scrub=not keep_free_space) as engine:
        result = engine.tick(now, limit=limit, allow_jump=allow_jump)
    names = ("inputs", "entered", "moves", "messages", "refused", "deferred", "late", "unmatched")
    rows = [(name, getattr(result, name)) for name in names]
    rows += [
        (name, count)
        for name in ("duplicates", "forgotten", "errors", "unreadable")
        if (count := getattr(result, name))
    ]
    text = text_table(rows, ("figure", "count"))
    nothing = "nothing waits but what a pause holds" if result.paused else "nothing waits"
    text += f"\nnext work at {instant_text(result.next_due)} {shown_zone()}" if result.next_due else f"\n{nothing}"
    text += "; more of it is due already: tick again" if result.more else ""
    text += f"\n{counted(result.errors, 'item')} set aside: see audit and set-aside" if result.errors else ""
    show(result, text, as_json=as_json)


@click.command()
@database
@as_json
def audit(db: Database, *, as_json: bool) -> None:
    """List everything in the database that does not add up; exit status 1 if there is anything."""
    with opened_database(db, "default") as engine:
        found = engine.audit()
    show(found, "\n".join(found) or "everything adds up", as_json=as_json)
    if found:
        raise SystemExit(1)


COMMANDS = (tick, audit)
