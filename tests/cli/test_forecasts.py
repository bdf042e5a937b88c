"""`journeyflow forecast` and `calibrate`: the same as the functions, on a file that stays as it is."""

import json
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner

from journeyflow import Engine, Event, Journey, Send, Trigger, Wait
from journeyflow.analysis import calibration
from journeyflow.cli import main

START = datetime(2026, 3, 2, tzinfo=UTC)

JOURNEY = Journey(
    id="welcome",
    trigger=Trigger("go"),
    steps=[Wait("week", "7 days"), Send("bye", channel="SMS", template="bye")],
)


def run(*arguments):
    """Run a command."""
    return CliRunner().invoke(main, ["forecast", *map(str, arguments)])


def test_a_file_is_forecast(tmp_path):
    """Five rest for a week: five messages on its last day, and the file is what it was."""
    path = tmp_path / "live.db"
    with Engine(path) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.feed([Event("go", customer=f"c{n}", at=START) for n in range(5)])
        engine.tick(START)
    before = path.read_bytes()
    options = ("--people", 0, "--replications", 2, "--at", "2026-03-03T00:00:00Z")
    done = run(path, "--until", "8 days", *options)
    assert done.exit_code == 0, done.output
    assert "week                        5 inside now, then 0" in done.output
    assert "2026-03-09  SMS        5" in done.output
    page = tmp_path / "forecast.html"
    done = run(path, "--until", "8 days", *options, "--html", page)
    assert f"wrote {page}: open it in a browser" in done.output
    assert "<title>Forecast of welcome</title>" in page.read_text(encoding="utf-8")
    done = run(path, "--until", "2026-03-11T00:00:00Z", *options, "--workers", 2, "--json")
    rows = json.loads(done.output)
    assert {"figure": "inside", "journey": "welcome", "step": "week", "median": 5, "low": 5, "high": 5} in rows
    assert path.read_bytes() == before


def test_faults_are_told(tmp_path):
    """An end before the beginning, a length that is none, and no replications."""
    path = tmp_path / "live.db"
    with Engine(path) as engine:
        engine.put_customer("c", {}, at=START)
        engine.tick(START)
    done = run(path, "--until", "2026-03-01T00:00:00Z")
    assert (done.exit_code, "must lie after" in done.output) == (1, True)
    assert run(path, "--until", "soon").exit_code == 2
    assert run(path, "--until", "1 day", "--replications", 0).exit_code == 2


def test_past_weeks_of_a_file_are_forecast_again(tmp_path):
    """Each figure with its band and the truth; a number that cannot be is told, and the file is what it was."""
    path = tmp_path / "live.db"
    with Engine(path, grace=None) as engine:
        engine.deploy(JOURNEY, at=START)
        for day in range(12):
            at = START + timedelta(days=day)
            engine.feed([Event("go", customer=f"c{day}-{n}", at=at + timedelta(hours=n)) for n in range(5)])
            engine.tick(at + timedelta(hours=12))
        expected = calibration(engine, times=2, span="2 days", replications=2)
    before = path.read_bytes()
    options = (path, "--times", 2, "--span", "2 days", "--replications", 2)
    done = CliRunner().invoke(main, ["calibrate", *map(str, options)])
    assert done.exit_code == 0, done.output
    assert str(expected) in done.output
    assert f"of {len(expected.figures)} figures lay in their band" in done.output
    done = CliRunner().invoke(main, ["calibrate", *map(str, options), "--workers", "2", "--json"])
    assert json.loads(done.output) == expected.to_dicts()
    assert path.read_bytes() == before
    assert CliRunner().invoke(main, ["calibrate", str(path), "--span", "soon"]).exit_code == 2
    done = CliRunner().invoke(main, ["calibrate", str(path), "--until", "2026-01-01T00:00:00Z"])
    assert (done.exit_code, "there is no history" in done.output) == (1, True)
