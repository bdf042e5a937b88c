"""Evaluating rules: as functions of the facts, compiled once per journey version, and in words (R61, R85).

Asking a rule never raises and never reads a clock: what it compares with "now" is a fact, as everything else is.
"""

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.moments import UTC_ZONE, iso
from journeyflow.definition.rules.conditions import (
    AllOf,
    CountRule,
    FieldRule,
    NotRule,
    Rule,
    bounds_in_words,
    comparison_in_words,
    members_in_words,
)
from journeyflow.definition.rules.operators import OPERATORS, SEVERAL, Known
from journeyflow.definition.rules.value_paths import ITEM, NOW, is_of_item, read_path

Question = Callable[[Known], bool]


def compile_rule(rule: Rule) -> Question:
    """Return a valid rule as a function of the facts, which never raises (R61).

    >>> from journeyflow.definition.rules.conditions import field
    >>> ask = compile_rule(field("age").gte(18))
    >>> ask(Sample({"age": "21"})), ask(Sample({}))
    (True, False)
    """
    if isinstance(rule, FieldRule):
        return _compile_comparison(rule)
    if isinstance(rule, CountRule):
        return _compile_count(rule)
    if isinstance(rule, NotRule):
        inner = compile_rule(rule.rule)
        return lambda facts: not inner(facts)
    questions = [compile_rule(part) for part in rule.rules]
    if isinstance(rule, AllOf):
        return lambda facts: all([question(facts) for question in questions])  # noqa: C419 evaluates all: explain
    return lambda facts: any([question(facts) for question in questions])  # noqa: C419 evaluates all: explain


def _compile_comparison(rule: FieldRule) -> Question:
    operator = OPERATORS[rule.op]
    ask, negated, path, value, other = operator.ask, operator.negated, rule.field, rule.value, rule.value_of
    if other is None:
        return lambda facts: ask(facts.value(path), value, facts) is not negated
    return lambda facts: ask(facts.value(path), facts.value(other), facts) is not negated


def _compile_count(rule: CountRule) -> Question:
    number, least, most = counting(rule), rule.at_least or 0, rule.at_most
    return lambda facts: least <= (found := number(facts)) and (most is None or found <= most)


def counting(rule: CountRule) -> Callable[[Known], int]:
    """Return a function of the facts that counts the members which a rule about a list asks for."""
    path, ask = rule.field, None if rule.where is None else compile_rule(rule.where)

    def number(facts: Known) -> int:
        items = items_of(facts, path)
        return len(items) if ask is None else sum(map(ask, items))

    return number


@frozen
class ItemFacts:
    """Facts together with one member of a list, under the name `item`."""

    facts: Known
    item: object

    @property
    def at(self) -> int:
        """The instant of the question, in microseconds UTC."""
        return self.facts.at

    @property
    def zone(self) -> ZoneInfo:
        """The zone of local dates."""
        return self.facts.zone

    def value(self, path: str) -> object:
        """Return the value at a path; None if it is missing or null."""
        return read_path({ITEM: self.item}, path) if is_of_item(path) else self.facts.value(path)


def items_of(facts: Known, path: str) -> Sequence[ItemFacts]:
    """Return the facts about each member of a list; none for what is not a list."""
    value = facts.value(path)
    return [ItemFacts(facts, each) for each in value] if isinstance(value, SEVERAL) else ()


@frozen
class Sample:
    """Facts from a plain mapping of paths to values: for tests, documentation and `explain_rule`."""

    values: Mapping[str, object]
    at: int = 0
    zone: ZoneInfo = UTC_ZONE

    def value(self, path: str) -> object:
        """Return the value of a path as it is written; None if it is missing."""
        return iso(self.at) if path == NOW else self.values.get(path)

    def choose(self, options: Sequence[str]) -> str:
        """Return the first of some texts."""
        return options[0]


def holds(rule: Rule, facts: Known) -> bool:
    """Ask a rule once.

    >>> from journeyflow.definition.rules.conditions import field
    >>> holds(field("tags").contains("vip") | field("spent").gt(100), Sample({"tags": ["vip"]}))
    True
    """
    return compile_rule(rule)(facts)


def explain_rule(rule: Rule, facts: Known) -> str:
    """Return how a rule came out, with the values compared; a false "all" names only what failed (R85).

    >>> from journeyflow.definition.rules.conditions import field
    >>> explain_rule(field("membershipTier").in_(["Gold", "Platinum"]), Sample({"membershipTier": "Silver"}))
    "membershipTier 'Silver' not in ['Gold', 'Platinum']"
    """
    if isinstance(rule, FieldRule):
        operator = OPERATORS[rule.op]
        actual, expected = facts.value(rule.field), facts.value(rule.value_of) if rule.value_of else rule.value
        came_out = operator.ask(actual, expected, facts)
        shown = "" if operator.alone else f" {_show(actual)}"
        other = f" {_show(expected)}" if rule.value_of else ""
        return comparison_in_words(rule, not came_out, shown) + other
    if isinstance(rule, CountRule):
        number, came_out = counting(rule)(facts), holds(rule, facts)
        verdict = f"{'' if came_out else 'not '}{bounds_in_words(rule)}"
        return f"{rule.field} has {number} {members_in_words(rule, number)}, {verdict}"
    if isinstance(rule, NotRule):
        return explain_rule(rule.rule, facts)
    whole = holds(rule, facts)
    if not rule.rules:
        return "no rules given"
    deciding = (
        [part for part in rule.rules if holds(part, facts) == whole] if whole != isinstance(rule, AllOf) else rule.rules
    )
    return (" and " if isinstance(rule, AllOf) == whole or len(deciding) == 1 else "; ").join(
        explain_rule(part, facts) for part in deciding
    )


def _show(value: object) -> str:
    return "(missing)" if value is None else repr(list(value) if isinstance(value, tuple) else value)
