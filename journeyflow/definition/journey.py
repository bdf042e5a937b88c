"""The journey: an immutable graph of steps with its trigger and its entry rules (R11 to R13, R20 to R24).

A `Journey` object is always valid: the constructor flattens nested lists into a graph with explicit edges and raises
`InvalidJourney` with every problem at once. The one exception is a journey without steps, which is refused only at
activation, so that a draft can start empty.
"""

from collections.abc import Mapping
from functools import cached_property

from attrs import field as option
from attrs import frozen

from journeyflow.basics.expecting import expect_with
from journeyflow.definition.entry import Exit, Goal, Limits, Reentry, Trigger
from journeyflow.definition.graph import flatten
from journeyflow.definition.options import as_data, as_parts, as_percentage
from journeyflow.definition.pictures import markdown
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.steps import Step
from journeyflow.definition.validation import problems as find_problems
from journeyflow.errors import ERROR, InvalidJourney, Problem

MAX_VISITS = 10_000
"""The default of `max_visits`, enough for a year of hourly steps (R41)."""

DEFAULT_TENANT = "default"

LARGEST = 300
"""How many steps a journey may have to be drawn in a notebook unasked."""


def _reentry(value: object) -> Reentry:
    return Reentry.parse(value)


@frozen(repr=False)
class Journey:
    """An immutable journey: who enters it, its steps, its re-entry policy, its exits and its goal.

    `id` is unique within a tenant. `steps` may contain nested lists; they are stored as a flat graph, in the order
    written, with every `next` explicit. `trigger` decides who enters; the default enters customers only by hand.
    `run_criteria` is a rule that a customer must match to enter, and `consent` is "optional", or "required" to refuse
    customers who consent to none of the journey's channels (R54). `reentry` is a Reentry, "never" or "always" (R22).
    `tenant`, if given, is the only tenant that may deploy the journey.

    `timezone` is an IANA zone for calendar arithmetic, windows and local times; with `customer_timezone`, the
    customer's own `timezone` attribute is used instead where it names a zone (R33). `holdout` is the percentage of
    customers who get nothing, as a comparison group, from 0 to 100 with at most two decimals (R25). `limits` bounds the
    entries per hour and per day (R23). `max_visits` is how many visits one run may make before it fails (R41). `name`,
    `description` and `notes` are for people to read. `meta` is what the host keeps with the journey, and steps have one
    too: any JSON under names of its own, which the engine stores and never reads, but for the file of a `formats.Draft`
    under "draft". Raises InvalidJourney with every problem at once (R13).

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
    meta: Mapping[str, object] = option(kw_only=True, factory=dict, converter=as_data, hash=False)
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
        """Raise InvalidJourney with every problem of an invalid definition."""
        wrong = [each for each in self._problems if each.severity == ERROR and each.code != "no-steps"]
        if wrong:
            raise InvalidJourney(self.id, wrong)

    @property
    def index(self) -> Mapping[str, int]:
        """The position of each step by its id."""
        return self._index

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {step.id: position for position, step in enumerate(self.steps)}

    @cached_property
    def _problems(self) -> tuple[Problem, ...]:
        return tuple(find_problems(self))

    def step(self, step_id: str) -> Step:
        """Return the step with this id. Raises KeyError for an unknown id."""
        return self.steps[self.index[step_id]]

    def __repr__(self) -> str:
        """Return the id, the trigger and the ids of the first eight steps."""
        shown = ", ".join(step.id for step in self.steps[:8]) + (", ..." if len(self.steps) > 8 else "")  # noqa: PLR2004 a line's width
        trigger = f"trigger {self.trigger.event!r}" if self.trigger.event else f"{self.trigger.pull or 'manual'}"
        count = len(self.steps)
        return f"Journey({self.id!r}, {trigger}, {count} step{'' if count == 1 else 's'}: {shown or 'none'})"

    def _repr_svg_(self) -> str | None:
        """Return the journey as a picture, for a notebook; None, so that another form is shown, if it is very large."""
        from journeyflow.definition.drawings import svg  # noqa: PLC0415 few look at pictures

        return svg(self) if len(self.steps) <= LARGEST else None

    def _repr_markdown_(self) -> str | None:
        """Return the journey as a Mermaid drawing, for a notebook; None, so that it shows the repr, if too large."""
        return markdown(self)


def problems(journey: Journey) -> tuple[Problem, ...]:
    """Return every problem of a journey, errors before warnings, in the order written (R13).

    A Journey object has warnings at most, apart from the error "no-steps" of an empty draft.

    >>> [problem.code for problem in problems(Journey(id="empty", steps=[]))]
    ['no-steps']
    """
    expect_with("_problems", "a Journey", journey=journey)
    return journey._problems  # noqa: SLF001 of this module
