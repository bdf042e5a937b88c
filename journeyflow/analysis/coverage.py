"""Which ways through journeys have been taken: by a test-suite, a simulation, or a month of real life."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.expecting import expect, tuple_of
from journeyflow.basics.html_tables import PlainTable
from journeyflow.definition.journey import DEFAULT_TENANT, Journey
from journeyflow.definition.policies import Policies
from journeyflow.definition.steps import Condition, Send, Split, Step, Wait
from journeyflow.engine.engine import Engine
from journeyflow.errors import ORDER, Fault, InvalidInput
from journeyflow.questions.numbers.totals import Totals, totals
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.outcome import Outcome
from journeyflow.work.entries import reasons_of


class CoveredWay(NamedTuple):
    """Something that can happen in a journey, and how often it has happened.

    `kind` is "step", "branch", "arm", "outcome" (of a Wait), "not sent" (a Send, by reason), "exit", "goal", "holdout"
    or "refusal". `step` is empty unless it happens at a step, and `label` is the branch, arm, outcome, exit or reason.
    """

    journey: str
    kind: str
    step: str
    label: str
    times: int = 0

    def __str__(self) -> str:
        """Return what it is, in words."""
        return " ".join(part for part in (self.kind, self.step, self.label) if part)


@frozen(repr=False)
class Coverage(Rows):
    """All ways through some journeys, in the order of their definitions, with how often each was taken."""

    ways: tuple[CoveredWay, ...]

    @property
    def taken(self) -> int:
        """How many ways were taken at least once."""
        return sum(way.times > 0 for way in self.ways)

    @property
    def share(self) -> float:
        """The share of the ways that were taken, from 0 to 1; 1 if there are none."""
        return self.taken / len(self.ways) if self.ways else 1.0

    @property
    def missed(self) -> tuple[CoveredWay, ...]:
        """The ways that were never taken."""
        return tuple(way for way in self.ways if not way.times)

    def __add__(self, other: "Coverage") -> "Coverage":
        """Return both together: a way is taken as often as in the two."""
        times = Counter[tuple[str, str, str, str]]()
        for way in (*self.ways, *other.ways):
            times[way[:4]] += way.times
        return Coverage(tuple(CoveredWay(*key, found) for key, found in times.items()))

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every way as a plain row: journey, kind, step, label, times."""
        return [way._asdict() for way in self.ways]

    def __repr__(self) -> str:
        """Return how many ways were taken."""
        return f"Coverage({_summary(self)})"

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the coverage, and `to_html()` writes it as one page of HTML.

        The page has every way of each journey, those that were never taken first.
        """
        sections = []
        for journey, part in self._parts():
            rows = [
                (way.kind, way.step, way.label, way.times) for way in sorted(part.ways, key=lambda way: way.times > 0)
            ]
            table = PlainTable(("kind", "step", "way", "times"), rows)
            sections.append(Section(f"Journey {journey}", [f"{_summary(part)}."], [table]))
        return ReportPage("Coverage of journeys", [f"{_summary(self)}."], sections, str(self))

    def __str__(self) -> str:
        """Return the coverage of each journey as text for people, with what was missed."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for journey, part in self._parts():
            yield f"{journey}: {_summary(part)}"
            yield from (f"  never: {way}" for way in part.missed)

    def _parts(self) -> Iterator[tuple[str, "Coverage"]]:
        """Yield each journey with its own ways."""
        for journey in dict.fromkeys(way.journey for way in self.ways):
            yield journey, Coverage(tuple(way for way in self.ways if way.journey == journey))


def _summary(of: Coverage) -> str:
    return f"{of.taken} of {len(of.ways)} ways taken, {100 * of.share:.0f}%"


def coverage(
    what: Engine | Outcome | Coverage | Iterable[Engine | Outcome | Coverage],
    *,
    journeys: Iterable[Journey] | None = None,
    since: date | None = None,
    until: date | None = None,
    tenant: str = DEFAULT_TENANT,
) -> Coverage:
    """Return which ways through journeys were taken in a store, in a simulation, or in several of these together.

    The ways are those of `journeys`; by default those of the newest versions in an engine, of a tenant, and the
    journeys of an outcome. `since` and `until` are days in the journey's zone, both included, and bound what is counted
    by day: steps, their outcomes, and refusals. Exits, goals and holdouts are those of enrollments that are kept.

    What every journey has in common is left out: refusals because of its state, and exits by hand. A pull records no
    refusal (R27). Raises InvalidInput for an end before the beginning.
    """
    expect(date, type(None), since=since, until=until)
    if since is not None and until is not None and until < since:
        raise InvalidInput([Fault("until", "it must not lie before since", ORDER)])
    refuse(name_faults(tenant=tenant))
    given = None if journeys is None else tuple_of(Journey, "journeys", "journeys", journeys)
    many = tuple_of((Engine, Outcome, Coverage), "an engine, an outcome or a coverage, one or many", "what", what)
    total = Coverage(())
    for each in many:
        total += each if isinstance(each, Coverage) else _coverage(each, given, (since, until), tenant)
    return total


