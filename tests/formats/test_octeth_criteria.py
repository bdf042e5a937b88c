"""What a Decision of Octeth asks, as rules and back (F219, F220)."""

import pytest

from journeyflow import (
    Condition,
    all_of,
    any_of,
    field,
    tag,
)
from journeyflow.definition.rules.conditions import AllOf
from journeyflow.formats.octeth import criteria
from journeyflow.formats.octeth.reading import read, read_actions
from journeyflow.formats.octeth.writing import write
from tests.formats.test_octeth import SAID, action, action_faults, always, asked, at, document, faults, lost, said, step


@pytest.mark.rows(220)
@pytest.mark.parametrize("criterion", SAID, ids=lambda each: f"{each['type']} {each['operator']}")
def test_each_criterion_is_read_and_written(criterion):
    """A rule of the engine, and the criterion again."""
    assert said(asked(criterion)) == {"CriteriaOperator": "and", "Criteria": [criterion]}


@pytest.mark.rows(220)
@pytest.mark.parametrize("word", criteria.ENGAGED)
def test_what_was_done_with_emails_of_this_journey(word):
    """`journey-email-action` names an action of the journey."""
    for operator in (word, f"not {word}"):
        rule = {"type": "journey-email-action", "operator": operator, "journey-id": 5, "value": 1}
        given = document(action("SendEmail", 1, EmailID=9), action("Decision", 2, Criteria=[rule]))
        journey, _ = read(given)
        assert write(journey)[0]["Actions"][1]["ActionParameters"]["Criteria"] == [rule]
        older = action("Decision", 2, Criteria=[{**rule, "type": "journeys"}])
        assert read(document(action("SendEmail", 1, EmailID=9), older))[0] == journey
        for owner in ({}, {"journey-id": None}, {"journey-id": "5"}, {"journey-id": ""}):
            short = action("Decision", 2, Criteria=[{"type": rule["type"], "operator": operator, **owner, "value": 1}])
            assert read(document(action("SendEmail", 1, EmailID=9), short))[0] == journey
        for kind in (rule["type"], "journeys"):
            foreign = action("Decision", 2, Criteria=[{**rule, "type": kind, "journey-id": 6}])
            named = document(action("SendEmail", 1, EmailID=9), foreign)
            assert faults(named) == [("Actions[1].Criteria[0].journey-id", "reference")]
            assert read_actions(named["Actions"], "6")[0]
            assert read_actions(named["Actions"], "")[0]
    other = document(action("Decision", 2, Criteria=[{"type": "journey-email-action", "operator": word, "value": 99}]))
    assert faults(other) == [("Actions[0].branches[0].when", "reference")]


@pytest.mark.rows(219, 220)
def test_criteria_are_joined():
    """A flat list by its operator, groups of which one must hold; several tags at once."""
    a, b, c = ({"type": "segments", "operator": "belongs to", "value": name} for name in "abc")
    first, second, third = (field("segments").contains(name) for name in "abc")
    assert asked(a, b) == all_of(first, second)
    assert asked(a, b, operator="or") == any_of(first, second)
    assert asked([a, b], [c]) == any_of(all_of(first, second), third)
    assert asked([], [c]) == any_of(AllOf(()), third)
    assert asked() == AllOf(())
    for both in (
        [a, b],
        [[a, b], [c]],
        [[a, b]],
        [[a]],
        [[{"type": "tags", "operator": "has this tag", "value": "1"}]],
    ):
        assert said(asked(*both))["Criteria"] == both
    assert said(asked(a, b, operator="or")) == {"CriteriaOperator": "or", "Criteria": [a, b]}
    many = {"type": "tags", "operator": "has any of these tags", "value": "1,2"}
    every = {"type": "tags", "operator": "has all of these tags", "value": "1,2"}
    assert asked(many) == any_of(tag.contains("1"), tag.contains("2"))
    assert said(asked(a, many))["Criteria"] == [a, many]
    assert said(asked(a, every, operator="or"))["Criteria"] == [a, every]
    assert said(asked(a, every))["Criteria"] == [a, every]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"type": "campaign-events", "operator": "likes"}, "operator"),
        ({"type": "website-events", "operator": "likes"}, "operator"),
        ({"type": "journeys", "operator": "likes"}, "operator"),
        ({"type": "weather"}, "type"),
        ({"type": "fields", "operator": "likes"}, "operator"),
        ({"type": "tags", "operator": "likes"}, "operator"),
        ({"type": "segments", "operator": "likes"}, "operator"),
        ({"type": "suppressions", "operator": "likes"}, "operator"),
        ({"type": "journey-email-action", "operator": "likes"}, "operator"),
        (5, "5"),
    ],
)
def test_what_nothing_here_could_answer_is_refused(rule, code):
    """The fault names the place."""
    (found,) = action_faults("Decision", Criteria=[rule])
    assert found[0] == ("Criteria[0]" if code == "5" else f"Criteria[0].{code}")
    assert action_faults("Decision", Criteria={}) == [("Criteria", "type")]


