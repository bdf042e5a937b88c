"""Why somebody did not enter a journey, and whether the same event would let them in now (R21, R85)."""

from typing import Any

import pytest

from journeyflow import End, Exit, Goal, Journey, Limits, NotFound, Reentry, Send, Trigger, Wait, field
from tests.samples import START, Host, after, open_engine, statements

HELLO = Send("hello", channel="EMAIL", template="t")
REST = Wait("rest", "1 day")
GOLD = Trigger("joined", where=field("membershipTier").in_(["Gold", "Platinum"]))


def why(host, when=None, customer="c1"):
    """Ask why a customer is not in j."""
    return host.engine.why_not("j", customer, at=None if when is None else after(when))


def test_a_trigger_that_did_not_match_is_asked_again(host):
    """Nothing is stored of it; the customer's newest event of that type is compared anew."""
    host.deploy(HELLO, trigger=GOLD)
    host.put(START, membershipTier="Silver")
    host.say("joined", "1 hour")
    found = why(host, "2 hours")
    assert (found.reason, found.at, found.seen) == ("trigger criteria", after("1 hour"), {"membershipTier": "Silver"})
    assert found.told == "membershipTier 'Silver' not in ['Gold', 'Platinum']"
    assert (found.would_enter, found.against) == (False, "trigger criteria")
    assert str(found) == (
        "trigger criteria: membershipTier 'Silver' not in ['Gold', 'Platinum']\n"
        "  at 2026-01-05 09:00:00\n"
        "  the same at 2026-01-05 10:00:00: would not enter, "
        "trigger criteria: membershipTier 'Silver' not in ['Gold', 'Platinum']"
    )


def test_what_has_changed_since_would_let_somebody_in(host):
    """The newest event is the same, the customer is not: would enter."""
    host.deploy(HELLO, trigger=GOLD)
    host.put(START, membershipTier="Silver")
    host.say("joined", "1 hour")
    host.put("2 hours", membershipTier="Gold")
    host.tick("2 hours")
    found = why(host, "3 hours")
    assert (found.reason, found.would_enter, found.against) == ("trigger criteria", True, "")
    assert str(found).splitlines() == [
        "trigger criteria: they did not hold then; since, the customer has changed",
        "  at 2026-01-05 09:00:00",
        "  the same at 2026-01-05 11:00:00: would enter",
    ]


def test_the_data_of_the_newest_event_count(host):
    """Of several events the newest says why."""
    host.deploy(HELLO, trigger=Trigger("buy", where=field("amount").gte(100)))
    host.say("buy", START, amount=5)
    host.say("buy", "1 hour", amount=50)
    found = why(host)
    assert (found.told, found.asked_at) == ("amount 50 not >= 100", after("1 hour"))


def refuse(host, reason):
    """Have c1 refused for a reason, an hour after the start."""
    of: dict[str, dict[str, Any]] = {
        "paused": {},
        "run criteria": {"run_criteria": field("plan").eq("paid") & field("event.amount").lt(100)},
        "exit rule": {"exits": [Exit("gone", when=field("left").eq(True))]},
        "consent": {"consent": "required"},
        "already inside": {},
        "re-entry": {"reentry": Reentry.after("30 days")},
    }
    host.put(START, plan="free", left=True)
    host.deploy(HELLO, REST, **of[reason])
    if reason in {"already inside", "re-entry"}:
        host.say("go")
    if reason == "paused":
        host.engine.pause("j", at=after("1 hour"))
    host.say("go", "25 hours" if reason == "re-entry" else "1 hour", amount=5)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("paused", "only an ACTIVE journey is entered"),
        ("run criteria", "plan 'free' is not 'paid'"),
        ("exit rule", "'gone', left True = True"),
        ("consent", "it is required, and given for none of EMAIL"),
        ("already inside", "run 1, since 2026-01-05 08:00:00"),
        ("re-entry", "run 1 entered 2026-01-05 08:00:00, again from 2026-02-04 08:00:00"),
    ],
)
def test_a_refusal_is_told_with_what_it_means(host, reason, told):
    """Each reason of R21 in words, with the values compared then; asked again at once, the same stands against it."""
    refuse(host, reason)
    found = why(host)
    assert (found.reason, found.told) == (reason, told)
    assert found.at == after("25 hours" if reason == "re-entry" else "1 hour")
    assert (found.against, found.told_now) == (reason, f"{reason}: {told}")
    assert reason != "exit rule" or found.seen == {"left": True}


