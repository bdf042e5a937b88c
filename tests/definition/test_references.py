"""The names that rules and templates of a journey read, and whether they can have a value (R13, R59)."""

import pytest

from journeyflow import (
    Condition,
    Exit,
    Goal,
    Trigger,
    Update,
    Wait,
    field,
)
from tests.definition.test_validation import asks, send, wrong


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("message.hello.opened", None),
        ("message.hello.opened_at", None),
        ("wait.reply.amount", None),
        ("trigger.amount", None),
        ("enrollment.run", None),
        ("customer.plan", None),
        ("event", None),
        ("message", None),
        ("other.thing", None),
        ("message.hallo.opened", "there is no Send named 'hallo' (did you mean 'hello'?)"),
        ("message.reply.opened", "there is no Send named 'reply'"),
        ("message.hello.openned", "unknown name 'openned' (did you mean 'opened'?)"),
        ("wait.hello.amount", "there is no Wait for an event named 'hello'"),
        ("wait.rest.amount", "there is no Wait for an event named 'rest'"),
        ("wait.reply", "say which value of that event, wait.reply.x"),
        ("enrollment.runn", "unknown name 'runn' (did you mean 'run'?)"),
        ("enrollment.xyz", "unknown name 'xyz'; known are customer, entered_at, journey, key, run, tenant, version"),
        ("event.amount", "no event is at hand here; say trigger.x, or wait.<step>.x"),
    ],
)
def test_names_in_conditions(path, sentence):
    """R59: what names a step names one that can have the value."""
    steps = [send("hello"), Wait("rest", "1 day"), Wait("reply", event="x"), asks(path)]
    expected = [] if sentence is None else [f"steps[3].branches[0].when: {path!r}: {sentence} [reference]"]
    assert wrong(*steps) == expected


def test_names_in_every_other_place():
    """R59: templates, field waits, criteria of waits, exits and the goal know the run; entry rules know none."""
    unknown, here = field("message.x.opened").eq(True), field("event.a").eq(1)
    assert wrong(
        send(data={"a": ["{{ event.a }} {{ message.x.at }}"]}),
        Wait("f", field="event.birthday"),
        Wait("w", event="x", where=here & unknown),
        Update("u", field("a").set("{{ wait.x.y }}"), field("b").set("{{ trigger.a }}")),
        trigger=Trigger("x", where=here & unknown),
        run_criteria=here & field("enrollment.run").eq(1) & field("wait.w.a").eq(1),
        exits=[Exit("e", event="x", where=here & unknown), Exit("f", when=here)],
        goal=Goal("x", where=here & unknown),
    ) == [
        "trigger.where: 'message.x.opened': there is no run yet when this is asked [reference]",
        "run_criteria: 'enrollment.run': there is no run yet when this is asked [reference]",
        "run_criteria: 'wait.w.a': there is no run yet when this is asked [reference]",
        "exits[0].where: 'message.x.opened': there is no Send named 'x' [reference]",
        "exits[1].when: 'event.a': no event is at hand here; say trigger.x, or wait.<step>.x [reference]",
        "goal.where: 'message.x.opened': there is no Send named 'x' [reference]",
        "steps[0].data: 'event.a': no event is at hand here; say trigger.x, or wait.<step>.x [reference]",
        "steps[0].data: 'message.x.at': there is no Send named 'x' [reference]",
        "steps[1].field: 'event.birthday': no event is at hand here; say trigger.x, or wait.<step>.x [reference]",
        "steps[2].where: 'message.x.opened': there is no Send named 'x' [reference]",
        "steps[3].changes[0].value: 'wait.x.y': there is no Wait for an event named 'x' [reference]",
    ]


def test_names_where_a_run_is_at_hand():
    """R59: what belongs to the run may be asked in every place that knows one."""
    sent, mine = field("message.s.opened").eq(True), field("enrollment.run").gt(1)
    assert (
        wrong(
            send(),
            Wait("w", event="x", where=sent & mine),
            Wait("f", field="wait.w.date"),
            send("t", data={"a": "{{ message.s.id }} {{ wait.w.x }} {{ enrollment.customer }}"}),
            Update("u", field("a").set("{{ message.t.at }}")),
            Condition("c", sent & mine & field("wait.w.x").eq(1)),
            exits=[Exit("e", event="x", where=sent), Exit("f", when=sent & mine)],
            goal=Goal("x", where=sent & mine & field("wait.w.x").eq(1)),
        )
        == []
    )
