"""What experiments came to, read from the log: by customer, by the first entry, arms and those kept out (R25)."""

from datetime import timedelta

import pytest
from attrs import evolve

from journeyflow import Chain, End, Goal, InvalidInput, Journey, Limits, NotFound, Send, Split, Update, Wait, arm, tag
from journeyflow.basics.chance import bucket
from journeyflow.questions.numbers.intervals import Group, wilson
from tests.samples import START, Host, after

ARMS = (
    arm(50, [Send("tips", channel="EMAIL", template="t")], "tips"),
    arm(50, [Send("offer", channel="EMAIL", template="t")], "offer"),
)


ENGINE = {"grace": None, "max_jump": None}
AUDITED = True


def came(host: Host, count: int, when: str = "0 days") -> list[str]:
    """Let customers come, and give them."""
    names = [f"c{n}" for n in range(count)]
    host.feed_all("go", when, names)
    host.tick(when)
    return names


def arm_of(host: Host, customer: str) -> str:
    """Give the arm a customer took."""
    return next(visit.outcome for visit in host.engine.enrollment("j", customer, run=1).visits if visit.step == "test")


def test_arms_hold_customers_by_their_first_entry(host):
    """Each arm counts the customers whose first run came through it, and those who converted in that run (R25, R38)."""
    host.deploy(Split("test", *ARMS), Wait("day", "1 day"), goal=Goal("bought"), reentry="always")
    names = came(host, 60)
    buyers = names[::3]
    host.feed_all("bought", "1 hour", buyers)
    came(host, 60, "2 days")
    host.feed_all("bought", "3 days", names)  # in a later run, which is not counted
    host.tick("3 days")
    found = host.engine.results("j")
    wanted = {
        label: Group(
            label,
            sum(arm_of(host, name) == label for name in names),
            sum(arm_of(host, name) == label for name in buyers),
        )
        for label in ("tips", "offer")
    }
    split = found.splits["test"]
    assert {group.label: group for group in split.arms} == wanted
    assert [(each.base, each.other) for each in split.comparisons] == [(wanted["tips"], wanted["offer"])]
    assert split.ratio.expected == {"tips": 30, "offer": 30}
    assert (found.let_in, found.holdout, found.comparison, found.ratio) == (Group("let in", 60, 20), None, None, None)
    assert split.against_holdout == ()
    assert found.let_in.interval == wilson(20, 60)
    assert host.engine.results("j", confidence=0.5).let_in.interval == wilson(20, 60, 0.5)


def test_those_let_in_are_compared_with_those_kept_out(host):
    """The holdout is followed by the goal too; its size is tested against its percentage (R25)."""
    host.deploy(Split("test", *ARMS), Wait("day", "1 day"), goal=Goal("bought", within="7 days"), holdout=40)
    names = came(host, 200)
    kept_out = [name for name in names if host.engine.enrollment("j", name).status == "HOLDOUT"]
    inside = [name for name in names if name not in kept_out]
    for name in [*kept_out[::4], *inside[::2]]:
        host.feed("bought", "1 day", name)
    host.tick("2 days")
    found = host.engine.results("j")
    assert found.holdout == Group("holdout", len(kept_out), len(kept_out[::4]))
    assert found.let_in == Group("let in", len(inside), len(inside[::2]))
    assert found.ratio is not None
    assert found.ratio.observed == {"holdout": len(kept_out), "let in": len(inside)}
    assert found.ratio.expected == {"holdout": 80, "let in": 120}
    assert not found.ratio.suspicious
    assert found.comparison is not None
    assert found.comparison.sentence.startswith("'let in' converts ")
    assert [each.base.label for each in found.splits["test"].against_holdout] == ["holdout", "holdout"]
    assert len(found.sentences) == 2 + 1 + 1 + 2
    assert found.sentences[0] == f"j: {found.comparison.sentence}"
    stats = host.engine.stats("j", at=after("2 days")).people
    assert stats is not None
    assert (stats.holdout, stats.total, stats.converted) == (len(kept_out), len(inside), len(inside[::2]))


