"""Validation of a journey: every problem at once, with its place in a journey file (R13)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve

from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import zone
from journeyflow.basics.values import INTEGER_MAX, describe, id_fault
from journeyflow.definition.continuations import targets
from journeyflow.definition.entry import (
    KEY_ROOT,
    MIN_EVERY,
    OVER_POLICIES,
    REENTRY_POLICIES,
    Exit,
    Goal,
    Limits,
    Pull,
    Reentry,
    Trigger,
)
from journeyflow.definition.graph import END, reachable, zero_time_cycle
from journeyflow.definition.option_checks import (
    boolean_problems,
    forward_problems,
    id_problems,
    meta_problems,
    name_problems,
    read_problems,
    text_problems,
    window_problems,
)
from journeyflow.definition.options import hundredths
from journeyflow.definition.references import conjuncts, reference_problems, self_trigger_problems
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.rules.rule_checks import rule_problems
from journeyflow.definition.rules.templates import template_warnings
from journeyflow.definition.rules.value_paths import path_fault
from journeyflow.definition.shape import Definition
from journeyflow.definition.step_checks import step_problems
from journeyflow.definition.steps import End, Send, Step, Update, Wait, is_step
from journeyflow.errors import ERROR, WARNING, Problem, suggestions

MAX_SHOWN = 20
"""How many steps of a cycle a message names; a longer cycle is shown by both its ends."""


def problems(journey: Definition) -> Iterator[Problem]:
    """Yield every problem: of the journey itself, of its steps one by one, of their graph; then the warnings.

    There are warnings only for a journey without errors, because reachability is defined only on a sound graph.
    """
    found = [*_header_problems(journey), *_body_problems(journey.steps), *reference_problems(journey)]
    yield from found
    if not found:
        yield from _unreachable(journey.steps)
        yield from self_trigger_problems(journey)
        yield from _capped_pull(journey)
        yield from _dateless(journey)
        yield from _loose_templates(journey.steps)


# --- the parts every definition has -------------------------------------------------------------------------------


def _header_problems(journey: Definition) -> Iterator[Problem]:
    yield from id_problems("the journey's id", journey.id, "id")
    if journey.tenant is not None:
        yield from id_problems("the tenant", journey.tenant, "tenant")
    yield from text_problems(journey, ("name", "description", "notes"), "")
    yield from meta_problems(journey.meta, "meta")
    yield from boolean_problems(journey, ("customer_timezone",), "")
    yield from read_problems("zone", journey.timezone, "timezone", zone)
    if journey.consent not in ("optional", "required"):
        sentence = f"expected 'optional' or 'required', not {describe(journey.consent)}"
        yield Problem("consent", ERROR, "consent", sentence)
    if type(journey.max_visits) is not int or not 1 <= journey.max_visits <= INTEGER_MAX:
        sentence = f"expected a whole number from 1 up, not {describe(journey.max_visits)}"
        yield Problem("max-visits", ERROR, "max_visits", sentence)
    yield from _trigger_problems(journey.trigger)
    yield from rule_problems(journey.run_criteria, "run_criteria")
    yield from _reentry_problems(journey.reentry)
    yield from _keyed_pull_problems(journey)
    yield from _consent_problems(journey)
    yield from _exits_problems(journey.exits)
    yield from _goal_problems(journey.goal)
    yield from _holdout_problems(journey)
    yield from _limit_problems(journey.limits)


def _trigger_problems(trigger: Trigger) -> Iterator[Problem]:
    if not isinstance(trigger, Trigger):
        yield Problem("trigger", ERROR, "trigger", f"expected a Trigger, not {describe(trigger)}")
        return
    yield from boolean_problems(trigger, ("manual",), "trigger.")
    if trigger.manual is True and any(part is not None for part in (trigger.event, trigger.where, trigger.pull)):
        yield Problem("trigger", ERROR, "trigger", "a manual trigger has neither event nor criteria nor pull")
    elif trigger.event is not None and trigger.pull is not None:
        yield Problem("trigger", ERROR, "trigger", "say either an event type or a pull")
    elif trigger.event is None and trigger.pull is None and trigger.manual is False:
        yield Problem("trigger", ERROR, "trigger", "say an event type, a pull on a schedule, or manual for none")
    elif trigger.event is not None and (fault := id_fault(trigger.event)):
        yield Problem("trigger", ERROR, "trigger.event", f"the event type {fault}")
    yield from rule_problems(trigger.where, "trigger.where")
    if trigger.pull is not None:
        yield from _pull_problems(trigger.pull)


def _pull_problems(pull: Pull) -> Iterator[Problem]:
    """Yield the problems of a pull schedule (R27)."""
    if not isinstance(pull, Pull):
        sentence = f"expected a Pull such as Pull('1 day', list='news'), not {describe(pull)}"
        yield Problem("pull", ERROR, "trigger.pull", sentence)
        return
    yield from read_problems("duration", pull.every, "trigger.pull.every", Duration.parse)
    if isinstance(pull.every, Duration):
        yield from forward_problems(pull.every, "trigger.pull.every")
        if pull.every.sign > 0 and not pull.every.months and not pull.every.days and pull.every.micros < MIN_EVERY:
            sentence = f"pulls are a minute apart at least, not '{pull.every}'"
            yield Problem("duration", ERROR, "trigger.pull.every", sentence)
    if pull.list is not None:
        yield from id_problems("the list", pull.list, "trigger.pull.list")
    yield from window_problems(pull.window, "trigger.pull.window")
    yield from _size_problems(pull.size)
    yield from forward_problems(pull.within, "trigger.pull.within")
    if (pull.times is None) != (pull.within is None):
        yield Problem("pull", ERROR, "trigger.pull", "times and within go together: that many entries within that time")
    if pull.times is not None:
        yield from _whole(pull.times, 1, "trigger.pull.times")


def _size_problems(size: object) -> Iterator[Problem]:
    """Yield the problems of a pull's size: a number from 1 up, or a pair (least, most)."""
    if isinstance(size, tuple) and len(size) == len(("least", "most")):
        for position, (count, least) in enumerate(zip(size, (0, 1), strict=True)):
            yield from _whole(count, least, f"trigger.pull.size[{position}]")
        if all(type(count) is int for count in size) and size[0] > size[1]:
            yield Problem(
                "pull-size", ERROR, "trigger.pull.size", f"the least, {size[0]}, is more than the most, {size[1]}"
            )
    elif isinstance(size, tuple):
        yield Problem("pull", ERROR, "trigger.pull.size", f"expected the least and the most, not {len(size)} numbers")
    elif size is not None:
        yield from _whole(size, 1, "trigger.pull.size")


