"""What brings somebody into a journey and onward through it, as calls of a host: the plots of random lives."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from attrs import evolve

from journeyflow.basics.moments import add, iso, to_micros, zone
from journeyflow.basics.words import CHANGED_BY, CUSTOMER_EVENTS, JOURNEY_COMPLETED, MEMBERS, MESSAGE, MESSAGE_EVENTS
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import FieldRule, Rule, walk
from journeyflow.definition.steps import Condition, Send, Wait
from journeyflow.records.public import Event
from journeyflow.testing.running import START, Call, Enroll, Put, Reaction
from journeyflow.testing.satisfying import ValuesByPath, satisfying

Opening = tuple[Call, ...]
"""The calls that let one customer into a journey, all made at one instant."""

AHEAD = timedelta(days=4)
"""How long after the start the waits for dates end."""

SOMEBODY = "c1"
"""The customer of all calls here; `about` makes them about another."""

OF_EVENTS, OF_RUNS = ("event", "trigger"), ("message", "enrollment", "wait")
"""The beginnings of paths that lead into the data of events, and of those into what happens within a run."""


def openings(journey: Journey) -> Sequence[Opening]:
    """Return what lets a customer into a journey: attributes by which nothing refuses, then what triggers it.

    >>> from journeyflow import End, Trigger, field
    >>> gold = Journey("gold", trigger=Trigger("joined"), run_criteria=field("tier").eq("gold"), steps=[End("done")])
    >>> [(each.attributes, event.type) for each, event in openings(gold)]
    [({'tier': 'gold'}, 'joined')]
    """
    asked = [(rule, True) for rule in (journey.trigger.where, journey.run_criteria) if rule is not None]
    asked += [(each.when, False) for each in journey.exits if each.when is not None]
    dates = _dates_to_come(journey)
    return [
        tuple(_opening(journey, {**known, **values}))
        for values in satisfying(asked) or [{}]
        for known in ((dates, {}) if dates else ({},))
    ]


def _dates_to_come(journey: Journey) -> dict[str, object]:
    """Return dates for the waits that have one, such that these end some days after the start."""
    ahead = to_micros(START + AHEAD)
    return {
        step.field: iso(ahead if step.offset is None else 2 * ahead - add(ahead, step.offset, zone("UTC")))
        for step in journey.steps
        if isinstance(step, Wait) and step.field is not None
    }


def _opening(journey: Journey, values: ValuesByPath) -> Iterator[Call]:
    """Yield the calls of one opening, with the values that the rules ask for."""
    attributes = nested(_of_customer(values))
    pull = journey.trigger.pull
    if pull is not None and pull.list is not None:
        attributes = {"lists": [pull.list], **attributes}
    if journey.consent == "required":
        attributes["consent"] = {step.channel: True for step in journey.steps if isinstance(step, Send)}
    if attributes:
        yield Put(SOMEBODY, attributes, at=START)
    key = journey.reentry.key
    data = {**_awaited_of_trigger(journey), **_of_event(values)}
    if key is not None:
        data = {key.removeprefix("event."): "a", **data}
    triggered = None if journey.trigger.event is None else _happening(journey.trigger.event, data)
    if isinstance(triggered, Event):
        yield triggered
    elif pull is None:
        yield Enroll(journey.id, SOMEBODY, at=START, key=None if key is None else "a")


def _awaited_of_trigger(journey: Journey) -> dict[str, object]:
    """Return the values that later steps compare with those of the trigger, such as the number of a cart."""
    found = [
        values
        for step in journey.steps
        if isinstance(step, Wait) and step.where is not None
        for values in satisfying([(step.where, True)])[:1]
    ]
    return {
        path.removeprefix("trigger."): value
        for values in found
        for path, value in values.items()
        if path.startswith("trigger.") and value is not None
    }


Alternatives = Sequence[Call]
"""Calls of which one at a time happens."""


def follow_ups(journey: Journey) -> Sequence[Alternatives]:
    """Return what leads a customer on, in the order in which a run can use it.

    First come the attributes that its branches ask for, then what its waits and branches wait for and read, step by
    step, then its exits and its goal.

    >>> from journeyflow import Condition, Trigger, Wait, field
    >>> steps = [Wait("pay", event="paid"), Condition("gold", field("tier").eq("gold"))]
    >>> for calls in follow_ups(Journey("j", trigger=Trigger("go"), steps=steps)):
    ...     print([getattr(call, "type", "") or call.attributes for call in calls])
    [{'tier': 'gold'}, {'tier': 'other'}]
    ['paid']
    """
    return [calls for calls in map(list, _follow_ups(journey)) if calls]


def _follow_ups(journey: Journey) -> Iterator[Iterator[Call]]:
    branches = [step for step in journey.steps if isinstance(step, Condition)]
    yield from (_told(each.when) for step in branches for each in step.branches if each.when is not None)
    for step in journey.steps:
        if isinstance(step, Wait) and step.event is not None:
            yield _awaited(step.event, step.where)
        elif isinstance(step, Condition):
            yield from (_reactions(each.when) for each in step.branches if each.when is not None)
    for way in journey.exits:
        yield _told(way.when) if way.event is None and way.when is not None else _awaited(way.event, way.where)
    if journey.goal is not None:
        yield _awaited(journey.goal.event, journey.goal.where)


def _awaited(kind: str | None, where: Rule | None) -> Iterator[Call]:
    """Yield ways in which an event that is listened to happens."""
    for values in satisfying([] if where is None else [(where, True)]):
        happened = None if kind is None else _happening(kind, _of_event(values))
        yield from () if happened is None else (happened,)


def _told(rule: Rule) -> Iterator[Call]:
    """Yield attributes that make a rule true, and some that make it false."""
    for wanted in (True, False):
        for values in satisfying([(rule, wanted)])[:1]:
            attributes = nested(_of_customer(values))
            yield from (Put(SOMEBODY, attributes, at=START),) if attributes else ()


def _reactions(rule: Rule) -> Iterator[Call]:
    """Yield what must happen to messages for a rule that reads it."""
    for part, _ in walk(rule):
        if isinstance(part, FieldRule) and part.field.startswith(MESSAGE):
            kind = part.field.rpartition(".")[2]
            yield from (Reaction(kind, 0, at=START),) if f"{MESSAGE}{kind}" in MESSAGE_EVENTS else ()


def _happening(kind: str, data: Mapping[str, object]) -> Call | None:
    """Return the call that reports an event; None if no host can report it."""
    if kind in MESSAGE_EVENTS:
        return Reaction(kind.removeprefix(MESSAGE), 0, at=START)
    if kind == JOURNEY_COMPLETED:
        return None
    if kind in CUSTOMER_EVENTS:
        data = _of_change(kind, data)
    return Event(kind, customer=SOMEBODY, at=START, data=nested(data))


def _of_change(kind: str, data: Mapping[str, object]) -> dict[str, object]:
    """Return the data of an event that changes the customer, complete."""
    if kind in CHANGED_BY:
        member = MEMBERS[CHANGED_BY[kind]][2]
        return {member: data.get(member, member)}
    return {"field": data.get("field", "field"), "new": data.get("new", 1)}


def about(call: Call, customer: str, nth: int) -> Call:
    """Return a call about another customer, or another message."""
    return evolve(call, nth=nth) if isinstance(call, Reaction) else evolve(call, customer=customer)  # type: ignore[arg-type]  # all others have one


def _of_customer(values: ValuesByPath) -> dict[str, object]:
    """Return the values that are attributes of the customer; None removes one."""
    return {
        path.removeprefix("customer."): value
        for path, value in values.items()
        if path.partition(".")[0] not in (*OF_EVENTS, *OF_RUNS) and path != "customer.id"
    }


def _of_event(values: ValuesByPath) -> dict[str, object]:
    """Return the values that are data of the current event."""
    return {
        path.partition(".")[2]: value
        for path, value in values.items()
        if path.partition(".")[0] in OF_EVENTS and value is not None
    }


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping with its dotted names as nested objects.

    >>> nested({"a": 1, "b.c": 2})
    {'a': 1, 'b': {'c': 2}}
    """
    whole: dict[str, object] = {}
    for path, value in flat.items():
        *outer, name = path.split(".")
        inner = whole
        for each in outer:
            found = inner.get(each)
            inner[each] = inner = found if isinstance(found, dict) else {}
        inner[name] = value
    return whole
