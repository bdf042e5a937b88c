"""The stages of an event (R9): goals and exits (R42), runs that wait (R36), entries and their refusals (R20 to R24)."""

from datetime import timedelta

import pytest

from journeyflow import (
    Condition,
    End,
    Exit,
    Forbidden,
    Goal,
    InvalidJourney,
    Journey,
    NotFound,
    Reentry,
    Send,
    Trigger,
    Update,
    Wait,
    field,
    tag,
)
from tests.samples import START, Host, after, mail, open_engine, utc

REST = Wait("rest", "9 days")


def converted(host, run=None):
    """Give when the newest run reached its goal."""
    return host.engine.enrollment("j", "c1", run=run).converted_at


# --- stages ---------------------------------------------------------------------------------------------------------


def test_the_same_event_may_end_a_run_and_start_the_next(host):
    """An event ends a run in stage 2 or 3 and starts the next in stage 4 (R9)."""
    host.deploy(REST, reentry="always", exits=[Exit("again", event="go")])
    host.say("go")
    host.say("go", "1 day")
    assert host.engine.enrollment("j", "c1", run=1).reason == "again"
    assert host.engine.enrollment("j", "c1", run=1).ended_at == after("1 day")
    assert host.engine.enrollment("j", "c1", run=2).entered_at == after("1 day")


def test_the_effect_on_the_customer_comes_first(host):
    """Stage 1 is complete before exits, waits and triggers look (R9)."""
    host.deploy(Wait("reply", event="tag.added", where=field("customer.tags").contains("vip")))
    host.deploy(mail(), id="k", trigger=Trigger("tag.added", where=field("customer.tags").contains("vip")))
    host.say("go")
    host.say("tag.added", "1 hour", tag="vip")
    assert host.path() == ["reply event", "end"]
    assert host.path(journey="k") == ["hello queued", "end"]


def test_exits_act_before_waits(host):
    """Stage 2 before stage 3: an event that is both is an exit (R9)."""
    host.deploy(Wait("reply", event="bye"), exits=[Exit("left", event="bye")])
    host.say("go")
    host.say("bye", "1 hour")
    assert host.path() == ["reply EXITED"]
    assert host.status() == ("EXITED", "left")


def test_waits_act_before_entries(host):
    """Stage 3 before stage 4: what a released run does is seen by who enters (R9)."""
    host.deploy(Wait("reply", event="order"), Update("u", field("n").set(1)))
    host.deploy(Condition("n", field("customer.n").eq(1)), id="a", trigger=Trigger("order"))
    host.say("go")
    host.say("order", "1 hour")
    assert host.path(journey="a")[0] == "n yes"


def test_stage_two_is_complete_for_all_runs_before_stage_three(host):
    """Each stage is completed before the next (R9): the exit of a later run comes before the wait of an earlier one."""
    host.deploy(Wait("reply", event="order"), Update("u", tag.add("x")), id="first")
    host.deploy(
        Wait("reply", event="other"),
        id="second",
        exits=[Exit("done", event="order", where=field("customer.tags").not_contains("x"))],
    )
    host.say("go")
    host.say("order", "1 hour")
    assert host.status(journey="second") == ("EXITED", "done")


def test_runs_that_wait_go_on_by_serial(host):
    """Enrollments that wait for it, by serial (R9)."""
    for journey in ("b", "a", "c"):
        host.deploy(
            Wait("reply", event="order"),
            Update("u", field("log").append("{{ enrollment.journey }}")),
            id=journey,
            trigger=Trigger(f"go-{journey}"),
        )
        host.say(f"go-{journey}")
    host.say("order", "1 hour")
    assert host.attributes()["log"] == ["b", "a", "c"]


def test_entries_go_by_the_journeys_id(host):
    """Entries, journeys by id (R9)."""
    for journey in ("b", "a", "c"):
        host.deploy(Update("u", field("log").append("{{ enrollment.journey }}")), id=journey)
    host.say("go")
    assert host.attributes()["log"] == ["a", "b", "c"]


# --- entry ----------------------------------------------------------------------------------------------------------


