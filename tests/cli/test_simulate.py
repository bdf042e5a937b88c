"""The command `simulate`: people, behavior and policies from options and files, an outcome as text or rows."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner

from journeyflow import Cap, Goal, Journey, Policies, Send, Split, Trigger, Wait, arm
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.policies import dumps_policies
from journeyflow.simulation import Behavior, simulate
from tests.samples import START

JOURNEY = Journey(
    id="welcome",
    trigger=Trigger("member.created"),
    goal=Goal("order.placed"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("breathe", "1 day"),
        Split(
            "test",
            arm(50, [Send("tips", channel="EMAIL", template="tips")]),
            arm(50, [Send("text", channel="SMS", template="text")]),
        ),
    ],
)
SPAN = ("--start", START.isoformat(), "--days", "3")


@pytest.fixture
def journey(tmp_path):
    """Write a journey file."""
    path = tmp_path / "welcome.json"
    path.write_text(dumps_journey(JOURNEY))
    return path


def call(*arguments, code=0):
    """Run the command inside this process; return the result."""
    result = CliRunner().invoke(main, ["simulate", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def reacted(rows, step, label):
    """Return how many messages of a step had a reaction."""
    return sum(
        row["median"]
        for row in rows
        if (row["figure"], row.get("step"), row.get("label")) == ("reactions", step, label)
    )


def test_a_simulation_is_that_of_the_library(journey):
    """The report and the rows are those of `simulate`; the same seed gives the same text, with workers too."""
    options = (journey, "--customers", 50, *SPAN, "--opened", 0.5, "--clicked", 0.1, "--seed", 3)
    outcome = simulate(
        JOURNEY, population=50, start=START, until="3 days", behavior=Behavior(opened=0.5, clicked=0.1), seed=3
    )
    assert call(*options).stdout == f"{outcome}\n"
    rows = json.loads(call(*options, "--json").stdout)
    assert rows == json.loads(json.dumps(outcome.to_dicts()))
    assert call(*options, "--workers", 2, "--json").stdout == call(*options, "--json").stdout
    assert "3 seeds" in call(*options, "--replications", 3).stdout


def test_a_simulation_leaves_a_page_with_pictures(journey, tmp_path):
    """Beside the text; a file of somebody else is not overwritten, and nothing is simulated for nothing."""
    page = tmp_path / "outcome.html"
    result = call(journey, *SPAN, "--customers", 20, "--html", page)
    assert "20 customers" in result.stdout
    assert "<h1>Simulation of welcome</h1>" in page.read_text(encoding="utf-8")
    page.write_text("my own notes", encoding="utf-8")
    assert "is not a page that journeyflow wrote" in call(journey, *SPAN, "--html", page, code=2).output


def test_without_a_start_it_begins_at_the_last_midnight(journey):
    """So that a first try needs no instant."""
    assert call(journey, "--customers", 2, "--days", 1).stdout.startswith("2 customers, 20")


def test_people_come_with_attributes_and_when_they_are_told_to(tmp_path):
    """Values, weights and distributions; arrivals by words."""
    path = tmp_path / "j.json"
    path.write_text(dumps_journey(Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", "1 hour")])))
    attributes = (
        "plan=free:0.8,pro:0.2",
        "n=1:2,3:1",
        "on=true",
        "age=normal:40,12",
        "born=dates:1960-01-01,2005-12-31",
    )
    more = ("tier=a,b", "x=uniform:1,3", "y=lognormal:100,0.5", "country=FR")
    given = [part for each in (*attributes, *more) for part in ("--attribute", each)]
    for arrivals in ("once", "once:1 hour", "evenly", "evenly:2 days", "daily:20"):
        assert "Journey j: " in call(path, "--customers", 5, *given, "--arrivals", arrivals, *SPAN).stdout


def test_people_of_a_file_take_part_as_it_is_written(journey, tmp_path):
    """With the usual options for reading; they have their own attributes."""
    path = tmp_path / "people.csv"
    path.write_text("E-mail;plan\nann;pro\nbob;free\n")
    reading = ("--customers", path, "--delimiter", ";", "--map", "E-mail=customer")
    assert call(journey, *reading, *SPAN).stdout.startswith("2 customers, ")
    assert "have attributes of their own" in call(journey, *reading, "--attribute", "a=1", code=1).stderr
    assert "neither a number nor a file" in call(journey, "--customers", tmp_path / "none.csv", code=2).stderr


def test_exceptions_are_about_some_messages(journey):
    """By channel, step or arm; what is not named stays."""
    few = (journey, "--customers", 30, *SPAN, "--opened", 0)
    for when in ("channel=SMS,opened=1", "step=text,opened=1", "arm=test/B,opened=1", "template=text,opened=1"):
        rows = json.loads(call(*few, "--when", when, "--json").stdout)
        assert reacted(rows, "text", "opened") > 5, when
        assert reacted(rows, "tips", "opened") == 0, when


def test_behavior_and_policies_come_from_files(journey, tmp_path):
    """A behavior file stands for all probabilities; a policy file holds caps."""
    behavior, policies = tmp_path / "behavior.json", tmp_path / "policies.json"
    behavior.write_text(
        json.dumps(
            {
                "format": 1,
                "opened": {"probability": 1, "delay": {"fixed": "1 hour"}},
                "converted": 1,
                "revenue": {"lognormal": [2000, 0.5]},
                "when": [{"who": {"field": "plan", "op": "eq", "value": "pro"}, "opened": 0}],
                "background": [
                    {
                        "event": "page.viewed",
                        "every": "1 day",
                        "data": {"seconds": {"uniform": [1, 9]}, "site": "a"},
                        "lifts": [{"factor": 2, "within": "3 days", "channel": "EMAIL"}],
                    }
                ],
                "soonest": "10 minutes",
            }
        )
    )
    policies.write_text(dumps_policies(Policies(caps=[Cap(1, per="week")])))
    options = (journey, "--customers", 20, *SPAN, "--behavior", behavior)
    rows = json.loads(call(*options, "--policies", policies, "--json").stdout)
    assert reacted(rows, "hello", "opened") == 20
    assert {row["label"]: row["median"] for row in rows if row["figure"] == "skipped"} == {
        "cap": pytest.approx(10, abs=8)
    }
    rows = json.loads(call(*options, "--attribute", "plan=pro", "--json").stdout)
    assert reacted(rows, "hello", "opened") == 0
    assert "leave the options for them out" in call(*options, "--opened", 0.5, code=1).stderr
    behavior.write_text(
        '{"format": 1, "opend": 1, "revenue": {"normal": [1]}, "when": [{"arm": "x"}], "soonest": "no"}'
    )
    faults = call(*options, code=1).stderr
    for words in (
        "opend: unknown key",
        "revenue.normal: normal cannot",
        "when[0].arm: expected",
        "soonest: 'no' is no",
    ):
        assert words in faults
    behavior.write_bytes(b"\xff")
    assert "this is not UTF-8 text" in call(*options, code=1).stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "this is not JSON"),
        ("[]", "the file: expected an object"),
        ('{"format": 2}', "format: expected 1"),
        ('{"format": 1, "opened": 2}', "opened: a probability is a number from 0 to 1"),
        ('{"format": 1, "opened": {"probability": 1, "delay": {"arround": 1}}}', "did you mean 'around'?"),
        (
            '{"format": 1, "opened": {"probability": 1, "delay": {"fixed": "2 dys"}}}',
            "opened.delay.fixed: '2 dys' is no",
        ),
        ('{"format": 1, "revenue": 5}', "revenue: expected an object with one of the keys"),
        ('{"format": 1, "background": [{"event": "e"}]}', "background[0].every: missing"),
        ('{"format": 1, "background": [{"event": "e", "every": "1 second"}]}', "background[0]: every must be"),
        ('{"format": 1, "background": [{"event": "e", "every": "1 day", "data": 1}]}', "data: expected an object"),
        ('{"format": 1, "soonest": "0 seconds"}', "soonest must be a second or more"),
        ('{"format": 1, "when": [{"step": "hallo", "opened": 1}]}', "no message has 'hallo' (did you mean 'hello'?)"),
    ],
)
def test_a_faulty_behavior_file_is_refused_with_the_place(journey, tmp_path, text, words):
    """Each fault is named with its place in the file."""
    path = tmp_path / "behavior.json"
    path.write_text(text)
    assert words in call(journey, "--behavior", path, *SPAN, code=1).stderr


def came_at(path, *options):
    """Return the instants at which people came, from the journey's visits by day and the hours of its messages."""
    found = json.loads(call(path, "--arrivals", "daily:48", *options, *SPAN, "--days", 7, "--json").stdout)
    rows = [each for each in found if each["figure"] in {"visits", "handed out"} and each["median"]]
    return {each["day"] for each in rows if "day" in each}, {each["hour"][11:] for each in rows if "hour" in each}


