"""Commands that look ahead."""

import json

import pytest
from click.testing import CliRunner

from journeyflow import Goal, Journey, Split, Trigger, Wait, arm
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey

JOURNEY = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    goal=Goal("order.placed", within="3 days"),
    holdout=20,
    steps=[Split("test", arm(70, "w"), arm(30, "w")), Wait("w", "1 day")],
)


@pytest.fixture
def file(tmp_path):
    """Write the journey."""
    path = tmp_path / "thanks.json"
    path.write_text(dumps_journey(JOURNEY))
    return path


def call(*arguments):
    """Run the command line inside this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


ASKED = ("--rate", 0.1, "--difference", 0.03)


def test_power_says_how_many_people_and_days_an_experiment_needs(file):
    """Of a Split of the journey, of its holdout, or of groups that are named."""
    done = call("power", file, "--step", "test", *ASKED, "--per-day", 500)
    assert done.exit_code == 0, done.output
    assert "A      70%" in done.output
    assert "show the difference with power 80.0%" in done.output
    assert "3 of them for the last one to reach the goal" in done.output
    assert "holdout  20%" in call("power", file, *ASKED).output
    assert "C      20%" in call("power", "--arm", "A=60", "--arm", "B=20", "--arm", "C=20", *ASKED).output


def test_power_says_what_so_many_people_show():
    """Given how many, or how many come on so many days."""
    done = json.loads(call("power", *ASKED, "--people", 4_000, "--json").output)
    assert (done["people"], done["days"], round(done["power"], 3)) == (4_000, None, 0.845)
    assert [group["label"] for group in done["groups"]] == ["A", "B"]
    again = json.loads(call("power", *ASKED, "--per-day", 400, "--days", 10, "--json").output)
    assert (again["people"], again["days"], again["power"], again["lost"]) == (4_000, 10, done["power"], 60.0)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--days", 3), 2, "--days goes with --per-day"),
        (("--arm", "A"), 2, "must be LABEL=PERCENTAGE"),
        (("--arm", "A=1"), 2, "two groups or more"),
        (("--people", 0), 2, "people must be a whole number from 1"),
    ],
)
def test_what_cannot_be_planned_is_wrong_usage(arguments, status, words):
    """The message says what was expected."""
    done = call("power", *ASKED, *arguments)
    assert (done.exit_code, words in done.output) == (status, True), done.output


def test_a_split_that_is_not_there_is_a_fault(file):
    """Of the input, and not of the usage; a journey file has its own arms."""
    done = call("power", file, "--step", "w", *ASKED)
    assert (done.exit_code, "has no Split 'w'" in done.output) == (1, True), done.output
    assert call("power", file, "--arm", "A=50", *ASKED).exit_code == 2
