"""What people ask of a file, each as the one SQL statement that answers it from the same tables.

A statement is read to the end; to make objects of its rows, or words, is what the engine does beyond it. `told` reads
the same numbers from the engine's answer, so that both can be compared.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from _common import WELCOME
from _journeys import micros

from journeyflow.answers import Explanation, JourneyStats, Timeline
from journeyflow.stores.sqlite.opening import CACHE_KIB

WHO = "c0000042"
STEP, REST = "hello", "breathe"
TAKE = 25
ZONE = 7_200_000_000
"""The offset of the journey's zone, which has no summer time, in microseconds."""

DAY = 86_400_000_000
ASKED = {"journey": WELCOME.id, "step": STEP, "rest": REST, "who": WHO, "take": TAKE, "zone": ZONE, "day": DAY}

OF_JOURNEY = "(SELECT number FROM journeys WHERE tenant = 'default' AND id = :journey)"
OF_CUSTOMER = "(SELECT number FROM customers WHERE tenant = 'default' AND id = :who)"

Rows = list[tuple[Any, ...]]


class InSql(NamedTuple):
    """A statement, and what reads the same numbers from its rows and from the engine's answer."""

    statement: str
    told: Callable[[Any], object]
    read: Callable[[Rows], object] = list

    def ask(self, connection: sqlite3.Connection, **more: object) -> Rows:
        """Ask a file."""
        return connection.execute(self.statement, {**ASKED, **more}).fetchall()

    def agrees(self, connection: sqlite3.Connection, answer: object, **more: object) -> bool:
        """Return whether the file says the same as the engine's answer."""
        return self.read(self.ask(connection, **more)) == self.told(answer)


