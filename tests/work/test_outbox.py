"""Handing messages out: ids, leases, what is withheld and what is no longer to be sent (R70, R71)."""

import sqlite3
import threading
from contextlib import closing

import pytest

from journeyflow import Engine, InvalidInput, MemoryStore, Send, Trigger, Wait, Window
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, after, mail, open_engine


def enter(host, *customers):
    """Enter customers into the journey."""
    for customer in customers:
        host.feed("go", START, customer)
    host.tick()


# --- what a worker gets ---------------------------------------------------------------------------------------------


def test_a_claimed_message_has_all_a_worker_needs(host):
    """Id, customer, channel, template, data, at, attempts, status, and a lease with its token (R70, R71)."""
    host.deploy(mail(data={"code": 5}))
    enter(host, "c1")
    (message,) = host.engine.claim("w", at=after("1 minute"), lease="10 minutes")
    assert (message.id, message.tenant, message.journey, message.customer) == ("memory-1-1", "default", "j", "c1")
    assert (message.run, message.n, message.step) == (1, 1, "hello")
    assert (message.channel, message.template, message.data) == ("EMAIL", "hello", {"code": 5})
    assert (message.at, message.status, message.attempts) == (START, "CLAIMED", 1)
    assert message.lease_until == after("11 minutes")
    assert message.token == "w.1"  # noqa: S105 no secret: the worker and the attempt


def test_ids_are_made_of_nonce_serial_and_visit(host):
    """Message id "<database nonce>-<enrollment serial>-<n>", never reused (R70)."""
    host.deploy(Wait("rest", "1 hour"), mail("a"), mail("b"), reentry="always")
    enter(host, "c1", "c2")
    host.feed("go", "2 hours", "c1")
    host.tick("1 day")
    ids = [message.id for message in host.claim("1 day")]
    assert ids == ["memory-1-2", "memory-1-3", "memory-2-2", "memory-2-3", "memory-3-2", "memory-3-3"]


def test_the_nonce_is_drawn_once_for_a_file(tmp_path):
    """The nonce is drawn once at creation of the file (R70)."""
    ids = set()
    for name in ("a.db", "b.db"):
        for _ in range(2):
            with Engine(tmp_path / name, grace=None) as engine:
                host = Host(engine)
                host.deploy(mail())
                enter(host, "c1")
                ids |= {message.id.partition("-")[0] for message in engine.messages().items}
    assert len(ids) == 2


def test_messages_keep_the_nonce_they_were_made_under(host):
    """After `renew_nonce()` new messages have the new nonce, those before their own, in every place (R70)."""
    host.deploy(mail("a"), Wait("rest", "1 day"), mail("b", data={"after": "{{ message.a.id }}"}))
    enter(host, "c1", "c2")
    (given, waits) = host.claim("1 hour")
    assert host.engine.renew_nonce("later") == "later"
    host.engine.ack(given, at=after("2 hours"))
    host.feed("message.opened", "2 hours", "c2", message=waits.id)
    host.feed("message.opened", "2 hours", "c2", message="later-2-1")  # it was made under the first nonce
    host.engine.ack("later-2-1", at=after("2 hours"))
    result = host.tick("2 days")
    assert result.unmatched == 2
    found = host.engine.messages().items
    assert [each.id for each in found] == ["memory-1-1", "later-1-3", "memory-2-1", "later-2-3"]
    assert [each.data.get("after") for each in found] == [None, "memory-1-1", None, "memory-2-1"]
    assert [sorted(each.engagement) for each in found] == [["sent"], [], ["opened"], []]
    assert [host.engine.message(each.id) for each in found] == [*found]
    assert host.engine.find_message("later-2-1") is None
    told = [each["id"] for each in host.engine.export_customer("c1")["messages"]]
    assert told == ["memory-1-1", "later-1-3"]
    assert {each for each in told if each in repr(host.engine.timeline("c1").moments)} == {*told}
    assert host.engine.audit() == []


