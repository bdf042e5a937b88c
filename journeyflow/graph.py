"""From nested lists of steps to one flat graph with explicit edges (R40)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from journeyflow.steps import Condition, End, Split, Step, Target, targets, with_targets

END = "end"
"""The id of the End that is appended where a path has none (R40)."""


def flatten(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Turn nested lists of steps into one flat graph in the order written, every continuation a step's id.

    A step without `next` continues at the step after it; the last of a branch where the branches rejoin; the last of all
    at an End named "end", appended when something leads there (R40). What is no step stays as it is, to be told about.

    >>> from journeyflow.changes import field
    >>> from journeyflow.steps import Send, Wait, kind
    >>> flat = flatten(
    ...     [Condition("paid", field("plan").eq("paid"), yes=[Wait("rest", "1 day")]), Wait("more", "1 day")]
    ... )
    >>> [(step.id, dict(targets(step)).get("next")) for step in flat]
    [('paid', 'more'), ('rest', 'more'), ('more', 'end'), ('end', None)]
    """
    flat: list[Step] = []
    _flatten(tuple(steps), None, flat)
    leads_to_end = any(target == END for step in flat if _is_step(step) for _, target in targets(step))
    if leads_to_end and not any(getattr(step, "id", None) == END for step in flat):
        flat.append(End(END))
    return tuple(flat)


def _is_step(value: object) -> bool:
    return isinstance(value, Step)


def _flatten(steps: Sequence[Step], after: str | None, flat: list[Step]) -> None:
    """Append steps and all nested in them; `after` is where the last one goes on."""
    for position, step in enumerate(steps):
        if not _is_step(step):
            flat.append(step)
            continue
        following = getattr(steps[position + 1], "id", None) if position + 1 < len(steps) else after or END
        edges = targets(step)
        branches = {place: target for place, target in edges if place != "next"}
        follow = dict(edges).get("next") or following
        resolved: dict[str, Target] = {}
        nested: list[Sequence[Step]] = []
        for place, target in branches.items():
            if isinstance(target, tuple):
                nested.append(target)
                resolved[place] = getattr(target[0], "id", None) if target else follow
            elif target is None and isinstance(step, Condition | Split):
                resolved[place] = follow
        rejoins = (
            not isinstance(step, Condition | Split) or bool(nested) or dict(edges)["next"] or None in branches.values()
        )
        if edges and rejoins:
            resolved["next"] = follow
        flat.append(with_targets(step, resolved))
        for inner in nested:
            _flatten(inner, follow, flat)  # type: ignore[arg-type]  # `next` is an id by now


def ways_on(step: Step) -> list[str]:
    """List where people can go from a step; where the branches of a choice rejoin is no way of its own.

    >>> ways_on(Split("s", next="later"))
    []
    """
    choice = isinstance(step, Condition | Split)
    return [target for place, target in targets(step) if isinstance(target, str) and not (choice and place == "next")]


def in_cycles(steps: Sequence[Step]) -> frozenset[str]:
    """Name the steps that a run may come back to, and those between two such loops.

    Steps that nothing leads to any more are peeled off until none is left, then those that lead nowhere.

    >>> from journeyflow.steps import Wait
    >>> sorted(in_cycles(flatten([Wait("a", "1 day"), Wait("b", "1 day"), Wait("c", "1 day", next="b")])))
    ['b', 'c']
    """
    forward = {step.id: ways_on(step) for step in steps}
    backward: dict[str, list[str]] = {name: [] for name in forward}
    for name, ways in forward.items():
        for way in ways:
            backward[way].append(name)
    left = _peel(forward, frozenset(forward))
    return _peel(backward, left)


def _peel(ways: dict[str, list[str]], among: frozenset[str]) -> frozenset[str]:
    """Take away, again and again, what no remaining step leads to."""
    left = set(among)
    reached = Counter(way for name in left for way in ways[name] if way in left)
    free = [name for name in left if not reached[name]]
    while free:
        name = free.pop()
        left.discard(name)
        for way in ways[name]:
            reached[way] -= 1
            if way in left and not reached[way]:
                free.append(way)
    return frozenset(left)
