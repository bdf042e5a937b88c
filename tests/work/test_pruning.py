"""Finished history becomes opening balances (R86)."""

from pathlib import Path
from typing import Any

import pytest

from journeyflow import (
    Cap,
    Chain,
    End,
    Engine,
    Event,
    Goal,
    InvalidInput,
    NotFound,
    Policies,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    field,
)
from journeyflow.answers import PruneResult
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing.running import DUMPED
from tests.samples import START, STORES, Host, after, open_engine

YEAR = after("366 days")
ENGINE: dict[str, Any] = {"grace": None, "max_jump": None}
DELIVERED = {"opened": "2 hours", "clicked": "3 hours", "unsubscribed": "4 hours"}


def mail(step="hello", **options):
    """Write a Send."""
    return Send(step, **{"channel": "EMAIL", "template": step, "data": {"to": "{{ email }}"}, **options})


def deliver(host, when, **options):
    """Claim and acknowledge everything, and tell of it."""
    claimed = host.claim(when, **options)
    host.engine.ack(claimed, at=after(when))
    host.tick(when)
    return claimed


def dump(host):
    """Give everything that is kept, table by table."""
    return {name: host.rows(sql) for name, sql in DUMPED.items()}


def count(host, table):
    """Count the rows of a table."""
    return host.rows(f"SELECT count(*) FROM {table}")[0][0]


def lively(host, people=6):
    """Let people come, split, open, click, buy, come again and leave."""
    host.deploy(
        Split("which", arm(50, [mail("a")]), arm(50, [mail("b")]), next="rest"),
        Wait("rest", "1 day"),
        End("done"),
        reentry=Reentry.after("10 days"),
        goal=Goal("order", within="20 days"),
        holdout=10,
    )
    names = [f"c{number}" for number in range(people)]
    for day in (0, 12, 24):
        for name in names:
            host.put(after(f"{day} days"), name, email=f"{name}@example.com")
            host.feed("go", f"{day} days", name, n=day)
        host.tick(f"{day} days")
        for number, message in enumerate(deliver(host, f"{day} days 1 hour")):
            for kind, length in list(DELIVERED.items())[: number % 4]:
                for _ in range(2):
                    told = {"message": message.id, "x": kind}
                    host.feed(f"message.{kind}", f"{day} days {length}", message.customer, **told)
            if number % 2:
                host.feed("revenue", f"{day} days 5 hours", message.customer, amount=100 + number)
                host.feed("revenue", f"{day} days 5 hours", message.customer, amount=7, message=message.id)
                host.feed("order", f"{day} days 6 hours", message.customer)
        host.tick(f"{day + 11} days")


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 1_000])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.unmeasured
def test_statistics_and_results_stay_what_they_were(store, size):
    """Totals, days, domains, steps, benchmark and experiments do not move, and the audit adds up (R80, R81, R86)."""
    with open_engine(store, batch_size=size, **ENGINE) as engine:
        host = Host(engine)
        lively(host)

        def numbers():
            asked: dict[str, Any] = {"at": after("40 days"), "since": "2025-12-31"}
            return (
                engine.stats("j", **asked),
                engine.domain_stats("j", **asked),
                engine.benchmark(**asked),
                engine.results("j"),
                engine.journeys(),
                host.rows("SELECT * FROM counters ORDER BY 1, 2, 3, 4, 5, 6"),
                host.rows("SELECT * FROM journeys_view"),
            )

        before = numbers()
        would = engine.prune(YEAR, dry_run=True)
        assert engine.prune(YEAR) == PruneResult(**{**vars_of(would), "dry_run": False})
        assert (would.enrollments, would.emptied, would.moves, would.messages) == (3, 12, 30, 12)
        assert numbers() == before
        assert engine.audit() == []
        assert [count(host, table) for table in ("moves", "messages", "inputs")] == [0, 0, 0]
        assert engine.prune(YEAR) == PruneResult()
        assert numbers() == before


def vars_of(result):
    """Give the fields of a result."""
    return {name: getattr(result, name) for name in ("enrollments", "emptied", "moves", "messages", "inputs")}


