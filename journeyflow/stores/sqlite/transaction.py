"""The store in one SQLite file.

One connection per store and process, guarded by a lock; WAL; `BEGIN IMMEDIATE` before anything is read that will be
written; every statement over a batch. What a file can do wrong comes out as `StorageError` with the path and a remedy.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import wraps
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, ClassVar, Final, NamedTuple

from journeyflow.basics.values import dumps, loads_each
from journeyflow.basics.words import ACTIVE, CLAIMED, COUNTED, QUEUED, UNKNOWN_AFTER
from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Deferred, Export, Glimpse, Input, Post, Run, make_input
from journeyflow.stores.batch import (
    INPUT,
    TIMER,
    CustomerInHand,
    Due,
    LimitsLoaded,
    Loaded,
    Request,
    at_of,
    named_by,
    select_due,
    seq_of,
    serial_of,
    timer_keys,
)
from journeyflow.stores.contract import LAST_TICK, READING, Shelf
from journeyflow.stores.inquiries import (
    ActiveRequest,
    Answer,
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
)
from journeyflow.stores.rows import (
    POST_FORM,
    POST_ROW,
    RUN_ROW,
    SEEN_ROW,
    read_post,
    read_runs,
    read_seen,
)
from journeyflow.stores.sqlite import due
from journeyflow.stores.sqlite.limits import due_timers, load_limits, queue_heads, unless_held
from journeyflow.stores.sqlite.opening import RESTORE
from journeyflow.stores.sqlite.pruning import load_finished, load_past
from journeyflow.stores.sqlite.pulls import load_circles, load_pulls
from journeyflow.stores.sqlite.writing import Paths, Writer

status_of_run: Callable[[Run], str] = itemgetter(5)

DISAGREEING = ("an index and its table disagree", f"REINDEX it with the sqlite3 tool, or {RESTORE}")


class Lookup(NamedTuple):
    """The same question about all numbers that are in a JSON list, and about all between two.

    What was told, or entered, in one go has numbers without a gap; then no list has to be written, read and looked up
    one by one.
    """

    many: str
    span: str


def lookup(asked: str, key: str, tail: str = "") -> Lookup:
    """Write a question about rows by their key.

    >>> lookup("SELECT a FROM t", "k").span
    'SELECT a FROM t WHERE k BETWEEN ? AND ?'
    """
    asked = f"{asked} WHERE {key}"
    return Lookup(f"{asked} IN (SELECT value FROM json_each(?)){tail}", f"{asked} BETWEEN ? AND ?{tail}")


RUNS = lookup(f"SELECT {RUN_ROW} FROM enrollments", "serial")

NEWEST_RUNS = lookup(
    "SELECT customer, serial, max(run) FROM enrollments", "customer", " GROUP BY customer, journey, key"
)
"""The newest run of each journey and key of some customers: an index answers it alone, which holds all their runs."""


def _newest(customer: str, before: str = "") -> str:
    """Return the question for a customer's newest run of the last journey and key, of those that a condition leaves."""
    order = "ORDER BY journey DESC, key DESC, run DESC LIMIT 1"
    return f"(SELECT serial FROM enrollments WHERE customer = {customer}{before} {order})"


NEWEST_RUNS_OF_FEW = (
    "WITH RECURSIVE newest (customer, serial, journey, key) AS ("
    " SELECT e.customer, e.serial, e.journey, e.key FROM json_each(?) k CROSS JOIN enrollments e"
    f" WHERE e.serial = {_newest('k.value')} UNION ALL"
    " SELECT e.customer, e.serial, e.journey, e.key FROM newest n CROSS JOIN enrollments e WHERE e.serial = ifnull("
    f"{_newest('n.customer', ' AND journey = n.journey AND key < n.key')},"
    f" {_newest('n.customer', ' AND journey < n.journey')})"
    ") SELECT customer, serial, 0 FROM newest"
)
"""The same by a seek for each journey and key: runs of long ago cost nothing, but who has one run costs more."""

FEW: Final = 8
"""Of so many customers at most the newest runs are sought one by one."""

