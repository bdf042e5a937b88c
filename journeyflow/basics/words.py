"""The words of data: states, statuses, kinds of messages and of events."""

from typing import Literal

MEMBERS = {"tags": ("tag.added", "tag.removed", "tag"), "lists": ("list.subscribed", "list.unsubscribed", "list")}
"""Attributes whose members come and go: the events of joining and leaving, and the name of the member in their data."""

CONSENT = "consent"

LISTS = "lists"
"""The attribute that names the lists on which a customer is (R50)."""

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
"""What can happen to a message; `message.<kind>` is the event that tells of it (R50, R52)."""

WEBSITE_KINDS = ("pageView", "identify", "customEvent", "conversion")
"""What people do on a website; `website.<kind>` is the event that tells of it, whatever its data (R50)."""

State = Literal["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"]
"""The states of a journey (R11)."""

ACTIVE, COMPLETED, EXITED, FAILED, SKIPPED = "ACTIVE", "COMPLETED", "EXITED", "FAILED", "SKIPPED"
"""The statuses of enrollments and visits (R44)."""

RETRY = "retry"
"""The outcome of the visit, SKIPPED, with which a run that failed is put back (R43)."""

HOLDOUT = "HOLDOUT"
"""The status of an enrollment that is kept out for comparison: it never begins and never ends (R25)."""

QUEUED, CLAIMED, SENT, SUPPRESSED, EXPIRED, CANCELLED = (
    "QUEUED",
    "CLAIMED",
    "SENT",
    "SUPPRESSED",
    "EXPIRED",
    "CANCELLED",
)
"""The statuses of a message, beside FAILED (R70)."""

REVENUE = "revenue"
"""The event that tells of money a customer has paid, or got back (R50)."""

ATTRIBUTED = "attributed to "
"""Begins the outcome of revenue that named no message; the id of the one it was attributed to follows (R83)."""

COUNTED = frozenset({QUEUED, CLAIMED, SENT})
"""The statuses of messages that caps count: what goes out or went out, not what never will (R31)."""

CHANGED_BY = {kind: attribute for attribute, words in MEMBERS.items() for kind in words[:2]}
"""The attribute whose change each of these events tells of."""

CUSTOMER_EVENTS = frozenset({"field.changed", *CHANGED_BY})
"""The events that tell of a change of the customer (R50)."""

MESSAGE = "message."
"""How the type of an event begins that tells of a message."""

MESSAGE_EVENTS = frozenset(f"{MESSAGE}{kind}" for kind in MESSAGE_KINDS)
"""The events that tell of a message (R52)."""

JOURNEY_COMPLETED = "journey.completed"
"""The event that tells that a run has come to an End (R40)."""

ENGINES_OWN = CUSTOMER_EVENTS | MESSAGE_EVENTS | {JOURNEY_COMPLETED}
"""The events that work of the engine may cause."""
