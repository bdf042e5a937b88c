"""The suppression list: what a forgotten customer could be known again by, as keyed hashes (R86).

No customer can be read from it. Whoever has the file can try out an id or an address, as long as the key is in the
file; a copy of the list alone says nothing. All stores share these functions.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Final

from journeyflow.basics.chance import SEPARATOR
from journeyflow.basics.words import UNKNOWN_AFTER
from journeyflow.records.changes import Forgotten
from journeyflow.records.rows import Input, Suppression

KEY: Final = "suppression_key"
"""The setting of a store that holds the key of the hashes; it is made with the store and never changes."""

SUPPRESSING: Final = "suppressing"
"""The setting that says whether the list has entries; as long as it has none, nobody looks anything up."""

ADDRESSES: Mapping[str, str] = {"email": "EMAIL", "phone": "SMS"}
"""The attributes that hold an address, each with its channel."""


def key_of(nonce: str) -> str:
    """Return the key of a store whose nonce the host has chosen, so that equal inputs give equal stores (R90).

    >>> key_of("memory")
    'ef1b4d34c48a7363ea824e032fae0a78'
    """
    return blake2b(nonce.encode(), digest_size=16).hexdigest()


def hashed(key: str, tenant: str, kind: str, *parts: str) -> str:
    """Return the keyed hash of something of a customer: 32 hexadecimal digits.

    >>> hashed("key", "default", "customer", "ann")
    'ae7746e7ac64c3315594c601d5e1b075'
    """
    text = SEPARATOR.join((tenant, kind, *parts)).encode()
    return blake2b(text, key=key.encode(), digest_size=16).hexdigest()


def addresses_in(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return the addresses among attributes by channel, in one spelling.

    >>> addresses_in({"email": " Ann@Example.com", "phone": None})
    {'EMAIL': 'ann@example.com'}
    """
    found = ((channel, attributes.get(name)) for name, channel in ADDRESSES.items())
    return {channel: text.strip().casefold() for channel, text in found if isinstance(text, str) and text.strip()}


def suppressions(key: str, person: Forgotten, events: Iterable[tuple[str, str]]) -> Iterator[Suppression]:
    """Yield the entries about a forgotten customer: the id, the addresses, and `events` by type and id."""
    known = [
        ("customer", person.id),
        *(("address", *pair) for pair in person.addresses),
        *(("event", person.id, *event) for event in events),
    ]
    for kind, *parts in known:
        yield Suppression(hashed(key, person.tenant, kind, *parts), person.tenant, kind, person.before)


def known_events(told: Iterable[tuple[Input, str | None]]) -> Iterator[tuple[str, str]]:
    """Yield type and id of the events among inputs, each given with its outcome, that must not be taken again (R26)."""
    for item, outcome in told:
        if item.kind == "event" and item.id is not None and outcome not in UNKNOWN_AFTER:
            yield item.type, item.id
