"""Forty people in a journey, and what is told of their messages."""

from datetime import datetime

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Goal,
    Send,
    Split,
    Wait,
    arm,
    field,
)
from tests.samples import START, Host, after

NOW = after("3 days")

HELLO = Send("hello", channel="EMAIL", template="t")

STEPS = (
    HELLO,
    Wait("day", "1 day"),
    Condition(
        "opened",
        field("message.hello.opened").eq(True),
        yes=[
            Split(
                "test",
                arm(50, [Send("tips", channel="EMAIL", template="t")]),
                arm(50, [Send("offer", channel="SMS", template="t")]),
            )
        ],
    ),
    Wait("week", "7 days"),
    End("done"),
)


def told(engine: Engine, kind: str, message: str, customer: str, at: datetime, **data: object) -> None:
    """Tell something of a message."""
    engine.feed(Event(kind, customer=customer, at=at, data={"message": message, **data}))


def live(engine: Engine) -> None:
    """Let forty people come, half of them with a mailbox at b.org, and tell what they do within three days."""
    host = Host(engine)
    host.deploy(*STEPS, goal=Goal("bought"), timezone="Africa/Johannesburg")
    for n in range(40):
        host.put(START, f"c{n}", email=f"c{n}@{'ab'[n % 2]}.org")
        host.feed("go", START, f"c{n}")
    host.tick()
    messages = sorted(host.claim(limit=1000), key=lambda message: int(message.customer[1:]))
    engine.ack(messages, at=START)
    for n, message in enumerate(messages):
        if n % 4 < 2:
            told(engine, "message.opened", message.id, message.customer, after("1 hour"))
        if n % 8 == 0:
            told(engine, "message.opened", message.id, message.customer, after("2 hours"))
            told(engine, "message.clicked", message.id, message.customer, after("2 hours"))
        if n % 10 == 0:
            told(engine, "revenue", message.id, message.customer, after("1 day"), amount=250)
        if n % 5 == 0:
            host.feed("bought", "2 days", f"c{n}")
    engine.exit("j", "c39", at=after("3 hours"))
    host.tick("3 days")
