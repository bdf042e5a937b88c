"""Inputs: what the host submitted, handled in its place in the order (R10, R26, R50, R52).

An input's effect on the customer is stage 1 of an event (R9).
"""

from collections.abc import Callable
from typing import cast

from journeyflow.basics.moments import DAY
from journeyflow.basics.values import Attributes, loads
from journeyflow.basics.words import (
    ACTIVE,
    ATTRIBUTED,
    CONSENT,
    CUSTOMER_EVENTS,
    FAILED,
    MEMBERS,
    MESSAGE_EVENTS,
    REVENUE,
)
from journeyflow.definition.rules.attribute_changes import Emitted, WrongType, apply_changes, events_between, merge
from journeyflow.definition.rules.value_paths import path_fault
from journeyflow.machine.facts import Data
from journeyflow.records.counting import note_of
from journeyflow.records.forgetting import FORGOTTEN
from journeyflow.records.message_ids import message_id
from journeyflow.records.rows import Input, Post
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work import delivery
from journeyflow.work.delivery import GIVEN_UP
from journeyflow.work.engagement import domain_of, tell
from journeyflow.work.entries import closed_by, enter, leave
from journeyflow.work.happenings import NO_CAUSES, Happening, changed_attribute, make_happening
from journeyflow.work.stages import handle
from journeyflow.work.suppression import is_suppressed, without_suppressed
from journeyflow.work.unreadable import unreadable_in
from journeyflow.work.working_set import Work

ATTRIBUTION = 7 * DAY
"""How long after the first click on a message, in microseconds, revenue that names no message is attributed to it
(R83)."""

GONE = "refused: unknown journey"
"""The outcome of an input about a journey that has since been deleted (R15)."""


def take_input(work: Work, item: Input, dedup: int) -> str:
    """Handle one input and return its outcome, which is stored with it.

    `dedup` is how long event ids are known, in microseconds (R26).
    """
    at = item.at if work.grace is None else work.effective(item.at)
    if work.suppressed and is_suppressed(work, item):
        work.dismissed.append(item.seq)
        return FORGOTTEN
    data = loads(item.text) if item.text else {}
    return _KINDS[item.kind](work, item, data, at, dedup)


# --- events -------------------------------------------------------------------------------------------------------


def _event(work: Work, item: Input, data: dict[str, object], at: int, dedup: int) -> str:
    """Handle an event: known already, about an unknown message, without effect, or taken through all the stages."""
    _, tenant, customer, _, kind, own, name, text = item
    if name is not None and (known := known_already(work, item, dedup)):
        return known
    note_dates(work, item)
    if kind in MESSAGE_EVENTS:
        return _message_event(work, item, data, at)
    person, changed = work.people.meet(tenant, customer), ""
    if kind in CUSTOMER_EVENTS:
        effect = _change(work, item, person, data, at)
        if effect is None:
            return "invalid"
        if not effect:
            return "unchanged"
        data, text = {**data, **effect}, None
        changed = changed_attribute(kind, data)
    outcome = "handled" if kind != REVENUE else _note_revenue(work, item, data, person)
    handle(work, make_happening((kind, data, own, at, person, NO_CAUSES, None, changed, text)))
    return outcome


def note_dates(work: Work, item: Input) -> None:
    """Note the dates in an event that no journey can read (R61)."""
    dated = work.catalog.dated_events
    if dated and (paths := dated.get((item.tenant, item.type))):
        found = unreadable_in(paths, item.tenant, item.customer, _loads(item.text), f"{item.type}.")
        work.people.unreadable += found


def known_already(work: Work, item: Input, dedup: int) -> str | None:
    """Return "duplicate" or "conflicting" for an event whose id was seen before, else None (R26).

    It is conflicting if its customer or its data differ.
    """
    key = (item.tenant, item.type, item.id or "")
    seen = work.known.setdefault(key, [])
    near = [(customer, text) for at, customer, text in seen if abs(item.at - at) <= dedup]
    if not near:
        seen.append((item.at, item.customer, item.text))
        return None
    same = any(customer == item.customer and _loads(text) == _loads(item.text) for customer, text in near)
    return "duplicate" if same else "conflicting"


