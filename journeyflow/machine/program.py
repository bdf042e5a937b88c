"""A journey version compiled for running: positions instead of ids, functions instead of rules, and what it reads."""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attrs import field, frozen

from journeyflow.basics.moments import DAY, HOUR, Duration, zone, zone_or
from journeyflow.basics.values import dumps, id_fault, thaw
from journeyflow.basics.words import MEMBERS
from journeyflow.definition.entry import KEY_ROOT, Pull
from journeyflow.definition.graph import in_cycles
from journeyflow.definition.journey import Journey
from journeyflow.definition.options import hundredths, whole_or_decimal
from journeyflow.definition.references import rule_places
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.changes import Change, Emitted, read_path
from journeyflow.definition.rules.conditions import Question, compile_rule
from journeyflow.definition.rules.templates import Renderer, compile_template
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait
from journeyflow.records.forgetting import FORGOTTEN
from journeyflow.records.rows import PathEntry

if TYPE_CHECKING:
    from journeyflow.basics.hours import Window

NOWHERE = -1
"""The position of a run that has ended."""


class Node:
    """One step, compiled. Which attributes it has depends on its kind; see the builders below."""

    __slots__ = (
        "actions",
        "arms",
        "branches",
        "common",
        "completed",
        "edges",
        "entries",
        "id",
        "kind",
        "label",
        "leaves",
        "length",
        "looping",
        "next",
        "orders",
        "otherwise",
        "over",
        "question",
        "render",
        "step",
        "text",
        "window",
    )

    def __init__(self, step: Step) -> None:
        """Begin with what every kind has."""
        self.id, self.kind, self.step = step.id, type(step), step
        self.next = NOWHERE
        self.looping = self.common = False
        self.window: Window | None = None
        self.length: Duration | None = None
        self.question: Question | None = None
        self.render: Renderer | None = None
        self.text: str | None = None
        self.edges: dict[str, int] = {}
        self.branches: list[tuple[Question, int, str]] = []
        self.over: str | None = None
        """The outcome of a Wait whose time has come, where nothing is asked again."""
        self.otherwise: tuple[int, str] = (NOWHERE, "")
        self.arms: list[tuple[int, int, str]] = []
        self.actions: list[tuple[str, str, object, Renderer | None]] = []
        self.orders: list[Emitted] = []
        self.leaves = ""
        self.label = ""
        self.completed: list[Emitted] = []
        self.entries: dict[str, PathEntry] = {}

    def entry(self, status: str, outcome: str) -> PathEntry:
        """Give the entry of a visit here for a path: the same object for the same visit, for there are millions."""
        return self.entries.setdefault(status + outcome, (self.id, status, outcome))


@frozen
class CompiledExit:
    """An exit or a goal, compiled: its name, the event type, the questions, how it treats messages of other runs."""

    name: str
    event: str | None
    where: Question | None
    when: Question | None
    any_message: bool
    within: Duration | None = None
    ends: bool = True


def key_text(value: object) -> str:
    """Write a value as a key: a text that could be an id, or a number; "" for anything else, which is no key (R22).

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
    nodes: tuple[Node, ...]
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
    chained: bool
    """Whether its runs enroll the customer elsewhere or end other runs."""
    own_exits: frozenset[str]
    """The reasons of runs that have ended themselves."""
    key: str | None
    """Where the key of parallel runs stands in an event's data (R22)."""
    holdout: int
    """How many of the buckets of chance are kept out (R25)."""
    limits: tuple[tuple[int, int], ...]
    """How many entries fit into which window, in microseconds (R23)."""
    pull: Pull | None
    """The schedule on which it gets people itself (R27)."""
    header: tuple[str, str, int] = field(init=False)
    """Tenant, journey and version, as `enrollment.x` gives them."""

    @header.default
    def _(self) -> tuple[str, str, int]:
        return (self.tenant, self.journey.id, self.version)

    def zone_of(self, attributes: dict[str, object]) -> ZoneInfo:
        """Give the zone that counts for a customer (R33)."""
        return zone_or(attributes.get("timezone"), self.zone) if self.journey.customer_timezone else self.zone

    def key_of(self, data: Mapping[str, object]) -> str:
        """Give the key that an event's data carry; "" where they carry none, or the journey asks for none (R22)."""
        return "" if self.key is None else key_text(read_path(data, self.key))


