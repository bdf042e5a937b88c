"""Who may come again, parallel runs by key, and who is kept out for comparison: through the engine, on both stores."""

import json

import pytest

from journeyflow import End, Exit, Goal, InvalidInput, Reentry, Trigger, Update, Wait, field, tag
from journeyflow.basics.chance import KEPT_OUT, bucket
from tests.samples import START, after, mail

REST = Wait("rest", "1 day")


AUDITED = True


def runs(host, customer="c1"):
    """List a customer's runs: key, number, status, reason."""
    found = host.engine.enrollments(customer=customer, take=100).items
    return [(each.key, each.run, each.status, each.reason) for each in found]


# --- restart --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(17)
def test_a_new_trigger_begins_anew(host):
    """The present run is EXITED "restarted" at the instant at which the new one enters (R22)."""
    host.deploy(Wait("quiet", "1 hour"), mail("reminder"), reentry="restart")
    for when in ("0 minutes", "40 minutes", "80 minutes"):
        host.say("go", when)
    host.tick("1 day")
    assert runs(host) == [
        ("", 1, "EXITED", "restarted"),
        ("", 2, "EXITED", "restarted"),
        ("", 3, "COMPLETED", ""),
    ]
    first, second, third = host.engine.enrollments("j").items
    assert (first.ended_at, second.ended_at) == (second.entered_at, third.entered_at)
    assert [each.at for each in host.engine.messages("j").items] == [after("140 minutes")]
    assert host.refused() == {}


def test_restart_lets_everybody_come_again_after_the_end(host):
    """Where no run is inside nothing is restarted (R22)."""
    host.deploy(mail(), reentry=Reentry.restart())
    host.say("go")
    host.say("go", "1 hour")
    assert runs(host) == [("", 1, "COMPLETED", ""), ("", 2, "COMPLETED", "")]


def test_a_refused_trigger_restarts_nothing(host):
    """The run ends when the new one enters, not before (R21, R22)."""
    host.deploy(REST, reentry="restart", run_criteria=field("event.n").gte(1))
    host.say("go", n=1)
    host.say("go", "1 hour", n=0)
    assert runs(host) == [("", 1, "ACTIVE", "")]
    assert host.refused() == {"run criteria": 1}


def test_enrolling_by_hand_restarts_too(host):
    """By hand or by event: an entry is an entry (R22, R24)."""
    host.deploy(REST, reentry="restart")
    host.say("go")
    host.engine.enroll("j", "c1", at=after("1 hour"))
    host.tick("1 hour")
    assert runs(host) == [("", 1, "EXITED", "restarted"), ("", 2, "ACTIVE", "")]


def test_an_event_may_release_the_old_run_and_begin_anew(host):
    """Stages: the run that waits goes on in (3), the restart comes in (4) (R9, R22)."""
    host.deploy(Wait("again", event="go", timeout="9 days"), mail(), REST, reentry="restart")
    host.say("go")
    host.say("go", "1 hour")
    assert host.path(run=1) == ["again event", "hello queued", "rest EXITED"]
    assert host.path(run=2) == ["again ACTIVE"]


def test_no_run_restarts_itself(host):
    """What a run brings about does not begin that journey anew (R53)."""
    trigger = Trigger("tag.added")
    host.deploy(Update("u", tag.add("seen")), REST, trigger=trigger, reentry="restart")
    host.put(START, tags=["first"])
    host.tick()
    assert runs(host) == [("", 1, "ACTIVE", "")]
    assert host.refused() == {"event loop": 1}


def test_a_late_trigger_restarts_at_its_own_instant(host):
    """The new run enters at the trigger's instant; the old one never runs backwards (R6)."""
    host.deploy(REST, Wait("more", "1 day"), reentry="restart")
    host.say("go")
    host.tick("1 day 1 hour")
    host.say("go", "1 hour")
    first, second = host.engine.enrollments("j").items
    assert (first.status, first.ended_at) == ("EXITED", after("1 day"))
    assert second.entered_at == after("1 hour")


# --- keys -----------------------------------------------------------------------------------------------------------

