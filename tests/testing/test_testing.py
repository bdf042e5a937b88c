"""Random journeys and lives, and playing a life: what `journeyflow.testing` promises to those who test with it."""

import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    Exit,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    field,
    problems,
    tag,
    testing,
)
from journeyflow.definition.steps import WAIT_FORMS
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Ack, Enroll, Leave, Life, Lifecycle, Put, Reaction, journeys, lives, run
from tests.cases import cases

SOME = cases(60)
UNTIL_FOUND = settings(SOME, max_examples=20_000, phases=[Phase.generate])
HOUR = timedelta(hours=1)

TRIAL = Journey(
    "trial",
    trigger=Trigger("trial.started"),
    exits=[Exit("paid", when=field("plan").eq("paid"))],
    steps=[
        Wait("ending", field="trialEndsAt", offset="-3 days", on_missing=[End("no date")], on_past=[End("too late")]),
        Send("ends-soon", channel="EMAIL", template="trial_ending"),
    ],
)
HELLO = Journey(
    "hello",
    trigger=Trigger("joined"),
    reentry="always",
    steps=[
        Send("hi", channel="EMAIL", template="welcome"),
        Send("text", channel="SMS", template="welcome"),
        Wait("w", "1 hour"),
        Send("bye", channel="EMAIL", template="bye"),
    ],
)


def drawn(strategy, wanted):
    """Draw until something is as wanted; fail when nothing is."""
    return find(strategy, wanted, settings=UNTIL_FOUND)


def missed(strategy, wants):
    """Draw once for all, until something was as each of them wants it; return the places of those that were missed."""
    left = set(range(len(wants)))

    def seen(example):
        left.difference_update([place for place in left if wants[place](example)])
        return not left

    with suppress(NoSuchExample):
        find(strategy, seen, settings=UNTIL_FOUND)
    return left


def any_call(wants):
    """Return, for each that wants something of a call, one that wants it of any call of a life."""
    return [lambda life, want=want: any(map(want, life.calls)) for want in wants]


def joined(customer="ann", hour=0):
    """Make the event that starts HELLO."""
    return Event("joined", customer=customer, at=START + hour * HOUR)


def play(*calls, hours=24, journey=HELLO, **options):
    """Play calls against one journey."""
    return run([journey], Life(calls, START + hours * HOUR), **options)


# --- journeys -------------------------------------------------------------------------------------------------------


@SOME
@given(journeys(id="mine"))
def test_random_journeys_are_valid(journey):
    """A drawn journey has the id asked for and no error; what is left are warnings (R13)."""
    assert journey.id == "mine"
    assert [each for each in problems(journey) if each.severity == "error"] == []


WANTED = [
    # every kind of step, other than the End that is appended (R40)
    *(
        lambda journey, kind=kind: any(isinstance(step, kind) and step.id != "end" for step in journey.steps)
        for kind in (Send, Wait, Condition, Split, Update, End)
    ),
    # every form of a Wait (R32)
    *(
        lambda journey, form=form: any(getattr(step, form, None) is not None for step in journey.steps)
        for form in WAIT_FORMS
    ),
    # goals, exits, re-entry, consent, run criteria, zones and windows (R21, R22, R34, R42)
    lambda journey: journey.goal and journey.goal.exit,
    lambda journey: any(each.when is not None for each in journey.exits),
    lambda journey: any(each.event for each in journey.exits),
    lambda journey: journey.reentry.policy == "after",
    lambda journey: journey.consent == "required",
    lambda journey: journey.run_criteria is not None,
    lambda journey: journey.customer_timezone and journey.timezone != "UTC",
    lambda journey: any(getattr(step, "window", None) for step in journey.steps),
]
"""What random journeys have."""


def test_random_journeys_have_everything():
    """Every kind of step, every form of a Wait, and every rule of entry and exit is drawn (R21, R22, R32, R34, R40)."""
    assert missed(journeys(), WANTED) == set()


@SOME
@given(journeys(windows=False))
def test_without_windows_nothing_asks_for_local_time(journey):
    """Neither `until` nor a window nor another zone is drawn when they are not wanted (R34)."""
    assert (journey.timezone, journey.customer_timezone) == ("UTC", False)
    for step in journey.steps:
        assert getattr(step, "window", None) is None
        assert getattr(step, "until", None) is None


