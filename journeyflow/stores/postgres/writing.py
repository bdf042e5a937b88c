"""Writing a commit to PostgreSQL: one statement for all rows of a kind (see `sets.py`)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from psycopg import Connection

from journeyflow.basics.values import dumps, loads
from journeyflow.basics.words import SET_ASIDE
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.records.rows import (
    Counter,
    Crowd,
    Export,
    Input,
    Move,
    PathEntry,
    Run,
    last_visit,
    patched,
    version_at,
)
from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.postgres import tenants
from journeyflow.stores.postgres.erasing import forget, rename
from journeyflow.stores.postgres.known_paths import KnownPaths
from journeyflow.stores.postgres.limits import write_limits
from journeyflow.stores.postgres.pruning import prune
from journeyflow.stores.postgres.pulls import write_pulls
from journeyflow.stores.postgres.schema import OF_JOURNEY
from journeyflow.stores.postgres.sets import SetWriter
from journeyflow.stores.postgres.tenants import TenantNumbers
from journeyflow.stores.rows import (
    INPUT_FORM,
    MAX_INTERNED,
    MAX_PATHS,
    MOVE_COLUMNS,
    NOW_OF_POST,
    NOW_OF_RUN,
    POST_FORM,
    RUN_FORM,
    Row,
    text_or_none,
)

RUN = (*RUN_FORM.without("serial"), "serial")

POST = (*POST_FORM.without("serial"), "serial")

COUNTER_KEY = "journey, day, domain, step, what, label"

VersionPath = tuple[int, tuple[PathEntry, ...]]
"""A path of a version."""


written_run, written_post, now_of_post = RUN_FORM.writer(RUN), POST_FORM.writer(POST), POST_FORM.writer(NOW_OF_POST)


class PostgresWriter:
    """Writes what a commit says through the connection of a transaction, whose `numbers` it goes on counting."""

    def __init__(self, connection: Connection, numbers: TenantNumbers, paths: KnownPaths) -> None:
        """Write through a connection."""
        self._connection, self._numbers, self._paths = connection, numbers, paths
        self._sets = SetWriter(connection, numbers.tenant)

    def write(self, changes: Changes) -> None:
        """Write everything a batch came to."""
        sets = self._sets
        if self._numbers.tenant is None:
            self._know_tenants(changes)
        if changes.catalog:
            _write_catalog(sets, changes.catalog, self._numbers)
        rename(sets, changes.erased.forgotten)
        self._write_inputs(changes.inputs, changes.handled)
        self._write_customers(changes)
        self._write_runs(changes)
        sets.change("enrollments", "serial", "version", changes.repinned)
        self._write_moves(changes)
        posts = chain(changes.new_posts, *map(_posts_of, changes.crowds))
        sets.add("messages", POST_FORM.names(POST), list(map(written_post, posts)))
        told = [(*post[:2], *now_of_post(post)) for post in changes.posts]
        sets.change("messages", "enrollment, n", POST_FORM.names(NOW_OF_POST), told)
        _write_refusals(sets, changes)
        _count(sets, "counters", changes.counters)
        self._write_releases(changes.released)
        if changes.limits:
            write_limits(sets, changes.limits)
            self._numbers.note("deferred", (entry.number for entry in changes.limits.joined))
        write_pulls(sets, changes.pulls, changes.limits.emptied)
        sets.put("exports", "number, tenant", ", ".join(_of_export), [_as_row(job) for job in changes.exports])
        self._numbers.note("exports", (each.number for each in changes.exports))
        self._reopen(changes.reopened)
        if changes.last_tick is not None:
            self._numbers.last_tick = changes.last_tick
        if changes.erased:
            forget(sets, changes.erased)
        if changes.pruned:
            _count(sets, "openings", changes.pruned.openings)
            prune(sets, changes.pruned)
        sets.flush()

    def _know_tenants(self, changes: Changes) -> None:
        """Add a row for each tenant that comes for the first time, and set the next numbers of all."""
        named = {
            *(journey.tenant for journey in changes.catalog.journeys),
            *(policies.tenant for policies in changes.catalog.policies),
            *(hold.tenant for hold in changes.catalog.holds),
            *(item.tenant for item in changes.inputs),
            *(customer[1] for customer in changes.customers),
            *(listed[0] for listed in changes.pulls.listed),
            *(job.tenant for job in changes.exports),
            *(entry.tenant for entry in changes.erased.suppressed),
            *(person.tenant for person in changes.erased.forgotten),
        }
        tenants.add_tenants(self._connection, named)

    def _write_inputs(self, inputs: Sequence[Input], handled: Collection[tuple[int, str]]) -> None:
        """Write new inputs, with the next numbers unless it has its own, and the outcomes."""
        outcomes = dict(handled)
        if inputs:
            numbered = inputs if inputs[0].seq else self._numbered(inputs)
            tenants.note_inputs(self._connection, self._numbers, [(item.tenant, item.seq) for item in numbered])
            rows = [(*item, outcomes.pop(item.seq, None)) for item in numbered]
            self._sets.add("inputs", f"{INPUT_FORM.names()}, outcome", rows)
        self._sets.change("inputs", "seq", "outcome", [*outcomes.items()], waits=False)

    def _numbered(self, inputs: Sequence[Input]) -> Sequence[Input]:
        owners = [item.tenant for item in inputs]
        seqs = tenants.input_numbers(self._connection, self._numbers, owners)
        return [item._replace(seq=seq) for item, seq in zip(inputs, seqs, strict=True)]

    def _write_customers(self, changes: Changes) -> None:
        rows = [(number, tenant, name, dumps(values)) for number, tenant, name, values in changes.customers]
        same = _expected("customers", "id")
        self._sets.add(
            "customers",
            "number, tenant, id, attributes",
            rows,
            f"(number, tenant) DO UPDATE SET attributes = excluded.attributes, {same}",
        )
        self._numbers.note("customers", (row[0] for row in rows))
        for crowd in changes.crowds:
            if crowd.news:
                self._patch(crowd)

    def _patch(self, crowd: Crowd) -> None:
        """Write the news of customers who moved together."""
        numbers = {"numbers": [*crowd.people.values()]}
        rows = self._sets.ask("SELECT number, attributes FROM customers WHERE number = ANY(%(numbers)s)", numbers)
        known = [(number, dumps(patched(loads(text), crowd.news))) for number, text in rows]
        self._sets.change("customers", "number", "attributes", known)

    def _write_runs(self, changes: Changes) -> None:
        rows = list(map(written_run, chain(changes.runs, *map(_runs_of, changes.crowds))))
        news = ", ".join(f"{name} = excluded.{name}" for name in RUN_FORM.names(NOW_OF_RUN).split(", "))
        same = _expected("enrollments", "customer")
        self._sets.add("enrollments", RUN_FORM.names(RUN), rows, f"(serial, tenant) DO UPDATE SET {news}, {same}")
        self._numbers.note("enrollments", (row[-1] for row in rows))

    def _write_moves(self, changes: Changes) -> None:
        runs = {run.serial: run for run in changes.runs}
        moves = [(move, runs[move.serial]) for move in changes.moves]
        places = {_place(*pair) for pair in (*moves, *((crowd.move, crowd.run) for crowd in changes.crowds))}
        numbers = self._intern(places) if places else {}

        def written(move: Move, run: Run) -> Row:
            number = numbers.get(_place(move, run))
            return move.visit, move.at, number, dumps(move.path) if number is None else None, text_or_none(move.seen)

        rows = [(*written(move, run), move.serial) for move, run in moves]
        for crowd in changes.crowds:
            alike = written(crowd.move, crowd.run)
            rows += [(*alike, serial) for serial in crowd.people]
        self._sets.add("moves", f"{MOVE_COLUMNS}, enrollment", rows)

    def _intern(self, places: Iterable[VersionPath]) -> dict[VersionPath, int]:
        """Return the numbers of paths of versions, stored if they are new; long ones, and too many, have none."""
        short = {place: dumps(place[1]) for place in places if len(place[1]) <= MAX_INTERNED}
        known = self._paths.among((version, text) for (version, _), text in short.items())
        if len(known) < len(set(short.items())):
            known = self._new_paths(short)
        return {place: known[place[0], text] for place, text in short.items() if (place[0], text) in known}

    def _new_paths(self, short: Mapping[VersionPath, str]) -> dict[tuple[int, str], int]:
        """Return the numbers of paths after those that are not stored yet are, as far as there is room."""
        versions = sorted({version for version, _ in short})
        rows = self._sets.ask(
            "SELECT p.version, p.steps, p.number FROM paths p WHERE p.version = ANY(%(versions)s::bigint[])",
            {"versions": versions},
        )
        known = {(version, steps): number for version, steps, number in rows}
        room = {version: MAX_PATHS - sum(each == version for each, _ in known) for version in versions}
        new = list[tuple[int, int, str]]()
        for (version, _), text in sorted(short.items()):
            if (version, text) not in known and room[version] > 0:
                room[version] -= 1
                known[version, text] = self._numbers.take("paths", 1)
                new.append((known[version, text], version, text))
        self._sets.add("paths", "number, version, steps", new)
        self._paths.note(known)
        return known

    def _write_releases(self, released: Sequence[tuple[int, int]]) -> None:
        """Set the instant of what a pause held (R16)."""
        for journey, at in released:
            asked = {"at": at, "journey": journey}
            self._sets.run(
                "UPDATE enrollments SET due = greatest(%(at)s, held)"
                " WHERE journey = %(journey)s AND held IS NOT NULL AND due IS NULL",
                asked,
            )
            self._sets.run("UPDATE journey_timers SET due = %(at)s WHERE journey = %(journey)s AND due IS NULL", asked)

    def _reopen(self, seqs: Collection[int]) -> None:
        if seqs:
            self._sets.run(
                "UPDATE inputs SET outcome = NULL WHERE seq = ANY(%(seqs)s::bigint[]) AND outcome = %(outcome)s",
                {"seqs": [*seqs], "outcome": SET_ASIDE},
            )


_of_export = tuple(name for name in Export._fields if name not in {"number", "tenant"})

_as_row: Callable[[Export], Row] = itemgetter(*map(Export._fields.index, ("number", "tenant", *_of_export)))
"""Return a job as a row, its key first."""


def _expected(table: str, column: str) -> str:
    """Return the assignment that fails if a number belongs to another row than the one that is written (R92).

    >>> _expected("customers", "id")
    'id = CASE WHEN customers.id = excluded.id THEN customers.id END'
    """
    return f"{column} = CASE WHEN {table}.{column} = excluded.{column} THEN {table}.{column} END"


def _place(move: Move, run: Run) -> VersionPath:
    """Return the path of a move, with the version that it belongs to (R14)."""
    return run.version if run.memory is None else version_at(run, last_visit(move)), move.path


def _runs_of(crowd: Crowd) -> Iterable[Run]:
    return (crowd.run._replace(serial=serial, customer=customer) for serial, customer in crowd.people.items())


def _posts_of(crowd: Crowd) -> Iterable[Any]:
    return (post._replace(serial=serial) for serial in crowd.people for post in crowd.posts)


def _count(sets: SetWriter, table: str, counters: Iterable[Counter]) -> None:
    """Add to the kept counters, or to the opening balances."""
    sums: dict[tuple[object, ...], Counter] = {}
    for each in counters:
        sums[each[:6]] = sums[each[:6]].plus(each) if each[:6] in sums else each
    news = f"total = {table}.total + excluded.total, uniques = {table}.uniques + excluded.uniques"
    last = f"last_at = greatest({table}.last_at, excluded.last_at)"
    sets.add(
        table, ", ".join(Counter._fields), [*sums.values()], f"({COUNTER_KEY}, tenant) DO UPDATE SET {news}, {last}"
    )


def _write_catalog(sets: SetWriter, changes: CatalogChanges, numbers: TenantNumbers) -> None:
    """Write journeys, versions and transitions, and tell other processes that the catalog is a new one."""
    sets.add("journeys", "number, tenant, id", [(each.number, each.tenant, each.id) for each in changes.journeys])
    for each in changes.versions:
        sets.add(
            "versions",
            "number, journey, version, published_at, fingerprint, definition",
            [(each.number, each.journey, each.version, each.published_at, each.fingerprint, each.text)],
            "(journey, version, tenant) DO UPDATE SET published_at = excluded.published_at,"
            " fingerprint = excluded.fingerprint, definition = excluded.definition",
        )
        _append(sets, "publications", "journey", each.journey, {"at": each.published_at, "version": each.number})
    texts = [(number, text, at) for number, text, at in changes.described]
    sets.change("versions", "number", "definition, edited_at", texts)
    for t in changes.transitions:
        _append(sets, "transitions", "journey", t.journey, {"at": t.at, "state": t.state})
    for p in changes.policies:
        _append(sets, "policies", "tenant", p.tenant, {"at": p.at, "definition": p.text})
    for hold in changes.holds:
        _append(sets, "holds", "tenant", hold.tenant, {"at": hold.at, "channel": hold.channel, "held": int(hold.held)})
    for flag in changes.flags:
        news = {"at": flag.at, "step": flag.step, "published": int(flag.published)}
        _append(sets, "flags", "journey", flag.journey, news)
    for journey in changes.purged:
        _purge(sets, journey)
    if ticked := dict(changes.meta).get(LAST_TICK):
        numbers.last_tick = int(ticked)
    sets.put("settings", "name", "value", [(name, value) for name, value in changes.meta if name != LAST_TICK])
    sets.run("UPDATE settings SET value = (value::bigint + 1)::text WHERE name = 'revision'")
    first = max((each.number for each in changes.journeys), default=0)
    last = max((each.number for each in changes.versions), default=0)
    sets.run(
        "UPDATE layout SET journeys = greatest(journeys, %(journey)s), versions = greatest(versions, %(version)s)",
        {"journey": first, "version": last},
    )


def _append(sets: SetWriter, table: str, of: str, key: object, values: dict[str, object]) -> None:
    """Add a row at the end of those of a journey or a tenant."""
    owner = "" if of == "tenant" else "(SELECT tenant FROM journeys WHERE number = %(key)s), "
    columns = ", ".join([*(() if of == "tenant" else ("tenant",)), of, "n", *values])
    given = ", ".join(f"%({name})s" for name in values)
    chosen = f"SELECT {owner}%(key)s, 1 + count(*), {given} FROM {table} WHERE {of} = %(key)s"
    sets.run(
        f"INSERT INTO {table} ({columns}) {chosen}",
        {"key": key, **values},
    )


def _purge(sets: SetWriter, journey: int) -> None:
    """Remove a journey with everything that refers to it, to its versions or to its enrollments (R15)."""
    parts = {"enrollments": "serial", "versions": "number"}
    for parent, columns in OF_JOURNEY.items():
        keys = f"SELECT {parts[parent]} FROM {parent} WHERE journey = %(journey)s" if parent in parts else "%(journey)s"
        for column, tables in columns.items():
            for table in tables:
                sets.run(f"DELETE FROM {table} WHERE {column} IN ({keys})", {"journey": journey})
    for table, column in (("enrollments", "journey"), ("versions", "journey"), ("journeys", "number")):
        sets.run(f"DELETE FROM {table} WHERE {column} = %(journey)s", {"journey": journey})


def _write_refusals(sets: SetWriter, changes: Changes) -> None:
    """Count refusals by day and reason, and keep the last of each customer (R21)."""
    counts: dict[tuple[int, str, str], int] = {}
    last = {}
    for each in changes.refusals:
        key = each.journey, each.day, each.reason
        counts[key] = counts.get(key, 0) + 1
        last[each.customer, each.journey] = (each.reason, each.at, text_or_none(each.seen))
    sets.add(
        "refusals",
        "journey, day, reason, count",
        [(*key, count) for key, count in counts.items()],
        "(journey, day, reason, tenant) DO UPDATE SET count = refusals.count + excluded.count",
    )
    sets.put("last_refusals", "customer, journey", "reason, at, seen", [(*key, *row) for key, row in last.items()])
