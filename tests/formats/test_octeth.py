"""The dialect of Octeth: action lists in and out, what is refused and where, what either side cannot say."""

import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import fields
from hypothesis import given

from journeyflow import (
    Chain,
    Condition,
    End,
    Exit,
    InvalidJourney,
    Journey,
    Limits,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    any_of,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.definition.steps import STEP_KINDS as STEPS
from journeyflow.definition.steps import WAIT_FORMS
from journeyflow.formats.octeth import criteria, writing
from journeyflow.formats.octeth.actions import ACTION_KINDS
from journeyflow.formats.octeth.reading import read, read_actions
from journeyflow.formats.octeth.triggers import MANUAL, TRIGGERS, write_trigger
from journeyflow.formats.octeth.writing import write, write_actions
from journeyflow.formats.registry import loads_any, recognise
from journeyflow.testing.strategies import journeys

SAID = [
    *({"type": "fields", "field_id": "10", "operator": name, "value": "a"} for name in list(criteria.FIELDS)[:10]),
    *({"type": "fields", "field_id": "EmailAddress", "operator": name} for name in ("is set", "is not set")),
    *({"type": "tags", "operator": name, "value": "5"} for name in ("has this tag", "does not have this tag")),
    {"type": "tags", "operator": "has no tags"},
    *({"type": "segments", "operator": name, "value": "S1"} for name in ("belongs to", "does not belong to")),
    *({"type": "suppressions", "operator": name} for name in ("exist", "not exist")),
]


def document(*actions, **keys) -> dict[str, Any]:
    """Return a small journey of Octeth."""
    return {"JourneyID": 5, "Actions": list(actions), **keys}


def action(name, number=1, **keys):
    """Return an action."""
    return {"ActionID": number, "Action": name, **keys}


def step(name, **keys) -> Any:
    """Return the step that an action is read as."""
    return read(document(action(name, **keys)))[0].step("1")


def asked(*criteria, operator="and") -> Any:
    """Return the rule that a Decision asks."""
    return step("Decision", Criteria=list(criteria), CriteriaOperator=operator).branches[0].when


def at(journey, name) -> Any:
    """Return a step of whatever kind."""
    return journey.step(name)


def said(rule) -> Any:
    """Return a rule as it is written."""
    return criteria.write_rule(rule, "5")


def faults(value):
    """Read what is refused, and return each fault as its place and its code."""
    with pytest.raises(InvalidJourney) as caught:
        read(value)
    return [(each.path, each.code) for each in caught.value.problems]


def action_faults(name, **keys):
    """Return the faults of one action."""
    return [(path.removeprefix("Actions[0]."), code) for path, code in faults(document(action(name, **keys)))]


def lost(journey):
    """Return the places of what writing loses."""
    return [loss.path for loss in write(journey)[1]]


def always(*steps, **options):
    """Return a journey that people may enter again and again, as those of Octeth."""
    return Journey(id="5", steps=steps, reentry="always", **options)


WEBHOOK = {"WebhookURL": "https://example.com/hook", "WebhookSecurity": {"Method": "HMAC", "SecretKey": "s"}}

EACH = [
    ("Wait", {"WaitUnit": "minutes", "WaitAmount": 90}),
    (
        "Wait",
        {
            "WaitUnit": "days",
            "WaitAmount": 3,
            "TimeConstraintEnabled": True,
            "DontSendBefore": "08:00",
            "DontSendAfter": "20:00",
            "AllowedDays": ["mon", "sat"],
        },
    ),
    (
        "SendEmail",
        {
            "EmailID": 129,
            "SenderDomainID": 101,
            "From": {"Name": "F", "Email": "f@example.com"},
            "CC": [{"Name": "C", "Email": "c@example.com"}],
            "Email": {"Subject": "{{{Hey|Hi}}}! You", "Options": []},
        },
    ),
    (
        "SendSMS",
        {
            "message": "Hi {{ Subscriber:FirstName }}",
            "gateway_id": 45,
            "sender_id": "123",
            "priority": "high",
            "max_retry_attempts": 3,
            "delivery_window_enabled": True,
            "delivery_window": {
                "timezone": "Europe/Paris",
                "start_time": "10:00",
                "end_time": "17:00",
                "days": ["mon"],
            },
        },
    ),
    ("Webhook", WEBHOOK),
    ("Debug", {"SleepSeconds": 2, "DebugMessage": "here"}),
    ("Subscribe", {"TargetListID": 30}),
    ("Unsubscribe", {"TargetListID": 30}),
    ("AddTag", {"TargetTagID": 7}),
    ("RemoveTag", {"TargetTagID": 0}),
    ("UpdateCustomFieldValue", {"TargetCustomFieldID": 10, "NewCustomFieldValue": "{{ Subscriber:EmailAddress }}"}),
    ("StartJourney", {"TargetJourneyID": 12}),
    ("ExitJourney", {"TargetJourneyID": [10, 11]}),
    *((name, {}) for name in ("ExitThisJourney", "ExitAllOtherJourneys", "ExitAllJourneys", "DeleteSubscriber")),
    ("Decision", {"CriteriaOperator": "and", "Criteria": []}),
]
"""Every kind of action but YesNo, as it is written."""


# --- reading and writing ----------------------------------------------------------------------------------------------


@pytest.mark.rows(66, 69, 70, 73, 75, 76, 210, 211, 212, 213, 214, 215, 216, 217, 218, 221, 222)
@pytest.mark.parametrize(("name", "keys"), EACH, ids=lambda value: value if isinstance(value, str) else "")
def test_each_action_is_read_and_written(name, keys):
    """The parameters of an action come back as they were, under ActionParameters."""
    given = document(action(name, ActionParameters=keys, Notes="why"))
    journey, losses = read(given)
    assert losses == []
    written, missing = write(journey)
    assert missing == []
    (found,) = written["Actions"]
    assert found["Action"] == name
    assert found["ActionParameters"] == keys
    assert (found["ActionID"], found["OrderNo"], found["Notes"]) == (1, 1, "why")
    assert read(written)[0] == journey


def test_every_action_is_tried():
    """Control: no kind of action is forgotten."""
    assert {name for name, _ in EACH} | {"YesNo"} == set(ACTION_KINDS)


@pytest.mark.rows(54, 110)
def test_names_are_read_in_any_case_and_parameters_in_two_places():
    """`emailid` beside the action is `EmailID` in its parameters; numbers and flags may be text."""
    flat = {"actionid": "7", "action": "sendemail", "emailid": "123", "from": {"name": "S", "email": "s@example.com"}}
    nested = action("SendEmail", 7, ActionParameters={"EmailID": 123, "From": {"Name": "S", "Email": "s@example.com"}})
    assert read(document(flat))[0] == read(document(nested))[0]
    assert step("Wait", waitunit="DAYS", WaitAmount="2") == Wait("1", "2 days", next="end")


@pytest.mark.rows(59, 74, 219)
def test_lists_inside_a_decision_lead_on_to_the_action_after_it():
    """Decisions stand in one another; what is empty, or at its end, leads on."""
    inner = action("Decision", 2, Actions={"True": [action("ExitThisJourney", 3)], "False": []})
    outer = action("Decision", 1, Actions={"True": [inner], "False": [action("ExitAllJourneys", 4)]})
    journey, losses = read(document(outer, action("Wait", 5, WaitUnit="days", WaitAmount=1)))
    assert losses == []
    assert [each.id for each in journey.steps] == ["1", "2", "3", "4", "5", "end"]
    first, second = at(journey, "1"), at(journey, "2")
    assert (first.branches[0].next, first.otherwise, first.next) == ("2", "4", "5")
    assert (second.branches[0].next, second.otherwise) == ("3", "5")
    written, missing = write(journey)
    assert missing == []
    assert [each["OrderNo"] for each in written["Actions"]] == [1, 2]
    assert written["Actions"][0]["Actions"]["True"][0]["Actions"] == {"True": written_exit(3), "False": []}
    assert read(written)[0] == journey


def written_exit(number):
    """Return a list of one written ExitThisJourney."""
    return [{"ActionID": number, "OrderNo": 1, "Action": "ExitThisJourney", "ActionParameters": {}}]


def test_an_empty_list_of_actions_ends_at_once():
    """A journey of Octeth may be enabled before it does anything."""
    journey, _ = read(document())
    assert journey.steps == (End("end"),)
    assert write(journey)[0]["Actions"] == []
    assert write(Journey(id="5", steps=[]))[0]["Actions"] == []


@given(journeys())
def test_what_is_written_without_losses_reads_back(journey):
    """Any journey can be written; if nothing is lost, it is the same when it is read again."""
    written, losses = write(journey)
    json.dumps(written)
    if not losses:
        again, _ = read(written)
        assert again == journey


def test_the_answer_of_2023_is_read():
    """The keys of its Journey stand beside its actions."""
    given = {"Journey": {"JourneyID": "6", "JourneyName": "Test", "TriggerParameters": []}, "Actions": []}
    assert read(given)[0].name == "Test"
    assert recognise(given) == "octeth"
    assert loads_any(json.dumps(given))[0].id == "6"


def test_what_is_no_definition_is_lost():
    """States, flags, figures and instants; and what had to be made up."""
    actions = [{"Action": "ExitThisJourney", "Published": "true", "Stats": {}, "OrderNo": 1}]
    given = {"Name": "Hello you!", "Status": "Enabled", "APIKey": "k", "Actions": actions}
    journey, losses = read(given)
    assert journey.id == "hello-you"
    assert journey.steps[0].id == "action_1"
    assert [loss.path for loss in losses] == [
        *("Status", "JourneyID", "Actions[0].ActionID"),
        *("Actions[0].OrderNo", "Actions[0].Stats", "Actions[0].Published"),
    ]


def test_flags_come_with_the_actions():
    """A service asks for them apart: true, false, or not said."""
    wait = {"Action": "Wait", "WaitUnit": "days", "WaitAmount": 1}
    _, rows, _ = read_actions([{**wait, "Published": "true"}, {**wait, "Published": 0}, wait], "5")
    assert [row.published for row in rows] == [True, False, None]
    with pytest.raises(InvalidJourney):
        read_actions("none", "5")


# --- triggers ---------------------------------------------------------------------------------------------------------


@pytest.mark.rows(23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 39, 40, 41, 42, 43)
@pytest.mark.parametrize("name", TRIGGERS)
def test_each_trigger_is_read_and_written(name):
    """Its target and its criteria come back, in either spelling of the request."""
    kind = TRIGGERS[name]
    rule = [
        {"Property": "conversionName", "Operator": "equals", "Value": "Purchase"},
        {"Property": "x", "Operator": "is set"},
    ]
    for target in (0, 10):
        given = {f"Trigger_{kind.parameter}": target} if kind.parameter else {}
        journey, _ = read(document(Trigger=name, Trigger_Criteria=rule, **given))
        assert journey.trigger.event == kind.event
        written, losses = write(journey)
        assert losses == []
        assert written["Trigger"] == name
        assert written["TriggerParameters"] == {
            **({kind.parameter: target} if kind.parameter else {}),
            "Criteria": rule,
        }
        assert read(written)[0] == journey


@pytest.mark.rows(35, 161)
def test_a_hit_of_revenue_is_in_units_of_the_currency():
    """Cents inside, dollars outside."""
    journey, _ = read(document(Trigger="RevenueHit", Trigger_Value="99.50"))
    assert str(journey.trigger.where) == "event.amount >= 9950"
    assert write_trigger(journey.trigger) == ("RevenueHit", {"Value": 99.5})
    assert faults(document(Trigger="RevenueHit", Trigger_Value="much")) == [("Trigger_Value", "trigger")]


@pytest.mark.rows(22)
def test_a_trigger_by_hand_is_read_and_written():
    """It is what a document without a trigger has, and neither target nor criteria."""
    for said in ({"Trigger": "manual"}, {}):
        journey, losses = read(document(**said))
        assert (journey.trigger, losses) == (Trigger(manual=True), [])
        written, _ = write(journey)
        assert (written["Trigger"], written["TriggerParameters"]) == (MANUAL, [])
        assert read(written)[0] == journey


def test_triggers_that_octeth_does_not_have_are_manual():
    """The loss says which."""
    assert write_trigger(Trigger("member.created")) == (MANUAL, {})
    assert lost(always(End("end"), trigger=Trigger("member.created"))) == ["trigger.event"]
    assert lost(always(End("end"), trigger=Trigger.every("1 day"))) == ["trigger.pull"]
    named = Trigger.list_subscribed("news", where=field("plan").eq("paid"))
    assert write_trigger(named) == ("ListSubscription", {"ListID": "news"})
    assert lost(always(End("end"), trigger=named)) == ["trigger.where"]
    assert lost(always(End("end"), trigger=Trigger.revenue(5, where=field("event.a").before("2026-01-01")))) == [
        "trigger.where"
    ]
    assert lost(always(End("end"), trigger=Trigger("list.subscribed", where=field("event.list").eq(field("a"))))) == [
        "trigger.where"
    ]


@pytest.mark.rows(45, 46, 47, 48)
def test_run_criteria_and_limits():
    """They are about the subscriber, and are written as a request says them."""
    rules = [
        {"Property": "EmailAddress", "Operator": "contains", "Value": "@"},
        {"Property": "7", "Operator": "is set"},
    ]
    given = document(Run_Criteria=rules, Run_Criteria_Operator="or", Rate_Limit_Per_Hour=5, Rate_Limit_Per_Day="9")
    journey, _ = read(given)
    assert journey.run_criteria == any_of(field("email").contains("@"), field("CustomField7").is_not_null())
    assert journey.limits == Limits(per_hour=5, per_day=9)
    written, losses = write(journey)
    assert losses == []
    assert written["Run_Criteria_Operator"] == "or"
    assert read(written)[0] == journey
    one, _ = read(document(Run_Criteria=rules[:1]))
    assert write(one)[0]["Run_Criteria_Operator"] == "and"
    assert lost(always(End("end"), run_criteria=field("a").eq(1) & ~field("b").eq(2))) == ["run_criteria"]
    assert lost(always(End("end"), limits=Limits(per_day=1, over="drop"))) == ["limits.over"]


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("none", [("", "type")]),
        ({"Actions": []}, [("JourneyID", "missing")]),
        ({"JourneyID": [], "Actions": []}, [("JourneyID", "type")]),
        (document(5), [("Actions[0]", "type")]),
        ({"JourneyID": 5, "Actions": {}}, [("Actions", "type")]),
        (document({"Action": "Jump"}), [("Actions[0].Action", "kind")]),
        (document({}), [("Actions[0].Action", "kind")]),
        (document(Trigger="Weather"), [("Trigger", "word")]),
        (document(Trigger_Criteria=[{"Property": "a"}]), [("Trigger_Criteria[0].Operator", "missing")]),
        (document(action("ExitThisJourney"), action("ExitThisJourney")), [("Actions[1].id", "duplicate")]),
        (document(Rate_Limit_Per_Hour=-1), [("Rate_Limit_Per_Hour", "type")]),
        (document(song=1), [("song", "unknown-key")]),
        (document(JourneyName="a\0"), [("JourneyName", "text")]),
    ],
)
def test_faults_of_a_document(given, expected):
    """Each has its place and its code."""
    assert faults(given) == expected


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [
        ("Wait", {}, [("WaitUnit", "missing"), ("WaitAmount", "missing")]),
        ("Wait", {"WaitUnit": "years", "WaitAmount": "x"}, [("WaitUnit", "word"), ("WaitAmount", "type")]),
        ("Wait", {"WaitUnit": "days", "WaitAmount": 0}, [("duration", "duration")]),
        ("Subscribe", {"TargetListID": {}}, [("TargetListID", "type")]),
        ("ExitJourney", {"TargetJourneyID": [1, None]}, [("TargetJourneyID[1]", "type")]),
        ("AddTag", {"TargetTagID": 1, "TargetListID": 1}, [("TargetListID", "unknown-key")]),
        ("Decision", {"Actions": {"Maybe": []}}, [("Actions.Maybe", "unknown-key")]),
        (
            "ExitThisJourney",
            {"ActionParameters": "x", "Notes": 5},
            [("ActionParameters", "unknown-key"), ("Notes", "type")],
        ),
        ("ExitThisJourney", {"ActionParameters": [], "Notes": 5}, [("Notes", "type")]),
    ],
)
def test_faults_of_an_action(name, keys, expected):
    """Each has its place and its code, in the words of Octeth."""
    assert action_faults(name, **keys) == expected


