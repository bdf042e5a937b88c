"""The methods of an engine that run, stop, migrate, remove and list journeys (R11, R13 to R16)."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe
from journeyflow.catalog.lifecycle import migration, moved, removed, switch
from journeyflow.catalog.migration import Migration
from journeyflow.engine.core import Bound
from journeyflow.engine.moving_runs import exit_everybody, migrate_everybody, shift_everybody
from journeyflow.engine.ticking import do_due_work
from journeyflow.engine.working import HostCall
from journeyflow.questions import journeys, paging
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.paging import Cursor, Page, Slice, name_faults, refuse, slice_faults, word_faults
from journeyflow.records.changes import CatalogChanges, Changes, LimitChanges
from journeyflow.stores.batch import PULL

if TYPE_CHECKING:
    from journeyflow.catalog.catalog import JourneyRecord
    from journeyflow.stores.contract import Transaction


def _begins_to_pull(record: "JourneyRecord", call: str) -> bool:
    """Return whether a journey pulls customers in from this call on (R27)."""
    return call == "activate" and record.newest.pull is not None


class LifecycleCalls(Bound):
    """The methods of an `Engine` that change the states of its tenant's journeys, each at once, and list them."""

    # --- states ---------------------------------------------------------------------------------------------------

    def activate(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Activate a DRAFT: from `at` on, its trigger enters customers (R11, R13).

        Raises NotFound, Conflict from any other state, InvalidJourney for a journey with an error, such as one without
        steps.
        """
        return self._lifecycle(journey, "activate", at)

    def pause(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Pause an ACTIVE journey: entries are refused, no wait is left, no message is handed out (R16).

        Changes of customers, exits and goals still act. Raises NotFound, and Conflict from any other state.
        """
        return self._lifecycle(journey, "pause", at)

    def resume(
        self, journey: str, *, at: datetime, overdue: Literal["run", "shift"] = "run", allow_jump: bool = False
    ) -> JourneyInfo:
        """Resume a PAUSED journey; work that came due during the pause runs first, at the instant of the resume (R16).

        With `overdue="shift"`, durations and timeouts are extended by the pause instead; everything else that came due
        is checked again at the resume. All work with instants before `at` is then done first, without deliveries;
        raises ClockJump as a tick does, unless `allow_jump` (R3). Raises NotFound, Conflict from any other state,
        ValueError for another word than "run" or "shift".
        """
        if overdue not in ("run", "shift"):
            msg = f"overdue: expected 'run' or 'shift', not {describe(overdue)}"
            raise ValueError(msg)
        if overdue == "run":
            return self._lifecycle(journey, "resume", at)
        core = self._core
        do_due_work(HostCall(core, moved(self._known(journey), "resume", to_micros(at)).at - 1, allow_jump=allow_jump))
        with core.amending() as transaction:
            record = self._find(transaction, journey)
            shift_everybody(core, transaction, record, moved(record, "resume", to_micros(at)).at)
            self._move(transaction, record, "resume", at)
        return self.journey(journey)

    def migrate(
        self,
        journey: str,
        to_version: int,
        mapping: Mapping[str, str | None] | None = None,
        *,
        at: datetime,
        dry_run: bool = False,
        allow_jump: bool = False,
    ) -> Migration:
        """Move all customers inside to another version of the journey, or none (R14).

        Every step with people at it must be in that version under its own id, or be a key of `mapping`, which says
        where its people go: to a step, or with None out of the journey (EXITED, "migrated"). People who were waiting go
        on waiting from the same instant. Rules of that version find messages and awaited events of mapped steps under
        the new names.

        All work with instants before `at` is done first, without deliveries; raises ClockJump as a tick does, unless
        `allow_jump` (R3). With `dry_run` nothing is done, and the result says what would be.

        Raises CannotMigrate with all customers who have no place, InvalidInput for a mapping that names an unknown
        step, NotFound for an unknown journey or version, Conflict for a DRAFT or ARCHIVED journey.
        """
        found = name_faults("to_version", to_version=to_version, dry_run=dry_run)
        if mapping is not None and not isinstance(mapping, Mapping):
            found.append(f"mapping: must say of each step where its people go, not {describe(mapping)}")
        refuse(found)
        core, mapped = self._core, dict(mapping or {})
        plan = migration(self._known(journey), to_version, mapped, to_micros(at))
        if not dry_run:
            do_due_work(HostCall(core, plan.at - 1, allow_jump=allow_jump))
        with core.store.transaction(write=not dry_run) as transaction:
            record = self._find(transaction, journey)
            plan = migration(record, to_version, mapped, to_micros(at))
            moves = migrate_everybody(core, transaction, record, plan, dry_run=dry_run)
        return Migration(journey, to_version, moves, dry_run=dry_run)

    def enable(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Activate a DRAFT, or resume a PAUSED journey (F97).

        Raises Conflict if it is enabled already or ARCHIVED, NotFound, and InvalidJourney as `activate` does.
        """
        return self._switch(journey, "enable", at)

    def disable(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Pause an ACTIVE journey (F98).

        Raises Conflict if it is disabled already or ARCHIVED, and NotFound.
        """
        return self._switch(journey, "disable", at)

    def archive(self, journey: str, *, at: datetime, allow_jump: bool = False) -> int:
        """Archive an ACTIVE or PAUSED journey for good; return how many enrollments that ended (R11, R15).

        They are EXITED, "archived". All work with instants before `at` is done first, without deliveries; raises
        ClockJump as a tick does, unless `allow_jump` (R3). Raises NotFound, and Conflict from any other state.
        """
        core = self._core
        with core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
            first = moved(record, "archive", to_micros(at)).at
        do_due_work(HostCall(core, first - 1, allow_jump=allow_jump))
        with core.amending() as transaction:
            record = self._find(transaction, journey)
            transition = moved(record, "archive", to_micros(at))
            count = exit_everybody(core, transaction, record, transition.at)
            emptied = LimitChanges(emptied=(record.number,))
            transaction.commit(Changes(catalog=CatalogChanges(transitions=(transition,)), limits=emptied))
        return count

    # --- taking away ----------------------------------------------------------------------------------------------

    def delete(self, journey: str) -> None:
        """Delete a DRAFT (R15, F95).

        Raises NotFound, and Conflict from any other state.
        """
        self._take_away(journey, "delete")

    def purge(self, journey: str) -> None:
        """Remove an ARCHIVED journey with its versions, enrollments, visits, messages and refusals (R15).

        Inputs stay: they are the host's. Raises NotFound, and Conflict from any other state.
        """
        self._take_away(journey, "purge")

    def remove(self, journey: str, *, at: datetime, allow_jump: bool = False) -> None:
        """Remove a journey in any state: delete a DRAFT, else archive and purge it (R15, F94).

        Raises NotFound, and ClockJump as `archive` does.
        """
        state = self._known(journey).newest_state
        if state in {"ACTIVE", "PAUSED"}:
            self.archive(journey, at=at, allow_jump=allow_jump)
        self._take_away(journey, "delete" if state == "DRAFT" else "purge")

    # --- questions ------------------------------------------------------------------------------------------------

    def journeys(
        self,
        *,
        status: str | None = None,
        trigger: str | None = None,
        customer: str | None = None,
        order: str = "id",
        descending: bool = False,
        skip: int = 0,
        take: int | None = None,
        after: Cursor | None = None,
    ) -> Page[JourneyInfo]:
        """Return this tenant's journeys, all of them unless `take` bounds the page (F88 to F91, R84).

        Filtered by state ("Enabled" is ACTIVE, "Disabled" is DRAFT or PAUSED), by the event type of the trigger, and by
        `customer`: the journeys that this customer is inside now.
        Sorted by "id", "name" or "created"; ties in the order in which the journeys were made. A page begins after
        `skip` rows or after the cursor of the page before. Raises InvalidInput with every fault.
        """
        part = Slice(order, descending, skip, take, after)
        found = slice_faults(part, journeys.JOURNEY_ORDERS) + name_faults(trigger=trigger, customer=customer)
        refuse(found + word_faults("status", [] if status is None else [status], journeys.JOURNEY_STATES))
        with self._core.store.reader() as reader:
            return journeys.journeys(reader, self._tenant, part, status=status, trigger=trigger, customer=customer)

    def journey(self, journey: str | None = None, *, number: int | None = None) -> JourneyInfo:
        """Return a journey as it stands, by its id or by its number.

        Raises NotFound, also for the number of another tenant's journey; TypeError unless one of both is given.
        """
        if (journey is None) == (number is None):
            msg = "name a journey by its id, or by number="
            raise TypeError(msg)
        refuse(name_faults(journey=journey, number=number))
        with self._core.store.reader() as reader:
            one = Slice("id", take=None)
            found = journeys.journeys(reader, self._tenant, one, journey=journey, number=number).items
        if not found and journey is not None:
            self._known(journey)  # raises, with a suggestion
        return paging.required(found[0] if found else None, "journey", number if journey is None else journey)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _lifecycle(self, journey: str, call: str, at: datetime) -> JourneyInfo:
        with self._core.amending() as transaction:
            self._move(transaction, self._find(transaction, journey), call, at)
        return self.journey(journey)

    def _switch(self, journey: str, word: str, at: datetime) -> JourneyInfo:
        with self._core.amending() as transaction:
            record = self._find(transaction, journey)
            self._move(transaction, record, switch(record, word), at)
        return self.journey(journey)

    def _move(self, transaction: "Transaction", record: "JourneyRecord", call: str, at: datetime) -> None:
        transition = moved(record, call, to_micros(at))
        released = ((record.number, transition.at),) if call == "resume" else ()
        timers = ((record.number, PULL, transition.at),) if _begins_to_pull(record, call) else ()
        changes, limits = CatalogChanges(transitions=(transition,)), LimitChanges(timers=timers)
        transaction.commit(Changes(catalog=changes, released=released, limits=limits))

    def _take_away(self, journey: str, call: str) -> None:
        with self._core.amending() as transaction:
            transaction.commit(Changes(catalog=removed(self._find(transaction, journey), call)))
