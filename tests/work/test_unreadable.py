"""Dates and time zones of customers that cannot be read: told once, counted, and never a reason to stop (R33, R61)."""

import logging

import pytest

from journeyflow import Cap, Condition, End, Exit, Policies, Wait, field
from tests.samples import STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store."""
    with open_engine(request.param) as engine:
        yield Host(engine)
        assert engine.audit() == []


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("ends", 1767225600, "ends is no date or instant in ISO 8601: 1767225600"),
        ("ends", "2026-01-01T00:00:00z", "ends is no date or instant in ISO 8601: '2026-01-01T00:00:00z'"),
        ("ends", "01/02/2026", "ends is no date or instant in ISO 8601: '01/02/2026'"),
        ("seen", ["2026-01-01"], "seen is no date or instant in ISO 8601: ['2026-01-01']"),
        ("timezone", "Europe/Pari", "timezone is no time zone: 'Europe/Pari'"),
        ("timezone", 2, "timezone is no time zone: 2"),
    ],
)
def test_what_no_journey_can_read_is_told_once_for_each_customer(host, caplog, attribute, value, said):
    """When it comes, in the log and in the count of the tick; the journeys go on as without it."""
    host.deploy(
        Wait("day", field="customer.ends", on_missing=[End("none")]),
        exits=[Exit("late", when=field("seen").before(field("now")))],
        customer_timezone=True,
    )
    host.put("0 hours", **{attribute: value})
    host.put("1 hour", **{attribute: [value, "again"]}, name="Ann")
    host.feed("field.changed", "2 hours", "c2", field=attribute, new=value)
    with caplog.at_level(logging.WARNING, "journeyflow"):
        assert host.tick("3 hours").unreadable == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"tenant 'default', customer {name!r}: {said}" for name in ("c1", "c2")
    ]
    host.put("4 hours", **{attribute: None})
    host.put("5 hours", **{attribute: value})
    assert host.tick("6 hours").unreadable == 1


def test_what_can_be_read_or_is_read_by_nobody_is_not_told(host):
    """Dates, instants and zones; attributes that no rule reads as a date; the zone where nobody asks for it."""
    host.deploy(
        Condition("seen", field("seen").within_last("1 day") | field("trigger.day").after(field("ends"))), End("done")
    )
    host.put("0 hours", seen="2026-01-01", ends="2026-01-01T00:00:00+01:00", born="soon", day=5, timezone="Nowhere")
    assert host.tick("1 hour").unreadable == 0
    host.engine.set_policies(Policies(caps=[Cap(1, per="day")]), at=after("2 hours"))
    host.put("3 hours", "c2", timezone="Nowhere")
    assert host.tick("3 hours").unreadable == 1
