"""Dates and time zones of customers that cannot be read: told once, counted, and never a reason to stop (R33, R61)."""

import logging

import pytest

from journeyflow import Cap, Condition, End, Event, Exit, InvalidInput, Policies, Trigger, Update, Wait, field
from tests.samples import after

AUDITED = True


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("ends", 1767225600, "ends is not a date or instant in ISO 8601: 1767225600"),
        ("ends", "2026-01-01T00:00:00z", "ends is not a date or instant in ISO 8601: '2026-01-01T00:00:00z'"),
        ("ends", "01/02/2026", "ends is not a date or instant in ISO 8601: '01/02/2026'"),
        ("seen", ["2026-01-01"], "seen is not a date or instant in ISO 8601: ['2026-01-01']"),
        ("timezone", "Europe/Pari", "timezone is not a time zone: 'Europe/Pari'"),
        ("timezone", 2, "timezone is not a time zone: 2"),
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


@pytest.mark.parametrize("crowd", [1, 40])
def test_what_an_update_sets_is_told_as_what_a_host_puts(host, caplog, crowd):
    """R61: a step that copies an epoch number into a date is told once, for one customer and for a crowd."""
    host.deploy(
        Update("keep", field("ends").set("{{ trigger.ends }}"), field("timezone").set("Mars")),
        Wait("day", field="ends", on_missing=[End("none")]),
        customer_timezone=True,
        reentry="always",
    )
    names = [f"c{number}" for number in range(crowd)]
    for name in names:
        host.feed("go", "1 hour", name, ends=1767225600)
    with caplog.at_level(logging.WARNING, "journeyflow"):
        assert host.tick("1 hour").unreadable == 2 * crowd
    assert caplog.messages[:2] == [
        "tenant 'default', customer 'c0': ends is not a date or instant in ISO 8601: 1767225600",
        "tenant 'default', customer 'c0': timezone is not a time zone: 'Mars'",
    ]
    assert host.say("go", "2 hours", "c0", ends=1).unreadable == 0


@pytest.mark.parametrize("crowd", [1, 40])
def test_dates_in_events_that_no_journey_can_read_are_told_with_every_event(host, caplog, crowd):
    """R61: the data of a trigger, of an awaited event, and of an exit, under the type of the event."""
    host.deploy(
        Wait("paid", event="paid", where=field("event.on").before("2027-01-01"), timeout="1 week"),
        Condition("due", field("wait.paid.due").after(field("trigger.start"))),
        Wait("start", field="trigger.start", on_missing=[End("none")]),
        exits=[Exit("moved", event="moved", where=field("when").within_last("1 week"))],
    )
    for number in range(crowd):
        host.feed("go", "1 hour", f"c{number}", start="01/02/2026", on="soon", due="soon")
    host.feed("paid", "2 hours", "c0", on="2026-01-02", due=5, start="soon")
    host.feed("moved", "3 hours", "c0", when="tomorrow", due="soon")
    host.feed("moved", "3 hours", "c0")
    host.feed("other", "3 hours", "c0", when="tomorrow", on="soon", start="soon", due="soon")
    with caplog.at_level(logging.WARNING, "journeyflow"):
        assert host.tick("4 hours").unreadable == crowd + 2
    assert [message.partition(": ")[2] for message in caplog.messages[crowd - 1 :]] == [
        "go.start is not a date or instant in ISO 8601: '01/02/2026'",
        "paid.due is not a date or instant in ISO 8601: 5",
        "moved.when is not a date or instant in ISO 8601: 'tomorrow'",
    ]


def test_an_event_that_came_before_is_not_told_again(host):
    """R26, R61: a redelivered event is a duplicate, whose date nobody reads."""
    host.deploy(Wait("start", field="trigger.start", on_missing=[End("none")]))
    host.put("0 hours", name="Ann")
    for hour in (1, 2):
        host.engine.feed(Event("go", customer="c1", at=after(f"{hour} hours"), id="e1", data={"start": 5}))
        assert host.tick(f"{hour} hours").unreadable == (hour == 1)


