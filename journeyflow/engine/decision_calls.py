"""The methods of an engine that answer why: a run at an instant, its decisions, refused entries, timelines (R85)."""

from datetime import datetime
from typing import TYPE_CHECKING

from journeyflow.basics.moments import FIRST, LAST, to_micros
from journeyflow.basics.values import plain_text
from journeyflow.engine.core import Bound
from journeyflow.errors import NotFound, quoted
from journeyflow.questions import enrollments as queries
from journeyflow.questions import paging
from journeyflow.questions.paging import name_faults, page_faults, refuse
from journeyflow.records.public import Enrollment
from journeyflow.work import scheduler

if TYPE_CHECKING:  # the modules of questions are imported by the calls that ask them
    from journeyflow.questions.explanation import Explanation
    from journeyflow.questions.timeline_moments import Timeline
    from journeyflow.questions.why_not import WhyNot


class DecisionCalls(Bound):
    """The methods of an `Engine` that answer why something happened, or did not; none of them changes anything."""

    def at(
        self,
        journey: str | Enrollment,
        customer: str | None = None,
        *,
        instant: datetime,
        run: int | None = None,
        key: str | None = None,
    ) -> Enrollment:
        """Return a run as it stood at an instant, after everything that happened then: step, visits, status (R85).

        Takes an `Enrollment`, or a journey and a customer: then the run that was the newest at that instant, unless
        `run` or `key` names one. `due` and `awaits` of a wait that is over by now are not kept, and are None. Raises
        NotFound if there was no such run by then.
        """
        from journeyflow.questions.as_of import enrollment_at  # noqa: PLC0415 needed here alone

        asked, name = self._asked(journey, customer, run, key)
        with self._core.store.reader() as reader:
            found = enrollment_at(reader, self._tenant, asked, to_micros(instant, "instant"))
        if found is None:
            raise self._missing(str(asked["journey"]), f"{name} at {instant.isoformat()}")
        return found

    def explain(
        self,
        journey: str | Enrollment,
        customer: str | None = None,
        *,
        run: int | None = None,
        key: str | None = None,
    ) -> "Explanation":
        """Return every decision of a run with the values that it compared, printable as text (R85).

        Takes an `Enrollment`, or a journey and a customer: then the newest run, the newest with `key`, or the one of
        the number `run`. Raises NotFound.
        """
        from journeyflow.questions.explanation import explain  # noqa: PLC0415 needed here alone

        asked, name = self._asked(journey, customer, run, key)
        with self._core.store.reader() as reader:
            found = queries.find_enrollment(reader, self._tenant, asked)
            if found is not None:
                return explain(reader, found)
        raise self._missing(str(asked["journey"]), name)

    def why_not(
        self, journey: str | Enrollment, customer: str | None = None, *, at: datetime | None = None
    ) -> "WhyNot":
        """Return why a customer did not enter a journey, and whether the same event would enter them now (R21, R85).

        Takes a journey and a customer, or an `Enrollment`. The entry is tried as of `at`, by default the newest instant
        known of both, on a copy and with the code that enters people; nothing of it is kept. Raises NotFound for an
        unknown journey; an unknown customer is one of the answers.
        """
        from journeyflow.questions import door  # noqa: PLC0415 needed here alone
        from journeyflow.questions.why_not import why_not  # noqa: PLC0415 likewise

        asked, _ = self._asked(journey, customer)
        journey, customer = plain_text(asked["journey"]), plain_text(asked["customer"])
        core = self._core
        record = self._known(journey)
        asked_at = None if at is None else to_micros(at)
        with core.store.reader() as reader:
            found = door.evidence(reader, record, customer)
            instant = door.newest_instant(record, found) if asked_at is None else asked_at
        due = door.attempt(record, customer, found, instant)
        with core.store.transaction(write=False) as transaction:
            catalog = core.refresh(transaction)
            loaded = transaction.load(scheduler.plan(due, catalog))
            return why_not(door.Door(catalog, catalog.journeys[record.number], due, loaded, found))

    def timeline(
        self, customer: str, *, since: datetime | None = None, until: datetime | None = None, take: int | None = 1_000
    ) -> "Timeline":
        """Return what happened to a customer across all journeys, oldest first (R85).

        Events and attributes from the host, entries, refusals, visits, messages, goals and ends, from `since` to
        `until`, both included; of these the newest `take` (1,000 by default), or all with `take=None`. At one instant,
        inputs stand before what became of them, and refusals last; runs and visits stand in order. Of refusals only the
        last of each journey is kept. Raises NotFound.
        """
        from journeyflow.questions.timeline import timeline_of  # noqa: PLC0415 needed here alone

        refuse(page_faults(0, take) + name_faults("customer", customer=customer))
        first = FIRST if since is None else to_micros(since, "since")
        last = LAST if until is None else to_micros(until, "until")
        with self._core.store.transaction(write=False) as transaction:
            programs = self._core.refresh(transaction).programs
        with self._core.store.reader() as reader:
            found = timeline_of(reader, programs, self._tenant, customer, first, last, take)
        return paging.required(found, "customer", customer)

    def _asked(
        self, journey: str | Enrollment, customer: str | None, run: int | None = None, key: str | None = None
    ) -> tuple[dict[str, object], str]:
        """Return the filters for an enrollment, or for a journey and a customer, and a name for what is asked about."""
        if isinstance(journey, Enrollment):
            if journey.tenant != self._tenant:
                kind = "enrollment"
                raise NotFound(kind, f"{journey.journey}/{journey.customer}")
            return self._asked(journey.journey, journey.customer, journey.run)
        if customer is None:
            msg = "name a journey and a customer, or give an Enrollment"
            raise TypeError(msg)
        asked: dict[str, object] = {"journey": journey, "customer": customer, "run": run, "key": key}
        refuse(name_faults("journey", "customer", **asked))
        return asked, enrollment_name(journey, customer, run, key)

    def _missing(self, journey: str | None, name: object) -> NotFound:
        """Return that there is no such enrollment; raises NotFound of the journey if there is no such one."""
        self._check_known(journey)
        kind = "enrollment"
        return NotFound(kind, name)


def enrollment_name(journey: str | None, customer: str | None, run: int | None, key: str | None) -> str:
    """Return the name of an enrollment that is asked for."""
    which = "" if run is None else f", run {run}"
    return f"{journey}/{customer}{which}" + ("" if key is None else f", key {quoted(key)}")
