"""Changes: the one value that a commit writes, and its parts."""

from attrs import fields, frozen

from journeyflow.basics.words import State
from journeyflow.records.rows import Counter, Crowd, Deferred, Export, Input, Move, Post, Refusal, Round, Run


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
