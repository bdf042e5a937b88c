"""Options of definitions: what can be read is read, the rest is kept as it is for validation to tell about."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from attrs import field, frozen
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until
from journeyflow.definition.options import (
    Shown,
    as_data,
    as_duration,
    as_instant,
    as_parts,
    as_percentage,
    as_until,
    hundredths,
    read_at,
    whole_or_decimal,
)


@pytest.mark.parametrize("value", ["3 days", "P3D", Duration(days=3), relativedelta(days=3)])
def test_lengths_of_time_are_read_in_every_form(value):
    """R33: words, ISO 8601, a Duration and a relativedelta say the same."""
    assert as_duration(value) == Duration(days=3)


def test_a_timedelta_is_exact():
    """R33: 72 hours are not three calendar days."""
    assert as_duration(timedelta(days=3)) == Duration.parse("72 hours")


@pytest.mark.parametrize("value", ["soon", "", 3, 3.5, [], {"days": 3}, object(), "2000 years"])
def test_what_is_no_length_of_time_is_kept(value):
    """R13: a converter never raises, so that all problems can be told at once."""
    assert as_duration(value) is value
    assert as_duration(None) is None


@pytest.mark.parametrize("value", ["25:00", "", "NEVER 09:00", 9, [], "a b c"])
def test_what_is_no_opening_is_kept(value):
    """R13: likewise for openings; what is one is read."""
    assert as_until(value) is value
    assert as_until(None) is None
    assert as_until("MON 09:00") == Until("09:00", "MON")


def test_instants_are_kept_in_utc():
    """R2: a text and a datetime with any offset are the same instant."""
    nine = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert as_instant("2026-01-31T10:00:00+01:00") == nine
    paris = as_instant(datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=1))))
    assert paris == nine
    assert paris is not None
    assert paris.tzinfo is UTC
    assert as_instant(None) is None


@pytest.mark.parametrize("value", ["tomorrow", "2026-01-31", datetime(2026, 1, 31), 5, []])  # noqa: DTZ001 naive
def test_what_is_no_instant_is_kept(value):
    """R2, R13: naive and unreadable ones; `read_at` says what is wrong."""
    assert as_instant(value) is value
    with pytest.raises((TypeError, ValueError)):
        read_at(value)


@pytest.mark.parametrize("value", [None, 5, "ab", b"ab", {"a": 1}])
def test_what_is_no_list_is_kept(value):
    """R13: text, bytes and objects are not lists of parts."""
    assert as_parts(value) is value


def test_lists_of_any_kind_become_tuples():
    """Lists, tuples and generators are taken."""
    assert as_parts([1, 2]) == as_parts((1, 2)) == as_parts(n for n in (1, 2)) == (1, 2)


def test_data_are_copied():
    """What the caller does with the lists afterwards changes nothing; what is not an object is kept."""
    items = [1]
    data = as_data({"items": items})
    items.append(2)
    assert data == {"items": (1,)}
    assert repr(as_data(5)) == "5"


@pytest.mark.parametrize(
    ("percentage", "expected"),
    [
        (99.9, 9990),
        (33.33, 3333),
        (0, 0),
        (-0.0, 0),
        (100, 10_000),
        (Decimal("33.34"), 3334),
        (Decimal("33.340"), 3334),
        (0.07, 7),
        (100.1, None),
        (100.01, None),
        (-1, None),
        (-0.01, None),
        (33.333, None),
        (Decimal("33.3300000000000000000000000000000000000000001"), None),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
        (Decimal("9E+999999"), None),
        (10**400, None),
        (5e-324, None),
        (True, None),
        ("50", None),
        (None, None),
        (50j, None),
    ],
)
def test_percentages_have_two_decimals_at_most(percentage, expected):
    """R13: from 0 to 100, exactly; a boolean is not a number."""
    assert hundredths(percentage) == expected


@given(st.integers(0, 10_000))
def test_every_hundredth_is_read_however_it_is_written(share):
    """R38: the float, the Decimal and the text of it are the same number of buckets, and kept as the same number."""
    percentage = share / 100
    exact = Decimal(share) / 100
    assert hundredths(percentage) == hundredths(exact) == hundredths(float(f"{percentage:.2f}")) == share
    assert as_percentage(percentage) == as_percentage(exact) == percentage
    assert type(as_percentage(exact)) is (float if share % 100 else int)


@pytest.mark.parametrize("value", [33.333, "50", None, True])
def test_what_is_no_percentage_is_kept(value):
    """R13: for validation to tell about."""
    assert as_percentage(value) is value


def test_whole_numbers_are_written_whole():
    """50.0 is written 50."""
    assert repr([whole_or_decimal(50.0), whole_or_decimal(12.5)]) == "[50, 12.5]"


@frozen(repr=False)
class Sample(Shown):
    """Something with every kind of option."""

    id: str
    first: str = ""
    second: str = ""
    length: Duration | None = field(kw_only=True, default=None)
    flag: bool = field(kw_only=True, default=False)
    data: dict[str, object] = field(kw_only=True, factory=dict)


def test_a_repr_leaves_out_every_default():
    """A default in front of something that was given stays, or the positions would be wrong."""
    assert repr(Sample("a")) == "Sample('a')"
    assert repr(Sample("a", "b")) == "Sample('a', 'b')"
    assert repr(Sample("a", second="c")) == "Sample('a', '', 'c')"
    sample = Sample("a", length=Duration(days=2), flag=True, data={"x": 1})
    assert repr(sample) == "Sample('a', length='2 days', flag=True, data={'x': 1})"
