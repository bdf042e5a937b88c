"""Forecasts: a store as it stands goes on in memory, again and again, with the people and reactions of its own past.

What a forecast says is counted from its beginning on. The store is read once and never written to.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.expecting import expect
from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import DAY, from_micros, to_micros, zone
from journeyflow.basics.showing import counted
from journeyflow.basics.values import Attributes
from journeyflow.basics.words import ACTIVE, HOLDOUT
from journeyflow.definition.drawings import svg
from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.drawing.charts import Diagram
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.questions.customers import all_customers
from journeyflow.questions.history import active_keys, last_tick, sent_since
from journeyflow.questions.numbers.totals import Totals, resting, totals
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.bands import Band
from journeyflow.simulation.behavior import Behavior, Fit
from journeyflow.simulation.host import Replication, SimulatedHost
from journeyflow.simulation.outcome import Outcome
from journeyflow.simulation.page import BAND, messages_by_day, section_of_messages, step_counts
from journeyflow.simulation.population import Population, PopulationFit
from journeyflow.simulation.run import check_replications
from journeyflow.simulation.wording import came
from journeyflow.simulation.workers import worked
from journeyflow.stores.memory.store import MemoryStore
from journeyflow.stores.snapshot import standing

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from journeyflow.engine.housekeeping import Progress
    from journeyflow.records.changes import Changes
    from journeyflow.records.public import Message

LOOK_BACK: Final = 30 * DAY
"""How long after it was sent people may still react to a message that the store has."""

STOCKS: Final = ("enrollments", "converted", "minutes")
"""What is counted over all of a store: a forecast says by how much it changes."""

NEWCOMER: Final = "forecast-"
"""What the ids of people begin with who have not come yet."""

NOBODY: Final = Population(records=())


@frozen(repr=False)
class Forecast(Rows):
    """What will come of a store, counted from `at` to `until`, both in UTC; figures are bands over replications.

    `outcome` has every figure: messages, visits, refusals and so on; of enrollments it has by how many more they become
    in each status. `inside` is how many rest at each (journey, step) at `at`. `behavior` and `population` are what was
    fitted, None where the host gave one.
    """

    outcome: Outcome
    inside: Mapping[tuple[str, str], int]
    behavior: Fit | None = None
    population: PopulationFit | None = None

    @property
    def at(self) -> datetime:
        """The instant from which on the forecast counts, in UTC."""
        return self.outcome.start

    @property
    def until(self) -> datetime:
        """The end of the forecast, in UTC."""
        return self.outcome.until

    @property
    def journeys(self) -> Mapping[str, Journey]:
        """The journeys by id, in their newest version."""
        return self.outcome.journeys

    @property
    def messages(self) -> Mapping[str, Band]:
        """How many messages will be made, by channel."""
        return {str(channel): found for (channel,), found in self.outcome.groups("messages", 2).items()}

    def messages_per_day(self) -> dict[tuple[str, str], Band]:
        """Return how many messages will be made by (UTC day, channel)."""
        return self.outcome.messages_per_day()

    def entered(self, journey: str) -> Band:
        """Return how many enrollments a journey will get, without its holdout."""
        return self.outcome.entered(journey)

    def ends(self, journey: str) -> dict[str, Band]:
        """Return how many enrollments of a journey will end, by status."""
        return {name: found for name, found in self.outcome.statuses(journey).items() if name != ACTIVE}

    def ended(self, journey: str) -> Band:
        """Return how many enrollments of a journey will end."""
        return self.outcome.figure("ended", journey)

    def resting(self, journey: str) -> dict[str, tuple[int, Band]]:
        """Return how many enrollments of a journey rest at each step: now, and at the end of the forecast."""
        later, none = self.outcome.resting(journey), Band(0, 0, 0)
        steps = [step.id for step in self.journeys[journey].steps]
        steps += sorted({step for (name, step) in self.inside if name == journey} - {*steps})  # of earlier versions
        found = {step: (self.inside.get((journey, step), 0), later.get(step, none)) for step in steps}
        return {step: both for step, both in found.items() if both != (0, none)}

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every figure as a plain row (see `Outcome.to_dicts`); "inside" is who rests where at `at`."""
        inside = [
            {"figure": "inside", "journey": journey, "step": step, "median": count, "low": count, "high": count}
            for (journey, step), count in self.inside.items()
        ]
        return [*inside, *self.outcome.to_dicts()]

    def __repr__(self) -> str:
        """Return the span, and how many messages and entries are to be expected."""
        sent = ", ".join(f"{found} {channel}" for channel, found in self.messages.items()) or "no messages"
        played = counted(len(self.outcome.seeds), "replication")
        return f"Forecast({self.at:%Y-%m-%d} to {self.until:%Y-%m-%d}; {sent}; {played})"

    def __str__(self) -> str:
        """Return the forecast as text for people."""
        return "\n".join(self._lines())

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the forecast, and `to_html()` writes it as one page of HTML.

        The page has messages by day with their bands, and for each journey its picture with who rests where at the end.
        """
        span = f"{self.at:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"
        played = counted(len(self.outcome.seeds), "replication")
        lead = [
            f"{span}, {played}: {BAND}",
            f"{counted(self.outcome.customers, 'customer')} will come.",
        ]
        sections = [
            section_of_messages(self.outcome),
            *map(self._section, self.journeys),
        ]
        return ReportPage(f"Forecast of {', '.join(self.journeys)}", lead, sections, str(self))

    def _pictures(self) -> Iterator[Diagram]:
        return messages_by_day(self.outcome)

    def _section(self, name: str) -> Section:
        who = came(self.outcome, name, "will enter", "will be in the holdout")
        ends = ", ".join(f"{found} {status.lower()}" for status, found in self.ends(name).items())
        rows = [(step, now, str(later)) for step, (now, later) in self.resting(name).items()]
        resting = [PlainTable(("step", "inside now", "at the end"), rows)] if rows else []
        counts = {step: evolve(each, waiting=None) for step, each in step_counts(self.outcome, name).items()}
        picture = svg(self.journeys[name], counts=counts)
        return Section(f"Journey {name}", [f"{who}; {ends or 'none will end'}."], [*resting, picture])

    def _lines(self) -> Iterator[str]:
        count = len(self.outcome.seeds)
        yield (
            f"{self.at:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC, {counted(count, 'replication')}:"
            " median (a tenth below to a tenth above)"
        )
        yield f"{counted(self.outcome.customers, 'customer')} will come"
        for name in self.journeys:
            ends = ", ".join(f"{found} {status.lower()}" for status, found in self.ends(name).items())
            yield ""
            who = came(self.outcome, name, "will enter", "will be in the holdout")
            yield f"Journey {name}: {who}; {ends or 'none will end'}"
            for step, (now, later) in self.resting(name).items():
                yield f"  {step:<20} {now:>8} inside now, then {later}"
        if self.messages:
            yield ""
            yield "Messages: " + ", ".join(f"{found} {channel}" for channel, found in self.messages.items())
            for (day, channel), found in self.messages_per_day().items():
                yield f"  {day}  {channel:<10} {found}"


@frozen(repr=False)
class _Standing:
    """A store as it stands: its content, and what a simulated host must know of it."""

    content: "Changes"
    customers: Mapping[str, Attributes]
    messages: "Sequence[Message]"
    before: Totals
    inside: Mapping[tuple[str, str], int] = field(factory=dict)
    keys: Sequence[tuple[str, str, str]] = ()


def forecast(
    engine: Engine,
    *,
    until: object,
    at: datetime | None = None,
    since: datetime | None = None,
    behavior: Behavior | Fit | None = None,
    population: Population | PopulationFit | int | None = None,
    seed: int = 1,
    replications: int = 20,
    tenant: str = DEFAULT_TENANT,
    executor: "Executor | None" = None,
    progress: "Progress | None" = None,
) -> Forecast:
    """Return what will come of a store: those inside go on from where they rest, and new customers come.

    The store is copied and not touched. `at` is when the forecast begins, by default the last tick; `until` is an
    instant, or a length of time from `at`. `behavior` and `population` say what people do and who comes; by default
    they are fitted to the store's history from `since` on, and each replication draws its rates from what they may be
    (`Behavior.fit`, `Population.fit`). 0 people means that no new customers come. `executor`, any
    `concurrent.futures.Executor`, runs the replications side by side, and sends each of them what stands in the store.
    The same seed gives the same forecast, whatever the executor.

    Raises InvalidInput for an end before the beginning and for a store without history, ValueError for numbers that
    cannot be.
    """
    expect(Engine, engine=engine)
    refuse(name_faults(tenant=tenant))
    expect(Behavior, Fit, type(None), behavior=behavior)
    expect(Population, PopulationFit, int, type(None), population=population)
    expect(int, seed=seed)
    check_replications(replications)
    start, end = _span(engine, at, until)
    begin = from_micros(start)
    if behavior is None:
        behavior = Behavior.fit(engine, since=since, until=begin, tenant=tenant)
    if population is None:
        population = Population.fit(engine, since=since, until=begin, tenant=tenant)
    elif isinstance(population, int):
        population = Population(size=population) if population else NOBODY
    bound = engine.tenant(tenant)
    journeys = tuple(
        bound.definition(each.id) for each in bound.journeys(take=None) if each.status not in {"DRAFT", "ARCHIVED"}
    )
    known = _stand(engine, tenant, start)
    seeds = tuple(range(seed, seed + replications))
    plans = [_planned(journeys, population, behavior, (start, end), each) for each in seeds]
    tallies = tuple(worked(partial(_replicate, known, tenant), plans, executor, progress))
    outcome = Outcome(begin, from_micros(end), seeds, {each.id: each for each in journeys}, tallies)
    return Forecast(
        outcome,
        known.inside,
        behavior if isinstance(behavior, Fit) else None,
        population if isinstance(population, PopulationFit) else None,
    )


def _planned(
    journeys: tuple[Journey, ...],
    population: Population | PopulationFit,
    behavior: Behavior | Fit,
    span: tuple[int, int],
    seed: int,
) -> Replication:
    """Return one replication, with what its seed draws from what was fitted."""
    acting = behavior.drawn(seed) if isinstance(behavior, Fit) else behavior
    people = population.drawn(seed) if isinstance(population, PopulationFit) else population
    entering = evolve(population.entering, seed=seed) if isinstance(population, PopulationFit) else None
    return Replication(journeys, evolve(people, prefix=NEWCOMER), acting, *span, seed, entering=entering)


def _span(engine: Engine, at: datetime | None, until: object) -> tuple[int, int]:
    """Return the beginning and the end of a forecast."""
    if at is None:
        with engine.store.reader() as reader:
            start = last_tick(reader)
        if start is None:
            raise InvalidInput(["at: the engine has never ticked; say when the forecast begins"])
    else:
        start = to_micros(at, "at")
    end = to_micros(until, "until") if isinstance(until, datetime) else add(start, Duration.parse(until), zone("UTC"))
    if end <= start:
        raise InvalidInput([f"until: it must lie after {from_micros(start).isoformat()}"])
    return start, end


def _stand(engine: Engine, tenant: str, at: int) -> _Standing:
    """Read a store as it stands, in one view."""
    with engine.store.reader() as reader:
        counted = totals(reader, tenant)
        inside = {(str(journey), str(step)): n for (_, journey, step), n in sorted(resting(reader, tenant).items())}
        return _Standing(
            standing(reader),
            dict(all_customers(reader, tenant)),
            tuple(sent_since(reader, tenant, at - LOOK_BACK)),
            Counter({key: count for key, count in counted.items() if key[0] in STOCKS}),
            inside,
            active_keys(reader, tenant),
        )


def _replicate(known: _Standing, tenant: str, plan: Replication) -> Totals:
    """Run a copy of the store on once, and return what was counted."""
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.commit(known.content)
    with Engine(store, grace=None, max_jump=None, scrub=False) as engine:
        host = SimulatedHost(plan, engine.tenant(tenant))
        host.go_on(known.customers, known.messages, known.keys)
        host.welcome()
        host.live(None)
        with store.figures() as reader:
            found = totals(reader, tenant)
            host.tallies.update(resting(reader, tenant))
    found.subtract(known.before)
    for key, count in found.items():
        if key[0] == "enrollments" and key[2] not in {ACTIVE, HOLDOUT}:
            host.tallies["ended", key[1]] += count
    host.tallies.update({("inside", *where): count for where, count in known.inside.items()})
    host.tallies.update({key: count for key, count in found.items() if count})
    return host.tallies
