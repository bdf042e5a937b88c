"""What people did in a span of time, message by message and event by event: what a behavior is fitted to."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from journeyflow.questions.messages import MESSAGES, read_message
from journeyflow.records.changes import Changes
from journeyflow.records.public import Message
from journeyflow.stores.contract import LAST_TICK, SqlReader
from journeyflow.stores.rows import INPUT_ROW, read_input


class MessageHistory(NamedTuple):
    """A message that was handed out: where it comes from, its instant, and the first instant of each kind of event."""

    channel: str
    template: str
    journey: str
    step: str
    at: int
    first: Mapping[str, int]


class EventHistory(NamedTuple):
    """An event that a host reported, and that is about no message; instants are microseconds UTC."""

    customer: str
    type: str
    at: int
    data: Mapping[str, object]


_MESSAGES = """
SELECT m.channel, m.template, j.id, m.step, m.at, m.flags
FROM messages m JOIN enrollments e ON e.serial = m.enrollment JOIN journeys j ON j.number = e.journey
WHERE j.tenant = ? AND (m.attempts > 0 OR m.flags IS NOT NULL) AND m.at >= ? AND m.at < ? ORDER BY m.enrollment, m.n
"""

_EVENTS = """
SELECT customer, type, at, data FROM inputs
WHERE kind = 'event' AND tenant = ? AND at < ? AND unicode(customer) <> 31
  AND type NOT LIKE 'message.%' AND type <> 'revenue' AND data ->> 'message' IS NULL
  AND outcome NOT IN ('duplicate', 'conflicting', 'error')
