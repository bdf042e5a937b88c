"""What the behaviour tests share: a Monday to start on, and a host that says instants as lengths of time after it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from journeyflow import Duration, Engine, Event, Journey, MemoryStore, Message, Send, TickResult, Trigger
from journeyflow.basics.durations import add
from journeyflow.basics.moments import from_micros, to_micros, zone
from journeyflow.stores.sqlite import SQLiteStore

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""A Monday morning."""

STORES = ("memory", "sqlite")
"""The stores that a parametrized test runs on."""

When = str | datetime
"""An instant, or how long after START it is."""


def after(length: str) -> datetime:
    """Return the instant so long after START, days as UTC days.

    >>> after("1 day 90 minutes").isoformat()
    '2026-01-06T09:30:00+00:00'
    """
    return from_micros(add(to_micros(START), Duration.parse(length), zone("UTC")))


def instant(when: When) -> datetime:
    """Take an instant as it is, a text as a length of time after START."""
    return when if isinstance(when, datetime) else after(when)


def utc(text: str) -> datetime:
    """Read an instant written without zone as UTC.

    >>> utc("2026-01-05 08:00") == START
    True
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def mail(step: str = "hello", template: str | None = None, **options: Any) -> Send:
    """Return a Send by e-mail; its template is named after the step unless another is."""
    return Send(step, **{"channel": "EMAIL", "template": step if template is None else template, **options})


def open_engine(store: str, **options: Any) -> Engine:
    """Open an engine on a fresh store: "memory", "sqlite" (in memory too), or the path of a file."""
    path = ":memory:" if store == "sqlite" else store
    engine = Engine(MemoryStore() if store == "memory" else SQLiteStore(path, nonce="memory"), **options)
    OPENED.append(engine)
    return engine


OPENED: list[Engine] = []
"""Engines that a test has opened: closed when it ends (see `conftest.py`)."""


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Note every question that an engine on SQLite asks its file."""
    assert isinstance(engine.store, SQLiteStore)
    assert engine.store.connection is not None
    noted = list[str]()
    engine.store.connection.set_trace_callback(
        lambda sql: noted.append(sql) if sql.lstrip().startswith(("SELECT", "WITH")) else None
    )
    yield noted
    engine.store.connection.set_trace_callback(None)


@frozen
class Host:
    """A host with few words: journey "j" starts on the event "go", the customer is "c1" unless another is named."""

    engine: Engine

    def deploy(self, *steps: Any, id: str = "j", when: When = START, **options: Any) -> Journey:  # noqa: A002 the word of the call
        """Publish and activate a journey of these steps."""
        journey = Journey(id=id, steps=steps, **{"trigger": Trigger("go"), **options})
        self.engine.deploy(journey, at=instant(when))
        return journey

    def put(self, when: When, customer: str = "c1", /, **attributes: object) -> None:
        """Put attributes."""
        self.engine.put_customer(customer, attributes, at=instant(when))

    def feed(self, type: str, when: When = START, customer: str = "c1", /, **data: object) -> None:  # noqa: A002 the word of the call
        """Feed an event."""
        self.engine.feed(Event(type, customer=customer, at=instant(when), data=data))

    def feed_all(self, type: str, when: When, customers: Iterable[str]) -> None:  # noqa: A002 the word of the call
        """Feed an event of each of many customers, in one call."""
        self.engine.feed(Event(type, customer=customer, at=instant(when)) for customer in customers)

    def tick(self, when: When = START, **options: Any) -> TickResult:
        """Tick at an instant."""
        return self.engine.tick(instant(when), **options)

    def say(self, type: str, when: When = START, customer: str = "c1", /, **data: object) -> TickResult:  # noqa: A002 the word of the call
        """Feed an event and tick at its instant."""
        self.feed(type, when, customer, **data)
        return self.tick(when)

    def claim(self, when: When = START, **options: Any) -> tuple[Message, ...]:
        """Claim messages."""
        return self.engine.claim("worker", at=instant(when), **options)

    def path(self, customer: str = "c1", journey: str = "j", run: int | None = None) -> list[str]:
        """Return the visits of a run as texts: the step, its status unless COMPLETED, its outcome unless empty."""
        visits = self.engine.enrollment(journey, customer, run=run).visits
        return [" ".join(filter(None, (v.step, v.status.replace("COMPLETED", ""), v.outcome))) for v in visits]

    def left(self, step: str, customer: str = "c1", journey: str = "j") -> datetime | None:
        """Return the instant at which the newest run last left a step."""
        visits = self.engine.enrollment(journey, customer).visits
        return [visit.left_at for visit in visits if visit.step == step][-1]

    def status(self, customer: str = "c1", journey: str = "j") -> tuple[str, str]:
        """Return status and reason of the newest run."""
        found = self.engine.enrollment(journey, customer)
        return found.status, found.reason

    def attributes(self, customer: str = "c1") -> dict[str, object]:
        """Return what ticks have made of a customer."""
        return dict(self.engine.customer(customer).attributes)

    def messages(self, journey: str | None = None) -> list[str]:
        """List messages as "step status"."""
        return [f"{each.step} {each.status}" for each in self.engine.messages(journey, take=1_000).items]

    def rows(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Ask the store in SQL."""
        with self.engine.store.reader() as reader:
            return reader.rows(sql, tuple(parameters))

    def outcomes(self) -> list[str | None]:
        """Return what became of every input, in the order in which they were given."""
        return [outcome for (outcome,) in self.rows("SELECT outcome FROM inputs ORDER BY seq")]

    def refused(self) -> dict[str, int]:
        """Count refusals by reason."""
        return dict(self.rows("SELECT reason, sum(count) FROM refusals GROUP BY reason ORDER BY reason"))

    def last_refusal(self, customer: str = "c1") -> tuple[str, dict[str, object]]:
        """Return the reason and the values compared of a customer's last refusal."""
        sql = "SELECT reason, seen FROM last_refusals r JOIN customers c ON c.number = r.customer WHERE c.id = ?"
        ((reason, seen),) = self.rows(sql, (customer,))
        return reason, json.loads(seen) if seen else {}
