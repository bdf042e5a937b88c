"""What an experiment needs, shows and costs, before it begins: power, sample size, smallest difference (R87).

The power is exact: the probabilities of all counts of conversions for which `Engine.results` would find the difference
are added up, by the very rule that it decides by. Groups are as large as their percentages ask for.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import fsum, isfinite
from statistics import NormalDist
from typing import Final

from journeyflow.analysis.chances import chance_of_finding
from journeyflow.analysis.plans import ExperimentPlan, PlannedGroup
from journeyflow.basics.chance import KEPT_OUT
from journeyflow.basics.values import describe
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Split
from journeyflow.errors import InvalidInput
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.questions.numbers.experiments import LET_IN, WHOLE
from journeyflow.questions.numbers.intervals import reach_of
from journeyflow.simulation.arrivals import Arrivals
from journeyflow.simulation.draws import micros_of

USUAL: Final = 0.8
"""The power that is asked for unless another one is."""

MOST: Final = 10_000_000
"""How many people an experiment may need: more than any journey sees."""

Experiment = Split | Journey | Mapping[str, float]
"""What is planned: the arms of a Split, the holdout of a journey or one of its Splits, or percentages by label."""

Difference = float | Mapping[str, float]
"""How much higher the rates of other groups are than that of the first: of all of them, or by label."""


def power(
    experiment: Experiment,
    *,
    people: int,
    rate: float,
    difference: Difference,
    confidence: float = CONFIDENCE,
    step: str | None = None,
    arrivals: float | Arrivals | None = None,
    within: object = None,
) -> ExperimentPlan:
    """Return what an experiment with a number of people will show: with which probability `Engine.results` finds it.

    `experiment` is a Split, whose other arms are compared with the first; a journey, whose holdout is compared with
    those let in (or with `step`, the arms of that Split); or percentages by label, 100 together. `rate` is the share of
    the first group that converts, and `difference` what is added to it in the other groups: 0.02 for two points more,
    or a mapping by label if they differ. `confidence` is that of the intervals. With `arrivals`, how many people come a
    day (a number, or a Poisson process), the plan knows how many days it takes; `within` is the time that the last one
    has to convert, by default that of the journey's goal.

    Raises ValueError for numbers that cannot be, InvalidInput for a journey without a holdout or that Split.

    >>> f"{power({'A': 50, 'B': 50}, people=4_000, rate=0.10, difference=0.03).power:.3f}"
    '0.845'
    """
    _check_people(people)
    shares = _shares(experiment, step)
    rates = _rates(shares, rate, difference)
    return _plan(shares, rates, people, confidence, _per_day(arrivals), _within(experiment, within))


def sample_size(
    experiment: Experiment,
    *,
    rate: float,
    difference: Difference,
    power: float = USUAL,
    confidence: float = CONFIDENCE,
    step: str | None = None,
    arrivals: float | Arrivals | None = None,
    within: object = None,
) -> ExperimentPlan:
    """Return the plan with the fewest people that finds the difference with a power; the arguments are as of `power`.

    The number is exact to within a thousandth. Of several groups, each is found to differ from the first with at least
    that power. Raises ValueError also if that takes more people than there are.

    >>> plan = sample_size({"A": 50, "B": 50}, rate=0.10, difference=0.03, arrivals=100)
    >>> plan.people, plan.days
    (3542, 36)
    """
    _check_power(power)
    shares = _shares(experiment, step)
    rates = _rates(shares, rate, difference)

    def plan(people: int) -> ExperimentPlan:
        return _plan(shares, rates, people, confidence, _per_day(arrivals), _within(experiment, within))

    guess = _guess(shares, rates, power, confidence)
    return plan(_fewest(lambda people: plan(people).power >= power, guess))


def smallest_difference(
    experiment: Experiment,
    *,
    people: int,
    rate: float,
    power: float = USUAL,
    confidence: float = CONFIDENCE,
    step: str | None = None,
) -> float:
    """Return the smallest difference above the rate of the first group that a number of people show with a power.

    It is exact to a hundredth of a point; the arguments are as of `power`. Raises ValueError also if nothing shows.

    >>> smallest_difference({"A": 50, "B": 50}, people=3_542, rate=0.10)
    0.03
    """
    _check_power(power)
    _check_people(people)
    shares, most = _shares(experiment, step), int((1 - rate) * _FINE)

    def shows(hundredths: int) -> bool:
        return _plan(shares, _rates(shares, rate, hundredths / _FINE), people, confidence, None, 0).power >= power

    if most < 1 or not shows(most):
        msg = f"{people:,} people show no difference from {rate:g} with power {power:g}; take more people"
        raise ValueError(msg)
    return _first(shows, 1, most) / _FINE


_FINE: Final = 10_000
"""How many differences between 0 and 1 are distinguished: steps of a hundredth of a point."""


_OFF: Final = 0.005
"""How far the sum of percentages may be from 100: thirds have no last digit."""


# --- what is asked ----------------------------------------------------------------------------------------------------


def _shares(experiment: Experiment, step: str | None) -> dict[str, float]:
    """Return the percentages of the groups by label; groups of 0 % are left out."""
    if isinstance(experiment, Journey):
        experiment = _of_journey(experiment, step)
    if isinstance(experiment, Split):
        experiment = {arm.label: arm.percentage for arm in experiment.arms}
    if not isinstance(experiment, Mapping):
        msg = f"experiment: expected a Split, a Journey, or percentages by label, not {describe(experiment)}"
        raise TypeError(msg)
    if bad := [share for share in experiment.values() if not (isfinite(share) and share >= 0)]:
        msg = f"a percentage is 0 or more, not {describe(bad[0])}"
        raise ValueError(msg)
    if abs((whole := fsum(experiment.values())) - WHOLE) > _OFF:
        msg = f"percentages add up to {WHOLE}, not {whole:g}; add a group for those who take no part"
        raise ValueError(msg)
    shares = {label: share for label, share in experiment.items() if share}
    if len(shares) < 2:  # noqa: PLR2004 a comparison
        msg = f"an experiment has two groups or more, not {describe(shares)}"
        raise ValueError(msg)
    return shares


def _of_journey(journey: Journey, step: str | None) -> Split | Mapping[str, float]:
    """Return the Split of that name, or the groups that the holdout makes."""
    if step is not None:
        found = next((each for each in journey.steps if each.id == step and isinstance(each, Split)), None)
        if found is None:
            raise InvalidInput([f"step: journey {journey.id!r} has no Split {step!r}"])
        return found
    if not journey.holdout:
        raise InvalidInput([f"journey {journey.id!r} has no holdout: give it one, or name one of its Splits by step="])
    return {KEPT_OUT: journey.holdout, LET_IN: WHOLE - journey.holdout}


_DIGITS: Final = 12
"""How many decimals a rate has: as many as it was written with, and not 0.1 + 0.02 as 0.12000000000000001."""


def _rates(shares: Mapping[str, float], rate: float, difference: Difference) -> dict[str, float]:
    """Return the rate of each group."""
    base, *others = shares
    added = difference if isinstance(difference, Mapping) else dict.fromkeys(others, difference)
    if unknown := [label for label in added if label not in others]:
        msg = f"difference: {unknown[0]!r} is not a group that is compared with {base!r}; those are {', '.join(others)}"
        raise ValueError(msg)
    rates = {label: round(rate + added.get(label, 0), _DIGITS) for label in shares}
    if bad := [label for label, found in rates.items() if not 0 <= found <= 1]:
        msg = f"a rate is a number from 0 to 1; that of {bad[0]!r} would be {rates[bad[0]]:g}"
        raise ValueError(msg)
    if len(set(rates.values())) == 1:
        msg = "difference must not be 0: what does not differ cannot be found"
        raise ValueError(msg)
    return rates


def _per_day(arrivals: float | Arrivals | None) -> float | None:
    if isinstance(arrivals, Arrivals):
        if arrivals.kind != "poisson":
            msg = "arrivals: only Arrivals.poisson says how many come a day; give a number instead"
            raise ValueError(msg)
        return arrivals.per_day
    if arrivals is not None and not (isfinite(arrivals) and arrivals > 0):
        msg = f"arrivals must be above 0 a day, not {describe(arrivals)}"
        raise ValueError(msg)
    return arrivals


def _within(experiment: Experiment, within: object) -> int:
    if within is None and isinstance(experiment, Journey) and experiment.goal is not None:
        within = experiment.goal.within
    return 0 if within is None else micros_of(within)


def _check_people(people: int) -> None:
    if type(people) is not int or not 1 <= people <= MOST:
        msg = f"people must be a whole number from 1 to {MOST:,}, not {describe(people)}"
        raise ValueError(msg)


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        msg = f"power lies between 0 and 1, such as {USUAL}, not {describe(power)}"
        raise ValueError(msg)


# --- how it is computed -----------------------------------------------------------------------------------------------


def _plan(  # noqa: PLR0917 what a plan is made of
    shares: Mapping[str, float],
    rates: Mapping[str, float],
    people: int,
    confidence: float,
    per_day: float | None,
    within: int,
) -> ExperimentPlan:
    """Return the plan of an experiment with a number of people."""
    sizes = dict(zip(shares, _sizes(tuple(shares.values()), people), strict=True))
    base = next(iter(shares))
    first = sizes[base], rates[base]
    powers = {
        label: chance_of_finding(first, (sizes[label], rates[label]), confidence)
        for label in shares
        if rates[label] != rates[base]
    }
    groups = [PlannedGroup(label, shares[label], sizes[label], rates[label], powers.get(label)) for label in shares]
    return ExperimentPlan(tuple(groups), confidence, per_day, within)


def _sizes(shares: Sequence[float], people: int) -> list[int]:
    """Return how many people each group has; together they are all.

    >>> _sizes([50, 25, 25], 7)
    [4, 1, 2]
    """
    ends = [round(people * share / WHOLE) for share in accumulate(shares)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _guess(shares: Mapping[str, float], rates: Mapping[str, float], power: float, confidence: float) -> int:
    """Return about how many people are needed, by the normal distribution."""
    base = next(iter(shares))
    normal = NormalDist()
    reach = reach_of(confidence) + normal.inv_cdf(power)
    spread = {label: rate * (1 - rate) * WHOLE / shares[label] for label, rate in rates.items()}
    needed = [
        reach**2 * (spread[base] + spread[label]) / (rate - rates[base]) ** 2
        for label, rate in rates.items()
        if rate != rates[base]
    ]
    return max(2, min(MOST, round(max(needed))))


def _fewest(enough: Callable[[int], bool], guess: int) -> int:
    """Return the smallest number of people that is enough, to within a thousandth; raises ValueError above `MOST`."""
    low = high = guess
    step = guess // 100 + 1
    while not enough(high):
        if high == MOST:
            msg = f"{MOST:,} people are not enough; ask for a larger difference or less power"
            raise ValueError(msg)
        low, high, step = high + 1, min(MOST, high + step), 2 * step
    while low == high > 1 and enough(low := max(1, high - step)):
        high, step = low, 2 * step
    return _first(enough, low, high, high // 1000)


def _first(true: Callable[[int], bool], low: int, high: int, off: int = 0) -> int:
    """Return the first number for which something is true, or one that is `off` more; it is true of `high`."""
    while high - low > off:
        middle = (low + high) // 2
        if true(middle):
            high = middle
        else:
            low = middle + 1
    return high
