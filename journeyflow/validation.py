"""What can be wrong with a journey: every problem at once, with its place in a journey file (R13)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from journeyflow.changes import Change, change_problems
from journeyflow.entry import REENTRY_POLICIES, Exit, Goal, Reentry, Trigger
from journeyflow.errors import ERROR, WARNING, Problem, did_you_mean
from journeyflow.graph import END, ways_on
from journeyflow.moments import Duration, Window, zone
from journeyflow.rules import Rule, reads, rule_problems
from journeyflow.steps import (
    WAIT_FORMS,
    Arm,
    Branch,
    Condition,
    End,
    Send,
    Split,
    Step,
    Update,
    Wait,
    hundredths,
    targets,
)
from journeyflow.templates import template_problems, template_reads
from journeyflow.values import describe, faults, id_fault, text_fault

if TYPE_CHECKING:  # a journey is validated while it is made
    from journeyflow.journey import Journey

RESERVED = frozenset({"holdout", "entry"})
"""Ids that a step cannot have: "holdout" is the key of R25's chance, "entry" the name of the move into a run."""

MESSAGE_KINDS = (
    "sent",
    "delivered",
    "opened",
    "clicked",
    "converted",
    "browser_viewed",
    "forwarded",
    "unsubscribed",
    "bounced",
    "complained",
    "failed",
)
"""What can happen to a message; `message.<kind>` is the event that tells of it (R50, R52)."""

MESSAGE_NAMES = frozenset({"id", "at", *MESSAGE_KINDS, *(f"{kind}_at" for kind in MESSAGE_KINDS)})
ENROLLMENT_NAMES = frozenset({"tenant", "journey", "version", "customer", "run", "entered_at"})

MAX_STEPS = 1_000_000
"""Steps in one journey: far beyond what anybody draws; a bound on what a file can make the process hold."""


def problems(journey: "Journey") -> Iterator[Problem]:
    """Yield every problem: of the journey itself, of its steps one by one, of the graph they make."""
    yield from _header_problems(journey)
    steps: list[Step] = []
    for position, step in enumerate(journey.steps):
        where = f"steps[{position}]"
        if isinstance(step, Step):
            steps.append(step)
            yield from _step_problems(step, where)
        else:
            yield Problem("step", ERROR, where, f"expected a step such as Send(...), not {describe(step)}")
    if not journey.steps:
        yield Problem("no-steps", ERROR, "steps", "the journey has no steps; it can be a draft but not be activated")
    elif len(steps) == len(journey.steps):
        yield from _reference_problems(journey)
        yield from _graph_problems(journey)
        yield from _self_trigger(journey)


# --- the parts every definition has -------------------------------------------------------------------------------


def _header_problems(journey: "Journey") -> Iterator[Problem]:
    if fault := id_fault(journey.id):
        yield Problem("id", ERROR, "id", f"the journey's id {fault}")
    if journey.tenant is not None and (fault := id_fault(journey.tenant)):
        yield Problem("id", ERROR, "tenant", f"the tenant {fault}")
    yield from _texts(journey, ("name", "description", "notes"), "")
    yield from _booleans(journey, ("customer_timezone",), "")
    try:
        zone(journey.timezone)
    except (ValueError, TypeError):
        yield Problem("zone", ERROR, "timezone", f"{journey.timezone!r} is no IANA time zone such as 'Europe/Paris'")
    if journey.consent not in {"optional", "required"}:
        yield Problem(
            "consent", ERROR, "consent", f"expected 'optional' or 'required', not {describe(journey.consent)}"
        )
    if type(journey.max_visits) is not int or journey.max_visits < 1:
        yield Problem("max-visits", ERROR, "max_visits", f"expected 1 or more, not {describe(journey.max_visits)}")
    yield from _trigger_problems(journey.trigger)
    yield from rule_problems(journey.run_criteria, "run_criteria")
    yield from _reentry_problems(journey.reentry)
    names: set[str] = set()
    for position, each in enumerate(journey.exits):
        yield from _exit_problems(each, f"exits[{position}]", names)
    yield from _goal_problems(journey.goal)


