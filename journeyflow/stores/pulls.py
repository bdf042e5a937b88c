"""Pulls as both stores keep them: who is on which list, and how far each journey has come (R27)."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from journeyflow.batch import PullRequest, PullsLoaded, Request
from journeyflow.forgetting import is_anonymous
from journeyflow.records import Changes, Round, Run
from journeyflow.values import dumps

if TYPE_CHECKING:  # a host in memory needs no SQLite at all
    from sqlite3 import Connection

Circles = dict[int, list[str]]
"""Who comes next, by journey."""


def named_by(request: Request, circles: Circles) -> Collection[tuple[str, str]]:
    """Give the customers that a request names, and those who come next where a journey pulls people in."""
    if request.pulls is None:
        return request.names
    coming = ((tenant, name) for journey, tenant, _ in request.pulls.lists for name in circles[journey])
    return request.names | set(coming)


# --- in memory --------------------------------------------------------------------------------------------------------


class Names:
    """Ids that are put into order when somebody asks for it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Begin with some."""
        self._names = set(names)
        self._ordered: list[str] | None = None

    def add(self, name: str) -> None:
        """Add one."""
        self._names.add(name)
        self._ordered = None

    def discard(self, name: str) -> None:
        """Take one out, if it is there."""
        self._names.discard(name)
        self._ordered = None

    def ordered(self) -> list[str]:
        """Give them in order."""
        if self._ordered is None:
            self._ordered = sorted(self._names)
        return self._ordered

    def following(self, after: str, count: int) -> list[str]:
        """Give so many that come after one; after the last comes the first again, and nobody comes twice."""
        names = self.ordered()
        position = bisect_right(names, after)
        behind = names[position : position + count]
        return behind + names[: min(position, count - len(behind))]


class KeptPulls:
    """What a `MemoryStore` keeps of lists and pulls."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rounds: dict[int, Round] = {}
        self.lists: dict[tuple[str, str], Names] = {}
        self.everybody: dict[str, Names] | None = None
        self.entered: dict[tuple[int, int], list[int]] | None = None

    def take(self, changes: Changes) -> None:
        """Take over what a commit writes, after its customers and runs."""
        for tenant, name, customer in changes.unlisted:
            self.lists[tenant, name].discard(customer)
        for tenant, name, customer in changes.listed:
            self.lists.setdefault((tenant, name), Names()).add(customer)
        self.rounds.update((each.journey, each) for each in changes.rounds)
        if changes.limits is not None:
            for journey in changes.limits.emptied:
                self.rounds.pop(journey, None)

    def listed(self) -> Iterator[tuple[str, str, str]]:
        """Yield who is on which list."""
        for (tenant, name), names in sorted(self.lists.items(), key=lambda each: each[0]):
            yield from ((tenant, name, customer) for customer in names.ordered())

    def purge(self, journey: int) -> None:
        """Take away what is known of a journey (R15)."""
        self.rounds.pop(journey, None)
        self.entered = None

    def forget(self, tenant: str, customer: str) -> None:
        """Let a customer be one of everybody no longer (R86)."""
        if self.everybody is not None:
            self.everybody[tenant].discard(customer)

    def come(self, tenant: str, customer: str) -> None:
        """Note a new customer, once somebody has asked for all; some are forgotten as soon as they come."""
        if self.everybody is not None and not is_anonymous(customer):
            self.everybody.setdefault(tenant, Names()).add(customer)

    def enter(self, run: Run) -> None:
        """Note a new run, once somebody has asked for the entries of customers."""
        if self.entered is not None and not run.key:
            self.entered.setdefault((run.journey, run.customer), []).append(run.entered_at)

    def circles(self, request: PullRequest | None, customers: Iterable[tuple[str, str]]) -> Circles:
        """Give who comes next; `customers` are all there are."""
        if request is None:
            return {}
        return {
            journey: self._names(tenant, name, customers).following(self._after(journey), request.ahead)
            for journey, tenant, name in request.lists
        }

    def _after(self, journey: int) -> str:
        return self.rounds[journey].after if journey in self.rounds else ""

    def _names(self, tenant: str, name: str | None, customers: Iterable[tuple[str, str]]) -> Names:
        """Give who is on a list, or everybody who is not forgotten; noted from the first time that somebody asks."""
        if name is not None:
            return self.lists.get((tenant, name), Names())
        if self.everybody is None:
            self.everybody = {}
            for of, customer in customers:
                if not is_anonymous(customer):
                    self.everybody.setdefault(of, Names()).add(customer)
        return self.everybody.get(tenant, Names())

    def load(
        self, request: PullRequest, circles: Circles, numbers: Collection[int], runs: Mapping[int, Run]
    ) -> PullsLoaded:
        """Give what is known of a request, with the entries of some customers."""
        if request.caps and self.entered is None:
            self.entered = {}
            for _, run in sorted(runs.items()):
                self.enter(run)
        entered = self.entered or {}
        return PullsLoaded(
            {journey: self.rounds[journey] for journey, _, _ in request.lists if journey in self.rounds},
            circles,
            {
                journey: {
                    number: entered[journey, number][-times:]
                    for number in sorted(numbers)
                    if (journey, number) in entered
                }
                for journey, times in request.caps
            },
        )


