"""Experiments before they begin: what is promised is what `results` would find."""

from datetime import timedelta
from math import log, log1p, sqrt
from random import Random
from statistics import NormalDist

import pytest

from journeyflow import Engine, Event, Goal, InvalidInput, Journey, MemoryStore, Send, Split, Trigger, Wait, arm
from journeyflow.analysis import power, sample_size, smallest_difference
from journeyflow.analysis.chances import chance_of_finding
from journeyflow.analysis.power import MOST
from journeyflow.basics.chance import BUCKETS, bucket
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.questions.numbers.intervals import Comparison, Group
from journeyflow.questions.numbers.strata import Stratum, group_comparisons
from journeyflow.simulation import Arrivals
from tests.samples import START

NORMAL = NormalDist()

HALVES = {"A": 50, "B": 50}

TESTED = Journey(
    id="welcome",
    trigger=Trigger("joined"),
    goal=Goal("order.placed", within="7 days"),
    holdout=10,
    steps=[
        Split(
            "test",
            arm(50, [Send("tips", channel="EMAIL", template="tips")]),
            arm(30, [Send("offer", channel="EMAIL", template="offer")]),
            arm(20, [Send("gift", channel="EMAIL", template="gift")]),
        ),
        Wait("week", "7 days"),
    ],
)


def converted(chance, people, rate):
    """Draw how many of some people convert: where many do, the normal distribution is near enough."""
    if people * rate > 100:
        spread = sqrt(people * rate * (1 - rate))
        return min(people, max(0, round(people * rate + spread * NORMAL.inv_cdf(chance.random()))))
    count, at = -1, 0
    while at <= people:  # from one who converts to the next
        at += 1 + int(log(1 - chance.random()) / log1p(-rate)) if rate else people + 1
        count += 1
    return count


def found(chance, plan):
    """Draw the counts of an experiment once, sizes too; return which arms `results` tells from the first one."""
    sizes = dict.fromkeys((group.label for group in plan.groups), 0)
    left, share = plan.people, 100.0
    for group in plan.groups:
        sizes[group.label] = left if group is plan.groups[-1] else converted(chance, left, group.percentage / share)
        left, share = left - sizes[group.label], share - group.percentage
    groups = tuple(
        Group(each.label, sizes[each.label], converted(chance, sizes[each.label], each.rate)) for each in plan.groups
    )
    stratum = Stratum((1,), {each.label: each.percentage for each in plan.groups}, groups)
    return {each.other.label for each in group_comparisons([stratum]) if each.decided and (each.difference or 0) > 0}


@pytest.mark.parametrize(
    ("experiment", "people", "rate", "difference"),
    [
        (HALVES, 4_000, 0.10, 0.03),
        (HALVES, 3_000, 0.02, 0.01),
        ({"A": 90, "B": 10}, 6_000, 0.20, 0.05),
        ({"A": 10, "B": 90}, 1_200, 0.85, 0.10),
        (HALVES, 160, 0.30, 0.25),
        ({"A": 80, "B": 20}, 900, 0.01, 0.03),
        ({"A": 50, "B": 30, "C": 20}, 4_000, 0.10, {"B": 0.03, "C": 0.04}),
    ],
)
def test_power_is_the_share_of_experiments_in_which_results_finds_the_difference(experiment, people, rate, difference):
    """Within two points, with the sizes of the groups left to chance as a Split leaves them, and for each arm."""
    plan, chance, times = power(experiment, people=people, rate=rate, difference=difference), Random(3), 4_000
    hits = [found(chance, plan) for _ in range(times)]
    for group in plan.groups[1:]:
        assert sum(group.label in each for each in hits) / times == pytest.approx(group.power, abs=0.02)


def hashed(seed, people, rates):
    """Return who of some people takes which arm, by the hash of the engine, and who of them converts, by chance."""
    chance, arms = Random(seed), {}
    for name in (f"{seed}-{n}" for n in range(people)):
        label = "A" if bucket(DEFAULT_TENANT, LIVED.id, "test", name) < BUCKETS / 2 else "B"
        arms[name] = (label, chance.random() < rates[label])
    return arms


def compared(arms):
    """Compare both arms as `results` does."""
    groups = {label: [converts for of, converts in arms.values() if of == label] for label in "AB"}
    one, other = (Group(label, len(found), sum(found)) for label, found in groups.items())
    return Comparison(one, other)


