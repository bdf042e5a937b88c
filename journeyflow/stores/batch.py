"""One batch of work as values: what is due, what must be known for it, what is known (R7)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TypeVar

from attrs import define, field, frozen

from journeyflow.records.rows import Deferred, Export, Glimpse, Input, Move, Post, Round, Run

Item = TypeVar("Item")

DueKey = tuple[int, int, int, int]
"""The place of an item in the total order of R7: (own instant, rank, a, b)."""

HELD, INPUT, TIMER, JOURNEY = 0, 1, 2, 3
"""Ranks at one instant: work held by a pause (a: its own instant, b: serial), inputs (a: sequence number), timers
(a: serial, b: 0 for a rest, the visit's number for the end of a message's lease), timers of journeys (a: the journey's
number, b: which of them)."""

ANSWERS = frozenset({"ack", "nack"})
"""The kinds of input that name a message, and no customer."""

named_in: Callable[[Input], tuple[str, str]] = itemgetter(1, 2)
"""Give tenant and id of the customer that an input names."""

customer_of: Callable[[Run], int] = itemgetter(1)
"""Give the number of a run's customer."""

QUEUE, PULL = 0, 1
"""The timers of a journey: at the one the next slot of its entry limits opens (R23), at the other it pulls people in
(R27)."""


def timer_key(run: Run) -> DueKey:
    """Give the place of a run's timer; it has one."""
    due: int = run.due  # type: ignore[assignment]  # asked of runs with a timer only
    return (due, TIMER, run.serial, 0) if run.held is None else (due, HELD, run.held, run.serial)


@define(eq=False)
class CustomerInHand:
    """A customer while a batch is handled."""

    number: int
    tenant: str
    id: str
    attributes: dict[str, object]
    """Never changed in place."""
    serials: Sequence[int] = ()
    """The newest run of each journey and key the customer was in, by serial, where they were asked for (R22). Never
    changed in place."""


@frozen
class Due:
    """The earliest due work, in total order (R7), with what was needed to find it.

    `keys` are sorted; `more` tells that work beyond the last key is due too. `runs` are those of the keys that are
    timers, `posts` those of the keys that are ends of leases, `inputs` by sequence number.
    """

    keys: tuple[DueKey, ...] = ()
    more: bool = False
    inputs: Mapping[int, Input] = field(factory=dict)
    runs: Mapping[int, Run] = field(factory=dict)
    posts: Mapping[tuple[int, int], Post] = field(factory=dict)

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[Input]]:
        """The inputs of each kind, in order."""
        found: dict[str, list[Input]] = {}
        for item in self.inputs.values():
            kind = item.kind
            if kind in found:
                found[kind].append(item)
            else:
                found[kind] = [item]
        return found

    @cached_property
    def answers(self) -> Sequence[Input]:
        """The inputs that name a message, and no customer."""
        return [item for kind in sorted(ANSWERS) for item in self.by_kind.get(kind, ())]

    @cached_property
    def named(self) -> Counter[tuple[str, str]]:
        """Tenant and id of the customers of the other inputs, in order, and how many are about each."""
        naming = (items for kind, items in self.by_kind.items() if kind not in ANSWERS)
        return Counter(map(named_in, chain.from_iterable(naming)))


@frozen
class Request:
    """What a batch needs to know of people.

    `names` (tenant, id) and `whole` (numbers) ask for customers with the newest run of each journey and key they were
    in; `numbers` for their attributes alone; `serials` for runs by serial with their customers; `posts` for messages by
    (serial, n); `reading` are the versions whose runs need the newest message of each step; `posts_of` runs that need
    them for sure; `events` are (tenant, type, id) to be looked up among handled events.
    """

    names: AbstractSet[tuple[str, str]] = frozenset()
    numbers: frozenset[int] = frozenset()
    whole: frozenset[int] = frozenset()
    serials: frozenset[int] = frozenset()
    at_hand: frozenset[int] = frozenset()
    """Runs by serial that whoever asks has already: they need not be given as somebody's newest."""
    posts: frozenset[tuple[int, int]] = frozenset()
    posts_of: frozenset[int] = frozenset()
    reading: frozenset[int] = frozenset()
    events: frozenset[tuple[str, str, str]] = frozenset()
    exports: bool = False
    """Also the jobs that make files and are not done yet."""
    active: "ActiveRequest | None" = None
    caps: "CapRequest | None" = None
    clicked: frozenset[tuple[str, str]] = frozenset()
    """Also, of these customers (tenant, id), every message that was clicked, with its run (R83)."""
    limits: "LimitRequest | None" = None
    pulls: "PullRequest | None" = None
    finished: "PruneRequest | None" = None
    past: "PastRequest | None" = None

    def readers(self, runs: Mapping[int, Run]) -> set[int]:
        """Give the runs that need the newest message of each step, among those that were loaded and the due ones."""
        return {*self.posts_of, *(serial for serial, run in runs.items() if run.version in self.reading)}


@frozen
class ActiveRequest:
    """The active runs of a journey with a serial larger than `after`, at most `limit`, by serial."""

    journey: int
    after: int
    limit: int


@frozen
class CapRequest:
    """The messages that caps count (R31) with an `at` of `since` or later, of the customers of these tenants."""

    tenants: frozenset[str]
    since: int


@frozen
class PruneRequest:
    """Which runs are wanted with all that belongs to them: the first `limit` that ended before an instant.

    Those of some journeys, with a serial beyond `after`, by serial, of which something is left that may go.
    """

    before: int
    journeys: frozenset[int]
    after: int
    limit: int


