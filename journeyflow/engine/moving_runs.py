"""Moving, prolonging or ending every run inside a journey, a batch at a time inside one transaction (R14 to R16)."""

from collections.abc import Iterator, Mapping, Sequence

from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.catalog.migration import Moved, Plan, migrated, shifted
from journeyflow.engine.core import Core
from journeyflow.errors import CannotMigrate
from journeyflow.machine.behaviours import advance
from journeyflow.machine.notes import Result, Situation
from journeyflow.records import counting
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Move, Run
from journeyflow.stores.batch import CustomerInHand, Request
from journeyflow.stores.contract import Transaction
from journeyflow.stores.inquiries import ActiveRequest


def migrate_everybody(
    core: Core, transaction: Transaction, record: JourneyRecord, plan: Plan, *, dry_run: bool
) -> tuple[Moved, ...]:
    """Move every active run of another version; return how many, by version, step and target (R14).

    All or nothing: raises CannotMigrate with everybody whose step has no place in the new version; the transaction must
    then be rolled back.
    """
    catalog, to = core.refresh(transaction), plan.to
    moved, stranded = dict[tuple[int, str, str | None], int](), dict[str, list[str]]()
    for inside, people in everybody_inside(core, transaction, record.number):
        done = list[tuple[Run, Move]]()
        for run in inside:
            old, person = catalog.programs[run.version], people[run.customer]
            if old is to:
                continue
            step, target, leads = plan.destination(run, old)
            if not leads:
                stranded.setdefault(step, []).append(person.id)
                continue
            place = (old.version, step, target)
            moved[place] = moved.get(place, 0) + 1
            hidden = record.unpublished(max(plan.at, run.last_at))
            situation = Situation(person.id, person.attributes, nonces=catalog.nonces, unpublished=hidden)
            done.append(migrated(run, old, target, plan, situation))
        if done and not stranded and not dry_run:
            _commit_moved(transaction, catalog, done)
    if stranded:
        raise CannotMigrate(record.id, to.version, stranded)
    return tuple(Moved(*place, people) for place, people in sorted(moved.items(), key=lambda each: each[0][:2]))


def _commit_moved(transaction: Transaction, catalog: Catalog, done: Sequence[tuple[Run, Move]]) -> None:
    runs, moves = {run.serial: run for run, _ in done}, tuple(move for _, move in done)
    counters = counting.count(moves, runs, (), catalog.zones)
    repinned = tuple((run.serial, run.version) for run in runs.values())
    transaction.commit(Changes(runs=tuple(runs.values()), moves=moves, counters=counters, repinned=repinned))


def shift_everybody(core: Core, transaction: Transaction, record: JourneyRecord, at: int) -> None:
    """Prolong the waits of a PAUSED journey by the length of its pause (R16)."""
    catalog, paused_at = core.refresh(transaction), record.newest_at or 0
    for inside, people in everybody_inside(core, transaction, record.number):
        news = [
            shifted(catalog.programs[run.version], run, people[run.customer].attributes, paused_at, at)
            for run in inside
        ]
        if runs := tuple(run for run in news if run is not None):
            transaction.commit(Changes(runs=runs))


def exit_everybody(core: Core, transaction: Transaction, record: JourneyRecord, at: int) -> int:
    """End every active run of a journey, a batch at a time inside one transaction; return how many (R15)."""
    catalog, count = core.refresh(transaction), 0
    for inside, people in everybody_inside(core, transaction, record.number):
        results = [_archived(catalog, run, people[run.customer].id, at) for run in inside]
        moves = tuple(result.move for result in results if result.move is not None)
        runs = {result.run.serial: result.run for result in results}
        counters = counting.count(moves, runs, (), catalog.zones)
        transaction.commit(Changes(runs=tuple(runs.values()), moves=moves, counters=counters))
        count += len(results)
    return count


def everybody_inside(
    core: Core, transaction: Transaction, journey: int
) -> Iterator[tuple[Sequence[Run], Mapping[int, CustomerInHand]]]:
    """Yield the active runs of a journey by serial, a batch at a time, each batch with its customers by number."""
    after, size = 0, core.options.batch_size
    while True:
        serials = transaction.ask(ActiveRequest(journey, after, size))
        if not serials:
            return
        loaded = transaction.load(Request(serials=frozenset(serials)))
        yield [loaded.runs[serial] for serial in serials], {person.number: person for person in loaded.people}
        after = serials[-1]


def _archived(catalog: Catalog, run: Run, customer: str, at: int) -> Result:
    """End one run because its journey is archived."""
    return advance(
        catalog.programs[run.version], run, "EXIT", Situation(customer, {}), max(at, run.last_at), reason="archived"
    )
