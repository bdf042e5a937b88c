"""What a simulated host does, as values that a back-test does again."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from attrs import frozen

from journeyflow.basics.moments import to_micros
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.engine.engine import Engine
from journeyflow.engine.inputs import event_input, journey_input, put_input
from journeyflow.errors import InvalidInput
from journeyflow.records.public import Enroll, Event, Message, Put
from journeyflow.records.rows import Input, make_input

CLAIM: Final = 10_000
"""Messages that the simulated host takes at a time."""

SOON: Final = timedelta(microseconds=1)
"""How long after its claim a message counts as sent: what is reported takes effect with the next tick."""


@frozen
class Deliver:
    """The host's workers take up to 10,000 waiting messages, and report them as sent a microsecond later.

    They are `Engine.claim` and `Engine.ack`. What must not be sent any more becomes CANCELLED, EXPIRED or SUPPRESSED.
    """

    at: datetime

    def __attrs_post_init__(self) -> None:
        """Check the instant; raises TypeError or ValueError."""
        to_micros(self.at, "at")


Submitted = Event | Put | Enroll | Deliver
"""What a host does."""


def submit(engine: Engine, item: Event | Put | Enroll) -> None:
    """Put what a host submitted into the inbox; raises what the call of the engine raises."""
    if isinstance(item, Put):
        how = {"replace": item.replace, "only_missing": item.only_missing}
        engine.put_customer(item.customer, item.attributes, at=item.at, **how)
    elif isinstance(item, Enroll):
        engine.enroll(item.journey, item.customer, at=item.at, force=item.force, key=item.key)
    else:
        engine.feed(item)


def submitted_input(item: Event | Put | Enroll) -> Input:
    """Return what a host submits as an input, checked as the engine's call does; raises InvalidInput."""
    if isinstance(item, Put):
        checked = put_input(DEFAULT_TENANT, item.customer, item.attributes, to_micros(item.at), "put")
    elif isinstance(item, Enroll):
        checked = journey_input(DEFAULT_TENANT, "enroll", item.journey, item.customer, to_micros(item.at), data={})
    else:
        checked = event_input(DEFAULT_TENANT, item)
    if not isinstance(checked, Input):
        raise InvalidInput(checked)
    return checked


def resubmit(engine: Engine, items: Iterable[Event | Put | Enroll]) -> None:
    """Put everything that a host submitted into the inbox, in its order, in one commit."""
    with engine.batch():
        for kind, group in groupby(items, type):
            if kind is Event:
                engine.feed(each for each in group if isinstance(each, Event))
            else:
                for each in group:
                    submit(engine, each)


def claimed(engine: Engine, delivery: Deliver) -> tuple[Message, ...]:
    """Return the messages that the workers take."""
    return engine.claim("simulation", at=delivery.at, limit=CLAIM)


def acked(engine: Engine, delivery: Deliver, messages: Sequence[Message], until: datetime) -> int:
    """Report the messages that the workers took as sent, unless that comes after the end; return how many reports."""
    if delivery.at >= until:
        return 0
    engine.ack(messages, at=delivery.at + SOON)
    return len(messages)


def sent_input(message: Message, at: int) -> Input:
    """Return the report that a claimed message was sent, as `Engine.ack` makes it."""
    return make_input((0, message.tenant, "", "ack", "", at, message.id, None))


def naming(message: Message) -> dict[str, object]:
    """Return the data of an event that only says which message it is about."""
    return {"message": message.id}


def stages(items: Iterable[Submitted]) -> Iterator[tuple[list[Event | Put | Enroll], Deliver | None]]:
    """Yield what was submitted up to each delivery, with that delivery, and at last the rest without one."""
    found = list[Event | Put | Enroll]()
    for each in items:
        if isinstance(each, Deliver):
            yield found, each
            found = []
        else:
            found.append(each)
    yield found, None
