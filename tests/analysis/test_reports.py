"""Reports of comparisons, forecasts and calibrations: their numbers, their pictures, and that nothing in them runs."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from journeyflow import Engine, Event, Goal, Journey, MemoryStore, Send, Split, Trigger, Wait, arm
from journeyflow.analysis import CheckedFigure, calibration, compare, coverage, forecast, sample_size
from journeyflow.analysis.calibrating import Calibration
from journeyflow.simulation import Band, Behavior, Population
from tests.drawing.test_charts import assert_readable
from tests.samples import START

HOSTILE = "<script>alert(1)</script>"

JOURNEY = Journey(
    id="j",
    name=HOSTILE,
    trigger=Trigger("go"),
    goal=Goal("order", within="9 days"),
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Wait("day", "1 day"),
        Split("test", arm(50, [Send("tips", channel="SMS", template="u", name=HOSTILE)]), arm(50)),
        Wait("rest", "3 days"),
    ],
)


@pytest.fixture(scope="module")
def impact():
    """Return what it does to leave the wait of a day out, over two seeds."""
    after = evolve(JOURNEY, steps=[JOURNEY.steps[0], Wait("day", "2 hours", next="test"), *JOURNEY.steps[2:]])
    people, acting = Population(size=40), Behavior(opened=0.5)
    return compare(JOURNEY, after, population=people, behavior=acting, start=START, until="9 days", replications=2)


@pytest.fixture(scope="module")
def engine():
    """Give an engine to which five people come a day."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START + timedelta(hours=5 * n)) for n in range(60))
        engine.tick(START + timedelta(days=12))
        yield engine


def assert_still(page):
    """Check that a page loads and runs nothing, and is small."""
    text = page.to_html()
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert len(text.encode()) < 200_000


def test_the_report_of_a_comparison_has_its_figures(impact):
    """Each with what it is without and with the change; messages that come earlier, and by how much."""
    page = impact.report()
    assert_still(page)
    assert str(page) == str(impact)
    found: dict[str, Any] = page.to_dict()
    chart, figures = found["sections"][0]["tables"]
    assert [row["before"] for row in figures] == [str(each.before) for each in impact.figures]
    assert [row["figure"] for row in chart] == [row["figure"] for row in figures]
    (messages,) = found["sections"][1]["tables"]
    assert {row["step"]: row["hours later"] for row in messages} == {"j/hello": "+0.0", "j/tips": "-22.0"}
    assert page.title == "Comparison of j"
    assert "2 seeds" in page.lead[1]
    assert_readable(impact.chart())
    assert impact.chart().title in impact._repr_html_()


def test_a_comparison_tells_who_takes_another_branch():
    """And one of nobody's difference has neither branches nor a chart without intervals."""
    after = evolve(JOURNEY, steps=[Send("hello", channel="EMAIL", template="t")])
    people = Population(size=1)
    page = compare(JOURNEY, after, population=people, start=START, until="9 days").report()
    found: dict[str, Any] = page.to_dict()
    sections = {each["heading"]: each["tables"] for each in found["sections"]}
    assert {"step": "j/day", "before": "elapsed", "after": "(not there)", "customers": "1"} in sections[
        "Other branches"
    ][0]
    assert len(sections["Figures"]) == 1  # one customer alone has no interval
    empty = Journey(id="j", trigger=Trigger("go"), steps=[Wait("day", "1 day")])
    same = compare(empty, empty, population=people, start=START, until="9 days").report()
    assert "Messages" not in {each.heading for each in same.sections}


def test_the_report_of_a_forecast_has_its_bands(engine):
    """By day and channel, and who rests where now and at the end."""
    found = forecast(engine, until="4 days", replications=2)
    page = found.report()
    assert_still(page)
    assert str(page) == str(found)
    told: dict[str, Any] = page.to_dict()
    days, journey = told["sections"]
    mail = next(each for each in days["tables"] if each[0])
    band = found.messages_per_day()[mail[1][""], "EMAIL"]
    assert (mail[1]["low"], mail[1]["high"]) == (f"{band.low:,.10g}", f"{band.high:,.10g}")
    now, later = found.resting("j")["rest"]
    assert {"step": "rest", "inside now": now, "at the end": str(later)} in journey["tables"][0]
    assert "here now" not in page.to_html()
    assert found._repr_svg_() is not None