def _loads(text: str | None) -> dict[str, object]:
    return loads(text) if text else {}


def _change(work: Work, item: Input, person: CustomerInHand, data: Data, at: int) -> dict[str, object] | None:
    """Change the customer as an event of R50 says: return the event's new data, {} if nothing changed.

    None stands for an impossible event.
    """
    change = _as_change(item.type, data)
    if change is None:
        return None
    try:
        after, events = apply_changes([change], person.attributes)
    except WrongType:
        return None
    if not events:
        return {}
    _set_attributes(work, item, person, after, at)
    return events[0][1]


def _set_attributes(  # noqa: PLR0917 what a host said, of whom, when
    work: Work, item: Input, person: CustomerInHand, after: dict[str, object], at: int, granted: object = None
) -> None:
    """Record what a host has said of a customer; addresses of the forgotten lose the consent not `granted` (R86)."""
    said = after
    if work.suppressed:
        after = without_suppressed(work, person, said, granted)
        work.emit(events_between(said, after, [CONSENT]), person, at, own=item.at)
    work.people.set_attributes(person, after)


def _as_change(kind: str, data: Data) -> tuple[str, str, object] | None:
    """Return the change that an event of R50 describes, or None if its data describe none."""
    if kind == "field.changed":
        name, new = data.get("field"), data.get("new")
        if not isinstance(name, str) or path_fault(name) or name in MEMBERS or name == CONSENT:
            return None
        return (name, "unset" if new is None else "set", new)
    attribute = "tags" if kind.startswith("tag.") else "lists"
    added, _, member = MEMBERS[attribute]
    value = data.get(member)
    return (attribute, "add" if kind == added else "remove", value) if isinstance(value, str) else None


def foreseen(attributes: dict[str, object] | None, kind: str, name: str, data: Data) -> dict[str, object] | None:
    """Return the attributes that a waiting input will leave, as far as the input alone determines them (R10).

    Attributes of None stand for an unknown customer. The effect of an event about a message depends on that message and
    is not foreseen.

    >>> foreseen(None, "event", "tag.added", {"tag": "vip"})
    {'tags': ['vip']}
    """
    if kind == "event" and name in MESSAGE_EVENTS:
        return attributes
    known = attributes or {}
    if kind == "put":
        return _merged(known, name, data)[0]
    change = _as_change(name, data) if name in CUSTOMER_EVENTS else None
    try:
        return known if change is None else apply_changes([change], known)[0]
    except WrongType:
        return known


def _message_event(work: Work, item: Input, data: dict[str, object], at: int) -> str:
    """Handle an event about a message: record it with the message and the customer, then run the stages (R52)."""
    _, tenant, customer, _, kind, own, _, text = item
    named = data.get("message")
    post = work.messages.named(named)
    person = work.people.named.get((tenant, customer))
    if person is None or (named is not None and (post is None or not _owns(work, person, post))):
        return "unmatched"
    tell(work, make_happening((kind, data, own, at, person, NO_CAUSES, post, "", text)))
    return "handled"


def _owns(work: Work, person: CustomerInHand, post: Post) -> bool:
    run = work.runs.get(post.serial)
    return run is not None and run.customer == person.number


def message_named(item: Input) -> object:
    """Return the message id that an event carries, or None if it carries none (R52, R83)."""
    return _loads(item.text).get("message")


def _note_revenue(work: Work, item: Input, data: Data, person: CustomerInHand) -> str:
    """Attribute revenue to the message it names, else to the last one clicked; return the outcome (R50, R52, R83).

    Revenue that names a message of another customer is "unmatched" and attributed to no message.
    """
    named = data.get("message")
    if named is None:
        post = _clicked_last(work, person, item.at)
        outcome = f"{ATTRIBUTED}{message_id(work.catalog.nonces, post)}" if post else "handled"
    else:
        post = work.messages.named(named)
        post = post if post is not None and _owns(work, person, post) else None
        outcome = "handled" if post else "unmatched"
    if post is not None:
        post = post._replace(domain=domain_of(post, person))
        work.messages.set(post)
        work.notes.append(note_of(work.runs[post.serial], post, REVENUE, item.at, amount=cast("int", data["amount"])))
    return outcome


