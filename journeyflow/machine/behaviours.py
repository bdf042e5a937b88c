"""The machine: how one run of one customer goes through a journey. This page explains the whole engine.

Theory of operation
===================

A run is always in one of two conditions: it *rests* at a step, or it has *ended*. `advance` takes a resting (or new)
run and one stimulus and walks from step to step, all at one instant, until the run rests again or ends. The outcome is
a `Result`, a value; nothing is changed in place, and nothing outside the walk is touched.

    stimulus     meaning                                          rests that listen
    ---------    ---------------------------------------------    ---------------------------------
    ENTER        the run begins at the first step (R20)           (none: the run is new)
    DUE          the instant it rests until has come (R3, R4)     every rest with a `due`
    EVENT        the event it waits for has happened (R36)        Wait for an event
    CHANGED      what it reads of the customer changed (R37)      Wait for a date field or a condition
    EXIT         an exit, goal, host or order ends it (R42)        every rest
    FAIL         its message was given up (R43)                   every rest
    RETRY        the host puts it back (R43)                      (none: the run has FAILED)

The whole behavior of the six kinds of steps is in two tables; what they say of a Wait is in `waits.py`. `ARRIVE` says
what a step does when the walk arrives at it, `WAKE` what a rest does when a stimulus reaches it. Each behavior returns
where to go next: the position of the next step, `REST` if it has set a rest, or `NOWHERE` if the run has ended.

Rules of the walk
-----------------

1.  Visits are numbered 1, 2, ... within the run. A visit beyond the journey's limit fails the run; a retry starts the
    count again (R41).
2.  A visit is written into the path when it is left, with its status and outcome (R44); a rest is written as ACTIVE.
    The first entry of a path that began with a rest is that rest, now left.
3.  The same Send never queues twice within one root item (R30); a run emits at most 100 events within one (R53).
4.  An unpublished step is passed through as SKIPPED. A rest there keeps its wake-up; a held Send is passed (R17).
5.  A walk that fails queues no messages; the Sends it passed are SKIPPED with the outcome "failed" (R30).
6.  These are evaluated again at the instant at which they take effect: the gates of a Send (`gates.py`), windows,
    openings and date fields (R5, R31, R37). Durations are not, and a condition is asked as of its own instant.
7.  Rules never raise, values of the wrong type change nothing, and calendar arithmetic stays inside the calendar: no
    customer's data can make a walk raise.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from journeyflow.basics.chance import bucket
from journeyflow.basics.words import ACTIVE, COMPLETED, CONDITION, EXITED, FAILED, QUEUED, RETRY, SKIPPED
from journeyflow.definition.rules.attribute_changes import WrongType
from journeyflow.definition.steps import Condition, End, Send, Split, Update, Wait
from journeyflow.machine.compiled_steps import (
    NOWHERE,
    CompiledCondition,
    CompiledEnd,
    CompiledSend,
    CompiledSplit,
    CompiledStep,
    CompiledUpdate,
    CompiledWait,
    Onward,
)
from journeyflow.machine.gates import closed
from journeyflow.machine.notes import FRESH, REST, Past, Result, Situation, Stimulus, Walk, make_result
from journeyflow.machine.program import Program
from journeyflow.machine.waits import WAKE_WAIT, is_over, own_instant, wait
from journeyflow.records.rows import NO_FLAGS, Run, make_move, make_post, make_run

WAKING = frozenset({"DUE", "EVENT", "CHANGED"})
"""The stimuli that a rest's own behavior handles."""

ENDING: Mapping[str, str] = {"EXIT": EXITED, "FAIL": FAILED}
"""The stimuli that end a run, with the run's status."""


def advance(  # noqa: PLR0917 the six things a walk depends on, in their usual order
    program: Program,
    run: Run,
    stimulus: Stimulus,
    situation: Situation,
    at: int,
    past: Past = FRESH,
    reason: str = "",
    softened: bool = False,
    asked: dict[str, object] | None = None,
) -> Result:
    """Walk a run from one rest to the next (R4, R30).

    `at` is the effective instant, not earlier than the run's last one (R6). `reason` goes with EXIT and FAIL.
    `softened` says that a DUE is later than the grace allows, so that a rest that continues is not softened again (R5).
    `asked` are the values that were compared before an entry or an exit; they are kept with the move (R85).
    """
    walk = Walk(program, run, situation, at, past)
    return go(walk, stimulus, reason, softened, asked)


