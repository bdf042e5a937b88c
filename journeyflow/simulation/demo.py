"""The demonstration: an onboarding journey for made-up customers over thirty virtual days, in a file that is kept.

The host is made up too: it puts customers as they "sign up", delivers what it claims, and reports opens, clicks and
orders. Whether a customer opens or orders is decided by the same keyed hash that splits people, so every run of the
demonstration is the same.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from os import PathLike, fspath
from pathlib import Path

from attrs import frozen

from journeyflow.basics.chance import bucket
from journeyflow.basics.hours import Window
from journeyflow.definition.entry import Exit, Goal, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import field, tag
from journeyflow.definition.steps import Condition, Send, Split, Update, Wait, arm, kind
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.records.public import Event, Message
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.schema import APPLICATION_ID
from journeyflow.stores.sqlite.store import SQLiteStore
from journeyflow.stores.views import VISITS

NONCE = "demo"
"""The nonce by which a file of the demonstration is recognized."""

CUSTOMERS = 2_000

DAYS = 30

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""A Monday."""

TIERS = ("Basic", "Gold", "Platinum")

ZONES = ("Africa/Johannesburg", "Europe/Paris", "America/New_York", "Asia/Tokyo")

ONBOARDING = Journey(
    id="onboarding",
    name="New Member Onboarding",
    trigger=Trigger("member.created", where=field("tier").in_(["Gold", "Platinum"])),
    timezone="Africa/Johannesburg",
    customer_timezone=True,
    goal=Goal("order.placed", within="30 days"),
    exits=[Exit("unsubscribed", event="message.unsubscribed")],
    steps=[
        Send("hello", channel="EMAIL", template="welcome", data={"greeting": "Hello {{ firstName }}"}),
        Wait("breathe", "2 days"),
        Condition(
            "opened",
            field("message.hello.opened").eq(True),
            yes=[
                Split(
                    "test",
                    arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                    arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                ),
            ],
            no=[
                Wait("morning", until="MON-FRI 09:00"),
                Send("nudge", channel="SMS", template="nudge", window=Window("MON-SUN", "08:00", "20:00")),
            ],
        ),
        Wait(
            "order",
            event="order.placed",
            timeout="7 days",
            on_event=[Send("thanks", channel="EMAIL", template="thank_you"), Update("customer", tag.add("customer"))],
            on_timeout=[Send("coupon", channel="EMAIL", template="coupon", data={"code": "WELCOME10"})],
        ),
        Update("onboarded", tag.add("onboarded")),
    ],
)


@frozen
class Report:
    """The results of the demonstration: people and messages, and the funnel as (step, kind, people, note)."""

    path: str
    customers: int
    entered: int
    refused: int
    completed: int
    exited: int
    active: int
    converted: int
    messages: int
    funnel: tuple[tuple[str, str, int, str], ...]


def _chance(what: str, customer: str) -> float:
    """Return a number from 0 to 1 for a customer and a question, always the same one."""
    return bucket("demo", "behaviour", what, customer) / 10_000


def _signups() -> Iterator[tuple[str, dict[str, object], datetime]]:
    """Yield made-up customers who sign up over the first ten days."""
    for number in range(CUSTOMERS):
        customer = f"c{number:05d}"
        attributes: dict[str, object] = {
            "firstName": f"Member {number}",
            "email": f"{customer}@example.com",
            "tier": TIERS[int(_chance("tier", customer) * 3)],
            "timezone": ZONES[int(_chance("zone", customer) * 4)],
        }
        yield customer, attributes, START + timedelta(days=10) * _chance("signup", customer)


