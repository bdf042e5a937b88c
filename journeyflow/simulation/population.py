"""Who takes part in a simulation: their attributes, and when they come."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, islice
from math import exp, inf, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from journeyflow.basics.moments import DAY, SECOND, from_micros, to_micros, zone, zone_or
from journeyflow.basics.showing import counted
from journeyflow.basics.values import Attributes, describe
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.drawing.rows import Rows
from journeyflow.errors import InvalidInput
from journeyflow.formats.events import customers_of
from journeyflow.formats.files import FileKeywords, Source, file_options
from journeyflow.questions.customers import all_customers
from journeyflow.records.public import Event
from journeyflow.simulation.draws import STANDARD, Draws, micros_of
from journeyflow.simulation.fitting import history_of
from journeyflow.simulation.posteriors import CONFIDENCE
from journeyflow.work.engagement import LAST_ATTRIBUTE

if TYPE_CHECKING:
    from typing import Unpack

    from journeyflow.engine.engine import Engine
    from journeyflow.simulation.recording import Submitted

HOUR = 3_600 * SECOND

ZONES_APART = 26 * HOUR
"""How far apart the same time of day can be in two zones."""


class Participant(NamedTuple):
    """Somebody who takes part: the id, the attributes, and the instant of coming, in microseconds UTC."""

    id: str
    attributes: Attributes
    at: int


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
        """Return arrivals of everybody at one instant, a length of time after the start."""
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
        """Return arrivals at random, `per_day` on average; how many come is chance too.

        `weekdays` is seven weights, from Monday, and `hours` 24, from midnight; only their proportions count. They are
        those of `timezone`, or with `customer_timezone` of each customer's.
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
    if mean > 50:  # the normal distribution is near enough, and the sum below would lose its digits  # noqa: PLR2004
        return max(0, round(mean + sqrt(mean) * STANDARD.inv_cdf(unit)))
    shares, share = list[float](), exp(-mean)
    for number in range(1, 200):
        shares.append(share)
        share *= mean / number
    return int(bisect_left(list(accumulate(shares)), unit))


