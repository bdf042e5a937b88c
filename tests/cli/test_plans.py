"""Commands that look ahead."""

import json

import pytest
from attrs import evolve

from journeyflow import Goal, Journey, Send, Split, Trigger, Wait, arm
from journeyflow.cli.shared import Bar
from journeyflow.formats.native import dumps_journey
from tests.cli.shell import call

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
        ((*ASKED, "--per-day", 9, "--days", "nan"), 2, "'nan' is not a valid number"),
        ((*ASKED, "--per-day", 9, "--days", "inf"), 2, "'inf' is not a valid number"),
        ((*ASKED, "--per-day", "1e300", "--days", "1e300"), 2, "people must be a whole number from 1"),
        (("--days", 3), 2, "--days goes with --per-day"),
        (("--arm", "A"), 2, "must be LABEL=PERCENTAGE"),
        (("--arm", "A=100"), 2, "two groups or more"),
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


# --- compare ----------------------------------------------------------------------------------------------------------

HELLO = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Wait("w", "1 day"),
        Send("bye", channel="EMAIL", template="t"),
    ],
)


@pytest.fixture
def folder(tmp_path):
    """Write two versions of a journey, policies, and events."""
    (tmp_path / "old.json").write_text(dumps_journey(HELLO))
    (tmp_path / "new.json").write_text(
        dumps_journey(evolve(HELLO, steps=[Send("hello", channel="EMAIL", template="t")]))
    )
    (tmp_path / "caps.json").write_text('{"format": 1, "caps": [{"channel": "EMAIL", "count": 1, "per": "week"}]}')
    (tmp_path / "events.csv").write_text("at,type,who\n2026-01-01T00:00:00Z,buy,ann\n2026-01-03T00:00:00Z,buy,bob\n")
    return tmp_path


def test_compare_plays_the_past_on_both_sides(folder, monkeypatch):
    """Who gets something else, and how many messages more or fewer; a bar shows how far it is."""
    shown = []
    monkeypatch.setattr(Bar, "__call__", lambda _, *each: shown.append(each))
    words = ("--events", folder / "events.csv", "--map", "who=customer", "--until", "2026-01-09T00:00:00Z")
    done = call("compare", folder / "old.json", folder / "new.json", *words)
    assert done.exit_code == 0, done.output
    assert "2 customers: 100.0% of them get something else" in done.output
    assert "messages: 4 -> 2, -2 (-1.000 a customer" in done.output
    assert shown == [("compare", 1, 2), ("compare", 2, 2)]
    found = json.loads(
        call("compare", folder / "old.json", *words, "--after-policies", folder / "caps.json", "--json").output
    )
    assert found["changed"] == ["ann", "bob"]
    assert next(row["change"] for row in found["rows"] if row["what"] == "figure" and row["label"] == "") == -2


def test_compare_simulates_both_sides(folder):
    """With the options of a simulation; journeys and policies on both sides."""
    words = (folder / "old.json", folder / "new.json", "--customers", 5, "--days", 3)
    done = call("compare", *words, "--opened", 0.5, "--replications", 2, "--policies", folder / "caps.json")
    assert done.exit_code == 0, done.output
    assert "5 customers, 2 seeds: 100.0% of them get something else" in done.output
    (folder / "beside.json").write_text(dumps_journey(evolve(HELLO, id="beside")))
    page = folder / "comparison.html"
    done = call("compare", *words, "--with", folder / "beside.json", "--workers", 2, "--html", page)
    assert "<title>Comparison of " in page.read_text(encoding="utf-8")
    assert "beside/hello: both 5" in done.output, done.output
    assert "messages EMAIL: 20 -> 15, -5" in done.output


def test_compare_takes_the_customers_of_the_past(folder):
    """A file of them with the events; policies hold on both sides unless the change has its own."""
    (folder / "customers.csv").write_text("who,plan\nsue,pro\n")
    words = (
        "compare", folder / "old.json", folder / "old.json",
        "--events", folder / "events.csv", "--map", "who=customer",
        "--customers", folder / "customers.csv", "--policies", folder / "caps.json",
    )  # fmt: skip
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "3 customers: 0.0% of them get something else" in done.output


def test_compare_says_what_cannot_be(folder):
    """A fault of the input has exit status 1, wrong usage 2."""
    both = (folder / "old.json", folder / "new.json")
    done = call("compare", folder / "old.json", "--policies", folder / "caps.json")
    assert (done.exit_code, "nothing differs: give the journey file of the change" in done.output) == (2, True)
    done = call("compare", *both, "--when", "step=nowhere,opened=1")
    assert (done.exit_code, "nowhere" in done.output) == (1, True), done.output
    done = call("compare", *both, "--events", folder / "events.csv", "--confidence", 2)
    assert (done.exit_code, "confidence lies between 0 and 1" in done.output) == (2, True), done.output
