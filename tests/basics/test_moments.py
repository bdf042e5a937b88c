"""Pure time: instants, zones and local time (R2, R33)."""

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.moments import (
    DAY,
    EPOCH,
    FIRST,
    LAST,
    NAIVE_EPOCH,
    SECOND,
    from_micros,
    iso,
    local_day,
    local_day_span,
    local_instant,
    parse_instant,
    read_instant,
    to_local,
    to_micros,
    zone,
    zone_or,
)
from tests.cases import long

UTC_ZONE, PARIS, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
SAO_PAULO, APIA, TORONTO = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Apia"), ZoneInfo("America/Toronto")
ZONE_NAMES = sorted(name for name in available_timezones() if name not in {"localtime", "Factory"})

zones = st.sampled_from(ZONE_NAMES).map(ZoneInfo)


def wall(text):
    """Read a wall time: a datetime without a zone."""
    return datetime.fromisoformat(text)


instants = st.integers(FIRST, LAST)
near_instants = st.datetimes(wall("1900-01-01"), wall("2100-01-01"), timezones=st.just(UTC)).map(to_micros)
far_instants = instants | st.sampled_from([FIRST, FIRST + 1, FIRST + DAY, LAST - DAY, LAST - 1, LAST])
any_instants = near_instants | far_instants


def at(text):
    """Read an instant."""
    return parse_instant(text)


def local(text, where):
    """Give the instant of an unambiguous wall time, by Python's own arithmetic."""
    return round(datetime.fromisoformat(text).replace(tzinfo=where).timestamp()) * SECOND


# --- instants -------------------------------------------------------------------------------------------------------


@given(instants)
def test_an_instant_is_a_datetime_in_utc_and_back(instant):
    """R2: microseconds and datetimes are the same instants, to the microsecond, over the whole calendar."""
    assert to_micros(from_micros(instant)) == instant
    assert from_micros(instant).utcoffset() == timedelta(0)


@given(instants)
def test_an_instant_is_iso_text_and_back(instant):
    """Text always has six decimals and the letter Z, whatever the century."""
    assert parse_instant(iso(instant)) == instant
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", iso(instant))


@given(instants, instants)
def test_the_order_of_texts_is_the_order_of_instants(one, other):
    """A database can compare the texts."""
    assert (iso(one) < iso(other)) == (one < other)


