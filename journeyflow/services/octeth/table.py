"""The calls of Octeth: one table that drives routing, checks, faults, the OpenAPI document and the documentation."""

from collections.abc import Mapping

from journeyflow.services.octeth import actions, bulk, exports, figures, journeys, people
from journeyflow.services.octeth.codes import (
    ADMIN,
    DELETE,
    Code,
    Operation,
    coded_errors,
    codes,
    unsuccessful_errors,
)
from journeyflow.services.octeth.parameters import (
    ACTION_LIST,
    ACTION_SUBSCRIBERS_CODES,
    EMAIL_ACTION,
    GET_DATES,
    ISP,
    JOURNEY_ID,
    JOURNEY_IDS,
    JOURNEY_OF_SUBSCRIBER,
    LIST_DATES,
    NEW_NAME,
    NOTES,
    OF_ACTION,
    OF_SUBSCRIBER,
    POSITIVE_ID,
    SUBSCRIBER_CODES,
    TRIGGER,
    TRIGGER_CODES,
    VALUE,
    WITH_COUNTERS,
    WRONG_ORDER,
    absent,
    dates,
    id_parameter,
    invalid,
    missing,
    unmatched,
)
from journeyflow.services.parameters import Parameter

_NEWER = ("2025", "2026")
_NEWEST = ("2026",)

