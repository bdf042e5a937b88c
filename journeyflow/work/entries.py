"""Who may enter a journey, and how a run begins: checks, refusals and the queue for a slot (R20 to R25)."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from journeyflow.basics.chance import KEPT_OUT, bucket
from journeyflow.basics.durations import add
from journeyflow.basics.values import dumps, loads
from journeyflow.basics.words import ACTIVE, CAUSED_BY_RUNS, HOLDOUT, INTERNAL_ERROR
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.journey import Journey
from journeyflow.machine.compiled_steps import NOWHERE
from journeyflow.machine.facts import Facts
from journeyflow.machine.gates import consents
from journeyflow.machine.program import Program
from journeyflow.records.counting import held_out
from journeyflow.records.rows import Deferred, Run, make_run
from journeyflow.stores.batch import JOURNEY, QUEUE, CustomerInHand
from journeyflow.work.happenings import Happening
from journeyflow.work.slots import next_slot_opens
from journeyflow.work.working_set import Work, active_runs

if TYPE_CHECKING:
    from journeyflow.definition.rules.evaluation import Question

MAX_ASKED = 4_096
"""How many versions of journeys have their list of entry checks cached."""


def enter(
    work: Work,
    record: JourneyRecord,
    program: Program,
    event: Happening,
    facts: Facts,
    *,
    force: bool = False,
    key: str | None = None,
    limited: bool = False,
    quiet: bool = False,
) -> str | None:
    """Enter a customer into a journey, or refuse with the first reason that applies (R21, R24).

    `key` is that of an enrollment by hand; otherwise it is read from the event's data (R22). With `limited` the entry
    needs a slot; without a free one it waits or is refused (R23). With `quiet` a refusal is not recorded (R27). Return
    the reason, or None for an entry and for one that waits.
    """
    _, data, own, at, person, causes, _, _, text = event
    if key is None or program.key is None:
        key = program.key_of(data)
    newest, number = None, 1
    for serial in person.serials:
        run = work.runs[serial]
        if run.journey == record.number:
            number = max(number, run.number + 1)
            newest = run if run.key == key else newest
    reason = closed_by(record, own, at)
    checks = _asked_of_first(program) if newest is None and not causes else _asked_of(program)
    if reason is None and checks:
        bare = partial(work.facts, person, program, at)
        reason = _refusal(make_candidate((work, record, program, event, facts, newest, key, force, bare)), checks)
    if reason is not None:
        return reason if quiet else work.refuse(record, person, reason, at, facts.seen)
    restarts = newest is not None and newest.status == ACTIVE  # only with the re-entry policy "restart"
    kept_out = program.holdout > 0 and not restarts and _is_kept_out(program, person.id)
    text = text if text is not None or not data else dumps(dict(data))
    # counted or not by its own instant, whenever it is handled (R4)
    if not kept_out and record.number in work.catalog.limited and (program.limits or record.was_limited(own)):
        if limited and program.limits and not _has_slot(work, program, event):
            reason = _waits(work, program, event, key, text)
            return reason if reason is None or quiet else work.refuse(record, person, reason, at, facts.seen)
        work.slots.take(record.number, own)
    if newest is not None and restarts:
        work.advance(newest, "EXIT", at, causes=causes, reason="restarted")
    run = first_run(work.next_serial, person.number, program, at, text, key, number, kept_out=kept_out)
    work.next_serial += 1
    work.pulls.note(run)
    others = person.serials if newest is None else [each for each in person.serials if each != newest.serial]
    person.serials = [*others, run.serial]
    if kept_out:
        work.set_run(run)
        work.notes.append(held_out(run))
        return None
    work.entered += 1
    work.runs[run.serial] = run
    work.advance(run, "ENTER", at, causes=causes, asked=facts.seen)
    return None


def first_run(  # noqa: PLR0917 what distinguishes one first run from another
    serial: int,
    customer: int,
    program: Program,
    at: int,
    text: str | None,
    key: str,
    number: int = 1,
    *,
    kept_out: bool = False,
) -> Run:
    """Return the new run of a customer, before its first step. `text` is the trigger's data as JSON text (R20)."""
    status, step = (HOLDOUT, NOWHERE) if kept_out else (ACTIVE, 0)
    return make_run(
        (
            serial, customer, program.journey_number, program.number, number, status, "", at, at, None,
            None, 0, step, at, None, None, None, False, text, key, None,
        )
    )  # fmt: skip


