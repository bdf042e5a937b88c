"""What the calls of Octeth do to an engine, and what their answers say of it."""

import html
from datetime import timedelta
from typing import Any

import pytest

from journeyflow import Condition, End, Engine, Event, Journey, Send, Trigger, Wait, field
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.rules.parts import walk
from journeyflow.formats.octeth.history import OF_JOURNEYS
from journeyflow.services.octeth import VERSIONS, Octeth
from journeyflow.stores.sqlite import SQLiteStore
from tests.services.octeth.world import MAIL, WAIT, World, running

# --- journeys ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(20, 21, 85, 201, 229)
def test_a_new_journey_is_disabled_and_manual_unless_said_otherwise():
    """It can be enabled at once, although it does nothing yet."""
    world = World()
    made = world.done("journey.create", Name="Contact Form", Notes="why")["Journey"]
    assert (made["JourneyName"], made["Notes"], made["Status"]) == ("Contact Form", "why", "Disabled")
    number = int(made["JourneyID"])
    journey = world.done("journey.get", JourneyID=number)
    assert (journey["JourneyName"], journey["Notes"], journey["Actions"]) == ("Contact Form", "why", [])
    assert (journey["Status"], journey["Trigger"], journey["TriggerParameters"]) == ("Disabled", "Manual", [])
    assert world.engine.tenant("acme").definition("journey-1").trigger == Trigger(manual=True)
    assert world.done("journey.enable", JourneyID=number)["Journey"]["Status"] == "Enabled"


@pytest.mark.rows(23, 28, 32, 34, 35, 36, 38, 39, 40, 41, 43, 229)
@pytest.mark.parametrize(
    ("name", "said", "event", "rule"),
    [
        ("ListSubscription", {"Trigger_ListID": 10}, "list.subscribed", "event.list = '10'"),
        ("ListUnsubscription", {"Trigger_ListID": "0"}, "list.unsubscribed", "None"),
        ("EmailOpen", {"Trigger_EmailID": 95}, "message.opened", "(event.template = '95' and event.channel = 'EMAIL')"),
        ("EmailLinkClick", {"Trigger_EmailID": 0}, "message.clicked", "event.channel = 'EMAIL'"),
        ("Tag", {"Trigger_Value": 7}, "tag.added", "event.tag = '7'"),
        ("UnTag", {"Trigger_Value": 0}, "tag.removed", "None"),
        ("CustomFieldValueChanged", {"Trigger_Value": "10"}, "field.changed", "event.field = 'CustomField10'"),
        ("RevenueHit", {"Trigger_Value": 99.5}, "revenue", "event.amount >= 9950"),
        (
            "WebsiteEvent_conversion",
            {"Trigger_Criteria": [{"Property": "a", "Operator": "is set"}]},
            *("website.conversion", "event.a is not null"),
        ),
    ],
)
def test_each_trigger_becomes_one_of_the_engine(name, said, event, rule):
    """Names are read in any case, and the answer says them as the documents do."""
    world = World()
    number = world.journey(Trigger=name.upper(), **said)
    acme = world.engine.tenant("acme")
    trigger = acme.definition(acme.journey(number=number).id).trigger
    assert (trigger.event, str(trigger.where)) == (event, rule)
    assert world.done("journey.get", JourneyID=number)["Trigger"] == name


@pytest.mark.rows(36)
def test_a_journey_that_follows_another_names_it_by_its_number():
    """The number stands in the answer, whatever the engine's id is."""
    world = World()
    first = world.journey()
    second = world.journey(Trigger="JourneyCompleted", Trigger_Value=first)
    assert world.done("journey.get", JourneyID=second)["TriggerParameters"] == {"Value": first}
    world.done("journey.delete", JourneyID=first)
    assert world.done("journey.get", JourneyID=second)["TriggerParameters"] == {"Value": 0}
    assert world.call("journey.create", Name="n", Trigger="JourneyCompleted", Trigger_Value=0)[0] == 404


