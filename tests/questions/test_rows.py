"""Every answer as rows: dictionaries of plain values, a data frame, and a table in a notebook."""

import sys
from datetime import datetime, timedelta

import attrs
import pytest

from journeyflow import End, Engine, Event, Goal, Journey, MemoryStore, Send, Split, Trigger, Wait, arm
from journeyflow.basics import frames
from journeyflow.basics.answer_rows import SHOWN
from journeyflow.basics.markup import escaped
from journeyflow.errors import MissingExtra
from tests.samples import START

JOURNEY = Journey(
    id="j",
    trigger=Trigger("go"),
    goal=Goal("order", within="7 days"),
    holdout=5,
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Split("test", arm(50), arm(50)),
        Wait("rest", "1 day"),
        End("done"),
    ],
)

ASK = {
    "customer": lambda engine: engine.customer("c1"),
    "enrollment": lambda engine: engine.enrollments("j", take=1)[0],
    "enrollments": lambda engine: engine.enrollments("j", take=None),
    "explanation": lambda engine: engine.explain("j", engine.enrollments("j", take=1)[0].customer),
    "journey": lambda engine: engine.journey("j"),
    "journeys": lambda engine: engine.journeys(),
    "message": lambda engine: engine.messages("j", take=1)[0],
    "messages": lambda engine: engine.messages("j"),
    "results": lambda engine: engine.results("j"),
    "stats": lambda engine: engine.stats("j", at=START),
    "benchmark": lambda engine: engine.benchmark(at=START),
    "timeline": lambda engine: engine.timeline("c1"),
    "why_not": lambda engine: engine.why_not("j", "nobody", at=START),
}


@pytest.fixture(scope="module")
def engine():
    """Give an engine in which 150 people are."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.put_customers({f"c{n}": {"email": f"c{n}@x.example"} for n in range(150)}, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(150))
        engine.tick(START)
        yield engine


def is_plain(value):
    """Return whether a value consists of dictionaries, lists and simple values."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(inner) for key, inner in value.items())
    return all(map(is_plain, value)) if isinstance(value, list) else not attrs.has(type(value))


@pytest.mark.parametrize("name", ASK)
def test_an_answer_is_plain_rows_and_a_table(engine, name):
    """Whatever it is: a notebook shows a table, and nothing of it is markup of the host's."""
    answer = ASK[name](engine)
    rows = answer.to_dicts()
    assert rows
    assert is_plain(rows)
    shown = answer._repr_html_()
    assert shown.count("<table>") == 1
    assert len(shown) < 200_000
    assert shown.startswith(f"<p>{escaped(CAPTIONS[name])}</p>")


CAPTIONS = {
    "customer": "Customer: id c1",
    "enrollment": "Enrollment: journey j, customer c0, run 1, step rest",
    "enrollments": "150 of 150 enrollments",
    "explanation": "c0 in j version 1, run 1: ACTIVE",
    "journey": "Journey: id j",
    "journeys": "1 of 1 journey",
    "message": "Message: id memory-1-1, journey j, customer c0, run 1, step hello, channel EMAIL",
    "messages": "25 of 139 messages",
    "results": "Results of journey j",
    "stats": "Statistics of journey j, 2025-12-06 to 2026-01-05 (UTC)",
    "benchmark": "Benchmark",
    "timeline": "What happened to c1",
    "why_not": "Why nobody is not in journey j",
}
"""What a notebook says above each: in words, and not as Python would write it."""


def test_an_answer_of_nothing_says_so(engine):
    """In words: no brackets without anything in them, and no table of a header alone."""
    for nothing in (engine.refusals(), engine.enrollments(customer="nobody"), engine.latest_messages("j", failed=True)):
        shown = nothing._repr_html_()
        assert shown.endswith("<p>There is nothing to show.</p>")
        assert "()" not in shown
        assert "<table" not in shown


def test_a_page_is_a_row_for_each_item(engine):
    """In its order; the notebook shows the first hundred, and says so."""
    page = ASK["enrollments"](engine)
    assert [row["serial"] for row in page.to_dicts()] == [each.serial for each in page]
    assert isinstance(page.to_dicts()[0]["entered_at"], datetime)
    assert page._repr_html_().count("<tr>") == SHOWN + 1
    assert f"{SHOWN} of 150 rows are shown" in page._repr_html_() or len(page) < 150


def test_statistics_are_a_row_for_each_step(engine):
    """With the figures of the step."""
    assert [row["step"] for row in ASK["stats"](engine).to_dicts()] == ["hello", "test", "rest", "done"]


def test_results_are_a_row_for_each_group(engine):
    """Those let in, those kept out, and the arms of each Split."""
    rows = ASK["results"](engine).to_dicts()
    assert [(row["split"], row["group"]) for row in rows][2:] == [("test", "A"), ("test", "B")]


def test_rows_are_a_data_frame_where_pandas_is(engine):
    """A column for each field."""
    pytest.importorskip("pandas", reason="needs the extra `pandas`")
    frame = ASK["messages"](engine).to_pandas()
    assert list(frame["channel"].unique()) == ["EMAIL"]


def test_a_chart_is_a_data_frame_too(engine):
    """Of the table beside it, as text."""
    pytest.importorskip("pandas", reason="needs the extra `pandas`")
    chart = ASK["stats"](engine).funnel()
    assert list(chart.to_pandas()["step"]) == ["hello", "test", "rest", "done"]


def test_lengths_of_time_are_in_words_in_a_notebook():
    """The rows keep them as they are."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(attrs.evolve(JOURNEY, holdout=0), at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START + timedelta(days=2))
        found = engine.time_to_end("j")
    shown = found._repr_html_()
    assert shown.startswith("<p>1 run ended, half within 1 day")
    assert ">1 day<" in shown
    assert "day, 0:00:00" not in shown
    assert isinstance(found.to_dicts()[0]["since"], timedelta)


def test_a_data_frame_needs_pandas(engine, monkeypatch):
    """Where it is not installed, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"journeyflow\[pandas\]"):
        ASK["messages"](engine).to_pandas()


def test_without_a_holdout_there_is_no_row_for_one():
    """Those let in are all there are."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(attrs.evolve(JOURNEY, holdout=0), at=START)
        rows = engine.results("j").to_dicts()
    assert [(row["split"], row["group"]) for row in rows][1:] == [("test", "A"), ("test", "B")]


def test_hostile_texts_are_text_in_a_notebook():
    """Names, values and errors; long ones are cut."""
    hostile = "<script>alert(1)</script>"
    with Engine(MemoryStore()) as engine:
        engine.put_customer(hostile, {hostile: hostile * 100}, at=START)
        engine.tick(START + timedelta(days=1))
        shown = engine.customer(hostile)._repr_html_()
    assert "<script" not in shown
    assert len(shown) < 5_000


def test_a_frame_is_of_plain_rows():
    """As every other answer's: the one place that needs pandas."""
    pytest.importorskip("pandas", reason="needs the extra `pandas`")
    assert frames.frame_of([{"a": 1}]).to_dict("records") == [{"a": 1}]
