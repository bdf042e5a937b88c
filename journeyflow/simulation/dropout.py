"""Customers who leave for good: how often an event comes, and after which of them a customer does it no more.

The model is the beta-geometric/NBD of Fader, Hardie and Lee (2005): each customer causes the event as a Poisson process
with a rate of their own, Gamma-distributed over customers, and leaves after each event with a probability of their own,
Beta-distributed. What is seen of a customer is how many events there were, when the last one was, and for how long they
have been watched. The parameters are those of the largest posterior density, and how sure they are is the curvature
there (Laplace).
"""

from collections.abc import Callable, Iterable, Sequence
from math import exp, inf, lgamma, log, log1p, sqrt
from typing import Final, NamedTuple

from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.simulation.draws import STANDARD, Beta

Watched = tuple[int, float, float]
"""What is seen of a customer: how many events, when the last one was (0 if none), and how long they were watched."""

PRIORS: Final = ((0.0, 10.0), (0.0, 2.0), (-1.5, 2.0), (1.5, 2.0))
"""The means and deviations of what is assumed of the parameters (see `Parameters`) before anything is seen."""

MOST: Final = 20_000
"""To how many customers the model is fitted: evenly over all of them if there are more."""

ROUNDS: Final = 60
"""Steps of Newton's method; it has converged long before."""

ENOUGH: Final = 1e-7
"""A gain of the logarithm of the density that is not worth another step."""

EASY, HARD = 1e-6, 1e12
"""The least damping of a step, and the one with which there is no step any more."""

STEP: Final = 1e-3
"""How far apart the values are from which derivatives are computed."""


REACH: Final = STANDARD.inv_cdf((1 + CONFIDENCE) / 2)
"""How many standard deviations the bounds of a parameter are away."""


def share_of(odds: float) -> float:
    """Return the share that log-odds stand for."""
    return 1 / (1 + exp(-odds))


class Parameters(NamedTuple):
    """The parameters as numbers without bounds.

    They are the logarithms of the distance, of the shape of the rates and of the weight of the dropout, and the
    log-odds of the dropout's mean.
    """

    distance: float
    shape: float
    odds: float
    weight: float

    @property
    def every(self) -> float:
        """The mean distance of the events of a customer who stays, in the unit of what was seen."""
        return exp(self.distance)

    @property
    def spread(self) -> float:
        """The variance of the customers' rates, as a share of the mean's square."""
        return exp(-self.shape)

    @property
    def dropout(self) -> Beta:
        """The probability that a customer leaves after an event."""
        return Beta(share_of(self.odds), exp(self.weight))


class FittedDropout(NamedTuple):
    """The parameters of the largest density, and the lower triangle whose product with itself is their covariance."""

    best: Parameters
    root: tuple[tuple[float, ...], ...]

    def drawn(self, normals: Sequence[float]) -> Parameters:
        """Return parameters that are as likely as the best ones, from standard normal numbers."""
        shifts = (sum(cell * normal for cell, normal in zip(row, normals, strict=False)) for row in self.root)
        return Parameters(*(mean + shift for mean, shift in zip(self.best, shifts, strict=True)))

    @property
    def every(self) -> tuple[float, float]:
        """The bounds of the mean distance (95 %)."""
        low, high = self._bounds(0)
        return exp(low), exp(high)

    @property
    def dropout(self) -> tuple[float, float]:
        """The bounds of the dropout's mean (95 %)."""
        low, high = self._bounds(2)
        return share_of(low), share_of(high)

    def _bounds(self, place: int) -> tuple[float, float]:
        """Return the bounds of one parameter."""
        reach = REACH * sqrt(sum(cell * cell for cell in self.root[place]))
        return self.best[place] - reach, self.best[place] + reach


