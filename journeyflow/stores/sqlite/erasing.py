"""Removing the personal data of forgotten customers from a SQLite file (R86)."""

import sqlite3
from collections.abc import Iterable

from journeyflow.records.changes import Erased, Forgotten
from journeyflow.records.forgetting import without_error, without_person
from journeyflow.records.message_ids import place_of
from journeyflow.stores.sqlite.rows import INPUT_ROW, read_input

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

INPUTS = f"SELECT {INPUT_ROW}, outcome FROM inputs"


def rename(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Rename customers before anything is written: their ids may belong to new customers by then."""
    rows = [(person.name, person.number) for person in people]
    connection.executemany("UPDATE customers SET id = ?, attributes = '{}' WHERE number = ?", rows)


def forget(connection: sqlite3.Connection, erased: Erased) -> None:
    """Remove the personal data of customers who have been renamed to their anonymous names (R86)."""
    retold = [(text, seq) for seq, text in erased.retold]
    connection.executemany("UPDATE inputs SET data = ? WHERE seq = ?", retold)
    for person in erased.forgotten:
        for statement in STATEMENTS:
            connection.execute(statement, (person.number,))
        _forget_inputs(connection, person)
    _hush(connection, erased.forgotten)


def _forget_inputs(connection: sqlite3.Connection, person: Forgotten) -> None:
    """Remove personal data from inputs about a customer; from waiting ones only if the inbox is to be emptied."""
    rows = connection.execute(
        f"{INPUTS} WHERE tenant = ? AND customer = ? AND (? OR outcome IS NOT NULL)",
        (person.tenant, person.id, person.inbox),
    ).fetchall()
    later = set(person.later)
    told = ((read_input(row), outcome) for *row, outcome in rows)
    bare = [without_person(item, outcome, person.name) for item, outcome in told if item.seq not in later]
    connection.executemany(
        "UPDATE inputs SET customer = ?, id = ?, data = ?, outcome = ? WHERE seq = ?",
        [(item.customer, item.id, item.text, outcome, item.seq) for item, outcome in bare],
    )


def _hush(connection: sqlite3.Connection, people: Iterable[Forgotten]) -> None:
    """Remove what channels said about messages of some customers; every nack with an error is looked at."""
    inbox = {
        serial: person.inbox
        for person in people
        for (serial,) in connection.execute("SELECT serial FROM enrollments WHERE customer = ?", (person.number,))
    }
    nacks = connection.execute(f"{INPUTS} WHERE kind = 'nack' AND data IS NOT NULL").fetchall() if inbox else []
    rows = list[tuple[str | None, int]]()
    for *row, outcome in nacks:
        item = read_input(row)
        serial, _ = place_of(item.id) or (0, 0)
        if inbox.get(serial) or (serial in inbox and outcome):
            rows.append((without_error(item).text, item.seq))
    connection.executemany("UPDATE inputs SET data = ? WHERE seq = ?", rows)