@given(st.datetimes(timezones=st.timezones() | st.timedeltas(-timedelta(hours=23), timedelta(hours=23)).map(timezone)))
def test_every_aware_datetime_is_an_instant_of_the_calendar(moment):
    """R2: any zone; the far ends of time stay at the ends of UTC's calendar."""
    instant = to_micros(moment)
    assert FIRST <= instant <= LAST
    assert instant == max(FIRST, min(LAST, (moment - EPOCH) // timedelta(microseconds=1)))


def test_a_naive_datetime_is_refused_with_what_to_write():
    """R2: the message names the argument and the remedy."""
    with pytest.raises(ValueError, match=r"^now is the naive datetime .*; give it a zone, for example tzinfo=UTC"):
        to_micros(datetime(2026, 1, 1), "now")  # noqa: DTZ001 naive on purpose


@pytest.mark.parametrize(
    ("value", "named"),
    [(date(2026, 1, 1), "date "), ("2026-01-01T00:00:00Z", "str "), (0, "int 0$"), (None, "null$")],
)
def test_only_a_datetime_is_an_instant(value, named):
    """R2: dates, texts and numbers are refused."""
    with pytest.raises(TypeError, match=f"^at must be a timezone-aware datetime, not {named}"):
        to_micros(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-01-31T09:00:00", "has no offset; write 2026-01-31T09:00:00Z"),
        ("2026-01-31", "has no offset"),
        ("soon", "is not an ISO 8601 instant such as 2026-01-31T09:00:00Z"),
        ("2026-02-30T00:00:00Z", "is not an ISO 8601 instant"),
    ],
)
def test_an_instant_needs_an_offset_and_a_date_that_exists(text, message):
    """R2: what is missing is said."""
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_instant(text)


class Newer(datetime):
    """What Python 3.14 reads besides: midnight written as the hour 24 of the day before."""

    @classmethod
    def fromisoformat(cls, text):
        """Read the hour 24 as the 0 of the next day."""
        early = datetime.fromisoformat(re.sub(r"(?<=[T _])24", "00", text))
        return early + timedelta(days=1) if re.search(r"[T _]24", text) else early


@pytest.mark.parametrize("text", ["2026-01-31T24:00:00Z", "20260131T24Z", "2026-W05-6 24:00Z", "2026W056_2400Z"])
def test_the_hour_24_is_none_whatever_python_reads(text, monkeypatch):
    """R90: Python 3.14 reads it, older ones do not; here it is refused by all, as an instant and as an attribute."""
    for reads in (datetime, Newer):
        monkeypatch.setattr("journeyflow.basics.moments.datetime", reads)
        with pytest.raises(ValueError, match="is not an ISO 8601 instant"):
            parse_instant(text)
        assert read_instant(text, PARIS) is None
        assert parse_instant(text.replace("24", "00")) == at("2026-01-31T00:00:00.000000Z")


def test_instants_beyond_the_calendar_stay_at_its_ends():
    """An offset can push a text beyond the calendar of UTC; that is the last instant, no error."""
    assert parse_instant("9999-12-31T23:59:59-01:00") == LAST
    assert parse_instant("0001-01-01T00:00:00+01:00") == FIRST
    assert read_instant("9999-12-31T23:59:59-01:00", UTC_ZONE) == LAST


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01", "2026-02-28T23:00:00.000000Z"),
        ("2026-03-01T12:00", "2026-03-01T11:00:00.000000Z"),
        ("2026-03-01 12:00:30", "2026-03-01T11:00:30.000000Z"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000000Z"),
        ("2026-03-01T12:00:00+05:30", "2026-03-01T06:30:00.000000Z"),
        ("2026-03-29T02:30", "2026-03-29T01:30:00.000000Z"),
    ],
)
def test_an_attribute_is_read_as_a_local_date_or_an_instant(value, expected):
    """R37: a date is 00:00 local, text without offset is local, an offset counts; a gap moves forward (R33)."""
    assert read_instant(value, PARIS) == at(expected)


@pytest.mark.parametrize(
    "value", [None, True, 20260301, 1.5, "", "soon", "2026-13-01", ["2026-03-01"], "2026-03-01\ud800"]
)
def test_what_is_no_date_is_unreadable(value):
    """R37: missing, of another type, or no date."""
    assert read_instant(value, PARIS) is None


# --- zones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "EST5EDT"])
def test_an_iana_zone_is_loaded(name):
    """R33: any name of the IANA database."""
    assert zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "",
        "../UTC",
        "/etc/passwd",
        "Europe",
        "Europe/",
        "Europe/Paris\x00",
        "Europe/Paris\n",
        "localtime",
        "posixrules",
        "Factory",
        "right/Europe/Paris",
        "posix/Europe/Paris",
        "leapseconds",
        "Zürich",
        7,
        None,
    ],
)
def test_what_is_no_zone_everywhere_is_refused(name):
    """R33, R90: no paths, no folders, and no names that exist or mean something else from machine to machine."""
    with pytest.raises(ValueError, match=re.escape(f"{name!r} is not an IANA time zone such as 'Europe/Paris'")):
        zone(name)


@pytest.mark.parametrize("name", [None, 7, ["Europe/Paris"], {}, "", "Mars", "right/UTC", "a" * 10_000])
def test_a_customer_without_a_valid_zone_is_in_the_zone_of_the_journey(name):
    """R33: whatever stands in the attribute."""
    assert zone_or(name, PARIS) is PARIS


def test_a_customer_with_a_valid_zone_is_there():
    """R33: `customer_timezone`."""
    assert zone_or("Asia/Tokyo", PARIS) == ZoneInfo("Asia/Tokyo")


