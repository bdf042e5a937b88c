"""One batch of work as values: what is due, what has to be loaded for it, and what was loaded (R7)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import chain, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from attrs import define, field, frozen

from journeyflow.basics.words import ANSWER_KINDS, COMPLETED, EXITED, HOLDOUT
from journeyflow.records.rows import Deferred, Glimpse, Input, Post, Round, Run

Item = TypeVar("Item")

ItemKey = TypeVar("ItemKey")

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
"""What is due, or loaded, where nothing was found or asked for."""

DueKey = tuple[int, int, int, int]
"""The place of an item in the total order of R7: (own instant, rank, a, b)."""

HELD, INPUT, TIMER, JOURNEY = 0, 1, 2, 3
"""The ranks of items at one instant, with a and b of the key: held work of runs (a: its own instant, b: serial),
inputs (a: sequence number), timers of runs (a: serial, b: 0 for a rest, the number of the visit for the end of a
message's lease), timers of journeys (a: number of the journey, b: QUEUE or PULL)."""

seq_of: Callable[[Input], Any] = itemgetter(0)
"""Return the sequence number of an input, which a damaged file may lack."""

at_of: Callable[[Input], int] = itemgetter(5)
"""Return the instant of an input."""

named_in: Callable[[Input], tuple[str, str]] = itemgetter(1, 2)
"""Return the tenant and the id of the customer that an input names."""

type_in: Callable[[Input], tuple[str, str]] = itemgetter(1, 4)
"""Return the tenant and the type of an event."""

kind_of: Callable[[Input], str] = itemgetter(3)
"""Return the kind of an input."""

id_of: Callable[[Input], str | None] = itemgetter(6)
"""Return the id of an event."""

serial_of: Callable[[Run], int] = itemgetter(0)
"""Return the number of a run."""

customer_of: Callable[[Run], int] = itemgetter(1)
"""Return the number of a run's customer."""

version_of: Callable[[Run], int] = itemgetter(3)
"""Return the number of a run's version."""

due_of: Callable[[Run], int] = itemgetter(14)
"""Return the instant until which a run rests."""

held_of: Callable[[Run], int | None] = itemgetter(15)
"""Return the own instant of work that a pause holds."""

post_key: Callable[[Post], tuple[int, int]] = itemgetter(0, 1)
"""Return the key of a message: the number of its run, and that of the visit."""

FINAL = frozenset({COMPLETED, EXITED, HOLDOUT})
"""The statuses of runs that never walk again; one that has FAILED may be retried (R43)."""

QUEUE, PULL = 0, 1
"""The two timers of a journey: the next slot of its entry limits opens (R23), or the next pull is due (R27)."""


def timer_key(run: Run) -> DueKey:
    """Return the place of a run's timer in the total order; the run must have one."""
    due: int = run.due  # type: ignore[assignment]  # called for runs with a timer only
    return (due, TIMER, run.serial, 0) if run.held is None else (due, HELD, run.held, run.serial)


def timer_keys(runs: Sequence[Run]) -> list[DueKey]:
    """Return the place of each run's timer in the total order, without a call for each where none is held."""
    if {*map(held_of, runs)} <= {None}:
        return list(zip(map(due_of, runs), repeat(TIMER), map(serial_of, runs), repeat(0)))
    return list(map(timer_key, runs))


@define(eq=False)
class CustomerInHand:
    """A customer while a batch is being handled."""

    number: int
    tenant: str
    id: str
    attributes: dict[str, object]
    """The attributes; never modified in place."""
    serials: Sequence[int] = ()
    """The serials of the newest run of each journey and key that the customer was in, ascending, if requested (R22).
    Never modified in place."""


@frozen(slots=False)  # with slots, attrs finds a cached property by a detour
class Due:
    """The earliest due work, in total order (R7), with the rows read to find it.

    `keys` is sorted; `more` is whether work after the last key is due too. `inputs` is by sequence number, `runs` by
    serial for the keys that are timers of runs, `posts` by (serial, n) for the keys that are ends of leases.
    `others` is whether tenants have due work for whom this transaction does not work (R92).
    """

    keys: tuple[DueKey, ...] = ()
    more: bool = False
    inputs: Mapping[int, Input] = NOTHING
    runs: Mapping[int, Run] = NOTHING
    posts: Mapping[tuple[int, int], Post] = NOTHING
    others: bool = False

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[Input]]:
        """The inputs of each kind, in order."""
        items = [*self.inputs.values()]
        kinds = dict.fromkeys(map(kind_of, items))  # most batches hold one or two
        if len(kinds) == 1:
            return dict.fromkeys(kinds, items)
        return {kind: [item for item in items if item.kind == kind] for kind in kinds}

    @property
    def answers(self) -> Sequence[Input]:
        """The inputs that name a message instead of a customer."""
        by_kind = self.by_kind
        return [item for kind in ANSWER_KINDS if kind in by_kind for item in by_kind[kind]]

    @property
    def named(self) -> list[tuple[str, str]]:
        """The (tenant, id) of the customers that the other inputs name, one for each input."""
        naming = [items for kind, items in self.by_kind.items() if kind not in ANSWER_KINDS]
        return list(map(named_in, chain.from_iterable(naming)))


