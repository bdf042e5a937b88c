"""Commands that ask about people: who is at a step, who is enrolled, and why."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import click

from journeyflow.basics.values import dumps
from journeyflow.basics.words import MESSAGE_KINDS
from journeyflow.cli.database import database, opened_database
from journeyflow.cli.shared import (
    Database,
    Faults,
    Instant,
    Take,
    after,
    as_json,
    instant_text,
    now_option,
    page_end,
    show,
    skip,
    take,
    tenant,
    text_table,
)
from journeyflow.errors import NotFound
from journeyflow.questions.paging import Page

Command = TypeVar("Command", bound=Callable[..., Any])


def page_options(order: str, orders: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of a list: its order, its page, and attributes to show."""

    def add(command: Command) -> Command:
        for option in (
            click.option("--field", "fields", multiple=True, help="Show an attribute of the customer; repeatable."),
            after,
            take,
            skip,
            click.option("--descending", is_flag=True, help="Sort in descending order."),
            click.option("--order", default=order, show_default=True, help=f"Sort by {orders}."),
        ):
            command = option(command)
        return command

    return add


def page_shown(page: Page[Any], header: Iterable[str], rows: Iterable[Iterable[object]], fields: Iterable[str]) -> str:
    """Return a page as a table, its place in the whole, and where the next one begins."""
    lines = [
        [*row, *("" if value is None else value for value in item.fields.values())]
        for row, item in zip(rows, page.items, strict=True)
    ]
    return f"{text_table(lines, [*header, *fields])}\n{page_end(page)}"