CART = {
    "reentry": Reentry.restart(key="event.cart"),
    "exits": [Exit("bought", event="order", where=field("event.cart").eq(field("trigger.cart")))],
}


def test_every_key_has_a_run_of_its_own(host):
    """One run per key; a new trigger restarts the run with its key alone; run numbers count over all keys (R22)."""
    host.deploy(Wait("quiet", "1 hour"), mail("reminder"), **CART)
    host.feed("go", "0 minutes", cart="a")
    host.feed("go", "10 minutes", cart="b")
    host.feed("go", "30 minutes", cart="a")
    host.tick("31 minutes")
    assert runs(host) == [
        ("a", 1, "EXITED", "restarted"),
        ("b", 2, "ACTIVE", ""),
        ("a", 3, "ACTIVE", ""),
    ]
    host.say("order", "40 minutes", cart="b")
    host.tick("2 hours")
    assert runs(host)[1:] == [("b", 2, "EXITED", "bought"), ("a", 3, "COMPLETED", "")]
    assert host.messages() == ["reminder QUEUED"]


@pytest.mark.parametrize(
    ("said", "key"),
    [("a", "a"), (7, "7"), (7.0, "7"), (2.5, "2.5"), ("7", "7")],
)
def test_texts_and_numbers_are_keys(host, said, key):
    """A number and the text of it are one key, as they compare as one value (R22, R62)."""
    host.deploy(REST, reentry=Reentry.never(key="event.cart.id"))
    host.say("go", cart={"id": said})
    assert runs(host) == [(key, 1, "ACTIVE", "")]


@pytest.mark.parametrize("said", [None, True, [], ["a"], {"a": 1}, "", "a" * 201, "a\x1fb"])
def test_a_trigger_without_a_key_is_refused(host, said):
    """Refused "key missing": before anything about the customer is asked (R21, R22)."""
    host.deploy(REST, reentry=Reentry.always(key="event.cart"), run_criteria=field("x").eq(1))
    host.say("go", cart=said)
    host.say("go", "1 hour")
    assert host.refused() == {"key missing": 2}


def test_reentry_counts_by_key(host):
    """Never: once per key; after: since the previous entry with that key (R22)."""
    host.deploy(mail(), id="never", reentry=Reentry.never(key="event.n"))
    host.deploy(mail(), id="after", reentry=Reentry.after("1 day", key="event.n"))
    for when, n in (("0 days", 1), ("1 hour", 2), ("1 day", 1), ("1 day", 2), ("1 day 1 hour", 2)):
        host.say("go", when, n=n)
    entered = [(each.journey, each.key, each.run) for each in host.engine.enrollments(take=100).items]
    assert [each for each in entered if each[0] == "never"] == [("never", "1", 1), ("never", "2", 2)]
    assert [each[1:] for each in entered if each[0] == "after"] == [("1", 1), ("2", 2), ("1", 3), ("2", 4)]
    assert host.refused() == {"re-entry": 4}


def test_an_event_with_a_key_reaches_the_run_with_that_key_alone(host):
    """Releases, exits and goals; an event that does not carry the path reaches every run (R22)."""
    host.deploy(
        Wait("reply", event="reply", timeout="9 days"),
        Wait("more", "9 days"),
        reentry=Reentry.never(key="event.order"),
        goal=Goal("paid"),
        exits=[Exit("gone", event="gone")],
    )
    for order in ("a", "b", "c"):
        host.feed("go", order=order)
    host.say("reply", "1 hour", order="a")
    assert [host.path(run=number) for number in (1, 2)] == [["reply event", "more ACTIVE"], ["reply ACTIVE"]]
    host.say("paid", "2 hours", order="b")
    host.say("gone", "3 hours", order="c")
    found = host.engine.enrollments("j").items
    assert [(each.key, each.status, each.converted_at) for each in found] == [
        ("a", "ACTIVE", None),
        ("b", "ACTIVE", after("2 hours")),
        ("c", "EXITED", None),
    ]
    host.say("reply", "4 hours", other="z")
    host.say("reply", "5 hours", order=None)
    assert host.path(run=2) == ["reply event", "more ACTIVE"]
    host.say("paid", "6 hours")
    host.say("gone", "7 hours")
    assert [(each.status, each.converted_at) for each in host.engine.enrollments("j").items] == [
        ("EXITED", after("6 hours")),
        ("EXITED", after("2 hours")),
        ("EXITED", after("6 hours")),
    ]


