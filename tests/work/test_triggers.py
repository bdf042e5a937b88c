"""All families of triggers of the seed documents, each through the engine on both stores (R20, R50, R51)."""

from typing import Any

import pytest

from journeyflow import End, Journey, Send, Trigger, Update, Wait, field, tag
from journeyflow.definition.rules.conditions import FieldRule, all_of, any_of
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey
from tests.samples import START, after

AUDITED = True


def entered(host, *triggers: Trigger) -> None:
    """Deploy a journey for each trigger, each read from its own file again."""
    for number, trigger in enumerate(triggers):
        journey = Journey(id=f"j{number}", trigger=trigger, reentry="always", steps=[End("done")])
        host.engine.deploy(loads_journey(dumps_journey(journey)), at=START)


def counts(host) -> list[int]:
    """Count who entered each journey, in the order in which they were deployed."""
    return [each.enrolled for each in host.engine.journeys()]


def test_a_new_version_may_have_another_trigger(host):
    """What triggers a journey is what the version of the event's own instant says (R9, R20)."""
    for hour, event in (("0 hours", "go"), ("2 hours", "run")):
        host.engine.deploy(Journey(id="j", trigger=Trigger(event), steps=[End("done")]), at=after(hour))
    for hour, people in (("1 hour", ("ann", "bob")), ("3 hours", ("cid", "dan"))):
        for event, customer in zip(("go", "run"), people, strict=True):
            host.feed(event, hour, customer)
    host.tick("3 hours")
    assert [each.customer for each in host.engine.enrollments("j").items] == ["ann", "dan"]


# --- lists, tags, fields ----------------------------------------------------------------------------------------------


@pytest.mark.rows(23, 24, 38)
def test_people_enter_when_they_join_or_leave_a_list(host):
    """A certain list, or any; however it was told: by attributes, by an event, by an Update (R50, R51)."""
    entered(
        host,
        Trigger.list_subscribed("news"),
        Trigger.list_subscribed(),
        Trigger.list_unsubscribed("news"),
        Trigger.list_unsubscribed(),
    )
    host.deploy(Update("u", field("lists").add("news")), id="x-update")
    host.put(START, lists=["news", "sport"])
    host.tick()
    assert counts(host)[:4] == [1, 2, 0, 0]
    host.put("1 hour", lists=["sport"])
    host.say("list.unsubscribed", "1 hour", "c1", list="sport")
    assert counts(host)[:4] == [1, 2, 1, 2]
    host.say("go", "2 hours")
    assert counts(host)[:4] == [2, 3, 1, 2]


@pytest.mark.rows(32, 33, 40)
def test_people_enter_when_they_are_given_or_lose_a_tag(host):
    """A certain tag, or any (R50, R51)."""
    entered(host, Trigger.tag_added("vip"), Trigger.tag_added(), Trigger.tag_removed("vip"), Trigger.tag_removed())
    host.put(START, tags=["vip", "new"])
    host.tick()
    host.say("tag.added", "1 hour", "c1", tag="vip")  # there already
    host.say("tag.removed", "2 hours", "c1", tag="vip")
    host.put("3 hours", tags=[])
    host.tick("3 hours")
    assert counts(host) == [1, 2, 1, 2]


@pytest.mark.rows(34, 40)
def test_people_enter_when_a_field_changes(host):
    """A certain field, or any; to a certain value; a dotted name is one inside an object (R50, R51)."""
    entered(
        host,
        Trigger.field_changed("plan"),
        Trigger.field_changed(),
        Trigger.field_changed("plan", where=field("event.new").eq("paid")),
        Trigger.field_changed("address.city"),
    )
    host.put(START, plan="free", age=5)
    host.put("1 hour", plan="free")
    host.put("2 hours", plan="paid")
    host.say("field.changed", "3 hours", "c1", field="address.city", new="Durban")
    assert counts(host) == [2, 4, 1, 1]


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(25, 26, 27, 39)
@pytest.mark.parametrize("kind", ["opened", "clicked", "converted"])
def test_people_enter_when_they_react_to_a_message(host, kind):
    """A certain template, or any, of one channel or any; what the engine sent, and what another system did (R51)."""
    entered(
        host,
        Trigger.message(kind, template="welcome"),
        Trigger.message(kind, template="welcome", channel="SMS"),
        Trigger.message(kind),
        Trigger.message(kind, where=field("event.journey").eq("mails") & field("event.step").eq("b")),
    )
    host.deploy(
        Send("a", channel="EMAIL", template="welcome"),
        Send("b", channel="EMAIL", template="other"),
        id="mails",
    )
    host.say("go")
    first, second = host.claim()
    host.say(f"message.{kind}", "1 hour", "c1", message=first.id)
    assert counts(host)[:4] == [1, 0, 1, 0]
    host.say(f"message.{kind}", "2 hours", "c1", message=second.id)
    assert counts(host)[:4] == [1, 0, 2, 1]
    host.put("3 hours", "c2", x=1)
    host.say(f"message.{kind}", "3 hours", "c2", template="welcome", channel="SMS")
    assert counts(host)[:4] == [2, 1, 3, 1]
    host.say(f"message.{kind}", "4 hours", "c2", message=first.id)
    assert counts(host)[:4] == [2, 1, 3, 1]


