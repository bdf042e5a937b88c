"""Each example that the four documents print: the request as it stands there, the answer in the printed shape."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from journeyflow.services.octeth.table import OPERATIONS, ROUTES
from tests.services.octeth.rulings import RULINGS
from tests.services.octeth.world import MAIL, WAIT, World
from tests.services.ruled import names_of_tests

JSON = {"Content-Type": "application/json"}

INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Example(NamedTuple):
    """A printed request and its printed answer: for a version, in a world that is prepared for it.

    `prepare` returns what the numbers in the request stand for, such as {"456": 1}; `headers` hold the key where the
    request does not.
    """

    name: str
    version: str
    method: str
    path: str
    body: str
    answer: str
    prepare: Callable[[World], Mapping[str, int]]
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    status: int = 200


def nothing(_: World) -> dict[str, int]:
    """Prepare nothing."""
    return {}


def a_journey(number: str, *actions: Any, enabled: bool = False, **options: Any) -> Callable[[World], dict[str, int]]:
    """Prepare one journey that stands for a number of the document."""
    return lambda world: {number: world.journey(*actions, enabled=enabled, **options)}


def listed(number: str, *actions: Any, enabled: bool = False) -> Callable[[World], dict[str, int]]:
    """Prepare a journey with the trigger of the documents."""
    return a_journey(number, *actions, enabled=enabled, Trigger="ListSubscription", Trigger_ListID=123)


OLD_JOURNEY = """{
    "JourneyID": "5", "RelUserID": "1", "JourneyName": "Test", "Trigger": "Manual", "TriggerParameters": [],
    "Status": "Disabled", "Notes": "This is an administrative note for the journey",
    "CreatedAt": "2023-08-11 17:19:34", "UpdatedAt": "2023-08-11 17:19:34"}"""
SENT_TRIGGER = OLD_JOURNEY.replace('"TriggerParameters": []', '"TriggerParameters": {"ListID": 10}')
"""The documents print a Manual trigger for a request that asks for another one; here it is the one that is sent."""
NO_NOTES = """{
    "JourneyID": "6", "RelUserID": "1", "JourneyName": "Test", "Trigger": "Manual", "TriggerParameters": [],
    "Status": "Enabled", "CreatedAt": "2023-08-11 18:13:17", "UpdatedAt": "2023-08-11 18:13:17"}"""
AUTH = '"SessionID": "<user_session_id>", "APIKey": ""'
CREATE = (
    """{%s, "Name": "Contact Form Journey", "Notes": "This is an administrative note for the journey",
    "Trigger": "ListSubscription", "Trigger_ListID": 10}"""
    % AUTH
)
NOT_FOUND_3 = '{"Errors": [{"Code": 3, "Message": "Journey not found"}]}'
COUNTS = """{"SendCount": 0, "OpenCount": 0, "ClickCount": 0, "ConversionCount": 0, "BrowserViewCount": 0,
    "ForwardCount": 0, "UnsubscribeCount": 0, "BounceCount": 0, "SpamComplaintCount": 0}"""
ABOUT_6 = '{%s, "JourneyID": 6}' % AUTH
ECHO = '{"JourneyID": "18", "ListID": "26", "SubscriberID": "1"}'
OF_SUBSCRIBER = '{%s, "JourneyID": 6, "ListID": 26, "SubscriberID": 1}' % AUTH

TWO_WAITS = [
    {"Action": "Wait", "WaitUnit": "seconds", "WaitAmount": 20},
    {"Action": "Wait", "WaitUnit": "minutes", "WaitAmount": 10},
]


def old_action(number: int, more: str = "") -> str:
    """Return a Wait as 2023 prints it."""
    return """{"ActionID": 1, "OrderNo": %d, "Action": "Wait", "ActionParameters": {"WaitUnit": "seconds",
        "WaitAmount": 20}, %s "Stats": {"ActiveSubscribers": "0", "TotalSubscribers": "0"}}""" % (number, more)


SEND_2024 = """{"ActionID": 402, "OrderNo": 2, "Action": "SendEmail", "ActionParameters": {"EmailID": 129,
    "SenderDomainID": 101, "From": {"Name": "From Name", "Email": "from@email.com"},
    "ReplyTo": {"Name": "Reply-To Name", "Email": "replyto@email.com"},
    "CC": [{"Name": "CC Name 1", "Email": "cc1@email.com"}, {"Name": "CC Name 2", "Email": "cc2@email.com"}],
    "BCC": [{"Name": "BCC Name 1", "Email": "bcc1@email.com"}, {"Name": "BCC Name 2", "Email": "bcc2@email.com"}],
    "Email": {"EmailName": "Email name for administrative purposes", "ContentType": "Both", "Mode": "Editor",
    "FetchURL": "", "FetchPlainURL": "", "Subject": "{{{Hey|Hi|Hello}}}! Subject of the email",
    "PlainContent": "Plain contetn", "HTMLContent": "<p><strong>HTML content</strong></p>", "ExtraContent1": "",
    "ExtraContent2": "", "ImageEmbedding": "Disabled", "PreHeaderText": "", "Options": []}},
    "Notes": "note-2", "CompletedRuns": "0", "Stats": {"ActiveSubscribers": "0", "TotalSubscribers": "0",
    "EmailSent": 0, "EmailOpened": 0, "EmailClicked": 0, "EmailConverted": 0, "EmailUnsubscribed": 0,
    "EmailBounced": 0, "EmailSpamComplaint": 0}}"""


def four_actions(_: World) -> list[dict[str, Any]]:
    """Return the request that makes the four actions which 2024 prints."""
    parameters = json.loads(SEND_2024)["ActionParameters"]
    wait = {"ActionID": None, "Action": "Wait", "WaitUnit": "seconds", "WaitAmount": 3}
    mail = {"ActionID": None, "Action": "SendEmail", **parameters}
    return [{**wait, "Notes": "note-1"}, {**mail, "Notes": "note-2"}, wait, {**mail, "Notes": "note-3"}]


FOUR_ACTIONS = '{%s, "JourneyID": 6, "Actions": %s}' % (AUTH, json.dumps(four_actions(World())))


def of_2023() -> list[Example]:
    """Return the examples that 2023 prints; 2024 prints most of them too."""
    get = "GET"
    return [
        Example("create", "2023", "POST", "journey", CREATE, '{"JourneyID": 5, "Journey": %s}' % SENT_TRIGGER, nothing),
        Example(
            *("create without a name", "2023", "POST", "journey", "{%s}" % AUTH),
            *('{"Errors": [{"Code": 1, "Message": "Missing Name parameter"}]}', nothing),
            status=422,
        ),
        Example(
            *("list", "2023", get, "journeys", "{%s}" % AUTH),
            '{"Journeys": [%s]}' % OLD_JOURNEY.replace('"TriggerParameters": []', '"TriggerParameters": "[]"').replace(
                '34"}', '34", "JourneyStats": {"ActiveSubscribers": "0", "TotalSubscribers": "0"}}'
            ),
            a_journey("5"),
        ),
        Example("delete", "2023", "POST", "journey.delete", ABOUT_6, '{"JourneyID": "5"}', a_journey("6")),
        Example("delete nothing", "2023", "POST", "journey.delete", ABOUT_6, NOT_FOUND_3, nothing, status=404),
        Example(
            *("get", "2023", get, "journey", ABOUT_6),
            '{"Journey": %s, "Actions": [%s, %s]}' % (OLD_JOURNEY, old_action(1), old_action(2)),
            a_journey("6", *TWO_WAITS),
        ),
        Example("get nothing", "2023", get, "journey", ABOUT_6, NOT_FOUND_3, nothing, status=404),
        Example("enable", "2023", get, "journey.enable", ABOUT_6, '{"Journey": %s}' % NO_NOTES, a_journey("6")),
        Example("disable", "2023", get, "journey.disable", ABOUT_6, '{"Journey": %s}' % NO_NOTES, a_journey("6",
            enabled=True)),
        Example("enable nothing", "2023", get, "journey.enable", ABOUT_6, NOT_FOUND_3, nothing, status=404),
        Example("disable nothing", "2023", get, "journey.disable", ABOUT_6, NOT_FOUND_3, nothing, status=404),
        Example(
            *("update", "2023", "PATCH", "journey"),
            """{%s, "JourneyID": 6, "Name":"New Name", "Notes":"",
            "Trigger":"ListSubscription", "Trigger_ListID":30}""" % AUTH,
            '{"Journey": %s}' % OLD_JOURNEY.replace('"TriggerParameters": []', '"TriggerParameters": {"ListID": 30}'),
            a_journey("6"),
        ),
        Example(
            *("update of an invalid trigger", "2023", "PATCH", "journey"),
            '{%s, "JourneyID": 6, "Trigger": "Weather"}' % AUTH,
            *('{"Errors": [{"Code": 3, "Message": "Invalid trigger"}]}', a_journey("6")),
            status=400,
        ),
        Example(
            *("replace actions", "2023", "PATCH", "journey.actions"),
            '{%s, "JourneyID": 6, "Actions": %s}' % (AUTH, json.dumps(TWO_WAITS)),
            '{"Journey": 8, "Actions": [%s, %s]}' % (old_action(1), old_action(2)),
            a_journey("6"),
        ),
        Example("trigger", "2023", get, "subscriber.journey.trigger", OF_SUBSCRIBER, ECHO, a_journey("6",
            enabled=True)),
        Example("remove", "2023", get, "subscriber.journey.remove", OF_SUBSCRIBER, ECHO, a_journey("6", enabled=True)),
        Example("remove by POST", "2024", "POST", "subscriber.journey.remove", OF_SUBSCRIBER, ECHO, a_journey("6",
            enabled=True)),
        Example(
            *("trigger nothing", "2023", get, "subscriber.journey.trigger", OF_SUBSCRIBER),
            *('{"Errors": [{"Code": 7, "Message": "Journey not found"}]}', nothing),
            status=404,
        ),
        Example("journeys of a subscriber", "2023", get, "subscriber.journey.list", OF_SUBSCRIBER,
            """{"ListID": "26", "SubscriberID": "1", "Journeys": [{"JourneyID": "18", "RelUserID": "1",
            "JourneyName": "Test", "Trigger": "ListSubscription:0", "TriggerParameters": "{\\"ListID\\":0}",
            "Status": "Enabled", "CreatedAt": "2023-08-23 13:26:23", "UpdatedAt": "2023-08-25 10:40:02"}]}""",
            inside),
        Example(
            *("journeys of nobody", "2023", get, "subscriber.journey.list", OF_SUBSCRIBER.replace(": 1}", ": 9}")),
            *('{"Errors": [{"Code": 9, "Message": "Subscriber not found"}]}', nothing),
            status=404,
        ),
    ]  # fmt: skip


def inside(world: World) -> dict[str, int]:
    """Prepare a subscriber who is inside a journey that any list triggers."""
    number = world.journey(WAIT, enabled=True, Trigger="ListSubscription", Trigger_ListID=0)
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=1)
    world.tick(minutes=1)
    return {"6": number}


def of_2024() -> list[Example]:
    """Return the examples that 2024 alone prints."""
    stats = """{"ActiveSubscribers": 100, "TotalSubscribers": 200, "AggregatedEmailActionStats": %s,
        "AggregatedLast30DaysEmailActions": [{"2026-05-17": %s, "2026-05-16": %s}]}""" % (COUNTS, COUNTS, COUNTS)
    return [
        Example("get with figures", "2024", "GET", "journey", ABOUT_6,
            '{"Journey": %s, "Actions": [%s, %s]}' % (
                OLD_JOURNEY.replace('34"}', '34", "JourneyStats": %s}' % stats),
                *(old_action(n, '"CompletedRuns": 0, "Published": true,') for n in (1, 2))),
            a_journey("6", *TWO_WAITS)),
        Example("list", "2024", "GET", "journeys", "{%s}" % AUTH,
            '{"Journeys": [%s]}' % OLD_JOURNEY.replace('"TriggerParameters": []', '"TriggerParameters": "[]"').replace(
                '34"}', """34", "JourneyStats": {"ActiveSubscribers": "0", "TotalSubscribers": "0",
                "AggregatedEmailActions": [], "AggregatedLast30DaysEmailActions": []}}"""),
            a_journey("5")),
        Example("replace actions", "2024", "PATCH", "journey.actions", FOUR_ACTIONS,
            '{"JourneyID": 22, "Actions": [%s, %s, %s, %s]}' % (
                old_action(1, '"Notes": "note-1", "CompletedRuns": "0",'), SEND_2024,
                old_action(3, '"Notes": "", "CompletedRuns": "0",'), SEND_2024),
            a_journey("6")),
        Example("replace actions, with the comment of the print left out", "2024", "PATCH", "journey.actions",
            """{%s, "JourneyID": 6, "Actions": [{"ActionID": 1, "Action": "Wait", "Published": "true",
            "WaitUnit": "seconds", "WaitAmount": 20, "Notes": "Administative note"}, {"ActionID": null,
            "Action": "Subscribe", "Published": "true", "TargetListID": 30, "Notes": "Test note"}]}""" % AUTH,
            '{"JourneyID": 22, "Actions": [%s, {"ActionID": 2, "OrderNo": 2, "Action": "Subscribe", '
            '"ActionParameters": {"TargetListID": 30}, "Notes": "", "CompletedRuns": "0", '
            '"Stats": {"ActiveSubscribers": "0", "TotalSubscribers": "0"}}]}' % old_action(1,
            '"Notes": "n", "CompletedRuns": "0",'),
            a_journey("6")),
        Example("publish actions", "2024", "PATCH", "journey.actions.published",
            """{"SessionID": "<user_session_id>", "APIKey": "your_api_key", "JourneyID": 123, "Actions": [
            {"ActionID": 1, "Published": "true"}, {"ActionID": 2, "Published": "false"}]}""",
            """{"JourneyID": 123, "Actions": [{"ActionID": 1, "Published": true},
            {"ActionID": 2, "Published": false}]}""",
            two_actions),
        Example("those at an action", "2024", "POST", "journey.action.subscribers",
            '{%s, "JourneyID": 6, "ActionID": 30, "FilterJson": ["opened", "clicked"], "Operator": "or"}' % AUTH,
            """{"Success": true, "ErrorCode": 0, "ErrorText": "", "TotalSubscribers": 5, "Subscribers":[
            {"SubscriberID":"42", "EmailAddress":"email15@example.com", "BounceType":"Hard",
            "SubscriptionStatus":"Subscribed", "SubscriptionDate":"2023-01-01", "SubscriptionIP":"192.168.1.1",
            "UnsubscriptionDate":"0000-00-00", "UnsubscriptionIP":"0.0.0.0", "OptInDate":"2023-01-01"}]}""",
            opened),
    ]  # fmt: skip


def two_actions(world: World) -> dict[str, int]:
    """Prepare a journey with two actions."""
    number = world.journey(*TWO_WAITS)
    first, second = world.actions(number)
    return {"123": number, '"ActionID": 1': first, '"ActionID": 2': second}


def opened(world: World) -> dict[str, int]:
    """Prepare an email that two subscribers have opened."""
    number = world.journey(MAIL, WAIT, enabled=True)
    for subscriber in (1, 2):
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=subscriber)
    world.tick(minutes=1)
    world.report("opened")
    action = world.actions(number)[0]
    return {"6": number, "30": action, "456": number, "789": action, "123": number}


HEAD = '"Command": "%s", "SessionID": "your-session-id"'
NEW_JOURNEY = """{"JourneyID": "456", "JourneyName": "Welcome Series", "Trigger": "ListSubscription",
    "Status": "Disabled", "Notes": "Onboarding journey for new subscribers", "CreatedAt": "2025-01-15 10:30:00",
    "UpdatedAt": "2025-01-15 10:30:00"}"""
FLAT = """"JourneyID": "456", "JourneyName": "Welcome Series", "Trigger": "ListSubscription",
    "TriggerParameters": {"ListID": 123}, "Status": "Enabled\""""
