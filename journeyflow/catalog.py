"""What journeys there are, in which state, in which version, as of any instant (R11, R12)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.policies import Timeline
from journeyflow.program import Program
from journeyflow.records import State

NONE: frozenset[str] = frozenset()


@frozen
class JourneyRecord:
    """One journey with its history: `transitions` are (instant, state) in order, `versions` (instant, program).

    A version stands there once for every time it became the newest (R12).
    """

    number: int
    tenant: str
    id: str
    transitions: tuple[tuple[int, State], ...]
    versions: tuple[tuple[int, Program], ...]
    flags: tuple[tuple[int, frozenset[str]], ...] = ()
    """The unpublished steps from an instant on, in order (R17)."""
    newest_state: State = field(init=False)
    """The state after every transition so far."""

    @newest_state.default
    def _(self) -> State:
        return self.transitions[-1][1] if self.transitions else "DRAFT"

    def state(self, at: int) -> State:
        """Give the state as of an instant; DRAFT before the first transition (R11)."""
        if self.transitions and at >= self.transitions[-1][0]:  # nearly always; the search below says the same
            return self.transitions[-1][1]
        position = bisect_right(self.transitions, at, key=lambda each: each[0])
        return self.transitions[position - 1][1] if position else "DRAFT"

    @property
    def newest_at(self) -> int | None:
        """The instant of the newest transition."""
        return self.transitions[-1][0] if self.transitions else None

    @property
    def newest(self) -> Program:
        """The newest version."""
        return self.versions[-1][1]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the journey's days are counted: that of its first version, so that days stay days (R82)."""
        return min((program for _, program in self.versions), key=lambda program: program.version).zone

    def program(self, at: int) -> Program:
        """Give the newest version as of an instant; the first one before that (R11)."""
        if at >= self.versions[-1][0]:  # nearly always; the search below says the same
            return self.versions[-1][1]
        position = bisect_right(self.versions, at, key=lambda each: each[0])
        return self.versions[max(position - 1, 0)][1]

    def unpublished(self, at: int) -> frozenset[str]:
        """Give the unpublished steps as of an instant (R17)."""
        position = bisect_right(self.flags, at, key=lambda each: each[0])
        return self.flags[position - 1][1] if position else NONE

    @property
    def newest_unpublished(self) -> frozenset[str]:
        """The unpublished steps after every flag so far."""
        return self.flags[-1][1] if self.flags else NONE

    def resumes(self, after: int) -> int | None:
        """Give the next instant after another at which the journey becomes ACTIVE, if that is known (R16)."""
        return next((at for at, state in self.transitions if at > after and state == "ACTIVE"), None)


def nonce_name(number: int) -> str:
    """Name the setting that keeps a nonce, by how many there were before it (R70).

    >>> nonce_name(0), nonce_name(2)
    ('nonce', 'nonce.2')
    """
    return f"nonce.{number}" if number else "nonce"


def nonces_of(meta: Mapping[str, str]) -> tuple[str, ...]:
    """Give the nonces among the settings of a database, the present one last (R70).

    >>> nonces_of({"nonce": "k3", "nonce.1": "k4", "revision": "7"})
    ('k3', 'k4')
    """
    renewed = takewhile(meta.__contains__, map(nonce_name, count(1)))
    return meta[nonce_name(0)], *(meta[name] for name in renewed)