def test_hours_that_cannot_be_are_refused():
    """An unknown day, a time that is none, an unknown zone."""
    wait = {"WaitUnit": "days", "WaitAmount": 1, "TimeConstraintEnabled": 1}
    for wrong in ({"AllowedDays": ["xyz"]}, {"AllowedDays": 5}, {"DontSendBefore": "9"}):
        assert faults(document(action("Wait", **wait, **wrong))) == [("Actions[0]", "window")]
    assert step("Wait", **wait).window == Window(None, "09:00", "19:00")
    sms = {"message": "m", "delivery_window_enabled": True}
    assert step("SendSMS", **sms).window == Window("MON-FRI", "09:00", "18:00", timezone="UTC")
    assert faults(document(action("SendSMS", delivery_window={"timezone": "Mars"}, **sms))) == [
        ("Actions[0]", "window")
    ]
    assert step("SendSMS", message="m", delivery_window={"days": ["mon"]}).window is None


def test_a_file_that_is_too_deep_is_refused():
    """No recursion without end."""
    deep: list[object] = []
    for _ in range(1_000):
        deep = [deep]
    assert faults({"Actions": deep}) == [("", "depth")]


def test_faults_inside_a_list_do_not_hide_the_others():
    """What can be read of a Decision is read."""
    given = document(
        action("Decision", Criteria=5, Actions={"True": [action("ExitThisJourney", 2), {"Action": "Jump"}]}),
        {"Action": "Leap"},
    )
    assert [path for path, _ in faults(given)] == [
        *("Actions[0].Criteria", "Actions[0].Actions.True[1].Action", "Actions[1].Action")
    ]


