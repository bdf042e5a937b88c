"""A journey version compiled for running: positions instead of ids, functions instead of rules, and what it reads."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import accumulate
from typing import Any, cast
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.durations import Duration
from journeyflow.basics.moments import DAY, HOUR, zone, zone_or
from journeyflow.basics.values import dumps, id_fault, thaw
from journeyflow.basics.words import COMPLETED, CONDITION, JOURNEY_COMPLETED, MEMBERS, MESSAGE
from journeyflow.definition.dates import TIMEZONE, attributes_read, dated_attributes, dated_events
from journeyflow.definition.entry import Pull
from journeyflow.definition.graph import in_cycles
from journeyflow.definition.journey import Journey
from journeyflow.definition.options import hundredths, whole_or_decimal
from journeyflow.definition.references import rule_places
from journeyflow.definition.rules.attribute_changes import Change, Emitted
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.clock_turns import clocked
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.rules.evaluation import Question, compile_rule
from journeyflow.definition.rules.rule_parts import reads
from journeyflow.definition.rules.templates import compile_template
from journeyflow.definition.rules.value_paths import read_path
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait
from journeyflow.machine.compiled_steps import (
    NOWHERE,
    Awaited,
    CompiledCondition,
    CompiledEnd,
    CompiledExit,
    CompiledSend,
    CompiledSplit,
    CompiledStep,
    CompiledUpdate,
    CompiledWait,
    Onward,
)
from journeyflow.records.forgetting import FORGOTTEN


def key_text(value: object) -> str:
    """Return a value as a key: text that could be an id, or a number; "" for anything else, which is not a key (R22).

    >>> key_text("cart-7"), key_text(7), key_text(7.0), key_text(None), key_text([7]), key_text(True)
    ('cart-7', '7', '7', '', '', '')
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(whole_or_decimal(value))
    return value if isinstance(value, str) and not id_fault(value) else ""


@frozen(eq=False)
class Program:
    """A journey version ready to run. `number` and `journey_number` are the store's numbers of version and journey."""

    number: int
    journey_number: int
    version: int
    tenant: str
    journey: Journey
    nodes: tuple[CompiledStep, ...]
    zone: ZoneInfo
    where: Question | None
    run_criteria: Question | None
    exits: tuple[CompiledExit, ...]
    goal: CompiledExit | None
    reads_posts: bool
    emits: frozenset[str]
    listens: frozenset[str]
    watches_customer: bool
    channels: tuple[str, ...]
    consent_required: bool
    """Whether a channel that the customer says nothing about counts as refused (R54)."""
    dated: frozenset[str]
    dated_events: Mapping[str, frozenset[str]]
    """The attributes of the customer that it reads as dates or as a time zone."""
    chained: bool
    """Whether its runs enroll the customer elsewhere or end other runs."""
    own_exits: frozenset[str]
    """The reasons of runs that have ended themselves."""
    key: str | None
    """The path of the parallel runs' key in an event's data (R22)."""
    holdout: int
    """How many of the 10,000 buckets of chance are in the holdout (R25)."""
    limits: tuple[tuple[int, int], ...]
    """The entry limits: pairs of a window in microseconds and how many entries fit into it (R23)."""
    pull: Pull | None
    """The schedule on which it pulls customers in (R27)."""
    header: tuple[str, str, int] = field(init=False)
    """Tenant, journey and version, for `enrollment.x` in rules."""

    @header.default
    def _(self) -> tuple[str, str, int]:
        return (self.tenant, self.journey.id, self.version)

    def zone_of(self, attributes: dict[str, object]) -> ZoneInfo:
        """Return the time zone that applies to a customer (R33)."""
        return zone_or(attributes.get("timezone"), self.zone) if self.journey.customer_timezone else self.zone

    def key_of(self, data: Mapping[str, object]) -> str:
        """Return the key in an event's data; "" if there is none, or the journey has no key (R22)."""
        return "" if self.key is None else key_text(read_path(data, self.key))


