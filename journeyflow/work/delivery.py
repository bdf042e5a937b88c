"""What workers answer, and what follows: a message is sent, tried again, given up, or queued anew (R71)."""

from collections.abc import Callable

from journeyflow.basics.durations import add
from journeyflow.basics.moments import UTC_ZONE
from journeyflow.basics.words import ACTIVE, CLAIMED, FAILED, MESSAGE_FAILED, MESSAGE_SENT, QUEUED, SENT
from journeyflow.definition.retry import USUAL_RETRY, Retry
from journeyflow.definition.steps import Send
from journeyflow.records.forgetting import FORGOTTEN, cancelled, is_anonymous, without_error
from journeyflow.records.message_ids import message_id
from journeyflow.records.rows import Input, Post, replacing, version_at
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.engagement import tell
from journeyflow.work.happenings import NO_CAUSES, GivenUp, Happening, make_happening
from journeyflow.work.working_set import Work

GIVEN_UP = "message given up"
"""The reason of a run that FAILED because a message was given up and its Send has `on_failure="fail"` (R43)."""

LEASE_ENDED = "no answer before the lease ended"
"""The error of an attempt that nobody answered."""


_without_lease: Callable[[Post, str, None, None], Post] = replacing(Post, "status", "lease_until", "token")


def _named(work: Work, item: Input) -> tuple[Post, CustomerInHand] | None:
    """Return the message that an input names and its customer, or None if it is not this tenant's."""
    post = work.messages.named(item.id)
    run = work.runs.get(post.serial) if post is not None else None
    person = work.people.numbered.get(run.customer) if run is not None else None
    return (post, person) if post is not None and person is not None and person.tenant == item.tenant else None


def ack(work: Work, item: Input, _data: dict[str, object], at: int, _: int) -> str:
    """Record a worker's report that a message was sent: it overrides any status and is final (R71)."""
    found = _named(work, item)
    if found is None:
        return "unmatched"
    post, person = found
    if post.status == SENT:
        return "duplicate"
    post = _without_lease(post, SENT, None, None)
    if is_anonymous(person.id):  # it was sent, but its customer is forgotten (R86)
        work.messages.set(post)
        return FORGOTTEN
    told = (MESSAGE_SENT, {"message": item.id}, item.at, at, person, NO_CAUSES, post, "", None)
    tell(work, make_happening(told))
    return "handled"


def nack(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Record a worker's report that it could not deliver; a report without the current lease is stale (R71)."""
    found = _named(work, item)
    if found is None:
        return "unmatched"
    post, person = found
    if is_anonymous(person.id):  # the channel's error text may name the mailbox
        work.retold.append((item.seq, without_error(item).text or ""))
    if post.status != CLAIMED or post.token != data.get("token"):
        return "stale"
    post = post._replace(error=str(data.get("error", "")))
    _failed_attempt(work, post, person, item.at, at, permanent="permanent" in data)
    return "handled"


def requeue(work: Work, item: Input, _data: dict[str, object], at: int, _: int) -> str:
    """Queue a message again that was given up, with all its attempts before it (R71)."""
    found = _named(work, item)
    if found is None:
        return "unmatched"
    post, person = found
    if is_anonymous(person.id):
        return FORGOTTEN
    if post.status != FAILED:
        return "refused: not failed"
    work.messages.set(post._replace(status=QUEUED, available_at=at, forgiven=post.attempts))
    return "handled"


def lease_ended(work: Work, key: tuple[int, int], until: int) -> None:
    """Treat the end of a lease as a failed attempt, unless the message was acked or nacked in time (R71)."""
    post = work.messages.posts[key]
    if post.status == CLAIMED and post.lease_until == until:
        person, post = work.people.numbered[work.runs[post.serial].customer], post._replace(error=LEASE_ENDED)
        _failed_attempt(work, post, person, until, work.effective(until))


def _failed_attempt(
    work: Work, post: Post, person: CustomerInHand, own: int, at: int, *, permanent: bool = False
) -> None:
    """Queue a message again after a delay, or give it up (R71)."""
    if is_anonymous(person.id):
        work.messages.set(cancelled(post))
        return
    run = work.runs[post.serial]
    step = work.catalog.programs[version_at(run, post.n)].journey.step(post.step)
    send = step if isinstance(step, Send) else None
    delay = None if permanent else _retry(work, post, person, send, own).after(post.attempts - post.forgiven)
    if delay is not None:
        again = add(at, delay, UTC_ZONE)
        work.messages.set(_without_lease(post, QUEUED, None, None)._replace(available_at=again))
        return
    post = _without_lease(post, FAILED, None, None)
    work.messages.set(post)
    named = message_id(work.catalog.nonces, post)
    work.given_up.append(GivenUp(named, post.attempts, post.error))
    tell(work, Happening(MESSAGE_FAILED, {"message": named}, own, at, person, post=post))
    run = work.runs[post.serial]
    if run.status == ACTIVE and send is not None and send.on_failure == "fail":
        work.advance(run, "FAIL", at, reason=GIVEN_UP)


def _retry(work: Work, post: Post, person: CustomerInHand, send: Send | None, own: int) -> Retry:
    """Return how a message is tried again: as its Send says, else the policies of its tenant, else as usual (R71)."""
    if send is not None and send.retry is not None:
        return send.retry
    history = work.catalog.policies.get(person.tenant)
    terms = None if history is None else history.at(own)
    return USUAL_RETRY if terms is None else terms.policies.retries.get(post.channel, USUAL_RETRY)
