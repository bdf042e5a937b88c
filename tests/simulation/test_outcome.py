"""What came of a simulation: its figures, its text and its page."""

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Goal,
    Journey,
    Limits,
    Policies,
    Send,
    Trigger,
    Wait,
)
from journeyflow.simulation import (
    Arrivals,
    Behavior,
    Population,
    simulate,
)
from tests.simulation.welcome import START, WELCOME, run

CAPPED = Policies(caps=[Cap(1, within="3 days", channel="SMS", over="defer"), Cap(2, per="week")])


def test_caps_are_figures_of_their_own():
    """How often each closed, and whether it skipped or held the message; the funnel and the report say so too."""
    texts = [Send(name, channel="SMS", template=name) for name in ("a", "b")]
    last = Send("c", channel="EMAIL", template="c")
    capped = Journey(
        id="j", trigger=Trigger("go"), steps=[texts[0], Wait("w", "1 day"), texts[1], Wait("v", "1 day"), last]
    )
    outcome = run(capped, policies=CAPPED, behavior=Behavior(), population=Population(size=10))
    expected = {
        ("1 SMS message within 3 days", "deferred"): (10, 10, 10),
        ("2 messages per week", "skipped"): (10,) * 3,
    }
    assert outcome.caps_hit() == outcome.caps_hit("j") == expected
    assert outcome.caps_hit("other") == {}
    assert outcome.funnel("j")[4].skipped == {"cap": (10, 10, 10)}
    assert "not sent: cap 10" in str(outcome)
    assert "Cap of 2 messages per week: skipped 10" in str(outcome)
    assert sum(row["figure"] == "caps" for row in outcome.to_dicts()) == 2


def test_who_rests_where_is_known_for_each_day():
    """At the end of each day of the journey's zone; the last one is what the store shows."""
    steps = [Wait("w", "36 hours"), Wait("v", "10 days")]
    journey = Journey(id="j", trigger=Trigger("go"), timezone="Asia/Tokyo", steps=steps)
    people = Population(size=4, arrivals=Arrivals.evenly("4 days"))
    outcome = run(journey, population=people, behavior=Behavior(), until="5 days")
    found = {key: count.median for key, count in outcome.occupancy("j").items()}
    assert [found.get((f"2026-03-0{day}", "w"), 0) for day in range(2, 8)] == [1, 1, 1, 1, 0, 0]
    assert [found.get((f"2026-03-0{day}", "v"), 0) for day in range(2, 8)] == [0, 1, 2, 3, 4, 4]
    assert {row["step"] for row in outcome.to_dicts() if row["figure"] == "occupancy"} == {"w", "v"}
    assert outcome.branches_per_day("j") == {
        (day, "w", "elapsed"): (1, 1, 1) for day in ("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
    }


def test_the_load_on_a_claim_queue_follows_from_what_was_handed_out():
    """By hour and channel; with too few workers a backlog grows, and shrinks after the last message."""
    outcome = run(population=Population(size=100), behavior=Behavior(), until="1 day")
    assert outcome.claimed_per_hour() == {("2026-03-02 00:00", "EMAIL"): (100, 100, 100)}
    hours = outcome.backlog(30)
    assert {hour: found.median for hour, found in hours.items()} == {
        "2026-03-02 00:00": 70,
        "2026-03-02 01:00": 40,
        "2026-03-02 02:00": 10,
    }
    assert outcome.backlog(100) == {}
    with pytest.raises(ValueError, match="per_hour must be above 0"):
        outcome.backlog(0)


def test_an_outcome_says_what_came_of_it():
    """Funnel, statuses, days, time to end, refusals; a row for every figure; text for people."""
    outcome = run(replications=3)
    steps = {row.step: row for row in outcome.funnel("welcome")}
    assert steps["hello"].share == 1.0
    assert set(steps["test"].outcomes) == {"A", "B"}
    assert steps["opened"].outcomes["yes"].low < steps["opened"].outcomes["yes"].high
    assert sum(band.median for band in outcome.statuses("welcome").values()) == pytest.approx(60, abs=2)
    assert {channel for _, channel in outcome.messages_per_day()} == {"EMAIL", "SMS"}
    assert ("2026-03-02", "hello") in outcome.visits_per_day("welcome")
    assert 2 * 1_440 <= outcome.time_to_end("welcome", 0.1) <= outcome.time_to_end("welcome") <= 5 * 1_440
    assert outcome.refusals("welcome") == {}
    assert repr(outcome).startswith("Outcome(60 customers, 2026-03-02 to 2026-03-16, 3 seeds; welcome: 60 entered")
    text = str(outcome)
    assert "Journey welcome: 60 entered" in text
    assert "reached the goal: " in text
    figures = {row["figure"] for row in outcome.to_dicts()}
    assert {"customers", "enrollments", "visits", "outcomes", "messages", "handed out", "minutes", "revenue"} <= figures


def test_one_is_one():
    """Nouns follow their counts, and nothing is over in no time."""
    hello = Journey(id="j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t")])
    outcome = run(hello, population=1)
    assert repr(outcome).startswith("Outcome(1 customer, ")
    assert str(outcome).startswith("1 customer, ")
    assert "half of those who ended did so within 1 minute\n" in str(outcome)
    assert "00:00 UTC, 1 message" in str(outcome)
    assert "1 messages" not in str(outcome)
    page = outcome.report().to_html()
    assert "A simulation of 1 customer from" in page
    assert "1 visit<" in page


