"""The journey: an immutable graph of steps with its trigger and its entry rules (R11 to R13, R20 to R24).

Whoever holds a `Journey` holds a valid one: the constructor flattens nested lists into a graph with explicit edges and
raises `InvalidJourney` with every problem at once. Only "no steps" waits until activation, so that a draft may be begun
empty.
"""

from collections.abc import Mapping

from attrs import field as option
from attrs import frozen

from journeyflow.definition.entry import Exit, Goal, Limits, Reentry, Trigger
from journeyflow.definition.graph import flatten
from journeyflow.definition.options import as_parts, as_percentage
from journeyflow.definition.pictures import markdown
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.steps import Step
from journeyflow.definition.validation import problems as find_problems
from journeyflow.errors import ERROR, InvalidJourney, Problem

MAX_VISITS = 10_000
"""How many visits one run may make unless the journey says otherwise: a year of hourly steps (R41)."""

DEFAULT_TENANT = "default"


def _reentry(value: object) -> Reentry:
    return Reentry.parse(value)


@frozen(repr=False)
class Journey:
    """An immutable journey: who enters, the steps, who may come again, what ends it early, what it is for.

    `steps` may be nested; what is kept is the flat graph in the order written, every `next` explicit. `timezone` is an
    IANA zone for calendar arithmetic, windows and local times; with `customer_timezone` the customer's own `timezone`
    attribute goes before it where it is valid (R33). `holdout` is the percentage of people who are kept out, to compare
    those who come in with (R25); `limits` bound how many enter an hour and a day (R23). Raises InvalidJourney.

    >>> from journeyflow.definition.steps import End
    >>> Journey(id="hi", trigger=Trigger("member.created"), steps=[End("done")])
    Journey('hi', trigger 'member.created', 1 step: done)
    """

    id: str
    steps: tuple[Step, ...] = option(kw_only=True, converter=flatten)
    trigger: Trigger = option(kw_only=True, factory=lambda: Trigger(manual=True))
    name: str = option(kw_only=True, default="")
    description: str = option(kw_only=True, default="")
    notes: str = option(kw_only=True, default="")
    tenant: str | None = option(kw_only=True, default=None)
    timezone: str = option(kw_only=True, default="UTC")
    customer_timezone: bool = option(kw_only=True, default=False)
    run_criteria: Rule | None = option(kw_only=True, default=None)
    reentry: Reentry = option(kw_only=True, factory=Reentry, converter=_reentry)
    exits: tuple[Exit, ...] = option(kw_only=True, default=(), converter=as_parts)
    goal: Goal | None = option(kw_only=True, default=None)
    holdout: float = option(kw_only=True, default=0, converter=as_percentage)
    limits: Limits = option(kw_only=True, factory=Limits)
    consent: str = option(kw_only=True, default="optional")
    max_visits: int = option(kw_only=True, default=MAX_VISITS)

    def __attrs_post_init__(self) -> None:
        """Refuse an invalid definition, saying all that is wrong with it."""
        wrong = [each for each in find_problems(self) if each.severity == ERROR and each.code != "no-steps"]
        if wrong:
            raise InvalidJourney(self.id, wrong)

    @property
    def index(self) -> Mapping[str, int]:
        """The position of each step by its id."""
        return {step.id: position for position, step in enumerate(self.steps)}

    def step(self, step_id: str) -> Step:
        """Give a step by its id; KeyError for an unknown one."""
        return self.steps[self.index[step_id]]

    def __repr__(self) -> str:
        """Show the id, the trigger and the steps."""
        shown = ", ".join(step.id for step in self.steps[:8]) + (", ..." if len(self.steps) > 8 else "")  # noqa: PLR2004 a line's width
        trigger = f"trigger {self.trigger.event!r}" if self.trigger.event else f"{self.trigger.pull or 'manual'}"
        count = len(self.steps)
        return f"Journey({self.id!r}, {trigger}, {count} step{'' if count == 1 else 's'}: {shown or 'none'})"

    def _repr_markdown_(self) -> str | None:
        """Draw the journey where a notebook shows it; None, so that it shows the line above, for a very large one."""
        return markdown(self)


def problems(journey: Journey) -> tuple[Problem, ...]:
    """List every problem of a journey, errors first, each in the order written (R13).

    A journey that exists has warnings at most, and the error "no-steps" while it is an empty draft.

    >>> [problem.code for problem in problems(Journey(id="empty", steps=[]))]
    ['no-steps']
    """
    return tuple(find_problems(journey))
