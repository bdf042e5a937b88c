"""The dialect of the loyalty platform: what it reads, what it refuses and where, what either side cannot say."""

import json
from pathlib import Path
from typing import Any

import pytest

from journeyflow import (
    Duration,
    Event,
    Exit,
    InvalidJourney,
    Journey,
    Reentry,
    Trigger,
    Wait,
    all_of,
    any_of,
    field,
    problems,
)
from journeyflow.definition.rules.conditions import AllOf
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.formats.loyalty import writing
from journeyflow.formats.loyalty.keys import RECORDED, read_duration
from journeyflow.formats.loyalty.reading import read
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.native import dumps_journey, to_dict
from journeyflow.formats.registry import is_draft, loads_any, recognise
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
        "_count: is not part of a definition",
        "steps[0].journeyId: is not part of a definition, here and in 1 more",
        "steps[0].createdAt: is not part of a definition",
        "steps[1].totalCompleted: is not part of a definition",
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
    """F11 to F14, F18: totals, instants and the state are not part of a definition."""
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
