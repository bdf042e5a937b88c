"""The lists that journeys pull customers in from, on a schedule; all customers are a list, too (R27).

The members of a list are asked in the order of their ids, and after the last one the first. A pull begins where the
previous one stopped, until its number of customers has entered or every member was asked once. This module reads
schedules and keeps the place in the list; `pulls.py` decides who enters.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from journeyflow.basics.chance import draw
from journeyflow.basics.durations import recurrence
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.entry import Pull
from journeyflow.machine.program import Program
from journeyflow.records.rows import Round, Run
from journeyflow.stores.batch import JOURNEY, PULL, Due, PullRequest, PullsLoaded

AHEAD: Final = 1_000
"""How many members of a list are loaded for a batch: half of a batch's items."""

MANY: Final = 10
"""For how many journeys a batch loads members: thousands of pulls at one instant take several batches."""

MAX_PULLED: Final = 10_000
"""How many members one batch asks at most when a short list is pulled again and again: a batch has to end."""

ListName = tuple[str, str | None]
"""A tenant and one of its lists; None stands for all customers."""


def next_pull(pull: Pull, where: ZoneInfo, at: int, now: Round) -> int:
    """Return the instant of the next pull: of those counted from the anchor, the first after the last pull (R27).

    It is not before `at`, and in the window.

    >>> from journeyflow.basics.moments import MINUTE
    >>> hourly, utc = Pull("1 hour"), ZoneInfo("UTC")
    >>> begun = Round(1, at=40 * MINUTE, anchor=30 * MINUTE)
    >>> next_pull(hourly, utc, 45 * MINUTE, begun) // MINUTE, next_pull(hourly, utc, 95 * MINUTE, begun) // MINUTE
    (90, 95)
    """
    anchor: int = now.anchor  # type: ignore[assignment]  # set before the first pull
    soonest = max(at, anchor if now.at is None else recurrence(anchor, pull.every, now.at, where))
    return soonest if pull.window is None else pull.window.next_open(soonest, where)


def drawn_size(program: Program, pull: Pull, own: int) -> int | None:
    """Return how many customers a pull may enter, None for no bound; the same pull always draws the same (R27, R38)."""
    if pull.sizes is None:
        return None
    least, most = pull.sizes
    return least + draw(most - least + 1, program.tenant, program.journey.id, "pull", str(own))


def plan_pulls(due: Due, catalog: Catalog) -> PullRequest | None:
    """Return what a batch must load for the pulls that are due in it; None if there are none."""
    if not catalog.pulling:
        return None
    pulling = _due_pulls(due, catalog)
    if not pulling:
        return None
    lists = tuple((number, program.tenant, pull.list) for number, program, pull in pulling)
    caps = tuple((number, pull.times) for number, _, pull in pulling if pull.times is not None)
    return PullRequest(lists, AHEAD, caps)


def _due_pulls(due: Due, catalog: Catalog) -> list[tuple[int, Program, Pull]]:
    """Return the journeys whose pulls are due, in the versions as of then, as many as one batch takes."""
    ringing = [(number, own) for own, rank, number, which in due.keys if rank == JOURNEY and which == PULL]
    found = [(number, catalog.journeys[number].program(own)) for number, own in ringing[:MANY]]
    return [(number, program, program.pull) for number, program in found if program.pull is not None]


class PullList:
    """The members of a list, as far as they are loaded, in the order in which they are asked."""

    def __init__(self, of: ListName, times: int | None, names: Sequence[str], after: str) -> None:
        """Start after the member who was asked last."""
        self.of, self.times, self.after = of, times, after
        self.whole = len(names) < AHEAD
        self.names = sorted(names) if self.whole else list(names)
        self.position = 0

    def knows(self, after: str) -> bool:
        """Return whether the member after an id is loaded."""
        return self.whole or (after == self.after and self.position < len(self.names))

    def following(self, after: str) -> str | None:
        """Return the member after an id; the first one after the last, and None for an empty list."""
        position = bisect_right(self.names, after) if self.whole else self.position
        return next(iter((*self.names[position : position + 1], *self.names[:1])), None)

    def drop(self, name: str) -> None:
        """Remove the next member."""
        if self.whole:
            self.names.remove(name)
        else:
            self.position += 1

    def passed(self, name: str) -> None:
        """Continue after a member who was asked."""
        self.after, self.position = name, self.position + 1


class Pulls:
    """The lists and the place reached in each while a batch is handled, and how they have changed."""

    def __init__(self) -> None:
        """Start empty."""
        self.lists: dict[int, PullList] = {}
        self.rounds: dict[int, Round] = {}
        self.entries: dict[int, dict[int, list[int]]] = {}
        self.joined: set[ListName] = set()
        """The lists that a customer has joined since they were loaded."""
        self.asked = 0
        self.touched: dict[int, None] = {}

    def lay_out(self, loaded: PullsLoaded, due: Due, catalog: Catalog) -> None:
        """Take over what was loaded."""
        self.rounds = dict(loaded.rounds)
        self.entries = {
            journey: {customer: list(instants) for customer, instants in entries.items()}
            for journey, entries in loaded.entries.items()
        }
        for number, program, pull in _due_pulls(due, catalog):
            after = self.rounds[number].after if number in self.rounds else ""
            self.lists[number] = PullList((program.tenant, pull.list), pull.times, loaded.members[number], after)

    def members(self, number: int, of: ListName, times: int | None) -> PullList | None:
        """Return the members of a journey's list, or None if they must be loaded (again) before the pull can go on."""
        members = self.lists.get(number)
        if members is None or (members.of, members.times) != (of, times):
            return None
        return None if of in self.joined or self.asked >= MAX_PULLED else members

    def set_round(self, now: Round) -> None:
        """Record how far a journey's pulls have come."""
        self.rounds[now.journey] = now
        self.touched[now.journey] = None

    def note(self, run: Run) -> None:
        """Record an entry if entries into its journey are counted."""
        if self.entries and run.journey in self.entries and not run.key:
            self.entries[run.journey].setdefault(run.customer, []).append(run.entered_at)

    def changes(self) -> tuple[Round, ...]:
        """Return the changes to commit."""
        return tuple(self.rounds[number] for number in self.touched)