def test_what_the_customer_becomes_concerns_every_run(host):
    """An exit on the customer, and a date field, look at the customer and not at the event (R22, R37, R42)."""
    host.deploy(
        Wait("soon", field="renews", on_missing="late"),
        End("done"),
        Wait("late", "9 days"),
        reentry=Reentry.never(key="event.field"),
        trigger=Trigger("field.changed", where=field("event.field").ne("plan")),
        exits=[Exit("paid", when=field("plan").eq("paid"))],
    )
    host.put(START, renews="2026-02-01", colour="red")
    host.tick()
    host.put("1 hour", renews="2026-03-01")
    host.tick("1 hour")
    found = host.engine.enrollments("j").items
    assert [(each.key, each.due.month) for each in found] == [("renews", 3), ("colour", 3)]
    host.put("2 hours", plan="paid")
    host.tick("2 hours")
    assert {each.reason for each in host.engine.enrollments("j").items} == {"paid"}


def test_one_run_may_begin_another_with_another_key(host):
    """An event loop is one of the same key (R53)."""
    host.deploy(
        Update("u", tag.add("{{ trigger.tag }}-again")),
        trigger=Trigger("tag.added", where=field("event.tag").ne("a-again-again")),
        reentry=Reentry.always(key="event.tag"),
    )
    host.put(START, tags=["a"])
    host.tick()
    assert [(key, status) for key, _, status, _ in runs(host)] == [("a", "COMPLETED"), ("a-again", "COMPLETED")]
    assert host.refused() == {}


def test_enrolling_and_leaving_by_hand_with_a_key(host):
    """`enroll(key=)` gives a run of that key, `exit(key=)` ends it alone; without one all of them end (R22, R24)."""
    host.deploy(REST, reentry=Reentry.never(key="event.cart"))
    for key in ("a", "b", "c"):
        host.engine.enroll("j", "c1", at=START, key=key)
    host.engine.enroll("j", "c1", at=START)
    host.engine.enroll("j", "c1", at=START, key="a", force=True)
    host.tick()
    host.engine.exit("j", "c1", at=after("1 hour"), key="b")
    host.tick("1 hour")
    assert runs(host) == [("a", 1, "ACTIVE", ""), ("b", 2, "EXITED", "manual"), ("c", 3, "ACTIVE", "")]
    assert host.outcomes() == [*["handled"] * 3, "refused: key missing", "refused: already inside", "handled"]
    host.engine.exit("j", "c1", at=after("2 hours"))
    host.tick("2 hours")
    assert {status for _, _, status, _ in runs(host)} == {"EXITED"}


def test_a_run_leaves_by_its_key_when_the_newest_version_has_none(host):
    """A run's key is that of the version it entered (R22): `exit(key=)` ends it; nobody enters under a key any more."""
    host.deploy(REST, reentry=Reentry.never(key="event.cart"))
    for key in ("a", "b"):
        host.engine.enroll("j", "c1", at=START, key=key)
    host.tick()
    host.deploy(REST, when="1 hour")
    host.engine.exit("j", "c1", at=after("2 hours"), key="b")
    host.tick("2 hours")
    assert runs(host) == [("a", 1, "ACTIVE", ""), ("b", 2, "EXITED", "manual")]
    with pytest.raises(InvalidInput, match="journey 'j' has no parallel runs"):
        host.engine.enroll("j", "c1", at=after("2 hours"), key="c")


def test_a_key_that_cannot_be_is_refused_at_the_door(host):
    """The call says what it knows by itself (R10)."""
    host.deploy(REST)
    host.deploy(REST, id="keyed", reentry=Reentry.never(key="event.cart"))
    for call in (host.engine.enroll, host.engine.exit):
        with pytest.raises(InvalidInput, match="journey 'j' has no parallel runs"):
            call("j", "c1", at=START, key="a")
        with pytest.raises(InvalidInput, match="key: must not be empty"):
            call("keyed", "c1", at=START, key="")


