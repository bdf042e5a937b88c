"""Criteria about the past: events of the website, campaigns, journeys (F220)."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from journeyflow import Engine, Event, Journey, MemoryStore, Trigger, Update, field
from journeyflow.basics.moments import parse_instant, to_micros
from journeyflow.definition.rules.evaluation import Sample, explain_rule, holds
from journeyflow.formats.octeth.campaigns import HAPPENED
from journeyflow.testing import START
from tests.formats.test_octeth import action_faults, asked, said, step

pytestmark = pytest.mark.rows(220)

NOW = parse_instant("2026-06-15T12:00:00Z")


def website(operator, event="pageView", parameter="", value="") -> dict[str, Any]:
    """Return a criterion about events of the website."""
    return {
        "type": "website-events",
        "event": event,
        "operator": operator,
        "event_parameter": parameter,
        "value": value,
    }


def campaign(operator, value: Any = "", **more) -> dict[str, Any]:
    """Return a criterion about campaigns."""
    return {"type": "campaign-events", "operator": operator, "value": value, **more}


def time(kind, value) -> dict[str, Any]:
    """Return a time filter."""
    return {"time_filter": {"type": kind, "value": value}}


def often(operator, count) -> dict[str, Any]:
    """Return an aggregation."""
    return {"aggregation": {"operator": operator, "count": count}}


def within(journey, operator="in journey") -> dict[str, Any]:
    """Return a criterion about journeys."""
    return {"type": "journeys", "operator": operator, "value": journey}


NO_DATES: list[Any] = [5, "", "2026-02-30", "2026-1-1", "20260101", []]
MAY = {"start": "2026-05-01", "end": "2026-05-31"}
PAST = {
    "websiteEvents": [
        {"event": "pageView", "at": "2026-06-14T08:00:00Z", "data": {"$pageTitle": "Shop", "n": "7", "a.b": 1}},
        {"event": "conversion", "at": "2026-01-14", "data": {"conversionValue": 300}},
    ],
    "campaignEvents": [
        {"event": "opened", "campaign": "123", "email": 9, "at": "2026-05-01T00:00:00Z"},
        {"event": "opened", "campaign": 124, "at": "2026-05-31T23:59:59Z"},
        {"event": "opened", "campaign": "125", "at": "2026-06-14"},
        {"event": "clicked", "campaign": "123", "at": "2026-06-14"},
        {"event": "queued", "campaign": "123"},
    ],
    "journeys": [{"journey": "12", "status": "ACTIVE"}, {"journey": 13, "status": "COMPLETED"}],
}

ANSWERS = [
    (website("happened"), True),
    (website("happened", "identify"), False),
    (website("did not happen"), False),
    (website("did not happen", "identify"), True),
    (website("happened in the last X days", value="30"), True),
    (website("happened in the last X days", "conversion", value="30"), False),
    (website("did not happen in the last X days", value="30"), False),
    (website("did not happen in the last X days", "conversion", value="30"), True),
    (website("equals", parameter="$pageTitle", value="Shop"), True),
    (website("equals", "conversion", parameter="$pageTitle", value="Shop"), False),
    (website("equals", parameter="a.b", value=1), True),
    (website("does not equal", parameter="$pageTitle", value="Shop"), False),
    (website("does not equal", parameter="$pageTitle", value="Homepage"), True),
    (website("does not equal", "identify", parameter="$pageTitle", value="Shop"), True),
    (website("contains", parameter="$pageTitle", value="ho"), True),
    (website("does not contain", parameter="$pageTitle", value="ho"), False),
    (website("greater than", "conversion", "conversionValue", "50"), True),
    (website("less than", "conversion", "conversionValue", "50"), False),
    (website("is set", parameter="n"), True),
    (website("is not set", parameter="n"), False),
    (website("is not set", parameter="m"), True),
    (campaign("opened"), True),
    (campaign("not opened"), False),
    (campaign("bounced"), False),
    (campaign("not bounced"), True),
    (campaign("queued-recipients", 123), True),
    (campaign("opened", 124), True),
    (campaign("opened", 126), False),
    (campaign("not opened", 126), True),
    (campaign("opened", [126, 125]), True),
    (campaign("opened", [126]), False),
    (campaign("opened", 123, **{"email-id": 9}), True),
    (campaign("opened", 124, **{"email-id": 9}), False),
    (campaign("opened", **often("at_least", 3)), True),
    (campaign("opened", **often("at_least", 4)), False),
    (campaign("opened", **often("at_most", 2)), False),
    (campaign("opened", **often("at_most", 3)), True),
    (campaign("opened", [123, 124], **often("exactly", 2)), True),
    (campaign("opened", [123, 124, 125], **often("exactly", 2)), False),
    (campaign("not opened", **often("at_least", 4)), True),
    (campaign("clicked", **time("in_last_x_days", 7)), True),
    (campaign("opened", 123, **time("in_last_x_days", 7)), False),
    (campaign("opened", 123, **time("not_in_last_x_days", 7)), True),
    (campaign("opened", 125, **time("not_in_last_x_days", 7)), False),
    (campaign("opened", **time("between", MAY), **often("exactly", 2)), True),
    (campaign("opened", **time("not_between", MAY), **often("exactly", 1)), True),
    (campaign("opened", **time("before", "2026-05-31"), **often("exactly", 1)), True),
    (campaign("opened", **time("before", "2026-06-01"), **often("exactly", 2)), True),
    (campaign("opened", **time("after", "2026-05-31"), **often("exactly", 1)), True),
    (campaign("opened", **time("after", "2026-05-30"), **often("exactly", 2)), True),
    (within(12), True),
    (within(13), False),
    (within(12, "not in journey"), False),
    (within(13, "not in journey"), True),
    (within(13, "completed journey"), True),
    (within(12, "completed journey"), False),
]


@pytest.mark.parametrize(("criterion", "answer"), ANSWERS, ids=str)
def test_each_criterion_about_the_past_is_answered_and_comes_back(criterion, answer):
    """From what the host keeps; days are those of the journey's zone."""
    rule = asked(criterion)
    assert holds(rule, Sample(PAST, NOW)) is answer, explain_rule(rule, Sample(PAST, NOW))
    assert said(rule) == {"CriteriaOperator": "and", "Criteria": [criterion]}
    assert said(asked([criterion, criterion], [criterion]))["Criteria"] == [[criterion, criterion], [criterion]]


