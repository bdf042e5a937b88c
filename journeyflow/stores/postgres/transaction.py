"""A transaction on a PostgreSQL schema: what is due, what a batch needs, and what it came to (see `writing.py`)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import wraps
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, ClassVar

import psycopg
from attrs import evolve
from psycopg import Connection

from journeyflow.basics.values import loads_each
from journeyflow.basics.words import COUNTED, UNKNOWN_AFTER
from journeyflow.errors import StorageError
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
    named_by,
    select_due,
    timer_key,
)
from journeyflow.stores.contract import Shelf
from journeyflow.stores.inquiries import (
    ActiveRequest,
    Answer,
    ClaimRequest,
    Earliest,
    EarliestRequest,
    ExportsRequest,
    Finished,
    Inquiry,
    LastTickRequest,
    NextInputRequest,
    PastRequest,
    PruneRequest,
)
from journeyflow.stores.postgres import due, tenants
from journeyflow.stores.postgres.asking import Asker
from journeyflow.stores.postgres.limits import due_timers, load_limits, queue_heads, unless_held
from journeyflow.stores.postgres.pruning import load_finished, load_past
from journeyflow.stores.postgres.pulls import load_circles, load_pulls
from journeyflow.stores.postgres.tenants import TenantNumbers
from journeyflow.stores.postgres.writing import PostgresWriter
from journeyflow.stores.rows import POST_FORM, POST_ROW, RUN_ROW, SEEN_ROW, read_post, read_run, read_seen

seq_of: Callable[[Input], Any] = itemgetter(0)

at_of: Callable[[Input], int] = itemgetter(5)

READING = ("this transaction was opened for reading", "open it with write=True to commit")

EXPORT_ROW = ", ".join(Export._fields)


class DriverError(StorageError):
    """An error of the driver inside a transaction, which is the cause; the end of the block says what it means."""


def _of_medium(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Raise errors of the driver as those of a store: the engine must not take them for those of an item."""

    @wraps(method)
    def told(self: "PostgresTransaction", *arguments: object, **named: object) -> Answer:
        try:
            return method(self, *arguments, **named)
        except psycopg.Error as error:
            raise DriverError(self.path, str(error)) from error

    return told


