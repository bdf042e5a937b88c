"""A priority queue of places, ordered by instant.

Places are added and removed by the thousand. Those added together are sorted into one list, lists of similar length are
merged, and the first places overall are at the front of one of the few lists: Python's `sort` is fast on such data,
which consists of long runs that are sorted already. A heap would move each place separately, past logarithmically many
others.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, TypeVar

AgendaKey = TypeVar("AgendaKey", bound=tuple[Any, ...])
"""A place: an instant first, then what orders the places of the same instant."""

Item = TypeVar("Item")

Standing = Callable[[Iterable[AgendaKey]], Mapping[AgendaKey, Item]]
"""A function that returns those of some places that are still valid, in their order, each with its item. An item that
gets a new place leaves the old one behind as invalid."""

RATIO = 2
"""A list is merged with the added places if it is less than this many times as long. So a place is merged at most about
as often as its list can double in length, and the number of lists is logarithmic too."""


class Agenda(Generic[AgendaKey]):
    """Places in order of their instants; the first ones are read repeatedly, until they are invalid."""

    def __init__(self) -> None:
        """Create an empty agenda."""
        self._lists: list[list[AgendaKey]] = []  # each in reverse order, so that removing the first places is cheap
        self._added: list[AgendaKey] = []
        self._shown: list[AgendaKey] = []

    def add(self, places: Iterable[AgendaKey]) -> None:
        """Add places; a place that is added twice is yielded once."""
        self._added += places

    def pages(self, until: int, size: int, standing: "Standing[AgendaKey, Item]") -> Iterator[Mapping[AgendaKey, Item]]:
        """Yield pages of at most `size` valid places with their items, in order, up to the instant `until`."""
        self._put_back(standing)
        while places := self._take(until, size):
            found = standing(places)
            self._shown[-len(places) :] = found
            yield found
            if len(places) < size:
                return

    def first(self, standing: "Standing[AgendaKey, Item]") -> AgendaKey | None:
        """Return the first valid place, or None if there is none; it stays where it is."""
        self._put_back(standing)
        self._settle()
        while lists := [each for each in self._lists if each]:
            self._lists = lists
            earliest = min(lists, key=itemgetter(-1))
            if standing(earliest[-1:]):
                return earliest[-1]
            earliest.pop()
        return None

    def _put_back(self, standing: "Standing[AgendaKey, Item]") -> None:
        """Add again what was shown and is still valid."""
        self._added += standing(self._shown)
        self._shown = []

    def keep(self, wanted: Callable[[AgendaKey], bool]) -> None:
        """Remove the places that are not wanted."""
        self._added = [place for place in chain(*self._lists, self._shown, self._added) if wanted(place)]
        self._lists, self._shown = [], []

    def _take(self, until: int, size: int) -> list[AgendaKey]:
        """Remove and return the first places up to an instant, at most `size`."""
        self._settle()
        heads = [_head(each, until, size) for each in self._lists]
        first = sorted(chain.from_iterable(heads))[:size]
        self._shown += first  # before they are removed: an interrupt may have places stand twice, and loses none
        for each, head in zip(self._lists, heads, strict=True) if first else ():
            del each[len(each) - bisect_right(head, first[-1]) :]
        return first

    def _settle(self) -> None:
        """Sort the added places into a list, merged with the existing lists that are not much longer."""
        if not self._added:
            return
        lists, added = [*self._lists], [*self._added]
        while lists and len(lists[-1]) < RATIO * len(added):
            added += lists.pop()
        added.sort(reverse=True)
        self._lists = [*lists, added]
        self._added = []


def _head(places: list[AgendaKey], until: int, size: int) -> list[AgendaKey]:
    """Return the first places of a list in reverse order, up to an instant, at most `size`."""
    if not places or places[-1][0] > until:  # most lists of a store that is ticked often hold nothing due
        return []
    head = places[: -size - 1 : -1]
    del head[bisect_right(head, until, key=itemgetter(0)) :]
    return head