def test_a_loop_counts_nobody_twice(host):
    """Who comes through a Split again and again is one customer in one arm (R25, R38)."""
    host.deploy(Split("test", *ARMS), Wait("day", "1 day", next="test"), goal=Goal("bought"))
    came(host, 10)
    host.tick("5 days")
    assert sum(group.n for group in host.engine.results("j").splits["test"].arms) == 10


def test_paths_that_are_spelled_out_count_too(host):
    """A move too long to be kept as a number is read step by step (R80)."""
    steps = [Send(f"s{n}", channel="EMAIL", template="t") for n in range(120)]
    host.deploy(*steps, Split("test", *ARMS), Split("other", *ARMS_AGAIN), goal=Goal("bought"))
    came(host, 8)
    found = host.engine.results("j").splits
    assert {name: sum(group.n for group in split.arms) for name, split in found.items()} == {"test": 8, "other": 8}


ARMS_AGAIN = (arm(100, [End("x")]), arm(0, [End("y")]))


def test_versions_have_their_own_percentages(host):
    """Sizes are expected by the version each customer came through, and its labels stay (R12, R25)."""
    host.deploy(Split("test", arm(100, [End("a")], "old"), arm(0, [End("b")], "both")), goal=Goal("bought"))
    came(host, 6)
    host.deploy(
        Split("test", arm(0, [End("a")], "both"), arm(100, [End("b")], "new")), goal=Goal("bought"), when="1 day"
    )
    for n in range(6, 10):
        host.feed("go", "1 day", f"c{n}")
    host.tick("1 day")
    split = host.engine.results("j").splits["test"]
    assert {group.label: group.n for group in split.arms} == {"both": 0, "new": 4, "old": 6}
    assert split.ratio.expected == {"both": 0, "new": 4, "old": 6}


def test_too_few_say_so(host):
    """Where there is not enough data the sentence is just that (R25)."""
    host.deploy(Split("test", *ARMS), goal=Goal("bought", within="1 day"), holdout=50)
    assert host.engine.results("j").sentences == ("j: not enough data", "test: not enough data")
    came(host, 4)
    assert host.engine.results("j").sentences == ("j: not enough data", "test: not enough data")


def test_without_a_goal_nobody_can_tell(host):
    """A journey without a goal has no results, and the error says what to write; a draft has none yet (R25, R42)."""
    host.deploy(Split("test", *ARMS))
    with pytest.raises(InvalidInput, match=r"journey 'j' has no goal: give it one"):
        host.engine.results("j")
    with pytest.raises(NotFound, match="jj"):
        host.engine.results("jj")
    host.engine.publish(Journey(id="draft", steps=[], goal=Goal("bought")), at=START + timedelta(days=1))
    assert host.engine.results("draft").sentences == ()


def test_a_restart_hands_the_goal_on(host):
    """The run that takes the place of the first converts for it; a holdout's first run is never replaced (R22, R25)."""
    goal = Goal("bought", within="7 days")
    host.deploy(Split("test", *ARMS), Wait("day", "1 day"), goal=goal, reentry="restart", holdout=30)
    names = came(host, 60)
    for name in names:
        host.feed("go", "2 hours", name)
        host.feed("bought", "3 hours", name)
    host.tick("3 hours")
    found = host.engine.results("j")
    assert (found.let_in.n + found.holdout.n, found.let_in.rate, found.holdout.rate) == (60, 1.0, 1.0)
    assert found.comparison.difference == 0
    assert [group.rate for group in found.splits["test"].arms] == [1.0, 1.0]


def test_what_comes_after_the_goals_time_is_another_story(host):
    """A later run counts within the goal's time from the first entry, and not beyond it (R25, R42)."""
    host.deploy(Split("test", *ARMS), Wait("day", "1 day"), goal=Goal("bought", within="7 days"), reentry="always")
    names = came(host, 40)
    came(host, 40, "6 days")
    for name in names[:10]:
        host.feed("bought", "7 days", name)
    for name in names[10:]:
        host.feed("bought", after("7 days") + timedelta(microseconds=1), name)
    host.tick("8 days")
    found = host.engine.results("j")
    assert (found.let_in.n, found.let_in.converted) == (40, 10)
    assert sum(group.converted for group in found.splits["test"].arms) == 10