def test_a_page_says_that_nothing_was_sent():
    """An empty section would look like a fault."""
    quiet = Journey(id="j", trigger=Trigger("go"), steps=[Wait("pause", "1 day")])
    for seeds in (1, 2):
        assert "Messages by day</h2><p>None.</p>" in run(quiet, population=1, replications=seeds).report().to_html()


def test_those_held_out_are_counted_apart():
    """R25, R81: who entered is the sum of the statuses, and the text, the rows and the page name the others."""
    outcome = run(evolve(WELCOME, holdout=40), replications=2)
    held_out, entered = outcome.held_out("welcome"), outcome.entered("welcome")
    assert held_out.median + entered.median == 60
    assert 0 < held_out.median < entered.median
    for tally in outcome.tallies:
        alone = evolve(outcome, tallies=(tally,))
        assert sum(each.median for each in alone.statuses("welcome").values()) == alone.entered("welcome").median
    assert f"{entered} entered, {held_out} in the holdout" in str(outcome)
    assert f"{entered} entered, {held_out} in the holdout; at the end " in outcome.report().to_html()
    assert str(outcome).count("holdout") == 1
    rows = [row for row in outcome.to_dicts() if row["figure"] == "held out"]
    assert rows == [{"figure": "held out", "journey": "welcome", **held_out._asdict()}]
    assert "holdout" not in str(run())
    assert "held out" not in {row["figure"] for row in run().to_dicts()}


def test_an_outcome_without_anybody():
    """Nothing is divided by nobody."""
    nobody = run(Journey(id="t", trigger=Trigger.tag_added("vip"), steps=[Wait("w", "1 day")]), behavior=Behavior())
    assert (nobody.goal_rate("t"), nobody.time_to_end("t"), nobody.busiest_hour) == (None, None, None)
    assert nobody.funnel("t")[0].share is None
    assert "Journey t: 0 entered" in str(nobody)


@pytest.mark.parametrize("replications", [1, 3])
def test_an_outcome_is_a_page_with_pictures(replications):
    """With the figures of its rows: for one seed columns by channel, for several bands for each channel."""
    journey = Journey(
        id="j",
        trigger=Trigger("go"),
        goal=Goal("order"),
        limits=Limits(per_day=30, over="drop"),
        steps=[Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day")],
    )
    outcome = simulate(
        journey,
        population=Population(size=40),
        behavior=Behavior(converted=0.5),
        policies=Policies(caps=[Cap(1, per="day")]),
        start=START,
        until="3 days",
        replications=replications,
    )
    text = outcome.report().to_html()
    assert f"{outcome.entered('j')} entered" in text
    assert "Half of those who ended did so within 1 day." in text
    assert "half of those who ended did so within 1 day\n" in str(outcome)
    assert ("Messages by EMAIL by day" in text) == (replications > 1)
    for reason in outcome.refusals("j"):
        assert reason in text
