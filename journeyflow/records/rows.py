"""What is known about customers, as records that do not know how they are stored.

`Input`, `Run`, `Move` and `Post` are what the machine, the scheduler and the stores exchange, with numbers and
microseconds; `Changes` in `changes.py` holds those that one commit writes. There are millions of them, so they are
tuples: a store reads and writes rows, and a tuple costs a third of an attrs object to make. What a host passes in and
gets back, with ids and datetimes, is in `public.py`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from journeyflow.basics.values import Attributes
from journeyflow.basics.words import QUEUED


class Input(NamedTuple):
    """One call of a host, waiting in the inbox or handled (R10).

    `kind` is event, put, enroll, exit, retry, ack, nack or requeue; `text` is its data as JSON text. `type` is the type
    of an event, the journey of an enroll, exit or retry, and of a put "put", "replace" if it replaces all attributes,
    or "missing" if it sets those that are not known. `id` is the id of an event, or the message that an ack, nack or
    requeue is about.
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
"""Make an input from a tuple of all its fields in order, in a third of the time of `Input(...)`."""

PathEntry = tuple[str, str, str]
"""One visit inside a move: step id, status, outcome."""


class Run(NamedTuple):
    """An enrollment as the machine sees it: numbers, microseconds, positions.

    `step` is the position of the step at which it rests, -1 once it has ended. It rests until `due`, or for an event of
    type `awaits`, or both; `held` is the own instant of work that a pause holds, and orders it after the resume (R16),
    or of a timeout that was found late because a window was closed, and lets no later event win (R5). `softened` says
    that this rest's instant was softened once (R5). `trigger` is the data of the event that started it, as JSON text.
    `key` tells parallel runs of one customer apart, empty if the journey has no key (R22). `memory` keeps the data of
    awaited events, the instants at which looping openings were left, and what a retry needs.
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
    """Return the number of the version that a run's visit belongs to; a migration leaves earlier visits (R14)."""
    if run.memory is None:  # nearly always
        return run.version
    history = run.memory.get("versions", ())
    return next((int(number) for first, number in reversed(history) if first <= n), run.version)


make_run: Callable[[tuple[object, ...]], Run] = partial(tuple.__new__, Run)
"""Make a run from a tuple of all its fields in order, in a third of the time of `Run(...)`."""

NO_FLAGS: Mapping[str, tuple[int, int]] = MappingProxyType({})


class Glimpse(Protocol):
    """What rules read of a message (R59): a store may leave out the rest if that costs extra reading."""

    @property
    def serial(self) -> int:
        """The run that sent it."""

    @property
    def n(self) -> int:
        """The visit that sent it."""

    @property
    def step(self) -> str:
        """The id of the step at that time."""

    @property
    def at(self) -> int:
        """The instant at which it was sent."""

    @property
    def flags(self) -> Mapping[str, tuple[int, int]]:
        """Its events: (first instant, count) by message kind."""

    @property
    def nonce(self) -> int:
        """The index of the nonce in its id."""


class Post(NamedTuple):
    """A message as the machine makes it and the stores keep it. `flags` maps a message kind to (first, count) (R52).

    `domain` is that of the customer's mailbox when the message had its first event: empty if there was none, None
    before that. `nonce` is the index of its id's nonce among those of the database (R70). `error` is what went wrong at
    the last failed attempt, "" if none failed or nothing was said. `forgiven` attempts no longer count, because the
    message was queued again after it was given up (R71).
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
    error: str = ""
    forgiven: int = 0


def name_of(run: Run, post: Glimpse) -> str:
    """Return a message's step under its name in the run's version; a migration may have renamed it (R14)."""
    step = post.step
    for visit, names in (run.memory or {}).get("renamed", ()):
        if post.n <= visit:
            step = names.get(step, step)
    return step


make_post: Callable[[tuple[object, ...]], Post] = partial(tuple.__new__, Post)
"""Make a message from a tuple of all its fields in order."""


def mixing(of: type[Any], own: Collection[str]) -> Callable[[tuple[Any, ...], tuple[Any, ...]], Any]:
    """Return a function that joins two records of a type: the fields `own` of the first, all others of the second.

    >>> mix = mixing(Export, ["number"])
    >>> a, b = (Export(n, "t", "m", "DONE", "{}", n, n, n, n, n, "", None) for n in (1, 2))
    >>> mix(a, b)[:6]
    (1, 't', 'm', 'DONE', '{}', 2)
    """
    pick = itemgetter(*(n if name in own else n + len(of._fields) for n, name in enumerate(of._fields)))
    return lambda first, second: tuple.__new__(of, pick(first + second))


def replacing(of: type[Any], *fields: str) -> Callable[..., Any]:
    """Return a function that replaces some fields of a record by values in the same order.

    It takes a quarter of the time of `_replace`.

    >>> sent = replacing(Post, "status", "token")
    >>> sent(Post(1, 1, "hi", "EMAIL", "hi", None, 0, None, True), "SENT", "w.1")[9:14]
    ('SENT', 0, 0, None, 'w.1')
    """
    width = len(of._fields)
    pick = itemgetter(*(width + fields.index(name) if name in fields else n for n, name in enumerate(of._fields)))
    return lambda record, *values: tuple.__new__(of, pick(record + values))


class Move(NamedTuple):
    """What happened to a run at one instant, from one rest to the next (one row of history).

    `visit` is the number of the visit that is left, 0 at entry. The path begins with that visit, at entry with visit 1.
    `seen` maps a position in the path (or "entry", "exit") to the values that were read there (R85).
    """

    serial: int
    visit: int
    at: int
    path: tuple[PathEntry, ...]
    seen: dict[str, dict[str, object]]


def last_visit(move: Move) -> int:
    """Return the number of the visit that a move leads to, which shows the version of its path (R14)."""
    return max(move.visit, 1) + len(move.path) - 1


make_move: Callable[[tuple[object, ...]], Move] = partial(tuple.__new__, Move)
"""Make a move from a tuple of all its fields in order."""


class Crowd(NamedTuple):
    """Customers who moved together: the outcomes differ only in whose they are.

    `run`, `move` and `posts` are those of one customer. `news` is a patch of every customer's attributes (`patched`),
    whose values are not objects. `people` maps the serials of all runs, that one included, to customer numbers. If the
    move leaves visit 0, the runs are new; existing runs keep what never changes: number, entry, trigger and key.
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


