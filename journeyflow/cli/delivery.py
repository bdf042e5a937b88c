"""Commands that hand messages to scripts, take their answers, and retry failed runs."""

from datetime import datetime

import click
from attrs import evolve

from journeyflow.basics.showing import counted
from journeyflow.basics.words import SENT
from journeyflow.cli.channels import warn_of_channels
from journeyflow.cli.database import database, opened_database
from journeyflow.cli.output import Unwritten
from journeyflow.cli.shared import (
    Database,
    Faults,
    Whole,
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
from journeyflow.questions.paging import Cursor
from journeyflow.records.public import Event, Message


def _engaged(message: Message) -> str:
    """Return how often what happened to a message."""
    return ", ".join(f"{kind} {each.total}" for kind, each in message.engagement.items())


@click.command()
@database
@click.argument("worker")
@click.option("--channel", "channels", multiple=True, help="Only this channel; repeatable.")
@click.option("--limit", default=100, show_default=True, type=Whole(min=1), help="Claim at most this many.")
@click.option("--lease", default="5 minutes", show_default=True, help="How long the worker has to answer.")
@now_option()
@tenant
@as_json
def claim(  # noqa: PLR0917 click passes them by name
    db: Database,
    worker: str,
    channels: tuple[str, ...],
    limit: int,
    lease: str,
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Lease messages to a worker; answer each with ack or nack before its lease ends."""
    with opened_database(db, tenant) as engine:
        try:
            claimed = engine.claim(worker, at=at, channels=channels or None, limit=limit, lease=lease)
        except ValueError as error:
            raise Faults(str(error)) from error
        if not claimed:
            warn_of_channels(engine, channels)
        header = ("message", "token", "customer", "channel", "template", "attempts", "lease until")
        rows = [
            (m.id, m.token, m.customer, m.channel, m.template, m.attempts, instant_text(m.lease_until)) for m in claimed
        ]
        try:
            show(claimed, text_table(rows, header), as_json=as_json)
        except BaseException as error:  # the caller has not got them
            engine.release(claimed)
            if isinstance(error, Unwritten):
                what = f"nothing is claimed, because the output could not be written: {error.error}"
                raise Faults(what) from error
            raise


@click.command()
@database
@click.argument("messages", nargs=-1, required=True)
@now_option()
@tenant
@as_json
def ack(db: Database, messages: tuple[str, ...], at: datetime, tenant: str, *, as_json: bool) -> None:
    """Record by their ids that messages went out; the next tick makes them SENT."""
    with opened_database(db, tenant) as engine:
        found = [engine.message(message) for message in messages]  # a typo fails now, instead of being unmatched later
        engine.ack(messages, at=at)
    done = [each.id for each in found if each.status == SENT]
    said = f"{len(messages) - len(done)} to be SENT by the next tick"
    said += f"; SENT already: {', '.join(done)}" if done else ""
    show({"taken": len(messages), "sent_already": done}, said, as_json=as_json)


@click.command()
@database
@click.argument("message")
@click.argument("token")
@click.option("--error", default="", help="What went wrong.")
@click.option("--permanent", is_flag=True, help="Give the message up at once.")
@now_option()
@tenant
@as_json
def nack(  # noqa: PLR0917 as above
    db: Database, message: str, token: str, error: str, at: datetime, tenant: str, *, permanent: bool, as_json: bool
) -> None:
    """Record that a message could not be delivered under a lease; it is handed out again later, or given up."""
    with opened_database(db, tenant) as engine:
        found = engine.message(message)
        if found.token != token:  # a mistake shows now, instead of being stale later
            lease = "under no lease" if found.token is None else f"under the lease {found.token!r}"
            what = f"message {message!r} is {found.status}, {lease}, not {token!r}"
            raise Faults(what)
        engine.nack(found, at=at, error=error, permanent=permanent)
    show({"taken": 1}, "to be handed out again, or given up, by the next tick", as_json=as_json)


@click.command()
@database
@click.argument("message")
@click.argument("token")
@tenant
@as_json
def release(db: Database, message: str, token: str, tenant: str, *, as_json: bool) -> None:
    """Return a message unsent: it can be claimed again at once, and the attempt does not count."""
    with opened_database(db, tenant) as engine:
        released = engine.release(evolve(engine.message(message), token=token))
    text = "given back" if released else "not under this lease any more"
    show({"released": released}, text, as_json=as_json)


@click.command()
@database
@click.argument("messages", nargs=-1)
@click.option("--journey", help="All that were given up in this journey.")
@click.option("--step", help="All of this step.")
@click.option("--channel", help="All of this channel.")
@click.option("--error", help="All whose last error contains this text.")
@now_option()
@tenant
@as_json
def requeue(  # noqa: PLR0917 as above
    db: Database,
    messages: tuple[str, ...],
    journey: str | None,
    step: str | None,
    channel: str | None,
    error: str | None,
    at: datetime,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """Queue messages again that were given up: those named, or all that the options match; the next tick does it."""
    with opened_database(db, tenant) as engine:
        named = [engine.message(message) for message in messages] or None  # a typo fails now
        taken = engine.requeue(named, at=at, journey=journey, step=step, channel=channel, error=error)
        if channel is not None and not taken:
            warn_of_channels(engine, [channel])
    show({"taken": taken}, f"{counted(taken, 'message')} to be queued again by the next tick", as_json=as_json)


@click.command("messages")
@database
@click.argument("journey", required=False)
@click.option("--status", multiple=True, help="QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED or FAILED.")
@click.option("--customer", help="Only this customer.")
@click.option("--step", help="Only this step.")
@click.option("--channel", help="Only this channel.")
@click.option("--error", help="Only those whose last error contains this text.")
@skip
@take
@after
@tenant
@as_json
def list_messages(  # noqa: PLR0917 as above
    db: Database,
    journey: str | None,
    status: tuple[str, ...],
    customer: str | None,
    step: str | None,
    channel: str | None,
    error: str | None,
    skip: int,
    take: int | None,
    after: Cursor | None,
    tenant: str,
    *,
    as_json: bool,
) -> None:
    """List messages in order of enrollment and visit, with what happened to them and the last error."""
    with opened_database(db, tenant) as engine:
        page = engine.messages(
            journey,
            customer=customer,
            step=step,
            channel=channel,
            status=status,
            error=error,
            skip=skip,
            take=take,
            after=after,
        )
        if channel is not None and not page.total:
            warn_of_channels(engine, [channel])
    header = ("message", "journey", "customer", "step", "channel", "template", "at", "status", "attempts", "told")
    rows = [
        (
            *(m.id, m.journey, m.customer, m.step, m.channel, m.template, instant_text(m.at), m.status, m.attempts),
            *(_engaged(m), m.error),
        )
        for m in page.items
    ]
    show(page, f"{text_table(rows, (*header, 'error'))}\n{page_end(page)}", as_json=as_json)


@click.command("unmatched")
@database
@skip
@take
@after
@tenant
@as_json
def list_unmatched(
    db: Database, skip: int, take: int | None, after: Cursor | None, tenant: str, *, as_json: bool
) -> None:
    """List the events, acks, nacks and requeues that named no message of their customer or tenant."""
    with opened_database(db, tenant) as engine:
        page = engine.unmatched(skip=skip, take=take, after=after)
    rows = [
        (instant_text(each.at), each.type, each.customer, each.data.get("message") or "")
        if isinstance(each, Event)
        else (instant_text(each.at), each.type, "", each.message)
        for each in page.items
    ]
    show(page, f"{text_table(rows, ('at', 'event', 'customer', 'message'))}\n{page_end(page)}", as_json=as_json)


@click.command("set-aside")
@database
@skip
@take
@after
@tenant
@as_json
def list_set_aside(
    db: Database, skip: int, take: int | None, after: Cursor | None, tenant: str, *, as_json: bool
) -> None:
    """List the inputs whose handling raised an exception; `retry --set-aside` takes them up again."""
    with opened_database(db, tenant) as engine:
        page = engine.set_aside(skip=skip, take=take, after=after)
    rows = [(instant_text(each.at), each.number, each.kind, each.name, each.customer) for each in page.items]
    show(page, f"{text_table(rows, ('at', 'input', 'kind', 'name', 'customer'))}\n{page_end(page)}", as_json=as_json)


@click.command()
@database
@click.argument("journey", required=False)
@click.argument("customers", nargs=-1)
@click.option("--set-aside", "inputs", is_flag=True, help="Take up the inputs again that were set aside.")
@now_option()
@tenant
@as_json
def retry(
    db: Database,
    journey: str | None,
    customers: tuple[str, ...],
    at: datetime,
    tenant: str,
    *,
    inputs: bool,
    as_json: bool,
) -> None:
    """Put customers' newest runs back where they failed; the next tick does it."""
    if inputs == bool(journey and customers):
        what = "give a journey and its customers, or --set-aside"
        raise click.UsageError(what)
    if journey is None:
        _take_up_again(db, tenant, at, as_json=as_json)
        return
    with opened_database(db, tenant) as engine:
        engine.retry([(journey, customer) for customer in customers], at=at)
    said = f"noted for {counted(len(customers), 'customer')}; the next tick puts back whose newest run has failed"
    show({"taken": len(customers)}, said, as_json=as_json)


def _take_up_again(db: Database, tenant: str, at: datetime, *, as_json: bool) -> None:
    """Put every input that was set aside back into the inbox."""
    with opened_database(db, tenant) as engine:
        page = engine.set_aside(take=None)
        engine.retry(page, at=at)
    count = len(page)
    show({"taken": count}, f"took up {counted(count, 'input')} again; the next tick handles them", as_json=as_json)


COMMANDS = (claim, ack, nack, release, requeue, list_messages, list_unmatched, list_set_aside, retry)
