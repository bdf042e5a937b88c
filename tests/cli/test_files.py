"""Files on the command line: options, standard input, counts of each file, and the exit status."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from journeyflow import Engine, Journey, Send, Trigger, Wait
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey

JOURNEY = dumps_journey(
    Journey(id="thanks", trigger=Trigger("buy"), steps=[Send("hi", channel="EMAIL", template="t"), Wait("w", "1 day")])
)
AT = ("--at", "2026-01-01T00:00:00Z")
EXCEL = ("--encoding", "cp1252", "--timezone", "Europe/Paris")


def call(*words, stdin=None):
    """Run the command line inside this process."""
    return CliRunner().invoke(main, [str(word) for word in words], input=stdin)


@pytest.fixture
def db(tmp_path):
    """Make a database with a journey."""
    (tmp_path / "thanks.json").write_text(JOURNEY)
    path = tmp_path / "x.db"
    assert call("deploy", path, tmp_path / "thanks.json", *AT).exit_code == 0
    return path


def test_the_export_of_a_spreadsheet_is_put_with_two_options(db, tmp_path):
    """The refusal without them names both, and the sign between the cells is that of the header."""
    path, bought = tmp_path / "c.csv", tmp_path / "e.csv"
    path.write_bytes("customer;name;betrag\r\nc1;Jürg;1,5\r\n".encode("cp1252"))
    bought.write_bytes("at;type;customer;größe\r\n2026-01-01 01:00;buy;c1;0,5\r\n".encode("cp1252"))
    refused = [call("put-customers", db, path, *AT), call("feed", db, bought)]
    assert [each.exit_code for each in refused] == [1, 1]
    assert all("(--encoding cp1252 in the shell)" in each.stderr for each in refused)
    assert "(--timezone Europe/Paris in the shell)" in refused[1].stderr
    done = [call("put-customers", db, path, *AT, *EXCEL), call("feed", db, bought, *EXCEL)]
    assert [(each.exit_code, each.stdout) for each in done] == [
        (0, "1 customer taken, 0 lines skipped\n"), (0, "1 event taken, 0 lines skipped\n"),
    ]  # fmt: skip
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    with Engine(db) as engine:
        assert dict(engine.customer("c1").attributes) == {"name": "Jürg", "betrag": 1.5}
        assert engine.enrollment("thanks", "c1").entered_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_columns_zones_lists_and_blanks_have_options(db, tmp_path):
    """The same ones for every command that reads rows."""
    (tmp_path / "c.csv").write_text("Kunde|tags| name\nc1|a,b| Ann\n")
    done = call(
        "put-customers", db, tmp_path / "c.csv", *AT, "--delimiter", "|", "--map", "Kunde=customer",
        "--list-separator", ",", "--trim",
    )  # fmt: skip
    assert done.stdout == "1 customer taken, 0 lines skipped\n"
    (tmp_path / "e.csv").write_text("Wann=\ttype\tcustomer\tn\n2026-01-01 12:00\tbuy\tc1\t1,5\n")
    done = call(
        "feed", db, tmp_path / "e.csv", "--delimiter", "tab", "--map", "Wann==at", "--timezone", "Europe/Paris",
        "--decimal-comma",
    )  # fmt: skip
    assert done.stdout == "1 event taken, 0 lines skipped\n"
    call("tick", db, "--now", "2026-01-01T11:00:00Z")
    with Engine(db) as engine:
        assert engine.enrollment("thanks", "c1").entered_at == datetime(2026, 1, 1, 11, tzinfo=UTC)
        assert dict(engine.customer("c1").attributes)["tags"] == ["a", "b"]


@pytest.mark.parametrize("pair", ["x", "=x", "x="])
def test_a_map_is_pairs(db, tmp_path, pair):
    """Wrong usage is told as such, and so are two names for one column."""
    (tmp_path / "c.csv").write_text("customer\n")
    done = call("put-customers", db, tmp_path / "c.csv", "--map", pair)
    assert (done.exit_code, "must be COLUMN=NAME" in done.stderr) == (2, True)
    done = call("put-customers", db, tmp_path / "c.csv", "--map", "a=b", "--map", "a=c")
    assert (done.exit_code, "the column 'a' has two names" in done.stderr) == (2, True)


def test_options_that_are_none_are_faults(db, tmp_path):
    """Status 1 and a sentence."""
    (tmp_path / "c.csv").write_text("customer\n")
    done = call("put-customers", db, tmp_path / "c.csv", "--timezone", "Mars", "--encoding", "hex")
    assert done.exit_code == 1
    assert "encoding: 'hex' is not an encoding of text" in done.stderr
    assert "timezone: 'Mars' is not an IANA time zone" in done.stderr


def test_each_file_is_read_from_standard_input_too(tmp_path):
    """Journeys, policies, customers and events; `check`, `show` and `deploy` as well."""
    db = tmp_path / "x.db"
    assert "errors: 0" in call("check", "-", stdin=JOURNEY).stdout
    assert "flowchart" in call("show", "-", stdin=JOURNEY).stdout
    assert call("deploy", db, "-", *AT, stdin=JOURNEY).exit_code == 0
    assert call("policies", db, "-", *AT, stdin='{"format": 1, "timezone": "Europe/Paris"}').exit_code == 0
    done = call("put-customers", db, "-", *AT, stdin="customer,x\nc1,1\n")
    assert done.stdout == "1 customer taken, 0 lines skipped\n"
    done = call("feed", db, "-", stdin='[{"at": "2026-01-01T00:00:00Z", "type": "buy", "customer": "c1"}, 7]')
    assert done.stdout == "1 event taken, 1 line skipped\n"
    assert done.stderr == "skipped: standard input, line 1: expected an object, not int 7\n"


def test_rows_that_come_twice_are_counted(db, tmp_path):
    """They are taken; the tick finds the second event of an id a duplicate (R26)."""
    path = tmp_path / "e.csv"
    row = "2026-01-01T00:00:00Z,buy,c1"
    path.write_text(f"at,type,customer,id\n{row},1\n{row},1\n{row},\n{row},\n{row},2\n")
    assert call("feed", db, path).stdout == "5 events taken, 0 lines skipped; 1 came a second time\n"
    path.write_text("customer\nc1\nc2\nc1\nc1\n")
    figures = json.loads(call("put-customers", db, path, "--json").stdout)
    assert figures == {"taken": 4, "bad": 0, "duplicate": 2, "lines": []}


def test_a_backtest_counts_each_file_and_fails_if_one_was_of_no_use(tmp_path):
    """Customers of whom none could be read are not a success, whatever the events are."""
    (tmp_path / "thanks.json").write_text(JOURNEY)
    (tmp_path / "e.csv").write_text("Wann,type,customer,id\n" + "2026-01-01,buy,c1,1\n" * 2 + "x,buy,c2,2\n")
    (tmp_path / "c.csv").write_text("Kunde,name\n" + " c,Ann\n" * 3_000)
    words = [
        "backtest", tmp_path / "thanks.json", "--events", tmp_path / "e.csv", "--customers", tmp_path / "c.csv",
        "--map", "Wann=at", "--map", "Kunde=customer", "--timezone", "UTC",
    ]  # fmt: skip
    done = call(*words)
    assert done.exit_code == 1
    table = [line.rsplit(maxsplit=3)[1:] for line in done.stdout.splitlines()[-3:]]
    assert table == [["taken", "bad", "duplicate"], ["2", "1", "1"], ["0", "3000", "0"]]
    assert "skipped: 2980 more lines" in done.stderr
    figures = json.loads(call(*words, "--trim", "--json").stdout)
    assert [(file["taken"], file["bad"], file["duplicate"]) for file in figures["files"]] == [
        (2, 1, 1),
        (3000, 0, 2999),
    ]
    assert call(*words, "--trim").exit_code == 0
    done = call(*words, "--map", "Nmae=x")
    assert (done.exit_code, "no file has the column 'Nmae' to map" in done.stderr) == (1, True)


def test_a_backtest_reads_one_file_from_standard_input(tmp_path):
    """Not two of them."""
    (tmp_path / "thanks.json").write_text(JOURNEY)
    words = ("backtest", tmp_path / "thanks.json", "--events", "-")
    done = call(*words, stdin="at,type,customer\n2026-01-01T00:00:00Z,buy,c1\n")
    assert (done.exit_code, done.stdout.splitlines()[-1].split()) == (0, ["standard", "input", "1", "0", "0"])
    done = call(*words, "--customers", "-")
    assert (done.exit_code, "only one file can be standard input" in done.stderr) == (2, True)


def test_a_stray_quote_is_named_where_it_opens(db, tmp_path):
    """It costs its line alone."""
    rows = ["customer,name", *(f"c{n},Ann" for n in range(2, 1_001))]
    rows[11], rows[901] = 'c12,"Ann', 'c902,"Zoe, B"'
    (tmp_path / "c.csv").write_text("\n".join(rows))
    done = call("put-customers", db, tmp_path / "c.csv", *AT)
    assert done.stdout == "998 customers taken, 1 line skipped\n"
    assert "c.csv, line 12: this is not CSV: ',' expected after" in done.stderr
    assert "(a quote opens here, and goes on to line 902; not taken: line 12)" in done.stderr


def test_the_package_runs_as_a_module():
    """`python -m journeyflow` is the command."""
    done = subprocess.run(
        [sys.executable, "-m", "journeyflow", "--version"], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.startswith("journeyflow, version")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"SQLite format 3\0", "this is an SQLite database; give a JSON file"),
        (b"at,type,customer\n", "this is not JSON: it begins with 'at,type,customer', not with { or ["),
        (b" \n", "this is not JSON: it is empty"),
        (b'{"a": "\xe4"}', "this is not UTF-8 text: its byte 7 is none; save it in UTF-8"),
    ],
)
def test_what_is_no_journey_file_is_told_with_the_remedy(tmp_path, data, words):
    """Every command that reads a journey says what the file is instead."""
    path = tmp_path / "j.json"
    path.write_bytes(data)
    for command in (["show"], ["check"], ["diff", str(path)], ["simulate"]):
        found = CliRunner().invoke(main, [*command, str(path)])
        assert (found.exit_code, isinstance(found.exception, SystemExit)) == (1, True)
        assert words in found.output


def test_a_plan_without_a_confidence_that_can_be_is_wrong_usage():
    """As for the power, the range is named."""
    found = CliRunner().invoke(main, ["power", "--rate", "0.1", "--difference", "0.02", "--confidence", "95"])
    assert found.exit_code == 2
    assert "confidence lies between 0 and 1, such as 0.95, not 95" in found.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--db", ""],
        ["calibrate", "x.db", "--workers", "9" * 30],
        ["forecast", "x.db", "--workers", "100000"],
        ["simulate", "-", "--workers", "0"],
    ],
)
def test_a_number_of_workers_and_a_file_that_cannot_be_are_wrong_usage(tmp_path, monkeypatch, words):
    """Status 2 and a sentence, before anything is done."""
    monkeypatch.chdir(tmp_path)
    done = call(*words)
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (2, True)
    assert not list(tmp_path.iterdir())
