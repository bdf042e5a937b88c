"""Copies of journeys: unchanged within a tenant, and into another tenant without the first one's resources (R18)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from journeyflow.basics.values import id_fault
from journeyflow.basics.words import MEMBERS
from journeyflow.definition.edits.editing import remove_step
from journeyflow.definition.entry import Exit, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.changes import Change
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule, Rule
from journeyflow.definition.steps import Condition, Send, Step, Update, Wait, with_options
from journeyflow.errors import InvalidInput

Templates = Callable[[str], str]
"""A function from a template of this tenant to one of the other tenant; called once for each template."""

RESOURCES: Mapping[str, str] = {
    f"{root}{name}": kind
    for kind, members, event in (("list", "lists", "list"), ("tag", "tags", "tag"), ("journey", "", "journey"))
    for root, name in (("event.", event), ("trigger.", event), ("", members), ("customer.", members))
    if name
}
"""The names in rules whose values are resources of the tenant, and the kind of resource: list, tag or journey."""


@frozen
class Reset:
    """A reference to a resource of the old tenant that a copy does not keep: its place, its kind, its id."""

    path: str
    kind: str
    value: str


@frozen
class Copied:
    """The result of a copy into another tenant (F105).

    `tenant` and `journey` are the ids of the copy. `templates` maps old template names to new ones. `reset` is the
    references that are empty now, each with its place in a journey file. `unpublished` is the steps with such
    references, which are passed through until somebody fills them in and publishes them.
    """

    tenant: str
    journey: str
    templates: Mapping[str, str]
    reset: tuple[Reset, ...]
    unpublished: tuple[str, ...]


def clone_of(journey: Journey, to: str, name: str | None) -> Journey:
    """Return the same journey under another id; the notes name the original (F103).

    Without a `name`, the name is "Copy of " and the name, or the id, of the original.

    >>> clone_of(Journey(id="a", name="Hello", steps=[]), "b", None).notes
    'Copy of journey Hello'
    """
    said = journey.name or journey.id
    return evolve(journey, id=to, name=f"Copy of {said}" if name is None else name, notes=f"Copy of journey {said}")


def copy_of(
    journey: Journey, to: str, tenant: str, name: str | None, templates: Templates | None
) -> tuple[Journey, Copied]:
    """Return a copy of a journey for another tenant, and a report of what it lost (R18).

    The trigger of the copy is manual. The names of lists, tags and journeys are reset to "", and the steps that name
    one are unpublished, so that nothing is done with an empty name. A change that enrolls in named journeys, or ends
    runs of them, is dropped, and so is an Update without any other change. `templates` maps the templates; without it
    they stay as they are. Raises InvalidInput if `templates` returns invalid names.
    """
    known = _mapped_templates(journey, templates)
    lost: list[Reset] = []
    steps = [_without(step, f"steps[{n}]", known, lost) for n, step in enumerate(journey.steps)]
    emptied = [step.id for step in steps if isinstance(step, Update) and not step.changes]
    unpublished = tuple(
        step.id
        for n, step in enumerate(steps)
        if step.id not in emptied and any(each.path.startswith(f"steps[{n}].") for each in lost)
    )
    made = evolve(
        clone_of(journey, to, name),
        tenant=None,
        trigger=Trigger(manual=True),
        steps=[old if old.id in emptied else new for old, new in zip(journey.steps, steps, strict=True)],
        run_criteria=_rule(journey.run_criteria, "run_criteria", lost),
        exits=[_exit(each, f"exits[{n}]", lost) for n, each in enumerate(journey.exits)],
        goal=journey.goal and evolve(journey.goal, where=_rule(journey.goal.where, "goal.where", lost)),
    )
    for step_id in emptied:
        made = remove_step(made, step_id)
    return made, Copied(tenant, to, known, tuple(lost), unpublished)


def _mapped_templates(journey: Journey, templates: Templates | None) -> dict[str, str]:
    """Return the new name of each template, in the order of the steps. Raises InvalidInput with every invalid name."""
    named = dict.fromkeys(step.template for step in journey.steps if isinstance(step, Send))
    if templates is None:
        return {}
    known = {name: templates(name) for name in named}
    found = [f"templates({name!r}): {fault}" for name, new in known.items() if (fault := id_fault(new))]
    if found:
        raise InvalidInput(found)
    return known


def _exit(way: Exit, path: str, lost: list[Reset]) -> Exit:
    where, when = _rule(way.where, f"{path}.where", lost), _rule(way.when, f"{path}.when", lost)
    return evolve(way, where=where, when=when)


def _without(step: Step, path: str, templates: Mapping[str, str], lost: list[Reset]) -> Step:
    """Return a step without the resources of the old tenant."""
    if isinstance(step, Send):
        return evolve(step, template=templates.get(step.template, step.template))
    if isinstance(step, Wait):
        return evolve(step, where=_rule(step.where, f"{path}.where", lost))
    if isinstance(step, Condition):
        branches = [
            evolve(each, when=_rule(each.when, f"{path}.branches[{n}].when", lost))
            for n, each in enumerate(step.branches)
        ]
        return with_options(step, {"branches": branches})
    if isinstance(step, Update):
        changes = [_change(each, f"{path}.changes[{n}]", lost) for n, each in enumerate(step.changes)]
        return with_options(step, {"changes": [each for each in changes if each is not None]})
    return step


def _change(change: Change | Chain, path: str, lost: list[Reset]) -> Change | Chain | None:
    """Return a change with its names reset; None for a change that names journeys of the old tenant."""
    if isinstance(change, Chain):
        lost.extend(Reset(f"{path}.journeys[{n}]", "journey", name) for n, name in enumerate(change.journeys))
        return None if change.journeys else change
    if change.field not in MEMBERS:
        return change
    return evolve(change, value=_value(change.value, f"{path}.value", MEMBERS[change.field][2], lost))


def _rule(rule: Rule | None, path: str, lost: list[Reset]) -> Rule | None:
    """Reset the operands that name something of the tenant."""
    if isinstance(rule, FieldRule):
        kind = RESOURCES.get(rule.field)
        return rule if kind is None else evolve(rule, value=_value(rule.value, f"{path}.value", kind, lost))
    if isinstance(rule, AllOf | AnyOf):
        word = "all" if isinstance(rule, AllOf) else "any"
        return type(rule)(_rule(each, f"{path}.{word}[{n}]", lost) for n, each in enumerate(rule.rules))  # type: ignore[misc]  # a rule stays one
    if isinstance(rule, NotRule):
        return NotRule(_rule(rule.rule, f"{path}.not", lost))  # type: ignore[arg-type]  # a rule stays one
    return rule


def _value(value: Any, path: str, kind: str, lost: list[Reset]) -> Any:  # noqa: ANN401 any JSON
    """Return "" for a name, or a list of them for a list of names, and note each in `lost`."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(each, f"{path}[{n}]", kind, lost) for n, each in enumerate(value)]
    if isinstance(value, str) and value:
        lost.append(Reset(path, kind, value))
        return ""
    return value