def test_a_nonce_is_never_used_again(host):
    """An id is never reused: a nonce that messages may have is refused, and so is what is none (R70)."""
    host.engine.renew_nonce("second")
    for nonce in ("memory", "second"):
        with pytest.raises(InvalidInput, match=f"'{nonce}' was used before"):
            host.engine.renew_nonce(nonce)
    for none in ("", 7, "x" * 201):
        with pytest.raises(InvalidInput, match="nonce: "):
            host.engine.renew_nonce(none)
    assert host.engine.renew_nonce() not in {host.engine.renew_nonce(), "memory", "second"}


def test_after_a_restored_backup_no_id_is_given_again(tmp_path):
    """Restore, renew, tick: what the lost future gave out is nobody's now, and nothing of it comes again (R70)."""
    path, kept = tmp_path / "run.db", tmp_path / "backup.db"
    with Engine(SQLiteStore(path, nonce="one"), grace=None) as engine:
        host = Host(engine)
        host.deploy(mail("a"), Wait("rest", "1 day"), mail("b"))
        enter(host, "c1")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(kept),))
        enter(host, "c2")
        host.tick("2 days")
        lost = {message.id for message in engine.messages().items}
    with Engine(kept) as engine:
        host = Host(engine)
        before = {message.id for message in engine.messages().items}
        nonce = engine.renew_nonce()
        enter(host, "c3", "c2")
        host.tick("2 days")
        made = {message.id for message in engine.messages().items} - before
        assert before == {"one-1-1"}
        assert made == {f"{nonce}-1-3", f"{nonce}-2-1", f"{nonce}-2-3", f"{nonce}-3-1", f"{nonce}-3-3"}
        assert not made & lost
        for name in sorted(lost - before):  # what providers still tell of messages that are no more
            engine.ack(name, at=after("3 days"))
        assert host.tick("3 days").unmatched == len(lost - before)
        assert {message.status for message in engine.messages().items} == {"QUEUED"}


def test_an_engine_that_stays_open_hears_of_a_renewed_nonce(tmp_path):
    """R70, R72: the catalog of other engines on the file is read again."""
    with Engine(SQLiteStore(tmp_path / "run.db", nonce="one"), grace=None) as engine:
        host = Host(engine)
        host.deploy(mail("a"))
        with Engine(tmp_path / "run.db") as other:
            other.renew_nonce("two")
        enter(host, "c1")
        assert [message.id for message in engine.messages().items] == ["two-1-1"]


def test_the_oldest_message_goes_first(host):
    """Oldest first, by instant, serial, n (R71)."""
    host.deploy(mail("a"), mail("b", window=Window("MON-SUN", "08:30", "09:00")), mail("c"))
    enter(host, "c1", "c2")
    host.tick("1 hour")
    assert [(m.step, m.customer) for m in host.claim("1 hour")] == [
        ("a", "c1"),
        ("a", "c2"),
        ("b", "c1"),
        ("c", "c1"),
        ("b", "c2"),
        ("c", "c2"),
    ]


def test_a_message_is_leased_to_one_worker(host):
    """Never the same message inside a lease (R71, R72)."""
    host.deploy(mail())
    enter(host, "c1")
    assert len(host.engine.claim("one", at=START)) == 1
    assert host.engine.claim("two", at=START) == ()
    assert host.engine.claim("two", at=after("4 minutes 59 seconds")) == ()


def test_limits_and_channels_are_kept(host):
    """limit= at most so many, channels= those only, one or many (R71)."""
    host.deploy(mail(), Send("sms", channel="SMS", template="t"), Send("push", channel="PUSH", template="t"))
    enter(host, "c1", "c2")
    assert [message.step for message in host.claim(channels="SMS", limit=1)] == ["sms"]
    assert [message.step for message in host.claim(channels=["SMS", "PUSH"])] == ["push", "sms", "push"]
    assert [message.step for message in host.claim(channels=["FAX"])] == []
    assert [message.step for message in host.claim(limit=1)] == ["hello"]
    assert [message.step for message in host.claim()] == ["hello"]


def test_nothing_is_handed_out_before_its_instant(host):
    """A message made later is not there yet for an earlier claim (R71)."""
    host.deploy(Wait("rest", "1 hour"), mail())
    enter(host, "c1")
    host.tick("1 hour")
    assert host.claim("59 minutes") == ()
    assert len(host.claim("1 hour")) == 1


