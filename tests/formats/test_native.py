"""The native journey file: what is written, what is read, what is refused and how.

`python -m tests.formats.test_native` writes the golden files anew; their diff is then the change of the format.
"""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Condition,
    Duration,
    End,
    Exit,
    Goal,
    InvalidJourney,
    Journey,
    Limits,
    Reentry,
    Send,
    Split,
    Trigger,
    Until,
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
from journeyflow.basics.values import is_blank
from journeyflow.definition.rules.chains import CHAINS, NAMING, Chain
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule, Rule
from journeyflow.definition.steps import ON_FAILURE
from journeyflow.formats.native import dumps_journey, fingerprint, to_dict
from journeyflow.formats.native_reading import from_dict, loads_journey
from journeyflow.formats.options import FORMAT

GOLDEN = Path(__file__).parents[1] / "golden"

EXAMPLE = """{
  "format": 1,
  "id": "second-purchase",
  "name": "From the first purchase to the second",
  "description": "Thanks, waits, then tests two offers",
  "tenant": "default",
  "timezone": "Africa/Johannesburg",
  "trigger": {"event": "purchase", "where": {"field": "event.amount", "op": "gte", "value": 10}},
  "reentry": {"after": "90 days"},
  "steps": [
    {"kind": "send", "id": "thanks", "channel": "EMAIL", "template": "thank_you", "data": {"subject": "Thank you"}},
    {"kind": "wait", "id": "breathe", "duration": "3 days"},
    {"kind": "wait", "id": "second", "event": "purchase", "where": {"field": "event.amount", "op": "gte", "value": 5},
     "timeout": "60 days", "next": "loyal", "on_timeout": "test"},
    {"kind": "split", "id": "test", "arms": [{"percentage": 50, "next": "offer-a", "label": "A"},
                                             {"percentage": 50, "next": "offer-b", "label": "B"}]},
    {"kind": "send", "id": "offer-a", "channel": "EMAIL", "template": "offer_a", "next": "morning"},
    {"kind": "send", "id": "offer-b", "channel": "SMS", "template": "offer_b", "next": "morning"},
    {"kind": "wait", "id": "morning", "until": {"time": "09:00", "weekdays": ["MON", "TUE", "WED", "THU", "FRI"]}},
    {"kind": "condition", "id": "tier", "branches": [
        {"when": {"all": [{"field": "purchases", "op": "gte", "value": 5}, {"not": {"field": "email", "op": "isNull"}}]}, "next": "loyal", "label": "many"},
        {"when": {"field": "trigger.amount", "op": "gt", "value": 100}, "next": "loyal"}],
     "else": "done"},
    {"kind": "update", "id": "loyal", "changes": [{"field": "tags", "action": "add", "value": "loyal"},
                                                  {"field": "purchases", "action": "increment", "value": 1}]},
    {"kind": "end", "id": "done", "outcome": "finished"}
  ]
}"""  # noqa: E501 exactly as the format's page has it

AMOUNT = field("event.amount")
JOURNEYS = {
    "club": Journey(
        id="club",
        trigger=Trigger.every(
            "1 hour",
            list="news",
            size=(10, 20),
            window=Window("MON-FRI", "09:00", "17:00"),
            times=2,
            within="30 days",
            where=field("plan").eq("trial"),
        ),
        reentry="always",
        steps=[End("done")],
    ),
    "second-purchase": Journey(
        id="second-purchase",
        name="From the first purchase to the second",
        description="Thanks, waits, then tests two offers",
        tenant="default",
        timezone="Africa/Johannesburg",
        trigger=Trigger("purchase", where=AMOUNT.gte(10)),
        reentry=Reentry.after("90 days"),
        steps=[
            Send("thanks", channel="EMAIL", template="thank_you", data={"subject": "Thank you"}),
            Wait("breathe", "3 days"),
            Wait("second", event="purchase", where=AMOUNT.gte(5), timeout="60 days", next="loyal", on_timeout="test"),
            Split(
                "test",
                arm(50, [Send("offer-a", channel="EMAIL", template="offer_a", next="morning")]),
                arm(50, [Send("offer-b", channel="SMS", template="offer_b", next="morning")]),
                next="unset",
            ),
            Wait("morning", until="MON-FRI 09:00"),
            Condition(
                "tier",
                branches=[
                    branch(field("purchases").gte(5) & ~field("email").is_null(), "loyal", "many"),
                    branch(field("trigger.amount").gt(100), "loyal"),
                ],
                otherwise="done",
            ),
            Update("loyal", tag.add("loyal"), field("purchases").increment()),
            End("done", "finished"),
            End("unset"),
        ],
    ),
    "empty-draft": Journey(id="empty-draft", steps=[]),
    "welcome": Journey(
        id="welcome",
        name="New Member Onboarding",
        trigger=Trigger("scl.member.created", where=field("membershipTier").in_(["Gold", "Platinum"])),
        timezone="Africa/Johannesburg",
        steps=[
            Send("hello", channel="EMAIL", template="welcome_email"),
            Wait("breathe", "3 days"),
            Condition(
                "opened",
                field("message.hello.opened").eq(True),
                yes=[
                    Split(
                        "test",
                        arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                        arm(50, [Send("offer", channel="EMAIL", template="offer")]),
                    ),
                ],
                no=[Send("nudge", channel="SMS", template="nudge")],
            ),
            Update("onboarded", tag.add("onboarded")),
            End("done"),
        ],
    ),
    "abandoned-cart": Journey(
        id="abandoned-cart",
        trigger=Trigger("cart.updated"),
        reentry=Reentry.restart(key="event.cart"),
        holdout=10,
        limits=Limits(per_hour=100, per_day=1_000),
        exits=[
            Exit("bought", event="order.placed", where=field("event.cart").eq(field("trigger.cart"))),
            Exit("paid", when=field("plan").eq("paid")),
        ],
        goal=Goal("order.placed", within="7 days", exit=True),
        consent="required",
        steps=[
            Wait("quiet", "1 hour"),
            Send(
                "reminder",
                channel="EMAIL",
                template="cart",
                data={"items": "{{ trigger.items }}", "footer": None, "prices": [1, 2.5, {"vat": False}]},
                window=Window("MON-SUN", "08:00", "22:00"),
                expires="2 days",
                on_failure="fail",
            ),
            Wait(
                "reply",
                event="message.clicked",
                timeout="2 days",
                on_event=[End("engaged")],
                on_timeout=[Send("coupon", channel="SMS", template="coupon", cancel_on_exit=False)],
            ),
        ],
    ),
    "birthday": Journey(
        id="birthday",
        notes="every year again",
        trigger=Trigger("member.created"),
        customer_timezone=True,
        max_visits=400,
        run_criteria=any_of(field("age").gte(18), all_of(field("country").ne("US"), not_(field("age").is_null()))),
        steps=[
            Wait("soon", field="birthday", offset="-3 days", every="year", on_missing=[End("no birthday", name="Ö")]),
            Wait("morning", until=Until("09:00:30"), window=Window("SAT,SUN", "22:00", "06:00")),
            Send("cake", channel="EMAIL", template="birthday", transactional=True, next="soon"),
        ],
    ),
    "every-option": Journey(
        id="every-option",
        meta={"owner": 7, "tags": ["a", None]},
        steps=[
            Wait("at", at="2026-12-24T09:00:00+01:00", name="Christmas Eve", notes="once", meta={"color": "red"}),
            Wait("saturday", until="SAT"),
            Wait("any", event="message.opened", any_message=True, where=field("event.x").between(1, "2")),
            Wait("past", field="trialEndsAt", on_past=[End("too late")]),
            Split("uneven", arm(33.33), arm(66.67, [], "rest"), arm(0, "one"), name="Uneven"),
            Condition("one", field("a").within_last("2 days"), name="One", notes="branch", meta={"x": 1}, next="two"),
            Condition("two", branches=[branch(AllOf(())), branch(AnyOf(()), [], "never")], otherwise=[]),
            Update(
                "all",
                field("a").set({"b": None, "c": [True, 1, 1.0, "1"]}),
                field("b").unset(),
                field("c").append("{{ trigger.c }}"),
                field("d").remove(False),
                Chain.enroll("second-purchase"),
                Chain.exit("birthday", "abandoned-cart"),
                Chain.exit_others(),
                notes="each action",
            ),
        ],
    ),
}