NOT_DUE: Final = Due()
"""What is due where nothing is."""


class Request(NamedTuple):
    """The data that a batch needs.

    `names` (tenant, id) and `whole` (numbers) request customers with the newest run of each journey and key that they
    were in; `numbers` requests customers with their attributes alone; `serials` requests runs by serial, with the
    attributes of their customers; `posts` requests messages by (serial, n). `reading` is the versions whose runs need
    the newest message of each step, `posts_of` runs that need them in any case. `events` is (tenant, type, id) to be
    looked up among handled events.
    """

    names: AbstractSet[tuple[str, str]] = frozenset()
    numbers: frozenset[int] = frozenset()
    whole: frozenset[int] = frozenset()
    serials: frozenset[int] = frozenset()
    whole_of: AbstractSet[int] = frozenset()
    """Those of `serials` whose customers are requested as those of `whole` are."""
    at_hand: frozenset[int] = frozenset()
    """The serials of runs that the caller has already: they need not be returned as a customer's newest."""
    posts: frozenset[tuple[int, int]] = frozenset()
    posts_of: frozenset[int] = frozenset()
    reading: frozenset[int] = frozenset()
    events: frozenset[tuple[str, str, str]] = frozenset()
    mentioned: AbstractSet[tuple[str, str]] = frozenset()
    """The customers (tenant, id) of whom it is enough to know whether they are there."""
    suppressed: frozenset[str] = frozenset()
    """The hashes to look up on the suppression list (R86)."""
    converting: frozenset[int] = frozenset()
    """The versions of `reading` whose goals may read messages: a run needs them after its end too (R42)."""
    following: bool = True
    """Also the numbers that the next run and the next customer get."""
    caps: "CapRequest | None" = None
    clicked: frozenset[tuple[str, str]] = frozenset()
    """The customers (tenant, id) of which to load every message that was clicked, with its run (R83)."""
    limits: "LimitRequest | None" = None
    pulls: "PullRequest | None" = None

    def readers(self, runs: Mapping[int, Run]) -> set[int]:
        """Return the serials of the runs that need the newest message of each step, among `runs`."""
        reading = (run for run in runs.values() if run.version in self.reading)
        return {
            *self.posts_of,
            *(run.serial for run in reading if run.status not in FINAL or run.version in self.converting),
        }


@frozen
class CapRequest:
    """The messages that caps count (R31) with an `at` of `since` or later, of the customers of these tenants."""

    tenants: frozenset[str]
    since: int


@frozen
class LimitRequest:
    """The data about entry limits that a batch needs (R23); `journeys` is those that have limits.

    `slots` is (journey, since, count): the newest slots later than `since`, at most `count`. Of each queue in `queues`,
    the first `ahead` entries are loaded with their customers, and from all queues the entries of the batch's customers.
    """

    journeys: frozenset[int]
    slots: tuple[tuple[int, int, int], ...] = ()
    queues: frozenset[int] = frozenset()
    ahead: int = 0


@frozen
class LimitsLoaded:
    """The loaded data about entry limits: slots by journey, heads of queues in order, single entries, timers.

    `timers` maps (journey, QUEUE or PULL) to the instant at which the timer is due, None while a pause holds it.
    """

    slots: Mapping[int, Sequence[int]] = field(factory=dict)
    queues: Mapping[int, Sequence[Deferred]] = field(factory=dict)
    deferred: Sequence[Deferred] = ()
    timers: Mapping[tuple[int, int], int | None] = field(factory=dict)
    next_number: int = 1
    waiting: Mapping[int, int] = field(factory=dict)
    """How many entries wait in each queue of which some are loaded; one more than those stands for any number."""


