"""Editing journeys by pure functions: each takes a journey and returns a new one, or raises with every problem.

A journey is a flat graph, but people think of it as lists of steps, with choices that have branches. So the lists are
reconstructed from the graph (`Outline`), edited, and flattened again. Edges that the lists do not explain are jumps;
they keep their targets (F109 to F122).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, fields_dict

from journeyflow.basics.expecting import expect
from journeyflow.basics.values import describe
from journeyflow.definition.continuations import targets, with_options, with_targets
from journeyflow.definition.edits.outline import Outline, follow_of, leading, ways_of
from journeyflow.definition.graph import reachable
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import End, Step, is_step, kind
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
    expect(Journey, journey=journey)
    found = [*_step_faults(journey, step), *_place_faults(journey, after, way, before)]
    if found:
        raise InvalidJourney(journey.id, found)
    if not journey.steps:
        return evolve(journey, steps=[step])
    if before is not None:
        return evolve(journey, steps=_added_before(journey, step, before))
    outline = Outline(journey.steps)
    anchor = outline.last if after is None else after
    if anchor is None:
        return evolve(journey, steps=_added_before(journey, step, journey.steps[0].id))
    if way is None:
        outline.insert(step, anchor)
    else:
        outline.begin(step, anchor, ways_of(journey.step(anchor))[way])
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
    expect(Journey, journey=journey)
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
    expect(Journey, journey=journey)
    found = [] if is_step(step) else [_no_step(step)]
    found = found or _unknown(journey, step.id, "step")
    if found:
        raise InvalidJourney(journey.id, found)
    return _with(journey, leading(step, follow_of(journey.step(step.id))))


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
    expect(Journey, journey=journey)
    found = [*_unknown(journey, step_id, "step_id"), *(_unknown(journey, to, "to") if to is not None else [])]
    if found:
        raise InvalidJourney(journey.id, found)
    going, first = journey.step(step_id), journey.steps[0].id == step_id
    follow = follow_of(going) if to is None else to
    others = [step for step in journey.steps if step.id != step_id]
    needed = first or any(step_id in dict(targets(step)).values() for step in others)
    if follow == step_id or (follow is None and needed and len(journey.steps) > 1):
        sentence = f"step {step_id!r} leads nowhere else; say with to= where those go who came there"
        raise InvalidJourney(journey.id, [Problem("to", ERROR, "to", sentence)])
    left = [_redirected(step, step_id, follow) for step in others]
    if first:
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
    expect(Journey, journey=journey)
    wanted = tuple(order)
    if found := _order_faults(journey, wanted):
        raise InvalidJourney(journey.id, found)
    outline = Outline(journey.steps)
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
    expect(Journey, journey=journey)
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
    expect(Journey, journey=journey)
    return evolve(journey, steps=steps)


# --- steps one by one -------------------------------------------------------------------------------------------------


def _with(journey: Journey, step: Step) -> Journey:
    """Return a journey with a step in the place of the one with the same id."""
    return evolve(journey, steps=[step if each.id == step.id else each for each in journey.steps])


def _redirected(step: Step, gone: str, follow: str | None) -> Step:
    """Return a step whose continuations at a removed step lead to `follow` instead."""
    return with_targets(step, {place: follow for place, target in targets(step) if target == gone})


def _without_orphans(journey: Journey, left: Sequence[Step]) -> Sequence[Step]:
    """Return the steps without those that were reachable before and are not any more."""
    if not left:
        return left
    orphans = reachable(journey.steps) - reachable(left)
    return [step for step in left if step.id not in orphans]


def _added_before(journey: Journey, step: Step, before: str) -> list[Step]:
    """Return the steps with a new one in front of another, on every edge that leads there."""
    rows: list[Step] = []
    for each in journey.steps:
        rows += [leading(step, before)] if each.id == before else []
        rows.append(_redirected(each, before, step.id))
    return rows


# --- faults -----------------------------------------------------------------------------------------------------------


def _no_step(step: object) -> Problem:
    return Problem("step", ERROR, "step", f"expected a step such as Send(...), not {describe(step)}")


def _unknown(journey: Journey, step_id: object, what: str) -> list[Problem]:
    if step_id in journey.index:
        return []
    hint = did_you_mean(step_id, journey.index)
    return [Problem("unknown-step", ERROR, what, f"there is no step {step_id!r}{hint}")]


def _step_faults(journey: Journey, step: object) -> list[Problem]:
    """Return the problems with a step to be added, wherever its place: that it is not a step, or its id is taken."""
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
    ways = ways_of(step)
    shown = ", ".join(repr(each) for each in ways) or "none"
    if isinstance(step, End):
        return [Problem("place", ERROR, "after", f"step {step.id!r} is an End: nothing comes after it")]
    if way is not None and way not in ways:
        return [Problem("place", ERROR, "way", f"step {step.id!r} has no way {way!r}; it has {shown}")]
    if way is None and follow_of(step) is None:
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
    """Return the reasons why a list of ids is not an order of the steps."""
    found = [problem for place, name in enumerate(wanted) for problem in _unknown(journey, name, f"order[{place}]")]
    seen: set[str] = set()
    for place, name in enumerate(wanted):
        if name in seen:
            found.append(Problem("duplicate", ERROR, f"order[{place}]", f"the step {name!r} is there twice"))
        seen.add(name)
    missing = [name for name in journey.index if name not in seen]
    return found + [Problem("missing", ERROR, "order", f"the step {name!r} is missing") for name in missing]


def _misplaced(outline: Outline, possible: Sequence[str], wanted: Sequence[str]) -> list[Problem]:
    """Return a problem for the first step that cannot be where it is wanted."""
    for place, (name, instead) in enumerate(zip(wanted, possible, strict=True)):
        if name != instead:
            row = next(row for row in outline.rows if name in row.items)
            home = "the main path" if row.of is None else f"branch {outline.label(row)!r} of step {row.of!r}"
            sentence = f"step {name!r} cannot come here, where {instead!r} must: it stays in its list, {home}"
            return [Problem("order", ERROR, f"order[{place}]", sentence)]
    return []