# --- lives ----------------------------------------------------------------------------------------------------------


@SOME
@given(lives(TRIAL, HELLO, days=5, customers=3, calls=10))
def test_lives_come_in_order_and_within_bounds(life):
    """Calls come in order of time, so many at most, of so many customers, in so many days."""
    assert len(life.calls) <= 10
    assert [call.at for call in life.calls] == sorted(call.at for call in life.calls)
    named = {call.customer for call in life.calls if isinstance(call, Event | Put | Enroll | Leave)}
    assert named <= {"c1", "c2", "c3"}
    assert all(START < call.at <= START + timedelta(days=5, microseconds=1) for call in life.calls)


def test_late_lives_tell_things_after_later_ones():
    """With `late` a call may come after one with a later instant (R6)."""
    late = drawn(
        lives(TRIAL, late=True), lambda life: [call.at for call in life.calls] != sorted(call.at for call in life.calls)
    )
    assert len(late.calls) >= 2


@SOME
@given(lives(TRIAL, HELLO, calls=40))
def test_lives_change_states_as_a_host_may(life):
    """A journey is paused when active, resumed when paused, and nothing after its archive (R11)."""
    after = {"pause": {"resume", "archive"}, "resume": {"pause", "archive"}, "archive": set()}
    for name in ("trial", "hello"):
        actions = [call.action for call in life.calls if isinstance(call, Lifecycle) and call.journey == name]
        assert actions[:1] != ["resume"]
        assert all(second in after[first] for first, second in pairwise(actions))


SAID = [
    lambda call: isinstance(call, Event) and call.type == "trial.started",
    lambda call: isinstance(call, Put) and call.attributes.get("plan") == "paid",
    lambda call: isinstance(call, Put) and "2026" in str(call.attributes.get("trialEndsAt")),
    lambda call: isinstance(call, Put) and call.replace,
    lambda call: isinstance(call, Put) and call.only_missing,
    lambda call: isinstance(call, Put) and call.attributes.get("consent") == {"EMAIL": False},
    lambda call: isinstance(call, Event) and call.type == "field.changed",
    lambda call: isinstance(call, Event) and call.id is not None,
    lambda call: isinstance(call, Event) and call.data.get("message") == "unknown",
    lambda call: isinstance(call, Enroll) and call.force,
    lambda call: isinstance(call, Leave),
]
"""What a host says of TRIAL."""


def test_lives_hold_what_the_journeys_listen_to():
    """Events, attributes and values come from the journey's own rules, beside all else that a host can say."""
    assert missed(lives(TRIAL), any_call(SAID)) == set()
    acknowledged = [lambda call: isinstance(call, Reaction) and call.kind == "acknowledged"]
    assert missed(lives(HELLO), any_call(acknowledged)) == set()


VOCABULARY = Journey(
    "words",
    trigger=Trigger("order.placed", where=field("event.total").gt(100) & field("vip").eq(True)),
    run_criteria=field("customer.address.city").in_(["Durban", "Cape Town"]),
    exits=[Exit("gone", event="account.closed", where=field("event.reason").contains("moved"))],
    steps=[
        Wait("w", event="order.paid", where=field("event.cart").eq(field("trigger.cart")) & field("rate").lt(2.5)),
        Condition("c", field("wait.w.paid").is_not_null() & field("since").after("2026-01-01"), yes=[End("yes")]),
        Send("s", channel="SMS", template="t", data={"hi": "{{ nick }}"}),
        Update("u", tag.add("seen"), field("lists").add("news"), field("consent.SMS").set(True)),
    ],
)


WORDS = [
    lambda call: getattr(call, "type", "") == "order.placed" and call.data.get("total") == 101,
    lambda call: getattr(call, "type", "") == "order.paid" and call.data.get("cart") is not None,
    lambda call: getattr(call, "type", "") == "account.closed" and call.data.get("reason") == "moved",
    lambda call: getattr(call, "type", "") == "tag.added" and call.data == {"tag": "seen"},
    lambda call: getattr(call, "type", "") == "list.unsubscribed" and call.data == {"list": "news"},
    lambda call: isinstance(call, Put) and call.attributes.get("address") == {"city": "Durban"},
    lambda call: isinstance(call, Put) and call.attributes.get("rate") == 2.5,
    lambda call: isinstance(call, Put) and call.attributes.get("vip") is False,
    lambda call: isinstance(call, Put) and "nick" in call.attributes,
    lambda call: isinstance(call, Put) and call.attributes.get("tags") == ["seen"],
    lambda call: isinstance(call, Put) and str(call.attributes.get("since")).startswith("2026"),
]
"""What calls say with the words of VOCABULARY."""


