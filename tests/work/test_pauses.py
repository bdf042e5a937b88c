"""Pauses: what they refuse, what they hold until the resume, and what they leave to the host (R14, R16, R73)."""

import pytest

from journeyflow import (
    Condition,
    End,
    Exit,
    Goal,
    Journey,
    Limits,
    Send,
    Trigger,
    Update,
    Wait,
    Window,
    field,
)
from tests.samples import START, Host, after, mail, open_engine, utc

AUDITED = True


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
    """R7, R16, R23: who triggers at the resume joins the queue after those who waited; the slot counts from then."""
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


def paused(host, *steps, **options):
    """Enter c1 at START and pause from 1 hour on."""
    host.deploy(*steps, **options)
    host.say("go")
    host.engine.pause("j", at=after("1 hour"))


@pytest.mark.rows(100, 224)
def test_a_pause_refuses_entries(host):
    """Entries are refused, "paused" (R16)."""
    paused(host, mail())
    assert host.say("go", "2 hours", "c2").refused == 1
    assert host.refused() == {"paused": 1}
    assert host.last_refusal("c2")[0] == "paused"


@pytest.mark.rows(100, 101, 224)
def test_a_pause_holds_timers_until_the_resume(host):
    """Nothing is released; resume runs held work at the resume instant (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    assert host.tick("1 day").moves == 0
    assert host.engine.next_due() is None
    assert host.engine.audit() == []
    host.engine.resume("j", at=after("2 days"))
    assert host.engine.next_due() == after("2 days")
    host.tick("3 days")
    assert host.path() == ["rest elapsed", "hello queued", "end"]
    assert host.left("rest") == after("2 days")


def test_a_timer_outside_the_pause_is_not_held(host):
    """A pause that is over when a timer is due does nothing to it (R16)."""
    paused(host, Wait("rest", "1 day"))
    host.engine.resume("j", at=after("2 hours"))
    host.tick("3 days")
    assert host.left("rest") == after("1 day")


def test_a_tick_that_comes_after_the_whole_pause_does_the_same(host):
    """One tick = many: a pause and its resume that no tick fell into hold work all the same (R4, R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.engine.resume("j", at=after("1 day"))
    host.tick("5 days")
    assert host.left("rest") == after("1 day")


def test_held_work_goes_first_in_order_of_own_instants(host):
    """Held work first, in order of own instants, before inputs of the resume instant (R16)."""
    steps = (
        Wait("rest", field="trigger.until"),
        Update("turn", field("log").append("{{ enrollment.journey }} {{ told }}")),
    )
    for journey, event in (("a", "go"), ("b", "go"), ("c", "second")):
        host.deploy(*steps, id=journey, trigger=Trigger(event))
    host.feed("go", START, until=after("5 hours").isoformat())
    host.say("second", START, until=after("3 hours").isoformat())
    for journey in "abc":
        host.engine.pause(journey, at=after("1 hour"))
    host.tick("6 hours")
    for journey in "abc":
        host.engine.resume(journey, at=after("8 hours"))
    host.put("8 hours", told="input")
    host.tick("8 hours")
    assert host.attributes()["log"] == ["c ", "a ", "b "]


def test_held_work_sees_the_customer_as_of_the_resume(host):
    """Changes of the customer act during the pause, and held work sees them (R16)."""
    paused(host, Wait("rest", "2 hours"), Condition("paid", field("plan").eq("paid")))
    host.put("3 hours", plan="paid")
    host.tick("4 hours")
    assert host.attributes() == {"plan": "paid"}
    host.engine.resume("j", at=after("5 hours"))
    host.tick("5 hours")
    assert host.path() == ["rest elapsed", "paid yes", "end"]


def test_lateness_of_held_work_counts_from_the_resume(strict):
    """R5's lateness counts from the resume instant (R16)."""
    paused(strict, Wait("rest", "2 hours"), mail())
    strict.tick("3 hours")
    strict.engine.resume("j", at=after("2 days"))
    assert strict.tick("2 days 30 minutes").late == 0
    assert strict.left("rest") == after("2 days")


def test_held_work_found_late_after_the_resume_is_softened(strict):
    """Later than grace after the resume: it takes effect now (R5, R16)."""
    paused(strict, Wait("rest", "2 hours"), mail())
    strict.engine.resume("j", at=after("2 days"))
    assert strict.tick("3 days").late == 1
    assert strict.left("rest") == after("3 days")


def test_a_late_timer_that_meets_a_pause_at_its_effective_instant_is_held(strict):
    """A pause that a tick only learns of afterwards: due before it, found during it (R11, R16)."""
    strict.deploy(Wait("rest", "1 hour"), mail())
    strict.say("go")
    strict.engine.pause("j", at=after("2 hours"))
    strict.tick("5 hours")
    assert strict.path() == ["rest ACTIVE"]
    strict.engine.resume("j", at=after("6 hours"))
    strict.tick("6 hours")
    assert strict.left("rest") == after("6 hours")


def test_a_second_pause_holds_what_the_first_one_held(host):
    """Held again: still in the order of the own instant, until the second resume (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.engine.resume("j", at=after("3 hours"))
    host.engine.pause("j", at=after("3 hours"))
    host.tick("4 hours")
    assert host.path() == ["rest ACTIVE"]
    host.engine.resume("j", at=after("5 hours"))
    host.tick("9 hours")
    assert host.left("rest") == after("5 hours")


def test_events_do_not_release_during_a_pause(host):
    """Nothing is released (R16): an event during the pause is gone for the wait, a later one counts."""
    paused(host, Wait("reply", event="order"))
    host.say("order", "2 hours")
    host.engine.resume("j", at=after("3 hours"))
    assert host.path() == ["reply ACTIVE"]
    host.say("order", "4 hours")
    assert host.path() == ["reply event", "end"]


def test_exits_and_goals_act_during_a_pause(host):
    """Exits and goals act during the pause (R16)."""
    paused(host, Wait("reply", event="order"), goal=Goal("paid"), exits=[Exit("left", event="bye")])
    host.say("paid", "2 hours")
    host.say("bye", "3 hours")
    found = host.engine.enrollment("j", "c1")
    assert (found.status, found.reason, found.converted_at) == ("EXITED", "left", after("2 hours"))


def test_exits_end_also_what_a_pause_holds(host):
    """A held run can be exited; the resume finds nothing of it (R16)."""
    paused(host, Wait("rest", "2 hours"), mail())
    host.tick("3 hours")
    host.engine.exit("j", "c1", at=after("4 hours"))
    host.tick("4 hours")
    host.engine.resume("j", at=after("5 hours"))
    host.tick("9 hours")
    assert host.path() == ["rest EXITED"]
    assert host.engine.audit() == []


def test_a_pause_hands_out_nothing(host):
    """Nothing is claimed during a pause (R16, R71)."""
    paused(host, mail())
    assert host.claim("2 hours") == ()
    assert len(host.claim("59 minutes")) == 1


def test_messages_are_handed_out_after_the_resume(host):
    """They wait for the resume (R16)."""
    paused(host, mail())
    host.engine.resume("j", at=after("3 hours"))
    assert len(host.claim("3 hours")) == 1


def test_a_date_that_changes_during_a_pause_counts_afterwards(host):
    """Changes of the customer act during the pause (R16): an earlier date is not slept through (R37)."""
    host.put(START, renews="2026-01-30")
    paused(host, Wait("soon", field="renews"), mail())
    host.put("2 hours", renews="2026-01-20")
    host.tick("3 hours")
    host.engine.resume("j", at=after("2 days"))
    host.tick("60 days")
    assert host.left("soon") == utc("2026-01-20 00:00")


def test_a_date_that_comes_to_be_past_during_a_pause_is_left_at_the_resume(host):
    """A date moved into the pause is due at the resume (R16, R37)."""
    host.put(START, renews="2026-01-30")
    paused(host, Wait("soon", field="renews"), mail())
    host.put("2 hours", renews="2026-01-06")
    host.tick("3 hours")
    host.engine.resume("j", at=after("3 days"))
    host.tick("60 days")
    assert host.left("soon") == after("3 days")


def test_a_date_that_moves_away_during_a_pause_is_asked_again(host):
    """Held work is asked again at the resume: a later date is waited for (R16, R37)."""
    host.put(START, renews="2026-01-06")
    paused(host, Wait("soon", field="renews"), mail())
    host.tick("2 days")
    host.put("2 days", renews="2026-01-20")
    host.tick("2 days")
    host.engine.resume("j", at=after("3 days"))
    host.tick("60 days")
    assert host.left("soon") == utc("2026-01-20 00:00")


def test_held_openings_are_asked_again_at_the_resume(host):
    """The effective instant is the resume (R16): an opening at nine is nine, a window is asked again."""
    paused(host, Wait("nine", until="09:30"), mail(window=Window("MON-SUN", "09:00", "17:00")))
    host.engine.resume("j", at=utc("2026-01-06 03:00"))
    host.tick("9 days")
    assert host.left("nine") == utc("2026-01-06 09:30")