OPENED = field("item.event").eq("opened")


@pytest.mark.parametrize(
    "rule",
    [
        field("a").eq(field("b")),
        ~field("a").eq(1),
        field("a").before("2026-01-01"),
        field("address.city").eq("x"),
        field("lists").contains("5"),
        any_of(all_of(field("a").eq(1), any_of(field("b").eq(1), field("c").eq(2)))),
        all_of(field("a").eq(1), any_of(tag.contains("1"), field("c").eq(2))),
        field("consent.EMAIL").eq("x"),
        field("consent.SMS").eq(False),
        field("visits").count(at_least=1),
        field("journeys").count(field("item.status").eq("ACTIVE"), at_least=1),
        field("websiteEvents").count(at_least=1),
        field("websiteEvents").count(field("item.event").eq("pageView"), at_most=3),
        field("websiteEvents").count(field("item.event").eq("a") & field("item.n").eq(1), at_least=1),
        field("websiteEvents").count(field("item.event").eq("a") & tag.contains("b"), at_least=1),
        field("campaignEvents").count(at_least=1),
        field("campaignEvents").count(OPENED, at_least=1, at_most=2),
        field("campaignEvents").count(
            field("item.event").eq("opened") & field("item.at").after("2026-01-01"), at_least=1
        ),
        field("campaignEvents").count(
            field("item.event").eq("opened") & ~(tag.contains("a") & tag.contains("b")), at_least=1
        ),
        field("campaignEvents").count(
            field("item.event").eq("opened") & ~field("item.at").before("0001-01-01"), at_least=1
        ),
    ],
    ids=str,
)
def test_rules_that_octeth_cannot_ask(rule):
    """The Decision has no criteria then, so that Octeth does not take it."""
    journey = always(Condition("1", rule))
    assert write(journey)[0]["Actions"][0]["ActionParameters"] == {}
    assert lost(journey) == ["steps[0].branches[0].when"]


@pytest.mark.rows(219)
def test_a_yes_no_is_a_decision():
    """One comparison."""
    keys = {"CriteriaLeft": "CustomField:7", "CriteriaOperator": "Begins with", "CriteriaRight": "a"}
    given = action("YesNo", Actions={"Yes": [action("ExitThisJourney", 2)], "No": []}, **keys)
    journey, losses = read(document(given))
    assert [loss.path for loss in losses] == ["Actions[0].Action"]
    assert at(journey, "1").branches[0].when == field("CustomField7").starts_with("a")
    assert write(journey)[0]["Actions"][0]["Action"] == "Decision"
    unset = {"CriteriaLeft": "EmailAddress", "CriteriaOperator": "Is not set", "CriteriaRight": ""}
    assert step("YesNo", **unset).branches[0].when == field("email").is_null()
    for wrong in ({"CriteriaLeft": "Opens"}, {"CriteriaOperator": "At least"}):
        assert action_faults("YesNo", **{**keys, **wrong})[0][1] == "criteria"
