"""A transaction on the store in memory: what it loads, and what it notes to be committed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, ClassVar, TypeVar

from journeyflow.basics.moments import LAST
from journeyflow.basics.words import ACTIVE, COUNTED
from journeyflow.errors import StorageError
from journeyflow.records.changes import Changes
from journeyflow.records.rows import (
    Export,
    Glimpse,
    Input,
    Post,
    Run,
)
from journeyflow.stores.batch import (
    CustomerInHand,
    Due,
    DueKey,
    Loaded,
    Request,
    customer_of,
    named_by,
    select_due,
)
from journeyflow.stores.contract import LAST_TICK, READING, Shelf
from journeyflow.stores.inquiries import (
    ActiveRequest,
    ClaimRequest,
    Earliest,
    EarliestRequest,
    ExportsRequest,
    Finished,
    InputNumbersRequest,
    Inquiry,
    LastTickRequest,
    PastRequest,
    PruneRequest,
    Reply,
)
from journeyflow.stores.memory.contents import KnownEvent, MemoryRows
from journeyflow.stores.memory.due import due_of_customers
from journeyflow.stores.memory.pruning import finished_in, past_in

Item = TypeVar("Item")

Where = TypeVar("Where")

PAGE = 1_000
"""How many inputs are looked at together."""

NAME = "memory"
"""The placeholder for a path in errors."""


class MemoryTransaction:
    """A transaction on a `MemoryStore`; see `contract.Transaction`."""

    tenant = None

    def __init__(self, store: MemoryRows, *, write: bool) -> None:
        """Start without commits."""
        self._store, self._write = store, write
        self.committed: list[Changes] = []

    def commit(self, changes: Changes) -> None:
        """Note changes to be applied at the end of the block."""
        if not self._write:
            raise StorageError(NAME, *READING)
        self.committed.append(changes)

    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        store = self._store
        revision = int(store.meta["revision"])
        if revision == known_revision:
            return None
        published = sorted(store.publications, key=lambda each: each[0])
        versions = [(store.versions[number], at) for _, at, number in published]
        return Shelf(
            revision,
            [(each.number, each.tenant, each.id) for each in store.journeys],
            [(v.number, v.journey, v.version, at, v.fingerprint, v.text) for v, at in versions],
            [(each.journey, each.at, each.state) for each in sorted(store.transitions, key=lambda each: each.journey)],
            dict(store.meta),
            [(each.tenant, each.at, each.text) for each in sorted(store.policies, key=lambda each: each.tenant)],
            [
                (each.journey, each.at, each.step, each.published)
                for each in sorted(store.flags, key=lambda each: each.journey)
            ],
            [
                (each.tenant, each.at, each.channel, each.held)
                for each in sorted(store.holds, key=lambda each: each.tenant)
            ],
            store.last["journey"] + 1,
            store.last["version"] + 1,
        )

    def due(
        self,
        now: int,
        limit: int,
        *,
        inputs: bool = True,
        of: AbstractSet[tuple[str, str]] | None = None,
    ) -> Due:
        """Return the first due items in total order (R7)."""
        store, count = self._store, limit + 1
        if of is not None:
            return select_due(*due_of_customers(store, now, of), limit)
        return select_due(
            _first(count, store.inbox.pages(now, count, store.waiting) if inputs else ()),
            _first(count, store.timers.pages(now, count, store.resting)),
            _first(count, store.leases.pages(now, count, store.leased)),
            limit,
            _first(count, store.journey_timers.pages(now, count, store.ringing))[0],
        )

    def load(self, request: Request) -> Loaded:
        """Return the `Loaded` of a request."""
        store = self._store
        runs = {serial: store.runs[serial] for serial in request.serials if serial in store.runs}
        members = store.pulls.members(request.pulls, store.numbers)
        named = {*filter(None, map(store.numbers.get, named_by(request, members)))}  # numbers begin with 1
        whole = {*request.whole, *named, *map(customer_of, map(runs.__getitem__, runs.keys() & request.whole_of))}
        heads = {} if request.limits is None else store.limits.heads(request.limits)
        whole |= {entry.customer for entries in heads.values() for entry in entries}
        people = self._people(whole, whole.union(request.numbers, map(customer_of, runs.values())))
        runs.update((serial, store.runs[serial]) for person in people for serial in person.serials)
        known = {event: _without_numbers(store.known[event]) for event in request.events if event in store.known}
        clicked, sent = self._clicked(request, people), self._sent(request, people)
        posts = {**clicked, **{key: store.posts[key] for key in request.posts if key in store.posts}}
        newest = self._newest_posts(request.readers(runs))
        runs.update((serial, store.runs[serial]) for serial, _ in clicked)
        limits = None if request.limits is None else store.limits.load(request.limits, heads, whole)
        following = (store.last["run"] + 1, len(store.customers) + 1) if request.following else (1, 1)
        pulls = None if request.pulls is None else store.pulls.load(request.pulls, members, named, store.runs)
        return Loaded(
            people,
            runs,
            posts,
            newest,
            known,
            *following,
            sent,
            limits,
            pulls,
            {each: store.suppressions[each].before for each in request.suppressed if each in store.suppressions},
            set(filter(store.numbers.__contains__, request.mentioned)),
        )

    def ask(self, inquiry: Inquiry[Reply]) -> Reply:
        """Answer what a single call asks."""
        answer: Reply = self._answers[type(inquiry)](self, inquiry)
        return answer

    def _earliest(self, inquiry: EarliestRequest) -> Earliest | None:
        """Return the instants of the earliest work, of all and without what a pause holds; None after a commit."""
        if self.committed:
            return None
        store, paused = self._store, inquiry.paused
        told = store.inbox.first(store.waiting), store.leases.first(store.leased)
        first = _soonest(*told, store.timers.first(store.resting), store.journey_timers.first(store.ringing))
        if not paused:
            return first, first
        resting, _ = _first(1, _unheld(store.timers.pages(LAST, 1, store.resting), paused))
        ringing, _ = _first(1, _unheld(store.journey_timers.pages(LAST, 1, store.ringing), paused))
        return first, _soonest(*told, *resting, *ringing)

    def _last_tick(self, _: LastTickRequest) -> int | None:
        found = self._store.meta.get(LAST_TICK)
        return None if found is None else int(found)

    def _input_numbers(self, inquiry: InputNumbersRequest) -> tuple[int, ...]:
        first = self._store.last["input"] + 1
        return tuple(range(first, first + len(inquiry.tenants)))

    def _active(self, inquiry: ActiveRequest) -> list[int]:
        inside = (run for run in self._store.runs.values() if run.journey == inquiry.journey and run.status == ACTIVE)
        return sorted(run.serial for run in inside if run.serial > inquiry.after)[: inquiry.limit]

    def _finished(self, inquiry: PruneRequest) -> Finished:
        return finished_in(self._store, inquiry)

    def _past(self, inquiry: PastRequest) -> tuple[tuple[Input, str], ...]:
        return past_in(self._store, inquiry)

    def _exports(self, _: ExportsRequest) -> tuple[tuple[Export, ...], int]:
        waiting = tuple(job for job in self._store.exports.values() if job.finished_at is None)
        return waiting, len(self._store.exports) + 1

    def _clicked(self, request: Request, people: Iterable[CustomerInHand]) -> dict[tuple[int, int], Post]:
        """Return the messages of some customers that were clicked (R83)."""
        if not request.clicked:
            return {}
        by_customer, store = self._store.by_customer(), self._store
        wanted = (person.number for person in people if (person.tenant, person.id) in request.clicked)
        keys = (key for number in wanted for key in by_customer.get(number, ()))
        return {key: post for key in keys if "clicked" in (post := store.posts[key]).flags}

    def _sent(self, request: Request, people: Iterable[CustomerInHand]) -> list[tuple[int, int, int, int, str]]:
        """Return the messages that caps count, of the customers of some tenants, since an instant (R31)."""
        caps, store = request.caps, self._store
        if caps is None:
            return []
        by_customer = store.by_customer()
        found = (
            (person.number, store.posts[key])
            for person in people
            if person.tenant in caps.tenants
            for key in by_customer.get(person.number, ())
        )
        return [
            (number, post.serial, post.n, post.at, post.channel)
            for number, post in found
            if post.at >= caps.since and post.status in COUNTED
        ]

    def _people(self, whole: AbstractSet[int], numbers: AbstractSet[int]) -> tuple[CustomerInHand, ...]:
        """Return the customers under some numbers, the whole ones with the newest run of each journey and key."""
        store, people = self._store, []
        for number in sorted(numbers & store.customers.keys()):
            tenant, name, attributes = store.customers[number]
            serials = store.newest.get(number, ()) if number in whole else ()
            people.append(CustomerInHand(number, tenant, name, attributes, serials))
        return tuple(people)

    def _newest_posts(self, serials: Iterable[int]) -> dict[int, dict[str, Glimpse]]:
        """Return the newest message of each step of some runs."""
        store, numbers = self._store, self._store.posts_of
        newest: dict[int, dict[str, Glimpse]] = {}
        for key in sorted([(serial, n) for serial in serials for n in numbers.get(serial, ())]):
            post = store.posts[key]
            newest.setdefault(post.serial, {})[post.step] = post
        return newest

    def _claimable(self, request: ClaimRequest) -> list[Post]:
        """Return queued messages that may be handed out, oldest first (R71)."""
        store = self._store
        pages = store.inbox.pages(request.at, PAGE, store.waiting) if request.inputs else ()
        withheld = {(item.tenant, item.customer) for item in chain.from_iterable(page.values() for page in pages)}
        fitting = (
            {place: post for place, post in page.items() if self._fits(post, request, withheld)}
            for page in store.outbox.pages(request.at, request.limit, store.queued)
        )
        return _first(request.limit, fitting)[1][: request.limit]

    def _fits(self, post: Post, request: ClaimRequest, withheld: set[tuple[str, str]]) -> bool:
        """Return whether a queued message is one that this worker may have now."""
        run = self._store.runs[post.serial]
        tenant, name, _ = self._store.customers[run.customer]
        return request.admits(post, run.journey, tenant) and (tenant, name) not in withheld

    _answers: ClassVar[dict[type[Inquiry[Any]], Callable[[Any, Any], Any]]] = {
        EarliestRequest: _earliest,
        LastTickRequest: _last_tick,
        InputNumbersRequest: _input_numbers,
        ActiveRequest: _active,
        ClaimRequest: _claimable,
        ExportsRequest: _exports,
        PruneRequest: _finished,
        PastRequest: _past,
    }


def _without_numbers(known: Iterable[KnownEvent]) -> tuple[tuple[int, str, str | None], ...]:
    return tuple((at, customer, text) for at, _, customer, text in known)


Waking = TypeVar("Waking", Run, None)
"""A run, or None for a timer of a journey."""


def _unheld(pages: Iterable[Mapping[DueKey, Waking]], paused: Mapping[int, int]) -> Iterator[Mapping[DueKey, Waking]]:
    """Yield the pages without the timers of paused journeys, from an instant each (R16)."""
    for page in pages:
        yield {
            key: run
            for key, run in page.items()
            if key[0] < paused.get(key[2] if run is None else run.journey, key[0] + 1)
        }


def _soonest(*places: DueKey | None) -> int | None:
    return min((place[0] for place in places if place is not None), default=None)


def _first(count: int, pages: Iterable[Mapping[Where, Item]]) -> tuple[list[Where], list[Item]]:
    """Return the places on as many pages as hold this many, and what stands at each."""
    found: dict[Where, Item] = {}
    for page in pages:
        found.update(page)
        if len(found) >= count:
            break
    return [*found], [*found.values()]