def test_a_goal_without_a_time_waits_for_restarts_for_ever(host):
    """Without `within` a restarted run still hands the goal on; a run that came again by itself does not (R25)."""
    host.deploy(Split("test", *ARMS), Wait("day", "1 day"), goal=Goal("bought"), reentry="restart")
    (name,) = came(host, 1)
    host.feed("go", "1 hour", name)
    host.feed("bought", "2 hours", name)
    host.tick("2 hours")
    assert host.engine.results("j").let_in.converted == 1


# --- only what was split alike is compared ----------------------------------------------------------------------------


def split_of(
    first: float, *, labels: tuple[str, str] = ("A", "B"), steps: tuple[str, str] = ("tips", "offer")
) -> Split:
    """Return a Split of two arms."""
    sends = [[Send(step, channel="EMAIL", template="t")] for step in steps]
    return Split("test", arm(first, sends[0], labels[0]), arm(100 - first, sends[1], labels[1]))


def came_and_bought(host: Host, names: list[str], when: str, rates: dict[str, float]) -> None:
    """Let customers come, and let exactly a share of each group buy: by arm, or by "HOLDOUT"."""
    host.feed_all("go", when, names)
    host.tick(when)
    groups: dict[str, list[str]] = {}
    for name in names:
        run = host.engine.enrollment("j", name, run=1)
        arm = next((visit.outcome for visit in run.visits if visit.step == "test"), run.status)
        groups.setdefault(arm, []).append(name)
    for label, rate in rates.items():
        host.feed_all("bought", when, groups[label][: round(rate * len(groups[label]))])
    host.tick(when)


def test_arms_are_compared_within_versions_of_equal_percentages(host):
    """90/10 while a tenth buys, then 50/50 while three tenths do: the arms do the same, and that is told (R87)."""
    goal = Goal("bought")
    host.deploy(split_of(90), goal=goal)
    came_and_bought(host, [f"a{n}" for n in range(400)], "0 days", {"A": 0.1, "B": 0.1})
    host.deploy(split_of(50), goal=goal, when="1 day")
    came_and_bought(host, [f"b{n}" for n in range(400)], "1 day", {"A": 0.3, "B": 0.3})
    found = host.engine.results("j").splits["test"]
    one, two = found.arms
    assert two.rate - one.rate > 0.08
    (comparison,) = found.comparisons
    assert abs(comparison.difference) < 0.01
    assert 0 in comparison.interval
    assert [(stratum.versions, dict(stratum.shares)) for stratum in found.strata] == [
        ((2,), {"A": 50, "B": 50}), ((1,), {"A": 90, "B": 10}),
    ]  # fmt: skip
    assert "converts" not in "".join(host.engine.results("j").sentences)
    assert not found.ratio.suspicious
    assert sum(found.ratio.expected.values()) == 800
    host.deploy(split_of(90), goal=goal, when="2 days", name="a rollback makes no new stratum")
    host.engine.prune(after("3 days"))
    assert host.engine.results("j").splits["test"] == found


def test_an_arm_that_was_added_is_compared_where_it_was(host):
    """A third arm is compared with those of its own time; the first two over all versions (R87)."""
    host.deploy(split_of(50), goal=Goal("bought"))
    came_and_bought(host, [f"a{n}" for n in range(200)], "0 days", {"A": 0.1, "B": 0.1})
    third = arm(40, [Send("third", channel="EMAIL", template="t")], "C")
    arms = (arm(30, [Send("tips", channel="EMAIL", template="t")], "A"),
            arm(30, [Send("offer", channel="EMAIL", template="t")], "B"))  # fmt: skip
    host.deploy(Split("test", *arms, third), goal=Goal("bought"), when="1 day")
    came_and_bought(host, [f"b{n}" for n in range(300)], "1 day", {"A": 0.5, "B": 0.5, "C": 0.5})
    found = host.engine.results("j").splits["test"]
    said = {each.other.label: each for each in found.comparisons}
    assert {label: len(each.strata) for label, each in said.items()} == {"B": 2, "C": 1}
    assert said["C"].base.n < said["B"].base.n
    assert all(abs(each.difference) < 0.02 for each in found.comparisons)