# --- what writing loses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("journey", "expected"),
    [
        (always(Wait("1", until="09:00")), ["steps[0].until"]),
        (always(Wait("1", "1 month")), ["steps[0].duration"]),
        (always(Wait("1", timedelta(milliseconds=500))), ["steps[0].duration"]),
        (always(Wait("1", "1 day 1 hour")), ["steps[0].duration"]),
        (always(Wait("1", "1 day", window=Window(timezone="UTC"))), ["steps[0].window.timezone"]),
        (always(Send("1", channel="PUSH", template="x")), ["steps[0].channel"]),
        (always(Send("1", channel="SMS", template="x")), ["steps[0].template"]),
        (always(Send("1", channel="EMAIL", template="9", transactional=True)), ["steps[0].transactional"]),
        (
            always(Send("1", channel="EMAIL", template="9", name="n", window=Window("MON"))),
            ["steps[0].window", "steps[0].name"],
        ),
        (always(Split("1", arm(100))), ["steps[0].arms"]),
        (always(Condition("1", branches=[branch(field("a").eq(1)), branch(field("b").eq(1))])), ["steps[0].branches"]),
        (always(Condition("1", branches=[branch(field("a").eq(1), label="x")])), ["steps[0].branches[0].label"]),
        (always(Update("1", field("n").increment())), ["steps[0].changes[0]"]),
        (always(Update("1", field("a.b").set(1))), ["steps[0].changes[0]"]),
        (always(Update("1", tag.add("a"), tag.add("b"))), ["steps[0].changes"]),
        (always(End("1", "won")), ["steps[0].outcome"]),
        (always(End("1"), exits=[Exit("x", event="y")], timezone="Europe/Paris"), ["timezone", "exits"]),
        (Journey(id="5", steps=[End("end")]), ["reentry"]),
        (
            Journey(id="5", steps=[End("end")], reentry=Reentry.always(key="event.x"), trigger=Trigger("e")),
            ["trigger.event", "reentry"],
        ),
    ],
    ids=str,
)
def test_what_octeth_cannot_say_is_a_loss(journey, expected):
    """Each has its place in the native file."""
    assert lost(journey) == expected


