"""Journeys as SVG: what stands in the picture, what it says of numbers and of two versions, and what it never holds."""

import re
from xml.etree import ElementTree as ET

import pytest

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Goal,
    Journey,
    Limits,
    MemoryStore,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
    tag,
)
from journeyflow.definition.journey import LARGEST
from journeyflow.formats import dumps_journey, loads_journey
from journeyflow.reporting import StepCounts, svg
from tests.samples import START

SVG = "{http://www.w3.org/2000/svg}"

EVERYTHING = Journey(
    id="club",
    trigger=Trigger("joined", where=field("plan").eq("gold")),
    run_criteria=field("age").gte(18),
    consent="required",
    reentry=Reentry.after("90 days", key="event.card"),
    limits=Limits(per_hour=10, per_day=100, over="drop"),
    holdout=2.5,
    exits=[Exit("left", event="quit"), Exit("moved", when=field("country").eq("XX"))],
    goal=Goal("order", where=field("event.total").gt(9), within="7 days", exit=True),
    timezone="Europe/Paris",
    steps=[
        Send("hello", channel="EMAIL", template="hi"),
        Wait("reply", event="reply", timeout="3 days", on_event=[Update("mark", tag.add("x"))], on_timeout="rich"),
        Condition("rich", field("plan").eq("gold"), yes=[Split("half", arm(40), arm(60))], no="hello"),
        Wait("long", event="poke", timeout="1 day", on_event="long"),
        End("done", "bought"),
    ],
)


def texts(picture):
    """Return every line of text that a picture shows."""
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314 our own


def test_a_picture_shows_each_step_with_its_kind_name_and_what_it_does():
    """And every branch with its label."""
    shown = texts(svg(EVERYTHING))
    for said in (
        "SEND",
        "hello",
        "EMAIL hi",
        "WAIT",
        "wait for reply",
        "CONDITION",
        "SPLIT",
        "UPDATE",
        "END",
        "end bought",
    ):
        assert said in shown
    for label in ("event", "timeout 3 days", "yes", "no", "A 40%", "B 60%"):
        assert label in shown


def test_the_entry_rules_stand_above():
    """Who may enter, how often, who is kept out, and what ends a run early."""
    shown = " ".join(texts(svg(EVERYTHING)))
    assert "ENTERS joined where plan = 'gold'" in shown
    for said in (
        "Only if age >= 18",
        "Consent required to one of its channels",
        "Re-entry after 90 days, one run for each event.card",
        "Limits 10 an hour and 100 a day, more are refused",
        "Holdout 2.5% are kept out to compare with",
        "Exit left: quit",
        "Exit moved: as soon as country = 'XX'",
        "Goal order where event.total > 9 within 7 days, which ends the run",
        "Time zone Europe/Paris",
    ):
        assert said in shown


def test_a_plain_journey_says_no_more_than_it_has():
    """Of the entry rules, re-entry alone always stands there."""
    shown = " ".join(texts(svg(Journey(id="j", steps=[End("done")]))))
    assert shown == "Re-entry never ENTERS by hand END done end"


def test_an_empty_draft_is_drawn_too():
    """There is nothing after the trigger yet."""
    assert texts(svg(Journey(id="j", steps=[]))) == ["Re-entry", "never", "ENTERS", "by hand"]


def test_counts_stand_at_steps_and_branches():
    """Those given, and no zeros for those that are not known."""
    counts = {
        "reply": StepCounts(waiting=12, visited=3400, left=7, outcomes={"event": 20, "timeout": 3361}),
        "half": StepCounts(outcomes={"A": 5}),
    }
    shown = texts(svg(EVERYTHING, counts=counts))
    for said in (
        "12 here now · 3,400 visits · 7 left here",
        "event · 20",
        "timeout 3 days · 3,361",
        "A 40% · 5",
        "B 60%",
    ):
        assert said in shown


def test_statistics_give_the_counts_of_a_picture():
    """What `stats` answers is what the picture says."""
    rich = Condition("rich", field("plan").eq("gold"), yes=[Wait("stay", "9 days")], no=[End("poor")])
    journey = Journey(id="j", trigger=Trigger("go"), steps=[rich, End("done")])
    with Engine(MemoryStore()) as engine:
        engine.deploy(journey, at=START)
        engine.put_customers({"a": {"plan": "gold"}, "b": {}, "c": {}}, at=START)
        engine.feed(Event("go", customer=name, at=START) for name in "abc")
        engine.tick(START)
        shown = texts(svg(journey, counts=engine.stats("j", at=START).counts))
    assert {"yes · 1", "no · 2", "3 visits", "1 here now · 1 visit"} <= set(shown)


