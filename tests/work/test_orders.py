"""Journeys that start, end and follow one another (R39, R51, R53)."""

import pytest

from journeyflow import Chain, Condition, End, Event, Exit, Send, Trigger, Update, Wait, field, tag
from tests.samples import START, after


def by_hand(host, name, *steps, **options):
    """Deploy a journey that nothing but other journeys and hosts starts."""
    host.deploy(*steps, id=name, **{"trigger": Trigger(manual=True), **options})


# --- changes that are not about journeys ------------------------------------------------------------------------------


@pytest.mark.rows(211, 212, 217)
def test_an_update_changes_fields_lists_and_tags(host):
    """R39, F211 with a merge tag, F212, F217: each change is told as one event, which starts other journeys."""
    events = ("field.changed", "list.subscribed", "list.unsubscribed", "tag.added", "tag.removed")
    for event in events:
        by_hand(host, event, End("e"), trigger=Trigger(event))
    host.deploy(
        Update(
            "u",
            field("greeting").set("Hello {{ firstName }}"),
            field("lists").add("news"),
            field("lists").remove("trial"),
            tag.add("vip"),
            tag.remove("lead"),
        )
    )
    host.put(START, firstName="Ann", lists=["trial"], tags=["lead"])
    host.say("go", START)
    assert host.attributes() == {"firstName": "Ann", "lists": ["news"], "tags": ["vip"], "greeting": "Hello Ann"}
    assert {each.journey for each in host.engine.enrollments(take=20).items} == {"j", *events}


# --- starting others --------------------------------------------------------------------------------------------------


@pytest.mark.rows(216)
def test_an_update_enrolls_in_other_journeys(host):
    """R39, F216: at the same instant, in written order, as if by hand: their triggers are not asked."""
    by_hand(host, "a", Wait("rest", "1 day"))
    host.deploy(Wait("rest", "1 day"), id="b", trigger=Trigger("never"))
    host.deploy(Wait("first", "1 hour"), Update("next", Chain.enroll("b", "a")))
    host.say("go")
    host.tick("2 hours")
    runs = host.engine.enrollments(customer="c1").items
    assert [(run.journey, run.entered_at) for run in runs] == [
        ("j", START),
        ("b", after("1 hour")),
        ("a", after("1 hour")),
    ]
    assert host.path() == ["first elapsed", "next", "end"]


def test_what_the_update_changed_is_seen_by_whom_it_enrolls(host):
    """R39: all changes are applied first, whatever the order in which they are written."""
    by_hand(host, "a", Condition("vip", tag.contains("vip"), yes=[End("yes", "vip")], no=[End("no")]))
    host.deploy(Update("next", Chain.enroll("a"), tag.add("vip")))
    host.say("go")
    assert host.path(journey="a") == ["vip yes", "yes vip"]


def test_an_enrollment_from_elsewhere_may_be_refused(host):
    """R21, R24: lifecycle, run criteria, already inside and re-entry are asked; what is refused is counted."""
    by_hand(host, "picky", End("e"), run_criteria=field("n").gt(1))
    by_hand(host, "long", Wait("rest", "9 days"))
    by_hand(host, "once", End("e"))
    by_hand(host, "paused", End("e"))
    host.engine.pause("paused", at=START)
    host.deploy(Update("next", Chain.enroll("picky", "long", "once", "paused")), reentry="always")
    host.say("go")
    host.say("go")
    assert host.refused() == {"already inside": 1, "paused": 2, "re-entry": 1, "run criteria": 2}