@pytest.mark.parametrize(
    ("labels", "steps", "pairs", "rates"),
    [
        (("A", "B"), ("offer", "tips"), 2, {"A": 0.5, "B": 0.1, "A to tips": 0.1, "B to offer": 0.5}),
        (("Control", "B"), ("tips", "offer"), 2, {"Control": 0.1, "B": 0.5, "A": 0.1}),
        (("B", "A"), ("offer", "tips"), 1, {"B": 0.5, "A": 0.1}),
        (("A", "B"), ("tips", "later"), 2, {"A": 0.1, "B": 0.5, "B to offer": 0.5}),
    ],
)
@pytest.mark.unmeasured
def test_arms_that_were_renamed_or_swapped_are_not_mixed(host, labels, steps, pairs, rates):
    """An arm is the same one if its label and the step it leads to are; without "tips" half of them buy (R87)."""
    host.deploy(split_of(50), goal=Goal("bought"))
    came_and_bought(host, [f"a{n}" for n in range(200)], "0 days", {"A": 0.1, "B": 0.5})
    host.deploy(split_of(50, labels=labels, steps=steps), goal=Goal("bought"), when="1 day")
    came_and_bought(host, [f"b{n}" for n in range(200)], "1 day", {label: rates[label] for label in labels})
    found = host.engine.results("j").splits["test"]
    assert {group.label: group.rate for group in found.arms} == pytest.approx(rates, abs=0.02)
    assert [abs(each.difference) for each in found.comparisons] == pytest.approx([0.4] * pairs, abs=0.03)


@pytest.mark.unmeasured
def test_the_holdout_is_compared_within_versions_of_its_share(host):
    """No holdout, then 10 %, then 50 %, each with other rates: those let in do the same as those kept out (R87)."""
    goal = Goal("bought", within="7 days")
    host.deploy(split_of(50), goal=goal)
    came_and_bought(host, [f"a{n}" for n in range(100)], "0 days", {"A": 0.9, "B": 0.9})
    host.deploy(split_of(50), goal=goal, holdout=10, when="1 day")
    came_and_bought(host, [f"b{n}" for n in range(400)], "1 day", {"A": 0.1, "B": 0.1, "HOLDOUT": 0.1})
    host.deploy(split_of(50), goal=goal, holdout=50, when="2 days")
    came_and_bought(host, [f"c{n}" for n in range(200)], "2 days", {"A": 0.5, "B": 0.5, "HOLDOUT": 0.5})
    found = host.engine.results("j")
    assert abs(found.comparison.difference) < 0.03
    assert found.let_in.n + found.holdout.n == 700
    assert found.comparison.base.n == found.holdout.n
    assert found.comparison.other.n == found.let_in.n - 100
    assert [each.versions for each in found.strata] == [(3,), (2,)]
    assert not found.ratio.suspicious
    assert [(each.base.label, each.other.label, len(each.strata)) for each in found.splits["test"].against_holdout] == [
        ("holdout", "A", 2), ("holdout", "B", 2),
    ]  # fmt: skip
    assert all(abs(each.difference) < 0.04 for each in found.splits["test"].against_holdout)
    assert (found.declined, found.splits["test"].declined) == ("", "")
    assert len(found.splits["test"].strata) == 1