def _trigger_problems(trigger: Trigger) -> Iterator[Problem]:
    if not isinstance(trigger, Trigger):
        yield Problem("trigger", ERROR, "trigger", f"expected a Trigger, not {describe(trigger)}")
        return
    yield from _booleans(trigger, ("manual",), "trigger.")
    if trigger.manual and (trigger.event is not None or trigger.where is not None):
        yield Problem("trigger", ERROR, "trigger", "a manual trigger has neither event nor criteria")
    elif not trigger.manual and (fault := id_fault(trigger.event)):
        yield Problem("trigger", ERROR, "trigger.event", f"the event type {fault}; say manual for none")
    yield from rule_problems(trigger.where, "trigger.where")


def _reentry_problems(reentry: Reentry) -> Iterator[Problem]:
    if reentry.policy not in REENTRY_POLICIES:
        later = "'restart' is not supported yet" if reentry.policy == "restart" else f"not {describe(reentry.policy)}"
        yield Problem("reentry", ERROR, "reentry", f"expected 'never', 'always' or after a period; {later}")
    elif (reentry.policy == "after") != (reentry.period is not None):
        yield Problem("reentry", ERROR, "reentry", "a period goes with 'after', and only with it")
    yield from _positive(reentry.period, "reentry.after")


def _exit_problems(each: Exit, where: str, names: set[str]) -> Iterator[Problem]:
    if not isinstance(each, Exit):
        yield Problem("exit", ERROR, where, f"expected an Exit, not {describe(each)}")
        return
    if fault := id_fault(each.name):
        yield Problem("exit", ERROR, f"{where}.name", f"the name {fault}")
    elif each.name in names:
        yield Problem("duplicate", ERROR, f"{where}.name", f"two exits are named {each.name!r}")
    names.add(each.name)
    yield from _booleans(each, ("any_message",), f"{where}.")
    if (each.event is None) == (each.when is None):
        yield Problem("exit", ERROR, where, "say either an event (with where) or a condition on the customer (when)")
    if each.event is None and each.where is not None:
        yield Problem("exit", ERROR, f"{where}.where", "criteria go with an event; a condition goes into when")
    if each.event is not None and (fault := id_fault(each.event)):
        yield Problem("exit", ERROR, f"{where}.event", f"the event type {fault}")
    yield from rule_problems(each.where, f"{where}.where")
    yield from rule_problems(each.when, f"{where}.when")


def _goal_problems(goal: Goal | None) -> Iterator[Problem]:
    if goal is None:
        return
    if not isinstance(goal, Goal):
        yield Problem("goal", ERROR, "goal", f"expected a Goal, not {describe(goal)}")
        return
    if fault := id_fault(goal.event):
        yield Problem("goal", ERROR, "goal.event", f"the event type {fault}")
    yield from _booleans(goal, ("exit", "any_message"), "goal.")
    yield from _positive(goal.within, "goal.within")
    yield from rule_problems(goal.where, "goal.where")


def _texts(holder: object, names: Iterable[str], where: str) -> Iterator[Problem]:
    for name in names:
        value = getattr(holder, name)
        fault = text_fault(value) if isinstance(value, str) else f"must be text, not {describe(value)}"
        if fault:
            yield Problem("text", ERROR, f"{where}{name}", f"the {name} {fault}")


def _booleans(holder: object, names: Iterable[str], where: str) -> Iterator[Problem]:
    for name in names:
        value = getattr(holder, name)
        if not isinstance(value, bool):
            yield Problem("boolean", ERROR, f"{where}{name}", f"expected true or false, not {describe(value)}")


def _positive(length: Duration | None, where: str) -> Iterator[Problem]:
    if length is not None and (length.sign <= 0 or length.mixed):
        yield Problem("duration", ERROR, where, f"the duration '{length}' does not lead forward")


# --- steps --------------------------------------------------------------------------------------------------------


def _step_problems(step: Step, where: str) -> Iterator[Problem]:
    if fault := id_fault(step.id):
        yield Problem("id", ERROR, f"{where}.id", f"the step's id {fault}")
    elif step.id in RESERVED or "." in step.id or (step.id == END and not isinstance(step, End)):
        why = "contains a dot, which separates names in rules" if "." in step.id else "is reserved"
        yield Problem("reserved", ERROR, f"{where}.id", f"the step's id {step.id!r} {why}")
    yield from _texts(step, ("name", "notes"), f"{where}.")
    yield from _CHECKS[type(step)](step, where)


