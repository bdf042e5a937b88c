"""Runs that FAILED: by a message that was given up, and put back where they rested last (R43)."""

import pytest

from journeyflow import End, Exit, Forbidden, Goal, InvalidInput, NotFound, Send, Trigger, Update, Wait, field, tag
from tests.samples import START, Host, after

MANY = [f"l{n}" for n in range(150)]
"""So many lists at once that an Update of them is past the bound of R53."""

SUBSCRIBE = Update("subscribe", field("lists").set("{{ wanted }}"))
"""An Update that fails for customers who want too much."""


AUDITED = True


def mend(host, when):
    """Make the customer want less."""
    host.put(when, wanted=["a"])


def retry(host, when, customer="c1", **options):
    """Put the run back and tick."""
    host.engine.retry(("j", customer), at=after(when), **options)
    host.tick(when)


# --- messages that were given up --------------------------------------------------------------------------------------


def give_up(host, minutes=0):
    """Fail at every attempt, from so many minutes on."""
    for later in (0, 1, 5, 21, 85):
        claimed = host.claim(f"{minutes + later} minutes")
        host.engine.nack(claimed, at=after(f"{minutes + later} minutes"))
        host.tick(f"{minutes + later} minutes")


@pytest.mark.parametrize(
    ("on_failure", "status", "path"),
    [
        ("fail", ("FAILED", "message given up"), ["hello queued", "rest FAILED"]),
        ("continue", ("ACTIVE", ""), ["hello queued", "rest ACTIVE"]),
    ],
)
def test_a_message_that_was_given_up_fails_the_run_when_asked_to(host, on_failure, status, path):
    """R43, R71: FAILED, message.failed, then the run: the visit at which it rests is FAILED."""
    host.deploy(Send("hello", channel="EMAIL", template="t", on_failure=on_failure), Wait("rest", "9 days"))
    host.say("go")
    give_up(host)
    assert host.messages() == ["hello FAILED"]
    assert host.status() == status
    assert host.path() == path


@pytest.mark.parametrize(("way", "status"), [("end", "COMPLETED"), ("exit", "EXITED")])
def test_a_run_that_has_ended_is_not_failed_any_more(host, way, status):
    """R43: only while the run is active."""
    rest = [Wait("rest", "9 days")] if way == "exit" else []
    host.deploy(
        Send("hello", channel="EMAIL", template="t", on_failure="fail", cancel_on_exit=False),
        *rest,
        exits=[Exit("gone", event="leave")],
    )
    host.say("go")
    if way == "exit":
        host.say("leave")
    give_up(host)
    assert (host.messages(), host.status()[0]) == (["hello FAILED"], status)


def test_the_end_of_the_last_lease_fails_the_run_too(host):
    """R43, R71: the end of a lease is an attempt that failed; the run fails at that instant."""
    host.deploy(Send("hello", channel="EMAIL", template="t", on_failure="fail"), Wait("rest", "9 days"))
    host.say("go")
    for minutes in (0, 6, 15, 36, 105):
        assert len(host.claim(f"{minutes} minutes", lease="5 minutes")) == 1
        host.tick(f"{minutes + 5} minutes")
    run = host.engine.enrollment("j", "c1")
    assert (run.status, run.reason, run.ended_at) == ("FAILED", "message given up", after("110 minutes"))


def test_the_run_hears_of_the_failure_before_it_fails(host):
    """R71: message.failed goes through the stages first: a goal is reached, another journey begins."""
    host.deploy(End("e"), id="sorry", trigger=Trigger("message.failed"))
    host.deploy(
        Send("hello", channel="EMAIL", template="t", on_failure="fail"),
        Wait("rest", "9 days"),
        goal=Goal("message.failed"),
    )
    host.say("go")
    give_up(host)
    assert host.status() == ("FAILED", "message given up")
    assert host.engine.enrollment("j", "c1").converted_at == after("85 minutes")
    assert host.status(journey="sorry") == ("COMPLETED", "")


