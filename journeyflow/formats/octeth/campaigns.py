"""Criteria about what happened to campaigns: how often, to which, and when (F220)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from journeyflow.basics.values import describe
from journeyflow.definition.rules.conditions import AllOf, CountRule, FieldRule, NotRule, Rule
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.octeth.keys import joined_by, name_as_number, present
from journeyflow.formats.octeth.members import (
    AT,
    EVENT,
    Unasked,
    asked_of,
    read_days,
    read_name,
    values_of,
    written_days,
)

CAMPAIGNS, CAMPAIGN, EMAIL = "campaignEvents", "item.campaign", "item.email"
"""The attribute that holds what happened to campaigns, and what its members say."""

HAPPENED = {
    **{name: name for name in ("opened", "clicked", "unsubscribed", "complained", "bounced", "delivered", "failed")},
    "queued-recipients": "queued",
}
"""What may have happened to a campaign, by its operator, and the `event` of the member of the list."""

_OPERATORS = {event: operator for operator, event in HAPPENED.items()}

_BOUNDS: Mapping[str, tuple[str, ...]] = {
    "at_least": ("at_least",),
    "at_most": ("at_most",),
    "exactly": ("at_least", "at_most"),
}
"""The bounds of a count that each aggregation sets."""

ANY: Sequence[object] = (None, "", [], 0, "0")
"""The values that name no campaign, and no email."""

TIME_FILTERS = ("in_last_x_days", "not_in_last_x_days", "between", "not_between", "after", "before")


def campaign_events(operator: str, criterion: JsonObject) -> Rule | None:
    """Return the rule that something happened so often to campaigns; None for an unknown operator.

    >>> print(campaign_events("not opened", {"value": 5, "aggregation": {"operator": "exactly", "count": 2}}))
    not campaignEvents has exactly 2 members with (item.event = 'opened' and item.campaign = '5')
    """
    event = HAPPENED.get(operator.removeprefix("not "))
    if event is None:
        return None
    when = _time_filter(criterion.get("time_filter"))
    where = [FieldRule(EVENT, "eq", event), *_targets(criterion), *([] if when is None else [when])]
    rule = CountRule(CAMPAIGNS, joined_by(where, AllOf), **_aggregation(criterion.get("aggregation")))
    return NotRule(rule) if operator.startswith("not ") else rule


def _targets(criterion: JsonObject) -> Iterator[Rule]:
    """Yield the rules for the campaigns and the email that a criterion names."""
    value, email = criterion.get("value"), criterion.get("email-id")
    if isinstance(value, list) and value:
        yield FieldRule(CAMPAIGN, "in", [read_name(each, "value") for each in value])
    elif value not in ANY:
        yield FieldRule(CAMPAIGN, "eq", read_name(value, "value"))
    if email not in ANY:
        yield FieldRule(EMAIL, "eq", read_name(email, "email-id"))


def _aggregation(said: object) -> dict[str, int]:
    """Return the bounds of a count; without an aggregation, once is enough."""
    if said is None:
        return {"at_least": 1}
    found = said if isinstance(said, dict) else {}
    bounds, count = _BOUNDS.get(str(found.get("operator"))), str(found.get("count"))
    if bounds is None or not re.fullmatch(r"\d{1,9}", count, re.ASCII):
        known = ", ".join(_BOUNDS)
        raise Unasked(key="aggregation", reason=f"expected one of {known} and a count, not {describe(said)}")
    return dict.fromkeys(bounds, int(count))


# --- when -------------------------------------------------------------------------------------------------------------


def _time_filter(said: object) -> Rule | None:
    """Return the rule for when it happened, in local days: `between` contains both, `before` and `after` not theirs."""
    if said is None:
        return None
    kind, value = (said.get("type"), said.get("value")) if isinstance(said, dict) else (None, None)
    if kind not in TIME_FILTERS:
        raise Unasked(key="time_filter", reason=f"unknown type {kind!r}; known are {', '.join(TIME_FILTERS)}")
    if kind == "before":
        return _before(_day(value))
    if kind == "after":
        return NotRule(_before(_next(value)))
    if kind.endswith("between"):
        start, end = (value.get(key) if isinstance(value, dict) else None for key in ("start", "end"))
        rule: Rule = AllOf((NotRule(_before(_day(start))), _before(_next(end))))
    else:
        rule = read_days(value, "time_filter")
    return NotRule(rule) if kind.startswith("not_") else rule


def _before(day: date) -> FieldRule:
    return FieldRule(AT, "before", day.isoformat())


def _day(value: object) -> date:
    """Return a date of the form 2026-01-31."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Unasked(key="time_filter", reason=f"expected a date such as 2026-01-31, not {describe(value)}")


