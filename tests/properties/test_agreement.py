"""An interpreter written from the rules alone, and the engine, come to the same end on random journeys and lives."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyflow import MemoryStore
from journeyflow.moments import from_micros
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import Life, Retry, journeys, lives, policies, run
from tests.naive_policies import BoundNaive

MANY = settings(
    max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
FEW = settings(MANY, max_examples=30)

SOME = st.integers(1, 3).flatmap(
    lambda count: st.tuples(*(journeys(id=f"j{number}", windows=False) for number in range(1, count + 1)))
)
"""One to three journeys without zones and windows, which the interpreter leaves out."""

CAPS = policies(windows=False)
"""Caps in UTC (R31)."""

HOUR = 3_600_000_000

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


def compare(given_journeys, life, store, **options):
    """Play a life both ways and hold one against the other."""
    played = run(given_journeys, life, store=store, **options)
    naive = BoundNaive(given_journeys, played.script, HOUR if "grace" in options else None)
    done, said = what_the_engine_did(played), what_the_rules_say(naive)
    for part, expected in said.items():
        assert done[part] == expected, part
    assert played.audit == []


@pytest.mark.parametrize("store", STORES)
def test_engine_and_interpreter_agree_when_everything_is_told_in_time(store):
    """Every run, visit, message, attribute, refusal and outcome of R20 to R54 is what the rules say."""

    @settings(MANY if store == "memory" else FEW)
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
    life = run(chosen, data.draw(lives(*chosen))).said
    for _ in range(2):
        failed = [each for each in run(chosen, life).enrollments if each.status == "FAILED"]
        if not failed:
            break
        again = data.draw(st.sampled_from(failed))
        at = again.ended_at + timedelta(hours=data.draw(st.sampled_from((0, 6, 48))))
        calls = [*life.calls, Retry(again.journey, again.customer, at=at)]
        life = Life(sorted(calls, key=lambda call: call.at), life.end)
    compare(chosen, life, STORES["memory"]())


@FEW
@given(st.data())
def test_engine_and_interpreter_agree_on_what_grace_does(data):
    """Work found more than an hour late happens when it is found, at most once a rest (R5)."""
    chosen = data.draw(SOME)
    life = data.draw(lives(*chosen))
    hours = data.draw(st.lists(st.integers(0, 24 * 60), max_size=12))
    ticks = [life.end - timedelta(hours=hour) for hour in hours]
    compare(chosen, run(chosen, life).said, STORES["memory"](), grace="1 hour", ticks=ticks)
