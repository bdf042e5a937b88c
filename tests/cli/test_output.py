"""What commands print: every text, on every stream, as text; and what becomes of work whose output is lost."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from journeyflow import Engine, Event, Exit, Journey, Limits, Send, Split, Trigger, Wait, arm
from journeyflow.cli import main, shared
from journeyflow.cli.main import SECTIONS
from journeyflow.cli.output import in_utf8
from journeyflow.formats.native import dumps_journey

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
EVIL = "\x1b[31m\x9b2J\u202eŁ\r\b"
"""What moves a cursor, colors, clears, turns around: and a letter that most legacy encodings lack."""

WRITTEN = r"\u001b[31m\u009b2J\u202eŁ\u000d\u0008"
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def evil(name: str) -> str:
    """Return an id that a terminal would obey."""
    return f"{name}{EVIL}"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Give a database whose every text is evil: two journeys, two customers, a message each."""
    path = tmp_path / "run.db"
    steps: list[Send | Split | Wait] = [
        Send(evil("hi"), channel=evil("EMAIL"), template=evil("t"), data={"text": EVIL}),
        Split(evil("split"), arm(50, label=evil("a")), arm(50, label=evil("b"))),
        Wait(evil("wait"), "1 day"),
    ]
    journey = Journey(
        evil("j"), name=EVIL, trigger=Trigger(evil("go")), steps=steps, exits=[Exit(evil("stop"), event=evil("stop"))]
    )
    waiting = Journey("full", trigger=Trigger(evil("go")), steps=steps[2:], limits=Limits(per_day=1))
    with Engine(path) as engine:
        for each in (journey, waiting):
            engine.deploy(each, at=START)
        for customer in (evil("ann"), evil("bob")):
            engine.put_customer(customer, {"name": EVIL, evil("x"): EVIL}, at=START)
            engine.feed(Event(evil("go"), customer=customer, at=START, data={"text": EVIL}))
        engine.tick(START)
        engine.feed(Event("message.opened", customer=evil("ann"), at=START, data={"message": evil("none")}))
        engine.tick(START)
    return path


