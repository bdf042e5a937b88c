"""Simulation: the real engine over made-up people, replication by replication, in this process or in others."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Final

from attrs import evolve

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.expecting import expect, expect_with, tuple_of
from journeyflow.basics.moments import from_micros, to_micros, zone
from journeyflow.basics.values import describe
from journeyflow.definition.entry import Limits
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.engine.core import LOG
from journeyflow.engine.housekeeping import Progress
from journeyflow.errors import InvalidInput
from journeyflow.questions.numbers.totals import Totals
from journeyflow.simulation.behavior import Behavior
from journeyflow.simulation.host import Entering, Replication, run_plan
from journeyflow.simulation.naming import journey_faults, unknown_names
from journeyflow.simulation.outcome import Outcome
from journeyflow.simulation.population import Population
from journeyflow.simulation.recording import Submitted
from journeyflow.simulation.workers import worked


def simulate(
    journeys: Journey | Iterable[Journey],
    *,
    population: Population | int,
    start: datetime,
    until: object,
    behavior: Behavior | None = None,
    seed: int = 1,
    replications: int = 1,
    policies: Policies | None = None,
    entering: Entering | None = None,
    record: list[Submitted] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run journeys over made-up people, and return the outcome.

    `population` is who takes part and when they come, or just how many. On coming, a participant's attributes are put,
    and the event of each journey's trigger is fed if only a host can cause it; journeys with a manual trigger enroll
    everybody. `entering` is the host's own list of events instead. `behavior` is what people do; by default nothing.
    `until` is an instant, or a length of time from `start`.

    The same seed gives the same outcome, byte by byte, whatever the executor. `replications` repeats the run with
    further seeds (`seed`, `seed` + 1, ...), so that figures have a band. `executor`, any
    `concurrent.futures.Executor`, runs replications side by side; a single one is cut by people if the journeys share
    nothing between them (no entry limits, no pulls of a given size). So are large populations without an executor, so
    that memory holds only some of the people at a time. `record` takes what the host of the first replication
    did, in its order, to be back-tested: `Event`, `Put` (attributes), `Enroll` (by hand), and `Deliver` where its
    workers took messages.

    Exceptions of `behavior` that are about no message of these journeys are a warning in the log. Raises InvalidInput
    for an end before the start and for journeys that share an id, ValueError for numbers that cannot be, InvalidJourney
    for a journey with errors.
    """
    many = tuple_of(Journey, "journeys", "journeys", journeys)
    expect_with("append", "a list", optional=True, record=record)
    plan = planned(many, population, start, until, behavior, seed, policies, entering)
    check_replications(replications)
    for fault in unknown_names(plan.behavior, many):
        LOG.warning("behavior: %s", fault)
    return outcome_of(plan, _run_all(plan, replications, executor, progress, record))


def planned(  # noqa: PLR0917 what a simulation depends on
    journeys: tuple[Journey, ...],
    population: Population | int,
    start: datetime,
    until: object,
    behavior: Behavior | None,
    seed: int,
    policies: Policies | None,
    entering: Entering | None,
) -> Replication:
    """Return the first replication of a simulation; the arguments and errors are those of `simulate`."""
    people = Population(size=population) if isinstance(population, int) else population
    expect(Population, int, population=people)
    expect(Behavior, type(None), behavior=behavior)
    expect(Policies, type(None), policies=policies)
    expect(int, seed=seed)
    begin = to_micros(start, "start")
    end = to_micros(until, "until") if isinstance(until, datetime) else add(begin, Duration.parse(until), zone("UTC"))
    _check(journeys, begin, end)
    return Replication(journeys, people, behavior or Behavior(), begin, end, seed, policies, entering)


def outcome_of(plan: Replication, tallies: Sequence[Totals]) -> Outcome:
    """Return the outcome of a plan and its further replications, from what each counted."""
    seeds = tuple(range(plan.seed, plan.seed + len(tallies)))
    journeys = {each.id: each for each in plan.journeys}
    return Outcome(from_micros(plan.start), from_micros(plan.end), seeds, journeys, tuple(map(_in_order, tallies)))


def _check(journeys: Sequence[Journey], begin: int, end: int) -> None:
    """Raise InvalidInput for what cannot be simulated."""
    faults = journey_faults(journeys)
    if end <= begin:
        faults.append("until: it must lie after the start")
    if faults:
        raise InvalidInput(faults)


def check_replications(replications: int) -> None:
    """Raise ValueError unless the number of replications is an integer from 1 on, and can be done."""
    if type(replications) is not int or not 1 <= replications <= MAX_REPLICATIONS:
        msg = f"replications must be 1 to {MAX_REPLICATIONS:,}, not {describe(replications)}"
        raise ValueError(msg)


def _run_all(
    plan: Replication,
    replications: int,
    executor: Executor | None,
    progress: Progress | None,
    record: list[Submitted] | None,
) -> tuple[Totals, ...]:
    """Run every replication, side by side if there is an executor; return what each counted."""
    fewest = FEWEST if executor is not None and replications == 1 else 1
    parts = _parts(plan, fewest) if record is None else 1
    plans = [evolve(plan, seed=plan.seed + n, part=k, parts=parts) for n in range(replications) for k in range(parts)]
    if executor is not None and record is None:
        done = list(worked(run_plan, plans, executor, progress))
    else:
        done = list[Totals]()
        for number, each in enumerate(plans):
            within = _within(progress, number, parts) if progress is not None and replications == 1 else None
            done.append(run_plan(each, record if number == 0 else None, within))
            if progress is not None:
                progress(number + 1, len(plans))
    return tuple(_summed(done[n * parts : (n + 1) * parts]) for n in range(replications))


def _within(progress: Progress, part: int, parts: int) -> Progress:
    """Return the callback for the progress of one of several parts of the same length."""
    return lambda done, length: progress(part * length + done, parts * length)


def _summed(parts: Sequence[Totals]) -> Totals:
    """Return the sum of the parts of one replication."""
    total: Totals = Counter()
    for part in parts:
        total.update(part)
    return total


def _in_order(tally: Totals) -> Totals:
    """Return a tally in an order that does not depend on how it was counted."""
    return Counter(dict(sorted(tally.items(), key=lambda each: repr(each[0]))))


MAX_REPLICATIONS: Final = 100_000
"""Replications of one simulation: more show nothing that fewer do not."""

PART: Final = 10_000
"""How many people are simulated together at least. A part keeps only its own people in memory, but has its own ticks,
which cost the more the fewer people share one. People who come one after the other share most."""

FEWEST: Final = 4
"""Into how many parts people are cut for an executor at least: more than workers let none wait long for the last."""


def _parts(plan: Replication, fewest: int) -> int:
    """Return into how many parts the people of a plan are cut: one if the journeys share something between them."""
    shared = any(map(_shares, plan.journeys))
    return 1 if shared else max(fewest, len(plan.population.comings(**plan.span)) // PART)


def _shares(journey: Journey) -> bool:
    """Return whether what happens to one person in a journey may depend on others."""
    pull = journey.trigger.pull
    return journey.limits != Limits() or (pull is not None and pull.size is not None)
