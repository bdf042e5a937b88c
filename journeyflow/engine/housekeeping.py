"""Rare operations: forgetting customers, pruning history, giving space back, renewing the nonce (R70, R86)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from functools import partial

from attrs import evolve, frozen

from journeyflow.engine.core import Core
from journeyflow.engine.ticking import do_due_work, scrub
from journeyflow.engine.working import HostCall
from journeyflow.errors import InvalidInput, NotFound
from journeyflow.questions.customers import newest_numbers, told_of
from journeyflow.records.changes import CatalogChanges, Changes, Erased, Forgotten, Pruned
from journeyflow.records.forgetting import anonymous
from journeyflow.records.message_ids import nonce_name
from journeyflow.records.public import PruneResult
from journeyflow.stores.batch import Due, LimitRequest, Request
from journeyflow.stores.inquiries import PastRequest, PruneRequest
from journeyflow.work import orders
from journeyflow.work.pruning import Share, message_of, outlived, settle
from journeyflow.work.scheduler import lay_out

Progress = Callable[[int, int], object]
"""Is called with how much is done, and of how much."""


def forget(core: Core, tenant: str, customers: Collection[str], at: int, *, scrubbed: bool, allow_jump: bool) -> int:
    """Forget customers of a tenant in one commit; return how many enrollments that ended.

    All work with own instants (R4) before `at` is done first, without deliveries (R11). Raises NotFound, with no
    customer forgotten, for a customer about whom nothing is known, not even an unhandled input.
    """
    do_due_work(HostCall(core, at - 1, allow_jump=allow_jump))
    told = _told_of(core, tenant, customers)
    with core.store.transaction(tenant=tenant) as transaction:
        catalog = core.refresh(transaction)
        named = frozenset((tenant, customer) for customer in customers)
        limits = LimitRequest(frozenset(catalog.limited)) if catalog.limited else None
        loaded = transaction.load(Request(names=named, limits=limits))
        known = {person.id for person in loaded.people}
        for customer in customers:
            if customer not in known and customer not in told:
                kind = "customer"
                raise NotFound(kind, customer)
        work = lay_out(Due(), loaded, catalog, at, grace=None)
        ended = sum(orders.forget(work, person, at, at + 1) for person in loaded.people)
        unknown = tuple(Forgotten(0, tenant, each, anonymous(0), at + 1) for each in customers if each not in known)
        changes = work.changes()
        forgotten = tuple(evolve(each, inbox=True) for each in (*changes.erased.forgotten, *unknown))
        transaction.commit(changes._replace(catalog=catalog.when_forgetting(traces=scrubbed), erased=Erased(forgotten)))
    if scrubbed:
        scrub(core)
    return ended


def _told_of(core: Core, tenant: str, customers: Collection[str]) -> set[str]:
    """Return those of the customers that inputs are about."""
    with core.store.reader() as reader:
        return told_of(reader, tenant, customers)


@frozen
class Scope:
    """What is to be pruned: history before an instant, of some journeys; `tenant` is None for all tenants.

    With `whole`, inputs that are about none of the journeys' messages are pruned too.
    """

    before: int
    journeys: frozenset[int]
    tenant: str | None
    whole: bool
    dry_run: bool


class Marks:
    """A set of whole numbers, most of them near one another: a byte each, in blocks made where the first one falls.

    >>> marks = Marks()
    >>> marks.add(10**15)
    >>> 10**15 in marks, 10**15 + 1 in marks, 3 in marks
    (True, False, False)
    """

    BLOCK = 1 << 12

    def __init__(self) -> None:
        """Begin without numbers."""
        self._blocks: defaultdict[int, bytearray] = defaultdict(partial(bytearray, self.BLOCK))

    def add(self, number: int) -> None:
        """Mark a number."""
        block, place = divmod(number, self.BLOCK)
        self._blocks[block][place] = 1

    def __contains__(self, number: int) -> bool:
        """Return whether a number is marked."""
        block, place = divmod(number, self.BLOCK)
        return block in self._blocks and self._blocks[block][place] == 1


def prune(core: Core, scope: Scope, progress: Progress) -> PruneResult:
    """Turn finished history into opening balances, a batch at a time; a call cut short goes on when made again.

    Runs go first, each with its messages and the sums of the events about them. Then inputs go, unless a message that
    they are about is still there.
    """
    with core.store.reader() as reader:
        last, last_input = newest_numbers(reader)
    doomed = Marks()
    found = PruneResult(dry_run=scope.dry_run)
    for serial, share in _prune_runs(core, scope, doomed):
        found = _added(found, share)
        progress(min(serial, last), last + last_input)
    for seq, inputs in _prune_inputs(core, scope, doomed):
        found = evolve(found, inputs=found.inputs + inputs)
        progress(last + min(seq, last_input), last + last_input)
    return found


def _prune_runs(core: Core, scope: Scope, doomed: Marks) -> Iterator[tuple[int, Share]]:
    """Yield per batch the serial of its last run and what became of its runs; mark in `doomed` whose messages go."""
    after, size = 0, core.options.batch_size
    while True:
        with core.store.transaction(write=not scope.dry_run, tenant=scope.tenant) as transaction:
            catalog = core.refresh(transaction)
            finished = transaction.ask(PruneRequest(scope.before, scope.journeys, after, size))
            share = settle(finished, catalog, scope.before)
            if share.changes and not scope.dry_run:
                transaction.commit(share.changes)
        if not finished.runs:
            return
        after = finished.runs[-1].serial
        for post in share.posts:
            doomed.add(post.serial)
        yield after, share


def _prune_inputs(core: Core, scope: Scope, doomed: Marks) -> Iterator[tuple[int, int]]:
    """Yield for each batch the number of the last input that was looked at, and how many inputs went."""
    after, size = 0, core.options.batch_size
    while True:
        with core.store.transaction(write=not scope.dry_run, tenant=scope.tenant) as transaction:
            past = transaction.ask(PastRequest(scope.before, after, size, scope.tenant))
            named = {key for item, outcome in past if (key := message_of(item, outcome)) is not None}
            posts = transaction.load(Request(posts=frozenset(named))).posts
            present = {key for key in posts if key[0] not in doomed}
            known_since = scope.before - core.options.dedup
            gone = outlived(past, present, known_since, orphans_only=not scope.whole)
            if gone and not scope.dry_run:
                transaction.commit(Changes(pruned=Pruned(inputs=gone)))
        if not past:
            return
        after = past[-1][0].seq
        yield after, len(gone)


def _added(total: PruneResult, share: Share) -> PruneResult:
    """Add what became of a batch of runs to the total."""
    return evolve(
        total,
        enrollments=total.enrollments + len(share.gone),
        emptied=total.emptied + len(share.bared),
        moves=total.moves + len(share.moves),
        messages=total.messages + len(share.posts),
    )


def vacuum(core: Core) -> None:
    """Erase what is no longer there, and give back its space."""
    scrub(core)


def renew_nonce(core: Core, nonce: str) -> None:
    """Begin ids of messages with another nonce from now on (R70); raises InvalidInput for one that was used before."""
    with core.amending() as transaction:
        catalog = core.refresh(transaction)
        if nonce in catalog.nonces:
            raise InvalidInput(
                [f"nonce: {nonce!r} was used before: messages have ids that begin with it; give another"]
            )
        transaction.commit(Changes(catalog=CatalogChanges(meta=((nonce_name(len(catalog.nonces)), nonce),))))