def test_new_history_adds_to_the_balances(host):
    """What comes after is counted on; pruned again it adds to the balances (R80)."""
    lively(host)
    host.engine.prune(after("20 days"))
    assert host.engine.audit() == []
    host.feed("go", "50 days", "new", n=50)
    host.tick("52 days")
    deliver(host, "52 days")
    assert host.engine.stats("j", at=after("60 days")).people.total == 16
    assert host.engine.audit() == []
    host.engine.prune(YEAR)
    assert host.engine.audit() == []


def test_a_lost_balance_is_found(host):
    """The audit counts the openings too: one that is gone is a miscount, as is a history that is gone without (R80)."""
    lively(host)
    host.engine.prune(YEAR)
    kept = host.engine.store
    if isinstance(kept, SQLiteStore):
        assert kept.connection is not None
        kept.connection.execute("DELETE FROM openings WHERE what = 'message.opened' AND day = '*'")
        assert any("'message.opened'" in fault for fault in host.engine.audit())


def test_what_is_told_twice_of_sending_is_counted_twice(host):
    """A host that feeds message.sent beside the ack has told it twice; both are in the balances (R52)."""
    host.deploy(mail(), End("done"))
    for first in ("ack", "event"):
        host.feed("go", START, first)
    host.tick()
    for message in host.claim():
        told = [
            lambda at, message=message: host.engine.ack(message, at=at),
            lambda at, message=message: host.feed("message.sent", at, message.customer, message=message.id),
        ]
        for n, tell in enumerate(told if message.customer == "ack" else told[::-1]):
            tell(after(f"{n + 1} hours"))
    host.tick("1 day")
    assert host.engine.stats("j", at=YEAR).messages.sent.total == 4
    host.engine.prune(YEAR)
    assert count(host, "messages") == 0
    assert host.engine.audit() == []


# --- what stays, because something may still be asked of it -----------------------------------------------------------


@pytest.mark.parametrize(
    ("reentry", "entered"),
    [
        (Reentry.never(), 1),
        (Reentry.always(), 3),
        (Reentry.after("20 days"), 2),
        (Reentry.restart(), 3),
    ],
)
def test_who_may_come_again_is_known(host, reentry, entered):
    """Re-entry decides as without pruning, and run numbers go on (R22)."""
    host.deploy(End("done"), reentry=reentry)
    for day in (0, 10, 21):
        host.say("go", f"{day} days")
        host.engine.prune(after(f"{day} days 1 hour"))
    assert host.engine.enrollment("j", "c1").run == entered
    assert host.engine.stats("j", at=YEAR).people.total == entered
    assert host.engine.stats("j", at=YEAR).people.lifetime == 1
    assert host.engine.audit() == []


def test_every_key_keeps_its_newest_run(host):
    """Parallel runs: under each key the newest stays, and the first of all (R22)."""
    host.deploy(End("done"), reentry=Reentry.always(key="event.cart"))
    for cart in ("x", "y", "x", "y", "x"):
        host.say("go", START, cart=cart)
    result = host.engine.prune(after("1 hour"))
    assert (result.enrollments, result.emptied) == (2, 3)
    assert host.rows("SELECT run, key FROM enrollments ORDER BY run") == [(1, "x"), (4, "y"), (5, "x")]
    assert host.engine.audit() == []


def test_a_goal_is_reached_after_pruning(host):
    """A late order still converts: the bare row remembers what the goal asks for, and the arm it took (R25, R42)."""
    host.deploy(
        Split("which", arm(100, [Wait("reply", event="said", timeout="1 day")], "only")),
        End("done"),
        goal=Goal("order", where=field("event.n").eq(field("trigger.n")) & field("wait.reply.word").eq("yes")),
    )
    host.feed("go", START, n=7)
    host.feed("said", "1 hour", word="yes")
    host.tick("2 days")
    assert host.engine.prune(after("3 days")).emptied == 1
    host.say("order", "100 days", n=7)
    assert host.engine.enrollment("j", "c1").converted_at == after("100 days")
    (only,) = host.engine.results("j").splits["which"].arms
    assert (only.label, only.n, only.converted) == ("only", 1, 1)
    assert host.engine.prune(YEAR).emptied == 1
    assert host.rows("SELECT trigger_data, memory FROM enrollments") == [(None, None)]
    assert host.engine.audit() == []