@pytest.mark.rows(28, 41)
def test_a_version_knows_its_triggers():
    """2023 has six, 2024 the website's too, later ones all; the website's need a criterion."""
    said: dict[str, Any] = {
        "Tag": {"Trigger_Value": 7},
        "WebsiteEvent_pageView": {"Trigger_Criteria": [{"Property": "a", "Operator": "is set"}]},
    }
    for version, known in zip(VERSIONS, ((), ("WebsiteEvent_pageView",), tuple(said), tuple(said)), strict=True):
        world = World(version)
        for name, more in said.items():
            status, _ = world.call("journey.create", Name="n", Trigger=name, **more)
            assert status == (200 if name in known else 400), name
        assert world.call("journey.create", Name="n", Trigger="WebsiteEvent_pageView")[0] == 400


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"Trigger": "Tag"}, 10),
        ({"Trigger": "JourneyCompleted"}, 16),
        ({"Trigger": "RevenueHit", "Trigger_Value": True}, 14),
        ({"Trigger_Criteria": [{"Property": "a..b", "Operator": "is set"}], "Trigger": "WebsiteEvent_identify"}, 3),
        ({"Run_Criteria": [{"Property": "a", "Operator": "equals", "Value": []}]}, 3),
    ],
)
def test_what_a_journey_cannot_be_has_a_code_too(said, code):
    """What only the engine finds wrong is told by the nearest code of the document."""
    status, body = World().call("journey.create", Name="n", **said)
    assert (status // 100, [each["Code"] for each in body["Errors"]]) == (4, [code])


@pytest.mark.rows(92, 93, 202, 232)
def test_only_what_is_given_is_changed():
    """An empty Notes empties them; a target alone leaves the trigger, but a trigger needs its target."""
    world = World()
    number = world.journey(WAIT, Trigger="ListSubscription", Trigger_ListID=10, Notes="why", Rate_Limit_Per_Day=5)
    assert world.call("journey.update", JourneyID=number, Trigger="ListUnsubscription")[0] == 422
    world.done("journey.update", JourneyID=number, Trigger_ListID=30, Rate_Limit_Per_Hour="3")
    acme = world.engine.tenant("acme")
    journey = acme.definition(acme.journey(number=number).id)
    assert str(journey.trigger.where) == "event.list = '30'"
    assert (journey.limits.per_hour, journey.limits.per_day) == (3, 5)
    assert world.done("journey.update", JourneyID=number, Notes="because")["Journey"]["Notes"] == "because"
    changed = world.done("journey.update", JourneyID=number, Notes="")["Journey"]
    assert (changed["Notes"], changed["JourneyName"]) == ("", "Welcome Series")
    rule = [{"Property": "EmailAddress", "Operator": "is set"}, {"Property": "10", "Operator": "equals", "Value": "a"}]
    world.done("journey.update", JourneyID=number, Run_Criteria=rule, Run_Criteria_Operator="OR")
    assert str(acme.definition(journey.id).run_criteria) == "(email is not null or CustomField10 = 'a')"
    version = acme.journey(journey.id).version
    world.done("journey.update", JourneyID=number)
    assert acme.journey(journey.id).version == version
    world.done("journey.enable", JourneyID=number)
    for name, target in (("B", 10), ("Welcome Series", 30), ("B", 10)):
        world.done("journey.update", JourneyID=number, Name=name, Trigger_ListID=target)
        shown = world.done("journey.get", JourneyID=number)
        assert (shown["JourneyName"], shown["TriggerParameters"]) == (name, {"ListID": target})


@pytest.mark.rows(235)
def test_a_journey_is_enabled_and_disabled():
    """Each is told in the answer and stands in the journey; only while it is Enabled does anybody enter."""
    world = World()
    number = world.journey(WAIT)
    about: dict[str, Any] = {"JourneyID": number, "ListID": 26, "SubscriberID": 1}
    for call, state, status in (("enable", "Enabled", 200), ("disable", "Disabled", 403), ("enable", "Enabled", 200)):
        assert world.done(f"journey.{call}", JourneyID=number)["Journey"]["Status"] == state
        assert world.done("journey.get", JourneyID=number)["Status"] == state
        assert world.call("subscriber.journey.trigger", **about)[0] == status
        assert world.call(f"journey.{call}", JourneyID=number)[0] == 409
    world.done("journey.disable", JourneyID=number)
    world.tick(days=5)
    assert world.done("journey.get", JourneyID=number)["JourneyStats"]["ActiveSubscribers"] == 1
    world.done("journey.enable", JourneyID=number)
    world.tick(minutes=1)
    assert world.done("journey.get", JourneyID=number)["JourneyStats"]["ActiveSubscribers"] == 0


@pytest.mark.rows(94, 225, 233)
def test_a_deleted_journey_is_gone_with_everything():
    """In any state; its number is never given again."""
    world, number = running()
    world.done("journey.delete", JourneyID=number)
    assert world.call("journey.get", JourneyID=number)[0] == 404
    assert world.done("journey.list")["Journeys"] == []
    assert world.engine.tenant("acme").journeys(take=None).items == ()
    assert world.engine.tenant("acme").messages(take=None).items == ()
    assert world.journey() != number


@pytest.mark.rows(88, 112, 230)
def test_emails_and_journeys_are_listed_oldest_first():
    """In the order in which they were made, whatever their names and ids are; all of them are there."""
    world = World()
    numbers = [world.journey(MAIL, enabled=True, Name=name) for name in ("B", "C", "A", *"DEFGHIJKLM")]
    assert [int(each["JourneyID"]) for each in world.done("journey.list")["Journeys"]] == numbers
    assert [each["JourneyID"] for each in world.done("journey.sendemailactions")["Actions"]] == numbers


def test_an_archived_journey_does_not_exist():
    """Octeth has no such state."""
    world, number = running()
    acme = world.engine.tenant("acme")
    acme.archive(acme.journey(number=number).id, at=world.now)
    assert world.call("journey.get", JourneyID=number)[0] == 404
    assert world.done("journey.list")["Journeys"] == []
    assert world.done("journey.sendemailactions", IncludeDisabled=1)["Actions"] == []


def test_journeys_that_others_made_have_numbers_too():
    """A host may deploy journeys beside the interface; their steps are actions with numbers, and can be replaced."""
    world = World()
    acme = world.engine.tenant("acme")
    steps: list[Any] = [
        Condition("paid", field("plan").eq("paid"), yes=[Send("hello", channel="EMAIL", template="95")]),
        Wait("rest", "1 day", name="A day", meta={"color": "blue"}),
    ]
    acme.deploy(Journey(id="own", steps=steps, trigger=Trigger("joined")), at=world.now)
    number = acme.journey("own").number
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert [each["Action"] for each in shown] == ["Decision", "Wait"]
    assert shown[0]["Actions"]["True"][0]["Action"] == "SendEmail"
    world.done("journey.actions.update", JourneyID=number, Actions=shown[1:])
    world.done("journey.update", JourneyID=number, Trigger_ListID=30, Name="Own")
    assert acme.definition("own").trigger == Trigger("joined")
    rest, _ = acme.definition("own").steps
    assert (rest.id, rest.name, rest.meta) == ("rest", "A day", {"color": "blue"})


# --- actions ----------------------------------------------------------------------------------------------------------


@pytest.mark.rows(57, 63, 64, 223, 236)
def test_a_list_replaces_what_was_there():
    """A known number keeps its action, none makes a new one, what is missing is removed; new ones are not published."""
    world = World()
    number = world.journey(WAIT, MAIL)
    first, second = world.actions(number)
    world.done(
        "journey.actions.update",
        JourneyID=number,
        Actions=[{"ActionID": str(second), **MAIL}, {"ActionID": None, **WAIT}],
    )
    kept, new = world.done("journey.get", JourneyID=number)["Actions"]
    assert int(kept["ActionID"]) == second
    assert int(new["ActionID"]) not in {first, second}
    assert (kept["Published"], new["Published"]) == (True, False)
    twice = [{"ActionID": second, **MAIL}, {"ActionID": second, **WAIT}, {"ActionID": 9999, **WAIT}]
    world.done("journey.actions.update", JourneyID=number, Actions=twice)
    numbers = world.actions(number)
    assert numbers[0] == second
    assert len({*numbers, 9999, first}) == 5


@pytest.mark.rows(63, 64)
def test_a_list_without_numbers_is_all_new_and_one_of_before_is_taken_again():
    """New actions never take over what others were; the list of an earlier time replaces the present one."""
    world = World()
    number = world.journey(WAIT)
    seen = [world.actions(number)]
    for each in (WAIT, MAIL, WAIT):
        world.done("journey.actions.update", JourneyID=number, Actions=[each])
        seen.append(world.actions(number))
    assert len({action for actions in seen for action in actions}) == 4
    last = seen[-1][0]
    world.done("journey.enable", JourneyID=number)
    for days in (3, 4, 3):
        wait = {"ActionID": last, **WAIT, "WaitAmount": days}
        world.done("journey.actions.update", JourneyID=number, Actions=[wait])
        (shown,) = world.done("journey.get", JourneyID=number)["Actions"]
        assert (shown["ActionID"], shown["ActionParameters"]["WaitAmount"]) == (str(last), days)


@pytest.mark.rows(63, 236)
def test_subscribers_inside_go_on_as_they_began():
    """Replacing actions takes nothing from those who are at one: the new list is for those who come after."""
    world, number = running()
    inside = {"ListID": 26, "SubscriberID": 1}
    world.done("journey.actions.update", JourneyID=number, Actions=[{**WAIT, "WaitAmount": 9, "Published": 1}])
    world.tick(days=4)
    assert world.done("subscriber.journey.list", **inside)["Journeys"] == []
    world.done("subscriber.journey.trigger", JourneyID=number, **inside)
    world.tick(days=4)
    assert len(world.done("subscriber.journey.list", **inside)["Journeys"]) == 1


@pytest.mark.rows(223)
def test_an_action_that_is_not_published_is_passed_through():
    """The email goes out only when it is published; it is off from the very first instant."""
    world = World()
    number = world.journey()
    world.done("journey.enable", JourneyID=number)
    world.done("journey.actions.update", JourneyID=number, Actions=[MAIL, {**WAIT, "Published": "true"}])
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=1)
    assert world.engine.tenant("acme").messages(take=None).items == ()
    mail, _ = world.actions(number)
    world.done("journey.actions.published", JourneyID=number, Actions=[{"ActionID": mail, "Published": "true"}])
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=2)
    assert [each.customer for each in world.engine.tenant("acme").messages(take=None)] == ["26:2"]


