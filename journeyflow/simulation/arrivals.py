"""When the people of a simulation come: at once, evenly, or at random by weekday and hour."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from math import exp, inf, sqrt
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import DAY, SECOND, from_micros, to_micros, zone, zone_or
from journeyflow.basics.values import Attributes, describe
from journeyflow.simulation.draws import STANDARD, Draws, micros_of

HOUR = 3_600 * SECOND

ZONES_APART = 26 * HOUR
"""How far apart the same time of day can be in two zones."""


def _seven(value: Sequence[float] | None) -> tuple[float, ...]:
    return _shares(value, 7, "weekdays")


def _twenty_four(value: Sequence[float] | None) -> tuple[float, ...]:
    return _shares(value, 24, "hours")


def _shares(value: Sequence[float] | None, count: int, what: str) -> tuple[float, ...]:
    """Return weights scaled to a mean of 1; raises ValueError."""
    weights = (1.0,) * count if value is None else tuple(map(float, value))
    if len(weights) != count or min(weights) < 0 or not 0 < sum(weights) < inf:
        msg = f"{what} must be {count} weights of 0 or more, not all 0, not {describe(value)}"
        raise ValueError(msg)
    return tuple(weight * count / sum(weights) for weight in weights)


@frozen
class Arrivals:
    """When the participants come; make one with `at_once`, `evenly` or `poisson`.

    Weekdays (from Monday) and hours (from midnight) are those of `timezone`, an IANA zone; with `customer_timezone`, of
    the zone that a customer's attribute `timezone` names, where it names one.
    """

    kind: str
    length: int | None = None
    """Microseconds after the start for "at once"; how long it goes on for "evenly", None for the whole simulation."""
    per_day: float = 0.0
    weekdays: tuple[float, ...] = field(default=None, converter=_seven)
    hours: tuple[float, ...] = field(default=None, converter=_twenty_four)
    timezone: str = "UTC"
    customer_timezone: bool = False

    def __attrs_post_init__(self) -> None:
        """Check the zone; raises ValueError."""
        zone(self.timezone)

    @classmethod
    def at_once(cls, after: object = "0 minutes") -> "Arrivals":
        """Return arrivals of all customers at one instant, a length of time after the start."""
        return cls("at once", micros_of(after))

    @classmethod
    def evenly(cls, over: object = None) -> "Arrivals":
        """Return arrivals at equal distances over a length of time, by default the whole simulation."""
        return cls("evenly", None if over is None else micros_of(over))

    @classmethod
    def poisson(
        cls,
        per_day: float,
        *,
        weekdays: Sequence[float] | None = None,
        hours: Sequence[float] | None = None,
        timezone: str = "UTC",
        customer_timezone: bool = False,
    ) -> "Arrivals":
        """Return arrivals at random, `per_day` on average; how many come is random, too.

        `weekdays` is seven weights, from Monday, and `hours` 24, from midnight; only their proportions count. They are
        those of `timezone`, or with `customer_timezone` of each customer's. Raises ValueError for a `per_day` or
        weights that cannot be.
        """
        if not 0 < per_day < inf:
            msg = f"per_day must be above 0 and finite, not {describe(per_day)}"
            raise ValueError(msg)
        profile = {"weekdays": weekdays, "hours": hours}
        where = {"timezone": timezone, "customer_timezone": customer_timezone}
        return cls("poisson", per_day=float(per_day), **profile, **where)  # type: ignore[arg-type]  # by name

    def instants(self, seed: int, count: int, start: int, end: int) -> Iterator[int]:
        """Yield the instants from `start` to before `end`, in order, in microseconds UTC.

        There are `count`, or for "poisson" as many as come by chance.
        """
        if self.kind == "poisson":
            yield from self._by_chance(Draws(seed, ""), start, end)
        elif self.kind == "at once":
            yield from [min(start + (self.length or 0), end - 1)] * count
        else:
            span = end - start if self.length is None else min(self.length, end - start)
            yield from (start + span * n // count for n in range(count))

    def _by_chance(self, draws: Draws, start: int, end: int) -> Iterator[int]:
        """Yield the arrivals of each hour: their number is Poisson, and their places are uniform.

        Elsewhere than in UTC it is each quarter of an hour, because there are zones whose hours begin at one.
        """
        where, step = zone(self.timezone), HOUR if self.timezone == "UTC" else HOUR // 4
        for begin in range(start - start % step, end, step):
            weekday, hour = _hour(begin, where)
            mean = self.per_day * step / DAY * self.weekdays[weekday] * self.hours[hour]
            key = str(begin // step)
            number = poisson(mean, draws.unit("arrivals", key))
            places = sorted(begin + int(step * draws.unit("arrival", key, str(n))) for n in range(number))
            yield from (place for place in places if start <= place < end)

    def own(self, at: int, attributes: Attributes) -> int:
        """Return when a customer comes for whom it must be the same time of day where they are."""
        where = zone(self.timezone)
        return to_micros(from_micros(at).astimezone(where).replace(tzinfo=zone_or(attributes.get("timezone"), where)))


def poisson(mean: float, unit: float) -> int:
    """Return the number of events at a share of all, where `mean` are expected.

    >>> poisson(2.0, 0.5), poisson(0.0, 0.9), poisson(900.0, 0.5)
    (2, 0, 900)
    """
    if mean > 50:  # noqa: PLR2004 the normal distribution is near enough, and the sum below would lose its digits
        return max(0, round(mean + sqrt(mean) * STANDARD.inv_cdf(unit)))
    shares, share = list[float](), exp(-mean)
    for number in range(1, 200):
        shares.append(share)
        share *= mean / number
    return int(bisect_left(list(accumulate(shares)), unit))


def _hour(at: int, where: ZoneInfo) -> tuple[int, int]:
    """Return the weekday and the hour of an instant in a zone."""
    when = datetime.fromtimestamp(at // SECOND, where)
    return when.weekday(), when.hour


def fitted_arrivals(instants: Iterable[int], since: int, until: int, timezone: str) -> Arrivals | None:
    """Return the arrivals that fit given instants, by weekday and hour; None if there are none.

    A history of less than a day counts as one: an import of all customers at once says nothing about how many come. The
    profiles begin from one ordinary day, so that little history says little about them.
    """
    where = zone(timezone)
    came = Counter(_hour(at, where) for at in instants)
    if not came:
        return None
    until = max(until, since + DAY)
    passed = Counter(_hour(hour, where) for hour in range(since - since % HOUR, until, HOUR))
    per_hour = came.total() / ((until - since) / HOUR)
    profiles = []
    for place, (count, share) in enumerate(((7, 24), (24, 1))):
        found = Counter[int]()
        length = Counter[int]()
        for key in passed:
            found[key[place]] += came[key]
            length[key[place]] += passed[key]
        profiles.append([(found[n] + per_hour * share) / (length[n] + share) for n in range(count)])
    return Arrivals.poisson(per_hour * 24, weekdays=profiles[0], hours=profiles[1], timezone=timezone)
