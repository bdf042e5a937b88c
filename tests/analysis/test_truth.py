"""Statistical truth: over 200 seeds, intervals of 95 % hold the true value in 92 to 98 % of them."""

from random import Random

import pytest

from journeyflow.analysis.impact import mean_interval, paired
from journeyflow.questions.numbers.intervals import Group, compared
from journeyflow.questions.numbers.trails import Trail
from journeyflow.simulation.bands import band

SEEDS = range(200)


def holds(interval, value):
    """Return whether an interval, which must be there, holds a value."""
    assert interval is not None
    return value in interval


def heads(chance, people, rate):
    """Count how many of some people convert."""
    return sum(chance.random() < rate for _ in range(people))


def rate_of_a_group(chance):
    """Return Wilson's interval of a rate of 8 %, and whether it holds it."""
    return holds(Group("A", 400, heads(chance, 400, 0.08)).interval, 0.08)


def difference_of_two_groups(chance):
    """Return whether Newcombe's interval holds a difference of four points between groups of unequal size."""
    base, other = Group("A", 500, heads(chance, 500, 0.10)), Group("B", 250, heads(chance, 250, 0.14))
    return holds(compared([(base, other)]).interval, 0.04)


def difference_within_strata(chance):
    """Return whether the interval holds the difference where the percentages and the rates changed over time."""
    strata = [
        (Group("A", n, heads(chance, n, rate)), Group("B", m, heads(chance, m, rate + 0.05)))
        for n, m, rate in ((400, 100, 0.10), (200, 200, 0.30))
    ]
    return holds(compared(strata).interval, 0.05)


def paired_difference(chance):
    """Return whether the interval holds what a change takes away, counted person by person."""
    before, after = {}, {}
    for number in range(300):
        both = int(3 * chance.random())
        lost = chance.random() < 0.2
        sent = [("j", f"s{n}", "EMAIL", "t", 0) for n in range(both + 1)]
        before[str(number)] = Trail([], [], sent)
        after[str(number)] = Trail([], [], sent[: both + 1 - lost])
    found, _ = paired(before, after)
    key = ("messages", "EMAIL")
    more = found["after", *key] - found["before", *key]
    return holds(mean_interval(300, more, found["squares", *key], 0.95), -0.2)


@pytest.mark.parametrize(
    "right", [rate_of_a_group, difference_of_two_groups, difference_within_strata, paired_difference]
)
def test_intervals_hold_the_truth_as_often_as_they_say(right):
    """In 184 to 196 of 200 seeds."""
    assert 184 <= sum(right(Random(seed)) for seed in SEEDS) <= 196


@pytest.mark.parametrize(("replications", "share"), [(5, 4 / 6), (9, 0.8), (20, 0.8)])
def test_bands_hold_the_truth_as_often_as_they_say(replications, share):
    """Four of five truths from nine replications on; of fewer ones, the lowest and the highest hold less."""
    held = 0
    for seed in range(2_000):
        chance = Random(seed)
        found = band(chance.gauss(0, 1) for _ in range(replications))
        held += found.low <= chance.gauss(0, 1) <= found.high
    assert held / 2_000 == pytest.approx(share, abs=0.02)
