"""The contract of a store: what it loads for a batch, and the one method that writes.

A store saves `Changes` and returns what it has saved; it makes no decisions. It consists of two objects: the `Store`
(three methods) and the `Transaction` that it opens (five methods). `journeyflow.testing.StoreConformance` tests a store
against this contract.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import frozen

from journeyflow.basics.values import id_fault
from journeyflow.errors import InvalidInput
from journeyflow.records.changes import Changes
from journeyflow.stores.batch import Due, Loaded, Request
from journeyflow.stores.inquiries import Inquiry, Reply

LAST_TICK = "last tick"
"""The name under which stores keep the instant of the last tick that did anything (R3), beside their settings."""

READING = ("this transaction was opened for reading", "open it with write=True to commit")
"""What is wrong with a commit in a transaction that was opened for reading, and the remedy."""


def only_tenant(tenants: Iterable[str]) -> str | None:
    """Return the tenant, as `Store.transaction` takes it, if it is the same one each time; None for several.

    >>> only_tenant(["t", "t"]), only_tenant(["t", "u"]), only_tenant([])
    ('t', None, None)
    """
    names = {*tenants}
    return names.pop() if len(names) == 1 else None


def check_nonce(nonce: object) -> None:
    """Raise InvalidInput for what cannot begin the ids of messages (R70)."""
    if fault := id_fault(nonce):
        raise InvalidInput([f"nonce: {fault}"])


@frozen
class Shelf:
    """The rows of a store about journeys: everything needed to build a `Catalog`.

    `revision` counts the commits of the catalog. `journeys` is (number, tenant, id); `versions` is (number, journey,
    version, published_at, fingerprint, text), one row per publication, in order; `transitions` is (journey, at, state),
    `flags` is (journey, at, step, published) `policies` is (tenant, at, text) and `holds` is (tenant, at, channel,
    held), all in order. `meta` is the settings of the store. `next_journey` and `next_version` are numbers that have
    never been used. Instants are microseconds UTC.
    """

    revision: int
    journeys: Sequence[tuple[int, str, str]]
    versions: Sequence[tuple[int, int, int, int, str, str]]
    transitions: Sequence[tuple[int, int, Any]]
    meta: Mapping[str, str]
    policies: Sequence[tuple[str, int, str]] = ()
    flags: Sequence[tuple[int, int, str, bool]] = ()
    holds: Sequence[tuple[str, int, str, bool]] = ()
    next_journey: int = 1
    next_version: int = 1


class Transaction(Protocol):
    """Everything between acquiring the lock and releasing it. Commits are durable when the block is left.

    Whether a transaction sees its own commits is unspecified, except for `EarliestRequest`: callers read everything
    first.
    """

    @property
    def tenant(self) -> str | None:
        """The only tenant whose rows are read and written here, apart from the shared catalog; None for all tenants."""

    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog; None if its revision is still `known_revision`."""

    def due(
        self,
        now: int,
        limit: int,
        *,
        inputs: bool = True,
        of: AbstractSet[tuple[str, str]] | None = None,
    ) -> Due:
        """Return the first `limit` items due at or before `now`, in total order: inputs, rests, leases, timers (R7).

        Without `inputs`, only timers count.

        With `of`, the (tenant, id) of customers, only what concerns them (R74): their inputs, answers about their
        messages, their rests and leases, and the waiting events of others that have the id of one of theirs (R26).
        `inputs` is then not given.
        """

    def load(self, request: Request) -> Loaded:
        """Return what a request asks for; what does not exist is left out."""

    def ask(self, inquiry: Inquiry[Reply]) -> Reply:
        """Answer one of the inquiries of `inquiries.py`, each of which serves one kind of call."""

    def commit(self, changes: Changes) -> None:
        """Write changes atomically; none of them take effect unless the block ends without an exception.

        A commit of the catalog (`Changes.catalog`) adds one to the revision, and no other commit does, so that an
        engine knows the catalog after its own commits without reading it again. Every run that a move belongs to is
        among the runs. The method may be called repeatedly; then all changes are written. Raises StorageError in a
        transaction that was opened for reading.
        """


class Store(Protocol):
    """The storage of journeys, customers, runs and messages. All methods may be called from any thread (R72).

    Errors of the medium are raised as StorageError. Transactions and views of one thread do not nest: opening one
    inside another, or on a closed store, raises StorageError.
    """

    def transaction(
        self, *, write: bool = True, tenant: str | None = None, due_at: int | None = None, leasing: bool = False
    ) -> AbstractContextManager[Transaction]:
        """Open a transaction; one that writes holds the lock from the start, so that what it has read stays valid.

        With `tenant`, the caller works for that tenant alone: it neither reads nor writes what belongs to others, and
        changes nothing of the catalog but settings. With `due_at`, it is a tick's that handles what is due at that
        instant: the store chooses the tenant, one with due work that no other process works on, and `due` finds nothing
        if there is none. With `leasing`, nothing but messages is written, those that `ClaimRequest` has found: the
        store may leave out messages that another process has at hand, and let others work for the same tenants
        meanwhile. A store with one lock for everything ignores all three (R92).
        """

    def reader(self) -> "AbstractContextManager[SqlReader]":
        """Open a consistent view for queries, in SQL over the same tables for every store (R80).

        Changes that a query makes are not kept.
        """

    def close(self) -> None:
        """Release all resources. Closing again does nothing."""


class SqlReader(Protocol):
    """A view for SQL queries over the documented tables and views."""

    def rows(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""

    def stream(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one, as long as the view is open."""
