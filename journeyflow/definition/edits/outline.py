"""The outline of a journey: the lists of steps, with branches, that its graph was or could have been written as."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen

from journeyflow.basics.expecting import expect_with
from journeyflow.definition.continuations import targets, with_targets
from journeyflow.definition.graph import END, leaves_by_next
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Condition, End, Split, Step, Wait


@frozen
class OutlineStep:
    """A step in its list: `number` is its place there, from 1; `branches` are the lists that begin at it, by way.

    A way is the label of a branch or an arm, or the outcome of a wait. A way that leads to a step of another list has
    no list here.
    """

    id: str
    number: int
    branches: Mapping[str, tuple["OutlineStep", ...]]


def outline(journey: Journey) -> tuple[tuple[OutlineStep, ...], ...]:
    """Return the lists of steps that a journey consists of: the main path first, then lists that belong to no branch.

    It is how a tree of actions shows the graph: each step is in exactly one list. Lists after the first hold steps to
    which others only jump, and steps that no path leads to.

    >>> from journeyflow.definition.rules.conditions import FieldRule
    >>> steps = [Condition("paid", FieldRule("plan", "eq", "paid"), yes=[Wait("rest", "1 day")], no=[]), End("done")]
    >>> for step in outline(Journey(id="j", steps=steps))[0]:
    ...     print(step.number, step.id, {way: [each.id for each in inner] for way, inner in step.branches.items()})
    1 paid {'yes': ['rest']}
    2 done {}
    """
    expect_with("steps", "a Journey", journey=journey)
    found = Outline(journey.steps)
    made: dict[str, OutlineStep] = {}
    for row in reversed(found.rows):  # inner lists before outer ones
        for number, name in enumerate(row.items, 1):
            labels, lists = {place: way for way, place in ways_of(found.step_of[name]).items()}, found.inner[name]
            inner = {labels[place]: tuple(made[each] for each in lower.items) for place, lower in lists.items()}
            made[name] = OutlineStep(name, number, inner)
    return tuple(tuple(made[name] for name in row.items) for row in found.rows if row.of is None)


def follow_of(step: Step) -> str | None:
    """Return where a run continues after a step of a journey and all its branches; None if nowhere."""
    follow: str | None = getattr(step, "next", None)
    return follow


def leading(step: Step, follow: str | None) -> Step:
    """Return a step with `next` set, unless it is set already or every continuation is."""
    if isinstance(step, End) or step.next is not None:
        return step
    open_ways = any(not isinstance(target, str) for _, target in targets(step)[1:])
    needed = leaves_by_next(step) or (open_ways and isinstance(step, Condition | Split))
    return with_targets(step, {"next": follow}) if needed else step


def ways_of(step: Step) -> dict[str, str]:
    """Return the places of the continuations of a step, by outcome."""
    if isinstance(step, Condition):
        ways = {each.label: f"branches[{n}].next" for n, each in enumerate(step.branches)}
        return {**ways, step.else_label: "else"}
    if isinstance(step, Split):
        return {each.label: f"arms[{n}].next" for n, each in enumerate(step.arms)}
    if isinstance(step, Wait) and step.has_event:
        return {"event": "on_event", **({"timeout": "on_timeout"} if step.timeout is not None else {})}
    if isinstance(step, Wait) and step.field is not None:
        return {"missing": "on_missing", "past": "on_past"}
    return {}


@define(eq=False)
class OutlineRow:
    """A list of steps: the ids in order, the step and place that it is a branch of, where its last step leads."""

    of: str | None = None
    place: str = ""
    items: list[str] = field(factory=list)
    exit: str | None = None


class Outline:
    """The lists that a flat graph was, or could have been, written as; `rows` has outer lists before inner ones.

    A step continues the list of the step above it if that one leads to it, or starts one of its branches. The branches
    of a choice end at the step where they rejoin. A step that fits no list starts a new one.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.step_of = {step.id: step for step in steps}
        self.follow = {step.id: follow_of(step) for step in steps}
        self.added: set[str] = set()
        self.rows: list[OutlineRow] = []
        self.inner: dict[str, dict[str, OutlineRow]] = {step.id: {} for step in steps}
        open_rows: list[OutlineRow] = []
        for step in steps:
            self._place(step.id, open_rows)
        self._close(open_rows, 0)

    @property
    def last(self) -> str | None:
        """The last step of the main path that is not an End; None if there is none."""
        inside = [name for name in self.rows[0].items if not isinstance(self.step_of[name], End)]
        return inside[-1] if inside else None

    def label(self, row: OutlineRow) -> str:
        """Return the label of the branch that a list is, as `way` takes it."""
        return next(label for label, place in ways_of(self.step_of[row.of or ""]).items() if place == row.place)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _place(self, name: str, open_rows: list[OutlineRow]) -> None:
        """Add a step to the innermost open list that it fits, closing the others, or to a new one."""
        while open_rows:
            row = open_rows[-1]
            last = row.items[-1]
            place = self._branch(last, name)
            if place is not None:
                self._open(OutlineRow(last, place), name, open_rows)
                return
            rejoins = row.of is not None and self.follow[row.of] == name
            begins = row.of is not None and self._branch(row.of, name) is not None
            if self.follow[last] == name and not rejoins and not begins:
                row.items.append(name)
                return
            self._close(open_rows, len(open_rows) - 1)
        self._open(OutlineRow(), name, open_rows)

    def _branch(self, choice: str, name: str) -> str | None:
        """Return the place of a branch that begins with a step; None if there is none."""
        if self.follow[choice] == name:
            return None
        return next((place for place, target in targets(self.step_of[choice])[1:] if target == name), None)

    def _open(self, row: OutlineRow, name: str, open_rows: list[OutlineRow]) -> None:
        row.items.append(name)
        self.rows.append(row)
        open_rows.append(row)
        if row.of is not None:
            self.inner[row.of][row.place] = row

    def _close(self, open_rows: list[OutlineRow], left: int) -> None:
        while len(open_rows) > left:
            row = open_rows.pop()
            row.exit = self.follow[row.items[-1]]

    # --- editing ------------------------------------------------------------------------------------------------------

    def insert(self, step: Step, after: str) -> None:
        """Insert a step after another one in its list."""
        row = next(row for row in self.rows if after in row.items)
        row.items.insert(row.items.index(after) + 1, step.id)
        self._know(step)

    def begin(self, step: Step, choice: str, place: str) -> None:
        """Insert a step at the start of a branch."""
        row = self.inner[choice].get(place)
        if row is not None:
            row.items.insert(0, step.id)
        else:
            target = dict(targets(self.step_of[choice]))[place]
            exit_ = target if isinstance(target, str) else self.follow[choice]
            self._between(row := OutlineRow(choice, place, [step.id], exit_), choice)
            self.rows.append(row)
        self._know(step)

    def _between(self, row: OutlineRow, choice: str) -> None:
        """Insert a new branch before those that come later in its choice."""
        places = [place for place, _ in targets(self.step_of[choice])]
        inner = list(self.inner[choice].items())
        later = (n for n, (place, _) in enumerate(inner) if places.index(place) > places.index(row.place))
        inner.insert(next(later, len(inner)), (row.place, row))
        self.inner[choice] = dict(inner)

    def _know(self, step: Step) -> None:
        self.step_of[step.id], self.inner[step.id] = step, {}
        self.added.add(step.id)

    def sort(self, places: Mapping[str, int]) -> None:
        """Sort every list by the wanted positions of its steps."""
        for row in self.rows:
            row.items.sort(key=places.__getitem__)

    # --- writing ------------------------------------------------------------------------------------------------------

    def steps(self) -> list[Step]:
        """Return the lists as a flat graph again, each leading from its first to its last step."""
        follow: dict[str, str] = {}
        for row in self.rows:  # outer lists before inner ones
            follow.update(pairwise(row.items))
            follow[row.items[-1]] = self._exit(row, follow)
        return [self._laid_out(self.step_of[name], follow[name]) for name in self._order()]

    def _exit(self, row: OutlineRow, follow: Mapping[str, str]) -> str:
        """Return where a list leads: a branch that rejoined still does, and one without a continuation now has one."""
        if row.of is None:
            return row.exit or END
        return follow[row.of] if row.exit is None or row.exit == self.follow[row.of] else row.exit

    def _laid_out(self, step: Step, follow: str | None) -> Step:
        """Return a step with its continuations: the step below, its branches, and where those rejoin."""
        if step.id in self.added:
            return leading(step, follow)
        before, ways = self.follow[step.id], dict[str, Any]()
        for place, target in targets(step):
            row = self.inner[step.id].get(place)
            if row is not None:
                ways[place] = row.items[0]
            elif before is not None and target == before:
                ways[place] = follow
        return with_targets(step, ways)

    def _order(self) -> list[str]:
        """Return the ids in the order written: a choice, then its branches, then the steps below."""
        order: list[str] = []
        stack = [name for row in reversed(self.rows) if row.of is None for name in reversed(row.items)]
        while stack:
            name = stack.pop()
            order.append(name)
            stack += [item for row in reversed(self.inner[name].values()) for item in reversed(row.items)]
        return order
