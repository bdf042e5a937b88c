"""Playing a life against journeys: make its calls to an engine one by one, tick, and collect the outcome."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from journeyflow.basics.words import PERMANENT, REVENUE
from journeyflow.definition.journey import Journey
from journeyflow.engine.engine import BATCH, Engine
from journeyflow.errors import Forbidden, InvalidInput, NotFound
from journeyflow.questions.paging import MAX_TAKE
from journeyflow.records.forgetting import is_anonymous
from journeyflow.records.public import Customer, Enroll, Enrollment, Event, Message, Put
from journeyflow.stores.contract import Store
from journeyflow.stores.memory import MemoryStore
from journeyflow.stores.schema import columns_of
from journeyflow.testing.host_calls import (
    FOR_GOOD,
    START,
    Ack,
    Call,
    Forget,
    Leave,
    Life,
    Lifecycle,
    Migrate,
    Prune,
    Reaction,
    RetryRun,
    SetPolicies,
    SetPublished,
)

INSTANT = timedelta(microseconds=1)

DUMPED = {
    "customers": "SELECT number, tenant, id, attributes FROM customers ORDER BY number",
    "inputs": "SELECT seq, tenant, customer, kind, type, at, id, data, outcome FROM inputs ORDER BY seq",
    "enrollments": f"SELECT {columns_of('enrollments')} FROM enrollments ORDER BY serial",
    "moves": """SELECT m.enrollment, m.visit, m.at, ifnull(m.steps, p.steps) AS path, m.seen
                FROM moves m LEFT JOIN paths p ON p.number = m.path ORDER BY m.enrollment, m.visit""",
    "messages": f"SELECT {columns_of('messages')} FROM messages ORDER BY enrollment, n",
    "timers of journeys": f"SELECT {columns_of('journey_timers')} FROM journey_timers ORDER BY journey, which",
    "slots": f"SELECT {columns_of('slots')} FROM slots ORDER BY journey, at",
    "deferred": f"SELECT {columns_of('deferred')} FROM deferred ORDER BY number",
    "list members": f"SELECT {columns_of('list_members')} FROM list_members ORDER BY tenant, list, customer",
    "pulls": f"SELECT {columns_of('pulls')} FROM pulls ORDER BY journey",
    "refusals": f"SELECT {columns_of('refusals')} FROM refusals ORDER BY journey, day, reason",
    "counters": f"SELECT {columns_of('counters')} FROM counters ORDER BY journey, day, domain, step, what, label",
    "openings": f"SELECT {columns_of('openings')} FROM openings ORDER BY journey, day, domain, step, what, label",
    "arms": f"SELECT {columns_of('arms')} FROM arms ORDER BY enrollment, version, step, label",
    "last_refusals": f"SELECT {columns_of('last_refusals')} FROM last_refusals ORDER BY journey, customer",
    "transitions": f"SELECT {columns_of('transitions')} FROM transitions ORDER BY journey, n",
    "policies": f"SELECT {columns_of('policies')} FROM policies ORDER BY tenant, n",
    "publications": f"SELECT {columns_of('publications')} FROM publications ORDER BY journey, n",
    "flags": f"SELECT {columns_of('flags')} FROM flags ORDER BY journey, n",
    "suppressions": f"SELECT {columns_of('suppressions')} FROM suppressions ORDER BY hash",
}
"""Everything that is stored of a run, table by table, ordered by key (R90); paths are written out."""


@frozen(repr=False)
class Played:
    """The outcome of a life.

    `script` is what was really done, in order: the calls, with every Reaction replaced by the call about its message,
    and the instants of ticks (datetimes). `enrollments` come with their visits; `customers` is keyed by id; `sent` are
    all messages; `tables` are the rows of the store. `audit` is what the engine found wrong with its own books: always
    [] (R80). `late` is how many items were late (R5).
    """

    journeys: Sequence[Journey]
    life: Life
    script: Sequence[Call | datetime]
    enrollments: Sequence[Enrollment]
    customers: Mapping[str, Customer]
    sent: Sequence[Message]
    tables: Mapping[str, Sequence[tuple[object, ...]]]
    audit: Sequence[str]
    late: int

    def messages(
        self, *, template: str | None = None, channel: str | None = None, customer: str | None = None
    ) -> Sequence[Message]:
        """Return the queued messages, by enrollment and visit, filtered by the given values."""
        wanted = {"template": template, "channel": channel, "customer": customer}
        return [
            message
            for message in self.sent
            if all(value is None or getattr(message, name) == value for name, value in wanted.items())
        ]

    def customer(self, customer: str) -> Customer:
        """Return a customer as the life has left it. Raise KeyError if nothing was ever reported about it."""
        return self.customers[customer]

    def __repr__(self) -> str:
        """Return how many enrollments, messages and customers the life led to."""
        counts = {"enrollments": self.enrollments, "messages": self.sent, "customers": self.customers}
        parts = [f"{len(some)} {name}" for name, some in counts.items()]
        return f"Played({', '.join(parts)} of {self.life})"

    @property
    def said(self) -> Life:
        """The life as it was played, with every Reaction replaced by the call about its message."""
        return Life([each for each in self.script if not isinstance(each, datetime)], self.life.end)


def run(
    journeys: Iterable[Journey],
    life: Life,
    *,
    store: Store | None = None,
    ticks: Iterable[datetime] | None = None,
    grace: object = None,
    batch_size: int | None = None,
    start: datetime = START,
) -> Played:
    """Play a life against journeys that are active from `start`, and return the outcome.

    The engine works on `store`, which must be empty, and closes it at the end; the default is a new `MemoryStore`. It
    ticks at each of `ticks`, always before the first call with a later instant, so that calls in order of time are
    never late, and once at the end of the life. Without `ticks` it ticks one microsecond before every call whose `at`
    is later than all before it: the densest schedule, in which every Reaction finds the messages queued so far. A life
    in order of time has the same outcome under every schedule (R4), as long as its Reactions are replaced: play
    `Run.said` again. `grace` and `batch_size` are the engine's (R5).

    >>> from journeyflow import End, Journey, Send, Trigger
    >>> hello = Journey(
    ...     id="hello", trigger=Trigger("joined"), steps=[Send("hi", channel="EMAIL", template="t"), End("done")]
    ... )
    >>> life = Life([Event("joined", customer="ann", at=START)], START + timedelta(days=1))
    >>> played = run([hello], life)
    >>> [(message.customer, message.at.hour) for message in played.messages(template="t")]
    [('ann', 0)]
    >>> [enrollment.status for enrollment in played.enrollments]
    ['COMPLETED']
    """
    given = tuple(journeys)
    size = BATCH if batch_size is None else batch_size
    kept = MemoryStore() if store is None else store
    with Engine(kept, grace=grace, max_jump=None, batch_size=size, scrub=False) as engine:
        player = _Player(engine, None if ticks is None else sorted(ticks), start)
        player.play(given, life)
        return player.outcome(given, life)


class _Player:
    """Makes the calls of a life to an engine, and records them."""

    def __init__(self, engine: Engine, ticks: Sequence[datetime] | None, start: datetime = START) -> None:
        self.engine, self.ticks = engine, None if ticks is None else list(ticks)
        self.latest = start
        self.script: list[Call | datetime] = []
        self.late = 0

    def play(self, journeys: Iterable[Journey], life: Life) -> None:
        """Play a life against journeys to its end."""
        for journey in journeys:
            self.engine.deploy(journey, at=self.latest)
        for call in life.calls:
            self.say(call)
        self.finish(life.end)

    def tick(self, now: datetime) -> None:
        self.script.append(now)
        self.late += self.engine.tick(now).late

    def say(self, call: Call) -> None:
        """Tick up to just before a call, then make it."""
        if call.at > self.latest:
            self.latest = call.at
            if self.ticks is None:
                self.tick(call.at - INSTANT)
        while self.ticks and self.ticks[0] < self.latest:
            self.tick(self.ticks.pop(0))
        made_out = self.make_out(call) if isinstance(call, Reaction) else call
        if made_out is not None:
            self.script.append(made_out)
            self.make(made_out)

    def make_out(self, reaction: Reaction) -> Call | None:
        """Return the call about the message that a Reaction picks, or None.

        None if there is no message yet, or for an event of a forgotten customer (R86).
        """
        queued = self.engine.messages(take=MAX_TAKE).items
        if not queued:
            return None
        message = queued[reaction.nth % len(queued)]
        if reaction.kind == "acknowledged":
            return Ack(message.id, at=reaction.at)
        if is_anonymous(message.customer):
            return None
        named = {"message": message.id}
        if reaction.kind == REVENUE:
            paid = {**named, "amount": 100 * (1 + reaction.nth)}
            return Event(REVENUE, customer=message.customer, at=reaction.at, data=paid)
        kind = reaction.kind.removesuffix(FOR_GOOD)
        more: dict[str, object] = {} if kind == reaction.kind else {PERMANENT: True}
        return Event(f"message.{kind}", customer=message.customer, at=reaction.at, data={**named, **more})

    def make(self, call: Call) -> None:
        """Make one call to the engine."""
        engine = self.engine
        if isinstance(call, Event):
            engine.feed(call)
        elif isinstance(call, Put):
            how = {"replace": call.replace, "only_missing": call.only_missing}
            engine.put_customer(call.customer, call.attributes, at=call.at, **how)
        elif isinstance(call, Leave):
            engine.exit(call.journey, call.customer, at=call.at, reason=call.reason, key=call.key)
        elif isinstance(call, Lifecycle):
            options = {"overdue": call.overdue} if call.action == "resume" else {}
            getattr(engine, call.action)(call.journey, at=call.at, **options)
        elif isinstance(call, Migrate):
            self.migrate(call)
        elif isinstance(call, SetPublished):
            engine.set_published(call.journey, {call.step: call.published}, at=call.at)
        elif isinstance(call, SetPolicies):
            engine.set_policies(call.policies, at=call.at)
        elif isinstance(call, Ack):
            engine.ack(call.message, at=call.at)
        elif isinstance(call, Prune):
            engine.prune(call.before)
        else:
            self.make_if_active(call)

    def migrate(self, call: Migrate) -> None:
        """Move all active runs to a version; steps that no version has are left out of the mapping."""
        engine, journey = self.engine, call.journey
        version = engine.publish(call.version, at=call.at, rollback=True)
        known = {step.id for each in engine.versions(journey) for step in engine.steps(journey, version=each.version)}
        mapping = {step: target for step, target in call.mapping.items() if step in known}
        engine.migrate(journey, version, mapping, at=call.at)

    def make_if_active(self, call: Call) -> None:
        """Make a call that is skipped if the journey's state or lack of a key refuses it (R22, R24, R43)."""
        try:
            if isinstance(call, Enroll):
                self.engine.enroll(call.journey, call.customer, at=call.at, force=call.force, key=call.key)
            elif isinstance(call, RetryRun):
                self.engine.retry((call.journey, call.customer), at=call.at)
            elif isinstance(call, Forget):
                self.engine.forget(call.customer, at=call.at, scrub=False)
        except NotFound:
            if not isinstance(call, Forget):
                raise
            self.script.pop()
        except InvalidInput:
            if not isinstance(call, Enroll) or call.key is None:
                raise
            self.script.pop()
        except Forbidden:
            self.script.pop()

    def finish(self, end: datetime) -> None:
        """Make the remaining ticks, and the last one."""
        for now in [*(self.ticks or []), end]:
            self.tick(now)

    def outcome(self, journeys: Sequence[Journey], life: Life) -> Played:
        """Return everything the engine knows."""
        engine = self.engine
        with engine.store.reader() as reader:
            tables = {name: reader.rows(sql) for name, sql in DUMPED.items()}
        enrollments = [
            engine.enrollment(each.journey, each.customer, run=each.run)
            for each in engine.enrollments(take=MAX_TAKE).items
        ]
        customers = {name: engine.customer(name) for _, _, name, _ in tables["customers"]}
        sent = engine.messages(take=MAX_TAKE).items
        return Played(
            journeys, life, self.script, enrollments, customers, sent, tables, audit=engine.audit(), late=self.late
        )