def reads_of(journey: Journey) -> list[Any]:
    """Return what the comparisons of a Decision name, inside of counts too, without statuses."""
    (decision,) = (step for step in journey.steps if isinstance(step, Condition))
    parts = [part for part, _ in walk(decision.branches[0].when, items=True) if isinstance(part, FieldRule)]
    return [part.value for part in parts if part.field != "item.status"]


@pytest.mark.rows(59, 213, 214, 216, 219, 220)
def test_numbers_inside_actions_are_those_of_the_interface():
    """Journeys and actions are named by number wherever they stand; numbers inside the engine are its own affair."""
    world = World()
    other = world.journey()
    number = world.journey({"Action": "StartJourney", "TargetJourneyID": other}, MAIL)
    start, mail = world.actions(number)
    rule = {"type": "journey-email-action", "operator": "opened", "journey-id": number, "value": mail}
    rules = [rule, *({"type": "journeys", "operator": name, "value": other} for name in sorted(OF_JOURNEYS))]
    inner = [{"Action": "ExitJourney", "TargetJourneyID": [other]}]
    decision = {"Action": "Decision", "Criteria": rules, "Actions": {"True": inner, "False": []}}
    actions: list[Any] = [{"ActionID": start, "Action": "StartJourney", "ActionParameters": {"TargetJourneyID": other}}]
    actions += [{"ActionID": mail, **MAIL}, decision]
    world.done("journey.actions.update", JourneyID=number, Actions=actions)
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert shown[0]["ActionParameters"] == {"TargetJourneyID": other}
    assert shown[2]["ActionParameters"]["Criteria"] == rules
    foreign = {**decision, "Criteria": [{**rule, "journey-id": other}]}
    status, answer = world.call("journey.actions.update", JourneyID=number, Actions=[*actions[:2], foreign])
    assert (status, answer["Errors"][0]["Code"]) == (422, 6)
    (_, *asked) = reads_of(world.engine.tenant("acme").definition("journey-2"))
    assert asked == ["journey-1"] * len(OF_JOURNEYS)
    assert shown[2]["Actions"]["True"][0]["ActionParameters"] == {"TargetJourneyID": other}
    again = world.done("journey.actions.update", JourneyID=number, Actions=shown)
    assert [each["ActionID"] for each in again["Actions"]] == [each["ActionID"] for each in shown]
    wrongs: list[Any] = [5, {"Action": "Decision", "Criteria": 5}, {"Action": "Decision", "Actions": 5}]
    wrongs += [{"Action": "Decision", "Actions": {"True": 5}}, {"Action": "Wait", "ActionParameters": "x"}]
    for wrong in ([each] for each in wrongs):
        assert world.call("journey.actions.update", JourneyID=number, Actions=wrong)[0] == 422


@pytest.mark.rows(219, 220)
def test_criteria_about_the_past_are_answered():
    """By the lists that the host keeps: each subscriber goes the way of the document's own examples."""
    world = World()
    opened = {"type": "campaign-events", "operator": "opened", "value": []}
    opened["aggregation"] = {"operator": "at_least", "count": 3}  # type: ignore[assignment]  # a JSON object
    bought = {"type": "website-events", "event": "conversion", "operator": "greater than"}
    bought |= {"event_parameter": "conversionValue", "value": "50"}
    ways = {"True": [{**MAIL, "Published": 1}], "False": []}
    decision = {"Action": "Decision", "CriteriaOperator": "or", "Criteria": [opened, bought], "Actions": ways}
    number = world.journey(decision, enabled=True)
    acme = world.engine.tenant("acme")
    event = {"event": "opened", "campaign": 5, "at": world.now.isoformat()}
    acme.put_customer("26:1", {"campaignEvents": [event] * 3}, at=world.now)
    acme.put_customer("26:2", {"campaignEvents": [event] * 2}, at=world.now)
    for subscriber in (1, 2):
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=subscriber)
    assert [each.customer for each in acme.messages(take=None)] == ["26:1"]
    conversion = {"event": "conversion", "at": world.now.isoformat(), "data": {"conversionValue": 300}}
    acme.put_customer("26:2", {"websiteEvents": [conversion]}, at=world.now)
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=2)
    assert [each.customer for each in acme.messages(take=None)] == ["26:1", "26:2"]
    (shown,) = world.done("journey.get", JourneyID=number)["Actions"]
    assert shown["ActionParameters"]["Criteria"] == [{**opened, "value": ""}, bought]


@pytest.mark.rows(111, 237)
def test_flags_are_set_all_or_none():
    """An unknown action leaves the others as they are."""
    world = World()
    number = world.journey(WAIT, MAIL)
    wait, mail = world.actions(number)
    flags = [{"ActionID": wait, "Published": "false"}, {"ActionID": 999, "Published": "true"}]
    assert world.call("journey.actions.published", JourneyID=number, Actions=flags)[0] == 404
    for wrong in ([5], [{"Published": "true"}]):
        assert world.call("journey.actions.published", JourneyID=number, Actions=wrong)[0] == 404
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert [each["Published"] for each in shown] == [True, True]
    acme = world.engine.tenant("acme")
    ends = [Condition("which", field("a").eq(1), yes=[End("one")], no=[End("two")])]
    acme.publish(Journey(id="own", steps=ends), at=world.now)
    own = acme.journey("own").number
    flags = [{"ActionID": world.actions(own)[0], "Published": "false"}]
    status, body = world.call("journey.actions.published", JourneyID=own, Actions=flags)
    assert (status, body["Errors"][0]["Code"]) == (422, 4)
    world.done("journey.actions.published", JourneyID=number, Actions=[{"actionid": str(mail), "published": 0}])
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert [each["Published"] for each in shown] == [True, False]


@pytest.mark.rows(51, 112, 113, 114, 115, 117, 244, 262)
def test_emails_of_all_journeys():
    """Enabled and published ones; an email that is gone leaves empty texts; the order is that of the own list."""
    world = World()
    decision = {
        "Action": "Decision",
        "Criteria": [],
        "Actions": {"True": [WAIT, {**MAIL, "Published": 1}], "False": []},
    }
    number = world.journey(decision, {"Action": "SendEmail", "EmailID": 777}, enabled=True, Name="A &amp; B")
    world.journey({"Action": "SendSMS", "message": "x"}, MAIL)
    rows = world.done("journey.sendemailactions")["Actions"]
    assert [(each["EmailName"], each["Subject"], each["OrderNo"]) for each in rows] == [
        ("Welcome Email", "Subject of Welcome Email", 2),
        ("", "", 2),
    ]
    assert {each["JourneyName"] for each in rows} == {html.unescape("A &amp; B")}
    assert len(world.done("journey.sendemailactions", IncludeDisabled="yes")["Actions"]) == 3
    assert len(world.done("journey.sendemailactions", IncludeDisabled="2")["Actions"]) == 2
    hidden = [{"ActionID": rows[1]["ActionID"], "Published": "false"}]
    world.done("journey.actions.published", JourneyID=number, Actions=hidden)
    assert len(world.done("journey.sendemailactions", JourneyID=number)["Actions"]) == 1
    assert len(world.done("journey.sendemailactions", JourneyID=number, IncludeUnpublished=1)["Actions"]) == 2
    assert len(world.done("journey.sendemailactions", JourneyID="")["Actions"]) == 1


