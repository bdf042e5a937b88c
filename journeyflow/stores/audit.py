"""The audit: inconsistencies in a store (R80). Each check is one query, and each of its rows is a fault."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from journeyflow.basics.moments import FIRST, LAST, iso
from journeyflow.stores.contract import LAST_TICK, SqlReader
from journeyflow.stores.recount import miscounts
from journeyflow.stores.views import VISITS

SHAPE: dict[str, str] = {
    "the store is damaged: {0}": "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "row {1} of table {0} points at nothing": 'SELECT "table", rowid FROM pragma_foreign_key_check ORDER BY 1, 2',
    "the move to visit {1} of enrollment {0} goes by path {2}, which is not there": """
        SELECT m.enrollment, m.visit, m.path FROM moves m LEFT JOIN paths p ON p.number = m.path
        WHERE m.path IS NOT NULL AND p.number IS NULL ORDER BY 1, 2""",
    "the setting {0!r} is missing or cannot be read": f"""
        SELECT 'nonce' WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'nonce') UNION ALL
        SELECT 'revision' WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'revision') UNION ALL
        SELECT name FROM meta WHERE name IN ('grace', 'revision', '{LAST_TICK}') AND (length(value) > 20
            OR value = '-' OR (value = '' AND name <> 'grace')
            OR ltrim(iif(substr(value, 1, 1) = '-', substr(value, 2), value), '0123456789') <> '')
        UNION ALL SELECT DISTINCT 'nonce.' || m.nonce FROM messages m
        WHERE m.nonce <> 0 AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'nonce.' || m.nonce)""",
    "{0} {1}: its {2} cannot be read": """
        SELECT kind, name, part FROM (
            SELECT 'customer' AS kind, CAST(number AS TEXT) AS name, 'attributes' AS part, attributes AS text,
                   'object' AS shape
            FROM customers UNION ALL
            SELECT 'input', CAST(seq AS TEXT), 'data', data, 'object' FROM inputs UNION ALL
            SELECT 'version', CAST(number AS TEXT), 'definition', definition, 'object' FROM versions UNION ALL
            SELECT 'policies of tenant', tenant, 'definition', definition, 'object' FROM policies UNION ALL
            SELECT 'enrollment', CAST(serial AS TEXT), 'trigger', trigger_data, 'object' FROM enrollments UNION ALL
            SELECT 'enrollment', CAST(serial AS TEXT), 'memory', memory, 'object' FROM enrollments UNION ALL
            SELECT 'deferred entry', CAST(number AS TEXT), 'trigger', trigger_data, 'object' FROM deferred UNION ALL
            SELECT 'path', CAST(number AS TEXT), 'steps', steps, 'array' FROM paths UNION ALL
            SELECT 'enrollment', CAST(enrollment AS TEXT), 'history', steps, 'array' FROM moves UNION ALL
            SELECT 'enrollment', CAST(enrollment AS TEXT), 'compared values', seen, 'object' FROM moves UNION ALL
            SELECT 'enrollment', CAST(enrollment AS TEXT), 'message data', data, 'object' FROM messages UNION ALL
            SELECT 'enrollment', CAST(enrollment AS TEXT), 'message flags', flags, 'object' FROM messages UNION ALL
            SELECT 'last refusal of customer', CAST(customer AS TEXT), 'compared values', seen, 'object'
            FROM last_refusals UNION ALL
            SELECT 'export', CAST(number AS TEXT), 'options',
                   CASE WHEN json_valid(options) THEN iif(json_type(options, '$.include_steps') IN ('true', 'false'),
                                                          options, '?') ELSE '?' END, 'object'
            FROM exports)
        WHERE text IS NOT NULL AND CASE WHEN json_valid(text) THEN json_type(text) <> shape ELSE TRUE END
        ORDER BY 1, length(name), 2, 3""",
    "enrollment {0}: what is recorded about its message {1} is not an instant with a count": f"""
        SELECT DISTINCT m.enrollment, m.n FROM messages m, json_each(iif(json_valid(m.flags), m.flags, '{{}}')) f
        WHERE CASE WHEN f.type <> 'array' THEN TRUE WHEN json_array_length(f.value) <> 2 THEN TRUE
                   WHEN (SELECT count(*) FROM json_each(f.value) v WHERE v.type = 'integer') <> 2 THEN TRUE
                   ELSE CAST(f.value ->> 0 AS INTEGER) NOT BETWEEN {FIRST} AND {LAST} END ORDER BY 1, 2""",
    "{0} {1}: a visit of it is not a step with status and outcome": """
        SELECT DISTINCT t.kind, t.number FROM (
            SELECT 'path' AS kind, number, steps FROM paths UNION ALL
            SELECT 'enrollment', enrollment, steps FROM moves WHERE steps IS NOT NULL) t,
            json_each(iif(json_valid(t.steps), t.steps, '[]')) s
        WHERE CASE WHEN s.type <> 'array' THEN TRUE WHEN json_array_length(s.value) <> 3 THEN TRUE
                   ELSE (SELECT count(*) FROM json_each(s.value) v WHERE v.type = 'text') <> 3 END ORDER BY 1, 2""",
}
"""The checks that rows can be read at all; the checks below run only if these find nothing."""

MOVES = """
    SELECT m.enrollment, m.visit, m.at, max(m.visit, 1) + json_array_length(m.entries) - 1 AS last,
           m.entries ->> '$[0][0]' AS from_step, m.entries ->> '$[0][2]' AS from_outcome,
           m.entries ->> '$[#-1][0]' AS to_step, m.entries ->> '$[#-1][1]' AS to_status
    FROM (SELECT m.enrollment, m.visit, m.at, ifnull(m.steps, p.steps) AS entries
          FROM moves m LEFT JOIN paths p ON p.number = m.path) m"""
"""The moves, with the last visit of each, where it begins and how it ends."""

PAIRS = """
    SELECT w.version, a.value ->> 0 AS step, w.entries ->> ('$[' || (CAST(a.key AS INTEGER) + 1) || '][0]') AS following
    FROM (SELECT version, steps AS entries FROM paths UNION
          SELECT e.version, m.steps FROM moves m JOIN enrollments e ON e.serial = m.enrollment
          WHERE m.steps IS NOT NULL AND e.memory ->> '$.versions' IS NULL) w
    JOIN json_each(w.entries) a ON TRUE
    WHERE a.value ->> 2 <> 'retry'
      AND (a.value ->> 1 <> 'EXITED' OR json_array_length(w.entries) = CAST(a.key AS INTEGER) + 1)"""
"""The pairs of steps that follow one another in the history of a version; nothing follows the last step of a path, or a
retry. Visits before a migration belong to another version (R14)."""

STEPS = """
    SELECT v.number AS version, s.value ->> 'id' AS step, s.value AS definition
    FROM versions v JOIN json_each(v.definition, '$.steps') s ON TRUE"""

INSTANTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "input": ("inputs", "seq", ("at",)),
    "enrollment": (
        "enrollments",
        "serial",
        ("entered_at", "last_at", "ended_at", "converted_at", "since", "due", "held"),
    ),
    "move of enrollment": ("moves", "enrollment", ("at",)),
    "message of enrollment": ("messages", "enrollment", ("at", "available_at", "lease_until", "expires_at")),
    "export job": ("exports", "number", ("submitted_at", "started_at", "updated_at", "finished_at", "expires_at")),
    "deferred entry": ("deferred", "number", ("at",)),
    "last refusal of customer": ("last_refusals", "customer", ("at",)),
    "timer of journey": ("journey_timers", "journey", ("due",)),
    "slot of journey": ("slots", "journey", ("at",)),
    "pull of journey": ("pulls", "journey", ("at", "anchor")),
    "version": ("versions", "number", ("published_at", "edited_at")),
    "publication in journey": ("publications", "journey", ("at",)),
    "flag in journey": ("flags", "journey", ("at",)),
    "transition of journey": ("transitions", "journey", ("at",)),
    "policies of tenant": ("policies", "tenant", ("at",)),
    "held channel of tenant": ("holds", "tenant", ("at",)),
    "counter of journey": ("counters", "journey", ("last_at",)),
    "opening balance of journey": ("openings", "journey", ("last_at",)),
}
"""What has instants: its table, the column that names it, and the columns of its instants."""

_ALL_INSTANTS = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, CAST({name} AS TEXT) AS name, {column} AS instant FROM {table}"
    for kind, (table, name, columns) in INSTANTS.items()
    for column in columns
)

CHECKS: dict[str, str] = {
    "enrollment {0} is {1}, which is not a status": """
        SELECT serial, status FROM enrollments
        WHERE status NOT IN ('ACTIVE', 'COMPLETED', 'EXITED', 'FAILED', 'HOLDOUT') ORDER BY 1""",
    "enrollment {0} is active and rests without a wake-up": """
        SELECT serial FROM enrollments
        WHERE status = 'ACTIVE' AND due IS NULL AND awaits IS NULL AND held IS NULL ORDER BY 1""",
    "enrollment {0} is {1} and still has a wake-up": """
        SELECT serial, status FROM enrollments
        WHERE status <> 'ACTIVE' AND (due IS NOT NULL OR awaits IS NOT NULL OR held IS NOT NULL) ORDER BY 1""",
    "enrollment {0} is {1}, and the instant of its end is {2:at}": """
        SELECT serial, status, ended_at FROM enrollments
        WHERE (status IN ('ACTIVE', 'HOLDOUT')) <> (ended_at IS NULL) ORDER BY 1""",
    "enrollment {0} is in the holdout and has {1} visits": """
        SELECT serial, visit FROM enrollments WHERE status = 'HOLDOUT' AND visit > 0 ORDER BY 1""",
    "enrollment {0} is {1} at position {2} of a journey with {3} steps": """
        SELECT e.serial, e.status, e.step, json_array_length(v.definition, '$.steps')
        FROM enrollments e JOIN versions v ON v.number = e.version
        WHERE (e.status = 'ACTIVE') <> (e.step >= 0) OR e.step >= json_array_length(v.definition, '$.steps')
        ORDER BY 1""",
    "enrollment {0} is in a version of another journey": """
        SELECT e.serial FROM enrollments e JOIN versions v ON v.number = e.version
        WHERE v.journey <> e.journey ORDER BY 1""",
    "customer {1!r} is twice in journey {0!r}{2}": """
        SELECT j.id, c.id, iif(e.key = '', '', ' under key ' || quote(e.key))
        FROM enrollments e JOIN journeys j ON j.number = e.journey
        JOIN customers c ON c.number = e.customer WHERE e.status = 'ACTIVE'
        GROUP BY e.journey, j.id, e.customer, c.id, e.key HAVING count(*) > 1 ORDER BY 1, 2, 3""",
    "customer {1!r} has {2} runs of journey {0!r}, the newest of which is run {3}": """
        SELECT j.id, c.id, count(*), max(e.run) FROM enrollments e JOIN journeys j ON j.number = e.journey
        JOIN customers c ON c.number = e.customer
        GROUP BY e.journey, j.id, e.customer, c.id HAVING count(*) > max(e.run)
            OR (count(*) < max(e.run) AND e.journey NOT IN (SELECT journey FROM openings)) ORDER BY 1, 2""",
    "enrollment {0} has {1} visits in its history, not {2}": f"""
        SELECT e.serial, ifnull(max(m.last), 0), e.visit FROM enrollments e LEFT JOIN ({MOVES}) m
        ON m.enrollment = e.serial GROUP BY e.serial, e.visit, e.ended_at, e.journey
        HAVING ifnull(max(m.last), 0) <> e.visit
            AND (max(m.last) IS NOT NULL OR e.ended_at IS NULL OR e.journey NOT IN (SELECT journey FROM openings))
        ORDER BY 1""",
    "enrollment {0} lasts from {1:at} to {2:at}, its history from {3:at} to {4:at}": """
        SELECT e.serial, e.entered_at, e.last_at, min(m.at), max(m.at)
        FROM enrollments e JOIN moves m ON m.enrollment = e.serial
        GROUP BY e.serial, e.entered_at, e.last_at
        HAVING min(m.at) <> e.entered_at OR max(m.at) <> e.last_at ORDER BY 1""",
    "enrollment {0} goes on at visit {1} where its history has no rest": f"""
        SELECT enrollment, visit FROM (
            SELECT enrollment, visit, from_step, lag(last) OVER before AS last, lag(to_step) OVER before AS to_step,
                   lag(to_status) OVER before AS to_status, from_outcome
            FROM ({MOVES}) WINDOW before AS (PARTITION BY enrollment ORDER BY visit))
        WHERE visit > 0 AND CASE WHEN from_outcome = 'retry' THEN last IS NOT visit - 1 OR to_status IS NOT 'FAILED'
            ELSE last IS NOT visit OR to_step IS NOT from_step OR to_status IS NOT 'ACTIVE' END
        ORDER BY 1, 2""",
    "enrollment {0} leaves visit {1} before it came there": """
        SELECT enrollment, visit FROM (
            SELECT enrollment, visit, at, lag(at) OVER (PARTITION BY enrollment ORDER BY visit) AS came FROM moves)
        WHERE at < came ORDER BY 1, 2""",
    "enrollment {0} is {1} at step {2!r}, its history says {3} at {4!r}": f"""
        SELECT e.serial, e.status, s.definition ->> 'id', m.to_status, m.to_step FROM enrollments e
        JOIN ({MOVES}) m ON m.enrollment = e.serial
             AND m.visit = (SELECT max(n.visit) FROM moves n WHERE n.enrollment = e.serial)
        LEFT JOIN (SELECT v.number AS version, CAST(s.key AS INTEGER) AS step, s.value AS definition
                   FROM versions v JOIN json_each(v.definition, '$.steps') s ON TRUE) s
        ON s.version = e.version AND s.step = e.step
        WHERE (e.status = 'ACTIVE') <> (m.to_status = 'ACTIVE')
           OR (e.status = 'ACTIVE' AND s.definition ->> 'id' IS NOT m.to_step)
        ORDER BY 1""",
    "version {0} has no step {1!r}, where people have been": f"""
        SELECT DISTINCT p.version, p.step FROM ({PAIRS}) p
        LEFT JOIN ({STEPS}) s ON s.version = p.version AND s.step = p.step WHERE s.step IS NULL ORDER BY 1, 2""",
    "no way leads from step {1!r} to {2!r} in version {0}, where people have gone": f"""
        SELECT DISTINCT p.version, p.step, p.following
        FROM (SELECT DISTINCT version, step, following FROM ({PAIRS}) q WHERE following IS NOT NULL) p
        JOIN ({STEPS}) s ON s.version = p.version AND s.step = p.step
        WHERE NOT EXISTS (
            SELECT 1 FROM json_tree(s.definition) t WHERE t.atom = p.following
            AND t.key IN ('next', 'else', 'on_event', 'on_timeout', 'on_missing', 'on_past'))
        ORDER BY 1, 2, 3""",
    "customer {0} is forgotten and still has data": """
        SELECT c.number FROM customers c WHERE unicode(c.id) = 31 AND (c.attributes <> '{}' OR EXISTS (
            SELECT 1 FROM enrollments e LEFT JOIN moves m ON m.enrollment = e.serial
            LEFT JOIN messages g ON g.enrollment = e.serial
            WHERE e.customer = c.number AND (e.status = 'ACTIVE' OR e.trigger_data IS NOT NULL OR e.memory IS NOT NULL
            OR e.key <> '' OR m.seen IS NOT NULL OR g.data IS NOT NULL)))
        ORDER BY 1""",
    "enrollment {0} has a history, and beside it what stands for one that was pruned": """
        SELECT DISTINCT a.enrollment FROM arms a JOIN moves m ON m.enrollment = a.enrollment ORDER BY 1""",
    "message {0}-{1} was queued by no visit": f"""
        SELECT enrollment, n, step FROM messages
        EXCEPT SELECT enrollment, n, step FROM ({VISITS}) WHERE outcome = 'queued' ORDER BY 1, 2""",
    "visit {1} of enrollment {0} queued a message that is not there": f"""
        SELECT w.enrollment, w.n FROM ({VISITS}) w JOIN enrollments e ON e.serial = w.enrollment
        WHERE w.outcome = 'queued'
        AND NOT EXISTS (SELECT 1 FROM messages g WHERE g.enrollment = w.enrollment AND g.n = w.n)
        AND EXISTS (  -- asked last, of few visits: it goes through the steps of a version
            SELECT 1 FROM ({STEPS}) s
            WHERE s.version = e.version AND s.step = w.step AND s.definition ->> 'kind' = 'send')
        ORDER BY 1, 2""",
    "message {0}-{1} is {2}, which is not a status": """
        SELECT enrollment, n, status FROM messages
        WHERE status NOT IN ('QUEUED', 'CLAIMED', 'SENT', 'SUPPRESSED', 'EXPIRED', 'CANCELLED', 'FAILED')
        ORDER BY 1, 2""",
    "message {0}-{1} was handed out {2} times, of which {3} do not count": """
        SELECT enrollment, n, attempts, forgiven FROM messages
        WHERE attempts NOT BETWEEN 0 AND 1000000000000 OR forgiven NOT BETWEEN 0 AND 1000000000000 ORDER BY 1, 2""",
    "message {0}-{1} is {2}, and the end of its lease is {3:at}": """
        SELECT enrollment, n, status, lease_until FROM messages
        WHERE (status = 'CLAIMED') <> (lease_until IS NOT NULL) ORDER BY 1, 2""",
    "{1} people wait for a slot of journey {0!r} and nothing wakes them": """
        SELECT j.id, count(*) FROM deferred d JOIN journeys j ON j.number = d.journey
        LEFT JOIN journey_timers t ON t.journey = d.journey AND t.which = 0
        WHERE t.due IS NULL AND (t.which IS NULL OR 'PAUSED' IS NOT (
            SELECT state FROM transitions s WHERE s.journey = d.journey ORDER BY n DESC LIMIT 1))
        GROUP BY d.journey, j.id ORDER BY 1""",
    "journey {0!r} has a timer of kind {1}, which is none": """
        SELECT j.id, t.which FROM journey_timers t JOIN journeys j ON j.number = t.journey
        WHERE t.which NOT IN (0, 1) ORDER BY 1, 2""",
    "journey {0!r} pulls people in and nothing wakes it": f"""
        SELECT j.id FROM journeys j JOIN publications p ON p.journey = j.number AND p.n = (
            SELECT max(n) FROM publications q WHERE q.journey = j.number)
        JOIN versions v ON v.number = p.version
        JOIN transitions s ON s.journey = j.number AND s.n = (
            SELECT max(n) FROM transitions r WHERE r.journey = j.number)
        LEFT JOIN journey_timers t ON t.journey = j.number AND t.which = 1
        WHERE v.definition ->> '$.trigger.pull' IS NOT NULL AND s.state IN ('ACTIVE', 'PAUSED')
          AND t.due IS NULL AND NOT EXISTS (SELECT 1 FROM pulls r WHERE r.journey = j.number AND r.at = {LAST})
          AND (t.which IS NULL OR s.state = 'ACTIVE') ORDER BY 1""",
    "journey {0!r} is {1} and still pulls people in": """
        SELECT j.id, s.state FROM journey_timers t JOIN journeys j ON j.number = t.journey
        JOIN transitions s ON s.journey = j.number AND s.n = (
            SELECT max(n) FROM transitions r WHERE r.journey = j.number)
        WHERE t.which = 1 AND s.state = 'ARCHIVED' ORDER BY 1""",
    "customer {1!r} of tenant {0!r} {3} list {2!r}": """
        SELECT tenant, customer, list, said FROM (
            SELECT m.tenant, m.customer, m.list, 'is wrongly on' AS said FROM list_members m
            LEFT JOIN customers c ON c.tenant = m.tenant AND c.id = m.customer
            WHERE NOT EXISTS (SELECT 1 FROM json_each(c.attributes, '$.lists') n WHERE n.value = m.list) UNION
            SELECT c.tenant, c.id, n.value, 'is not found on' FROM customers c
            JOIN json_each(c.attributes, '$.lists') n ON TRUE
            LEFT JOIN list_members m ON m.tenant = c.tenant AND m.list = n.value AND m.customer = c.id
            WHERE n.type = 'text' AND m.customer IS NULL)
        ORDER BY 1, 2, 3, 4""",
    "journey {0!r} counts {1} slots, and {2} people entered": """
        SELECT j.id, s.slots, ifnull(e.entered, 0) FROM (
            SELECT journey, sum(count) AS slots FROM slots GROUP BY journey) s
        JOIN journeys j ON j.number = s.journey LEFT JOIN (
            SELECT journey, total AS entered FROM counters
            WHERE day = '*' AND domain = '*' AND step = '' AND what = 'entered') e
        ON e.journey = s.journey WHERE s.slots > ifnull(e.entered, 0) ORDER BY 1""",
    "journey {0!r} has no version": """
        SELECT j.id FROM journeys j LEFT JOIN publications p ON p.journey = j.number
        WHERE p.version IS NULL ORDER BY 1""",
    "journey {0!r} has no version 1": """
        SELECT j.id FROM journeys j WHERE NOT EXISTS (
            SELECT 1 FROM versions v WHERE v.journey = j.number AND v.version = 1) ORDER BY 1""",
    "journey {0!r} published version {1}, which belongs to another journey": """
        SELECT j.id, p.version FROM journeys j JOIN publications p ON p.journey = j.number
        JOIN versions v ON v.number = p.version WHERE v.journey <> j.number ORDER BY 1, 2""",
    "journey {0!r} published its version {1} before the one that it followed": """
        SELECT j.id, v.version FROM journeys j JOIN (
            SELECT journey, version, at, lag(at) OVER (PARTITION BY journey ORDER BY n) AS came FROM publications) p
        ON p.journey = j.number JOIN versions v ON v.number = p.version WHERE p.at < p.came ORDER BY 1, 2""",
    "journey {0!r} went from {1} to {2}": """
        SELECT j.id, t.came, t.state FROM journeys j JOIN (
            SELECT journey, n, at, state, lag(state, 1, 'DRAFT') OVER w AS came, lag(at, 1, at) OVER w AS came_at
            FROM transitions WINDOW w AS (PARTITION BY journey ORDER BY n)) t ON t.journey = j.number
        WHERE t.at < t.came_at OR (t.came, t.state) NOT IN (
            VALUES ('DRAFT', 'ACTIVE'), ('ACTIVE', 'PAUSED'), ('PAUSED', 'ACTIVE'), ('ACTIVE', 'ARCHIVED'),
            ('PAUSED', 'ARCHIVED'))
        ORDER BY 1, t.n""",
    "policies {1} of tenant {0!r} hold from before those that they follow": """
        SELECT tenant, n FROM (SELECT tenant, n, at, lag(at, 1, at) OVER (PARTITION BY tenant ORDER BY n) AS came
                               FROM policies)
        WHERE at < came ORDER BY 1, 2""",
    "journey {0!r} counts {2} refusals {1!r}, and for {3} customers that was the last one": """
        SELECT j.id, l.reason, ifnull(r.total, 0), l.customers FROM (
            SELECT journey, reason, count(*) AS customers FROM last_refusals GROUP BY journey, reason) l
        JOIN journeys j ON j.number = l.journey LEFT JOIN (
            SELECT journey, reason, sum(count) AS total FROM refusals GROUP BY journey, reason) r
        ON r.journey = l.journey AND r.reason = l.reason
        WHERE ifnull(r.total, 0) < l.customers ORDER BY 1, 2""",
    "{0} {1}: the instant {2} is in no calendar": f"""
        SELECT * FROM ({_ALL_INSTANTS}) WHERE instant NOT BETWEEN {FIRST} AND {LAST}
        ORDER BY 1, length(name), 2, 3""",
}
"""The sentence for each fault, filled with the columns of the query that finds it; `{0:at}` is an instant."""

SET_ASIDE = {
    "input {0}, {1} {2!r} of customer {3!r}, tenant {4!r}, was set aside: handling it raised an exception, which is in "
    "the log; `retry` takes it up again": """
        SELECT seq, kind, type, customer, tenant FROM inputs
        WHERE outcome = 'error' AND ifnull(unicode(customer), 0) <> 31 ORDER BY 1""",
    "enrollment {0}, customer {1!r} in journey {2!r} of tenant {3!r}, was set aside: moving it raised an exception, "
    "which is in the log; `retry` takes it up again": """
        SELECT e.serial, c.id, j.id, j.tenant FROM enrollments e JOIN customers c ON c.number = e.customer
        JOIN journeys j ON j.number = e.journey
        WHERE e.status = 'FAILED' AND e.reason = 'internal error' ORDER BY 1""",
    "message {0}-{1} was set aside: handling it raised an exception, which is in the log; `requeue` takes it up "
    "again": """
        SELECT enrollment, n FROM messages
        WHERE status = 'FAILED' AND error LIKE 'internal error: %' ORDER BY 1, 2""",
    "customer {0!r} was refused by journey {1!r} of tenant {2!r}: letting them in raised an exception, which is in the "
    "log": """
        SELECT c.id, j.id, j.tenant FROM last_refusals r JOIN customers c ON c.number = r.customer
        JOIN journeys j ON j.number = r.journey WHERE r.reason = 'internal error' ORDER BY 3, 2, 1""",
}
"""The sentence for each kind of item that was set aside. They are not damage: the store adds up (R9)."""


@frozen(repr=False)
class _Cell:
    """A column of a row, formatted for a sentence.

    >>> "{0:at}, {1:at}, {2!r}".format(*map(_Cell, (0, None, "x")))
    "1970-01-01T00:00:00.000000Z, None, 'x'"
    """

    value: Any

    def __format__(self, spec: str) -> str:
        """Return the value as text: an instant in ISO 8601, unless it is outside the calendar."""
        if spec == "at" and self.value is not None and FIRST <= self.value <= LAST:
            return iso(self.value)
        return str(self.value)

    def __repr__(self) -> str:
        """Return the repr of the value."""
        return repr(self.value)


def audit_faults(reader: SqlReader) -> Iterator[str]:
    """Yield a sentence for each fault as it is found; a store with unreadable rows is not checked further."""
    readable = True
    for checks in (SHAPE, CHECKS):
        for sentence in _found(reader, checks):
            readable = False
            yield sentence
        if not readable:
            return


def _found(reader: SqlReader, checks: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each row that a check finds."""
    for sentence, sql in checks.items():
        for row in reader.stream(sql):
            yield sentence.format(*map(_Cell, row))


def audit(reader: SqlReader) -> list[str]:
    """Return a sentence for each fault, and for each item that was set aside.

    Run every check and, if all of them pass, count everything again.
    """
    return [*(list(audit_faults(reader)) or miscounts(reader)), *_found(reader, SET_ASIDE)]
