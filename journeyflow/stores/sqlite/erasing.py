"""Removing the personal data of forgotten customers from a SQLite file (R86)."""

import sqlite3
from collections.abc import Iterable

from journeyflow.records.changes import Changes, Forgotten
from journeyflow.records.forgetting import without_error, without_person
from journeyflow.records.message_ids import place_of
from journeyflow.records.rows import Input

OF_RUNS = "enrollment IN (SELECT serial FROM enrollments WHERE customer = ?)"

STATEMENTS = (
    "UPDATE enrollments SET trigger_data = NULL, memory = NULL, key = '' WHERE customer = ?",
    f"UPDATE moves SET seen = NULL WHERE {OF_RUNS}",
    f"UPDATE messages SET data = NULL, status = iif(status = 'QUEUED', 'CANCELLED', status) WHERE {OF_RUNS}",
    "DELETE FROM deferred WHERE customer = ?",
    "UPDATE last_refusals SET seen = NULL WHERE customer = ?",
)
"""The statements that clear the runs of a customer, by number (see `records/forgetting.py`)."""

LISTS = """DELETE FROM list_members WHERE tenant = :tenant AND customer = :customer AND list IN (
    SELECT m.value FROM customers c, json_each(c.attributes, '$.lists') m WHERE c.number = :number)"""
"""The statement that removes a customer from the lists that the attributes name."""

INPUTS = "SELECT seq, tenant, customer, kind, type, at, id, data, outcome FROM inputs"


def rename(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Rename customers to their anonymous names, before other changes are written: a new customer may have the id."""
    rows = [(person.name, person.number) for person in people]
    connection.executemany("UPDATE customers SET id = ?, attributes = '{}' WHERE number = ?", rows)


def forget(connection: sqlite3.Connection, changes: Changes) -> None:
    """Remove the personal data of customers who have been renamed already (R86)."""
    retold = [(text, seq) for seq, text in changes.retold]
    connection.executemany("UPDATE inputs SET data = ? WHERE seq = ?", retold)
    for person in changes.forgotten:
        for statement in STATEMENTS:
            connection.execute(statement, (person.number,))
        _forget_inputs(connection, person)
    _hush(connection, changes.forgotten)


def _forget_inputs(connection: sqlite3.Connection, person: Forgotten) -> None:
    """Remove the personal data from a customer's inputs; from unhandled ones only if the inbox is to be emptied."""
    rows = connection.execute(
        f"{INPUTS} WHERE tenant = ? AND customer = ? AND (? OR outcome IS NOT NULL)",
        (person.tenant, person.id, person.inbox),
    ).fetchall()
    later = set(person.later)
    bare = [without_person(Input._make(row[:8]), row[8], person.name) for row in rows if row[0] not in later]
    connection.executemany(
        "UPDATE inputs SET customer = ?, id = ?, data = ?, outcome = ? WHERE seq = ?",
        [(item.customer, item.id, item.text, outcome, item.seq) for item, outcome in bare],
    )


def _hush(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Remove the errors that channels reported for messages of some customers; this reads every nack with an error."""
    inbox = {
        serial: person.inbox
        for person in people
        for (serial,) in connection.execute("SELECT serial FROM enrollments WHERE customer = ?", (person.number,))
    }
    nacks = connection.execute(f"{INPUTS} WHERE kind = 'nack' AND data IS NOT NULL").fetchall() if inbox else []
    connection.executemany(
        "UPDATE inputs SET data = ? WHERE seq = ?",
        [
            (without_error(Input._make(row[:8])).text, row[0])
            for row in nacks
            if (place := place_of(row[6])) is not None and (inbox.get(place[0]) or (place[0] in inbox and row[8]))
        ],
    )
