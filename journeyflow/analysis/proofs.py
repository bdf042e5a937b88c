"""Proofs and counter-examples: what holds on every path of a journey, or a life that shows that it does not.

A claim *holds* if the ways through the journey, of which there may be too many but never too few, leave no room for the
opposite. It *fails* if a life was found and played that shows the opposite. Everything else is *unknown*.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Literal

from attrs import field, frozen

from journeyflow.analysis.lives import Effort, life_along
from journeyflow.analysis.paths import AllPaths, Path, nearest, round_from, route
from journeyflow.analysis.ways import Chart, Passage
from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY
from journeyflow.basics.showing import counted, in_words
from journeyflow.basics.words import ACTIVE, FAILED
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Send, Wait
from journeyflow.testing.as_python import as_code, imports
from journeyflow.testing.host_calls import Life
from journeyflow.testing.running import Played, run

MAX_TRIES = 8
"""How many paths are tried for a counter-example: beyond that, the answer is not known."""

MAX_PLAYED = 20_000
"""The largest limit of visits up to which a loop is played to its end: a second's work."""

LONG, MAX_STAY = timedelta(days=400), timedelta(days=2_000_000)
"""How long a run is watched that is said to wait for ever, or to go round in a loop."""

ASSUMED = (
    "one run is looked at: a customer who enters again, or has parallel runs, has other runs with other messages",
    "nobody migrates, retries, restarts or exits the run, no step of it is unpublished, and no pause holds it",
    "no policies are set: caps and quiet hours hold or skip messages, and never add any",
    "the host ticks in time, or without grace; clocks change as in the years from 2012 on, days count 24 hours",
    "an exit, a goal with exit or another journey may end the run early at any instant",
    "a customer's time zone stays the same, where the journey uses it",
)
"""What every proof assumes."""

Verdict = Literal["holds", "fails", "unknown"]


@frozen(repr=False)
class Proof:
    """What was found out about a claim: it holds, it fails with a life that shows it, or it is unknown why.

    `claim` says what was asked, `reason` why the answer is so. `counterexample` is a life in which the claim fails, and
    `code` a test of it in Python: `played` is what comes of the life, and the last line what it shows.
    """

    journey: Journey
    claim: str
    answer: Verdict
    reason: str
    counterexample: Life | None = None
    path: Path | None = None
    shows: str = ""
    assumes: tuple[str, ...] = field(default=ASSUMED)

    @property
    def holds(self) -> bool:
        """Whether the claim is proved; False if it fails or is unknown."""
        return self.answer == "holds"

    @property
    def code(self) -> str:
        """The counter-example as Python, to be pasted into a test in which `journey` is the journey; "" without one."""
        if self.counterexample is None:
            return ""
        code = f"life = {as_code(self.counterexample)}\nplayed = run([journey], life)\n"
        return f"{imports(code)}\n\n{code}{self.shows}\n"

    def to_dict(self) -> dict[str, object]:
        """Return the proof as a plain row."""
        return {
            "journey": self.journey.id,
            "claim": self.claim,
            "answer": self.answer,
            "reason": self.reason,
            "steps": None if self.path is None else list(self.path.steps),
            "code": self.code or None,
            "assumes": list(self.assumes),
        }

    def __str__(self) -> str:
        """Return claim, answer and reason."""
        return f"{self.claim}: {self.answer}: {self.reason}"

    def __repr__(self) -> str:
        """Return the text in angle brackets."""
        return f"<Proof {self}>"


@frozen
class Claim:
    """What is asked: in words, as Python that shows the opposite in what was `played`, and as a function that does."""

    words: str
    shows: str
    shown: Callable[[Played], bool]


def proved(journey: Journey, claim: Claim, reason: str) -> Proof:
    """Return the proof of a claim that holds."""
    return Proof(journey, claim.words, "holds", reason)