def reading(value: object) -> list[str]:
    """List what is wrong with a file, each problem as one line."""
    try:
        loads_journey(value if isinstance(value, str) else json.dumps(value))
    except InvalidJourney as error:
        return [str(problem) for problem in error.problems] or ["(an error without a problem)"]
    return []


def file(*steps: Any, **options: Any) -> dict[str, Any]:
    """Make the object of a valid file, but for what is said otherwise."""
    return {"format": 1, "id": "j", "trigger": {"manual": True}, "steps": list(steps) or [DONE], **options}


DONE = {"kind": "end", "id": "done"}
SEND = {"kind": "send", "id": "s", "channel": "EMAIL", "template": "t"}
RULE = {"field": "plan", "op": "eq", "value": "paid"}


# --- writing ----------------------------------------------------------------------------------------------------------


def test_the_example_of_the_format_loads_exactly_as_written():
    """The page of the format and the code agree: nothing that it shows is refused or read otherwise."""
    journey = loads_journey(EXAMPLE)
    same = JOURNEYS["second-purchase"]
    assert [step.id for step in journey.steps] == [step.id for step in same.steps if step.id != "unset"]
    assert evolve(journey, steps=[]) == evolve(same, steps=[])
    for step in journey.steps:
        assert step == (evolve_next(same.step(step.id)) if step.id == "test" else same.step(step.id))
    assert loads_journey(dumps_journey(journey)) == journey


def evolve_next(step: Any) -> Split:
    """Take away where the arms would rejoin: in the example both are named, and neither does."""
    return Split(step.id, *step.arms)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_golden_file_is_what_is_written_and_reads_back_equal(name):
    """The format is fixed: a change of a single character is seen here."""
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    assert dumps_journey(JOURNEYS[name]) + "\n" == text
    assert loads_journey(text) == JOURNEYS[name]


def test_there_is_a_journey_for_each_golden_file():
    """No file is left over."""
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(JOURNEYS)


def test_a_file_can_be_written_on_one_line():
    """Stores keep it so; it says the same."""
    text = dumps_journey(JOURNEYS["birthday"], indent=None)
    assert "\n" not in text
    assert loads_journey(text) == JOURNEYS["birthday"]


def test_null_inside_data_is_kept():
    """R39: only what a part lacks is left out; data and values are written as they are."""
    journey = loads_journey(dumps_journey(JOURNEYS["every-option"]))
    change = journey.step("all").changes[0]  # type: ignore[union-attr]  # an Update
    assert isinstance(change, Change)
    assert change.value == {"b": None, "c": (True, 1, 1.0, "1")}
    assert to_dict(journey)["steps"][-2]["changes"][0]["value"] == {"b": None, "c": [True, 1, 1.0, "1"]}


def test_decimals_are_written_as_numbers():
    """R13: percentages may come as Decimal."""
    shares: Any = (arm(Decimal(text)) for text in ("33.34", "66.66"))  # type: ignore[arg-type]  # taken all the same
    journey = Journey(id="j", steps=[Split("s", *shares)])
    assert [each["percentage"] for each in to_dict(journey)["steps"][0]["arms"]] == [33.34, 66.66]
    assert loads_journey(dumps_journey(journey)) == journey


def test_what_is_returned_belongs_to_the_caller():
    """`to_dict` gives plain lists and objects that nobody else holds."""
    journey = JOURNEYS["abandoned-cart"]
    before = dumps_journey(journey)
    written = to_dict(journey)
    written["steps"][1]["data"]["prices"].append("more")
    written["steps"][1]["data"]["items"] = ""
    assert dumps_journey(journey) == before


