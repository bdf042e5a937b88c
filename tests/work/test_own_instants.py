"""What was promised is kept, and own instants decide: openings behind windows, timeouts found late (R5, R32)."""

from datetime import timedelta

import pytest

from journeyflow import End, Wait, Window
from tests.samples import START, after, utc

LATE = Window("MON-FRI", "10:00", "17:00")
"""START is a Monday, 08:00 UTC."""


ENGINE = {"grace": "1 hour"}
AUDITED = True


# --- an opening that its window moves ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "window", "end"),
    [
        ("09:00", LATE, "2026-01-05 10:00"),
        ("09:00", Window("SAT,SUN"), "2026-01-10 00:00"),
        ("SAT 09:00", LATE, "2026-01-12 10:00"),
        ("SAT", LATE, "2026-01-12 10:00"),
        ("SAT", Window("SAT,MON", "10:00", "17:00"), "2026-01-10 10:00"),
        ("09:00", Window("MON-FRI", "09:00", "17:00"), "2026-01-05 09:00"),
        ("09:00", Window(None, "22:00", "06:00"), "2026-01-05 22:00"),
        ("09:00", Window(None, "09:00", "10:00", "Asia/Tokyo"), "2026-01-06 00:00"),
    ],
)
def test_an_opening_is_kept_however_far_its_window_moves_it(host, until, window, end):
    """The wait is over when the window opens; the next opening is none of its business (R32)."""
    host.deploy(Wait("open", until=until, window=window), End("done"))
    host.say("go")
    assert host.engine.next_due() == utc(end)
    host.tick(utc(end))
    assert (host.path(), host.left("open")) == (["open elapsed", "done"], utc(end))


def test_a_day_that_is_over_has_been_open_to_its_end(host):
    """Entered in the evening of a day that is waited for: the window opens on another day, and then it is over."""
    host.deploy(Wait("open", until="MON", window=Window("MON,WED", "10:00", "17:00")), End("done"))
    host.say("go", "10 hours")
    host.tick("2 days 2 hours")
    assert host.left("open") == utc("2026-01-07 10:00")


def test_a_loop_over_a_moved_opening_goes_round_once_a_day(host):
    """Each round waits for the next opening (R35)."""
    host.deploy(Wait("open", until="09:00", window=LATE, next="open"), max_visits=4)
    host.say("go")
    for day in range(5):
        host.tick(f"{day} days 2 hours")
    lefts = [visit.left_at for visit in host.engine.enrollment("j", "c1").visits]
    assert lefts[:4] == [utc(f"2026-01-{day} 10:00") for day in ("05", "06", "07", "08")]


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ("2 hours 30 minutes", "2026-01-05 10:00"),
        ("9 hours 30 minutes", "2026-01-06 10:00"),
        ("1 day 1 hour", "2026-01-06 10:00"),
    ],
)
def test_a_moved_opening_that_is_found_late_is_looked_for_again(host, found, left):
    """Later than grace, the next opening counts that its window moves to then or later, and it is kept as well (R5)."""
    host.deploy(Wait("open", until="09:00", window=LATE), End("done"))
    host.say("go")
    host.tick(found)
    host.tick("40 days")
    assert host.left("open") == utc(left)


def test_a_pause_looks_for_a_moved_opening_again_and_keeps_that_one(host):
    """Held by a pause, it waits for the next one; that one is kept (R16)."""
    host.deploy(Wait("open", until="09:00", window=LATE), End("done"))
    host.say("go")
    host.engine.pause("j", at=after("1 hour"))
    host.tick("3 hours")
    host.engine.resume("j", at=after("3 hours"))
    host.tick("3 hours")
    assert host.engine.next_due() == utc("2026-01-06 10:00")
    host.tick("26 hours")
    assert host.left("open") == utc("2026-01-06 10:00")


# --- timeouts that are found late -------------------------------------------------------------------------------------


def asking(host, **options):
    """Deploy a wait of an hour for an answer, whose timeout waits for a window."""
    host.deploy(
        Wait("answer", event="paid", timeout="3 hours", window=LATE, on_event="yes", **options), End("no"), End("yes")
    )
    host.say("go")


@pytest.mark.parametrize(
    ("paid", "last"), [("2 hours 59 minutes", "yes"), ("3 hours", "yes"), ("3 hours 1 minute", "no")]
)
@pytest.mark.parametrize("told", ["before", "after"])
def test_a_timeout_found_late_behind_a_closed_window_is_not_beaten_by_a_later_event(host, paid, last, told):
    """The own instants of event and timeout decide, whenever they are found and whatever the window says (R5)."""
    asking(host)
    if told == "before":
        host.feed("paid", paid)
    host.tick("12 hours")
    if told == "after":
        host.feed("paid", paid)
        host.tick("13 hours")
    host.tick("3 days")
    assert host.path()[-1] == last
    if last == "no":
        assert host.left("answer") == utc("2026-01-06 10:00")


def test_a_timeout_that_its_window_moves_can_be_beaten_until_it_opens(host):
    """The window moves the end of the timeout itself: an event before that is in time (R32)."""
    host.deploy(Wait("answer", event="paid", timeout="1 hour", window=LATE, on_event="yes"), End("no"), End("yes"))
    host.say("go")
    host.say("paid", "90 minutes")
    assert host.path() == ["answer event", "yes"]


def test_a_timeout_that_a_pause_held_is_not_beaten_behind_a_window_either(host):
    """The window is closed at the resume: what came after the timeout does not win by that (R5, R16)."""
    asking(host)
    host.engine.pause("j", at=after("2 hours"))
    host.tick("4 hours")
    host.engine.resume("j", at=after("12 hours"))
    host.tick("12 hours")
    host.engine.pause("j", at=after("13 hours"))
    host.engine.resume("j", at=after("14 hours"))
    host.say("paid", "15 hours")
    host.tick("26 hours")
    assert (host.path(), host.left("answer")) == (["answer timeout", "no"], START + timedelta(hours=26))


def test_the_resume_of_a_journey_moves_no_timeout_that_waits_for_its_window(host):
    """Only what a pause holds is let go by a resume (R16)."""
    asking(host)
    host.tick("12 hours")
    host.engine.pause("j", at=after("13 hours"))
    host.engine.resume("j", at=after("14 hours"))
    assert host.engine.next_due() == after("26 hours")