def opened(path: Path) -> sqlite3.Connection:
    """Open a file for reading, with as large a cache as the engine's."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


# --- statistics

Figures = tuple[Counter[tuple[str, date, str]], Counter[tuple[str, str]]]
"""How often what happened at which step on which day, and how often each step came out how."""

LEFT = ("completed", "skipped", "exited", "failed")
KINDS = ("sent", "delivered", "opened", "clicked")


def figures(stats: JourneyStats) -> Figures:
    """Return the figures of the days of a journey and its steps, without those that are 0."""
    found, outcomes = Counter[tuple[str, date, str]](), Counter[tuple[str, str]]()
    for step, came, days in (
        ("", "entered", stats.daily), *((name, "visited", each.daily) for name, each in stats.by_step.items())
    ):  # fmt: skip
        for day in days:
            found[step, day.date, came] = day.entered or 0
            for word in LEFT:
                found[step, day.date, word] = getattr(day, word)
            if step and day.messages is not None:
                found[step, day.date, "queued"] = day.messages.queued or 0
                for kind in KINDS:
                    found[step, day.date, f"message.{kind}"] = getattr(day.messages, kind).unique
    for name, each in stats.by_step.items():
        outcomes.update({(name, label): count for label, count in (each.outcomes or {}).items()})
    return +found, +outcomes


def figures_of(rows: Iterable[tuple[str, date, str, str, int]]) -> Figures:
    """Return the same of rows: step, day, what, label, count."""
    found, outcomes = Counter[tuple[str, date, str]](), Counter[tuple[str, str]]()
    for step, day, what, label, count in rows:
        found[step, day, what] += count
        if step and label and what in LEFT:
            outcomes[step, label] += count
    return found, outcomes


def by_date(rows: Rows) -> Figures:
    """Read rows whose days are ISO dates."""
    return figures_of((step, date.fromisoformat(day), *rest) for step, day, *rest in rows)


def by_number(rows: Rows) -> Figures:
    """Read rows whose days are counted from 1970 on."""
    return figures_of((step, datetime.fromtimestamp(86_400 * day, UTC).date(), *rest) for step, day, *rest in rows)


STATS = {
    "one SQL statement over the counters": InSql(
        f"""
        SELECT step, day, what, label, CASE WHEN what LIKE 'message.%' THEN uniques ELSE total END
        FROM counters WHERE journey = {OF_JOURNEY} AND day BETWEEN :since AND :until AND domain = '*'
        """,
        figures,
        by_date,
    ),
    "one SQL statement over all runs, moves and messages": InSql(
        f"""
        WITH stops AS MATERIALIZED (
            SELECT p.number AS path, CAST(s.key AS INTEGER) AS key, s.value ->> 0 AS step, s.value ->> 1 AS status,
                   s.value ->> 2 AS outcome
            FROM versions v JOIN paths p ON p.version = v.number JOIN json_each(p.steps) s
            WHERE v.journey = {OF_JOURNEY}
        ), moved AS MATERIALIZED (
            SELECT path, visit = 0 AS first, (at + :zone) / :day AS day, count(*) AS count FROM moves GROUP BY 1, 2, 3
        ), sent AS MATERIALIZED (
            SELECT m.step, m.channel, m.at, m.flags FROM enrollments e JOIN messages m ON m.enrollment = e.serial
            WHERE e.journey = {OF_JOURNEY}
        )
        SELECT '', (entered_at + :zone) / :day, 'entered', '', count(*)
        FROM enrollments WHERE journey = {OF_JOURNEY} AND status <> 'HOLDOUT' GROUP BY 2
        UNION ALL
        SELECT '', (ended_at + :zone) / :day, lower(status), '', count(*)
        FROM enrollments WHERE journey = {OF_JOURNEY} AND ended_at IS NOT NULL GROUP BY 2, 3
        UNION ALL
        SELECT step, day, lower(status), outcome, sum(count)
        FROM moved JOIN stops USING (path) WHERE status <> 'ACTIVE' GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT step, day, 'visited', '', sum(count)
        FROM moved JOIN stops USING (path) WHERE key > 0 OR first GROUP BY 1, 2
        UNION ALL
        SELECT step, (at + :zone) / :day, 'queued', channel, count(*) FROM sent GROUP BY 1, 2, 4
        UNION ALL
        SELECT step, ((f.value ->> 0) + :zone) / :day, 'message.' || f.key, channel, count(*)
        FROM sent JOIN json_each(flags) f GROUP BY 1, 2, 3, 4
        """,
        figures,
        by_number,
    ),
}
"""The statistics of the journey from the table that counts them, and from what happened, where nothing is counted."""


# --- questions


def of_page(*names: str) -> Callable[[Any], Rows]:
    """Return what reads some attributes of the members of a page, and how many there are."""
    return lambda page: [(*_values(each, names), page.total) for each in page]


def _values(each: object, names: Sequence[str]) -> list[object]:
    values = [getattr(each, name) for name in names]
    return [micros(value) if isinstance(value, datetime) else value for value in values]


def of_run(answer: Explanation) -> Rows:
    """Read the visits of an explanation."""
    return [(v.n, v.step, v.status, v.outcome, micros(v.left_at or v.at)) for v in answer.visits]


def of_moments(answer: Timeline) -> Rows:
    """Read the moments of a timeline."""
    return sorted((micros(each.at), each.kind, each.step or "") for each in answer.moments)


def first(count: int, rows: Rows) -> Rows:
    """Read some of the columns: the others are what the answer is put into words with."""
    return [row[:count] for row in rows]


STOPS = f"""
WITH stops AS MATERIALIZED (
    SELECT p.number AS path, CAST(s.key AS INTEGER) AS key, s.value ->> 1 AS status, s.value ->> 2 AS outcome
    FROM versions v JOIN paths p ON p.version = v.number JOIN json_each(p.steps) s
    WHERE v.journey = {OF_JOURNEY} AND s.value ->> 0 = {{step}}
)"""
STAY = "s.status <> 'ACTIVE' OR (e.status = 'ACTIVE' AND e.visit = max(m.visit, 1) + s.key)"
"""Where paths come to a step, and which of the moves there are stays: a visit that waits counts while it lasts."""

QUESTIONS = {
    "journeys": InSql(
        """
        SELECT j.id, v.version,
               ifnull((SELECT state FROM transitions t WHERE t.journey = j.number ORDER BY n DESC LIMIT 1), 'DRAFT'),
               ifnull(sum(k.total) FILTER (WHERE k.what = 'entered'), 0),
               ifnull(sum(k.total) FILTER (WHERE k.what = 'completed'), 0),
               ifnull(sum(k.total) FILTER (WHERE k.what = 'exited'), 0),
               ifnull(sum(k.total) FILTER (WHERE k.what = 'failed'), 0),
               count(*) OVER (), v.definition
        FROM journeys j
        JOIN versions v
          ON v.number = (SELECT version FROM publications p WHERE p.journey = j.number ORDER BY n DESC LIMIT 1)
        LEFT JOIN counters k ON k.journey = j.number AND k.day = '*' AND k.domain = '*' AND k.step = ''
        WHERE j.tenant = 'default' GROUP BY j.number ORDER BY j.id
        """,
        of_page("id", "version", "status", "enrolled", "completed", "exited", "failed"),
        partial(first, 8),
    ),
    "enrollments, 25 of a journey": InSql(
        f"""
        SELECT c.id, e.run, e.status, v.version, e.entered_at, e.ended_at,
               (SELECT count(*) FROM enrollments WHERE journey = {OF_JOURNEY})
        FROM enrollments e JOIN customers c ON c.number = e.customer JOIN versions v ON v.number = e.version
        WHERE e.journey = {OF_JOURNEY} ORDER BY e.serial LIMIT :take
        """,
        of_page("customer", "run", "status", "version", "entered_at", "ended_at"),
    ),
    "messages, 25 of a step": InSql(
        f"""
        SELECT c.id, e.run, m.n, m.step, m.channel, m.template, m.at, m.status, m.attempts,
               (SELECT count(*) FROM messages m JOIN enrollments e ON e.serial = m.enrollment
                WHERE e.journey = {OF_JOURNEY} AND m.step = :step)
        FROM messages m JOIN enrollments e ON e.serial = m.enrollment JOIN customers c ON c.number = e.customer
        WHERE e.journey = {OF_JOURNEY} AND m.step = :step ORDER BY e.serial, m.n LIMIT :take
        """,
        of_page("customer", "run", "n", "step", "channel", "template", "at", "status", "attempts"),
    ),
    "people who were at a step, 25": InSql(
        f"""
        {STOPS.format(step=":step")}
        , stays AS (
            SELECT e.customer, max(e.serial), e.run, s.status, s.outcome, m.at, count(*) AS stays
            FROM moves m JOIN stops s USING (path) JOIN enrollments e ON e.serial = m.enrollment
            WHERE {STAY} GROUP BY e.customer
        )
        SELECT c.id, w.run, w.status, w.outcome, w.at, w.stays, (SELECT count(*) FROM stays)
        FROM stays w JOIN customers c ON c.number = w.customer ORDER BY c.id LIMIT :take
        """,
        of_page("customer", "run", "status", "outcome", "entered_at", "stays"),
    ),
    "people at a step now, 25": InSql(
        f"""
        {STOPS.format(step=":rest")}
        , there AS MATERIALIZED (
            SELECT c.id, e.serial
            FROM versions v CROSS JOIN json_each(v.definition, '$.steps') s
            CROSS JOIN enrollments e ON e.version = v.number AND e.step = CAST(s.key AS INTEGER)
            JOIN customers c ON c.number = e.customer
            WHERE v.journey = {OF_JOURNEY} AND s.value ->> 'id' = :rest AND e.status = 'ACTIVE'
        ), page AS MATERIALIZED (SELECT * FROM there ORDER BY id LIMIT :take)
        SELECT p.id, w.run, w.status, w.since,
               (SELECT count(*) FROM enrollments e JOIN moves m ON m.enrollment = e.serial JOIN stops s USING (path)
                WHERE e.customer = w.customer AND e.journey + 0 = w.journey AND ({STAY})), (SELECT count(*) FROM there)
        FROM page p JOIN enrollments w USING (serial) ORDER BY p.id
        """,
        of_page("customer", "run", "status", "entered_at", "stays"),
    ),
    "explain": InSql(
        f"""
        SELECT max(m.visit, 1) + s.key, s.value ->> 0, s.value ->> 1, s.value ->> 2, m.at, m.seen,
               v.definition, c.attributes, o.status, o.attempts
        FROM enrollments e JOIN customers c ON c.number = e.customer JOIN versions v ON v.number = e.version
        JOIN moves m ON m.enrollment = e.serial LEFT JOIN paths p ON p.number = m.path
        JOIN json_each(ifnull(m.steps, p.steps)) s
        LEFT JOIN messages o ON o.enrollment = e.serial AND o.n = max(m.visit, 1) + s.key
        WHERE e.customer = {OF_CUSTOMER} AND e.journey + 0 = {OF_JOURNEY} AND s.value ->> 1 <> 'ACTIVE'
        ORDER BY e.run DESC, m.visit, CAST(s.key AS INTEGER)
        """,
        of_run,
        partial(first, 5),
    ),
    "why not": InSql(
        """
        SELECT 'run ' || e.run || ' entered and ' || e.status, e.entered_at, v.definition, c.attributes,
               (SELECT state FROM transitions t WHERE t.journey = j.number ORDER BY n DESC LIMIT 1), r.reason,
               (SELECT max(i.at) FROM inputs i WHERE i.customer = c.id AND i.tenant = c.tenant AND i.kind = 'event'
                AND i.type = v.definition ->> '$.trigger.event')
        FROM customers c JOIN journeys j ON j.tenant = c.tenant AND j.id = :journey
        JOIN versions v
          ON v.number = (SELECT version FROM publications p WHERE p.journey = j.number ORDER BY n DESC LIMIT 1)
        LEFT JOIN enrollments e ON e.customer = c.number AND e.journey = j.number
        LEFT JOIN last_refusals r ON r.customer = c.number AND r.journey = j.number
        WHERE c.tenant = 'default' AND c.id = :who ORDER BY e.run DESC LIMIT 1
        """,
        lambda answer: [(answer.told, micros(answer.at))],
        partial(first, 2),
    ),
    "timeline": InSql(
        f"""
        WITH runs AS MATERIALIZED (SELECT * FROM enrollments WHERE customer = {OF_CUSTOMER})
        SELECT at AS at, kind AS kind, '' AS step, type, data, outcome
        FROM inputs WHERE customer = :who AND tenant = 'default'
        UNION ALL SELECT entered_at, 'entry', '', version, '', status FROM runs
        UNION ALL SELECT converted_at, 'goal', '', version, '', status FROM runs WHERE converted_at IS NOT NULL
        UNION ALL SELECT ended_at, 'end', '', version, '', reason FROM runs WHERE ended_at IS NOT NULL
        UNION ALL SELECT m.at, 'visit', s.value ->> 0, s.value ->> 1, m.seen, s.value ->> 2
            FROM runs e JOIN moves m ON m.enrollment = e.serial LEFT JOIN paths p ON p.number = m.path
            JOIN json_each(ifnull(m.steps, p.steps)) s
        UNION ALL SELECT m.at, 'message', m.step, m.channel, m.template, m.status
            FROM runs e JOIN messages m ON m.enrollment = e.serial
        UNION ALL SELECT f.value ->> 0, 'message', m.step, m.channel, m.template, f.key
            FROM runs e JOIN messages m ON m.enrollment = e.serial JOIN json_each(m.flags) f
            WHERE f.key IN ('sent', 'failed')
        ORDER BY 1, 2, 3
        """,
        of_moments,
        partial(first, 3),
    ),
    "benchmark": InSql(
        """
        WITH counted AS MATERIALIZED (
            SELECT j.number, k.what, sum(k.total) AS total, sum(k.uniques) AS uniques
            FROM journeys j JOIN counters k ON k.journey = j.number
            WHERE j.tenant = 'default' AND k.day BETWEEN :since AND :until AND k.domain = '*' GROUP BY 1, 2
        )
        SELECT count(DISTINCT number) FILTER (WHERE what = 'message.sent'),
               (SELECT ifnull(sum(total), 0) FROM counters
                WHERE day = '*' AND domain = '*' AND step = '' AND what = 'entered'
                AND journey IN (SELECT number FROM counted WHERE what = 'message.sent')),
               ifnull(sum(total) FILTER (WHERE what = 'queued'), 0),
               ifnull(sum(uniques) FILTER (WHERE what = 'message.sent'), 0),
               ifnull(sum(uniques) FILTER (WHERE what = 'message.opened'), 0)
        FROM counted WHERE number IN (SELECT number FROM counted WHERE what = 'message.sent')
        """,
        lambda answer: [(
            answer.journeys, answer.enrolled, answer.messages.queued, answer.messages.sent.unique,
            answer.messages.opened.unique,
        )],
    ),
}  # fmt: skip
"""What `questions.py` asks, by the same names."""
