"""What waits in memory for its instant, in order.

Places come by the thousand and go by the thousand. So those that came together are sorted into a list, lists of like
length are merged, and the first places of all are those that stand first in the few lists there are: Python's `sort`
does all of that in long stretches that are in order already. A heap would move each place on its own, past as many
others as the logarithm of them all.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, TypeVar

AgendaKey = TypeVar("AgendaKey", bound=tuple[Any, ...])
"""An instant first, then whatever orders what waits for the same one."""

Item = TypeVar("Item")

Standing = Callable[[Iterable[AgendaKey]], Mapping[AgendaKey, Item]]
"""Gives those of some places that still mean something, in their order, with what they stand for: whoever moves on
leaves the old place behind."""

RATIO = 2
"""How many times as long as what is added a list is that stays as it is: so a place is merged only about as often as
its list can double, and there are no more lists than doublings."""


class Agenda(Generic[AgendaKey]):
    """Places in order of their instants, of which the first are looked at, until they mean nothing any more."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lists: list[list[AgendaKey]] = []  # each from its last place to its first, where what goes costs nothing
        self._added: list[AgendaKey] = []
        self._shown: list[AgendaKey] = []

    def add(self, place: AgendaKey) -> None:
        """Add a place; one that is there already is one place still, when it is shown."""
        self._added.append(place)

    def pages(self, until: int, size: int, standing: "Standing[AgendaKey, Item]") -> Iterator[Mapping[AgendaKey, Item]]:
        """Yield the places up to an instant in order, so many at a time, without those that mean nothing any more."""
        self._added += standing(self._shown)
        self._shown = []
        while places := self._take(until, size):
            found = standing(places)
            self._shown += found
            yield found

    def keep(self, wanted: Callable[[AgendaKey], bool]) -> None:
        """Remove the places that are not wanted."""
        self._added = [place for place in chain(*self._lists, self._shown, self._added) if wanted(place)]
        self._lists, self._shown = [], []

    def _take(self, until: int, size: int) -> list[AgendaKey]:
        """Take out the first places up to an instant, so many at most."""
        self._settle()
        heads = [each[: -size - 1 : -1] for each in self._lists]
        first = sorted(chain.from_iterable(heads))[:size]
        del first[bisect_right(first, until, key=itemgetter(0)) :]
        for each, head in zip(self._lists, heads, strict=True) if first else ():
            del each[len(each) - bisect_right(head, first[-1]) :]
        return first

    def _settle(self) -> None:
        """Make what was added a list, together with those that are hardly longer."""
        added, self._added = self._added, []
        while self._lists and len(self._lists[-1]) < RATIO * len(added):
            added += self._lists.pop()
        if added:
            added.sort(reverse=True)
            self._lists.append(added)