@pytest.mark.rows(7, 37, 41, 42, 44)
def test_an_event_enters_every_journey_whose_trigger_matches(host):
    """Type equal, criteria true (R20); a trigger that does not match is not stored (R21)."""
    host.deploy(mail(), id="all")
    host.deploy(mail(), id="big", trigger=Trigger("go", where=field("amount").gte(10)))
    host.deploy(mail(), id="gold", trigger=Trigger("go", where=field("tier").eq("Gold")))
    host.deploy(mail(), id="other", trigger=Trigger("went"))
    host.deploy(mail(), id="hand", trigger=Trigger(manual=True))
    host.put(START, tier="Gold")
    host.say("go", START, amount=5)
    entered = [each.journey for each in host.engine.enrollments().items]
    assert entered == ["all", "gold"]
    assert host.refused() == {}


def test_an_unknown_customer_is_created_without_attributes(host):
    """An unknown customer in an event is created, without field.changed (R20)."""
    host.deploy(mail(), trigger=Trigger("field.changed"))
    host.say("go", START, "new")
    assert host.attributes("new") == {}
    assert host.engine.find_enrollment("j", "new") is None


def test_runs_are_numbered_per_customer_and_journey(host):
    """Run numbers count per (tenant, journey, customer); serials are given in order of entry, never reused (R22)."""
    host.deploy(mail(), reentry="always")
    host.say("go", START, "c1")
    host.say("go", START, "c2")
    host.say("go", "1 hour", "c1")
    found = host.engine.enrollments().items
    assert [(each.customer, each.run, each.serial) for each in found] == [("c1", 1, 1), ("c2", 1, 2), ("c1", 2, 3)]


def test_an_older_version_with_another_trigger_hears_nothing_any_more(host):
    """The trigger of the newest version as of the event's own instant counts (R11, R12, R20)."""
    host.deploy(mail("one"))
    host.deploy(mail("two"), trigger=Trigger("went"), when="1 hour")
    host.feed("go", "2 hours", "c1")
    host.feed("went", "2 hours", "c2")
    host.feed("go", "30 minutes", "c3")
    host.tick("1 day")
    assert [each.customer for each in host.engine.enrollments().items] == ["c3", "c2"]


@pytest.mark.rows(45)
def test_run_criteria_may_name_the_trigger(host):
    """trigger.x of the event that would start the run (R59)."""
    host.deploy(mail(), run_criteria=field("trigger.amount").gte(10))
    host.say("go", START, amount=10)
    host.say("go", START, "c2")
    assert host.path() == ["hello queued", "end"]
    assert host.last_refusal("c2") == ("run criteria", {"trigger.amount": None})


# --- refusals -------------------------------------------------------------------------------------------------------


GATES = {
    "run_criteria": field("plan").eq("paid"),
    "exits": [Exit("gone", when=field("gone").eq(True))],
    "consent": "required",
    "reentry": "never",
}


@pytest.mark.rows(45)
def test_the_first_failure_refuses_in_the_order_of_the_rule(host):
    """Lifecycle, run criteria, exit rule, consent, already inside, re-entry: the first that fails is told (R21)."""
    host.deploy(mail("hello", transactional=True), Wait("rest", "1 day"), **GATES)
    reasons = []

    def refused(when, **attributes):
        host.put(when, **attributes)
        host.say("go", when)
        reasons.append(host.last_refusal()[0])

    host.engine.pause("j", at=after("1 hour"))
    refused("1 hour", plan="free", gone=True)
    host.engine.resume("j", at=after("2 hours"))
    refused("2 hours")
    refused("3 hours", plan="paid")
    refused("4 hours", gone=None)
    host.put("5 hours", consent={"EMAIL": True})
    host.say("go", "5 hours")
    assert host.status() == ("ACTIVE", "")
    refused("6 hours")
    host.tick("3 days")
    refused("4 days")
    assert reasons == ["paused", "run criteria", "exit rule", "consent", "already inside", "re-entry"]


def test_refusals_are_counted_per_day_and_reason(host):
    """Kept: a counter per (journey, reason, day); days are the journey's (R21)."""
    host.deploy(REST, timezone="Asia/Tokyo")
    host.say("go")
    for when in ("1 hour", "2 hours", "10 hours", "30 hours"):
        host.say("go", when)
    rows = host.rows("SELECT day, reason, count FROM refusals ORDER BY day")
    assert rows == [("2026-01-05", "already inside", 2), ("2026-01-06", "already inside", 2)]


