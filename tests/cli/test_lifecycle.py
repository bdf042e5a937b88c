"""Deploying journeys, and running and stopping them, from the shell."""

import json

import pytest
from attrs import evolve

from journeyflow import Chain, Engine, Journey, Send, Trigger, Update, Wait
from journeyflow.formats.native import dumps_journey
from tests.cli.shell import JOURNEY, call


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
