"""The native journey file: what is written, what is read, what is refused and how.

`python -m tests.formats.test_native` writes the golden files anew; their diff is then the change of the format.
"""

import json
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
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import CHAINS, NAMING, Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule, Rule
from journeyflow.definition.steps import ON_FAILURE
from journeyflow.formats.native import dumps_journey, fingerprint, to_dict
from journeyflow.formats.native_reading import loads_journey

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
