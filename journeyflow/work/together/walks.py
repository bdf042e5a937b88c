"""Noted walks: what a walk asked, and what it came to for everybody who gives the same answers.

A walk depends on the version, the stimulus and the rest it begins from, which thousands have in common when a batch
lets them in or wakes them, and on what the machine asks of the customer and of the instant: whether a rule holds, until
when a gate is closed or a Wait lasts, which arm is theirs, what their `tags` are (`Walk.ask` and its neighbours). A
`NotedWalk` is the machine's own walk; beside it, it keeps what was asked in which order:

    place --ask "opened?"--+-- no --ask "SMS open?"-- yes --ask "tags"-- none --> what everybody gets who answers so
                           +-- yes --ask "which arm?" ...

`Ways` keeps such walks by the place where they began. `follow` asks the next customer the same questions: those who
give the answers of somebody before come to the same (`Outcome`); those who answer otherwise walk plainly and are noted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.values import thaw
from journeyflow.basics.words import LISTS
from journeyflow.definition.policies import Terms
from journeyflow.definition.rules.chains import Order
from journeyflow.definition.rules.changes import Emitted, write_path
from journeyflow.definition.rules.conditions import Question
from journeyflow.definition.rules.templates import template_reads
from journeyflow.machine.facts import Data
from journeyflow.machine.gates import closed, gates_of
from journeyflow.machine.notes import (
    FRESH,
    NO_POSTS,
    NOTHING_SENT,
    Answer,
    Past,
    Result,
    Situation,
    Stimulus,
    Subject,
    Walk,
)
from journeyflow.machine.program import CompiledSend, CompiledUpdate, CompiledWait, Program
from journeyflow.records.rows import Glimpse, Move, PathEntry, Post, Run, make_move, make_post, make_run

REPEATED: frozenset[Stimulus] = frozenset({"ENTER", "DUE"})
"""The stimuli that reach many."""

MAX_WAYS = 32
"""Different answers that are noted at one place; where there are more, everybody is somebody else."""

GATED_BY = frozenset({"consent", "timezone"})
"""The attributes that the gates of a Send look at."""

UNTIL = int
"""The answer that stands for all instants: a number is until when to rest, and everybody has their own."""

Ask = Callable[[Walk], object]
"""Asks whoever walks what somebody was asked before."""

Change = tuple[str, object]
"""An attribute and its new value; None takes it away."""

Read = dict[str, dict[str, object]]
"""What rules looked at, by the place in the path, as a move keeps it (R85)."""

Place = tuple[Program, Stimulus, int, int, frozenset[str], Terms | None]
"""Where a walk begins: version, stimulus, visit, step, the steps that everybody passes through, the policies that bind
it: a Send has other gates by them."""


class Fork:
    """A question of a walk, at which visit it was asked, and where its answers lead."""

    __slots__ = ("ask", "visit", "ways")

    def __init__(self, ask: Ask, visit: int) -> None:
        """Ask a question, so far without an answer."""
        self.ask, self.visit = ask, str(visit)
        self.ways: dict[object, Way] = {}


def _of_all(ask: Ask) -> Ask:
    """Ask what everybody answers alike at the same instant once for each."""
    answers: dict[int, object] = {}

    def ask_once(walk: Walk) -> object:
        at = walk.at
        if at not in answers:
            answers[at] = ask(walk)
        return answers[at]

    return ask_once


def _behind(ask: Ask, posts: list[Post]) -> Ask:
    """Ask behind the messages that the walk has made by then: caps may count them, as of the walk's own instant."""

    def ask_behind(walk: Walk) -> object:
        walk.new_posts = [post._replace(at=walk.at) for post in posts]
        return ask(walk)

    return ask_behind


Texts = tuple[tuple[str | None, int | None], ...]
"""Messages that are not alike for all, each with when it expires."""


