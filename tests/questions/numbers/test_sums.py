"""What holds of the statistics of any journey: sums over days, steps and arms (R81 to R83)."""

import json
from datetime import timedelta

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Engine,
    MemoryStore,
)
from journeyflow.questions.numbers.figures import Count
from journeyflow.testing import run
from journeyflow.testing.strategies import journeys, lives
from tests.cases import cases


@st.composite
def journeys_and_lives(draw):
    """Draw one to three journeys and a life to play against them."""
    drawn = [draw(journeys(id=f"j{n}")) for n in range(1, draw(st.integers(1, 3)) + 1)]
    return drawn, draw(lives(*drawn))


class Kept(MemoryStore):
    """A store that can still be asked when a life is over."""

    def close(self) -> None:
        """Stay open."""


@cases(100)
@given(journeys_and_lives())
def test_the_invariants_of_the_seeds_hold(drawn):
    """Sums of people, distinct people, windows, domains and steps, and merging journeys (invariants 1 to 5)."""
    played, life = drawn
    store = Kept()
    run(played, life, store=store)
    engine = Engine(store)
    found = [engine.stats(each.id, at=life.end, since="2025-12-01") for each in played]
    for stats in found:
        check_sums(engine, stats, life.end)
    check_benchmark(engine, found, life.end)


def check_sums(engine, stats, at):
    """Check that people are in one state and came on one day, and what days, steps and domains sum up to."""
    people = stats.people
    assert people.total == people.active + people.completed + people.exited + people.failed
    assert people.lifetime <= people.total
    assert people.active == engine.enrollments(stats.journey, status="ACTIVE").total
    assert [day.date for day in stats.daily] == [stats.since + timedelta(days=n) for n in range(len(stats.daily))]
    assert sum(day.entered for day in stats.daily) == people.total
    assert stats.window == stats.messages
    for name in asdict(stats.window):
        parts = [getattr(day.messages, name) for day in stats.daily]
        steps = [getattr(step.messages, name) for step in stats.by_step.values() if step.messages]
        assert summed(parts) == summed(steps) == summed([getattr(stats.window, name)])
    domains = engine.domain_stats(stats.journey, at=at, since="2025-12-01")
    by_domain_and_step = [
        engine.stats(stats.journey, at=at, since="2025-12-01", domain=name, step=step).window.sent
        for name in domains
        for step, each in stats.by_step.items()
        if each.messages
    ]
    assert summed(by_domain_and_step) == summed([stats.window.sent])
    assert json.dumps(asdict(stats.window))


def check_benchmark(engine, found, at):
    """Check that merging journeys changes no rate, nor do those that sent nothing (invariant 5, F185, F187)."""
    until = max(stats.until for stats in found)  # east of UTC the day of the end may have a later date
    benchmark = engine.benchmark(at=at, since="2025-12-01", until=until)
    senders = [stats for stats in found if stats.window.sent.total]
    assert benchmark.journeys == len(senders)
    assert benchmark.enrolled == sum(stats.people.total for stats in senders)
    for name in asdict(benchmark.messages):
        assert summed([getattr(benchmark.messages, name)]) == summed(getattr(each.window, name) for each in senders)


def summed(values):
    """Sum counts, numbers, or what is unknown."""
    pairs = [(each.total, each.unique) if isinstance(each, Count) else (each or 0, 0) for each in values]
    return tuple(map(sum, zip(*pairs, strict=True))) if pairs else (0, 0)
