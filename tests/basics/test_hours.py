"""Hours, weekdays and the calendar: windows, openings, periods (R31, R32, R34)."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journeyflow.basics.hours import (
    PERIODS,
    WEEKDAYS,
    Until,
    Window,
    calendar_period,
    moved_opening,
    parse_clock,
    parse_weekdays,
    write_clock,
    write_weekdays,
)
from journeyflow.basics.moments import (
    DAY,
    HOUR,
    LAST,
    MINUTE,
    SECOND,
    from_micros,
    iso,
    local_instant,
    parse_instant,
    to_local,
    zone,
)
from tests.basics.test_moments import (
    APIA,
    PARIS,
    SAO_PAULO,
    TORONTO,
    UTC_ZONE,
    any_instants,
    at,
    changes_of_clocks,
    instants,
    local,
    near_instants,
    zones,
)
from tests.cases import cases, part

clock_seconds = st.integers(0, 86_399)
weekday_sets = st.frozensets(st.integers(0, 6), min_size=1)
windows = st.builds(
    lambda days, start, end: Window(days, start, end if end != start else (end + 3600) % 86_400),
    weekday_sets,
    clock_seconds,
    st.integers(1, 86_400),
)
untils = st.builds(Until, clock_seconds, weekday_sets) | weekday_sets.filter(lambda days: len(days) < 7).map(
    lambda days: Until(None, days)
)


# --- local times and weekdays -----------------------------------------------------------------------------------------


@given(st.integers(0, 86_400))
def test_a_local_time_is_text_and_back(seconds):
    """R34: "HH:MM", with seconds where there are some; 24:00 is the end of the day."""
    assert parse_clock(write_clock(seconds)) == seconds
    assert len(write_clock(seconds)) == (8 if seconds % 60 else 5)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "9:00",
        "09:60",
        "24:01",
        "24:00:01",
        "25:00",
        "09.00",
        "09:00 ",
        "09:00\n",
        "0900",
        "\u0660\u0669:\u0660\u0660",
        9,
        None,
        9.5,
    ],
)
def test_what_is_no_local_time_is_refused(value):
    """R13: two digits each, 00:00 to 24:00."""
    with pytest.raises(ValueError, match="is not a local time such as '09:00' or '17:30:00'"):
        parse_clock(value)


@given(weekday_sets)
def test_weekdays_are_names_and_back(days):
    """R34: Monday first."""
    names = write_weekdays(days)
    assert list(names) == [WEEKDAYS[day] for day in sorted(days)]
    for form in (names, list(names), ",".join(names), ", ".join(names).lower(), days):
        assert parse_weekdays(form) == days


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_of_weekdays_runs_forward_and_around_the_week(first, last):
    """R34: "FRI-MON" is Friday to Monday, "MON-MON" is Monday."""
    days, day = [first], first
    while day != last:
        day = (day + 1) % 7
        days.append(day)
    assert parse_weekdays(f"{WEEKDAYS[first]}-{WEEKDAYS[last]}") == frozenset(days)


def test_no_weekdays_given_means_all():
    """R34: None is every day; ranges and names can be mixed."""
    assert parse_weekdays(None) == frozenset(range(7))
    assert parse_weekdays("MON-WED,SAT") == frozenset({0, 1, 2, 5})


@pytest.mark.parametrize(
    "value", ["", "MON,", "MONDAY", "MON-", "-MON", "MON-X", "X-MON", "MON FRI", ["MON", 1], [None]]
)
def test_an_unknown_weekday_is_refused_by_name(value):
    """R13: the message lists the names."""
    with pytest.raises(
        ValueError, match="is not a weekday; use MON, TUE, WED, THU, FRI, SAT, SUN or a range such as MON-FRI"
    ):
        parse_weekdays(value)


@pytest.mark.parametrize("value", [[], (), frozenset(), frozenset({7}), 5, {"MON": 1}])
def test_weekdays_must_name_one(value):
    """R13: no weekdays is a mistake, not "never"."""
    with pytest.raises(ValueError, match="names no weekday"):
        parse_weekdays(value)


# --- windows ----------------------------------------------------------------------------------------------------------


def is_open(window, wall):
    """Tell by the wall clock alone whether a window is open: today's, or the overnight one of yesterday."""
    seconds = (wall.hour * 60 + wall.minute) * 60 + wall.second
    today, yesterday = wall.weekday() in window.weekdays, (wall.weekday() - 1) % 7 in window.weekdays
    if window.start < window.end:
        return today and window.start <= seconds < window.end
    return (today and seconds >= window.start) or (yesterday and seconds < window.end)