def _whole(count: object, least: int, where: str) -> Iterator[Problem]:
    if type(count) is not int or not least <= count <= INTEGER_MAX:
        yield Problem("pull", ERROR, where, f"expected a whole number from {least} up, not {describe(count)}")


def _consent_problems(journey: Definition) -> Iterator[Problem]:
    """Yield a problem for a journey that requires consent to its channels and has none (R54); a draft may be empty."""
    if journey.consent == "required" and journey.steps and not any(isinstance(step, Send) for step in journey.steps):
        sentence = "no Send names a channel to consent to; add one, or leave consent at 'optional'"
        yield Problem("consent-channel", ERROR, "consent", sentence)


def _keyed_pull_problems(journey: Definition) -> Iterator[Problem]:
    """Yield a problem for a re-entry key of a journey with a pull, which has no data to read a key from (R22, R27)."""
    if getattr(journey.trigger, "pull", None) is not None and journey.reentry.key is not None:
        sentence = "a pull has no data, and so no key; people are in a journey that pulls them in once at a time"
        yield Problem("pull-key", ERROR, "reentry_key", sentence)


def _capped_pull(journey: Definition) -> Iterator[Problem]:
    """Yield a warning for a pull with `times` in a journey that no customer enters twice."""
    if journey.trigger.pull is not None and journey.trigger.pull.times and journey.reentry.policy == "never":
        sentence = "no customer is pulled twice, as the re-entry is 'never'; say 'always' for times to count"
        yield Problem("pull", WARNING, "trigger.pull.times", sentence)


