"""Rules: conditions about a customer, an event and a run, as frozen data (R59 to R63).

Evaluating a rule never raises and never reads a clock, and the names that it reads are known beforehand. `compile_rule`
turns a rule into a function of the facts, once per journey version; `explain` returns the result in words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from keyword import iskeyword
from zoneinfo import ZoneInfo

from attrs import field as attrs_field
from attrs import frozen

from journeyflow.basics.moments import from_micros, iso, to_micros
from journeyflow.basics.values import freeze
from journeyflow.definition.rules.operators import ALIASES, OPERATORS, SEVERAL, UTC, Known
from journeyflow.definition.rules.paths import read_path
from journeyflow.errors import brief

# --- the rule as data ---------------------------------------------------------------------------------------------


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
        return _sentence(self, OPERATORS[self.op].negated) if known else f"{self.field} {self.op} ?"


def _parts(rules: Iterable["Rule"]) -> tuple["Rule", ...]:
    """Return the parts of a rule as a tuple; a value that is no list counts as one part, for validation to check."""
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
    """How many members of a list make a rule true: at least so many, at most so many, or both (R60).

    In `where`, `item` is the member that is looked at, and `item.x` a value in it; other names mean what they mean
    elsewhere. Without `where`, all members count. What is no list has none.
    """

    field: str
    where: "Rule | None" = attrs_field(default=None, repr=brief)
    at_least: int | None = None
    at_most: int | None = None

    def __str__(self) -> str:
        """Return the count in words."""
        last = self.at_least if self.at_most is None else self.at_most
        return f"{self.field} has {_bounds(self)} {_members(self, last)}"


def _bounds(rule: CountRule) -> str:
    """Return how many members must be there, in words."""
    bounds = {"at least": rule.at_least, "at most": rule.at_most}
    if rule.at_least == rule.at_most:
        return f"exactly {rule.at_least}"
    return " and ".join(f"{words} {number}" for words, number in bounds.items() if number is not None)


def _members(rule: CountRule, number: int | None) -> str:
    """Return which members are counted, in words."""
    which = "" if rule.where is None else f" with {rule.where}"
    return f"member{'' if number == 1 else 's'}{which}"


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


# --- asking -------------------------------------------------------------------------------------------------------

NOW = "now"
"""The path of the instant at which a rule is asked: the instant of the move (R59)."""

Question = Callable[[Known], bool]


def compile_rule(rule: Rule) -> Question:
    """Return a valid rule as a function of the facts, which never raises (R61).

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


ITEM = "item"
"""The root of paths into the member of a list that is looked at."""


def is_of_item(path: str) -> bool:
    """Return whether a path in a rule about members of a list leads into the member."""
    return path == ITEM or path.startswith(f"{ITEM}.")


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
    """Return the facts about each member of a list; none for what is no list."""
    value = facts.value(path)
    return [ItemFacts(facts, each) for each in value] if isinstance(value, SEVERAL) else ()


@frozen
class Sample:
    """Facts from a plain mapping of paths to values: for tests, documentation and `explain`."""

    values: Mapping[str, object]
    at: int = 0
    zone: ZoneInfo = UTC

    def value(self, path: str) -> object:
        """Return the value of a path as it is written; None if it is missing."""
        return iso(self.at) if path == NOW else self.values.get(path)

    def choose(self, options: Sequence[str]) -> str:
        """Return the first of some texts."""
        return options[0]


def holds(rule: Rule, facts: Known) -> bool:
    """Ask a rule once.

    >>> holds(field("tags").contains("vip") | field("spent").gt(100), Sample({"tags": ["vip"]}))
    True
    """
    return compile_rule(rule)(facts)


def reads(rule: Rule | None) -> frozenset[str]:
    """Return every path that a rule reads.

    >>> sorted(reads(field("a").eq(1) & ~field("b").gt(field("event.c"))))
    ['a', 'b', 'event.c']
    """
    return frozenset(path for part in comparisons(rule) for path in paths_of(part))


