"""The calls of Octeth: one table that drives routing, checks, faults, the OpenAPI document and the documentation."""

from collections.abc import Mapping

from journeyflow.services.octeth import actions, bulk, exports, figures, journeys, people
from journeyflow.services.octeth.table import (
    ADMIN,
    DELETE,
    Code,
    Operation,
    coded_errors,
    codes,
    unsuccessful_errors,
)
from journeyflow.services.parameters import Parameter

_NEWER = ("2025", "2026")
_NEWEST = ("2026",)


def _missing(number: int, name: str) -> Code:
    return Code(number, 422, f"Missing {name} parameter")


def _invalid(number: int, name: str) -> Code:
    return Code(number, 422, f"Invalid {name} parameter")


def _absent(number: int, what: str) -> Code:
    return Code(number, 404, f"{what} not found")


def _unmatched(number: int, name: str) -> Code:
    return Code(number, 404, f"{name} matching record not found")


def _dates(first: str, last: str, number: int) -> tuple[Parameter[Code], Parameter[Code]]:
    """Return the parameters of a window, whose codes begin at a number."""
    return tuple(  # type: ignore[return-value]  # two of them
        Parameter(name, "date", invalid=Code(number + n, 422, f"Invalid {name} format"), description="YYYY-MM-DD")
        for n, name in enumerate((first, last))
    )


def _id(missing: int | None, invalid: Code | None, name: str = "JourneyID", description: str = "") -> Parameter[Code]:
    """Return the parameter of a number."""
    return Parameter(name, "id", None if missing is None else _missing(missing, name), invalid, description)


_JOURNEY_ID = _id(1, _invalid(2, "JourneyID"), description="the journey")

_POSITIVE_ID = _id(
    1, Code(2, 422, "Invalid JourneyID parameter (must be a positive integer)"), description="the journey"
)

_LIST_ID, _EMAIL_ID, _VALUE = "Trigger_ListID", "Trigger_EmailID", "Trigger_Value"

_TRIGGER_CODES: Mapping[str, Code] = {
    "trigger": Code(3, 400, "Invalid trigger"),
    "list-missing": _missing(4, _LIST_ID),
    "list-invalid": _invalid(5, _LIST_ID),
    "list-unknown": _unmatched(6, _LIST_ID),
    "email-missing": _missing(7, _EMAIL_ID),
    "email-invalid": _invalid(8, _EMAIL_ID),
    "email-unknown": _unmatched(9, _EMAIL_ID),
    "value-unknown": _unmatched(11, _VALUE),
    "field-invalid": Code(12, 422, "Invalid Trigger_Value parameter (CustomFieldValueChanged)"),
    "field-unknown": Code(13, 404, "Trigger_Value matching record not found (CustomFieldValueChanged)"),
    "revenue-invalid": Code(14, 422, "Invalid Trigger_Value parameter (RevenueHit)"),
    "revenue-missing": Code(15, 422, "Missing Trigger_Value parameter (RevenueHit)"),
    "journey-invalid": Code(16, 422, "Invalid Trigger_Value parameter (JourneyCompleted)"),
    "journey-unknown": Code(17, 404, "Trigger_Value matching record not found (JourneyCompleted)"),
}
"""The codes of what is wrong with a trigger (F201)."""

_TRIGGER: tuple[Parameter[Code], ...] = (
    Parameter(
        "Trigger", "text", invalid=_TRIGGER_CODES["trigger"], description="what enters subscribers; Manual by default"
    ),
    Parameter(_LIST_ID, "any", description="the list of a list trigger; 0 is any"),
    Parameter(_EMAIL_ID, "any", description="the email of an email trigger; 0 is any"),
    Parameter(_VALUE, "any", description="the tag, field, amount or journey of any other trigger"),
    Parameter("Trigger_Criteria", "list", invalid=_TRIGGER_CODES["trigger"], description="criteria that must all hold"),
    Parameter("Run_Criteria", "list", invalid=_TRIGGER_CODES["trigger"], description="criteria about the subscriber"),
    Parameter("Run_Criteria_Operator", "text", description="how they are joined: and, or"),
    Parameter("Rate_Limit_Per_Hour", "whole", invalid=_invalid(18, "rate_limit_per_hour"), description="0 is no limit"),
    Parameter("Rate_Limit_Per_Day", "whole", invalid=_invalid(19, "rate_limit_per_day"), description="0 is no limit"),
)

