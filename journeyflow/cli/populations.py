"""Who takes part in a simulation and when they come, as options of the shell."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from journeyflow.cli.shared import source_of
from journeyflow.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from journeyflow.formats.files import FileKeywords, Source
    from journeyflow.simulation import Arrivals, Population

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PROFILE: Final = ("weekdays", "hours", "hours_in")
"""The options of people who come at random."""

OWN: Final = "customer"
"""What --hours-in says where everybody comes at hours of their own zone."""


def _value(text: str) -> object:
    """Return a number, true, false or null where a text is one, else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(found, dict | list | str) else found


def pairs(text: str, between: str, what: str) -> dict[str, str]:
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


def read_number(text: str, example: str = "0.5") -> float:
    """Return a number; ValueError says what is none."""
    with suppress(ValueError):
        if isfinite(found := float(text)):
            return found
    msg = f"{text!r} is not a number, such as in {example}" if text else f"a number is missing, such as in {example}"
    raise ValueError(msg)


def _day(text: str) -> date:
    """Return a day; ValueError says what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is not a day such as 1960-01-01"
        raise ValueError(msg) from None


def _distribution(text: str) -> object:
    """Return the values of an attribute."""
    from journeyflow.simulation import Choice, Dates, LogNormal, Normal, Uniform  # noqa: PLC0415 needed here alone

    known: Mapping[str, Callable[[str, str], object]] = {
        "uniform": lambda low, high: Uniform(read_number(low), read_number(high), whole=True),
        "normal": lambda mean, deviation: Normal(read_number(mean), read_number(deviation), whole=True),
        "lognormal": lambda median, spread: LogNormal(read_number(median), read_number(spread), whole=True),
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
    return Choice({_value(name): read_number(weight) for name, weight in pairs(text, ":", "VALUE:WEIGHT").items()})


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
            return Arrivals.poisson(read_number(rest, "daily:40"))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    msg = f"{text!r} is none of once, once:LENGTH, evenly, evenly:LENGTH, daily:NUMBER"
    raise click.BadParameter(msg)


def _weekday(name: str) -> int:
    """Return the place of a weekday."""
    short = name.strip().lower()
    if short not in DAYS:
        msg = f"{name!r} is not a weekday{did_you_mean(short, DAYS)}; the weekdays are {', '.join(DAYS)}"
        raise ValueError(msg)
    return DAYS.index(short)


def _weekdays(span: str) -> Sequence[int]:
    """Return the places of the weekdays of a span such as mon-fri, or of one."""
    first, sign, last = span.partition("-")
    begin, end = _weekday(first), _weekday(last if sign else first)
    if end < begin:
        msg = f"{span!r} goes backward: the week begins with mon; write two spans"
        raise ValueError(msg)
    return range(begin, end + 1)


def _hours(span: str) -> Sequence[int]:
    """Return the hours of a span such as 8-20, which ends at 20:00, or one hour."""
    first, sign, last = span.partition("-")
    if not (first.isdecimal() and (not sign or last.isdecimal())):
        msg = f"{span!r} is neither an hour nor a span of hours such as 8-20"
        raise ValueError(msg)
    begin = int(first)
    end = int(last) if sign else begin + 1
    if not begin < end <= 24:  # noqa: PLR2004 hours of a day
        msg = f"{span!r}: hours go from 0 to 24, the later one last; write a night as two spans, 20-24 and 0-6"
        raise ValueError(msg)
    return range(begin, end)


def _weights(read: Callable[[str], Sequence[int]], count: int, example: str) -> Callable[..., list[float] | None]:
    """Return a callback that reads spans with weights, such as mon-fri:1,sat:0.4; what is left out weighs 0."""

    def weights(_context: click.Context, _option: click.Parameter, text: str | None) -> list[float] | None:
        if text is None:
            return None
        found: dict[int, float] = {}
        for span, weight in pairs(text, ":", f"SPAN:WEIGHT such as {example}").items():
            try:
                places, share = read(span), read_number(weight, example)
            except ValueError as error:
                raise click.BadParameter(str(error)) from error
            if found.keys() & {*places}:
                msg = f"{span!r} overlaps with an earlier span"
                raise click.BadParameter(msg)
            found |= dict.fromkeys(places, share)
        return [found.get(place, 0.0) for place in range(count)]

    return weights


TAKING_PART: Final = (
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
        help="When they come: once, evenly, evenly:5 days, or daily:40 at random, where chance decides how many come.",
    ),
    click.option(
        "--weekdays",
        metavar="SPAN:WEIGHT,...",
        callback=_weights(_weekdays, 7, "mon-fri:1,sat:0.4"),
        help="At random, on which weekdays: mon-fri:1,sat:0.4; no customers come on the others.",
    ),
    click.option(
        "--hours",
        metavar="SPAN:WEIGHT,...",
        callback=_weights(_hours, 24, "8-18:1,18-22:3"),
        help="At random, at which hours: 8-18:1,18-22:3 until ten in the evening; no customers come at the others.",
    ),
    click.option(
        "--hours-in",
        metavar="ZONE",
        help="The zone of weekdays and hours, such as Europe/Paris, or 'customer': that of each customer's attribute "
        "timezone; default: UTC.",
    ),
)
"""The options that say who takes part, and when they come."""


def population_of(options: Mapping[str, Any]) -> "Population":
    """Return the people that the options of `TAKING_PART` describe: made up, or those of a file."""
    from journeyflow.simulation import Population  # noqa: PLC0415 needed here alone

    customers, attributes, arrivals = options["customers"], options["attributes"], _arrivals_of(options)
    size = customers.removeprefix("-")
    if size.isascii() and size.isdigit():
        if int(customers) < 1:
            msg = f"--customers: {customers} is too few; give a number of 1 or more, or a customer file"
            raise click.UsageError(msg)
        return Population(size=int(customers), attributes=attributes, arrivals=arrivals)
    if attributes:
        raise InvalidInput(["--attribute: the people of a file have attributes of their own"])
    return Population.from_file(customer_file(customers), arrivals, **file_keywords(options))


def customer_file(name: str) -> "Source":
    """Return the file that --customers names; raises a usage error if it is not there."""
    if name != "-" and not Path(name).exists():
        msg = f"--customers: {name!r} is neither a number nor a file that is there"
        raise click.UsageError(msg)
    return source_of(Path(name))


def file_keywords(options: Mapping[str, Any]) -> "FileKeywords":
    """Return the options that say how files are read."""
    from journeyflow.formats.files import FileKeywords as Keywords  # noqa: PLC0415 needed here alone

    return cast("FileKeywords", {name: options[name] for name in Keywords.__annotations__ if name in options})


def _arrivals_of(options: Mapping[str, Any]) -> "Arrivals":
    """Return when people come, by the options that say so; raises UsageError for what does not go together."""
    from journeyflow.simulation import Arrivals  # noqa: PLC0415 needed here alone

    arrivals: Arrivals = options["arrivals"]
    said = ", ".join(f"--{name.replace('_', '-')}" for name in PROFILE if options[name] is not None)
    if not said:
        return arrivals
    if arrivals.kind != "poisson":
        msg = f"{said}: only people who come at random have weekdays and hours; use --arrivals daily:40"
        raise click.UsageError(msg)
    own = options["hours_in"] == OWN
    try:
        return Arrivals.poisson(
            arrivals.per_day,
            weekdays=options["weekdays"],
            hours=options["hours"],
            timezone="UTC" if own or options["hours_in"] is None else options["hours_in"],
            customer_timezone=own,
        )
    except ValueError as error:
        msg = f"{said}: {error}"
        raise click.UsageError(msg) from error
