"""Everything that is kept about one customer, as plain values ready for JSON, for a request for access (R86)."""

import json
from typing import Any

from journeyflow.basics.moments import iso
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.schema import MESSAGE_ID, VISITS

Values = dict[str, object]

_RUNS = """
SELECT e.serial, j.id, v.version, e.run, e.key, e.status, e.reason, e.entered_at, e.ended_at, e.converted_at,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END, e.due, e.awaits,
       e.trigger_data, e.memory
FROM enrollments e JOIN journeys j ON j.number = e.journey JOIN versions v ON v.number = e.version
WHERE e.customer = ? ORDER BY e.serial
"""

_VISITS = f"SELECT n, step, status, outcome, entered, left FROM ({VISITS}) WHERE enrollment = ? ORDER BY n"

_COMPARED = "SELECT visit, at, seen FROM moves WHERE enrollment = ? AND seen IS NOT NULL ORDER BY visit"

_MESSAGES = f"""
SELECT {MESSAGE_ID}, j.id, e.run, m.n, m.step,
       m.channel, m.template, m.status, m.attempts, m.domain, m.at, m.expires_at, m.data, m.flags
FROM messages m JOIN enrollments e ON e.serial = m.enrollment JOIN journeys j ON j.number = e.journey
WHERE e.customer = ? ORDER BY m.enrollment, m.n
"""

_INPUTS = """
SELECT seq, kind, type, id, ifnull(outcome, 'pending'), at, data FROM inputs WHERE tenant = ? AND customer = ?
ORDER BY at, seq
"""

_REFUSALS = """
SELECT j.id, r.reason, r.at, r.seen FROM last_refusals r JOIN journeys j ON j.number = r.journey
WHERE r.customer = ? ORDER BY j.id
"""


def dossier(reader: SqlReader, tenant: str, customer: str) -> Values | None:
    """Return everything that is kept about a customer, instants as ISO 8601 text; None if there is nothing."""
    people = reader.rows("SELECT number, attributes FROM customers WHERE tenant = ? AND id = ?", (tenant, customer))
    inputs = [_input(row) for row in reader.rows(_INPUTS, (tenant, customer))]
    if not people and not inputs:
        return None
    number, attributes = people[0] if people else (0, None)
    return {
        "tenant": tenant,
        "customer": customer,
        "attributes": _loaded(attributes),
        "enrollments": [_run(reader, row) for row in reader.rows(_RUNS, (number,))],
        "messages": [_message(row) for row in reader.rows(_MESSAGES, (number,))],
        "refusals": [
            {"journey": journey, "reason": reason, "at": iso(at), "compared": _loaded(seen)}
            for journey, reason, at, seen in reader.rows(_REFUSALS, (number,))
        ],
        "told": inputs,
    }


def _when(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)


def _loaded(text: str | None) -> Any:  # noqa: ANN401 what JSON holds
    return json.loads(text) if text else {}


def _run(reader: SqlReader, row: tuple[Any, ...]) -> Values:
    serial, *words, entered, ended, converted, step, due, awaits, trigger, memory = row
    return {
        **dict(zip(("journey", "version", "run", "key", "status", "reason"), words, strict=True)),
        "entered_at": iso(entered),
        "ended_at": _when(ended),
        "converted_at": _when(converted),
        "step": step,
        "due": _when(due),
        "awaits": awaits,
        "trigger": _loaded(trigger),
        "memory": _loaded(memory),
        "visits": [
            {"n": n, "step": at, "status": status, "outcome": outcome, "entered_at": iso(came), "left_at": _when(left)}
            for n, at, status, outcome, came, left in reader.rows(_VISITS, (serial,))
        ],
        "compared": [
            {"visit": visit, "at": iso(at), "values": _loaded(seen)}
            for visit, at, seen in reader.rows(_COMPARED, (serial,))
        ],
    }


def _message(row: tuple[Any, ...]) -> Values:
    *words, at, expires, data, flags = row
    names = ("id", "journey", "run", "n", "step", "channel", "template", "status", "attempts", "domain")
    return {
        **dict(zip(names, words, strict=True)),
        "at": iso(at),
        "expires_at": _when(expires),
        "data": _loaded(data),
        "happened": {kind: {"first": iso(first), "count": count} for kind, (first, count) in _loaded(flags).items()},
    }


def _input(row: tuple[Any, ...]) -> Values:
    *words, at, data = row
    return {
        **dict(zip(("seq", "kind", "type", "id", "outcome"), words, strict=True)),
        "at": iso(at),
        "data": _loaded(data),
    }