def test_the_data_of_a_message_event_say_what_message_it_is_about(host):
    """Journey, step, channel and template beside what was told; what was told goes before (R52)."""
    data = {name: f"{{{{ trigger.{name} }}}}" for name in ("journey", "step", "channel", "template", "url", "message")}
    host.deploy(Send("out", channel="LOG", template="log", data=data), id="log", trigger=Trigger.message("clicked"))
    host.deploy(Send("a", channel="EMAIL", template="welcome"), id="mails")
    host.say("go")
    (message,) = host.claim()
    host.say("message.clicked", "1 hour", "c1", message=message.id, url="/x", step="mine")
    (logged,) = host.engine.messages("log").items
    assert dict(logged.data) == {
        "journey": "mails",
        "step": "mine",
        "channel": "EMAIL",
        "template": "welcome",
        "url": "/x",
        "message": message.id,
    }


def test_an_acknowledged_message_may_begin_a_journey(host):
    """`message.sent` is an event like the others (R71)."""
    entered(host, Trigger.message("sent", template="welcome"))
    host.deploy(Send("a", channel="EMAIL", template="welcome"), id="mails")
    host.say("go")
    host.engine.ack(host.claim(), at=after("1 minute"))
    host.tick("1 minute")
    assert counts(host)[0] == 1


# --- the website ------------------------------------------------------------------------------------------------------

TEN: list[tuple[str, Any, Any, Any]] = [
    ("equals", "300", 300, 301),
    ("doesn't equal", "300", 301, 300),
    ("contains", "shoe", "red shoes", "shirt"),
    ("doesn't contain", "shoe", "shirt", "red shoes"),
    ("matches regex", "^/product/[0-9]+$", "/product/5", "/product/x"),
    ("doesn't match regex", "^/product/[0-9]+$", "/product/x", "/product/5"),
    ("greater than", "300", "301", "300"),
    ("less than", "300", 299.5, 300),
    ("is set", None, "", None),
    ("is not set", None, None, 0),
]
"""The ten operators by the names of the older system: the operand, a value that fits, one that does not."""


@pytest.mark.rows(28, 29, 30, 31, 41, 42, 43)
@pytest.mark.parametrize(
    ("kind", "n"),
    [
        pytest.param("pageView", 0, marks=pytest.mark.regex),
        pytest.param("identify", 1, marks=pytest.mark.regex),
        ("customEvent", 2),
        ("conversion", 3),
    ],
)
def test_people_enter_by_what_they_do_on_the_website(host, kind, n):
    """Criteria on any property of the event, with the ten operators; all of them must hold (R51, R60)."""
    operators = [each for number, each in enumerate(TEN) if number % 4 == n] + TEN[:1]
    rule = all_of(
        *(FieldRule(f"event.p{number}", op, value) for number, (op, value, _, _) in enumerate(operators)),
    )
    entered(host, Trigger.website(kind, where=rule), Trigger.website(kind))
    fits = {f"p{number}": fit for number, (_, _, fit, _) in enumerate(operators)}
    host.say(f"website.{kind}", START, "c1", **fits)
    assert counts(host) == [1, 1]
    for number, (_, _, _, other) in enumerate(operators):
        host.say(f"website.{kind}", "1 hour", "c1", **{**fits, f"p{number}": other})
    assert counts(host) == [1, 1 + len(operators)]


