"""Answers as charts: every number of a picture and of its table is one of the answer in Python."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
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
    Wait,
    arm,
    field,
)
from journeyflow.definition.pictures import edges
from journeyflow.questions.numbers.experiments import results
from journeyflow.questions.numbers.figures import sent_by_day
from journeyflow.questions.numbers.intervals import Group, SampleRatio, compared, sample_ratio
from journeyflow.questions.numbers.lengths import MOST, SIZES, time_to_end
from journeyflow.questions.numbers.results import Results, SplitResults
from journeyflow.questions.timeline_moments import MOMENTS, Moment, Timeline
from journeyflow.stores.sqlite import SQLiteStore
from tests.drawing.test_charts import assert_readable
from tests.samples import START

JOURNEY = Journey(
    id="j",
    trigger=Trigger("go"),
    goal=Goal("order", within="9 days"),
    holdout=10,
    exits=[Exit("quit", event="quit")],
    steps=[
        Send("hello", channel="EMAIL", template="t", name="Say hello"),
        Condition(
            "rich", field("plan").eq("gold"),
            yes=[Split("test", arm(50, [Send("tips", channel="SMS", template="u")]), arm(50))],
        ),
        Wait("birthday", field="born", on_missing="reply"),
        Wait("reply", event="reply", timeout="3 days", on_event="end"),
        Wait("rest", "2 days"),
        End("end"),
    ],
)  # fmt: skip

STORES: dict[str, Callable[[], MemoryStore | SQLiteStore]] = {
    "memory": MemoryStore,
    "sqlite": lambda: SQLiteStore(":memory:", nonce="memory"),
}


def lived(store, crowd):
    """Return an engine in which people lived, and the instant of its last tick.

    A crowd is how many are gold, how many are not, how many reply, how many quit, and for how many days they live.
    """
    gold, poor, replies, quits, days = crowd
    engine = Engine(STORES[store]())
    engine.deploy(JOURNEY, at=START)
    names = [f"c{n}" for n in range(gold + poor)]
    engine.put_customers({name: {"plan": "gold" if n < gold else "none"} for n, name in enumerate(names)}, at=START)
    engine.feed(Event("go", customer=name, at=START) for name in names)
    engine.feed(Event("reply", customer=name, at=START + timedelta(hours=5)) for name in names[:replies])
    engine.feed(Event("quit", customer=name, at=START + timedelta(days=1)) for name in names[replies : replies + quits])
    engine.feed(Event("order", customer=name, at=START + timedelta(hours=2)) for name in names[::3])
    end = START + timedelta(days=days)
    engine.tick(end)
    return engine, end


CROWDS = st.tuples(*([st.integers(0, 12)] * 4), st.integers(0, 7))


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=8, derandomize=True, database=None, deadline=None)
@given(crowd=CROWDS)
def test_numbers_in_pictures_are_those_of_the_answers(store, crowd):
    """Visits, branches, who left where, and how long runs took."""
    engine, at = lived(store, crowd)
    with engine:
        stats, taken = engine.stats("j", at=at), dict[str, int]()
        funnel, flow = stats.funnel(JOURNEY), stats.flow(JOURNEY)
        for row, (name, step) in zip(funnel.to_dicts(), stats.by_step.items(), strict=True):
            assert row["step"] == (JOURNEY.step(name).name or name)
            assert (row["visits"], row["left here"]) == (f"{step.visited:,}", f"{step.left:,}")
            assert step.visited == (step.passed or 0) + (step.left or 0) + (step.active or 0)
        whole = f"{sum(day.entered or 0 for day in stats.daily):,}"
        assert flow.to_dicts()[0] == {"from": "entered", "to": "Say hello", "how many": whole}
        for edge, row in zip(edges(JOURNEY), flow.to_dicts()[1:], strict=True):
            many = int(row["how many"].replace(",", ""))
            taken[edge.start] = taken.get(edge.start, 0) + many
            if edge.outcome:
                assert many == (stats.by_step[edge.start].outcomes or {}).get(edge.outcome, 0)
        assert taken == {name: stats.by_step[name].passed for name in taken}
        lengths, known = engine._known("j"), stats.people
        with engine.store.reader() as reader:
            found = time_to_end(reader, lengths)
        assert known is not None
        assert found.ended == known.completed + known.exited + known.failed
        assert sum(int(cell or 0) for row in found.chart().rows for cell in row[1:]) == found.ended
        for chart in (funnel, flow, found.chart()):
            assert_readable(chart)


def test_a_funnel_has_step_and_cumulative_rates():
    """Of the visits of the steps that lead to a step, and of those of the first; without the journey neither."""
    engine, at = lived("memory", (9, 30, 4, 3, 7))
    with engine:
        stats = engine.stats("j", at=at)
    visits = {name: each.visited or 0 for name, each in stats.by_step.items()}
    rows = {row["step"]: row for row in stats.funnel(JOURNEY).to_dicts()}
    assert rows["tips"]["of those before it"] == f"{round(100 * visits['tips'] / visits['test'], 1):g}%"
    assert rows["tips"]["of the first"] == f"{round(100 * visits['tips'] / visits['hello'], 1):g}%"
    assert rows["Say hello"]["of those before it"] == "\N{EN DASH}"
    assert {row["of the first"] for row in stats.funnel().to_dicts()} == {"\N{EN DASH}"}
    counts = stats.counts["reply"]
    assert (counts.waiting, counts.passed, counts.left) == (0, visits["reply"] - 3, 3)


def test_messages_of_a_day_are_those_of_the_statistics():
    """In a color for each channel, and none for a step that sends nothing; without any there is an empty chart."""
    engine, at = lived("memory", (9, 30, 4, 3, 2))
    with engine:
        sent = engine.claim("worker", at=at)
        engine.ack(sent, at=at)
        engine.tick(at)
        by = {name: engine.stats("j", at=at, channel=name) for name in ("EMAIL", "SMS")}
        rest = sent_by_day({"rest": engine.stats("j", at=at, step="rest")})
    rows, none = sent_by_day(by).to_dicts(), {"EMAIL": "0", "SMS": "0"}
    today = {name: f"{sum(each.channel == name for each in sent)}" for name in by}
    assert rows == [{"": f"{day.date}", **(today if day.date == at.date() else none)} for day in by["SMS"].daily]
    assert "0" not in today.values()
    assert {row["rest"] for row in rest.to_dicts()} == {"0"}
    assert sent_by_day({}).rows == ()


def test_steps_that_a_part_of_statistics_leaves_out_are_nobody():
    """A channel has no people: nobody is drawn, and nothing fails."""
    engine, at = lived("memory", (3, 3, 1, 1, 2))
    with engine:
        stats = engine.stats("j", at=at, channel="EMAIL", step="hello")
        assert engine.stats("j", at=at, channel="EMAIL").counts["test"].outcomes == {}
    assert stats.by_step["hello"].left is None
    assert {row["how many"] for row in stats.flow(JOURNEY).to_dicts()} == {"0"}
    assert {row["visits"] for row in stats.funnel(JOURNEY).to_dicts()} == {"0"}
    assert stats.flow(Journey(id="j", steps=[])).rows == ()


def test_differences_are_those_of_the_results():
    """With their intervals in points; groups of the wrong sizes are doubtful, and a note says so."""
    engine, _ = lived("memory", (12, 40, 0, 0, 2))
    with engine:
        found = engine.results("j")
        assert found.comparison is not None
        record = engine._known("j")
        with engine.store.reader() as reader:
            assert results(reader, record) == found
    rows = found.chart().to_dicts()
    assert rows[0]["difference"].startswith(f"{100 * (found.comparison.difference or 0):+.1f} points")
    assert [row["groups"] for row in rows] == ["let in against holdout", "test: B against A"]
    assert "mismatch" not in found.chart().svg


def test_groups_of_the_wrong_sizes_are_drawn_as_doubtful(monkeypatch):
    """A sample ratio mismatch of the holdout or of a Split is told in the picture."""
    engine, _ = lived("memory", (12, 40, 0, 0, 2))
    with engine:
        found = engine.results("j")
    monkeypatch.setattr("journeyflow.questions.numbers.intervals.SUSPICIOUS", 2)
    chart = found.chart()
    assert "Sample ratio mismatch of the holdout: its groups must not be compared." in chart.svg
    assert "hollow" in chart.svg.split("</style>")[1]


def compared_by(holdout: SampleRatio | None, split: SampleRatio) -> Results:
    """Return results of a holdout and a Split whose groups have sizes that are tested so."""
    one, two, none = Group("A", 100, 30), Group("B", 100, 50), Group("C", 0, 0)
    pairs = (compared([(one, two)]), compared([(one, none)]))
    arms = SplitResults("test", (one, two, none), split, pairs, (compared([(two, one)]),), ())
    return Results("default", "j", one, two, pairs[0], holdout, {"test": arms})


@pytest.mark.parametrize(
    ("holdout", "split", "doubtful"),
    [(None, True, 0), (True, True, 0), (False, True, 2), (True, False, 2), (False, False, 3)],
)
def test_each_comparison_is_doubtful_by_its_own_groups(holdout, split, doubtful):
    """Those let in by the holdout's sizes, arms by their own, arms against the holdout by both (R87)."""
    ratio = {even: sample_ratio(({"A": 100, "B": 100 if even else 300}, {"A": 50, "B": 50})) for even in (True, False)}
    found = compared_by(None if holdout is None else ratio[holdout], ratio[split])
    chart = found.chart()
    assert (len(chart.rows), chart.svg.split("</style>")[1].count("hollow")) == (3, doubtful)
    told = [name in chart.svg for name in ("mismatch of the holdout", "mismatch of test")]
    assert told == [holdout is False, not split]
    said = "".join(found.sentences)
    assert ("j: 'B' converts" in said, "test: 'B' converts" in said) == (holdout is not False, split)
    assert ("test: 'A' converts" in said) == (split and holdout is not False)
    assert found._repr_svg_() == chart.svg


