"""What is wrong with a rule, all at once (R13, R60, R63)."""

from collections.abc import Callable, Iterable, Iterator

from journeyflow.basics.values import INTEGER_MAX, MAX_DEPTH, describe, value_faults
from journeyflow.definition.rules.conditions import CountRule, FieldRule, Rule
from journeyflow.definition.rules.operators import ALIASES, OPERATORS
from journeyflow.definition.rules.rule_parts import walk
from journeyflow.definition.rules.value_paths import path_fault
from journeyflow.errors import ERROR, Problem, quoted, suggestions


def rule_problems(rule: object, path: str) -> Iterator[Problem]:
    """Yield every problem of a rule with its place (R13, R60, R63).

    >>> [str(problem) for problem in rule_problems(FieldRule("age", "gteq", 18), "where")]
    ["where.op: unknown operator 'gteq' (did you mean 'gte'?) [operator]"]
    """
    if rule is None:
        return
    suggest = suggestions()
    for part, where in walk(rule, path, items=True):  # type: ignore[arg-type]  # anything else is reported below
        if not isinstance(part, Rule):
            hint = "; compare with .eq(...), not with ==" if isinstance(part, bool) else ""
            said = f"expected a rule such as field('age').gte(18), not {describe(part)}{hint}"
            yield Problem("rule", ERROR, where, said)
        elif sum(map(where.removeprefix(path).count, (".all[", ".any[", ".not", ".where"))) > MAX_DEPTH:
            yield Problem("depth", ERROR, f"{path}...", f"the rule is nested deeper than {MAX_DEPTH} levels")
            return
        elif isinstance(part, FieldRule):
            yield from _comparison_problems(part, where, suggest)
        elif isinstance(part, CountRule):
            yield from _count_problems(part, where)


def _comparison_problems(
    rule: FieldRule, where: str, suggest: Callable[[object, Iterable[str]], str]
) -> Iterator[Problem]:
    for name, at in ((rule.field, "field"), (rule.value_of, "value_of")):
        if name is not None and (fault := path_fault(name)):
            yield Problem("field", ERROR, f"{where}.{at}", f"the field {fault}")
    operator = OPERATORS.get(rule.op) if isinstance(rule.op, str) else None
    if operator is None:
        names = [*OPERATORS, *ALIASES]
        hint = suggest(rule.op, names) or f"; known are {', '.join(OPERATORS)}"
        yield Problem("operator", ERROR, f"{where}.op", f"unknown operator {quoted(rule.op)}{hint}")
        return
    if bad := list(value_faults(rule.value, "value")):
        yield from (Problem("operand", ERROR, f"{where}.value", fault) for fault in bad)
    elif rule.value_of is None:
        if fault := operator.operand(rule.value):
            yield Problem("operand", ERROR, f"{where}.value", f"operator {operator.name} {fault}")
    elif rule.value is not None or not operator.takes_field:
        both = "value and value_of exclude each other" if rule.value is not None else "takes no value_of"
        yield Problem("operand", ERROR, f"{where}.value_of", f"operator {operator.name}: {both}")


def _count_problems(rule: CountRule, where: str) -> Iterator[Problem]:
    if fault := path_fault(rule.field):
        yield Problem("field", ERROR, f"{where}.count", f"the field {fault}")
    bounds = {"at_least": rule.at_least, "at_most": rule.at_most}
    wrong = [name for name, number in bounds.items() if number is not None and not _is_count(number)]
    for name in wrong:
        said = f"needs a whole number from 0 up, not {describe(bounds[name])}"
        yield Problem("count", ERROR, f"{where}.{name}", said)
    if rule.at_least is rule.at_most is None:
        yield Problem("count", ERROR, where, "a count needs at_least, at_most or both")
    elif not wrong and None not in bounds.values() and rule.at_least > rule.at_most:  # type: ignore[operator]  # both are numbers
        yield Problem("count", ERROR, where, "at_least is above at_most, so that it is never true")


def _is_count(number: object) -> bool:
    return type(number) is int and 0 <= number <= INTEGER_MAX