def _send_problems(step: Send, where: str) -> Iterator[Problem]:
    for name in ("channel", "template"):
        if fault := id_fault(getattr(step, name)):
            yield Problem(name, ERROR, f"{where}.{name}", f"step {step.id!r}: the {name} {fault}")
        elif name == "channel" and "." in step.channel:
            yield Problem(name, ERROR, f"{where}.{name}", f"step {step.id!r}: a channel has no dot in its name")
    if not isinstance(step.data, Mapping):
        yield Problem("data", ERROR, f"{where}.data", f"expected an object, not {describe(step.data)}")
    else:
        yield from (Problem("data", ERROR, where, fault) for fault in faults(step.data, "data"))
        yield from template_problems(step.data, f"{where}.data")
    yield from _booleans(step, ("transactional", "cancel_on_exit"), f"{where}.")
    yield from _window(step.window, f"{where}.window")
    yield from _positive(step.expires, f"{where}.expires")


def _window(window: object, where: str) -> Iterator[Problem]:
    if window is not None and not isinstance(window, Window):
        yield Problem("window", ERROR, where, f"expected a Window, not {describe(window)}")


_WAIT_OPTIONS = {
    "offset": "field",
    "every": "field",
    "on_missing": "field",
    "on_past": "field",
    "where": "event",
    "timeout": "event",
    "on_event": "event",
    "on_timeout": "event",
}
"""Options of a Wait and the one form that each goes with."""


def _wait_problems(step: Wait, where: str) -> Iterator[Problem]:
    forms = [form for form in WAIT_FORMS if getattr(step, form) is not None]
    if len(forms) != 1:
        found = " and ".join(forms) or "none"
        sentence = f"step {step.id!r}: a wait takes exactly one of {', '.join(WAIT_FORMS)}; found {found}"
        yield Problem("wait", ERROR, where, sentence)
        return
    for name, form in _WAIT_OPTIONS.items():
        if getattr(step, name) is not None and form != forms[0]:
            yield Problem(
                "wait", ERROR, f"{where}.{name}", f"step {step.id!r}: {name} goes with a wait for {form} only"
            )
    if step.event is not None and (fault := id_fault(step.event)):
        yield Problem("wait", ERROR, f"{where}.event", f"step {step.id!r}: the event type {fault}")
    if step.field is not None:
        yield from rule_problems(_probe(step.field), f"{where}")
    if step.every not in {None, "year"}:
        yield Problem(
            "wait", ERROR, f"{where}.every", f"step {step.id!r}: only every year is known, not {step.every!r}"
        )
    if step.on_timeout is not None and step.timeout is None:
        yield Problem("wait", ERROR, f"{where}.on_timeout", f"step {step.id!r}: on_timeout needs a timeout")
    if step.offset is not None and step.offset.mixed:
        yield Problem("duration", ERROR, f"{where}.offset", f"step {step.id!r}: the offset points both ways")
    yield from _booleans(step, ("any_message",), f"{where}.")
    yield from _positive(step.duration, f"{where}.duration")
    yield from _positive(step.timeout, f"{where}.timeout")
    yield from _window(step.window, f"{where}.window")
    yield from rule_problems(step.where, f"{where}.where")


def _probe(path: str) -> Rule:
    """Ask about a field, to check its name as any rule's."""
    from journeyflow.rules import Comparison  # noqa: PLC0415 used here alone

    return Comparison(path, "isNull")


def _condition_problems(step: Condition, where: str) -> Iterator[Problem]:
    if not step.branches:
        yield Problem("condition", ERROR, f"{where}.branches", f"step {step.id!r}: a condition needs a branch")
    labels: set[str] = {step.else_label}
    for position, each in enumerate(step.branches):
        at = f"{where}.branches[{position}]"
        if not isinstance(each, Branch):
            yield Problem("branch", ERROR, at, f"step {step.id!r}: expected a branch(...), not {describe(each)}")
            continue
        if each.when is None:
            yield Problem("branch", ERROR, f"{at}.when", f"step {step.id!r}: the branch has no rule")
        yield from rule_problems(each.when, f"{at}.when")
        yield from _label(each.label, labels, at, step.id)


