"""Removing the personal data of forgotten customers from a PostgreSQL schema (R86)."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from journeyflow.records.changes import Erased, Forgotten
from journeyflow.records.forgetting import FORGOTTEN, anonymous, without_person
from journeyflow.records.rows import Input
from journeyflow.records.suppression import KEY, known_events, suppressions
from journeyflow.stores.erasing import INPUTS, emptied, hushed, read_told
from journeyflow.stores.postgres.sets import SetWriter

OF_RUNS = "enrollment IN (SELECT serial FROM enrollments WHERE customer = %(number)s)"

ROWS = {
    "enrollments": "customer = %(number)s",
    "moves": OF_RUNS,
    "messages": OF_RUNS,
    "last_refusals": "customer = %(number)s",
}
"""The rows of each table that are about a customer."""


BEFORE = """coalesce((SELECT max(id) FROM customers
    WHERE tenant = %(owner)s AND id < %(customer)s AND ascii(id) <> 31), '')"""
"""The id before that of a forgotten customer: pulls that asked the customer last go on after it, with the same one."""

STATEMENTS = (
    *emptied(ROWS),
    f"UPDATE messages SET status = 'CANCELLED' WHERE status = 'QUEUED' AND {OF_RUNS}",
    "DELETE FROM deferred WHERE customer = %(number)s",
    *(
        f"UPDATE pulls SET {column} = {BEFORE} WHERE {column} = %(customer)s AND tenant = %(owner)s"
        for column in ("after", "origin")
    ),
)
"""The statements that remove what is personal of a customer (see `records/forgetting.py`)."""

SUPPRESSION_ROW = "hash, tenant, kind, before"

LATER_COUNTS = "(hash, tenant) DO UPDATE SET before = greatest(suppressions.before, excluded.before)"


def rename(sets: SetWriter, people: Iterable[Forgotten]) -> None:
    """Rename customers before anything is written: their ids may belong to new customers by then."""
    sets.change("customers", "number", "id, attributes", [(each.number, each.name, "{}") for each in people])


def forget(sets: SetWriter, erased: Erased) -> None:
    """Remove the personal data of customers who have been renamed to their anonymous names (R86)."""
    sets.change("inputs", "seq", "data", erased.retold)
    sets.add("suppressions", SUPPRESSION_ROW, _newest(erased.suppressed), LATER_COUNTS)
    for person in erased.forgotten:
        for statement in STATEMENTS:
            sets.run(statement, {"number": person.number, "owner": person.tenant, "customer": person.id})
        _forget_inputs(sets, person)
    _dismiss(sets, erased.dismissed)
    _hush(sets, erased.forgotten)


def _newest(listed: Iterable[Any]) -> list[Any]:
    """Return entries of the suppression list, of equal ones the last."""
    return [*{row[:2]: tuple(row) for row in sorted(listed, key=itemgetter(3))}.values()]


def _forget_inputs(sets: SetWriter, person: Forgotten) -> None:
    """Remove personal data from inputs about a customer; from waiting ones only if the inbox is to be emptied."""
    waiting = "" if person.inbox else " AND outcome IS NOT NULL"
    rows = sets.ask(
        f"{INPUTS} WHERE tenant = %(owner)s AND customer = %(customer)s{waiting} ORDER BY seq",
        {"owner": person.tenant, "customer": person.id},
    )
    told = read_told(rows, set(person.later))
    _bare(sets, [without_person(item, outcome, person.name) for item, outcome in told])
    [(key,)] = sets.ask("SELECT value FROM meta WHERE name = %(name)s", {"name": KEY})
    sets.add("suppressions", SUPPRESSION_ROW, _newest(suppressions(key, person, known_events(told))), LATER_COUNTS)


def _dismiss(sets: SetWriter, seqs: Iterable[int]) -> None:
    """Remove personal data from inputs about customers who were forgotten before."""
    rows = sets.ask(f"{INPUTS} WHERE seq = ANY(%(seqs)s::bigint[]) ORDER BY seq", {"seqs": [*seqs]})
    _bare(sets, [without_person(item, FORGOTTEN, anonymous(0)) for item, _ in read_told(rows)])


def _bare(sets: SetWriter, told: Iterable[tuple[Input, str]]) -> None:
    """Write what stays of inputs, each given with its outcome."""
    rows = [(item.seq, item.customer, item.id, item.text, outcome) for item, outcome in told]
    sets.change("inputs", "seq", "customer, id, data, outcome", rows)


def _hush(sets: SetWriter, people: Iterable[Forgotten]) -> None:
    """Remove what channels said about messages of some customers; every nack with an error is looked at."""
    inboxes = {person.number: person.inbox for person in people}
    runs = sets.ask(
        "SELECT serial, customer FROM enrollments WHERE customer = ANY(%(numbers)s::bigint[])",
        {"numbers": [*inboxes]},
    )
    inbox = {serial: inboxes[customer] for serial, customer in runs}
    nacks = sets.ask(f"{INPUTS} WHERE kind = 'nack' AND data IS NOT NULL ORDER BY seq") if inbox else []
    sets.change("inputs", "seq", "data", [(item.seq, item.text) for item in hushed(nacks, inbox)])