def test_runs_are_asked_for_by_key_and_by_number(host):
    """With several runs the newest, or `run=` / `key=` (R84)."""
    host.deploy(mail(data={"cart": "{{ enrollment.key }}"}), reentry=Reentry.always(key="event.cart"))
    for hour, cart in enumerate("abab"):
        host.say("go", f"{hour} hours", cart=cart)
    engine = host.engine
    assert engine.enrollment("j", "c1").run == 4
    assert engine.enrollment("j", "c1", key="a").run == 3
    assert engine.enrollment("j", "c1", run=1).key == "a"
    assert engine.find_enrollment("j", "c1", run=1, key="b") is None
    assert [each.run for each in engine.enrollments("j", key="b").items] == [2, 4]
    assert engine.enrollments("j", key="b").total == 2
    assert "run 3, key 'a': COMPLETED" in str(engine.explain("j", "c1", key="a"))
    assert [json.dumps(dict(each.data)) for each in engine.messages("j").items] == [
        f'{{"cart": "{cart}"}}' for cart in "abab"
    ]


def test_a_version_without_a_key_takes_no_key(host):
    """Keys are those of the version that is entered; older runs keep theirs (R12, R22)."""
    host.deploy(REST, reentry=Reentry.never(key="event.cart"))
    host.say("go", cart="a")
    host.deploy(REST, mail(), reentry="never", when="1 hour")
    host.say("go", "1 hour", cart="a")
    host.say("go", "2 hours", cart="b")
    assert runs(host) == [("a", 1, "ACTIVE", ""), ("", 2, "ACTIVE", "")]


# --- holdout --------------------------------------------------------------------------------------------------------

COMPARED = {"goal": Goal("order", within="7 days"), "holdout": 30}


def kept_out(customer, share=30, journey="j"):
    """Say what chance decides, from the definition of the hash (R25, R38)."""
    return bucket("default", journey, KEPT_OUT, customer) < share * 100


PEOPLE = [f"c{number}" for number in range(200)]
OUT = next(name for name in PEOPLE if kept_out(name))
IN = next(name for name in PEOPLE if not kept_out(name))


def test_a_share_of_people_is_kept_out_by_chance(host):
    """Exactly those whose bucket lies below the percentage: HOLDOUT, no step runs, nothing is emitted (R25)."""
    host.deploy(mail(), **COMPARED)
    host.deploy(mail("other"), id="other", trigger=Trigger("journey.completed"))
    for name in PEOPLE:
        host.feed("go", START, name)
    result = host.tick()
    found = host.engine.enrollments("j", take=1_000).items
    assert {each.customer: each.status for each in found} == {
        name: "HOLDOUT" if kept_out(name) else "COMPLETED" for name in PEOPLE
    }
    out = [each for each in found if each.status == "HOLDOUT"]
    assert 0.2 < len(out) / len(PEOPLE) < 0.4
    assert all(each.visits == () and each.step is None and each.due is None for each in out)
    assert all(each.ended_at is None for each in out)
    assert host.engine.messages("j", take=1_000).total == len(PEOPLE) - len(out)
    assert host.engine.enrollments("other").total == len(PEOPLE) - len(out)
    assert result.entered == 2 * (len(PEOPLE) - len(out))
    info = host.engine.journey("j")
    assert (info.enrolled, info.holdout) == (len(PEOPLE) - len(out), len(out))
    assert info.enrolled == info.active + info.completed + info.exited + info.failed
    assert host.engine.next_due() is None


@pytest.mark.parametrize("policy", ["never", "always", "restart"])
def test_who_is_kept_out_counts_as_inside_for_the_time_of_the_goal(host, policy):
    """For `within` every trigger finds it "already inside", also under restart, also by hand with force (R24, R25)."""
    host.deploy(REST, reentry=policy, **COMPARED)
    host.say("go", START, OUT)
    host.say("go", "1 day", OUT)
    host.engine.enroll("j", OUT, at=after("2 days"), force=True)
    host.say("go", "7 days", OUT)
    assert host.refused() == {"already inside": 3}
    host.say("go", "7 days 1 second", OUT)
    again = [("", 1, "HOLDOUT", "")] if policy == "never" else [("", 1, "HOLDOUT", ""), ("", 2, "HOLDOUT", "")]
    assert runs(host, OUT) == again
    assert host.engine.journey("j").holdout == len(again)


