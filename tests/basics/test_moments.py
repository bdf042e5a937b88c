"""Pure time: instants, zones, durations, anniversaries (R2, R32, R33, R35, R37)."""

import re
from bisect import bisect_left
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import isodate
import pytest
from dateutil.relativedelta import MO, relativedelta
from hypothesis import assume, example, given
from hypothesis import strategies as st

from journeyflow.basics.moments import (
    DAY,
    EPOCH,
    FIRST,
    HOUR,
    LAST,
    MINUTE,
    SECOND,
    Duration,
    add,
    anniversary,
    from_micros,
    iso,
    local_day,
    local_day_span,
    local_instant,
    parse_instant,
    read_instant,
    recurrence,
    to_local,
    to_micros,
    zone,
    zone_or,
)
from tests.cases import part

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
durations = st.builds(
    Duration,
    st.integers(-3000, 3000),
    st.integers(-80_000, 80_000),
    st.integers(-200 * 365 * DAY, 200 * 365 * DAY) | st.integers(-100, 100).map(lambda n: n * MINUTE),
)


def at(text):
    """Read an instant."""
    return parse_instant(text)


def half(number):
    """Give half a number: relativedelta takes fractions, though its types say otherwise."""
    return number / 2


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
        ("soon", "is no ISO 8601 instant such as 2026-01-31T09:00:00Z"),
        ("2026-02-30T00:00:00Z", "is no ISO 8601 instant"),
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
        with pytest.raises(ValueError, match="is no ISO 8601 instant"):
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
    with pytest.raises(ValueError, match=re.escape(f"{name!r} is no IANA time zone such as 'Europe/Paris'")):
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


@cache
def transitions(where):
    """Find the instants, in seconds, at which a zone's offset changes from 1880 to 2040, by bisection."""

    def offset(second):
        return datetime.fromtimestamp(second, where).utcoffset()

    def change(low, high):
        before = offset(low)
        return low + 1 + bisect_left(range(low + 1, high), x=True, key=lambda second: offset(second) != before)

    step = 20 * 86_400
    marks = range(-90 * 365 * 86_400, 70 * 365 * 86_400 + step, step)
    offsets = [offset(mark) for mark in marks]
    spans = zip(pairwise(marks), pairwise(offsets), strict=True)
    return [change(low, high) for (low, high), (before, after) in spans if before != after]


@cache
def all_transitions():
    """List (zone, second) of every offset change, once for zones that are the same."""
    found = {}
    for name in ZONE_NAMES:
        where = ZoneInfo(name)
        changes = tuple((second, datetime.fromtimestamp(second, where).utcoffset()) for second in transitions(where))
        found[changes] = where
    return [(where, second) for changes, where in found.items() for second, _ in changes]


def shifts(where, second):
    """Give the offsets in seconds before and after a change."""
    moments = (datetime.fromtimestamp(each, where) for each in (second - 1, second))
    return tuple(round((moment.replace(tzinfo=UTC) - moment).total_seconds()) for moment in moments)


def wall_at(seconds):
    """Give a naive datetime some seconds after 1970."""
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001 wall time


@pytest.mark.unmeasured
def test_wall_times_around_every_change_of_every_zone():
    """R33: a wall time in a gap moves forward by the gap, an ambiguous one is the first, all others are themselves."""
    changes = all_transitions()
    assert len(changes) > 15_000
    for where, second in part(changes):
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


# --- durations ------------------------------------------------------------------------------------------------------


