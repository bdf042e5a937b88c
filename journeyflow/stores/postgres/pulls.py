"""Pulls in a PostgreSQL schema: the members of lists, and the state of each journey's round (R27)."""

from collections.abc import Collection, Iterable

from journeyflow.records.changes import PullChanges
from journeyflow.records.rows import Round
from journeyflow.stores.batch import NextMembers, PullRequest, PullsLoaded
from journeyflow.stores.postgres.asking import Asker
from journeyflow.stores.postgres.sets import SetWriter
from journeyflow.stores.rows import ROUND_ROW, read_round


def load_members(asking: Asker, request: PullRequest | None) -> NextMembers:
    """Return who comes next: two seeks for each journey."""
    if request is None:
        return {}
    return {
        journey: _following(asking, journey, tenant, name, request.ahead) for journey, tenant, name in request.lists
    }


def _following(asking: Asker, journey: int, tenant: str, name: str | None, count: int) -> list[str]:
    """Return this many members of a list after the one asked last; the first follows the last."""
    column, rows = (
        ("customer", "list_members WHERE tenant = %(owner)s AND list = %(list)s")
        if name is not None
        else ("id", "customers WHERE tenant = %(owner)s AND ascii(id) <> 31")
    )
    found = asking.rows("SELECT after FROM pulls WHERE journey = %(journey)s", {"journey": journey})
    after, names = found[0][0] if found else "", list[str]()
    for side in (">", "<="):
        sql = f"SELECT {column} FROM {rows} AND {column} {side} %(after)s ORDER BY {column} LIMIT %(count)s"
        asked = {"owner": tenant, "list": name, "after": after, "count": count - len(names)}
        names += [each for (each,) in asking.rows(sql, asked)]
    return names


def load_pulls(asking: Asker, request: PullRequest, members: NextMembers, numbers: Collection[int]) -> PullsLoaded:
    """Return the `PullsLoaded` of a request, with the entries of some customers."""
    rounds = asking.of(
        f"SELECT {ROUND_ROW} FROM pulls WHERE journey = ANY(%(keys)s::bigint[]) ORDER BY journey",
        {journey for journey, _, _ in request.lists},
    )
    return PullsLoaded(
        {each.journey: each for each in map(read_round, rounds)},
        members,
        {journey: _entries(asking, journey, times, numbers) for journey, times in request.caps},
    )


def _entries(asking: Asker, journey: int, times: int, numbers: Collection[int]) -> dict[int, list[int]]:
    """Return the instants of the last entries of some customers into a journey: a seek for each of them."""
    rows = asking.of(
        "SELECT e.customer, e.entered_at FROM unnest(%(keys)s::bigint[]) k (customer) JOIN enrollments e"
        " ON e.customer = k.customer AND e.journey = %(journey)s AND e.key = '' AND e.run > -%(times)s::bigint + ("
        " SELECT max(n.run) FROM enrollments n"
        " WHERE n.customer = k.customer AND n.journey = %(journey)s AND n.key = '')"
        " ORDER BY e.customer, e.run",
        numbers,
        journey=journey,
        times=times,
    )
    entries: dict[int, list[int]] = {}
    for customer, entered_at in rows:
        entries.setdefault(customer, []).append(entered_at)
    return entries


def write_pulls(sets: SetWriter, changes: PullChanges, emptied: Iterable[int]) -> None:
    """Write the changes of lists and pulls; `emptied` are the journeys whose pulls end."""
    sets.remove("list_members", "tenant, list, customer", changes.unlisted)
    sets.add("list_members", "tenant, list, customer", changes.listed)
    rounds = [tuple(int(value) if isinstance(value, bool) else value for value in each) for each in changes.rounds]
    sets.put("pulls", "journey", ", ".join(Round._fields[1:]), rounds)
    sets.remove("pulls", "journey", [(journey,) for journey in emptied])
