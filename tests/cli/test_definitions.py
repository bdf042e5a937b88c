"""Commands on journey files: what is wrong with them, and what they look like."""

import json

import pytest

from journeyflow import Journey, Wait, update_step
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.schema import dumps_schema
from tests.cli.shell import JOURNEY, call


def test_check_names_every_problem_and_fails_on_errors(folder):
    """Warnings alone are not a failure; errors give exit status 1."""
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


def test_the_schema_is_printed_for_editors():
    """What is printed is the file that is shipped, byte for byte."""
    assert call("schema").stdout == dumps_schema()


def test_a_warning_about_a_loyalty_file_has_its_place_in_that_file(folder):
    """The TRIGGER is the first of its steps, and none of the journey's; nothing is told twice."""
    steps: list[dict[str, object]] = [{"id": name, "type": "END"} for name in ("a", "b")]
    document = {"id": "hi", "triggerType": "joined", "steps": [{"type": "TRIGGER", "nextStepId": "a"}, *steps]}
    (folder / "loyalty.json").write_text(json.dumps(document))
    told = [line for line in call("check", folder / "loyalty.json").stdout.splitlines() if "no path leads" in line]
    assert len(told) == 1
    assert "steps[2]: no path leads to step 'b'; nobody will be there [lost]" in told[0]


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
