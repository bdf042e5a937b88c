"""Everything that is kept about one customer, as plain values ready for JSON, for a request for access (R86)."""

import json
from collections.abc import Sequence
from typing import Any

from journeyflow.basics.moments import iso
from journeyflow.records.forgetting import PERSONAL
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.views import MESSAGE_ID, VISITS

Values = dict[str, object]


def _personal(table: str, alias: str) -> str:
    """Name what is personal in the rows of a table: what forgetting removes (see `records/forgetting.py`)."""
    return ", ".join(f"{alias}.{column}" for column in PERSONAL[table])


_RUNS = f"""
SELECT e.serial, j.id, v.version, e.run, e.status, e.reason, e.awaits,
       CASE WHEN e.step >= 0 THEN json_extract(v.definition, '$.steps[' || e.step || '].id') END,
       e.entered_at, e.ended_at, e.converted_at, e.due, {_personal("enrollments", "e")}
FROM enrollments e JOIN journeys j ON j.number = e.journey JOIN versions v ON v.number = e.version
WHERE e.customer = ? ORDER BY e.serial
"""

_VISITS = f'SELECT n, step, status, outcome, entered, "left" FROM ({VISITS}) w WHERE enrollment = ? ORDER BY n'

_COMPARED = f"""
SELECT m.visit, m.at, {_personal("moves", "m")} FROM moves m WHERE m.enrollment = ? AND m.seen IS NOT NULL
ORDER BY m.visit
"""

_MESSAGES = f"""
SELECT {MESSAGE_ID}, j.id, e.run, m.n, m.step, m.channel, m.template, m.status, m.attempts, m.domain,
       m.at, m.expires_at, m.flags, {_personal("messages", "m")}
FROM messages m JOIN enrollments e ON e.serial = m.enrollment JOIN journeys j ON j.number = e.journey
WHERE e.customer = ? ORDER BY m.enrollment, m.n
"""

_WAITING = """
SELECT j.id, d.key, d.at, d.trigger_data FROM deferred d JOIN journeys j ON j.number = d.journey
WHERE d.customer = ? ORDER BY d.number
"""

_LISTS = "SELECT list FROM list_members WHERE tenant = ? AND customer = ? ORDER BY list"

_INPUTS = """
SELECT seq, kind, type, id, ifnull(outcome, 'pending'), at, data FROM inputs WHERE tenant = ? AND customer = ?
ORDER BY at, seq
"""

_ANSWERS = f"""
SELECT seq, kind, type, id, ifnull(outcome, 'pending'), at, data FROM inputs
WHERE kind = 'nack' AND data IS NOT NULL AND id IN (
    SELECT {MESSAGE_ID} FROM messages m JOIN enrollments e ON e.serial = m.enrollment WHERE e.customer = ?)
ORDER BY at, seq
"""
"""What channels said about messages that they could not deliver."""

_REFUSALS = f"""
SELECT j.id, r.reason, r.at, {_personal("last_refusals", "r")}
FROM last_refusals r JOIN journeys j ON j.number = r.journey
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
        "lists": [name for (name,) in reader.rows(_LISTS, (tenant, customer))],
        "enrollments": [_run(reader, row) for row in reader.rows(_RUNS, (number,))],
        "messages": [_message(row) for row in reader.rows(_MESSAGES, (number,))],
        "waiting": [
            {"journey": journey, "key": key, "at": iso(at), "trigger": _loaded(data)}
            for journey, key, at, data in reader.rows(_WAITING, (number,))
        ],
        "refusals": [
            {"journey": journey, "reason": reason, "at": iso(at), **_named("last_refusals", own)}
            for journey, reason, at, *own in reader.rows(_REFUSALS, (number,))
        ],
        "told": inputs,
        "answers": [_input(row) for row in reader.rows(_ANSWERS, (number,))],
    }


SHOWN = {
    ("enrollments", "trigger_data"): "trigger",
    ("moves", "seen"): "values",
    ("last_refusals", "seen"): "compared",
}
"""The names that columns have in the answer, where these are others."""


def _named(table: str, values: Sequence[str | None]) -> Values:
    """Return what is personal in a row under its names: JSON as the values that it is, keys as text."""
    return {
        SHOWN.get((table, column), column): value if bare == "" else _loaded(value)
        for (column, bare), value in zip(PERSONAL[table].items(), values, strict=True)
    }


def _when(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)


def _loaded(text: str | None) -> Any:  # noqa: ANN401 what JSON holds
    return json.loads(text) if text else {}


def _run(reader: SqlReader, row: tuple[Any, ...]) -> Values:
    serial, *words, entered, ended, converted, due = row[:12]
    return {
        **dict(zip(("journey", "version", "run", "status", "reason", "awaits", "step"), words, strict=True)),
        "entered_at": iso(entered),
        "ended_at": _when(ended),
        "converted_at": _when(converted),
        "due": _when(due),
        **_named("enrollments", row[12:]),
        "visits": [
            {"n": n, "step": at, "status": status, "outcome": outcome, "entered_at": iso(came), "left_at": _when(left)}
            for n, at, status, outcome, came, left in reader.rows(_VISITS, (serial,))
        ],
        "compared": [
            {"visit": visit, "at": iso(at), **_named("moves", own)}
            for visit, at, *own in reader.rows(_COMPARED, (serial,))
        ],
    }


def _message(row: tuple[Any, ...]) -> Values:
    *words, at, expires, flags = row[:13]
    names = ("id", "journey", "run", "n", "step", "channel", "template", "status", "attempts", "domain")
    return {
        **dict(zip(names, words, strict=True)),
        "at": iso(at),
        "expires_at": _when(expires),
        **_named("messages", row[13:]),
        "happened": {kind: {"first": iso(first), "count": count} for kind, (first, count) in _loaded(flags).items()},
    }


def _input(row: tuple[Any, ...]) -> Values:
    *words, at, data = row
    return {
        **dict(zip(("seq", "kind", "type", "id", "outcome"), words, strict=True)),
        "at": iso(at),
        "data": _loaded(data),
    }