@frozen
class Catalog:
    """Every journey of every tenant, ready to run. `revision` tells whether a newer one exists."""

    revision: int
    nonces: Sequence[str]
    """With what the ids of messages begin, the present one last (R70)."""
    grace: int | None
    journeys: Mapping[int, JourneyRecord]
    programs: Mapping[int, Program]
    by_name: Mapping[tuple[str, str], JourneyRecord]
    triggered: Mapping[tuple[str, str], tuple[JourneyRecord, ...]] = field(repr=False)
    listened: Mapping[str, frozenset[str]] = field(repr=False)
    watched: frozenset[str] = field(repr=False)
    reading_posts: frozenset[int] = field(repr=False)
    limited: Mapping[int, int] = field(repr=False)
    """The journeys with entry limits in any version, and the largest of them (R23)."""
    pulling: frozenset[int] = field(repr=False)
    """The journeys that pull people in, in any version (R27)."""
    unheard: frozenset[int] = field(repr=False)
    """The versions whose runs emit nothing that anybody listens to, nor touch other runs: nothing else need be known of
    their customers."""
    paused: frozenset[int] = field(repr=False)
    """The journeys that were ever paused."""
    zones: Mapping[int, ZoneInfo] = field(repr=False)
    """The zone in which the days of each journey are counted, by its number."""
    policies: Mapping[str, Timeline] = field(factory=dict, repr=False)
    """The policies of every tenant that has set some (R31)."""
    capped: frozenset[str] = field(init=False, repr=False)
    """The tenants whose caps count messages."""

    @capped.default
    def _(self) -> frozenset[str]:
        return frozenset(tenant for tenant, timeline in self.policies.items() if timeline.reach is not None)

    flagged: frozenset[int] = frozenset()
    """The journeys that have, or had, an unpublished step; of all others the question need not be asked (R17)."""
    next_journey: int = 1
    next_version: int = 1
    traces: bool = False
    """Whether a step has forgotten somebody of whom free space may still tell (R86)."""

    def unpublished_of(self, program: Program, at: int) -> frozenset[str]:
        """Give the unpublished steps of a version's journey as of an instant (R17)."""
        number = program.journey_number
        return self.journeys[number].unpublished(at) if number in self.flagged else NONE


def build_catalog(  # noqa: PLR0917 what a store knows
    revision: int,
    nonces: Sequence[str],
    grace: int | None,
    records: Iterable[JourneyRecord],
    policies: Mapping[str, Timeline] | None = None,
    next_journey: int = 1,
    next_version: int = 1,
    *,
    traces: bool = False,
) -> Catalog:
    """Index journeys by name and by what triggers them, journeys of one trigger by id (R9).

    A version that people may still be in counts, also when it is no longer the newest.
    """
    journeys = {record.number: record for record in records}
    by_name = {(record.tenant, record.id): record for record in journeys.values()}
    programs: dict[int, Program] = {}
    triggered: dict[tuple[str, str], list[JourneyRecord]] = {}
    listened: dict[str, set[str]] = {}
    for name in sorted(by_name):
        record = by_name[name]
        types: dict[str, None] = {}
        for _, program in record.versions:
            programs[program.number] = program
            listened.setdefault(record.tenant, set()).update(program.listens)
            if program.journey.trigger.event:
                types[program.journey.trigger.event] = None
        for event in types:
            triggered.setdefault((record.tenant, event), []).append(record)
    watched = frozenset(program.tenant for program in programs.values() if program.watches_customer)
    return Catalog(
        revision,
        nonces,
        grace,
        journeys,
        programs,
        by_name,
        {key: tuple(found) for key, found in triggered.items()},
        {tenant: frozenset(types) for tenant, types in listened.items()},
        watched,
        frozenset(number for number, program in programs.items() if program.reads_posts),
        {record.number: largest for record in journeys.values() if (largest := _largest_limit(record))},
        frozenset(program.journey_number for program in programs.values() if program.pull),
        frozenset(
            number
            for number, program in programs.items()
            if not program.chained
            and program.tenant not in watched
            and program.emits.isdisjoint(listened[program.tenant])
        ),
        frozenset(
            record.number for record in journeys.values() if any("PAUSED" in each for each in record.transitions)
        ),
        {number: record.zone for number, record in journeys.items()},
        policies or {},
        frozenset(number for number, record in journeys.items() if record.flags),
        next_journey,
        next_version,
        traces,
    )


def _largest_limit(record: JourneyRecord) -> int:
    """Give the largest entry limit of any version of a journey, 0 where there is none."""
    return max((count for _, program in record.versions for _, count in program.limits), default=0)