@pytest.mark.regex
def test_patterns_of_parameters():
    """By the engine of the extra `regex`."""
    for operator, answer in (("matches regex", True), ("does not match regex", False)):
        criterion = website(operator, parameter="$pageTitle", value="^Sh.p")
        assert holds(asked(criterion), Sample(PAST, NOW)) is answer
        assert said(asked(criterion))["Criteria"] == [criterion]


@pytest.mark.parametrize("operator", [*HAPPENED, *(f"not {name}" for name in HAPPENED)])
def test_everything_that_happens_to_campaigns_is_known(operator):
    """With time and count or without."""
    for criterion in (campaign(operator), campaign(operator, 5, **time("before", "2026-01-01"), **often("at_most", 0))):
        assert said(asked(criterion))["Criteria"] == [criterion]


def test_nothing_is_known_of_who_is_not_told():
    """Where the host keeps no list, nothing happened."""
    for criterion, _ in ANSWERS:
        none = "not" in criterion["operator"] or criterion.get("aggregation", {}).get("operator") == "at_most"
        assert holds(asked(criterion), Sample({}, NOW)) is none, criterion


def test_days_are_local():
    """The first of May begins in New York four hours later."""
    rule = asked(campaign("opened", 123, **time("before", "2026-05-01")))
    assert holds(rule, Sample(PAST, NOW, ZoneInfo("America/New_York")))
    assert not holds(rule, Sample(PAST, NOW))


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (website("did happen"), website("happened")),
        (
            website("happened", parameter="name", value="test name"),
            website("equals", parameter="name", value="test name"),
        ),
        ({"type": "website-events", "operator": "HAPPENED", "event": "a"}, website("happened", "a")),
        (website("happened in the last X days", value=30), website("happened in the last X days", value="30")),
        (campaign("opened", []), campaign("opened")),
        (campaign("opened", 0), campaign("opened")),
        (campaign("opened", "5"), campaign("opened", 5)),
        (campaign("opened", None, **{"email-id": ""}), campaign("opened")),
        (campaign("opened", **often("at_least", 1)), campaign("opened")),
        (campaign("opened", **often("at_least", "3")), campaign("opened", **often("at_least", 3))),
        (campaign("opened", time_filter=None, aggregation=None), campaign("opened")),
        (within("0"), within(0)),
    ],
    ids=str,
)
def test_what_means_the_same_is_the_same(given, same):
    """Other spellings, and what is left out."""
    assert asked(given) == asked(same)
    assert said(asked(given)) == {"CriteriaOperator": "and", "Criteria": [same]}


def wrong(key: str, make: Any, *values: Any) -> list[Any]:
    """Return criteria made of values that are wrong, each with the key that is."""
    return [(make(value), key) for value in values]