# --- round trip -------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1f."), min_size=1, max_size=8)
words = words.filter(lambda word: not is_blank(word))
paths = st.sampled_from(["plan", "customer.a.b", "trigger.x", "ümlaut"])
lengths = st.builds(Duration, st.integers(0, 24), st.integers(0, 400), st.integers(0, 10**13)).filter(
    lambda length: length.sign > 0
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = numbers | texts | st.booleans()
json_values = st.recursive(
    scalars | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter("{{".__ne__), inner, max_size=3),
    max_leaves=5,
)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 the bounds


@cache
def comparisons(event: str = "trigger") -> st.SearchStrategy[Rule]:
    """Draw a comparison with a fitting operand; `event` names data at hand."""
    path = paths | st.just(f"{event}.amount")
    ordered = numbers | texts
    return st.one_of(
        st.builds(FieldRule, path, st.sampled_from(["eq", "ne", "contains", "notContains"]), scalars),
        st.builds(FieldRule, path, st.sampled_from(["gt", "gte", "lt", "lte"]), ordered),
        st.builds(FieldRule, path, st.sampled_from(["in", "notIn"]), st.lists(scalars, min_size=1, max_size=3)),
        st.builds(FieldRule, path, st.just("between"), st.tuples(ordered, ordered)),
        st.builds(FieldRule, path, st.sampled_from(["startsWith", "endsWith"]), texts),
        st.builds(FieldRule, path, st.sampled_from(["matches", "notMatches"]), st.just("^a.*b$")),
        st.builds(FieldRule, path, st.sampled_from(["isNull", "isNotNull"])),
        st.builds(FieldRule, path, st.sampled_from(["before", "after"]), instants),
        st.builds(FieldRule, path, st.just("withinLast"), lengths.map(str)),
        st.builds(FieldRule, path, st.sampled_from(["eq", "gt", "in"]), value_of=path),
    )


@cache
def rules(event: str = "trigger") -> st.SearchStrategy[Rule]:
    """Draw a rule."""
    return st.recursive(
        comparisons(event),
        lambda inner: (
            st.builds(NotRule, inner)
            | st.builds(AllOf, st.lists(inner, max_size=3))
            | st.builds(AnyOf, st.lists(inner, max_size=3))
        ),
        max_leaves=4,
    )


weekdays = st.frozensets(st.integers(0, 6), min_size=1)
windows = st.builds(
    lambda days, start, length: Window(days, start, (start + length - 1) % 86_400 + 1),
    weekdays,
    st.integers(0, 86_398),
    st.integers(1, 86_399),
).map(lambda window: window)
openings = st.builds(Until, st.integers(0, 86_399), weekdays) | st.builds(
    Until, st.none(), weekdays.filter(lambda days: len(days) < 7)
)
FLAGS, MAYBE_WINDOW, MAYBE_LENGTH = st.booleans(), st.none() | windows, st.none() | lengths
changes = st.builds(Change, words, st.just("unset")) | st.builds(
    Change,
    words,
    st.sampled_from(["set", "add", "remove", "increment", "append"]),
    json_values.filter(lambda value: value is not None),
)
chains = st.builds(Chain, st.sampled_from(sorted(NAMING)), st.lists(words, min_size=1, max_size=3)) | st.builds(
    Chain, st.sampled_from(sorted(set(CHAINS) - NAMING))
)


@cache
def steps(name: str, ahead: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Draw a step that goes on only to those ahead, so that no cycle arises."""
    to = st.none() | st.sampled_from(ahead) if ahead else st.none()
    said = {"name": texts, "notes": texts}
    onward = {**said, "next": to}
    waits = {**onward, "window": MAYBE_WINDOW}
    this = st.just(name)
    both = st.lists(st.builds(branch, rules(), to), min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            Send,
            this,
            channel=words,
            template=words,
            data=st.dictionaries(texts, json_values, max_size=2),
            window=MAYBE_WINDOW,
            transactional=FLAGS,
            cancel_on_exit=FLAGS,
            expires=MAYBE_LENGTH,
            on_failure=st.sampled_from(ON_FAILURE),
            **onward,
        ),
        st.builds(Wait, this, lengths, **waits),
        st.builds(Wait, this, until=openings, **waits),
        st.builds(Wait, this, at=instants, **waits),
        st.builds(Wait, this, field=words, offset=MAYBE_LENGTH, on_missing=to, on_past=to, **waits),
        st.builds(Wait, this, field=words, every=st.just("year"), **waits),
        st.builds(Wait, this, event=words, where=rules("event"), any_message=FLAGS, on_event=to, **waits),
        st.builds(Wait, this, event=words, timeout=lengths, on_event=to, on_timeout=to, **waits),
        st.builds(
            lambda ways, other, **rest: Condition(name, branches=ways, otherwise=other, **rest), both, to, **onward
        ),
        st.builds(
            lambda share, a, b, **rest: Split(
                name, arm(share / 100, a, "left"), arm((10_000 - share) / 100, b), **rest
            ),
            st.integers(0, 10_000),
            to,
            to,
            **onward,
        ),
        st.builds(
            lambda parts, **rest: Update(name, *parts, **rest),
            st.lists(changes | chains, min_size=1, max_size=3),
            **onward,
        ),
        st.builds(End, this, texts, **said),
    )


COUNTS = st.integers(0, 2**63 - 1)
MAYBE_KEY = st.sampled_from([None, "event.cart", "event.a.b"])
EXITS = st.fixed_dictionaries({"event": words, "where": rules("event")}) | st.fixed_dictionaries({"when": rules()})


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """Draw a valid journey with every option of the format."""
    count = draw(st.integers(0, 5))
    names = [f"s{number}" for number in range(count)]
    goal = draw(st.none() | st.builds(Goal, words, where=rules("event"), within=MAYBE_LENGTH, exit=FLAGS))
    body = [draw(steps(name, tuple(names[position + 1 :]))) for position, name in enumerate(names)]
    sends = not body or any(isinstance(step, Send) for step in body)
    return Journey(
        id=draw(words),
        steps=body,
        trigger=draw(st.just(Trigger(manual=True)) | st.builds(Trigger, words, where=st.none() | rules("event"))),
        name=draw(texts),
        description=draw(texts),
        notes=draw(texts),
        tenant=draw(st.none() | words),
        timezone=draw(st.sampled_from(["UTC", "Africa/Johannesburg", "America/New_York"])),
        customer_timezone=draw(FLAGS),
        run_criteria=draw(st.none() | rules("event")),
        reentry=draw(
            st.builds(Reentry, st.sampled_from(["never", "always", "restart"]), key=MAYBE_KEY)
            | st.builds(Reentry.after, lengths, key=MAYBE_KEY)
        ),
        exits=[Exit(f"x{n}", **draw(EXITS), any_message=draw(FLAGS)) for n in range(draw(st.integers(0, 2)))],
        goal=goal,
        holdout=draw(st.integers(0, 10_000)) / 100 if goal and goal.within else 0,
        limits=draw(st.builds(Limits, per_hour=COUNTS, per_day=COUNTS, over=st.sampled_from(["defer", "drop"]))),
        consent=draw(st.sampled_from(["optional", "required"] if sends else ["optional"])),
        max_visits=draw(st.integers(1, 10**6)),
    )


@given(journeys())
@pytest.mark.regex
def test_what_is_written_reads_back_equal(journey):
    """Nothing is lost, and what is written a second time is the same text."""
    text = dumps_journey(journey)
    again = loads_journey(text)
    assert again == journey
    assert dumps_journey(again) == text
    assert fingerprint(again) == fingerprint(journey)


# --- strictness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "{'a': 1}", '{"a": 1} x', "\ufeff{}", "nul", '{"a": 1' + "0" * 5000 + "}"]
)
def test_text_that_is_no_json(text):
    """The reason is the parser's."""
    (only,) = reading(text)
    assert only.startswith("this is no JSON: ")
    assert only.endswith("[json]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": "j",\n "steps": x}', "line 2, column 11: expected a value, not 'x'"),
        ('{"id": "j", "steps": [', "line 1, column 23: expected a value, where it ends"),
        ('{"id": "j"\n "steps": []}', "line 2, column 2: expected a comma, not '\"'"),
        ('{"id" "j"}', "line 1, column 7: expected a colon after the key, not '\"'"),
        ("{id: 1}", "line 1, column 2: expected a key in double quotes, not 'i'"),
        ('{"id": "j"} x', "line 1, column 13: expected nothing after the end, not 'x'"),
        ('{"id": "j', "line 1, column 8: Unterminated string starting at"),
    ],
)
def test_where_a_file_stops_being_json(text, told):
    """Line and column, what was expected there, and what stands there instead."""
    assert reading(text) == [f"this is no JSON: {told} [json]"]


