"""The parts of a rule, and the paths that they read (R59, R60)."""

from collections.abc import Iterator

from journeyflow.definition.rules.conditions import AllOf, AnyOf, CountRule, FactRule, NotRule, Rule
from journeyflow.definition.rules.value_paths import is_of_item


def reads(rule: Rule | None) -> frozenset[str]:
    """Return every path that a rule reads.

    >>> from journeyflow.definition.rules.conditions import field
    >>> sorted(reads(field("a").eq(1) & ~field("b").gt(field("event.c"))))
    ['a', 'b', 'event.c']
    """
    return frozenset(path for part in comparisons(rule) for path in paths_of(part))


def comparisons(rule: Rule | None) -> Iterator[FactRule]:
    """Yield the parts of a rule that ask for facts; what is asked of the members of a list is inside its count."""
    return (part for part, _ in walk(rule) if isinstance(part, FactRule))


def paths_of(part: FactRule) -> Iterator[str]:
    """Yield the paths that a comparison or a count reads, without those into the members of its list.

    >>> from journeyflow.definition.rules.conditions import field
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

    >>> from journeyflow.definition.rules.conditions import field
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