def test_the_vocabulary_is_read_from_every_place_of_a_journey():
    """Rules with nested and compared fields, templates and changes give the words of a life: a long one has most."""
    assert missed(lives(VOCABULARY, calls=100), any_call(WORDS)) == set()


@SOME
@given(lives(VOCABULARY, calls=30))
def test_every_life_can_be_played(life):
    """Whatever is drawn, an engine takes it, and its books add up (R80)."""
    assert run([VOCABULARY], life).audit == []


@SOME
@given(lives(TRIAL))
def test_the_trial_reminder_comes_once_a_run(life):
    """The tour's example: a property of one's own journey over all lives."""
    named = [(message.customer, message.run) for message in run([TRIAL], life).messages(template="trial_ending")]
    assert len(named) == len(set(named))


def test_lives_without_sends_speak_of_no_messages():
    """A journey that sends nothing gives nothing to react to."""
    silent = Journey("silent", trigger=Trigger(manual=True), steps=[End("done")])

    @SOME
    @given(lives(silent))
    def no_reaction(life):
        assert not any(isinstance(call, Reaction) for call in life.calls)

    no_reaction()


# --- playing --------------------------------------------------------------------------------------------------------


def test_messages_are_filtered_by_what_is_named():
    """Template, channel and customer narrow the list down, together; its order is by run and visit."""
    played = play(joined("ann"), joined("bob", 2))
    assert [message.template for message in played.messages(customer="ann")] == ["welcome", "welcome", "bye"]
    assert [message.channel for message in played.messages(template="welcome", customer="bob")] == ["EMAIL", "SMS"]
    assert len(played.messages(channel="EMAIL")) == 4
    assert played.messages(template="nothing") == []


def test_customers_and_enrollments_are_as_the_life_left_them():
    """Customers are given by id, runs in order of entry with their visits; an unknown customer is a KeyError."""
    played = play(Put("ann", {"plan": "free"}, at=START), joined("bob"), joined("ann", 1))
    assert played.customer("ann").attributes == {"plan": "free"}
    assert [(each.customer, len(each.visits)) for each in played.enrollments] == [("bob", 5), ("ann", 5)]
    with pytest.raises(KeyError, match="eve"):
        played.customer("eve")


def test_a_reaction_finds_the_messages_queued_so_far():
    """Messages are counted in order of run and visit, and round when the number is greater (R70)."""
    seen = [
        event.data["message"]
        for nth in (0, 1, 2)
        for event in play(joined(), Reaction("opened", nth, at=START + HOUR / 2)).said.calls
        if event.type == "message.opened"
    ]
    assert seen == ["memory-1-1", "memory-1-2", "memory-1-1"]


def test_a_reaction_before_any_message_is_passed_over():
    """Nothing can happen to a message as long as there is none."""
    played = play(Reaction("opened", 0, at=START + HOUR), joined(hour=2))
    assert [type(call) for call in played.said.calls] == [Event]


def test_an_acknowledged_message_is_sent():
    """The reaction "acknowledged" is the channel's ack (R71)."""
    played = play(joined(), Reaction("acknowledged", 0, at=START + HOUR / 2))
    assert played.said.calls[-1] == Ack("memory-1-1", at=START + HOUR / 2)
    assert [message.status for message in played.sent] == ["SENT", "QUEUED", "QUEUED"]


def test_by_hand_in_and_out():
    """Enroll and Leave are the host's calls; an enrollment into a paused journey is passed over (R24)."""
    played = play(
        Enroll("hello", "ann", at=START),
        Leave("hello", "ann", at=START + HOUR / 2, reason="asked"),
        Lifecycle("hello", "pause", at=START + HOUR),
        Enroll("hello", "bob", at=START + HOUR),
    )
    assert [(each.customer, each.status, each.reason) for each in played.enrollments] == [("ann", "EXITED", "asked")]
    assert not any(isinstance(call, Enroll) and call.customer == "bob" for call in played.said.calls)