def test_what_stood_against_it_may_be_over(host):
    """Would enter, after the period of re-entry, the resume, the change of the customer."""
    refuse(host, "re-entry")
    assert not why(host, "29 days").would_enter
    assert why(host, "30 days").would_enter


def test_asking_changes_nothing(host):
    """The attempt is made on a copy: nobody enters, nothing is refused, nothing is written."""
    refuse(host, "run criteria")
    before = host.rows("SELECT * FROM enrollments"), host.refused(), host.rows("SELECT * FROM customers")
    host.put("2 hours", plan="paid")
    host.tick("2 hours")
    assert why(host, "3 hours").would_enter
    assert (host.rows("SELECT * FROM enrollments"), host.refused()) == before[:2]
    assert host.engine.find_enrollment("j", "c1") is None


def test_who_entered_is_told_so(host):
    """Nothing was against it; what stands against the next time is told all the same."""
    host.deploy(HELLO, REST, trigger=GOLD)
    host.put(START, membershipTier="Gold")
    host.say("joined")
    found = why(host)
    assert (found.reason, found.told, found.at) == ("", "run 1 entered and is inside", START)
    assert found.against == "already inside"
    host.tick("2 days")
    assert why(host).told == "run 1 entered and COMPLETED"
    assert why(host).told_now == "re-entry: run 1 entered 2026-01-05 08:00:00, and a customer enters only once"


def test_somebody_of_whom_nothing_was_told(host):
    """No event of that type, a customer whom nobody has named, a journey that is entered by hand."""
    host.deploy(HELLO, trigger=GOLD)
    assert (why(host).reason, why(host).told) == ("unknown customer", "nothing was ever reported about this customer")
    host.put(START, membershipTier="Gold")
    host.tick()
    assert (why(host).reason, why(host).told) == ("no event", "no 'joined' was ever reported about this customer")
    assert why(host, "1 hour").would_enter
    host.deploy(HELLO, id="tagged", trigger=Trigger("tag.added", where=field("tag").eq("vip")))
    assert host.engine.why_not("tagged", "c1").told.endswith(
        "what put_customer, an Update or a run brings about is not kept as an event"
    )
    host.deploy(HELLO, id="hand", trigger=Trigger(manual=True))
    found = host.engine.why_not("hand", "c1")
    assert (found.reason, found.would_enter) == ("by hand", True)


def test_an_event_that_came_of_nothing(host):
    """One that waits for a tick, one from before the activation, one that another version did not listen to."""
    host.engine.publish(Journey(id="j", trigger=Trigger("go"), steps=[HELLO]), at=START)
    host.say("go")
    assert (why(host).reason, why(host).told) == ("draft", "only an ACTIVE journey is entered")
    host.engine.activate("j", at=after("1 hour"))
    host.feed("go", "2 hours")
    assert (why(host).reason, why(host).would_enter) == ("waits for a tick", True)
    host.deploy(End("done"), id="k", trigger=Trigger("old"))
    host.say("new", "1 hour", "c2")
    host.deploy(End("done"), id="k", trigger=Trigger("new"), when="2 hours")
    found = host.engine.why_not("k", "c2")
    assert (found.reason, found.told) == ("trigger", "version 1 listened to 'old'")


