"""The command line: what it prints, where, and its exit status."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from journeyflow import Journey, Send, Trigger, Wait
from journeyflow.cli import Bar, main, table
from journeyflow.codec import dumps_journey

JOURNEY = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day")],
)


@pytest.fixture
def folder(tmp_path):
    """Make a folder with a journey file and an event file."""
    (tmp_path / "thanks.json").write_text(dumps_journey(JOURNEY))
    (tmp_path / "events.csv").write_text("at,type,customer\n2026-01-01T00:00:00Z,buy,c1\nx,buy,c2\n")
    return tmp_path


def call(*arguments):
    """Run the command line inside this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_backtest_prints_figures_and_names_bad_lines(folder):
    """Figures go to standard output, bad lines to standard error; the files it wrote are named."""
    result = call(
        "backtest", folder / "thanks.json", "--events", folder / "events.csv", "--db", folder / "run.db",
        "--export", folder / "out", "--until", "2026-02-01T00:00:00Z",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 events from 2026-01-01 on, run until 2026-02-01 00:00:00 UTC" in result.stdout
    assert f"Tables are in {folder / 'out'}" in result.stdout
    assert "line 3: 'x' is no ISO 8601 instant" in result.stderr
    assert (folder / "out" / "visits.csv").exists()


def test_backtest_can_print_json(folder):
    """Machines get one object."""
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--json")
    figures = json.loads(result.stdout)
    assert (figures["events"], figures["entered"], figures["bad"]) == (1, 1, 1)


def test_backtest_counts_bad_lines_beyond_those_it_shows(folder):
    """A file full of bad lines does not fill the screen."""
    (folder / "events.csv").write_text("at,type,customer\n2026-01-01T00:00:00Z,buy,c1\n" + "x,buy,c2\n" * 50)
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv")
    assert result.stderr.count("line ") == 20
    assert "skipped: 30 more lines" in result.stderr


def test_faults_of_all_files_are_told_at_once_without_a_trace(folder):
    """Exit status 1; every problem of every journey file with its path."""
    (folder / "bad.json").write_text('{"format": 1}')
    (folder / "worse.json").write_bytes(b"\xff\xfe")
    result = call("backtest", folder / "bad.json", folder / "worse.json", "--events", folder / "events.csv")
    assert result.exit_code == 1
    assert f"journey '(without id) in {folder / 'bad.json'}'" in result.stderr
    assert "steps: missing" in result.stderr
    assert "worse.json: this is no UTF-8 text" in result.stderr
    assert "Traceback" not in result.output


def test_an_existing_database_is_not_mixed_with_a_new_run(folder):
    """Exit status 1 and the remedy."""
    sqlite3.connect(folder / "run.db").execute("create table x (y)")
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--db", folder / "run.db")
    assert result.exit_code == 1
    assert "the file exists already; name a new one" in result.stderr


def test_wrong_usage_has_exit_status_2(folder):
    """A missing file or an instant without an offset is a fault of the call."""
    assert call("backtest", folder / "none.json", "--events", folder / "events.csv").exit_code == 2
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--until", "2026-02-01")
    assert result.exit_code == 2
    assert "has no offset" in result.stderr


def test_the_demo_leaves_a_database_and_says_what_to_try(tmp_path):
    """The funnel is printed and the file answers plain SQL."""
    result = call("demo", "--db", tmp_path / "demo.db")
    assert result.exit_code == 0, result.output
    assert "2000 people signed up" in result.stdout
    assert "What to try next" in result.stdout
    status = sqlite3.connect(tmp_path / "demo.db").execute("select count(*) from enrollments_view").fetchone()
    again = json.loads(call("demo", "--db", tmp_path / "demo.db", "--json").stdout)
    assert again["entered"] == status[0]
    assert again["entered"] == again["completed"] + again["exited"] + again["active"]


def test_a_progress_bar_is_for_terminals_and_cleans_up(capsys, monkeypatch):
    """On a terminal the bar is drawn in place and taken away; elsewhere nothing is drawn."""
    silent = Bar()
    silent("events", 1, 2)
    silent.close()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    bar = Bar()
    bar("events", 1, 2)
    bar("events", 1, 2)
    bar("run", 5, 0)
    bar.close()
    drawn = capsys.readouterr().err
    assert drawn.count("events") == 1
    assert " 50%" in drawn
    assert drawn.endswith("\r")


def test_a_table_puts_numbers_to_the_right():
    """Columns of numbers are right-aligned, others left."""
    assert table([("a", 5), ("bb", 10)], ("name", "n")) == "name   n\na      5\nbb    10"


def test_the_version_is_told():
    """The version comes from the package's metadata."""
    assert "journeyflow" in call("--version").output