def test_arms_behind_a_wait_are_not_compared_with_the_holdout(host):
    """Who bought within the wait never came to the Split: the arms are the rest, and the reason is told (R87)."""
    goal = Goal("bought", within="60 days", exit=True)
    host.deploy(Wait("month", "30 days"), split_of(50), goal=goal, holdout=30)
    names = [f"c{n}" for n in range(300)]
    for name in names:
        host.feed("go", "0 days", name)
    host.tick()
    for name in names[::2]:
        host.feed("bought", "1 day", name)
    host.tick("31 days")
    found = host.engine.results("j")
    split = found.splits["test"]
    assert (found.comparison.difference, split.against_holdout) == (pytest.approx(0, abs=0.08), ())
    why = "the arms are not compared with the holdout: those are split after 'month', the holdout at the entry"
    assert split.declined == why
    assert found.sentences[-1] == f"test: {why}"
    assert len(split.comparisons) == 1
    host.deploy(Wait("other", "30 days"), goal=goal, holdout=30, when="32 days")
    assert host.engine.results("j").splits["test"].declined == why


def test_a_split_without_a_holdout_beside_it_has_nothing_to_decline(host):
    """Versions with the Split have no holdout, versions with a holdout no Split: they were never together (R87)."""
    host.deploy(split_of(50), goal=Goal("bought", within="7 days"))
    host.deploy(Wait("day", "1 day"), goal=Goal("bought", within="7 days"), holdout=30, when="1 day")
    split = host.engine.results("j").splits["test"]
    assert (split.against_holdout, split.declined) == ((), "")


def test_an_arm_that_nobody_can_take_any_more_keeps_its_label(host):
    """Where the newest version gives it 0 %, it is the arm that people did take, wherever it would lead now (R87)."""
    host.deploy(split_of(50), goal=Goal("bought"))
    came(host, 30)
    host.deploy(split_of(100, steps=("tips", "later")), goal=Goal("bought"), when="1 day")
    found = host.engine.results("j").splits["test"]
    assert [group.label for group in found.arms] == ["A", "B"]
    assert sum(group.n for group in found.arms) == 30
    assert len(found.comparisons) == 1


def test_an_update_before_a_split_keeps_nobody(host):
    """Everybody passes an Update at the entry, unless it ends runs (R39, R87)."""
    goal = Goal("bought", within="7 days")
    host.deploy(Update("mark", tag.add("x")), split_of(50), goal=goal, holdout=30)
    came(host, 40)
    assert len(host.engine.results("j").splits["test"].against_holdout) == 2
    host.deploy(Update("mark", Chain.exit("other")), split_of(50), goal=goal, holdout=40, id="k")
    assert "those are split after 'mark'" in host.engine.results("k").splits["test"].declined


def test_a_split_that_some_did_not_pass_is_not_compared_with_the_holdout(host):
    """While it was unpublished people were let in past it: nobody knows which of those kept out are like them (R17)."""
    host.deploy(split_of(50), goal=Goal("bought", within="7 days"), holdout=30)
    came(host, 40)
    host.engine.set_published("j", {"test": False}, at=after("1 day"))
    for n in range(40, 60):
        host.feed("go", "2 days", f"c{n}")
    host.tick("2 days")
    split = host.engine.results("j").splits["test"]
    assert split.against_holdout == ()
    assert split.declined.endswith(
        "not every customer who was let in while there was a holdout came through this Split at the entry"
    )


def test_with_entry_limits_there_is_no_common_instant(host):
    """Those let in are counted from their slot, those kept out from the trigger: the reason is told (R23, R87)."""
    host.deploy(split_of(50), goal=Goal("bought", within="7 days"), holdout=30, limits=Limits(per_day=1_000))
    came(host, 40)
    found = host.engine.results("j")
    assert (found.comparison, found.ratio, found.strata) == (None, None, ())
    why = "who entered version 1 is not compared with the holdout: with entry limits people are counted from their slot"
    assert found.declined.startswith(why)
    assert found.sentences[0] == f"j: {found.declined}"
    assert found.splits["test"].against_holdout == ()


