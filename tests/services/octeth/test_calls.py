"""What the calls of Octeth do to an engine, and what their answers say of it."""

from datetime import timedelta
from typing import Any

import pytest

from journeyflow import Condition, Engine, Event, Journey, Send, Trigger, Wait, field
from journeyflow.services.octeth import VERSIONS
from tests.services.octeth.test_figures import reacted
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


# --- subscribers ------------------------------------------------------------------------------------------------------


@pytest.mark.rows(130, 131, 133, 134, 238, 239, 240)
def test_a_subscriber_enters_and_leaves_at_once():
    """The customer of the engine is "LIST:SUBSCRIBER", with the address of the directory; leaving twice is allowed."""
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