SWITCHED = """{"Journey": {"JourneyID": "456", "JourneyName": "Welcome Series", "Trigger": "ListSubscription",
    "Status": "Enabled", "UpdatedAt": "2025-01-15 12:00:00"}}"""
PRINTED_ACTION = """{"JourneyID": "456", "JourneyName": "Welcome Series", "Actions": [{"ActionID": "789",
    "Action": "SendEmail", "ActionParameters": {"EmailID": 123, "From": {"Name": "Support",
    "Email": "support@example.com"}}}]}"""


def head(command: str, **said: Any) -> str:
    """Return a body of 2025: the command, the session, and parameters."""
    return json.dumps({"Command": command, "SessionID": "your-session-id", **said})


def of_2025(version: str) -> list[Example]:
    """Return the examples that 2025 and 2026 print alike."""
    about = {"JourneyID": 456}
    everything = """"JourneyStats": {"ActiveSubscribers": 150, "TotalSubscribers": 500,
        "AggregatedEmailActions": {}, "AggregatedDaysEmailActions": [], "TotalRevenue": 0, "DaysRevenue": []}"""
    examples = [
        ("create", "POST", "journey",
            head("journey.create", Name="Welcome Series", Trigger="ListSubscription", Trigger_ListID=123,
                 Notes="Onboarding journey for new subscribers"),
            '{"JourneyID": 456, "Journey": %s}' % NEW_JOURNEY, nothing, 200),
        ("create without a name", "POST", "journey", head("journey.create"),
            '{"Errors": [{"Code": 1, "Message": "Missing Name parameter"}]}', nothing, 422),
        ("clone", "POST", "journey.clone", head("journey.clone", **about, NewJourneyName="Welcome Series Copy"),
            """{"Journey": {"JourneyID": "789", "JourneyName": "Welcome Series Copy", "Trigger": "ListSubscription",
            "TriggerParameters": {"ListID": 123}, "Status": "Disabled", "Notes": "Copy of journey Welcome Series"},
            "Actions": []}""", listed("456"), 200),
        ("clone nothing", "POST", "journey.clone", head("journey.clone", **about, NewJourneyName="n"), NOT_FOUND_3,
            nothing, 404),
        ("get", "GET", "journey", head("journey.get", **about, StartDate="2025-01-01", EndDate="2025-01-31"),
            '{%s, "Notes": "Onboarding journey", "Actions": [], %s}' % (FLAT, everything), listed("456"), 200),
        ("get nothing", "GET", "journey", head("journey.get", **about), NOT_FOUND_3, nothing, 404),
        ("list", "GET", "journeys", head("journey.list", StatsStartDate="2025-01-01", StatsEndDate="2025-01-31"),
            '{"Journeys": [{%s, %s}]}' % (FLAT, everything), listed("456"), 200),
        ("list with a bad date", "GET", "journeys", head("journey.list", StatsStartDate="x"),
            '{"Errors": [{"Code": 4, "Message": "Invalid StatsStartDate format"}]}', nothing, 422),
        ("update", "PATCH", "journey",
            head("journey.update", **about, Name="Welcome Series V2", Notes="Updated onboarding journey"),
            '{"Journey": {%s, "Notes": "Updated", "UpdatedAt": "2025-01-15 11:00:00"}}' % FLAT, listed("456"), 200),
        ("update nothing", "PATCH", "journey", head("journey.update", **about),
            '{"Errors": [{"Code": 10, "Message": "Journey not found"}]}', nothing, 404),
        ("delete", "POST", "journey.delete", head("journey.delete", **about), '{"JourneyID": 456}', listed("456"), 200),
        ("delete nothing", "POST", "journey.delete", head("journey.delete", **about), NOT_FOUND_3, nothing, 404),
        ("enable", "GET", "journey.enable", head("journey.enable", **about), SWITCHED, listed("456"), 200),
        ("enable again", "GET", "journey.enable", head("journey.enable", **about),
            '{"Errors": [{"Code": 4, "Message": "Journey is already enabled"}]}', listed("456", enabled=True), 409),
        ("disable", "GET", "journey.disable", head("journey.disable", **about), SWITCHED, listed("456", enabled=True),
            200),
        ("disable again", "GET", "journey.disable", head("journey.disable", **about),
            '{"Errors": [{"Code": 4, "Message": "Journey is already disabled"}]}', listed("456"), 409),
        ("replace actions", "PATCH", "journey.actions",
            head("journey.actions.update", **about, Actions=[{"action": "SendEmail", "emailid": 123,
                 "from": {"name": "Support", "email": "support@example.com"}}]),
            PRINTED_ACTION, listed("456"), 200),
        ("replace actions of nothing", "PATCH", "journey.actions", head("journey.actions.update", **about, Actions=[]),
            '{"Errors": [{"Code": 5, "Message": "Journey not found"}]}', nothing, 404),
        ("publish actions", "PATCH", "journey.actions.published",
            head("journey.actions.published", **about, Actions=[{"actionid": 789, "published": "true"}]),
            """{"JourneyID": "456", "JourneyName": "Welcome Series", "Actions": [{"ActionID": "789",
            "Published": "true"}]}""", opened, 200),
        ("publish no action", "PATCH", "journey.actions.published",
            head("journey.actions.published", **about, Actions=[{"actionid": 789, "published": "true"}]),
            '{"Errors": [{"Code": 6, "Message": "Action not found"}]}', listed("456"), 404),
        ("those at an action", "GET", "journey.action.subscribers",
            head("journey.action.subscribers", **about, ActionID=789, RecordsPerRequest=25, RecordsFrom=0,
                 OrderField="EmailAddress", OrderType="ASC"),
            """{"Success": true, "ErrorCode": 0, "ErrorText": "", "Subscribers": [{"SubscriberID": "101",
            "EmailAddress": "user@example.com", "Suppressed": false}], "TotalSubscribers": 150}""", opened, 200),
        ("those at no action", "GET", "journey.action.subscribers", head("journey.action.subscribers", **about,
            ActionID=789),
            '{"Success": false, "ErrorCode": [{"Code": 5, "Message": "Journey not found"}]}', nothing, 404),
    ]  # fmt: skip
    return [
        Example(name, version, method, path, body, answer, prepare, status=status)
        for name, method, path, body, answer, prepare, status in examples
    ]


