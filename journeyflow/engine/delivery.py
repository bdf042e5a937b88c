"""Delivery: leasing messages, giving them back, and handing them to the engine's own handlers (R71).

A host that is interrupted, killed or slow must neither send twice what was sent nor lose the attempts of messages that
nobody has seen. So a tick leases few messages at a time, keeps what handlers answered before the next slow one begins,
and gives back what it could not hand over.
"""

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from journeyflow.basics.moments import MINUTE, SECOND
from journeyflow.engine.core import LOG, Core
from journeyflow.engine.handlers import answer_fault
from journeyflow.engine.inputs import answer_input, told_error
from journeyflow.errors import Undeliverable
from journeyflow.records.changes import Changes
from journeyflow.records.message_ids import message_key
from journeyflow.records.public import Message
from journeyflow.records.rows import Input
from journeyflow.work.outbox import Claimant, Claimed, claim_posts, released_posts

PUSH: Final = 100
"""Messages leased to the engine's own handlers at a time, at most."""

LEASE: Final = 5 * MINUTE
"""How long a message is leased to the engine's own handlers before it counts as not delivered."""

LAST_CALL: Final = 240.0
"""Seconds after its claim from which on a message is not handed to a handler any more: its lease is about to end."""

UNKEPT: Final = 0.05
"""Seconds of handlers' work after which their answers are kept before the next handler begins."""


def claim(core: Core, wanted: Claimant, taken: "deque[Message] | list[Message]") -> None:
    """Lease messages to a worker and add them to `taken` until it holds as many as are wanted.

    Those that must not be sent any more do not count toward the limit. Messages are added before their lease is
    committed, so that whoever is interrupted here knows what to give back.
    """
    more = True
    while more and len(taken) < wanted.limit:
        with core.store.transaction(tenant=wanted.tenant, leasing=True) as transaction:
            left = wanted._replace(limit=wanted.limit - len(taken))
            found = claim_posts(transaction, core.refresh(transaction), left)
            taken.extend(found.messages)
            if found.posts:
                transaction.commit(Changes(posts=tuple(found.posts.values())))
        more = found.more
        log_aside(found)


def log_aside(found: Claimed) -> None:
    """Log the messages that a claim set aside (R9)."""
    for message, error in found.aside:
        LOG.error("set aside message %s: %s", message, told_error(error), exc_info=error)


def release(core: Core, tenant: str | None, messages: Iterable[Message], answers: Iterable[Input] = ()) -> int:
    """Return leased messages to the outbox as if they had not been claimed; store answers in the same commit.

    Return how many were given back: not those whose lease has ended, or that belong to another tenant.
    """
    with core.store.transaction(tenant=tenant) as transaction:
        posts = released_posts(transaction, core.refresh(transaction), tenant, messages)
        changes = Changes(inputs=tuple(answers), posts=posts)
        if changes:
            transaction.commit(changes)
    core.with_handlers.difference_update(post[:2] for post in posts)
    return len(posts)


def own_handlers(core: Core, at: int, limit: int = PUSH, lease: int = LEASE) -> Claimant:
    """Return who claims for the channels that have a handler: the messages of all tenants."""
    return Claimant(None, "engine", at, frozenset(core.channels), limit, lease)


# --- the engine's own handlers ----------------------------------------------------------------------------------------


def push(core: Core, now: int) -> tuple[int, int]:
    """Hand messages to the handlers of their channels, until none is left; return how many were delivered and failed.

    They are leased in pages of some 50 ms of work, judging by the page before: the first is one message, each next one
    at most twice as large. So what stops the process has few messages on lease, and one if handlers are slow. A message
    that its handler gave back is claimed with each page, and not handed over a second time.
    """
    began, size, again = core.stopwatch(), 1, 0
    delivered = failed = 0
    handed = set[str]()
    while not core.closing:
        handover = Handover(core, now, handed)
        since = core.stopwatch()
        try:
            limit = size + again
            handover.claim(limit, LEASE + int((since - began) * SECOND))
            again = handover.put_last()
            if again == len(handover.leased) < limit:
                break
            took = handover.hand_over(since)
        finally:
            try:
                handover.finish()
            except BaseException as error:
                if not isinstance(error, Exception):  # an interrupt undid it, and what was sent has to be known
                    handover.finish()
                raise
        delivered, failed = delivered + handover.delivered, failed + handover.failed
        size = max(1, min(2 * size, PUSH, int(size * UNKEPT / max(took, sys.float_info.epsilon))))
    return delivered, failed


class Failure(NamedTuple):
    """What a handler raised."""

    error: BaseException


