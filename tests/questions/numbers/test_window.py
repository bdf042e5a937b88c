"""Which days a question about numbers is about, and which questions are refused (R82, F189)."""

from datetime import date, timedelta

import pytest
from attrs import evolve

from journeyflow import InvalidInput, Send
from journeyflow.basics.moments import zone
from journeyflow.questions.numbers.window import MAX_DAYS, Asked, window
from tests.samples import START, Host, after, open_engine


@pytest.mark.parametrize(
    ("question", "faults"),
    [
        ({"since": "2026-02-30"}, ["since: str '2026-02-30' is not a date such as '2026-01-31'"]),
        ({"since": "2026/01/05"}, ["since: str '2026/01/05' is not a date such as '2026-01-31'"]),
        ({"until": "20260105"}, ["until: str '20260105' is not a date such as '2026-01-31'"]),
        ({"since": "2026-W01-1"}, ["since: str '2026-W01-1' is not a date such as '2026-01-31'"]),
        ({"until": " 2026-01-05"}, ["until: str ' 2026-01-05' is not a date such as '2026-01-31'"]),
        ({"until": "\uff12026-01-05"}, ["until: str '\uff12026-01-05' is not a date such as '2026-01-31'"]),
        ({"since": 20260105}, ["since: int 20260105 is not a date such as '2026-01-31'"]),
        ({"since": "2026-01-06", "until": "2026-01-05"}, ["since: 2026-01-06 is after until 2026-01-05"]),
        ({"since": "2026-01-09"}, ["since: 2026-01-09 is after until 2026-01-08"]),
        (
            {"since": "0001-01-01"},
            [f"since: from 0001-01-01 to 2026-01-08 it is more than {MAX_DAYS} days; ask for fewer"],
        ),
        ({"domain": "a b"}, ["domain: str 'a b' is not a mailbox domain such as 'example.com'"]),
        ({"domain": "*"}, ["domain: str '*' is not a mailbox domain such as 'example.com'"]),
        ({"domain": 5}, ["domain: int 5 is not a mailbox domain such as 'example.com'"]),
        ({"channel": 5}, ["channel: int 5 is not a channel such as 'EMAIL'"]),
        ({"step": 5}, ["step: must be text, not int 5"]),
        (
            {"channel": "\ud800"},
            ["channel: contains a lone surrogate, which is not valid text (a file must be UTF-8)"],
        ),
        ({"since": "2026-01-09", "until": "y"}, ["until: str 'y' is not a date such as '2026-01-31'"]),
        ({"since": "0001-01-01", "until": "y"}, ["until: str 'y' is not a date such as '2026-01-31'"]),
        (
            {"since": "x", "until": "y", "domain": "@"},
            [
                "since: str 'x' is not a date such as '2026-01-31'",
                "until: str 'y' is not a date such as '2026-01-31'",
                "domain: str '@' is not a mailbox domain such as 'example.com'",
            ],
        ),
    ],
)
@pytest.mark.rows(189, 228)
def test_wrong_questions_are_told_all_at_once(question, faults):
    """Dates are strict, start may equal end but not follow it, and everything is told together (R82, F189, F228)."""
    with open_engine("memory") as engine:
        Host(engine).deploy(Send("hello", channel="EMAIL", template="t"))
        with pytest.raises(InvalidInput) as caught:
            engine.stats("j", at=after("3 days"), **question)
        assert caught.value.faults == tuple(faults)


def test_a_datetime_is_no_date():
    """A day is a day: what has a time is refused rather than cut off (R82)."""
    with pytest.raises(InvalidInput, match="since: datetime"):
        window(Asked(0, since=START), zone("UTC"))


def test_windows_reach_the_far_ends_of_the_calendar():
    """The first day there is has no thirty before it (R82)."""
    assert window(Asked(0, until="0001-01-05"), zone("UTC"))[0] == date(1, 1, 1)
    assert len(window(Asked(0, since="9999-12-01", until="9999-12-31"), zone("UTC"))) == 31
    assert len(window(Asked(0, since=date(2026, 1, 1), until=date(2026, 1, 1)), zone("UTC"))) == 1


def test_a_window_of_ten_years_is_the_longest():
    """3,660 days are answered, 3,661 are refused (R82)."""
    until = date(2026, 1, 8)
    longest = Asked(0, since=until - timedelta(days=3_659), until=until)
    assert len(window(longest, zone("UTC"))) == MAX_DAYS == 3_660
    with pytest.raises(InvalidInput, match="it is more than 3660 days; ask for fewer"):
        window(evolve(longest, since=until - timedelta(days=3_660)), zone("UTC"))
