"""The work of a tick, batch by batch: load, run, commit, until nothing is due (R3, R7)."""

from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from journeyflow.basics.moments import LAST, Duration, add, iso, zone
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.dates import TIMEZONE
from journeyflow.drawing.rows import Rows
from journeyflow.engine.collector import undisturbed
from journeyflow.engine.core import LOG, Core
from journeyflow.engine.inputs import told_error
from journeyflow.errors import ClockJump, StorageError, cut, shown
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import CatalogChanges, Changes, Erased
from journeyflow.records.forgetting import TRACES
from journeyflow.stores.batch import DueKey, Loaded, Request
from journeyflow.stores.contract import Transaction, only_tenant
from journeyflow.stores.inquiries import EarliestRequest, LastTickRequest
from journeyflow.work import scheduler
from journeyflow.work.alone import Named, is_alone, journey_timers, was_alone
from journeyflow.work.happenings import Tally
from journeyflow.work.outbox import claim_request
from journeyflow.work.setting_aside import SettingAside, name_item, set_aside, set_barely_aside

UTC: Final = zone("UTC")


@frozen
class TickResult(Rows):
    """What a tick did (R73).

    `inputs` were handled, `entered` runs begun, `moves` made, `messages` queued, entries `refused`. `late` counts work
    that was found later than grace allows and took effect at `now` (R5). `unmatched` counts events that named no
    message of their customer, and acks, nacks and requeues that named none of their tenant (R52, R71); `deferred`
    entries that wait for a slot (R23); `forgotten` customers whom a step forgot (R86). `delivered` and `failed` count
    attempts of the engine's own channels. `errors` counts items that were set aside because handling them raised an
    exception (R9). `unreadable` counts values that came as no date, or no time zone, where journeys read one (R61).
    `duplicates` counts events whose id was known, with the same data or others (R26), and acks of what was SENT.

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


@frozen
class Outlook:
    """When there is work, over all tenants, as one look at the store shows it.

    `earliest` is the instant of the earliest work, `free` that of the earliest which no pause will hold; None is none.
    `paused` counts the paused journeys. `owing` is whether traces of forgotten customers are owed to the medium (R86).
    """

    earliest: int | None
    free: int | None
    paused: int
    owing: bool


def look(core: Core) -> Outlook:
    """Return when there is work, without the write lock."""
    with core.store.transaction(write=False) as transaction:
        return _seen(transaction, core.refresh(transaction))


def next_call(core: Core) -> Outlook:
    """Return when a tick has something to do: `free` is also that of a message for the engine's channels (R73)."""
    if not core.channels:
        return look(core)
    with core.store.transaction(write=False) as transaction:
        catalog = core.refresh(transaction)
        seen = _seen(transaction, catalog)
        posts = transaction.ask(claim_request(catalog, None, frozenset(core.channels), LAST, 1))
    instants = [post.available_at for post in posts] + ([] if seen.free is None else [seen.free])
    return evolve(seen, free=min(instants, default=None))


def _seen(transaction: Transaction, catalog: Catalog) -> Outlook:
    paused = catalog.paused_since
    earliest, free = transaction.ask(EarliestRequest(paused))
    return Outlook(earliest, free, len(paused), catalog.traces)


def do_due_work(
    core: Core, now: int, *, limit: int | None = None, allow_jump: bool = False
) -> tuple[TickResult, Outlook]:
    """Handle batches until nothing is due, and leave no traces of the forgotten on the medium (R86).

    Return what was done, and when there is more work. The store is asked without the write lock first, so that an idle
    tick writes nothing, and looks once. Raises ClockJump (R3), and StorageError if what this work forgot cannot be
    erased.
    """
    refuse(name_faults(allow_jump=allow_jump))
    outlook, done = look(core), NOTHING_DONE
    if _is_due(core, outlook, now, allow_jump=allow_jump):
        done = undisturbed(_worked, core, now, limit)
        if core.options.scrub and done.forgotten:
            scrub(core)
        outlook = look(core)
    if outlook.owing:
        _erase(core)
    return done, outlook


