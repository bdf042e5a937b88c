"""Where the document contradicts itself or is silent: what is done, call by call, and the test that shows it."""

from tests.services.ruled import Ruling

_CHOICES = Ruling(
    "where a step is added after a CONDITION or a SPLIT",
    "where those ways go on that lead nowhere else; refused if there are none",
    "test_where_a_step_cannot_be_added",
)

_VERSIONS = Ruling(
    "what a change of steps does to people inside",
    "it makes a version for new enrollments; whoever is inside stays in the older one",
    "test_whoever_is_inside_stays_in_the_version_that_was_entered",
)

_OPEN = Ruling(
    "whether the example, whose CONDITION leads to steps that are not there, may be built",
    "it may: a DRAFT may be unfinished, activation says what is missing",
    "test_activation_needs_a_step_and_a_journey_that_is_whole",
)

RULINGS: dict[str, list[Ruling]] = {
    "list_journeys": [
        Ruling("the order, and pages", "oldest first, all of them", "test_journeys_are_listed"),
        Ruling(
            "whether a TRIGGER counts in stepsCount", "it does not",
            "test_every_type_of_step_comes_back_as_it_was_given",
        ),
        Ruling(
            "a tenant that is not that of the key",
            "refused, whether it exists or not",
            "test_a_foreign_tenant_is_refused_whether_it_exists_or_not",
        ),
    ],
    "create_journey": [
        Ruling("the answer", "that of GET", "test_a_journey_is_created_as_a_draft"),
        Ruling("the first state", "DRAFT, without steps", "test_a_journey_is_created_as_a_draft"),
        Ruling(
            "an unknown key of the body", "refused, with a suggestion", "test_every_body_is_an_object_of_known_keys"
        ),
    ],
    "get_journey": [
        Ruling(
            "what include adds", "`steps` and `enrollments` as their own calls answer, 25 of these",
            "test_a_journey_is_got_with_what_is_included",
        ),
        Ruling(
            "whether activatedAt is kept and pausedAt cleared on resume", "each is when it last happened",
            "test_a_journey_knows_when_each_state_was_reached",
        ),
    ],
    "update_journey": [
        Ruling(
            "which fields an ACTIVE journey lets be edited", "name and description; the rest after a pause",
            "test_a_journey_is_updated",
        ),
        Ruling("null", "removes a key", "test_a_journey_is_updated"),
    ],
    "delete_journey": [
        Ruling("PAUSED and ARCHIVED", "a conflict, as ACTIVE is", "test_only_a_draft_is_deleted"),
    ],
    "activate_journey": [
        Ruling("a PAUSED journey", "a conflict: it is resumed", "test_a_journey_goes_through_its_states"),
        _OPEN,
    ],
    "pause_journey": [
        Ruling("enrolling during a pause", "a conflict", "test_a_journey_goes_through_its_states"),
    ],
    "resume_journey": [
        Ruling("a journey that is not PAUSED", "a conflict", "test_a_journey_goes_through_its_states"),
    ],
    "archive_journey": [
        Ruling("what becomes of the people inside", "EXITED", "test_a_journey_goes_through_its_states"),
    ],
    "list_steps": [
        Ruling("whether a TRIGGER has a number", "it has none", "test_every_type_of_step_comes_back_as_it_was_given"),
        _OPEN,
    ],
    "add_step": [
        Ruling(
            "ids of new steps", "`step_N` by their number, unless they are given",
            "test_a_journey_is_built_step_by_step_as_the_document_prints_it",
        ),
        Ruling(
            "without afterStepId", "it follows the last step, unless something else leads to it",
            "test_a_journey_is_built_step_by_step_as_the_document_prints_it",
        ),
        _CHOICES,
        _VERSIONS,
    ],
    "reorder_steps": [
        Ruling(
            "steps of a branch", "they stay in it; every step is named once, but for the TRIGGER",
            "test_steps_are_reordered",
        ),
        Ruling(
            "an order that leaves steps unreachable", "refused", "test_an_order_that_leaves_nobody_to_a_step_is_refused"
        ),
    ],
    "update_step": [
        Ruling("keys that are not given", "they stay; null removes one", "test_a_step_is_updated"),
        _VERSIONS,
    ],
    "delete_step": [
        Ruling("what led to the step", "leads where it led", "test_a_step_is_deleted"),
        Ruling("steps that only it led to", "they go with it", "test_a_step_is_deleted"),
    ],
    "list_enrollments": [
        Ruling(
            "currentStepNumber: 3 is printed for the step that GET /steps numbers 2",
            "the number of GET /steps", "test_enrollments_are_listed",
        ),
        Ruling("the order", "that of entry", "test_enrollments_are_listed"),
        Ruling(
            "people who are held out for comparison", "they are in no list",
            "test_who_is_held_out_is_in_no_list",
        ),
    ],
    "enroll": [
        Ruling(
            "currentStepNumber 1 after entry", "where the customer is once what is due at once is done",
            "test_a_customer_is_enrolled_by_hand",
        ),
        Ruling(
            "allowReentry", "binds enrollments by hand too; the refusal has its reason",
            "test_a_customer_is_enrolled_by_hand",
        ),
    ],
    "get_enrollment": [
        Ruling(
            "step_1 takes five seconds, step_2 ends three days after entry",
            "a SEND is complete once its message is queued; a wait counts from when it began",
            "test_an_enrollment_is_got_with_its_steps",
        ),
        Ruling(
            "a CONDITION that is ACTIVE", "it takes no time: the way it chose is entered at once",
            "test_an_enrollment_is_got_with_its_steps",
        ),
    ],
    "exit_enrollment": [
        Ruling("a customer who is not inside", "not found", "test_a_customer_leaves"),
        Ruling(
            "several enrollments of one customer", "all that are ACTIVE end",
            "test_every_enrollment_of_a_customer_ends",
        ),
    ],
}  # fmt: skip
"""The rulings by operation; each call leaves something open."""