def _has_slot(work: Work, program: Program, event: Happening) -> bool:
    """Return whether a slot is free at the event's own instant and no entry waits for it (R23)."""
    slots, number = work.slots, program.journey_number
    return not slots.waiting(number) and next_slot_opens(slots.taken[number], program.limits, event.own) is None


def _waits(work: Work, program: Program, event: Happening, key: str, text: str | None) -> str | None:
    """Put an entry into the queue for a slot, or return the reason why it may not wait (R23)."""
    slots, number, journey = work.slots, program.journey_number, program.journey
    if journey.limits.over == "drop":
        return "entry limit"
    if (number, event.person.number, key) in slots.held and journey.reentry.policy != "restart":
        return "already deferred"
    slots.join(Deferred(slots.next_number, number, event.person.number, key, event.own, text))
    if not slots.waiting(number):
        _set_queue(work, program, next_slot_opens(slots.taken[number], program.limits, event.own))
    return None


def _set_queue(work: Work, program: Program, due: int | None) -> None:
    """Set the instant at which a journey's queue continues."""
    work.slots.set_timer(program.journey_number, QUEUE, due)
    work.slots.push(work.heap, work.horizon, program.journey_number, QUEUE)


def admit(work: Work, number: int, own: int) -> None:
    """Admit the first entry of a journey's queue, now that a slot opens; all of R21 is checked again (R23)."""
    slots, record = work.slots, work.catalog.journeys[number]
    if slots.timers.get((number, QUEUE)) != own:  # all who waited have left in this batch
        return
    program = record.program(own)
    later = next_slot_opens(slots.taken[number], program.limits, own)
    if later is not None and record.state(own) != "PAUSED":
        _set_queue(work, program, later)
        return
    at = own if record.state(own) == "PAUSED" else work.effective(own)
    if record.state(at) == "PAUSED":
        _set_queue(work, program, record.resumes(at))
        return
    entry = slots.first(number)
    if entry is not None:
        slots.leave(entry)
        data = loads(entry.trigger) if entry.trigger else {}
        event = Happening("", data, own, at, work.people.numbered[entry.customer], text=entry.trigger)
        enter(work, record, program, event, work.facts(event.person, program, at, data), key=entry.key)
    _go_on(work, program, own)


def turn_away_first(work: Work, number: int, own: int, seen: dict[str, object]) -> None:
    """Refuse the first entry of a journey's queue, because handling it raised an exception; then go on."""
    slots, record = work.slots, work.catalog.journeys[number]
    entry = slots.first(number)
    if entry is not None:
        slots.leave(entry)
        work.refuse(record, work.people.numbered[entry.customer], INTERNAL_ERROR, own, seen)
    _go_on(work, record.program(own), own)


def _go_on(work: Work, program: Program, own: int) -> None:
    """Wait for the next slot, unless the queue is empty. The batch ends where the rest is not loaded (R7)."""
    slots, number = work.slots, program.journey_number
    if slots.first(number) is None and number not in slots.partial:
        slots.stop_timer(number, QUEUE)
        return
    due = next_slot_opens(slots.taken[number], program.limits, own) or own
    _set_queue(work, program, due)
    key = (due, JOURNEY, number, QUEUE)
    if slots.first(number) is None and key <= work.horizon:
        work.end_before(key)


def _is_kept_out(program: Program, customer: str) -> bool:
    """Return whether chance holds a customer out of a journey; the answer is always the same (R25, R38)."""
    return bucket(program.tenant, program.journey.id, KEPT_OUT, customer) < program.holdout


