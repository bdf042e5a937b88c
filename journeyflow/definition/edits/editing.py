"""Editing journeys by pure functions: each takes a journey and returns a new one, or raises with every problem.

A journey is a flat graph, but people think of it as lists of steps, with choices that have branches. So the lists are
reconstructed from the graph (`_Outline`), edited, and flattened again. Edges that the lists do not explain are jumps;
they keep their targets (F109 to F122).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import define, evolve, field, fields_dict

from journeyflow.definition.graph import END, leaves_by_next, reachable
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import (
    Condition,
    End,
    Split,
    Step,
    Wait,
    is_step,
    kind,
    targets,
    with_options,
    with_targets,
)
from journeyflow.errors import ERROR, InvalidJourney, Problem, did_you_mean

# --- the edits --------------------------------------------------------------------------------------------------------


def add_step(
    journey: Journey, step: Step, *, after: str | None = None, way: str | None = None, before: str | None = None
) -> Journey:
    """Return a journey with a step added (F119, F62).

    With `after`, the step follows the step with that id and leads to where that one led; after a step with branches
    means after the branches have rejoined. With `way` too, the step becomes the first of one of its branches, named by
    the label or by the outcome of a wait ("event", "timeout", "missing", "past"). With `before`, the step is inserted
    in front of the step with that id, on every edge that leads there. Without any of them, it becomes the last step of
    the main path, before its End. Raises InvalidJourney with every problem.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("rest", "1 day"), End("done")])
    >>> [each.id for each in add_step(journey, Wait("more", "2 days"), after="rest").steps]
    ['rest', 'more', 'done']
    """
    found = [*_step_faults(journey, step), *_place_faults(journey, after, way, before)]
    if found:
        raise InvalidJourney(journey.id, found)
    if not journey.steps:
        return evolve(journey, steps=[step])
    if before is not None:
        return evolve(journey, steps=_added_before(journey, step, before))
    outline = _Outline(journey.steps)
    anchor = outline.last if after is None else after
    if anchor is None:
        return evolve(journey, steps=_added_before(journey, step, journey.steps[0].id))
    if way is None:
        outline.insert(step, anchor)
    else:
        outline.begin(step, anchor, _ways(journey.step(anchor))[way])
    return evolve(journey, steps=outline.steps())


def update_step(journey: Journey, step_id: str, **options: Any) -> Journey:  # noqa: ANN401 the options of any step
    """Return a journey with options of a step changed; options that are not named stay as they are (F120).

    The id and the kind of a step cannot be changed. Raises InvalidJourney, also for an unknown step and for options
    that the step does not have.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("rest", "1 day")])
    >>> update_step(journey, "rest", duration="2 days", name="Rest").step("rest")
    Wait('rest', '2 days', name='Rest', next='end')
    """
    found = _unknown(journey, step_id, "step_id")
    if not found:
        found = _option_faults(journey.step(step_id), options)
    if found:
        raise InvalidJourney(journey.id, found)
    return _with(journey, with_options(journey.step(step_id), options))


def replace_step(journey: Journey, step: Step) -> Journey:
    """Return a journey with a step in the place of the one with the same id; the kind may differ (F120).

    A step without `next` continues where the old one did. Raises InvalidJourney.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("rest", "1 day")])
    >>> replace_step(journey, Wait("rest", until="09:00")).step("rest")
    Wait('rest', until='09:00', next='end')
    """
    found = [] if is_step(step) else [_no_step(step)]
    found = found or _unknown(journey, step.id, "step")
    if found:
        raise InvalidJourney(journey.id, found)
    return _with(journey, _leading(step, _follow(journey.step(step.id))))


def remove_step(journey: Journey, step_id: str, *, to: str | None = None) -> Journey:
    """Return a journey without a step; the steps that led to it lead to its successor, or to the step `to` (F121).

    When a Condition, a Split or another step with branches is removed, the steps of its branches that cannot be reached
    any more are removed too, and the successor is the step where the branches rejoined. An End, and a choice whose
    branches never rejoin, have no successor, so that `to` must be given. Rules that read facts of the removed step,
    such as `message.<step>.opened`, are reported as problems. Raises InvalidJourney.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("a", "1 day"), Wait("b", "1 day"), End("done")])
    >>> [(each.id, dict(targets(each)).get("next")) for each in remove_step(journey, "b").steps]
    [('a', 'done'), ('done', None)]
    """
    found = [*_unknown(journey, step_id, "step_id"), *(_unknown(journey, to, "to") if to is not None else [])]
    if found:
        raise InvalidJourney(journey.id, found)
    going, first = journey.step(step_id), journey.steps[0].id == step_id
    follow = _follow(going) if to is None else to
    needed = first or any(step_id in _ids(step) for step in journey.steps if step.id != step_id)
    if follow == step_id or (follow is None and needed and len(journey.steps) > 1):
        sentence = f"step {step_id!r} leads nowhere else; say with to= where those go who came there"
        raise InvalidJourney(journey.id, [Problem("to", ERROR, "to", sentence)])
    left = [_redirected(step, step_id, follow) for step in journey.steps if step.id != step_id]
    if first and follow is not None:
        left.sort(key=lambda step: step.id != follow)
    return evolve(journey, steps=_without_orphans(journey, left))


def reorder_steps(journey: Journey, order: Iterable[str]) -> Journey:
    """Return a journey with its steps in another order (F122).

    `order` names every step once. Steps change places within their own list, which then leads from its first to its
    last step again; the steps of a branch stay in it, after the step that they branch from. Jumps keep their targets.
    Raises InvalidJourney.

    >>> from journeyflow.definition.steps import Wait
    >>> journey = Journey(id="j", steps=[Wait("a", "1 day"), Wait("b", "1 day"), End("done")])
    >>> [(each.id, dict(targets(each)).get("next")) for each in reorder_steps(journey, ["b", "a", "done"]).steps]
    [('b', 'a'), ('a', 'done'), ('done', None)]
    """
    wanted = tuple(order)
    if found := _order_faults(journey, wanted):
        raise InvalidJourney(journey.id, found)
    outline = _Outline(journey.steps)
    outline.sort({name: place for place, name in enumerate(wanted)})
    steps = outline.steps()
    if found := _misplaced(outline, [step.id for step in steps], wanted):
        raise InvalidJourney(journey.id, found)
    made = evolve(journey, steps=steps)
    if lost := (reachable(journey.steps) - reachable(made.steps)) if steps else None:
        place, name = next((place, name) for place, name in enumerate(wanted) if name in lost)
        sentence = f"step {name!r} cannot come here: nothing leads on from the End, or the choice, before it"
        raise InvalidJourney(journey.id, [Problem("order", ERROR, f"order[{place}]", sentence)])
    return made


def update_journey(journey: Journey, **options: Any) -> Journey:  # noqa: ANN401 the options of any journey
    """Return a journey with some of its options changed, such as `trigger`, `name` or `limits` (F92).

    Options that are not named stay as they are. The id cannot be changed: `Engine.clone` makes a journey under another
    one. Raises InvalidJourney, also for options that a journey does not have.

    >>> from journeyflow.definition.entry import Trigger
    >>> update_journey(Journey(id="j", steps=[End("done")]), trigger=Trigger("order.placed"), reentry="always").trigger
    Trigger('order.placed')
    """
    known = [name for name in fields_dict(Journey) if name != "id"]
    found = [
        Problem("option", ERROR, name, f"a journey has no option {name!r}{did_you_mean(name, known)}")
        for name in options
        if name not in known and name != "id"
    ]
    if "id" in options:
        found.append(Problem("option", ERROR, "id", "a journey keeps its id; clone it under another one"))
    if found:
        raise InvalidJourney(journey.id, found)
    return evolve(journey, **options)


def replace_steps(journey: Journey, steps: Iterable[Step]) -> Journey:
    """Return a journey with all of its steps replaced at once (F63, F109). Raises InvalidJourney.

    >>> [step.id for step in replace_steps(Journey(id="j", steps=[]), [End("done")]).steps]
    ['done']
    """
    return evolve(journey, steps=steps)


# --- steps one by one -------------------------------------------------------------------------------------------------


def _with(journey: Journey, step: Step) -> Journey:
    """Return a journey with a step in the place of the one with the same id."""
    return evolve(journey, steps=[step if each.id == step.id else each for each in journey.steps])


def _follow(step: Step) -> str | None:
    """Return where a run continues after a step of a journey and all its branches; None if nowhere."""
    follow: str | None = getattr(step, "next", None)
    return follow


def _leading(step: Step, follow: str | None) -> Step:
    """Return a step with `next` set, unless it is set already or every continuation is."""
    if isinstance(step, End) or step.next is not None:
        return step
    open_ways = any(not isinstance(target, str) for _, target in targets(step)[1:])
    needed = leaves_by_next(step) or (open_ways and isinstance(step, Condition | Split))
    return with_targets(step, {"next": follow}) if needed else step


def _ids(step: Step) -> list[str]:
    """Return the ids of the steps that a step names as continuations, including where its branches rejoin."""
    return [target for _, target in targets(step) if isinstance(target, str)]


def _redirected(step: Step, gone: str, follow: str | None) -> Step:
    """Return a step whose continuations at a removed step lead to `follow` instead."""
    return with_targets(step, {place: follow for place, target in targets(step) if target == gone})


def _without_orphans(journey: Journey, left: Sequence[Step]) -> Sequence[Step]:
    """Return the steps without those that were reachable before and are not any more."""
    if not left:
        return left
    orphans = reachable(journey.steps) - reachable(left)
    return [step for step in left if step.id not in orphans]


def _ways(step: Step) -> dict[str, str]:
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


def _added_before(journey: Journey, step: Step, before: str) -> list[Step]:
    """Return the steps with a new one in front of another, on every edge that leads there."""
    rows: list[Step] = []
    for each in journey.steps:
        rows += [_leading(step, before)] if each.id == before else []
        rows.append(_redirected(each, before, step.id))
    return rows


# --- the outline ------------------------------------------------------------------------------------------------------


@define(eq=False)
class _Row:
    """A list of steps: the ids in order, the step and place that it is a branch of, where its last step leads."""

    of: str | None = None
    place: str = ""
    items: list[str] = field(factory=list)
    exit: str | None = None


class _Outline:
    """The lists that a flat graph was, or could have been, written as; `rows` has outer lists before inner ones.

    A step continues the list of the step above it if that one leads to it, or starts one of its branches. The branches
    of a choice end at the step where they rejoin. A step that fits no list starts a new one.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.step_of = {step.id: step for step in steps}
        self.follow = {step.id: _follow(step) for step in steps}
        self.added: set[str] = set()
        self.rows: list[_Row] = []
        self.inner: dict[str, dict[str, _Row]] = {step.id: {} for step in steps}
        open_rows: list[_Row] = []
        for step in steps:
            self._place(step.id, open_rows)
        self._close(open_rows, 0)

    @property
    def last(self) -> str | None:
        """The last step of the main path that is not an End; None if there is none."""
        inside = [name for name in self.rows[0].items if not isinstance(self.step_of[name], End)]
        return inside[-1] if inside else None

    def label(self, row: _Row) -> str:
        """Return the label of the branch that a list is, as `way` takes it."""
        return next(label for label, place in _ways(self.step_of[row.of or ""]).items() if place == row.place)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _place(self, name: str, open_rows: list[_Row]) -> None:
        """Add a step to the innermost open list that it fits, closing the others, or to a new one."""
        while open_rows:
            row = open_rows[-1]
            last = row.items[-1]
            place = self._branch(last, name)
            if place is not None:
                self._open(_Row(last, place), name, open_rows)
                return
            rejoins = row.of is not None and self.follow[row.of] == name
            begins = row.of is not None and self._branch(row.of, name) is not None
            if self.follow[last] == name and not rejoins and not begins:
                row.items.append(name)
                return
            self._close(open_rows, len(open_rows) - 1)
        self._open(_Row(), name, open_rows)

    def _branch(self, choice: str, name: str) -> str | None:
        """Return the place of a branch that begins with a step and has no list yet; None if there is none."""
        if self.follow[choice] == name:
            return None
        met = self.inner[choice]
        return next((p for p, target in targets(self.step_of[choice])[1:] if target == name and p not in met), None)

    def _open(self, row: _Row, name: str, open_rows: list[_Row]) -> None:
        row.items.append(name)
        self.rows.append(row)
        open_rows.append(row)
        if row.of is not None:
            self.inner[row.of][row.place] = row

    def _close(self, open_rows: list[_Row], left: int) -> None:
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
            self._between(row := _Row(choice, place, [step.id], exit_), choice)
            self.rows.append(row)
        self._know(step)

    def _between(self, row: _Row, choice: str) -> None:
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
        follow: dict[str, str | None] = {}
        for row in self.rows:
            follow.update(pairwise(row.items))
            follow[row.items[-1]] = self._exit(row, follow)
        return [self._laid_out(self.step_of[name], follow[name]) for name in self._order()]

    def _exit(self, row: _Row, follow: Mapping[str, str | None]) -> str | None:
        """Return where a list leads: a branch that rejoined still does, and one without a continuation now has one."""
        if row.of is None:
            return row.exit or END
        return follow[row.of] or END if row.exit in {None, self.follow[row.of]} else row.exit

    def _laid_out(self, step: Step, follow: str | None) -> Step:
        """Return a step with its continuations: the step below, its branches, and where those rejoin."""
        if step.id in self.added:
            return _leading(step, follow)
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


