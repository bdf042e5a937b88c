"""The calls of Octeth about actions: replaced, published, listed."""

import html
from typing import Any

import pytest

from journeyflow import Condition, End, Journey, field
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.rules.rule_parts import walk
from journeyflow.formats.octeth.past_criteria import OF_JOURNEYS
from tests.services.octeth.world import MAIL, WAIT, World, running


@pytest.mark.rows(57, 63, 64, 223, 236)
def test_a_list_replaces_what_was_there():
    """A known number keeps its action, none makes a new one, what is missing is removed; new ones are not published."""
    world = World()
    number = world.journey(WAIT, MAIL)
    first, second = world.actions(number)
    world.done(
        "journey.actions.update",
        JourneyID=number,
        Actions=[{"ActionID": str(second), **MAIL}, {"ActionID": None, **WAIT}],
    )
    kept, new = world.done("journey.get", JourneyID=number)["Actions"]
    assert int(kept["ActionID"]) == second
    assert int(new["ActionID"]) not in {first, second}
    assert (kept["Published"], new["Published"]) == (True, False)
    twice = [{"ActionID": second, **MAIL}, {"ActionID": second, **WAIT}, {"ActionID": 9999, **WAIT}]
    world.done("journey.actions.update", JourneyID=number, Actions=twice)
    numbers = world.actions(number)
    assert numbers[0] == second
    assert len({*numbers, 9999, first}) == 5


@pytest.mark.rows(63, 64)
def test_a_list_without_numbers_is_all_new_and_one_of_before_is_taken_again():
    """New actions never take over what others were; the list of an earlier time replaces the present one."""
    world = World()
    number = world.journey(WAIT)
    seen = [world.actions(number)]
    for each in (WAIT, MAIL, WAIT):
        world.done("journey.actions.update", JourneyID=number, Actions=[each])
        seen.append(world.actions(number))
    assert len({action for actions in seen for action in actions}) == 4
    last = seen[-1][0]
    world.done("journey.enable", JourneyID=number)
    for days in (3, 4, 3):
        wait = {"ActionID": last, **WAIT, "WaitAmount": days}
        world.done("journey.actions.update", JourneyID=number, Actions=[wait])
        (shown,) = world.done("journey.get", JourneyID=number)["Actions"]
        assert (shown["ActionID"], shown["ActionParameters"]["WaitAmount"]) == (str(last), days)


@pytest.mark.rows(63, 236)
def test_subscribers_inside_go_on_as_they_began():
    """Replacing actions takes nothing from those who are at one: the new list is for those who come after."""
    world, number = running()
    inside = {"ListID": 26, "SubscriberID": 1}
    world.done("journey.actions.update", JourneyID=number, Actions=[{**WAIT, "WaitAmount": 9, "Published": 1}])
    world.tick(days=4)
    assert world.done("subscriber.journey.list", **inside)["Journeys"] == []
    world.done("subscriber.journey.trigger", JourneyID=number, **inside)
    world.tick(days=4)
    assert len(world.done("subscriber.journey.list", **inside)["Journeys"]) == 1


@pytest.mark.rows(223)
def test_an_action_that_is_not_published_is_passed_through():
    """The email goes out only when it is published; it is off from the very first instant."""
    world = World()
    number = world.journey()
    world.done("journey.enable", JourneyID=number)
    world.done("journey.actions.update", JourneyID=number, Actions=[MAIL, {**WAIT, "Published": "true"}])
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=1)
    assert world.engine.tenant("acme").messages(take=None).items == ()
    mail, _ = world.actions(number)
    world.done("journey.actions.published", JourneyID=number, Actions=[{"ActionID": mail, "Published": "true"}])
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=2)
    assert [each.customer for each in world.engine.tenant("acme").messages(take=None)] == ["26:2"]


def reads_of(journey: Journey) -> list[Any]:
    """Return what the comparisons of a Decision name, inside of counts too, without statuses."""
    (decision,) = (step for step in journey.steps if isinstance(step, Condition))
    parts = [part for part, _ in walk(decision.branches[0].when, items=True) if isinstance(part, FieldRule)]
    return [part.value for part in parts if part.field != "item.status"]


@pytest.mark.rows(59, 213, 214, 216, 219, 220)
def test_numbers_inside_actions_are_those_of_the_interface():
    """Journeys and actions are named by number wherever they stand; numbers inside the engine are its own affair."""
    world = World()
    other = world.journey()
    number = world.journey({"Action": "StartJourney", "TargetJourneyID": other}, MAIL)
    start, mail = world.actions(number)
    rule = {"type": "journey-email-action", "operator": "opened", "journey-id": number, "value": mail}
    rules = [rule, *({"type": "journeys", "operator": name, "value": other} for name in sorted(OF_JOURNEYS))]
    inner = [{"Action": "ExitJourney", "TargetJourneyID": [other]}]
    decision = {"Action": "Decision", "Criteria": rules, "Actions": {"True": inner, "False": []}}
    actions: list[Any] = [{"ActionID": start, "Action": "StartJourney", "ActionParameters": {"TargetJourneyID": other}}]
    actions += [{"ActionID": mail, **MAIL}, decision]
    world.done("journey.actions.update", JourneyID=number, Actions=actions)
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert shown[0]["ActionParameters"] == {"TargetJourneyID": other}
    assert shown[2]["ActionParameters"]["Criteria"] == rules
    foreign = {**decision, "Criteria": [{**rule, "journey-id": other}]}
    status, answer = world.call("journey.actions.update", JourneyID=number, Actions=[*actions[:2], foreign])
    assert (status, answer["Errors"][0]["Code"]) == (422, 6)
    (_, *asked) = reads_of(world.engine.tenant("acme").definition("journey-2"))
    assert asked == ["journey-1"] * len(OF_JOURNEYS)
    assert shown[2]["Actions"]["True"][0]["ActionParameters"] == {"TargetJourneyID": other}
    again = world.done("journey.actions.update", JourneyID=number, Actions=shown)
    assert [each["ActionID"] for each in again["Actions"]] == [each["ActionID"] for each in shown]
    wrongs: list[Any] = [5, {"Action": "Decision", "Criteria": 5}, {"Action": "Decision", "Actions": 5}]
    wrongs += [{"Action": "Decision", "Actions": {"True": 5}}, {"Action": "Wait", "ActionParameters": "x"}]
    for wrong in ([each] for each in wrongs):
        assert world.call("journey.actions.update", JourneyID=number, Actions=wrong)[0] == 422


