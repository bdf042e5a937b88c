"""The triggers of Octeth: which event each is, what it is narrowed by, and its criteria (F22 to F43)."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from journeyflow.basics.values import thaw
from journeyflow.definition.entry import Trigger
from journeyflow.definition.rules.conditions import AllOf, FieldRule, Rule
from journeyflow.definition.rules.operators import ALIASES
from journeyflow.formats.json_parts import JsonObject, PartReader, list_of, part_of
from journeyflow.formats.octeth.keys import attribute_of, comparing, field_of, joined_by, members, name_as_number, word
from journeyflow.formats.port import Loss

EMAIL = "EMAIL"

LIST, EMAIL_ID, VALUE = "ListID", "EmailID", "Value"
"""The names of what a trigger is narrowed by, in `TriggerParameters`; a request says `Trigger_ListID`."""


@frozen
class TriggerKind:
    """One trigger: the event, the parameter that narrows it, and the name in the event's data that it narrows."""

    event: str
    parameter: str | None = None
    name: str = ""
    website: bool = False


MANUAL = "Manual"

TRIGGERS: Mapping[str, TriggerKind] = {
    "ListSubscription": TriggerKind("list.subscribed", LIST, "list"),
    "ListUnsubscription": TriggerKind("list.unsubscribed", LIST, "list"),
    "EmailOpen": TriggerKind("message.opened", EMAIL_ID, "template"),
    "EmailConversion": TriggerKind("message.converted", EMAIL_ID, "template"),
    "EmailLinkClick": TriggerKind("message.clicked", EMAIL_ID, "template"),
    "Tag": TriggerKind("tag.added", VALUE, "tag"),
    "UnTag": TriggerKind("tag.removed", VALUE, "tag"),
    "CustomFieldValueChanged": TriggerKind("field.changed", VALUE, "field"),
    "RevenueHit": TriggerKind("revenue", VALUE, "amount"),
    "JourneyCompleted": TriggerKind("journey.completed", VALUE, "journey"),
    **{
        f"WebsiteEvent_{kind}": TriggerKind(f"website.{kind}", website=True)
        for kind in ("pageView", "identify", "customEvent", "conversion")
    },
}
"""Every trigger but Manual."""

_NAMES = {kind.event: name for name, kind in TRIGGERS.items()}

OPERATORS = ("equals", "doesn't equal", "contains", "doesn't contain", "matches regex", "doesn't match regex",
             "greater than", "less than", "is set", "is not set")  # fmt: skip
"""The operators of criteria (F43)."""

_OPERATORS = {ALIASES.get(name, name): name for name in OPERATORS}

_TEXT = PartReader.text

read_criteria = list_of(
    part_of(
        lambda **keys: keys,
        {"Property": _TEXT, "Operator": word(*OPERATORS), "Value": PartReader.anything},
        *("Property", "Operator"),
    )
)
"""The reader of a list of criteria: objects with Property, Operator and Value."""


def rules_of(criteria: Sequence[JsonObject | None], root: str) -> list[Rule]:
    """Return criteria as rules; `root` is "event." for the data of an event, "" for attributes of the customer.

    Those that could not be read are left out.

    >>> print(rules_of([{"Property": "conversionValue", "Operator": "greater than", "Value": "300"}], "event.")[0])
    event.conversionValue > '300'
    """
    read = [each for each in criteria if each and None not in {each["Property"], each["Operator"]}]
    fields = [f"{root}{each['Property']}" if root else attribute_of(each["Property"]) for each in read]
    return [FieldRule(field, each["Operator"], each.get("Value")) for field, each in zip(fields, read, strict=True)]


def criteria_of(rules: Sequence[Rule], root: str) -> list[JsonObject] | None:
    """Return rules as criteria; None if one of them is none."""
    plain = [
        each
        for each in map(comparing, rules)
        if each is not None and each.field.startswith(root) and each.op in _OPERATORS
    ]
    if len(plain) < len(rules):
        return None
    return [
        {
            "Property": each.field.removeprefix(root) if root else field_of(each.field),
            "Operator": _OPERATORS[each.op],
            **({} if each.value is None else {"Value": thaw(each.value)}),
        }
        for each in plain
    ]


_OF_EMAILS = FieldRule("event.channel", "eq", EMAIL)


def make_trigger(name: str, target: str, criteria: Sequence[JsonObject | None] = ()) -> Trigger:
    """Return a trigger by its name, narrowed by a target, the text of a number; "0" and "" are any.

    The target of RevenueHit is an amount in units of the currency.

    >>> make_trigger("ListSubscription", "10").where
    FieldRule(field='event.list', op='eq', value='10')
    >>> make_trigger("RevenueHit", "99.50").where
    FieldRule(field='event.amount', op='gte', value=9950)
    """
    if name == MANUAL:
        return Trigger(manual=True)
    kind, where = TRIGGERS[name], list[Rule]()
    if kind.name == "amount":
        where.append(FieldRule("event.amount", "gte", round(float(target or 0) * 100)))
    elif target not in {"", "0"}:
        where.append(FieldRule(f"event.{kind.name}", "eq", attribute_of(target) if kind.name == "field" else target))
    where += [_OF_EMAILS] if kind.parameter == EMAIL_ID else []
    where += rules_of(criteria, "event.")
    return Trigger(kind.event, where=joined_by(where, AllOf) if where else None)


def write_trigger(trigger: Trigger) -> tuple[str, JsonObject]:
    """Return the name of a trigger and its parameters; Manual for one that Octeth does not have.

    >>> write_trigger(Trigger.list_subscribed("10"))
    ('ListSubscription', {'ListID': 10})
    """
    name = _NAMES.get(trigger.event or "", MANUAL)
    if name == MANUAL:
        return MANUAL, {}
    kind, parameters = TRIGGERS[name], JsonObject()
    rules = [each for each in members(trigger.where, AllOf) if each != _OF_EMAILS]
    if kind.parameter is not None:
        target, rules = _target(kind, rules)
        parameters[kind.parameter] = target
    if criteria := criteria_of(rules, "event."):
        parameters["Criteria"] = criteria
    return name, parameters


def _target(kind: TriggerKind, rules: Sequence[Rule]) -> tuple[object, list[Rule]]:
    """Return what a trigger is narrowed by, 0 for any, and the other rules."""
    op = "gte" if kind.name == "amount" else "eq"
    for rule in rules:
        if isinstance(rule, FieldRule) and (rule.field, rule.op, rule.value_of) == (f"event.{kind.name}", op, None):
            rest = [each for each in rules if each is not rule]
            if isinstance(rule.value, int):
                return (rule.value / 100 if rule.value % 100 else rule.value // 100), rest
            name = str(rule.value)
            return name_as_number(field_of(name) if kind.name == "field" else name), rest
    return 0, list(rules)


def trigger_losses(trigger: Trigger) -> Iterator[Loss]:
    """Yield what of a trigger Octeth does not have."""
    name, parameters = write_trigger(trigger)
    if name == MANUAL:
        if trigger.event is not None:
            yield Loss("trigger.event", f"written as Manual: there is no trigger for {trigger.event!r}")
        elif trigger.pull is not None:
            yield Loss("trigger.pull", "written as Manual: no journey pulls customers on a schedule")
        return
    target = parameters.get(TRIGGERS[name].parameter or "", 0)
    if make_trigger(name, str(target), parameters.get("Criteria", ())) != trigger:
        yield Loss("trigger.where", "written as far as criteria can say it")