@pytest.mark.parametrize("limit", [0, -1, "10", 2.5, True])
def test_a_limit_that_is_none_is_refused(host, limit):
    """A limit is 1 or more, on every store."""
    host.deploy(mail())
    enter(host, "c1")
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        host.claim(limit=limit)


def test_a_worker_has_a_name_and_a_lease_leads_forward(host):
    """The worker's name is part of the token; a lease of no length leases nothing."""
    with pytest.raises(InvalidInput, match="worker: must not be empty"):
        host.engine.claim("", at=START)
    with pytest.raises(ValueError, match="lease must lead forward"):
        host.engine.claim("w", at=START, lease="0 minutes")


# --- asked again ----------------------------------------------------------------------------------------------------


def test_consent_is_asked_again(host):
    """Claim asks consent again: SUPPRESSED, unless transactional (R71)."""
    host.deploy(mail(), mail("receipt", transactional=True))
    enter(host, "c1")
    host.put("1 hour", consent={"EMAIL": False})
    host.tick("1 hour")
    assert [message.step for message in host.claim("1 hour")] == ["receipt"]
    assert host.messages() == ["hello SUPPRESSED", "receipt CLAIMED"]


def test_required_consent_is_asked_again(host):
    """Also where the journey requires it (R54, R71)."""
    host.put(START, consent={"EMAIL": True})
    host.deploy(mail(), consent="required")
    enter(host, "c1")
    host.put("1 hour", consent={"EMAIL": None})
    host.tick("1 hour")
    assert host.claim("1 hour") == ()
    assert host.messages() == ["hello SUPPRESSED"]


@pytest.mark.parametrize(("when", "status"), [("59 minutes", "CLAIMED"), ("1 hour", "EXPIRED")])
def test_what_has_expired_is_not_sent(host, when, status):
    """Claim asks `expires` again (R71)."""
    host.deploy(mail(expires="1 hour"))
    enter(host, "c1")
    host.claim(when)
    assert host.messages() == [f"hello {status}"]


def test_what_expires_is_asked_at_each_attempt(host):
    """Also after a nack (R71)."""
    host.deploy(mail(expires="1 hour"))
    enter(host, "c1")
    host.engine.nack(host.claim("30 minutes"), at=after("59 minutes"))
    host.tick("59 minutes")
    assert host.claim("2 hours") == ()
    assert host.messages() == ["hello EXPIRED"]


@pytest.mark.parametrize(("cancel", "status"), [(True, "CANCELLED"), (False, "CLAIMED")])
def test_messages_of_exited_runs_are_cancelled(host, cancel, status):
    """Cancels those whose run was exited, unless cancel_on_exit=False (R71)."""
    host.deploy(mail(cancel_on_exit=cancel), Wait("rest", "9 days"))
    enter(host, "c1")
    host.engine.exit("j", "c1", at=after("1 hour"))
    host.tick("1 hour")
    host.claim("1 hour")
    assert host.messages() == [f"hello {status}"]


def test_messages_are_cancelled_also_after_an_expired_lease(host):
    """Also after a nack or an expired lease (R71)."""
    host.deploy(mail(), Wait("rest", "9 days"))
    enter(host, "c1", "c2")
    first, _ = host.claim()
    host.engine.nack(first, at=after("1 minute"))
    host.engine.exit("j", ["c1", "c2"], at=after("1 hour"))
    host.tick("1 hour")
    assert host.claim("2 hours") == ()
    assert host.messages() == ["hello CANCELLED", "hello CANCELLED"]


def test_messages_of_completed_runs_are_sent(host):
    """A run that has completed cancels nothing (R71)."""
    host.deploy(mail())
    enter(host, "c1")
    assert host.status() == ("COMPLETED", "")
    assert len(host.claim("1 day")) == 1


def test_a_claim_goes_on_past_what_is_not_to_be_sent(host):
    """What is put aside takes no place of the limit: an empty answer means that nothing is left (R71)."""
    host.deploy(mail(), Wait("rest", "9 days"))
    enter(host, *(f"c{n}" for n in range(6)))
    host.engine.exit("j", [f"c{n}" for n in range(5)], at=after("1 hour"))
    host.tick("1 hour")
    assert [message.customer for message in host.claim("1 hour", limit=2)] == ["c5"]
    assert host.messages() == ["hello CANCELLED"] * 5 + ["hello CLAIMED"]


