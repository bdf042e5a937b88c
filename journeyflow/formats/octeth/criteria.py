"""What a Decision asks, as rules and back: one table of families (F219, F220)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from journeyflow.basics.values import describe, thaw
from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.formats.json_parts import JsonObject, PartReader
from journeyflow.formats.octeth.campaigns import OF_CAMPAIGNS, opens_or_clicks
from journeyflow.formats.octeth.keys import (
    ActionReader,
    attribute_of,
    comparing,
    field_of,
    joined_by,
    members,
    name_as_number,
)
from journeyflow.formats.octeth.members import Unasked
from journeyflow.formats.octeth.past_criteria import HISTORY, in_journeys, write_history

FIELDS = {
    "is": "eq",
    "is not": "ne",
    "contains": "contains",
    "does not contain": "notContains",
    "begins with": "startsWith",
    "ends with": "endsWith",
    "is less than": "lt",
    "is less than or equal to": "lte",
    "is greater than": "gt",
    "is greater than or equal to": "gte",
    "is set": "isNotNull",
    "is not set": "isNull",
}
"""The operators of the family "fields"."""

YES_NO = {
    **{name: FIELDS[name.lower()] for name in ("Contains", "Does not contain", "Begins with", "Ends with")},
    **{name: FIELDS[name.lower()] for name in ("Is set", "Is not set", "Is", "Is not")},
    "Equals to": "eq",
    "Is greater than": "gt",
    "Is smaller than": "lt",
    "Is before": "before",
    "Is after": "after",
}
"""The operators of a YesNo."""

ENGAGED = ("opened", "clicked", "unsubscribed", "complained", "bounced")
"""What may have been done with an email of this journey, or not."""

NO_TAGS = FieldRule("tags.0", "isNull")
"""Whether a customer has no tag: there is no first one."""

SUPPRESSED = FieldRule("consent.EMAIL", "eq", False)

_Family = Callable[[str, JsonObject], Rule | None]
"""A function (operator, criterion) that returns the rule, or None for an unknown operator; it may raise Unasked."""


def _text(criterion: JsonObject, name: str) -> str:
    return str(criterion.get(name, ""))


def _fields(operator: str, criterion: JsonObject) -> Rule | None:
    op = FIELDS.get(operator)
    value = None if op in {"isNull", "isNotNull"} else criterion.get("value", "")
    return None if op is None else FieldRule(attribute_of(_text(criterion, "field_id")), op, value)


def _tags(operator: str, criterion: JsonObject) -> Rule | None:
    ids = [each.strip() for each in _text(criterion, "value").split(",")]
    has = [FieldRule("tags", "contains", each) for each in ids]
    return {
        "has this tag": has[0],
        "does not have this tag": FieldRule("tags", "notContains", ids[0]),
        "has any of these tags": joined_by(has, AnyOf),
        "has all of these tags": joined_by(has, AllOf),
        "has no tags": NO_TAGS,
    }.get(operator)


def _segments(operator: str, criterion: JsonObject) -> Rule | None:
    op = {"belongs to": "contains", "does not belong to": "notContains"}.get(operator)
    return None if op is None else FieldRule("segments", op, _text(criterion, "value"))


def _suppressions(operator: str, _: JsonObject) -> Rule | None:
    return {"exist": SUPPRESSED, "not exist": FieldRule(SUPPRESSED.field, "ne", SUPPRESSED.value)}.get(operator)


EMAILS, OWNER = "journey-email-action", "journey-id"
"""The family of criteria about emails of the journey itself, and the key that names the journey."""


def _emails(operator: str, criterion: JsonObject) -> Rule | None:
    kind = operator.removeprefix("not ")
    op = "eq" if kind == operator else "ne"
    return FieldRule(f"message.{_text(criterion, 'value')}.{kind}", op, True) if kind in ENGAGED else None


def _journeys(operator: str, criterion: JsonObject) -> Rule | None:
    """Read a criterion about journeys, or in an older form about emails of this one."""
    return (_emails if operator.removeprefix("not ") in ENGAGED else in_journeys)(operator, criterion)


FAMILIES: Mapping[str, _Family] = {
    "fields": _fields,
    "tags": _tags,
    "segments": _segments,
    "suppressions": _suppressions,
    EMAILS: _emails,
    **HISTORY,
    "journeys": _journeys,
}


# --- reading ----------------------------------------------------------------------------------------------------------


def read_groups(reader: PartReader, value: object, path: str) -> tuple[list[Rule], bool] | None:
    """Read the criteria of a Decision; return the rules, and whether they are groups, of which one must hold."""
    if not isinstance(value, list):
        reader.fault("type", path, f"expected a list, not {describe(value)}")
        return None
    grouped = bool(value) and all(isinstance(each, list) for each in value)
    if not grouped:
        return _rules(reader, value, path), False
    groups = [_rules(reader, group, f"{path}[{n}]") for n, group in enumerate(value)]
    if len(groups) == 1:  # one group stays a group, so that it is written as it was read
        return [AnyOf((AllOf(groups[0]),))], True
    return [joined_by(each, AllOf) if each else AllOf(()) for each in groups], True


def _rules(reader: PartReader, criteria: Sequence[object], path: str) -> list[Rule]:
    found = [_rule(reader, each, f"{path}[{n}]") for n, each in enumerate(criteria)]
    return [each for each in found if each is not None]


def _rule(reader: PartReader, value: object, path: str) -> Rule | None:
    """Read one criterion."""
    if not isinstance(value, dict):
        reader.fault("type", path, f"expected an object, not {describe(value)}")
        return None
    family, operator = str(value.get("type", "")).lower(), str(value.get("operator", "")).lower()
    if family not in FAMILIES:
        reader.fault("criteria", f"{path}.type", f"unknown type {family!r}; known are {', '.join(FAMILIES)}")
        return None
    of_emails = family in {EMAILS, "journeys"} and operator.removeprefix("not ") in ENGAGED
    own, owner = cast("ActionReader", reader).journey, value.get(OWNER)
    if of_emails and own and owner and str(owner) != own:
        reader.fault("reference", f"{path}.{OWNER}", f"a Decision asks for emails of its own journey, not of {owner!r}")
    try:
        rule = FAMILIES[family](operator, value)
    except Unasked as error:
        reader.fault("criteria", f"{path}.{error.key}", error.reason)
        return None
    if rule is None:
        reader.fault("operator", f"{path}.operator", f"unknown operator {operator!r} of {family}")
    return rule


def yes_no(reader: PartReader, keys: JsonObject, path: str) -> Rule | None:
    """Return the rule of a YesNo."""
    left, operator = keys.get("CriteriaLeft") or "", str(keys.get("CriteriaOperator"))
    if left in OF_CAMPAIGNS:
        return _of_campaigns(reader, keys, path)
    op = {name.lower(): op for name, op in YES_NO.items()}.get(operator.lower())
    if op is None:
        reader.fault("criteria", path, f"unknown operator {operator!r}; known are {', '.join(YES_NO)}")
        return None
    return FieldRule(attribute_of(left), op, None if op in {"isNull", "isNotNull"} else keys.get("CriteriaRight", ""))


def _of_campaigns(reader: PartReader, keys: JsonObject, path: str) -> Rule | None:
    """Return the rule of a YesNo about opens or clicks."""
    try:
        rule = opens_or_clicks(keys)
    except Unasked as error:
        reader.fault("criteria", f"{path}.CriteriaRight", error.reason)
        return None
    if rule is None:
        said = "expected At least, At most or Only with a number, or Is or Is not with a list of campaigns"
        reader.fault("criteria", path, f"{keys['CriteriaLeft']}: {said}")
    return rule


# --- writing ----------------------------------------------------------------------------------------------------------


def write_rule(rule: Rule, journey: str) -> JsonObject | None:
    """Return the CriteriaOperator and the Criteria of a Decision in a journey; None if the rule cannot be said so.

    >>> write_rule(FieldRule("tags", "contains", "5"), "welcome")
    {'CriteriaOperator': 'and', 'Criteria': [{'type': 'tags', 'operator': 'has this tag', 'value': '5'}]}
    """
    one_group = isinstance(rule, AnyOf) and len(rule.rules) == 1 and isinstance(rule.rules[0], AllOf)
    for operator, group in () if one_group else (("and", AllOf), ("or", AnyOf)):
        if isinstance(rule, FieldRule | CountRule | NotRule | group):
            flat = [_written(each, journey) for each in members(rule, group)]
            if None not in flat:
                return {"CriteriaOperator": operator, "Criteria": flat}
    if isinstance(rule, AnyOf):
        groups = [[_written(each, journey) for each in members(group, AllOf)] for group in rule.rules]
        if not any(None in group for group in groups):
            return {"CriteriaOperator": "or", "Criteria": groups}
    return None


def _written(rule: Rule, journey: str) -> JsonObject | None:
    """Return one criterion; None for what is none."""
    if rule == NO_TAGS:
        return {"type": "tags", "operator": "has no tags"}
    one = comparing(rule)
    if one is not None:
        for write in (_write_member, _write_suppression, partial(_write_email, journey), _write_field):
            if found := write(one):
                return found
        return None
    return _write_tags(rule) or write_history(rule)


def _write_tags(rule: Rule) -> JsonObject | None:
    if not isinstance(rule, AllOf | AnyOf):
        return None
    tags = [
        each.value
        for each in rule.rules
        if isinstance(each, FieldRule) and (each.field, each.op) == ("tags", "contains")
    ]
    if not tags or len(tags) < len(rule.rules):
        return None
    many = "all" if isinstance(rule, AllOf) else "any"
    return {"type": "tags", "operator": f"has {many} of these tags", "value": ",".join(map(str, tags))}


_MEMBERS = {
    ("tags", "contains"): "has this tag",
    ("tags", "notContains"): "does not have this tag",
    ("segments", "contains"): "belongs to",
    ("segments", "notContains"): "does not belong to",
}


def _write_member(rule: FieldRule) -> JsonObject | None:
    operator = _MEMBERS.get((rule.field, rule.op))
    return operator and {"type": rule.field, "operator": operator, "value": str(rule.value)}  # type: ignore[return-value]  # None


def _write_suppression(rule: FieldRule) -> JsonObject | None:
    if (rule.field, rule.value) != (SUPPRESSED.field, False):
        return None
    return {"type": "suppressions", "operator": "exist" if rule.op == "eq" else "not exist"}


def _write_email(journey: str, rule: FieldRule) -> JsonObject | None:
    root, _, rest = rule.field.partition(".")
    step, _, kind = rest.rpartition(".")
    if root != "message" or kind not in ENGAGED or rule.value is not True:
        return None
    operator = kind if rule.op == "eq" else f"not {kind}"
    return {"type": EMAILS, "operator": operator, OWNER: name_as_number(journey), "value": name_as_number(step)}


_FIELDS = {op: name for name, op in FIELDS.items()}


def _write_field(rule: FieldRule) -> JsonObject | None:
    if rule.op not in _FIELDS or "." in rule.field or rule.field in {"tags", "segments", "lists"}:
        return None
    value = {} if rule.value is None else {"value": thaw(rule.value)}
    return {"type": "fields", "field_id": field_of(rule.field), "operator": _FIELDS[rule.op], **value}
