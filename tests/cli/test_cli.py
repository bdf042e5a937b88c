"""The command line: what it prints, where, and its exit status."""

import json
import re
import shlex
import sqlite3
from contextlib import closing

import pytest
from attrs import evolve
from click.testing import CliRunner

from journeyflow import Chain, End, Engine, Event, Journey, Reentry, Send, Trigger, Update, Wait, update_step
from journeyflow.cli import main
from journeyflow.cli.main import SECTIONS
from journeyflow.cli.shared import Bar, table
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.schema import dumps_schema
from tests.samples import START

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
    assert "1 event from 2026-01-01 on, run until 2026-02-01 00:00:00 UTC" in result.stdout
    assert f"Tables are in {folder / 'out'}" in result.stdout
    assert "line 3: 'x' is no ISO 8601 instant" in result.stderr
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
    assert "worse.json: this is no UTF-8 text" in result.stderr
    assert "Traceback" not in result.output


def test_an_existing_database_is_not_mixed_with_a_new_run(folder):
    """Exit status 1 and the remedy."""
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.execute("create table x (y)")
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--db", folder / "run.db")
    assert result.exit_code == 1
    assert "the file exists already; name a new one" in result.stderr


def test_tables_and_customers_are_exported(folder, monkeypatch):
    """Tables go into files, one customer to standard output as JSON; on a terminal a bar shows how far it is."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "=c2", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-01-01T00:00:00Z").exit_code == 0
    result = call("export", path, "--to", folder / "out")
    assert result.stdout.splitlines()[1:] == ["enrollments     2", "visits          4", "messages        2",
                                              f"Files are in {folder / 'out'}"]  # fmt: skip
    assert "'=c2" in (folder / "out/visits.csv").read_text()
    result = call("export", path, "--to", folder / "out", "--table", "messages", "--format", "ndjson", "--json")
    assert json.loads(result.stdout) == {"messages": 2}
    assert json.loads((folder / "out/messages.ndjson").read_text().splitlines()[0])["customer"] == "=c2"
    told = json.loads(call("export", path, "--customer", "c1").stdout)
    assert (told["customer"], told["messages"][0]["step"]) == ("c1", "hello")
    assert call("export", path, "--customer", "nobody").exit_code == 1
    assert call("export", path).exit_code == 2
    shown = []
    monkeypatch.setattr(Bar, "__call__", lambda _, *each: shown.append(each))
    assert call("export", path, "--to", folder / "out", "--table", "visits", "--exact").exit_code == 0
    assert shown[-1] == ("export", 2, 2)
    assert "\ndefault,thanks,=c2" in (folder / "out/visits.csv").read_text()


def test_people_are_forgotten_and_space_is_given_back(folder):
    """The database is without a person afterwards; somebody unknown is a fault (R86)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "c2", *at).exit_code == 0
    result = call("forget", path, "c1", "--at", "2026-01-01T12:00:00Z", "--json")
    assert json.loads(result.stdout) == {"forgotten": 1, "ended": 1}
    result = call("forget", path, "c2", "--at", "2026-01-01T12:00:00Z", "--keep-free-space")
    assert result.stdout == "1 forgotten; enrollments that ended: 1\n"
    result = call("forget", path, "c1", "--at", "2026-01-01T12:00:00Z")
    assert (result.exit_code, "customer 'c1'" in result.stderr) == (1, True)
    sizes = json.loads(call("vacuum", path, "--json").stdout)
    assert 0 < sizes["after"] <= sizes["before"]