def test_a_goal_that_asks_about_messages_keeps_them(host):
    """As long as it may be reached the run stays whole (R59)."""
    host.deploy(mail(), End("done"), goal=Goal("order", where=field("message.hello.opened").eq(True)))
    host.say("go", START)
    (message,) = deliver(host, "1 hour")
    host.say("message.opened", "2 hours", "c1", message=message.id)
    assert vars_of(host.engine.prune(YEAR)) == {**dict.fromkeys(vars_of(PruneResult()), 0), "inputs": 1}
    host.say("order", "400 days")
    assert host.engine.prune(after("500 days")).messages == 1
    assert host.engine.audit() == []


def test_what_failed_may_be_put_back(host):
    """A FAILED run that is the newest stays whole; one whose message was given up can never come back (R43)."""
    host.deploy(Wait("rest", "1 hour"), Wait("more", "1 hour", next="rest"), id="loop", max_visits=4)
    host.deploy(mail(on_failure="fail"), Wait("rest", "90 days"), id="j")
    host.say("go", START)
    for attempt in range(5):
        (message,) = host.claim(f"{attempt + 1} days")
        host.engine.nack(message, at=after(f"{attempt + 1} days"))
        host.tick(f"{attempt + 1} days")
    assert (host.status(journey="loop")[0], host.status()) == ("FAILED", ("FAILED", "message given up"))
    assert host.engine.prune(YEAR).emptied == 1
    assert host.path(journey="loop")
    host.engine.retry(("loop", "c1"), at=YEAR)
    assert host.tick(YEAR).moves == 2
    assert host.engine.audit() == []


def test_messages_that_are_on_their_way_stay(host):
    """Queued, claimed, or with an answer or an event in the inbox: the run stays whole (R71)."""
    host.deploy(mail(cancel_on_exit=False), End("done"))
    for customer in ("queued", "claimed", "acked", "opened", "over"):
        host.feed("go", START, customer)
        host.tick()
    messages = {message.customer: message for message in host.engine.messages().items}
    for customer in ("opened", "over", "acked"):
        host.engine.ack(messages[customer].id, at=START)
    host.tick("1 hour")
    host.feed("message.opened", "2 years", "opened", message=messages["opened"].id)
    host.engine.ack(messages["acked"].id, at=after("2 years"))
    host.feed("message.opened", "2 hours", "over", note="of no message of ours")
    host.tick("2 hours")
    assert vars_of(host.engine.prune(YEAR)) == {"enrollments": 0, "emptied": 1, "moves": 1, "messages": 1, "inputs": 7}
    (claimed,) = [each for each in host.claim("370 days", lease="10 days") if each.customer == "claimed"]
    assert claimed.customer == "claimed"
    assert host.engine.prune(after("380 days")).emptied == 0
    host.tick("3 years")
    assert host.outcomes()[-2:] == ["handled", "duplicate"]
    assert host.engine.audit() == []


@pytest.mark.parametrize("message", ["k--2", "k-1-", "--", "k", "k-\u00b2-2"])
def test_an_answer_that_waits_may_name_what_is_no_message(host, message):
    """It holds nothing back, and does not hinder (R71, R86)."""
    host.deploy(mail())
    host.say("go")
    deliver(host, "1 hour")
    host.engine.ack(message, at=after("400 days"))
    assert host.engine.prune(YEAR).messages == 1
    host.tick("400 days")
    assert host.outcomes()[-1] == "unmatched"


def test_revenue_finds_the_click_before_the_prune(host):
    """What was clicked in the week before may still be paid for (R83)."""
    host.deploy(mail(), End("done"))
    host.say("go", START)
    (message,) = deliver(host, "1 hour")
    host.say("message.clicked", "10 days", message=message.id)
    assert host.engine.prune(after("16 days")).messages == 0
    host.say("revenue", "16 days 1 hour", amount=500)
    assert host.engine.stats("j", at=YEAR).messages.revenue == 500
    assert host.engine.prune(after("18 days")).messages == 1
    assert host.engine.stats("j", at=YEAR).messages.revenue == 500
    assert host.engine.audit() == []


