"""The outbox: handing messages out to workers, and dropping those that must no longer be sent (R71)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from journeyflow.basics.moments import bounded, from_micros, to_micros
from journeyflow.basics.soundness import sound
from journeyflow.basics.values import INTEGER_MAX, loads
from journeyflow.basics.words import CANCELLED, CLAIMED, EXITED, EXPIRED, FAILED, INTERNAL_ERROR, QUEUED, SUPPRESSED
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.steps import Send
from journeyflow.machine.gates import consents
from journeyflow.records.forgetting import cancelled, is_anonymous
from journeyflow.records.message_ids import message_id, message_key
from journeyflow.records.public import Engagement, Message
from journeyflow.records.rows import Post, Run, replacing, version_at
from journeyflow.stores.batch import CustomerInHand, Loaded, Request
from journeyflow.stores.contract import Transaction
from journeyflow.stores.inquiries import ClaimRequest
from journeyflow.work.hand import EMPTY, Hand


class Claimant(NamedTuple):
    """What a worker asks for: at most `limit` messages, leased for `lease` microseconds from `at` on (R71).

    `tenant` and `channels` restrict them; None means all.
    """

    tenant: str | None
    worker: str
    at: int
    channels: frozenset[str] | None
    limit: int
    lease: int


class Claimed(NamedTuple):
    """The result of a claim.

    `posts` are the messages that were looked at, with their new values, to be committed. One that raises an exception
    does not stop the others (R9): it becomes FAILED, and is in `aside`, as its id and the exception. `more` is whether
    others may be had: as many as were asked for were looked at, and some of them were not leased.
    """

    messages: list[Message]
    posts: dict[tuple[int, int], Post]
    aside: list[tuple[str, Exception]]
    more: bool


def claim_request(claim: Claimant, catalog: Catalog, *, limit: int, inputs: bool = True) -> ClaimRequest:
    """Return the request for messages that may be handed out at an instant, as the catalog stands then (R71)."""
    at, journeys = claim.at, catalog.journeys
    paused = frozenset(number for number in catalog.paused if journeys[number].state(at) == "PAUSED")
    hidden = frozenset((number, step) for number in catalog.flagged for step in journeys[number].unpublished(at))
    return ClaimRequest(claim.tenant, claim.channels, at, limit, paused, hidden, catalog.held(at), inputs)


def claim_posts(transaction: Transaction, catalog: Catalog, claim: Claimant, hand: Hand = EMPTY) -> Claimed:
    """Lease messages inside a transaction, also those that a batch has in hand."""
    posts = _waiting(transaction, catalog, claim, hand)
    serials = frozenset(post.serial for post in posts).difference(hand.runs)
    loaded = transaction.load(Request(serials=serials, following=False)) if serials else Loaded()
    runs, people = {**loaded.runs, **hand.runs}, {person.number: person for person in loaded.people}
    people.update(hand.people)
    changed: dict[tuple[int, int], Post] = {}
    messages: list[Message] = []
    aside: list[tuple[str, Exception]] = []
    until = bounded(claim.at + claim.lease)
    ends = from_micros(until)
    for post in posts:
        try:
            run = runs[post.serial]
            customer = people[run.customer]
            after = _decided(post, run, catalog, customer.attributes, claim.at)
            if after.status == QUEUED:
                after = _leased(after, until, claim.worker)
                messages.append(_message(after, run, customer, catalog, ends))
        except Exception as error:  # noqa: BLE001 one message must not keep the others from being sent
            after = put_aside(post, type(error).__name__)
            aside.append((message_id(catalog.nonces, post), error))
        changed[post[:2]] = after
    return Claimed(messages, changed, aside, len(messages) < len(posts) == claim.limit)


def _waiting(transaction: Transaction, catalog: Catalog, claim: Claimant, hand: Hand) -> Sequence[Post]:
    """Return the first messages that may be handed out, of the store and in hand: what is in hand is newer."""
    limit = min(claim.limit + len(hand.posts), INTEGER_MAX)
    request = claim_request(claim, catalog, limit=limit, inputs=not hand.whole)
    found = transaction.ask(request)
    if not hand.posts:
        return found
    mine = [post for post in hand.posts.values() if post.status == QUEUED and post.available_at <= claim.at]
    runs, people = hand.runs, hand.people
    owned = ((post, runs[post.serial]) for post in mine)
    fitting = [post for post, run in owned if request.admits(post, run.journey, people[run.customer].tenant)]
    others = [post for post in found if post[:2] not in hand.posts]
    return sorted(others + fitting, key=_place)[: claim.limit]


_place: Callable[[Post], tuple[int, int, int]] = itemgetter(*map(Post._fields.index, ("available_at", "serial", "n")))
"""Return the place of a message in the outbox."""


def put_aside(post: Post, error: str) -> Post:
    """Return a message as FAILED because handling it raised an exception (R9)."""
    return post._replace(status=FAILED, lease_until=None, token=None, error=f"{INTERNAL_ERROR}: {error}")


def released_posts(
    transaction: Transaction, catalog: Catalog, tenant: str | None, messages: Iterable[Message]
) -> tuple[Post, ...]:
    """Return leased messages as they were before their claim, to be committed (R71).

    Left out are those that are no longer under this very lease, and, with a `tenant`, those of others. The message of a
    forgotten customer is CANCELLED, as it would have been unclaimed (R86).
    """
    leases = {key: _lease(each) for each in messages if (key := message_key(each.id, catalog.nonces)) is not None}
    loaded = transaction.load(Request(posts=frozenset(leases), serials=frozenset(serial for serial, _ in leases)))
    people = {person.number: person for person in loaded.people}
    held = [post for key, post in loaded.posts.items() if (post.token, post.lease_until) == leases[key]]
    owners = [people[loaded.runs[post.serial].customer] for post in held]
    return tuple(
        _unclaimed(post, owner) for post, owner in zip(held, owners, strict=True) if tenant in {None, owner.tenant}
    )


def _lease(message: Message) -> tuple[str | None, int | None]:
    """Return the token and the end of a message's lease: two claims that were not both committed may share a token."""
    return message.token, None if message.lease_until is None else to_micros(message.lease_until)


