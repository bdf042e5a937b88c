"""Inputs: what the host submitted, handled in its place in the order (R10, R26, R50, R52).

An input's effect on the customer is stage 1 of an event (R9).
"""

from collections.abc import Callable, Mapping
from typing import cast

from journeyflow.basics.moments import DAY, MINUTE, bounded, iso
from journeyflow.basics.values import loads
from journeyflow.basics.words import (
    ACTIVE,
    ATTRIBUTED,
    CLAIMED,
    CONSENT,
    CUSTOMER_EVENTS,
    FAILED,
    MEMBERS,
    MESSAGE,
    MESSAGE_KINDS,
    QUEUED,
    REVENUE,
    SENT,
)
from journeyflow.definition.rules.changes import Emitted, WrongType, apply_changes, events_between, merge
from journeyflow.definition.rules.conditions import path_fault
from journeyflow.definition.steps import Send
from journeyflow.machine.facts import Data
from journeyflow.records.counting import KINDS, mailbox_domain, told
from journeyflow.records.forgetting import FORGOTTEN, cancelled, is_anonymous, without_error
from journeyflow.records.message_ids import message_id
from journeyflow.records.rows import Input, Post, version_at
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.entries import closed_by, enter, leave
from journeyflow.work.happenings import NOBODY, Happening, changed_attribute, make_happening
from journeyflow.work.stages import handle
from journeyflow.work.working_set import Work

RETRIES = (1 * MINUTE, 4 * MINUTE, 16 * MINUTE, 64 * MINUTE)
"""The delays, in microseconds, before a message is handed out again after each failed attempt (R71).

After the last of them the message is given up.
"""

ATTRIBUTION = 7 * DAY
"""How long after the first click on a message, in microseconds, revenue that names no message is attributed to it
(R83)."""

LAST_ATTRIBUTE = {"sent": "SentAt", "opened": "OpenAt", "clicked": "ClickAt"}
"""The kinds of message events whose newest instant is kept with the customer, as `last<Channel>...` (R52)."""

GIVEN_UP = "message given up"
"""The reason of a run that FAILED because a message was given up and its Send has `on_failure="fail"` (R43)."""

GONE = "refused: unknown journey"
"""The outcome of an input about a journey that has since been deleted (R15)."""

WITHDRAWING = frozenset({"unsubscribed", "complained"})
"""The kinds of message events that withdraw consent to the channel (R52)."""


def take(work: Work, item: Input, dedup: int) -> str:
    """Handle one input and return its outcome, which is stored with it.

    `dedup` is how long event ids are known, in microseconds (R26).
    """
    data = loads(item.text) if item.text else {}
    return _KINDS[item.kind](work, item, data, work.effective(item.at), dedup)


# --- events -------------------------------------------------------------------------------------------------------


def _event(work: Work, item: Input, data: dict[str, object], at: int, dedup: int) -> str:
    """Handle an event: known already, about an unknown message, without effect, or taken through all the stages."""
    if item.id is not None and (known := known_already(work, item, dedup)):
        return known
    if item.type.startswith(MESSAGE) and item.type.removeprefix(MESSAGE) in MESSAGE_KINDS:
        return _message_event(work, item, data, at)
    person = work.people.meet(item.tenant, item.customer)
    changed = ""
    if item.type in CUSTOMER_EVENTS:
        effect = _change(work, person, item.type, data)
        if effect is None:
            return "invalid"
        if not effect:
            return "unchanged"
        data = {**data, **effect}
        changed = changed_attribute(item.type, data)
    outcome = "handled" if item.type != REVENUE else _note_revenue(work, item, data, person)
    text = item.text if not changed else None
    handle(work, make_happening((item.type, data, item.at, at, person, NOBODY, None, changed, text)))
    return outcome


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


def _change(work: Work, person: CustomerInHand, kind: str, data: Data) -> dict[str, object] | None:
    """Change the customer as an event of R50 says: return the event's new data, {} if nothing changed.

    None stands for an impossible event.
    """
    change = _as_change(kind, data)
    if change is None:
        return None
    try:
        after, events = apply_changes([change], person.attributes)
    except WrongType:
        return None
    if not events:
        return {}
    work.people.set_attributes(person, after)
    return events[0][1]


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
    if kind == "event" and name.startswith(MESSAGE) and name.removeprefix(MESSAGE) in MESSAGE_KINDS:
        return attributes
    known = attributes or {}
    if kind == "put":
        return merge(known, data, replace=name == "replace")[0]
    change = _as_change(name, data) if name in CUSTOMER_EVENTS else None
    try:
        return known if change is None else apply_changes([change], known)[0]
    except WrongType:
        return known


