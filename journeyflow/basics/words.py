"""The words of the data: states, statuses, kinds of messages and of events."""

from typing import Literal

MEMBERS = {"tags": ("tag.added", "tag.removed", "tag"), "lists": ("list.subscribed", "list.unsubscribed", "list")}
"""The attributes whose members are added and removed: the events of both, and the name of the member in their data."""

CONSENT = "consent"

LISTS = "lists"
"""The attribute that names the lists a customer is on (R50)."""

MESSAGE_KINDS = (
    "sent",
    "delivered",
    "opened",
    "clicked",
    "converted",
    "browser_viewed",
    "forwarded",
    "unsubscribed",
    "bounced",
    "complained",
    "failed",
)
"""What can happen to a message; `message.<kind>` is the event that reports it (R50, R52)."""

PERMANENT = "permanent"
"""The name in the data of `message.bounced` that says whether the mailbox is gone for good (R52)."""

WEBSITE_KINDS = ("pageView", "identify", "customEvent", "conversion")
"""What people do on a website; `website.<kind>` is the event that reports it, with any data (R50)."""

State = Literal["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"]
"""The states of a journey (R11)."""

ACTIVE, COMPLETED, EXITED, FAILED, SKIPPED = "ACTIVE", "COMPLETED", "EXITED", "FAILED", "SKIPPED"
"""The statuses of enrollments and visits (R44)."""

RETRY = "retry"
"""The outcome of the SKIPPED visit with which a failed run is retried (R43)."""

CONDITION = "condition"
"""What a run awaits at a Wait for a condition, where others await a type of event (R37)."""

HOLDOUT = "HOLDOUT"
"""The status of an enrollment in the holdout: it never begins and never ends (R25)."""

QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED = (
    "QUEUED",
    "CLAIMED",
    "SENT",
    "SUPPRESSED",
    "EXPIRED",
    "CANCELLED",
)
"""The statuses of a message, besides FAILED (R70)."""

REVENUE = "revenue"
"""The event that reports money a customer paid or got back (R50)."""

ATTRIBUTED = "attributed to "
"""The beginning of the outcome of revenue that named no message; the id of its attributed message follows (R83)."""

SET_ASIDE = "error"
"""The outcome of an input that was set aside because handling it raised an exception (R9)."""

INTERNAL_ERROR = "internal error"
"""The reason of a run that FAILED, and of an entry that was refused, for that cause."""

UNKNOWN_AFTER = frozenset({"duplicate", "conflicting", SET_ASIDE})
"""The outcomes of events after which the same id may come again (R26)."""

COUNTED = frozenset({QUEUED, CLAIMED, SENT})
"""The statuses of messages that caps count: those that will be or were sent (R31)."""

CHANGED_BY = {kind: attribute for attribute, words in MEMBERS.items() for kind in words[:2]}
"""The attribute whose change each of these events reports."""

CUSTOMER_EVENTS = frozenset({"field.changed", *CHANGED_BY})
"""The events that report a change of the customer (R50)."""

MESSAGE = "message."
"""The prefix of the types of events about a message."""

MESSAGE_SENT, MESSAGE_FAILED = f"{MESSAGE}sent", f"{MESSAGE}failed"
"""The events that answers of workers cause: a message is sent, or given up."""

MESSAGE_EVENTS = frozenset(f"{MESSAGE}{kind}" for kind in MESSAGE_KINDS)
"""The events about a message (R52)."""

JOURNEY_COMPLETED = "journey.completed"
"""The event that reports that a run has reached an End (R40)."""

WITH_EFFECT = CUSTOMER_EVENTS | MESSAGE_EVENTS | {REVENUE}
"""The events that do more than let customers in and wake runs."""

CAUSED_BY_RUNS = CUSTOMER_EVENTS | {JOURNEY_COMPLETED}
"""The events that a run can cause by what it does (R39, R40)."""

EMITTED = CAUSED_BY_RUNS | {MESSAGE_SENT, MESSAGE_FAILED}
"""The events that the engine itself emits, for runs, puts and answers of workers; hosts report all others."""

ABOUT_JOURNEYS = ("enroll", "exit", "retry")
"""The kinds of input that name a customer and a journey."""

ANSWER_KINDS = ("ack", "nack", "requeue")
"""The kinds of input that name a message instead of a customer."""

INPUT_KINDS = ("event", "put", *ABOUT_JOURNEYS, *ANSWER_KINDS)
"""What an input of a host can be (R10)."""
