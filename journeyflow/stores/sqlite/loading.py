"""What a batch needs of a SQLite file: a few statements for all its customers, runs and messages."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, repeat
from typing import Final

from journeyflow.basics.values import dumps, loads, loads_joined
from journeyflow.basics.words import COUNTED, UNKNOWN_AFTER
from journeyflow.records.rows import Deferred, Glimpse, Post, Run
from journeyflow.stores.batch import CustomerInHand, LimitsLoaded, Loaded, Request, customer_of, named_by, serial_of
from journeyflow.stores.rows import POST_ROW, RUN_FORM, SEEN_FORM, read_post, read_runs, read_seen
from journeyflow.stores.sqlite.alike import Selection
from journeyflow.stores.sqlite.asking import Lookup, SQLiteAsker, lookup
from journeyflow.stores.sqlite.kept import Kept
from journeyflow.stores.sqlite.limits import load_limits, queue_heads
from journeyflow.stores.sqlite.pulls import load_members, load_pulls

RUNS = lookup(RUN_FORM.each(), "enrollments", "serial")

NEWEST_RUNS = Lookup(
    *(
        Selection(
            ("json_group_array(customer)", "json_group_array(serial)"),
            "FROM (SELECT customer, serial, max(run) FROM enrollments"
            f" WHERE customer {among} GROUP BY customer, journey, key)",
        )
        for among in ("IN (SELECT value FROM json_each(:each))", "BETWEEN :first AND :last")
    )
)
"""The newest run of each journey and key of some customers: an index answers it alone, which holds all their runs, in
the order of the groups. They come as two lists."""


def _newest(customer: str, before: str = "") -> str:
    """Return the question for a customer's newest run of the last journey and key, of those that a condition leaves."""
    order = "ORDER BY journey DESC, key DESC, run DESC LIMIT 1"
    return f"(SELECT serial FROM enrollments WHERE customer = {customer}{before} {order})"


SHORT: Final = 32
"""So many runs at most are a short history: all of them are looked at, which costs less than to seek the newest."""

NEWEST_RUNS_OF_FEW = (
    "SELECT customer, serial, max(run), count(*) FROM ("
    "SELECT e.customer, e.serial, e.journey, e.key, e.run FROM json_each(?) k CROSS JOIN enrollments e"
    f" WHERE e.customer = k.value LIMIT {SHORT + 1}) GROUP BY customer, journey, key"
)
"""The same of a few customers, with the number of runs that were looked at; if that is more than SHORT, some are
missing."""

NEWEST_RUNS_SOUGHT = (
    "WITH RECURSIVE newest (customer, serial, journey, key) AS ("
    " SELECT e.customer, e.serial, e.journey, e.key FROM json_each(?) k CROSS JOIN enrollments e"
    f" WHERE e.serial = {_newest('k.value')} UNION"  # not ALL: among keys without an order it would not end
    " SELECT e.customer, e.serial, e.journey, e.key FROM newest n CROSS JOIN enrollments e WHERE e.serial = ifnull("
    f"{_newest('n.customer', ' AND journey = n.journey AND key < n.key')},"
    f" {_newest('n.customer', ' AND journey < n.journey')})"
    ") SELECT customer, serial FROM newest"
)
"""The same by a seek for each journey and key: runs of long ago cost nothing, but who has one run costs more."""

FEW: Final = 8
"""So many customers at most are few."""

KNOWN_EVENTS = (
    "SELECT i.tenant, i.type, i.id, i.at, i.customer, i.data FROM json_each(?) k CROSS JOIN inputs i"
    " ON i.id = k.value ->> 2 AND i.type = k.value ->> 1 AND i.tenant = k.value ->> 0 WHERE i.kind = 'event'"
    f" AND i.outcome NOT IN ({', '.join(map(repr, sorted(UNKNOWN_AFTER)))}) ORDER BY i.at, i.seq"
)

SUPPRESSED = "SELECT hash, before FROM suppressions WHERE hash IN (SELECT value FROM json_each(?))"

PEOPLE = lookup(
    ["json_group_array(number)", "json_group_array(tenant)", "json_group_array(id)", "group_concat(attributes)"],
    "customers",
    "number",
)

STRANGE = "WHERE NOT EXISTS (SELECT 1 FROM customers WHERE tenant = ? AND id = value)"