class PostgresTransaction:
    """A transaction on one schema; see `contract.Transaction`.

    `numbers` are those of its tenant; `chosen` is whether the store chose that tenant, as others may have work too.
    """

    def __init__(self, connection: Connection, path: str, numbers: TenantNumbers, *, write: bool, chosen: bool) -> None:
        """Work on a connection."""
        self.path, self.tenant = path, numbers.tenant
        self._numbers, self._write, self._chosen = numbers, write, chosen
        self._asking = Asker(connection, self.tenant)
        self._ask, self._mine = self._asking.rows, self._asking.mine
        self._connection = connection
        self._writer = PostgresWriter(connection, numbers)
        self._written = self.scrubbed = False

    # --- reading --------------------------------------------------------------------------------------------------

    @_of_medium
    def shelf(self, known_revision: int | None) -> Shelf | None:
        """Return the rows of the catalog, or None when its revision is still the known one."""
        revision = int(self._ask("SELECT value FROM meta WHERE name = 'revision'")[0][0])
        if revision == known_revision:
            return None
        ((journeys, versions),) = self._ask("SELECT journeys, versions FROM layout")
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
            journeys + 1,
            versions + 1,
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

        One statement says of all kinds whether there are any; as a rule most kinds have none, and are not asked.
        """
        if self.tenant == "":
            return Due()
        some = of is not None
        asked = {"now": now, "limit": limit + 1, **({} if of is None else _named(of))}
        inbox, resting, leased, ringing = (
            (True, True, True, False) if some else [each is not None and each <= now for each in self._instants({})]
        )
        told = self._ask(due.inbox(self._mine(), some=some), asked) if inputs and inbox else []
        rests = self._ask(due.rests(self._mine(), some=some), asked) if resting else []
        leases = self._ask(due.leases(self._mine(), some=some), asked) if leased else []
        items, runs, posts = list(map(make_input, told)), list(map(read_run, rests)), list(map(read_post, leases))
        found = select_due(
            (list(zip(map(at_of, items), repeat(INPUT), map(seq_of, items), repeat(0))), items),
            (list(map(timer_key, runs)), runs),
            ([(post.lease_until or 0, TIMER, post.serial, post.n) for post in posts], posts),
            limit,
            due_timers(self._asking, now, limit + 1) if ringing else (),
        )
        return evolve(found, more=True) if self._chosen and found.keys else found  # another tenant may have work

    @_of_medium
    def load(self, request: Request) -> Loaded:
        """Return what is known for a request, with a few statements for all of it."""
        asking = self._asking
        posts, runs = self._named_posts(request.posts), self._runs(request.serials)
        circles = load_circles(asking, request.pulls)
        people = self._people_by_name(named_by(request, circles))
        whole = {*request.whole, *people, *(run.customer for run in runs.values())}
        heads = {} if request.limits is None else queue_heads(asking, request.limits)
        whole |= {entry.customer for entries in heads.values() for entry in entries}
        people.update(self._people_by_number((whole | request.numbers) - people.keys()))
        inside: dict[int, list[int]] = {}
        for number, serial in asking.of(NEWEST_RUNS, whole):
            inside.setdefault(number, []).append(serial)
        for number, serials in inside.items():
            people[number].serials = sorted(serials)
        runs.update(self._runs({*chain.from_iterable(inside.values())} - runs.keys() - request.at_hand))
        newest = self._newest_posts(request.readers(runs))
        clicked = self._clicked(request, people.values())
        posts.update(((post.serial, post.n), post) for post in clicked)
        runs.update(self._runs({post.serial for post in clicked} - runs.keys()))
        return Loaded(
            tuple(people.values()),
            runs,
            posts,
            newest,
            self._known_events(request.events),
            *self._following(request),
            self._sent(request, people.values()),
            self._limits(request, heads, whole),
            None if request.pulls is None else load_pulls(asking, request.pulls, circles, people),
            suppressed=dict(asking.of(SUPPRESSED, request.suppressed)),
        )

    @_of_medium
    def ask(self, inquiry: Inquiry[Answer]) -> Answer:
        """Answer what a single call asks."""
        answer: Answer = self._answers[type(inquiry)](self, inquiry)
        return answer

    def _earliest(self, inquiry: EarliestRequest) -> Earliest:
        """Return the instants of the earliest work, of all and without what a pause holds."""
        paused = inquiry.paused
        ((first,),) = self._ask(f"SELECT min(due) FROM tenants WHERE TRUE{self._mine()}")
        return first, self._soonest(paused) if paused else first

    def _soonest(self, paused: Mapping[int, int]) -> int | None:
        return min((each for each in self._instants(paused) if each is not None), default=None)

    def _instants(self, paused: Mapping[int, int]) -> tuple[int | None, ...]:
        """Return the instants of the first input, rest, lease and timer of a journey, without what a pause holds."""
        return self._ask(due.earliest(self._mine(), unless_held(paused)))[0]

    def _following(self, request: Request) -> tuple[int, int]:
        """Return the numbers that the next run and the next customer get, unless nobody will come."""
        if not request.following:
            return 1, 1
        return self._numbers.next("enrollments"), self._numbers.next("customers")

    def _last_tick(self, _: LastTickRequest) -> int | None:
        """Return the instant of the last tick that did anything, or None (R3)."""
        ((found,),) = self._ask(f"SELECT max(last_tick) FROM tenants WHERE TRUE{self._mine()}")
        return None if found is None else int(found)

    def _clicked(self, request: Request, people: Iterable[CustomerInHand]) -> list[Post]:
        """Return the messages of some customers that were clicked (R83)."""
        numbers = request.clicked and [each.number for each in people if (each.tenant, each.id) in request.clicked]
        return list(map(read_post, self._asking.of(CLICKED, numbers)))

    def _limits(
        self, request: Request, heads: dict[int, list[Deferred]], customers: Collection[int]
    ) -> LimitsLoaded | None:
        if request.limits is None:
            return None
        return load_limits(self._asking, request.limits, heads, customers, self._numbers.next("deferred"))

    def _next_input(self, _: NextInputRequest) -> int:
        return self._numbers.next("inputs")

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

    def _sent(self, request: Request, people: Iterable[CustomerInHand]) -> list[tuple[int, int, int, int, str]]:
        """Return the messages that caps count, of the customers of some tenants, since an instant (R31)."""
        caps = request.caps
        if caps is None:
            return []
        numbers = [person.number for person in people if person.tenant in caps.tenants]
        return self._asking.of(SENT, numbers, since=caps.since, counted=sorted(COUNTED))

    def _runs(self, serials: Collection[int]) -> dict[int, Run]:
        """Return runs by serial."""
        return {run.serial: run for run in map(read_run, self._asking.of(RUNS, serials))}

    def _people_by_name(self, names: Iterable[tuple[str, str]]) -> dict[int, CustomerInHand]:
        wanted = sorted(names)
        return _people(self._ask(PEOPLE_BY_NAME, _named(wanted)) if wanted else [])

    def _people_by_number(self, numbers: Collection[int]) -> dict[int, CustomerInHand]:
        return _people(self._asking.of(PEOPLE, numbers))

    def _named_posts(self, names: Collection[tuple[int, int]]) -> dict[tuple[int, int], Post]:
        serials, places = zip(*sorted(names), strict=True) if names else ((), ())
        rows = self._asking.of(POSTS, serials, places=[*places])
        return {row[:2]: read_post(row) for row in rows}

    def _newest_posts(self, serials: Collection[int]) -> dict[int, dict[str, Glimpse]]:
        """Return what rules see of the newest message of each step of some runs."""
        newest: dict[int, dict[str, Glimpse]] = {}
        for row in self._asking.of(NEWEST_POSTS, serials):  # by run and visit
            newest.setdefault(row[0], {})[row[2]] = read_seen(row)
        return newest

    def _known_events(
        self, events: Collection[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]]:
        """Return the events that were taken under some ids before, by (instant, sequence number) (R26)."""
        known: dict[tuple[str, str, str], list[tuple[int, str, str | None]]] = {}
        if events:
            owners, kinds, ids = map(list, zip(*sorted(events), strict=True))
            for tenant, kind, name, *told in self._ask(KNOWN_EVENTS, {"owners": owners, "kinds": kinds, "ids": ids}):
                known.setdefault((tenant, kind, name), []).append((told[0], told[1], told[2]))
        return {key: tuple(found) for key, found in known.items()}

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
            " ORDER BY m.available_at, m.enrollment, m.n LIMIT %(limit)s",
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
        NextInputRequest: _next_input,
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
        """Write everything a batch came to (see `writing.py`)."""
        if not self._write:
            raise StorageError(self.path, *READING)
        with self._connection.pipeline():  # the statements go to the server without a round trip for each
            self._writer.write(changes)
        self._written = True
        self.scrubbed = self.scrubbed or changes.erased.scrubbed

    def finish(self) -> None:
        """Write what the next transaction has to know of this one, and commit."""
        with self._connection.pipeline():
            if self._written:
                tenants.keep(self._connection, self._numbers)
            self._connection.execute("COMMIT")


RUNS = f"SELECT {RUN_ROW} FROM enrollments WHERE serial = ANY(%(keys)s::bigint[])"

NEWEST_RUNS = """
SELECT DISTINCT ON (customer, journey, key) customer, serial FROM enrollments WHERE customer = ANY(%(keys)s::bigint[])
ORDER BY customer, journey, key, run DESC
"""

KNOWN_EVENTS = f"""
SELECT i.tenant, i.type, i.id, i.at, i.customer, i.data
FROM unnest(%(owners)s::text[], %(kinds)s::text[], %(ids)s::text[]) k (tenant, type, id)
JOIN inputs i ON i.id = k.id AND i.type = k.type AND i.tenant = k.tenant
WHERE i.kind = 'event' AND i.outcome NOT IN ({", ".join(map(repr, sorted(UNKNOWN_AFTER)))}) ORDER BY i.at, i.seq
"""

SUPPRESSED = "SELECT hash, before FROM suppressions WHERE hash = ANY(%(keys)s::text[])"

PEOPLE = "SELECT number, tenant, id, attributes FROM customers WHERE number = ANY(%(keys)s::bigint[]) ORDER BY 1"

PEOPLE_BY_NAME = """
SELECT c.number, c.tenant, c.id, c.attributes FROM unnest(%(owners)s::text[], %(names)s::text[]) k (tenant, id)
JOIN customers c ON c.tenant = k.tenant AND c.id = k.id ORDER BY c.tenant, c.id
"""

SENT = """
SELECT e.customer, m.enrollment, m.n, m.at, m.channel
FROM enrollments e JOIN messages m ON m.enrollment = e.serial AND m.tenant = e.tenant
WHERE e.customer = ANY(%(keys)s::bigint[]) AND e.last_at >= %(since)s AND m.at >= %(since)s
  AND m.status = ANY(%(counted)s::text[])
