"""What happened to one customer, across all journeys (R85)."""

import pytest

from journeyflow import Chain, End, Exit, Goal, InvalidInput, Limits, NotFound, Send, Trigger, Update, Wait, field, tag
from tests.samples import START, STORES, Host, after, open_engine, statements


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store."""
    with open_engine(request.param) as engine:
        yield Host(engine)


@pytest.fixture
def life(host):
    """Give a host in which c1 went through two journeys, and was refused by a third."""
    host.deploy(
        Send("hello", channel="EMAIL", template="welcome"),
        Wait("rest", "1 day"),
        Update("mark", tag.add("vip"), field("n").increment()),
        Send("text", channel="SMS", template="hi"),
        Wait("long", "9 days"),
        id="welcome",
        goal=Goal("order"),
        exits=[Exit("paid", when=field("plan").eq("paid"))],
    )
    host.deploy(End("done"), id="orders", trigger=Trigger("order"), reentry="always")
    host.deploy(End("done"), id="rich", trigger=Trigger("go"), run_criteria=field("plan").eq("paid"))
    host.put(START, plan="free", consent={"SMS": False})
    host.say("go", START, amount=5)
    (message,) = host.claim("1 minute")
    host.engine.ack(message, at=after("1 minute"))
    host.say("message.opened", "2 minutes", message=message.id)
    host.say("order", "2 days", sku="a")
    host.put("3 days", plan="paid")
    host.tick("3 days")
    host.engine.enroll("orders", "c1", at=after("4 days"))
    return host


def test_the_whole_life_is_told_in_order(life):
    """Events, attributes, entries, refusals, visits, messages, goals, ends: one line each, readable in a terminal."""
    assert str(life.engine.timeline("c1")) == (
        "c1\n"
        "  2026-01-05 08:00:00              attributes: plan = 'free', consent = {'SMS': False}\n"
        "  2026-01-05 08:00:00              event go: amount = 5\n"
        "  2026-01-05 08:00:00  welcome #1  enters, version 1\n"
        "  2026-01-05 08:00:00  welcome #1  hello: queued\n"
        "  2026-01-05 08:00:00  welcome #1  message EMAIL 'welcome': now SENT after 1 attempt\n"
        "  2026-01-05 08:00:00  welcome #1  rest: waits\n"
        "  2026-01-05 08:00:00  rich        refused, run criteria: plan = 'free'\n"
        "  2026-01-05 08:01:00  welcome #1  message EMAIL 'welcome' sent\n"
        "  2026-01-05 08:02:00              event message.opened: message = 'memory-1-1'\n"
        "  2026-01-06 08:00:00  welcome #1  rest: elapsed\n"
        "  2026-01-06 08:00:00  welcome #1  mark: completed (add tags 'vip', increment n 1)\n"
        "  2026-01-06 08:00:00  welcome #1  text: skipped, consent\n"
        "  2026-01-06 08:00:00  welcome #1  long: waits\n"
        "  2026-01-07 08:00:00              event order: sku = 'a'\n"
        "  2026-01-07 08:00:00  welcome #1  reaches the goal\n"
        "  2026-01-07 08:00:00  orders #1   enters, version 1\n"
        "  2026-01-07 08:00:00  orders #1   done: completed\n"
        "  2026-01-07 08:00:00  orders #1   COMPLETED\n"
        "  2026-01-08 08:00:00              attributes: plan = 'paid'\n"
        "  2026-01-08 08:00:00  welcome #1  long: exited\n"
        "  2026-01-08 08:00:00  welcome #1  EXITED (paid)\n"
        "  2026-01-09 08:00:00  orders      enroll by hand (waits for a tick)"
    )


def test_a_moment_is_a_value_too(life):
    """Kind, place and data of each moment, for programs."""
    moments = life.engine.timeline("c1").moments
    kinds = [each.kind for each in moments]
    assert {"event", "put", "enroll", "refusal", "entry", "visit", "message", "goal", "end"} == set(kinds)
    event = next(each for each in moments if each.kind == "event")
    assert event.data == {"type": "go", "id": None, "outcome": "handled", "data": {"amount": 5}}
    refusal = next(each for each in moments if each.kind == "refusal")
    assert (refusal.journey, refusal.run, refusal.data) == ("rich", None, {"seen": {"plan": "free"}})
    message = next(each for each in moments if each.kind == "message")
    assert (message.journey, message.run, message.step, message.at) == ("welcome", 1, "hello", START)
    assert message.data == {
        "id": "memory-1-1", "channel": "EMAIL", "template": "welcome", "status": "SENT", "attempts": 1, "error": ""
    }  # fmt: skip
    visit = next(each for each in moments if each.step == "text")
    assert visit.data == {"n": 4, "status": "SKIPPED", "outcome": "consent"}
    assert moments[-3].data == {"n": 5, "status": "EXITED", "outcome": ""}
    assert moments[-2].data == {"status": "EXITED", "reason": "paid"}
    assert repr(life.engine.timeline("c1")) == (
        "Timeline(tenant='default', customer='c1', moments=<22 moments>, more=False)"
    )


def test_a_window_of_a_life(life):
    """From one instant to another, both included; the newest moments where there are too many."""
    day = life.engine.timeline("c1", since=after("2 days"), until=after("3 days"))
    assert [each.text for each in day.moments][:2] == ["event order: sku = 'a'", "reaches the goal"]
    assert [each.text for each in day.moments][-1] == "EXITED (paid)"
    assert not day.more
    short = life.engine.timeline("c1", take=3, until=after("3 days"))
    assert [each.text for each in short.moments] == ["attributes: plan = 'paid'", "long: exited", "EXITED (paid)"]
    assert short.more
    assert str(short).splitlines()[1] == "  ..."
    assert [each.text for each in life.engine.timeline("c1", until=after("90 seconds")).moments][-1] == (
        "message EMAIL 'welcome' sent"
    )
    with pytest.raises(InvalidInput, match="take from 1 to 10000"):
        life.engine.timeline("c1", take=0)
    with pytest.raises(ValueError, match="since"):
        life.engine.timeline("c1", since=START.replace(tzinfo=None))


def test_only_ones_own_life_is_told(life):
    """Other customers and tenants are somebody else (R91); who is not known is not found, who was told of is."""
    life.feed("go", "5 days", "c2")
    assert [each.text for each in life.engine.timeline("c2").moments] == ["event go (waits for a tick)"]
    life.engine.tenant("other").put_customer("c1", {"x": 1}, at=START)
    assert len(life.engine.tenant("other").timeline("c1").moments) == 1
    with pytest.raises(NotFound, match="no customer 'c9'"):
        life.engine.timeline("c9")


def test_what_came_of_nothing_is_told_as_such(host):
    """Duplicates, unmatched message events and refusals by hand say so."""
    host.deploy(End("done"))
    host.say("message.opened", START, message="x-1-1")
    host.put(START)
    host.engine.exit("j", "c1", at=START)
    host.engine.enroll("j", ["c1", "c1"], at=START)
    host.tick()
    assert [each.text for each in host.engine.timeline("c1").moments if each.kind not in {"visit", "entry"}] == [
        "event message.opened: message = 'x-1-1' (unmatched)",
        "attributes (unchanged)",
        "exit by hand: reason = 'manual' (not inside)",
        "enroll by hand",
        "enroll by hand (refused: re-entry)",
        "COMPLETED",
        "refused, re-entry",
    ]


def test_a_life_takes_the_same_statements_however_long_it_is():
    """No statement per run, visit or message."""
    counts = []
    for many in (1, 20):
        with open_engine("sqlite") as engine:
            host = Host(engine)
            host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("w", "1 minute"), reentry="always")
            for hour in range(many):
                host.feed("go", f"{hour} hours")
            host.tick("30 hours")
            with statements(engine) as asked:
                assert len(host.engine.timeline("c1").moments) == many * 8
            counts.append(len(asked))
    assert counts[0] == counts[1] <= 9


def test_who_waits_for_a_slot_is_told_so(host):
    """An entry in the queue is no run yet, and no refusal: the life says that it waits (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1), reentry="always")
    host.say("go", START, "c2")
    host.say("go", "1 minute")
    moment = host.engine.timeline("c1").moments[-1]
    assert (moment.kind, moment.journey, moment.at) == ("queue", "j", after("1 minute"))
    assert (moment.text, moment.data) == ("waits for a slot of the entry limit", {"key": ""})
    host.tick("1 hour")
    assert [each.kind for each in host.engine.timeline("c1").moments] == ["event", "entry", "visit", "end"]


