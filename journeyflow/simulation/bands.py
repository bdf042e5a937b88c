"""Bands: figures over the replications of a simulation."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

LOW, HIGH = 0.1, 0.9
"""The bounds of a band: a tenth of the replications lies below, a tenth above."""


class Band(NamedTuple):
    """A figure over replications: its median, and the values that a tenth lies below and above."""

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
    """Return the value below which a share of sorted values lies, between neighbors if need be.

    >>> quantile([1, 2, 3, 4], 0.5), quantile([7], 0.9)
    (2.5, 7.0)
    """
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def band(values: Iterable[float]) -> Band:
    """Return the band of a figure over replications.

    >>> band([3, 1, 2])
    Band(median=2, low=1.2, high=2.8)
    """
    found = sorted(values)
    return Band(median(found), round(quantile(found, LOW), 9), round(quantile(found, HIGH), 9))
