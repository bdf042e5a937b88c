"""Every code of every call is provoked, and answered with its number, its status and its message in its envelope."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from journeyflow import Condition, End, Journey, NotFound, field
from journeyflow.services.octeth import OPERATIONS, VERSIONS
from tests.services.octeth.world import MAIL, WAIT, World

Provocation = Callable[[World], Mapping[str, Any]]
"""A function that prepares a world and returns the parameters of the call that is refused."""


def with_journey(*actions: Any, **said: Any) -> Provocation:
    """Return the parameters of a call about a journey; None leaves the JourneyID out."""

    def prepare(world: World) -> dict[str, Any]:
        return {"JourneyID": world.journey(*actions), **said}

    return prepare


def plain(**said: Any) -> Provocation:
    """Return parameters that need no preparation."""
    return lambda _: said


def enabled(world: World) -> dict[str, Any]:
    """Return the JourneyID of an Enabled journey."""
    return {"JourneyID": world.journey(enabled=True)}


def on_action(**said: Any) -> Provocation:
    """Return the parameters of a call about the only action of a journey."""

    def prepare(world: World) -> dict[str, Any]:
        journey = world.journey(MAIL)
        return {"JourneyID": journey, "ActionID": world.actions(journey)[0], **said}

    return prepare


def on_wait(world: World) -> dict[str, Any]:
    """Return an EmailID that is the ActionID of a Wait."""
    journey = world.journey(WAIT)
    return {"JourneyID": journey, "EmailID": world.actions(journey)[0]}


def vanishing(world: World) -> dict[str, Any]:
    """Prepare a journey that somebody else deletes while its actions are published."""
    journey = world.journey(WAIT)
    action = world.actions(journey)[0]
    acme = world.engine.tenant("acme")
    take_away = acme.journey(number=journey).id

    class Racing:
        """An engine on which the journey is deleted after it was changed."""

        def __getattr__(self, name: str) -> Any:
            return getattr(acme, name)

        def set_published(self, *arguments: Any, **named: Any) -> None:
            acme.set_published(*arguments, **named)
            acme.remove(take_away, at=world.now)

    racing: Any = Racing()
    racing.tenant = lambda _: racing
    world.service.engine = racing
    return {"JourneyID": journey, "Actions": [{"ActionID": action, "Published": "false"}]}


def of_another_module(world: World) -> dict[str, Any]:
    """Return an export of subscribers, which the directory knows, beside one of another user."""
    for number, tenant in ((7, "acme"), (999, "other")):
        world.directory.put_resource("export", number, tenant, "subscribers.csv")
    return {"ExportID": 7}


def unfinished(world: World) -> dict[str, Any]:
    """Return an export that nobody has worked on."""
    return {"ExportID": world.done("journey.export.submit")["ExportID"], "download": 1}


def for_users(**said: Any) -> Provocation:
    """Return the parameters of a copy for another user."""
    return lambda world: {"JourneyID": world.journey(), "SourceUserID": 1, "TargetUserID": 2, **said}


ABSENT = {"JourneyID": 999}
DATES = {"first": "2026-02-30", "last": "2026/01/01"}


def triggers(**base: Any) -> dict[tuple[int, int], Provocation]:
    """Return the provocations of a call that sets a trigger."""

    def asking(**said: Any) -> Provocation:
        return lambda world: {**({"JourneyID": world.journey()} if "JourneyID" in base else base), **said}

    value = {name: {"Trigger": name} for name in ("Tag", "CustomFieldValueChanged", "RevenueHit", "JourneyCompleted")}
    return {
        (3, 400): asking(Trigger="Weather"),
        (4, 422): asking(Trigger="ListSubscription"),
        (5, 422): asking(Trigger="ListUnsubscription", Trigger_ListID="x"),
        (6, 404): asking(Trigger="ListSubscription", Trigger_ListID=99),
        (7, 422): asking(Trigger="EmailOpen"),
        (8, 422): asking(Trigger="EmailConversion", Trigger_EmailID=-1),
        (9, 404): asking(Trigger="EmailLinkClick", Trigger_EmailID=99),
        (11, 404): asking(Trigger="UnTag", Trigger_Value=99),
        (12, 422): asking(**value["CustomFieldValueChanged"], Trigger_Value="x"),
        (13, 404): asking(**value["CustomFieldValueChanged"], Trigger_Value=99),
        (14, 422): asking(**value["RevenueHit"], Trigger_Value="much"),
        (15, 422): asking(**value["RevenueHit"]),
        (16, 422): asking(**value["JourneyCompleted"], Trigger_Value="x"),
        (17, 404): asking(**value["JourneyCompleted"], Trigger_Value=99),
        (18, 422): asking(Rate_Limit_Per_Hour="x"),
        (19, 422): asking(Rate_Limit_Per_Day=-1),
    }


def journeys(missing: int, invalid: int, absent: int, **said: Any) -> dict[tuple[int, int], Provocation]:
    """Return the provocations of a call about one journey."""
    return {
        (missing, 422): plain(**said),
        (invalid, 422): plain(JourneyID="x", **said),
        (absent, 404): plain(**ABSENT, **said),
    }


def window(first: str, last: str, number: int) -> dict[tuple[int, int], Provocation]:
    """Return the provocations of a window."""
    return {
        (number, 422): with_journey(**{first: "2026-02-30"}),
        (number + 1, 422): with_journey(**{last: "2026/01/01"}),
        (number + 2, 422): with_journey(**{first: "2026-02-02", last: "2026-02-01"}),
    }


SUBSCRIBER = {"ListID": 26, "SubscriberID": 1}


def subscribers(*, journey: bool) -> dict[tuple[int, int], Provocation]:
    """Return the provocations of a call about a subscriber."""
    of_journey = {
        (1, 422): plain(**SUBSCRIBER),
        (4, 422): plain(JourneyID="x", **SUBSCRIBER),
        (7, 404): plain(**ABSENT, **SUBSCRIBER),
    }
    return {
        **(of_journey if journey else {}),
        (2, 422): with_journey(SubscriberID=1),
        (3, 422): with_journey(ListID=26),
        (5, 422): with_journey(ListID="x", SubscriberID=1),
        (6, 422): with_journey(ListID=26, SubscriberID="x"),
        (8, 404): with_journey(ListID=99, SubscriberID=1),
        (9, 404): with_journey(ListID=26, SubscriberID=99),
    }


ACTIONS = {"Actions": [WAIT]}
CRITERIA = ("Trigger_Criteria", "Run_Criteria")
IDS = {(1, 422): plain(), (2, 422): plain(JourneyIDs="a,b,0")}
GET = {**journeys(1, 2, 3), **window("StartDate", "EndDate", 4)}

PROVOKED: Mapping[str, Mapping[tuple[int, int], Provocation]] = {
    "journey.create": {
        (1, 422): plain(),
        **triggers(Name="n"),
        (10, 422): plain(Name="n", Trigger="Tag", Trigger_Value="x"),
    },
    "journey.clone": {
        (1, 422): with_journey(),
        (2, 422): plain(NewJourneyName="n"),
        (3, 404): plain(NewJourneyName="n", **ABSENT),
        (4, 422): with_journey(NewJourneyName="a\0"),
    },
    "journey.copytouser": {
        (1, 422): plain(SourceUserID=1, TargetUserID=2),
        (2, 422): plain(JourneyID=1, TargetUserID=2),
        (3, 422): plain(JourneyID=1, SourceUserID=1),
        (4, 422): plain(JourneyID="x", SourceUserID=1, TargetUserID=2),
        (5, 422): plain(JourneyID=1, SourceUserID="x", TargetUserID=2),
        (6, 422): plain(JourneyID=1, SourceUserID=1, TargetUserID="x"),
        (7, 404): for_users(SourceUserID=9),
        (8, 404): for_users(TargetUserID=9),
        (9, 404): for_users(JourneyID=999),
        (10, 422): for_users(NewJourneyName="a\0"),
    },
    "journey.get": {**GET, (7, 422): on_wait, (8, 422): with_journey(ISP="a b")},
    "journey.list": window("StatsStartDate", "StatsEndDate", 4),
    "journey.sendemailactions": {(1, 422): plain(JourneyID="x")},
    "journey.update": {**journeys(1, 2, 10), **triggers(JourneyID=1)},
    "journey.delete": journeys(1, 2, 3),
    "journeys.delete": {(1, 422): plain()},
    "journey.enable": {**journeys(1, 2, 3), (4, 409): enabled},
    "journey.disable": {**journeys(1, 2, 3), (4, 409): with_journey()},
    "journey.actions.update": {
        **journeys(1, 3, 5, **ACTIONS),
        (2, 422): with_journey(),
        (4, 422): with_journey(Actions="none"),
        (6, 422): with_journey(Actions=[{"Action": "Jump"}]),
    },
    "journey.actions.published": {
        **journeys(1, 3, 5, **ACTIONS),
        (2, 422): with_journey(),
        (4, 422): with_journey(Actions={}),
        (6, 404): with_journey(Actions=[{"ActionID": 999, "Published": "true"}]),
        (7, 404): vanishing,
    },
    "subscriber.journey.trigger": {**subscribers(journey=True), (10, 403): with_journey(**SUBSCRIBER)},
    "subscriber.journey.remove": subscribers(journey=True),
    "subscriber.journey.list": subscribers(journey=False),
    "journey.action.subscribers": {
        (1, 422): plain(ActionID=1),
        (2, 422): with_journey(),
        (3, 422): plain(JourneyID="x", ActionID=1),
        (4, 422): with_journey(ActionID="x"),
        (5, 422): on_action(FilterJSON="{"),
        (5, 404): plain(ActionID=1, **ABSENT),
        (6, 422): on_action(FilterJSON='["eaten"]'),
        (6, 404): with_journey(ActionID=999),
        (7, 422): on_action(FilterJSON='["opened"]', Operator="xor"),
        (7, 404): on_action(),
    },
    "journey.stats.byisp": {**GET, (7, 422): on_wait},
    "journey.stats.byaction": {**GET, (7, 422): on_wait, (8, 422): with_journey(ISP="a b")},
    "account.journey.benchmark": window("StartDate", "EndDate", 1),
    **dict.fromkeys(("journeys.enable", "journeys.disable", "journeys.clone"), IDS),
    "journey.export.submit": {**window("StatsStartDate", "StatsEndDate", 1), (4, 422): plain(Status="Busy")},
    "journey.export.get": {
        (1, 422): plain(),
        (2, 422): plain(ExportID="x"),
        (3, 404): plain(ExportID=999),
        (4, 404): of_another_module,
        (5, 409): unfinished,
    },
}
"""For each command and each of its codes, how it is provoked."""

OLDER = {("journey.action.subscribers", 7, 404): "2024"}
"""Codes that only an older version has."""


def never_meeting(world: World) -> dict[str, Any]:
    """Return flags of a Decision whose ways never meet again, so that nobody can pass through it."""
    ends = [Condition("which", field("a").eq(1), yes=[End("one")], no=[End("two")])]
    acme = world.engine.tenant("acme")
    acme.publish(Journey(id="own", steps=ends), at=world.now)
    number = acme.journey("own").number
    return {"JourneyID": number, "Actions": [{"ActionID": world.actions(number)[0], "Published": "false"}]}


AGAIN: Sequence[tuple[str, int, int, Provocation]] = [
    *(("journey.create", 3, 400, plain(Name="n", **{name: {}})) for name in ("Trigger", *CRITERIA)),
    *(("journey.update", 3, 400, with_journey(**{name: {}})) for name in ("Trigger", *CRITERIA)),
    ("journey.update", 11, 404, with_journey(Trigger="Tag", Trigger_Value="x")),
    ("journey.clone", 3, 404, plain(NewJourneyName="n", JourneyID="x")),
    *((name, 7, 422, with_journey(EmailID="x")) for name in ("journey.get", "journey.stats.byisp")),
    ("journey.stats.byaction", 7, 422, with_journey(EmailID="x")),
    ("journey.actions.published", 4, 422, never_meeting),
]
"""Other ways to a code that has more than one."""

CASES = [
    *((name, *code, provoked) for name, codes in PROVOKED.items() for code, provoked in codes.items()),
    *AGAIN,
]
"""Every code of the documents. They are written down here, so that a wrong one in the table is noticed."""


def test_every_code_has_a_provocation():
    """A new code cannot be forgotten, and none is provoked that the table does not have."""
    known = {command: {(code.number, code.status) for code in each.all_codes} for command, each in OPERATIONS.items()}
    assert {command: set(codes) for command, codes in PROVOKED.items()} == known


@pytest.mark.rows(198, 200, 201, 202, 203, 204, 149, 263)
@pytest.mark.rows(
    229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249
)
@pytest.mark.parametrize(
    ("command", "number", "status", "provoked"),
    CASES,
    ids=[f"{name} {code} {status}" for name, code, status, _ in CASES],
)
def test_each_code_is_answered(command: str, number: int, status: int, provoked: Provocation):
    """With its number, its status, its message of the version, and the envelope of the call."""
    operation, version = OPERATIONS[command], OLDER.get((command, number, status), VERSIONS[-1])
    world = World(version)
    answer, body = world.call(command, **provoked(world))
    assert answer == status
    words = {code.words(version) for code in operation.all_codes if (code.number, code.status) == (number, status)}
    expected = [operation.envelope(version)([{"Code": number, "Message": each}]) for each in words]
    assert without_details(body) in map(without_details, expected)


def without_details(body: Any) -> Any:
    """Return a body without what its faults tell besides."""
    if not isinstance(body, dict):
        return body
    return {
        key: [
            {name: said for name, said in each.items() if name != "Details"} if isinstance(each, dict) else each
            for each in value
        ]
        if isinstance(value, list)
        else value
        for key, value in body.items()
    }


def test_the_words_of_a_version():
    """Messages of 2023 and 2024 are those of their tables."""
    world = World("2024")
    _, body = world.call("journey.actions.update", JourneyID=world.journey(), Actions="x")
    assert body == {"Errors": [{"Code": 4, "Message": "Invalid Actions parameter"}]}
    _, body = world.call("journey.action.subscribers", **on_action(FilterJson="x")(world))
    assert body == {"Errors": [{"Code": 5, "Message": "Invalid FilterJson parameter"}]}


@pytest.mark.rows(198, 228)
def test_all_faults_of_parameters_are_told_at_once():
    """In the order of their codes."""
    world = World()
    _, body = world.call("journey.get", JourneyID="x", StartDate="1", EndDate="2", ISP="?")
    assert [each["Code"] for each in body["Errors"]] == [2, 4, 5, 8]


def test_a_fault_of_an_action_says_where_it_is():
    """The message is the document's; the details name the place."""
    world = World()
    actions = [{"Action": "Wait", "WaitUnit": "years", "WaitAmount": 1}]
    _, body = world.call("journey.actions.update", JourneyID=world.journey(), Actions=actions)
    (fault,) = body["Errors"]
    assert fault["Details"][0].startswith("Actions[0].WaitUnit: expected one of seconds")
    campaigns = {"type": "campaign-events", "operator": "opened", "time_filter": {"type": "in_last_x_days"}}
    _, body = world.call(
        "journey.actions.update", JourneyID=world.journey(), Actions=[{"Action": "Decision", "Criteria": [campaigns]}]
    )
    (fault,) = body["Errors"]
    assert fault["Code"] == 6
    assert fault["Details"][0].startswith("Actions[0].Criteria[0].time_filter: expected a number of days")
    _, body = world.call(
        "journey.create", Name="n", Trigger="WebsiteEvent_pageView", Trigger_Criteria=[{"Property": 1}]
    )
    assert body["Errors"][0]["Details"]


def test_an_engine_that_does_not_know_a_tenant_finds_nothing():
    """What belongs to another user looks as if it were not there (F205)."""
    world = World()
    journey = world.journey()
    status, body = world.call("journey.get", key=world.stranger, JourneyID=journey)
    assert (status, body) == world.call("journey.get", key=world.stranger, JourneyID=999)
    assert world.call("journey.sendemailactions", key=world.stranger, JourneyID=journey)[1]["Actions"] == []
    with pytest.raises(NotFound):
        world.engine.tenant("other").journey(number=journey)