def fitted(seen: Iterable[Watched], every: float) -> FittedDropout | None:
    """Return the model of some customers, from about how far apart their events are; None if none seems to leave.

    That some leave must explain what is seen so much better that it is worth two more parameters (BIC).
    """
    every_customer = sorted(seen)
    some = every_customer[:: -(-len(every_customer) // MOST)]
    longest = max((length for _, _, length in some), default=0.0)

    def with_dropout(point: Sequence[float]) -> float:
        return density(Parameters(*point), some)

    def without(point: Sequence[float]) -> float:
        return density(Parameters(point[0], point[1], -inf, 0.0), some)

    if not any(count for count, _, _ in some):
        return None
    begin = (log(min(every, longest)), 0.0, -1.5, 1.5)
    plain, leaving = climb(without, begin[:2]), climb(with_dropout, begin)
    if with_dropout(leaving) - without(plain) < log(len(some)):
        return None
    root = cholesky(inverse([[-cell for cell in row] for row in curvature(with_dropout, leaving)[1]]))
    return None if root is None else FittedDropout(Parameters(*leaving), root)


def density(at: Parameters, seen: Sequence[Watched]) -> float:
    """Return the logarithm of how likely some customers are, with what was assumed before.

    Log-odds of -inf mean that no customer leaves.
    """
    total = -sum(
        ((value - mean) / deviation) ** 2 / 2
        for value, (mean, deviation) in zip(at, PRIORS, strict=True)
        if value > -inf
    )
    shape, weight = exp(at.shape), exp(at.weight)
    rest = shape * at.every
    share = share_of(at.odds) if at.odds > -inf else 0.0
    a, b = share * weight, (1 - share) * weight
    before = lgamma(shape) - shape * log(rest)
    constants = dict[int, float]()
    for count, last, length in seen:
        if count not in constants:
            stays = lgamma(a + b) - lgamma(b) + lgamma(b + count) - lgamma(a + b + count) if share else 0.0
            constants[count] = lgamma(shape + count) - before + stays
        total += constants[count] - (shape + count) * log(rest + length)
        if count and share:
            total += log1p(a / (b + count - 1) * ((rest + length) / (rest + last)) ** (shape + count))
    return total


# --- the largest density ----------------------------------------------------------------------------------------------

Density = Callable[[Sequence[float]], float]
Matrix = list[list[float]]


def climb(of: Density, begin: Sequence[float]) -> tuple[float, ...]:
    """Return where a function is largest, by Newton's method with steps that never lead down (Levenberg, Marquardt)."""
    here, now, damping = tuple(begin), of(begin), EASY
    for _ in range(ROUNDS):
        slope, bend = curvature(of, here)
        there, then = here, now
        while damping < HARD:
            there = _ahead(here, slope, bend, damping)
            if (then := of(there)) >= now:
                break
            damping *= 10
        if damping >= HARD or then - now < ENOUGH:
            return there if then >= now else here
        here, now, damping = there, then, max(damping / 10, EASY)
    return here


def _ahead(
    here: Sequence[float], slope: Sequence[float], bend: Sequence[Sequence[float]], damping: float
) -> tuple[float, ...]:
    """Return the next point: where the slope ends if the bend stays, by 1 at most; not that far with more damping."""
    against = [
        [-cell + (damping * (1 + abs(cell)) if n == m else 0) for m, cell in enumerate(row)]
        for n, row in enumerate(bend)
    ]
    steps = (sum(cell * each for cell, each in zip(row, slope, strict=True)) for row in inverse(against))
    return tuple(value + max(-1.0, min(1.0, step)) for value, step in zip(here, steps, strict=True))


def curvature(of: Density, at: Sequence[float]) -> tuple[list[float], Matrix]:
    """Return the first and the second derivatives of a function at a point, by differences."""
    size = range(len(at))

    def shifted(*steps: tuple[int, float]) -> float:
        point = [*at]
        for place, step in steps:
            point[place] += step * STEP
        return of(point)

    middle = of(at)
    ups, downs = [shifted((n, 1)) for n in size], [shifted((n, -1)) for n in size]
    slope = [(up - down) / (2 * STEP) for up, down in zip(ups, downs, strict=True)]
    bend = [[0.0 for _ in size] for _ in size]
    for n in size:
        bend[n][n] = (ups[n] - 2 * middle + downs[n]) / STEP**2
        for m in range(n):
            both = shifted((n, 1), (m, 1)) + middle - ups[n] - ups[m]
            bend[n][m] = bend[m][n] = (both + shifted((n, -1), (m, -1)) + middle - downs[n] - downs[m]) / (2 * STEP**2)
    return slope, bend


def cholesky(matrix: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...] | None:
    """Return the lower triangle whose product with itself is a matrix; None unless that is positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]), cholesky([[1.0, 2.0], [2.0, 1.0]])
    (((2.0, 0.0), (1.0, 2.0)), None)
    """
    size = len(matrix)
    root = [[0.0] * size for _ in range(size)]
    for n in range(size):
        for m in range(n + 1):
            rest = matrix[n][m] - sum(root[n][k] * root[m][k] for k in range(m))
            if n == m and rest <= 0:
                return None
            root[n][m] = sqrt(rest) if n == m else rest / root[m][m]
    return tuple(map(tuple, root))


def inverse(matrix: Sequence[Sequence[float]]) -> Matrix:
    """Return the inverse of a matrix, by elimination.

    >>> inverse([[2.0, 0.0], [1.0, 4.0]])
    [[0.5, 0.0], [-0.125, 0.25]]
    """
    size = len(matrix)
    rows = [[*row, *(float(n == m) for m in range(size))] for n, row in enumerate(matrix)]
    for n in range(size):
        best = max(range(n, size), key=lambda place: abs(rows[place][n]))
        rows[n], rows[best] = rows[best], rows[n]
        rows[n] = [cell / rows[n][n] for cell in rows[n]]
        for m in range(size):
            if m != n and rows[m][n]:
                rows[m] = [cell - rows[m][n] * above for cell, above in zip(rows[m], rows[n], strict=True)]
    return [row[size:] for row in rows]
