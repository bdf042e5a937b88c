"""People at the same place walk together: a walk that was made before is made again from what was noted of it.

A walk depends on the version, the stimulus, the instant and the rest that it begins from, which thousands have in
common when a batch wakes them, and on what the machine asks of the person: whether a rule holds, whether a gate is
open, which arm is theirs, what their `tags` are (`Walk.ask` and its neighbours). `Cohorts` notes, from the second
person at a place on, what was asked in which order, and what the walk came to:

    place --ask "opened?"--+-- no --ask "SMS open?"-- yes --ask "tags"-- none --> what everybody gets who answers so
                           +-- yes --ask "which arm?" ...

The next person is asked the same questions. Who answers as somebody before gets the same moves, rests, messages and
changes under their own name; who answers otherwise walks plainly, and adds a way. The plain walk stays the reference:
`tests/properties/test_cohorts.py` shows that both come to the same.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from journeyflow.changes import Emitted, write_path
from journeyflow.gates import closed
from journeyflow.machine import advance, go
from journeyflow.program import Node, Program
from journeyflow.records import FAILED, PathEntry, Post, Run, make_move, make_post, make_run
from journeyflow.templates import template_reads
from journeyflow.values import thaw
from journeyflow.walk import FRESH, NO_POSTS, Answer, Past, Result, Situation, Stimulus, Subject, Walk, make_result

REPEATED: frozenset[Stimulus] = frozenset({"ENTER", "DUE"})
"""The stimuli that reach many at one instant."""

MAX_WAYS = 32
"""Different answers that are noted at one place; where there are more, everybody is somebody else."""

GATED_BY = frozenset({"consent", "timezone"})
"""The attributes that the gates of a Send look at."""

PLAIN = frozenset({str, bool, tuple, type(None)})
"""The types of answers that tell themselves apart from those of every other type."""

Change = tuple[str, object]
"""An attribute and its new value; None takes it away."""


class Fork:
    """A question of a walk, at which visit and behind which messages it was asked, and where its answers lead."""

    __slots__ = ("posts", "question", "subject", "visit", "ways")

    def __init__(self, question: Callable[[Walk, Any], object], subject: object, visit: int, posts: list[Post]) -> None:
        """Ask a question, so far without an answer."""
        self.question, self.subject, self.visit, self.posts = question, subject, str(visit), posts
        self.ways: dict[object, Way] = {}


class Outcome(NamedTuple):
    """What a walk came to, without whose walk it was.

    `state`, `ended` and `rest` are fields of the run, `changes` those of the customer in order; `rendered` are the
    places of messages whose data are written anew for everybody, each with its step and visit.
    """

    state: tuple[str, str]
    ended: tuple[int, int | None]
    rest: tuple[int, int, int, int | None, int | None, str | None, bool]
    memory: dict[str, Any] | None
    path: Sequence[PathEntry]
    posts: list[tuple[object, ...]]
    rendered: list[tuple[int, Node, int]]
    changes: list[Change]
    emitted: Sequence[Emitted]
    past: Past

    def of(self, run: Run, walk: "AskedWalk", read: dict[str, dict[str, object]]) -> Result:
        """Give it to a run, whose walk has asked what was asked, has `read` what was read, and made no step."""
        serial, (status, reason), (last_at, ended_at) = run[0], self.state, self.ended
        visit, step, since, due, held, awaits, softened = self.rest
        fields = (
            serial, run[1], run[2], run[3], run[4], status, reason, run[7], last_at, ended_at, run[10],
            visit, step, since, due, held, awaits, softened, run[18], run[19], self.memory,
        )  # fmt: skip
        move = make_move((serial, run[11], last_at, self.path, read))
        posts = [make_post((serial, *post)) for post in self.posts]
        for n, node, walk.visit in self.rendered:
            posts[n] = posts[n]._replace(data=walk.render(node))
        attributes = walk.attributes
        for name, value in self.changes:
            attributes = write_path(attributes, name, value)
        return make_result((make_run(fields), move, posts, attributes, self.emitted, self.past))


class AskedWalk(Walk):
    """Somebody who is asked what the walk of another asked, and makes no step: the half of the notes for that."""

    __slots__ = ()

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Stand where the run is."""
        self.program, self.run, self.at = program, run, at
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

    __slots__ = ("asked", "changes", "rendered", "repeatable")

    def __init__(self, program: Program, run: Run, situation: Situation, at: int) -> None:
        """Begin where the run is."""
        super().__init__(program, run, situation, at, FRESH)
        self.asked: list[tuple[Fork, object]] = []
        self.changes: list[Change] = []
        self.rendered: list[tuple[int, Node, int]] = []
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
        if self._zone is None and self.program.journey.customer_timezone:
            self._keep_apart(["timezone"])
            self._note(_attribute, "timezone", _attribute(self, "timezone"))
        return super().zone

    def change(self, node: Node) -> list[Emitted]:
        """Change the customer, where that hangs on nothing but the values that are changed."""
        names = [name for name, _, _, _ in node.actions]
        if len({*names}) < len(names) or any(map(_is_intricate, node.actions)):
            self.repeatable = False
        for name in names:
            if all(name != other for other, _ in self.changes):
                self._note(_attribute, name, _attribute(self, name))
        events = super().change(node)
        self.changes += [(name, _attribute(self, name)) for name in names]
        return events

    def render(self, node: Node) -> str | None:
        """Write the data of a message, and note that it is to be done for everybody."""
        if node.render is not None:
            self._keep_apart(template_reads(thaw(node.step.data)))  # type: ignore[union-attr]  # asked of Sends
            self.rendered.append((len(self.new_posts), node, self.visit))
        return super().render(node)

    def _note(self, question: Callable[[Walk, Any], object], subject: object, answer: object) -> None:
        self.asked.append((Fork(question, subject, len(self.path), [*self.new_posts]), mark(answer)))

    def _keep_apart(self, paths: Iterable[str]) -> None:
        """Give up where the walk looks at what itself has made: the next one is asked before it has made anything."""
        changed, sent = {name for name, _ in self.changes}, {post.step for post in self.new_posts}
        for path in paths if changed or sent else ():
            root, _, rest = path.removeprefix("customer.").partition(".")
            if root in changed or (root == "message" and rest.partition(".")[0] in sent):
                self.repeatable = False

    def outcome(self, result: Result) -> Way:
        """Give what this walk came to, for others."""
        run, move, posts, _, emitted, past = result
        if move is None or not self.repeatable or (run.status == FAILED and self.changes):
            return None
        return Outcome(
            run[5:7],
            run[8:10],
            run[11:18],
            run.memory,
            move.path,
            [post[1:] for post in posts],
            self.rendered if posts else [],
            self.changes,
            emitted,
            past,
        )


