"""Commands that know journey files before they run."""

import json

import pytest

from journeyflow import End, Journey, Send, Trigger, Wait
from journeyflow.formats.native import dumps_journey
from tests.cli.shell import call


def written(path, days):
    """Write a journey of two messages some days apart."""
    first, second = (Send(name, channel="E", template=name) for name in ("a", "b"))
    path.write_text(
        dumps_journey(Journey("two", trigger=Trigger("go"), steps=[first, Wait("w", f"{days} days"), second]))
    )
    return path


@pytest.fixture
def file(tmp_path):
    """Write the journey."""
    return written(tmp_path / "two.json", 2)


def test_analyze_says_what_holds_and_fails_where_a_claim_does_not(file):
    """What is asked for must be proved; the life that shows the opposite can be pasted."""
    held = call("analyze", file, "--at-most", 1, "--within", "2 days", "--never-after", "b")
    assert held.exit_code == 0, held.output
    assert "at most 1 message within 2 days: holds: 2 messages take at least 2 days" in held.output
    failed = call("analyze", file, "--at-most", 1, "--lives")
    assert failed.exit_code == 1
    assert "life = Life(" in failed.output
    rows = json.loads(call("analyze", file, "--at-most", 1, "--json").output)
    assert rows[0]["paths"] == 1
    assert rows[0]["proofs"][-1]["answer"] == "fails"
    assert "assert len(played.sent) > 1" in rows[0]["proofs"][-1]["code"]


def test_analyze_tells_what_is_odd(tmp_path):
    """By journey, with its place."""
    path = tmp_path / "odd.json"
    path.write_text(dumps_journey(Journey("odd", trigger=Trigger("go"), steps=[Wait("w", event="buy")])))
    assert "odd: steps[0]: step 'w': who never does 'buy' waits here for ever" in call("analyze", path).output


def test_analyze_says_that_a_time_is_unknown(tmp_path):
    """Beside the number of paths and messages, the word alone would say nothing."""
    path = tmp_path / "date.json"
    wait = Wait("w", field="renewsAt", on_missing=[End("none")])
    path.write_text(dumps_journey(Journey("date", trigger=Trigger("go"), steps=[wait])))
    assert "date: 3 paths, an unknown time, at most 0 messages" in call("analyze", path).output


def test_analyze_refuses_what_makes_no_sense(file):
    """A time without a number is wrong usage, an unknown step a fault."""
    assert call("analyze", file, "--within", "2 days").exit_code == 2
    assert "no step 'x'" in call("analyze", file, "--never-after", "x").output


def test_paths_are_listed_and_counted(file):
    """Each with its time; the last line counts them all."""
    assert call("paths", file).output == "a > w > b > end: 2 days, 2 messages\n1 of 1 path, 2 days\n"
    (row,) = json.loads(call("paths", file, "--json").output)
    assert row["shortest_seconds"] == 172_800


def test_diff_shows_what_a_version_changes(file, tmp_path):
    """Option by option, and in times."""
    after = written(tmp_path / "after.json", 3)
    assert "w: duration was 2 days, is 3 days\n" in call("diff", file, after).output
    rows = json.loads(call("diff", file, after, "--json").output)
    assert [row["change"] for row in rows] == ["option", "figure", "figure", "figure"]