def test_a_forecast_of_nobody_has_no_table_of_who_rests():
    """Its picture is there all the same."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        found = forecast(engine, at=START, until="2 days", population=0, behavior=Behavior(), replications=1)
        told: dict[str, Any] = found.report().to_dict()
    assert told["sections"][1]["tables"] == []


def test_the_report_of_a_calibration_has_what_happened_over_the_bands(engine):
    """A chart for each figure and key; the numbers are those of the figures."""
    found = calibration(engine, times=2, span="3 days", replications=2)
    page = found.report()
    assert_still(page)
    assert str(page) == str(found)
    told: dict[str, Any] = page.to_dict()
    entered = next(each for each in told["sections"] if each["heading"] == "Entered")["tables"][0]
    figures = [each for each in found.figures if each.figure == "entered"]
    assert [row["what happened"] for row in entered] == [f"{each.truth:,}" for each in figures]
    assert [row["middle"] for row in entered] == [f"{each.band.median:,.10g}" for each in figures]
    for chart in found._pictures():
        assert_readable(chart)


@pytest.fixture(scope="module")
def lived():
    """Give an engine whose messages were sent, and some of them opened; some people ordered."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(JOURNEY, at=START)
        for n in range(60):
            at = START + timedelta(hours=5 * n)
            engine.feed(Event("go", customer=f"c{n}", at=at))
            engine.tick(at)
            engine.ack(sent := engine.claim("mail", at=at), at=at)
            about = [(each.customer, {"message": each.id}) for each in sent[: n % 2]]
            engine.feed(Event("message.opened", customer=name, at=at, data=data) for name, data in about)
            engine.feed(Event("order", customer=f"c{n // 2}", at=at))
        engine.tick(START + timedelta(days=14))
        yield engine


def test_plans_coverage_and_fits_have_pages_too(lived):
    """Printed they are the text, and the numbers of the pages are those of the answers."""
    plan = sample_size({"A": 50, "B": 50}, rate=0.1, difference=0.02, arrivals=200)
    seen, fit, people = coverage(lived), Behavior.fit(lived), Population.fit(lived)
    for answer in (plan, seen, fit, people):
        page = answer.report()
        assert_still(page)
        assert str(page) == str(answer)
    (groups,), (ways,) = _tables(plan), _tables(seen)
    assert [(row["group"], row["people"]) for row in groups] == [(each.label, each.people) for each in plan.groups]
    assert sorted(row["times"] for row in ways) == sorted(way.times for way in seen.ways)
    assert ways[0]["times"] == 0
    rates, events = _tables(fit)
    assert len(rates) == len(fit.rates)
    assert [row["event"] for row in events] == [each.event for each in fit.frequencies]
    assert [len(table) for table in _tables(people)] == [7, 24]


def _tables(answer: Any) -> list[list[dict[str, Any]]]:
    return [table for section in answer.report().to_dict()["sections"] for table in section["tables"]]


def test_what_was_fitted_to_nothing_is_a_page_too():
    """It says that nothing was sent and nothing came."""
    with Engine(MemoryStore()) as engine:
        engine.put_customer("ann", {}, at=START)
        engine.tick(START)
        told = Behavior.fit(engine).report().to_html()
    assert "<p>Nothing was reported about any message.</p>" in told
    assert "<p>Nothing.</p>" in told


def test_a_calibration_of_nothing_is_a_page_too():
    """And days are places of the chart of their channel."""
    assert Calibration(()).report().lead == ["0 of 0 figures lay in their band; a band asks for 80%."]
    daily = CheckedFigure(START, "messages a day", "2026-01-05 EMAIL", 3, Band(2, 1, 4))
    (chart,) = Calibration((daily,))._pictures()
    assert chart.title == "messages a day · EMAIL"
    assert chart.to_dicts() == [{"": "2026-01-05", "low": "1", "middle": "2", "high": "4", "what happened": "3"}]