def test_people_are_counted_by_the_version_that_they_entered(host):
    """Nobody who was kept out is migrated; those let in are compared with them all the same (R14, R87)."""
    goal = Goal("bought", within="7 days")
    steps = (split_of(50), Wait("day", "1 day"))
    host.deploy(*steps, goal=goal, holdout=10)
    came(host, 200)
    host.deploy(*steps, goal=goal, holdout=50, when="1 hour")
    host.engine.migrate("j", 2, at=after("2 hours"))
    found = host.engine.results("j")
    assert [(each.versions, sum(group.n for group in each.groups)) for each in found.strata] == [((2,), 0), ((1,), 200)]
    assert not found.ratio.suspicious
    assert len(found.splits["test"].against_holdout) == 2
    host.deploy(*steps, goal=Goal("paid", within="7 days"), holdout=50, when="3 hours")
    host.engine.migrate("j", 3, at=after("4 hours"))
    found = host.engine.results("j")
    why = "some were moved to a version with another goal"
    assert found.declined == f"who entered version 1 is not compared with the holdout: {why}"
    assert [each.versions for each in found.strata] == [(3,), (2,)]
    host.tick("3 days")
    host.engine.prune(after("4 days"))
    assert host.engine.results("j") == found


def test_who_comes_to_a_split_in_another_version_is_in_its_arms(host):
    """The percentages are those of the version that split; for the holdout it is the version entered (R14, R87)."""
    goal = Goal("bought", within="7 days")
    host.deploy(Wait("day", "1 day"), split_of(100), goal=goal, holdout=20)
    came(host, 100)
    host.deploy(Wait("day", "1 day"), split_of(0), goal=goal, holdout=20, when="1 hour")
    host.engine.migrate("j", 2, at=after("2 hours"))
    host.tick("3 days")
    found = host.engine.results("j")
    assert {group.label: group.n for group in found.splits["test"].arms} == {"A": 0, "B": found.let_in.n}
    assert [each.versions for each in found.splits["test"].strata] == [(2,), (1,)]
    assert [(each.versions, sum(group.n for group in each.groups)) for each in found.strata] == [((1, 2), 100)]
    assert found.splits["test"].against_holdout == ()


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.unmeasured
def test_who_comes_through_a_split_again_in_another_version_stays_in_the_first_arm(host, long):
    """A loop that leads through it again after a migration takes another arm: that is not second customer (R14)."""
    many = [Send(f"s{n}", channel="EMAIL", template="t") for n in range(120 * long)]
    for share, when in ((100, "0 days"), (0, "1 hour")):
        first, second = (
            arm(each, [Send(name, channel="EMAIL", template="t")], name)
            for each, name in ((share, "x"), (100 - share, "y"))
        )
        host.deploy(
            *many,
            Split("test", first, second),
            Wait("day", "1 day", next="s0" if long else "test"),
            goal=Goal("bought"),
            when=when,
        )
        if not share:
            break
        came(host, 10)
    host.engine.migrate("j", 2, at=after("2 hours"))
    host.tick("3 days")
    assert host.engine.enrollment("j", "c0").visits[-2].step == "y"
    found = host.engine.results("j").splits["test"]
    assert {group.label: group.n for group in found.arms} == {"x": 10, "y": 0}
    host.engine.archive("j", at=after("4 days"))
    host.engine.prune(after("40 days"))
    assert host.engine.results("j").splits["test"] == found


def test_a_version_without_a_goal_counts_nobody(host):
    """Who entered it cannot have converted, and is not a failure of an arm (R87)."""
    host.deploy(split_of(50))
    came(host, 30)
    host.deploy(split_of(50), goal=Goal("bought"), when="1 day")
    for n in range(30, 50):
        host.feed("go", "1 day", f"c{n}")
    host.tick("1 day")
    found = host.engine.results("j")
    assert found.let_in.n == 20
    assert sum(group.n for group in found.splits["test"].arms) == 20


