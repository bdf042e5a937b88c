"""A transaction on a PostgreSQL schema: what is due, what a batch needs, and what it came to (see `writing.py`)."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, suppress
from functools import wraps
from itertools import repeat
from typing import Any, ClassVar

import psycopg
from attrs import evolve
from psycopg import Connection, RawCursor

from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Export, Input, Post, make_input
from journeyflow.stores.batch import (
    INPUT,
    JOURNEY,
    TIMER,
    Due,
    Loaded,
    Request,
    at_of,
    select_due,
    seq_of,
    timer_keys,
)
from journeyflow.stores.contract import READING, Shelf
from journeyflow.stores.due import unless_held
from journeyflow.stores.inquiries import (
    ActiveRequest,
    ClaimRequest,
    Earliest,
    EarliestRequest,
    ExportsRequest,
    Finished,
    InputNumbersRequest,
    Inquiry,
    LastTickRequest,
    PastRequest,
    PruneRequest,
    Reply,
)
from journeyflow.stores.postgres import due, tenants
from journeyflow.stores.postgres.asking import Asker, at_once, pipelined, run_statement
from journeyflow.stores.postgres.known_paths import KnownPaths
from journeyflow.stores.postgres.loading import load, names_as_lists
from journeyflow.stores.postgres.opening import RESTORE
from journeyflow.stores.postgres.pruning import load_finished, load_past
from journeyflow.stores.postgres.tenants import NO_TENANT, TenantNumbers
from journeyflow.stores.postgres.writing import PostgresWriter
from journeyflow.stores.rows import POST_FORM, Row, read_post, read_run

STRAYS = """
SELECT m.tenant FROM messages m
WHERE m.lease_until <= %(now)s AND NOT EXISTS (SELECT FROM tenants t WHERE t.tenant = m.tenant) LIMIT 1
"""

SHELF = (
    "SELECT journeys, versions FROM layout",
    "SELECT number, tenant, id FROM journeys ORDER BY number",
    """SELECT v.number, v.journey, v.version, p.at, v.fingerprint, v.definition
    FROM publications p JOIN versions v ON v.number = p.version ORDER BY p.journey, p.n""",
    "SELECT journey, at, state FROM transitions ORDER BY journey, n",
    "SELECT name, value FROM meta",
    "SELECT tenant, at, definition FROM policies ORDER BY tenant, n",
    "SELECT journey, at, step, published FROM flags ORDER BY journey, n",
    "SELECT tenant, at, channel, held FROM holds ORDER BY tenant, n",
)
"""The questions for the catalog: the last numbers, and the tables in the order of `Shelf`."""


def is_due(instant: int | None, now: int) -> bool:
    """Return whether something is due.

    >>> is_due(5, 5), is_due(6, 5), is_due(None, 5)
    (True, False, False)
    """
    return instant is not None and instant <= now


EXPORT_ROW = ", ".join(Export._fields)


class DriverError(StorageError):
    """An error of the driver inside a transaction, which is the cause; the end of the block says what it means."""


def _of_medium(method: Callable[..., Reply]) -> Callable[..., Reply]:
    """Raise errors of the driver as those of a store: the engine must not take them for those of an item."""

    @wraps(method)
    def told(self: "PostgresTransaction", *arguments: object, **named: object) -> Reply:
        try:
            return method(self, *arguments, **named)
        except psycopg.Error as error:
            raise DriverError(self.path, str(error)) from error

    return told


class PostgresTransaction:
    """A transaction on one schema; see `contract.Transaction`.

    `numbers` are those of its tenant, and `paths` those that the process knows. `chosen` is whether the store chose the
    tenant, as one with due work, and `leasing` whether nothing but messages is written. `written` is whether there is
    anything to commit, and `scrubbed` whether traces are to be erased from the medium.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        numbers: TenantNumbers,
        paths: KnownPaths,
        *,
        write: bool,
        chosen: bool,
        leasing: bool,
    ) -> None:
        """Work on a connection."""
        self.path, self.tenant = path, numbers.tenant
        self._numbers, self._write, self._chosen, self._leasing = numbers, write, chosen, leasing
        self._kept = leasing
        self._asking = Asker(connection, self.tenant, write=write)
        self._ask, self._mine = self._asking.rows, self._asking.mine
        self._connection = connection
        self._writer = PostgresWriter(connection, numbers, paths)
        self._sending = ExitStack()
        self.written = self.scrubbed = False

    # --- reading --------------------------------------------------------------------------------------------------

    @_of_medium
    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        revision = self._numbers.revision
        if self.written:  # the commit may have changed it
            revision = int(self._ask("SELECT value FROM settings WHERE name = 'revision'")[0][0])
        if revision == known_revision:
            return None
        ((last,), *tables) = at_once(self._connection, *((sql, {}) for sql in SHELF))
        journeys, versions, transitions, meta, policies, flags, holds = tables
        first, second = (number + 1 for number in last)
        return Shelf(revision, journeys, versions, transitions, dict(meta), policies, flags, holds, first, second)

    @_of_medium
    def due(
        self,
        now: int,
        limit: int,
        *,
        inputs: bool = True,
        of: AbstractSet[tuple[str, str]] | None = None,
    ) -> Due:
        """Return the first due items in total order: each kind is a seek in its own index (R7).

        The row of the tenant says whether there are any; then all kinds are asked for in one round trip.
        """
        numbers = self._numbers
        if self.tenant == NO_TENANT:
            if is_due(numbers.lease, now):
                self._refuse_strays(now)
            return Due()
        others = is_due(numbers.others, now)
        if not (self.written or is_due(tenants.soonest(numbers.due, numbers.lease), now)):
            return Due(others=others)
        some, mine = of is not None, self._mine()
        asked = {"now": now, "limit": limit + 1, **({} if of is None else names_as_lists(of))}
        told, rests, leases, ringing = self._asking.together(
            (due.inbox(mine, some=some), asked) if inputs else None,
            (due.rests(mine, some=some), asked),
            (self._asking.held(due.leases(mine, some=some)), asked),
            None if some else (due.timers(mine), asked),
        )
        items, runs, posts = list(map(make_input, told)), list(map(read_run, rests)), list(map(read_post, leases))
        found = select_due(
            (list(zip(map(at_of, items), repeat(INPUT), map(seq_of, items), repeat(0))), items),
            (timer_keys(runs), runs),
            ([(post.lease_until or 0, TIMER, post.serial, post.n) for post in posts], posts),
            limit,
            [(at, JOURNEY, journey, which) for at, journey, which in ringing],
        )
        if self._chosen and is_due(numbers.due, now) and not found.keys:
            what = f"tenant {self.tenant!r} has work at {numbers.due} according to table tenants, and none is found"
            raise CorruptDatabase(self.path, what, RESTORE)
        return evolve(found, others=others)

    def _refuse_strays(self, now: int) -> None:
        """Raise CorruptDatabase if work is due of a tenant who is not known: nobody would ever have it at hand."""
        for (tenant,) in self._ask(STRAYS, {"now": now}):
            what = f"a message of tenant {tenant!r} has a lease, and table tenants has no such tenant"
            raise CorruptDatabase(self.path, what, RESTORE)

    @_of_medium
    def load(self, request: Request) -> Loaded:
        """Return the `Loaded` of a request (see `loading.py`)."""
        return load(self._asking, self._numbers, request)

    @_of_medium
    def ask(self, inquiry: Inquiry[Reply]) -> Reply:
        """Answer what a single call asks."""
        answer: Reply = self._answers[type(inquiry)](self, inquiry)
        return answer

    def _earliest(self, inquiry: EarliestRequest) -> Earliest | None:
        """Return the instants of the earliest work, of all and without what a pause holds; None if it is not known."""
        paused, of_one = inquiry.paused, self.tenant is not None
        if paused if of_one else self.written:
            return None
        if self.written:
            (instants,) = self._keep().fetchall()
            first = tenants.soonest(*instants)
        else:
            first = tenants.soonest(self._numbers.due, self._numbers.others)
        return first, self._soonest(paused) if paused else first

    def _keep(self) -> RawCursor[Row]:
        """Write what the next transaction has to know of this one."""
        self._kept = True
        return tenants.keep(self._connection, self._numbers)

    def _soonest(self, paused: Mapping[int, int]) -> int | None:
        """Return the instant of the earliest work of all kinds, without what a pause holds."""
        (instants,) = self._ask(due.earliest(self._mine(), unless_held(paused)))
        return min((each for each in instants if each is not None), default=None)

    def _last_tick(self, _: LastTickRequest) -> int | None:
        """Return the instant of the last tick that did anything, or None (R3)."""
        ((found,),) = self._ask(f"SELECT max(last_tick) FROM tenants WHERE TRUE{self._mine()}")
        return None if found is None else int(found)

    def _input_numbers(self, inquiry: InputNumbersRequest) -> tuple[int, ...]:
        return tenants.input_numbers(self._connection, self._numbers, inquiry.tenants)

    def _active(self, inquiry: ActiveRequest) -> list[int]:
        rows = self._ask(
            "SELECT serial FROM enrollments WHERE journey = %(journey)s AND serial > %(after)s AND status = 'ACTIVE'"
            " ORDER BY serial LIMIT %(limit)s",
            {"journey": inquiry.journey, "after": inquiry.after, "limit": inquiry.limit},
        )
        return [serial for (serial,) in rows]

    def _exports(self, _: ExportsRequest) -> tuple[tuple[Export, ...], int]:
        """Return the jobs that are not done yet, and the number that the next one gets."""
        rows = self._ask(f"SELECT {EXPORT_ROW} FROM exports WHERE finished_at IS NULL{self._mine()} ORDER BY number")
        return tuple(map(Export._make, rows)), self._numbers.next("exports")

    def _finished(self, inquiry: PruneRequest) -> Finished:
        return load_finished(self._asking, inquiry)

    def _past(self, inquiry: PastRequest) -> tuple[tuple[Input, str], ...]:
        return load_past(self._asking, inquiry)

    def _claimable(self, request: ClaimRequest) -> list[Post]:
        """Return queued messages that may be handed out, oldest first (R71)."""
        channels = "" if request.channels is None else " AND m.channel = ANY(%(channels)s::text[])"
        of_tenant = "" if request.tenant is None else " AND m.tenant = %(wanted)s"
        journeys, steps = zip(*sorted(request.steps), strict=True) if request.steps else ((), ())
        owners, held = zip(*sorted(request.held), strict=True) if request.held else ((), ())
        rows = self._ask(
            f"SELECT {POST_FORM.names(table='m.')} FROM messages m"
            " JOIN enrollments e ON e.serial = m.enrollment AND e.tenant = m.tenant"
            " JOIN customers c ON c.number = e.customer AND c.tenant = m.tenant"
            f" WHERE m.status = 'QUEUED' AND m.available_at <= %(at)s{self._mine('m.')}{of_tenant}{channels}"
            " AND e.journey <> ALL(%(journeys)s::bigint[])"
            " AND NOT EXISTS (SELECT FROM unnest(%(of)s::bigint[], %(steps)s::text[]) s (journey, step)"
            " WHERE s.journey = e.journey AND s.step = m.step)"
            " AND NOT EXISTS (SELECT FROM unnest(%(owners)s::text[], %(held)s::text[]) h (tenant, channel)"
            " WHERE h.tenant = m.tenant AND h.channel = m.channel)"
            f"{WITHOUT_INPUTS * request.inputs}"
            " ORDER BY m.available_at, m.enrollment, m.n LIMIT %(limit)s"
            f"{' FOR UPDATE OF m SKIP LOCKED' * self._write}",
            {
                "at": request.at,
                "wanted": request.tenant,
                "channels": sorted(request.channels or ()),
                "journeys": sorted(request.journeys),
                "of": [*journeys],
                "steps": [*steps],
                "owners": [*owners],
                "held": [*held],
                "limit": request.limit,
            },
        )
        return [read_post(row) for row in rows]

    _answers: ClassVar[Mapping[type, Callable[..., Any]]] = {
        EarliestRequest: _earliest,
        LastTickRequest: _last_tick,
        InputNumbersRequest: _input_numbers,
        ActiveRequest: _active,
        ClaimRequest: _claimable,
        ExportsRequest: _exports,
        PruneRequest: _finished,
        PastRequest: _past,
    }
    """How each inquiry is answered."""

    # --- writing --------------------------------------------------------------------------------------------------

    @_of_medium
    def commit(self, changes: Changes) -> None:
        """Write everything a batch came to (see `writing.py`).

        The statements go to the server without a round trip for each; the last answers come with that of the commit.
        """
        if not self._write:
            raise StorageError(self.path, *READING)
        if not self.written:
            self._sending.enter_context(pipelined(self._connection))
        self.written, self._kept = True, self._leasing
        self._writer.write(changes)
        self.scrubbed = self.scrubbed or changes.erased.scrubbed

    def finish(self) -> None:
        """Write what the next transaction has to know of this one, and commit."""
        with self._sending:
            if self.written and not self._kept:
                self._keep()
            run_statement(self._connection, "COMMIT", {})

    def abandon(self) -> None:
        """Send nothing more, and wait for what the server says to what was sent."""
        with suppress(psycopg.Error):
            self._sending.close()


WITHOUT_INPUTS = """ AND NOT EXISTS (SELECT FROM inputs i WHERE i.tenant = m.tenant AND i.customer = c.id
    AND i.outcome IS NULL AND i.at <= %(at)s)"""