def test_an_ack_that_comes_late_is_believed(host):
    """R71: it wins over any status; the run has failed all the same."""
    host.deploy(Send("hello", channel="EMAIL", template="t", on_failure="fail"), Wait("rest", "9 days"))
    host.say("go")
    give_up(host)
    host.engine.ack("memory-1-1", at=after("2 hours"))
    host.tick("2 hours")
    assert host.messages() == ["hello SENT"]
    assert host.status() == ("FAILED", "message given up")


# --- put back ---------------------------------------------------------------------------------------------------------


def test_a_run_is_put_back_at_the_wait_before_it_failed(host):
    """R43: the wait is over already, so it goes on at once; the retry is a visit of its own."""
    host.put(START, wanted=MANY)
    host.deploy(Wait("rest", "1 day"), SUBSCRIBE, End("done"))
    host.say("go")
    host.tick("2 days")
    assert host.status() == ("FAILED", "event loop")
    mend(host, "3 days")
    retry(host, "3 days")
    assert host.status() == ("COMPLETED", "")
    assert host.path() == [
        "rest elapsed",
        "subscribe FAILED",
        "rest SKIPPED retry",
        "rest elapsed",
        "subscribe",
        "done",
    ]
    visits = host.engine.enrollment("j", "c1").visits
    assert [(visit.n, visit.entered_at, visit.left_at) for visit in visits[1:4]] == [
        (2, after("1 day"), after("1 day")),
        (3, after("1 day"), after("3 days")),
        (4, after("3 days"), after("3 days")),
    ]
    assert host.attributes()["lists"] == ["a"]
    assert host.engine.at("j", "c1", instant=after("9 days")).visits == visits
    counted = host.rows(
        "SELECT what, label, total FROM counters WHERE day = '*' AND step IN ('', 'rest') ORDER BY 1, 2"
    )
    assert {(what, label): total for what, label, total in counted} == {
        ("completed", ""): 1,
        ("completed", "elapsed"): 2,
        ("entered", ""): 1,
        ("failed", ""): 0,
        ("skipped", "retry"): 1,
        ("visited", ""): 3,
    }
    stood = host.engine.at("j", "c1", instant=after("2 days"))
    assert (stood.status, stood.ended_at, stood.visits) == ("FAILED", after("1 day"), visits[:2])


def test_a_run_that_never_rested_begins_again(host):
    """R43: at its first step, with the event that started it."""
    host.put(START, wanted=MANY)
    host.deploy(SUBSCRIBE, Wait("rest", "1 hour"), Update("note", field("n").set("{{ trigger.n }}")), End("done"))
    host.say("go", START, "c1", n=7)
    assert host.path() == ["subscribe FAILED"]
    retry(host, "1 day")  # nothing has changed
    assert host.path() == ["subscribe FAILED", "subscribe SKIPPED retry", "subscribe FAILED"]
    mend(host, "2 days")
    retry(host, "2 days")
    host.tick("2 days 1 hour")
    assert host.path()[-5:] == ["subscribe SKIPPED retry", "subscribe", "rest elapsed", "note", "done"]
    assert host.engine.enrollment("j", "c1").entered_at == START
    assert host.attributes()["n"] == 7


def test_a_run_waits_again_for_the_event_and_for_no_longer_than_before(host):
    """R36, R43: put back before the timeout, it ends when it would have ended; what it kept of the event is gone."""
    host.put(START, wanted=MANY)
    host.deploy(
        Wait("reply", event="reply", timeout="2 days", on_timeout="late"),
        SUBSCRIBE,
        Update("note", field("said").set("{{ wait.reply.word }}"), next="end"),
        Update("late", tag.add("late")),
    )
    host.say("go", START)
    host.say("go", START, "c2")
    host.put(START, "c2", wanted=MANY)
    host.say("reply", "1 hour", "c1", word="one")
    host.say("reply", "1 hour", "c2", word="one")
    mend(host, "1 day")
    host.put("1 day", "c2", wanted=["a"])
    host.engine.retry([("j", "c1"), host.engine.enrollment("j", "c2")], at=after("1 day"))
    host.say("reply", "2 days", "c1", word="two")
    host.tick("3 days")
    assert host.path()[-3:] == ["subscribe", "note", "end"]
    assert host.attributes()["said"] == "two"
    assert host.left("reply", "c2") == after("2 days")
    assert host.path("c2") == [
        "reply event",
        "subscribe FAILED",
        "reply SKIPPED retry",
        "reply timeout",
        "late",
        "end",
    ]


