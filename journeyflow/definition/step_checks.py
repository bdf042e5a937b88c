"""Checks of the options of each kind of step (R13)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from journeyflow.basics.chance import BUCKETS, KEPT_OUT
from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until
from journeyflow.basics.values import describe, id_fault, value_faults
from journeyflow.definition.graph import END
from journeyflow.definition.option_checks import (
    boolean_problems,
    duration_problems,
    forward_problems,
    id_problems,
    meta_problems,
    name_problems,
    read_problems,
    text_problems,
    window_problems,
)
from journeyflow.definition.options import as_duration, hundredths, read_at, whole_or_decimal
from journeyflow.definition.retry import retry_faults
from journeyflow.definition.rules.attribute_changes import change_problems
from journeyflow.definition.rules.chains import Chain, chain_problems
from journeyflow.definition.rules.clock_turns import clock_problems
from journeyflow.definition.rules.rule_checks import rule_problems
from journeyflow.definition.rules.templates import template_problems
from journeyflow.definition.rules.value_paths import path_fault
from journeyflow.definition.steps import (
    ON_FAILURE,
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
)
from journeyflow.errors import ERROR, Problem

RESERVED = frozenset({KEPT_OUT, "entry"})
"""Ids that a step cannot have: "holdout" is hashed to choose the holdout (R25), "entry" names the first move."""


def step_problems(step: Step, where: str) -> Iterator[Problem]:
    """Yield the problems of a step without its neighbors: of its id and of each of its options."""
    yield from id_problems("the id", step.id, f"{where}.id")
    if isinstance(step.id, str):
        if "." in step.id:
            sentence = "the id contains a dot, which separates names in rules"
            yield Problem("reserved", ERROR, f"{where}.id", sentence)
        if step.id in RESERVED or (step.id == END and not isinstance(step, End)):
            yield Problem("reserved", ERROR, f"{where}.id", f"the id {step.id!r} is reserved")
    yield from text_problems(step, ("name", "notes"), f"{where}.")
    yield from meta_problems(step.meta, f"{where}.meta")
    yield from _CHECKS[type(step)](step, where)


def _send_problems(step: Send, where: str) -> Iterator[Problem]:
    for name in ("channel", "template"):
        value = getattr(step, name)
        if fault := id_fault(value):
            yield Problem(name, ERROR, f"{where}.{name}", f"the {name} {fault}")
        elif name == "channel" and "." in value:
            yield Problem(name, ERROR, f"{where}.{name}", "a channel has no dot in its name")
    if not isinstance(step.data, Mapping):
        yield Problem("data", ERROR, f"{where}.data", f"expected an object, not {describe(step.data)}")
    yield from (Problem("data", ERROR, f"{where}.data", fault) for fault in value_faults(step.data, "data"))
    yield from template_problems(step.data, f"{where}.data")
    yield from boolean_problems(step, ("transactional", "cancel_on_exit"), f"{where}.")
    yield from window_problems(step.window, f"{where}.window")
    yield from forward_problems(step.expires, f"{where}.expires")
    if step.on_failure not in ON_FAILURE:
        sentence = f"expected 'continue' or 'fail', not {describe(step.on_failure)}"
        yield Problem("on-failure", ERROR, f"{where}.on_failure", sentence)
    if step.retry is not None:
        for place, fault in retry_faults(step.retry):
            yield Problem("retry", ERROR, f"{where}.retry{place}", fault)


WAIT_OPTIONS = {
    "offset": ("field",),
    "every": ("field", "at", "every"),
    "on_missing": ("field",),
    "on_past": ("field",),
    "where": ("event",),
    "timeout": ("event", "when"),
    "on_event": ("event", "when"),
    "on_timeout": ("event", "when"),
}
"""The options of a Wait that go with some forms only, and those forms."""


def _wait_problems(step: Wait, where: str) -> Iterator[Problem]:
    given = [form for form in WAIT_FORMS if getattr(step, form) is not None]
    forms = [form for form in given if form != "every"] or given
    if len(forms) != 1:
        found = " and ".join(forms) or "none"
        yield Problem("wait", ERROR, where, f"a wait takes exactly one of {', '.join(WAIT_FORMS)}; found {found}")
    else:
        yield from _wait_options(step, forms[0], where)
    yield from forward_problems(step.duration, f"{where}.duration")
    yield from forward_problems(step.timeout, f"{where}.timeout")
    yield from duration_problems(step.offset, f"{where}.offset")
    if isinstance(step.offset, Duration) and step.offset.mixed:
        yield Problem("duration", ERROR, f"{where}.offset", f"the offset '{step.offset}' points both ways")
    if step.until is not None:
        yield from read_problems("time", step.until, f"{where}.until", Until.parse)
    if step.at is not None:
        yield from read_problems("time", step.at, f"{where}.at", read_at)
    if step.event is not None and (fault := id_fault(step.event)):
        yield Problem("wait", ERROR, f"{where}.event", f"the event type {fault}")
    if step.field is not None and (fault := path_fault(step.field)):
        yield Problem("field", ERROR, f"{where}.field", f"the field {fault}")
    yield from _every_problems(step, f"{where}.every")
    yield from boolean_problems(step, ("any_message",), f"{where}.")
    yield from window_problems(step.window, f"{where}.window")
    yield from rule_problems(step.where, f"{where}.where")
    yield from rule_problems(step.when, f"{where}.when")
    yield from clock_problems(step.when, f"{where}.when")


def _every_problems(step: Wait, where: str) -> Iterator[Problem]:
    """Yield the problems of a wait that recurs: at a distance that leads forward, or on anniversaries of a date."""
    if step.every is None or (step.every == "year" and step.field is not None):
        return
    if not isinstance(as_duration(step.every), Duration):
        sentence = f"expected a length of time such as '1 month', not {describe(step.every)}"
        yield Problem("wait", ERROR, where, f"{sentence}; 'year' is for the anniversaries of a field")
    else:
        yield from forward_problems(as_duration(step.every), where)


def _wait_options(step: Wait, form: str, where: str) -> Iterator[Problem]:
    for name, of in WAIT_OPTIONS.items():
        if getattr(step, name) is not None and form not in of:
            fitting = " or ".join(_FORM_WORDS[each] for each in of if each in _FORM_WORDS)
            yield Problem("wait", ERROR, f"{where}.{name}", f"{name} goes with a wait for {fitting} only")
    if step.has_event and step.on_timeout is not None and step.timeout is None:
        yield Problem("wait", ERROR, f"{where}.on_timeout", "on_timeout needs a timeout")


_FORM_WORDS = {"field": "a date field", "at": "an instant", "event": "an event", "when": "a condition"}


def _condition_problems(step: Condition, where: str) -> Iterator[Problem]:
    if not isinstance(step.branches, tuple):
        sentence = f"expected a list of branch(...), not {describe(step.branches)}"
        yield Problem("branch", ERROR, f"{where}.branches", sentence)
        return
    if not step.branches:
        yield Problem("branch", ERROR, f"{where}.branches", "a condition needs a branch")
    labels: set[str] = {step.else_label}
    for position, each in enumerate(step.branches):
        at = f"{where}.branches[{position}]"
        if not isinstance(each, Branch):
            yield Problem("branch", ERROR, at, f"expected a branch(...), not {describe(each)}")
            continue
        if each.when is None:
            yield Problem("branch", ERROR, f"{at}.when", "the branch has no rule")
        yield from rule_problems(each.when, f"{at}.when")
        yield from name_problems(each.label, labels, f"{at}.label")


def _split_problems(step: Split, where: str) -> Iterator[Problem]:
    labels: set[str] = set()
    shares: list[int | None] = []
    for position, each in enumerate(step.arms):
        at = f"{where}.arms[{position}]"
        if not isinstance(each, Arm):
            shares.append(None)
            yield Problem("arm", ERROR, at, f"expected an arm(...), not {describe(each)}")
            continue
        shares.append(hundredths(each.percentage))
        if shares[-1] is None:
            sentence = f"expected a number from 0 to 100 with at most two decimals, not {describe(each.percentage)}"
            yield Problem("percentage", ERROR, f"{at}.percentage", sentence)
        yield from name_problems(each.label, labels, f"{at}.label")
    yield from _sum(shares, f"{where}.arms")


def _sum(shares: Sequence[int | None], where: str) -> Iterator[Problem]:
    known = [share for share in shares if share is not None]
    if len(known) == len(shares) and sum(known) != BUCKETS:
        total = whole_or_decimal(sum(known) / 100)
        yield Problem("percentage", ERROR, where, f"the percentages sum to {total}, not to 100")


def _update_problems(step: Update, where: str) -> Iterator[Problem]:
    if not step.changes:
        yield Problem("update", ERROR, f"{where}.changes", "an update needs a change")
    for position, change in enumerate(step.changes):
        at = f"{where}.changes[{position}]"
        if isinstance(change, Chain):
            yield from chain_problems(change, at)
        else:
            yield from change_problems(change, at)


def _end_problems(step: End, where: str) -> Iterator[Problem]:
    yield from text_problems(step, ("outcome",), f"{where}.")


_CHECKS: dict[type, Callable[[Any, str], Iterator[Problem]]] = {
    Send: _send_problems,
    Wait: _wait_problems,
    Condition: _condition_problems,
    Split: _split_problems,
    Update: _update_problems,
    End: _end_problems,
}
