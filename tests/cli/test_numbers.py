"""The commands that print numbers: tables, CSV and JSON of the same figures."""

import csv
import io
import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from click.testing import CliRunner

from journeyflow import Engine, Event, Goal, Journey, Send, Split, Trigger, Wait, arm
from journeyflow.cli import main
from journeyflow.formats.cells import csv_text
from tests.samples import START, after

AT = ("--at", "2026-01-06T12:00:00Z")


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Make a database with two journeys, in one of which ten people are."""
    path = tmp_path_factory.mktemp("numbers") / "journeys.db"
    split = Split(
        "test",
        arm(50, [Send("tips", channel="EMAIL", template="t")]),
        arm(50, [Send("text", channel="SMS", template="t"), Wait("day", "1 day")]),
    )
    hello = Send("hello", channel="EMAIL", template="t")
    with Engine(path, grace=None) as engine:
        engine.deploy(Journey(id="welcome", trigger=Trigger("go"), steps=[hello, split], goal=Goal("buy")), at=START)
        engine.deploy(Journey(id="=quiet", trigger=Trigger("no"), steps=[Wait("day", "1 day")]), at=START)
        engine.put_customers({f"c{n}": {"email": f"c{n}@example.com"} for n in range(10)}, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(10))
        engine.tick(START)
        claimed = [message for message in engine.claim("w", at=START) if message.step == "hello"]
        engine.ack(claimed, at=START)
        told = {"message": claimed[0].id}
        engine.feed(Event("message.opened", customer=claimed[0].customer, at=START, data=told))
        engine.feed(Event("revenue", customer=claimed[0].customer, at=START, data={**told, "amount": 250}))
        engine.tick(after("1 hour"))
    return path


def call(*arguments):
    """Run a command that goes well, and give what it prints."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_stats_lists_journeys(db):
    """Without a journey there is a row for each, by id; in CSV a cell that could be a formula is text."""
    lines = call("stats", db, *AT).splitlines()
    assert lines[:2] == ["people of all time, messages from 2025-12-07 to 2026-01-06", ""]
    assert lines[2].split()[:4] == ["journey", "total", "active", "completed"]
    assert [line.split()[0] for line in lines[3:]] == ["=quiet", "welcome"]
    assert call("stats", db, *AT, "--tenant", "nobody").startswith("journey  total")
    rows = list(csv.DictReader(io.StringIO(call("stats", db, *AT, "--csv"))))
    assert [row["journey"] for row in rows] == ["'=quiet", "welcome"]
    assert [(row["total"], row["sent"], row["revenue"]) for row in rows] == [("0", "0", "0"), ("10", "10", "250")]
    assert len(json.loads(call("stats", db, *AT, "--json"))) == 2


def test_stats_of_a_journey_has_a_table_of_steps(db):
    """Lifetime first, then a row per step with its outcomes; what is not known is a dash, and empty in CSV (R83)."""
    text = call("stats", db, "welcome", *AT)
    assert text.startswith("welcome: 2025-12-07 to 2026-01-06 (UTC)\npeople    total 10 active ")
    assert "rates     open 10.0% click 0.0% bounce 0.0% unsubscribe 0.0%" in text
    assert "newest    entry 2026-01-05 08:00:00, activity 2026-01-05 08:00:00 (UTC)" in text
    rows = list(csv.DictReader(io.StringIO(call("stats", db, "welcome", *AT, "--csv"))))
    assert [row["step"] for row in rows] == ["hello", "test", "tips", "text", "day", "end"]
    assert (rows[0]["outcomes"], rows[0]["sent"], rows[1]["sent"]) == ("queued 10", "10", "")
    assert " exited 0 failed 0 holdout 0 lifetime 10 converted 0\n" in text
    assert text.splitlines()[9].startswith("tips   send   EMAIL         0 ")
    assert rows[1]["outcomes"].startswith("A ")


