"""Writing journeys for the loyalty platform: what it cannot express is left out and listed, with its place."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import HOUR, MINUTE
from journeyflow.basics.values import thaw
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf
from journeyflow.definition.rules.templates import template_reads
from journeyflow.definition.steps import Condition, Send, Split, Step, Update, Wait, kind, letters
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.loyalty.exits import exits_lost, write_exits
from journeyflow.formats.loyalty.keys import HOST, OF_HOST
from journeyflow.formats.loyalty.rules import flat, grouped, present, rule_lost, sayable, segment_of
from journeyflow.formats.port import DRAFT, Loss, in_one_unit, options_lost


def write(journey: Journey) -> tuple[dict[str, Any], list[Loss]]:
    """Return a journey as a document of the platform, and the losses: what it cannot express, each with its place.

    A step whose meaning cannot be expressed at all (a wait for an event, a condition with several branches) keeps its
    place but loses its `config`, so that the platform refuses the document instead of doing something else.

    >>> from journeyflow.definition.entry import Trigger
    >>> document, losses = write(Journey(id="hi", trigger=Trigger("joined"), steps=[Wait("rest", until="09:00")]))
    >>> document["steps"][0]
    {'id': 'rest', 'stepNumber': 1, 'type': 'WAIT', 'config': {}, 'nextStepId': 'end'}
    >>> print(losses[0])
    steps[0].until: a WAIT is for a duration only
    """
    conditions = flat(journey.trigger.where) if sayable(journey.trigger.where, AllOf) else []
    host = _of_host(journey)
    document = {
        "id": journey.id,
        "tenantId": journey.tenant,
        "name": journey.name,
        "description": journey.description or None,
        "triggerType": journey.trigger.event,
        "triggerConfig": present({"conditions": conditions or None, "source": host.get("source")}) or None,
        "segmentId": segment_of(journey.run_criteria),
        "exitConditions": write_exits(journey.exits) or None,
        "allowReentry": journey.reentry.policy == "always",
        "timezone": journey.timezone,
        "createdBy": host.get("createdBy"),
        "steps": [_write_step(number, step) for number, step in enumerate(journey.steps, 1)],
    }
    losses = [*options_lost(journey, "", _JOURNEY_SAYS, _WHY), *_entry_unsaid(journey)]
    for position, step in enumerate(journey.steps):
        losses += _step_unsaid(step, f"steps[{position}]")
    return present(document), losses


def _of_host(journey: Journey) -> JsonObject:
    """Return what the meta of a journey keeps for documents of the platform."""
    kept = journey.meta.get(HOST)
    return {key: thaw(kept[key]) for key in OF_HOST if key in kept} if isinstance(kept, Mapping) else {}


# --- steps ------------------------------------------------------------------------------------------------------------


def _write_step(number: int, step: Step) -> JsonObject:
    of = kind(step)
    says = {"id": step.id, "stepNumber": number, "type": of.upper(), "name": step.name or None}
    return present({**says, **_WRITE[of](step)})


def _write_send(step: Send) -> JsonObject:
    return {"config": {"channel": step.channel, "templateId": step.template}, "nextStepId": step.next}


def _write_wait(step: Wait) -> JsonObject:
    return {"config": present({"duration": write_duration(step.duration)}), "nextStepId": step.next}


def _write_condition(step: Condition) -> JsonObject:
    if len(step.branches) > 1:
        return {"config": {}}
    (only,) = step.branches
    config = grouped(only.when) if sayable(only.when, AllOf, AnyOf) else {}
    ways = {"nextStepYesId": only.next, "nextStepNoId": step.otherwise}
    return {"config": config, **ways, "nextStepId": step.next}


def _write_split(step: Split) -> JsonObject:
    splits = [{"percentage": each.percentage, "nextStepId": each.next} for each in step.arms]
    return {"config": {"splits": splits}, "nextStepId": step.next}


def _write_update(step: Update) -> JsonObject:
    sayable = [each for each in step.changes if isinstance(each, Change)]
    changes = [{"field": each.field, "action": each.action, "value": thaw(each.value)} for each in sayable]
    return {"config": {"updates": [present(each) for each in changes]}, "nextStepId": step.next}


_WRITE: Mapping[str, Callable[[Any], JsonObject]] = {
    "send": _write_send,
    "wait": _write_wait,
    "condition": _write_condition,
    "split": _write_split,
    "update": _write_update,
    "end": lambda _: {},
}

_UNITS = (("week", "days", 7), ("day", "days", 1), ("hour", "micros", HOUR), ("minute", "micros", MINUTE))


def write_duration(duration: Duration | None) -> str | None:
    """Return a length of time in one of the four units of the platform; None if it needs another unit, or two.

    >>> write_duration(Duration.parse("14 days")), write_duration(Duration.parse("1 month"))
    ('2 weeks', None)
    """
    match in_one_unit(duration, _UNITS):
        case count, unit:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return None


# --- what writing loses -----------------------------------------------------------------------------------------------

_JOURNEY_SAYS = (
    "id",
    "steps",
    "trigger",
    "name",
    "description",
    "tenant",
    "timezone",
    "reentry",
    "exits",
    "meta",
    "run_criteria",
)

_STEP_SAYS = ("id", "name", "next", "channel", "template", "duration", "branches", "otherwise", "arms", "changes")

_ONLY_DURATIONS = "a WAIT is for a duration only"

_ONE_WAY = "a WAIT has one way on"

_WHY = {
    "notes": "there are no notes",
    "meta": "there is nothing that a host may keep",
    "customer_timezone": "there is one zone per journey",
    "goal": "there are no goals",
    "limits": "there are no limits of entries",
    "holdout": "there is no holdout",
    "consent": "no journey can require consent",
    "max_visits": "there is no bound on visits",
    "data": "a SEND takes no data but channel and template",
    "window": "there are no windows",
    "transactional": "no SEND is free of consent",
    "cancel_on_exit": "a message that waits does not outlive its run",
    "expires": "no message expires",
    "on_failure": "a message that was given up fails no run",
    "retry": "how a message is tried again is not said",
    "any_message": "messages cannot be waited for",
    "outcome": "an END has no outcome",
    **dict.fromkeys(("until", "at", "field", "offset", "every", "event", "where", "when", "timeout"), _ONLY_DURATIONS),
    **dict.fromkeys(("on_event", "on_timeout", "on_missing", "on_past"), _ONE_WAY),
}
"""The reason why an option cannot be expressed, by its name."""


def _entry_unsaid(journey: Journey) -> Iterator[Loss]:
    if journey.trigger.manual:
        yield Loss("trigger.manual", "every journey starts with an event there")
    if journey.trigger.pull is not None:
        yield Loss("trigger.pull", "every journey starts with an event there, none gets people on a schedule")
    yield from rule_lost(journey.trigger.where, "trigger.where", AllOf)
    if journey.run_criteria is not None and segment_of(journey.run_criteria) is None:
        yield Loss("run_criteria", "there are no criteria besides the conditions of the trigger and one segment")
    yield from exits_lost(journey.exits)
    if {**journey.meta, DRAFT: None} != {DRAFT: None, **({HOST: host} if (host := _of_host(journey)) else {})}:
        yield Loss("meta", _WHY["meta"])
    if journey.reentry.policy == "after":
        yield Loss("reentry", f"written as never: there is no coming again only after {journey.reentry.period}")
    elif journey.reentry.policy == "restart":
        yield Loss("reentry", "written as never: no trigger begins a run anew")
    if journey.reentry.key is not None:
        yield Loss("reentry.key", "nobody is in a journey twice at once")


def _step_unsaid(step: Step, where: str) -> Iterator[Loss]:
    yield from options_lost(step, f"{where}.", _STEP_SAYS, _WHY)
    if isinstance(step, Wait) and step.duration is not None and write_duration(step.duration) is None:
        yield Loss(f"{where}.duration", f"{step.duration} is not in whole minutes, hours, days or weeks alone")
    elif isinstance(step, Condition):
        yield from _condition_unsaid(step, where)
    elif isinstance(step, Split):
        other = [n for n, each in enumerate(step.arms) if each.label != letters(n)]
        yield from (Loss(f"{where}.arms[{n}].label", "an arm has no label") for n in other)
    elif isinstance(step, Update):
        chains = [(n, each) for n, each in enumerate(step.changes) if isinstance(each, Chain)]
        yield from (Loss(f"{where}.changes[{n}]", f"left out: {each} is about journeys") for n, each in chains)
        filled = [n for n, each in enumerate(step.changes) if isinstance(each, Change) and template_reads(each.value)]
        yield from (Loss(f"{where}.changes[{n}].value", "there are no templates in values") for n in filled)


def _condition_unsaid(step: Condition, where: str) -> Iterator[Loss]:
    if len(step.branches) > 1:
        yield Loss(f"{where}.branches", "a CONDITION has one list of rules, with a way for yes and one for no")
        return
    (only,) = step.branches
    yield from rule_lost(only.when, f"{where}.branches[0].when", AllOf, AnyOf)
    if only.label != "yes":
        yield Loss(f"{where}.branches[0].label", "a branch has no label")
