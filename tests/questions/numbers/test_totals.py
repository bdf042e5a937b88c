"""Everything that a store has counted of a tenant, kind by kind: what simulations and forecasts are made of."""

import pytest

from journeyflow import (
    Cap,
    Condition,
    End,
    Event,
    Exit,
    Goal,
    Policies,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    field,
    tag,
)
from journeyflow.questions.numbers.totals import resting, totals
from journeyflow.stores.rows import MAX_INTERNED
from tests.samples import START, STORES, Host, after, open_engine

TODAY, TOMORROW = "2026-01-05", "2026-01-06"
CAPS = Policies(caps=[Cap(1, per="day", channel="EMAIL"), Cap(1, within="3 hours", channel="SMS", over="defer")])


def live(host):
    """Let three people come at 17:00 in Tokyo: cid leaves, ann buys, bob's second text fails; two come again at 1:00.

    Everybody opens the first mail twice and pays on the next day. Four more go through a journey of one step.
    """
    host.engine.set_policies(CAPS, at=START)
    texts = [Send(name, channel="SMS", template="t") for name in ("text", "late")]
    host.deploy(
        Send("hello", channel="EMAIL", template="t"),
        Wait("rest", "90 minutes"),
        Send("again", channel="EMAIL", template="t"),
        Split("test", arm(100, texts), arm(0, [End("nobody")])),
        Wait("week", "7 days"),
        goal=Goal("bought", exit=False),
        timezone="Asia/Tokyo",
    )
    host.deploy(End("done"), id="short", trigger=Trigger("came"))
    host.feed_all("came", START, ("d1", "d2", "d3", "d4"))
    for name in ("ann", "bob", "cid"):
        host.put(START, name, email=f"{name}@a.org")
        host.feed("go", START, name)
    host.engine.exit("j", "cid", at=after("30 minutes 40 seconds"))
    host.feed("bought", "2 hours", "ann")
    host.tick()
    for message in host.claim():
        host.engine.ack(message, at=START)
        about = {"message": message.id}
        for hours in (1, 2):
            opened = Event("message.opened", customer=message.customer, at=after(f"{hours} hours"), data=about)
            host.engine.feed(opened)
        paid = {**about, "amount": 250}
        host.engine.feed(Event("revenue", customer=message.customer, at=after("20 hours"), data=paid))
    host.feed_all("go", "8 hours", ("ann", "bob"))
    host.tick("1 day")
    (late,) = [each for each in host.claim("1 day") if (each.customer, each.step) == ("bob", "late")]
    host.engine.nack(late, at=after("1 day"), error="no such number", permanent=True)
    host.tick("1 day")


@pytest.fixture(params=STORES)
def counted(request):
    """Return what was counted of one of two tenants, and who rests there."""
    host = Host(open_engine(request.param, grace=None, max_jump=None))
    other = Host(host.engine.tenant("other"))
    other.deploy(Update("mark", tag.add("vip")), Wait("day", "1 day"), id="theirs")
    other.say("go", START, "ann")
    other.say("go", START, "ann")
    live(host)
    with host.engine.store.reader() as reader:
        return totals(reader), resting(reader)


def test_what_a_store_has_counted_is_told_kind_by_kind(counted):
    """Of one tenant, each event of a message once, and days as in the zone of the journey (R81 to R85)."""
    visits = {"hello": 3, "rest": 3, "again": 2, "test": 2, "text": 2, "late": 2}
    wanted: dict[tuple[object, ...], int] = {
        ("enrollments", "j", "ACTIVE", ""): 2,
        ("enrollments", "j", "EXITED", "manual"): 1,
        ("enrollments", "short", "COMPLETED", ""): 4,
        ("converted", "j", "ACTIVE"): 1,
        ("minutes", "j", 30): 1,
        ("minutes", "short", 0): 4,
        **{("visits", "j", step, TODAY): count for step, count in visits.items()},
        ("visits", "j", "week", TODAY): 2,
        ("visits", "short", "done", TODAY): 4,
        **{("left", "j", step, TODAY): count for step, count in visits.items()},
        ("left", "short", "done", TODAY): 4,
        ("outcomes", "j", "hello", TODAY, "queued"): 3,
        ("outcomes", "j", "rest", TODAY, "elapsed"): 2,
        ("outcomes", "j", "test", TODAY, "A"): 2,
        ("outcomes", "j", "text", TODAY, "queued"): 2,
        ("outcomes", "j", "late", TODAY, "queued"): 2,
        ("outcomes", "short", "done", TODAY, ""): 4,
        ("skipped", "j", "again", TODAY, "cap"): 2,
        ("caps", "j", "again", "1 EMAIL message per day", "skipped"): 2,
        ("caps", "j", "late", "1 SMS message within 3 hours", "deferred"): 2,
        ("reactions", "j", "hello", TODAY, "opened"): 3,
        ("revenue", "j"): 750,
        ("refusals", "j", TOMORROW, "already inside"): 2,
    }
    assert counted[0] == wanted