# --- subscribers ------------------------------------------------------------------------------------------------------


@pytest.mark.rows(130, 131, 133, 134, 238, 239, 240)
def test_a_subscriber_enters_and_leaves_at_once():
    """The customer of the engine is "LIST:SUBSCRIBER", with the address of the directory; leaving twice is no fault."""
    world, number = running()
    customer = world.engine.tenant("acme").customer("26:1")
    assert customer.attributes["email"] == "ann@gmail.com"
    about = {"ListID": 26, "SubscriberID": 1}
    (inside,) = world.done("subscriber.journey.list", **about)["Journeys"]
    assert inside["JourneyID"] == str(number)
    for _ in range(2):
        assert world.done("subscriber.journey.remove", JourneyID=number, **about)["ListID"] == "26"
        assert world.done("subscriber.journey.list", **about)["Journeys"] == []
    stats = world.done("journey.get", JourneyID=number)["JourneyStats"]
    assert (stats["ActiveSubscribers"], stats["TotalSubscribers"]) == (1, 2)
    for _ in range(2):
        world.done("subscriber.journey.trigger", JourneyID=number, **about)
        assert world.done("journey.get", JourneyID=number)["JourneyStats"]["TotalSubscribers"] == 3


def test_a_subscriber_is_put_off_when_the_clock_seems_wrong():
    """The engine does nothing then, and the next tick does what was asked."""
    world, number = running()
    world.now += timedelta(days=800)
    about = {"JourneyID": number, "ListID": 26, "SubscriberID": 1}
    assert world.done("subscriber.journey.remove", **about)["SubscriberID"] == "1"
    world.done("subscriber.journey.trigger", **about)
    world.engine.tick(world.now, allow_jump=True)
    assert world.engine.tenant("acme").journey(number=number).enrolled == 3


@pytest.mark.rows(139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 241)
def test_those_at_an_action():
    """Filtered by what they did, sorted, a page at a time; nobody has done anything at an action that sends nothing."""
    world, number = running()
    mail, wait = world.actions(number)
    acme = world.engine.tenant("acme")
    message = acme.messages(customer="26:1").items[0].id
    acme.feed(Event("message.opened", customer="26:1", at=world.now, data={"message": message}))
    world.tick()
    about: dict[str, Any] = {"JourneyID": number, "ActionID": mail}

    def listed(**said):
        answer = world.done("journey.action.subscribers", **{**about, **said})
        return [each["EmailAddress"] for each in answer["Subscribers"]], answer["TotalSubscribers"]

    assert listed() == (["ann@gmail.com", "bob@yahoo.com"], 2)
    assert listed(OrderType="DESC") == (["bob@yahoo.com", "ann@gmail.com"], 2)
    assert listed(RecordsFrom=1, RecordsPerRequest=1) == (["bob@yahoo.com"], 2)
    assert listed(OrderField="SubscriberID", OrderType="desc")[0] == ["bob@yahoo.com", "ann@gmail.com"]
    assert listed(FilterJSON='["opened"]') == (["ann@gmail.com"], 1)
    assert listed(FilterJSON=["opened", "clicked"], Operator="and") == ([], 0)
    assert listed(FilterJSON=["opened", "clicked"], Operator="OR") == (["ann@gmail.com"], 1)
    assert listed(FilterJSON="[]", Operator="xor")[1] == 2
    assert listed(ActionID=wait)[1] == 2
    assert listed(ActionID=wait, FilterJSON=["opened"]) == ([], 0)
    assert world.call("journey.action.subscribers", **{**about, "FilterJSON": '{"opened": 1}'})[0] == 422
    acme.put_customer("26:1", {"consent": {"EMAIL": False}}, at=world.now)
    acme.enroll(acme.journey(number=number).id, "somebody else", at=world.now)
    world.tick(minutes=1)
    people = world.done("journey.action.subscribers", **about)["Subscribers"]
    assert [(each["SubscriberID"], each["Suppressed"]) for each in people] == [
        ("somebody else", False),
        ("1", True),
        ("2", False),
    ]


@pytest.mark.rows(145, 148)
def test_those_at_an_action_in_2024():
    """With the record of the subscriber; an operator that is none is a fault even without a filter."""
    world, number = running("2024")
    about: dict[str, Any] = {
        "JourneyID": number,
        "ActionID": int(world.done("journey.get", JourneyID=number)["Actions"][0]["ActionID"]),
    }
    ann, bob = world.done("journey.action.subscribers", **about)["Subscribers"]
    assert (ann["BounceType"], bob["BounceType"], bob["OptInDate"]) == ("Hard", "Not Bounced", "0000-00-00")
    assert world.call("journey.action.subscribers", Operator="xor", **about)[0] == 422


# --- figures ----------------------------------------------------------------------------------------------------------


def reacted(version: str = "2026") -> tuple[World, int]:
    """Return a world in which an email was delivered, opened, clicked, and brought money."""
    world, number = running(version)
    for kind in ("delivered", "opened", "opened", "clicked"):
        world.report(kind)
    acme = world.engine.tenant("acme")
    message = acme.messages(customer="26:1").items[0].id
    acme.feed(Event("revenue", customer="26:1", at=world.now, data={"amount": 12345, "message": message}))
    world.tick()
    return world, number


@pytest.mark.rows(150, 152, 154, 156, 157, 158, 159, 160, 161, 168, 170, 231, 256)
def test_the_figures_of_a_journey():
    """Of all time, by day in a window, money in units of the currency; a Wait has none."""
    world, number = reacted()
    journey = world.done("journey.get", JourneyID=number, StartDate="2026-05-16", EndDate="2026-05-18")
    stats = journey["JourneyStats"]
    assert (stats["ActiveSubscribers"], stats["TotalSubscribers"]) == (2, 2)
    emails = stats["AggregatedEmailActions"]
    assert {key: emails[key] for key in ("SendCount", "DeliveryCount", "OpenCount", "ClickCount", "TotalRevenue")} == {
        "SendCount": 2,
        "DeliveryCount": 2,
        "OpenCount": 2,
        "ClickCount": 2,
        "TotalRevenue": 123.45,
    }
    assert len(emails) == 11
    assert [(each["Date"], each["SendCount"]) for each in stats["AggregatedDaysEmailActions"]] == [
        *(("2026-05-16", 0), ("2026-05-17", 2), ("2026-05-18", 0))
    ]
    assert stats["TotalRevenue"] == 123.45
    assert stats["DaysRevenue"][1] == {"Date": "2026-05-17", "Amount": 123.45}
    mail, wait = journey["Actions"]
    assert (mail["Revenue"], mail["DaysRevenue"][1]["Amount"], mail["Stats"]["SendCount"]) == (123.45, 123.45, 2)
    days = [(each["Date"], each["SendCount"], each["TotalRevenue"]) for each in mail["DailyStats"]]
    assert days == [("2026-05-16", 0, 0), ("2026-05-17", 2, 123.45), ("2026-05-18", 0, 0)]
    assert not {"Stats", "DailyStats", "Revenue", "DaysRevenue"} & wait.keys()
    later = world.done("journey.get", JourneyID=number, StartDate="2026-05-18", EndDate="2026-05-18")
    assert later["JourneyStats"]["AggregatedEmailActions"] == emails
    assert later["Actions"][0]["Revenue"] == 0