def lived(arms):
    """Let the same people live in an engine: they enter, get the message of an arm, and some order."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(LIVED, at=START)
        engine.feed(Event("joined", customer=name, at=START) for name in arms)
        engine.tick(START)
        later = START + timedelta(days=1)
        for message in engine.claim("mailer", at=START, limit=len(arms)):
            label, converts = arms[message.customer]
            assert message.step == label
            engine.feed([Event("order", customer=message.customer, at=later)] * converts)
        engine.tick(later)
        return engine.results("lived").splits["test"].comparisons[0]


LIVED = Journey(
    id="lived",
    trigger=Trigger("joined"),
    goal=Goal("order", within="7 days"),
    steps=[
        Split("test", *(arm(50, [Send(name, channel="EMAIL", template=name)], label=name) for name in "AB")),
        Wait("week", "7 days"),
    ],
)


def test_power_is_the_share_of_lived_experiments_in_which_results_finds_the_difference():
    """Through the whole engine: a life comes to what the hash and the counts say, and those do within two points."""
    rates, people, times = {"A": 0.30, "B": 0.55}, 160, 3_000
    for seed in range(12):
        arms = hashed(seed, people, rates)
        found, expected = lived(arms), compared(arms)
        assert (found.base, found.other, found.decided) == (expected.base, expected.other, expected.decided)
    decided = [compared(hashed(seed, people, rates)) for seed in range(times)]
    share = sum(each.decided and (each.difference or 0) > 0 for each in decided) / times
    assert share == pytest.approx(power(HALVES, people=people, rate=0.30, difference=0.25).power, abs=0.02)


def test_power_is_exact():
    """For groups small enough, all counts can be tried."""
    for (n, p), (m, q) in (
        ((30, 0.3), (40, 0.7)),
        ((12, 0.9), (60, 0.2)),
        ((25, 0.0), (30, 0.5)),
        ((40, 0.5), (40, 1)),
    ):
        expected = sum(
            chance_of(n, x, p) * chance_of(m, y, q)
            for x in range(n + 1)
            for y in range(m + 1)
            if (y / m - x / n) * (q - p) > 0 and Comparison(Group("A", n, x), Group("B", m, y)).decided
        )
        assert chance_of_finding((n, p), (m, q)) == pytest.approx(expected, abs=1e-12)


def chance_of(n, count, rate):
    """Return the probability of a count by the recursion of Bernoulli trials."""
    chances = [1.0]
    for _ in range(n):
        chances = [
            (chances[k] * (1 - rate) if k < len(chances) else 0) + (chances[k - 1] * rate if k else 0)
            for k in range(len(chances) + 1)
        ]
    return chances[count]


@pytest.mark.parametrize("difference", [0.03, -0.04])
@pytest.mark.parametrize("experiment", [HALVES, {"A": 80, "B": 20}, {"A": 40, "B": 40, "C": 20}])
def test_the_sample_size_is_the_first_that_has_the_power(experiment, difference):
    """A hundredth fewer people have less power; the plan of that size says the same."""
    plan = sample_size(experiment, rate=0.1, difference=difference, power=0.9)
    assert plan.power >= 0.9
    assert power(experiment, people=int(plan.people * 0.99), rate=0.1, difference=difference).power < 0.9
    assert power(experiment, people=plan.people, rate=0.1, difference=difference) == plan


def test_the_sample_size_is_that_of_the_textbook_where_that_holds():
    """Two equal groups from 10 % to 12 %, with power 0.8: the normal distribution asks for 3,841 in each."""
    assert sample_size(HALVES, rate=0.10, difference=0.02).people / 2 == pytest.approx(3_841, rel=0.005)


def test_few_people_need_enough_conversions_too():
    """Cochran's rule keeps a small experiment from concluding anything, however large the difference."""
    assert power(HALVES, people=10, rate=0.0, difference=1.0).power == 0
    assert 20 <= sample_size(HALVES, rate=0.0, difference=1.0).people <= 22


def test_the_smallest_difference_is_the_first_that_shows():
    """A hundredth of a point less does not."""
    least = smallest_difference(HALVES, people=5_000, rate=0.05)
    assert power(HALVES, people=5_000, rate=0.05, difference=least).power >= 0.8
    assert power(HALVES, people=5_000, rate=0.05, difference=least - 0.0001).power < 0.8
    with pytest.raises(ValueError, match="show no difference"):
        smallest_difference(HALVES, people=10, rate=0.5)
    with pytest.raises(ValueError, match="show no difference"):
        smallest_difference(HALVES, people=10, rate=1.0)


def test_days_follow_from_the_arrivals():
    """A number a day or a Poisson process; the last one has the time of the journey's goal."""
    plan = power(TESTED, step="test", people=2_000, rate=0.1, difference=0.05, arrivals=100)
    assert [(each.label, each.people) for each in plan.groups] == [("A", 1_000), ("B", 600), ("C", 400)]
    assert plan.days == 27
    poisson = Arrivals.poisson(100, weekdays=[1, 1, 1, 1, 1, 0, 0])
    assert power(HALVES, people=2_000, rate=0.1, difference=0.05, arrivals=poisson, within="36 hours").days == 22
    assert power(HALVES, people=2_000, rate=0.1, difference=0.05).days is None