def test_duplicates_are_told_as_such(host):
    """What became of the event is the answer where it never was asked about."""
    from journeyflow import Event  # noqa: PLC0415 used here alone

    host.deploy(HELLO, trigger=Trigger("joined", where=field("a").eq(1)))
    for when in ("1 hour", "2 hours"):
        host.engine.feed(Event("joined", customer="c1", at=after(when), id="e1"))
    host.tick("2 hours")
    assert why(host).reason == "duplicate"


def test_an_enrollment_can_be_given_and_unknown_journeys_are_not_found(host):
    """Takes an enrollment or (journey, customer); another tenant's journey is unknown (R84, R85, R91)."""
    host.deploy(HELLO, REST)
    host.say("go")
    assert host.engine.why_not(host.engine.enrollment("j", "c1")).against == "already inside"
    with pytest.raises(NotFound, match="no journey 'x'"):
        host.engine.why_not("x", "c1")
    with pytest.raises(NotFound, match="no journey 'j'"):
        host.engine.tenant("other").why_not("j", "c1")


def test_an_unknown_reason_shows_the_values(host):
    """A loop of events has no words of its own: the values compared stand for it."""
    host.deploy(End("done"), trigger=Trigger("journey.completed", where=field("journey").eq("j")), reentry="always")
    host.engine.enroll("j", "c1", at=START)
    host.tick()
    found = why(host)
    assert (found.reason, found.told) == ("event loop", "journey = 'j'")


def test_the_answer_takes_few_statements_however_much_was_told():
    """No statement per event, run or journey; the rest of many runs takes one more than a few do."""
    counts = []
    for many in (25, 50):
        with open_engine("sqlite") as engine:
            host = Host(engine)
            host.deploy(HELLO, reentry="always")
            for hour in range(many):
                host.feed("go", f"{hour} hours")
                host.deploy(HELLO, id=f"k{hour}")
            host.tick("90 hours")
            with statements(engine) as asked:
                why(host)
            counts.append(len(asked))
    assert counts[0] == counts[1] <= 15


def test_parallel_runs_are_told_apart_by_the_key_of_the_event(host):
    """The run with the key of the newest event counts; a trigger without one is missing it (R22)."""
    host.deploy(HELLO, REST, reentry=Reentry("never", key="event.cart"))
    host.say("go", START, cart="a")
    host.say("go", "1 hour", cart="b")
    host.say("go", "2 hours", cart="a")
    assert why(host).told == "run 1, since 2026-01-05 08:00:00"
    host.say("go", "3 hours")
    assert (why(host).reason, why(host).told_now) == ("key missing", "key missing")


def test_who_is_kept_out_for_comparison_is_told_so(host):
    """HOLDOUT is not a refusal: the person counts, and runs nothing (R25)."""
    host.deploy(HELLO, REST, holdout=100, goal=Goal("order", within="1 day"))
    host.put(START)
    host.tick()
    assert (why(host).against, why(host).would_enter) == ("holdout", False)
    host.say("go")
    found = why(host)
    assert (found.reason, found.told) == ("holdout", "run 1 is in the holdout")
    assert found.told_now == "already inside: run 1, since 2026-01-05 08:00:00, in the holdout"


def test_an_event_about_a_message_says_what_message_it_is(host):
    """A trigger on a certain mail is asked with the step and template of the message that was opened (R51)."""
    host.deploy(HELLO, REST, id="k")
    host.deploy(End("done"), trigger=Trigger("message.opened", where=field("template").eq("other")))
    host.say("go")
    host.say("message.opened", "1 hour", message="memory-1-1")
    found = why(host)
    assert (found.reason, found.told) == ("trigger criteria", "template 't' is not 'other'")
    host.deploy(End("done"), trigger=Trigger("message.opened", where=field("template").eq("t")), when="2 hours")
    assert why(host, "3 hours").would_enter


def test_nobody_would_enter_an_archived_journey(host):
    """ARCHIVED is final, also for the same event again (R11)."""
    host.deploy(HELLO, REST)
    host.say("go")
    host.engine.archive("j", at=after("1 hour"))
    assert (why(host).against, why(host).told_now) == ("archived", "archived: only an ACTIVE journey is entered")


