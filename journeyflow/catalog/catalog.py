"""The catalog: which journeys exist, in which state and version, as of any instant (R11, R12)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.words import MESSAGE_FAILED, State
from journeyflow.definition.dates import TIMEZONE
from journeyflow.definition.policies import PolicyHistory
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.steps import Update
from journeyflow.machine.program import Program
from journeyflow.records.changes import CatalogChanges
from journeyflow.records.forgetting import OWED, TRACES
from journeyflow.records.message_ids import nonces_of
from journeyflow.records.suppression import KEY, SUPPRESSING

NONE: frozenset[str] = frozenset()


@frozen
class JourneyRecord:
    """One journey with its history: `transitions` are (instant, state) in order, `versions` (instant, program).

    A version is listed once for every time it became the newest (R12).
    """

    number: int
    tenant: str
    id: str
    transitions: tuple[tuple[int, State], ...]
    versions: tuple[tuple[int, Program], ...]
    flags: tuple[tuple[int, frozenset[str]], ...] = ()
    """The unpublished steps from each instant on, in order (R17)."""
    newest_state: State = field(init=False)
    """The state after all transitions so far."""

    @newest_state.default
    def _(self) -> State:
        return self.transitions[-1][1] if self.transitions else "DRAFT"

    settled_at: int = field(init=False, repr=False)
    """The instant from which state, version and unpublished steps are the newest ones."""

    @settled_at.default
    def _(self) -> int:
        return max((each[0] for each in (*self.transitions[-1:], *self.versions[-1:], *self.flags[-1:])), default=0)

    def state(self, at: int) -> State:
        """Return the state as of an instant; DRAFT before the first transition (R11)."""
        if self.transitions and at >= self.transitions[-1][0]:  # the usual case; the search below agrees
            return self.transitions[-1][1]
        position = bisect_right(self.transitions, at, key=lambda each: each[0])
        return self.transitions[position - 1][1] if position else "DRAFT"

    @property
    def newest_at(self) -> int | None:
        """The instant of the newest transition, None before the first."""
        return self.transitions[-1][0] if self.transitions else None

    @property
    def newest(self) -> Program:
        """The newest version."""
        return self.versions[-1][1]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the journey's days are counted: that of its first version, so it never changes (R82)."""
        return min((program for _, program in self.versions), key=lambda program: program.version).zone

    def program(self, at: int) -> Program:
        """Return the newest version as of an instant; before that, the first one (R11)."""
        if at >= self.versions[-1][0]:  # the usual case; the search below agrees
            return self.versions[-1][1]
        position = bisect_right(self.versions, at, key=lambda each: each[0])
        return self.versions[max(position - 1, 0)][1]

    def was_limited(self, at: int) -> bool:
        """Return whether a version has had entry limits by an instant, so that entries then count (R23)."""
        return any(program.limits for since, program in self.versions if since <= at)

    def unpublished(self, at: int) -> frozenset[str]:
        """Return the unpublished steps as of an instant (R17)."""
        position = bisect_right(self.flags, at, key=lambda each: each[0])
        return self.flags[position - 1][1] if position else NONE

    @property
    def newest_unpublished(self) -> frozenset[str]:
        """The unpublished steps after all flags so far."""
        return self.flags[-1][1] if self.flags else NONE

    def resumes(self, after: int) -> int | None:
        """Return the first instant after another at which the journey becomes ACTIVE, or None if unknown (R16)."""
        return next((at for at, state in self.transitions if at > after and state == "ACTIVE"), None)


