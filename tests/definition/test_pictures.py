"""What a journey looks like: in a notebook, as Mermaid, as DOT."""

from datetime import UTC, datetime

import pytest

from journeyflow import Condition, End, Journey, Send, Split, Trigger, Until, Update, Wait, arm, field, tag
from journeyflow.definition.pictures import MAX_LINES, MAX_PICTURE, dot, edges, markdown, mermaid, summary

ALL = Journey(
    id="j",
    name="All",
    trigger=Trigger("go", where=field("plan").eq("gold")),
    steps=[
        Send("hello", channel="EMAIL", template="t", name='Say "hi" `now`'),
        Wait("said", event="said", timeout="3 days", on_event=[Update("u", tag.add("x"))], on_timeout="rich"),
        Wait("day", field="birthday", offset="-1 day", on_missing="rich", on_past="end"),
        Condition("rich", field("plan").eq("gold"), yes=[Split("s", arm(40), arm(60))]),
    ],
)


def test_a_notebook_draws_a_journey():
    """What a notebook shows of the last line of a cell is the Mermaid picture, in Markdown."""
    assert ALL._repr_markdown_() == markdown(ALL) == f"```mermaid\n{mermaid(ALL)}\n```"


def test_an_empty_draft_is_drawn_too():
    """There is nothing after the trigger yet."""
    empty = Journey(id="j", steps=[])
    assert empty._repr_markdown_() == '```mermaid\nflowchart TD\n    start(["by hand"])\n```'
    assert "->" not in dot(empty)


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        (Trigger(manual=True), "by hand"),
        (Trigger("go", where=field("n").gt(1)), "go where n > 1"),
        (Trigger.every("1 day", list="news", size=5), "5 of list 'news' every 1 day"),
        (Trigger.every("7 days", where=field("n").gt(1)), "everybody every 7 days where n > 1"),
    ],
)
def test_the_trigger_begins_the_picture(trigger, text):
    """An event, a schedule or a hand."""
    journey = Journey(id="j", trigger=trigger, steps=[End("done")])
    assert text.replace(">", "#62;").replace("'", "#39;") in mermaid(journey)
    assert text in dot(journey)


@pytest.mark.parametrize(
    "steps",
    [
        [Wait(f"w{n}", "1 day") for n in range(MAX_LINES // 2)],
        [Wait(f"{n}", "1 day", name="\N{SNOWMAN}" * 60) for n in range(MAX_PICTURE // 400)],
    ],
)
def test_what_mermaid_would_not_draw_is_shown_as_a_line(steps):
    """It refuses many edges and long texts: a notebook then shows the journey's repr."""
    journey = Journey(id="j", steps=steps)
    assert journey._repr_markdown_() is None
    assert Journey(id="j", steps=steps[: len(steps) // 2])._repr_markdown_() is not None


def test_every_way_is_drawn():
    """The edges are those that people can go, with what leads along them; both kinds of picture have them all."""
    assert [(each.start, each.end, each.label) for each in edges(ALL)] == [
        ("hello", "said", ""),
        ("said", "u", "event"),
        ("said", "rich", "timeout 3 days"),
        ("u", "day", ""),
        ("day", "rich", ""),
        ("day", "rich", "missing"),
        ("day", "end", "past"),
        ("rich", "s", "yes"),
        ("rich", "end", "no"),
        ("s", "end", "A 40%"),
        ("s", "end", "B 60%"),
    ]
    forever = Journey(id="j", steps=[Wait("said", event="said")])
    assert [(each.start, each.end, each.label) for each in edges(forever)] == [("said", "end", "event")]
    assert mermaid(ALL).count(" -->") == dot(ALL).count(" -> ") == 12


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Send("s", channel="EMAIL", template="t"), "EMAIL t"),
        (Wait("w", event="said"), "wait for said"),
        (Wait("w", when=tag.contains("x")), "wait until tags contains 'x'"),
        (Wait("w", field="birthday"), "wait for birthday"),
        (Wait("w", field="birthday", offset="-1 day"), "wait for birthday -1 day"),
        (Wait("w", "2 hours"), "wait 2 hours"),
        (Wait("w", at=datetime(2026, 1, 5, 9, tzinfo=UTC)), "wait until 2026-01-05T09:00Z"),
        (Wait("w", until=Until("09:00")), "wait until 09:00"),
        (Update("u", tag.add("x")), "add tags 'x'"),
        (Split("s", arm(40), arm(60)), "split by chance"),
        (End("e", outcome="won"), "end won"),
        (End("e"), "end"),
    ],
)
def test_each_step_says_in_a_line_what_it_does(step, said):
    """The second line of its box."""
    assert summary(step) == said


def test_no_text_of_a_journey_is_taken_for_markup():
    """Quotes, backticks and brackets are written as entities in Mermaid, and escaped in DOT; long texts are cut."""
    assert 'n0[/"Say #34;hi#34; #96;now#96;<br/>EMAIL t"/]' in mermaid(ALL)
    assert 'label="Say \\"hi\\" `now`\\nEMAIL t"' in dot(ALL)
    long = Journey(id="j", steps=[End("done", name="x" * 61)])
    assert '"' + "x" * 59 + "…<br/>" in mermaid(long)


def test_a_recurrence_is_drawn():
    """A wait that only recurs says how often."""
    assert "wait, every 1 month" in mermaid(Journey(id="j", steps=[Wait("w", every="1 month")]))
