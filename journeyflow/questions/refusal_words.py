"""What a refused entry means, in words, with the values that were compared (R21, R85)."""

from collections.abc import Callable, Mapping

from attrs import frozen

from journeyflow.basics.durations import add
from journeyflow.basics.moments import from_micros
from journeyflow.basics.showing import shown_at
from journeyflow.basics.words import HOLDOUT
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.rules.evaluation import Sample, explain_rule, holds
from journeyflow.machine.program import Program
from journeyflow.records.rows import Run
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.working_set import Work


@frozen
class Refused:
    """A refused entry, and what its words are made of: the newest run, and since when an entry waits for a slot."""

    work: Work
    person: CustomerInHand
    newest: Run | None
    queued: int | None
    program: Program
    at: int
    seen: Mapping[str, object]


def words_of(reason: str, refused: Refused) -> str:
    """Return what a reason means for this customer, with the values compared."""
    return _WORDS.get(reason, _plain)(refused)


def _plain(refused: Refused) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in refused.seen.items())


def _state(_: Refused) -> str:
    return "only an ACTIVE journey is entered"


def _rule(refused: Refused, rule: Rule) -> str:
    zone = refused.program.zone_of(refused.person.attributes)
    return explain_rule(rule, Sample(dict(refused.seen), refused.at, zone))


def _criteria(refused: Refused) -> str:
    rule = refused.program.journey.run_criteria
    return "" if rule is None else _rule(refused, rule)


def _exit(refused: Refused) -> str:
    facts = refused.work.facts(refused.person, refused.program, refused.at)
    true = [each for each in refused.program.journey.exits if each.when is not None and holds(each.when, facts)]
    return "; ".join(f"{each.name!r}, {explain_rule(each.when, facts)}" for each in true if each.when is not None)


def _consent(refused: Refused) -> str:
    return f"it is required, and given for none of {', '.join(refused.program.channels)}"


def _inside(refused: Refused) -> str:
    run = refused.newest
    holdout = ", in the holdout" if run is not None and run.status == HOLDOUT else ""
    return "" if run is None else f"run {run.number}, since {shown_at(from_micros(run.entered_at))}{holdout}"


def _queued(refused: Refused) -> str:
    since = refused.queued
    return "" if since is None else f"waits for a slot since {shown_at(from_micros(since))}"


def _reentry(refused: Refused) -> str:
    run, reentry = refused.newest, refused.program.journey.reentry
    if run is None:
        return ""
    if reentry.period is None:
        return f"{_entered(run)}, and a customer enters only once"
    again = add(run.entered_at, reentry.period, refused.program.zone_of(refused.person.attributes))
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