def test_a_journey_that_is_not_there_takes_nobody(host):
    """R39: naming one that was never published, or another tenant's, does nothing and leaves nothing; the run goes on.

    One that is deployed later takes those who come after that.
    """
    host.engine.tenant("other").deploy(host.deploy(End("e"), id="a"), at=START)
    host.deploy(Update("next", Chain.enroll("nobody"), Chain.exit("nobody")), End("done"))
    host.say("go", START, "c2")
    host.tick()
    assert host.path("c2") == ["next", "done"]
    assert host.engine.tenant("other").enrollments().total == 0
    assert (host.refused(), host.engine.unmatched().total, host.engine.audit()) == ({}, 0, [])
    by_hand(host, "nobody", End("e"), when="1 hour")
    host.say("go", "2 hours", "c3")
    assert [each.customer for each in host.engine.enrollments("nobody").items] == ["c3"]
    assert host.path("c3") == ["next", "done"]


def test_a_customer_of_a_journey_nobody_listens_to_is_known_whole(host):
    """R39: a journey that emits nothing of interest, woken by a timer alone, still finds the customer's other runs."""
    by_hand(host, "other", Wait("rest", "9 days"))
    host.deploy(Wait("rest", "1 hour"), Update("stop", Chain.exit("other"), Chain.enroll("other")))
    host.engine.enroll("other", "c1", at=START)
    host.say("go")
    host.tick("1 hour")
    assert [(run.run, run.status) for run in host.engine.enrollments("other").items] == [(1, "EXITED")]
    assert host.refused() == {"re-entry": 1}


# --- ending others, and oneself ---------------------------------------------------------------------------------------


@pytest.mark.rows(214)
def test_an_update_ends_runs_of_other_journeys(host):
    """R39, F214: one or many; EXITED at that instant, also out of a long wait; the reason names journey and step."""
    for name in ("a", "b", "c"):
        by_hand(host, name, Wait("rest", "30 days"))
        host.engine.enroll(name, ["c1", "c2"], at=START)
    host.deploy(Wait("first", "1 hour"), Update("stop", Chain.exit("a", "b")))
    host.say("go")
    host.tick("1 day")
    ended = {(each.journey, each.customer): each for each in host.engine.enrollments(status="EXITED").items}
    assert set(ended) == {("a", "c1"), ("b", "c1")}
    assert {(each.reason, each.ended_at) for each in ended.values()} == {("j/stop", after("1 hour"))}
    assert host.status() == ("COMPLETED", "")
    assert host.path(journey="a") == ["rest EXITED"]


@pytest.mark.rows(215)
def test_a_run_ends_itself(host):
    """R39, F215 ExitThisJourney: EXITED there, once all changes are made; nothing completes, nothing follows."""
    by_hand(host, "after", End("e"), trigger=Trigger("journey.completed"))
    by_hand(host, "other", Wait("rest", "9 days"))
    host.engine.enroll("other", "c1", at=START)
    host.deploy(Update("stop", Chain.exit_this(), tag.add("left")), Send("late", channel="EMAIL", template="t"))
    host.say("go")
    assert host.status() == ("EXITED", "j/stop")
    assert host.path() == ["stop"]
    assert host.attributes() == {"tags": ["left"]}
    assert host.messages() == []
    assert host.engine.find_enrollment("after", "c1") is None
    assert host.status(journey="other") == ("ACTIVE", "")


@pytest.mark.rows(215)
def test_a_run_ends_all_others(host):
    """R39, F215 ExitAllOtherJourneys: this one goes on."""
    for name in ("a", "b"):
        by_hand(host, name, Wait("rest", "9 days"))
        host.engine.enroll(name, "c1", at=START)
    host.deploy(Update("stop", Chain.exit_others()), Wait("rest", "1 day"))
    host.say("go")
    assert [host.status(journey=name) for name in ("a", "b", "j")] == [
        ("EXITED", "j/stop"),
        ("EXITED", "j/stop"),
        ("ACTIVE", ""),
    ]