def test_what_cannot_be_read_is_listed_as_it_stands(host):
    """By customer and attribute, page by page; what is mended is gone, and so are the forgotten (R61, R84)."""
    host.deploy(Wait("day", field="customer.day.of", on_missing=[End("none")]), customer_timezone=True)
    host.put("0 hours", "ann", day={"of": "soon"}, timezone="Mars", born="soon")
    host.put("0 hours", "bob", day={"of": 5}, timezone="Europe/Paris")
    host.put("0 hours", "eve", timezone=2)
    host.tick("1 hour")
    page = host.engine.unreadable()
    assert [(each.customer, each.attribute, each.value) for each in page] == [
        ("ann", "day.of", "soon"),
        ("ann", "timezone", "Mars"),
        ("bob", "day.of", 5),
        ("eve", "timezone", 2),
    ]
    assert (page.total, page.more, {each.tenant for each in page}) == (4, False, {"default"})
    first = host.engine.unreadable(take=1, skip=1)
    assert [each.attribute for each in first] == ["timezone"]
    rest = host.engine.unreadable(after=first.cursor)
    assert ([each.customer for each in rest], rest.total, rest.cursor) == (["bob", "eve"], 4, None)
    host.put("2 hours", "ann", day={"of": "2026-03-01"}, timezone=None)
    host.engine.forget("eve", at=after("2 hours"))
    host.tick("3 hours")
    assert [each.customer for each in host.engine.unreadable()] == ["bob"]
    assert host.engine.tenant("other").unreadable().total == 0
    for cursor in (7, "[", '["ann"]', '["ann", 1]'):
        with pytest.raises(InvalidInput, match=r"after: .* is not a cursor of such a page"):
            host.engine.unreadable(after=cursor)


def test_what_is_put_is_no_event_of_that_name(host):
    """R61: an event may have the name of a call."""
    host.deploy(Wait("day", field="trigger.day", on_missing=[End("none")]), trigger=Trigger("put"))
    host.put("0 hours", "ann", day="soon")
    host.tick("1 hour")
    assert host.engine.unreadable().total == 0
    host.say("put", "2 hours", "ann", day="soon")
    assert [each.attribute for each in host.engine.unreadable()] == ["put.day"]


def test_dates_of_events_are_listed_once_for_each_customer(host):
    """R61: what the newest event of a type says; a duplicate says nothing, one that waits for a tick not yet."""
    host.deploy(
        Wait("start", field="trigger.start", on_missing=[End("none")]),
        exits=[Exit("moved", event="moved", where=field("event.to.day").within_last("1 week"))],
        reentry="always",
    )
    host.put("0 hours", "ann", name="Ann")
    for hour, start in enumerate(("soon", "01/02/2026"), 1):
        host.say("go", f"{hour} hours", "ann", start=start)
    host.engine.feed(Event("moved", customer="bob", at=after("1 hour"), id="e1", data={"to": {"day": 5}}))
    host.tick("2 hours")
    host.engine.feed(Event("moved", customer="bob", at=after("3 hours"), id="e1", data={"to": {"day": "2026-01-01"}}))
    host.say("other", "3 hours", "eve", start="soon")
    host.say("go", "3 hours", "eve")
    host.feed("go", "9 hours", "eve", start="soon")
    host.tick("3 hours")
    assert [(each.customer, each.attribute, each.value) for each in host.engine.unreadable()] == [
        ("ann", "go.start", "01/02/2026"),
        ("bob", "moved.to.day", 5),
    ]
    first = host.engine.unreadable(take=1)
    assert (first.total, [each.customer for each in host.engine.unreadable(after=first.cursor)]) == (2, ["bob"])
    host.feed("go", "4 hours", "ann", start="never")  # at one instant, what was told last counts
    host.say("go", "4 hours", "ann", start="2026-02-01")
    host.engine.forget("bob", at=after("4 hours"))
    assert host.engine.unreadable().total == 0
    assert host.engine.tenant("other").unreadable().total == 0
    host.tick("9 hours")
    assert [each.customer for each in host.engine.unreadable()] == ["eve"]
