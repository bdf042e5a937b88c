"""Where due work stands in a SQLite file: that of everybody, and that of some customers (R7, R74)."""

from journeyflow.basics.words import ANSWER_KINDS
from journeyflow.stores.rows import INPUT_FORM, POST_ROW, RUN_FORM
from journeyflow.stores.schema import LATER
from journeyflow.stores.sqlite.alike import Selection
from journeyflow.stores.views import MESSAGE_ID

_OF = "json_each(:of) k"

_NUMBERS = f"(SELECT c.number FROM {_OF} CROSS JOIN customers c ON c.tenant = k.value ->> 0 AND c.id = k.value ->> 1)"

_RUNS = f"(SELECT serial FROM enrollments WHERE customer IN {_NUMBERS})"


_INPUTS = f"""
AND seq IN (
    WITH mine AS (
        SELECT i.seq, i.kind, i.type, i.id, i.tenant FROM {_OF} CROSS JOIN inputs i ON i.customer = k.value ->> 1
        WHERE i.tenant = k.value ->> 0 AND i.outcome IS NULL AND i.at <= :now
    )
    SELECT seq FROM mine
    UNION ALL SELECT o.seq FROM mine CROSS JOIN inputs o ON o.id = mine.id AND o.type = mine.type
        AND o.tenant = mine.tenant WHERE mine.kind = 'event' AND o.kind = 'event' AND o.outcome IS NULL
    UNION ALL SELECT a.seq FROM inputs a WHERE a.outcome IS NULL AND a.at <= :now AND a.kind IN {ANSWER_KINDS}
        AND a.id IN (SELECT {MESSAGE_ID} FROM messages m WHERE m.enrollment IN {_RUNS})
)"""


INBOX = ("iif(outcome IS NULL, seq, NULL)", *INPUT_FORM.each(INPUT_FORM.without("seq")))

RESTS = RUN_FORM.each()


def _inbox(*, some: bool) -> Selection:
    """Return the question for the first due inputs, of `some` customers or of all.

    An index that disagrees with the table shows in a sequence number that is missing.
    """
    where = f"outcome IS NULL AND at <= :now{_INPUTS * some}"
    return Selection(INBOX, f"FROM inputs WHERE {where} ORDER BY at, seq LIMIT :limit OFFSET :behind", lead="at")


def _rests(*, some: bool) -> Selection:
    """Return the question for the first runs whose rest is over."""
    where, order = f"due <= :now{f' AND customer IN {_NUMBERS}' * some}", f"due, ifnull(held, {LATER}), serial"
    return Selection(RESTS, f"FROM enrollments WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :behind")


def _leases(*, some: bool) -> str:
    """Return the question for the first messages whose lease ends."""
    mine = f" AND enrollment IN {_RUNS}" * some
    return (
        f"SELECT {POST_ROW} FROM messages WHERE lease_until <= :now{mine}"
        " ORDER BY lease_until, enrollment, n LIMIT :limit"
    )


DUE_INPUTS = {some: _inbox(some=some) for some in (False, True)}
"""The question about the inputs of everybody (False), and of some customers (True); so below."""

DUE_RESTS = {some: _rests(some=some) for some in (False, True)}

DUE_LEASES = {some: _leases(some=some) for some in (False, True)}


def earliest(held: str) -> str:
    """Return the question for the first instant of each kind of work; `held` is a condition that leaves some out."""
    return (
        "SELECT (SELECT min(at) FROM inputs WHERE outcome IS NULL),"
        f" (SELECT min(due) FROM enrollments WHERE due IS NOT NULL{held}),"
        " (SELECT min(lease_until) FROM messages WHERE lease_until IS NOT NULL),"
        f" (SELECT min(due) FROM journey_timers WHERE due IS NOT NULL{held})"
    )


GLANCE = (
    f"{earliest('')}, (SELECT min(available_at) FROM messages WHERE status = 'QUEUED'),"
    " (SELECT value FROM meta WHERE name = 'revision')"
)
"""The question for all that is needed to know whether there is work: also the first queued message, and the catalog."""
