"""Bands: figures over the replications of a simulation."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

LOW, HIGH = 0.1, 0.9
"""The bounds of a band: another replication lies below with a probability of a tenth, and above with another."""


class Band(NamedTuple):
    """A figure over replications: its median, and the values that a tenth lies below and above.

    The bounds are those of another replication, or of the truth: they hold it in four of five cases. That takes nine
    replications; of fewer, they are the lowest and the highest, which hold it less often.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the median, with the band where it has a width.

        >>> print(Band(10, 10, 10), Band(10, 8, 12.5))
        10 10 (8 to 12.5)
        """
        return f"{self.median:g}" if self.low == self.high else f"{self.median:g} ({self.low:g} to {self.high:g})"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a further one lies with a probability, from sorted values; no less or more than any.

    Of n values, one more is as likely in each of the n + 1 gaps: so nine are needed until a tenth lies outside.

    >>> quantile([1, 2, 3, 4], 0.5), quantile([7], 0.9), quantile(range(1, 20), 0.1)
    (2.5, 7.0, 2.0)
    """
    place = min(max(share * (len(values) + 1) - 1, 0.0), len(values) - 1.0)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def band(values: Iterable[float]) -> Band:
    """Return the band of a figure over replications.

    >>> band(range(1, 20)), band([3, 1, 2])
    (Band(median=10, low=2.0, high=18.0), Band(median=2, low=1.0, high=3.0))
    """
    found = sorted(values)
    return Band(median(found), round(quantile(found, LOW), 9), round(quantile(found, HIGH), 9))