def _message_event(work: Work, item: Input, data: dict[str, object], at: int) -> str:
    """Handle an event about a message: record it with the message and the customer, then run the stages (R52)."""
    named = data.get("message")
    post = work.messages.named(named)
    person = work.people.named.get((item.tenant, item.customer))
    if person is None or (named is not None and (post is None or not _owns(work, person, post))):
        return "unmatched"
    tell(work, Happening(item.type, data, item.at, at, person, post=post, text=item.text))
    return "handled"


def _owns(work: Work, person: CustomerInHand, post: Post) -> bool:
    run = work.runs.get(post.serial)
    return run is not None and run.customer == person.number


def tell(work: Work, event: Happening) -> None:
    """Record what happened to a message, with it and with the customer; then run the event through the stages (R52)."""
    post, person, emitted = event.post, event.person, list[Emitted]()
    if post is not None:
        kind = event.type.removeprefix(MESSAGE)
        first, count = post.flags.get(kind, (event.own, 0))
        post = _with_domain(post, person)._replace(flags={**post.flags, kind: (first, count + 1)})
        work.messages.set(post)
        if kind == "clicked":
            work.messages.click(person.number, post)
        if event.type in KINDS:
            work.notes.append(told(work.runs[post.serial], post, event.type, event.own, unique=not count))
        before = person.attributes
        after = _marked(before, post.channel, kind, event.own)
        work.people.set_attributes(person, after)
        emitted = list(events_between(before, after, [CONSENT]))
        changed = "" if after is before else CONSENT if kind in WITHDRAWING else last_name(post.channel, kind)
        data = {**about(work, post), **event.data}
        event = event._replace(post=post, changed=changed, data=data, text=None)
    handle(work, event)
    work.emit(emitted, person, event.at, own=event.own)


def _with_domain(post: Post, person: CustomerInHand) -> Post:
    """Return the message with its mailbox domain, which is fixed when its first event arrives (F172)."""
    if post.domain is not None:
        return post
    return post._replace(domain=mailbox_domain(post.channel, person.attributes))


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
        post = _with_domain(post, person)
        work.messages.set(post)
        work.notes.append(told(work.runs[post.serial], post, REVENUE, item.at, amount=cast("int", data["amount"])))
    return outcome


def _clicked_last(work: Work, person: CustomerInHand, at: int) -> Post | None:
    """Return the customer's message with the newest first click, at most a week before an instant (R83)."""
    clicks = [
        (first, key)
        for key in work.messages.clicked.get(person.number, ())
        if 0 <= at - (first := work.messages.posts[key].flags["clicked"][0]) <= ATTRIBUTION
    ]
    return work.messages.posts[max(clicks)[1]] if clicks else None


def about(work: Work, post: Post) -> dict[str, object]:
    """Return the data that say which message an event is about, so that triggers can filter on them (R51)."""
    journey = work.program(work.runs[post.serial]).journey.id
    return {"journey": journey, "step": post.step, "channel": post.channel, "template": post.template}


def _marked(attributes: dict[str, object], channel: str, kind: str, own: int) -> dict[str, object]:
    """Return the attributes with the newest instant of a message event, or with consent withdrawn (R52)."""
    if kind in LAST_ATTRIBUTE:
        name = last_name(channel, kind)
        before, now = attributes.get(name), iso(own)
        return attributes if isinstance(before, str) and before >= now else {**attributes, name: now}
    if kind in WITHDRAWING:
        consent = attributes.get(CONSENT)
        given = consent if isinstance(consent, Mapping) else {}
        return attributes if given.get(channel) is False else {**attributes, CONSENT: {**given, channel: False}}
    return attributes


def last_name(channel: str, kind: str) -> str:
    """Return the name of the attribute that keeps the newest instant of a kind of message event.

    >>> last_name("EMAIL", "opened"), last_name("in-app push", "sent")
    ('lastEmailOpenAt', 'lastInAppPushSentAt')
    """
    words = "".join(character if character.isalnum() else " " for character in channel).split()
    return f"last{''.join(word.capitalize() for word in words)}{LAST_ATTRIBUTE[kind]}"


