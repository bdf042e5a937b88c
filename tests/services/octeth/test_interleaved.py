"""Two callers at once: a call answers as if the other had come wholly before or wholly after it."""

from collections.abc import Iterator
from copy import copy
from itertools import count
from typing import Any

import pytest

from journeyflow import End, Journey, Send, Wait
from journeyflow.services.octeth import Octeth
from journeyflow.services.octeth.context import ACTION_NUMBER
from tests.services.between import Between
from tests.services.octeth.world import MAIL, World

SUBSCRIBER = {"ListID": 26, "SubscriberID": 1}

CALLS: dict[str, dict[str, Any]] = {
    "journey.enable": {},
    "journey.disable": {},
    "journey.get": {},
    "journey.update": {"Name": "Other"},
    "journey.delete": {},
    "journeys.delete": {"Journeys": "1"},
    "journeys.enable": {"JourneyIDs": "1"},
    "journeys.disable": {"JourneyIDs": "1"},
    "journeys.clone": {"JourneyIDs": "1"},
    "journey.clone": {"NewJourneyName": "Copy"},
    "journey.copytouser": {"SourceUserID": 1, "TargetUserID": 2},
    "journey.actions.update": {"Actions": [MAIL]},
    "journey.actions.published": {"Actions": [{"ActionID": 1, "Published": "false"}]},
    "journey.action.subscribers": {"ActionID": 1},
    "journey.stats.byisp": {},
    "journey.stats.byaction": {},
    "journey.sendemailactions": {},
    "subscriber.journey.trigger": SUBSCRIBER,
    "subscriber.journey.remove": SUBSCRIBER,
    "subscriber.journey.list": SUBSCRIBER,
}
"""The calls that look at the engine and act on it, about journey 1, with the parameters beside its number."""

READING = ("journey.get", "journey.action.subscribers", "journey.stats.byisp", "journey.stats.byaction")
"""The calls that change nothing: of a journey that is deleted meanwhile, they may show what is left."""

AFTER = (404, {"Errors": [{"Code": 7, "Message": "Journey not found after update"}]})
"""The answer about a journey that is deleted after its actions were published, which the document has a code for."""

CHANGING = ("journey.enable", "journey.disable", "journeys.disable", "journey.update", "journey.actions.published")
OF_SUBSCRIBERS = ("subscriber.journey.trigger", "subscriber.journey.remove")

PAIRS = [
    *((command, "journey.delete", False) for command in CALLS),
    *((command, "journey.disable", False) for command in (*CHANGING, *OF_SUBSCRIBERS, "journeys.enable")),
    *((command, other, inside) for command in OF_SUBSCRIBERS for other in OF_SUBSCRIBERS for inside in (False, True)),
    *((command, "journey.delete", True) for command in OF_SUBSCRIBERS),
]
"""A call, what another caller does meanwhile, and whether the subscriber is inside."""


def prepared(*, inside: bool) -> World:
    """Return a world with an Enabled journey of two actions, and perhaps somebody inside."""
    world = World()
    steps: Any = [Wait("1", "3 days"), Send("2", channel="EMAIL", template="95"), End("end")]
    world.engine.tenant("acme").deploy(Journey(id="journey-1", steps=steps, reentry="always"), at=world.now)
    world.directory.numbers(ACTION_NUMBER, "acme", ["journey-1/1", "journey-1/2"])
    if inside:
        world.done("subscriber.journey.trigger", JourneyID=1, **SUBSCRIBER)
    return world


def made(world: World, command: str) -> Any:
    """Make a call, and return its answer."""
    about: dict[str, Any] = (
        {} if command.startswith("journeys.") or command == "subscriber.journey.list" else {"JourneyID": 1}
    )
    return world.call(command, **about, **CALLS[command])


def left(world: World) -> Any:
    """Return what is left of a world: journeys with their actions, and who is where."""
    found = []
    for tenant in ("acme", "other"):
        engine = world.engine.tenant(tenant)
        journeys = {each.id: each for each in engine.journeys(order="created")}
        steps = [(name, each.name, each.status, engine.steps(name)) for name, each in journeys.items()]
        runs = [
            (each.journey, each.customer, each.run, each.status, each.step, each.reason)
            for each in engine.enrollments(take=None)
        ]
        found.append((steps, runs))
    return found


def interleavings(command: str, other: str, *, inside: bool) -> Iterator[tuple[Any, Any]]:
    """Yield the answer and what is left, with another caller before each call of the engine in turn, then after all."""
    for number in count():
        world = prepared(inside=inside)
        engine = world.engine
        between = Between(engine, number, lambda world=world: made(world, other))  # type: ignore[misc]  # a default
        second = copy(world)
        second.service = Octeth(between, world.directory, version=world.service.version)  # type: ignore[arg-type]  # it calls on
        answer = made(second, command)
        if not between.reached:
            made(world, other)
        yield answer, left(world)
        if not between.reached:
            return


@pytest.mark.rows(94, 97, 98, 106, 130, 131, 133)
@pytest.mark.parametrize(("command", "other", "inside"), PAIRS)
def test_another_caller_comes_before_or_after(command, other, inside):
    """Whatever a call looks at first: its answer and what is left are those of one order or of the other."""
    *between, before = interleavings(command, other, inside=inside)
    world = prepared(inside=inside)
    made(world, other)
    orders = [before, (made(world, command), left(world))]
    for answer, state in between:
        assert (state,) in [each[1:] for each in orders]
        partial = command in READING and answer[0] == 200
        partial |= (command, answer) == ("journey.actions.published", AFTER)
        assert partial or answer in [each for each, known in orders if known == state]


@pytest.mark.rows(130)
def test_a_trigger_leaves_an_address_that_the_host_puts_meanwhile():
    """The directory's address is for those whom the engine knows none of, whenever the host says another."""
    about: dict[str, Any] = {"JourneyID": 1, **SUBSCRIBER}
    for number in count():
        world = prepared(inside=False)
        host = world.engine.tenant("acme")
        world.service.engine = between = Between(  # type: ignore[assignment]  # it calls on
            *(
                world.engine,
                number,
                lambda host=host, at=world.now: host.put_customer("26:1", {"email": "new@x"}, at=at),
            )
        )
        assert world.call("subscriber.journey.trigger", **about)[0] == 200
        if not between.reached:
            return
        world.engine.tick(world.now)
        assert host.customer("26:1").attributes["email"] == "new@x"
