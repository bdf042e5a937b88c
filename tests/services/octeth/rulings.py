"""Where the documents of Octeth contradict each other or are silent: what is done, call by call, and what shows it."""

from tests.services.ruled import Ruling

_FIGURES = Ruling(
    "whether a window may be one day: a start must be before the end, or not after it", "it may: both days are in it",
    "test_the_list_has_the_days_that_are_asked_for",
)  # fmt: skip

_DAYS = Ruling(
    "the window that is not asked for", "the last 31 days, today included", "test_the_benchmark_of_an_account"
)

_EMAIL_ID = Ruling(
    "EmailID names an action in a request and an email in an answer", "so it does here; a Wait has code 7",
    "test_each_code_is_answered",
)  # fmt: skip

_INSIDE = Ruling(
    "what a change does to subscribers inside", "they go on in the version that they are in",
    "test_subscribers_inside_go_on_as_they_began",
)  # fmt: skip

_LENIENT = Ruling(
    "numbers that are given twice, and what is not a number", "once; passed over", "test_many_journeys_at_once"
)

RULINGS: dict[str, list[Ruling]] = {
    "journey.create": [
        Ruling(
            "2023 and 2024 answer Manual, whatever trigger is sent", "the trigger that is sent, Manual without one",
            "test_a_new_journey_is_disabled_and_manual_unless_said_otherwise",
        ),
        Ruling(
            "2024 needs a criterion for an event of the website, and has no code for its absence",
            "code 3, Invalid trigger", "test_a_version_knows_its_triggers",
        ),
        Ruling(
            "the triggers of another version", "2023 has six, 2024 ten, later ones all",
            "test_a_version_knows_its_triggers",
        ),
        Ruling(
            "the unit of a RevenueHit", "that of the currency, as in answers",
            "test_each_trigger_becomes_one_of_the_engine",
        ),
    ],
    "journey.clone": [
        Ruling(
            "whether the copy has actions, which the example prints as []", "the same ones, under new numbers",
            "test_a_copy_has_actions_of_its_own",
        ),
        Ruling(
            "Notes of the copy", "as printed: Copy of journey NAME", "test_deleted_copied_and_foreign_journeys"
        ),
    ],
    "journey.copytouser": [
        Ruling(
            "what becomes of an action that loses its list, tag, field or journey",
            "it stays, with 0, and is not published", "test_a_copy_for_another_user_loses_what_is_the_users",
        ),
    ],
    "journey.get": [
        Ruling(
            "2023 and 2024 print figures of subscribers as texts, later ones as numbers", "as each version prints them",
            "test_figures_in_2024",
        ),
        Ruling(
            "AggregatedEmailActions of a journey without emails: [] or {}", "{}",
            "test_each_printed_example_is_answered_as_it_is_printed",
        ),
        Ruling(
            "which figures the window bounds", "those of days; the rest are of all time",
            "test_the_figures_of_a_journey",
        ),
        Ruling(
            "the counters that are 0 under a filter", "0, although it happened",
            "test_one_of_several_emails_has_its_own_figures",
        ),
        Ruling("a message that was opened twice", "is one opening", "test_the_figures_of_a_journey"),
        _EMAIL_ID,
    ],
    "journey.list": [
        Ruling("the order, and pages", "oldest first, all of them", "test_emails_and_journeys_are_listed_oldest_first"),
        Ruling("an ARCHIVED journey", "is not there", "test_an_archived_journey_does_not_exist"),
        _FIGURES,
    ],
    "journey.sendemailactions": [
        Ruling(
            "a journey of another user, which is not found elsewhere", "an empty list, as the document says",
            "test_deleted_copied_and_foreign_journeys",
        ),
        Ruling("which words are true", "1, true, yes and on in any case", "test_emails_of_all_journeys"),
    ],
    "journey.update": [
        Ruling(
            "whether an Enabled journey may be changed", "it may, its trigger included",
            "test_only_what_is_given_is_changed",
        ),
        Ruling(
            "a target without its trigger", "narrows the trigger that is there", "test_only_what_is_given_is_changed"
        ),
        Ruling("an empty Notes", "empties them", "test_only_what_is_given_is_changed"),
        Ruling(
            "two changes at once", "both are made: the later one is made again from what is there by then",
            "test_a_change_that_another_process_overtakes_is_made_again",
        ),
    ],
    "journey.delete": [
        Ruling(
            "in which states, and what becomes of subscribers and figures", "in any; all of it is gone",
            "test_a_deleted_journey_is_gone_with_everything",
        ),
    ],
    "journeys.delete": [
        Ruling("numbers that nobody has", "are passed over", "test_deleted_copied_and_foreign_journeys"),
    ],
    "journey.enable": [
        Ruling(
            "a journey without actions", "may be enabled",
            "test_a_new_journey_is_disabled_and_manual_unless_said_otherwise",
        ),
        Ruling(
            "2025 and later print no Notes and no TriggerParameters", "as each version prints it",
            "test_each_printed_example_is_answered_as_it_is_printed",
        ),
    ],
    "journey.disable": [
        Ruling(
            "what becomes of subscribers inside", "they stay where they are, and go on once it is enabled",
            "test_a_journey_is_enabled_and_disabled",
        ),
    ],
    "journey.actions.update": [
        Ruling(
            "Published of a new action", "false; a known one keeps its flag", "test_a_list_replaces_what_was_there"
        ),
        Ruling(
            "an ActionID of another journey, or one that is given twice", "makes a new action",
            "test_a_list_replaces_what_was_there",
        ),
        Ruling("an empty list", "removes every action", "test_an_empty_list_removes_every_action"),
        Ruling(
            "criteria of a Decision about campaigns, other journeys and the past of the website, which the page on"
            " actions has", "answered from attributes that the host keeps",
            "test_criteria_about_the_past_are_answered",
        ),
        _INSIDE,
    ],
    "journey.actions.published": [
        Ruling("one unknown action among several", "code 6, and none is changed", "test_flags_are_set_all_or_none"),
        Ruling(
            "names of keys in upper or lower case", "in any", "test_flags_are_set_all_or_none"
        ),
    ],
    "subscriber.journey.trigger": [
        Ruling(
            "a subscriber who is inside already, or comes again", "stays as before; enters once more",
            "test_a_subscriber_enters_and_leaves_at_once",
        ),
        Ruling(
            "whether it is done before the answer", "it is, for this subscriber",
            "test_a_subscriber_enters_and_leaves_at_once",
        ),
    ],
    "subscriber.journey.remove": [
        Ruling("a subscriber who is not inside", "is not a fault", "test_a_subscriber_enters_and_leaves_at_once"),
        Ruling(
            "2023 makes it a GET, 2024 a POST", "both", "test_each_printed_example_is_answered_as_it_is_printed"
        ),
    ],
    "subscriber.journey.list": [
        Ruling(
            "journeys that the subscriber has left", "are not in it", "test_a_subscriber_enters_and_leaves_at_once"
        ),
        Ruling(
            "the JourneyID that the example sends", "is passed over",
            "test_each_printed_example_is_answered_as_it_is_printed",
        ),
    ],
    "journey.action.subscribers": [
        Ruling(
            "nobody there", "404 in 2024, an empty list since", "test_each_code_is_answered"
        ),
        Ruling(
            "a filter at an action that sends nothing", "nobody has done it", "test_those_at_an_action"
        ),
        Ruling(
            "Operator without a filter", "checked in 2024, passed over since", "test_those_at_an_action_in_2024"
        ),
        Ruling(
            "2024 prints 404 and code 1 where its table has 422", "422, as the table has it",
            "test_each_code_is_answered",
        ),
    ],
    "journey.stats.byisp": [
        Ruling("the order", "most sent first", "test_figures_by_domain"),
        Ruling(
            "emails to addresses without a domain", "are in no row", "test_what_goes_to_no_mailbox_domain_is_in_no_row"
        ),
    ],
    "journey.stats.byaction": [
        Ruling(
            "Stats are called both lifetime and of the window", "of the window", "test_every_figure_has_its_name"
        ),
        Ruling(
            "OrderNo, which branches share", "orders; among equals the place in the journey does",
            "test_emails_of_all_journeys",
        ),
        _EMAIL_ID,
    ],
    "account.journey.benchmark": [
        _DAYS,
        Ruling("rates where nothing was sent", "0, with four decimals elsewhere", "test_the_benchmark_of_an_account"),
        Ruling(
            "of what RevenuePerSubscriber is a part", "of the subscribers who were ever enrolled",
            "test_the_benchmark_of_an_account",
        ),
    ],
    "journeys.enable": [_LENIENT],
    "journeys.disable": [
        Ruling("the examples", "those of `journeys.enable`, as the document says", "test_many_journeys_at_once"),
        _LENIENT,
    ],
    "journeys.clone": [
        Ruling("Notes of the copy", "as those of `journey.clone`: Copy of journey NAME", "test_many_journeys_at_once"),
        Ruling("what of the copy is published", "what is published of the original", "test_many_journeys_at_once"),
        _LENIENT,
    ],
    "journey.export.submit": [
        Ruling(
            "a last day without a first one", "the 30 days before it",
            "test_an_export_from_its_submission_to_its_file",
        ),
        Ruling(
            "who makes the file", "the host: `Engine.work_exports`, which `journeyflow serve --tick` calls",
            "test_an_export_from_its_submission_to_its_file",
        ),
    ],
    "journey.export.get": [
        Ruling(
            "code 4, a job of another module", "an export that the directory knows", "test_each_code_is_answered"
        ),
    ],
}  # fmt: skip
"""The rulings by command; each call leaves something open."""
