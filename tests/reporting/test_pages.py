"""Reports as pages of HTML: what they say, that they load and run nothing, and that hostile names are text."""

import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import attrs
import pytest

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Goal,
    Journey,
    MemoryStore,
    Send,
    Split,
    Trigger,
    Wait,
    arm,
    field,
)
from journeyflow.basics.html_tables import PlainTable
from journeyflow.errors import NotFound
from journeyflow.questions.numbers.figures import sent_by_day
from journeyflow.reporting import ReportPage, Section, definition_page
from tests.reader import Reader
from tests.samples import START

HOSTILE = '<script>alert("x")</script>'

JOURNEY = Journey(
    id="club",
    name=HOSTILE,
    trigger=Trigger("go"),
    goal=Goal("order", within="7 days"),
    holdout=10,
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Split("test", arm(50, [Send("tips", channel="SMS", template="u")]), arm(50)),
        Wait("rest", "1 day"),
        End("done"),
    ],
)


@pytest.fixture
def engine():
    """Give an engine with forty people in a journey, a refusal, a failed message and another journey."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.deploy(Journey(id="other", trigger=Trigger("no"), steps=[End("done")]), at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(40))
        engine.feed(Event("go", customer="c1", at=START, id="again"))
        engine.tick(START)
        messages = engine.claim("m", at=START, limit=100)
        engine.ack(messages[1:], at=START)
        engine.nack(messages[0], at=START, error="550 no such <b>mailbox</b>", permanent=True)
        engine.feed(Event("order", customer=f"c{n}", at=START + timedelta(hours=1)) for n in range(0, 40, 3))
        engine.tick(START + timedelta(hours=2))
        yield engine


def test_a_report_says_who_came_what_was_sent_and_what_failed(engine):
    """With the figures that the questions of the engine answer."""
    read = Reader(engine.report("club", at=START + timedelta(hours=2)).to_html())
    stats = engine.stats("club", at=START)
    for said in ("ACTIVE, version 1", "already inside", "550 no such <b>mailbox</b>", "Messages sent by day", HOSTILE):
        assert said in read.said
    rows = [(tag, attrs) for tag, attrs in read.elements if tag == "table"]
    assert len(rows) >= 5
    assert f"{stats.people.total:,}" in read.said
    assert all(sentence in read.said for sentence in engine.results("club").sentences)


def test_a_report_of_journeys_in_several_zones_has_the_days_of_all():
    """Each message is on its own day, and counts once, also if the host says twice that it was sent (R82)."""
    at = START.replace(hour=20)  # the next day in Auckland
    with Engine(MemoryStore()) as engine:
        for zone in ("Pacific/Auckland", "Pacific/Honolulu"):
            journey = Journey(
                id=zone[8:], trigger=Trigger("go"), timezone=zone,
                steps=[Send("hi", channel="EMAIL", template="t"), Wait("rest", "90 days")],
            )  # fmt: skip
            engine.deploy(journey, at=at)
        engine.feed(Event("go", customer="c1", at=at))
        engine.tick(at)
        messages = engine.claim("w", at=at)
        engine.ack(messages, at=at)
        engine.feed(Event("message.sent", customer="c1", at=at, data={"message": each.id}) for each in messages)
        engine.tick(at)
        read = Reader(engine.report(at=at).to_html())
        chart = sent_by_day({each.journey: each for each in engine.all_stats(at=at)})
    assert "2 journeys, 2025-12-06 to 2026-01-06" in read.said
    assert chart.rows[-2:] == (("2026-01-05", "0", "1"), ("2026-01-06", "1", "0"))


def test_a_report_of_all_journeys_has_a_row_for_each(engine):
    """And what they refused."""
    read = Reader(engine.report(at=START + timedelta(hours=2)).to_html())
    assert "2 journeys" in read.said
    assert "club ACTIVE" in read.said
    assert "other ACTIVE" in read.said
    assert "already inside" in read.said


def test_a_journey_that_did_nothing_has_a_report_too():
    """It sends nothing, nobody came, and there is nothing to compare."""
    with Engine(MemoryStore()) as engine:
        assert "0 journeys, no days" in Reader(engine.report(at=START).to_html()).said
        engine.deploy(Journey(id="quiet", trigger=Trigger("go"), steps=[End("done")]), at=START)
        said = Reader(engine.report("quiet", at=START).to_html()).said
    assert "The journey sends nothing" in said
    assert "Refused entries None." in said
    assert "Failures None: no message was given up, and no run failed." in said
    assert "Experiments" not in said


def test_a_report_is_plain_values_too(engine):
    """What stands in the tables of the page, for programs."""
    found: dict[str, Any] = engine.report("club", at=START + timedelta(hours=2)).to_dict()
    sections = {each["heading"]: each for each in found["sections"]}
    assert sections["At a glance"]["tables"][0][0]["entered"] == engine.stats("club", at=START).people.total
    assert sections["Refused entries"]["tables"] == [[{"reason": "already inside", "entries": 1, "customers": 1}]]
    assert sections["The journey"]["tables"] == []


def test_an_unknown_journey_has_no_report(engine):
    """As with every question."""
    with pytest.raises(NotFound):
        engine.report("clubb", at=START)


def test_failures_of_runs_are_listed():
    """Each with its reason."""
    loop = Journey(
        id="loop", trigger=Trigger("go"), max_visits=3,
        steps=[Wait("a", "1 hour"), Condition("c", field("never").eq(1), yes="end", no="a"), End("end")],
    )  # fmt: skip
    with Engine(MemoryStore()) as engine:
        engine.deploy(loop, at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START)
        engine.tick(START + timedelta(days=1))
        said = Reader(engine.report("loop", at=START + timedelta(days=1)).to_html()).said
    assert "1 run failed" in said
    assert "ann 1" in said


@pytest.mark.parametrize("journey", ["club", None])
def test_a_page_loads_and_runs_nothing(engine, journey):
    """Its policy allows its own style sheets and nothing else; there is no script, no link, no image."""
    text = engine.report(journey, at=START).to_html()
    read = Reader(text)
    assert {tag for tag, _ in read.elements}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "a", "form", "base"}
    )
    assert not [
        name
        for _, attrs in read.elements
        for name in attrs
        if name.startswith("on") or name in {"src", "href", "style"}
    ]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL):
        assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy[1]


def test_a_report_of_fifty_steps_is_small():
    """It can be mailed: less than 200 KB."""
    steps = [Send(f"s{n}", channel="EMAIL", template="t") for n in range(25)] + [
        Wait(f"w{n}", "1 day") for n in range(24)
    ]
    with Engine(MemoryStore()) as engine:
        engine.deploy(Journey(id="long", trigger=Trigger("go"), steps=[*steps, End("end")]), at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START)
        assert len(engine.report("long", at=START).to_html().encode()) < 200_000


def test_every_text_of_a_page_is_escaped():
    """Titles, headings, sentences, headers and cells; None is a dash, numbers have separators."""
    rows = [[HOSTILE, 12_345, None, 0.5]]
    text = ReportPage(
        HOSTILE, [HOSTILE], [Section(HOSTILE, [HOSTILE], [PlainTable([HOSTILE, "n", "", "r"], rows)])]
    ).to_html()
    assert "<script" not in text
    said = Reader(text).said
    assert said.count(HOSTILE) == 7
    assert "12,345 \N{EN DASH} 0.5" in said


def test_a_page_is_plain_text_too(engine):
    """Its sentences, and the numbers of its tables and charts in columns: what a terminal or a mail shows."""
    page = engine.report("club", at=START + timedelta(hours=2))
    said = str(page)
    assert said.startswith(f"Journey {HOSTILE}\nACTIVE, version 1")
    assert re.search(r"^step +visits +of those before it +of the first +left here$", said, re.MULTILINE)
    assert re.search(r"^already inside +1 +1$", said, re.MULTILINE)
    assert "<svg" not in said
    assert repr(page) == f"ReportPage('Journey {HOSTILE}', 8 sections)"
    assert page._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert str(ReportPage("t", [], [], "as it was")) == "as it was"


def test_a_report_names_where_most_left():
    """The step with most first; a journey that nobody left says so."""
    journey = Journey(
        id="j",
        trigger=Trigger("go"),
        exits=[Exit("quit", event="quit")],
        steps=[Wait("a", "1 day"), Wait("b", "1 day")],
    )
    with Engine(MemoryStore()) as engine:
        engine.deploy(journey, at=START)
        engine.feed(Event("go", customer=name, at=START) for name in "abcd")
        engine.tick(START)
        assert "Nobody left the journey before its end." in str(engine.report("j", at=START))
        engine.feed(Event("quit", customer=name, at=START + timedelta(hours=30 * n)) for n, name in enumerate("abc"))
        engine.tick(START + timedelta(days=5))
        said = str(engine.report("j", at=START + timedelta(days=5)))
    assert "Most left the journey at 'a' (1 of 4 visits), 'b' (1 of 3 visits)." in said
    assert "4 runs ended: half within" in said


def test_revenue_stands_with_the_people():
    """In minor units, where there is any."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(9))
        engine.tick(START)
        messages = engine.claim("m", at=START, limit=9)
        engine.ack(messages, at=START)
        revenue = {"message": messages[0].id, "amount": 1234}
        engine.feed([Event("revenue", customer=messages[0].customer, at=START, data=revenue)])
        engine.tick(START + timedelta(hours=1))
        page = engine.report("club", at=START + timedelta(hours=1))
    found: dict[str, Any] = page.to_dict()
    assert found["sections"][0]["tables"][0][0]["revenue, in minor units"] == 1234


def test_a_journey_alone_is_a_page_with_its_steps():
    """What a step does and where it leads; with an earlier version, that the signs mean a change."""
    page = definition_page(attrs.evolve(JOURNEY, description="For members."), JOURNEY)
    found: dict[str, Any] = page.to_dict()
    (rows,) = found["sections"][1]["tables"]
    assert rows[1]["step"] == "test"
    assert rows[1]["leads to"] == "A 50%: tips, B 50%: rest"
    assert page.lead[0] == "For members."
    assert "earlier version" in page.lead[1]
    assert definition_page(JOURNEY).lead == []


def test_printed_pages_show_the_tables_that_are_folded_on_a_screen(engine):
    """And no page asks for more room than the paper has."""
    text = engine.report("club", at=START).to_html()
    assert "@media print{" in text
    assert "details::details-content{content-visibility:visible" in text