def test_a_restored_backup_gets_a_new_nonce(folder):
    """Given or drawn, it begins the ids of new messages; one that was used before is a fault (R70)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert json.loads(call("renew-nonce", path, "--nonce", "k4", "--json").stdout) == {"nonce": "k4"}
    assert call("enroll", path, "thanks", "c1", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-01-01T00:00:00Z").exit_code == 0
    with Engine(path) as engine:
        assert [message.id for message in engine.messages().items] == ["k4-1-1"]
    result = call("renew-nonce", path, "--nonce", "k4")
    assert (result.exit_code, "'k4' was used before" in result.stderr) == (1, True)
    assert re.fullmatch("the ids of new messages begin with [0-9a-f]{10}\n", call("renew-nonce", path).stdout)


def test_history_is_pruned(folder, monkeypatch):
    """The dry run says what the prune then does; statistics stay, and a bar shows how far it is (R86)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "c2", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-03-01T00:00:00Z").exit_code == 0
    assert call("claim", path, "worker", "--at", "2026-03-01T00:00:00Z").exit_code == 0
    assert call("forget", path, "c1", "--at", "2026-03-01T00:00:00Z").exit_code == 0
    asked = ("stats", path, "thanks", "--at", "2026-04-01T00:00:00Z", "--json")
    before = call(*asked).stdout
    shown = []
    monkeypatch.setattr(Bar, "__call__", lambda _, *each: shown.append(each))
    result = call("prune", path, "--before", "2027-01-01T00:00:00Z", "--dry-run")
    assert result.stdout.splitlines()[-1] == "nothing was changed"
    would = json.loads(call("prune", path, "--before", "2027-01-01T00:00:00Z", "--dry-run", "--json").stdout)
    assert shown[-1] == ("prune", 4, 4)
    done = json.loads(call("prune", path, "--before", "2027-01-01T00:00:00Z", "--all-tenants", "--json").stdout)
    assert done == {**would, "dry_run": False}
    assert done["inputs"] == 2
    assert call(*asked).stdout == before
    result = call("prune", path, "--before", "2027-01-01T00:00:00Z", "--journey", "nothing")
    assert (result.exit_code, "no journey 'nothing'" in result.stderr) == (1, True)


def test_wrong_usage_has_exit_status_2(folder):
    """A missing file or an instant without an offset is a fault of the call."""
    assert call("backtest", folder / "none.json", "--events", folder / "events.csv").exit_code == 2
    result = call("backtest", folder / "thanks.json", "--events", folder / "events.csv", "--until", "2026-02-01")
    assert result.exit_code == 2
    assert "has no offset" in result.stderr


def test_the_demo_leaves_a_database_and_says_what_to_try(tmp_path, monkeypatch):
    """The funnel is printed and the file answers plain SQL; run again, it puts a new file in place of the old one."""
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 200)  # README.md shows it in full
    result = call("demo", "--db", tmp_path / "demo.db")
    assert result.exit_code == 0, result.output
    assert "200 people signed up" in result.stdout
    assert "What to try next" in result.stdout
    assert "New Member Onboarding" in (tmp_path / "demo.html").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    following = [line.partition("journeyflow ")[2] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert following[0].startswith("serve ")
    assert [call(*shlex.split(line)).exit_code for line in following[1:] if line] == [0] * 9
    assert "New Member Onboarding" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        assert connection.execute("select count(*) from customers_view").fetchone() == (200,)
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 50)
    again = json.loads(call("demo", "--db", tmp_path / "demo.db", "--json").stdout)
    with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        assert connection.execute("select count(*) from customers_view").fetchone() == (again["customers"],) == (50,)
        assert connection.execute("select count(*) from enrollments_view").fetchone() == (again["entered"],)
    assert again["entered"] == again["completed"] + again["exited"] + again["active"]
    assert json.loads(call("demo", "--db", tmp_path / "demo.db", "--json").stdout) == again


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
    assert "is no page that journeyflow wrote" in refused.output
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
    assert table([("a", 5), ("bb", 10)], ("name", "n")) == "name   n\na      5\nbb    10"


def test_the_version_is_told():
    """The version comes from the package's metadata."""
    assert "journeyflow" in call("--version").output


@pytest.fixture
def db(folder):
    """Make a database with the journey deployed and one customer inside."""
    path = folder / "journeys.db"
    at = ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    (folder / "events.csv").write_text("at,type,customer\n2026-01-01T09:00:00Z,buy,c1\n")
    assert "1 event taken, 0 lines skipped" in call("feed", path, folder / "events.csv").stdout
    assert call("tick", path, "--now", "2026-01-01T09:00:00Z").exit_code == 0
    return path


