"""Pulls in the store in memory: the members of lists, and the state of each journey's round (R27)."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping

from journeyflow.records.changes import PullChanges
from journeyflow.records.forgetting import is_anonymous
from journeyflow.records.rows import Round, Run
from journeyflow.stores.batch import NextMembers, PullRequest, PullsLoaded


class Names:
    """A set of ids that is sorted on demand."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Create the set with some ids."""
        self._names = set(names)
        self._ordered: list[str] | None = None

    def add(self, name: str) -> None:
        """Add an id."""
        self._names.add(name)
        self._ordered = None

    def discard(self, name: str) -> None:
        """Remove a member if it is there."""
        self._names.discard(name)
        self._ordered = None

    def ordered(self) -> list[str]:
        """Return them in order."""
        if self._ordered is None:
            self._ordered = sorted(self._names)
        return self._ordered

    def following(self, after: str, count: int) -> list[str]:
        """Return this many members after a given one, in order; the first follows the last, and nobody comes twice."""
        names = self.ordered()
        position = bisect_right(names, after)
        behind = names[position : position + count]
        return behind + names[: min(position, count - len(behind))]


class KeptPulls:
    """The part of a `MemoryStore` about lists and pulls."""

    def __init__(self) -> None:
        """Start without lists and rounds."""
        self.rounds: dict[int, Round] = {}
        self.lists: dict[tuple[str, str], Names] = {}
        self.everybody: dict[str, Names] | None = None
        self.entered: dict[tuple[int, int], list[int]] | None = None

    def take(self, changes: PullChanges, emptied: Iterable[int]) -> None:
        """Apply what a commit writes, after its customers and runs; `emptied` are the journeys whose pulls end."""
        for tenant, name, customer in changes.unlisted:
            self.lists[tenant, name].discard(customer)
        for tenant, name, customer in changes.listed:
            self.lists.setdefault((tenant, name), Names()).add(customer)
        self.rounds.update((each.journey, each) for each in changes.rounds)
        for journey in emptied:
            self.rounds.pop(journey, None)

    def listed(self) -> Iterator[tuple[str, str, str]]:
        """Yield (tenant, list, customer) for every member of a list, sorted."""
        for (tenant, name), names in sorted(self.lists.items(), key=lambda each: each[0]):
            yield from ((tenant, name, customer) for customer in names.ordered())

    def forgo(self) -> None:
        """Drop what was only kept to be found faster: an interrupt may have left it half made."""
        self.everybody = self.entered = None

    def purge(self, journey: int) -> None:
        """Remove what is known of a journey (R15)."""
        self.rounds.pop(journey, None)
        self.entered = None

    def forget(self, tenant: str, customer: str) -> None:
        """Remove a customer from everybody (R86)."""
        if self.everybody is not None:
            self.everybody[tenant].discard(customer)

    def step_back(self, customer: str, before: str, journeys: Collection[int]) -> None:
        """Have pulls of some journeys go on after another id than that of a forgotten customer (R86)."""
        for journey in self.rounds.keys() & set(journeys):
            now = self.rounds[journey]
            after = before if now.after == customer else now.after
            self.rounds[journey] = now._replace(after=after, origin=before if now.origin == customer else now.origin)

    def come(self, tenant: str, customer: str) -> None:
        """Note a new customer once everybody has been asked for; some are forgotten as soon as they come."""
        if self.everybody is not None and not is_anonymous(customer):
            self.everybody.setdefault(tenant, Names()).add(customer)

    def enter(self, run: Run) -> None:
        """Note a new run, if entries of customers have been requested before."""
        if self.entered is not None:
            _enter(self.entered, run)

    def members(self, request: PullRequest | None, customers: Iterable[tuple[str, str]]) -> NextMembers:
        """Return who comes next; `customers` are all there are."""
        if request is None:
            return {}
        return {
            journey: self._names(tenant, name, customers).following(self._after(journey), request.ahead)
            for journey, tenant, name in request.lists
        }

    def _after(self, journey: int) -> str:
        return self.rounds[journey].after if journey in self.rounds else ""

    def _names(self, tenant: str, name: str | None, customers: Iterable[tuple[str, str]]) -> Names:
        """Return who is on a list, or everybody who is not forgotten; kept from the first time it is asked for."""
        if name is not None:
            return self.lists.get((tenant, name), Names())
        if self.everybody is None:
            everybody: dict[str, Names] = {}
            for of, customer in customers:
                if not is_anonymous(customer):
                    everybody.setdefault(of, Names()).add(customer)
            self.everybody = everybody
        return self.everybody.get(tenant, Names())

    def load(
        self, request: PullRequest, members: NextMembers, numbers: Collection[int], runs: Mapping[int, Run]
    ) -> PullsLoaded:
        """Return the `PullsLoaded` of a request, with the entries of some customers."""
        if request.caps and self.entered is None:
            found: dict[tuple[int, int], list[int]] = {}
            for _, run in sorted(runs.items()):
                _enter(found, run)
            self.entered = found
        entered = self.entered or {}
        return PullsLoaded(
            {journey: self.rounds[journey] for journey, _, _ in request.lists if journey in self.rounds},
            members,
            {
                journey: {
                    number: entered[journey, number][-times:]
                    for number in sorted(numbers)
                    if (journey, number) in entered
                }
                for journey, times in request.caps
            },
        )


def _enter(entered: dict[tuple[int, int], list[int]], run: Run) -> None:
    """Add the entry of a run; runs with a key are not counted."""
    if not run.key:
        entered.setdefault((run.journey, run.customer), []).append(run.entered_at)