def refuted(
    journey: Journey,
    claim: Claim,
    reason: str,
    suspects: Iterator[Sequence[Passage]],
    stay: timedelta = timedelta(minutes=1),
) -> Proof:
    """Return a proof with the first life that shows the opposite, along one of some ways; else "unknown".

    `reason` says what there is to show.
    """
    first: Path | None = None
    effort = Effort()
    for ways in islice(suspects, MAX_TRIES):
        path = Path(tuple(ways))
        first = first or path
        life = life_along(journey, ways, stay=stay, effort=effort)
        if life is not None and claim.shown(run([journey], life)):
            return Proof(journey, claim.words, "fails", reason, life, path, claim.shows)
    if effort.spent:
        why = "the search for a life that takes such a path came to its limit, so there may be one"
    elif next(suspects, None) is not None:
        why = f"no life was found that takes one of the first {MAX_TRIES} such paths, and there are more"
    else:
        why = "no life was found that takes such a path: rules, exits or updates may bar it"
    return Proof(journey, claim.words, "unknown", f"{reason}; {why}", None, first)


# --- every path ends --------------------------------------------------------------------------------------------------


def ends(chart: Chart) -> Proof:
    """Return whether every run comes to an end of its own, sooner or later."""
    found = [*_endless_waits(chart), *(_loop(chart, frozenset(loop)) for loop in AllPaths(chart).loops)]
    if not found:
        claim = Claim(_ENDS, _RESTS, _still_resting)
        return proved(chart.journey, claim, "no wait is without an end, and no step leads back to an earlier one")
    return next((proof for proof in found if proof.answer == "fails"), found[0])


def _endless_waits(chart: Chart) -> Iterator[Proof]:
    """Yield what comes of waits for an event or a condition that may never come."""
    for step in chart.journey.steps:
        if step.id in chart.group and isinstance(step, Wait) and step.has_event and step.timeout is None:
            awaited = repr(step.event) if step.when is None else step.when
            reason = f"{step.id!r} waits for {awaited} without a timeout, perhaps for ever"
            before = (ways[:-1] for ways in routes(chart, [chart.ways[step.id][0]]))
            yield refuted(chart.journey, Claim(_ENDS, _RESTS, _still_resting), reason, before, LONG)


def _loop(chart: Chart, group: frozenset[str]) -> Proof:
    """Return whether going round in a loop leads to the limit of visits."""
    claim = Claim(_ENDS, _LIMIT, _at_limit)
    start = min(group, key=chart.order.__getitem__)
    once, limit = round_from(chart, start, group), chart.journey.max_visits
    shown = " > ".join([*(way.step for way in once), start])
    reason = f"a run can go round {shown} until it fails at its limit of {limit:,} visits"
    if limit > MAX_PLAYED or any(way.outcome == "event" for way in once):
        return Proof(chart.journey, claim.words, "unknown", f"{reason}, if its waits and rules let it every time")
    ways = [*route(chart, chart.start, once[0])[:-1], *once, *once]
    return refuted(chart.journey, claim, reason, iter([ways]), min(MAX_STAY, LONG * limit))


_ENDS = "every path ends"
_RESTS = 'assert (played.enrollments[0].status, played.enrollments[0].due) == ("ACTIVE", None)'
_LIMIT = 'assert (played.enrollments[0].status, played.enrollments[0].reason) == ("FAILED", "visit limit")'


def _still_resting(played: Played) -> bool:
    return bool(played.enrollments) and played.enrollments[0].status == ACTIVE and played.enrollments[0].due is None


def _at_limit(played: Played) -> bool:
    return [(each.status, each.reason) for each in played.enrollments[:1]] == [(FAILED, "visit limit")]


def routes(chart: Chart, ways: Sequence[Passage]) -> Iterator[list[Passage]]:
    """Yield ways from the start through all of some ways in order, by as few steps as possible."""
    whole: list[Passage] = []
    step = chart.start
    for way in ways:
        whole += route(chart, step, way)
        step = way.to or ""
    yield whole


# --- messages ---------------------------------------------------------------------------------------------------------


