"""The parameters that several calls of Octeth share, and the codes of what is wrong with them."""

from collections.abc import Mapping

from journeyflow.services.octeth.codes import (
    Code,
)
from journeyflow.services.parameters import Parameter


def missing(number: int, name: str) -> Code:
    """Return the code of a parameter that is missing."""
    return Code(number, 422, f"Missing {name} parameter")


def invalid(number: int, name: str) -> Code:
    """Return the code of a parameter that cannot be what it is."""
    return Code(number, 422, f"Invalid {name} parameter")


def absent(number: int, what: str) -> Code:
    """Return the code of something that is not there."""
    return Code(number, 404, f"{what} not found")


def unmatched(number: int, name: str) -> Code:
    """Return the code of a value that names nothing."""
    return Code(number, 404, f"{name} matching record not found")


def dates(first: str, last: str, number: int) -> tuple[Parameter[Code], Parameter[Code]]:
    """Return the parameters of a window, whose codes begin at a number."""
    return tuple(  # type: ignore[return-value]  # two of them
        Parameter(name, "date", invalid=Code(number + n, 422, f"Invalid {name} format"), description="YYYY-MM-DD")
        for n, name in enumerate((first, last))
    )


def id_parameter(
    number: int | None, wrong: Code | None, name: str = "JourneyID", description: str = ""
) -> Parameter[Code]:
    """Return the parameter of an id: the number of the code where it is missing, and the code where it is wrong."""
    return Parameter(name, "id", None if number is None else missing(number, name), wrong, description)


JOURNEY_ID = id_parameter(1, invalid(2, "JourneyID"), description="the journey")

POSITIVE_ID = id_parameter(
    1, Code(2, 422, "Invalid JourneyID parameter (must be a positive integer)"), description="the journey"
)

LIST_ID, EMAIL_ID, VALUE = "Trigger_ListID", "Trigger_EmailID", "Trigger_Value"

TRIGGER_CODES: Mapping[str, Code] = {
    "trigger": Code(3, 400, "Invalid trigger"),
    "list-missing": missing(4, LIST_ID),
    "list-invalid": invalid(5, LIST_ID),
    "list-unknown": unmatched(6, LIST_ID),
    "email-missing": missing(7, EMAIL_ID),
    "email-invalid": invalid(8, EMAIL_ID),
    "email-unknown": unmatched(9, EMAIL_ID),
    "value-unknown": unmatched(11, VALUE),
    "field-invalid": Code(12, 422, "Invalid Trigger_Value parameter (CustomFieldValueChanged)"),
    "field-unknown": Code(13, 404, "Trigger_Value matching record not found (CustomFieldValueChanged)"),
    "revenue-invalid": Code(14, 422, "Invalid Trigger_Value parameter (RevenueHit)"),
    "revenue-missing": Code(15, 422, "Missing Trigger_Value parameter (RevenueHit)"),
    "journey-invalid": Code(16, 422, "Invalid Trigger_Value parameter (JourneyCompleted)"),
    "journey-unknown": Code(17, 404, "Trigger_Value matching record not found (JourneyCompleted)"),
}
"""The codes of what is wrong with a trigger (F201)."""

TRIGGER: tuple[Parameter[Code], ...] = (
    Parameter(
        "Trigger", "text", invalid=TRIGGER_CODES["trigger"], description="what enters subscribers; Manual by default"
    ),
    Parameter(LIST_ID, "any", description="the list of a list trigger; 0 is any"),
    Parameter(EMAIL_ID, "any", description="the email of an email trigger; 0 is any"),
    Parameter(VALUE, "any", description="the tag, field, amount or journey of any other trigger"),
    Parameter("Trigger_Criteria", "list", invalid=TRIGGER_CODES["trigger"], description="criteria that must all hold"),
    Parameter("Run_Criteria", "list", invalid=TRIGGER_CODES["trigger"], description="criteria about the subscriber"),
    Parameter("Run_Criteria_Operator", "text", description="how they are joined: and, or"),
    Parameter("Rate_Limit_Per_Hour", "whole", invalid=invalid(18, "rate_limit_per_hour"), description="0 is no limit"),
    Parameter("Rate_Limit_Per_Day", "whole", invalid=invalid(19, "rate_limit_per_day"), description="0 is no limit"),
)

NOTES: Parameter[Code] = Parameter("Notes", "notes", description="for people who run the journey")

WITH_COUNTERS: Parameter[Code] = Parameter(
    "IncludeActivityCounters", "flag", description="adds when something last happened, and how many people"
)

GET_DATES = dates("StartDate", "EndDate", 4)
WRONG_ORDER = Code(6, 422, "StartDate must be before EndDate")
LIST_DATES = dates("StatsStartDate", "StatsEndDate", 4)

OF_ACTION = Code(
    7, 422, "Invalid EmailID parameter (not a positive integer, or not a SendEmail action on this journey)"
)
EMAIL_ACTION = Parameter("EmailID", "id", invalid=OF_ACTION, description="the ActionID of a SendEmail action")
ISP = Parameter(
    "ISP",
    "domain",
    invalid=Code(8, 422, "Invalid ISP parameter (must match /^[a-zA-Z0-9.-]+$/)"),
    description="a mailbox domain",
)

ACTION_LIST = Parameter(
    "Actions",
    "list",
    missing(2, "Actions"),
    Code(4, 422, "Invalid Actions parameter", "Invalid JourneyID parameter (Actions must be array)"),
    "the whole list of actions",
)

OF_SUBSCRIBER = (
    id_parameter(2, invalid(5, "ListID"), "ListID", "the subscriber's list"),
    id_parameter(3, invalid(6, "SubscriberID"), "SubscriberID", "the subscriber"),
)

JOURNEY_OF_SUBSCRIBER = (id_parameter(1, invalid(4, "JourneyID"), description="the journey"), *OF_SUBSCRIBER)

SUBSCRIBER_CODES = {"list": absent(8, "List"), "subscriber": absent(9, "Subscriber")}

JOURNEY_IDS = Parameter(
    "JourneyIDs",
    "ids",
    missing(1, "JourneyIDs"),
    Code(2, 422, "Invalid JourneyIDs parameter (no positive integers after parsing)"),
    "the journeys, with commas between them",
)

NEW_NAME = "NewJourneyName"

ACTION_SUBSCRIBERS_CODES = {
    "journey": absent(5, "Journey"),
    "action": absent(6, "Action"),
    "filter": Code(5, 422, "Invalid FilterJson parameter", "Invalid FilterJSON parameter (invalid JSON)"),
    "filter-value": Code(6, 422, "Invalid FilterJson value", "Invalid FilterJSON value (unrecognized filter item)"),
    "operator": Code(7, 422, "Invalid Operator value"),
    "nobody": Code(7, 404, "No subscribers found"),
}
