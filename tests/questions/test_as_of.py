"""An enrollment as it stood at an instant (R85)."""

import pytest
from attrs import evolve

from journeyflow import End, Exit, Goal, NotFound, Send, Update, Visit, Wait, field, tag
from tests.samples import START, Host, after, open_engine, statements

STEPS = (
    Send("hello", channel="EMAIL", template="t"),
    Wait("rest", "1 day"),
    Wait("reply", event="order", timeout="2 days"),
    Send("bye", channel="EMAIL", template="t"),
)


def at(host, when, **asked):
    """Ask how c1 stood in j."""
    return host.engine.at("j", "c1", instant=after(when), **asked)


def seen(found):
    """Show a run in short."""
    visits = [f"{each.step} {each.status.lower()} {each.outcome}".strip() for each in found.visits]
    return found.status, found.step, found.step_number, visits


def test_a_run_is_shown_as_it_stood_at_an_instant(host):
    """Step, visits and status, after all that happened at that very instant."""
    host.deploy(*STEPS, goal=Goal("order", exit=False), id="j")
    host.say("go")
    host.tick("1 day")
    host.say("order", "30 hours")
    gone = ["hello completed queued", "rest completed elapsed"]
    assert seen(at(host, "0 seconds")) == ("ACTIVE", "rest", 2, ["hello completed queued", "rest active"])
    assert seen(at(host, "23 hours")) == seen(at(host, "0 seconds"))
    assert seen(at(host, "1 day")) == ("ACTIVE", "reply", 3, [*gone, "reply active"])
    end = ("COMPLETED", None, None, [*gone, "reply completed event", "bye completed queued", "end completed"])
    assert seen(at(host, "30 hours")) == seen(at(host, "90 days")) == end
    assert at(host, "29 hours").visits[2] == Visit(3, "reply", "ACTIVE", "", after("1 day"), None)
    assert at(host, "30 hours").visits[2] == Visit(3, "reply", "COMPLETED", "event", after("1 day"), after("30 hours"))
    assert (at(host, "29 hours").converted_at, at(host, "29 hours").ended_at) == (None, None)
    assert at(host, "30 hours") == host.engine.enrollment("j", "c1")


def test_what_a_rest_waits_for_is_told_while_it_is_the_one_of_today(host):
    """What a rest that is over would have waited for is not kept: unknown, not guessed."""
    host.deploy(*STEPS)
    host.say("go")
    assert (at(host, "1 hour").due, at(host, "1 hour").awaits) == (after("1 day"), None)
    host.tick("1 day")
    assert (at(host, "1 hour").due, at(host, "1 hour").awaits) == (None, None)
    assert (at(host, "25 hours").due, at(host, "25 hours").awaits) == (after("3 days"), "order")
    assert at(host, "25 hours") == host.engine.enrollment("j", "c1")


def test_before_the_entry_there_was_nobody(host):
    """Raises NotFound, naming the instant; of several runs the one that was the newest then, or run=."""
    host.deploy(End("done"), reentry="always")
    host.say("go", "1 hour")
    host.say("go", "2 hours")
    with pytest.raises(NotFound, match="no enrollment 'j/c1 at 2026-01-05T08:30:00"):
        at(host, "30 minutes")
    assert (at(host, "1 hour").run, at(host, "90 minutes").run, at(host, "2 hours").run) == (1, 1, 2)
    assert at(host, "3 hours", run=1).run == 1
    with pytest.raises(NotFound):
        at(host, "1 hour", run=2)


def test_an_enrollment_can_be_given_instead_of_its_names(host):
    """Each question takes an enrollment or (journey, customer); another tenant's is not found (R85, R91)."""
    host.deploy(*STEPS, reentry="always")
    host.say("go")
    found = host.engine.enrollment("j", "c1")
    assert host.engine.at(found, instant=START).run == 1
    with pytest.raises(NotFound, match="no enrollment 'j/c1'"):
        host.engine.tenant("other").at(found, instant=START)
    with pytest.raises(TypeError, match="name a journey and a customer"):
        host.engine.at("j", instant=START)
    with pytest.raises(NotFound):
        host.engine.at(evolve(found, journey="k"), instant=START)


