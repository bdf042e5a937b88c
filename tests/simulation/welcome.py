"""The simulation that many tests look at: a welcome, what people do with it, and who they are."""

import json
from datetime import UTC, datetime

from attrs import evolve

from journeyflow import (
    Condition,
    Event,
    Goal,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
    tag,
)
from journeyflow.simulation import (
    Arrivals,
    Background,
    Behavior,
    Chance,
    Choice,
    Delay,
    Lift,
    LogNormal,
    Normal,
    Population,
    When,
    simulate,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""


WELCOME = Journey(
    id="welcome",
    trigger=Trigger("member.created"),
    goal=Goal("order.placed", within="30 days"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("breathe", "2 days"),
        Condition(
            "opened",
            field("message.hello.opened").eq(True),
            yes=[
                Split(
                    "test",
                    arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                    arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                )
            ],
            no=[Send("nudge", channel="SMS", template="nudge")],
        ),
        Wait("answer", event="message.clicked", timeout="3 days", on_event=[Update("keen", tag.add("keen"))]),
    ],
)


BEHAVIOR = Behavior(
    bounced=0.02,
    delivered=0.97,
    opened=0.5,
    clicked=Chance(0.2, Delay.exponential("1 hour")),
    converted=0.05,
    unsubscribed=0.01,
    revenue=LogNormal(2_000, 0.5),
    when=[When(channel="SMS", opened=0.9), When(arm=("test", "B"), clicked=0.6)],
    background=[Background("page.viewed", every="6 days", lifts=[Lift(3, "2 days", channel="EMAIL")])],
    soonest="1 hour",
)


PEOPLE = Population(
    size=60,
    attributes={"plan": Choice({"free": 3, "pro": 1}), "age": Normal(40, 12, low=18, whole=True)},
    arrivals=Arrivals.evenly("5 days"),
)


FEW = evolve(PEOPLE, size=20)
"""Enough for four parts."""


def run(journeys=WELCOME, **options):
    """Simulate two weeks."""
    usual = {"population": PEOPLE, "start": START, "until": "14 days", "behavior": BEHAVIOR, "seed": 7}
    return simulate(journeys, **{**usual, **options})


def events_of(record):
    """Return the events of what a simulated host has submitted."""
    return [each for each in record if isinstance(each, Event)]


def written(outcome):
    """Write everything that was counted as text."""
    return json.dumps([[[list(key), count] for key, count in tally.items()] for tally in outcome.tallies])
