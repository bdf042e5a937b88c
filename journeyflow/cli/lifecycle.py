"""Commands that deploy journeys, and activate, pause, resume, archive and list them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
from attrs import asdict

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.output import echo
from journeyflow.cli.shared import (
    A_FILE,
    NEW_DATABASE,
    Database,
    Faults,
    after,
    as_json,
    jump,
    load_stated,
    now_option,
    page_end,
    show,
    skip,
    tenant,
    text_table,
)
from journeyflow.definition.edits.linking import link_problems
from journeyflow.definition.journey import DEFAULT_TENANT, Journey, problems
from journeyflow.engine.engine import Engine
from journeyflow.errors import WARNING, Problem
from journeyflow.questions.journeys import JourneyInfo


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
    return text_table(rows, header)


@click.command()
@click.argument("db", type=NEW_DATABASE)
@click.argument("files", nargs=-1, required=True, type=A_FILE)
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
    show(plain, text_table(rows, header), as_json=as_json)


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
        with opened_database(db, tenant) as engine:
            getattr(engine, name)(journey, at=at)
            info = engine.journey(journey)
        show(info, _journey_lines([info]), as_json=as_json)

    return call


activate = _lifecycle("activate", "Activate a draft.")

pause = _lifecycle("pause", "Pause a journey: no customer enters, no wait is left, no message is handed out.")


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
    with opened_database(db, tenant) as engine:
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
    """Archive a journey for good; all customers inside leave it."""
    with opened_database(db, tenant) as engine:
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
    with opened_database(db, tenant) as engine:
        page = engine.journeys(take=take, **asked)
    if take is None:
        show(page.items, _journey_lines(page), as_json=as_json)
    else:
        show(page, f"{_journey_lines(page)}\n{page_end(page)}", as_json=as_json)


COMMANDS = (deploy, activate, pause, resume, archive, list_journeys)
