"""What a simulated host submits, as values that a back-test submits again."""

from collections.abc import Iterable
from itertools import groupby

from journeyflow.engine.engine import Engine
from journeyflow.records.public import Enroll, Event, Put

Submitted = Event | Put | Enroll
"""What a host submits."""


def submit(engine: Engine, item: Submitted) -> None:
    """Put what a host submitted into the inbox; raises what the call of the engine raises."""
    if isinstance(item, Put):
        engine.put_customer(item.customer, item.attributes, at=item.at, replace=item.replace)
    elif isinstance(item, Enroll):
        engine.enroll(item.journey, item.customer, at=item.at, force=item.force, key=item.key)
    else:
        engine.feed(item)


def resubmit(engine: Engine, items: Iterable[Submitted]) -> None:
    """Put everything that a host submitted into the inbox, in its order, in one commit."""
    with engine.batch():
        for kind, group in groupby(items, type):
            if kind is Event:
                engine.feed(each for each in group if isinstance(each, Event))
            else:
                for each in group:
                    submit(engine, each)
