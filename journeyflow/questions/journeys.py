"""Questions about journeys: their states, schedules and counts (R84)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.definition.entry import Pull
from journeyflow.errors import brief
from journeyflow.questions.paging import Page, Slice, cursor_of, instant_or_none, keyset
from journeyflow.stores.contract import SqlReader

STATES_BY_NAME: Mapping[str, tuple[str, ...]] = {"Enabled": ("ACTIVE",), "Disabled": ("DRAFT", "PAUSED")}
"""Octeth's words for the states of a journey (R11)."""

JOURNEY_STATES = ("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED", *STATES_BY_NAME)
"""The states that journeys can be filtered by."""


@frozen
class JourneyInfo(Rows):
    """A journey as it stands: its newest version, its state and since when, how many people it has seen (R11).

    `number` is unique over all tenants, and no other journey ever gets it again (R15). `trigger` is the event type of
    the newest version, None for a journey entered by hand or on a schedule. `steps` counts the steps. `enrolled` is the
    sum of `active`, `completed`, `exited` and `failed`; `holdout`, those who get nothing, is counted apart (R25, R81).
    Instants are in UTC: `activated_at` is the first activation, `resumed_at` the newest resume, `created_at` the first
    publication, `published_at` the newest version's, `updated_at` the newest change of any kind: of a version, a text,
    the state or a step's flag; None is never.
    """

    tenant: str
    id: str
    name: str = field(repr=brief)
    status: str
    trigger: str | None
    version: int
    steps: int
    enrolled: int
    active: int
    completed: int
    exited: int
    failed: int
    holdout: int
    activated_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    archived_at: datetime | None
    published_at: datetime = field(repr=False)
    created_at: datetime = field(repr=False)
    updated_at: datetime = field(repr=False)
    description: str = field(repr=False)
    notes: str = field(repr=False)
    schedule: str | None = field(default=None, repr=False)
    """On which schedule it pulls which customers in, in words; None for a journey that does not (R27)."""
    number: int = field(default=0, repr=False, kw_only=True)
    meta: Mapping[str, object] = field(factory=dict, repr=False, kw_only=True, hash=False)
    """What the host keeps with it (`Journey.meta`)."""

    @property
    def enabled(self) -> bool:
        """Whether it is ACTIVE, which Octeth calls Enabled; Disabled is DRAFT, or PAUSED after an activation (R11)."""
        return self.status == "ACTIVE"


_CREATED = "(SELECT p.at FROM publications p WHERE p.journey = j.number ORDER BY p.n LIMIT 1)"

JOURNEY_ORDERS = {"id": "j.id", "name": "ifnull(v.definition ->> '$.name', '')", "created": _CREATED}
"""What journeys can be sorted by, in SQL; their numbers break ties."""

_JOURNEYS = f"""
SELECT j.tenant, j.id, v.definition, v.version, v.published_at, j.number, {_CREATED},
       (SELECT max(at) FROM (
            SELECT p.at FROM publications p WHERE p.journey = j.number
            UNION ALL SELECT w.edited_at FROM versions w WHERE w.journey = j.number
            UNION ALL SELECT t.at FROM transitions t WHERE t.journey = j.number
            UNION ALL SELECT f.at FROM flags f WHERE f.journey = j.number) a)
"""

_OF_JOURNEYS = """
FROM journeys j
JOIN versions v ON v.number = (
    SELECT p.version FROM publications p WHERE p.journey = j.number ORDER BY p.n DESC LIMIT 1)
WHERE j.tenant = :tenant"""

_ASKED = {
    "journey": "j.id = :journey",
    "number": "j.number = :number",
    "customer": """j.number IN (
    SELECT e.journey FROM enrollments e JOIN customers c ON c.number = e.customer
    WHERE c.tenant = :tenant AND c.id = :customer AND e.status = 'ACTIVE')""",
    "trigger": "v.definition ->> '$.trigger.event' = :trigger",
    "states": """ifnull(
    (SELECT t.state FROM transitions t WHERE t.journey = j.number ORDER BY t.n DESC LIMIT 1), 'DRAFT'
  ) IN (SELECT value FROM json_each(:states))""",
}
"""What journeys can be narrowed by; only what is asked for is written, so that an index finds one journey of many."""