def test_the_last_refusal_keeps_the_values_compared(host):
    """The last refusal per (journey, customer) with the values compared (R21, R85)."""
    host.deploy(
        mail(),
        trigger=Trigger("go", where=field("amount").gte(1)),
        run_criteria=field("plan").eq("paid") & field("event.amount").lt(100),
    )
    host.put(START, plan="free")
    host.say("go", START, amount=5)
    assert host.last_refusal() == ("run criteria", {"amount": 5, "plan": "free", "event.amount": 5})
    host.put("1 hour", plan="paid")
    host.say("go", "1 hour", amount=500)
    assert host.last_refusal() == ("run criteria", {"amount": 500, "plan": "paid", "event.amount": 500})
    assert host.refused() == {"run criteria": 2}


@pytest.mark.parametrize(
    ("reentry", "when", "enters"),
    [
        ("never", "300 days", False),
        ("always", "0 seconds", True),
        (Reentry.after("1 month"), utc("2026-02-05 07:59:59"), False),
        (Reentry.after("1 month"), utc("2026-02-05 08:00"), True),
        (Reentry.after("90 minutes"), "89 minutes", False),
        (Reentry.after("90 minutes"), "90 minutes", True),
    ],
)
@pytest.mark.rows(17)
def test_reentry_says_who_may_come_again(host, reentry, when, enters):
    """Never, always, after a duration since the previous entry; exactly then is allowed (R22)."""
    host.deploy(mail(), reentry=reentry)
    host.say("go")
    assert host.say("go", when).entered == enters
    assert host.refused() == ({} if enters else {"re-entry": 1})


def test_reentry_counts_from_the_previous_entry(host):
    """Since the previous entry, calendar arithmetic in the journey's zone (R22, R33)."""
    host.deploy(mail(), reentry=Reentry.after("1 day"), timezone="Europe/Paris")
    host.say("go", utc("2026-03-28 08:00"))
    assert host.say("go", utc("2026-03-29 06:59")).entered == 0
    assert host.say("go", utc("2026-03-29 07:00")).entered == 1
    assert host.say("go", utc("2026-03-30 06:59")).entered == 0


def test_consent_is_asked_for_any_channel_of_the_journey(host):
    """Consent where the journey requires it (R21, R54): one channel that may be used is enough."""
    host.deploy(mail(), Send("sms", channel="SMS", template="t"), consent="required")
    host.put(START, "sms", consent={"SMS": True, "EMAIL": False})
    host.put(START, "no", consent={"SMS": False, "PUSH": True})
    for customer in ("sms", "no", "none"):
        host.say("go", START, customer)
    assert host.path("sms") == ["hello SKIPPED consent", "sms queued", "end"]
    assert host.refused() == {"consent": 2}


def test_a_journey_that_requires_consent_has_a_send():
    """Without one there is no channel to consent to (R13, R54); an empty draft may still get one."""
    steps = [Condition("c", field("vip").eq(True), yes=[Update("u", tag.add("x"))])]
    with pytest.raises(InvalidJourney, match="consent: no Send names a channel to consent to"):
        Journey("j", steps=steps, consent="required")
    Journey("j", consent="required", steps=[])
    Journey("j", consent="required", steps=[Condition("c", field("vip").eq(True), yes=[mail()])])


# --- manual enrollment ----------------------------------------------------------------------------------------------


@pytest.mark.rows(22, 129, 130)
def test_enrolling_by_hand_skips_the_trigger(host):
    """Manual enrollment skips trigger (R24), and creates an unknown customer."""
    host.deploy(mail(), trigger=Trigger("go", where=field("tier").eq("Gold")))
    host.engine.enroll("j", ["c1", "c2"], at=START)
    assert host.tick().entered == 2
    assert host.path("c2") == ["hello queued", "end"]


