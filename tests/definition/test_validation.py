"""Every problem of R13 with its code, its place and its sentence; all at once and always in the same order."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Chain,
    Condition,
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
    Update,
    Wait,
    arm,
    branch,
    field,
    problems,
    tag,
)
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.steps import Branch

PAID = field("plan").eq("paid")
FIVE: Any = 5
DURATION = "is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H' [duration]"


def send(called: Any = "s", **options: Any) -> Send:
    """Make a valid Send, but for what is said otherwise."""
    return Send(called, **{"channel": "EMAIL", "template": "t", **options})


def asks(path: str) -> Condition:
    """Ask about a path in a place with a run, but without an event."""
    return Condition("c", field(path).is_null())


def wrong(*steps: Any, **options: Any) -> list[str]:
    """List what is wrong with a journey of these steps, each problem as one line."""
    try:
        Journey(**{"id": "j", "steps": steps or [End("done")], **options})
    except InvalidJourney as error:
        return [str(problem) for problem in error.problems] or ["(an error without a problem)"]
    return []


def warnings(*steps: Any, **options: Any) -> list[str]:
    """List the problems of a journey that exists."""
    return [str(problem) for problem in problems(Journey(**{"id": "j", "steps": steps, **options}))]


# --- the journey itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"id": ""}, "id: the journey's id must not be empty [id]"),
        ({"id": 5}, "id: the journey's id must be text, not int 5 [id]"),
        ({"id": None}, "id: the journey's id must be text, not null [id]"),
        ({"id": "a\x1fb"}, "id: the journey's id contains U+001F, which is reserved [id]"),
        ({"id": "a" * 201}, "id: the journey's id has 201 characters; at most 200 are allowed [id]"),
        ({"tenant": ""}, "tenant: the tenant must not be empty [id]"),
        ({"name": None}, "name: the name must be text, not null [text]"),
        ({"description": 5}, "description: the description must be text, not int 5 [text]"),
        ({"notes": "a\x00"}, "notes: the notes contains a NUL character [text]"),
        ({"customer_timezone": 1}, "customer_timezone: expected true or false, not int 1 [boolean]"),
        ({"timezone": "Mars/Base"}, "timezone: 'Mars/Base' is not an IANA time zone such as 'Europe/Paris' [zone]"),
        ({"timezone": "/etc/passwd"}, "timezone: '/etc/passwd' is not an IANA time zone such as 'Europe/Paris' [zone]"),
        ({"timezone": None}, "timezone: None is not an IANA time zone such as 'Europe/Paris' [zone]"),
        ({"consent": "yes"}, "consent: expected 'optional' or 'required', not str 'yes' [consent]"),
        ({"consent": []}, "consent: expected 'optional' or 'required', not list [] [consent]"),
        ({"max_visits": 0}, "max_visits: expected a whole number from 1 up, not int 0 [max-visits]"),
        ({"max_visits": True}, "max_visits: expected a whole number from 1 up, not bool True [max-visits]"),
        ({"max_visits": 2.0}, "max_visits: expected a whole number from 1 up, not float 2.0 [max-visits]"),
        ({"steps": None}, "steps: expected a list of steps, not null [steps]"),
        ({"steps": "ab"}, "steps: expected a list of steps, not str 'ab' [steps]"),
        ({"steps": End("a")}, "steps: expected a list of steps, not End End('a') [steps]"),
        ({"run_criteria": "rich"}, "run_criteria: expected a rule such as field('age').gte(18), not str 'rich' [rule]"),
    ],
)
def test_the_options_of_a_journey(options, expected):
    """R13: ids, texts, zones, wrong types, each told on one line."""
    assert wrong(**options) == [expected]


def test_a_zone_that_cannot_be_a_key():
    """R13: even a value that no table can look up is only another wrong zone."""
    (only,) = wrong(timezone=["UTC"])
    assert only.startswith("timezone: ")
    assert only.endswith("[zone]")


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (None, "trigger: expected a Trigger, not null [trigger]"),
        ("x", "trigger: expected a Trigger, not str 'x' [trigger]"),
        (Trigger(), "trigger: say an event type, a pull on a schedule, or manual for none [trigger]"),
        (Trigger(""), "trigger.event: the event type must not be empty [trigger]"),
        (Trigger(5), "trigger.event: the event type must be text, not int 5 [trigger]"),  # type: ignore[arg-type]  # wrong on purpose
        (Trigger("x", manual=True), "trigger: a manual trigger has neither event nor criteria nor pull [trigger]"),
        (
            Trigger(manual=True, where=PAID),
            "trigger: a manual trigger has neither event nor criteria nor pull [trigger]",
        ),
        (Trigger(manual=1), "trigger.manual: expected true or false, not int 1 [boolean]"),  # type: ignore[arg-type]  # wrong on purpose
        (
            Trigger("x", where=field("a").matches("(")),
            (
                "trigger.where.value: operator matches the pattern '(' cannot be used: missing ): ( "
                "(RE2 syntax: no look-around, no back-references) [operand]"
            ),
        ),
    ],
)
@pytest.mark.rows(7)
@pytest.mark.regex
def test_triggers(trigger, expected):
    """R20: an event type with criteria, or manual."""
    assert wrong(trigger=trigger) == [expected]


@pytest.mark.parametrize(
    ("reentry", "expected"),
    [
        (None, "reentry: expected 'never', 'always', 'restart' or after a period, not null [reentry]"),
        (
            "sometimes",
            "reentry: expected 'never', 'always', 'restart' or after a period, not str 'sometimes' [reentry]",
        ),
        ([], "reentry: expected 'never', 'always', 'restart' or after a period, not list [] [reentry]"),
        (Reentry.restart(key="cart"), "reentry_key: the key is read from the trigger's data: write 'event.cart' [key]"),
        (Reentry.never(key="event..x"), "reentry_key: the key path 'event..x' has an empty name between dots [key]"),
        (Reentry.never(key=5), "reentry_key: the key path must be text, not int 5 [key]"),  # type: ignore[arg-type]  # wrong on purpose
        ("after", "reentry: a period goes with 'after', and only with it [reentry]"),
        (Reentry("never", "1 day"), "reentry: a period goes with 'after', and only with it [reentry]"),
        (Reentry.after("-1 day"), "reentry.after: the duration '-1 day' does not lead forward [duration]"),
        (
            Reentry.after("soon"),
            "reentry.after: 'soon' is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H' [duration]",
        ),
    ],
)
def test_reentry(reentry, expected):
    """R22: a known policy, a period where it belongs, a key that is read from an event."""
    assert wrong(reentry=reentry) == [expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"holdout": 10}, "holdout: a holdout needs a goal with within: the time in which both compare [holdout]"),
        (
            {"holdout": 0.01, "goal": Goal("x")},
            "holdout: a holdout needs a goal with within: the time in which both compare [holdout]",
        ),
        (
            {"holdout": 33.333, "goal": Goal("x", within="1 day")},
            "holdout: expected a percentage from 0 to 100 with two decimals at most, not float 33.333 [percentage]",
        ),
        (
            {"holdout": "10"},
            "holdout: expected a percentage from 0 to 100 with two decimals at most, not str '10' [percentage]",
        ),
    ],
)
def test_holdouts(options, expected):
    """R25: a percentage, and a goal whose time says for how long."""
    assert wrong(**options) == [expected]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (5, "limits: expected Limits(per_hour=..., per_day=...), not int 5 [limits]"),
        (None, "limits: expected Limits(per_hour=..., per_day=...), not null [limits]"),
        (
            Limits(per_hour=-1),
            "limits.per_hour: expected a whole number from 0 up, 0 for no limit, not int -1 [limits]",
        ),
        (
            Limits(per_day=1.5),  # type: ignore[arg-type]  # wrong on purpose
            "limits.per_day: expected a whole number from 0 up, 0 for no limit, not float 1.5 [limits]",
        ),
        (Limits(per_day=1, over="wait"), "limits.over: expected 'defer' or 'drop', not str 'wait' [limits]"),
    ],
)
def test_limits(limits, expected):
    """R23: how many may enter an hour and a day, and what becomes of the others."""
    assert wrong(limits=limits) == [expected]


@pytest.mark.parametrize(
    ("exits", "expected"),
    [
        (None, "exits: expected a list of exits, not null [exit]"),
        ([5], "exits[0]: expected an Exit, not int 5 [exit]"),
        ([Exit("", event="x")], "exits[0].name: the name must not be empty [label]"),
        ([Exit([], event="x")], "exits[0].name: the name must be text, not list [] [label]"),  # type: ignore[arg-type]  # wrong on purpose
        ([Exit("a", event="x")] * 2, "exits[1].name: the name 'a' is there twice [duplicate]"),
        (
            [Exit("a")],
            "exits[0]: say either an event (with where) or a condition on the customer (when) [exit]",
        ),
        (
            [Exit("a", event="x", when=PAID)],
            "exits[0]: say either an event (with where) or a condition on the customer (when) [exit]",
        ),
        (
            [Exit("a", when=PAID, where=PAID)],
            "exits[0].where: criteria go with an event; a condition goes into when [exit]",
        ),
        ([Exit("a", event="")], "exits[0].event: the event type must not be empty [exit]"),
        (
            [Exit("a", event="x", any_message="no")],  # type: ignore[arg-type]  # wrong on purpose
            "exits[0].any_message: expected true or false, not str 'no' [boolean]",
        ),
        (
            [Exit("a", when=FieldRule("a", "eq", None))],
            "exits[0].when.value: operator eq needs a text, number or boolean, not null [operand]",
        ),
    ],
)
def test_exits(exits, expected):
    """R42: an event with criteria, or a condition on the customer."""
    assert wrong(exits=exits) == [expected]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("x", "goal: expected a Goal, not str 'x' [goal]"),
        (Goal(""), "goal.event: the event type must not be empty [goal]"),
        (Goal("x", exit=0), "goal.exit: expected true or false, not int 0 [boolean]"),  # type: ignore[arg-type]  # wrong on purpose
        (Goal("x", within="0 days"), "goal.within: the duration '0 seconds' does not lead forward [duration]"),
        (Goal("x", where=FieldRule("", "isNull")), "goal.where.field: the field path must not be empty [field]"),
    ],
)
def test_goals(goal, expected):
    """R42: an event, within a time that leads forward."""
    assert wrong(goal=goal) == [expected]


# --- the graph --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(50)
def test_duplicate_ids():
    """R13: each further step of the same name, wherever it is nested."""
    assert wrong(send("a"), Condition("c", PAID, yes=[send("a")], no=[End("a")])) == [
        "steps[2].id: two steps are named 'a'; the other is steps[0] [duplicate]",
        "steps[3].id: two steps are named 'a'; the other is steps[0] [duplicate]",
    ]


def test_end_is_reserved_for_ends():
    """R40: the implicit End takes that name."""
    assert wrong(send("end")) == ["steps[0].id: step 'end': the id 'end' is reserved [reserved]"]
    assert wrong(End("end")) == []


def test_a_cycle_in_zero_time_is_printed():
    """R13, R41: with all its steps."""
    assert wrong(send("a"), Condition("b", PAID, yes="a")) == [
        (
            "steps[0]: these steps can be walked in zero time for ever: a -> b -> a; put a wait into the loop "
            "[zero-time-cycle]"
        )
    ]
    assert wrong(send("a", next="a")) == [
        "steps[0]: these steps can be walked in zero time for ever: a -> a; put a wait into the loop [zero-time-cycle]"
    ]


def test_a_long_cycle_is_printed_by_its_ends():
    """R13: as much of it as somebody reads."""
    (only,) = wrong(*(send(f"s{n}") for n in range(100)), send("last", next="s0"))
    assert only == (
        "steps[0]: these steps can be walked in zero time for ever: "
        "s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> s8 -> s9 -> ... -> "
        "s92 -> s93 -> s94 -> s95 -> s96 -> s97 -> s98 -> s99 -> last -> s0; put a wait into the loop [zero-time-cycle]"
    )


@pytest.mark.parametrize(("steps", "whole"), [(19, True), (20, False)])
def test_a_cycle_of_twenty_names_is_printed_whole(steps, whole):
    """R13: the step it comes back to is named twice."""
    (only,) = wrong(*(send(f"s{n}") for n in range(steps - 1)), send("last", next="s0"))
    assert ("..." not in only) is whole


def test_waits_that_may_take_no_time_do_not_break_a_cycle():
    """R37: `at` and field waits may lie in the past; every year, they take time."""
    assert "[zero-time-cycle]" in wrong(Wait("w", at="2026-01-01T00:00:00Z", next="w"))[0]
    assert "[zero-time-cycle]" in wrong(Wait("w", field="f", next="w"))[0]
    assert wrong(Wait("w", field="f", every="year", next="w", on_missing="end"), End("end")) == []
    assert wrong(Wait("w", until="MON 09:00", next="w")) == []


@pytest.mark.parametrize("way", [None, "mail", "again"])
def test_a_yearly_loop_needs_a_way_out_for_who_has_no_date(way):
    """R13, R37: "missing" takes no time, so a loop over it is refused, and the message says what to do."""
    loop = (
        send("mail"),
        Wait("day", field="born", every="year", next="mail", on_missing=way),
        send("again", next="day"),
    )
    (only,) = wrong(*loop)
    assert only.endswith("; say where to go from 'day' without a date (on_missing) [zero-time-cycle]")


NO_DATE = (
    "steps[0]: step 'w': who has no 'ends' goes on at once, as if the date had come; say on_missing for them [no-date]"
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [NO_DATE]),
        ({"on_past": "end"}, [NO_DATE]),
        ({"every": "year"}, [NO_DATE]),
        ({"on_missing": "end"}, []),
        ({"on_missing": []}, []),
    ],
)
def test_a_wait_for_a_date_says_where_to_go_without_one(options, expected):
    """R13: otherwise everybody without a date gets at once what was meant for the day."""
    assert warnings(Wait("w", field="ends", **options), send("mail"), End("end")) == expected


@pytest.mark.parametrize(
    "entry",
    [
        {"run_criteria": field("ends").is_not_null()},
        {"trigger": Trigger("go", where=field("ends").is_not_null() & field("n").eq(1))},
    ],
)
def test_who_enters_with_a_date_needs_no_way_without_one(entry):
    """R13: the date is asked for at entry."""
    assert warnings(Wait("w", field="ends"), **entry) == []


def test_unreachable_steps_are_warnings():
    """R13: the journey exists, and says which steps nobody will see."""
    assert warnings(send("a", next="c"), send("b"), End("c")) == [
        "steps[1]: no path leads to step 'b' [unreachable]",
    ]
    assert problems(Journey(id="j", steps=[End("a"), End("b")]))[0].severity == "warning"


def test_a_journey_without_steps_is_a_draft():
    """R13: it exists, and `problems` says why it cannot be activated."""
    draft = Journey(id="j", steps=[])
    assert [str(problem) for problem in problems(draft)] == [
        "steps: the journey has no steps; it can be a draft but not be activated [no-steps]"
    ]


# --- journeys that trigger themselves ---------------------------------------------------------------------------------

PURCHASES = field("purchases").increment()


@pytest.mark.parametrize(
    ("trigger", "change"),
    [
        (Trigger("tag.added"), tag.add("vip")),
        (Trigger("tag.added", where=field("event.tag").eq("vip")), tag.add("vip")),
        (Trigger("tag.added", where=field("event.tag").eq("vip")), tag.set(["a"])),
        (Trigger("tag.added", where=field("event.tag").eq("vip")), tag.add("{{ trigger.tag }}")),
        (Trigger("tag.removed"), tag.remove("vip")),
        (Trigger("list.subscribed"), field("lists").append("news")),
        (Trigger("list.unsubscribed"), field("lists").unset()),
        (Trigger("field.changed"), PURCHASES),
        (Trigger("field.changed", where=field("event.field").eq("purchases")), PURCHASES),
        (Trigger("field.changed", where=field("field").in_(["purchases"]) & field("event.new").gt(5)), PURCHASES),
        (Trigger("field.changed", where=field("event.field").eq("a") | PAID), PURCHASES),
        (Trigger("field.changed", where=field("event.field").eq(field("watched"))), PURCHASES),
        (Trigger("field.changed", where=field("event.field").starts_with("consent.")), field("consent").set({})),
    ],
)
def test_an_update_that_can_trigger_its_own_journey_is_a_warning(trigger, change):
    """R13: the change causes what the trigger listens to."""
    assert warnings(send("a"), Update("u", change), trigger=trigger) == [
        f"steps[1]: step 'u' changes {change.field!r}, which can trigger this same journey again [self-trigger]"
    ]


@pytest.mark.parametrize(
    ("trigger", "change"),
    [
        (Trigger("tag.added"), tag.remove("vip")),
        (Trigger("tag.removed"), tag.add("vip")),
        (Trigger("tag.added", where=field("event.tag").eq("other")), tag.add("vip")),
        (Trigger("tag.added"), PURCHASES),
        (Trigger("field.changed"), tag.add("vip")),
        (Trigger("field.changed", where=field("event.field").eq("plan") & PAID), PURCHASES),
        (Trigger("field.changed", where=field("event.field").ne("purchases")), PURCHASES),
        (Trigger("purchase"), PURCHASES),
        (Trigger(manual=True), PURCHASES),
    ],
)
def test_an_update_that_cannot_is_none(trigger, change):
    """R13: another event, another member, another field."""
    assert warnings(Update("u", change), trigger=trigger) == []


def test_a_journey_that_starts_at_its_own_end_is_a_warning():
    """R13, R50: `journey.completed` of any journey, or of this one; not that of another."""
    loop = ["trigger: the end of this journey triggers this same journey again [self-trigger]"]
    name = field("event.journey")
    assert warnings(End("a"), trigger=Trigger("journey.completed")) == loop
    assert warnings(End("a"), trigger=Trigger("journey.completed", where=name.eq("j"))) == loop
    assert warnings(End("a"), trigger=Trigger("journey.completed", where=name.eq("welcome"))) == []
    assert warnings(End("a"), trigger=Trigger("journey.completed", where=name.ne("j"))) == []


# --- everything at once -----------------------------------------------------------------------------------------------


def test_all_problems_at_once_in_the_order_written():
    """R13: the journey, its steps one by one, names, ways; the same list every time."""
    options: dict[str, Any] = {
        "id": "",
        "timezone": "Mars/Base",
        "trigger": Trigger(),
        "reentry": "sometimes",
        "exits": [Exit("e")],
        "goal": Goal("x", within="never"),
    }
    steps = [
        Wait("w", "3 dayz"),
        Split("s", arm(33.333), arm(50)),
        asks("message.gone.opened"),
        send("w", next="nowhere", window=5),
        5,
    ]
    codes = [line.rpartition("[")[2].removesuffix("]") for line in wrong(*steps, **options)]
    assert codes == [
        *("id", "zone", "trigger", "reentry", "exit", "duration"),
        *("duration", "percentage", "window", "step"),
        *("duplicate", "dangling", "reference"),
    ]
    assert wrong(*steps, **options) == wrong(*steps, **options)


def test_the_message_is_a_list_of_lines():
    """R13: the error names the journey and reads from top to bottom."""
    with pytest.raises(InvalidJourney) as caught:
        Journey(id="welcome", steps=[Wait("w", "3 dayz"), Split("s", arm(99.9))])
    assert str(caught.value) == (
        "journey 'welcome' has 2 problems:\n"
        f"  - steps[0].duration: step 'w': '3 dayz' {DURATION}\n"
        "  - steps[1].arms: step 's': the percentages sum to 99.9, not to 100 [percentage]"
    )
    assert caught.value.journey == "welcome"


garbage = st.sampled_from(
    [None, True, 0, -1, 5, 1.5, float("nan"), "", "x", "end", "3 days", b"b", [], [5], {}, {"a": 1}, (), object()]
) | st.sampled_from([PAID, Send, End("e"), [End("e")], arm(50), branch(PAID), tag.add("x"), Trigger("t"), Goal("g")])
endless: dict[str, Any] = {}
endless["again"] = endless
STEP_OPTIONS: dict[type, list[str]] = {
    Send: ["id", "channel", "template", "data", "window", "transactional", "expires", "on_failure", "next"],
    Wait: [
        *("id", "duration", "until", "at", "field", "offset", "every", "event", "where", "any_message", "timeout"),
        *("window", "notes", "next", "on_event", "on_timeout", "on_missing", "on_past"),
    ],
    Condition: ["id", "branches", "otherwise", "name", "next"],
    End: ["id", "outcome", "name"],
}
NEEDED: dict[type, dict[str, Any]] = {
    Send: {"channel": "EMAIL", "template": "t"},
    Condition: {"branches": [Branch(PAID)]},
}


@st.composite
def broken_steps(draw: st.DrawFn) -> Any:
    """Draw a step with garbage in any of its options."""
    of: Any = draw(st.sampled_from([*STEP_OPTIONS, Split, Update, None]))
    if of is None:
        return draw(garbage)
    if of in {Split, Update}:
        parts = draw(st.lists(garbage | st.builds(arm, garbage, garbage, garbage), max_size=3))
        return of(draw(garbage), *parts, next=draw(garbage))
    options = draw(st.dictionaries(st.sampled_from(STEP_OPTIONS[of]), garbage, max_size=4))
    return of(**{"id": "a", **NEEDED.get(of, {}), **options})


@given(
    st.lists(broken_steps(), max_size=3) | garbage,
    st.dictionaries(
        st.sampled_from(
            [
                *("id", "trigger", "name", "tenant", "timezone", "customer_timezone", "run_criteria", "reentry"),
                *("exits", "goal", "consent", "max_visits"),
            ]
        ),
        garbage,
        max_size=3,
    ),
)
def test_garbage_is_refused_with_invalid_journey_and_nothing_else(steps, options):
    """R13: whatever a definition is made of, it is a valid journey or an InvalidJourney with at least one problem."""
    found = wrong(*steps, **options) if isinstance(steps, list) else wrong(**{"steps": steps, **options})
    assert all(re.fullmatch(r"[a-z_\[\]0-9.]+: .* \[[a-z-]+\]", line, re.DOTALL) for line in found)
    assert repr(steps)


def test_data_that_contain_themselves():
    """R13: data without end are too deep, wherever they stand."""
    lines = wrong(send(data=endless), Update("u", field("a").set(endless)), Condition("c", field("a").eq(endless)))
    assert len(lines) == 3
    assert all("nested deeper than 64 levels" in line for line in lines)


def test_a_template_with_loose_braces_is_a_warning_at_its_place():
    """R13, R39: in the data of a Send and in the values of an Update, and of no orders to journeys."""
    loose = Update("u", field("a").set("{{ name }"), Chain.enroll("k"), field("b").set(["{{ a | '' }}"]))
    first = send(data={"a": "{{ name"})
    found = problems(Journey(id="j", steps=[first, loose]))
    assert [(each.code, each.severity, each.path) for each in found] == [
        ("template", "warning", "steps[0].data"),
        ("template", "warning", "steps[1].changes[0].value"),
        ("template", "warning", "steps[1].changes[2].value"),
    ]
    assert str(found[1]).startswith("steps[1].changes[0].value: step 'u': '{{ name }': the braces of a template")


def test_an_operand_that_means_now_names_the_remedy():
    """R61: a text is not an instant; the name of the instant of the question is a field."""
    (line,) = wrong(Condition("c", field("visit").after("now")))
    assert "not str 'now'; the instant at which the rule is asked is field(\"now\")" in line
    (line,) = wrong(Condition("c", field("visit").after("soon")))
    assert line.endswith("not str 'soon' [operand]")
    assert warnings(Condition("c", field("visit").after(field("now")))) == []
