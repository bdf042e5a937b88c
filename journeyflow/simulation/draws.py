"""Chance in simulations: numbers by key, and the distributions that turn a number into a value.

Every number is a keyed hash of the seed, the customer and the purpose (R38 does the same for Splits). It depends on
nothing else: not on the order of the questions, the size of batches or the number of workers. Two variants of a journey
that are simulated with one seed therefore share their luck, and their differences are paired.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from itertools import accumulate
from math import exp, inf, log
from random import Random
from statistics import NormalDist
from typing import Final, Protocol, cast

from attrs import field, frozen

from journeyflow.basics.chance import SEPARATOR
from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY
from journeyflow.basics.values import describe
from journeyflow.simulation.posteriors import beta_quantile

STANDARD: Final = NormalDist()
"""The standard normal distribution."""


class Draws:
    """The numbers that chance gives one customer of one simulation.

    >>> draws = Draws(7, "c1")
    >>> draws.unit("open", "hello") == Draws(7, "c1").unit("open", "hello") != draws.unit("open", "tips")
    True
    """

    __slots__ = ("_hash",)

    def __init__(self, seed: int, customer: str) -> None:
        """Begin the key with the seed and the customer's id."""
        self._hash = blake2b(f"{seed}{SEPARATOR}{customer}{SEPARATOR}".encode(), digest_size=8)

    def unit(self, *purpose: str) -> float:
        """Return a number above 0 and below 1, uniform over purposes."""
        each = self._hash.copy()
        each.update(SEPARATOR.join(purpose).encode())
        return ((int.from_bytes(each.digest(), "big") >> 11) + 0.5) * 2.0**-53

    def gamma(self, shape: float, *purpose: str) -> float:
        """Return a number with a Gamma distribution of a shape and of scale 1."""
        return Random(self.unit(*purpose)).gammavariate(shape, 1.0)  # noqa: S311 chance in a simulation


class Distribution(Protocol):
    """A distribution of values: its quantile function."""

    def value(self, unit: float) -> object:
        """Return the value below which a share of `unit` of all values lies; `unit` is above 0 and below 1."""


def _weights(value: object) -> tuple[tuple[object, float], ...]:
    """Read the values of a Choice with their weights; values alone weigh the same."""
    pairs = value.items() if isinstance(value, Mapping) else [(each, 1.0) for each in cast("Iterable[object]", value)]
    return tuple((each, float(weight)) for each, weight in pairs)