def test_a_graph_that_is_no_list_is_a_loss():
    """A way back, a list that ends early, a step on two ways."""
    loop = always(Wait("1", "1 day"), Wait("2", "1 day", next="1"))
    assert lost(loop) == ["steps[0]"]
    early = always(Condition("1", field("a").eq(1), yes=[End("stop")]), Wait("2", "1 day"))
    assert lost(early) == ["steps[1]"]
    jump = always(
        Condition("1", field("a").eq(1), yes="3", no=[Wait("2", "1 day", next="3")], next="4"),
        Wait("3", "1 day", next="4"),
        Wait("4", "1 day"),
    )
    assert lost(jump) == ["steps[2]"]
    unreached = always(End("1"), Wait("2", "1 day"))
    assert lost(unreached) == ["steps[1]"]


def test_an_update_of_several_changes_is_several_actions():
    """The first has the id, the others none."""
    several = Update("1", tag.add("7"), Chain.exit_this(), field("n").increment())
    assert [(each.action, each.order, each.first) for each in write_actions(always(several))] == [
        ("AddTag", 1, True),
        ("ExitThisJourney", 2, False),
    ]
    written = write(always(several))[0]["Actions"]
    assert [each.get("ActionID") for each in written] == [1, None]
    assert write_actions(always(Update("1", field("n").increment())))[0].action == "Update"


