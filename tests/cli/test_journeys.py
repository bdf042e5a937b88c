"""The commands that change journeys: what they print, and their exit status."""

import json

import pytest

from journeyflow import Engine, Event, Journey, Send, Trigger, Update, Wait, tag
from tests.cli.shell import call
from tests.samples import START, after

AT = ("--at", after("1 day").isoformat())


@pytest.fixture
def db(tmp_path):
    """Make a database with two versions of a journey, two people in the first, and a draft."""
    path = tmp_path / "j.db"
    with Engine(path, max_jump=None, grace=None) as engine:
        for step in ("rest", "pause"):
            hello = Send("hello", channel="EMAIL", template="t")
            vip = Update("vip", tag.add("vip"))
            engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[hello, Wait(step, "9 days"), vip]), at=START)
            engine.feed(Event("go", customer=f"c {step}", at=START))
            engine.tick(START)
        engine.publish(Journey(id="draft", steps=[]), at=START)
    return path


def test_an_unfinished_file_is_kept_as_a_draft(tmp_path):
    """R13: what is in the way of its activation is listed, until nothing is; a file that is none is refused."""
    db, file = tmp_path / "new.db", tmp_path / "j.json"
    file.write_text('{"triggerType": "go", "steps": [{"id": "a", "type": "WAIT", "config": {}, "nextStepId": "b"}]}')
    first = call("draft", db, "hi", file, *AT)
    assert (first.exit_code, first.output.splitlines()) == (
        0,
        [
            f"{file}: steps[0].config.duration: missing [missing]",
            f"{file}: steps[0].nextStepId: step 'a' continues at unknown step 'b' [dangling]",
            "hi is kept; 2 in the way of its activation",
        ],
    )
    refused = call("activate", db, "hi", *AT)
    assert (refused.exit_code, "steps[0].config.duration: missing" in refused.output) == (1, True)
    file.write_text('{"trigger": {"event": "go"}, "steps": [{"kind": "wait", "id": "a", "duration": "1 day"}]}')
    assert call("draft", db, "hi", file, *AT).output == "hi is kept; it can be activated\n"
    assert call("activate", db, "hi", *AT).exit_code == 0
    file.write_text('[{"triggerType": "go", "steps": []}]')
    wrong = call("draft", db, "hi", file, *AT)
    assert (wrong.exit_code, "a draft is one journey" in wrong.output) == (1, True)


def test_versions_are_listed(db):
    """R12: with the people in each."""
    assert call("versions", db, "j").output.splitlines()[1:] == [
        "      1  2026-01-05 08:00:00  2026-01-05 08:00:00       1         1        0",
        "      2  2026-01-05 08:00:00  2026-01-05 08:00:00       1         1        0  *",
    ]
    assert [each["active"] for each in json.loads(call("versions", db, "j", "--json").output)] == [1, 1]


def test_a_migration_is_tried_then_done(db):
    """R14: the dry run tells the same; people without a place are named, exit status 1."""
    refused = call("migrate", db, "j", 2, *AT)
    assert (refused.exit_code, "step 'rest' holds 1 (c rest)" in refused.output) == (1, True)
    tried = call("migrate", db, "j", 2, "--map", "rest=pause", "--dry-run", *AT)
    assert tried.output == (
        "from version  step  to     people\n           1  rest  pause       1\n1 would be moved to version 2\n"
    )
    done = call("migrate", db, "j", 2, "--map", "rest=pause", *AT)
    assert "1 were moved to version 2" in done.output
    assert call("migrate", db, "j", 2, *AT).output == "0 were moved to version 2\n"
    left = json.loads(call("migrate", db, "j", 1, "--exit", "pause", "--json", *AT).output)
    assert (left["people"], [each["to"] for each in left["moves"]]) == (2, [None])
    wrong = call("migrate", db, "j", 1, "--map", "rest", *AT)
    assert (wrong.exit_code, "'rest' is not STEP=TO" in wrong.output) == (2, True)


@pytest.mark.rows(57)
def test_flags_of_steps_are_set_and_shown(db):
    """R17."""
    assert "1  hello  send          yes" in call("steps", db, "j").output
    found = json.loads(call("steps", db, "j", "--unpublish", "hello", "--publish", "vip", "--json", *AT).output)
    assert [each["published"] for each in found] == [False, True, True, True]
    assert call("steps", db, "j", "--unpublish", "end", *AT).exit_code == 1
    assert "rest" in call("steps", db, "j", "--version", "1").output


@pytest.mark.rows(103, 105)
def test_journeys_are_cloned_and_copied(db):
    """R18: to another id, or to another tenant with a report."""
    assert call("clone", db, "j", "k", *AT).output == "k is a draft: Copy of journey j\n"
    assert call("clone", db, "j", "k", *AT).exit_code == 1
    copied = call("clone", db, "j", "k", "--to-tenant", "acme", *AT)
    assert copied.output == (
        "k is a draft of tenant acme; these references were reset:\n"
        "place                      what  was\nsteps[2].changes[0].value  tag   vip\n"
    )
    assert call("clone", db, "draft", "d", "--to-tenant", "acme", *AT).output == "d is a draft of tenant acme\n"


def test_names_are_edited(db):
    """R12."""
    assert "name         Jay" in call("edit", db, "j", "--name", "Jay", *AT).output
    assert json.loads(call("edit", db, "j", "--notes", "x", "--json", *AT).output)["notes"] == "x"


@pytest.mark.rows(95)
def test_journeys_are_taken_away(db):
    """R15: a draft, or an archived one."""
    assert call("delete", db, "j").exit_code == 1
    assert call("delete", db, "draft").output == "draft is gone\n"
    assert call("archive", db, "j", *AT).exit_code == 0
    assert call("purge", db, "j").output == "j is gone\n"


@pytest.mark.rows(106, 107)
def test_many_journeys_at_once(db):
    """F107: each is done or has failed; exit status 1 when none was done."""
    done = call("bulk", db, "clone", "j", "x", *AT)
    assert done.exit_code == 0
    assert done.output.splitlines()[1:] == ["j        done     j-copy", "x        failed   no journey 'x'"]
    assert call("bulk", db, "delete", "x", "y", *AT).exit_code == 1
    done = json.loads(call("bulk", db, "disable", "j", "x", "--json", *AT).output)
    assert (done["processed"], done["failed"]) == (["j"], {"x": "no journey 'x'"})


@pytest.mark.rows(101)
def test_a_resume_may_shift(db):
    """R16: from the shell too."""
    assert call("pause", db, "j", *AT).exit_code == 0
    later = ("--at", after("2 days").isoformat())
    assert call("resume", db, "j", "--overdue", "shift", *later).exit_code == 0
    with Engine(db) as engine:
        assert engine.enrollment("j", "c rest").due == after("10 days")