def go(
    walk: Walk,
    stimulus: Stimulus,
    reason: str = "",
    softened: bool = False,
    asked: dict[str, object] | None = None,
) -> Result:
    """Walk on from prepared notes: what `advance` does, for notes of any kind."""
    program, run, unpublished = walk.program, walk.run, walk.unpublished
    at = walk.at
    if asked:
        walk.read["entry" if stimulus == "ENTER" else "exit"] = asked
    if stimulus in WAKING:
        node = program.nodes[run.step]
        passed = unpublished and node.id in unpublished and node.kind is not Wait
        wake = WAKE.get(node.kind)  # None: a migration left the run here until this very instant (R14)
        if passed or wake is None:
            to = pass_through(walk, node) if passed else ARRIVE[node.kind](walk, node)
        else:
            to = wake[stimulus](walk, node)
        if to == REST:
            return _still_resting(walk, softened=softened)
    elif stimulus == "ENTER":
        to = 0
    elif stimulus == "RETRY":
        to = _put_back(walk)
    else:
        walk.leave_as(ENDING[stimulus])
        to = walk.end(ENDING[stimulus], reason)
    bound = program.journey.max_visits if walk.memory is None else _bound(walk)
    while to >= 0:
        walk.step = to
        walk.visit += 1
        walk.since = at
        if walk.visit > bound:
            to = walk.fail("visit limit")
        else:
            node = program.nodes[to]
            passed = unpublished and node.id in unpublished
            to = pass_through(walk, node) if passed else ARRIVE[node.kind](walk, node)
    if to == REST:
        walk.leave(program.nodes[walk.step].resting)
    return _result(walk)


def _bound(walk: Walk) -> int:
    """Return the number of the last visit that a run may make; a retry allows the full count again (R41)."""
    memory = walk.memory or {}
    return walk.program.journey.max_visits + int(memory.get("retried", 0))


def _put_back(walk: Walk) -> int:
    """Go back to where a FAILED run last rested, or to the start if it never did (R43).

    The time since the failure is a visit of its own, SKIPPED with the outcome "retry". The run waits again for what it
    waited for, until the same instant but not before this one. The journey's limit on visits counts anew (R41).
    """
    run = walk.run
    memory = {**(run.memory or {})}
    rest = memory.pop("rest", None)
    walk.memory = {**memory, "retried": walk.visit}
    walk.visit += 1
    walk.run = run._replace(visit=walk.visit)  # the failed visit was written by the move that failed
    walk.step = 0 if rest is None else rest[0]
    walk.leave_as(SKIPPED, RETRY)
    if rest is None:
        return 0
    _, walk.since, due, awaits = rest
    walk.visit += 1
    if awaits == CONDITION:
        due = walk.at  # it may have become true meanwhile
    return walk.rest(None if due is None else max(due, walk.at), awaits)


def _where_it_rested(walk: Walk) -> dict[str, Any] | None:
    """Return the run's memory with the rest before the walk that fails, as it was then, for a retry (R43)."""
    run = walk.run
    if run.step == NOWHERE:  # it was put back to its start and fails again
        return run.memory
    rest = [run.step, run.since, run.due, run.awaits] if run.visit else None
    return {**(run.memory or {}), "rest": rest}


def pass_through(walk: Walk, node: CompiledStep) -> int:
    """Pass an unpublished step as if it did not exist; a branching step leads to where its branches rejoin (R17)."""
    walk.leave(node.entry(SKIPPED, ""))
    return node.next


def _still_resting(walk: Walk, *, softened: bool) -> Result:
    """Keep the rest, perhaps until another instant: no visit is left, so there is no move."""
    run = walk.run
    node = walk.program.nodes[run.step]
    if isinstance(node, CompiledWait) and node.awaited is not None and not is_over(walk, node):
        run = run._replace(due=walk.due, held=None)  # its condition was asked in vain
    elif walk.due != run.due:  # always the case after a DUE: something checked again opens later
        over = own_instant(run)
        held = None if walk.awaits is None else over  # a timeout that is over by then lets no later event win (R5)
        run = run._replace(due=walk.due, held=held, awaits=walk.awaits, softened=run.softened or softened)
    return Result(run, None, (), walk.attributes, (), (walk.sends, walk.spent))