def several(world: World) -> dict[str, int]:
    """Prepare the journeys of the bulk calls."""
    return {"12": world.journey(), "34": world.journey(), "56": world.journey(enabled=True)}


def worked(world: World) -> dict[str, int]:
    """Prepare an export that is done."""
    window = {"StatsStartDate": "2026-04-17", "StatsEndDate": "2026-05-17"}
    number = world.done("journey.export.submit", Status="Enabled", IncludeActions=1, **window)["ExportID"]
    world.engine.work_exports(at=world.now)
    return {"1234": number}


KEY = {"APIKey": "your-api-key"}
DAYS = {"StartDate": "2026-04-17", "EndDate": "2026-05-17"}
FIGURES = """{"SendCount": 1000, "DeliveryCount": 950, "OpenCount": 400, "ClickCount": 80, "BounceCount": 25,
    "UnsubscribeCount": 5, "SpamComplaintCount": 1, "TotalRevenue": 123.45}"""


def of_2026() -> list[Example]:
    """Return the examples that 2026 alone prints."""
    new = "2026"
    sends = """{"Success": true, "Actions": [{"ActionID": 412, "JourneyID": 18, "JourneyName": "Welcome Series",
        "EmailName": "Day 1", "Subject": "Welcome to Acme", "OrderNo": 1, "Published": true}]}"""
    return [
        Example("list without figures", new, "GET", "journeys", head("journey.list", SkipStats=1),
            '{"Journeys": [{%s}]}' % FLAT, listed("456")),
        Example("emails", new, "GET", "journey.sendemailactions", head("journey.sendemailactions"), sends, opened),
        Example("emails of a journey", new, "GET", "journey.sendemailactions",
            head("journey.sendemailactions", JourneyID=456), sends, opened),
        Example("all emails", new, "GET", "journey.sendemailactions",
            head("journey.sendemailactions", IncludeDisabled=1, IncludeUnpublished=1), sends, opened),
        Example("emails of no number", new, "GET", "journey.sendemailactions", head("journey.sendemailactions",
            JourneyID="x"),
            '{"Errors": [{"Code": 1, "Message": "Invalid JourneyID parameter"}]}', nothing, status=422),
        Example("by domain", new, "GET", "journey.stats.byisp", "",
            """{"Success": true, "ByISP": [{"Domain": "gmail.com", "Sent": 1000, "Delivered": 950, "Opened": 400,
            "Clicked": 80, "Bounced": 25, "Unsubscribed": 5, "Complained": 1}]}""",
            opened, {"JourneyID": "123", **DAYS}, KEY),
        Example("by domain of nothing", new, "GET", "journey.stats.byisp", "", NOT_FOUND_3, nothing,
            {"JourneyID": "123"}, KEY, 404),
        Example("by action", new, "GET", "journey.stats.byaction", "",
            """{"Success": true, "Actions": [{"ActionID": 501, "Action": "SendEmail", "EmailID": 95,
            "EmailName": "Welcome Email", "OrderNo": 1, "Stats": %s, "DailyStats": [{"Date": "2026-04-17",
            "SendCount": 0, "OpenCount": 0, "ClickCount": 0, "TotalRevenue": 0.0}]}]}""" % FIGURES,
            opened, {"JourneyID": "123", **DAYS, "ISP": "gmail.com"}, KEY),
        Example("by action of nothing", new, "GET", "journey.stats.byaction", "", NOT_FOUND_3, nothing,
            {"JourneyID": "123"}, KEY, 404),
        Example("benchmark", new, "GET", "account.journey.benchmark", "",
            """{"Success": true, "StartDate": "2026-04-17", "EndDate": "2026-05-17", "Benchmark": {"OpenRate": 0.5055,
            "ClickRate": 0.0825, "ClickToOpenRate": 0.1632, "BounceRate": 0.0125, "UnsubscribeRate": 0.0021,
            "ComplaintRate": 0.0001, "RevenuePerSubscriber": 0.42, "JourneyCount": 7, "TotalSent": 18420}}""",
            opened, DAYS, KEY),
        Example("benchmark of no days", new, "GET", "account.journey.benchmark", "",
            '{"Errors": [{"Code": 3, "Message": "StartDate must not be after EndDate"}]}', nothing,
            {"StartDate": "2026-05-18", "EndDate": "2026-05-17"}, KEY, 422),
        Example("enable many", new, "POST", "journeys.enable", "JourneyIDs=12,34,56",
            '{"Success": true, "ProcessedJourneyIDs": [12, 34], "FailedJourneyIDs": [56]}', several, {}, KEY),
        Example("disable many", new, "POST", "journeys.disable", "JourneyIDs=12,34,56",
            '{"Success": true, "ProcessedJourneyIDs": [12, 34], "FailedJourneyIDs": [56]}', several, {}, KEY),
        Example("enable none", new, "POST", "journeys.enable", "",
            '{"Errors": [{"Code": 1, "Message": "Missing JourneyIDs parameter"}]}', nothing, {}, KEY, 422),
        Example("clone many", new, "POST", "journeys.clone", "JourneyIDs=12,34&NameSuffix=- backup",
            """{"Success": true, "ProcessedJourneyIDs": [12, 34], "FailedJourneyIDs": [], "ClonedJourneys": [
            {"SourceJourneyID": 12, "NewJourneyID": 1234}, {"SourceJourneyID": 34, "NewJourneyID": 1235}]}""",
            several, {}, KEY),
        Example("clone none", new, "POST", "journeys.clone", "",
            '{"Errors": [{"Code": 1, "Message": "Missing JourneyIDs parameter"}]}', nothing, {}, KEY, 422),
        Example("submit an export", new, "POST", "journey.export",
            "StatsStartDate=2026-04-17&StatsEndDate=2026-05-17&Status=Enabled&IncludeActions=1",
            '{"Success": true, "ExportID": 1234}', nothing, {}, KEY),
        Example("submit an export of no days", new, "POST", "journey.export",
            "StatsStartDate=2026-05-18&StatsEndDate=2026-05-17",
            '{"Errors": [{"Code": 3, "Message": "StatsStartDate must not be after StatsEndDate"}]}', nothing, {}, KEY,
            422),
        Example("look at an export", new, "GET", "journey.export", "",
            """{"Success": true, "ExportJob": {"ExportID": 1234, "Module": "JourneyExport", "Status": "Completed",
            "ExportOptions": {"Command": "ExportJourneys", "StatsStartDate": "2026-04-17", "StatsEndDate": "2026-05-17",
            "Status": "Enabled", "IncludeActions": true}, "SubmittedAt": "2026-05-18 12:00:00",
            "StartedAt": "2026-05-18 12:00:05", "UpdatedAt": "2026-05-18 12:00:30", "FinishedAt": "2026-05-18 12:00:30",
            "ExpiresAt": "2026-05-25 12:00:00", "DownloadSize": 4096}}""", worked, {"ExportID": "1234"}, KEY),
        Example("download an export that is not done", new, "GET", "journey.export", "",
            '{"Errors": [{"Code": 5, "Message": "Export job is not completed yet"}]}', submitted,
            {"ExportID": "1234", "download": "1"}, KEY, 409),
    ]  # fmt: skip


