"""Goals and exits: how runs end from outside (R42)."""

import pytest

from journeyflow import (
    Cap,
    Exit,
    Goal,
    Policies,
    Update,
    Wait,
    field,
    tag,
)
from tests.samples import START, after, mail
from tests.work.test_stages import REST, converted


def test_within_one_batch_a_run_follows_the_one_before_it(host):
    """R7, R42: one event converts the newest run, also where the same batch has let the customer in twice."""
    host.deploy(mail(), goal=Goal("order"), reentry="always")
    host.feed("go")
    host.feed("go", "1 hour")
    host.feed("order", "2 hours")
    host.tick("2 hours")
    assert (converted(host, run=1), converted(host, run=2)) == (None, after("2 hours"))


def test_within_one_batch_runs_hear_an_event_by_serial(host):
    """R7, R9: whoever came in first goes on first, also where the same batch has let the customer in."""
    host.engine.set_policies(Policies(caps=[Cap(1, per="day")]), at=START)
    for name in ("a", "b"):
        host.deploy(Wait("paid", event="order"), mail(), id=name)
    host.feed("go")
    host.feed("order", "1 hour")
    host.tick("1 hour")
    assert (len(host.messages("a")), len(host.messages("b"))) == (1, 0)


def test_a_goal_is_noted_and_the_run_goes_on(host):
    """Goal: event, criteria; sets converted_at (R42); the first one counts."""
    host.deploy(REST, goal=Goal("order", where=field("amount").gte(10)))
    host.say("go")
    host.say("order", "1 hour", amount=5)
    assert converted(host) is None
    host.say("order", "2 hours", amount=50)
    host.say("order", "3 hours", amount=50)
    assert converted(host) == after("2 hours")
    assert host.status() == ("ACTIVE", "")


def test_a_goal_counts_also_after_the_end(host):
    """Tracked whatever the status, also after the end (R42)."""
    host.deploy(mail(), goal=Goal("order"))
    host.say("go")
    host.say("order", "9 days")
    assert host.status() == ("COMPLETED", "")
    assert converted(host) == after("9 days")


@pytest.mark.parametrize(("when", "counts"), [("7 days", True), ("7 days 1 second", False)])
def test_a_goal_counts_within_its_time_from_entry(host, when, counts):
    """`within` from entry (R42): exactly then is within."""
    host.deploy(mail(), goal=Goal("order", within="7 days"))
    host.say("go")
    host.say("order", when)
    assert (converted(host) is not None) == counts


def test_a_goal_told_late_counts_by_its_own_instant(host):
    """The event's own instant is within, however late it is told (R4, R42)."""
    host.deploy(REST, goal=Goal("order", within="1 day"))
    host.say("go")
    host.tick("8 days")
    host.feed("order", "23 hours")
    host.tick("8 days")
    assert converted(host) == after("23 hours")


def test_one_event_converts_the_newest_run(host):
    """One event converts the newest run of a journey and customer (R42)."""
    host.deploy(mail(), reentry="always", goal=Goal("order"))
    host.say("go")
    host.say("go", "1 hour")
    host.say("order", "2 hours")
    host.say("order", "3 hours")
    assert (converted(host, 1), converted(host, 2)) == (None, after("2 hours"))


def test_a_goal_may_end_the_run(host):
    """exit=True also ends an active run, EXITED "goal", while waiting too (R42)."""
    host.deploy(REST, mail(), goal=Goal("order", exit=True))
    host.say("go")
    host.say("order", "1 hour")
    assert host.status() == ("EXITED", "goal")
    assert host.path() == ["rest EXITED"]
    host.tick("30 days")
    assert host.messages() == []


def test_a_goal_that_ends_does_nothing_to_what_has_ended(host):
    """Terminal states never change afterwards (R42, R43)."""
    host.deploy(mail(), goal=Goal("order", exit=True))
    host.say("go")
    host.say("order", "1 hour")
    assert host.status() == ("COMPLETED", "")
    assert converted(host) == after("1 hour")


def test_the_trigger_event_is_no_goal_of_the_run_it_starts(host):
    """Stage 2 comes before stage 4 (R9, R42)."""
    host.deploy(REST, goal=Goal("go"))
    host.say("go")
    assert converted(host) is None