def test_every_option_is_said_or_has_a_reason():
    """A new option of a step or a journey cannot be forgotten here."""
    for of in STEPS.values():
        assert {each.name for each in fields(of)} <= {*writing._STEP_SAYS, *writing._WHY}
    assert {each.name for each in fields(Journey)} <= {*writing._JOURNEY_SAYS, *writing._WHY}
    assert set(writing._LOST) == set(STEPS.values())
    assert set(WAIT_FORMS) <= {"duration", *writing._WHY}


# --- anything ---------------------------------------------------------------------------------------------------------

ANYTHING: tuple[Any, ...] = (
    *(None, 0, -1, 1.5, True, "", "x", "1", "\0", "a" * 300, 10**30, "{{ a b }}", "CustomField:"),
    *([], {}, [[]], [1], [{}], {"True": [{}]}, {"Yes": []}, {"days": 5}, {"days": [5]}, {"timezone": 5}),
    *([{"type": "fields", "operator": "is", "field_id": {}}], [{"type": "tags", "operator": "has this tag"}]),
)

WHOLE = [
    *(document(action(name, ActionParameters=keys, Notes="n")) for name, keys in EACH),
    document(
        action("YesNo", CriteriaLeft="a", CriteriaOperator="Is", CriteriaRight="b", Actions={"Yes": [], "No": []}),
        action("Decision", 2, Criteria=SAID),
        Trigger="ListSubscription",
        TriggerParameters={"ListID": 5, "Criteria": [{"Property": "a", "Operator": "is set"}]},
        Run_Criteria=[{"Property": "a", "Operator": "equals", "Value": "1"}],
    ),
]


def parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from parts(each, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """Return a JSON value with one part replaced."""
    if not path:
        return by
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], by)
    return changed


@pytest.mark.unmeasured
def test_any_part_may_be_anything():
    """It is read or refused, never raised; and what is read without losses comes back as it was."""
    draw = random.Random(7)
    for whole in WHOLE:
        for path in parts(whole):
            for by in draw.sample(ANYTHING, 2):
                with suppress(InvalidJourney):
                    journey, _ = read(replaced(whole, path, by))
                    written, losses = write(journey)
                    assert losses or read(written)[0] == journey