# --- faults -----------------------------------------------------------------------------------------------------------


def _no_step(step: object) -> Problem:
    return Problem("step", ERROR, "step", f"expected a step such as Send(...), not {step!r:.100}")


def _unknown(journey: Journey, step_id: object, what: str) -> list[Problem]:
    if step_id in journey.index:
        return []
    hint = did_you_mean(step_id, journey.index)
    return [Problem("unknown-step", ERROR, what, f"there is no step {step_id!r}{hint}")]


def _step_faults(journey: Journey, step: object) -> list[Problem]:
    """Return the problems with a step to be added, wherever its place: that it is no step, or its id is taken."""
    if not is_step(step):
        return [_no_step(step)]
    taken = step.id in journey.index
    return [Problem("duplicate", ERROR, "step.id", f"there is a step {step.id!r} already")] if taken else []


def _place_faults(journey: Journey, after: str | None, way: str | None, before: str | None) -> list[Problem]:
    """Return the problems with the place of a new step."""
    found: list[Problem] = []
    for what, name in (("after", after), ("before", before)):
        found += _unknown(journey, name, what) if name is not None else []
    if after is not None and before is not None:
        found.append(Problem("place", ERROR, "before", "say either after or before"))
    if way is not None and after is None:
        found.append(Problem("place", ERROR, "way", "a way goes with after, the step it leads from"))
    return found or ([] if after is None else _way_faults(journey.step(after), way))


