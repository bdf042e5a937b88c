"""Simulations from the shell: journeys over made-up people."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyflow.cli.populations import TAKING_PART, pairs, population_of, read_number
from journeyflow.cli.reports import html, reported
from journeyflow.cli.shared import (
    A_FILE,
    Bar,
    Instant,
    NumberRange,
    Whole,
    as_json,
    load_journeys,
    load_policies,
    now,
    numbers_checked,
    reading,
    show,
    text_of,
)
from journeyflow.errors import InvalidInput

if TYPE_CHECKING:
    from journeyflow.definition.journey import Journey
    from journeyflow.simulation import Behavior

KINDS = ("bounced", "delivered", "opened", "clicked", "converted", "unsubscribed", "complained")
"""What people do with messages, or what becomes of them: an option for each."""

PLACES = ("channel", "template", "journey", "step", "arm")
"""What an exception of --when may be about."""


def _probabilities(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with an option for each kind of reaction."""
    for kind in reversed(KINDS):
        share = "messages" if kind == "bounced" else "the others" if kind == "delivered" else "what is delivered"
        command = click.option(f"--{kind}", type=NumberRange(0, 1), help=f"The share of {share}.")(command)
    return command


def _arm(text: str) -> tuple[str, str]:
    split, sign, label = text.rpartition("/")
    if not sign:
        msg = "arm is written SPLIT/LABEL"
        raise ValueError(msg)
    return split, label


_READ: Mapping[str, Callable[[str], Any]] = {**dict.fromkeys(PLACES, str), "arm": _arm}
"""How the parts of an exception are read that are not probabilities."""


def _exceptions(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[Any]:
    """Read --when: what the messages have in common, and other probabilities."""
    from journeyflow.simulation import When  # noqa: PLC0415 needed here alone

    found = []
    for text in given:
        said = pairs(text, "=", "NAME=VALUE")
        if unknown := [name for name in said if name not in {*KINDS, *PLACES}]:
            msg = f"{text!r}: unknown {', '.join(map(repr, unknown))}; known are {', '.join((*PLACES, *KINDS))}"
            raise click.BadParameter(msg)
        try:
            found.append(When(**{name: _READ.get(name, read_number)(value) for name, value in said.items()}))
        except ValueError as error:
            msg = f"{text!r}: {error}"
            raise click.BadParameter(msg) from error
    return found


MAX_WORKERS = 512
"""How many processes may work at most: more than any machine that this runs on has cores."""

workers_option = click.option(
    "--workers", type=Whole(1, MAX_WORKERS), default=1, show_default=True, help="How many processes work."
)

SIMULATED = (
    *TAKING_PART,
    click.option("--start", type=Instant(), help="The first instant; default: the last midnight in UTC."),
    click.option("--days", type=Whole(1), default=30, show_default=True, help="How long, unless --until says it."),
    click.option("--until", type=Instant(), help="The last instant."),
    _probabilities,
    click.option(
        "--when",
        "when",
        multiple=True,
        metavar="WHICH,...",
        callback=_exceptions,
        help="Other probabilities for some messages: channel=SMS,opened=0.9; by channel, template, journey, step or "
        "arm=SPLIT/LABEL; may be repeated.",
    ),
    click.option(
        "--behavior", "behavior_file", type=A_FILE, help="A behavior file (JSON), instead of the probabilities."
    ),
    click.option("--policies", "policy_file", type=A_FILE, help="A policy file: caps and quiet hours."),
    click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same outcome."),
    click.option(
        "--replications",
        type=Whole(1),
        default=1,
        show_default=True,
        help="Repeat with this many seeds; figures then have a band.",
    ),
    workers_option,
    reading,
)
"""How a simulation is described: the options of all commands that run one."""


def simulated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with the options of `SIMULATED`."""
    for option in reversed(SIMULATED):
        command = option(command)
    return command


def as_arguments(options: Mapping[str, Any], journeys: "Sequence[Journey]") -> dict[str, Any]:
    """Return the arguments of `simulate` that the options of `SIMULATED` describe, but for journeys and workers."""
    from journeyflow.simulation.naming import unknown_names  # noqa: PLC0415 needed here alone

    behavior = _behavior(options["behavior_file"], {kind: options[kind] for kind in KINDS}, options["when"])
    if faults := unknown_names(behavior, journeys):
        raise InvalidInput(faults)
    start = options["start"] or now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "population": population_of(options),
        "start": start,
        "until": options["until"] or _end(start, options["days"]),
        "behavior": behavior,
        "policies": None if options["policy_file"] is None else load_policies(options["policy_file"]),
        "seed": options["seed"],
        "replications": options["replications"],
    }


def _end(start: datetime, days: int) -> datetime:
    """Return the instant a number of days later; raises a usage error beyond the calendar."""
    if days > (left := (datetime.max.replace(tzinfo=UTC) - start).days):
        msg = f"--days: the calendar ends {left:,} days after {start.isoformat()}; give fewer"
        raise click.UsageError(msg)
    return start + timedelta(days=days)


def workers_of(number: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    """Return the executor of a number of processes; none for one."""
    return ProcessPoolExecutor(number) if number > 1 else nullcontext()


@click.command()
@click.argument("journeys", nargs=-1, required=True, type=A_FILE)
@simulated
@html
@as_json
def simulate(
    journeys: tuple[Path, ...],
    *,
    html: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 those of a simulation
) -> None:
    """Run journey files over made-up people and see what would happen.

    People open, click and convert as the options say, or as a behavior file does. With --json, every figure is a row.
    """
    from journeyflow.simulation import simulate as run  # noqa: PLC0415 needed here alone

    bar = Bar()
    with numbers_checked(), workers_of(options["workers"]) as executor:
        defined = load_journeys(journeys)
        progress = partial(bar, "simulate")
        outcome = run(defined, **as_arguments(options, defined), executor=executor, progress=progress)
    bar.close()
    show(outcome.to_dicts(), reported(outcome, html), as_json=as_json)


def _behavior(path: Path | None, chances: Mapping[str, float | None], when: list[Any]) -> "Behavior":
    """Return what people do: by the options, or by a file."""
    from journeyflow.simulation import Behavior, loads_behavior  # noqa: PLC0415 needed here alone

    said: dict[str, Any] = {kind: chance for kind, chance in chances.items() if chance is not None}
    if path is None:
        return Behavior(**said, when=when)
    if said or when:
        raise InvalidInput([f"{path}: a behavior file holds all probabilities; leave the options for them out"])
    text = text_of(path)
    try:
        return loads_behavior(text)
    except InvalidInput as error:
        raise InvalidInput([f"{path}: {fault}" for fault in error.faults]) from error


COMMANDS = (simulate,)
