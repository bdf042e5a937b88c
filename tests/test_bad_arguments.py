"""Bad arguments of the functions beside the engine: a TypeError, a ValueError or an error of the package, no other.

Each parameter of each function gets odd values while the others are right. What is not an argument of a function but
made by one, such as an `Outcome`, is not tried.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from typing import Any

import pytest

from journeyflow import (
    End,
    Engine,
    Event,
    Goal,
    Journey,
    JourneyflowError,
    MemoryStore,
    Policies,
    Send,
    Split,
    Trigger,
    Wait,
    add_step,
    arm,
    problems,
    remove_step,
    rename_step,
    reorder_steps,
    replace_step,
    update_step,
)
from journeyflow.analysis import (
    analyze,
    calibration,
    compare,
    coverage,
    cycles,
    diff,
    forecast,
    lint,
    power,
    propagate,
    sample_size,
    smallest_difference,
)
from journeyflow.formats import dumps_journey, dumps_policies, fingerprint, loads_journey, loads_policies
from journeyflow.formats.native import to_dict
from journeyflow.formats.native_reading import from_dict
from journeyflow.formats.octeth import DIALECT
from journeyflow.reporting import dot, mermaid, svg
from journeyflow.simulation import Arrivals, Behavior, Population, backtest, simulate

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
JOURNEY = Journey(
    id="welcome",
    trigger=Trigger("signup"),
    goal=Goal("order", within="9 days"),
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Wait("rest", "3 days"),
        Split("test", arm(50, [Send("a", channel="EMAIL", template="a")], label="a"), arm(50, label="b")),
        End("done"),
    ],
)
DEEP: list[Any] = []
for _ in range(2_000):
    DEEP = [DEEP]
ODD = (
    *(None, True, -1, 2**70, float("nan"), b"x", "\ud800", [None], DEEP, {"a": 1}, int),
    *(datetime(2026, 1, 1), datetime.max.replace(tzinfo=UTC), "9" * 99),  # noqa: DTZ001 naive on purpose
)


SIMULATED: Any = partial(simulate, JOURNEY, population=1, start=START, until="1 day")


SIZED: Any = power
ANY: Any = None


def engine() -> Engine:
    """Return an engine with somebody inside."""
    made = Engine(MemoryStore())
    made.deploy(JOURNEY, at=START)
    made.put_customer("ann", {"email": "ann@example.com"}, at=START)
    made.feed(Event("signup", customer="ann", at=START))
    made.tick(START)
    return made


ENGINE = engine()
EVENTS = [Event("signup", customer="ann", at=START)]
PEOPLE = Population(size=3, arrivals=Arrivals.evenly("1 day"))
RIGHT: dict[Callable[..., object], dict[str, object]] = {
    add_step: {"journey": JOURNEY, "step": Wait("more", "1 day"), "after": "rest"},
    analyze: {"journey": JOURNEY},
    backtest: {"journeys": [JOURNEY], "events": EVENTS},
    calibration: {"engine": engine(), "times": 1, "span": "1 day", "replications": 1},
    compare: {"before": JOURNEY, "after": JOURNEY, "population": PEOPLE, "start": START, "until": "5 days"},
    coverage: {"what": engine()},
    cycles: {"journeys": [JOURNEY]},
    diff: {"before": JOURNEY, "after": JOURNEY},
    DIALECT.recognise: {"value": {}},
    dot: {"journey": JOURNEY},
    dumps_journey: {"journey": JOURNEY},
    dumps_policies: {"policies": Policies()},
    fingerprint: {"journey": JOURNEY},
    forecast: {"engine": engine(), "until": "1 day", "replications": 1, "population": 0, "behavior": Behavior()},
    from_dict: {next(iter(signature(from_dict).parameters)): to_dict(JOURNEY)},
    lint: {},
    loads_journey: {"text": dumps_journey(JOURNEY)},
    loads_policies: {"text": dumps_policies(Policies())},
    mermaid: {"journey": JOURNEY},
    power: {"experiment": {"a": 50, "b": 50}, "people": 100, "rate": 0.1, "difference": 0.05},
    problems: {"journey": JOURNEY},
    propagate: {"journey": JOURNEY, "until": START},
    remove_step: {"journey": JOURNEY, "step_id": "rest"},
    rename_step: {"journey": JOURNEY, "step_id": "rest", "to": "pause"},
    reorder_steps: {"journey": JOURNEY, "order": ["hello", "rest", "test", "a", "done"]},
    replace_step: {"journey": JOURNEY, "step": Wait("rest", "1 day")},
    ENGINE.report: {"journey": "welcome", "at": START},
    sample_size: {"experiment": {"a": 50, "b": 50}, "rate": 0.1, "difference": 0.4},
    simulate: {"journeys": JOURNEY, "population": PEOPLE, "start": START, "until": "5 days"},
    smallest_difference: {"experiment": {"a": 50, "b": 50}, "people": 60, "rate": 0.1},
    svg: {"journey": JOURNEY},
    to_dict: {"journey": JOURNEY},
    update_step: {"journey": JOURNEY, "step_id": "rest"},
}
"""Each function with arguments that are right."""

FREE = {"recognise", "progress", "customers", "db", "export", "options"}
"""Parameters that are a function of the host, or files."""

CASES = [
    pytest.param(function, name, id=f"{getattr(function, '__name__', 'recognise')}-{name}")
    for function in RIGHT
    for name in signature(function).parameters
    if name not in FREE
]


def outcome(function: Callable[..., object], arguments: dict[str, Any]) -> object:
    """Call a function; what it returns is looked at, because some of it is made when it is asked for."""
    many = arguments.pop("journeys", ()) if function is lint else ()
    found = function(*(many if isinstance(many, list) else [many] if many else []), **arguments)
    return list(found) if hasattr(found, "__next__") else repr(found)  # type: ignore[call-overload]  # a generator


@pytest.mark.parametrize("function", RIGHT, ids=lambda function: getattr(function, "__name__", "recognise"))
def test_what_is_right_is_taken(function):
    """Without this, a refusal of the right arguments would pass for one of the odd ones."""
    if function is not calibration:  # of one instant there is no past
        outcome(function, dict(RIGHT[function]))


@pytest.mark.parametrize(("function", "name"), CASES)
def test_what_is_odd_is_taken_or_refused_with_a_sentence(function, name):
    """What is raised is never an error of the inside."""
    for odd in ODD:
        with suppress(JourneyflowError, TypeError, ValueError):
            outcome(function, {**RIGHT[function], name: odd})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: svg(ANY), "journey: expected a Journey, not null"),
        (lambda: diff(JOURNEY, ANY), "after: expected Journey, not null"),
        (lambda: cycles([JOURNEY, ANY]), "journeys: expected journeys, not null (number 2 of them)"),
        (lambda: coverage(ANY), "what: expected an engine, an outcome or a coverage, one or many, not null"),
        (lambda: SIMULATED(population="all"), "population: expected Population or int, not str 'all'"),
        (lambda: SIMULATED(executor=3), "executor: expected an executor, not int 3"),
        (lambda: SIZED(3, people=9, rate=0.1, difference=0.1), "experiment: expected a Split, a Journey, or perc"),
    ],
)
def test_the_sentence_names_the_argument_and_what_is_expected(call, sentence):
    """So that the host knows what to change."""
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value).startswith(sentence)


def test_calibration_says_how_far_the_past_reaches():
    """It was asked for spans before the first input, for ever."""
    made = engine()
    for day in range(1, 9):
        made.feed(Event("signup", customer=f"c{day}", at=START + timedelta(days=day)))
        made.tick(START + timedelta(days=day))
    with pytest.raises(JourneyflowError, match="there is no history before the first span"):
        calibration(made, times=2**60, replications=1)
    with pytest.raises(JourneyflowError, match="nothing is known after 2026-01-13T09:00:00"):
        calibration(made, until=START + timedelta(days=10), span="1 day", replications=1)