def compile_journey(journey: Journey, *, number: int, journey_number: int, version: int, tenant: str) -> Program:
    """Return a valid journey, compiled.

    >>> from journeyflow.definition.steps import End
    >>> program = compile_journey(
    ...     Journey(id="j", steps=[End("done")]), number=1, journey_number=1, version=1, tenant="t"
    ... )
    >>> program.header, program.emits
    (('t', 'j', 1), frozenset({'journey.completed'}))
    """
    nodes = _compile_steps(journey)
    updates = [node for node in nodes if isinstance(node, CompiledUpdate)]
    goal = journey.goal
    exits = tuple(
        CompiledExit(each.name, each.event, _question(each.where), _question(each.when), each.any_message)
        for each in journey.exits
    )
    compiled_goal = (
        None
        if goal is None
        else CompiledExit("goal", goal.event, _question(goal.where), None, goal.any_message, goal.within, goal.exit)
    )
    waits = {step.event for step in journey.steps if isinstance(step, Wait) and step.event}
    reported = {kind for step in journey.steps if isinstance(step, Wait) for kind in _reported(step.when)}
    ways = {way.event for way in (*exits, compiled_goal) if way and way.event}
    paths = [path for _, read, _, _ in rule_places(journey) for path in read]
    return Program(
        number,
        journey_number,
        version,
        tenant,
        journey,
        nodes,
        zone(journey.timezone),
        _question(journey.trigger.where),
        _question(journey.run_criteria),
        exits,
        compiled_goal,
        reads_posts=any(path.startswith("message.") for path in paths),
        emits=frozenset(_emitted(journey)),
        listens=frozenset({*waits, *reported, *ways, *({journey.trigger.event} if journey.trigger.event else ())}),
        watches_customer=any(way.when for way in exits)
        or any(isinstance(step, Wait) and (step.field or step.when is not None) for step in journey.steps),
        dated=dated_attributes(journey),
        dated_events=dated_events(journey),
        consent_required=journey.consent == "required",
        channels=tuple(dict.fromkeys(step.channel for step in journey.steps if isinstance(step, Send))),
        chained=any(update.orders for update in updates),
        own_exits=frozenset(update.leaves for update in updates) - {"", FORGOTTEN},
        key=journey.reentry.key_name,
        holdout=hundredths(journey.holdout) or 0,
        limits=tuple(
            (window, count)
            for window, count in ((HOUR, journey.limits.per_hour), (DAY, journey.limits.per_day))
            if count
        ),
        pull=journey.trigger.pull,
    )


def _question(rule: Rule | None) -> Question | None:
    return None if rule is None else compile_rule(rule)


def _reported(rule: Rule | None) -> Iterator[str]:
    """Yield the types of events that report what a rule reads of messages (R59)."""
    for path in reads(rule):
        if path.startswith(MESSAGE):
            yield MESSAGE + path.rpartition(".")[2].removesuffix("_at")


def _emitted(journey: Journey) -> set[str]:
    """Return the types of events that runs of a journey can emit."""
    types = {JOURNEY_COMPLETED}
    for step in journey.steps:
        if isinstance(step, Update):
            for change in step.changes:
                if isinstance(change, Chain):
                    continue
                types.update(MEMBERS[change.field][:2] if change.field in MEMBERS else ("field.changed",))
    return types


def _compile_steps(journey: Journey) -> tuple[CompiledStep, ...]:
    """Compile the steps in order, each by the builder of its kind."""
    made = Making(journey, journey.index, in_cycles(journey.steps))
    return tuple(_BUILDERS[type(step)](step, made) for step in journey.steps)


