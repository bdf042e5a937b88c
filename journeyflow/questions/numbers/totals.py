"""What a store has counted in all, by what it is: the figures that simulations are made of."""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Final

from journeyflow.basics.moments import MINUTE
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.stores.contract import SqlReader

Totals = Counter[tuple[Hashable, ...]]
"""Counts by what was counted: its kind first, then what `QUESTIONS` names."""


def totals(reader: SqlReader, tenant: str = DEFAULT_TENANT) -> Totals:
    """Return what a store has counted of a tenant; of instants there is only the day in the zone of the journey."""
    return _answers(reader, QUESTIONS, tenant)


def resting(reader: SqlReader, tenant: str = DEFAULT_TENANT) -> Totals:
    """Return how many enrollments of a tenant rest where: by "resting", journey and step."""
    return _answers(reader, {"resting": _RESTING}, tenant)


def _answers(reader: SqlReader, questions: Mapping[str, str], tenant: str) -> Totals:
    found: Totals = Counter()
    for name, sql in questions.items():
        for *key, count in reader.rows(sql, {"tenant": tenant}):
            found[name, *key] += count
    return found


_OF_ENROLLMENT = "FROM enrollments e JOIN journeys j ON j.number = e.journey AND j.tenant = :tenant"

_RESTING = f"""
    SELECT j.id, json_extract(v.definition, '$.steps[' || e.step || '].id'), count(*) {_OF_ENROLLMENT}
    JOIN versions v ON v.number = e.version WHERE e.status = 'ACTIVE' GROUP BY 1, 2"""

_CAPS = """
    SELECT j.id, steps ->> ('$[' || place || '][0]'), cap,
           iif(steps ->> ('$[' || place || '][1]') = 'SKIPPED', 'skipped', 'deferred'), count(*)
    FROM (
        SELECT m.enrollment, coalesce(m.steps, p.steps) AS steps, CAST(s.key AS INTEGER) AS place,
               s.value ->> '$.cap' AS cap
        FROM moves m LEFT JOIN paths p ON p.number = m.path JOIN json_each(m.seen) s ON TRUE
        WHERE m.seen LIKE '%"cap":%"sent":%' AND s.key NOT IN ('entry', 'exit') AND s.value ->> '$.cap' IS NOT NULL
    ) w
    JOIN enrollments e ON e.serial = enrollment JOIN journeys j ON j.number = e.journey AND j.tenant = :tenant
    JOIN versions v ON v.number = e.version JOIN json_each(v.definition, '$.steps') d ON TRUE
    WHERE d.value ->> '$.id' = steps ->> ('$[' || place || '][0]') AND d.value ->> '$.kind' = 'send'
    GROUP BY 1, 2, 3, 4"""
"""How often a cap closed the gate of a Send, from the values that moves have noted (R31, R85); what other steps, an
entry or an exit have read under the same name does not count."""

_OF_DAY = """FROM counters c JOIN journeys j ON j.number = c.journey AND j.tenant = :tenant
        WHERE c.day <> '*' AND c.domain = '*'"""

QUESTIONS: Final = {
    "enrollments": f"SELECT j.id, e.status, e.reason, count(*) {_OF_ENROLLMENT} GROUP BY 1, 2, 3",
    "converted": f"""
        SELECT j.id, e.status, count(*) {_OF_ENROLLMENT} WHERE e.converted_at IS NOT NULL GROUP BY 1, 2""",
    "minutes": f"""
        SELECT j.id, (e.ended_at - e.entered_at) / {MINUTE}, count(*)
        {_OF_ENROLLMENT} WHERE e.ended_at IS NOT NULL GROUP BY 1, 2""",
    "visits": f"SELECT j.id, c.step, c.day, c.total {_OF_DAY} AND c.what = 'visited'",
    "outcomes": f"""
        SELECT j.id, c.step, c.day, c.label, c.total {_OF_DAY} AND c.step <> '' AND c.what = 'completed'""",
    "skipped": f"SELECT j.id, c.step, c.day, c.label, c.total {_OF_DAY} AND c.what = 'skipped'",
    "left": f"""
        SELECT j.id, c.step, c.day, sum(c.total) {_OF_DAY} AND c.step <> ''
        AND c.what IN ('completed', 'skipped', 'exited', 'failed') GROUP BY 1, 2, 3""",
    "caps": _CAPS,
    "refusals": """
        SELECT j.id, r.day, r.reason, r.count FROM refusals r
        JOIN journeys j ON j.number = r.journey AND j.tenant = :tenant""",
    "revenue": f"SELECT j.id, c.total {_OF_DAY} AND c.what = 'revenue'",
    "reactions": f"""
        SELECT j.id, c.step, c.day, substr(c.what, 9), c.uniques {_OF_DAY} AND c.what LIKE 'message.%'
        AND c.what <> 'message.sent'""",
}
"""The questions whose answers are counted; the last column of each is the count, the others are its key."""
