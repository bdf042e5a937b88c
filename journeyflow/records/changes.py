"""Changes: the value that a commit writes, and its parts, each of which serves one kind of call.

A part is false if it writes nothing. What every commit makes is a named tuple: it costs a fifth of a class of attrs.
"""

from typing import NamedTuple

from attrs import frozen

from journeyflow.basics.words import State
from journeyflow.records.rows import (
    Counter,
    Crowd,
    Deferred,
    Export,
    Input,
    Move,
    Post,
    Refusal,
    Round,
    Run,
    Suppression,
)


class LimitChanges(NamedTuple):
    """What one commit writes about entry limits (R23)."""

    slots: tuple[tuple[int, int], ...] = ()
    """Slots that were taken: the journey and the instant."""
    joined: tuple[Deferred, ...] = ()
    gone: tuple[int, ...] = ()
    """The numbers of deferred entries that no longer wait."""
    timers: tuple[tuple[int, int, int | None], ...] = ()
    """Timers of journeys: the journey, which timer, and its instant, or None while a pause holds it."""
    stopped: tuple[tuple[int, int], ...] = ()
    emptied: tuple[int, ...] = ()
    """Journeys that lose their queue, their timers and the state of their pulls, because they are archived."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)


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
    """A publication of a definition: the journey's number, the version's number and place, its text (R12).

    `version` counts 1, 2, ... within the journey. A draft that is published again is replaced under the same number; a
    version that returns by a rollback keeps its own. Every publication is kept with its instant.
    """

    number: int
    journey: int
    version: int
    published_at: int
    fingerprint: str
    text: str


@frozen
class NewPolicies:
    """A tenant's policies from an instant on, as the text of a policy file (R31)."""

    tenant: str
    at: int
    text: str


@frozen
class Hold:
    """Whether a tenant's channel is held, so that nothing of it is handed out, from an instant on (R71)."""

    tenant: str
    at: int
    channel: str
    held: bool


class CatalogChanges(NamedTuple):
    """What one commit writes about journeys, policies, channels and settings: catalogs must be read again."""

    journeys: tuple[NewJourney, ...] = ()
    versions: tuple[NewVersion, ...] = ()
    described: tuple[tuple[int, str, int], ...] = ()
    """Versions whose name, description or notes were edited in place: number, text, instant (R12)."""
    transitions: tuple[Transition, ...] = ()
    policies: tuple[NewPolicies, ...] = ()
    flags: tuple[Flag, ...] = ()
    holds: tuple[Hold, ...] = ()
    purged: tuple[int, ...] = ()
    """Journeys to delete, by number, with all their history (R15)."""
    meta: tuple[tuple[str, str], ...] = ()
    """Settings of the store: name, value."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)


class PullChanges(NamedTuple):
    """What one commit writes about pulls and the lists that they go through (R27)."""

    rounds: tuple[Round, ...] = ()
    """The new state of journeys' pulls."""
    listed: tuple[tuple[str, str, str], ...] = ()
    """New list members: the tenant, the list, the customer's id; none of them was on that list before."""
    unlisted: tuple[tuple[str, str, str], ...] = ()
    """Former list members: the tenant, the list, the customer's id."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)


@frozen
class Forgotten:
    """A customer to forget: the number, the former id, and the anonymous name that replaces it (R86).

    The number is 0 for an id that no customer has, of which only inputs are known.
    """

    number: int
    tenant: str
    id: str
    name: str
    before: int = 0
    """What is reported about the customer with an earlier instant is old (see `suppression.py`)."""
    addresses: tuple[tuple[str, str], ...] = ()
    """The addresses of the customer: channel, address."""
    later: tuple[int, ...] = ()
    """The sequence numbers of inputs about a new customer with the same id, handled in the same commit."""
    inbox: bool = False
    """Whether waiting inputs are removed too; otherwise they will be about a new customer (R4)."""


class Erased(NamedTuple):
    """The personal data that one commit deletes, after everything else is written (R86)."""

    forgotten: tuple[Forgotten, ...] = ()
    """Customers who become anonymous numbers, in this order: see `forgetting`."""
    suppressed: tuple[Suppression, ...] = ()
    """New entries of the suppression list, beside those about `forgotten`, which the store makes."""
    dismissed: tuple[int, ...] = ()
    """Inputs about customers who were forgotten before: they stay without anything personal."""
    retold: tuple[tuple[int, str], ...] = ()
    """Inputs whose data is replaced: sequence number, the new data as JSON text."""
    scrubbed: bool = False
    """Whether deleted data must not survive on the medium after this commit, in free space or in logs."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)


class Pruned(NamedTuple):
    """What one commit deletes from finished history, and the openings that replace it in the sums (R86)."""

    gone: tuple[int, ...] = ()
    """Runs to delete, by serial, with their moves and messages."""
    bared: tuple[Run, ...] = ()
    """Runs that stay as rows, with their new values, without moves and messages."""
    arms: tuple[tuple[int, int, str, str], ...] = ()
    """The arms that remaining runs took at a Split: serial, number of the version, step, label."""
    inputs: tuple[int, ...] = ()
    """Inputs to delete, by sequence number."""
    openings: tuple[Counter, ...] = ()
    """What to add to the opening balances: the part of the counters that the log no longer accounts for."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)


class Changes(NamedTuple):
    """Everything that one commit writes, as one value. Anything not named stays as it is."""

    inputs: tuple[Input, ...] = ()
    """New inputs: either all have their numbers, ascending, or all are given the next ones by the store."""
    handled: tuple[tuple[int, str], ...] = ()
    """Inputs that are handled, those among `inputs` too: number, outcome."""
    customers: tuple[tuple[int, str, str, dict[str, object]], ...] = ()
    runs: tuple[Run, ...] = ()
    moves: tuple[Move, ...] = ()
    new_posts: tuple[Post, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    """Runs, moves and new messages of many customers at once; none of their runs is among `runs`."""
    posts: tuple[Post, ...] = ()
    """Existing messages and those of `crowds`, with their new values; other new messages are in `new_posts`."""
    refusals: tuple[Refusal, ...] = ()
    counters: tuple[Counter, ...] = ()
    """What to add to the kept counters."""
    limits: LimitChanges = LimitChanges()
    pulls: PullChanges = PullChanges()
    catalog: CatalogChanges = CatalogChanges()
    released: tuple[tuple[int, int], ...] = ()
    """Journeys that are resumed: number, the instant until which their held work waits (R16)."""
    repinned: tuple[tuple[int, int], ...] = ()
    """Runs that continue in another version: serial, number of the version (R14)."""
    exports: tuple[Export, ...] = ()
    """Export jobs, with their new values."""
    erased: Erased = Erased()
    pruned: Pruned = Pruned()
    reopened: tuple[int, ...] = ()
    """Inputs to handle again, by sequence number; of these, the ones that are not set aside stay as they are."""
    last_tick: int | None = None
    """The `now` of the tick that commits this (R3)."""

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return any(self)
