"""Why a customer did not enter a journey, and whether the same event would enter them now (R21, R85).

A refusal is kept with the values compared. A trigger that did not match is not stored: it is asked again, about the
customer's newest event of its type. Whether the customer would enter is found by trying it, with the very code that
enters people, on a copy of what is known; nothing of that is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from attrs import field, frozen

from journeyflow.basics.chance import KEPT_OUT
from journeyflow.basics.durations import add
from journeyflow.basics.moments import FIRST, from_micros
from journeyflow.basics.showing import shown_at
from journeyflow.basics.soundness import sound
from journeyflow.basics.words import ACTIVE, CUSTOMER_EVENTS, HOLDOUT, JOURNEY_COMPLETED, MESSAGE
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.definition.entry import Pull
from journeyflow.definition.rules.conditions import Rule, Sample, explain, holds
from journeyflow.drawing.rows import Rows
from journeyflow.errors import brief
from journeyflow.machine.program import Program
from journeyflow.records.rows import Input, Run
from journeyflow.stores.batch import INPUT, JOURNEY, PULL, QUEUE, Due, Loaded
from journeyflow.stores.contract import SqlReader
from journeyflow.work.engagement import about
from journeyflow.work.entries import enter
from journeyflow.work.happenings import Happening
from journeyflow.work.pulls import OFF_LIST, TOO_OFTEN, Puller, passes_by
from journeyflow.work.scheduler import lay_out
from journeyflow.work.stages import handle

EMITTED = CUSTOMER_EVENTS | {JOURNEY_COMPLETED, f"{MESSAGE}sent", f"{MESSAGE}failed"}
"""Events that the engine makes itself, so that the host's events need not hold one."""

UNKNOWN = "unknown customer"
"""The reason for a customer who does not exist."""

CLOSED = frozenset({"DRAFT", "ARCHIVED"})
"""States in which a journey listens to nothing."""


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


@frozen
class NewestEvent:
    """The newest event of the trigger's type: its instant, its data, its outcome."""

    at: int
    text: str | None
    outcome: str | None


@frozen
class LastRefusal:
    """The last refusal of a customer by a journey."""

    reason: str
    at: int
    seen: dict[str, object]


@frozen
class Evidence:
    """What is known of a customer and a journey: the newest event, the last refusal, places in the queue by key (R23).

    `entered` is the instant of the newest entry.
    """

    told: NewestEvent | None
    kept: LastRefusal | None
    queued: Mapping[str, int]
    entered: int | None


_EVENT = """
SELECT at, data, outcome FROM inputs WHERE customer = ? AND tenant = ? AND kind = 'event' AND type = ?
ORDER BY at DESC, seq DESC LIMIT 1
"""

_REFUSAL = """
SELECT r.reason, r.at, r.seen FROM last_refusals r JOIN customers c ON c.number = r.customer
WHERE r.journey = ? AND c.tenant = ? AND c.id = ?
"""

_QUEUED = """
SELECT d.key, d.at FROM deferred d JOIN customers c ON c.number = d.customer
WHERE d.journey = ? AND c.tenant = ? AND c.id = ?
"""

_ENTERED = """
SELECT max(e.entered_at) FROM customers c JOIN enrollments e ON e.customer = c.number
WHERE e.journey = ? AND c.tenant = ? AND c.id = ?
"""


def evidence(reader: SqlReader, record: JourneyRecord, customer: str) -> Evidence:
    """Return the newest event that could have entered a customer, the last refusal, and places in the queue."""
    events = reader.rows(_EVENT, (customer, record.tenant, record.newest.journey.trigger.event))
    asked = (record.number, record.tenant, customer)
    kept = [
        LastRefusal(reason, at, json.loads(text) if text else {}) for reason, at, text in reader.rows(_REFUSAL, asked)
    ]
    queued, entered = dict(reader.rows(_QUEUED, asked)), reader.rows(_ENTERED, asked)[0][0]
    return Evidence(NewestEvent(*events[0]) if events else None, kept[0] if kept else None, queued, entered)


def attempt(record: JourneyRecord, customer: str, found: Evidence, at: int) -> Due:
    """Return the event, the pull or the enrollment by hand with which a customer might enter again."""
    event, text = record.newest.journey.trigger.event, found.told.text if found.told else None
    kind, type_ = ("event", event) if event else ("enroll", record.id)
    key = (at, INPUT, 0, 0) if record.newest.pull is None else (at, JOURNEY, record.number, PULL)
    return Due((key,), inputs={0: Input(0, record.tenant, customer, kind, type_, at, None, text)})