def test_replace_takes_away_what_is_not_named():
    """Put with `replace` is the engine's (R50)."""
    played = play(Put("ann", {"a": 1, "b": 2}, at=START), Put("ann", {"b": 3}, at=START + HOUR, replace=True))
    assert played.customer("ann").attributes == {"b": 3}


def test_what_is_missing_is_added():
    """Put with `only_missing` is the engine's (R50)."""
    played = play(Put("ann", {"a": 1}, at=START), Put("ann", {"a": 2, "b": 3}, at=START + HOUR, only_missing=True))
    assert played.customer("ann").attributes == {"a": 1, "b": 3}


def test_ticks_come_before_the_first_later_call():
    """What is said in order of time is never late, whatever the ticks (R4)."""
    calls = (joined(), joined("bob", 5))
    dense, one = play(*calls), play(*calls, ticks=[])
    some = play(*calls, ticks=[START + 7 * HOUR, START + 2 * HOUR, START + 5 * HOUR])
    assert dense.tables == one.tables == some.tables
    instant = timedelta(microseconds=1)
    assert [said for said in dense.script if not isinstance(said, Event)] == [
        START + 5 * HOUR - instant,
        START + 24 * HOUR,
    ]
    ticks = [(hour, START + hour * HOUR) for hour in (2, 5, 7, 24)]
    assert some.script == [calls[0], ticks[0][1], calls[1], *(at for _, at in ticks[1:])]


def test_a_late_call_is_made_where_it_stands():
    """A call with an earlier instant moves no tick; the next one handles it (R6)."""
    played = play(joined(hour=5), joined("bob", 2))
    assert [(each.customer, each.entered_at) for each in played.enrollments] == [
        ("bob", START + 2 * HOUR),
        ("ann", START + 5 * HOUR),
    ]
    assert len(played.script) == 4


def test_grace_and_batches_are_the_engines():
    """Without grace everything has its own instant; with it the late count says what was softened (R5, R7)."""
    exact, soft = play(joined(), ticks=[]), play(joined(), ticks=[], grace="1 hour")
    assert (exact.sent[0].at, exact.late) == (START, 0)
    assert (soft.sent[0].at, soft.late) == (START + 24 * HOUR, 1)
    assert play(joined(), ticks=[], batch_size=1).tables == exact.tables


def test_any_store_will_do():
    """The life is played on the store that is given (R90)."""
    store = SQLiteStore(":memory:", nonce="memory")
    assert play(joined(), store=store).tables == play(joined()).tables


def test_what_came_out_is_what_the_engine_knows(tmp_path):
    """The tables hold the whole log; audit is the engine's own and finds nothing (R80). The store is closed after."""
    played = play(joined(), store=SQLiteStore(tmp_path / "life.db", nonce="x"))
    with Engine(tmp_path / "life.db") as engine:
        assert played.sent == engine.messages().items
        assert [each.serial for each in played.enrollments] == [1]
    assert played.audit == []
    assert set(played.tables) >= {"customers", "inputs", "enrollments", "moves", "messages", "refusals", "transitions"}


def test_windows_of_a_journey_hold_in_a_life():
    """A Send outside its window waits for the opening, in a life as anywhere (R31)."""
    office = Window(None, "09:00", "17:00")
    journey = Journey("j", trigger=Trigger("joined"), steps=[Send("s", channel="SMS", template="t", window=office)])
    (message,) = play(joined(), journey=journey).sent
    assert message.at == START + 9 * HOUR


def test_without_hypothesis_lives_are_played_and_none_are_made_up():
    """Only what needs Hypothesis asks for it, with the line to install; everything else works without."""
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from journeyflow.testing import START, Life, run\n"
        "print(run([], Life([], START)).audit, flush=True)\n"
        "from journeyflow.testing import lives"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 our own interpreter
    assert done.stdout == "[]\n"
    assert "MissingExtra: making random journeys and lives" in done.stderr
    assert "pip install 'journeyflow[testing]'" in done.stderr


def test_names_that_are_not_there_are_no_names():
    """What is loaded when asked for looks like any other name."""
    assert "lives" in dir(testing)
    with pytest.raises(AttributeError, match="has no attribute 'livs'"):
        testing.livs  # noqa: B018 asking is what raises