def test_caps_count_what_was_sent_before_the_prune(host):
    """As far back as a cap of the tenant looks messages stay (R31)."""
    host.engine.set_policies(Policies(caps=[Cap(1, within="30 days")]), at=START)
    host.deploy(mail(), End("done"), reentry=Reentry.always())
    for day in (0, 25, 35):
        host.say("go", f"{day} days")
        deliver(host, f"{day} days")
        host.engine.prune(after(f"{day} days 1 hour"))
    assert host.engine.stats("j", at=after("36 days"), since="2026-01-01").by_step["hello"].outcomes == {
        "cap": 1,
        "queued": 2,
    }
    assert host.engine.audit() == []


def test_ids_of_events_are_known_as_long_as_before(host):
    """An event with an id stays until de-duplication has forgotten it; one without goes (R26)."""
    for day, name in ((0, "old"), (300, "young")):
        host.engine.feed(Event("x", customer="c1", at=after(f"{day} days"), id=name))
    host.feed("x", "300 days")
    host.engine.feed(Event("x", customer="c1", at=after("300 days"), id="young"))
    host.tick("300 days")
    assert host.engine.prune(YEAR).inputs == 3
    for name in ("old", "young"):
        host.engine.feed(Event("x", customer="c1", at=YEAR, id=name))
    host.tick(YEAR)
    assert host.outcomes() == ["handled", "handled", "duplicate"]


def test_an_id_outlives_the_message_that_it_is_about(host):
    """What is known stays, though its message is gone and what it told is in the balances (R26, R80)."""
    host.deploy(mail(), End("done"))
    host.say("go", START)
    (message,) = deliver(host, "1 hour")
    opened = Event("message.opened", customer="c1", at=after("2 hours"), id="one", data={"message": message.id})
    host.engine.feed(opened)
    host.tick("2 hours")
    assert vars_of(host.engine.prune(after("30 days"))) == {
        "enrollments": 0,
        "emptied": 1,
        "moves": 1,
        "messages": 1,
        "inputs": 2,
    }
    assert host.engine.audit() == []
    host.engine.feed(opened)
    host.tick("31 days")
    assert host.outcomes() == ["handled", "duplicate"]
    assert host.engine.prune(YEAR).inputs == 2
    assert host.engine.stats("j", at=YEAR).messages.opened.total == 1
    assert host.engine.audit() == []


def test_what_is_told_of_a_message_that_is_gone_is_unmatched(host):
    """As after a purge: it is listed, and goes through no stage (R15, R52)."""
    host.deploy(mail(), End("done"))
    host.say("go", START)
    (message,) = deliver(host, "1 hour")
    host.engine.prune(YEAR)
    host.feed("message.opened", YEAR, message=message.id)
    host.engine.ack(message.id, at=YEAR)
    assert host.tick(YEAR).unmatched == 2
    assert [told.type for told in host.engine.unmatched().items] == ["message.opened", "ack"]
    assert host.engine.audit() == []


def test_the_forgotten_are_pruned_too(host):
    """Rows of nobody go as others do, and sums stay (R86)."""
    lively(host, 3)
    host.deploy(Update("bye", Chain.forget()), id="bye", trigger=Trigger("leave"))
    host.feed("leave", "36 days", "c1")
    host.tick("36 days")
    host.engine.forget("c2", at=after("37 days"))
    kept = host.engine.journeys()
    host.engine.prune(YEAR)
    assert host.engine.journeys() == kept
    assert host.engine.audit() == []
    host.engine.forget("c0", at=after("38 days"))
    host.engine.prune(YEAR)
    assert host.engine.results("j").let_in.n == 2
    assert host.engine.audit() == []


# --- how it is done ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
@pytest.mark.unmeasured
def test_what_was_cut_short_goes_on(store):
    """Killed after any batch and begun again, it comes to the same (R86)."""
    dumps = []
    for steps in (1, 4, 9, 10_000):
        with open_engine(store, batch_size=3, **ENGINE) as engine:
            host = Host(engine)
            lively(host)
            left = [steps]

            def stop(done, of, left=left):
                assert 0 <= done <= of
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt

            try:
                engine.prune(YEAR, progress=stop)
            except KeyboardInterrupt:
                assert engine.audit() == []
                engine.prune(YEAR)
            dumps.append(dump(host))
    assert all(each == dumps[0] for each in dumps)