@click.command()
@database
@click.argument("journey", required=False)
@click.option("--status", multiple=True, help="ACTIVE, COMPLETED, EXITED, FAILED or HOLDOUT; repeatable.")
@click.option("--customer", help="Only this customer.")
@click.option("--key", help="Only runs with this key.")
@click.option("--step", help="Only those that rest at this step.")
@click.option("--version", type=int, help="Only those in this version.")
@page_options("entered", "entered, customer, due or ended")
@tenant
@as_json
def enrollments(db: Database, journey: str | None, tenant: str, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List enrollments: the runs of customers through journeys."""
    with opened_database(db, tenant) as engine:
        page = engine.enrollments(journey, **asked)
    header = ("journey", "customer", "run", "key", "status", "reason", "step", "entered", "ended", "due", "waits for")
    rows = [
        (
            each.journey,
            each.customer,
            each.run,
            each.key,
            each.status,
            each.reason,
            each.step or "",
            instant_text(each.entered_at),
            instant_text(each.ended_at),
            instant_text(each.due),
            each.awaits or "",
        )
        for each in page.items
    ]
    show(page, page_shown(page, header, rows, asked["fields"]), as_json=as_json)


@click.command()
@database
@click.argument("journey")
@click.argument("step")
@click.option("--now", is_flag=True, help="Only those who are there now.")
@click.option(
    "--did", multiple=True, metavar="KIND", help=f"Only those who did this: {', '.join(MESSAGE_KINDS)}; repeatable."
)
@click.option("--did-not", multiple=True, metavar="KIND", help="Only those who did not do this; repeatable.")
@click.option("--channel", help="Only what happened to messages by this channel.")
@click.option(
    "--any", "match", flag_value="any", default="all", help="One of these conditions is enough; default: all of them."
)
@page_options("customer", "customer, entered, left, stays or an attribute")
@tenant
@as_json
def people(db: Database, journey: str, step: str, tenant: str, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List who is or was at a step, and what they did with its messages."""
    with opened_database(db, tenant) as engine:
        page = engine.people(journey, step, **asked)
    header = ("customer", "run", "status", "outcome", "entered", "left", "stays", "did")
    rows = [
        (
            each.customer,
            each.run,
            each.status,
            each.outcome,
            instant_text(each.entered_at),
            instant_text(each.left_at),
            each.stays,
            _counted({kind: did.total for kind, did in each.did.items()}),
        )
        for each in page.items
    ]
    show(page, page_shown(page, header, rows, asked["fields"]), as_json=as_json)


def _counted(counts: Mapping[str, int]) -> str:
    """Return what was done, and how often if more than once.

    >>> _counted({"opened": 2, "clicked": 1})
    'opened 2x, clicked'
    """
    return ", ".join(kind if count == 1 else f"{kind} {count}x" for kind, count in counts.items())


@click.command()
@database
@click.argument("journey", required=False)
@click.option("--customer", help="Only this customer.")
@skip
@take
@after
@tenant
@as_json
def deferred(db: Database, journey: str | None, tenant: str, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List who waits for a slot of a journey's entry limits, in the order in which they will be let in."""
    with opened_database(db, tenant) as engine:
        page = engine.deferred(journey, **asked)
    header = ("journey", "customer", "key", "since", "data")
    rows = [
        (each.journey, each.customer, each.key, instant_text(each.at), dumps(dict(each.data)) if each.data else "")
        for each in page.items
    ]
    show(page, f"{text_table(rows, header)}\n{page_end(page)}", as_json=as_json)


@click.command()
@database
@click.argument("journey", required=False)
@tenant
@as_json
def refusals(db: Database, journey: str | None, tenant: str, *, as_json: bool) -> None:
    """Count the entries that journeys have refused, by reason."""
    with opened_database(db, tenant) as engine:
        found = engine.refusals(journey)
    rows = [(each.journey, each.reason, each.count, each.customers) for each in found]
    show(found, text_table(rows, ("journey", "reason", "refusals", "last of customers")), as_json=as_json)


@click.command()
@database
@click.argument("journey", required=False)
@click.option("--reason", help="Only those refused for this reason.")
@click.option("--customer", help="Only this customer.")
@skip
@take
@after
@tenant
@as_json
def refused(db: Database, journey: str | None, tenant: str, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List who was refused, each with the last refusal by a journey, the newest first."""
    with opened_database(db, tenant) as engine:
        page = engine.refused(journey, **asked)
    rows = [
        (each.journey, each.customer, each.reason, instant_text(each.at), dumps(dict(each.seen)) if each.seen else "")
        for each in page
    ]
    header = ("journey", "customer", "reason", "at", "compared")
    show(page, f"{text_table(rows, header)}\n{page_end(page)}", as_json=as_json)


@click.command("why-not")
@database
@click.argument("journey")
@click.argument("customer")
@now_option()
@tenant
@as_json
def why_not(db: Database, journey: str, customer: str, at: datetime, tenant: str, *, as_json: bool) -> None:
    """Explain why a customer did not enter a journey, and whether the same event would enter them now."""
    with opened_database(db, tenant) as engine:
        found = engine.why_not(journey, customer, at=at)
    show(found, str(found), as_json=as_json)


@click.command()
@database
@click.argument("customer")
@click.option("--since", type=Instant(), help="From this instant on, ISO 8601.")
@click.option("--until", type=Instant(), help="Up to this instant, ISO 8601.")
@click.option(
    "--take", type=Take(), default=1_000, show_default=True, help="Show at most this many moments, the newest, or all."
)
@tenant
@as_json
def timeline(db: Database, customer: str, tenant: str, *, as_json: bool, **window: Any) -> None:  # noqa: ANN401 click passes them by name
    """Show what happened to a customer, across all journeys."""
    with opened_database(db, tenant) as engine:
        found = engine.timeline(customer, **window)
    show(found, str(found), as_json=as_json)


@click.command("at")
@database
@click.argument("journey")
@click.argument("customer")
@click.argument("instant", type=Instant())
@click.option("--run", type=int, help="The run; default: the newest of that time.")
@click.option("--key", help="The key, in a journey with parallel runs; default: any.")
@tenant
@as_json
def stood_at(  # noqa: PLR0917 click passes them by name
    db: Database,
    journey: str,
    customer: str,
    instant: datetime,
    run: int | None,
    key: str | None,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Show how a run stood at an instant: status, step and visits."""
    with opened_database(db, tenant) as engine:
        found = engine.at(journey, customer, instant=instant, run=run, key=key)
    why = f" ({found.reason})" if found.reason else ""
    where = f", at {found.step}" if found.step else ""
    rows = [
        (visit.n, visit.step, visit.status, visit.outcome, instant_text(visit.entered_at), instant_text(visit.left_at))
        for visit in found.visits
    ]
    head = f"{found.customer} in {found.journey}, run {found.run}: {found.status}{why}{where}"
    text = f"{head}\n{text_table(rows, ('n', 'step', 'status', 'outcome', 'entered', 'left'))}"
    show(found, text, as_json=as_json)


@click.command("unreadable")
@database
@skip
@take
@after
@tenant
@as_json
def list_unreadable(db: Database, tenant: str, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 click passes them by name
    """List what journeys read as dates or time zones in attributes and events, and what is neither."""
    with opened_database(db, tenant) as engine:
        page = engine.unreadable(**asked)
    rows = [(each.customer, each.attribute, dumps(each.value)) for each in page]
    show(page, f"{text_table(rows, ('customer', 'attribute', 'value'))}\n{page_end(page)}", as_json=as_json)


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
    with opened_database(db, tenant) as engine:
        try:
            found = engine.explain(journey, customer, run=run, key=key)
        except NotFound as error:
            if error.kind != "enrollment":
                raise
            what = f"{error}; why-not says what prevents one"
            raise Faults(what) from error
    show(found, str(found), as_json=as_json)


COMMANDS = (enrollments, people, deferred, list_unreadable, refusals, refused, explain, why_not, timeline, stood_at)
