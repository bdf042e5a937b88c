"""How participants act in a simulation: what each does with each message, and when background events come."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import log
from typing import Final, cast

from journeyflow.basics.chance import bucket
from journeyflow.basics.moments import UTC_ZONE, to_micros
from journeyflow.basics.words import MESSAGE
from journeyflow.definition.graph import ways_on
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.evaluation import Question, compile_rule
from journeyflow.definition.steps import Split, Step
from journeyflow.machine.facts import Facts
from journeyflow.records.public import Message
from journeyflow.simulation.background import Background
from journeyflow.simulation.behavior import USUAL_DELAYS, Behavior, Chance, Done, When
from journeyflow.simulation.draws import Draws, Key, micros_of
from journeyflow.simulation.recording import naming

SAME: Final[Mapping[str, str]] = {"clicked": "opened"}
"""What one draw decides: who clicks is among those who open, so that the share that opens is the one that was said."""

NEVER: Final = 1 << 62
"""The instant of what does not happen any more."""

AGAIN: Final = 200
"""How often chance decides about an earlier message until it agrees with what is known."""


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
        self._following: dict[tuple[str, str], frozenset[str]] = {}
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

    def outstanding(self, message: Message, attributes: Mapping[str, object], now: int) -> list[Done]:
        """Return what the customer of a message that was sent earlier will still do with it.

        Chance decides again until it agrees with what they did up to `now`.
        """
        key = (message.customer, message.journey, message.step)
        time = self._times[key] = self._times.get(key, 0) + 1
        said = self._said(message, attributes)
        age = now - to_micros(message.at)
        seen = said.keys() & message.engagement.keys()
        draws = Draws(self._seed, message.customer)
        for again in range(AGAIN):
            purpose = (message.journey, message.step, str(time), str(again))
            done = list(self._usual(message, said, draws, purpose))
            early = {each.type.removeprefix(MESSAGE) for each in done if each.delay <= age}
            if early & said.keys() == seen:
                return [each for each in done if each.delay > age]
        return []

    def _usual(
        self, message: Message, said: Mapping[str, Chance], draws: Draws, purpose: tuple[str, ...]
    ) -> Iterator[Done]:
        """Yield what becomes of a message by its probabilities."""
        units = {kind: draws.unit(kind, *purpose) for kind in {SAME.get(kind, kind) for kind in said}}
        happens = {kind: units[SAME.get(kind, kind)] < each.probability for kind, each in said.items()}

        def delay(kind: str) -> int:
            chosen = (said[kind].delay if kind in said else None) or USUAL_DELAYS[kind]
            return chosen.lengths[0] if chosen.kind == "fixed" else chosen.value(draws.unit("delay", kind, *purpose))

        soonest = self._behavior.soonest
        if happens.get("bounced"):
            yield Done(max(delay("bounced"), soonest), "message.bounced")
            return
        if not happens.get("delivered", True):
            return
        at = soonest
        if "delivered" in said:
            at = max(delay("delivered"), soonest)
            yield Done(at, "message.delivered")
        opened = at
        if happens.get("opened") or happens.get("clicked"):
            opened = at + delay("opened")
            yield Done(opened, "message.opened")
        if happens.get("clicked"):
            yield Done(opened + delay("clicked"), "message.clicked")
        if happens.get("converted"):
            yield from self._conversion(message, opened + delay("converted"), draws, purpose)
        for kind in ("unsubscribed", "complained"):
            if happens.get(kind):
                yield Done((opened if kind == "unsubscribed" else at) + delay(kind), f"message.{kind}")

    def _conversion(self, message: Message, at: int, draws: Draws, purpose: tuple[str, ...]) -> Iterator[Done]:
        """Yield the event of the journey's goal, the conversion of the message, and its revenue."""
        journey, data = self._journeys[message.journey], naming(message)
        amount = {}
        if self._behavior.revenue is not None:
            amount = {"amount": int(cast("float", self._behavior.revenue.value(draws.unit("revenue", *purpose))))}
        goal = journey.goal
        if goal is not None:
            yield Done(at, goal.event, {**data, **amount, **self._more(draws, purpose)})
        yield Done(at, "message.converted")
        if amount and (goal is None or goal.event != "revenue"):
            yield Done(at, "revenue", {**data, **amount})

    def _more(self, draws: Draws, purpose: tuple[str, ...]) -> dict[str, object]:
        """Return the host's data of the event of a goal."""
        return {
            name: how.value(draws.unit("conversion", name, *purpose)) if hasattr(how, "value") else how
            for name, how in self._behavior.conversion.items()
        }

    def _fits(self, when: When, message: Message, attributes: Mapping[str, object]) -> bool:
        """Return whether an exception is about the customer of a message."""
        if when.arm is not None and self._arm(message, when.arm[0]) != when.arm[1]:
            return False
        question = self._who.get(when)
        return question is None or question(Facts(message.customer, {**attributes}, to_micros(message.at), UTC_ZONE))

    def _arm(self, message: Message, split: str) -> str | None:
        """Return the arm of a Split that a customer has taken before a message; None for one from before it (R38)."""
        steps = {each.id: each for each in self._journeys[message.journey].steps}
        step = steps.get(split)
        if not isinstance(step, Split) or message.step not in self._behind(message.journey, step, steps):
            return None
        place = bucket(message.tenant, message.journey, split, message.customer)
        ends = accumulate(arm.buckets or 0 for arm in step.arms)
        return next((arm.label for arm, end in zip(step.arms, ends, strict=True) if place < end), None)

    def _behind(self, journey: str, split: Split, steps: Mapping[str, Step]) -> frozenset[str]:
        """Return the steps that can follow a Split."""
        key = (journey, split.id)
        if key not in self._following:
            found, open_ends = set[str](), ways_on(split)
            while open_ends:
                name = open_ends.pop()
                if name in steps and name not in found:
                    found.add(name)
                    open_ends += ways_on(steps[name])
            self._following[key] = frozenset(found)
        return self._following[key]