@frozen(kw_only=True)
class Population:
    """The participants of a simulation: how many, with which attributes, and when they come.

    `attributes` maps names to a distribution (`Choice`, `Uniform`, `Normal`, `LogNormal`, `Dates`), to a function of
    the attributes before it and `Draws`, or to a value that all have. `records` are given people instead, as pairs
    (id, attributes); `size` and `attributes` then do not count. `like` are records of which everybody is a copy of one,
    chosen at random, so that attributes that depend on one another still do. A Poisson process decides by chance how
    many come.

    >>> people = Population(
    ...     size=2, attributes={"plan": "free", "greeting": lambda person, draws: f"Hello, {person['plan']}"}
    ... )
    >>> [each.attributes for each in people.participants(seed=7, start=0, end=10)]
    [{'plan': 'free', 'greeting': 'Hello, free'}, {'plan': 'free', 'greeting': 'Hello, free'}]
    """

    size: int = 1_000
    attributes: Mapping[str, object] = field(factory=dict)
    arrivals: Arrivals = field(factory=Arrivals.at_once)
    records: tuple[tuple[str, Mapping[str, object]], ...] | None = None
    like: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    prefix: str = "s"
    """What the ids of made-up people begin with."""

    def __attrs_post_init__(self) -> None:
        """Check the size; raises ValueError."""
        if type(self.size) is not int or self.size < 1:
            msg = f"size must be 1 or more, not {describe(self.size)}"
            raise ValueError(msg)

    @classmethod
    def of(
        cls,
        records: Iterable[tuple[str, Mapping[str, object]] | Mapping[str, object]],
        arrivals: Arrivals | None = None,
    ) -> "Population":
        """Take given people: pairs (id, attributes), or mappings that hold the id as "customer"."""
        pairs = [each if isinstance(each, tuple) else _pair(each) for each in records]
        if not pairs:
            raise InvalidInput(["records: there is nobody"])
        return cls(records=tuple(pairs), arrivals=arrivals or Arrivals.at_once())

    @classmethod
    def from_file(
        cls, source: Source, arrivals: Arrivals | None = None, **options: "Unpack[FileKeywords]"
    ) -> "Population":
        """Take the people of a customer file (CSV, NDJSON or JSON); `options` are the fields of `FileOptions`.

        Raises InvalidInput with every line that cannot be read.
        """
        faults: list[str] = []
        found = list(customers_of(source, file_options(options), lambda line: faults.append(str(line)), lambda _: None))
        if faults:
            raise InvalidInput(faults)
        return cls.of(found, arrivals)

    @classmethod
    def from_engine(
        cls, engine: "Engine", arrivals: Arrivals | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> "Population":
        """Take the customers of a tenant of an engine, as they are now, sorted by id."""
        with engine.store.reader() as reader:
            return cls.of(all_customers(reader, tenant), arrivals)

    @classmethod
    def from_pandas(
        cls,
        frame: Any,  # noqa: ANN401 pandas is no dependency
        customer: str = "customer",
        arrivals: Arrivals | None = None,
    ) -> "Population":
        """Take the rows of a data frame; the column `customer` holds the ids. Missing values are left out."""
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return cls.of(
            (
                (str(row[customer]), {str(k): v for k, v in row.items() if k != customer and v is not None})
                for row in rows
            ),
            arrivals,
        )

    @classmethod
    def fit(
        cls,
        source: "Engine | Iterable[Submitted]",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        timezone: str = "UTC",
        tenant: str = DEFAULT_TENANT,
    ) -> "PopulationFit":
        """Return a population like the customers who came in a span of time, and what it is based on.

        A customer comes at the first input about them. Newcomers are like those of the span, or like all customers if
        none came: whole records of attributes as they are now, without what the engine notes itself. They come as many
        a day, and at such weekdays and hours of `timezone`. Events alone have no attributes.

        Raises InvalidInput if there is no history.
        """
        history = history_of(source, since, until, tenant)
        came = {name: at for name, at in history.first.items() if at >= history.since}
        known: dict[str, Mapping[str, object]] = {}
        if hasattr(source, "store"):
            with source.store.reader() as reader:
                known = dict(all_customers(reader, tenant))
        firsts = defaultdict[str, list[tuple[str, Mapping[str, object]]]](list)
        for each in history.events:
            if each.at == came.get(each.customer):
                firsts[each.customer].append((each.type, {**each.data}))  # processes cannot send a read-only view
        models = [name for name in came if name in known or not known] or sorted(known)
        arrivals = _fitted_arrivals(came.values(), history.since, history.until, timezone)
        people = cls(
            arrivals=arrivals or Arrivals.at_once(),
            records=() if arrivals is None else None,
            like=tuple(_unmarked(known.get(name, {})) for name in models),
        )
        first = AsRecorded(1, tuple(tuple(firsts[name]) for name in models))
        days = (history.until - history.since) / DAY
        return PopulationFit(people, first, len(came), days, from_micros(history.since), from_micros(history.until))

    def participants(self, *, seed: int, start: int, end: int, part: int = 0, parts: int = 1) -> Iterator[Participant]:
        """Yield everybody who comes from `start` to before `end`, in order; instants are in microseconds UTC.

        People may be cut into `parts` of the same size, one after the other; then those of one `part` are yielded,
        counted from 0.
        """
        comings = self.comings(seed=seed, start=start, end=end)
        numbers = range(len(comings) * part // parts, len(comings) * (part + 1) // parts)
        found = (self._participant(number, comings[number], seed) for number in numbers)
        if not self.arrivals.customer_timezone:
            yield from found
            return
        there = (each._replace(at=self.arrivals.own(each.at, each.attributes)) for each in found)
        yield from sorted((each for each in there if start <= each.at < end), key=lambda each: each.at)

    def comings(self, *, seed: int, start: int, end: int) -> Sequence[int]:
        """Return the instants at which people come from `start` to before `end`, in order, in microseconds UTC.

        Where each comes at a time of their own zone, these are the instants in the zone of all, from further around.
        """
        if self.arrivals.customer_timezone:
            start, end = start - ZONES_APART, end + ZONES_APART
        most = self.size if self.records is None else len(self.records)
        instants = self.arrivals.instants(seed, most, start, end)
        return list(instants if self.records is None else islice(instants, most))

    def _participant(self, number: int, at: int, seed: int) -> Participant:
        if self.records is not None:
            name, known = self.records[number]
            return Participant(name, dict(known), at)
        name = f"{self.prefix}{seed}-{number:06d}"
        draws = Draws(seed, name)
        person: Attributes = {**self.like[record_of(draws, len(self.like))]} if self.like else {}
        for attribute, how in self.attributes.items():
            person[attribute] = _drawn(attribute, how, person, draws)
        return Participant(name, person, at)


# --- fitting ----------------------------------------------------------------------------------------------------------


def record_of(draws: Draws, count: int) -> int:
    """Return which of several records a newcomer is a copy of."""
    return int(draws.unit("record") * count)


@frozen
class AsRecorded:
    """What newcomers do on coming: the events of the recorded customer whose copy each of them is."""

    seed: int
    events: tuple[tuple[tuple[str, Mapping[str, object]], ...], ...] = field(repr=False)

    def __call__(self, customer: str, at: datetime) -> list[Event]:
        """Return the events of a newcomer."""
        found = self.events[record_of(Draws(self.seed, customer), len(self.events))]
        return [Event(kind, customer=customer, at=at, data=data) for kind, data in found]


@frozen(repr=False)
class PopulationFit(Rows):
    """A population fitted to recorded history, and what it is based on.

    `entering` is what newcomers do on coming. `arrived` customers came in `days`, from `since` to `until` in UTC.
    """

    population: Population
    entering: AsRecorded
    arrived: int
    days: float
    since: datetime
    until: datetime

    @property
    def per_day(self) -> tuple[float, float, float]:
        """How many come a day: the mean and the bounds of its interval (95 %)."""
        half = STANDARD.inv_cdf((1 + CONFIDENCE) / 2) * sqrt(self.arrived)
        return (
            self.arrived / self.days,
            max(0.0, self.arrived - half) / self.days,
            (self.arrived + half) / self.days,
        )

    def drawn(self, seed: int) -> Population:
        """Return a population whose number of arrivals a day is drawn from what it may be."""
        if not self.arrived:
            return self.population
        per_day = Draws(seed, "rates").gamma(self.arrived + 0.5, "arrivals") / self.days
        return evolve(self.population, arrivals=evolve(self.population.arrivals, per_day=per_day))

    def to_dicts(self) -> list[dict[str, object]]:
        """Return what was fitted as plain rows: the arrivals a day, and the weights of weekdays and hours."""
        mean, low, high = self.per_day
        arrivals = self.population.arrivals
        rows: list[dict[str, object]] = [
            {"figure": "arrivals a day", "label": "", "mean": mean, "low": low, "high": high, "count": self.arrived}
        ]
        for figure, weights in (("weekday", arrivals.weekdays), ("hour", arrivals.hours)):
            rows += [{"figure": figure, "label": str(n), "mean": weight} for n, weight in enumerate(weights)]
        return rows

    def __repr__(self) -> str:
        """Return how many came."""
        return f"PopulationFit({self.arrived} came, {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d})"

    def report(self) -> str:
        """Return what was fitted as text for people."""
        mean, low, high = self.per_day
        weekdays = " ".join(f"{weight:.2f}" for weight in self.population.arrivals.weekdays)
        return (
            f"{counted(self.arrived, 'customer')} came from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}:"
            f" {mean:.2f} a day ({low:.2f} to {high:.2f})\n  weekdays from Monday: {weekdays}"
        )


def _hour(at: int, where: ZoneInfo) -> tuple[int, int]:
    """Return the weekday and the hour of an instant in a zone."""
    when = datetime.fromtimestamp(at // SECOND, where)
    return when.weekday(), when.hour


def _fitted_arrivals(instants: Iterable[int], since: int, until: int, timezone: str) -> Arrivals | None:
    """Return the arrivals of so many by weekday and hour; None if nobody came.

    A history of less than a day counts as one: an import of everybody at once says nothing of how many come. The
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


def _unmarked(attributes: Mapping[str, object]) -> Mapping[str, object]:
    """Return attributes without the instants that the engine notes of messages (R52)."""
    endings = tuple(LAST_ATTRIBUTE.values())
    return {
        name: value for name, value in attributes.items() if not (name.startswith("last") and name.endswith(endings))
    }


def _pair(record: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    if "customer" not in record:
        raise InvalidInput([f"records: {describe(dict(record))} has no 'customer'"])
    return str(record["customer"]), {name: value for name, value in record.items() if name != "customer"}


def _drawn(attribute: str, how: object, person: Attributes, draws: Draws) -> object:
    """Return the value of an attribute of one person."""
    if hasattr(how, "value"):
        return how.value(draws.unit("attribute", attribute))
    if callable(how):
        return cast("Callable[[Attributes, Draws], object]", how)(person, draws)
    return how
