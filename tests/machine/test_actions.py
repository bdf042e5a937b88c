"""The actions of the seed systems, written as steps: waits, sends by every channel, changes, decisions."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from journeyflow import (
    Condition,
    End,
    Event,
    Exit,
    Message,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    all_of,
    any_of,
    arm,
    branch,
    field,
    not_,
    tag,
)
from journeyflow.definition.rules.conditions import Rule
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey
from tests.samples import START, STORES, Host, after, mail, open_engine, utc

# --- waiting --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(66, 67, 68)
@pytest.mark.parametrize(
    ("length", "hours"),
    [("45 seconds", 1 / 80), ("90 minutes", 1.5), ("1 hour", 1), ("2 hours", 2), ("3 days", 72), ("1 week", 168),
     ("1 month", 31 * 24), (timedelta(minutes=30), 0.5)],
)  # fmt: skip
def test_a_wait_lasts_from_the_instant_it_is_entered(host, length, hours):
    """R33: every unit of both systems, singular and plural, from the entry into the step, to the microsecond."""
    host.deploy(Wait("before", "5 seconds"), Wait("w", length))
    host.say("go")
    host.tick("5 seconds")
    assert host.engine.next_due() == after("5 seconds") + timedelta(hours=hours)


OFFICE = Window("MON-FRI", "09:00", "19:00")


@pytest.mark.rows(210)
@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("2026-01-12 07:59", "2026-01-12 09:00"),
        ("2026-01-12 08:00", "2026-01-12 09:00"),
        ("2026-01-12 12:00", "2026-01-12 13:00"),
        ("2026-01-12 18:00", "2026-01-13 09:00"),
        ("2026-01-16 18:30", "2026-01-19 09:00"),
        ("2026-01-17 12:00", "2026-01-19 09:00"),
    ],
)
def test_a_wait_with_a_window_ends_inside_it(host, said, left):
    """R34: before it the same day's start, after it or on another day the start of the next day that is allowed."""
    host.deploy(Wait("w", "1 hour", window=OFFICE))
    host.say("go", utc(said))
    host.tick("30 days")
    assert host.left("w") == utc(left)


# --- sending --------------------------------------------------------------------------------------------------------

EMAIL = {
    "EmailID": 12,
    "SenderDomainID": 3,
    "From": {"Name": "{{ shop }}", "Email": "hello@example.com"},
    "ReplyTo": {"Name": "Support", "Email": "support@example.com"},
    "CC": [{"Name": "Ann", "Email": "{{ email }}"}],
    "BCC": [],
    "Email": {
        "EmailName": "Welcome",
        "ContentType": "Both",
        "Mode": "Editor",
        "FetchURL": "",
        "FetchPlainURL": "",
        "Subject": "{{{Hey|Hi|Hello}}} {{ name }}",
        "PlainContent": "Hello {{ name }}",
        "HTMLContent": "<p>Hello {{ name }}</p>",
        "ExtraContent1": "",
        "ExtraContent2": "",
        "ImageEmbedding": False,
        "PreHeaderText": "Good to see you",
        "Options": {},
    },
}


@pytest.mark.rows(69, 70, 72)
def test_an_email_with_all_its_options_reaches_the_channel(host):
    """R39, R70: channel and template, and any options beside them, templates filled in when it is sent."""
    host.put(START, name="Ann", email="ann@example.com", shop="Shop")
    host.deploy(Send("mail", channel="EMAIL", template="12", data=EMAIL))
    host.say("go")
    (message,) = host.claim(channels=["EMAIL"])
    assert (message.channel, message.template) == ("EMAIL", "12")
    subject = message.data["Email"].pop("Subject")
    expected = json.loads(json.dumps(EMAIL).replace("{{ name }}", "Ann").replace("{{ email }}", "ann@example.com"))
    expected["From"]["Name"] = "Shop"
    del expected["Email"]["Subject"]
    assert dict(message.data) == expected
    assert subject in {"Hey Ann", "Hi Ann", "Hello Ann"}


