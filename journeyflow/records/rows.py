"""What is known about people: records that do not know how they are kept.

Two families. `Event`, `Customer`, `Enrollment`, `Visit` and `Message` are what a host gives and gets: ids and
datetimes. `Input`, `Run`, `Move`, `Post` and `Changes` are what the machine, the scheduler and the stores hand one
another: numbers and microseconds. Of those there are millions, so they are tuples: a row is what a store takes and
gives, and to make one costs a third of making an attrs object.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from journeyflow.basics.values import Attributes
from journeyflow.basics.words import QUEUED


class Input(NamedTuple):
    """One thing a host told the engine, waiting in the inbox or handled (R10).

    `kind` is event, put, enroll, exit, ack or nack; `text` is its data as JSON text. `journey` names what an enroll or
    exit is about, `message` what an ack or nack is about.
    """

    seq: int
    tenant: str
    customer: str
    kind: str
    type: str
    at: int
    id: str | None
    text: str | None


make_input: Callable[[tuple[object, ...]], Input] = partial(tuple.__new__, Input)
"""Make an input of all its fields in order: what `Input(...)` does, in a third of the time."""

PathEntry = tuple[str, str, str]
"""One visit inside a move: step id, status, outcome."""


class Run(NamedTuple):
    """An enrollment as the machine sees it: numbers, microseconds, positions.

    `step` is the position of the step it rests at, -1 once it has ended. It rests until `due`, or for an event of type
    `awaits`, or both; `held` is the own instant of work that a pause holds, and orders it after the resume (R16).
    `softened` tells that this rest's instant was softened once (R5). `trigger` is the data of the event that started it
    as JSON text; `key` is what tells parallel runs of one customer apart, empty where a journey has no key (R22);
    `memory` keeps the data of awaited events, the instants at which looping openings were left, and what a retry needs.
    """

    serial: int
    customer: int
    journey: int
    version: int
    number: int
    status: str
    reason: str
    entered_at: int
    last_at: int
    ended_at: int | None
    converted_at: int | None
    visit: int
    step: int
    since: int
    due: int | None
    held: int | None
    awaits: str | None
    softened: bool
    trigger: str | None
    key: str
    memory: dict[str, Any] | None


def version_at(run: Run, n: int) -> int:
    """Give the number of the version that a visit of a run belongs to; a migration leaves the earlier ones (R14)."""
    history = (run.memory or {}).get("versions", ())
    return next((int(number) for first, number in reversed(history) if first <= n), run.version)


make_run: Callable[[tuple[object, ...]], Run] = partial(tuple.__new__, Run)
"""Make a run of all its fields in order: what `Run(...)` does, in a third of the time."""

NO_FLAGS: Mapping[str, tuple[int, int]] = MappingProxyType({})


class Glimpse(Protocol):
    """What rules see of a message (R59): a store that would have to read the rest leaves that out."""

    @property
    def serial(self) -> int:
        """The run that sent it."""

    @property
    def n(self) -> int:
        """The visit that sent it."""

    @property
    def step(self) -> str:
        """The step as it was called then."""

    @property
    def at(self) -> int:
        """When it was sent."""

    @property
    def flags(self) -> Mapping[str, tuple[int, int]]:
        """What was told of it."""

    @property
    def nonce(self) -> int:
        """With which nonce its id begins."""


class Post(NamedTuple):
    """A message as the machine makes it and the stores keep it. `flags` maps a message kind to (first, count) (R52).

    `domain` is that of the customer's mailbox when the first thing was told of the message, empty where there was none,
    None until then. `nonce` says with which of the database's nonces its id begins: how many were before (R70).
    """

    serial: int
    n: int
    step: str
    channel: str
    template: str
    data: str | None
    at: int
    expires_at: int | None
    cancel_on_exit: bool
    status: str = QUEUED
    attempts: int = 0
    available_at: int = 0
    lease_until: int | None = None
    token: str | None = None
    flags: Mapping[str, tuple[int, int]] = NO_FLAGS
    domain: str | None = None
    nonce: int = 0


def name_of(run: Run, post: Glimpse) -> str:
    """Give the step of a message as the run's version calls it: a migration may have renamed it (R14)."""
    step = post.step
    for visit, names in (run.memory or {}).get("renamed", ()):
        if post.n <= visit:
            step = names.get(step, step)
    return step


