"""What a host gives: customers, events, enrollments, exits and retries, into the inbox (R10)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from journeyflow.basics.collector import undisturbed
from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import id_faults
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.engine.batches import Batch, open_batch
from journeyflow.engine.core import Bound
from journeyflow.engine.inputs import (
    event_input,
    journey_input,
    one_or_many,
    pair_input,
    pairs_of,
    reopened,
    retry_input,
)
from journeyflow.errors import Forbidden, InvalidInput, among
from journeyflow.questions.messages import SetAside
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes
from journeyflow.records.public import Enrollment, Event
from journeyflow.records.rows import Input

CHUNK = 10_000
"""Inputs per commit when a host gives many in one call."""


class InputCalls(Bound):
    """The calls that put inputs into the inbox; a part of `Engine`."""

    def put_customer(
        self,
        customer: str,
        attributes: Mapping[str, object],
        *,
        at: datetime,
        replace: bool = False,
        only_missing: bool = False,
    ) -> None:
        """Put attributes of one customer into the inbox; the tick that reaches `at` applies them (R8, R50).

        Attributes are merged by top-level name, and consent by channel; None removes a name. With `replace=True`, names
        that are not given are removed too, except consent, tags, lists and the instants of the last message sent,
        opened and clicked (R52). With `only_missing=True`, what the customer has when the input is handled stays: only
        names that the customer lacks are set, and consent only to channels about which nothing is known. So a default
        needs no look beforehand. Raises InvalidInput with every fault.
        """
        self.put_customers([(customer, attributes)], at=at, replace=replace, only_missing=only_missing)

    def put_customers(
        self,
        customers: Mapping[str, Mapping[str, object]] | Iterable[tuple[str, Mapping[str, object]]],
        *,
        at: datetime,
        replace: bool = False,
        only_missing: bool = False,
    ) -> None:
        """Put attributes of many customers into the inbox, one commit per chunk of 10,000 (R10, R50).

        `customers` maps ids to attributes, or is an iterable of such pairs, which may be a generator. `at`,
        `replace` and `only_missing` are those of `put_customer`. Raises InvalidInput with every fault: nothing is
        stored from the first faulty chunk on; its `accepted` counts what earlier chunks stored.
        """
        instant = to_micros(at)
        refuse(name_faults(replace=replace, only_missing=only_missing))
        if replace and only_missing:
            raise InvalidInput(
                ["only_missing: what is missing is not replaced; give replace=True or only_missing=True"]
            )
        how = "replace" if replace else "missing" if only_missing else "put"
        self._give(pair_input(self._tenant, pair, instant, how) for pair in pairs_of(customers))

    def feed(self, events: Event | Iterable[Event]) -> None:
        """Put one event or many into the inbox; the tick that reaches an event's instant handles it (R8, R10).

        There is one commit per chunk of 10,000. Raises InvalidInput with every fault, as `put_customers` does, and
        TypeError for what is neither an `Event` nor an iterable.
        """
        self._give(event_input(self._tenant, event) for event in one_or_many(events, Event, "events"))

    def enroll(
        self,
        journey: str,
        customers: str | Iterable[str],
        *,
        at: datetime,
        force: bool = False,
        key: str | None = None,
    ) -> None:
        """Enroll one customer or many by hand, in a journey with parallel runs under a key (R22, R24).

        The tick that reaches `at` decides who enters, and records who is refused. The trigger is not asked; with
        `force`, neither are run criteria, consent and re-entry. No customer is ever inside twice, or twice under one
        key.

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE at `at`, InvalidInput for an id or
        a key that is malformed, or a key where the journey has none.
        """
        record = self._check_active(journey, at)
        refuse(name_faults(force=force))
        _check_key(key, journey, record.program(to_micros(at)).key)
        said = {"force": force, "key": key}
        self._about("enroll", journey, customers, at, {name: value for name, value in said.items() if value})

    def exit(
        self,
        journey: str,
        customers: str | Iterable[str],
        *,
        at: datetime,
        reason: str = "manual",
        key: str | None = None,
    ) -> None:
        """End the runs of one customer or many in a journey: EXITED with `reason` (R10).

        With `key`, only the run with that key ends. The tick that reaches `at` does it; a customer who waits for a slot
        of the entry limits is taken out of the queue (R23). Raises NotFound for an unknown journey, InvalidInput for a
        malformed id, reason or key, or a key where the journey has none.
        """
        refuse(id_faults(reason=reason))
        with self._core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
        paths = [program.key for _, program in record.versions if program.key is not None]  # a run keeps its version
        _check_key(key, journey, paths[0] if paths else None)
        self._about("exit", journey, customers, at, {"reason": reason, **({} if key is None else {"key": key})})

    def retry(
        self,
        enrollments: Enrollment | tuple[str, str] | SetAside | Iterable[Enrollment | tuple[str, str] | SetAside],
        *,
        at: datetime,
    ) -> None:
        """Put FAILED runs back at their last rest, to wait there again, or take up what was set aside (R9, R43).

        Each is an `Enrollment`, or a pair (journey, customer), which names the customer's newest run. The tick that
        reaches `at` does it, or records why it is refused: the customer is inside again, or has a newer run. What
        `set_aside` lists is taken up again too: the next tick handles such an input as if it had just been given, with
        its own instant (R6, R9).

        Raises NotFound for an unknown journey, Forbidden for one that is not ACTIVE at `at`, InvalidInput for an
        enrollment that has not failed, or failed because its message was given up.
        """
        instant = to_micros(at)
        one = isinstance(enrollments, Enrollment | SetAside) or (
            isinstance(enrollments, tuple) and any(isinstance(part, str) for part in enrollments)
        )
        many = [enrollments] if one else list(one_or_many(enrollments, (), "enrollments"))
        again = reopened(self._tenant, [each for each in many if isinstance(each, SetAside)])
        inputs = [retry_input(self._tenant, each, instant) for each in many if not isinstance(each, SetAside)]
        for name in dict.fromkeys(item.type for item in inputs if isinstance(item, Input)):
            self._check_active(name, at)
        self._give(inputs)
        if again:
            with self._core.store.transaction(tenant=self._tenant) as transaction:
                transaction.commit(again)

    def _check_active(self, journey: str, at: datetime) -> JourneyRecord:
        """Return the record of a journey; raises NotFound, and Forbidden unless it is ACTIVE at `at`."""
        with self._core.store.transaction(write=False) as transaction:
            record = self._find(transaction, journey)
        state = record.state(to_micros(at))
        if state != "ACTIVE":
            raise Forbidden(journey, state)
        return record

    def _about(
        self, kind: str, journey: str, customers: str | Iterable[str], at: datetime, data: Mapping[str, object]
    ) -> None:
        instant = to_micros(at)
        many = one_or_many(customers, str, "customers")
        self._give(journey_input(self._tenant, kind, journey, customer, instant, data=data) for customer in many)

    def batch(self) -> AbstractContextManager[None]:
        """Group what this thread puts into the inbox within a `with` block into one commit (R10).

        If the block raises, nothing of it is stored. Batches do not nest: raises RuntimeError inside another one of the
        same thread.
        """
        return Batch(self._core)

    def _give(self, inputs: Iterable["Input | list[str]"]) -> None:
        """Put inputs into the inbox, one commit per chunk.

        Raises InvalidInput with the faults of all inputs; nothing is stored from the first faulty chunk on.
        """
        batch = open_batch(self._core)
        accepted = 0
        chunk: list[Input] = []
        found: list[str] = []
        for position, item in enumerate(inputs):
            if isinstance(item, Input):
                chunk.append(item)
            else:
                found += [among(fault, f"[{position}]") for fault in item]
            if len(chunk) >= CHUNK and not found and batch is None:
                undisturbed(self._store_inputs, chunk)
                accepted, chunk = accepted + len(chunk), []
        if found:
            raise InvalidInput(found, accepted)
        if batch is not None:
            batch.inputs += chunk
        elif chunk:
            undisturbed(self._store_inputs, chunk)

    def _store_inputs(self, inputs: Sequence[Input]) -> None:
        with self._core.store.transaction(tenant=self._tenant) as transaction:
            transaction.commit(Changes(inputs=tuple(inputs)))


def _check_key(key: object, journey: str, path: str | None) -> None:
    """Raise InvalidInput for what cannot be the key of a run, and for any key if the journey has none (R22)."""
    if key is None:
        return
    refuse(id_faults(key=key))
    if path is None:
        raise InvalidInput([f"key: journey {journey!r} has no parallel runs; give it Reentry(..., key='event.x')"])