@given(durations)
def test_a_duration_is_text_and_back(duration):
    """R33: what is written is read as the same duration, part by part."""
    assert Duration.parse(str(duration)) == duration
    assert repr(duration) == f"Duration('{duration}')"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 minutes", Duration(micros=30 * MINUTE)),
        ("2 hours", Duration(micros=2 * HOUR)),
        ("1 second", Duration(micros=SECOND)),
        ("0.000001 seconds", Duration(micros=1)),
        ("1.5 hours", Duration(micros=90 * MINUTE)),
        ("-1.5 hours", Duration(micros=-90 * MINUTE)),
        ("-0.5 seconds", Duration(micros=-500_000)),
        ("+3 days", Duration(days=3)),
        ("3 day", Duration(days=3)),
        ("1 week", Duration(days=7)),
        ("1 month", Duration(months=1)),
        ("2 years", Duration(months=24)),
        ("1 year 2 months 3 days 4 hours", Duration(14, 3, 4 * HOUR)),
        ("1 day 1 day", Duration(days=2)),
        ("  1DAY2HOURS ", Duration(days=1, micros=2 * HOUR)),
        ("0 seconds", Duration()),
        ("P3DT12H", Duration(days=3, micros=12 * HOUR)),
        ("P1Y2M3W4D", Duration(14, 25)),
        ("PT0.5S", Duration(micros=500_000)),
        ("-P1DT1H", Duration(days=-1, micros=-HOUR)),
        ("+P1D", Duration(days=1)),
        ("P0D", Duration()),
        (" PT90M ", Duration(micros=90 * MINUTE)),
        (timedelta(days=1, microseconds=1), Duration(micros=DAY + 1)),
        (relativedelta(years=1, months=1, days=1, hours=half(3)), Duration(13, 1, 90 * MINUTE)),
        (relativedelta(days=half(4)), Duration(days=2)),
        (Duration(1, 2, 3), Duration(1, 2, 3)),
        ("1000 years", Duration(months=12_000)),
    ],
)
@pytest.mark.rows(66, 67)
def test_durations_are_read_in_every_form(text, expected):
    """R33: words, ISO 8601, timedelta (exact), relativedelta (calendar), Duration."""
    assert Duration.parse(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "3",
        "days",
        "3 fortnights",
        "3 dayss",
        "1.5 days",
        "0.5 months",
        "1 day, 2 hours",
        "1 day and 2 hours",
        "1 day x",
        "1e3 seconds",
        "1.0000001 seconds",
        "P",
        "PT",
        "P1DT",
        "P1.5D",
        "P1",
        "1D",
        "p1d",
        "\u0663 days",
        "1 day -",
        "9" * 5_000 + " days",
        f"P{'9' * 5_000}D",
        5,
        1.5,
        None,
        True,
        ["1 day"],
    ],
)
def test_what_is_no_duration_is_refused_with_examples(value):
    """R13, R33: fractions of days and longer, unknown units, half-read texts, numbers without a unit."""
    with pytest.raises(ValueError, match="is no duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H'"):
        Duration.parse(value)


@pytest.mark.parametrize(
    "value",
    [
        "1001 years",
        "12001 months",
        "-1001 years",
        "400000 days",
        "999999999999 hours",
        timedelta.max,
        relativedelta(years=1001),
    ],
)
def test_a_duration_of_more_than_a_thousand_years_is_a_slip(value):
    """R13: refused, also backward and as a sum of small units."""
    with pytest.raises(ValueError, match="is longer than 1000 years"):
        Duration.parse(value)


@pytest.mark.parametrize(
    "value", [relativedelta(day=1), relativedelta(weekday=MO), relativedelta(hour=9), relativedelta(leapdays=1)]
)
def test_a_relativedelta_that_sets_a_field_is_no_duration(value):
    """R33: a duration only adds."""
    with pytest.raises(ValueError, match="sets a field of the date; a duration only adds"):
        Duration.parse(value)


def test_a_relativedelta_with_a_fraction_of_a_day_is_refused():
    """R33: half a calendar day has no fixed length; it is not silently cut off."""
    with pytest.raises(ValueError, match="has a fraction of a day"):
        Duration.parse(relativedelta(days=half(3)))


@given(
    st.sampled_from(["", "-"]),
    st.lists(st.integers(0, 90), min_size=4, max_size=4),
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.decimals(0, 90, places=6)),
)
def test_iso_durations_mean_what_isodate_says(sign, dates, times):
    """R33: years, months, weeks, days, hours, minutes and seconds of ISO 8601, checked against another reader."""
    text = sign + "P" + "".join(f"{number}{unit}" for number, unit in zip(dates, "YMWD", strict=True))
    text += "T" + "".join(f"{number}{unit}" for number, unit in zip(times, "HMS", strict=True))
    ours = Duration.parse(text)
    theirs = isodate.parse_duration(text, as_timedelta_if_possible=False)
    assert ours.months == theirs.years * 12 + theirs.months
    assert ours.days * DAY + ours.micros == theirs.tdelta // timedelta(microseconds=1)


