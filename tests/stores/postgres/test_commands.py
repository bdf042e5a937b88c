"""Commands of the shell take an address where they take a file."""

import json

import pytest
from click.testing import CliRunner

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Journey, Send, Trigger
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey

AT = ["--at", "2026-01-05T00:00:00Z"]


@pytest.fixture
def run(address, tmp_path):
    """Return a function that runs a command on the address, and returns what it prints as JSON."""
    letter = Journey(
        id="letter", trigger=Trigger(event="signup"), steps=[Send("hello", channel="EMAIL", template="hello")]
    )
    (tmp_path / "letter.json").write_text(dumps_journey(letter), encoding="utf-8")

    def call(command, *arguments):
        result = CliRunner().invoke(main, [command, address, *arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    call("deploy", str(tmp_path / "letter.json"), *AT)
    return call


def test_a_journey_is_run_by_commands(run):
    """Deploy, enroll, tick, claim, audit, vacuum."""
    run("enroll", "letter", "ann", "bob", *AT)
    assert run("tick", *AT)["messages"] == 2
    assert [each["customer"] for each in run("claim", "w", *AT)] == ["ann", "bob"]
    assert [each["active"] for each in run("journeys")] == [0]
    assert run("audit") == []
    assert run("vacuum") == {"before": None, "after": None}


def test_an_address_without_a_server_is_said_in_a_sentence():
    """With exit status 1, and without a traceback."""
    result = CliRunner().invoke(main, ["tick", "postgresql://127.0.0.1:1/x?connect_timeout=2", *AT])
    assert result.exit_code == 1
    assert "look at the server" in result.output
