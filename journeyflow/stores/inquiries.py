"""Inquiries: what a single call asks of a store, beside what a batch loads; each is a value of its own kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from journeyflow.records.rows import Export, Input, Move, Post, Run

Reply = TypeVar("Reply")

Reply_co = TypeVar("Reply_co", covariant=True)


class Inquiry(Generic[Reply_co]):
    """A question to a store, with the type of its answer."""

    __slots__ = ()


# --- when there is work -----------------------------------------------------------------------------------------------

Earliest = tuple[int | None, int | None]
"""The instant of the first item of all that will be due, and of the first that no pause holds; None for no item."""


@frozen
class EarliestRequest(Inquiry[Earliest | None]):
    """A request for the instants of the earliest work (R73); these journeys are paused from the given instants on.

    After a commit in the same transaction, and in one for a tenant, the answer may be None: the store cannot tell yet.
    Otherwise it is that of all tenants, with what the transaction has committed.
    """

    paused: Mapping[int, int]


@frozen
class LastTickRequest(Inquiry[int | None]):
    """A request for the instant of the last tick that did anything, None before any tick (R3)."""


@frozen
class InputNumbersRequest(Inquiry[tuple[int, ...]]):
    """A request for the sequence numbers that the next inputs get, in order, given the tenant of each.

    For one tenant they ascend, above all numbers that its inputs have (R10).
    """

    tenants: Sequence[str]


# --- journeys, messages, exports --------------------------------------------------------------------------------------


@frozen
class ActiveRequest(Inquiry[Sequence[int]]):
    """A request for the serials of a journey's active runs, ascending: the first `limit` larger than `after`."""

    journey: int
    after: int
    limit: int


@frozen(slots=False)  # made by every claim: with slots, each of its fields costs six times as much to set
class ClaimRequest(Inquiry[Sequence[Post]]):
    """The messages that a worker asks for: at most `limit` that may be claimed at `at`, oldest first (R71).

    They come in order of (instant, serial, n). `tenant` and `channels` restrict them; None means all.
    """

    tenant: str | None
    channels: frozenset[str] | None
    at: int
    limit: int
    journeys: frozenset[int]
    """The numbers of the journeys whose messages are withheld, because they are paused."""
    steps: frozenset[tuple[int, str]] = frozenset()
    """The steps, as (journey number, step id), whose messages are withheld, because they are unpublished (R17)."""
    held: frozenset[tuple[str, str]] = frozenset()
    """The channels, as (tenant, channel), whose messages are withheld, because they are held."""
    inputs: bool = True
    """Whether the messages of customers with an unhandled input at or before `at` are withheld."""

    def admits(self, post: Post, journey: int, tenant: str) -> bool:
        """Return whether a message of a journey and a tenant is among those asked for, if it may be claimed at all."""
        wanted = self.tenant in {None, tenant} and (self.channels is None or post.channel in self.channels)
        free = journey not in self.journeys and (journey, post.step) not in self.steps
        return wanted and free and (tenant, post.channel) not in self.held


@frozen
class ExportsRequest(Inquiry[tuple[Sequence[Export], int]]):
    """A request for the export jobs that are not finished, in order of submission, and the next one's number (F194)."""


# --- pruning ----------------------------------------------------------------------------------------------------------


@frozen
class Finished:
    """Runs that ended long ago: their moves without compared values, their messages, and the inputs about those.

    `current` is the serials of the runs that no run of the same customer under the same key has followed. `told` is
    (input, outcome). An ack names no customer; acks are loaded only if a message has more than one `sent`. `answered`
    is the messages of all acks, nacks and requeues that are not handled yet.
    """

    runs: tuple[Run, ...] = ()
    current: frozenset[int] = frozenset()
    moves: tuple[Move, ...] = ()
    posts: tuple[Post, ...] = ()
    told: tuple[tuple[Input, str | None], ...] = ()
    answered: frozenset[tuple[int, int]] = frozenset()


@frozen
class PruneRequest(Inquiry[Finished]):
    """A request for ended runs with their history: the first `limit` that ended before an instant, by serial.

    Only runs of these journeys with a serial above `after`, of which something is left to prune.
    """

    before: int
    journeys: frozenset[int]
    after: int
    limit: int


@frozen
class PastRequest(Inquiry[Sequence[tuple[Input, str]]]):
    """A request for handled inputs with their outcomes: the first `limit` with an `at` before an instant, by number.

    Only inputs with a sequence number above `after`, of one tenant or, if that is None, of all.
    """

    before: int
    after: int
    limit: int
    tenant: str | None


def told_twice(posts: Iterable[Post]) -> set[tuple[int, int]]:
    """Return the messages, as (serial, n), with more than one `sent`: one of those may be an ack."""
    return {(post.serial, post.n) for post in posts if post.flags.get("sent", (0, 0))[1] > 1}
