"""What participants do: with each message, and by themselves (probabilities, delays, background events)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from attrs import asdict, evolve, field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import DAY, MINUTE, from_micros
from journeyflow.basics.showing import counted
from journeyflow.basics.values import describe
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.definition.rules.conditions import Rule
from journeyflow.drawing.charts import IntervalRow, intervals
from journeyflow.errors import brief
from journeyflow.records.public import Message
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.background import Background
from journeyflow.simulation.draws import Delay, Distribution, Draws, micros_of
from journeyflow.simulation.fitting import Frequency, Rate, frequencies_of, history_of, rates_of

if TYPE_CHECKING:
    from journeyflow.engine.engine import Engine
    from journeyflow.simulation.recording import Submitted

REACTION_KINDS: Final = ("bounced", "delivered", "opened", "clicked", "converted", "unsubscribed", "complained")
"""What people do with a message, or what becomes of it, in the order in which it is decided."""

USUAL_DELAYS: Final[Mapping[str, Delay]] = {
    "bounced": Delay.fixed("1 minute"),
    "delivered": Delay.fixed("1 minute"),
    "opened": Delay.around("2 hours", 1.5),
    "clicked": Delay.around("2 minutes", 1.0),
    "converted": Delay.around("1 day", 1.0),
    "unsubscribed": Delay.around("2 minutes", 1.0),
    "complained": Delay.around("2 hours", 1.5),
}
"""How long each takes unless the host says otherwise: an opening counts from the delivery, a click from the opening."""


@frozen
class Chance:
    """How likely something is, and how long it takes.

    >>> Chance(0.4, Delay.around("2 hours"))
    Chance(probability=0.4, delay=Delay(kind='around', lengths=(7200000000,), spread=1.0))
    """

    probability: float
    delay: Delay | None = None

    def __attrs_post_init__(self) -> None:
        """Check the probability; raises ValueError."""
        if not (isinstance(self.probability, int | float) and 0 <= self.probability <= 1):
            msg = f"a probability is a number from 0 to 1, not {describe(self.probability)}"
            raise ValueError(msg)


def _reaction(value: object) -> Chance | None:
    return value if value is None or isinstance(value, Chance) else Chance(cast("float", value))


@frozen(kw_only=True)
class Reactions:
    """How likely it is that people do something with a message: a probability or a `Chance` for each kind.

    None leaves a kind as it is for other messages; in the end it stands for never.
    """

    bounced: Chance | None = field(default=None, converter=_reaction)
    delivered: Chance | None = field(default=None, converter=_reaction)
    opened: Chance | None = field(default=None, converter=_reaction)
    clicked: Chance | None = field(default=None, converter=_reaction)
    converted: Chance | None = field(default=None, converter=_reaction)
    unsubscribed: Chance | None = field(default=None, converter=_reaction)
    complained: Chance | None = field(default=None, converter=_reaction)

    @property
    def said(self) -> dict[str, Chance]:
        """The kinds that are given."""
        return {kind: said for kind in REACTION_KINDS if (said := getattr(self, kind)) is not None}


@frozen(kw_only=True)
class When(Reactions):
    """Other reactions to some messages: those of a channel, template, journey, step or arm, or of some customers.

    `arm` is a pair (id of the Split, label); `who` is a rule about the customer as they came. What is not given stays
    as it is for other messages. Of several that fit, the last one decides.

    >>> When(channel="SMS", opened=0.9).channel
    'SMS'
    """

    channel: str | None = None
    template: str | None = None
    journey: str | None = None
    step: str | None = None
    arm: tuple[str, str] | None = None
    who: Rule | None = None

    def fits_message(self, message: Message) -> bool:
        """Return whether this is about messages like this one, whoever gets them."""
        return (
            self.channel in {None, message.channel}
            and self.template in {None, message.template}
            and self.journey in {None, message.journey}
            and self.step in {None, message.step}
        )


def _as_exceptions(value: Iterable[When]) -> tuple[When, ...]:
    return tuple(value)


def _as_backgrounds(value: Iterable[Background]) -> tuple[Background, ...]:
    return tuple(value)


class Done(NamedTuple):
    """What a participant does: the event's type and data, and how long after the message was sent, in microseconds.

    `data` of None stands for the id of the message alone.
    """

    delay: int
    type: str
    data: dict[str, object] | None = None


React = Callable[[Message, Mapping[str, object], Draws], Iterable[tuple[object, str, Mapping[str, object]]]]
"""The host's own behavior: from a message, the attributes of its customer as they came, and their draws, what the
customer does: (length of time after the sending, type of the event, its data)."""


@frozen(kw_only=True)
class Behavior(Reactions):
    """What participants do with messages, and by themselves.

    Each kind is a probability, or a `Chance` with its delay. `bounced` is a share of all messages and `delivered` of
    the others; all further kinds are shares of what is delivered. Who clicks has opened, too. `converted` reports
    the event of the journey's goal; with `revenue`, a distribution of amounts in minor units, also how much it was, and
    with `conversion`, names with distributions or values, what else a goal with a `where` asks of its event.
    `when` are exceptions for some messages, `background` what people do by themselves, `react` the host's own function.

    No customer does anything with a message within `soonest`, a length of time of a second or more: the simulated host
    delivers once in each such interval. A longer one makes the simulation faster.

    >>> Behavior(opened=0.4, clicked=0.08, when=[When(channel="SMS", clicked=0.2)]).soonest == 5 * MINUTE
    True
    """

    revenue: Distribution | None = None
    conversion: Mapping[str, object] = field(factory=dict, repr=brief)
    when: tuple[When, ...] = field(default=(), converter=_as_exceptions, repr=brief)
    background: tuple[Background, ...] = field(default=(), converter=_as_backgrounds, repr=brief)
    react: React | None = None
    soonest: int = field(default=5 * MINUTE, converter=micros_of)

    def __attrs_post_init__(self) -> None:
        """Check `soonest`; raises ValueError."""
        if self.soonest < MINUTE // 60:
            msg = "soonest must be a second or more"
            raise ValueError(msg)

    @classmethod
    def fit(
        cls,
        source: "Engine | Iterable[Submitted]",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        background: Iterable[str] | None = None,
        keys: Iterable[str] = (),
        settle: object = "3 days",
        tenant: str = DEFAULT_TENANT,
    ) -> "Fit":
        """Return a behavior fitted to the history of an engine, or to events alone, and what it is based on.

        The history goes from `since` to before `until`, by default all of it. Messages of its last `settle` are left
        out, because reactions to them are still to come. Rates are told apart by channel, template and step; where few
        messages were sent, they stay near those of all (see `Rate`). `background` names the events that people cause
        by themselves, by default all that hosts report but those about messages. Events alone have no messages.
        `keys` names what in the data of events is a key of the customer's own, such as an order number; an engine knows
        those of its journeys with parallel runs.

        Raises InvalidInput if there is no history.
        """
        history = history_of(source, since, until, tenant, keys)
        settled = [each for each in history.messages if each.at < history.until - micros_of(settle)]
        rates = rates_of(settled)
        frequencies = frequencies_of(history, None if background is None else {*background})
        return Fit(
            _behavior(rates, frequencies, lambda rate: rate.mean),
            rates,
            frequencies,
            from_micros(history.since),
            from_micros(history.until),
            len(settled),
            len(history.first),
        )

    def reactions(self, message: Message, fits: Callable[[When], bool]) -> Mapping[str, Chance]:
        """Return how likely each kind is for a message; `fits` asks about its customer."""
        found = self.said
        for when in self.when:
            if when.fits_message(message) and fits(when):
                found |= when.said
        return found


def _behavior(
    rates: Sequence[Rate],
    frequencies: Sequence[Frequency],
    chance: Callable[[Rate], float],
) -> Behavior:
    """Return the behavior of fitted rates, `chance` being the probability of one, and of frequencies."""
    of: dict[tuple[str | None, ...], dict[str, Chance]] = {}
    for rate in rates:
        of.setdefault(rate.place, {})[rate.kind] = Chance(chance(rate), rate.delay)
    names = ("channel", "template", "journey", "step")
    exceptions = [
        When(**dict(zip(names, place, strict=True)), **said)  # type: ignore[arg-type]  # by name
        for place, said in of.items()
        if any(place)
    ]
    backgrounds = [
        Background(
            each.event,
            max(int(each.every * DAY), MINUTE),
            data=each.data,
            spread=each.spread,
            dropout=each.dropout,
            seen=each.seen,
        )
        for each in frequencies
    ]
    usual = of.get((None,) * 4, {})
    return Behavior(**usual, when=exceptions, background=backgrounds)  # type: ignore[arg-type]  # by name


@frozen(repr=False)
class Fit(Rows):
    """A behavior fitted to recorded history, and what it is based on.

    `behavior` has the means. `rates` are the posteriors of what people do with messages, `frequencies` those of what
    they do by themselves. `since` and `until` are the span in UTC, `messages` and `customers` how many were in it.
    """

    behavior: Behavior
    rates: tuple[Rate, ...]
    frequencies: tuple[Frequency, ...]
    since: datetime
    until: datetime
    messages: int
    customers: int

    def rate(self, kind: str, **place: str) -> Rate | None:
        """Return the rate of a kind for a `channel`, a `template` of it or a `step`, or for all; None if unknown.

        The most general one that has what is asked for is returned.
        """
        return next(
            (
                each
                for each in self.rates
                if each.kind == kind and all(getattr(each, name) == value for name, value in place.items())
            ),
            None,
        )

    def drawn(self, seed: int) -> Behavior:
        """Return a behavior whose rates are drawn from their posteriors: as likely as the one of the means."""
        draws = Draws(seed, "rates")

        def chance(rate: Rate) -> float:
            one, two = (
                draws.gamma(shape, side, rate.kind, *map(str, rate.place))
                for side, shape in (("a", rate.a), ("b", rate.b))
            )
            return one / (one + two) if one + two else rate.mean

        frequencies = [each.drawn(draws) for each in self.frequencies]
        return evolve(_behavior(self.rates, frequencies, chance), soonest=self.behavior.soonest)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return each rate and each frequency as a plain row; delays are their medians, in minutes."""
        rates: list[dict[str, object]] = [
            {
                "figure": "rate",
                **asdict(rate, recurse=False),
                "delay": None if rate.delay is None else rate.delay.value(0.5) / MINUTE,
            }
            for rate in self.rates
        ]
        return rates + [
            {
                "figure": "frequency",
                **asdict(each, recurse=False, filter=lambda about, _: about.name not in _BULKY),
                "dropout": each.dropout.mean,
                **dict(zip(("dropout_low", "dropout_high"), _dropout_of(each), strict=True)),
            }
            for each in self.frequencies
        ]

    def __repr__(self) -> str:
        """Return how much it is based on."""
        return f"Fit({self._span()}; {len(self.rates)} rates, {len(self.frequencies)} frequencies)"

    def _basis(self) -> str:
        return f"{counted(self.messages, 'message')} and {counted(self.customers, 'customer')}"

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the fit, and `to_html()` writes it as one page of HTML.

        The page has each rate with its interval, as a chart, and how often customers do something by themselves.
        """
        rows = [
            IntervalRow(f"{_where(rate)}: {rate.kind}", 100 * rate.low, 100 * rate.mean, 100 * rate.high, _bounds(rate))
            for rate in self.rates
        ]
        header = ("event", "once in days", "from", "to", "events", "customers", "leave after each")
        events = [
            (each.event, *(f"{days:.1f}" for days in (each.every, each.low, each.high)), each.count, each.customers,
             f"{each.dropout.mean:.0%}") for each in self.frequencies
        ]  # fmt: skip
        chart = intervals("Rates in percent, with their intervals", ("messages and what is done", "rate"), rows)
        sections = [
            Section(
                "What people do with messages",
                [_RATES] if rows else ["Nothing was reported about any message."],
                [chart] if rows else [],
            ),
            Section("What they do by themselves", *(((), [PlainTable(header, events)]) if events else (["Nothing."],))),
        ]
        return ReportPage("Behavior fitted to history", [f"{self._span()}."], sections, str(self))

    def __str__(self) -> str:
        """Return the rates and frequencies as text for people."""
        return "\n".join(self._lines())

    def _span(self) -> str:
        return f"{self._basis()}, {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"

    def _lines(self) -> Iterator[str]:
        yield self._span()
        for rate in self.rates:
            where, bounds = _where(rate), _bounds(rate, 6)
            after = "" if rate.delay is None else f", median after {rate.delay.value(0.5) / MINUTE:.0f} minutes"
            yield f"  {where:<36} {rate.kind:<12} {bounds}, {rate.count} of {rate.of}{after}"
        for each in self.frequencies:
            yield (
                f"  {each.event:<36} once in {each.every:.1f} days ({each.low:.1f} to {each.high:.1f}), {each.count} by"
                f" {each.customers} customers, spread {each.spread:.2f}" + _left_by(each)
            )


_RATES = "Each rate is a mean with the interval (95%) that holds it; the fewer messages there were, the wider it is."


def _where(rate: Rate) -> str:
    """Return which messages a rate is of."""
    return " ".join(name for name in rate.place if name is not None) or "all messages"


def _bounds(rate: Rate, wide: int = 0) -> str:
    return f"{100 * rate.mean:{wide}.2f}% ({100 * rate.low:.2f} to {100 * rate.high:.2f})"


def _dropout_of(known: Frequency) -> tuple[float, float]:
    """Return the bounds of the dropout; both are 0 where no customer seems to leave."""
    return (0.0, 0.0) if known.leaving is None else known.leaving.dropout


def _left_by(known: Frequency) -> str:
    """Return in words how many customers leave after an event, if any do."""
    low, high = _dropout_of(known)
    return f", {known.dropout.mean:.0%} ({low:.0%} to {high:.0%}) leave after each" if known.dropout.mean else ""


_BULKY: Final = frozenset({"data", "seen", "leaving"})
"""What rows of frequencies leave out."""