@cases(40)
@given(
    st.builds(
        lambda days, start, end: Window(days, start * 60, (end if end != start else end + 1) * 60),
        weekday_sets,
        st.integers(0, 1439),
        st.integers(0, 1439),
    ),
    st.sampled_from([UTC_ZONE, ZoneInfo("Asia/Kolkata"), PARIS]),
)
def test_the_next_opening_of_a_window_is_found_like_by_trying_every_minute(window, where):
    """R34: over two weeks without a clock change, checked from every minute that is a multiple of 31."""
    start = at("2026-06-03T22:00:00Z")
    minutes = [start + n * MINUTE for n in range(24 * 60 * 16)]
    following, expected = None, {}
    for instant in reversed(minutes):
        following = instant if is_open(window, to_local(instant, where)) else following
        expected[instant] = following
    for instant in minutes[: 8 * 24 * 60 : 31]:
        assert window.next_open(instant, where) == expected[instant]


@cases(300)
@given(windows, any_instants, zones)
@example(Window("THU", "22:00", "06:00"), at("2011-12-30T13:00:00Z"), APIA)
def test_an_opening_is_never_early_open_and_stays_until_it_comes(window, instant, where):
    """R34: next_open(t) is t when open, never before t; asked later but before the opening it is the same one."""
    opens = window.next_open(instant, where)
    assert instant <= opens <= LAST
    if opens < LAST:
        assert window.next_open(opens, where) == opens
        assert opens - instant <= 9 * DAY
    if opens > instant:
        assert window.next_open((instant + opens) // 2, where) == opens
        assert window.next_open(opens - 1, where) == opens


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        ("2026-11-20T08:59:59", "2026-11-20T09:00"),
        ("2026-11-20T09:00", "2026-11-20T09:00"),
        ("2026-11-20T16:59:59.999999", "2026-11-20T16:59:59.999999"),
        ("2026-11-20T17:00", "2026-11-23T09:00"),
        ("2026-11-21T12:00", "2026-11-23T09:00"),
    ],
)
def test_the_end_of_a_window_is_exclusive(asked, opens):
    """R34: MON-FRI 09:00 to 17:00, asked on a Friday and a Saturday."""
    window = Window("MON-FRI", "09:00", "17:00")
    instant = local_instant(datetime.fromisoformat(asked), PARIS)
    assert to_local(window.next_open(instant, PARIS), PARIS) == datetime.fromisoformat(opens)


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        ("2026-11-20T21:59", "2026-11-20T22:00"),
        ("2026-11-20T23:30", "2026-11-20T23:30"),
        ("2026-11-21T05:59", "2026-11-21T05:59"),
        ("2026-11-21T06:00", "2026-11-27T22:00"),
        ("2026-11-21T22:30", "2026-11-27T22:00"),
        ("2026-11-20T05:00", "2026-11-20T22:00"),
    ],
)
def test_the_weekday_of_an_overnight_window_is_that_of_its_opening(asked, opens):
    """R34: FRI 22:00 to 06:00 is open on Saturday at 05:59, and closed on Friday at 05:00."""
    window = Window(["FRI"], "22:00", "06:00")
    assert iso(window.next_open(at(f"{asked}:00Z"), UTC_ZONE)) == f"{opens}:00.000000Z"


def test_a_window_to_midnight_meets_the_next_day():
    """R34: 24:00 is the end of the day; a whole-day window is always open."""
    evening = Window(None, "20:00", "24:00")
    assert evening.next_open(at("2026-11-20T23:59:59.999999Z"), UTC_ZONE) == at("2026-11-20T23:59:59.999999Z")
    assert evening.next_open(at("2026-11-21T00:00:00Z"), UTC_ZONE) == at("2026-11-21T20:00:00Z")
    always = Window()
    assert all(
        always.next_open(at("2026-03-28T00:00:00Z") + n * HOUR, PARIS) == at("2026-03-28T00:00:00Z") + n * HOUR
        for n in range(72)
    )


def test_a_window_that_lies_in_the_gap_does_not_open_that_day():
    """R33, R34: 02:30 moves to 03:30, which is after the end at 03:15; the next day it opens as ever."""
    window = Window(None, "02:30", "03:15")
    assert (
        to_local(window.next_open(local("2026-03-29T00:00", PARIS), PARIS), PARIS).isoformat() == "2026-03-30T02:30:00"
    )


