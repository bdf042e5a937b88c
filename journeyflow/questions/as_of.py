"""An enrollment as it stood at an instant, read from its moves (R85)."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve

from journeyflow.basics.moments import from_micros, to_micros
from journeyflow.basics.words import ACTIVE
from journeyflow.questions.enrollments import find_run
from journeyflow.records.public import Enrollment, Visit
from journeyflow.stores.contract import SqlReader

_MOVES = """
SELECT m.visit, m.at, ifnull(m.steps, p.steps),
       (SELECT v.version FROM json_each(e.memory, '$.versions') h JOIN versions v
          ON v.number = CAST(h.value ->> 1 AS INTEGER)
        WHERE CAST(h.value ->> 0 AS INTEGER) < max(m.visit, 1) + json_array_length(ifnull(m.steps, p.steps))
        ORDER BY CAST(h.value ->> 0 AS INTEGER) DESC LIMIT 1)
FROM moves m JOIN enrollments e ON e.serial = m.enrollment LEFT JOIN paths p ON p.number = m.path
WHERE m.enrollment = ? ORDER BY m.visit
"""
"""The moves of a run, each with the version that it led to if the run was migrated (R14)."""

_POSITION = """
SELECT CAST(s.key AS INTEGER) FROM enrollments e JOIN versions v ON v.journey = e.journey
JOIN json_each(v.definition, '$.steps') s ON TRUE
WHERE e.serial = ? AND v.version = ? AND s.value ->> 'id' = ?
"""


def enrollment_at(reader: SqlReader, tenant: str, asked: Mapping[str, object], at: int) -> Enrollment | None:
    """Return a run as it stood when everything of an instant had happened; None before the entry.

    Without `run` it is the newest run of that time. What a rest that is over by now was waiting for is not kept: its
    `due` and `awaits` are None. The version is the one that the run was in then (R14).
    """
    found = find_run(reader, tenant, {**asked, "by": at})
    if found is None:
        return None
    moves = reader.rows(_MOVES, (found.serial,))
    past = [move for move in moves if move[1] <= at]
    visits = _visits(past)
    found = evolve(found, visits=visits, converted_at=_by(found.converted_at, at))
    if past and past[-1][3] is not None:
        found = evolve(found, version=past[-1][3])
    if _by(found.ended_at, at) is not None:
        return found
    if found.ended_at is not None:
        found = evolve(found, status=ACTIVE, reason="", ended_at=None)
    if len(past) == len(moves):  # it has not moved since; a holdout never moves
        return found
    return _rest(reader, found, visits[-1])


def _by(instant: datetime | None, at: int) -> datetime | None:
    """Return an instant, or None if it had not come yet."""
    return None if instant is None or to_micros(instant) > at else instant


def _visits(moves: Iterable[tuple[int, int, str, int | None]]) -> tuple[Visit, ...]:
    """Return the visits as some moves had left them, in order; a later move says how a stay ended."""
    found: dict[int, Visit] = {}
    before = None
    for visit, micros, steps, _ in moves:
        instant = from_micros(micros)
        for n, (step, status, outcome) in enumerate(json.loads(steps), max(visit, 1)):
            began = before if n == visit and before is not None else instant  # retry: since it failed (R43)
            entered_at = found[n].entered_at if n in found else began
            found[n] = Visit(n, step, status, outcome, entered_at, None if status == ACTIVE else instant)
        before = instant
    return tuple(found.values())


def _rest(reader: SqlReader, found: Enrollment, last: Visit) -> Enrollment:
    """Return a run at the step where it rested then, without what it waited for: it has gone on since."""
    found = evolve(found, step=None, step_number=None, due=None, awaits=None)
    if last.status != ACTIVE:  # it had ended, and was retried later
        return evolve(found, status=last.status, ended_at=last.left_at)
    positions = reader.rows(_POSITION, (found.serial, found.version, last.step))
    return evolve(found, step=last.step, step_number=positions[0][0] + 1 if positions else None)
