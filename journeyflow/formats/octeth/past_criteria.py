"""Criteria about what was before: on the website, with campaigns, in journeys (F220).

Each counts members of a list that the host keeps as an attribute of the customer: `websiteEvents`, `campaignEvents`,
`journeys`.
"""

from collections.abc import Callable, Mapping, Sequence

from journeyflow.basics.values import describe, thaw
from journeyflow.basics.words import ACTIVE, COMPLETED
from journeyflow.definition.rules.conditions import FieldRule, Rule
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.octeth.campaigns import campaign_events, write_campaign_events
from journeyflow.formats.octeth.keys import name_as_number
from journeyflow.formats.octeth.members import (
    EVENT,
    Unasked,
    asked_of,
    read_days,
    read_name,
    some,
    values_of,
    written_days,
)

# --- the website ------------------------------------------------------------------------------------------------------

WEBSITE, DATA = "websiteEvents", "item.data."
"""The attribute that holds events of the website, and where its members have the parameters of the event."""

HAPPENED, LATELY = "happened", "happened in the last X days"

PARAMETERS = {
    "equals": "eq",
    "contains": "contains",
    "matches regex": "matches",
    "greater than": "gt",
    "less than": "lt",
    "is set": "isNotNull",
}
"""The operators that ask for a parameter of an event."""

NEVER = {
    "did not happen": HAPPENED,
    "did not happen in the last X days": LATELY,
    "does not equal": "equals",
    "does not contain": "contains",
    "does not match regex": "matches regex",
    "is not set": "is set",
}
"""The operators that ask for no such event, each with its opposite."""

_OPPOSITE = {positive: negative for negative, positive in NEVER.items()}

_KNOWN = {each.lower(): each for each in (HAPPENED, LATELY, *PARAMETERS, *NEVER)} | {"did happen": HAPPENED}

_BY_OP = {op: operator for operator, op in PARAMETERS.items()}


def website_events(operator: str, criterion: JsonObject) -> Rule | None:
    """Return the rule that an event of the website happened, or that none did; None for an unknown operator.

    >>> print(website_events("did not happen in the last x days", {"event": "pageView", "value": "30"}))
    not websiteEvents has at least 1 member with (item.event = 'pageView' and item.at within the last '30 days')
    """
    known = _KNOWN.get(operator)
    if known is None:
        return None
    event, parameter = criterion.get("event"), criterion.get("event_parameter") or ""
    for key, text in (("event", event), ("event_parameter", parameter)):
        if not isinstance(text, str) or (key == "event" and not text):
            raise Unasked(key=key, reason=f"expected a name, not {describe(text)}")
    positive, where = NEVER.get(known, known), [FieldRule(EVENT, "eq", event)]
    if positive == LATELY:
        where.append(read_days(criterion.get("value"), "value"))
    elif parameter or positive != HAPPENED:
        op = PARAMETERS.get(positive, "eq")
        where.append(FieldRule(f"{DATA}{parameter}", op, None if op == "isNotNull" else criterion.get("value", "")))
    return some(WEBSITE, where, negated=known in NEVER)


def _write_website_events(rule: Rule) -> JsonObject | None:
    found = asked_of(rule, WEBSITE)
    if found is None:
        return None
    _, asked, negated = found
    operator, parameter, value = _written_parameter(asked)
    return {
        "type": "website-events",
        "event": values_of(asked).get(EVENT),
        "operator": _OPPOSITE.get(operator, operator) if negated else operator,
        "event_parameter": parameter,
        "value": value,
    }


def _written_parameter(asked: Sequence[Rule]) -> tuple[str, str, object]:
    """Return the operator, the parameter and the value for what is asked of an event."""
    last = asked[-1] if len(asked) > 1 else None
    if not isinstance(last, FieldRule):
        return HAPPENED, "", ""
    if last.op == "withinLast":
        return LATELY, "", written_days(last)
    return _BY_OP.get(last.op, last.op), last.field.removeprefix(DATA), "" if last.value is None else thaw(last.value)


# --- journeys ---------------------------------------------------------------------------------------------------------

JOURNEYS, JOURNEY, STATUS = "journeys", "item.journey", "item.status"
"""The attribute that holds the journeys of a customer, and what its members say."""

STATUSES = {"in journey": ACTIVE, "completed journey": COMPLETED}

_OUTSIDE = "not in journey"

OF_JOURNEYS = frozenset({*STATUSES, _OUTSIDE})
"""The operators about journeys, whose value is the number of one."""


def in_journeys(operator: str, criterion: JsonObject) -> Rule | None:
    """Return the rule that a customer is in a journey, or has completed it; None for an unknown operator.

    >>> print(in_journeys("completed journey", {"value": 12}))
    journeys has at least 1 member with (item.journey = '12' and item.status = 'COMPLETED')
    """
    status = ACTIVE if operator == _OUTSIDE else STATUSES.get(operator)
    if status is None:
        return None
    where = [FieldRule(JOURNEY, "eq", read_name(criterion.get("value"), "value")), FieldRule(STATUS, "eq", status)]
    return some(JOURNEYS, where, negated=operator == _OUTSIDE)


def _write_in_journeys(rule: Rule) -> JsonObject | None:
    found = asked_of(rule, JOURNEYS)
    if found is None:
        return None
    values = values_of(found[1])
    operator = next((name for name, status in STATUSES.items() if status == values.get(STATUS)), "")
    value = name_as_number(str(values.get(JOURNEY, "")))
    return {"type": "journeys", "operator": _OUTSIDE if found[2] else operator, "value": value}


# --- all of them ------------------------------------------------------------------------------------------------------

HISTORY: Mapping[str, Callable[[str, JsonObject], Rule | None]] = {
    "website-events": website_events,
    "campaign-events": campaign_events,
    "journeys": in_journeys,
}
"""The families, each with its reader."""

_WRITERS = (_write_website_events, write_campaign_events, _write_in_journeys)


def write_history(rule: Rule) -> JsonObject | None:
    """Return the criterion of a rule about what was before; None for a rule that no criterion reads as.

    >>> write_history(in_journeys("not in journey", {"value": 12}))
    {'type': 'journeys', 'operator': 'not in journey', 'value': 12}
    """
    try:
        found = next((said for write in _WRITERS if (said := write(rule))), None)
        return found if found and HISTORY[found["type"]](found["operator"].lower(), found) == rule else None
    except Unasked:
        return None
