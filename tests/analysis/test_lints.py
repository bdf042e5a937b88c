"""What looks odd in journeys, what they read too early, how they start one another, and what a version changes."""

import pytest
from attrs import evolve

from journeyflow import (
    Chain,
    Condition,
    End,
    Exit,
    Goal,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.analysis import analyze, cycles, diff, lint
from tests.samples import mail


def journey(*steps, **options):
    """Return a journey that starts on "go"."""
    return Journey(options.pop("id", "j"), **{"trigger": Trigger("go"), **options}, steps=steps)


def shows(proof):
    """Run the code of a counter-example as a test would: it raises where its assertion does not hold."""
    assert proof.answer == "fails", proof
    exec(proof.code, {"journey": proof.journey})  # noqa: S102 code that the library wrote, which is what is tried


# --- read too early ---------------------------------------------------------------------------------------------------


def test_a_message_that_no_path_has_sent_is_read_too_early():
    """Every path to the Condition comes before the Send."""
    found = analyze(journey(Condition("c", field("message.later.opened").eq(True), yes="end"), mail("later")))
    (read,) = found.early_reads
    assert (read.step, read.path, read.source, read.always) == ("c", "message.later.opened", "later", True)
    shows(found.reads_in_time())


def test_an_event_that_only_some_paths_have_awaited_is_perhaps_missing():
    """After a timeout, wait.w.x is missing; the way that avoids the event is shown."""
    found = analyze(
        journey(Wait("w", event="buy", timeout="1 day"), mail("thanks", data={"what": "{{ wait.w.item }}"}))
    )
    (read,) = found.early_reads
    assert (read.source, read.always, read.place) == ("w", False, "steps[1].data")
    shows(found.reads_in_time())


def test_trigger_data_are_missing_where_nothing_triggers():
    """A pull and an enrollment by hand have no event."""
    manual = analyze(journey(mail("a", data={"x": "{{ trigger.plan }}"}), trigger=Trigger(manual=True)))
    assert [each.always for each in manual.early_reads] == [True]
    shows(manual.reads_in_time())


def test_what_every_path_has_passed_is_read_in_time():
    """The Send comes before the rule on every path, the event before its data."""
    sound = journey(
        mail("a"),
        Wait("w", event="buy", timeout="1 day", on_timeout="end"),
        Condition("c", field("message.a.opened").eq(True) & field("wait.w.n").gt(1) & field("trigger.n").gt(1)),
        exits=[Exit("x", event="y", where=field("message.a.clicked").eq(True))],
    )
    assert analyze(sound).reads_in_time().holds
    assert [proof.holds for proof in analyze(sound).proofs()] == [True, True, True]
    assert len(analyze(sound).to_dicts()) == 3


# --- circles ----------------------------------------------------------------------------------------------------------


def test_journeys_that_start_one_another_are_a_circle_whatever_starts_them():
    """By a chain, a tag, a list, an attribute, or the end of a run."""
    journeys = [
        journey(Update("u", Chain.enroll("b")), id="a", trigger=Trigger.tag_added("x")),
        journey(Update("u", field("lists").add("news")), id="b"),
        journey(Update("u", field("plan").set("paid")), id="c", trigger=Trigger.list_subscribed("news")),
        journey(Wait("w", "1 day"), id="d", trigger=Trigger.field_changed("plan")),
        journey(Update("u", tag.add("x")), id="e", trigger=Trigger.journey_completed("d")),
        journey(Update("u", tag.add("other")), id="f", trigger=Trigger.journey_completed("nobody")),
    ]
    (cycle,) = cycles(reversed(journeys))
    assert cycle.journeys == ("a", "b", "c", "d", "e")
    assert [start.by for start in cycle.starts] == [
        "enroll", "list.subscribed", "field.changed", "journey.completed", "tag.added",
    ]  # fmt: skip
    assert "circle" in [problem.code for _, problem in lint(*journeys)]
    assert cycles(journeys[:4]) == ()


def test_a_step_that_no_run_comes_to_starts_nothing():
    """Behind an arm of 0 %."""
    dead = journey(Split("s", arm(100), arm(0, [Update("u", Chain.enroll("j"))])), id="j")
    assert cycles([dead]) == ()
    alone = journey(Wait("w", "1 day"), id="j", trigger=Trigger.journey_completed())
    assert [cycle.journeys for cycle in cycles([alone])] == [("j",)]


# --- lint -------------------------------------------------------------------------------------------------------------


EVERYBODY = [branch(field("n").is_null(), "end"), branch(field("n").is_not_null(), "x")]


@pytest.mark.parametrize(
    ("odd", "codes"),
    [
        (journey(mail("a"), Wait("w", "1 day"), mail("b")), []),
        (journey(mail("a"), Wait("w", "1 day"), mail("b", "a")), ["template-twice"]),
        (journey(mail("a"), Update("u", tag.add("x")), mail("b")), ["at-once"]),
        (journey(mail("a"), Send("b", channel="SMS", template="b")), []),
        (journey(Wait("w", event="buy")), ["no-timeout"]),
        (journey(Wait("w", when=field("plan").eq("paid"))), ["no-timeout"]),
        (journey(Wait("w", "1 day", next="w")), ["endless-loop"]),
        (journey(Condition("c", field("n").gt(1))), ["same-way"]),
        (journey(Condition("c", branches=EVERYBODY), End("x")), ["dead-branch"]),
        (journey(Split("s", arm(100, "end"), arm(0, [mail("never")]))), ["dead-branch", "unreachable", "same-way"]),
        (journey(mail("a", data={"n": "{{ message.a.id }}"})), ["read-early"]),
        (journey(Wait("w", field="day")), ["no-date"]),
        (Journey("empty", steps=[]), ["no-steps"]),
    ],
)  # fmt: skip
def test_what_is_surely_not_meant_is_told(odd, codes):
    """Each oddity by its code, with the place in a journey file; what is usual is none."""
    assert [problem.code for _, problem in lint(odd)] == codes


def test_names_of_unknown_journeys_are_odd_when_all_are_there():
    """One journey alone may know others that are not given."""
    chained = journey(Update("u", Chain.enroll("nobody")), id="a")
    assert lint(chained) == ()
    assert [problem.code for _, problem in lint(chained, journey(mail("m"), id="b"))] == ["unknown-journey"]


# --- differences ------------------------------------------------------------------------------------------------------

BEFORE = journey(
    mail("hello"),
    Wait("rest", "1 day"),
    Split("test", arm(50, [mail("tips")]), arm(50, [mail("offer")])),
)
AFTER = journey(
    mail("hello"),
    Wait("rest", "3 days"),
    Split("test", arm(70, [mail("tips")]), arm(30, "nudge")),
    Send("nudge", channel="SMS", template="nudge"),
    run_criteria=field("age").gte(18),
)


def test_a_version_is_told_in_people_branches_and_times():
    """Who gets another arm, which steps came and went, what leads elsewhere, how long it takes now."""
    found = diff(BEFORE, AFTER)
    assert found.sentences == (
        "who enters from now on takes the new version; who is inside stays in the old one unless migrated",
        "who rests at offer needs another step in a migration",
        "20% of customers get another arm of 'test'",
        "added: send nudge",
        "removed: send offer",
        "journey: run_criteria was nothing, is age >= 18",
        "rest: duration was 1 day, is 3 days",
        "test: arms was A 50.0%, B 50.0%, is A 70.0%, B 30.0%".replace(".0%", "%"),
        "test=B: led to offer, leads to nudge",
        "tips: led to end, leads to nudge",
        "duration: 1 day before, 3 days after",
        "most messages: 2 before, 3 after",
    )
    assert {row["change"] for row in found.to_dicts()} == {"added", "removed", "option", "leads", "figure"}
    assert repr(found) == "<JourneyDifference: 1 added, 1 removed, 3 options, 2 redirected>"


@pytest.mark.parametrize(("was", "now", "said"), [(50, 10, "no longer"), (10, 50, "now")])
def test_another_holdout_says_for_whom(was, now, said):
    """R25: the hash stays the same, so that the difference is who is kept out, or is not, from now on."""
    before, after = (evolve(BEFORE, holdout=share, goal=Goal("buy", within="9 days")) for share in (was, now))
    sentences = diff(before, after).sentences
    assert f"40% of customers are {said} in the holdout" in sentences
    assert f"journey: holdout was {was}, is {now}" in sentences
    assert not any("holdout" in line for line in diff(before, before).sentences)


def test_the_share_with_another_arm_is_that_of_the_hash():
    """Exactly the buckets between 50 and 70 percent."""
    assert diff(BEFORE, AFTER).other_arm == {"test": 20.0}
    assert diff(BEFORE, BEFORE).other_arm == {}


def test_texts_change_nothing_and_another_kind_is_told():
    """A name is not a difference for anybody; a step of another kind under the same id is."""
    assert str(diff(BEFORE, journey(*BEFORE.steps, name="New"))) == "nothing changes for any customer"
    other = diff(journey(mail("a")), journey(Wait("a", "1 day")))
    assert [str(each) for each in other.changed] == ["a: kind was send, is wait"]
    assert not other.same
    rules = diff(
        journey(Condition("c", field("n").gt(1), yes="end"), mail("m")),
        journey(Condition("c", field("n").gt(2), yes="end"), mail("m")),
    )
    assert [str(each) for each in rules.changed] == ["c: branches was yes if n > 1, is yes if n > 2"]
