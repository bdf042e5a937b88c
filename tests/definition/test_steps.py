"""Steps: frozen data that can be written in short, and that keep whatever they are given."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

import journeyflow
from journeyflow import Condition, Duration, End, Send, Split, Until, Update, Wait, Window, arm, branch, field, tag
from journeyflow.definition.continuations import targets, with_targets
from journeyflow.definition.entry import Exit, Goal, Reentry, Trigger
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, NotRule
from journeyflow.definition.steps import STEP_KINDS, Arm, Branch, is_step, kind, letters

PAID = field("plan").eq("paid")
STEPS = (
    Send("hello", channel="EMAIL", template="hi"),
    Wait("rest", "3 days"),
    Condition("paid", PAID, yes="a", no="b"),
    Split("test", arm(50, "a"), arm(50, "b")),
    Update("mark", tag.add("vip")),
    End("done"),
)


@pytest.mark.rows(53)
def test_there_are_six_kinds():
    """Every kind has its word in a journey file, and `kind` says it."""
    assert list(STEP_KINDS) == [kind(step) for step in STEPS]
    assert [type(step) for step in STEPS] == list(STEP_KINDS.values())


@pytest.mark.parametrize("step", STEPS, ids=kind)
def test_steps_are_frozen(step):
    """A step never changes."""
    with pytest.raises(FrozenInstanceError):
        step.id = "other"


@pytest.mark.parametrize("of", [Send, Wait, Condition, Split, Update, End, Trigger, Exit, Goal])
def test_options_are_named_in_the_call(of):
    """Only the id, and what reads well after it, goes by position."""
    by_position = [each.name for each in of.__attrs_attrs__ if not each.kw_only]
    assert (
        by_position
        == {
            Send: ["id"],
            Wait: ["id", "duration"],
            Condition: ["id"],
            Split: ["id", "arms"],
            Update: ["id", "changes"],
            End: ["id", "outcome"],
            Trigger: ["event"],
            Exit: ["name"],
            Goal: ["event"],
        }[of]
    )


def test_only_the_six_kinds_are_steps():
    """R13: a class derived from one is another kind, which nothing knows how to run."""

    class Shout(Send):
        """A louder one."""

    assert all(map(is_step, STEPS))
    strangers: list[object] = [None, "send", Send, Shout("a", channel="EMAIL", template="t"), arm(50)]
    assert not any(map(is_step, strangers))


def test_lengths_and_instants_are_read():
    """R32, R33: each option takes what people write."""
    assert Wait("w", "3 days").duration == Duration(days=3)
    assert Wait("w", until="MON 09:00").until == Until("09:00", "MON")
    assert Wait("w", at="2026-01-01T00:00:00Z").at == datetime(2026, 1, 1, tzinfo=UTC)
    assert Wait("w", event="x", timeout="P1W").timeout == Duration(days=7)
    assert Wait("w", field="birthday", offset="-3 days").offset == Duration(days=-3)
    assert Send("s", channel="EMAIL", template="t", expires="2 hours").expires == Duration.parse("120 minutes")


# --- labels -----------------------------------------------------------------------------------------------------------


def test_one_branch_is_labelled_yes_and_no():
    """R44: the outcome of a condition with one branch."""
    short, long = Condition("c", PAID, yes="a", no="b"), Condition("c", branches=[branch(PAID, "a")], otherwise="b")
    assert short == long
    assert (short.branches[0].label, short.else_label) == ("yes", "no")


def test_several_branches_are_labelled_by_position():
    """R44: "1", "2", ... and "else"; a label that was given stays."""
    condition = Condition("c", branches=[branch(PAID), branch(PAID, label="many"), branch(PAID)])
    assert [each.label for each in condition.branches] == ["1", "many", "3"]
    assert condition.else_label == "else"


def test_arms_are_labelled_by_letters():
    """R44: "A", "B", ..."""
    assert [each.label for each in Split("s", arm(20), arm(30, label="big"), arm(50)).arms] == ["A", "big", "C"]


def test_an_arm_counts_in_hundredths_of_a_percent():
    """R38: as many buckets as the share says; None where it has more decimals."""
    assert (arm(12.5).buckets, arm(33.333).buckets) == (1250, None)


def test_letters_count_like_the_columns_of_a_table():
    """A to Z, then AA; no two positions share a name."""
    names = [letters(number) for number in range(1000)]
    assert names[:2] + names[25:28] + names[701:703] == ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]
    assert len(set(names)) == len(names)


def test_an_else_branch_has_two_names():
    """With a rule and `yes`, the other way is `no` or `otherwise`."""
    assert Condition("c", PAID, no="b").otherwise == Condition("c", PAID, otherwise="b").otherwise == "b"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Condition("c", PAID, branches=[branch(PAID)]),
        lambda: Condition("c", yes="a", branches=[branch(PAID)]),
        lambda: Condition("c", no="a", branches=[branch(PAID)]),
        lambda: Condition("c", PAID, no="a", otherwise="b"),
    ],
)
def test_the_two_ways_to_write_a_condition_do_not_mix(make: Callable[[], object]):
    """A call that says two things at once is refused on the spot."""
    with pytest.raises(TypeError, match="condition 'c': say either a rule with yes= and no=, or branches="):
        make()


# --- continuations ----------------------------------------------------------------------------------------------------


def test_targets_names_every_continuation_by_its_place_in_a_file():
    """The places are those of problems and of journey files."""
    assert targets(STEPS[0]) == [("next", None)]
    assert [place for place, _ in targets(STEPS[1])] == ["next", "on_event", "on_timeout", "on_missing", "on_past"]
    assert targets(STEPS[2]) == [("next", None), ("branches[0].next", "a"), ("else", "b")]
    assert targets(STEPS[3]) == [("next", None), ("arms[0].next", "a"), ("arms[1].next", "b")]
    assert targets(STEPS[4]) == [("next", None)]
    assert targets(STEPS[5]) == []


@pytest.mark.parametrize("step", STEPS, ids=kind)
def test_targets_and_with_targets_belong_together(step):
    """What is replaced is what is listed, and nothing else changes."""
    places = {place: f"to-{place}" for place, _ in targets(step)}
    moved = with_targets(step, places)
    assert dict(targets(moved)) == places
    assert with_targets(moved, dict(targets(step))) == step


def test_with_targets_keeps_what_it_is_not_told():
    """One continuation changes, the others and all names stay."""
    condition = Condition("c", PAID, yes="a", no="b", name="Paid?", notes="really", next="later")
    moved = with_targets(condition, {"branches[0].next": "z"})
    assert moved == Condition("c", PAID, yes="z", no="b", name="Paid?", notes="really", next="later")
    split = Split("s", arm(100, "a"), name="Test", notes="big")
    assert with_targets(split, {"next": "z"}) == Split("s", arm(100, "a"), name="Test", notes="big", next="z")
    update = Update("u", tag.add("vip"), name="Mark", notes="them")
    assert with_targets(update, {"next": "z"}) == Update("u", tag.add("vip"), name="Mark", notes="them", next="z")


def test_parts_of_the_wrong_type_are_kept():
    """R13: a branch that is none, and branches that are not a list, wait for validation."""
    odd: tuple[object, ...] = (5, None, "x")
    condition = Condition("c", branches=odd)  # type: ignore[arg-type]  # on purpose
    assert condition.branches == odd
    assert targets(condition) == [("next", None), ("else", None)]
    assert with_targets(condition, {"next": "z"}) == Condition("c", branches=odd, next="z")  # type: ignore[arg-type]  # wrong on purpose
    split = with_targets(Split("s", *odd), {"next": "z"})  # type: ignore[arg-type]  # on purpose
    assert split == Split("s", *odd, next="z")  # type: ignore[arg-type]  # on purpose
    none = Condition("c", branches=5)  # type: ignore[arg-type]  # on purpose
    assert repr(none) == "Condition('c', branches=5)"
    assert targets(with_targets(none, {"else": "z"})) == [("next", None), ("else", "z")]


def test_a_list_of_steps_becomes_a_tuple():
    """A branch keeps its steps whatever becomes of the list."""
    steps = [End("a")]
    condition = Condition("c", PAID, yes=steps)
    steps.clear()
    assert condition.branches[0].next == (End("a"),)


# --- looks ------------------------------------------------------------------------------------------------------------

NAMES = {
    **{name: getattr(journeyflow, name) for name in journeyflow.__all__},
    **{each.__name__: each for each in (Arm, Branch, FieldRule, AllOf, AnyOf, NotRule)},
    "datetime": __import__("datetime"),
}

texts = st.sampled_from(["", "a", "it's", 'say "hi"', "ümlaut"])
rules = st.sampled_from([None, PAID, ~PAID, PAID & field("n").in_([1, 2]), PAID | field("a").gt(field("b"))])
lengths = st.sampled_from([None, "3 days", "1 month 2 hours", "-90 minutes"])
windows = st.sampled_from([None, Window("MON-FRI", "09:00", "17:30"), Window(start="22:00", end="06:00")])
nexts = st.none() | st.just("z")
objects = st.one_of(
    st.builds(Send, texts, channel=texts, template=texts, data=st.just({"a": [1, {"b": None}]}), window=windows),
    st.builds(Wait, texts, lengths, until=st.sampled_from([None, "09:00", "MON-FRI", "SAT 10:00:30"]), window=windows),
    st.builds(Wait, texts, at=st.none() | st.just("2026-01-01T09:30:00.5Z"), event=nexts, where=rules, on_event=nexts),
    st.builds(Wait, texts, field=nexts, offset=lengths, every=nexts, on_missing=nexts, any_message=st.booleans()),
    st.builds(Condition, texts, rules, yes=nexts, no=nexts, name=texts),
    st.builds(lambda one, two, to: Condition("c", branches=[branch(one, to), branch(two)]), rules, rules, nexts),
    st.builds(lambda to, label, name: Split("s", arm(33.4, to, label), arm(66.6), name=name), nexts, texts, texts),
    st.builds(Update, texts, st.just(tag.add("vip")), st.just(field("n").increment(2)), notes=texts, next=nexts),
    st.builds(End, texts, texts, name=texts),
    st.builds(Trigger, nexts, where=rules, manual=st.booleans()),
    st.sampled_from([Reentry(), Reentry.parse("always"), Reentry.after("90 days")]),
    st.builds(Exit, texts, event=nexts, where=rules, when=rules, any_message=st.booleans()),
    st.builds(Goal, texts, where=rules, within=lengths, exit=st.booleans()),
)


@given(objects)
def test_a_repr_is_the_code_that_makes_the_object(made):
    """Every object shows itself as somebody would write it, and can be pasted back."""
    assert eval(repr(made), NAMES) == made  # noqa: S307 our own text
