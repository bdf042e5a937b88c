"""The outbox: handing messages out to workers, and dropping those that must no longer be sent (R71)."""

from journeyflow.basics.words import CANCELLED, CLAIMED, EXITED, EXPIRED, QUEUED, SUPPRESSED
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.steps import Send
from journeyflow.machine.gates import consents
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Post, Run, version_at
from journeyflow.stores.batch import Request
from journeyflow.stores.contract import ClaimRequest, Transaction


def claim_posts(  # noqa: PLR0917 what a claim depends on
    transaction: Transaction,
    catalog: Catalog,
    tenant: str | None,
    channels: frozenset[str] | None,
    at: int,
    limit: int,
    lease: int,
    worker: str,
) -> tuple[list[tuple[int, int]], bool]:
    """Lease messages inside a transaction: return their places, and whether more may be waiting.

    More may be waiting if `limit` messages were looked at, although some of them were not leased.
    """
    paused = frozenset(record.number for record in catalog.journeys.values() if record.state(at) == "PAUSED")
    hidden = frozenset(
        (number, step) for number in catalog.flagged for step in catalog.journeys[number].unpublished(at)
    )
    posts = transaction.claimable(ClaimRequest(tenant, channels, at, limit, paused, hidden))
    loaded = transaction.load(Request(serials=frozenset(post.serial for post in posts)))
    people = {person.number: person.attributes for person in loaded.people}
    decided = [
        _decided(post, loaded.runs[post.serial], catalog, people[loaded.runs[post.serial].customer], at)
        for post in posts
    ]
    claimed = [_leased(each, at + lease, worker) if each.status == QUEUED else each for each in decided]
    if claimed:
        transaction.commit(Changes(posts=tuple(claimed)))
    return [(post.serial, post.n) for post in claimed if post.status == CLAIMED], len(posts) == limit


def _leased(post: Post, until: int, worker: str) -> Post:
    """Return a message as leased: one more attempt, until when, and a token that no other attempt has."""
    attempts = post.attempts + 1
    return post._replace(status=CLAIMED, attempts=attempts, lease_until=until, token=f"{worker}.{attempts}")


def _decided(post: Post, run: Run, catalog: Catalog, attributes: dict[str, object], at: int) -> Post:
    """Check again, at the instant of the claim, whether a message may still be sent; return it with its new status."""
    program = catalog.programs[version_at(run, post.n)]
    step = program.journey.step(post.step)
    free = isinstance(step, Send) and step.transactional
    if run.status == EXITED and post.cancel_on_exit and run.reason not in program.own_exits:
        return post._replace(status=CANCELLED)
    if post.expires_at is not None and post.expires_at <= at:
        return post._replace(status=EXPIRED)
    if not free and not consents(attributes, post.channel, required=program.journey.consent == "required"):
        return post._replace(status=SUPPRESSED)
    return post