WRONG = [
    *wrong("event", lambda value: website("happened", value), "", 5, None, []),
    *wrong("event_parameter", lambda value: website("equals", parameter=value), ["a"], 5),
    *wrong("value", lambda value: website("happened in the last X days", value=value), "", "x", 0, -1, 1.5, [], 10**6),
    *wrong("value", lambda value: campaign("opened", value), {}, 1.5, True, [[]], [""]),
    *wrong("email-id", lambda value: campaign("opened", **{"email-id": value}), {}, True),
    *wrong("time_filter", lambda value: campaign("opened", time_filter=value), 5, {}, [], {"type": []}),
    *wrong("time_filter", lambda value: campaign("opened", **time("in_last_x_days", value)), 0, "a", None, {}),
    *wrong("time_filter", lambda value: campaign("opened", **time("before", value)), *NO_DATES),
    *wrong("time_filter", lambda value: campaign("opened", **time("between", value)), 5, {}, {"start": "2026-01-01"}),
    *wrong("time_filter", lambda value: campaign("opened", **time("after", value)), "9999-12-31"),
    *wrong("aggregation", lambda value: campaign("opened", aggregation=value), 5, {}, [], {"operator": "at_least"}),
    *wrong("aggregation", lambda value: campaign("opened", **often("at_least", value)), -1, 1.5, "x", None, True, []),
    *wrong("aggregation", lambda value: campaign("opened", **often(value, 1)), "about", [], None),
    *wrong("value", within, None, "", [], {}, 1.5),
]


@pytest.mark.parametrize(("criterion", "key"), WRONG, ids=str)
def test_what_is_wrong_with_a_criterion_is_named(criterion, key):
    """The place is the key of the criterion."""
    assert action_faults("Decision", Criteria=[criterion]) == [(f"Criteria[0].{key}", "criteria")]


def yes_no(left, operator, right, option="") -> Any:
    """Return the rule of a YesNo, and what a Decision says instead."""
    keys = {"CriteriaLeft": left, "CriteriaOperator": operator, "CriteriaRight": right, "CriteriaOption": option}
    rule = step("YesNo", **keys).branches[0].when
    return holds(rule, Sample(PAST, NOW)), said(rule)["Criteria"] if said(rule) else None


def test_a_yes_no_asks_for_opens_and_clicks():
    """So many of them, or those of campaigns: any or all."""
    assert yes_no("Opens", "At least", "3") == (True, [campaign("opened", **often("at_least", 3))])
    assert yes_no("Clicks", "at most", 0) == (False, [campaign("clicked", **often("at_most", 0))])
    assert yes_no("Opens", "Only", 3) == (True, [campaign("opened", **often("exactly", 3))])
    assert yes_no("Opens", "Is", ["c123", "c9"], "any") == (True, [campaign("opened", [123, 9])])
    assert yes_no("Opens", "Is", ["c123", "c9"], "all") == (False, [campaign("opened", 123), campaign("opened", 9)])
    assert yes_no("Opens", "Is not", ["c9", "a100"]) == (True, [campaign("not opened", [9, "a100"])])
    assert yes_no("Opens", "Is not", ["c123", "c9"], "all") == (True, None)
    wrong_keys: list[Any] = [("At least", "x"), ("At least", ["c1"]), ("Is", "c1"), ("Is", []), ("Is", [{}])]
    for operator, right in (*wrong_keys, ("Contains", "a")):
        keys = {"CriteriaLeft": "Opens", "CriteriaOperator": operator, "CriteriaRight": right}
        assert action_faults("YesNo", **keys)[0][1] == "criteria"


def test_journeys_of_one_step_keep_what_happened():
    """Events of the website, and journeys completed, are appended by Updates, in the tick that handles them."""
    engine = Engine(MemoryStore())
    seen = {"event": "pageView", "at": "{{ now }}", "data": {"$pageTitle": "{{ trigger.$pageTitle }}"}}
    done = {"journey": "{{ trigger.journey }}", "status": "COMPLETED"}
    others = field("event.journey").ne("keep-journeys")
    for journey in (
        Journey(
            id="keep-pages",
            trigger=Trigger.website("pageView"),
            reentry="always",
            steps=[Update("note", field("websiteEvents").append(seen))],
        ),
        Journey(
            id="keep-journeys",
            trigger=Trigger.journey_completed(where=others),
            reentry="always",
            steps=[Update("note", field("journeys").append(done))],
        ),
    ):
        engine.deploy(journey, at=START)
    engine.feed(Event("website.pageView", customer="ann", at=START, data={"$pageTitle": "Shop"}))
    engine.tick(START)
    kept = Sample(engine.customer("ann").attributes, to_micros(START))
    for criterion, answer in (
        (website("equals", parameter="$pageTitle", value="Shop"), True),
        (website("happened in the last X days", value="1"), True),
        (within("keep-pages", "completed journey"), True),
        (within("keep-journeys", "completed journey"), False),
    ):
        assert holds(asked(criterion), kept) is answer, explain_rule(asked(criterion), kept)
