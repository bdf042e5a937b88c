"""What happened to one customer, across all journeys, in the order in which it happened (R85)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from journeyflow.basics.moments import from_micros
from journeyflow.basics.soundness import sound
from journeyflow.basics.words import ACTIVE, COMPLETED, EXITED, HOLDOUT
from journeyflow.definition.steps import Update
from journeyflow.machine.program import Program
from journeyflow.questions.messages import became
from journeyflow.questions.timeline_moments import Moment, Timeline
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.views import MESSAGE_ID

ANSWERED = ("sent", "failed")
"""What a worker's answers say of a message: everything else about it is an event of the customer's own."""

ABOUT_JOURNEYS = frozenset({"enroll", "exit", "retry"})
"""What a host asks for by hand: the type of such an input is the journey's id."""


MomentKey = tuple[int, int, int, int, int]
"""The place of a moment in the order: its instant; inputs before what became of them, refusals last; then by run, visit
and part."""

PlacedMoment = tuple[MomentKey, Moment]

_TOLD, _CAME, _REFUSED = 0, 1, 2

_LAST = 1 << 62

_INPUTS = """
SELECT seq, kind, type, at, id, data, outcome, count(*) OVER ()
FROM inputs WHERE customer = :customer AND tenant = :tenant AND at BETWEEN :since AND :until
ORDER BY at DESC, seq DESC LIMIT :take
"""

_RUNS = """
SELECT e.serial, j.id, e.run, e.version, v.version, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at,
       e.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM moves m WHERE m.enrollment = e.serial)
FROM enrollments e JOIN journeys j ON j.number = e.journey
JOIN versions v ON v.number = ifnull(CAST(e.memory ->> '$.versions[0][1]' AS INTEGER), e.version)
WHERE e.customer = :number ORDER BY e.serial
"""

_MOVES = """
SELECT m.enrollment, m.visit, m.at, ifnull(m.steps, p.steps), count(*) OVER ()
FROM enrollments e JOIN moves m ON m.enrollment = e.serial LEFT JOIN paths p ON p.number = m.path
WHERE e.customer = :number AND m.at BETWEEN :since AND :until
ORDER BY m.at DESC, m.enrollment DESC, m.visit DESC LIMIT :take
"""

_MESSAGES = f"""
SELECT m.enrollment, m.n, m.step, m.channel, m.template, m.at, m.status, m.attempts, m.flags, count(*) OVER (),
       {MESSAGE_ID}, m.error
FROM enrollments e JOIN messages m ON m.enrollment = e.serial
WHERE e.customer = :number AND m.at <= :until
ORDER BY m.at DESC, m.enrollment DESC, m.n DESC LIMIT :take
"""

_REFUSALS = """
SELECT j.id, r.reason, r.at, r.seen, j.number
FROM last_refusals r JOIN journeys j ON j.number = r.journey
WHERE r.customer = :number AND r.at BETWEEN :since AND :until
"""

_QUEUED = """
SELECT j.id, d.key, d.at, d.number FROM deferred d JOIN journeys j ON j.number = d.journey
WHERE d.customer = :number AND d.at BETWEEN :since AND :until
"""

_PAUSES = """
SELECT e.serial, t.at, t.state
FROM enrollments e JOIN transitions t ON t.journey = e.journey AND t.n > 1 AND t.state IN ('PAUSED', 'ACTIVE')
WHERE e.customer = :number AND e.status <> 'HOLDOUT' AND t.at BETWEEN :since AND :until
  AND t.at BETWEEN e.entered_at AND ifnull(e.ended_at, t.at)
"""


@frozen
class RunOfLine:
    """What a line says of the run it belongs to."""

    journey: str
    number: int
    program: Program | None
    version: int
    status: str
    reason: str
    entered_at: int
    ended_at: int | None
    converted_at: int | None
    pruned: int