def test_people_come_on_weekdays_and_at_hours_of_a_zone(tmp_path):
    """In UTC, in another zone, or each in the own zone."""
    path = tmp_path / "j.json"
    path.write_text(
        dumps_journey(Journey(id="j", trigger=Trigger("go"), steps=[Send("hi", channel="EMAIL", template="t")]))
    )
    weekend, morning = ("--weekdays", "sat-sun:1"), ("--hours", "8-11:2,12:1")
    days, hours = came_at(path, *weekend, *morning)
    assert {datetime.fromisoformat(day).weekday() for day in days} <= {5, 6}
    assert hours == {"08:00", "09:00", "10:00", "12:00"}
    tokyo = ("--hours-in", "Asia/Tokyo")
    assert came_at(path, *morning, *tokyo)[1] == {"23:00", "00:00", "01:00", "03:00"}
    own = ("--hours-in", "customer", "--attribute", "timezone=Asia/Tokyo")
    assert came_at(path, "--hours", "12:1", *own)[1] == {"03:00"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--hours", "8-9:0"), "--hours: hours must be 24 weights of 0 or more, not all 0"),
        (("--hours-in", "Europe/Pariss"), "--hours-in: 'Europe/Pariss' is not an IANA time zone such as"),
        (("--hours", "8:1", "--arrivals", "evenly"), "--hours: only people who come at random"),
    ],
)
def test_hours_that_cannot_be_are_refused(journey, options, words):
    """The error names the option."""
    assert words in call(journey, "--arrivals", "daily:4", *options, code=2).stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--when", "chanel=SMS", "unknown 'chanel'"),
        ("--when", "channel", "'channel' must be NAME=VALUE"),
        ("--when", "opened=x", "'x' is not a number, such as in 0.5"),
        ("--when", "arm=test,opened=1", "arm is written SPLIT/LABEL"),
        ("--when", "opened=2", "a probability is a number from 0 to 1"),
        ("--opened", "2", "not in the range"),
        ("--attribute", "a", "must be NAME=VALUES"),
        ("--attribute", "a=normal:4", "normal takes two values, such as normal:40,12"),
        ("--attribute", "a=uniform:4,", "a number is missing, such as in"),
        ("--attribute", "a=dates:1960,2005", "'1960' is not a day such as 1960-01-01"),
        ("--attribute", "a=b:1,c", "'c' must be VALUE:WEIGHT"),
        ("--attribute", "a=b:x", "'x' is not a number"),
        ("--arrivals", "daily:x", "'x' is not a number, such as in daily:40"),
        ("--arrivals", "daily", "a number is missing, such as in daily:40"),
        ("--customers", "0", "--customers: 0 is too few"),
        ("--customers", "-4", "--customers: -4 is too few; give a number of 1 or more, or a customer file"),
        ("--customers", "nofile.csv", "--customers: 'nofile.csv' is neither a number nor a file that is there"),
        ("--days", "x", "'x' is not a valid integer."),
        ("--opened", "x", "'x' is not a valid number."),
        ("--arrivals", "daily:0", "per_day must be above 0"),
        ("--arrivals", "daily:inf", "'inf' is not a number"),
        ("--arrivals", "weekly", "is none of once"),
        ("--weekdays", "mon", "'mon' must be SPAN:WEIGHT such as mon-fri:1,sat:0.4"),
        ("--weekdays", "mn:1", "'mn' is not a weekday (did you mean 'mon'?)"),
        ("--weekdays", "mon-friday:1", "'friday' is not a weekday (did you mean 'fri'?); the weekdays are mon, tue"),
        ("--weekdays", "sat-mon:1", "'sat-mon' goes backward: the week begins with mon; write two spans"),
        ("--weekdays", "mon-fri:1,fri:2", "'fri' overlaps with an earlier span"),
        ("--weekdays", "mon-fri:nan", "'nan' is not a number, such as in mon-fri:1,sat:0.4"),
        (
            "--weekdays",
            "mon-fri:1",
            "--weekdays: only people who come at random have weekdays and hours; use",
        ),
        ("--hours", "nine:1", "'nine' is neither an hour nor a span of hours such as 8-20"),
        ("--hours", "20-6:1", "write a night as two spans, 20-24 and 0-6"),
        ("--hours", "24:1", "'24': hours go from 0 to 24"),
        ("--replications", "0", "not in the range"),
        ("--replications", "100001", "replications must be 1 to 100,000"),
        ("--customers", "100000001", "size must be 1 to 100,000,000"),
        ("--opened", "nan", "'nan' is not a valid number."),
        ("--days", "99999999", "--days: the calendar ends 2,9"),
        ("--start", "9999-12-31T23:00:00Z", "--days: the calendar ends 0 days after 9999-12-31T23:00:00+00:00"),
    ],
)
def test_wrong_options_are_refused_with_the_remedy(journey, option, value, words):
    """Before anything is simulated."""
    assert words in call(journey, option, value, code=2).stderr


def test_a_name_that_no_message_has_is_refused(journey):
    """A typo in an exception would otherwise change nothing, silently."""
    assert "when[0].channel: no message has 'SMSS'" in call(journey, "--when", "channel=SMSS,opened=1", code=1).stderr
    assert "when[0].arm: no message has ('test', 'C')" in call(journey, "--when", "arm=test/C,opened=1", code=1).stderr
