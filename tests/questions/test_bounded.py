"""Whatever a host calls things: the repr of an answer is short, its rows are plain, and a notebook shows it as text."""

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
    Update,
    Wait,
    any_of,
    arm,
    field,
)
from journeyflow.analysis import analyze, compare
from journeyflow.simulation import Behavior, Population, When, simulate
from journeyflow.testing import Life
from tests.questions.test_rows import is_plain
from tests.samples import START

MOST = 2_000
"""Characters that nobody minds in a log, a traceback or a notebook."""

HOSTILE = [
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "\u202eabc\u2066",
    "é\N{PILE OF POO}" * 5_000,
    "]]>&amp;",
    "a\nb\x1b[31mc",
    "```mermaid",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=30)).filter(
    lambda text: text.strip() == text and text.replace("\0", "") == text
)


def journey_of(text):
    """Return a journey that says a text wherever it may, and a name of 150 characters where it may be no longer."""
    return Journey(
        id="j" * 150,
        name=text,
        description=text,
        trigger=Trigger("go", where=field("event.said").eq(text)),
        goal=Goal("order", within="7 days"),
        holdout=5,
        exits=[Exit("quit", event="quit", where=field("event.x").in_([text] * 20))],
        steps=[
            Send("hello", channel="EMAIL", template="t", name=text, data={"a": text, "b": {"c": [text] * 9}}),
            Condition("rich", any_of(*[field("x").eq(text)] * 12), yes=[Split("p", arm(50), arm(50))]),
            Update("mark", field("said").set(text), *[field(f"n{n}").set(text) for n in range(20)]),
            *[Wait(f"w{n}", "1 hour", name=text) for n in range(9)],
            End("end", outcome=text[:100]),
        ],
    )


def answers_of(text):
    """Yield every kind of answer about a customer who says a text, each with its name."""
    journey, customer = journey_of(text), "c" * 190
    with Engine(MemoryStore()) as engine:
        engine.deploy(journey, at=START)
        engine.put_customer(customer, {"x": text, "deep": {"a": [{"b": text}] * 20}}, at=START)
        event = Event("go", customer=customer, at=START, data={"said": text, "more": [text] * 20})
        engine.feed([event])
        yield from {"event": event, "tick": engine.tick(START)}.items()
        name, at = journey.id, START + timedelta(days=3)
        messages = engine.claim("w", at=START)
        engine.nack(messages, at=START, error=text * 3, permanent=True)
        yield from {"claimed": messages, "later": engine.tick(at), "customer": engine.customer(customer)}.items()
        explained, timeline, stats = (
            engine.explain(name, customer),
            engine.timeline(customer),
            engine.stats(name, at=at),
        )
        results = engine.results(name)
        yield from {
            "journeys": engine.journeys(), "info": engine.journey(name), "versions": engine.versions(name),
            "steps": engine.steps(name), "sends": engine.sends(), "enrollments": engine.enrollments(name, take=None),
            "enrollment": engine.enrollment(name, customer), "visit": engine.enrollment(name, customer).visits[0],
            "explanation": explained, "decision": explained.visits[0], "timeline": timeline,
            "moment": timeline.moments[0], "messages": engine.messages(name), "message": engine.messages(name)[0],
            "why_not": engine.why_not(name, customer, at=at), "people": engine.people(name, "end"),
            "stats": stats, "step": stats.by_step["rich"], "day": stats.daily[0], "all stats": engine.all_stats(at=at),
            "results": results, "split": results.splits["p"], "group": results.let_in,
            "benchmark": engine.benchmark(at=at), "time to end": engine.time_to_end(name),
            "refusals": engine.refusals(), "refused": engine.refused(), "report": engine.report(name, at=at),
        }.items()  # fmt: skip
    yield "journey", journey
    yield from ((f"step {step.id}", step) for step in journey.steps[:5])
    yield from {
        "trigger": journey.trigger,
        "exit": journey.exits[0],
        "rule": journey.step("rich").branches[0].when,
    }.items()
    yield "life", Life([event] * 60, START)


@settings(max_examples=1, derandomize=True, database=None, deadline=None)
@given(text=TEXTS)
@example(text=HOSTILE[0])
@example(text=HOSTILE[3])
@example(text=HOSTILE[5])
def test_every_answer_is_short_plain_and_text(text):
    """Its repr is bounded, its rows hold no object of ours, and what a notebook shows runs nothing."""
    for name, each in answers_of(text):
        assert len(repr(each)) <= MOST, name
        if hasattr(each, "to_dicts"):
            assert is_plain(each.to_dicts()), name
        shown = f"{getattr(each, '_repr_html_', str)()}{getattr(each, '_repr_svg_', str)()}"
        if hasattr(each, "_repr_html_"):
            assert "<script" not in shown, name
            assert "<svg onload" not in shown, name
            assert "\u202e" not in shown, name
            assert len(shown) < 400_000, name


def test_what_an_engine_answers_can_be_read_as_rows():
    """Each answer that is neither an event, a definition nor a life."""
    without = {"event", "trigger", "exit", "rule", "life", "journey", "report"}
    found = {name for name, each in answers_of("x") if not hasattr(each, "to_dicts")}
    assert {name for name in found if not name.startswith("step ")} == without


@pytest.mark.unmeasured
def test_what_simulations_and_analyses_answer_is_short_too():
    """The figures are in their rows."""
    journey, people = journey_of("é" * 5_000), Population(size=9, attributes={"x": "é" * 5_000})
    outcome = simulate(journey, population=people, start=START, until="3 days")
    change = compare(journey, journey, population=people, start=START, until="3 days")
    behavior = Behavior(opened=0.4, when=[When(channel="EMAIL", opened=0.3)] * 40)
    for each in (outcome, change, people, behavior, analyze(journey), analyze(journey).paths, outcome.report()):
        assert len(repr(each)) <= MOST
    assert (outcome._repr_svg_() or "").startswith("<svg")
    for each in (outcome, change):
        assert is_plain(each.to_dicts())
        assert len(each._repr_html_()) < 400_000


def test_a_tuple_of_answers_is_one():
    """It is equal to a plain one, and says how many there are where that would be long."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(
            Journey(id="j", trigger=Trigger("go"), steps=[Wait(f"w{n}", "1 hour") for n in range(20)]), at=START
        )
        found = engine.steps("j")
        assert found == tuple(found)
        assert [row["id"] for row in found.to_dicts()][:2] == ["w0", "w1"]
        assert repr(found).startswith("<21 answers, the first StepInfo(number=1, id='w0'")
        assert repr(engine.versions("j")).startswith("(VersionInfo(version=1")
        assert found._repr_html_().count("<tr>") == 22