@pytest.mark.parametrize(("force", "status"), [(False, "refused: run criteria"), (True, "handled")])
def test_force_passes_what_a_host_may_pass(host, force, status):
    """force=True also skips run criteria, consent and re-entry (R24)."""
    host.deploy(mail("hello", transactional=True), consent="required", run_criteria=field("plan").eq("paid"))
    host.engine.enroll("j", "c1", at=START, force=force)
    host.tick()
    assert host.outcomes() == [status]


def test_force_passes_reentry_but_never_already_inside(host):
    """Never "already inside" (R24)."""
    host.deploy(Wait("rest", "1 day"))
    for when in ("0 days", "1 hour", "2 days"):
        host.engine.enroll("j", "c1", at=after(when), force=True)
        host.tick(when)
    assert host.outcomes() == ["handled", "refused: already inside", "handled"]
    assert host.engine.enrollment("j", "c1").run == 2


def test_force_does_not_pass_an_exit_rule(host):
    """Force skips what the rule names, no more (R24)."""
    host.deploy(mail(), exits=[Exit("gone", when=field("gone").eq(True))])
    host.put(START, gone=True)
    host.engine.enroll("j", "c1", at=START, force=True)
    host.tick()
    assert host.outcomes()[-1] == "refused: exit rule"


@pytest.mark.rows(131)
def test_enrolling_into_a_journey_that_is_not_active_is_forbidden(host):
    """On a journey that is not ACTIVE: a forbidden error; unknown ones are not found (R10, R24)."""
    host.deploy(mail(), when="1 hour")
    with pytest.raises(Forbidden, match="'j' is DRAFT"):
        host.engine.enroll("j", "c1", at=START)
    host.engine.pause("j", at=after("2 hours"))
    with pytest.raises(Forbidden, match="'j' is PAUSED"):
        host.engine.enroll("j", "c1", at=after("2 hours"))
    with pytest.raises(NotFound, match="did you mean 'j'"):
        host.engine.enroll("jj", "c1", at=START)
    assert host.outcomes() == []


def test_an_enrollment_that_meets_a_pause_is_a_recorded_refusal(host):
    """The rest is a recorded refusal (R10)."""
    host.deploy(mail())
    host.engine.enroll("j", "c1", at=after("2 hours"))
    host.engine.pause("j", at=after("1 hour"))
    host.tick("1 day")
    assert host.outcomes() == ["refused: paused"]
    assert host.refused() == {"paused": 1}


def test_the_same_call_may_enroll_again_what_it_let_in(host):
    """Enrolled twice in one call: inside already (R21)."""
    host.deploy(REST)
    host.engine.enroll("j", ["c1", "c1"], at=START)
    host.tick()
    assert host.outcomes() == ["handled", "refused: already inside"]


# --- messages reach their own run only ------------------------------------------------------------------------------


def two_runs(host, *steps, **options):
    """Enter one customer into two journeys that send; give their messages."""
    host.deploy(mail(), *steps, **options)
    host.deploy(mail(), *steps, id="k", **options)
    host.say("go")
    return host.claim()


def test_a_message_event_reaches_the_wait_of_its_run_only(host):
    """message.* events reach waits only of the run whose message it is (R36)."""
    first, _ = two_runs(host, Wait("reply", event="message.clicked"))
    host.say("message.clicked", "1 hour", message=first.id)
    assert host.path() == ["hello queued", "reply event", "end"]
    assert host.path(journey="k") == ["hello queued", "reply ACTIVE"]


def test_any_message_opts_out(host):
    """any_message=True opts out, for waits, exits and goals (R36)."""
    first, _ = two_runs(
        host,
        Wait("reply", event="message.clicked", any_message=True),
        REST,
        goal=Goal("message.opened", any_message=True),
        exits=[Exit("off", event="message.unsubscribed", any_message=True)],
    )
    host.say("message.clicked", "1 hour", message=first.id)
    host.say("message.opened", "2 hours", message=first.id)
    host.say("message.unsubscribed", "3 hours", message=first.id)
    for journey in "jk":
        found = host.engine.enrollment(journey, "c1")
        assert (found.reason, found.converted_at) == ("off", after("2 hours"))
        assert host.path(journey=journey)[1] == "reply event"