def test_nothing_is_concluded_from_groups_of_the_wrong_size(host):
    """A sample ratio mismatch is told alone (R87)."""
    host.deploy(split_of(50), goal=Goal("bought", within="7 days"), holdout=50)
    names = [f"c{n}" for n in range(200)]
    kept = [name for name in names if bucket("default", "j", "holdout", name) < 5_000]
    inside = [name for name in names if name not in kept]
    for name in inside + kept[:10]:
        host.feed("go", "0 days", name)
        host.feed("bought", "0 days", name)
    host.tick()
    found = host.engine.results("j")
    assert found.ratio.suspicious
    assert [sentence.split(":")[0] for sentence in found.sentences] == ["j", "test", "test"]
    assert found.sentences[0].startswith("j: sample ratio mismatch (p = ")
    split = found.splits["test"]
    assert len(split.against_holdout) == 2
    assert found.sentences[1:] == (f"test: {split.ratio.sentence}", f"test: {split.comparisons[0].sentence}")
    wrong = evolve(split, ratio=found.ratio, declined="so")
    assert evolve(found, splits={"test": wrong}).sentences[1:] == (f"test: {found.ratio.sentence}", "test: so")


# --- whose, and which: nothing else is counted ------------------------------------------------------------------------


def test_a_later_goal_of_another_journey_is_none_of_this_one(host):
    """A restart hands on the goal of its own journey, whatever the customer reaches elsewhere (R25, R38)."""
    goal, again = Goal("bought", within="30 days"), {"reentry": "always"}
    host.deploy(Wait("day", "1 day"), goal=goal, **again)
    host.deploy(Wait("day", "1 day"), goal=Goal("paid", within="30 days"), **again, id="other")
    for when in ("0 days", "2 days"):
        came(host, 3, when)
    host.say("paid", "49 hours", "c0")
    host.say("bought", "49 hours", "c1")
    assert (host.engine.results("j").let_in.converted, host.engine.results("other").let_in.converted) == (1, 1)
    host.say("bought", "50 hours", "c2")
    assert (host.engine.results("j").let_in.converted, host.engine.results("other").let_in.converted) == (2, 1)


def test_those_who_ended_in_a_version_and_those_who_were_moved_are_added_up(host):
    """Both entered it; a version without a holdout declines nothing, wherever its people went (R14, R87)."""
    steps = (Split("test", *ARMS), Wait("day", "1 day"))
    host.deploy(*steps, goal=Goal("bought"))
    came(host, 6)
    host.feed_all("bought", "1 hour", ["c0", "c1"])
    host.tick("2 days")
    host.feed_all("go", "2 days", [f"d{n}" for n in range(5)])
    host.tick("2 days")
    host.deploy(*steps, goal=Goal("paid"), when="50 hours")
    host.engine.migrate("j", 2, at=after("50 hours"))
    found = host.engine.results("j")
    assert (found.let_in.n, found.let_in.converted, found.declined) == (11, 2, "")
    host.feed_all("go", "51 hours", ["e0", "e1", "e2"])
    host.tick("51 hours")
    assert (host.engine.results("j").let_in.n, host.engine.results("j").let_in.converted) == (14, 2)


def test_each_reason_names_its_own_versions(host):
    """One version has entry limits, another's people were moved to another goal: two reasons, each told once (R87)."""
    within = Goal("bought", within="7 days")
    host.deploy(Wait("day", "1 day"), goal=within, holdout=50)
    came(host, 10)
    host.deploy(Wait("day", "1 day"), goal=Goal("paid", within="7 days"), holdout=50, when="1 hour")
    host.engine.migrate("j", 2, at=after("2 hours"))
    host.deploy(Wait("day", "1 day"), goal=within, holdout=50, limits=Limits(per_day=5), when="3 hours")
    limited = "with entry limits people are counted from their slot, the holdout from its trigger"
    assert host.engine.results("j").declined == (
        f"who entered version 3 is not compared with the holdout: {limited}; "
        "who entered version 1 is not compared with the holdout: some were moved to a version with another goal"
    )


