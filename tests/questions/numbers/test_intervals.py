"""Rates, differences and sample ratios against the literature's tables, and what must hold for any counts (R25)."""

from math import exp, gamma, inf, nan, sqrt
from statistics import NormalDist
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.questions.numbers.intervals import (
    Comparison,
    Group,
    Interval,
    chi_square_tail,
    compared,
    newcombe,
    sample_ratio,
    wilson,
)

Given = TypeVar("Given")
Z = NormalDist().inv_cdf(0.975)


def there(value: Given | None) -> Given:
    """Give what must be there."""
    assert value is not None
    return value


@st.composite
def counts(draw, least=1):
    """Make successes among some people."""
    n = draw(st.integers(least, 100_000))
    return draw(st.integers(0, n)), n


# --- one rate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    """The worked examples of Newcombe (1998), Statistics in Medicine 17, 857, table I, method 3 (R25)."""
    found = there(wilson(successes, n))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(counts())
def test_wilson_is_where_the_score_test_turns(successes_n):
    """Each end is a rate from which the observed one lies exactly z of its standard errors away (R25)."""
    successes, n = successes_n
    p, found = successes / n, there(wilson(successes, n))
    for end in {found.low, found.high} - {0.0, 1.0}:
        assert abs(p - end) == pytest.approx(Z * sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-12)


@given(counts(), st.sampled_from((0.5, 0.9, 0.99)))
def test_wilson_holds_its_rate_and_mirrors(successes_n, confidence):
    """The rate lies inside, the ends are proportions; failures have the mirrored interval; surer is wider (R25)."""
    successes, n = successes_n
    found, mirrored = there(wilson(successes, n, confidence)), there(wilson(n - successes, n, confidence))
    assert 0 <= found.low <= successes / n <= found.high <= 1
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-9)
    surer = there(wilson(successes, n, 0.999))
    assert surer.low <= found.low
    assert found.high <= surer.high


def test_nobody_has_no_rate():
    """Nothing is divided by zero: there is no rate and no interval of nobody (R83)."""
    nobody = Group("A", 0, 0)
    assert (nobody.rate, nobody.interval) == (None, None)
    assert Group("A", 4, 1).rate == 0.25
    assert Group("A", 4, 1).interval == wilson(1, 4)
    assert Group("A", 4, 1, confidence=0.9).interval == wilson(1, 4, 0.9)


@pytest.mark.parametrize(("successes", "n"), [(2, 1), (-1, 5), (0, -1)])
def test_counts_that_cannot_be_are_refused(successes, n):
    """More conversions than people, or fewer than none, are a mistake of the caller."""
    with pytest.raises(ValueError, match="cannot have converted"):
        wilson(successes, n)
    with pytest.raises(ValueError, match="cannot have converted"):
        Group("A", n, successes)