@pytest.mark.rows(215)
def test_a_run_ends_all_and_itself(host):
    """R39, F215 ExitAllJourneys; what it enrolls in afterwards goes on, what it enrolled in before does not."""
    for name in ("a", "b", "c"):
        by_hand(host, name, Wait("rest", "9 days"), reentry="always")
    host.engine.enroll("a", "c1", at=START)
    host.deploy(Update("stop", Chain.enroll("b"), Chain.exit_all(), Chain.enroll("c", "a")))
    host.say("go")
    runs = host.engine.enrollments(customer="c1").items
    assert [(run.journey, run.run, run.status) for run in runs] == [
        ("a", 1, "EXITED"),
        ("j", 1, "EXITED"),
        ("b", 1, "EXITED"),
        ("c", 1, "ACTIVE"),
        ("a", 2, "ACTIVE"),
    ]


@pytest.mark.rows(214)
def test_a_run_that_names_its_own_journey_ends_itself(host):
    """R39: ExitJourney of the own journey is ExitThisJourney."""
    host.deploy(Update("stop", Chain.exit("x", "j")), Wait("rest", "1 day"))
    host.say("go")
    assert host.status() == ("EXITED", "j/stop")


def test_an_update_that_does_not_fit_says_nothing_to_others(host):
    """R39: a wrong type changes nothing, neither here nor elsewhere; the run goes on."""
    by_hand(host, "other", Wait("rest", "9 days"))
    host.engine.enroll("other", "c1", at=START)
    host.put(START, n="text")
    host.deploy(Update("stop", field("n").increment(), Chain.exit_all(), Chain.enroll("other")), End("done"))
    host.say("go")
    assert host.path() == ["stop type", "done"]
    assert host.status(journey="other") == ("ACTIVE", "")


def test_a_paused_run_is_ended_all_the_same(host):
    """R16: exits act during a pause."""
    by_hand(host, "other", Wait("rest", "9 days"))
    host.engine.enroll("other", "c1", at=START)
    host.tick()
    host.engine.pause("other", at=START)
    host.deploy(Update("stop", Chain.exit("other")))
    host.say("go")
    assert host.status(journey="other") == ("EXITED", "j/stop")


def test_orders_come_after_the_events_of_the_same_update(host):
    """R7, R39: one queue, first in, first out: an event of the Update still reaches a run that the Update ends."""
    by_hand(
        host,
        "other",
        Wait("heard", event="tag.added"),
        Update("mark", field("heard").set(True)),
        Wait("rest", "9 days"),
    )
    host.engine.enroll("other", "c1", at=START)
    host.deploy(Update("stop", Chain.exit("other"), tag.add("vip")))
    host.say("go")
    assert host.path(journey="other") == ["heard event", "mark", "rest EXITED"]


# --- what was sent ----------------------------------------------------------------------------------------------------


def test_what_a_run_sent_before_it_ended_itself_goes_out(host):
    """R71: a message is cancelled when its run was exited, not when its own journey says that this was all."""
    by_hand(host, "other", Send("spam", channel="EMAIL", template="t"), Wait("rest", "9 days"))
    host.engine.enroll("other", "c1", at=START)
    host.deploy(Send("bye", channel="EMAIL", template="t"), Update("stop", Chain.exit_all()))
    host.say("go")
    assert [message.step for message in host.claim()] == ["bye"]
    assert host.messages("other") == ["spam CANCELLED"]


# --- following one another --------------------------------------------------------------------------------------------


@pytest.mark.rows(36)
def test_the_end_of_a_journey_starts_the_next(host):
    """R50, R51, F36: journey.completed with data.journey; at the instant of the end, only for the journey named."""
    by_hand(host, "any", End("e"), trigger=Trigger("journey.completed"), reentry="always")
    by_hand(host, "next", End("e"), trigger=Trigger("journey.completed", where=field("event.journey").eq("j")))
    host.deploy(Wait("rest", "1 hour"))
    host.say("go")
    host.tick("1 day")
    runs = host.engine.enrollments(customer="c1").items
    assert [(run.journey, run.run, run.entered_at) for run in runs] == [
        ("j", 1, START),
        ("any", 1, after("1 hour")),
        ("next", 1, after("1 hour")),
        ("any", 2, after("1 hour")),
    ]
    assert host.refused() == {"event loop": 2}  # "any" by its own end, both times