class Candidate(NamedTuple):
    """A customer who is about to enter a journey, with everything that the entry checks read.

    `newest` is the newest run with the same key. `force` skips the checks that a host may skip (R24). `bare` returns
    the facts without the event.
    """

    work: Work
    record: JourneyRecord
    program: Program
    event: Happening
    facts: Facts
    newest: Run | None
    key: str
    force: bool
    bare: Callable[[], Facts]


make_candidate: Callable[[tuple[object, ...]], Candidate] = partial(tuple.__new__, Candidate)
"""Make a candidate from a tuple of all its fields in order, in a third of the time of `Candidate(...)`."""


def closed_by(record: JourneyRecord, own: int, at: int) -> str | None:
    """Return the state of the journey that refuses an input with these own and effective instants, or None (R11)."""
    if record.newest_state == "ARCHIVED":  # also for earlier instants that arrive late: no run is left
        return "archived"
    for instant in (own,) if own == at else (own, at):
        state = record.state(instant)
        if state != "ACTIVE":
            return state.lower()
    return None


Checks = tuple[tuple[str, Callable[[Candidate], bool]], ...]
"""The checks on an entry, each with the reason that it gives for a refusal."""


def _refusal(candidate: Candidate, checks: Checks) -> str | None:
    """Return the first reason against an entry into an ACTIVE journey, in the order of R21, or None."""
    for reason, stands in checks:
        if stands(candidate):
            return reason
    return None


@lru_cache(maxsize=MAX_ASKED)
def _asked_of(program: Program) -> Checks:
    """Return the checks that concern this version of a journey."""
    return tuple((reason, stands) for reason, stands, concerns in REASONS if concerns(program.journey))


@lru_cache(maxsize=MAX_ASKED)
def _asked_of_first(program: Program) -> Checks:
    """Return the checks that concern a first entry that no run caused."""
    return tuple((reason, stands) for reason, stands in _asked_of(program) if reason not in OF_RETURNING)


def obstacles_of(program: Program) -> tuple[Callable[[Any], bool], ...]:
    """Return the checks on a first entry that an event from outside the engine triggers (R21).

    Of a candidate they read no more than `program`, `facts`, `key`, `force` and `bare`.
    """
    asked = tuple(stands for _, stands in _asked_of_first(program))
    return (*asked, _kept_out) if program.holdout else asked


def _kept_out(candidate: Candidate) -> bool:
    """Return whether chance holds the customer out (R25)."""
    return _is_kept_out(candidate.program, candidate.facts.customer)


def _lacks_key(candidate: Candidate) -> bool:
    """Return whether the trigger carries no key for a journey that has parallel runs (R22)."""
    return not candidate.key


def _caused_by_itself(candidate: Candidate) -> bool:
    """Return whether a run of this same journey, with the same key, caused the event (R53)."""
    return (candidate.record.number, candidate.key) in candidate.event.causes


def _fails_criteria(candidate: Candidate) -> bool:
    """Return whether the run criteria are false."""
    criteria: Question = candidate.program.run_criteria  # type: ignore[assignment]  # checked only where there are some
    return not candidate.force and not criteria(candidate.facts)


def _already_out(candidate: Candidate) -> bool:
    """Return whether an exit rule on the customer is already true."""
    facts = candidate.bare()
    for way in candidate.program.exits:
        if way.when is not None and way.when(facts):
            candidate.facts.seen.update(facts.seen)
            return True
    return False


def _lacks_consent(candidate: Candidate) -> bool:
    """Return whether the customer consents to no channel of a journey that requires consent (R54)."""
    attributes, channels = candidate.facts.attributes, candidate.program.channels
    for channel in channels:  # checked for every entry: any() would make a generator each time
        if consents(attributes, channel, required=True):
            return False
    return not candidate.force