Days = tuple[date | None, date | None]


def _coverage(what: Engine | Outcome, journeys: Sequence[Journey] | None, days: Days, tenant: str) -> Coverage:
    if isinstance(what, Outcome):
        known: Sequence[Journey] = tuple(what.journeys.values())
        tallies: Sequence[Totals] = what.tallies
        policies = Policies()
    else:
        bound = what.tenant(tenant)
        known = () if journeys is not None else [*bound.definitions().values()]
        with what.store.reader() as reader:
            tallies = (totals(reader, tenant),)
        policies = bound.policies()
    times = Counter[tuple[str, str, str, str]]()
    for tally in tallies:
        for key, count in tally.items():
            for way in _taken(key, days):
                times[way] += count
    found = known if journeys is None else journeys
    return Coverage(
        tuple(way._replace(times=times[_counted_as(way)]) for each in found for way in ways(each, policies))
    )


def _counted_as(way: CoveredWay) -> tuple[str, str, str, str]:
    """Return the key under which a way is counted: branches and arms are outcomes of their steps."""
    kind = "outcome" if way.kind in {"branch", "arm"} else way.kind
    return way.journey, kind, way.step, way.label


def _taken(key: Sequence[object], days: Days) -> Iterator[tuple[str, str, str, str]]:
    """Yield the key of the way that a figure counts, unless it is of another day."""
    match key:
        case ["visits", str(journey), str(step), str(day)] if _within(day, days):
            yield journey, "step", step, ""
        case ["outcomes", str(journey), str(step), str(day), str(label)] if _within(day, days):
            yield journey, "outcome", step, label
        case ["skipped", str(journey), str(step), str(day), str(label)] if _within(day, days):
            yield journey, "not sent", step, label
        case ["refusals", str(journey), str(day), str(reason)] if _within(day, days):
            yield journey, "refusal", "", reason
        case ["enrollments", str(journey), "EXITED", str(reason)]:
            yield journey, "exit", "", reason
        case ["enrollments", str(journey), "HOLDOUT", _]:
            yield journey, "holdout", "", ""
        case ["converted", str(journey), _]:
            yield journey, "goal", "", ""


def _within(day: str, days: Days) -> bool:
    since, until = days
    at = date.fromisoformat(day)
    return (since is None or at >= since) and (until is None or at <= until)


# --- what can be taken ------------------------------------------------------------------------------------------------


def ways(journey: Journey, policies: Policies | None = None) -> Iterator[CoveredWay]:
    """Yield every way through a journey: its steps with their outcomes, then its exits, its goal and its refusals.

    A cap can only keep a message back where `policies` have one for its channel.

    >>> from journeyflow import Trigger, Wait
    >>> journey = Journey("j", trigger=Trigger("go"), steps=[Wait("w", event="buy", timeout="1 day")])
    >>> [str(way) for way in ways(journey)]
    ['step w', 'outcome w event', 'outcome w timeout', 'step end', 'refusal already inside', 'refusal re-entry']
    """
    for step in journey.steps:
        yield CoveredWay(journey.id, "step", step.id, "")
        yield from (
            CoveredWay(journey.id, kind, step.id, label) for kind, label in _outcomes(step, policies or Policies())
        )
    yield from (CoveredWay(journey.id, "exit", "", each.name) for each in journey.exits)
    if journey.goal is not None:
        yield CoveredWay(journey.id, "goal", "", "")
        yield from (CoveredWay(journey.id, "exit", "", "goal"),) if journey.goal.exit else ()
    if journey.holdout:
        yield CoveredWay(journey.id, "holdout", "", "")
    if journey.reentry.policy == "restart":
        yield CoveredWay(journey.id, "exit", "", "restarted")
    if journey.trigger.pull is None:
        yield from (CoveredWay(journey.id, "refusal", "", reason) for reason in reasons_of(journey))


def _outcomes(step: Step, policies: Policies) -> Iterator[tuple[str, str]]:
    """Yield the kinds and labels of what can come of a visit, where there is a choice."""
    if isinstance(step, Condition):
        yield from (("branch", label) for label in (*(each.label for each in step.branches), step.else_label))
    elif isinstance(step, Split):
        yield from (("arm", each.label) for each in step.arms if each.percentage)
    elif isinstance(step, Wait):
        yield from (("outcome", label) for label in _of_wait(step))
    elif isinstance(step, Send) and not step.transactional:
        yield "not sent", "consent"
        if any(cap.count is not None and cap.channel in {None, step.channel} for cap in policies.caps):
            yield "not sent", "cap"


def _of_wait(step: Wait) -> Iterator[str]:
    if step.has_event:
        yield "event"
        yield from ("timeout",) if step.timeout is not None else ()
    elif step.field is not None:
        yield from ("elapsed", "missing") if step.every else ("elapsed", "missing", "past")
