"""A journey version compiled: positions instead of ids, functions instead of rules, and what it reads and emits."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from journeyflow import (
    Condition,
    Duration,
    End,
    Exit,
    Goal,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.definition.rules.evaluation import Sample
from journeyflow.machine.compiled_steps import NOWHERE, CompiledWait
from journeyflow.machine.program import Program, compile_journey

PAID = field("plan").eq("paid")


def compiled(*steps: Any, **options: Any) -> Program:
    """Compile a journey of these steps."""
    journey = Journey(**{"id": "j", "steps": steps or [End("done")], **options})
    return compile_journey(journey, number=7, journey_number=3, version=2, tenant="acme")


def node(program: Program, name: str) -> Any:
    """Return a compiled step of whatever kind."""
    return program.nodes[program.journey.index[name]]


def send(name: str, **options: Any) -> Send:
    """Make a Send."""
    return Send(name, **{"channel": "EMAIL", "template": "t", **options})


def test_a_program_knows_whose_it_is():
    """`enrollment.x` and the store's numbers."""
    program = compiled()
    assert (program.number, program.journey_number, program.version, program.tenant) == (7, 3, 2, "acme")
    assert program.header == ("acme", "j", 2)


def test_continuations_become_positions():
    """A step is where it stands in the list; an End leads nowhere."""
    program = compiled(send("a", next="c"), send("b"), End("c"))
    assert [each.next for each in program.nodes] == [2, 2, NOWHERE]
    assert [each.id for each in program.nodes] == ["a", "b", "c"]
    assert [each.kind for each in program.nodes] == [Send, Send, End]
    assert node(program, "c").outcome == ""


def test_data_without_templates_are_written_once():
    """R39: data with templates are rendered at the Send's instant, others are text already, none are nothing."""
    program = compiled(
        send("plain", data={"a": [1, None]}, window=Window("MON", "09:00", "10:00"), expires="2 days"),
        send("rendered", data={"a": "{{ plan }}"}),
        send("none"),
    )
    plain, rendered, none = (node(program, name) for name in ("plain", "rendered", "none"))
    assert (plain.text, plain.render) == ('{"a":[1,null]}', None)
    assert (plain.step.window, plain.step.expires) == (Window("MON", "09:00", "10:00"), Duration(days=2))
    assert rendered.text is None
    assert rendered.render is not None
    assert rendered.render(Sample({"plan": "paid"})) == {"a": "paid"}
    assert (none.text, none.render) == (None, None)


def test_the_ways_out_of_a_wait():
    """R32, R37: what has no continuation of its own goes on as elapsed."""
    program = compiled(
        Wait("reply", event="x", where=PAID, timeout="2 days", on_event="yes"),
        Wait("date", field="birthday", on_missing="no"),
        End("yes"),
        End("no"),
    )
    reply, date, yes, no = range(4)
    ways = {"event": yes, "timeout": date, "missing": date, "past": date, "elapsed": date}
    assert node(program, "reply").edges == {name: (to, ("reply", "COMPLETED", name)) for name, to in ways.items()}
    ways = {"event": yes, "timeout": yes, "missing": no, "past": yes, "elapsed": yes}
    assert node(program, "date").edges == {name: (to, ("date", "COMPLETED", name)) for name, to in ways.items()}
    assert node(program, "reply").length == Duration(days=2)
    assert node(program, "date").length is None
    question = node(program, "reply").question
    assert question is not None
    assert (question(Sample({"plan": "paid"})), question(Sample({}))) == (True, False)
    assert reply == 0


def test_a_wait_keeps_its_window_and_duration():
    """R32: a duration and a timeout are the length that is waited."""
    program = compiled(Wait("w", "3 days", window=Window("SAT", "09:00", "10:00")))
    assert (node(program, "w").length, node(program, "w").step.window) == (
        Duration(days=3),
        Window("SAT", "09:00", "10:00"),
    )


def test_only_looping_openings_remember_when_they_were_left():
    """R35: an `until`, or a date of every year, that a run may come back to; all else forgets."""
    program = compiled(
        Wait("once", until="09:00"),
        Wait("weekly", until="MON 09:00"),
        Wait("pause", "1 day"),
        Wait("yearly", field="birthday", every="year"),
        Condition("again", PAID, yes="weekly"),
    )
    assert [each.id for each in program.nodes if isinstance(each, CompiledWait) and each.looping] == [
        "weekly",
        "yearly",
    ]


def test_branches_are_asked_in_order():
    """R37: the question, the position and the entry in the path; then the other way."""
    program = compiled(
        Condition("c", branches=[branch(PAID, "a"), branch(~PAID, label="free")], otherwise="a"), End("a")
    )
    (first, one), (second, other) = node(program, "c").branches
    assert (one, other) == ((1, ("c", "COMPLETED", "1")), (1, ("c", "COMPLETED", "free")))
    assert (first(Sample({"plan": "paid"})), second(Sample({"plan": "paid"}))) == (True, False)
    assert node(program, "c").otherwise == (1, ("c", "COMPLETED", "else"))


def test_arms_take_consecutive_ranges():
    """R38: of 10,000 buckets, in written order; an arm of 0 percent takes none."""
    program = compiled(Split("s", arm(0, "a"), arm(33.33, "b"), arm(66.67, "a", "rest")), End("a"), End("b"))
    assert node(program, "s").ends == [0, 3333, 10_000]
    assert node(program, "s").arms == [
        (to, ("s", "COMPLETED", label)) for to, label in ((1, "A"), (2, "B"), (1, "rest"))
    ]