_COUNTS = """
SELECT journey, what, total FROM counters
WHERE journey IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND day = '*' AND domain = '*' AND step = ''
"""
"""What each journey as a whole has counted over all days (R80): this costs as many rows as journeys, not people."""

_STATES = """
SELECT journey, at, state FROM transitions
WHERE journey IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY journey, n
"""


def journeys(
    reader: SqlReader,
    tenant: str,
    part: Slice,
    *,
    journey: str | None = None,
    number: int | None = None,
    status: str | None = None,
    trigger: str | None = None,
    customer: str | None = None,
) -> Page[JourneyInfo]:
    """Return a page of journeys with their counts, in a fixed number of statements (F88 to F91, R84)."""
    states = None if status is None else json.dumps(STATES_BY_NAME.get(status, (status,)))
    named = {"journey": journey, "number": number, "customer": customer, "trigger": trigger, "states": states}
    asked = {"tenant": tenant, **{name: value for name, value in named.items() if value is not None}}
    of_them = " AND ".join([_OF_JOURNEYS, *(_ASKED[name] for name in named if name in asked)])
    value = JOURNEY_ORDERS[part.order]
    beyond, order, of_part = keyset(part, value, "j.number")
    rows = reader.rows(
        f"{_JOURNEYS}, {value} {of_them} AND {beyond} ORDER BY {order} LIMIT :take OFFSET :skip", {**asked, **of_part}
    )
    total = len(rows) if part.is_whole else reader.rows(f"SELECT count(*) {of_them}", asked)[0][0]
    numbers = json.dumps([row[5] for row in rows])
    counts: dict[int, dict[str, int]] = {}
    for of, what, count in reader.rows(_COUNTS, (numbers,)):
        counts.setdefault(of, {})[what] = count
    history: dict[int, list[tuple[int, str]]] = {}
    for of, at, state in reader.rows(_STATES, (numbers,)):
        history.setdefault(of, []).append((at, state))
    return part.page(
        rows,
        total,
        lambda row: _journey(row[:8], history.get(row[5], []), counts.get(row[5], {})),
        lambda row: cursor_of(row[8], row[5], plain=False),
    )


def _journey(row: tuple[Any, ...], history: Sequence[tuple[int, str]], counts: Mapping[str, int]) -> JourneyInfo:
    tenant, journey, text, version, published_at, number, created_at, updated_at = row
    definition = json.loads(text)
    active = [at for at, state in history if state == "ACTIVE"]
    last = {state: at for at, state in history}
    entered = counts.get("entered", 0)
    completed, exited, failed = (counts.get(word, 0) for word in ("completed", "exited", "failed"))
    return JourneyInfo(
        tenant,
        journey,
        definition.get("name", ""),
        history[-1][1] if history else "DRAFT",
        definition["trigger"].get("event"),
        version,
        len(definition["steps"]),
        entered,
        entered - completed - exited - failed,
        completed,
        exited,
        failed,
        counts.get("holdout", 0),
        activated_at=instant_or_none(active[0] if active else None),
        paused_at=instant_or_none(last.get("PAUSED")),
        resumed_at=instant_or_none(active[-1] if len(active) > 1 else None),
        archived_at=instant_or_none(last.get("ARCHIVED")),
        published_at=from_micros(published_at),
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        description=definition.get("description", ""),
        notes=definition.get("notes", ""),
        schedule=_schedule(definition["trigger"].get("pull")),
        number=number,
        meta=definition.get("meta", {}),
    )


def _schedule(pull: Mapping[str, Any] | None) -> str | None:
    return None if pull is None else str(Pull(pull["every"], list=pull.get("list"), size=pull.get("size")))