@pytest.mark.unmeasured
@pytest.mark.rows(71)
def test_alternatives_in_a_subject_are_drawn_once_and_for_all():
    """R38, R39: every text comes, each visit draws its own, and the same one on every store and in replays."""
    subjects: list[list[dict[str, str]]] = []
    for store in ("memory", "sqlite", "memory"):
        with open_engine(store, batch_size=7 if subjects else 2_000) as engine:
            host = Host(engine)
            host.deploy(
                mail(data={"subject": "{{{Hey|Hi|Hello}}}, {{ name }}", "again": "{{{Hey|Hi|Hello}}}"}),
                Wait("w", "1 day"),
                mail("second", data={"subject": "{{{Hey|Hi|Hello}}}, {{ name }}"}),
            )
            for n in range(300):
                host.put(START, f"c{n}", name=f"N{n}")
                host.feed("go", START, f"c{n}")
            host.tick("2 days")
            subjects.append(
                [{name: str(text) for name, text in each.data.items()} for each in engine.messages(take=1_000).items]
            )
    assert subjects[0] == subjects[1] == subjects[2]
    firsts, seconds = subjects[0][0::2], subjects[0][1::2]
    counts = [sum(each["subject"].startswith(word) for each in firsts) for word in ("Hey,", "Hi,", "Hello,")]
    assert sum(counts) == 300
    assert min(counts) > 70
    assert 60 < sum(one["subject"] == two["subject"] for one, two in zip(firsts, seconds, strict=True)) < 140
    assert all(each["again"] == each["subject"].partition(",")[0] for each in firsts)


@pytest.mark.rows(221, 76)
def test_an_sms_with_all_its_options(host):
    """R31: `skip_if_no_phone` is a decision before the Send, the delivery window is in a zone of its own (R34)."""
    options = {
        "message": "Hi {{ name }}, your code is {{ trigger.code }}",
        "gateway_id": 7,
        "sender_id": "SHOP",
        "max_retry_attempts": 3,
        "priority": "high",
        "links": {"shorten": True, "track": True},
    }
    window = Window("MON-SAT", "09:00", "20:00", "America/New_York")
    sms = Send("sms", channel="SMS", template="code", data=options, window=window)
    journey = host.deploy(
        Condition("phone", field("phone").is_not_null(), yes=[sms], no=[End("no phone", "skipped")]),
        timezone="Europe/Paris",
    )
    assert loads_journey(dumps_journey(journey)) == journey
    host.put(START, "ann", name="Ann", phone="+3312345")
    host.feed("go", utc("2026-01-05 08:00"), "ann", code=42)
    host.feed("go", utc("2026-01-05 08:00"), "bob", code=43)
    host.tick("1 day")
    (message,) = host.engine.messages().items
    assert message.at == utc("2026-01-05 14:00")
    assert dict(message.data) == {**options, "message": "Hi Ann, your code is 42"}
    assert host.path("bob") == ["phone no", "no phone skipped"]


SECRET = b"secret"


@pytest.mark.rows(218)
@pytest.mark.parametrize("store", STORES)
def test_a_webhook_is_a_channel(store):
    """R71: URL, headers and payload are data; the host's handler signs what it sends, the id keys the request.

    What the other side refuses is sent again, the same to the last byte.
    """
    calls = []

    def webhook(message: Message) -> None:
        body = json.dumps(message.data["payload"]).encode()
        signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        headers = {str(message.data["signature_header"]): signature, "Idempotency-Key": message.id}
        given: Any = message.data["headers"]
        calls.append((message.data["url"], {**given, **headers}, body))
        if len(calls) == 1:
            msg = "503"
            raise OSError(msg)

    with open_engine(store, channels={"WEBHOOK": webhook}) as engine:
        host = Host(engine)
        data = {
            "url": "https://example.com/hook",
            "headers": {"X-Shop": "one"},
            "signature_header": "X-Signature",
            "payload": {"customer": "{{ customer.id }}", "total": "{{ trigger.total }}"},
        }
        host.deploy(Send("hook", channel="WEBHOOK", template="order", data=data, transactional=True))
        assert host.say("go", total=5).delivered == 0
        assert host.tick("1 minute").delivered == 1
        host.tick("2 minutes")
        assert host.messages() == ["hook SENT"]
    (url, headers, body), again = calls
    assert again == (url, headers, body)
    assert (url, json.loads(body)) == ("https://example.com/hook", {"customer": "c1", "total": 5})
    assert headers == {
        "X-Shop": "one",
        "X-Signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
        "Idempotency-Key": "memory-1-1",
    }