def _unclaimed(post: Post, owner: CustomerInHand) -> Post:
    """Return a message as it was before it was leased: the attempt does not count."""
    if is_anonymous(owner.id):
        return cancelled(post)
    return post._replace(status=QUEUED, attempts=post.attempts - 1, lease_until=None, token=None)


def _message(post: Post, run: Run, customer: CustomerInHand, catalog: Catalog, ends: datetime) -> Message:
    """Make the message that a worker gets, whose lease ends at an instant."""
    return sound(
        Message(
            message_id(catalog.nonces, post),
            customer.tenant,
            catalog.journeys[run.journey].id,
            customer.id,
            run.number,
            post.n,
            post.step,
            post.channel,
            post.template,
            loads(post.data) if post.data else {},
            from_micros(post.at),
            post.status,
            post.attempts,
            post.token,
            ends,
            _engagements(post.flags) if post.flags else {},
            post.error,
        )
    )


def _engagements(flags: Mapping[str, tuple[int, int]]) -> dict[str, Engagement]:
    """Return what has happened to a message, which as a rule is nothing before it is sent."""
    return {kind: Engagement(from_micros(first), total) for kind, (first, total) in flags.items()}


def _leased(post: Post, until: int, worker: str) -> Post:
    """Return a message as leased: one more attempt, until when, and a token that no other attempt has."""
    attempts = post.attempts + 1
    return _claimed(post, CLAIMED, attempts, until, f"{worker}.{attempts}")


_claimed: Callable[[Post, str, int, int, str], Post] = replacing(Post, "status", "attempts", "lease_until", "token")


def _decided(post: Post, run: Run, catalog: Catalog, attributes: dict[str, object], at: int) -> Post:
    """Check again, at the instant of the claim, whether a message may still be sent; return it with its new status."""
    program = catalog.programs[version_at(run, post.n)]
    step = program.journey.step(post.step)
    free = isinstance(step, Send) and step.transactional
    if run.status == EXITED and post.cancel_on_exit and run.reason not in program.own_exits:
        return post._replace(status=CANCELLED)
    if post.expires_at is not None and post.expires_at <= at:
        return post._replace(status=EXPIRED)
    if not free and not consents(attributes, post.channel, required=program.consent_required):
        return post._replace(status=SUPPRESSED)
    return post