class Habit:
    """One background event of one participant: when it may happen next, and how messages have changed its rate."""

    __slots__ = ("_customer", "_draws", "_every", "_keys", "_known", "_leaves", "_lifted", "_n", "at", "happened")

    def __init__(self, known: Background, customer: str, draws: Draws, at: int, keys: dict[str, object]) -> None:
        """Begin at an instant; `keys` are the customer's last keys by name, which all their habits share."""
        self._known, self._draws, self._n, self.at = known, draws, 0, at
        self._customer, self._keys = customer, keys
        factor = known.pace(customer, draws)
        self._leaves: float | None = None  # drawn at the first event: many have none, and to draw a Beta takes long
        self._lifted: list[tuple[int, float]] = []
        self.happened = False
        if factor:
            self._every = known.every / known.most / factor
            self.advance()
        else:
            self.at = NEVER

    def advance(self) -> None:
        """Go on to the next instant at which the event may happen, at the highest possible rate."""
        if self.at == NEVER:
            return
        self._n += 1
        unit = self._draws.unit("background", self._known.event, str(self._n))
        self.at += max(1, int(-log(1 - unit) * self._every))

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

    def leave(self) -> None:
        """Decide by chance whether this event was the customer's last one."""
        if self._leaves is None:
            self._leaves = self._known.leaving(self._customer, self._draws)
        if self._leaves and self._draws.unit("leaves", self._known.event, str(self._n)) < self._leaves:
            self.at = NEVER

    def data(self) -> dict[str, object]:
        """Return the data of the event."""
        return {name: self._value(name, how) for name, how in self._known.data.items()}

    def _value(self, name: str, how: object) -> object:
        """Return a value of the data: a key, a number drawn from a distribution, or what was given."""
        event, n = self._known.event, str(self._n)
        if isinstance(how, Key):
            if name not in self._keys or self._draws.unit("fresh", event, name, n) < how.fresh:
                self._keys[name] = f"{self._customer}-{event}-{n}"
            return self._keys[name]
        return how.value(self._draws.unit("data", event, name, n)) if hasattr(how, "value") else how

    @property
    def event(self) -> str:
        """The type of the event."""
        return self._known.event