def test_who_would_have_to_wait_for_a_slot_is_told_so(host):
    """The entry limit is tried too, with everybody who took a slot (R23)."""
    host.deploy(HELLO, limits=Limits(per_hour=1), reentry="always")
    host.say("go", START, "c2")
    host.put("1 minute")
    host.tick("1 minute")
    found = why(host, "10 minutes")
    assert (found.against, found.would_enter) == ("entry limit", False)
    assert found.told_now == "entry limit: would wait for a slot, at the earliest 2026-01-05 09:00:00"
    assert why(host, "1 hour").would_enter


def test_who_waits_for_a_slot_is_told_since_when(host):
    """An entry in the queue did match; it is neither inside nor refused (R23)."""
    host.deploy(HELLO, limits=Limits(per_hour=1), trigger=GOLD)
    host.put(START, membershipTier="Gold")
    host.engine.put_customer("c2", {"membershipTier": "Gold"}, at=START)
    host.say("joined", START, "c2")
    host.say("joined", "1 minute")
    found = why(host, "2 minutes")
    assert (found.reason, found.at) == ("entry limit", after("1 minute"))
    assert found.told == "waits for a slot since 2026-01-05 08:01:00"
    assert found.told_now == "already deferred: waits for a slot since 2026-01-05 08:01:00"
    host.say("joined", "2 minutes")
    found = why(host)
    assert (found.reason, found.told) == ("already deferred", "waits for a slot since 2026-01-05 08:01:00")
    host.tick("1 hour")
    assert why(host).told == "run 1 entered and COMPLETED"


def test_the_place_in_the_queue_is_that_of_the_key(host):
    """Another key's place says nothing of this one (R22, R23)."""
    host.deploy(HELLO, limits=Limits(per_hour=1), reentry=Reentry("never", key="event.cart"))
    for minute, cart in enumerate(("a", "b", "c")):
        host.say("go", f"{minute} minutes", cart=cart)
    assert why(host).told == "waits for a slot since 2026-01-05 08:02:00"
    host.say("go", "3 minutes", cart="a")
    assert (why(host).reason, why(host).told) == (
        "re-entry",
        "run 1 entered 2026-01-05 08:00:00, and a customer enters only once",
    )


def test_what_is_tried_without_an_event_is_named(host):
    """Of what was never told, or not kept, there is no "same event": a bare one is tried, and called so (R85)."""
    host.deploy(HELLO, trigger=GOLD)
    assert (
        str(why(host)).splitlines()[1].startswith("  an event 'joined' without data at 2026-01-05 08:00:00: would not")
    )
    host.deploy(HELLO, id="hand", trigger=Trigger(manual=True))
    text = str(host.engine.why_not("hand", "c1"))
    assert text.splitlines()[1] == "  an enrollment by hand at 2026-01-05 08:00:00: would enter"


def test_an_entry_after_the_last_refusal_is_the_answer(host):
    """Refused, then let in by hand: who is inside is not told of the refusal (R24, R85)."""
    host.deploy(HELLO, REST, run_criteria=field("plan").eq("paid"))
    host.put(START, plan="free")
    host.say("go")
    host.engine.enroll("j", "c1", at=after("1 hour"), force=True)
    host.tick("1 hour")
    assert (why(host).reason, why(host).told) == ("", "run 1 entered and is inside")


@pytest.mark.parametrize("given_up", ["archive", "exit"])
def test_who_was_taken_out_of_the_queue_is_told_so(host, given_up):
    """Nothing is kept of a place that was given up; it is not said that the criteria did not hold (R23, R85)."""
    host.deploy(HELLO, limits=Limits(per_hour=1))
    host.deploy(HELLO, id="gold", limits=Limits(per_hour=1), trigger=Trigger("go", where=field("vip").eq(True)))
    for customer in ("c1", "c2"):
        host.engine.put_customer(customer, {"vip": True}, at=START)
    host.say("go", START, "c2")
    host.say("go", "1 minute")
    for journey in ("j", "gold"):
        if given_up == "archive":
            host.engine.archive(journey, at=after("2 minutes"))
        else:
            host.engine.exit(journey, "c1", at=after("2 minutes"))
    host.tick("2 minutes")
    found = why(host)
    assert (found.reason, found.told) == ("entry limit", "waited for a slot, and was taken out of the queue")
    found = host.engine.why_not("gold", "c1")
    assert found.reason == "trigger criteria"
    assert found.told == "they did not hold then, or the customer waited for a slot and was taken out of the queue"


