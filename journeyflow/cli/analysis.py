"""Commands on journey files that know them before they run: what holds of them, their paths, and their differences."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyflow.basics.showing import counted
from journeyflow.cli.shared import A_FILE, Bar, as_json, load_journeys, show, take

if TYPE_CHECKING:
    from journeyflow.analysis import Analysis, Proof


@click.command()
@click.argument("files", nargs=-1, required=True, type=A_FILE)
@click.option("--at-most", type=int, metavar="MESSAGES", help="Prove that no run sends more messages than these.")
@click.option("--within", help='With --at-most: in any time so long, such as "7 days"; default: altogether.')
@click.option("--never-after", multiple=True, metavar="STEP", help="Prove that no message follows a step; repeatable.")
@click.option("--lives", is_flag=True, help="Print counter-examples as Python that can be pasted into a test.")
@as_json
def analyze(
    files: tuple[Path, ...],
    at_most: int | None,
    within: str | None,
    never_after: Sequence[str],
    *,
    lives: bool,
    as_json: bool,
) -> None:
    """Show what can be known of journey files before they run: times, proofs, counter-examples, and what looks odd.

    Several files are taken to be all journeys there are. Exit status 1 if a claim that an option asks for is not
    proved.
    """
    from journeyflow.analysis import analyze as analyzed  # noqa: PLC0415 needed here alone
    from journeyflow.analysis import lint  # noqa: PLC0415 likewise

    if within is not None and at_most is None:
        msg = "--within goes with --at-most"
        raise click.UsageError(msg)
    bar, rows, lines, open_claims = Bar(), [], [], 0
    journeys = load_journeys(files)
    odd = lint(*journeys)
    for number, journey in enumerate(journeys):
        bar("proofs", number, len(journeys))
        found = analyzed(journey)
        asked = _asked(found, at_most, within, never_after)
        proofs = [*found.proofs(), *asked]
        open_claims += sum(not proof.holds for proof in asked)
        here = [problem for name, problem in odd if name == journey.id]
        lines += [
            f"{journey.id}: {_figures(found)}",
            *(f"  {line}" for proof in proofs for line in _said(proof, lives=lives)),
        ]
        lines += [f"  odd: {problem}" for problem in here]
        rows.append({"journey": journey.id, **_row(found), "proofs": [each.to_dict() for each in proofs], "odd": here})
    bar.close()
    show(rows, "\n".join(lines), as_json=as_json)
    if open_claims:
        raise SystemExit(1)


def _asked(found: "Analysis", at_most: int | None, within: str | None, never_after: Sequence[str]) -> "list[Proof]":
    """Return the proofs that options ask for."""
    proofs = [] if at_most is None else [found.at_most(at_most, within=within)]
    return [*proofs, *(found.never_after(step) for step in never_after)]


def _figures(found: "Analysis") -> str:
    most = "messages in a loop" if found.most_messages is None else f"at most {counted(found.most_messages, 'message')}"
    return f"{counted(found.paths.count, 'path')}, {found.duration}, {most}"


def _row(found: "Analysis") -> dict[str, object]:
    longest = found.duration.longest
    return {
        "paths": found.paths.count,
        "loops": found.paths.loops,
        "shortest_seconds": found.duration.shortest.total_seconds(),
        "longest_seconds": None if longest is None else longest.total_seconds(),
        "most_messages": found.most_messages,
    }


def _said(proof: "Proof", *, lives: bool) -> list[str]:
    code = [f"  {line}".rstrip() for line in proof.code.splitlines()] if lives else []
    return [str(proof), *code]


@click.command()
@click.argument("file", type=A_FILE)
@take
@as_json
def paths(file: Path, *, take: int | None, as_json: bool) -> None:
    """List the paths through a journey file, each with its time and how many messages it sends."""
    from journeyflow.analysis import analyze as analyzed  # noqa: PLC0415 needed here alone

    found = analyzed(load_journeys([file])[0]).paths
    listed = list(islice(found, take))
    rest = f"{len(listed):,} of {counted(found.count, 'path')}, {found.duration}"
    show([path.to_dict() for path in listed], "\n".join([*map(str, listed), rest]), as_json=as_json)


@click.command()
@click.argument("before", type=A_FILE)
@click.argument("after", type=A_FILE)
@as_json
def diff(before: Path, after: Path, *, as_json: bool) -> None:
    """Show what a new version of a journey file changes: for whom, which steps and branches, and how long it takes."""
    from journeyflow.analysis import diff as differences  # noqa: PLC0415 needed here alone

    found = differences(*load_journeys([before, after]))
    show(found.to_dicts(), str(found), as_json=as_json)


COMMANDS = (analyze, paths, diff)
