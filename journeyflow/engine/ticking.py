"""The work of a tick: batches until nothing is due, deliveries, and what the host learns of it (R3, R73)."""

from collections.abc import Callable
from datetime import datetime
from logging import DEBUG
from operator import attrgetter
from typing import Final

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.collector import undisturbed
from journeyflow.basics.moments import LAST, from_micros
from journeyflow.definition.dates import TIMEZONE
from journeyflow.engine import delivery
from journeyflow.engine.core import LOG, Core
from journeyflow.engine.outlook import Outlook, seen
from journeyflow.engine.working import HostCall, NotAlone, Overdue, Unhandled, check_clock, do_batch, set_first_aside
from journeyflow.errors import StorageError, quoted
from journeyflow.records.changes import CatalogChanges, Changes, Erased
from journeyflow.records.forgetting import TRACES
from journeyflow.work.happenings import Tally
from journeyflow.work.outbox import claim_request


@frozen(slots=False)  # with slots, each of its fields costs six times as much to set
class TickResult(Rows):
    """What a tick did (R73).

    `inputs` were handled, `entered` runs begun, `moves` made, `messages` queued, entries `refused`. `late` counts work
    that was found later than grace allows and took effect at `now` (R5). `unmatched` counts events that named no
    message of their customer, and acks, nacks and requeues that named none of their tenant (R52, R71); `deferred`
    entries that wait for a slot (R23); `forgotten` customers whom a step forgot (R86). `delivered` and `failed` count
    attempts of the engine's own channels. `errors` counts items that were set aside because handling them raised an
    exception (R9). `unreadable` counts values that should be dates or time zones and are not, where journeys read them
    (R61). `duplicates` counts events whose id was known, with the same data or others (R26), and acks of what was SENT.

    `next_due` is the instant of the next work in UTC, None if nothing waits but what a pause holds; `more` is whether
    some of it is due already, as after `limit`. `paused` counts the journeys that are paused, over all tenants.
    """

    inputs: int = 0
    entered: int = 0
    moves: int = 0
    messages: int = 0
    refused: int = 0
    late: int = 0
    unmatched: int = 0
    deferred: int = 0
    delivered: int = 0
    failed: int = 0
    forgotten: int = 0
    errors: int = 0
    unreadable: int = 0
    duplicates: int = 0
    next_due: datetime | None = None
    more: bool = False
    paused: int = 0


NOTHING_DONE: Final = TickResult()

DoneSoFar = dict[str, int]
"""What was done so far: the fields of a `TickResult` that batches add up to; without one, it is 0."""

ADDED: Final = (
    *("inputs", "entered", "moves", "messages", "refused", "late", "unmatched", "deferred", "forgotten", "errors"),
    "duplicates",
)
"""The fields of a `Tally` that are added up."""

_added_up: Callable[[Tally], tuple[int, ...]] = attrgetter(*ADDED)


def look(core: Core, call: HostCall | None = None) -> Outlook:
    """Return when there is work, read without the write lock; with a call, also whether its claim would find any."""
    with core.store.transaction(write=False) as transaction:
        catalog = core.refresh(transaction)
        outlook: Outlook = seen(transaction, catalog)  # type: ignore[assignment]  # nothing was committed yet
        claim = call.claim if call is not None and call.joining and not outlook.busy(call.now) else None
        if claim is None or not transaction.ask(claim_request(claim, catalog, limit=1)):
            return outlook
    return outlook._replace(waiting=True)


def next_call(core: Core) -> Outlook:
    """Return when a tick has something to do: `free` is also that of a message for the engine's channels (R73)."""
    if not core.channels:
        return look(core)
    with core.store.transaction(write=False) as transaction:
        catalog = core.refresh(transaction)
        outlook: Outlook = seen(transaction, catalog)  # type: ignore[assignment]  # nothing was committed yet
        posts = transaction.ask(claim_request(delivery.own_handlers(core, LAST), catalog, limit=1))
    instants = [post.available_at for post in posts] + ([] if outlook.free is None else [outlook.free])
    return outlook._replace(free=min(instants, default=None))


def tick(call: HostCall, *, limit: int | None = None) -> TickResult:
    """Do the work of a call, hand messages to the engine's own channels, and claim what is left to be claimed.

    Raises what `do_due_work` raises.
    """
    core, (done, outlook) = call.core, do_due_work(call, limit=limit)
    delivered, failed = delivery.push(core, call.now) if core.channels else (0, 0)
    if call.claim is not None:
        undisturbed(delivery.claim, core, call.claim, call.messages)
    if core.channels or call.claim is not None:
        outlook = next_call(core)
    due = outlook.free
    result = TickResult(
        **done,
        delivered=delivered,
        failed=failed,
        next_due=None if due is None else from_micros(due),
        more=due is not None and due <= call.now,
        paused=outlook.paused,
    )
    if LOG.isEnabledFor(DEBUG):  # an idle tick is short enough that the instant would count
        LOG.debug("tick at %s: %s", from_micros(call.now), result)
    return result


