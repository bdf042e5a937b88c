"""Loading what a batch needs from a PostgreSQL schema, in as few round trips as the questions allow."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from journeyflow.basics.values import loads_each
from journeyflow.basics.words import COUNTED, UNKNOWN_AFTER
from journeyflow.records.rows import Glimpse, Run
from journeyflow.stores.batch import CustomerInHand, Loaded, Request, customer_of, named_by
from journeyflow.stores.postgres.asking import (
    Asker,
    BoundQuestion,
    FoundRows,
    RowQuestion,
    about_keys,
    asking_for,
    shape_of,
)
from journeyflow.stores.postgres.limits import heads_asked, load_limits
from journeyflow.stores.postgres.pulls import load_members, load_pulls
from journeyflow.stores.postgres.tenants import TenantNumbers
from journeyflow.stores.rows import POST_ROW, RUN_ROW, SEEN_ROW, Row, read_deferred, read_post, read_run, read_seen

RUNS = asking_for("enrollments", RUN_ROW, "WHERE serial = ANY(%(keys)s::bigint[])")

NEWEST_RUNS = RowQuestion(
    f"SELECT DISTINCT ON (customer, journey, key) {RUN_ROW} FROM enrollments WHERE customer = ANY(%(keys)s::bigint[])"
    " ORDER BY customer, journey, key, run DESC",
    RUNS.shape,
)

KNOWN_EVENTS = RowQuestion(
    "SELECT i.tenant, i.type, i.id, i.at, i.customer, i.data"
    " FROM unnest(%(owners)s::text[], %(kinds)s::text[], %(ids)s::text[]) k (tenant, type, id)"
    " JOIN inputs i ON i.id = k.id AND i.type = k.type AND i.tenant = k.tenant"
    f" WHERE i.kind = 'event' AND i.outcome NOT IN ({', '.join(map(repr, sorted(UNKNOWN_AFTER)))})"
    " ORDER BY i.at, i.seq",
    shape_of("inputs", "tenant, type, id, at, customer, data"),
)

SUPPRESSED = asking_for("suppressions", "hash, before", "WHERE hash = ANY(%(keys)s::text[])")

PERSON_ROW = "number, tenant, id, attributes"

PEOPLE = asking_for("customers", PERSON_ROW, "WHERE number = ANY(%(keys)s::bigint[]) ORDER BY number")

PEOPLE_BY_NAME = RowQuestion(
    "SELECT c.number, c.tenant, c.id, c.attributes FROM unnest(%(owners)s::text[], %(names)s::text[]) k (tenant, id)"
    " JOIN customers c ON c.tenant = k.tenant AND c.id = k.id ORDER BY c.tenant, c.id",
    PEOPLE.shape,
)

PRESENT = RowQuestion(
    "SELECT c.tenant, c.id FROM unnest(%(owners)s::text[], %(names)s::text[]) k (tenant, id)"
    " JOIN customers c ON c.tenant = k.tenant AND c.id = k.id",
    shape_of("customers", "tenant, id"),
)

SENT = RowQuestion(
    "SELECT e.customer, m.enrollment, m.n, m.at, m.channel"
    " FROM enrollments e JOIN messages m ON m.enrollment = e.serial AND m.tenant = e.tenant"
    " WHERE e.customer = ANY(%(keys)s::bigint[]) AND e.last_at >= %(since)s AND m.at >= %(since)s"
    " AND m.status = ANY(%(counted)s::text[])",
    "n" + shape_of("messages", "enrollment, n, at, channel"),
)

POSTS = asking_for(
    "messages",
    POST_ROW,
    "WHERE (enrollment, n) IN (SELECT * FROM unnest(%(keys)s::bigint[], %(places)s::bigint[]))",
)

NEWEST_POSTS = asking_for("messages", SEEN_ROW, "WHERE enrollment = ANY(%(keys)s::bigint[]) ORDER BY enrollment, n")

CLICKED = asking_for(
    "messages",
    POST_ROW,
    "WHERE flags::json -> 'clicked' IS NOT NULL AND enrollment IN ("
    "SELECT serial FROM enrollments WHERE customer = ANY(%(keys)s::bigint[]))",
)


def load(asking: Asker, numbers: TenantNumbers, request: Request) -> Loaded:
    """Return the `Loaded` of a request.

    There is a round trip for what it names, one for the customers whom that concerns, and one for what belongs to them;
    a round trip with nothing to ask is left out.
    """
    members = load_members(asking, request.pulls)
    heads_of = heads_asked(request.limits)
    told, running, named, present, events, suppressed, *waiting = asking.together(
        _of_posts(asking, request.posts),
        about_keys(RUNS, request.serials),
        _of_names(PEOPLE_BY_NAME, named_by(request, members)),
        _of_names(PRESENT, request.mentioned),
        _of_events(request.events),
        about_keys(SUPPRESSED, request.suppressed),
        *heads_of.values(),
    )
    heads = {queue: list(map(read_deferred, rows)) for queue, rows in zip(heads_of, waiting, strict=True)}
    posts = {row[:2]: read_post(row) for row in told}
    runs, people = _runs(running), _people(named)
    whole = {*request.whole, *people, *map(customer_of, map(runs.__getitem__, runs.keys() & request.whole_of))}
    whole |= {entry.customer for entries in heads.values() for entry in entries}
    readers = request.readers(runs)
    numbered, inside, glimpses = asking.together(
        about_keys(PEOPLE, whole.union(request.numbers, map(customer_of, runs.values())) - people.keys()),
        about_keys(NEWEST_RUNS, whole),
        about_keys(NEWEST_POSTS, readers),
    )
    people.update(_people(numbered))
    of_people: dict[int, list[int]] = {}
    for serial, run in sorted(_runs(inside).items()):
        of_people.setdefault(run.customer, []).append(serial)
        if serial not in request.at_hand:
            runs[serial] = run
    for number, serials in of_people.items():
        people[number].serials = serials
    clicking = request.clicked and [n for n, each in people.items() if (each.tenant, each.id) in request.clicked]
    others, clicks, sent = asking.together(
        about_keys(NEWEST_POSTS, request.readers(runs) - readers),
        about_keys(asking.held(CLICKED), clicking),
        _of_sent(request, people),
    )
    clicked = list(map(read_post, clicks))
    posts.update(((post.serial, post.n), post) for post in clicked)
    (unread,) = asking.together(about_keys(RUNS, {post.serial for post in clicked} - runs.keys()))
    runs.update(_runs(unread))
    return Loaded(
        tuple(people.values()),
        runs,
        posts,
        _newest_posts(chain(glimpses, others)),
        _known_events(events),
        *_following(numbers, request),
        sent,
        None if request.limits is None else load_limits(asking, request.limits, heads, whole, numbers.next("deferred")),
        None if request.pulls is None else load_pulls(asking, request.pulls, members, people),
        suppressed=dict(suppressed),
        present=frozenset(present),
    )


def _following(numbers: TenantNumbers, request: Request) -> tuple[int, int]:
    """Return the numbers that the next run and the next customer get, unless nobody will come."""
    if not request.following:
        return 1, 1
    return numbers.next("enrollments"), numbers.next("customers")


def _of_sent(request: Request, people: Mapping[int, CustomerInHand]) -> BoundQuestion | None:
    """Return the question for the messages that caps count, of the customers of some tenants (R31)."""
    caps = request.caps
    if caps is None:
        return None
    numbers = [person.number for person in people.values() if person.tenant in caps.tenants]
    return about_keys(SENT, numbers, since=caps.since, counted=sorted(COUNTED))


def _of_names(question: RowQuestion, names: Collection[tuple[str, str]]) -> BoundQuestion | None:
    """Return a question about customers by name."""
    return (question, names_as_lists(names)) if names else None


def _of_posts(asking: Asker, names: Collection[tuple[int, int]]) -> BoundQuestion | None:
    """Return the question for messages by run and visit."""
    serials, places = zip(*sorted(names), strict=True) if names else ((), ())
    return about_keys(asking.held(POSTS), serials, places=[*places])


def _of_events(events: Collection[tuple[str, str, str]]) -> BoundQuestion | None:
    """Return the question for the events that were taken under some ids before (R26)."""
    if not events:
        return None
    owners, kinds, ids = map(list, zip(*sorted(events), strict=True))
    return KNOWN_EVENTS, {"owners": owners, "kinds": kinds, "ids": ids}


def _known_events(rows: FoundRows) -> dict[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]]:
    """Return events by (instant, sequence number), by what names them."""
    known: dict[tuple[str, str, str], list[tuple[int, str, str | None]]] = {}
    for tenant, kind, name, at, customer, data in rows:
        known.setdefault((tenant, kind, name), []).append((at, customer, data))
    return {key: tuple(found) for key, found in known.items()}


def _newest_posts(rows: Iterable[Row]) -> dict[int, dict[str, Glimpse]]:
    """Return what rules see of the newest message of each step, by run; the rows are by run and visit."""
    newest: dict[int, dict[str, Glimpse]] = {}
    for row in rows:
        newest.setdefault(row[0], {})[row[2]] = read_seen(row)
    return newest


def _runs(rows: FoundRows) -> dict[int, Run]:
    """Make runs of rows, by serial."""
    return {run.serial: run for run in map(read_run, rows)}


def names_as_lists(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
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
