"""Random lives come to the corners of the rules: a fault planted there changes what comes of some of them.

Each was found wanting once: lives of another kind had passed it by. Where the interpreter of `tests/naive.py` knows the
rule, `tests/properties/test_agreement.py` finds such a fault. `python -m tests.testing.test_reach` counts the lives.
"""

import importlib
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from types import CodeType, FunctionType, ModuleType

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from journeyflow import Journey, Send, Wait
from journeyflow.basics.hours import Window
from journeyflow.definition.rules.clock_turns import clocked
from journeyflow.machine.program import compile_journey
from journeyflow.testing import Life, Reaction, journeys, lives, policies
from tests.played import Tables, tables

pytestmark = [pytest.mark.unmeasured, pytest.mark.source]

Fault = tuple[str, str, str]
"""A module, what stands there, and what is planted instead."""


ROUNDS = 60
"""So many are looked through at most. What is drawn depends on the package's code too, so a corner may come late."""

COUNTED = 12
"""So many are counted by `table`."""


class Drawn:
    """A life that was drawn, with its journeys."""

    def __init__(self, chosen: Sequence[Journey], life: Life) -> None:
        """Keep them."""
        self.journeys, self.life = chosen, life

    @cached_property
    def left(self) -> Tables:
        """What comes of it where nothing is planted: asked for before anything is."""
        return self.lived()

    def lived(self) -> Tables:
        """Return what comes of it now."""
        return tables(self.journeys, self.life)


@cache
def sample(number: int) -> list[Drawn]:
    """Return the lives of a round, the same ones each time: what Hypothesis draws in one go resembles itself."""
    found: list[Drawn] = []

    @seed(number)
    @settings(
        max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate]
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        names = [f"j{number}" for number in range(1, data.draw(st.integers(2, 4)))]
        chosen = [data.draw(journeys(id=name)) for name in names]
        life = data.draw(lives(*chosen, late=True, policies=policies()))
        if len(life.calls) > 4:
            found.append(Drawn(chosen, life))

    draw()
    return found


def changed(corner: str, number: int, found: Callable[[Iterable[bool]], int]) -> int:
    """Return whether `any`, or by `sum` how many, lives of a round come out otherwise with a fault planted there."""
    may_reach, faults = CORNERS[corner]
    drawn = [(each, each.left) for each in sample(number) if may_reach(each)]
    with planted(*faults):
        return found(each.lived() != expected for each, expected in drawn)


