"""Pulls as they are defined: what they may be, and how they stand in a file (R13, R27)."""

import pytest

from journeyflow import (
    End,
    InvalidJourney,
    Journey,
    Pull,
    Reentry,
    Trigger,
    Window,
    field,
    problems,
)
from journeyflow.basics.durations import Duration
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import from_dict, loads_journey
from tests.work.test_pulls import DAILY

WHOLE = Journey(
    id="j",
    trigger=Trigger.every(
        "1 hour",
        list="news",
        size=[10, 20],
        window=Window("MON-FRI", "09:00", "17:00"),
        times=2,
        within="30 days",
        where=field("plan").eq("trial"),
    ),
    reentry="always",
    steps=[End("done")],
)


@pytest.mark.rows(226)
def test_a_schedule_is_written_and_read():
    """All options stand in the journey file, and come back equal."""
    assert loads_journey(dumps_journey(WHOLE)) == WHOLE
    assert repr(WHOLE.trigger.pull) == (
        "Pull('1 hour', list='news', size=(10, 20), window=Window('MON-FRI', '09:00', '17:00'),"
        " times=2, within='30 days')"
    )
    assert Trigger.every("1 day").pull == Pull("1 day") == Pull(Duration.parse("1 day"))


@pytest.mark.rows(226)
@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"every": "59 seconds"}, ["trigger.pull.every: pulls are a minute apart at least, not '59 seconds'"]),
        ({"every": "-1 day"}, ["trigger.pull.every: the duration '-1 day' does not lead forward"]),
        (
            {"every": 5},
            ["trigger.pull.every: 5 is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H'"],
        ),
        (
            {"every": "1 day", "list": "", "size": 0, "times": True},
            [
                "trigger.pull.list: the list must not be empty",
                "trigger.pull.size: expected a whole number from 1 up, not int 0",
                "trigger.pull: times and within go together: that many entries within that time",
                "trigger.pull.times: expected a whole number from 1 up, not bool True",
            ],
        ),
        (
            {"every": "1 day", "size": [3, 2], "within": "1 day", "window": "MON"},
            [
                "trigger.pull.window: expected a Window such as Window('MON-FRI', '09:00', '17:00'), not str 'MON'",
                "trigger.pull.size: the least, 3, is more than the most, 2",
                "trigger.pull: times and within go together: that many entries within that time",
            ],
        ),
        (
            {"every": "1 day", "size": [-1, 0], "times": 0, "within": "0 days"},
            [
                "trigger.pull.size[0]: expected a whole number from 0 up, not int -1",
                "trigger.pull.size[1]: expected a whole number from 1 up, not int 0",
                "trigger.pull.within: the duration '0 seconds' does not lead forward",
                "trigger.pull.times: expected a whole number from 1 up, not int 0",
            ],
        ),
        ({"every": "1 day", "size": [1]}, ["trigger.pull.size: expected the least and the most, not 1 numbers"]),
    ],
)
def test_all_that_is_wrong_with_a_schedule_is_told(said, faults):
    """Every fault at once, with its place (R13)."""
    with pytest.raises(InvalidJourney) as error:
        Journey(id="j", trigger=Trigger(pull=Pull(**said)), steps=[End("done")])
    assert [f"{each.path}: {each.message}" for each in error.value.problems] == faults


@pytest.mark.parametrize(
    ("trigger", "more", "fault"),
    [
        (Trigger("go", pull=Pull("1 day")), {}, "trigger: say either an event type or a pull"),
        (
            Trigger(manual=True, pull=Pull("1 day")),
            {},
            "trigger: a manual trigger has neither event nor criteria nor pull",
        ),
        (
            Trigger(pull="1 day"),  # type: ignore[arg-type]  # wrong on purpose
            {},
            "trigger.pull: expected a Pull such as Pull('1 day', list='news'), not str '1 day'",
        ),
        (
            Trigger.every("1 day"),
            {"reentry": Reentry("never", key="event.cart")},
            "reentry_key: a pull has no data, and so no key; people are in a journey that pulls them in once at a time",
        ),
        (
            Trigger.every("1 day", where=field("event.n").eq(1)),
            {},
            "trigger.where: 'event.n': no event is at hand here; say trigger.x, or wait.<step>.x",
        ),
    ],
)
def test_a_schedule_goes_with_no_event(trigger, more, fault):
    """Nothing happened, so there are no data (R13, R59)."""
    with pytest.raises(InvalidJourney) as error:
        Journey(id="j", trigger=trigger, steps=[End("done")], **more)
    assert [f"{each.path}: {each.message}" for each in error.value.problems] == [fault]


def test_who_comes_once_cannot_come_too_often():
    """A bound on entries where nobody comes again is surely not meant: a warning (R13)."""
    said = Trigger.every("1 day", times=2, within="30 days")
    found = problems(Journey(id="j", trigger=said, steps=[End("done")]))
    assert [(each.severity, each.path) for each in found] == [("warning", "trigger.pull.times")]
    assert problems(WHOLE) == ()


def test_a_file_with_a_broken_schedule_tells_all_of_it():
    """Strict like every part of a file."""
    pull = {"evry": "1 day", "size": [1, "x"], "times": "2", "window": {"start": "25:00"}}
    with pytest.raises(InvalidJourney) as error:
        from_dict({"format": 1, "id": "j", "trigger": {"pull": pull}, "steps": []})
    assert sorted((each.path, each.code) for each in error.value.problems) == [
        ("trigger.pull.every", "missing"),
        ("trigger.pull.evry", "unknown-key"),
        ("trigger.pull.size[1]", "type"),
        ("trigger.pull.times", "type"),
        ("trigger.pull.window.start", "time"),
    ]


def test_another_system_cannot_say_a_schedule():
    """It is among the losses."""
    assert ("trigger.pull", "every journey starts with an event there, none gets people on a schedule") in [
        (loss.path, loss.sentence) for loss in write(Journey(id="j", trigger=DAILY, steps=[End("done")]))[1]
    ]
