"""Simulations from the shell: journeys over made-up people."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from journeyflow.cli.output import echo
from journeyflow.cli.reports import replaceable, write_page
from journeyflow.cli.shared import (
    INPUT,
    Bar,
    Instant,
    NoText,
    NumberRange,
    Whole,
    as_json,
    faults_shown,
    load_journeys,
    load_policies,
    now,
    reading,
    source_of,
    text_of,
    to_json,
)
from journeyflow.errors import InvalidInput

if TYPE_CHECKING:
    from journeyflow.definition.journey import Journey
    from journeyflow.formats.files import FileKeywords, Source
    from journeyflow.simulation import Arrivals, Behavior, Population

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


def _value(text: str) -> object:
    """Return a number, true, false or null where a text is one, else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(found, dict | list | str) else found


def _pairs(text: str, between: str, what: str) -> dict[str, str]:
    """Read parts such as a:1,b:2; raises BadParameter for a part without a sign or that is there twice."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, sign, value = part.rpartition(between)
        if not sign or not name or name in found:
            msg = f"{part!r} must be {what}, each once"
            raise click.BadParameter(msg)
        found[name] = value
    return found


def _attributes(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, object]:
    """Read --attribute: a value, weighted values, or a distribution with its numbers."""
    found: dict[str, object] = {}
    for text in given:
        name, sign, said = text.partition("=")
        if not sign or not name or not said or name in found:
            msg = f"{text!r} must be NAME=VALUES, each name once, such as plan=free:0.8,pro:0.2"
            raise click.BadParameter(msg)
        try:
            found[name] = _distribution(said)
        except ValueError as error:
            msg = f"{text!r}: {error}"
            raise click.BadParameter(msg) from error
    return found


EXAMPLES = {
    "uniform": "uniform:18,80",
    "normal": "normal:40,12",
    "lognormal": "lognormal:2000,0.5",
    "dates": "dates:1960-01-01,2005-12-31",
}
"""The distributions of --attribute, each as it is written."""


def _number(text: str, example: str = "0.5") -> float:
    """Return a number; ValueError says what is none."""
    try:
        return float(text)
    except ValueError:
        msg = f"{text!r} is no number, such as in {example}" if text else f"a number is missing, such as in {example}"
        raise ValueError(msg) from None


def _day(text: str) -> date:
    """Return a day; ValueError says what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no day such as 1960-01-01"
        raise ValueError(msg) from None


def _distribution(text: str) -> object:
    """Return the values of an attribute."""
    from journeyflow.simulation import Choice, Dates, LogNormal, Normal, Uniform  # noqa: PLC0415 needed here alone

    known: Mapping[str, Callable[[str, str], object]] = {
        "uniform": lambda low, high: Uniform(_number(low), _number(high), whole=True),
        "normal": lambda mean, deviation: Normal(_number(mean), _number(deviation), whole=True),
        "lognormal": lambda median, spread: LogNormal(_number(median), _number(spread), whole=True),
        "dates": lambda first, last: Dates(_day(first), _day(last)),
    }
    kind, _, rest = text.partition(":")
    if kind in known:
        first, sign, second = rest.partition(",")
        if not sign:
            msg = f"{kind} takes two values, such as {EXAMPLES[kind]}"
            raise ValueError(msg)
        return known[kind](first, second)
    if ":" not in text and "," in text:
        return Choice([_value(each) for each in text.split(",")])
    if ":" not in text:
        return _value(text)
    return Choice({_value(name): _number(weight) for name, weight in _pairs(text, ":", "VALUE:WEIGHT").items()})


def _arrivals(_context: click.Context, _option: click.Parameter, text: str) -> "Arrivals":
    """Read --arrivals."""
    from journeyflow.simulation import Arrivals  # noqa: PLC0415 needed here alone

    kind, _, rest = text.partition(":")
    try:
        if kind == "once":
            return Arrivals.at_once(rest or "0 minutes")
        if kind == "evenly":
            return Arrivals.evenly(rest or None)
        if kind == "daily":
            return Arrivals.poisson(_number(rest, "daily:40"))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    msg = f"{text!r} is none of once, once:LENGTH, evenly, evenly:LENGTH, daily:NUMBER"
    raise click.BadParameter(msg)


def _arm(text: str) -> tuple[str, str]:
    split, sign, label = text.rpartition("/")
    if not sign:
        msg = "arm is written SPLIT/LABEL"
        raise ValueError(msg)
    return split, label


_READ: Mapping[str, Callable[[str], Any]] = {**dict.fromkeys(PLACES, str), "arm": _arm}
"""How the parts of an exception are read that are no probabilities."""