def listed_by(heads: Mapping[int, Sequence[Deferred]], single: Iterable[Deferred]) -> Counter[int]:
    """Return how many entries of each queue are loaded: those at its beginning, and those of the batch's customers."""
    listed = {entry.number: entry for entry in chain(single, *heads.values())}
    return Counter(entry.journey for entry in listed.values())


@frozen
class PullRequest:
    """The customers that a batch with pulls needs (R27).

    `lists` is (journey, tenant, list): the members of the list are considered in turn, in order of their ids, and after
    the last one the first again; without a list, all customers of the tenant who are not forgotten are. The first
    `ahead` after the customer whom the journey considered last are loaded completely. For `caps`, (journey, times), the
    instants of their last `times` entries are loaded too.
    """

    lists: tuple[tuple[int, str, str | None], ...]
    ahead: int
    caps: tuple[tuple[int, int], ...] = ()


@frozen
class PullsLoaded:
    """The loaded data about pulls, by journey: the state of the round, the next customers in order, and entries.

    `entries` is the instants of the last entries without a key, by number of the customer, ascending by run.
    """

    rounds: Mapping[int, Round] = field(factory=dict)
    members: Mapping[int, Sequence[str]] = field(factory=dict)
    entries: Mapping[int, Mapping[int, Sequence[int]]] = field(factory=dict)


class Loaded(NamedTuple):
    """The data loaded for a request; what does not exist is absent. `known` maps events to (at, customer, text).

    `sent` is the messages that caps count, as (number of the customer, serial, n, at, channel), in any order.
    """

    people: tuple[CustomerInHand, ...] = ()
    runs: Mapping[int, Run] = NOTHING
    posts: Mapping[tuple[int, int], Post] = NOTHING
    newest: Mapping[int, dict[str, Glimpse]] = NOTHING
    """The part that rules see of the newest message of each step, by serial and step; the batch updates these."""
    known: Mapping[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]] = NOTHING
    next_serial: int = 1
    next_customer: int = 1
    sent: Sequence[tuple[int, int, int, int, str]] = ()
    limits: LimitsLoaded | None = None
    pulls: PullsLoaded | None = None
    suppressed: Mapping[str, int] = NOTHING
    """The entries of the suppression list that were found: hash, the instant before which all is old."""
    present: AbstractSet[tuple[str, str]] = frozenset()
    """The mentioned customers who are there."""


def with_inputs(due: Due, inputs: Sequence[Input], now: int) -> Due:
    """Return due work together with inputs that no store has yet: those due at `now`, in their places (R7).

    If more is due than was read, those after the last item that was read are left out.
    """
    last = due.keys[-1] if due.more else (now, JOURNEY + 1, 0, 0)
    coming = [(item[5], INPUT, item[0], 0) for item in inputs]
    keys = sorted([*due.keys, *(key for key in coming if key <= last)])
    known = {**due.inputs, **{item[0]: item for item in inputs}}
    items = {seq: known[seq] for _, rank, seq, _ in keys if rank == INPUT}
    return Due(tuple(keys), due.more, items, due.runs, due.posts, due.others)


DueOfKind = tuple[Sequence[DueKey], Sequence[Item]]
"""Due work of one kind: its places in order, and the item at each."""


def select_due(
    inputs: DueOfKind[Input], runs: DueOfKind[Run], posts: DueOfKind[Post], limit: int, timers: Iterable[DueKey] = ()
) -> Due:
    """Return the first `limit` items of the total order, merged from the kinds of due work, each in order (R7)."""
    keys = sorted(chain(inputs[0], runs[0], posts[0], timers))
    more, keys = len(keys) > limit, keys[:limit]
    last = keys[-1] if keys else (0, 0, 0, 0)
    return Due(
        tuple(keys),
        more,
        _up_to(last, inputs, seq_of),
        _up_to(last, runs, serial_of),
        _up_to(last, posts, post_key),
    )


def _up_to(last: DueKey, found: DueOfKind[Item], key: Callable[[Item], ItemKey]) -> dict[ItemKey, Item]:
    """Return the items up to a place, inclusive, each by its key."""
    keys, items = found
    items = items[: bisect_right(keys, last)]
    return dict(zip(map(key, items), items, strict=True))


NextMembers = dict[int, list[str]]
"""The customers whom a pull considers next, by journey."""


def named_by(request: Request, members: NextMembers) -> Collection[tuple[str, str]]:
    """Return the customers that a request names, as (tenant, id), and those whom its pulls consider next."""
    if request.pulls is None:
        return request.names
    coming = ((tenant, name) for journey, tenant, _ in request.pulls.lists for name in members[journey])
    return request.names | set(coming)
