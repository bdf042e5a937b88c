"""What is wrong with the attributes of a customer; consent, tags and lists have a fixed shape (R50, R54)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import methodcaller

from journeyflow.basics.values import describe, is_blank, is_sound, value_faults
from journeyflow.basics.words import CONSENT, MEMBERS

RESERVED = frozenset({CONSENT, *MEMBERS})
"""The attributes of a fixed shape: consent, tags and lists (R50, R54)."""

LISTED = (list, tuple)
"""The types of lists: a tuple is asked in a third of the time of a union."""

_asks_consent: Callable[[str], bool] = methodcaller("startswith", f"{CONSENT}.")

NO_BLANK = "a name in it must not be blank"

MAX_NAMES = 4_096
"""How many names are cached with whether they are blank: more tags and lists than most hosts have."""

_is_blank = lru_cache(MAX_NAMES)(is_blank)


def attribute_faults(attributes: Mapping[str, object]) -> Iterator[str]:
    """Yield every fault of attributes; `tags` and `lists` are lists of texts, `consent` maps channels (R50, R54).

    >>> list(attribute_faults({"tags": "vip", "consent": {"EMAIL": "yes"}}))
    ["tags: must be a list of texts, not str 'vip'", "consent.EMAIL: must be true or false, not str 'yes'"]
    """
    if _are_usual(attributes):
        return
    yield from value_faults(attributes)
    yield from ("a name must not be empty" for name in attributes if name == "")
    dotted = [name for name in attributes if isinstance(name, str) and name.startswith(f"{CONSENT}.")]
    yield from (f'{name}: no rule reads it; write {{"{CONSENT}": {{channel: true or false}}}}' for name in dotted)
    for name in (*MEMBERS, CONSENT):
        yield from shape_faults(name, attributes.get(name))


def _are_usual(attributes: Mapping[str, object]) -> bool:
    """Return whether a quick look finds neither a fault nor anything that needs a closer one."""
    if not is_sound(attributes) or not RESERVED.isdisjoint(attributes):
        return False
    return "" not in attributes and not any(map(_asks_consent, attributes))


def shape_faults(name: str, value: object) -> Sequence[str]:
    """Return every fault of the value of an attribute of a fixed shape."""
    if value is None:
        return ()
    if name not in MEMBERS:
        return [*_consent_faults(value)]
    if not isinstance(value, LISTED) or [odd for odd in value if not isinstance(odd, str)]:
        return [f"{name}: must be a list of texts, not {describe(value)}"]
    return [f"{name}: {NO_BLANK}"] if any(map(_is_blank, value)) else ()


def _consent_faults(value: object) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{CONSENT}: must be an object of channels, not {describe(value)}"
        return
    if any(isinstance(channel, str) and is_blank(channel) for channel in value):
        yield f"{CONSENT}: {NO_BLANK}"
    for channel, given in value.items():
        if given is not None and not isinstance(given, bool):
            yield f"{CONSENT}.{channel}: must be true or false, not {describe(given)}"
