"""Durations, and what calendars make of them: sums, recurrences, anniversaries (R32, R33, R35, R37)."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import isodate
import pytest
from dateutil.relativedelta import MO, relativedelta
from hypothesis import assume, example, given
from hypothesis import strategies as st

from journeyflow.basics.durations import Duration, add, anniversary, recurrence
from journeyflow.basics.moments import (
    DAY,
    FIRST,
    HOUR,
    LAST,
    MINUTE,
    SECOND,
    from_micros,
    iso,
    local_instant,
    parse_instant,
    read_instant,
    to_local,
    to_micros,
)
from tests.basics.test_moments import (
    NEW_YORK,
    PARIS,
    SAO_PAULO,
    UTC_ZONE,
    any_instants,
    at,
    local,
    near_instants,
    zones,
)

durations = st.builds(
    Duration,
    st.integers(-3000, 3000),
    st.integers(-80_000, 80_000),
    st.integers(-200 * 365 * DAY, 200 * 365 * DAY) | st.integers(-100, 100).map(lambda n: n * MINUTE),
)


def half(number):
    """Give half a number: relativedelta takes fractions, though its types say otherwise."""
    return number / 2


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
    with pytest.raises(ValueError, match="is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H'"):
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