@pytest.mark.parametrize("confidence", [0, 1, 95, nan])
def test_a_confidence_is_a_share(confidence):
    """95 is not a confidence, 0.95 is."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, confidence)


# --- two rates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((2, 7), (6, 7), 0.0582, 0.8062),
        ((0, 29), (5, 56), -0.0381, 0.1926),
        ((0, 20), (0, 10), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((0, 20), (10, 10), 0.6791, 1.0000),
        ((0, 10), (10, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_gives_the_published_intervals(first, second, low, high):
    """The worked examples of Newcombe (1998), Statistics in Medicine 17, 873, table II, method 10 (R25)."""
    found = there(newcombe(first, second))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(counts(), counts())
def test_newcombe_holds_the_difference_and_mirrors(first, second):
    """The difference lies inside, between -1 and 1; the other way round it is mirrored (R25)."""
    found, mirrored = there(newcombe(first, second)), there(newcombe(second, first))
    assert -1 <= found.low <= second[0] / second[1] - first[0] / first[1] <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-12)


def test_a_difference_needs_people_in_both_groups():
    """Without somebody in each there is no interval (R83)."""
    assert newcombe((0, 0), (1, 2)) is newcombe((1, 2), (0, 0)) is newcombe((0, 0), (0, 0)) is None


@given(counts(least=0), counts(least=0))
def test_a_comparison_says_what_its_numbers_are(first, second):
    """Difference and interval are None when a group is empty; the sentence claims no more than the interval (R25)."""
    comparison = Comparison(Group("A", first[1], first[0]), Group("B", second[1], second[0]))
    interval, sentence = comparison.interval, comparison.sentence
    assert (comparison.difference is None) == (interval is None) == (0 in {first[1], second[1]})
    assert (sentence == "not enough data") == (interval is None or not comparison.enough)
    if comparison.enough:
        interval = there(interval)
        assert ("by chance" in sentence) == (0 in interval)
        assert ("points more than" in sentence) == (interval.low > 0)
        assert ("points fewer than" in sentence) == (interval.high < 0)


@pytest.mark.parametrize(
    ("base", "other", "enough"),
    [
        ((0, 0), (0, 0), False),
        ((100, 0), (100, 0), False),
        ((100, 100), (100, 100), False),
        ((10, 5), (10, 5), True),
        ((10, 5), (10, 4), False),
        ((9, 5), (11, 5), False),
        ((1_000_000, 1_000), (1_000, 1), False),
        ((1_000_000, 1_000), (5_000, 5), True),
    ],
)
def test_enough_is_five_of_each_expected(base, other, enough):
    """Each group must be expected to have five conversions and five people without one (R25)."""
    comparison = Comparison(Group("A", *base), Group("B", *other))
    assert comparison.enough is enough
    assert Comparison(comparison.other, comparison.base).enough is enough


def test_the_other_group_may_be_worse():
    """A difference to the bad is told as such (R25)."""
    comparison = Comparison(Group("A", 1_000, 150), Group("B", 1_000, 100))
    assert comparison.sentence == "'B' converts 5.0 points fewer than 'A' (-7.9 to -2.1)"


def test_groups_and_comparisons_show_their_counts_alone():
    """A repr has no confidence, and the strata only as their sums."""
    found = compared([(Group("A", 9, 1), Group("B", 9, 2)), (Group("A", 1, 1, confidence=0.9), Group("B", 1, 0))])
    base, other = "Group(label='A', n=10, converted=2)", "Group(label='B', n=10, converted=2)"
    assert repr(found) == f"Comparison(base={base}, other={other})"


def test_an_interval_holds_both_its_ends():
    """The ends belong to an interval."""
    interval = Interval(0.25, 0.5)
    assert 0.25 in interval
    assert 0.5 in interval
    assert 0.51 not in interval


# --- sample ratios ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statistic", "freedom", "tail"),
    [
        (3.841, 1, 0.05), (6.635, 1, 0.01), (10.828, 1, 0.001), (5.991, 2, 0.05), (13.816, 2, 0.001),
        (7.815, 3, 0.05), (16.266, 3, 0.001), (9.488, 4, 0.05), (11.070, 5, 0.05), (18.307, 10, 0.05),
        (29.588, 10, 0.001), (24.996, 15, 0.05), (37.697, 15, 0.001),
    ],
)  # fmt: skip
def test_the_chi_square_tail_is_that_of_the_tables(statistic, freedom, tail):
    """The critical values that every table of the chi-square distribution prints (R25)."""
    assert chi_square_tail(statistic, freedom) == pytest.approx(tail, rel=2e-3)


@given(st.floats(0.5, 60), st.integers(2, 12))
def test_the_chi_square_tail_falls_as_steeply_as_its_density(statistic, freedom):
    """Its slope is the density, from which it was not computed (R25)."""
    step = statistic / 1e4
    slope = (chi_square_tail(statistic - step, freedom) - chi_square_tail(statistic + step, freedom)) / (2 * step)
    half = freedom / 2
    density = statistic ** (half - 1) * exp(-statistic / 2) / (2**half * gamma(half))
    assert slope == pytest.approx(density, rel=1e-3, abs=1e-10)


@given(st.floats(0, 2_000), st.integers(1, 60))
def test_the_chi_square_tail_is_a_probability(statistic, freedom):
    """It begins at 1 and never rises, and more groups allow more (R25)."""
    tail = chi_square_tail(statistic, freedom)
    assert 0 <= chi_square_tail(statistic + 1, freedom) <= tail + 1e-12 <= 1 + 2e-12  # a sum of floats rounds
    assert tail <= chi_square_tail(statistic, freedom + 2) + 1e-12
    assert chi_square_tail(0, freedom) == 1


@pytest.mark.parametrize(("statistic", "freedom"), [(-1, 1), (1, 0), (nan, 1), (inf, 1)])
def test_a_statistic_that_cannot_be_is_refused(statistic, freedom):
    """What is not a chi-square statistic has no probability."""
    with pytest.raises(ValueError, match="chi-square"):
        chi_square_tail(statistic, freedom)


def test_sizes_that_chance_does_not_explain_are_told():
    """Kohavi, Tang, Xu (2020): 821,588 against 815,482 users of a 50/50 split is a mismatch, p = 1.8e-6 (R25)."""
    found = sample_ratio(({"control": 821_588, "treatment": 815_482}, {"control": 50, "treatment": 50}))
    assert found.probability == pytest.approx(1.8e-6, rel=0.05)
    assert found.suspicious
    assert found.sentence.startswith("sample ratio mismatch (p = 1.8e-06)")
    fine = sample_ratio(({"control": 5_010, "treatment": 4_990}, {"control": 50, "treatment": 50}))
    assert not fine.suspicious
    assert fine.sentence == "sample ratio: as asked for (p = 0.84)"


@pytest.mark.parametrize(
    ("observed", "shares", "probability"),
    [
        ({"A": 0, "B": 0}, {"A": 50, "B": 50}, None),
        ({"A": 4, "B": 5}, {"A": 50, "B": 50}, None),
        ({"A": 5, "B": 5}, {"A": 50, "B": 50}, 1.0),
        ({"A": 900}, {"A": 100}, None),
        ({"A": 900, "B": 0}, {"A": 100, "B": 0}, None),
        ({"A": 900, "B": 1}, {"A": 100, "B": 0}, 0.0),
        ({}, {"A": 50, "B": 50}, None),
        ({}, {"A": 0, "B": 0}, None),
        ({}, {}, None),
    ],
)
def test_sample_ratios_at_the_edges(observed, shares, probability):
    """Too few say nothing, one group alone says nothing, somebody in an empty group says all (R25)."""
    found = sample_ratio((observed, shares))
    assert found.probability == probability
    assert (found.sentence == "not enough data") == (probability is None)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 100)), min_size=2, max_size=8))
def test_sizes_that_are_expected_sum_to_those_that_were_observed(groups):
    """Shares need not sum to 100; what is expected sums to what was counted (R25)."""
    observed = {str(n): size for n, (size, _) in enumerate(groups)}
    shares = {str(n): share for n, (_, share) in enumerate(groups)}
    found = sample_ratio((observed, shares))
    assert sum(found.expected.values()) == pytest.approx(sum(observed.values()))
    assert found.probability is None or 0 <= found.probability <= 1


def test_shares_that_changed_are_tested_each_by_its_own():
    """The statistics of strata are added, and so are their degrees of freedom; opposite deviations do not cancel (R87).

    Each stratum lacks 100 of its 1,000 in another group: together the sizes look right, and are not.
    """
    fine = sample_ratio(({"A": 900, "B": 100}, {"A": 90, "B": 10}), ({"A": 500, "B": 500}, {"A": 50, "B": 50}))
    assert (fine.observed, fine.expected, fine.probability) == ({"A": 1400, "B": 600}, {"A": 1400.0, "B": 600.0}, 1.0)
    found = sample_ratio(({"A": 400, "B": 600}, {"A": 1, "B": 1}), ({"A": 1000, "B": 800}, {"A": 1, "B": 1}))
    assert found.probability == pytest.approx(chi_square_tail(40 + 200 / 9, 2))
    few = sample_ratio(({"A": 1, "B": 3}, {"A": 1, "B": 1}), ({"A": 600, "B": 400}, {"A": 1, "B": 1}))
    assert few.probability == pytest.approx(chi_square_tail(40, 1))
    new = sample_ratio(({"A": 50, "B": 50}, {"A": 1, "B": 1}), ({"A": 50, "C": 50}, {"A": 1, "C": 1}))
    assert (new.observed, new.expected) == ({"A": 100, "B": 50, "C": 50}, {"A": 100.0, "B": 50.0, "C": 50.0})
    assert sample_ratio(({"A": 9, "B": 1}, {"A": 1, "B": 0}), ({"A": 9, "B": 9}, {"A": 1, "B": 1})).probability == 0