@frozen(eq=False)
class Outcome:
    """What a walk came to, without whose walk it was and when it was made.

    `status` to `awaits` are those of the run, `changes` those of the customer in order; `composed` are the places of
    messages that are not alike for all, each with its step and visit.
    """

    status: str
    reason: str
    visit: int
    step: int
    awaits: str | None
    path: Sequence[PathEntry]
    posts: list[tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]]
    composed: list[tuple[int, CompiledSend, int]]
    changes: list[Change]
    emitted: Sequence[Emitted | Order]
    past: Past
    ended: bool
    news: dict[str, object] | None = field(init=False)
    """The changes as a patch of the attributes (`changes.patched`); None where that would not come to the same."""

    @news.default
    def _(self) -> dict[str, object] | None:
        news = dict(self.changes)
        apart = LISTS in news or any(isinstance(value, dict) for value in news.values())  # who is on a list is kept too
        return None if apart or len(news) < len(self.changes) else news

    def write(self, walk: "AskedWalk") -> Texts:
        """Write the messages that are not alike for all."""
        texts = []
        for _, send, walk.visit in self.composed:
            texts.append(walk.compose(send))
        return tuple(texts)

    def change(self, attributes: dict[str, object]) -> dict[str, object]:
        """Give the attributes of a customer as the walk leaves them."""
        for name, value in self.changes:
            attributes = write_path(attributes, name, value)
        return attributes

    def of(self, run: Run, at: int, due: int | None, read: Read, texts: Texts) -> tuple[Run, Move, list[Post]]:
        """Give it to a run that made the walk at an instant: what becomes of the run, the move, the messages."""
        serial = run[0]
        fields = (
            serial, run[1], run[2], run[3], run[4], self.status, self.reason, run[7], at, at if self.ended else None,
            run[10], self.visit, self.step, at, due, None, self.awaits, False, run[18], run[19], None,
        )  # fmt: skip
        posts = [make_post((serial, *what, at, None, *how, at, *rest)) for what, how, rest in self.posts]
        for (n, _, _), (text, expires) in zip(self.composed, texts, strict=True):
            posts[n] = posts[n]._replace(data=text, expires_at=expires)
        return make_run(fields), make_move((serial, run[11], at, self.path, read)), posts


class AskedWalk(Walk):
    """Somebody who is asked what the walk of another asked, and makes no step: the half of the notes for that.

    It stands in the place of one after the other (`stand`).
    """

    __slots__ = ()

    def __init__(self, program: Program, nonces: Sequence[str], terms: Terms | None) -> None:
        """Ask about walks through a version, under the policies in force."""
        self.program, self.header, self.terms = program, program.header, terms
        self.memory = self.event = None
        self.nonces, self.sent = nonces, NOTHING_SENT
        self.posts, self.seen = NO_POSTS, {}  # of what is seen `follow` leaves nothing

    @property
    def since(self) -> int:  # type: ignore[override]  # makes no step, and so stays at the rest that it began from
        """Since when the run rests."""
        return self.run.since

    def stand(
        self,
        run: Run,
        customer: str,
        attributes: dict[str, object],
        at: int,
        posts: Mapping[str, Glimpse],
    ) -> None:
        """Stand where a customer's run is, whose messages are at hand."""
        self.run, self.customer, self.attributes, self.at, self.posts = run, customer, attributes, at, posts
        self._trigger = self._zone = None

    def meet(self, customer: str, attributes: dict[str, object], at: int, event: Data | None) -> None:
        """Stand before somebody who has no run yet, with the event at hand that may begin one."""
        self.run = None  # type: ignore[assignment]  # until `begin`
        self.customer, self.attributes, self.at, self.event = customer, attributes, at, event
        self.seen, self._trigger, self._zone = {}, None, None

    def begin(self, run: Run) -> Read:
        """Stand where the run begins, without the event; give what was looked at before."""
        self.run, self.event, self._trigger = run, None, None
        read, self.seen = ({"entry": self.seen}, {}) if self.seen else ({}, self.seen)
        return read


class Unknown:
    """Where nobody's walk was noted yet."""


UNKNOWN = Unknown()

Way = Fork | Outcome | Unknown | None
"""Where an answer leads: None to what each has to walk alone."""

Found = tuple[Way, int | None, Read]
"""Where answers lead, until when one rests there if until an instant, what was looked at."""


