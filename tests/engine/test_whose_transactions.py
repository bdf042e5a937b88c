"""The engine tells a store for which tenant it works: one that many machines share need not lock out others (R92)."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from journeyflow import Engine, Event, Journey, MemoryStore, Send, Trigger

NOW = datetime(2026, 1, 5, tzinfo=UTC)

LETTER = Journey(id="letter", trigger=Trigger(event="signup"), steps=[Send("hello", channel="EMAIL", template="hello")])


class Heard(MemoryStore):
    """Remembers what the transactions that write were opened for."""

    opened: list[tuple[object, object]]

    def transaction(self, *, write=True, tenant=None, due_at=None, leasing=False):
        """Open one."""
        if write:
            self.opened.append((tenant, "leasing" if leasing else due_at))
        return super().transaction(write=write, tenant=tenant, due_at=due_at, leasing=leasing)


@pytest.fixture
def store():
    """Return a store where two tenants have a journey."""
    store = Heard()
    store.opened = []
    for tenant in "tu":
        Engine(store).tenant(tenant).deploy(LETTER, at=NOW)
    store.opened.clear()
    return store


@contextmanager
def heard(store, *wanted):
    """Check what the transactions of the block are opened for."""
    store.opened.clear()
    yield
    assert store.opened == [*wanted]


def test_what_a_host_does_for_a_tenant_is_that_tenants(store):
    """Inputs, claims, releases, exports and forgetting concern one tenant."""
    engine = Engine(store).tenant("t")
    with heard(store, ("t", None)):
        engine.feed(Event("signup", customer="ann", at=NOW))
    Engine(store).tick(NOW)
    with heard(store, ("t", "leasing")):
        (message,) = engine.claim("w", at=NOW)
    with heard(store, ("t", None)):
        engine.release(message)
    with heard(store, ("t", None)):
        engine.submit_export(at=NOW)
    with heard(store, ("t", None)):
        engine.forget("ann", at=NOW, scrub=False)


def test_a_batch_is_a_tenants_if_all_its_inputs_are(store):
    """Otherwise it is everybody's."""
    engine = Engine(store)
    with heard(store, ("t", None)), engine.batch():
        engine.tenant("t").feed([Event("signup", customer=name, at=NOW) for name in ("ann", "bob")])
    with heard(store, (None, None)), engine.batch():
        for tenant in "tu":
            engine.tenant(tenant).feed(Event("signup", customer="ann", at=NOW))


def test_a_settle_is_the_tenants(store):
    """The commit of its inputs, and the work that follows."""
    engine = Engine(store).tenant("t")
    with heard(store, ("t", None), ("t", None)), engine.settle(NOW):
        engine.feed(Event("signup", customer="ann", at=NOW))


def test_a_tick_lets_the_store_choose(store):
    """It says as of when, and what the store shows it is what it does."""
    engine = Engine(store)
    engine.tenant("t").feed(Event("signup", customer="ann", at=NOW))
    with heard(store, (None, 1_767_571_200_000_000)):
        assert engine.tick(NOW).inputs == 1


def test_what_handlers_answered_is_their_tenants(store):
    """Messages are leased for all tenants at once, and the answers of each are stored apart."""
    engine = Engine(store, channels={"EMAIL": lambda _: None})
    for tenant in "tu":
        engine.tenant(tenant).feed([Event("signup", customer=name, at=NOW) for name in ("ann", "bob")])
    store.opened.clear()
    engine.tick(NOW)
    leases = [(None, "leasing")]
    assert store.opened[1:] == [*leases, ("t", None), *leases, ("t", None), ("u", None), *leases, ("u", None), *leases]
    engine.tick(NOW)
    assert {message.status for tenant in "tu" for message in engine.tenant(tenant).messages()} == {"SENT"}
    assert engine.audit() == []
