"""Copies of journeys: unchanged within a tenant, and into another tenant without the first one's resources (R18)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.values import id_fault, thaw
from journeyflow.basics.words import MEMBERS
from journeyflow.definition.continuations import with_options
from journeyflow.definition.entry import Exit, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.definition.rules.value_paths import ITEM, is_of_item
from journeyflow.definition.steps import Condition, Send, Step, Update, Wait
from journeyflow.errors import InvalidInput

Templates = Callable[[str], str]
"""A function from a template of this tenant to one of the other tenant; called once for each template."""

Resources = Callable[[str, Any], str | None]
"""A function from a place in the data of a Send, such as "sender.domain", and the value there to what kind of resource
of this tenant it is, such as "sender domain"; None for what the other tenant may keep."""

OF_CUSTOMERS: Mapping[str, str] = {
    f"{root}{attribute}": kind for attribute, (_, _, kind) in MEMBERS.items() for root in ("", "customer.")
}
"""The names of attributes that hold resources of the tenant, and the kind of resource."""

OF_EVENTS: Mapping[str, str] = {name: name for name in ("list", "tag", "journey", "template")}
"""The names in the data of events that hold resources of the tenant, and the kind of resource."""

TEMPLATE = "template"
"""The kind of resource that is mapped and not reset."""


def resource(path: str, *, event: bool) -> str | None:
    """Return the kind of resource that a name in a rule reads; where an event is at hand, bare names read it (R59).

    >>> [resource(path, event=True) for path in ("list", "trigger.tag", "wait.joined.list", "customer.lists", "plan")]
    ['list', 'tag', 'list', 'list', None]
    >>> resource("list", event=False) is None
    True
    """
    root, _, name = path.partition(".")
    if root == "wait":
        name = name.partition(".")[2]
    elif root not in {"event", "trigger"}:
        name = path if event else ""
    return OF_CUSTOMERS.get(path) or OF_EVENTS.get(name)


def _resource_inside(of: str, path: str, *, event: bool) -> str | None:
    """Return the kind of resource that a name in a count reads: `item` is one of the list, `item.x` as data of events.

    >>> _resource_inside("lists", "item", event=False), _resource_inside("seen", "item.tag", event=False)
    ('list', 'tag')
    """
    if path == ITEM:
        return resource(of, event=event)
    return OF_EVENTS.get(path.partition(".")[2]) if is_of_item(path) else resource(path, event=event)


@frozen
class Reset:
    """A reference to a resource of the old tenant that a copy does not keep: its place, its kind, what stood there."""

    path: str
    kind: str
    value: object


@frozen
class Copied(Rows):
    """The result of a copy into another tenant (F105).

    `tenant` and `journey` are the ids of the copy. `templates` maps old template names to new ones. `reset` is the
    references that are empty now, in rules, changes and the data of Sends, each with its place in a journey file.
    `unpublished` is the steps with such references, which are unpublished until the host fills them in and publishes
    them.
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


def copy_of(  # noqa: PLR0917 what a copy depends on
    journey: Journey,
    to: str,
    tenant: str,
    name: str | None,
    templates: Templates | None,
    resources: Resources | None,
) -> tuple[Journey, Copied]:
    """Return a copy of a journey for another tenant, and a report of what it lost (R18).

    The trigger of the copy is manual, and what the host keeps with the journey and its steps stays behind (`meta`). The
    names of lists, tags and journeys are reset to "", and so is what `resources` names in the data of Sends; the steps
    that have lost something are unpublished, so that nothing is done with an empty name. `templates` maps the templates
    of Sends and rules; without it they stay as they are. Raises InvalidInput if `templates` or `resources` returns what
    cannot be.
    """
    taken = _Taking(templates, resources)
    steps = [taken.step(step, f"steps[{n}]") for n, step in enumerate(journey.steps)]
    unpublished = tuple(
        step.id for n, step in enumerate(steps) if any(each.path.startswith(f"steps[{n}].") for each in taken.lost)
    )
    made = evolve(
        clone_of(journey, to, name),
        tenant=None,
        meta={},
        trigger=Trigger(manual=True),
        steps=steps,
        run_criteria=taken.rule(journey.run_criteria, "run_criteria", event=True),
        exits=[taken.exit(each, f"exits[{n}]") for n, each in enumerate(journey.exits)],
        goal=journey.goal and evolve(journey.goal, where=taken.rule(journey.goal.where, "goal.where", event=True)),
    )
    if taken.faults:
        raise InvalidInput(taken.faults)
    return made, Copied(tenant, to, taken.known, tuple(taken.lost), unpublished)