def _label(label: object, taken: set[str], where: str, step_id: str) -> Iterator[Problem]:
    if fault := id_fault(label):
        yield Problem("label", ERROR, f"{where}.label", f"step {step_id!r}: the label {fault}")
    elif label in taken:
        yield Problem("duplicate", ERROR, f"{where}.label", f"step {step_id!r}: the label {label!r} is there twice")
    else:
        taken.add(str(label))


def _split_problems(step: Split, where: str) -> Iterator[Problem]:
    labels: set[str] = set()
    total = 0
    for position, each in enumerate(step.arms):
        at = f"{where}.arms[{position}]"
        if not isinstance(each, Arm):
            yield Problem("arm", ERROR, at, f"step {step.id!r}: expected an arm(...), not {describe(each)}")
            continue
        share = hundredths(each.percentage)
        if share is None:
            sentence = (
                f"a percentage is a number from 0 to 100 with at most two decimals, not {describe(each.percentage)}"
            )
            yield Problem("percentage", ERROR, f"{at}.percentage", f"step {step.id!r}: {sentence}")
        total += share or 0
        yield from _label(each.label, labels, at, step.id)
    if total != 10_000 and all(isinstance(each, Arm) and each.buckets is not None for each in step.arms):  # noqa: PLR2004
        sentence = f"step {step.id!r}: the percentages sum to {total / 100:g}, not to 100"
        yield Problem("percentage", ERROR, f"{where}.arms", sentence)


def _update_problems(step: Update, where: str) -> Iterator[Problem]:
    if not step.changes:
        yield Problem("update", ERROR, f"{where}.changes", f"step {step.id!r}: an update needs a change")
    for position, change in enumerate(step.changes):
        yield from change_problems(change, f"{where}.changes[{position}]")


def _end_problems(step: End, where: str) -> Iterator[Problem]:
    yield from _texts(step, ("outcome",), f"{where}.")


_CHECKS: dict[type, Callable[..., Iterator[Problem]]] = {
    Send: _send_problems,
    Wait: _wait_problems,
    Condition: _condition_problems,
    Split: _split_problems,
    Update: _update_problems,
    End: _end_problems,
}


# --- names that rules and templates read ----------------------------------------------------------------------------


def rule_places(journey: "Journey") -> Iterator[tuple[str, frozenset[str], bool, bool]]:
    """Yield every place that reads facts: where, the paths read, whether an event is at hand, whether a run is."""
    yield "trigger.where", reads(journey.trigger.where), True, False
    yield "run_criteria", reads(journey.run_criteria), True, False
    for position, each in enumerate(journey.exits):
        yield f"exits[{position}].where", reads(each.where), True, True
        yield f"exits[{position}].when", reads(each.when), False, True
    if journey.goal is not None:
        yield "goal.where", reads(journey.goal.where), True, True
    for position, step in enumerate(journey.steps):
        where = f"steps[{position}]"
        if isinstance(step, Condition):
            for number, each in enumerate(step.branches):
                yield f"{where}.branches[{number}].when", reads(each.when), False, True
        elif isinstance(step, Wait):
            yield f"{where}.where", reads(step.where), True, True
            yield f"{where}.field", frozenset({step.field} if step.field else ()), False, True
        elif isinstance(step, Send):
            yield f"{where}.data", template_reads(step.data), False, True
        elif isinstance(step, Update):
            for number, change in enumerate(step.changes):
                read = template_reads(change.value) if isinstance(change, Change) else frozenset[str]()
                yield f"{where}.changes[{number}].value", read, False, True


def _reference_problems(journey: "Journey") -> Iterator[Problem]:
    sends = {step.id for step in journey.steps if isinstance(step, Send)}
    waits = {step.id for step in journey.steps if isinstance(step, Wait) and step.event is not None}
    for where, paths, event, run in rule_places(journey):
        for path in sorted(path for path in paths if isinstance(path, str)):
            if sentence := _reference_fault(path, sends, waits, event=event, run=run):
                yield Problem("reference", ERROR, where, sentence)


