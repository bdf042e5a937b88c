"""Getting the outcome immediately: what a `with` block gives is handled when it ends, for its customers alone (R74)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.words import ABOUT_JOURNEYS, ANSWER_KINDS
from journeyflow.engine.batches import Batch
from journeyflow.engine.core import Core
from journeyflow.engine.ticking import do_work_of
from journeyflow.engine.working import HostCall
from journeyflow.questions.customers import outcomes_of
from journeyflow.questions.enrollments import inside_of, newer_than
from journeyflow.records.message_ids import message_key
from journeyflow.records.public import Enrollment
from journeyflow.records.rows import Input
from journeyflow.stores.batch import Request
from journeyflow.work.alone import Named

REFUSED = "refused: "
"""How the outcome of an input begins that was refused."""


@frozen
class Handled(Rows):
    """What became of one input that a host gave (R10).

    `kind` is "event", "put", "enroll", "exit", "retry", "ack", "nack" or "requeue". `about` is the type of the event,
    the id of the journey, or that of the message, and empty for a put; `customer` is empty for what is about a message.
    `at` is its own instant, in UTC. `outcome` is "handled" or what was in the way, such as "refused: already inside",
    "not inside" or "duplicate"; None if its instant is still to come.
    """

    kind: str
    about: str
    customer: str
    at: datetime
    outcome: str | None

    @property
    def refusal(self) -> str | None:
        """The reason for which it was refused, such as "already inside" (R21); None if it was not."""
        outcome = self.outcome or ""
        return outcome.removeprefix(REFUSED) if outcome.startswith(REFUSED) else None


class Settling(Batch):
    """A `with` block whose inputs are handled when it ends; see `Engine.settle`.

    After the block, `outcomes` has what became of each input, in the order in which they were given; `entered` the runs
    of their customers that began, those in the holdout too, and `ended` the runs that were active and are over, both by
    serial and without visits.
    """

    outcomes: tuple[Handled, ...] = ()
    entered: tuple[Enrollment, ...] = ()
    ended: tuple[Enrollment, ...] = ()

    def __init__(self, core: Core, now: int, *, allow_jump: bool) -> None:
        """Begin without inputs."""
        super().__init__(core)
        self._call = HostCall(core, now, allow_jump=allow_jump)

    def __repr__(self) -> str:
        """Return how many inputs were handled, and how many runs began and ended with them."""
        return f"Settling({len(self.outcomes)} handled, {len(self.entered)} entered, {len(self.ended)} ended)"

    def __enter__(self) -> Self:  # type: ignore[override]  # a plain batch has nothing to say
        """Open the block; raises RuntimeError inside another batch of the same thread."""
        super().__enter__()
        return self

    def _close(self) -> None:
        """Store the inputs, if there are any, do the work of their customers, and read what became of them.

        They are stored first, because work of others with the same event id is looked up by them (R74).
        """
        if not self.inputs:
            return
        core, names = self._core, self._names()
        with core.store.reader() as reader:
            newest, inside = inside_of(reader, names)
        call = self._call
        call.inputs, call.of = self.inputs, names
        call.store()
        do_work_of(call)
        with core.store.reader() as reader:
            outcomes = outcomes_of(reader, call.numbers)
            self.entered, self.ended = newer_than(reader, names, newest, inside)
        self.outcomes = tuple(map(_handled, self.inputs, outcomes))

    def _names(self) -> Named:
        """Return the customers whom the inputs are about: those that they name, and those of their messages."""
        named = {(item.tenant, item.customer) for item in self.inputs if item.kind not in ANSWER_KINDS}
        about = {key for item in self.inputs if item.kind in ANSWER_KINDS and (key := message_key(item.id))}
        if not about:
            return named
        with self._core.store.transaction(write=False) as transaction:
            loaded = transaction.load(Request(serials=frozenset(serial for serial, _ in about)))
        return named | {(person.tenant, person.id) for person in loaded.people}


_ABOUT: Mapping[str, str] = dict.fromkeys(("event", *ABOUT_JOURNEYS), "type") | dict.fromkeys(ANSWER_KINDS, "id")
"""What each kind of input is about: the name of its part that says so."""


def _handled(item: Input, outcome: str | None) -> Handled:
    about = str(getattr(item, _ABOUT[item.kind]) or "") if item.kind in _ABOUT else ""
    return Handled(item.kind, about, item.customer, from_micros(item.at), outcome)