# --- customers, enrollments, exits --------------------------------------------------------------------------------


def _put(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Merge attributes, and emit an event for each change (R50)."""
    person = work.people.meet(item.tenant, item.customer)
    after, events = merge(person.attributes, data, replace=item.type == "replace")
    if not events:
        return "unchanged"
    work.people.set_attributes(person, after)
    work.emit(events, person, at, own=item.at)
    return "handled"


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


# --- deliveries ---------------------------------------------------------------------------------------------------


def _delivered(work: Work, item: Input) -> tuple[Post, CustomerInHand] | None:
    """Return the message that an ack or nack names and its customer, or None if it is not this tenant's."""
    post = work.messages.named(item.id)
    run = work.runs.get(post.serial) if post is not None else None
    person = work.people.numbered.get(run.customer) if run is not None else None
    return (post, person) if post is not None and person is not None and person.tenant == item.tenant else None


def _ack(work: Work, item: Input, _data: dict[str, object], at: int, _: int) -> str:
    """Record a worker's report that a message was sent: it overrides any status and is final (R71)."""
    found = _delivered(work, item)
    if found is None:
        return "unmatched"
    post, person = found
    if post.status == SENT:
        return "duplicate"
    post = post._replace(status=SENT, lease_until=None, token=None)
    work.messages.set(post)
    if is_anonymous(person.id):  # it was sent, but its customer is forgotten (R86)
        return FORGOTTEN
    tell(work, Happening(MESSAGE + "sent", {"message": item.id}, item.at, at, person, post=post))
    return "handled"


def _nack(work: Work, item: Input, data: dict[str, object], at: int, _: int) -> str:
    """Record a worker's report that it could not deliver; a report without the current lease is stale (R71)."""
    found = _delivered(work, item)
    if found is None:
        return "unmatched"
    post, person = found
    if is_anonymous(person.id):  # the channel's error text may name the mailbox
        work.retold.append((item.seq, without_error(item).text or ""))
    if post.status != CLAIMED or post.token != data.get("token"):
        return "stale"
    _failed_attempt(work, post, person, item.at, at)
    return "handled"


def lease_ended(work: Work, key: tuple[int, int], until: int) -> None:
    """Treat the end of a lease as a failed attempt, unless the message was acked or nacked in time (R71)."""
    post = work.messages.posts[key]
    if post.status == CLAIMED and post.lease_until == until:
        person = work.people.numbered[work.runs[post.serial].customer]
        _failed_attempt(work, post, person, until, work.effective(until))


def _failed_attempt(work: Work, post: Post, person: CustomerInHand, own: int, at: int) -> None:
    """Queue a message again after a delay, or give it up (R71)."""
    if is_anonymous(person.id):
        work.messages.set(cancelled(post))
        return
    if post.attempts <= len(RETRIES):
        again = bounded(at + RETRIES[post.attempts - 1])
        work.messages.set(post._replace(status=QUEUED, lease_until=None, token=None, available_at=again))
        return
    post = post._replace(status=FAILED, lease_until=None, token=None)
    work.messages.set(post)
    named = message_id(work.catalog.nonces, post)
    tell(work, Happening(MESSAGE + "failed", {"message": named}, own, at, person, post=post))
    run = work.runs[post.serial]
    step = work.catalog.programs[version_at(run, post.n)].journey.step(post.step)
    if run.status == ACTIVE and isinstance(step, Send) and step.on_failure == "fail":
        work.advance(run, "FAIL", at, reason=GIVEN_UP)


_KINDS: dict[str, Callable[[Work, Input, dict[str, object], int, int], str]] = {
    "event": _event,
    "put": _put,
    "enroll": _enroll,
    "exit": _exit,
    "retry": _retry,
    "ack": _ack,
    "nack": _nack,
}

DEDUP_DAYS = 90
"""How many days the id of an event is known, unless the host sets another number (R26)."""


def dedup_micros(days: int) -> int:
    """Return the span of de-duplication in microseconds.

    >>> dedup_micros(1)
    86400000000
    """
    return days * DAY
