"""A transaction on one SQLite file.

One connection per store and process, guarded by a lock; WAL; `BEGIN IMMEDIATE` before anything is read that will be
written; every statement over a batch. What a file can do wrong comes out as `StorageError` with the path and a remedy.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from functools import wraps
from itertools import repeat
from operator import itemgetter
from typing import Any, ClassVar

from journeyflow.basics.values import dumps
from journeyflow.basics.words import ACTIVE, CLAIMED, QUEUED
from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Export, Input, Post, Run, make_input
from journeyflow.stores.batch import (
    INPUT,
    NOT_DUE,
    TIMER,
    Due,
    Loaded,
    Request,
    at_of,
    select_due,
    seq_of,
    timer_keys,
)
from journeyflow.stores.contract import LAST_TICK, READING, Shelf
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
from journeyflow.stores.rows import (
    POST_FORM,
    read_post,
    read_runs,
)
from journeyflow.stores.sqlite import due
from journeyflow.stores.sqlite.asking import SQLiteAsker
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.limits import due_timers
from journeyflow.stores.sqlite.loading import load
from journeyflow.stores.sqlite.opening import RESTORE
from journeyflow.stores.sqlite.pruning import load_finished, load_past
from journeyflow.stores.sqlite.writing import Paths, Writer

status_of_run: Callable[[Run], str] = itemgetter(5)

DISAGREEING = ("an index and its table disagree", f"REINDEX it with the sqlite3 tool, or {RESTORE}")


def _claimable(*, inputs: bool) -> str:
    """Return the question for the messages that may be handed out, of customers without waiting `inputs` or of all."""
    withheld = "SELECT tenant, customer FROM inputs WHERE outcome IS NULL AND at <= :at"
    return (
        f"SELECT {POST_FORM.names(table='m.')} FROM messages m"
        " JOIN enrollments e ON e.serial = m.enrollment JOIN customers c ON c.number = e.customer"
        " WHERE m.status = 'QUEUED' AND m.available_at <= :at AND (:tenant IS NULL OR c.tenant = :tenant)"
        " AND (:channels IS NULL OR m.channel IN (SELECT value FROM json_each(:channels)))"
        " AND (:journeys = '[]' OR e.journey NOT IN (SELECT value FROM json_each(:journeys)))"
        " AND (:steps = '[]' OR (e.journey, m.step) NOT IN"
        " (SELECT value ->> 0, value ->> 1 FROM json_each(:steps)))"
        " AND (:held = '[]' OR (c.tenant, m.channel) NOT IN"
        " (SELECT value ->> 0, value ->> 1 FROM json_each(:held)))"
        f"{f' AND (c.tenant, c.id) NOT IN ({withheld})' * inputs}"
        " ORDER BY m.available_at, m.enrollment, m.n LIMIT :limit"
    )


CLAIMABLE = {inputs: _claimable(inputs=inputs) for inputs in (True, False)}


class MediumError(StorageError):
    """An error of SQLite inside a transaction, which is the cause; the end of the block says what it means."""


def _of_medium(method: Callable[..., Reply]) -> Callable[..., Reply]:
    """Raise errors of SQLite as those of a store: the engine must not take them for those of an item of its work."""

    @wraps(method)
    def told(self: "SQLiteTransaction", *arguments: object, **named: object) -> Reply:
        try:
            return method(self, *arguments, **named)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise MediumError(self.path, str(error)) from error

    return told


class SQLiteTransaction:
    """A transaction on one file; see `contract.Transaction`."""

    tenant = None

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        known: Paths,
        added: Paths,
        kept: Kept,
        *,
        write: bool,
    ) -> None:
        """Work on a connection, of which `kept` knows something already.

        `known` are interned paths, `added` takes those of this transaction.
        """
        self._connection, self.path, self._write = connection, path, write
        self._known, self._added, self._kept = known, added, kept
        self._asker = SQLiteAsker(connection)
        self._ask = self._asker.rows
        self.scrubbed = False

    def _expect(self, agrees: bool) -> None:
        """Refuse to go on with an index that names rows other than those of its table: they would come up for ever."""
        if not agrees:
            raise CorruptDatabase(self.path, *DISAGREEING)

    # --- reading --------------------------------------------------------------------------------------------------

    @_of_medium
    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        revision = int(self._kept.glance()[-1])
        if revision == known_revision:
            return None
        return Shelf(
            revision,
            self._ask("SELECT number, tenant, id FROM journeys ORDER BY number"),
            self._ask(
                "SELECT v.number, v.journey, v.version, p.at, v.fingerprint, v.definition"
                " FROM publications p JOIN versions v ON v.number = p.version ORDER BY p.journey, p.n"
            ),
            self._ask("SELECT journey, at, state FROM transitions ORDER BY journey, n"),
            dict(self._ask("SELECT name, value FROM meta")),
            self._ask("SELECT tenant, at, definition FROM policies ORDER BY tenant, n"),
            self._ask("SELECT journey, at, step, published FROM flags ORDER BY journey, n"),
            self._ask("SELECT tenant, at, channel, held FROM holds ORDER BY tenant, n"),
            self._kept.following("journeys"),
            self._kept.following("versions"),
        )

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

        As a rule most kinds have none, and are not asked.
        """
        some = of is not None
        asked = {"now": now, **({} if of is None else {"of": dumps(sorted(of))})}
        inbox, resting, leased, ringing = (
            (True, True, True, False)
            if some
            else [each is not None and each <= now for each in self._kept.glance()[:4]]
        )
        if not (inputs and inbox) and not (resting or leased or ringing):
            return NOT_DUE
        told = self._asker.first_alike(due.DUE_INPUTS[some], limit + 1, asked) if inputs and inbox else []
        rests = self._asker.first_alike(due.DUE_RESTS[some], limit + 1, asked) if resting else []
        leases = self._ask(due.DUE_LEASES[some], {**asked, "limit": limit + 1}) if leased else []
        items, runs, posts = list(map(make_input, told)), read_runs(rests), list(map(read_post, leases))
        self._expect(None not in map(seq_of, items))
        self._expect({*map(status_of_run, runs)} <= {ACTIVE})
        self._expect({post.status for post in posts} <= {CLAIMED})
        return select_due(
            (list(zip(map(at_of, items), repeat(INPUT), map(seq_of, items), repeat(0))), items),
            (timer_keys(runs), runs),
            ([(post.lease_until or 0, TIMER, post.serial, post.n) for post in posts], posts),
            limit,
            due_timers(self._connection, now, limit + 1) if ringing else (),
        )

    @_of_medium
    def load(self, request: Request) -> Loaded:
        """Return the `Loaded` of a request, with a few statements for all of it."""
        return load(self._asker, self._kept, request)

    @_of_medium
    def ask(self, inquiry: Inquiry[Reply]) -> Reply:
        """Answer what a single call asks."""
        answer: Reply = self._answers[type(inquiry)](self, inquiry)
        return answer

    def _earliest(self, inquiry: EarliestRequest) -> Earliest:
        """Return the instants of the earliest work, of all and without what a pause holds: seeks in the indexes."""
        first, paused = _soonest(self._kept.glance()[:4]), inquiry.paused
        return first, _soonest(self._ask(due.earliest(unless_held(paused)))[0]) if paused else first

    def _last_tick(self, _: LastTickRequest) -> int | None:
        """Return the instant of the last tick that did anything, or None (R3)."""
        found = self._ask("SELECT value FROM meta WHERE name = ?", (LAST_TICK,))
        return int(found[0][0]) if found else None

    def _input_numbers(self, inquiry: InputNumbersRequest) -> tuple[int, ...]:
        first = self._kept.following("inputs")
        return tuple(range(first, first + len(inquiry.tenants)))

    def _active(self, inquiry: ActiveRequest) -> list[int]:
        sql = "SELECT serial FROM enrollments WHERE journey = ? AND serial > ? AND status = 'ACTIVE' ORDER BY 1 LIMIT ?"
        return [serial for (serial,) in self._ask(sql, (inquiry.journey, inquiry.after, inquiry.limit))]

    def _exports(self, _: ExportsRequest) -> tuple[tuple[Export, ...], int]:
        rows = self._ask("SELECT * FROM exports WHERE finished_at IS NULL ORDER BY number")
        return tuple(map(Export._make, rows)), self._kept.following("exports")

    def _finished(self, inquiry: PruneRequest) -> Finished:
        return load_finished(self._connection, inquiry)

    def _past(self, inquiry: PastRequest) -> tuple[tuple[Input, str], ...]:
        return load_past(self._connection, inquiry)

    def _claimable(self, request: ClaimRequest) -> list[Post]:
        """Return queued messages that may be handed out, oldest first (R71)."""
        first = self._kept.glance()[4]
        if first is None or first > request.at:
            return []
        rows = self._ask(
            CLAIMABLE[request.inputs],
            {
                "at": request.at,
                "tenant": request.tenant,
                "channels": None if request.channels is None else _listed(request.channels),
                "journeys": _listed(request.journeys),
                "steps": _listed(request.steps),
                "held": _listed(request.held),
                "limit": request.limit,
            },
        )
        posts = [read_post(row) for row in rows]
        self._expect(all(post.status == QUEUED for post in posts))
        return posts

    _answers: ClassVar[dict[type[Inquiry[Any]], Callable[[Any, Any], Any]]] = {
        EarliestRequest: _earliest,
        LastTickRequest: _last_tick,
        InputNumbersRequest: _input_numbers,
        ActiveRequest: _active,
        ClaimRequest: _claimable,
        ExportsRequest: _exports,
        PruneRequest: _finished,
        PastRequest: _past,
    }

    # --- writing --------------------------------------------------------------------------------------------------

    @_of_medium
    def commit(self, changes: Changes) -> None:
        """Write everything a batch came to (see `writing.py`)."""
        if not self._write:
            raise StorageError(self.path, *READING)
        Writer(self._connection, self._known, self._added, self._kept, self._expect).write(changes)
        self.scrubbed = self.scrubbed or changes.erased.scrubbed


def _soonest(instants: Iterable[int | None]) -> int | None:
    found = [each for each in instants if each is not None]
    return min(found) if found else None


def _listed(values: Collection[Any]) -> str:
    return dumps(sorted(values)) if values else "[]"