@pytest.mark.parametrize("value", [None, 5, b"\xff"])
def test_what_is_no_text(value):
    """Only text can be read."""
    with pytest.raises(InvalidJourney, match="this is no JSON"):
        loads_journey(value)


@pytest.mark.parametrize(("text", "shown"), [("[]", "list []"), ("null", "null"), ('"x"', "str 'x'"), ("1", "int 1")])
def test_a_file_is_an_object(text, shown):
    """Nothing else is asked about what is none."""
    assert reading(text) == [f"expected an object, not {shown} [type]"]


def test_what_a_file_must_have():
    """All missing keys at once, with what to write."""
    assert reading({}) == [
        "id: missing [missing]",
        "format: missing; write 1 [missing]",
        'trigger: missing; write {"event": "..."}, {"pull": {"every": "..."}} or {"manual": true} [missing]',
        "steps: missing [missing]",
    ]
    assert reading({"format": None, "id": None, "trigger": None, "steps": None}) == reading({})


def test_a_file_may_name_its_schema():
    """`$schema` is for editors: it is text, and nothing of it is kept."""
    named = from_dict(file(**{"$schema": "./journey.schema.json"}))
    assert named == from_dict(file())
    assert "$schema" not in to_dict(named)
    assert reading(file(**{"$schema": 1})) == ["$schema: expected text, not int 1 [type]"]