def _reference_fault(path: str, sends: set[str], waits: set[str], *, event: bool, run: bool) -> str | None:
    root, _, rest = path.partition(".")
    step_id, _, name = rest.partition(".")
    if not rest or root not in {"event", "message", "wait", "enrollment"}:
        return None
    if root == "event":
        return None if event else f"{path!r}: no event is at hand here; say trigger.x, or wait.<step>.x"
    if not run:
        return f"{path!r}: there is no run yet when this is asked"
    if root == "enrollment":
        hint = did_you_mean(rest, ENROLLMENT_NAMES) or f"; known are {', '.join(sorted(ENROLLMENT_NAMES))}"
        return None if rest in ENROLLMENT_NAMES else f"{path!r}: unknown name{hint}"
    known, what = (sends, "Send") if root == "message" else (waits, "Wait for an event")
    if step_id not in known:
        return f"{path!r}: there is no {what} named {step_id!r}{did_you_mean(step_id, known)}"
    if root == "message" and name not in MESSAGE_NAMES:
        return f"{path!r}: unknown name {name!r}{did_you_mean(name, MESSAGE_NAMES)}"
    return None if name else f"{path!r}: say which value of that event, wait.{step_id}.x"


# --- the graph ----------------------------------------------------------------------------------------------------


def _graph_problems(journey: "Journey") -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for position, step in enumerate(journey.steps):
        if step.id in seen:
            sentence = f"two steps are named {step.id!r} (steps[{seen[step.id]}] too)"
            yield Problem("duplicate", ERROR, f"steps[{position}].id", sentence)
        seen.setdefault(step.id, position)
    dangling = False
    for position, step in enumerate(journey.steps):
        for place, target in targets(step):
            if target is not None and target not in seen:
                dangling = True
                sentence = f"step {step.id!r} continues at unknown step {target!r}{did_you_mean(target, seen)}"
                yield Problem("dangling", ERROR, f"steps[{position}].{place}", sentence)
    if not dangling and len(seen) == len(journey.steps):
        cycle = _zero_time_cycle(journey.steps)
        if cycle:
            shown = " -> ".join(cycle if len(cycle) <= 20 else [*cycle[:10], "...", *cycle[-9:]])  # noqa: PLR2004
            sentence = f"these steps can be walked in zero time for ever: {shown}; put a wait into the loop"
            yield Problem("zero-time-cycle", ERROR, f"steps[{seen[cycle[0]]}]", sentence)
        yield from _unreachable(journey.steps, seen)


def takes_time(step: Step) -> bool:
    """Tell whether a stay at a step always takes time, for R13: waits for events, openings, durations, every year.

    >>> takes_time(Wait("w", until="09:00")), takes_time(Wait("w", field="birthday"))
    (True, False)
    """
    return isinstance(step, Wait) and step.at is None and (step.field is None or step.every is not None)


def _zero_time_cycle(steps: Iterable[Step]) -> list[str]:
    """Find a cycle that can be walked without any time passing, as ids from a step back to it; no recursion."""
    edges = {step.id: [] if takes_time(step) else ways_on(step) for step in steps}
    done: set[str] = set()
    for start in edges:
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


def _unreachable(steps: tuple[Step, ...], positions: Mapping[str, int]) -> Iterator[Problem]:
    reached = {steps[0].id}
    queue = [steps[0]]
    while queue:
        for target in ways_on(queue.pop()):
            if target not in reached:
                reached.add(target)
                queue.append(steps[positions[target]])
    for position, step in enumerate(steps):
        if step.id not in reached:
            yield Problem("unreachable", WARNING, f"steps[{position}]", f"no path leads to step {step.id!r}")


_CAUSES = {"tags": ("tag.added", "tag.removed"), "lists": ("list.subscribed", "list.unsubscribed")}


def _self_trigger(journey: "Journey") -> Iterator[Problem]:
    """Warn of a journey whose own Update, or whose own end, is what its trigger listens to."""
    event = journey.trigger.event
    names = {path.removeprefix("event.") for path in reads(journey.trigger.where)}
    for position, step in enumerate(journey.steps):
        if isinstance(step, Update):
            for change in step.changes:
                if event in _CAUSES.get(change.field, ("field.changed",)):
                    sentence = f"step {step.id!r} changes {change.field!r}, which can trigger this same journey again"
                    yield Problem("self-trigger", WARNING, f"steps[{position}]", sentence)
    if event == "journey.completed" and "journey" not in names:
        yield Problem("self-trigger", WARNING, "trigger", "the end of this journey triggers this same journey again")