def test_stats_has_a_table_of_days_or_domains(db):
    """One row per day of the window, or per mailbox domain; parts of a journey can be asked for."""
    window = ("--since", "2026-01-05", "--until", "2026-01-06")
    days = list(csv.DictReader(io.StringIO(call("stats", db, "welcome", *AT, *window, "--by", "day", "--csv"))))
    assert [(day["date"], day["entered"], day["opened"]) for day in days] == [
        ("2026-01-05", "10", "1"),
        ("2026-01-06", "0", "0"),
    ]
    domains = list(csv.DictReader(io.StringIO(call("stats", db, "welcome", *AT, "--by", "domain", "--csv"))))
    assert [(row["domain"], row["sent"]) for row in domains] == [("example.com", "10")]
    part = call("stats", db, "welcome", *AT, "--step", "tips", "--domain", "example.com")
    assert part.startswith("welcome, step tips, example.com: ")
    assert "people    total - active -" in part
    assert "newest    entry never, activity never (UTC)" in part
    found = json.loads(call("stats", db, "welcome", *AT, "--json", *window))
    assert (found["since"], found["daily"][0]["date"]) == ("2026-01-05", "2026-01-05")
    assert found["by_step"]["hello"]["messages"]["opened"] == {"total": 1, "unique": 1}


def test_one_domain_has_one_row(db):
    """Where both are asked for, the table is about what is above it."""
    asked = ("stats", db, "welcome", *AT, "--by", "domain", "--domain")
    assert [row["domain"] for row in csv.DictReader(io.StringIO(call(*asked, "EXAMPLE.com", "--csv")))] == [
        "example.com"
    ]
    assert json.loads(call(*asked, "example.org", "--json")) == {}


def test_stats_are_told_by_channel(db):
    """One row per channel, with --channel the figures of one; in the table of steps a Send names its channel."""
    rows = list(csv.DictReader(io.StringIO(call("stats", db, "welcome", "--by", "channel", "--csv"))))
    assert [(row["channel"], row["sent"], row["opened"], row["revenue"]) for row in rows] == [
        ("EMAIL", "10", "1", "250"), ("SMS", "0", "0", "0"),
    ]  # fmt: skip
    of_sms = call("stats", db, "welcome", "--channel", "SMS")
    assert of_sms.startswith("welcome, SMS: ")
    assert "people    total - " in of_sms
    assert "messages  queued 7 sent 0 " in of_sms
    steps = list(csv.DictReader(io.StringIO(call("stats", db, "welcome", "--csv"))))
    assert [row["channel"] for row in steps] == ["EMAIL", "", "EMAIL", "SMS", "", ""]
    assert "welcome" in call("stats", db, "--channel", "SMS")
    domains = call("stats", db, "welcome", "--by", "domain", "--channel", "EMAIL", "--csv")
    assert [row["domain"] for row in csv.DictReader(io.StringIO(domains))] == ["example.com"]
    found = json.loads(call("stats", db, "welcome", "--json"))
    assert {name: each["sent"]["unique"] for name, each in found["by_channel"].items()} == {"EMAIL": 10, "SMS": 0}
    assert json.loads(call("benchmark", db, "--channel", "SMS", "--json"))["benchmark"]["journeys"] == 0
    assert json.loads(call("benchmark", db, "--channel", "EMAIL", "--json"))["benchmark"]["journeys"] == 1
    people = json.loads(call("people", db, "welcome", "hello", "--channel", "EMAIL", "--did", "opened", "--json"))
    assert people["total"] == 1
    wrong = CliRunner().invoke(main, ["stats", str(db), "--channel", "sms"])
    assert (wrong.exit_code, wrong.stderr) == (1, "Error: no channel 'sms' (did you mean 'SMS'?)\n")


def test_without_an_instant_the_days_are_those_of_the_file(db):
    """What a back-test or an old file shows is not behind the window; who has nothing is asked as of now (R82)."""
    assert call("stats", db, "welcome").startswith("welcome: 2025-12-06 to 2026-01-05 (UTC)\n")
    assert call("stats", db).startswith("people of all time, messages from 2025-12-06 to 2026-01-05\n")
    assert call("benchmark", db).startswith("2025-12-06 to 2026-01-05\n")
    assert json.loads(call("stats", db, "welcome", "--json"))["window"]["sent"]["unique"] == 10
    today = datetime.now(UTC).date()
    shown = json.loads(call("benchmark", db, "--tenant", "nobody", "--json"))["benchmark"]["until"]
    assert shown in {str(today), str(datetime.now(UTC).date())}


def test_benchmark_and_results(db):
    """Rates in percent, a dash where there is none; results end with what may be said."""
    text = call("benchmark", db, *AT)
    assert "open rate" in text
    assert "10.0%" in text
    assert "25.0" in text
    assert json.loads(call("benchmark", db, *AT, "--json"))["benchmark"]["journeys"] == 1
    assert json.loads(call("benchmark", db, *AT, "--json"))["rates"]["open"] == 0.1
    assert " -" in call("benchmark", db, *AT, "--tenant", "nobody")
    told = call("results", db, "welcome")
    assert "let in" in told
    assert told.splitlines()[-1] == "test: not enough data"