# --- planting -------------------------------------------------------------------------------------------------------


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions of a module and of its classes."""
    for value in [*vars(module).values()]:
        owned = vars(value).values() if isinstance(value, type) and value.__module__ == module.__name__ else ()
        for each in (value, *owned):
            function = inspect.unwrap(each) if callable(each) else each
            if isinstance(function, FunctionType) and function.__code__.co_filename == module.__file__:
                yield function


def codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """Yield the code of every function in some code, by its qualified name."""
    yield code.co_qualname, code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from codes(each)


@cache
def wrong(fault: Fault) -> Mapping[str, CodeType]:
    """Return the code of every function of a module with a fault in it, by its qualified name."""
    name, old, new = fault
    module = importlib.import_module(f"journeyflow.{name}")
    source = inspect.getsource(module)
    assert old in source, f"nothing to plant: {old}"
    return dict(codes(compile(source.replace(old, new), str(module.__file__), "exec", dont_inherit=True)))


@contextmanager
def planted(*faults: Fault) -> Iterator[None]:
    """Plant faults while a block runs."""
    kept: dict[FunctionType, CodeType] = {}
    for fault in faults:
        module, changed = importlib.import_module(f"journeyflow.{fault[0]}"), wrong(fault)
        kept |= {each: each.__code__ for each in functions(module)}
        for each in functions(module):
            each.__code__ = changed[each.__code__.co_qualname]
    forget()
    try:
        yield
    finally:
        for each, code in kept.items():
            each.__code__ = code
        forget()


def forget() -> None:
    """Empty what functions of the package have cached: those that ask a function with a fault keep what it said."""
    for clear in clearing():
        clear()


@cache
def clearing() -> Sequence[Callable[[], None]]:
    """Return what empties the caches: all modules are imported when the tests begin."""
    modules = [module for name, module in [*sys.modules.items()] if name.startswith("journeyflow.")]
    return [each.cache_clear for module in modules for each in vars(module).values() if hasattr(each, "cache_clear")]


# --- the corners ----------------------------------------------------------------------------------------------------


def windowed(drawn: Drawn) -> bool:
    """Whether a transactional Send has a window."""
    sends = [step for journey in drawn.journeys for step in journey.steps if isinstance(step, Send)]
    return any(step.transactional and step.window is not None for step in sends)


def overnight(drawn: Drawn) -> bool:
    """Whether a window goes over midnight."""
    windows = [getattr(step, "window", None) for journey in drawn.journeys for step in journey.steps]
    return any(isinstance(each, Window) and each.end < each.start for each in windows)


def unsubscribing(drawn: Drawn) -> bool:
    """Whether somebody unsubscribes."""
    return any(isinstance(call, Reaction) and call.kind == "unsubscribed" for call in drawn.life.calls)


def asking(drawn: Drawn) -> bool:
    """Whether an exit asks for a condition."""
    return any(each.when is not None for journey in drawn.journeys for each in journey.exits)


def late(drawn: Drawn) -> bool:
    """Whether something is told after what came later."""
    told = [call.at for call in drawn.life.calls]
    return told != sorted(told)


def looping(drawn: Drawn) -> bool:
    """Whether somebody comes to a Send again in no time."""
    return any("zero-time loop" in row for row in drawn.left["enrollments"])


def capped(drawn: Drawn) -> bool:
    """Whether messages are sent under a rolling cap."""
    return written('"within"', drawn.left["policies"]) and len(drawn.left["messages"]) > 1


def dated(drawn: Drawn) -> bool:
    """Whether a Wait for a date may be over at once."""
    return any(each.field is not None for each in waits(drawn.journeys)) and written('"elapsed"', drawn.left["moves"])


def awaiting(drawn: Drawn) -> bool:
    """Whether what is waited for comes, of a Wait that has a timeout and asks what comes true by itself."""
    timed = any(clocked(each.when) and each.timeout is not None for each in waits(drawn.journeys))
    return timed and written('"event"', drawn.left["moves"])


def circling(drawn: Drawn) -> bool:
    """Whether runs bring one another in, as some journeys let them, until that is refused."""
    programs = [compile_journey(each, number=1, journey_number=1, version=1, tenant="t") for each in drawn.journeys]
    started = {each.trigger.event for each in drawn.journeys}
    bringing = any(each.chained or each.emits & started for each in programs)
    return bringing and any("event loop" in row for row in drawn.left["refusals"])


def waits(chosen: Iterable[Journey]) -> Iterator[Wait]:
    """Yield the Waits of journeys."""
    return (step for journey in chosen for step in journey.steps if isinstance(step, Wait))


def written(word: str, rows: Iterable[tuple[object, ...]]) -> bool:
    """Return whether a word stands in a text of some row."""
    return any(word in value for row in rows for value in row if isinstance(value, str))


BEGIN_ANEW = "(causes if len(self.runs) > 60 else frozenset()) | self.caused.get(serial, frozenset())"
"""What a run does has no causes but itself; from some number of runs on it has, so that circles end."""

CORNERS: dict[str, tuple[Callable[[Drawn], bool], list[Fault]]] = {
    "R6: an instant earlier than the run's last one": (
        late,
        [
            ("work.working_set", "if at < run.last_at:", "if False:"),
            ("work.stages", "max(event.at, run.last_at)", "event.at"),
        ],
    ),
    "R30: the same Send again in no time": (
        looping,
        [("machine.behaviours", "walk.step in walk.sends", "False")],
    ),
    "R31: a message exactly as long ago as a rolling cap is long": (
        capped,
        [("definition.policies", "(end := add(each, length, where)) > at", "(end := add(each, length, where)) >= at")],
    ),
    "R31: a transactional Send outside its window": (
        windowed,
        [("machine.gates", "return TRANSACTIONAL", "return ()")],
    ),
    "R34: the weekday of an overnight window": (
        overnight,
        [
            (
                "basics.hours",
                "day.weekday() not in window.weekdays",
                "(day.weekday() + (window.end < window.start)) % 7 not in window.weekdays",
            )
        ],
    ),
    "R34: an overnight window ends on the next day": (
        overnight,
        [("basics.hours", "86_400 if window.end < window.start else 0", "0")],
    ),
    "R37: a date of the very instant": (
        dated,
        [("machine.waits", '"past" if target < since', '"past" if target <= since')],
    ),
    "R37: what is waited for comes at the very timeout": (
        awaiting,
        [("machine.waits", 'or (last_moment and found == "event")', "")],
    ),
    "R42: an exit's condition at an event that changes nothing": (
        asking,
        [("work.stages", "way.when is not None and event.changed", "way.when is not None")],
    ),
    "R52: an unsubscription withdraws consent": (
        unsubscribing,
        [("work.engagement", "kind in WITHDRAWING or", 'kind == "complained" or')],
    ),
    "R53: a run brought in by another is caused by what caused that": (
        circling,
        [("work.working_set", "causes | self.caused.get(serial, causes)", BEGIN_ANEW)],
    ),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_lives_come_to_the_corners_of_the_rules(corner: str) -> None:
    """What comes of some life is another with a fault planted there."""
    assert any(changed(corner, number, any) for number in range(ROUNDS))


def table() -> str:
    """Return how many lives are changed by a fault in each corner, as lines of text."""
    drawn = sum(len(sample(number)) for number in range(COUNTED))
    counts = {corner: sum(changed(corner, number, sum) for number in range(COUNTED)) for corner in CORNERS}
    return "\n".join([f"of {drawn} lives are changed by a fault:", *(f"{n:4}  {each}" for each, n in counts.items())])


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