def do_work_of(core: Core, names: Named, now: int, *, allow_jump: bool = False) -> None:
    """Do the due work of some customers, or of everybody where theirs may depend on that of others (R74).

    Raises what `do_due_work` raises.
    """
    refuse(name_faults(allow_jump=allow_jump))
    if not _is_due(core, look(core), now, allow_jump=allow_jump):
        return
    size, more = core.options.batch_size, True
    try:
        while more:
            more, tally = _one_batch(core, now, size, None, names)
            _added(NOTHING_DONE, tally)
    except (_NotAlone, _Unhandled):
        do_due_work(core, now, allow_jump=allow_jump)
    else:
        erase_owed(core)


def _is_due(core: Core, outlook: Outlook, now: int, *, allow_jump: bool) -> bool:
    """Return whether anything is due. Raises ClockJump (R3)."""
    earliest, jump = outlook.earliest, core.options.max_jump
    if earliest is None or earliest > now:
        return False
    if jump is not None and not allow_jump and add(earliest, jump, UTC) < now:
        _check_clock(core, now, jump)
    return True


def _worked(core: Core, now: int, limit: int | None) -> TickResult:
    """Handle batches until nothing is due."""
    total = NOTHING_DONE
    left, more = limit, True
    pace = whole = core.options.batch_size
    while more and left != 0:
        size = pace if left is None else min(left, pace)
        try:
            more, tally = _one_batch(core, now, size, left if pace == whole else size)
        except _Unhandled as failure:
            if size > 1 or pace == whole > 1:  # look for the item in smaller batches, which nothing else can tell (R7)
                pace = max(1, size // 2)
                continue
            tally = _set_aside(core, now, failure)
        else:
            pace = min(whole, 2 * pace)
        total = _added(total, tally)
        left = None if left is None else left - tally.items
    return total


def _check_clock(core: Core, now: int, jump: Duration) -> None:
    """Raise ClockJump if the earliest due timer and the last tick lie too far before `now`; inputs may (R3)."""
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
    if not due.keys or add(max(instants), jump, UTC) >= now:
        return
    runs = [*due.runs.values(), *found.runs.values()]
    record = catalog.journeys[runs[0].journey if runs else due.keys[0][2]]
    customer = next((person.id for run in runs for person in found.people if person.number == run.customer), None)
    last = None if last_tick is None else iso(last_tick)
    raise ClockJump(record.tenant, record.id, customer, iso(due.keys[0][0]), last, iso(now), str(jump))


# --- traces on the medium ---------------------------------------------------------------------------------------------


def erase_owed(core: Core) -> None:
    """Erase the traces that an earlier commit owes to the medium, unless the engine leaves that to `vacuum` (R86).

    A process may have ended between a commit that forgot somebody and the rebuild of the file. If the file cannot be
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

    The note stays if the catalog has changed meanwhile: another process may have forgotten somebody.
    """
    with core.store.transaction() as transaction:
        revision = core.refresh(transaction).revision
        transaction.commit(Changes(erased=Erased(scrubbed=True)))
    with core.store.transaction() as transaction:
        catalog = core.refresh(transaction)
        if catalog.traces and catalog.revision == revision:
            transaction.commit(Changes(catalog=CatalogChanges(meta=((TRACES, ""),))))


# --- batches ----------------------------------------------------------------------------------------------------------


def _one_batch(core: Core, now: int, size: int, limit: int | None, of: Named | None = None) -> tuple[bool, Tally]:
    """Load, run and commit one batch; return whether more is due than was loaded, and what was done.

    Raises, with nothing committed, _Unhandled for an exception that is not the store's, and _NotAlone if the work `of`
    some customers may depend on that of others.
    """
    tenant, due_at = (None, now) if of is None else (only_tenant(each for each, _ in of), None)
    with core.store.transaction(tenant=tenant, due_at=due_at) as transaction:
        catalog = core.refresh(transaction)
        due = transaction.due(now, size, of=of)
        timers = Loaded() if of is None else transaction.load(journey_timers(catalog))
        _expect_alone(of is None or is_alone(of, due, timers, catalog, now))
        try:
            loaded = transaction.load(scheduler.plan(due, catalog))
            grace, dedup = catalog.grace, core.options.dedup
            changes, tally = scheduler.run(due, loaded, catalog, now, grace=grace, dedup=dedup, limit=limit)
            if tally.forgotten or changes.erased.dismissed:
                changes = evolve(changes, catalog=catalog.when_forgetting(traces=True))
            _expect_alone(of is None or was_alone(changes))
            if changes:
                transaction.commit(evolve(changes, last_tick=now))
        except (StorageError, _NotAlone):
            raise
        except Exception as error:
            if not due.keys:  # another process was faster, so no item can be the reason
                raise
            raise _Unhandled(due.keys[0], transaction.tenant) from error
    return due.more or tally.cut, tally


class _NotAlone(Exception):
    """The work of some customers may depend on that of others."""


def _expect_alone(alone: bool) -> None:
    """Raise _NotAlone unless the work at hand may be done by itself."""
    if not alone:
        raise _NotAlone


class _Unhandled(Exception):
    """Handling a batch raised an exception, which is the cause; `key` is the place of its first item.

    `tenant` is the one whose work the batch was; None for that of all.
    """

    def __init__(self, key: DueKey, tenant: str | None) -> None:
        self.key, self.tenant = key, tenant


def _set_aside(core: Core, now: int, failure: _Unhandled) -> Tally:
    """Set aside the item whose handling raised an exception, and log it (R9); return what was done.

    Does nothing if another process has handled the item meanwhile.
    """
    cause = failure.__cause__
    error = cut(told_error(cause)) if cause is not None else ""
    try:
        done = _put_aside(core, now, failure, error, set_aside)
    except StorageError:
        raise
    except Exception as worse:  # noqa: BLE001 what is wrong may be wrong with the history of the run as well
        LOG.warning("the history of an item that is set aside cannot be written: %s", told_error(worse))
        done = _put_aside(core, now, failure, error, set_barely_aside)
    if done is None:
        return Tally()
    name, tally = done
    LOG.error("set aside %s: %s", name, error, exc_info=cause)
    return tally


def _put_aside(core: Core, now: int, failure: _Unhandled, error: str, way: SettingAside) -> tuple[str, Tally] | None:
    """Set an item aside in one way; return its name and what was done, or None if it is not due any more."""
    key = failure.key
    with core.store.transaction(tenant=failure.tenant) as transaction:
        catalog, due = core.refresh(transaction), transaction.due(now, 1)
        if due.keys[:1] != (key,):
            return None
        changes, tally = way(transaction, due, catalog, now, error)
        transaction.commit(evolve(changes, last_tick=now))
        return name_item(due, catalog, key), tally


def _added(total: TickResult, tally: Tally) -> TickResult:
    """Add what a batch did to the total, and log what no journey can read and what is given up (R61, R71)."""
    for each in tally.unreadable:
        what = "time zone" if each.attribute == TIMEZONE else "date or instant in ISO 8601"
        subject = (each.tenant, each.customer, each.attribute, what)
        LOG.warning("tenant %r, customer %r: %s is no %s: %s", *subject, shown(each.value))
    for message, attempts, error in tally.given_up:
        LOG.error("message %s is given up after attempt %d: %s", message, attempts, error or "no reason given")
    return evolve(
        total,
        inputs=total.inputs + tally.inputs,
        entered=total.entered + tally.entered,
        moves=total.moves + tally.moves,
        messages=total.messages + tally.messages,
        refused=total.refused + tally.refused,
        late=total.late + tally.late,
        unmatched=total.unmatched + tally.unmatched,
        deferred=total.deferred + tally.deferred,
        forgotten=total.forgotten + tally.forgotten,
        errors=total.errors + tally.errors,
        unreadable=total.unreadable + len(tally.unreadable),
        duplicates=total.duplicates + tally.duplicates,
    )
