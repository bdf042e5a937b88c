"""The methods of an engine that look up and list: customers, enrollments, people, messages, refusals (R80, R84)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.basics.values import INTEGER_MAX, dumps
from journeyflow.engine.decision_calls import DecisionCalls, enrollment_name
from journeyflow.engine.number_calls import NumberCalls
from journeyflow.questions import customers, messages, paging
from journeyflow.questions import enrollments as queries
from journeyflow.questions.messages import Answer, SetAside
from journeyflow.questions.paging import (
    Cursor,
    Page,
    Slice,
    cursor_faults,
    name_faults,
    page_faults,
    refuse,
    slice_faults,
    word_faults,
    word_list,
)
from journeyflow.records import message_ids
from journeyflow.records.public import Customer, DeferredEntry, Enrollment, Event, Message, Unreadable
from journeyflow.work.intake import foreseen

if TYPE_CHECKING:  # the modules of questions are imported by the calls that ask them
    from journeyflow.questions.people import Person
    from journeyflow.questions.refusals import RefusalCount, RefusedEntry


class Questions(DecisionCalls, NumberCalls):
    """The methods of an `Engine` that answer questions about its tenant; none of them changes anything."""

    def customer(self, customer: str, *, pending: bool = False) -> Customer:
        """Return a customer as ticks have left it (R10).

        With `pending`, attributes and events that no tick has handled yet are applied to the answer. Raises NotFound.
        """
        return paging.required(self.find_customer(customer, pending=pending), "customer", customer)

    def find_customer(self, customer: str, *, pending: bool = False) -> Customer | None:
        """Return a customer, as `customer` does, or None if there is none."""
        refuse(name_faults("customer", customer=customer, pending=pending))
        with self._core.store.reader() as reader:
            found = customers.find_customer(reader, self._tenant, customer)
            waiting = customers.pending_inputs(reader, self._tenant, customer) if pending else []
            attributes = None if found is None else dict(found.attributes)  # in the view, which knows damage
            for kind, name, data in waiting:
                attributes = foreseen(attributes, kind, name, data)
        return None if attributes is None else Customer(self._tenant, customer, attributes)

    def customer_ids(self, starts: str = "", *, take: int | None = 25) -> tuple[str, ...]:
        """Return the first ids of customers that begin with a text, sorted: those to choose from (R84).

        `take=None` asks for all of them. Only customers that a tick has handled are found, and none who is forgotten.
        Raises InvalidInput with every fault.
        """
        refuse(page_faults(0, take) + name_faults("starts", starts=starts))
        with self._core.store.reader() as reader:
            return customers.ids_from(reader, self._tenant, starts, take)

    def enrollments(
        self,
        journey: str | None = None,
        *,
        status: str | Iterable[str] | None = None,
        customer: str | None = None,
        key: str | None = None,
        step: str | None = None,
        version: int | None = None,
        order: str = "entered",
        descending: bool = False,
        skip: int = 0,
        take: int | None = 25,
        after: Cursor | None = None,
        fields: Iterable[str] = (),
    ) -> Page[Enrollment]:
        """Return a page of enrollments, without their visits (R84, F128).

        Filtered by journey, one status or several, customer, key, the step at which they rest, and version. Sorted by
        "entered", "customer", "due" or "ended", those without such an instant last; ties by serial, the order of entry.
        A page begins after `skip` rows or after the cursor of the page before; `take=None` asks for everything from
        there on. `fields` names attributes of the customer to return with each enrollment.

        Raises NotFound for an unknown journey, InvalidInput with every fault.
        """
        part, statuses, names = (
            Slice(order, descending, skip, take, after),
            word_list(status, "status"),
            word_list(fields, "fields"),
        )
        found = slice_faults(part, queries.ENROLLMENT_ORDERS, "entered")
        found += word_faults("status", statuses, queries.ENROLLMENT_STATUSES)
        found += [fault for name in names for fault in name_faults("fields", fields=name)]
        refuse(found + name_faults(journey=journey, customer=customer, key=key, step=step, version=version))
        self._check_known(journey)
        asked = {
            "journey": journey,
            "customer": customer,
            "key": key,
            "status": dumps(statuses) if statuses else None,
            "step": step,
            "version": version,
        }
        with self._core.store.reader() as reader:
            return queries.enrollments(reader, self._tenant, asked, part, names)

    def enrollment(
        self,
        journey: str | None = None,
        customer: str | None = None,
        *,
        run: int | None = None,
        key: str | None = None,
        serial: int | None = None,
    ) -> Enrollment:
        """Return one run of a customer with its visits: the newest, the newest with a key, or the one of a number.

        With `serial`, the enrollment that has it, of any journey and customer. Raises NotFound (R84).
        """
        found = self.find_enrollment(journey, customer, run=run, key=key, serial=serial)
        if found is None:
            raise self._missing(journey, enrollment_name(journey, customer, run, key) if serial is None else serial)
        return found

    def find_enrollment(
        self,
        journey: str | None = None,
        customer: str | None = None,
        *,
        run: int | None = None,
        key: str | None = None,
        serial: int | None = None,
    ) -> Enrollment | None:
        """Return one run of a customer, as `enrollment` does, or None if there is none."""
        asked = {"journey": journey, "customer": customer, "run": run, "key": key, "serial": serial}
        refuse(name_faults(*(("journey", "customer") if serial is None else ()), **asked))
        with self._core.store.reader() as reader:
            return queries.find_enrollment(reader, self._tenant, asked)

    def people(
        self,
        journey: str,
        step: str,
        *,
        now: bool = False,
        did: str | Iterable[str] = (),
        did_not: str | Iterable[str] = (),
        match: str = "all",
        order: str = "customer",
        descending: bool = False,
        skip: int = 0,
        take: int | None = 25,
        after: Cursor | None = None,
        fields: Iterable[str] = (),
        channel: str | None = None,
    ) -> "Page[Person]":
        """Return a page of those who are, or ever were, at a step, each once with the newest stay (F139 to F148).

        With `now`, only those who are there now. `did` and `did_not` filter by what happened to the step's messages to
        them: "sent", "delivered", "opened", "clicked", "converted", "browser_viewed", "forwarded", "unsubscribed",
        "bounced", "complained" or "failed"; `match` is whether "all" or "any" of it must hold. `channel` restricts what
        happened to messages of one channel, for a Send that has had several.

        Sorted by "customer", "entered", "left", "stays" or an attribute; ties by the number of the customer. `fields`
        names attributes of the customer to return as well. Raises NotFound for an unknown journey or step, InvalidInput
        with every fault.
        """
        from journeyflow.questions import people  # noqa: PLC0415 needed here alone

        part = Slice(order, descending, skip, take, after)
        wanted = people.Wanted(
            part, now, word_list(did, "did"), word_list(did_not, "did_not"), match, word_list(fields, "fields"), channel
        )
        refuse(name_faults("journey", "step", journey=journey, step=step))
        record = self._known(journey)
        programs = [program for _, program in record.versions]
        place = people.find_step(self._tenant, journey, record.number, programs, step)
        refuse(people.question_faults(wanted, place))
        with self._core.store.reader() as reader:
            return people.list_people(reader, place, wanted)

    def deferred(
        self,
        journey: str | None = None,
        *,
        customer: str | None = None,
        skip: int = 0,
        take: int | None = 25,
        after: Cursor | None = None,
    ) -> Page[DeferredEntry]:
        """Return a page of those who wait for a slot of the entry limits, by journey, then in order of triggers (R23).

        `after` is the cursor of the page before: customers let in since are skipped, and none is returned twice. Raises
        NotFound for an unknown journey, InvalidInput with every fault.
        """
        found = page_faults(skip, take) + cursor_faults(after, customers.read_deferred_cursor(after))
        refuse(found + name_faults(journey=journey, customer=customer))
        self._check_known(journey)
        with self._core.store.reader() as reader:
            return customers.deferred(reader, self._tenant, journey, customer, Slice(skip=skip, take=take, after=after))

    def unreadable(self, *, skip: int = 0, take: int | None = 25, after: Cursor | None = None) -> Page[Unreadable]:
        """Return a page of what journeys read as dates or time zones and what is neither (R61).

        Attributes of customers are listed as they stand now, and data of events (`attribute` is then their type and the
        name, "booked.arrival") as the newest event of that type of the customer has them: what is mended is gone.
        Ordered by customer, then by attribute. Raises InvalidInput with every fault.
        """
        from journeyflow.questions import unreadable  # noqa: PLC0415 needed here alone

        refuse(page_faults(skip, take) + cursor_faults(after, unreadable.read_unreadable_cursor(after)))
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        paths = catalog.dated.get(self._tenant, frozenset())
        events = {kind: names for (tenant, kind), names in catalog.dated_events.items() if tenant == self._tenant}
        with self._core.store.reader() as reader:
            return unreadable.page(reader, self._tenant, paths, events, Slice(skip=skip, take=take, after=after))

    def refusals(self, journey: str | None = None, *, customers: bool = True) -> "RowTuple[RefusalCount]":
        """Return how many entries were refused by reason, of one journey or of all (R21).

        By journey, then the most frequent reason first. Counting `customers` looks at every customer who was ever
        refused; without, only kept counts are read, and `customers` of each row is None. Raises NotFound for an unknown
        journey.
        """
        from journeyflow.questions.refusals import refusal_counts  # noqa: PLC0415 needed here alone

        refuse(name_faults(journey=journey, customers=customers))
        self._check_known(journey)
        with self._core.store.reader() as reader:
            return RowTuple(refusal_counts(reader, self._tenant, journey, customers=customers))

    def refused(
        self,
        journey: str | None = None,
        *,
        reason: str | None = None,
        customer: str | None = None,
        skip: int = 0,
        take: int | None = 25,
        after: Cursor | None = None,
    ) -> "Page[RefusedEntry]":
        """Return a page of who was refused, each with the last refusal by a journey, the newest first (R21, R84).

        Filtered by journey, reason and customer. Earlier refusals of the same customer by the same journey are only
        counted: see `refusals`. A customer who was refused may have entered since. Raises NotFound for an unknown
        journey, InvalidInput with every fault.
        """
        from journeyflow.questions.refusals import last_refusals, read_refusal_cursor  # noqa: PLC0415 needed here alone

        found = page_faults(skip, take) + cursor_faults(after, read_refusal_cursor(after))
        refuse(found + name_faults(journey=journey, reason=reason, customer=customer))
        self._check_known(journey)
        asked = {"journey": journey, "reason": reason, "customer": customer}
        with self._core.store.reader() as reader:
            return last_refusals(reader, self._tenant, asked, Slice(skip=skip, take=take, after=after))

    def messages(
        self,
        journey: str | None = None,
        *,
        customer: str | None = None,
        run: int | None = None,
        step: str | None = None,
        channel: str | None = None,
        status: str | Iterable[str] | None = None,
        error: str | None = None,
        skip: int = 0,
        take: int | None = 25,
        after: Cursor | None = None,
    ) -> Page[Message]:
        """Return a page of messages, in order of enrollment and visit (R84).

        Filtered by journey, customer, run, step, channel, one status or several, and a text that is in the last error.
        `after` is the cursor of the page before, which is the id of its last message. Raises NotFound for an unknown
        journey, InvalidInput with every fault.
        """
        statuses, place = word_list(status, "status"), (0, 0) if after is None else message_ids.message_key(after)
        found = page_faults(skip, take) + word_faults("status", statuses, messages.MESSAGE_STATUSES)
        found += cursor_faults(after, place)
        found += name_faults(journey=journey, customer=customer, run=run, step=step, channel=channel, error=error)
        refuse(found)
        self._check_known(journey)
        asked = {
            "journey": journey,
            "customer": customer,
            "run": run,
            "step": step,
            "channel": channel,
            "status": dumps(statuses) if statuses else None,
            "error": error,
        }
        with self._core.store.reader() as reader:
            return messages.messages(reader, self._tenant, asked, Slice(skip=skip, take=take), place or (0, 0))

    def message(self, message: str) -> Message:
        """Return a message by its id, with what was reported about it (R52, R84).

        Its `engagement` has, for each kind of message event, the first instant and how many there were. Raises
        NotFound.
        """
        return paging.required(self.find_message(message), "message", message)

    def find_message(self, message: str) -> Message | None:
        """Return a message by its id, as `message` does, or None if there is none."""
        refuse(name_faults("message", message=message))
        with self._core.store.reader() as reader:
            return messages.find_message(reader, self._tenant, message)

    def unmatched(self, *, skip: int = 0, take: int | None = 25, after: Cursor | None = None) -> Page[Event | Answer]:
        """Return a page of the inputs that named no message of their customer or tenant, as they came (R52, R71).

        These are message events, and the acks, nacks and requeues of messages: all that `TickResult.unmatched` has
        counted, except those pruned since. Raises InvalidInput with every fault.
        """
        place = after if type(after) is int and abs(after) <= INTEGER_MAX else None
        refuse(page_faults(skip, take) + cursor_faults(after, place))
        with self._core.store.reader() as reader:
            return messages.unmatched(reader, self._tenant, Slice(skip=skip, take=take, after=after))

    def set_aside(self, *, skip: int = 0, take: int | None = 25, after: Cursor | None = None) -> Page[SetAside]:
        """Return a page of the inputs whose handling raised an exception, as they came (R9).

        A tick sets them aside, with the outcome "error", writes the exception into the log, and goes on. Give them to
        `retry` when the cause is mended. Runs that were set aside are FAILED with the reason "internal error". Raises
        InvalidInput with every fault.
        """
        place = after if type(after) is int and abs(after) <= INTEGER_MAX else None
        refuse(page_faults(skip, take) + cursor_faults(after, place))
        with self._core.store.reader() as reader:
            return messages.set_aside(reader, self._tenant, Slice(skip=skip, take=take, after=after))

    def audit(self) -> list[str]:
        """Return a sentence for everything in the store that does not add up; [] if all does (R80).

        The whole log of all tenants is counted again, so the cost grows with it.
        """
        from journeyflow.stores.audit import audit  # noqa: PLC0415 needed here alone

        with self._core.store.reader() as reader:
            return audit(reader)
