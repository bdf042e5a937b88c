"""The contract of a store: what is loaded for a batch, and the one method that writes.

A store keeps what `Changes` tell it and gives it back; it decides nothing. Two objects make it up: the `Store` itself
(three methods) and the `Transaction` it opens (five). `journeyflow.testing.StoreConformance` holds a store to what is
written here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import frozen

from journeyflow.records.changes import Changes
from journeyflow.records.rows import Post
from journeyflow.stores.batch import Due, Loaded, Request


@frozen
class Shelf:
    """What a store keeps about journeys, as rows: enough to build a `Catalog`.

    `journeys` are (number, tenant, id), `versions` (number, journey, version, published_at, fingerprint, text), a row
    per publication in order, `transitions` (journey, at, state) and `flags` (journey, at, step, published) in order;
    `meta` are the file's settings, `policies` (tenant, at, text) in order. `next_journey` and `next_version` are
    numbers that were never given before.
    """

    revision: int
    journeys: Sequence[tuple[int, str, str]]
    versions: Sequence[tuple[int, int, int, int, str, str]]
    transitions: Sequence[tuple[int, int, Any]]
    meta: Mapping[str, str]
    policies: Sequence[tuple[str, int, str]] = ()
    flags: Sequence[tuple[int, int, str, bool]] = ()
    next_journey: int = 1
    next_version: int = 1


@frozen
class ClaimRequest:
    """Which messages a worker would take: those it may have at `at`, oldest first (R71)."""

    tenant: str | None
    channels: frozenset[str] | None
    at: int
    limit: int
    journeys: frozenset[int]
    """The journeys from which nothing is given now, because they are paused."""
    steps: frozenset[tuple[int, str]] = frozenset()
    """The steps, with the number of their journey, from which nothing is given, because they are unpublished (R17)."""


class Transaction(Protocol):
    """Everything between taking the lock and giving it back. What is committed is durable when the block is left.

    Whether a transaction sees what it has committed itself is not said: everything is read first.
    """

    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Give the rows of the catalog, or None when its revision is still the known one."""

    def due(self, now: int, limit: int) -> Due:
        """Give the first `limit` due items at or before `now` in total order, of inbox, rests and leases (R7)."""

    def load(self, request: Request) -> Loaded:
        """Give what is known of a request; what does not exist is left out."""

    def claimable(self, request: ClaimRequest) -> Sequence[Post]:
        """Give queued messages that may be handed out, by (instant, serial, n)."""

    def commit(self, changes: Changes) -> None:
        """Write everything at once; nothing of it is seen unless the block ends without an exception.

        A commit of the catalog (`Changes.of_catalog`) makes the next revision: one more than before, no other commit
        does. So an engine knows what its own commits have made of the catalog without reading it again.
        Every run that a move belongs to is among the runs. May be called again, after which both are written. Raises
        StorageError in a transaction that was opened for reading.
        """


class Store(Protocol):
    """Where journeys, people, runs and messages are kept. All methods may be called from any thread (R72).

    What the medium does wrong comes out as StorageError. Transactions and views of one thread do not nest; opening one
    inside another, or on a closed store, raises StorageError.
    """

    def transaction(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """Open a transaction; one that writes has the lock from its first moment, so that what it reads stays true."""

    def reader(self) -> "AbstractContextManager[SqlReader]":
        """Open a consistent view for questions, in SQL over the same tables for every store (R80).

        Nothing that a question changes is kept.
        """

    def close(self) -> None:
        """Give everything back. Closing twice is closing once."""


class SqlReader(Protocol):
    """Questions about the past and the present, asked in SQL over the documented tables and views."""

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a query one by one, as long as the view is open."""