@given(st.timedeltas(-timedelta(days=300_000), timedelta(days=300_000)))
def test_a_timedelta_is_exact(length):
    """R33: `timedelta(days=1)` is 24 hours, not a calendar day."""
    assert Duration.parse(length) == Duration(micros=length // timedelta(microseconds=1))


@given(durations)
def test_a_duration_turned_round_leads_the_other_way(duration):
    """The sign counts months and days as their usual length; mixed durations have parts of both directions."""
    assert (-duration).sign == -duration.sign
    turned = -duration
    assert -turned == duration
    parts = (duration.months, duration.days, duration.micros)
    assert duration.mixed == (any(part < 0 for part in parts) and any(part > 0 for part in parts))
    if not duration.mixed:
        assert duration.sign == (any(part > 0 for part in parts) or -any(part < 0 for part in parts))


@pytest.mark.parametrize(
    ("duration", "sign"), [(Duration(1, -29), 1), (Duration(1, -31), -1), (Duration(0, 1, -DAY), 0), (Duration(), 0)]
)
def test_the_direction_of_a_mixed_duration_is_that_of_its_sum(duration, sign):
    """A month counts 30 days, a day 24 hours."""
    assert duration.sign == sign


@given(near_instants, st.integers(-600, 600), st.integers(-9_000, 9_000), st.integers(-(10**12), 10**12))
def test_adding_in_utc_is_plain_calendar_arithmetic(instant, months, days, micros):
    """R33: months first, clipped to the end of the month, then days, then the exact part."""
    start = from_micros(instant)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    expected = start.replace(year=year, month=month + 1, day=day) + timedelta(days=days, microseconds=micros)
    assert from_micros(add(instant, Duration(months, days, micros), UTC_ZONE)) == expected


@given(near_instants, st.integers(-(10**15), 10**15), zones)
def test_seconds_minutes_and_hours_are_exact_in_every_zone(instant, micros, where):
    """R33: no calendar is asked."""
    assert add(instant, Duration(micros=micros), where) == instant + micros


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("2026-01-31", "1 month", "2026-02-28"),
        ("2024-01-31", "1 month", "2024-02-29"),
        ("2026-03-31", "-1 month", "2026-02-28"),
        ("2026-05-31", "1 month", "2026-06-30"),
        ("2024-02-29", "1 year", "2025-02-28"),
        ("2024-02-29", "4 years", "2028-02-29"),
        ("2026-01-31", "1 month 1 day", "2026-03-01"),
        ("2026-12-31", "2 months", "2027-02-28"),
    ],
)
def test_month_ends_clip(start, duration, expected):
    """R33: 31 January + 1 month = 28 February."""
    instant = add(at(f"{start}T12:00:00Z"), Duration.parse(duration), UTC_ZONE)
    assert iso(instant) == f"{expected}T12:00:00.000000Z"


def test_nine_o_clock_stays_nine_o_clock_over_the_spring_change():
    """R33: a day is a calendar day, 24 hours are 24 hours."""
    start = local("2026-03-28T09:00", PARIS)
    assert add(start, Duration.parse("1 day"), PARIS) == local("2026-03-29T09:00", PARIS) == start + 23 * HOUR
    assert add(start, Duration.parse("1 week"), PARIS) == local("2026-04-04T09:00", PARIS)
    assert add(start, Duration.parse("24 hours"), PARIS) == local("2026-03-29T10:00", PARIS)
    assert add(local("2026-10-24T09:00", PARIS), Duration(days=1), PARIS) == local("2026-10-25T09:00", PARIS)


def test_a_day_that_leads_into_the_gap_moves_forward_by_the_gap():
    """R33: 02:30 on the day of the spring change is 03:30."""
    assert (
        to_local(add(local("2026-03-28T02:30", PARIS), Duration(days=1), PARIS), PARIS).isoformat()
        == "2026-03-29T03:30:00"
    )


def test_a_day_that_leads_to_an_ambiguous_time_means_the_first():
    """R33: 02:30 on the day of the autumn change is the one in summer time."""
    assert iso(add(local("2026-10-24T02:30", PARIS), Duration(days=1), PARIS)) == "2026-10-25T00:30:00.000000Z"


@given(near_instants, zones, st.integers(-500, 500))
def test_adding_days_keeps_the_wall_time_or_moves_it_by_the_gap(instant, where, days):
    """R33: in any zone the wall time after some days is the same, or later by a gap of at most a day."""
    wall = to_local(instant, where)
    moved = to_local(add(instant, Duration(days=days), where), where) if days else wall
    assert timedelta(0) <= moved - (wall + timedelta(days=days)) <= timedelta(days=1)
    if moved != wall + timedelta(days=days):
        naive = wall + timedelta(days=days)
        assert naive.replace(tzinfo=where).astimezone(UTC).astimezone(where).replace(tzinfo=None) != naive


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        (LAST, Duration(1), LAST),
        (LAST, Duration(0, 1), LAST),
        (LAST, Duration(0, 0, 1), LAST),
        (FIRST, Duration(-1), FIRST),
        (FIRST, Duration(0, -1), FIRST),
        (FIRST, Duration(0, 0, -1), FIRST),
        (FIRST, Duration(1, -40), FIRST),
        (LAST, Duration(-1, 40), LAST),
        (0, Duration(10**30), LAST),
        (0, Duration(-(10**30)), FIRST),
        (0, Duration(0, 10**30), LAST),
        (0, Duration(0, -(10**30)), FIRST),
        (0, Duration(0, 0, 10**40), LAST),
        (0, Duration(0, 0, -(10**40)), FIRST),
    ],
)
def test_time_stops_at_its_ends(start, duration, expected):
    """Far ends stay at the far end they lead to, instead of failing a run; the part that leads beyond decides."""
    assert add(start, duration, UTC_ZONE) == expected


