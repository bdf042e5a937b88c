"""What each customer went through, so that two runs of the same people can be compared one by one."""

import json
from typing import Any, NamedTuple

from journeyflow.basics.words import COUNTED
from journeyflow.stores.contract import SqlReader


class Trail(NamedTuple):
    """What one customer went through, in order; instants are in microseconds UTC, and runs are counted from 1.

    `enrollments` are (journey, run, status, reason, entered at, ended at, whether the goal was reached), `outcomes`
    (journey, step, outcome, at) of every step that had one, and `messages` (journey, step, channel, template, at) of
    those that were or will be sent.
    """

    enrollments: list[tuple[Any, ...]]
    outcomes: list[tuple[str, str, str, int]]
    messages: list[tuple[str, str, str, str, int]]


def trails(reader: SqlReader) -> dict[str, Trail]:
    """Return the trail of every customer by id, of a store with one tenant; walks through its history."""
    found = {name: Trail([], [], []) for (name,) in reader.rows("SELECT id FROM customers ORDER BY id")}
    for customer, *row in reader.rows(_ENROLLMENTS):
        found[customer].enrollments.append(tuple(row))
    paths = {number: _outcomes(steps) for number, steps in reader.rows("SELECT number, steps FROM paths")}
    for customer, journey, at, path, steps in reader.rows(_MOVES):
        passed = paths[path] if steps is None else _outcomes(steps)
        found[customer].outcomes.extend((journey, step, outcome, at) for step, outcome in passed)
    for customer, *row in reader.rows(_MESSAGES):
        found[customer].messages.append(tuple(row))
    return found


def _outcomes(steps: str) -> list[tuple[str, str]]:
    """Return the steps of a path that had an outcome.

    >>> _outcomes('[["hello","COMPLETED","queued"],["breathe","ACTIVE",""]]')
    [('hello', 'queued')]
    """
    return [(step, outcome) for step, _, outcome in json.loads(steps) if outcome]


_FROM = """
FROM enrollments e JOIN customers c ON c.number = e.customer JOIN journeys j ON j.number = e.journey
"""

_ENROLLMENTS = f"""
SELECT c.id, j.id, e.run, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at IS NOT NULL {_FROM}
ORDER BY j.id, e.entered_at, e.run, e.key
"""

_MOVES = f"""
SELECT c.id, j.id, m.at, m.path, m.steps {_FROM} JOIN moves m ON m.enrollment = e.serial
ORDER BY m.at, j.id, e.run, e.key, m.visit
"""

_MESSAGES = f"""
SELECT c.id, j.id, m.step, m.channel, m.template, m.at {_FROM} JOIN messages m ON m.enrollment = e.serial
WHERE m.status IN ({", ".join(f"'{status}'" for status in sorted(COUNTED))})
ORDER BY m.at, j.id, e.run, e.key, m.n
"""