@frozen(eq=False, repr=False)
class Making:
    """What the builders read besides the step."""

    journey: Journey
    position: Mapping[str, int]
    circular: Collection[str]

    def to(self, step: str | None) -> int:
        """Return the position of a step; NOWHERE for None."""
        return NOWHERE if step is None else self.position[step]

    def onward(self, step: Step, target: object, outcome: str) -> Onward:
        """Return where a step leads with an outcome; a `Journey` is flat, so its targets are ids."""
        return self.to(cast("str | None", target)), (step.id, COMPLETED, outcome)


def _build_send(step: Send, made: Making) -> CompiledSend:
    render = compile_template(step.data)
    text = dumps(thaw(step.data)) if step.data and render is None else None
    return CompiledSend(step.id, made.to(step.next), step, render, text)


def _build_wait(step: Wait, made: Making) -> CompiledWait:
    targets = {name: getattr(step, f"on_{name}") for name in ("event", "timeout", "missing", "past")}
    targets["elapsed"] = None
    edges = {name: made.onward(step, target or step.next, name) for name, target in targets.items()}
    looked_at = (step.field, step.until, step.window, step.every, step.when)
    awaited = _awaited(step, made.journey)
    return CompiledWait(
        step.id,
        made.to(step.next),
        step,
        length=step.duration or step.timeout,
        question=_question(step.where),
        awaited=awaited,
        awaits=CONDITION if awaited else step.event,
        edges=edges,
        over=("elapsed" if step.event is None else "timeout") if all(each is None for each in looked_at) else None,
        every=None if step.every in {None, "year"} else Duration.parse(step.every),
        looping=step.id in made.circular and (step.until is not None or step.every is not None),
        common=all(each is None for each in (step.field, step.every, awaited)) and not made.journey.customer_timezone,
    )


def _awaited(step: Wait, journey: Journey) -> Awaited | None:
    if step.when is None:
        return None
    paths, parts = reads(step.when), clocked(step.when)
    zoned = {TIMEZONE} if parts and journey.customer_timezone else set()
    posts = any(path.startswith(MESSAGE) for path in paths)
    return Awaited(compile_rule(step.when), parts, attributes_read(paths) | zoned, posts)


def _build_condition(step: Condition, made: Making) -> CompiledCondition:
    branches = [
        (compile_rule(cast("Rule", each.when)), made.onward(step, each.next, each.label)) for each in step.branches
    ]
    otherwise = made.onward(step, step.otherwise, step.else_label)
    return CompiledCondition(step.id, made.to(step.next), branches, otherwise)


def _build_split(step: Split, made: Making) -> CompiledSplit:
    ends = [*accumulate(each.buckets or 0 for each in step.arms)]
    arms = [made.onward(step, each.next, each.label) for each in step.arms]
    return CompiledSplit(step.id, made.to(step.next), ends, arms)


def _build_update(step: Update, made: Making) -> CompiledUpdate:
    """Compile changes of the customer and changes about journeys.

    The reason of runs that end by the latter names the journey and the step.
    """
    actions = [
        (change.field, change.action, thaw(change.value), compile_template(change.value))
        for change in step.changes
        if isinstance(change, Change)
    ]
    chains = [change for change in step.changes if isinstance(change, Chain)]
    reason = f"{made.journey.id}/{step.id}"
    leaves = reason if any(chain.leaves(made.journey.id) for chain in chains) else ""
    if any(chain.action == "forget" for chain in chains):
        leaves = FORGOTTEN
    orders = [order for chain in chains for order in chain.orders(reason)]
    return CompiledUpdate(step.id, made.to(step.next), actions, orders, leaves)


def _build_end(step: End, made: Making) -> CompiledEnd:
    completed: list[Emitted] = [(JOURNEY_COMPLETED, {"journey": made.journey.id})]
    return CompiledEnd(step.id, NOWHERE, step.outcome, completed)


_BUILDERS: dict[type, Callable[[Any, Making], CompiledStep]] = {
    Send: _build_send,
    Wait: _build_wait,
    Condition: _build_condition,
    Split: _build_split,
    Update: _build_update,
    End: _build_end,
}