def test_an_exit_ends_the_run_while_it_waits(host):
    """EXITED, reason the rule's name, also while waiting (R42)."""
    host.deploy(REST, mail(), exits=[Exit("bought", event="order", where=field("sku").eq(field("trigger.sku")))])
    host.say("go", START, sku="a")
    host.say("order", "1 hour", sku="b")
    assert host.status() == ("ACTIVE", "")
    host.say("order", "2 hours", sku="a")
    assert host.status() == ("EXITED", "bought")
    assert host.engine.enrollment("j", "c1").ended_at == after("2 hours")
    assert host.path() == ["rest EXITED"]
    assert host.engine.next_due() is None


def test_exits_are_asked_in_their_order(host):
    """The first exit that fits gives the reason (R42)."""
    host.deploy(REST, exits=[Exit("one", event="x", where=field("n").eq(1)), Exit("two", event="x")])
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.feed("x", "1 hour", "c1", n=2)
    host.feed("x", "1 hour", "c2", n=1)
    host.tick("1 hour")
    assert (host.status("c1")[1], host.status("c2")[1]) == ("two", "one")


def test_goals_come_before_exits(host):
    """Exits, after goals (R42): one event can be both."""
    host.deploy(REST, goal=Goal("order"), exits=[Exit("bought", event="order")])
    host.say("go")
    host.say("order", "1 hour")
    assert converted(host) == after("1 hour")
    assert host.status() == ("EXITED", "bought")


def test_a_condition_on_the_customer_is_asked_when_the_customer_changes(host):
    """Asked in stage 2 of each event that changes the customer (R42)."""
    host.deploy(REST, exits=[Exit("paid", when=field("plan").eq("paid"))])
    host.say("go")
    host.put("1 hour", plan="free")
    host.tick("1 hour")
    assert host.status() == ("ACTIVE", "")
    host.put("2 hours", plan="paid")
    host.tick("2 hours")
    assert host.status() == ("EXITED", "paid")


def test_a_condition_on_the_customer_is_not_asked_by_other_events_or_by_time(host):
    """Never by time alone (R42): the rule became true when the period ran out, and nobody was told."""
    rule = field("seen").is_not_null() & ~field("seen").within_last("1 day")
    host.put(START, seen=START.isoformat())
    host.deploy(Wait("rest", "3 days"), exits=[Exit("gone", when=rule)])
    host.say("go")
    host.tick("2 days")
    host.say("other", "2 days")
    assert host.status() == ("ACTIVE", "")
    host.put("2 days", mood="fine")
    host.tick("2 days")
    assert host.status() == ("EXITED", "gone")


def test_a_condition_on_the_customer_is_never_asked_inside_a_move(host):
    """Never inside a move (R42): the Update's events come after it, when the run has ended already."""
    host.deploy(
        Wait("rest", "1 day"),
        Update("pay", field("plan").set("paid")),
        mail(),
        Wait("more", "1 day"),
        exits=[Exit("paid", when=field("plan").eq("paid"))],
    )
    host.say("go")
    host.tick("1 day")
    assert host.path() == ["rest elapsed", "pay", "hello queued", "more EXITED"]
    assert host.status() == ("EXITED", "paid")


def test_a_tag_changes_the_customer_too(host):
    """Tags and lists are the customer's (R42, R50)."""
    host.deploy(REST, exits=[Exit("vip", when=tag.contains("vip")), Exit("in", when=field("lists").contains("news"))])
    host.feed("go", START, "c1")
    host.feed("go", START, "c2")
    host.feed("tag.added", "1 hour", "c1", tag="vip")
    host.feed("list.subscribed", "1 hour", "c2", list="news")
    host.tick("1 hour")
    assert (host.status("c1"), host.status("c2")) == (("EXITED", "vip"), ("EXITED", "in"))


@pytest.mark.rows(132, 133)
def test_an_exit_by_hand_ends_the_runs_in_a_journey(host):
    """exit() ends the active run with a reason; who is not inside is told so (R10)."""
    host.deploy(REST)
    host.deploy(REST, id="k")
    host.say("go")
    host.engine.exit("j", ["c1", "c2"], at=after("1 hour"), reason="asked to")
    host.tick("1 hour")
    assert host.status() == ("EXITED", "asked to")
    assert host.status(journey="k") == ("ACTIVE", "")
    assert host.outcomes() == ["handled", "handled", "not inside"]
    host.engine.exit("j", "c1", at=after("2 hours"))
    host.tick("2 hours")
    assert host.outcomes()[-1] == "not inside"
