"""Flattening nested lists of steps into one graph with explicit edges, and queries on that graph (R13, R40)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from journeyflow.definition.continuations import targets, with_targets
from journeyflow.definition.options import as_parts
from journeyflow.definition.steps import Condition, End, Split, Step, Target, Wait, is_step

END = "end"
"""The id of the End that is appended where a path has none (R40)."""

# --- flattening -------------------------------------------------------------------------------------------------------


def flatten(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return nested lists of steps as one flat graph in the order written, every continuation the id of a step.

    A step without `next` continues at the step after it, the last step of a branch where the branches rejoin, and the
    last step of all at an End named "end", which is appended when something leads there (R40). A value that is not a
    step, or not a list of steps, stays as it is, for validation to report.

    >>> from journeyflow.definition.rules.attribute_changes import field
    >>> flat = flatten(
    ...     [Condition("paid", field("plan").eq("paid"), yes=[Wait("rest", "1 day")]), Wait("more", "1 day")]
    ... )
    >>> [(step.id, dict(targets(step)).get("next")) for step in flat]
    [('paid', 'more'), ('rest', 'more'), ('more', 'end'), ('end', None)]
    """
    rows: tuple[Step, ...] = as_parts(steps)
    if not isinstance(rows, tuple):
        return rows
    flat: list[Step] = []
    named_end = False
    stack: list[tuple[Sequence[Step], int, str | None]] = [(rows, 0, END)]
    while stack:
        row, position, after = stack.pop()
        if position == len(row):
            continue
        stack.append((row, position + 1, after))
        step = row[position]
        if not is_step(step):
            flat.append(step)
            continue
        named_end = named_end or getattr(step, "next", None) == END
        follow = _follow(step, _id(row[position + 1]) if position + 1 < len(row) else after)
        nested = [target for _, target in targets(step)[1:] if isinstance(target, tuple)]
        flat.append(with_targets(step, _resolved(step, follow)))
        stack.extend((inner, 0, follow) for inner in reversed(nested))
    return _ended(flat, named_end=named_end)


def _follow(step: Step, following: str | None) -> str | None:
    """Return where a run continues after a step and everything nested in it."""
    own = getattr(step, "next", None)
    if own is None:
        return following
    return own if isinstance(own, str) else None


def _id(step: object) -> str | None:
    """Return the id of a step; None for a value that cannot be a target."""
    name = getattr(step, "id", None)
    return name if isinstance(name, str) else None


def _resolved(step: Step, follow: str | None) -> dict[str, Target]:
    """Return the resolved continuations, by place, for those of a step that are not the id of a step yet."""
    resolved: dict[str, Target] = {}
    rejoins = leaves_by_next(step)
    for place, target in targets(step)[1:]:
        if isinstance(target, tuple):
            resolved[place] = _id(target[0]) if target else follow
            rejoins = True
        elif target is None and isinstance(step, Condition | Split):
            resolved[place] = follow
            rejoins = True
    if rejoins and getattr(step, "next", follow) is None:
        resolved["next"] = follow
    return resolved


def _ended(flat: list[Step], *, named_end: bool) -> tuple[Step, ...]:
    """Return the graph with an End appended if a path leads to it; if none does, a `next` to that End is dropped."""
    known = [step for step in flat if is_step(step)]
    if any(step.id == END for step in known):
        return tuple(flat)
    if named_end or any(END in ways_on(step) for step in known):
        return (*flat, End(END))
    return tuple(with_targets(step, {"next": None}) if is_step(step) and _next(step) == END else step for step in flat)


def _next(step: Step) -> object:
    return getattr(step, "next", None)


# --- questions --------------------------------------------------------------------------------------------------------


def leaves_by_next(step: Step) -> bool:
    """Return whether a run can leave a step by its `next`; otherwise `next` only says where the branches rejoin.

    >>> leaves_by_next(Wait("w", event="x", on_event="a")), leaves_by_next(Wait("w", event="x", timeout="1 day"))
    (False, True)
    """
    if isinstance(step, Wait) and step.has_event:
        return step.on_event is None or (step.timeout is not None and step.on_timeout is None)
    return not isinstance(step, Condition | Split | End)


def ways_on(step: Step) -> list[str]:
    """Return the ids of the steps that can follow a step; the step where branches rejoin does not count by itself.

    >>> ways_on(Split("s", next="later"))
    []
    """
    onward = leaves_by_next(step)
    return [target for place, target in targets(step) if isinstance(target, str) and (onward or place != "next")]


def quick_ways(step: Step) -> list[str]:
    """Return the ids of the steps that can follow a step in no time (R13, R37).

    A wait for a duration, an opening, an event or a recurrence always takes time; one for a recurring date does, unless
    that date is missing; one for a condition does, unless that is true already.

    >>> quick_ways(Wait("w", until="09:00", next="a")), quick_ways(Wait("w", field="birthday", every="year", next="a"))
    ([], ['a'])
    """
    if not isinstance(step, Wait) or (step.every is None and (step.at is not None or step.field is not None)):
        return ways_on(step)
    at_once = {"field": step.on_missing or step.next, "when": step.on_event or step.next}
    return [way for form, way in at_once.items() if getattr(step, form) is not None and isinstance(way, str)]


def zero_time_cycle(steps: Iterable[Step]) -> list[str]:
    """Return a cycle that can be walked in zero time, as ids from a step back to itself; empty if there is none (R13).

    >>> zero_time_cycle(flatten([Split("a", next="b"), Wait("b", at="2026-01-01T00:00:00Z", next="b")]))
    ['b', 'b']
    """
    edges = {step.id: quick_ways(step) for step in steps}
    done: set[str] = set()
    for start in edges:
        if cycle := _cycle_from(start, edges, done):
            return cycle
    return []


def _cycle_from(start: str, edges: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """Return a cycle found by a depth-first walk from a step; `done` collects the steps that lead to no cycle."""
    path: list[str] = []
    on_path: set[str] = set()
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            on_path.remove(path.pop())
            done.add(node)
        elif node in on_path:
            return [*path[path.index(node) :], node]
        elif node not in done:
            path.append(node)
            on_path.add(node)
            stack.append((node, True))
            stack.extend((target, False) for target in reversed(edges[node]))
    return []


def reachable(steps: Sequence[Step]) -> frozenset[str]:
    """Return the ids of the steps that can be reached from the first one.

    >>> sorted(reachable([End("a"), End("b")]))
    ['a']
    """
    ways = {step.id: ways_on(step) for step in steps}
    reached = {steps[0].id}
    queue = [steps[0].id]
    while queue:
        ahead = [target for target in ways[queue.pop()] if target not in reached]
        reached.update(ahead)
        queue.extend(ahead)
    return frozenset(reached)


def in_cycles(steps: Sequence[Step]) -> frozenset[str]:
    """Return the ids of the steps that a run may return to, and of those between two such loops.

    Steps without predecessors are peeled off repeatedly, then steps without successors; the rest is returned.

    >>> from journeyflow.definition.steps import Wait
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
    """Return the steps left after repeatedly removing those that no remaining step leads to."""
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
