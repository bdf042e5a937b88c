"""Removing the personal data of forgotten customers from a SQLite file (R86)."""

import sqlite3
from collections.abc import Iterable

from journeyflow.records.changes import Erased, Forgotten
from journeyflow.records.forgetting import FORGOTTEN, anonymous, without_person
from journeyflow.records.rows import Input
from journeyflow.records.suppression import KEY, known_events, suppressions
from journeyflow.stores.erasing import INPUTS, emptied, hushed, read_told

OF_RUNS = "enrollment IN (SELECT serial FROM enrollments WHERE customer = :number)"

ROWS = {
    "enrollments": "customer = :number",
    "moves": OF_RUNS,
    "messages": OF_RUNS,
    "last_refusals": "customer = :number",
}
"""The rows of each table that are about a customer."""


BEFORE = (
    """ifnull((SELECT max(id) FROM customers WHERE tenant = :tenant AND id < :customer AND unicode(id) <> 31), '')"""
)
"""The id before that of a forgotten customer: pulls that asked the customer last go on after it, with the same one."""

STATEMENTS = (
    *emptied(ROWS),
    f"UPDATE messages SET status = 'CANCELLED' WHERE status = 'QUEUED' AND {OF_RUNS}",
    "DELETE FROM deferred WHERE customer = :number",
    *(
        f"UPDATE pulls SET {column} = {BEFORE} WHERE {column} = :customer"
        " AND journey IN (SELECT number FROM journeys WHERE tenant = :tenant)"
        for column in ("after", "origin")
    ),
)
"""The statements that remove what is personal of a customer (see `records/forgetting.py`)."""

BARE = "UPDATE inputs SET customer = ?, id = ?, data = ?, outcome = ? WHERE seq = ?"

SUPPRESS = """INSERT INTO suppressions VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET before = max(before, excluded.before)"""


def rename(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Rename customers before anything is written: their ids may belong to new customers by then."""
    rows = [(person.name, person.number) for person in people]
    connection.executemany("UPDATE customers SET id = ?, attributes = '{}' WHERE number = ?", rows)


def forget(connection: sqlite3.Connection, erased: Erased) -> None:
    """Remove the personal data of customers who have been renamed to their anonymous names (R86)."""
    retold = [(text, seq) for seq, text in erased.retold]
    connection.executemany("UPDATE inputs SET data = ? WHERE seq = ?", retold)
    connection.executemany(SUPPRESS, erased.suppressed)
    for person in erased.forgotten:
        for statement in STATEMENTS:
            connection.execute(statement, {"number": person.number, "tenant": person.tenant, "customer": person.id})
        _forget_inputs(connection, person)
    _dismiss(connection, erased.dismissed)
    _hush(connection, erased.forgotten)


def _forget_inputs(connection: sqlite3.Connection, person: Forgotten) -> None:
    """Remove personal data from inputs about a customer; from waiting ones only if the inbox is to be emptied."""
    rows = connection.execute(
        f"{INPUTS} WHERE tenant = ? AND customer = ? AND (? OR outcome IS NOT NULL)",
        (person.tenant, person.id, person.inbox),
    ).fetchall()
    told = read_told(rows, set(person.later))
    _bare(connection, [without_person(item, outcome, person.name) for item, outcome in told])
    [(key,)] = connection.execute("SELECT value FROM meta WHERE name = ?", (KEY,)).fetchall()
    connection.executemany(SUPPRESS, suppressions(key, person, known_events(told)))


def _dismiss(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Remove personal data from inputs about customers who were forgotten before."""
    rows = [connection.execute(f"{INPUTS} WHERE seq = ?", (seq,)).fetchone() for seq in seqs]
    _bare(connection, [without_person(item, FORGOTTEN, anonymous(0)) for item, _ in read_told(rows)])


def _bare(connection: sqlite3.Connection, told: Iterable[tuple[Input, str]]) -> None:
    """Write what stays of inputs, each given with its outcome."""
    connection.executemany(BARE, [(item.customer, item.id, item.text, outcome, item.seq) for item, outcome in told])


def _hush(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Remove what channels said about messages of some customers; every nack with an error is looked at."""
    inbox = {
        serial: person.inbox
        for person in people
        for (serial,) in connection.execute(
            "SELECT serial FROM enrollments WHERE customer = ?", (person.number,)
        ).fetchall()
    }
    nacks = connection.execute(f"{INPUTS} WHERE kind = 'nack' AND data IS NOT NULL").fetchall() if inbox else []
    rows = [(item.text, item.seq) for item in hushed(nacks, inbox)]
    connection.executemany("UPDATE inputs SET data = ? WHERE seq = ?", rows)
