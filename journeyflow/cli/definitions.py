"""Commands on journey files: what is wrong with them, and what they look like."""

import json
from functools import partial
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyflow.cli.output import echo
from journeyflow.cli.shared import A_FILE, NoText, as_json, load_journeys, show, text_of
from journeyflow.definition.edits.linking import link_problems
from journeyflow.definition.journey import DEFAULT_TENANT, Journey, problems
from journeyflow.errors import ERROR, WARNING, InvalidJourney, Problem
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.registry import DIALECTS, loads_any

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.argument("files", nargs=-1, required=True, type=A_FILE)
@as_json
def check(files: tuple[Path, ...], *, as_json: bool) -> None:
    """List every problem of journey files; exit status 1 if one of them is an error.

    Several files are taken to be all journeys there are: references to any other journey, and circles of journeys that
    start one another, are then reported too.
    """
    found: list[tuple[str, Problem]] = []
    sound: dict[str, list[tuple[Path, Journey]]] = {}
    for path in files:
        journey, wrong_here = _problems(path)
        found += [(str(path), problem) for problem in wrong_here]
        if journey is not None:
            sound.setdefault(journey.tenant or DEFAULT_TENANT, []).append((path, journey))
    for together in sound.values() if len(files) > 1 else ():
        places: dict[str, str] = {}
        for path, journey in together:
            first = places.setdefault(journey.id, str(path))
            if first != str(path):
                said = f"journey {journey.id!r} is in {first} already: deployed together, one would replace the other"
                found.append((str(path), Problem("duplicate", ERROR, "id", said)))
        found += [(places[name], problem) for name, problem in link_problems(journey for _, journey in together)]
    wrong = sum(problem.severity == ERROR for _, problem in found)
    lines = [f"{path}: {problem.severity}: {problem}" for path, problem in found]
    lines.append(f"files: {len(files)}, errors: {wrong}, warnings: {len(found) - wrong}")
    rows = [{"file": path, "problem": problem} for path, problem in found]
    show(rows, "\n".join(lines), as_json=as_json)
    if wrong:
        raise SystemExit(1)


def _problems(path: Path) -> tuple[Journey | None, tuple[Problem, ...]]:
    """Read one file; return its journey, or None, and what is wrong with it."""
    try:
        journey, losses = loads_any(text_of(path))
    except InvalidJourney as error:
        return None, error.problems
    except NoText as error:
        return None, (Problem("encoding", ERROR, "", error.why),)
    lost = [Problem("lost", WARNING, loss.path, loss.sentence) for loss in losses]
    # what a dialect reports at its place in the file is not repeated at that of a native file
    return journey, (*(each for each in problems(journey) if not any(each.message in o.message for o in lost)), *lost)


FOREIGN = tuple(name for name in DIALECTS if name != "native")
"""The dialects of other systems, in which a journey can be written."""


@click.command("show")
@click.argument("file", type=A_FILE)
@click.option(
    "--format", "form", type=click.Choice(["mermaid", "dot", "svg", "html", "json", *FOREIGN]), default="mermaid",
    show_default=True,
    help="Mermaid flowchart, DOT for Graphviz, SVG picture, page of HTML, the journey as JSON, or as that of another "
    "system.",
)  # fmt: skip
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--before", type=A_FILE, help="An earlier version, to show what changed; with --format svg or html.")
def show_journey(file: Path, form: str, before: Path | None) -> None:
    """Draw a journey file, in text or as a picture, or rewrite it as JSON; what another system cannot say is listed."""
    from journeyflow.reporting import definition_page, dot, mermaid, svg  # noqa: PLC0415 needed here alone

    if before is not None and form not in {"svg", "html"}:
        msg = "--before goes with --format svg or html; `journeyflow diff` says the changes in words"
        raise click.UsageError(msg)
    journey, *earlier = load_journeys([file, *([before] if before else [])])
    if form in FOREIGN:
        document, losses = DIALECTS[form].write(journey)
        for loss in losses:
            echo(f"lost: {file}: {loss}", err=True)
        echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    was = next(iter(earlier), None)
    writers: dict[str, Callable[[Journey], str]] = {
        "mermaid": mermaid,
        "dot": dot,
        "svg": partial(svg, before=was),
        "html": lambda journey: definition_page(journey, was).to_html(),
        "json": dumps_journey,
    }
    echo(writers[form](journey))


@click.command()
def schema() -> None:
    """Print the JSON Schema of journey files, for editors: journeyflow schema > journey.schema.json."""
    echo(resources("journeyflow").joinpath("journey.schema.json").read_text(encoding="ascii").rstrip("\n"))


COMMANDS = (check, show_journey, schema)
