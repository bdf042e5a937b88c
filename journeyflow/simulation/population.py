"""Who takes part in a simulation: their attributes, and when they come."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from math import sqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from attrs import evolve, field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.hours import WEEKDAYS
from journeyflow.basics.moments import DAY, from_micros
from journeyflow.basics.showing import counted
from journeyflow.basics.values import Attributes, describe
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.drawing.charts import columns
from journeyflow.errors import InvalidInput, brief
from journeyflow.formats.events import customers_of
from journeyflow.formats.files import FileKeywords, Source, file_options
from journeyflow.questions.customers import all_customers
from journeyflow.questions.numbers import CONFIDENCE
from journeyflow.records.public import Event
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.arrivals import ZONES_APART, Arrivals, fitted_arrivals
from journeyflow.simulation.draws import STANDARD, Draws
from journeyflow.simulation.fitting import history_of
from journeyflow.work.engagement import LAST_ATTRIBUTE

if TYPE_CHECKING:
    from typing import Unpack

    from journeyflow.engine.engine import Engine
    from journeyflow.simulation.recording import Submitted

MAX_SIZE: Final = 100_000_000
"""People of one population: more than any machine simulates in a day."""


class Participant(NamedTuple):
    """A customer who takes part: the id, the attributes, and the instant of coming, in microseconds UTC."""

    id: str
    attributes: Attributes
    at: int


@frozen(kw_only=True)
class Population:
    """The participants of a simulation: how many, with which attributes, and when they come.

    `attributes` maps names to a distribution (`Choice`, `Uniform`, `Normal`, `LogNormal`, `Dates`), to a function of
    the attributes before it and `Draws`, or to a value that all have. `records` are given people instead, as pairs (id,
    attributes); `size` and `attributes` then do not count. `like` are records, of one of which each customer is a copy,
    chosen at random, so that attributes that depend on one another still do. A Poisson process decides by chance how
    many come.

    >>> people = Population(
    ...     size=2, attributes={"plan": "free", "greeting": lambda person, draws: f"Hello, {person['plan']}"}
    ... )
    >>> [each.attributes for each in people.participants(seed=7, start=0, end=10)]
    [{'plan': 'free', 'greeting': 'Hello, free'}, {'plan': 'free', 'greeting': 'Hello, free'}]
    """

    size: int = 1_000
    attributes: Mapping[str, object] = field(factory=dict, repr=brief)
    arrivals: Arrivals = field(factory=Arrivals.at_once)
    records: tuple[tuple[str, Mapping[str, object]], ...] | None = field(
        default=None, repr=lambda records: "None" if records is None else f"<{len(records)} people>"
    )
    like: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    prefix: str = "s"
    """What the ids of made-up people begin with."""

    def __attrs_post_init__(self) -> None:
        """Check the size; raises ValueError."""
        if type(self.size) is not int or not 1 <= self.size <= MAX_SIZE:
            msg = f"size must be 1 to {MAX_SIZE:,}, not {describe(self.size)}"
            raise ValueError(msg)

    @classmethod
    def of(
        cls,
        records: Iterable[tuple[str, Mapping[str, object]] | Mapping[str, object]],
        arrivals: Arrivals | None = None,
    ) -> "Population":
        """Take given people: pairs (id, attributes), or mappings that hold the id as "customer".

        Raises InvalidInput if there are none.
        """
        pairs = [each if isinstance(each, tuple) else _pair(each) for each in records]
        if not pairs:
            raise InvalidInput(["records: there are no customers"])
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
        frame: Any,  # noqa: ANN401 pandas is not a dependency
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
        arrivals = fitted_arrivals(came.values(), history.since, history.until, timezone)
        people = cls(
            arrivals=arrivals or Arrivals.at_once(),
            records=() if arrivals is None else None,
            like=tuple(_unmarked(known.get(name, {})) for name in models),
        )
        first = AsRecorded(1, tuple(tuple(firsts[name]) for name in models))
        days = (history.until - history.since) / DAY
        return PopulationFit(people, first, len(came), days, from_micros(history.since), from_micros(history.until))

    def participants(self, *, seed: int, start: int, end: int, part: int = 0, parts: int = 1) -> Iterator[Participant]:
        """Yield all who come from `start` to before `end`, in order; instants are in microseconds UTC.

        People may be cut into `parts` of the same size, one after the other; then those of one `part` are yielded,
        counted from 0.
        """
        comings = self.comings(seed=seed, start=start, end=end)
        if self.records is not None and self.arrivals.customer_timezone:
            given = list(self._given_at_home(comings, start, end))
            yield from sorted(given[_cut(len(given), part, parts)], key=lambda each: each.at)
            return
        numbers = range(len(comings))[_cut(len(comings), part, parts)]
        found = (self._participant(number, comings[number], seed) for number in numbers)
        if not self.arrivals.customer_timezone:
            yield from found
            return
        there = (each._replace(at=self.arrivals.own(each.at, each.attributes)) for each in found)
        yield from sorted((each for each in there if start <= each.at < end), key=lambda each: each.at)

    def _given_at_home(self, comings: Sequence[int], start: int, end: int) -> Iterator[Participant]:
        """Yield given people, each at the next time of their own zone that lies in the span."""
        left = iter(comings)
        for name, known in self.records or ():
            there = (self.arrivals.own(each, {**known}) for each in left)
            at = next((each for each in there if start <= each < end), None)
            if at is None:
                return
            yield Participant(name, dict(known), at)

    def comings(self, *, seed: int, start: int, end: int) -> Sequence[int]:
        """Return the instants at which people come from `start` to before `end`, in order, in microseconds UTC.

        Where each comes at a time of their own zone, these are the instants in the zone of all, from further around.
        """
        if self.arrivals.customer_timezone:
            start, end = start - ZONES_APART, end + ZONES_APART
        most = self.size if self.records is None else len(self.records)
        instants = self.arrivals.instants(seed, most, start, end)
        given = self.records is not None and not self.arrivals.customer_timezone
        return list(islice(instants, most) if given else instants)

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


def _cut(count: int, part: int, parts: int) -> slice:
    """Return which of `count` people in order are those of one of several parts."""
    return slice(count * part // parts, count * (part + 1) // parts)


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

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the fit, and `to_html()` writes it as one page of HTML."""
        arrivals = self.population.arrivals
        parts = [
            columns(title, names, {"weight": [round(weight, 3) for weight in weights]})
            for title, names, weights in (
                ("Arrivals by weekday", WEEKDAYS, arrivals.weekdays),
                ("Arrivals by hour", [f"{hour}:00" for hour in range(24)], arrivals.hours),
            )
        ]
        said = "A weight is how many come then, as a multiple of the mean: at 2 it is twice as many."
        return ReportPage(
            "Arrivals fitted to history", [f"{self._came()}."], [Section("When", [said], parts)], str(self)
        )

    def __str__(self) -> str:
        """Return what was fitted as text for people."""
        weekdays = " ".join(f"{weight:.2f}" for weight in self.population.arrivals.weekdays)
        return f"{self._came()}\n  weekdays from Monday: {weekdays}"

    def _came(self) -> str:
        mean, low, high = self.per_day
        return (
            f"{counted(self.arrived, 'customer')} came from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}:"
            f" {mean:.2f} a day ({low:.2f} to {high:.2f})"
        )


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