# --- in SQLite --------------------------------------------------------------------------------------------------------

ROUND_COLUMNS = "journey, at, after, origin, remaining, softened"


def load_circles(connection: "Connection", request: PullRequest | None) -> Circles:
    """Give who comes next: two seeks for each journey."""
    if request is None:
        return {}
    return {
        journey: _following(connection, journey, tenant, name, request.ahead) for journey, tenant, name in request.lists
    }


def _following(connection: "Connection", journey: int, tenant: str, name: str | None, count: int) -> list[str]:
    """Give so many of a list that come after the one asked last; after the last comes the first again."""
    column, rows, parameters = (
        ("customer", "list_members WHERE tenant = ? AND list = ?", (tenant, name))
        if name is not None
        else ("id", "customers WHERE tenant = ? AND unicode(id) <> 31", (tenant,))
    )
    found = connection.execute("SELECT after FROM pulls WHERE journey = ?", (journey,)).fetchone()
    after, names = found[0] if found else "", list[str]()
    for side in (">", "<="):
        sql = f"SELECT {column} FROM {rows} AND {column} {side} ? ORDER BY {column} LIMIT ?"
        names += [each for (each,) in connection.execute(sql, (*parameters, after, count - len(names)))]
    return names


def load_pulls(
    connection: "Connection", request: PullRequest, circles: Circles, numbers: Collection[int]
) -> PullsLoaded:
    """Give what is known of a request, with the entries of some customers."""
    journeys = dumps(sorted(journey for journey, _, _ in request.lists))
    rounds = connection.execute(
        f"SELECT {ROUND_COLUMNS} FROM pulls WHERE journey IN (SELECT value FROM json_each(?)) ORDER BY journey",
        (journeys,),
    )
    return PullsLoaded(
        {row[0]: Round._make((*row[:5], bool(row[5]))) for row in rounds},
        circles,
        {journey: _entries(connection, journey, times, numbers) for journey, times in request.caps},
    )


def _entries(connection: "Connection", journey: int, times: int, numbers: Collection[int]) -> dict[int, list[int]]:
    """Give the instants of the last entries of some customers into a journey: a seek for each of them."""
    rows = connection.execute(
        "SELECT e.customer, e.entered_at FROM json_each(:customers) k JOIN enrollments e"
        " ON e.customer = k.value AND e.journey = :journey AND e.key = '' AND e.run > -:times + ("
        " SELECT max(n.run) FROM enrollments n WHERE n.customer = k.value AND n.journey = :journey AND n.key = '')"
        " ORDER BY e.customer, e.run",
        {"customers": dumps(sorted(numbers)), "journey": journey, "times": times},
    )
    entries: dict[int, list[int]] = {}
    for customer, entered_at in rows:
        entries.setdefault(customer, []).append(entered_at)
    return entries


def write_pulls(connection: "Connection", changes: Changes) -> None:
    """Write what a commit says about lists and pulls."""
    if changes.unlisted:
        connection.executemany(
            "DELETE FROM list_members WHERE tenant = ? AND list = ? AND customer = ?", changes.unlisted
        )
    if changes.listed:
        connection.executemany("INSERT INTO list_members VALUES (?, ?, ?)", changes.listed)
    if changes.rounds:
        connection.executemany("INSERT OR REPLACE INTO pulls VALUES (?, ?, ?, ?, ?, ?)", changes.rounds)
    if changes.limits is not None and changes.limits.emptied:
        emptied = [(journey,) for journey in changes.limits.emptied]
        connection.executemany("DELETE FROM pulls WHERE journey = ?", emptied)
