"""What experiments came to, read from the log: by customer, by the first entry, arms and those kept out (R25)."""

from datetime import timedelta

import pytest

from journeyflow import End, Goal, InvalidInput, Journey, NotFound, Send, Split, Wait, arm
from journeyflow.questions.numbers.intervals import Group, wilson
from tests.samples import START, STORES, Host, after, open_engine

ARMS = (
    arm(50, [Send("tips", channel="EMAIL", template="t")], "tips"),
    arm(50, [Send("offer", channel="EMAIL", template="t")], "offer"),
)


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store, whose books add up at the end."""
    with open_engine(request.param, grace=None, max_jump=None) as engine:
        yield Host(engine)
        assert engine.audit() == []


def came(host: Host, count: int, when: str = "0 days") -> list[str]:
    """Let customers come, and give them."""
    names = [f"c{n}" for n in range(count)]
    for name in names:
        host.feed("go", when, name)
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
    for name in buyers:
        host.feed("bought", "1 hour", name)
    came(host, 60, "2 days")
    for name in names:
        host.feed("bought", "3 days", name)  # in a later run, which is not counted
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
    assert set(host.engine.results("j").sentences) == {"j: not enough data", "test: not enough data"}
    came(host, 4)
    assert set(host.engine.results("j").sentences) == {"j: not enough data", "test: not enough data"}


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
        host.feed("bought", "7 days 1 second", name)
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