def test_goals_are_tracked_of_those_kept_out(host):
    """Converted within the goal's time from the entry that was not; once (R25, R42)."""
    host.deploy(REST, **{**COMPARED, "goal": Goal("order", within="7 days", exit=True)})
    for name in (OUT, IN):
        host.say("go", START, name)
        host.say("order", "3 days", name)
        host.say("order", "4 days", name)
    late = next(name for name in PEOPLE if kept_out(name) and name != OUT)
    host.say("go", "4 days", late)
    host.say("order", "12 days", late)
    found = {each.customer: each for each in host.engine.enrollments("j").items}
    assert (found[OUT].status, found[OUT].converted_at) == ("HOLDOUT", after("3 days"))
    assert (found[IN].status, found[IN].converted_at) == ("COMPLETED", after("3 days"))
    assert (found[late].status, found[late].converted_at) == ("HOLDOUT", None)


def test_conversions_of_runs_that_ended_count(host):
    """Whatever the status, also after the end; one event, the newest run (R42)."""
    host.deploy(mail(), reentry="always", goal=Goal("order"))
    host.say("go")
    host.say("go", "1 hour")
    host.say("order", "30 days")
    assert [each.converted_at for each in host.engine.enrollments("j").items] == [None, after("30 days")]


def test_refusals_come_before_chance(host):
    """Whoever is refused is not counted among those kept out (R21, R25)."""
    host.deploy(REST, run_criteria=field("ok").eq(True), **COMPARED)
    host.say("go", START, OUT)
    assert host.engine.find_enrollment("j", OUT) is None
    assert host.refused() == {"run criteria": 1}


def test_exits_and_archives_do_not_touch_those_kept_out(host):
    """HOLDOUT is not a state that ends (R25)."""
    host.deploy(REST, exits=[Exit("x", event="x")], **COMPARED)
    host.say("go", START, OUT)
    host.say("x", "1 hour", OUT)
    host.engine.exit("j", OUT, at=after("1 hour"))
    host.tick("1 hour")
    assert host.engine.archive("j", at=after("1 day")) == 0
    assert runs(host, OUT) == [("", 1, "HOLDOUT", "")]


def test_whoever_is_inside_is_not_kept_out_by_a_restart(host):
    """A holdout that comes with a later version concerns entries, not the people inside (R25)."""
    host.deploy(REST, reentry="restart")
    host.say("go", START, OUT)
    host.deploy(REST, mail(), reentry="restart", when="1 hour", **{**COMPARED, "holdout": 100})
    host.say("go", "2 hours", OUT)
    assert runs(host, OUT) == [("", 1, "EXITED", "restarted"), ("", 2, "ACTIVE", "")]


def test_the_share_is_exact(host):
    """0 keeps nobody out, 100 everybody, hundredths of a percent count (R25)."""
    for share in (0, 12.34, 100):
        journey = f"s{share}".replace(".", "-")
        host.deploy(mail(), id=journey, goal=Goal("order", within="1 day"), holdout=share)
    for name in PEOPLE:
        host.feed("go", START, name)
    host.tick()
    out = [host.engine.journey(name).holdout for name in ("s0", "s12-34", "s100")]
    assert out == [0, sum(kept_out(name, 12.34, "s12-34") for name in PEOPLE), len(PEOPLE)]


def test_it_is_explained_why_somebody_was_kept_out(host):
    """The bucket and the share (R85)."""
    host.deploy(mail(), **COMPARED)
    host.say("go", START, OUT)
    text = str(host.engine.explain("j", OUT))
    assert text.splitlines()[0] == f"{OUT} in j version 1, run 1: HOLDOUT"
    assert text.endswith(f"  in the holdout: bucket {bucket('default', 'j', KEPT_OUT, OUT)} of 10000, below 30%")