make_post: Callable[[tuple[object, ...]], Post] = partial(tuple.__new__, Post)
"""Make a message of all its fields in order."""


class Move(NamedTuple):
    """What happened to a run at one instant, from one rest to the next (one row of history).

    `visit` is the number of the visit that is left, 0 at entry; the path begins with it, at entry with visit 1. `seen`
    maps a position in the path (or "entry", "exit") to the values that were read there (R85).
    """

    serial: int
    visit: int
    at: int
    path: tuple[PathEntry, ...]
    seen: dict[str, dict[str, object]]


def last_visit(move: Move) -> int:
    """Give the number of the visit that a move leads to: that says to which version its path belongs (R14)."""
    return max(move.visit, 1) + len(move.path) - 1


make_move: Callable[[tuple[object, ...]], Move] = partial(tuple.__new__, Move)
"""Make a move of all its fields in order."""


class Crowd(NamedTuple):
    """People who moved together: what has become of each is alike in all but whose it is.

    `run`, `move` and `posts` are those of one, `news` a patch of every customer's attributes, of values that are no
    objects (`changes.patched`); `people` are all, that one too, the numbers of the customers by serial. Where the move
    leaves visit 0 the runs are new; of others stays what never changes: number, entry, trigger and key.
    """

    run: Run
    move: Move
    posts: Sequence[Post]
    news: Mapping[str, object]
    people: dict[int, int]

    @property
    def entering(self) -> bool:
        """Whether the runs are new."""
        return self.move.visit == 0


class Refusal(NamedTuple):
    """An entry that was refused: the journey's number, the customer's, why, when, the values compared (R21)."""

    journey: int
    customer: int
    reason: str
    at: int
    day: str
    seen: dict[str, object]


class Counter(NamedTuple):
    """A kept counter, or what a commit adds to it; `counting` says what each number means (R80)."""

    journey: int
    day: str
    domain: str
    step: str
    what: str
    label: str
    total: int
    uniques: int
    last_at: int

    def plus(self, other: "Counter") -> "Counter":
        """Add one of the same key."""
        total, uniques = self.total + other.total, self.uniques + other.uniques
        return self._replace(total=total, uniques=uniques, last_at=max(self.last_at, other.last_at))


class Export(NamedTuple):
    """A job that makes a file (F192): `options` are JSON text, `content` is the file once there is one."""

    number: int
    tenant: str
    module: str
    status: str
    options: str
    submitted_at: int
    started_at: int | None
    updated_at: int
    finished_at: int | None
    expires_at: int
    error: str
    content: str | None


class Deferred(NamedTuple):
    """An entry that waits for a slot: who, into which journey, under which key, by which trigger, when that was (R23).

    `number` counts over all journeys and is never reused; a queue is ordered by `at`, then by it.
    """

    number: int
    journey: int
    customer: int
    key: str
    at: int
    trigger: str | None


class Round(NamedTuple):
    """How far the pulls of a journey are (R27).

    `at` is the instant of the newest one, None before the first; `after` the id of the customer asked last, "" for
    nobody yet. While a pull is going on, `origin` is where it began, and `remaining` how many may still come in, None
    for all who may. `softened` tells that the instant of the next one was softened once (R5).
    """

    journey: int
    at: int | None = None
    after: str = ""
    origin: str | None = None
    remaining: int | None = None
    softened: bool = False


def patched(attributes: Attributes, news: Mapping[str, object]) -> Attributes:
    """Give attributes with others put in place of theirs, and those taken away that are None now.

    It is RFC 7396 for values that are no objects, of which SQLite's `json_patch` makes the same.

    >>> patched({"a": 1, "b": 2}, {"c": [3], "a": None, "b": 5})
    {'b': 5, 'c': [3]}
    """
    return {name: value for name, value in {**attributes, **news}.items() if value is not None or name not in news}