def test_exits_and_goals_hear_their_own_messages_only(host):
    """message.* events reach exits and goals only of the run whose message it is (R36)."""
    _, second = two_runs(host, REST, goal=Goal("message.opened"), exits=[Exit("off", event="message.unsubscribed")])
    host.say("message.opened", "1 hour", message=second.id)
    host.say("message.unsubscribed", "2 hours", message=second.id)
    assert host.status() == ("ACTIVE", "")
    assert converted(host) is None
    assert host.status(journey="k") == ("EXITED", "off")


def test_a_goal_reads_the_messages_of_a_run_that_has_ended(host):
    """R42, R59: it may be reached after the end, and by what happened to a message before the end or after it."""
    host.deploy(mail(), goal=Goal("order", where=field("message.hello.opened").eq(True)))
    host.say("go")
    [message] = host.claim()
    assert host.status() == ("COMPLETED", "")
    host.say("order", "1 hour")
    assert converted(host) is None
    host.say("message.opened", "2 hours", message=message.id)
    host.say("order", "3 hours")
    assert converted(host) == after("3 hours")


def test_a_message_event_without_a_message_reaches_nobody_in_particular(host):
    """Without data.message it is nobody's (R36), but it may trigger."""
    host.deploy(Wait("reply", event="message.clicked"))
    host.deploy(Wait("reply", event="message.clicked", any_message=True), id="k")
    host.deploy(End("done"), id="t", trigger=Trigger("message.clicked"))
    host.say("go")
    host.say("message.clicked", "1 hour")
    assert host.path() == ["reply ACTIVE"]
    assert host.path(journey="k") == ["reply event", "end"]
    assert host.path(journey="t") == ["done"]


# --- event loops ----------------------------------------------------------------------------------------------------


def test_a_run_cannot_cause_its_own_journey_to_be_entered(host):
    """Refused "event loop" (R53): the end of the journey triggers the same journey."""
    host.deploy(mail(), reentry="always", trigger=Trigger("journey.completed"))
    host.engine.enroll("j", "c1", at=START)
    host.tick()
    assert host.refused() == {"event loop": 1}
    assert host.engine.enrollments("j").total == 1


def test_nor_indirectly_through_other_journeys(host):
    """However indirectly, within the same root item (R53): ping to pong to ping."""
    for journey, heard, told in (("a", "ping", "pong"), ("b", "pong", "ping")):
        trigger = Trigger("tag.added", where=field("tag").eq(heard))
        host.deploy(Update("u", tag.remove(heard), tag.add(told)), id=journey, trigger=trigger, reentry="always")
    host.say("tag.added", START, tag="ping")
    assert [each.journey for each in host.engine.enrollments().items] == ["a", "b"]
    assert host.last_refusal() == ("event loop", {"tag": "ping"})


def test_the_next_root_item_may_enter_again(host):
    """Only within the same root item (R53)."""
    host.deploy(Update("u", field("n").increment()), reentry="always", trigger=Trigger("field.changed"))
    host.put(START, x=1)
    host.put("1 hour", x=2)
    host.tick("1 hour")
    assert host.engine.enrollments("j").total == 2
    assert host.attributes()["n"] == 2
    assert host.refused() == {"event loop": 2}


def test_an_event_loop_does_not_stop_other_journeys(host):
    """The refusal is about that journey alone (R53)."""
    host.deploy(mail(), trigger=Trigger("journey.completed"), reentry="always")
    host.deploy(mail(), id="k", trigger=Trigger("journey.completed"), reentry="always")
    host.engine.enroll("j", "c1", at=START)
    host.tick()
    assert [each.journey for each in host.engine.enrollments().items] == ["j", "k"]
    assert host.refused() == {"event loop": 3}


def test_an_entry_counts_by_its_effective_instant():
    """With grace, re-entry counts from the instant at which the earlier run really started (R5, R22)."""
    host = Host(open_engine("memory", grace="1 hour"))
    host.deploy(mail(), reentry=Reentry.after("1 day"))
    host.feed("go", START)
    host.tick("10 hours")
    assert host.say("go", "33 hours").entered == 0
    assert host.say("go", "34 hours").entered == 1
    assert host.engine.enrollment("j", "c1").entered_at - START == timedelta(hours=34)