def at_most(chart: Chart, messages: int, within: object = None) -> Proof:
    """Return whether no run sends more than a number of messages, in any window of a length or altogether."""
    if within is None:
        return _at_most(chart, messages)
    length = Duration.parse(within)
    micros = length.months * 31 * DAY + length.days * DAY + length.micros
    if micros <= 0:
        msg = f"{length} does not lead forward"
        raise ValueError(msg)
    words = f"at most {counted(messages, 'message')} within {length}"
    shows = f"assert any(b - a < {_delta(micros)} for a, b in zip(at, at[{messages}:]))"
    shows = f"at = [message.at for message in played.sent]\n{shows}"

    def shown(played: Played) -> bool:
        at = [message.at for message in played.sent]
        return any(b - a < timedelta(microseconds=micros) for a, b in zip(at, at[messages:], strict=False))

    claim = Claim(words, shows, shown)
    soonest, ways = _closest(chart, messages + 1)
    if not ways:
        return proved(chart.journey, claim, f"no path has {messages + 1} Sends")
    if soonest >= micros:
        return proved(chart.journey, claim, f"{counted(messages + 1, 'message')} take at least {in_words(soonest)}")
    reason = f"{counted(messages + 1, 'message')} can follow one another in {in_words(soonest)}"
    return refuted(chart.journey, claim, reason, _prefixed(chart, ways))


def _delta(micros: int) -> str:
    length = timedelta(microseconds=micros)
    parts = {"days": length.days, "seconds": length.seconds, "microseconds": length.microseconds}
    return f"timedelta({', '.join(f'{name}={part}' for name, part in parts.items() if part)})"


def _prefixed(chart: Chart, ways: Sequence[Passage]) -> Iterator[Sequence[Passage]]:
    """Yield ways through some Sends, from the start: first along these, then along paths that pass them all."""
    yield from routes(chart, ways)
    wanted = [way.step for way in ways]
    for path in islice(AllPaths(chart), MAX_TRIES):
        if _passes(path.steps, wanted):
            yield path.ways


def _passes(steps: Sequence[str], wanted: Sequence[str]) -> bool:
    left = iter(steps)
    return all(step in left for step in wanted)


def _at_most(chart: Chart, messages: int) -> Proof:
    claim = Claim(
        f"at most {counted(messages, 'message')}",
        f"assert len(played.sent) > {messages}",
        lambda played: len(played.sent) > messages,
    )
    most = most_messages(chart)
    limit = chart.journey.max_visits
    if most is not None and most <= messages:
        return proved(chart.journey, claim, f"no path has more than {counted(most, 'message')}")
    if most is None and limit <= messages:
        return proved(chart.journey, claim, f"a run makes at most {limit:,} visits")
    _, ways = _closest(chart, messages + 1)
    reason = f"a path sends {messages + 1 if most is None else most}" + (" or more, in a loop" if most is None else "")
    return refuted(chart.journey, claim, reason, _prefixed(chart, ways))


def most_messages(chart: Chart) -> int | None:
    """Return how many messages any path sends at most; None where a loop sends messages."""
    found: dict[str, int] = {}
    for group in chart.groups:
        inside = [way for name in group for way in chart.ways[name] if way.to in group]
        if any(way.message for name in group for way in chart.ways[name]) and inside:
            return None
        ahead = [
            way.message + (0 if way.to is None else found[way.to])
            for name in group
            for way in chart.ways[name]
            if way.to not in group
        ]
        found |= dict.fromkeys(group, max(ahead, default=0))
    return found[chart.start]


def _closest(chart: Chart, messages: int) -> tuple[int, list[Passage]]:
    """Return the least time from the first to the last of a number of messages of one run, and their Sends in order.

    The list is empty if no path sends that many. Messages that follow one another soonest have none between them, so
    that from each Send only the next ones are looked for.
    """
    sends = [way for way in chart.reached() if way.message]
    of, apart = {way.step: way for way in sends}, {way.step: _next_sends(chart, way) for way in sends}
    layer: dict[str, tuple[int, list[Passage]]] = {way.step: (0, [way]) for way in sends}
    for _ in range(messages - 1):
        ahead: dict[str, tuple[int, list[Passage]]] = {}
        for step, (time, ways) in layer.items():
            for following, later in apart[step].items():
                if following not in ahead or time + later < ahead[following][0]:
                    ahead[following] = (time + later, [*ways, of[following]])
        layer = ahead
    return min(layer.values(), key=lambda each: each[0], default=(0, []))