def _result(walk: Walk) -> Result:
    """Return the result of a finished walk."""
    run, ended, at = walk.run, walk.status != ACTIVE, walk.at
    path, posts = walk.path, walk.new_posts
    if walk.status == FAILED and posts:
        queued = {post.n - walk.visit + len(path) - 1 for post in posts}
        path = [
            (step, SKIPPED, "failed") if n in queued else (step, status, outcome)
            for n, (step, status, outcome) in enumerate(path)
        ]
        posts = []
    fields = (
        run.serial,
        run.customer,
        run.journey,
        run.version,
        run.number,
        walk.status,
        walk.reason,
        run.entered_at,
        at,
        at if ended else None,
        run.converted_at,
        walk.visit,
        NOWHERE if ended else walk.step,
        walk.since,
        walk.due,
        None,
        walk.awaits,
        False,
        run.trigger,
        run.key,
        walk.memory if walk.status != FAILED else _where_it_rested(walk),
    )
    after = make_run(fields)
    move = make_move((run.serial, run.visit, at, tuple(path), walk.read))
    past = walk.sends, walk.spent + len(walk.emitted)
    return make_result((after, move, posts, walk.attributes, walk.emitted, past))


# --- Send ---------------------------------------------------------------------------------------------------------


def send(walk: Walk, node: CompiledSend) -> int:
    """Queue a message, or rest because a gate holds it, or skip it with the reason (R31)."""
    step = node.step
    answer = walk.ask(closed, node)
    if isinstance(answer, int):
        return walk.rest(answer)
    if answer is not None:
        walk.leave(node.entry(SKIPPED, answer))
        return node.next
    if walk.step in walk.sends:
        return walk.fail("zero-time loop")
    text, expires = walk.compose(node)
    post = make_post(
        (
            walk.run.serial,
            walk.visit,
            node.id,
            step.channel,
            step.template,
            text,
            walk.at,
            expires,
            step.cancel_on_exit,
            QUEUED,
            0,
            walk.at,
            None,
            None,
            NO_FLAGS,
            None,
            len(walk.nonces) - 1,
            "",
            0,
        )
    )
    walk.new_posts.append(post)
    walk.sends = (*walk.sends, walk.step)
    if walk.program.reads_posts:
        walk.posts = {**walk.posts, node.id: post}
    walk.leave(node.queued)
    return node.next


# --- Condition, Split, Update, End --------------------------------------------------------------------------------


def condition(walk: Walk, node: CompiledCondition) -> int:
    """Take the first branch that is true, else the `otherwise` branch (R37)."""
    to, entry = node.otherwise
    for question, onward in node.branches:
        if walk.holds(question):
            to, entry = onward
            break
    walk.leave(entry)
    return to


def split(walk: Walk, node: CompiledSplit) -> int:
    """Take the arm that the customer's bucket falls into (R38)."""
    to, entry = walk.ask(_arm, node)
    walk.leave(entry)
    return to


def _arm(walk: Walk, node: CompiledSplit) -> Onward:
    program = walk.program
    place = bucket(program.tenant, program.journey.id, node.id, walk.customer)
    return node.arms[bisect_right(node.ends, place)]


def update(walk: Walk, node: CompiledUpdate) -> int:
    """Change the customer, all or nothing; emit the changes as events, then the orders to other runs (R39)."""
    before = walk.attributes
    try:
        events = walk.change(node)
    except WrongType:
        walk.leave(node.entry(COMPLETED, "type"))
        return node.next
    if not walk.emit([*events, *node.orders]):
        walk.attributes = before
        return walk.fail("event loop")
    walk.leave(node.made)
    return walk.end(EXITED, node.leaves) if node.leaves else node.next


def end(walk: Walk, node: CompiledEnd) -> int:
    """Complete the run (R40)."""
    if not walk.emit(node.completed):
        return walk.fail("event loop")
    walk.leave(node.reached)
    return walk.end(COMPLETED)


ARRIVE: dict[type, Callable[[Walk, Any], int]] = {
    Send: send,
    Wait: wait,
    Condition: condition,
    Split: split,
    Update: update,
    End: end,
}
"""What each kind of step does when a walk arrives at it."""

WAKE: dict[type, Mapping[Stimulus, Callable[[Walk, Any], int]]] = {Send: {"DUE": send}, Wait: WAKE_WAIT}
"""What each kind of rest does when a stimulus reaches it; the other kinds never rest. A held Send checks its gates
again when its instant has come, and listens to nothing else."""