def newest_instant(record: JourneyRecord, found: Evidence) -> int:
    """Return the newest instant that is known of a journey and a customer."""
    signs = [sign.at for sign in (found.told, found.kept) if sign is not None]
    signs += [at for at in (record.newest_at, found.entered) if at is not None]
    return max([record.versions[-1][0], *signs])


class Door:
    """A copy of what is known about one customer, in which an entry can be tried."""

    def __init__(self, catalog: Catalog, record: JourneyRecord, due: Due, loaded: Loaded, found: Evidence) -> None:
        """Take what was loaded; the attempt says who enters and when."""
        self.record, self.item = record, due.inputs[0]
        self.known = any((each.tenant, each.id) == (self.item.tenant, self.item.customer) for each in loaded.people)
        self.work = lay_out(due, loaded, catalog, self.item.at, grace=None)
        self.person = self.work.people.meet(self.item.tenant, self.item.customer)
        key = record.newest.key_of(json.loads(self.item.text) if self.item.text else {})
        runs = [run for serial in self.person.serials if (run := self.work.runs[serial]).journey == record.number]
        meant = [run for run in runs if key in {"", run.key}]
        self.newest: Run | None = max(meant, key=lambda run: run.number, default=None)
        self.found = found
        queued = [at for each, at in found.queued.items() if key in {"", each}]
        self.queued: int | None = max(queued, default=None)

    def happening(self, at: int, text: str | None) -> Happening:
        """Return an event of the trigger's type; if it is about a message, its data say which (R51)."""
        data = json.loads(text) if text else {}
        post = self.work.messages.named(data.get("message"))
        said = {**about(self.work, post), **data} if post else data
        event = self.record.newest.journey.trigger.event or ""
        return Happening(event, said, at, at, self.person, post=post, text=text)

    def misses(self, program: Program, event: Happening) -> tuple[str, Mapping[str, object]]:
        """Return why the trigger does not match, "" if it does, and the values compared."""
        facts = self.work.facts(self.person, program, event.at, event.data)
        rule = program.journey.trigger.where
        if rule is None or program.where is None or program.where(facts):
            return "", facts.seen
        return explain(rule, facts), facts.seen

    def tried(self) -> tuple[str, str]:
        """Try an entry, through all the stages of R9; return the reason against it, and that in words."""
        record, at = self.record, self.item.at
        program, event = record.program(at), self.happening(at, self.item.text)
        state, (words, _) = record.state(at), self.misses(program, event)
        if words:
            return "trigger criteria", f"trigger criteria: {words}"
        if state in CLOSED:
            return state.lower(), f"{state.lower()}: only an ACTIVE journey is entered"
        first = self.work.next_serial
        if self.item.kind == "event":
            handle(self.work, event)
        elif program.pull is not None:
            puller = Puller(self.work, record, program, program.pull, at)
            reason = passes_by(puller, self.person, at) if self.known else UNKNOWN
            if reason is not None:
                return reason, f"{reason}: {_PASSED_BY[reason](program.pull)}"
            facts = self.work.facts(self.person, program, at)
            enter(self.work, record, program, event, facts, limited=True)
        else:
            enter(self.work, record, program, event, self.work.facts(self.person, program, at, event.data))
        return self._came_of_it(first, program)

    def _came_of_it(self, first: int, program: Program) -> tuple[str, str]:
        """Return what came of an attempt: a refusal, a run, or a place in the queue for a slot."""
        work, number = self.work, self.record.number
        for refusal in work.refusals:
            if (refusal.journey, refusal.customer) == (number, self.person.number):
                words = in_words(refusal.reason, self, self.newest, program, refusal.at, refusal.seen)
                return refusal.reason, _joined(refusal.reason, words)
        for serial, run in work.runs.items():
            if serial >= first and run.journey == number:
                return (KEPT_OUT, KEPT_OUT) if run.status == HOLDOUT else ("", "")
        due = work.slots.timers.get((number, QUEUE))
        slot = "" if due is None else f", at the earliest {shown_at(from_micros(due))}"
        return "entry limit", f"entry limit: would wait for a slot{slot}"


_PASSED_BY: Mapping[str, Callable[[Pull], str]] = {
    OFF_LIST: lambda pull: f"people are pulled from {pull.list!r}",
    TOO_OFTEN: lambda pull: f"at most {pull.times} times within {pull.within}",
    UNKNOWN: lambda pull: f"a pull gets {pull} of those who are known",
}
"""Why a pull passes a customer by, in words."""


