"""Commands that change journeys in a database: versions, flags, copies, removal, many at once."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

import click

from journeyflow.cli.database import database, opened_database
from journeyflow.cli.shared import (
    A_FILE,
    NEW_DATABASE,
    Database,
    Faults,
    as_json,
    instant_text,
    jump,
    now_option,
    show,
    tenant,
    text_of,
    text_table,
)
from journeyflow.engine.copy_calls import BulkCall
from journeyflow.errors import ERROR
from journeyflow.formats.drafts import Draft
from journeyflow.formats.json_parts import parse_json
from journeyflow.formats.registry import recognise
from journeyflow.questions.versions import StepInfo


@click.command()
@database
@click.argument("journey")
@tenant
@as_json
def versions(db: Database, journey: str, tenant: str, *, as_json: bool) -> None:
    """List the versions of a journey, and how many people are in each."""
    with opened_database(db, tenant) as engine:
        found = engine.versions(journey)
    counts = ("active", "enrolled", "holdout")
    rows = [
        (
            each.version,
            instant_text(each.created_at),
            instant_text(each.published_at),
            *(getattr(each, name) for name in counts),
            "*" * each.newest,
        )
        for each in found
    ]
    header = ("version", "first published", "last published", *counts, "newest")
    show(found, text_table(rows, header), as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.argument("version", type=int)
@click.option("--map", "mapped", multiple=True, metavar="STEP=TO", help="Move people at STEP to the step TO.")
@click.option("--exit", "leave", multiple=True, metavar="STEP", help="Move people at STEP out of the journey.")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@jump
@now_option()
@tenant
@as_json
def migrate(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    version: int,
    mapped: Sequence[str],
    leave: Sequence[str],
    at: datetime,
    tenant: str,
    *,
    dry_run: bool,
    allow_jump: bool,
    as_json: bool,
) -> None:
    """Move all customers inside to another version, or none if a step has no place there."""
    mapping: dict[str, str | None] = dict.fromkeys(leave)
    for pair in mapped:
        step, sign, to = pair.partition("=")
        if not sign:
            fault = f"{pair!r} is not STEP=TO"
            raise click.BadParameter(fault, param_hint="--map")
        mapping[step] = to
    with opened_database(db, tenant) as engine:
        done = engine.migrate(journey, version, mapping, at=at, dry_run=dry_run, allow_jump=allow_jump)
    rows = [(each.version, each.step, each.to or "(exit)", each.people) for each in done.moves]
    told = f"{done.people} {'would be' if dry_run else 'were'} moved to version {version}"
    text = f"{text_table(rows, ('from version', 'step', 'to', 'people'))}\n{told}" if rows else told
    show({"people": done.people, "moves": done.moves, "dry_run": dry_run}, text, as_json=as_json)


def _step_lines(found: Sequence[StepInfo]) -> str:
    rows = [(each.number, each.id, each.kind, each.name, "yes" if each.published else "no") for each in found]
    return text_table(rows, ("number", "step", "kind", "name", "published"))


@click.command()
@database
@click.argument("journey")
@click.option("--version", type=int, help="The version; default: the newest.")
@click.option("--publish", multiple=True, metavar="STEP", help="Publish a step.")
@click.option("--unpublish", multiple=True, metavar="STEP", help="Unpublish a step: every run passes through it.")
@now_option()
@tenant
@as_json
def steps(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    version: int | None,
    publish: Sequence[str],
    unpublish: Sequence[str],
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """List the steps of a journey, and publish or unpublish some: all of them or none."""
    if both := [step for step in dict.fromkeys(publish) if step in unpublish]:
        msg = f"--publish and --unpublish name the same: {', '.join(map(repr, both))}; give one of the two"
        raise click.UsageError(msg)
    with opened_database(db, tenant) as engine:
        flags = {**dict.fromkeys(publish, True), **dict.fromkeys(unpublish, False)}
        if flags:
            engine.set_published(journey, flags, at=at)
        found = engine.steps(journey, version=version)
    plain = [{"number": each.number, "id": each.id, "kind": each.kind, "published": each.published} for each in found]
    show(plain, _step_lines(found), as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.argument("to")
@click.option("--name", help="The name of the clone; default: Copy of ...")
@click.option("--to-tenant", help="Copy it to another tenant, without references to what belongs to this one.")
@now_option()
@tenant
@as_json
def clone(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    to: str,
    name: str | None,
    to_tenant: str | None,
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Make a draft with the same steps under the id TO, in this tenant or in another."""
    with opened_database(db, tenant) as engine:
        if to_tenant is None:
            info = engine.clone(journey, to, at=at, name=name)
            show(info, f"{info.id} is a draft: {info.notes}", as_json=as_json)
            return
        copied = engine.copy_to(to_tenant, journey, at=at, to=to, name=name)
    rows = [(each.path, each.kind, each.value) for each in copied.reset]
    text = f"{copied.journey} is a draft of tenant {to_tenant}"
    if rows:
        text += f"; these references were reset:\n{text_table(rows, ('place', 'what', 'was'))}"
    show(copied, text, as_json=as_json)