def test_a_timeout_that_cannot_be_read_is_there_all_the_same():
    """`on_timeout` does not ask for a timeout that was given, only for one that was not."""
    wait = {"kind": "wait", "id": "w", "event": "x", "timeout": "soon", "on_timeout": "done"}
    assert reading(file(wait, DONE)) == [
        "steps[0].timeout: 'soon' is no duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H' [duration]"
    ]
    del wait["timeout"]
    assert reading(file(wait, DONE)) == ["steps[0].on_timeout: step 'w': on_timeout needs a timeout [wait]"]
    both = [{**wait, "id": "v", "timeout": "soon"}, wait]
    assert [each.partition(": ")[0] for each in reading(file(*both, DONE))] == [
        "steps[0].timeout",
        "steps[1].on_timeout",
    ]


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (2, "expected 1, not int 2; a newer journeyflow may read it"),
        (0, "expected 1, not int 0"),
        (1.0, "expected 1, not float 1.0"),
        (True, "expected 1, not bool True"),
        ("1", "expected 1, not str '1'"),
    ],
)
def test_other_formats(version, sentence):
    """Only format 1 is read; true and "1" are not 1."""
    assert reading(file(format=version)) == [f"format: {sentence} [format]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (file(nmae="x"), "nmae: unknown key 'nmae' (did you mean 'name'?) [unknown-key]"),
        (
            file({**SEND, "chanel": "x"}),
            "steps[0].chanel: unknown key 'chanel' (did you mean 'channel'?) [unknown-key]",
        ),
        (
            file({**DONE, "next": "x"}),
            "steps[0].next: unknown key 'next'; known are id, kind, meta, name, notes, outcome [unknown-key]",
        ),
        (
            file(trigger={"event": "x", "were": RULE}),
            "trigger.were: unknown key 'were' (did you mean 'where'?) [unknown-key]",
        ),
        (file({"kind": "sent", "id": "a"}), "steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]"),
        (
            file({"id": "a"}),
            "steps[0].kind: missing; known are send, wait, condition, split, update, end [kind]",
        ),
        (
            file({"kind": 5, "id": "a"}),
            "steps[0].kind: unknown kind 5; known are send, wait, condition, split, update, end [kind]",
        ),
        (file("send"), "steps[0]: expected an object, not str 'send' [type]"),
        (
            file(run_criteria={**RULE, "opp": 1}),
            "run_criteria.opp: unknown key 'opp' (did you mean 'op'?) [unknown-key]",
        ),
        (file(run_criteria={"all": [], "any": []}), "run_criteria.any: unknown key 'any'; known are all [unknown-key]"),
        (
            file(run_criteria={**RULE, "op": "equal"}),
            "run_criteria.op: unknown operator 'equal' (did you mean 'equals'?) [operator]",
        ),
    ],
)
def test_unknown_keys_and_kinds(value, expected):
    """Nothing is ignored; the nearest known word is suggested."""
    assert reading(value) == [expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"id": 1}, "id: expected text, not int 1 [type]"),
        ({"name": 1}, "name: expected text, not int 1 [type]"),
        ({"customer_timezone": 1}, "customer_timezone: expected true or false, not int 1 [type]"),
        ({"customer_timezone": "true"}, "customer_timezone: expected true or false, not str 'true' [type]"),
        ({"max_visits": "3"}, "max_visits: expected a number, not str '3' [type]"),
        ({"max_visits": True}, "max_visits: expected a number, not bool True [type]"),
        ({"max_visits": 3.0}, "max_visits: expected a whole number from 1 up, not float 3.0 [max-visits]"),
        ({"steps": {}}, "steps: expected a list, not dict {} [type]"),
        ({"trigger": "x"}, "trigger: expected an object, not str 'x' [type]"),
        ({"trigger": {}}, "trigger: say an event type, a pull on a schedule, or manual for none [trigger]"),
        ({"trigger": {"event": 5}}, "trigger.event: expected text, not int 5 [type]"),
        ({"exits": {}}, "exits: expected a list, not dict {} [type]"),
        ({"exits": [{"event": "x"}]}, "exits[0].name: missing [missing]"),
        ({"exits": [5]}, "exits[0]: expected an object, not int 5 [type]"),
        ({"goal": []}, "goal: expected an object, not list [] [type]"),
        ({"goal": {"within": "7 days"}}, "goal.event: missing [missing]"),
        ({"goal": {"event": "x", "exit": 1}}, "goal.exit: expected true or false, not int 1 [type]"),
        ({"reentry": 5}, "reentry: expected text, not int 5 [type]"),
        ({"reentry": {}}, "reentry.after: missing [missing]"),
        ({"reentry": {"before": "1 day"}}, "reentry.after: missing [missing]"),
        ({"run_criteria": 5}, "run_criteria: expected an object, not int 5 [type]"),
        ({"run_criteria": {}}, "run_criteria.field: missing [missing]"),
        ({"run_criteria": {"all": RULE}}, "run_criteria.all: expected a list, not dict"),
        ({"run_criteria": {"any": None}}, "run_criteria.any: missing [missing]"),
        ({"run_criteria": {"not": []}}, "run_criteria.not: expected an object, not list [] [type]"),
        ({"run_criteria": {"all": [{"not": 5}]}}, "run_criteria.all[0].not: expected an object, not int 5 [type]"),
        ({"run_criteria": {**RULE, "field": 5}}, "run_criteria.field: expected text, not int 5 [type]"),
        ({"timezone": "Mars"}, "timezone: 'Mars' is no IANA time zone such as 'Europe/Paris' [zone]"),
    ],
)
def test_wrong_types_in_the_journey(options, expected):
    """True is not 1, "3" is not 3, an object is no list."""
    assert reading(file(**options))[0].startswith(expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"kind": "send", "id": "s"}, ".channel: missing [missing]"),
        ({**SEND, "id": 5}, ".id: expected text, not int 5 [type]"),
        ({**SEND, "template": ["t"]}, ".template: expected text, not list ['t'] [type]"),
        ({**SEND, "data": []}, ".data: step 's': expected an object, not list [] [data]"),
        ({**SEND, "transactional": "yes"}, ".transactional: expected true or false, not str 'yes' [type]"),
        ({**SEND, "window": "9-5"}, ".window: expected an object, not str '9-5' [type]"),
        ({**SEND, "window": {"start": 9}}, ".window.start: 9 is no local time such as '09:00' or '17:30:00' [time]"),
        ({**SEND, "window": {"weekdays": []}}, ".window.weekdays: [] names no weekday; "),
        ({**SEND, "window": {"weekdays": ["MO"]}}, ".window.weekdays: 'MO' is no weekday; "),
        ({**SEND, "window": {"start": "09:00", "end": "09:00"}}, ".window: the window starts and ends at 09:00; "),
        ({**SEND, "on_failure": "stop"}, ".on_failure: step 's': expected 'continue' or 'fail', not str 'stop'"),
        ({**SEND, "expires": 5}, ".expires: 5 is no duration such as "),
        ({"kind": "wait", "id": "w", "duration": "3 dayz"}, ".duration: '3 dayz' is no duration such as "),
        ({"kind": "wait", "id": "w", "until": "09:00"}, ".until: expected an object, not str '09:00' [type]"),
        ({"kind": "wait", "id": "w", "until": {}}, ".until: say a local time such as '09:00', or weekdays "),
        ({"kind": "wait", "id": "w", "until": {"time": "25:00"}}, ".until.time: '25:00' is no local time such as "),
        ({"kind": "wait", "id": "w", "at": "2026-01-31"}, ".at: '2026-01-31' has no offset; write "),
        ({"kind": "wait", "id": "w", "at": 5}, ".at: at must be a timezone-aware datetime, not int 5 [time]"),
        ({"kind": "wait", "id": "w"}, ": step 'w': a wait takes exactly one of duration, until, at, field, event"),
        ({"kind": "split", "id": "p"}, ".arms: missing [missing]"),
        ({"kind": "split", "id": "p", "arms": [{}]}, ".arms[0].percentage: missing [missing]"),
        (
            {"kind": "split", "id": "p", "arms": [{"percentage": True}]},
            ".arms[0].percentage: expected a number, not bool True [type]",
        ),
        (
            {"kind": "split", "id": "p", "arms": [{"percentage": "50"}]},
            ".arms[0].percentage: expected a number, not str '50' [type]",
        ),
        ({"kind": "update", "id": "u"}, ".changes: missing [missing]"),
        ({"kind": "update", "id": "u", "changes": ["x"]}, ".changes[0]: expected an object, not str 'x' [type]"),
        ({"kind": "update", "id": "u", "changes": [{"field": "a"}]}, ".changes[0].action: missing [missing]"),
        ({"kind": "condition", "id": "c", "branches": RULE}, ".branches: expected a list, not dict "),
        ({"kind": "condition", "id": "c", "branches": [{}]}, ".branches[0].when: missing [missing]"),
        ({"kind": "condition", "id": "c"}, ".when: step 'c': the branch has no rule [branch]"),
        ({"kind": "end", "id": "e", "outcome": 5}, ".outcome: expected text, not int 5 [type]"),
    ],
)
def test_wrong_types_in_steps(step, expected):
    """Each fault with the place of the key in the file."""
    assert reading(file(step))[0].startswith(f"steps[0]{expected}")