@pytest.mark.rows(222)
def test_a_debug_action_is_a_channel_and_a_wait(host):
    """A message to a channel of the host's own, with the values it asks for, and a sleep of so many seconds."""
    debug = Send("debug", channel="DEBUG", template="debug", data={"DebugMessage": "n is {{ n }}"})
    host.deploy(debug, Wait("s", "5 seconds"))
    host.put(START, n=3)
    host.say("go")
    (message,) = host.claim(channels=["DEBUG"])
    assert dict(message.data) == {"DebugMessage": "n is 3"}
    assert host.engine.next_due() == after("5 seconds")


@pytest.mark.rows(73, 75, 82, 212, 217)
def test_lists_and_tags_are_changed_by_updates(host):
    """R39, R50: Subscribe, Unsubscribe, AddTag, RemoveTag, each told as an event that may start the next journey."""
    host.put(START, tags=["old"], lists=["trial"])
    host.deploy(
        Update(
            "u",
            field("lists").add("news"),
            field("lists").remove("trial"),
            tag.add("vip"),
            tag.remove("old"),
            field("visits").increment(),
        )
    )
    host.deploy(mail(), id="subscribed", trigger=Trigger("list.subscribed", where=field("event.list").eq("news")))
    host.deploy(mail(), id="left", trigger=Trigger("list.unsubscribed", where=field("list").eq("trial")))
    host.say("go")
    assert host.attributes() == {"tags": ["vip"], "lists": ["news"], "visits": 1}
    assert host.path(journey="subscribed") == host.path(journey="left") == ["hello queued", "end"]


# --- deciding -------------------------------------------------------------------------------------------------------


@pytest.mark.rows(74, 77, 78, 80, 219)
def test_a_decision_goes_one_of_two_ways_and_they_meet_again(host):
    """R37, R60: rules joined by and, or by or; the branches of a YesNo rejoin after it."""
    both = all_of(field("tier").in_(["Gold"]), field("orders").gte(2))
    either = any_of(field("email").is_not_null(), field("plan").eq("paid"))
    host.deploy(
        Condition("and", both, yes=[mail("gold")], no=[mail("plain")]),
        Condition("or", either, yes=[mail("known")]),
        mail("all"),
    )
    host.put(START, "a", tier="Gold", orders=2, plan="paid")
    host.put(START, "b", tier="Gold", orders=1)
    for customer in "ab":
        host.feed("go", START, customer)
    host.tick()
    assert host.path("a") == ["and yes", "gold queued", "or yes", "known queued", "all queued", "end"]
    assert host.path("b") == ["and no", "plain queued", "or no", "all queued", "end"]


FAMILIES: dict[str, Rule] = {
    "fields": field("age").gte(18),
    "tags": tag.contains("vip"),
    "lists as segments": field("lists").contains("buyers"),
    "suppressions": field("consent.EMAIL").ne(False),
    "campaign events": field("lastEmailOpenAt").within_last("30 days"),
    "messages of this run": field("message.hello.opened").eq(True),
    "website events": field("pages").gte(3),
    "website events of late": all_of(field("pages").gte(3), field("lastPageAt").within_last("2 days")),
    "website events long ago": not_(field("lastPageAt").within_last("1 day")),
    "journeys": field("journeys").contains("welcome"),
}


@pytest.mark.rows(220)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.unmeasured
def test_the_families_of_criteria(host, family):
    """R59: fields, lists, tags, consent, messages; what journeys and web sites tell, an Update keeps."""
    host.deploy(
        Update("count", field("pages").increment(), field("lastPageAt").set("{{ trigger.seen }}")),
        id="pages",
        trigger=Trigger("website.pageView"),
        reentry="always",
    )
    done = Trigger("journey.completed", where=field("event.journey").eq("welcome"))
    host.deploy(Update("note", field("journeys").append("welcome")), id="note", trigger=done)
    host.deploy(End("done"), id="welcome", trigger=Trigger("signed.up"))
    host.deploy(
        mail(),
        Wait("day", "1 day"),
        Condition("asked", FAMILIES[family], yes=[End("in", "in")], no=[End("out", "out")]),
    )
    host.put(START, "in", age=20, tags=["vip"], lists=["buyers"])
    host.put(START, "out", age=5, consent={"EMAIL": False})
    host.feed("go", START, "in")
    host.feed("go", START, "out")
    host.tick()
    host.feed("signed.up", "1 hour", "in")
    for minute in range(3):
        host.feed("website.pageView", f"{minute} minutes", "in", seen=utc("2026-01-05 07:59").isoformat())
    host.feed("website.pageView", "1 hour", "out", seen=after("1 hour").isoformat())
    host.feed("message.opened", "1 hour", "in", message="memory-1-1")
    host.tick("2 days")
    assert [host.path(name)[-1] for name in ("in", "out")] == ["in in", "out out"]


