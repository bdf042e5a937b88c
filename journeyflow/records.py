"""What is known about people: records that do not know how they are kept.

Two families. `Event`, `Customer`, `Enrollment`, `Visit` and `Message` are what a host gives and gets: ids and
datetimes. `Input`, `Run`, `Move`, `Post` and `Changes` are what the machine, the scheduler and the stores hand one
another: numbers and microseconds. Of those there are millions, so they are tuples: a row is what a store takes and
gives, and to make one costs a third of making an attrs object.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from attrs import field, fields, frozen

from journeyflow.errors import InvalidInput
from journeyflow.moments import to_micros
from journeyflow.values import describe, faults, freeze, id_fault

# --- words --------------------------------------------------------------------------------------------------------

State = Literal["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"]
"""The states of a journey (R11)."""

ACTIVE, COMPLETED, EXITED, FAILED, SKIPPED = "ACTIVE", "COMPLETED", "EXITED", "FAILED", "SKIPPED"
"""The statuses of enrollments and visits (R44)."""

RETRY = "retry"
"""The outcome of the visit, SKIPPED, with which a run that failed is put back (R43)."""

HOLDOUT = "HOLDOUT"
"""The status of an enrollment that is kept out for comparison: it never begins and never ends (R25)."""

QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED = (
    "QUEUED",
    "CLAIMED",
    "SENT",
    "SUPPRESSED",
    "EXPIRED",
    "CANCELLED",
)
"""The statuses of a message, beside FAILED (R70)."""


REVENUE = "revenue"
"""The event that tells of money a customer has paid, or got back (R50)."""

ATTRIBUTED = "attributed to "
"""Begins the outcome of revenue that named no message; the id of the one it was attributed to follows (R83)."""

MAX_REVENUE = 1_000_000_000_000
"""Minor units in one event: ten billions of any currency, and millions of such events may still be summed up."""


# --- what a host gives ----------------------------------------------------------------------------------------------


def _mapping(value: object) -> Mapping[str, object]:
    return MappingProxyType(dict(freeze(value))) if isinstance(value, Mapping) else value  # type: ignore[call-overload, return-value]  # what is no mapping is told later


@frozen
class Event:
    """Something that happened to a customer: its type, the customer's id, when, an optional id, its data (R20, R26).

    `at` is timezone-aware. Raises InvalidInput with every fault at once.

    >>> from datetime import UTC, datetime
    >>> Event("purchase", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC), data={"amount": 5}).data["amount"]
    5
    """

    type: str
    customer: str = field(kw_only=True)
    at: datetime = field(kw_only=True)
    id: str | None = field(kw_only=True, default=None)
    data: Mapping[str, object] = field(kw_only=True, factory=dict, converter=_mapping, hash=False)

    def __attrs_post_init__(self) -> None:
        """Check at the door, so that nothing later has to."""
        found = list(event_faults(self))
        if found:
            raise InvalidInput(found)


def event_faults(event: Event) -> list[str]:
    """List what is wrong with an event, each fault with the field it is in."""
    named = (("type", event.type), ("customer", event.customer), ("id", event.id))
    found = [
        f"{name}: {fault}"
        for name, value in named
        if (name != "id" or value is not None) and (fault := id_fault(value))
    ]
    try:
        to_micros(event.at)
    except (TypeError, ValueError) as error:
        found.append(f"at: {error}")
    if isinstance(event.data, Mapping):
        found += faults(event.data, "data")
    else:
        found.append(f"data: must be an object, not {describe(event.data)}")
    if event.type == REVENUE and isinstance(event.data, Mapping):
        found += _revenue_faults(event.data.get("amount"))
    return found


def _revenue_faults(amount: object) -> list[str]:
    """Say why something is no amount of revenue (R83)."""
    if type(amount) is int and abs(amount) <= MAX_REVENUE:
        return []
    msg = f"must be a whole number of minor units such as 1999 for 19.99, up to {MAX_REVENUE:,}, not {describe(amount)}"
    return [f"data.amount: {msg}"]


# --- what a host gets -----------------------------------------------------------------------------------------------


@frozen
class Customer:
    """A person: tenant, id and attributes, as ticks have left them (R10)."""

    tenant: str
    id: str
    attributes: Mapping[str, object] = field(hash=False)


@frozen
class Visit:
    """One stay at a step: its number within the run, when it was entered and left, status and outcome (R44)."""

    n: int
    step: str
    status: str
    outcome: str
    entered_at: datetime
    left_at: datetime | None


@frozen
class Enrollment:
    """One run of one customer through one version of a journey, as it stands; a list gives it without visits.

    `key` tells parallel runs of one customer apart; it is empty in a journey without a key (R22).
    """

    tenant: str
    journey: str
    version: int
    customer: str
    run: int
    serial: int
    status: str
    reason: str
    entered_at: datetime
    ended_at: datetime | None
    converted_at: datetime | None
    step: str | None
    step_number: int | None
    due: datetime | None
    awaits: str | None
    key: str = ""
    visits: tuple[Visit, ...] = field(default=(), repr=False)
    fields: Mapping[str, object] = field(factory=dict, repr=False)
    """Attributes of the customer that were asked for beside it (F124)."""


@frozen
class Engagement:
    """What was told of a message, or of all messages of a step to one customer: when first, how often in all (R52)."""

    first_at: datetime
    total: int


@frozen
class DeferredEntry:
    """Somebody who waits for a slot of a journey's entry limits: since when, and the data of the trigger (R23)."""

    tenant: str
    journey: str
    customer: str
    key: str
    at: datetime
    data: Mapping[str, object]