def compile_journey(journey: Journey, *, number: int, journey_number: int, version: int, tenant: str) -> Program:
    """Compile a valid journey.

    >>> from journeyflow.definition.steps import End
    >>> program = compile_journey(
    ...     Journey(id="j", steps=[End("done")]), number=1, journey_number=1, version=1, tenant="t"
    ... )
    >>> program.header, program.emits
    (('t', 'j', 1), frozenset({'journey.completed'}))
    """
    nodes = _compile_steps(journey)
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
        listens=frozenset({*waits, *ways, *({journey.trigger.event} if journey.trigger.event else ())}),
        watches_customer=any(way.when for way in exits)
        or any(isinstance(step, Wait) and step.field for step in journey.steps),
        channels=tuple(dict.fromkeys(step.channel for step in journey.steps if isinstance(step, Send))),
        chained=any(node.orders for node in nodes),
        own_exits=frozenset(node.leaves for node in nodes if node.leaves not in {"", FORGOTTEN}),
        key=journey.reentry.key.removeprefix(KEY_ROOT) if journey.reentry.key else None,
        holdout=hundredths(journey.holdout) or 0,
        limits=tuple(
            (window, count)
            for window, count in ((HOUR, journey.limits.per_hour), (DAY, journey.limits.per_day))
            if count
        ),
        pull=journey.trigger.pull,
    )


def _question(rule: object) -> Question | None:
    return None if rule is None else compile_rule(rule)  # type: ignore[arg-type]  # validated


def _emitted(journey: Journey) -> set[str]:
    """Name the types of events that runs of a journey can emit."""
    types = {"journey.completed"}
    for step in journey.steps:
        if isinstance(step, Update):
            for change in step.changes:
                if isinstance(change, Chain):
                    continue
                types.update(MEMBERS[change.field][:2] if change.field in MEMBERS else ("field.changed",))
    return types


def _compile_steps(journey: Journey) -> tuple[Node, ...]:
    position, circular = journey.index, in_cycles(journey.steps)
    nodes = []
    for step in journey.steps:
        node = Node(step)
        node.looping = step.id in circular
        node.completed = [("journey.completed", {"journey": journey.id})]
        following = getattr(step, "next", None)
        node.common = isinstance(step, Wait) and step.field is None and not journey.customer_timezone
        node.next = position[following] if following is not None else NOWHERE
        _BUILDERS[type(step)](node, step, position)
        if isinstance(step, Update):
            _build_chains(node, step, journey.id)
        nodes.append(node)
    return tuple(nodes)


def _build_send(node: Node, step: Send, _: Mapping[str, int]) -> None:
    node.window, node.length = step.window, step.expires
    node.render = compile_template(step.data)
    node.text = dumps(thaw(step.data)) if step.data and node.render is None else None


def _build_wait(node: Node, step: Wait, position: Mapping[str, int]) -> None:
    node.window, node.length = step.window, step.duration or step.timeout
    node.question = _question(step.where)
    node.looping = node.looping and (step.until is not None or step.every is not None)
    for name in ("event", "timeout", "missing", "past"):
        target = getattr(step, f"on_{name}")
        node.edges[name] = position[target] if target is not None else node.next
    node.edges["elapsed"] = node.next
    if step.field is None and step.until is None and step.window is None:
        node.over = "elapsed" if step.event is None else "timeout"


def _build_condition(node: Node, step: Condition, position: Mapping[str, int]) -> None:
    node.branches = [
        (compile_rule(each.when), position[each.next], each.label)  # type: ignore[arg-type, index]  # validated
        for each in step.branches
    ]
    node.otherwise = (position[step.otherwise], step.else_label)  # type: ignore[index]  # flattened


def _build_split(node: Node, step: Split, position: Mapping[str, int]) -> None:
    ends = accumulate(each.buckets or 0 for each in step.arms)
    node.arms = [
        (end, position[each.next], each.label)  # type: ignore[index]  # flattened
        for end, each in zip(ends, step.arms, strict=True)
    ]


def _build_update(node: Node, step: Update, _: Mapping[str, int]) -> None:
    node.actions = [
        (change.field, change.action, thaw(change.value), compile_template(change.value))
        for change in step.changes
        if isinstance(change, Change)
    ]


def _build_chains(node: Node, step: Update, journey: str) -> None:
    """Compile the changes that are about journeys; the reason of what they end names journey and step."""
    chains = [change for change in step.changes if isinstance(change, Chain)]
    reason = f"{journey}/{step.id}"
    node.orders = [order for chain in chains for order in chain.orders(reason)]
    node.leaves = reason if any(chain.leaves(journey) for chain in chains) else ""
    if any(chain.action == "forget" for chain in chains):
        node.leaves = FORGOTTEN


def _build_end(node: Node, step: End, _: Mapping[str, int]) -> None:
    node.label = step.outcome


_BUILDERS: dict[type, Callable[[Node, Any, Mapping[str, int]], None]] = {
    Send: _build_send,
    Wait: _build_wait,
    Condition: _build_condition,
    Split: _build_split,
    Update: _build_update,
    End: _build_end,
}
