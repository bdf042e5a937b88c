"""The command line as a whole: what it prints, where, and its exit status."""

import json
import sqlite3

import pytest

from journeyflow import End, Engine, Event, Journey, Reentry, Trigger
from journeyflow.cli import main
from journeyflow.cli.main import SECTIONS
from journeyflow.cli.shared import Bar, text_table
from journeyflow.formats.native import dumps_journey
from tests.cli.shell import JOURNEY, call
from tests.samples import START


def test_wrong_usage_has_exit_status_2(folder):
    """A missing file or an instant without an offset is a fault of the call."""
    assert call("backtest", folder / "none.json", "--events", folder / "events.csv").exit_code == 2
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--until", "2026-02-01")
    assert result.exit_code == 2
    assert "has no offset" in result.stderr


def test_a_report_is_written_beside_a_database(tmp_path):
    """To a file or to standard output, about one journey or all; a file of somebody else is not overwritten."""
    path = tmp_path / "run.db"
    with Engine(path) as engine:
        engine.deploy(JOURNEY, at=START)
        engine.feed(Event("buy", customer="ann", at=START))
        engine.tick(START)
    page = tmp_path / "thanks.html"
    written = call("report", path, "thanks", "-o", page)
    assert written.exit_code == 0, written.output
    assert written.stdout == f"wrote {page}: open it in a browser\n"
    assert "<h1>Journey thanks</h1>" in page.read_text(encoding="utf-8")
    assert call("report", path, "thanks", "--output", page).exit_code == 0
    assert "<h1>Journeys</h1>" in call("report", path).stdout
    assert json.loads(call("report", path, "thanks", "--json").stdout)["title"] == "Journey thanks"
    page.write_text("my own notes", encoding="utf-8")
    refused = call("report", path, "-o", page)
    assert refused.exit_code == 2
    assert "is not a page that journeyflow wrote" in refused.output
    assert page.read_text(encoding="utf-8") == "my own notes"


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
    assert text_table([("a", 5), ("bb", 10)], ("name", "n")) == "name   n\na      5\nbb    10"


def test_the_version_is_told():
    """The version comes from the package's metadata."""
    assert "journeyflow" in call("--version").output


def test_a_database_is_run_and_questioned_from_the_shell(db):
    """Deploy, feed, tick, then list, explain and audit; tables for people."""
    assert "thanks   ACTIVE        1  buy" in call("journeys", db).stdout
    assert "1 to 1 of 1" in call("enrollments", db, "thanks", "--status", "ACTIVE").stdout
    assert "none of 0" in call("enrollments", db, "--customer", "nobody").stdout
    assert "now waiting at w until 2026-01-02 09:00:00" in call("explain", db, "thanks", "c1").stdout
    missing = call("explain", db, "thanks", "nobody")
    assert missing.stderr == "Error: no enrollment 'thanks/nobody'; why-not says what prevents one\n"
    result = call("tick", db, "--now", "2026-01-03T00:00:00Z")
    assert "nothing waits" in result.stdout
    assert call("audit", db).stdout == "everything adds up\n"


def test_every_answer_can_be_json(db):
    """Machines get the same values."""
    assert json.loads(call("journeys", db, "--json").stdout)[0]["active"] == 1
    assert json.loads(call("enrollments", db, "--json").stdout)["items"][0]["due"] == "2026-01-02T09:00:00+00:00"
    assert json.loads(call("explain", db, "thanks", "c1", "--json").stdout)["enrollment"]["step"] == "w"
    assert json.loads(call("tick", db, "--now", "2026-01-01T10:00:00Z", "--json").stdout)["moves"] == 0
    assert json.loads(call("audit", db, "--json").stdout) == []
    at = ("--at", "2026-01-01T10:00:00Z", "--json")
    assert json.loads(call("enroll", db, "thanks", "c2", "c3", *at).stdout) == {"taken": 2}
    assert json.loads(call("exit", db, "thanks", "c2", *at).stdout) == {"taken": 1}


@pytest.mark.parametrize("name", sorted(set(main.commands) - {"schema", "serve", "record"}))
def test_every_command_can_print_json(name):
    """`--json` is everywhere; a schema and a cassette are JSON by themselves, and a server prints no answer."""
    assert "--json" in {option for each in main.commands[name].params for option in each.opts}


