"""Instants as people see them: in UTC, or in the zone that was chosen."""

from contextvars import copy_context
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from journeyflow.basics.moments import DAY
from journeyflow.basics.showing import SHOWN_IN, in_words, local, shown_at


def shown(zone: str | None, at: datetime) -> tuple[str, str]:
    """Return an instant as text and as a local time in a zone, which is chosen for this call alone."""

    def choose() -> tuple[str, str]:
        SHOWN_IN.set(None if zone is None else ZoneInfo(zone))
        return shown_at(at), local(at).isoformat()

    return copy_context().run(choose)


@pytest.mark.parametrize(
    ("zone", "text", "iso"),
    [
        (None, "2026-07-01 22:30:05", "2026-07-01T22:30:05+00:00"),
        ("UTC", "2026-07-01 22:30:05", "2026-07-01T22:30:05+00:00"),
        ("Europe/Paris", "2026-07-02 00:30:05", "2026-07-02T00:30:05+02:00"),
        ("America/New_York", "2026-07-01 18:30:05", "2026-07-01T18:30:05-04:00"),
    ],
)
def test_an_instant_is_shown_in_the_zone_that_was_chosen(zone, text, iso):
    """Without one in UTC; the choice ends with the context in which it was made."""
    assert shown(zone, datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)) == (text, iso)
    assert SHOWN_IN.get() is None


def test_where_the_calendar_of_a_zone_ends_an_instant_is_in_utc():
    """The last hours of year 9999 have no local time east of Greenwich."""
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert shown("Europe/Paris", last) == ("9999-12-31 23:59:00", "9999-12-31T23:59:00+00:00")


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "no time"), (DAY, "1 day"), (DAY + 60_000_000, "1 day 1 minute"), (90_000_000, "90 seconds")],
)
def test_a_length_of_time_in_words(micros, text):
    """In days of 24 hours and what is left of them."""
    assert in_words(micros) == text
