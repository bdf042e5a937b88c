"""Pulls: journeys that on a schedule go and get people themselves, from a list or out of everybody (R27).

Whoever is on a list stands in a circle, in order of the ids. A pull goes round it from where the one before has
stopped, until as many have come in as it may get, or everybody was asked once. What is here reads schedules and
remembers; who then enters is asked in `pulls.py`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from journeyflow.basics.chance import draw
from journeyflow.basics.moments import add
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.entry import Pull
from journeyflow.machine.program import Program
from journeyflow.records.rows import Round, Run
from journeyflow.stores.batch import JOURNEY, PULL, Due, PullRequest, PullsLoaded

AHEAD: Final = 1_000
"""Members of a list that are loaded for a batch: half of the items of one."""

MANY: Final = 10
"""Lists of which members are loaded for a batch: what thousands of journeys pull at one instant takes several."""

MAX_PULLED: Final = 10_000
"""Members that are asked in one batch, where they are few and pulled again and again: it has to end some time."""

ListName = tuple[str, str | None]
"""A list of a tenant; None stands for everybody."""


def next_pull(pull: Pull, where: ZoneInfo, at: int, last: int | None) -> int:
    """Give the instant of the next pull: not before `at`, nor too soon after the last, and in the window (R27).

    >>> from journeyflow.basics.moments import MINUTE
    >>> hourly, utc = Pull("1 hour"), ZoneInfo("UTC")
    >>> opening(hourly, utc, 5 * MINUTE, None) // MINUTE, opening(hourly, utc, 5 * MINUTE, 0) // MINUTE
    (5, 60)
    """
    soonest = at if last is None else max(at, add(last, pull.every, where))
    return soonest if pull.window is None else pull.window.next_open(soonest, where)


def drawn_size(program: Program, pull: Pull, own: int) -> int | None:
    """Draw how many may come in at a pull, None for all who may: always the same of the same pull (R27, R38)."""
    if pull.sizes is None:
        return None
    least, most = pull.sizes
    return least + draw(most - least + 1, program.tenant, program.journey.id, "pull", str(own))


def plan_pulls(due: Due, catalog: Catalog) -> PullRequest | None:
    """Say whom a batch must know for the pulls that are due in it; nothing where no journey has any."""
    if not catalog.pulling:
        return None
    pulling = _due_pulls(due, catalog)
    if not pulling:
        return None
    lists = tuple((number, program.tenant, pull.list) for number, program, pull in pulling)
    caps = tuple((number, pull.times) for number, _, pull in pulling if pull.times is not None)
    return PullRequest(lists, AHEAD, caps)


def _due_pulls(due: Due, catalog: Catalog) -> list[tuple[int, Program, Pull]]:
    """Give the journeys whose pulls are due, in the versions as of then, as many as a batch takes."""
    ringing = [(number, own) for own, rank, number, which in due.keys if rank == JOURNEY and which == PULL]
    found = [(number, catalog.journeys[number].program(own)) for number, own in ringing[:MANY]]
    return [(number, program, program.pull) for number, program in found if program.pull is not None]


class Circle:
    """Who stands on a list, as far as it is loaded, in the order in which they are asked."""

    def __init__(self, of: ListName, times: int | None, names: Sequence[str], after: str) -> None:
        """Begin behind the one who was asked last."""
        self.of, self.times, self.after = of, times, after
        self.whole = len(names) < AHEAD
        self.names = sorted(names) if self.whole else list(names)
        self.position = 0

    def knows(self, after: str) -> bool:
        """Tell whether it is loaded who comes after somebody."""
        return self.whole or (after == self.after and self.position < len(self.names))

    def following(self, after: str) -> str | None:
        """Give who comes after somebody; after the last comes the first, and in an empty circle nobody."""
        position = bisect_right(self.names, after) if self.whole else self.position
        return next(iter((*self.names[position : position + 1], *self.names[:1])), None)

    def drop(self, name: str) -> None:
        """Take out whoever comes next."""
        if self.whole:
            self.names.remove(name)
        else:
            self.position += 1

    def passed(self, name: str) -> None:
        """Go on behind somebody who was asked."""
        self.after, self.position = name, self.position + 1


class Pulls:
    """Circles and how far they were gone round, while a batch is handled, and what has become of them."""

    def __init__(self) -> None:
        """Begin without any."""
        self.circles: dict[int, Circle] = {}
        self.rounds: dict[int, Round] = {}
        self.entries: dict[int, dict[int, list[int]]] = {}
        self.joined: set[ListName] = set()
        """Lists on which somebody has come since they were loaded."""
        self.asked = 0
        self.touched: dict[int, None] = {}

    def lay_out(self, loaded: PullsLoaded, due: Due, catalog: Catalog) -> None:
        """Take what was loaded."""
        self.rounds = dict(loaded.rounds)
        self.entries = {
            journey: {customer: list(instants) for customer, instants in entries.items()}
            for journey, entries in loaded.entries.items()
        }
        for number, program, pull in _due_pulls(due, catalog):
            after = self.rounds[number].after if number in self.rounds else ""
            self.circles[number] = Circle((program.tenant, pull.list), pull.times, loaded.members[number], after)

    def circle(self, number: int, of: ListName, times: int | None) -> Circle | None:
        """Give the circle of a journey, None where it must be loaded, first or again, before a pull can go on."""
        circle = self.circles.get(number)
        if circle is None or (circle.of, circle.times) != (of, times):
            return None
        return None if of in self.joined or self.asked >= MAX_PULLED else circle

    def set_round(self, now: Round) -> None:
        """Note how far the pulls of a journey are."""
        self.rounds[now.journey] = now
        self.touched[now.journey] = None

    def note(self, run: Run) -> None:
        """Note an entry where they are counted."""
        if self.entries and run.journey in self.entries and not run.key:
            self.entries[run.journey].setdefault(run.customer, []).append(run.entered_at)

    def changes(self) -> tuple[Round, ...]:
        """Give what is to be written."""
        return tuple(self.rounds[number] for number in self.touched)