@given(far_instants | near_instants, zones)
def test_wall_time_is_that_of_the_zone_or_at_the_far_ends_of_utc(instant, where):
    """Any instant has a naive wall time; at the ends of the calendar where the local one does not exist, UTC's."""
    moment = from_micros(instant)
    try:
        expected = moment.astimezone(where)
    except OverflowError:
        expected = moment
    wall = to_local(instant, where)
    assert wall == expected.replace(tzinfo=None)
    assert wall.tzinfo is None
    assert wall.fold == 0
    assert local_day(instant, where) == wall.date().isoformat()


def wall_at(seconds):
    """Give a naive datetime some seconds after 1970."""
    return NAIVE_EPOCH + timedelta(seconds=seconds)


def seconds_of(wall):
    """Return the seconds from 1970 to a naive datetime."""
    return round((wall - wall_at(0)).total_seconds())


NOONS = [wall_at((20 * days + 0.5) * 86_400) for days in range(-90 * 365 // 20, 70 * 365 // 20 + 2)]
"""Wall times from 1880 to 2040, twenty days apart, at an hour at which clocks are hardly ever changed."""


@cache
def transitions(where):
    """Find the instants, in seconds, at which a zone's offset changes from 1880 to 2040, by bisection."""

    def change(low, high):
        (first, before), (last, after) = low, high

        def changed(second):
            return datetime.fromtimestamp(second, where).utcoffset() != before

        seconds = range(seconds_of(first - before) + 1, seconds_of(last - after))
        return seconds.start + bisect_left(seconds, x=True, key=changed)

    spans = pairwise(zip(NOONS, map(where.utcoffset, NOONS), strict=True))
    return [change(low, high) for low, high in spans if low[1] != high[1]]


def shifts(where, second):
    """Give the offsets in seconds before and after a change."""
    moments = (datetime.fromtimestamp(each, where) for each in (second - 1, second))
    return tuple(round((moment.replace(tzinfo=UTC) - moment).total_seconds()) for moment in moments)


def _content(name):
    """Return the file of a zone, the same for its other names; its name where the system has no such file."""
    return next((path.read_bytes() for root in TZPATH if (path := Path(root, name)).is_file()), name)


@cache
def changes_of_clocks():
    """List (zone, second) of offset changes: once for zones that are the same, and the first from an offset to another.

    In a long run, list all of them.
    """
    found = {}
    for where in {_content(name): ZoneInfo(name) for name in ZONE_NAMES}.values():
        changes = tuple((second, datetime.fromtimestamp(second, where).utcoffset()) for second in transitions(where))
        found[changes] = where
    every = [(where, second) for changes, where in found.items() for second, _ in changes]
    assert len(every) > 15_000
    kinds = {(where, shifts(where, second)): (where, second) for where, second in reversed(every)}
    return every if long() else [*kinds.values()]


@pytest.mark.unmeasured
def test_wall_times_around_every_kind_of_change_of_every_zone():
    """R33: a wall time in a gap moves forward by the gap, an ambiguous one is the first, all others are themselves."""
    for where, second in changes_of_clocks():
        before, after = shifts(where, second)
        low, high = second + min(before, after), second + max(before, after)
        for seconds in (low - 1, low, (low + high) // 2, high - 1, high):
            wall = wall_at(seconds)
            meanings = [
                seconds - offset
                for offset in (before, after)
                if datetime.fromtimestamp(seconds - offset, where).replace(tzinfo=None, fold=0) == wall
            ]
            expected = min(meanings) if meanings else seconds - before
            assert local_instant(wall, where) == expected * SECOND, (where, wall)
            if not meanings:
                assert to_local(expected * SECOND, where) == wall + timedelta(seconds=after - before)


@pytest.mark.parametrize("where", [NEW_YORK, APIA, PARIS], ids=str)
def test_the_span_of_a_local_day_is_of_that_day(where):
    """R33: up to an instant after the one asked for, at most to the end of its day, also around a change of clocks."""
    for second in transitions(where)[-4:]:
        for hour in range(-72, 72):
            instant = (second + 3600 * hour) * SECOND
            day, until = local_day_span(instant, where)
            assert until > instant
            assert day == local_day(instant, where) == local_day(until - 1, where)