@frozen
class Catalog:
    """Every journey of every tenant, ready to run; `revision` shows whether a newer catalog exists.

    Lookup tables are built on first use: deploying a thousand journeys one by one builds them once, in the next tick.
    """

    revision: int
    settings: Mapping[str, str] = field(repr=False)
    """The settings of the database, as text."""
    journeys: Mapping[int, JourneyRecord]
    programs: Mapping[int, Program] = field(repr=False)
    """Every version, by its number."""
    by_name: Mapping[tuple[str, str], JourneyRecord] = field(repr=False)
    policies: Mapping[str, PolicyHistory] = field(factory=dict, repr=False)
    """The policies of every tenant that has set any (R31)."""
    holds: Mapping[str, Sequence[tuple[int, frozenset[str]]]] = field(factory=dict, repr=False)
    """The held channels of each tenant that ever held one, from each instant on, in order (R71)."""
    next_journey: int = 1
    next_version: int = 1
    nonces: Sequence[str] = field(init=False)
    """The prefixes of message ids, the current one last (R70)."""
    grace: int | None = field(init=False)
    """How late work may be found before its instant is softened (R5), in microseconds; None is no limit."""
    traces: bool = field(init=False)
    """Whether the file's free space may still hold data of a customer whom a step has forgotten (R86)."""

    @nonces.default
    def _(self) -> Sequence[str]:
        return nonces_of(self.settings)

    @grace.default
    def _(self) -> int | None:
        grace = self.settings.get("grace")
        return int(grace) if grace else None

    @traces.default
    def _(self) -> bool:
        return self.settings.get(TRACES) == OWED

    @property
    def suppression_key(self) -> str:
        """The key of the suppression list (R86)."""
        return self.settings[KEY]

    @cached_property
    def suppressing(self) -> bool:
        """Whether the suppression list has entries (R86)."""
        return SUPPRESSING in self.settings

    def when_forgetting(self, *, traces: bool) -> CatalogChanges:
        """Return what to note with a commit that forgets: that the list has entries, and traces owed to the medium.

        Traces are noted even if some are owed already, so that a scrub that is going on sees another revision.
        """
        listed = () if self.suppressing else ((SUPPRESSING, "yes"),)
        return CatalogChanges(meta=(*listed, *(((TRACES, OWED),) if traces else ())))

    @cached_property
    def _by_tenant(self) -> Mapping[str, tuple[JourneyRecord, ...]]:
        found: dict[str, list[JourneyRecord]] = {}
        for name in sorted(self.by_name):
            found.setdefault(name[0], []).append(self.by_name[name])
        return {tenant: tuple(records) for tenant, records in found.items()}

    def of_tenant(self, tenant: str) -> tuple[JourneyRecord, ...]:
        """Return the journeys of a tenant, sorted by id; what it costs does not depend on other tenants."""
        return self._by_tenant.get(tenant, ())

    @cached_property
    def triggered(self) -> Mapping[tuple[str, str], tuple[JourneyRecord, ...]]:
        """The journeys that an event triggers, by (tenant, event type), sorted by id (R9).

        Versions that are no longer the newest count too.
        """
        found: dict[tuple[str, str], list[JourneyRecord]] = {}
        for name in sorted(self.by_name):
            record = self.by_name[name]
            for event in {program.journey.trigger.event for _, program in record.versions}:
                if event:
                    found.setdefault((record.tenant, event), []).append(record)
        return {key: tuple(records) for key, records in found.items()}

    @cached_property
    def listened(self) -> Mapping[str, frozenset[str]]:
        """The types of events that any version of a tenant listens to."""
        found: dict[str, set[str]] = {}
        for program in self.programs.values():
            found.setdefault(program.tenant, set()).update(program.listens)
        return {tenant: frozenset(types) for tenant, types in found.items()}

    @cached_property
    def watched(self) -> frozenset[str]:
        """The tenants with journeys that react to changed attributes of their customers (R42)."""
        return frozenset(program.tenant for program in self.programs.values() if program.watches_customer)

    def hears(self, tenant: str, event: str, changed: str) -> bool:
        """Return whether any version of a tenant reacts to an event, or to the `changed` attribute that it reports."""
        return event in self.listened.get(tenant, NONE) or (changed != "" and tenant in self.watched)

    @cached_property
    def hears_failures(self) -> bool:
        """Whether any version of any tenant listens to messages that are given up."""
        return any(MESSAGE_FAILED in types for types in self.listened.values())

    @cached_property
    def dated(self) -> Mapping[str, frozenset[str]]:
        """The attributes that any version of a tenant reads as dates, and "timezone" where that is read (R33, R37)."""
        found = {tenant: {TIMEZONE} for tenant in self.policies}
        for program in self.programs.values():
            found.setdefault(program.tenant, set()).update(program.dated)
        return {tenant: frozenset(paths) for tenant, paths in found.items() if paths}

    @cached_property
    def dated_events(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """What any version of a tenant reads as dates in the data of events, by tenant and type of event (R37)."""
        found: dict[tuple[str, str], set[str]] = {}
        for program in self.programs.values():
            for kind, paths in program.dated_events.items():
                found.setdefault((program.tenant, kind), set()).update(paths)
        return {key: frozenset(paths) for key, paths in found.items()}

    @cached_property
    def reading_posts(self) -> frozenset[int]:
        """The versions whose rules read messages (R59)."""
        return frozenset(number for number, program in self.programs.items() if program.reads_posts)

    @cached_property
    def converting(self) -> frozenset[int]:
        """The versions whose goals may read messages, of runs that have ended too (R42, R59)."""
        asking = (number for number, program in self.programs.items() if program.goal and program.goal.where)
        return self.reading_posts.intersection(asking)

    @cached_property
    def forgetting(self) -> frozenset[str]:
        """The tenants with a step, in any version, that forgets customers (R39)."""
        return frozenset(program.tenant for program in self.programs.values() if _forgets(program))

    @cached_property
    def limited(self) -> Mapping[int, int]:
        """The journeys with entry limits in any version, each with its largest limit (R23)."""
        largest = ((record.number, _largest_limit(record)) for record in self.journeys.values())
        return {number: limit for number, limit in largest if limit}

    @cached_property
    def pulling(self) -> frozenset[int]:
        """The journeys that pull customers in, in any version (R27)."""
        return frozenset(program.journey_number for program in self.programs.values() if program.pull)

    @cached_property
    def unheard(self) -> frozenset[int]:
        """The versions whose runs emit nothing that any journey listens to, and give no orders to other runs.

        Of the customers of such runs, a batch has to load only the attributes.
        """
        return frozenset(
            number
            for number, program in self.programs.items()
            if not program.chained
            and program.tenant not in self.watched
            and program.emits.isdisjoint(self.listened[program.tenant])
        )

    def held(self, at: int) -> frozenset[tuple[str, str]]:
        """Return the channels that are held as of an instant, as (tenant, channel) (R71)."""
        return frozenset((tenant, channel) for tenant in self.holds for channel in self.held_of(tenant, at))

    def held_of(self, tenant: str, at: int) -> frozenset[str]:
        """Return the channels of a tenant that are held as of an instant."""
        history = self.holds.get(tenant, ())
        position = bisect_right(history, at, key=lambda each: each[0])
        return history[position - 1][1] if position else NONE

    @cached_property
    def paused(self) -> frozenset[int]:
        """The journeys that were ever paused."""
        return frozenset(
            record.number for record in self.journeys.values() if any("PAUSED" in each for each in record.transitions)
        )

    @cached_property
    def paused_since(self) -> Mapping[int, int]:
        """The journeys that are paused, with the instants of their pauses."""
        return {
            number: record.transitions[-1][0]
            for number, record in self.journeys.items()
            if record.newest_state == "PAUSED"
        }

    @cached_property
    def zones(self) -> Mapping[int, ZoneInfo]:
        """The zone in which the days of each journey are counted, by the journey's number."""
        return {number: record.zone for number, record in self.journeys.items()}

    @cached_property
    def capped(self) -> frozenset[str]:
        """The tenants whose caps count messages."""
        return frozenset(tenant for tenant, timeline in self.policies.items() if timeline.reach is not None)

    @cached_property
    def flagged(self) -> frozenset[int]:
        """The journeys that have, or once had, an unpublished step (R17)."""
        return frozenset(number for number, record in self.journeys.items() if record.flags)

    def unpublished_of(self, program: Program, at: int) -> frozenset[str]:
        """Return the unpublished steps of a version's journey as of an instant (R17)."""
        number = program.journey_number
        return self.journeys[number].unpublished(at) if number in self.flagged else NONE


def build_catalog(
    revision: int,
    settings: Mapping[str, str],
    records: Iterable[JourneyRecord],
    policies: Mapping[str, PolicyHistory] | None = None,
    numbers: tuple[int, int] = (1, 1),
) -> Catalog:
    """Return a catalog of these journeys; `numbers` are those of the next journey and the next version."""
    journeys = {record.number: record for record in records}
    return Catalog(
        revision,
        settings,
        journeys,
        {program.number: program for record in journeys.values() for _, program in record.versions},
        {(record.tenant, record.id): record for record in journeys.values()},
        policies or {},
        next_journey=numbers[0],
        next_version=numbers[1],
    )


def _forgets(program: Program) -> bool:
    """Return whether a step of a version forgets customers."""
    changes = (change for step in program.journey.steps if isinstance(step, Update) for change in step.changes)
    return any(isinstance(change, Chain) and change.action == "forget" for change in changes)


def _largest_limit(record: JourneyRecord) -> int:
    """Return the largest entry limit of any version of a journey, 0 if there is none."""
    return max((count for _, program in record.versions for _, count in program.limits), default=0)
