"""What happens to a message: noted with it and with the customer, then passed to the journeys (R51, R52)."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from journeyflow.basics.moments import iso
from journeyflow.basics.words import CONSENT, MESSAGE, PERMANENT
from journeyflow.catalog.catalog import Catalog
from journeyflow.definition.rules.attribute_changes import Emitted, events_between
from journeyflow.records.counting import COUNTED_EVENTS, mailbox_domain, note_of
from journeyflow.records.rows import Post, replacing
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.happenings import Happening, make_happening
from journeyflow.work.stages import handle
from journeyflow.work.working_set import Work

LAST_ATTRIBUTE = {"sent": "SentAt", "opened": "OpenAt", "clicked": "ClickAt"}
"""The kinds of message events whose newest instant is kept with the customer, as `last<Channel>...` (R52)."""

WITHDRAWING = frozenset({"unsubscribed", "complained"})
"""The kinds of message events that withdraw consent to the channel; so does a permanent bounce (R52)."""

MAX_NAMES = 1_024
"""How many names of attributes are cached, one for each channel and kind of message event: more than hosts have."""


def tell(work: Work, event: Happening) -> None:
    """Record what happened to a message, with it and with the customer; then run the event through the stages (R52)."""
    what, data, own, at, person, causes, post, changed, _ = event
    if post is None:
        handle(work, event)
        return
    kind = what.removeprefix(MESSAGE)
    emitted: list[Emitted] = []
    first, count = post.flags.get(kind, (own, 0))
    post = _noted(post, {**post.flags, kind: (first, count + 1)}, domain_of(post, person))
    work.messages.set(post)
    if kind == "clicked":
        work.messages.click(person.number, post)
    if what in COUNTED_EVENTS:
        work.notes.append(note_of(work.runs[post.serial], post, what, own, unique=not count))
    before = person.attributes
    if kind in WITHDRAWING or (kind == "bounced" and data.get(PERMANENT) is True):
        name, after = CONSENT, _without_consent(before, post.channel)
        emitted = events_between(before, after, [CONSENT])
    else:
        name, after = _marked(before, post.channel, kind, own)
    if after is not before:
        changed = name
        work.people.set_attributes(person, after)
    if work.catalog.hears(person.tenant, what, changed):
        data = {**about_message(work, post), **data}
        handle(work, make_happening((what, data, own, at, person, causes, post, changed, None)))
    if emitted:
        work.emit(emitted, person, at, own=own)


def may_be_heard(catalog: Catalog, tenant: str, kind: str) -> bool:
    """Return whether a journey may hear of something that happens to a message, or of what it changes (R51, R52)."""
    return catalog.hears(tenant, kind, CONSENT) or catalog.hears(tenant, "field.changed", CONSENT)


_noted: Callable[[Post, Mapping[str, tuple[int, int]], str], Post] = replacing(Post, "flags", "domain")


def domain_of(post: Post, person: CustomerInHand) -> str:
    """Return the mailbox domain of a message, which is fixed when its first event arrives (F172)."""
    return mailbox_domain(post.channel, person.attributes) if post.domain is None else post.domain


def about_message(work: Work, post: Post) -> dict[str, object]:
    """Return the data that say which message an event is about, so that triggers can filter on them (R51)."""
    journey = work.program(work.runs[post.serial]).journey.id
    return {"journey": journey, "step": post.step, "channel": post.channel, "template": post.template}


def _marked(attributes: dict[str, object], channel: str, kind: str, own: int) -> tuple[str, dict[str, object]]:
    """Return the attributes with the newest instant of a message event, if its kind keeps one, and its name (R52)."""
    if kind not in LAST_ATTRIBUTE:
        return "", attributes
    name = last_name(channel, kind)
    before, now = attributes.get(name), iso(own)
    return name, attributes if isinstance(before, str) and before >= now else {**attributes, name: now}


def _without_consent(attributes: dict[str, object], channel: str) -> dict[str, object]:
    """Return the attributes with the consent to a channel withdrawn (R52, R54)."""
    consent = attributes.get(CONSENT)
    given = consent if isinstance(consent, Mapping) else {}
    return attributes if given.get(channel) is False else {**attributes, CONSENT: {**given, channel: False}}


@lru_cache(maxsize=MAX_NAMES)
def last_name(channel: str, kind: str) -> str:
    """Return the name of the attribute that keeps the newest instant of a kind of message event.

    >>> last_name("EMAIL", "opened"), last_name("in-app push", "sent")
    ('lastEmailOpenAt', 'lastInAppPushSentAt')
    """
    words = "".join(character if character.isalnum() else " " for character in channel).split()
    return f"last{''.join(word.capitalize() for word in words)}{LAST_ATTRIBUTE[kind]}"