def test_only_runs_that_reach_an_end_are_followed(host):
    """R40: exits and failures complete nothing."""
    by_hand(host, "next", End("e"), trigger=Trigger("journey.completed"))
    host.deploy(Wait("rest", "1 day"), exits=[Exit("gone", event="leave")])
    host.say("go")
    host.say("leave", "1 hour")
    host.tick("9 days")
    assert host.engine.find_enrollment("next", "c1") is None


@pytest.mark.rows(36, 216)
def test_journeys_that_start_one_another_go_round_once(host):
    """R53: a cycle of triggers, of enrollments, or of both, is walked once within one root item, then refused."""
    by_hand(host, "a", Update("go", Chain.enroll("b")), reentry="always")
    by_hand(host, "b", Update("go", tag.add("x"), tag.remove("x"), field("n").increment()), reentry="always")
    by_hand(host, "c", Update("go", Chain.enroll("a")), trigger=Trigger("field.changed"), reentry="always")
    host.engine.enroll("a", "c1", at=START)
    host.tick()
    runs = host.engine.enrollments(customer="c1").items
    assert [run.journey for run in runs] == ["a", "b", "c"]
    assert host.refused() == {"event loop": 1}
    assert host.engine.audit() == []


def test_a_cycle_through_a_wait_goes_on_at_its_pace(host):
    """R53: another root item is another round: once a day, not a hundred times at once."""
    by_hand(host, "a", Wait("day", "1 day"), Update("go", Chain.enroll("b")), reentry="always")
    by_hand(host, "b", Wait("day", "1 day"), Update("go", Chain.enroll("a")), reentry="always")
    host.engine.enroll("a", "c1", at=START)
    host.tick("10 days 1 hour")
    assert [host.engine.enrollments(name).total for name in ("a", "b")] == [6, 5]
    assert host.refused() == {}


def test_an_event_loop_is_seen_through_runs_that_rest(host):
    """R53: what a run does that another one brought into the journey goes back to that one, however it was woken."""
    by_hand(host, "a", Update("start", tag.add("one")), trigger=Trigger("go"), reentry="always")
    by_hand(
        host,
        "b",
        Wait("for", event="tag.added", where=field("event.tag").eq("two")),
        Update("again", Chain.enroll("a")),
        trigger=Trigger("tag.added", where=field("event.tag").eq("one")),
    )
    by_hand(host, "c", Update("two", tag.add("two")), trigger=Trigger("go"))
    host.say("go")
    assert host.path(journey="b") == ["for event", "again", "end"]
    assert host.engine.enrollments("a").total == 1
    assert host.refused() == {"event loop": 1}


def test_a_run_gives_a_hundred_orders_and_events_at_most(host):
    """R53: orders count among the events that a run emits; past the bound nothing of the Update happens."""
    by_hand(host, "a", Wait("rest", "9 days"))
    host.engine.enroll("a", "c1", at=START)
    host.deploy(Update("much", tag.add("x"), *(Chain.exit(f"k{n}") for n in range(100)), Chain.exit("a")))
    host.say("go")
    assert host.status() == ("FAILED", "event loop")
    assert host.attributes() == {}
    assert host.status(journey="a") == ("ACTIVE", "")


def test_orders_of_one_batch_reach_runs_of_the_same_batch(host):
    """R7: whatever the batch, also when the other run began in it."""
    by_hand(host, "other", Wait("rest", "9 days"), trigger=Trigger("begin"))
    host.deploy(Update("stop", Chain.exit("other")))
    host.engine.feed([Event("begin", customer="c1", at=START), Event("go", customer="c1", at=START)])
    host.tick()
    assert host.status(journey="other") == ("EXITED", "j/stop")
