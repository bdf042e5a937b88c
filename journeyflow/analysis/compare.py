"""Comparing two versions or policies by the same people: made-up ones, or the events of the past."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from io import BytesIO
from os import PathLike
from typing import Any, NamedTuple, Unpack, cast

from attrs import evolve

from journeyflow.analysis.impact import Impact, paired
from journeyflow.basics.expecting import tuple_of
from journeyflow.basics.values import describe
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.engine.engine import Engine
from journeyflow.engine.housekeeping import Progress
from journeyflow.errors import InvalidInput
from journeyflow.formats.files import FileKeywords, Source, file_options
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.questions.numbers.totals import Totals
from journeyflow.questions.numbers.trails import Trail, trails
from journeyflow.simulation.backtest import Backtest, Recorded, replay
from journeyflow.simulation.behavior import Behavior
from journeyflow.simulation.host import Entering, Replication, played
from journeyflow.simulation.population import Population
from journeyflow.simulation.recording import Submitted
from journeyflow.simulation.run import check_replications, outcome_of, planned
from journeyflow.simulation.workers import worked
from journeyflow.stores.memory.store import MemoryStore

Variant = Journey | Policies | Iterable[Journey | Policies]
"""One side of a comparison: journeys, policies, or both."""

Lived = tuple[Totals, dict[str, Trail]]
"""The result of one replication: what was counted, and what each participant went through."""


class _Side(NamedTuple):
    """One side of a comparison."""

    journeys: tuple[Journey, ...]
    policies: Policies | None


def compare(
    before: Variant,
    after: Variant,
    *,
    journeys: Iterable[Journey] = (),
    policies: Policies | None = None,
    population: Population | int | None = None,
    start: datetime | None = None,
    until: object = None,
    behavior: Behavior | None = None,
    seed: int = 1,
    replications: int = 1,
    entering: Entering | None = None,
    executor: Executor | None = None,
    events: Source | Iterable[Submitted] | None = None,
    customers: Source | None = None,
    confidence: float = CONFIDENCE,
    progress: Progress | None = None,
    **options: Unpack[FileKeywords],
) -> Impact:
    """Run the same people through a version and through a change of it, and return what the change does.

    `before` and `after` are what differs: a journey each, policies each, or several of both. `journeys` and `policies`
    are the same on both sides. Journeys and steps are compared by their ids, so give both versions the same id.

    With `population`, `start` and `until`, both are simulated, with the arguments of `simulate`: every customer has the
    same luck on both sides, so that differences are those of the change. With `events`, and perhaps `customers`, both
    are back-tested, with the arguments of `backtest`. `executor` runs sides and replications of a simulation side by
    side.

    Raises InvalidInput unless there is either a population, a start and an end, or events; and what those two raise.
    """
    if not 0 < confidence < 1:
        msg = f"confidence lies between 0 and 1, such as {CONFIDENCE}, not {describe(confidence)}"
        raise ValueError(msg)
    common = tuple_of(Journey, "journeys", "journeys", journeys)
    sides = [_side(name, each, common, policies) for name, each in (("before", before), ("after", after))]
    if (population is None) == (events is None):
        raise InvalidInput(["give either population=, start= and until= to simulate, or events= to back-test"])
    if events is not None:
        end, reading, fed, put = _end(until), file_options(options), _again(events), _again(customers)

        def recorded(side: _Side) -> Recorded:
            return Recorded(fed(), put(), end, side.policies, None, reading)

        return _backtested(sides, recorded, confidence, progress)
    if population is None or start is None or until is None:
        raise InvalidInput(["a simulation needs population=, start= and until="])
    check_replications(replications)
    plans = [
        planned(each.journeys, population, start, until, behavior, seed, each.policies, entering) for each in sides
    ]
    return _simulated(plans, replications, executor, confidence, progress)


def _side(side: str, variant: Variant, journeys: tuple[Journey, ...], policies: Policies | None) -> _Side:
    """Return one side of a comparison, with what both have."""
    parts = tuple_of((Journey, Policies), "a journey, policies, or several of both", side, variant)
    own = [each for each in parts if isinstance(each, Policies)]
    if len(own) > 1:
        raise InvalidInput([f"a side has one Policies at most, not {len(own)}"])
    return _Side((*journeys, *(each for each in parts if isinstance(each, Journey))), own[0] if own else policies)


# --- by simulation ----------------------------------------------------------------------------------------------------


def lived(plan: Replication) -> Lived:
    """Run one replication, and return what was counted and what each participant went through."""
    with played(plan) as (tallies, store), store.reader() as reader:
        return tallies, trails(reader)


def _simulated(
    sides: Sequence[Replication],
    replications: int,
    executor: Executor | None,
    confidence: float,
    progress: Progress | None,
) -> Impact:
    """Compare both sides seed by seed; only the trails of one seed are kept at a time."""
    plans = [evolve(side, seed=side.seed + n) for n in range(replications) for side in sides]
    tallies, changed = list[Totals](), list[str]()
    counted = list[Totals](), list[Totals]()
    runs = worked(lived, plans, executor, progress)
    for (one, first), (two, second) in zip(runs, runs, strict=True):
        counted[0].append(one)
        counted[1].append(two)
        found, who = paired(first, second)
        tallies.append(found)
        changed += who
    before, after = (outcome_of(plan, each) for plan, each in zip(sides, counted, strict=True))
    return Impact(before, after, tuple(changed), confidence, tuple(tallies))


# --- by the events of the past ----------------------------------------------------------------------------------------


def _backtested(
    sides: Sequence[_Side],
    recorded: Callable[[_Side], Recorded],
    confidence: float,
    progress: Progress | None,
) -> Impact:
    """Compare both sides by the same events."""
    if not all(side.journeys for side in sides):
        raise InvalidInput(["journeys: give one at least"])
    (before, first), (after, second) = worked(lambda side: _relived(side, recorded(side)), sides, None, progress)
    found, changed = paired(first, second)
    return Impact(before, after, tuple(changed), confidence, (found,))


def _relived(side: _Side, recorded: Recorded) -> tuple[Backtest, dict[str, Trail]]:
    """Run one back-test, and return it and what each customer went through."""
    with Engine(MemoryStore(), grace=None, max_jump=None, scrub=False) as engine:
        done = replay(engine, side.journeys, recorded)
        with engine.store.reader() as reader:
            return done, trails(reader)


def _again(source: object) -> Callable[[], Any]:
    """Return a function that returns a source as often as it is called, also one that can be read once."""
    if source is None or isinstance(source, str | PathLike):
        return lambda: source
    if hasattr(source, "read"):
        data = source.read()
        return lambda: BytesIO(data)
    events = tuple(cast("Iterable[Submitted]", source))
    return lambda: events


def _end(until: object) -> datetime | None:
    if until is not None and not isinstance(until, datetime):
        raise InvalidInput([f"until: a back-test ends at an instant, not at {describe(until)}"])
    return until
