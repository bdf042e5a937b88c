"""The place of pulls in the order of work: batches, ticks, limits, and other journeys (R9, R27)."""

import pytest

from journeyflow import (
    Chain,
    End,
    Engine,
    Send,
    Trigger,
    Update,
    field,
)
from journeyflow.work import pull_lists as module
from tests.samples import START, STORES, Host, after, open_engine, statements
from tests.work.test_pulls import DAILY, entered, names, subscribe

ENGINE = {"grace": None}
AUDITED = True


def test_a_pull_sees_what_happened_at_its_instant(host):
    """It comes after inputs and timers of that instant; journeys pull in order of their numbers (R7)."""
    host.deploy(Update("move", field("lists").remove("news"), field("lists").add("more")), trigger=DAILY)
    host.deploy(End("done"), id="k", trigger=Trigger.every("1 day", list="more"))
    host.deploy(End("done"), id="l", trigger=DAILY)
    subscribe(host, "a", "b")
    host.tick()
    assert (names(host), names(host, "k"), names(host, "l")) == (["a", "b"], ["a", "b"], [])


def test_who_comes_on_the_list_while_it_is_pulled_is_asked_too(host, monkeypatch):
    """Who stands after the one asked last; who has left the list meanwhile is not; and in every size of batch."""
    monkeypatch.setattr(module, "AHEAD", 3)
    host.deploy(
        Update("chain", Chain.enroll("k")), Update("on", field("seen").increment()), trigger=DAILY, reentry="always"
    )
    host.deploy(Update("off", field("lists").set(["more"])), id="k", trigger=Trigger(manual=True))
    host.deploy(End("done"), id="l", trigger=Trigger.every("1 day", list="more"))
    subscribe(host, *"abcdefg")
    host.tick()
    assert names(host) == names(host, "l") == list("abcdefg")
    host.tick("1 day")
    assert names(host) == list("abcdefg")


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("store", STORES)
def test_the_size_of_batches_changes_nothing(store, size, monkeypatch):
    """Lists are read in slices; how long they are, and how many items a batch has, is not observable (R7, R90)."""
    monkeypatch.setattr(module, "AHEAD", size + 1)
    monkeypatch.setattr(module, "MAX_PULLED", 3 * size)
    with open_engine(store, grace=None, batch_size=size) as engine:
        host = Host(engine)
        host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news", size=(0, 4)), reentry="always")
        host.deploy(Update("u", field("lists").add("more")), id="k", trigger=Trigger.every("3 hours"), reentry="always")
        capped = Trigger.every("2 hours", list="more", size=3, times=1, within="5 hours")
        host.deploy(End("done"), id="l", trigger=capped, reentry="always")
        subscribe(host, *"abcdefg")
        for hour in range(9):
            subscribe(host, f"new{hour}", when=f"{hour} hours")
            host.feed("list.unsubscribed", f"{hour} hours", "abcdefghi"[hour], list="news")
        host.tick("10 hours")
        found = [entered(host, journey) for journey in "jkl"]
        assert [len(each) for each in found] == [18, 51, 18]
        found.append(host.rows("SELECT * FROM pulls ORDER BY journey"))
        if (store, size) == ("memory", 1):
            EXPECTED.extend(found)
        assert not EXPECTED or found == EXPECTED


EXPECTED: list[object] = []
"""What came of the first of the cases above."""


def test_many_journeys_pull_at_one_instant(host, monkeypatch):
    """Lists of so many of them are loaded at a time; the others come with the next batch (R7)."""
    monkeypatch.setattr(module, "MANY", 2)
    subscribe(host, "a", "b")
    for number in range(7):
        host.deploy(End("done"), id=f"j{number}", trigger=DAILY, reentry="always")
    host.tick("1 day")
    assert [len(entered(host, f"j{number}")) for number in range(7)] == [4] * 7


def test_a_tick_with_a_limit_stops_within_a_pull(host):
    """Whoever is asked is an item; the next tick goes on where this one stopped, at the same instant (R73)."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"))
    subscribe(host, *"abcdef")
    result = host.tick("30 minutes", limit=8)
    assert (result.inputs, result.entered, result.more) == (6, 2, True)
    host.tick("40 minutes", limit=2)
    assert names(host) == list("abcd")
    assert host.rows("SELECT after, origin FROM pulls") == [("d", "")]
    host.feed("list.unsubscribed", "50 minutes", "f", list="news")
    host.tick("45 minutes")
    assert entered(host) == [(name, 0) for name in "abcdef"]


def test_a_tick_that_is_killed_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """What was committed of a pull stays, and the rest follows, nobody twice (R70)."""
    monkeypatch.setattr(module, "AHEAD", 4)
    path = tmp_path / "j.db"
    with Engine(path, grace=None) as engine:
        host = Host(engine)
        host.deploy(Send("hello", channel="EMAIL", template="t"), trigger=DAILY)
        subscribe(host, *"abcdefghij")
        batches = 0
        commit = module.Pulls.changes

        def killed(pulls):
            nonlocal batches
            batches += 1
            if batches > 2:
                raise KeyboardInterrupt
            return commit(pulls)

        monkeypatch.setattr(module.Pulls, "changes", killed)
        with pytest.raises(KeyboardInterrupt):
            engine.tick(START)
        monkeypatch.setattr(module.Pulls, "changes", commit)
        assert names(host) == list("abcd")
    with Engine(path) as engine:
        host = Host(engine)
        host.tick("2 hours")
        assert entered(host) == [(name, 0) for name in "abcdefghij"]
        assert engine.audit() == []


def test_an_idle_tick_writes_nothing(host):
    """A schedule that is not due costs nothing (R3)."""
    host.deploy(End("done"), trigger=DAILY)
    host.tick()
    before = host.rows("SELECT * FROM pulls"), host.rows("SELECT * FROM journey_timers")
    result = host.tick("23 hours")
    assert (result.entered, result.next_due) == (0, after("1 day"))
    assert (host.rows("SELECT * FROM pulls"), host.rows("SELECT * FROM journey_timers")) == before


def test_a_pull_costs_what_it_asks_not_what_the_list_holds():
    """The same statements for ten and for a thousand members, of whom five come in; none for each row."""
    counts = []
    for many in (10, 1_000):
        with open_engine("sqlite", grace=None) as engine:
            host = Host(engine)
            host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news", size=5, times=3, within="1 day"))
            engine.put_customers(((f"c{n:04}", {"lists": ["news"]}) for n in range(many)), at=START)
            host.tick()
            with statements(engine) as asked:
                host.tick("1 hour")
            counts.append(len(asked))
            assert len(entered(host)) == 10
    assert counts[0] == counts[1]