def test_people_are_put_enrolled_and_taken_out_from_the_shell(db, folder):
    """What is told is handled by the next tick; bad lines are named."""
    at = ("--at", "2026-01-01T10:00:00Z")
    (folder / "customers.csv").write_text("customer,tier\nc2,Gold\n" + ",x\n" * 25)
    result = call("put-customers", db, folder / "customers.csv", *at)
    assert "1 customer taken, 25 lines skipped" in result.stdout
    assert "skipped: 5 more lines" in result.stderr
    assert "noted for 2 customers" in call("enroll", db, "thanks", "c2", "c3", *at, "--force").stdout
    assert "noted for 1 customer" in call("exit", db, "thanks", "c3", "--at", "2026-01-01T11:00:00Z").stdout
    call("tick", db, "--now", "2026-01-01T11:00:00Z")
    rows = json.loads(call("enrollments", db, "thanks", "--json").stdout)["items"]
    assert [(row["customer"], row["status"], row["reason"]) for row in rows] == [
        ("c1", "ACTIVE", ""),
        ("c2", "ACTIVE", ""),
        ("c3", "EXITED", "manual"),
    ]


def test_what_is_not_there_is_told_with_a_suggestion(db, folder):
    """Unknown names and foreign files are messages with exit status 1, never stack traces."""
    result = call("explain", db, "thnks", "c1")
    assert result.exit_code == 1
    assert result.stderr == "Error: no journey 'thnks' (did you mean 'thanks'?)\n"
    assert "no journey 'thnks' (did you mean 'thanks'?)" in call("report", db, "thnks").stderr
    assert "no enrollment 'thanks/c1, run 7'" in call("explain", db, "thanks", "c1", "--run", "7").stderr
    assert "did you mean 'thanks'" in call("enrollments", db, "thnks").stderr
    assert "a page has skip >= 0" in call("enrollments", db, "--take", "0").stderr
    (folder / "text.db").write_text("this is not a database, but it is long enough to look like one " * 20)
    result = call("journeys", folder / "text.db")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_an_audit_that_finds_something_fails(db):
    """Exit status 1 and a sentence for each fault."""
    connection = sqlite3.connect(db)
    connection.execute("update enrollments set due = null")
    connection.commit()
    connection.close()
    result = call("audit", db)
    assert result.exit_code == 1
    assert "enrollment 1 is active and rests without a wake-up" in result.stdout


def test_the_help_lists_every_command_under_what_it_is_for():
    """Each command stands in one section, with its whole first sentence."""
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(main.commands)
    told = call("--help").stdout
    assert "..." not in told.partition("Options:")[2]
    assert told.index("Begin:") < told.index("Run:") < told.index("Ask:")


def test_a_command_without_a_section_is_listed_last(monkeypatch):
    """Nothing is left out of the help."""
    monkeypatch.setitem(main.commands, "new", main.commands["audit"])
    assert "\nOther:\n  new " in call("--help").stdout


def test_the_key_of_a_run_is_shown_and_asked_for(tmp_path):
    """Parallel runs are told apart in the list of enrollments (R22)."""
    path = tmp_path / "keys.db"
    at = "2026-01-05T08:00:00Z"
    journey = Journey(id="cart", trigger=Trigger("cart"), reentry=Reentry.always(key="event.cart"), steps=[End("done")])
    (tmp_path / "cart.json").write_text(dumps_journey(journey))
    assert call("deploy", path, tmp_path / "cart.json", "--at", at).exit_code == 0
    for key in ("k1", "k2"):
        assert call("enroll", path, "cart", "ann", "--key", key, "--at", at).exit_code == 0
    assert call("tick", path, "--now", at).stdout.splitlines()[6].split() == ["deferred", "0"]
    lines = call("enrollments", path, "--key", "k2", "--version", "1").stdout.splitlines()
    assert lines[0].split()[:4] == ["journey", "customer", "run", "key"]
    assert lines[1].split()[:4] == ["cart", "ann", "2", "k2"]
    assert lines[2] == "1 to 1 of 1"


def test_a_tick_that_leaves_work_says_so(folder):
    """With a limit some of what is due may be left."""
    path, at = folder / "run.db", "2026-01-05T08:00:00Z"
    call("deploy", path, folder / "thanks.json", "--at", at)
    call("enroll", path, "thanks", "ann", "bob", "--at", at)
    assert call("tick", path, "--now", at, "--limit", "1").stdout.splitlines()[-1].endswith("tick again")
    told = call("archive", path, "thanks", "--at", "2026-01-05T09:00:00Z").stdout
    assert told.splitlines()[-1] == "left by this: 2"


def test_a_tick_says_that_a_pause_holds_what_waits(db):
    """It names no next work, for none is done before the resume."""
    call("pause", db, "thanks", "--at", "2026-01-01T12:00:00Z")
    for now in ("2026-01-01T13:00:00Z", "2026-01-03T00:00:00Z"):
        result = call("tick", db, "--now", now)
        assert "\nnothing waits but what a pause holds\n" in result.stdout
        held = "; held: the journey is paused since 2026-01-01 12:00:00\n"
        assert call("explain", db, "thanks", "c1").stdout.endswith(held)