def test_each_split_has_its_own_arms_and_each_version_its_own_people(host):
    """Two Splits at the entry of two versions: each version is compared with those it kept out (R87)."""
    goal = Goal("bought", within="7 days")
    second = Split("then", arm(50, [End("x")], "x"), arm(50, [End("y")], "y"))
    host.deploy(split_of(50), second, goal=goal, holdout=50)
    came(host, 12)
    host.deploy(split_of(50), second, goal=goal, holdout=25, when="1 day")
    host.feed_all("go", "1 day", [f"d{n}" for n in range(12)])
    host.tick("1 day")
    found = host.engine.results("j").splits
    assert {name: [each.label for each in split.arms] for name, split in found.items()} == {
        "test": ["A", "B"], "then": ["x", "y"],
    }  # fmt: skip
    assert [(each.other.label, len(each.strata)) for each in found["test"].against_holdout] == [("A", 2), ("B", 2)]


def test_who_came_to_the_first_step_in_another_version_is_in_no_arm_beside_the_holdout(host):
    """Those let in past an unpublished Split are none of its version, even if others came from elsewhere (R14, R17)."""
    goal, day = Goal("bought", within="7 days"), Wait("day", "1 day")
    host.deploy(day, goal=goal)
    host.feed_all("go", "0 days", [f"a{n}" for n in range(8)])
    host.tick()
    host.deploy(split_of(50), day, goal=goal, holdout=50, when="1 hour")
    host.engine.set_published("j", {"test": False}, at=after("1 hour"))
    names = [f"c{n}" for n in range(60)]
    for kept_out in (False, True):
        alike = [name for name in names if (bucket("default", "j", "holdout", name) < 5_000) is kept_out]
        host.feed_all("go", "2 hours", alike[:8])
    host.tick("2 hours")
    host.engine.set_published("j", {"test": True}, at=after("3 hours"))
    host.engine.migrate("j", 2, {"day": "test"}, at=after("4 hours"))
    host.tick("5 hours")
    found = host.engine.results("j")
    assert (found.let_in.n, sum(group.n for group in found.splits["test"].arms)) == (16, 8)
    assert found.splits["test"].against_holdout == ()


def test_where_all_are_kept_out_there_is_nobody_to_compare(host):
    """A holdout of 100 % leaves no arm anybody could take (R25, R87)."""
    host.deploy(split_of(50), goal=Goal("bought", within="7 days"), holdout=100)
    came(host, 4)
    assert host.engine.results("j").splits["test"].against_holdout == ()


def test_customers_on_paths_spelled_out_are_in_the_arms_that_they_took(host):
    """Each by the arm and the goal of the own run, also after history was pruned (R80, R86, R87)."""
    steps = [Update(f"s{n}", tag.add("x")) for n in range(120)]
    arms = (arm(50, [End("no")], "tips"), arm(50, [End("yes")], "offer"))
    host.deploy(*steps, Split("test", *arms), goal=Goal("bought", exit=False))
    names = came(host, 9)
    took = {name: arm_of(host, name) for name in names}
    wanted = {"tips": [*took.values()].count("tips"), "offer": [*took.values()].count("offer")}
    found = host.engine.results("j").splits["test"]
    assert {group.label: group.n for group in found.arms} == wanted
    assert abs(wanted["tips"] - wanted["offer"]) < 7
    assert host.engine.prune(after("1 day")).moves == 9
    assert host.engine.results("j").splits["test"] == found


@pytest.mark.parametrize("mapping", [None, {"day": "test"}])
def test_a_split_on_a_path_spelled_out_is_that_of_the_version_of_then(host, mapping):
    """Who was moved while waiting before it, or to it, is split as the new version says (R14, R80, R87)."""
    many = [Update(f"s{n}", tag.add("x")) for n in range(120)]
    for share, when in ((100, "0 days"), (0, "1 hour")):
        split = Split("test", arm(share, "s0", "x"), arm(100 - share, "s0", "y"))
        host.deploy(Wait("day", "1 day"), split, *many, goal=Goal("bought"), when=when)
        if share:
            came(host, 4)
    host.engine.migrate("j", 2, mapping, at=after("2 hours"))
    host.tick("2 days")
    strata = host.engine.results("j").splits["test"].strata
    assert [(each.versions, {group.label: group.n for group in each.groups}) for each in strata] == [
        ((2,), {"x": 0, "y": 4}), ((1,), {"x": 0, "y": 0}),
    ]  # fmt: skip