@pytest.mark.rows(250)
def test_figures_are_those_of_the_moment():
    """What was reported since the last answer is in the next one, in every call that counts."""
    world, number = running()

    def opened() -> list[Any]:
        journey = world.done("journey.get", JourneyID=number)
        (listed,) = world.done("journey.list")["Journeys"]
        (action,) = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
        domains = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
        return [
            journey["JourneyStats"]["AggregatedEmailActions"]["OpenCount"],
            journey["Actions"][0]["Stats"]["OpenCount"],
            listed["JourneyStats"]["AggregatedEmailActions"]["OpenCount"],
            action["Stats"]["OpenCount"],
            action["DailyStats"][-1]["OpenCount"],
            sum(each["Opened"] for each in domains),
            2 * world.done("account.journey.benchmark")["Benchmark"]["OpenRate"],
        ]

    assert opened() == [0] * 7
    acme = world.engine.tenant("acme")
    for count, message in enumerate(acme.messages(channel="EMAIL", take=None), 1):
        acme.feed(Event("message.opened", customer=message.customer, at=world.now, data={"message": message.id}))
        world.engine.tick(world.now)
        assert opened() == [count] * 7


@pytest.mark.rows(167, 251)
def test_a_list_asks_as_much_for_many_journeys_as_for_one():
    """No question is asked once per journey, and figures that are left out are not asked for."""
    world = World()
    world.engine = Engine(SQLiteStore(":memory:"))
    world.service = Octeth(world.engine, world.directory)
    costs = []
    for more in (1, 7):
        number = world.journey(MAIL, enabled=True)
        for _ in range(more):
            world.journey(MAIL, Trigger="JourneyCompleted", Trigger_Value=number)
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=1)
        everything, skipped, counted, neither = (
            asked(world, "journey.list", **said)
            for said in (
                {},
                {"SkipStats": 1},
                {"IncludeActivityCounters": 1},
                {"SkipStats": 1, "IncludeActivityCounters": 1},
            )
        )
        assert neither == skipped < everything < counted
        emails = asked(world, "journey.sendemailactions", IncludeDisabled=1)
        inside = asked(world, "subscriber.journey.list", ListID=26, SubscriberID=1)
        costs.append((everything, skipped, counted, emails, inside))
    assert costs[0] == costs[1]


def test_a_journey_that_is_deleted_while_others_are_listed_is_left_out(monkeypatch):
    """Nobody gets an error because somebody else deletes a journey, or an action."""
    world = World()
    kept, gone, changed = (world.journey(MAIL, enabled=True) for _ in range(3))
    acme, definitions, listed = world.engine.tenant("acme"), Engine.definitions, Engine.sends
    sends = {name: listed(acme, journey) for name, journey in (("all", None), ("changed", "journey-3"))}
    assert sends["changed"]
    world.done("journey.actions.update", JourneyID=changed, Actions=[WAIT])

    def meanwhile(engine: Engine) -> dict[str, Journey]:
        if world.call("journey.get", JourneyID=gone)[0] == 200:
            world.done("journey.delete", JourneyID=gone)
        return definitions(engine)

    monkeypatch.setattr(Engine, "definitions", meanwhile)
    numbers = [each["JourneyID"] for each in world.done("journey.list")["Journeys"]]
    assert numbers == [str(kept), str(changed)]
    monkeypatch.setattr(Engine, "sends", lambda _, journey=None, **__: sends["changed" if journey else "all"])
    assert [each["JourneyID"] for each in world.done("journey.sendemailactions")["Actions"]] == [kept]
    assert world.done("journey.stats.byaction", JourneyID=changed)["Actions"] == []


def asked(world: World, command: str, **said: Any) -> int:
    """Return how many questions a call asks of both files, once it has been made before."""
    store = world.engine.store
    assert isinstance(store, SQLiteStore)
    questions: list[str] = []
    for _ in range(2):
        questions.clear()
        for connection in (store.connection, world.directory._file.connection):
            assert connection is not None
            connection.set_trace_callback(questions.append)
        world.done(command, **said)
    return len(questions)


@pytest.mark.rows(163, 164, 165, 166, 167, 137)
def test_activity_is_counted_where_it_is_asked_for():
    """When somebody last entered, when anything last happened, and how many people there were."""
    world, number = reacted()
    keys = {"LastTriggeredAt", "LastActivityAt", "TotalEnrolledLifetime"}
    assert not keys & world.done("journey.get", JourneyID=number)["JourneyStats"].keys()
    for stats in (
        world.done("journey.get", JourneyID=number, IncludeActivityCounters="on")["JourneyStats"],
        world.done("journey.list", IncludeActivityCounters=1)["Journeys"][0]["JourneyStats"],
    ):
        assert stats["LastTriggeredAt"] == "2026-05-17 12:00:00"
        assert stats["LastActivityAt"] == "2026-05-17 12:01:00"
        assert stats["TotalEnrolledLifetime"] == 2
    (row,) = world.done("journey.list", SkipStats=1, IncludeActivityCounters=1)["Journeys"]
    assert "JourneyStats" not in row
    assert world.call("journey.list", SkipStats=1, StatsStartDate="x")[0] == 422
    empty = World()
    stats = empty.done("journey.get", JourneyID=empty.journey(), IncludeActivityCounters=1)["JourneyStats"]
    assert [stats[key] for key in sorted(keys)] == [None, None, 0]


@pytest.mark.rows(171, 172, 173, 174, 181)
def test_the_figures_of_one_email_or_one_domain():
    """EmailID is an ActionID; what is not known under a filter is 0, and the rest of the answer stays."""
    world, number = reacted()
    plain = world.done("journey.get", JourneyID=number)
    mail = world.actions(number)[0]
    for said, sent in (
        ({"EmailID": mail}, 2),
        ({"ISP": "gmail.com"}, 1),
        ({"ISP": "GMAIL.com", "EmailID": mail}, 1),
        ({"ISP": "x"}, 0),
    ):
        answer = world.done("journey.get", JourneyID=number, **said)
        emails = answer["JourneyStats"].pop("AggregatedEmailActions")
        assert emails["SendCount"] == sent
        assert [emails[key] for key in ("ConversionCount", "BrowserViewCount", "ForwardCount")] == [0, 0, 0]
        assert len(emails) == 11
        untouched = {key: value for key, value in plain["JourneyStats"].items() if key != "AggregatedEmailActions"}
        assert answer["JourneyStats"] == untouched
        assert answer["Actions"] == plain["Actions"]


