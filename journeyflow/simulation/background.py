"""What participants do by themselves: events at random, how messages change their rate, and when customers leave."""

from collections.abc import Iterable, Mapping
from math import exp, log

from attrs import field, frozen

from journeyflow.basics.moments import MINUTE
from journeyflow.basics.values import describe
from journeyflow.simulation.draws import Beta, Draws, micros_of


@frozen
class Lift:
    """How a message changes the rate of a background event: times `factor` for a length of time.

    `channel` and `template` restrict it to some messages. Factors of several messages are multiplied.
    """

    factor: float
    within: int = field(converter=micros_of)
    channel: str | None = field(kw_only=True, default=None)
    template: str | None = field(kw_only=True, default=None)

    def __attrs_post_init__(self) -> None:
        """Check the factor; raises ValueError."""
        if not self.factor >= 0:
            msg = f"factor must be 0 or more, not {describe(self.factor)}"
            raise ValueError(msg)


def _as_lifts(value: Iterable[Lift]) -> tuple[Lift, ...]:
    return tuple(value)


def _as_beta(value: float | Beta) -> Beta:
    return value if isinstance(value, Beta) else Beta(value)


@frozen
class Background:
    """Events that participants cause by themselves, at random, on average one in `every`.

    `data` maps names to distributions, values or a `Key`; `lifts` say how messages change the rate. Customers differ if
    there is a `spread`: their rates are Gamma-distributed around the mean, with that variance as a share of the mean's
    square. After each event a customer leaves for good with the probability `dropout`, a number or, where customers
    differ, a `Beta`. `seen` is what is known of given customers: how often they caused the event, the last time and
    until when, the latter two in microseconds since they were first watched; their rates, and whether they have left,
    follow.

    >>> Background("order.placed", every="30 days", lifts=[Lift(2, "3 days", channel="EMAIL")]).most
    2.0
    """

    event: str
    every: int = field(converter=micros_of)
    data: Mapping[str, object] = field(kw_only=True, factory=dict)
    lifts: tuple[Lift, ...] = field(kw_only=True, default=(), converter=_as_lifts)
    spread: float = field(kw_only=True, default=0.0)
    dropout: Beta = field(kw_only=True, default=Beta(0.0), converter=_as_beta)
    seen: Mapping[str, tuple[int, int, int]] = field(kw_only=True, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        """Check the distance and the spread; raises ValueError."""
        if self.every < MINUTE:
            msg = f"every must be a minute or more, not {self.every} microseconds"
            raise ValueError(msg)
        if not self.spread >= 0:
            msg = f"spread must be 0 or more, not {describe(self.spread)}"
            raise ValueError(msg)

    def pace(self, customer: str, draws: Draws) -> float:
        """Return a customer's rate as a share of the mean, 0 if they have left.

        It is drawn from what is known of all customers, and of this one.
        """
        count, last, length = self.seen.get(customer, (0, 0, 0))
        if draws.unit("left", self.event) >= self._stays(count, last / self.every, length / self.every):
            return 0.0
        if not self.spread:
            return 1.0
        shape = 1 / self.spread
        return max(draws.gamma(shape + count, "rate", self.event) / (shape + length / self.every), 1e-9)

    def leaving(self, customer: str, draws: Draws) -> float:
        """Return the probability with which a customer who has not left does so after an event, drawn like the rate."""
        count, _, _ = self.seen.get(customer, (0, 0, 0))
        return self.dropout.after(count).value(draws.unit("leaves", self.event))

    def _stays(self, count: int, last: float, length: float) -> float:
        """Return how likely it is that a customer has not left after the last event; times are in mean distances."""
        share = self.dropout.after(count - 1).mean if count else 0.0
        if share in {0, 1}:
            return 1.0 - share
        silent = (
            (1 / self.spread + count) * log((1 / self.spread + length) / (1 / self.spread + last))
            if self.spread
            else length - last
        )
        return 1 / (1 + exp(min(log(share / (1 - share)) + silent, 700)))

    @property
    def most(self) -> float:
        """The highest factor by which messages can raise the rate."""
        found = 1.0
        for lift in self.lifts:
            found *= max(1.0, lift.factor)
        return found
