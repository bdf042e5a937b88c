"""The calls of an engine that change journeys: publish, run, stop, copy, move people on, take away (R11 to R18)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args, overload

from attrs import evolve, field, frozen

from journeyflow.basics.moments import LAST, to_micros
from journeyflow.basics.values import describe, id_fault
from journeyflow.catalog.lifecycle import created, edited, flagged, migration, moved, published, removed, switch
from journeyflow.catalog.migration import Migration
from journeyflow.definition.edits.copying import Copied, Templates, clone_of, copy_of
from journeyflow.definition.journey import Journey
from journeyflow.engine.core import Bound
from journeyflow.engine.moving import exit_everybody, migrate_everybody, shift_everybody
from journeyflow.engine.ticking import do_due_work
from journeyflow.errors import InvalidInput, JourneyflowError
from journeyflow.questions import journeys, paging
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.paging import Cursor, Page, Slice, name_faults, refuse, slice_faults, word_faults
from journeyflow.questions.versions import (
    SendInfo,
    StepInfo,
    VersionInfo,
    inhabited_versions,
    sends_of,
    steps_of,
    versions,
)
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.stores.batch import PULL, LimitRequest, Request

if TYPE_CHECKING:
    from journeyflow.catalog.catalog import Catalog, JourneyRecord
    from journeyflow.stores.contract import Transaction

BulkCall = Literal["enable", "disable", "clone", "delete", "remove"]
"""What can be done to many journeys at once."""


@frozen
class Bulk:
    """What a call on many journeys came to: every distinct id is in exactly one of the two (F107).

    `failed` maps ids to what stood against them, in words. `clones` maps the ids of cloned journeys to the new ones.
    """

    processed: tuple[str, ...]
    failed: Mapping[str, str]
    clones: Mapping[str, str] = field(factory=dict)


def _begins_to_pull(record: "JourneyRecord", call: str) -> bool:
    """Tell whether a lifecycle call is the instant from which on a journey pulls people in (R27)."""
    return call == "activate" and record.newest.pull is not None


def _woken(
    transaction: "Transaction", catalog: "Catalog", journey: Journey, tenant: str, changes: Changes
) -> LimitChanges | None:
    """Look at the schedule of a version from its instant on, where it is another one than before (R27)."""
    record = catalog.by_name.get((tenant, journey.id))
    if record is None or not record.transitions or not changes.versions:
        return None
    pull, at = journey.trigger.pull, changes.versions[0].published_at
    if pull is None or pull == record.newest.pull:
        return None
    known = transaction.load(Request(limits=LimitRequest(frozenset({record.number})))).limits
    timers = {} if known is None else known.timers
    due = timers.get((record.number, PULL), LAST)
    return None if due is None or due <= at else LimitChanges(timers=((record.number, PULL, at),))


class JourneyCalls(Bound):
    """What an `Engine` can do to journeys. Every call is of the engine's tenant, and is done when it returns."""

    # --- versions -------------------------------------------------------------------------------------------------

    def publish(self, journey: Journey, *, at: datetime, rollback: bool = False) -> int:
        """Publish a definition and give its version: idempotent by content (R12).

        In DRAFT it replaces the draft, else it makes the version that new enrollments enter. Content that was published
        before changes nothing, unless `rollback` makes its version the newest again.
        """
        tenant, instant = self._tenant_of(journey), to_micros(at)
        with self._core.amending() as transaction:
            catalog = self._core.refresh(transaction)
            version, changes = published(catalog, tenant, journey, instant, rollback=rollback)
            if changes:
                transaction.commit(evolve(changes, limits=_woken(transaction, catalog, journey, tenant, changes)))
        return version

    def deploy(self, journey: Journey, *, at: datetime) -> int:
        """Publish, and activate if DRAFT; give the version. A restart changes nothing, PAUSED stays PAUSED (R12)."""
        version = self.publish(journey, at=at)
        with self._core.amending() as transaction:
            record = self._find(transaction, journey.id, self._tenant_of(journey))
            if record.newest_state == "DRAFT":
                self._move(transaction, record, "activate", at)
        return version

    def edit(
        self,
        journey: str,
        *,
        at: datetime,
        name: str | None = None,
        description: str | None = None,
        notes: str | None = None,
    ) -> JourneyInfo:
        """Edit name, description or notes in place, in every state but ARCHIVED; no version arises (R12, F93)."""
        said = {"name": name, "description": description, "notes": notes}
        texts = {what: text for what, text in said.items() if text is not None}
        with self._core.amending() as transaction:
            changes = edited(self._find(transaction, journey), texts, to_micros(at))
            if changes:
                transaction.commit(changes)
        return self.journey(journey)

    def versions(self, journey: str) -> tuple[VersionInfo, ...]:
        """List the versions of a journey, with the people in each; raises NotFound."""
        record = self._known(journey)
        with self._core.store.reader() as reader:
            return versions(reader, record.number, record.newest.number)

    def definition(self, journey: str, *, version: int | None = None) -> Journey:
        """Give the definition of a journey: the newest version or a named one; raises NotFound."""
        refuse(name_faults("journey", journey=journey, version=version))
        record = self._known(journey)
        programs = {program.version: program for _, program in record.versions}
        program = programs.get(version) if version is not None else record.newest
        return paging.required(program, "version", version, of=journey).journey

    # --- steps ----------------------------------------------------------------------------------------------------

    def steps(self, journey: str, *, version: int | None = None) -> tuple[StepInfo, ...]:
        """List the steps of a journey by definition order, published or not (F118); raises NotFound."""
        definition = self.definition(journey, version=version)
        return steps_of(definition.steps, self._known(journey).newest_unpublished)

    def sends(
        self, journey: str | None = None, *, disabled: bool = False, unpublished: bool = False
    ) -> tuple[SendInfo, ...]:
        """List the Sends of the newest versions: of one journey or of all, by journey and order of the steps (F112).

        Only of ACTIVE journeys and only published ones, unless `disabled` and `unpublished` say otherwise (F113). An
        unknown journey has none (F116).
        """
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        records = [
            record
            for (tenant, name), record in catalog.by_name.items()
            if tenant == self._tenant and journey in {None, name}
        ]
        return sends_of(records, disabled=disabled, unpublished=unpublished)

    def set_published(self, journey: str, steps: Mapping[str, bool], *, at: datetime) -> tuple[StepInfo, ...]:
        """Publish and unpublish steps: all of it or nothing (R17, F111).

        A flag belongs to the step, not to a version: it acts on everybody from its instant on. An unpublished step is
        passed through; messages it queued before are kept back. Raises NotFound for an unknown step, InvalidJourney
        where the journey would not be valid without those steps, Conflict for an ARCHIVED journey.
        """
        if not isinstance(steps, Mapping):
            raise InvalidInput([f"steps: must say of each step whether it is published, not {describe(steps)}"])
        wrong = [
            f"steps[{step!r}]: must be true or false, not {describe(value)}"
            for step, value in steps.items()
            if not isinstance(value, bool)
        ]
        if wrong:
            raise InvalidInput(wrong)
        with self._core.store.reader() as reader:
            inside = inhabited_versions(reader, self._tenant, journey)
        with self._core.amending() as transaction:
            changes = flagged(self._find(transaction, journey), steps, to_micros(at), inside)
            if changes:
                transaction.commit(changes)
        return self.steps(journey)

    # --- states ---------------------------------------------------------------------------------------------------

    def activate(self, journey: str, *, at: datetime) -> JourneyInfo:
        """DRAFT -> ACTIVE; raises Conflict from any other state, InvalidJourney without steps (R11, R13)."""
        return self._lifecycle(journey, "activate", at)

    def pause(self, journey: str, *, at: datetime) -> JourneyInfo:
        """ACTIVE -> PAUSED: entries are refused, nothing goes on, nothing is handed out (R16)."""
        return self._lifecycle(journey, "pause", at)

    def resume(
        self, journey: str, *, at: datetime, overdue: Literal["run", "shift"] = "run", allow_jump: bool = False
    ) -> JourneyInfo:
        """PAUSED -> ACTIVE; what came due meanwhile runs first, at the instant of the resume (R16).

        With `overdue="shift"` durations and timeouts are prolonged by the pause instead; everything else that came due
        is asked again at the resume. All work with instants before `at` is done first then, without deliveries;
        ClockJump as for a tick (R3).
        """
        if overdue not in {"run", "shift"}:
            msg = f"overdue: expected 'run' or 'shift', not {describe(overdue)}"
            raise ValueError(msg)
        if overdue == "run":
            return self._lifecycle(journey, "resume", at)
        core = self._core
        do_due_work(core, moved(self._known(journey), "resume", to_micros(at)).at - 1, allow_jump=allow_jump)
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
        """Move everybody inside to another version of the journey, all or nobody (R14).

        Every step that holds somebody is found in that version under its own id, or `mapping` says where its people
        go: to a step, or with None out of the journey (EXITED, "migrated"). Who waited goes on waiting from the same
        instant. Rules of that version find messages and awaited events of mapped steps under the new names. All work
        with instants before `at` is done first, without deliveries; ClockJump as for a tick (R3). With `dry_run`
        nothing is done and nothing changes. Raises CannotMigrate with everybody who has no place, InvalidInput for a
        mapping that names no step, NotFound, Conflict for a DRAFT or ARCHIVED journey.
        """
        core, mapped = self._core, dict(mapping or {})
        plan = migration(self._known(journey), to_version, mapped, to_micros(at))
        if not dry_run:
            do_due_work(core, plan.at - 1, allow_jump=allow_jump)
        with core.store.transaction(write=not dry_run) as transaction:
            record = self._find(transaction, journey)
            plan = migration(record, to_version, mapped, to_micros(at))
            moves = migrate_everybody(core, transaction, record, plan, dry_run=dry_run)
        return Migration(journey, to_version, moves, dry_run=dry_run)

    def enable(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Activate a draft, or resume a PAUSED journey; Conflict where it is enabled already (F97)."""
        return self._switch(journey, "enable", at)

    def disable(self, journey: str, *, at: datetime) -> JourneyInfo:
        """Pause an ACTIVE journey; Conflict where it is disabled already (F98)."""
        return self._switch(journey, "disable", at)

    def archive(self, journey: str, *, at: datetime, allow_jump: bool = False) -> int:
        """ACTIVE or PAUSED -> ARCHIVED, which is final; give how many enrollments it ended (R11, R15).

        All work with instants before `at` is done first, without deliveries; ClockJump as for a tick (R3).
        """
        core = self._core
        with core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
            first = moved(record, "archive", to_micros(at)).at
        do_due_work(core, first - 1, allow_jump=allow_jump)
        with core.amending() as transaction:
            record = self._find(transaction, journey)
            transition = moved(record, "archive", to_micros(at))
            count = exit_everybody(core, transaction, record, transition.at)
            emptied = LimitChanges(emptied=(record.number,))
            transaction.commit(Changes(transitions=(transition,), limits=emptied))
        return count

    # --- taking away ----------------------------------------------------------------------------------------------

    def delete(self, journey: str) -> None:
        """Take a DRAFT away; raises Conflict from any other state (R15, F95)."""
        self._take_away(journey, "delete")

    def purge(self, journey: str) -> None:
        """Take an ARCHIVED journey away with its versions, enrollments, visits, messages and refusals (R15)."""
        self._take_away(journey, "purge")

    def remove(self, journey: str, *, at: datetime, allow_jump: bool = False) -> None:
        """Take a journey away in any state: delete a DRAFT, else archive and purge it (R15, F94)."""
        state = self._known(journey).newest_state
        if state in {"ACTIVE", "PAUSED"}:
            self.archive(journey, at=at, allow_jump=allow_jump)
        self._take_away(journey, "delete" if state == "DRAFT" else "purge")

    # --- copies ---------------------------------------------------------------------------------------------------

    def clone(self, journey: str, to: str, *, at: datetime, name: str | None = None) -> JourneyInfo:
        """Make a DRAFT with the same graph under another id: no enrollments, no statistics (R18, F103).

        Its unpublished steps are unpublished too. The name is "Copy of ..." unless given; the notes say of what it is a
        copy. Raises Conflict where the id is taken.
        """
        with self._core.amending() as transaction:
            record = self._find(transaction, journey)
            made = clone_of(record.newest.journey, to, name)
            catalog, hidden = self._core.refresh(transaction), record.newest_unpublished
            transaction.commit(created(catalog, self._tenant, made, to_micros(at), of=journey, unpublished=hidden))
        return self.journey(to)

    def copy_to(
        self,
        tenant: str,
        journey: str,
        *,
        at: datetime,
        to: str | None = None,
        name: str | None = None,
        templates: Templates | None = None,
    ) -> Copied:
        """Copy a journey to another tenant as a DRAFT entered by hand; tell what was mapped and what was lost (R18).

        Lists, tags and other journeys that it names are reset and reported, the steps that name them are unpublished.
        `templates` gives the other tenant's template for each of this one's, and is asked once for each; without it
        they stay. The id stays unless `to` is given. Raises Conflict where it is taken there.
        """
        if fault := id_fault(tenant):
            raise InvalidInput([f"tenant: {fault}"])
        record = self._known(journey)
        made, copied = copy_of(record.newest.journey, to or journey, tenant, name, templates)
        hidden = record.newest_unpublished | set(copied.unpublished)
        with self._core.amending() as transaction:
            catalog = self._core.refresh(transaction)
            transaction.commit(created(catalog, tenant, made, to_micros(at), of=journey, unpublished=hidden))
        return copied

    # --- many at once ---------------------------------------------------------------------------------------------

    def bulk(
        self,
        call: BulkCall,
        journeys: Iterable[str],
        *,
        at: datetime,
        suffix: str = " (copy)",
        allow_jump: bool = False,
    ) -> Bulk:
        """Enable, disable, clone, delete or remove many journeys, one by one: what fails does not hold up the rest.

        Each distinct id is processed once, in the order given, and ends up processed or failed (F104 to F108). Only a
        list that is empty, or holds what is no id, fails the call: InvalidInput. Clones are named with `suffix`, and
        get the first free id of "x-copy", "x-copy-2", ...
        """
        wanted = dict.fromkeys([journeys] if isinstance(journeys, str) else journeys)
        faults = [f"journeys: {fault}" for name in wanted if (fault := id_fault(name))]
        if call not in get_args(BulkCall):
            faults.append(f"call: expected one of {', '.join(get_args(BulkCall))}, not {describe(call)}")
        if not wanted:
            faults.append("journeys: name at least one")
        if faults:
            raise InvalidInput(faults)
        clones: dict[str, str] = {}
        calls: Mapping[str, Callable[[str], object]] = {
            "enable": lambda name: self.enable(name, at=at),
            "disable": lambda name: self.disable(name, at=at),
            "clone": lambda name: clones.update({name: self._clone_beside(name, suffix, at)}),
            "delete": self.delete,
            "remove": lambda name: self.remove(name, at=at, allow_jump=allow_jump),
        }
        processed, failed = list[str](), dict[str, str]()
        for name in wanted:
            try:
                calls[call](name)
            except JourneyflowError as error:
                failed[name] = str(error)
            else:
                processed.append(name)
        return Bulk(tuple(processed), failed, clones)

    def _clone_beside(self, journey: str, suffix: str, at: datetime) -> str:
        """Clone a journey under the first free id that shows where it comes from."""
        with self._core.store.transaction(write=False) as transaction:
            name = self._find(transaction, journey).newest.journey.name or journey
            taken = self._core.refresh(transaction).by_name
        beside, count = f"{journey}-copy", 2
        while (self._tenant, beside) in taken:
            beside, count = f"{journey}-copy-{count}", count + 1
        self.clone(journey, beside, at=at, name=f"{name}{suffix}")
        return beside

    # --- questions ------------------------------------------------------------------------------------------------

    @overload
    def journeys(
        self, *, status: str | None = None, trigger: str | None = None, order: str = "id", descending: bool = False
    ) -> tuple[JourneyInfo, ...]: ...

    @overload
    def journeys(
        self,
        *,
        status: str | None = None,
        trigger: str | None = None,
        order: str = "id",
        descending: bool = False,
        skip: int = 0,
        take: int,
        after: Cursor | None = None,
    ) -> Page[JourneyInfo]: ...

    def journeys(
        self,
        *,
        status: str | None = None,
        trigger: str | None = None,
        order: str = "id",
        descending: bool = False,
        skip: int = 0,
        take: int | None = None,
        after: Cursor | None = None,
    ) -> tuple[JourneyInfo, ...] | Page[JourneyInfo]:
        """List this tenant's journeys, all of them; with `take` a page, with its total and cursor (F88 to F91, R84).

        Filtered by state ("Enabled" is ACTIVE, "Disabled" is DRAFT or PAUSED) or by the event type of the trigger; in
        order of id, name or created, then of their making. Raises InvalidInput with everything that cannot be asked.
        """
        part = Slice(order, descending, skip, 1 if take is None else take, after)
        found = slice_faults(part, journeys.JOURNEY_ORDERS) + name_faults(trigger=trigger)
        refuse(found + word_faults("status", [] if status is None else [status], journeys.JOURNEY_STATES))
        part = part if take is not None else evolve(part, take=journeys.EVERYTHING)
        with self._core.store.reader() as reader:
            page = journeys.journeys(reader, self._tenant, part, status=status, trigger=trigger)
        return page.items if take is None else page

    def journey(self, journey: str) -> JourneyInfo:
        """Give a journey as it stands; raises NotFound."""
        refuse(name_faults("journey", journey=journey))
        with self._core.store.reader() as reader:
            found = journeys.journeys(reader, self._tenant, Slice("id"), journey=journey).items
        return paging.required(found[0] if found else None, "journey", journey)

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
        pulls = LimitChanges(timers=((record.number, PULL, transition.at),)) if _begins_to_pull(record, call) else None
        transaction.commit(Changes(transitions=(transition,), released=released, limits=pulls))

    def _take_away(self, journey: str, call: str) -> None:
        with self._core.amending() as transaction:
            transaction.commit(removed(self._find(transaction, journey), call))

    def _tenant_of(self, journey: Journey) -> str:
        """Give the tenant a journey goes to; one bound to another tenant does not take it (R91)."""
        if not isinstance(journey, Journey):
            msg = f"expected a Journey, not {describe(journey)}; journeyflow.formats.loads_journey reads a file"
            raise TypeError(msg)
        if journey.tenant is None:
            return self._tenant
        if self._bound and journey.tenant != self._tenant:
            msg = f"tenant: journey {journey.id!r} belongs to {journey.tenant!r}, this engine to {self._tenant!r}"
            raise InvalidInput([msg])
        return journey.tenant
