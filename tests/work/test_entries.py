"""Which reasons to refuse an entry can arise from a journey (R21)."""

from typing import Any

import pytest
from attrs import evolve

from journeyflow import Exit, Goal, Journey, Limits, Reentry, Send, Trigger, field
from journeyflow.work.entries import REASONS, WITHOUT_SLOT, reasons_of

PLAIN = Journey(
    "j", trigger=Trigger("go"), reentry="restart", steps=[Send("s", channel="EMAIL", template="t")]
)  # fmt: skip

RAISED_BY: dict[str, dict[str, Any]] = {
    "key missing": {"reentry": Reentry.always(key="event.cart")},
    "event loop": {"trigger": Trigger.tag_added("vip")},
    "run criteria": {"run_criteria": field("a").eq(1)},
    "exit rule": {"exits": [Exit("x", when=field("a").eq(1))]},
    "consent": {"consent": "required"},
    "already inside": {"reentry": "always"},
    "re-entry": {"reentry": Reentry.after("1 day")},
    "entry limit": {"reentry": "always", "limits": Limits(per_day=1, over="drop")},
    "already deferred": {"reentry": "always", "limits": Limits(per_hour=1)},
}


def test_every_reason_arises_from_some_journey():
    """The cases below are all reasons, in the order in which they are checked."""
    assert list(RAISED_BY) == [reason for reason, *_ in (*REASONS, *WITHOUT_SLOT)]


@pytest.mark.parametrize("reason", RAISED_BY)
def test_a_reason_arises_from_a_journey_that_has_what_it_is_about(reason):
    """And from no journey without it: one that restarts, without rules and limits, refuses nothing by itself."""
    assert reason in reasons_of(evolve(PLAIN, **RAISED_BY[reason]))
    assert reasons_of(PLAIN) == []


def test_a_journey_that_restarts_refuses_by_its_holdout_and_queues_anew():
    """Who is held out is inside for as long as the goal counts; who waits for a slot waits anew (R22, R23, R25)."""
    assert reasons_of(evolve(PLAIN, goal=Goal("x", within="1 day"), holdout=10)) == ["already inside"]
    assert reasons_of(evolve(PLAIN, limits=Limits(per_day=1))) == []
    assert reasons_of(evolve(PLAIN, exits=[Exit("x", event="y")])) == []
