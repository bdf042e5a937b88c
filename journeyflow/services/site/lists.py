"""Lists that several pages of the site show: messages, runs, and channels that are held."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from journeyflow import Enrollment, Message
from journeyflow.services.site.layout import (
    Content,
    Markup,
    badge,
    both_times,
    link,
    notice,
    table,
    time_names,
    times,
    when,
    with_offset,
)
from journeyflow.services.site.query import Query

BECAME, MADE = ("status", "attempts", "last error"), ("step", "channel", "template", "reported")


def messages_of_journey(name: str, found: Iterable[Message], where: ZoneInfo) -> Markup:
    """Return messages of one journey as a table: to whom, what became of each, and the last error."""
    rows = [(_run(each, each.customer), *_became(each), *_made(each), *times(each.at, where)) for each in found]
    return table(name, ("customer", *BECAME, *MADE, *time_names("made", where)), rows)


def messages_of_customer(query: Query, name: str, found: Iterable[Message]) -> Markup:
    """Return messages to one customer as a table, each with its instant in the zone of its journey."""
    rows = [
        (
            _run(each, each.journey), *_became(each), *_made(each),
            with_offset(each.at, query.zone_of(each.journey)), when(each.at),
        )
        for each in found
    ]  # fmt: skip
    return table(name, ("journey", *BECAME, *MADE, "made, journey time", "UTC"), rows)


def _run(of: Message | Enrollment, words: str) -> Markup:
    return link(words, "run", journey=of.journey, customer=of.customer, run=of.run)


def _made(message: Message) -> Sequence[Content]:
    return message.step, message.channel, message.template, ", ".join(message.engagement)


def _became(message: Message) -> Sequence[Content]:
    return badge(message.status), message.attempts, message.error


def enrollments_table(name: str, found: Iterable[Enrollment], where: ZoneInfo) -> Markup:
    """Return runs as a table: the customer, the state, where the run rests and until when."""
    names = (*time_names("entered", where), "status", "at step", "waits for", *time_names("until", where), "reason")
    rows = [
        (
            link(each.customer, "customer", id=each.customer), _run(each, f"run {each.run}"),
            *times(each.entered_at, where), badge(each.status), each.step, each.awaits, *times(each.due, where),
            each.reason,
        )
        for each in found
    ]  # fmt: skip
    return table(name, ("customer", "run", *names), rows, "Nobody.")


def held_notices(query: Query, channels: Iterable[str], where: ZoneInfo) -> Iterator[Markup]:
    """Yield a notice for each of the channels that is held."""
    asked = set(channels)
    for name, since in query.engine.held_channels(at=query.at).items():
        if name in asked:
            yield notice(f"The channel {name} is held since ", both_times(since, where), ": its messages wait.")
