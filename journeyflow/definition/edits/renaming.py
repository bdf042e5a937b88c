"""Renaming steps with everything that names them: continuations, rules, templates (F50)."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from journeyflow.basics.expecting import expect
from journeyflow.definition.continuations import targets, with_options, with_targets
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.definition.rules.templates import with_paths
from journeyflow.definition.steps import Condition, Send, Step, Update, Wait
from journeyflow.errors import ERROR, InvalidJourney, Problem, did_you_mean

ROOTS = frozenset({"message", "wait"})
"""The first parts of names that go on with a step (R59)."""


def rename_step(journey: Journey, step_id: str, to: str) -> Journey:
    """Return a journey with a step under another id, wherever the step is named.

    Continuations, rules and templates follow. For the engine it is another step: its flag, its statistics and the
    customers at it stay with the old id, and a Split draws anew, because its id is part of the hash (R38). Raises
    InvalidJourney with every problem, such as an unknown step or an id that is taken.

    >>> from journeyflow.definition.steps import End
    >>> journey = Journey(id="j", steps=[Wait("rest", "1 day"), End("done")])
    >>> rename_step(journey, "done", "over").steps
    (Wait('rest', '1 day', next='over'), End('over'))
    """
    expect(Journey, journey=journey)
    return renamed(journey, {step_id: to})


def renamed(journey: Journey, names: Mapping[str, str]) -> Journey:
    """Return a journey with steps under other ids, all at once, so that two may change places.

    Raises InvalidJourney with every problem.
    """
    unknown = [name for name in names if name not in journey.index]
    if unknown:
        sentences = [f"there is no step {name!r}{did_you_mean(name, journey.index)}" for name in unknown]
        raise InvalidJourney(journey.id, [Problem("unknown-step", ERROR, "steps", each) for each in sentences])
    return evolve(
        journey,
        steps=[_step(step, names) for step in journey.steps],
        run_criteria=_rule(journey.run_criteria, names),
        exits=[evolve(each, where=_rule(each.where, names), when=_rule(each.when, names)) for each in journey.exits],
        goal=journey.goal and evolve(journey.goal, where=_rule(journey.goal.where, names)),
    )


def _step(step: Step, names: Mapping[str, str]) -> Step:
    """Return a step under its new id, with all that it names."""
    moved = with_options(step, {"id": names.get(step.id, step.id), **_facts(step, names)})
    return with_targets(moved, {place: names.get(str(target), target) for place, target in targets(moved) if target})


def _facts(step: Step, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a step that read facts of other steps."""
    if isinstance(step, Send):
        return {"data": with_paths(step.data, lambda path: _path(path, names))}
    if isinstance(step, Wait):
        field = step.field and _path(step.field, names)
        return {"where": _rule(step.where, names), "when": _rule(step.when, names), "field": field}
    if isinstance(step, Condition):
        return {"branches": [evolve(each, when=_rule(each.when, names)) for each in step.branches]}
    if isinstance(step, Update):
        return {"changes": [_change(each, names) for each in step.changes]}
    return {}


def _change(change: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 a Change, or a Chain, which names journeys
    if not isinstance(change, Change):
        return change
    return evolve(change, value=with_paths(change.value, lambda path: _path(path, names)))


def _rule(rule: Rule | None, names: Mapping[str, str]) -> Any:  # noqa: ANN401 a rule stays one, and None stays None
    """Return a rule that reads facts of steps under their new names."""
    if isinstance(rule, FieldRule):
        other = rule.value_of and _path(rule.value_of, names)
        return evolve(rule, field=_path(rule.field, names), value_of=other)
    if isinstance(rule, CountRule):
        return evolve(rule, field=_path(rule.field, names), where=_rule(rule.where, names))
    if isinstance(rule, NotRule):
        return NotRule(_rule(rule.rule, names))
    if isinstance(rule, AllOf | AnyOf):
        return type(rule)(_rule(each, names) for each in rule.rules)
    return rule


def _path(path: str, names: Mapping[str, str]) -> str:
    """Return a name with the step in it renamed.

    >>> _path("message.hello.opened", {"hello": "hi"}), _path("hello", {"hello": "hi"})
    ('message.hi.opened', 'hello')
    """
    root, _, rest = path.partition(".")
    step, _, name = rest.partition(".")
    return f"{root}.{names[step]}.{name}" if root in ROOTS and name and step in names else path
