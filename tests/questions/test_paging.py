"""Pages of lists: what every question that answers with one has in common (R84)."""

import pytest

from journeyflow import End, Engine, InvalidInput, Limits, MemoryStore, Page, Send, Trigger, Wait, field
from journeyflow.questions.paging import name_faults, page_faults
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host

QUESTIONS = {
    "enrollments": lambda engine, **part: engine.enrollments("j", **part),
    "messages": lambda engine, **part: engine.messages(**part),
    "people": lambda engine, **part: engine.people("j", "hello", **part),
    "deferred": lambda engine, **part: engine.deferred("full", **part),
    "refused": lambda engine, **part: engine.refused("closed", **part),
    "unmatched": lambda engine, **part: engine.unmatched(**part),
    "journeys": lambda engine, **part: engine.journeys(trigger="never", **part),
}
"""Every question that answers with a page; each has 30 rows to show."""

ROWS = 30


@pytest.fixture(scope="module", params=STORES)
def engine(request):
    """Return an engine in which every question finds 30 rows."""
    store = MemoryStore() if request.param == "memory" else SQLiteStore(":memory:", nonce="memory")
    with Engine(store) as engine:
        host = Host(engine)
        host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"))
        host.deploy(End("done"), id="full", limits=Limits(per_hour=1))
        host.deploy(End("done"), id="closed", run_criteria=field("n").eq(1))
        for n in range(ROWS):
            host.deploy(End("done"), id=f"idle{n:02}", trigger=Trigger("never"))
            host.feed("go", START, f"c{n:02}")
            host.feed("message.opened", START, f"c{n:02}", message="stray")
        host.feed("go", START, "c99")
        host.tick()
        yield engine


@pytest.fixture(params=QUESTIONS)
def ask(request, engine):
    """Return a question that takes the part of the list that is wanted."""
    return lambda **part: QUESTIONS[request.param](engine, **part)


def test_a_page_is_a_sequence_and_shows_how_much_there_is(ask):
    """It has a length, is gone through, and is asked by position; the words for it name the whole list."""
    total = ask(take=1).total
    page = ask(take=25)
    assert list(page) == [*page.items] == [page[n] for n in range(25)]
    assert (len(page), page[-1], page[1:3]) == (25, page.items[24], page.items[1:3])
    assert repr(page) == f"Page(25 of {total})"
    assert page.more
    assert not ask(skip=total)


def test_a_take_of_none_is_everything(ask):
    """From the beginning, after some rows, or from a cursor on: in the order of the pages, without a cursor."""
    everything = ask(take=None)
    assert (len(everything), everything.more, everything.take) == (everything.total, False, None)
    first = ask(take=7)
    assert first.items == everything[:7]
    for part in ({"skip": 7}, {"after": first.cursor}):
        assert ask(take=None, **part).items == everything[7:]


def test_a_full_last_page_has_no_cursor(ask):
    """The cursor says whether there is more; it leads to a page that is not empty."""
    total = ask(take=1).total
    assert not ask(take=total).more
    before = ask(take=total - 5)
    assert before.more
    last = ask(take=5, after=before.cursor)
    assert (len(last), last.cursor) == (5, None)
    rest = ask(take=None, after=before.cursor)
    assert (rest.items, rest.total) == (last.items, total)
    assert ask(skip=total - 5, take=5).items == last.items


def test_what_no_page_takes_is_refused(ask):
    """A number of rows lies between 1 and 10,000, or is left open by None alone."""
    for take in (0, -1, 10_001, True, "all", 2.0):
        with pytest.raises(InvalidInput, match="take from 1 to 10000"):
            ask(take=take)
    assert not ask(skip=2**63 - 1)
    with pytest.raises(InvalidInput, match="not skip=int 9223372036854775808, take="):
        ask(skip=2**63)


def test_the_largest_number_of_a_store_is_a_number():
    """One more is none: no store holds it (R2)."""
    for largest in (2**63 - 1, 1 - 2**63):
        assert name_faults(run=largest) == []
        assert name_faults(run=2 * largest) == [f"run: must be a whole number, not int {2 * largest}"]
    assert page_faults(2**63 - 1, 0)[0].endswith("not skip=9223372036854775807, take=0")


def test_journeys_are_all_there_unless_a_page_is_wanted(engine):
    """`skip` and `after` need no `take`, and the answer is a page all the same."""
    listed = engine.journeys(order="created")
    assert isinstance(listed, Page)
    assert (len(listed), listed.total, listed.more) == (ROWS + 3, ROWS + 3, False)
    assert engine.journeys(order="created", skip=30).items == listed[30:]
    first = engine.journeys(order="created", take=2)
    assert engine.journeys(order="created", after=first.cursor).items == listed[2:]


def test_a_timeline_shows_the_newest_moments_or_all(engine):
    """It is not a page, but the number of its moments is left open in the same way."""
    whole = engine.timeline("c00", take=None)
    assert whole == engine.timeline("c00")
    assert not whole.more
    last = engine.timeline("c00", take=2)
    assert (last.moments, last.more) == (whole.moments[-2:], True)


def test_a_large_number_is_shown_with_commas():
    """The total of a long list can be read at a glance."""
    assert repr(Page(("a",) * 25, 8_365, 0, 25, 25)) == "Page(25 of 8,365)"