@pytest.mark.rows(220)
def test_criteria_are_groups_joined_by_or(host):
    """R60: any of some groups, each of which says all of some rules; the first branch that is true is taken (R37)."""
    groups = any_of(
        all_of(field("country").eq("FR"), field("orders").gte(1)), all_of(tag.contains("vip"), field("age").gte(18))
    )
    host.deploy(Condition("who", branches=[branch(groups, [End("in", "in")])], otherwise=[End("out", "out")]))
    people = {"a": {"country": "FR", "orders": 1}, "b": {"tags": ["vip"], "age": 20}, "c": {"country": "FR", "age": 20}}
    for name, values in people.items():
        host.put(START, name, **values)
        host.feed("go", START, name)
    host.tick()
    assert [host.path(name)[-1] for name in people] == ["in in", "in in", "out out"]


@pytest.mark.rows(79)
def test_opened_asks_this_mail_or_any(host):
    """R59: `message.hello.opened` is this run's mail; `lastEmailOpenAt` any: an older one passes there."""
    host.deploy(mail("old"), id="before", trigger=Trigger("before"))
    host.deploy(
        mail(),
        Wait("day", "1 day"),
        Condition("this", field("message.hello.opened").eq(True)),
        Condition("any", field("lastEmailOpenAt").is_not_null()),
    )
    host.say("before")
    host.say("message.opened", START, message="memory-1-1")
    host.say("go")
    host.tick("2 days")
    assert host.path()[-3:] == ["this no", "any yes", "end"]


@pytest.mark.rows(81)
@pytest.mark.unmeasured
def test_a_split_divides_and_remembers(host):
    """R38: arms in percent, the same person in the same arm in every run."""
    host.deploy(Split("test", arm(30, [End("a", "a")]), arm(70, [End("b", "b")])), reentry="always")
    for when in ("0 days", "1 day"):
        for n in range(400):
            host.feed("go", when, f"c{n}")
    host.tick("2 days")
    ends = {run: [host.path(f"c{n}", run=run)[-1] for n in range(400)] for run in (1, 2)}
    assert ends[1] == ends[2]
    assert 90 < ends[1].count("a a") < 150


@pytest.mark.rows(83, 84)
def test_a_journey_begins_at_its_trigger_and_ends_at_its_end(host):
    """R20, R40: the trigger is not a step; every path comes to an End, and one that is not written is added."""
    journey = host.deploy(mail())
    host.say("go")
    assert [step.id for step in journey.steps] == ["hello", "end"]
    assert (host.path(), host.status()) == (["hello queued", "end"], ("COMPLETED", ""))


# --- what the host is told ------------------------------------------------------------------------------------------


@pytest.mark.rows(66, 210)
def test_a_held_wait_can_be_left_by_an_exit(host):
    """R42: also while its window is closed."""
    host.deploy(Wait("w", "1 hour", window=OFFICE), mail(), exits=[Exit("bought", event="order")])
    host.say("go", utc("2026-01-09 20:00"))
    host.engine.feed(Event("order", customer="c1", at=utc("2026-01-10 12:00")))
    host.tick("30 days")
    assert (host.status(), host.messages()) == (("EXITED", "bought"), [])


@pytest.mark.rows(58, 65)
def test_each_step_knows_how_many_are_there_and_how_often_it_was_done(host):
    """People at a step now, those who ever were, and how often it was completed: for every step, not only for Sends."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day"), reentry="always")
    for hour, name in enumerate(("ann", "bob", "ann")):
        host.feed("go", f"{hour} days", name)
    host.tick("36 hours")
    steps = host.engine.stats("j", at=after("36 hours")).by_step
    assert (steps["rest"].active, steps["rest"].visited, steps["rest"].outcomes) == (1, 2, {"elapsed": 1})
    assert (steps["hello"].active, steps["hello"].visited, steps["hello"].outcomes) == (0, 2, {"queued": 2})
    host.tick("4 days")
    rest = host.engine.stats("j", at=after("4 days")).by_step["rest"]
    assert (rest.active, rest.visited, rest.outcomes) == (0, 3, {"elapsed": 3})
    assert host.engine.people("j", "rest").total == 2