def _reactions(message: Message, at: datetime) -> Iterator[Event]:
    """Yield what a customer does with a message: open, click, order, seldom unsubscribe."""
    customer, about = message.customer, {"message": message.id}
    hours = timedelta(hours=36) * _chance(f"when {message.step}", customer)
    if _chance(f"open {message.step}", customer) < 0.45:  # noqa: PLR2004 a made-up rate
        yield Event("message.opened", customer=customer, at=at + hours, data=about)
        if _chance(f"click {message.step}", customer) < 0.3:  # noqa: PLR2004 a made-up rate
            yield Event("message.clicked", customer=customer, at=at + hours, data=about)
            if _chance(f"order {message.step}", customer) < 0.5:  # noqa: PLR2004 a made-up rate
                order = {"amount": 1_000 + int(_chance("amount", customer) * 9_000)}
                yield Event("order.placed", customer=customer, at=at + hours + timedelta(minutes=20), data=order)
    elif _chance(f"leave {message.step}", customer) < 0.02:  # noqa: PLR2004 a made-up rate
        yield Event("message.unsubscribed", customer=customer, at=at + hours, data=about)


def run_demo(path: str | PathLike[str], progress: Callable[[int, int], object]) -> Report:
    """Run the demonstration on a new file at a path; only a file of an earlier demonstration is replaced.

    Raises InvalidInput for any other file that exists.
    """
    if not _is_free(Path(fspath(path))):
        raise InvalidInput([f"{fspath(path)}: this file is none of the demo, which would replace it; name another"])
    for leftover in (fspath(path), f"{fspath(path)}-wal", f"{fspath(path)}-shm"):
        Path(leftover).unlink(missing_ok=True)
    store = SQLiteStore(path, synchronous="NORMAL", nonce=NONCE)
    entered = refused = 0
    with Engine(store) as engine:
        engine.deploy(ONBOARDING, at=START)
        with engine.batch():
            for customer, attributes, at in _signups():
                engine.put_customer(customer, attributes, at=at)
                engine.feed(Event("member.created", customer=customer, at=at))
        for hour in range(DAYS * 24 + 1):
            now = START + timedelta(hours=hour)
            result = engine.tick(now)
            entered, refused = entered + result.entered, refused + result.refused
            while messages := engine.claim("demo", at=now, limit=1_000):
                engine.ack(messages, at=now)
                engine.feed([event for message in messages for event in _reactions(message, now)])
            progress(hour, DAYS * 24)
        with store.reader() as reader:
            return _report(reader, fspath(path), entered, refused)


def _is_free(path: Path) -> bool:
    """Return whether nothing is at a path, except perhaps a file of an earlier demonstration."""
    if not path.exists() or not path.stat().st_size:
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            nonce = connection.execute("SELECT value FROM meta WHERE name = 'nonce'").fetchone()
    except sqlite3.Error:
        return False
    return (application, nonce) == (APPLICATION_ID, (NONCE,))


def _report(reader: SqlReader, path: str, entered: int, refused: int) -> Report:
    """Return the results, counted from the file."""
    status = dict(reader.rows("SELECT status, count(*) FROM enrollments GROUP BY status"))
    converted = reader.rows("SELECT count(*) FROM enrollments WHERE converted_at IS NOT NULL")[0][0]
    visits: dict[str, dict[str, int]] = {}
    ways = f"SELECT step, iif(status = 'EXITED', 'left', outcome), count(*) FROM ({VISITS}) GROUP BY 1, 2"
    for step, outcome, count in reader.rows(ways):
        visits.setdefault(step, {})[outcome] = count
    sent = reader.rows(
        "SELECT step, count(*), count(json_extract(flags, '$.opened')),"
        " count(json_extract(flags, '$.clicked')) FROM messages GROUP BY step"
    )
    opened = {step: f"{opens} opened, {clicks} clicked" for step, _, opens, clicks in sent}
    funnel = tuple(
        (
            step.id,
            kind(step),
            sum(visits.get(step.id, {}).values()),
            opened.get(step.id) or _outcomes(visits.get(step.id, {})),
        )
        for step in ONBOARDING.steps
    )
    return Report(
        path,
        CUSTOMERS,
        entered,
        refused,
        status.get("COMPLETED", 0),
        status.get("EXITED", 0),
        status.get("ACTIVE", 0),
        converted,
        reader.rows("SELECT count(*) FROM messages")[0][0],
        funnel,
    )


def _outcomes(counts: dict[str, int]) -> str:
    """Return how many visits had each outcome; those who left the journey there come last."""
    ways = sorted(counts.items(), key=lambda way: (way[0] == "left", way))
    return ", ".join(f"{count} {outcome}" for outcome, count in ways if outcome)
