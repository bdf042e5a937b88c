"""What participants do: with each message, and by themselves (probabilities, delays, background events)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import log
from typing import Final, NamedTuple, cast

from attrs import field, frozen

from journeyflow.basics.chance import bucket
from journeyflow.basics.moments import MINUTE, to_micros, zone
from journeyflow.basics.values import describe
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import Question, Rule, compile_rule
from journeyflow.definition.steps import Split
from journeyflow.machine.facts import Facts
from journeyflow.records.public import Message
from journeyflow.simulation.draws import Delay, Distribution, Draws, micros_of

UTC: Final = zone("UTC")

KINDS: Final = ("bounced", "delivered", "opened", "clicked", "converted", "unsubscribed", "complained")
"""What people do with a message, or what becomes of it, in the order in which it is decided."""

USUAL: Final[Mapping[str, Delay]] = {
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
        return {kind: said for kind in KINDS if (said := getattr(self, kind)) is not None}


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


@frozen
class Background:
    """Events that participants cause by themselves, at random, on average one in `every`.

    `data` maps names to distributions or values; `lifts` say how messages change the rate.

    >>> Background("order.placed", every="30 days", lifts=[Lift(2, "3 days", channel="EMAIL")]).most
    2.0
    """

    event: str
    every: int = field(converter=micros_of)
    data: Mapping[str, object] = field(kw_only=True, factory=dict)
    lifts: tuple[Lift, ...] = field(kw_only=True, default=(), converter=_as_lifts)

    def __attrs_post_init__(self) -> None:
        """Check the distance; raises ValueError."""
        if self.every < MINUTE:
            msg = f"every must be a minute or more, not {self.every} microseconds"
            raise ValueError(msg)

    @property
    def most(self) -> float:
        """The highest factor by which messages can raise the rate."""
        found = 1.0
        for lift in self.lifts:
            found *= max(1.0, lift.factor)
        return found


def _as_exceptions(value: Iterable[When]) -> tuple[When, ...]:
    return tuple(value)


def _as_backgrounds(value: Iterable[Background]) -> tuple[Background, ...]:
    return tuple(value)


class Done(NamedTuple):
    """What a participant does: the event's type and data, and how long after the message was sent, in microseconds."""

    delay: int
    type: str
    data: dict[str, object]


React = Callable[[Message, Mapping[str, object], Draws], Iterable[tuple[object, str, Mapping[str, object]]]]
"""The host's own behavior: from a message, the attributes of its customer as they came, and their draws, what the
customer does: (length of time after the sending, type of the event, its data)."""


@frozen(kw_only=True)
class Behavior(Reactions):
    """What participants do with messages, and by themselves.

    Each kind is a probability, or a `Chance` with its delay. `bounced` is a share of all messages and `delivered` of
    the others; all further kinds are shares of what is delivered. Who clicks has opened, too. `converted` reports
    the event of the journey's goal; with `revenue`, a distribution of amounts in minor units, also how much it was.
    `when` are exceptions for some messages, `background` what people do by themselves, `react` the host's own function.

    Nobody does anything with a message within `soonest`, a length of time of a second or more: the simulated host
    delivers once in each such interval. A longer one makes the simulation faster.

    >>> Behavior(opened=0.4, clicked=0.08, when=[When(channel="SMS", clicked=0.2)]).soonest == 5 * MINUTE
    True
    """

    revenue: Distribution | None = None
    when: tuple[When, ...] = field(default=(), converter=_as_exceptions)
    background: tuple[Background, ...] = field(default=(), converter=_as_backgrounds)
    react: React | None = None
    soonest: int = field(default=5 * MINUTE, converter=micros_of)

    def __attrs_post_init__(self) -> None:
        """Check `soonest`; raises ValueError."""
        if self.soonest < MINUTE // 60:
            msg = "soonest must be a second or more"
            raise ValueError(msg)

    def reactions(self, message: Message, fits: Callable[[When], bool]) -> Mapping[str, Chance]:
        """Return how likely each kind is for a message; `fits` asks about its customer."""
        found = self.said
        for when in self.when:
            if when.fits_message(message) and fits(when):
                found |= when.said
        return found