def test_a_window_is_open_once_in_an_ambiguous_hour():
    """R33, R34: 02:00 to 03:00 spans both; 01:30 to 02:30 ends at the first."""
    first, second = at("2026-10-25T00:45:00Z"), at("2026-10-25T01:15:00Z")
    assert Window(None, "02:00", "03:00").next_open(second, PARIS) == second
    assert Window(None, "01:30", "02:30").next_open(second, PARIS) == local("2026-10-26T01:30", PARIS)
    assert Window(None, "01:30", "02:50").next_open(first, PARIS) == first


def test_an_overnight_window_stays_open_over_a_day_that_an_island_skipped():
    """R34: Samoa went from Thursday 29 to Saturday 31 December 2011; Thursday's night ends on Saturday morning."""
    window = Window("THU", "22:00", "06:00")
    night = local("2011-12-31T03:00", APIA)
    assert window.next_open(night, APIA) == night
    assert to_local(window.next_open(night + 3 * HOUR, APIA), APIA).isoformat() == "2012-01-05T22:00:00"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Window(None, "09:00", "09:00"), "starts and ends at 09:00; say 00:00 to 24:00"),
        (lambda: Window(None, "24:00", "09:00"), "a window cannot start at 24:00; say 00:00"),
        (lambda: Window([], "09:00", "17:00"), "names no weekday"),
        (lambda: Window("MON", "9", "17:00"), "'9' is not a local time"),
        (lambda: Window("MON", -1, "17:00"), "-1 is not a local time"),
        (lambda: Window("MON", 0, 86_401), "86401 is not a local time"),
        (lambda: Window("MON", True, 5), "True is not a local time"),
    ],
)
def test_a_window_that_means_nothing_is_refused(make, message):
    """R13: start = end, no weekdays, what is not a local time."""
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@given(windows)
def test_the_representation_of_a_window_makes_it_again(window):
    """It is shown as it is written."""
    assert eval(repr(window), {"Window": Window}) == window  # noqa: S307 our own text


# --- openings ---------------------------------------------------------------------------------------------------------