def _next(value: object, days: int = 1) -> date:
    """Return the day after a date, or a number of days later."""
    day = _day(value)
    try:
        return day + timedelta(days)
    except OverflowError:
        raise Unasked(key="time_filter", reason=f"{value} is at an end of the calendar") from None


# --- writing ----------------------------------------------------------------------------------------------------------


def write_campaign_events(rule: Rule) -> JsonObject | None:
    """Return the criterion of a count of what happened to campaigns; None for any other rule."""
    found = asked_of(rule, CAMPAIGNS)
    if found is None:
        return None
    count, asked, negated = found
    values = values_of(asked)
    campaigns, email = values.get(CAMPAIGN, ""), values.get(EMAIL)
    operator = _OPERATORS.get(str(values.get(EVENT)), "")
    return present(
        type="campaign-events",
        operator=f"not {operator}" if negated else operator,
        value=[name_as_number(str(each)) for each in campaigns] if isinstance(campaigns, tuple) else _number(campaigns),
        **{"email-id": None if email is None else _number(email)},
        time_filter=_written_time(asked[-1]) if asked else None,
        aggregation=_written_bounds(count),
    )


def _number(name: object) -> int | str:
    return name_as_number(name) if isinstance(name, str) and name else ""


def _written_bounds(count: CountRule) -> JsonObject | None:
    """Return the aggregation of a count; None for once, which needs none."""
    bounds = {"at_least": count.at_least, "at_most": count.at_most}
    said = {name: number for name, number in bounds.items() if number is not None}
    operator = next((name for name, needed in _BOUNDS.items() if needed == tuple(said)), "")
    return None if said == {"at_least": 1} else {"operator": operator, "count": max(said.values())}


def _written_time(rule: Rule) -> JsonObject | None:
    """Return the time filter of what is asked last of a member, if it is one."""
    inner, sign = (rule.rule, "not_") if isinstance(rule, NotRule) else (rule, "")
    if isinstance(inner, AllOf) and len(inner.rules) == len(("start", "end")):
        start, end = (values_of([each.rule if isinstance(each, NotRule) else each]).get(AT) for each in inner.rules)
        return {"type": f"{sign}between", "value": {"start": start, "end": _next(end, -1).isoformat()}}
    if not isinstance(inner, FieldRule) or inner.field != AT:
        return None
    if inner.op == "withinLast":
        return {"type": f"{sign}in_last_x_days", "value": name_as_number(written_days(inner))}
    return (
        {"type": "after", "value": _next(inner.value, -1).isoformat()}
        if sign
        else {"type": "before", "value": inner.value}
    )


# --- the older form ---------------------------------------------------------------------------------------------------


OF_CAMPAIGNS = {"Opens": "opened", "Clicks": "clicked"}
"""What a YesNo may ask of campaigns."""

_HOW_OFTEN = {"at least": "at_least", "at most": "at_most", "only": "exactly"}


def opens_or_clicks(keys: JsonObject) -> Rule | None:
    """Return the rule of a YesNo about opens or clicks: a number of them, or those of campaigns; None for others.

    >>> print(opens_or_clicks({"CriteriaLeft": "Opens", "CriteriaOperator": "At least", "CriteriaRight": "3"}))
    campaignEvents has at least 3 members with item.event = 'opened'
    """
    event, right = OF_CAMPAIGNS[keys["CriteriaLeft"]], keys.get("CriteriaRight")
    operator = str(keys.get("CriteriaOperator")).lower()
    if operator in _HOW_OFTEN:
        return campaign_events(event, {"aggregation": {"operator": _HOW_OFTEN[operator], "count": right}})
    if operator not in {"is", "is not"} or not isinstance(right, list) or not right:
        return None
    names = [each.removeprefix("c") if isinstance(each, str) else each for each in right]
    every = str(keys.get("CriteriaOption")).lower() == "all"
    rules = [campaign_events(event, {"value": each}) for each in (names if every else [names])]
    rule = joined_by([each for each in rules if each is not None], AllOf)
    return NotRule(rule) if operator == "is not" else rule
