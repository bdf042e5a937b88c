"""The newest of long lists: the whole lists read backwards, at a cost that does not grow with them (R84)."""

import pytest

from journeyflow import End, Goal, InvalidInput, NotFound, Send, Trigger, Wait, remove_step
from journeyflow.questions import latest
from tests.samples import STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Return a host on each store: two journeys, one with two versions, messages given up, a run that failed."""
    with open_engine(request.param) as engine:
        host = Host(engine)
        first = host.deploy(
            Send("hello", channel="EMAIL", template="t"),
            Wait("rest", "9 days"),
            Wait("more", "9 days"),
            holdout=20,
            goal=Goal("order", within="9 days"),
        )
        twice = (Send(name, channel="SMS", template="t") for name in ("hi", "ho"))
        host.deploy(*twice, End("e"), id="k", trigger=Trigger("come"))
        for n in range(9):
            host.feed("go" if n % 3 else "come", f"{n} minutes", f"c{n}")
        host.tick("10 minutes")
        engine.nack(
            [each for each in host.claim("10 minutes") if each.customer in {"c3", "c4", "c8"}],
            at=after("10 minutes"), error="no such mailbox", permanent=True,
        )  # fmt: skip
        engine.deploy(remove_step(first, "hello"), at=after("11 minutes"))
        for n in range(10, 14):
            host.feed("go", f"{n + 2} minutes", f"c{n}")
        host.tick("1 hour")
        yield host


def parts(ask):
    """Return all items of a list, part by part."""
    items, cursor = [], None
    while True:
        part = ask(cursor)
        items += part
        cursor = part.cursor
        if not part.more:
            return items


def backwards(page):
    """Return a whole list from its end."""
    return [each for each in reversed(page) if each.status != "HOLDOUT"]


@pytest.mark.parametrize("take", [1, 2, 100])
def test_enrollments_are_those_of_the_whole_list_from_its_end(host, take):
    """All that were let in, those at a step in any version, those that failed; each once, whatever a part holds."""
    engine = host.engine
    for journey in ("j", "k"):
        everybody = engine.enrollments(journey, take=None)
        found = parts(lambda after, name=journey: engine.latest_enrollments(name, take=take, after=after))
        assert found == backwards(everybody)
    resting = engine.enrollments("j", step="rest", take=None)
    assert {each.version for each in resting} == {1, 2}
    found = parts(lambda after: engine.latest_enrollments("j", step="rest", take=take, after=after))
    assert found == backwards(resting)
    assert not engine.latest_enrollments("j", step="more")
    assert not engine.latest_enrollments("j", failed=True)


def test_runs_that_failed_are_found(host):
    """A run that went through too many visits is one of them."""
    host.deploy(Send("a", channel="X", template="t"), Wait("w", "1 day"), id="m", trigger=Trigger("m"), max_visits=1)
    host.say("m", "2 hours", "c1")
    found = host.engine.latest_enrollments("m", failed=True)
    assert [(each.customer, each.status) for each in found] == [("c1", "FAILED")]
    assert found.to_dicts()[0]["reason"] == host.status("c1", "m")[1]


@pytest.mark.parametrize("looked_at", [1, 2, 5_000])
@pytest.mark.parametrize("take", [1, 100])
def test_messages_are_those_of_the_whole_list_from_its_end(host, monkeypatch, take, looked_at):
    """However few rows are looked at for one answer; parts may be empty, and lead on."""
    monkeypatch.setattr(latest, "LOOKED_AT", looked_at)
    engine = host.engine
    for journey in ("j", "k"):
        everything, failed = engine.messages(journey, take=None), engine.messages(journey, status="FAILED", take=None)
        found = parts(lambda after, name=journey: engine.latest_messages(name, take=take, after=after))
        assert found == backwards(everything)
        found = parts(lambda after, name=journey: engine.latest_messages(name, take=take, failed=True, after=after))
        assert found == backwards(failed)
        assert {each.error for each in found} == {"no such mailbox"}


def test_a_part_says_whether_there_are_older_ones(host):
    """It is a sequence, with rows for tables; a part that ends with the oldest leads nowhere."""
    found = host.engine.latest_messages("k", take=2)
    assert repr(found) == "Latest(2, and older)"
    assert "The newest 2 messages, there are older ones" in found._repr_html_()
    assert repr(host.engine.latest_messages("k")) == "Latest(6)"
    assert "The newest 6 messages<" in host.engine.latest_messages("k")._repr_html_()
    assert not host.engine.latest_enrollments("k", take=3).more
    assert not host.engine.latest_messages("k", take=6).more
    assert [(each.customer, each.step) for each in found] == [("c6", "ho"), ("c6", "hi")]
    assert [each.customer for each in found[:2]] == [row["customer"] for row in found.to_dicts()]


def test_another_tenant_has_none_of_it(host):
    """A foreign journey is not found (R91)."""
    other = host.engine.tenant("other")
    for ask in (other.latest_enrollments, other.latest_messages):
        with pytest.raises(NotFound, match="no journey 'j'"):
            ask("j")


def test_what_cannot_be_asked_is_refused_at_once(host):
    """Every fault is named; an unknown step comes with a suggestion."""
    engine = host.engine
    with pytest.raises(InvalidInput) as raised:
        engine.latest_enrollments("j", step="rest", failed=True, take=None, after="x")
    assert list(raised.value.faults) == [
        "take: must be a whole number",
        "after: str 'x' is not a cursor of such a page",
        "failed: who failed rests at no step",
    ]
    with pytest.raises(InvalidInput, match="after: int 7 is not a cursor"):
        engine.latest_messages("j", after=7)
    with pytest.raises(InvalidInput, match="take from 1 to 10000"):
        engine.latest_messages("j", take=0, after="[1")
    with pytest.raises(NotFound, match="did you mean 'rest'"):
        engine.latest_enrollments("j", step="rset")


def test_indexes_are_what_is_read(host):
    """No question walks a table: each begins in an index, from its end."""
    asked = {"journey": 1, "serial": 9, "n": 9, "last": 0, "last_n": 0, "take": 5, "before": 9, "looked_at": 5}
    for sql, index in (
        (latest._newest(latest._LET_IN), "enrollments_by_journey"),
        (latest._newest(latest._FAILED), "enrollments_failed"),
        (latest._newest(latest._RESTING), "enrollments_at_step"),
        (latest._LAST_OF_JOURNEY, "enrollments_by_journey"),
        (latest._OF_JOURNEY, "enrollments_by_journey"),
        (latest._LAST_FAILED, "messages_failed"),
        (latest._FAILED_MESSAGES, "messages_failed"),
    ):
        with host.engine.store.reader() as reader:
            plan = [row[-1] for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}", {**asked, "version": 1, "place": 0})]
        assert any(index in line for line in plan), plan
        assert not [line for line in plan if "SCAN" in line or "TEMP B-TREE" in line]


def test_refusals_are_counted_without_looking_at_customers(host):
    """The kept counts alone: how many customers that were is then not known (R21)."""
    host.deploy(End("e"), id="once", trigger=Trigger("once"))
    for hour in (2, 3, 4):
        host.say("once", f"{hour} hours", "ann")
    counted = host.engine.refusals("once")
    assert [(each.count, each.customers) for each in counted] == [(2, 1)]
    assert [(each.count, each.customers) for each in host.engine.refusals("once", customers=False)] == [(2, None)]
