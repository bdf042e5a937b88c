"""The calls of the loyalty platform's API: each is a request, checked by the table, and an answer of the engine."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from attrs import evolve, frozen

from journeyflow import Engine
from journeyflow.answers import JourneyInfo
from journeyflow.errors import ERROR, Conflict, Forbidden, InvalidInput, InvalidJourney, NotFound, Problem, did_you_mean
from journeyflow.formats.json_parts import JsonObject
from journeyflow.services.loyalty.documents import (
    LIMITED,
    Document,
    added,
    changed,
    document_of,
    journey_of,
    reordered,
    without_step,
)
from journeyflow.services.loyalty.requests import Admitted, Rejected, admitted, invalid
from journeyflow.services.loyalty.shapes import (
    CUSTOMER,
    StepNames,
    enrollment_row,
    enrollment_shown,
    instant,
    journey_row,
    journey_shown,
    read_serial,
    step_shown,
    visits_shown,
)
from journeyflow.services.loyalty.table import CONFLICT, FORBIDDEN, NOT_FOUND, OPERATIONS, REFUSED, STATUSES
from journeyflow.services.operations import HttpReply, HttpRequest, answered, repeated


def _journey_id() -> str:
    return f"journey_{token_hex(8)}"


@frozen
class Loyalty:
    """The API over an engine, which is bound to the tenant that asks: `Loyalty(engine.tenant("tenant_123"))`.

    `tenant` is that tenant. `new_id` makes the ids of new journeys.
    """

    engine: Engine
    tenant: str
    new_id: Callable[[], str] = _journey_id

    def answer(self, request: HttpRequest, *, at: datetime, user: str | None = None) -> HttpReply:
        """Return the reply to a request that comes at an instant, from a user of the platform.

        Nothing is raised for what a client can do wrong: the reply says it, in the envelope of all errors.
        """
        try:
            operation, asked = admitted(request, at, user)
            body = repeated(lambda: _CALLS[operation.name](self, asked))
        except Rejected as rejected:
            return rejected.reply
        except NotFound as error:
            return Rejected(NOT_FOUND, str(error)).reply
        except (Conflict, Forbidden) as error:
            return Rejected(CONFLICT, str(error)).reply
        except (InvalidJourney, InvalidInput) as error:
            return invalid(error.problems).reply
        return HttpReply(operation.status, body)

    # --- journeys -------------------------------------------------------------------------------------------------

    def list_journeys(self, asked: Admitted) -> JsonObject:
        """Return the journeys of the tenant, oldest first."""
        self._of_tenant(asked.query)
        status, trigger = asked.query.get("status"), asked.query.get("triggerType")
        found = self.engine.journeys(order="created", status=status, trigger=trigger)
        known = self.engine.definitions()  # one that is deleted meanwhile is left out
        return {"data": [journey_row(each, document_of(known[each.id])) for each in found if each.id in known]}

    def create_journey(self, asked: Admitted) -> JsonObject:
        """Make a DRAFT without steps."""
        self._of_tenant(asked.body)
        keys = {key: value for key, value in asked.body.items() if key != "tenantId" and value is not None}
        name = self.new_id()
        self._publish(name, Document(keys, created_by=asked.user), asked.at, draft=True)
        return self._shown(name)

    def get_journey(self, asked: Admitted) -> JsonObject:
        """Return a journey, with what `include` names."""
        name, included = asked.path["id"], asked.query.get("include", ())
        shown, document = self._shown(name), self._document(name)
        if "steps" in included:
            shown["steps"] = [step_shown(document, step) for step in document.steps]
        if "enrollments" in included:
            shown["enrollments"] = self._enrollments(name, None, 0, 25)["data"]
        return shown

    def update_journey(self, asked: Admitted) -> JsonObject:
        """Change keys of a journey; an ACTIVE one keeps what decides who enters, and its zone."""
        name, info = asked.path["id"], self.engine.journey(asked.path["id"])
        kept = [key for key in LIMITED if key in asked.body]
        if info.status == "ACTIVE" and kept:
            faults = [Problem("not-editable", ERROR, key, "an ACTIVE journey keeps it") for key in kept]
            raise Rejected(CONFLICT, "an ACTIVE journey has limited editable fields; pause it first", faults)
        document = self._document(name)
        keys = {key: value for key, value in {**document.keys, **asked.body}.items() if value is not None}
        self._publish(name, evolve(document, keys=keys), asked.at, draft=info.status == "DRAFT")
        return self._shown(name)

    def delete_journey(self, asked: Admitted) -> None:
        """Delete a DRAFT."""
        name = asked.path["id"]
        try:
            self.engine.delete(name)
        except Conflict as error:
            message = f"journey {name!r} is {error.state}; only a DRAFT can be deleted, others are archived"
            raise Rejected(CONFLICT, message) from None

    # --- lifecycle ------------------------------------------------------------------------------------------------

    def activate_journey(self, asked: Admitted) -> JsonObject:
        """Activate a DRAFT that is whole."""
        name = asked.path["id"]
        if self.engine.journey(name).status == "DRAFT":
            self._publish(name, self._document(name), asked.at, draft=False)
        return _moved(self.engine.activate(name, at=asked.at), "activatedAt")

    def pause_journey(self, asked: Admitted) -> JsonObject:
        """Pause an ACTIVE journey."""
        info = self.engine.pause(asked.path["id"], at=asked.at)
        return {**_moved(info, "pausedAt"), "activeEnrollments": info.active}

    def resume_journey(self, asked: Admitted) -> JsonObject:
        """Resume a PAUSED journey."""
        return _moved(self.engine.resume(asked.path["id"], at=asked.at), "resumedAt")

    def archive_journey(self, asked: Admitted) -> JsonObject:
        """Archive a journey; all customers inside leave it."""
        left = self.engine.archive(asked.path["id"], at=asked.at)
        return {**_moved(self.engine.journey(asked.path["id"]), "archivedAt"), "exitedEnrollments": left}

    # --- steps ----------------------------------------------------------------------------------------------------

    def list_steps(self, asked: Admitted) -> JsonObject:
        """Return the steps in order."""
        document = self._document(asked.path["id"])
        return {"data": [step_shown(document, step) for step in document.steps]}

    def add_step(self, asked: Admitted) -> JsonObject:
        """Add a step."""
        body = {key: value for key, value in asked.body.items() if value is not None}
        document, name = added(self._document(asked.path["id"]), body, body.pop("afterStepId", None))
        self._change(asked, document)
        return step_shown(document, document.step(name) or {})

    def update_step(self, asked: Admitted) -> JsonObject:
        """Change keys of a step."""
        document = changed(self._having(asked), asked.path["stepId"], asked.body)
        self._change(asked, document)
        return step_shown(document, document.step(asked.path["stepId"]) or {})

    def delete_step(self, asked: Admitted) -> None:
        """Delete a step."""
        self._change(asked, without_step(self._having(asked), asked.path["stepId"]))

    def reorder_steps(self, asked: Admitted) -> JsonObject:
        """Put the steps into another order."""
        document = reordered(asked.path["id"], self._document(asked.path["id"]), asked.body["stepIds"])
        self._change(asked, document)
        return {"data": [step_shown(document, step) for step in document.steps]}

    # --- enrollments ----------------------------------------------------------------------------------------------

    def list_enrollments(self, asked: Admitted) -> JsonObject:
        """Return a page of enrollments, in order of entry."""
        query = asked.query
        return self._enrollments(asked.path["id"], query.get("status"), query["skip"], query["take"])

    def enroll(self, asked: Admitted) -> JsonObject:
        """Enroll a customer, at once."""
        name, customer = asked.path["id"], asked.body["customerId"]
        with self.engine.settle(asked.at) as settled:
            self.engine.enroll(name, customer, at=asked.at)
        answered(settled)
        entered = [each for each in settled.entered if each.journey == name and each.status in STATUSES]
        if not entered:
            reason = settled.outcomes[0].refusal or "held out"
            fault = Problem(reason, ERROR, "customerId", f"the customer may not enter: {reason}")
            raise Rejected(REFUSED, f"customer {customer!r} may not enter journey {name!r}: {reason}", [fault])
        return enrollment_shown(entered[-1])

    def get_enrollment(self, asked: Admitted) -> JsonObject:
        """Return an enrollment with the steps that it has been at."""
        self.engine.journey(asked.path["id"])
        serial = read_serial(asked.path["enrollmentId"])
        found = None if serial is None else self.engine.find_enrollment(asked.path["id"], serial=serial)
        if found is None or found.status not in STATUSES:
            kind = "enrollment"
            raise NotFound(kind, asked.path["enrollmentId"], journey=asked.path["id"])
        return {**enrollment_shown(found), "steps": visits_shown(found, self._names(found.journey))}

    def exit_enrollment(self, asked: Admitted) -> None:
        """End the enrollments of a customer."""
        name, customer = asked.path["id"], asked.path["customerId"]
        with self.engine.settle(asked.at) as settled:
            self.engine.exit(name, customer, at=asked.at)
        answered(settled)
        if settled.outcomes[0].outcome != "handled":
            kind = "active enrollment of customer"
            raise NotFound(kind, customer, journey=name)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _of_tenant(self, said: JsonObject) -> None:
        if said["tenantId"] != self.tenant:
            raise Rejected(FORBIDDEN, "the tenant is not the one that the key belongs to")

    def _document(self, name: str) -> Document:
        return document_of(self.engine.definition(name))

    def _having(self, asked: Admitted) -> Document:
        """Return the document of a journey that has the step of the path."""
        document = self._document(asked.path["id"])
        if document.step(asked.path["stepId"]) is None:
            kind = "step"
            hint = did_you_mean(asked.path["stepId"], [step["id"] for step in document.steps])
            raise NotFound(kind, asked.path["stepId"], hint, journey=asked.path["id"])
        return document

    def _change(self, asked: Admitted, document: Document) -> None:
        """Publish the changed steps of a journey."""
        name = asked.path["id"]
        self._publish(name, document, asked.at, draft=self.engine.journey(name).status == "DRAFT")

    def _publish(self, name: str, document: Document, at: datetime, *, draft: bool) -> None:
        made = journey_of(name, document, draft=draft)
        self.engine.publish(made, at=at, rollback=True, replacing=document.of)

    def _shown(self, name: str) -> JsonObject:
        return journey_shown(self.engine.journey(name), self._document(name))

    def _enrollments(self, name: str, status: str | None, skip: int, take: int) -> JsonObject:
        wanted = status or STATUSES
        page = self.engine.enrollments(name, status=wanted, skip=skip, take=take, fields=CUSTOMER)
        names = self._names(name)
        rows = [enrollment_row(each, names) for each in page]
        return {"data": rows, "meta": {"total": page.total, "skip": skip, "take": take}}

    def _names(self, journey: str) -> StepNames:
        """Return a function from a version and a step to the step's name, or to its id if it has none."""
        known: dict[int, Mapping[str, str]] = {}

        def name_of(version: int, step: str) -> str:
            if version not in known:
                definition = self.engine.definition(journey, version=version)
                known[version] = {each.id: each.name for each in definition.steps}
            return known[version].get(step) or step

        return name_of


_CALLS: Mapping[str, Callable[[Loyalty, Admitted], Any]] = {
    operation.name: getattr(Loyalty, operation.name) for operation in OPERATIONS
}


def _moved(info: JourneyInfo, when: str) -> JsonObject:
    """Return what a lifecycle call answers: the state, and since when."""
    at = getattr(info, re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", when))
    return {"id": info.id, "status": info.status, when: instant(at)}
