"""The names that rules and templates of a journey read, and whether they can ever have a value (R13, R59)."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from journeyflow.basics.words import CONSENT, JOURNEY_COMPLETED, MEMBERS, MESSAGE_KINDS
from journeyflow.definition.entry import Exit, Goal, Trigger
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import AllOf, FieldRule, Rule
from journeyflow.definition.rules.evaluation import Sample, holds
from journeyflow.definition.rules.rule_parts import reads
from journeyflow.definition.rules.templates import template_reads
from journeyflow.definition.shape import Definition
from journeyflow.definition.steps import Branch, Condition, End, Send, Split, Step, Update, Wait
from journeyflow.errors import ERROR, WARNING, Problem, suggestions

MESSAGE_NAMES = frozenset({"id", "at", *MESSAGE_KINDS, *(f"{kind}_at" for kind in MESSAGE_KINDS)})

ENROLLMENT_NAMES = frozenset({"tenant", "journey", "version", "customer", "run", "key", "entered_at"})

Reading = tuple[str, frozenset[str], bool, bool]
"""A place that reads facts: its path in a journey file, the names read, whether there is an event, whether a run."""


def rule_places(journey: Definition) -> Iterator[Reading]:
    """Yield every place that reads facts. A value of the wrong type reads nothing."""
    yield from _entry_places(journey)
    for position, step in enumerate(journey.steps if isinstance(journey.steps, tuple) else ()):
        read = _PLACES.get(type(step))
        if read is not None:
            yield from read(step, f"steps[{position}]")


def _entry_places(journey: Definition) -> Iterator[Reading]:
    if isinstance(journey.trigger, Trigger):
        yield "trigger.where", reads(journey.trigger.where), journey.trigger.pull is None, False
    yield "run_criteria", reads(journey.run_criteria), True, False
    for position, each in enumerate(journey.exits if isinstance(journey.exits, tuple) else ()):
        if isinstance(each, Exit):
            yield f"exits[{position}].where", reads(each.where), True, True
            yield f"exits[{position}].when", reads(each.when), False, True
    if isinstance(journey.goal, Goal):
        yield "goal.where", reads(journey.goal.where), True, True


def _condition_places(step: Condition, where: str) -> Iterator[Reading]:
    for number, each in enumerate(step.branches if isinstance(step.branches, tuple) else ()):
        if isinstance(each, Branch):
            yield f"{where}.branches[{number}].when", reads(each.when), False, True


def _wait_places(step: Wait, where: str) -> Iterator[Reading]:
    yield f"{where}.where", reads(step.where), True, True
    yield f"{where}.when", reads(step.when), False, True
    yield f"{where}.field", frozenset({step.field} if isinstance(step.field, str) else ()), False, True


def _send_places(step: Send, where: str) -> Iterator[Reading]:
    yield f"{where}.data", template_reads(step.data), False, True


def _update_places(step: Update, where: str) -> Iterator[Reading]:
    for number, change in enumerate(step.changes):
        if isinstance(change, Change):
            yield f"{where}.changes[{number}].value", template_reads(change.value), False, True


def _no_places(_: Step, __: str) -> Iterator[Reading]:
    return iter(())


_PLACES: dict[type[Step], Callable[[Any, str], Iterator[Reading]]] = {
    Condition: _condition_places,
    Wait: _wait_places,
    Send: _send_places,
    Update: _update_places,
    Split: _no_places,
    End: _no_places,
}

# --- references -------------------------------------------------------------------------------------------------------


@frozen
class _Known:
    """The steps that can be referred to, and whether there is an event and a run at the place that refers to them."""

    sends: frozenset[str]
    waits: frozenset[str]
    event: bool
    run: bool
    suggest: Callable[[object, Iterable[str]], str]


def reference_problems(journey: Definition) -> Iterator[Problem]:
    """Yield a problem for every name that can never have a value: unknown steps, no event, no run (R13, R59)."""
    steps: tuple[Step, ...] = journey.steps if isinstance(journey.steps, tuple) else ()
    sends = frozenset(step.id for step in steps if isinstance(step, Send) and isinstance(step.id, str))
    waits = frozenset(
        step.id for step in steps if isinstance(step, Wait) and isinstance(step.id, str) and step.event is not None
    )
    suggest = suggestions()
    for where, paths, event, run in rule_places(journey):
        for path in sorted(paths):
            root, _, rest = path.partition(".")
            check = _ROOTS.get(root)
            if check is not None and rest and (fault := check(rest, _Known(sends, waits, event, run, suggest))):
                yield Problem("reference", ERROR, where, f"{path!r}: {fault}")


def _event_fault(_: str, known: _Known) -> str | None:
    return None if known.event else "no event is at hand here; say trigger.x, or wait.<step>.x"


def _enrollment_fault(name: str, known: _Known) -> str | None:
    if not known.run:
        return _NO_RUN
    return _name_fault(name, ENROLLMENT_NAMES, known)


def _message_fault(rest: str, known: _Known) -> str | None:
    step, _, name = rest.partition(".")
    if fault := _step_fault(step, "Send", known.sends, known):
        return fault
    return _name_fault(name, MESSAGE_NAMES, known)


def _name_fault(name: str, names: Collection[str], known: _Known) -> str | None:
    if name in names:
        return None
    return f"unknown name {name!r}{known.suggest(name, names) or '; known are ' + ', '.join(sorted(names))}"


def _wait_fault(rest: str, known: _Known) -> str | None:
    step, _, name = rest.partition(".")
    fault = _step_fault(step, "Wait for an event", known.waits, known)
    return fault or (None if name else f"say which value of that event, wait.{step}.x")


def _step_fault(step: str, what: str, steps: frozenset[str], known: _Known) -> str | None:
    if not known.run:
        return _NO_RUN
    return None if step in steps else f"there is no {what} named {step!r}{known.suggest(step, steps)}"


_NO_RUN = "there is no run yet when this is asked"

_ROOTS: dict[str, Callable[[str, _Known], str | None]] = {
    "event": _event_fault,
    "enrollment": _enrollment_fault,
    "message": _message_fault,
    "wait": _wait_fault,
}

# --- a journey that triggers itself -----------------------------------------------------------------------------------


def self_trigger_problems(journey: Definition) -> Iterator[Problem]:
    """Yield a warning for each Update, or the end, of a valid journey that can trigger that same journey (R13)."""
    event, where = journey.trigger.event, journey.trigger.where
    for position, step in enumerate(journey.steps):
        for change in step.changes if isinstance(step, Update) else ():
            if isinstance(change, Chain):
                yield from _self_enrolling(journey, change, f"steps[{position}]", step.id)
            elif event in caused(change) and may_hold(where, data_of_change(change)):
                sentence = f"step {step.id!r} changes {change.field!r}, which can trigger this same journey again"
                yield Problem("self-trigger", WARNING, f"steps[{position}]", sentence)
    if event == JOURNEY_COMPLETED and may_hold(where, {"journey": journey.id}):
        yield Problem("self-trigger", WARNING, "trigger", "the end of this journey triggers this same journey again")


def _self_enrolling(journey: Definition, change: Chain, where: str, step: str) -> Iterator[Problem]:
    if change.action == "enroll" and journey.id in change.journeys:
        sentence = f"step {step!r} enrolls in this same journey, which is always refused (event loop)"
        yield Problem("self-trigger", WARNING, where, sentence)


def caused(change: Change) -> tuple[str, ...]:
    """Return the types of event that a change can cause (R50)."""
    if change.field not in MEMBERS:
        return ("field.changed",)
    joins, leaves, _ = MEMBERS[change.field]
    return {"add": (joins,), "append": (joins,), "remove": (leaves,)}.get(change.action, (joins, leaves))


def data_of_change(change: Change) -> dict[str, object]:
    """Return the part of the data of the event that a change causes which the definition alone determines."""
    if change.field in MEMBERS:
        plain = change.action != "set" and not template_reads(change.value)
        return {MEMBERS[change.field][2]: change.value} if plain else {}
    return {} if change.field == CONSENT else {"field": change.field}


def may_hold(where: Rule | None, data: Mapping[str, object]) -> bool:
    """Return whether criteria may be true of an event of which only these data are known."""
    known = Sample({**data, **{f"event.{name}": value for name, value in data.items()}})
    return all(
        holds(part, known)
        for part in conjuncts(where)
        if isinstance(part, FieldRule) and part.value_of is None and part.field in known.values
    )


def conjuncts(rule: Rule | None) -> Iterator[Rule]:
    """Yield the parts of a rule that must all be true."""
    stack = [rule] if rule is not None else []
    while stack:
        part = stack.pop()
        if isinstance(part, AllOf):
            stack.extend(part.rules)
        else:
            yield part
