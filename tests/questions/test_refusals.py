"""Who was refused and why: counts by reason, and the last refusal of each customer (R21)."""

import pytest

from journeyflow import End, InvalidInput, NotFound, Trigger, Wait, field
from journeyflow.answers import RefusalCount, RefusedEntry
from tests.samples import START, STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Return a host on each store, on which two journeys have refused entries."""
    with open_engine(request.param) as engine:
        host = Host(engine)
        host.deploy(Wait("w", "9 days"), run_criteria=field("event.plan").eq("gold"))
        host.deploy(End("e"), id="once", trigger=Trigger("come"))
        for hour, (who, plan) in enumerate([("ann", "free"), ("bob", "free"), ("ann", "lead"), ("cid", "gold")]):
            host.feed("go", f"{hour} hours", who, plan=plan)
        host.feed("go", "5 hours", "cid", plan="gold")
        host.feed("come", "5 hours", "ann")
        host.feed("come", "6 hours", "ann")
        host.tick("7 hours")
        other = Host(engine.tenant("other"))
        other.deploy(End("e"), run_criteria=field("n").eq(1))
        other.say("go", "7 hours", "ann")
        yield host


def test_refusals_are_counted_by_reason(host):
    """By journey, the most frequent reason first; of the other tenant nothing is told (R91)."""
    assert host.engine.refusals() == (
        RefusalCount("default", "j", "run criteria", 3, 2),
        RefusalCount("default", "j", "already inside", 1, 1),
        RefusalCount("default", "once", "re-entry", 1, 1),
    )
    assert [each.reason for each in host.engine.refusals("once")] == ["re-entry"]
    assert host.engine.tenant("third").refusals() == ()
    with pytest.raises(NotFound, match="no journey 'k'"):
        host.engine.refusals("k")


def test_those_who_were_refused_are_listed_with_their_last_refusal(host):
    """The newest first, with the values compared; filtered by reason, journey and customer."""
    page = host.engine.refused()
    assert [(each.journey, each.customer, each.reason) for each in page] == [
        ("once", "ann", "re-entry"),
        ("j", "cid", "already inside"),
        ("j", "ann", "run criteria"),
        ("j", "bob", "run criteria"),
    ]
    assert page[2] == RefusedEntry("default", "j", "ann", "run criteria", after("2 hours"), {"event.plan": "lead"})
    assert [each.customer for each in host.engine.refused("j", reason="run criteria")] == ["ann", "bob"]
    assert [each.journey for each in host.engine.refused(customer="ann")] == ["once", "j"]
    assert (page.total, host.engine.refused("j", customer="cid", reason="re-entry").total) == (4, 0)


def test_they_are_paged_by_a_cursor(host):
    """Nobody comes twice, and nobody is left out; also where several were refused at one instant (R84)."""
    for who in ("dan", "eve", "fay"):
        host.feed("go", "6 hours 30 minutes", who, plan="free")
    host.tick("8 hours")
    everything = [(each.journey, each.customer) for each in host.engine.refused(take=None)]
    seen, cursor = [], None
    while True:
        page = host.engine.refused(take=2, after=cursor)
        seen += [(each.journey, each.customer) for each in page]
        if not page.more:
            break
        cursor = page.cursor
    assert seen == everything
    assert len(seen) == 7
    for cursor in ("x", 7, "[1,2]", '["a",1,2]', "[" * 9_999):
        with pytest.raises(InvalidInput, match="is not a cursor of such a page"):
            host.engine.refused(after=cursor)


def test_what_cannot_be_asked_is_refused_at_once(host):
    """Every fault of a question is told."""
    with pytest.raises(InvalidInput) as error:
        host.engine.refused(5, reason=6, customer=7, take=0)
    assert [fault.partition(":")[0] for fault in error.value.faults[1:]] == ["journey", "reason", "customer"]
    host.engine.forget("ann", at=after("8 hours"))
    assert [each.seen for each in host.engine.refused(reason="re-entry")] == [{}]


def test_nobody_was_refused_yet():
    """There is nothing to show, and that is an answer."""
    with open_engine("sqlite") as engine:
        Host(engine).deploy(End("e"), when=START)
        assert engine.refusals("j") == ()
        assert repr(engine.refused("j")) == "Page(0 of 0)"