def _dateless(journey: Definition) -> Iterator[Problem]:
    """Yield a warning for each wait for a date with no way for customers who have none, unless entry asks for it."""
    asked = [*conjuncts(journey.trigger.where), *conjuncts(journey.run_criteria)]
    given = {rule.field for rule in asked if isinstance(rule, FieldRule) and rule.op == "isNotNull"}
    for position, step in enumerate(journey.steps):
        if isinstance(step, Wait) and step.field and step.on_missing is None and step.field not in given:
            sentence = f"step {step.id!r}: who has no {step.field!r} goes on at once, as if the date had come"
            yield Problem("no-date", WARNING, f"steps[{position}]", f"{sentence}; say on_missing for them")


def _loose_templates(steps: Sequence[Step]) -> Iterator[Problem]:
    """Yield a warning for every text of a Send or an Update whose braces look like a template and are not one."""
    for position, step in enumerate(steps):
        for place, value in _filled(step):
            yield from _of_step(step, template_warnings(value, f"steps[{position}].{place}"))


def _filled(step: Step) -> Iterator[tuple[str, object]]:
    """Yield what a step fills in when it is reached, with its place in the step."""
    if isinstance(step, Send):
        yield "data", step.data
    elif isinstance(step, Update):
        for number, change in enumerate(step.changes):
            if not isinstance(change, Chain):
                yield f"changes[{number}].value", change.value


def _reentry_problems(reentry: Reentry) -> Iterator[Problem]:
    if reentry.policy not in REENTRY_POLICIES:
        plain = ", ".join(repr(policy) for policy in REENTRY_POLICIES if policy != "after")
        sentence = f"expected {plain} or after a period, not {describe(reentry.policy)}"
        yield Problem("reentry", ERROR, "reentry", sentence)
    elif (reentry.policy == "after") != (reentry.period is not None):
        yield Problem("reentry", ERROR, "reentry", "a period goes with 'after', and only with it")
    yield from forward_problems(reentry.period, "reentry.after")
    if reentry.key is not None and (fault := path_fault(reentry.key)):
        yield Problem("key", ERROR, "reentry_key", f"the key {fault}")
    elif reentry.key is not None and not reentry.key.startswith(KEY_ROOT):
        sentence = f"the key is read from the trigger's data: write 'event.{reentry.key}'"
        yield Problem("key", ERROR, "reentry_key", sentence)


def _exits_problems(exits: object) -> Iterator[Problem]:
    if not isinstance(exits, tuple):
        yield Problem("exit", ERROR, "exits", f"expected a list of exits, not {describe(exits)}")
        return
    names: set[str] = set()
    for position, each in enumerate(exits):
        where = f"exits[{position}]"
        if isinstance(each, Exit):
            yield from name_problems(each.name, names, f"{where}.name")
            yield from _exit_problems(each, where)
        else:
            yield Problem("exit", ERROR, where, f"expected an Exit, not {describe(each)}")


def _exit_problems(each: Exit, where: str) -> Iterator[Problem]:
    yield from boolean_problems(each, ("any_message",), f"{where}.")
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
    yield from boolean_problems(goal, ("exit", "any_message"), "goal.")
    yield from forward_problems(goal.within, "goal.within")
    yield from rule_problems(goal.where, "goal.where")


def _limit_problems(limits: Limits) -> Iterator[Problem]:
    """Yield the problems of entry limits (R23)."""
    if not isinstance(limits, Limits):
        yield Problem("limits", ERROR, "limits", f"expected Limits(per_hour=..., per_day=...), not {describe(limits)}")
        return
    for name in ("per_hour", "per_day"):
        count = getattr(limits, name)
        if type(count) is not int or not 0 <= count <= INTEGER_MAX:
            sentence = f"expected a whole number from 0 up, 0 for no limit, not {describe(count)}"
            yield Problem("limits", ERROR, f"limits.{name}", sentence)
    if limits.over not in OVER_POLICIES:
        yield Problem("limits", ERROR, "limits.over", f"expected 'defer' or 'drop', not {describe(limits.over)}")


