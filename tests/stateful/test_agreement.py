"""Engines, one in memory and one on a file, in batches of different sizes, are driven alike and stay equal."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from journeyflow import Engine, Event, MemoryStore, Message, Policies, TickResult
from journeyflow.errors import JourneyflowError
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import policies
from tests.stateful.journeys import CHANGED, JOURNEYS, dump

if TYPE_CHECKING:
    from journeyflow.stores.contract import Store

START = datetime(2026, 3, 23, 8, tzinfo=UTC)
"""A Monday; the clocks of Europe change on the Sunday after it."""

MINUTE = timedelta(minutes=1)
BATCHES = (1, 7, 10_000)
CUSTOMERS = ("ann", "bob", "cid")
TENANTS = ("default", "other")
NAMES = tuple(journey.id for journey in JOURNEYS)
VERSIONS = {
    **{journey.id: journey for journey in JOURNEYS},
    **{f"{journey.id} changed": journey for journey in CHANGED},
}

customers = st.sampled_from(CUSTOMERS)
tenants = st.sampled_from(TENANTS[:1] * 4 + TENANTS[1:])
names = st.sampled_from(NAMES)
spans = st.sampled_from([-3_000, -60, -30, 0, 0, 0, 1, 30, 30, 60, 1_440])
"""Minutes from the present to the instant that is said: few, so that instants coincide."""

attributes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Bøb", ""]),
        "plan": st.sampled_from(["free", "paid", "none", None]),
        "lists": st.sampled_from([[], ["buyers"], ["others", "buyers"]]),
        "tags": st.sampled_from([[], ["vip"], ["customer", "blocked"]]),
        "birthday": st.sampled_from(["1990-03-25", "2000-02-29", "never", None, "2026-03-30"]),
        "timezone": st.sampled_from(["Asia/Tokyo", "America/New_York", "nowhere"]),
        "consent": st.sampled_from([{"SMS": True}, {"SMS": False, "EMAIL": True}, {"EMAIL": False}]),
        "orders": st.sampled_from([1, 2.5, "many"]),
    },
)
ways = st.sampled_from([{}, {"replace": True}, {"only_missing": True}])
"""What a put does with what is known."""

happenings = st.one_of(
    st.tuples(st.just("member.created"), st.just({})),
    st.tuples(st.just("order.placed"), st.fixed_dictionaries({"amount": st.sampled_from([1, 7, 20, "12", None])})),
    st.tuples(st.just("cart.updated"), st.fixed_dictionaries({"items": st.sampled_from([0, 1, 3])})),
    st.tuples(st.sampled_from(["checkout", "cart.paused", "unheard.of"]), st.just({})),
    st.tuples(
        st.sampled_from(["tag.added", "tag.removed"]),
        st.fixed_dictionaries({"tag": st.sampled_from(["vip", "customer", "blocked", 5])}),
    ),
    st.tuples(
        st.just("field.changed"),
        st.fixed_dictionaries({"field": st.just("birthday"), "new": st.sampled_from(["1999-03-26", None, 7])}),
    ),
)
reactions = st.sampled_from(["opened", "clicked", "unsubscribed", "bounced", "complained"])


class Agreement(RuleBasedStateMachine):
    """The rules say what a host may do at any time; after each of them both engines must show the same."""

    handed = Bundle("handed")

    engine = Engine
    """How an engine is made."""

    def __init__(self) -> None:
        """Open two empty engines when the first rule says how."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.engines: tuple[Engine, ...] = ()
        self.now = START

    @initialize(
        first=st.sampled_from(BATCHES),
        second=st.sampled_from(BATCHES),
        grace=st.sampled_from([None, "1 hour", "3 days"]),
        deployed=st.lists(names, min_size=3, unique=True),
    )
    def open(self, first: int, second: int, grace: str | None, deployed: list[str]) -> None:
        """Open the engines, each with its own size of batches, and deploy some journeys."""
        self.equal_batches = first == second
        self.engines = tuple(
            self.engine(store, batch_size=size, grace=grace, max_jump=None)
            for store, size in zip(self.stores(), chain([first], repeat(second)), strict=False)
        )
        for journey in deployed:
            self.both(methodcaller("deploy", VERSIONS[journey], at=START))

    def stores(self) -> "tuple[Store, ...]":
        """Make empty stores."""
        return MemoryStore(nonce="x"), SQLiteStore(self.folder / "x.db", synchronous="NORMAL", nonce="x")

    def teardown(self) -> None:
        """Close everything, after an audit of each store (R80)."""
        try:
            assert [found for engine in self.engines for found in engine.audit()] == []
        finally:
            for engine in self.engines:
                engine.close()
            shutil.rmtree(self.folder)

    def both(self, call: Callable[[Engine], Any]) -> Any:
        """Make a call on all engines and give its result: equal values, or errors of one type and one message."""
        first, *others = (self.outcome(call, engine) for engine in self.engines)
        assert others == [first] * len(others)
        return None if isinstance(first, str) else first

    @staticmethod
    def outcome(call: Callable[[Engine], Any], engine: Engine) -> Any:
        """Give what a call returns, or the error in words."""
        try:
            return call(engine)
        except JourneyflowError as error:
            return f"{type(error).__name__}: {error}"

    def at(self, minutes: int) -> datetime:
        """Give an instant so many minutes from the present."""
        return self.now + minutes * MINUTE

    # --- what a host tells

    @rule(customer=customers, said=attributes, span=spans, how=ways, tenant=tenants)
    def put(self, customer: str, said: dict[str, object], span: int, how: dict[str, bool], tenant: str) -> None:
        """Tell attributes of a customer (R50)."""
        self.both(lambda engine: engine.tenant(tenant).put_customer(customer, said, at=self.at(span), **how))

    @rule(
        customer=customers,
        happening=happenings,
        span=spans,
        name=st.sampled_from([None, None, "e1", "e2"]),
        tenant=tenants,
    )
    def feed(
        self, customer: str, happening: tuple[str, dict[str, object]], span: int, name: str | None, tenant: str
    ) -> None:
        """Tell an event, sometimes under an id that was there before (R26)."""
        event = Event(happening[0], customer=customer, at=self.at(span), id=name, data=happening[1])
        self.both(lambda engine: engine.tenant(tenant).feed(event))

    @rule(many=st.lists(st.tuples(customers, happenings, spans), min_size=2, max_size=12))
    def feed_many(self, many: list[tuple[str, tuple[str, dict[str, object]], int]]) -> None:
        """Tell many events in one commit, in any order of time (R7)."""
        events = [Event(kind, customer=customer, at=self.at(span), data=data) for customer, (kind, data), span in many]

        def call(engine: Engine) -> None:
            with engine.batch():
                engine.feed(events)

        self.both(call)

    @rule(journey=names, some=st.lists(customers, min_size=1, max_size=3), span=spans, force=st.booleans())
    def enroll(self, journey: str, some: list[str], span: int, force: bool) -> None:
        """Enroll by hand, also into journeys that are not there or not ACTIVE (R24)."""
        self.both(lambda engine: engine.enroll(journey, some, at=self.at(span), force=force))

    @rule(journey=names, customer=customers, span=spans)
    def exit(self, journey: str, customer: str, span: int) -> None:
        """End runs by hand."""
        self.both(lambda engine: engine.exit(journey, customer, at=self.at(span)))

    @rule(message=handed, kind=reactions, span=spans, customer=customers)
    def react(self, message: Message, kind: str, span: int, customer: str) -> None:
        """Tell what became of a message, sometimes of somebody else's (R52)."""
        event = Event(f"message.{kind}", customer=customer, at=self.at(span), data={"message": message.id})
        self.both(lambda engine: engine.tenant(message.tenant).feed(event))

    # --- time

    @rule(minutes=st.sampled_from([-1_440, -1, 0, 0, 1, 30, 60, 61, 720, 1_440, 4_320, 14_400]))
    def tick(self, minutes: int) -> None:
        """Do everything that is due, now, later or earlier (R3, R4)."""
        at = self.at(minutes)
        self.now = max(self.now, at)
        result = self.both(lambda engine: engine.tick(at))
        assert not result.more

    @rule(minutes=st.sampled_from([0, 60, 1_440, 4_320]), limit=st.integers(1, 12))
    def tick_by_and_by(self, minutes: int, limit: int) -> None:
        """Do everything that is due, a few items at a time; in batches of one size each step is the same (R7)."""
        self.now = self.at(minutes)
        if self.equal_batches:
            while self.both(lambda engine: engine.tick(self.now, limit=limit)).more:
                pass
        else:
            self.both(lambda engine: drained(engine, self.now, limit))

    @rule(
        target=handed,
        many=st.lists(st.tuples(customers, happenings, spans), max_size=3),
        answered=st.lists(handed, max_size=2),
        minutes=st.sampled_from([0, 1, 60, 1_440]),
        limit=st.integers(1, 4),
        tenant=tenants,
    )
    def cycle(
        self,
        many: list[tuple[str, tuple[str, dict[str, object]], int]],
        answered: list[Message],
        minutes: int,
        limit: int,
        tenant: str,
    ) -> Any:
        """Do everything in one go (R75)."""
        self.now = self.at(minutes)
        events = [Event(kind, customer=customer, at=self.at(span), data=data) for customer, (kind, data), span in many]

        def call(engine: Engine) -> Any:
            bound = engine.tenant(tenant)
            with bound.cycle(self.now, worker="w", limit=limit) as cycle:
                bound.ack(answered, at=self.now)
                bound.feed(events)
            return cycle.result, cycle.messages

        _, claimed = self.both(call)
        return multiple(*claimed)

    # --- delivery

    @rule(
        target=handed,
        limit=st.integers(1, 4),
        channels=st.sampled_from([None, "SMS", ("EMAIL", "SMS")]),
        lease=st.sampled_from(["30 minutes", "5 minutes"]),
        span=spans,
        tenant=tenants,
    )
    def claim(self, limit: int, channels: Any, lease: str, span: int, tenant: str) -> Any:
        """Take messages (R71)."""
        claimed = self.both(
            lambda engine: engine.tenant(tenant).claim(
                "w", at=self.at(span), channels=channels, limit=limit, lease=lease
            )
        )
        return multiple(*claimed)

    @rule(message=handed, span=spans, again=st.booleans())
    def ack(self, message: Message, span: int, again: bool) -> None:
        """Tell that a message went out, once or twice."""
        self.both(lambda engine: engine.ack([message] * (1 + again), at=self.at(span)))

    @rule(message=handed, span=spans)
    def nack(self, message: Message, span: int) -> None:
        """Tell that a message could not be delivered."""
        self.both(lambda engine: engine.nack(message, at=self.at(span), error="no"))

    # --- the lifecycle

    @rule(journey=names, call=st.sampled_from(["pause", "pause", "resume", "resume", "activate"]), span=spans)
    def move(self, journey: str, call: str, span: int) -> None:
        """Pause, resume, activate; most often it is refused (R11)."""
        self.both(lambda engine: getattr(engine, call)(journey, at=self.at(span)))

    @precondition(lambda self: self.now > START + timedelta(days=4))
    @rule(journey=names, span=spans)
    def archive(self, journey: str, span: int) -> None:
        """Archive, which first does all work before it (R15)."""
        self.both(lambda engine: engine.archive(journey, at=self.at(span)))

    @rule(version=st.sampled_from(list(VERSIONS)), span=spans)
    def deploy(self, version: str, span: int) -> None:
        """Deploy again, for the first time or with other content (R12)."""
        self.both(lambda engine: engine.deploy(VERSIONS[version], at=self.at(span)))

    @rule(version=st.sampled_from(list(VERSIONS)), span=spans)
    def roll_back(self, version: str, span: int) -> None:
        """Publish, also what was published before (R12)."""
        self.both(lambda engine: engine.publish(VERSIONS[version], at=self.at(span), rollback=True))

    @rule(journey=names, span=spans)
    def shift(self, journey: str, span: int) -> None:
        """Resume, and prolong what is waited for (R16)."""
        self.both(lambda engine: engine.resume(journey, at=self.at(span), overdue="shift"))

    @rule(journey=names, data=st.data(), to=st.integers(1, 2), span=spans, out=st.booleans())
    def migrate(self, journey: str, data: st.DataObject, to: int, span: int, out: bool) -> None:
        """Move everybody to a version, wherever its steps lead (R14)."""
        mine = [each for each in VERSIONS.values() if each.id == journey]
        steps = sorted({step.id for each in mine for step in each.steps})
        picked = data.draw(st.sampled_from(steps))
        mapping = {} if out else dict.fromkeys(steps[::2], picked)
        self.both(lambda engine: engine.migrate(journey, to, mapping, at=self.at(span)))

    @rule(journey=names, data=st.data(), published=st.booleans(), span=spans)
    def flag(self, journey: str, data: st.DataObject, published: bool, span: int) -> None:
        """Publish or unpublish a step; sometimes it is refused (R17)."""
        steps = sorted({step.id for each in VERSIONS.values() if each.id == journey for step in each.steps})
        picked = data.draw(st.sampled_from(steps))
        self.both(lambda engine: engine.set_published(journey, {picked: published}, at=self.at(span)))

    @precondition(lambda self: self.now > START + timedelta(days=4))
    @rule(journey=names, call=st.sampled_from(["delete", "purge"]))
    def take_away(self, journey: str, call: str) -> None:
        """Delete a draft, purge what was archived, with everything that was recorded of it (R15)."""
        self.both(lambda engine: getattr(engine, call)(journey))

    @rule(journey=names, to=st.sampled_from(["copy", "other copy"]), span=spans)
    def clone(self, journey: str, to: str, span: int) -> None:
        """Make a draft of the same graph, and edit it (R12, R18)."""
        self.both(lambda engine: engine.clone(journey, to, at=self.at(span)))
        self.both(lambda engine: engine.edit(to, at=self.at(span), notes=journey))

    @rule(bounds=policies(), span=spans, tenant=tenants)
    def set_policies(self, bounds: Policies, span: int, tenant: str) -> None:
        """Set caps and quiet hours (R31)."""
        self.both(lambda engine: engine.tenant(tenant).set_policies(bounds, at=self.at(span)))
        self.both(lambda engine: engine.tenant(tenant).policies(at=self.now))

    @rule(nonce=st.sampled_from(["x", "y", "z-1"]))
    def renew(self, nonce: str) -> None:
        """Let ids begin with another nonce; one that was there before is refused (R70)."""
        self.both(lambda engine: engine.renew_nonce(nonce))

    # --- what must hold

    @invariant()
    def all_views_agree(self) -> None:
        """All stores show the same rows in the same order, of which an audit finds nothing wrong (R80, R90)."""
        if self.engines:
            first, *others = (dump(engine.store) for engine in self.engines)
            assert others == [first] * len(others)
            assert self.engines[0].audit() == []
            assert len({engine.next_due() for engine in self.engines}) == 1


def drained(engine: Engine, now: datetime, limit: int) -> TickResult:
    """Tick until nothing is due any more; how often depends on the size of batches, so nothing is counted."""
    while engine.tick(now, limit=limit).more:
        pass
    return TickResult()


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