def ran(*arguments: object) -> str:
    """Run a command in this process and return what it printed on both streams."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.output


J, ANN, HI = evil("j"), evil("ann"), evil("hi")

COMMANDS = [
    ("journeys",), ("versions", J), ("steps", J), ("enrollments", J), ("enrollments", J, "--fields", evil("x")),
    ("people", J, HI), ("people", J, evil("nowhere")), ("deferred",), ("explain", J, ANN), ("explain", J, evil("eve")),
    ("why-not", J, ANN), ("why-not", "full", evil("bob")), ("at", J, ANN, START.isoformat()), ("timeline", ANN),
    ("timeline", evil("eve")), ("stats",), ("stats", J), ("stats", J, "--by", "day"), ("stats", J, "--by", "domain"),
    ("stats", J, "--csv"), ("results", J), ("benchmark",), ("messages",), ("messages", evil("k")), ("unmatched",),
    ("policies",), ("audit",), ("export", "--customer", ANN), ("pause", J), ("activate", J),
    ("claim", evil("worker")), ("ack", evil("message")), ("nack", evil("message"), evil("token")),
    ("release", evil("message"), evil("token")),
    ("enroll", J, evil("eve")), ("exit", J, ANN, "--reason", EVIL), ("retry", J, ANN), ("migrate", J, "7"),
    ("clone", J, evil("copy")), ("clone", J, evil("copy"), "--to-tenant", evil("other")),
    ("edit", J, "--name", EVIL), ("bulk", "disable", J, evil("k")), ("prune", "--before", EVIL),
    ("forget", evil("eve")),
    ("renew-nonce", "--nonce", EVIL), ("tick", "--now", START.isoformat()), ("tick", EVIL), ("archive", J, EVIL),
    ("purge", J), ("delete", J), ("resume", J), ("vacuum",),
]  # fmt: skip


WITH_FILES = {"demo", "check", "show", "schema", "backtest", "simulate", "compare", "power", "deploy", "put-customers"}
WITH_FILES |= {"feed"}
WITH_FILES |= {"analyze", "paths", "diff", "directory"}
SERVING = {"serve"}  # which ends when it is told to
LISTED = (
    {name for names in SECTIONS.values() for name in names} - WITH_FILES - SERVING - {name for name, *_ in COMMANDS}
)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_ids_and_texts_are_shown_as_text(db, form):
    """No command passes on what a terminal would obey; an answer in JSON is read back as it was."""
    seen = ""
    for name, *arguments in (*COMMANDS, *((name,) for name in sorted(LISTED))):
        printed = ran(name, db, *arguments, *form)
        assert not UNSEEN.search(printed), (name, printed)
        seen += printed
    assert WRITTEN in seen


def test_a_journey_file_is_shown_as_text(tmp_path):
    """Nor does a picture, a journey, a problem or a loss of a file, nor the file's name."""
    file = tmp_path / f"{evil('j')}.json"
    steps = [Send(evil("hi"), channel=evil("EMAIL"), template=evil("t"))]
    file.write_text(dumps_journey(Journey(evil("j"), steps=steps)), encoding="utf-8")
    for form in ("mermaid", "dot", "json", "loyalty", "octeth"):
        assert not UNSEEN.search(ran("show", file, "--format", form))
    broken = tmp_path / f"{evil('k')}.json"
    broken.write_text(json.dumps({EVIL: EVIL}), encoding="utf-8")
    for command in ("check", "show", "deploy"):
        files = [broken] if command != "deploy" else [tmp_path / "new.db", broken]
        printed = ran(command, *files)
        assert "u202e" in printed, command
        assert not UNSEEN.search(printed)
    (tmp_path / "events.csv").write_text(f"at,type,customer\n{EVIL!s},x,y\n", encoding="utf-8", newline="")
    ran("deploy", tmp_path / "new.db", file)
    assert not UNSEEN.search(ran("feed", tmp_path / "new.db", tmp_path / "events.csv"))


@pytest.mark.parametrize("arguments", [(EVIL,), ("journeys", EVIL), ("audit", "x", EVIL), ("stats", "x", "--by", EVIL)])
def test_wrong_usage_is_shown_as_text(arguments):
    """What click says of arguments goes the same way."""
    assert not UNSEEN.search(ran(*arguments))


def test_json_is_read_back_as_it_was(db):
    """Escaped as JSON escapes, so that nothing is lost."""
    (claimed, _) = json.loads(ran("claim", db, "w", "--json", "--at", START.isoformat()))
    assert claimed["customer"] == evil("ann")
    assert claimed["data"] == {"text": EVIL}


# --- streams ----------------------------------------------------------------------------------------------------------