KNOWN_EVENTS = (
    "SELECT i.tenant, i.type, i.id, i.at, i.customer, i.data FROM json_each(?) k CROSS JOIN inputs i"
    " ON i.id = k.value ->> 2 AND i.type = k.value ->> 1 AND i.tenant = k.value ->> 0 WHERE i.kind = 'event'"
    f" AND i.outcome NOT IN ({', '.join(map(repr, sorted(UNKNOWN_AFTER)))}) ORDER BY i.at, i.seq"
)

SUPPRESSED = "SELECT hash, before FROM suppressions WHERE hash IN (SELECT value FROM json_each(?))"

PEOPLE = lookup("SELECT number, tenant, id, attributes FROM customers", "number")

SENT = lookup(
    "SELECT e.customer, m.enrollment, m.n, m.at, m.channel"
    " FROM enrollments e JOIN messages m ON m.enrollment = e.serial",
    "e.customer",
    " AND e.last_at >= ? AND m.at >= ? AND m.status IN (SELECT value FROM json_each(?))",
)


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

NEWEST_POSTS = lookup(f"SELECT {SEEN_ROW} FROM messages", "enrollment")


class MediumError(StorageError):
    """An error of SQLite inside a transaction, which is the cause; the end of the block says what it means."""


def _of_medium(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Raise errors of SQLite as those of a store: the engine must not take them for those of an item of its work."""

    @wraps(method)
    def told(self: "SQLiteTransaction", *arguments: object, **named: object) -> Answer:
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
        *,
        write: bool,
    ) -> None:
        """Work on a connection; `known` are interned paths, `added` takes those of this transaction."""
        self._connection, self.path, self._write = connection, path, write
        self._writer = Writer(connection, known, added, self._expect)
        self._glanced: tuple[Any, ...] | None = None
        self.scrubbed = False

    def _ask(self, sql: str, parameters: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def _ask_each(self, sql: str, wanted: Iterable[Any], *parameters: object) -> list[tuple[Any, ...]]:
        """Ask about each of some values, which come in order as the first parameter; nobody is asked about none."""
        each = sorted(wanted)
        return self._ask(sql, (dumps(each), *parameters)) if each else []

    def _ask_of(self, asked: Lookup, numbers: Collection[int], *parameters: object) -> list[tuple[Any, ...]]:
        """Ask about each of some numbers, no two the same, in order; nobody is asked about none."""
        if not numbers:
            return []
        each = sorted(numbers)
        first, last = each[0], each[-1]
        if last - first + 1 == len(each):
            return self._ask(asked.span, (first, last, *parameters))
        return self._ask(asked.many, (dumps(each), *parameters))

    def _expect(self, agrees: bool) -> None:
        """Refuse to go on with an index that names rows other than those of its table: they would come up for ever."""
        if not agrees:
            raise CorruptDatabase(self.path, *DISAGREEING)

    # --- reading --------------------------------------------------------------------------------------------------

    def _glance(self) -> tuple[Any, ...]:
        """Return the first instant of each kind of work, that of a queued message, and the revision of the catalog.

        This is asked once until something is written: whatever else is asked depends on it.
        """
        if self._glanced is None:
            (self._glanced,) = self._ask(due.GLANCE)
        return self._glanced

    @_of_medium
    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        revision = int(self._glance()[-1])
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
            self._writer.numbers.following("journeys"),
            self._writer.numbers.following("versions"),
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
        asked = {"now": now, "limit": limit + 1, **({} if of is None else {"of": dumps(sorted(of))})}
        inbox, resting, leased, ringing = (
            (True, True, True, False) if some else [each is not None and each <= now for each in self._glance()[:4]]
        )
        told = self._ask(due.inbox(some=some), asked) if inputs and inbox else []
        rests = self._ask(due.rests(some=some), asked) if resting else []
        leases = self._ask(due.leases(some=some), asked) if leased else []
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
        """Return what is known for a request, with a few statements for all of it."""
        posts, runs = self._named_posts(request.posts), self._runs(request.serials)
        circles = load_circles(self._connection, request.pulls)
        people = self._people_by_name(named_by(request, circles))
        whole = {*request.whole, *people, *(run.customer for run in runs.values())}
        heads = {} if request.limits is None else queue_heads(self._connection, request.limits)
        whole |= {entry.customer for entries in heads.values() for entry in entries}
        missing = (whole | request.numbers) - people.keys()
        people.update(self._people_by_number(missing))
        inside: dict[int, list[int]] = {}
        few = len(whole) <= FEW
        for number, serial, _ in self._ask_each(NEWEST_RUNS_OF_FEW, whole) if few else self._ask_of(NEWEST_RUNS, whole):
            inside.setdefault(number, []).append(serial)
        for number, serials in inside.items():
            people[number].serials = sorted(serials)
        runs.update(self._runs({*chain.from_iterable(inside.values())} - runs.keys() - request.at_hand))
        newest = self._newest_posts(request.readers(runs))
        clicked = self._clicked(request, people.values())
        posts.update(((post.serial, post.n), post) for post in clicked)
        older = {post.serial for post in clicked} - runs.keys()
        runs.update(self._runs(older))
        return Loaded(
            tuple(people.values()),
            runs,
            posts,
            newest,
            self._known_events(request.events),
            *self._following(request),
            self._sent(request, people.values()),
            self._limits(request, heads, whole),
            None if request.pulls is None else load_pulls(self._connection, request.pulls, circles, people),
            dict(self._ask_each(SUPPRESSED, request.suppressed)),
        )

    @_of_medium
    def ask(self, inquiry: Inquiry[Answer]) -> Answer:
        """Answer what a single call asks."""
        answer: Answer = self._answers[type(inquiry)](self, inquiry)
        return answer

    def _earliest(self, inquiry: EarliestRequest) -> Earliest:
        """Return the instants of the earliest work, of all and without what a pause holds: seeks in the indexes."""
        first, paused = _soonest(self._glance()[:4]), inquiry.paused
        return first, _soonest(self._ask(due.earliest(unless_held(paused)))[0]) if paused else first

    def _following(self, request: Request) -> tuple[int, int]:
        """Return the numbers that the next run and the next customer get, unless nobody will come."""
        if not request.following:
            return 1, 1
        return self._writer.numbers.following("enrollments"), self._writer.numbers.following("customers")

    def _last_tick(self, _: LastTickRequest) -> int | None:
        """Return the instant of the last tick that did anything, or None (R3)."""
        found = self._ask("SELECT value FROM meta WHERE name = ?", (LAST_TICK,))
        return int(found[0][0]) if found else None

    def _input_numbers(self, inquiry: InputNumbersRequest) -> tuple[int, ...]:
        first = self._writer.numbers.following("inputs")
        return tuple(range(first, first + len(inquiry.tenants)))

    def _active(self, inquiry: ActiveRequest) -> list[int]:
        sql = "SELECT serial FROM enrollments WHERE journey = ? AND serial > ? AND status = 'ACTIVE' ORDER BY 1 LIMIT ?"
        return [serial for (serial,) in self._ask(sql, (inquiry.journey, inquiry.after, inquiry.limit))]

    def _clicked(self, request: Request, people: Iterable[CustomerInHand]) -> list[Post]:
        """Return the messages of some customers that were clicked (R83)."""
        rows = self._ask_each(
            f"SELECT {POST_ROW} FROM messages WHERE flags ->> '$.clicked' IS NOT NULL AND enrollment IN"
            " (SELECT serial FROM enrollments WHERE customer IN (SELECT value FROM json_each(?)))",
            request.clicked and [person.number for person in people if (person.tenant, person.id) in request.clicked],
        )
        return list(map(read_post, rows))

    def _limits(
        self, request: Request, heads: dict[int, list[Deferred]], customers: Collection[int]
    ) -> LimitsLoaded | None:
        if request.limits is None:
            return None
        number = self._writer.numbers.following("deferred")
        return load_limits(self._connection, request.limits, heads, customers, number)

    def _exports(self, _: ExportsRequest) -> tuple[tuple[Export, ...], int]:
        rows = self._ask("SELECT * FROM exports WHERE finished_at IS NULL ORDER BY number")
        return tuple(map(Export._make, rows)), self._writer.numbers.following("exports")

    def _finished(self, inquiry: PruneRequest) -> Finished:
        return load_finished(self._connection, inquiry)

    def _past(self, inquiry: PastRequest) -> tuple[tuple[Input, str], ...]:
        return load_past(self._connection, inquiry)

    def _sent(self, request: Request, people: Iterable[CustomerInHand]) -> list[tuple[int, int, int, int, str]]:
        """Return the messages that caps count, of the customers of some tenants, since an instant (R31).

        A run that has not moved since then has sent nothing since then.
        """
        caps = request.caps
        if caps is None:
            return []
        numbers = [person.number for person in people if person.tenant in caps.tenants]
        return self._ask_of(SENT, numbers, caps.since, caps.since, dumps(sorted(COUNTED)))

    def _runs(self, serials: Collection[int]) -> dict[int, Run]:
        """Return runs by serial."""
        runs = read_runs(self._ask_of(RUNS, serials))
        return dict(zip(map(serial_of, runs), runs, strict=True))

    def _people_by_name(self, names: Iterable[tuple[str, str]]) -> dict[int, CustomerInHand]:
        sql = (
            "SELECT number, k.key, attributes FROM json_each(?) k"
            " CROSS JOIN customers c ON tenant = ? AND c.id = k.value"
        )
        by_tenant: dict[str, list[str]] = {}
        for tenant, customer in names:
            if tenant in by_tenant:
                by_tenant[tenant].append(customer)
            else:
                by_tenant[tenant] = [customer]
        people: dict[int, CustomerInHand] = {}
        for tenant, wanted in sorted(by_tenant.items()):
            wanted.sort()
            numbers, places, texts = columns(self._ask(sql, (dumps(wanted), tenant)), 3)
            people.update(_people(numbers, repeat(tenant), map(wanted.__getitem__, places), texts))
        return people

    def _people_by_number(self, numbers: Collection[int]) -> dict[int, CustomerInHand]:
        return _people(*columns(self._ask_of(PEOPLE, numbers), 4))

    def _named_posts(self, names: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Post]:
        rows = self._ask_each(
            f"SELECT {POST_ROW} FROM json_each(?) CROSS JOIN messages ON enrollment = value ->> 0 AND n = value ->> 1",
            names,
        )
        return {row[:2]: read_post(row) for row in rows}

    def _newest_posts(self, serials: Collection[int]) -> dict[int, dict[str, Glimpse]]:
        """Return what rules see of the newest message of each step of some runs."""
        newest: dict[int, dict[str, Glimpse]] = {}
        for row in sorted(self._ask_of(NEWEST_POSTS, serials)):  # by run and visit
            newest.setdefault(row[0], {})[row[2]] = read_seen(row)
        return newest

    def _known_events(
        self, events: Iterable[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]]:
        """Return the events that were taken under some ids before, by (instant, sequence number) (R26)."""
        known: dict[tuple[str, str, str], list[tuple[int, str, str | None]]] = {}
        for tenant, kind, name, at, customer, text in self._ask_each(KNOWN_EVENTS, events):
            known.setdefault((tenant, kind, name), []).append((at, customer, text))
        return {key: tuple(found) for key, found in known.items()}

    def _claimable(self, request: ClaimRequest) -> list[Post]:
        """Return queued messages that may be handed out, oldest first (R71)."""
        first = self._glance()[4]
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
        self._glanced = None
        self._writer.write(changes)
        self.scrubbed = self.scrubbed or changes.erased.scrubbed


def _soonest(instants: Iterable[int | None]) -> int | None:
    return min((each for each in instants if each is not None), default=None)


def _listed(values: Collection[Any]) -> str:
    return dumps(sorted(values)) if values else "[]"


def columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    """Turn rows into so many columns.

    >>> columns([(1, "a"), (2, "b")], 2), columns([], 2)
    ([(1, 2), ('a', 'b')], [(), ()])
    """
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _people(
    numbers: Sequence[int], tenants: Iterable[str], names: Iterable[str], texts: Sequence[str]
) -> dict[int, CustomerInHand]:
    """Make customers of columns, by number; of tenants there may be more than are needed."""
    return dict(zip(numbers, map(CustomerInHand, numbers, tenants, names, loads_each(texts)), strict=True))
