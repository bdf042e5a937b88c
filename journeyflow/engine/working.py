"""One batch of work: load, run, commit, and what becomes of an item that cannot be handled (R3, R7, R9).

With the work a host may give inputs and claim messages. Both belong to the same commit: inputs are handled without
having waited in the inbox, and messages are leased as they are written.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import UTC_ZONE, iso
from journeyflow.catalog.catalog import Catalog
from journeyflow.engine.core import LOG, Core
from journeyflow.engine.delivery import log_aside
from journeyflow.engine.inputs import told_error
from journeyflow.engine.outlook import Outlook, seen
from journeyflow.errors import ClockJump, CorruptDatabase, StorageError, shortened
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Input, Post, make_input, replacing
from journeyflow.stores.batch import Due, DueKey, Loaded, Request, with_inputs
from journeyflow.stores.contract import Transaction, only_tenant
from journeyflow.stores.inquiries import InputNumbersRequest, LastTickRequest
from journeyflow.work import scheduler
from journeyflow.work.alone import Named, is_alone, journey_timers, was_alone
from journeyflow.work.hand import in_hand, with_posts
from journeyflow.work.happenings import Tally
from journeyflow.work.outbox import Claimant, Claimed, claim_posts
from journeyflow.work.setting_aside import SettingAside, name_item, set_aside, set_barely_aside

if TYPE_CHECKING:
    from journeyflow.records.public import Message


class HostCall:
    """What a call of a host does: the work due at `now`, with inputs that it gives and messages that it claims.

    `of` are the customers whose work is done, None for all. `inputs` are not stored yet; `numbers` are theirs as soon
    as they are. `claim` is not answered yet; `messages` are those that it has leased.
    """

    def __init__(
        self,
        core: Core,
        now: int,
        claim: Claimant | None = None,
        *,
        of: Named | None = None,
        allow_jump: bool = False,
    ) -> None:
        """Begin with nothing stored, done or claimed. Raises InvalidInput for an `allow_jump` that is not a bool."""
        if allow_jump is not False:
            refuse(name_faults(allow_jump=allow_jump))
        self.core, self.now, self.claim, self.of = core, now, claim, of
        self.inputs: Sequence[Input] = ()
        self.jump: Duration | None = None if allow_jump else core.options.max_jump
        self.joining = claim is not None and not core.channels
        """Whether the claim may be part of the commit of the last batch; handlers have their messages first."""
        self.messages: list[Message] = []
        self.numbers: Sequence[int] = ()
        self.outlook: Outlook | None = None
        """When there is more work, if that is known as of the last batch."""
        self._done: tuple[DueKey | None, Changes | None] = None, None

    def is_far(self, instant: int | None) -> bool:
        """Return whether something due at an instant lies too far before `now`."""
        return self.jump is not None and instant is not None and add(instant, self.jump, UTC_ZONE) < self.now

    @property
    def tenant(self) -> str | None:
        """The tenant of the inputs and the claim; None if they belong to several, or to none."""
        claimed = () if self.claim is None or self.claim.tenant is None else (self.claim.tenant,)
        return only_tenant((*(item.tenant for item in self.inputs), *claimed))

    @property
    def together(self) -> bool:
        """Whether the next batch may have to store inputs or to lease messages, beside its work."""
        return self.joining or bool(self.inputs)

    def store(self) -> None:
        """Store the inputs in a commit of their own."""
        if self.inputs:
            with self.core.store.transaction(tenant=self.tenant) as transaction:
                transaction.commit(Changes(inputs=self.numbered(transaction)))
            self.inputs = ()

    def part(self) -> None:
        """Store the inputs in a commit of their own, and leave the claim to another."""
        self.store()
        self.joining = False

    def numbered(self, transaction: Transaction) -> tuple[Input, ...]:
        """Return the inputs with the numbers that are next."""
        if not self.inputs:
            return ()
        self.numbers = transaction.ask(InputNumbersRequest([item.tenant for item in self.inputs]))
        return tuple([make_input((seq, *item[1:])) for seq, item in zip(self.numbers, self.inputs, strict=True)])

    def expect_progress(self, due: Due, changes: Changes, catalog: Catalog) -> None:
        """Raise CorruptDatabase where handling due work would never end, which only rows that nobody wrote can cause.

        That is, if it changes nothing, or if the first item came twice before and changes the same again.
        """
        if due.keys and (not changes or self._done == (due.keys[0], changes)):
            what = f"{name_item(due, catalog, due.keys[0])}, stays due whatever is done"
            raise CorruptDatabase(self.core.path, what, "see journeyflow audit, and restore the store from a backup")

    def done(self, due: Due, changes: Changes) -> None:
        """Note what was committed of due work; the changes are kept where the first item comes for the second time."""
        first = due.keys[0] if due.keys else None
        self._done = first, changes if first == self._done[0] else None

    def committed(self, claimed: Claimed | None) -> None:
        """Note that a batch is committed, and what was claimed with it."""
        self.inputs, self.jump = (), None
        if claimed is not None:
            log_aside(claimed)
            self.messages, self.joining = claimed.messages, False
            self.claim = self.claim if claimed.more else None


class Unhandled(Exception):
    """Handling a batch raised an exception, which is the cause; `keys` are those of its items.

    There are none only if what the call gave or claims together with the batch is the reason. `tenant` is the one whose
    work the batch was; None for that of all.
    """

    def __init__(self, keys: Sequence[DueKey], tenant: str | None) -> None:
        """Name the items, and the tenant."""
        self.keys, self.tenant = keys, tenant


class Overdue(Exception):
    """Something was due so long ago that the clock has to be looked at first (R3)."""


class NotAlone(Exception):
    """The work of some customers may depend on that of others."""


def do_batch(call: HostCall, size: int, limit: int | None = None) -> tuple[bool, Tally]:
    """Load, run and commit one batch; return whether more is due than was loaded, and what was done.

    Raises, with nothing committed, Overdue (R3), Unhandled for an exception that is not the store's, and NotAlone if
    the work of some customers may depend on that of others.
    """
    core, now, call.outlook = call.core, call.now, None
    if len(call.inputs) > size:
        call.store()
    tenant, due_at = _whose(call)
    with core.store.transaction(tenant=tenant, due_at=due_at) as transaction:
        catalog, due = core.refresh(transaction), transaction.due(now, size, of=call.of)
        if due.keys and call.is_far(due.keys[0][0]):
            raise Overdue
        try:
            given = call.numbered(transaction)
            due = with_inputs(due, given, now) if given else due
            if call.of is not None:
                timers = transaction.load(journey_timers(catalog))
                _expect_alone(is_alone(call.of, due, timers, catalog, now))
            changes, tally, loaded = _worked(call, transaction, catalog, due, limit)
            call.expect_progress(due, changes, catalog)
            more, claimed = due.more or tally.cut, None
            if call.claim is not None and call.joining and not more and not changes.erased:
                claimed = claim_posts(transaction, catalog, call.claim, in_hand(due, loaded, changes))
            leased = {} if claimed is None else claimed.posts
            if given or leased or changes:
                new, posts = with_posts(changes, leased)
                last_tick = now if changes else None
                transaction.commit(_completed(changes, given, new, posts, last_tick))
        except (StorageError, NotAlone):
            raise
        except Exception as error:
            raise Unhandled(due.keys, transaction.tenant) from error
        more = more or (due.others and call.of is None)
        call.outlook = None if more or changes.catalog else seen(transaction, catalog)
    call.done(due, changes)
    call.committed(claimed)
    return more, tally


_completed: Callable[[Changes, Sequence[Input], Sequence[Post], Sequence[Post], int | None], Changes] = replacing(
    Changes, "inputs", "new_posts", "posts", "last_tick"
)
"""Return the changes of a batch with what the call gives and claims."""


def _whose(call: HostCall) -> tuple[str | None, int | None]:
    """Return for which tenant a batch works, None for all, and at which instant the store may choose it (R92)."""
    if call.of is not None:
        return only_tenant(tenant for tenant, _ in call.of), None
    return (call.tenant, None) if call.together else (None, call.now)


def _worked(
    call: HostCall, transaction: Transaction, catalog: Catalog, due: Due, limit: int | None
) -> tuple[Changes, Tally, Loaded]:
    """Return what handling due work comes to, and what was loaded for it."""
    if not due.keys:
        return Changes(), Tally(), Loaded()
    loaded = transaction.load(scheduler.plan(due, catalog, scheduler.passing(due, catalog)))
    grace, dedup = catalog.grace, call.core.options.dedup
    changes, tally = scheduler.run(due, loaded, catalog, call.now, grace=grace, dedup=dedup, limit=limit)
    if tally.forgotten or changes.erased.dismissed:
        changes = changes._replace(catalog=catalog.when_forgetting(traces=True))
    _expect_alone(call.of is None or was_alone(changes))
    return changes, tally, loaded


def _expect_alone(alone: bool) -> None:
    """Raise NotAlone unless the work at hand may be done by itself."""
    if not alone:
        raise NotAlone


def check_clock(call: HostCall) -> None:
    """Raise ClockJump if the earliest due timer and the last tick lie too far before `now`; inputs may (R3).

    The inputs that the call gives are then stored.
    """
    core, now = call.core, call.now
    jump: Duration = call.jump  # type: ignore[assignment]  # without a bound nothing is far
    call.jump = None
    with core.store.transaction(write=False) as transaction:
        catalog, due = core.refresh(transaction), transaction.due(now, 1, inputs=False)
        found = transaction.load(
            Request(
                numbers=frozenset(run.customer for run in due.runs.values()),
                serials=frozenset(post.serial for post in due.posts.values()),
            )
        )
        last_tick = transaction.ask(LastTickRequest())
    instants = [key[0] for key in due.keys] + ([] if last_tick is None else [last_tick])
    if not due.keys or add(max(instants), jump, UTC_ZONE) >= now:
        return
    runs = [*due.runs.values(), *found.runs.values()]
    record = catalog.journeys[runs[0].journey if runs else due.keys[0][2]]
    customer = next((person.id for run in runs for person in found.people if person.number == run.customer), None)
    last = None if last_tick is None else iso(last_tick)
    call.store()
    raise ClockJump(record.tenant, record.id, customer, iso(due.keys[0][0]), last, iso(now), str(jump))


# --- items that cannot be handled -------------------------------------------------------------------------------------


def set_first_aside(call: HostCall, failure: Unhandled) -> Tally:
    """Set aside the item whose handling raised an exception, and log it (R9); return what was done.

    Does nothing if another process has handled the item meanwhile.
    """
    cause = failure.__cause__
    error = shortened(told_error(cause)) if cause is not None else ""
    try:
        done = _put_aside(call, failure, error, set_aside)
    except StorageError:
        raise
    except Exception as worse:  # noqa: BLE001 what is wrong may be wrong with the history of the run as well
        LOG.warning("the history of an item that is set aside cannot be written: %s", told_error(worse))
        done = _put_aside(call, failure, error, set_barely_aside)
    if done is None:
        return Tally()
    name, tally = done
    LOG.error("set aside %s: %s", name, error, exc_info=cause)
    return tally


def _put_aside(call: HostCall, failure: Unhandled, error: str, way: SettingAside) -> tuple[str, Tally] | None:
    """Set an item aside in one way; return its name and what was done, or None if it is not due any more."""
    core, now, key = call.core, call.now, failure.keys[0]
    with core.store.transaction(tenant=failure.tenant) as transaction:
        catalog, due = core.refresh(transaction), transaction.due(now, 1)
        if due.keys[:1] != (key,):
            return None
        changes, tally = way(transaction, due, catalog, now, error)
        call.expect_progress(due, changes, catalog)
        transaction.commit(changes._replace(last_tick=now))
        call.done(due, changes)
        return name_item(due, catalog, key), tally
