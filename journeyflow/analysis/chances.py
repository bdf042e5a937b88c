"""The exact probability that a difference between two groups is found."""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, exp, fsum, lgamma, log, log1p, sqrt
from typing import Final

from attrs import frozen

from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.questions.numbers.intervals import Comparison, Group

REACH: Final = 8
"""How many standard deviations of a count are looked at to either side; what lies further out adds nothing."""


def chance_of_finding(base: tuple[int, float], other: tuple[int, float], confidence: float = CONFIDENCE) -> float:
    """Return the probability that two groups, each (people, rate), are found to differ in the direction they do.

    For each count of the group with the lower rate, the counts of the other one that are found to be higher form one
    range, whose ends move little from one count to the next.

    >>> round(chance_of_finding((2_000, 0.10), (2_000, 0.13), 0.95), 3)
    0.845
    """
    (n, p), (m, q) = sorted((base, other), key=lambda group: group[1])
    lowers, uppers = _likely(n, p), _likely(m, q)
    least, most = uppers.start, uppers.start + len(uppers.chances) - 1
    below = [0.0, *accumulate(uppers.chances)]

    def found(x: int, y: int) -> bool:
        pair = Comparison(Group("", n, x, confidence=confidence), Group("", m, y, confidence=confidence))
        return y * n > x * m and pair.decided

    total, first, last = list[float](), least, most
    for x, chance in enumerate(lowers.chances, lowers.start):
        while first > least and found(x, first - 1):
            first -= 1
        while first <= most and not found(x, first):
            first += 1
        while last >= first and not found(x, last):
            last -= 1
        total.append(chance * (below[max(first, last + 1) - least] - below[first - least]))
    return fsum(total)


@frozen
class _Counts:
    """The likely counts of a group, from `start` on, with the probability of each."""

    start: int
    chances: Sequence[float]


def _likely(n: int, rate: float) -> _Counts:
    """Return the counts of `n` people that have any probability worth counting.

    >>> [round(chance, 9) for chance in _likely(2, 0.5).chances]
    [0.25, 0.5, 0.25]
    """
    if rate in {0, 1}:
        return _Counts(round(n * rate), (1.0,))
    reach = REACH * (sqrt(n * rate * (1 - rate)) + 1)
    low, high = max(0, int(n * rate - reach)), min(n, ceil(n * rate + reach))
    whole, yes, no = lgamma(n + 1), log(rate), log1p(-rate)
    chances = (exp(whole - lgamma(k + 1) - lgamma(n - k + 1) + k * yes + (n - k) * no) for k in range(low, high + 1))
    return _Counts(low, tuple(chances))
