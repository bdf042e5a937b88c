"""People at the same place walk together: a walk that was made before is made again from what was noted of it.

A walk depends on the version, the stimulus and the rest that it begins from, which thousands have in common when a
batch lets them in or wakes them, and on what the machine asks of the person and of the instant: whether a rule holds,
until when a gate is closed or a Wait lasts, which arm is theirs, what their `tags` are (`Walk.ask` and its neighbours).
`Cohorts` notes, from the second person at a place on, what was asked in which order, and what the walk came to:

    place --ask "opened?"--+-- no --ask "SMS open?"-- yes --ask "tags"-- none --> what everybody gets who answers so
                           +-- yes --ask "which arm?" ...

The next person is asked the same questions. Who answers as somebody before gets the same moves, rests, messages and
changes under their own name, at their own instants; who answers otherwise walks plainly, and adds a way. The plain walk
stays the reference: `tests/properties/test_cohorts.py` shows that both come to the same.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from journeyflow.changes import Emitted, write_path
from journeyflow.gates import closed
from journeyflow.machine import advance, go
from journeyflow.program import Node, Program
from journeyflow.records import PathEntry, Post, Run, make_move, make_post, make_run
from journeyflow.templates import template_reads
from journeyflow.values import thaw
from journeyflow.walk import (
    FRESH,
    NO_POSTS,
    Answer,
    Past,
    Result,
    Situation,
    Stimulus,
    Subject,
    Walk,
    make_result,
)

REPEATED: frozenset[Stimulus] = frozenset({"ENTER", "DUE"})
"""The stimuli that reach many."""

MAX_WAYS = 32
"""Different answers that are noted at one place; where there are more, everybody is somebody else."""

GATED_BY = frozenset({"consent", "timezone"})
"""The attributes that the gates of a Send look at."""

UNTIL = int
"""The answer that stands for all instants: a number is until when to rest, and everybody has their own."""

Change = tuple[str, object]
"""An attribute and its new value; None takes it away."""


class Fork:
    """A question of a walk, at which visit and behind which messages it was asked, and where its answers lead.

    The messages are given where caps count them.
    """

    __slots__ = ("posts", "question", "subject", "visit", "ways")

    def __init__(self, question: Callable[[Walk, Any], object], subject: object, visit: int, posts: list[Post]) -> None:
        """Ask a question, so far without an answer."""
        self.question, self.subject, self.visit, self.posts = question, subject, str(visit), posts
        self.ways: dict[object, Way] = {}


class Outcome(NamedTuple):
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
    composed: list[tuple[int, Node, int]]
    changes: list[Change]
    emitted: Sequence[Emitted]
    past: Past
    ended: bool

    def of(self, run: Run, walk: "AskedWalk", due: int | None, read: dict[str, dict[str, object]]) -> Result:
        """Give it to a run, whose walk has asked what was asked, has `read` what was read, and made no step."""
        serial, at = run[0], walk.at
        fields = (
            serial, run[1], run[2], run[3], run[4], self.status, self.reason, run[7], at, at if self.ended else None,
            run[10], self.visit, self.step, at, due, None, self.awaits, False, run[18], run[19], None,
        )  # fmt: skip
        move = make_move((serial, run[11], at, self.path, read))
        posts = [make_post((serial, *what, at, None, *how, at, *rest)) for what, how, rest in self.posts]
        for n, node, walk.visit in self.composed:
            text, expires = walk.compose(node)
            posts[n] = posts[n]._replace(data=text, expires_at=expires)
        attributes = walk.attributes
        for name, value in self.changes:
            attributes = write_path(attributes, name, value)
        return make_result((make_run(fields), move, posts, attributes, self.emitted, self.past))


class AskedWalk(Walk):
    """Somebody who is asked what the walk of another asked, and makes no step: the half of the notes for that."""

    __slots__ = ()

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Stand where the run is."""
        self.program, self.run, self.at, self.since = program, run, at, run.since
        self.customer, self.attributes, self.event, posts, nonces, self.terms, self.sent, _ = situation
        self.posts = (nonces, posts or NO_POSTS)
        self.header, self.memory, self._trigger, self._zone = program.header, None, None, None
        self.seen = {}


class Unknown:
    """Where nobody's walk was noted yet."""


UNKNOWN = Unknown()

Way = Fork | Outcome | Unknown | None
"""Where an answer leads: None to what each has to walk alone."""