@cases(300)
@given(untils, any_instants, zones)
@example(Until("10:00", "FRI"), at("2011-12-30T13:00:00Z"), APIA)
@example(Until("23:45"), at("1919-03-31T04:40:00Z"), TORONTO)
@example(Until(None, "SUN"), at("2018-11-03T12:00:00Z"), SAO_PAULO)
def test_an_opening_is_at_or_after_and_the_same_until_it_comes(until, instant, where):
    """R32, R33: never early; asked between, the same; asked at the opening, itself; with `after`, a later one."""
    opens, later = until.next_opening(instant, where), until.next_opening(instant, where, after=True)
    assert instant <= opens <= later <= LAST
    assert later > instant or later == LAST
    if opens < LAST:
        assert until.next_opening(opens, where) == opens
    if opens > instant:
        assert later == opens
        assert until.next_opening((instant + opens) // 2, where) == opens
        assert until.next_opening(opens - 1, where) == opens


@given(st.builds(Until, clock_seconds, weekday_sets), near_instants)
def test_an_opening_in_utc_is_the_first_such_time(until, instant):
    """R32: found by trying the days one after the other with plain datetimes."""
    moment = from_micros(instant)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    tries = (midnight + timedelta(days=n, seconds=until.time) for n in range(9))
    expected = [each for each in tries if each.weekday() in until.weekdays]
    assert from_micros(until.next_opening(instant, UTC_ZONE)) == next(each for each in expected if each >= moment)
    assert from_micros(until.next_opening(instant, UTC_ZONE, after=True)) == next(
        each for each in expected if each > moment
    )


@pytest.mark.parametrize(
    ("text", "asked", "after", "opens"),
    [
        ("SAT", "2026-11-20T10:00", False, "2026-11-21T00:00"),
        ("SAT", "2026-11-21T10:00", False, "2026-11-21T10:00"),
        ("SAT", "2026-11-21T10:00", True, "2026-11-28T00:00"),
        ("SAT", "2026-11-21T00:00", True, "2026-11-28T00:00"),
        ("SAT,SUN", "2026-11-21T10:00", True, "2026-11-22T00:00"),
        ("FRI 09:00", "2026-11-20T09:00", False, "2026-11-20T09:00"),
        ("FRI 09:00", "2026-11-20T09:00", True, "2026-11-27T09:00"),
        ("FRI 09:00", "2026-11-20T09:00:00.000001", False, "2026-11-27T09:00"),
        ("09:00", "2026-03-28T10:00", False, "2026-03-29T09:00"),
        ("02:30", "2026-03-28T10:00", False, "2026-03-29T03:30"),
        ("02:30", "2026-03-29T03:30", True, "2026-03-30T02:30"),
    ],
)
def test_openings_by_example(text, asked, after, opens):
    """R32, R33, R35: a weekday without a time is any moment of that day; with `after`, the next one."""
    instant = local_instant(datetime.fromisoformat(asked), PARIS)
    assert to_local(Until.parse(text).next_opening(instant, PARIS, after=after), PARIS) == datetime.fromisoformat(opens)


def test_an_ambiguous_time_means_the_first_and_once_past_the_next_day():
    """R33: 02:30 on the day of the autumn change."""
    until = Until("02:30")
    first, second = at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")
    assert until.next_opening(first - 1, PARIS) == first
    assert until.next_opening(first + 1, PARIS) == local("2026-10-26T02:30", PARIS)
    assert until.next_opening(second, PARIS) == local("2026-10-26T02:30", PARIS)


def test_a_time_that_a_change_moves_past_midnight_is_not_lost():
    """R33: Toronto skipped 23:30 to 00:30 in the night to 31 March 1919; 23:45 came as 00:45 the next day."""
    moved = local("1919-03-31T00:45", TORONTO)
    for before in (3 * HOUR, 10 * MINUTE, 1, 0):
        assert Until("23:45").next_opening(moved - before, TORONTO) == moved
    assert Until("23:45").next_opening(moved + 1, TORONTO) == local("1919-03-31T23:45", TORONTO)


@given(untils)
def test_an_opening_is_text_and_back(until):
    """R32: "09:00", "MON", "MON,FRI 09:00"."""
    assert Until.parse(str(until)) == until
    assert Until.parse(until) is until
    assert repr(until) == f"Until('{until}')"


@pytest.mark.parametrize("value", ["", " ", "MON FRI", "MON FRI 09:00", "09:00 MON", "MON 09:00 TUE", None, 9, ["MON"]])
def test_what_is_no_opening_is_refused_with_examples(value):
    """R13: at most one group of weekdays and one time, in this order."""
    with pytest.raises(ValueError, match="is not an opening such as '09:00', 'MON-FRI' or 'MON-FRI 09:00'"):
        Until.parse(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Until, "say a local time such as '09:00', or weekdays such as 'MON', or both"),
        (lambda: Until.parse("MON-SUN"), "say a local time"),
        (lambda: Until("24:00"), "'24:00' is not a moment to wait for; say 00:00"),
        (lambda: Until(86_400), "'24:00' is not a moment"),
        (lambda: Until(-5), "-5 is not a local time"),
        (lambda: Until.parse("MON 25:00"), "'25:00' is not a local time"),
    ],
)
def test_an_opening_that_means_nothing_is_refused(make, message):
    """R13: an opening names a moment or a day."""
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# --- around changes of clocks, and at the end of time ---------------------------------------------------------------