@pytest.mark.rows(175, 176, 245)
def test_figures_by_domain():
    """The most sent first; texts to phones and unknown addresses have no row."""
    world, number = reacted()
    rows = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
    assert [(each["Domain"], each["Sent"], each["Opened"]) for each in rows] == [
        ("gmail.com", 1, 1),
        ("yahoo.com", 1, 1),
    ]
    mail = world.actions(number)[0]
    assert world.done("journey.stats.byisp", JourneyID=number, EmailID=mail)["ByISP"] == rows
    later = {"StartDate": "2026-05-18", "EndDate": "2026-05-18"}
    assert world.done("journey.stats.byisp", JourneyID=number, **later)["ByISP"] == []
    assert world.done("journey.stats.byisp", JourneyID=world.journey())["ByISP"] == []


@pytest.mark.rows(177, 178, 179, 180, 182, 183, 246)
def test_figures_by_action():
    """Every email in its order, with every day of the window; of one domain or one action if asked."""
    world, number = reacted()
    (row,) = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
    assert (row["ActionID"], row["EmailID"], row["EmailName"], row["OrderNo"]) == (
        world.actions(number)[0],
        95,
        "Welcome Email",
        1,
    )
    assert row["Stats"]["SendCount"] == sum(day["SendCount"] for day in row["DailyStats"]) == 2
    assert len(row["DailyStats"]) == 31
    (row,) = world.done("journey.stats.byaction", JourneyID=number, ISP="yahoo.com", EmailID=row["ActionID"])["Actions"]
    assert row["Stats"]["SendCount"] == 1
    assert world.done("journey.stats.byaction", JourneyID=world.journey(WAIT)) == {"Success": True, "Actions": []}
    fresh = World()
    (row,) = fresh.done("journey.stats.byaction", JourneyID=fresh.journey({**MAIL, "EmailID": 5}))["Actions"]
    assert (row["EmailName"], row["Stats"]["SendCount"]) == ("", 0)
    text = fresh.journey({"Action": "SendSMS", "message": "x"}, enabled=True)
    assert fresh.done("journey.stats.byaction", JourneyID=text)["Actions"] == []


@pytest.mark.rows(184, 185, 186, 187, 188, 247, 260)
def test_the_benchmark_of_an_account():
    """Proportions with four decimals; without any email they are 0."""
    world, _ = reacted()
    found = world.done("account.journey.benchmark")
    assert (found["StartDate"], found["EndDate"]) == ("2026-04-17", "2026-05-17")
    told = found["Benchmark"]
    assert (told["OpenRate"], told["ClickRate"], told["BounceRate"]) == (1.0, 1.0, 0.0)
    assert (told["JourneyCount"], told["TotalSent"], told["RevenuePerSubscriber"]) == (1, 2, 61.73)
    later = world.done("account.journey.benchmark", StartDate="2026-05-18", EndDate="2026-05-18")
    assert (later["StartDate"], later["Benchmark"]["TotalSent"]) == ("2026-05-18", 0)
    told = told_apart("2026")[0].done("account.journey.benchmark")["Benchmark"]
    rates = [told[f"{name}Rate"] for name in ("Open", "Click", "ClickToOpen", "Bounce", "Unsubscribe", "Complaint")]
    assert rates == [0.8182, 0.7273, 0.8889, 0.2727, 0.3636, 0.1818]
    other = World()
    text = other.journey({"Action": "SendSMS", "message": "x"}, enabled=True)
    other.done("subscriber.journey.trigger", JourneyID=text, ListID=26, SubscriberID=1)
    assert other.done("account.journey.benchmark")["Benchmark"]["TotalSent"] == 0


HAPPENED = {
    "delivered": 10,
    "opened": 9,
    "clicked": 8,
    "converted": 7,
    "browser_viewed": 6,
    "forwarded": 5,
    "unsubscribed": 4,
    "bounced": 3,
    "complained": 2,
}
"""What happened to how many of eleven messages: no two figures are the same."""