def test_who_leaves_at_the_instant_of_coming_has_come_first(host):
    """A run that another ends at once: it waits, then it is exited (R7, R39)."""
    host.deploy(Update("out", Chain.exit("b")), id="a")
    host.deploy(Wait("rest", "1 day"), id="b")
    host.say("go")
    texts = [each.text for each in host.engine.timeline("c1").moments if each.journey == "b"]
    assert texts == ["enters, version 1", "rest: waits", "rest: exited", "EXITED (a/out)"]


def test_who_is_kept_out_does_not_enter(host):
    """A holdout is an enrollment of its own, and no entry (R25)."""
    host.deploy(End("done"), holdout=100, goal=Goal("order", within="1 day"))
    host.say("go")
    assert host.engine.timeline("c1").moments[-1].text == "is kept out for comparison, version 1"


def test_pauses_of_the_journeys_that_a_customer_is_inside_are_told(host):
    """R16, R85: not those before the entry or after the end, and none of another journey."""
    host.deploy(Wait("rest", "1 day"))
    host.deploy(Wait("rest", "1 day"), id="other", trigger=Trigger("never"))
    for journey in ("j", "other"):
        for hours in (1, 5):
            host.engine.pause(journey, at=after(f"{hours} hours"))
            host.engine.resume(journey, at=after(f"{hours + 1} hours"))
    host.say("go", "3 hours")
    host.tick("2 days")
    host.engine.pause("j", at=after("2 days"))
    told = [(each.kind, each.place, each.text) for each in host.engine.timeline("c1").moments]
    assert told == [
        ("event", "", "event go"),
        ("entry", "j #1", "enters, version 1"),
        ("visit", "j #1", "rest: waits"),
        ("pause", "j #1", "the journey is paused"),
        ("resume", "j #1", "the journey is resumed"),
        ("visit", "j #1", "rest: elapsed"),
        ("visit", "j #1", "end: completed"),
        ("end", "j #1", "COMPLETED"),
    ]