"""

POSTS = f"""
SELECT {POST_ROW} FROM messages
WHERE (enrollment, n) IN (SELECT * FROM unnest(%(keys)s::bigint[], %(places)s::bigint[]))
"""

NEWEST_POSTS = f"SELECT {SEEN_ROW} FROM messages WHERE enrollment = ANY(%(keys)s::bigint[]) ORDER BY enrollment, n"

CLICKED = f"""
SELECT {POST_ROW} FROM messages WHERE flags::json -> 'clicked' IS NOT NULL AND enrollment IN (
    SELECT serial FROM enrollments WHERE customer = ANY(%(keys)s::bigint[]))
"""

WITHOUT_INPUTS = """ AND NOT EXISTS (SELECT FROM inputs i WHERE i.tenant = m.tenant AND i.customer = c.id
    AND i.outcome IS NULL AND i.at <= %(at)s)"""


def _named(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return customers as two lists."""
    pairs = sorted(names)
    return {"owners": [tenant for tenant, _ in pairs], "names": [name for _, name in pairs]}


def _people(rows: Sequence[tuple[Any, ...]]) -> dict[int, CustomerInHand]:
    """Make customers of rows, by number."""
    attributes = loads_each([row[3] for row in rows])
    return {
        number: CustomerInHand(number, tenant, name, each)
        for (number, tenant, name, _), each in zip(rows, attributes, strict=True)
    }