class Handover:
    """Messages leased together, and the results of those that were handed over."""

    def __init__(self, core: Core, now: int, handed: set[str]) -> None:
        """Begin empty; `handed` are the ids of messages that have been handed over in this tick."""
        self.core, self.now, self._handed = core, now, handed
        self.leased = deque[Message]()
        """The messages without a kept answer, in order."""
        self.came = list[object]()
        """The results of the first of them: what the handler returned, or a `Failure`."""
        self.delivered = self.failed = 0

    def claim(self, size: int, lease: int) -> None:
        """Lease messages of all tenants, for the channels that have a handler."""
        claim(self.core, own_handlers(self.core, self.now, size, lease), self.leased)

    def put_last(self) -> int:
        """Put the messages last that have been handed over before, and return how many these are."""
        self.leased = deque(sorted(self.leased, key=lambda message: message.id in self._handed))
        return sum(message.id in self._handed for message in self.leased)

    def hand_over(self, since: float) -> float:
        """Call the handlers one after the other, while the lease has time left and the engine is not being closed.

        `since` is when the messages were leased, by the stopwatch. Return how many seconds it took.
        """
        begun = kept = self.core.stopwatch()
        while len(self.came) < len(self.leased) and not self.core.closing:
            reading = self.core.stopwatch()
            if reading - since >= LAST_CALL:
                break
            if reading - kept >= UNKEPT:
                self.keep()
                kept = reading
            message = self.leased[len(self.came)]
            if message.id in self._handed:
                break
            self._call(message)
        return self.core.stopwatch() - begun

    def _call(self, message: Message) -> None:
        """Call the handler of a message, and note the result; raise only what is not an `Exception`.

        `extend` and `map` take over what the handler returned without a step of the interpreter in between: otherwise
        an interrupt could fall there, and a delivered message would count as failed. They hide a StopIteration.
        """
        before = len(self.came)
        self._handed.add(message.id)
        self.core.with_handlers.add(message_key(message.id))
        try:
            self.came.extend(map(self.core.channels[message.channel], (message,)))
        except BaseException as error:
            if len(self.came) == before:
                self.came.append(Failure(error))
            if not isinstance(error, Exception):
                raise
        else:
            if len(self.came) == before:
                self.came.append(Failure(StopIteration()))

    def keep(self) -> None:
        """Store the answers that there are."""
        self._store(())

    def finish(self) -> None:
        """Store the answers, and give back what was not handed over."""
        self._store(list(self.leased)[len(self.came) :])

    def _store(self, unsent: Sequence[Message]) -> None:
        """Store the answers with messages that are given back, in a commit for each tenant (R92).

        A message that its handler gave back, and for which it raised nothing, has no answer.
        """
        came = list(zip(list(self.leased), map(_error_of, self.came), strict=False))
        keys, kept = [message_key(message.id) for message, _ in came], self.core.with_handlers
        told = [pair for pair, key in zip(came, keys, strict=True) if pair[1] is not None or key in kept]
        answers = [(message.tenant, _answer(message, error, self.now)) for message, error in told]
        for tenant in dict.fromkeys(message.tenant for message in (*(message for message, _ in came), *unsent)):
            mine = [answer for owner, answer in answers if owner == tenant]
            release(self.core, tenant, [message for message in unsent if message.tenant == tenant], mine)
            self._drop_answered(tenant)
        delivered = [error for _, error in told].count(None)
        self.delivered, self.failed = self.delivered + delivered, self.failed + len(told) - delivered
        kept.difference_update(keys)

    def _drop_answered(self, tenant: str) -> None:
        """Drop the messages of a tenant whose answers are stored."""
        others = [pair for pair in zip(self.leased, self.came, strict=False) if pair[0].tenant != tenant]
        rest = list(self.leased)[len(self.came) :]
        leased, came = deque([*(message for message, _ in others), *rest]), [came for _, came in others]
        vars(self).update(leased=leased, came=came)  # in one step: an interrupt between two would mix answers up


def _answer(message: Message, error: BaseException | None, now: int) -> Input:
    """Return the ack of a message, or its nack with what went wrong."""
    if error is None:
        told, kind = "", "ack"
    else:
        told, kind = told_error(error), "nack"
        LOG.warning("message %s was not delivered, attempt %d: %s", message.id, message.attempts, told, exc_info=error)
    permanent = isinstance(error, Undeliverable)
    return answer_input(message.tenant, kind, message, now, told, permanent=permanent)  # type: ignore[return-value]  # it was claimed


def _error_of(came: object) -> BaseException | None:
    """Return why a handler's call is a failed attempt, or None: it raised, or what it returned is still to be done."""
    return came.error if isinstance(came, Failure) else answer_fault(came)