@frozen
class _Taking:
    """A copy that is being taken: how its resources are mapped and named, and what it has lost so far."""

    templates: Templates | None
    resources: Resources | None
    known: dict[str, str] = field(factory=dict)
    lost: list[Reset] = field(factory=list)
    faults: list[str] = field(factory=list)

    def template(self, name: str) -> str:
        """Return the other tenant's template for one of this tenant, asked for once."""
        if self.templates is None:
            return name
        if name not in self.known:
            self.known[name] = self.templates(name)
            if fault := id_fault(self.known[name]):
                self.faults.append(f"templates({name!r}): {fault}")
                self.known[name] = name
        return self.known[name]

    def exit(self, way: Exit, path: str) -> Exit:
        """Return an exit without the resources of the old tenant."""
        where = self.rule(way.where, f"{path}.where", event=True)
        return evolve(way, where=where, when=self.rule(way.when, f"{path}.when"))

    def step(self, step: Step, path: str) -> Step:
        """Return a step without the resources of the old tenant."""
        step = with_options(step, {"meta": {}})
        if isinstance(step, Send):
            return evolve(step, template=self.template(step.template), data=self.data(step.data, "", f"{path}.data"))
        if isinstance(step, Wait):
            where = self.rule(step.where, f"{path}.where", event=True)
            return evolve(step, where=where, when=self.rule(step.when, f"{path}.when"))
        if isinstance(step, Condition):
            branches = [
                evolve(each, when=self.rule(each.when, f"{path}.branches[{n}].when"))
                for n, each in enumerate(step.branches)
            ]
            return with_options(step, {"branches": branches})
        if isinstance(step, Update):
            changes = [self.change(each, f"{path}.changes[{n}]") for n, each in enumerate(step.changes)]
            return with_options(step, {"changes": changes})
        return step

    def data(self, value: Any, place: str, path: str) -> Any:  # noqa: ANN401 any JSON
        """Return a value of a Send's data without what the host calls a resource, from the outside to the inside."""
        kind = self.resources(place, thaw(value)) if self.resources and place else None
        if kind is not None:
            if fault := id_fault(kind):
                self.faults.append(f"data({place!r}): {fault}")
            self.lost.append(Reset(path, kind, thaw(value)))
            return "" if isinstance(value, str) else None
        if isinstance(value, Mapping):
            return {
                name: self.data(inner, f"{place}.{name}".lstrip("."), f"{path}.{name}") for name, inner in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.data(inner, f"{place}[{n}]", f"{path}[{n}]") for n, inner in enumerate(value)]
        return value

    def change(self, change: Change | Chain, path: str) -> Change | Chain:
        """Return a change with its names reset."""
        if isinstance(change, Chain):
            return evolve(change, journeys=self.value(change.journeys, f"{path}.journeys", "journey"))
        if change.field not in MEMBERS:
            return change
        return evolve(change, value=self.value(change.value, f"{path}.value", MEMBERS[change.field][2]))

    def rule(self, rule: Rule | None, path: str, *, event: bool = False, of: str | None = None) -> Rule | None:
        """Return a rule without operands that name something of the tenant; inside a count, `of` is the list's path."""
        if isinstance(rule, FieldRule):
            kind = resource(rule.field, event=event) if of is None else _resource_inside(of, rule.field, event=event)
            return rule if kind is None else evolve(rule, value=self.value(rule.value, f"{path}.value", kind))
        if isinstance(rule, AllOf | AnyOf):
            word = "all" if isinstance(rule, AllOf) else "any"
            parts = (self.rule(each, f"{path}.{word}[{n}]", event=event, of=of) for n, each in enumerate(rule.rules))
            return type(rule)(parts)  # type: ignore[arg-type]  # a rule stays one
        if isinstance(rule, CountRule):
            return evolve(rule, where=self.rule(rule.where, f"{path}.where", event=event, of=rule.field))
        if isinstance(rule, NotRule):
            return NotRule(self.rule(rule.rule, f"{path}.not", event=event, of=of))  # type: ignore[arg-type]  # a rule stays one
        return rule

    def value(self, value: Any, path: str, kind: str) -> Any:  # noqa: ANN401 any JSON
        """Return the name that stands for a name: a mapped template, or "" for what is lost; lists by member."""
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.value(each, f"{path}[{n}]", kind) for n, each in enumerate(value)]
        if not isinstance(value, str) or not value:
            return value
        if kind == TEMPLATE:
            return self.template(value)
        self.lost.append(Reset(path, kind, value))
        return ""
