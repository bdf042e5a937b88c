"""The order of work: a batch of due items, handled in their total order (R4 to R9).

`plan` determines what a batch must load; `run` handles the batch and returns its `Changes`. Both are pure: the store
finds what is due and writes what changes.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from heapq import heappop
from itertools import chain, compress
from operator import itemgetter

from journeyflow.basics.words import (
    ACTIVE,
    ANSWER_KINDS,
    MESSAGE,
    MESSAGE_EVENTS,
    MESSAGE_FAILED,
    MESSAGE_SENT,
    REVENUE,
    WITH_EFFECT,
)
from journeyflow.catalog.catalog import Catalog
from journeyflow.machine.behaviours import advance
from journeyflow.records.changes import Changes
from journeyflow.records.forgetting import is_anonymous
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input, Run
from journeyflow.stores.batch import (
    HELD,
    INPUT,
    JOURNEY,
    PULL,
    QUEUE,
    TIMER,
    CapRequest,
    Due,
    DueKey,
    Loaded,
    Request,
    at_of,
    customer_of,
    due_of,
    id_of,
    named_in,
    serial_of,
    type_in,
    version_of,
)
from journeyflow.work.delivery import lease_ended
from journeyflow.work.engagement import may_be_heard
from journeyflow.work.entries import admit
from journeyflow.work.happenings import OrderGiven, Tally
from journeyflow.work.intake import message_named, take_input
from journeyflow.work.orders import carry_out
from journeyflow.work.pull_lists import plan_pulls
from journeyflow.work.pulls import pull
from journeyflow.work.slots import plan_limits
from journeyflow.work.stages import handle
from journeyflow.work.suppression import suspects
from journeyflow.work.together.unheard import Unheard, unheard_types
from journeyflow.work.working_set import Work

type_of: Callable[[Input], str] = itemgetter(4)
"""Return the type of an event."""


answer_in: Callable[[Input], tuple[str, str]] = itemgetter(1, 3)
"""Return the tenant and the kind of an answer."""

TOLD_BY = {"ack": MESSAGE_SENT, "nack": MESSAGE_FAILED}
"""The event that an answer may cause, by its kind."""

NO_TYPES: frozenset[tuple[str, str]] = frozenset()

NOBODY: frozenset[int] = frozenset()


def passing(due: Due, catalog: Catalog) -> AbstractSet[tuple[str, str]]:
    """Return the types of due events, as (tenant, type), that come and go without their customers in hand.

    Nobody listens to these. There are none where crowds take events, or where customers may be forgotten: there such
    an event may be handled as others are.
    """
    if "event" not in due.by_kind or catalog.suppressing or catalog.forgetting or are_shared(due):
        return NO_TYPES
    return unheard_types(due, catalog)


def plan(due: Due, catalog: Catalog, unheard: AbstractSet[tuple[str, str]] = NO_TYPES) -> Request:
    """Return what must be loaded before due work can be handled.

    Customers with an input, and customers with a run that emits events other runs may listen to, are loaded with all
    their runs. For other customers the attributes suffice, and for those of messages to which something happens that
    nobody hears of; of those with events of `unheard` types, it is enough to know whether they are there.
    """
    events = due.by_kind.get("event", ())
    telling = {kind for kind in set(map(type_of, events)) if kind == REVENUE or kind.startswith(MESSAGE)}
    about = [(item, message_named(item)) for item in events if item.type in telling] if telling else []
    quiet = _quiet(about, catalog)
    told = [*map(id_of, due.answers), *(named for _, named in about)]
    posts = {key for each in told if (key := message_key(each, catalog.nonces))}
    runs = due.runs.values()
    versions = {*map(version_of, runs)}
    heard = frozenset(map(customer_of, _of_versions(runs, versions - catalog.unheard)))
    return Request(
        _named(due, unheard, quiet) if unheard or quiet else set(due.named),
        frozenset(map(customer_of, runs)) - heard,
        heard,
        frozenset({serial for serial, _ in chain(posts, due.posts)}),
        _whole_of(due, catalog),
        frozenset(due.runs),
        frozenset(posts - due.posts.keys()),
        frozenset(map(serial_of, _of_versions(runs, versions & catalog.reading_posts))),
        catalog.reading_posts,
        frozenset(_named_events(events)),
        frozenset(named_in(item) for item in events if type_in(item) in unheard) if unheard else frozenset(),
        caps=CapRequest(catalog.capped, _since(due, catalog)) if catalog.capped else None,
        clicked=frozenset(
            {(item.tenant, item.customer) for item, named in about if item.type == REVENUE and named is None}
        ),
        converting=catalog.converting,
        suppressed=suspects(catalog, due.inputs.values()),
        limits=plan_limits(due, catalog),
        pulls=plan_pulls(due, catalog),
    )


def _named(due: Due, unheard: AbstractSet[tuple[str, str]], quiet: AbstractSet[int]) -> set[tuple[str, str]]:
    """Return the (tenant, id) of the customers that inputs name, apart from some events."""
    telling = (items for kind, items in due.by_kind.items() if kind not in ANSWER_KINDS and kind != "event")
    heard = (item for item in due.by_kind["event"] if type_in(item) not in unheard and item.seq not in quiet)
    return set(map(named_in, chain(heard, *telling)))


def _quiet(about: Sequence[tuple[Input, object]], catalog: Catalog) -> AbstractSet[int]:
    """Return the numbers of the events about a message that concern no journey: its own customer is enough."""
    types = {type_in(item) for item, _ in about if item.type in MESSAGE_EVENTS}
    quiet = {each for each in types if not may_be_heard(catalog, *each)}
    return {item.seq for item, named in about if named is not None and type_in(item) in quiet} if quiet else NOBODY


def _whole_of(due: Due, catalog: Catalog) -> AbstractSet[int]:
    """Return the runs of messages of whose answers and ends of leases a journey may hear."""
    tellers = set(map(answer_in, due.answers))
    heard = {each for each in tellers if each[1] in TOLD_BY and may_be_heard(catalog, each[0], TOLD_BY[each[1]])}
    told = (message_key(item.id) for item in due.answers if answer_in(item) in heard) if heard else ()
    return {key[0] for key in chain(told, due.posts if catalog.hears_failures else ()) if key is not None}


def _of_versions(runs: Collection[Run], versions: AbstractSet[int]) -> Iterable[Run]:
    """Return the runs of some versions."""
    return compress(runs, map(versions.__contains__, map(version_of, runs))) if versions else ()


def _named_events(events: Sequence[Input]) -> Iterator[tuple[str, str, str]]:
    """Yield (tenant, type, id) of the events that have an id."""
    if {*map(id_of, events)} != {None}:  # as a rule none has
        yield from ((item.tenant, item.type, item.id) for item in events if item.id is not None)


def _since(due: Due, catalog: Catalog) -> int:
    """Return the instant from which messages may count for the caps that this batch checks (R31)."""
    reach = max((catalog.policies[tenant].reach or 0 for tenant in catalog.capped), default=0)
    return due.keys[0][0] - reach if due.keys else 0


def run(
    due: Due, loaded: Loaded, catalog: Catalog, now: int, *, grace: int | None, dedup: int, limit: int | None = None
) -> tuple[Changes, Tally]:
    """Handle due work in its total order, and the work it causes up to the place of the last item (R7).

    `grace` and `dedup` are in microseconds; with a `grace` of None nothing is late (R5). After `limit` items the rest
    is left for another batch, whether it was due from the start or caused by this batch (R73).
    """
    work = lay_out(due, loaded, catalog, now, grace=grace)
    take = _taking(work, due, dedup)
    position, items, keys = 0, 0, due.keys
    while items != limit and (position < len(keys) or work.heap):
        end = bisect_left(keys, work.heap[0], position) if work.heap else len(keys)
        end = end if limit is None else min(end, position + limit - items)
        together = take(position, end if work.stop is None else bisect_left(keys, work.stop, position, end))
        position, items = position + together, items + together
        if position < end:
            key = keys[position]
            position += 1
        elif work.heap and items != limit:
            key = heappop(work.heap)
        else:
            continue
        if work.stop is not None and key >= work.stop:
            break
        items += 1
        _handle_item(work, key, dedup)
    work.walk = advance  # the crowds have the working set, and it had them: a cycle, which only the collector finds
    cut = work.stop is not None or position < len(keys) or bool(work.heap)
    return work.changes(), work.tally(items - work.put_off, cut=cut)


SHARING = 2
"""How many items at one instant, on average, make handling them together cheaper than one by one."""

FEWEST = 8
"""How many items there have to be: what the first one is asked and does is noted, for which fewer do not pay."""


def are_shared(due: Due) -> bool:
    """Return whether crowds pay off: enough of the due items that they may take share their instants.

    >>> told = {seq: Input(seq, "t", "ann", "event", "buy", seq // 2, None, None) for seq in range(8)}
    >>> apart = {seq: item._replace(at=seq) for seq, item in told.items()}
    >>> keys = tuple((seq, INPUT, seq, 0) for seq in told)
    >>> are_shared(Due(keys, inputs=told)), are_shared(Due(keys, inputs=apart)), are_shared(Due())
    (True, False, False)
    """
    if len(due.keys) < FEWEST:
        return False
    events = due.by_kind.get("event", ())
    if not WITH_EFFECT.isdisjoint(map(type_of, events)):
        events = [item for item in events if item.type not in WITH_EFFECT]
    instants = [*map(due_of, due.runs.values()), *map(at_of, events)]
    return max(FEWEST, SHARING * len(set(instants))) <= len(instants)


def _taking(work: Work, due: Due, dedup: int) -> Callable[[int, int], int]:
    """Return a function with the contract of `Crowds.take`, for all that need not be handled item by item."""
    crowds = _in_crowds(work, due, dedup)
    if "event" not in due.by_kind:
        return crowds
    unheard = Unheard(work, due, dedup)
    if crowds is _nobody or not unheard.types:
        return unheard.take if unheard.types else crowds
    return lambda position, end: unheard.take(position, end) or crowds(position, end)


def _in_crowds(work: Work, due: Due, dedup: int) -> Callable[[int, int], int]:
    """Return the `take` of the crowds, or a function that takes nothing if hardly any instants are shared."""
    if not are_shared(due):
        return _nobody
    from journeyflow.work.together.crowds import Crowds  # noqa: PLC0415 hosts whose instants differ do without

    crowds = Crowds(work, due, dedup)
    work.walk = crowds.advance
    return crowds.take


def _nobody(_position: int, _end: int) -> int:
    return 0


def lay_out(due: Due, loaded: Loaded, catalog: Catalog, now: int, *, grace: int | None) -> Work:
    """Return a working set with what was loaded; its horizon is the place of the last due item."""
    horizon = due.keys[-1] if due.more and due.keys else (now, JOURNEY + 1, 0, 0)
    work = Work(catalog, now, grace, horizon)
    work.inputs = due.inputs
    if loaded.limits is not None:
        work.slots.lay_out(loaded.limits)
    if loaded.pulls is not None:
        work.pulls.lay_out(loaded.pulls, due, catalog)
    work.runs.update(due.runs)
    work.runs.update(loaded.runs)
    work.people.lay_out(loaded)
    work.messages.lay_out(loaded, due.posts)
    work.known = {key: list(found) for key, found in loaded.known.items()}
    work.next_serial = loaded.next_serial
    work.suppressed = dict(loaded.suppressed)
    return work


def _handle_item(work: Work, key: DueKey, dedup: int) -> None:
    """Handle one root item, then the events it caused, first in, first out (R7)."""
    work.past.clear()
    work.caused.clear()
    instant, rank, first, second = key
    work.own, work.place = first if rank == HELD else instant, instant
    if rank == INPUT:
        work.handled.append((first, take_input(work, work.inputs[first], dedup)))
    elif rank == TIMER and second:
        lease_ended(work, (first, second), instant)
    elif rank == TIMER:
        _wake(work, first, instant, None)
    elif rank == HELD:
        _wake(work, second, instant, first)
    else:
        {QUEUE: admit, PULL: pull}[second](work, first, instant)
    while work.queue:
        following = work.queue.popleft()
        if work.people.forgotten and is_anonymous(following.person.id):
            continue  # its customer has since been forgotten (R86)
        if isinstance(following, OrderGiven):
            carry_out(work, following)
        else:
            handle(work, following)


def _wake(work: Work, serial: int, own: int, held: int | None) -> None:
    """Wake a run whose instant has come, unless it has since moved on or a pause holds it (R4, R5, R16)."""
    current = work.runs[serial]
    if current.status != ACTIVE or current.due != own or current.held != held:
        return
    if work.paused(current, own):
        work.hold(current, own)
        return
    at = own if current.softened else work.effective(own)
    if at != own and work.paused(current, at):
        work.hold(current, at)
        return
    work.advance(current, "DUE", at, softened=at != own)