def test_what_is_tried_is_tried_after_all_that_is_known(host):
    """By default at the newest instant of the customer in the journey, that of an entry from the queue too."""
    host.deploy(HELLO, limits=Limits(per_hour=1))
    host.say("go", START, "c2")
    host.say("go", "1 minute")
    host.tick("1 hour")
    assert why(host).asked_at == after("1 hour")


def test_a_refusal_counts_while_a_newer_event_waits_for_a_tick(host):
    """What that event will come to is not known yet; once it is handled, the refusal is history (R85)."""
    host.deploy(HELLO, trigger=Trigger("go", where=field("amount").gt(5)), run_criteria=field("plan").eq("paid"))
    host.put(START, plan="free")
    host.say("go", START, amount=10)
    host.feed("go", "1 hour", amount=1)
    assert (why(host).reason, why(host).at) == ("run criteria", START)
    host.tick("1 hour")
    assert (why(host).reason, why(host).at) == ("trigger criteria", after("1 hour"))


def test_an_entry_elsewhere_or_of_old_is_no_entry(host):
    """Neither the run that the same event starts in another journey nor an earlier one of this journey (R23, R85)."""
    host.deploy(HELLO, limits=Limits(per_hour=1), reentry="always")
    host.deploy(HELLO, id="other", reentry="always")
    host.say("go")
    host.say("go", "1 hour", "c2")
    found = why(host, "80 minutes")
    assert (found.against, found.told_now) == (
        "entry limit",
        "entry limit: would wait for a slot, at the earliest 2026-01-05 10:00:00",
    )


# --- whose, and of when -----------------------------------------------------------------------------------------------


def test_refusals_places_and_entries_of_others_and_elsewhere_are_no_answer(host):
    """Those of another customer by this journey, and of this customer by another, say nothing (R85)."""
    strict = {"run_criteria": field("plan").eq("paid"), "reentry": "always"}
    host.deploy(HELLO, id="k", trigger=Trigger("other"), **strict)
    host.deploy(HELLO, trigger=Trigger("go", where=field("n").eq(1)), **strict)
    for customer in ("c1", "c2"):
        host.put(START, customer, n=1 if customer == "c2" else 0)
        host.feed("go", "1 hour", customer)
        host.feed("other", "2 hours", customer)
    host.tick("2 hours")
    assert (why(host).reason, why(host).asked_at) == ("trigger criteria", after("1 hour"))
    assert why(host, customer="c2").reason == "run criteria"
    host.put("3 hours", "c1", plan="paid")
    host.put("3 hours", "c2", plan="paid")
    for customer, kind in (("c1", "other"), ("c2", "go")):
        host.say(kind, "4 hours", customer)
    assert (why(host).reason, why(host).asked_at) == ("trigger criteria", after("1 hour"))


def test_places_in_other_queues_are_none_of_this_one(host):
    """One waits in another journey, another one in this: the first has not been refused by it (R23, R85)."""
    for name, kind in (("j", "go"), ("k", "other")):
        host.deploy(HELLO, id=name, limits=Limits(per_hour=1), trigger=Trigger(kind), reentry="always")
    for customer, kind in (("c3", "go"), ("c2", "go"), ("c3", "other"), ("c1", "other")):
        host.say(kind, START, customer)
    assert why(host).reason == "no event"
    assert why(host, customer="c2").reason == "entry limit"


