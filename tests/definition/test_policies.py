"""Policies as values: caps, quiet hours, and what holds when (R31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Cap, InvalidInput, Policies, QuietHours
from journeyflow.basics.durations import add
from journeyflow.basics.hours import PERIODS, calendar_period
from journeyflow.basics.moments import DAY, HOUR, LAST, zone
from journeyflow.definition.policies import MAX_PARTS, PolicyHistory, Terms

UTC, PARIS = zone("UTC"), zone("Europe/Paris")

rolling = st.builds(
    lambda count, hours: Cap(count, within=f"{hours} hours"), st.integers(1, 4), st.integers(1, 72)
) | st.builds(lambda count, days: Cap(count, within=f"{days} days"), st.integers(1, 4), st.integers(1, 40))
calendar = st.builds(lambda count, per: Cap(count, per=per), st.integers(1, 4), st.sampled_from(sorted(PERIODS)))
zones = st.sampled_from([UTC, PARIS, zone("America/St_Johns"), zone("Pacific/Apia"), zone("Asia/Kathmandu")])
instants = st.integers(0, 60 * 24).map(lambda hours: 1_774_000_000_000_000 + hours * HOUR)


def counted(cap, sent, at, where):
    """Count as R31 says, one by one."""
    if cap.per is not None:
        start, end = calendar_period(cap.per, at, where)
        return len([each for each in sent if start <= each < end])
    return len([each for each in sent if add(each, cap.within, where) > at])


@given(rolling, st.lists(instants, max_size=8), instants, zones)
def test_a_rolling_cap_opens_at_the_first_instant_at_which_fewer_count(cap, sent, at, where):
    """R31: at the opening fewer count than the cap allows, a moment before not."""
    opens = cap.opens(sent, at, where)
    assert counted(cap, sent, opens, where) < cap.count
    assert opens == at or counted(cap, sent, opens - 1, where) >= cap.count
    assert opens >= at


@given(calendar, st.lists(instants, max_size=8), instants, zones)
def test_a_cap_of_the_calendar_opens_now_or_with_the_next_period(cap, sent, at, where):
    """R31: when the period is full the next one is asked."""
    opens = cap.opens(sent, at, where)
    full = counted(cap, sent, at, where) >= cap.count
    assert opens == (calendar_period(cap.per, at, where)[1] if full else at)
    assert opens > at or not full


@given(rolling | calendar, st.lists(instants, max_size=8), instants, zones)
def test_what_lies_beyond_its_reach_does_not_count(cap, sent, at, where):
    """A store need not load what is older than `reach`: it changes no answer."""
    near = [each for each in sent if each >= at - cap.reach]
    assert cap.opens(near, at, where) == cap.opens(sent, at, where)


def test_a_cap_counts_what_was_sent_later_too():
    """R31, as R23 has it: a rolling length of time never holds more, whichever was handled first."""
    assert Cap(1, within="1 hour").opens([2 * HOUR], HOUR, UTC) == 3 * HOUR
    assert Cap(1, per="day").opens([25 * HOUR], HOUR, UTC) == HOUR


def test_caps_at_the_end_of_the_calendar():
    """Nothing raises in the year 9999."""
    assert Cap(1, within="1 year").opens([LAST - 1], LAST - 1, UTC) == LAST
    assert Cap(1, per="month").opens([LAST - DAY], LAST - 1, UTC) == LAST


def test_all_faults_at_once():
    """Every fault with its place and what to write instead."""
    with pytest.raises(InvalidInput) as raised:
        Policies(
            caps=[
                Cap(-1, per="days"),
                Cap(True, within="soon"),
                Cap(1),
                Cap(1, per="day", within="1 day", channel=""),
                Cap(1, within="-1 day", over="hold"),
                Cap(1, within="1 day -25 hours", over=None),  # type: ignore[arg-type]  # told about
                Cap(1.5, per=7),  # type: ignore[arg-type]  # told about
                "three a day",
                QuietHours("22:00", "08:00"),
            ],
            quiet=[QuietHours("22:00", "08:00", channel=5), Cap(1, per="day")],  # type: ignore[arg-type]  # wrong on purpose
            timezone="Paris",
        )
    assert list(raised.value.faults) == [
        "caps[0].count: must be 0 or more, or None for no cap, not int -1",
        "caps[0].per: must be 'day', 'week' or 'month', not str 'days' (did you mean 'day'?)",
        "caps[1].count: must be 0 or more, or None for no cap, not bool True",
        "caps[1].within: str 'soon' is not a duration such as '24 hours' or '7 days'",
        "caps[2]: say either per='day', 'week' or 'month', or within= a length of time such as '7 days'",
        "caps[3].channel: must not be empty",
        "caps[3]: say either per='day', 'week' or 'month', or within= a length of time such as '7 days'",
        "caps[4].within: must lead forward, not '-1 day'",
        "caps[4].over: must be 'skip' or 'defer', not str 'hold'",
        "caps[5].within: must lead forward, not '1 day -25 hours'",
        "caps[5].over: must be 'skip' or 'defer', not null",
        "caps[6].count: must be 0 or more, or None for no cap, not float 1.5",
        "caps[6].per: must be 'day', 'week' or 'month', not int 7",
        "caps[7]: must be Cap(...), not str 'three a day'",
        "caps[8]: must be Cap(...), not QuietHours QuietHours('22:00', '08:00')",
        "quiet[0].channel: must be text, not int 5",
        "quiet[1]: must be QuietHours(...), not Cap Cap(1, per='day')",
        "timezone: 'Paris' is not an IANA time zone such as 'Europe/Paris'",
    ]


def test_a_list_is_wanted():
    """One cap without a list around it, or hundreds of them, are told as such."""
    with pytest.raises(InvalidInput, match=r"caps: must be a list of Cap, not Cap Cap\(1, per='day'\)"):
        Policies(caps=Cap(1, per="day"))
    with pytest.raises(InvalidInput, match=f"caps: {MAX_PARTS + 1} are too many; at most {MAX_PARTS}"):
        Policies(caps=[Cap(1, per="day")] * (MAX_PARTS + 1))


@pytest.mark.parametrize("hours", [("22:00", "22:00"), ("24:00", "08:00"), ("25:00", "08:00"), ("22", "08:00")])
def test_quiet_hours_that_cannot_be(hours):
    """R34: refused where they are written, as a window is."""
    with pytest.raises(ValueError, match=r"window|local time"):
        QuietHours(*hours)


def test_policies_show_what_was_said():
    """A repr that can be written back."""
    policies = Policies(
        caps=[Cap(3, per="day", channel="EMAIL", over="defer"), Cap(None, within="1 week")],
        quiet=[QuietHours("22:00", "08:00"), QuietHours("00:00", "24:00", weekdays="SAT,SUN", channel="SMS")],
        timezone="Europe/Paris",
    )
    assert eval(repr(policies)) == policies  # noqa: S307 our own repr
    assert repr(Policies()) == "Policies()"


def test_terms_know_what_binds_a_channel():
    """What is off binds nothing; a channel has its own and those of all."""
    everything, mail, off = Cap(1, per="day"), Cap(2, per="day", channel="EMAIL"), Cap(None, per="week")
    night = QuietHours("22:00", "08:00", channel="SMS")
    terms = Terms(Policies(caps=[everything, mail, off], quiet=[night], timezone="Europe/Paris"))
    assert [terms.caps(channel) for channel in ("EMAIL", "SMS")] == [(everything, mail), (everything,)]
    assert [terms.quiet(channel) for channel in ("EMAIL", "SMS")] == [(), (night.hours,)]
    assert (terms.zone, Terms(Policies()).zone) == (PARIS, None)


def test_a_timeline_gives_the_terms_of_an_instant():
    """R11: from their instant on; of two at one instant those that were set last; None before the first."""
    first, second, third = (Terms(Policies(caps=[Cap(n, per="day")])) for n in (0, 1, 2))
    timeline = PolicyHistory(((5, first), (7, second), (7, third)))
    assert [timeline.at(instant) for instant in (4, 5, 6, 7, 8)] == [None, first, first, third, third]
    assert timeline.newest == (7, third.policies)
    assert timeline.reach == 3 * DAY
    assert PolicyHistory(((5, first),)).reach is None