def test_push_goes_on_past_what_is_not_to_be_sent():
    """The same for handlers: one tick hands out all there is (R71)."""
    got = []
    host = Host(Engine(MemoryStore(), batch_size=2, channels={"EMAIL": lambda message: got.append(message.customer)}))
    host.deploy(mail(), Wait("rest", "9 days"))
    for n in range(5):
        host.feed("go", START, f"c{n}")
    host.engine.exit("j", [f"c{n}" for n in range(5)], at=after("1 hour"))
    host.feed("go", "2 hours", "late")
    assert host.tick("3 hours").delivered == 1
    assert got == ["late"]


# --- withheld -------------------------------------------------------------------------------------------------------


def test_messages_of_a_customer_with_an_unhandled_input_are_withheld(host):
    """Withholds messages of customers with an unhandled input at or before its `at` (R71)."""
    host.deploy(mail())
    enter(host, "c1", "c2")
    host.put("1 hour", consent={"EMAIL": False})
    assert [message.customer for message in host.claim("1 hour")] == ["c2"]
    host.tick("1 hour")
    assert host.claim("1 hour") == ()
    assert host.messages() == ["hello SUPPRESSED", "hello CLAIMED"]


def test_inputs_of_the_future_withhold_nothing(host):
    """At or before its `at` (R71)."""
    host.deploy(mail())
    enter(host, "c1")
    host.put("2 hours", consent={"EMAIL": False})
    assert len(host.claim("1 hour")) == 1


def test_the_inputs_of_another_tenants_customer_withhold_nothing(host):
    """Tenants never see each other (R91)."""
    host.deploy(mail())
    enter(host, "c1")
    host.engine.tenant("other").put_customer("c1", {}, at=START)
    assert len(host.claim()) == 1


def test_a_paused_journey_gives_nothing_and_the_others_do(host):
    """Nothing of a PAUSED journey (R16, R71)."""
    host.deploy(mail())
    host.deploy(mail("other"), id="k")
    enter(host, "c1")
    host.engine.pause("j", at=START)
    assert [message.step for message in host.claim("1 day")] == ["other"]


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [*STORES, "file"])
def test_threads_never_claim_the_same_message(store, tmp_path):
    """Threads on one engine never claim the same message inside a lease, nor move a run twice (R72)."""
    with open_engine(str(tmp_path / "t.db") if store == "file" else store, grace=None) as engine:
        host = Host(engine)
        host.deploy(mail(), Wait("rest", "1 hour"), mail("second"))
        with engine.batch():
            for n in range(60):
                host.feed("go", START, f"c{n}")
        claimed, errors = list[str](), list[Exception]()

        def work(name):
            try:
                for minute in range(0, 90, 10):
                    engine.tick(after(f"{minute} minutes"))
                    claimed.extend(
                        message.id
                        for message in engine.claim(name, at=after(f"{minute} minutes"), limit=7, lease="1 day")
                    )
            except Exception as error:  # noqa: BLE001 told below
                errors.append(error)

        threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        claimed += [message.id for message in engine.claim("last", at=after("90 minutes"), limit=1_000, lease="1 day")]
        assert errors == []
        assert len(claimed) == len(set(claimed)) == 120
        assert engine.audit() == []


def test_two_engines_on_one_file_share_the_work(tmp_path):
    """Two processes' engines on one database: the catalog of the one is seen by the other (R72)."""
    with Engine(tmp_path / "two.db", grace=None) as one, Engine(tmp_path / "two.db") as two:
        Host(one).deploy(mail())
        Host(two).say("go")
        Host(one).deploy(mail("newer"), when="1 hour", trigger=Trigger("go"), reentry="always")
        Host(two).say("go", "1 hour")
        assert [message.step for message in one.claim("w", at=after("1 hour"))] == ["hello", "newer"]
        assert two.claim("w", at=after("1 hour")) == ()