@frozen
class Choice:
    """One of several values, with weights.

    >>> plans = Choice({"free": 3, "pro": 1})
    >>> plans.value(0.74), plans.value(0.76), Choice(["a", "b"]).value(0.5)
    ('free', 'pro', 'b')
    """

    weights: tuple[tuple[object, float], ...] = field(converter=_weights)
    _ends: tuple[float, ...] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the weights; raises ValueError."""
        weights = [weight for _, weight in self.weights]
        if not weights or min(weights) < 0 or not 0 < sum(weights) < inf:
            msg = f"the weights of a Choice must be 0 or more, and not all 0; they are {describe(self.weights)}"
            raise ValueError(msg)
        object.__setattr__(self, "_ends", tuple(accumulate(weights)))

    def value(self, unit: float) -> object:
        """Return the value at a share of the weights."""
        return self.weights[min(bisect_right(self._ends, unit * self._ends[-1]), len(self.weights) - 1)][0]


@frozen
class Uniform:
    """A number between two, each as likely; `whole` rounds down, and then includes both ends.

    >>> Uniform(18, 80, whole=True).value(0.5), Uniform(0, 1).value(0.25)
    (49, 0.25)
    """

    low: float
    high: float
    whole: bool = field(kw_only=True, default=False)

    def value(self, unit: float) -> float:
        """Return the number at a share of the way."""
        width = self.high - self.low + (1 if self.whole else 0)
        found = self.low + unit * width
        return int(found // 1) if self.whole else found


@frozen
class Normal:
    """A number around a mean; `low` and `high` bound it, `whole` rounds it.

    >>> Normal(40, 12).value(0.5), Normal(40, 12, low=18, whole=True).value(0.001)
    (40.0, 18)
    """

    mean: float
    deviation: float
    low: float | None = field(kw_only=True, default=None)
    high: float | None = field(kw_only=True, default=None)
    whole: bool = field(kw_only=True, default=False)

    def value(self, unit: float) -> float:
        """Return the number below which a share of all lies."""
        return _bounded(self.mean + self.deviation * STANDARD.inv_cdf(unit), self.low, self.high, whole=self.whole)


@frozen
class LogNormal:
    """A positive number around a median, skewed to the right: amounts, prices, counts.

    `spread` is the standard deviation of its logarithm: 0.5 is narrow, 1 usual, 2 wide.

    >>> LogNormal(1000, 0.5, whole=True).value(0.5), round(LogNormal(1000, 0.5).value(0.9))
    (1000, 1898)
    """

    median: float
    spread: float = 1.0
    low: float | None = field(kw_only=True, default=None)
    high: float | None = field(kw_only=True, default=None)
    whole: bool = field(kw_only=True, default=False)

    def value(self, unit: float) -> float:
        """Return the number below which a share of all lies."""
        return _bounded(self.median * exp(self.spread * STANDARD.inv_cdf(unit)), self.low, self.high, whole=self.whole)


def _bounded(value: float, low: float | None, high: float | None, *, whole: bool) -> float:
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    return round(value) if whole else value


@frozen
class Dates:
    """A day from the first to the last, each as likely, as text "YYYY-MM-DD".

    >>> Dates(date(2026, 1, 1), date(2026, 1, 31)).value(0.5)
    '2026-01-16'
    """

    first: date
    last: date

    def value(self, unit: float) -> str:
        """Return the day at a share of the way."""
        return (self.first + timedelta(days=int(unit * ((self.last - self.first).days + 1)))).isoformat()


@frozen
class Beta:
    """A share from 0 to 1, different from one customer to the next.

    `weight` says how little they differ: as much as is left open after that many trials. Without one all are alike.

    >>> Beta(0.25).value(0.9), round(Beta(0.25, 4).value(0.9), 3), round(Beta(0.25, 400).value(0.9), 3)
    (0.25, 0.536, 0.278)
    """

    mean: float
    weight: float = inf

    def __attrs_post_init__(self) -> None:
        """Check the mean and the weight; raises ValueError."""
        if not (0 <= self.mean <= 1 and self.weight > 0):
            msg = f"a Beta has a mean from 0 to 1 and a weight above 0, not {describe((self.mean, self.weight))}"
            raise ValueError(msg)

    def value(self, unit: float) -> float:
        """Return the share below which a share of all lies."""
        if self.mean in {0, 1} or self.weight == inf:
            return float(self.mean)
        return beta_quantile(unit, self.mean * self.weight, (1 - self.mean) * self.weight)

    def after(self, spared: int) -> "Beta":
        """Return the share of those with whom it did not happen a number of times in a row."""
        if self.weight == inf:
            return self
        return Beta(self.mean * self.weight / (self.weight + spared), self.weight + spared)


@frozen
class Key:
    """A key of the customer's own in the data of a background event: the number of an order, a cart, a device.

    With the probability `fresh` an event brings a new one, else it has the customer's last one under that name.

    >>> Key(0.2)
    Key(fresh=0.2)
    """

    fresh: float = 1.0

    def __attrs_post_init__(self) -> None:
        """Check the probability; raises ValueError."""
        if not 0 <= self.fresh <= 1:
            msg = f"fresh is a probability from 0 to 1, not {describe(self.fresh)}"
            raise ValueError(msg)


# --- delays -----------------------------------------------------------------------------------------------------------


def micros_of(value: object) -> int:
    """Return a length of time in microseconds, as which an integer counts; a day has 24 hours and a month 30 days.

    >>> micros_of("90 minutes") == micros_of("1.5 hours") == 90 * 60_000_000
    True
    """
    length = Duration(micros=value) if type(value) is int else Duration.parse(value)
    return (length.months * 30 + length.days) * DAY + length.micros


def _lengths(values: Iterable[object]) -> tuple[int, ...]:
    found = tuple(micros_of(value) for value in values)
    if not found or min(found) < 0:
        msg = f"a delay must be a length of time of 0 or more, not {describe(found)}"
        raise ValueError(msg)
    return found


def _exponential(unit: float, lengths: Sequence[int], _: float) -> float:
    return -log(1 - unit) * lengths[0]


def _among(unit: float, lengths: Sequence[int], _: float) -> float:
    """Return a length between neighbors of a sorted sample."""
    place = unit * (len(lengths) - 1)
    below = int(place)
    above = min(below + 1, len(lengths) - 1)
    return lengths[below] + (place - below) * (lengths[above] - lengths[below])


_QUANTILES: Mapping[str, Callable[[float, Sequence[int], float], float]] = {
    "fixed": lambda _unit, lengths, _spread: lengths[0],
    "between": lambda unit, lengths, _spread: lengths[0] + unit * (lengths[1] - lengths[0]),
    "exponential": _exponential,
    "around": lambda unit, lengths, spread: lengths[0] * exp(spread * STANDARD.inv_cdf(unit)),
    "among": _among,
}


@frozen
class Delay:
    """How long something takes: a distribution of lengths of time, in microseconds.

    >>> Delay.around("2 hours").value(0.5) == micros_of("2 hours")
    True
    """

    kind: str
    lengths: tuple[int, ...] = field(converter=_lengths)
    spread: float = 0.0

    @classmethod
    def fixed(cls, length: object) -> "Delay":
        """Take always the same time."""
        return cls("fixed", [length])

    @classmethod
    def between(cls, low: object, high: object) -> "Delay":
        """Take any time between two, each as likely."""
        return cls("between", [low, high])

    @classmethod
    def exponential(cls, mean: object) -> "Delay":
        """Take a time of which the end is equally likely at every moment."""
        return cls("exponential", [mean])

    @classmethod
    def around(cls, median: object, spread: float = 1.0) -> "Delay":
        """Take a log-normal time around a median; `spread` is the standard deviation of its logarithm."""
        return cls("around", [median], spread)

    @classmethod
    def among(cls, sample: Iterable[object]) -> "Delay":
        """Take a time as in a sample of observed ones."""
        return cls("among", sorted(_lengths(sample)))

    def value(self, unit: float) -> int:
        """Return the length in microseconds at a share of all."""
        return int(_QUANTILES[self.kind](unit, self.lengths, self.spread))

    def share_within(self, length: object) -> float:
        """Return the share of all that takes no longer than a length of time, to a thousandth.

        >>> Delay.between("0 hours", "10 hours").share_within("5 hours")
        0.5
        """
        wanted = micros_of(length)
        units = range(1, 1_000)
        return bisect_left(units, True, key=lambda unit: self.value(unit / 1_000) > wanted) / 1_000