PEOPLE_BY_NAME = (
    "SELECT json_group_array(number), json_group_array(k.key), group_concat(attributes)"
    " FROM json_each(?) k CROSS JOIN customers c ON tenant = ? AND c.id = k.value"
)

SENT = lookup(
    ["e.customer", "m.enrollment", "m.n", "m.at", "m.channel"],
    "enrollments e JOIN messages m ON m.enrollment = e.serial",
    "e.customer",
    f" AND e.last_at >= :since AND m.at >= :since AND m.status IN ({', '.join(map(repr, sorted(COUNTED)))})",
)

NEWEST_POSTS = lookup(SEEN_FORM.each(), "messages", "enrollment")


def load(asker: SQLiteAsker, kept: Kept, request: Request) -> Loaded:
    """Return the `Loaded` of a request, with a few statements for all of it (see `contract.Transaction`)."""
    posts, runs = _named_posts(asker, request.posts), _runs(asker, request.serials)
    members = load_members(asker.connection, request.pulls)
    people = _people_by_name(asker, named_by(request, members))
    whole = {*request.whole, *people, *map(customer_of, map(runs.__getitem__, runs.keys() & request.whole_of))}
    heads = {} if request.limits is None else queue_heads(asker.connection, request.limits)
    whole |= {entry.customer for entries in heads.values() for entry in entries}
    owners = {*map(customer_of, runs.values())}
    people.update(_people_by_number(asker, whole.union(request.numbers, owners) - people.keys()))
    if not owners <= people.keys():  # the block asks what is wrong with the file
        msg = "a run names a customer who is not there"
        raise LookupError(msg)
    inside: dict[int, list[int]] = {}
    for number, serial in _newest_runs(asker, whole):
        if number in inside:
            inside[number].append(serial)
        else:
            inside[number] = [serial]
    for number, serials in inside.items():
        people[number].serials = sorted(serials)
    runs.update(_runs(asker, {*chain.from_iterable(inside.values())} - runs.keys() - request.at_hand))
    newest = _newest_posts(asker, request.readers(runs))
    clicked = _clicked(asker, request, people.values())
    posts.update(((post.serial, post.n), post) for post in clicked)
    older = {post.serial for post in clicked} - runs.keys()
    runs.update(_runs(asker, older))
    return Loaded(
        tuple(people.values()),
        runs,
        posts,
        newest,
        _known_events(asker, request.events),
        *_following(kept, request),
        _sent(asker, request, people.values()),
        _limits(asker, kept, request, heads, whole),
        None if request.pulls is None else load_pulls(asker.connection, request.pulls, members, people),
        dict(asker.each_of(SUPPRESSED, request.suppressed)),
        request.mentioned - _strangers(asker, request.mentioned) if request.mentioned else frozenset(),
    )


def _following(kept: Kept, request: Request) -> tuple[int, int]:
    """Return the numbers that the next run and the next customer get, unless nobody will come."""
    if not request.following:
        return 1, 1
    return kept.following("enrollments"), kept.following("customers")


def _clicked(asker: SQLiteAsker, request: Request, people: Iterable[CustomerInHand]) -> list[Post]:
    """Return the messages of some customers that were clicked (R83)."""
    if not request.clicked:
        return []
    rows = asker.each_of(
        f"SELECT {POST_ROW} FROM messages WHERE flags ->> '$.clicked' IS NOT NULL AND enrollment IN"
        " (SELECT serial FROM enrollments WHERE customer IN (SELECT value FROM json_each(?)))",
        [person.number for person in people if (person.tenant, person.id) in request.clicked],
    )
    return list(map(read_post, rows))


def _limits(
    asker: SQLiteAsker,
    kept: Kept,
    request: Request,
    heads: dict[int, list[Deferred]],
    customers: Collection[int],
) -> LimitsLoaded | None:
    if request.limits is None:
        return None
    number = kept.following("deferred")
    return load_limits(asker.connection, request.limits, heads, customers, number)


def _sent(
    asker: SQLiteAsker, request: Request, people: Iterable[CustomerInHand]
) -> list[tuple[int, int, int, int, str]]:
    """Return the messages that caps count, of the customers of some tenants, since an instant (R31).

    A run that has not moved since then has sent nothing since then.
    """
    caps = request.caps
    if caps is None:
        return []
    numbers = [person.number for person in people if person.tenant in caps.tenants]
    return asker.of_alike(SENT, numbers, since=caps.since)


