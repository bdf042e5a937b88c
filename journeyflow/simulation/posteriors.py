"""Beta posteriors: how likely something is, given how often it happened, and how sure that is."""

from math import exp, lgamma, log
from typing import Final

from journeyflow.questions.numbers import CONFIDENCE

STEPS: Final = 200
"""Terms of the continued fraction; it has converged long before."""

TINY: Final = 1e-300

CLOSE: Final = 1e-10
"""How near to a quantile its search ends: a part of its value, or of all there is."""


def share_below(x: float, a: float, b: float) -> float:
    """Return the share of a Beta distribution that lies below a value (the regularized incomplete beta function).

    >>> round(share_below(0.5, 2, 2), 6), round(share_below(0.1, 1, 3), 6)
    (0.5, 0.271)
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - share_below(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by the method of Lentz."""
    value = c = 1.0
    d = 1 / (1 - (a + b) * x / (a + 1) or TINY)
    value = d
    for m in range(1, STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + term * d or TINY)
            c = 1 + term / c or TINY
            value *= c * d
        if abs(c * d - 1) < 1e-12:  # noqa: PLR2004 the digits of a float, nearly
            break
    return value


def beta_quantile(share: float, a: float, b: float) -> float:
    """Return the value below which a share of a Beta distribution lies, to nine digits.

    >>> round(beta_quantile(0.5, 2, 2), 6), round(beta_quantile(0.975, 1, 1), 6)
    (0.5, 0.975)
    """
    low, high, x, step = 0.0, 1.0, (a + 1) / (a + b + 2), 1.0
    scale = lgamma(a + b) - lgamma(a) - lgamma(b)
    while high - low > CLOSE and abs(step) > CLOSE * x:
        over = share_below(x, a, b) - share
        low, high = (x, high) if over < 0 else (low, x)
        slope = exp(scale + (a - 1) * log(x) + (b - 1) * log(1 - x))
        last, step = step, -over / slope if slope else 1.0  # by the method of Newton
        if not low < x + step < high or abs(step) > abs(last) / 2:
            step = (low + high) / 2 - x
        x += step
    return x


def interval(a: float, b: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the central interval of a Beta distribution.

    >>> [round(bound, 3) for bound in interval(51, 51)]
    [0.404, 0.596]
    """
    tail = (1 - confidence) / 2
    return beta_quantile(tail, a, b), beta_quantile(1 - tail, a, b)
