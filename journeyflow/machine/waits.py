"""Waits: how they rest, and what happens when the time, the event, or a change of what they read comes (R32 to R37)."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from journeyflow.basics.durations import Duration, add, anniversary, recurrence
from journeyflow.basics.hours import moved_opening
from journeyflow.basics.moments import FIRST, bounded, read_instant, to_micros
from journeyflow.definition.rules.clock_turns import true_from
from journeyflow.machine.compiled_steps import Awaited, CompiledWait
from journeyflow.machine.notes import Stimulus, Walk
from journeyflow.records.rows import Run

DEADLINE = "deadline"
"""What a run remembers of a wait for a condition: the end of its timeout."""

_NO_OFFSET = Duration()


def wait(walk: Walk, node: CompiledWait) -> int:
    """Rest, or go on at once if there is nothing to wait for (R32 to R37)."""
    step = node.step
    if node.every is not None and step.field is None and step.at is None and _remembered(walk, "anchor", node) is None:
        remember(walk, "anchor", node.id, walk.at)
    if node.awaited is not None and node.length is not None:
        remember(walk, DEADLINE, node.id, timeout(node, walk.at, walk.zone))
    return _rest_or_go_on(walk, node, walk.ask(_end, node))


def _rest_or_go_on(walk: Walk, node: CompiledWait, end: int | str | None) -> int:
    """Rest until an instant, or for the event alone; or go on with an outcome."""
    if isinstance(end, str):
        return _go_on(walk, node, end)
    return walk.rest(end, node.awaits)


def _end(walk: Walk, node: CompiledWait) -> int | str | None:
    """Return the instant at which the rest ends, None for no end, or the outcome with which to go on at once."""
    step = node.step
    if node.awaited is not None:
        return _until_true(walk, node, node.awaited, walk.at)
    if step.event is not None:
        return None if node.length is None else timeout(node, walk.at, walk.zone)
    if step.field is not None:
        return _date_to_wait_for(walk, node, walk.at)
    if step.until is not None:
        end = step.until.next_opening(walk.at, walk.zone, after=_remembered(walk, "left", node) == walk.at)
    elif node.every is not None:
        end = _next_return(walk, node, walk.at)
    elif step.at is not None:
        end = to_micros(step.at)
    else:
        end = add(walk.at, node.length, walk.zone)  # type: ignore[arg-type]  # one of the forms is given
    return _later(walk, node, end)


def timeout(node: CompiledWait, since: int, zone: ZoneInfo, longer: int = 0) -> int:
    """Return the end of a duration or a timeout that counts from an instant and pauses have made longer (R16, R34)."""
    return in_window(node, bounded(add(since, node.length, zone) + longer), zone)  # type: ignore[arg-type]  # it has one


def _later(walk: Walk, node: CompiledWait, end: int) -> int | str:
    """Return an instant moved into the window, or "elapsed" if that is not later than now (R35)."""
    if node.step.window is not None:
        end = node.step.window.next_open(max(end, walk.at), walk.zone)
    return end if end > walk.at else "elapsed"


def in_window(node: CompiledWait, end: int, zone: ZoneInfo) -> int:
    """Return the instant itself if the Wait has no window or an open one, else the next opening (R34)."""
    return end if node.step.window is None else node.step.window.next_open(end, zone)


def _date_to_wait_for(walk: Walk, node: CompiledWait, since: int) -> int | str:
    """Return the date in an attribute, moved by the offset, or the outcome "missing" or "past" (R37)."""
    target = _field_instant(walk, node, since)
    if target is None:
        return "missing"
    return "past" if target < since else _later(walk, node, target)


def _field_instant(walk: Walk, node: CompiledWait, not_before: int) -> int | None:
    step = node.step
    value = walk.value(step.field)  # type: ignore[arg-type]  # a field wait has one
    offset = step.offset
    if step.every is not None and node.every is None:
        return anniversary(value, offset or _NO_OFFSET, not_before, _remembered(walk, "left", node), walk.zone)
    instant = read_instant(value, walk.zone)
    instant = instant if instant is None or offset is None else add(instant, offset, walk.zone)
    return instant if instant is None or node.every is None else _return_after(walk, node, instant, not_before)


def _next_return(walk: Walk, node: CompiledWait, not_before: int) -> int:
    """Return the next instant of a wait that recurs, counted from `at` or from the run's first arrival (R37)."""
    if node.step.at is not None:
        return _return_after(walk, node, to_micros(node.step.at), not_before)
    anchor: int = _remembered(walk, "anchor", node)  # type: ignore[assignment]  # since the arrival
    return _return_after(walk, node, anchor, max(not_before, anchor + 1))  # the arrival is none of them


