"""Chance without random numbers: the keyed hash that splits customers (R38)."""

from hashlib import blake2b

SEPARATOR = "\x1f"
"""Joins the parts of a key, and is therefore forbidden in ids."""

BUCKETS = 10_000
"""The number of buckets: percentages have at most two decimals, so the unit is a hundredth of a percent."""

KEPT_OUT = "holdout"
"""Stands for the step when chance decides who is in the holdout; no step has this id (R25)."""


def bucket(tenant: str, journey: str, step: str, customer: str) -> int:
    """Return a customer's bucket at a step, from 0 to 9,999: the same one always and everywhere (R38).

    It is the first 8 bytes, big-endian, of BLAKE2b over the four ids joined by U+001F, scaled to 0..9999.

    >>> bucket("default", "welcome", "test", "c1")
    3511
    """
    return draw(BUCKETS, tenant, journey, step, customer)


def draw(count: int, *key: str) -> int:
    """Return a number from 0 to below `count`: always the same one for a key, which may have any number of parts.

    >>> draw(6, "some", "key"), draw(6, "some", "key"), draw(6, "another")
    (1, 1, 2)
    """
    text = SEPARATOR.join(key).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") * count >> 64