@given(any_instants, durations | st.builds(Duration, st.integers(), st.integers(), st.integers()), zones)
def test_adding_never_raises_and_stays_in_time(instant, duration, where):
    """For any instant, duration and zone."""
    assert FIRST <= add(instant, duration, where) <= LAST


# --- anniversaries ----------------------------------------------------------------------------------------------------


def read(value, where):
    """Read an attribute."""
    return read_instant(value, where)


def next_return(*asked):
    """Ask for an anniversary that there is."""
    return anniversary(*asked)


def returns(day, offset, where, years):
    """List the yearly returns of a local date plus an offset, in order of the years."""
    found = []
    for year in years:
        try:
            moved = day.replace(year=year)
        except ValueError:
            moved = day.replace(year=year, day=28)
        found.append(add(local_instant(datetime(moved.year, moved.month, moved.day), where), offset, where))  # noqa: DTZ001 wall time
    return found


@given(
    st.dates(date(1900, 1, 1), date(2020, 12, 31)) | st.just(date(1988, 2, 29)),
    st.builds(Duration, st.integers(-40, 40), st.integers(-800, 800), st.integers(-400 * DAY, 400 * DAY)),
    st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)).map(lambda moment: to_micros(moment.replace(tzinfo=UTC))),  # noqa: DTZ001 drawn without a zone
    st.none() | st.integers(-800 * DAY, 800 * DAY),
    st.sampled_from([UTC_ZONE, PARIS, SAO_PAULO, NEW_YORK]),
)
@example(date(2000, 12, 15), Duration(-1, -1, -HOUR), at("2026-01-01T00:00:00Z"), None, UTC_ZONE)
def test_the_next_anniversary_is_the_first_of_all_of_them(day, offset, not_before, later, where):
    """R37: not before the entry and after the instant the wait was last left, whatever the offset."""
    after = None if later is None else not_before + later
    expected = [
        each
        for each in returns(day, offset, where, range(1930, 2110))
        if each >= not_before and (after is None or each > after)
    ]
    assert next_return(day.isoformat(), offset, not_before, after, where) == expected[0]


@pytest.mark.parametrize(
    ("value", "entered", "expected"),
    [
        ("1988-02-29", "2026-01-01", "2026-02-28T00:00"),
        ("1988-02-29", "2028-01-01", "2028-02-29T00:00"),
        ("1988-02-29", "2028-03-01", "2029-02-28T00:00"),
        ("1990-06-15T08:30", "2026-06-15", "2026-06-15T08:30"),
        ("1990-06-15", "2026-06-15", "2026-06-15T00:00"),
        ("1990-06-15", "2026-06-16", "2027-06-15T00:00"),
    ],
)
def test_anniversaries_by_example(value, entered, expected):
    """R37: 29 February comes on the 28th in other years; a date is 00:00 local; the very day counts."""
    found = next_return(value, Duration(), local(entered, PARIS), None, PARIS)
    assert to_local(found, PARIS).isoformat(timespec="minutes") == expected


def test_an_anniversary_is_strictly_after_the_instant_the_wait_was_left():
    """R37: a run that comes round at the anniversary itself waits for the next; the entry itself is not excluded."""
    day = local("2026-06-15", PARIS)
    assert next_return("1990-06-15", Duration(), day, None, PARIS) == day
    assert next_return("1990-06-15", Duration(), day, day - 1, PARIS) == day
    assert next_return("1990-06-15", Duration(), day, day, PARIS) == local("2027-06-15", PARIS)


def test_an_anniversary_keeps_the_wall_time_that_is_written():
    """R33, R37: also where that wall time did not exist in the year of the date itself."""
    start = local("2026-01-01", PARIS)
    assert (
        to_local(next_return("2020-03-29T02:30", Duration(), start, None, PARIS), PARIS).isoformat()
        == "2026-03-29T03:30:00"
    )
    assert (
        to_local(
            next_return("2026-03-29T02:30", Duration(), local("2027-01-01", PARIS), None, PARIS), PARIS
        ).isoformat()
        == "2027-03-29T02:30:00"
    )
    born = next_return("2011-10-16", Duration(), local("2026-01-01", SAO_PAULO), None, SAO_PAULO)
    assert to_local(born, SAO_PAULO).isoformat() == "2026-10-16T00:00:00"


