"""Workers that claim, answer, answer late, answer twice or die: what the outbox hands out, and what it never does."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from journeyflow import Engine, Event, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START

ATTEMPTS = 5
"""How often a message is handed out at most (R71)."""

CUSTOMERS = st.sampled_from(("c1", "c2", "c3"))
MINUTES = st.sampled_from((0, 1, 4, 5, 6, 16, 64, 90))
LEASES = st.sampled_from((1, 5, 30))


def mailing(name, on_failure):
    """Write a journey that sends two messages and waits."""
    sends = (Send(step, channel="EMAIL", template="t", on_failure=on_failure) for step in ("one", "two"))
    return Journey(name, trigger=Trigger("go"), steps=[*sends, Wait("rest", "1 year")], reentry="always")


class Outbox(RuleBasedStateMachine):
    """Plays workers against an engine, and keeps a list of leases of its own."""

    path: str | None = None

    def __init__(self):
        """Begin with two journeys: one fails with its messages, the other goes on."""
        super().__init__()
        self.engine = Engine(MemoryStore() if self.path is None else SQLiteStore(self.path), grace=None, max_jump=None)
        self.now, self.told = START, False
        self.claims, self.leases = [], {}
        self.acked, self.nacked = set(), set()  # told, and handled by a tick
        self.telling, self.refusing = set(), set()  # told, and not handled yet
        self.paused = set()
        self.forgiven, self.hopeless = {}, set()  # attempts before a message was queued again; nacks that were for good

    @initialize()
    def deploy(self):
        """Publish both."""
        for name, on_failure in (("fails", "fail"), ("goes on", "continue")):
            self.engine.deploy(mailing(name, on_failure), at=START)

    def teardown(self):
        """Everything adds up at the end."""
        self.tick()
        assert self.engine.audit() == []
        self.engine.close()

    # --- what happens ---------------------------------------------------------------------------------------------

    @rule(customer=CUSTOMERS)
    def enter(self, customer):
        """Enter a customer into both journeys."""
        self.engine.feed(Event("go", customer=customer, at=self.now))

    @rule(customer=CUSTOMERS, journey=st.sampled_from(("fails", "goes on")))
    def leave(self, customer, journey):
        """Take a customer out of a journey."""
        self.engine.exit(journey, customer, at=self.now)

    @rule(minutes=MINUTES)
    def wait(self, minutes):
        """Time goes by, with a tick at its end."""
        self.now += timedelta(minutes=minutes)
        self.tick()

    @rule(journey=st.sampled_from(("fails", "goes on")))
    def pause_or_resume(self, journey):
        """Pause a journey, or resume it."""
        if journey in self.paused:
            self.engine.resume(journey, at=self.now)
        else:
            self.engine.pause(journey, at=self.now)
        self.paused ^= {journey}

    @rule()
    def hold_or_release(self):
        """Stop the only channel, or start it again."""
        if self.engine.held_channels():
            self.engine.release_channel("EMAIL", at=self.now)
        else:
            self.engine.hold_channel("EMAIL", at=self.now)

    @rule(worker=st.sampled_from(("w", "v")), limit=st.integers(1, 4), minutes=LEASES)
    def claim(self, worker, limit, minutes):
        """Claim: what a worker gets is nobody else's now, was not acknowledged, and is not a message of a pause."""
        until = self.now + timedelta(minutes=minutes)
        for message in self.engine.claim(worker, at=self.now, limit=limit, lease=f"{minutes} minutes"):
            held = self.leases.get(message.id)
            assert held is None or held[0] in self.nacked or held[1] <= self.now, "two leases on one message"
            assert message.id not in self.acked, "acknowledged, and handed out again"
            assert message.journey not in self.paused
            assert not self.engine.held_channels()
            assert (message.status, message.lease_until) == ("CLAIMED", until)
            tokens = [each.token for each in self.claims if each.id == message.id]
            assert message.token not in tokens
            assert message.attempts == len(tokens) + 1 <= ATTEMPTS + self.forgiven.get(message.id, 0)
            self.claims.append(message)
            self.leases[message.id] = ((message.id, message.token), until)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def ack(self, data):
        """Acknowledge what a worker once got, however late."""
        message = data.draw(st.sampled_from(self.claims))
        self.engine.ack(message, at=self.now)
        self.telling.add(message.id)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), permanent=st.booleans())
    def nack(self, data, permanent):
        """Give back what a worker once got, perhaps for good; the lease may be another's by now."""
        message = data.draw(st.sampled_from(self.claims))
        self.engine.nack(message, at=self.now, permanent=permanent)
        self.refusing.add((message.id, message.token))
        self.hopeless |= {message.id} if permanent else set()

    @rule(error=st.sampled_from(("", "lease")))
    def requeue(self, error):
        """Queue again what was given up, all of it or what nobody answered."""
        self.tick()
        given_up = self.engine.messages(status="FAILED", error=error, take=None)
        assert self.engine.requeue(error=error, at=self.now) == len(given_up)
        self.tick()
        self.forgiven.update((message.id, message.attempts) for message in given_up)
        self.hopeless -= {message.id for message in given_up}
        assert {self.engine.message(message.id).status for message in given_up} <= {"QUEUED"}

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def give_back(self, data):
        """Release what a worker once got: under its lease still, it is as if it had never been claimed."""
        message = data.draw(st.sampled_from(self.claims))
        held = self.leases[message.id] == ((message.id, message.token), message.lease_until)
        answered = message.id in self.acked or (message.id, message.token) in self.nacked
        released = self.engine.release(message)
        assert released == (held and not answered and message.lease_until > self.now)
        if released:
            self.claims.remove(message)
            del self.leases[message.id]

    @rule(rounds=st.integers(1, ATTEMPTS))
    def die(self, rounds):
        """Claim everything, again and again, and never answer."""
        for _ in range(rounds):
            self.claim("dying", 1_000, 5)
            self.wait(90)

    @rule()
    def tick(self):
        """Tick: what was told is handled."""
        self.engine.tick(self.now)
        self.acked |= self.telling
        self.nacked |= self.refusing
        self.telling, self.refusing = set(), set()

    # --- what is always so ----------------------------------------------------------------------------------------

    @invariant()
    def what_was_acknowledged_is_sent(self):
        """R71: an ack wins over any status and is final."""
        messages = {message.id: message for message in self.engine.messages(take=1_000).items}
        assert {name for name, message in messages.items() if message.status == "SENT"} == self.acked

    @invariant()
    def what_was_given_up_fails_its_run_only_when_asked(self):
        """R43: "message given up" in the one journey, never in the other; and never without five attempts."""
        failed = {(each.journey, each.customer, each.run) for each in self.engine.enrollments(status="FAILED").items}
        assert all(journey == "fails" for journey, _, _ in failed)
        given = self.engine.messages(status="FAILED", take=1_000).items
        for message in given:
            spent = message.attempts - self.forgiven.get(message.id, 0)
            assert spent == ATTEMPTS or (message.id in self.hopeless and 0 < spent < ATTEMPTS)
        runs = {(message.journey, message.customer, message.run) for message in given}
        inside = {(each.journey, each.customer, each.run) for each in self.engine.enrollments(status="ACTIVE").items}
        assert all(journey != "fails" for journey, _, _ in runs & inside)


class OutboxInAFile(Outbox):
    """The same on SQLite."""

    path = ":memory:"


SOME = settings(
    max_examples=30,
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestOutbox = Outbox.TestCase
TestOutboxInAFile = OutboxInAFile.TestCase
TestOutbox.settings = SOME
TestOutboxInAFile.settings = settings(SOME, max_examples=15)