def _newest_runs(asker: SQLiteAsker, customers: Collection[int]) -> Iterable[tuple[int, int]]:
    """Return the newest run of each journey and key of some customers, as (customer, serial)."""
    if len(customers) > FEW:
        ((numbers, serials),) = asker.of(NEWEST_RUNS, customers)
        return zip(loads(numbers), loads(serials), strict=True)
    rows = asker.each_of(NEWEST_RUNS_OF_FEW, customers)
    if sum(looked_at for *_, looked_at in rows) > SHORT:
        return asker.each_of(NEWEST_RUNS_SOUGHT, customers)
    return [(number, serial) for number, serial, *_ in rows]


def _runs(asker: SQLiteAsker, serials: Collection[int]) -> dict[int, Run]:
    """Return runs by serial."""
    if not serials:
        return {}
    runs = read_runs(asker.of_alike(RUNS, serials))
    return dict(zip(map(serial_of, runs), runs, strict=True))


def _people_by_name(asker: SQLiteAsker, names: Iterable[tuple[str, str]]) -> dict[int, CustomerInHand]:
    people: dict[int, CustomerInHand] = {}
    for tenant, wanted in _by_tenant(names):
        [(numbers, places, texts)] = asker.rows(PEOPLE_BY_NAME, (dumps(wanted), tenant))
        people.update(_people(loads(numbers), repeat(tenant), map(wanted.__getitem__, loads(places)), texts))
    return people


def _strangers(asker: SQLiteAsker, names: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the customers who are not there: as a rule none, so that next to no row is read."""
    found = (
        (tenant, asker.rows(f"SELECT value FROM json_each(?) {STRANGE}", (dumps(wanted), tenant)))
        for tenant, wanted in _by_tenant(names)
    )
    return {(tenant, name) for tenant, rows in found for (name,) in rows}


def _by_tenant(names: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return the ids of customers by tenant, both in order."""
    by_tenant: dict[str, list[str]] = {}
    for tenant, customer in names:
        if tenant in by_tenant:
            by_tenant[tenant].append(customer)
        else:
            by_tenant[tenant] = [customer]
    return [(tenant, sorted(wanted)) for tenant, wanted in sorted(by_tenant.items())]


def _people_by_number(asker: SQLiteAsker, numbers: Collection[int]) -> dict[int, CustomerInHand]:
    people: dict[int, CustomerInHand] = {}
    for found, tenants, names, texts in asker.of(PEOPLE, numbers):
        people = _people(loads(found), loads(tenants), loads(names), texts)
    return people


def _named_posts(asker: SQLiteAsker, names: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Post]:
    rows = asker.each_of(
        f"SELECT {POST_ROW} FROM json_each(?) CROSS JOIN messages ON enrollment = value ->> 0 AND n = value ->> 1",
        names,
    )
    return {row[:2]: read_post(row) for row in rows}


def _newest_posts(asker: SQLiteAsker, serials: Collection[int]) -> dict[int, dict[str, Glimpse]]:
    """Return what rules see of the newest message of each step of some runs."""
    newest: dict[int, dict[str, Glimpse]] = {}
    for row in sorted(asker.of_alike(NEWEST_POSTS, serials)):  # by run and visit
        newest.setdefault(row[0], {})[row[2]] = read_seen(row)
    return newest


def _known_events(
    asker: SQLiteAsker, events: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], tuple[tuple[int, str, str | None], ...]]:
    """Return the events that were taken under some ids before, by (instant, sequence number) (R26)."""
    if not events:
        return {}
    known: dict[tuple[str, str, str], list[tuple[int, str, str | None]]] = {}
    for tenant, kind, name, at, customer, text in asker.each_of(KNOWN_EVENTS, events):
        known.setdefault((tenant, kind, name), []).append((at, customer, text))
    return {key: tuple(found) for key, found in known.items()}


def _people(
    numbers: Sequence[int], tenants: Iterable[str], names: Iterable[str], texts: str | None
) -> dict[int, CustomerInHand]:
    """Make customers of columns, by number, the attributes as texts with commas between.

    Of tenants there may be more than are needed.
    """
    attributes = loads_joined(texts or "", len(numbers))
    return dict(zip(numbers, map(CustomerInHand, numbers, tenants, names, attributes), strict=True))
