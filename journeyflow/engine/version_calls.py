"""The methods of an engine that publish and edit definitions, and return them: versions and steps (R12, R17)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.basics.moments import LAST, to_micros
from journeyflow.basics.values import describe
from journeyflow.catalog.lifecycle import check_newest, edited, flagged, published
from journeyflow.definition.journey import Journey, problems
from journeyflow.engine.core import LOG
from journeyflow.engine.inputs import one_or_many
from journeyflow.engine.lifecycle_calls import LifecycleCalls
from journeyflow.errors import WARNING, InvalidInput
from journeyflow.questions import paging
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.questions.versions import (
    SendInfo,
    StepInfo,
    VersionInfo,
    inhabited_versions,
    sends_of,
    steps_of,
    versions,
)
from journeyflow.records.changes import CatalogChanges, Changes, LimitChanges
from journeyflow.records.public import PublishedVersion
from journeyflow.stores.batch import PULL, LimitRequest, Request

if TYPE_CHECKING:
    from journeyflow.catalog.catalog import Catalog, JourneyRecord
    from journeyflow.stores.contract import Transaction


def _woken(
    transaction: "Transaction", catalog: "Catalog", journey: Journey, tenant: str, changes: CatalogChanges
) -> LimitChanges:
    """Return the timer that asks a new version's schedule from its instant on, none for the same schedule (R27)."""
    record = catalog.by_name.get((tenant, journey.id))
    if record is None or not record.transitions or not changes.versions:
        return LimitChanges()
    pull, at = journey.trigger.pull, changes.versions[0].published_at
    if pull is None or pull == record.newest.pull:
        return LimitChanges()
    known = transaction.load(Request(limits=LimitRequest(frozenset({record.number})))).limits
    timers = {} if known is None else known.timers
    due = timers.get((record.number, PULL), LAST)
    return LimitChanges(timers=() if due is None or due <= at else ((record.number, PULL, at),))


def _step_ids(steps: object) -> frozenset[str]:
    """Return the ids of steps that a host gives; raises TypeError for neither one nor many, InvalidInput for others."""
    ids = list(one_or_many(steps, str, "unpublished"))
    refuse([f"unpublished: {describe(each)} is not an id of a step" for each in ids if not isinstance(each, str)])
    return frozenset(ids)


