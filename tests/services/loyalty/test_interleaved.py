"""Two callers at once: a call answers as if the other had come wholly before or wholly after it."""

from collections.abc import Iterator
from copy import copy
from itertools import count
from typing import Any

import pytest

from journeyflow.services.loyalty import Loyalty
from tests.services.between import Between
from tests.services.loyalty.platform import Platform

WAIT = {"type": "WAIT", "name": "Wait", "config": {"duration": "3 days"}}
PATH = "/journeys/journey_123"

CALLS: dict[str, tuple[str, str, Any]] = {
    "update": ("PATCH", PATH, {"description": "other", "timezone": "UTC"}),
    "delete": ("DELETE", PATH, None),
    "activate": ("POST", f"{PATH}/activate", None),
    "pause": ("POST", f"{PATH}/pause", None),
    "resume": ("POST", f"{PATH}/resume", None),
    "archive": ("POST", f"{PATH}/archive", None),
    "add a step": ("POST", f"{PATH}/steps", WAIT),
    "update a step": ("PATCH", f"{PATH}/steps/step_1", {"name": "other"}),
    "delete a step": ("DELETE", f"{PATH}/steps/step_2", None),
    "reorder": ("POST", f"{PATH}/steps/reorder", {"stepIds": ["step_2", "step_1"]}),
    "enroll": ("POST", f"{PATH}/enrollments", {"customerId": "ann"}),
    "exit": ("DELETE", f"{PATH}/enrollments/ann", None),
}
"""The calls that look at the engine and act on it."""

OTHERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("DRAFT", "activate"): ("update", "delete", "activate", "archive", "add a step", "delete a step", "reorder"),
    ("DRAFT", "add a step"): ("add a step",),
    ("ACTIVE", "pause"): ("update", "pause", "archive", "enroll", "exit", "update a step"),
    ("ACTIVE", "archive"): ("enroll", "exit", "pause"),
    ("ACTIVE", "exit"): ("enroll", "exit"),
    ("PAUSED", "resume"): ("resume",),
}
"""What happens to a journey in a state meanwhile, and the calls that it comes between."""

PAIRS = [(command, other, state) for (state, other), commands in OTHERS.items() for command in commands]


def prepared(state: str) -> Platform:
    """Return a platform with a journey in a state, in which somebody is."""
    platform = Platform()
    platform.journey(WAIT, WAIT, active=state != "DRAFT")
    if state != "DRAFT":
        platform.enroll(PATH, "ann", "bob")
    if state == "PAUSED":
        platform.done("POST", f"{PATH}/pause")
    return platform


def left(platform: Platform) -> Any:
    """Return what is left: journeys with their steps, and who is where."""
    engine = platform.ours
    journeys = [(each.id, each.status, each.description, engine.steps(each.id)) for each in engine.journeys()]
    runs = [(each.customer, each.run, each.status, each.step, each.reason) for each in engine.enrollments(take=None)]
    return journeys, runs


def interleavings(command: str, other: str, state: str) -> Iterator[tuple[Any, Any]]:
    """Yield the answer and what is left, with another caller before each call of the engine in turn, then after all."""
    for number in count():
        platform = prepared(state)
        between: Any = Between(platform.ours, number, lambda platform=platform: platform.ask(*CALLS[other]))  # type: ignore[misc]  # binds the loop
        mine = copy(platform)
        mine.service = Loyalty(between, "tenant_123")
        answer = mine.ask(*CALLS[command])
        if not between.reached:
            platform.ask(*CALLS[other])
        yield answer, left(platform)
        if not between.reached:
            return


@pytest.mark.parametrize(("command", "other", "state"), PAIRS)
def test_another_caller_comes_before_or_after(command, other, state):
    """Whatever a call looks at first: its answer and what is left are those of one order or of the other."""
    *between, before = interleavings(command, other, state)
    platform = prepared(state)
    platform.ask(*CALLS[other])
    orders = [before, (platform.ask(*CALLS[command]), left(platform))]
    for answer, state_left in between:
        known = [each for each, known in orders if known == state_left]
        assert known
        assert answer in known or (command == "update" and answer[0] == 200)  # it shows the state as it is then
