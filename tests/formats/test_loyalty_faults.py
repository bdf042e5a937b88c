"""Faults in the documents of the loyalty platform, each with its place."""

import copy
from typing import Any

import pytest

from journeyflow import (
    InvalidJourney,
)
from journeyflow.formats.loyalty.reading import read
from tests.formats.test_loyalty import SEND, TIER, document, faults, rule, step

pytestmark = pytest.mark.unmeasured

WHOLE = document(
    step("TRIGGER", "t", {"eventType": "joined", "conditions": [TIER]}, nextStepId="a"),
    step("SEND", "a", SEND, stepNumber=1, nextStepId="b"),
    step("WAIT", "b", {"duration": "3 days"}, stepNumber=2, nextStepId="c"),
    step("CONDITION", "c", {"rules": [rule(), rule("age", "gte", 18)]}, nextStepYesId="d", nextStepNoId="e"),
    step("SPLIT", "d", {"splits": [{"percentage": 50, "nextStepId": "e"}, {"percentage": 50, "nextStepId": "f"}]}),
    step("UPDATE", "e", {"updates": [{"field": "tags", "action": "add", "value": "x"}]}, nextStepId="f"),
    step("END", "f"),
    step("CONDITION", "g", {"rules": [rule()]}, nextStepYesId="f"),
)


def test_the_whole_document_is_sound():
    """Control: each fault below is the only one."""
    assert read(WHOLE)[0].steps[0].id == "a"


def changed(places):
    """Give the whole document with values set at places, `...` for a key that is taken away."""
    value = copy.deepcopy(WHOLE)
    for place, new in places.items():
        *way, last = [int(part) if part.isdigit() else part for part in place.split("/")]
        inside: Any = value
        for part in way:
            inside = inside[part]
        if new is ...:
            del inside[last]
        else:
            inside[last] = new
    return value


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({"id": ...}, [("id", "missing")]),
        ({"id": 7}, [("id", "type")]),
        ({"id": "a\x1fb"}, [("id", "id")]),
        ({"tenantId": ""}, [("tenantId", "id")]),
        ({"timezone": "Mars/Base"}, [("timezone", "zone")]),
        ({"status": "active"}, [("status", "status")]),
        ({"status": ["ACTIVE"]}, [("status", "status")]),
        ({"allowReentry": "no"}, [("allowReentry", "type")]),
        ({"goal": {}}, [("goal", "unknown-key")]),
        ({"segmentId": 7}, [("segmentId", "type")]),
        ({"exitConditions": 7}, [("exitConditions", "type")]),
        ({"exitConditions": [7]}, [("exitConditions[0]", "type")]),
        ({"exitConditions": [{"field": "a"}]}, [("exitConditions[0].operator", "missing")]),
        ({"exitConditions": [rule(operator="is")]}, [("exitConditions[0].operator", "operator")]),
        ({"exitConditions": {"rules": []}}, [("exitConditions", "exit")]),
        ({"exitConditions": [{"rules": [rule(operator="is")]}]}, [("exitConditions[0].rules[0].operator", "operator")]),
        ({"exitConditions": [{"rules": [TIER, rule(operator="is")]}]},
         [("exitConditions[0].rules[1].operator", "operator")]),
        ({"exitConditions": {"combinator": "XOR", "rules": [TIER]}}, [("exitConditions.combinator", "combinator")]),
        ({"exitConditions": [TIER, {"eventType": "\x1f"}]}, [("exitConditions[1].eventType", "exit")]),
        ({"exitConditions": [{"eventType": "x", "conditions": [rule(operator="is")]}]},
         [("exitConditions[0].conditions[0].operator", "operator")]),
        ({"exitConditions": [rule("message.zz.opened")]}, [("exitConditions[0]", "reference")]),
        ({"triggerType": ..., "steps/0/config/eventType": ...}, [("triggerType", "missing")]),
        ({"triggerType": 1, "steps/0/config/eventType": ...}, [("triggerType", "type")]),
        ({"triggerType": ..., "steps/0/config/eventType": "\x1f"}, [("steps[0].config.eventType", "trigger")]),
        ({"triggerType": "\x1f", "steps/0/config/eventType": ...}, [("triggerType", "trigger")]),
        ({"steps/0/config/conditions/0/operator": "inn"}, [("steps[0].config.conditions[0].operator", "operator")]),
        ({"steps/0/config/conditions": [TIER, rule(operator="is")]},
         [("steps[0].config.conditions[1].operator", "operator")]),
        ({"triggerConfig": {"conditions": [rule("message.a.opened")]}, "steps/0/config/conditions": ...},
         [("triggerConfig.conditions", "reference")]),
        ({"steps/0/nextStepId": "z"}, [("steps[0].nextStepId", "dangling")]),
        ({"steps/7": step("TRIGGER", "t2")}, [("steps[7]", "trigger")]),
        ({"steps": {}}, [("steps", "type")]),
        ({"steps/1": "send"}, [("steps[1]", "type"), ("steps[0].nextStepId", "dangling")]),
        ({"steps/1/type": "SENT"}, [("steps[1].type", "kind")]),
        ({"steps/1/type": ...}, [("steps[1].type", "kind")]),
        ({"steps/1/type": ["SEND"], "steps/1/id": 1},
         [("steps[1].type", "kind"), ("steps[1].id", "type"), ("steps[0].nextStepId", "dangling")]),
        ({"steps/1/channel": "EMAIL"}, [("steps[1].channel", "unknown-key")]),
        ({"steps/1/config": ...}, [("steps[1].config", "missing")]),
        ({"steps/1/config": []}, [("steps[1].config", "type")]),
        ({"steps/1/config/channel": ...}, [("steps[1].config.channel", "missing")]),
        ({"steps/1/config/channel": "E.MAIL"}, [("steps[1].config.channel", "channel")]),
        ({"steps/1/config/templateId": ""}, [("steps[1].config.templateId", "template")]),
        ({"steps/1/nextStepId": "z"}, [("steps[1].nextStepId", "dangling")]),
        ({"steps/1/nextStepId": "t"}, [("steps[1].nextStepId", "dangling")]),
        ({"steps/1/nextStepId": "end"}, [("steps[1].nextStepId", "dangling")]),
        ({"steps/1/nextStepYesId": "c"}, [("steps[1].nextStepYesId", "pointer")]),
        ({"steps/1/stepNumber": 0}, [("steps[1].stepNumber", "step-number")]),
        ({"steps/2/stepNumber": True}, [("steps[2].stepNumber", "step-number")]),
        ({"steps/2/stepNumber": 1}, [("steps[2].stepNumber", "step-number")]),
        ({"steps/2/config/duration": "3 dayz"}, [("steps[2].config.duration", "duration")]),
        ({"steps/2/config/duration": "0 days"}, [("steps[2].config.duration", "duration")]),
        ({"steps/2/id": "a", "steps/1/nextStepId": "c"}, [("steps[2].id", "duplicate")]),
        ({"steps/2/id": "x.y", "steps/1/nextStepId": "x.y"}, [("steps[2].id", "reserved")]),
        ({"steps/3/config/rules": []}, [("steps[3].config.rules", "branch")]),
        ({"steps/3/config/rules": ...}, [("steps[3].config.rules", "missing")]),
        ({"steps/3/config/combinator": "and"}, [("steps[3].config.combinator", "combinator")]),
        ({"steps/3/config/rules/1/operator": "gteq"}, [("steps[3].config.rules[1].operator", "operator")]),
        ({"steps/3/config/rules/1/op": "gte"}, [("steps[3].config.rules[1].op", "unknown-key")]),
        ({"steps/3/config/rules/1/value": [1]}, [("steps[3].config.rules[1].value", "operand")]),
        ({"steps/3/config/rules/1/field": "a..b"}, [("steps[3].config.rules[1].field", "field")]),
        ({"steps/3/nextStepYesId": "z"}, [("steps[3].nextStepYesId", "dangling")]),
        ({"steps/3/nextStepNoId": "z"}, [("steps[3].nextStepNoId", "dangling")]),
        ({"steps/4/config/splits/0/percentage": 33.333}, [("steps[4].config.splits[0].percentage", "percentage")]),
        ({"steps/4/config/splits/0/percentage": "50"}, [("steps[4].config.splits[0].percentage", "type")]),
        ({"steps/4/config/splits/0/percentage": ...}, [("steps[4].config.splits[0].percentage", "missing")]),
        ({"steps/4/config/splits/0/percentage": 40}, [("steps[4].config.splits", "percentage")]),
        ({"steps/4/config/splits/1/nextStepId": "z"}, [("steps[4].config.splits[1].nextStepId", "dangling")]),
        ({"steps/5/config/updates/0/action": "ad"}, [("steps[5].config.updates[0].action", "action")]),
        ({"steps/5/config/updates": []}, [("steps[5].config.updates", "update")]),
        ({"steps/6/nextStepId": "a"}, [("steps[6].nextStepId", "pointer")]),
        ({"steps/6/config": {"outcome": "x"}}, [("steps[6].config.outcome", "unknown-key")]),
        ({"steps/7/config/rules/0/operator": "is"}, [("steps[7].config.rules[0].operator", "operator")]),
        ({"steps/7/config/rules/0/field": "message.b.opened"}, [("steps[7].config.rules", "reference")]),
        ({"steps/5/nextStepId": "e"}, [("steps[5]", "zero-time-cycle")]),
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_is_told_with_its_place(places, expected):
    """R13: each fault has its code, and its place in the words of the platform's file; nothing follows from it."""
    assert faults(changed(places)) == expected


