"""What people did in a span of time, as fits, forecasts and calibrations ask for it."""

from datetime import timedelta

import pytest
from attrs import evolve

from journeyflow import Event, Goal, Journey, Reentry, Send, Trigger, Wait
from journeyflow.basics.moments import to_micros
from journeyflow.questions import history
from journeyflow.questions.customers import all_customers
from journeyflow.questions.numbers.totals import resting
from journeyflow.work import intake
from tests.engine.test_set_aside import BAD, is_of_bad, plant
from tests.samples import START, STORES, Host, after, open_engine

BEGIN, DAY = to_micros(START), 86_400_000_000


@pytest.fixture(params=STORES)
def host(request):
    """Return a host with a message handed out, sent and opened, one only queued, and an event of its own."""
    host = Host(open_engine(request.param, grace=None, max_jump=None))
    send = Send("hello", channel="EMAIL", template="t")
    host.deploy(send, Wait("rest", "2 days"), trigger=Trigger("go"))
    host.put(START, "ann", plan="free")
    host.say("go", START, "ann")
    (message,) = host.claim("1 hour")
    host.engine.ack(message, at=after("1 hour"))
    host.say("message.opened", "2 hours", "ann", message=message.id)
    host.say("visited", "3 hours", "ann", page="a")
    host.say("go", "1 day", "bob")
    host.tick("4 days")
    return host


def ask(host, question, *arguments):
    """Ask a question of the host's store."""
    with host.engine.store.reader() as reader:
        return question(reader, *arguments)