def test_a_holdout_costs_the_conversions_of_those_who_get_nothing():
    """What the journey adds, times the people who are kept out."""
    plan = power(TESTED, people=20_000, rate=0.05, difference=0.02)
    assert [(each.label, each.people) for each in plan.groups] == [("holdout", 2_000), ("let in", 18_000)]
    assert plan.lost == pytest.approx(40)
    assert plan.power > 0.9


def test_an_arm_that_is_not_expected_to_differ_has_no_power():
    """Nobody asks how likely it is to be found; one that is worse may be asked for."""
    plan = power({"A": 40, "B": 30, "C": 30, "D": 0}, people=5_000, rate=0.2, difference={"B": -0.05})
    assert [each.power is None for each in plan.groups] == [True, False, True]
    assert plan.lost == pytest.approx(75)


def test_so_few_that_they_cannot_show_it_are_said_to_be():
    """A power of 0.0% is not a power: the sentence says so."""
    assert power(HALVES, people=5, rate=0.1, difference=0.03).sentences[0] == (
        "5 people are too few to show the difference, at a confidence of 95%"
    )
    assert "1 person is too few to show" in power(HALVES, people=1, rate=0.1, difference=0.03).sentences[0]


def test_a_plan_is_text_and_rows():
    """For people, and for tables."""
    plan = sample_size(HALVES, rate=0.1, difference=0.02, arrivals=200, within="7 days")
    assert plan.to_dicts()[1] == {
        "group": "B",
        "percentage": 50.0,
        "people": plan.groups[1].people,
        "rate": 0.12,
        "power": plan.power,
    }
    text = str(plan)
    assert "12.00% convert, found with power 80.0%" in text
    assert f"it takes {plan.days} days at 200 people a day, 7 of them for the last one to reach the goal" in text
    assert "it costs" in text
    assert "days" not in str(sample_size(HALVES, rate=0.1, difference=0.02))


def test_a_group_without_a_difference_is_like_the_first_at_any_rate():
    """A rate such as a third has no last digit; what is not to be found needs no people."""
    thirds = {"A": 40, "B": 30, "C": 30}
    plan = power(thirds, people=1_000, rate=1 / 3, difference={"B": 0.1})
    assert [each.power is None for each in plan.groups] == [True, False, True]
    assert plan.power > 0.7
    assert sample_size(thirds, rate=1 / 3, difference={"B": 0.1}).people < 2_000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: power(HALVES, people=0, rate=0.1, difference=0.1), "people must be a whole number from 1"),
        (lambda: power(HALVES, people=MOST + 1, rate=0.1, difference=0.1), "people must be a whole number from 1"),
        (lambda: power(HALVES, people=9, rate=0.95, difference=0.1), "that of 'B' would be 1.05"),
        (lambda: power(HALVES, people=9, rate=0.1, difference=0), "difference must not be 0"),
        (lambda: sample_size(HALVES, rate=0.1, difference=1e-300), "difference must not be 0"),
        (
            lambda: power(HALVES, people=9, rate=0.1, difference={"A": 0.1}),
            "'A' is not a group that is compared with 'A'",
        ),
        (lambda: power({"A": 100, "B": 0}, people=9, rate=0.1, difference=0.1), "two groups or more"),
        (
            lambda: power({"A": 100, "B": -1}, people=9, rate=0.1, difference=0.1),
            "a percentage is 0 or more, not int -1",
        ),
        (
            lambda: power({"A": 50, "B": 30}, people=9, rate=0.1, difference=0.1),
            "percentages add up to 100, not 80; add a group for those who take no part",
        ),
        (lambda: sample_size(Split("s", arm(1), arm(1)), rate=0.1, difference=0.1), "add up to 100, not 2"),
        (lambda: power(HALVES, people=9, rate=0.1, difference=0.1, arrivals=0), "arrivals must be above 0 a day"),
        (lambda: power(HALVES, people=9, rate=0.1, difference=0.1, arrivals=Arrivals.evenly()), "give a number"),
        (lambda: power(HALVES, people=9, rate=0.1, difference=0.1, confidence=1), "confidence lies between 0 and 1"),
        (lambda: sample_size(HALVES, rate=0.1, difference=0.1, power=1), "power lies between 0 and 1"),
        (lambda: sample_size(HALVES, rate=0.001, difference=0.000_001), "people are not enough"),
        (lambda: smallest_difference(HALVES, people=0, rate=0.5), "people must be"),
    ],
)
def test_what_cannot_be_planned_is_refused(make, words):
    """The message says what was expected."""
    with pytest.raises(ValueError, match=words):
        make()


def test_a_journey_needs_what_is_asked_about():
    """A holdout, or the Split that is named; the error says how to give it."""
    plain = Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", "1 day")])
    with pytest.raises(InvalidInput, match="has no holdout: give it one, or name one of its Splits"):
        power(plain, people=9, rate=0.1, difference=0.1)
    with pytest.raises(InvalidInput, match="has no Split 'w'"):
        power(plain, step="w", people=9, rate=0.1, difference=0.1)
