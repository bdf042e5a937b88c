"""What a worker calls: claim messages, answer for them, give them back, queue them again (R71)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.basics.collector import undisturbed
from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe
from journeyflow.basics.words import FAILED
from journeyflow.engine import delivery
from journeyflow.engine.input_calls import InputCalls
from journeyflow.engine.inputs import (
    answer_input,
    claim_of,
    lease_fault,
    one_or_many,
    requeue_input,
)
from journeyflow.engine.questions import Questions
from journeyflow.errors import InvalidInput
from journeyflow.questions.paging import refuse
from journeyflow.records.public import Message


class DeliveryCalls(InputCalls, Questions):
    """The calls about the delivery of messages; a part of `Engine`."""

    def claim(
        self,
        worker: str,
        *,
        at: datetime,
        channels: Iterable[str] | None = None,
        limit: int = 100,
        lease: object = "5 minutes",
    ) -> RowTuple[Message]:
        """Lease messages of this tenant to a worker until `at` + `lease`, oldest first (R71).

        Returns at most `limit` messages, of all channels or of those named. Each carries its id, which is its
        idempotency key, and a token. Answer each with `ack` or `nack` before the lease ends, else the attempt has
        failed. `lease` is a length of time such as "5 minutes"; a day is 24 hours.

        Messages that must not be sent any more are not returned and do not count toward `limit`: those of an exited run
        become CANCELLED (unless their Send has `cancel_on_exit=False`), those past their expiry EXPIRED, those without
        the customer's consent SUPPRESSED. Messages of paused journeys, of unpublished steps, and of customers with
        unhandled inputs are held back.

        Raises InvalidInput for a malformed worker or channel, ValueError for a `limit` below 1 or a `lease` that is not
        positive.
        """
        wanted = claim_of(self._tenant, worker, to_micros(at), channels, limit, lease)
        taken: list[Message] = []
        undisturbed(delivery.claim, self._core, wanted, taken)
        return RowTuple(taken)

    def ack(self, messages: Message | str | Iterable[Message | str], *, at: datetime) -> None:
        """Record that one message or many went out; the next tick makes them SENT (R71).

        Each is a claimed `Message`, or the id of one. An ack wins over every other status and is final. Raises
        InvalidInput for anything else; an id that no message of this tenant has is found by the tick, and listed by
        `unmatched`.
        """
        self._answer("ack", messages, at, "")

    def nack(
        self, messages: Message | Iterable[Message], *, at: datetime, error: str = "", permanent: bool = False
    ) -> None:
        """Record that one message or many could not be delivered; they are handed out again later, or given up (R71).

        Each is a `Message` as `claim` returned it: a nack counts only under the present lease, which the token names.
        Of `error`, 1,000 characters are kept, with the message as its last error. With `permanent=True` the message is
        given up at once. Raises InvalidInput for a message without a token.
        """
        self._answer("nack", messages, at, error, permanent=permanent)

    def release(self, messages: Message | Iterable[Message]) -> int:
        """Return claimed messages to the outbox unsent: they can be claimed again at once, the attempt does not count.

        Each is a `Message` as `claim` returned it. Call it for what a worker has claimed and will not get to, as when
        it has to stop; a handler may call it for its own message, which it gets again in the next tick. Returns how
        many were given back: not those whose lease has ended, or that were answered in the meantime. Raises
        InvalidInput for a message without a token.
        """
        many = list(one_or_many(messages, Message, "messages"))
        refuse([fault for each in many if (fault := lease_fault(each))])
        return delivery.release(self._core, self._tenant, many)

    def requeue(
        self,
        messages: Message | str | Iterable[Message | str] | None = None,
        *,
        at: datetime,
        journey: str | None = None,
        step: str | None = None,
        channel: str | None = None,
        error: str | None = None,
    ) -> int:
        """Queue messages again that were given up; return how many were noted for the next tick (R71).

        Give either `messages`, one or many, each a `Message` or an id; or what the FAILED messages have in common:
        their journey, step, channel, or a text that is in their last error. The tick that reaches `at` puts them into
        the outbox with their data and expiry of then, and all attempts anew; what is no longer FAILED is left alone. A
        run that FAILED with its message stays FAILED.

        Raises InvalidInput for a message that is not FAILED, for both or neither of the two forms, and NotFound for an
        unknown journey.
        """
        instant = to_micros(at)
        shared = [journey, step, channel, error]
        if (messages is None) != any(each is not None for each in shared):
            raise InvalidInput(["give either messages, or what they share: journey, step, channel or error"])
        if messages is None:
            messages = self.messages(journey, step=step, channel=channel, error=error, status=FAILED, take=None)
        many = one_or_many(messages, (Message, str), "messages")
        inputs = [requeue_input(self._tenant, message, instant) for message in many]
        self._give(inputs)
        return len(inputs)

    def _answer(self, kind: str, messages: object, at: datetime, error: str, *, permanent: bool = False) -> None:
        instant = to_micros(at)
        refuse([] if isinstance(permanent, bool) else [f"permanent: must be True or False, not {describe(permanent)}"])
        many = one_or_many(messages, (Message, str, Mapping), "messages")
        self._give(answer_input(self._tenant, kind, message, instant, error, permanent=permanent) for message in many)