_in_crowd: Callable[[Run, Run], Run] = mixing(Run, ("serial", "customer", "number", "entered_at", "trigger", "key"))
"""Makes the run of somebody in a crowd: what never changes is their own, the rest is the crowd's."""


def runs_of(crowd: Crowd, known: Mapping[int, Run]) -> list[Run]:
    """Return the runs of a crowd as it leaves them; `known` has those that are not new, by serial."""
    if crowd.entering:
        _, _, *rest = crowd.run  # after the columns that say whose it is
        return [make_run((*who, *rest)) for who in crowd.people.items()]
    return [_in_crowd(known[serial], crowd.run) for serial in crowd.people]


def posts_of(crowd: Crowd) -> Iterator[Post]:
    """Yield the new messages of a crowd, one after the other of everybody."""
    return (make_post((serial, *rest)) for _, *rest in crowd.posts for serial in crowd.people)


class Refusal(NamedTuple):
    """A refused entry: the journey's number, the customer's number, why, when, the values compared (R21)."""

    journey: int
    customer: int
    reason: str
    at: int
    day: str
    seen: dict[str, object]


class Counter(NamedTuple):
    """A kept counter, or what a commit adds to it; `counting` explains each number (R80)."""

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
        """Return the sum of this counter and another with the same key."""
        *key, total, uniques, last = self
        _, _, _, _, _, _, more, others, at = other
        return make_counter((*key, total + more, uniques + others, last if last >= at else at))  # noqa: FURB136 eight times as fast


make_counter: Callable[[tuple[object, ...]], Counter] = partial(tuple.__new__, Counter)
"""Make a counter from a tuple of all its fields in order."""


class Export(NamedTuple):
    """A job that makes a file (F192): `options` are JSON text, `content` is the finished file."""

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
    """An entry that waits for a slot: customer, journey, key, and its trigger's data and instant (R23).

    `number` counts over all journeys and is never reused; a queue is ordered by `at`, then by `number`.
    """

    number: int
    journey: int
    customer: int
    key: str
    at: int
    trigger: str | None


class Suppression(NamedTuple):
    """One entry of the suppression list: reports about the customer with an instant before `before` are old (R86).

    `hash` covers the tenant and the kind too (see `suppression.py`).
    """

    hash: str
    tenant: str
    kind: str
    before: int


class Round(NamedTuple):
    """How far a journey's pulls have come (R27).

    `at` is the instant of the newest pull, None before the first; `after` is the id of the customer asked last, ""
    before the first. During a pull `origin` is the id after which it began, and `remaining` how many customers may
    still enter, None for no bound. `softened` says that the instant of the next pull was softened once (R5). `anchor`
    is the instant from which pulls are counted, in the `every` of the version with the number `version`.
    """

    journey: int
    at: int | None = None
    after: str = ""
    origin: str | None = None
    remaining: int | None = None
    softened: bool = False
    anchor: int | None = None
    version: int | None = None


def patched(attributes: Attributes, news: Mapping[str, object]) -> Attributes:
    """Return attributes with new values in place of old ones, and without those whose new value is None.

    This is RFC 7396 for values that are not objects, for which SQLite's `json_patch` does the same.

    >>> patched({"a": 1, "b": 2}, {"c": [3], "a": None, "b": 5})
    {'b': 5, 'c': [3]}
    """
    return {name: value for name, value in {**attributes, **news}.items() if value is not None or name not in news}