def test_changes_are_kept_plain():
    """R39: field, action, value as plain lists, and how to render it where it holds templates."""
    program = compiled(Update("u", field("a").set(["x"]), field("b").set("{{ plan }}"), field("c").unset()))
    plain, rendered, unset = node(program, "u").actions
    assert plain == ("a", "set", ["x"], None)
    assert rendered[:3] == ("b", "set", "{{ plan }}")
    assert rendered[3] is not None
    assert rendered[3](Sample({"plan": "paid"})) == "paid"
    assert unset == ("c", "unset", None, None)


def test_ends_know_their_outcome_and_what_they_tell():
    """R40, R50: every end of a run is one `journey.completed`."""
    program = compiled(End("done", "finished"))
    assert node(program, "done").outcome == "finished"
    assert node(program, "done").completed == [("journey.completed", {"journey": "j"})]


def test_entries_of_a_path_are_shared():
    """One object for the same visit, for there are millions."""
    hello = compiled(send("hello")).nodes[0]
    first = hello.entry("COMPLETED", "queued")
    assert first == ("hello", "COMPLETED", "queued")
    assert hello.entry("COMPLETED", "queued") is first
    assert hello.entry("SKIPPED", "consent") == ("hello", "SKIPPED", "consent")


def test_exits_and_the_goal():
    """R42: their events and their questions; a goal ends the run only when asked to."""
    program = compiled(
        exits=[Exit("bought", event="order", where=PAID), Exit("paid", when=PAID, any_message=True)],
        goal=Goal("order", where=PAID, within="7 days"),
    )
    bought, paid = program.exits
    assert (bought.name, bought.event, bought.when, bought.any_message, bought.ends) == (
        "bought",
        "order",
        None,
        False,
        True,
    )
    assert bought.where is not None
    assert (paid.name, paid.event, paid.where, paid.any_message) == ("paid", None, None, True)
    assert paid.when is not None
    assert paid.when(Sample({"plan": "paid"}))
    goal = program.goal
    assert goal is not None
    assert (goal.name, goal.event, goal.within, goal.ends) == ("goal", "order", Duration(days=7), False)
    assert compiled().goal is None


def test_entry_rules_are_questions():
    """R20, R21: the trigger's criteria and the run criteria."""
    program = compiled(trigger=Trigger("x", where=PAID), run_criteria=~PAID)
    assert program.where is not None
    assert program.run_criteria is not None
    assert program.where(Sample({"plan": "paid"}))
    assert not program.run_criteria(Sample({"plan": "paid"}))
    assert (compiled().where, compiled().run_criteria) == (None, None)


@pytest.mark.parametrize(
    ("steps", "options", "expected"),
    [
        ([send("a"), Condition("c", field("message.a.opened").eq(True))], {}, True),
        ([send("a"), send("b", data={"x": "{{ message.a.id }}"})], {}, True),
        ([send("a")], {"exits": [Exit("e", when=field("message.a.clicked").eq(True))]}, True),
        ([send("a"), Condition("c", field("message").eq("x"))], {}, False),
        ([send("a"), Condition("c", PAID)], {}, False),
    ],
)
def test_messages_are_loaded_only_where_they_are_read(steps, options, expected):
    """R59: `message.<step>.x`, in a rule or a template of the journey."""
    assert compiled(*steps, **options).reads_posts is expected


def test_what_runs_emit():
    """R50: the end of a run, and one type of event per kind of change."""
    assert compiled().emits == {"journey.completed"}
    assert compiled(Update("u", tag.add("x"))).emits == {"journey.completed", "tag.added", "tag.removed"}
    changes = field("lists").add("x"), field("plan").set("x")
    assert compiled(Update("u", *changes)).emits == {
        *("journey.completed", "list.subscribed", "list.unsubscribed", "field.changed"),
    }


def test_what_a_version_listens_to():
    """R9: its trigger, its waits, its exits and its goal."""
    program = compiled(
        Wait("w", event="a"),
        trigger=Trigger("b"),
        exits=[Exit("e", event="c"), Exit("f", when=PAID)],
        goal=Goal("d"),
    )
    assert program.listens == {"a", "b", "c", "d"}
    assert compiled().listens == frozenset()


def test_who_watches_the_customer():
    """R37, R42: exits on a condition, and waits for a date field; nothing else acts on a changed attribute."""
    assert compiled(exits=[Exit("e", when=PAID)]).watches_customer
    assert compiled(Wait("w", field="birthday")).watches_customer
    assert not compiled(Wait("w", event="x", where=PAID), exits=[Exit("e", event="x")]).watches_customer


def test_channels_in_the_order_written():
    """R54: each once."""
    assert compiled(send("a"), send("b", channel="SMS"), send("c")).channels == ("EMAIL", "SMS")


def test_the_zone_that_counts():
    """R33: the journey's; with `customer_timezone` the customer's where it is valid."""
    paris, durban = ZoneInfo("Europe/Paris"), ZoneInfo("Africa/Johannesburg")
    own = {"timezone": "Europe/Paris"}
    assert compiled(timezone="Africa/Johannesburg").zone_of(dict(own)) == durban
    program = compiled(timezone="Africa/Johannesburg", customer_timezone=True)
    assert program.zone_of(dict(own)) == paris
    assert program.zone_of({"timezone": "Mars"}) == program.zone_of({}) == durban