@frozen
class Message:
    """What a Send produced. `id` is the idempotency key: every delivery of the same visit carries the same (R70).

    `engagement` has an entry for each kind of message event that was told: sent, opened, clicked, ... (R52).
    """

    id: str
    tenant: str
    journey: str
    customer: str
    run: int
    n: int
    step: str
    channel: str
    template: str
    data: Mapping[str, object] = field(hash=False)
    at: datetime
    status: str
    attempts: int = 0
    token: str | None = None
    lease_until: datetime | None = None
    engagement: Mapping[str, Engagement] = field(factory=dict, hash=False, repr=False)


@frozen
class PruneResult:
    """What a prune has taken out, in rows, or with `dry_run` would take out (R86).

    `enrollments` are gone; `emptied` ones stay as bare rows, for something may still be asked of them. `moves`,
    `messages` and `inputs` are gone.
    """

    enrollments: int = 0
    emptied: int = 0
    moves: int = 0
    messages: int = 0
    inputs: int = 0
    dry_run: bool = False


# --- what the machine and the stores hand one another -----------------------------------------------------------------


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


COUNTED = frozenset({QUEUED, CLAIMED, SENT})
"""The statuses of messages that caps count: what goes out or went out, not what never will (R31)."""


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


@frozen
class LimitChanges:
    """What one commit writes about entry limits (R23)."""

    slots: tuple[tuple[int, int], ...] = ()
    """Slots that were taken: the journey and the instant."""
    joined: tuple[Deferred, ...] = ()
    gone: tuple[int, ...] = ()
    """Numbers of deferred entries that wait no longer."""
    timers: tuple[tuple[int, int, int | None], ...] = ()
    """Timers of journeys: the journey, which, and the instant at which it rings; None while a pause holds it."""
    stopped: tuple[tuple[int, int], ...] = ()
    emptied: tuple[int, ...] = ()
    """Journeys that lose their queue, their timers and what is known of their pulls, because they are archived."""


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


@frozen
class Transition:
    """One change of a journey's state (R11)."""

    journey: int
    at: int
    state: State


@frozen
class Flag:
    """Whether a step of a journey is published, in every version, from an instant on (R17)."""

    journey: int
    at: int
    step: str
    published: bool


@frozen
class NewJourney:
    """A journey seen for the first time."""

    number: int
    tenant: str
    id: str


@frozen
class NewVersion:
    """A publication of a definition: the journey's number, the version's own number and place, its text (R12).

    `version` counts 1, 2, ... within the journey; a draft that is published again is replaced under the same number, a
    version that comes back with a rollback keeps its own. Every publication is remembered with its instant.
    """

    number: int
    journey: int
    version: int
    published_at: int
    fingerprint: str
    text: str