def test_a_timeout_that_has_gone_by_is_over_at_once(host):
    """R43: not before the instant of the retry."""
    host.put(START, wanted=MANY)
    host.deploy(Wait("reply", event="reply", timeout="2 days", on_timeout=[End("late")]), SUBSCRIBE)
    host.say("go")
    host.say("reply", "1 hour")
    retry(host, "9 days")
    assert host.path()[-2:] == ["reply timeout", "late"]
    assert host.left("late") == after("9 days")


def test_a_loop_that_was_mended_goes_on(host):
    """R30, R43: a zero-time loop of one day is none on another."""
    host.deploy(
        Wait("more", event="tag.added"),
        Send("hello", channel="EMAIL", template="t"),
        Update("again", tag.add("again"), next="more"),
    )
    host.say("go")
    host.engine.put_customer("c1", {"tags": ["x"]}, at=START)
    host.tick()
    assert host.status() == ("FAILED", "zero-time loop")
    retry(host, "1 day")
    host.engine.put_customer("c1", {"tags": ["x", "y", "again"]}, at=after("2 days"))
    host.tick("2 days")
    assert host.status() == ("ACTIVE", "")
    assert host.path()[-5:] == ["more SKIPPED retry", "more event", "hello queued", "again", "more ACTIVE"]
    ids = [message.id for message in host.engine.messages().items]
    assert len(ids) == len(set(ids)) == 2


def test_a_retry_counts_visits_anew(host):
    """R41, R43: a run that went past the bound may make as many visits again; their numbers go on."""
    host.deploy(
        Wait("rest", "1 day", next="again"), Send("again", channel="EMAIL", template="t", next="rest"), max_visits=4
    )
    host.say("go")
    host.tick("9 days")
    assert host.status() == ("FAILED", "visit limit")
    for day in (10, 20):
        before = len(host.messages())
        retry(host, f"{day} days")
        assert host.status()[0] == "ACTIVE"
        host.tick(f"{day + 9} days")
        assert host.status() == ("FAILED", "visit limit")
        assert len(host.messages()) > before
    visits = host.engine.enrollment("j", "c1").visits
    assert [visit.n for visit in visits] == [*range(1, 16)]
    assert [visit.n for visit in visits if visit.status == "FAILED"] == [5, 10, 15]


def test_a_retry_is_handled_at_its_own_instant(host):
    """R4, R8: told beforehand, found late."""
    host.put(START, wanted=MANY)
    host.deploy(Wait("rest", "1 day"), SUBSCRIBE, Wait("more", "1 day"), End("done"))
    host.say("go")
    mend(host, "2 days")
    host.engine.retry(("j", "c1"), at=after("3 days"))
    host.tick("9 days")
    assert host.left("more") == after("4 days")


def test_a_page_of_enrollments_is_put_back_as_it_is(host):
    """R10, R43: a tuple of enrollments is many of them, one of none is nobody."""
    host.deploy(Wait("rest", "1 day"), SUBSCRIBE, End("done"))
    for customer in ("c1", "c2"):
        host.put(START, customer, wanted=MANY)
        host.feed("go", START, customer)
    host.tick("1 day")
    host.engine.retry(host.engine.enrollments(status="COMPLETED").items, at=after("2 days"))
    host.engine.retry(host.engine.enrollments(status="FAILED").items, at=after("2 days"))
    host.tick("2 days")
    assert host.outcomes()[-2:] == ["handled", "handled"]


