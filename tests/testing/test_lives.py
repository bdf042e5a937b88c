"""What random lives are good for: they let customers in, lead them to the far end of a journey, and shrink."""

from operator import attrgetter

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from journeyflow import Condition, End, Exit, Journey, MemoryStore, Reentry, Send, Trigger, Wait, field
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.testing import Put, journeys, lives, run
from journeyflow.testing.plots import plot
from tests.played import played

SOME = settings(
    max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
GENERATED = settings(SOME, phases=[Phase.generate])

ORDER = Journey(
    "order",
    trigger=Trigger("order.placed", where=field("event.total").gt(100)),
    run_criteria=field("vip").eq(True),
    reentry="always",
    steps=[
        Send("s", channel="EMAIL", template="t"),
        Wait("read", event="message.clicked", timeout="5 days", on_timeout=[End("unread")]),
        Wait(
            "paid",
            event="order.paid",
            where=field("event.cart").eq(field("trigger.cart")),
            timeout="5 days",
            on_timeout=[End("late")],
        ),
        End("thanks"),
    ],
)
STEPWISE = Journey(
    "stepwise",
    trigger=Trigger("signed.up"),
    steps=[
        Wait("a", event="profile.completed", timeout="7 days", on_timeout=[End("no profile")]),
        Wait("b", event="project.created", where=field("event.seats").gte(3), timeout="7 days", on_timeout=[End("no")]),
        Wait("c", event="invited", timeout="7 days", on_timeout=[End("alone")]),
        End("thanks"),
    ],
)
OPENED = Journey(
    "opened",
    trigger=Trigger("go"),
    steps=[
        Send("s", channel="EMAIL", template="t"),
        Wait("w", "1 day"),
        Condition("o", field("message.s.opened").eq(True), no=[End("unread")]),
        Wait("more", event="tag.added", where=field("event.tag").eq("vip"), timeout="2 days", on_timeout=[End("no")]),
        Condition("p", field("plan").eq("pro"), no=[End("free")]),
        End("thanks"),
    ],
)
CLUB = Journey(
    "club",
    trigger=Trigger("go", where=field("event.n").gte(3)),
    consent="required",
    run_criteria=field("customer.age").gt(18) & field("country").in_(["ZA", "NL"]) & ~field("tags").contains("out"),
    exits=[Exit("gone", when=field("country").eq("US"))],
    steps=[Send("s", channel="EMAIL", template="t")],
)
PULLED = Journey(
    "pulled",
    trigger=Trigger.every("1 day", list="news"),
    run_criteria=field("plan").eq("paid"),
    steps=[Send("s", channel="EMAIL", template="t")],
)
TAGGED = Journey("tagged", trigger=Trigger.tag_added("vip"), reentry="restart", steps=[Wait("w", "1 day")])
BY_HAND = Journey("by-hand", trigger=Trigger(manual=True), steps=[Wait("w", "1 day")])
KEYED = Journey("keyed", trigger=Trigger("go"), reentry=Reentry.always(key="event.cart"), steps=[Wait("w", "1 day")])
AFTER_CLICKS = Journey("clicks", trigger=Trigger("message.clicked"), steps=[Wait("w", "1 day")])


def lets_in(life, *chosen):
    """Return whether somebody comes into one of the journeys, without asking what else comes of a life."""
    with played(chosen, life, store=(store := MemoryStore())):
        return bool(store.runs)


def steps(journey, life):
    """List the steps that runs have visited."""
    return [[visit.step for visit in each.visits] for each in run([journey], life).enrollments]


@pytest.mark.parametrize("journey", [ORDER, CLUB, PULLED, TAGGED, BY_HAND, KEYED, AFTER_CLICKS], ids=attrgetter("id"))
def test_most_lives_let_somebody_in(journey):
    """In four lives of five somebody comes into the journey, whatever it asks of them."""
    entered = []

    @settings(GENERATED, max_examples=40)
    @given(lives(journey))
    def collect(life):
        entered.append(lets_in(life, journey))

    collect()
    assert sum(entered) >= 0.8 * len(entered)


def test_most_lives_let_somebody_into_random_journeys():
    """So it is with journeys as they are drawn: few of them can be entered by nobody."""
    entered = []

    @settings(GENERATED, max_examples=80)
    @given(journeys().flatmap(lambda journey: lives(journey).map(lambda life: (journey, life))))
    def collect(drawn):
        journey, life = drawn
        entered.append(lets_in(life, journey))

    collect()
    assert sum(entered) >= 0.75 * len(entered)


@pytest.mark.parametrize("journey", [ORDER, STEPWISE, OPENED], ids=attrgetter("id"))
def test_what_needs_four_calls_is_found(journey):
    """Lives follow the journey's steps, so that what happens at its far end is seen within 200 of them."""

    @GENERATED
    @given(lives(journey))
    def nobody_is_thanked(life):
        assert not any("thanks" in visited for visited in steps(journey, life))

    with pytest.raises(AssertionError):
        nobody_is_thanked()


def chain(length):
    """Make a journey in which a comparison decides after as many calls: the trigger, and events that are awaited."""
    waits = [Wait(f"w{n}", event=f"e{n}", timeout="5 days", on_timeout=[End(f"late{n}")]) for n in range(length - 2)]
    asks = Condition("asks", field("n").gte(3), yes=[End("yes")], no=[End("no")])
    return Journey("chain", trigger=Trigger("go"), steps=[*waits, asks])


@pytest.mark.parametrize("calls", [2, 3, 4])
def test_a_fault_of_the_engine_behind_so_many_calls_is_found(monkeypatch, calls):
    """With "greater or equal" read as "greater", some life of 200 comes out otherwise than it should.

    It takes a customer who has just the number, the trigger, and each of the events on the way.
    """
    journey = chain(calls)

    @GENERATED
    @given(lives(journey))
    def it_is_right(life):
        right = steps(journey, life)
        with monkeypatch.context() as planted:
            planted.setitem(OPERATORS, "gte", OPERATORS["gt"])
            assert steps(journey, life) == right

    with pytest.raises(AssertionError):
        it_is_right()


def test_a_failing_life_shrinks_to_what_matters():
    """Nothing is left but the calls without which it would not fail, after some hundreds of tries."""
    tried = []

    def thanked(life):
        tried.append(life)
        return any("thanks" in visited for visited in steps(ORDER, life))

    found = find(lives(ORDER), thanked, settings=SOME)
    assert len(found.calls) == 4
    assert isinstance(found.calls[0], Put)
    assert len(tried) < 1_000


def test_a_plot_has_what_the_rules_of_a_journey_ask_for():
    """Attributes, consent, the data of the trigger and what later steps compare it with."""
    assert plot(CLUB).asked == {"consent.EMAIL": True, "trigger.n": 3, "age": 19, "country": "ZA", "tags": None}
    assert plot(PULLED).asked == {"lists": ["news"], "plan": "paid"}
    asked = plot(ORDER).asked
    assert (asked["vip"], asked["trigger.total"], "trigger.cart" in asked) == (True, 101, True)