class NotedWalk(Walk):
    """A walk that notes what it asks, and whether who answers alike comes to the same."""

    __slots__ = ("asked", "changes", "composed", "repeatable")

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Begin where the run is."""
        super().__init__(program, run, situation, at, FRESH)
        self.asked: list[tuple[Fork, object]] = []
        self.changes: list[Change] = []
        self.composed: list[tuple[int, CompiledSend, int]] = []
        self.repeatable = True

    def ask(self, question: Callable[[Walk, Subject], Answer], subject: Subject) -> Answer:
        """Ask, and note the answer."""
        answer = question(self, subject)

        def again(walk: Walk) -> object:
            return question(walk, subject)

        if question is closed:
            gates = gates_of(self, subject)  # type: ignore[arg-type]  # asked of Sends
            self._note(gates if self.terms is None else _behind(gates, [*self.new_posts]), answer)  # caps count (R31)
            self._keep_apart(GATED_BY)
        else:
            self._note(_of_all(again) if isinstance(subject, CompiledWait) and subject.common else again, answer)
            self._keep_apart(self.seen)
        return answer

    def holds(self, question: Question) -> bool:
        """Ask a rule, and note what came of it."""
        answer = question(self)
        self._note(question, answer)
        self._keep_apart(self.seen)
        return answer

    @property
    def zone(self) -> ZoneInfo:  # type: ignore[override]  # as in a walk
        """The zone that counts for this customer (R33)."""
        self._keep_apart(["timezone"])
        return super().zone

    def change(self, update: CompiledUpdate) -> list[Emitted]:
        """Change the customer, where that hangs on nothing but the values that are changed."""
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
        """Write a message, and note where it is to be done for everybody."""
        if send.render is not None or send.step.expires is not None:
            self._keep_apart(template_reads(thaw(send.step.data)))
            self.composed.append((len(self.new_posts), send, self.visit))
        return super().compose(send)

    def _note(self, ask: Ask, answer: object) -> None:
        self.asked.append((Fork(ask, len(self.path)), UNTIL if answer.__class__ is int else answer))

    def _keep_apart(self, paths: Iterable[str]) -> None:
        """Give up where the walk looks at what itself has made: the next one is asked before it has made anything."""
        changed, sent = {name for name, _ in self.changes}, {post.step for post in self.new_posts}
        for path in paths if changed or sent else ():
            root, _, rest = path.removeprefix("customer.").partition(".")
            if root in changed or (root == "message" and rest.partition(".")[0] in sent):
                self.repeatable = False

    def outcome(self, result: Result) -> Way:
        """Give what this walk came to, for others; None where it is nobody else's.

        A run that remembers something remembers it as of an instant; so does one that failed.
        """
        run, move, posts, _, emitted, past = result
        if move is None or not self.repeatable or run.memory is not None:
            return None
        return Outcome(
            run.status,
            run.reason,
            run.visit,
            run.step,
            run.awaits,
            move.path,
            [(post[1:6], post[8:11], post[12:]) for post in posts],
            self.composed,
            self.changes,
            emitted,
            past,
            run.ended_at is not None,
        )


def _value_of(name: str, walk: Walk) -> object:
    """Give what tells the value of an attribute from others, those of other types too."""
    value = walk.attributes.get(name)
    return value if value is None or isinstance(value, str) else (value.__class__, repr(value))


def _is_intricate(action: tuple[str, str, object, object]) -> bool:
    """Tell whether what a change does may hang on more than the value it changes."""
    name, _, value, render = action
    return render is not None or "." in name or isinstance(value, dict | list)


def follow(way: Way, walk: AskedWalk, read: Read) -> Found:
    """Ask somebody what others were asked, from where their walks began; what is looked at is added to `read`."""
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


class Ways:
    """The noted walks of one batch, by the place at which they began."""

    def __init__(self) -> None:
        """Begin with none."""
        self._places: dict[Any, Way] = {}

    def beginning(self, place: Place) -> Way:
        """Return where walks lead that begin at a place."""
        return self._places.get(place, UNKNOWN)

    def learn(self, place: Place, walk: NotedWalk, result: Result) -> None:
        """Put a walk and what it came to among those that began at the same place."""
        ways = self._places
        answer: object = place
        for fork, following in walk.asked:
            known = ways.get(answer, UNKNOWN)
            if not isinstance(known, Fork):
                known = ways[answer] = fork
            ways, answer = known.ways, following
        ways[answer] = walk.outcome(result)