# --- refused ----------------------------------------------------------------------------------------------------------


def test_what_stands_against_a_retry_is_recorded(host):
    """R43: nobody there, still inside, not failed, inside again, a newer run, a given-up message."""
    host.deploy(
        Send("hello", channel="EMAIL", template="t", on_failure="fail"),
        Wait("rest", event="on"),
        SUBSCRIBE,
        Wait("long", "9 days"),
        reentry="always",
    )
    host.put(START, "newer", wanted=MANY)
    host.put(START, "inside", wanted=MANY)
    for customer in ("given", "active", "left", "newer", "inside"):
        host.say("go", START, customer)
    for customer in ("left", "newer", "inside"):
        host.say("on", START, customer)
    host.engine.exit("j", "left", at=START)
    host.tick()
    first = host.engine.enrollment("j", "newer")
    host.say("go", "1 minute", "newer")
    host.engine.exit("j", "newer", at=after("1 minute"))
    host.say("go", "1 minute", "inside")
    for later in (2, 3, 7, 23, 87):
        claimed = host.claim(f"{later} minutes")
        host.engine.nack([m for m in claimed if m.customer == "given"], at=after(f"{later} minutes"))
        host.engine.ack([m for m in claimed if m.customer != "given"], at=after(f"{later} minutes"))
        host.tick(f"{later} minutes")
    asked = [first, *(("j", customer) for customer in ("nobody", "active", "left", "inside", "given"))]
    host.engine.retry(asked, at=after("2 hours"))
    host.tick("2 hours")
    assert host.outcomes()[-6:] == [
        "refused: a newer run",
        "refused: not enrolled",
        "refused: already inside",
        "refused: not failed",
        "refused: already inside",
        "refused: message given up",
    ]


def test_a_journey_that_is_not_active_takes_nobody_back(host):
    """R24, R43: known at the call, or when it is handled."""
    host.put(START, wanted=MANY)
    host.deploy(SUBSCRIBE)
    host.say("go")
    host.engine.retry(("j", "c1"), at=after("1 hour"))
    host.engine.pause("j", at=after("1 hour"))
    host.tick("1 hour")
    assert host.outcomes()[-1] == "refused: paused"
    with pytest.raises(Forbidden, match="journey 'j' is PAUSED"):
        host.engine.retry(("j", "c1"), at=after("2 hours"))
    host.engine.archive("j", at=after("3 hours"))
    with pytest.raises(Forbidden, match="journey 'j' is ARCHIVED"):
        host.engine.retry(("j", "c1"), at=after("4 hours"))


def test_what_a_call_can_know_it_tells(host):
    """R10: an unknown journey, an enrollment that has not failed, or by a message; what is not an enrollment."""
    host.deploy(Send("hello", channel="EMAIL", template="t", on_failure="fail"), Wait("rest", "9 days"))
    host.say("go")
    active = host.engine.enrollment("j", "c1")
    give_up(host)
    with pytest.raises(NotFound, match="no journey 'k'"):
        host.engine.retry(("k", "c1"), at=START)
    with pytest.raises(InvalidInput) as caught:
        host.engine.retry([active, host.engine.enrollment("j", "c1"), ("j", "")], at=START)
    assert caught.value.faults == (
        "[0] j/c1: run 1 is ACTIVE; only a FAILED one can be retried",
        "[1] j/c1: its message was given up; enroll the customer again",
        "[2] customer: must not be empty",
    )
    with pytest.raises(InvalidInput, match="expected an Enrollment or \\(journey, customer\\), not str 'c1'"):
        host.engine.retry(["c1"], at=START)
    host.deploy(Wait("rest", "1 day"), id="j", trigger=Trigger("go"))
    other = host.engine.tenant("other")
    Host(other).deploy(Wait("rest", "1 day"))
    with pytest.raises(InvalidInput, match="j/c1: no enrollment of this tenant"):
        other.retry(host.engine.enrollment("j", "c1"), at=START)
