"""Commands on a database: deploy, run, feed and explain."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Unpack

import click
from attrs import asdict

from journeyflow.basics.showing import counted, shown_zone
from journeyflow.cli.output import echo
from journeyflow.cli.shared import (
    DATABASE,
    INPUT,
    NEW_DATABASE,
    Bar,
    Database,
    Faults,
    Whole,
    after,
    as_json,
    jump,
    load_stated,
    now_option,
    page_end,
    reading,
    show,
    show_skipped,
    skip,
    source_of,
    table,
    tenant,
    when,
)
from journeyflow.definition.edits.linking import link_problems
from journeyflow.definition.journey import DEFAULT_TENANT, Journey, problems
from journeyflow.engine.engine import Engine
from journeyflow.errors import WARNING, NotFound, Problem
from journeyflow.formats.counting import FileTally, customer_key, event_key
from journeyflow.formats.events import customers_of, events_of
from journeyflow.formats.files import BytesRead, FileKeywords, Source, file_options, size_of
from journeyflow.questions.journeys import JourneyInfo

database = click.argument("db", type=DATABASE)


@contextmanager
def opened(path: Database, tenant: str, *, scrub: bool = True) -> Iterator[Engine]:
    """Open a database for one tenant."""
    with Engine(path, scrub=scrub) as engine:
        yield engine.tenant(tenant)


def _journey_lines(journeys: Iterable[JourneyInfo]) -> str:
    counts = ("enrolled", "active", "completed", "exited", "failed", "holdout")
    header = ("journey", "status", "version", "trigger", "steps", *counts)
    rows = [
        (
            each.id,
            each.status,
            each.version,
            each.trigger or each.schedule or "by hand",
            each.steps,
            *(getattr(each, name) for name in counts),
        )
        for each in journeys
    ]
    return table(rows, header)


@click.command()
@click.argument("db", type=NEW_DATABASE)
@click.argument("files", nargs=-1, required=True, type=INPUT)
@click.option("--rollback", is_flag=True, help="Make older versions that the files hold the newest again.")
@now_option()
@as_json
def deploy(db: Database, files: tuple[Path, ...], at: datetime, *, rollback: bool, as_json: bool) -> None:
    """Publish journey files and activate new journeys; a second time changes nothing. Makes a missing database.

    What `check` warns of is printed on standard error.
    """
    stated = load_stated(files)
    journeys = [journey for journey, _ in stated]
    _refuse_twins(files, journeys)
    with Engine(db) as engine:
        versions = [
            (engine.publish if is_draft else engine.deploy)(journey, at=at, rollback=rollback)
            for journey, is_draft in stated
        ]
        found = [engine.tenant(journey.tenant or DEFAULT_TENANT).journey(journey.id) for journey in journeys]
        between = {name: _between(engine.tenant(name)) for name in {info.tenant for info in found}}
    for path, journey, info in zip(files, journeys, found, strict=True):
        for problem in (*problems(journey), *between[info.tenant].get(info.id, ())):
            if problem.severity == WARNING:
                echo(f"{path}: warning: {problem}", err=True)
    for path, info, version in zip(files, found, versions, strict=True):
        if not version.newest:
            told = f"{path} holds version {version} of {info.id!r}, but the newest is {info.version} and stays so"
            echo(f"unchanged: {told}; --rollback makes {version} the newest again", err=True)
    header = ("tenant", "journey", "version", "status")
    rows = [(info.tenant, info.id, version, info.status) for info, version in zip(found, versions, strict=True)]
    plain = [
        {**dict(zip(header, row, strict=True)), "newest": version.newest}
        for row, version in zip(rows, versions, strict=True)
    ]
    show(plain, table(rows, header), as_json=as_json)


def _between(engine: Engine) -> Mapping[str, Sequence[Problem]]:
    """Return what is wrong between the journeys of a tenant, by the journey to mend; one alone may be the first."""
    ids = [each.id for each in engine.journeys(take=None) if each.status != "ARCHIVED"]
    found: dict[str, list[Problem]] = {}
    for name, problem in link_problems(map(engine.definition, ids)) if len(ids) > 1 else ():
        found.setdefault(name, []).append(problem)
    return found


def _refuse_twins(files: Sequence[Path], journeys: Sequence[Journey]) -> None:
    """Refuse two files of one journey: the second would silently replace the first."""
    found: dict[tuple[str, str], Path] = {}
    for path, journey in zip(files, journeys, strict=True):
        first = found.setdefault((journey.tenant or DEFAULT_TENANT, journey.id), path)
        if first != path:
            what = f"journey {journey.id!r} is in {first} and in {path}; deploy one of them"
            raise Faults(what)


def _lifecycle(name: str, text: str) -> click.Command:
    """Make the command of a lifecycle call."""

    @click.command(name, help=text)
    @database
    @click.argument("journey")
    @now_option()
    @tenant
    @as_json
    def call(db: Database, journey: str, at: datetime, tenant: str, *, as_json: bool) -> None:
        with opened(db, tenant) as engine:
            getattr(engine, name)(journey, at=at)
            info = engine.journey(journey)
        show(info, _journey_lines([info]), as_json=as_json)

    return call


activate = _lifecycle("activate", "Activate a draft.")
pause = _lifecycle("pause", "Pause a journey: nobody enters, no wait is left, no message is handed out.")


@click.command()
@database
@click.argument("journey")
@click.option(
    "--overdue",
    type=click.Choice(["run", "shift"]),
    default="run",
    show_default=True,
    help="Run what came due during the pause, or extend durations and timeouts by it.",
)
@jump
@now_option()
@tenant
@as_json
def resume(
    db: Database,
    journey: str,
    overdue: Literal["run", "shift"],
    at: datetime,
    tenant: str,
    *,
    allow_jump: bool,
    as_json: bool,
) -> None:
    """Resume a paused journey."""
    with opened(db, tenant) as engine:
        info = engine.resume(journey, at=at, overdue=overdue, allow_jump=allow_jump)
    show(info, _journey_lines([info]), as_json=as_json)


@click.command()
@database
@click.argument("journey")
@jump
@now_option()
@tenant
@as_json
def archive(db: Database, journey: str, at: datetime, tenant: str, *, allow_jump: bool, as_json: bool) -> None:
    """Archive a journey for good; everybody inside leaves it."""
    with opened(db, tenant) as engine:
        left = engine.archive(journey, at=at, allow_jump=allow_jump)
        info = engine.journey(journey)
    show(
        {**asdict(info, recurse=False), "left": left},
        f"{_journey_lines([info])}\nleft by this: {left}",
        as_json=as_json,
    )


@click.command("journeys")
@database
@click.option("--status", help="DRAFT, ACTIVE, PAUSED or ARCHIVED.")
@click.option("--trigger", help="The event type of the trigger.")
@click.option("--customer", help="Only journeys that this customer is inside.")
@click.option("--order", default="id", show_default=True, help="Sort by id, name or created.")
@click.option("--descending", is_flag=True, help="Sort in descending order.")
@skip
@click.option("--take", type=int, help="Show a page of this many; default: all.")
@after
@tenant
@as_json
def list_journeys(db: Database, tenant: str, *, take: int | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List journeys with their counts."""
    with opened(db, tenant) as engine:
        page = engine.journeys(take=take, **asked)
    if take is None:
        show(page.items, _journey_lines(page), as_json=as_json)
    else:
        show(page, f"{_journey_lines(page)}\n{page_end(page)}", as_json=as_json)


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
    with opened(db, "default", scrub=not keep_free_space) as engine:
        result = engine.tick(now, limit=limit, allow_jump=allow_jump)
    names = ("inputs", "entered", "moves", "messages", "refused", "deferred", "late", "unmatched")
    rows = [(name, getattr(result, name)) for name in names]
    rows += [
        (name, count)
        for name in ("duplicates", "forgotten", "errors", "unreadable")
        if (count := getattr(result, name))
    ]
    text = table(rows, ("figure", "count"))
    nothing = "nothing waits but what a pause holds" if result.paused else "nothing waits"
    text += f"\nnext work at {when(result.next_due)} {shown_zone()}" if result.next_due else f"\n{nothing}"
    text += "; more of it is due already: tick again" if result.more else ""
    text += f"\n{counted(result.errors, 'item')} set aside: see audit and set-aside" if result.errors else ""
    show(result, text, as_json=as_json)