def told_apart(version: str, *more: Any) -> tuple[World, int]:
    """Return a world in which an action sent eleven emails, and each figure of all emails is another one."""
    world = World(version)
    number = world.journey(MAIL, *more, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    journey = acme.journey(number=number).id
    for each in range(11):
        acme.put_customer(f"26:{each}", {"email": f"c{each}@gmail.com"}, at=world.now)
        acme.enroll(journey, f"26:{each}", at=world.now)
    world.tick()
    messages = acme.messages(channel="EMAIL", take=None).items
    for kind, count in HAPPENED.items():
        for message in messages[:count]:
            data = {"message": message.id}
            acme.feed(Event(f"message.{kind}", customer=message.customer, at=world.now, data=data))
    world.tick()
    return world, number


@pytest.mark.rows(153, 154, 162, 175, 178, 179, 245, 246)
def test_every_figure_has_its_name():
    """Nine counters, eleven keys, those of an action, of a day and of a domain; seven of an action in 2024."""
    world, number = told_apart("2026")
    journey = world.done("journey.get", JourneyID=number, StartDate="2026-05-17", EndDate="2026-05-17")
    nine = {
        "SendCount": 11,
        "OpenCount": 9,
        "ClickCount": 8,
        "ConversionCount": 7,
        "BrowserViewCount": 6,
        "ForwardCount": 5,
        "UnsubscribeCount": 4,
        "BounceCount": 3,
        "SpamComplaintCount": 2,
    }
    assert journey["JourneyStats"]["AggregatedEmailActions"] == {**nine, "DeliveryCount": 10, "TotalRevenue": 0}
    action = world.done("journey.stats.byaction", JourneyID=number)["Actions"][0]
    eight = ("SendCount", "OpenCount", "ClickCount", "UnsubscribeCount", "BounceCount", "SpamComplaintCount")
    assert action["Stats"] == {**{name: nine[name] for name in eight}, "DeliveryCount": 10, "TotalRevenue": 0}
    later = {"StartDate": "2026-05-18", "EndDate": "2026-05-18"}
    (nothing,) = world.done("journey.stats.byaction", JourneyID=number, **later)["Actions"]
    assert set(nothing["Stats"].values()) == {0}, "they are of the window"
    day = {"Date": "2026-05-17", "SendCount": 11, "OpenCount": 9, "ClickCount": 8, "TotalRevenue": 0}
    assert [each for each in action["DailyStats"] if each["SendCount"]] == [day]
    (domain,) = world.done("journey.stats.byisp", JourneyID=number)["ByISP"]
    assert domain == {
        "Domain": "gmail.com",
        "Sent": 11,
        "Delivered": 10,
        "Opened": 9,
        "Clicked": 8,
        "Bounced": 3,
        "Unsubscribed": 4,
        "Complained": 2,
    }
    world, number = told_apart("2024")
    answer = world.done("journey.get", JourneyID=number)
    assert answer["Journey"]["JourneyStats"]["AggregatedEmailActionStats"] == nine
    world.tick(days=40)  # all time, and not the last days alone
    stats = world.done("journey.get", JourneyID=number)["Actions"][0]["Stats"]
    assert stats == {
        "ActiveSubscribers": "0",
        "TotalSubscribers": "11",
        "EmailSent": 11,
        "EmailOpened": 9,
        "EmailClicked": 8,
        "EmailConverted": 7,
        "EmailUnsubscribed": 4,
        "EmailBounced": 3,
        "EmailSpamComplaint": 2,
    }


@pytest.mark.rows(63, 109)
def test_an_empty_list_removes_every_action():
    """An action that is not in the list is gone, and so is each of none."""
    world = World()
    number = world.journey(MAIL, WAIT)
    assert world.done("journey.actions.update", JourneyID=number, Actions=[])["Actions"] == []
    assert world.done("journey.get", JourneyID=number)["Actions"] == []


@pytest.mark.rows(96, 103, 116, 234, 242)
def test_deleted_copied_and_foreign_journeys():
    """Many are deleted, the rest passed over; a copy has the name that is asked for; a foreign one has no emails."""
    world = World()
    first, second = world.journey(MAIL, enabled=True), world.journey(MAIL, Notes="mine")
    copy = world.done("journey.clone", JourneyID=second, NewJourneyName="Another")
    assert (copy["Journey"]["JourneyName"], copy["Journey"]["Notes"]) == ("Another", "Copy of journey Welcome Series")
    world.done("journeys.delete", Journeys=f"{first},999,{second}")
    listed = world.done("journey.list", SkipStats=1)["Journeys"]
    assert [each["JourneyID"] for each in listed] == [copy["Journey"]["JourneyID"]]
    foreign = {"JourneyID": copy["Journey"]["JourneyID"], "IncludeDisabled": 1, "IncludeUnpublished": 1}
    assert len(world.done("journey.sendemailactions", **foreign)["Actions"]) == 1
    empty = (200, {"Success": True, "Actions": []})
    assert world.call("journey.sendemailactions", key=world.stranger, **foreign) == empty


@pytest.mark.rows(143, 147)
def test_a_page_of_those_at_an_action_has_25_unless_said_otherwise():
    """The total counts all of them."""
    world = World()
    number = world.journey(MAIL, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    for each in range(27):
        acme.enroll(acme.journey(number=number).id, f"26:{each}", at=world.now)
    world.tick()
    asked = {"JourneyID": number, "ActionID": world.actions(number)[0]}
    for said, count in (({}, 25), ({"RecordsFrom": 25}, 2), ({"RecordsPerRequest": 3}, 3)):
        page = world.done("journey.action.subscribers", **asked, **said)
        assert (page["TotalSubscribers"], len(page["Subscribers"])) == (27, count)


@pytest.mark.rows(175)
def test_what_goes_to_no_mailbox_domain_is_in_no_row():
    """An email to a subscriber without an address counts for the journey, and for no domain."""
    world = World()
    number = world.journey(MAIL, WAIT, enabled=True)
    acme = world.engine.tenant("acme")
    acme.enroll(acme.journey(number=number).id, "26:9", at=world.now)
    world.tick()
    assert world.done("account.journey.benchmark")["Benchmark"]["TotalSent"] == 1
    assert world.done("journey.stats.byisp", JourneyID=number)["ByISP"] == []


@pytest.mark.rows(171, 173, 174, 181)
def test_one_of_several_emails_has_its_own_figures():
    """EmailID chooses the action; what Octeth does not know under a filter is 0, although it happened."""
    world, number = told_apart("2026", {"Action": "SendEmail", "EmailID": 129})

    def emails(**said: Any) -> dict[str, Any]:
        return dict(world.done("journey.get", JourneyID=number, **said)["JourneyStats"]["AggregatedEmailActions"])

    untold = {"ConversionCount": 7, "BrowserViewCount": 6, "ForwardCount": 5}
    assert {name: emails()[name] for name in ("SendCount", *untold)} == {"SendCount": 22, **untold}
    filtered = [emails(EmailID=each) for each in world.actions(number)[:2]]
    assert [each["SendCount"] for each in filtered] == [11, 11]
    assert sum(each["OpenCount"] for each in filtered) == emails()["OpenCount"] == 9
    for each in (*filtered, emails(ISP="gmail.com")):
        assert [each[name] for name in untold] == [0, 0, 0]
    rows = world.done("journey.stats.byaction", JourneyID=number)["Actions"]
    assert [each["Stats"]["OpenCount"] for each in rows] == [each["OpenCount"] for each in filtered]


@pytest.mark.rows(88, 168, 169, 230)
def test_the_list_has_the_days_that_are_asked_for():
    """StatsStartDate and StatsEndDate bound the days, and nothing else."""
    world, _ = reacted()
    (journey,) = world.done("journey.list", StatsStartDate="2026-05-16", StatsEndDate="2026-05-18")["Journeys"]
    stats = journey["JourneyStats"]
    days = ["2026-05-16", "2026-05-17", "2026-05-18"]
    assert [each["Date"] for each in stats["AggregatedDaysEmailActions"]] == days
    assert [each["Amount"] for each in stats["DaysRevenue"]] == [0, 123.45, 0]
    (later,) = world.done("journey.list", StatsStartDate="2026-05-18", StatsEndDate="2026-05-18")["Journeys"]
    assert later["JourneyStats"]["AggregatedEmailActions"] == stats["AggregatedEmailActions"]
    assert [each["Amount"] for each in later["JourneyStats"]["DaysRevenue"]] == [0]


@pytest.mark.rows(137, 166)
def test_who_comes_twice_is_one_of_those_ever_enrolled():
    """Two enrollments of one subscriber are two in TotalSubscribers, and one in TotalEnrolledLifetime."""
    world, number = running()
    again = {"JourneyID": number, "ListID": 26, "SubscriberID": 1}
    world.done("subscriber.journey.remove", **again)
    world.done("subscriber.journey.trigger", **again)
    stats = world.done("journey.get", JourneyID=number, IncludeActivityCounters=1)["JourneyStats"]
    assert (stats["ActiveSubscribers"], stats["TotalSubscribers"], stats["TotalEnrolledLifetime"]) == (2, 3, 2)
    (listed,) = world.done("journey.list", IncludeActivityCounters=1)["Journeys"]
    assert listed["JourneyStats"]["TotalEnrolledLifetime"] == 2


@pytest.mark.rows(58, 65, 150, 155, 162)
def test_figures_in_2024():
    """Texts for subscribers, numbers for emails; the newest day first."""
    world, number = reacted("2024")
    answer = world.done("journey.get", JourneyID=number)
    mail, wait = answer["Actions"]
    assert mail["Stats"]["EmailSent"] == 2
    assert (mail["Stats"]["TotalSubscribers"], wait["Stats"]["ActiveSubscribers"]) == ("2", "2")
    assert (mail["CompletedRuns"], wait["CompletedRuns"]) == (2, 0)
    stats = answer["Journey"]["JourneyStats"]
    assert stats["AggregatedEmailActionStats"]["OpenCount"] == 2
    days = list(stats["AggregatedLast30DaysEmailActions"][0])
    assert days == sorted(days, reverse=True)
    assert len(days) == 30


# --- many, copies, exports --------------------------------------------------------------------------------------------


@pytest.mark.rows(104, 106, 107, 108, 248)
def test_many_journeys_at_once():
    """Each number is processed or failed, once; another user's fails as one that is not there."""
    world = World()
    one, two = world.journey(WAIT), world.journey({**MAIL, "Published": "false"}, Notes="why")
    answer = world.done("journeys.enable", JourneyIDs=f"{one},{two},{one},abc,999")
    assert answer == {"Success": True, "ProcessedJourneyIDs": [one, two], "FailedJourneyIDs": [999]}
    again = world.done("journeys.enable", JourneyIDs=f"{one},{two}")
    assert (again["ProcessedJourneyIDs"], again["FailedJourneyIDs"]) == ([], [one, two])
    status, stranger = world.call("journeys.disable", key=world.stranger, JourneyIDs=str(one))
    assert (status, stranger["FailedJourneyIDs"]) == (200, [one])
    assert world.done("journeys.disable", JourneyIDs=[one])["ProcessedJourneyIDs"] == [one]
    cloned = world.done("journeys.clone", JourneyIDs=f"{one},{two},999")
    assert cloned["FailedJourneyIDs"] == [999]
    copy = world.done("journey.get", JourneyID=cloned["ClonedJourneys"][1]["NewJourneyID"])
    assert (copy["JourneyName"], copy["Status"]) == ("Welcome Series (copy)", "Disabled")
    assert (copy["Notes"], copy["Actions"][0]["Published"]) == ("Copy of journey Welcome Series", False)
    assert {int(each["ActionID"]) for each in copy["Actions"]}.isdisjoint(world.actions(two))
    named = world.done("journeys.clone", JourneyIDs=one, NameSuffix="- backup")["ClonedJourneys"][0]["NewJourneyID"]
    assert world.done("journey.get", JourneyID=named)["JourneyName"] == "Welcome Series - backup"
    assert world.done("journeys.delete", Journeys="998,999")["Success"] is True


@pytest.mark.rows(103, 242)
def test_a_copy_has_actions_of_its_own():
    """The same actions under new numbers, with their flags; no subscribers, no figures."""
    world, number = running()
    world.done(
        "journey.actions.published", JourneyID=number, Actions=[{"ActionID": world.actions(number)[0], "Published": 0}]
    )
    answer = world.done("journey.clone", JourneyID=number, NewJourneyName="B")
    assert [each["Action"] for each in answer["Actions"]] == ["SendEmail", "Wait"]
    assert [each["Published"] for each in answer["Actions"]] == [False, True]
    assert {int(each["ActionID"]) for each in answer["Actions"]}.isdisjoint(world.actions(number))
    assert answer["Journey"]["Notes"] == "Copy of journey Welcome Series"


@pytest.mark.rows(105, 243)
def test_a_copy_for_another_user_loses_what_is_the_users():
    """Lists, tags, fields, gateways and journeys are 0, emails that are gone too; those actions are not published."""
    world = World()
    other = world.journey()
    number = world.journey(
        {"Action": "AddTag", "TargetTagID": 7},
        {"Action": "UpdateCustomFieldValue", "TargetCustomFieldID": 10, "NewCustomFieldValue": "x"},
        {"Action": "SendSMS", "message": "x", "gateway_id": 4},
        {"Action": "SendEmail", "EmailID": 777},
        {"Action": "StartJourney", "TargetJourneyID": other},
        WAIT,
        Trigger="ListSubscription",
        Trigger_ListID=10,
    )
    answer = world.done("journey.copytouser", JourneyID=number, SourceUserID=1, TargetUserID=2)
    assert answer["EmailsCopied"] == []
    assert answer["ResourcesReset"] == ["TargetCustomFieldID", "TargetJourneyID", "TargetTagID", "gateway_id"]
    status, copy = world.call("journey.get", key=world.stranger, JourneyID=answer["JourneyID"])
    assert (status, copy["JourneyName"], copy["Trigger"]) == (200, "Copy of Welcome Series", "Manual")
    parameters = {each["Action"]: each["ActionParameters"] for each in copy["Actions"]}
    assert parameters["AddTag"] == {"TargetTagID": 0}
    assert parameters["UpdateCustomFieldValue"]["TargetCustomFieldID"] == 0
    assert parameters["SendEmail"]["EmailID"] == 0
    assert parameters["StartJourney"] == {"TargetJourneyID": 0}
    assert [each["Action"] for each in copy["Actions"] if each["Published"]] == ["SendEmail", "Wait"]


@pytest.mark.rows(190, 191, 192, 193, 194, 195, 196, 197, 249, 261)
def test_an_export_from_its_submission_to_its_file():
    """Pending, then Completed; the file is a CSV with a name; another user's job is not found."""
    world, _ = reacted()
    number = world.done("journey.export.submit", IncludeActions="true", Status="enabled")["ExportID"]
    job = world.done("journey.export.get", ExportID=number)["ExportJob"]
    assert (job["Status"], job["StartedAt"], job["DownloadSize"]) == ("Pending", None, None)
    assert job["ExportOptions"] == {
        "Command": "ExportJourneys",
        "StatsStartDate": "2026-04-17",
        "StatsEndDate": "2026-05-17",
        "Status": "Enabled",
        "IncludeActions": True,
    }
    world.engine.work_exports(at=world.now)
    job = world.done("journey.export.get", ExportID=number)["ExportJob"]
    assert job["Status"] == "Completed"
    status, file = world.call("journey.export.get", ExportID=number, download="1")
    assert status == 200
    assert file.startswith("tenant,journey,name,state,step")
    assert len(file.encode()) == job["DownloadSize"]
    assert world.call("journey.export.get", key=world.stranger, ExportID=number)[0] == 404
    first = world.done("journey.export.submit", StatsEndDate="0001-01-01")["ExportID"]
    assert (
        world.done("journey.export.get", ExportID=first)["ExportJob"]["ExportOptions"]["StatsStartDate"] == "0001-01-01"
    )
    everything = world.done("journey.export.submit", StatsStartDate="2026-01-01")["ExportID"]
    options = world.done("journey.export.get", ExportID=everything)["ExportJob"]["ExportOptions"]
    assert (options["StatsStartDate"], options["Status"]) == ("2026-01-01", "all")


@pytest.mark.rows(92, 109)
@pytest.mark.parametrize(
    ("command", "parameters"), [("journey.update", {"Name": "Mine"}), ("journey.actions.update", {"Actions": [WAIT]})]
)
def test_a_change_that_another_process_overtakes_is_made_again(command, parameters, monkeypatch):
    """Both changes are there at the end: neither overwrites the other."""
    world = World()
    number = world.journey(MAIL, Notes="old")
    publish = Engine.publish
    overtaken: list[bool] = []

    def slowly(self: Engine, *arguments: Any, **options: Any) -> Any:
        if not overtaken:
            overtaken.append(True)
            world.done("journey.update", JourneyID=number, Notes="theirs")
        return publish(self, *arguments, **options)

    monkeypatch.setattr(Engine, "publish", slowly)
    world.done(command, JourneyID=number, **parameters)
    journey = world.done("journey.get", JourneyID=number)
    assert journey["Notes"] == "theirs"
    mine = command == "journey.update"
    assert (journey["JourneyName"] == "Mine", journey["Actions"][0]["Action"] == "Wait") == (mine, not mine)