def test_places_lead_into_rules():
    """The place of a fault is the way to it."""
    deep = {"all": [RULE, {"any": [{"not": {"field": "a", "op": "sounds like"}}]}]}
    condition = {"kind": "condition", "id": "c", "branches": [{"when": RULE}, {"when": deep, "next": "s"}]}
    lines = reading(file(SEND, DONE, {"kind": "wait", "id": "w", "duration": "1 day"}, condition))
    assert [line.split(": ")[0] for line in lines] == ["steps[3].branches[1].when.all[1].any[0].not.op"]


def test_places_of_a_condition_in_the_short_form():
    """A file that says when, yes and no is told about when, yes and no."""
    bad = {"field": "a", "op": "in", "value": []}
    condition = {"kind": "condition", "id": "c", "when": {"not": bad}, "yes": "x", "no": "y"}
    places = [line.split(": ")[0] for line in reading(file(condition))]
    assert places == ["steps[0].when.not.value", "steps[0].yes", "steps[0].no"]
    mixed = {"kind": "condition", "id": "c", "when": bad, "yes": "x", "else": "y", "name": 5}
    places = [line.split(": ")[0] for line in reading(file(mixed))]
    assert places == ["steps[0].name", "steps[0].when.value", "steps[0].yes", "steps[0].else"]


def test_the_two_forms_of_a_condition_say_the_same():
    """A one-branch condition may be written with when, yes and no."""
    short = {"kind": "condition", "id": "c", "when": RULE, "yes": "a", "no": "b"}
    long = {"kind": "condition", "id": "c", "branches": [{"when": RULE, "next": "a"}], "else": "b"}
    ends = [{"kind": "end", "id": "a"}, {"kind": "end", "id": "b"}]
    assert from_dict(file(short, *ends)) == from_dict(file(long, *ends))
    sentence = "condition 'c': say either a rule with yes= and no=, or branches= with otherwise= [condition]"
    assert reading(file({**long, **short}, *ends)) == [f"steps[0]: {sentence}"]


def test_places_of_unknown_continuations():
    """Each in the word of the file."""
    named = dict.fromkeys(("next", "on_event", "on_timeout"), "gone")
    lines = reading(
        file(
            {"kind": "wait", "id": "w", "event": "x", "timeout": "1 day", **named},
            {"kind": "split", "id": "p", "arms": [{"percentage": 100, "next": "gone"}]},
            {"kind": "condition", "id": "c", "branches": [{"when": RULE, "next": "gone"}], "else": "gone"},
        )
    )
    assert [line.split(": ")[0] for line in lines] == [
        *("steps[0].next", "steps[0].on_event", "steps[0].on_timeout", "steps[1].arms[0].next"),
        *("steps[2].branches[0].next", "steps[2].else"),
    ]


def test_keys_that_stand_twice():
    """In any object of the file, and inside data and values; each with its place."""
    text = """{"format": 1, "id": "j", "id": "k", "id": "l", "trigger": {"manual": true, "manual": false}, "steps": [
        {"kind": "end", "id": "a", "kind": "end"},
        {"kind": "send", "id": "s", "channel": "E", "template": "t", "data": {"a": [{"b": 1, "b": 2}], "c": 1}},
        {"kind": "condition", "id": "c", "when": {"all": [{"field": "a", "op": "isNull", "op": "isNull"}]}}]}"""
    assert reading(text) == [
        f"{place}: the key {key!r} stands twice in one object [duplicate-key]"
        for place, key in [
            ("id", "id"),
            ("trigger.manual", "manual"),
            ("steps[0].kind", "kind"),
            ("steps[1].data.a[0].b", "b"),
            ("steps[2].when.all[0].op", "op"),
        ]
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number):
    """JSON has no such numbers, and nothing that is kept may have them."""
    text = json.dumps(
        file(
            {**SEND, "data": {"a": "?"}},
            {"kind": "split", "id": "p", "arms": [{"percentage": "?"}, {"percentage": 50}]},
            {"kind": "condition", "id": "c", "when": {**RULE, "value": "?"}},
            {"kind": "update", "id": "u", "changes": [{"field": "a", "action": "set", "value": ["?"]}]},
            max_visits="?",
        )
    ).replace('"?"', number)
    assert [line.split(": ")[0] for line in reading(text)] == [
        *("max_visits", "steps[0].data", "steps[1].arms[0].percentage", "steps[2].when.value", "steps[3].changes[0]"),
    ]


def test_integers_need_64_bits_at_most():
    """A store keeps no longer ones."""
    assert reading(file({**SEND, "data": {"a": 2**63 - 1}})) == []
    assert reading(file({**SEND, "data": {"a": 2**63}})) == [
        "steps[0].data: step 's': data.a: the integer needs more than 64 bits [data]"
    ]


def nested(levels: int, inner: Any = RULE, word: str = "all") -> Any:
    """Nest a rule."""
    for _ in range(levels):
        inner = {word: inner if word == "not" else [inner]}
    return inner


