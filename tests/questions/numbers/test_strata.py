"""Groups compared within strata of equal percentages: what is planted is found, whatever else changed (R87)."""

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.questions.numbers.intervals import Comparison, Group, Interval, compared, newcombe
from journeyflow.questions.numbers.strata import Design, Stratum, group_comparisons, sizes_test, stratified, totals

EFFECTS = (-0.1, 0.0, 0.05, 0.2)


def ends(interval: Interval | None) -> tuple[float, float]:
    """Return the ends of an interval that must be there."""
    assert interval is not None
    return interval.low, interval.high


def told(comparison: Comparison) -> tuple[float, float, float]:
    """Return the difference between the ends of its interval; all must be there."""
    low, high = ends(comparison.interval)
    assert comparison.difference is not None
    return low, comparison.difference, high


def pair(n: int, m: int, converted: int, others: int) -> tuple[Group, Group]:
    """Return two groups."""
    return Group("A", n, converted), Group("B", m, others)


def pairs(least: int = 1) -> st.SearchStrategy[tuple[Group, Group]]:
    """Draw two groups."""
    sizes = st.tuples(st.integers(least, 5_000), st.integers(least, 5_000))
    return sizes.flatmap(lambda n: st.builds(pair, *map(st.just, n), *(st.integers(0, each) for each in n)))


@given(pairs())
def test_one_stratum_is_compared_as_ever(groups):
    """With equal percentages throughout, difference and interval are the plain ones (R87)."""
    base, other = groups
    found = compared([groups])
    assert found == Comparison(base, other)
    low, high = ends(newcombe((base.converted, base.n), (other.converted, other.n)))
    assert told(found) == pytest.approx((low, other.rate - base.rate, high))


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from((1, 3, 6))), min_size=1, max_size=6),
       st.sampled_from((-1, 0, 2)))  # fmt: skip