@pytest.mark.rows(219, 220)
def test_criteria_about_the_past_are_answered():
    """By the lists that the host keeps: each subscriber goes the way of the document's own examples."""
    world = World()
    opened = {"type": "campaign-events", "operator": "opened", "value": []}
    opened["aggregation"] = {"operator": "at_least", "count": 3}  # type: ignore[assignment]  # a JSON object
    bought = {"type": "website-events", "event": "conversion", "operator": "greater than"}
    bought |= {"event_parameter": "conversionValue", "value": "50"}
    ways = {"True": [{**MAIL, "Published": 1}], "False": []}
    decision = {"Action": "Decision", "CriteriaOperator": "or", "Criteria": [opened, bought], "Actions": ways}
    number = world.journey(decision, enabled=True)
    acme = world.engine.tenant("acme")
    event = {"event": "opened", "campaign": 5, "at": world.now.isoformat()}
    acme.put_customer("26:1", {"campaignEvents": [event] * 3}, at=world.now)
    acme.put_customer("26:2", {"campaignEvents": [event] * 2}, at=world.now)
    for subscriber in (1, 2):
        world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=subscriber)
    assert [each.customer for each in acme.messages(take=None)] == ["26:1"]
    conversion = {"event": "conversion", "at": world.now.isoformat(), "data": {"conversionValue": 300}}
    acme.put_customer("26:2", {"websiteEvents": [conversion]}, at=world.now)
    world.done("subscriber.journey.trigger", JourneyID=number, ListID=26, SubscriberID=2)
    assert [each.customer for each in acme.messages(take=None)] == ["26:1", "26:2"]
    (shown,) = world.done("journey.get", JourneyID=number)["Actions"]
    assert shown["ActionParameters"]["Criteria"] == [{**opened, "value": ""}, bought]


@pytest.mark.rows(111, 237)
def test_flags_are_set_all_or_none():
    """An unknown action leaves the others as they are."""
    world = World()
    number = world.journey(WAIT, MAIL)
    wait, mail = world.actions(number)
    flags = [{"ActionID": wait, "Published": "false"}, {"ActionID": 999, "Published": "true"}]
    assert world.call("journey.actions.published", JourneyID=number, Actions=flags)[0] == 404
    for wrong in ([5], [{"Published": "true"}]):
        assert world.call("journey.actions.published", JourneyID=number, Actions=wrong)[0] == 404
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert [each["Published"] for each in shown] == [True, True]
    acme = world.engine.tenant("acme")
    ends = [Condition("which", field("a").eq(1), yes=[End("one")], no=[End("two")])]
    acme.publish(Journey(id="own", steps=ends), at=world.now)
    own = acme.journey("own").number
    flags = [{"ActionID": world.actions(own)[0], "Published": "false"}]
    status, body = world.call("journey.actions.published", JourneyID=own, Actions=flags)
    assert (status, body["Errors"][0]["Code"]) == (422, 4)
    world.done("journey.actions.published", JourneyID=number, Actions=[{"actionid": str(mail), "published": 0}])
    shown = world.done("journey.get", JourneyID=number)["Actions"]
    assert [each["Published"] for each in shown] == [True, False]


@pytest.mark.rows(51, 112, 113, 114, 115, 117, 244, 262)
def test_emails_of_all_journeys():
    """Enabled and published ones; an email that is gone leaves empty texts; the order is that of the own list."""
    world = World()
    decision = {
        "Action": "Decision",
        "Criteria": [],
        "Actions": {"True": [WAIT, {**MAIL, "Published": 1}], "False": []},
    }
    number = world.journey(decision, {"Action": "SendEmail", "EmailID": 777}, enabled=True, Name="A &amp; B")
    world.journey({"Action": "SendSMS", "message": "x"}, MAIL)
    rows = world.done("journey.sendemailactions")["Actions"]
    assert [(each["EmailName"], each["Subject"], each["OrderNo"]) for each in rows] == [
        ("Welcome Email", "Subject of Welcome Email", 2),
        ("", "", 2),
    ]
    assert {each["JourneyName"] for each in rows} == {html.unescape("A &amp; B")}
    assert len(world.done("journey.sendemailactions", IncludeDisabled="yes")["Actions"]) == 3
    assert len(world.done("journey.sendemailactions", IncludeDisabled="2")["Actions"]) == 2
    hidden = [{"ActionID": rows[1]["ActionID"], "Published": "false"}]
    world.done("journey.actions.published", JourneyID=number, Actions=hidden)
    assert len(world.done("journey.sendemailactions", JourneyID=number)["Actions"]) == 1
    assert len(world.done("journey.sendemailactions", JourneyID=number, IncludeUnpublished=1)["Actions"]) == 2
    assert len(world.done("journey.sendemailactions", JourneyID="")["Actions"]) == 1