def test_results_as_json_say_what_the_text_says(db):
    """Rates, intervals, differences, the sample ratio and the sentences are there for machines too (R25)."""
    found = json.loads(call("results", db, "welcome", "--json"))
    assert (found["let_in"]["n"], found["let_in"]["rate"], found["let_in"]["interval"]["low"]) == (10, 0.0, 0.0)
    split = found["splits"]["test"]
    told = "sample ratio: as asked for (p = 0.21)"
    assert (split["ratio"]["suspicious"], split["ratio"]["sentence"]) == (False, told)
    (beside,) = split["comparisons"]
    assert (beside["difference"], beside["enough"], beside["sentence"]) == (0.0, False, "not enough data")
    assert beside["interval"]["low"] < 0 < beside["interval"]["high"]
    assert found["sentences"][-1] == "test: not enough data"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("stats", "--step", "x"), 2, "name it"),
        (("stats", "--by", "day"), 2, "name it"),
        (("stats", "welcome", "--since", "x", "--until", "2026-02-30"), 1, "until: str '2026-02-30' is not a date"),
        (("stats", "other"), 1, "other"),
        (("stats", "welcome", "--step", "helo"), 1, "hello"),
        (("results", "=quiet"), 1, "has no goal"),
        (("results", "welcome", "--confidence", "95"), 2, "between 0 and 1"),
    ],
)
def test_wrong_questions_are_messages(db, arguments, code, told):
    """What cannot be asked ends with a sentence and the exit status of its kind."""
    command, *rest = arguments
    result = CliRunner().invoke(main, [command, str(db), *rest])
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr


def test_formulas_are_text():
    """A cell that begins like a formula gets an apostrophe, a lone sign too; numbers stay."""
    text = csv_text(("a",), [("=1+1",), ("-2",), ("-",), (-2,), ("@x",), (None,)])
    assert text == "a\n'=1+1\n'-2\n'-\n-2\n'@x\n\"\"\n"


def test_a_table_is_drawn_as_bars(db):
    """Of steps with their shares and who left there; of journeys, days, channels and domains with one number."""
    lines = call("stats", db, "welcome", *AT, "--chart").splitlines()
    head, hello = next((one, two) for one, two in pairwise(lines) if one.startswith("step "))
    assert head.split("  ")[-1] == "left here"
    assert hello.split() == ["hello", "█" * 32, "10", "\N{EN DASH}", "100%", "0"]
    assert [line.split()[-1] for line in call("stats", db, *AT, "--chart").splitlines()[-2:]] == ["0", "10"]
    sent = {"day": "2026-01-05", "channel": "EMAIL", "domain": "example.com"}
    for by, name in sent.items():
        text = call("stats", db, "welcome", *AT, "--by", by, "--chart")
        row = next(line.split() for line in text.splitlines() if line.startswith(name))
        assert row == [name, "█" * 32, "10"]


def test_bars_are_a_picture_in_a_file(db, tmp_path):
    """Its title says what is counted; a name of another kind is refused, and so is a file without --chart."""
    path = tmp_path / "funnel.svg"
    assert call("stats", db, "welcome", *AT, "--chart", "-o", path) == f"wrote {path}: open it in a browser\n"
    assert "<title>welcome: visits by step</title>" in path.read_text(encoding="utf-8")
    call("stats", db, "welcome", *AT, "--by", "day", "--chart", "-o", path)
    assert "<title>welcome: sent by date</title>" in path.read_text(encoding="utf-8")
    call("stats", db, *AT, "--chart", "-o", path)
    assert "<title>all journeys: people by journey</title>" in path.read_text(encoding="utf-8")
    assert json.loads(call("stats", db, "welcome", *AT, "--chart", "-o", path, "--json"))["journey"] == "welcome"
    wrong = CliRunner().invoke(main, ["stats", str(db), "welcome", "--chart", "-o", str(tmp_path / "a.html")])
    assert "a picture has a name such as a.svg" in wrong.output
    alone = CliRunner().invoke(main, ["stats", str(db), "welcome", "-o", str(path)])
    assert "-o goes with --chart" in alone.output