def _exceptions(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[Any]:
    """Read --when: what the messages have in common, and other probabilities."""
    from journeyflow.simulation import When  # noqa: PLC0415 needed here alone

    found = []
    for text in given:
        said = _pairs(text, "=", "NAME=VALUE")
        if unknown := [name for name in said if name not in {*KINDS, *PLACES}]:
            msg = f"{text!r}: unknown {', '.join(map(repr, unknown))}; known are {', '.join((*PLACES, *KINDS))}"
            raise click.BadParameter(msg)
        try:
            found.append(When(**{name: _READ.get(name, _number)(value) for name, value in said.items()}))
        except ValueError as error:
            msg = f"{text!r}: {error}"
            raise click.BadParameter(msg) from error
    return found


SIMULATED = (
    click.option(
        "--customers",
        default="1000",
        show_default=True,
        help="How many people, or a customer file (CSV, NDJSON, JSON).",
    ),
    click.option(
        "--attribute",
        "attributes",
        multiple=True,
        metavar="NAME=VALUES",
        callback=_attributes,
        help="An attribute of made-up people: a value; values with weights, plan=free:0.8,pro:0.2; or "
        "age=normal:40,12, uniform:18,80, lognormal:2000,0.5, born=dates:1960-01-01,2005-12-31; may be repeated.",
    ),
    click.option(
        "--arrivals",
        default="once",
        show_default=True,
        callback=_arrivals,
        metavar="WHEN",
        help="When they come: once, evenly, evenly:5 days, or daily:40 at random.",
    ),
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
        "--behavior", "behavior_file", type=INPUT, help="A behavior file (JSON), instead of the probabilities."
    ),
    click.option("--policies", "policy_file", type=INPUT, help="A policy file: caps and quiet hours."),
    click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same outcome."),
    click.option(
        "--replications",
        type=Whole(1),
        default=1,
        show_default=True,
        help="Repeat with so many seeds; figures then have a band.",
    ),
    click.option("--workers", type=Whole(1), default=1, show_default=True, help="How many processes work."),
    reading,
)
"""How a simulation is described: the options of all commands that run one."""


def simulated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with the options of `SIMULATED`."""
    for option in reversed(SIMULATED):
        command = option(command)
    return command


def described(options: Mapping[str, Any], journeys: "Sequence[Journey]") -> dict[str, Any]:
    """Return the arguments of `simulate` that the options of `SIMULATED` describe, but for journeys and workers."""
    from journeyflow.simulation.naming import unknown_names  # noqa: PLC0415 needed here alone

    behavior = _behavior(options["behavior_file"], {kind: options[kind] for kind in KINDS}, options["when"])
    if faults := unknown_names(behavior, journeys):
        raise InvalidInput(faults)
    start = options["start"] or now().replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "population": _population(
            options["customers"], options["attributes"], options["arrivals"], file_keywords(options)
        ),
        "start": start,
        "until": options["until"] or start + timedelta(days=options["days"]),
        "behavior": behavior,
        "policies": None if options["policy_file"] is None else load_policies(options["policy_file"]),
        "seed": options["seed"],
        "replications": options["replications"],
    }


def file_keywords(options: Mapping[str, Any]) -> "FileKeywords":
    """Return the options that say how files are read."""
    from journeyflow.formats.files import FileKeywords as Keywords  # noqa: PLC0415 needed here alone

    return cast("FileKeywords", {name: options[name] for name in Keywords.__annotations__ if name in options})


def workers_of(number: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    """Return so many processes; none for one."""
    return ProcessPoolExecutor(number) if number > 1 else nullcontext()


@click.command()
@click.argument("journeys", nargs=-1, required=True, type=INPUT)
@simulated
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with pictures there.")
@as_json
def simulate(
    journeys: tuple[Path, ...],
    *,
    html: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 those of a simulation
) -> None:
    """Run journey files over made-up people and see what would come of them.

    People open, click and convert as the options say, or as a behavior file does. With --json, every figure is a row.
    """
    from journeyflow.simulation import outcome_page  # noqa: PLC0415 needed here alone
    from journeyflow.simulation import simulate as run  # noqa: PLC0415 likewise

    page = None if html is None else replaceable(html)
    bar = Bar()
    with faults_shown(), workers_of(options["workers"]) as executor:
        defined = load_journeys(journeys)
        progress = partial(bar, "simulate")
        outcome = run(defined, **described(options, defined), executor=executor, progress=progress)
    bar.close()
    if page is not None:
        write_page(page, outcome_page(outcome).to_html())
    echo(json.dumps(to_json(outcome.to_dicts()), ensure_ascii=False, indent=2) if as_json else outcome.report())


def _population(
    customers: str, attributes: dict[str, object], arrivals: "Arrivals", options: "FileKeywords"
) -> "Population":
    """Return the people: made up, or those of a file."""
    from journeyflow.simulation import Population  # noqa: PLC0415 needed here alone

    size = customers.removeprefix("-")
    if size.isascii() and size.isdigit():
        if int(customers) < 1:
            msg = f"--customers: {customers} people are nobody; give a number of 1 or more, or a customer file"
            raise click.UsageError(msg)
        return Population(size=int(customers), attributes=attributes, arrivals=arrivals)
    if attributes:
        raise InvalidInput(["--attribute: the people of a file have attributes of their own"])
    return Population.from_file(customer_file(customers), arrivals, **options)


def customer_file(name: str) -> "Source":
    """Return the file that --customers names; raises a usage error if it is not there."""
    if name != "-" and not Path(name).exists():
        msg = f"--customers: {name!r} is neither a number nor a file that is there"
        raise click.UsageError(msg)
    return source_of(Path(name))


def _behavior(path: Path | None, chances: Mapping[str, float | None], when: list[Any]) -> "Behavior":
    """Return what people do: by the options, or by a file."""
    from journeyflow.simulation import Behavior, loads_behavior  # noqa: PLC0415 needed here alone

    said: dict[str, Any] = {kind: chance for kind, chance in chances.items() if chance is not None}
    if path is None:
        return Behavior(**said, when=when)
    if said or when:
        raise InvalidInput([f"{path}: a behavior file holds all probabilities; leave the options for them out"])
    try:
        return loads_behavior(text_of(path))
    except NoText as error:
        raise InvalidInput([f"{path}: {error}"]) from error
    except InvalidInput as error:
        raise InvalidInput([f"{path}: {fault}" for fault in error.faults]) from error


COMMANDS = (simulate,)