def test_who_rests_where_is_counted_by_step(counted):
    """Only those who are still inside."""
    assert counted[1] == {("resting", "j", "week"): 2}


@pytest.mark.parametrize("store", STORES)
def test_an_attribute_called_cap_is_no_cap(store):
    """What a Condition, an entry rule or an exit read under that name is not counted (R31, R85)."""
    host = Host(open_engine(store, grace=None, max_jump=None))
    rule = field("cap").eq("a") & field("sent").eq(1)
    last = Send("s", channel="EMAIL", template="t")
    host.deploy(Condition("c", rule, yes=[Wait("x", "1 day")]), Wait("w", when=rule, timeout="1 day"), last)
    held = Send("held", channel="EMAIL", template="t", window=Window(None, "20:00", "21:00"))
    host.deploy(held, id="rules", trigger=Trigger("came", where=rule), exits=[Exit("gone", event="left", where=rule)])
    host.put(START, cap="a", sent=1)
    host.feed("came", START)
    host.feed("left", "1 hour")
    host.feed("go", START)
    host.engine.set_policies(Policies(caps=[Cap(0, per="day")]), at=START)
    host.tick("9 days")
    assert host.status(journey="rules") == ("EXITED", "gone")
    with host.engine.store.reader() as reader:
        caps = {key: count for key, count in totals(reader).items() if key[0] == "caps"}
    assert caps == {("caps", "j", "s", "0 messages per day", "skipped"): 1}


@pytest.mark.parametrize("store", STORES)
def test_those_who_fail_or_rest_are_counted_by_step(store):
    """A run that fails leaves its step (R41); those with the goal are counted by what has become of them since."""
    host = Host(open_engine(store, grace=None, max_jump=None))
    host.deploy(
        Condition("vip", field("vip").eq(True), yes=[Wait("one", "1 day"), Wait("two", "1 day")], no=[]),
        Wait("rest", "9 days"),
        goal=Goal("bought", exit=False),
        max_visits=3,
    )
    for name, vip in (("ann", True), ("bob", False), ("cid", False), ("dan", False)):
        host.put(START, name, vip=vip)
        host.feed("go", START, name)
    for name in ("ann", "bob", "cid"):
        host.feed("bought", "1 hour", name)
    host.tick("1 hour")
    with host.engine.store.reader() as reader:
        assert resting(reader) == {("resting", "j", "one"): 1, ("resting", "j", "rest"): 3}
    host.tick("3 days")
    with host.engine.store.reader() as reader:
        found = totals(reader)
    assert {key[1:]: count for key, count in found.items() if key[0] == "converted"} == {
        ("j", "ACTIVE"): 2,
        ("j", "FAILED"): 1,
    }
    assert found["enrollments", "j", "FAILED", "visit limit"] == found["minutes", "j", 2 * 24 * 60] == 1
    assert found["left", "j", "rest", "2026-01-07"] == 1


@pytest.mark.parametrize("store", STORES)
def test_a_cap_at_the_end_of_a_long_walk_is_counted(store):
    """A path of more than a hundred visits is kept with its move, not among those that many walk."""
    host = Host(open_engine(store))
    host.engine.set_policies(Policies(caps=[Cap(0, per="day")]), at=START)
    updates = (Update(f"u{n}", tag.add("vip")) for n in range(MAX_INTERNED))
    host.deploy(*updates, Send("s", channel="EMAIL", template="t"))
    host.say("go")
    with host.engine.store.reader() as reader:
        assert totals(reader)["caps", "j", "s", "0 messages per day", "skipped"] == 1
