"""Writing journeys for Octeth: what it cannot express is left out and listed, with its place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import write_clock, write_weekdays
from journeyflow.basics.moments import DAY, HOUR, MINUTE, SECOND
from journeyflow.basics.values import thaw
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.octeth.actions import DEBUG, ID_KEYS, SMS, WEBHOOK, to_merge_tags
from journeyflow.formats.octeth.criteria import write_rule
from journeyflow.formats.octeth.keys import field_of, members, name_as_number, present
from journeyflow.formats.octeth.triggers import EMAIL, criteria_of, trigger_losses, write_trigger
from journeyflow.formats.port import Loss, in_one_unit, options_lost

# --- actions ----------------------------------------------------------------------------------------------------------


class WrittenAction(NamedTuple):
    """One action: its step, its kind, its parameters, the lists inside it, and its number in its list, from 1."""

    step: Step
    action: str
    parameters: JsonObject
    lists: "Mapping[str, Sequence[WrittenAction]]"
    order: int
    first: bool
    """Whether it is the action of the step; an Update of several changes is several actions."""


class _Walk(NamedTuple):
    """A walk through the graph of a journey: its id, its steps by id, those that were written, what was lost."""

    journey: str
    steps: Mapping[str, Step]
    places: Mapping[str, str]
    seen: set[str]
    lost: list[Loss]

    def actions(self, start: str | None, stop: str | None) -> list[WrittenAction]:
        """Return the actions from a step up to the one where its list ends."""
        found: list[WrittenAction] = []
        at = start
        while at is not None and at != stop:
            step = self.steps[at]
            if isinstance(step, End):
                self._end(step, stop)
                break
            if at in self.seen:
                self.lost.append(
                    Loss(self.places[at], "is reached on several ways; it is written on the first of them")
                )
                break
            self.seen.add(at)
            found += self._written(step, len(found) + 1)
            at = step.next
        return found

    def _end(self, step: End, stop: str | None) -> None:
        """Note an End that is not the end of the whole list."""
        if stop is not None and not isinstance(self.steps.get(stop), End):
            self.lost.append(Loss(self.places[step.id], "a list inside a Decision leads on to the action after it"))

    def _written(self, step: Step, order: int) -> list[WrittenAction]:
        if isinstance(step, Condition):
            join = step.next
            lists = {
                "True": self.actions(_way(step.branches[0].next), join),
                "False": self.actions(_way(step.otherwise), join),
            }
            rule = step.branches[0].when
            criteria = write_rule(rule, self.journey) if rule is not None and len(step.branches) == 1 else None
            return [WrittenAction(step, "Decision", criteria or {}, lists, order, first=True)]
        if isinstance(step, Update):
            written = [_changed(change) for change in step.changes]
            return [
                WrittenAction(step, action, parameters, {}, order + n, first=n == 0)
                for n, (action, parameters) in enumerate(each for each in written if each is not None)
            ] or [WrittenAction(step, "Update", {}, {}, order, first=True)]
        if isinstance(step, Send):
            return [WrittenAction(step, *_sent(step), {}, order, first=True)]
        if isinstance(step, Wait):
            return [WrittenAction(step, "Wait", _waited(step), {}, order, first=True)]
        return [WrittenAction(step, "Split", {}, {}, order, first=True)]


def _way(target: object) -> str | None:
    return target if isinstance(target, str) else None


_SENDS = {EMAIL: "SendEmail", SMS: "SendSMS", WEBHOOK: "Webhook", DEBUG: "Debug"}


def _sent(step: Send) -> tuple[str, JsonObject]:
    """Return the action of a Send, with the data of its channel as parameters."""
    action = _SENDS.get(step.channel, "Send")
    data = to_merge_tags(thaw(step.data))
    parameters = {
        key: name_as_number(value) if key in ID_KEYS and isinstance(value, str) and value else value
        for key, value in data.items()
    }
    if action == "SendEmail":
        parameters = {"EmailID": name_as_number(step.template), **parameters}
    if step.window is not None and action == "SendSMS":
        hours: JsonObject = {"timezone": step.window.timezone or "UTC", "start_time": write_clock(step.window.start)}
        hours |= {"end_time": write_clock(step.window.end), "days": _days(step.window.weekdays)}
        parameters |= {"delivery_window_enabled": True, "delivery_window": hours}
    return action, parameters


def _days(weekdays: frozenset[int]) -> list[str]:
    return [day.lower() for day in write_weekdays(weekdays)]


_UNITS = (
    ("days", "days", 1),
    ("days", "micros", DAY),
    ("hours", "micros", HOUR),
    ("minutes", "micros", MINUTE),
    ("seconds", "micros", SECOND),
)


def write_wait(duration: Duration | None) -> JsonObject:
    """Return a length of time in one of the four units of a Wait; nothing if it needs another unit, or two.

    >>> write_wait(Duration.parse("90 minutes")), write_wait(Duration.parse("1 month"))
    ({'WaitUnit': 'minutes', 'WaitAmount': 90}, {})
    """
    match in_one_unit(duration, _UNITS):
        case count, unit:
            return {"WaitUnit": unit, "WaitAmount": count}
    return {}


def _waited(step: Wait) -> JsonObject:
    hours: JsonObject = {}
    if step.window is not None:
        hours = {"TimeConstraintEnabled": True, "DontSendBefore": write_clock(step.window.start)}
        hours |= {"DontSendAfter": write_clock(step.window.end), "AllowedDays": _days(step.window.weekdays)}
    return {**write_wait(step.duration), **hours}


_MEMBERS = {
    ("lists", "add"): ("Subscribe", "TargetListID"),
    ("lists", "remove"): ("Unsubscribe", "TargetListID"),
    ("tags", "add"): ("AddTag", "TargetTagID"),
    ("tags", "remove"): ("RemoveTag", "TargetTagID"),
}

_CHAINS = {
    "enroll": "StartJourney",
    "exit": "ExitJourney",
    "exit_this": "ExitThisJourney",
    "exit_others": "ExitAllOtherJourneys",
    "exit_all": "ExitAllJourneys",
    "forget": "DeleteSubscriber",
}


def _changed(change: Change | Chain) -> tuple[str, JsonObject] | None:
    """Return the action of one change, with its parameters; None for a change that Octeth does not have."""
    if isinstance(change, Chain):
        names = [name_as_number(each) for each in change.journeys]
        targets = {"TargetJourneyID": names[0] if len(names) == 1 else names} if names else {}
        return _CHAINS[change.action], targets
    if (change.field, change.action) in _MEMBERS and isinstance(change.value, str):
        action, parameter = _MEMBERS[change.field, change.action]
        return action, {parameter: name_as_number(change.value)}
    if change.action == "set" and "." not in change.field:
        value = to_merge_tags(thaw(change.value))
        target = name_as_number(field_of(change.field))
        return "UpdateCustomFieldValue", {"TargetCustomFieldID": target, "NewCustomFieldValue": value}
    return None


def write_actions(journey: Journey) -> list[WrittenAction]:
    """Return the actions of a journey, with the lists inside Decisions.

    >>> [each.action for each in write_actions(Journey(id="5", steps=[Wait("1", "3 days"), Wait("2", "1 hour")]))]
    ['Wait', 'Wait']
    """
    return _walked(journey)[0]


def _walked(journey: Journey) -> tuple[list[WrittenAction], list[Loss]]:
    places = {step.id: f"steps[{n}]" for n, step in enumerate(journey.steps)}
    walk = _Walk(journey.id, {step.id: step for step in journey.steps}, places, set(), [])
    actions = walk.actions(journey.steps[0].id if journey.steps else None, None)
    missing = [step for step in journey.steps if step.id not in walk.seen and not isinstance(step, End)]
    walk.lost.extend(Loss(places[step.id], "left out: no list of actions leads to it") for step in missing)
    return actions, walk.lost


def write(journey: Journey) -> tuple[JsonObject, list[Loss]]:
    """Return a journey as `journey.get` answers it, and the losses: what Octeth cannot express, each with its place.

    An action whose meaning cannot be expressed at all keeps its place but loses its parameters, or has the name of a
    step of journeyflow, so that Octeth refuses it instead of doing something else.

    >>> document, losses = write(Journey(id="5", name="Hello", steps=[Wait("1", until="09:00")]))
    >>> document["Actions"]
    [{'ActionID': 1, 'OrderNo': 1, 'Action': 'Wait', 'ActionParameters': {}}]
    >>> print(losses[-1])
    steps[0].until: a Wait is for a duration only
    """
    actions, lost = _walked(journey)
    name, parameters = write_trigger(journey.trigger)
    document = {
        "JourneyID": name_as_number(journey.id),
        "JourneyName": journey.name,
        "Trigger": name,
        "TriggerParameters": parameters or [],
        "Notes": journey.notes or None,
        **_limits(journey),
        "Actions": [_document(each) for each in actions],
    }
    return present(**document), [*_journey_lost(journey), *lost, *_steps_lost(journey)]


def _limits(journey: Journey) -> JsonObject:
    """Return run criteria and limits, as a request says them."""
    group = AnyOf if isinstance(journey.run_criteria, AnyOf) else AllOf
    criteria = criteria_of(members(journey.run_criteria, group), "")
    return {
        **({"Run_Criteria": criteria, "Run_Criteria_Operator": "or" if group is AnyOf else "and"} if criteria else {}),
        "Rate_Limit_Per_Hour": journey.limits.per_hour or None,
        "Rate_Limit_Per_Day": journey.limits.per_day or None,
    }


def _document(action: WrittenAction) -> JsonObject:
    lists = {name: [_document(each) for each in inner] for name, inner in action.lists.items()}
    return present(
        ActionID=name_as_number(action.step.id) if action.first else None,
        OrderNo=action.order,
        Action=action.action,
        ActionParameters=action.parameters,
        Actions=lists or None,
        Notes=action.step.notes or None,
    )


# --- what writing loses -----------------------------------------------------------------------------------------------

_JOURNEY_SAYS = ("id", "name", "notes", "steps", "trigger", "run_criteria", "limits", "reentry")

_STEP_SAYS = (
    "id",
    "next",
    "notes",
    "channel",
    "template",
    "data",
    "duration",
    "branches",
    "otherwise",
    "changes",
    "arms",
)

_ONLY_DURATIONS = "a Wait is for a duration only"

_ONE_WAY = "a Wait has one way on"

_WHY = {
    "description": "there are notes, but no description",
    "meta": "there is nothing that a host may keep",
    "tenant": "a journey belongs to the user whose key is used",
    "timezone": "there is no zone of a journey",
    "customer_timezone": "there is no zone of a subscriber",
    "exits": "there are no exits",
    "goal": "there are no goals",
    "holdout": "there is no holdout",
    "consent": "no journey can require consent",
    "max_visits": "there is no bound on visits",
    "name": "an action has notes, but no name",
    "window": "only a Wait and a SendSMS have hours",
    "transactional": "no email and no SMS is free of consent",
    "cancel_on_exit": "a message that waits does not outlive its run",
    "expires": "no message expires",
    "on_failure": "a message that was given up fails no run",
    "retry": "how a message is tried again is not said",
    "any_message": "messages cannot be waited for",
    "outcome": "the end of a list has no outcome",
    **dict.fromkeys(("until", "at", "field", "offset", "every", "event", "where", "when", "timeout"), _ONLY_DURATIONS),
    **dict.fromkeys(("on_event", "on_timeout", "on_missing", "on_past"), _ONE_WAY),
}
"""The reason why an option cannot be expressed, by its name."""


def _journey_lost(journey: Journey) -> Iterator[Loss]:
    yield from options_lost(journey, "", _JOURNEY_SAYS, _WHY)
    yield from trigger_losses(journey.trigger)
    if journey.reentry.policy != "always" or journey.reentry.key is not None:
        yield Loss("reentry", "written as always: nothing is said of coming again")
    if journey.limits.over != "defer":
        yield Loss("limits.over", "what happens over a limit is not said")
    if journey.run_criteria is not None and "Run_Criteria" not in _limits(journey):
        yield Loss("run_criteria", "left out: only comparisons can be said, joined once by and or or")


def _steps_lost(journey: Journey) -> Iterator[Loss]:
    for n, step in enumerate(journey.steps):
        where = f"steps[{n}]"
        said = [*_STEP_SAYS]
        if isinstance(step, Wait) or (isinstance(step, Send) and step.channel == SMS):
            said.append("window")
        if isinstance(step, Send) and step.channel in {WEBHOOK, DEBUG}:
            said.append("transactional")
        yield from options_lost(step, f"{where}.", said, _WHY)
        yield from _LOST[type(step)](step, where)


def _wait_lost(step: Wait, where: str) -> Iterator[Loss]:
    if step.duration is not None and not write_wait(step.duration):
        yield Loss(f"{where}.duration", f"{step.duration} is not in whole seconds, minutes, hours or days alone")
    if step.window is not None and step.window.timezone is not None:
        yield Loss(f"{where}.window.timezone", "the hours of a Wait have no zone of their own")


def _send_lost(step: Send, where: str) -> Iterator[Loss]:
    if step.channel not in _SENDS:
        yield Loss(f"{where}.channel", f"there is no action that sends by {step.channel!r}")
    elif step.channel != EMAIL and step.template != step.channel.lower():
        yield Loss(f"{where}.template", "only an email has a template")


def _condition_lost(step: Condition, where: str) -> Iterator[Loss]:
    if len(step.branches) > 1:
        yield Loss(f"{where}.branches", "a Decision has one answer for true, and one for false")
    elif step.branches[0].when is not None and write_rule(step.branches[0].when, "") is None:
        yield Loss(f"{where}.branches[0].when", "left out: a Decision cannot ask this")
    if step.branches[0].label != "yes" and len(step.branches) == 1:
        yield Loss(f"{where}.branches[0].label", "an answer has no label")


def _update_lost(step: Update, where: str) -> Iterator[Loss]:
    for position, change in enumerate(step.changes):
        if _changed(change) is None:
            yield Loss(f"{where}.changes[{position}]", f"left out: there is no action that does {change}")
    if len(step.changes) > 1:
        yield Loss(f"{where}.changes", "each change is an action of its own")


def _split_lost(_: Split, where: str) -> Iterator[Loss]:
    yield Loss(f"{where}.arms", "there is no action that splits people at random")


_LOST: Mapping[type, Callable[[Any, str], Iterator[Loss]]] = {
    Wait: _wait_lost,
    Send: _send_lost,
    Condition: _condition_lost,
    Update: _update_lost,
    Split: _split_lost,
    End: lambda _, __: iter(()),
}
