"""What a store has counted in all, by what it is: the figures that simulations are made of."""

from collections import Counter
from collections.abc import Hashable
from typing import Final

from journeyflow.basics.moments import MINUTE
from journeyflow.stores.contract import SqlReader

Totals = Counter[tuple[Hashable, ...]]
"""Counts by what was counted: its kind first, then what `QUESTIONS` names."""


def totals(reader: SqlReader) -> Totals:
    """Return what a store has counted; instants are left out but for the day in the zone of the journey."""
    found: Totals = Counter()
    for name, sql in QUESTIONS.items():
        for *key, count in reader.rows(sql):
            found[name, *key] += count
    return found


_OF_DAY = "FROM counters c JOIN journeys j ON j.number = c.journey WHERE c.day <> '*' AND c.domain = '*'"

QUESTIONS: Final = {
    "enrollments": """
        SELECT j.id, e.status, e.reason, count(*) FROM enrollments e JOIN journeys j ON j.number = e.journey
        GROUP BY 1, 2, 3""",
    "converted": """
        SELECT j.id, e.status, count(*) FROM enrollments e JOIN journeys j ON j.number = e.journey
        WHERE e.converted_at IS NOT NULL GROUP BY 1, 2""",
    "minutes": f"""
        SELECT j.id, (e.ended_at - e.entered_at) / {MINUTE}, count(*)
        FROM enrollments e JOIN journeys j ON j.number = e.journey WHERE e.ended_at IS NOT NULL GROUP BY 1, 2""",
    "visits": f"SELECT j.id, c.step, c.day, c.total {_OF_DAY} AND c.step <> '' AND c.what = 'visited'",
    "outcomes": f"""
        SELECT j.id, c.step, c.day, c.label, c.total {_OF_DAY} AND c.step <> '' AND c.what = 'completed'""",
    "skipped": f"SELECT j.id, c.step, c.day, c.label, c.total {_OF_DAY} AND c.step <> '' AND c.what = 'skipped'",
    "refusals": """
        SELECT j.id, r.day, r.reason, r.count FROM refusals r JOIN journeys j ON j.number = r.journey""",
    "revenue": f"SELECT j.id, c.total {_OF_DAY} AND c.what = 'revenue'",
    "reactions": f"""
        SELECT j.id, c.step, c.day, substr(c.what, 9), c.uniques {_OF_DAY} AND c.what LIKE 'message.%'
        AND c.what NOT IN ('message.sent', 'message.failed')""",
}
"""The questions whose answers are counted; the last column of each is the count, the others are its key."""
