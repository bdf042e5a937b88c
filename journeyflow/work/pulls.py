"""Pulling people in: who of a list is asked, one item of work for each, and when the next pull is (R27)."""

from heapq import heappush
from typing import NamedTuple

from journeyflow.basics.moments import add
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.entry import Pull
from journeyflow.machine.program import Program
from journeyflow.records.rows import Round
from journeyflow.stores.batch import JOURNEY, PULL, CustomerInHand
from journeyflow.work.circles import Circle, drawn_size, next_pull
from journeyflow.work.entries import enter
from journeyflow.work.happenings import Happening
from journeyflow.work.working_set import Work, names_in

LIMIT = "entry limit"
"""The reason after which nobody else of a list need be asked: there is no slot, for none of them (R23)."""

OFF_LIST, TOO_OFTEN = "not on the list", "pulled too often"
"""Why somebody is passed by who may be able to enter otherwise."""


class Puller(NamedTuple):
    """A journey that pulls people in, in the version as of the own instant of its timer."""

    work: Work
    record: JourneyRecord
    program: Program
    schedule: Pull
    own: int

    @property
    def circle(self) -> Circle | None:
        """Who stands on the list, None where it must be loaded first."""
        of = (self.program.tenant, self.schedule.list)
        return self.work.pulls.circle(self.record.number, of, self.schedule.times)

    def next_pull(self, at: int, now: Round) -> int:
        """Give the instant of the next pull as seen at an instant."""
        return next_pull(self.schedule, self.program.zone, at, now.at)


def pull(work: Work, number: int, own: int) -> None:
    """Begin a pull of a journey, or go on with it and ask the next one in; or wait for the next instant (R27)."""
    record = work.catalog.journeys[number]
    program, key = record.program(own), (own, JOURNEY, number, PULL)
    if program.pull is None:  # a later version may have a schedule again
        _ring(work, record, own, own)
        return
    puller = Puller(work, record, program, program.pull, own)
    circle, now = puller.circle, work.pulls.rounds.get(number, Round(number))
    if circle is not None and now.origin is None:
        begun = _begun(puller, now)
        if begun is None:
            return
        now = begun
        work.pulls.set_round(now)
    if circle is None or not _knows_who_comes(puller, circle, now.after):
        work.end_before(key)
        work.put_off = 1
        return
    now = _gone_on(puller, circle, now)
    work.pulls.set_round(now)
    if now.origin is None:
        _ring(work, record, own, puller.next_pull(own, now))
    else:
        heappush(work.heap, key)


def _begun(puller: Puller, now: Round) -> Round | None:
    """Begin a pull, unless a pause holds it or it is not time for it; its window is asked at both instants (R5)."""
    work, record, own = puller.work, puller.record, puller.own
    if record.state(own) != "ACTIVE":
        _set_timer(work, record.number, record.resumes(own))
        return None
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
    return Round(record.number, at, now.after, now.after, drawn_size(puller.program, puller.schedule, own))


def _gone_on(puller: Puller, circle: Circle, now: Round) -> Round:
    """Ask whoever is the next; a pull is over when nobody else may come in, or everybody was asked once."""
    name = circle.following(now.after)
    if name is None or now.remaining == 0 or _was_asked(now, name):
        return _ended(now)
    puller.work.pulls.asked += 1
    circle.passed(name)
    reason = _against(puller, name, puller.own if now.at is None else now.at)
    if reason == LIMIT:  # whose turn it was is the first one next time
        return now._replace(origin=None, remaining=None)
    if reason is None and now.remaining is not None:
        now = now._replace(remaining=now.remaining - 1)
    now = now._replace(after=name)
    return _ended(now) if name == now.origin or now.remaining == 0 else now


def _knows_who_comes(puller: Puller, circle: Circle, after: str) -> bool:
    """Tell whether it is loaded who comes next, of those who have not left the list since it was loaded."""
    while circle.knows(after):
        name = circle.following(after)
        person = None if name is None else puller.work.people.get((puller.program.tenant, name))
        if name is None or (person is not None and _is_on_list(puller, person)):
            return True
        circle.drop(name)
    return False


def _was_asked(now: Round, name: str) -> bool:
    """Tell whether a pull has come to somebody for the second time: first come those behind its origin."""
    if now.after == now.origin:  # nobody was asked so far
        return False
    origin = now.origin or ""
    return (name <= origin, name) <= (now.after <= origin, now.after)


def _ended(now: Round) -> Round:
    """End a pull; one that gets all who may begins with the first again."""
    return now._replace(origin=None, remaining=None, after="" if now.remaining is None else now.after)


# --- one of them ------------------------------------------------------------------------------------------------------


def _against(puller: Puller, name: str, at: int) -> str | None:
    """Enter a customer, or say what stands against it: whom a pull passes by is not refused, nothing is kept (R27)."""
    work, program = puller.work, puller.program
    person = work.people[program.tenant, name]
    reason = passes_by(puller, person, at)
    if reason is not None:
        return reason
    facts = work.facts(person, program, at)
    if program.where is not None and not program.where(facts):
        return "trigger criteria"
    event = Happening("", {}, puller.own, at, person)
    return enter(work, puller.record, program, event, facts, limited=True, quiet=True)


def passes_by(puller: Puller, person: CustomerInHand, at: int) -> str | None:
    """Say why a pull does not even ask somebody, or None."""
    if not _is_on_list(puller, person):
        return OFF_LIST
    return TOO_OFTEN if _comes_too_often(puller, person, at) else None


def _is_on_list(puller: Puller, person: CustomerInHand) -> bool:
    name = puller.schedule.list
    return name is None or name in names_in(person.attributes)


def _comes_too_often(puller: Puller, person: CustomerInHand, at: int) -> bool:
    """Tell whether somebody has entered so often within a time; exactly at its end an entry counts no more."""
    times, within = puller.schedule.times, puller.schedule.within
    if times is None or within is None:
        return False
    zone = puller.program.zone_of(person.attributes)
    entries = puller.work.pulls.entries[puller.record.number].get(person.number, ())
    return sum(add(each, within, zone) > at for each in entries[-times:]) >= times


# --- the next instant -------------------------------------------------------------------------------------------------


def _ring(work: Work, record: JourneyRecord, own: int, due: int) -> None:
    """Look again at an instant, or when a later version is published, whatever is the earlier; else never again."""
    later = [since for since, _ in record.versions if since > own]
    instants = [instant for instant in (due, *later[:1]) if instant > own]
    if instants:
        _set_timer(work, record.number, min(instants))
    else:
        work.slots.stop_timer(record.number, PULL)


def _set_timer(work: Work, number: int, due: int | None) -> None:
    work.slots.set_timer(number, PULL, due)
    work.slots.push(work.heap, work.horizon, number, PULL)
