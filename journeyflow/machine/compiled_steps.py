"""Compiled steps, exits and goals: one small class for each kind, with positions instead of ids."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from journeyflow.basics.durations import Duration
from journeyflow.basics.words import ACTIVE, COMPLETED
from journeyflow.definition.rules.attribute_changes import Emitted
from journeyflow.definition.rules.chains import Order
from journeyflow.definition.rules.conditions import FactRule
from journeyflow.definition.rules.evaluation import Question
from journeyflow.definition.rules.templates import Renderer
from journeyflow.definition.steps import Condition, End, Send, Split, Update, Wait
from journeyflow.records.rows import PathEntry

NOWHERE = -1
"""The position of a run that has ended."""

Onward = tuple[int, PathEntry]
"""Where a step leads, and what the path says of the visit that ends so."""


@frozen(eq=False, repr=False)
class CompiledStep:
    """One compiled step: its id, the position of the step that follows, and what paths say of visits here."""

    id: str
    next: int
    entries: dict[tuple[str, str], PathEntry] = field(factory=dict, init=False)
    kind: type = field(init=False)
    """The kind of step in the definition; each object has it, because it is asked at each visit."""
    resting: PathEntry = field(init=False)
    """What a path says of a visit that rests here."""

    @resting.default
    def _(self) -> PathEntry:
        return self.entry(ACTIVE, "")

    def entry(self, status: str, outcome: str) -> PathEntry:
        """Return the path entry of a visit here; equal entries are one object, because there are millions."""
        return self.entries.setdefault((status, outcome), (self.id, status, outcome))


@frozen(eq=False, repr=False)
class CompiledSend(CompiledStep):
    """A Send: what renders its data, or the JSON text of data that is the same for all customers."""

    kind: type = field(default=Send, init=False)
    step: Send
    render: Renderer | None
    text: str | None
    queued: PathEntry = field(init=False)
    """What a path says of a visit that has queued its message."""

    @queued.default
    def _(self) -> PathEntry:
        return self.entry(COMPLETED, "queued")


@frozen(eq=False, repr=False)
class Awaited:
    """A condition that a Wait waits for: its question, its comparisons that the clock can turn, and what it reads."""

    question: Question
    clocked: Sequence[FactRule]
    attributes: frozenset[str]
    posts: bool
    """Whether it reads messages of the run."""


@frozen(eq=False, repr=False)
class CompiledWait(CompiledStep):
    """A Wait: how long it lasts, the question about its event, where each outcome leads."""

    kind: type = field(default=Wait, init=False)
    step: Wait
    length: Duration | None
    question: Question | None
    awaited: Awaited | None
    awaits: str | None
    """The type of the event it waits for, or the word for a condition."""
    edges: Mapping[str, Onward]
    over: str | None
    """The outcome when the time has come, if nothing has to be checked again."""
    every: Duration | None
    """The distance of the instants of a wait that recurs; None for anniversaries."""
    looping: bool
    """Whether a run remembers when it last left this step."""
    common: bool
    """Whether it ends at the same instant for all customers who arrive at the same instant."""


@frozen(eq=False, repr=False)
class CompiledCondition(CompiledStep):
    """A Condition: the question of each branch and where it leads, and where `otherwise` does."""

    kind: type = field(default=Condition, init=False)
    branches: Sequence[tuple[Question, Onward]]
    otherwise: Onward


@frozen(eq=False, repr=False)
class CompiledSplit(CompiledStep):
    """A Split: the first bucket beyond each arm, and where each arm leads."""

    kind: type = field(default=Split, init=False)
    ends: Sequence[int]
    arms: Sequence[Onward]


@frozen(eq=False, repr=False)
class CompiledUpdate(CompiledStep):
    """An Update: (field, action, value, renderer) of each change, and its orders to other runs."""

    kind: type = field(default=Update, init=False)
    actions: Sequence[tuple[str, str, object, Renderer | None]]
    orders: list[Order]
    leaves: str
    """The reason with which its own run ends here; empty if the run goes on."""
    made: PathEntry = field(init=False)
    """What a path says of a visit that has made the changes."""

    @made.default
    def _(self) -> PathEntry:
        return self.entry(COMPLETED, "")


@frozen(eq=False, repr=False)
class CompiledEnd(CompiledStep):
    """An End: its outcome, and the events that report it."""

    kind: type = field(default=End, init=False)
    outcome: str
    completed: list[Emitted]
    reached: PathEntry = field(init=False)
    """What a path says of a visit here."""

    @reached.default
    def _(self) -> PathEntry:
        return self.entry(COMPLETED, self.outcome)


@frozen
class CompiledExit:
    """A compiled exit or goal: name, event type, questions, and whether messages of other runs count."""

    name: str
    event: str | None
    where: Question | None
    when: Question | None
    any_message: bool
    within: Duration | None = None
    ends: bool = True
