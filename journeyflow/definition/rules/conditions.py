"""Rules: conditions about a customer, an event and a run, as frozen data (R59 to R63).

A rule does nothing by itself. `rule_parts.py` walks through it and returns the names that it reads, which are known
before it is asked; `evaluation.py` turns it into a function of the facts.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from keyword import iskeyword

from attrs import field as attrs_field
from attrs import frozen

from journeyflow.basics.moments import from_micros, to_micros
from journeyflow.basics.values import freeze
from journeyflow.definition.rules.operators import ALIASES, OPERATORS
from journeyflow.errors import brief


def _operand(value: object) -> object:
    """Return an operand in its stored form: datetimes as ISO text, lists as tuples."""
    return from_micros(to_micros(value, "value")).isoformat() if isinstance(value, datetime) else freeze(value)


class Combinable:
    """A mixin for every kind of rule: `a & b`, `a | b`, `~a`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Raise TypeError, because `and`, `or` and `not` would silently drop one of the rules."""
        msg = "a rule is neither true nor false before it is asked; join rules with & and |, turn one round with ~"
        raise TypeError(msg)

    def __and__(self, other: "Rule") -> "AllOf":
        """Return a rule that is true if both are."""
        return AllOf((self, other))  # type: ignore[arg-type]  # a mixin of the rules alone

    def __or__(self, other: "Rule") -> "AnyOf":
        """Return a rule that is true if at least one of the two is."""
        return AnyOf((self, other))  # type: ignore[arg-type]  # a mixin of the rules alone

    def __invert__(self) -> "NotRule":
        """Return the opposite rule."""
        return NotRule(self)  # type: ignore[arg-type]  # a mixin of the rules alone


def _known_name(op: str) -> str:
    """Return the operator of an alias; any other value stays as it is, for validation to check."""
    return ALIASES.get(op, op) if isinstance(op, str) else op


@frozen
class FieldRule(Combinable):
    """A field, an operator, and a value or the name of a field to compare with (R59, R60)."""

    field: str
    op: str = attrs_field(converter=_known_name)
    value: object = attrs_field(default=None, converter=_operand, hash=False)
    value_of: str | None = None

    def __repr__(self) -> str:
        """Return the call that makes the comparison, without arguments that are None."""
        said = {"field": self.field, "op": self.op, "value": self.value, "value_of": self.value_of}
        shown_parts = (f"{name}={brief(part)}" for name, part in said.items() if part is not None)
        return f"FieldRule({', '.join(shown_parts)})"

    def __str__(self) -> str:
        """Return the comparison in words."""
        known = isinstance(self.op, str) and self.op in OPERATORS
        return comparison_in_words(self, OPERATORS[self.op].negated) if known else f"{self.field} {self.op} ?"


def _parts(rules: Iterable["Rule"]) -> tuple["Rule", ...]:
    """Return the parts of a rule as a tuple; a value that is not a list counts as one part, for validation to check."""
    many = isinstance(rules, Iterable) and not isinstance(rules, str | bytes | Mapping)
    return tuple(rules) if many else (rules,)  # type: ignore[return-value]  # validation reports it


@frozen
class AllOf(Combinable):
    """A rule that is true if all of its parts are; true without parts."""

    rules: tuple["Rule", ...] = attrs_field(converter=_parts, repr=brief)

    def __str__(self) -> str:
        """Return the rules joined by "and"."""
        return "(" + " and ".join(map(str, self.rules)) + ")"


@frozen
class AnyOf(Combinable):
    """A rule that is true if at least one of its parts is; false without parts."""

    rules: tuple["Rule", ...] = attrs_field(converter=_parts, repr=brief)

    def __str__(self) -> str:
        """Return the rules joined by "or"."""
        return "(" + " or ".join(map(str, self.rules)) + ")"


@frozen
class NotRule(Combinable):
    """A rule that is true if another rule is false."""

    rule: "Rule" = attrs_field(repr=brief)

    def __str__(self) -> str:
        """Return the rule preceded by "not"."""
        return f"not {self.rule}"


@frozen
class CountRule(Combinable):
    """How many members of a list make a rule true: at least a number, at most a number, or both (R60).

    In `where`, `item` is the member that is looked at, and `item.x` a value in it; other names mean what they mean
    elsewhere. Without `where`, all members count. What is not a list has none.
    """

    field: str
    where: "Rule | None" = attrs_field(default=None, repr=brief)
    at_least: int | None = None
    at_most: int | None = None

    def __str__(self) -> str:
        """Return the count in words."""
        last = self.at_least if self.at_most is None else self.at_most
        return f"{self.field} has {bounds_in_words(self)} {members_in_words(self, last)}"


def bounds_in_words(rule: CountRule) -> str:
    """Return how many members must be there, in words."""
    bounds = {"at least": rule.at_least, "at most": rule.at_most}
    if rule.at_least == rule.at_most:
        return f"exactly {rule.at_least}"
    return " and ".join(f"{words} {number}" for words, number in bounds.items() if number is not None)


def members_in_words(rule: CountRule, number: int | None) -> str:
    """Return which members are counted, in words."""
    which = "" if rule.where is None else f" with {rule.where}"
    return f"member{'' if number == 1 else 's'}{which}"


def comparison_in_words(rule: FieldRule, turned: bool, actual: str = "") -> str:
    """Return a comparison, or its opposite, in words, with the actual value where there is one."""
    operator = OPERATORS[rule.op]
    words = operator.words
    if turned:
        words = {"=": "is not", "in": "not in", "is null": "is not null"}.get(words, f"not {words}")
    value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
    shown = "" if operator.alone else f" {rule.value_of or repr(value)}"
    return f"{rule.field}{actual} {words}{shown}"


FactRule = FieldRule | CountRule
"""A rule that asks for facts itself; all others combine rules."""

Rule = FactRule | AllOf | AnyOf | NotRule


def all_of(*rules: Rule) -> AllOf:
    """Return a rule that is true if all of these are; `a & b` is the same for two.

    >>> print(all_of(field("plan").eq("paid"), field("age").gte(18)))
    (plan = 'paid' and age >= 18)
    """
    return AllOf(rules)


def any_of(*rules: Rule) -> AnyOf:
    """Return a rule that is true if at least one of these is; `a | b` is the same for two.

    >>> print(any_of(field("plan").eq("paid"), field("trial").is_null()))
    (plan = 'paid' or trial is null)
    """
    return AnyOf(rules)


def not_(rule: Rule) -> NotRule:
    """Return the opposite of a rule; the same as `~rule`.

    >>> print(not_(field("plan").eq("paid")))
    not plan = 'paid'
    """
    return NotRule(rule)


def _comparing(op: str, summary: str) -> Callable[["FieldPath", object], FieldRule]:
    def build(self: "FieldPath", value: object) -> FieldRule:
        other = value.path if isinstance(value, FieldPath) else None
        return FieldRule(self.path, op, None if other else value, other)

    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in op)
    build.__name__ = f"{name}_" if iskeyword(name) else name
    build.__qualname__ = f"Field.{build.__name__}"  # named in the TypeError of a call with wrong arguments
    build.__doc__ = f"Ask for: {summary} (operator {op})."
    return build


@frozen
class FieldPath:
    """A path to a value of a customer, an event or a run; its methods return rules (R59).

    A bare name is an attribute of the customer, dots lead into objects, and `event.`, `trigger.`, `wait.<step>.`,
    `message.<step>.` and `enrollment.` read other facts. Members of a list are read by number, `items.0.price`. The
    argument of a comparison may be another field, such as `field("now")`, the instant at which it is asked.

    >>> print(field("membershipTier").in_(["Gold", "Platinum"]))
    membershipTier in ['Gold', 'Platinum']
    """

    path: str

    eq = _comparing("eq", "equal")
    ne = _comparing("ne", "not equal")
    gt = _comparing("gt", "greater")
    gte = _comparing("gte", "greater or equal")
    lt = _comparing("lt", "less")
    lte = _comparing("lte", "less or equal")
    in_ = _comparing("in", "one of a list")
    not_in = _comparing("notIn", "none of a list")
    contains = _comparing("contains", "has the text, or the member")
    not_contains = _comparing("notContains", "has it not")
    starts_with = _comparing("startsWith", "begins with the text")
    ends_with = _comparing("endsWith", "ends with the text")
    matches = _comparing("matches", "the pattern is found")
    not_matches = _comparing("notMatches", "the pattern is not found")
    before = _comparing("before", "an earlier date or instant")
    after = _comparing("after", "a later date or instant")
    within_last = _comparing("withinLast", "at most so long ago")
    within_next = _comparing("withinNext", "at most so long ahead")

    def between(self, lower: object, upper: object) -> FieldRule:
        """Ask for a value from lower to upper, both included (operator between)."""
        return FieldRule(self.path, "between", (lower, upper))

    def count(self, where: Rule | None = None, *, at_least: int | None = None, at_most: int | None = None) -> CountRule:
        """Ask how many members of a list make a rule true, in which `item` is the member.

        >>> large = field("item.amount").gte(100) & field("item.at").within_last("30 days")
        >>> print(field("purchases").count(large, at_least=2))
        purchases has at least 2 members with (item.amount >= 100 and item.at within the last '30 days')
        """
        return CountRule(self.path, where, at_least, at_most)

    def is_null(self) -> FieldRule:
        """Ask whether it is missing or null (operator isNull)."""
        return FieldRule(self.path, "isNull")

    def is_not_null(self) -> FieldRule:
        """Ask whether it is there and not null (operator isNotNull)."""
        return FieldRule(self.path, "isNotNull")


def field(path: str) -> FieldPath:
    """Return the field with this path, to compare it in a rule.

    >>> field("customer.address.city").eq("Cape Town")
    FieldRule(field='customer.address.city', op='eq', value='Cape Town')
    """
    return FieldPath(path)