def started(db: Path, *arguments: object, **streams: object) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a process of its own, in a legacy locale."""
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "journeyflow.cli", arguments[0], db, *arguments[1:]]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run([*map(str, command)], env=environment, check=False, **given)  # type: ignore[call-overload,no-any-return]  # noqa: S603 our own code


def claimable(db: Path) -> int:
    """Return how many messages can be claimed, each for the first time."""
    with Engine(db) as engine:
        return sum(message.attempts == 1 for message in engine.claim("w", at=START))


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_output_is_utf_8_in_every_locale(db, form):
    """A claim shows what it claimed although the locale lacks the letters."""
    done = started(db, "claim", "w", "--at", START.isoformat(), *form)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Ł" in done.stdout.decode("utf-8")
    assert claimable(db) == 0


@pytest.fixture(params=["full", "closed", "pipe"])
def lost(request):
    """Give a standard output that takes nothing."""
    if request.param == "closed":
        yield None
        return
    if request.param == "full":
        if not Path("/dev/full").exists():
            pytest.skip("no /dev/full here")
        with Path("/dev/full").open("wb") as full:
            yield full
        return
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.mark.skipif(sys.platform == "win32", reason="streams of POSIX")
def test_a_claim_that_cannot_be_shown_is_given_back(db, lost):
    """Nobody has got the messages, so their attempt does not count (R71)."""
    given = {"stdout": lost} if lost is not None else {"stdout": None, "preexec_fn": lambda: os.close(1)}
    done = started(db, "claim", "w", "--at", START.isoformat(), "--json", **given)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: nothing is claimed, because the output could not be written: [Errno ")
    assert b"Traceback" not in done.stderr
    assert claimable(db) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="streams of POSIX")
def test_a_command_whose_output_is_lost_says_that_its_work_is_done(db, lost):
    """Exit status 3 is not 1: whoever feeds a file a second time would feed it twice. A closed pipe is not a fault."""
    given = {"stdout": lost} if lost is not None else {"stdout": None, "preexec_fn": lambda: os.close(1)}
    done = started(db, "enroll", "full", "eve", "--at", START.isoformat(), **given)
    assert done.returncode == 3
    piped = b"" if isinstance(lost, int) else b"Error: the output could not be written: [Errno "
    assert done.stderr.startswith(piped)
    assert (b"what the command changed stands" in done.stderr) == bool(piped)
    with Engine(db) as engine:
        assert engine.tick(START).inputs == 1


def test_a_claim_that_is_interrupted_while_it_is_shown_is_given_back(db, monkeypatch):
    """Whatever is raised after the commit (R71)."""

    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("journeyflow.cli.delivery.show", interrupted)
    assert CliRunner().invoke(main, ["claim", str(db), "w", "--at", START.isoformat()]).exit_code == 1
    assert claimable(db) == 2


def test_a_stream_that_is_no_file_is_taken_as_it_is(monkeypatch):
    """A program that runs commands itself may have put anything there."""
    monkeypatch.setattr(sys, "stdout", None)
    in_utf8()


def test_a_terminal_that_is_gone_stops_no_work(monkeypatch):
    """A progress bar is for people; its end is not the end of an import."""
    bar = shared.Bar()
    bar.shown = True

    def gone(*_arguments, **_options):
        raise OSError(5, "gone")

    monkeypatch.setattr("click.echo", gone)
    with closing(bar):
        bar("events", 1, 2)


def unwritten(*arguments: object) -> str:
    """Run a command that cannot write its file: status 3, one sentence, no stack trace; return the sentence."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == 3, done.output
    assert isinstance(done.exception, SystemExit)
    line = done.stderr.removesuffix("\n")
    assert "\n" not in line
    assert line.startswith("Error: the output could not be written: ")
    assert line.endswith("; name a place that is there, is writable and has room")
    return line


def test_a_file_that_cannot_be_written_is_told_with_its_place(db, tmp_path, monkeypatch):
    """Nothing is computed for a page that has no place; what fails later is told in the same way."""
    missing, file = tmp_path / "nope", tmp_path / "file"
    file.write_text("")
    assert f"{missing}: No such file" in unwritten("report", db, "-o", missing / "x.html")
    assert f"{file}/x: Not a directory" in unwritten("export", db, "--to", file / "x")
    assert f"{missing}/x.json: No such file" in unwritten("record", db, J, ANN, missing / "x.json")
    assert f"{missing}: No such file" in unwritten("demo", "--db", missing / "x.db")
    journey = tmp_path / "j.json"
    journey.write_text(dumps_journey(Journey("j", trigger=Trigger("go"), steps=[Wait("w", "1 day")])))
    with monkeypatch.context() as patch:
        patch.setattr("journeyflow.simulation.simulate", None)  # would fail if it were called
        assert f"{missing}: No such file" in unwritten("simulate", journey, "--html", missing / "x.html")
        patch.setattr("journeyflow.cli.reports.os.access", lambda place, _: place != tmp_path)
        assert f"{tmp_path}: Permission denied" in unwritten("simulate", journey, "--html", tmp_path / "x.html")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    page = tmp_path / "y.html"
    assert f"{page}: No space left" in unwritten("simulate", journey, "--customers", 1, "--days", 1, "--html", page)
    assert f"{page}: No space left" in unwritten("report", db, "-o", page)