@frozen
class NewPolicies:
    """Policies of a tenant from an instant on, as the text of a policy file (R31)."""

    tenant: str
    at: int
    text: str


@frozen
class Forgotten:
    """A customer of whom nothing personal is to stay: the number, the id that was, the anonymous name for it (R86).

    The number is 0 for an id that no customer has, of which only inputs are known.
    """

    number: int
    tenant: str
    id: str
    name: str
    later: tuple[int, ...] = ()
    """Inputs, by sequence number, that were told of the id since, and handled in the same commit: somebody else's."""
    inbox: bool = False
    """Whether what waits in the inbox goes too; else it will be about somebody new (R4)."""


@frozen
class Pruned:
    """What one commit takes out of history that is finished; the openings of that commit stand in for it (R86)."""

    gone: tuple[int, ...] = ()
    """Runs that go, by serial, with their moves and messages."""
    bared: tuple[Run, ...] = ()
    """Runs that stay as rows, as they are now, without moves and messages."""
    arms: tuple[tuple[int, int, str, str], ...] = ()
    """Which ways runs that stay have taken at a Split: serial, number of the version, step, label."""
    inputs: tuple[int, ...] = ()
    """Inputs that go, by sequence number."""


@frozen
class Changes:
    """Everything that one commit writes, as one value. Whatever is not named stays as it is."""

    inputs: tuple[Input, ...] = ()
    handled: tuple[tuple[int, str], ...] = ()
    customers: tuple[tuple[int, str, str, dict[str, object]], ...] = ()
    runs: tuple[Run, ...] = ()
    moves: tuple[Move, ...] = ()
    new_posts: tuple[Post, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    """Runs, moves and new messages of many; none of their runs is among `runs`."""
    posts: tuple[Post, ...] = ()
    """Messages that were there before, as they are now; new ones stand in `new_posts`."""
    refusals: tuple[Refusal, ...] = ()
    counters: tuple[Counter, ...] = ()
    """What is to be added to the kept counters."""
    openings: tuple[Counter, ...] = ()
    """What is to be added to the opening balances: the share of the counters of which the log says nothing any more."""
    pruned: Pruned | None = None
    journeys: tuple[NewJourney, ...] = ()
    versions: tuple[NewVersion, ...] = ()
    described: tuple[tuple[int, str, int], ...] = ()
    """Versions whose names, description or notes were edited in place: number, text, instant (R12)."""
    transitions: tuple[Transition, ...] = ()
    policies: tuple[NewPolicies, ...] = ()
    flags: tuple[Flag, ...] = ()
    purged: tuple[int, ...] = ()
    """Journeys that go, by number, with everything that was recorded of them (R15)."""
    released: tuple[tuple[int, int], ...] = ()
    limits: LimitChanges | None = None
    rounds: tuple[Round, ...] = ()
    """How far the pulls of journeys are now (R27)."""
    listed: tuple[tuple[str, str, str], ...] = ()
    """Who has come on which list: the tenant, the list, the customer's id; each was not there before."""
    unlisted: tuple[tuple[str, str, str], ...] = ()
    """Who is on a list no longer."""
    repinned: tuple[tuple[int, int], ...] = ()
    """Runs, by serial, that go on in another version, by its number (R14)."""
    meta: tuple[tuple[str, str], ...] = ()
    exports: tuple[Export, ...] = ()
    """Jobs that make files, as they are now."""
    forgotten: tuple[Forgotten, ...] = ()
    """Whose personal data go, once the rest is written, in this order: see `forgetting`."""
    retold: tuple[tuple[int, str], ...] = ()
    """Inputs, by sequence number, of whose data only this is kept."""
    scrubbed: bool = False
    """Nothing of what is no longer there may be left on the medium once this is written: in free space, in logs."""

    @property
    def of_catalog(self) -> bool:
        """Tell whether journeys, versions, states, flags or settings change: whoever knows them has to read again."""
        named = (self.journeys, self.versions, self.described, self.transitions, self.flags, self.purged)
        return any((*named, self.policies, self.meta))

    def __bool__(self) -> bool:
        """Tell whether there is anything to write: an idle tick writes nothing (R3)."""
        return any(getattr(self, each.name) for each in fields(Changes))