@click.command()
@click.argument("db", type=NEW_DATABASE)
@click.argument("journey")
@click.argument("file", type=A_FILE)
@now_option()
@tenant
@as_json
def draft(db: Database, journey: str, file: Path, at: datetime, tenant: str, *, as_json: bool) -> None:
    """Keep a journey file, finished or not, as the draft JOURNEY, and list what still is in the way of its activation.

    Makes a missing database. The file may be in any format that `check` reads.
    """
    found = parse_json(text_of(file))
    name = recognise(found)
    if not isinstance(found, dict):
        what = f"{file} holds a list; a draft is one journey"
        raise Faults(what)
    kept = Draft(journey, found, name)
    with opened_database(db, tenant) as engine:
        engine.publish(kept.kept(), at=at)
    wrong = [problem for problem in kept.problems if problem.severity == ERROR]
    lines = [f"{file}: {problem}" for problem in wrong]
    left = f"{journey} is kept; " + (
        "it can be activated" if not wrong else f"{len(wrong)} in the way of its activation"
    )
    show({"journey": journey, "problems": wrong}, "\n".join([*lines, left]), as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.option("--name", help="The new name.")
@click.option("--description", help="The new description.")
@click.option("--notes", help="The new notes.")
@now_option()
@tenant
@as_json
def edit(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    name: str | None,
    description: str | None,
    notes: str | None,
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Edit name, description or notes of a journey in place."""
    with opened_database(db, tenant) as engine:
        info = engine.edit(journey, at=at, name=name, description=description, notes=notes)
    rows = [("name", info.name), ("description", info.description), ("notes", info.notes)]
    show(info, text_table(rows, ("what", "text")), as_json=as_json)


def _taking_away(name: str, text: str) -> click.Command:
    """Make a command that removes a journey."""

    @click.command(name, help=text)
    @database
    @click.argument("journey")
    @tenant
    @as_json
    def call(db: Database, journey: str, tenant: str, *, as_json: bool) -> None:
        with opened_database(db, tenant) as engine:
            getattr(engine, name)(journey)
        show({"gone": journey}, f"{journey} is gone", as_json=as_json)

    return call


delete = _taking_away("delete", "Delete a draft.")
purge = _taking_away("purge", "Remove an archived journey, with everything that was recorded about it.")


@click.command()
@database
@click.argument("call", type=click.Choice(get_args(BulkCall)))
@click.argument("journeys", nargs=-1, required=True)
@click.option("--suffix", default=" (copy)", show_default=True, help="The suffix of the names of clones.")
@jump
@now_option()
@tenant
@as_json
def bulk(  # noqa: PLR0917 click passes them by name
    db: Database,
    call: BulkCall,
    journeys: Sequence[str],
    suffix: str,
    at: datetime,
    tenant: str,
    *,
    allow_jump: bool,
    as_json: bool,
) -> None:
    """Apply one call to many journeys, one by one: a failure does not stop the rest."""
    with opened_database(db, tenant) as engine:
        done = engine.bulk(call, journeys, at=at, suffix=suffix, allow_jump=allow_jump)
    failed = {name: str(error) for name, error in done.failed.items()}
    rows = [(name, "done", done.clones.get(name, "")) for name in done.processed]
    rows += [(name, "failed", why) for name, why in failed.items()]
    told = {"processed": done.processed, "failed": failed, "clones": done.clones}
    show(told, text_table(rows, ("journey", "came to", "what")), as_json=as_json)
    if done.failed and not done.processed:
        raise SystemExit(1)


COMMANDS = (draft, versions, migrate, steps, clone, edit, delete, purge, bulk)
