"""Why a customer did not enter a journey, and whether the same event would enter them now (R21, R85).

A refusal is kept with the values compared. A trigger that did not match is not stored: it is asked again, about the
customer's newest event of its type. Whether the customer would enter is found by trying it, with the very code that
enters people, on a copy of what is known; nothing of that is written.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.chance import KEPT_OUT
from journeyflow.basics.moments import FIRST, from_micros
from journeyflow.basics.showing import shown_at
from journeyflow.basics.soundness import sound
from journeyflow.basics.words import ACTIVE, EMITTED, HOLDOUT
from journeyflow.errors import brief
from journeyflow.questions.door import CLOSED, UNKNOWN_CUSTOMER, Door, LastRefusal, NewestEvent
from journeyflow.records.rows import Run


@frozen
class WhyNot(Rows):
    """Why a customer is not in a journey, and what would happen now.

    `reason` is one of R21's reasons to refuse an entry, or "trigger criteria", "trigger", "no event", "not pulled", "by
    hand", "unknown customer", "waits for a tick", the outcome of the event such as "duplicate", or "" for a customer
    who entered. `told` is the same in words, `seen` the values compared, `at` the instant in UTC, None if nothing
    happened.

    `against` is the reason that would refuse an entry at `asked_at`, and `told_now` is it in words; both are "" if the
    customer would enter, and `would_enter` is then true. `tried` is what was tried: "the same" event, a bare event of
    the trigger's type if none is kept, a pull, or an enrollment by hand.
    """

    tenant: str
    journey: str
    customer: str
    reason: str
    told: str = field(repr=brief)
    at: datetime | None
    seen: Mapping[str, object] = field(repr=brief)
    asked_at: datetime
    against: str
    told_now: str = field(repr=brief)
    tried: str = "the same"

    @property
    def would_enter(self) -> bool:
        """Whether the same event at `asked_at` would enter the customer."""
        return not self.against

    def __str__(self) -> str:
        """Return why not, when that was, and what would happen now, as text."""
        head = f"{self.reason}: {self.told}" if self.reason and self.told else self.reason or self.told
        when = "" if self.at is None else f"\n  at {shown_at(self.at)}"
        verdict = "would enter" if self.would_enter else f"would not enter, {self.told_now}"
        return f"{head}{when}\n  {self.tried} at {shown_at(self.asked_at)}: {verdict}"

    def _caption(self) -> str:
        return f"Why {self.customer} is not in journey {self.journey}"

    def _remarks(self) -> Iterator[str]:
        return (line.strip() for line in str(self).splitlines())


def why_not(door: Door) -> WhyNot:
    """Return the answer: what happened, and what would happen now."""
    reason, words, at, seen = _happened(door)  # before anything is tried
    against, told_now = door.tried()
    record, item = door.record, door.item
    return sound(WhyNot(
        record.tenant, record.id, item.customer, reason, words, None if at is None else from_micros(at), seen,
        from_micros(item.at), against, told_now, _tried(door),
    ))  # fmt: skip


def _tried(door: Door) -> str:
    """Return what is tried: the event that is kept, else a bare one of its type, a pull, or an enrollment by hand."""
    if door.found.told is not None:
        return "the same"
    if door.record.newest.pull is not None:
        return "a pull"
    return "an enrollment by hand" if door.item.kind == "enroll" else f"an event {door.item.type!r} without data"


Happened = tuple[str, str, int | None, Mapping[str, object]]
"""Reason, words, instant, values compared."""


def _happened(door: Door) -> Happened:
    """Return what became of the newest sign of a customer."""
    signs = sorted(_signs(door), key=lambda sign: sign[0])
    if signs:
        return signs[-1][1]()
    told = door.found.told
    if told is None:
        return _nothing(door)
    if told.outcome != "handled":
        return told.outcome or "waits for a tick", "", told.at, {}
    return _missed(door, told)


def _signs(door: Door) -> Iterator[tuple[int, Callable[[], Happened]]]:
    """Yield what became of the newest event, or later: a run, a refusal, a place in the queue; each after its instant.

    A refusal from before an event that still waits for a tick counts too.
    """
    told, kept, run = door.found.told, door.found.kept, door.newest
    since = FIRST if told is None else told.at
    if run is not None and run.entered_at >= since:
        yield run.entered_at, partial(_entry, run)
    if kept is not None and (kept.at >= since or (told is not None and told.outcome is None)):
        yield kept.at, partial(_refusal, door, kept)
    if door.queued is not None and door.queued >= since:
        yield door.queued, partial(_waiting, door.queued)


def _entry(run: Run) -> Happened:
    if run.status == HOLDOUT:
        return KEPT_OUT, f"run {run.number} is in the holdout", run.entered_at, {}
    state = "is inside" if run.status == ACTIVE else run.status
    return "", f"run {run.number} entered and {state}", run.entered_at, {}


def _refusal(door: Door, kept: LastRefusal) -> Happened:
    words = door.in_words(kept.reason, door.record.program(kept.at), kept.at, kept.seen)
    return kept.reason, words, kept.at, kept.seen


def _waiting(since: int) -> Happened:
    return "entry limit", f"waits for a slot since {shown_at(from_micros(since))}", since, {}


def _nothing(door: Door) -> Happened:
    """Return why nothing was ever tried."""
    event, pull = door.record.newest.journey.trigger.event, door.record.newest.pull
    if pull is not None and door.known:
        return "not pulled", f"no pull has brought this customer in; each gets {pull}", None, {}
    if event is None and pull is None:
        return "by hand", "this customer was not enrolled by hand, and nothing else enters", None, {}
    if not door.known:
        return UNKNOWN_CUSTOMER, "nothing was ever reported about this customer", None, {}
    hint = "; what put_customer, an Update or a run brings about is not kept as an event" if event in EMITTED else ""
    return "no event", f"no {event!r} was ever reported about this customer{hint}", None, {}


def _missed(door: Door, told: NewestEvent) -> Happened:
    """Return why an event that was handled left no trace."""
    record = door.record
    state, program, event = record.state(told.at), record.program(told.at), door.happening(told.at, told.text)
    if state in CLOSED:
        return state.lower(), "only an ACTIVE journey is entered", told.at, {}
    if program.journey.trigger.event != event.type:
        return "trigger", f"version {program.version} listened to {program.journey.trigger.event!r}", told.at, {}
    words, seen = door.misses(program, event)
    if words or not program.limits:
        words = words or "they did not hold then; since, the customer has changed"
    elif program.where is None:
        return "entry limit", "waited for a slot, and was taken out of the queue", told.at, seen
    else:
        words = "they did not hold then, or the customer waited for a slot and was taken out of the queue"
    return "trigger criteria", words, told.at, seen