def _return_after(walk: Walk, node: CompiledWait, anchor: int, not_before: int) -> int:
    """Return the first of the recurring instants that is not before one, and after the run last left the step (R35)."""
    every: Duration = node.every  # type: ignore[assignment]  # only asked of waits that recur
    left = _remembered(walk, "left", node)
    return recurrence(anchor, every, max(not_before - 1, FIRST if left is None else left), walk.zone)


def _remembered(walk: Walk, what: str, node: CompiledWait) -> int | None:
    """Return an instant that the run remembers of a step: when it "left" it last, or the "anchor"; None without."""
    return None if walk.memory is None else walk.memory.get(what, {}).get(node.id)


def _go_on(walk: Walk, node: CompiledWait, outcome: str) -> int:
    """Leave a Wait by the edge of its outcome."""
    if node.looping:
        remember(walk, "left", node.id, walk.at)
    to, entry = node.edges[outcome]
    walk.leave(entry)
    return to


def remember(walk: Walk, what: str, step: str, value: object) -> None:
    """Have the run remember something of a step."""
    memory: dict[str, Any] = walk.memory or {}
    walk.memory = {**memory, what: {**memory.get(what, {}), step: value}}


def _event_came(walk: Walk, node: CompiledWait) -> int:
    """Go on if the event matches, and keep its data (R36)."""
    if node.question is not None and not walk.holds(node.question):
        return walk.rest(walk.run.due, walk.run.awaits)
    if walk.event:
        remember(walk, "wait", node.id, dict(walk.event))
        walk.event = None  # readable in the wait alone; later steps read wait.<step>.x (R59)
    return _go_on(walk, node, "event")


def _time_came(walk: Walk, node: CompiledWait) -> int:
    """Go on, after checking openings, windows and dates again, because this may be another instant (R5, R37)."""
    if node.over is not None:
        return _go_on(walk, node, node.over)
    return _rest_or_go_on(walk, node, walk.ask(_end_as_of_now, node))


def _end_as_of_now(walk: Walk, node: CompiledWait) -> int | str | None:
    """Return the instant until which to rest after all, or the outcome with which to go on."""
    step, run = node.step, walk.run
    if node.awaited is not None:
        found = _until_true(walk, node, node.awaited, run.due)  # type: ignore[arg-type]  # it rested until an instant
        last_moment = run.held is None and run.due == _deadline(walk, node)
        if not is_over(walk, node) or (last_moment and found == "event"):
            return found
    if step.field is not None:  # it may have passed before the rest began, after a migration
        return _date_to_wait_for(walk, node, walk.since)
    if step.until is not None:
        end = moved_opening(step.until, step.window, walk.at, walk.zone)
        return end if end > walk.at else "elapsed"
    if node.every is not None:
        return _later(walk, node, _next_return(walk, node, walk.since))
    opens = _later(walk, node, walk.at)
    return "timeout" if step.has_event and opens == "elapsed" else opens


def _until_true(walk: Walk, node: CompiledWait, awaited: Awaited, at: int) -> int | str | None:
    """Return until when to wait for a condition that is not true as of an instant, or "event" if it is (R37)."""
    true, end = true_from(awaited.question, awaited.clocked, walk, at), _deadline(walk, node)
    if true == at:
        return "event"
    return end if true is None or (end is not None and end < true) else true


def _deadline(walk: Walk, node: CompiledWait) -> int | None:
    """Return the end of the timeout of a wait for a condition; None if it has no timeout."""
    return None if node.length is None else _remembered(walk, DEADLINE, node)


def is_over(walk: Walk, node: CompiledWait) -> bool:
    """Return whether the timeout of a wait for a condition is over, by the own instant of what woke it (R5)."""
    end = _deadline(walk, node)
    return end is not None and own_instant(walk.run) >= end


def own_instant(run: Run) -> int:
    """Return the own instant of what wakes a run, also if a pause or a closed window holds it (R5)."""
    return run.due if run.held is None else run.held  # type: ignore[return-value]  # it rests until an instant


def _looked_at_again(walk: Walk, node: CompiledWait) -> int:
    """Recompute the date of a field wait as if the step were entered now, or ask a condition again (R37)."""
    return wait(walk, node) if node.awaited is None else _time_came(walk, node)


WAKE_WAIT: dict[Stimulus, Callable[[Walk, CompiledWait], int]] = {
    "DUE": _time_came,
    "EVENT": _event_came,
    "CHANGED": _looked_at_again,
}