_NOTES: Parameter[Code] = Parameter("Notes", "notes", description="for people who run the journey")

_COUNTERS: Parameter[Code] = Parameter(
    "IncludeActivityCounters", "flag", description="adds when something last happened, and how many people"
)

_GET_DATES = _dates("StartDate", "EndDate", 4)
_ORDER = Code(6, 422, "StartDate must be before EndDate")
_LIST_DATES = _dates("StatsStartDate", "StatsEndDate", 4)

_OF_ACTION = Code(
    7, 422, "Invalid EmailID parameter (not a positive integer, or not a SendEmail action on this journey)"
)
_EMAIL = Parameter("EmailID", "id", invalid=_OF_ACTION, description="the ActionID of a SendEmail action")
_ISP = Parameter(
    "ISP",
    "domain",
    invalid=Code(8, 422, "Invalid ISP parameter (must match /^[a-zA-Z0-9.-]+$/)"),
    description="a mailbox domain",
)

_ACTIONS = Parameter(
    "Actions",
    "list",
    _missing(2, "Actions"),
    Code(4, 422, "Invalid Actions parameter", "Invalid JourneyID parameter (Actions must be array)"),
    "the whole list of actions",
)

_OF_SUBSCRIBER = (
    _id(2, _invalid(5, "ListID"), "ListID", "the subscriber's list"),
    _id(3, _invalid(6, "SubscriberID"), "SubscriberID", "the subscriber"),
)

_JOURNEY_OF_SUBSCRIBER = (_id(1, _invalid(4, "JourneyID"), description="the journey"), *_OF_SUBSCRIBER)

_SUBSCRIBER_CODES = {"list": _absent(8, "List"), "subscriber": _absent(9, "Subscriber")}

_IDS = Parameter(
    "JourneyIDs",
    "ids",
    _missing(1, "JourneyIDs"),
    Code(2, 422, "Invalid JourneyIDs parameter (no positive integers after parsing)"),
    "the journeys, with commas between them",
)

_NEW_NAME = "NewJourneyName"

_ACTION_SUBSCRIBERS_CODES = {
    "journey": _absent(5, "Journey"),
    "action": _absent(6, "Action"),
    "filter": Code(5, 422, "Invalid FilterJson parameter", "Invalid FilterJSON parameter (invalid JSON)"),
    "filter-value": Code(6, 422, "Invalid FilterJson value", "Invalid FilterJSON value (unrecognized filter item)"),
    "operator": Code(7, 422, "Invalid Operator value"),
    "nobody": Code(7, 404, "No subscribers found"),
}

