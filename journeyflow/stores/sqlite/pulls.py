"""Pulls in a SQLite file: the members of lists, and the state of each journey's round (R27)."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from journeyflow.basics.values import dumps
from journeyflow.records.changes import PullChanges
from journeyflow.stores.batch import NextMembers, PullRequest, PullsLoaded
from journeyflow.stores.rows import ROUND_ROW, question_marks, read_round

if TYPE_CHECKING:  # a host with a store in memory does not need sqlite3
    from sqlite3 import Connection


def load_members(connection: "Connection", request: PullRequest | None) -> NextMembers:
    """Return who comes next: two seeks for each journey."""
    if request is None:
        return {}
    return {
        journey: _following(connection, journey, tenant, name, request.ahead) for journey, tenant, name in request.lists
    }


def _following(connection: "Connection", journey: int, tenant: str, name: str | None, count: int) -> list[str]:
    """Return this many members of a list after the one asked last; the first follows the last."""
    column, rows, parameters = (
        ("customer", "list_members WHERE tenant = ? AND list = ?", (tenant, name))
        if name is not None
        else ("id", "customers WHERE tenant = ? AND unicode(id) <> 31", (tenant,))
    )
    found = connection.execute("SELECT after FROM pulls WHERE journey = ?", (journey,)).fetchone()
    after, names = found[0] if found else "", list[str]()
    for side in (">", "<="):
        sql = f"SELECT {column} FROM {rows} AND {column} {side} ? ORDER BY {column} LIMIT ?"
        names += [each for (each,) in connection.execute(sql, (*parameters, after, count - len(names))).fetchall()]
    return names


def load_pulls(
    connection: "Connection", request: PullRequest, members: NextMembers, numbers: Collection[int]
) -> PullsLoaded:
    """Return the `PullsLoaded` of a request, with the entries of some customers."""
    journeys = dumps(sorted(journey for journey, _, _ in request.lists))
    rounds = connection.execute(
        f"SELECT {ROUND_ROW} FROM pulls WHERE journey IN (SELECT value FROM json_each(?)) ORDER BY journey",
        (journeys,),
    ).fetchall()
    return PullsLoaded(
        {each.journey: each for each in map(read_round, rounds)},
        members,
        {journey: _entries(connection, journey, times, numbers) for journey, times in request.caps},
    )


def _entries(connection: "Connection", journey: int, times: int, numbers: Collection[int]) -> dict[int, list[int]]:
    """Return the instants of the last entries of some customers into a journey: a seek for each of them."""
    rows = connection.execute(
        "SELECT e.customer, e.entered_at FROM json_each(:customers) k JOIN enrollments e"
        " ON e.customer = k.value AND e.journey = :journey AND e.key = '' AND e.run > -:times + ("
        " SELECT max(n.run) FROM enrollments n WHERE n.customer = k.value AND n.journey = :journey AND n.key = '')"
        " ORDER BY e.customer, e.run",
        {"customers": dumps(sorted(numbers)), "journey": journey, "times": times},
    ).fetchall()
    entries: dict[int, list[int]] = {}
    for customer, entered_at in rows:
        entries.setdefault(customer, []).append(entered_at)
    return entries


def write_pulls(connection: "Connection", changes: PullChanges, emptied: Iterable[int]) -> None:
    """Write the changes of lists and pulls; `emptied` are the journeys whose pulls end."""
    if changes.unlisted:
        connection.executemany(
            "DELETE FROM list_members WHERE tenant = ? AND list = ? AND customer = ?", changes.unlisted
        )
    if changes.listed:
        connection.executemany("INSERT INTO list_members VALUES (?, ?, ?)", changes.listed)
    if changes.rounds:
        connection.executemany(
            f"INSERT OR REPLACE INTO pulls ({ROUND_ROW}) VALUES ({question_marks(ROUND_ROW)})", changes.rounds
        )
    if emptied:
        connection.executemany("DELETE FROM pulls WHERE journey = ?", [(journey,) for journey in emptied])
