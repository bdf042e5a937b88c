"""The calls about subscribers: those at an action, and a subscriber's journeys."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from journeyflow import ClockJump, Forbidden
from journeyflow.answers import Person
from journeyflow.services.octeth import shapes
from journeyflow.services.octeth.context import JOURNEY_NUMBER, AskedFor, CallRefused, Context
from journeyflow.services.operations import answered

FILTERS: Mapping[str, str] = {
    "opened": "opened",
    "clicked": "clicked",
    "converted": "converted",
    "browser_viewed": "browser_viewed",
    "forwarded": "forwarded",
    "unsubscribed": "unsubscribed",
    "bounced": "bounced",
    "spam_complaint": "complained",
}
"""The filters of those at an action, and the engine's words (F141)."""

OPERATORS: Mapping[str, str] = {"and": "all", "or": "any"}

ORDERS: Mapping[str, str] = {"emailaddress": "email", "subscriberid": "customer"}
"""What those at an action can be sorted by, besides an attribute of their own."""

RECORD = (
    *("BounceType", "SubscriptionStatus", "SubscriptionDate", "SubscriptionIP", "UnsubscriptionDate"),
    *("UnsubscriptionIP", "OptInDate"),
)
"""What the edition of 2024 shows of a subscriber besides the address: attributes, or data of the directory."""

NOTHING: Mapping[str, str] = {
    "BounceType": "Not Bounced",
    "SubscriptionStatus": "Subscribed",
    "SubscriptionIP": "",
    "UnsubscriptionIP": "0.0.0.0",  # noqa: S104 an address that stands for none
}
"""What stands for a part of the record that is not known; for a date it is 0000-00-00 (F145)."""


def at_action(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return those who are or were at an action, each once (F139 to F148)."""
    info = context.journey(given["JourneyID"])
    step = context.step_of(info.id, given["ActionID"])
    if step is None or step not in context.engine.definition(info.id).index:
        raise CallRefused("action")
    wanted = _filters(given.get("FilterJSON"))
    operator = OPERATORS.get(str(given.get("Operator") or "and").lower())
    if operator is None and (wanted or context.old):
        raise CallRefused("operator")
    sends = {each.step for each in context.engine.sends(info.id, disabled=True, unpublished=True)}
    if wanted and step not in sends:
        people, total = (
            tuple[Person, ...](),
            0,
        )  # nobody can have done anything with a message of an action that sends none
    else:
        page = context.engine.people(
            *(info.id, step),
            did=wanted,
            match=operator or "all",
            order=_order(given.get("OrderField")),
            descending=given.get("OrderType") == "DESC",
            skip=given.get("RecordsFrom", 0),
            take=min(given.get("RecordsPerRequest", 25), 10_000),
            fields=("email", *(RECORD if context.old else ())),
        )
        people, total = page.items, page.total
    if not total and context.old:
        raise CallRefused("nobody")
    rows = [_person(context, each) for each in people]
    head = {"Success": True, "ErrorCode": 0, "ErrorText": ""}
    if context.old:
        return {**head, "TotalSubscribers": total, "Subscribers": rows}
    return {**head, "Subscribers": rows, "TotalSubscribers": total}


def _filters(value: object) -> list[str]:
    """Read the filters: a list, or its JSON as text."""
    if value is None:
        return []
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise CallRefused("filter") from None
    if not isinstance(found, list):
        raise CallRefused("filter")
    if any(not isinstance(each, str) or each not in FILTERS for each in found):
        raise CallRefused("filter-value")
    return [FILTERS[each] for each in found]


def _order(name: object) -> str:
    said = str(name or "EmailAddress")
    return ORDERS.get(said.lower(), f"customer.{said}")


def _person(context: Context, person: Person) -> dict[str, Any]:
    list_, _, number = person.customer.rpartition(":")
    known = None
    if list_.isdigit() and number.isdigit():
        known = context.directory.subscriber(context.tenant, int(list_), int(number))
    email = person.fields.get("email") or (known.email if known else "")
    row = {"SubscriberID": number, "EmailAddress": email}
    if not context.old:
        return {**row, "Suppressed": bool(person.suppressed)}
    data = known.data if known else {}
    usual = {name: NOTHING.get(name, "0000-00-00") for name in RECORD}
    return {**row, **{name: person.fields.get(name) or data.get(name) or usual[name] for name in RECORD}}


# --- a subscriber's journeys ------------------------------------------------------------------------------------------


def trigger(context: Context, given: AskedFor) -> dict[str, Any]:
    """Enroll a subscriber by hand (F130, F131)."""
    info = context.journey(given["JourneyID"])
    subscriber = context.subscriber(given)
    try:
        with suppress(ClockJump), context.engine.settle(context.now) as settled:  # else the next tick does it
            if subscriber.email:
                about = {"email": subscriber.email}
                context.engine.put_customer(subscriber.customer, about, at=context.now, only_missing=True)
            context.engine.enroll(info.id, subscriber.customer, at=context.now)
        answered(settled)
    except Forbidden as error:
        raise CallRefused(JOURNEY_NUMBER if error.state == "ARCHIVED" else "disabled") from None
    return _echo(given)


def remove(context: Context, given: AskedFor) -> dict[str, Any]:
    """End the runs of a subscriber in a journey; one who is not inside is not a fault (F133)."""
    info = context.journey(given["JourneyID"])
    customer = context.subscriber(given).customer
    with suppress(ClockJump), context.engine.settle(context.now) as settled:
        context.engine.exit(info.id, customer, at=context.now)
    answered(settled)
    return _echo(given)


def _echo(given: AskedFor) -> dict[str, Any]:
    return {name: str(given[name]) for name in ("JourneyID", "ListID", "SubscriberID")}


def journeys_of(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return the journeys that a subscriber is inside of (F134)."""
    customer = context.subscriber(given).customer
    infos = context.engine.journeys(customer=customer, order="created")
    journeys = [told for _, told in shapes.journey_objects(context, infos)]
    return {"ListID": str(given["ListID"]), "SubscriberID": str(given["SubscriberID"]), "Journeys": journeys}