def test_the_newest_of_one_instant_are_the_last_ones(host):
    """Where moments are left out, those of later runs and later visits are kept (R7, R84)."""
    for journey in ("a", "b", "c"):
        host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"), id=journey)
    host.say("go")
    told = host.engine.timeline("c1", take=2)
    assert [(each.place, each.text) for each in told.moments] == [
        ("c #1", "message EMAIL 't': now QUEUED"),
        ("c #1", "rest: waits"),
    ]
    every = host.engine.timeline("c1").moments
    assert [each.data["n"] for each in every if each.place == "c #1" and each.kind == "visit"] == [1, 2]


def test_the_newest_visits_of_one_instant_are_kept(host):
    """Three moves of a run at one instant (R7): the last of them is the newest."""
    host.deploy(Wait("again", event="x", next="note"), Update("note", field("n").increment(), next="again"))
    host.say("go")
    for _ in range(3):
        host.feed("x", "1 hour")
    host.tick("1 hour")
    told = host.engine.timeline("c1", take=2)
    assert [(each.text, each.data["n"]) for each in told.moments] == [
        ("note: completed (increment n 1)", 6),
        ("again: waits", 7),
    ]


def test_there_is_no_more_than_everything(host):
    """As many inputs as are asked for leave nothing out (R84)."""
    host.put(START, n=1)
    host.put("1 hour", n=2)
    host.tick("1 hour")
    assert not host.engine.timeline("c1", take=2).more
    assert host.engine.timeline("c1", take=1).more