@pytest.mark.parametrize("word", ["all", "any", "not"])
def test_rules_nest_64_levels(word):
    """R60: one more is refused, at its place."""
    assert reading(file(run_criteria=nested(63, word=word))) == []
    (only,) = reading(file(run_criteria=nested(64, word=word)))
    assert only.startswith("run_criteria.")
    assert only.endswith("...: the rule is nested deeper than 64 levels [depth]")


def test_data_nest_64_levels():
    """As deep as values may be."""
    value: Any = 1
    for _ in range(63):
        value = [value]
    assert reading(file({**SEND, "data": {"a": value}})) == []
    (only,) = reading(file({**SEND, "data": {"a": [value]}}))
    assert only.endswith("...: nested deeper than 64 levels [data]")


@pytest.mark.parametrize("levels", [300, 900, 100_000])
def test_a_file_nested_without_measure(levels):
    """No depth ends in a RecursionError, neither in the parser nor in what comes after it."""
    text = json.dumps(file(run_criteria="?")).replace('"?"', "[" * levels + "]" * levels)
    assert reading(text) == ["the file is nested deeper than 256 levels [depth]"]
    endless: dict[str, Any] = file()
    endless["again"] = endless
    with pytest.raises(InvalidJourney, match="nested deeper than 256 levels"):
        from_dict(endless)


def test_a_file_nests_256_levels():
    """One more is refused as a whole; up to there each part says for itself what is too deep."""

    def file_of(levels: int) -> str:
        value: Any = 1
        for _ in range(levels - 2):
            value = [value]
        return json.dumps(file(run_criteria={"value": value}))

    assert "run_criteria.field: missing [missing]" in reading(file_of(256))
    assert reading(file_of(257)) == ["the file is nested deeper than 256 levels [depth]"]


def test_lone_surrogates():
    """Text that cannot be written as UTF-8 is refused, and the error can be printed."""
    with pytest.raises(InvalidJourney) as caught:
        loads_journey(
            r"""{"format": 1, "id": "\ud800", "name": "\udfff", "\ud800": 1, "trigger": {"event": "\udc00"}, "steps": [
            {"kind": "send", "id": "s", "channel": "\ud800", "template": "t", "data": {"\ud800": "\ud800"}}]}"""
        )
    assert [problem.path for problem in caught.value.problems] == [
        *("\\ud800", "id", "name", "trigger.event", "steps[0].channel", "steps[0].data", "steps[0].data"),
    ]
    assert [problem.code for problem in caught.value.problems][1:] == [
        "id",
        "text",
        "trigger",
        "channel",
        "data",
        "data",
    ]


def test_null_counts_as_absent():
    """So that a program may write all keys."""
    journey = from_dict(file({**SEND, "window": None, "next": None}, name=None, goal=None, run_criteria=None))
    assert journey == Journey(id="j", steps=[Send("s", channel="EMAIL", template="t")])


def test_an_empty_draft_can_be_read():
    """R13: a file without steps is a draft."""
    assert from_dict(file(steps=[])).steps == ()
    assert reading(file(steps=[], timezone="Mars")) == [
        "timezone: 'Mars' is no IANA time zone such as 'Europe/Paris' [zone]"
    ]


# --- everything at once -----------------------------------------------------------------------------------------------


def test_all_faults_at_once():
    """R13: what cannot be read and what is not valid, each once, with its place."""
    lines = reading(
        file(
            {**SEND, "id": "s", "channel": 5, "expires": "-1 day", "wndow": {}},
            {"kind": "sleep", "id": "z"},
            {"kind": "wait", "id": "w", "duration": "3 dayz", "next": "gone"},
            {
                "kind": "split",
                "id": "p",
                "arms": [{"percentage": "x", "next": "z"}, {"percentage": 33.333, "next": "q"}],
            },
            {"kind": "wait", "id": "s", "event": "x", "timeout": "0 days"},
            7,
            timezone="Mars",
            exits=[{"name": 5}, {"name": "a", "when": {"field": "a", "op": "in", "value": 5}}],
            goal={"event": "x", "within": "soon", "where": {"field": "", "op": "isNull"}},
            trigger={"event": ""},
        )
    )
    assert [line.split(": ")[0] for line in lines] == [
        "steps[0].channel",
        "steps[0].wndow",
        "steps[1].kind",
        "steps[2].duration",
        "steps[3].arms[0].percentage",
        "steps[5]",
        "exits[0].name",
        "goal.within",
        "timezone",
        "trigger.event",
        "exits[1].when.value",
        "goal.where.field",
        "steps[0].expires",
        "steps[3].arms[1].percentage",
        "steps[4].timeout",
        "steps[4].id",
        "steps[2].next",
        "steps[3].arms[1].next",
    ]


def test_nothing_is_said_about_what_only_follows_from_a_fault():
    """A step of unknown kind can be gone to and referred to; cycles are looked for when all steps are read."""
    uses = {
        "kind": "condition",
        "id": "c",
        "when": {"field": "message.x.opened", "op": "isNull"},
        "yes": "x",
        "no": "c",
    }
    assert reading(file(uses, {"kind": "sned", "id": "x"})) == [
        "steps[1].kind: unknown kind 'sned' (did you mean 'send'?) [kind]"
    ]
    assert [line.split(": ")[0] for line in reading(file(uses, {**SEND, "id": "y", "name": 5}))] == [
        *("steps[1].name", "steps[0].yes", "steps[0].when"),
    ]


def test_the_error_names_the_journey():
    """By its id where that can be read."""
    for value, name in ((file(id="welcome", name=5), "welcome"), (file(id=5), "(without id)")):
        with pytest.raises(InvalidJourney) as caught:
            from_dict(value)
        assert caught.value.journey == name
    with pytest.raises(InvalidJourney) as caught:
        loads_journey("{")
    assert caught.value.journey == "(unread)"


# --- fuzz -------------------------------------------------------------------------------------------------------------


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every list and object with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def drop(_: Any, holder: Any, key: Any) -> None:
    """Take a part away."""
    del holder[key]