def submitted(world: World) -> dict[str, int]:
    """Prepare an export that nobody has worked on."""
    return {"1234": world.done("journey.export.submit")["ExportID"]}


CHANGED = {"list", "get", "replace actions", "remove"}
"""The examples of 2023 that 2024 prints in another way."""

REPEATED = [each._replace(version="2024") for each in of_2023() if each.version == "2023" and each.name not in CHANGED]

EXAMPLES = [*of_2023(), *of_2024(), *REPEATED, *of_2025("2025"), *of_2025("2026"), *of_2026()]
"""Every printed example, but those of the two calls that have a test of their own below."""

APART = {"journey.copytouser": ("2025", "2026"), "journeys.delete": ("2025", "2026")}
"""The calls whose printed examples have a test of their own, and the documents that print them."""

ALIKE = {"journeys.disable": "journeys.enable"}
"""A call for which the document prints nothing, because its answers are those of another one."""


def shape(value: Any) -> Any:
    """Return the shape of a JSON value: names and types, booleans themselves; of a list that of its first member."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return "number"
    return type(value).__name__


def agree(printed: Any, answered: Any) -> bool:
    """Return whether an answer has the shape that is printed; what is printed empty may hold something."""
    if isinstance(printed, dict) and isinstance(answered, dict):
        if not printed or (dated(printed) and dated(answered)):
            return True
        return list(printed) == list(answered) and all(agree(printed[key], answered[key]) for key in printed)
    if isinstance(printed, list) and isinstance(answered, list):
        one_each = len(printed) == len(answered) and len(printed) > 1
        pairs = (
            zip(printed, answered, strict=True) if one_each else [(printed[0], each) for each in answered if printed]
        )
        return all(agree(one, other) for one, other in pairs) and (not printed or bool(answered))
    if isinstance(printed, dict | list) and not printed:
        return not answered
    return shape(printed) == shape(answered) and text_alike(printed, answered)


def dated(value: Mapping[str, Any]) -> bool:
    """Return whether the names of an object are days."""
    return all(len(key) == 10 and key[4] == key[7] == "-" for key in value)


def text_alike(printed: Any, answered: Any) -> bool:
    """Return whether both texts are numbers, or neither; and both instants, or neither."""
    if not isinstance(printed, str):
        return True
    return printed.isdigit() == answered.isdigit() and bool(INSTANT.match(printed)) == bool(INSTANT.match(answered))


@pytest.mark.rows(
    2,
    3,
    4,
    5,
    8,
    9,
    20,
    85,
    86,
    88,
    92,
    94,
    103,
    109,
    111,
    145,
    146,
    175,
    177,
    184,
    192,
    199,
    206,
    208,
    209,
    258,
    259,
    264,
)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.version} {each.name}")
def test_each_printed_example_is_answered_as_it_is_printed(example: Example):
    """The same request gets the same status and an answer of the same names, in their order, and types."""
    world, request = prepared(example)
    check(example, *world.send(*request[:2], request.body.encode(), query=request.query, headers=request.headers))


class Prepared(NamedTuple):
    """A printed request, with the numbers and the key of a world in it."""

    method: str
    path: str
    body: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def prepared(example: Example) -> tuple[World, Prepared]:
    """Return a world that an example is about, and its request in that world."""
    world = World(example.version)
    stand_for = example.prepare(world)
    body, query, headers = example.body, dict(example.query), dict(example.headers)
    for secret, mine in (
        ("<user_session_id>", world.session),
        ("your-session-id", world.session),
        ("your-api-key", world.key),
    ):
        body = body.replace(secret, mine)
        headers = {name: value.replace(secret, mine) for name, value in headers.items()}
    for printed, number in stand_for.items():
        body = substituted(body, printed, number)
        query = {name: str(number) if value == printed else value for name, value in query.items()}
    kind = JSON if body.startswith("{") else {"Content-Type": "application/x-www-form-urlencoded"}
    return world, Prepared(example.method, f"/api/v1/{example.path}", body, query, {**kind, **headers})


def check(example: Example, status: int, answer: Any) -> None:
    """Compare an answer with the printed one."""
    assert status == example.status, answer
    expected = json.loads(example.answer)
    assert agree(expected, json.loads(json.dumps(answer))), json.dumps(answer)[:600]
    if status != 200:
        assert answer == expected


def substituted(body: str, printed: str, number: int) -> str:
    """Return a body with a printed number replaced wherever it is a whole number."""
    if printed.startswith('"'):
        return body.replace(f"{printed},", f"{printed.split(':', maxsplit=1)[0]}: {number},")
    for before in (": ", ",", "="):
        for after in (",", "}", "&", ""):
            end = body.endswith(f"{before}{printed}") if after == "" else True
            if end:
                body = (
                    body.replace(f"{before}{printed}{after}", f"{before}{number}{after}")
                    if after
                    else (body[: -len(printed)] + str(number))
                )
    return body


def printed() -> dict[str, dict[str, list[str]]]:
    """Return the names of the examples of each call, by version."""
    found = {command: {version: ["as printed"] for version in versions} for command, versions in APART.items()}
    for each in EXAMPLES:
        command = ROUTES[each.method, each.path].command
        found.setdefault(command, {}).setdefault(each.version, []).append(each.name)
    return found


def test_every_call_has_an_example_of_every_document_that_has_it():
    """None of what the documents print is left out."""
    found = printed()
    for command, each in OPERATIONS.items():
        assert set(each.seeds) <= set(found.get(ALIKE.get(command, command), {})), command


def test_every_call_has_its_rulings_and_each_is_shown_by_a_test():
    """No row of docs/conformance.md is empty."""
    assert RULINGS.keys() == OPERATIONS.keys()
    assert all(RULINGS.values())
    tests = names_of_tests(Path(__file__).parent.glob("test_*.py"))
    assert {each.shown for rulings in RULINGS.values() for each in rulings} <= tests


def test_the_comparison_notices_what_differs():
    """Control: other names, other types, an empty list for one with members, a text for a number."""
    assert agree({"a": 1, "b": [{"c": "x"}]}, {"a": 2.5, "b": [{"c": "y"}, {"c": "z"}]})
    assert not agree({"a": 1}, {"a": "1"})
    assert not agree({"a": "1"}, {"a": "x"})
    assert not agree({"a": 1}, {"b": 1})
    assert not agree({"a": 1, "b": 1}, {"b": 1, "a": 1})
    assert not agree([1], [])
    assert not agree([], {"a": 1})
    assert not agree("2023-08-11 17:19:34", "2023-08-11T17:19:34")


@pytest.mark.rows(105)
@pytest.mark.parametrize("version", ["2025", "2026"])
def test_the_printed_copy_for_another_user(version):
    """With the key of an administrator; an email is copied once, lists and sender domains are reset."""
    world = World(version)
    mail = {"Action": "SendEmail", "EmailID": 123, "SenderDomainID": 101}
    number = world.journey(mail, mail, {"Action": "Subscribe", "TargetListID": 30})
    body = json.dumps(
        {
            "Command": "journey.copytouser",
            "AdminAPIKey": world.admin,
            "JourneyID": number,
            "SourceUserID": 1,
            "TargetUserID": 2,
            "NewJourneyName": "Welcome Series for User 2",
        }
    )
    status, answer = world.send("POST", "/api/v1/journey.copytouser", body.encode())
    assert status == 200, answer
    assert answer["ResourcesReset"] == ["SenderDomainID", "TargetListID"]
    assert [set(each) for each in answer["EmailsCopied"]] == [{"SourceEmailID", "NewEmailID"}]
    assert answer["Success"] is True
    copy = world.engine.tenant("other").journey(number=answer["JourneyID"])
    assert (copy.name, copy.enabled) == ("Welcome Series for User 2", False)
    missing = world.call("journey.copytouser", JourneyID=9999, SourceUserID=1, TargetUserID=2)
    fault = {"Code": 9, "Message": "Journey not found for source user"}
    assert missing == (404, {"Success": False, "Errors": [fault]})


@pytest.mark.rows(96)
def test_the_printed_deletion_of_many():
    """By command alone: there is no path for it."""
    world = World()
    numbers = [world.journey() for _ in range(3)]
    status, answer = world.call("journeys.delete", Journeys=",".join(map(str, numbers[:2])))
    assert (status, answer) == (200, {"Success": True, "ErrorCode": 0, "ErrorText": ""})
    assert [each["JourneyID"] for each in world.done("journey.list")["Journeys"]] == [str(numbers[2])]
    assert world.call("journeys.delete") == (422, {"Success": False, "ErrorCode": [1]})
    assert world.send("POST", "/api/v1/journeys.delete", {"APIKey": world.key})[0] == 404
