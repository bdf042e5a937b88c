"""The statistics of experiments: rates with intervals, differences, and whether a split was the one asked for (R87).

The formulas are those of the literature. The interval of a rate is the score interval of Wilson (1927); that of a
difference of rates is Newcombe's (1998, his method 10), made of two of Wilson's. Both hold for small groups and for
rates near 0 and 1, where the textbook's do not. Where groups were split in different proportions at different times,
they are compared within strata of equal proportions: the difference is Mantel's and Haenszel's risk difference, and its
interval is made of the Newcombe intervals of the strata by recovering their variances (Zou and Donner, 2008). With one
stratum both are the plain ones. Whether groups have the sizes that chance should have given them is tested by Pearson's
chi-square, summed over the strata. Nothing is divided by zero: where no customer was counted there is no rate.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import erfc, exp, fsum, isfinite, pi, sqrt
from operator import add

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.questions.numbers import CONFIDENCE

SUSPICIOUS = 0.001
"""Below this probability group sizes are no accident: the usual bound for a sample ratio mismatch."""

ENOUGH = 5
"""How many people with a conversion, and how many without, a group must be expected to have (Cochran's rule)."""


@frozen
class Interval:
    """A range in which a true value lies with the confidence that was asked for; both ends belong to it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Return whether a value lies in the interval."""
        return self.low <= value <= self.high


@cache
def reach_of(confidence: float) -> float:
    """Return how many standard errors a two-sided interval of that confidence reaches to either side."""
    if not 0 < confidence < 1:
        msg = f"confidence lies between 0 and 1, such as {CONFIDENCE}, not {confidence!r}"
        raise ValueError(msg)
    from statistics import NormalDist  # noqa: PLC0415 imports decimal and fractions; for intervals only

    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Return Wilson's interval of a rate; None for an empty group.

    >>> found = wilson(81, 263)  # Newcombe (1998), table 1
    >>> round(found.low, 4), round(found.high, 4)
    (0.2553, 0.3662)
    >>> wilson(0, 0) is None
    True
    """
    z = reach_of(confidence)
    _check_counts(successes, n)
    if n == 0:
        return None
    p = successes / n
    middle = 2 * n * p + z * z
    reach = z * sqrt(z * z + 4 * n * p * (1 - p))
    below = 2 * (n + z * z)
    low = 0.0 if successes == 0 else (middle - reach) / below
    return Interval(low, 1.0 if successes == n else (middle + reach) / below)


def newcombe(first: tuple[int, int], second: tuple[int, int], confidence: float = CONFIDENCE) -> Interval | None:
    """Return Newcombe's interval of `second`'s rate minus `first`'s, each (successes, n); None if one is empty.

    >>> found = newcombe((48, 80), (56, 70))  # his method 10: 0.0524 to 0.3339
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    one, two = wilson(*first, confidence), wilson(*second, confidence)
    if one is None or two is None:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    low = q - p - sqrt((q - two.low) ** 2 + (one.high - p) ** 2)
    high = q - p + sqrt((two.high - q) ** 2 + (p - one.low) ** 2)
    return Interval(max(-1.0, low), min(1.0, high))


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Return the probability that chance alone makes a chi-square statistic this large or larger.

    It has closed forms for whole degrees of freedom: from erfc for odd ones and exp for even ones, two at a time.

    >>> round(chi_square_tail(3.841, 1), 4), round(chi_square_tail(5.991, 2), 4), round(chi_square_tail(11.345, 3), 4)
    (0.05, 0.05, 0.01)
    """
    if freedom < 1 or not statistic >= 0 or not isfinite(statistic):
        msg = (
            f"a chi-square statistic is 0 or more with 1 or more degrees of freedom, not {statistic!r} with {freedom!r}"
        )
        raise ValueError(msg)
    half = statistic / 2
    if freedom % 2:
        tail, term, reached = erfc(sqrt(half)), 2 * sqrt(half / pi) * exp(-half), 0.5
    else:
        tail, term, reached = exp(-half), half * exp(-half), 1.0
    while reached < freedom / 2:
        tail += term
        reached += 1
        term *= half / reached
    return min(1.0, tail)


# --- groups -----------------------------------------------------------------------------------------------------------


@frozen
class Group(Rows):
    """People who were treated alike: how many there are (`n`), and how many of them converted."""

    label: str
    n: int
    converted: int
    confidence: float = field(default=CONFIDENCE, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        """Raise ValueError for counts that cannot be."""
        _check_counts(self.converted, self.n)

    @property
    def rate(self) -> float | None:
        """The share that converted, from 0 to 1; None for an empty group (R83)."""
        return self.converted / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's interval of the rate; None for an empty group."""
        return wilson(self.converted, self.n, self.confidence)


@frozen
class Comparison(Rows):
    """Two groups compared: by how much the rate of `other` is above that of `base`, and what follows from it.

    `strata` are the pairs of groups that were split in equal proportions and are compared with one another: one pair,
    unless the proportions changed. `base` and `other` are their sums, whose rates differ for that reason alone where
    there are several. `difference` and `interval` are None if no pair has people in both groups.
    """

    base: Group
    other: Group
    strata: tuple[tuple[Group, Group], ...] = field(repr=False)

    @strata.default
    def _(self) -> tuple[tuple[Group, Group], ...]:
        return ((self.base, self.other),)

    @property
    def difference(self) -> float | None:
        """The rate of the other group minus that of the base, within strata; None if one of the groups is empty."""
        found = self._parts()
        return fsum(weight * difference for weight, difference, _ in found) if found else None

    @property
    def interval(self) -> Interval | None:
        """The interval of the difference; None if one of the groups is empty."""
        found = self._parts()
        if not found:
            return None
        middle = fsum(weight * difference for weight, difference, _ in found)
        below = sqrt(fsum((weight * (difference - each.low)) ** 2 for weight, difference, each in found))
        above = sqrt(fsum((weight * (each.high - difference)) ** 2 for weight, difference, each in found))
        return Interval(max(-1.0, middle - below), min(1.0, middle + above))

    def _parts(self) -> list[tuple[float, float, Interval]]:
        """Return the weight of each stratum, its difference and the interval of that; weights sum to 1."""
        pairs = [(base, other) for base, other in self.strata if base.n and other.n]
        weights = [base.n * other.n / (base.n + other.n) for base, other in pairs]
        whole = fsum(weights)
        return [
            (weight / whole, other.converted / other.n - base.converted / base.n, interval)
            for weight, (base, other) in zip(weights, pairs, strict=True)
            if (interval := newcombe((base.converted, base.n), (other.converted, other.n), other.confidence))
            is not None
        ]

    @property
    def enough(self) -> bool:
        """Whether each group is expected to have enough people with a conversion, and enough without."""
        expected = [0.0] * 4
        for base, other in self.strata:
            n, converted = base.n + other.n, base.converted + other.converted
            cells = [size * part / n if n else 0 for size in (base.n, other.n) for part in (converted, n - converted)]
            expected = list(map(add, expected, cells))
        return min(expected) >= ENOUGH

    @property
    def decided(self) -> bool:
        """Whether the numbers show that the rates differ: there are enough people, and no 0 in the interval."""
        interval = self.interval
        return interval is not None and self.enough and 0 not in interval

    @property
    def sentence(self) -> str:
        """The conclusion that the numbers support.

        >>> Comparison(Group("A", 10, 1), Group("B", 12, 3)).sentence
        'not enough data'
        >>> Comparison(Group("A", 1_000, 100), Group("B", 1_000, 105)).sentence
        "'B' and 'A' differ no more than by chance (-2.2 to +3.2 points)"
        >>> Comparison(Group("A", 1_000, 100), Group("B", 1_000, 150)).sentence
        "'B' converts 5.0 points more than 'A' (+2.1 to +7.9)"
        >>> compared(
        ...     [(Group("A", 900, 90), Group("B", 100, 10)), (Group("A", 500, 150), Group("B", 500, 150))]
        ... ).sentence
        "'B' and 'A' differ no more than by chance (-4.4 to +4.6 points), compared within 2 strata of equal percentages"
        """
        interval, difference = self.interval, self.difference
        if interval is None or difference is None or not self.enough:
            return "not enough data"
        low, high = 100 * interval.low, 100 * interval.high
        one, two = self.base.label, self.other.label
        within = f", compared within {len(self.strata)} strata of equal percentages" if len(self.strata) > 1 else ""
        if not self.decided:
            return f"{two!r} and {one!r} differ no more than by chance ({low:+.1f} to {high:+.1f} points){within}"
        more, points = "more" if difference > 0 else "fewer", abs(100 * difference)
        return f"{two!r} converts {points:.1f} points {more} than {one!r} ({low:+.1f} to {high:+.1f}){within}"


def compared(strata: Sequence[tuple[Group, Group]]) -> Comparison:
    """Compare two groups within strata: pairs of groups that were split in equal proportions, at least one.

    Strata in which one of the groups is empty say nothing and are left out, unless all are like that.

    >>> found = compared([(Group("A", 900, 90), Group("B", 100, 10)), (Group("A", 500, 150), Group("B", 500, 150))])
    >>> f"{found.other.rate - found.base.rate:.3f}", f"{found.difference:.3f}"
    ('0.095', '0.000')
    """
    telling = tuple(pair for pair in strata if pair[0].n and pair[1].n) or tuple(strata[:1])
    base, other = (total(groups) for groups in zip(*telling, strict=True))
    return Comparison(base, other, telling)


def total(groups: Sequence[Group]) -> Group:
    """Return the sum of groups of one label.

    >>> total([Group("A", 10, 1), Group("A", 5, 2)])
    Group(label='A', n=15, converted=3)
    """
    n, converted = sum(each.n for each in groups), sum(each.converted for each in groups)
    return Group(groups[0].label, n, converted, confidence=groups[0].confidence)


@frozen
class SampleRatio(Rows):
    """Whether groups have the sizes they should have.

    `expected` are the sizes that the shares ask for. `probability` is how likely chance alone is this far off, or
    further; it is None if the test cannot decide, because too few people were counted or there is only one group.
    """

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    probability: float | None

    @property
    def suspicious(self) -> bool:
        """Whether chance does not explain the sizes: then the rates must not be compared."""
        return self.probability is not None and self.probability < SUSPICIOUS

    @property
    def sentence(self) -> str:
        """The conclusion about the sizes.

        >>> sample_ratio(({"A": 5_000, "B": 5_300}, {"A": 50, "B": 50})).sentence
        'sample ratio: as asked for (p = 0.0031)'
        >>> sample_ratio(({"A": 0, "B": 0}, {"A": 50, "B": 50})).sentence
        'not enough data'
        """
        if self.probability is None:
            return "not enough data"
        if self.suspicious:
            return f"sample ratio mismatch (p = {self.probability:.2g}): more than the split decides who is where"
        return f"sample ratio: as asked for (p = {self.probability:.2g})"


Sizes = tuple[Mapping[str, int], Mapping[str, float]]
"""How many people groups have, and the shares that they should have of all; the shares need not sum to anything."""


def sample_ratio(*strata: Sizes) -> SampleRatio:
    """Test sizes of groups against their shares, by Pearson's chi-square; each stratum has its own shares.

    A group whose share is 0 is left out of the test, but any customer in it is a mismatch for certain. A stratum in
    which a group is expected to hold fewer than five people says nothing yet.

    >>> round(sample_ratio(({"A": 821, "B": 876}, {"A": 50, "B": 50})).probability, 3)
    0.182
    >>> changed = sample_ratio(({"A": 902, "B": 98}, {"A": 90, "B": 10}), ({"A": 490, "B": 510}, {"A": 50, "B": 50}))
    >>> changed.expected, round(changed.probability, 3)
    ({'A': 1400.0, 'B': 600.0}, 0.801)
    """
    observed, expected = dict[str, int](), dict[str, float]()
    statistics, freedom, certain = list[float](), 0, False
    for sizes, shares in strata:
        people, whole = sum(sizes.values()), fsum(shares.values())  # the same sum on every version of Python
        wanted = {label: people * share / whole if whole else 0.0 for label, share in shares.items()}
        for label, share in shares.items():
            observed[label] = observed.get(label, 0) + sizes.get(label, 0)
            expected[label] = expected.get(label, 0.0) + wanted[label]
            certain = certain or (not share and sizes.get(label, 0) > 0)
        groups = [(sizes.get(label, 0), size) for label, size in wanted.items() if shares[label]]
        if len(groups) > 1 and all(size >= ENOUGH for _, size in groups):
            statistics += [(found - size) ** 2 / size for found, size in groups]
            freedom += len(groups) - 1
    probability = chi_square_tail(fsum(statistics), freedom) if freedom else None
    return SampleRatio(observed, expected, 0.0 if certain else probability)


def _check_counts(successes: int, n: int) -> None:
    """Raise ValueError for counts that cannot be."""
    if not 0 <= successes <= n:
        msg = f"of {n} people {successes} cannot have converted"
        raise ValueError(msg)
