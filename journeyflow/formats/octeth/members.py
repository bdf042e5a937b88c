"""Rules that count members of a list which the host keeps, in the way criteria about the past ask for them (F220)."""

import re
from collections.abc import Sequence

from journeyflow.basics.values import describe
from journeyflow.definition.rules.conditions import AllOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.formats.octeth.keys import joined_by, members

EVENT, AT = "item.event", "item.at"
"""What happened, and when, in the members of a list of events."""


class Unasked(Exception):
    """A criterion cannot be asked: the key that is wrong, and why."""

    def __init__(self, *, key: str, reason: str) -> None:
        """Take the key of the criterion and the reason."""
        super().__init__(key, reason)
        self.key, self.reason = key, reason


def some(attribute: str, where: Sequence[Rule], *, negated: bool) -> Rule:
    """Return the rule that some member of a list is such, or none."""
    rule = CountRule(attribute, joined_by(where, AllOf), at_least=1)
    return NotRule(rule) if negated else rule


def asked_of(rule: Rule, attribute: str) -> tuple[CountRule, Sequence[Rule], bool] | None:
    """Return a count of a list, what is asked of its members, and whether it is negated; None for any other rule."""
    count = rule.rule if isinstance(rule, NotRule) else rule
    if not isinstance(count, CountRule) or count.field != attribute:
        return None
    return count, members(count.where, AllOf), count is not rule


def values_of(rules: Sequence[Rule]) -> dict[str, object]:
    """Return what comparisons compare with, by field."""
    return {each.field: each.value for each in rules if isinstance(each, FieldRule)}


def read_name(value: object, key: str) -> str:
    """Return the number of something as its name; "" for 0, which is none."""
    if type(value) is int or (isinstance(value, str) and value):
        return "" if str(value) == "0" else str(value)
    raise Unasked(key=key, reason=f"expected a number, not {describe(value)}")


def read_days(value: object, key: str) -> FieldRule:
    """Return the rule that something happened in the last days, of a number of days."""
    if not re.fullmatch(r"[1-9]\d{0,4}", str(value), re.ASCII):
        raise Unasked(key=key, reason=f"expected a number of days, not {describe(value)}")
    return FieldRule(AT, "withinLast", f"{value} days")


def written_days(rule: FieldRule) -> str:
    """Return the number of days of such a rule."""
    return str(rule.value).removesuffix(" days")
