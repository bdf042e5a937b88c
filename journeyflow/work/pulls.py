"""Pulls: which customers of a list are asked, one item of work each, and when the next pull begins (R27)."""

from collections.abc import Callable
from heapq import heappush
from typing import NamedTuple

from journeyflow.basics.durations import add
from journeyflow.basics.words import INTERNAL_ERROR
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.entry import Pull
from journeyflow.machine.program import Program
from journeyflow.records.rows import Round
from journeyflow.stores.batch import JOURNEY, PULL, CustomerInHand
from journeyflow.work.batch_people import names_in
from journeyflow.work.entries import enter
from journeyflow.work.happenings import Happening
from journeyflow.work.pull_lists import PullList, drawn_size, next_pull
from journeyflow.work.working_set import Work

LIMIT = "entry limit"
"""The refusal that ends a pull: no slot is free, so nobody else on the list can enter either (R23)."""

OFF_LIST, TOO_OFTEN = "not on the list", "pulled too often"
"""Why a pull skips a customer who might otherwise enter."""


class Puller(NamedTuple):
    """A journey that pulls customers in, in the version as of the own instant of its timer."""

    work: Work
    record: JourneyRecord
    program: Program
    schedule: Pull
    own: int

    @property
    def members(self) -> PullList | None:
        """The members of the list, or None if they must be loaded first."""
        of = (self.program.tenant, self.schedule.list)
        return self.work.pulls.members(self.record.number, of, self.schedule.times)

    def next_pull(self, at: int, now: Round) -> int:
        """Return the instant of the next pull, computed at an instant."""
        return next_pull(self.schedule, self.program.zone, at, now)

    def anchored(self, now: Round) -> Round:
        """Return the round with the anchor from which the schedule counts its `every` (R27).

        The anchor stays as long as versions keep the schedule. Otherwise counting begins anew: `every` after the newest
        pull, but not before the own instant.
        """
        if now.anchor is not None and self._goes_on(now.anchor, now.version):
            return now
        soonest = self.own if now.at is None else add(now.at, self.schedule.every, self.program.zone)
        now = now._replace(anchor=max(self.own, soonest), version=self.program.number)
        self.work.pulls.set_round(now)
        return now

    def _goes_on(self, anchor: int, version: int | None) -> bool:
        """Return whether the schedule is that of the version which set the anchor, without a break since then."""
        pulls = [program.pull for since, program in self.record.versions if anchor < since <= self.own]
        pulls += [program.pull for _, program in self.record.versions if program.number == version]
        return None not in pulls and pulls[-1].every == self.schedule.every  # type: ignore[union-attr]  # no None


EntryCheck = Callable[[Puller, str, int], str | None]
"""Enters a customer at an instant, or returns the reason not to."""


def turn_away_next(work: Work, number: int, own: int, seen: dict[str, object]) -> None:
    """Refuse the next customer of a journey's pull, because asking about them raised an exception; then go on."""

    def refuse(puller: Puller, name: str, at: int) -> str:
        return work.refuse(puller.record, work.people.named[puller.program.tenant, name], INTERNAL_ERROR, at, seen)

    pull(work, number, own, refuse)


def pull(work: Work, number: int, own: int, ask: EntryCheck | None = None) -> None:
    """Begin a journey's pull, continue it with the next customer, or wait for the next instant (R27).

    `ask` enters a customer at an instant, or returns the reason not to; by default all checks are made.
    """
    record = work.catalog.journeys[number]
    program, key = record.program(own), (own, JOURNEY, number, PULL)
    if program.pull is None:  # a later version may again have a schedule
        _ring(work, record, own, own)
        return
    puller = Puller(work, record, program, program.pull, own)
    members, now = puller.members, work.pulls.rounds.get(number, Round(number))
    if members is not None and now.origin is None:
        begun = _begun(puller, now)
        if begun is None:
            return
        now = begun
        work.pulls.set_round(now)
    if members is None or not _knows_who_comes(puller, members, now.after):
        work.end_before(key)
        work.put_off = 1
        return
    now = _gone_on(puller, members, now, ask or _against)
    work.pulls.set_round(now)
    if now.origin is None:
        _ring(work, record, own, puller.next_pull(own, now))
    else:
        heappush(work.heap, key)