def test_results_without_a_comparison_have_no_picture():
    """There is no difference to draw, and an empty frame says nothing."""
    nobody = Results("default", "j", Group("let in", 0, 0), None, None, None, {})
    assert (nobody.chart().rows, nobody._repr_svg_()) == ((), None)


def test_a_journey_that_nobody_left_has_no_lengths():
    """There is nothing to draw, and no share of nobody."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        record = engine._known("j")
        with engine.store.reader() as reader:
            found = time_to_end(reader, record)
    assert (found.ended, found.within(), found.lengths) == (0, None, ())
    assert repr(found) == "TimeToEnd('j': 0 runs ended)"
    assert found.chart().rows == ()


@pytest.mark.parametrize("days", [0, 1, 40, 400, 365 * 40])
def test_lengths_are_few_whatever_the_longest_is(days):
    """They are round as long as that is possible; each run is in the length that holds it."""
    journey = Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", f"{days} days") if days else End("e")])
    with Engine(MemoryStore(), max_jump=None) as engine:
        engine.deploy(journey, at=START)
        engine.feed([Event("go", customer="ann", at=START)])
        engine.tick(START + timedelta(days=days + 1))
        record = engine._known("j")
        with engine.store.reader() as reader:
            found = time_to_end(reader, record)
    assert found.ended == found.lengths[-1].total == found.lengths[-1].completed == 1
    assert len(found.lengths) <= MOST + 1
    assert found.lengths[-1].since <= timedelta(days=days) < found.lengths[-1].until
    size = (found.lengths[0].until - found.lengths[0].since) // timedelta(microseconds=1)
    assert size in SIZES or days > 10_000
    assert found.to_dicts()[0]["since"] == timedelta(0)


def test_a_timeline_has_a_line_for_each_moment_and_a_track_for_each_run():
    """In their order; how long nothing happened is said between two of them."""
    engine, _ = lived("memory", (3, 3, 1, 1, 7))
    with engine:
        found = engine.timeline("c3")
    chart = found.chart()
    assert [row["what"] for row in chart.to_dicts()] == [moment.text for moment in found.moments]
    assert "3 days later" in chart.svg
    assert chart.svg.count('class="line series') >= 1
    assert_readable(chart)


def test_a_timeline_is_drawn_from_its_moments_alone():
    """Gaps of half a day are said, in days from two on; what is in no run has no track; a track ends with its run."""

    def drawn(*moments, more=False):
        return Timeline("default", "ann", moments, more).chart().svg

    def at(hours, kind="event", run=None):
        return Moment(START + timedelta(hours=hours), kind, kind, None if run is None else "j", run)

    for hours, said in ((12, "12 hours later"), (47, "47 hours later"), (48, "2 days later"), (360, "15 days later")):
        assert said in drawn(at(0), at(hours))
    assert "later" not in drawn(at(0), at(11.9))
    assert [more for more in (False, True) if "there are earlier ones" in drawn(at(0), more=more)] == [True]
    assert "line series" not in drawn(at(0), at(1))
    ends = [re.search(r"V([\d.]+)", drawn(at(0, "entry", 1), at(1, kind, 1), at(2))) for kind in ("end", "visit")]
    early, late = (float(end[1]) for end in ends if end)
    assert late - early > 30
    assert Timeline("default", "ann", (at(0),)).more is False
    assert (at(0, run=2).place, Moment(START, "queue", "waits", "j").place, at(0).place) == ("j #2", "j", "")


def test_of_a_very_long_timeline_the_newest_moments_are_drawn():
    """And the picture says so."""
    with Engine(MemoryStore()) as engine:
        engine.feed(Event(f"e{n}", customer="ann", at=START + timedelta(hours=n)) for n in range(MOMENTS + 5))
        engine.tick(START + timedelta(days=30))
        chart = engine.timeline("ann").chart()
    assert len(chart.rows) == MOMENTS
    assert "there are earlier ones" in chart.svg


def test_arms_beside_the_holdout_are_drawn_too():
    """Where everybody who is let in comes to the Split at the entry; without people there is no chart."""
    journey = Journey(
        id="j",
        trigger=Trigger("go"),
        goal=Goal("order", within="9 days"),
        holdout=30,
        steps=[Split("test", arm(50, [Send("tips", channel="SMS", template="u")]), arm(50)), Wait("rest", "2 days")],
    )
    with Engine(MemoryStore()) as engine:
        engine.deploy(journey, at=START)
        engine.tick(START)
        assert engine.results("j")._repr_svg_() is None
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(60))
        engine.tick(START + timedelta(days=1))
        rows = engine.results("j").chart().to_dicts()
    assert [row["groups"] for row in rows] == [
        "let in against holdout", "test: B against A", "test: A against holdout", "test: B against holdout",
    ]  # fmt: skip


def test_shares_of_runs_that_ended_lie_within_lengths():
    """The first length by whose end so many had ended; more than all never have."""
    engine, _ = lived("memory", (3, 9, 2, 1, 7))
    with engine:
        found = engine.time_to_end("j")
    assert (found.within(0.01) or timedelta(0)) <= (found.within() or timedelta(0)) <= (found.within(1) or timedelta(0))
    assert found.within(1) == found.lengths[-1].until
    assert found.within(1.5) is None
    assert found._repr_html_().count("<svg") == 1
    assert repr(found).startswith("TimeToEnd('j': ")
