"""What happens to the stores of these tests: people, events, journeys, ticks and claims."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from journeyflow import Engine, Event, Message
from tests.stateful.journeys import JOURNEYS

START = datetime(2026, 3, 23, 8, tzinfo=UTC)
"""A Monday."""

PLANS = ("free", "paid", "none")


def live(engine: Engine, people: int) -> None:
    """Let people come, buy, fill carts and have birthdays, all within three days from the start."""
    with engine.batch():
        engine.put_customers(((f"c{n}", attributes(n)) for n in range(people)), at=START)
        engine.feed(events(people))
    for journey in JOURNEYS:
        engine.deploy(journey, at=START)
    engine.enroll("weekly", [f"c{n}" for n in range(0, people, 5)], at=START + timedelta(hours=1))


def attributes(n: int) -> dict[str, object]:
    """Describe the n-th person."""
    consent = {"SMS": n % 4 != 0, "EMAIL": n % 7 != 0}
    return {"name": f"Zoë {n}", "plan": PLANS[n % 3], "consent": consent, "orders": n % 2}


def events(people: int) -> Iterable[Event]:
    """Tell what everybody does."""
    for n in range(people):
        customer, at = f"c{n}", START + timedelta(minutes=n % 10)
        yield Event("member.created", customer=customer, at=at, id=f"m{n}")
        yield Event("cart.updated", customer=customer, at=at, data={"items": n % 3})
        yield Event("field.changed", customer=customer, at=at, data={"field": "birthday", "new": "1990-03-25"})
        if n % 2:
            yield Event("order.placed", customer=customer, at=at + timedelta(days=2), data={"amount": n})
        if n % 5 == 0:
            yield Event("cart.paused", customer=customer, at=at + timedelta(minutes=20))
        if n % 9 == 0:
            yield Event("tag.added", customer=customer, at=at + timedelta(days=1), data={"tag": "vip"})


def tick_and_claim(engine: Engine, now: datetime, limit: int = 20) -> tuple[Message, ...]:
    """Do what is due and take some messages."""
    engine.tick(now)
    return engine.claim("w", at=now, limit=limit)