def _begun(puller: Puller, now: Round) -> Round | None:
    """Return the round of a new pull, or None if a pause holds it or it is too early.

    The schedule's window is checked at the own and at the effective instant (R5).
    """
    work, record, own = puller.work, puller.record, puller.own
    if record.state(own) != "ACTIVE":
        _set_timer(work, record.number, record.resumes(own))
        return None
    now = puller.anchored(now)
    due = puller.next_pull(own, now)
    if due > own:
        _ring(work, record, own, due)
        return None
    at = own if now.softened else work.effective(own)
    if record.state(at) != "ACTIVE":
        _set_timer(work, record.number, record.resumes(at))
        return None
    due = puller.next_pull(at, now)
    if due > at:
        work.pulls.set_round(now._replace(softened=True))
        _ring(work, record, own, due)
        return None
    return now._replace(
        at=at, origin=now.after, remaining=drawn_size(puller.program, puller.schedule, own), softened=False
    )


def _gone_on(puller: Puller, members: PullList, now: Round, ask: EntryCheck) -> Round:
    """Ask the next customer. A pull ends when it has its number of entries, or has asked every member once."""
    name = members.following(now.after)
    if name is None or now.remaining == 0 or _was_asked(now, name):
        return _ended(now)
    puller.work.pulls.asked += 1
    members.passed(name)
    reason = ask(puller, name, puller.own if now.at is None else now.at)
    if reason == LIMIT:  # the next pull begins with this customer
        return now._replace(origin=None, remaining=None)
    if reason is None and now.remaining is not None:
        now = now._replace(remaining=now.remaining - 1)
    now = now._replace(after=name)
    return _ended(now) if name == now.origin or now.remaining == 0 else now


def _knows_who_comes(puller: Puller, members: PullList, after: str) -> bool:
    """Return whether the next customer is loaded; members that have since left the list are dropped."""
    while members.knows(after):
        name = members.following(after)
        person = None if name is None else puller.work.people.named.get((puller.program.tenant, name))
        if name is None or (person is not None and _is_on_list(puller, person)):
            return True
        members.drop(name)
    return False


def _was_asked(now: Round, name: str) -> bool:
    """Return whether this pull has already asked a customer. It asks the ids after its origin first."""
    if now.after == now.origin:  # nobody has been asked yet
        return False
    origin = now.origin or ""
    return (name <= origin, name) <= (now.after <= origin, now.after)


def _ended(now: Round) -> Round:
    """Return a round whose pull has ended. After a pull without a size the next one starts from the first id."""
    return now._replace(origin=None, remaining=None, after="" if now.remaining is None else now.after)


# --- one customer -----------------------------------------------------------------------------------------------------


def _against(puller: Puller, name: str, at: int) -> str | None:
    """Enter a customer, or return the reason not to. A pull records no refusal (R27)."""
    work, program = puller.work, puller.program
    person = work.people.named[program.tenant, name]
    reason = passes_by(puller, person, at)
    if reason is not None:
        return reason
    facts = work.facts(person, program, at)
    if program.where is not None and not program.where(facts):
        return "trigger criteria"
    event = Happening("", {}, puller.own, at, person)
    return enter(work, puller.record, program, event, facts, limited=True, quiet=True)


def passes_by(puller: Puller, person: CustomerInHand, at: int) -> str | None:
    """Return the reason to skip a customer without asking for an entry, or None."""
    if not _is_on_list(puller, person):
        return OFF_LIST
    return TOO_OFTEN if _comes_too_often(puller, person, at) else None


def _is_on_list(puller: Puller, person: CustomerInHand) -> bool:
    name = puller.schedule.list
    return name is None or name in names_in(person.attributes)


def _comes_too_often(puller: Puller, person: CustomerInHand, at: int) -> bool:
    """Return whether a customer has entered `times` times within the period.

    An entry exactly one period ago no longer counts.
    """
    times, within = puller.schedule.times, puller.schedule.within
    if times is None or within is None:
        return False
    zone = puller.program.zone_of(person.attributes)
    entries = puller.work.pulls.entries[puller.record.number].get(person.number, ())
    return sum(add(each, within, zone) > at for each in entries[-times:]) >= times


# --- the next instant -------------------------------------------------------------------------------------------------


def _ring(work: Work, record: JourneyRecord, own: int, due: int) -> None:
    """Set the journey's timer to an instant or to its next publication, whichever is earlier; else stop it."""
    later = [since for since, _ in record.versions if since > own]
    instants = [instant for instant in (due, *later[:1]) if instant > own]
    if instants:
        _set_timer(work, record.number, min(instants))
    else:
        work.slots.stop_timer(record.number, PULL)


def _set_timer(work: Work, number: int, due: int | None) -> None:
    work.slots.set_timer(number, PULL, due)
    work.slots.push(work.heap, work.horizon, number, PULL)