def do_due_work(call: HostCall, *, limit: int | None = None) -> tuple[DoneSoFar, Outlook]:
    """Handle batches until nothing is due, and leave no traces of the forgotten on the medium (R86).

    Return what was done, and when there is more work. A call that gives no inputs asks the store without the write lock
    first, so that an idle tick writes nothing, and looks once. Raises ClockJump (R3) with the inputs stored, and
    StorageError if what this work forgot cannot be erased.
    """
    core, done, outlook = call.core, DoneSoFar(), None if call.inputs else look(call.core, call)
    if outlook is None or outlook.busy(call.now):
        if outlook is not None:
            _expect_clock(call, outlook)
        done = undisturbed(_worked, call, limit)
        if core.options.scrub and done.get("forgotten"):
            scrub(core)
        outlook = call.outlook or look(core)
    elif call.joining:
        call.claim = None  # nothing can be claimed
    if outlook.owing:
        _erase(core)
    return done, outlook


def do_work_of(call: HostCall) -> None:
    """Do the due work of some customers, or of all where theirs may depend on that of others (R74).

    Raises what `do_due_work` raises.
    """
    outlook, size, more = look(call.core), call.core.options.batch_size, True
    if not outlook.busy(call.now):
        return
    _expect_clock(call, outlook)
    try:
        while more:
            more, tally = do_batch(call, size)
            _log(tally)
    except (NotAlone, Unhandled):
        call.of = None
        do_due_work(call)
    else:
        if call.outlook is None or call.outlook.owing:
            erase_owed(call.core)


def _worked(call: HostCall, limit: int | None) -> DoneSoFar:
    """Handle batches until nothing is due; return what was done."""
    total: DoneSoFar = {}
    left, more = limit, True
    pace = whole = call.core.options.batch_size
    while more and left != 0:
        size = pace if left is None else min(left, pace)
        try:
            more, tally = do_batch(call, size, left if pace == whole else size)
        except Overdue:
            check_clock(call)
            continue
        except Unhandled as failure:
            if call.together:
                call.part()
                continue
            if size > 1 or pace == whole > 1:  # look for the item in smaller batches, which nothing else can tell (R7)
                pace = max(1, size // 2)
                continue
            tally = set_first_aside(call, failure)
        else:
            pace = min(whole, 2 * pace)
        _log(tally)
        for name, count in zip(ADDED, _added_up(tally), strict=True):
            if count:
                total[name] = total.get(name, 0) + count
        if tally.unreadable:
            total["unreadable"] = total.get("unreadable", 0) + len(tally.unreadable)
        left = None if left is None else left - tally.items
    return total


def _expect_clock(call: HostCall, outlook: Outlook) -> None:
    """Raise ClockJump if the clock has jumped (R3): it is looked at if the earliest work is from long ago."""
    if call.is_far(outlook.earliest):
        check_clock(call)
    call.jump = None


# --- traces on the medium ---------------------------------------------------------------------------------------------


def erase_owed(core: Core) -> None:
    """Erase the traces that an earlier commit owes to the medium, unless the engine leaves that to `vacuum` (R86).

    A process may have ended between a commit that forgot a customer and the rebuild of the file. If the file cannot be
    rebuilt now, the log has a warning, and the next call tries again.
    """
    with core.store.transaction(write=False) as transaction:
        owing = core.refresh(transaction).traces
    if owing:
        _erase(core)


def _erase(core: Core) -> None:
    """Erase the traces that are owed to the medium, as `erase_owed` does."""
    if not core.options.scrub:
        return
    try:
        scrub(core)
    except StorageError as error:
        LOG.warning("traces of forgotten customers are still in the file: %s", error)


def scrub(core: Core) -> None:
    """Erase from the medium what was deleted; then note that no traces are owed any more (R86).

    The note stays if the catalog has changed meanwhile: another process may have forgotten a customer.
    """
    with core.store.transaction() as transaction:
        revision = core.refresh(transaction).revision
        transaction.commit(Changes(erased=Erased(scrubbed=True)))
    with core.store.transaction() as transaction:
        catalog = core.refresh(transaction)
        if catalog.traces and catalog.revision == revision:
            transaction.commit(Changes(catalog=CatalogChanges(meta=((TRACES, ""),))))


def _log(tally: Tally) -> None:
    """Log what no journey can read, and what is given up, of what a batch did (R61, R71)."""
    for each in tally.unreadable:
        what = "time zone" if each.attribute == TIMEZONE else "date or instant in ISO 8601"
        subject = (each.tenant, each.customer, each.attribute, what)
        LOG.warning("tenant %r, customer %r: %s is not a %s: %s", *subject, quoted(each.value))
    for message, attempts, error in tally.given_up:
        LOG.error("message %s is given up after attempt %d: %s", message, attempts, error or "no reason given")
