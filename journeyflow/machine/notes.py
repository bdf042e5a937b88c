"""The notes of one walk: what a step's behavior reads, and where it writes what it does (see `behaviours.py`)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from journeyflow.basics.chance import draw
from journeyflow.basics.durations import add
from journeyflow.basics.values import dumps
from journeyflow.basics.words import ACTIVE, FAILED
from journeyflow.definition.policies import Terms
from journeyflow.definition.rules.attribute_changes import Emitted, apply_changes
from journeyflow.definition.rules.chains import Order
from journeyflow.definition.rules.evaluation import Question
from journeyflow.machine.compiled_steps import NOWHERE, CompiledSend, CompiledUpdate
from journeyflow.machine.facts import Data, Facts
from journeyflow.machine.program import Program
from journeyflow.records.rows import Glimpse, Move, PathEntry, Post, Run

REST = -2
"""Where a walk goes when it has come to rest."""

MAX_EMITTED = 100
"""How many events one run may emit within one root item (R53): an Update of a hundred tags still fits."""

NO_POSTS: Mapping[str, Glimpse] = {}

Sent = Mapping[tuple[int, int], tuple[int, str]]
"""The messages of a customer that caps count: (serial, n) to (instant, channel)."""

NOTHING_SENT: Sent = {}

Subject = TypeVar("Subject")

Reply = TypeVar("Reply")

Stimulus = Literal["ENTER", "DUE", "EVENT", "CHANGED", "EXIT", "FAIL", "RETRY"]


Past = tuple[tuple[int, ...], int]
"""What a run has already done within the current root item: the Sends it made, and how many events it emitted."""

FRESH: Past = ((), 0)


class Situation(NamedTuple):
    """What a walk reads besides the run: the customer, the event, the run's messages, the database's nonces.

    `terms` are the tenant's policies in force, `sent` the customer's messages that its caps count (R31). `unpublished`
    are the steps that every run passes through (R17).
    """

    customer: str
    attributes: dict[str, object]
    event: Data | None = None
    posts: Mapping[str, Glimpse] | None = None
    nonces: Sequence[str] = ("",)
    terms: Terms | None = None
    sent: Sent = NOTHING_SENT
    unpublished: frozenset[str] = frozenset()


make_situation: Callable[[tuple[object, ...]], Situation] = partial(tuple.__new__, Situation)
"""Make a situation from a tuple of all its fields in order, as `make_result` does."""


class Result(NamedTuple):
    """What a walk led to: the run's new state, the move (None if it rests as before), and what the walk caused."""

    run: Run
    move: Move | None
    posts: Sequence[Post]
    attributes: dict[str, object]
    emitted: Sequence[Emitted | Order]
    past: Past


make_result: Callable[[tuple[object, ...]], Result] = partial(tuple.__new__, Result)
"""Make a result from a tuple of all its fields in order, in a third of the time of `Result(...)`."""


class Walk(Facts):
    """The notes of one walk, and the facts that its rules read; they live as long as one call of `advance`.

    Whatever a walk depends on, besides the place and the instant where it begins, it learns through `ask`, `holds`,
    `change` and `compose` alone. So `work/together/` can note what was asked of one customer and ask the next.
    """

    __slots__ = (
        "_zone",
        "awaits",
        "due",
        "emitted",
        "new_posts",
        "path",
        "program",
        "read",
        "reason",
        "sends",
        "sent",
        "since",
        "spent",
        "status",
        "step",
        "terms",
        "unpublished",
        "visit",
    )

    run: Run
    """A walk always has a run."""

    def __init__(self, program: Program, run: Run, situation: Situation, at: int, past: Past) -> None:
        """Begin where the run is."""
        self.program, self.run, self.at = program, run, at
        self.customer, self.attributes, self.event, posts, self.nonces, self.terms, self.sent, self.unpublished = (
            situation
        )
        self.posts = posts or NO_POSTS
        self.header, self.memory = program.header, run.memory
        self.seen, self._trigger = {}, None
        self._zone: ZoneInfo | None = None
        self.path: list[PathEntry] = []
        self.read: dict[str, dict[str, object]] = {}
        self.new_posts: list[Post] = []
        self.emitted: list[Emitted | Order] = []
        self.sends, self.spent = past
        self.status, self.reason = ACTIVE, ""
        self.step, self.visit, self.since = run.step, run.visit, run.since
        self.due: int | None = None
        self.awaits: str | None = None

    @property
    def zone(self) -> ZoneInfo:  # type: ignore[override]  # computed on demand: most walks need none
        """The time zone that applies to this customer (R33)."""
        if self._zone is None:
            self._zone = self.program.zone_of(self.attributes)
        return self._zone

    def ask(self, question: Callable[["Walk", Subject], Reply], subject: Subject) -> Reply:
        """Ask a question whose answer may differ from customer to customer."""
        return question(self, subject)

    def holds(self, question: Question) -> bool:
        """Return whether a rule holds."""
        return question(self)

    def change(self, update: CompiledUpdate) -> list[Emitted]:
        """Change the customer as an Update says, all or nothing; return the events that report the changes (R39)."""
        changes = [(name, action, render(self) if render else value) for name, action, value, render in update.actions]
        self.seen = {}
        self.attributes, events = apply_changes(changes, self.attributes)
        self._zone = None
        return events

    def compose(self, send: CompiledSend) -> tuple[str | None, int | None]:
        """Return the data of a message as JSON text, and the instant at which the message expires (R39, R71)."""
        text, expires = send.text, send.step.expires
        if send.render is not None:
            text = dumps(send.render(self))
            self.seen = {}
        return text, None if expires is None else add(self.at, expires, self.zone)

    def choose(self, options: Sequence[str]) -> str:
        """Return one of several texts, chosen by the keyed hash for the current visit (R38, R39)."""
        tenant, journey, _ = self.header
        number = draw(len(options), tenant, journey, self.customer, str(self.run.number), str(self.visit), *options)
        return options[number]

    def leave(self, entry: PathEntry) -> None:
        """Write the current visit into the path, and the values its rules read."""
        if self.seen:
            self.read[str(len(self.path))] = self.seen
            self.seen = {}
        self.path.append(entry)

    def leave_as(self, status: str, outcome: str = "") -> None:
        """Write the current visit into the path with an unusual outcome."""
        self.leave(self.program.nodes[self.step].entry(status, outcome))

    def rest(self, due: int | None, awaits: str | None = None) -> int:
        """Come to rest here until an instant, for an event, or both."""
        self.due, self.awaits = due, awaits
        return REST

    def end(self, status: str, reason: str = "") -> int:
        """End the run here."""
        self.status, self.reason = status, reason
        return NOWHERE

    def fail(self, reason: str) -> int:
        """End the run here as FAILED (R43)."""
        self.leave_as(FAILED)
        return self.end(FAILED, reason)

    def emit(self, events: Sequence[Emitted | Order]) -> bool:
        """Return whether events and orders were added to those to emit; beyond the limit of R53 none is added."""
        if self.spent + len(self.emitted) + len(events) > MAX_EMITTED:
            return False
        self.emitted += events
        return True
