"""The suppression list: what comes again about a forgotten customer brings nobody back (R86)."""

from pathlib import Path

import pytest

from journeyflow import Chain, Engine, Event, MemoryStore, Reentry, Trigger, Update, Wait
from journeyflow.stores.sqlite import SQLiteStore
from tests.engine.test_housekeeping import letter
from tests.samples import START, STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store, with a welcome letter for those who sign up."""
    with open_engine(request.param, grace=None, max_jump=None) as engine:
        host = Host(engine)
        host.deploy(letter(), Wait("rest", "1 day"), reentry=Reentry.always())
        host.deploy(Update("bye", Chain.forget()), id="leaving", trigger=Trigger("leave"))
        yield host


def signs_up(host, customer="ann", when=START, id="go-1", **attributes):  # noqa: A002 the word of the event
    """Tell of somebody, as a webhook does."""
    put = {"email": f"{customer}@example.com", **attributes}
    host.engine.put_customer(customer, put, at=when)
    host.engine.feed(Event("go", customer=customer, at=when, id=id, data={"note": customer}))


def forget(host, how, customer="ann"):
    """Forget a customer by the call, or by a step, an hour after the start."""
    if how == "call":
        host.tick("1 hour")
        host.engine.forget(customer, at=after("1 hour"))
    else:
        host.say("leave", "1 hour", customer)


@pytest.mark.parametrize("how", ["call", "step"])
def test_a_webhook_that_is_delivered_again_brings_nobody_back(host, how):
    """The same put and event after `forget` have no effect, start nothing and leave nothing personal (R86)."""
    signs_up(host)
    forget(host, how)
    sent = len(host.engine.messages().items)
    signs_up(host)
    host.engine.feed(Event("go", customer="ann", at=START))  # without an id its instant says enough
    host.engine.enroll("j", "ann", at=START)
    host.tick("2 hours")
    assert host.outcomes()[-4:] == ["forgotten"] * 4
    assert host.engine.find_customer("ann") is None
    assert len(host.engine.messages().items) == sent
    assert host.rows("SELECT count(*) FROM inputs WHERE customer = 'ann' OR data IS NOT NULL OR id IS NOT NULL") == [
        (0,)
    ]
    assert host.engine.audit() == []


@pytest.mark.parametrize("how", ["call", "step"])
def test_an_event_that_came_before_is_known_by_its_id(host, how):
    """An event with a known id has no effect even if it comes with the instant of its second delivery (R26, R86)."""
    signs_up(host)
    forget(host, how)
    host.engine.feed(Event("go", customer="ann", at=after("2 hours"), id="go-1"))
    host.tick("2 hours")
    assert (host.outcomes()[-1], host.engine.find_customer("ann")) == ("forgotten", None)


@pytest.mark.parametrize("how", ["call", "step"])
def test_a_customer_who_comes_back_is_a_new_one(host, how):
    """What has a later instant, and another id, is about a new customer (R86)."""
    signs_up(host)
    forget(host, how)
    signs_up(host, when=after("2 hours"), id="go-2", email="new@example.com")
    host.tick("2 hours")
    assert host.outcomes()[-2:] == ["handled", "handled"]
    assert host.engine.customer("ann").attributes == {"email": "new@example.com"}
    host.say("go", "30 minutes", "ann")  # late, and about the one before
    assert host.outcomes()[-1] == "forgotten"
    host.engine.forget("ann", at=after("3 hours"))
    host.engine.put_customer("ann", {"n": 1}, at=after("2 hours 30 minutes"))
    host.tick("4 hours")
    assert host.outcomes()[-1] == "forgotten"
    assert host.engine.audit() == []


def test_others_and_other_tenants_are_not_concerned(host):
    """An entry is about one customer of one tenant, also where ids of events are the same (R86, R91)."""
    signs_up(host)
    forget(host, "call")
    other = host.engine.tenant("other")
    other.put_customer("ann", {"email": "ann@example.com"}, at=START)
    host.engine.feed(Event("go", customer="bob", at=START, id="go-1"))
    host.tick("2 hours")
    assert host.outcomes()[-2:] == ["handled", "handled"]
    assert other.customer("ann").attributes == {"email": "ann@example.com"}


def test_somebody_of_whom_only_the_inbox_knew_is_on_the_list_too(host):
    """Inputs that were never handled are forgotten, and known when they come again (R86)."""
    host.engine.feed(Event("go", customer="ann", at=after("2 hours"), id="go-1"))
    host.engine.forget("ann", at=after("1 hour"))
    host.engine.feed(Event("go", customer="ann", at=after("2 hours"), id="go-1"))
    host.tick("3 hours")
    assert host.outcomes() == ["forgotten", "forgotten"]
    assert host.engine.find_customer("ann") is None


@pytest.mark.parametrize(
    ("attributes", "consent"),
    [
        ({"email": " ANN@example.com"}, {"EMAIL": False}),
        ({"email": "ann@example.com", "consent": {"SMS": True}}, {"SMS": True, "EMAIL": False}),
        ({"email": "ann@example.com", "consent": {"EMAIL": True}}, {"EMAIL": True}),
        ({"phone": "+31 6 1", "email": "bob@example.com"}, {"SMS": False}),
        ({"email": "bob@example.com"}, None),
        ({"email": None, "phone": 7}, None),
    ],
)
def test_an_address_on_the_list_gets_no_messages_unless_consent_is_given_anew(host, attributes, consent):
    """A put with a listed address withdraws consent to its channel, and says so to journeys (R54, R86)."""
    signs_up(host, phone="+31 6 1")
    forget(host, "call")
    host.deploy(Wait("w", event="never"), id="watch", trigger=Trigger("field.changed"))
    host.engine.put_customer("bob", attributes, at=after("2 hours"))
    host.tick("2 hours")
    assert host.engine.customer("bob").attributes.get("consent") == consent
    assert host.outcomes()[-1] == "handled" or attributes == {"email": None, "phone": 7}
    host.engine.put_customer("bob", {"n": 1}, at=after("3 hours"))
    host.engine.put_customer("bob", attributes, at=after("3 hours"))
    host.tick("3 hours")
    assert host.engine.customer("bob").attributes.get("consent") == consent


def test_an_address_that_stays_takes_no_consent(host):
    """A customer who had the address before somebody with the same one was forgotten keeps the consent."""
    signs_up(host)
    host.engine.put_customer("bob", {"email": "ann@example.com", "consent": {"EMAIL": True}}, at=START)
    forget(host, "call")
    host.engine.put_customer("bob", {"email": "ANN@example.com", "n": 1}, at=after("2 hours"))
    host.tick("2 hours")
    assert host.engine.customer("bob").attributes["consent"] == {"EMAIL": True}


def test_an_address_by_an_event_and_a_channel_in_another_spelling(host):
    """R50, R86: `field.changed` brings an address as a put does; consent goes by the name that the Sends use."""
    host.deploy(letter(channel="Email"), id="other", trigger=Trigger("other"))
    signs_up(host)
    forget(host, "call")
    host.say("field.changed", "2 hours", "bob", field="email", new="ann@example.com")
    assert host.engine.customer("bob").attributes["consent"] == {"EMAIL": False, "Email": False}


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("store", STORES)
def test_nothing_depends_on_the_size_of_a_batch(store, size):
    """What a step forgets is on the list at once, for what stands after it in the same batch (R7)."""
    with open_engine(store, grace=None, batch_size=size) as engine:
        host = Host(engine)
        host.deploy(Update("bye", Chain.forget()), id="leaving", trigger=Trigger("leave"))
        signs_up(host)
        host.feed("leave", "1 hour", "ann")
        signs_up(host, when=after("2 hours"))
        engine.put_customer("bob", {"email": "ann@example.com"}, at=after("2 hours"))
        host.tick("3 hours")
        assert host.outcomes() == ["handled", "handled", "handled", "handled", "forgotten", "handled"]
        assert engine.customer("ann").attributes["consent"] == {"EMAIL": False}
        assert engine.customer("bob").attributes["consent"] == {"EMAIL": False}


def test_the_list_is_kept_by_prune_copies_and_vacuum(host):
    """Pruned history, and a copy of everything that is stored, leave the list as it is (R86)."""
    signs_up(host)
    forget(host, "call")
    host.engine.prune(after("9 days"))
    host.engine.vacuum()
    listed = host.rows("SELECT kind, before FROM suppressions_view ORDER BY kind")
    assert listed == [(kind, "2026-01-05T09:00:00.000001Z") for kind in ("address", "customer", "event")]
    signs_up(host)
    host.tick("9 days")
    assert host.outcomes()[-2:] == ["forgotten", "forgotten"]


def test_a_copy_of_a_store_knows_the_forgotten():
    """The list and its key are part of what is stored."""
    with Engine(store := MemoryStore(), grace=None) as engine:
        host = Host(engine)
        host.deploy(letter())
        signs_up(host)
        forget(host, "call")
        everything = store.snapshot()
    with Engine(SQLiteStore(":memory:"), grace=None) as engine:
        with engine.store.transaction() as transaction:
            transaction.commit(everything)
        host = Host(engine)
        signs_up(host)
        host.tick("2 hours")
        assert host.outcomes()[-2:] == ["forgotten", "forgotten"]


def test_a_file_holds_nothing_of_what_came_again(tmp_path):
    """The tick that drops the input also erases it from the medium; hashes of two files have nothing in common."""
    hashes = []
    for name in ("a.db", "b.db"):
        with Engine(tmp_path / name, grace=None) as engine:
            host = Host(engine)
            host.deploy(letter())
            signs_up(host, "zoe-z")
            forget(host, "call", "zoe-z")
            signs_up(host, "zoe-z")
            host.tick("2 hours")
            hashes.append({row[0] for row in host.rows("SELECT hash FROM suppressions")})
        content = b"".join(path.read_bytes() for path in Path(tmp_path).glob(f"{name}*"))
        assert b"zoe-z" not in content
        assert b"go-1" not in content
    assert len(hashes[0] | hashes[1]) == 6


def test_where_nobody_was_forgotten_nothing_is_asked(host, monkeypatch):
    """The list costs nothing before its first entry: no hash is made, no request names one (R86)."""
    monkeypatch.setattr("journeyflow.work.suppression.hashed", None)
    signs_up(host)
    host.tick("1 hour")
    assert host.outcomes() == ["handled", "handled"]
