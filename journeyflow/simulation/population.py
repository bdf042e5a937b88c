"""Who takes part in a simulation: their attributes, and when they come."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from math import exp, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from attrs import field, frozen

from journeyflow.basics.moments import SECOND
from journeyflow.basics.values import Attributes, describe
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.errors import InvalidInput
from journeyflow.formats.events import customers_of
from journeyflow.formats.files import FileKeywords, Source, file_options
from journeyflow.questions.customers import all_customers
from journeyflow.simulation.draws import STANDARD, Draws, micros_of

if TYPE_CHECKING:
    from typing import Unpack

    from journeyflow.engine.engine import Engine

HOUR = 3_600 * SECOND


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
    if len(weights) != count or min(weights) < 0 or not sum(weights):
        msg = f"{what} must be {count} weights of 0 or more, not all 0, not {describe(value)}"
        raise ValueError(msg)
    return tuple(weight * count / sum(weights) for weight in weights)


@frozen
class Arrivals:
    """When the participants come; make one with `at_once`, `evenly` or `poisson`.

    Weekdays (from Monday) and hours (from midnight) are those of UTC.
    """

    kind: str
    length: int | None = None
    """Microseconds after the start for "at once"; how long it goes on for "evenly", None for the whole simulation."""
    per_day: float = 0.0
    weekdays: tuple[float, ...] = field(default=None, converter=_seven)
    hours: tuple[float, ...] = field(default=None, converter=_twenty_four)

    @classmethod
    def at_once(cls, after: object = "0 minutes") -> "Arrivals":
        """Let everybody come at one instant, a length of time after the start."""
        return cls("at once", micros_of(after))

    @classmethod
    def evenly(cls, over: object = None) -> "Arrivals":
        """Let them come at equal distances over a length of time, by default the whole simulation."""
        return cls("evenly", None if over is None else micros_of(over))

    @classmethod
    def poisson(
        cls, per_day: float, *, weekdays: Sequence[float] | None = None, hours: Sequence[float] | None = None
    ) -> "Arrivals":
        """Let them come at random, `per_day` on average; how many come is chance too.

        `weekdays` is seven weights, from Monday, and `hours` 24, from midnight; only their proportions count.
        """
        if not per_day > 0:
            msg = f"per_day must be above 0, not {describe(per_day)}"
            raise ValueError(msg)
        return cls("poisson", per_day=float(per_day), weekdays=weekdays, hours=hours)

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
        """Yield the arrivals of each hour: their number is Poisson, and their places are uniform."""
        begun = start - start % HOUR
        for hour in range(begun, end, HOUR):
            when = datetime.fromtimestamp(hour // SECOND, UTC)
            mean = self.per_day / 24 * self.weekdays[when.weekday()] * self.hours[when.hour]
            key = str(hour // HOUR)
            number = poisson(mean, draws.unit("arrivals", key))
            places = sorted(hour + int(HOUR * draws.unit("arrival", key, str(n))) for n in range(number))
            yield from (place for place in places if start <= place < end)


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
    (id, attributes); `size` and `attributes` then do not count. A Poisson process decides by chance how many come.

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

    def participants(self, *, seed: int, start: int, end: int) -> Iterator[Participant]:
        """Yield everybody who comes from `start` to before `end`, in order; instants are in microseconds UTC."""
        instants = self.arrivals.instants(seed, self.size if self.records is None else len(self.records), start, end)
        if self.records is not None:
            yield from (Participant(name, dict(known), at) for (name, known), at in zip(self.records, instants))  # noqa: B905 whoever comes first ends it
            return
        for number, at in enumerate(instants):
            name = f"s{seed}-{number:06d}"
            draws = Draws(seed, name)
            person: Attributes = {}
            for attribute, how in self.attributes.items():
                person[attribute] = _drawn(attribute, how, person, draws)
            yield Participant(name, person, at)


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