OPERATIONS: Mapping[str, Operation] = {
    each.command: each
    for each in (
        Operation(
            "journey.create",
            ("POST",),
            "journey",
            "Create a journey",
            journeys.create,
            (Parameter("Name", "text", _missing(1, "Name"), description="its name"), *_TRIGGER, _NOTES),
            {**_TRIGGER_CODES, "value-invalid": _invalid(10, _VALUE)},
        ),
        Operation(
            "journey.clone",
            ("POST",),
            "journey.clone",
            "Clone a journey",
            journeys.clone,
            (
                Parameter(
                    _NEW_NAME,
                    "text",
                    _missing(1, _NEW_NAME),
                    Code(4, 422, "Journey not cloned successfully"),
                    "its name",
                ),
                _id(2, _absent(3, "Journey"), description="the journey"),
            ),
            {"journey": _absent(3, "Journey")},
            seeds=_NEWER,
        ),
        Operation(
            "journey.copytouser",
            ("POST",),
            "journey.copytouser",
            "Copy a journey to another user",
            journeys.copy_to_user,
            (
                *(
                    _id(number, Code(number + 3, 422, f"Invalid {name} (non-numeric)"), name)
                    for number, name in enumerate(("JourneyID", "SourceUserID", "TargetUserID"), 1)
                ),
                Parameter(
                    _NEW_NAME,
                    "text",
                    None,
                    Code(10, 422, "Failed to create journey"),
                    "its name; by default Copy of ...",
                ),
            ),
            {
                "source": _absent(7, "Source user"),
                "target": _absent(8, "Target user"),
                "journey": Code(9, 404, "Journey not found for source user"),
            },
            dict.fromkeys(("2023", "2024", "2025", "2026"), unsuccessful_errors),
            ADMIN,
            _NEWER,
        ),
        Operation(
            "journey.get",
            ("GET",),
            "journey",
            "Get a journey",
            journeys.get,
            (_JOURNEY_ID, *_GET_DATES, _COUNTERS, _EMAIL, _ISP),
            {"journey": _absent(3, "Journey"), "order": _ORDER, "email": _OF_ACTION},
        ),
        Operation(
            "journey.list",
            ("GET",),
            "journeys",
            "List journeys",
            journeys.list_,
            (*_LIST_DATES, Parameter("SkipStats", "flag", description="leaves the figures out"), _COUNTERS),
            {"order": Code(6, 422, "StatsStartDate must be before StatsEndDate")},
        ),
        Operation(
            "journey.sendemailactions",
            ("GET",),
            "journey.sendemailactions",
            "List SendEmail actions across journeys",
            actions.send_emails,
            (
                _id(None, _invalid(1, "JourneyID"), description="one journey alone"),
                Parameter("IncludeDisabled", "flag", description="also of journeys that are Disabled"),
                Parameter("IncludeUnpublished", "flag", description="also those that are not published"),
            ),
            seeds=_NEWEST,
        ),
        Operation(
            "journey.update",
            ("PATCH",),
            "journey",
            "Update a journey",
            journeys.update,
            (_JOURNEY_ID, Parameter("Name", "text", description="its name"), *_TRIGGER, _NOTES),
            {**_TRIGGER_CODES, "value-invalid": _unmatched(11, _VALUE), "journey": _absent(10, "Journey")},
        ),
        Operation(
            "journey.delete",
            ("POST",),
            "journey.delete",
            "Delete a journey",
            journeys.delete,
            (_JOURNEY_ID,),
            {"journey": _absent(3, "Journey")},
        ),
        Operation(
            "journeys.delete",
            ("POST",),
            None,
            "Delete many journeys",
            bulk.delete,
            (
                Parameter(
                    "Journeys", "ids", _missing(1, "Journeys"), description="the journeys, with commas between them"
                ),
            ),
            envelopes=dict.fromkeys(("2023", "2024", "2025", "2026"), codes),
            permission=DELETE,
            seeds=_NEWER,
        ),
        *(
            Operation(
                f"journey.{word}",
                ("GET",),
                f"journey.{word}",
                f"{word.capitalize()} a journey",
                call,
                (_JOURNEY_ID,),
                {"journey": _absent(3, "Journey"), "state": Code(4, 409, f"Journey is already {word}d")},
            )
            for word, call in (("enable", journeys.enable), ("disable", journeys.disable))
        ),
        Operation(
            "journey.actions.update",
            ("PATCH",),
            "journey.actions",
            "Replace the actions of a journey",
            actions.update,
            (_id(1, _invalid(3, "JourneyID"), description="the journey"), _ACTIONS),
            {"journey": _absent(5, "Journey"), "actions": Code(6, 422, "Invalid action type or Journey not found")},
        ),
        Operation(
            "journey.actions.published",
            ("PATCH",),
            "journey.actions.published",
            "Publish and unpublish actions",
            actions.published,
            (_id(1, _invalid(3, "JourneyID"), description="the journey"), _ACTIONS),
            {
                "journey": _absent(5, "Journey"),
                "action": _absent(6, "Action"),
                "actions": Code(
                    4, 422, "Invalid Actions parameter", "Invalid JourneyID parameter (Actions must be array)"
                ),
                "gone": Code(7, 404, "Journey not found after update"),
            },
            seeds=("2024", *_NEWER),
        ),
        Operation(
            "subscriber.journey.trigger",
            ("GET", "POST"),
            "subscriber.journey.trigger",
            "Trigger a journey for a subscriber",
            people.trigger,
            _JOURNEY_OF_SUBSCRIBER,
            {
                "journey": _absent(7, "Journey"),
                **_SUBSCRIBER_CODES,
                "disabled": Code(10, 403, "Journey is disabled. Operation not permitted."),
            },
            seeds=("2023", "2024"),
        ),
        Operation(
            "subscriber.journey.remove",
            ("GET", "POST"),
            "subscriber.journey.remove",
            "Remove a subscriber from a journey",
            people.remove,
            _JOURNEY_OF_SUBSCRIBER,
            {"journey": _absent(7, "Journey"), **_SUBSCRIBER_CODES},
            seeds=("2023", "2024"),
        ),
        Operation(
            "subscriber.journey.list",
            ("GET",),
            "subscriber.journey.list",
            "List the journeys of a subscriber",
            people.journeys_of,
            _OF_SUBSCRIBER,
            _SUBSCRIBER_CODES,
            seeds=("2023", "2024"),
        ),
        Operation(
            "journey.action.subscribers",
            ("GET", "POST"),
            "journey.action.subscribers",
            "List the subscribers of an action",
            people.at_action,
            (
                _id(1, _invalid(3, "JourneyID"), description="the journey"),
                _id(2, _invalid(4, "ActionID"), "ActionID", "the action"),
                Parameter("FilterJSON", "any", description="what they did: a list, or its JSON as text"),
                Parameter("Operator", "any", description="whether all or any of it must hold: and, or"),
                Parameter("RecordsPerRequest", "id", description="how many; 25 by default"),
                Parameter("RecordsFrom", "whole", description="how many are skipped"),
                Parameter("OrderField", "text", description="EmailAddress, SubscriberID or an attribute"),
                Parameter("OrderType", "sorting", description="ASC or DESC"),
            ),
            _ACTION_SUBSCRIBERS_CODES,
            dict.fromkeys(_NEWER, coded_errors),
            seeds=("2024", *_NEWER),
        ),
        Operation(
            "journey.stats.byisp",
            ("GET",),
            "journey.stats.byisp",
            "Get the figures of a journey by mailbox domain",
            figures.by_domain,
            (_POSITIVE_ID, *_GET_DATES, _EMAIL),
            {"journey": _absent(3, "Journey"), "order": _ORDER, "email": _OF_ACTION},
            seeds=_NEWEST,
        ),
        Operation(
            "journey.stats.byaction",
            ("GET",),
            "journey.stats.byaction",
            "Get the figures of a journey by action",
            figures.by_action,
            (_POSITIVE_ID, *_GET_DATES, _EMAIL, _ISP),
            {"journey": _absent(3, "Journey"), "order": _ORDER, "email": _OF_ACTION},
            seeds=_NEWEST,
        ),
        Operation(
            "account.journey.benchmark",
            ("GET",),
            "account.journey.benchmark",
            "Get the benchmark of the account",
            figures.benchmark,
            _dates("StartDate", "EndDate", 1),
            {"order": Code(3, 422, "StartDate must not be after EndDate")},
            seeds=_NEWEST,
        ),
        *(
            Operation(
                f"journeys.{word}",
                ("POST",),
                f"journeys.{word}",
                f"{word.capitalize()} many journeys",
                call,
                (_IDS, *more),
                seeds=_NEWEST,
            )
            for word, call, more in (
                ("enable", bulk.enable, ()),
                ("disable", bulk.disable, ()),
                (
                    "clone",
                    bulk.clone,
                    (Parameter("NameSuffix", "text", description="what follows the name; by default (copy)"),),
                ),
            )
        ),
        Operation(
            "journey.export.submit",
            ("POST",),
            "journey.export",
            "Submit an export",
            exports.submit,
            (
                *_dates("StatsStartDate", "StatsEndDate", 1),
                Parameter(
                    "Status",
                    "status",
                    invalid=Code(4, 422, "Invalid Status value (expected: Enabled, Disabled, or all)"),
                    description="Enabled, Disabled or all",
                ),
                Parameter("IncludeActions", "flag", description="a line for each SendEmail action too"),
            ),
            {"order": Code(3, 422, "StatsStartDate must not be after StatsEndDate")},
            seeds=_NEWEST,
        ),
        Operation(
            "journey.export.get",
            ("GET",),
            "journey.export",
            "Get an export",
            exports.get,
            (
                _id(1, _invalid(2, "ExportID"), "ExportID", "the job"),
                Parameter("download", "flag", description="the file itself, if it is there"),
            ),
            {
                "export": _absent(3, "Export job"),
                "module": Code(4, 404, "Wrong module (job exists but is not a JourneyExport)"),
                "unfinished": Code(5, 409, "Export job is not completed yet"),
            },
            seeds=_NEWEST,
        ),
    )
}
"""Every call by its command."""

ROUTES: Mapping[tuple[str, str], Operation] = {
    (method, each.path): each for each in OPERATIONS.values() if each.path for method in each.methods
}
"""Every call by method and path below /api/v1."""
