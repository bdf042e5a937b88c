"""What a call of Octeth works with: the engine of the caller, the directory, the instant, and how it is refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from attrs import define, field

from journeyflow import End, Engine, InvalidInput, Journey, NotFound
from journeyflow.answers import JourneyInfo, MessageStats
from journeyflow.formats.octeth.triggers import EMAIL
from journeyflow.services.directory import Directory, Subscriber, User
from journeyflow.services.octeth.codes import OLD, Operation

AskedFor = Mapping[str, Any]
"""The parameters of a call by name; those that are absent are not there."""

ACTION_NUMBER = "action"
"""The kind of number that actions have in a directory."""

JOURNEY_NUMBER = "journey"
"""The kind of number that new journeys are named after."""


class CallRefused(Exception):
    """A call is refused, for reasons among the codes of its operation; `details` says more."""

    def __init__(self, *reasons: str, details: Sequence[str] = ()) -> None:
        """Name the reasons."""
        self.reasons = reasons
        self.details = tuple(details)
        super().__init__(", ".join(reasons))


@define(slots=False)
class Context:
    """One call: the engine bound to the caller's tenant, and everything else that it depends on.

    `user` is None for an administrator, whose engine is bound to no tenant in particular. `numbers` are those of the
    journeys that a call has looked up, by id.
    """

    engine: Engine
    directory: Directory
    operation: Operation
    version: str
    now: datetime
    user: User | None
    numbers: dict[str, int] = field(factory=dict)

    @property
    def old(self) -> bool:
        """Whether answers have the shapes of 2023 and 2024."""
        return self.version in OLD

    @cached_property
    def tenant(self) -> str:
        """The caller's tenant."""
        return "" if self.user is None else self.user.tenant

    # --- journeys -------------------------------------------------------------------------------------------------

    def journey(self, number: int, reason: str = JOURNEY_NUMBER) -> JourneyInfo:
        """Return a journey by its number; refuse the call if there is none."""
        found = self.find_journey(number)
        if found is None:
            raise CallRefused(reason)
        return found

    def find_journey(self, number: int) -> JourneyInfo | None:
        """Return a journey by its number; None for one that is not the caller's, or ARCHIVED."""
        try:
            found = self.engine.journey(number=number)
        except (NotFound, InvalidInput):
            return None
        return None if found.status == "ARCHIVED" else found

    def new_id(self) -> str:
        """Return an id for a new journey."""
        while True:
            name = f"journey-{self.directory.reserve(JOURNEY_NUMBER, self.tenant)}"
            try:
                self.engine.journey(name)
            except NotFound:
                return name

    # --- actions --------------------------------------------------------------------------------------------------

    def action_numbers(self, journey: Journey) -> dict[str, int]:
        """Return the ActionID of each step of a journey; an End is not an action."""
        return {step: number for (_, step), number in self.numbers_of_actions([journey]).items()}

    def numbers_of_actions(self, journeys: Iterable[Journey]) -> dict[tuple[str, str], int]:
        """Return the ActionID of each step of journeys, by journey and step."""
        steps = [(journey.id, step.id) for journey in journeys for step in journey.steps if not isinstance(step, End)]
        numbers = self.directory.numbers(ACTION_NUMBER, self.tenant, map("/".join, steps))
        return {each: numbers["/".join(each)] for each in steps}

    def step_of(self, journey: str, number: int) -> str | None:
        """Return the step of a journey that has an ActionID."""
        name = self.directory.named(ACTION_NUMBER, self.tenant, number)
        return name.removeprefix(f"{journey}/") if name is not None and name.startswith(f"{journey}/") else None

    def send(self, definition: Journey, number: int | None) -> str | None:
        """Return the SendEmail action that an EmailID names; None without one. Refuse what is none (F181)."""
        if number is None:
            return None
        step = self.step_of(definition.id, number)
        sends = {
            each.step
            for each in self.engine.sends(definition.id, disabled=True, unpublished=True)
            if each.channel == EMAIL
        }
        if step not in sends:
            raise CallRefused("email")
        return step

    # --- others ---------------------------------------------------------------------------------------------------

    def subscriber(self, given: AskedFor) -> Subscriber:
        """Return the subscriber that a call names; refuse an unknown list or subscriber."""
        if self.directory.resource("list", self.tenant, given["ListID"]) is None:
            raise CallRefused("list")
        found = self.directory.subscriber(self.tenant, given["ListID"], given["SubscriberID"])
        if found is None:
            raise CallRefused("subscriber")
        return found

    def window(self, given: AskedFor, first: str = "StartDate", last: str = "EndDate") -> dict[str, date | None]:
        """Return the days that a call asks for; refuse a first one after the last one."""
        since, until = given.get(first), given.get(last)
        usual = self.now.date()
        if since is not None and since > (until or usual):
            raise CallRefused("order")
        return {"since": since, "until": until}

    def of_emails(self, ask: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 any answer
        """Ask for figures of emails alone; None if no journey has ever sent any."""
        try:
            return ask(*arguments, at=self.now, channel=EMAIL, **named)
        except NotFound:
            return None


NO_MESSAGES = MessageStats()
