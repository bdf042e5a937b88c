"""Lists and pulls: who is on a list, and how far a pull has come (R27)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Chain,
    Condition,
    End,
    Engine,
    Journey,
    MemoryStore,
    Send,
    Trigger,
    Update,
    field,
)
from journeyflow.basics.moments import to_micros
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.work import pull_lists as module
from journeyflow.work.pull_lists import PullList
from tests.samples import START, Host, after, open_engine
from tests.work.test_pulls import DAILY, entered, names, subscribe

ENGINE = {"grace": None}
AUDITED = True


def test_whatever_changes_the_lists_of_a_customer_is_known(host):
    """Events, attributes told, Updates; a member that is told twice is one."""
    host.deploy(Update("u", field("lists").add("vip"), field("lists").append("vip")), trigger=Trigger("go"))
    subscribe(host, "a", "b")
    host.put("1 hour", "b", lists=["x", "y"])
    host.put("1 hour", "c", lists=["x"])
    host.feed("go", "2 hours", "c")
    host.tick("3 hours")
    listed = host.rows("SELECT tenant, list, customer FROM list_members ORDER BY 2, 3")
    assert listed == [("default", name, customer) for name, customer in
                      (("news", "a"), ("vip", "c"), ("x", "b"), ("x", "c"), ("y", "b"))]  # fmt: skip
    host.put("4 hours", "c", lists=None)
    host.feed("list.unsubscribed", "4 hours", "a", list="news")
    host.tick("4 hours")
    assert host.rows("SELECT list, customer FROM list_members ORDER BY 1") == [("x", "b"), ("y", "b")]


def test_the_forgotten_are_pulled_no_more(host):
    """Nothing of them stays on a list; who comes under the same id is somebody new (R86)."""
    host.deploy(End("done"), trigger=DAILY)
    host.deploy(End("done"), id="k", trigger=Trigger.every("1 day"))
    subscribe(host, "a", "b")
    host.tick()
    host.engine.forget("a", at=after("1 hour"), scrub=False)
    assert host.rows("SELECT customer FROM list_members") == [("b",)]
    host.tick("1 day")
    assert len(names(host)) == len(names(host, "k")) == 2
    subscribe(host, "a", when="25 hours")
    host.tick("2 days")
    assert names(host)[2:] == names(host, "k")[2:] == ["a"]


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_who_is_forgotten_while_a_pull_goes_round_is_not_asked(size):
    """Whatever a batch has loaded by then; somebody new of the same id comes with the next pull (R7, R86)."""
    with open_engine("sqlite", grace=None, batch_size=size) as engine:
        host = Host(engine)
        forgetting = Condition("who", field("n").eq(1), yes=[Update("u", Chain.forget())])
        host.deploy(forgetting, id="i", trigger=DAILY, reentry="always")
        host.deploy(End("done"), trigger=DAILY, reentry="always")
        host.deploy(End("done"), id="k", trigger=Trigger.every("1 day"), reentry="always")
        for number, name in enumerate("abc"):
            host.put(START, name, lists=["news"], n=number)
        host.tick()
        assert names(host) == names(host, "k") == ["a", "c"]
        assert host.rows("SELECT customer FROM list_members") == [("a",), ("c",)]
        subscribe(host, "b", when="2 hours")
        host.tick("1 day")
        assert names(host)[2:] == names(host, "k")[2:] == ["a", "b", "c"]
        assert engine.audit() == []


@pytest.mark.parametrize("size", [1, 2, 10_000])
def test_who_has_left_the_list_by_then_is_not_even_asked(size, monkeypatch):
    """The next pull goes on after the last one who was asked, however much of the list was loaded (R7)."""
    monkeypatch.setattr(module, "AHEAD", 1 + size)
    with open_engine("memory", grace=None, batch_size=size) as engine:
        host = Host(engine)
        host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news", size=2), reentry="always")
        subscribe(host, *"abcd")
        host.tick("30 minutes")
        for name in "cd":
            host.feed("list.unsubscribed", "1 hour", name, list="news")
        subscribe(host, "c", when="2 hours")
        host.tick("2 hours")
        assert entered(host) == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("c", 2), ("a", 2)]
        assert host.rows("SELECT after FROM pulls") == [("a",)]


# --- members ----------------------------------------------------------------------------------------------------------


@given(st.sets(st.text("abc", min_size=1, max_size=3), max_size=9), st.text("abc", max_size=3))
def test_a_list_is_gone_round_once(names, after):
    """Everybody comes once, those after the beginning first, each in order of the ids."""
    members = PullList(("t", None), None, sorted(names, key=lambda name: (name <= after, name)), after)
    asked, at = [], after
    for _ in names:
        assert members.knows(at)
        at = members.following(at) or ""
        members.passed(at)
        asked.append(at)
    assert asked == sorted(names, key=lambda name: (name <= after, name))
    assert names or members.following(after) is None


@pytest.mark.unmeasured
def test_stores_agree_on_a_long_list():
    """A list longer than what a batch loads comes in to the last, in the same order."""
    found = []
    for store in (MemoryStore(nonce="x"), SQLiteStore(":memory:", nonce="x")):
        with Engine(store, grace=None) as engine:
            engine.put_customers(((f"c{n}", {"lists": ["news"]}) for n in range(2_500)), at=START)
            engine.deploy(Journey(id="j", trigger=DAILY, steps=[Send("a", channel="E", template="t")]), at=START)
            assert engine.tick(START).entered == 2_500
            page = engine.enrollments("j", take=3_000).items
            found.append([(each.serial, each.customer) for each in page])
            assert {to_micros(each.entered_at) for each in page} == {to_micros(START)}
    assert found[0] == found[1]
    assert [name for _, name in found[0]] == sorted(f"c{n}" for n in range(2_500))