def _clicked_last(work: Work, person: CustomerInHand, at: int) -> Post | None:
    """Return the customer's message with the newest first click, at most a week before an instant (R83)."""
    clicks = [
        (first, key)
        for key in work.messages.clicked.get(person.number, ())
        if 0 <= at - (first := work.messages.posts[key].flags["clicked"][0]) <= ATTRIBUTION
    ]
    return work.messages.posts[max(clicks)[1]] if clicks else None


# --- customers, enrollments, exits --------------------------------------------------------------------------------


def _put(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Merge attributes, and emit an event for each change (R50)."""
    person = work.people.meet(item.tenant, item.customer)
    after, events = _merged(person.attributes, item.type, data)
    if not events:
        return "unchanged"
    _set_attributes(work, item, person, after, at, data.get(CONSENT))
    work.emit(events, person, at, own=item.at)
    return "handled"


def _merged(known: Attributes, how: str, data: Data) -> tuple[Attributes, list[Emitted]]:
    """Return the attributes to which a put of some type leads, and the events that this emits (R50)."""
    return merge(known, data, replace=how == "replace", only_missing=how == "missing")


def _enroll(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Enroll a customer by hand (R24)."""
    record = work.catalog.by_name.get((item.tenant, item.type))
    if record is None:
        return GONE
    person = work.people.meet(item.tenant, item.customer)
    program = record.program(item.at)
    event = Happening("", {}, item.at, at, person)
    facts = work.facts(person, program, at)
    reason = enter(work, record, program, event, facts, force=bool(data.get("force")), key=str(data.get("key", "")))
    return "handled" if reason is None else f"refused: {reason}"


def _exit(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """End a customer's runs in a journey by hand."""
    record = work.catalog.by_name.get((item.tenant, item.type))
    person = work.people.named.get((item.tenant, item.customer))
    if record is None or person is None:
        return "not inside"
    reason, key = str(data.get("reason", "manual")), data.get("key")
    named = None if key is None else str(key)
    count = leave(work, person, record.number, at, reason=reason, key=named)
    return "handled" if count else "not inside"


def _retry(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Put a FAILED run back to its last rest, unless there is a reason not to (R43)."""
    record = work.catalog.by_name.get((item.tenant, item.type))
    if record is None:
        return GONE
    person = work.people.named.get((item.tenant, item.customer))
    mine = [] if person is None else [work.runs[serial] for serial in person.serials]
    numbers = {run.number: run for run in mine if run.journey == record.number}  # the newest under each key
    newest = max(numbers, default=0)
    run = numbers.get(int(str(data.get("run", newest))))
    reasons = {
        "not enrolled": not numbers,
        "a newer run": run is None,
        "already inside": run is not None and run.status == ACTIVE,
        "not failed": run is not None and run.status != FAILED,
        GIVEN_UP: run is not None and run.reason == GIVEN_UP,
    }
    reason = next((reason for reason, stands in reasons.items() if stands), closed_by(record, item.at, at))
    if run is None or reason is not None:
        return f"refused: {reason}"
    work.advance(run, "RETRY", at)
    return "handled"


_KINDS: dict[str, Callable[[Work, Input, dict[str, object], int, int], str]] = {
    "event": _event,
    "put": _put,
    "enroll": _enroll,
    "exit": _exit,
    "retry": _retry,
    "ack": delivery.ack,
    "nack": delivery.nack,
    "requeue": delivery.requeue,
}

DEDUP_DAYS = 90
"""How many days the id of an event is known, unless the host sets another number (R26)."""


def dedup_micros(days: int) -> int:
    """Return the span of de-duplication in microseconds.

    >>> dedup_micros(1)
    86400000000
    """
    return days * DAY