AFTER = Journey(
    id="club",
    trigger=Trigger("joined"),
    goal=Goal("order"),
    steps=[
        Send("hello", channel="EMAIL", template="hi2"),
        Wait("pause", "1 day"),
        Split("half", arm(50, "done"), arm(50, "done")),
        End("done", "bought"),
    ],
)


def test_two_versions_are_drawn_as_one_picture():
    """Steps, branches and entry rules that came, went or changed have a sign, so that nobody needs the colors."""
    shown = texts(svg(AFTER, before=EVERYTHING))
    assert {"± ENTERS", "± SEND", "+ WAIT", "± SPLIT", "END"} <= set(shown)
    removed = [line for line in shown if line.startswith("\N{MINUS SIGN} ")]
    assert sorted(set(removed)) == [
        f"\N{MINUS SIGN} {word}"
        for word in (
            "CONDITION",
            "Consent",
            "Exit",
            "Goal",
            "Holdout",
            "Limits",
            "Only if",
            "Re-entry",
            "Time zone",
            "UPDATE",
            "WAIT",
        )
    ]
    assert "+ Goal" in shown
    assert "Goal" not in shown


def test_the_same_version_twice_shows_no_change():
    """Nothing is marked where nothing differs."""
    assert svg(EVERYTHING, before=EVERYTHING) == svg(EVERYTHING)


def test_another_first_step_is_an_added_and_a_removed_arrow():
    """The arrow from the trigger belongs to the journey as well."""
    one, other = (Journey(id="j", steps=[End(name)]) for name in ("a", "b"))
    assert svg(other, before=one).count('class="link added"') == 1
    assert svg(other, before=one).count('class="link removed"') == 1
    empty = Journey(id="j", steps=[])
    assert svg(empty, before=one).count('class="link removed"') == 1
    assert svg(one, before=empty).count('class="link added"') == 1


def test_the_same_journey_gives_the_same_bytes():
    """Nothing in a picture depends on chance or on the clock."""
    assert svg(EVERYTHING) == svg(loads_journey(dumps_journey(EVERYTHING)))


def test_a_picture_loads_nothing_and_runs_nothing():
    """No script, no link, no image, no font from elsewhere, and no name that could clash with a page around it."""
    picture = svg(EVERYTHING)
    assert not re.search(r"<script|<image|<a |href|url\(|@import|@font-face|javascript:|on\w+=", picture)
    assert not re.search(r"\bid=", picture)
    assert all(
        selector.strip().startswith((".jf", "@media", "}"))
        for selector in re.findall(r"[^{}]+(?={)", picture.split("<style>")[1].split("</style>")[0])
    )


def test_a_picture_has_a_title_and_a_description_for_who_cannot_see_it():
    """And says that it is an image."""
    root = ET.fromstring(svg(EVERYTHING))  # noqa: S314 our own
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Journey club"
    assert "send hello, wait reply" in (root.findtext(f"{SVG}desc") or "")


HOSTILE = [
    '<script>alert("x")</script>',
    "]]>&amp;",
    "\u202eabc\u2066",
    "漢字" * 40,
    "\N{PILE OF POO}" * 50,
    "x" * 10_000,
    "a\x1b[31m",
    "\"' onload='x",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text(name):
    """In every place that holds a text of the host; the picture stays whole, and no wider than its boxes may be."""
    journey = Journey(
        id="j",
        trigger=Trigger("go", where=field("a").eq(name)),
        exits=[Exit(f"e{name}"[:200], event="x")],
        steps=[
            Send("s", channel="EMAIL", template=name[:200], name=name),
            Condition("c", field("b").eq(name), yes=[Split("p", arm(50, label=f"a{name}"[:200]), arm(50))]),
            End("end", outcome=f"o{name}"),
        ],
    )
    picture = svg(journey, before=AFTER)
    root = ET.fromstring(picture)  # noqa: S314 our own
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "g",
        "text",
        "path",
        "polygon",
    }
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
    assert float(root.get("width") or 0) < 2_000


def test_a_notebook_shows_the_picture_unless_it_would_be_huge():
    """Of a very large journey another form is shown."""
    assert EVERYTHING._repr_svg_() == svg(EVERYTHING)
    assert Journey(id="j", steps=[Wait(f"w{n}", "1 day") for n in range(LARGEST)])._repr_svg_() is None


def test_a_step_that_does_what_its_name_says_says_it_once():
    """The end that every journey has: its kind and its name, and no third line."""
    assert [text for text in texts(svg(Journey(id="j", steps=[Wait("w", "1 day")]))) if "end" in text.lower()] == [
        "END", "end",
    ]  # fmt: skip
