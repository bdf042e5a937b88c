"""Taking out of a SQLite file what is not to stay there."""

import sqlite3
from collections.abc import Iterable

from journeyflow.forgetting import place_of, without_error, without_person
from journeyflow.records import Forgotten, Input

OF_RUNS = "enrollment IN (SELECT serial FROM enrollments WHERE customer = ?)"

STATEMENTS = (
    "UPDATE enrollments SET trigger_data = NULL, memory = NULL, key = '' WHERE customer = ?",
    f"UPDATE moves SET seen = NULL WHERE {OF_RUNS}",
    f"UPDATE messages SET data = NULL, status = iif(status = 'QUEUED', 'CANCELLED', status) WHERE {OF_RUNS}",
    "DELETE FROM deferred WHERE customer = ?",
    "UPDATE last_refusals SET seen = NULL WHERE customer = ?",
)
"""What is written about the runs of a customer, by number (see `journeyflow.forgetting`)."""

INPUTS = "SELECT seq, tenant, customer, kind, type, at, id, data, outcome FROM inputs"


def forget(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Take out what is personal of customers (R86)."""
    for person in people:
        _forget(connection, person)


def _forget(connection: sqlite3.Connection, person: Forgotten) -> None:
    """Take out what is personal of one; inputs are looked through from the first to the last."""
    connection.execute("UPDATE customers SET id = ?, attributes = '{}' WHERE number = ?", (person.name, person.number))
    for statement in STATEMENTS:
        connection.execute(statement, (person.number,))
    rows = connection.execute(f"{INPUTS} WHERE tenant = ? AND customer = ?", (person.tenant, person.id)).fetchall()
    bare = [without_person(Input._make(row[:8]), row[8], person.name) for row in rows]
    connection.executemany(
        "UPDATE inputs SET customer = ?, id = ?, data = ?, outcome = ? WHERE seq = ?",
        [(item.customer, item.id, item.text, outcome, item.seq) for item, outcome in bare],
    )
    serials = {
        serial
        for (serial,) in connection.execute("SELECT serial FROM enrollments WHERE customer = ?", (person.number,))
    }
    nacks = connection.execute(f"{INPUTS} WHERE kind = 'nack' AND data IS NOT NULL").fetchall() if serials else []
    connection.executemany(
        "UPDATE inputs SET data = ? WHERE seq = ?",
        [
            (without_error(Input._make(row[:8])).text, row[0])
            for row in nacks
            if (place := place_of(row[6])) is not None and place[0] in serials
        ],
    )