def timeline_of(  # noqa: PLR0917 a person and a window
    reader: SqlReader,
    programs: Mapping[int, Program],
    tenant: str,
    customer: str,
    since: int,
    until: int,
    take: int | None,
) -> Timeline | None:
    """Return the newest `take` moments of a customer from `since` to `until`, or all; None for an unknown customer.

    It takes a fixed number of statements: inputs, runs, moves, messages, pauses, queues, the last refusal of each
    journey.
    """
    numbers = reader.rows("SELECT number FROM customers WHERE tenant = ? AND id = ?", (tenant, customer))
    take = _LAST if take is None else take
    told = {"tenant": tenant, "customer": customer, "since": since, "until": until, "take": take}
    inputs = reader.rows(_INPUTS, told)
    if not numbers and not inputs:
        return None
    asked = {**told, "number": numbers[0][0] if numbers else 0}
    runs = {row[0]: RunOfLine(row[1], row[2], programs.get(row[3]), *row[4:]) for row in reader.rows(_RUNS, asked)}
    moves, messages = reader.rows(_MOVES, asked), reader.rows(_MESSAGES, asked)
    found: list[PlacedMoment] = [
        *(_told(row) for row in inputs),
        *(_queued(row) for row in reader.rows(_QUEUED, asked)),
        *(_refused(row) for row in reader.rows(_REFUSALS, asked)),
        *(each for serial, run in runs.items() for each in _of_run(serial, run)),
        *(each for row in moves for each in _of_move(row, runs[row[0]])),
        *(_paused(row, runs[row[0]]) for row in reader.rows(_PAUSES, asked)),
        *(each for row in messages for each in _of_message(row, runs[row[0]])),
    ]
    found = sorted((each for each in found if since <= each[0][0] <= until), key=lambda each: each[0])
    cut = any(rows and rows[0][place] > take for rows, place in ((inputs, 7), (moves, 4), (messages, 9)))
    return Timeline(tenant, customer, tuple([sound(each) for _, each in found[-take:]]), cut or len(found) > take)


def _told(row: Sequence[Any]) -> PlacedMoment:
    """Read an input of the host."""
    seq, kind, type_, at, id_, text, outcome, _ = row
    data = json.loads(text) if text else {}
    words = {"event": f"event {type_}", "put": "attributes"}.get(kind, f"{kind} by hand")
    journey = type_ if kind in ABOUT_JOURNEYS else None
    notes = [] if outcome == "handled" else [outcome or "waits for a tick"]
    end = f" ({', '.join(notes)})" if notes else ""
    values = {"type": type_, "id": id_, "outcome": outcome, "data": data}
    told = f"{words}{_listed(data)}{end}"
    return (at, _TOLD, seq, 0, 0), Moment(from_micros(at), kind, told, journey, data=values)


def _listed(data: Mapping[str, object]) -> str:
    """Write values as a list.

    >>> _listed({"amount": 5, "sku": "a"}), _listed({})
    (": amount = 5, sku = 'a'", '')
    """
    return ": " + ", ".join(f"{name} = {value!r}" for name, value in data.items()) if data else ""


def _refused(row: Sequence[Any]) -> PlacedMoment:
    """Read the last refusal of a journey."""
    journey, reason, at, text, number = row
    seen = json.loads(text) if text else {}
    moment = Moment(from_micros(at), "refusal", f"refused, {reason}{_listed(seen)}", journey, data={"seen": seen})
    return (at, _REFUSED, number, 0, 0), moment


def _queued(row: Sequence[Any]) -> PlacedMoment:
    """Read a place in the queue for a slot."""
    journey, key, at, number = row
    moment = Moment(from_micros(at), "queue", "waits for a slot of the entry limit", journey, data={"key": key})
    return (at, _REFUSED, number, 1, 0), moment


