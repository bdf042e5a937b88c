"""Doors: an entry that is tried on a copy of what is known of one customer (R21, R85)."""

import json
from collections.abc import Callable, Mapping

from attrs import frozen

from journeyflow.basics.chance import KEPT_OUT
from journeyflow.basics.moments import from_micros
from journeyflow.basics.showing import shown_at
from journeyflow.basics.words import HOLDOUT
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.definition.entry import Pull
from journeyflow.definition.rules.evaluation import explain_rule
from journeyflow.machine.program import Program
from journeyflow.questions.refusal_words import Refused, words_of
from journeyflow.records.rows import Input, Run
from journeyflow.stores.batch import INPUT, JOURNEY, PULL, QUEUE, Due, Loaded
from journeyflow.stores.contract import SqlReader
from journeyflow.work.engagement import about_message
from journeyflow.work.entries import enter
from journeyflow.work.happenings import Happening
from journeyflow.work.pulls import OFF_LIST, TOO_OFTEN, Puller, passes_by
from journeyflow.work.scheduler import lay_out
from journeyflow.work.stages import handle

UNKNOWN_CUSTOMER = "unknown customer"
"""The reason for a customer who does not exist."""

CLOSED = frozenset({"DRAFT", "ARCHIVED"})
"""States in which a journey listens to nothing."""


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
    """The door of a journey: a copy of what is known about one customer, in which an entry can be tried."""

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
        said = {**about_message(self.work, post), **data} if post else data
        event = self.record.newest.journey.trigger.event or ""
        return Happening(event, said, at, at, self.person, post=post, text=text)

    def misses(self, program: Program, event: Happening) -> tuple[str, Mapping[str, object]]:
        """Return why the trigger does not match, "" if it does, and the values compared."""
        facts = self.work.facts(self.person, program, event.at, event.data)
        rule = program.journey.trigger.where
        if rule is None or program.where is None or program.where(facts):
            return "", facts.seen
        return explain_rule(rule, facts), facts.seen

    def in_words(self, reason: str, program: Program, at: int, seen: Mapping[str, object]) -> str:
        """Return what a reason to refuse an entry means for this customer."""
        return words_of(reason, Refused(self.work, self.person, self.newest, self.queued, program, at, seen))

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
            reason = passes_by(puller, self.person, at) if self.known else UNKNOWN_CUSTOMER
            if reason is not None:
                return reason, f"{reason}: {_PASSED_BY[reason](program.pull)}"
            facts = self.work.facts(self.person, program, at)
            enter(self.work, record, program, event, facts, limited=True)
        else:
            enter(self.work, record, program, event, self.work.facts(self.person, program, at, event.data))
        return self._came_of_it(first, program)

    def _came_of_it(self, first: int, program: Program) -> tuple[str, str]:
        """Return the result of an attempt: a refusal, a run, or a place in the queue for a slot."""
        work, number = self.work, self.record.number
        for refusal in work.refusals:
            if (refusal.journey, refusal.customer) == (number, self.person.number):
                words = self.in_words(refusal.reason, program, refusal.at, refusal.seen)
                return refusal.reason, f"{refusal.reason}: {words}" if words else refusal.reason
        for serial, run in work.runs.items():
            if serial >= first and run.journey == number:
                return (KEPT_OUT, KEPT_OUT) if run.status == HOLDOUT else ("", "")
        due = work.slots.timers.get((number, QUEUE))
        slot = "" if due is None else f", at the earliest {shown_at(from_micros(due))}"
        return "entry limit", f"entry limit: would wait for a slot{slot}"


_PASSED_BY: Mapping[str, Callable[[Pull], str]] = {
    OFF_LIST: lambda pull: f"people are pulled from {pull.list!r}",
    TOO_OFTEN: lambda pull: f"at most {pull.times} times within {pull.within}",
    UNKNOWN_CUSTOMER: lambda pull: f"a pull gets {pull} of those who are known",
}
"""Why a pull passes a customer by, in words."""
