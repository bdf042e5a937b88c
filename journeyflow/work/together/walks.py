"""Noted walks: what a walk asked, and its outcome for every customer who gives the same answers.

A walk depends on the version, the stimulus and the rest from which it begins, which thousands of customers share when a
batch lets them in or wakes them. It also depends on what the machine asks about the customer and the instant: whether a
rule holds, until when a gate is closed or a Wait lasts, which arm applies, what the `tags` are (`Walk.ask`, `holds`,
`change` and `compose`). A `NotedWalk` is the machine's own walk that also records what was asked, and in which order:

    place --ask "opened?"--+-- no --ask "SMS open?"-- yes --ask "tags"-- none --> the outcome for these answers
                           +-- yes --ask "which arm?" ...

`NotedWalks` keeps such walks by the place where they began. `follow` asks the next customer the same questions. A
customer who gives the same answers as an earlier one has the same outcome (`WalkOutcome`); one who answers differently
walks normally, and that walk is noted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.values import thaw
from journeyflow.basics.words import LISTS
from journeyflow.definition.policies import Terms
from journeyflow.definition.rules.attribute_changes import Emitted, write_path
from journeyflow.definition.rules.chains import Order
from journeyflow.definition.rules.evaluation import Question
from journeyflow.definition.rules.templates import template_reads
from journeyflow.machine.compiled_steps import CompiledSend, CompiledUpdate, CompiledWait
from journeyflow.machine.facts import Data
from journeyflow.machine.gates import closed, gates_of
from journeyflow.machine.notes import (
    FRESH,
    NO_POSTS,
    NOTHING_SENT,
    Past,
    Reply,
    Result,
    Situation,
    Stimulus,
    Subject,
    Walk,
)
from journeyflow.machine.program import Program
from journeyflow.records.rows import Glimpse, Move, Post, Run

REPEATED: frozenset[Stimulus] = frozenset({"ENTER", "DUE"})
"""The stimuli that reach many customers at once."""

MAX_WAYS = 32
"""How many different answers are kept for one question; with more, nearly every customer is a different case."""

GATED_BY = frozenset({"consent", "timezone"})
"""The attributes that the gates of a Send read."""

NO_NEW: list[Post] = []
"""The messages of a walk that has made none yet; never modified in place."""

UNTIL = int
"""The answer that stands for every instant: an integer answer is the end of a rest, which differs per customer."""

Ask = Callable[[Walk], object]
"""A question to a walk, asked of later customers as it was of an earlier one."""

NewValue = tuple[str, object]
"""An attribute and its new value; None removes it."""

Read = dict[str, dict[str, object]]
"""The values that rules read, by position in the path, as a move keeps them (R85)."""

WalkStart = tuple[Program, Stimulus, int, int, frozenset[str], Terms | None]
"""Where a walk begins: version, stimulus, visit, step, the unpublished steps that every run passes through, and the
policies that bind the walk, on which the gates of a Send depend."""


class Fork:
    """A question of a walk, the visit at which it was asked, and where its answers lead."""

    __slots__ = ("ask", "visit", "ways")

    def __init__(self, ask: Ask, visit: int) -> None:
        """Hold a question that has no answers yet."""
        self.ask, self.visit = ask, str(visit)
        self.ways: dict[object, Way] = {}


def _of_all(ask: Ask) -> Ask:
    """Return a question that is asked once per instant, because every customer has the same answer then."""
    answers: dict[int, object] = {}

    def ask_once(walk: Walk) -> object:
        at = walk.at
        if at not in answers:
            answers[at] = ask(walk)
        return answers[at]

    return ask_once


def _behind(ask: Ask, posts: list[Post]) -> Ask:
    """Return a question asked after the messages that the walk has made so far, at the walk's own instant.

    Caps may count those messages. Whoever is asked has made none so far.
    """
    if not posts:
        return ask

    def ask_behind(walk: Walk) -> object:
        walk.new_posts = [post._replace(at=walk.at) for post in posts]
        return ask(walk)

    return ask_behind


Texts = tuple[tuple[str | None, int | None], ...]
"""The messages that differ between customers: the data as JSON text, and the instant of expiry."""


OWN = ("serial", "customer", "number", "entered_at", "converted_at", "trigger", "key")
"""The fields of a run that no walk changes: each customer keeps their own."""


@frozen(eq=False)
class WalkOutcome:
    """What a walk led to, apart from whose walk it was and when it was made.

    `status` to `awaits` are those of the run, `changes` those of the customer in order. `composed` are the positions of
    messages that differ between customers, each with its step and visit.
    """

    run: Run
    move: Move
    posts: Sequence[Post]
    composed: list[tuple[int, CompiledSend, int]]
    changes: list[NewValue]
    emitted: Sequence[Emitted | Order]
    past: Past
    news: dict[str, object] | None = field(init=False)
    """The changes as a patch of the attributes (`rows.patched`); None where the patch would not be equivalent."""

    @news.default
    def _(self) -> dict[str, object] | None:
        news = dict(self.changes)
        apart = LISTS in news or any(isinstance(value, dict) for value in news.values())  # list members have rows too
        return None if apart or len(news) < len(self.changes) else news

    @property
    def ended(self) -> bool:
        """Whether the walk ended the run."""
        return self.run.ended_at is not None

    def write(self, walk: "AskedWalk") -> Texts:
        """Return the messages that differ between customers."""
        texts = []
        for _, send, walk.visit in self.composed:
            texts.append(walk.compose(send))
        return tuple(texts)

    def change(self, attributes: dict[str, object]) -> dict[str, object]:
        """Return a customer's attributes as the walk leaves them."""
        for name, value in self.changes:
            attributes = write_path(attributes, name, value)
        return attributes

    def of(self, run: Run, at: int, due: int | None, read: Read, texts: Texts) -> tuple[Run, Move, list[Post]]:
        """Return the outcome for a run that made the walk at an instant: the new run, the move, the messages."""
        after = self.run._replace(
            **{name: getattr(run, name) for name in OWN},
            last_at=at,
            ended_at=at if self.ended else None,
            since=at,
            due=due,
        )
        posts = [post._replace(serial=run.serial, at=at, available_at=at) for post in self.posts]
        for (n, _, _), (text, expires) in zip(self.composed, texts, strict=True):
            posts[n] = posts[n]._replace(data=text, expires_at=expires)
        return after, self.move._replace(serial=run.serial, at=at, seen=read), posts