def _joined(reason: str, words: str) -> str:
    return f"{reason}: {words}" if words else reason


# --- in words ---------------------------------------------------------------------------------------------------------


@frozen
class Refused:
    """A refused entry, and what its words are made of."""

    door: Door
    newest: Run | None
    program: Program
    at: int
    seen: Mapping[str, object]


def in_words(  # noqa: PLR0917 what the words are made of
    reason: str, door: Door, newest: Run | None, program: Program, at: int, seen: Mapping[str, object]
) -> str:
    """Return what a reason means for this customer, with the values compared."""
    return _WORDS.get(reason, _plain)(Refused(door, newest, program, at, seen))


def _plain(refused: Refused) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in refused.seen.items())


def _state(_: Refused) -> str:
    return "only an ACTIVE journey is entered"


def _rule(refused: Refused, rule: Rule) -> str:
    zone = refused.program.zone_of(refused.door.person.attributes)
    return explain(rule, Sample(dict(refused.seen), refused.at, zone))


def _criteria(refused: Refused) -> str:
    rule = refused.program.journey.run_criteria
    return "" if rule is None else _rule(refused, rule)


def _exit(refused: Refused) -> str:
    facts = refused.door.work.facts(refused.door.person, refused.program, refused.at)
    true = [each for each in refused.program.journey.exits if each.when is not None and holds(each.when, facts)]
    return "; ".join(f"{each.name!r}, {explain(each.when, facts)}" for each in true if each.when is not None)


def _consent(refused: Refused) -> str:
    return f"it is required, and given for none of {', '.join(refused.program.channels)}"


def _inside(refused: Refused) -> str:
    run = refused.newest
    kept_out = ", kept out for comparison" if run is not None and run.status == HOLDOUT else ""
    return "" if run is None else f"run {run.number}, since {shown_at(from_micros(run.entered_at))}{kept_out}"


def _queued(refused: Refused) -> str:
    since = refused.door.queued
    return "" if since is None else f"waits for a slot since {shown_at(from_micros(since))}"


def _reentry(refused: Refused) -> str:
    run, reentry = refused.newest, refused.program.journey.reentry
    if run is None:
        return ""
    if reentry.period is None:
        return f"{_entered(run)}, and nobody comes again"
    again = add(run.entered_at, reentry.period, refused.program.zone_of(refused.door.person.attributes))
    return f"{_entered(run)}, again from {shown_at(from_micros(again))}"


def _entered(run: Run) -> str:
    return f"run {run.number} entered {shown_at(from_micros(run.entered_at))}"


_WORDS: dict[str, Callable[[Refused], str]] = {
    "draft": _state,
    "paused": _state,
    "archived": _state,
    "run criteria": _criteria,
    "exit rule": _exit,
    "consent": _consent,
    "already inside": _inside,
    "re-entry": _reentry,
    "already deferred": _queued,
}
"""The words for each reason; any other shows the values that were compared."""

# --- the answer -------------------------------------------------------------------------------------------------------


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
    """Return what came of the newest sign of a customer."""
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
    """Yield what came of the newest event, or later: a run, a refusal, a place in the queue; each after its instant.

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
        return KEPT_OUT, f"run {run.number} is kept out for comparison", run.entered_at, {}
    state = "is inside" if run.status == ACTIVE else run.status
    return "", f"run {run.number} entered and {state}", run.entered_at, {}


def _refusal(door: Door, kept: LastRefusal) -> Happened:
    words = in_words(kept.reason, door, door.newest, door.record.program(kept.at), kept.at, kept.seen)
    return kept.reason, words, kept.at, kept.seen


def _waiting(since: int) -> Happened:
    return "entry limit", f"waits for a slot since {shown_at(from_micros(since))}", since, {}


def _nothing(door: Door) -> Happened:
    """Return why nothing was ever tried."""
    event, pull = door.record.newest.journey.trigger.event, door.record.newest.pull
    if pull is not None and door.known:
        return "not pulled", f"no pull has brought this customer in; each gets {pull}", None, {}
    if event is None and pull is None:
        return "by hand", "nobody enrolled this customer, and nothing else enters", None, {}
    if not door.known:
        return UNKNOWN, "nothing was ever told of this customer", None, {}
    hint = "; what put_customer, an Update or a run brings about is not kept as an event" if event in EMITTED else ""
    return "no event", f"no {event!r} was ever told of this customer{hint}", None, {}


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