def _holdout_problems(journey: Definition) -> Iterator[Problem]:
    """Yield the problems of a holdout, which needs a goal with `within`: customers get nothing for that long (R25)."""
    if hundredths(journey.holdout) is None:
        sentence = f"expected a percentage from 0 to 100 with two decimals at most, not {describe(journey.holdout)}"
        yield Problem("percentage", ERROR, "holdout", sentence)
    elif journey.holdout and getattr(journey.goal, "within", None) is None:
        yield Problem("holdout", ERROR, "holdout", "a holdout needs a goal with within: the time in which both compare")


# --- steps --------------------------------------------------------------------------------------------------------


def _body_problems(steps: object) -> Iterator[Problem]:
    """Yield the problems of the steps one by one, then those of their graph."""
    if not isinstance(steps, tuple):
        yield Problem("steps", ERROR, "steps", f"expected a list of steps, not {describe(steps)}")
        return
    if not steps:
        yield Problem("no-steps", ERROR, "steps", "the journey has no steps; it can be a draft but not be activated")
        return
    for position, step in enumerate(steps):
        where = f"steps[{position}]"
        if is_step(step):
            yield from _of_step(step, step_problems(step, where))
        else:
            yield Problem("step", ERROR, where, f"expected a step such as Send(...), not {describe(step)}")
    yield from _graph_problems(steps)


def _of_step(step: Step, found: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems with the step named in each message: a position means little to an author of nested lists."""
    for problem in found:
        yield evolve(problem, message=f"step {step.id!r}: {problem.message}") if isinstance(step.id, str) else problem


# --- the graph ----------------------------------------------------------------------------------------------------


def _graph_problems(steps: Sequence[Step]) -> Iterator[Problem]:
    """Yield the problems of the edges between steps; cycles are searched for only in an otherwise sound graph."""
    known = [(f"steps[{position}]", step) for position, step in enumerate(steps) if is_step(step)]
    places: dict[str, str] = {}
    for where, step in known:
        if isinstance(step.id, str):
            places.setdefault(step.id, where)
    found = [*_duplicates(known, places), *_dangling(known, places)]
    yield from found
    ends = all(isinstance(step, End) for _, step in known if step.id == END)  # else a step may seem to follow itself
    if not found and ends and len(places) == len(steps) and (cycle := zero_time_cycle(steps)):
        dated = [repr(step.id) for _, step in known if step.id in cycle and isinstance(step, Wait) and step.every]
        remedy = f"say where to go from {' and '.join(dated)} without a date (on_missing)" if dated else ""
        half = MAX_SHOWN // 2
        shown = " -> ".join(cycle if len(cycle) <= MAX_SHOWN else [*cycle[:half], "...", *cycle[-half:]])
        sentence = f"these steps can be walked in zero time for ever: {shown}; {remedy or 'put a wait into the loop'}"
        yield Problem("zero-time-cycle", ERROR, places[cycle[0]], sentence)


def _duplicates(known: Iterable[tuple[str, Step]], places: Mapping[str, str]) -> Iterator[Problem]:
    for where, step in known:
        if isinstance(step.id, str) and places[step.id] != where:
            sentence = f"two steps are named {step.id!r}; the other is {places[step.id]}"
            yield Problem("duplicate", ERROR, f"{where}.id", sentence)


def _dangling(known: Iterable[tuple[str, Step]], places: Mapping[str, str]) -> Iterator[Problem]:
    suggest = suggestions()
    for where, step in known:
        for place, target in targets(step):
            if target is not None and not isinstance(target, str):
                sentence = f"step {step.id!r}: expected the id of a step, or a list of steps, not {describe(target)}"
                yield Problem("target", ERROR, f"{where}.{place}", sentence)
            elif target is not None and target not in places:
                sentence = f"step {step.id!r} continues at unknown step {target!r}{suggest(target, places)}"
                yield Problem("dangling", ERROR, f"{where}.{place}", sentence)


def _unreachable(steps: Sequence[Step]) -> Iterator[Problem]:
    reached = reachable(steps)
    for position, step in enumerate(steps):
        if step.id not in reached:
            yield Problem("unreachable", WARNING, f"steps[{position}]", f"no path leads to step {step.id!r}")