def test_one_journey_or_one_tenant(host):
    """Others are left alone; of one journey what was told goes only with its messages (R91)."""
    for id_ in ("j", "k"):
        host.deploy(mail(), End("done"), id=id_)
    other = Host(host.engine.tenant("other"))
    other.deploy(mail(), End("done"))
    for each in (host, other):
        each.say("go", START)
        each.engine.ack(each.claim("1 hour"), at=after("1 hour"))
        each.tick("1 hour")
    assert vars_of(host.engine.prune(YEAR, journey="j")) == {
        "enrollments": 0,
        "emptied": 1,
        "moves": 1,
        "messages": 1,
        "inputs": 1,
    }
    assert vars_of(host.engine.prune(YEAR))["emptied"] == 1
    assert count(host, "messages") == 1
    assert vars_of(host.engine.prune(YEAR, all_tenants=True)) == {
        "enrollments": 0,
        "emptied": 1,
        "moves": 1,
        "messages": 1,
        "inputs": 2,
    }
    assert count(host, "inputs") == 0
    assert host.engine.audit() == []
    with pytest.raises(NotFound, match="no journey 'x'"):
        host.engine.prune(YEAR, journey="x")
    with pytest.raises(InvalidInput, match="leave out all_tenants or journey"):
        host.engine.prune(YEAR, journey="j", all_tenants=True)


def test_active_runs_and_what_waits_are_left_alone(host):
    """Nothing of somebody who is inside goes but what was told long ago; nothing in the future (R86)."""
    host.deploy(mail(), Wait("rest", "9 years"), End("done"))
    host.say("go", START)
    host.feed("said", "500 days")
    before = dump(host)
    assert vars_of(host.engine.prune(YEAR)) == {**dict.fromkeys(vars_of(PruneResult()), 0), "inputs": 1}
    assert {**dump(host), "inputs": []} == {**before, "inputs": []}
    assert host.outcomes() == [None]


def test_numbers_are_never_given_again(host):
    """New inputs and runs get numbers that nobody had (R90)."""
    host.deploy(End("done"), reentry=Reentry.always())
    for hour in range(3):
        host.say("go", f"{hour} hours")
    host.engine.prune(YEAR)
    host.say("go", YEAR)
    assert host.rows("SELECT seq FROM inputs") == [(4,)]
    assert host.rows("SELECT serial, run FROM enrollments ORDER BY 1") == [(1, 1), (3, 3), (4, 4)]
    host.engine.archive("j", at=YEAR)
    host.engine.purge("j")
    assert [count(host, table) for table in ("openings", "arms", "counters")] == [0, 0, 0]
    assert host.engine.audit() == []


# --- what questions say -----------------------------------------------------------------------------------------------


def test_questions_say_that_history_was_pruned(host):
    """Rows that stay are told without visits, and why; a run that is gone is not found (R84, R85)."""
    host.deploy(mail(), Wait("rest", "1 day"), End("done"), reentry=Reentry.always())
    for day in (0, 10, 20):
        host.say("go", f"{day} days")
        deliver(host, f"{day} days")
        host.tick(f"{day + 5} days")
    engine = host.engine
    engine.prune(YEAR)
    assert str(engine.explain("j", "c1")).splitlines() == [
        "c1 in j version 1, run 3: COMPLETED",
        "  entered 2026-01-25 08:00:00",
        "  its visits were pruned; their sums are in the statistics",
    ]
    with pytest.raises(NotFound):
        engine.explain("j", "c1", run=2)
    then = engine.at("j", "c1", instant=after("20 days 1 hour"))
    assert (then.run, then.status, then.step, then.visits) == (3, "ACTIVE", None, ())
    assert [moment.text for moment in engine.timeline("c1").moments] == [
        "enters, version 1",
        "COMPLETED; the visits were pruned",
    ] * 2
    assert [each["visits"] for each in engine.export_customer("c1")["enrollments"]] == [[], []]
    assert engine.people("j", "rest").total == 0
    assert {row[:2] for row in host.rows("SELECT * FROM openings_view")} == {("default", "j")}


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.unmeasured
def test_the_space_comes_back(tmp_path: Path) -> None:
    """After vacuum the file holds what is left (R86)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="n"), **ENGINE) as engine:
        host = Host(engine)
        lively(host, 200)
        engine.vacuum()
        size = path.stat().st_size
        engine.prune(YEAR)
        engine.vacuum()
        assert path.stat().st_size < size * 0.6
        assert engine.audit() == []