@frozen
class PastRequest:
    """Which inputs are wanted: the first `limit` with an `at` before an instant that were handled, by sequence number.

    Those beyond `after`, of one tenant or, where that is None, of all.
    """

    before: int
    after: int
    limit: int
    tenant: str | None


@frozen
class LimitRequest:
    """What a batch needs to know of entry limits (R23): which `journeys` have any.

    `slots` are (journey, since, count): the newest slots later than an instant, so many at most. Of the `queues` the
    first `ahead` entries are wanted with their customers; and whatever the customers of the batch have in any queue.
    """

    journeys: frozenset[int]
    slots: tuple[tuple[int, int, int], ...] = ()
    queues: frozenset[int] = frozenset()
    ahead: int = 0


@frozen
class LimitsLoaded:
    """What a store knows of entry limits: slots by journey, the beginnings of queues in order, single entries, timers.

    `timers` map (journey, which) to the instant at which they ring, None while a pause holds them.
    """

    slots: Mapping[int, Sequence[int]] = field(factory=dict)
    queues: Mapping[int, Sequence[Deferred]] = field(factory=dict)
    deferred: Sequence[Deferred] = ()
    timers: Mapping[tuple[int, int], int | None] = field(factory=dict)
    next_number: int = 1


@frozen
class Finished:
    """Runs that ended long ago: moves without what was compared, messages, what was told of those with its outcome.

    `current` are the serials of those that no run of the same customer under the same key has followed. An ack names no
    customer and is looked for only where `sent` was told of its message more than once; `answered` are the messages of
    all acks and nacks that wait.
    """

    runs: tuple[Run, ...] = ()
    current: frozenset[int] = frozenset()
    moves: tuple[Move, ...] = ()
    posts: tuple[Post, ...] = ()
    told: tuple[tuple[Input, str | None], ...] = ()
    answered: frozenset[tuple[int, int]] = frozenset()


NOTHING = Finished()


@frozen
class PullRequest:
    """Whom a batch needs that pulls people in (R27).

    `lists` are (journey, tenant, list), of which everybody who is on the list is asked in turn, in order of the ids,
    after the last one the first again; without a list that is everybody of the tenant who is not forgotten. The first
    `ahead` after the one whom the journey asked last are wanted, with all that is known of them. For `caps`, (journey,
    times), also when they entered the last so many times.
    """

    lists: tuple[tuple[int, str, str | None], ...]
    ahead: int
    caps: tuple[tuple[int, int], ...] = ()


@frozen
class PullsLoaded:
    """What a store knows of pulls, by journey: how far they are, who comes next, in order, and entries.

    Those are the instants of the last entries without a key of each of these customers, by number, ascending by run.
    """

    rounds: Mapping[int, Round] = field(factory=dict)
    members: Mapping[int, Sequence[str]] = field(factory=dict)
    entries: Mapping[int, Mapping[int, Sequence[int]]] = field(factory=dict)


@frozen
class Loaded:
    """What a store knows of a request; what does not exist is absent. `known` maps events to (at, customer, text).

    `sent` are the messages that caps count: (customer's number, serial, n, at, channel), in any order.
    """

    people: tuple[CustomerInHand, ...] = ()
    runs: Mapping[int, Run] = field(factory=dict)
    posts: Mapping[tuple[int, int], Post] = field(factory=dict)
    newest: Mapping[int, dict[str, Glimpse]] = field(factory=dict)
    """What rules see of the newest message of each step, by serial and step: the batch goes on with these."""
    known: Mapping[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]] = field(factory=dict)
    next_serial: int = 1
    next_customer: int = 1
    sent: Sequence[tuple[int, int, int, int, str]] = ()
    limits: LimitsLoaded | None = None
    exports: tuple[Export, ...] = ()
    """By number, which is the order in which they were submitted."""
    next_export: int = 1
    pulls: PullsLoaded | None = None
    finished: Finished = NOTHING
    past: Sequence[tuple[Input, str]] = ()
    """Inputs with their outcomes."""


DueOfKind = tuple[Sequence[DueKey], Sequence[Item]]
"""Due work of one kind: its places in order, and what stands at each."""


def select_due(
    inputs: DueOfKind[Input], runs: DueOfKind[Run], posts: DueOfKind[Post], limit: int, timers: Iterable[DueKey] = ()
) -> Due:
    """Merge the kinds of due work, each in order, into the first `limit` places of the total order (R7)."""
    keys = sorted([*inputs[0], *runs[0], *posts[0], *timers])
    more, keys = len(keys) > limit, keys[:limit]
    last = keys[-1] if keys else (0, 0, 0, 0)
    return Due(
        tuple(keys),
        more,
        {item.seq: item for item in _up_to(last, inputs)},
        {run.serial: run for run in _up_to(last, runs)},
        {(post.serial, post.n): post for post in _up_to(last, posts)},
    )


def _up_to(last: DueKey, found: DueOfKind[Item]) -> Sequence[Item]:
    """Give the items up to a place."""
    keys, items = found
    return items[: bisect_right(keys, last)]


def told_twice(posts: Iterable[Post]) -> set[tuple[int, int]]:
    """Give the messages of which `sent` was told more than once: an ack may be among that."""
    return {(post.serial, post.n) for post in posts if post.flags.get("sent", (0, 0))[1] > 1}


Circles = dict[int, list[str]]
"""Who comes next, by journey."""


def named_by(request: Request, circles: Circles) -> Collection[tuple[str, str]]:
    """Give the customers that a request names, and those who come next where a journey pulls people in."""
    if request.pulls is None:
        return request.names
    coming = ((tenant, name) for journey, tenant, _ in request.pulls.lists for name in circles[journey])
    return request.names | set(coming)