def test_a_planted_difference_is_found_whatever_the_percentages_and_the_times_were(strata, tenths):
    """Every stratum has its own rate and its own percentages, and one difference: that is what is told (R87)."""
    found = compared([pair(10 * n, 10 * m, n * rate, m * (rate + tenths)) for n, m, rate in strata])
    low, difference, high = told(found)
    assert difference == pytest.approx(tenths / 10)
    assert low <= tenths / 10 + 1e-12
    assert tenths / 10 - 1e-12 <= high


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.unmeasured
def test_the_interval_covers_a_planted_effect_as_often_as_it_says(effect):
    """Over many draws with a fixed seed 95 % of the intervals hold the truth; those of the sums seldom do (R87)."""
    draw, covered = Random(20260105), list[bool]()
    plan = ((0.1, 1_800, 200), (0.3, 1_000, 1_000), (0.5, 200, 800))
    for _ in range(400):
        strata = []
        for rate, n, m in plan:
            converted, others = (
                sum(draw.random() < p for _ in range(size // 4)) for p, size in ((rate, n), (rate + effect, m))
            )
            strata.append(pair(n // 4, m // 4, converted, others))
        found = compared(strata)
        for interval in (found.interval, Comparison(found.base, found.other).interval):
            low, high = ends(interval)
            covered.append(low <= effect <= high)
    held, naive = sum(covered[::2]), sum(covered[1::2])
    assert 0.93 <= held / 400 <= 0.985
    assert naive / 400 < 0.2


@given(st.lists(pairs(), min_size=1, max_size=5))
def test_the_other_way_round_it_is_mirrored(strata):
    """Which group is the base changes the sign and nothing else; strata come in no order (R87)."""
    found, mirrored = compared(strata), compared([(other, base) for base, other in reversed(strata)])
    low, difference, high = told(found)
    assert told(mirrored) == pytest.approx((-high, -difference, -low), abs=1e-12)
    assert mirrored.enough is found.enough
    assert -1 <= low <= difference <= high <= 1


def test_the_difference_is_that_of_mantel_and_haenszel():
    """By hand: weights n m / (n + m), here 90 and 125, and half-widths joined as independent errors (R87)."""
    strata = [pair(900, 100, 90, 20), pair(250, 250, 75, 50)]
    found = compared(strata)
    difference = (90 * 0.1 + 125 * -0.1) / 215
    (low, high), (lower, higher) = ends(newcombe((90, 900), (20, 100))), ends(newcombe((75, 250), (50, 250)))
    below = sqrt((90 * (0.1 - low)) ** 2 + (125 * (-0.1 - lower)) ** 2) / 215
    above = sqrt((90 * (high - 0.1)) ** 2 + (125 * (higher + 0.1)) ** 2) / 215
    assert told(found) == pytest.approx((difference - below, difference, difference + above))
    assert (found.base, found.other) == (Group("A", 1150, 165), Group("B", 350, 70))
    assert found.sentence.endswith(", compared within 2 strata of equal percentages")


def test_the_confidence_is_that_of_the_groups():
    """A surer interval is wider, over strata too (R87)."""
    sure = [(Group("A", 900, 90, confidence=0.99), Group("B", 100, 20, confidence=0.99)) for _ in range(2)]
    wide, usual = ends(compared(sure).interval), ends(compared([pair(900, 100, 90, 20)] * 2).interval)
    assert wide[0] < usual[0] < usual[1] < wide[1]
    assert compared(sure).base.confidence == 0.99


def test_a_stratum_without_one_of_the_groups_says_nothing():
    """It is left out of difference, interval and sums, unless all strata are like that (R83, R87)."""
    telling = pair(500, 500, 100, 150)
    assert compared([pair(900, 0, 10, 0), telling, pair(0, 40, 0, 40)]) == compared([telling])
    nothing = compared([pair(900, 0, 10, 0), pair(0, 7, 0, 7)])
    assert (nothing.difference, nothing.interval, nothing.sentence) == (None, None, "not enough data")


def test_enough_is_expected_over_all_strata():
    """Five of each are expected together, though no stratum alone has enough (Cochran's rule, R87)."""
    assert not compared([pair(8, 8, 2, 2)] * 2).enough
    assert compared([pair(8, 8, 2, 2)] * 3).enough


# --- strata -----------------------------------------------------------------------------------------------------------


def test_versions_with_equal_percentages_and_goal_are_one_stratum():
    """The order of arms does not matter; another percentage, another goal or another arm does (R87)."""
    fifty, swapped = {"A": 50, "B": 50}, {"B": 50, "A": 50}
    designs = [
        Design(5, "goal", fifty), Design(4, "other", fifty), Design(3, "goal", swapped),
        Design(2, "goal", {"A": 90, "B": 10}), Design(1, "goal", {"A": 50, "C": 50}),
    ]  # fmt: skip
    counts = {(5, "A"): (10, 1), (5, "B"): (9, 2), (3, "A"): (5, 5), (2, "B"): (4, 3)}
    found = stratified(designs, counts, 0.9)
    assert [each.versions for each in found] == [(3, 5), (4,), (2,), (1,)]
    assert found[0].groups == (Group("A", 15, 6, confidence=0.9), Group("B", 9, 2, confidence=0.9))
    assert found[2].groups == (Group("A", 0, 0, confidence=0.9), Group("B", 4, 3, confidence=0.9))
    assert totals(found) == (
        Group("A", 15, 6, confidence=0.9), Group("B", 13, 5, confidence=0.9), Group("C", 0, 0, confidence=0.9),
    )  # fmt: skip
    assert (stratified([], {}), totals([]), group_comparisons([])) == ((), (), ())


def test_two_groups_are_compared_once_over_all_strata_that_have_both():
    """The first one drawn is the base; a group that nobody could come into is compared with nothing (R87)."""
    groups = {label: Group(label, 100, 50) for label in "ABC"}

    def stratum(**shares: float) -> Stratum:
        return Stratum((1,), shares, tuple(groups[label] for label in shares))

    found = group_comparisons([stratum(B=50, A=50), stratum(A=90, B=5, C=5), stratum(A=50, C=50), stratum(A=0, B=100)])
    assert [(each.base.label, each.other.label, len(each.strata)) for each in found] == [("B", "A", 2), ("A", "C", 2)]
    assert group_comparisons([stratum(A=0, C=100)]) == ()


def test_sizes_are_tested_by_the_percentages_of_their_stratum():
    """Each stratum expects its own (R87)."""
    designs = [Design(2, "", {"A": 90, "B": 10}), Design(1, "", {"A": 50, "B": 50})]
    found = sizes_test(
        stratified(designs, {(2, "A"): (90, 0), (2, "B"): (10, 0), (1, "A"): (500, 0), (1, "B"): (500, 0)})
    )
    assert (found.expected, found.probability) == ({"A": 590.0, "B": 510.0}, 1.0)