def test_what_another_journey_refuses_does_not_stand_against_this_one(host):
    """The same event is asked of both, and each answers for itself (R9, R21)."""
    host.deploy(HELLO, id="first", run_criteria=field("plan").eq("paid"))
    host.deploy(HELLO)
    host.put(START, plan="free")
    host.tick()
    assert (why(host).would_enter, host.engine.why_not("first", "c1").against) == (True, "run criteria")


def test_what_was_asked_by_hand_is_no_event(host):
    """Even if the journey has the name of its event (R24)."""
    host.deploy(HELLO, id="go")
    host.put(START)
    host.engine.exit("go", "c1", at=START)
    host.tick()
    assert host.engine.why_not("go", "c1").reason == "no event"


def test_of_events_at_one_instant_the_last_says_why(host):
    """They are told in the order in which they came (R7)."""
    host.deploy(HELLO, trigger=Trigger("buy", where=field("amount").gte(100)))
    for amount in (5, 50):
        host.feed("buy", START, amount=amount)
    host.tick()
    assert why(host).told == "amount 50 not >= 100"


def test_the_head_of_the_answer_has_what_there_is(host):
    """A reason alone, or words alone."""
    from journeyflow import Event  # noqa: PLC0415 likewise

    host.deploy(HELLO, trigger=Trigger("joined", where=field("a").eq(1)))
    for when in ("1 hour", "2 hours"):
        host.engine.feed(Event("joined", customer="c1", at=after(when), id="e1"))
    host.deploy(HELLO, REST, id="k")
    host.say("go", "2 hours")
    assert str(why(host)).splitlines()[0] == "duplicate"
    assert str(host.engine.why_not("k", "c1")).splitlines()[0] == "run 1 entered and is inside"


def test_an_event_after_an_entry_or_a_place_in_the_queue_is_the_answer(host):
    """What came of the older event is over: the newer one did not match (R23, R85)."""
    host.deploy(HELLO, REST, trigger=GOLD, limits=Limits(per_hour=1), reentry="always")
    for customer in ("c2", "c1"):
        host.put(START, customer, membershipTier="Gold")
        host.say("joined", START, customer)
    assert why(host).told == "waits for a slot since 2026-01-05 08:00:00"
    for customer in ("c2", "c1"):
        host.put("1 minute", customer, membershipTier="Silver")
        host.say("joined", "2 minutes", customer)
        found = why(host, customer=customer)
        assert (found.reason, found.told) == (
            "trigger criteria",
            "membershipTier 'Silver' not in ['Gold', 'Platinum']",
        )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"reentry": Reentry("always", key="event.cart")}, "already inside"),
        ({"reentry": Reentry("never", key="event.cart")}, "re-entry"),
        ({"reentry": Reentry.after("9 days", key="event.cart")}, "re-entry"),
        ({"reentry": Reentry("always", key="event.cart"), "limits": Limits(per_day=1)}, "already deferred"),
    ],
)
def test_a_refusal_of_another_key_is_told_without_the_run_of_this_one(host, options, reason):
    """The newest event, which waits for a tick, has a key under which nothing was entered (R22)."""
    host.deploy(HELLO, *([] if reason == "re-entry" else [REST]), **options)
    if reason == "already deferred":
        host.say("go", START, "c2", cart="x")
    host.say("go", "1 minute", cart="a")
    host.say("go", "2 minutes", cart="a")
    host.feed("go", "3 minutes", cart="b")
    assert (why(host).reason, why(host).told) == (reason, "")


def test_each_key_has_its_own_place_in_the_queue(host):
    """Asked about the older of two places, it is that one which is told (R22, R23)."""
    host.deploy(HELLO, limits=Limits(per_hour=1), reentry=Reentry("never", key="event.cart"))
    for minute, cart in enumerate("abcb"):
        host.say("go", f"{minute} minutes", cart=cart)
    assert (why(host).reason, why(host).told) == (
        "already deferred",
        "waits for a slot since 2026-01-05 08:01:00",
    )