def test_all_faults_are_told_at_once():
    """R13: faults of the file, of single parts and of the graph, in one answer."""
    places = {
        "steps/1/config/chanel": "EMAIL",
        "steps/2/config/duration": 3,
        "steps/3/config/rules/0/operator": "qe",
        "steps/3/nextStepNoId": "ee",
        "steps/4/config/splits/0/percentage": 40,
        "timezone": "Mars",
    }
    with pytest.raises(InvalidJourney) as caught:
        read(changed(places))
    text = str(caught.value)
    assert text.startswith("journey 'j' has 6 problems:")
    assert "steps[1].config.chanel: unknown key 'chanel' (did you mean 'channel'?)" in text
    assert "steps[3].config.rules[0].operator: step 'c': unknown operator 'qe'" in text
    assert "steps[3].nextStepNoId: step 'c' continues at unknown step 'ee'" in text


def test_what_may_follow_from_an_unreadable_step_is_not_told():
    """R13: with a step of unknown type, a message of it may be fine, and so may a loop through it."""
    about = {"steps/7/config/rules/0/field": "message.a.opened", "steps/1/type": "SEDN"}
    assert faults(changed(about)) == [("steps[1].type", "kind")]
    unnamed = {"steps/2/id": 3}
    assert faults(changed(unnamed)) == [("steps[2].id", "type")]


@pytest.mark.parametrize("value", [None, [], "journey", 3])
def test_what_is_no_object_is_no_journey(value):
    """R13: anything but an object is one fault."""
    assert faults(value) == [("", "type")]


def test_deep_nesting_is_refused():
    """R13: no input takes the interpreter's stack away."""
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    assert faults(document(step("UPDATE", "u", {"updates": [{"field": "x", "action": "set", "value": deep}]}))) == [
        ("", "depth")
    ]
