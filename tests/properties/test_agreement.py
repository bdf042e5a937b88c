"""An interpreter written from the rules alone, and the engine, come to the same end on random journeys and lives."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Cap, Chain, End, Event, Journey, MemoryStore, Policies, Send, Trigger, Update, Wait, field
from journeyflow.basics.moments import from_micros
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import START, Call, Life, Lifecycle, RetryRun, SetPolicies, journeys, lives, policies, run
from tests.cases import cases
from tests.naive_pulls import PullingNaive
from tests.played import said

MANY, FEW = cases(120), cases(30)

SOME = st.integers(1, 3).flatmap(
    lambda count: st.tuples(*(journeys(id=f"j{number}", windows=False) for number in range(1, count + 1)))
)
"""One to three journeys without zones and windows, which the interpreter leaves out."""

CAPS = policies(windows=False)
"""Caps in UTC (R31)."""

HOUR = 3_600_000_000

ANONYMOUS = "\x1f"
"""Begins the names of those whom a step has forgotten (R86)."""

STORES = {"memory": lambda: MemoryStore(nonce="memory"), "sqlite": lambda: SQLiteStore(":memory:", nonce="memory")}


def what_the_engine_did(played):
    """Picture everything that a run of the engine left behind."""
    names = {number + 1: journey.id for number, journey in enumerate(played.journeys)}
    refused: Counter[tuple[str, str]] = Counter()
    for journey, _, reason, count in played.tables["refusals"]:
        refused[names[journey], reason] += count
    return {
        "runs": [
            (
                *(each.journey, each.customer, each.key, each.run, each.status, each.reason),
                *(each.entered_at, each.ended_at, each.converted_at),
                [(v.n, v.step, v.status, v.outcome, v.entered_at, v.left_at) for v in each.visits],
            )
            for each in played.enrollments
        ],
        "messages": sorted(
            (m.id, m.customer, m.step, m.channel, m.template, repr(dict(m.data)), m.at, m.status) for m in played.sent
        ),
        "customers": {name: dict(customer.attributes) for name, customer in played.customers.items()},
        "refused": dict(refused),
        "outcomes": [row[-1] or "pending" for row in played.tables["inputs"]],
        "late": played.late,
    }


def instant(micros):
    """Turn an instant of the interpreter into one of the interface."""
    return None if micros is None else from_micros(micros)


def sent_as(step):
    """Name a Send as a message of it does."""
    return step.id, step.channel, step.template


def what_the_rules_say(naive):
    """Picture the same of the interpreter."""
    return {
        "runs": [
            (
                *(each.journey.id, each.customer, each.key, each.number, each.status, each.reason),
                *map(instant, (each.entered_at, each.ended_at, each.converted_at)),
                [
                    (n, v.step, v.status, v.outcome, instant(v.entered), instant(v.left))
                    for n, v in enumerate(each.visits, 1)
                ],
            )
            for each in naive.runs
        ],
        "messages": sorted(
            (name, m.run.customer, *sent_as(m.step), repr(dict(m.data)), instant(m.at), m.status)
            for name, m in naive.messages.items()
        ),
        "customers": dict(naive.customers),
        "refused": dict(naive.refused),
        "outcomes": [each.outcome for each in naive.inputs],
        "late": naive.late,
    }


def numbered(picture):
    """Count the forgotten in the order of their first runs: the interpreter knows no numbers of customers (R86)."""
    names = {name: name for name in picture["customers"] if name[0] != ANONYMOUS}
    for _, customer, *_ in picture["runs"]:
        names.setdefault(customer, f"nobody {len(names)}")
    return {
        **picture,
        "runs": [(journey, names[customer], *rest) for journey, customer, *rest in picture["runs"]],
        "messages": [(name, names[customer], *rest) for name, customer, *rest in picture["messages"]],
        "customers": {names[name]: attributes for name, attributes in picture["customers"].items()},
    }


def compare(given_journeys, life, store, **options):
    """Play a life both ways and hold one against the other."""
    played = run(given_journeys, life, store=store, **options)
    naive = PullingNaive(given_journeys, played.script, HOUR if "grace" in options else None)
    done, said = numbered(what_the_engine_did(played)), numbered(what_the_rules_say(naive))
    for part, expected in said.items():
        assert done[part] == expected, part
    assert played.audit == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("store", STORES)
def test_engine_and_interpreter_agree_when_everything_is_told_in_time(store):
    """Every run, visit, message, attribute, refusal and outcome of R20 to R54 is what the rules say."""

    @(MANY if store == "memory" else FEW)
    @given(st.data())
    def agree(data):
        chosen = data.draw(SOME)
        compare(chosen, data.draw(lives(*chosen, policies=CAPS)), STORES[store]())

    agree()


@MANY
@given(st.data())
def test_engine_and_interpreter_agree_when_inputs_come_late(data):
    """What is told after its instant takes effect as R6 says."""
    chosen = data.draw(SOME)
    compare(chosen, data.draw(lives(*chosen, late=True, policies=CAPS)), STORES["memory"]())


@MANY
@given(st.data())
def test_engine_and_interpreter_agree_on_runs_that_are_put_back(data):
    """Whatever has failed is put back at its last rest, some of it twice, and goes on from there (R43)."""
    chosen = data.draw(SOME)
    life = said(chosen, data.draw(lives(*chosen)))
    for _ in range(2):
        failed = [each for each in run(chosen, life).enrollments if each.status == "FAILED"]
        if not failed:
            break
        again = data.draw(st.sampled_from(failed))
        at = again.ended_at + timedelta(hours=data.draw(st.sampled_from((0, 6, 48))))
        calls = [*life.calls, RetryRun(again.journey, again.customer, at=at)]
        life = Life(sorted(calls, key=lambda call: call.at), life.end)
    compare(chosen, life, STORES["memory"]())


@MANY
@given(st.data())
def test_engine_and_interpreter_agree_on_what_grace_does(data):
    """Work found more than an hour late happens when it is found, at most once a rest (R5), also what caps hold (R31).

    How often a rest is softened shows only where caps let messages wait, and hosts tick seldom.
    """
    chosen = data.draw(SOME)
    life = data.draw(lives(*chosen, policies=CAPS))
    hours = data.draw(st.lists(st.integers(0, 24 * 60), max_size=12))
    ticks = [life.end - timedelta(hours=hour) for hour in hours]
    compare(chosen, said(chosen, life), STORES["memory"](), grace="1 hour", ticks=ticks)


def test_what_a_cap_holds_is_softened_once():
    """R5, R31: found late, a held Send asks its caps again and waits on; late again, it goes at its own instant."""
    welcome = Journey(
        id="welcome",
        trigger=Trigger("joined"),
        steps=[Send("hello", channel="EMAIL", template="t"), Send("offer", channel="EMAIL", template="t")],
    )
    receipt = Journey(
        id="receipt",
        trigger=Trigger("bought"),
        steps=[Send("receipt", channel="EMAIL", template="t", transactional=True)],
    )
    one_a_day = Policies(caps=[Cap(1, within="1 day", over="defer")], timezone="UTC")
    calls: list[Call] = [
        SetPolicies(one_a_day, at=START),
        Event("joined", customer="ann", at=START),
        Event("bought", customer="ann", at=START + timedelta(hours=20)),
    ]
    life = Life(calls, START + timedelta(days=4))
    ticks = [START, START + timedelta(hours=20), START + timedelta(hours=34)]  # the offer could go at hour 24
    compare([welcome, receipt], life, STORES["memory"](), grace="1 hour", ticks=ticks)
    played = run([welcome, receipt], life, grace="1 hour", ticks=ticks)
    offer = next(each for each in played.sent if each.step == "offer")
    assert (offer.at - START, played.late) == (timedelta(hours=44), 1)


def test_a_pause_that_holds_a_late_timeout_lets_no_later_event_win():
    """R5, R16: which of event and timeout wins is decided by own instants, also where the timeout is found in a pause.

    The timeout of hour 10 is found at 12:30, in a pause, and held; the event of 11:45 is not late.
    """
    asking = Journey(
        id="asking",
        trigger=Trigger("joined"),
        steps=[Wait("answer", event="paid", timeout="10 hours", on_event="yes"), End("no"), End("yes")],
    )
    minutes = {"joined": 0, "paid": 11 * 60 + 45}
    calls: list[Call] = [
        *(Event(kind, customer="ann", at=START + timedelta(minutes=at)) for kind, at in minutes.items()),
        Lifecycle("asking", "pause", at=START + timedelta(hours=12)),
        Lifecycle("asking", "resume", at=START + timedelta(hours=20)),
    ]
    life = Life(calls, START + timedelta(days=1))
    ticks = [START, START + timedelta(hours=12, minutes=30), START + timedelta(hours=20, minutes=5)]
    compare([asking], life, STORES["memory"](), grace="1 hour", ticks=ticks)
    (played,) = run([asking], life, grace="1 hour", ticks=ticks).enrollments
    assert [(each.step, each.outcome, each.left_at) for each in played.visits] == [
        ("answer", "timeout", START + timedelta(hours=20)),
        ("no", "", START + timedelta(hours=20)),
    ]


@pytest.mark.parametrize("grace", ["1 hour", None])
def test_what_a_late_run_says_is_in_time_for_a_deadline_of_its_own_instant(grace):
    """R5, R7: the first of two timers of one instant emits an event that the second run waits for until then."""
    ending = Journey(id="ending", trigger=Trigger("joined"), steps=[Wait("two", "2 days"), End("end")])
    asking = Journey(
        id="hearing",
        trigger=Trigger("joined"),
        steps=[Wait("answer", event="journey.completed", timeout="2 days", on_event="yes"), End("no"), End("yes")],
    )
    life, ticks = Life([Event("joined", customer="ann", at=START)], START + timedelta(days=9)), [START]
    if grace:
        compare([ending, asking], life, STORES["memory"](), grace=grace, ticks=ticks)
    played = run([ending, asking], life, grace=grace, ticks=ticks)
    assert [each.visits[-1].step for each in played.enrollments] == ["end", "yes"]


def test_a_run_that_ends_itself_has_no_wake_up_left():
    """R35, R39: a Wait that was passed at once leaves nothing behind when the Update after it ends the run."""
    leaving = Journey(
        id="leaving",
        trigger=Trigger("joined"),
        steps=[Wait("gone", at=START - timedelta(days=1)), Update("out", Chain.exit("leaving")), Wait("on", "1 hour")],
    )
    life = Life([Event("joined", customer="ann", at=START)], START + timedelta(days=1))
    compare([leaving], life, STORES["memory"]())


def test_an_update_may_change_without_telling():
    """R39, R50: a member that is there already is appended once more, which no event tells."""
    twice = Journey(
        id="twice",
        trigger=Trigger("joined"),
        steps=[Update("once", field("tags").append("new")), Update("again", field("tags").append("new"))],
    )
    life = Life([Event("joined", customer="ann", at=START)], START + timedelta(days=1))
    compare([twice], life, STORES["memory"]())