def test_an_anniversary_of_an_instant_is_that_of_its_local_day():
    """R37: an instant with an offset is first seen in the zone of the wait."""
    found = next_return("2000-06-15T23:30:00Z", Duration(), at("2026-01-01T00:00:00Z"), None, PARIS)
    assert to_local(found, PARIS).isoformat() == "2026-06-16T01:30:00"


@pytest.mark.parametrize("value", [None, 5, "soon", ["2000-01-01"]])
def test_what_is_no_date_has_no_anniversary(value):
    """R37: outcome "missing"."""
    assert next_return(value, Duration(), 0, None, UTC_ZONE) is None


def test_durations_show_what_they_are():
    """The representation of a duration makes it again."""
    assert repr(Duration(days=3)) == "Duration('3 days')"
    assert str(Duration(micros=1_500_000)) == "1.5 seconds"
    assert str(Duration(micros=-1)) == "-0.000001 seconds"


def test_there_is_no_anniversary_after_the_end_of_time():
    """The last instant stands for never."""
    assert next_return("2000-06-15", Duration(), at("9999-07-01T00:00:00Z"), None, UTC_ZONE) == LAST
    assert next_return("2000-06-15", Duration(), 0, LAST, UTC_ZONE) == LAST
    assert next_return("2000-06-15", Duration(-12_000), at("0001-01-01T00:00:00Z"), None, UTC_ZONE) >= FIRST


@given(
    (st.dates() | st.datetimes(timezones=st.none() | st.timezones())).map(lambda moment: moment.isoformat())
    | st.text(),
    durations,
    any_instants,
    st.none() | any_instants,
    zones,
)
def test_reading_and_anniversaries_never_raise(value, offset, not_before, after, where):
    """For any text, offset, instants and zone: a time of the calendar, not before what was asked, or None."""
    instant = read(value, where)
    found = next_return(value, offset, not_before, after, where)
    assert (found is None) == (instant is None)
    assume(instant is not None)
    assert FIRST <= instant <= LAST
    assert not_before <= found <= LAST
    assert after is None or found > after or found == LAST


@given(
    st.sampled_from(["Europe/Paris", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2011-12-30", "2026-04-05", "2026-02-15"]),
    st.integers(-4 * DAY, 4 * DAY),
    st.integers(-400, 400),
)
def test_days_whose_offset_is_steady_are_reckoned_like_any_other(name, near, around, days):
    """What is reckoned from a steady offset is what the zone itself says, around changes of the clock too (R33)."""
    where = ZoneInfo(name)
    instant = parse_instant(f"{near}T00:00:00Z") + around
    wall = from_micros(instant).astimezone(where).replace(tzinfo=None, fold=0)
    assert to_local(instant, where) == wall
    first = wall.replace(tzinfo=where).astimezone(UTC)  # fold 0: the first of two, and past a gap
    assert local_instant(wall, where) == to_micros(first)
    later = (wall + timedelta(days=days)).replace(tzinfo=where).astimezone(UTC)
    assert add(instant, Duration(days=days), where) == to_micros(later)


forward = st.builds(Duration, st.integers(0, 3), st.integers(0, 40), st.integers(0, 90 * DAY)).filter(
    lambda length: length.months or length.days or length.micros >= MINUTE
)


@given(near_instants, forward, st.integers(0, 40), zones)
def test_a_recurrence_is_counted_from_its_anchor(anchor, every, n, where):
    """R27, R32: each is the anchor plus n times the length, and the one after it the first that is later."""
    lengths = (Duration(k * every.months, k * every.days, k * every.micros) for k in (n, n + 1, n + 2))
    nth = [add(anchor, length, where) for length in lengths]
    assert recurrence(anchor, every, nth[0] - 1, where) <= nth[0]
    assert recurrence(anchor, every, nth[0], where) == next(at for at in nth if at > nth[0])
    assert recurrence(anchor, every, anchor - 1, where) == anchor


def test_a_recurrence_ends_with_the_calendar():
    """R2: there is no instant after the last."""
    assert recurrence(LAST - HOUR, Duration(months=1), LAST - 1, UTC_ZONE) == LAST
    assert recurrence(FIRST, Duration(days=1), FIRST + 2, UTC_ZONE) == FIRST + DAY