def _way_faults(step: Step, way: str | None) -> list[Problem]:
    ways = _ways(step)
    shown = ", ".join(repr(each) for each in ways) or "none"
    if isinstance(step, End):
        return [Problem("place", ERROR, "after", f"step {step.id!r} is an End: nothing comes after it")]
    if way is not None and way not in ways:
        return [Problem("place", ERROR, "way", f"step {step.id!r} has no way {way!r}; it has {shown}")]
    if way is None and _follow(step) is None:
        sentence = f"the branches of step {step.id!r} never rejoin; say with way= which of them is meant: {shown}"
        return [Problem("place", ERROR, "after", sentence)]
    return []


def _option_faults(step: Step, options: Mapping[str, object]) -> list[Problem]:
    """Return a problem for each option that a step does not have, and for its id, which cannot change."""
    known = [name for name in fields_dict(type(step)) if name != "id"]
    found = [
        Problem("option", ERROR, name, f"a {kind(step)} has no option {name!r}{did_you_mean(name, known)}")
        for name in options
        if name not in known and name != "id"
    ]
    if "id" in options:
        found.append(Problem("option", ERROR, "id", "a step keeps its id; rename_step gives it another one"))
    return found


def _order_faults(journey: Journey, wanted: Sequence[str]) -> list[Problem]:
    """Return the reasons why a list of ids is no order of the steps."""
    found = [problem for place, name in enumerate(wanted) for problem in _unknown(journey, name, f"order[{place}]")]
    seen: set[str] = set()
    for place, name in enumerate(wanted):
        if name in seen:
            found.append(Problem("duplicate", ERROR, f"order[{place}]", f"the step {name!r} is there twice"))
        seen.add(name)
    missing = [name for name in journey.index if name not in seen]
    return found + [Problem("missing", ERROR, "order", f"the step {name!r} is missing") for name in missing]


def _misplaced(outline: _Outline, possible: Sequence[str], wanted: Sequence[str]) -> list[Problem]:
    """Return a problem for the first step that cannot be where it is wanted."""
    for place, (name, instead) in enumerate(zip(wanted, possible, strict=True)):
        if name != instead:
            row = next(row for row in outline.rows if name in row.items)
            home = "the main path" if row.of is None else f"branch {outline.label(row)!r} of step {row.of!r}"
            sentence = f"step {name!r} cannot come here, where {instead!r} must: it stays in its list, {home}"
            return [Problem("order", ERROR, f"order[{place}]", sentence)]
    return []