def test_an_exit_is_no_news_before_it_happened(host):
    """EXITED with its reason from the instant of the exit on."""
    host.deploy(*STEPS, exits=[Exit("paid", when=field("plan").eq("paid"))])
    host.say("go")
    host.put("2 hours", plan="paid")
    host.tick("2 hours")
    before, since = at(host, "1 hour"), at(host, "2 hours")
    assert (before.status, before.reason, before.ended_at, before.step) == ("ACTIVE", "", None, "rest")
    assert (since.status, since.reason, since.ended_at, since.step) == ("EXITED", "paid", after("2 hours"), None)
    assert since.visits[-1].status == "EXITED"


def test_a_loop_is_told_stay_by_stay(host):
    """Each stay at the same step is a visit of its own."""
    host.deploy(Wait("w", "1 hour", next="u"), Update("u", tag.add("x"), next="w"))
    host.say("go")
    host.tick("3 hours")
    assert [each.n for each in at(host, "150 minutes").visits] == [1, 2, 3, 4, 5]
    assert at(host, "150 minutes").visits[-1] == Visit(5, "w", "ACTIVE", "", after("2 hours"), None)
    assert at(host, "150 minutes").due is None


def test_the_past_takes_the_same_statements_however_long_it_is():
    """No statement per visit."""
    counts = []
    for hours in (2, 40):
        with open_engine("sqlite") as engine:
            host = Host(engine)
            host.deploy(Wait("w", "1 hour", next="u"), Update("u", tag.add("x"), next="w"))
            host.say("go")
            host.tick(f"{hours} hours")
            with statements(engine) as asked:
                at(host, f"{hours - 1} hours")
            counts.append(len(asked))
    assert counts[0] == counts[1] <= 3


def test_a_run_that_was_put_back_had_failed_before(host):
    """Between the failure and the retry it was FAILED, though it goes on today (R43)."""
    host.deploy(Wait("w", event="x", next="u"), Update("u", tag.add("x"), next="w"), max_visits=1)
    host.say("go")
    host.say("x", "1 hour")
    host.engine.retry(("j", "c1"), at=after("3 hours"))
    host.tick("3 hours")
    assert seen(at(host, "30 minutes"))[:2] == ("ACTIVE", "w")
    failed = at(host, "2 hours")
    assert (failed.status, failed.step, failed.ended_at) == ("FAILED", None, after("1 hour"))
    assert seen(at(host, "3 hours"))[:2] == ("ACTIVE", "w")
    assert at(host, "3 hours") == host.engine.enrollment("j", "c1")
    assert host.engine.timeline("c1").moments[-3].text == "retry by hand"


def test_who_is_kept_out_stood_still_from_the_first_instant_on(host):
    """A holdout has no visits, and is one as of any instant from the trigger on (R25)."""
    host.deploy(Wait("rest", "1 day"), goal=Goal("order", within="7 days"), holdout=100)
    host.say("go", "1 hour")
    for when in ("1 hour", "5 days"):
        assert seen(at(host, when)) == ("HOLDOUT", None, None, [])
    with pytest.raises(NotFound):
        at(host, "59 minutes")


def test_a_long_move_is_told_step_by_step(host):
    """A move too long to be kept as a number is read as it is spelled out (R80)."""
    host.deploy(*(Update(f"s{n}", tag.add("x")) for n in range(120)), Wait("rest", "1 day"))
    host.say("go")
    host.tick("2 days")
    assert (at(host, "1 hour").step, at(host, "1 hour").step_number, len(at(host, "1 hour").visits)) == (
        "rest",
        121,
        121,
    )
