"""Rules as the platform writes them: comparisons in flat lists, joined once by AND or OR."""

from collections.abc import Iterator

from journeyflow.basics.values import thaw
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, Rule
from journeyflow.definition.rules.rule_parts import walk
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.port import Loss


def present(whole: JsonObject) -> JsonObject:
    """Leave out what is absent."""
    return {key: value for key, value in whole.items() if value is not None}


def parts(rule: Rule | None) -> tuple[Rule, ...]:
    """Return the members of a group; a rule that is not a group is its own single member."""
    if isinstance(rule, AllOf | AnyOf):
        return rule.rules
    return () if rule is None else (rule,)


def sayable(rule: Rule | None, *groups: type) -> bool:
    """Return whether a rule is a comparison with a value, or a group of such of an allowed type or with one member."""
    members = parts(rule)
    plain = [each for each in members if isinstance(each, FieldRule) and each.value_of is None]
    return 0 < len(plain) == len(members) and (len(members) == 1 or isinstance(rule, groups))


def flat(rule: Rule | None) -> list[JsonObject]:
    """Write the members of a rule that is sayable."""
    return [
        present({"field": each.field, "operator": each.op, "value": thaw(each.value)})
        for each in parts(rule)
        if isinstance(each, FieldRule)
    ]


SEGMENTS = "segments"
"""The attribute that holds the segments of a customer, as in journeys of Octeth."""


def in_segment(name: str) -> FieldRule:
    """Return the rule that a customer is in a segment."""
    return FieldRule(SEGMENTS, "contains", name)


def segment_of(rule: Rule | None) -> str | None:
    """Return the segment that a rule asks for; None for any other rule."""
    value = rule.value if isinstance(rule, FieldRule) else None
    return value if isinstance(value, str) and rule == in_segment(value) else None


def grouped(rule: Rule | None) -> JsonObject:
    """Write a rule that is sayable as a group, with a combinator where there is something to combine."""
    combinator = {"combinator": "OR" if isinstance(rule, AnyOf) else "AND"} if len(parts(rule)) > 1 else {}
    return {**combinator, "rules": flat(rule)}


_NAMES = frozenset({"customer", "enrollment", "event", "message", "trigger", "wait"})
"""The first parts of names that have a special meaning in journeyflow (R59)."""


def rule_lost(rule: Rule | None, path: str, *groups: type) -> Iterator[Loss]:
    """Yield what the platform cannot express of a rule."""
    if rule is not None and not sayable(rule, *groups):
        words = "AND or OR" if AnyOf in groups else "AND"
        yield Loss(path, f"left out: only comparisons with values can be said, joined once by {words}")
        return
    for part, where in walk(rule, path):
        if isinstance(part, FieldRule) and "." in part.field and part.field.partition(".")[0] in _NAMES:
            yield Loss(f"{where}.field", f"{part.field!r} is a name of journeyflow's")
