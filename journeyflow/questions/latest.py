"""The newest of long lists: who entered a journey last, who is at a step, the messages they got (R84).

Each is read backwards from the end of an index and is not counted, so it costs what it shows, however many enrollments
there are. Where most of what is read belongs to other journeys, or has no messages, reading ends after `LOOKED_AT` rows
and the cursor leads on from there.
"""

from collections.abc import Iterable
from typing import Any

from journeyflow.basics.values import INTEGER_MAX, dumps
from journeyflow.questions.enrollments import ENROLLMENTS, JOINS, read_enrollment
from journeyflow.questions.messages import MESSAGES, read_message
from journeyflow.questions.paging import Latest, read_cursor
from journeyflow.records.message_ids import message_key
from journeyflow.records.public import Enrollment, Message
from journeyflow.stores.contract import SqlReader

LOOKED_AT = 5_000
"""How many rows are read for one answer: some milliseconds' work."""

_LET_IN, _FAILED = "e.journey = :journey AND e.status <> 'HOLDOUT'", "e.journey = :journey AND e.status = 'FAILED'"
_RESTING = "e.version = :version AND e.step = :place AND e.status = 'ACTIVE'"


def _newest(condition: str) -> str:
    return f"{ENROLLMENTS} {JOINS} WHERE {condition} AND e.serial < :before ORDER BY e.serial DESC LIMIT :take + 1"


def latest_enrollments(
    reader: SqlReader, journey: int, take: int, after: int | None, *, failed: bool
) -> Latest[Enrollment]:
    """Return the newest enrollments of a journey, by number, without the holdout; or the newest that failed."""
    asked = {"journey": journey, "take": take, "before": INTEGER_MAX if after is None else after}
    return _enrollments(reader.rows(_newest(_FAILED if failed else _LET_IN), asked), take)


def latest_at_step(
    reader: SqlReader, places: Iterable[tuple[int, int]], take: int, after: int | None
) -> Latest[Enrollment]:
    """Return the newest enrollments that rest at a step, given its position in each version, by number, that has it."""
    asked = {"take": take, "before": INTEGER_MAX if after is None else after}
    found = [
        row
        for version, place in places
        for row in reader.rows(_newest(_RESTING), {**asked, "version": version, "place": place})
    ]
    return _enrollments(sorted(found, key=lambda row: int(row[5]), reverse=True), take)


def _enrollments(rows: list[tuple[Any, ...]], take: int) -> Latest[Enrollment]:
    kept = tuple(map(read_enrollment, rows[:take]))
    return Latest(kept, kept[-1].serial if len(rows) > take else None)


# --- messages ---------------------------------------------------------------------------------------------------------

_LAST_OF_JOURNEY = f"""
SELECT e.serial, 0 FROM enrollments e WHERE {_LET_IN} AND e.serial <= :serial
ORDER BY e.serial DESC LIMIT 1 OFFSET :looked_at
"""

_OF_JOURNEY = f"""
{MESSAGES} WHERE {_LET_IN} AND e.serial BETWEEN :last AND :serial AND (e.serial, m.n) < (:serial, :n)
ORDER BY e.serial DESC, m.n DESC LIMIT :take + 1
"""

_LAST_FAILED = """
SELECT m.enrollment, m.n FROM messages m WHERE m.status = 'FAILED' AND (m.enrollment, m.n) < (:serial, :n)
ORDER BY m.enrollment DESC, m.n DESC LIMIT 1 OFFSET :looked_at
"""

# the plus keeps SQLite from walking the journey's enrollments, of which hardly any has a message that failed
_FAILED_MESSAGES = f"""
{MESSAGES} WHERE m.status = 'FAILED' AND +e.journey = :journey
  AND (m.enrollment, m.n) < (:serial, :n) AND (m.enrollment, m.n) >= (:last, :last_n)
ORDER BY m.enrollment DESC, m.n DESC LIMIT :take + 1
"""


def latest_messages(
    reader: SqlReader, journey: int, take: int, after: tuple[int, int] | None, *, failed: bool
) -> Latest[Message]:
    """Return the messages of a journey, by number, from the newest enrollment back; or those that were given up."""
    serial, n = (INTEGER_MAX, INTEGER_MAX) if after is None else after
    last, rows = (_LAST_FAILED, _FAILED_MESSAGES) if failed else (_LAST_OF_JOURNEY, _OF_JOURNEY)
    asked = {"journey": journey, "serial": serial, "n": n, "take": take, "looked_at": LOOKED_AT}
    bound = next(iter(reader.rows(last, asked)), None)
    asked |= dict(zip(("last", "last_n"), bound or (0, 0), strict=True))
    found = reader.rows(rows, asked)
    kept = found[:take]
    place = message_key(kept[-1][0]) if len(found) > take else bound
    return Latest(tuple(read_message(row) for row in kept), None if place is None else dumps(list(place)))


def read_message_cursor(cursor: object) -> tuple[int, int] | None:
    """Read the cursor of such messages: the serial of the enrollment and the visit; None if it is not such a cursor.

    >>> read_message_cursor("[7,1]"), read_message_cursor("[7]"), read_message_cursor("x"), read_message_cursor(7)
    ((7, 1), None, None, None)
    """
    match read_cursor(cursor):
        case [serial, n] if type(serial) is type(n) is int:
            return serial, n
    return None
