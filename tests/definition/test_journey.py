"""The journey as a value: whoever holds one holds a valid one."""

import copy
import pickle
from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from journeyflow import (
    Condition,
    End,
    Exit,
    InvalidJourney,
    Journey,
    Reentry,
    Send,
    Trigger,
    Update,
    Wait,
    field,
    problems,
    tag,
)
from journeyflow.definition.journey import MAX_VISITS

PAID = field("plan").eq("paid")


def journey(**options: Any) -> Journey:
    """Make a small journey."""
    steps = [Send("hello", channel="EMAIL", template="hi"), Condition("c", PAID, yes=[End("paid")])]
    return Journey(**{"id": "j", "steps": steps, **options})


@pytest.mark.rows(1)
def test_a_journey_keeps_the_flat_graph():
    """R40: in the order written, with the implicit End."""
    assert [step.id for step in journey().steps] == ["hello", "c", "paid", "end"]


@pytest.mark.rows(20)
def test_defaults():
    """R20, R22, R41, R54: entered by hand, once, without goal, consent not required, 10,000 visits, in UTC."""
    plain = journey()
    assert (plain.trigger, plain.reentry, plain.exits, plain.goal) == (Trigger(manual=True), Reentry(), (), None)
    assert (plain.consent, plain.max_visits, plain.timezone) == ("optional", MAX_VISITS, "UTC")
    assert not plain.customer_timezone


def test_a_journey_is_frozen():
    """R12: a definition is immutable."""
    with pytest.raises(FrozenInstanceError):
        journey().name = "other"  # type: ignore[misc]  # on purpose


def test_lists_are_copied():
    """R12: what the caller does with the lists afterwards changes nothing."""
    steps, exits = [End("done")], [Exit("e", when=PAID)]
    made = Journey(id="j", steps=steps, exits=exits)
    steps.clear()
    exits.clear()
    assert ([step.id for step in made.steps], [each.name for each in made.exits]) == (["done"], ["e"])


def test_steps_may_come_from_a_generator():
    """Any list of steps will do."""
    assert len(Journey(id="j", steps=(End(name) for name in "ab")).steps) == 2


def test_reentry_may_be_a_word():
    """R22: `reentry="always"`."""
    assert journey(reentry="always").reentry == Reentry("always")


def test_steps_are_found_by_id():
    """`step` gives the step, `index` its position; KeyError for an unknown one."""
    made = journey()
    assert made.step("c") is made.steps[1]
    assert made.index == {"hello": 0, "c": 1, "paid": 2, "end": 3}
    with pytest.raises(KeyError):
        made.step("gone")


@pytest.mark.rows(204)
def test_an_invalid_definition_is_no_journey():
    """R13: the constructor raises, with the id and every problem."""
    with pytest.raises(InvalidJourney, match="journey 'j' has 2 problems") as caught:
        journey(timezone="Mars/Base", max_visits=0)
    assert [problem.code for problem in caught.value.problems] == ["zone", "max-visits"]
    assert caught.value.journey == "j"


def test_an_invalid_journey_is_a_value_error():
    """Errors inherit the fitting builtin."""
    with pytest.raises(ValueError, match="expected a list of steps"):
        Journey(id="j", steps=None)  # type: ignore[arg-type]  # on purpose


def test_a_draft_may_be_begun_empty():
    """R13: "no steps" waits until activation."""
    draft = Journey(id="j", steps=[])
    assert [(problem.code, problem.severity) for problem in problems(draft)] == [("no-steps", "error")]


def test_warnings_do_not_refuse():
    """R13: unreachable steps and self-triggering are told by `problems`, in the order written."""
    made = Journey(
        id="j",
        trigger=Trigger("tag.added"),
        steps=[Update("u", tag.add("vip")), Wait("w", "1 day", next="end"), End("lost")],
    )
    assert [(problem.code, problem.path) for problem in problems(made)] == [
        ("unreachable", "steps[2]"),
        ("self-trigger", "steps[0]"),
    ]


def test_equal_definitions_are_equal():
    """A journey is a value: nested or flat, the same graph is the same journey."""
    flat = journey()
    assert journey(steps=list(flat.steps)) == flat == journey()
    assert journey(name="other") != flat
    assert evolve(flat, name="other") == journey(name="other")


def test_equal_definitions_have_equal_hashes():
    """A journey is a key like any value, whatever its data and its operands hold."""
    one, same = (journey(run_criteria=field("a").in_([1, 2]), exits=[Exit("e", when=PAID)]) for _ in "12")
    assert {one: 1}[same] == 1
    data = Journey("d", steps=[Send("s", channel="C", template="t", data={"a": {"b": [1]}})])
    assert len({one, same, data, journey()}) == 3


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])  # noqa: S301 its own bytes
def test_a_journey_can_be_copied_and_sent_to_another_process(again):
    """Simulation may spread over processes."""
    made = journey(reentry=Reentry.after("90 days"), exits=[Exit("e", when=PAID & ~field("tags").contains("x"))])
    assert again(made) == made


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (journey(), "Journey('j', manual, 4 steps: hello, c, paid, end)"),
        (
            journey(trigger=Trigger("member.created"), steps=[End("a")]),
            "Journey('j', trigger 'member.created', 1 step: a)",
        ),
        (journey(steps=[]), "Journey('j', manual, 0 steps: none)"),
        (
            journey(steps=[End(name) for name in "abcdefghi"]),
            "Journey('j', manual, 9 steps: a, b, c, d, e, f, g, h, ...)",
        ),
    ],
)
def test_a_journey_shows_what_it_is(made, shown):
    """The id, who enters, the first steps."""
    assert repr(made) == shown