def _of_run(serial: int, run: RunOfLine) -> Iterator[PlacedMoment]:
    """Yield when a customer entered, reached the goal, and left."""
    data: dict[str, object] = {"version": run.version}
    word = "is in the holdout" if run.status == HOLDOUT else "enters"
    entry = _moment(run, run.entered_at, "entry", f"{word}, version {run.version}", data)
    yield _came(run.entered_at, serial, 0, 0), entry
    if run.converted_at is not None:
        yield _came(run.converted_at, serial, _LAST, 0), _moment(run, run.converted_at, "goal", "reaches the goal", {})
    if run.ended_at is not None:
        why = (f" ({run.reason})" if run.reason else "") + ("; the visits were pruned" if run.pruned else "")
        data = {"status": run.status, "reason": run.reason}
        yield _came(run.ended_at, serial, _LAST, 1), _moment(run, run.ended_at, "end", f"{run.status}{why}", data)


def _paused(row: Sequence[Any], run: RunOfLine) -> PlacedMoment:
    """Read a pause of a journey, or its resume, after which a customer inside moves on."""
    serial, at, state = row
    kind, told = ("pause", "the journey is paused") if state == "PAUSED" else ("resume", "the journey is resumed")
    return _came(at, serial, 0, 1), _moment(run, at, kind, told, {})


def _of_move(row: Sequence[Any], run: RunOfLine) -> Iterator[PlacedMoment]:
    """Yield which steps were left, passed and reached at one instant."""
    serial, visit, at, text, _ = row
    steps = json.loads(text)
    for key, (step, status, outcome) in enumerate(steps):
        n = max(visit, 1) + key
        told = f"{step}: {_became(status, outcome)}{_changes(run, step) if status == COMPLETED else ''}"
        told += ", migrated" if status == EXITED and key + 1 < len(steps) else ""  # any other exit ends the run
        data = {"n": n, "status": status, "outcome": outcome}
        part = -1 if status == ACTIVE else 0  # a visit entered and left at one instant is entered first
        yield _came(at, serial, n, part), _moment(run, at, "visit", told, data, step)


def _became(status: str, outcome: str) -> str:
    """Return what became of a visit, in words.

    >>> _became("COMPLETED", "yes"), _became("COMPLETED", ""), _became("ACTIVE", ""), _became("SKIPPED", "consent")
    ('yes', 'completed', 'waits', 'skipped, consent')
    """
    word = "waits" if status == ACTIVE else status.lower()
    return outcome if status == COMPLETED and outcome else ", ".join(filter(None, (word, outcome)))


def _changes(run: RunOfLine, step: str) -> str:
    """Return what an Update of the run's version changes, in words."""
    steps: Iterable[object] = run.program.journey.steps if run.program else ()
    found = next((each for each in steps if isinstance(each, Update) and each.id == step), None)
    return f" ({', '.join(map(str, found.changes))})" if found else ""


def _of_message(row: Sequence[Any], run: RunOfLine) -> Iterator[PlacedMoment]:
    """Yield when a message was made, and what a worker answered."""
    serial, n, step, channel, template, at, status, attempts, text, _, id_, error = row
    flags = json.loads(text) if text else {}
    data = {"id": id_, "channel": channel, "template": template, "status": status}
    data |= {"attempts": attempts, "error": error}
    made = f"message {channel} {template!r}: now {became(status, attempts, error)}"
    yield _came(at, serial, n, 1), _moment(run, at, "message", made, data, step)
    for kind in ANSWERED:
        if kind in flags:
            first = flags[kind][0]
            told = f"message {channel} {template!r} {kind}"
            yield _came(first, serial, n, 2), _moment(run, first, "message", told, data, step)


def _came(at: int, serial: int, n: int, part: int) -> MomentKey:
    return (at, _CAME, serial, n, part)


def _moment(  # noqa: PLR0917 what a moment is made of
    run: RunOfLine, at: int, kind: str, text: str, data: Mapping[str, object], step: str | None = None
) -> Moment:
    return Moment(from_micros(at), kind, text, run.journey, run.number, step, data)
