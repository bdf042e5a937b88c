"""Commands that look ahead: what an experiment needs, shows and costs, and what a change does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from journeyflow.cli.database import opened as opened_db
from journeyflow.cli.forecasts import InstantOrLength
from journeyflow.cli.shared import (
    EXISTING,
    INPUT,
    Bar,
    Instant,
    as_json,
    load_journey,
    load_journeys,
    load_policies,
    numbers_checked,
    reading,
    show,
    source_of,
    table,
)
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.formats.files import FileKeywords

if TYPE_CHECKING:
    from journeyflow.simulation import Behavior


def _arms(_context: click.Context, _option: click.Parameter, pairs: Sequence[str]) -> dict[str, float]:
    """Read the pairs of --arm."""
    found: dict[str, float] = {}
    for pair in pairs:
        label, _, share = pair.rpartition("=")
        try:
            found[label] = float(share)
        except ValueError as error:
            msg = f"{pair!r} must be LABEL=PERCENTAGE, such as B=20"
            raise click.BadParameter(msg) from error
    return found


@click.command()
@click.argument("journey", required=False, type=INPUT)
@click.option("--step", help="The Split of the journey that is planned; default: its holdout.")
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="LABEL=PERCENTAGE",
    callback=_arms,
    help="A group, where there is no journey file; may be repeated. Default: A=50 and B=50.",
)
@click.option("--rate", type=float, required=True, help="The share of the first group that converts, such as 0.1.")
@click.option("--difference", type=float, required=True, help="What the others convert more, such as 0.02.")
@click.option("--people", type=int, help="How many people take part; default: as many as --power needs.")
@click.option("--per-day", type=float, help="How many people come a day.")
@click.option("--days", type=float, help="How many days people are let in; with --per-day, instead of --people.")
@click.option(
    "--within", help='How long the last one has to reach the goal, such as "7 days"; default: as the journey.'
)
@click.option("--power", "wanted", default=0.8, show_default=True, help="The probability of finding the difference.")
@click.option("--confidence", default=0.95, show_default=True, help="The confidence of the intervals.")
@as_json
def power(  # noqa: PLR0917 click passes them by name
    journey: Path | None,
    step: str | None,
    arms: Mapping[str, float],
    rate: float,
    difference: float,
    people: int | None,
    per_day: float | None,
    days: float | None,
    within: str | None,
    wanted: float,
    confidence: float,
    *,
    as_json: bool,
) -> None:
    """Plan an experiment: how many people and days it needs until a difference shows, and what it costs.

    With --people, or --per-day and --days: what so many people show. The decision is that of the results command.
    """
    from journeyflow import analysis  # noqa: PLC0415 needed here alone

    if days is not None:
        if per_day is None or people is not None:
            msg = "--days goes with --per-day, and without --people"
            raise click.UsageError(msg)
        people = round(per_day * days)
    if journey is not None and arms:
        msg = "--arm is for plans without a journey file; name its Split by --step"
        raise click.UsageError(msg)
    with numbers_checked():
        what = load_journey(journey) if journey else arms or {"A": 50, "B": 50}
        if people is None:
            plan = analysis.sample_size(
                what, rate=rate, difference=difference, power=wanted, confidence=confidence, step=step,
                arrivals=per_day, within=within,
            )  # fmt: skip
        else:
            plan = analysis.power(
                what, people=people, rate=rate, difference=difference, confidence=confidence, step=step,
                arrivals=per_day, within=within,
            )  # fmt: skip
    rows = [
        (each.label, f"{each.percentage:g}%", each.people, f"{each.rate:.2%}", _percent(each.power))
        for each in plan.groups
    ]
    text = table(rows, ("group", "share", "people", "rate", "power"))
    show(plan, "\n".join((text, "", *plan.sentences)), as_json=as_json)


@click.command()
@click.argument("before", type=INPUT)
@click.argument("after", required=False, type=INPUT)
@click.option("--with", "beside", multiple=True, type=INPUT, help="A journey file on both sides; may be repeated.")
@click.option("--policies", type=INPUT, help="A policy file for both sides.")
@click.option("--after-policies", type=INPUT, help="A policy file for the side of the change alone.")
@click.option("--events", type=INPUT, help="Back-test both on these events: CSV, NDJSON or JSON.")
@click.option("--customers", type=INPUT, help="With --events: CSV, NDJSON or JSON of customers and attributes.")
@click.option("--people", type=int, help="Simulate both with so many people.")
@click.option("--start", type=Instant(), help="With --people: when the simulation begins.")
@click.option(
    "--until", type=InstantOrLength(), help='The end: an instant or, with --people, a length such as "30 days".'
)
@click.option("--over", help="With --people: come evenly over this length of time; default: all at once.")
@click.option("--fit", type=EXISTING, help="With --people: behave as people did in this database.")
@click.option("--opened", type=float, help="With --people: the share of messages that are opened.")
@click.option("--clicked", type=float, help="With --people: the share of messages that are clicked.")
@click.option("--converted", type=float, help="With --people: the share of messages that lead to the goal.")
@click.option("--seed", default=1, show_default=True, help="The seed of the first replication.")
@click.option("--replications", default=1, show_default=True, help="How often it is simulated.")
@click.option("--confidence", default=0.95, show_default=True, help="The confidence of the intervals.")
@reading
@as_json
def compare(  # noqa: PLR0917 click passes them by name
    before: Path,
    after: Path | None,
    beside: tuple[Path, ...],
    policies: Path | None,
    after_policies: Path | None,
    events: Path | None,
    customers: Path | None,
    people: int | None,
    start: datetime | None,
    until: datetime | str | None,
    over: str | None,
    fit: Path | None,
    opened: float | None,
    clicked: float | None,
    converted: float | None,
    seed: int,
    replications: int,
    confidence: float,
    *,
    as_json: bool,
    **options: Unpack[FileKeywords],
) -> None:
    """Compare two versions of a journey, or two policies, by the same people, and see who gets something else.

    BEFORE is the journey file of today, AFTER that of the change; without it, only the policies change. With --events
    the events of the past are played on both sides, with --people both are simulated, with the same luck for everybody.
    """
    from journeyflow.analysis import compare as run  # noqa: PLC0415 needed here alone
    from journeyflow.simulation import Arrivals, Population  # noqa: PLC0415 needed here alone

    files = [str(each) for each in (before, after, *beside, policies, after_policies, events, customers)]
    if files.count("-") > 1:
        msg = "only one file can be standard input"
        raise click.UsageError(msg)
    bar = Bar()
    with numbers_checked():
        today, *changed = load_journeys([before] if after is None else [before, after])
        shared = None if policies is None else load_policies(policies)
        changing = [] if after_policies is None else [load_policies(after_policies)]
        arrivals = Arrivals.at_once() if over is None else Arrivals.evenly(over)
        found = run(
            today,
            [*(changed or [today]), *changing],
            journeys=load_journeys(beside),
            policies=shared,
            population=None if people is None else Population(size=people, arrivals=arrivals),
            start=start,
            until=until,
            behavior=_behavior(fit, opened=opened, clicked=clicked, converted=converted),
            seed=seed,
            replications=replications,
            events=events and source_of(events),
            customers=customers and source_of(customers),
            confidence=confidence,
            progress=lambda done, of: bar("compare", done, of),
            **options,
        )
    bar.close()
    value = {"customers": found.customers, "changed": found.changed, "rows": found.to_dicts()}
    show(value, found.report(), as_json=as_json)


def _behavior(fit: Path | None, **shares: float | None) -> "Behavior":
    """Return what people do: as they did in a database, or by shares of all messages."""
    from journeyflow.simulation import Behavior as Doing  # noqa: PLC0415 needed here alone

    if fit is None:
        return Doing(**shares)  # type: ignore[arg-type]  # mypy does not know which keys
    if any(share is not None for share in shares.values()):
        msg = "--fit says how often people open, click and convert; leave out --opened, --clicked and --converted"
        raise click.UsageError(msg)
    with opened_db(fit, DEFAULT_TENANT) as engine:
        return Doing.fit(engine).behavior


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


COMMANDS = (power, compare)