def _attribute(walk: Walk, name: str) -> object:
    return walk.attributes.get(name)


def _is_intricate(action: tuple[str, str, object, object]) -> bool:
    """Tell whether what a change does may hang on more than the value it changes."""
    name, _, value, render = action
    return render is not None or "." in name or isinstance(value, dict | list)


def mark(answer: object) -> object:
    """Give what tells an answer from others, those of other types too.

    >>> mark(True), mark(1), mark(["a"])
    (True, (<class 'int'>, '1'), (<class 'list'>, "['a']"))
    """
    return answer if answer.__class__ in PLAIN else (answer.__class__, repr(answer))


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
        place = (program, stimulus, at, run[11:18])
        if place not in self._places:
            self._places[place] = UNKNOWN
            return advance(program, run, stimulus, situation, at, softened=softened, asked=asked)
        read = {"entry": asked} if asked else {}
        walk = AskedWalk(program, run, situation, at)
        ways, way = self._places, self._places[place]
        while isinstance(way, Fork):
            walk.new_posts, ways, visit = way.posts, way.ways, way.visit
            answer = way.question(walk, way.subject)
            way = ways.get(answer if answer.__class__ in PLAIN else mark(answer), UNKNOWN)
            if walk.seen:
                read[visit] = {**read[visit], **walk.seen} if visit in read else walk.seen
                walk.seen = {}
        if isinstance(way, Outcome):
            return way.of(run, walk, read)
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