class AskedWalk(Walk):
    """A customer who is asked what an earlier walk asked, without taking any step.

    One object stands for one customer after another (`stand`, `meet`). It holds the part of a walk's notes that
    questions read.
    """

    __slots__ = ()

    def __init__(self, program: Program, nonces: Sequence[str], terms: Terms | None) -> None:
        """Prepare to ask about walks through a version, under the policies in force."""
        self.program, self.header, self.terms = program, program.header, terms
        self.memory = self.event = None
        self.nonces, self.sent = nonces, NOTHING_SENT
        self.posts, self.seen = NO_POSTS, {}  # `follow` empties what is seen

    @property
    def since(self) -> int:  # type: ignore[override]  # takes no step, so it stays at the rest where it began
        """The instant since which the run rests."""
        return self.run.since

    def stand(
        self,
        run: Run,
        customer: str,
        attributes: dict[str, object],
        at: int,
        posts: Mapping[str, Glimpse],
    ) -> None:
        """Take the place of a customer's run, with its newest messages, for the next questions."""
        self.run, self.customer, self.attributes, self.at, self.posts = run, customer, attributes, at, posts
        self._trigger = self._zone = None
        self.new_posts = NO_NEW

    def meet(self, customer: str, attributes: dict[str, object], at: int, event: Data | None) -> None:
        """Take the place of a customer who has no run yet, with the event that may begin one."""
        self.run = None  # type: ignore[assignment]  # until `begin`
        self.customer, self.attributes, self.at, self.event = customer, attributes, at, event
        self.seen, self._trigger, self._zone, self.new_posts = {}, None, None, NO_NEW

    def begin(self, run: Run) -> Read:
        """Continue where the new run begins, without the event; return the values read so far."""
        self.run, self.event, self._trigger = run, None, None
        read, self.seen = ({"entry": self.seen}, {}) if self.seen else ({}, self.seen)
        return read


class Unknown:
    """Where a place or an answer leads for which no walk has been noted yet."""


UNKNOWN = Unknown()

Way = Fork | WalkOutcome | Unknown | None
"""Where an answer leads; None means that every run must walk there by itself."""

Found = tuple[Way, int | None, Read]
"""Where the answers lead, the end of the rest if it ends at an instant, and the values that were read."""