OPERATIONS: Mapping[str, Operation] = {
    each.command: each
    for each in (
        Operation(
            "journey.create",
            ("POST",),
            "journey",
            "Create a journey",
            journeys.create,
            (Parameter("Name", "text", missing(1, "Name"), description="its name"), *TRIGGER, NOTES),
            {**TRIGGER_CODES, "value-invalid": invalid(10, VALUE)},
        ),
        Operation(
            "journey.clone",
            ("POST",),
            "journey.clone",
            "Clone a journey",
            journeys.clone,
            (
                Parameter(
                    NEW_NAME,
                    "text",
                    missing(1, NEW_NAME),
                    Code(4, 422, "Journey not cloned successfully"),
                    "its name",
                ),
                id_parameter(2, absent(3, "Journey"), description="the journey"),
            ),
            {"journey": absent(3, "Journey")},
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
                    id_parameter(number, Code(number + 3, 422, f"Invalid {name} (non-numeric)"), name)
                    for number, name in enumerate(("JourneyID", "SourceUserID", "TargetUserID"), 1)
                ),
                Parameter(
                    NEW_NAME,
                    "text",
                    None,
                    Code(10, 422, "Failed to create journey"),
                    "its name; by default Copy of ...",
                ),
            ),
            {
                "source": absent(7, "Source user"),
                "target": absent(8, "Target user"),
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
            (JOURNEY_ID, *GET_DATES, WITH_COUNTERS, EMAIL_ACTION, ISP),
            {"journey": absent(3, "Journey"), "order": WRONG_ORDER, "email": OF_ACTION},
        ),
        Operation(
            "journey.list",
            ("GET",),
            "journeys",
            "List journeys",
            journeys.list_,
            (*LIST_DATES, Parameter("SkipStats", "flag", description="leaves the figures out"), WITH_COUNTERS),
            {"order": Code(6, 422, "StatsStartDate must be before StatsEndDate")},
        ),
        Operation(
            "journey.sendemailactions",
            ("GET",),
            "journey.sendemailactions",
            "List SendEmail actions across journeys",
            actions.send_emails,
            (
                id_parameter(None, invalid(1, "JourneyID"), description="one journey alone"),
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
            (JOURNEY_ID, Parameter("Name", "text", description="its name"), *TRIGGER, NOTES),
            {**TRIGGER_CODES, "value-invalid": unmatched(11, VALUE), "journey": absent(10, "Journey")},
        ),
        Operation(
            "journey.delete",
            ("POST",),
            "journey.delete",
            "Delete a journey",
            journeys.delete,
            (JOURNEY_ID,),
            {"journey": absent(3, "Journey")},
        ),
        Operation(
            "journeys.delete",
            ("POST",),
            None,
            "Delete many journeys",
            bulk.delete,
            (
                Parameter(
                    "Journeys", "ids", missing(1, "Journeys"), description="the journeys, with commas between them"
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
                (JOURNEY_ID,),
                {"journey": absent(3, "Journey"), "state": Code(4, 409, f"Journey is already {word}d")},
            )
            for word, call in (("enable", journeys.enable), ("disable", journeys.disable))
        ),
        Operation(
            "journey.actions.update",
            ("PATCH",),
            "journey.actions",
            "Replace the actions of a journey",
            actions.update,
            (id_parameter(1, invalid(3, "JourneyID"), description="the journey"), ACTION_LIST),
            {"journey": absent(5, "Journey"), "actions": Code(6, 422, "Invalid action type or Journey not found")},
        ),
        Operation(
            "journey.actions.published",
            ("PATCH",),
            "journey.actions.published",
            "Publish and unpublish actions",
            actions.published,
            (id_parameter(1, invalid(3, "JourneyID"), description="the journey"), ACTION_LIST),
            {
                "journey": absent(5, "Journey"),
                "action": absent(6, "Action"),
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
            JOURNEY_OF_SUBSCRIBER,
            {
                "journey": absent(7, "Journey"),
                **SUBSCRIBER_CODES,
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
            JOURNEY_OF_SUBSCRIBER,
            {"journey": absent(7, "Journey"), **SUBSCRIBER_CODES},
            seeds=("2023", "2024"),
        ),
        Operation(
            "subscriber.journey.list",
            ("GET",),
            "subscriber.journey.list",
            "List the journeys of a subscriber",
            people.journeys_of,
            OF_SUBSCRIBER,
            SUBSCRIBER_CODES,
            seeds=("2023", "2024"),
        ),
        Operation(
            "journey.action.subscribers",
            ("GET", "POST"),
            "journey.action.subscribers",
            "List the subscribers of an action",
            people.at_action,
            (
                id_parameter(1, invalid(3, "JourneyID"), description="the journey"),
                id_parameter(2, invalid(4, "ActionID"), "ActionID", "the action"),
                Parameter("FilterJSON", "any", description="what they did: a list, or its JSON as text"),
                Parameter("Operator", "any", description="whether all or any of it must hold: and, or"),
                Parameter("RecordsPerRequest", "id", description="how many; 25 by default"),
                Parameter("RecordsFrom", "whole", description="how many are skipped"),
                Parameter("OrderField", "text", description="EmailAddress, SubscriberID or an attribute"),
                Parameter("OrderType", "sorting", description="ASC or DESC"),
            ),
            ACTION_SUBSCRIBERS_CODES,
            dict.fromkeys(_NEWER, coded_errors),
            seeds=("2024", *_NEWER),
        ),
        Operation(
            "journey.stats.byisp",
            ("GET",),
            "journey.stats.byisp",
            "Get the figures of a journey by mailbox domain",
            figures.by_domain,
            (POSITIVE_ID, *GET_DATES, EMAIL_ACTION),
            {"journey": absent(3, "Journey"), "order": WRONG_ORDER, "email": OF_ACTION},
            seeds=_NEWEST,
        ),
        Operation(
            "journey.stats.byaction",
            ("GET",),
            "journey.stats.byaction",
            "Get the figures of a journey by action",
            figures.by_action,
            (POSITIVE_ID, *GET_DATES, EMAIL_ACTION, ISP),
            {"journey": absent(3, "Journey"), "order": WRONG_ORDER, "email": OF_ACTION},
            seeds=_NEWEST,
        ),
        Operation(
            "account.journey.benchmark",
            ("GET",),
            "account.journey.benchmark",
            "Get the benchmark of the account",
            figures.benchmark,
            dates("StartDate", "EndDate", 1),
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
                (JOURNEY_IDS, *more),
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
                *dates("StatsStartDate", "StatsEndDate", 1),
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
                id_parameter(1, invalid(2, "ExportID"), "ExportID", "the job"),
                Parameter("download", "flag", description="the file itself, if it is there"),
            ),
            {
                "export": absent(3, "Export job"),
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
