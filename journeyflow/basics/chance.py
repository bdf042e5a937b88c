"""Chance without a random number: the keyed hash that splits people (R38)."""

from hashlib import blake2b

SEPARATOR = "\x1f"
"""Joins the parts of a key; therefore refused in every id."""

BUCKETS = 10_000
"""Percentages have at most two decimals, so a hundredth of a percent is the unit."""

KEPT_OUT = "holdout"
"""What stands in the place of the step for the chance of being kept out; no step has this id (R25)."""


def bucket(tenant: str, journey: str, step: str, customer: str) -> int:
    """Put a person at a step into one of 10,000 buckets: the same one always and everywhere (R38).

    The first 8 bytes, big-endian, of BLAKE2b over the four ids joined by U+001F, scaled to 0..9999.

    >>> bucket("default", "welcome", "test", "c1")
    3511
    """
    return draw(BUCKETS, tenant, journey, step, customer)


def draw(count: int, *key: str) -> int:
    """Draw a number from 0 to below `count`: always the same one for a key, which may have any number of parts.

    >>> draw(6, "some", "key"), draw(6, "some", "key"), draw(6, "another")
    (1, 1, 2)
    """
    text = SEPARATOR.join(key).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") * count >> 64