def rename(draw: Any, holder: Any, key: Any) -> None:
    """Give a part another name, or move it in its list."""
    part = holder.pop(key)
    if isinstance(holder, dict):
        holder[draw(KEYS)] = part
    else:
        holder.append(part)


def retype(draw: Any, holder: Any, key: Any) -> None:
    """Put something else in the place of a part."""
    holder[key] = copy.deepcopy(draw(OTHERS))


def double(draw: Any, holder: Any, key: Any) -> None:
    """Copy a part under another name, or once more into its list."""
    if isinstance(holder, dict):
        holder[draw(KEYS)] = copy.deepcopy(holder[key])
    else:
        holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[key]))


def wrap(draw: Any, holder: Any, key: Any) -> None:
    """Put a part into a list or an object, or take the first part out of it."""
    part = holder[key]
    inside = [part[inner] for inner in part] if isinstance(part, dict) else part if isinstance(part, list) else []
    holder[key] = draw(st.sampled_from([[part], {"not": part}, {"after": part}, *inside[:1]]))


KEYS = st.sampled_from(
    ["id", "next", "when", "all", "not", "op", "value", "value_of", "event", "arms", "kind", "x", ""]
)
OTHERS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 1.5, 10**30, float("nan"), "", "s0", "end", "3 days", "send", "restart", "enroll"]
) | st.sampled_from([[], {}, [[]], [None], {"a": 1}, RULE, {"all": []}, {"not": {}}, "\ud800", "{{ event.x }}", "a.b"])
MUTATIONS: list[Callable[[Any, Any, Any], None]] = [drop, rename, retype, double, wrap]


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """Draw a valid file and change one to four things in it; parts may be swapped too."""
    value = {"file": draw(st.sampled_from([to_dict(each) for each in JOURNEYS.values()]) | journeys().map(to_dict))}
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(value))[1:]
        if not found:
            break
        holder, key = draw(st.sampled_from(found))
        if draw(st.integers(0, 5)):
            draw(st.sampled_from(MUTATIONS))(draw, holder, key)
        else:
            other, place = draw(st.sampled_from(found))
            holder[key], other[place] = copy.deepcopy(other[place]), copy.deepcopy(holder[key])
    return value["file"]


def check(read: Callable[[], Journey]) -> None:
    """Read a file: a journey that can be written and read again, or an InvalidJourney that can be printed."""
    journey, found = None, "journey\n  - "
    try:
        journey = read()
    except InvalidJourney as error:
        found = str(error)
    assert "\n  - " in found
    assert found.encode()
    assert journey is None or loads_journey(dumps_journey(journey)) == journey


@given(mutants())
@pytest.mark.regex
def test_a_changed_file_is_a_journey_or_an_invalid_journey(value):
    """No file raises anything else, whatever was dropped, renamed, retyped, doubled, wrapped or swapped."""
    check(lambda: from_dict(value))
    check(lambda: loads_journey(json.dumps(value)))


@given(st.sampled_from([dumps_journey(each, indent=None) for each in JOURNEYS.values()]), st.data())
def test_a_damaged_text_is_a_journey_or_an_invalid_journey(text, data):
    """Characters lost, doubled or replaced."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = (
            text[:start]
            + data.draw(st.sampled_from(["", '"', "{", "]", ",", "0", "null", text[start:][:9]]))
            + text[start + length :]
        )
    check(lambda: loads_journey(text))


json_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(json_anything | st.builds(lambda extra: file(**extra), st.dictionaries(KEYS, json_anything, max_size=3)))
def test_any_json_is_a_journey_or_an_invalid_journey(value):
    """Also what never was a journey."""
    check(lambda: from_dict(value))


# --- fingerprints -----------------------------------------------------------------------------------------------------


def other(value: Any) -> Any:
    """Give another value of the same type."""
    return {bool: lambda: not value, str: lambda: f"{value}x", int: lambda: value + 1, float: lambda: value / 2}.get(
        type(value), lambda: None
    )()


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_fingerprint_ignores_names_descriptions_and_notes_and_nothing_else(name):
    """R12: of the journey and of its steps; the tenant says whose a version is, not which."""
    whole = to_dict(JOURNEYS[name])
    mark, differed = fingerprint(JOURNEYS[name]), 0
    for number in range(len(list(places(whole)))):
        changed = copy.deepcopy(whole)
        holder, key = list(places(changed))[number]
        part = holder[key]
        holder[key] = other(part)
        try:
            journey = from_dict(changed)
        except InvalidJourney:
            continue
        words = any(holder is each for each in (changed, *changed["steps"])) and key in {"name", "notes", "description"}
        words = words or without_meta(changed) == without_meta(whole)
        ignored = journey == JOURNEYS[name] or words or (holder is changed and key == "tenant")
        assert (fingerprint(journey) == mark) is ignored, (key, part)
        differed += not ignored
    assert differed > 0


def without_meta(written):
    """Return a written journey without what hosts keep with it and its steps (R12)."""
    parts = [{key: value for key, value in part.items() if key != "meta"} for part in (written, *written["steps"])]
    return {**parts[0], "steps": parts[1:]}


def test_a_fingerprint_tells_types_apart():
    """1, 1.0, true and "1" are four rules, although Python calls three of them equal."""
    marks = {fingerprint(Journey(id="j", steps=[], run_criteria=field("a").eq(value))) for value in (1, 1.0, True, "1")}
    assert len(marks) == 4


def test_names_are_words_only_in_their_place():
    """R12: a name inside data, or of an exit, counts."""

    def mark(name: str) -> str:
        send = Send("s", channel="E", template="t", data={"name": name, "notes": name})
        return fingerprint(Journey(id="j", steps=[send]))

    assert mark("a") != mark("b")


def test_fingerprints_are_kept():
    """R12: stores keep them; another way to count them would make a version of every journey at the next restart."""
    assert fingerprint(JOURNEYS["welcome"]) == "9dff181ff6baf634197c7524f5834264"
    assert FORMAT == 1


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for golden_name, golden_journey in JOURNEYS.items():
        (GOLDEN / f"{golden_name}.json").write_text(dumps_journey(golden_journey) + "\n", encoding="utf-8")