def _next_sends(chart: Chart, send: Passage) -> dict[str, int]:
    """Return the least time from a Send to each that can follow it with no other message between them."""
    found: dict[str, int] = {}
    if send.to is not None:
        for time, each in nearest(chart, send.to, last=_sends):
            if each.message:
                found.setdefault(each.step, time - each.time.least)
    return found


def _sends(way: Passage) -> bool:
    return bool(way.message)


def _least_to(chart: Chart, way: Passage) -> dict[str, int]:
    """Return the least time from a Send to each step that can follow it."""
    found: dict[str, int] = {}
    if way.to is not None:
        found[way.to] = 0
        for time, each in nearest(chart, way.to):
            if each.to is not None:
                found.setdefault(each.to, time)
    return found


def no_template_twice(chart: Chart) -> Proof:
    """Return whether no run sends the same template twice."""
    claim = Claim(
        "no template twice", "assert len({message.template for message in played.sent}) < len(played.sent)", _twice
    )
    ways = {way.step: way for way in chart.reached() if way.message}
    pairs = [(ways[first], ways[second]) for first, second in alike(chart)]
    if not pairs:
        return proved(chart.journey, claim, "no Send leads to another one with the same template")
    first, second = pairs[0]
    both = f"{first.step!r} again" if first == second else f"{first.step!r} and {second.step!r}"
    suspects = (ways for pair in pairs for ways in _prefixed(chart, pair))
    template = _send(chart, first).template
    return refuted(chart.journey, claim, f"template {template!r} is sent by {both}", suspects)


def alike(chart: Chart) -> Iterator[tuple[str, str]]:
    """Yield every two Sends of one template of which the second can follow the first; also one that follows itself."""
    sends: dict[str, list[Passage]] = {}
    for way in chart.reached():
        if way.message:
            sends.setdefault(_send(chart, way).template, []).append(way)
    looping = {name for group in chart.groups if chart.loops(group) for name in group}
    for some in sends.values():
        for first in some:
            after = _least_to(chart, first) if len(some) > 1 or first.step in looping else {}
            yield from ((first.step, second.step) for second in some if second.step in after)


def _twice(played: Played) -> bool:
    templates = [message.template for message in played.sent]
    return len(set(templates)) < len(templates)


def _send(chart: Chart, way: Passage) -> Send:
    step = chart.step(way.step)
    assert isinstance(step, Send)  # noqa: S101 only Sends have messages
    return step


def never_after(chart: Chart, step: str) -> Proof:
    """Return whether no run sends a message after it has left a step. Raise KeyError for an unknown one."""
    chart.step(step)
    visits = f"visit.n for visit in played.enrollments[0].visits if visit.step == {as_code(step)} and visit.left_at"
    shows = f"assert min({visits}) < played.sent[-1].n"
    claim = Claim(f"no message after {step!r}", shows, lambda played: _after(played, step))
    if step not in chart.group:
        return proved(chart.journey, claim, f"no run comes to {step!r}")
    leaving = [way for way in chart.ways[step] if way.to is not None]
    found = [(way, send) for way in leaving for send in _sends_from(chart, way)]
    if not found:
        return proved(chart.journey, claim, f"no Send can follow {step!r}")
    reason = f"{found[0][1].step!r} can follow {step!r}"
    return refuted(chart.journey, claim, reason, (ways for pair in found for ways in routes(chart, pair)))


def _sends_from(chart: Chart, way: Passage) -> list[Passage]:
    after = _least_to(chart, way)
    return [each for each in chart.reached() if each.message and each.step in after]


def _after(played: Played, step: str) -> bool:
    left = [visit for each in played.enrollments[:1] for visit in each.visits if visit.step == step and visit.left_at]
    return any(message.n > visit.n for message in played.sent for visit in left)
