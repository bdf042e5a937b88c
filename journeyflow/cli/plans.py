"""Commands that look ahead: what an experiment needs, shows and costs, and what a change does."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from journeyflow.cli.populations import customer_file, file_keywords
from journeyflow.cli.reports import html, reported
from journeyflow.cli.shared import (
    A_FILE,
    Bar,
    Number,
    as_json,
    load_journey,
    load_journeys,
    load_policies,
    numbers_checked,
    show,
    source_of,
    text_table,
)
from journeyflow.cli.simulations import as_arguments, simulated, workers_of


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
@click.argument("journey", required=False, type=A_FILE)
@click.option("--step", help="The Split of the journey that is planned; default: its holdout.")
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="LABEL=PERCENTAGE",
    callback=_arms,
    help="A group, where there is no journey file; may be repeated. Default: A=50 and B=50.",
)
@click.option("--rate", type=Number(), required=True, help="The share of the first group that converts, such as 0.1.")
@click.option("--difference", type=Number(), required=True, help="What the others convert more, such as 0.02.")
@click.option("--people", type=int, help="How many people take part; default: as many as --power needs.")
@click.option("--per-day", type=Number(), help="How many people come a day.")
@click.option("--days", type=Number(), help="How many days people are let in; with --per-day, instead of --people.")
@click.option(
    "--within", help='How long the last one has to reach the goal, such as "7 days"; default: as the journey.'
)
@click.option("--power", "wanted", default=0.8, show_default=True, help="The probability of finding the difference.")
@click.option("--confidence", default=0.95, show_default=True, help="The confidence of the intervals.")
@html
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
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Plan an experiment: how many people and days it needs until a difference shows, and what it costs.

    With --people, or --per-day and --days: what this many people show. The decision is that of the results command.
    """
    from journeyflow import analysis  # noqa: PLC0415 needed here alone

    if days is not None:
        if per_day is None or people is not None:
            msg = "--days goes with --per-day, and without --people"
            raise click.UsageError(msg)
        people = round(min(per_day * days, sys.maxsize))  # too many are refused as other numbers are
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
    text = text_table(rows, ("group", "share", "people", "rate", "power"))
    show(plan, reported(plan, html, "\n".join((text, "", *plan.sentences))), as_json=as_json)


@click.command()
@click.argument("before", type=A_FILE)
@click.argument("after", required=False, type=A_FILE)
@click.option("--with", "beside", multiple=True, type=A_FILE, help="A journey file on both sides; may be repeated.")
@click.option("--after-policies", type=A_FILE, help="A policy file for the side of the change; default: --policies.")
@click.option("--events", type=A_FILE, help="Back-test on these events (CSV, NDJSON, JSON), instead of a simulation.")
@click.option("--confidence", default=0.95, show_default=True, help="The confidence of the intervals.")
@simulated
@html
@as_json
def compare(  # noqa: PLR0917 click passes them by name
    before: Path,
    after: Path | None,
    beside: tuple[Path, ...],
    after_policies: Path | None,
    events: Path | None,
    confidence: float,
    *,
    html: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 those of a simulation
) -> None:
    """Compare two versions of a journey, or two policies, by the same people, and see who gets something else.

    BEFORE is the journey file of today, AFTER that of the change; without it, only the policies change. Both sides are
    simulated, with the same luck for every customer; with --events, the events of the past are played on both.
    """
    from journeyflow.analysis import compare as run  # noqa: PLC0415 needed here alone

    if after is None and after_policies is None:
        msg = "nothing differs: give the journey file of the change, or --after-policies"
        raise click.UsageError(msg)
    bar = Bar()
    with numbers_checked(), workers_of(options["workers"]) as executor:
        today, *changed = load_journeys([before] if after is None else [before, after])
        shared = load_journeys(beside)
        changing = [] if after_policies is None else [load_policies(after_policies)]
        how = _past(events, options) if events is not None else as_arguments(options, [today, *changed, *shared])
        found = run(
            today,
            [*(changed or [today]), *changing],
            journeys=shared,
            confidence=confidence,
            executor=executor,
            progress=partial(bar, "compare"),
            **how,
        )
    bar.close()
    value = {"customers": found.customers, "changed": found.changed, "rows": found.to_dicts()}
    show(value, reported(found, html), as_json=as_json)


def _past(events: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a back-test; a number of customers is for simulations."""
    customers, policies = options["customers"], options["policy_file"]
    return {
        "events": source_of(events),
        "customers": None if customers.isascii() and customers.isdigit() else customer_file(customers),
        "until": options["until"],
        "policies": None if policies is None else load_policies(policies),
        **file_keywords(options),
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


COMMANDS = (power, compare)