def _inside(candidate: Candidate) -> bool:
    """Return whether the customer is in the journey and triggers do not restart it, or is in its holdout (R22, R25)."""
    newest, policy = candidate.newest, candidate.program.journey.reentry.policy
    if newest is None or newest.status != HOLDOUT:
        return newest is not None and newest.status == ACTIVE and policy != "restart"
    goal = candidate.work.program(newest).goal
    within = None if goal is None else goal.within
    return within is not None and candidate.event.at <= add(newest.entered_at, within, candidate.facts.zone)


def _may_not_come_again(candidate: Candidate) -> bool:
    """Return whether the re-entry policy bars the customer after an earlier run (R22)."""
    reentry, newest = candidate.program.journey.reentry, candidate.newest
    if newest is None or candidate.force:
        return False
    if reentry.period is not None:
        return candidate.event.at < add(newest.entered_at, reentry.period, candidate.facts.zone)
    return True


def _queues_once(journey: Journey) -> bool:
    """Return whether a customer who waits for a slot of a journey may not come again."""
    return journey.limits.over == "defer" and journey.reentry.policy != "restart"


def _always(_: Journey) -> bool:
    return True


REASONS: tuple[tuple[str, Callable[[Candidate], bool], Callable[[Journey], bool]], ...] = (
    ("key missing", _lacks_key, lambda journey: journey.reentry.key is not None),
    ("event loop", _caused_by_itself, _always),
    ("run criteria", _fails_criteria, lambda journey: journey.run_criteria is not None),
    ("exit rule", _already_out, lambda journey: any(each.when is not None for each in journey.exits)),
    ("consent", _lacks_consent, lambda journey: journey.consent == "required"),
    ("already inside", _inside, _always),
    ("re-entry", _may_not_come_again, lambda journey: journey.reentry.policy not in {"always", "restart"}),
)
"""The checks on an entry into an ACTIVE journey, in the order in which they are made (R21): the reason, whether it
applies, and which journeys it concerns."""

OF_RETURNING = frozenset({"event loop", "already inside", "re-entry"})
"""The reasons that depend on the customer's earlier runs."""

WITHOUT_SLOT: tuple[tuple[str, str, Callable[[Journey], bool]], ...] = (
    (
        "entry limit",
        "there is no slot, and the limits drop who would wait for one (R23)",
        lambda journey: journey.limits.over == "drop",
    ),
    ("already deferred", "the customer waits for a slot already (R23)", _queues_once),
)
"""What `_waits` may say of a journey with entry limits: the reason, when, and which of these journeys it concerns."""

_ALONE: Mapping[str, Callable[[Journey], bool]] = {
    "event loop": lambda journey: journey.trigger.event in CAUSED_BY_RUNS,
    "already inside": lambda journey: journey.reentry.policy != "restart" or journey.holdout > 0,
}
"""What else must hold of a journey that no other one starts, and that has one version: else runs of the other one may
cause its events, or an earlier version may have held customers out."""


def reasons_of(journey: Journey) -> list[str]:
    """Return the reasons to refuse an event that can arise from a journey alone, in the order of R21."""
    found = [reason for reason, _, concerns in REASONS if concerns(journey) and _ALONE.get(reason, _always)(journey)]
    limited = bool(journey.limits.per_hour or journey.limits.per_day)
    return [*found, *(reason for reason, _, concerns in WITHOUT_SLOT if limited and concerns(journey))]


def leave(work: Work, person: CustomerInHand, journey: int, at: int, *, reason: str, key: str | None = None) -> int:
    """End a customer's active runs in a journey by hand, only the one with `key` if given (R22, R42).

    Entries that wait for a slot are removed likewise. Return how many runs and waiting entries that ended.
    """
    inside = [run for run in active_runs(work, person) if run.journey == journey and key in {None, run.key}]
    for run in inside:
        work.advance(run, "EXIT", at, reason=reason)
    held = [each for each in work.slots.held.values() if (each.journey, each.customer) == (journey, person.number)]
    waiting = [each for each in held if key in {None, each.key}]
    for entry in waiting:
        work.slots.leave(entry)
    return len(inside) + len(waiting)
