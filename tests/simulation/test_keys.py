"""Journeys with parallel runs: simulated and fitted events know the keys of orders, carts and devices."""

from datetime import UTC, datetime, timedelta

import pytest

from journeyflow import Engine, Event, Goal, Journey, MemoryStore, Reentry, Trigger, Wait
from journeyflow.analysis import forecast
from journeyflow.simulation import Background, Behavior, Key, Submitted, loads_behavior, simulate
from journeyflow.stores.sqlite import SQLiteStore

START = datetime(2026, 3, 2, tzinfo=UTC)
CARTS = Journey(
    id="carts",
    trigger=Trigger("cart.filled"),
    reentry=Reentry.always(key="event.cart"),
    goal=Goal("order.placed", within="5 days"),
    steps=[Wait("w", "5 days")],
)
SHOPPERS = Behavior(
    background=[
        Background("cart.filled", every="4 days", data={"cart": Key()}),
        Background("order.placed", every="4 days", data={"cart": Key(0)}),
    ],
    soonest="1 hour",
)


def test_everybody_comes_with_a_key():
    """A journey whose trigger needs a key gets one; an order has the customer's last cart, and reaches its goal."""
    record: list[Submitted] = []
    outcome = simulate(CARTS, population=50, start=START, until="20 days", behavior=SHOPPERS, record=record)
    events = [each for each in record if isinstance(each, Event)]
    filled = {(each.customer, each.data["cart"]) for each in events if each.type == "cart.filled"}
    assert outcome.entered("carts").median == len(filled) == sum(each.type == "cart.filled" for each in events) > 200
    ordered = {(each.customer, each.data["cart"]) for each in events if each.type == "order.placed"}
    assert ordered <= filled
    rate = outcome.goal_rate("carts")
    assert rate is not None
    assert 0.2 < rate.median < 0.7
    assert simulate(CARTS, population=5, start=START, until="2 days").entered("carts").median == 5


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_fitted_forecast_reaches_the_goal_too(store):
    """The fit finds which events bring new keys; those who are inside order what is in their cart."""
    record: list[Submitted] = []
    simulate(CARTS, population=60, start=START, until="20 days", behavior=SHOPPERS, record=record)
    events = [each for each in record if isinstance(each, Event)]
    fitted = Behavior.fit(events, keys=["cart"])
    assert {each.event: each.data["cart"] for each in fitted.frequencies} == {
        "cart.filled": Key(1.0),
        "order.placed": Key(0.0),
    }
    with Engine(SQLiteStore(":memory:") if store == "sqlite" else MemoryStore(), grace=None) as engine:
        engine.deploy(CARTS, at=START)
        engine.feed(events)
        engine.tick(START + timedelta(days=20))
        expected = forecast(engine, until="10 days", replications=2)
        assert Behavior.fit(engine).frequencies[0].data["cart"] == Key(1.0)
        nobody = Behavior(background=[SHOPPERS.background[1]], soonest="1 hour")
        inside = forecast(engine, until="3 days", replications=1, population=0, behavior=nobody)
    entered, converted = expected.entered("carts").median, expected.outcome.converted("carts").median
    assert entered > 50
    assert 0.2 < converted / entered < 0.9
    assert inside.outcome.converted("carts").median > 5, "of the carts that were filled before"


def test_a_behavior_file_may_have_keys():
    """As a distribution of the data; a probability that cannot be is refused."""
    text = '{"format": 1, "background": [{"event": "o", "every": "9 days", "data": {"cart": {"key": 0.2}}}]}'
    assert loads_behavior(text).background[0].data == {"cart": Key(0.2)}
    with pytest.raises(ValueError, match="fresh is a probability from 0 to 1"):
        Key(2)
