"""The stages that an event passes through, each completed before the next (R9).

Stage 1, the effect on the customer, is in `intake.py`, because only inputs have one. Here are stage 2, goals and exits;
stage 3, the runs that wait for the event; and stage 4, entries.
"""

from journeyflow.basics.durations import add
from journeyflow.basics.words import ACTIVE, MESSAGE, State
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.machine.compiled_steps import CompiledExit, CompiledWait
from journeyflow.machine.facts import Facts
from journeyflow.machine.program import Program
from journeyflow.records.counting import converted
from journeyflow.records.rows import Run
from journeyflow.work.entries import enter
from journeyflow.work.happenings import Happening
from journeyflow.work.working_set import Work

LISTENING: frozenset[State] = frozenset({"ACTIVE", "PAUSED"})
"""The states of a journey in which events reach its trigger (R20)."""


def handle(work: Work, event: Happening) -> None:
    """Take an event through stages 2, 3 and 4 (R9). Most events concern no journey: nothing is asked about them."""
    kind, _, _, _, person, _, _, changed, _ = event
    if not work.catalog.hears(person.tenant, kind, changed):
        return
    serials = person.serials
    for serial in serials:
        _ways_out(work, event, work.runs[serial])
    for serial in serials:
        _release(work, event, work.runs[serial])
    for record in work.catalog.triggered.get((person.tenant, kind), ()):
        _trigger(work, event, record)


# --- stage 2: goals and exits ---------------------------------------------------------------------------------------


def _ways_out(work: Work, event: Happening, run: Run) -> None:
    """Record a conversion by the goal, then leave by the first exit that matches (R42)."""
    program = work.program(run)
    goal = program.goal
    if (
        goal is not None
        and goal.event == event.type
        and run.converted_at is None
        and _in_reach(event, goal, run)
        and _is_meant(event, run, program)
    ):
        run = _convert(work, event, run, program, goal)
    if run.status != ACTIVE:
        return
    for way in program.exits:
        facts = _fitting(work, event, way, run, program)
        if facts is not None:
            work.advance(run, "EXIT", event.at, causes=event.causes, reason=way.name, asked=facts.seen)
            return


def _in_reach(event: Happening, way: CompiledExit, run: Run) -> bool:
    """Return whether an event may affect a run: a message event affects only the run that sent the message (R36)."""
    return way.any_message or _reaches(event, run)


def _reaches(event: Happening, run: Run) -> bool:
    return not event.type.startswith(MESSAGE) or _is_own(event, run)


def _is_own(event: Happening, run: Run) -> bool:
    """Return whether an event is about a message of a run."""
    return event.post is not None and event.post.serial == run.serial


def _is_meant(event: Happening, run: Run, program: Program) -> bool:
    """Return whether an event is for a run: one that carries a key is only for the run with that key (R22)."""
    return program.key is None or program.key_of(event.data) in {"", run.key}


def _convert(work: Work, event: Happening, run: Run, program: Program, goal: CompiledExit) -> Run:
    """Record a conversion within the goal's time, and end the run if the goal asks for that (R42)."""
    person = event.person
    at = max(event.at, run.last_at)
    facts = work.facts(person, program, at, event.data, run)
    if goal.within is not None and event.own > add(run.entered_at, goal.within, facts.zone):
        return run
    if goal.where is not None and not goal.where(facts):
        return run
    run = run._replace(converted_at=at)
    work.set_run(run)
    work.notes.append(converted(run, at))
    if goal.ends and run.status == ACTIVE:
        return work.advance(run, "EXIT", at, causes=event.causes, reason="goal", asked=facts.seen).run
    return run


def _fitting(work: Work, event: Happening, way: CompiledExit, run: Run, program: Program) -> Facts | None:
    """Return the facts for which an exit matches, by its event or by the changed customer; None for no match (R42)."""
    if way.event == event.type and _in_reach(event, way, run) and _is_meant(event, run, program):
        facts = work.facts(event.person, program, max(event.at, run.last_at), event.data, run)
        return facts if way.where is None or way.where(facts) else None
    if way.when is not None and event.changed:
        facts = work.facts(event.person, program, max(event.at, run.last_at), None, run)
        return facts if way.when(facts) else None
    return None


# --- stage 3: runs that wait ----------------------------------------------------------------------------------------


def _release(work: Work, event: Happening, run: Run) -> None:
    """Wake a run that waits for this event, or whose date or condition may have changed (R36, R37)."""
    if run.status != ACTIVE:
        return
    program = work.program(run)
    node = program.nodes[run.step]
    if not isinstance(node, CompiledWait):
        return
    step = node.step
    if step.field is not None and event.changed == step.field.removeprefix("customer.").partition(".")[0]:
        _look_again(work, event, run, run._replace(due=max(event.at, run.last_at)))
    elif run.held is not None and run.held < work.own:
        return  # its time had run out earlier; only a pause holds it (R5, R16)
    elif node.awaited is not None:
        if event.changed in node.awaited.attributes or (node.awaited.posts and _is_own(event, run)):
            asked = run._replace(due=max(work.place, run.last_at), held=None)  # by its own instant (R5)
            _look_again(work, event, asked, asked)
    elif step.event == event.type and (step.any_message or _reaches(event, run)):
        at = max(event.at, run.last_at)
        if _is_meant(event, run, program) and not work.paused(run, event.own, at):
            work.advance(run, "EVENT", at, event=event.data, causes=event.causes)


def _look_again(work: Work, event: Happening, run: Run, held: Run) -> None:
    """Have a run look at its date or condition again; in a pause, `held` is held until the resume (R16, R37)."""
    at = max(event.at, run.last_at)
    for instant in (event.own, at):
        if work.paused(run, instant):
            work.hold(held, instant)
            return
    work.advance(run, "CHANGED", at, causes=event.causes)


# --- stage 4: entries -----------------------------------------------------------------------------------------------


def _trigger(work: Work, event: Happening, record: JourneyRecord) -> None:
    """Enter the customer if the trigger matches. DRAFT and ARCHIVED journeys listen to nothing (R20)."""
    kind, data, own, at, person, _, _, _, _ = event
    if record.state(own) not in LISTENING:
        return
    program = record.program(own)
    if program.journey.trigger.event != kind:
        return
    facts = work.facts(person, program, at, data)
    if program.where is not None and not program.where(facts):
        return
    enter(work, record, program, event, facts, limited=True)