class NotedWalk(Walk):
    """A walk that notes what it asks, and whether the same answers always have the same outcome."""

    __slots__ = ("asked", "changes", "composed", "repeatable")

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Begin where the run is."""
        super().__init__(program, run, situation, at, FRESH)
        self.asked: list[tuple[Fork, object]] = []
        self.changes: list[NewValue] = []
        self.composed: list[tuple[int, CompiledSend, int]] = []
        self.repeatable = True

    def ask(self, question: Callable[[Walk, Subject], Reply], subject: Subject) -> Reply:
        """Ask a question, and note the answer."""
        answer = question(self, subject)

        def again(walk: Walk) -> object:
            return question(walk, subject)

        if question is closed:
            gates = gates_of(self, subject)  # type: ignore[arg-type]  # only Sends have gates
            self._note(gates if self.terms is None else _behind(gates, [*self.new_posts]), answer)  # caps count (R31)
            self._keep_apart(GATED_BY)
        else:
            self._note(_of_all(again) if isinstance(subject, CompiledWait) and subject.common else again, answer)
            self._keep_apart(self.seen)
        return answer

    def holds(self, question: Question) -> bool:
        """Return whether a rule holds, and note the answer."""
        answer = question(self)
        self._note(question, answer)
        self._keep_apart(self.seen)
        return answer

    @property
    def zone(self) -> ZoneInfo:  # type: ignore[override]  # as in a walk
        """The zone that applies to this customer (R33)."""
        self._keep_apart(["timezone"])
        return super().zone

    def change(self, update: CompiledUpdate) -> list[Emitted]:
        """Change the customer, and note whether the change depends only on the values that are changed."""
        names = [name for name, _, _, _ in update.actions]
        if len({*names}) < len(names) or any(map(_is_intricate, update.actions)):
            self.repeatable = False
        for name in names:
            if all(name != other for other, _ in self.changes):
                self._note(partial(_value_of, name), _value_of(name, self))
        events = super().change(update)
        self.changes += [(name, self.attributes.get(name)) for name in names]
        return events

    def compose(self, send: CompiledSend) -> tuple[str | None, int | None]:
        """Write a message, and note whether it must be written for every customer."""
        if send.render is not None or send.step.expires is not None:
            self._keep_apart(template_reads(thaw(send.step.data)))
            self.composed.append((len(self.new_posts), send, self.visit))
        return super().compose(send)

    def _note(self, ask: Ask, answer: object) -> None:
        self.asked.append((Fork(ask, len(self.path)), UNTIL if answer.__class__ is int else answer))

    def _keep_apart(self, paths: Iterable[str]) -> None:
        """Mark the walk as not repeatable if it reads what it wrote: later customers are asked before they write."""
        changed, sent = {name for name, _ in self.changes}, {post.step for post in self.new_posts}
        for path in paths if changed or sent else ():
            root, _, rest = path.removeprefix("customer.").partition(".")
            if root in changed or (root == "message" and rest.partition(".")[0] in sent):
                self.repeatable = False

    def outcome(self, result: Result) -> Way:
        """Return this walk's outcome for other customers, or None if it applies to no other.

        A run that remembers something remembers it as of an instant; so does a run that failed.
        """
        run, move, posts, _, emitted, past = result
        if move is None or not self.repeatable or run.memory is not None:
            return None
        return WalkOutcome(run, move, posts, self.composed, self.changes, emitted, past)


def _value_of(name: str, walk: Walk) -> object:
    """Return a value that identifies an attribute's value and type."""
    value = walk.attributes.get(name)
    return value if value is None or isinstance(value, str) else (value.__class__, repr(value))


def _is_intricate(action: tuple[str, str, object, object]) -> bool:
    """Return whether the effect of a change may depend on more than the value it changes."""
    name, _, value, render = action
    return render is not None or "." in name or isinstance(value, dict | list)


def follow(way: Way, walk: AskedWalk, read: Read) -> Found:
    """Ask a customer what earlier walks asked from the same beginning; what is read is added to `read`."""
    due: int | None = None
    ways: dict[object, Way] = {}
    while way.__class__ is Fork:
        answer: Any = way.ask(walk)
        if answer.__class__ is int:
            answer, due = UNTIL, answer
        if walk.seen:
            visit = way.visit
            read[visit] = {**read[visit], **walk.seen} if visit in read else walk.seen
            walk.seen = {}
        ways = way.ways
        way = ways.get(answer, UNKNOWN)
    if way is UNKNOWN and len(ways) >= MAX_WAYS:
        way = None
    return way, due, read


class NotedWalks:
    """The noted walks of one batch, by the place where they began."""

    def __init__(self) -> None:
        """Start empty."""
        self._places: dict[Any, Way] = {}

    def beginning(self, place: WalkStart) -> Way:
        """Return where walks lead that begin at a place."""
        return self._places.get(place, UNKNOWN)

    def learn(self, place: WalkStart, walk: NotedWalk, result: Result) -> None:
        """Add a walk and its outcome to those that began at the same place."""
        ways = self._places
        answer: object = place
        for fork, following in walk.asked:
            known = ways.get(answer, UNKNOWN)
            if not isinstance(known, Fork):
                known = ways[answer] = fork
            ways, answer = known.ways, following
        ways[answer] = walk.outcome(result)
