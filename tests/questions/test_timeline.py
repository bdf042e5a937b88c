"""What happened to one customer, across all journeys (R85)."""

import pytest

from journeyflow import Chain, End, Exit, Goal, InvalidInput, Limits, NotFound, Send, Trigger, Update, Wait, field, tag
from tests.samples import START, Host, after, open_engine, statements


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
    """An entry in the queue is not a run yet, and no refusal: the life says that it waits (R23)."""
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
    assert host.engine.timeline("c1").moments[-1].text == "is in the holdout, version 1"


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


def texts(host, **window):
    """Return the lines of c1, each with the journey and run."""
    return [f"{each.place} {each.text}".strip() for each in host.engine.timeline("c1", **window).moments]


def test_what_lies_outside_a_window_takes_no_room_in_it(life):
    """The newest of the window are told, not those of the newest that are in it; a window may have no inputs (R85)."""
    assert texts(life, until=START, take=2) == ["welcome #1 rest: waits", "rich refused, run criteria: plan = 'free'"]
    assert texts(life, until=after("2 minutes"), take=1) == ["event message.opened: message = 'memory-1-1'"]
    assert "welcome #1 message EMAIL 'welcome': now SENT after 1 attempt" in texts(life, until=START)
    between = {"since": after("1 hour"), "until": after("30 hours")}
    assert texts(life, **between)[0] == "welcome #1 rest: elapsed"
    assert not life.engine.timeline("c1", **between, take=4).more


def test_the_newest_inputs_and_messages_are_kept(host):
    """Of one instant those given or made last, of several instants those of the last (R7, R84)."""
    host.deploy(*(Send(name, channel="EMAIL", template=name) for name in "abc"), Wait("rest", "1 day"))
    for kind in ("x", "y", "go"):
        host.feed(kind)
    host.tick()
    assert texts(host, take=2) == ["j #1 message EMAIL 'c': now QUEUED", "j #1 rest: waits"]
    host.deploy(Send("d", channel="EMAIL", template="d"), id="k", trigger=Trigger("again"))
    host.say("again", "1 hour")
    assert texts(host, take=3)[0] == "k #1 message EMAIL 'd': now QUEUED"
    other = host.engine.timeline("c1", until=START, take=20).moments
    assert [each.text for each in other if each.kind == "event"] == ["event x", "event y", "event go"]
    for kind in ("p", "q", "r"):
        host.feed(kind, "2 hours")
    assert texts(host, take=2) == ["event q (waits for a tick)", "event r (waits for a tick)"]


def test_each_waits_in_the_queue_alone(host):
    """R23: the places of others are not moments of this customer."""
    host.deploy(End("done"), limits=Limits(per_hour=1), reentry="always")
    for name in ("c2", "c1", "c3"):
        host.say("go", START, name)
    assert [each.kind for each in host.engine.timeline("c1").moments] == ["event", "queue"]


def test_pauses_are_those_of_the_own_journey_while_inside(host):
    """Not those of another journey at another instant; and those kept out are inside of nothing (R16, R25)."""
    host.deploy(Wait("rest", "1 day"))
    host.deploy(Wait("rest", "1 day"), id="other", trigger=Trigger("never"))
    host.deploy(End("done"), id="kept", holdout=100, goal=Goal("order", within="1 day"))
    host.say("go")
    for journey, hours in (("other", 1), ("kept", 2), ("j", 3)):
        host.engine.pause(journey, at=after(f"{hours} hours"))
    host.engine.resume("j", at=after("2 days"))
    host.tick("2 days")
    assert texts(host, since=after("1 minute")) == [
        "j #1 the journey is paused",
        "j #1 the journey is resumed",
        "j #1 rest: elapsed",
        "j #1 end: completed",
        "j #1 COMPLETED",
    ]


def test_an_update_is_told_with_what_it_changed(host):
    """By the version of the own run; one that was passed by changed nothing."""
    host.deploy(End("done"), trigger=Trigger("never"))
    host.deploy(Update("mark", tag.add("vip")), Update("off", tag.add("x")), id="k")
    host.engine.set_published("k", {"off": False}, at=START)
    host.say("go")
    assert [text for text in texts(host) if ": " in text] == [
        "k #1 mark: completed (add tags 'vip')",
        "k #1 off: skipped",
        "k #1 end: completed",
    ]


def test_a_move_to_another_version_is_told(host):
    """R14: the step that was left for another one of the new version, and no other exit."""
    host.deploy(Wait("old", "1 day"), exits=[Exit("out", event="out")])
    host.say("go")
    host.deploy(Wait("new", "1 day"), exits=[Exit("out", event="out")], when="1 hour")
    host.engine.migrate("j", 2, {"old": "new"}, at=after("1 hour"))
    host.say("out", "2 hours")
    assert [text for text in texts(host) if ": " in text] == [
        "j #1 old: waits",
        "j #1 old: exited, migrated",
        "j #1 new: waits",
        "j #1 new: exited",
    ]


def test_a_run_whose_visits_were_pruned_says_so(host):
    """R86: that it began and ended stays; a run that goes on has all its visits."""
    host.deploy(End("done"), reentry="always")
    host.deploy(Wait("rest", "1 day"), id="k")
    host.say("go")
    assert host.engine.prune(after("1 hour")).moves == 1
    assert texts(host) == [
        "j #1 enters, version 1",
        "j #1 COMPLETED; the visits were pruned",
        "k #1 enters, version 1",
        "k #1 rest: waits",
    ]


def test_steps_of_a_long_move_are_told_one_by_one(host):
    """A move too long to be kept as a number is read step by step (R80)."""
    host.deploy(*(Update(f"s{n}", tag.add("x")) for n in range(120)), End("done"))
    host.say("go")
    told = texts(host)
    assert (len(told), told[2]) == (124, "j #1 s0: completed (add tags 'x')")
    assert told[-3:-1] == ["j #1 s119: completed (add tags 'x')", "j #1 done: completed"]
