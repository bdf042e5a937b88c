"""Chance without a random number: the same bucket for the same person, always and everywhere (R38)."""

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.chance import BUCKETS, SEPARATOR, bucket

ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SEPARATOR), min_size=1, max_size=30)


@given(ids, ids, ids, ids)
def test_the_bucket_is_that_of_the_formula(tenant, journey, step, customer):
    """R38: floor(H * 10000 / 2**64), H the 8-byte BLAKE2b of the four ids joined by U+001F, read big-endian."""
    text = tenant + "\u001f" + journey + "\u001f" + step + "\u001f" + customer
    number = 0
    for byte in hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest():
        number = number * 256 + byte
    assert bucket(tenant, journey, step, customer) == number * 10_000 // 2**64


def test_known_buckets_never_change():
    """R38, R90: these values were computed once with another program (b2sum -l 64); a change would move people."""
    assert bucket("default", "welcome", "test", "c1") == 3511
    assert bucket("t", "j", "s", "c") == 1018
    assert bucket("default", "welcome", "test", "Zoë") == 3226


@given(ids, ids, ids, ids)
def test_a_bucket_is_a_hundredth_of_a_percent(tenant, journey, step, customer):
    """R38: 0 to 9999."""
    assert 0 <= bucket(tenant, journey, step, customer) < BUCKETS


def test_people_spread_evenly():
    """R38: 100,000 people over 100 ranges: chi-squared with 99 degrees stays below 148 (999 of 1000 fair hashes do)."""
    counts = Counter(bucket("default", "welcome", "test", f"customer-{n}") // 100 for n in range(100_000))
    assert sum((counts[n] - 1000) ** 2 / 1000 for n in range(100)) < 148


def test_two_splits_are_independent():
    """R38: whoever is in the first half of one split is in the first half of another one half of the time."""
    both = sum(
        bucket("default", "welcome", "one", f"c{n}") < 5000 and bucket("default", "welcome", "two", f"c{n}") < 5000
        for n in range(40_000)
    )
    assert abs(both - 10_000) < 4 * (40_000 * 0.25 * 0.75) ** 0.5


def test_parts_cannot_be_shifted_between_ids():
    """R38: the separator keeps ("ab", "c") and ("a", "bc") apart."""
    assert bucket("ab", "c", "s", "x") != bucket("a", "bc", "s", "x")