@click.command()
@database
@click.argument("events", type=INPUT)
@reading
@tenant
@as_json
def feed(db: Database, events: Path, tenant: str, *, as_json: bool, **options: Unpack[FileKeywords]) -> None:
    """Feed an event file (CSV, NDJSON or a JSON array); the next tick handles what is due of it.

    The file is - for standard input. Exit status 1 if not one line could be taken.
    """
    source, tally, progress = _begin(events, "events")
    with opened(db, tenant) as engine:
        found = events_of(source, file_options(options), tally.refuse, progress)
        engine.feed(tally.counted(found, event_key))
    _say_taken(tally, "event", as_json=as_json)


@click.command("put-customers")
@database
@click.argument("customers", type=INPUT)
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
    with opened(db, tenant) as engine:
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
    with opened(db, tenant) as engine:
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
    with opened(db, tenant) as engine:
        engine.exit(journey, customers, at=at, reason=reason, key=key)
    said = f"noted for {counted(len(customers), 'customer')}; the next tick takes out who is inside then"
    show({"taken": len(customers)}, said, as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.argument("customer")
@click.option("--run", type=int, help="The run; default: the newest.")
@click.option("--key", help="The key, in a journey with parallel runs; default: any.")
@tenant
@as_json
def explain(  # noqa: PLR0917 click passes them by name
    db: Database, journey: str, customer: str, run: int | None, key: str | None, tenant: str, *, as_json: bool
) -> None:
    """Explain every decision of a run with the values that were compared."""
    with opened(db, tenant) as engine:
        try:
            found = engine.explain(journey, customer, run=run, key=key)
        except NotFound as error:
            if error.kind != "enrollment":
                raise
            what = f"{error}; why-not tells what stands against one"
            raise Faults(what) from error
    show(found, str(found), as_json=as_json)


@click.command()
@database
@as_json
def audit(db: Database, *, as_json: bool) -> None:
    """List everything in the database that does not add up; exit status 1 if there is anything."""
    with opened(db, "default") as engine:
        found = engine.audit()
    show(found, "\n".join(found) or "everything adds up", as_json=as_json)
    if found:
        raise SystemExit(1)


COMMANDS = (
    deploy,
    activate,
    pause,
    resume,
    archive,
    list_journeys,
    tick,
    feed,
    put_customers,
    enroll,
    exit_customers,
    explain,
    audit,
)
