"""The agenda of the store in memory, held to a plain set of places."""

from hypothesis import given
from hypothesis import strategies as st

from journeyflow.stores.memory.agenda import Agenda

Place = tuple[int, int]

places = st.tuples(st.integers(0, 8), st.integers(0, 40))
doings = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(places, max_size=30)),
        st.tuples(st.just("look"), st.tuples(st.integers(0, 9), st.integers(1, 12), st.integers(1, 3))),
        st.tuples(st.just("peek"), st.none()),
        st.tuples(st.just("move on"), st.sets(places, max_size=10)),
        st.tuples(st.just("drop"), st.integers(0, 40)),
    ),
    max_size=40,
)


class Known:
    """What stands, and how often that was asked."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.places: set[Place] = set()
        self.asked = 0

    def standing(self, asked) -> dict[Place, str]:
        """Give the places that stand, with what they stand for."""
        self.asked += len(asked)
        return {place: f"item {place}" for place in asked if place in self.places}


def looked(agenda: Agenda[Place], known: Known, until: int, size: int = 3, pages: int = 10**6) -> list[Place]:
    """Give the places of so many pages."""
    found: list[Place] = []
    for _, page in zip(range(pages), agenda.pages(until, size, known.standing), strict=False):
        assert len(page) <= size
        assert page == known.standing(page)
        found += page
    return found


@given(doings)
def test_the_first_places_that_still_stand_are_shown(doings):
    """R7: whatever was added, moved on or was looked at before, places come in order, each as long as it stands."""
    agenda, known = Agenda[Place](), Known()
    for name, what in doings:
        if name == "add":
            known.places |= {*what}
            agenda.add(what)
        elif name == "look":
            until, size, pages = what
            found = list(dict.fromkeys(looked(agenda, known, until, size, pages)))
            wanted = sorted(place for place in known.places if place[0] <= until)
            assert found == wanted[: len(found)]
            assert len(found) == len(wanted) or len(found) > 0
        elif name == "peek":
            assert agenda.first(known.standing) == min(known.places, default=None)
        elif name == "move on":
            known.places -= what
        else:
            left = known.places = {place for place in known.places if place[1] != what}
            agenda.keep(left.__contains__)
    assert list(dict.fromkeys(looked(agenda, known, 9))) == sorted(known.places)


def test_what_was_shown_is_shown_again_as_long_as_it_stands():
    """R3: to look takes nothing away; what has moved on is dropped, and not asked about a second time."""
    agenda, known = Agenda[Place](), Known()
    known.places = {(1, n) for n in range(10)}
    agenda.add(sorted(known.places))
    assert looked(agenda, known, 1, 3, 1) == [(1, 0), (1, 1), (1, 2)]
    assert looked(agenda, known, 0) == []
    assert looked(agenda, known, 1) == sorted(known.places)
    known.places = {(1, 9)}
    assert looked(agenda, known, 1) == [(1, 9)]
    known.asked = 0
    assert looked(agenda, known, 1, 1, 1) == [(1, 9)]
    assert known.asked <= 3


def test_the_first_place_is_looked_at_where_it_stands():
    """R73: the instant of the earliest work is asked for before and after each tick, and moves nothing."""
    agenda, known = Agenda[Place](), Known()
    assert agenda.first(known.standing) is None
    agenda.add([(1, 1), (1, 2), (2, 1)])
    known.places = {(1, 2), (2, 1)}
    assert agenda.first(known.standing) == (1, 2)
    known.asked = 0
    assert agenda.first(known.standing) == (1, 2)
    assert known.asked == 1


def test_a_place_that_comes_twice_is_one():
    """A message that is queued again at the instant it was queued at before is one message."""
    agenda, known = Agenda[Place](), Known()
    known.places = {(1, 1), (1, 2)}
    agenda.add([(1, 1), (1, 2), (1, 1)])
    assert looked(agenda, known, 1, 3, 1) == [(1, 1), (1, 2)]


def test_what_comes_one_by_one_is_in_few_lists():
    """R3: looking at the first place costs a seek in each list, and there are no more of them than doublings."""
    agenda, known = Agenda[Place](), Known()
    most = 0
    for n in range(2_000):
        known.places.add((n * 7919 % 2_003, n))
        agenda.add([(n * 7919 % 2_003, n)])
        assert agenda.first(known.standing) == min(known.places)
        assert looked(agenda, known, 3_000, 1, 1) == [min(known.places)]
        most = max(most, len(agenda._lists))
    assert most <= 11
