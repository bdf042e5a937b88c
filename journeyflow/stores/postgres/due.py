"""Where due work stands in a PostgreSQL schema: that of a tenant or of all, and that of some customers (R7, R74)."""

from journeyflow.basics.words import ANSWER_KINDS
from journeyflow.stores.postgres.asking import RowQuestion, asking_for
from journeyflow.stores.rows import INPUT_ROW, POST_ROW, RUN_ROW
from journeyflow.stores.schema import LATER
from journeyflow.stores.views import MESSAGE_ID

_OF = "unnest(%(owners)s::text[], %(names)s::text[]) k (tenant, id)"

_NUMBERS = f"(SELECT c.number FROM {_OF} JOIN customers c ON c.tenant = k.tenant AND c.id = k.id)"

_RUNS = f"(SELECT serial FROM enrollments WHERE customer IN {_NUMBERS})"


_MESSAGE_ID = MESSAGE_ID.replace("ifnull(", "coalesce(")

_INPUTS = f"""
AND seq IN (
    WITH mine AS (
        SELECT i.seq, i.kind, i.type, i.id, i.tenant FROM {_OF} JOIN inputs i ON i.customer = k.id
        WHERE i.tenant = k.tenant AND i.outcome IS NULL AND i.at <= %(now)s
    )
    SELECT seq FROM mine
    UNION ALL SELECT o.seq FROM mine JOIN inputs o ON o.id = mine.id AND o.type = mine.type
        AND o.tenant = mine.tenant WHERE mine.kind = 'event' AND o.kind = 'event' AND o.outcome IS NULL
    UNION ALL SELECT a.seq FROM inputs a WHERE a.outcome IS NULL AND a.at <= %(now)s AND a.kind IN {ANSWER_KINDS}
        AND a.id IN (SELECT {_MESSAGE_ID} FROM messages m WHERE m.enrollment IN {_RUNS})
)"""


def inbox(mine: str, *, some: bool) -> RowQuestion:
    """Return the question for the first due inputs, of `some` customers or of all."""
    due = f"WHERE outcome IS NULL AND at <= %(now)s{mine}{_INPUTS * some}"
    return asking_for("inputs", INPUT_ROW, f"{due} ORDER BY at, seq LIMIT %(limit)s")


def rests(mine: str, *, some: bool) -> RowQuestion:
    """Return the question for the first runs whose rest is over."""
    due = f"WHERE due <= %(now)s{mine}{f' AND customer IN {_NUMBERS}' * some}"
    return asking_for("enrollments", RUN_ROW, f"{due} ORDER BY due, coalesce(held, {LATER}), serial LIMIT %(limit)s")


def leases(mine: str, *, some: bool) -> RowQuestion:
    """Return the question for the first messages whose lease ends."""
    due = f"WHERE lease_until <= %(now)s{mine}{f' AND enrollment IN {_RUNS}' * some}"
    return asking_for("messages", POST_ROW, f"{due} ORDER BY lease_until, enrollment, n LIMIT %(limit)s")


def timers(mine: str) -> RowQuestion:
    """Return the question for the first due timers of journeys: one for a queue and one for pulls of each at most."""
    due = f"WHERE due <= %(now)s{mine} ORDER BY due, journey, which LIMIT %(limit)s"
    return asking_for("journey_timers", "due, journey, which", due)


def earliest(mine: str, held: str) -> str:
    """Return the question for the first instant of each kind of work; `held` is a condition that leaves some out."""
    return (
        f"SELECT (SELECT min(at) FROM inputs WHERE outcome IS NULL{mine}),"
        f" (SELECT min(due) FROM enrollments WHERE due IS NOT NULL{mine}{held}),"
        f" (SELECT min(lease_until) FROM messages WHERE lease_until IS NOT NULL{mine}),"
        f" (SELECT min(due) FROM journey_timers WHERE due IS NOT NULL{mine}{held})"
    )