def comparisons(rule: Rule | None) -> Iterator[FactRule]:
    """Yield the parts of a rule that ask for facts; what is asked of the members of a list is inside its count."""
    return (part for part, _ in walk(rule) if isinstance(part, FactRule))


def paths_of(part: FactRule) -> Iterator[str]:
    """Yield the paths that a comparison or a count reads, without those into the members of its list.

    >>> [*paths_of(field("visits").count(field("item.page").eq(field("event.page")), at_least=3))]
    ['visits', 'event.page']
    """
    if isinstance(part, CountRule):
        inner = (path for each in comparisons(part.where) for path in paths_of(each))
        paths = [part.field, *(path for path in inner if not is_of_item(path))]
    else:
        paths = [path for path in (part.field, part.value_of) if path is not None]
    return (path for path in paths if isinstance(path, str))  # rules may be unvalidated


def walk(rule: Rule | None, path: str = "", *, items: bool = False) -> Iterator[tuple[Rule, str]]:
    """Yield each part of a rule with its path in a journey file, outer parts first, without recursion.

    With `items`, also the parts of what is asked of members of lists.

    >>> [path for _, path in walk(field("a").eq(1) & ~field("b").eq(2), "where")]
    ['where', 'where.all[0]', 'where.all[1]', 'where.all[1].not']
    """
    stack = [(rule, path)] if rule is not None else []
    while stack:
        part, where = stack.pop()
        yield part, where
        if isinstance(part, NotRule):
            stack.append((part.rule, f"{where}.not"))
        elif items and isinstance(part, CountRule) and part.where is not None:
            stack.append((part.where, f"{where}.where"))
        elif isinstance(part, AllOf | AnyOf):
            word = "all" if isinstance(part, AllOf) else "any"
            stack.extend((inner, f"{where}.{word}[{n}]") for n, inner in reversed(list(enumerate(part.rules))))


def _sentence(rule: FieldRule, turned: bool, actual: str = "") -> str:
    """Write a comparison, or its opposite, with the actual value where there is one."""
    operator = OPERATORS[rule.op]
    words = operator.words
    if turned:
        words = {"=": "is not", "in": "not in", "is null": "is not null"}.get(words, f"not {words}")
    value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
    shown = "" if operator.alone else f" {rule.value_of or repr(value)}"
    return f"{rule.field}{actual} {words}{shown}"


def explain(rule: Rule, facts: Known) -> str:
    """Return how a rule came out, with the values compared; a false "all" names only what failed (R85).

    >>> explain(field("membershipTier").in_(["Gold", "Platinum"]), Sample({"membershipTier": "Silver"}))
    "membershipTier 'Silver' not in ['Gold', 'Platinum']"
    """
    if isinstance(rule, FieldRule):
        operator = OPERATORS[rule.op]
        actual, expected = facts.value(rule.field), facts.value(rule.value_of) if rule.value_of else rule.value
        came_out = operator.ask(actual, expected, facts)
        shown = "" if operator.alone else f" {_show(actual)}"
        other = f" {_show(expected)}" if rule.value_of else ""
        return _sentence(rule, not came_out, shown) + other
    if isinstance(rule, CountRule):
        number, came_out = counting(rule)(facts), holds(rule, facts)
        return f"{rule.field} has {number} {_members(rule, number)}, {'' if came_out else 'not '}{_bounds(rule)}"
    if isinstance(rule, NotRule):
        return explain(rule.rule, facts)
    whole = holds(rule, facts)
    if not rule.rules:
        return "no rules given"
    deciding = (
        [part for part in rule.rules if holds(part, facts) == whole] if whole != isinstance(rule, AllOf) else rule.rules
    )
    return (" and " if isinstance(rule, AllOf) == whole or len(deciding) == 1 else "; ").join(
        explain(part, facts) for part in deciding
    )


def _show(value: object) -> str:
    return "(missing)" if value is None else repr(list(value) if isinstance(value, tuple) else value)
