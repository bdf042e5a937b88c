"""Renaming steps: whatever names a step follows (F50)."""

import pytest
from hypothesis import given, settings

from journeyflow import (
    Chain,
    Condition,
    End,
    Exit,
    Goal,
    InvalidJourney,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    all_of,
    any_of,
    arm,
    field,
    not_,
    rename_step,
)
from journeyflow.definition.edits.renaming import renamed
from journeyflow.definition.steps import Step  # noqa: TC001 annotations of this file are read
from journeyflow.formats import dumps_journey, loads_journey
from journeyflow.testing import journeys


def whole(hello="hello", reply="reply"):
    """Write a journey in which a Send and a Wait are named in every way there is."""
    opened, told = f"message.{hello}.opened", f"wait.{reply}.amount"
    steps: list[Step] = [
        Send(hello, channel="EMAIL", template="t", next=reply),
        Wait(reply, event="order.placed", timeout="1 day", on_timeout=hello, next="choice"),
        Condition("choice", any_of(field(opened).eq("x"), not_(field("a").gt(field(told)))), yes=hello, no="mail"),
        Send("mail", channel="EMAIL", template="t", data={"a": [f"{{{{ {told} | none }}}} {{{{{{hello|x}}}}}}", 1]}),
        Wait("due", field=f"wait.{reply}.date", on_missing=hello),
        Wait("until", when=field(opened).is_not_null(), timeout="1 day"),
        Wait("again", event="order.placed", where=all_of(field(told).gt(1), field("event.x").eq(1)), timeout="1 day"),
        Split("test", arm(50, reply), arm(50, "mark")),
        Update("mark", field("amount").set(f"{{{{ {told} }}}}"), Chain.enroll("hello")),
        End("done"),
    ]
    exits = [Exit("out", event="order.placed", where=field(told).eq(1)), Exit("gone", when=field("hello").eq(1))]
    goal = Goal("order.paid", where=field(opened).is_not_null())
    return Journey(id="j", trigger=Trigger("go"), steps=steps, exits=exits, goal=goal)


def test_whatever_names_a_step_follows():
    """Continuations, rules of steps, exits and goal, fields, templates; not what only looks like the name."""
    assert renamed(whole(), {"hello": "401", "reply": "402"}) == whole("401", "402")
    assert rename_step(whole(), "hello", "401") == whole("401")


def test_two_steps_may_change_places():
    """All at once."""
    assert renamed(whole(), {"hello": "reply", "reply": "hello"}) == whole("reply", "hello")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("helo", "x", "there is no step 'helo' (did you mean 'hello'?)"),
        ("hello", "reply", "reply"),
        ("hello", "a.b", "the id contains a dot"),
        ("hello", "end", "the id 'end' is reserved"),
        ("hello", "", "must not be empty"),
    ],
)
def test_what_no_step_can_be_called_is_refused(old, new, said):
    """An unknown step, an id that is taken or cannot be."""
    with pytest.raises(InvalidJourney) as caught:
        rename_step(whole(), old, new)
    assert said in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(journeys())
def test_any_journey_can_be_renamed_and_named_back(journey):
    """As in a file in which every id of a step was replaced."""
    names = {step.id: f"r{number}" for number, step in enumerate(journey.steps)}
    there = renamed(journey, names)
    assert [step.id for step in there.steps] == list(names.values())
    assert renamed(there, {new: old for old, new in names.items()}) == journey
    assert loads_journey(dumps_journey(there)) == there


def test_a_part_of_an_attribute_that_looks_like_a_step_stays():
    """Only after `message.` and `wait.` a name is that of a step."""
    rule = field("customer.hello.opened").eq(True)
    journey = Journey(id="j", steps=[Send("hello", channel="EMAIL", template="t"), Condition("c", rule), End("done")])
    assert rename_step(journey, "hello", "hi").step("c") == journey.step("c")


def test_a_step_may_have_the_name_of_nothing():
    """A way that leads nowhere does not lead to a step called "None"."""
    wait = Wait("rest", event="x", timeout="1 day", next="last")
    found = rename_step(Journey(id="j", steps=[wait, End("last"), End("None")]), "None", "over")
    assert found == Journey(id="j", steps=[wait, End("last"), End("over")])