def test_messages_that_were_handed_out_say_what_happened_to_them_first(host):
    """What happened at the end of the span or later is left out, and so is what lies before it."""
    hello = history.MessageHistory("EMAIL", "t", "j", "hello", BEGIN, {"opened": BEGIN + DAY // 12})
    found = ask(host, lambda reader: list(history.handed_out(reader, "default", BEGIN, BEGIN + DAY)))
    assert [each._replace(first={"opened": each.first["opened"]}) for each in found] == [hello]
    early = ask(host, lambda reader: list(history.handed_out(reader, "default", BEGIN, BEGIN + 1)))
    assert [each.first for each in early] == [{}]
    assert ask(host, lambda reader: list(history.handed_out(reader, "default", BEGIN + 1, BEGIN + DAY))) == []


def test_messages_that_nobody_took_are_no_history(host):
    """What was claimed is, and so is what something was reported of; of two journeys each has its own messages."""
    host.deploy(Send("text", channel="SMS", template="t"), id="other", trigger=Trigger("came"))
    host.say("came", "5 days", "cid")
    host.claim("5 days", channels=["SMS"])
    (bobs,) = host.engine.messages(customer="bob").items

    def taken():
        return ask(host, lambda reader: [*history.handed_out(reader, "default", BEGIN + 1, BEGIN + 5 * DAY + 1)])

    text = history.MessageHistory("SMS", "t", "other", "text", BEGIN + 5 * DAY, {})
    assert taken() == [text]
    host.say("message.opened", "4 days", "bob", message=bobs.id)
    hello = history.MessageHistory("EMAIL", "t", "j", "hello", BEGIN + DAY, {"opened": BEGIN + 4 * DAY})
    assert taken() == [hello, text]
    until = [*ask(host, lambda reader: [*history.handed_out(reader, "default", BEGIN + 1, BEGIN + 4 * DAY)])]
    assert until == [hello._replace(first={})]
    assert ask(host, lambda reader: [*history.handed_out(reader, "default", BEGIN, BEGIN)]) == []


def test_events_that_are_about_no_message_are_reported_in_order(host):
    """With their data; an event at the end of the span is not in it."""
    go = history.EventHistory("ann", "go", BEGIN, {})
    visited = history.EventHistory("ann", "visited", BEGIN + DAY // 8, {"page": "a"})
    assert ask(host, lambda reader: list(history.host_events(reader, "default", BEGIN + DAY))) == [go, visited]


def test_what_was_told_of_a_message_or_of_money_is_no_event_of_its_own(host):
    """Nor is what a customer did with a message under a name of the host's, or an event that waits for its tick."""
    (bobs,) = host.engine.messages(customer="bob").items
    host.feed("replied", "5 days", "bob", message=bobs.id)
    host.feed("revenue", "5 days", "bob", amount=250)
    host.feed("message.opened", "5 days", "bob")
    host.feed("called", "5 days", "bob", minutes=5)
    host.tick("5 days")
    host.feed("called", "6 days", "bob")
    found = ask(host, lambda reader: [*history.host_events(reader, "default", BEGIN + 9 * DAY)])
    assert [(each.customer, each.type) for each in found] == [
        ("ann", "go"),
        ("ann", "visited"),
        ("bob", "go"),
        ("bob", "called"),
    ]


def test_who_was_forgotten_or_waits_for_a_tick_was_not_heard_of(host):
    """R86: neither has a first instant."""
    host.feed("go", "5 days", "cid")
    host.engine.forget("bob", at=after("4 days"))
    assert ask(host, history.first_seen, "default") == {"ann": BEGIN}
    host.tick("5 days")
    assert ask(host, history.first_seen, "default") == {"ann": BEGIN, "cid": BEGIN + 5 * DAY}


def test_everything_comes_in_its_order(host):
    """By instant, at one instant as it was given; customers then by id, whatever the first input about them was."""
    host.feed("called", "6 days", "zoe")
    host.feed("called", "5 days", "dan")
    host.feed("wrote", "5 days", "amy")
    host.engine.enroll("j", "kim", at=after("7 days"))
    host.put("8 days", "eve")
    host.tick("8 days")
    found = ask(host, lambda reader: [*history.host_events(reader, "default", BEGIN + 9 * DAY)])
    assert [each.customer for each in found[3:]] == ["dan", "amy", "zoe"]
    first = ask(host, history.first_seen, "default")
    days = {"ann": 0, "bob": 1, "amy": 5, "dan": 5, "zoe": 6, "kim": 7, "eve": 8}
    assert [*first.items()] == [(name, BEGIN + day * DAY) for name, day in days.items()]
    given = ask(host, history.inputs_between, BEGIN + 5 * DAY, BEGIN + 9 * DAY).inputs
    assert [each.customer for each in given] == ["zoe", "dan", "amy", "kim", "eve"]


def test_events_that_were_refused_are_not_reported(host, monkeypatch):
    """R9, R26: one told twice, one with the id of another, and one that was set aside."""
    for customer in ("ann", "ann", "bob"):
        host.engine.feed(Event("called", customer=customer, at=after("5 days"), id="call"))
    host.feed("go", "5 days", BAD)
    plant(monkeypatch, intake, "handle", is_of_bad)
    host.tick("5 days")
    assert host.outcomes()[-4:] == ["handled", "duplicate", "conflicting", "error"]
    found = ask(host, lambda reader: [*history.host_events(reader, "default", BEGIN + 9 * DAY)])
    assert [(each.customer, each.type) for each in found[3:]] == [("ann", "called")]


def test_messages_come_by_enrollment(host):
    """Then in the order in which they were queued, whichever journey they are of."""
    texts = [Send(name, channel="SMS", template="t") for name in ("one", "two")]
    for name in ("b", "a"):
        host.deploy(*texts, id=name, trigger=Trigger(name))
    for trigger, customer in (("b", "zoe"), ("a", "amy"), ("b", "ann")):
        host.say(trigger, "5 days", customer)
    host.engine.ack(host.claim("5 days", channels=["SMS"]), at=after("5 days"))
    host.tick("5 days")
    sent = ask(host, lambda reader: [*history.sent_since(reader, "default", BEGIN + 5 * DAY)])
    assert [(each.customer, each.step) for each in sent] == [
        (name, step) for name in ("zoe", "amy", "ann") for step in ("one", "two")
    ]
    wanted = [(journey, step) for journey in ("b", "a", "b") for step in ("one", "two")]
    taken = ask(host, lambda reader: [*history.handed_out(reader, "default", BEGIN + 5 * DAY, BEGIN + 6 * DAY)])
    assert [(each.journey, each.step) for each in taken] == wanted


def test_when_something_was_heard_first_and_last(host):
    """The first input of each customer, the newest input that was handled, and the newest tick that did anything."""
    assert ask(host, history.first_seen, "default") == {"ann": BEGIN, "bob": BEGIN + DAY}
    assert ask(host, history.last_handled) == BEGIN + DAY
    assert ask(host, history.first_told) <= BEGIN
    assert ask(host, history.last_tick) == BEGIN + 4 * DAY


def test_before_the_first_tick_there_is_no_last_one():
    """R3: an empty store has neither input nor tick."""
    empty = Host(open_engine("memory"))
    assert (ask(empty, history.last_handled), ask(empty, history.last_tick)) == (None, None)
    assert ask(empty, history.first_told) is None


def test_messages_that_were_sent(host):
    """Those of an instant or later, and none that only waits in the outbox."""
    sent = ask(host, lambda reader: list(history.sent_since(reader, "default", BEGIN)))
    assert [(each.customer, each.step, each.status) for each in sent] == [("ann", "hello", "SENT")]
    assert ask(host, lambda reader: list(history.sent_since(reader, "default", BEGIN + 1))) == []


def test_inputs_can_be_given_again(host):
    """Those of a span come in the order in which they were given; what is at its end is not in it."""
    first = ask(host, history.inputs_between, BEGIN, BEGIN + 1).inputs
    assert [(each.kind, each.type) for each in first] == [("put", "put"), ("event", "go")]
    inputs = ask(host, history.inputs_between, BEGIN + 1, BEGIN + DAY).inputs
    assert [(each.type, each.at) for each in inputs if each.kind == "event"] == [
        ("message.opened", BEGIN + DAY // 12),
        ("visited", BEGIN + DAY // 8),
    ]


def test_what_happened_is_counted_by_day_channel_and_journey(host):
    """Messages by day and channel, entries and ends by journey; all of it within the span, and of one tenant."""
    other = Host(host.engine.tenant("other"))
    other.deploy(Send("text", channel="SMS", template="t"), id="theirs")
    other.say("go", "1 day")
    assert ask(host, history.happened, "default", BEGIN, BEGIN + 3 * DAY) == {
        ("messages", "2026-01-05", "EMAIL"): 1,
        ("messages", "2026-01-06", "EMAIL"): 1,
        ("entered", "j"): 2,
        ("ended", "j"): 1,
    }
    assert ask(host, history.happened, "default", BEGIN + 3 * DAY, BEGIN + 9 * DAY) == {("ended", "j"): 1}


def test_the_end_of_a_span_is_not_in_it(host):
    """What is counted at an instant belongs to the span that begins there; those held out did not enter (R25)."""
    held_out = {"holdout": 100, "goal": Goal("bought", within="1 day")}
    host.deploy(Send("text", channel="SMS", template="t"), id="other", trigger=Trigger("came"), **held_out)
    host.say("came", START + timedelta(hours=1), "cid")
    assert ask(host, history.happened, "default", BEGIN, BEGIN + DAY) == {
        ("messages", "2026-01-05", "EMAIL"): 1,
        ("entered", "j"): 1,
    }
    assert ask(host, history.happened, "default", BEGIN + DAY, BEGIN + 2 * DAY) == {
        ("messages", "2026-01-06", "EMAIL"): 1,
        ("entered", "j"): 1,
    }


def test_everything_that_happened_is_counted(host):
    """Two messages of one channel on one day, and two ends in one journey."""
    host.feed_all("go", "5 days", ("cid", "dan"))
    host.tick("7 days")
    assert ask(host, history.happened, "default", BEGIN + 5 * DAY, BEGIN + 8 * DAY) == {
        ("messages", "2026-01-10", "EMAIL"): 2,
        ("entered", "j"): 2,
        ("ended", "j"): 2,
    }


def test_journeys_that_stand_in_the_way_are_named_in_order(host):
    """By id; those that were archived too, each reason once."""
    for name in ("q", "p"):
        host.deploy(Wait("w", "1 day"), id=name, when="4 days", trigger=Trigger.every("1 day", list="news"))
    for name in ("q", "j"):
        host.engine.pause(name, at=after("5 days"))
        host.engine.archive(name, at=after("6 days"))
    assert ask(host, history.not_replayable) == [
        "journey 'p' pulls customers",
        "journey 'q' pulls customers",
        "journey 'j' was archived",
        "journey 'j' was paused",
        "journey 'q' was archived",
        "journey 'q' was paused",
    ]


def test_what_does_not_follow_from_inputs_is_named(host):
    """A pause and pulls are reasons why a past cannot be played again."""
    assert ask(host, history.not_replayable) == []
    host.engine.pause("j", at=after("5 days"))
    host.engine.feed(Event("go", customer="cid", at=after("5 days")))
    host.tick("6 days")
    assert ask(host, history.not_replayable) == ["journey 'j' was paused"]
    pulling = Trigger.every("1 day", list="news")
    host.deploy(Wait("w", "1 day"), id="pulled", when=after("6 days"), trigger=pulling)
    reasons = ["journey 'pulled' pulls customers", "journey 'j' was paused"]
    assert ask(host, history.not_replayable) == reasons
    host.deploy(Wait("w", "2 days"), id="pulled", when=after("6 days"), trigger=pulling)
    host.engine.resume("j", at=after("6 days"))
    host.engine.pause("j", at=after("7 days"))
    host.tick("30 days")
    host.engine.prune(before=after("20 days"))
    assert ask(host, history.not_replayable) == ["history was pruned", *reasons]


def test_who_rests_where_and_who_there_is(host):
    """By journey and step; customers by id, without those who are forgotten (R86)."""
    host.say("go", "5 days", "cid")
    assert dict(ask(host, resting)) == {("resting", "j", "rest"): 1}
    host.engine.forget("bob", at=after("5 days"))
    host.tick("5 days")
    found = ask(host, all_customers, "default")
    assert [(name, attributes.get("plan")) for name, attributes in found] == [("ann", "free"), ("cid", None)]


def test_runs_with_a_key_and_the_names_of_keys_are_listed(host):
    """Of journeys with parallel runs: who is inside with which key, and under which names events carry keys."""
    assert ask(host, history.active_keys, "default") == ask(host, history.key_names, "default") == []
    keyed = Journey(
        "keyed", trigger=Trigger("bought"), reentry=Reentry.always(key="event.order"), steps=[Wait("rest", "2 days")]
    )
    host.engine.deploy(keyed, at=after("4 days"))
    host.say("bought", "5 days", "ann", order="o1")
    host.tick("6 days")
    assert ask(host, history.active_keys, "default") == [("ann", "keyed", "o1")]
    assert ask(host, history.key_names, "default") == ["order"]
    host.say("go", "7 days", "dan")
    host.engine.deploy(evolve(keyed, steps=[Wait("rest", "3 days")]), at=after("7 days"))
    host.say("bought", "8 days", "bob", order="o2")
    assert ask(host, history.active_keys, "default") == [("bob", "keyed", "o2")]
    assert ask(host, history.key_names, "default") == ["order"]
    assert ask(host, history.active_keys, "other") == ask(host, history.key_names, "other") == []
    other = evolve(keyed, id="other", reentry=Reentry.always(key="event.cart"))
    host.engine.deploy(other, at=after("8 days"))
    host.say("bought", "8 days", "amy", order="o3", cart="c3")
    assert ask(host, history.key_names, "default") == ["cart", "order"]
    active = ask(host, history.active_keys, "default")
    assert active == [("bob", "keyed", "o2"), ("amy", "keyed", "o3"), ("amy", "other", "c3")]
    theirs = evolve(keyed, id="theirs", reentry=Reentry.always(key="event.parcel"))
    host.engine.tenant("other").deploy(theirs, at=after("8 days"))
    assert ask(host, history.key_names, "default") == ["cart", "order"]
