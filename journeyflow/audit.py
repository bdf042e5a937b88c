"""The audit: what in a store does not add up (R80). Each check is one query whose rows are the faults."""

from journeyflow.store import Reader
from journeyflow.stores.schema import VISITS

CHECKS: dict[str, str] = {
    "enrollment {0} is active and rests without a wake-up": """
        SELECT serial FROM enrollments
        WHERE status = 'ACTIVE' AND due IS NULL AND awaits IS NULL AND held IS NULL ORDER BY serial""",
    "enrollment {0} is {1} and still has a wake-up": """
        SELECT serial, status FROM enrollments
        WHERE status <> 'ACTIVE' AND (due IS NOT NULL OR awaits IS NOT NULL OR held IS NOT NULL) ORDER BY serial""",
    "enrollment {0} has status {1}, which is none": """
        SELECT serial, status FROM enrollments
        WHERE status NOT IN ('ACTIVE', 'COMPLETED', 'EXITED', 'FAILED') ORDER BY serial""",
    "enrollment {0} has {1} visits in its history, not {2}": """
        SELECT e.serial, ifnull(h.visits, 0), e.visit FROM enrollments e LEFT JOIN (
            SELECT m.enrollment, max(max(m.visit, 1) + json_array_length(ifnull(m.steps, p.steps)) - 1) AS visits
            FROM moves m LEFT JOIN paths p ON p.number = m.path GROUP BY m.enrollment) h ON h.enrollment = e.serial
        WHERE ifnull(h.visits, 0) <> e.visit ORDER BY e.serial""",
    "enrollment {0} moved last at {1}, its history says {2}": """
        SELECT e.serial, e.last_at, max(m.at) FROM enrollments e JOIN moves m ON m.enrollment = e.serial
        GROUP BY e.serial HAVING max(m.at) <> e.last_at ORDER BY e.serial""",
    "enrollment {0} goes on at visit {1} where its history has no rest": """
        SELECT m.enrollment, m.visit FROM moves m WHERE m.visit > 0 AND NOT EXISTS (
            SELECT 1 FROM moves b LEFT JOIN paths p ON p.number = b.path
            WHERE b.enrollment = m.enrollment AND b.visit < m.visit
              AND max(b.visit, 1) + json_array_length(ifnull(b.steps, p.steps)) - 1 = m.visit)
        ORDER BY 1, 2""",
    "message {0}-{1} was queued by no visit": f"""
        SELECT g.enrollment, g.n FROM messages g LEFT JOIN ({VISITS}) w
        ON w.enrollment = g.enrollment AND w.n = g.n AND w.step = g.step AND w.outcome = 'queued'
        WHERE w.n IS NULL ORDER BY 1, 2""",
    "visit {1} of enrollment {0} queued a message that is not there": f"""
        SELECT w.enrollment, w.n FROM ({VISITS}) w JOIN enrollments e ON e.serial = w.enrollment
        JOIN versions v ON v.number = e.version
        JOIN json_each(v.definition, '$.steps') s ON s.value ->> 'id' = w.step AND s.value ->> 'kind' = 'send'
        LEFT JOIN messages g ON g.enrollment = w.enrollment AND g.n = w.n
        WHERE w.outcome = 'queued' AND g.n IS NULL ORDER BY 1, 2""",
    "message {0}-{1} is {2} without a lease": """
        SELECT enrollment, n, status FROM messages WHERE (status = 'CLAIMED') <> (lease_until IS NOT NULL) ORDER BY 1, 2""",
    "customer {1!r} is twice in journey {0!r}": """
        SELECT j.id, c.id FROM enrollments e JOIN journeys j ON j.number = e.journey
        JOIN customers c ON c.number = e.customer WHERE e.status = 'ACTIVE'
        GROUP BY e.journey, e.customer HAVING count(*) > 1 ORDER BY 1, 2""",
    "row {1} of table {0} points at nothing": 'SELECT "table", rowid FROM pragma_foreign_key_check',
    "the file is damaged: {0}": "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
}
"""A sentence for each fault, filled with the columns of the query that finds it."""


def audit(reader: Reader) -> list[str]:
    """Run every check and give a sentence for each fault."""
    return [sentence.format(*row) for sentence, sql in CHECKS.items() for row in reader.rows(sql)]