@pytest.mark.unmeasured
def test_openings_around_changes_of_every_zone():
    """R33, R34: an opening is never early, is open, and asking at any instant before it gives the same one."""
    for where, second in part(changes_of_clocks()):
        start = to_local((second - 1) * SECOND, where)
        clock = start.hour * 3600 + start.minute * 60
        asks = (
            Until(clock).next_opening,
            Until(0, frozenset({(start.weekday() + 1) % 7})).next_opening,
            Window(None, (clock - 1800) % 86_400, (clock + 1800) % 86_400).next_open,
        )
        for ask in asks:
            for instant in ((second - 93_600) * SECOND, second * SECOND - 1, second * SECOND):
                opens = ask(instant, where)
                assert opens >= instant
                assert opens - instant < 9 * DAY
                assert ask(opens, where) == opens, (where, second, ask)
                if opens > instant:
                    assert ask((instant + opens) // 2, where) == opens, (where, second, ask)
                    assert ask(opens - 1, where) == opens, (where, second, ask)


def test_nothing_opens_after_the_end_of_time():
    """The last instant stands for never; a wall clock beyond the calendar is read as that of UTC."""
    last_friday = at("9999-12-31T18:00:00Z")
    assert Window("MON-FRI", "09:00", "17:00").next_open(last_friday, UTC_ZONE) == LAST
    assert Until("09:00").next_opening(last_friday, UTC_ZONE) == LAST
    assert Window("FRI", "22:00", "06:00").next_open(last_friday, UTC_ZONE) == last_friday + 4 * HOUR
    assert Window("FRI", "22:00", "06:00").closes(last_friday + 5 * HOUR, UTC_ZONE) == LAST
    assert to_local(LAST, APIA) == datetime.max  # noqa: DTZ901 wall time


def test_openings_show_what_they_are():
    """The representation of an opening makes it again."""
    assert repr(Until("09:00", "MON-FRI")) == "Until('MON-FRI 09:00')"


def test_a_window_may_have_a_zone_of_its_own():
    """R34: then whoever asks in another zone is told the same instants."""
    office, where = Window("MON-FRI", "09:00", "17:00", "America/New_York"), zone("Asia/Tokyo")
    friday, monday = parse_instant("2026-11-20T14:00:00Z"), parse_instant("2026-11-23T14:00:00Z")
    assert office.next_open(parse_instant("2026-11-20T13:59:00Z"), where) == friday
    assert office.next_open(parse_instant("2026-11-20T22:00:00Z"), where) == monday
    assert office.closes(parse_instant("2026-11-20T15:00:00Z"), where) == parse_instant("2026-11-20T22:00:00Z")
    assert repr(office) == "Window('MON-FRI', '09:00', '17:00', 'America/New_York')"
    with pytest.raises(ValueError, match="'Mars' is not an IANA time zone"):
        Window(None, "09:00", "17:00", "Mars")


@given(windows, instants, zones)
def test_a_window_closes_where_it_is_not_open_any_more(window, instant, where):
    """R34: `closes` is the end of the opening, exclusive; a closed window closes at once."""
    closes = window.closes(instant, where)
    if window.next_open(instant, where) > instant or instant == LAST:  # past the end of the calendar nothing is open
        assert closes == instant
    else:
        assert closes > instant
        assert window.next_open(closes - 1, where) == closes - 1


@given(near_instants, zones, st.sampled_from(sorted(PERIODS)))
def test_a_period_of_the_calendar_holds_its_instant(instant, where, period):
    """R31: from local midnight to local midnight, one after the other without a gap."""
    start, end = calendar_period(period, instant, where)
    assert start <= instant < end
    assert calendar_period(period, end, where)[0] == end


def test_a_period_whose_midnight_comes_twice():
    """R33: where a clock is set back from 00:01 to 23:01 the new day has begun at the first midnight."""
    where = zone("America/St_Johns")
    days = [calendar_period("day", parse_instant(f"2006-10-29T0{hour}:00:00Z"), where) for hour in (2, 3)]
    second = parse_instant("2006-10-29T02:45:00Z")  # 23:15 for the second time
    start, end = calendar_period("day", second, where)
    assert start <= second < end
    assert days[1] == (start, end)
    assert calendar_period("day", LAST, zone("UTC"))[1] == LAST


@pytest.mark.parametrize(
    ("until", "window", "at", "moved"),
    [
        ("09:00", None, "2026-01-05T10:00:00Z", "2026-01-06T09:00:00Z"),
        ("09:00", Window(None, "10:00", "12:00"), "2026-01-05T09:30:00Z", "2026-01-05T10:00:00Z"),
        ("09:00", Window(None, "10:00", "12:00"), "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("09:00", Window(None, "10:00", "12:00"), "2026-01-05T10:00:00.000001Z", "2026-01-06T10:00:00Z"),
        ("09:00", Window(None, "08:00", "12:00"), "2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"),
        ("SAT", Window("MON"), "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z"),
        ("SAT", Window("SAT,MON", "10:00", "12:00"), "2026-01-03T11:00:00Z", "2026-01-03T11:00:00Z"),
        ("SAT", Window("SAT,MON", "10:00", "12:00"), "2026-01-03T12:00:00Z", "2026-01-05T10:00:00Z"),
        ("SUN 09:00", Window(None, "10:00", "12:00"), "0001-01-01T00:00:00Z", "0001-01-07T10:00:00Z"),
    ],
)
def test_a_window_moves_an_opening_and_that_is_where_it_is_kept(until, window, at, moved):
    """R32, R34: of the openings so far the last may still be ahead in its window, else the next one counts."""
    assert moved_opening(Until.parse(until), window, parse_instant(at), ZoneInfo("UTC")) == parse_instant(moved)


@cases(200)
@given(untils, windows, near_instants, zones)
def test_a_moved_opening_is_the_first_that_trying_them_all_finds(until, window, instant, where):
    """R32, R34: the window moves each opening of the last weeks and of the next; the first not before counts."""
    moved = moved_opening(until, window, instant, where)
    assert moved >= instant
    assert moved_opening(until, window, moved, where) == moved
    opening = until.next_opening(instant - 30 * DAY, where)
    while window.next_open(opening, where) < instant:
        following = until.next_opening(opening, where, after=True)
        opening = following if until.time is not None or following > instant else max(following, opening)
    assert moved <= window.next_open(opening, where)