class VersionCalls(LifecycleCalls):
    """The methods of an `Engine` that change definitions of its tenant's journeys, each at once, and return them."""

    # --- versions -------------------------------------------------------------------------------------------------

    def publish(
        self,
        journey: Journey,
        *,
        at: datetime,
        rollback: bool = False,
        unpublished: Iterable[str] | None = None,
        replacing: Journey | None = None,
    ) -> PublishedVersion:
        """Publish a definition and return the number of its version (R12).

        In DRAFT it replaces the draft, else it makes the version that new enrollments enter; people inside stay in
        theirs. Content that was published before makes no version: only name, description and notes are edited in
        place. If it is that of an older version, the number returned is that version's and its `newest` is False, and
        the log has a warning; with `rollback`, the older version becomes the newest again. An `at` before the newest
        version's instant means that instant.

        What `problems` warns of is logged as a warning when the definition is stored, not when nothing changes.

        `unpublished` names the steps of this definition that are unpublished from now on; its other steps are published
        (R17). It is one commit, so that no customer ever stops at a step that is to be unpublished. None leaves the
        flags as they are.

        `replacing` is the definition that this one was made from. If the newest one is another by now, because another
        process has published or edited, nothing is stored: Superseded is raised, so that no change overwrites another.

        Raises InvalidJourney for a version with an error, such as one without steps, unless the journey is a DRAFT;
        Superseded; Conflict for an ARCHIVED journey; InvalidInput for a journey of another tenant than the engine is
        bound to; NotFound for an unpublished step that the definition does not have, and, with `replacing`, for a
        journey that is gone.
        """
        tenant, instant = self._tenant_of(journey), to_micros(at)
        refuse(name_faults(rollback=rollback))
        hidden = None if unpublished is None else _step_ids(unpublished)
        inside = () if hidden is None else self._inhabited(tenant, journey.id)
        with self._core.amending() as transaction:
            catalog = self._core.refresh(transaction)
            if replacing is not None:
                check_newest(self._find(transaction, journey.id, tenant), replacing)
            version, changes = published(
                catalog, tenant, journey, instant, rollback=rollback, hidden=hidden, inhabited=inside
            )
            if changes:
                limits = _woken(transaction, catalog, journey, tenant, changes)
                transaction.commit(Changes(catalog=changes, limits=limits))
        for problem in problems(journey) if changes else ():
            if problem.severity == WARNING:
                LOG.warning("journey %r of tenant %r: %s", journey.id, tenant, problem)
        if not version.newest:
            LOG.warning(
                "journey %r of tenant %r: what was published is version %d, which is not the newest and stays so; "
                "rollback=True makes it the newest again",
                *(journey.id, tenant, version),
            )
        return version

    def deploy(
        self,
        journey: Journey,
        *,
        at: datetime,
        rollback: bool = False,
        unpublished: Iterable[str] | None = None,
        replacing: Journey | None = None,
    ) -> PublishedVersion:
        """Publish a definition, activate the journey if it is a DRAFT, and return the number of the version (R12).

        Deploying the same again, as at every start of the host, changes nothing, and neither does deploying an older
        version unless `rollback` makes it the newest again: see `publish`. A PAUSED journey stays PAUSED. Raises what
        `publish` and `activate` raise.
        """
        version = self.publish(journey, at=at, rollback=rollback, unpublished=unpublished, replacing=replacing)
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
        meta: Mapping[str, object] | None = None,
        replacing: Journey | None = None,
    ) -> JourneyInfo:
        """Edit name, description, notes or meta of the newest version in place, without making a version (R12, F93).

        None leaves each as it is. `replacing` is the definition whose texts are changed: if the newest one is another
        by now, Superseded is raised, as in `publish`. Raises NotFound, Conflict for an ARCHIVED journey, InvalidJourney
        for what cannot be.
        """
        said = {"name": name, "description": description, "notes": notes, "meta": meta}
        texts = {what: text for what, text in said.items() if text is not None}
        with self._core.amending() as transaction:
            record = self._find(transaction, journey)
            check_newest(record, replacing)
            changes = edited(record, texts, to_micros(at))
            if changes:
                transaction.commit(Changes(catalog=changes))
        return self.journey(journey)

    def versions(self, journey: str) -> RowTuple[VersionInfo]:
        """Return the versions of a journey by number, with how many people are in each.

        Raises NotFound.
        """
        record = self._known(journey)
        with self._core.store.reader() as reader:
            return RowTuple(versions(reader, record.number, record.newest.number))

    def definition(self, journey: str, *, version: int | None = None) -> Journey:
        """Return the definition of a journey: its newest version, or the one of a number.

        Raises NotFound for an unknown journey or version.
        """
        return self._version(journey, version)[1]

    def definitions(self) -> dict[str, Journey]:
        """Return the newest definition of each of this tenant's journeys by id, sorted, all as of one instant."""
        return {record.id: record.newest.journey for record in self._records()}

    def _version(self, journey: str, version: int | None) -> "tuple[JourneyRecord, Journey]":
        """Return the record of a journey, and the definition of a version of it; raises NotFound."""
        refuse(name_faults("journey", journey=journey, version=version))  # both faults at once
        record = self._known(journey)
        programs = {program.version: program for _, program in record.versions}
        program = programs.get(version) if version is not None else record.newest
        return record, paging.required(program, "version", version, of=journey).journey

    # --- steps ----------------------------------------------------------------------------------------------------

    def steps(self, journey: str, *, version: int | None = None) -> RowTuple[StepInfo]:
        """Return the steps of a version in the order of its definition, published or not (F118).

        The version is the newest unless one is named. Raises NotFound for an unknown journey or version.
        """
        record, definition = self._version(journey, version)
        return RowTuple(steps_of(definition.steps, record.newest_unpublished))

    def sends(
        self, journey: str | None = None, *, disabled: bool = False, unpublished: bool = False
    ) -> RowTuple[SendInfo]:
        """Return the Sends of the newest versions, journeys sorted by id and steps in their order (F112).

        Of one journey or of all; an unknown journey has none (F116). Only those of ACTIVE journeys, and only published
        ones, unless `disabled` and `unpublished` ask for the others too (F113).
        """
        refuse(name_faults(journey=journey, disabled=disabled, unpublished=unpublished))
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        known = catalog.by_name.get((self._tenant, journey or ""))
        records = catalog.of_tenant(self._tenant) if journey is None else [known] if known else []
        return RowTuple(sends_of(records, disabled=disabled, unpublished=unpublished))

    def set_published(self, journey: str, steps: Mapping[str, bool], *, at: datetime) -> RowTuple[StepInfo]:
        """Publish and unpublish steps of a journey, all of them or none; return its steps (R17, F111).

        `steps` maps ids of steps to whether they are published. The flag belongs to the step in all versions, and acts
        on all runs from `at` on: an unpublished step is passed through, and messages that it queued before are held
        back. An `at` before the newest flag's instant means that instant.

        Raises NotFound for an unknown journey or step, InvalidJourney if the journey would not be valid without those
        steps, Conflict for an ARCHIVED journey, InvalidInput for anything but a mapping to booleans.
        """
        if not isinstance(steps, Mapping):
            raise InvalidInput([f"steps: must say of each step whether it is published, not {describe(steps)}"])
        wrong = [
            f"steps[{step!r}]: must be true or false, not {describe(value)}"
            for step, value in steps.items()
            if not isinstance(value, bool)
        ]
        refuse(wrong + name_faults("journey", journey=journey))
        inside = self._inhabited(self._tenant, journey)
        with self._core.amending() as transaction:
            changes = flagged(self._find(transaction, journey), steps, to_micros(at), inside)
            if changes:
                transaction.commit(Changes(catalog=changes))
        return self.steps(journey)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _inhabited(self, tenant: str, journey: str) -> frozenset[int]:
        """Return the numbers of the versions of a journey that customers are in."""
        with self._core.store.reader() as reader:
            return inhabited_versions(reader, tenant, journey)

    def _tenant_of(self, journey: Journey) -> str:
        """Return the tenant that a journey goes to; raises InvalidInput if the engine is bound to another one (R91)."""
        if not isinstance(journey, Journey):
            msg = f"expected a Journey, not {describe(journey)}; journeyflow.formats.loads_journey reads a file"
            raise TypeError(msg)
        if journey.tenant is None:
            return self._tenant
        if self._bound and journey.tenant != self._tenant:
            msg = f"tenant: journey {journey.id!r} belongs to {journey.tenant!r}, this engine to {self._tenant!r}"
            raise InvalidInput([msg])
        return journey.tenant
