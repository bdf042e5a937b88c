"""The statistics of experiments: rates with intervals, differences, and whether a split was the one asked for (R25).

The formulas are those of the literature. The interval of a rate is the score interval of Wilson (1927); that of a
difference of rates is Newcombe's (1998, his method 10), made of two of Wilson's. Both hold for small groups and for
rates near 0 and 1, where the textbook's do not. Whether groups have the sizes that chance should have given them is
tested by Pearson's chi-square. Nothing is divided by zero: where nobody was counted there is no rate.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import repeat
from math import erfc, exp, fsum, isfinite, pi, sqrt

from attrs import field, frozen

CONFIDENCE = 0.95
"""The confidence of an interval, unless another one is asked for."""

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
def _quantile(confidence: float) -> float:
    """Return how many standard errors a two-sided interval of that confidence reaches to either side."""
    if not 0 < confidence < 1:
        msg = f"confidence lies between 0 and 1, such as {CONFIDENCE}, not {confidence!r}"
        raise ValueError(msg)
    from statistics import NormalDist  # noqa: PLC0415 imports decimal and fractions; for intervals only

    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Return Wilson's interval of a rate; None for a group of nobody.

    >>> found = wilson(81, 263)  # Newcombe (1998), table 1
    >>> round(found.low, 4), round(found.high, 4)
    (0.2553, 0.3662)
    >>> wilson(0, 0) is None
    True
    """
    z = _quantile(confidence)
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
class Group:
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
        """The share that converted, from 0 to 1; None for a group of nobody (R83)."""
        return self.converted / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's interval of the rate; None for a group of nobody."""
        return wilson(self.converted, self.n, self.confidence)


@frozen
class Comparison:
    """Two groups compared: by how much the rate of `other` is above that of `base`, and what follows from it.

    `difference` and `interval` (Newcombe's) are None if one of the groups is empty.
    """

    base: Group
    other: Group

    @property
    def difference(self) -> float | None:
        """The rate of the other group minus that of the base; None if one of the groups is empty."""
        one, two = self.base.rate, self.other.rate
        return None if one is None or two is None else two - one

    @property
    def interval(self) -> Interval | None:
        """Newcombe's interval of the difference; None if one of the groups is empty."""
        base, other = self.base, self.other
        return newcombe((base.converted, base.n), (other.converted, other.n), other.confidence)

    @property
    def enough(self) -> bool:
        """Whether each group is expected to have enough people with a conversion, and enough without."""
        base, other = self.base, self.other
        n, converted = base.n + other.n, base.converted + other.converted
        fewer = min(converted, n - converted)
        return n > 0 and min(base.n, other.n) * fewer >= ENOUGH * n

    @property
    def sentence(self) -> str:
        """The conclusion that the numbers support.

        >>> Comparison(Group("A", 10, 1), Group("B", 12, 3)).sentence
        'not enough data'
        >>> Comparison(Group("A", 1_000, 100), Group("B", 1_000, 105)).sentence
        "'B' and 'A' differ no more than by chance (-2.2 to +3.2 points)"
        >>> Comparison(Group("A", 1_000, 100), Group("B", 1_000, 150)).sentence
        "'B' converts 5.0 points more than 'A' (+2.1 to +7.9)"
        """
        interval, difference = self.interval, self.difference
        if interval is None or difference is None or not self.enough:
            return "not enough data"
        low, high = 100 * interval.low, 100 * interval.high
        one, two = self.base.label, self.other.label
        if 0 in interval:
            return f"{two!r} and {one!r} differ no more than by chance ({low:+.1f} to {high:+.1f} points)"
        more = "more" if difference > 0 else "fewer"
        return f"{two!r} converts {abs(100 * difference):.1f} points {more} than {one!r} ({low:+.1f} to {high:+.1f})"


@frozen
class SampleRatio:
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

        >>> sample_ratio({"A": 5_000, "B": 5_300}, {"A": 50, "B": 50}).sentence
        'sample ratio: as asked for (p = 0.0031)'
        >>> sample_ratio({"A": 0, "B": 0}, {"A": 50, "B": 50}).sentence
        'not enough data'
        """
        if self.probability is None:
            return "not enough data"
        if self.suspicious:
            return f"sample ratio mismatch (p = {self.probability:.2g}): more than the split decides who is where"
        return f"sample ratio: as asked for (p = {self.probability:.2g})"


def sample_ratio(observed: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Test sizes of groups against their shares, by Pearson's chi-square.

    The shares need not sum to anything. A group whose share is 0 is left out of the test, but anybody in it is a
    mismatch for certain. If a group is expected to hold fewer than five people, the test says nothing yet.

    >>> round(sample_ratio({"A": 821, "B": 876}, {"A": 50, "B": 50}).probability, 3)
    0.182
    """
    total, whole = sum(observed.values()), fsum(shares.values())  # the same sum on every version of Python
    expected = {label: total * share / whole if whole else 0.0 for label, share in shares.items()}
    if any(observed.get(label, 0) for label, share in shares.items() if not share):
        return SampleRatio(observed, expected, 0.0)
    groups = [(observed.get(label, 0), size) for label, size in expected.items() if shares[label]]
    if len(groups) <= 1 or any(size < ENOUGH for _, size in groups):
        return SampleRatio(observed, expected, None)
    statistic = fsum((found - size) ** 2 / size for found, size in groups)
    return SampleRatio(observed, expected, chi_square_tail(statistic, len(groups) - 1))


def comparisons(groups: Sequence[Group]) -> tuple[Comparison, ...]:
    """Compare each group with the first, which is the base.

    >>> [each.other.label for each in comparisons([Group("A", 1, 0), Group("B", 1, 0), Group("C", 1, 0)])]
    ['B', 'C']
    """
    return tuple(map(Comparison, repeat(groups[0]), groups[1:])) if groups else ()


def against(base: Group | None, groups: Iterable[Group]) -> tuple[Comparison, ...]:
    """Compare groups with one that stands apart, such as the holdout; without one there is nothing to compare.

    >>> against(None, [Group("A", 1, 0)])
    ()
    """
    return () if base is None else tuple(Comparison(base, group) for group in groups)


def _check_counts(successes: int, n: int) -> None:
    """Raise ValueError for counts that cannot be."""
    if not 0 <= successes <= n:
        msg = f"of {n} people {successes} cannot have converted"
        raise ValueError(msg)