@pytest.mark.rows(43)
@pytest.mark.parametrize(
    ("op", "value", "fit", "other"),
    [pytest.param(*each, marks=pytest.mark.regex) if "regex" in each[0] else each for each in TEN],
)
def test_each_of_the_ten_operators_decides_an_entry(host, op, value, fit, other):
    """By the name of the older system; in a rule of this one it has the name of R60."""
    entered(host, Trigger.website("customEvent", where=FieldRule("event.x", op, value)))
    host.say("website.customEvent", START, "fits", x=fit)
    host.say("website.customEvent", START, "other", x=other)
    assert [each.customer for each in host.engine.enrollments("j0").items] == ["fits"]


# --- revenue, journeys, events of the host, by hand -------------------------------------------------------------------


@pytest.mark.rows(35, 40)
def test_people_enter_by_a_hit_of_revenue(host):
    """A single hit of at least so much, not a sum of several; 0 is any (R51)."""
    entered(host, Trigger.revenue(5_000), Trigger.revenue(), Trigger.revenue(1, where=field("event.shop").eq("web")))
    for amount, shop in ((4_999, "web"), (4_999, "till"), (5_000, "till"), (7_000, "web"), (-5_000, "web")):
        host.say("revenue", START, "c1", amount=amount, shop=shop)
    assert counts(host) == [2, 4, 2]


@pytest.mark.rows(36, 40)
def test_people_enter_when_they_complete_another_journey(host):
    """A certain journey, or any; only by coming to its End, not by leaving it early (R40, R51)."""
    entered(host, Trigger.journey_completed("a"), Trigger.journey_completed("b"))
    host.deploy(Wait("day", "1 day"), id="a", trigger=Trigger("a"))
    host.deploy(End("done"), id="b", trigger=Trigger("b"))
    host.say("a", START, "c1")
    host.say("a", START, "c2")
    host.say("b", START, "c1")
    host.engine.exit("a", "c2", at=after("1 hour"))
    host.tick("2 days")
    assert [host.engine.journey(name).enrolled for name in ("j0", "j1")] == [1, 1]
    assert Trigger.journey_completed().where is None


@pytest.mark.rows(22, 37)
def test_people_enter_by_any_event_of_the_host_or_by_hand(host):
    """Types of events are open; a manual journey listens to none (R20, R24)."""
    entered(host, Trigger("scl.member.created"), Trigger(manual=True))
    host.say("scl.member.created")
    host.engine.enroll("j1", "c2", at=START)
    host.tick()
    assert [each.customer for each in host.engine.enrollments().items] == ["c1", "c2"]


@pytest.mark.rows(44, 45, 46)
@pytest.mark.parametrize(("join", "who"), [(all_of, ["both"]), (any_of, ["both", "left", "right"])])
def test_run_criteria_are_joined_by_and_or_by_or(host, join, who):
    """Asked at the entry, about the customer and the event; what refuses is recorded (R21)."""
    host.deploy(End("done"), run_criteria=join(tag.contains("vip"), field("event.amount").gte(10)))
    for name, tags, amount in (("both", ["vip"], 10), ("left", ["vip"], 9), ("right", [], 10), ("none", [], 9)):
        host.put(START, name, tags=tags)
        host.feed("go", START, name, amount=amount)
    host.tick()
    assert sorted(each.customer for each in host.engine.enrollments().items) == who
    assert host.refused() == {"run criteria": 4 - len(who)}


# --- what they look like ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Trigger.message("open"), "unknown kind 'open' (did you mean 'opened'?)"),
        (lambda: Trigger.website("zzz"), "unknown kind 'zzz'; known are pageView, identify, customEvent, conversion"),
    ],
)
def test_a_kind_that_never_comes_is_refused(call, sentence):
    """The call says so, and what there is."""
    with pytest.raises(ValueError, match="unknown kind") as caught:
        call()
    assert str(caught.value) == sentence


def test_a_trigger_shows_what_it_is():
    """A constructor is short for an event type with criteria (R20)."""
    assert Trigger.tag_added("vip") == Trigger("tag.added", where=field("event.tag").eq("vip"))
    assert Trigger.tag_added() == Trigger("tag.added")
    assert Trigger.message("opened") == Trigger("message.opened")
    assert Trigger.revenue(5).where == field("event.amount").gte(5)
