"""Moving active runs on: to another version of their journey (R14), or past a pause (R16). Pure, run by run."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.values import describe
from journeyflow.basics.words import ACTIVE, EXITED, SKIPPED
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.errors import did_you_mean
from journeyflow.machine.behaviours import advance
from journeyflow.machine.compiled_steps import CompiledStep, CompiledWait
from journeyflow.machine.notes import FRESH, REST, Situation, Walk
from journeyflow.machine.program import Program
from journeyflow.machine.waits import DEADLINE, remember, timeout, wait
from journeyflow.records.rows import Move, Run

REASON = "migrated"
"""The reason of a run that a migration ends."""

Mapped = Mapping[str, str | None]
"""Where the runs at each step go: to a step of the new version, or out of the journey with None."""


@frozen
class Moved:
    """What a migration does with the runs at one step of one version: `to` is None for those that leave."""

    version: int
    step: str
    to: str | None
    people: int


@frozen
class Migration(Rows):
    """What a migration did, or would do with `dry_run`; `moves` are sorted by version and step (R14)."""

    journey: str
    version: int
    moves: tuple[Moved, ...]
    dry_run: bool = field(kw_only=True, default=False)

    @property
    def people(self) -> int:
        """How many runs are moved or leave."""
        return sum(each.people for each in self.moves)


def mapping_faults(record: JourneyRecord, to: Program, mapping: Mapping[str, object]) -> list[str]:
    """Return a sentence for each unknown step in a mapping, and each target that the new version lacks."""
    known = {step.id for _, program in record.versions for step in program.journey.steps}
    targets = to.journey.index
    found = []
    for step, target in mapping.items():
        if step not in known:
            found.append(f"mapping: no version of {record.id!r} has a step {step!r}{did_you_mean(step, known)}")
        if target is not None and not isinstance(target, str):
            found.append(f"mapping[{step!r}]: expected the id of a step, or None for exit, not {describe(target)}")
        elif target is not None and target not in targets:
            hint = did_you_mean(target, targets)
            found.append(f"mapping[{step!r}]: version {to.version} has no step {target!r}{hint}")
    return found


@frozen
class Plan:
    """A migration: the target version, where each step leads, and the instant; `index` maps its steps to positions."""

    to: Program
    mapping: Mapped
    at: int
    index: Mapping[str, int] = field(init=False)

    @index.default
    def _(self) -> Mapping[str, int]:
        return self.to.journey.index

    def destination(self, run: Run, old: Program) -> tuple[str, str | None, bool]:
        """Return the step at which a run rests, its target, and whether the new version has that target."""
        step = old.nodes[run.step].id
        target = self.mapping.get(step, step)
        return step, target, target is None or target in self.index


def migrated(run: Run, old: Program, target: str | None, plan: Plan, situation: Situation) -> tuple[Run, Move]:
    """Close the current visit (EXITED) and enter the target in the new version, or leave the journey (R14).

    The run rests at the target. At a Wait it rests until that Wait's end, counted from the start of the old rest if
    that was a Wait too. At any other step it rests until this very instant, so that the next tick goes on from there.
    """
    new, at = plan.to, max(plan.at, run.last_at)
    left = old.nodes[run.step]
    if target is None:
        result = advance(old, run, "EXIT", situation, at, reason=REASON)
        return result.run, result.move  # type: ignore[return-value]  # an exit always makes a move
    path, position = [left.entry(EXITED, "")], plan.index[target]
    while new.nodes[position].id in situation.unpublished:
        path.append(new.nodes[position].entry(SKIPPED, ""))
        position = new.nodes[position].next
    node = new.nodes[position]
    path.append(node.entry(ACTIVE, ""))
    waits_on = isinstance(left, CompiledWait) and isinstance(node, CompiledWait) and len(path) == len("on")
    visit = run.visit + len(path) - 1
    after = run._replace(
        version=new.number,
        step=position,
        visit=visit,
        since=run.since if waits_on else at,
        last_at=at,
        due=None,
        held=None,
        awaits=None,
        softened=False,
        memory=_remembered(run, old, plan, (visit, prolonged(run)) if waits_on else None),
    )
    after, seen = _at_rest(new, after, node, situation, at)
    read = {str(len(path) - 1): seen} if seen else {}
    return after, Move(run.serial, run.visit, at, tuple(path), read)


def _at_rest(
    program: Program, run: Run, node: CompiledStep, situation: Situation, at: int
) -> tuple[Run, dict[str, object]]:
    """Return a run that has arrived at a step with its rest there, and the values read for that."""
    if not isinstance(node, CompiledWait):
        return run._replace(due=at), {}
    walk = Walk(program, run, situation, run.since, FRESH)
    if node.awaited is not None:  # the next tick asks, as of this instant
        if node.length is not None:
            remember(walk, DEADLINE, node.id, max(timeout(node, run.since, walk.zone, prolonged(run)), at))
        return run._replace(due=at, awaits=node.awaits, memory=walk.memory), {}
    if wait(walk, node) != REST:
        return run._replace(due=at), {}  # already over; the next tick takes the right edge
    due = None if walk.due is None else max(walk.due + prolonged(run), at)
    return run._replace(due=due, awaits=walk.awaits, memory=walk.memory), walk.seen


def _remembered(run: Run, old: Program, plan: Plan, prolonging: tuple[int, int] | None) -> dict[str, Any]:
    """Return a run's memory under the step names of the new version, with the visits of each version."""
    names = {step: target for step, target in plan.mapping.items() if target is not None and target != step}
    memory: dict[str, Any] = dict(run.memory or {})
    for what in ("wait", "left", "anchor"):
        if what in memory:
            memory[what] = {names.get(step, step): value for step, value in memory[what].items()}
    memory["versions"] = [*memory.get("versions", [[1, old.number]]), [run.visit + 1, plan.to.number]]
    if names:
        memory["renamed"] = [*memory.get("renamed", []), [run.visit, names]]
    memory.pop("prolonged", None)
    if prolonging is not None and prolonging[1]:
        memory["prolonged"] = list(prolonging)
    return memory


# --- past a pause -----------------------------------------------------------------------------------------------------


def prolonged(run: Run) -> int:
    """Return by how much pauses have prolonged the current rest, in microseconds (R16)."""
    visit, length = (run.memory or {}).get("prolonged", (0, 0))
    return int(length) if visit == run.visit else 0


def shifted(program: Program, run: Run, attributes: dict[str, object], paused_at: int, at: int) -> Run | None:
    """Prolong a rest by the part of a pause that it lasted through; return None if nothing changes (R16).

    Durations and timeouts end that much later, but not before the resume. A yearly date that fell into the pause is
    waited for again. Everything else is evaluated again at the resume, as it is without shifting.
    """
    node = program.nodes[run.step]
    if not isinstance(node, CompiledWait):
        return None
    if node.step.every is not None:
        return None if run.held is None else run._replace(since=at)
    pause = at - max(paused_at, run.since)
    if node.length is None or pause <= 0:
        return None
    longer = prolonged(run) + pause
    end = max(timeout(node, run.since, program.zone_of(attributes), longer), at)
    memory = {**(run.memory or {}), "prolonged": [run.visit, longer]}
    if node.awaited is None:
        return run._replace(due=end, held=None, memory=memory)
    memory[DEADLINE] = {**memory[DEADLINE], node.id: end}
    return run._replace(due=at, held=None, memory=memory)  # its condition is asked again at the resume
