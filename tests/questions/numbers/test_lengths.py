"""How long runs take, counted in lengths that people count in (R85)."""

from datetime import timedelta

from journeyflow import End, Exit, Update, Wait, tag
from journeyflow.basics.moments import DAY, MINUTE
from journeyflow.questions.numbers.lengths import MOST, SIZES, EndedWithin, length_name, round_size
from tests.samples import START


def minutes(count):
    """Return a length of time."""
    return timedelta(minutes=count)


def test_lengths_are_those_that_people_count_in():
    """Minutes, hours, days, weeks, and so on up to a year; thirty of them at most."""
    assert [size // MINUTE for size in SIZES] == [1, 5, 15, 60, 180, 360, 720, 1_440, 2_880, 10_080, 40_320, 524_160]
    assert MOST == 30


def test_a_length_is_the_smallest_of_which_few_suffice():
    """What lasts just so long that thirty do not hold it has the next one; beyond years it is divided by thirty."""
    assert (round_size(30 * MINUTE - 1), round_size(30 * MINUTE)) == (MINUTE, 5 * MINUTE)
    longest = 30 * 364 * DAY
    assert (round_size(longest - 1), round_size(longest)) == (364 * DAY, longest // 30 + 1)


def test_a_length_is_named_by_its_units():
    """Those of which there are none are left out."""
    assert (length_name(DAY + 90 * MINUTE), length_name(61 * MINUTE), length_name(0)) == (
        "1 d 1 h 30 min", "1 h 1 min", "0",
    )  # fmt: skip


def test_runs_are_counted_by_their_own_length_and_end(host):
    """Of this journey alone, and only those that have ended."""
    rest = Wait("rest", event="x", timeout="2 hours", on_event="note", on_timeout="done")
    host.deploy(
        rest,
        Update("note", tag.add("x"), next="rest"),
        End("done"),
        exits=[Exit("quit", event="quit")],
        max_visits=2,
    )
    host.deploy(End("at-once"), id="other")
    for name in ("c1", "c2", "c3", "c4"):
        host.feed("go", START, name)
    host.say("quit", "30 minutes", "c3")
    host.say("x", "1 hour", "c4")
    host.tick("2 hours")
    host.say("go", "3 hours", "c5")
    found = host.engine.time_to_end("j")
    ended = {each.since: (each.completed, each.exited, each.failed) for each in found.lengths if each.total}
    assert ended == {minutes(30): (0, 1, 0), minutes(60): (0, 0, 1), minutes(120): (2, 0, 0)}
    assert [each.until - each.since for each in found.lengths] == [minutes(5)] * 25
    assert (found.within(), found.within(0.2), found.within(0.9)) == (minutes(65), minutes(35), minutes(125))
    assert repr(found) == "TimeToEnd('j': 4 runs ended, half within 65 minutes)"
    rows = found.chart().to_dicts()
    assert [next(iter(row.values())) for row in rows][-2:] == ["1 h 55 min", "2 h"]
    assert set(list(rows[0])[1:]) == {"completed", "exited", "failed"}
    assert list(host.engine.time_to_end("other").chart().to_dicts()[0])[1:] == ["completed"]


def test_all_that_ended_in_a_length_is_its_total():
    """However they ended."""
    assert EndedWithin(minutes(0), minutes(1), 1, 2, 4).total == 7