class NotedWalk(Walk):
    """A walk that notes what it asks, and whether who answers alike comes to the same."""

    __slots__ = ("asked", "changes", "composed", "repeatable")

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Begin where the run is."""
        super().__init__(program, run, situation, at, FRESH)
        self.asked: list[tuple[Fork, object]] = []
        self.changes: list[Change] = []
        self.composed: list[tuple[int, Node, int]] = []
        self.repeatable = True

    def ask(self, question: Callable[[Walk, Subject], Answer], subject: Subject) -> Answer:
        """Ask, and note the answer."""
        answer = question(self, subject)
        self._note(question, subject, answer)
        self._keep_apart(GATED_BY if question is closed else self.seen)
        return answer

    @property
    def zone(self) -> ZoneInfo:  # type: ignore[override]  # as in a walk
        """The zone that counts for this customer (R33)."""
        self._keep_apart(["timezone"])
        return super().zone

    def change(self, node: Node) -> list[Emitted]:
        """Change the customer, where that hangs on nothing but the values that are changed."""
        names = [name for name, _, _, _ in node.actions]
        if len({*names}) < len(names) or any(map(_is_intricate, node.actions)):
            self.repeatable = False
        for name in names:
            if all(name != other for other, _ in self.changes):
                self._note(_value_of, name, _value_of(self, name))
        events = super().change(node)
        self.changes += [(name, self.attributes.get(name)) for name in names]
        return events

    def compose(self, node: Node) -> tuple[str | None, int | None]:
        """Write a message, and note where it is to be done for everybody."""
        if node.render is not None or node.length is not None:
            self._keep_apart(template_reads(thaw(node.step.data)))  # type: ignore[union-attr]  # asked of Sends
            self.composed.append((len(self.new_posts), node, self.visit))
        return super().compose(node)

    def _note(self, question: Callable[[Walk, Any], object], subject: object, answer: object) -> None:
        posts = [*self.new_posts] if question is closed else []  # caps may hold for others, at their instants (R31)
        self.asked.append(
            (Fork(question, subject, len(self.path), posts), UNTIL if answer.__class__ is int else answer)
        )

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


def _value_of(walk: Walk, name: str) -> object:
    """Give what tells the value of an attribute from others, those of other types too."""
    value = walk.attributes.get(name)
    return value if isinstance(value, str) or value is None else (value.__class__, repr(value))


def _is_intricate(action: tuple[str, str, object, object]) -> bool:
    """Tell whether what a change does may hang on more than the value it changes."""
    name, _, value, render = action
    return render is not None or "." in name or isinstance(value, dict | list)


class Cohorts:
    """The walks of one batch, by the place at which they began."""

    def __init__(self) -> None:
        """Begin with none."""
        self._places: dict[object, Way] = {}

    def advance(  # noqa: PLR0917 as `machine.advance`
        self,
        program: Program,
        run: Run,
        stimulus: Stimulus,
        situation: Situation,
        at: int,
        past: Past = FRESH,
        *,
        reason: str = "",
        softened: bool = False,
        asked: dict[str, object] | None = None,
    ) -> Result:
        """Do what `machine.advance` does, in less time where somebody walked the same way before."""
        if stimulus not in REPEATED or past is not FRESH or run.memory is not None:
            return advance(program, run, stimulus, situation, at, past, reason=reason, softened=softened, asked=asked)
        place = (program, stimulus, run.visit, run.step, situation.unpublished)
        if place not in self._places:
            self._places[place] = UNKNOWN
            return advance(program, run, stimulus, situation, at, softened=softened, asked=asked)
        read = {"entry": asked} if asked else {}
        walk, due = AskedWalk(program, run, situation, at), None
        ways, way = self._places, self._places[place]
        while isinstance(way, Fork):
            ways, visit = way.ways, way.visit
            walk.new_posts = [post._replace(at=at) for post in way.posts] if way.posts else way.posts
            answer = way.question(walk, way.subject)
            if answer.__class__ is int:
                answer, due = UNTIL, answer
            way = ways.get(answer, UNKNOWN)
            if walk.seen:
                read[visit] = {**read[visit], **walk.seen} if visit in read else walk.seen
                walk.seen = {}
        if isinstance(way, Outcome):
            return way.of(run, walk, due, read)  # type: ignore[arg-type]  # an int, if any
        if way is None or (len(ways) >= MAX_WAYS and ways is not self._places):
            return advance(program, run, stimulus, situation, at, softened=softened, asked=asked)
        noted = NotedWalk(program, run, situation, at)
        result = go(noted, stimulus, softened=softened, asked=asked)
        self._learn(place, noted.asked, noted.outcome(result))
        return result

    def _learn(self, place: object, asked: list[tuple[Fork, object]], end: Way) -> None:
        """Put a walk among those that began at the same place."""
        ways, answer = self._places, place
        for fork, following in asked:
            known = ways.get(answer, UNKNOWN)
            if not isinstance(known, Fork):
                known = ways[answer] = fork
            ways, answer = known.ways, following
        ways[answer] = end