ORDER BY at, seq
"""

_FIRST_SEEN = """
SELECT customer, min(at) FROM inputs
WHERE tenant = ? AND kind IN ('put', 'event', 'enroll') AND outcome IS NOT NULL AND unicode(customer) <> 31
GROUP BY customer ORDER BY 2, 1
"""


def handed_out(reader: SqlReader, tenant: str, since: int, until: int) -> Iterator[MessageHistory]:
    """Yield the messages from `since` to before `until` that were handed out, or that something happened to.

    What happened to them at `until` or later is left out. They come by enrollment, then in their order.
    """
    for channel, template, journey, step, at, flags in reader.rows(_MESSAGES, (tenant, since, until)):
        told = json.loads(flags).items() if flags else ()
        first = {kind: instant for kind, (instant, _) in told if instant < until}
        yield MessageHistory(channel, template, journey, step, at, first)


def host_events(reader: SqlReader, tenant: str, until: int) -> Iterator[EventHistory]:
    """Yield the handled events of hosts before an instant that are about no message, in order."""
    for customer, kind, at, text in reader.rows(_EVENTS, (tenant, until)):
        yield EventHistory(customer, kind, at, json.loads(text) if text else {})


def first_seen(reader: SqlReader, tenant: str) -> dict[str, int]:
    """Return the instant of the first input about each customer, in order."""
    return dict(reader.rows(_FIRST_SEEN, (tenant,)))


def active_keys(reader: SqlReader, tenant: str) -> list[tuple[str, str, str]]:
    """Return (customer, journey, key) of the active runs that have a key, older runs first."""
    return [(customer, journey, key) for customer, journey, key in reader.rows(_ACTIVE_KEYS, (tenant,))]


_ACTIVE_KEYS = """
SELECT c.id, j.id, e.key FROM enrollments e JOIN customers c ON c.number = e.customer
JOIN journeys j ON j.number = e.journey
WHERE j.tenant = ? AND e.status = 'ACTIVE' AND e.key <> '' ORDER BY e.serial
"""


def key_names(reader: SqlReader, tenant: str) -> list[str]:
    """Return the names in the data of events under which journeys of a tenant find the keys of parallel runs."""
    return [name for (name,) in reader.rows(_KEY_NAMES, (tenant,))]


_KEY_NAMES = """
SELECT DISTINCT substr(v.definition ->> '$.reentry_key', length('event.') + 1)
FROM versions v JOIN journeys j ON j.number = v.journey
WHERE j.tenant = ? AND v.definition ->> '$.reentry_key' IS NOT NULL ORDER BY 1
"""


def last_handled(reader: SqlReader) -> int | None:
    """Return the instant of the newest input that was handled; None if there is none."""
    found: int | None = reader.rows("SELECT max(at) FROM inputs WHERE outcome IS NOT NULL")[0][0]
    return found


def first_told(reader: SqlReader) -> int | None:
    """Return the instant of the earliest input; None if there is none."""
    found: int | None = reader.rows("SELECT min(at) FROM inputs")[0][0]
    return found


def last_tick(reader: SqlReader) -> int | None:
    """Return the instant of the last tick that did anything; None before the first (R3)."""
    found = reader.rows("SELECT value FROM meta WHERE name = ?", (LAST_TICK,))
    return int(found[0][0]) if found else None


def sent_since(reader: SqlReader, tenant: str, since: int) -> Iterator[Message]:
    """Yield the messages of a tenant that were sent and are not older than an instant, by enrollment."""
    asked = (tenant, since)
    for row in reader.rows(
        f"{MESSAGES} WHERE c.tenant = ? AND m.at >= ? AND m.status = 'SENT' ORDER BY m.enrollment, m.n", asked
    ):
        yield read_message(row)


def inputs_between(reader: SqlReader, since: int, until: int) -> Changes:
    """Return the inputs of every tenant from an instant to before another, as they were put into the inbox."""
    sql = f"SELECT {INPUT_ROW} FROM inputs WHERE at >= ? AND at < ? ORDER BY seq"
    return Changes(inputs=tuple(map(read_input, reader.rows(sql, (since, until)))))


_HAPPENED = {
    "messages": """
        SELECT date(m.at / 1000000, 'unixepoch'), m.channel, count(*)
        FROM messages m JOIN enrollments e ON e.serial = m.enrollment
        JOIN journeys j ON j.number = e.journey AND j.tenant = :tenant
        WHERE m.at >= :since AND m.at < :until GROUP BY 1, 2""",
    "entered": """
        SELECT j.id, count(*) FROM enrollments e JOIN journeys j ON j.number = e.journey AND j.tenant = :tenant
        WHERE e.entered_at >= :since AND e.entered_at < :until AND e.status <> 'HOLDOUT' GROUP BY 1""",
    "ended": """
        SELECT j.id, count(*) FROM enrollments e JOIN journeys j ON j.number = e.journey AND j.tenant = :tenant
        WHERE e.ended_at >= :since AND e.ended_at < :until GROUP BY 1""",
}


def happened(reader: SqlReader, tenant: str, since: int, until: int) -> dict[tuple[str, ...], int]:
    """Return what a forecast says, as it was: messages by UTC day and channel, entries and ends by journey."""
    asked = {"tenant": tenant, "since": since, "until": until}
    return {(name, *key): count for name, sql in _HAPPENED.items() for *key, count in reader.rows(sql, asked)}


_NOT_REPLAYABLE = {
    "history was pruned": "SELECT 1 FROM openings LIMIT 1",
    "journey {0!r} pulls customers": """
        SELECT DISTINCT j.id FROM journeys j JOIN versions v ON v.journey = j.number
        WHERE v.definition ->> '$.trigger.pull' IS NOT NULL ORDER BY 1""",
    "journey {0!r} was {1}": """
        SELECT DISTINCT j.id, lower(t.state) FROM journeys j JOIN transitions t ON t.journey = j.number
        WHERE t.state IN ('PAUSED', 'ARCHIVED') ORDER BY 1, 2""",
}


def not_replayable(reader: SqlReader) -> list[str]:
    """Return what of a store's past does not follow from its inputs and its catalog, in words."""
    return [text.format(*row) for text, sql in _NOT_REPLAYABLE.items() for row in reader.rows(sql)]