def test_check_names_every_problem_and_fails_on_errors(folder):
    """Warnings alone are no failure; errors give exit status 1."""
    lonely = '{"format":1,"id":"j","trigger":{"manual":true},"steps":[{"kind":"end","id":"a"},{"kind":"end","id":"b"}]}'
    (folder / "warned.json").write_text(lonely)
    result = call("check", folder / "thanks.json", folder / "warned.json")
    assert result.exit_code == 0
    assert "warned.json: warning: steps[1]: no path leads to step 'b' [unreachable]" in result.stdout
    assert "files: 2, errors: 0, warnings: 1" in result.stdout
    (folder / "bad.json").write_bytes(b"\xff")
    result = call("check", folder / "bad.json", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["problem"]["code"] == "encoding"
    (folder / "bad.json").write_text(lonely.replace('"end"', '"edn"', 1))
    assert "did you mean 'end'?" in call("check", folder / "bad.json").stdout


@pytest.mark.parametrize(
    ("form", "start"),
    [("mermaid", "flowchart TD"), ("dot", "digraph"), ("svg", "<svg "), ("html", "<!DOCTYPE html>"), ("json", "{")],
)
def test_show_draws_a_journey(folder, form, start):
    """Mermaid, DOT, and the file written anew."""
    result = call("show", folder / "thanks.json", "--format", form)
    assert result.exit_code == 0
    assert result.stdout.startswith(start)
    assert json.loads(call("show", folder / "thanks.json", "--json").stdout)["id"] == "thanks"


@pytest.mark.parametrize(("form", "key"), [("loyalty", "steps"), ("octeth", "Actions")])
def test_show_writes_a_journey_for_another_system(folder, form, key):
    """What that system cannot say is listed on standard error."""
    (folder / "wait.json").write_text(dumps_journey(Journey("j", steps=[Wait("w", until="09:00")])))
    result = call("show", folder / "wait.json", "--format", form)
    assert result.exit_code == 0
    assert key in json.loads(result.stdout)
    assert f"lost: {folder / 'wait.json'}: steps[0].until: " in result.stderr


def test_show_draws_what_a_version_changes(folder):
    """Both versions as one picture; in words it is `journeyflow diff`."""
    earlier = folder / "earlier.json"
    earlier.write_text(dumps_journey(update_step(JOURNEY, "w", duration="2 days")), encoding="utf-8")
    drawn = call("show", folder / "thanks.json", "--format", "svg", "--before", earlier)
    assert drawn.exit_code == 0, drawn.output
    assert "\N{PLUS-MINUS SIGN} WAIT" in drawn.stdout
    refused = call("show", folder / "thanks.json", "--before", earlier)
    assert refused.exit_code == 2
    assert "--before goes with --format svg" in refused.output


def test_a_database_is_run_and_questioned_from_the_shell(db):
    """Deploy, feed, tick, then list, explain and audit; tables for people."""
    assert "thanks   ACTIVE        1  buy" in call("journeys", db).stdout
    assert "1 to 1 of 1" in call("enrollments", db, "thanks", "--status", "ACTIVE").stdout
    assert "none of 0" in call("enrollments", db, "--customer", "nobody").stdout
    assert "now waiting at w until 2026-01-02 09:00:00" in call("explain", db, "thanks", "c1").stdout
    missing = call("explain", db, "thanks", "nobody")
    assert missing.stderr == "Error: no enrollment 'thanks/nobody'; why-not tells what stands against one\n"
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


def test_the_schema_is_printed_for_editors():
    """What is printed is the file that is shipped, byte for byte."""
    assert call("schema").stdout == dumps_schema()


def test_lifecycle_from_the_shell(db):
    """Pause, resume and archive; a transition that is not allowed names both states and exits with 1."""
    at = ("--at", "2026-01-01T10:00:00Z")
    assert "PAUSED" in call("pause", db, "thanks", *at).stdout
    result = call("activate", db, "thanks", *at)
    assert result.exit_code == 1
    assert "is PAUSED and cannot become ACTIVE; resume it instead" in result.stderr
    assert "ACTIVE" in call("resume", db, "thanks", *at).stdout
    archived = json.loads(call("archive", db, "thanks", *at, "--json").stdout)
    assert (archived["exited"], archived["left"]) == (1, 1)


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
    (folder / "text.db").write_text("this is no database, but it is long enough to look like one " * 20)
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


def test_a_warning_about_a_loyalty_file_has_its_place_in_that_file(folder):
    """The TRIGGER is the first of its steps, and none of the journey's; nothing is told twice."""
    steps: list[dict[str, object]] = [{"id": name, "type": "END"} for name in ("a", "b")]
    document = {"id": "hi", "triggerType": "joined", "steps": [{"type": "TRIGGER", "nextStepId": "a"}, *steps]}
    (folder / "loyalty.json").write_text(json.dumps(document))
    told = [line for line in call("check", folder / "loyalty.json").stdout.splitlines() if "no path leads" in line]
    assert len(told) == 1
    assert "steps[2]: no path leads to step 'b'; nobody will be there [lost]" in told[0]


@pytest.mark.rows(11)
def test_a_file_that_says_that_its_journey_does_not_run_stays_a_draft(folder):
    """F11: it is published and not activated; one that says ACTIVE is."""
    document = {"id": "paused", "triggerType": "joined", "status": "PAUSED", "steps": [{"id": "bye", "type": "END"}]}
    (folder / "paused.json").write_text(json.dumps({"data": document}))
    (folder / "active.json").write_text(json.dumps({**document, "id": "active", "status": "ACTIVE"}))
    result = call("deploy", folder / "x.db", folder / "paused.json", folder / "active.json")
    assert result.exit_code == 0, result.output
    with Engine(folder / "x.db") as engine:
        assert {each.id: each.status for each in engine.journeys()} == {"paused": "DRAFT", "active": "ACTIVE"}


@pytest.mark.rows(49)
def test_files_of_the_loyalty_platform_are_read_too_and_losses_are_named(folder):
    """A journey file is recognised by its shape; what it says that journeyflow cannot keep is told (F49)."""
    entry = '{"type": "TRIGGER", "config": {"eventType": "joined"}, "nextStepId": "bye"}'
    text = f'{{"id": "hi", "status": "ACTIVE", "steps": [{entry}, {{"id": "bye", "type": "END"}}]}}'
    (folder / "loyalty.json").write_text(text)
    result = call("show", folder / "loyalty.json", "--format", "json")
    assert json.loads(result.stdout)["trigger"] == {"event": "joined"}
    assert "lost: " in result.stderr
    result = call("check", folder / "loyalty.json")
    assert result.exit_code == 0
    assert "[lost]" in result.stdout


def test_policies_are_set_from_a_file_and_shown(db, tmp_path):
    """R31: for people as a table, for machines as a policy file that can be set again; of one tenant."""
    assert call("policies", db).stdout == "no policies\n"
    file = tmp_path / "policies.json"
    file.write_text(
        """{"format": 1, "timezone": "Europe/Paris",
            "caps": [{"count": 3, "per": "day", "channel": "EMAIL", "over": "defer"},
                     {"count": 5, "within": "7 days"}, {"count": null, "per": "week"}],
            "quiet": [{"start": "22:00", "end": "08:00"},
                      {"start": "00:00", "end": "24:00", "weekdays": ["SAT", "SUN"], "channel": "SMS"}]}"""
    )
    shown = call("policies", db, file, "--at", "2026-01-05T08:00:00Z")
    assert shown.exit_code == 0, shown.output
    assert [line.split("  ") for line in shown.stdout.splitlines()][1:] == [
        ["cap", "   EMAIL", "     at most 3 per day, else deferred"],
        ["cap", "   all channels", "at most 5 within 7 days, else skipped"],
        ["cap", "   all channels", "off"],
        ["quiet", " all channels", "22:00 to 08:00, every day"],
        ["quiet", " SMS", "", "   00:00 to 24:00, SAT,SUN"],
        ["zone", "  Europe/Paris", "for customers without a zone of their own"],
    ] or shown.stdout
    as_json = call("policies", db, "--json").stdout
    assert json.loads(as_json) == json.loads(file.read_text())
    assert call("policies", db, "--at", "2026-01-05T07:59:59Z").stdout == "no policies\n"
    assert call("policies", db, "--tenant", "other").stdout == "no policies\n"


def test_a_policy_file_that_cannot_be_read_is_told_with_its_name(db, tmp_path):
    """Every fault on a line of its own, exit status 1, nothing set."""
    file = tmp_path / "policies.json"
    file.write_text('{"format": 1, "caps": [{"count": -1, "per": "days"}]}')
    result = call("policies", db, file)
    assert result.exit_code == 1
    assert f"{file}: caps[0].count: must be 0 or more" in result.stderr
    assert f"{file}: caps[0].per: must be 'day', 'week' or 'month'" in result.stderr
    file.write_bytes(b"\xff\xfe")
    assert "this is no UTF-8 text" in call("policies", db, file).stderr
    assert call("policies", db).stdout == "no policies\n"


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


def test_two_files_of_one_journey_are_an_error(folder):
    """One would replace the other, by the order of the names on the line."""
    (folder / "again.json").write_text(dumps_journey(JOURNEY))
    files = (folder / "again.json", folder / "thanks.json")
    result = call("check", *files)
    assert result.exit_code == 1
    assert f"{files[1]}: error: id: journey 'thanks' is in {files[0]} already" in result.stdout
    result = call("deploy", folder / "new.db", *files)
    assert (result.exit_code, (folder / "new.db").exists()) == (1, False)
    assert result.stderr == f"Error: journey 'thanks' is in {files[0]} and in {files[1]}; deploy one of them\n"


def test_an_older_file_does_not_replace_the_newest_version_unless_asked_to(folder):
    """R12: the command says so on standard error, and `--rollback` does it."""
    path, old, new = folder / "run.db", folder / "thanks.json", folder / "new.json"
    new.write_text(dumps_journey(evolve(JOURNEY, max_visits=50)))
    call("deploy", path, old)
    assert call("deploy", path, new).stderr == ""
    result = call("deploy", path, old, "--json")
    assert result.stderr == (
        f"unchanged: {old} holds version 1 of 'thanks', but the newest is 2 and stays so; "
        "--rollback makes 1 the newest again\n"
    )
    assert [(each["version"], each["newest"]) for each in json.loads(result.stdout)] == [(1, False)]
    result = call("deploy", path, old, "--rollback", "--json")
    assert (result.stderr, json.loads(result.stdout)[0]["newest"]) == ("", True)


def test_tenants_may_have_journeys_of_one_id(folder):
    """R91: each is deployed, and told by its tenant; without one a journey belongs to the default tenant."""
    for tenant in ("default", "shop"):
        (folder / f"{tenant}.json").write_text(dumps_journey(evolve(JOURNEY, tenant=tenant)))
    mine, theirs = folder / "thanks.json", folder / "shop.json"
    told = [{"tenant": tenant, "journey": "thanks", "version": 1, "status": "ACTIVE"} for tenant in ("default", "shop")]
    found = json.loads(call("deploy", folder / "run.db", mine, theirs, "--json").stdout)
    assert found == [{**each, "newest": True} for each in told]
    shown = call("deploy", folder / "run.db", mine, theirs).stdout.splitlines()
    assert [line.split() for line in shown[1:]] == [list(map(str, each.values())) for each in told]
    assert "deploy one of them" in call("deploy", folder / "run.db", mine, folder / "default.json").stderr


def test_what_is_wrong_between_journeys_is_told_when_they_are_deployed(folder):
    """R53: names that no journey of the tenant has, in the files and in the database together."""
    journeys = {
        "first": Journey("first", steps=[Update("on", Chain.enroll("second", "thrid"))]),
        "second": Journey("second", steps=[Wait("w", "1 day"), Update("back", Chain.enroll("first"))]),
    }
    for name, journey in journeys.items():
        (folder / f"{name}.json").write_text(dumps_journey(evolve(journey, trigger=Trigger("go"))))
    first, second = folder / "first.json", folder / "second.json"
    alone = call("deploy", folder / "run.db", first)
    assert alone.stderr == ""
    result = call("deploy", folder / "run.db", second)
    assert result.stderr == ""
    told = call("deploy", folder / "new.db", first, second).stderr.splitlines()
    assert told == call("deploy", folder / "run.db", first, second).stderr.splitlines()
    assert [line.partition(": ")[0] for line in told] == [str(first), str(first)]
    assert "there is no journey 'thrid' among these" in told[0]
    assert "these journeys start one another: first -> second -> first" in told[1]


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


def test_deploy_prints_what_check_warns_of(tmp_path):
    """On standard error, each time, with the file; the exit status is that of a deployment that went well."""
    path = tmp_path / "remind.json"
    steps = (Wait("w", field="due", offset="-1 day"), Send("hi", channel="EMAIL", template="t"))
    path.write_text(dumps_journey(Journey(id="remind", trigger=Trigger("go"), steps=steps)))
    for _ in range(2):
        result = call("deploy", tmp_path / "x.db", path)
        assert result.exit_code == 0
        assert result.stderr.rstrip() == call("check", path).stdout.splitlines()[0]
        assert "[no-date]" in result.stderr


def test_a_tick_says_that_a_pause_holds_what_waits(db):
    """It names no next work, for none is done before the resume."""
    call("pause", db, "thanks", "--at", "2026-01-01T12:00:00Z")
    for now in ("2026-01-01T13:00:00Z", "2026-01-03T00:00:00Z"):
        result = call("tick", db, "--now", now)
        assert "\nnothing waits but what a pause holds\n" in result.stdout
        held = "; held: the journey is paused since 2026-01-01 12:00:00\n"
        assert call("explain", db, "thanks", "c1").stdout.endswith(held)
