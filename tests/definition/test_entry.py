"""Who enters, who may come again, ways out and goals, as frozen data."""

from datetime import timedelta

import pytest
from attrs.exceptions import FrozenInstanceError

from journeyflow import Duration, Exit, Goal, Reentry, Trigger, all_of, any_of, field
from journeyflow.definition.entry import REENTRY_POLICIES
from journeyflow.definition.rules.conditions import AllOf, FieldRule

PAID = field("plan").eq("paid")


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (Trigger("member.created"), "Trigger('member.created')"),
        (Trigger(manual=True), "Trigger(manual=True)"),
        (Reentry(), "Reentry()"),
        (Reentry.after("90 days"), "Reentry('after', '90 days')"),
        (Reentry.restart(key="event.cart"), "Reentry('restart', key='event.cart')"),
        (Exit("bought", event="order.placed"), "Exit('bought', event='order.placed')"),
        (Goal("order.placed", within="7 days", exit=True), "Goal('order.placed', within='7 days', exit=True)"),
    ],
)
def test_each_shows_what_was_said(made, shown):
    """A repr leaves out the defaults and nothing else."""
    assert repr(made) == shown


@pytest.mark.parametrize("made", [Trigger("x"), Reentry(), Exit("e", when=PAID), Goal("x")])
def test_all_are_frozen(made):
    """Definitions never change."""
    with pytest.raises(FrozenInstanceError):
        made.event = "other"


def test_nobody_comes_again_by_default():
    """R22: `never` is the default policy."""
    assert Reentry().policy == REENTRY_POLICIES[0] == "never"


def test_every_policy_takes_a_key():
    """R22: parallel runs by key, with whatever policy."""
    made = [Reentry.never(key="event.x"), Reentry.always(key="event.x"), Reentry.restart(key="event.x")]
    assert [(each.policy, each.key) for each in made] == [(name, "event.x") for name in ("never", "always", "restart")]
    assert Reentry.after("1 day", key="event.x") == Reentry("after", "1 day", key="event.x")
    assert Reentry.never() == Reentry()


def test_a_period_is_a_duration():
    """R22: calendar lengths in words, exact ones as a timedelta."""
    assert Reentry.after("1 month") == Reentry("after", Duration(months=1))
    assert Reentry.after(timedelta(days=1)).period == Duration.parse("24 hours")
    assert Goal("x", within="P1W").within == Duration(days=7)


def test_parse_takes_a_word_or_a_policy():
    """`reentry="always"` is short for the policy; a policy stays what it is."""
    assert Reentry.parse("always") == Reentry("always")
    policy = Reentry.after("1 day")
    assert Reentry.parse(policy) is policy


@pytest.mark.parametrize("value", ["soon", 5, []])
def test_what_is_no_period_is_kept(value):
    """R13: a journey tells of it with everything else."""
    assert Reentry.after(value).period is value
    assert Goal("x", within=value).within is value


BOTH = all_of(PAID, FieldRule("age", "gt", 17))


@pytest.mark.rows(8, 9, 38, 39, 40)
@pytest.mark.parametrize("where", [None, PAID, BOTH, any_of(PAID, BOTH)])
@pytest.mark.parametrize(
    ("make", "family", "target"),
    [
        (lambda where: Trigger.list_subscribed("10", where=where), "list_subscribed", "10"),
        (lambda where: Trigger.list_unsubscribed("10", where=where), "list_unsubscribed", "10"),
        (lambda where: Trigger.list_subscribed(where=where), "list_subscribed", None),
        (lambda where: Trigger.tag_added("vip", where=where), "tag_added", "vip"),
        (lambda where: Trigger.tag_removed("vip", where=where), "tag_removed", "vip"),
        (lambda where: Trigger.field_changed("plan", where=where), "field_changed", "plan"),
        (lambda where: Trigger.revenue(500, where=where), "revenue", 500),
        (lambda where: Trigger.journey_completed("j", where=where), "journey_completed", "j"),
        (lambda where: Trigger.message("opened", template="t", where=where), "message", "t"),
        (lambda where: Trigger.message("opened", where=where), "message", None),
        (lambda where: Trigger.website("pageView", where=where), "website", None),
        (lambda where: Trigger("order.placed", where=where), "event", None),
        (lambda where: Trigger("website.other", where=where), "event", None),
        (lambda where: Trigger("message.other", where=where), "event", None),
        (lambda where: Trigger.every("1 day", list="news", where=where), "every", None),
        (lambda where: Trigger(manual=True, where=where), "manual", None),
    ],
)
def test_a_trigger_is_read_back_as_it_was_made(make, family, target, where):
    """Its family, its target, and the criteria that were given beside it."""
    trigger = make(where)
    assert (trigger.family, trigger.target) == (family, target)
    assert trigger.criteria == where


def test_what_only_looks_like_a_target_is_a_criterion():
    """Another operator, another field to compare with, another type of value, no rule at all."""
    several = all_of(FieldRule("event.list", "eq", "10"), *BOTH.rules)
    assert Trigger("list.subscribed", where=several).target == "10"
    assert Trigger("list.subscribed", where=several).criteria == BOTH
    for rule in (
        FieldRule("event.list", "ne", "10"),
        FieldRule("event.list", "eq", value_of="plan"),
        FieldRule("event.list", "eq", 1.5),
        FieldRule("event.tag", "eq", "10"),
        AllOf(()),
    ):
        trigger = Trigger("list.subscribed", where=rule)
        assert (trigger.target, trigger.criteria) == (None, rule)
