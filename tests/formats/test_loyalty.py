"""The dialect of the loyalty platform: what it reads, what it refuses and where, what either side cannot say."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Condition,
    Duration,
    End,
    Event,
    Exit,
    Goal,
    InvalidJourney,
    Journey,
    Pull,
    Reentry,
    Retry,
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
    problems,
    tag,
)
from journeyflow.definition.rules.conditions import AllOf
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.definition.steps import KINDS, WAIT_FORMS, Step
from journeyflow.formats.loyalty import rows, writing
from journeyflow.formats.loyalty.keys import RECORDED, read_duration
from journeyflow.formats.loyalty.reading import read
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.native import dumps_journey, to_dict
from journeyflow.formats.port import PLAIN
from journeyflow.formats.registry import is_draft, loads_any, recognise
from journeyflow.testing.strategies import journeys
from tests.samples import START, after, open_engine

pytestmark = pytest.mark.unmeasured

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "loyalty").glob("*.json"))


def document(*steps, **keys):
    """Give a small journey of the platform."""
    return {"id": "j", "triggerType": "joined", "steps": list(steps), **keys}


def step(of, name, config=None, **keys):
    """Give a step of the platform."""
    return {"id": name, "type": of, **({} if config is None else {"config": config}), **keys}


def rule(name="plan", operator="eq", value="paid"):
    """Give a condition of the platform."""
    return {"field": name, "operator": operator, "value": value}


SEND = {"channel": "EMAIL", "templateId": "hello"}
TIER = {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]}


def at(journey: Journey, name: str) -> Any:
    """Give a step of whatever kind."""
    return journey.step(name)


def faults(value):
    """Read what is refused, and give each fault as its place and its code."""
    with pytest.raises(InvalidJourney) as caught:
        read(value)
    return [(each.path, each.code) for each in caught.value.problems]


# --- golden files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
@pytest.mark.rows(49, 60, 61, 67, 72, 77, 81, 82, 83, 84)
def test_documents_of_the_platform_are_read_and_written(path):
    """F49, F60, F61, F66 to F84: the examples of the platform, put together; what is lost; what is written back."""
    golden = json.loads(path.read_text(encoding="utf-8"))
    journey, losses = read(golden["given"])
    assert to_dict(journey) == golden["native"]
    assert [str(loss) for loss in losses] == golden["losses"]
    assert write(journey) == (golden["written"], [])
    assert read(golden["written"])[0] == journey


def test_there_are_golden_files():
    """Control: the examples were found, and one is written exactly as it was given, but for what is recorded."""
    assert {path.stem for path in GOLDEN} >= {"onboarding", "step-types", "written-order", "open-ends"}
    golden = json.loads(next(path for path in GOLDEN if path.stem == "onboarding").read_text(encoding="utf-8"))
    kept = {key: value for key, value in golden["given"].items() if key not in {*RECORDED, "status"}}
    assert golden["written"] == kept


# --- where people go --------------------------------------------------------------------------------------------------


@pytest.mark.rows(60)
def test_without_any_pointer_the_written_order_counts():
    """R40, F60: a step goes on at the one after it, the last one ends."""
    condition = step("CONDITION", "b", {"rules": [rule()]})
    journey, _ = read(document(step("SEND", "a", SEND), condition, step("WAIT", "c", {"duration": "1 day"})))
    assert [at(journey, "a").next, at(journey, "b").otherwise, at(journey, "c").next] == ["b", "c", "end"]
    assert at(journey, "b").branches[0].next == "c"


@pytest.mark.rows(60)
def test_with_a_pointer_an_absent_one_is_the_end():
    """R40, F60: null and absent are the same, and nobody falls through to the step below."""
    wait = step("WAIT", "c", {"duration": "1 day"})
    journey, _ = read(document(step("SEND", "a", SEND, nextStepId="c"), step("SEND", "b", SEND, nextStepId=None), wait))
    assert [at(journey, name).next for name in "abc"] == ["c", "end", "end"]


@pytest.mark.rows(61, 81)
def test_a_choice_without_pointer_takes_its_next():
    """F61, F81: `nextStepId` of a CONDITION or SPLIT is for people to whom no other pointer applies."""
    condition = step("CONDITION", "a", {"rules": [rule()]}, nextStepYesId="b", nextStepId="c")
    split = step("SPLIT", "b", {"splits": [{"percentage": 60}, {"percentage": 40, "nextStepId": "d"}]}, nextStepId="c")
    journey, _ = read(document(condition, split, step("END", "c"), step("END", "d")))
    assert at(journey, "a").otherwise == "c"
    assert [each.next for each in at(journey, "b").arms] == ["c", "d"]
    assert read(write(journey)[0])[0] == journey


@pytest.mark.rows(49, 84)
def test_the_journey_begins_where_its_trigger_points():
    """F49, F84: the first step is the one the TRIGGER names, else the only one that leads to all others."""
    steps = step("SEND", "a", SEND), step("SEND", "b", SEND, nextStepId="a")
    begun, _ = read(document(*steps, step("TRIGGER", "t", nextStepId="b")))
    assert [each.id for each in begun.steps] == ["b", "a", "end"]
    plain, _ = read(document(step("TRIGGER", "t"), *steps))
    assert plain.steps[0].id == "b"
    loop, _ = read(
        document(step("SEND", "a", SEND, nextStepId="b"), step("WAIT", "b", {"duration": "1 week"}, nextStepId="a"))
    )
    assert loop.steps[0].id == "a"
    parted, losses = read(document(*steps, step("SEND", "c", SEND, nextStepId="a")))
    assert parted.steps[0].id == "a"
    assert [(each.path, each.sentence) for each in losses] == [
        ("steps[1]", "no path leads to step 'b'; nobody will be there"),
        ("steps[2]", "no path leads to step 'c'; nobody will be there"),
    ]


@pytest.mark.rows(52, 51)
def test_numbers_are_the_order_where_every_step_has_one():
    """F52: whatever the order of the file; places of faults are those in the file."""
    steps = [
        step("END", "c", stepNumber=3),
        step("SEND", "a", SEND, stepNumber=1),
        step("SEND", "b", SEND, stepNumber=2),
    ]
    journey, losses = read(document(*steps))
    assert ([each.id for each in journey.steps], losses) == (["a", "b", "c"], [])
    steps[2] = step("SEND", "b", {"channel": "E.MAIL", "templateId": "t"}, stepNumber=2)
    assert faults(document(*steps)) == [("steps[2].config.channel", "channel")]
    steps[2] = step("SEND", "b", SEND, stepNumber=3)
    assert faults(document(*steps)) == [("steps[2].stepNumber", "step-number")]
    steps[2] = step("SEND", "b", SEND)
    assert faults(document(*steps)) == [("steps[1].stepNumber", "step-number")]


JOINED = document(step("SEND", "a", SEND))


@pytest.mark.rows(86)
@pytest.mark.parametrize(
    "given",
    [
        {"data": JOINED},
        {"data": [JOINED], "meta": {"total": 1}},
        [JOINED],
        {"journey": JOINED},
        {"data": {"journey": JOINED}},
        {**JOINED, "steps": {"data": JOINED["steps"]}},
    ],
)
def test_answers_of_the_platform_are_read_as_they_come(given):
    """A journey within an answer, in a list of one, or with its steps as they are listed."""
    assert recognise(given) == "loyalty"
    assert read(given) == read(JOINED)
    assert loads_any(json.dumps(given))[0] == read(JOINED)[0]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([JOINED, JOINED], "these are 2 journeys; write each into a file of its own"),
        ({"data": [JOINED, JOINED]}, "these are 2 journeys; write each into a file of its own"),
        (
            {"data": JOINED["steps"]},
            'these are steps alone; put them under "steps" of a journey with "id" and "triggerType"',
        ),
    ],
)
def test_what_is_not_one_journey_is_refused_with_the_way_out(given, sentence):
    """Several journeys, or none."""
    assert recognise(given) == "loyalty"
    with pytest.raises(InvalidJourney) as caught:
        read(given)
    assert [(each.code, each.path, each.message) for each in caught.value.problems] == [("many", "", sentence)]


@pytest.mark.parametrize("wrong", [[], {"data": []}, [7], {"data": 7}, 7])
def test_what_is_no_answer_of_the_platform_is_no_known_dialect(wrong):
    """An empty list holds no journey."""
    with pytest.raises(InvalidJourney, match="expected an object"):
        recognise(wrong)


def test_what_the_platform_records_of_a_step_is_lost_and_no_fault():
    """Once for each key, with how many steps have it."""
    recorded = {"journeyId": "j", "createdAt": "2025-11-01T00:00:00Z"}
    steps = [step("SEND", "a", SEND, nextStepId="b", **recorded), step("END", "b", journeyId="j", totalCompleted=7)]
    journey, losses = read(document(*steps, _count={"steps": 2}))
    assert [each.id for each in journey.steps] == ["a", "b"]
    assert [str(each) for each in losses] == [
        "_count: is no part of a definition",
        "steps[0].journeyId: is no part of a definition, here and in 1 more",
        "steps[0].createdAt: is no part of a definition",
        "steps[1].totalCompleted: is no part of a definition",
    ]


@pytest.mark.rows(11)
@pytest.mark.parametrize("status", ["DRAFT", "PAUSED", "ARCHIVED"])
def test_a_journey_that_does_not_run_there_is_a_draft(status):
    """F11: deploy does not activate it; the loss says so."""
    text = json.dumps(document(step("SEND", "a", SEND), status=status))
    assert is_draft(text)
    assert is_draft(json.dumps({"data": [json.loads(text)]}))
    assert not is_draft(json.dumps(JOINED))
    assert not is_draft(json.dumps({**JOINED, "status": "ACTIVE"}))
    assert not is_draft(dumps_journey(read(JOINED)[0]))
    losses = [str(each) for each in loads_any(text)[1]]
    assert losses == [f"status: the state of a journey is the engine's; deploy leaves one that is {status} a draft"]


@pytest.mark.rows(52, 84)
def test_a_made_up_id_does_not_count_the_trigger():
    """F52, F84: steps without id are numbered as the platform numbers them."""
    journey, losses = read(document({"type": "TRIGGER"}, {"type": "SEND", "config": SEND}, {"type": "END"}))
    assert [each.id for each in journey.steps] == ["step_1", "step_2"]
    assert [loss.path for loss in losses] == ["steps[1].id", "steps[2].id"]


# --- the entry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "config"),
    [
        ({"triggerConfig": {"conditions": [TIER]}}, None),
        ({}, {"conditions": [TIER]}),
        ({"triggerConfig": {"conditions": [TIER]}}, {"eventType": "joined", "conditions": [TIER]}),
        ({"triggerType": None, "triggerConfig": {"conditions": [TIER]}}, {"eventType": "joined"}),
    ],
)
@pytest.mark.rows(44, 49)
def test_the_entry_is_said_once_or_twice_the_same(keys, config):
    """F44, F49: the journey, its TRIGGER, both, or each a part."""
    journey, _ = read(document(step("TRIGGER", "t", config), step("END", "done"), **keys))
    assert journey.trigger == Trigger("joined", where=field("membershipTier").in_(["Gold", "Platinum"]))


@pytest.mark.rows(49)
def test_two_definitions_of_the_entry_are_a_fault():
    """F49: nobody guesses which one counts; no conditions and some are two things."""
    config = {"eventType": "left", "conditions": []}
    said = document(step("TRIGGER", "t", config), triggerConfig={"conditions": [TIER]})
    assert faults(said) == [
        ("steps[0].config.eventType", "trigger"),
        ("steps[0].config.conditions", "trigger"),
    ]


@pytest.mark.rows(44, 80)
def test_several_conditions_of_a_trigger_must_all_hold():
    """F44: AND is implied."""
    conditions = [TIER, rule()]
    journey, _ = read(document(triggerConfig={"conditions": conditions}))
    assert isinstance(journey.trigger.where, AllOf)
    assert write(journey)[0]["triggerConfig"] == {"conditions": conditions}


@pytest.mark.rows(77, 80)
@pytest.mark.parametrize(
    ("said", "many"), [({}, all_of), ({"combinator": "AND"}, all_of), ({"combinator": "OR"}, any_of)]
)
def test_rules_are_joined_by_and_unless_the_condition_says_or(said, many):
    """F77, F80: without a combinator all of them must hold."""
    journey, losses = read(document(step("CONDITION", "c", {**said, "rules": [rule(), rule("a", "gt", 1)]})))
    assert at(journey, "c").branches[0].when == many(field("plan").eq("paid"), field("a").gt(1))
    assert losses == []


@pytest.mark.rows(2)
def test_a_journey_without_id_is_named_after_its_name():
    """F2: what the platform would have numbered gets a readable id, and that is said."""
    journey, losses = read(document(id=None, name="Grüße, Member!"))
    assert journey.id == "grüße-member"
    assert [str(loss) for loss in losses] == ["id: absent; the journey is named 'grüße-member' after its name"]


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "native"),
    [("30 minutes", "30 minutes"), ("1 hour", "1 hour"), ("48 hours", "48 hours"), ("3 days", "3 days"),
     ("1 week", "7 days"), ("2 weeks", "14 days")],
)  # fmt: skip
@pytest.mark.rows(67)
def test_durations_are_read_and_written(text, native):
    """F67: the four units of the platform, singular and plural."""
    duration = read_duration(text)
    assert duration == Duration.parse(native)
    assert writing.write_duration(duration) == text


@pytest.mark.parametrize(
    "text",
    ["", "3", "days", "3 dayz", "1 month", "45 seconds", "P3D", "1.5 hours", "-1 day", " 3 days", "1 day 2 hours", 3],
)
def test_other_durations_are_refused(text):
    """F67: only the supported formats; the sentence shows them."""
    with pytest.raises(ValueError, match="such as '30 minutes', '2 hours', '3 days' or '1 week'"):
        read_duration(text)


@pytest.mark.parametrize("text", ["1 month", "45 seconds", "1 day 2 hours", "0.5 seconds", "90 seconds"])
def test_durations_that_the_platform_does_not_know_are_a_loss(text):
    """F67: what cannot be said is left out, not rounded."""
    written, losses = write(Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", text)]))
    assert written["steps"][0]["config"] == {}
    assert [loss.path for loss in losses] == ["steps[0].duration"]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.rows(78)
@pytest.mark.regex
def test_every_operator_goes_there_and_back(name):
    """F78: the platform shows four operators; all of the native file are written and read."""
    values = {"in": ["a"], "notIn": ["a"], "between": [1, 2], "isNull": None, "isNotNull": None,
              "before": "2026-01-01", "after": "2026-01-01",
              "withinLast": "30 days", "withinNext": "30 days"}  # fmt: skip
    condition = {"field": "x", "operator": name, "value": values.get(name, "a")}
    journey, losses = read(
        document(step("CONDITION", "c", {"rules": [condition]}, nextStepYesId="d"), step("END", "d"))
    )
    assert losses == []
    kept = {key: value for key, value in condition.items() if value is not None}
    assert write(journey)[0]["steps"][0]["config"] == {"rules": [kept]}


@pytest.mark.rows(79)
def test_a_field_that_any_message_sets_is_noted():
    """F79: lastEmailOpenAt is kept, as an attribute, wherever it is read."""
    opened = {"field": "lastEmailOpenAt", "operator": "isNotNull"}
    rules = step("CONDITION", "c", {"rules": [rule(), opened]})
    journey, losses = read(document(rules, triggerConfig={"conditions": [opened]}))
    assert journey.trigger.where == field("lastEmailOpenAt").is_not_null()
    assert [loss.path for loss in losses] == ["triggerConfig.conditions[0].field", "steps[0].config.rules[1].field"]


def test_what_the_platform_records_is_lost_and_said():
    """F11 to F14, F18: totals, instants and the state are no part of a definition."""
    recorded = dict.fromkeys(RECORDED, 1)
    journey, losses = read(document(step("END", "done"), status="PAUSED", **recorded))
    assert journey == read(document(step("END", "done")))[0]
    assert [loss.path for loss in losses] == [*recorded, "status"]


def test_what_only_the_host_understands_is_kept_with_the_journey():
    """F14: who made it, and the source of its events, wherever it is said; nothing here asks for it."""
    given = document(step("END", "done"), createdBy="user_123", triggerConfig={"source": "pos"})
    journey, losses = read(given)
    assert journey.meta == {"loyalty": {"createdBy": "user_123", "source": "pos"}}
    assert [str(loss) for loss in losses] == [
        "createdBy: kept in meta: nothing here asks for it",
        "triggerConfig.source: kept in meta: nothing here asks for it",
    ]
    written, lost = write(journey)
    assert (written["createdBy"], written["triggerConfig"], lost) == ("user_123", {"source": "pos"}, [])
    trigger = step("TRIGGER", "t", {"eventType": "joined", "source": "pos"}, nextStepId="done")
    again, losses = read(document(trigger, step("END", "done")))
    assert again.meta == {"loyalty": {"source": "pos"}}
    assert [loss.path for loss in losses] == ["steps[0].config.source", "steps[0]"]


@pytest.mark.rows(45)
def test_a_journey_for_a_segment_asks_whether_the_customer_is_in_it():
    """The segments of a customer are an attribute, as in journeys of Octeth; that is said."""
    journey, losses = read(document(step("END", "done"), segmentId="vip"))
    assert journey.run_criteria == field("segments").contains("vip")
    assert [str(loss) for loss in losses] == [
        "segmentId: read as members of 'vip' in the attribute 'segments', which the host keeps"
    ]
    assert write(journey)[0]["segmentId"] == "vip"
    assert read(document(step("END", "done"), segmentId=None))[0].run_criteria is None


EXITS: list[tuple[Any, list[Exit]]] = [
    ([rule()], [Exit("exit_1", when=field("plan").eq("paid"))]),
    (
        [rule(), {"combinator": "AND", "rules": [rule("a", "gt", 1), rule("b", "eq", 2)]}],
        [Exit("exit_1", when=field("plan").eq("paid")), Exit("exit_2", when=field("a").gt(1) & field("b").eq(2))],
    ),
    (
        {"combinator": "OR", "rules": [rule("a", "gt", 1), rule("b", "eq", 2)]},
        [Exit("exit_1", when=any_of(field("a").gt(1), field("b").eq(2)))],
    ),
    ([{"eventType": "left"}], [Exit("exit_1", event="left")]),
    (
        [{"eventType": "bought", "conditions": [rule("amount", "gte", 5)]}],
        [Exit("exit_1", event="bought", where=field("amount").gte(5))],
    ),
    ([], []),
    (None, []),
]


@pytest.mark.parametrize(("given", "exits"), EXITS, ids=str)
def test_exit_conditions_are_exits(given, exits):
    """R42: who matches one of them leaves, and so does everybody at an event; nothing is lost either way."""
    journey, losses = read(document(step("END", "done"), exitConditions=given))
    assert (list(journey.exits), losses) == (exits, [])
    written, lost = write(journey)
    assert lost == []
    assert written.get("exitConditions") == ((given if isinstance(given, list) else [given]) if given else None)
    assert read(written) == (journey, [])


def test_who_matches_an_exit_condition_leaves():
    """R42: as soon as it is true, or the event comes."""
    conditions = [rule(), {"eventType": "left"}]
    journey, _ = read(document(step("WAIT", "rest", {"duration": "9 days"}), exitConditions=conditions))
    with open_engine("memory") as engine:
        engine.deploy(journey, at=START)
        engine.feed([Event("joined", customer=name, at=START) for name in ("ann", "bob", "cat")])
        engine.put_customer("ann", {"plan": "paid"}, at=after("1 day"))
        engine.feed(Event("left", customer="bob", at=after("1 day")))
        engine.tick(after("2 days"))
        found = {each.customer: (each.status, each.reason) for each in engine.enrollments("j")}
    assert found == {"ann": ("EXITED", "exit_1"), "bob": ("EXITED", "exit_2"), "cat": ("ACTIVE", "")}


@pytest.mark.rows(21)
def test_a_document_without_steps_is_a_draft():
    """F21: the body that creates a journey has no steps yet."""
    journey, losses = read({"id": "j", "tenantId": "t", "name": "J", "triggerType": "joined", "allowReentry": True})
    assert losses == []
    assert [each.code for each in problems(journey)] == ["no-steps"]
    assert (journey.tenant, journey.name, journey.reentry, journey.timezone) == ("t", "J", Reentry("always"), "UTC")


# --- faults -----------------------------------------------------------------------------------------------------------

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


# --- losses of writing ------------------------------------------------------------------------------------------------

DONE = End("done")


def lost(*steps, **options):
    """Write a journey and give the places of what was lost."""
    written, losses = write(Journey(id="j", steps=[*steps, DONE], **{"trigger": Trigger("go"), **options}))
    json.dumps(written)
    return [loss.path for loss in losses]


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({"trigger": Trigger(manual=True)}, ["trigger.manual"]),
        ({"trigger": Trigger("go", where=any_of(field("a").eq(1), field("b").eq(1)))}, ["trigger.where"]),
        ({"trigger": Trigger("go", where=field("a").eq(1) & field("event.b").eq(2))}, ["trigger.where.all[1].field"]),
        ({"trigger": Trigger(pull=Pull("1 day"))}, ["trigger.pull"]),
        ({"reentry": Reentry.after("90 days")}, ["reentry"]),
        ({"reentry": "restart"}, ["reentry"]),
        ({"reentry": Reentry("always", key="event.order")}, ["reentry.key"]),
        ({"notes": "n", "customer_timezone": True}, ["notes", "customer_timezone"]),
        ({"run_criteria": field("a").eq(1), "max_visits": 5}, ["max_visits", "run_criteria"]),
        ({"exits": [Exit("x", event="y")], "goal": Goal("y")}, ["goal", "exits[0].name"]),
        ({"exits": [Exit("exit_1", event="y", any_message=True)]}, ["exits[0].any_message"]),
        ({"exits": [Exit("exit_1", event="y", where=any_of(field("a").eq(1), field("b").eq(1)))]}, ["exits[0].where"]),
        ({"exits": [Exit("exit_1", when=not_(field("a").eq(1)))]}, ["exits[0].when"]),
        ({"run_criteria": field("segments").contains("a") & field("b").eq(1)}, ["run_criteria"]),
        ({"meta": {"mine": 7}}, ["meta"]),
        ({"meta": {"loyalty": {"createdBy": "u", "mine": 7}}}, ["meta"]),
        ({"meta": {"loyalty": 7}}, ["meta"]),
        ({"consent": "required"}, ["consent"]),
    ],
)
def test_what_a_journey_of_the_platform_cannot_say(options, places):
    """Each option that the platform has no word for is named."""
    assert lost(Send("s", channel="E", template="t"), **options) == places


@pytest.mark.parametrize(
    ("given", "places"),
    [
        (Send("s", channel="E", template="t", data={"a": 1}, window=Window("MON"), notes="n"),
         ["data", "window", "notes"]),
        (Send("s", channel="E", template="t", transactional=True, cancel_on_exit=False, expires="1 day"),
         ["transactional", "cancel_on_exit", "expires"]),
        (Send("s", channel="E", template="t", retry=Retry(["1 minute"])), ["retry"]),
        (Wait("w", "1 day", window=Window("MON"), any_message=True), ["any_message", "window"]),
        (Wait("w", until="09:00"), ["until"]),
        (Wait("w", at="2026-01-01T00:00:00Z"), ["at"]),
        (Wait("w", field="day", offset="1 day", every="year", on_missing="done", on_past="done"),
         ["field", "offset", "every", "on_missing", "on_past"]),
        (Wait("w", when=field("a").eq(1)), ["when"]),
        (Wait("w", event="x", where=field("a").eq(1), timeout="1 day", on_event="done", on_timeout="done"),
         ["event", "where", "timeout", "on_event", "on_timeout"]),
        (Condition("c", branches=[branch(field("a").eq(1)), branch(field("a").eq(2))]), ["branches"]),
        (Condition("c", branches=[branch(field("a").eq(1), label="so")]), ["branches[0].label"]),
        (Condition("c", not_(field("a").eq(1))), ["branches[0].when"]),
        (Condition("c", field("a").eq(field("b"))), ["branches[0].when"]),
        (Condition("c", all_of()), ["branches[0].when"]),
        (Condition("c", all_of(field("a").eq(1), any_of(field("b").eq(1)))), ["branches[0].when"]),
        (Condition("c", field("trigger.a").eq(1)), ["branches[0].when.field"]),
        (Split("s", arm(50, label="B"), arm(50, label="A")), ["arms[0].label", "arms[1].label"]),
        (Update("u", tag.add("{{ plan }}"), field("a").set(1)), ["changes[0].value"]),
        (End("e", "good", notes="n"), ["outcome", "notes"]),
    ],
)  # fmt: skip
def test_what_a_step_of_the_platform_cannot_say(given, places):
    """Each option of a step that the platform has no word for is named with its place."""
    assert lost(given) == [f"steps[0].{place}" for place in places]


def test_a_step_whose_meaning_is_lost_is_refused_when_read():
    """A document that would do something else does not pass for the journey."""
    two = Condition("c", branches=[branch(field("a").eq(1)), branch(field("a").eq(2))])
    one = Condition("d", not_(field("a").eq(1)), yes="done")
    written, _ = write(Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", event="x"), two, one, DONE]))
    assert written["steps"][2]["nextStepYesId"] == "done"
    assert faults(written) == [
        ("steps[0].config.duration", "missing"),
        ("steps[1].config.rules", "missing"),
        ("steps[2].config.rules", "missing"),
    ]


def test_a_group_of_one_rule_is_that_rule():
    """Both mean the same, so nothing is lost."""
    journey = Journey(id="j", trigger=Trigger("go"), steps=[Condition("c", any_of(field("a").eq(1)))])
    written, losses = write(journey)
    assert losses == []
    assert written["steps"][0]["config"] == {"rules": [{"field": "a", "operator": "eq", "value": 1}]}


def test_every_option_is_said_or_has_a_reason():
    """A new option of a step or a journey cannot be forgotten here."""
    for of in KINDS.values():
        assert {each.name for each in fields(of)} <= {*writing._STEP_SAYS, *writing._WHY}
    assert {each.name for each in fields(Journey)} <= {*writing._JOURNEY_SAYS, *writing._WHY}
    assert set(PLAIN) == {Journey, *KINDS.values()}
    assert set(writing._WRITE) == set(KINDS)
    assert set(rows._MAKE) == {of.upper() for of in KINDS}
    assert set(WAIT_FORMS) <= {"duration", *writing._WHY}


# --- round trips ------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
COMPARISONS = st.builds(
    lambda name, value: field(name).eq(value),
    st.sampled_from(("plan", "address.city", "a b")),
    st.integers(0, 3) | st.booleans() | NAMES | st.sampled_from((1.5, "{{ x }}")),
) | st.sampled_from((field("a").is_null(), field("tier").in_(["Gold", 1]), field("a").between(1, 2)))
GROUPS = st.lists(COMPARISONS, min_size=2, max_size=3)
LEAVING = st.builds(
    lambda when: Exit("-", when=when), COMPARISONS | GROUPS.map(lambda some: any_of(*some))
) | st.builds(lambda where: Exit("-", event="left", where=where), st.none() | GROUPS.map(lambda some: all_of(*some)))
LENGTHS = st.builds(
    lambda count, unit: f"{count} {unit}", st.integers(1, 100), st.sampled_from(("minutes", "hours", "days", "weeks"))
)
CHANGES = st.sampled_from(
    (
        tag.add("x"),
        field("a").set({"b": [1, None]}),
        field("a.b").unset(),
        field("n").increment(2),
        field("l").append(""),
    )
)


@st.composite
def sayable(draw):
    """Draw journeys that the platform can say."""
    count = draw(st.integers(0, 6))
    ids = [f"s{number}" for number in range(count)]
    steps: list[Step] = []
    for number, name in enumerate(ids):
        ahead = st.none() | st.sampled_from([None, *ids[number + 1 :]])
        named = {"name": draw(NAMES)}
        of = draw(st.sampled_from(("send", "wait", "condition", "split", "update", "end")))
        if of == "send":
            steps.append(Send(name, channel=draw(st.sampled_from(("E", "S"))), template="t", next=draw(ahead), **named))
        elif of == "wait":
            steps.append(Wait(name, draw(LENGTHS), next=draw(st.sampled_from([None, *ids])), **named))
        elif of == "condition":
            when = draw(COMPARISONS | GROUPS.map(lambda some: all_of(*some)) | GROUPS.map(lambda some: any_of(*some)))
            steps.append(Condition(name, when, yes=draw(ahead), no=draw(ahead), next=draw(ahead), **named))
        elif of == "split":
            shares = draw(st.sampled_from(((100,), (50, 50), (12.34, 0, 87.66))))
            steps.append(Split(name, *(arm(share, draw(ahead)) for share in shares), next=draw(ahead), **named))
        elif of == "update":
            steps.append(Update(name, *draw(st.lists(CHANGES, min_size=1, max_size=2)), next=draw(ahead), **named))
        else:
            steps.append(End(name, **named))
    where = draw(st.none() | COMPARISONS | GROUPS.map(lambda some: all_of(*some)))
    exits = draw(st.lists(LEAVING, max_size=2))
    kept = draw(st.dictionaries(st.sampled_from(("createdBy", "source")), NAMES, max_size=2))
    return Journey(
        run_criteria=draw(st.none() | st.just(field("segments").contains("vip"))),
        exits=[evolve(each, name=f"exit_{number}") for number, each in enumerate(exits, 1)],
        meta={"loyalty": kept} if kept else {},
        id="j",
        steps=steps,
        trigger=Trigger("scl.member.created", where=where),
        tenant=draw(st.none() | st.just("t")),
        name=draw(NAMES),
        description=draw(NAMES),
        timezone=draw(st.sampled_from(("UTC", "Africa/Johannesburg"))),
        reentry=draw(st.sampled_from(("never", "always"))),
    )


@given(sayable())
def test_what_the_platform_can_say_goes_there_and_back(journey):
    """Written, kept as text and read: the same journey, nothing lost either way."""
    written, losses = write(journey)
    assert losses == []
    text = json.dumps(written)
    again, lost = read(json.loads(text))
    noted = ("no path leads", "kept in meta", "which the host keeps")
    assert (again, [each for each in lost if not any(word in each.sentence for word in noted)]) == (journey, [])
    assert write(read(written)[0]) == (written, [])


@given(journeys())
def test_any_journey_can_be_written(journey):
    """Whatever cannot be said is listed with a place that the native file has; with nothing lost, nothing changed."""
    written, losses = write(journey)
    json.dumps(written)
    assert len(written["steps"]) == len(journey.steps)
    for loss in losses:
        name, number = loss.path.partition("[")[::2]
        assert hasattr(journey, name.partition(".")[0])
        listed = {"steps": journey.steps, "exits": journey.exits}.get(name)
        assert not listed or not number or int(number.partition("]")[0]) < len(listed)
    if not losses:
        assert read(written)[0] == journey


LEAVES = st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(("", "a", "f", "END", "1 day", "eq", 1.5))
KEYS = st.sampled_from(("id", "field", "type"))
JUNK = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(KEYS, LEAVES, max_size=2)


def places_of(value, way=()):
    """List every place in a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*way, key)
        yield from places_of(inner, (*way, key))


def put(value, way, new):
    """Set a value at a place; `...` takes it away, what is not there any more stays away."""
    if not way:
        return new
    key, *rest = way
    if isinstance(value, dict):
        inner = put(value.get(key), rest, new)
        return {name: inner if name == key else old for name, old in value.items() if (name, inner) != (key, ...)}
    if isinstance(value, list):
        return [put(old, rest, new) if place == key else old for place, old in enumerate(value)]
    return value


@given(st.lists(st.tuples(st.sampled_from(list(places_of(WHOLE))), JUNK | st.just(...)), min_size=1, max_size=3))
def test_any_document_is_read_or_refused(changes):
    """R13: whatever stands anywhere, the answer is a journey, or problems with places in the platform's words."""
    value = WHOLE
    for way, new in changes:
        value = put(value, way, None if new is ... and isinstance(way[-1], int) else new)
    try:
        journey, _ = read(value)
    except InvalidJourney as error:
        places = {each.path for each in error.problems}
    else:
        places = set()
        assert read(write(journey)[0])[0] == journey
    native = (".branches", ".arms", ".changes", ".template", ".op", ".next", "trigger.", "tenant.")
    assert not [place for place in places if place.endswith(native) or ".when" in place or place == "trigger"]
