"""Runs that are not real: the back-test, and the demonstration."""

import json
import re
import shlex
import sqlite3
from contextlib import closing

from attrs import evolve

from journeyflow.formats.native import dumps_journey
from tests.cli.shell import JOURNEY, call


def test_backtest_prints_figures_and_names_bad_lines(folder):
    """Figures go to standard output, bad lines to standard error; the files it wrote are named."""
    result = call(
        "backtest", folder / "thanks.json", "--events", folder / "events.csv", "--db", folder / "run.db",
        "--export", folder / "out", "--until", "2026-02-01T00:00:00Z",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 event from 2026-01-01 on, run until 2026-02-01 00:00:00 UTC" in result.stdout
    assert f"Tables are in {folder / 'out'}" in result.stdout
    assert "line 3: 'x' is not an ISO 8601 instant" in result.stderr
    assert (folder / "out" / "visits.csv").exists()


def test_backtest_can_print_json(folder):
    """Machines get one object."""
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--json")
    figures = json.loads(result.stdout)
    assert (figures["events"], figures["entered"], figures["bad"]) == (1, 1, 1)


def test_backtest_has_a_row_per_journey_and_refusals_by_reason(folder):
    """Under the policies of a file, and with the grace and the cadence of the host; JSON has the days too."""
    hours = "".join(f"2026-01-01T{hour:02}:30:00Z,buy,c1\n" for hour in range(4))
    (folder / "events.csv").write_text(
        f"at,type,customer\n2026-01-01T00:00:00Z,buy,c2\n{hours}2026-01-03T00:00:00Z,buy,c3\n"
    )
    (folder / "policies.json").write_text('{"format": 1, "caps": [{"channel": "EMAIL", "count": 1, "per": "week"}]}')
    words = (folder / "thanks.json", "--events", folder / "events.csv", "--until", "2026-01-09T00:00:00Z")
    result = call("backtest", *words, "--grace", "20 minutes", "--every", "1 hour")
    assert result.exit_code == 0, result.output
    assert re.search(r"^late +\d", result.stdout, re.MULTILINE)
    assert re.search(r"^journey +total +active +completed", result.stdout, re.MULTILINE)
    assert re.search(r"^thanks +3 +0 +3 .* 3$", result.stdout, re.MULTILINE)
    assert re.search(r"^thanks +already inside +3$", result.stdout, re.MULTILINE), result.stdout
    (folder / "again.json").write_text(dumps_journey(evolve(JOURNEY, id="again")))
    policies = ("--policies", folder / "policies.json")
    found = json.loads(call("backtest", *words, folder / "again.json", *policies, "--json").stdout)
    assert [each["messages"]["queued"] for each in found["stats"]] == [3, 0]
    assert [day["date"] for day in found["stats"][0]["daily"]][::8] == ["2026-01-01", "2026-01-09"]
    assert found["refusals"][0]["count"] == 3
    assert call("backtest", *words, "--grace", "soon").exit_code == 2


def test_backtest_counts_bad_lines_beyond_those_it_shows(folder):
    """A file full of bad lines does not fill the screen."""
    (folder / "events.csv").write_text("at,type,customer\n2026-01-01T00:00:00Z,buy,c1\n" + "x,buy,c2\n" * 50)
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv")
    assert result.stderr.count("line ") == 20
    assert "skipped: 30 more lines" in result.stderr


def test_faults_of_all_files_are_told_at_once_without_a_trace(folder, monkeypatch):
    """Exit status 1; every problem of every journey file with its path."""
    (folder / "bad.json").write_text('{"format": 1}')
    (folder / "worse.json").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(folder)
    result = call("backtest", "bad.json", "worse.json", "--events", "events.csv")
    assert result.exit_code == 1
    assert "journey '(without id) in bad.json'" in result.stderr
    assert "steps: missing" in result.stderr
    assert "worse.json: this is not UTF-8 text" in result.stderr
    assert "Traceback" not in result.output


def test_an_existing_database_is_not_mixed_with_a_new_run(folder):
    """Exit status 1 and the remedy."""
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.execute("create table x (y)")
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--db", folder / "run.db")
    assert result.exit_code == 1
    assert "the file exists already; name a new one" in result.stderr


def test_the_demo_leaves_a_database_and_says_what_to_try(tmp_path, monkeypatch):
    """The funnel is printed and the file answers plain SQL; run again, it puts a new file in place of the old one."""
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 40)  # README.md shows it in full
    result = call("demo", "--db", tmp_path / "demo.db")
    assert result.exit_code == 0, result.output
    assert "40 people signed up" in result.stdout
    assert "What to try next" in result.stdout
    assert "New Member Onboarding" in (tmp_path / "demo.html").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    following = [line.partition("journeyflow ")[2] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert following[0].startswith("serve ")
    assert [call(*shlex.split(line)).exit_code for line in following[1:] if line] == [0] * 9
    assert "New Member Onboarding" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        assert connection.execute("select count(*) from customers_view").fetchone() == (40,)
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 10)
    again = json.loads(call("demo", "--db", tmp_path / "demo.db", "--json").stdout)
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        assert connection.execute("select count(*) from customers_view").fetchone() == (again["customers"],) == (10,)
        assert connection.execute("select count(*) from enrollments_view").fetchone() == (again["entered"],)
    assert again["entered"] == again["completed"] + again["exited"] + again["active"]
    assert json.loads(call("demo", "--db", tmp_path / "demo.db", "--json").stdout) == again


def test_the_demo_replaces_nothing_but_an_earlier_demo(folder, monkeypatch):
    """A database of somebody's own, or any other file, stays as it is; an empty one may be used."""
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 5)
    own, text, empty = folder / "own.db", folder / "notes.txt", folder / "empty.db"
    call("deploy", own, folder / "thanks.json", "--at", "2026-01-05T08:00:00Z")
    text.write_text("my notes")
    for path in (own, text):
        before = path.read_bytes()
        result = call("demo", "--db", path)
        assert (result.exit_code, path.read_bytes()) == (1, before)
        assert "this file is none of the demo, which would replace it; name another" in result.stderr
    empty.touch()
    assert call("demo", "--db", empty).exit_code == 0