class Reactor:
    """The behavior of participants in a simulation of some journeys.

    A participant's reactions depend on the seed, the customer, the journey, the step and how often the customer got a
    message of that step, and on nothing else.
    """

    def __init__(self, behavior: Behavior, journeys: Sequence[Journey], seed: int) -> None:
        """Compile the rules."""
        self._behavior, self._seed = behavior, seed
        self._journeys = {journey.id: journey for journey in journeys}
        self._who: dict[When, Question] = {
            when: compile_rule(when.who) for when in behavior.when if when.who is not None
        }
        self._times: dict[tuple[str, str, str], int] = {}
        self._plain: dict[tuple[str, ...], Mapping[str, Chance]] = {}
        self._personal = bool(self._who) or any(when.arm for when in behavior.when)

    def _said(self, message: Message, attributes: Mapping[str, object]) -> Mapping[str, Chance]:
        """Return how likely each kind is for a message; where nothing depends on who gets it, ask once per step."""
        if self._personal:
            return self._behavior.reactions(message, lambda when: self._fits(when, message, attributes))
        key = (message.journey, message.step, message.channel, message.template)
        if key not in self._plain:
            self._plain[key] = self._behavior.reactions(message, lambda _: True)
        return self._plain[key]

    def reactions(self, message: Message, attributes: Mapping[str, object]) -> Iterator[Done]:
        """Yield what the customer of a message does with it."""
        key = (message.customer, message.journey, message.step)
        time = self._times[key] = self._times.get(key, 0) + 1
        draws = Draws(self._seed, message.customer)
        purpose = (message.journey, message.step, str(time))
        yield from self._usual(message, self._said(message, attributes), draws, purpose)
        if self._behavior.react is not None:
            for after, event, data in self._behavior.react(message, attributes, draws):
                yield Done(max(micros_of(after), self._behavior.soonest), event, {**data})

    def _usual(
        self, message: Message, said: Mapping[str, Chance], draws: Draws, purpose: tuple[str, ...]
    ) -> Iterator[Done]:
        """Yield what becomes of a message by its probabilities."""
        about: dict[str, object] = {"message": message.id}
        happens = {kind: draws.unit(kind, *purpose) < each.probability for kind, each in said.items()}

        def delay(kind: str) -> int:
            chosen = said[kind].delay if kind in said else None
            return (chosen or USUAL[kind]).value(draws.unit("delay", kind, *purpose))

        soonest = self._behavior.soonest
        if happens.get("bounced"):
            yield Done(max(delay("bounced"), soonest), "message.bounced", about)
            return
        if not happens.get("delivered", True):
            return
        at = soonest
        if "delivered" in said:
            at = max(delay("delivered"), soonest)
            yield Done(at, "message.delivered", about)
        opened = at
        if happens.get("opened") or happens.get("clicked"):
            opened = at + delay("opened")
            yield Done(opened, "message.opened", about)
        if happens.get("clicked"):
            yield Done(opened + delay("clicked"), "message.clicked", about)
        if happens.get("converted"):
            yield from self._conversion(message, opened + delay("converted"), draws, purpose)
        for kind in ("unsubscribed", "complained"):
            if happens.get(kind):
                yield Done((opened if kind == "unsubscribed" else at) + delay(kind), f"message.{kind}", about)

    def _conversion(self, message: Message, at: int, draws: Draws, purpose: tuple[str, ...]) -> Iterator[Done]:
        """Yield the event of the journey's goal, the conversion of the message, and its revenue."""
        journey, data = self._journeys[message.journey], dict[str, object](message=message.id)
        amount = {}
        if self._behavior.revenue is not None:
            amount = {"amount": int(cast("float", self._behavior.revenue.value(draws.unit("revenue", *purpose))))}
        goal = journey.goal
        if goal is not None and not goal.event.startswith("message."):
            yield Done(at, goal.event, {**data, **amount})
        yield Done(at, "message.converted", data)
        if amount and (goal is None or goal.event != "revenue"):
            yield Done(at, "revenue", {**data, **amount})

    def _fits(self, when: When, message: Message, attributes: Mapping[str, object]) -> bool:
        """Return whether an exception is about the customer of a message."""
        if when.arm is not None and self._arm(message, when.arm[0]) != when.arm[1]:
            return False
        question = self._who.get(when)
        return question is None or question(Facts(message.customer, {**attributes}, to_micros(message.at), UTC))

    def _arm(self, message: Message, split: str) -> str | None:
        """Return the arm of a Split that a customer takes (R38)."""
        step = next((each for each in self._journeys[message.journey].steps if each.id == split), None)
        if not isinstance(step, Split):
            return None
        place = bucket(message.tenant, message.journey, split, message.customer)
        ends = accumulate(arm.buckets or 0 for arm in step.arms)
        return next((arm.label for arm, end in zip(step.arms, ends, strict=True) if place < end), None)


class Habit:
    """One background event of one participant: when it may happen next, and how messages have changed its rate."""

    __slots__ = ("_draws", "_known", "_lifted", "_n", "at")

    def __init__(self, known: Background, draws: Draws, at: int) -> None:
        """Begin at an instant."""
        self._known, self._draws, self._n, self.at = known, draws, 0, at
        self._lifted: list[tuple[int, float]] = []
        self.advance()

    def advance(self) -> None:
        """Go on to the next instant at which the event may happen, at the highest possible rate."""
        self._n += 1
        unit = self._draws.unit("background", self._known.event, str(self._n))
        self.at += max(1, int(-log(1 - unit) * self._known.every / self._known.most))

    def lift(self, message: Message, at: int) -> None:
        """Note a message that changes the rate."""
        self._lifted += [
            (at + lift.within, lift.factor)
            for lift in self._known.lifts
            if lift.channel in {None, message.channel} and lift.template in {None, message.template}
        ]

    def happens(self) -> bool:
        """Return whether the event happens at its next possible instant, given the messages so far."""
        if self._known.most == 1 and not self._lifted:
            return True
        self._lifted = [(until, factor) for until, factor in self._lifted if until > self.at]
        rate = 1.0
        for _, factor in self._lifted:
            rate *= factor
        return self._draws.unit("happens", self._known.event, str(self._n)) * self._known.most < rate

    def data(self) -> dict[str, object]:
        """Return the data of the event."""
        drawn = self._draws
        return {
            name: how.value(drawn.unit("data", self._known.event, name, str(self._n))) if hasattr(how, "value") else how
            for name, how in self._known.data.items()
        }

    @property
    def event(self) -> str:
        """The type of the event."""
        return self._known.event
