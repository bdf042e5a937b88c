"""Writing journeys for the loyalty platform: what is lost, and what goes there and back."""

import json

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Condition,
    End,
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
    tag,
)
from journeyflow.definition.steps import STEP_KINDS, WAIT_FORMS, Step
from journeyflow.formats.loyalty import step_rows, writing
from journeyflow.formats.loyalty.reading import read
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.port import PLAIN
from journeyflow.testing.strategies import journeys
from tests.formats.test_loyalty import faults
from tests.formats.test_loyalty_faults import WHOLE

pytestmark = pytest.mark.unmeasured

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
    for of in STEP_KINDS.values():
        assert {each.name for each in fields(of)} <= {*writing._STEP_SAYS, *writing._WHY}
    assert {each.name for each in fields(Journey)} <= {*writing._JOURNEY_SAYS, *writing._WHY}
    assert set(PLAIN) == {Journey, *STEP_KINDS.values()}
    assert set(writing._WRITE) == set(STEP_KINDS)
    assert set(step_rows._MAKE) == {of.upper() for of in STEP_KINDS}
    assert set(WAIT_FORMS) <= {"duration", *writing._WHY}


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
