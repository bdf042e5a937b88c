"""What a pause leaves to a host and to the order of work, where the rules could be read in two ways (R14, R16, R73)."""

import pytest

from journeyflow import End, Journey, Limits, Send, Trigger, Update, Wait, Window, field
from tests.samples import STORES, Host, after, open_engine, utc


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store; nothing may be wrong with its books in the end (R80)."""
    with open_engine(request.param) as engine:
        yield Host(engine)
        assert engine.audit() == []


# --- what comes next --------------------------------------------------------------------------------------------------


def test_what_a_pause_will_hold_is_not_what_comes_next(host):
    """R73: a host is not woken for it; what was due before the pause, inputs and other journeys are named."""
    host.deploy(Wait("rest", "2 hours"))
    host.deploy(Wait("long", "2 days"), id="other")
    host.say("go")
    host.engine.pause("j", at=after("1 hour"))
    assert host.engine.next_due() == after("2 days")
    assert host.tick("90 minutes").next_due == after("2 days")
    host.feed("go", "3 hours", "c2")
    assert host.engine.next_due() == after("3 hours")
    host.engine.resume("j", at=after("4 hours"))
    host.tick("3 hours")
    assert host.left("rest") is None
    assert host.tick("4 hours").next_due == after("2 days")
    assert host.left("rest") == after("4 hours")


def test_what_was_due_before_the_pause_is_what_comes_next(host):
    """R73: a pause that is told before the tick holds only what falls into it."""
    host.deploy(Wait("rest", "2 hours"))
    host.say("go")
    host.engine.pause("j", at=after("3 hours"))
    assert host.engine.next_due() == after("2 hours")


def test_openings_and_pulls_in_a_pause_are_not_what_comes_next(host):
    """R23, R27, R73: a pause holds timers of journeys as well; the end of a lease it does not hold."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), limits=Limits(per_hour=1))
    host.deploy(End("done"), id="pull", trigger=Trigger.every("1 hour"))
    host.feed("go")
    host.feed("go", "1 minute", "c2")
    host.tick("1 minute")
    for journey in ("j", "pull"):
        host.engine.pause(journey, at=after("2 minutes"))
    assert host.engine.next_due() is None


# --- openings, slots, migrations --------------------------------------------------------------------------------------


def test_an_opening_that_a_pause_held_comes_after_the_inputs_of_the_resume(host):
    """R7, R16, R23: who triggers at the resume joins the queue behind those who waited; the slot counts from then."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    host.feed("go")
    host.feed("go", "1 minute", "c2")
    host.tick("2 minutes")
    host.engine.pause("j", at=after("30 minutes"))
    host.tick("90 minutes")
    host.engine.resume("j", at=after("2 hours"))
    host.feed("go", "2 hours", "c3")
    assert host.tick("2 hours").deferred == 1
    assert host.engine.enrollment("j", "c2").entered_at == after("2 hours")
    assert host.engine.next_due() == after("3 hours")
    host.tick("3 hours")
    assert host.engine.enrollment("j", "c3").entered_at == after("3 hours")


@pytest.mark.parametrize(("overdue", "end"), [("run", "4 hours"), ("shift", "5 hours")])
def test_a_migration_in_a_pause_counts_the_wait_from_the_migration(host, overdue, end):
    """R14, R16: who was at no Wait rests at one from the migration on; a shift adds the rest of the pause."""
    closed = Window(None, "20:00", "21:00")
    host.deploy(Send("hello", channel="EMAIL", template="t", window=closed))
    host.say("go")
    host.engine.pause("j", at=after("1 hour"))
    host.engine.publish(
        Journey(id="j", trigger=Trigger("go"), steps=[Wait("rest", "2 hours"), End("over")]), at=after("2 hours")
    )
    host.engine.migrate("j", 2, {"hello": "rest"}, at=after("2 hours"))
    host.engine.resume("j", at=after("3 hours"), overdue=overdue)
    host.tick("3 hours")
    assert host.engine.next_due() == after(end)
    host.tick("6 hours")
    assert host.left("rest") == after(end)


def test_what_a_late_run_emits_has_the_instant_of_its_move():
    """R5, R7: found later than grace, a run moves at `now`, and so do the events that it emits."""
    with open_engine("memory", grace="1 hour") as engine:
        host = Host(engine)
        host.deploy(Wait("rest", "1 day"), Update("tell", field("n").set(1)))
        host.deploy(End("heard"), id="hearing", trigger=Trigger("field.changed"))
        host.say("go")
        host.tick("2 days")
        assert host.engine.enrollment("hearing", "c1").entered_at == after("2 days")


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("2026-01-01 00:00", "2026-01-05 10:00"),
        ("2026-01-05 09:00", "2026-01-05 10:00"),
        ("2026-01-05 12:00", "2026-01-05 12:00"),
    ],
)
def test_an_instant_that_is_over_waits_for_the_window_too(host, at, left):
    """R32, R35: the window moves the end of a wait, and one that is over ends when it is entered."""
    host.deploy(Wait("start", at=utc(at), window=Window(None, "10:00", "17:00")), End("done"))
    host.say("go")
    host.tick("9 hours")
    assert host.left("start") == utc(left)


def test_a_date_that_is_over_waits_for_no_window(host):
    """R37: "past" and "missing" take no time."""
    host.deploy(
        Wait("day", field="day", window=Window(None, "10:00", "17:00"), on_missing="none", on_past="over"),
        End("none"),
        End("over"),
    )
    host.put("0 hours", "c2", day="2026-01-01")
    host.say("go")
    host.say("go", "1 hour", "c2")
    assert (host.path(), host.path("c2")) == (["day missing", "none"], ["day past", "over"])
